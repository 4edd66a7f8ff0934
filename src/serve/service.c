#include "serve/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/time.h"
#include "serve/openapi.h"
#include "serve/service_internal.h"

enum {
    EXIT_DISK = 4,
    BATCH_RING = 4,
    BAD_KEYS_MAX = 16384,
    BAD_KEYS_PER_MINUTE = 30,
    FINAL_SNAPSHOT_MAX =
        512 * 1024 * 1024 /* bytes of state that are written within about a second */
};

void ps_service_options_init(ps_service_options *options)
{
    memset(options, 0, sizeof *options);
    ps_http_options_init(&options->http);
    options->inflight_bytes_max = UINT64_C(256) * 1024 * 1024;
    options->inflight_jobs_max = 16384;
    options->queue_wait_max_ns = 5 * PS_NS_PER_S;
    options->nonces_max = 3000000;
    options->batch_wait_max_ns = 2 * PS_NS_PER_MS;
    options->scrub_period_ns = INT64_C(7) * 24 * 3600 * PS_NS_PER_S;
}

_Noreturn void ps_service_fault(ps_service *service, const ps_error *err)
{
    if (service->options.on_fault != NULL) {
        service->options.on_fault(service->options.context, err);
    }
    fprintf(stderr, "paystream: stopped: %s\n", err->text);
    _exit(EXIT_DISK);
}

/* ── what other threads read of the core ── */

static void names_find(ps_service *service)
{
    ps_region *regions[64];
    uint32_t count = ps_core_regions(service->core, regions);
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(regions[i]->name, "accounts") == 0) {
            service->accounts = (const void *)regions[i]->data;
        } else if (strcmp(regions[i]->name, "account names") == 0) {
            service->account_names = regions[i]->data;
        }
    }
    PS_ASSERT(service->accounts != NULL && service->account_names != NULL);
}

static ps_code keys_load(ps_service *service, ps_error *err)
{
    ps_buf structs;
    ps_query_result result;
    ps_query query = {.kind = PS_QUERY_KEYS, .book = 0, .limit = UINT32_MAX};
    ps_buf_init(&structs, SIZE_MAX / 2);
    memset(&result, 0, sizeof result);
    ps_core_query(service->core, &query, &structs, &result);
    ps_code code = PS_OK;
    if (structs.failed || structs.size < result.count * sizeof(ps_effect_key)) {
        code = ps_error_set(err, PS_E_MEMORY, "no memory for %u API keys", result.count);
    } else {
        code = ps_auth_load(service->auth, (const void *)structs.data, result.count, err);
    }
    ps_buf_release(&structs);
    return code;
}

/* ── open ── */

static ps_code parts_make(ps_service *service, ps_error *err)
{
    ps_code code = ps_auth_new(ps_engine_pepper(service->engine), &service->auth, err);
    if (code == PS_OK) {
        code = keys_load(service, err);
    }
    if (code == PS_OK) {
        code = ps_auth_reader_new(service->auth, &service->audit_keys, err);
    }
    if (code == PS_OK) {
        code = ps_ring_init(&service->batches, BATCH_RING, err);
    }
    if (code == PS_OK) {
        code = ps_ring_init(&service->audit_notes, PS_AUDIT_RING, err);
    }
    if (code == PS_OK) {
        service->audit_slots = calloc(PS_AUDIT_SLOTS, sizeof *service->audit_slots);
        service->running = calloc(PS_RUNNING_COUNTERS, sizeof *service->running);
        if (service->audit_slots == NULL || service->running == NULL) {
            code = ps_error_set(err, PS_E_MEMORY, "no memory for the service");
        }
    }
    if (code == PS_OK && service->options.certificate_map != NULL) {
        code = ps_certificate_map_open(service->options.certificate_map, service->instance,
                                       &service->certificates, err);
    }
    if (code == PS_OK && service->options.requires_signature) {
        code =
            ps_nonce_log_open(service->io, service->dir, service->options.nonces_max,
                              ps_io_now_wall_ns(service->io) / PS_NS_PER_S, &service->nonces, err);
    }
    if (code == PS_OK) {
        const ps_attempt_limit_options options = {.key_count_max = BAD_KEYS_MAX,
                                                  .attempts_max = BAD_KEYS_PER_MINUTE,
                                                  .window_ns = 60 * PS_NS_PER_S};
        code = ps_attempt_limit_new(&options, &service->bad_keys, err);
    }
    if (code == PS_OK) {
        code = ps_audit_open(service->io, service->dir, ps_engine_pepper(service->engine),
                             service->instance, &service->audit, err);
    }
    return code;
}

static ps_code http_make(ps_service *service, ps_error *err)
{
    ps_http_options options = service->options.http;
    options.request_state_size = sizeof(ps_request_state);
    options.thread_count = service->loop_count;
    options.body_size_max = PS_BODY_MAX;
    options.body_size_max_highest = PS_BATCH_BODY_MAX;
    ps_code code =
        ps_http_server_open(&options, &ps_service_http_handler, service, &service->http, err);
    for (uint32_t i = 0; i < service->loop_count && code == PS_OK; i++) {
        code = ps_service_loop_new(service, i, &service->loops[i], err);
        if (code == PS_OK) {
            service->loops[i]->http = ps_http_server_loop(service->http, i);
        }
    }
    return code;
}

