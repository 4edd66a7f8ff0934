/* Job threads: the queries and INSERTs of `serve --job FILE.sql`, each in a thread of its own over
 * the running engine's journal. What they do is told on a job board (serve/job_board.h).
 *
 * A query's rows go to the board alone. The rows of an INSERT go to its table and to the board;
 * print without 'standard-error' is the board alone, because standard output is the service's.
 * A job that writes a table which lasts keeps checkpoints in DATA/jobs/<name> and resumes from
 * them; the others read the journal again from where their tables say. A job that fails ends; the
 * service goes on.
 *
 * Threads: all calls from one; the journal must stay open until stop has returned.
 */
#ifndef PS_CLI_JOB_THREAD_H
#define PS_CLI_JOB_THREAD_H

#include "base/bytes.h"

typedef struct ps_job_threads ps_job_threads;
struct ps_job_board;

typedef struct {
    const char *data_dir;       /* borrowed */
    void *journal;              /* the running engine's, borrowed */
    struct ps_job_board *board; /* borrowed */
} ps_job_threads_options;

/* Plans all statements of one more file; *threads is made by the first call. Returns the exit code:
 * PS_EXIT_DONE, or the messages were printed. */
int ps_job_threads_plan(ps_job_threads **threads, const char *path);
/* Starts what was planned. On a fault nothing runs. */
PS_CHECKED ps_code ps_job_threads_start(ps_job_threads *threads,
                                        const ps_job_threads_options *options, ps_error *err);
/* Stops every job at a checkpoint and waits for it. NULL, or not started: does nothing. */
void ps_job_threads_stop(ps_job_threads *threads);
void ps_job_threads_free(ps_job_threads *threads); /* stops; NULL is fine */

#endif
