/* Sets of values, shared tables: key = id of the set, then the value's bytes; value = links and
 * counts. The trees are treaps (R. Seidel, C. Aragon, "Randomized search trees", 1996): ordered by
 * value, heaps by a mixed entry number, so that equal runs build equal trees. */
#include "flow/agg_kernel.h"

ps_code ps_agg_sets_open(ps_aggregator *aggregator, uint32_t count_size, bool wants_small,
                         bool wants_large, ps_error *err)
{
    uint32_t value_size = (uint32_t)sizeof(ps_agg_element) + count_size;
    ps_code code = ps_store_region(aggregator->store, "set_ids", &aggregator->ids, err);
    void *at;
    if (code == PS_OK) {
        code = ps_store_extend(aggregator->store, aggregator->ids, sizeof(uint64_t), &at, err);
    }
    if (code == PS_OK && wants_small) {
        code = ps_table_new(aggregator->store, "set_numbers", 16, value_size, &aggregator->sets[0],
                            err);
    }
    if (code == PS_OK && wants_large) {
        code =
            ps_table_new(aggregator->store, "set_values", 0, value_size, &aggregator->sets[1], err);
    }
    return code;
}

ps_table *ps_agg_set_table(const ps_aggregator *aggregator, ps_phys phys)
{
    return aggregator->sets[phys == PS_PHYS_I64 || phys == PS_PHYS_F64 ? 0 : 1];
}

/* Equal keys have equal bytes. */
static uint64_t double_bits(double value)
{
    uint64_t bits = 0;
    if (value != value) {
        return UINT64_C(0x7ff8000000000000);
    }
    if (value != 0) {
        memcpy(&bits, &value, sizeof bits);
    }
    return bits;
}

void ps_agg_set_append_key(ps_buf *key, ps_phys phys, uint64_t id, const ps_value *value)
{
    uint64_t head = value->is_null ? id | PS_AGG_SET_NULL : id;
    ps_buf_append(key, &head, sizeof head);
    switch (phys) {
    case PS_PHYS_I64:
        ps_buf_append(key, &value->i64, sizeof value->i64);
        break;
    case PS_PHYS_F64: {
        uint64_t bits = double_bits(value->f64);
        ps_buf_append(key, &bits, sizeof bits);
        break;
    }
    case PS_PHYS_I128:
        ps_buf_append(key, &value->i128, sizeof value->i128);
        break;
    case PS_PHYS_TEXT:
        ps_buf_append_slice(key, value->text);
        break;
    }
}

ps_code ps_agg_set_key(ps_aggregator *aggregator, ps_phys phys, uint64_t id, const ps_value *value,
                       ps_slice *out_key, ps_error *err)
{
    ps_buf *key = &aggregator->scratch->key;
    ps_buf_clear(key);
    ps_agg_set_append_key(key, phys, id, value);
    if (key->failed) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a value of %s",
                            ps_store_name(aggregator->store));
    }
    *out_key = ps_buf_slice(key);
    return PS_OK;
}

ps_value ps_agg_set_value(const ps_aggregator *aggregator, ps_phys phys, uint32_t entry)
{
    ps_slice key = ps_table_key(ps_agg_set_table(aggregator, phys), entry);
    const char *bytes = key.data + sizeof(uint64_t);
    ps_value value = {.is_null = (ps_get_u64(key.data) & PS_AGG_SET_NULL) != 0};
    switch (phys) {
    case PS_PHYS_I64:
        memcpy(&value.i64, bytes, sizeof value.i64);
        break;
    case PS_PHYS_F64:
        memcpy(&value.f64, bytes, sizeof value.f64);
        break;
    case PS_PHYS_I128:
        value.i128 = ps_agg_get_i128(bytes);
        break;
    case PS_PHYS_TEXT:
        value.text = (ps_slice){bytes, key.size - sizeof(uint64_t)};
        break;
    }
    return value;
}

void ps_agg_set_begin(ps_aggregator *aggregator, ps_agg_set *set)
{
    if (set->id == 0) {
        uint64_t *last = (uint64_t *)(void *)aggregator->ids->data;
        ps_region_touch(aggregator->ids, last, sizeof *last);
        set->id = ++*last;
    }
}

static ps_agg_element *element_at(const ps_table *table, uint32_t link)
{
    return ps_table_value(table, link - 1);
}

