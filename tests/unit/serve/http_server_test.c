/* Real sockets on a free port: keep-alive, pipelining, wake-ups from other threads, streams, TLS,
 * limits of connections and descriptors, resets and the end of a server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/time.h"
#include "serve/http_server.h"

enum { PARKED_MAX = 4096 };

/* A small server: GET /now answers at once, /later is parked and answered on the next wake, /sse
 * streams a line per wake, /big answers 4 MiB. */
typedef struct {
    ps_http_server *server;
    ps_http_options options;
    ps_http_handler handler;
    ps_http_request *parked[PARKED_MAX]; /* the loop's thread only */
    size_t parked_count;
    ps_http_request *stream;
    _Atomic unsigned parked_total, wakes, ticks, closeds, starts, stops;
    char *big;
} site;

static void answer_text(ps_http_request *request, uint16_t status, ps_slice text)
{
    ps_http_answer answer = {
        .status = status, .content_type = PS_SLICE("text/plain"), .body = text};
    ps_http_reply(request, &answer);
}

static ps_http_admission site_on_head(void *context, ps_http_request *request)
{
    (void)context;
    ps_http_request_set_body_max(request, 8 << 20);
    return PS_HTTP_CONTINUE;
}

static void site_on_request(void *context, ps_http_request *request)
{
    site *s = context;
    ps_slice path = ps_http_request_path(request);
    if (ps_slice_equal(path, PS_SLICE("/later"))) {
        assert_true(s->parked_count < PARKED_MAX);
        s->parked[s->parked_count++] = request;
        atomic_fetch_add(&s->parked_total, 1);
    } else if (ps_slice_equal(path, PS_SLICE("/sse"))) {
        s->stream = request;
        ps_http_stream_begin(request, 200, PS_SLICE("text/event-stream"), (ps_slice){0});
        assert_true(ps_http_stream_write(request, PS_SLICE("data: 0\n\n")));
    } else if (ps_slice_equal(path, PS_SLICE("/big"))) {
        answer_text(request, 200, ps_slice_of(s->big, 4 << 20));
    } else {
        size_t size = 0;
        const char *body = ps_http_request_body(request, &size);
        answer_text(request, 200, size > 0 ? ps_slice_of(body, size) : PS_SLICE("now"));
    }
}

static void site_on_wake(void *context, ps_http_loop *loop)
{
    (void)loop;
    site *s = context;
    atomic_fetch_add(&s->wakes, 1);
    for (size_t i = s->parked_count; i > 0; i--) { /* backwards: the order is the server's work */
        answer_text(s->parked[i - 1], 200, PS_SLICE("later"));
    }
    s->parked_count = 0;
    if (s->stream != NULL) {
        assert_true(ps_http_stream_write(s->stream, PS_SLICE("data: 1\n\n")));
    }
}

static void site_on_tick(void *context, ps_http_loop *loop)
{
    (void)loop;
    atomic_fetch_add(&((site *)context)->ticks, 1);
}

static void site_on_closed(void *context, ps_http_request *request)
{
    site *s = context;
    atomic_fetch_add(&s->closeds, 1);
    if (request == s->stream) {
        s->stream = NULL;
        ps_http_stream_end(request);
    }
}

static void site_on_start(void *context, ps_http_loop *loop)
{
    ps_http_loop_set_user(loop, context);
    atomic_fetch_add(&((site *)context)->starts, 1);
}

static void site_on_stop(void *context, ps_http_loop *loop)
{
    assert_ptr_equal(ps_http_loop_user(loop), context);
    atomic_fetch_add(&((site *)context)->stops, 1);
}

static void site_on_error(void *context, ps_http_loop *loop, const ps_http_refusal *refusal,
                          ps_buf *headers, ps_buf *body)
{
    (void)context;
    (void)loop;
    (void)headers;
    ps_buf_append_format(body, "{\"error\":{\"code\":\"%s\"}}", refusal->code);
}

static site *site_new(void)
{
    site *s = calloc(1, sizeof *s);
    ps_http_options_init(&s->options);
    s->handler = (ps_http_handler){.on_head = site_on_head,
                                   .on_request = site_on_request,
                                   .on_closed = site_on_closed,
                                   .on_wake = site_on_wake,
                                   .on_tick = site_on_tick,
                                   .on_loop_start = site_on_start,
                                   .on_loop_stop = site_on_stop,
                                   .on_error = site_on_error};
    s->big = malloc(4 << 20);
    for (size_t i = 0; i < 4 << 20; i++) {
        s->big[i] = (char)('a' + i % 23);
    }
    return s;
}

