/* Requests on a network thread that were admitted (service_admission.c): what they ask for.
 *
 * on_request decodes and hands a job to the core, or answers what needs no core.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "serve/page.h"
#include "serve/render_walk.h"
#include "serve/service_internal.h"

enum {
    HEADERS_MAX = 4096,
    BODY_SCRATCH_MAX = 4 * 1024 * 1024,
    LOOP_JOBS_MIN = 16,
    OPERATOR_BOOKS = 2 /* of the first tenant: test, live */
};

static const char request_error[] = "invalid_request_error";
static const ps_slice html_type = {"text/html; charset=utf-8", 24};
static const ps_slice metrics_type = {"text/plain; version=0.0.4; charset=utf-8", 40};
const ps_slice ps_json_type = {"application/json", 16};

/* ── loops ── */

uint32_t ps_loop_jobs_max(const ps_service *service)
{
    uint32_t share = service->options.inflight_jobs_max / service->loop_count;
    return share < LOOP_JOBS_MIN ? LOOP_JOBS_MIN : share;
}

static uint32_t power_of_two(uint32_t at_least)
{
    uint32_t power = 2;
    while (power < at_least) {
        power *= 2;
    }
    return power;
}

static bool account_name_get(void *context, uint32_t account, ps_slice *out_name,
                             ps_currency *out_currency)
{
    const ps_service *service = context;
    const ps_account *at = &service->accounts[account];
    *out_name = ps_slice_of(service->account_names + at->name_offset, at->name_size);
    *out_currency = at->currency;
    return true;
}

static ps_code limit_new(uint64_t rate, ps_rate_limit **out_limit, ps_error *err)
{
    if (rate == 0) {
        return PS_OK;
    }
    const ps_rate_limit_options options = {
        .key_count_max = 65536, .rate_per_s = (uint32_t)rate, .burst = (uint32_t)rate};
    return ps_rate_limit_new(&options, out_limit, err);
}

static ps_code loop_parts_make(ps_service *service, ps_service_loop *loop, ps_error *err)
{
    uint32_t capacity = power_of_two(ps_loop_jobs_max(service));
    ps_code code = ps_ring_init(&loop->to_core, capacity, err);
    if (code == PS_OK) {
        code = ps_ring_init(&loop->from_core, capacity, err);
    }
    if (code == PS_OK) {
        code = ps_decoder_new(&loop->decoder, err);
    }
    if (code == PS_OK) {
        code = ps_renderer_new(service->journal, service->instance, &loop->renderer, err);
    }
    if (code == PS_OK) {
        ps_renderer_set_names(loop->renderer, (ps_account_names){service, account_name_get});
        code = ps_auth_reader_new(service->auth, &loop->auth, err);
    }
    if (code == PS_OK) {
        code = ps_journal_cursor_new(service->journal, &loop->stream_cursor, err);
    }
    if (code == PS_OK) {
        code = limit_new(service->options.rate_per_key, &loop->key_limit, err);
    }
    if (code == PS_OK) {
        code = limit_new(service->options.rate_per_address, &loop->address_limit, err);
    }
    return code;
}

ps_code ps_service_loop_new(ps_service *service, uint32_t index, ps_service_loop **out_loop,
                            ps_error *err)
{
    ps_service_loop *loop = aligned_alloc(PS_CACHE_LINE, (sizeof *loop + PS_CACHE_LINE - 1) /
                                                             PS_CACHE_LINE * PS_CACHE_LINE);
    if (loop == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for network thread %u", index);
    }
    memset(loop, 0, sizeof *loop);
    loop->service = service;
    loop->index = index;
    ps_buf_init(&loop->headers, HEADERS_MAX);
    ps_buf_init(&loop->body, BODY_SCRATCH_MAX);
    ps_loop_metrics_init(&loop->metrics);
    ps_code code = loop_parts_make(service, loop, err);
    if (code != PS_OK) {
        ps_service_loop_free(loop);
        return code;
    }
    *out_loop = loop;
    return PS_OK;
}

