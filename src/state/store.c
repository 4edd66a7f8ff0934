#include "state/store_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPERATOR_NAME_MAX = 96, REGION_NAME_MAX = 48, ATTACHMENTS_MAX = 64, COUNTERS_MAX = 32 };

/* The budget is drawn on in steps, so that an entry more does not cost an atomic operation. */
static const uint64_t charge_step = PS_REGION_CHUNK;
static const uint64_t region_size_ceiling = UINT64_C(64) << 30;

struct ps_store {
    char name[OPERATOR_NAME_MAX];
    ps_budget *budget;
    uint64_t charged;   /* of the budget */
    uint64_t uncharged; /* bytes extended since the last charge */
    uint32_t region_count;
    ps_region *regions[PS_STORE_REGIONS_MAX];
    uint32_t own_count;
    struct own_region {
        ps_region region;
        char name[REGION_NAME_MAX];
    } * own[PS_STORE_REGIONS_MAX];
    ps_region *root;
    uint32_t attachment_count;
    struct attachment {
        void *thing;
        void (*release)(void *thing);
    } attachments[ATTACHMENTS_MAX];
    uint32_t counter_count;
    struct counter {
        const void *container;
        uint64_t (*count)(const void *container);
    } counters[COUNTERS_MAX];
};

static ps_code no_memory(const char *name, ps_error *err)
{
    return ps_error_set(err, PS_E_MEMORY, "no memory for the state of %s", name);
}

/* ── lifetime ── */

ps_code ps_store_new(const char *name, ps_budget *budget, ps_store **out, ps_error *err)
{
    PS_ASSERT(budget != NULL);
    ps_store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        return no_memory(name, err);
    }
    (void)snprintf(store->name, sizeof store->name, "%s", name);
    store->budget = budget;
    *out = store;
    return PS_OK;
}

void ps_store_free(ps_store *store)
{
    if (store == NULL) {
        return;
    }
    for (uint32_t i = store->attachment_count; i > 0; i--) {
        store->attachments[i - 1].release(store->attachments[i - 1].thing);
    }
    for (uint32_t i = 0; i < store->own_count; i++) {
        ps_region_release(&store->own[i]->region);
        free(store->own[i]);
    }
    atomic_fetch_sub_explicit(&store->budget->size, store->charged, memory_order_relaxed);
    free(store);
}

ps_code ps_store_attach(ps_store *store, void *thing, void (*release)(void *thing), ps_error *err)
{
    if (store->attachment_count == ATTACHMENTS_MAX) {
        release(thing);
        return no_memory(store->name, err);
    }
    store->attachments[store->attachment_count++] = (struct attachment){thing, release};
    return PS_OK;
}

ps_code ps_store_count_keys_of(ps_store *store, const void *container,
                               uint64_t (*count)(const void *container), ps_error *err)
{
    if (store->counter_count == COUNTERS_MAX) {
        return no_memory(store->name, err);
    }
    store->counters[store->counter_count++] = (struct counter){container, count};
    return PS_OK;
}

/* ── regions ── */

uint64_t ps_store_region_size_max(const ps_store *store)
{
    uint64_t size = store->budget->size_max;
    size = size < region_size_ceiling ? size : region_size_ceiling;
    return size > PS_REGION_CHUNK ? size : PS_REGION_CHUNK;
}

ps_code ps_store_adopt(ps_store *store, ps_region *region, ps_error *err)
{
    if (store->region_count == PS_STORE_REGIONS_MAX) {
        return ps_error_set(err, PS_E_LIMIT, "%s has more than %d state regions", store->name,
                            (int)PS_STORE_REGIONS_MAX);
    }
    ps_region_start_small(region); /* many operators hold little */
    store->regions[store->region_count++] = region;
    return PS_OK;
}

