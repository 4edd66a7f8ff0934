/* libFuzzer target of the HTTP framing and connection code. The input's first two bytes choose how
 * it is cut and what the handler does; the rest is what a client sends.
 *
 * Oracle beyond "no crash": fed whole and fed in pieces the connection says the same and the
 * handler sees the same requests (N3), and nothing is left in the pool (no leak, no double end). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "serve/http_conn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KEPT_MAX = 64 };

typedef struct {
    ps_http_loop loop;
    ps_http_options options;
    ps_http_handler handler;
    uint8_t choice;
    ps_http_request *kept[KEPT_MAX];
    size_t kept_count;
    uint64_t seen; /* a running hash of what the handler saw */
    unsigned open_count;
    ps_buf output;
} world;

static void see(world *w, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    w->seen = (w->seen ^ size) * UINT64_C(0x100000001b3);
    for (size_t i = 0; i < size; i++) {
        w->seen = (w->seen ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
}

static void reply(ps_http_request *request)
{
    size_t size = 0;
    const char *body = ps_http_request_body(request, &size);
    ps_http_answer answer = {.status = 200, .body = ps_slice_of(body, size)};
    ps_http_reply(request, &answer);
}

static ps_http_admission on_head(void *context, ps_http_request *request)
{
    world *w = context;
    ps_slice path = ps_http_request_path(request);
    ps_slice query = ps_http_request_query(request);
    see(w, path.data, path.size);
    see(w, query.data, query.size);
    for (size_t i = 0; i < ps_http_request_header_count(request); i++) {
        ps_slice name;
        ps_slice value;
        ps_http_request_header_at(request, i, &name, &value);
        see(w, name.data, name.size);
        see(w, value.data, value.size);
    }
    if (path.size % 8 == 7) {
        ps_http_answer answer = {.status = 401};
        ps_http_reply(request, &answer);
        return PS_HTTP_ANSWERED;
    }
    ps_http_request_set_body_max(request, (w->choice & 2) != 0 ? 100 : 10000);
    w->open_count++;
    return PS_HTTP_CONTINUE;
}

static void on_request(void *context, ps_http_request *request)
{
    world *w = context;
    size_t size = 0;
    const char *body = ps_http_request_body(request, &size);
    see(w, body, size);
    w->open_count--;
    if ((w->choice & 1) != 0 && w->kept_count < KEPT_MAX) {
        w->kept[w->kept_count++] = request;
    } else {
        reply(request);
    }
}

static void on_abort(void *context, ps_http_request *request)
{
    (void)request;
    ((world *)context)->open_count--;
}

static void on_error(void *context, ps_http_loop *loop, const ps_http_refusal *refusal,
                     ps_buf *headers, ps_buf *body)
{
    (void)context;
    (void)loop;
    ps_buf_append_text(headers, "Request-Id: r\r\n");
    ps_buf_append_text(body, refusal->code);
}

static bool settle(world *w, ps_http_conn *conn)
{
    do {
        ps_slice out = ps_http_conn_output(conn);
        ps_buf_append_slice(&w->output, out);
        ps_http_conn_sent(conn, out.size);
        if (ps_http_conn_is_finished(conn)) {
            return false;
        }
    } while (ps_http_conn_pump(conn));
    return true;
}

static void run(world *w, const uint8_t *data, size_t size, size_t step)
{
    static const uint8_t peer[16] = {0};
    w->kept_count = 0;
    w->seen = 1;
    w->open_count = 0;
    ps_buf_clear(&w->output);
    ps_http_conn *conn = ps_http_conn_open(&w->loop, peer);
    PS_ASSERT(conn != NULL);
    bool is_open = true;
    for (size_t at = 0; at < size && is_open; at += step) {
        size_t piece = size - at < step ? size - at : step;
        ps_http_conn_feed(conn, ps_slice_of(data + at, piece));
        is_open = settle(w, conn);
    }
    if (is_open) {
        ps_http_conn_feed_eof(conn);
    }
    while (w->kept_count > 0) { /* newest first, some of them after the connection is gone */
        if (w->kept_count == 1 && (w->choice & 4) != 0) {
            ps_http_conn_close(conn);
            conn = NULL;
        }
        reply(w->kept[--w->kept_count]);
    }
    if (conn != NULL) {
        (void)settle(w, conn);
        ps_http_conn_close(conn);
    }
    PS_ASSERT(w->loop.requests == NULL && w->open_count == 0);
    PS_ASSERT(w->loop.pool.used_size == 0);
}

/* A 100 depends on whether the body came along with the head, so it may differ. */
static bool has_continue(const ps_buf *output)
{
    return output->size > 0 && memmem(output->data, output->size, "HTTP/1.1 100", 12) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    static world w; /* static: large */
    memset(&w, 0, sizeof w);
    ps_http_options_init(&w.options);
    w.options.requests_per_connection = KEPT_MAX;
    w.handler = (ps_http_handler){
        .on_head = on_head, .on_request = on_request, .on_abort = on_abort, .on_error = on_error};
    w.choice = data[0];
    ps_http_loop_init(&w.loop, &w.options, &w.handler, &w);
    w.loop.now_ns = PS_NS_PER_S;
    ps_buf_init(&w.output, (size_t)1 << 24);

    run(&w, data + 2, size - 2, size);
    ps_buf whole;
    ps_buf_init(&whole, (size_t)1 << 24);
    ps_buf_append_slice(&whole, ps_buf_slice(&w.output));
    uint64_t seen = w.seen;
    run(&w, data + 2, size - 2, 1 + data[1] % 16);
    /* Kept requests are answered at the end, in another grouping; what was seen stays the same. */
    PS_ASSERT(w.seen == seen);
    if ((w.choice & 5) == 0 && !has_continue(&whole) && !has_continue(&w.output)) {
        PS_ASSERT(ps_slice_equal(ps_buf_slice(&whole), ps_buf_slice(&w.output)));
    }
    ps_buf_release(&whole);
    ps_buf_release(&w.output);
    ps_http_loop_release(&w.loop);
    return 0;
}
