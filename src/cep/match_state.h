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
    uint32_t next;   /* of the key */
    uint32_t node;   /* the last row taken */
    uint32_t state;  /* among the states of all queries: it says the query, too */
    uint32_t length; /* rows taken */
    int64_t start_time;
    uint64_t start_number;
    int64_t previous_time; /* of the last row taken */
} ps_cep_run;

/* Value of a key; zeroed: nothing is known of it and it may go. Its runs stand query by query; of
 * a query first those that go on, then the complete ones that wait for them; each in order of their
 * start, then of being made. */
typedef struct {
    int64_t deadline;   /* no run's window ends before it; it was asked for */
    uint32_t first_run; /* 0: none */
    uint32_t has_deadline;
} ps_cep_key;

static inline ps_cep_node *ps_cep_node_at(const ps_heap *heap, uint32_t ref)
{
    return (ps_cep_node *)ps_heap_at(heap, ref);
}
static inline ps_cep_run *ps_cep_run_at(const ps_heap *heap, uint32_t ref)
{
    return (ps_cep_run *)ps_heap_at(heap, ref);
}
/* Nothing of it lives, and nobody will ask for it. */
static inline bool ps_cep_key_is_idle(const ps_cep_key *key)
{
    return key->first_run == 0 && key->has_deadline == 0;
}

#endif
