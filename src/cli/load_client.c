#include "cli/load_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <llhttp.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/time.h"
#include "serve/request_signature.h"

enum { READ_SIZE = 256 * 1024, BODY_KEPT_MAX = 16 * 1024, EVENTS_MAX = 256, HOST_MAX = 128 };

typedef struct load_client load_client;

typedef struct {
    int fd; /* −1: lost */
    bool busy;
    load_client *client;
    llhttp_t parser;
    int64_t due_ns; /* when the request in flight should have started */
    uint32_t payment_count;
    char path[128];
    ps_buf output;
    size_t sent;
    ps_buf body; /* of the reply: the first BODY_KEPT_MAX bytes */
    bool replied;
} connection;

struct load_client {
    ps_io *io;
    const ps_load_options *options;
    ps_mix *mix;
    ps_load_result *result;
    llhttp_settings_t settings;
    char host[HOST_MAX];
    char port[8];
    int epoll;
    connection *connections;
    uint32_t *idle; /* indices of idle connections, a queue: none rests until the service ends it */
    uint32_t idle_first, idle_count;
    char *input;
    int64_t start_ns;
    double due; /* requests that should have started by now (open loop) */
    uint64_t started;
    int64_t due_at_ns; /* when `due` was computed */
};

/* ── connecting ── */

static PS_CHECKED ps_code url_parse(load_client *client, const char *url, ps_error *err)
{
    static const char scheme[] = "http://";
    if (strncmp(url, scheme, sizeof scheme - 1) != 0) {
        return ps_error_set(err, PS_E_INVALID, "%s: want http://HOST:PORT", url);
    }
    const char *host = url + sizeof scheme - 1;
    size_t authority = strcspn(host, "/");
    const char *colon = memrchr(host, ':', authority);
    size_t host_size = colon != NULL ? (size_t)(colon - host) : authority;
    size_t port_size = colon != NULL ? authority - host_size - 1 : 0;
    if (host_size == 0 || host_size >= HOST_MAX || port_size >= sizeof client->port) {
        return ps_error_set(err, PS_E_INVALID, "%s: want http://HOST:PORT", url);
    }
    snprintf(client->host, sizeof client->host, "%.*s", (int)host_size, host);
    snprintf(client->port, sizeof client->port, "%.*s", colon != NULL ? (int)port_size : 2,
             colon != NULL ? colon + 1 : "80");
    return PS_OK;
}

