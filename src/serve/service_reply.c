/* Answers on a network thread: executed jobs come in from the core, are rendered while the journal
 * still writes, and leave in order when what they show is durable (V1, V2).
 *
 * What needs a record that is not durable yet (a payment made and captured in one batch) is
 * rendered at release instead: by then everything before it can be read.
 */
#include <stdio.h>

#include "serve/render_walk.h"
#include "serve/service_internal.h"

static const ps_slice ndjson_type = {"application/x-ndjson", 20};

/* ── jobs at rest ── */

enum {
    RESTING_MAX = 64 * 1024 * 1024, /* bytes that the resting jobs of a loop keep, about */
    RESTING_JOB_MIN = 16 * 1024     /* each of them may, whatever the others keep */
};

ps_job *ps_loop_job_take(ps_service_loop *loop)
{
    ps_job *job = loop->free_jobs;
    if (job == NULL) {
        return ps_job_new();
    }
    loop->free_jobs = job->next;
    loop->resting_bytes -= ps_job_memory(job);
    job->next = NULL;
    return job;
}

void ps_loop_job_return(ps_service_loop *loop, ps_job *job)
{
    size_t left = loop->resting_bytes < RESTING_MAX ? RESTING_MAX - loop->resting_bytes : 0;
    ps_job_reset(job, left > RESTING_JOB_MIN ? left : RESTING_JOB_MIN);
    loop->resting_bytes += ps_job_memory(job);
    job->next = loop->free_jobs;
    loop->free_jobs = job;
}

/* ── rendering ── */

static const char *code_of_refusal(ps_refusal refusal)
{
    return ps_refusal_describe(refusal)->code;
}

static void count_refusal(ps_service_loop *loop, ps_refusal refusal)
{
    if (refusal != PS_REFUSED_NONE) {
        ps_loop_metrics_refused(&loop->metrics, code_of_refusal(refusal));
    }
}

static ps_slice item_payload(const ps_job *job, const ps_job_item *item)
{
    return ps_slice_of(job->payloads.data + item->payload_offset, item->result.payload_size);
}

/* The status of the payment that was decided on; PS_STATUS_COUNT: it was about something else. */
static uint8_t decision_of(ps_slice payload)
{
    const ps_record_header *head = ps_record_head(payload);
    if (head->command != PS_CMD_PAYMENT_CREATE && head->command != PS_CMD_PAYMENT_CONFIRM) {
        return PS_STATUS_COUNT;
    }
    const ps_effect_payment *payment =
        (const void *)ps_effect_find(payload, PS_EFFECT_PAYMENT, head->subject);
    return payment != NULL && payment->status < PS_STATUS_COUNT ? payment->status : PS_STATUS_COUNT;
}

/* What the counters will ask of its record, while that is at hand. */
static void item_look(const ps_job *job, ps_job_item *item)
{
    ps_slice payload = item_payload(job, item);
    item->decided = decision_of(payload);
    item->refusal = (ps_refusal)ps_record_head(payload)->refusal;
    item->is_looked_at = true;
}

/* Appends the item's body to job->reply. PS_E_MISSING: ask again at release. */
static ps_code item_render(ps_service_loop *loop, ps_job *job, ps_job_item *item, bool is_durable,
                           uint16_t *out_status, ps_error *err)
{
    if (item->form_error.size > 0) {
        ps_buf_append_slice(&job->reply, item->form_error);
        *out_status = item->form_status;
        return PS_OK;
    }
    ps_code code = PS_OK;
    switch (item->result.kind) {
    case PS_RESULT_RECORD: {
        item_look(job, item);
        return ps_render_reply(loop->renderer, item->seq, item_payload(job, item), &job->reply,
                               out_status, err);
    }
    case PS_RESULT_REPLAY: {
        ps_record_view view;
        if (!is_durable) {
            return PS_E_MISSING;
        }
        code = ps_renderer_walk_to(loop->renderer, item->result.replay_seq, &view, err);
        if (code == PS_OK) {
            code = ps_render_reply(loop->renderer, view.seq, view.payload, &job->reply, out_status,
                                   err);
        }
        job->is_replay = true;
        return code;
    }
    case PS_RESULT_REFUSED:
        ps_render_refusal(item->result.refusal, item->result.detail, item->command.request_id,
                          &job->reply, out_status);
        return PS_OK;
    }
    return PS_OK;
}

