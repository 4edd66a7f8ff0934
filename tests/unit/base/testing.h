/* What the base tests share: cmocka, a seeded generator, and "this call must stop the process". */
#ifndef PS_TEST_BASE_TESTING_H
#define PS_TEST_BASE_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"

/* splitmix64. */
static inline uint64_t test_next(uint64_t *state)
{
    *state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = *state;
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static inline uint64_t test_draw(uint64_t *state, uint64_t bound)
{
    return test_next(state) % bound;
}

/* The full count with PS_FULL=1, else the sample. */
static inline uint64_t test_count(uint64_t sample, uint64_t full)
{
    const char *setting = getenv("PS_FULL");
    return setting != NULL && strcmp(setting, "1") == 0 ? full : sample;
}

static inline void test_expect_abort(void (*call)(void *), void *argument)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDERR_FILENO);
        call(argument);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

#endif
