#include "cli/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "data/datetime.h"

enum { FIRST_MS = 2000, STEP_MS = 500 };

/* True: the job has ended meanwhile. */
static bool wait_ms(ps_progress *progress, int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    int64_t ns = until.tv_nsec + ms % 1000 * 1000000;
    until.tv_sec += ms / 1000 + ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_mutex_lock(&progress->lock);
    int result = 0;
    while (!progress->ends && result == 0) {
        result = pthread_cond_timedwait(&progress->ends_now, &progress->lock, &until);
    }
    bool ends = progress->ends;
    pthread_mutex_unlock(&progress->lock);
    return ends;
}

static void show(const ps_stream_job *job, double seconds, double rows_per_second)
{
    const ps_stream_job_counters *counters = ps_stream_job_counters_of(job);
    ps_buf line;
    ps_buf_init(&line, 400);
    ps_buf_append_format(&line, "\r\033[K%llu rows, %.0f rows/s",
                         (unsigned long long)counters->rows_in, rows_per_second);
    if (counters->watermark != PS_WATERMARK_NONE) {
        ps_buf_append_text(&line, ", watermark ");
        ps_timestamp_print(counters->watermark, 1000, 3, ' ', &line);
    }
    ps_buf_append_format(&line, ", state %.1f MiB", (double)counters->state_size / (1 << 20));
    uint64_t done = counters->done, total = counters->total;
    if (total > 0 && done > 0 && done <= total) {
        double left = seconds * (double)(total - done) / (double)done;
        ps_buf_append_format(&line, ", %.0f %%, %.0f s left", 100.0 * (double)done / (double)total,
                             left);
    }
    fwrite(line.data, 1, line.size, stderr);
    fflush(stderr);
    ps_buf_release(&line);
}

static void *watch(void *with)
{
    ps_progress *progress = with;
    int64_t start_ns = ps_io_now_mono_ns(ps_io_posix());
    if (wait_ms(progress, FIRST_MS)) {
        return NULL;
    }
    uint64_t rows_before = 0;
    int64_t before_ns = start_ns;
    do {
        int64_t now_ns = ps_io_now_mono_ns(ps_io_posix());
        uint64_t rows = ps_stream_job_counters_of(progress->job)->rows_in;
        double step_seconds = (double)(now_ns - before_ns) / 1e9;
        show(progress->job, (double)(now_ns - start_ns) / 1e9,
             (double)(rows - rows_before) / step_seconds);
        rows_before = rows;
        before_ns = now_ns;
    } while (!wait_ms(progress, STEP_MS));
    fputs("\r\033[K", stderr);
    return NULL;
}

void ps_progress_start(ps_progress *progress, const ps_stream_job *job, bool quiet)
{
    *progress = (ps_progress){.job = job};
    if (quiet || !isatty(STDERR_FILENO)) {
        return;
    }
    pthread_mutex_init(&progress->lock, NULL);
    pthread_cond_init(&progress->ends_now, NULL);
    progress->runs = pthread_create(&progress->thread, NULL, watch, progress) == 0;
}

void ps_progress_end(ps_progress *progress)
{
    if (!progress->runs) {
        return;
    }
    pthread_mutex_lock(&progress->lock);
    progress->ends = true;
    pthread_cond_signal(&progress->ends_now);
    pthread_mutex_unlock(&progress->lock);
    pthread_join(progress->thread, NULL);
    pthread_mutex_destroy(&progress->lock);
    pthread_cond_destroy(&progress->ends_now);
}