static void jobs_free(ps_job *job)
{
    while (job != NULL) {
        ps_job *next = job->next;
        ps_job_free(job);
        job = next;
    }
}

static void ring_jobs_free(ps_ring *ring)
{
    ps_job *job = ring->slots != NULL ? ps_ring_pop(ring) : NULL;
    while (job != NULL) {
        ps_job_free(job);
        job = ps_ring_pop(ring);
    }
    ps_ring_release(ring);
}

void ps_service_loop_free(ps_service_loop *loop)
{
    if (loop == NULL) {
        return;
    }
    PS_ASSERT(loop->streams == NULL); /* closing the HTTP server ended them */
    ring_jobs_free(&loop->to_core);
    ring_jobs_free(&loop->from_core);
    jobs_free(loop->first);
    jobs_free(loop->free_jobs);
    ps_decoder_free(loop->decoder);
    ps_renderer_free(loop->renderer);
    ps_auth_reader_free(loop->auth);
    if (loop->stream_cursor != NULL) {
        ps_journal_cursor_free(loop->stream_cursor);
    }
    ps_rate_limit_free(loop->key_limit);
    ps_rate_limit_free(loop->address_limit);
    ps_buf_release(&loop->headers);
    ps_buf_release(&loop->body);
    ps_loop_metrics_release(&loop->metrics);
    free(loop);
}

void ps_loop_random(ps_service_loop *loop, void *out, size_t size)
{
    if (loop->random_left < size) {
        ps_io_random(loop->service->io, loop->random, sizeof loop->random);
        loop->random_left = sizeof loop->random;
    }
    loop->random_left -= size;
    memcpy(out, loop->random + loop->random_left, size);
}

/* ── answers ── */

/* As draft-ietf-httpapi-ratelimit-headers has them; Reset in seconds until the allowance is whole.
 */
static void rate_append(ps_buf *headers, const ps_rate_state *rate)
{
    PS_PUT(headers, "RateLimit-Limit: ");
    ps_buf_append_u64(headers, rate->burst);
    PS_PUT(headers, "\r\nRateLimit-Remaining: ");
    ps_buf_append_u64(headers, rate->left);
    PS_PUT(headers, "\r\nRateLimit-Reset: ");
    ps_buf_append_u64(headers, (rate->full_after_ms + 999) / 1000);
    PS_PUT(headers, "\r\n");
}

ps_slice ps_loop_headers(ps_service_loop *loop, const ps_request_state *state, ps_slice extra)
{
    char id[30];
    ps_buf_clear(&loop->headers);
    ps_request_id_format(state->request_id, id);
    PS_PUT(&loop->headers, "Request-Id: ");
    ps_buf_append(&loop->headers, id, sizeof id);
    PS_PUT(&loop->headers, "\r\n");
    if (state->rate.burst != 0) {
        rate_append(&loop->headers, &state->rate);
    }
    ps_buf_append_slice(&loop->headers, extra);
    return ps_buf_slice(&loop->headers);
}

static size_t route_number(const ps_route *route)
{
    size_t count;
    return route != NULL ? (size_t)(route - ps_routes(&count)) : SIZE_MAX;
}

void ps_loop_request_end(ps_service_loop *loop, ps_http_request *request, uint16_t status)
{
    const ps_request_state *state = ps_http_request_state(request);
    ps_loop_release(loop, request);
    atomic_store_explicit(&loop->metrics.inflight_bytes, loop->inflight_bytes,
                          memory_order_relaxed);
    ps_loop_metrics_request(&loop->metrics, route_number(state->route), status);
}

