/* HTTP/1.1 server: sockets, TLS, framing, deadlines and order of replies; it knows no routes.
 *
 * One epoll loop per network thread; a connection lives and dies on one loop, and every callback
 * and every call that takes a ps_http_request or a ps_http_loop happens on that loop's thread.
 * The one exception is ps_http_loop_wake, which any thread may call.
 *
 * Life of a request:
 *   head complete and well framed   → on_head: admit it (PS_HTTP_CONTINUE) or answer it there with
 *                                     ps_http_reply (PS_HTTP_ANSWERED). Nothing of the body has
 *                                     been kept. Authentication, rate limits, body limits: here.
 *   body complete                   → on_request: answer now, or keep the pointer and answer later
 *   body never completes            → on_abort instead of on_request; the pointer ends there
 * A request that reached on_request stays valid until the handler ends it, with ps_http_reply or
 * ps_http_stream_end, exactly once, also when the peer is gone meanwhile (the reply is dropped
 * then). So a pointer may travel through other threads and come back; only this thread looks
 * inside.
 * Replies leave in the order of the requests of a connection, whatever the order they are made in;
 * those made in one turn of the loop leave in one write per connection.
 *
 * Framing is strict (RFC 9112; FAULTS §5 A, H1–H17): any doubt is answered 4xx with
 * `Connection: close`, and no later byte of that connection is looked at. The texts of these
 * refusals come from on_error, so that the layer above owns the shape of error bodies.
 */
#ifndef PS_SERVE_HTTP_SERVER_H
#define PS_SERVE_HTTP_SERVER_H

#include "base/bytes.h"

typedef struct ps_http_server ps_http_server;
typedef struct ps_http_loop ps_http_loop;
typedef struct ps_http_request ps_http_request;

/* ── what a request is ── */

/* Methods that reach the handler; every other one was answered 501. The 405 is the handler's. */
typedef enum {
    PS_HTTP_GET,
    PS_HTTP_HEAD, /* answer as GET: the server leaves the body out and keeps Content-Length */
    PS_HTTP_POST,
    PS_HTTP_PUT,
    PS_HTTP_DELETE,
    PS_HTTP_PATCH,
    PS_HTTP_OPTIONS
} ps_http_method;

/* Headers found once while parsing; each at most once in a request (a second one is a 400). */
typedef enum {
    PS_HTTP_HOST,
    PS_HTTP_CONTENT_LENGTH,
    PS_HTTP_TRANSFER_ENCODING,
    PS_HTTP_EXPECT,
    PS_HTTP_CONTENT_TYPE,
    PS_HTTP_CONTENT_ENCODING,
    PS_HTTP_AUTHORIZATION,
    PS_HTTP_IDEMPOTENCY_KEY,
    PS_HTTP_LAST_EVENT_ID,
    PS_HTTP_IF_NONE_MATCH,
    PS_HTTP_USER_AGENT,
    PS_HTTP_ORIGIN,
    PS_HTTP_SIGNATURE, /* Paystream-Signature, -Timestamp, -Nonce */
    PS_HTTP_TIMESTAMP,
    PS_HTTP_NONCE,
    PS_HTTP_HEADER_KINDS /* how many */
} ps_http_header;

/* Readable bytes behind a body, for readers that look ahead; their content is undefined. */
enum { PS_HTTP_BODY_PADDING = 64 };

ps_http_method ps_http_request_method(const ps_http_request *request);
ps_slice ps_http_method_name(ps_http_method method); /* "GET" */
/* "/v1/payments": raw, percent-encoding kept (valid, no %00); "*" for OPTIONS *. All slices borrow
 * from the request. */
ps_slice ps_http_request_path(const ps_http_request *request);
ps_slice ps_http_request_query(const ps_http_request *request); /* behind the '?'; may be empty */
/* Value without blanks around it; data is NULL when the header is absent. */
ps_slice ps_http_request_header(const ps_http_request *request, ps_http_header header);
/* All headers in their order, for scans (S-C1). */
size_t ps_http_request_header_count(const ps_http_request *request);
void ps_http_request_header_at(const ps_http_request *request, size_t index, ps_slice *out_name,
                               ps_slice *out_value);
