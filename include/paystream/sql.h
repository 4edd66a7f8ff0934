/* SQL: runs a script, as `paystream run` does, inside the calling program.
 *
 *     static bool show(void *user, const ps_row *row) { …; return true; }
 *     if (!ps_sql_run("SELECT 1 AS n", NULL, show, NULL, &failure)) …
 *
 * The language is that of docs/sql.md: CREATE TABLE, INSERT, SELECT, SET … The statements are run
 * one after the other; a query over sources without an end runs until it is stopped.
 */
#ifndef PAYSTREAM_SQL_H
#define PAYSTREAM_SQL_H

#include <paystream/row.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A setting, as SET 'key' = 'value' has it. */
typedef struct {
    const char *key, *value;
} ps_setting;

typedef struct {
    const char *file_name;      /* for messages; NULL: "script" */
    const char *data_dir;       /* of a service, for its journal's tables; NULL: none */
    const char *state_dir;      /* checkpoints, to go on after a stop or a crash; NULL: none */
    const ps_setting *settings; /* ended by one without a key; NULL: none */
    bool is_extended;           /* the extended dialect from the start */
} ps_sql_options;

/* One row of a query's result (SELECT, SHOW, DESCRIBE, EXPLAIN), in order; columns differ from
 * statement to statement. false: enough, the whole run ends well. Must not call back into the
 * run. */
typedef bool ps_sql_row_function(void *user, const ps_row *row);

/* Runs the script in the calling thread. text: NUL-terminated, borrowed during the call. options
 * and on_row may be NULL; rows are then dropped. user is handed to on_row.
 *
 * false: a statement failed; the ones before it have been done, the ones behind it have not.
 * INVALID: syntax, names, types, values: failure->line and the text say where, with a hint where
 * there is one. UNSUPPORTED: a feature by name. Others as the job fails (error.h).
 *
 * Threads: any number of runs at once, each in its own thread, if their state_dir and output paths
 * differ. */
PS_API bool ps_sql_run(const char *text, const ps_sql_options *options, ps_sql_row_function *on_row,
                       void *user, ps_failure *failure);

#ifdef __cplusplus
}
#endif

#endif
