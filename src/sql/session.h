/* Session: a catalog of tables and views, settings, and the planning of one statement after the
 * other. DDL, SET and SHOW are done here; queries and inserts come back as plans for run.
 *
 * Threads: one. All plans live in the session's arena until the session ends.
 */
#ifndef PS_SQL_SESSION_H
#define PS_SQL_SESSION_H

#include "flow/connector.h"
#include "sql/sql_error.h"

typedef struct ps_session ps_session;

typedef struct {
    const ps_connector_set *connectors;
    /* DDL that is run first, e.g. of the journal's predeclared tables; may be NULL */
    const char *prelude;
    bool is_extended; /* starts in the extended dialect */
} ps_session_options;

typedef enum {
    PS_STATEMENT_DONE,   /* DDL, SET, RESET … : nothing is left to do */
    PS_STATEMENT_ROWS,   /* SHOW, DESCRIBE, EXPLAIN: rows are there */
    PS_STATEMENT_QUERY,  /* SELECT: graph with one sink without a table */
    PS_STATEMENT_INSERT, /* INSERT or STATEMENT SET: graph with one sink per INSERT */
    PS_STATEMENT_END     /* no more statements */
} ps_statement_kind;

typedef struct {
    ps_statement_kind kind;
    ps_slice text; /* the statement's source */
    uint32_t line;
    const ps_graph *graph; /* QUERY, INSERT */
    ps_schema schema;      /* ROWS, QUERY: result columns */
    uint32_t time_column;  /* QUERY: rowtime attribute; PS_NO_COLUMN */
    uint32_t row_count;    /* ROWS */
    const ps_value *rows;  /* row_count × columns */
} ps_statement;

PS_CHECKED ps_code ps_session_new(const ps_session_options *options, ps_session **out,
                                  ps_error *err);
void ps_session_free(ps_session *session);

/* A new script (or one input of the shell); file_name is for messages. Parses nothing yet.
 * Borrows text until the next open. */
void ps_session_open(ps_session *session, const char *file_name, ps_slice text);
/* Parses and handles the next statement. On PS_E_…: *sql_error holds position, sentence and hint;
 * the shell may go on with the next statement. */
PS_CHECKED ps_code ps_session_next(ps_session *session, ps_statement *out, ps_sql_error *sql_error);

/* Settings by SET and by -D (ps_session_set: PS_E_INVALID says what is wrong with the value). */
PS_CHECKED ps_code ps_session_set(ps_session *session, const char *key, ps_slice value,
                                  ps_error *err);
const char *ps_session_setting(const ps_session *session, const char *key); /* NULL: default */
const ps_expr_context *ps_session_expressions(const ps_session *session);
/* Tables and views in order of name, for the shell's completion and \d. */
uint32_t ps_session_table_count(const ps_session *session);
ps_slice ps_session_table_name(const ps_session *session, uint32_t index);

/* The plan as a tree: operator, changelog mode, time attribute, state kind (EXPLAIN and
 * `paystream explain`). */
void ps_graph_print(const ps_graph *graph, ps_buf *out);
/* After a run: the plan without automata, each node followed by what `note` appends to its line. */
typedef void ps_graph_note(const void *with, const ps_node *node, ps_buf *out);
void ps_graph_print_run(const ps_graph *graph, ps_graph_note *note, const void *with, ps_buf *out);
/* The automata of its patterns as DOT text, one graph each. */
void ps_graph_print_dot(const ps_graph *graph, ps_buf *out);
/* Of the plan's text without automata: whether a checkpoint is of this plan. */
uint64_t ps_graph_fingerprint(const ps_graph *graph);

/* ── lint ── */
typedef struct {
    uint32_t line, column;
    const char *level; /* "warning", "error" */
    const char *rule;
    char message[400];
} ps_lint_finding;
/* Warnings of the statements handled so far (reserved words, compat keys, …). */
uint32_t ps_session_finding_count(const ps_session *session);
const ps_lint_finding *ps_session_finding_at(const ps_session *session, uint32_t index);

#endif
