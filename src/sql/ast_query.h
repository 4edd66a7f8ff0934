/* AST of queries: SELECT, set operations, FROM, MATCH_RECOGNIZE. Read ast.h first. */
#ifndef PS_SQL_AST_QUERY_H
#define PS_SQL_AST_QUERY_H

#include "sql/ast_expr.h"

typedef struct ps_ast_from ps_ast_from;
typedef struct ps_ast_pattern ps_ast_pattern;

/* 'k' = 'v' of WITH (…) and of hints. */
typedef struct {
    ps_sql_span at; /* of the key */
    ps_sql_span value_at;
    ps_slice key, value; /* unquoted; also zero-terminated */
} ps_ast_option;

typedef struct {
    uint32_t count;
    ps_ast_option *items;
} ps_ast_options;

/* OPTIONS('k'='v'), STATE_TTL('t'='1d'), BROADCAST(t): options, or bare words as keys with an empty
 * value. */
typedef struct {
    ps_ast_name name;
    ps_ast_options options;
} ps_ast_hint;

typedef struct {
    uint32_t count;
    ps_ast_hint *items;
} ps_ast_hints;

/* ── MATCH_RECOGNIZE ── */

typedef enum {
    PS_AST_PATTERN_VARIABLE,    /* name */
    PS_AST_PATTERN_SEQUENCE,    /* items: A B; a parenthesised group is a SEQUENCE or ALTERNATION */
    PS_AST_PATTERN_ALTERNATION, /* items: A | B */
    PS_AST_PATTERN_PERMUTE,     /* items */
    PS_AST_PATTERN_EXCLUSION,   /* items[0]: {- A -} */
    PS_AST_PATTERN_ABSENCE      /* name: [^B] */
} ps_ast_pattern_kind;

enum { PS_AST_UNBOUNDED = INT32_MAX };

struct ps_ast_pattern {
    ps_ast_pattern_kind kind;
    ps_sql_span at;
    ps_ast_name name;
    uint32_t item_count;
    ps_ast_pattern **items;
    bool is_quantified, is_reluctant;
    bool has_no_minimum;             /* {,m}, which Flink parses and then refuses */
    uint32_t repeat_min, repeat_max; /* 1, 1 without a quantifier; A+: 1, PS_AST_UNBOUNDED */
};

typedef enum {
    PS_AST_SKIP_DEFAULT, /* not written: as NEXT_ROW, with a lint finding */
    PS_AST_SKIP_NEXT_ROW,
    PS_AST_SKIP_PAST_LAST_ROW,
    PS_AST_SKIP_TO_FIRST, /* skip_variable */
    PS_AST_SKIP_TO_LAST   /* skip_variable; TO v is TO LAST v */
} ps_ast_skip;

typedef enum { PS_AST_ROWS_DEFAULT, PS_AST_ROWS_ONE, PS_AST_ROWS_ALL } ps_ast_rows_per_match;

typedef struct {
    ps_ast_name name;
    ps_ast_expr *expr; /* of MEASURES (expr AS name) and DEFINE (name AS expr) */
} ps_ast_definition;

typedef struct {
    uint32_t count;
    ps_ast_definition *items;
} ps_ast_definitions;

typedef struct {
    ps_ast_name name;
    ps_ast_names members;
} ps_ast_subset;

typedef struct {
    ps_sql_span at; /* of the keyword MATCH_RECOGNIZE */
    ps_ast_exprs partition_by;
    ps_ast_orders order_by;
    ps_ast_definitions measures;
    ps_ast_rows_per_match rows_per_match;
    ps_sql_span rows_at;      /* of the ROWS PER MATCH clause */
    bool is_showing_timeouts; /* SHOW TIMEOUT MATCHES */
    ps_ast_skip skip;
    ps_sql_span skip_at;
    ps_ast_name skip_variable;
    bool has_start_anchor, has_end_anchor; /* PATTERN (^ … $) */
    ps_ast_pattern *pattern;
    ps_ast_expr *within; /* NULL: none */
    uint32_t subset_count;
    ps_ast_subset *subsets;
    ps_ast_definitions defines;
} ps_ast_match;

/* ── FROM ── */

typedef enum {
    PS_AST_FROM_TABLE,    /* path, hints, system_time */
    PS_AST_FROM_QUERY,    /* query, is_lateral */
    PS_AST_FROM_FUNCTION, /* call: TABLE(f(…)), LATERAL TABLE(f(…)), TUMBLE(…) */
    PS_AST_FROM_UNNEST,   /* unnest, with_ordinality */
    PS_AST_FROM_JOIN,     /* join */
    PS_AST_FROM_MATCH     /* match, input */
} ps_ast_from_kind;

