/* The engine on a virtual disk: create, open, restart, refuse. What crashes and failing calls do to it
 * is in tests/sim. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/io_sim.h"
#include "pay/engine.h"

#define DIR "data"

typedef struct {
    ps_sim *sim;
    ps_io *io;
    ps_engine_options options;
    ps_engine *engine;
    ps_engine_recovery recovery;
    ps_error err;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->sim = ps_sim_new(3);
    f->io = ps_sim_io(f->sim);
    ps_engine_options_default(&f->options);
    f->options.journal.segment_size = 512 * 1024;
    f->options.journal.batch_size_max = 160 * 1024;
    f->options.core.payments_max = 1000;
    f->options.core.accounts_max = 1000;
    f->options.core.keys_max = 1000;
    f->options.core.transfers_max = 1000;
    f->options.core.refunds_max = 1000;
    f->options.core.trades_max = 1000;
    f->options.core.parties_max = 1000;
    char key[PS_API_KEY_TEXT_MAX];
    const ps_engine_founding founding = {PS_SLICE("acme"), false, &f->options};
    assert_int_equal(ps_engine_found(f->io, DIR, &founding, key, &f->err), PS_OK);
    assert_memory_equal(key, "ps_test_", 8);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    ps_engine_close(f->engine);
    ps_sim_free(f->sim);
    free(f);
    return 0;
}

static ps_code open_again(fixture *f)
{
    ps_engine_close(f->engine);
    f->engine = NULL;
    return ps_engine_open(f->io, DIR, &f->options, &f->engine, &f->recovery, &f->err);
}

static void transfer(fixture *f, int64_t amount)
{
    ps_reply reply;
    ps_command command = {.kind = PS_CMD_TRANSFER_CREATE, .book = 1, .key = 1};
    command.scopes = PS_SCOPE_ADMIN;
    command.amount = amount;
    command.u.transfer.debit = PS_SLICE("world");
    command.u.transfer.credit = PS_SLICE("payer:p1");
    assert_true(ps_currency_parse(PS_SLICE("EUR"), &command.currency));
    assert_int_equal(ps_engine_execute_durably(f->engine, &command, &reply, &f->err), PS_OK);
    assert_int_equal(reply.result.kind, PS_RESULT_RECORD);
    assert_int_equal(reply.seq, ps_journal_durable_seq(ps_engine_journal(f->engine)));
}

/* Ends clean with a snapshot; returns the hash of the state. */
static ps_u128 shut_down(fixture *f)
{
    assert_int_equal(ps_engine_shutdown(f->engine, true, &f->err), PS_OK);
    return ps_core_hash(ps_engine_core(f->engine));
}

static void a_new_directory_holds_the_genesis_record_alone(void **state)
{
    fixture *f = *state;
    assert_int_equal(open_again(f), PS_OK);
    assert_int_equal(f->recovery.journal.last_seq, 1);
    assert_int_equal(ps_core_last_seq(ps_engine_core(f->engine)), 1);
}

static void a_directory_that_is_not_empty_is_not_made_anew(void **state)
{
    fixture *f = *state;
    char key[PS_API_KEY_TEXT_MAX];
    assert_int_equal(ps_engine_create(f->io, DIR, PS_SLICE("acme"), false, key, &f->err),
                     PS_E_EXISTS);
}

static void a_missing_directory_is_named(void **state)
{
    fixture *f = *state;
    assert_int_equal(
        ps_engine_open(f->io, "nothing", &f->options, &f->engine, &f->recovery, &f->err),
        PS_E_MISSING);
    assert_non_null(strstr(f->err.text, "nothing"));
}

static void a_second_instance_is_refused_and_a_reader_is_not(void **state)
{
    fixture *f = *state;
    ps_engine *second = NULL;
    assert_int_equal(open_again(f), PS_OK);
    assert_int_equal(ps_engine_open(f->io, DIR, &f->options, &second, &f->recovery, &f->err),
                     PS_E_LOCKED);
    ps_engine_options reader = f->options;
    reader.read_only = true;
    uint64_t written = ps_sim_steps(f->sim);
    assert_int_equal(ps_engine_open(f->io, DIR, &reader, &second, &f->recovery, &f->err), PS_OK);
    assert_true(ps_sim_steps(f->sim) > written);
    ps_engine_close(second);
    transfer(f, 1); /* the first one is undisturbed */
}

