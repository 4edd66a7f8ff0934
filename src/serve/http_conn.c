#include "serve/http_conn.h"

#include "base/time.h"

/* ── loop without sockets ── */

void ps_http_loop_init(ps_http_loop *loop, const ps_http_options *options,
                       const ps_http_handler *handler, void *context)
{
    loop->options = options;
    loop->handler = handler;
    loop->context = context;
    memcpy(loop->date, "Thu, 01 Jan 1970 00:00:00 GMT", sizeof loop->date);
    loop->limits = (ps_http_scan_limits){.uri_size_max = options->uri_size_max,
                                         .headers_size_max = options->headers_size_max,
                                         .headers_max = options->headers_max};
    ps_http_pool_init(&loop->pool, options->memory_size_max);
    ps_buf_init(&loop->error_headers, 4096);
    ps_buf_init(&loop->error_body, 16384);
}

void ps_http_loop_release(ps_http_loop *loop)
{
    while (loop->conns != NULL) {
        ps_http_conn_close(loop->conns);
    }
    while (loop->requests != NULL) {
        ps_http_request_free(loop->requests);
    }
    ps_http_pool_release(&loop->pool);
    ps_buf_release(&loop->error_headers);
    ps_buf_release(&loop->error_body);
}

/* ── open, close ── */

ps_http_conn *ps_http_conn_open(ps_http_loop *loop, const uint8_t peer[16])
{
    size_t capacity = 0;
    ps_http_conn *conn = ps_http_pool_take(&loop->pool, sizeof *conn, &capacity);
    if (conn == NULL) {
        return NULL;
    }
    *conn = (ps_http_conn){.loop = loop, .capacity = capacity, .fd = -1};
    conn->id = ((uint64_t)loop->index << 48) + ++loop->connection_count;
    memcpy(conn->peer, peer, sizeof conn->peer);
    conn->active_ns = loop->now_ns;
    conn->opened_ns = loop->now_ns;
    conn->next = loop->conns;
    if (conn->next != NULL) {
        conn->next->prev = conn;
    }
    loop->conns = conn;
    return conn;
}

void ps_http_conn_touch(ps_http_conn *conn)
{
    if (!conn->is_dirty) {
        conn->is_dirty = true;
        conn->dirty_next = conn->loop->dirty;
        conn->loop->dirty = conn;
    }
}

static void unlist(ps_http_conn *conn)
{
    ps_http_loop *loop = conn->loop;
    if (conn->prev != NULL) {
        conn->prev->next = conn->next;
    } else {
        loop->conns = conn->next;
    }
    if (conn->next != NULL) {
        conn->next->prev = conn->prev;
    }
    if (conn->is_dirty) {
        ps_http_conn **link = &loop->dirty;
        while (*link != conn) {
            link = &(*link)->dirty_next;
        }
        *link = conn->dirty_next;
    }
}

static void abort_reading(ps_http_conn *conn)
{
    ps_http_request *request = conn->reading;
    if (request->is_admitted && !request->is_dispatched) {
        request->is_admitted = false;
        const ps_http_handler *handler = conn->loop->handler;
        if (handler->on_abort != NULL) {
            handler->on_abort(conn->loop->context, request);
        }
    }
}

void ps_http_conn_close(ps_http_conn *conn)
{
    ps_http_loop *loop = conn->loop;
    conn->broken = true; /* replies that handlers make from here on are dropped */
    conn->input = PS_HTTP_IN_CLOSED;
    if (conn->reading != NULL) {
        abort_reading(conn);
        ps_http_request *request = conn->reading;
        conn->reading = NULL;
        request->is_answered = true;
        if (!request->is_queued) {
            ps_http_request_free(request);
        }
    }
    while (conn->first != NULL) {
        ps_http_request *request = conn->first;
        conn->first = request->queue_next;
        request->is_queued = false;
        if (request->is_answered) {
            ps_http_request_free(request);
        } else {
            request->conn = NULL;
            ps_http_tell_closed(request);
        }
    }
    unlist(conn);
    ps_http_bytes_release(&loop->pool, &conn->stash);
    ps_http_bytes_release(&loop->pool, &conn->out);
    ps_http_pool_give(&loop->pool, conn, conn->capacity);
}

