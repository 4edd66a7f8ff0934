#include "serve/nonce_log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "serve/request_signature.h"

enum {
    HEADER_SIZE = 16,
    ENTRY_SIZE = 16,
    BLOCK_SIZE = 64 * 1024,
    /* One more than two windows: a timestamp at the very end of its window is not fresh again. */
    GENERATION_S = 2 * PS_SIGNATURE_TOLERANCE_S + 1
};

static const char magic[] = "psnonce1";

typedef struct {
    ps_file *file;
    int64_t began_s; /* INT64_MIN: never */
    uint32_t count;
    uint64_t size;  /* of the file, in whole entries */
    ps_u128 *slots; /* open addressing; zero is empty */
} generation;

struct ps_nonce_log {
    ps_io *io;
    pthread_mutex_t lock;
    uint32_t count_max;
    uint32_t mask; /* slots of a table, less one */
    uint32_t current;
    generation generations[2];
};

/* ── tables ── */

static ps_u128 *slot_find(const ps_nonce_log *log, const generation *g, ps_u128 nonce)
{
    uint32_t at = (uint32_t)nonce.low & log->mask;
    while ((g->slots[at].low != 0 || g->slots[at].high != 0) &&
           !ps_u128_equal(g->slots[at], nonce)) {
        at = (at + 1) & log->mask;
    }
    return &g->slots[at];
}

static bool is_in(const ps_nonce_log *log, const generation *g, ps_u128 nonce)
{
    return ps_u128_equal(*slot_find(log, g, nonce), nonce);
}

static void add(const ps_nonce_log *log, generation *g, ps_u128 nonce)
{
    ps_u128 *slot = slot_find(log, g, nonce);
    if (!ps_u128_equal(*slot, nonce)) {
        *slot = nonce;
        g->count++;
    }
}

/* ── files ── */

static PS_CHECKED ps_code generation_begin(const ps_nonce_log *log, generation *g, int64_t now_s,
                                           ps_error *err)
{
    char header[HEADER_SIZE];
    memcpy(header, magic, 8);
    ps_put_u64(header + 8, (uint64_t)now_s);
    ps_code code = ps_io_truncate(log->io, g->file, 0, err);
    if (code == PS_OK) {
        code = ps_io_write(log->io, g->file, 0, header, sizeof header, err);
    }
    if (code == PS_OK) {
        memset(g->slots, 0, ((size_t)log->mask + 1) * sizeof *g->slots);
        g->count = 0;
        g->size = HEADER_SIZE;
        g->began_s = now_s;
    }
    return code;
}

static PS_CHECKED ps_code generation_read(const ps_nonce_log *log, generation *g, ps_error *err)
{
    char header[HEADER_SIZE];
    size_t size = 0;
    ps_code code = ps_io_read(log->io, g->file, 0, header, sizeof header, &size, err);
    if (code != PS_OK || size != sizeof header || memcmp(header, magic, 8) != 0) {
        return code;
    }
    char *block = malloc(BLOCK_SIZE);
    if (block == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory to read nonces");
    }
    g->began_s = (int64_t)ps_get_u64(header + 8);
    g->size = HEADER_SIZE;
    do {
        code = ps_io_read(log->io, g->file, g->size, block, BLOCK_SIZE, &size, err);
        size -= code == PS_OK ? size % ENTRY_SIZE : size;
        for (size_t i = 0; i < size && g->count < log->count_max; i += ENTRY_SIZE) {
            add(log, g, (ps_u128){.low = ps_get_u64(block + i), .high = ps_get_u64(block + i + 8)});
        }
        g->size += size;
    } while (code == PS_OK && size > 0);
    free(block);
    return code;
}

static PS_CHECKED ps_code file_open(ps_io *io, const char *dir, uint32_t number, ps_file **out_file,
                                    ps_error *err)
{
    char path[PS_PATH_MAX];
    int size = snprintf(path, sizeof path, "%s/nonces.%u", dir, number);
    if (size < 0 || size >= (int)sizeof path) {
        return ps_error_set(err, PS_E_LIMIT, "path %s is too long", dir);
    }
    ps_code code = ps_io_open(io, path, PS_OPEN_WRITE, out_file, err);
    if (code == PS_OK || (code == PS_E_IO && err->os_errno != ENOENT)) {
        return code;
    }
    return ps_io_open(io, path, PS_OPEN_CREATE_NEW, out_file, err);
}

