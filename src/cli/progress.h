/* Progress: a line on standard error while a job runs longer than two seconds on a terminal: rows,
 * rows/s, watermark, state, and the time left where the size of the input is known. */
#ifndef PS_CLI_PROGRESS_H
#define PS_CLI_PROGRESS_H

#include <pthread.h>

#include "run/stream_job.h"

typedef struct {
    const ps_stream_job *job;
    pthread_t thread;
    bool runs;
    pthread_mutex_t lock;
    pthread_cond_t ends_now;
    bool ends;
} ps_progress;

/* Shows nothing when quiet or when standard error is no terminal. */
void ps_progress_start(ps_progress *progress, const ps_stream_job *job, bool quiet);
void ps_progress_end(ps_progress *progress);

#endif