/* ── refusing ── */

/* The peer's bytes make no sense, are too many or come too slowly: one answer, then the end. */
static void refuse(ps_http_conn *conn, const ps_http_refusal *refusal)
{
    ps_http_request *request = conn->reading;
    PS_ASSERT(request != NULL);
    ps_http_count(&conn->loop->counters.refusals, 1);
    conn->input = PS_HTTP_IN_CLOSED;
    conn->lingers = true;
    abort_reading(conn);
    conn->reading = NULL;
    bool was_queued = request->is_queued;
    request->closes = true;
    if (!request->is_answered) {
        if (!was_queued) {
            ps_http_queue_push(conn, request);
        }
        ps_http_reply_refusal(request, refusal);
    } else if (!was_queued) {
        conn->closing = true; /* answered in on_head, and that answer has left the queue */
        ps_http_request_free(request);
    }
    ps_http_conn_touch(conn);
}

void ps_http_conn_refuse(ps_http_conn *conn, const ps_http_refusal *refusal)
{
    PS_ASSERT(conn->input == PS_HTTP_IN_IDLE && conn->first == NULL);
    conn->reading = ps_http_request_new(conn);
    if (conn->reading == NULL) {
        conn->broken = true;
        return;
    }
    refuse(conn, refusal);
}

/* ── reading ── */

static size_t unsent(const ps_http_conn *conn)
{
    return conn->out.size - conn->out_sent;
}

static bool is_full(const ps_http_conn *conn)
{
    const ps_http_options *options = conn->loop->options;
    return conn->queued >= options->requests_per_connection ||
           unsent(conn) > options->output_size_max;
}

/* The request is read to its end; it may have been answered already. */
static void finish_reading(ps_http_conn *conn)
{
    ps_http_request *request = conn->reading;
    conn->reading = NULL;
    if (conn->input != PS_HTTP_IN_CLOSED) {
        conn->input = request->closes ? PS_HTTP_IN_CLOSED : PS_HTTP_IN_IDLE;
    }
    if (request->is_answered) {
        if (!request->is_queued) {
            ps_http_request_free(request);
        }
        return;
    }
    request->is_dispatched = true;
    conn->loop->handler->on_request(conn->loop->context, request);
}

/* Bodies of up to this size are read and dropped when on_head has answered. */
enum { DISCARD_SIZE_MAX = 64 * 1024 };

static bool closes_when_answered_early(const ps_http_conn *conn, const ps_http_request *request)
{
    if (ps_http_frame_is_complete(&conn->frame)) {
        return false;
    }
    /* With Expect the client may or may not send the body now: where the next request starts is in
     * doubt. */
    return request->head.chunked || request->head.expects_continue ||
           request->head.content_length > DISCARD_SIZE_MAX;
}

static void admit(ps_http_conn *conn, ps_http_request *request)
{
    ps_http_loop *loop = conn->loop;
    request->received_ns = loop->now_ns;
    request->body_size_max = loop->options->body_size_max;
    memset(request->state, 0, loop->options->request_state_size);
    request->closes = !request->head.keep_alive;
    bool closes_early = closes_when_answered_early(conn, request);
    ps_http_queue_push(conn, request);
    ps_http_count(&loop->counters.requests, 1);

    request->is_in_on_head = true;
    bool closes = request->closes;
    request->closes = closes || closes_early; /* for a reply made inside of on_head */
    ps_http_admission admission = loop->handler->on_head(loop->context, request);
    request->is_in_on_head = false;
    PS_ASSERT((admission == PS_HTTP_ANSWERED) == request->is_answered);
    conn->input = conn->input == PS_HTTP_IN_CLOSED ? conn->input : PS_HTTP_IN_BODY;
    conn->body_window_ns = loop->now_ns;
    conn->body_window_size = 0;
    if (admission == PS_HTTP_ANSWERED) {
        if (closes_early) {
            conn->lingers = true;
        }
        if (ps_http_frame_is_complete(&conn->frame) || conn->input == PS_HTTP_IN_CLOSED) {
            finish_reading(conn);
        }
        return;
    }
    request->closes = closes;
    request->is_admitted = true;
    const ps_http_refusal *refusal =
        ps_http_frame_limit_body(&conn->frame, &request->head, request->body_size_max);
    if (refusal != NULL) {
        refuse(conn, refusal);
    } else if (ps_http_frame_is_complete(&conn->frame)) {
        finish_reading(conn);
    } else if (request->head.expects_continue) {
        ps_http_send_continue(request);
    }
}