/* The next item's record is on its way from the core's cache while this one is rendered. */
static void items_prefetch(const ps_job *job, uint32_t at)
{
    if (at + 2 < job->item_count) {
        ps_lines_prefetch(&job->items[at + 2], sizeof(ps_job_item));
    }
    if (at + 1 < job->item_count) {
        const ps_job_item *item = &job->items[at + 1];
        if (item->form_error.size == 0 && item->result.kind == PS_RESULT_RECORD) {
            ps_slice payload = item_payload(job, item);
            ps_lines_prefetch(payload.data, payload.size);
        }
    }
}

static ps_code batch_render(ps_service_loop *loop, ps_job *job, bool is_durable, ps_error *err)
{
    for (uint32_t i = 0; i < job->item_count; i++) {
        /* "{"status":NNN,"body":": the status is known when the body is there */
        static const char prefix[] = "{\"status\":000,\"body\":";
        enum { STATUS_AT = 10 };
        size_t start = job->reply.size;
        uint16_t status = 0;
        items_prefetch(job, i);
        PS_PUT(&job->reply, prefix);
        ps_code code = item_render(loop, job, &job->items[i], is_durable, &status, err);
        if (code != PS_OK) {
            return code;
        }
        PS_PUT(&job->reply, "}\n");
        if (job->reply.failed) {
            return ps_error_set(err, PS_E_LIMIT, "the answers of the batch do not fit");
        }
        char *digits = job->reply.data + start + STATUS_AT;
        digits[0] = (char)('0' + status / 100 % 10);
        digits[1] = (char)('0' + status / 10 % 10);
        digits[2] = (char)('0' + status % 10);
    }
    job->status = 200;
    return PS_OK;
}

/* Puts the secret into the key object that the reply ends with. */
static void secret_show(ps_job *job)
{
    ps_buf *reply = &job->reply;
    if (job->secret[0] == 0 || job->status != 201 || reply->size == 0 ||
        job->items[0].result.kind != PS_RESULT_RECORD) {
        return;
    }
    PS_ASSERT(reply->data[reply->size - 1] == '}');
    reply->size--;
    PS_PUT(reply, ",\"secret\":\"");
    ps_buf_append_text(reply, job->secret);
    PS_PUT(reply, "\"}");
}

static ps_code entries_render(ps_service_loop *loop, ps_job *job, ps_error *err)
{
    ps_account_view account;
    uint64_t next = 0;
    PS_ASSERT(job->structs.size >= sizeof account);
    memcpy(&account, job->structs.data, sizeof account);
    PS_PUT(&job->reply, "{\"data\":[");
    const ps_entry_walk walk = {&account, job->query_result.seq, job->query.before,
                                job->query.limit};
    ps_code code = ps_render_entries(loop->renderer, &walk, &job->reply, &next, err);
    if (code == PS_OK) {
        ps_query shown = job->query; /* the cursor is of the query as it was asked */
        shown.at_sequence = 0;
        ps_render_page_end(&shown, next, &job->reply);
    }
    return code;
}

static bool is_found(const ps_job *job)
{
    switch (job->route->kind) {
    case PS_ROUTE_EVENTS:
    case PS_ROUTE_STREAM:
        return true;
    case PS_ROUTE_PAYMENT_EVENTS:
    case PS_ROUTE_PAYMENT_POSTINGS:
    case PS_ROUTE_ACCOUNT_ENTRIES:
        return job->query_result.found;
    case PS_ROUTE_QUERY:
    case PS_ROUTE_COMMAND:
    case PS_ROUTE_BATCH:
    case PS_ROUTE_JOBS:
    case PS_ROUTE_KEY_CREATE:
    case PS_ROUTE_HEALTH:
    case PS_ROUTE_READY:
    case PS_ROUTE_METRICS:
    case PS_ROUTE_OPENAPI:
    case PS_ROUTE_PAGE:
        break;
    }
    switch (job->query.kind) {
    case PS_QUERY_PAYMENT:
    case PS_QUERY_REFUND:
    case PS_QUERY_DISPUTE:
    case PS_QUERY_TRANSFER:
    case PS_QUERY_SETTLEMENT:
    case PS_QUERY_ACCOUNT:
        return job->query_result.found;
    case PS_QUERY_PAYMENTS:
    case PS_QUERY_REFUNDS:
    case PS_QUERY_DISPUTES:
    case PS_QUERY_TRADES:
    case PS_QUERY_ACCOUNTS:
    case PS_QUERY_TRANSFERS:
    case PS_QUERY_SETTLEMENTS:
    case PS_QUERY_TRIAL_BALANCE:
    case PS_QUERY_EVENTS:
    case PS_QUERY_KEYS:
    case PS_QUERY_VERIFY:
        break;
    }
    return true;
}

