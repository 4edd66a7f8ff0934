/* Fuzzes the snapshot reader. The input patches a valid snapshot on the simulated disk:
 *   byte 0       1: checksums of pages and block headers are put right after patching
 *   bytes 1–2    the file is cut by that many bytes
 *   then, repeated: offset (2), size (1), bytes
 * Without put-right checksums the outcome is the same state or a refusal; anything else aborts. */
#include <stdlib.h>

#include "base/io_sim.h"
#include "journal/format.h"
#include "journal/snapshot.h"

#define DIR_NAME "s"
#define NAME "snap-0000000000000007"

enum { FILE_SIZE = 2 * PS_PAGE + 2 * 48 + 104 + 2000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ps_region regions[3];
static ps_region *const region_list[3] = {&regions[0], &regions[1], &regions[2]};
static const ps_snapshot_shape shape = {
    .regions = region_list, .region_count = 3, .layout_version = 1, .instance = {3, 4}};

static void fill(void)
{
    static const uint32_t sizes[3] = {100, 0, 2000};
    for (uint32_t i = 0; i < 3; i++) {
        ps_region_clear(&regions[i]);
        char *to = ps_region_extend(&regions[i], sizes[i]);
        for (uint32_t k = 0; k < sizes[i]; k++) {
            to[k] = (char)(k * 7 + i);
        }
    }
}

static ps_u128 state_hash(void)
{
    ps_u128 hashes[3];
    for (uint32_t i = 0; i < 3; i++) {
        hashes[i] = ps_xxh3_128(regions[i].data, regions[i].size);
    }
    return ps_xxh3_128(hashes, sizeof hashes);
}

static ps_sim *make_snapshot(void)
{
    ps_error err;
    ps_sim *sim = ps_sim_new(1);
    ps_io *io = ps_sim_io(sim);
    PS_ASSERT(ps_io_make_dir(io, DIR_NAME, &err) == PS_OK);
    for (uint32_t i = 0; i < 3; i++) {
        PS_ASSERT(ps_region_init(&regions[i], "fuzz", 1 << 20, &err) == PS_OK);
    }
    fill();
    ps_snapshot_writer *writer = NULL;
    PS_ASSERT(ps_snapshot_begin(io, DIR_NAME, &shape, 7, &writer, &err) == PS_OK);
    bool done = false;
    while (!done) {
        (void)!ps_snapshot_take_chunks(writer, 10);
        PS_ASSERT(ps_snapshot_write_chunks(writer, &done, &err) == PS_OK);
    }
    ps_snapshot_end(writer);
    return sim;
}

static void put_right(char bytes[FILE_SIZE])
{
    static const uint32_t block_at[2] = {PS_PAGE, PS_PAGE + 48 + 104};
    ps_put_u32(bytes + 8, ps_crc32c(0, bytes + 12, PS_PAGE - 12));
    char *trailer = bytes + FILE_SIZE - PS_PAGE;
    ps_put_u32(trailer + 8, ps_crc32c(0, trailer + 12, PS_PAGE - 12));
    for (uint32_t i = 0; i < 2; i++) {
        char *block = bytes + block_at[i];
        ps_u128 hash = ps_xxh3_128(block + 48, i == 0 ? 104 : 2000);
        memcpy(block + 24, &hash, sizeof hash);
        ps_put_u32(block, ps_crc32c(0, block + 4, 44));
    }
}

static void patch(ps_sim *sim, const uint8_t *data, size_t size, bool fix)
{
    static char bytes[FILE_SIZE];
    ps_slice file = {0};
    (void)!ps_sim_file_get(sim, DIR_NAME "/" NAME, &file);
    PS_ASSERT(file.size == FILE_SIZE);
    memcpy(bytes, file.data, FILE_SIZE);
    size_t cut = ps_get_u16(data) % FILE_SIZE;
    data += 2;
    size -= 2;
    while (size >= 3) {
        size_t offset = ps_get_u16(data) % FILE_SIZE;
        size_t count = data[2];
        data += 3;
        size -= 3;
        count = count < size ? count : size;
        count = count < FILE_SIZE - offset ? count : FILE_SIZE - offset;
        memcpy(bytes + offset, data, count);
        data += count;
        size -= count;
    }
    if (fix) {
        put_right(bytes);
    }
    (void)!ps_sim_file_set(sim, DIR_NAME "/" NAME, ps_slice_of(bytes, FILE_SIZE - cut));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static ps_sim *base;
    if (size < 3) {
        return 0;
    }
    if (base == NULL) {
        base = make_snapshot();
    }
    bool fix = data[0] % 2 == 1;
    fill();
    ps_u128 hash = state_hash();
    for (uint32_t i = 0; i < 3; i++) {
        ps_region_clear(&regions[i]);
    }
    ps_sim *sim = ps_sim_clone(base);
    patch(sim, data + 1, size - 1, fix);
    ps_error err;
    uint64_t seq = 0;
    ps_code code = ps_snapshot_load(ps_sim_io(sim), DIR_NAME, NAME, &shape, &seq, &err);
    if (code != PS_OK) {
        PS_ASSERT(regions[0].size == 0 && regions[2].size == 0);
    } else if (!fix) {
        PS_ASSERT(seq == 7 && ps_u128_equal(state_hash(), hash));
    }
    ps_sim_free(sim);
    return 0;
}
