#include "run/stream_job.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "run/checkpoint.h"
#include "run/crew.h"

/* Of a checkpoint, between two steps: a millisecond or so. */
enum { CHUNKS_A_STEP = 16, IDLE_WAIT_NS = 2000000 };

typedef enum {
    SAVE_NONE,
    SAVE_STATE,  /* the state is handed out between steps */
    SAVE_SYNCING /* a thread makes the file durable */
} save_phase;

struct ps_stream_job {
    ps_stream_job_options options;
    ps_crew *crew;
    ps_file *lock;
    uint64_t checkpoint_number;
    int64_t checkpoint_at_ns; /* monotonic, of the last one */
    bool is_finished;
    /* a checkpoint under way */
    save_phase phase;
    ps_checkpoint_writer *writer;
    pthread_t syncer;
    _Atomic bool is_synced;
    ps_code sync_code;
    ps_error sync_error;
    _Atomic bool stops, cancels;
    ps_stream_job_counters counters;
};

static ps_io *io_of(const ps_stream_job *job)
{
    return job->options.surroundings->io;
}

/* ── checkpoints: u64 1 when the job has finished, then the crew ── */

/* Sources and sinks are the first lane's. */
static ps_lane *first_lane(const ps_stream_job *job)
{
    return ps_crew_lane(job->crew, 0);
}

static ps_code begin_checkpoint(ps_stream_job *job, bool is_finished, ps_error *err)
{
    ps_code code =
        ps_checkpoint_writer_open(io_of(job), job->options.state_dir, job->options.fingerprint,
                                  job->checkpoint_number + 1, &job->writer, err);
    if (code != PS_OK) {
        return code;
    }
    ps_checkpoint_put_u64(job->writer, is_finished ? 1 : 0);
    code = ps_crew_save_begin(job->crew, job->writer, err);
    if (code != PS_OK) {
        ps_crew_save_abort(job->crew);
        ps_checkpoint_writer_abort(job->writer);
        return code;
    }
    job->phase = SAVE_STATE;
    return PS_OK;
}

static void *sync_checkpoint(void *with)
{
    ps_stream_job *job = with;
    job->sync_code = ps_checkpoint_writer_commit(job->writer, &job->sync_error);
    job->is_synced = true;
    return NULL;
}

/* The file is durable (or not): the sinks commit. */
static ps_code end_checkpoint(ps_stream_job *job, ps_error *err)
{
    job->phase = SAVE_NONE;
    job->checkpoint_at_ns = ps_io_now_mono_ns(io_of(job));
    if (job->sync_code != PS_OK) {
        *err = job->sync_error;
        return job->sync_code;
    }
    job->checkpoint_number++;
    job->counters.checkpoint_count++;
    ps_code code = ps_lane_commit(first_lane(job), err);
    return code == PS_OK ? ps_checkpoint_prune(io_of(job), job->options.state_dir, err) : code;
}

/* A little more of the checkpoint under way. */
static ps_code advance_checkpoint(ps_stream_job *job, ps_error *err)
{
    if (job->phase == SAVE_STATE && ps_crew_save_more(job->crew, job->writer, CHUNKS_A_STEP)) {
        job->is_synced = false;
        job->phase = SAVE_SYNCING;
        if (pthread_create(&job->syncer, NULL, sync_checkpoint, job) != 0) {
            (void)sync_checkpoint(job); /* no thread to be had: here, then */
            return end_checkpoint(job, err);
        }
    }
    if (job->phase == SAVE_SYNCING && job->is_synced) {
        pthread_join(job->syncer, NULL);
        return end_checkpoint(job, err);
    }
    return PS_OK;
}

/* The checkpoint under way, to its end; no other step lies between. */
static ps_code complete_checkpoint(ps_stream_job *job, ps_error *err)
{
    if (job->phase == SAVE_STATE) {
        while (!ps_crew_save_more(job->crew, job->writer, UINT32_MAX)) {
        }
        (void)sync_checkpoint(job);
        return end_checkpoint(job, err);
    }
    if (job->phase == SAVE_SYNCING) {
        pthread_join(job->syncer, NULL);
        return end_checkpoint(job, err);
    }
    return PS_OK;
}

/* One from beginning to end, here and now. */
static ps_code take_checkpoint(ps_stream_job *job, bool is_finished, ps_error *err)
{
    ps_code code = complete_checkpoint(job, err);
    if (code == PS_OK) {
        code = begin_checkpoint(job, is_finished, err);
    }
    return code == PS_OK ? complete_checkpoint(job, err) : code;
}

