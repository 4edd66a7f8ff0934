#include "serve/http_loop.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"

#define TICK_NS (100 * PS_NS_PER_MS)
#define LINGER_NS (1 * PS_NS_PER_S)

#define RELOAD_NS (1 * PS_NS_PER_S)

enum {
    EVENTS_MAX = 256,
    ACCEPTS_PER_TURN = 64,
    LINGER_SIZE_MAX = 1024 * 1024,
    ADMIN_RESERVE = 64 /* connections that an admin gets when all others are taken */
};

int64_t ps_http_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * PS_NS_PER_S + now.tv_nsec;
}

static void refresh_date(ps_http_net *net)
{
    time_t now = time(NULL);
    if (now == net->date_second) {
        return;
    }
    net->date_second = now;
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct tm tm;
    gmtime_r(&now, &tm);
    char text[64]; /* RFC 9110 §5.6.7, whatever the locale is */
    int size = snprintf(text, sizeof text, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
                        days + (size_t)tm.tm_wday * 3, tm.tm_mday, months + (size_t)tm.tm_mon * 3,
                        tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
    if (size == (int)sizeof net->loop.date) {
        memcpy(net->loop.date, text, sizeof net->loop.date);
    }
}

/* ── open and close ── */

static bool watch(ps_http_net *net, int fd, uint32_t events, void *data)
{
    struct epoll_event event = {.events = events, .data.ptr = data};
    return epoll_ctl(net->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* What an event points at: a connection, a listener of the server, or this. */
static void *wake_mark(ps_http_net *net)
{
    return &net->wake_fd;
}

/* NULL: the mark is no listener's. */
static const ps_http_listener *listener_of(const ps_http_net *net, const void *mark)
{
    for (size_t i = 0; i < PS_HTTP_LISTENERS; i++) {
        if (mark == &net->server->listeners[i]) {
            return &net->server->listeners[i];
        }
    }
    return NULL;
}

static void stop_listening(ps_http_net *net)
{
    for (size_t i = 0; i < PS_HTTP_LISTENERS && net->is_listening; i++) {
        if (net->server->listeners[i].fd >= 0) {
            epoll_ctl(net->epoll_fd, EPOLL_CTL_DEL, net->server->listeners[i].fd, NULL);
        }
    }
    net->is_listening = false;
}

static bool start_listening(ps_http_net *net)
{
    net->is_listening = true;
    for (size_t i = 0; i < PS_HTTP_LISTENERS; i++) {
        ps_http_listener *listener = &net->server->listeners[i];
        if (listener->fd >= 0 && !watch(net, listener->fd, EPOLLIN | EPOLLEXCLUSIVE, listener)) {
            stop_listening(net);
            return false;
        }
    }
    return true;
}

ps_code ps_http_net_open(ps_http_net *net, ps_http_server *server, uint32_t index, ps_error *err)
{
    memset(net, 0, sizeof *net);
    net->server = server;
    net->epoll_fd = -1;
    net->wake_fd = -1;
    ps_http_loop_init(&net->loop, &server->options, server->handler, server->context);
    net->loop.index = index;
    net->loop.now_ns = ps_http_clock_ns();
    net->next_tick_ns = net->loop.now_ns + TICK_NS;
    ps_timer_wheel_init(&net->timers, TICK_NS, net->loop.now_ns);
    refresh_date(net);
    net->scratch = malloc(PS_HTTP_READ_SIZE);
    if (net->scratch == NULL) {
        ps_http_net_close(net);
        return ps_error_set(err, PS_E_MEMORY, "cannot allocate a network loop");
    }
    net->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    net->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    /* Edge-triggered: every write to it wakes us, and nobody has to read it. */
    if (net->epoll_fd < 0 || net->wake_fd < 0 ||
        !watch(net, net->wake_fd, EPOLLIN | EPOLLET, wake_mark(net)) || !start_listening(net)) {
        ps_code code = ps_error_set_os(err, errno, "cannot set up a network loop");
        ps_http_net_close(net);
        return code;
    }
    return PS_OK;
}

static void drop_conn(ps_http_net *net, ps_http_conn *conn)
{
    ps_timer_remove(&net->timers, &conn->timer);
    ps_tls_free(conn->tls);
    close(conn->fd);
    ps_http_conn_close(conn);
    ps_http_count(&net->loop.counters.connections, UINT64_MAX); /* minus one */
}

void ps_http_net_close(ps_http_net *net)
{
    while (net->loop.conns != NULL) {
        drop_conn(net, net->loop.conns);
    }
    ps_http_loop_release(&net->loop);
    free(net->scratch);
    if (net->epoll_fd >= 0) {
        close(net->epoll_fd);
    }
    if (net->wake_fd >= 0) {
        close(net->wake_fd);
    }
}

/* ── accepting ── */

static void peer_of(const struct sockaddr_storage *address, uint8_t out_peer[16])
{
    memset(out_peer, 0, 16);
    if (address->ss_family == AF_INET6) {
        memcpy(out_peer, &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
    } else if (address->ss_family == AF_INET) {
        out_peer[10] = 0xff;
        out_peer[11] = 0xff;
        memcpy(out_peer + 12, &((const struct sockaddr_in *)address)->sin_addr, 4);
    }
}

/* One connection too many: said in a packet, without keeping anything. */
static void refuse_conn(ps_http_net *net, int fd)
{
    ps_http_loop *loop = &net->loop;
    ps_http_count(&loop->counters.refused_full, 1);
    static const uint8_t nobody[16] = {0};
    ps_http_conn *conn = net->server->tls == NULL ? ps_http_conn_open(loop, nobody) : NULL;
    if (conn != NULL) {
        ps_http_conn_refuse(conn, ps_http_refusal_of(PS_HTTP_TOO_MANY_CONNECTIONS));
        ps_slice out = ps_http_conn_output(conn);
        (void)!send(fd, out.data, out.size, MSG_NOSIGNAL | MSG_DONTWAIT);
        shutdown(fd, SHUT_WR);
        (void)!recv(fd, net->scratch, PS_HTTP_READ_SIZE, MSG_DONTWAIT); /* unread bytes would RST */
        ps_http_conn_close(conn);
    }
    close(fd);
}

static void take_conn(ps_http_net *net, const ps_http_listener *listener, int fd,
                      const struct sockaddr_storage *address)
{
    ps_http_loop *loop = &net->loop;
    ps_http_server *server = net->server;
    uint64_t connections_max =
        (uint64_t)server->options.connections_max + (listener->is_for_admin ? ADMIN_RESERVE : 0);
    ps_http_count(&loop->counters.accepted, 1);
    if (ps_http_server_connection_count(server) >= connections_max) {
        refuse_conn(net, fd);
        return;
    }
    uint8_t peer[16];
    peer_of(address, peer);
    ps_http_conn *conn = ps_http_conn_open(loop, peer);
    if (conn == NULL) {
        ps_http_count(&loop->counters.refused_full, 1);
        close(fd);
        return;
    }
    ps_http_count(&loop->counters.connections, 1);
    conn->fd = fd;
    conn->is_by_admin = listener->is_for_admin;
    if (server->tls != NULL) {
        conn->tls = ps_tls_new(server->tls, fd);
        conn->is_handshaking = true;
    }
    if ((server->tls != NULL && conn->tls == NULL) ||
        !watch(net, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, conn)) {
        drop_conn(net, conn);
        return;
    }
    ps_http_conn_touch(conn); /* for its timer */
}

static bool is_out_of_files(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void accept_some(ps_http_net *net, const ps_http_listener *listener)
{
    for (int i = 0; i < ACCEPTS_PER_TURN && net->is_listening; i++) {
        struct sockaddr_storage address;
        socklen_t size = sizeof address;
        int fd =
            accept4(listener->fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            take_conn(net, listener, fd, &address);
        } else if (is_out_of_files(errno)) {
            /* The listener stays ready: leave it until the next tick instead of spinning (E5). */
            ps_http_count(&net->loop.counters.accept_pauses, 1);
            stop_listening(net);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } /* else: that one connection has failed (ECONNABORTED and the like) */
    }
}

/* ── settling a connection ── */

static void fail_conn(ps_http_conn *conn)
{
    if (!conn->broken) {
        ps_http_count(&conn->loop->counters.resets, 1);
        conn->broken = true;
    }
}

static void read_plain(ps_http_net *net, ps_http_conn *conn)
{
    ssize_t size = recv(conn->fd, net->scratch, PS_HTTP_READ_SIZE, 0);
    if (size > 0) {
        /* A short read has emptied the socket; more makes a new edge. */
        conn->is_readable = size == PS_HTTP_READ_SIZE || conn->has_hangup;
        ps_http_conn_feed(conn, ps_slice_of(net->scratch, (size_t)size));
    } else if (size == 0) {
        conn->is_readable = false;
        ps_http_conn_feed_eof(conn);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        conn->is_readable = false;
    } else if (errno != EINTR) {
        fail_conn(conn);
    }
}

static void read_tls(ps_http_net *net, ps_http_conn *conn)
{
    size_t size = 0;
    ps_tls_result result = PS_TLS_DONE;
    while (result == PS_TLS_DONE && size < PS_HTTP_READ_SIZE) {
        size_t step = 0;
        result = ps_tls_read(conn->tls, net->scratch + size, PS_HTTP_READ_SIZE - size, &step);
        size += step;
    }
    conn->is_readable = result == PS_TLS_DONE;
    if (size > 0) {
        ps_http_conn_feed(conn, ps_slice_of(net->scratch, size));
    }
    if (result == PS_TLS_EOF) {
        ps_http_conn_feed_eof(conn);
    } else if (result == PS_TLS_FAILED) {
        fail_conn(conn);
    }
}

static void handshake(ps_http_net *net, ps_http_conn *conn)
{
    ps_tls_result result = ps_tls_handshake(conn->tls);
    /* The list may have been read again since the handshake began. */
    if (result == PS_TLS_DONE && !ps_tls_is_revoked(net->server->tls, conn->tls)) {
        conn->is_handshaking = false;
        conn->active_ns = conn->loop->now_ns;
    } else if (result != PS_TLS_WAITS) {
        ps_http_count(&conn->loop->counters.tls_failures, 1);
        conn->broken = true;
    }
}

static void flush_conn(ps_http_conn *conn)
{
    /* Until the socket says EAGAIN: only that arms the next edge. */
    for (;;) {
        ps_slice out = ps_http_conn_output(conn);
        if (out.size == 0 || conn->broken) {
            return;
        }
        if (conn->tls != NULL) {
            size_t sent = 0;
            ps_tls_result result = ps_tls_write(conn->tls, out, &sent);
            if (result == PS_TLS_WAITS) {
                return;
            }
            if (result != PS_TLS_DONE) {
                fail_conn(conn);
                return;
            }
            ps_http_conn_sent(conn, sent);
            continue;
        }
        ssize_t sent = send(conn->fd, out.data, out.size, MSG_NOSIGNAL);
        if (sent >= 0) {
            ps_http_conn_sent(conn, (size_t)sent);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } else if (errno != EINTR) {
            fail_conn(conn);
            return;
        }
    }
}

static void rearm(ps_http_net *net, ps_http_conn *conn)
{
    int64_t deadline = conn->is_lingering ? conn->linger_until_ns : ps_http_conn_deadline(conn);
    /* A deadline that moves back is left alone: the timer fires early once and looks again. */
    if (deadline != INT64_MAX &&
        (!ps_timer_is_set(&conn->timer) || deadline < conn->timer.deadline_ns)) {
        ps_timer_set(&net->timers, &conn->timer, deadline);
    }
}

/* Reads and drops, so that the last answer is not destroyed by a reset. */
static void linger(ps_http_net *net, ps_http_conn *conn)
{
    bool ended = conn->broken || net->loop.now_ns >= conn->linger_until_ns;
    while (!ended && conn->is_readable) {
        ssize_t size = recv(conn->fd, net->scratch, PS_HTTP_READ_SIZE, 0);
        if (size > 0) {
            conn->lingered_size += (uint64_t)size;
            ended = conn->lingered_size > LINGER_SIZE_MAX;
        } else if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            conn->is_readable = false;
        } else {
            ended = size == 0 || errno != EINTR;
        }
    }
    if (ended) {
        drop_conn(net, conn);
    } else {
        rearm(net, conn);
    }
}

static void end_conn(ps_http_net *net, ps_http_conn *conn)
{
    bool says_goodbye = !conn->broken;
    if (says_goodbye && conn->tls != NULL) {
        ps_tls_shutdown(conn->tls);
    }
    if (!says_goodbye || !conn->lingers || conn->has_eof || shutdown(conn->fd, SHUT_WR) != 0) {
        drop_conn(net, conn);
        return;
    }
    conn->is_lingering = true;
    conn->is_readable = true;
    conn->linger_until_ns = net->loop.now_ns + LINGER_NS;
    linger(net, conn);
}

static void settle(ps_http_net *net, ps_http_conn *conn)
{
    if (conn->is_lingering) {
        linger(net, conn);
        return;
    }
    if (conn->is_handshaking && !conn->broken) {
        handshake(net, conn);
    }
    if (conn->has_hangup && conn->input == PS_HTTP_IN_CLOSED) {
        conn->has_eof = true; /* we do not read to it any more, but streams want to know */
    }
    bool is_open = !conn->is_handshaking;
    if (is_open && conn->is_readable && ps_http_conn_wants_read(conn)) {
        if (conn->tls != NULL) {
            read_tls(net, conn);
        } else {
            read_plain(net, conn);
        }
    }
    do {
        if (is_open) {
            flush_conn(conn);
            ps_http_conn_tell_streams(conn);
            flush_conn(conn);
        }
        if (ps_http_conn_is_finished(conn)) {
            end_conn(net, conn);
            return;
        }
    } while (ps_http_conn_pump(conn));
    rearm(net, conn);
    if (is_open && conn->is_readable && ps_http_conn_wants_read(conn)) {
        ps_http_conn_touch(conn); /* more of it in the next turn, after the others */
    }
}

static void settle_dirty(ps_http_net *net)
{
    ps_http_loop *loop = &net->loop;
    /* One round over those that are marked now; what they mark waits for the next turn. Settling
     * one may end another's requests, but frees no connection except itself. */
    ps_http_conn *list = loop->dirty;
    loop->dirty = NULL;
    while (list != NULL) {
        ps_http_conn *conn = list;
        list = conn->dirty_next;
        conn->is_dirty = false;
        settle(net, conn);
    }
}

/* ── the turn ── */

static void on_timer(void *context, ps_timer *timer)
{
    (void)context;
    ps_http_conn *conn = (ps_http_conn *)((char *)timer - offsetof(ps_http_conn, timer));
    if (!conn->is_lingering) {
        ps_http_conn_expire(conn);
    }
    ps_http_conn_touch(conn);
}

static void on_conn_event(ps_http_conn *conn, uint32_t events)
{
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
        fail_conn(conn); /* both directions are gone: nothing can be answered */
    }
    if ((events & (EPOLLIN | EPOLLRDHUP)) != 0) {
        conn->is_readable = true;
        conn->has_hangup = conn->has_hangup || (events & EPOLLRDHUP) != 0;
    }
    ps_http_conn_touch(conn);
}

static void begin_drain(ps_http_net *net)
{
    stop_listening(net);
    net->loop.draining = true;
    for (ps_http_conn *conn = net->loop.conns; conn != NULL; conn = conn->next) {
        ps_http_conn_touch(conn);
    }
    atomic_store(&net->has_left_listener, true);
}

/* New connections have the new files by themselves; open ones lose a revoked client here. */
static void revoked_drop(ps_http_net *net)
{
    uint64_t generation = ps_tls_context_generation(net->server->tls);
    if (generation == net->tls_generation) {
        return;
    }
    net->tls_generation = generation;
    for (ps_http_conn *conn = net->loop.conns; conn != NULL; conn = conn->next) {
        if (ps_tls_is_revoked(net->server->tls, conn->tls)) {
            fail_conn(conn);
            ps_http_conn_touch(conn);
        }
    }
}

static void tls_tick(ps_http_net *net)
{
    ps_http_loop *loop = &net->loop;
    if (loop->index == 0 && loop->now_ns >= net->next_reload_ns) {
        ps_error err;
        uint64_t before = ps_tls_context_generation(net->server->tls);
        net->next_reload_ns = loop->now_ns + RELOAD_NS;
        if (ps_tls_context_reload(net->server->tls, &err) != PS_OK) {
            ps_http_count(&loop->counters.tls_reload_failures, 1);
            fprintf(stderr, "paystream: the TLS files in use stay: %s\n", err.text);
        } else if (ps_tls_context_generation(net->server->tls) != before) {
            ps_http_count(&loop->counters.tls_reloads, 1);
        }
    }
    revoked_drop(net);
}

static void tick(ps_http_net *net)
{
    ps_http_loop *loop = &net->loop;
    net->next_tick_ns = loop->now_ns + TICK_NS;
    refresh_date(net);
    if (!net->is_listening && !loop->draining) {
        (void)start_listening(
            net); /* paused for want of descriptors; a failure waits for the next */
    }
    ps_timer_wheel_advance(&net->timers, loop->now_ns, on_timer, NULL);
    if (net->server->tls != NULL) {
        tls_tick(net);
    }
    if (loop->handler->on_tick != NULL) {
        loop->handler->on_tick(loop->context, loop);
    }
}

static int wait_ms(const ps_http_net *net)
{
    int64_t left_ns = net->next_tick_ns - ps_http_clock_ns();
    if (net->loop.dirty != NULL || left_ns <= 0) {
        return 0;
    }
    return (int)(left_ns / PS_NS_PER_MS) + 1;
}

static void turn(ps_http_net *net)
{
    ps_http_loop *loop = &net->loop;
    struct epoll_event events[EVENTS_MAX];
    int timeout_ms = wait_ms(net);
    atomic_store(&net->is_sleeping, timeout_ms > 0);
    if (atomic_load(&net->wake_pending)) {
        timeout_ms = 0; /* a wake came before is_sleeping was seen: it wrote nothing */
    }
    int count = epoll_wait(net->epoll_fd, events, EVENTS_MAX, timeout_ms);
    atomic_store(&net->is_sleeping, false);
    PS_ASSERT(count >= 0 || errno == EINTR);
    loop->now_ns = ps_http_clock_ns();
    for (int i = 0; i < count; i++) {
        void *mark = events[i].data.ptr;
        const ps_http_listener *listener = listener_of(net, mark);
        if (listener != NULL) {
            accept_some(net, listener);
        } else if (mark != wake_mark(net)) {
            on_conn_event(mark, events[i].events);
        }
    }
    if (!loop->draining && atomic_load(&net->drain_wanted)) {
        begin_drain(net);
    }
    if (atomic_exchange(&net->wake_pending, false) && loop->handler->on_wake != NULL) {
        loop->handler->on_wake(loop->context, loop);
    }
    if (loop->now_ns >= net->next_tick_ns) {
        tick(net);
    }
    settle_dirty(net);
}

void ps_http_net_run(ps_http_net *net)
{
    ps_http_loop *loop = &net->loop;
    if (loop->handler->on_loop_start != NULL) {
        loop->handler->on_loop_start(loop->context, loop);
    }
    while (!atomic_load(&net->stop_wanted)) {
        turn(net);
    }
    while (loop->conns != NULL) {
        drop_conn(net, loop->conns); /* here, because the handler hears of it on this thread */
    }
    if (loop->handler->on_loop_stop != NULL) {
        loop->handler->on_loop_stop(loop->context, loop);
    }
}

/* ── waking, any thread ── */

void ps_http_net_poke(ps_http_net *net)
{
    uint64_t one = 1;
    (void)!write(net->wake_fd, &one, sizeof one); /* fails only when the counter is full: awake */
}

void ps_http_loop_wake(ps_http_loop *loop)
{
    ps_http_net *net = (ps_http_net *)loop;
    bool was_pending = atomic_exchange(&net->wake_pending, true);
    if (!was_pending && atomic_load(&net->is_sleeping)) {
        ps_http_net_poke(net);
    }
}