void ps_loop_answer(ps_service_loop *loop, ps_http_request *request, uint16_t status,
                    ps_slice content_type, ps_slice extra, ps_slice body)
{
    const ps_request_state *state = ps_http_request_state(request);
    const ps_http_answer answer = {.status = status,
                                   .content_type = content_type,
                                   .headers = ps_loop_headers(loop, state, extra),
                                   .body = body};
    ps_loop_request_end(loop, request, status);
    ps_http_reply(request, &answer);
}

void ps_loop_answer_error_with(ps_service_loop *loop, ps_http_request *request,
                               const ps_api_error *error, const char *extra)
{
    char lines[256];
    const ps_request_state *state = ps_http_request_state(request);
    int size = snprintf(lines, sizeof lines, "%s", extra);
    if (error->retry_after_s != 0 && size >= 0 && (size_t)size < sizeof lines) {
        size += snprintf(lines + size, sizeof lines - (size_t)size, "Retry-After: %u\r\n",
                         error->retry_after_s);
    }
    ps_buf_clear(&loop->body);
    ps_render_error(error, state->request_id, &loop->body);
    ps_loop_metrics_refused(&loop->metrics, error->code);
    ps_loop_answer(loop, request, error->http_status, ps_json_type, ps_slice_text(lines),
                   ps_buf_slice(&loop->body));
}

void ps_loop_answer_error(ps_service_loop *loop, ps_http_request *request,
                          const ps_api_error *error)
{
    ps_loop_answer_error_with(loop, request, error, "");
}

void ps_loop_answer_overload(ps_service_loop *loop, ps_http_request *request)
{
    ps_api_error error = ps_api_error_of(503, "api_error", "overloaded",
                                         "The server has more work than it can do now. Try again; "
                                         "with the same Idempotency-Key nothing is done twice.");
    error.retry_after_s = 1;
    ps_loop_answer_error(loop, request, &error);
}

/* ── jobs ── */

static void answer_no_memory(ps_service_loop *loop, ps_http_request *request)
{
    ps_api_error error = ps_api_error_of(
        503, "api_error", "overloaded", "The server is out of memory for this request. Try again.");
    error.retry_after_s = 1;
    ps_loop_answer_error(loop, request, &error);
}

static ps_request_context context_of(const ps_service_loop *loop, ps_http_request *request)
{
    const ps_request_state *state = ps_http_request_state(request);
    ps_request_context context = {.route = state->route,
                                  .id = ps_slice_of(state->id, state->id_size),
                                  .query = ps_http_request_query(request),
                                  .idempotency_key =
                                      ps_http_request_header(request, PS_HTTP_IDEMPOTENCY_KEY),
                                  .book = state->key.book,
                                  .key = state->key.number,
                                  .scopes = state->key.scopes,
                                  .live = state->key.live,
                                  .request_id = state->request_id,
                                  .secret = &loop->service->secret};
    ps_http_request_peer(request, context.address);
    return context;
}

/* NULL: answered 503. */
static ps_job *job_begin(ps_service_loop *loop, ps_http_request *request)
{
    const ps_request_state *state = ps_http_request_state(request);
    ps_job *job = loop->job_count < ps_loop_jobs_max(loop->service) ? ps_loop_job_take(loop) : NULL;
    if (job == NULL) {
        answer_no_memory(loop, request);
        return NULL;
    }
    job->request = request;
    job->route = state->route;
    job->loop = loop->index;
    job->key = state->key;
    job->request_id = state->request_id;
    ps_slice certificate = ps_http_request_identity(request);
    memcpy(job->certificate, certificate.data != NULL ? certificate.data : "", certificate.size);
    job->certificate[certificate.size] = '\0';
    job->received_ns = ps_http_request_received_ns(request);
    return job;
}

static void job_push(ps_service_loop *loop, ps_job *job)
{
    job->pushed_ns = ps_service_mono_ns(loop->service);
    loop->job_count++;
    atomic_store_explicit(&loop->metrics.jobs, loop->job_count, memory_order_relaxed);
    bool pushed = ps_ring_push(&loop->to_core, job);
    PS_ASSERT(pushed); /* job_begin keeps to the capacity */
    /* The bell is rung once for all requests of this turn, in on_wake. */
    loop->has_pushed = true;
    ps_http_loop_wake(loop->http);
}

