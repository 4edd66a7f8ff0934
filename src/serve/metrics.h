/* Metrics: what the service counts, as Prometheus text (exposition format 0.0.4).
 *
 * One table names every metric; the text at /metrics and docs/metrics.md are made from it. Each
 * loop counts on its own (one writer); whoever renders adds them up. Latencies are log-linear
 * histograms (base/histogram.h), shown as quantiles of all values since start: never averages of
 * quantiles.
 *
 * I20: every request that was answered is in requests_total with its status, and every answer with
 * an error also in refused_total with its code.
 */
#ifndef PS_SERVE_METRICS_H
#define PS_SERVE_METRICS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/histogram.h"
#include "pay/engine.h"
#include "serve/http_server.h"
#include "serve/job_board.h"

typedef enum { PS_METRIC_COUNTER, PS_METRIC_GAUGE, PS_METRIC_SUMMARY } ps_metric_type;
typedef struct {
    const char *name;
    ps_metric_type type;
    const char *labels; /* "route, status"; NULL: none */
    const char *help;   /* a sentence */
} ps_metric;
const ps_metric *ps_metrics_table(size_t *out_count);

enum {
    PS_METRIC_ROUTES_MAX = 72, /* the last one counts requests without a route */
    PS_METRIC_STATUSES = 24,
    PS_METRIC_CODES_MAX = 96
};

/* A latency, written by one thread, read by any. */
typedef struct {
    pthread_mutex_t lock;
    ps_histogram histogram; /* nanoseconds, or counts */
} ps_metric_histogram;
void ps_metric_histogram_init(ps_metric_histogram *histogram);
void ps_metric_histogram_release(ps_metric_histogram *histogram);
void ps_metric_histogram_add(ps_metric_histogram *histogram, int64_t value);

/* What one network thread counts. */
typedef struct {
    _Atomic uint64_t requests[PS_METRIC_ROUTES_MAX][PS_METRIC_STATUSES];
    _Atomic uint64_t decisions[PS_STATUS_COUNT];
    _Atomic(const char *) codes[PS_METRIC_CODES_MAX]; /* static texts, in order of first use */
    _Atomic uint64_t refused[PS_METRIC_CODES_MAX];
    _Atomic uint64_t streams;
    _Atomic uint64_t jobs, inflight_bytes;
    ps_metric_histogram queue, total;
} ps_loop_metrics;

void ps_loop_metrics_init(ps_loop_metrics *metrics);
void ps_loop_metrics_release(ps_loop_metrics *metrics);
/* `route`: its place in the table; ≥ PS_METRIC_ROUTES_MAX: none. */
void ps_loop_metrics_request(ps_loop_metrics *metrics, size_t route, uint16_t status);
/* `code`: static text. */
void ps_loop_metrics_refused(ps_loop_metrics *metrics, const char *code);

/* What the other threads count. */
typedef struct {
    ps_metric_histogram core, sync, batch_records;
    pthread_mutex_t lock; /* of what follows; written about once a second */
    ps_core_stats stats;
    struct {
        const char *name;
        uint64_t size;
    } regions[64];
    uint32_t region_count;
    int64_t unknown_since_ns; /* monotonic; 0: no payment is unknown */
    _Atomic uint64_t snapshots, snapshot_failures, scrub_failures, audit_failures;
    _Atomic int64_t snapshot_ns; /* monotonic time of the newest one; 0: none since start */
    _Atomic bool clock_suspect, read_only;
} ps_service_metrics;
void ps_service_metrics_init(ps_service_metrics *metrics);
void ps_service_metrics_release(ps_service_metrics *metrics);

typedef struct {
    ps_loop_metrics *const *loops;
    uint32_t loop_count;
    ps_service_metrics *service;
    const ps_journal *journal;
    ps_job_board *jobs; /* NULL: none */
    ps_http_stats http;
    int64_t now_ns; /* monotonic */
    int64_t start_ns;
} ps_metrics_source;
void ps_metrics_render(const ps_metrics_source *source, ps_buf *out);

#endif
