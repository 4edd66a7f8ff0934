/* Catalog: the tables and views of a session.
 *
 * Everything lies in the session's arena; dropped tables stay there until the session ends, so that
 * plans made before stay valid. A temporary object hides a permanent one of the same name, as in
 * Flink.
 */
#ifndef PS_SQL_CATALOG_H
#define PS_SQL_CATALOG_H

#include "sql/ast.h"
#include "sql/plan.h"

enum { PS_TABLE_COUNT_MAX = 10000 };

typedef struct {
    ps_ast_column_kind kind;
    ps_slice name;
    const ps_type *type;
    uint32_t index;      /* PHYSICAL: of info.physical; METADATA: of info.metadata */
    const ps_expr *expr; /* COMPUTED: over the table's columns */
    const ps_ast_expr *expr_ast;
    bool is_virtual; /* METADATA */
    const char *comment;
} ps_table_column;

typedef struct ps_table ps_table;
struct ps_table {
    ps_slice name;
    bool is_view, is_temporary;
    /* view */
    ps_ast_query *query;
    ps_ast_names view_columns; /* count 0: the query's */
    ps_slice query_text;
    /* table */
    uint32_t column_count;
    const ps_table_column *columns;
    ps_table_info info;
    uint32_t watermark_column; /* PS_NO_COLUMN: none */
    const ps_expr *watermark;  /* over the table's columns */
    const ps_ast_expr *watermark_ast;
    const ps_ast_create_table *ddl;
    const ps_table *late_of; /* holds the late rows on the way to that table; NULL: an own table */
};

struct ps_catalog {
    uint32_t count, capacity;
    ps_table **tables; /* in order of creation */
};

/* By the last part of the path (one part, or default_catalog.default_database.t); NULL: none. */
ps_table *ps_catalog_find(const ps_catalog *catalog, const ps_ast_names *path);
/* The same; fails with the nearest name. */
ps_table *ps_catalog_get(ps_plan *plan, const ps_ast_names *path);
ps_table *ps_catalog_find_exact(const ps_catalog *catalog, ps_slice name, bool is_temporary);
void ps_catalog_add(ps_plan *plan, ps_catalog *catalog, ps_table *table);
void ps_catalog_remove(ps_catalog *catalog, const ps_table *table);
/* The name of a table as a path says it; fails when the path names another catalog. */
ps_slice ps_catalog_name(ps_plan *plan, const ps_ast_names *path);

/* Column number; PS_NO_COLUMN: none. */
uint32_t ps_table_find_column(const ps_table *table, ps_slice name);
/* In the numbering of the table's columns; count 0: none. */
ps_columns ps_table_primary_key(ps_plan *plan, const ps_table *table);
/* What the connector says of the table; checks its options. */
ps_table_traits ps_table_find_traits(ps_plan *plan, const ps_table *table, ps_sql_span at);
/* `<table>$late`, when the path names no table of its own; NULL: it names no late rows. Fails when
 * the table is not there or the dialect is portable (lower_late.c). */
const ps_table *ps_table_late(ps_plan *plan, const ps_ast_names *path);
/* The table with other options over its own (hint OPTIONS). */
const ps_table *ps_table_with_options(ps_plan *plan, const ps_table *table,
                                      const ps_ast_options *options);

/* The nearest of `count` names by edit distance, for hints; empty when none is near. */
ps_slice ps_name_nearest(ps_slice name, uint32_t count, const ps_slice *names);

#endif
