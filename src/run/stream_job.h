/* Job: a plan that runs: sources are read, rows pushed through the operators, sinks written, and
 * all of it checkpointed.
 *
 * Exactly once: a checkpoint is the source positions, the operators' state and the sinks' prepared
 * writes at one point of the stream (DESIGN decision 6). It is durable before the sinks commit; a
 * job that starts again from it commits what was prepared (again), drops what came later and reads
 * on from the positions. Without a state directory there are no checkpoints, and sinks become
 * visible at the end.
 *
 * Threads: ps_stream_job_run runs in its caller's; ps_stream_job_stop may be called from any
 * thread or a signal handler; the counters may be read from any thread.
 */
#ifndef PS_RUN_STREAM_JOB_H
#define PS_RUN_STREAM_JOB_H

#include <stdatomic.h>

#include "flow/connector.h"
#include "flow/operator.h"

typedef struct ps_stream_job ps_stream_job;

enum { PS_LANES_MAX = 64 };

/* Rows of the query's result. */
typedef ps_code ps_stream_job_rows(void *with, const ps_batch *batch, ps_error *err);

typedef struct {
    const ps_graph *graph; /* borrowed, with its arena */
    const ps_connector_set *connectors;
    const ps_connector_context *surroundings;
    ps_stream_job_rows *on_rows; /* for a sink without a table; NULL: none in the plan */
    void *on_rows_with;
    const char *state_dir;          /* NULL: no checkpoints; made when missing */
    uint64_t fingerprint;           /* of the plan: a checkpoint of another one is refused */
    int64_t checkpoint_interval_ms; /* 0: only at the stop */
    uint64_t memory_max;            /* bytes of state */
    int64_t ttl_ms;                 /* 0: none */
    int64_t future_max_ms;          /* of event times ahead of the clock; 0: all are believed */
    int64_t idle_timeout_ms;        /* of sources; 0: they are waited for for ever */
    uint32_t parallelism;           /* lanes wanted, at most PS_LANES_MAX; 0: one */
    uint32_t batch_rows;            /* 1 … PS_BATCH_ROWS; 0: PS_BATCH_ROWS */
    bool times_operators; /* for ps_node_counters.time_ns: two looks at the clock a batch */
    /* bounded sources end in a savepoint instead of the final watermark */
    bool stop_at_end;
    /* on restore the watermarks begin anew, as the reference implementation's do */
    bool forget_watermarks;
} ps_stream_job_options;

/* Builds the lanes; restores the newest checkpoint of state_dir. PS_E_VERSION: the state is of a
 * different plan or number of lanes. */
PS_CHECKED ps_code ps_stream_job_new(const ps_stream_job_options *options, ps_stream_job **out,
                                     ps_error *err);
void ps_stream_job_free(ps_stream_job *job);

/* Until the sources have ended, the job was stopped (checkpoint, PS_OK) or something failed. */
PS_CHECKED ps_code ps_stream_job_run(ps_stream_job *job, ps_error *err);
/* Asks run to take a checkpoint and return. */
void ps_stream_job_stop(ps_stream_job *job);
/* Asks run to return at once, without one (Ctrl-C in the shell). */
void ps_stream_job_cancel(ps_stream_job *job);

typedef struct {
    _Atomic uint64_t rows_in, rows_out, rows_late, rows_bad;
    _Atomic uint64_t runs_lost;   /* partial matches of patterns dropped at their limit */
    _Atomic uint64_t done, total; /* of the sources' own unit; total 0: unknown */
    _Atomic int64_t watermark;    /* lowest of the sources'; PS_WATERMARK_NONE */
    _Atomic uint64_t state_size;  /* bytes */
    _Atomic uint64_t checkpoint_count;
} ps_stream_job_counters;
const ps_stream_job_counters *ps_stream_job_counters_of(const ps_stream_job *job);

/* Lanes that the job has: 1 where the plan cannot be dealt (run/plan_lanes.h). */
uint32_t ps_stream_job_lanes(const ps_stream_job *job);
/* The node that stands in the way; NULL: none. */
const ps_node *ps_stream_job_obstacle(const ps_stream_job *job);

/* After a run: rows that a node took in and gave out, its time, the bytes of its state. */
typedef struct {
    uint64_t rows_in, rows_out, rows_late, state_size;
    int64_t time_ns;
} ps_node_counters;
void ps_stream_job_node_counters(const ps_stream_job *job, uint32_t node_id, ps_node_counters *out);

#endif