/* Complete in on_request; empty in on_head. The handler may modify the bytes in place. */
char *ps_http_request_body(ps_http_request *request, size_t *out_size);
/* IPv6, or IPv4 as ::ffff:a.b.c.d. */
void ps_http_request_peer(const ps_http_request *request, uint8_t out_address[16]);
/* Whom the client's certificate names (tls.h); empty without one. In on_head and on_request. */
ps_slice ps_http_request_identity(const ps_http_request *request);
/* It came by the address of admin_host. */
bool ps_http_request_is_by_admin(const ps_http_request *request);
uint64_t ps_http_request_connection(const ps_http_request *request); /* unique in the process */
ps_http_loop *ps_http_request_loop(const ps_http_request *request);
int64_t ps_http_request_received_ns(const ps_http_request *request); /* monotonic, head complete */
/* The handler's own memory in the request: options.request_state_size bytes, 16-aligned, zeroed
 * before on_head. */
void *ps_http_request_state(ps_http_request *request);
/* True once the peer is gone: work for it may be skipped, it must still be ended. */
bool ps_http_request_is_orphan(const ps_http_request *request);

/* In on_head only: the body limit of this route; over it → 413 before any body byte is read. Never
 * above options.body_size_max_highest. */
void ps_http_request_set_body_max(ps_http_request *request, size_t body_size_max);

/* ── answers ── */

typedef struct {
    uint16_t status;
    ps_slice content_type; /* empty: none, for replies without a body */
    /* further complete lines, "Name: value\r\n…"; no Content-Length, Date, Connection. Values must
     * be free of CR and LF: asserted. */
    ps_slice headers;
    ps_slice body; /* copied before the call returns */
    bool close;    /* end the connection after this reply */
} ps_http_answer;

/* Ends the request; the pointer is invalid afterwards (in on_head: after on_head returns). */
void ps_http_reply(ps_http_request *request, const ps_http_answer *answer);

/* Streams (server-sent events): begin sends the head, write sends bytes as they come, end ends the
 * request. Chunked on 1.1, ended by close on 1.0. Legal from on_request on. */
void ps_http_stream_begin(ps_http_request *request, uint16_t status, ps_slice content_type,
                          ps_slice headers);
/* False: more than options.stream_size_max bytes wait for a slow peer and nothing was taken; try
 * again after on_writable. On an orphan: true, dropped. */
PS_CHECKED bool ps_http_stream_write(ps_http_request *request, ps_slice bytes);
/* Bytes that still wait for the peer. */
size_t ps_http_stream_pending(const ps_http_request *request);
void ps_http_stream_end(ps_http_request *request);

/* ── the handler ── */

typedef enum { PS_HTTP_CONTINUE, PS_HTTP_ANSWERED } ps_http_admission;

/* A refusal that the server itself decided. */
typedef struct {
    uint16_t status;        /* 400 405 408 413 414 417 431 500 501 503 505 */
    const char *code;       /* static: "header_too_large" */
    const char *message;    /* static sentence */
    uint32_t retry_after_s; /* 0: none; the server writes the Retry-After header itself */
} ps_http_refusal;

/* All but on_head, on_request and on_error may be NULL. */
typedef struct {
    /* Before the first and after the last callback of a loop, on its thread. */
    void (*on_loop_start)(void *context, ps_http_loop *loop);
    void (*on_loop_stop)(void *context, ps_http_loop *loop);
    ps_http_admission (*on_head)(void *context, ps_http_request *request);
    void (*on_request)(void *context, ps_http_request *request);
    void (*on_abort)(void *context, ps_http_request *request);
    /* The peer of a request that is not ended yet is gone, or the server drains and this is a
     * stream: end it soon (allowed right here). At most once per request. */
    void (*on_closed)(void *context, ps_http_request *request);
    /* A stream whose write was refused has room again. */
    void (*on_writable)(void *context, ps_http_request *request);
    /* After ps_http_loop_wake, once for any number of wakes. */
    void (*on_wake)(void *context, ps_http_loop *loop);
    void (*on_tick)(void *context, ps_http_loop *loop); /* about every 100 ms */
    /* Appends header lines ("Request-Id: …\r\n") and a JSON body for a refusal. */
    void (*on_error)(void *context, ps_http_loop *loop, const ps_http_refusal *refusal,
                     ps_buf *headers, ps_buf *body);
} ps_http_handler;

/* ── the server ── */

