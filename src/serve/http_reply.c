/* Replies: their encoding, their order on a connection, and streams. */
#include "serve/http_conn.h"

#include <stdio.h>

static const struct {
    uint16_t status;
    const char *name;
} status_names[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {425, "Too Early"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

const char *ps_http_status_name(uint16_t status)
{
    for (size_t i = 0; i < sizeof status_names / sizeof status_names[0]; i++) {
        if (status_names[i].status == status) {
            return status_names[i].name;
        }
    }
    return "Unknown";
}

/* ── the queue of a connection ── */

void ps_http_queue_push(ps_http_conn *conn, ps_http_request *request)
{
    PS_ASSERT(!request->is_queued);
    request->is_queued = true;
    request->queue_next = NULL;
    if (conn->first == NULL) {
        conn->first = request;
    } else {
        conn->last->queue_next = request;
    }
    conn->last = request;
    conn->queued++;
}

/* Where a request's bytes go: straight out when it is its turn. */
static ps_http_bytes *sink_of(ps_http_request *request)
{
    ps_http_conn *conn = request->conn;
    return conn->first == request ? &conn->out : &request->reply;
}

/* Room in a request's sink; NULL (and the connection broken) without memory. */
static char *sink_reserve(ps_http_request *request, size_t size)
{
    ps_http_conn *conn = request->conn;
    ps_http_bytes *sink = sink_of(request);
    if (sink == &conn->out && conn->out.size == 0) {
        conn->write_window_ns = conn->loop->now_ns;
        conn->write_window_size = 0;
    }
    if (sink == &conn->out && conn->out_sent > 0 && conn->out.capacity - conn->out.size < size) {
        memmove(conn->out.data, conn->out.data + conn->out_sent, conn->out.size - conn->out_sent);
        conn->out.size -= conn->out_sent;
        conn->out_sent = 0;
    }
    if (!ps_http_bytes_reserve(&conn->loop->pool, sink, size)) {
        conn->broken = true;
        return NULL;
    }
    return sink->data + sink->size;
}

static void sink_append(ps_http_request *request, ps_slice bytes)
{
    char *at = sink_reserve(request, bytes.size);
    if (at != NULL && bytes.size > 0) {
        memcpy(at, bytes.data, bytes.size);
        sink_of(request)->size += bytes.size;
    }
}

static const ps_slice continue_line = {"HTTP/1.1 100 Continue\r\n\r\n", 25};

void ps_http_send_continue(ps_http_request *request)
{
    if (request->conn->first == request) {
        sink_append(request, continue_line);
    } else {
        request->owes_continue = true;
    }
}

/* A request has become the first: what it has said so far goes out. */
static void begin_turn(ps_http_conn *conn, ps_http_request *request)
{
    if (request->owes_continue) {
        request->owes_continue = false;
        if (!request->is_answered && conn->reading == request && request->body.size == 0) {
            sink_append(request, continue_line);
        }
    }
    if (request->reply.size > 0) {
        sink_append(request, ps_slice_of(request->reply.data, request->reply.size));
        ps_http_bytes_release(&conn->loop->pool, &request->reply);
    }
}

void ps_http_queue_release(ps_http_conn *conn)
{
    while (conn->first != NULL && conn->first->is_answered && !conn->closing) {
        ps_http_request *request = conn->first;
        conn->first = request->queue_next;
        conn->queued--;
        request->is_queued = false;
        if (request->closes) {
            conn->input = PS_HTTP_IN_CLOSED;
            conn->closing = true;
        }
        if (conn->reading != request) {
            ps_http_request_free(request);
        }
        if (conn->first != NULL && !conn->closing) {
            begin_turn(conn, conn->first);
        }
    }
    ps_http_conn_touch(conn);
}

void ps_http_tell_closed(ps_http_request *request)
{
    ps_http_loop *loop = request->loop;
    if (!request->is_closed_told) {
        request->is_closed_told = true;
        if (loop->handler->on_closed != NULL) {
            loop->handler->on_closed(loop->context, request);
        }
    }
}

/* ── encoding ── */

static char *put(char *at, const char *text, size_t size)
{
    if (size > 0) {
        memcpy(at, text, size);
    }
    return at + size;
}

static char *put_slice(char *at, ps_slice slice)
{
    return put(at, slice.data, slice.size);
}

#define PUT(at, literal) put((at), (literal), sizeof(literal) - 1)

static char *put_number(char *at, uint64_t number)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0) {
        *at++ = digits[--count];
    }
    return at;
}

