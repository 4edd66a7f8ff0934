/* CREATE, DROP and INSERT: what becomes of them in the catalog and in plans. Inside of sql. */
#ifndef PS_SQL_BIND_DDL_H
#define PS_SQL_BIND_DDL_H

#include "sql/bind.h"
#include "sql/planner.h"

void ps_ddl_create_table(ps_binder *binder, ps_catalog *catalog, const ps_ast_create_table *ddl);
/* `text` is the query's source, for SHOW CREATE VIEW. */
void ps_ddl_create_view(ps_binder *binder, ps_catalog *catalog, const ps_ast_create_view *ddl,
                        ps_slice text);
void ps_ddl_drop(ps_plan *plan, ps_catalog *catalog, const ps_ast_drop *ddl);
/* The rows of an INSERT in the columns and types of its table. */
ps_plan_output ps_dml_insert(ps_binder *binder, const ps_ast_insert *insert, ps_sql_span at);

#endif
