/* Automaton: a pattern compiled to states and ordered transitions, as SEMANTICS §14.1–14.4 has
 * them. Immutable, in an arena; used by any number of matchers.
 */
#ifndef PS_CEP_AUTOMATON_H
#define PS_CEP_AUTOMATON_H

#include "cep/match_spec.h"

enum { PS_CEP_STATES_MAX = 20000, PS_CEP_GROUP_DEPTH_MAX = 32 };

/* A condition, or its negation: 2 × the condition's number, + 1 when negated. */
typedef uint32_t ps_cep_literal;

/* True when one of the literals is; without any: never. */
typedef struct {
    uint32_t literal_count;
    const ps_cep_literal *literals;
} ps_cep_clause;

/* True when every clause is; without any: always. */
typedef struct {
    uint32_t clause_count;
    const ps_cep_clause *clauses;
} ps_cep_guard;

typedef enum {
    PS_CEP_TAKE,   /* the row joins the match */
    PS_CEP_IGNORE, /* the row is passed over */
    PS_CEP_PROCEED /* no row: the target looks at the same one */
} ps_cep_action;

typedef struct ps_cep_state ps_cep_state;

typedef struct {
    ps_cep_action action;
    ps_cep_state *target;
    ps_cep_guard guard;
} ps_cep_edge;

typedef enum {
    PS_CEP_STATE_NORMAL,
    PS_CEP_STATE_PENDING, /* waits for the window's end, which completes the match */
    PS_CEP_STATE_STOP,    /* a forbidden row came */
    PS_CEP_STATE_FINAL
} ps_cep_state_kind;

struct ps_cep_state {
    ps_cep_state_kind kind;
    uint32_t number;
    uint32_t variable; /* of the rows that its TAKE edges take */
    int64_t within_ms; /* since the row taken last; 0: no bound */
    uint32_t edge_count, edge_room;
    ps_cep_edge *edges;
    ps_cep_state *original; /* while compiling: before greedy conditions were added */
};

typedef struct {
    uint32_t state_count;
    ps_cep_state *const *states;
    const ps_cep_state *start;
    uint32_t condition_count;
    const ps_cep_condition *const *conditions;
    int64_t window_ms; /* 0: none */
    bool matches_empty;
} ps_cep_automaton;

/* PS_E_INVALID: the pattern cannot be; PS_E_LIMIT: too many states; PS_E_MEMORY. */
PS_CHECKED ps_code ps_cep_automaton_new(const ps_cep_pattern *pattern, ps_arena *arena,
                                        const ps_cep_automaton **out, ps_error *err);

#endif
