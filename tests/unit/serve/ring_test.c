#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>

#include "serve/ring.h"

static void a_ring_gives_items_in_order_and_says_when_it_is_full(void **state)
{
    (void)state;
    ps_ring ring;
    ps_error err;
    int items[5];
    assert_int_equal(ps_ring_init(&ring, 4, &err), PS_OK);
    assert_null(ps_ring_pop(&ring));
    for (int round = 0; round < 3; round++) { /* wraps around */
        for (int i = 0; i < 4; i++) {
            assert_true(ps_ring_push(&ring, &items[i]));
        }
        assert_false(ps_ring_push(&ring, &items[4]));
        for (int i = 0; i < 4; i++) {
            assert_true(ps_ring_has(&ring));
            assert_ptr_equal(ps_ring_peek(&ring), &items[i]);
            assert_ptr_equal(ps_ring_pop(&ring), &items[i]);
        }
        assert_false(ps_ring_has(&ring));
        assert_null(ps_ring_peek(&ring));
    }
    ps_ring_release(&ring);
}

enum { ITEMS = 200000 };
typedef struct {
    ps_ring ring;
    ps_doorbell filled, emptied;
    uint32_t values[ITEMS];
} pair;

static pair shared;

static void *produce(void *context)
{
    (void)context;
    for (uint32_t i = 0; i < ITEMS; i++) {
        shared.values[i] = i;
        while (!ps_ring_push(&shared.ring, &shared.values[i])) {
            ps_doorbell_arm(&shared.emptied);
            ps_doorbell_sleep(&shared.emptied, 1000000);
        }
        ps_doorbell_ring(&shared.filled);
    }
    return NULL;
}

static void two_threads_lose_nothing_and_wake_each_other(void **state)
{
    (void)state;
    ps_error err;
    pthread_t producer;
    assert_int_equal(ps_ring_init(&shared.ring, 64, &err), PS_OK);
    assert_int_equal(pthread_create(&producer, NULL, produce, NULL), 0);
    for (uint32_t i = 0; i < ITEMS; i++) {
        uint32_t *value = ps_ring_pop(&shared.ring);
        while (value == NULL) {
            ps_doorbell_arm(&shared.filled);
            if (!ps_ring_has(&shared.ring)) {
                /* a lost wake would end the test by its time limit */
                ps_doorbell_sleep(&shared.filled, INT64_C(600000000000));
            } else {
                ps_doorbell_disarm(&shared.filled);
            }
            value = ps_ring_pop(&shared.ring);
        }
        assert_int_equal(*value, i);
        ps_doorbell_ring(&shared.emptied);
    }
    pthread_join(producer, NULL);
    ps_ring_release(&shared.ring);
}

static void a_bell_that_rang_before_sleep_does_not_block(void **state)
{
    (void)state;
    ps_doorbell bell = {0};
    ps_doorbell_arm(&bell);
    ps_doorbell_ring(&bell);
    ps_doorbell_sleep(&bell, INT64_C(600000000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ring_gives_items_in_order_and_says_when_it_is_full),
        cmocka_unit_test(two_threads_lose_nothing_and_wake_each_other),
        cmocka_unit_test(a_bell_that_rang_before_sleep_does_not_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