static void job_refuse(ps_service_loop *loop, ps_job *job, const ps_api_error *error)
{
    ps_http_request *request = job->request;
    ps_loop_job_return(loop, job);
    ps_loop_answer_error(loop, request, error);
}

/* The secret is made here, shown once in the reply, and only its HMAC goes on (S-B1). */
static void key_make(ps_service_loop *loop, ps_job *job, ps_command *command, ps_api_key *key)
{
    ps_service *service = loop->service;
    ps_api_key_make(service->io, ps_engine_pepper(service->engine), command->u.key_new.live, key);
    memcpy(job->secret, key->text, sizeof job->secret);
    command->u.key_new.public_id = key->public_id;
    command->data = ps_slice_of(key->hmac, sizeof key->hmac);
}

static void command_begin(ps_service_loop *loop, ps_http_request *request)
{
    ps_job *job = job_begin(loop, request);
    if (job == NULL) {
        return;
    }
    size_t body_size = 0;
    char *body = ps_http_request_body(request, &body_size);
    ps_request_context context = context_of(loop, request);
    ps_command command;
    ps_api_error error;
    if (!ps_decode_command(loop->decoder, &context, body, body_size, &command, &error)) {
        job_refuse(loop, job, &error);
        return;
    }
    ps_api_key key;
    if (command.kind == PS_CMD_KEY_CREATE) {
        key_make(loop, job, &command, &key);
    }
    job->kind = PS_JOB_COMMANDS;
    job->items = ps_job_arena_take(&job->arena, sizeof *job->items);
    if (job->items == NULL || !ps_command_copy(&job->arena, &command, &job->items[0].command)) {
        ps_loop_job_return(loop, job);
        answer_no_memory(loop, request);
        return;
    }
    job->items[0].form_error = (ps_slice){NULL, 0};
    job->item_count = 1;
    job_push(loop, job);
}

static void query_begin(ps_service_loop *loop, ps_http_request *request)
{
    ps_job *job = job_begin(loop, request);
    if (job == NULL) {
        return;
    }
    ps_request_context context = context_of(loop, request);
    ps_query query;
    ps_api_error error;
    if (!ps_decode_query(loop->decoder, &context, &query, &error)) {
        job_refuse(loop, job, &error);
        return;
    }
    ps_slice last_id = ps_http_request_header(request, PS_HTTP_LAST_EVENT_ID);
    if (job->route->kind == PS_ROUTE_STREAM && last_id.size > 0 &&
        !ps_parse_u64(last_id, &query.after)) {
        error = ps_api_error_of(400, request_error, "parameter_invalid",
                                "Last-Event-ID must be the sequence of an event.");
        snprintf(error.param, sizeof error.param, "Last-Event-ID");
        job_refuse(loop, job, &error);
        return;
    }
    if (job->route->kind == PS_ROUTE_ACCOUNT_ENTRIES && query.before != 0) {
        query.at_sequence = ps_entry_place_sequence(query.before);
    }
    job->kind = PS_JOB_QUERY;
    if (!ps_query_copy(&job->arena, &query, &job->query)) {
        ps_loop_job_return(loop, job);
        answer_no_memory(loop, request);
        return;
    }
    job_push(loop, job);
}

/* ── batches ── */

static bool next_line(ps_slice *rest, ps_slice *out_line)
{
    while (rest->size > 0) {
        const char *end = memchr(rest->data, '\n', rest->size);
        size_t size = end != NULL ? (size_t)(end - rest->data) : rest->size;
        size_t taken = end != NULL ? size + 1 : size;
        ps_slice line = ps_slice_of(rest->data, size);
        rest->data += taken;
        rest->size -= taken;
        while (line.size > 0 &&
               (line.data[line.size - 1] == '\r' || line.data[line.size - 1] == ' ' ||
                line.data[line.size - 1] == '\t')) {
            line.size--;
        }
        if (line.size > 0) {
            *out_line = line;
            return true;
        }
    }
    return false;
}

