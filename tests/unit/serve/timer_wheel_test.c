/* The wheel against the obvious: a list of deadlines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "serve/timer_wheel.h"

enum { TIMERS = 300, TICK = 1000 };

typedef struct {
    ps_timer_wheel wheel;
    ps_timer timers[TIMERS];
    int64_t deadlines[TIMERS]; /* −1: not set */
    bool fired[TIMERS];
    int64_t now;
    uint64_t seed;
} model;

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void on_fire(void *context, ps_timer *timer)
{
    model *m = context;
    size_t i = (size_t)(timer - m->timers);
    assert_false(m->fired[i]);
    assert_false(ps_timer_is_set(timer));
    m->fired[i] = true;
}

/* Due by the rule in the header: the first tick at or behind the deadline has been passed. */
static bool is_due(const model *m, size_t i, int64_t due_tick)
{
    return m->deadlines[i] >= 0 && due_tick <= m->now / TICK;
}

static void a_wheel_fires_what_a_list_would_fire(void **state)
{
    (void)state;
    static model m;
    m.seed = 0x9e3779b97f4a7c15u;
    m.now = 5000000;
    ps_timer_wheel_init(&m.wheel, TICK, m.now);
    static int64_t due_ticks[TIMERS];
    for (size_t i = 0; i < TIMERS; i++) {
        m.deadlines[i] = -1;
    }
    for (int round = 0; round < 20000; round++) {
        size_t i = next_random(&m.seed) % TIMERS;
        uint64_t what = next_random(&m.seed) % 10;
        if (what < 6) {
            int64_t far = next_random(&m.seed) % 8 == 0 ? 2000 * TICK : 100 * TICK;
            int64_t deadline = m.now - 5 * TICK + (int64_t)(next_random(&m.seed) % (uint64_t)far);
            ps_timer_set(&m.wheel, &m.timers[i], deadline);
            m.deadlines[i] = deadline;
            int64_t tick = (deadline + TICK - 1) / TICK;
            due_ticks[i] = tick > m.now / TICK ? tick : m.now / TICK + 1;
        } else if (what < 7) {
            ps_timer_remove(&m.wheel, &m.timers[i]);
            m.deadlines[i] = -1;
        } else {
            int64_t step = next_random(&m.seed) % 50 == 0 ? 1500 * TICK : 3 * TICK;
            m.now += (int64_t)(next_random(&m.seed) % (uint64_t)step);
            memset(m.fired, 0, sizeof m.fired);
            ps_timer_wheel_advance(&m.wheel, m.now, on_fire, &m);
            for (size_t k = 0; k < TIMERS; k++) {
                assert_int_equal(m.fired[k], is_due(&m, k, due_ticks[k]));
                if (m.fired[k]) {
                    assert_true(m.deadlines[k] <= m.now); /* never early */
                    m.deadlines[k] = -1;
                }
                assert_int_equal(ps_timer_is_set(&m.timers[k]), m.deadlines[k] >= 0);
            }
        }
    }
}

typedef struct {
    ps_timer_wheel wheel;
    ps_timer a, b, c;
    int fired;
} trio;

static void set_and_remove_others(void *context, ps_timer *timer)
{
    trio *t = context;
    t->fired++;
    if (timer == &t->a) {
        ps_timer_remove(&t->wheel, &t->b);          /* due in the same advance */
        ps_timer_set(&t->wheel, &t->c, 1);          /* moved into the past */
        ps_timer_set(&t->wheel, &t->a, 100 * TICK); /* itself */
    }
}

static void a_firing_timer_may_set_and_remove_any_timer(void **state)
{
    (void)state;
    static trio t;
    ps_timer_wheel_init(&t.wheel, TICK, 0);
    ps_timer_set(&t.wheel, &t.a, TICK);
    ps_timer_set(&t.wheel, &t.b, TICK);
    ps_timer_set(&t.wheel, &t.c, TICK);
    ps_timer_wheel_advance(&t.wheel, TICK, set_and_remove_others, &t);
    assert_int_equal(t.fired, 1);
    assert_int_equal(t.wheel.count, 2);
    ps_timer_wheel_advance(&t.wheel, 2 * TICK, set_and_remove_others, &t);
    assert_int_equal(t.fired, 2);
    ps_timer_wheel_advance(&t.wheel, 1000 * TICK, set_and_remove_others, &t);
    assert_int_equal(t.fired, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wheel_fires_what_a_list_would_fire),
        cmocka_unit_test(a_firing_timer_may_set_and_remove_any_timer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