static bool has_no_body(uint16_t status)
{
    return status == 204 || status == 304;
}

/* Lines only, each ended by CR LF, no blank line among them. */
static bool is_header_block(ps_slice headers)
{
    if (headers.size == 0) {
        return true;
    }
    if (headers.size < 4 || memcmp(headers.data + headers.size - 2, "\r\n", 2) != 0 ||
        headers.data[0] == '\r' || headers.data[0] == '\n') {
        return false;
    }
    for (size_t i = 0; i + 1 < headers.size; i++) {
        char c = headers.data[i];
        bool line_end = c == '\r' && headers.data[i + 1] == '\n';
        bool then_blank = i + 2 < headers.size && headers.data[i + 2] == '\r';
        if ((c == '\r' && !line_end) || (line_end && then_blank) || (c == '\n' && i == 0) ||
            (c == '\n' && headers.data[i - 1] != '\r')) {
            return false;
        }
    }
    return true;
}

/* More than status line, Date, Connection, Content-Length and their like can need. */
enum { HEAD_ROOM = 320 };

static char *put_head(char *at, const ps_http_request *request, const ps_http_answer *answer)
{
    at = PUT(at, "HTTP/1.1 ");
    at = put_number(at, answer->status);
    *at++ = ' ';
    const char *name = ps_http_status_name(answer->status);
    at = put(at, name, strlen(name));
    at = PUT(at, "\r\nDate: ");
    at = put(at, request->loop->date, sizeof request->loop->date);
    at = PUT(at, "\r\n");
    if (answer->content_type.size > 0) {
        at = PUT(at, "Content-Type: ");
        at = put_slice(at, answer->content_type);
        at = PUT(at, "\r\n");
    }
    at = put_slice(at, answer->headers);
    if (request->closes) {
        at = PUT(at, "Connection: close\r\n");
    } else if (request->head.is_http_1_0) {
        at = PUT(at, "Connection: keep-alive\r\n");
    }
    return at;
}

/* Decides whether the connection ends with this reply, before its head says so. */
static void settle_close(ps_http_request *request, bool wanted)
{
    ps_http_conn *conn = request->conn;
    bool is_last = conn->last == request && (conn->reading == NULL || conn->reading == request) &&
                   conn->stash.size == 0;
    if (wanted || (conn->loop->draining && is_last)) {
        request->closes = true;
        conn->lingers = true;
    }
    if (request->closes) {
        conn->input = PS_HTTP_IN_CLOSED;
    }
}

static void encode(ps_http_request *request, const ps_http_answer *answer)
{
    PS_ASSERT(answer->status >= 200 && answer->status <= 599);
    PS_ASSERT(is_header_block(answer->headers));
    size_t size = HEAD_ROOM + answer->content_type.size + answer->headers.size + answer->body.size;
    char *start = sink_reserve(request, size);
    if (start == NULL) {
        return;
    }
    char *at = put_head(start, request, answer);
    if (!has_no_body(answer->status)) {
        at = PUT(at, "Content-Length: ");
        at = put_number(at, answer->body.size);
        at = PUT(at, "\r\n");
    }
    at = PUT(at, "\r\n");
    if (!has_no_body(answer->status) && request->head.method != PS_HTTP_HEAD) {
        at = put_slice(at, answer->body);
    }
    sink_of(request)->size += (size_t)(at - start);
    PS_ASSERT((size_t)(at - start) <= size);
}

/* The handler is done with it. */
static void finish(ps_http_request *request)
{
    ps_http_conn *conn = request->conn;
    request->is_answered = true;
    ps_http_count(&request->loop->counters.replies, 1);
    if (conn == NULL) {
        ps_http_request_free(request);
    } else {
        ps_http_queue_release(conn);
    }
}

