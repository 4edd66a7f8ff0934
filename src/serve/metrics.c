#include "serve/metrics.h"

#include <string.h>

#include "base/time.h"
#include "serve/api.h"

typedef enum {
    M_REQUESTS,
    M_REFUSED,
    M_DECISIONS,
    M_REQUEST_SECONDS,
    M_QUEUE_SECONDS,
    M_CORE_SECONDS,
    M_SYNC_SECONDS,
    M_BATCH_RECORDS,
    M_JOBS,
    M_INFLIGHT_BYTES,
    M_STREAMS,
    M_CONNECTIONS,
    M_ACCEPTED,
    M_CONNECTIONS_REFUSED,
    M_TIMEOUTS,
    M_TLS_FAILURES,
    M_TLS_RELOADS,
    M_TLS_RELOAD_FAILURES,
    M_BYTES_IN,
    M_BYTES_OUT,
    M_DURABLE_SEQ,
    M_JOURNAL_BYTES,
    M_JOURNAL_SEGMENTS,
    M_SCRUBBED_BYTES,
    M_SCRUB_FAILURES,
    M_SNAPSHOTS,
    M_SNAPSHOT_FAILURES,
    M_SNAPSHOT_AGE,
    M_AUDIT_FAILURES,
    M_PAYMENTS,
    M_OBJECTS,
    M_UNKNOWN,
    M_UNKNOWN_AGE,
    M_MEMORY,
    M_JOB_RUNNING,
    M_JOB_FAILED,
    M_JOB_ROWS_IN,
    M_JOB_ROWS_OUT,
    M_JOB_ROWS_LATE,
    M_JOB_ROWS_BAD,
    M_JOB_STATE_BYTES,
    M_JOB_CHECKPOINTS,
    M_JOB_WATERMARK,
    M_READ_ONLY,
    M_CLOCK_SUSPECT,
    M_UPTIME,
    METRIC_COUNT
} metric_id;

