/* Job board: what the streaming jobs of `serve --job` last did, for GET /v1/jobs, the live page and
 * /metrics. Jobs write (cli/job_thread.h), network threads read; serve knows nothing else of them.
 *
 * Threads: any; one lock, held for copies of bounded size only.
 */
#ifndef PS_SERVE_JOB_BOARD_H
#define PS_SERVE_JOB_BOARD_H

#include "base/bytes.h"

typedef struct ps_job_board ps_job_board;

enum {
    PS_BOARD_JOBS_MAX = 64,
    PS_BOARD_ROWS_MAX = 20,      /* newest rows of a job that are kept */
    PS_BOARD_NAME_MAX = 64,      /* bytes, the final zero included */
    PS_BOARD_ROW_SIZE_MAX = 4096 /* bytes of JSON; a larger row is left out */
};

typedef struct {
    uint64_t rows_in, rows_out, rows_late, rows_bad;
    uint64_t state_bytes, checkpoints;
    int64_t watermark_ms; /* INT64_MIN: none yet */
} ps_board_counters;

PS_CHECKED ps_code ps_job_board_new(ps_job_board **out_board, ps_error *err);
void ps_job_board_free(ps_job_board *board);

/* A job that now runs. columns: a JSON array of {"name","type"} objects. *out_job is its number. A
 * name that is taken gets "-2", "-3" …; what is no letter, digit, _ . or - becomes _. PS_E_LIMIT:
 * PS_BOARD_JOBS_MAX are there; PS_E_MEMORY. */
PS_CHECKED ps_code ps_job_board_add(ps_job_board *board, const char *name, ps_slice columns,
                                    uint32_t *out_job, ps_error *err);
/* {"op":"+I","row":[…]}; pushes out the oldest. */
void ps_job_board_put_row(ps_job_board *board, uint32_t job, ps_slice row);
void ps_job_board_count(ps_job_board *board, uint32_t job, const ps_board_counters *counters);
/* The job has ended; failure: the sentence, or NULL when it came to its end. */
void ps_job_board_end(ps_job_board *board, uint32_t job, const char *failure);

uint32_t ps_job_board_job_count(ps_job_board *board);
typedef struct {
    char name[PS_BOARD_NAME_MAX];
    bool is_running, has_failed;
    ps_board_counters counters;
} ps_board_job;
void ps_job_board_get(ps_job_board *board, uint32_t job, ps_board_job *out_job);

/* Appends the jobs as a list of the API: {"data":[…],"has_more":false,"next_cursor":null}; rows
 * newest first. */
void ps_job_board_render(ps_job_board *board, ps_buf *out);

#endif
