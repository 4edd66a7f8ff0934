/* Inside of the HTTP server, without sockets: connections and requests as state machines.
 *
 *   bytes in → ps_http_conn_feed → handler → replies → ps_http_conn_output → bytes out
 *
 * Time is loop->now_ns, set by whoever drives: http_loop.c from the clock, tests as they like. All
 * of it belongs to the loop's thread. What must stay true:
 *   - a connection's requests stand in one queue (first … last) in their order of arrival; only the
 *     first writes to `out`, the others keep what they say in `reply` until they are first;
 *   - once `input` is PS_HTTP_IN_CLOSED no byte is parsed any more;
 *   - connections are freed by ps_http_conn_close alone, which the driver calls outside of all
 *     callbacks; everything else only marks them (`broken`, `closing`) and puts them on the dirty
 *     list;
 *   - a request is freed when it is answered, no longer queued and no longer being read.
 */
#ifndef PS_SERVE_HTTP_CONN_H
#define PS_SERVE_HTTP_CONN_H

#include <stdatomic.h>

#include "serve/http_frame.h"
#include "serve/http_pool.h"
#include "serve/timer_wheel.h"
#include "serve/tls.h"

typedef struct ps_http_conn ps_http_conn;

typedef enum {
    PS_HTTP_IN_IDLE, /* no byte of a next request yet */
    PS_HTTP_IN_HEAD,
    PS_HTTP_IN_BODY,
    PS_HTTP_IN_CLOSED
} ps_http_input;

struct ps_http_request {
    ps_http_conn *conn; /* NULL: orphan */
    ps_http_loop *loop;
    ps_http_request *live_prev, *live_next; /* all of the loop */
    ps_http_request *queue_next;
    size_t capacity; /* of this block in the pool */
    ps_http_bytes head_bytes, body, reply;
    int64_t received_ns;
    size_t body_size_max;
    uint64_t connection_id;
    uint8_t peer[16];
    bool is_by_admin;
    bool is_queued;
    bool is_in_on_head;
    bool is_admitted;   /* on_head said continue: on_request or on_abort is owed */
    bool is_dispatched; /* on_request was called: the handler ends it */
    bool is_streaming;
    bool is_answered;
    bool is_closed_told;
    bool closes; /* nothing is sent on the connection after this one */
    bool owes_continue;
    bool wants_writable;
    ps_http_head head;
    _Alignas(16) char state[];
};

struct ps_http_conn {
    ps_http_loop *loop;
    ps_http_conn *prev, *next; /* all of the loop */
    ps_http_conn *dirty_next;
    uint64_t id;
    uint8_t peer[16];
    bool is_by_admin; /* accepted at the admin address */
    ps_timer timer;
    size_t capacity; /* of this block in the pool */

    /* reading */
    ps_http_input input;
    bool is_dirty;
    bool has_eof;
    bool lingers; /* we end it, and the peer may still be sending: read on a little before close */
    bool closing; /* finished when `out` is empty */
    bool broken;  /* finished now */
    ps_http_request *reading;
    ps_http_bytes stash; /* read, but not parsed while the queue is full */
    size_t stash_used;
    int64_t active_ns; /* last byte in or out */
    int64_t head_since_ns;
    int64_t body_window_ns;
    uint64_t body_window_size;
    ps_http_frame frame;

    /* answering */
    ps_http_request *first, *last;
    uint32_t queued;
    ps_http_bytes out;
    size_t out_sent;
    int64_t write_window_ns;
    uint64_t write_window_size;

    /* http_loop.c's */
    int fd;
    ps_tls *tls;
    bool is_handshaking;
    bool is_readable; /* recv has not said "no more" since the last event */
    bool has_hangup;  /* the end of input is on its way: read until it comes */
    bool is_lingering;
    int64_t opened_ns, linger_until_ns;
    uint64_t lingered_size;
};

typedef struct {
    _Atomic uint64_t accepted, refused_full, accept_pauses, connections, requests, replies,
        refusals, timeouts, resets, bytes_in, bytes_out, tls_failures, tls_reloads,
        tls_reload_failures;
} ps_http_counters;

struct ps_http_loop {
    const ps_http_options *options;
    const ps_http_handler *handler;
    void *context;
    void *user;
    uint32_t index;
    bool draining;
    int64_t now_ns;
    char date[29]; /* "Sun, 06 Nov 1994 08:49:37 GMT" */
    ps_http_scan_limits limits;
    ps_http_pool pool;
    ps_http_conn *conns;
    ps_http_conn *dirty;
    ps_http_request *requests; /* live */
    uint64_t connection_count; /* ever, for ids */
    ps_buf error_headers, error_body;
    ps_http_counters counters;
};

/* The loop without sockets. */
void ps_http_loop_init(ps_http_loop *loop, const ps_http_options *options,
                       const ps_http_handler *handler, void *context);
/* Closes all connections and ends all requests by force. */
void ps_http_loop_release(ps_http_loop *loop);

/* One writer, any reader. */
static inline void ps_http_count(_Atomic uint64_t *counter, uint64_t more)
{
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + more, memory_order_relaxed);
}

/* ── connections ── */

/* NULL at the memory limit. */
ps_http_conn *ps_http_conn_open(ps_http_loop *loop, const uint8_t peer[16]);
/* Frees it; its requests become orphans and hear on_abort or on_closed. */
void ps_http_conn_close(ps_http_conn *conn);
/* Answers with a refusal before anything was read; it is finished once that is sent. */
void ps_http_conn_refuse(ps_http_conn *conn, const ps_http_refusal *refusal);
/* Puts it on the loop's dirty list: the driver flushes and settles it at the end of the turn. */
void ps_http_conn_touch(ps_http_conn *conn);

void ps_http_conn_feed(ps_http_conn *conn, ps_slice bytes);
void ps_http_conn_feed_eof(ps_http_conn *conn);
/* Parses what was stashed, if there is room again; true when something was. */
bool ps_http_conn_pump(ps_http_conn *conn);
bool ps_http_conn_wants_read(const ps_http_conn *conn);

ps_slice ps_http_conn_output(const ps_http_conn *conn); /* not sent yet */
void ps_http_conn_sent(ps_http_conn *conn, size_t size);
/* Nothing more to say or hear: close it. */
bool ps_http_conn_is_finished(const ps_http_conn *conn);
/* Tells the handler of streams that may write again, or that have lost their peer. */
void ps_http_conn_tell_streams(ps_http_conn *conn);

/* When expire must look next; INT64_MAX: never. */
int64_t ps_http_conn_deadline(const ps_http_conn *conn);
/* Acts on whatever deadline has passed by loop->now_ns. */
void ps_http_conn_expire(ps_http_conn *conn);

/* ── requests (http_reply.c) ── */

ps_http_request *ps_http_request_new(ps_http_conn *conn);
void ps_http_request_free(ps_http_request *request);
void ps_http_queue_push(ps_http_conn *conn, ps_http_request *request);
/* Moves every reply that is due to `out`. */
void ps_http_queue_release(ps_http_conn *conn);
/* Answers with the body that on_error makes. */
void ps_http_reply_refusal(ps_http_request *request, const ps_http_refusal *refusal);
void ps_http_send_continue(ps_http_request *request);
/* The handler hears, once, that the peer is gone. */
void ps_http_tell_closed(ps_http_request *request);

#endif
