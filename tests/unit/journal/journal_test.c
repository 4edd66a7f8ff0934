/* The write side, cursors and scrub, without faults. */
#include "fixture.h"

static void what_was_committed_is_read_back_after_reopening(void **state)
{
    (void)state;
    ps_sim *sim = ps_sim_new(1);
    ps_io *io = ps_sim_io(sim);
    ps_error err = {0};
    fx_oracle oracle = {0};
    fx_create(io, &fx_small);
    for (uint32_t round = 0; round < 5; round++) {
        ps_journal *journal = fx_open(io, &fx_small);
        assert_int_equal(ps_journal_durable_seq(journal), oracle.acked);
        for (uint32_t i = 0; i < 20; i++) {
            fx_must(ps_journal_prepare(journal, &err), &err);
            assert_true(ps_journal_has_room(journal));
            fx_must(fx_commit(journal, 1 + i, &oracle, &err), &err);
            assert_int_equal(oracle.acked, oracle.submitted);
            if (i % 5 == 0) {
                fx_must(ps_journal_seal(journal, round % 2 == 0, &err), &err);
            }
            assert_true(fx_read_all(journal, &err));
        }
        ps_journal_close(journal);
    }
    ps_sim_free(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_committed_is_read_back_after_reopening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
