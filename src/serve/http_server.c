#include "serve/http_loop.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"

enum { LISTEN_BACKLOG = 4096, THREADS_MAX = 64 };

void ps_http_options_init(ps_http_options *options)
{
    *options = (ps_http_options){
        .host = "127.0.0.1",
        .thread_count = 1,
        .connections_max = 10000,
        .requests_per_connection = 256,
        .output_size_max = 1024 * 1024,
        .stream_size_max = 256 * 1024,
        .memory_size_max = (size_t)256 * 1024 * 1024,
        .uri_size_max = 4096,
        .headers_size_max = 16384,
        .headers_max = PS_HTTP_HEADERS_MAX,
        .body_size_max = 64 * 1024,
        .body_size_max_highest = 8 * 1024 * 1024,
        .head_timeout_ns = 10 * PS_NS_PER_S,
        .body_window_ns = 5 * PS_NS_PER_S,
        .body_rate_min = 500,
        .idle_timeout_ns = 30 * PS_NS_PER_S,
        .write_window_ns = 10 * PS_NS_PER_S,
        .drain_timeout_ns = 5 * PS_NS_PER_S,
    };
}

static bool options_are_valid(const ps_http_options *o)
{
    return o->host != NULL && o->thread_count >= 1 && o->thread_count <= THREADS_MAX &&
           o->connections_max >= 1 && o->requests_per_connection >= 1 && o->headers_max >= 1 &&
           o->headers_max <= PS_HTTP_HEADERS_MAX && o->uri_size_max >= 16 &&
           o->headers_size_max >= 64 && o->uri_size_max <= PS_HTTP_HEAD_SIZE_MAX / 2 &&
           o->headers_size_max <= PS_HTTP_HEAD_SIZE_MAX / 2 - 64 &&
           o->body_size_max <= o->body_size_max_highest && o->head_timeout_ns > 0 &&
           o->body_window_ns > 0 && o->idle_timeout_ns > 0 && o->write_window_ns > 0 &&
           o->drain_timeout_ns > 0 && o->request_state_size <= 64 * 1024 &&
           (o->tls_cert_path == NULL) == (o->tls_key_path == NULL) &&
           (o->tls_client_ca_path == NULL || o->tls_cert_path != NULL) &&
           (o->tls_crl_path == NULL || o->tls_client_ca_path != NULL);
}

/* ── listening ── */

static void set_option(int fd, int level, int name, int value)
{
    /* Only tuning: a kernel that refuses one of them still serves. */
    (void)!setsockopt(fd, level, name, &value, sizeof value);
}

/* Connections inherit these. A peer that vanished is noticed within 60 s (N2): by keep-alive probes
 * when nothing is under way, by the user timeout when something is. */
static void tune_listener(int fd)
{
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 30);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 30000);
}

static bool listen_on(ps_http_listener *listener, const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    tune_listener(fd);
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, LISTEN_BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&bound, &size) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return false;
    }
    in_port_t port = bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                                 : ((struct sockaddr_in *)&bound)->sin_port;
    listener->fd = fd;
    listener->port = ntohs(port);
    return true;
}

static ps_code start_listener(ps_http_listener *listener, const char *host, uint16_t port_number,
                              ps_error *err)
{
    char port[8];
    snprintf(port, sizeof port, "%u", port_number);
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *addresses = NULL;
    int failure = getaddrinfo(host, port, &hints, &addresses);
    if (failure != 0) {
        return ps_error_set(err, PS_E_INVALID, "cannot listen on %s: %s", host,
                            gai_strerror(failure));
    }
    int error = 0;
    for (struct addrinfo *a = addresses; a != NULL && listener->fd < 0; a = a->ai_next) {
        error = listen_on(listener, a) ? 0 : errno;
    }
    freeaddrinfo(addresses);
    if (listener->fd < 0) {
        return ps_error_set_os(err, error, "cannot listen on %s port %s", host, port);
    }
    return PS_OK;
}

/* ── open, start, drain, close ── */

static ps_code open_parts(ps_http_server *server, ps_error *err)
{
    const ps_http_options *options = &server->options;
    if (options->tls_cert_path != NULL) {
        const ps_tls_files files = {.cert = options->tls_cert_path,
                                    .key = options->tls_key_path,
                                    .client_ca = options->tls_client_ca_path,
                                    .crl = options->tls_crl_path};
        ps_code code = ps_tls_context_open(&files, &server->tls, err);
        if (code != PS_OK) {
            return code;
        }
    }
    ps_code code = start_listener(&server->listeners[0], options->host, options->port, err);
    if (code == PS_OK && options->admin_host != NULL) {
        code = start_listener(&server->listeners[1], options->admin_host, options->admin_port, err);
    }
    if (code != PS_OK) {
        return code;
    }
    server->nets = calloc(options->thread_count, sizeof *server->nets);
    if (server->nets == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "cannot allocate network loops");
    }
    while (server->net_count < options->thread_count) {
        code = ps_http_net_open(&server->nets[server->net_count], server, server->net_count, err);
        if (code != PS_OK) {
            return code;
        }
        server->net_count++;
    }
    return PS_OK;
}

