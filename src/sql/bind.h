/* Binder: AST to relations and typed expressions. Inside of sql.
 *
 * Column numbers while a SELECT is bound. What is not there yet when an expression is bound stands
 * for itself as a column of a high range, and is put in its place afterwards
 * (ps_bind_place): */
#ifndef PS_SQL_BIND_H
#define PS_SQL_BIND_H

#include "sql/ast.h"
#include "sql/catalog.h"
#include "sql/rel.h"

enum {
    PS_BIND_AGGREGATE = 1 << 20, /* + number of the aggregate call */
    PS_BIND_OVER = 1 << 21,      /* + number of the OVER call */
    PS_BIND_PROPERTY = 1 << 22,  /* + ps_window_property, of GROUP BY TUMBLE(…) */
    PS_BIND_GROUPING = 1 << 23,  /* + number of the GROUPING call */
    PS_BIND_OUTER = 1 << 24,     /* + column of the enclosing query */
    PS_BIND_SLOT = 1 << 25       /* + number of a value out of a match's rows (bind_match.h) */
};

/* ── names ── */

/* A named part of FROM: a run of its relation's columns. */
typedef struct {
    ps_slice name; /* size 0: a query without an alias */
    uint32_t first, count;
} ps_scope_table;

/* A column of USING or NATURAL: one name for two columns. */
typedef struct {
    ps_slice name;
    const ps_expr *expr;
    uint32_t left, right; /* the columns that it hides */
} ps_scope_merged;

typedef struct ps_scope ps_scope;
struct ps_scope {
    ps_scope *outer; /* enclosing query, for correlation; NULL: none */
    ps_rel *rel;     /* grows by scalar subqueries; the columns of tables stay in front */
    uint32_t table_count;
    ps_scope_table *tables;
    uint32_t merged_count;
    ps_scope_merged *merged;
};

/* WITH: names of queries, innermost first. */
typedef struct ps_with ps_with;
struct ps_with {
    const ps_with *next;
    const ps_ast_with *item;
    const ps_with *visible; /* what its query sees */
};

typedef struct {
    ps_plan *plan;
    const ps_with *with;
    uint32_t depth; /* of views and WITH queries inside each other */
    void (*note)(void *with, ps_sql_span at, const char *rule, const char *message);
    void *note_with; /* lint */
} ps_binder;

enum { PS_BIND_DEPTH_MAX = 64 };

/* ── expressions ── */

typedef struct {
    const ps_aggregate_class *class;
    const ps_type *result;
    uint32_t argument_count;
    const ps_expr *arguments[PS_AGGREGATE_ARGUMENTS_MAX];
    const ps_expr *filter; /* NULL: none */
    bool is_distinct;
    const char *name;
} ps_bound_call;

typedef struct {
    uint32_t partition_count;
    const ps_expr **partition;
    uint32_t sort_count;
    const ps_expr **sort;
    ps_sort_key *sort_keys; /* column is not set yet */
    bool is_rows, is_unbounded, has_frame;
    int64_t preceding;
    ps_sql_span at;
} ps_bound_over;

/* NULL is the least (SEMANTICS §3.6) unless the query says where. */
static inline bool ps_order_nulls_last(const ps_ast_order *order)
{
    return order->nulls == PS_AST_NULLS_DEFAULT ? order->is_descending
                                                : order->nulls == PS_AST_NULLS_LAST;
}

/* GROUPING(a, b), GROUPING_ID(a, b) */
typedef struct {
    uint32_t argument_count;
    const ps_expr **arguments;
    ps_sql_span at;
} ps_bound_grouping;

typedef struct ps_match_names ps_match_names; /* bind_match.h */

/* Where an expression is bound, and what it may hold. */
typedef struct {
    ps_binder *binder;
    ps_scope *scope;
    const char *clause;          /* "WHERE", for messages */
    ps_match_names *match;       /* inside of MATCH_RECOGNIZE; NULL: not */
    const ps_ast_select *select; /* named windows; NULL: none */
    bool takes_aggregates, takes_overs, takes_subqueries;
    bool in_aggregate;
    uint32_t aggregate_count, over_count, grouping_count;
    ps_bound_call *aggregates, *overs;
    ps_bound_grouping *groupings;
    ps_bound_over *over;     /* the one window of all OVER calls */
    ps_window *group_window; /* of GROUP BY TUMBLE(…), for TUMBLE_START …; NULL: none */
    const ps_expr *group_time;
} ps_bind_context;

