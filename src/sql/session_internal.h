/* The inside of a session. */
#ifndef PS_SQL_SESSION_INTERNAL_H
#define PS_SQL_SESSION_INTERNAL_H

#include "sql/bind_ddl.h"
#include "sql/parser.h"
#include "sql/session.h"

enum { PS_SESSION_FINDINGS_MAX = 1000 };

typedef struct ps_library ps_library;
typedef struct ps_session_library ps_session_library;
struct ps_session_library {
    ps_library *library; /* owned */
    ps_session_library *next;
};

struct ps_session {
    ps_arena arena; /* everything but the session itself */
    const ps_connector_set *connectors;
    ps_catalog catalog;
    ps_settings settings;
    ps_expr_context expressions;
    ps_session_library *libraries; /* of functions in C */
    bool is_extended;
    const char *file_name;
    ps_slice text;
    ps_parser *parser;       /* NULL: not begun */
    uint32_t reserved_noted; /* of the parser's reserved words */
    uint32_t finding_count;
    ps_lint_finding *findings; /* in the arena, PS_SESSION_FINDINGS_MAX */
    uint32_t name_count;       /* what ps_session_table_name sorts, made on demand */
    ps_slice *names;
};

/* Rows of SHOW, DESCRIBE, EXPLAIN, SET: all columns are STRING. */
void ps_session_rows(ps_plan *plan, ps_statement *out, uint32_t column_count,
                     const char *const *names, uint32_t row_count, const ps_slice *texts);
void ps_session_show(ps_session *session, ps_plan *plan, const ps_ast_statement *statement,
                     ps_statement *out);
void ps_session_describe(ps_plan *plan, const ps_ast_names *path, ps_statement *out);
void ps_session_list_settings(ps_session *session, ps_plan *plan, ps_statement *out);
/* session_function.c */
void ps_session_create_function(ps_session *session, ps_plan *plan,
                                const ps_ast_create_function *ddl);
void ps_session_drop_function(ps_plan *plan, const ps_ast_drop *ddl);
void ps_session_close_libraries(ps_session *session);
void ps_session_note(void *session, ps_sql_span at, const char *rule, const char *message);

#endif