static void a_clean_end_replays_nothing(void **state)
{
    fixture *f = *state;
    assert_int_equal(open_again(f), PS_OK);
    for (int64_t amount = 1; amount <= 20; amount++) {
        transfer(f, amount);
    }
    ps_u128 before = shut_down(f);
    assert_int_equal(open_again(f), PS_OK);
    assert_true(f->recovery.snapshot_seq > 0);
    assert_int_equal(f->recovery.replayed_count, 0);
    assert_true(ps_u128_equal(before, ps_core_hash(ps_engine_core(f->engine))));
}

static void a_snapshot_and_a_whole_replay_agree(void **state)
{
    fixture *f = *state;
    assert_int_equal(open_again(f), PS_OK);
    transfer(f, 5);
    ps_u128 before = shut_down(f);
    f->options.ignore_snapshots = true;
    assert_int_equal(open_again(f), PS_OK);
    assert_int_equal(f->recovery.snapshot_seq, 0);
    assert_true(ps_u128_equal(before, ps_core_hash(ps_engine_core(f->engine))));
}

static void a_damaged_snapshot_is_passed_over_with_a_note(void **state)
{
    fixture *f = *state;
    assert_int_equal(open_again(f), PS_OK);
    transfer(f, 5);
    ps_u128 before = shut_down(f);
    assert_true(ps_sim_file_flip(f->sim, DIR "/snapshots/snap-0000000000000002", 50000));
    assert_int_equal(open_again(f), PS_OK);
    assert_int_equal(f->recovery.snapshot_seq, 0);
    assert_non_null(strstr(f->recovery.note, "passed over"));
    assert_true(ps_u128_equal(before, ps_core_hash(ps_engine_core(f->engine))));
}

static void an_older_journal_beside_a_newer_snapshot_is_refused(void **state)
{
    fixture *f = *state;
    ps_slice bytes;
    ps_buf old;
    ps_buf old_mark;
    ps_buf_init(&old, 1024 * 1024);
    ps_buf_init(&old_mark, 1024 * 1024);
    assert_true(ps_sim_file_get(f->sim, DIR "/journal/seg-0000000000000001", &bytes));
    ps_buf_append(&old, bytes.data, bytes.size);
    assert_true(ps_sim_file_get(f->sim, DIR "/journal/watermark", &bytes));
    ps_buf_append(&old_mark, bytes.data, bytes.size);
    assert_int_equal(open_again(f), PS_OK);
    transfer(f, 5);
    (void)shut_down(f);
    ps_engine_close(f->engine);
    f->engine = NULL;
    assert_true(ps_sim_file_set(f->sim, DIR "/journal/seg-0000000000000001",
                                ps_slice_of(old.data, old.size)));
    assert_true(ps_sim_file_set(f->sim, DIR "/journal/watermark",
                                ps_slice_of(old_mark.data, old_mark.size)));
    assert_int_equal(open_again(f), PS_E_DAMAGED);
    assert_non_null(strstr(f->err.text, "snap-"));
    ps_buf_release(&old);
    ps_buf_release(&old_mark);
}

static void a_short_pepper_is_refused(void **state)
{
    fixture *f = *state;
    assert_true(ps_sim_file_set(f->sim, DIR "/keys/pepper", PS_SLICE("short")));
    assert_int_equal(open_again(f), PS_E_DAMAGED);
    assert_non_null(strstr(f->err.text, "pepper"));
}

/* Only the two newest stay, and the records that say so are in the journal. */
static void old_snapshots_are_removed(void **state)
{
    fixture *f = *state;
    ps_snapshot_entry entries[PS_SNAPSHOT_ENTRIES_MAX];
    size_t count = 0;
    for (int64_t i = 1; i <= 4; i++) {
        assert_int_equal(open_again(f), PS_OK);
        transfer(f, i);
        (void)shut_down(f);
    }
    assert_int_equal(ps_snapshot_list(f->io, DIR "/snapshots", entries, &count, &f->err), PS_OK);
    assert_int_equal(count, 2);
    assert_int_equal(open_again(f), PS_OK);
    assert_int_equal(f->recovery.snapshot_seq, entries[0].seq);
}

#define ENGINE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(a_new_directory_holds_the_genesis_record_alone),
        ENGINE_TEST(a_directory_that_is_not_empty_is_not_made_anew),
        ENGINE_TEST(a_missing_directory_is_named),
        ENGINE_TEST(a_second_instance_is_refused_and_a_reader_is_not),
        ENGINE_TEST(a_clean_end_replays_nothing),
        ENGINE_TEST(a_snapshot_and_a_whole_replay_agree),
        ENGINE_TEST(a_damaged_snapshot_is_passed_over_with_a_note),
        ENGINE_TEST(an_older_journal_beside_a_newer_snapshot_is_refused),
        ENGINE_TEST(a_short_pepper_is_refused),
        ENGINE_TEST(old_snapshots_are_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