static uint32_t lines_count(ps_slice body)
{
    uint32_t count = 0;
    ps_slice line;
    while (count <= PS_BATCH_LINES_MAX && next_line(&body, &line)) {
        count++;
    }
    return count;
}

/* False: memory. */
static bool line_decode(ps_service_loop *loop, const ps_request_context *context, ps_slice line,
                        ps_job *job, ps_job_item *item)
{
    ps_command *command = &item->command;
    ps_api_error error;
    item->form_error = (ps_slice){NULL, 0};
    if (ps_decode_batch_line(loop->decoder, context, (char *)line.data, line.size, command,
                             &error)) {
        return ps_command_copy(&job->arena, command, command); /* what it points to */
    }
    ps_buf_clear(&loop->body);
    ps_render_error(&error, context->request_id, &loop->body);
    ps_loop_metrics_refused(&loop->metrics, error.code);
    char *copy = ps_job_arena_take(&job->arena, loop->body.size);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, loop->body.data, loop->body.size);
    item->form_error = ps_slice_of(copy, loop->body.size);
    item->form_status = error.http_status;
    return true;
}

static bool lines_decode(ps_service_loop *loop, ps_job *job, ps_slice body, uint32_t line_count)
{
    ps_request_context context = context_of(loop, job->request);
    job->items = ps_job_arena_take(&job->arena, line_count * sizeof *job->items);
    if (job->items == NULL) {
        return false;
    }
    ps_slice line;
    while (next_line(&body, &line)) {
        if (!line_decode(loop, &context, line, job, &job->items[job->item_count])) {
            return false;
        }
        job->item_count++;
    }
    return true;
}

static void batch_begin(ps_service_loop *loop, ps_http_request *request)
{
    size_t body_size = 0;
    char *bytes = ps_http_request_body(request, &body_size);
    ps_slice body = ps_slice_of(bytes, body_size);
    uint32_t line_count = lines_count(body);
    if (line_count == 0 || line_count > PS_BATCH_LINES_MAX) {
        ps_api_error error =
            line_count == 0
                ? ps_api_error_of(400, request_error, "parameter_missing",
                                  "A batch needs at least one line: one JSON object a line.")
                : ps_api_error_of(
                      413, request_error, "batch_too_large",
                      "A batch holds at most 10,000 lines. Send the rest in another one.");
        ps_loop_answer_error(loop, request, &error);
        return;
    }
    if (!ps_loop_admit_lines(loop, request, line_count)) {
        return;
    }
    ps_job *job = job_begin(loop, request);
    if (job == NULL) {
        return;
    }
    job->kind = PS_JOB_COMMANDS;
    job->is_batch = true;
    if (!lines_decode(loop, job, body, line_count)) {
        ps_loop_job_return(loop, job);
        answer_no_memory(loop, request);
        return;
    }
    job_push(loop, job);
}

/* ── what needs no core ── */

static void answer_ready(ps_service_loop *loop, ps_http_request *request)
{
    if (atomic_load(&loop->service->metrics.read_only)) {
        ps_api_error error = ps_api_error_of(
            503, "api_error", "read_only", "The disk is full: reads are answered, writes are not.");
        error.retry_after_s = 5;
        ps_loop_answer_error(loop, request, &error);
        return;
    }
    ps_loop_answer(loop, request, 200, ps_json_type, (ps_slice){NULL, 0},
                   PS_SLICE("{\"status\":\"ready\"}"));
}