static ps_agg_element *element_touch(ps_table *table, uint32_t link)
{
    return ps_table_touch(table, link - 1);
}

/* ── lists ── */

void ps_agg_list_link(ps_aggregator *aggregator, ps_agg_set *set, ps_phys phys, uint32_t entry)
{
    ps_table *table = ps_agg_set_table(aggregator, phys);
    element_touch(table, entry + 1)->left = set->last;
    if (set->last != 0) {
        element_touch(table, set->last)->right = entry + 1;
    } else {
        set->root = entry + 1;
    }
    set->last = entry + 1;
}

void ps_agg_list_remove(ps_aggregator *aggregator, ps_agg_set *set, ps_phys phys, uint32_t entry)
{
    ps_table *table = ps_agg_set_table(aggregator, phys);
    const ps_agg_element *gone = element_at(table, entry + 1);
    if (gone->right != 0) {
        element_touch(table, gone->right)->left = gone->left;
    } else {
        set->last = gone->left;
    }
    if (gone->left != 0) {
        element_touch(table, gone->left)->right = gone->right;
    } else {
        set->root = gone->right;
    }
    ps_table_remove(table, entry);
}

void ps_agg_list_clear(ps_aggregator *aggregator, ps_agg_set *set, ps_phys phys)
{
    ps_table *table = ps_agg_set_table(aggregator, phys);
    while (set->root != 0) {
        uint32_t link = set->root;
        set->root = element_at(table, link)->right;
        ps_table_remove(table, link - 1);
    }
    *set = (ps_agg_set){0};
}

/* ── trees ── */

static uint32_t priority(uint32_t link)
{
    uint32_t x = link * UINT32_C(0x9e3779b1);
    x ^= x >> 15;
    x *= UINT32_C(0x85ebca77);
    return x ^ x >> 13;
}

static int compare_values(ps_phys phys, const ps_value *a, const ps_value *b)
{
    switch (phys) {
    case PS_PHYS_I64:
        return (a->i64 > b->i64) - (a->i64 < b->i64);
    case PS_PHYS_F64: { /* NaN above all, equal to itself */
        bool a_nan = a->f64 != a->f64;
        bool b_nan = b->f64 != b->f64;
        return a_nan || b_nan ? (int)a_nan - (int)b_nan : (a->f64 > b->f64) - (a->f64 < b->f64);
    }
    case PS_PHYS_I128:
        return (a->i128 > b->i128) - (a->i128 < b->i128);
    case PS_PHYS_TEXT: {
        size_t size = a->text.size < b->text.size ? a->text.size : b->text.size;
        int order = size > 0 ? memcmp(a->text.data, b->text.data, size) : 0;
        return order != 0 ? order : (a->text.size > b->text.size) - (a->text.size < b->text.size);
    }
    }
    PS_ASSERT(false);
}

/* Where a link stands, so that it can be replaced: the set's root or a side of an element. */
typedef struct {
    ps_table *table;
    ps_agg_set *set;
    uint32_t parent; /* 0: the root */
    bool is_right;
} place;

static uint32_t place_get(const place *at)
{
    if (at->parent == 0) {
        return at->set->root;
    }
    const ps_agg_element *parent = element_at(at->table, at->parent);
    return at->is_right ? parent->right : parent->left;
}

static void place_put(const place *at, uint32_t link)
{
    if (at->parent == 0) {
        at->set->root = link;
        return;
    }
    ps_agg_element *parent = element_touch(at->table, at->parent);
    if (at->is_right) {
        parent->right = link;
    } else {
        parent->left = link;
    }
}

static int order_of(const ps_aggregator *aggregator, ps_phys phys, const ps_value *value,
                    uint32_t link)
{
    ps_value held = ps_agg_set_value(aggregator, phys, link - 1);
    return compare_values(phys, value, &held);
}

