/* A network thread: one epoll loop with its sockets, clock and timers (http_loop.c), under the
 * server that owns them (http_server.c).
 *
 * Sockets are registered once, edge-triggered in both directions, so that a request costs one recv,
 * one send and its share of one epoll_wait. Events only mark connections; a turn then settles each
 * marked connection once: read, flush, parse what was held back, close or set its timer.
 */
#ifndef PS_SERVE_HTTP_LOOP_H
#define PS_SERVE_HTTP_LOOP_H

#include <pthread.h>

#include "serve/http_conn.h"

enum { PS_HTTP_READ_SIZE = 64 * 1024 };

typedef struct {
    ps_http_loop loop; /* first: a ps_http_loop of a server is the start of one of these */
    ps_http_server *server;
    pthread_t thread;
    bool has_thread;
    int epoll_fd;
    int wake_fd;
    _Atomic bool wake_pending;
    _Atomic bool is_sleeping; /* in epoll_wait, or about to: a wake needs the eventfd */
    _Atomic bool drain_wanted;
    _Atomic bool stop_wanted;
    _Atomic bool has_left_listener; /* draining: will not accept any more */
    bool is_listening;              /* the listeners are in epoll_fd */
    int64_t next_tick_ns;
    int64_t next_reload_ns;  /* of the TLS files; the first loop's */
    uint64_t tls_generation; /* whose revocation list the open connections were held against */
    int64_t date_second;
    ps_timer_wheel timers;
    char *scratch; /* PS_HTTP_READ_SIZE */
} ps_http_net;

/* Where connections come from: the address of the options, and the one for admins. */
enum { PS_HTTP_LISTENERS = 2 };
typedef struct {
    int fd; /* −1: none */
    uint16_t port;
    bool is_for_admin;
} ps_http_listener;

struct ps_http_server {
    ps_http_options options;
    const ps_http_handler *handler;
    void *context;
    ps_http_listener listeners[PS_HTTP_LISTENERS];
    ps_tls_context *tls;
    ps_http_net *nets;
    uint32_t net_count; /* opened so far */
};

PS_CHECKED ps_code ps_http_net_open(ps_http_net *net, ps_http_server *server, uint32_t index,
                                    ps_error *err);
void ps_http_net_close(ps_http_net *net);
/* The thread's body: turns until stop_wanted. */
void ps_http_net_run(ps_http_net *net);
/* Makes the loop look at its flags. */
void ps_http_net_poke(ps_http_net *net);

int64_t ps_http_clock_ns(void); /* monotonic */
uint64_t ps_http_server_connection_count(const ps_http_server *server);

#endif
