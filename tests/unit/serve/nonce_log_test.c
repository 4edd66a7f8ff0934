/* The log of nonces on the simulated disk: once and only once, over generations and restarts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/io_sim.h"
#include "serve/nonce_log.h"

enum { T0 = 1767225600, WINDOW = 300 };

typedef struct {
    ps_sim *sim;
    ps_io *io;
    ps_nonce_log *log;
    ps_error err;
} fixture;

static ps_u128 nonce(uint64_t number)
{
    return (ps_u128){.high = number, .low = number * 0x9E3779B97F4A7C15U};
}

static void log_open(fixture *f, uint32_t count_max, int64_t now_s)
{
    assert_int_equal(ps_nonce_log_open(f->io, "/d", count_max, now_s, &f->log, &f->err), PS_OK);
}

static void log_reopen(fixture *f, uint32_t count_max, int64_t now_s)
{
    ps_nonce_log_close(f->log);
    f->log = NULL;
    log_open(f, count_max, now_s);
}

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    f->sim = ps_sim_new(1);
    f->io = ps_sim_io(f->sim);
    *state = f;
    return ps_io_make_dir(f->io, "/d", &f->err) == PS_OK ? 0 : -1;
}

static int teardown(void **state)
{
    fixture *f = *state;
    ps_nonce_log_close(f->log);
    ps_sim_free(f->sim);
    free(f);
    return 0;
}

static void a_nonce_counts_once(void **state)
{
    fixture *f = *state;
    log_open(f, 1000, T0);
    for (uint64_t i = 0; i < 1000; i++) { /* 0: the one whose hash is zero */
        assert_int_equal(ps_nonce_log_take(f->log, nonce(i), T0), PS_NONCE_FRESH);
        assert_int_equal(ps_nonce_log_take(f->log, nonce(i), T0), PS_NONCE_USED);
    }
    for (uint64_t i = 0; i < 1000; i++) {
        assert_int_equal(ps_nonce_log_take(f->log, nonce(i), T0 + 600), PS_NONCE_USED);
    }
}

static void a_restart_forgets_nothing(void **state)
{
    fixture *f = *state;
    log_open(f, 20000, T0);
    for (uint64_t i = 0; i < 5000; i++) { /* more than a block of the file */
        assert_int_equal(ps_nonce_log_take(f->log, nonce(i), T0), PS_NONCE_FRESH);
    }
    log_reopen(f, 20000, T0 + 1);
    for (uint64_t i = 0; i < 5000; i++) {
        assert_int_equal(ps_nonce_log_take(f->log, nonce(i), T0 + 1), PS_NONCE_USED);
    }
    assert_int_equal(ps_nonce_log_take(f->log, nonce(5000), T0 + 1), PS_NONCE_FRESH);
    log_reopen(f, 20000, T0 + 2);
    assert_int_equal(ps_nonce_log_take(f->log, nonce(0), T0 + 2), PS_NONCE_USED);
    assert_int_equal(ps_nonce_log_take(f->log, nonce(5000), T0 + 2), PS_NONCE_USED);
}

/* A nonce is remembered for as long as its timestamp, at most a window ahead, is fresh. */
static void a_nonce_is_remembered_until_its_timestamp_is_stale(void **state)
{
    (void)state;
    for (int64_t taken = 0; taken <= 1500; taken += 75) {
        void *own = NULL;
        assert_int_equal(setup(&own), 0);
        fixture *f = own;
        log_open(f, 1000, T0);
        for (int64_t at = 0, i = 1; at < taken;
             at += 50, i++) { /* traffic that moves generations */
            assert_int_equal(ps_nonce_log_take(f->log, nonce((uint64_t)i), T0 + at),
                             PS_NONCE_FRESH);
        }
        assert_int_equal(ps_nonce_log_take(f->log, nonce(7777), T0 + taken), PS_NONCE_FRESH);
        for (int64_t at = taken, i = 1000; at <= taken + 2 * WINDOW; at += 50, i++) {
            assert_int_equal(ps_nonce_log_take(f->log, nonce((uint64_t)i), T0 + at),
                             PS_NONCE_FRESH);
            log_reopen(f, 1000, T0 + at);
            assert_int_equal(ps_nonce_log_take(f->log, nonce(7777), T0 + at), PS_NONCE_USED);
        }
        teardown(&own);
    }
}

static void a_full_generation_refuses_until_the_next_begins(void **state)
{
    fixture *f = *state;
    log_open(f, 10, T0);
    for (uint64_t i = 1; i <= 10; i++) {
        assert_int_equal(ps_nonce_log_take(f->log, nonce(i), T0 + 1), PS_NONCE_FRESH);
    }
    assert_int_equal(ps_nonce_log_take(f->log, nonce(11), T0 + 600), PS_NONCE_FULL);
    log_reopen(f, 10, T0 + 600);
    assert_int_equal(ps_nonce_log_take(f->log, nonce(11), T0 + 600), PS_NONCE_FULL);
    assert_int_equal(ps_nonce_log_take(f->log, nonce(11), T0 + 601), PS_NONCE_FRESH);
    assert_int_equal(ps_nonce_log_take(f->log, nonce(10), T0 + 601), PS_NONCE_USED);
}

static void a_clock_that_goes_back_makes_nothing_fresh(void **state)
{
    fixture *f = *state;
    log_open(f, 100, T0);
    assert_int_equal(ps_nonce_log_take(f->log, nonce(1), T0), PS_NONCE_FRESH);
    assert_int_equal(ps_nonce_log_take(f->log, nonce(2), T0 + 700), PS_NONCE_FRESH);
    assert_int_equal(ps_nonce_log_take(f->log, nonce(3), T0 + 1400), PS_NONCE_FRESH);
    assert_int_equal(ps_nonce_log_now_s(f->log, T0), T0 + 1400); /* 1 is forgotten, and stale */
    assert_int_equal(ps_nonce_log_take(f->log, nonce(2), T0), PS_NONCE_USED);
    assert_int_equal(ps_nonce_log_now_s(f->log, T0 + 1500), T0 + 1500);
}

static void what_cannot_be_written_is_not_taken(void **state)
{
    fixture *f = *state;
    log_open(f, 100, T0);
    ps_sim_fail_rate(f->sim, PS_SIM_WRITE, 1000000, 5);
    assert_int_equal(ps_nonce_log_take(f->log, nonce(1), T0), PS_NONCE_FAILED);
    ps_sim_fail_rate(f->sim, PS_SIM_WRITE, 0, 0);
    assert_int_equal(ps_nonce_log_take(f->log, nonce(1), T0), PS_NONCE_FRESH);
    assert_int_equal(ps_nonce_log_take(f->log, nonce(1), T0), PS_NONCE_USED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(a_nonce_counts_once),
        CASE(a_restart_forgets_nothing),
        CASE(a_nonce_is_remembered_until_its_timestamp_is_stale),
        CASE(a_full_generation_refuses_until_the_next_begins),
        CASE(a_clock_that_goes_back_makes_nothing_fresh),
        CASE(what_cannot_be_written_is_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
