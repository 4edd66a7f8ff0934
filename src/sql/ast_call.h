/* AST of what calls carry: ORDER BY, OVER, clauses of the JSON functions. Read ast.h first. */
#ifndef PS_SQL_AST_CALL_H
#define PS_SQL_AST_CALL_H

#include "sql/ast_type.h"

/* ── ORDER BY and OVER ── */

typedef enum {
    PS_AST_NULLS_DEFAULT, /* NULLs sort low: first in ASC, last in DESC */
    PS_AST_NULLS_FIRST,
    PS_AST_NULLS_LAST
} ps_ast_nulls;

typedef struct {
    ps_ast_expr *expr;
    bool is_descending;
    ps_ast_nulls nulls;
} ps_ast_order;

typedef struct {
    uint32_t count;
    ps_ast_order *items;
} ps_ast_orders;

typedef enum {
    PS_AST_BOUND_UNBOUNDED_PRECEDING,
    PS_AST_BOUND_PRECEDING, /* value */
    PS_AST_BOUND_CURRENT_ROW,
    PS_AST_BOUND_FOLLOWING, /* value */
    PS_AST_BOUND_UNBOUNDED_FOLLOWING
} ps_ast_bound_kind;

typedef struct {
    ps_ast_bound_kind kind;
    ps_ast_expr *value;
} ps_ast_bound;

typedef enum { PS_AST_FRAME_NONE, PS_AST_FRAME_ROWS, PS_AST_FRAME_RANGE } ps_ast_frame;

/* `OVER w`: is_reference, base. `OVER (w PARTITION BY …)`: base is w; its size is 0 without one.
 * `ROWS n PRECEDING` has high = CURRENT_ROW. */
typedef struct {
    ps_sql_span at;
    bool is_reference;
    ps_ast_name base;
    ps_ast_exprs partition_by;
    ps_ast_orders order_by;
    ps_ast_frame frame;
    ps_ast_bound low, high;
} ps_ast_window;

/* ── calls ── */

/* How the arguments were written; only the printer and error texts care. The arguments come in the
 * order of the plain call, so that the binder sees one form:
 *   EXTRACT(unit, e), POSITION(a, b[, from]), SUBSTRING(e, from[, for]),
 *   OVERLAY(e, by, from[, for]), TRIM(TRIM_SIDE, characters, e) or the PLAIN TRIM(e),
 *   FLOOR(e, unit), CEIL(e, unit), TIMESTAMPADD(unit, n, e), JSON_OBJECT(k, v, k, v) */
typedef enum {
    PS_AST_FORM_PLAIN,
    PS_AST_FORM_NO_PARENTHESES, /* CURRENT_TIMESTAMP */
    PS_AST_FORM_EXTRACT,
    PS_AST_FORM_POSITION,
    PS_AST_FORM_SUBSTRING,
    PS_AST_FORM_OVERLAY,
    PS_AST_FORM_TRIM,
    PS_AST_FORM_ROUND_TO, /* FLOOR(e TO unit) */
    PS_AST_FORM_PREFIX,   /* FINAL f(x), RUNNING f(x): one argument, the call */
    PS_AST_FORM_PAIRS     /* JSON_OBJECT, JSON_OBJECTAGG: KEY k VALUE v */
} ps_ast_call_form;

typedef enum { PS_AST_TRIM_BOTH, PS_AST_TRIM_LEADING, PS_AST_TRIM_TRAILING } ps_ast_trim_side;

typedef enum {
    PS_AST_BEHAVIOR_NONE, /* not written */
    PS_AST_BEHAVIOR_NULL,
    PS_AST_BEHAVIOR_ERROR,
    PS_AST_BEHAVIOR_DEFAULT, /* with an expression */
    PS_AST_BEHAVIOR_EMPTY_ARRAY,
    PS_AST_BEHAVIOR_EMPTY_OBJECT,
    PS_AST_BEHAVIOR_TRUE, /* JSON_EXISTS, as the next two */
    PS_AST_BEHAVIOR_FALSE,
    PS_AST_BEHAVIOR_UNKNOWN
} ps_ast_behavior;

typedef enum {
    PS_AST_WRAPPER_NONE, /* not written */
    PS_AST_WRAPPER_WITHOUT,
    PS_AST_WRAPPER_CONDITIONAL,
    PS_AST_WRAPPER_UNCONDITIONAL
} ps_ast_wrapper;

typedef enum { PS_AST_ON_NULL_DEFAULT, PS_AST_ON_NULL_NULL, PS_AST_ON_NULL_ABSENT } ps_ast_on_null;

/* JSON_VALUE, JSON_QUERY, JSON_EXISTS: returning, on_empty, on_error, wrapper.
 * JSON_OBJECT, JSON_ARRAY and their aggregates: on_null. */
typedef struct {
    ps_ast_type *returning; /* NULL: not written */
    ps_ast_behavior on_empty, on_error;
    ps_ast_expr *empty_default, *error_default; /* of BEHAVIOR_DEFAULT */
    ps_ast_wrapper wrapper;
    ps_ast_on_null on_null;
} ps_ast_json;

typedef enum { PS_AST_RESPECT_DEFAULT, PS_AST_RESPECT_NULLS, PS_AST_IGNORE_NULLS } ps_ast_respect;

typedef struct {
    ps_ast_names name; /* usually one part; cat.db.f has three */
    ps_ast_call_form form;
    bool is_distinct;
    ps_ast_exprs arguments;      /* COUNT(*): one STAR */
    ps_ast_name *argument_names; /* DATA => …: one per argument, size 0 without; NULL: none named */
    ps_ast_orders order_by;      /* ARRAY_AGG(x ORDER BY y) */
    ps_ast_orders within_group; /* WITHIN GROUP (ORDER BY …) */
    ps_ast_expr *filter;        /* FILTER (WHERE …); NULL: none */
    ps_ast_respect respect;
    ps_ast_window *over; /* NULL: none */
    ps_ast_json *json;   /* NULL: no such clause */
} ps_ast_call;

/* TABLE t, with the partitioning and order of a table function's input. */
typedef struct {
    ps_ast_names path;
    ps_ast_query *query;       /* NULL; Flink takes no TABLE (query), only the query itself */
    ps_ast_exprs partition_by; /* count 0: none */
    ps_ast_orders order_by;
    bool is_bare_list; /* several keys without parentheses */
} ps_ast_table_argument;

#endif
