/* AST of names and data types. Read ast.h first. */
#ifndef PS_SQL_AST_TYPE_H
#define PS_SQL_AST_TYPE_H

#include "sql/sql_error.h"

typedef struct ps_ast_expr ps_ast_expr;
typedef struct ps_ast_query ps_ast_query;
typedef struct ps_ast_type ps_ast_type;

/* As written, quotes taken off and doubled backticks halved; zero-terminated. */
typedef struct {
    ps_sql_span at;
    const char *text;
    uint32_t size;
    bool is_quoted;
} ps_ast_name;

typedef struct {
    uint32_t count;
    ps_ast_name *items;
} ps_ast_names;

typedef struct {
    uint32_t count;
    ps_ast_expr **items;
} ps_ast_exprs;

/* ── data types ── */

typedef enum {
    PS_AST_TYPE_BOOLEAN,
    PS_AST_TYPE_TINYINT,
    PS_AST_TYPE_SMALLINT,
    PS_AST_TYPE_INT,
    PS_AST_TYPE_BIGINT,
    PS_AST_TYPE_FLOAT,
    PS_AST_TYPE_DOUBLE,
    PS_AST_TYPE_DECIMAL, /* precision, scale */
    PS_AST_TYPE_CHAR,    /* precision = length, as for the next three */
    PS_AST_TYPE_VARCHAR, /* STRING comes as VARCHAR(2147483647), BYTES as VARBINARY(2147483647) */
    PS_AST_TYPE_BINARY,
    PS_AST_TYPE_VARBINARY,
    PS_AST_TYPE_DATE,
    PS_AST_TYPE_TIME, /* precision, as for the next two */
    PS_AST_TYPE_TIMESTAMP,
    PS_AST_TYPE_TIMESTAMP_LTZ,
    PS_AST_TYPE_INTERVAL, /* interval */
    PS_AST_TYPE_ROW,      /* fields */
    PS_AST_TYPE_ARRAY,    /* element */
    PS_AST_TYPE_MAP       /* key, element */
} ps_ast_type_kind;

typedef enum {
    PS_AST_UNIT_YEAR,
    PS_AST_UNIT_QUARTER,
    PS_AST_UNIT_MONTH,
    PS_AST_UNIT_WEEK,
    PS_AST_UNIT_DAY,
    PS_AST_UNIT_HOUR,
    PS_AST_UNIT_MINUTE,
    PS_AST_UNIT_SECOND,
    /* EXTRACT, FLOOR, CEIL, TIMESTAMPADD and TIMESTAMPDIFF only */
    PS_AST_UNIT_MILLISECOND,
    PS_AST_UNIT_MICROSECOND,
    PS_AST_UNIT_NANOSECOND,
    PS_AST_UNIT_DOY,
    PS_AST_UNIT_DOW,
    PS_AST_UNIT_ISODOW,
    PS_AST_UNIT_ISOYEAR,
    PS_AST_UNIT_EPOCH,
    PS_AST_UNIT_DECADE,
    PS_AST_UNIT_CENTURY,
    PS_AST_UNIT_MILLENNIUM
} ps_ast_unit;

/* DAY TO SECOND: from, to; MINUTE: from = to. Precisions: -1 where none is written. */
typedef struct {
    ps_ast_unit from, to;
    int32_t leading_precision, second_precision;
} ps_ast_interval;

typedef struct {
    ps_ast_name name;
    ps_ast_type *type;
    const char *comment; /* NULL: none */
} ps_ast_field;

struct ps_ast_type {
    ps_sql_span at;
    ps_ast_type_kind kind;
    int32_t precision, scale; /* -1: not written */
    bool is_not_null;         /* NOT NULL is written; the default and NULL are nullable */
    ps_ast_interval interval;
    uint32_t field_count;
    ps_ast_field *fields;
    ps_ast_type *key, *element;
};

#endif
