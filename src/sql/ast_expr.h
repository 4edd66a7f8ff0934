/* AST of expressions. Read ast.h first. */
#ifndef PS_SQL_AST_EXPR_H
#define PS_SQL_AST_EXPR_H

#include "sql/ast_call.h"

/* ── literals and operators ── */

typedef enum {
    PS_AST_LITERAL_NULL,
    PS_AST_LITERAL_TRUE,
    PS_AST_LITERAL_FALSE,
    PS_AST_LITERAL_UNKNOWN,
    PS_AST_LITERAL_INTEGER, /* 12: text as written, as for the next two; never signed */
    PS_AST_LITERAL_DECIMAL, /* 1.50 */
    PS_AST_LITERAL_DOUBLE,  /* 1e3, 1.5E0 */
    PS_AST_LITERAL_STRING,
    PS_AST_LITERAL_BINARY, /* X'0aff': text holds the bytes */
    PS_AST_LITERAL_DATE,   /* text is what stands in the quotes, unchecked, as for all below */
    PS_AST_LITERAL_TIME,
    PS_AST_LITERAL_TIMESTAMP,
    PS_AST_LITERAL_INTERVAL /* interval; is_negative: INTERVAL -'1' DAY */
} ps_ast_literal_kind;

typedef struct {
    ps_ast_literal_kind kind;
    bool is_negative;
    ps_slice text; /* also zero-terminated */
    ps_ast_interval interval;
} ps_ast_literal;

typedef enum {
    PS_AST_OP_NOT, /* unary: operand is left */
    PS_AST_OP_MINUS,
    PS_AST_OP_PLUS,
    PS_AST_OP_OR, /* binary */
    PS_AST_OP_AND,
    PS_AST_OP_EQ,
    PS_AST_OP_NE,
    PS_AST_OP_LT,
    PS_AST_OP_LE,
    PS_AST_OP_GT,
    PS_AST_OP_GE,
    PS_AST_OP_DISTINCT, /* IS DISTINCT FROM */
    PS_AST_OP_NOT_DISTINCT,
    PS_AST_OP_CONCAT, /* || */
    PS_AST_OP_ADD,
    PS_AST_OP_SUBTRACT,
    PS_AST_OP_MULTIPLY,
    PS_AST_OP_DIVIDE,
    PS_AST_OP_MODULO
} ps_ast_op;

typedef enum {
    PS_AST_IS_NULL,
    PS_AST_IS_TRUE,
    PS_AST_IS_FALSE,
    PS_AST_IS_UNKNOWN,
    PS_AST_IS_JSON, /* IS JSON, IS JSON VALUE */
    PS_AST_IS_JSON_OBJECT,
    PS_AST_IS_JSON_ARRAY,
    PS_AST_IS_JSON_SCALAR
} ps_ast_is_test;

typedef enum { PS_AST_LIKE, PS_AST_SIMILAR } ps_ast_like_kind;

typedef struct {
    ps_ast_expr *when, *then;
} ps_ast_branch;

/* ── the node ── */

typedef enum {
    PS_AST_EXPR_LITERAL,
    PS_AST_EXPR_NAME,    /* a, t.a, t.a.b: path; which part is the table is the binder's question */
    PS_AST_EXPR_STAR,    /* *, t.*: path (may be empty); in SELECT lists and calls only */
    PS_AST_EXPR_UNARY,   /* op, left */
    PS_AST_EXPR_BINARY,  /* op, left, right */
    PS_AST_EXPR_IS,      /* is: IS [NOT] NULL, TRUE … */
    PS_AST_EXPR_BETWEEN, /* between */
    PS_AST_EXPR_IN,      /* in */
    PS_AST_EXPR_LIKE,    /* like: LIKE, SIMILAR TO */
    PS_AST_EXPR_EXISTS,  /* query */
    PS_AST_EXPR_SUBQUERY, /* query: a scalar */
    PS_AST_EXPR_CASE,     /* cases */
    PS_AST_EXPR_CAST,     /* cast */
    PS_AST_EXPR_CALL,     /* call */
    PS_AST_EXPR_FIELD,    /* field: (e).name, f(x).name; a.b.c is a NAME */
    PS_AST_EXPR_INDEX,    /* index: a[1] */
    PS_AST_EXPR_ARRAY,    /* items: ARRAY[a, b] */
    PS_AST_EXPR_MAP,      /* items: MAP[k, v, k, v] */
    PS_AST_EXPR_ROW,      /* items: ROW(a, b), (a, b) */
    /* arguments of calls only */
    PS_AST_EXPR_UNIT,       /* unit: the MONTH of EXTRACT(MONTH FROM d), FLOOR(d TO MONTH) … */
    PS_AST_EXPR_TRIM_SIDE,  /* trim_side */
    PS_AST_EXPR_DESCRIPTOR, /* columns: DESCRIPTOR(a, b) */
    PS_AST_EXPR_TABLE       /* table: TABLE t PARTITION BY …, of window functions */
} ps_ast_expr_kind;

struct ps_ast_expr {
    ps_ast_expr_kind kind;
    ps_sql_span
        at; /* the whole expression; of operators and calls that is from the first operand */
    bool is_parenthesised; /* written in parentheses of its own; means nothing */
    union {
        ps_ast_literal literal;
        ps_ast_names path; /* NAME, STAR */
        struct {
            ps_ast_op op;
            ps_sql_span op_at;
            ps_ast_expr *left, *right; /* UNARY: right is NULL */
        };
        struct {
            ps_ast_expr *operand;
            ps_ast_is_test test;
            bool is_negated;
        } is;
        struct {
            ps_ast_expr *operand, *low, *high;
            bool is_negated, is_symmetric;
        } between;
        struct {
            ps_ast_expr *operand;
            ps_ast_exprs items;  /* count 0: query */
            ps_ast_query *query; /* NULL: items */
            bool is_negated;
        } in;
        struct {
            ps_ast_expr *operand, *pattern, *escape; /* escape NULL: none */
            ps_ast_like_kind kind;
            bool is_negated;
        } like;
        ps_ast_query *query; /* EXISTS, SUBQUERY */
        struct {
            ps_ast_expr *operand, *otherwise; /* NULL: none */
            uint32_t branch_count;
            ps_ast_branch *branches;
        } cases;
        struct {
            ps_ast_expr *operand;
            ps_ast_type *type;
            bool is_try;
        } cast;
        ps_ast_call *call;
        struct {
            ps_ast_expr *operand;
            ps_ast_name name;
        } field;
        struct {
            ps_ast_expr *operand, *index;
        } index;
        ps_ast_exprs items; /* ARRAY, MAP, ROW */
        ps_ast_unit unit;
        ps_ast_trim_side trim_side;
        ps_ast_names columns; /* DESCRIPTOR */
        ps_ast_table_argument *table;
    };
};

#endif