static ps_code query_render(ps_service_loop *loop, ps_job *job, bool is_durable, ps_error *err)
{
    job->status = job->route->success_status;
    if (job->structs.failed) {
        return ps_error_set(err, PS_E_LIMIT, "the query's answer is too large");
    }
    if (!is_found(job)) {
        ps_render_refusal(PS_REFUSED_NOT_FOUND, 0, job->request_id, &job->reply, &job->status);
        return PS_OK;
    }
    const ps_effect_payment *payment = (const void *)job->structs.data;
    switch (job->route->kind) {
    case PS_ROUTE_EVENTS:
        return is_durable ? ps_events_render(loop, job, err) : PS_E_MISSING;
    case PS_ROUTE_STREAM:
        return is_durable ? PS_OK : PS_E_MISSING;
    case PS_ROUTE_PAYMENT_EVENTS:
        return ps_render_payment_events(loop->renderer, &job->query, payment, &job->reply, err);
    case PS_ROUTE_PAYMENT_POSTINGS:
        return ps_render_payment_postings(loop->renderer, &job->query, payment, &job->reply, err);
    case PS_ROUTE_ACCOUNT_ENTRIES:
        return entries_render(loop, job, err);
    case PS_ROUTE_QUERY:
    case PS_ROUTE_COMMAND:
    case PS_ROUTE_BATCH:
    case PS_ROUTE_JOBS:
    case PS_ROUTE_KEY_CREATE:
    case PS_ROUTE_HEALTH:
    case PS_ROUTE_READY:
    case PS_ROUTE_METRICS:
    case PS_ROUTE_OPENAPI:
    case PS_ROUTE_PAGE:
        break;
    }
    return ps_render_query(loop->renderer, &job->query, &job->query_result,
                           ps_buf_slice(&job->structs), &job->reply, err);
}

static ps_code commands_render(ps_service_loop *loop, ps_job *job, bool is_durable, ps_error *err)
{
    if (job->payloads.failed) {
        return ps_error_set(err, PS_E_LIMIT, "the records of the request do not fit");
    }
    if (job->is_batch) {
        return batch_render(loop, job, is_durable, err);
    }
    ps_code code = item_render(loop, job, &job->items[0], is_durable, &job->status, err);
    if (code == PS_OK) {
        secret_show(job);
    }
    return code;
}

/* What was done stands, only its answer cannot be shown: a retry with the same key reads it again.
 */
static void render_failure(ps_service_loop *loop, ps_job *job, const ps_error *err)
{
    ps_api_error error = {.http_status = 500,
                          .type = "api_error",
                          .code = err->code == PS_E_DAMAGED ? "journal_damaged" : "answer_failed"};
    (void)snprintf(error.message, sizeof error.message,
                   "The answer could not be made; what was decided stands. Retry with the same "
                   "Idempotency-Key.");
    ps_buf_clear(&job->reply);
    ps_render_error(&error, job->request_id, &job->reply);
    ps_loop_metrics_refused(&loop->metrics, error.code);
    job->status = error.http_status;
}

/* False: it must wait until it is durable. */
static bool job_render(ps_service_loop *loop, ps_job *job, bool is_durable)
{
    ps_error err;
    ps_code code = PS_OK;
    ps_buf_clear(&job->reply);
    if (ps_http_request_is_orphan(job->request)) {
        job->status = 499; /* nobody reads it; counted as such */
    } else if (job->kind == PS_JOB_QUERY) {
        code = query_render(loop, job, is_durable, &err);
    } else {
        code = commands_render(loop, job, is_durable, &err);
    }
    if (code == PS_E_MISSING && !is_durable) {
        return false;
    }
    if (code == PS_OK && job->reply.failed) {
        code = ps_error_set(&err, PS_E_LIMIT, "the reply does not fit");
    }
    if (code != PS_OK) {
        if (code == PS_E_MISSING) {
            err.code = PS_E_MISSING;
        }
        render_failure(loop, job, &err);
    }
    job->is_rendered = true;
    return true;
}