enum { PS_BIND_CALLS_MAX = 500 };

const ps_expr *ps_bind_expr(ps_bind_context *context, const ps_ast_expr *expr);
/* A BOOLEAN; fails with the clause's name otherwise. */
const ps_expr *ps_bind_condition(ps_bind_context *context, const ps_ast_expr *expr);
const ps_expr *ps_bind_name(ps_bind_context *context, const ps_ast_expr *expr);
/* A field of a ROW by its name. */
const ps_expr *ps_bind_field(ps_bind_context *context, const ps_expr *row, const ps_ast_name *name);
/* Fails: there is no such column; proposes the nearest. */
_Noreturn void ps_bind_no_column(ps_bind_context *context, const ps_ast_names *path);
/* A call of an aggregate or OVER function with its bound arguments, no clauses. */
ps_bound_call ps_bind_resolve_call(ps_bind_context *context, const ps_ast_expr *expr,
                                   const char *name);
const ps_expr *ps_bind_literal(ps_plan *plan, const ps_ast_expr *expr);
const ps_expr *ps_bind_call(ps_bind_context *context, const ps_ast_expr *expr);
/* JSON_VALUE, JSON_QUERY … with their clauses. */
const ps_expr *ps_bind_json_call(ps_bind_context *context, const ps_ast_expr *expr,
                                 const char *name);
/* A constant INTERVAL of days to seconds, in ms; `what` for messages. */
int64_t ps_bind_interval_ms(ps_bind_context *context, const ps_ast_expr *expr, const char *what);
/* A constant whole number. */
int64_t ps_bind_whole_number(ps_bind_context *context, const ps_ast_expr *expr, const char *what);
const ps_type *ps_bind_type(ps_plan *plan, const ps_ast_type *type);
/* Both become their common type; fails naming `what`. */
void ps_bind_unify(ps_plan *plan, ps_sql_span at, uint32_t count, const ps_expr **exprs,
                   const char *what);
bool ps_bind_has_aggregate(const ps_plan *plan, const ps_ast_expr *expr);
/* Ours or of the user's. */
bool ps_bind_is_aggregate(const ps_plan *plan, const char *name);
/* The name of a call as upper-case text; "" when it has several parts. */
const char *ps_bind_call_name(const ps_ast_call *call, char *out, size_t size);
bool ps_bind_is_group_window(const ps_ast_expr *expr);

/* The uncorrelated query (or, with `scope`, the correlated one) as a relation. */
/* A column of FROM by its bare name; NULL: none. Fails when two tables have it. */
const ps_expr *ps_scope_column(ps_plan *plan, const ps_scope *scope, const ps_ast_name *name);
/* Hidden behind the one column of USING. */
bool ps_scope_is_hidden(const ps_scope *scope, uint32_t column);
/* One row of one column, for what has no FROM. */
ps_rel *ps_bind_one_row(ps_plan *plan, ps_sql_span at);
/* A calc with the same expressions and other names. */
ps_rel *ps_bind_renamed(ps_plan *plan, ps_rel *input, const ps_ast_names *names, ps_sql_span at);
/* The rows of `rel` in the given types; the rel itself when it has them. */
ps_rel *ps_bind_coerced(ps_plan *plan, ps_rel *rel, const ps_type *const *types, ps_sql_span at);
ps_rel *ps_bind_query(ps_binder *binder, const ps_ast_query *query, ps_scope *outer);
ps_scope *ps_bind_from(ps_binder *binder, const ps_ast_from *from, ps_scope *outer);
ps_scope *ps_scope_new(ps_binder *binder, ps_rel *rel, ps_slice name, ps_scope *outer);
/* FROM TABLE(TUMBLE(…)) */
ps_rel *ps_bind_window_function(ps_binder *binder, const ps_ast_expr *call, ps_scope *outer);
/* FROM t MATCH_RECOGNIZE (…) */
ps_rel *ps_bind_match(ps_binder *binder, const ps_ast_from *from);
/* The table, view or WITH query of a path. */
ps_rel *ps_bind_table(ps_binder *binder, const ps_ast_names *path, const ps_ast_hints *hints);
/* HOP windows that are aggregated, and CUMULATE ones always, are made of whole steps. */
void ps_bind_check_hop(ps_plan *plan, const ps_window *window, ps_sql_span at);
/* The window of GROUP BY TUMBLE(ts, …); *out_time is the time attribute. */
ps_window ps_bind_group_window(ps_bind_context *context, const ps_ast_call *call,
                               const ps_expr **out_time);