typedef struct {
    const char *host;          /* numeric address or name; "127.0.0.1" by default */
    uint16_t port;             /* 0: any free port, see ps_http_server_port */
    uint32_t thread_count;     /* 1 */
    const char *admin_host;    /* a second address to listen on; NULL: none. Its connections have */
    uint16_t admin_port;       /* a small reserve above connections_max */
    const char *tls_cert_path; /* PEM chain; NULL: no TLS. All TLS files are read again when they */
    const char *tls_key_path;  /* change (tls.h) */
    const char *tls_client_ca_path; /* NULL: clients need no certificate */
    const char *tls_crl_path;       /* NULL: no revocation list */
    size_t request_state_size;

    uint32_t connections_max;         /* per server; beyond: 503 and close */
    uint32_t requests_per_connection; /* outstanding at once; beyond: reading stops */
    size_t output_size_max;           /* unsent bytes of a connection; beyond: reading stops */
    size_t stream_size_max;           /* unsent bytes of a stream; beyond: write answers false */
    size_t memory_size_max;           /* buffers of one loop; beyond: 503 and close */
    size_t uri_size_max;              /* 4 KiB → 414 */
    size_t headers_size_max;          /* 16 KiB → 431 */
    uint32_t headers_max;             /* 64 → 431; at most 64 */
    size_t body_size_max;             /* default of set_body_max: 64 KiB → 413 */
    size_t body_size_max_highest;     /* 8 MiB */
    int64_t head_timeout_ns;          /* 10 s from the first byte */
    int64_t body_window_ns;           /* 5 s: in each such window at least body_rate_min comes */
    uint32_t body_rate_min;           /* 500 bytes per second */
    int64_t idle_timeout_ns;          /* 30 s */
    int64_t write_window_ns;          /* 10 s: as body_window, for unsent output */
    int64_t drain_timeout_ns;         /* 5 s */
} ps_http_options;

/* The values named above; connections_max 10,000. */
void ps_http_options_init(ps_http_options *options);

/* Binds and listens; no thread yet. handler and context are borrowed until close.
 * PS_E_INVALID options, certificate or key; PS_E_IO, PS_E_MEMORY. */
PS_CHECKED ps_code ps_http_server_open(const ps_http_options *options,
                                       const ps_http_handler *handler, void *context,
                                       ps_http_server **out_server, ps_error *err);
uint16_t ps_http_server_port(const ps_http_server *server);
uint16_t ps_http_server_admin_port(const ps_http_server *server); /* 0: none */
/* Starts the network threads. After a failure the server can only be closed. */
PS_CHECKED ps_code ps_http_server_start(ps_http_server *server, ps_error *err);
/* Stops accepting, closes idle connections, lets outstanding requests finish with
 * `Connection: close`, and returns when all are gone or drain_timeout has passed. Wakes and ticks
 * go on meanwhile. */
void ps_http_server_drain(ps_http_server *server);
/* Stops the threads and frees everything. Requests that are not ended are ended by force: on_closed
 * is called for each, and pointers to them are invalid when this returns. NULL is fine. */
void ps_http_server_close(ps_http_server *server);

/* Any thread: on_wake will be called on the loop's thread soon. Coalesced; one system call at most,
 * none while the loop is awake. */
void ps_http_loop_wake(ps_http_loop *loop);
uint32_t ps_http_loop_index(const ps_http_loop *loop); /* 0 … thread_count − 1 */
void ps_http_loop_set_user(ps_http_loop *loop, void *user);
void *ps_http_loop_user(const ps_http_loop *loop);
int64_t ps_http_loop_now_ns(const ps_http_loop *loop); /* monotonic, as of this turn */
ps_http_loop *ps_http_server_loop(ps_http_server *server, uint32_t index);

/* Counters since start, of all loops; readable by any thread, each exact, not of one instant. */
typedef struct {
    uint64_t accepted, refused_full, accept_pauses;
    uint64_t connections; /* open now */
    uint64_t requests, replies, refusals, timeouts, resets;
    uint64_t bytes_in, bytes_out, tls_failures, tls_reloads, tls_reload_failures;
} ps_http_stats;
void ps_http_server_stats(const ps_http_server *server, ps_http_stats *out_stats);

/* "Created"; "Unknown" for a status without a name. */
const char *ps_http_status_name(uint16_t status);

#endif
