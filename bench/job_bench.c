/* Jobs that go by the clock, from a source in memory. One JSON line per figure.
 *     job_bench latency SECONDS            1 M rows a second of 100,000 keys through windows of 10 s: from the read of the row
 *                                          that closes a window to each of its result rows
 *     job_bench checkpoint SECONDS [KEYS]  COUNT and SUM by key (1 GiB of state), updated at random as fast as it goes, without
 *                                          checkpoints and with one every 10 s: rates, and the longest time between two reads
 */
#include <string.h>

#include "api/session_job.h"
#include "bench.h"
#include "connect/connectors.h"

#define BASE_MS INT64_C(1772323200000) /* 2026-03-01 00:00:00, the begin of a window */

enum { COLUMN_COUNT = 3, ACCOUNT = 0, AMOUNT = 1, TIME = 2 };
enum { LATENCY_KEYS = 100000, ROWS_PER_MS = 1000, WINDOW_MS = 10000 };
enum { KEYS_OF_1_GIB = 16000000, CHECKPOINT_MS = 10000 };

/* The watermark is one millisecond behind: the first row of a window closes the one before. */
static const char source_ddl[] =
    "CREATE TABLE payments (account BIGINT, amount BIGINT, ts TIMESTAMP(3),"
    " WATERMARK FOR ts AS ts - INTERVAL '0.001' SECOND) WITH ('connector' = 'bench');";

/* What one run reads and finds. */
typedef struct {
    bool is_paced;
    uint64_t keys, row_count; /* row_count: of a paced run */
    uint64_t duration_ns;     /* of the others, once every key is there */
    uint64_t random, row, begin_ns;
    ps_histogram latency;
    uint64_t closing_ns, results, behind_max;
    uint64_t full_ns, full_row, read_ns, pause_ns;
    double rate;
} job_run;

typedef struct {
    ps_source source;
    job_run *run;
    int64_t values[COLUMN_COUNT][PS_BATCH_ROWS];
    uint32_t leaf_count;
    ps_column leaves[COLUMN_COUNT];
} bench_source;

static uint64_t now_ns(void)
{
    return (uint64_t)ps_io_now_mono_ns(ps_io_posix());
}

/* ── the source ── */

static void make_rows(bench_source *self, uint32_t count)
{
    job_run *run = self->run;
    for (uint32_t i = 0; i < count; i++, run->row++) {
        bool fills = !run->is_paced && run->row < run->keys;
        self->values[ACCOUNT][i] =
            (int64_t)(fills ? run->row : bench_draw(&run->random, run->keys));
        self->values[AMOUNT][i] = (int64_t)(run->row % 10000);
        self->values[TIME][i] = BASE_MS + (int64_t)(run->row / ROWS_PER_MS);
    }
}

/* How many rows may be read now, by the clock. */
static uint32_t rows_due(job_run *run)
{
    uint64_t due = (now_ns() - run->begin_ns) * ROWS_PER_MS / 1000000;
    due = due < run->row_count ? due : run->row_count;
    uint64_t waiting = due > run->row ? due - run->row : 0;
    run->behind_max = waiting > run->behind_max ? waiting : run->behind_max;
    return waiting < PS_BATCH_ROWS ? (uint32_t)waiting : PS_BATCH_ROWS;
}

static int read_paced(bench_source *self, uint32_t *out_count)
{
    const uint64_t rows_per_window = (uint64_t)WINDOW_MS * ROWS_PER_MS;
    job_run *run = self->run;
    *out_count = rows_due(run);
    uint64_t window = (run->row + rows_per_window - 1) / rows_per_window;
    make_rows(self, *out_count);
    if (window > 0 && run->row > window * rows_per_window) {
        run->closing_ns = now_ns();
    }
    return run->row == run->row_count ? PS_SOURCE_END
           : *out_count == 0          ? PS_SOURCE_IDLE
                                      : PS_SOURCE_MORE;
}

