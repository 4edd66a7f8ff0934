/* Regions with known bytes, and a snapshot of them taken in one go. */
#ifndef PS_TESTS_JOURNAL_SNAPSHOT_FIXTURE_H
#define PS_TESTS_JOURNAL_SNAPSHOT_FIXTURE_H

#include "fixture.h"
#include "journal/snapshot.h"

enum { FX_REGIONS = 3 };
#define FX_SNAPSHOTS "s"

typedef struct {
    ps_region region[FX_REGIONS];
    ps_region *list[FX_REGIONS];
    ps_snapshot_shape shape;
} fx_state;

static inline void fx_state_init(fx_state *s)
{
    ps_error err = {0};
    static const char *const names[FX_REGIONS] = {"one", "two", "three"};
    for (uint32_t i = 0; i < FX_REGIONS; i++) {
        fx_must(ps_region_init(&s->region[i], names[i], 4 * 1024 * 1024, &err), &err);
        s->list[i] = &s->region[i];
    }
    s->shape = (ps_snapshot_shape){
        .regions = s->list, .region_count = FX_REGIONS, .layout_version = 7, .instance = {1, 2}};
}

static inline void fx_state_release(fx_state *s)
{
    for (uint32_t i = 0; i < FX_REGIONS; i++) {
        ps_region_release(&s->region[i]);
    }
}

/* Region i holds size[i] bytes that follow from `seed`. */
static inline void fx_state_fill(fx_state *s, const uint64_t size[FX_REGIONS], uint64_t seed)
{
    for (uint32_t i = 0; i < FX_REGIONS; i++) {
        ps_region_clear(&s->region[i]);
        char *to = ps_region_extend(&s->region[i], size[i]);
        for (uint64_t k = 0; size[i] > 0 && k < size[i]; k++) {
            to[k] = (char)(seed * 31 + i * 17 + k * 7 + k / 251);
        }
    }
}

static inline ps_u128 fx_state_hash(const fx_state *s)
{
    ps_u128 hashes[FX_REGIONS];
    for (uint32_t i = 0; i < FX_REGIONS; i++) {
        hashes[i] = ps_xxh3_128(s->region[i].data, s->region[i].size);
        hashes[i].high += s->region[i].size;
    }
    return ps_xxh3_128(hashes, sizeof hashes);
}

static inline ps_code fx_snapshot(ps_io *io, fx_state *s, uint64_t seq, ps_error *err)
{
    ps_snapshot_writer *writer = NULL;
    ps_code code = ps_snapshot_begin(io, FX_SNAPSHOTS, &s->shape, seq, &writer, err);
    if (code != PS_OK) {
        return code;
    }
    bool done = false;
    while (code == PS_OK && !done) {
        (void)!ps_snapshot_take_chunks(writer, 5);
        code = ps_snapshot_write_chunks(writer, &done, err);
    }
    ps_snapshot_end(writer);
    return code;
}

/* An empty journal of small segments and a directory for snapshots. */
static inline ps_sim *fx_sim_with_journal(uint64_t seed)
{
    ps_sim *sim = ps_sim_new(seed);
    fx_create(ps_sim_io(sim), &fx_small);
    fx_make_dir(ps_sim_io(sim), FX_SNAPSHOTS);
    return sim;
}

/* A journal of small segments that is open, with its oracle. */
typedef struct {
    ps_sim *sim; /* owned */
    ps_io *io;
    ps_journal *journal; /* owned; NULL: closed */
    fx_oracle oracle;
    ps_error err;
} fx_case;

static inline void fx_case_init(fx_case *c, uint64_t seed)
{
    memset(c, 0, sizeof *c);
    c->sim = fx_sim_with_journal(seed);
    c->io = ps_sim_io(c->sim);
    c->journal = fx_open(c->io, &fx_small);
}

static inline void fx_case_close(fx_case *c)
{
    ps_journal_close(c->journal);
    c->journal = NULL;
}

static inline void fx_case_release(fx_case *c)
{
    fx_case_close(c);
    ps_sim_free(c->sim);
}

/* An empty directory for snapshots, and regions. */
typedef struct {
    ps_sim *sim; /* owned */
    ps_io *io;
    fx_state s;
    ps_error err;
} fx_shelf;

static inline void fx_shelf_init(fx_shelf *c, uint64_t seed)
{
    memset(c, 0, sizeof *c);
    fx_state_init(&c->s);
    c->sim = ps_sim_new(seed);
    c->io = ps_sim_io(c->sim);
    fx_make_dir(c->io, FX_SNAPSHOTS);
}

static inline void fx_shelf_release(fx_shelf *c)
{
    ps_sim_free(c->sim);
    fx_state_release(&c->s);
}

#endif