typedef enum {
    PS_AST_JOIN_INNER,
    PS_AST_JOIN_LEFT,
    PS_AST_JOIN_RIGHT,
    PS_AST_JOIN_FULL,
    PS_AST_JOIN_CROSS,
    PS_AST_JOIN_COMMA
} ps_ast_join_kind;

typedef struct {
    ps_ast_join_kind kind;
    bool is_natural;
    ps_ast_from *left, *right;
    ps_ast_expr *on;    /* NULL: none */
    ps_ast_names using; /* count 0: none */
} ps_ast_join;

struct ps_ast_from {
    ps_ast_from_kind kind;
    ps_sql_span at;
    bool is_lateral;
    bool is_parenthesised; /* JOIN only: (a JOIN b ON …) */
    union {
        struct {
            ps_ast_names path;
            ps_ast_hints hints;
            ps_ast_expr *system_time; /* FOR SYSTEM_TIME AS OF e; NULL: none */
        } table;
        ps_ast_query *query;
        ps_ast_expr *call; /* of kind CALL */
        struct {
            ps_ast_expr *expr;
            bool with_ordinality;
        } unnest;
        ps_ast_join join;
        struct {
            ps_ast_from *input;
            ps_ast_match *match;
        } match;
    };
    ps_ast_name alias;    /* size 0: none */
    ps_ast_names columns; /* AS t (a, b) */
};

/* ── SELECT ── */

typedef struct {
    ps_ast_expr *expr; /* STAR: no alias */
    ps_ast_name alias; /* size 0: none */
} ps_ast_item;

typedef enum {
    PS_AST_GROUP_EXPR, /* exprs: one */
    PS_AST_GROUP_LIST, /* exprs: (a, b) inside SETS, CUBE, ROLLUP; count 0: () */
    PS_AST_GROUP_SETS, /* items, as for the next two */
    PS_AST_GROUP_CUBE,
    PS_AST_GROUP_ROLLUP
} ps_ast_group_kind;

typedef struct ps_ast_group ps_ast_group;
struct ps_ast_group {
    ps_ast_group_kind kind;
    ps_sql_span at;
    ps_ast_exprs exprs;
    uint32_t item_count;
    ps_ast_group *items;
};

typedef struct {
    ps_ast_name name;
    ps_ast_window window;
} ps_ast_named_window;

typedef struct {
    bool is_distinct;
    ps_ast_hints hints;
    uint32_t item_count;
    ps_ast_item *items;
    ps_ast_from *from;  /* NULL: none; a comma list is JOIN_COMMA, left-deep */
    ps_ast_expr *where; /* NULL: none, as for the others */
    bool has_group_by;
    uint32_t group_count;
    ps_ast_group *groups;
    ps_ast_expr *having;
    uint32_t window_count;
    ps_ast_named_window *windows;
    ps_ast_expr *qualify;
} ps_ast_select;

typedef enum {
    PS_AST_QUERY_SELECT, /* select */
    PS_AST_QUERY_SET,    /* set */
    PS_AST_QUERY_VALUES, /* rows: exprs of kind ROW, or one expression each */
    PS_AST_QUERY_TABLE,  /* path: TABLE t */
    PS_AST_QUERY_NESTED  /* nested: (query) with an ORDER BY or LIMIT or WITH of its own */
} ps_ast_query_kind;

typedef enum { PS_AST_SET_UNION, PS_AST_SET_INTERSECT, PS_AST_SET_EXCEPT } ps_ast_set_op;

typedef struct {
    ps_ast_name name;
    ps_ast_names columns; /* count 0: none */
    ps_ast_query *query;
} ps_ast_with;

struct ps_ast_query {
    ps_ast_query_kind kind;
    ps_sql_span at;
    uint32_t with_count;
    ps_ast_with *with;
    union {
        ps_ast_select *select;
        struct {
            ps_ast_set_op op;
            ps_sql_span op_at;
            bool is_all;
            ps_ast_query *left, *right;
        } set;
        ps_ast_exprs rows;
        ps_ast_names path;
        ps_ast_query *nested;
    };
    ps_ast_orders order_by;
    ps_ast_expr *limit, *offset; /* NULL: none; FETCH NEXT n ROWS ONLY is limit */
};

#endif
