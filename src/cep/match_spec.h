/* What the planner (or the C API) says to the Match operator: patterns, plain data in the plan's
 * arena, immutable. Semantics: SEMANTICS §12–14.
 *
 * Rows of the input are partitioned by `keys`, put in order of time, and each pattern's matcher
 * sees them one by one. A variable is a stage's name; variables of a pattern are numbered from 0
 * in the order in which they stand in it, those inside groups and the forbidden ones of NOT too.
 * Column numbers are of the operator's input: what a condition, a measure or an aggregate needs
 * beyond plain columns is computed by a Calc before.
 */
#ifndef PS_CEP_MATCH_SPEC_H
#define PS_CEP_MATCH_SPEC_H

#include "flow/operators.h"

#define PS_CEP_ANY_VARIABLE UINT32_MAX
#define PS_CEP_UNBOUNDED UINT32_MAX

/* ── looking at what was matched ── */

typedef enum {
    PS_CEP_FIRST, /* of the variable's rows, the one `offset` from the first */
    PS_CEP_LAST,  /* … `offset` back from the last */
    PS_CEP_AGGREGATE
} ps_cep_slot_kind;

/* One value out of the rows matched so far; NULL where there is no such row. */
typedef struct {
    ps_cep_slot_kind kind;
    uint32_t variable; /* PS_CEP_ANY_VARIABLE: all rows, in the order in which they were matched */
    /* In a condition: the row under test counts as the variable's newest row already (SEMANTICS
     * §12.7: in a variable's own DEFINE and for any variable; never in the CEP API, §13.1). */
    bool with_current;
    uint32_t offset;
    uint32_t column;        /* FIRST, LAST */
    ps_aggregate_call call; /* AGGREGATE; its arguments are columns of the input */
} ps_cep_slot;

/* A view of a run's rows, for functions of the C API (cep/match_view.h). */
typedef struct ps_cep_view ps_cep_view;

/* TRUE for a row: `test`, or else `function`; neither: always. What looks at rows alone, programs
 * without slots and functions that do not look back, is evaluated over whole batches. */
typedef struct {
    const ps_expr *test; /* BOOLEAN; columns: the input's, then one for each slot */
    uint32_t slot_count;
    const ps_cep_slot *slots;
    bool (*function)(void *user, const ps_cep_view *view);
    void *user;
    bool looks_back; /* `function` asks for the rows matched so far */
} ps_cep_condition;

/* ── patterns ── */

typedef enum {
    PS_CEP_NEXT,            /* strict; the first stage has this too */
    PS_CEP_FOLLOWED_BY,     /* relaxed */
    PS_CEP_FOLLOWED_BY_ANY, /* relaxed, every choice */
    PS_CEP_NOT_NEXT,
    PS_CEP_NOT_FOLLOWED_BY
} ps_cep_contiguity;

typedef enum { PS_CEP_RELAXED, PS_CEP_CONSECUTIVE, PS_CEP_COMBINATIONS } ps_cep_inner;

typedef struct ps_cep_stage ps_cep_stage;
struct ps_cep_stage {
    ps_cep_contiguity contiguity;
    ps_slice name;                         /* of the variable; unused in a group */
    const ps_cep_condition *where, *until; /* NULL: none */
    bool has_times;                        /* min and max hold; else exactly one row */
    uint32_t min, max;                     /* 1 ≤ min ≤ max; max may be PS_CEP_UNBOUNDED */
    ps_cep_inner inner;
    bool is_optional, is_greedy;
    int64_t within_previous_ms; /* 0: none */
    int64_t times_within_ms;    /* 0: none */
    uint32_t group_count;       /* 0: a variable; else the stages of the group */
    bool group_is_choice;       /* one of them (SQL: A | B), not one after the other */
    const ps_cep_stage *const *group;
};

typedef enum {
    PS_CEP_NO_SKIP,
    PS_CEP_SKIP_TO_NEXT,
    PS_CEP_SKIP_PAST_LAST,
    PS_CEP_SKIP_TO_FIRST,
    PS_CEP_SKIP_TO_LAST
} ps_cep_skip;

typedef struct {
    uint32_t stage_count;
    const ps_cep_stage *const *stages;
    int64_t within_ms; /* whole pattern, first to last row; 0: none */
    ps_cep_skip skip;
    uint32_t skip_variable; /* TO FIRST, TO LAST */
    bool skip_must_hit;     /* no row of skip_variable, or the match's first row: the job fails */
    uint32_t variable_count;
    const ps_slice *variables; /* names by number */
} ps_cep_pattern;

/* ── what goes out ── */

/* A column of a match's row: an expression over slots alone (columns: one for each slot). */
typedef struct {
    uint32_t slot_count;
    const ps_cep_slot *slots;
    uint32_t expr_count;
    const ps_expr *const *exprs;
} ps_cep_measures;

/* A pattern and what its matches become: the partition's key columns, then the measures; or what
 * `emit` makes of them (C API). */
typedef struct {
    const ps_cep_pattern *pattern;
    ps_cep_measures measures;
    /* completed matches, partial ones that ran out of time, or both */
    bool emits_matches, emits_timeouts;
    ps_code (*emit)(void *user, const ps_cep_view *view, bool is_timeout, ps_outlet *outlet,
                    ps_error *err);
    void *user;
} ps_cep_query;

typedef struct {
    ps_user_spec base; /* make = ps_op_match_new */
    ps_columns keys;
    uint32_t time_column;
    bool is_processing_time; /* order of arrival; time_column is ignored */
    uint32_t sort_count;     /* further ORDER BY columns, within one time */
    const ps_sort_key *sort;
    const ps_schema *input; /* names for texts */
    /* Several queries over one stream share the scan, the order and the partitioning. With more
     * than one the output has a BIGINT column first, the query's number; then the keys, then every
     * query's measures side by side, NULL but for its own. */
    uint32_t query_count;
    const ps_cep_query *queries;
    /* Limits (SEMANTICS decision (g)): 0 takes the default. */
    uint64_t runs_per_key_max;
    uint64_t rows_per_run_max;
    uint64_t rows_per_key_max; /* of a key's runs of one query together */
    bool evicts; /* too many runs or rows: the oldest are dropped and counted; else the job fails */
    /* A late row, before it is dropped; may emit. NULL: it is counted only. */
    ps_code (*on_late)(void *user, const ps_batch *batch, uint32_t row, ps_outlet *outlet,
                       ps_error *err);
    void *on_late_user;
} ps_match_spec;

ps_operator_new ps_op_match_new;

/* Checks a pattern as SEMANTICS §13.2 says and that its automaton can be built. PS_E_INVALID: the
 * text says which stage and why. *out_matches_empty: there is a way to the end without a row. */
PS_CHECKED ps_code ps_cep_pattern_check(const ps_cep_pattern *pattern, bool *out_matches_empty,
                                        ps_error *err);

/* A window, or no stage that can wait or repeat without end: a run's length is known beforehand
 * (SEMANTICS decision (g)). Groups without a window count as unbounded. */
bool ps_cep_pattern_is_bounded(const ps_cep_pattern *pattern);

/* The automaton for people: DOT text, or a tree of stages, states and edges. `input` names columns
 * in conditions. */
void ps_cep_print_dot(const ps_cep_pattern *pattern, const ps_schema *input, ps_buf *out);
void ps_cep_print_tree(const ps_cep_pattern *pattern, const ps_schema *input, ps_buf *out);

#endif