static size_t read_head(ps_http_conn *conn, ps_slice data)
{
    ps_http_loop *loop = conn->loop;
    if (conn->input == PS_HTTP_IN_IDLE) {
        conn->reading = ps_http_request_new(conn);
        if (conn->reading == NULL) {
            ps_http_count(&loop->counters.refusals, 1);
            conn->broken = true; /* no room even for a refusal */
            return data.size;
        }
        conn->input = PS_HTTP_IN_HEAD;
        conn->head_since_ns = loop->now_ns;
        ps_http_frame_start(&conn->frame, &loop->limits);
    }
    ps_http_request *request = conn->reading;
    size_t used = 0;
    const ps_http_refusal *refusal = ps_http_frame_scan(&conn->frame, data, &used);
    if (refusal == NULL &&
        !ps_http_bytes_append(&loop->pool, &request->head_bytes, ps_slice_of(data.data, used))) {
        refusal = ps_http_refusal_of(PS_HTTP_OUT_OF_MEMORY);
    }
    if (refusal == NULL && ps_http_frame_has_head(&conn->frame)) {
        ps_slice head = {request->head_bytes.data, request->head_bytes.size};
        refusal = ps_http_frame_parse(&conn->frame, head, &request->head);
        if (refusal == NULL) {
            admit(conn, request);
            return used;
        }
    }
    if (refusal != NULL) {
        refuse(conn, refusal);
    }
    return used;
}

static bool keep_body(void *context, ps_slice bytes)
{
    ps_http_request *request = context;
    if (request->is_answered) {
        return true; /* answered in on_head: read and dropped */
    }
    if (!ps_http_bytes_reserve(&request->loop->pool, &request->body,
                               bytes.size + PS_HTTP_BODY_PADDING)) {
        return false;
    }
    memcpy(request->body.data + request->body.size, bytes.data, bytes.size);
    request->body.size += bytes.size;
    return true;
}

static size_t read_body(ps_http_conn *conn, ps_slice data)
{
    size_t used = 0;
    const ps_http_refusal *refusal =
        ps_http_frame_body(&conn->frame, data, keep_body, conn->reading, &used);
    conn->body_window_size += used;
    if (refusal != NULL) {
        refuse(conn, refusal);
    } else if (ps_http_frame_is_complete(&conn->frame)) {
        finish_reading(conn);
    }
    return used;
}

/* Parses until the data, the room or the connection ends; returns how much is done with. */
static size_t parse(ps_http_conn *conn, ps_slice data)
{
    size_t used = 0;
    while (used < data.size && conn->input != PS_HTTP_IN_CLOSED && !conn->broken) {
        ps_slice rest = {data.data + used, data.size - used};
        if (conn->input == PS_HTTP_IN_BODY) {
            used += read_body(conn, rest);
        } else if (conn->input == PS_HTTP_IN_IDLE && is_full(conn)) {
            return used;
        } else {
            used += read_head(conn, rest);
        }
    }
    return data.size;
}