/* WHERE, its subqueries as joins on scope->rel. */
void ps_bind_where(ps_bind_context *context, const ps_ast_expr *where);
/* A subquery as the right side of a join with the scope's relation: the conditions in its WHERE
 * that read the enclosing query's columns come out as *out_condition, in joined numbering (NULL:
 * none); what they read of the subquery is appended to its columns. */
ps_rel *ps_bind_inner(ps_binder *binder, ps_scope *scope, const ps_ast_query *query, ps_sql_span at,
                      const ps_expr **out_condition);
bool ps_bind_reads_outer(const ps_rel *rel);
/* Takes the conditions that read the enclosing query out of the calcs at the top of `rel`; they are
 * over its columns then, to which what they read is appended. */
void ps_bind_pull_conditions(ps_plan *plan, ps_rel *rel, ps_plan_list *pulled);
/* Column c becomes map[c] (NULL: c) + inner_shift; the enclosing query's become its own numbers
 * when resolve_outer, else stay. */
const ps_expr *ps_bind_renumber_inner(ps_plan *plan, const ps_expr *expr, const uint32_t *map,
                                      uint32_t inner_shift, bool resolve_outer);
/* `query` as a single-row join on the scope's relation; the value is the returned column. */
const ps_expr *ps_bind_scalar_subquery(ps_bind_context *context, const ps_ast_expr *expr);

/* SELECT without its ORDER BY; with the expressions of `order_by` as the last columns when
 * out_order is given (their number in *out_hidden, the sort keys in *out_order). */
typedef struct {
    ps_rel *rel;
    uint32_t visible_count; /* columns of the SELECT list */
    uint32_t sort_count;
    ps_sort_key *sort;
} ps_bound_select;
ps_bound_select ps_bind_select(ps_binder *binder, const ps_ast_select *select,
                               const ps_ast_orders *order_by, ps_scope *outer);

/* bind_group.c: the aggregate of a SELECT, and what places its results in expressions. */
typedef struct {
    ps_rel *rel;
    uint32_t key_count;
    const ps_expr **keys;               /* over the scope */
    const ps_expr **key_values;         /* over rel */
    const ps_expr **calls, **groupings; /* over rel */
    const ps_expr *properties[3];       /* by ps_window_property; NULL: not there */
} ps_bound_group;
typedef struct {
    uint32_t key_count;
    const ps_expr **keys;
    uint32_t set_count;
    uint64_t *sets; /* bit i: key i is in the set */
} ps_group_sets;
ps_group_sets ps_bind_groups(ps_bind_context *context, const ps_ast_select *select);
ps_bound_group ps_bind_aggregate(ps_bind_context *context, const ps_group_sets *groups,
                                 ps_sql_span at);
/* An expression over the scope, aggregates included, as one over the aggregate. */
const ps_expr *ps_bind_grouped(ps_bind_context *context, const ps_bound_group *group,
                               const ps_expr *expr, ps_sql_span at);
/* The OVER calls as a relation over `input`; expressions then read them behind its columns. */
ps_rel *ps_bind_overs(ps_bind_context *context, ps_rel *input, ps_sql_span at);
const ps_expr *ps_bind_over_placed(ps_bind_context *context, const ps_rel *over,
                                   const ps_expr *expr);
ps_rel *ps_bind_distinct(ps_plan *plan, ps_rel *input);

#endif
