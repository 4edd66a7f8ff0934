/* The engine's clock, and what it says of a snapshot from larger limits. tests/sim runs the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

#include "base/io_sim.h"
#include "base/time.h"
#include "pay/engine.h"

enum { PAYMENTS = 1200, SEED = 7 };

static void options_small(ps_engine_options *out_options)
{
    ps_engine_options_default(out_options);
    out_options->journal.segment_size = 512 * 1024;
    out_options->journal.batch_size_max = 160 * 1024;
    out_options->core.payments_max = 2000;
    out_options->core.accounts_max = 1000;
    out_options->core.keys_max = 2000;
    out_options->core.transfers_max = 4000;
    out_options->core.refunds_max = 1000;
    out_options->core.trades_max = 16000;
    out_options->core.parties_max = 1000;
}

static ps_engine *engine_made(ps_io *io, const ps_engine_options *options)
{
    ps_error err;
    ps_engine *engine = NULL;
    ps_engine_recovery recovery;
    char key[PS_API_KEY_TEXT_MAX];
    const ps_engine_founding founding = {PS_SLICE("shop"), false, options};
    assert_int_equal(ps_engine_found(io, "/d", &founding, key, &err), PS_OK);
    assert_int_equal(ps_engine_open(io, "/d", options, &engine, &recovery, &err), PS_OK);
    return engine;
}

static void payments_make(ps_engine *engine, int count)
{
    ps_payment_request request = {.merchant = PS_SLICE("m"),
                                  .payer = PS_SLICE("p"),
                                  .token = PS_SLICE("tok_ok"),
                                  .amount = 100,
                                  .instrument = PS_INSTRUMENT_CARD,
                                  .confirm = true};
    assert_true(ps_currency_parse(PS_SLICE("EUR"), &request.currency));
    for (int i = 0; i < count; i++) {
        ps_error err;
        ps_reply reply;
        ps_command command = {
            .kind = PS_CMD_PAYMENT_CREATE, .book = 1, .key = 1, .scopes = PS_SCOPE_ADMIN};
        command.u.payment = &request;
        assert_int_equal(ps_engine_execute_durably(engine, &command, &reply, &err), PS_OK);
        assert_int_equal(reply.result.kind, PS_RESULT_RECORD);
    }
}

static void held_time_goes_on_by_1_ns_and_the_clock_is_not_read(void **state)
{
    (void)state;
    ps_sim *sim = ps_sim_new(SEED);
    ps_engine_options options;
    options_small(&options);
    ps_engine *engine = engine_made(ps_sim_io(sim), &options);
    int64_t before_ns = ps_engine_now_ns(engine);
    ps_engine_time_hold(engine);
    int64_t held_ns = ps_engine_now_ns(engine);
    assert_true(held_ns > before_ns);
    ps_sim_advance(sim, PS_NS_PER_S);
    assert_int_equal(ps_engine_now_ns(engine), held_ns + 1);
    assert_int_equal(ps_engine_now_ns(engine), held_ns + 2);
    ps_engine_time_release(engine);
    assert_true(ps_engine_now_ns(engine) > held_ns + PS_NS_PER_S / 2);
    ps_engine_close(engine);
    ps_sim_free(sim);
}

static void larger_data_is_refused_alike_from_a_snapshot_and_from_the_journal(void **state)
{
    (void)state;
    ps_sim *sim = ps_sim_new(SEED);
    ps_io *io = ps_sim_io(sim);
    ps_engine_options options;
    options_small(&options);
    ps_error err;
    ps_engine *engine = engine_made(io, &options);
    payments_make(engine, PAYMENTS);
    assert_int_equal(ps_engine_shutdown(engine, true, &err), PS_OK);
    ps_engine_close(engine);
    options.core.payments_max = 1000;
    for (int i = 0; i < 2; i++) {
        ps_engine_recovery recovery;
        options.ignore_snapshots = i == 1;
        assert_int_equal(ps_engine_open(io, "/d", &options, &engine, &recovery, &err), PS_E_LIMIT);
        assert_string_equal(err.text, "the data holds more payments than limits.payments=1000 "
                                      "allows: raise it");
    }
    options.core.payments_max = PAYMENTS;
    ps_engine_recovery recovery;
    options.ignore_snapshots = false;
    assert_int_equal(ps_engine_open(io, "/d", &options, &engine, &recovery, &err), PS_OK);
    assert_true(recovery.snapshot_seq > 0);
    ps_engine_close(engine);
    ps_sim_free(sim);
}

/* Both sides' turns, `pause_ns` apart, until the snapshot is done. False: it takes more turns. */
static bool snapshot_is_done_in(ps_engine *engine, ps_sim *sim, int turn_count, int64_t pause_ns)
{
    bool busy = true;
    for (int i = 0; i < turn_count && busy; i++) {
        ps_error err;
        assert_int_equal(ps_engine_snapshot_step(engine, false, &busy, &err), PS_OK);
        assert_int_equal(ps_engine_snapshot_write(engine, &err), PS_OK);
        ps_record_batch *batch = ps_engine_batch_close(engine);
        if (batch != NULL) {
            assert_int_equal(ps_journal_commit(ps_engine_journal(engine), batch, &err), PS_OK);
        }
        ps_sim_advance(sim, pause_ns);
    }
    return !busy;
}

static void a_snapshot_takes_the_time_that_its_rate_asks_for(void **state)
{
    (void)state;
    static const struct {
        uint64_t rate;
        int64_t pause_ns;
        bool is_done;
    } table[] = {{0, 0, true}, {1 << 20, 0, false}, {1 << 20, PS_NS_PER_S / 4, true}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        ps_sim *sim = ps_sim_new(SEED);
        ps_engine_options options;
        options_small(&options);
        options.snapshot_rate = table[i].rate;
        ps_engine *engine = engine_made(ps_sim_io(sim), &options);
        payments_make(engine, PAYMENTS);
        ps_error err;
        bool busy = false;
        assert_int_equal(ps_engine_snapshot_step(engine, true, &busy, &err), PS_OK);
        assert_true(busy);
        assert_int_equal(snapshot_is_done_in(engine, sim, 20, table[i].pause_ns), table[i].is_done);
        assert_int_equal(ps_engine_shutdown(engine, true, &err), PS_OK); /* does not wait */
        ps_engine_close(engine);
        ps_sim_free(sim);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(held_time_goes_on_by_1_ns_and_the_clock_is_not_read),
        cmocka_unit_test(a_snapshot_takes_the_time_that_its_rate_asks_for),
        cmocka_unit_test(larger_data_is_refused_alike_from_a_snapshot_and_from_the_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