static void drop_checkpoint(ps_stream_job *job)
{
    if (job->phase == SAVE_STATE) {
        ps_crew_save_abort(job->crew);
        ps_checkpoint_writer_abort(job->writer);
    } else if (job->phase == SAVE_SYNCING) {
        pthread_join(job->syncer, NULL);
    }
    job->phase = SAVE_NONE;
}

static ps_code lock_state(ps_stream_job *job, ps_error *err)
{
    const char *dir = job->options.state_dir;
    ps_error ignored;
    ps_code code = ps_io_make_dir(io_of(job), dir, &ignored);
    if (code != PS_OK && code != PS_E_EXISTS) {
        *err = ignored;
        return code;
    }
    char path[PS_PATH_MAX];
    if ((size_t)snprintf(path, sizeof(path), "%s/lock", dir) >= sizeof(path)) {
        return ps_error_set(err, PS_E_INVALID, "the path of the state directory is too long");
    }
    return ps_io_lock(io_of(job), path, &job->lock, err);
}

static ps_code restore(ps_stream_job *job, ps_error *err)
{
    ps_code code = lock_state(job, err);
    if (code != PS_OK) {
        return code;
    }
    ps_checkpoint_reader reader;
    code = ps_checkpoint_reader_open(io_of(job), job->options.state_dir, job->options.fingerprint,
                                     &reader, err);
    if (code != PS_OK) {
        return code;
    }
    job->checkpoint_number = reader.number;
    if (reader.number == 0) {
        return ps_lane_start_anew(first_lane(job), err);
    }
    job->is_finished = ps_checkpoint_get_u64(&reader) == 1;
    code = ps_crew_load(job->crew, &reader, err);
    ps_checkpoint_reader_close(&reader);
    return code;
}

/* ── the job ── */

ps_code ps_stream_job_new(const ps_stream_job_options *options, ps_stream_job **out, ps_error *err)
{
    ps_stream_job *job = calloc(1, sizeof(*job));
    if (job == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for the job");
    }
    job->options = *options;
    job->counters.watermark = PS_WATERMARK_NONE;
    ps_code code = ps_crew_new(&job->options, &job->crew, err);
    if (code == PS_OK) {
        code = options->state_dir != NULL ? restore(job, err)
                                          : ps_lane_start_anew(first_lane(job), err);
    }
    if (code != PS_OK) {
        ps_stream_job_free(job);
        return code;
    }
    job->checkpoint_at_ns = ps_io_now_mono_ns(io_of(job));
    *out = job;
    return PS_OK;
}

void ps_stream_job_free(ps_stream_job *job)
{
    if (job == NULL) {
        return;
    }
    drop_checkpoint(job);
    ps_crew_free(job->crew);
    ps_io_close(io_of(job), job->lock);
    free(job);
}

void ps_stream_job_stop(ps_stream_job *job)
{
    job->stops = true;
}

void ps_stream_job_cancel(ps_stream_job *job)
{
    job->cancels = true;
}

/* Rows that all lanes have read, found bad or late; partial matches that they have dropped. */
static void count_rows(ps_stream_job *job)
{
    uint64_t rows_in = 0, late = 0, bad = 0, lost = 0;
    for (uint32_t k = 0; k < ps_crew_size(job->crew); k++) {
        const ps_lane *lane = ps_crew_lane(job->crew, k);
        rows_in += lane->rows_in;
        for (uint32_t i = 0; i < lane->instance_count; i++) {
            const ps_instance *at = &lane->instances[i];
            late += at->op != NULL ? at->op->late_row_count : 0;
            lost += at->op != NULL ? at->op->lost_run_count : 0;
            bad += at->op != NULL ? at->op->bad_row_count : 0;
            bad += at->source != NULL ? at->source->bad_row_count : 0;
        }
    }
    job->counters.rows_in = rows_in;
    job->counters.rows_late = late;
    job->counters.rows_bad = bad;
    job->counters.runs_lost = lost;
    job->counters.rows_out = first_lane(job)->rows_out;
}

