#include "base/sim_disk.h"

#include <errno.h>
#include <stdlib.h>

/* ── directory entries ── */

/* The place of `name`, or where it would be. */
static uint32_t entries_search(const ps_sim_entries *entries, const char *name, bool *out_found)
{
    uint32_t low = 0;
    uint32_t high = entries->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (strcmp(entries->items[middle].name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *out_found = low < entries->count && strcmp(entries->items[low].name, name) == 0;
    return low;
}

static uint32_t entries_find(const ps_sim_entries *entries, const char *name)
{
    bool found;
    uint32_t at = entries_search(entries, name, &found);
    return found ? entries->items[at].inode : PS_SIM_NO_INODE;
}

static void entries_put(ps_sim_entries *entries, const char *name, uint32_t inode)
{
    bool found;
    uint32_t at = entries_search(entries, name, &found);
    if (!found) {
        if (entries->count == entries->capacity) {
            entries->capacity = entries->capacity * 2 + 8;
            entries->items =
                ps_sim_realloc(entries->items, entries->capacity * sizeof(ps_sim_entry));
        }
        memmove(entries->items + at + 1, entries->items + at,
                (entries->count - at) * sizeof(ps_sim_entry));
        entries->count++;
        ps_sim_entry *entry = &entries->items[at];
        size_t length = strlen(name);
        PS_ASSERT(length < sizeof entry->name);
        memset(entry, 0, sizeof *entry);
        memcpy(entry->name, name, length);
    }
    entries->items[at].inode = inode;
}

/* Only when the name still leads to `inode`. */
static void entries_remove(ps_sim_entries *entries, const char *name, uint32_t inode)
{
    bool found;
    uint32_t at = entries_search(entries, name, &found);
    if (found && entries->items[at].inode == inode) {
        entries->count--;
        memmove(entries->items + at, entries->items + at + 1,
                (entries->count - at) * sizeof(ps_sim_entry));
    }
}

static void entries_copy(ps_sim_entries *out, const ps_sim_entries *from)
{
    *out = (ps_sim_entries){.count = from->count, .capacity = from->count};
    if (from->count > 0) {
        out->items = ps_sim_alloc(from->count * sizeof(ps_sim_entry));
        memcpy(out->items, from->items, from->count * sizeof(ps_sim_entry));
    }
}

/* ── pending operations ── */

static const char *pending_name(const ps_pending *op)
{
    return op->payload->bytes;
}

static const char *pending_to_name(const ps_pending *op)
{
    return op->payload->bytes + strlen(op->payload->bytes) + 1;
}

static ps_sim_payload *payload_new(size_t size)
{
    ps_sim_payload *payload = ps_sim_alloc(sizeof *payload + size);
    payload->refs = 1;
    return payload;
}

static ps_sim_payload *payload_of_names(const char *name, const char *to_name)
{
    size_t name_size = strlen(name) + 1;
    size_t to_size = strlen(to_name) + 1;
    ps_sim_payload *payload = payload_new(name_size + to_size);
    memcpy(payload->bytes, name, name_size);
    memcpy(payload->bytes + name_size, to_name, to_size);
    return payload;
}

static void payload_drop(ps_sim_payload *payload)
{
    if (payload != NULL && --payload->refs == 0) {
        free(payload);
    }
}

static void pending_add(ps_sim_disk *disk, ps_pending op)
{
    if (disk->pending_count == disk->pending_capacity) {
        disk->pending_capacity = disk->pending_capacity * 2 + 16;
        disk->pending = ps_sim_realloc(disk->pending, disk->pending_capacity * sizeof(ps_pending));
    }
    disk->pending[disk->pending_count++] = op;
}

typedef bool (*pending_filter)(const ps_pending *op, uint32_t inode);

static bool is_data_of(const ps_pending *op, uint32_t inode)
{
    return ps_pending_is_data(op) && op->inode == inode;
}

static bool is_entry_of_dir(const ps_pending *op, uint32_t dir)
{
    return !ps_pending_is_data(op) &&
           (op->dir == dir || (op->kind == PS_PENDING_RENAME && op->to_dir == dir));
}

static bool is_about(const ps_pending *op, uint32_t inode)
{
    return op->inode == inode;
}

/* Takes the chosen operations off the list, in order; applies them when `apply`. */
static void pending_take(ps_sim_disk *disk, pending_filter filter, uint32_t inode, bool apply)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < disk->pending_count; i++) {
        ps_pending op = disk->pending[i];
        if (!filter(&op, inode)) {
            disk->pending[kept++] = op;
            continue;
        }
        if (apply) {
            ps_sim_disk_apply(disk, &op, op.offset, op.size);
        }
        payload_drop(op.payload);
    }
    disk->pending_count = kept;
}

