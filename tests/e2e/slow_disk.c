/* Preloaded into the service by a test: every fdatasync but the first few takes SLOW_DISK_MS longer.
 * A tracer could do the same, but needs a share of the very CPU that an overload takes. */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { FAST_CALLS = 8 };

int fdatasync(int fd)
{
    static atomic_int calls;
    const char *text = getenv("SLOW_DISK_MS");
    if (text != NULL && atomic_fetch_add(&calls, 1) >= FAST_CALLS) {
        long ms = strtol(text, NULL, 10);
        struct timespec delay = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
        while (nanosleep(&delay, &delay) != 0) {
        }
    }
    return (int)syscall(SYS_fdatasync, fd);
}
