/* Drives connections of the HTTP server in memory: bytes in, bytes out, a clock that the test sets.
 * The handler echoes: 200 with "METHOD path?query [body]". Paths choose other behaviour, see
 * driver_on_head and driver_on_request. Included by the tests of http_*. */
#ifndef PS_TESTS_HTTP_DRIVER_H
#define PS_TESTS_HTTP_DRIVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/time.h"
#include "serve/http_conn.h"

enum { DRIVER_LATER_MAX = 2048 };

typedef struct {
    ps_http_loop loop;
    ps_http_options options;
    ps_http_handler handler;
    ps_http_conn *conn; /* NULL once closed */
    ps_buf output;
    bool is_open;
    bool reads_output; /* false: a peer that takes nothing */
    /* requests of /later…, in the order of their arrival */
    ps_http_request *later[DRIVER_LATER_MAX];
    size_t later_count;
    ps_http_request *stream;
    unsigned heads, requests, aborts, closeds, writables;
} driver;

static const char *driver_method_name(ps_http_method method)
{
    switch (method) {
    case PS_HTTP_GET:
        return "GET";
    case PS_HTTP_HEAD:
        return "HEAD";
    case PS_HTTP_POST:
        return "POST";
    case PS_HTTP_PUT:
        return "PUT";
    case PS_HTTP_DELETE:
        return "DELETE";
    case PS_HTTP_PATCH:
        return "PATCH";
    case PS_HTTP_OPTIONS:
        return "OPTIONS";
    }
    return "?";
}

static void driver_echo(ps_http_request *request)
{
    size_t size = 0;
    const char *body = ps_http_request_body(request, &size);
    ps_slice path = ps_http_request_path(request);
    ps_slice query = ps_http_request_query(request);
    ps_buf text;
    ps_buf_init(&text, 1 << 24);
    ps_buf_append_text(&text, driver_method_name(ps_http_request_method(request)));
    ps_buf_append_char(&text, ' ');
    ps_buf_append_slice(&text, path);
    if (query.size > 0) {
        ps_buf_append_char(&text, '?');
        ps_buf_append_slice(&text, query);
    }
    ps_buf_append_text(&text, " [");
    ps_buf_append(&text, body, size);
    ps_buf_append_char(&text, ']');
    assert_false(text.failed);
    ps_http_answer answer = {
        .status = 200, .content_type = PS_SLICE("text/plain"), .body = ps_buf_slice(&text)};
    ps_http_reply(request, &answer);
    ps_buf_release(&text);
}

/* /refuse: 401 before the body. /small: body limit 4. /big: the highest. */
static ps_http_admission driver_on_head(void *context, ps_http_request *request)
{
    driver *d = context;
    d->heads++;
    for (size_t i = 0; i < d->options.request_state_size; i++) {
        assert_int_equal(((char *)ps_http_request_state(request))[i], 0);
    }
    memset(ps_http_request_state(request), 'x', d->options.request_state_size);
    ps_slice path = ps_http_request_path(request);
    if (ps_slice_equal(path, PS_SLICE("/refuse"))) {
        ps_http_answer answer = {.status = 401, .headers = PS_SLICE("X-Why: key\r\n")};
        ps_http_reply(request, &answer);
        return PS_HTTP_ANSWERED;
    }
    if (ps_slice_equal(path, PS_SLICE("/small"))) {
        ps_http_request_set_body_max(request, 4);
    }
    if (ps_slice_equal(path, PS_SLICE("/big"))) {
        ps_http_request_set_body_max(request, SIZE_MAX);
    }
    return PS_HTTP_CONTINUE;
}

/* /later…: kept for the test to answer. /stream: begun and kept. */
static void driver_on_request(void *context, ps_http_request *request)
{
    driver *d = context;
    d->requests++;
    ps_slice path = ps_http_request_path(request);
    if (ps_slice_has_prefix(path, PS_SLICE("/later"))) {
        assert_true(d->later_count < DRIVER_LATER_MAX);
        d->later[d->later_count++] = request;
    } else if (ps_slice_equal(path, PS_SLICE("/stream"))) {
        d->stream = request;
        ps_http_stream_begin(request, 200, PS_SLICE("text/event-stream"), (ps_slice){0});
    } else {
        driver_echo(request);
    }
}

static void driver_on_abort(void *context, ps_http_request *request)
{
    (void)request;
    ((driver *)context)->aborts++;
}

static void driver_on_closed(void *context, ps_http_request *request)
{
    (void)request;
    ((driver *)context)->closeds++;
}

static void driver_on_writable(void *context, ps_http_request *request)
{
    (void)request;
    ((driver *)context)->writables++;
}

static void driver_on_error(void *context, ps_http_loop *loop, const ps_http_refusal *refusal,
                            ps_buf *headers, ps_buf *body)
{
    (void)context;
    (void)loop;
    ps_buf_append_text(headers, "Request-Id: r1\r\n");
    ps_buf_append_format(body, "{\"error\":{\"code\":\"%s\"}}", refusal->code);
}