void ps_sim_disk_apply(ps_sim_disk *disk, const ps_pending *op, uint64_t offset, uint64_t size)
{
    ps_sim_inode *inodes = disk->inodes;
    switch (op->kind) {
    case PS_PENDING_WRITE: {
        const char *data = op->payload != NULL ? op->payload->bytes + (offset - op->offset) : NULL;
        ps_sim_image_write(&inodes[op->inode].stable, offset, data, size);
        return;
    }
    case PS_PENDING_TRUNCATE:
        ps_sim_image_resize(&inodes[op->inode].stable, op->size);
        return;
    case PS_PENDING_CREATE:
        entries_put(&inodes[op->dir].durable, pending_name(op), op->inode);
        return;
    case PS_PENDING_UNLINK:
        entries_remove(&inodes[op->dir].durable, pending_name(op), op->inode);
        return;
    case PS_PENDING_RENAME:
        entries_remove(&inodes[op->dir].durable, pending_name(op), op->inode);
        entries_put(&inodes[op->to_dir].durable, pending_to_name(op), op->inode);
        return;
    }
}

/* ── lifetime ── */

static uint32_t inode_new(ps_sim_disk *disk, bool is_directory)
{
    uint32_t number = disk->inode_count++;
    /* Powers of two. */
    if ((number & (number - 1)) == 0) {
        uint64_t capacity = number > 0 ? (uint64_t)number * 2 : 1;
        disk->inodes = ps_sim_realloc(disk->inodes, capacity * sizeof(ps_sim_inode));
    }
    disk->inodes[number] = (ps_sim_inode){.used = true, .is_directory = is_directory};
    return number;
}

static void inode_release(ps_sim_inode *inode)
{
    ps_sim_image_drop(inode->cache);
    ps_sim_image_drop(inode->stable);
    free(inode->live.items);
    free(inode->durable.items);
    *inode = (ps_sim_inode){0};
}

void ps_sim_disk_init(ps_sim_disk *disk)
{
    *disk = (ps_sim_disk){0};
    uint32_t root = inode_new(disk, true);
    PS_ASSERT(root == PS_SIM_ROOT);
}

void ps_sim_disk_release(ps_sim_disk *disk)
{
    for (uint32_t i = 0; i < disk->inode_count; i++) {
        inode_release(&disk->inodes[i]);
    }
    for (uint32_t i = 0; i < disk->pending_count; i++) {
        payload_drop(disk->pending[i].payload);
    }
    free(disk->inodes);
    free(disk->pending);
    *disk = (ps_sim_disk){0};
}

void ps_sim_disk_copy(ps_sim_disk *out_disk, const ps_sim_disk *disk)
{
    *out_disk = (ps_sim_disk){0};
    for (uint32_t i = 0; i < disk->inode_count; i++) {
        const ps_sim_inode *from = &disk->inodes[i];
        uint32_t number = inode_new(out_disk, from->is_directory);
        ps_sim_inode *to = &out_disk->inodes[number];
        to->used = from->used;
        to->poisoned = from->poisoned;
        to->diverged = from->diverged;
        to->cache = ps_sim_image_share(from->cache);
        to->stable = ps_sim_image_share(from->stable);
        entries_copy(&to->live, &from->live);
        entries_copy(&to->durable, &from->durable);
    }
    for (uint32_t i = 0; i < disk->pending_count; i++) {
        ps_pending op = disk->pending[i];
        if (op.payload != NULL) {
            op.payload->refs++;
        }
        pending_add(out_disk, op);
    }
}