ps_code ps_service_open(const ps_service_options *options, ps_service **out_service, ps_error *err)
{
    ps_service *service = calloc(1, sizeof *service);
    if (service == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for the service");
    }
    service->options = *options;
    service->io = options->io;
    service->engine = options->engine;
    service->core = ps_engine_core(options->engine);
    service->journal = ps_engine_journal(options->engine);
    service->instance = ps_journal_instance(service->journal);
    service->secret = *ps_core_secret(service->core);
    uint32_t loops = options->http.thread_count;
    service->loop_count = loops == 0 ? 1 : loops > PS_LOOPS_MAX ? PS_LOOPS_MAX : loops;
    service->has_admin_address = options->http.admin_host != NULL;
    service->start_ns = ps_service_mono_ns(service);
    snprintf(service->dir, sizeof service->dir, "%s", options->dir);
    pthread_mutex_init(&service->bad_keys_lock, NULL);
    ps_service_metrics_init(&service->metrics);
    names_find(service);
    ps_buf_init(&service->openapi, PS_OPENAPI_SIZE_MAX);
    ps_openapi_append(&service->openapi);
    ps_code code = parts_make(service, err);
    if (code == PS_OK) {
        code = http_make(service, err);
    }
    if (code != PS_OK) {
        ps_service_close(service);
        return code;
    }
    *out_service = service;
    return PS_OK;
}

uint16_t ps_service_port(const ps_service *service)
{
    return ps_http_server_port(service->http);
}

uint16_t ps_service_admin_port(const ps_service *service)
{
    return ps_http_server_admin_port(service->http);
}

/* ── start and end ── */

static ps_code thread_start(pthread_t *thread, void *(*run)(void *), ps_service *service,
                            const char *name, ps_error *err)
{
    int failed = pthread_create(thread, NULL, run, service);
    if (failed != 0) {
        return ps_error_set_os(err, failed, "cannot start the %s thread", name);
    }
    pthread_setname_np(*thread, name);
    return PS_OK;
}

/* Each thread ends when those that feed it have ended. */
static void threads_stop(ps_service *service, uint32_t started)
{
    if (started > 2) {
        atomic_store(&service->core_ends, true);
        ps_doorbell_ring(&service->core_bell);
        pthread_join(service->core_thread, NULL);
    }
    if (started > 1) {
        atomic_store(&service->journal_ends, true);
        ps_doorbell_ring(&service->journal_bell);
        pthread_join(service->journal_thread, NULL);
    }
    if (started > 0) {
        atomic_store(&service->maintenance_ends, true);
        ps_doorbell_ring(&service->maintenance_bell);
        pthread_join(service->maintenance_thread, NULL);
    }
    service->threads_run = false;
}

ps_code ps_service_start(ps_service *service, ps_error *err)
{
    uint32_t started = 0;
    ps_code code = thread_start(&service->maintenance_thread, ps_service_maintenance_run, service,
                                "ps-maintenance", err);
    if (code == PS_OK) {
        started++;
        code = thread_start(&service->journal_thread, ps_service_journal_run, service, "ps-journal",
                            err);
    }
    if (code == PS_OK) {
        started++;
        code = thread_start(&service->core_thread, ps_service_core_run, service, "ps-core", err);
    }
    if (code == PS_OK) {
        started++;
        code = ps_http_server_start(service->http, err);
    }
    if (code != PS_OK) {
        threads_stop(service, started);
        return code;
    }
    service->threads_run = true;
    return PS_OK;
}

static bool final_snapshot_is_quick(ps_service *service)
{
    ps_core_stats stats;
    ps_core_get_stats(service->core, &stats);
    return stats.memory_bytes <= FINAL_SNAPSHOT_MAX;
}

ps_code ps_service_drain(ps_service *service, ps_error *err)
{
    if (!service->threads_run) {
        return PS_OK;
    }
    ps_http_server_drain(service->http);
    threads_stop(service, 3);
    /* what was still waiting when the time was over is dropped, unanswered */
    ps_http_server_close(service->http);
    service->http = NULL;
    if (ps_engine_shutdown(service->engine, final_snapshot_is_quick(service), err) == PS_OK) {
        return PS_OK;
    }
    /* A snapshot that fails (the disk may be full) takes nothing away; a journal that cannot be
     * sealed is a fault like any other of the disk. */
    ps_error seal_err;
    if (ps_engine_shutdown(service->engine, false, &seal_err) != PS_OK) {
        ps_service_fault(service, &seal_err);
    }
    fprintf(stderr, "paystream: no snapshot at the end: %s\n", err->text);
    return PS_OK;
}

void ps_service_close(ps_service *service)
{
    if (service == NULL) {
        return;
    }
    if (service->threads_run) {
        threads_stop(service, 3);
    }
    ps_http_server_close(service->http);
    for (uint32_t i = 0; i < service->loop_count; i++) {
        ps_service_loop_free(service->loops[i]);
    }
    ps_audit_close(service->audit);
    ps_attempt_limit_free(service->bad_keys);
    ps_ring_release(&service->batches);
    ps_ring_release(&service->audit_notes);
    free(service->audit_slots);
    free(service->running);
    ps_nonce_log_close(service->nonces);
    ps_certificate_map_close(service->certificates);
    ps_auth_reader_free(service->audit_keys);
    ps_auth_free(service->auth);
    ps_service_metrics_release(&service->metrics);
    pthread_mutex_destroy(&service->bad_keys_lock);
    ps_buf_release(&service->openapi);
    free(service);
}