void ps_http_conn_feed(ps_http_conn *conn, ps_slice bytes)
{
    conn->active_ns = conn->loop->now_ns;
    ps_http_count(&conn->loop->counters.bytes_in, bytes.size);
    size_t used = conn->stash.size > 0 ? 0 : parse(conn, bytes);
    ps_slice rest = {bytes.data + used, bytes.size - used};
    if (rest.size > 0 && !ps_http_bytes_append(&conn->loop->pool, &conn->stash, rest)) {
        conn->broken = true;
    }
    ps_http_conn_touch(conn);
}

/* No more bytes will come: what is half read never completes. */
static void end_input(ps_http_conn *conn)
{
    conn->input = PS_HTTP_IN_CLOSED;
    ps_http_request *request = conn->reading;
    if (request == NULL) {
        return;
    }
    abort_reading(conn);
    conn->reading = NULL;
    request->closes = true;
    if (!request->is_queued) {
        ps_http_request_free(request);
    } else if (!request->is_answered) {
        /* Half a body: there is nothing to answer, and it is the last in the queue. */
        request->is_answered = true;
        ps_http_queue_release(conn);
    }
}

void ps_http_conn_feed_eof(ps_http_conn *conn)
{
    conn->has_eof = true;
    if (conn->stash.size == 0) {
        end_input(conn);
    }
    ps_http_conn_touch(conn);
}

bool ps_http_conn_pump(ps_http_conn *conn)
{
    if (conn->stash.size == 0 || is_full(conn)) {
        return false;
    }
    ps_slice rest = {conn->stash.data + conn->stash_used, conn->stash.size - conn->stash_used};
    conn->stash_used += parse(conn, rest);
    if (conn->stash_used == conn->stash.size) {
        ps_http_bytes_release(&conn->loop->pool, &conn->stash);
        conn->stash_used = 0;
        if (conn->has_eof) {
            end_input(conn);
        }
    }
    return true;
}

bool ps_http_conn_wants_read(const ps_http_conn *conn)
{
    return !conn->has_eof && !conn->broken && conn->input != PS_HTTP_IN_CLOSED &&
           conn->stash.size == 0 && (conn->input != PS_HTTP_IN_IDLE || !is_full(conn));
}

/* ── writing ── */

ps_slice ps_http_conn_output(const ps_http_conn *conn)
{
    if (conn->out.size == 0) {
        return (ps_slice){0};
    }
    return (ps_slice){conn->out.data + conn->out_sent, unsent(conn)};
}

void ps_http_conn_sent(ps_http_conn *conn, size_t size)
{
    PS_ASSERT(size <= unsent(conn));
    conn->out_sent += size;
    conn->active_ns = conn->loop->now_ns;
    conn->write_window_size += size;
    ps_http_count(&conn->loop->counters.bytes_out, size);
    if (conn->out_sent == conn->out.size) {
        conn->out_sent = 0;
        ps_http_bytes_release(&conn->loop->pool, &conn->out);
    }
}

bool ps_http_conn_is_finished(const ps_http_conn *conn)
{
    if (conn->broken) {
        return true;
    }
    if (unsent(conn) > 0) {
        return false;
    }
    if (conn->closing) {
        return true;
    }
    if (conn->first != NULL || conn->reading != NULL || conn->stash.size > 0) {
        return false;
    }
    return conn->has_eof || conn->input == PS_HTTP_IN_CLOSED || conn->loop->draining;
}

void ps_http_conn_tell_streams(ps_http_conn *conn)
{
    ps_http_loop *loop = conn->loop;
    ps_http_request *first = conn->first;
    if (first != NULL && first->wants_writable && !first->is_answered &&
        unsent(conn) <= loop->options->stream_size_max / 2) {
        first->wants_writable = false;
        if (loop->handler->on_writable != NULL) {
            loop->handler->on_writable(loop->context, first);
        }
    }
    /* The callback may end streams, so that the queue moves under us: start again after each. */
    bool ends_streams = conn->has_eof || loop->draining;
    ps_http_request *request = ends_streams ? conn->first : NULL;
    while (request != NULL) {
        bool due = request->is_streaming && !request->is_answered && !request->is_closed_told;
        if (due) {
            ps_http_tell_closed(request);
        }
        request = due ? conn->first : request->queue_next;
    }
}