static void mark_entries(const ps_sim_disk *disk, const ps_sim_entries *entries, bool on_disk,
                         bool *changed)
{
    for (uint32_t i = 0; i < entries->count; i++) {
        ps_sim_inode *inode = &disk->inodes[entries->items[i].inode];
        *changed = *changed || !inode->marked || (on_disk && !inode->on_disk);
        inode->marked = true;
        inode->on_disk = inode->on_disk || on_disk;
    }
}

/* Marks what names, handles and pending operations lead to. Directories are few and flat: repeating
 * until nothing changes is enough. */
static void mark_all(ps_sim_disk *disk)
{
    for (uint32_t i = 0; i < disk->inode_count; i++) {
        ps_sim_inode *inode = &disk->inodes[i];
        inode->on_disk = i == PS_SIM_ROOT || inode->open_count > 0;
        inode->marked = inode->on_disk;
    }
    for (uint32_t i = 0; i < disk->pending_count; i++) {
        const ps_pending *op = &disk->pending[i];
        disk->inodes[op->inode].marked = disk->inodes[op->inode].used;
        if (!ps_pending_is_data(op)) {
            disk->inodes[op->dir].marked = true;
            disk->inodes[op->to_dir].marked = true;
        }
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t i = 0; i < disk->inode_count; i++) {
            const ps_sim_inode *inode = &disk->inodes[i];
            if (inode->used && inode->is_directory && inode->marked) {
                mark_entries(disk, &inode->live, inode->on_disk, &changed);
                mark_entries(disk, &inode->durable, false, &changed);
            }
        }
    }
}

void ps_sim_disk_sweep(ps_sim_disk *disk)
{
    mark_all(disk);
    for (uint32_t i = 0; i < disk->inode_count; i++) {
        ps_sim_inode *inode = &disk->inodes[i];
        if (inode->used && !inode->marked) {
            inode_release(inode);
        }
    }
}

uint64_t ps_sim_disk_used(ps_sim_disk *disk)
{
    mark_all(disk);
    uint64_t used = 0;
    for (uint32_t i = 0; i < disk->inode_count; i++) {
        const ps_sim_inode *inode = &disk->inodes[i];
        used += inode->used && inode->on_disk ? ps_sim_image_size(inode->cache) : 0;
    }
    return used;
}

/* ── paths ── */

int ps_sim_disk_resolve(const ps_sim_disk *disk, const char *path, ps_sim_place *out_place)
{
    ps_sim_place place = {.dir = PS_SIM_ROOT, .inode = PS_SIM_ROOT};
    for (const char *at = path; *at != '\0';) {
        size_t length = strcspn(at, "/");
        const char *part = at;
        at += length + (at[length] == '/');
        if (length == 0 || (length == 1 && part[0] == '.')) {
            continue;
        }
        if (place.inode == PS_SIM_NO_INODE) {
            return ENOENT;
        }
        const ps_sim_inode *dir = &disk->inodes[place.inode];
        if (!dir->is_directory) {
            return ENOTDIR;
        }
        if (length >= sizeof place.name) {
            return ENAMETOOLONG;
        }
        memcpy(place.name, part, length);
        place.name[length] = '\0';
        place.dir = place.inode;
        place.inode = entries_find(&dir->live, place.name);
    }
    *out_place = place;
    return 0;
}

/* ── live changes ── */

uint32_t ps_sim_disk_create(ps_sim_disk *disk, const ps_sim_place *place, bool is_directory)
{
    PS_ASSERT(place->inode == PS_SIM_NO_INODE);
    uint32_t inode = inode_new(disk, is_directory);
    entries_put(&disk->inodes[place->dir].live, place->name, inode);
    pending_add(disk, (ps_pending){.kind = PS_PENDING_CREATE,
                                   .inode = inode,
                                   .dir = place->dir,
                                   .payload = payload_of_names(place->name, "")});
    return inode;
}

void ps_sim_disk_unlink(ps_sim_disk *disk, const ps_sim_place *place)
{
    entries_remove(&disk->inodes[place->dir].live, place->name, place->inode);
    pending_add(disk, (ps_pending){.kind = PS_PENDING_UNLINK,
                                   .inode = place->inode,
                                   .dir = place->dir,
                                   .payload = payload_of_names(place->name, "")});
}

