/* E6: every allocation of an engine's life fails, once and from then on: an error or a refusal, never
 * a lie, a leak or undefined behaviour (run it under -DPS_SANITIZE=address,undefined, too). What was
 * acknowledged is there afterwards.
 *
 * malloc and its kin are wrapped at link (CMakeLists.txt); the simulated disk keeps its memory. A
 * sample by default; all with PS_FULL=1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sys/mman.h>

#include "reference.h"
#include "tap.h"

static uint64_t alloc_count;
static uint64_t alloc_fails_at; /* 0: never */
static bool alloc_fails_on;     /* and every later one */
static bool alloc_is_counted;   /* only between calls of the disk */

static bool alloc_fails(void)
{
    if (!alloc_is_counted) {
        return false;
    }
    alloc_count++;
    return alloc_fails_at != 0 &&
           (alloc_fails_on ? alloc_count >= alloc_fails_at : alloc_count == alloc_fails_at);
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__real_mmap(void *at, size_t size, int protection, int flags, int file, off_t offset);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int file, off_t offset);

void *__wrap_malloc(size_t size)
{
    return alloc_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return alloc_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return alloc_fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return alloc_fails() ? NULL : __real_aligned_alloc(alignment, size);
}

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int file, off_t offset)
{
    return alloc_fails() ? MAP_FAILED : __real_mmap(at, size, protection, flags, file, offset);
}

static void before_call(void *context, bool is_step)
{
    (void)context;
    (void)is_step;
    alloc_is_counted = false;
}

static void after_call(void *context, bool is_step)
{
    (void)context;
    (void)is_step;
    alloc_is_counted = true;
}

static void restart_check(const reference *r, ps_sim *sim, uint64_t k)
{
    ps_error err;
    ps_engine *engine = NULL;
    ps_engine_recovery recovery;
    ps_sim_crash(sim, PS_SURVIVE_NONE);
    if (ps_engine_open(ps_sim_io(sim), REFERENCE_DIR, &r->options, &engine, &recovery, &err) !=
        PS_OK) {
        fail_msg("allocation %llu: does not open afterwards: %s", (unsigned long long)k, err.text);
    }
    uint64_t last_seq = ps_core_last_seq(ps_engine_core(engine));
    if (last_seq < r->acknowledged_seq || last_seq > r->executed_seq) {
        fail_msg("allocation %llu: recovered up to seq %llu, acknowledged was %llu",
                 (unsigned long long)k, (unsigned long long)last_seq,
                 (unsigned long long)r->acknowledged_seq);
    }
    ps_engine_close(engine);
}

/* True: the life had a k-th allocation. */
static bool life_check(uint64_t k, bool fails_on)
{
    reference r;
    tap t;
    ps_sim *sim = ps_sim_new(1);
    tap_init(&t, ps_sim_io(sim));
    t.before = before_call;
    t.after = after_call;
    reference_init(&r, sim, &t.io, 2, 50);
    alloc_count = 0;
    alloc_fails_at = k;
    alloc_fails_on = fails_on;
    alloc_is_counted = true;
    ps_code code = reference_run(&r);
    ps_engine_close(r.engine);
    alloc_is_counted = false;
    r.engine = NULL;
    bool reached = alloc_count >= k;
    if (code != PS_OK && code != PS_E_MEMORY) {
        fail_msg("allocation %llu: %s", (unsigned long long)k, r.err.text);
    }
    if (code != PS_OK && !reached) {
        fail_msg("fails without a failing allocation: %s", r.err.text);
    }
    if (r.created) {
        restart_check(&r, sim, k);
    }
    reference_release(&r);
    ps_sim_free(sim);
    return reached;
}

static void any_failing_allocation_is_an_error_and_loses_nothing(void **state)
{
    (void)state;
    const char *text = getenv("PS_SEED");
    uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : 1;
    uint64_t every = getenv("PS_FULL") != NULL ? 1 : 7;
    uint64_t lives = 0;
    for (int fails_on = 0; fails_on < 2; fails_on++) {
        for (uint64_t k = 1 + seed % every; life_check(k, fails_on == 1); k += every) {
            lives++;
        }
    }
    print_message("           lives with a failed allocation: %llu\n", (unsigned long long)lives);
    assert_true(lives > 20);
}

/* The path of a command takes no memory: after the start only segments and snapshots do. */
static void commands_allocate_nothing(void **state)
{
    (void)state;
    ps_error err;
    ps_engine *engine = NULL;
    ps_engine_recovery recovery;
    reference r;
    ps_sim *sim = ps_sim_new(1);
    reference_init(&r, sim, ps_sim_io(sim), 1, 30);
    assert_int_equal(reference_run(&r), PS_OK);
    assert_int_equal(
        ps_engine_open(ps_sim_io(sim), REFERENCE_DIR, &r.options, &engine, &recovery, &err), PS_OK);
    ps_command command = {.kind = PS_CMD_TRANSFER_CREATE, .book = 1, .key = 1};
    command.scopes = PS_SCOPE_ADMIN;
    command.amount = 7;
    command.u.transfer.debit = PS_SLICE("world");
    command.u.transfer.credit = PS_SLICE("payer:p1");
    bool known = ps_currency_parse(PS_SLICE("EUR"), &command.currency);
    assert_true(known);
    alloc_count = 0;
    alloc_fails_at = 0;
    for (int i = 0; i < 50; i++) {
        ps_reply reply;
        alloc_is_counted = true;
        bool done = ps_engine_execute(engine, &command, &reply);
        alloc_is_counted = false;
        assert_true(done && reply.result.kind == PS_RESULT_RECORD);
    }
    assert_int_equal(alloc_count, 0);
    ps_engine_close(engine);
    reference_release(&r);
    ps_sim_free(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_failing_allocation_is_an_error_and_loses_nothing),
        cmocka_unit_test(commands_allocate_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