/* I20: each outcome once, whatever the number of tries to render it. */
static void job_count(ps_service_loop *loop, ps_job *job)
{
    if (job->kind == PS_JOB_QUERY && job->status == 404) {
        count_refusal(loop, PS_REFUSED_NOT_FOUND);
    }
    for (uint32_t i = 0; i < job->item_count; i++) {
        ps_job_item *item = &job->items[i];
        if (item->form_error.size > 0) {
            continue; /* counted when it was refused */
        }
        if (item->result.kind == PS_RESULT_REFUSED) {
            count_refusal(loop, item->result.refusal);
        } else if (item->result.kind == PS_RESULT_RECORD && !job->payloads.failed) {
            if (!item->is_looked_at) {
                item_look(job, item);
            }
            if (item->decided < PS_STATUS_COUNT) {
                atomic_fetch_add_explicit(&loop->metrics.decisions[item->decided], 1,
                                          memory_order_relaxed);
            }
            count_refusal(loop, item->refusal);
        }
    }
}

/* ── release ── */

static ps_slice extra_headers(const ps_job *job)
{
    if (job->is_batch) {
        return (ps_slice){NULL, 0};
    }
    if (job->is_replay) {
        return PS_SLICE("Idempotency-Replayed: true\r\n");
    }
    if (job->kind == PS_JOB_COMMANDS && job->items[0].result.kind == PS_RESULT_REFUSED &&
        job->items[0].result.refusal == PS_REFUSED_STORAGE_FULL) {
        return PS_SLICE("Retry-After: 5\r\n");
    }
    if (job->secret[0] != 0) {
        return PS_SLICE("Cache-Control: no-store\r\n");
    }
    return (ps_slice){NULL, 0};
}

static void job_answer_late(ps_service_loop *loop, ps_job *job)
{
    ps_loop_answer_overload(loop, job->request);
    ps_loop_job_return(loop, job);
}

static void job_finish(ps_service_loop *loop, ps_job *job)
{
    loop->job_count--;
    atomic_store_explicit(&loop->metrics.jobs, loop->job_count, memory_order_relaxed);
    ps_metric_histogram_add(&loop->metrics.queue, job->taken_ns - job->pushed_ns);
    if (job->is_late) {
        job_answer_late(loop, job);
        return;
    }
    if (!job->is_rendered) {
        bool done = job_render(loop, job, true);
        PS_ASSERT(done);
    }
    job_count(loop, job);
    bool is_stream = job->route->kind == PS_ROUTE_STREAM && job->status == 200;
    if (is_stream && ps_stream_begin(loop, job)) {
        ps_loop_job_return(loop, job);
        return;
    }
    ps_slice type = job->is_batch ? ndjson_type : ps_json_type;
    ps_loop_answer(loop, job->request, job->status, type, extra_headers(job),
                   ps_buf_slice(&job->reply));
    ps_metric_histogram_add(&loop->metrics.total,
                            ps_service_mono_ns(loop->service) - job->received_ns);
    ps_loop_job_return(loop, job);
}

void ps_loop_collect(ps_service_loop *loop)
{
    ps_job *job;
    uint64_t durable_seq = ps_journal_durable_seq(loop->service->journal);
    while ((job = ps_ring_pop(&loop->from_core)) != NULL) {
        if (job->wait_seq > durable_seq && !job->is_late) {
            (void)job_render(loop, job, false);
        }
        job->next = NULL;
        if (loop->last != NULL) {
            loop->last->next = job;
        } else {
            loop->first = job;
        }
        loop->last = job;
    }
    durable_seq = ps_journal_durable_seq(loop->service->journal);
    while (loop->first != NULL && loop->first->wait_seq <= durable_seq) {
        job = loop->first;
        loop->first = job->next;
        if (loop->first == NULL) {
            loop->last = NULL;
        }
        job_finish(loop, job);
    }
}
