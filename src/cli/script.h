/* Script: runs the statements of a SQL text one after the other: what `run`, `sql` and `explain`
 * share. */
#ifndef PS_CLI_SCRIPT_H
#define PS_CLI_SCRIPT_H

#include "cli/result_print.h"
#include "run/stream_job.h"
#include "sql/session.h"

typedef struct {
    ps_result_format format;
    const char *state_dir; /* NULL: none */
    const char *data_dir;  /* NULL: none */
    bool quiet;
    bool tells_operators; /* after each job its plan, with rows and time per operator */
    bool explains;        /* jobs are printed as plans instead of being run */
    bool dot;             /* explains: the automata of patterns as DOT text instead of plans */
} ps_script_options;

/* Runs all statements of `text`; messages go to standard error. Returns the exit code: PS_EXIT_DONE
 * or PS_EXIT_FAILED. In a shell the script goes on behind a failed statement. */
int ps_script_run(ps_session *session, const ps_script_options *options, const char *file_name,
                  ps_slice text);

/* ── the session of a command ── */

/* -D key=value, in order. */
enum { PS_SCRIPT_SETTINGS_MAX = 64 };
typedef struct {
    uint32_t count;
    const char *texts[PS_SCRIPT_SETTINGS_MAX];
} ps_script_settings;

/* For the option -D; `target` is the ps_script_settings. False: err says why. */
bool ps_script_setting_add(void *target, const char *text, ps_error *err);
/* With the settings, over a data directory or none; parallelism 0: the default. NULL: the sentence
 * was printed. */
ps_session *ps_script_session_open(const char *command, const char *data_dir,
                                   const ps_script_settings *settings, int64_t parallelism);

/* ── parts of it, for jobs that others run ── */

/* Bad rows of a job's sources: a line of JSON each, DIR/dead/<table>.jsonl (CONTRACT §4). */
typedef struct {
    ps_dead_letter base;
    const char *dir;  /* borrowed: DIR/dead/<table>.jsonl; NULL: bad rows are only counted */
    const char *path; /* borrowed: one file for all tables instead; NULL or empty: none */
} ps_dead_letters;
void ps_dead_letters_init(ps_dead_letters *letters, const char *dir);
/* On standard error, with the line and a caret. */
void ps_script_tell_sql_error(const ps_sql_error *error, const char *file_name, ps_slice text);

/* ── signals, files ── */

/* SIGINT and SIGTERM stop the job that runs (checkpoint, exit 0); for the whole process. */
void ps_script_catch_signals(void);
/* Ctrl-C in the shell: the query ends, not the shell. */
void ps_script_cancel_on_interrupt(void);

/* The file's bytes, or standard input for "-"; owned. False: the sentence was printed. */
PS_CHECKED bool ps_script_read(const char *command, const char *path, ps_buf *out);

#endif
