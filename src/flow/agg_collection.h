/* What states refer to when a few numbers do not do: sets of values, texts, lists. Internal to
 * aggregator.c and agg_*.c. Who calls has touched the state that a set, text or list stands in. */
#ifndef PS_FLOW_AGG_COLLECTION_H
#define PS_FLOW_AGG_COLLECTION_H

#include "flow/aggregate.h"
#include "state/heap.h"
#include "state/table.h"

/* What a row says to a call. */
typedef struct {
    ps_value value;     /* argument 0; NULL only for kernels that take NULLs */
    int64_t order;      /* time column, or number of the row: FIRST_VALUE and LAST_VALUE */
    ps_slice separator; /* LISTAGG */
    const ps_batch *batch;
    uint32_t row; /* of the batch: for the arguments behind the first */
} ps_agg_input;

/* ── sets: distinct values with counts, in tables that all states of an aggregator share ──
 * As a list in order of arrival (DISTINCT) or as a search tree (MIN, MAX under retraction). */

typedef struct {
    uint64_t id;   /* 0: nothing was ever put */
    uint32_t root; /* entry + 1: first of the list, or root of the tree */
    uint32_t last; /* of the list */
} ps_agg_set;

/* Value of an entry in the tables. */
typedef struct {
    uint32_t left, right; /* list: before and next; entry + 1 */
    int64_t counts[];     /* per member; without retraction and merging: [0] is a mask of members */
} ps_agg_element;

/* In a key's id: the value is NULL (its bytes are zeros, or none). */
#define PS_AGG_SET_NULL (UINT64_C(1) << 63)

/* count_size: bytes of the elements' counts; small: for values of 8 bytes; large: of others. */
PS_CHECKED ps_code ps_agg_sets_open(ps_aggregator *aggregator, uint32_t count_size,
                                    bool wants_small, bool wants_large, ps_error *err);
/* The table that values of a class lie in, and a value's key there. */
ps_table *ps_agg_set_table(const ps_aggregator *aggregator, ps_phys phys);
void ps_agg_set_append_key(ps_buf *key, ps_phys phys, uint64_t id, const ps_value *value);
PS_CHECKED ps_code ps_agg_set_key(ps_aggregator *aggregator, ps_phys phys, uint64_t id,
                                  const ps_value *value, ps_slice *out_key, ps_error *err);
ps_value ps_agg_set_value(const ps_aggregator *aggregator, ps_phys phys, uint32_t entry);
/* Gives the set an id if it has none. */
void ps_agg_set_begin(ps_aggregator *aggregator, ps_agg_set *set);
void ps_agg_list_link(ps_aggregator *aggregator, ps_agg_set *set, ps_phys phys, uint32_t entry);
void ps_agg_list_remove(ps_aggregator *aggregator, ps_agg_set *set, ps_phys phys, uint32_t entry);
void ps_agg_list_clear(ps_aggregator *aggregator, ps_agg_set *set, ps_phys phys);
/* Adds `count` (may be negative) occurrences; a value with 0 is taken out. */
PS_CHECKED ps_code ps_agg_tree_add(ps_aggregator *aggregator, ps_agg_set *set, ps_phys phys,
                                   const ps_value *value, int64_t count, ps_error *err);
void ps_agg_tree_clear(ps_aggregator *aggregator, ps_agg_set *set, ps_phys phys);
/* The smallest (greatest) value, or the next one behind `after`; PS_TABLE_NONE: none. */
uint32_t ps_agg_tree_walk(const ps_aggregator *aggregator, const ps_agg_set *set, ps_phys phys,
                          bool descending, uint32_t after);

/* ── texts and lists in the aggregator's heap (agg_heap.c) ── */

typedef struct {
    uint32_t ref; /* 0: never had a block */
    uint32_t size;
    uint32_t room;
    uint32_t reserved;
} ps_agg_text;

ps_slice ps_agg_text_get(const ps_aggregator *aggregator, const ps_agg_text *text);
PS_CHECKED ps_code ps_agg_text_set(ps_aggregator *aggregator, ps_agg_text *text, ps_slice value,
                                   ps_error *err);
PS_CHECKED ps_code ps_agg_text_append(ps_aggregator *aggregator, ps_agg_text *text, ps_slice value,
                                      ps_error *err);
void ps_agg_text_clear(ps_aggregator *aggregator, ps_agg_text *text);

typedef struct {
    uint32_t first, last; /* blocks; 0: none */
    uint32_t count;
    uint32_t reserved;
} ps_agg_list;

/* A node's block; value and separator bytes follow. */
typedef struct {
    uint32_t next, previous;
    int64_t order;
    uint32_t size; /* of the value; UINT32_MAX: NULL */
    uint32_t separator_size;
} ps_agg_node;

#define PS_AGG_NODE_NULL UINT32_MAX

ps_agg_node *ps_agg_list_at(const ps_aggregator *aggregator, uint32_t ref);
ps_value ps_agg_list_value(const ps_aggregator *aggregator, ps_phys phys, const ps_agg_node *node);
ps_slice ps_agg_list_separator(const ps_agg_node *node);
/* At the end, or, sorted, behind the last node with an order that is not greater. */
PS_CHECKED ps_code ps_agg_list_add(ps_aggregator *aggregator, ps_agg_list *list, ps_phys phys,
                                   const ps_agg_input *input, bool is_sorted, ps_error *err);
/* Takes the first node with that value away, if there is one. */
void ps_agg_list_take(ps_aggregator *aggregator, ps_agg_list *list, ps_phys phys,
                      const ps_value *value);
void ps_agg_list_drop(ps_aggregator *aggregator, ps_agg_list *list);

#endif
