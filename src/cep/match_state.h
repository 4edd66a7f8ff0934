/* What a matcher keeps in its operator's store, and how it is reached. All of it are blocks of
 * heaps, linked by references (0: none). */
#ifndef PS_CEP_MATCH_STATE_H
#define PS_CEP_MATCH_STATE_H

#include "cep/match_rows.h"

/* A row in a match: the end of a chain that leads to the match's first row. Runs share chains. */
typedef struct {
    uint32_t parent, row;
    uint32_t refs; /* of nodes and runs */
    uint32_t variable;
} ps_cep_node;

/* A partial match; or one that is complete and waits. The states of incremental aggregates follow.
 */
typedef struct {
    uint32_t next; /* in its list, by start */
    uint32_t node; /* the last row taken */
    uint32_t state;
    uint32_t length; /* rows taken */
    int64_t start_time;
    uint64_t start_number;
    int64_t previous_time; /* of the last row taken */
} ps_cep_run;

/* A key's runs of one query; there while there are any. */
typedef struct {
    uint32_t next; /* of the key */
    uint32_t query;
    uint32_t first, last; /* runs in order of their start, then of being made */
    uint32_t done;        /* complete matches that wait for earlier runs, in the same order */
    uint32_t run_count;
    uint32_t key;      /* entry */
    uint32_t next_due; /* of those with one deadline */
    int64_t deadline;  /* asked for; PS_CEP_NO_DEADLINE: none */
} ps_cep_active;

#define PS_CEP_NO_DEADLINE INT64_MAX

/* Value of a key; zeroed: nothing is known of it and it may go. */
typedef struct {
    uint32_t actives; /* 0: none */
} ps_cep_key;

static inline ps_cep_node *ps_cep_node_at(const ps_heap *heap, uint32_t ref)
{
    return (ps_cep_node *)ps_heap_at(heap, ref);
}
static inline ps_cep_run *ps_cep_run_at(const ps_heap *heap, uint32_t ref)
{
    return (ps_cep_run *)ps_heap_at(heap, ref);
}
static inline ps_cep_active *ps_cep_active_at(const ps_heap *heap, uint32_t ref)
{
    return (ps_cep_active *)ps_heap_at(heap, ref);
}

#endif