static const ps_metric metrics[METRIC_COUNT] = {
    [M_REQUESTS] = {"paystream_requests_total", PS_METRIC_COUNTER, "route, status",
                    "Requests that were answered."},
    [M_REFUSED] = {"paystream_refused_total", PS_METRIC_COUNTER, "code",
                   "Answers with an error, batch lines included, by error code."},
    [M_DECISIONS] = {"paystream_decisions_total", PS_METRIC_COUNTER, "status",
                     "Payments decided, by the status that the decision led to."},
    [M_REQUEST_SECONDS] = {"paystream_request_seconds", PS_METRIC_SUMMARY, "quantile",
                           "From the head of a request to its answer, for requests that the core "
                           "executed."},
    [M_QUEUE_SECONDS] = {"paystream_queue_seconds", PS_METRIC_SUMMARY, "quantile",
                         "Wait of a request for the core."},
    [M_CORE_SECONDS] = {"paystream_core_seconds", PS_METRIC_SUMMARY, "quantile",
                        "Decision and booking of one request in the core."},
    [M_SYNC_SECONDS] = {"paystream_journal_sync_seconds", PS_METRIC_SUMMARY, "quantile",
                        "Write and sync of one batch of records."},
    [M_BATCH_RECORDS] = {"paystream_journal_batch_records", PS_METRIC_SUMMARY, "quantile",
                         "Records of a batch."},
    [M_JOBS] = {"paystream_jobs_in_flight", PS_METRIC_GAUGE, NULL,
                "Requests handed to the core and not answered yet."},
    [M_INFLIGHT_BYTES] = {"paystream_inflight_bytes", PS_METRIC_GAUGE, NULL,
                          "Bytes of requests that are not answered yet."},
    [M_STREAMS] = {"paystream_streams_open", PS_METRIC_GAUGE, NULL, "Open event streams."},
    [M_CONNECTIONS] = {"paystream_connections_open", PS_METRIC_GAUGE, NULL, "Open connections."},
    [M_ACCEPTED] = {"paystream_connections_total", PS_METRIC_COUNTER, NULL,
                    "Connections accepted."},
    [M_CONNECTIONS_REFUSED] = {"paystream_connections_refused_total", PS_METRIC_COUNTER, NULL,
                               "Connections refused because too many were open."},
    [M_TIMEOUTS] = {"paystream_timeouts_total", PS_METRIC_COUNTER, NULL,
                    "Connections closed because a deadline passed."},
    [M_TLS_FAILURES] = {"paystream_tls_failures_total", PS_METRIC_COUNTER, NULL,
                        "TLS handshakes that failed, refused certificates included."},
    [M_TLS_RELOADS] = {"paystream_tls_reloads_total", PS_METRIC_COUNTER, NULL,
                       "Times that changed TLS files were taken into use."},
    [M_TLS_RELOAD_FAILURES] = {"paystream_tls_reload_failures_total", PS_METRIC_COUNTER, NULL,
                               "Times that changed TLS files did not work; the old ones stay."},
    [M_BYTES_IN] = {"paystream_received_bytes_total", PS_METRIC_COUNTER, NULL, "Bytes received."},
    [M_BYTES_OUT] = {"paystream_sent_bytes_total", PS_METRIC_COUNTER, NULL, "Bytes sent."},
    [M_DURABLE_SEQ] = {"paystream_journal_durable_seq", PS_METRIC_COUNTER, NULL,
                       "Newest record that is on disk."},
    [M_JOURNAL_BYTES] = {"paystream_journal_bytes", PS_METRIC_GAUGE, NULL,
                         "Bytes of the journal's records."},
    [M_JOURNAL_SEGMENTS] = {"paystream_journal_segments", PS_METRIC_GAUGE, NULL,
                            "Segments of the journal."},
    [M_SCRUBBED_BYTES] = {"paystream_scrubbed_bytes_total", PS_METRIC_COUNTER, NULL,
                          "Bytes of cold segments that were checked again."},
    [M_SCRUB_FAILURES] = {"paystream_scrub_failures_total", PS_METRIC_COUNTER, NULL,
                          "Checks of cold segments that failed: restore from a backup."},
    [M_SNAPSHOTS] = {"paystream_snapshots_total", PS_METRIC_COUNTER, NULL,
                     "Snapshots written since start."},
    [M_SNAPSHOT_FAILURES] = {"paystream_snapshot_failures_total", PS_METRIC_COUNTER, NULL,
                             "Snapshots that failed; the journal holds everything all the same."},
    [M_SNAPSHOT_AGE] = {"paystream_snapshot_age_seconds", PS_METRIC_GAUGE, NULL,
                        "Since the newest snapshot, or since start."},
    [M_AUDIT_FAILURES] = {"paystream_audit_failures_total", PS_METRIC_COUNTER, NULL,
                          "Failed writes of the audit log; they are tried again."},
    [M_PAYMENTS] = {"paystream_payments", PS_METRIC_GAUGE, "status", "Payments by status, now."},
    [M_OBJECTS] = {"paystream_objects", PS_METRIC_GAUGE, "kind", "Objects of the state, now."},
    [M_UNKNOWN] = {"paystream_unknown_payments", PS_METRIC_GAUGE, NULL,
                   "Payments whose outcome at the rail is not known: page above 0 for 5 minutes."},
    [M_UNKNOWN_AGE] = {"paystream_unknown_payments_age_seconds", PS_METRIC_GAUGE, NULL,
                       "For how long there has been at least one unknown payment."},
    [M_MEMORY] = {"paystream_memory_bytes", PS_METRIC_GAUGE, "region",
                  "Bytes in use of each table of the state."},
    [M_JOB_RUNNING] = {"paystream_job_running", PS_METRIC_GAUGE, "job",
                       "1 while the streaming job runs."},
    [M_JOB_FAILED] = {"paystream_job_failed", PS_METRIC_GAUGE, "job",
                      "1 when the streaming job failed; GET /v1/jobs says why."},
    [M_JOB_ROWS_IN] = {"paystream_job_rows_in_total", PS_METRIC_COUNTER, "job",
                       "Rows that a streaming job has read."},
    [M_JOB_ROWS_OUT] = {"paystream_job_rows_out_total", PS_METRIC_COUNTER, "job",
                        "Rows that a streaming job has given out."},
    [M_JOB_ROWS_LATE] = {"paystream_job_rows_late_total", PS_METRIC_COUNTER, "job",
                         "Rows that came after their windows had closed."},
    [M_JOB_ROWS_BAD] =
        {"paystream_job_rows_bad_total", PS_METRIC_COUNTER, "job",
         "Rows put aside: they could not be read, or their event time is not believed."},
    [M_JOB_STATE_BYTES] = {"paystream_job_state_bytes", PS_METRIC_GAUGE, "job",
                           "Bytes of state that a streaming job keeps."},
    [M_JOB_CHECKPOINTS] = {"paystream_job_checkpoints_total", PS_METRIC_COUNTER, "job",
                           "Checkpoints of a streaming job since start."},
    [M_JOB_WATERMARK] = {"paystream_job_watermark_seconds", PS_METRIC_GAUGE, "job",
                         "Watermark of a streaming job, seconds since 1970; none before the first "
                         "row."},
    [M_READ_ONLY] = {"paystream_read_only", PS_METRIC_GAUGE, NULL,
                     "1 while the disk is full and nothing is written."},
    [M_CLOCK_SUSPECT] = {"paystream_clock_suspect", PS_METRIC_GAUGE, NULL,
                         "1 while the wall clock jumped and is not followed."},
    [M_UPTIME] = {"paystream_uptime_seconds", PS_METRIC_GAUGE, NULL, "Since start."},
};