static int read_updates(bench_source *self, uint32_t *out_count)
{
    job_run *run = self->run;
    uint64_t now = now_ns();
    if (run->full_ns == 0 && run->row >= run->keys) {
        run->full_ns = now;
        run->full_row = run->row;
    } else if (run->full_ns != 0) {
        uint64_t pause = now - run->read_ns;
        run->pause_ns = pause > run->pause_ns ? pause : run->pause_ns;
    }
    run->read_ns = now;
    if (run->full_ns != 0 && now - run->full_ns >= run->duration_ns) {
        run->rate = (double)(run->row - run->full_row) * 1e9 / (double)(now - run->full_ns);
        *out_count = 0;
        return PS_SOURCE_END;
    }
    *out_count = PS_BATCH_ROWS;
    make_rows(self, *out_count);
    return PS_SOURCE_MORE;
}

static ps_code read_rows(ps_source *source, ps_batch *out_batch, int *out_state, ps_error *err)
{
    (void)err;
    bench_source *self = (bench_source *)source;
    uint32_t count;
    *out_state = self->run->is_paced ? read_paced(self, &count) : read_updates(self, &count);
    *out_batch =
        (ps_batch){.row_count = count, .column_count = self->leaf_count, .columns = self->leaves};
    return PS_OK;
}

static ps_code position(ps_source *source, ps_buf *out, ps_error *err)
{
    (void)err;
    ps_buf_append(out, &((bench_source *)source)->run->row, sizeof(uint64_t));
    return PS_OK;
}

static ps_code seek(ps_source *source, ps_slice at, ps_error *err)
{
    (void)source;
    (void)at;
    return ps_error_set(err, PS_E_INVALID, "the bench does not resume");
}

static void progress(const ps_source *source, uint64_t *out_done, uint64_t *out_total)
{
    *out_done = ((const bench_source *)source)->run->row;
    *out_total = 0;
}

static void close_source(ps_source *source)
{
    free(source);
}

static const ps_source_class source_class = {
    .read = read_rows,
    .position = position,
    .seek = seek,
    .progress = progress,
    .close = close_source,
};

/* Connectors carry no data of their own: the run is where the options of the one job point. */
static ps_code open_source(const ps_source_spec *spec, const ps_connector_context *context,
                           ps_source **out, ps_error *err)
{
    bench_source *self = calloc(1, sizeof *self);
    if (self == NULL || spec->leaf_count > COLUMN_COUNT) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for the bench's source");
    }
    self->source.class = &source_class;
    self->run = context->journal;
    self->leaf_count = spec->leaf_count;
    for (uint32_t i = 0; i < spec->leaf_count; i++) {
        self->leaves[i].i64 = self->values[spec->leaves[i].column];
    }
    *out = &self->source;
    return PS_OK;
}

static ps_code traits(const ps_table_info *table, ps_table_traits *out, ps_error *err)
{
    (void)table;
    (void)err;
    *out = (ps_table_traits){
        .can_read = true, .is_bounded = true, .source_changes = PS_CHANGES_APPEND};
    return PS_OK;
}

/* ── running ── */

static ps_code take_results(void *with, const ps_batch *batch, ps_error *err)
{
    (void)err;
    job_run *run = with;
    run->results += batch->row_count;
    if (run->is_paced && run->row < run->row_count) { /* the end closes the last window */
        ps_histogram_add_many(&run->latency, now_ns() - run->closing_ns, batch->row_count);
    }
    return PS_OK;
}

static void run_job(job_run *run, const char *query, const char *state_dir)
{
    static const ps_connector bench = {"bench", "the bench", traits, open_source, NULL};
    static const ps_connector *const known[] = {&bench, &ps_connector_blackhole, NULL};
    static const ps_connector_set connectors = {known};
    char script[1024];
    snprintf(script, sizeof script, "%s%s", source_ddl, query);
    ps_error err;
    ps_session *session;
    const ps_session_options session_options = {.connectors = &connectors};
    bench_check(ps_session_new(&session_options, &session, &err), &err);
    bench_check(ps_session_set(session, "paystream.state.allow-unbounded", PS_SLICE("true"), &err),
                &err);
    ps_session_open(session, "bench", ps_slice_text(script));
    ps_statement statement = {0};
    ps_sql_error sql_error = {0};
    while (statement.graph == NULL) {
        if (ps_session_next(session, &statement, &sql_error) != PS_OK) {
            fprintf(stderr, "job_bench: %s\n", sql_error.text);
            exit(1);
        }
    }
    const ps_connector_context surroundings = {.io = ps_io_posix(),
                                               .expressions = ps_session_expressions(session),
                                               .journal = run,
                                               .lane_count = 1};
    ps_stream_job_options options = {.connectors = &connectors,
                                     .surroundings = &surroundings,
                                     .on_rows = take_results,
                                     .on_rows_with = run};
    bench_check(ps_session_job_options(session, statement.graph, &options, &err), &err);
    options.state_dir = state_dir;
    options.checkpoint_interval_ms = CHECKPOINT_MS;
    ps_stream_job *job;
    bench_check(ps_stream_job_new(&options, &job, &err), &err);
    run->begin_ns = now_ns();
    bench_check(ps_stream_job_run(job, &err), &err);
    ps_stream_job_free(job);
    ps_session_free(session);
}

