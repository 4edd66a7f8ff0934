/* What a power cut leaves: FAULTS §2.2, one function a policy.
 *
 * The unit of survival is a sector of a write, or a whole operation of any other kind. Operations
 * on names keep their order among themselves, as the journal of a file system does; all the rest
 * may go any way. Every choice is a draw of the simulation. */
#include <stdlib.h>

#include "base/sim_disk.h"
#include "base/sometimes.h"

/* A piece of pending operation `op`: for a write the bytes [offset, offset + size). */
typedef struct {
    uint32_t op;
    uint64_t offset;
    uint64_t size;
} crash_unit;

typedef struct {
    crash_unit *items;
    uint64_t count;
} crash_units;

typedef struct {
    ps_sim_disk *disk;
    ps_sim *sim;
} crash_scene;

static void apply_op(const crash_scene *crash, uint32_t op)
{
    const ps_pending *pending = &crash->disk->pending[op];
    ps_sim_disk_apply(crash->disk, pending, pending->offset, pending->size);
}

static void apply_unit(const crash_scene *crash, const crash_unit *unit)
{
    ps_sim_disk_apply(crash->disk, &crash->disk->pending[unit->op], unit->offset, unit->size);
}

static void apply_prefix(const crash_scene *crash, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        apply_op(crash, i);
    }
}

static uint64_t sector_end(uint64_t offset)
{
    return (offset / PS_SIM_SECTOR + 1) * PS_SIM_SECTOR;
}

/* All pending operations as units: writes whole or, when `by_sector`, cut at sectors. */
static crash_units units_new(const ps_sim_disk *disk, bool by_sector)
{
    uint64_t most = 1;
    for (uint32_t i = 0; i < disk->pending_count; i++) {
        most += 2 + (by_sector ? disk->pending[i].size / PS_SIM_SECTOR : 0);
    }
    crash_units units = {.items = ps_sim_alloc(most * sizeof(crash_unit))};
    for (uint32_t i = 0; i < disk->pending_count; i++) {
        const ps_pending *op = &disk->pending[i];
        if (!by_sector || op->kind != PS_PENDING_WRITE) {
            units.items[units.count++] = (crash_unit){i, op->offset, op->size};
            continue;
        }
        uint64_t end = op->offset + op->size;
        for (uint64_t at = op->offset; at < end;) {
            uint64_t next = sector_end(at) < end ? sector_end(at) : end;
            units.items[units.count++] = (crash_unit){i, at, next - at};
            at = next;
        }
    }
    return units;
}

/* ── choices of units ── */

static void survive_drop_one(const crash_scene *crash)
{
    crash_units units = units_new(crash->disk, ps_sim_draw(crash->sim, 2) == 0);
    uint64_t dropped = units.count > 0 ? ps_sim_draw(crash->sim, units.count) : 0;
    for (uint64_t i = 0; i < units.count; i++) {
        if (i != dropped) {
            apply_unit(crash, &units.items[i]);
        }
    }
    free(units.items);
}

static crash_units draw_subset(const crash_scene *crash)
{
    crash_units units = units_new(crash->disk, ps_sim_draw(crash->sim, 2) == 0);
    uint64_t kept = 0;
    for (uint64_t i = 0; i < units.count; i++) {
        if (ps_sim_draw(crash->sim, 2) == 0) {
            units.items[kept++] = units.items[i];
        }
    }
    units.count = kept;
    return units;
}

static void survive_subset(const crash_scene *crash)
{
    crash_units units = draw_subset(crash);
    for (uint64_t i = 0; i < units.count; i++) {
        apply_unit(crash, &units.items[i]);
    }
    free(units.items);
}

static bool is_data_unit(const crash_scene *crash, const crash_unit *unit)
{
    return ps_pending_is_data(&crash->disk->pending[unit->op]);
}

/* The next unit of the names at or after `at`. */
static uint64_t next_name_unit(const crash_scene *crash, const crash_units *units, uint64_t at)
{
    while (at < units->count && is_data_unit(crash, &units->items[at])) {
        at++;
    }
    return at;
}

static void survive_reordered(const crash_scene *crash)
{
    crash_units units = draw_subset(crash);
    uint64_t *order = ps_sim_alloc((units.count + 1) * sizeof(uint64_t));
    for (uint64_t i = 0; i < units.count; i++) {
        uint64_t other = ps_sim_draw(crash->sim, i + 1);
        order[i] = order[other];
        order[other] = i;
    }
    /* Where the shuffle says "a name", take the next name in its old order. */
    uint64_t name_at = next_name_unit(crash, &units, 0);
    for (uint64_t i = 0; i < units.count; i++) {
        if (is_data_unit(crash, &units.items[order[i]])) {
            apply_unit(crash, &units.items[order[i]]);
        } else {
            apply_unit(crash, &units.items[name_at]);
            name_at = next_name_unit(crash, &units, name_at + 1);
        }
    }
    free(order);
    free(units.items);
}

/* ── torn writes ── */

/* A pending write at random; pending_count when there is none. */
static uint32_t draw_write(const crash_scene *crash)
{
    const ps_sim_disk *disk = crash->disk;
    uint32_t count = 0;
    for (uint32_t i = 0; i < disk->pending_count; i++) {
        count += disk->pending[i].kind == PS_PENDING_WRITE;
    }
    uint64_t skip = count > 0 ? ps_sim_draw(crash->sim, count) : 0;
    for (uint32_t i = 0; i < disk->pending_count; i++) {
        if (disk->pending[i].kind == PS_PENDING_WRITE && skip-- == 0) {
            return i;
        }
    }
    return disk->pending_count;
}