const ps_metric *ps_metrics_table(size_t *out_count)
{
    *out_count = METRIC_COUNT;
    return metrics;
}

/* ── counting ── */

/* Statuses in use; the last place is for all others. */
static const uint16_t statuses[PS_METRIC_STATUSES] = {200, 201, 400, 401, 402, 403, 404, 405,
                                                      408, 409, 413, 414, 415, 417, 422, 429,
                                                      431, 499, 500, 501, 503, 505, 507, 0};

static size_t status_place(uint16_t status)
{
    size_t i = 0;
    while (i < PS_METRIC_STATUSES - 1 && statuses[i] != status) {
        i++;
    }
    return i;
}

void ps_metric_histogram_init(ps_metric_histogram *histogram)
{
    pthread_mutex_init(&histogram->lock, NULL);
    ps_histogram_clear(&histogram->histogram);
}

void ps_metric_histogram_release(ps_metric_histogram *histogram)
{
    pthread_mutex_destroy(&histogram->lock);
}

void ps_metric_histogram_add(ps_metric_histogram *histogram, int64_t value)
{
    pthread_mutex_lock(&histogram->lock);
    ps_histogram_add(&histogram->histogram, value > 0 ? (uint64_t)value : 0);
    pthread_mutex_unlock(&histogram->lock);
}

void ps_loop_metrics_init(ps_loop_metrics *loop)
{
    ps_metric_histogram_init(&loop->queue);
    ps_metric_histogram_init(&loop->total);
}

void ps_loop_metrics_release(ps_loop_metrics *loop)
{
    ps_metric_histogram_release(&loop->queue);
    ps_metric_histogram_release(&loop->total);
}

/* One writer: no locked instruction. */
static void count_up(_Atomic uint64_t *counter)
{
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + 1, memory_order_relaxed);
}

void ps_loop_metrics_request(ps_loop_metrics *loop, size_t route, uint16_t status)
{
    size_t place = route < PS_METRIC_ROUTES_MAX - 1 ? route : PS_METRIC_ROUTES_MAX - 1;
    count_up(&loop->requests[place][status_place(status)]);
}

void ps_loop_metrics_refused(ps_loop_metrics *loop, const char *code)
{
    for (size_t i = 0; i < PS_METRIC_CODES_MAX; i++) {
        const char *at = atomic_load_explicit(&loop->codes[i], memory_order_relaxed);
        if (at == NULL) {
            atomic_store_explicit(&loop->codes[i], code, memory_order_release);
            at = code;
        }
        if (at == code || strcmp(at, code) == 0) {
            count_up(&loop->refused[i]);
            return;
        }
    }
}

void ps_service_metrics_init(ps_service_metrics *service)
{
    ps_metric_histogram_init(&service->core);
    ps_metric_histogram_init(&service->sync);
    ps_metric_histogram_init(&service->batch_records);
    pthread_mutex_init(&service->lock, NULL);
}

void ps_service_metrics_release(ps_service_metrics *service)
{
    ps_metric_histogram_release(&service->core);
    ps_metric_histogram_release(&service->sync);
    ps_metric_histogram_release(&service->batch_records);
    pthread_mutex_destroy(&service->lock);
}

/* ── text ── */

static const char *type_name(ps_metric_type type)
{
    switch (type) {
    case PS_METRIC_COUNTER:
        return "counter";
    case PS_METRIC_GAUGE:
        return "gauge";
    case PS_METRIC_SUMMARY:
        return "summary";
    }
    return "untyped";
}