ps_code ps_http_server_open(const ps_http_options *options, const ps_http_handler *handler,
                            void *context, ps_http_server **out_server, ps_error *err)
{
    PS_ASSERT(handler->on_head != NULL && handler->on_request != NULL && handler->on_error != NULL);
    if (!options_are_valid(options)) {
        return ps_error_set(err, PS_E_INVALID, "the HTTP options contradict their limits");
    }
    ps_http_server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "cannot allocate the HTTP server");
    }
    server->options = *options;
    server->handler = handler;
    server->context = context;
    server->listeners[0] = (ps_http_listener){.fd = -1};
    server->listeners[1] = (ps_http_listener){.fd = -1, .is_for_admin = true};
    ps_code code = open_parts(server, err);
    if (code != PS_OK) {
        ps_http_server_close(server);
        return code;
    }
    /* Borrowed texts are not needed any more, and might not live as long as we do. */
    server->options.host = NULL;
    server->options.admin_host = NULL;
    server->options.tls_cert_path = NULL;
    server->options.tls_key_path = NULL;
    server->options.tls_client_ca_path = NULL;
    server->options.tls_crl_path = NULL;
    *out_server = server;
    return PS_OK;
}

static void *run_thread(void *argument)
{
    ps_http_net_run(argument);
    return NULL;
}

ps_code ps_http_server_start(ps_http_server *server, ps_error *err)
{
    /* Signals are the main thread's; a write to a closed TLS socket must not raise SIGPIPE here. */
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = 0;
    for (uint32_t i = 0; i < server->net_count && failure == 0; i++) {
        ps_http_net *net = &server->nets[i];
        failure = pthread_create(&net->thread, NULL, run_thread, net);
        net->has_thread = failure == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failure != 0) {
        return ps_error_set_os(err, failure, "cannot start a network thread");
    }
    return PS_OK;
}

static bool all_have_left_listener(const ps_http_server *server)
{
    for (uint32_t i = 0; i < server->net_count; i++) {
        if (server->nets[i].has_thread && !atomic_load(&server->nets[i].has_left_listener)) {
            return false;
        }
    }
    return true;
}

static void listeners_close(ps_http_server *server)
{
    for (size_t i = 0; i < PS_HTTP_LISTENERS; i++) {
        if (server->listeners[i].fd >= 0) {
            close(server->listeners[i].fd);
            server->listeners[i].fd = -1;
        }
    }
}

void ps_http_server_drain(ps_http_server *server)
{
    int64_t end_ns = ps_http_clock_ns() + server->options.drain_timeout_ns;
    for (uint32_t i = 0; i < server->net_count; i++) {
        atomic_store(&server->nets[i].drain_wanted, true);
        ps_http_net_poke(&server->nets[i]);
    }
    const struct timespec pause = {.tv_nsec = 2 * PS_NS_PER_MS};
    while (ps_http_clock_ns() < end_ns) {
        bool are_closed = all_have_left_listener(server);
        if (are_closed) {
            listeners_close(server); /* new clients are refused by the system from here on */
        }
        if (are_closed && ps_http_server_connection_count(server) == 0) {
            return;
        }
        nanosleep(&pause, NULL);
    }
}

void ps_http_server_close(ps_http_server *server)
{
    if (server == NULL) {
        return;
    }
    for (uint32_t i = 0; i < server->net_count; i++) {
        atomic_store(&server->nets[i].stop_wanted, true);
        ps_http_net_poke(&server->nets[i]);
    }
    for (uint32_t i = 0; i < server->net_count; i++) {
        if (server->nets[i].has_thread) {
            pthread_join(server->nets[i].thread, NULL);
        }
    }
    for (uint32_t i = 0; i < server->net_count; i++) {
        ps_http_net_close(&server->nets[i]);
    }
    free(server->nets);
    ps_tls_context_close(server->tls);
    listeners_close(server);
    free(server);
}

/* ── small answers ── */

uint16_t ps_http_server_port(const ps_http_server *server)
{
    return server->listeners[0].port;
}

uint16_t ps_http_server_admin_port(const ps_http_server *server)
{
    return server->listeners[1].port;
}

ps_http_loop *ps_http_server_loop(ps_http_server *server, uint32_t index)
{
    PS_ASSERT(index < server->net_count);
    return &server->nets[index].loop;
}

uint32_t ps_http_loop_index(const ps_http_loop *loop)
{
    return loop->index;
}

void ps_http_loop_set_user(ps_http_loop *loop, void *user)
{
    loop->user = user;
}

void *ps_http_loop_user(const ps_http_loop *loop)
{
    return loop->user;
}

int64_t ps_http_loop_now_ns(const ps_http_loop *loop)
{
    return loop->now_ns;
}

uint64_t ps_http_server_connection_count(const ps_http_server *server)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < server->net_count; i++) {
        count +=
            atomic_load_explicit(&server->nets[i].loop.counters.connections, memory_order_relaxed);
    }
    return count;
}

void ps_http_server_stats(const ps_http_server *server, ps_http_stats *out_stats)
{
    ps_http_stats stats = {0};
    for (uint32_t i = 0; i < server->net_count; i++) {
        const ps_http_counters *counters = &server->nets[i].loop.counters;
#define ADD(name) stats.name += atomic_load_explicit(&counters->name, memory_order_relaxed)
        ADD(accepted);
        ADD(refused_full);
        ADD(accept_pauses);
        ADD(connections);
        ADD(requests);
        ADD(replies);
        ADD(refusals);
        ADD(timeouts);
        ADD(resets);
        ADD(bytes_in);
        ADD(bytes_out);
        ADD(tls_failures);
        ADD(tls_reloads);
        ADD(tls_reload_failures);
#undef ADD
    }
    *out_stats = stats;
}