void ps_sim_disk_rename(ps_sim_disk *disk, const ps_sim_place *from, const ps_sim_place *to)
{
    entries_remove(&disk->inodes[from->dir].live, from->name, from->inode);
    entries_put(&disk->inodes[to->dir].live, to->name, from->inode);
    pending_add(disk, (ps_pending){.kind = PS_PENDING_RENAME,
                                   .inode = from->inode,
                                   .dir = from->dir,
                                   .to_dir = to->dir,
                                   .payload = payload_of_names(from->name, to->name)});
}

void ps_sim_disk_write(ps_sim_disk *disk, uint32_t inode, uint64_t offset, const void *data,
                       uint64_t size)
{
    if (size == 0) {
        return;
    }
    ps_sim_payload *payload = NULL;
    if (data != NULL) {
        payload = payload_new(size);
        memcpy(payload->bytes, data, size);
    }
    ps_sim_image_write(&disk->inodes[inode].cache, offset, data, size);
    pending_add(disk, (ps_pending){.kind = PS_PENDING_WRITE,
                                   .inode = inode,
                                   .offset = offset,
                                   .size = size,
                                   .payload = payload});
}

void ps_sim_disk_truncate(ps_sim_disk *disk, uint32_t inode, uint64_t size)
{
    ps_sim_image_resize(&disk->inodes[inode].cache, size);
    pending_add(disk, (ps_pending){.kind = PS_PENDING_TRUNCATE, .inode = inode, .size = size});
}

/* ── syncs ── */

void ps_sim_disk_sync_file(ps_sim_disk *disk, uint32_t number)
{
    ps_sim_inode *inode = &disk->inodes[number];
    pending_take(disk, is_data_of, number, inode->diverged);
    if (!inode->diverged) {
        ps_sim_image_drop(inode->stable);
        inode->stable = ps_sim_image_share(inode->cache);
    }
}

void ps_sim_disk_sync_dir(ps_sim_disk *disk, uint32_t dir)
{
    pending_take(disk, is_entry_of_dir, dir, true);
    ps_sim_disk_sweep(disk);
}

void ps_sim_disk_forget_data(ps_sim_disk *disk, uint32_t inode)
{
    pending_take(disk, is_data_of, inode, false);
}

void ps_sim_disk_settle(ps_sim_disk *disk)
{
    for (uint32_t i = 0; i < disk->pending_count; i++) {
        payload_drop(disk->pending[i].payload);
    }
    disk->pending_count = 0;
    for (uint32_t i = 0; i < disk->inode_count; i++) {
        ps_sim_inode *inode = &disk->inodes[i];
        ps_sim_image_drop(inode->cache);
        inode->cache = ps_sim_image_share(inode->stable);
        inode->diverged = false;
        free(inode->live.items);
        entries_copy(&inode->live, &inode->durable);
    }
}

/* ── damage at rest ── */

void ps_sim_disk_put(ps_sim_disk *disk, const ps_sim_place *place, ps_slice bytes)
{
    uint32_t number = place->inode;
    if (number == PS_SIM_NO_INODE) {
        number = inode_new(disk, false);
    }
    pending_take(disk, is_about, number, false);
    entries_put(&disk->inodes[place->dir].live, place->name, number);
    entries_put(&disk->inodes[place->dir].durable, place->name, number);
    ps_sim_inode *inode = &disk->inodes[number];
    ps_sim_image_resize(&inode->cache, 0);
    ps_sim_image_write(&inode->cache, 0, bytes.data, bytes.size);
    ps_sim_image_drop(inode->stable);
    inode->stable = ps_sim_image_share(inode->cache);
    inode->diverged = false;
}

void ps_sim_disk_erase(ps_sim_disk *disk, const ps_sim_place *place)
{
    pending_take(disk, is_about, place->inode, false);
    entries_remove(&disk->inodes[place->dir].live, place->name, place->inode);
    entries_remove(&disk->inodes[place->dir].durable, place->name, place->inode);
    ps_sim_disk_sweep(disk);
}