/* ── deadlines ── */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t ps_http_conn_deadline(const ps_http_conn *conn)
{
    const ps_http_options *options = conn->loop->options;
    int64_t deadline = INT64_MAX;
    if (unsent(conn) > 0) {
        deadline = conn->write_window_ns + options->write_window_ns;
    }
    if (conn->is_handshaking) {
        return earlier(deadline, conn->opened_ns + options->head_timeout_ns);
    }
    switch (conn->input) {
    case PS_HTTP_IN_IDLE:
        if (conn->first == NULL && unsent(conn) == 0 && conn->stash.size == 0) {
            deadline = earlier(deadline, conn->active_ns + options->idle_timeout_ns);
        }
        break;
    case PS_HTTP_IN_HEAD:
        deadline = earlier(deadline, conn->head_since_ns + options->head_timeout_ns);
        break;
    case PS_HTTP_IN_BODY:
        deadline = earlier(deadline, conn->body_window_ns + options->body_window_ns);
        break;
    case PS_HTTP_IN_CLOSED:
        break;
    }
    return deadline;
}

/* A window has passed in which fewer bytes moved than the declared rate asks for. */
static bool is_too_slow(uint64_t size, int64_t window_ns, uint32_t rate_min)
{
    return size < (uint64_t)(window_ns / PS_NS_PER_MS) * rate_min / 1000;
}

static void expire_input(ps_http_conn *conn)
{
    const ps_http_options *options = conn->loop->options;
    int64_t now = conn->loop->now_ns;
    switch (conn->input) {
    case PS_HTTP_IN_IDLE:
        if (conn->first == NULL && conn->stash.size == 0 && unsent(conn) == 0 &&
            now >= conn->active_ns + options->idle_timeout_ns) {
            conn->closing = true;
            conn->input = PS_HTTP_IN_CLOSED;
        }
        break;
    case PS_HTTP_IN_HEAD:
        if (now >= conn->head_since_ns + options->head_timeout_ns) {
            ps_http_count(&conn->loop->counters.timeouts, 1);
            refuse(conn, ps_http_refusal_of(PS_HTTP_REQUEST_TIMEOUT));
        }
        break;
    case PS_HTTP_IN_BODY:
        if (now < conn->body_window_ns + options->body_window_ns) {
            break;
        }
        if (is_too_slow(conn->body_window_size, options->body_window_ns, options->body_rate_min)) {
            ps_http_count(&conn->loop->counters.timeouts, 1);
            refuse(conn, ps_http_refusal_of(PS_HTTP_REQUEST_TIMEOUT));
        }
        conn->body_window_ns = now;
        conn->body_window_size = 0;
        break;
    case PS_HTTP_IN_CLOSED:
        break;
    }
}

void ps_http_conn_expire(ps_http_conn *conn)
{
    const ps_http_options *options = conn->loop->options;
    int64_t now = conn->loop->now_ns;
    if (conn->is_handshaking && now >= conn->opened_ns + options->head_timeout_ns) {
        ps_http_count(&conn->loop->counters.timeouts, 1);
        conn->broken = true;
    }
    if (unsent(conn) > 0 && now >= conn->write_window_ns + options->write_window_ns) {
        if (is_too_slow(conn->write_window_size, options->write_window_ns,
                        options->body_rate_min)) {
            ps_http_count(&conn->loop->counters.timeouts, 1);
            conn->broken = true; /* it does not read: no answer would arrive either */
        }
        conn->write_window_ns = now;
        conn->write_window_size = 0;
    }
    if (!conn->broken && !conn->is_handshaking) {
        expire_input(conn);
    }
    ps_http_conn_touch(conn);
}