static void count(ps_stream_job *job)
{
    const ps_lane *lane = first_lane(job);
    uint64_t done = 0, total = 0;
    bool is_total_known = true;
    int64_t watermark = PS_WATERMARK_END;
    for (uint32_t i = 0; i < lane->instance_count; i++) {
        const ps_instance *at = &lane->instances[i];
        if (at->watermark != NULL && at->reached < watermark) {
            watermark = at->reached;
        }
        if (at->source == NULL) {
            continue;
        }
        uint64_t source_done = 0, source_total = 0;
        at->source->class->progress(at->source, &source_done, &source_total);
        done += source_done;
        total += source_total;
        is_total_known = is_total_known && source_total > 0;
    }
    count_rows(job);
    job->counters.done = done;
    job->counters.total = is_total_known ? total : 0;
    job->counters.watermark = watermark == PS_WATERMARK_END ? PS_WATERMARK_NONE : watermark;
    job->counters.state_size = ps_crew_state_size(job->crew);
}

static bool checkpoint_is_due(const ps_stream_job *job)
{
    return job->options.state_dir != NULL && job->options.checkpoint_interval_ms > 0 &&
           job->phase == SAVE_NONE &&
           ps_io_now_mono_ns(io_of(job)) - job->checkpoint_at_ns >=
               job->options.checkpoint_interval_ms * 1000000;
}

/* The sources have ended. */
static ps_code finish(ps_stream_job *job, ps_error *err)
{
    bool is_finished = !job->options.stop_at_end;
    ps_code code = is_finished ? PS_OK : ps_crew_release(job->crew, err);
    if (code == PS_OK && job->options.state_dir != NULL) {
        code = take_checkpoint(job, is_finished, err);
    }
    if (code == PS_OK && is_finished) {
        code = ps_lane_finish(first_lane(job), err);
        job->is_finished = code == PS_OK;
    }
    return code;
}

ps_code ps_stream_job_run(ps_stream_job *job, ps_error *err)
{
    if (job->is_finished) {
        return PS_OK;
    }
    if (job->options.state_dir != NULL && job->checkpoint_number == 0) {
        /* what the sinks are called is known from here on, should the process die */
        ps_code code = take_checkpoint(job, false, err);
        if (code != PS_OK) {
            return code;
        }
    }
    ps_program_clock clock = {.query_start_ms = ps_io_now_wall_ns(io_of(job)) / 1000000};
    for (;;) {
        if (job->cancels) {
            return PS_OK;
        }
        if (job->stops) {
            return job->options.state_dir != NULL ? take_checkpoint(job, false, err)
                                                  : ps_lane_finish(first_lane(job), err);
        }
        clock.now_ms = ps_io_now_wall_ns(io_of(job)) / 1000000;
        int state = PS_SOURCE_MORE;
        ps_code code = ps_crew_step(job->crew, &clock, &state, err);
        count(job);
        if (code == PS_OK && state == PS_SOURCE_END) {
            return finish(job, err);
        }
        if (code == PS_OK && checkpoint_is_due(job)) {
            code = begin_checkpoint(job, false, err);
        }
        if (code == PS_OK && job->phase != SAVE_NONE) {
            code = advance_checkpoint(job, err);
        }
        if (code != PS_OK) {
            return code;
        }
        if (state == PS_SOURCE_IDLE) {
            nanosleep(&(struct timespec){.tv_nsec = IDLE_WAIT_NS}, NULL);
        }
    }
}

const ps_stream_job_counters *ps_stream_job_counters_of(const ps_stream_job *job)
{
    return &job->counters;
}

uint32_t ps_stream_job_lanes(const ps_stream_job *job)
{
    return ps_crew_size(job->crew);
}

const ps_node *ps_stream_job_obstacle(const ps_stream_job *job)
{
    return ps_crew_obstacle(job->crew);
}

void ps_stream_job_node_counters(const ps_stream_job *job, uint32_t node_id, ps_node_counters *out)
{
    PS_ASSERT(node_id < first_lane(job)->instance_count);
    *out = (ps_node_counters){0};
    for (uint32_t k = 0; k < ps_crew_size(job->crew); k++) {
        const ps_instance *at = &ps_crew_lane(job->crew, k)->instances[node_id];
        out->rows_in += at->rows_in;
        out->rows_out += at->outlet.row_count;
        out->rows_late += at->op != NULL ? at->op->late_row_count : 0;
        out->state_size += at->store != NULL ? ps_store_size(at->store) : 0;
        out->time_ns += at->time_ns;
    }
}