static void head_put(ps_buf *out, metric_id id)
{
    ps_buf_append_format(out, "# HELP %s %s\n# TYPE %s %s\n", metrics[id].name, metrics[id].help,
                         metrics[id].name, type_name(metrics[id].type));
}

static void value_put(ps_buf *out, metric_id id, uint64_t value)
{
    head_put(out, id);
    ps_buf_append_format(out, "%s %llu\n", metrics[id].name, (unsigned long long)value);
}

static void seconds_put(ps_buf *out, metric_id id, int64_t ns)
{
    head_put(out, id);
    ps_buf_append_format(out, "%s %.3f\n", metrics[id].name, (double)ns / (double)PS_NS_PER_S);
}

static void labelled_put(ps_buf *out, metric_id id, const char *label, const char *text,
                         uint64_t value)
{
    ps_buf_append_format(out, "%s{%s=\"%s\"} %llu\n", metrics[id].name, label, text,
                         (unsigned long long)value);
}

/* Several histograms of one thing; `unit`: values per shown unit. */
static void summary_put(ps_buf *out, metric_id id, ps_metric_histogram *const *parts, size_t count,
                        double unit)
{
    static const double quantiles[] = {0.5, 0.9, 0.99, 0.999, 1.0};
    static const char *const names[] = {"0.5", "0.9", "0.99", "0.999", "1"};
    ps_histogram sum;
    ps_histogram_clear(&sum);
    for (size_t i = 0; i < count; i++) {
        pthread_mutex_lock(&parts[i]->lock);
        ps_histogram_merge(&sum, &parts[i]->histogram);
        pthread_mutex_unlock(&parts[i]->lock);
    }
    head_put(out, id);
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
        ps_buf_append_format(out, "%s{quantile=\"%s\"} %.9g\n", metrics[id].name, names[i],
                             (double)ps_histogram_quantile(&sum, quantiles[i]) / unit);
    }
    ps_buf_append_format(out, "%s_sum %.9g\n%s_count %llu\n", metrics[id].name,
                         (double)sum.sum_ns / unit, metrics[id].name,
                         (unsigned long long)sum.count);
}

static void requests_put(const ps_metrics_source *source, ps_buf *out)
{
    static const char *const methods[] = {"GET", "POST", "DELETE"};
    size_t route_count;
    const ps_route *routes = ps_routes(&route_count);
    head_put(out, M_REQUESTS);
    for (size_t r = 0; r < PS_METRIC_ROUTES_MAX; r++) {
        for (size_t s = 0; s < PS_METRIC_STATUSES; s++) {
            uint64_t sum = 0;
            for (uint32_t i = 0; i < source->loop_count; i++) {
                sum +=
                    atomic_load_explicit(&source->loops[i]->requests[r][s], memory_order_relaxed);
            }
            if (sum == 0) {
                continue;
            }
            bool is_route = r < route_count && r < PS_METRIC_ROUTES_MAX - 1;
            ps_buf_append_format(
                out, "%s{route=\"%s%s%s\",status=\"%u\"} %llu\n", metrics[M_REQUESTS].name,
                is_route ? methods[routes[r].method] : "none", is_route ? " " : "",
                is_route ? routes[r].pattern : "", statuses[s], (unsigned long long)sum);
        }
    }
}

/* Loops meet codes in different orders: the first loop that knows a code adds all of it up. */
static bool code_is_known_before(const ps_metrics_source *source, uint32_t loop, const char *code)
{
    for (uint32_t i = 0; i < loop; i++) {
        for (size_t c = 0; c < PS_METRIC_CODES_MAX; c++) {
            const char *at = atomic_load(&source->loops[i]->codes[c]);
            if (at == NULL) {
                break;
            }
            if (strcmp(at, code) == 0) {
                return true;
            }
        }
    }
    return false;
}

static uint64_t code_sum(const ps_metrics_source *source, const char *code)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < source->loop_count; i++) {
        for (size_t c = 0; c < PS_METRIC_CODES_MAX; c++) {
            const char *at = atomic_load(&source->loops[i]->codes[c]);
            if (at != NULL && strcmp(at, code) == 0) {
                sum += atomic_load_explicit(&source->loops[i]->refused[c], memory_order_relaxed);
            }
        }
    }
    return sum;
}