static void tree_link(ps_aggregator *aggregator, ps_agg_set *set, ps_phys phys, uint32_t entry)
{
    ps_table *table = ps_agg_set_table(aggregator, phys);
    ps_value value = ps_agg_set_value(aggregator, phys, entry);
    uint32_t added = entry + 1;
    place at = {table, set, 0, false};
    uint32_t below = place_get(&at);
    while (below != 0 && priority(below) >= priority(added)) {
        at.parent = below;
        at.is_right = order_of(aggregator, phys, &value, below) > 0;
        below = place_get(&at);
    }
    place_put(&at, added);
    place low = {table, set, added, false};
    place high = {table, set, added, true};
    while (below != 0) { /* split what is below by the value */
        if (order_of(aggregator, phys, &value, below) > 0) {
            place_put(&low, below);
            low = (place){table, set, below, true};
            below = element_at(table, below)->right;
        } else {
            place_put(&high, below);
            high = (place){table, set, below, false};
            below = element_at(table, below)->left;
        }
    }
    place_put(&low, 0);
    place_put(&high, 0);
}

static void tree_remove(ps_aggregator *aggregator, ps_agg_set *set, ps_phys phys, uint32_t entry)
{
    ps_table *table = ps_agg_set_table(aggregator, phys);
    ps_value value = ps_agg_set_value(aggregator, phys, entry);
    place at = {table, set, 0, false};
    for (uint32_t here = place_get(&at); here != entry + 1; here = place_get(&at)) {
        PS_ASSERT(here != 0);
        at.parent = here;
        at.is_right = order_of(aggregator, phys, &value, here) > 0;
    }
    uint32_t left = element_at(table, entry + 1)->left;
    uint32_t right = element_at(table, entry + 1)->right;
    while (left != 0 && right != 0) { /* join both sides */
        if (priority(left) > priority(right)) {
            place_put(&at, left);
            at = (place){table, set, left, true};
            left = element_at(table, left)->right;
        } else {
            place_put(&at, right);
            at = (place){table, set, right, false};
            right = element_at(table, right)->left;
        }
    }
    place_put(&at, left != 0 ? left : right);
    ps_table_remove(table, entry);
}

ps_code ps_agg_tree_add(ps_aggregator *aggregator, ps_agg_set *set, ps_phys phys,
                        const ps_value *value, int64_t count, ps_error *err)
{
    ps_table *table = ps_agg_set_table(aggregator, phys);
    ps_agg_set_begin(aggregator, set);
    ps_slice key;
    ps_code code = ps_agg_set_key(aggregator, phys, set->id, value, &key, err);
    uint32_t entry = 0;
    bool is_new = false;
    if (code == PS_OK) {
        code = ps_table_put(table, ps_table_hash(key.data, key.size), key, &entry, &is_new, err);
    }
    if (code != PS_OK) {
        return code;
    }
    ps_agg_element *element = ps_table_touch(table, entry);
    element->counts[0] += count;
    if (is_new) {
        tree_link(aggregator, set, phys, entry);
    } else if (element->counts[0] == 0) {
        tree_remove(aggregator, set, phys, entry);
    }
    return PS_OK;
}

/* Turns left sides up until there are none, so that no stack is needed. */
void ps_agg_tree_clear(ps_aggregator *aggregator, ps_agg_set *set, ps_phys phys)
{
    ps_table *table = ps_agg_set_table(aggregator, phys);
    while (set->root != 0) {
        uint32_t top = set->root;
        uint32_t left = element_at(table, top)->left;
        if (left != 0) {
            element_touch(table, top)->left = element_at(table, left)->right;
            element_touch(table, left)->right = top;
            set->root = left;
        } else {
            set->root = element_at(table, top)->right;
            ps_table_remove(table, top - 1);
        }
    }
    set->id = 0;
}

uint32_t ps_agg_tree_walk(const ps_aggregator *aggregator, const ps_agg_set *set, ps_phys phys,
                          bool descending, uint32_t after)
{
    const ps_table *table = ps_agg_set_table(aggregator, phys);
    ps_value value = {0};
    if (after != PS_TABLE_NONE) {
        value = ps_agg_set_value(aggregator, phys, after);
    }
    uint32_t best = 0;
    for (uint32_t link = set->root; link != 0;) {
        const ps_agg_element *element = element_at(table, link);
        int order = after == PS_TABLE_NONE ? (descending ? 1 : -1)
                                           : order_of(aggregator, phys, &value, link);
        bool is_behind = descending ? order > 0 : order < 0;
        if (is_behind) {
            best = link;
        }
        link = is_behind == descending ? element->right : element->left;
    }
    return best != 0 ? best - 1 : PS_TABLE_NONE;
}
