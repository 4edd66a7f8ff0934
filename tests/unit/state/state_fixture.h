/* What the state tests share: a store with a budget, and its copy through the regions' bytes. */
#ifndef PS_TEST_STATE_FIXTURE_H
#define PS_TEST_STATE_FIXTURE_H

#include "base/testing.h"

#include "state/table.h"
#include "state/timers.h"

static inline ps_store *fixture_store(ps_budget *budget)
{
    ps_error err;
    ps_store *store;
    assert_int_equal(ps_store_new("Test(1)", budget, &store, &err), PS_OK);
    return store;
}

/* What a restore does. The containers were opened in the same order in both. */
static inline void fixture_copy(ps_store *from, ps_store *to)
{
    ps_error err;
    assert_int_equal(ps_store_region_count(from), ps_store_region_count(to));
    for (uint32_t i = 0; i < ps_store_region_count(from); i++) {
        const ps_region *source = ps_store_region_at(from, i);
        ps_region *target = ps_store_region_at(to, i);
        void *at;
        ps_region_clear(target);
        assert_int_equal(ps_store_extend(to, target, source->size, &at, &err), PS_OK);
        memcpy(target->data, source->data, source->size);
    }
}

/* A snapshot taken chunk by chunk: of every region into out, one after the other. */
static inline void fixture_freeze(ps_store *store)
{
    for (uint32_t i = 0; i < ps_store_region_count(store); i++) {
        ps_region_freeze(ps_store_region_at(store, i));
    }
}

static inline void fixture_read_frozen(ps_store *store, ps_buf *out)
{
    static char chunk[PS_REGION_CHUNK];
    for (uint32_t i = 0; i < ps_store_region_count(store); i++) {
        uint64_t offset;
        uint32_t size;
        while (ps_region_next_chunk(ps_store_region_at(store, i), chunk, &offset, &size)) {
            ps_buf_append(out, chunk, size);
        }
        ps_region_thaw(ps_store_region_at(store, i));
    }
    assert_false(out->failed);
}

static inline void fixture_read(ps_store *store, ps_buf *out)
{
    for (uint32_t i = 0; i < ps_store_region_count(store); i++) {
        const ps_region *region = ps_store_region_at(store, i);
        ps_buf_append(out, region->data, region->size);
    }
    assert_false(out->failed);
}

#endif