static void refused_put(const ps_metrics_source *source, ps_buf *out)
{
    head_put(out, M_REFUSED);
    for (uint32_t i = 0; i < source->loop_count; i++) {
        for (size_t c = 0; c < PS_METRIC_CODES_MAX; c++) {
            const char *code = atomic_load(&source->loops[i]->codes[c]);
            if (code == NULL) {
                break;
            }
            if (!code_is_known_before(source, i, code)) {
                labelled_put(out, M_REFUSED, "code", code, code_sum(source, code));
            }
        }
    }
}

static void loops_put(const ps_metrics_source *source, ps_buf *out)
{
    uint64_t jobs = 0, bytes = 0, streams = 0;
    head_put(out, M_DECISIONS);
    for (int status = 1; status < PS_STATUS_COUNT; status++) {
        uint64_t sum = 0;
        for (uint32_t i = 0; i < source->loop_count; i++) {
            sum += atomic_load_explicit(&source->loops[i]->decisions[status], memory_order_relaxed);
        }
        labelled_put(out, M_DECISIONS, "status", ps_status_name((ps_status)status), sum);
    }
    for (uint32_t i = 0; i < source->loop_count; i++) {
        jobs += atomic_load_explicit(&source->loops[i]->jobs, memory_order_relaxed);
        bytes += atomic_load_explicit(&source->loops[i]->inflight_bytes, memory_order_relaxed);
        streams += atomic_load_explicit(&source->loops[i]->streams, memory_order_relaxed);
    }
    value_put(out, M_JOBS, jobs);
    value_put(out, M_INFLIGHT_BYTES, bytes);
    value_put(out, M_STREAMS, streams);
}

static void latencies_put(const ps_metrics_source *source, ps_buf *out)
{
    enum { LOOPS_MAX = 64 };
    ps_metric_histogram *queue[LOOPS_MAX], *total[LOOPS_MAX];
    ps_service_metrics *service = source->service;
    PS_ASSERT(source->loop_count <= LOOPS_MAX);
    for (uint32_t i = 0; i < source->loop_count; i++) {
        queue[i] = &source->loops[i]->queue;
        total[i] = &source->loops[i]->total;
    }
    summary_put(out, M_REQUEST_SECONDS, total, source->loop_count, 1e9);
    summary_put(out, M_QUEUE_SECONDS, queue, source->loop_count, 1e9);
    summary_put(out, M_CORE_SECONDS, (ps_metric_histogram *[]){&service->core}, 1, 1e9);
    summary_put(out, M_SYNC_SECONDS, (ps_metric_histogram *[]){&service->sync}, 1, 1e9);
    summary_put(out, M_BATCH_RECORDS, (ps_metric_histogram *[]){&service->batch_records}, 1, 1);
}

static void http_put(const ps_http_stats *http, ps_buf *out)
{
    value_put(out, M_CONNECTIONS, http->connections);
    value_put(out, M_ACCEPTED, http->accepted);
    value_put(out, M_CONNECTIONS_REFUSED, http->refused_full);
    value_put(out, M_TIMEOUTS, http->timeouts);
    value_put(out, M_TLS_FAILURES, http->tls_failures);
    value_put(out, M_TLS_RELOADS, http->tls_reloads);
    value_put(out, M_TLS_RELOAD_FAILURES, http->tls_reload_failures);
    value_put(out, M_BYTES_IN, http->bytes_in);
    value_put(out, M_BYTES_OUT, http->bytes_out);
}

static void storage_put(const ps_metrics_source *source, ps_buf *out)
{
    ps_service_metrics *service = source->service;
    ps_journal_stats journal;
    int64_t snapshot_ns = atomic_load(&service->snapshot_ns);
    ps_journal_get_stats(source->journal, &journal);
    value_put(out, M_DURABLE_SEQ, ps_journal_durable_seq(source->journal));
    value_put(out, M_JOURNAL_BYTES, journal.bytes);
    value_put(out, M_JOURNAL_SEGMENTS, journal.segments);
    value_put(out, M_SCRUBBED_BYTES, journal.scrubbed_bytes);
    value_put(out, M_SCRUB_FAILURES, atomic_load(&service->scrub_failures));
    value_put(out, M_SNAPSHOTS, atomic_load(&service->snapshots));
    value_put(out, M_SNAPSHOT_FAILURES, atomic_load(&service->snapshot_failures));
    seconds_put(out, M_SNAPSHOT_AGE,
                source->now_ns - (snapshot_ns != 0 ? snapshot_ns : source->start_ns));
    value_put(out, M_AUDIT_FAILURES, atomic_load(&service->audit_failures));
}