ps_code ps_store_region(ps_store *store, const char *name, ps_region **out, ps_error *err)
{
    struct own_region *own = calloc(1, sizeof *own);
    if (own == NULL) {
        return no_memory(store->name, err);
    }
    (void)snprintf(own->name, sizeof own->name, "%s", name);
    ps_code code = ps_region_init(&own->region, own->name, ps_store_region_size_max(store), err);
    if (code == PS_OK) {
        code = ps_store_adopt(store, &own->region, err);
        if (code != PS_OK) {
            ps_region_release(&own->region);
        }
    }
    if (code != PS_OK) {
        free(own);
        return code;
    }
    store->own[store->own_count++] = own;
    *out = &own->region;
    return PS_OK;
}

ps_code ps_store_root(ps_store *store, uint32_t size, void **out, ps_error *err)
{
    PS_ASSERT(store->root == NULL);
    ps_region *region;
    ps_code code = ps_store_region(store, "root", &region, err);
    if (code == PS_OK) {
        code = ps_store_extend(store, region, size, out, err);
    }
    if (code == PS_OK) {
        store->root = region;
    }
    return code;
}

void ps_store_touch_root(ps_store *store)
{
    PS_ASSERT(store->root != NULL);
    ps_region_touch(store->root, store->root->data, store->root->size);
}

/* ── budget ── */

static ps_code over_budget(const ps_store *store, ps_error *err)
{
    uint64_t keys = 0;
    for (uint32_t i = 0; i < store->counter_count; i++) {
        uint64_t count = store->counters[i].count(store->counters[i].container);
        keys = count > keys ? count : keys;
    }
    return ps_error_set(err, PS_E_LIMIT,
                        "the state of %s (%llu keys, %llu bytes) needs more than the job's "
                        "%llu bytes: raise paystream.memory.size or set table.exec.state.ttl",
                        store->name, (unsigned long long)keys,
                        (unsigned long long)ps_store_size(store),
                        (unsigned long long)store->budget->size_max);
}

/* Brings what is charged in line with the regions' sizes, `more` included. */
static ps_code settle(ps_store *store, uint64_t more, ps_error *err)
{
    uint64_t wanted = ps_store_size(store) + more;
    if (wanted > store->charged) {
        uint64_t delta = wanted - store->charged;
        uint64_t before =
            atomic_fetch_add_explicit(&store->budget->size, delta, memory_order_relaxed);
        if (before + delta > store->budget->size_max) {
            atomic_fetch_sub_explicit(&store->budget->size, delta, memory_order_relaxed);
            return over_budget(store, err);
        }
    } else {
        atomic_fetch_sub_explicit(&store->budget->size, store->charged - wanted,
                                  memory_order_relaxed);
    }
    store->charged = wanted;
    store->uncharged = 0;
    return PS_OK;
}

ps_code ps_store_charge(ps_store *store, uint64_t size, ps_error *err)
{
    store->uncharged += size;
    return store->uncharged < charge_step ? PS_OK : settle(store, 0, err);
}

void ps_store_uncharge(ps_store *store)
{
    uint64_t size = ps_store_size(store);
    if (size < store->charged) {
        atomic_fetch_sub_explicit(&store->budget->size, store->charged - size,
                                  memory_order_relaxed);
        store->charged = size;
    }
}

ps_code ps_store_extend(ps_store *store, ps_region *region, uint64_t size, void **out,
                        ps_error *err)
{
    if (store->uncharged + size >= charge_step) {
        ps_code code = settle(store, size, err);
        if (code != PS_OK) {
            return code;
        }
    } else {
        store->uncharged += size;
    }
    void *at = ps_region_extend(region, size);
    if (at == NULL) {
        return over_budget(store, err);
    }
    *out = at;
    return PS_OK;
}

/* ── for checkpoints, metrics and explain ── */

uint32_t ps_store_region_count(const ps_store *store)
{
    return store->region_count;
}

ps_region *ps_store_region_at(ps_store *store, uint32_t index)
{
    PS_ASSERT(index < store->region_count);
    return store->regions[index];
}

uint64_t ps_store_size(const ps_store *store)
{
    uint64_t size = 0;
    for (uint32_t i = 0; i < store->region_count; i++) {
        size += store->regions[i]->size;
    }
    return size;
}

const char *ps_store_name(const ps_store *store)
{
    return store->name;
}