static unsigned long long quantile_us(const job_run *run, double q)
{
    return (unsigned long long)ps_histogram_quantile(&run->latency, q) / 1000;
}

static void measure_latency(uint64_t seconds)
{
    static job_run run;
    run = (job_run){
        .is_paced = true, .keys = LATENCY_KEYS, .row_count = seconds * 1000 * ROWS_PER_MS + 1};
    run_job(&run,
            "SELECT window_end, account, COUNT(*), SUM(amount)"
            " FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(ts), INTERVAL '10' SECOND))"
            " GROUP BY window_start, window_end, account;",
            NULL);
    printf("{\"bench\":\"window result latency\",\"rows_per_second\":%d,\"keys\":%d,\"seconds\":"
           "%llu,\"results\":%llu,\"p50_us\":%llu,\"p99_us\":%llu,\"p9999_us\":%llu,\"max_us\":"
           "%llu,\"rows_behind_max\":%llu}\n",
           ROWS_PER_MS * 1000, LATENCY_KEYS, (unsigned long long)seconds,
           (unsigned long long)run.results, quantile_us(&run, 0.5), quantile_us(&run, 0.99),
           quantile_us(&run, 0.9999), quantile_us(&run, 1), (unsigned long long)run.behind_max);
}

static unsigned long long directory_size(const char *directory)
{
    char command[PS_PATH_MAX + 64];
    snprintf(command, sizeof command, "du -sb '%s' | cut -f1", directory);
    unsigned long long size = 0;
    FILE *du = popen(command, "r");
    if (du == NULL || fscanf(du, "%llu", &size) != 1) {
        fprintf(stderr, "job_bench: the size of %s is not to be had\n", directory);
    }
    if (du != NULL) {
        pclose(du);
    }
    return size;
}

static void measure_checkpoints(uint64_t seconds, uint64_t keys)
{
    static const char query[] =
        "CREATE TABLE results (account BIGINT, payments BIGINT, total BIGINT, PRIMARY KEY (account)"
        " NOT ENFORCED) WITH ('connector' = 'blackhole');"
        "INSERT INTO results SELECT account, COUNT(*), SUM(amount) FROM payments GROUP BY account;";
    static job_run without, with;
    without = (job_run){.keys = keys, .duration_ns = seconds * 1000000000};
    with = without;
    char directory[PS_PATH_MAX];
    bench_directory(directory);
    run_job(&without, query, NULL);
    run_job(&with, query, directory);
    unsigned long long size = directory_size(directory);
    bench_remove(directory);
    printf("{\"bench\":\"checkpoint every 10 s\",\"keys\":%llu,\"seconds\":%llu,\"state_bytes\":"
           "%llu,\"rows_per_second_without\":%.0f,\"rows_per_second\":%.0f,\"rate_loss\":%.3f,"
           "\"pause_ms_without\":%.1f,\"pause_ms\":%.1f}\n",
           (unsigned long long)keys, (unsigned long long)seconds, size, without.rate, with.rate,
           1 - with.rate / without.rate, (double)without.pause_ns / 1e6,
           (double)with.pause_ns / 1e6);
}

int main(int argc, char **argv)
{
    uint64_t seconds = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    if (seconds > 0 && strcmp(argv[1], "latency") == 0) {
        measure_latency(seconds);
        return 0;
    }
    if (seconds > 0 && strcmp(argv[1], "checkpoint") == 0) {
        uint64_t keys = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
        measure_checkpoints(seconds, keys > 0 ? keys : KEYS_OF_1_GIB);
        return 0;
    }
    fprintf(stderr, "usage: job_bench latency|checkpoint SECONDS [KEYS]\n");
    return 2;
}