/* ── open and close ── */

static PS_CHECKED ps_code generation_open(ps_nonce_log *log, const char *dir, uint32_t number,
                                          ps_error *err)
{
    generation *g = &log->generations[number];
    g->began_s = INT64_MIN;
    g->slots = calloc((size_t)log->mask + 1, sizeof *g->slots);
    if (g->slots == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for %u nonces", log->count_max);
    }
    ps_code code = file_open(log->io, dir, number, &g->file, err);
    return code == PS_OK ? generation_read(log, g, err) : code;
}

ps_code ps_nonce_log_open(ps_io *io, const char *dir, uint32_t count_max, int64_t now_s,
                          ps_nonce_log **out_log, ps_error *err)
{
    PS_ASSERT(count_max >= 1 && count_max <= UINT32_C(1) << 30);
    ps_nonce_log *log = calloc(1, sizeof *log);
    if (log == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for nonces");
    }
    log->io = io;
    log->count_max = count_max;
    log->mask = 1;
    while (log->mask / 4 * 3 < count_max) { /* at most three quarters full */
        log->mask = log->mask * 2 + 1;
    }
    pthread_mutex_init(&log->lock, NULL);
    ps_code code = generation_open(log, dir, 0, err);
    if (code == PS_OK) {
        code = generation_open(log, dir, 1, err);
    }
    log->current = log->generations[1].began_s > log->generations[0].began_s ? 1 : 0;
    if (code == PS_OK && log->generations[log->current].began_s == INT64_MIN) {
        code = generation_begin(log, &log->generations[log->current], now_s, err);
    }
    if (code == PS_OK) {
        code = ps_io_sync_dir(io, dir, err);
    }
    if (code != PS_OK) {
        ps_nonce_log_close(log);
        return code;
    }
    *out_log = log;
    return PS_OK;
}

void ps_nonce_log_close(ps_nonce_log *log)
{
    if (log == NULL) {
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        ps_io_close(log->io, log->generations[i].file);
        free(log->generations[i].slots);
    }
    pthread_mutex_destroy(&log->lock);
    free(log);
}

/* ── taking ── */

static int64_t clamp(const ps_nonce_log *log, int64_t now_s)
{
    int64_t began_s = log->generations[log->current].began_s;
    return now_s > began_s ? now_s : began_s;
}

int64_t ps_nonce_log_now_s(ps_nonce_log *log, int64_t now_s)
{
    pthread_mutex_lock(&log->lock);
    int64_t at_s = clamp(log, now_s);
    pthread_mutex_unlock(&log->lock);
    return at_s;
}

static ps_nonce_outcome take(ps_nonce_log *log, ps_u128 nonce, int64_t now_s)
{
    ps_error err;
    generation *g = &log->generations[log->current];
    generation *other = &log->generations[1 - log->current];
    if (is_in(log, g, nonce) || is_in(log, other, nonce)) {
        return PS_NONCE_USED;
    }
    if (clamp(log, now_s) - g->began_s >= GENERATION_S) {
        if (generation_begin(log, other, now_s, &err) != PS_OK) {
            return PS_NONCE_FAILED;
        }
        log->current = 1 - log->current;
        g = other;
    }
    if (g->count >= log->count_max) {
        return PS_NONCE_FULL;
    }
    char entry[ENTRY_SIZE];
    ps_put_u64(entry, nonce.low);
    ps_put_u64(entry + 8, nonce.high);
    if (ps_io_write(log->io, g->file, g->size, entry, sizeof entry, &err) != PS_OK) {
        return PS_NONCE_FAILED;
    }
    g->size += sizeof entry;
    add(log, g, nonce);
    return PS_NONCE_FRESH;
}

ps_nonce_outcome ps_nonce_log_take(ps_nonce_log *log, ps_u128 nonce, int64_t now_s)
{
    if (nonce.low == 0 && nonce.high == 0) {
        nonce.low = 1; /* zero is an empty slot */
    }
    pthread_mutex_lock(&log->lock);
    ps_nonce_outcome outcome = take(log, nonce, now_s);
    pthread_mutex_unlock(&log->lock);
    return outcome;
}