void ps_http_reply(ps_http_request *request, const ps_http_answer *answer)
{
    PS_ASSERT(request->is_in_on_head || request->is_dispatched);
    PS_ASSERT(!request->is_answered && !request->is_streaming);
    if (request->conn != NULL && !request->conn->broken) {
        settle_close(request, answer->close);
        encode(request, answer);
    }
    finish(request);
}

void ps_http_reply_refusal(ps_http_request *request, const ps_http_refusal *refusal)
{
    ps_http_loop *loop = request->loop;
    ps_buf_clear(&loop->error_headers);
    ps_buf_clear(&loop->error_body);
    loop->handler->on_error(loop->context, loop, refusal, &loop->error_headers, &loop->error_body);
    if (refusal->retry_after_s > 0) {
        ps_buf_append_format(&loop->error_headers, "Retry-After: %u\r\n", refusal->retry_after_s);
    }
    bool failed = loop->error_headers.failed || loop->error_body.failed;
    ps_http_answer answer = {.status = refusal->status, .close = true};
    if (!failed) {
        answer.content_type = PS_SLICE("application/json");
        answer.headers = ps_buf_slice(&loop->error_headers);
        answer.body = ps_buf_slice(&loop->error_body);
    }
    if (!request->conn->broken) {
        settle_close(request, true);
        encode(request, &answer);
    }
    request->is_answered = true;
    ps_http_queue_release(request->conn);
}

/* ── streams ── */

void ps_http_stream_begin(ps_http_request *request, uint16_t status, ps_slice content_type,
                          ps_slice headers)
{
    PS_ASSERT(request->is_dispatched && !request->is_answered && !request->is_streaming);
    PS_ASSERT(status >= 200 && status <= 599 && !has_no_body(status) && is_header_block(headers));
    request->is_streaming = true;
    ps_http_conn *conn = request->conn;
    if (conn == NULL || conn->broken) {
        return;
    }
    settle_close(request, request->head.is_http_1_0);
    char *start = sink_reserve(request, HEAD_ROOM + content_type.size + headers.size);
    if (start != NULL) {
        ps_http_answer answer = {
            .status = status, .content_type = content_type, .headers = headers};
        char *at = put_head(start, request, &answer);
        if (!request->head.is_http_1_0) {
            at = PUT(at, "Transfer-Encoding: chunked\r\n");
        }
        at = PUT(at, "\r\n");
        sink_of(request)->size += (size_t)(at - start);
    }
    ps_http_conn_touch(conn);
}

size_t ps_http_stream_pending(const ps_http_request *request)
{
    const ps_http_conn *conn = request->conn;
    if (conn == NULL) {
        return 0;
    }
    return conn->first == request ? conn->out.size - conn->out_sent : request->reply.size;
}

bool ps_http_stream_write(ps_http_request *request, ps_slice bytes)
{
    PS_ASSERT(request->is_streaming && !request->is_answered);
    ps_http_conn *conn = request->conn;
    if (conn == NULL || conn->broken || bytes.size == 0 || request->head.method == PS_HTTP_HEAD) {
        return true;
    }
    size_t pending = ps_http_stream_pending(request);
    if (pending > 0 && pending + bytes.size > request->loop->options->stream_size_max) {
        request->wants_writable = true;
        return false;
    }
    char size_line[24];
    if (request->head.is_http_1_0) {
        sink_append(request, bytes);
    } else {
        int size = snprintf(size_line, sizeof size_line, "%zx\r\n", bytes.size);
        sink_append(request, ps_slice_of(size_line, (size_t)size));
        sink_append(request, bytes);
        sink_append(request, PS_SLICE("\r\n"));
    }
    ps_http_conn_touch(conn);
    return true;
}

void ps_http_stream_end(ps_http_request *request)
{
    PS_ASSERT(request->is_streaming && !request->is_answered);
    ps_http_conn *conn = request->conn;
    if (conn != NULL && !conn->broken) {
        if (!request->head.is_http_1_0 && request->head.method != PS_HTTP_HEAD) {
            sink_append(request, PS_SLICE("0\r\n\r\n"));
        }
        settle_close(request, false);
    }
    finish(request);
}
