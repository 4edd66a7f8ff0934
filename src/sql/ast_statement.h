/* AST of statements. Read ast.h first. */
#ifndef PS_SQL_AST_STATEMENT_H
#define PS_SQL_AST_STATEMENT_H

#include "sql/ast_query.h"

typedef struct ps_ast_statement ps_ast_statement;

/* ── CREATE TABLE ── */

typedef enum {
    PS_AST_COLUMN_PHYSICAL, /* type */
    PS_AST_COLUMN_METADATA, /* type, metadata_key, is_virtual */
    PS_AST_COLUMN_COMPUTED  /* expr */
} ps_ast_column_kind;

typedef struct {
    ps_ast_column_kind kind;
    ps_sql_span at;
    ps_ast_name name;
    ps_ast_type *type;
    bool is_primary_key;      /* PRIMARY KEY NOT ENFORCED behind the column */
    const char *metadata_key; /* METADATA FROM 'k'; NULL: the column's name */
    bool is_virtual;
    ps_ast_expr *expr;
    const char *comment; /* NULL: none */
} ps_ast_column;

typedef struct {
    ps_sql_span at;
    ps_ast_names column; /* a.b: a field of a row */
    ps_ast_expr *expr;
} ps_ast_watermark;

typedef enum {
    PS_AST_LIKE_INCLUDING,
    PS_AST_LIKE_EXCLUDING,
    PS_AST_LIKE_OVERWRITING
} ps_ast_like_action;

typedef enum {
    PS_AST_LIKE_ALL,
    PS_AST_LIKE_CONSTRAINTS,
    PS_AST_LIKE_GENERATED,
    PS_AST_LIKE_METADATA,
    PS_AST_LIKE_OPTIONS,
    PS_AST_LIKE_PARTITIONS,
    PS_AST_LIKE_WATERMARKS,
    PS_AST_LIKE_DISTRIBUTION
} ps_ast_like_feature;

typedef struct {
    ps_sql_span at;
    ps_ast_like_action action;
    ps_ast_like_feature feature;
} ps_ast_like_option;

typedef struct {
    bool is_temporary, if_not_exists;
    ps_ast_names path;
    uint32_t column_count;
    ps_ast_column *columns;
    ps_ast_names names; /* CREATE TABLE t (a, b) AS query: names only; column_count is 0 then */
    ps_ast_watermark *watermark;
    ps_ast_names primary_key; /* PRIMARY KEY (a, b) NOT ENFORCED; columns may say it instead */
    ps_sql_span primary_key_at;
    const char *comment;
    ps_ast_names partitioned_by;
    ps_ast_options options;
    ps_ast_names like; /* count 0: none */
    uint32_t like_option_count;
    ps_ast_like_option *like_options;
    ps_ast_query *query; /* AS query; NULL: none */
} ps_ast_create_table;

/* ── the others ── */

typedef struct {
    bool is_temporary, if_not_exists;
    ps_ast_names path, columns;
    const char *comment;
    ps_ast_query *query;
    ps_sql_span query_at;
} ps_ast_create_view;

typedef struct {
    bool is_temporary, is_system, if_not_exists;
    ps_ast_names path;
    ps_slice symbol;   /* AS 'class or symbol' */
    ps_slice language; /* LANGUAGE JAVA, C …; empty: not written */
    ps_slice library;  /* USING JAR '…', USING LIBRARY '…'; empty: none */
    bool is_jar;
} ps_ast_create_function;

typedef enum { PS_AST_OBJECT_TABLE, PS_AST_OBJECT_VIEW, PS_AST_OBJECT_FUNCTION } ps_ast_object;

typedef struct {
    ps_ast_object object;
    bool is_temporary, if_exists;
    ps_ast_names path;
} ps_ast_drop;

typedef struct {
    bool is_overwrite;
    ps_ast_names path;
    ps_ast_hints hints;
    uint32_t partition_count; /* PARTITION (a = 1, b = 'x') */
    ps_ast_definition *partition;
    ps_ast_names columns; /* count 0: all */
    ps_ast_query *query;
} ps_ast_insert;

typedef struct {
    uint32_t count;
    ps_ast_statement **items; /* of kind INSERT, one at least */
} ps_ast_statement_set;

typedef struct {
    uint32_t detail_count; /* ESTIMATED_COST, CHANGELOG_MODE, JSON_EXECUTION_PLAN, PLAN_ADVICE */
    ps_ast_name *details;
    ps_ast_statement *statement; /* QUERY, INSERT or STATEMENT_SET */
} ps_ast_explain;

typedef enum {
    PS_AST_SHOW_TABLES,
    PS_AST_SHOW_VIEWS,
    PS_AST_SHOW_FUNCTIONS,
    PS_AST_SHOW_CREATE_TABLE, /* path, as for the next two */
    PS_AST_SHOW_CREATE_VIEW,
    PS_AST_SHOW_COLUMNS
} ps_ast_show_kind;

typedef struct {
    ps_ast_show_kind kind;
    ps_ast_names path;
} ps_ast_show;

typedef enum {
    PS_AST_STATEMENT_QUERY,        /* query */
    PS_AST_STATEMENT_INSERT,       /* insert */
    PS_AST_STATEMENT_SET,          /* statement_set: EXECUTE STATEMENT SET, BEGIN STATEMENT SET */
    PS_AST_STATEMENT_CREATE_TABLE, /* create_table */
    PS_AST_STATEMENT_CREATE_VIEW,  /* create_view */
    PS_AST_STATEMENT_CREATE_FUNCTION, /* create_function */
    PS_AST_STATEMENT_DROP,            /* drop */
    PS_AST_STATEMENT_ASSIGN,          /* option: SET 'k' = 'v'; key empty: SET alone, list all */
    PS_AST_STATEMENT_RESET,           /* option: RESET 'k'; key empty: all */
    PS_AST_STATEMENT_EXPLAIN,         /* explain */
    PS_AST_STATEMENT_SHOW,            /* show */
    PS_AST_STATEMENT_DESCRIBE         /* path */
} ps_ast_statement_kind;

struct ps_ast_statement {
    ps_ast_statement_kind kind;
    ps_sql_span at; /* without the semicolon */
    union {
        ps_ast_query *query;
        ps_ast_insert *insert;
        ps_ast_statement_set statement_set;
        ps_ast_create_table *create_table;
        ps_ast_create_view *create_view;
        ps_ast_create_function *create_function;
        ps_ast_drop *drop;
        ps_ast_option option;
        ps_ast_explain *explain;
        ps_ast_show show;
        ps_ast_names path;
    };
};

#endif