static int socket_connect(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    int one = 1;
    if (connect(fd, address->ai_addr, address->ai_addrlen) != 0 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void idle_put(load_client *client, const connection *c)
{
    uint32_t end = client->idle_first + client->idle_count++;
    client->idle[end % client->options->connection_count] = (uint32_t)(c - client->connections);
}

static connection *idle_take(load_client *client)
{
    connection *c = &client->connections[client->idle[client->idle_first]];
    client->idle_first = (client->idle_first + 1) % client->options->connection_count;
    client->idle_count--;
    return c;
}

static PS_CHECKED ps_code connections_open(load_client *client, ps_error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *address = NULL;
    int failed = getaddrinfo(client->host, client->port, &hints, &address);
    if (failed != 0) {
        return ps_error_set(err, PS_E_INVALID, "%s: %s", client->host, gai_strerror(failed));
    }
    ps_code code = PS_OK;
    for (uint32_t i = 0; i < client->options->connection_count && code == PS_OK; i++) {
        connection *c = &client->connections[i];
        c->client = client;
        c->fd = socket_connect(address);
        if (c->fd < 0) {
            code =
                ps_error_set_os(err, errno, "cannot connect to %s:%s", client->host, client->port);
            break;
        }
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        if (epoll_ctl(client->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0) {
            code = ps_error_set_os(err, errno, "cannot watch a connection");
        }
        llhttp_init(&c->parser, HTTP_RESPONSE, &client->settings);
        c->parser.data = c;
        ps_buf_init(&c->output, 16 << 20);
        ps_buf_init(&c->body, BODY_KEPT_MAX);
        idle_put(client, c);
    }
    freeaddrinfo(address);
    return code;
}

static void connection_lose(load_client *client, connection *c)
{
    close(c->fd);
    c->fd = -1;
    c->busy = false;
    client->result->errors++;
}

/* ── requests ── */

static void output_flush(load_client *client, connection *c)
{
    while (c->sent < c->output.size) {
        ssize_t size =
            send(c->fd, c->output.data + c->sent, c->output.size - c->sent, MSG_NOSIGNAL);
        if (size > 0) {
            c->sent += (size_t)size;
        } else if (errno == EAGAIN) {
            struct epoll_event event = {.events = EPOLLIN | EPOLLOUT,
                                        .data.u32 = (uint32_t)(c - client->connections)};
            epoll_ctl(client->epoll, EPOLL_CTL_MOD, c->fd, &event);
            return;
        } else if (errno != EINTR) {
            connection_lose(client, c);
            return;
        }
    }
}

/* Letters only: digits might look like a card number. */
static void nonce_make(ps_io *io, char *out_nonce, size_t size)
{
    ps_io_random(io, out_nonce, size);
    for (size_t i = 0; i < size; i++) {
        out_nonce[i] = (char)('a' + (out_nonce[i] & 15));
    }
}

static void signature_put(load_client *client, connection *c, const ps_mix_request *request)
{
    char nonce[32], timestamp[24], signature[PS_SIGNATURE_TEXT];
    nonce_make(client->io, nonce, sizeof nonce);
    snprintf(timestamp, sizeof timestamp, "%lld",
             (long long)(ps_io_now_wall_ns(client->io) / PS_NS_PER_S));
    const ps_signed_request text = {.method = PS_SLICE("POST"),
                                    .path = ps_slice_text(request->path),
                                    .idempotency_key = ps_slice_text(request->key),
                                    .body = request->body,
                                    .headers = {.timestamp = ps_slice_text(timestamp),
                                                .nonce = ps_slice_of(nonce, sizeof nonce)}};
    ps_signature_make(ps_slice_text(client->options->key), &text, signature);
    ps_buf_append_format(&c->output,
                         "Paystream-Timestamp: %s\r\nPaystream-Nonce: %.*s\r\n"
                         "Paystream-Signature: %.*s\r\n",
                         timestamp, (int)sizeof nonce, nonce, (int)sizeof signature, signature);
}

static void request_start(load_client *client, connection *c, const ps_mix_request *request,
                          int64_t due_ns)
{
    ps_buf_clear(&c->output);
    c->sent = 0;
    c->busy = true;
    c->replied = false;
    c->due_ns = due_ns;
    c->payment_count = request->payment_count;
    snprintf(c->path, sizeof c->path, "%s", request->path);
    ps_buf_append_format(&c->output,
                         "POST %s HTTP/1.1\r\nHost: %s:%s\r\nAuthorization: Bearer %s\r\n",
                         request->path, client->host, client->port, client->options->key);
    if (request->key[0] != '\0') {
        ps_buf_append_format(&c->output, "Idempotency-Key: %s\r\n", request->key);
    }
    if (client->options->signs) {
        signature_put(client, c, request);
    }
    ps_buf_append_format(&c->output,
                         "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                         request->body.size);
    ps_buf_append_slice(&c->output, request->body);
    PS_ASSERT(!c->output.failed);
    output_flush(client, c);
}

static int on_body(llhttp_t *parser, const char *at, size_t size)
{
    connection *c = parser->data;
    size_t room = BODY_KEPT_MAX - c->body.size;
    ps_buf_append(&c->body, at, size < room ? size : room);
    return 0;
}

static int on_complete(llhttp_t *parser)
{
    connection *c = parser->data;
    load_client *client = c->client;
    uint16_t status = parser->status_code < PS_LOAD_STATUS_MAX ? parser->status_code : 0;
    int64_t now_ns = ps_io_now_mono_ns(client->io);
    client->result->requests++;
    client->result->by_status[status]++;
    if (status < 300 || status == 402) {
        client->result->payments += c->payment_count;
    }
    ps_histogram_add(&client->result->latency, (uint64_t)(now_ns - c->due_ns));
    ps_mix_reply(client->mix, c->path, status, ps_buf_slice(&c->body));
    ps_buf_clear(&c->body);
    c->replied = true;
    return 0;
}

static void input_read(load_client *client, connection *c)
{
    ssize_t size = recv(c->fd, client->input, READ_SIZE, 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (size <= 0 || llhttp_execute(&c->parser, client->input, (size_t)size) != HPE_OK) {
        connection_lose(client, c);
        return;
    }
    if (c->replied) {
        c->busy = false;
        c->replied = false;
        idle_put(client, c);
    }
}

/* ── loops ── */

static void events_wait(load_client *client, int timeout_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(client->epoll, events, EVENTS_MAX, timeout_ms);
    for (int i = 0; i < count; i++) {
        connection *c = &client->connections[events[i].data.u32];
        if (c->fd >= 0 && (events[i].events & EPOLLOUT) != 0) {
            struct epoll_event event = {.events = EPOLLIN, .data.u32 = events[i].data.u32};
            epoll_ctl(client->epoll, EPOLL_CTL_MOD, c->fd, &event);
            output_flush(client, c);
        }
        if (c->fd >= 0 && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
            input_read(client, c);
        }
    }
}

static uint32_t connections_alive(const load_client *client)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < client->options->connection_count; i++) {
        count += client->connections[i].fd >= 0 ? 1 : 0;
    }
    return count;
}

static bool is_stopped(const load_client *client, int64_t now_ns)
{
    const ps_load_options *options = client->options;
    bool over = options->seconds_ns > 0 && now_ns - client->start_ns >= options->seconds_ns;
    bool asked = options->stop != NULL && atomic_load(options->stop);
    return over || asked;
}

/* Open loop: how many more requests are due by now, and when the next of them was. */
static bool request_is_due(load_client *client, int64_t now_ns, int64_t *out_due_ns)
{
    double rate = client->options->rate;
    if (rate <= 0) {
        *out_due_ns = now_ns;
        return true;
    }
    if (now_ns > client->due_at_ns) {
        double factor = ps_mix_rate_factor(client->mix, now_ns - client->start_ns);
        client->due += rate * factor * (double)(now_ns - client->due_at_ns) / 1e9;
        client->due_at_ns = now_ns;
    }
    double behind = client->due - (double)client->started;
    if (behind < 1) {
        return false;
    }
    *out_due_ns = now_ns - (int64_t)((behind - 1) / rate * 1e9);
    return true;
}

static void requests_dispatch(load_client *client)
{
    int64_t now_ns = ps_io_now_mono_ns(client->io);
    int64_t due_ns = now_ns;
    while (client->idle_count > 0 && request_is_due(client, now_ns, &due_ns)) {
        connection *c = idle_take(client);
        if (c->fd < 0) {
            continue;
        }
        ps_mix_request request;
        ps_mix_next(client->mix, &request);
        request_start(client, c, &request, due_ns);
        client->started++;
    }
}

static void progress_print(const load_client *client, int64_t now_ns)
{
    const ps_load_result *result = client->result;
    double seconds = (double)(now_ns - client->start_ns) / 1e9;
    fprintf(stderr, "\r%.0f s  %llu requests  %.0f/s  %llu errors ", seconds,
            (unsigned long long)result->requests, (double)result->requests / seconds,
            (unsigned long long)result->errors);
}

/* Sends the mix's setup requests, all connections at once, and waits for the last reply. */
static void setup_run(load_client *client)
{
    ps_mix_request request;
    bool more = true;
    while (connections_alive(client) > 0 &&
           (more || client->idle_count < connections_alive(client))) {
        while (more && client->idle_count > 0) {
            more = ps_mix_setup(client->mix, &request);
            if (more) {
                connection *c = idle_take(client);
                request_start(client, c, &request, ps_io_now_mono_ns(client->io));
            }
        }
        if (client->idle_count < connections_alive(client)) {
            events_wait(client, 100);
        }
    }
    memset(client->result, 0, sizeof *client->result);
}

static void measure_run(load_client *client)
{
    client->start_ns = ps_io_now_mono_ns(client->io);
    client->due_at_ns = client->start_ns;
    int64_t shown_ns = client->start_ns;
    int64_t now_ns = client->start_ns;
    while (!is_stopped(client, now_ns) && connections_alive(client) > 0) {
        requests_dispatch(client);
        events_wait(client, client->options->rate > 0 ? 1 : 100);
        now_ns = ps_io_now_mono_ns(client->io);
        if (client->options->progress && now_ns - shown_ns >= PS_NS_PER_S) {
            shown_ns = now_ns;
            progress_print(client, now_ns);
        }
    }
    client->result->seconds = (double)(now_ns - client->start_ns) / 1e9;
    if (client->options->progress) {
        fprintf(stderr, "\r%60s\r", "");
    }
}

static void client_release(load_client *client)
{
    for (uint32_t i = 0; client->connections != NULL && i < client->options->connection_count;
         i++) {
        connection *c = &client->connections[i];
        if (c->client != NULL && c->fd >= 0) {
            close(c->fd);
        }
        ps_buf_release(&c->output);
        ps_buf_release(&c->body);
    }
    if (client->epoll >= 0) {
        close(client->epoll);
    }
    free(client->connections);
    free(client->idle);
    free(client->input);
    free(client);
}

ps_code ps_load_run(ps_io *io, const ps_load_options *options, ps_mix *mix,
                    ps_load_result *out_result, ps_error *err)
{
    load_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for the load generator");
    }
    memset(out_result, 0, sizeof *out_result);
    client->io = io;
    client->options = options;
    client->mix = mix;
    client->result = out_result;
    llhttp_settings_init(&client->settings);
    client->settings.on_body = on_body;
    client->settings.on_message_complete = on_complete;
    client->connections = calloc(options->connection_count, sizeof *client->connections);
    client->idle = calloc(options->connection_count, sizeof *client->idle);
    client->input = malloc(READ_SIZE);
    client->epoll = epoll_create1(EPOLL_CLOEXEC);

    ps_code code = PS_OK;
    if (client->connections == NULL || client->idle == NULL || client->input == NULL ||
        client->epoll < 0) {
        code = ps_error_set(err, PS_E_MEMORY, "no memory for %u connections",
                            options->connection_count);
    }
    if (code == PS_OK) {
        code = url_parse(client, options->url, err);
    }
    if (code == PS_OK) {
        code = connections_open(client, err);
    }
    if (code == PS_OK) {
        setup_run(client);
        measure_run(client);
    }
    client_release(client);
    return code;
}