/* Options may be changed between init and open. */
static void driver_init(driver *d)
{
    memset(d, 0, sizeof *d);
    ps_http_options_init(&d->options);
    d->options.request_state_size = 48;
    d->handler = (ps_http_handler){.on_head = driver_on_head,
                                   .on_request = driver_on_request,
                                   .on_abort = driver_on_abort,
                                   .on_closed = driver_on_closed,
                                   .on_writable = driver_on_writable,
                                   .on_error = driver_on_error};
    ps_buf_init(&d->output, (size_t)1 << 26);
    d->reads_output = true;
}

static void driver_open(driver *d)
{
    if (d->loop.handler == NULL) {
        ps_http_loop_init(&d->loop, &d->options, &d->handler, d);
        d->loop.now_ns = 1000 * PS_NS_PER_S;
    }
    static const uint8_t peer[16] = {[10] = 0xff, [11] = 0xff, [12] = 10, [15] = 7};
    d->conn = ps_http_conn_open(&d->loop, peer);
    assert_non_null(d->conn);
    d->is_open = true;
    ps_buf_clear(&d->output);
}

static void driver_close(driver *d)
{
    if (d->is_open) {
        d->is_open = false;
        ps_http_conn_close(d->conn);
        d->conn = NULL;
    }
}

/* What http_loop.c's settle does, without a socket. */
static void driver_settle(driver *d)
{
    if (!d->is_open) {
        return;
    }
    do {
        for (int i = 0; i < 2; i++) {
            ps_slice out = ps_http_conn_output(d->conn);
            if (d->reads_output && out.size > 0) {
                ps_buf_append_slice(&d->output, out);
                ps_http_conn_sent(d->conn, out.size);
            }
            ps_http_conn_tell_streams(d->conn);
        }
        if (ps_http_conn_is_finished(d->conn) && ps_http_conn_output(d->conn).size == 0) {
            driver_close(d);
            return;
        }
    } while (ps_http_conn_pump(d->conn));
}

static void driver_feed(driver *d, ps_slice bytes)
{
    if (d->is_open && bytes.size > 0) {
        ps_http_conn_feed(d->conn, bytes);
        driver_settle(d);
    }
}

static inline void driver_feed_text(driver *d, const char *text)
{
    driver_feed(d, ps_slice_text(text));
}

static void driver_release(driver *d)
{
    driver_close(d);
    ps_http_loop_release(&d->loop);
    ps_buf_release(&d->output);
}

/* Lets time pass in steps of 100 ms, as the loop's ticks do. */
static inline void driver_pass_time(driver *d, int64_t ns)
{
    int64_t end = d->loop.now_ns + ns;
    while (d->loop.now_ns < end && d->is_open) {
        d->loop.now_ns += 100 * PS_NS_PER_MS;
        if (d->loop.now_ns >= ps_http_conn_deadline(d->conn)) {
            ps_http_conn_expire(d->conn);
        }
        if (d->conn->broken) {
            driver_close(d);
        }
        driver_settle(d);
    }
}

/* ── reading replies ── */

typedef struct {
    int status;
    ps_slice head, body;
} driver_reply;

/* Takes one reply off the front of *bytes; false at the end. `is_head`: no body follows. */
static bool driver_next_reply(ps_slice *bytes, bool is_head, driver_reply *out)
{
    if (bytes->size == 0) {
        return false;
    }
    const char *end = memmem(bytes->data, bytes->size, "\r\n\r\n", 4);
    assert_non_null(end);
    out->head = ps_slice_of(bytes->data, (size_t)(end - bytes->data) + 4);
    assert_memory_equal(bytes->data, "HTTP/1.1 ", 9);
    out->status = atoi(bytes->data + 9);
    size_t size = 0;
    const char *length = memmem(out->head.data, out->head.size, "Content-Length: ", 16);
    if (length != NULL && !is_head) {
        size = (size_t)atoi(length + 16);
    }
    assert_true(bytes->size >= out->head.size + size);
    out->body = ps_slice_of(out->head.data + out->head.size, size);
    bytes->data += out->head.size + size;
    bytes->size -= out->head.size + size;
    return true;
}

/* "200 200 400 close": the statuses in order, and whether the connection is open. */
static inline void driver_summary(const driver *d, char *out, size_t out_size)
{
    ps_slice rest = ps_buf_slice(&d->output);
    driver_reply reply;
    size_t at = 0;
    out[0] = '\0';
    while (driver_next_reply(&rest, false, &reply)) {
        at += (size_t)snprintf(out + at, out_size - at, "%d ", reply.status);
        assert_true(at < out_size);
    }
    snprintf(out + at, out_size - at, "%s", d->is_open ? "open" : "close");
}

static inline bool driver_output_has(const driver *d, const char *text)
{
    return d->output.size > 0 && memmem(d->output.data, d->output.size, text, strlen(text)) != NULL;
}

#endif