static void state_put(const ps_metrics_source *source, ps_buf *out)
{
    ps_service_metrics *service = source->service;
    pthread_mutex_lock(&service->lock);
    const ps_core_stats *stats = &service->stats;
    head_put(out, M_PAYMENTS);
    for (int status = 1; status < PS_STATUS_COUNT; status++) {
        labelled_put(out, M_PAYMENTS, "status", ps_status_name((ps_status)status),
                     stats->by_status[status]);
    }
    head_put(out, M_OBJECTS);
    labelled_put(out, M_OBJECTS, "kind", "payment", stats->payments);
    labelled_put(out, M_OBJECTS, "kind", "refund", stats->refunds);
    labelled_put(out, M_OBJECTS, "kind", "dispute", stats->disputes);
    labelled_put(out, M_OBJECTS, "kind", "trade", stats->trades);
    labelled_put(out, M_OBJECTS, "kind", "settlement", stats->settlements);
    labelled_put(out, M_OBJECTS, "kind", "account", stats->accounts);
    labelled_put(out, M_OBJECTS, "kind", "transfer", stats->transfers);
    labelled_put(out, M_OBJECTS, "kind", "open_hold", stats->open_holds);
    labelled_put(out, M_OBJECTS, "kind", "idempotency_key", stats->idempotency_keys);
    labelled_put(out, M_OBJECTS, "kind", "timer", stats->timers);
    value_put(out, M_UNKNOWN, stats->unknown_payments);
    seconds_put(out, M_UNKNOWN_AGE,
                service->unknown_since_ns != 0 ? source->now_ns - service->unknown_since_ns : 0);
    head_put(out, M_MEMORY);
    for (uint32_t i = 0; i < service->region_count; i++) {
        labelled_put(out, M_MEMORY, "region", service->regions[i].name, service->regions[i].size);
    }
    pthread_mutex_unlock(&service->lock);
}

static uint64_t job_value(const ps_board_job *job, metric_id id)
{
    switch ((int)id) {
    case M_JOB_RUNNING:
        return job->is_running ? 1 : 0;
    case M_JOB_FAILED:
        return job->has_failed ? 1 : 0;
    case M_JOB_ROWS_IN:
        return job->counters.rows_in;
    case M_JOB_ROWS_OUT:
        return job->counters.rows_out;
    case M_JOB_ROWS_LATE:
        return job->counters.rows_late;
    case M_JOB_ROWS_BAD:
        return job->counters.rows_bad;
    case M_JOB_STATE_BYTES:
        return job->counters.state_bytes;
    case M_JOB_CHECKPOINTS:
        return job->counters.checkpoints;
    }
    return 0;
}

/* The watermark has sign and fraction, and may not be there yet. */
static void job_watermark_put(ps_buf *out, const ps_board_job *job)
{
    if (job->counters.watermark_ms != INT64_MIN) {
        ps_buf_append_format(out, "%s{job=\"%s\"} %.3f\n", metrics[M_JOB_WATERMARK].name, job->name,
                             (double)job->counters.watermark_ms / 1000);
    }
}

/* Names of jobs hold nothing that needs escaping: the board sees to it. */
static void jobs_put(const ps_metrics_source *source, ps_buf *out)
{
    uint32_t count = source->jobs != NULL ? ps_job_board_job_count(source->jobs) : 0;
    for (int id = M_JOB_RUNNING; id <= M_JOB_WATERMARK; id++) {
        head_put(out, (metric_id)id);
        for (uint32_t i = 0; i < count; i++) {
            ps_board_job job;
            ps_job_board_get(source->jobs, i, &job);
            if (id == M_JOB_WATERMARK) {
                job_watermark_put(out, &job);
            } else {
                labelled_put(out, (metric_id)id, "job", job.name, job_value(&job, (metric_id)id));
            }
        }
    }
}

void ps_metrics_render(const ps_metrics_source *source, ps_buf *out)
{
    requests_put(source, out);
    refused_put(source, out);
    loops_put(source, out);
    latencies_put(source, out);
    http_put(&source->http, out);
    storage_put(source, out);
    state_put(source, out);
    jobs_put(source, out);
    value_put(out, M_READ_ONLY, atomic_load(&source->service->read_only) ? 1 : 0);
    value_put(out, M_CLOCK_SUSPECT, atomic_load(&source->service->clock_suspect) ? 1 : 0);
    seconds_put(out, M_UPTIME, source->now_ns - source->start_ns);
}