static void answer_metrics(ps_service_loop *loop, ps_http_request *request)
{
    ps_service *service = loop->service;
    ps_loop_metrics *loops[PS_LOOPS_MAX];
    for (uint32_t i = 0; i < service->loop_count; i++) {
        loops[i] = &service->loops[i]->metrics;
    }
    ps_metrics_source source = {.loops = loops,
                                .loop_count = service->loop_count,
                                .service = &service->metrics,
                                .journal = service->journal,
                                .jobs = service->options.jobs,
                                .now_ns = ps_service_mono_ns(service),
                                .start_ns = service->start_ns};
    ps_http_server_stats(service->http, &source.http);
    ps_buf_clear(&loop->body);
    ps_metrics_render(&source, &loop->body);
    ps_loop_answer(loop, request, 200, metrics_type, PS_SLICE("Cache-Control: no-store\r\n"),
                   ps_buf_slice(&loop->body));
}

static void answer_page(ps_service_loop *loop, ps_http_request *request)
{
    ps_slice path = ps_http_request_path(request);
    const ps_page_file *file = ps_page_find(path);
    if (file == NULL) {
        ps_loop_answer(loop, request, 200, html_type, ps_page_headers(),
                       PS_SLICE("<!doctype html><title>Paystream</title><p>Paystream runs; this "
                                "build has no page.</p>"));
        return;
    }
    ps_loop_answer(loop, request, 200, ps_slice_text(file->content_type), ps_page_headers(),
                   ps_slice_of(file->data, file->size));
}

/* Jobs read the whole journal, all tenants' rows: only the first tenant, the operator's, sees what
 * they make of it. */
static void answer_jobs(ps_service_loop *loop, ps_http_request *request)
{
    const ps_request_state *state = ps_http_request_state(request);
    ps_job_board *board = loop->service->options.jobs;
    ps_buf_clear(&loop->body);
    if (board != NULL && state->key.book <= OPERATOR_BOOKS) {
        ps_job_board_render(board, &loop->body);
    } else {
        PS_PUT(&loop->body, "{\"data\":[],\"has_more\":false,\"next_cursor\":null}");
    }
    if (loop->body.failed) {
        answer_no_memory(loop, request);
        return;
    }
    ps_loop_answer(loop, request, 200, ps_json_type, (ps_slice){NULL, 0},
                   ps_buf_slice(&loop->body));
}

static void answer_openapi(ps_service_loop *loop, ps_http_request *request)
{
    ps_service *service = loop->service;
    ps_loop_answer(loop, request, 200, ps_json_type, (ps_slice){NULL, 0},
                   ps_buf_slice(&service->openapi));
}

static void on_request(void *context, ps_http_request *request)
{
    (void)context;
    ps_service_loop *loop = ps_http_loop_user(ps_http_request_loop(request));
    const ps_request_state *state = ps_http_request_state(request);
    if (state->route == NULL) {
        answer_page(loop, request);
        return;
    }
    if (!ps_loop_admit_body(loop, request)) {
        return;
    }
    switch (state->route->kind) {
    case PS_ROUTE_COMMAND:
    case PS_ROUTE_KEY_CREATE:
        command_begin(loop, request);
        return;
    case PS_ROUTE_QUERY:
    case PS_ROUTE_PAYMENT_EVENTS:
    case PS_ROUTE_PAYMENT_POSTINGS:
    case PS_ROUTE_ACCOUNT_ENTRIES:
    case PS_ROUTE_EVENTS:
    case PS_ROUTE_STREAM:
        query_begin(loop, request);
        return;
    case PS_ROUTE_BATCH:
        batch_begin(loop, request);
        return;
    case PS_ROUTE_JOBS:
        answer_jobs(loop, request);
        return;
    case PS_ROUTE_HEALTH:
        ps_loop_answer(loop, request, 200, ps_json_type, (ps_slice){NULL, 0},
                       PS_SLICE("{\"status\":\"ok\"}"));
        return;
    case PS_ROUTE_READY:
        answer_ready(loop, request);
        return;
    case PS_ROUTE_METRICS:
        answer_metrics(loop, request);
        return;
    case PS_ROUTE_OPENAPI:
        answer_openapi(loop, request);
        return;
    case PS_ROUTE_PAGE:
        answer_page(loop, request);
        return;
    }
}

