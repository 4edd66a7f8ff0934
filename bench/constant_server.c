/* The floor of one request per payment: a server that reads each request and answers it with the same bytes,
 * and does nothing else: no decoding, no decision, no journal. What the kernel's TCP and the load generator
 * leave of the machine; no service on it answers more.
 *
 * usage: constant_server BODY_BYTES        prints its address, ends with SIGTERM
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_SIZE = 64 * 1024, EVENTS_MAX = 256, FDS_MAX = 65536 };

static char input[READ_SIZE];
static size_t missing[FDS_MAX]; /* bytes of the request that are still to come */
static char *reply;
static size_t reply_size;

static void check(int result, const char *what)
{
    if (result < 0) {
        perror(what);
        exit(1);
    }
}

static void make_reply(size_t body)
{
    reply = malloc(body + 128);
    int head = snprintf(
        reply, 128,
        "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
        body);
    reply_size = (size_t)head + body;
    memset(reply + head, ' ', body);
    memcpy(reply + head, "{}", 2);
}

/* Bytes of the request behind the `size` that came first. */
static size_t still_missing(size_t size)
{
    input[size] = '\0';
    const char *end = strstr(input, "\r\n\r\n");
    const char *length = strcasestr(input, "\r\ncontent-length:");
    if (end == NULL) {
        fprintf(stderr, "constant_server: a request's head came in parts\n");
        exit(1);
    }
    size_t whole = (size_t)(end + 4 - input) +
                   (length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0);
    return whole > size ? whole - size : 0;
}

static void serve(int fd)
{
    ssize_t size = recv(fd, input, sizeof input - 1, 0);
    if (size <= 0) {
        close(fd);
        return;
    }
    missing[fd] = missing[fd] > 0 ? missing[fd] - (size_t)size : still_missing((size_t)size);
    if (missing[fd] == 0 && send(fd, reply, reply_size, MSG_NOSIGNAL) != (ssize_t)reply_size) {
        close(fd);
    }
}

static int open_listener(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    check(fd, "socket");
    check(bind(fd, (struct sockaddr *)&address, size), "bind");
    check(listen(fd, 1024), "listen");
    check(getsockname(fd, (struct sockaddr *)&address, &size), "getsockname");
    printf("http://127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

static void add_connection(int epoll, int listener)
{
    int fd = accept(listener, NULL, NULL), on = 1;
    if (fd >= FDS_MAX) {
        close(fd);
    } else if (fd >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        missing[fd] = 0;
        watch(epoll, fd);
    }
}

int main(int argc, char **argv)
{
    make_reply(argc > 1 ? strtoul(argv[1], NULL, 10) : 1024);
    int listener = open_listener(), epoll = epoll_create1(0);
    check(epoll, "epoll_create1");
    watch(epoll, listener);
    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(epoll, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener) {
                add_connection(epoll, listener);
            } else {
                serve(events[i].data.fd);
            }
        }
    }
}