static void write_noise(const crash_scene *crash, const ps_pending *op, uint64_t offset,
                        uint64_t size)
{
    enum { STEP = 4096 };
    char noise[STEP];
    ps_sim_image **image = &crash->disk->inodes[op->inode].stable;
    for (uint64_t done = 0; done < size;) {
        uint64_t step = size - done < STEP ? size - done : STEP;
        for (uint64_t i = 0; i < step; i++) {
            noise[i] = (char)ps_sim_draw(crash->sim, 256);
        }
        ps_sim_image_write(image, offset + done, noise, step);
        done += step;
    }
}

/* What came before one write survives whole, of the write itself a part that ends at a multiple of
 * `grain` in the file. The rest of it is noise, or what was there before with the size either grown
 * (zeros) or not. */
static void survive_torn(const crash_scene *crash, uint64_t grain, bool noise)
{
    uint32_t torn = draw_write(crash);
    apply_prefix(crash, torn);
    if (torn == crash->disk->pending_count) {
        return;
    }
    const ps_pending *op = &crash->disk->pending[torn];
    uint64_t cut = (op->offset + ps_sim_draw(crash->sim, op->size)) / grain * grain;
    uint64_t kept = cut > op->offset ? cut - op->offset : 0;
    uint64_t end = op->offset + op->size;
    ps_sim_image **image = &crash->disk->inodes[op->inode].stable;
    ps_sim_disk_apply(crash->disk, op, op->offset, kept);
    if (noise) {
        write_noise(crash, op, op->offset + kept, op->size - kept);
    } else if (ps_sim_draw(crash->sim, 2) == 0 && ps_sim_image_size(*image) < end) {
        ps_sim_image_resize(image, end);
    }
}

/* ── metadata and data apart ── */

static void survive_names(const crash_scene *crash, bool names, bool data)
{
    for (uint32_t i = 0; i < crash->disk->pending_count; i++) {
        if (ps_pending_is_data(&crash->disk->pending[i]) ? data : names) {
            apply_op(crash, i);
        }
    }
}

static void survive_size_no_data(const crash_scene *crash)
{
    for (uint32_t i = 0; i < crash->disk->pending_count; i++) {
        const ps_pending *op = &crash->disk->pending[i];
        if (op->kind != PS_PENDING_WRITE) {
            apply_op(crash, i);
            continue;
        }
        ps_sim_image **image = &crash->disk->inodes[op->inode].stable;
        if (ps_sim_image_size(*image) < op->offset + op->size) {
            ps_sim_image_resize(image, op->offset + op->size);
        }
    }
}

static void survive_unlink_first(const crash_scene *crash)
{
    for (uint32_t i = 0; i < crash->disk->pending_count; i++) {
        if (crash->disk->pending[i].kind != PS_PENDING_RENAME) {
            apply_op(crash, i);
        }
    }
}

void ps_sim_disk_crash(ps_sim_disk *disk, ps_survive how, ps_sim *sim)
{
    const crash_scene crash = {disk, sim};
    switch (how) {
    case PS_SURVIVE_NONE:
        PS_SOMETIMES("power cut: nothing unsynced is left");
        break;
    case PS_SURVIVE_ALL:
        PS_SOMETIMES("power cut: all is left");
        return; /* the page cache lives on, and what is pending in it stays pending */
    case PS_SURVIVE_PREFIX:
        PS_SOMETIMES("power cut: a prefix is left");
        apply_prefix(&crash, (uint32_t)ps_sim_draw(sim, (uint64_t)disk->pending_count + 1));
        break;
    case PS_SURVIVE_DROP_ONE:
        PS_SOMETIMES("power cut: one operation is lost");
        survive_drop_one(&crash);
        break;
    case PS_SURVIVE_SUBSET:
        PS_SOMETIMES("power cut: a subset is left");
        survive_subset(&crash);
        break;
    case PS_SURVIVE_REORDERED:
        PS_SOMETIMES("power cut: a subset is left in another order");
        survive_reordered(&crash);
        break;
    case PS_SURVIVE_TORN_512:
        PS_SOMETIMES("power cut: a write is torn at 512 bytes");
        survive_torn(&crash, 512, false);
        break;
    case PS_SURVIVE_TORN_4096:
        PS_SOMETIMES("power cut: a write is torn at 4,096 bytes");
        survive_torn(&crash, 4096, false);
        break;
    case PS_SURVIVE_TORN_BYTE:
        PS_SOMETIMES("power cut: a write is torn at a byte");
        survive_torn(&crash, 1, false);
        break;
    case PS_SURVIVE_TORN_NOISE:
        PS_SOMETIMES("power cut: a write is torn, the rest is noise");
        survive_torn(&crash, 1, true);
        break;
    case PS_SURVIVE_SIZE_NO_DATA:
        PS_SOMETIMES("power cut: sizes without data");
        survive_size_no_data(&crash);
        break;
    case PS_SURVIVE_NAME_NO_DATA:
        PS_SOMETIMES("power cut: names without data");
        survive_names(&crash, true, false);
        break;
    case PS_SURVIVE_DATA_NO_NAME:
        PS_SOMETIMES("power cut: data without names");
        survive_names(&crash, false, true);
        break;
    case PS_SURVIVE_UNLINK_FIRST:
        PS_SOMETIMES("power cut: unlinks before renames");
        survive_unlink_first(&crash);
        break;
    case PS_SURVIVE_RANDOM:
    case PS_SURVIVE_COUNT:
        PS_ASSERT(false);
    }
    ps_sim_disk_settle(disk);
}