/* ── the rest of the handler ── */

static void on_loop_start(void *context, ps_http_loop *http)
{
    ps_service *service = context;
    ps_http_loop_set_user(http, service->loops[ps_http_loop_index(http)]);
}

static ps_http_admission on_head(void *context, ps_http_request *request)
{
    (void)context;
    return ps_loop_admit(ps_http_loop_user(ps_http_request_loop(request)), request);
}

static void on_abort(void *context, ps_http_request *request)
{
    (void)context;
    ps_service_loop *loop = ps_http_loop_user(ps_http_request_loop(request));
    ps_loop_release(loop, request);
}

static void on_closed(void *context, ps_http_request *request)
{
    (void)context;
    ps_service_loop *loop = ps_http_loop_user(ps_http_request_loop(request));
    ps_request_state *state = ps_http_request_state(request);
    if (state->stream != NULL) {
        ps_stream_end(loop, state->stream);
    }
}

static void on_writable(void *context, ps_http_request *request)
{
    (void)context;
    ps_service_loop *loop = ps_http_loop_user(ps_http_request_loop(request));
    ps_request_state *state = ps_http_request_state(request);
    if (state->stream != NULL) {
        ps_stream_writable(loop, state->stream);
    }
}

static void on_wake(void *context, ps_http_loop *http)
{
    (void)context;
    ps_service_loop *loop = ps_http_loop_user(http);
    if (loop->has_pushed) {
        loop->has_pushed = false;
        ps_doorbell_ring(&loop->service->core_bell);
    }
    ps_loop_collect(loop);
    ps_streams_run(loop);
}

static void certificates_reload(ps_service_loop *loop)
{
    int64_t now_ns = ps_http_loop_now_ns(loop->http);
    ps_error err;
    if (loop->index != 0 || loop->service->certificates == NULL || now_ns < loop->next_reload_ns) {
        return;
    }
    loop->next_reload_ns = now_ns + PS_NS_PER_S;
    if (ps_certificate_map_reload(loop->service->certificates, &err) != PS_OK) {
        fprintf(stderr, "paystream: the certificates in use stay: %s\n", err.text);
    }
}

static void on_tick(void *context, ps_http_loop *http)
{
    (void)context;
    ps_service_loop *loop = ps_http_loop_user(http);
    ps_auth_reader_refresh(loop->auth);
    ps_loop_collect(loop);
    ps_streams_tick(loop);
    certificates_reload(loop);
}

static void on_error(void *context, ps_http_loop *http, const ps_http_refusal *refusal,
                     ps_buf *headers, ps_buf *body)
{
    (void)context;
    ps_service_loop *loop = ps_http_loop_user(http);
    ps_request_state state = {.route = NULL};
    ps_loop_random(loop, &state.request_id, sizeof state.request_id);
    const char *type = refusal->status >= 500 ? "api_error" : request_error;
    ps_api_error error = ps_api_error_of(refusal->status, type, refusal->code, refusal->message);
    ps_render_error(&error, state.request_id, body);
    ps_buf_append_slice(headers, ps_loop_headers(loop, &state, (ps_slice){NULL, 0}));
    ps_loop_metrics_request(&loop->metrics, SIZE_MAX, refusal->status);
    ps_loop_metrics_refused(&loop->metrics, refusal->code);
}

const ps_http_handler ps_service_http_handler = {.on_loop_start = on_loop_start,
                                                 .on_head = on_head,
                                                 .on_request = on_request,
                                                 .on_abort = on_abort,
                                                 .on_closed = on_closed,
                                                 .on_writable = on_writable,
                                                 .on_wake = on_wake,
                                                 .on_tick = on_tick,
                                                 .on_error = on_error};