static void site_start(site *s)
{
    ps_error err;
    assert_int_equal(ps_http_server_open(&s->options, &s->handler, s, &s->server, &err), PS_OK);
    assert_int_not_equal(ps_http_server_port(s->server), 0);
    assert_int_equal(ps_http_server_start(s->server, &err), PS_OK);
}

static void site_free(site *s)
{
    ps_http_server_close(s->server);
    assert_int_equal(s->starts, s->stops);
    free(s->big);
    free(s);
}

/* ── a client ── */

static int dial(const site *s)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(ps_http_server_port(s->server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    size_t size = strlen(text);
    assert_int_equal(send(fd, text, size, MSG_NOSIGNAL), size);
}

/* Reads until `text` has come `count` times; false when the end or 10 s of silence come first. */
static bool hear(int fd, const char *text, unsigned count)
{
    static char seen[8 << 20];
    size_t size = 0;
    size_t at = 0;
    while (count > 0) {
        char *found = memmem(seen + at, size - at, text, strlen(text));
        if (found != NULL) {
            at = (size_t)(found - seen) + strlen(text);
            count--;
            continue;
        }
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        assert_true(size < sizeof seen);
        if (poll(&wait, 1, 10000) <= 0) {
            return false;
        }
        ssize_t got = recv(fd, seen + size, sizeof seen - size, 0);
        if (got <= 0) {
            return false;
        }
        size += (size_t)got;
    }
    return true;
}

/* The server closes in an orderly way; what it says before is dropped. */
static bool hear_end(int fd)
{
    char buffer[4096];
    for (;;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (poll(&wait, 1, 10000) <= 0) {
            return false;
        }
        ssize_t got = recv(fd, buffer, sizeof buffer, 0);
        if (got <= 0) {
            return got == 0;
        }
    }
}

/* Waits, without a fixed sleep, until *value is at least `least`. */
static void await(const _Atomic unsigned *value, unsigned least)
{
    for (int i = 0; i < 10000 && atomic_load(value) < least; i++) {
        poll(NULL, 0, 1);
    }
    assert_true(atomic_load(value) >= least);
}

static void await_connections(const site *s, uint64_t count)
{
    ps_http_stats stats = {0};
    for (int i = 0; i < 10000; i++) {
        ps_http_server_stats(s->server, &stats);
        if (stats.connections == count) {
            return;
        }
        poll(NULL, 0, 1);
    }
    fail_msg("%lu connections, expected %lu", stats.connections, count);
}

#define NOW "GET /now HTTP/1.1\r\nHost: a\r\n\r\n"
#define LATER "GET /later HTTP/1.1\r\nHost: a\r\n\r\n"

/* ── tests ── */

static void a_connection_serves_many_requests(void **state)
{
    (void)state;
    site *s = site_new();
    s->options.thread_count = 2;
    site_start(s);
    int fd = dial(s);
    for (int i = 0; i < 50; i++) {
        say(fd, NOW);
        assert_true(hear(fd, "\r\n\r\nnow", 1));
    }
    say(fd, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    assert_true(hear(fd, "\r\n\r\nhello", 1));
    close(fd);
    await_connections(s, 0);
    ps_http_stats stats;
    ps_http_server_stats(s->server, &stats);
    assert_int_equal(stats.requests, 51);
    assert_int_equal(stats.replies, 51);
    assert_int_equal(stats.accepted, 1);
    site_free(s);
}

static void a_thousand_pipelined_requests_are_all_answered(void **state)
{
    (void)state;
    site *s = site_new();
    site_start(s);
    int fd = dial(s);
    ps_buf text;
    ps_buf_init(&text, 1 << 20);
    for (int i = 0; i < 1000; i++) {
        ps_buf_append_text(&text, NOW);
    }
    ps_buf_append_char(&text, '\0');
    say(fd, text.data);
    assert_true(hear(fd, "\r\n\r\nnow", 1000));
    close(fd);
    ps_buf_release(&text);
    site_free(s);
}

static void a_wake_from_another_thread_releases_parked_requests(void **state)
{
    (void)state;
    site *s = site_new();
    site_start(s);
    int fd = dial(s);
    for (unsigned round = 1; round <= 20; round++) {
        say(fd, LATER LATER NOW);
        await(&s->parked_total, 2 * round);
        ps_http_loop_wake(ps_http_server_loop(s->server, 0));
        assert_true(hear(fd, "\r\n\r\nnow", 1));
    }
    assert_true(atomic_load(&s->wakes) >= 20);
    await(&s->ticks, 1);
    close(fd);
    site_free(s);
}

static void a_reply_larger_than_any_socket_buffer_arrives_whole(void **state)
{
    (void)state;
    site *s = site_new();
    site_start(s);
    int fd = dial(s);
    say(fd, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n" NOW);
    assert_true(hear(fd, "\r\n\r\nnow", 1));
    close(fd);
    site_free(s);
}

static void a_large_body_arrives_whole(void **state)
{
    (void)state;
    site *s = site_new();
    site_start(s);
    int fd = dial(s);
    say(fd,
        "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000003\r\nExpect: 100-continue\r\n\r\n");
    assert_true(hear(fd, "100 Continue\r\n\r\n", 1));
    char *body = malloc(1000003);
    memset(body, 'b', 1000000);
    memcpy(body + 1000000, "end", 3);
    size_t sent = 0;
    while (sent < 1000003) {
        ssize_t n = send(fd, body + sent, 1000003 - sent, MSG_NOSIGNAL);
        assert_true(n > 0);
        sent += (size_t)n;
    }
    assert_true(hear(fd, "bbend", 1));
    free(body);
    close(fd);
    site_free(s);
}

static void a_refused_client_hears_why_even_if_it_goes_on_sending(void **state)
{
    (void)state;
    site *s = site_new();
    site_start(s);
    int fd = dial(s);
    say(fd, "GET / HTTP/1.1\r\n\r\n" NOW NOW NOW);
    say(fd, NOW NOW);
    assert_true(hear(fd, "http_host_invalid", 1));
    assert_true(hear_end(fd));
    for (int i = 0; i < 20; i++) { /* no reset, which could destroy what the client has not read */
        say(fd, NOW);
        struct pollfd wait = {.fd = fd, .events = 0};
        assert_int_equal(poll(&wait, 1, 2), 0);
    }
    close(fd);
    await_connections(s, 0);
    ps_http_stats stats;
    ps_http_server_stats(s->server, &stats);
    assert_int_equal(stats.requests, 0);
    assert_int_equal(stats.refusals, 1);
    site_free(s);
}

static void a_half_closed_client_gets_its_answers(void **state)
{
    (void)state;
    site *s = site_new();
    site_start(s);
    int fd = dial(s);
    say(fd, LATER NOW);
    await(&s->parked_total, 1);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    ps_http_loop_wake(ps_http_server_loop(s->server, 0));
    assert_true(hear(fd, "\r\n\r\nnow", 1));
    assert_true(hear_end(fd));
    close(fd);
    await_connections(s, 0);
    site_free(s);
}

static void an_end_that_comes_together_with_the_request_is_noticed(void **state)
{
    (void)state;
    site *s = site_new();
    site_start(s);
    for (int i = 0; i < 200; i++) {
        int fd = dial(s);
        say(fd, NOW);
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        assert_true(hear_end(fd));
        close(fd);
    }
    await_connections(s, 0);
    site_free(s);
}

static void a_reset_frees_the_connection_and_the_late_answer_is_dropped(void **state)
{
    (void)state;
    site *s = site_new();
    site_start(s);
    for (unsigned i = 1; i <= 20; i++) {
        int fd = dial(s);
        say(fd, LATER);
        await(&s->parked_total, i);
        struct linger now = {.l_onoff = 1, .l_linger = 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(fd);
        await(&s->closeds, i);
    }
    await_connections(s, 0);
    ps_http_loop_wake(ps_http_server_loop(s->server, 0));
    int fd = dial(s);
    say(fd, NOW);
    assert_true(hear(fd, "now", 1));
    close(fd);
    site_free(s);
}

static void a_stream_flows_and_its_end_is_noticed(void **state)
{
    (void)state;
    site *s = site_new();
    site_start(s);
    int fd = dial(s);
    say(fd, "GET /sse HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_true(hear(fd, "9\r\ndata: 0\n\n\r\n", 1));
    ps_http_loop_wake(ps_http_server_loop(s->server, 0));
    assert_true(hear(fd, "9\r\ndata: 1\n\n\r\n", 1));
    close(fd);
    await(&s->closeds, 1);
    await_connections(s, 0);
    site_free(s);
}

static void one_connection_too_many_is_told_503(void **state)
{
    (void)state;
    site *s = site_new();
    s->options.connections_max = 2;
    site_start(s);
    int a = dial(s);
    int b = dial(s);
    await_connections(s, 2);
    int c = dial(s);
    assert_true(hear(c, "HTTP/1.1 503 ", 1));
    close(c);
    close(a);
    await_connections(s, 1);
    c = dial(s);
    say(c, NOW);
    assert_true(hear(c, "now", 1));
    close(c);
    close(b);
    site_free(s);
}

static void without_descriptors_accepting_pauses_and_goes_on_later(void **state)
{
    (void)state;
    site *s = site_new();
    site_start(s);
    int waiting = dial(s);
    await_connections(s, 1);
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int next = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int highest = dup(next); /* no descriptor from here on */
    struct rlimit none = {.rlim_cur = (rlim_t)highest, .rlim_max = before.rlim_max};
    close(highest);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(ps_http_server_port(s->server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(next, (struct sockaddr *)&address, sizeof address), 0);
    ps_http_stats stats = {0};
    for (int i = 0; i < 10000 && stats.accept_pauses < 2; i++) {
        poll(NULL, 0, 1);
        ps_http_server_stats(s->server, &stats);
    }
    assert_true(stats.accept_pauses >= 2);
    assert_true(stats.accept_pauses < 200); /* a pause a tick, not a busy loop */
    say(waiting, NOW);
    assert_true(hear(waiting, "now", 1));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    say(next, NOW);
    assert_true(hear(next, "now", 1));
    close(next);
    close(waiting);
    site_free(s);
}

static void *wake_soon(void *argument)
{
    site *s = argument;
    ps_http_stats stats;
    poll(NULL, 0, 20);
    ps_http_server_stats(s->server, &stats);
    ps_http_loop_wake(ps_http_server_loop(s->server, 0));
    return NULL;
}

static void a_drain_finishes_what_is_under_way_and_closes_the_rest(void **state)
{
    (void)state;
    site *s = site_new();
    site_start(s);
    int idle = dial(s);
    int busy = dial(s);
    int stream = dial(s);
    say(busy, LATER);
    say(stream, "GET /sse HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(hear(stream, "data: 0", 1));
    await(&s->parked_total, 1);
    await_connections(s, 3);
    pthread_t waker;
    assert_int_equal(pthread_create(&waker, NULL, wake_soon, s), 0);
    ps_http_server_drain(s->server);
    pthread_join(waker, NULL);
    await_connections(s, 0);
    assert_true(hear(busy, "Connection: close", 1));
    assert_true(hear_end(idle));
    assert_true(hear(stream, "0\r\n\r\n", 1));
    assert_int_equal(s->closeds, 1); /* the stream */
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(ps_http_server_port(s->server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(late, (struct sockaddr *)&address, sizeof address), -1);
    close(late);
    close(idle);
    close(busy);
    close(stream);
    site_free(s);
}

static void closing_ends_by_force_what_nobody_ended(void **state)
{
    (void)state;
    site *s = site_new();
    site_start(s);
    int fd = dial(s);
    say(fd, LATER);
    await(&s->parked_total, 1);
    ps_http_server_close(s->server);
    s->server = NULL;
    assert_int_equal(s->closeds, 1);
    close(fd);
    site_free(s);
}

/* ── TLS ── */

static void write_pem(char *path, EVP_PKEY *key, X509 *cert)
{
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    if (cert != NULL) {
        assert_int_equal(PEM_write_X509(file, cert), 1);
    } else {
        assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    }
    fclose(file);
}

static void make_identity(char *cert_path, char *key_path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_non_null(key);
    X509 *cert = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME *name = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1,
                               0);
    X509_set_issuer_name(cert, name);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    write_pem(cert_path, NULL, cert);
    write_pem(key_path, key, NULL);
    X509_free(cert);
    EVP_PKEY_free(key);
}

/* NULL when the handshake is refused. */
static SSL *dial_tls(int fd, int version_max, const char *ciphers)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, version_max);
    if (ciphers != NULL) {
        assert_int_equal(SSL_CTX_set_cipher_list(context, ciphers), 1);
    }
    SSL *ssl = SSL_new(context);
    SSL_CTX_free(context);
    SSL_set_fd(ssl, fd);
    if (SSL_connect(ssl) != 1) {
        SSL_free(ssl);
        return NULL;
    }
    return ssl;
}

static void say_and_hear_tls(SSL *ssl, const char *text, const char *expected)
{
    char seen[4096];
    size_t size = 0;
    assert_int_equal(SSL_write(ssl, text, (int)strlen(text)), strlen(text));
    while (memmem(seen, size, expected, strlen(expected)) == NULL) {
        int got = SSL_read(ssl, seen + size, (int)(sizeof seen - size));
        assert_true(got > 0);
        size += (size_t)got;
    }
}

static void tls_1_2_and_1_3_work_and_nothing_weaker_does(void **state)
{
    (void)state;
    char cert_path[] = "/tmp/ps_http_cert_XXXXXX";
    char key_path[] = "/tmp/ps_http_key_XXXXXX";
    make_identity(cert_path, key_path);
    site *s = site_new();
    s->options.tls_cert_path = cert_path;
    s->options.tls_key_path = key_path;
    site_start(s);
    unlink(cert_path);
    unlink(key_path);
    static const struct {
        int version;
        const char *ciphers;
        bool works;
    } cases[] = {
        {TLS1_3_VERSION, NULL, true},
        {TLS1_2_VERSION, NULL, true},
        {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", true},
        {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256", false}, /* not AEAD */
        {TLS1_2_VERSION, "AES128-GCM-SHA256", false},         /* no forward secrecy */
        {TLS1_1_VERSION, NULL, false},
        {TLS1_VERSION, NULL, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int fd = dial(s);
        SSL *ssl = dial_tls(fd, cases[i].version, cases[i].ciphers);
        assert_int_equal(ssl != NULL, cases[i].works);
        if (ssl != NULL) {
            for (int k = 0; k < 10; k++) {
                say_and_hear_tls(ssl, NOW, "\r\n\r\nnow");
            }
            say_and_hear_tls(ssl, "GET / HTTP/1.1\r\n\r\n", "http_host_invalid");
            SSL_free(ssl);
        }
        close(fd);
    }
    int fd = dial(s); /* plain HTTP on the TLS port */
    say(fd, NOW);
    (void)hear_end(fd);
    close(fd);
    await_connections(s, 0);
    site_free(s);
}

static void bad_options_and_certificates_are_named(void **state)
{
    (void)state;
    site *s = site_new();
    ps_error err;
    s->options.tls_cert_path = "/nonexistent/cert.pem";
    s->options.tls_key_path = "/nonexistent/key.pem";
    assert_int_equal(ps_http_server_open(&s->options, &s->handler, s, &s->server, &err),
                     PS_E_INVALID);
    assert_non_null(strstr(err.text, "/nonexistent/cert.pem"));
    s->options.tls_key_path = NULL;
    assert_int_equal(ps_http_server_open(&s->options, &s->handler, s, &s->server, &err),
                     PS_E_INVALID);
    s->options.tls_cert_path = NULL;
    s->options.host = "256.0.0.1.invalid";
    assert_int_equal(ps_http_server_open(&s->options, &s->handler, s, &s->server, &err),
                     PS_E_INVALID);
    ps_http_options_init(&s->options);
    site_start(s);
    ps_http_server *second = NULL;
    s->options.port = ps_http_server_port(s->server);
    assert_int_equal(ps_http_server_open(&s->options, &s->handler, s, &second, &err), PS_E_IO);
    assert_int_equal(err.os_errno, EADDRINUSE);
    site_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_serves_many_requests),
        cmocka_unit_test(a_thousand_pipelined_requests_are_all_answered),
        cmocka_unit_test(a_wake_from_another_thread_releases_parked_requests),
        cmocka_unit_test(a_reply_larger_than_any_socket_buffer_arrives_whole),
        cmocka_unit_test(a_large_body_arrives_whole),
        cmocka_unit_test(a_refused_client_hears_why_even_if_it_goes_on_sending),
        cmocka_unit_test(a_half_closed_client_gets_its_answers),
        cmocka_unit_test(an_end_that_comes_together_with_the_request_is_noticed),
        cmocka_unit_test(a_reset_frees_the_connection_and_the_late_answer_is_dropped),
        cmocka_unit_test(a_stream_flows_and_its_end_is_noticed),
        cmocka_unit_test(one_connection_too_many_is_told_503),
        cmocka_unit_test(without_descriptors_accepting_pauses_and_goes_on_later),
        cmocka_unit_test(a_drain_finishes_what_is_under_way_and_closes_the_rest),
        cmocka_unit_test(closing_ends_by_force_what_nobody_ended),
        cmocka_unit_test(tls_1_2_and_1_3_work_and_nothing_weaker_does),
        cmocka_unit_test(bad_options_and_certificates_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
