/* Each invariant, broken on purpose in the bytes, is found; and the trial balance. */
#include <errno.h>
#include <sys/mman.h>

#include "ledger_fixture.h"

/* mmap is wrapped: the one with this number from now on fails; 0: none does. */
static uint32_t failing_map;

void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    if (failing_map > 0 && --failing_map == 0) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return __real_mmap(at, size, protection, flags, fd, offset);
}

typedef struct {
    ps_ledger ledger;
    char found[64]; /* names of the invariants reported, with blanks between */
} scene;

static void note(void *context, const char *invariant, const char *sentence)
{
    scene *s = context;
    assert_true(strlen(sentence) > 10);
    if (strstr(s->found, invariant) == NULL) {
        size_t used = strlen(s->found);
        assert_true(used + 4 < sizeof s->found);
        strcpy(s->found + used, used == 0 ? "" : " ");
        strcat(s->found, invariant);
    }
}

static ps_account *account_at(scene *s, uint32_t account)
{
    return (ps_account *)(void *)s->ledger.accounts.data + account;
}

static ps_transfer *transfer_at(scene *s, uint32_t slot)
{
    return (ps_transfer *)(void *)s->ledger.transfers.data + slot;
}

static ps_ledger_counters *counters(scene *s)
{
    return (ps_ledger_counters *)(void *)s->ledger.counters.data;
}

static ps_account_checkpoint *checkpoint_at(scene *s, uint32_t number)
{
    return (ps_account_checkpoint *)(void *)s->ledger.checkpoints.data + number;
}

static void apply(scene *s, ps_leg leg, uint64_t seq)
{
    assert_int_equal(ps_ledger_check(&s->ledger, &leg, 1, NULL), PS_LEDGER_OK);
    ps_ledger_apply(&s->ledger, &leg, 1, seq, (int64_t)seq);
}

/* Accounts 0 … 2 of book 1 in currency 0 (1 debits capped, 2 credits capped), 3 in currency 1, 4 of
 * book 900; slot 0 free, 1 pending, 2 kept and posted; four checkpoints. */
static void scene_init(scene *s)
{
    static const uint8_t flags[] = {0, PS_ACCOUNT_DEBITS_CAPPED, PS_ACCOUNT_CREDITS_CAPPED, 0, 0};
    static const uint32_t books[] = {1, 1, 1, 1, 900};
    static const ps_currency currencies[] = {0, 0, 0, 1, 0};
    const ps_ledger_limits limits = {8, 8, 8};
    ps_error err;
    memset(s, 0, sizeof *s);
    assert_int_equal(ps_ledger_init(&s->ledger, &limits, &err), PS_OK);
    for (uint32_t i = 0; i < 5; i++) {
        const char name[] = {(char)('a' + i)};
        assert_int_equal(ps_ledger_account_add(&s->ledger, books[i], ps_slice_of(name, 1),
                                               currencies[i], PS_ACCOUNT_LIABILITY, flags[i], 0),
                         i);
    }
    apply(s, (ps_leg){.kind = PS_LEG_POSTED, .debit = 2, .credit = 1, .amount = 100}, 1);
    apply(s, (ps_leg){.kind = PS_LEG_PENDING, .debit = 0, .credit = 1, .amount = 5}, 2);
    apply(s, (ps_leg){.kind = PS_LEG_PENDING, .debit = 1, .credit = 2, .amount = 40}, 3);
    apply(s, (ps_leg){.kind = PS_LEG_VOID, .slot = 0, .amount = 5}, 4);
    ps_leg kept = {
        .kind = PS_LEG_POSTED, .flags = PS_LEG_KEEP, .debit = 0, .credit = 1, .amount = 7};
    apply(s, (ps_leg){.kind = PS_LEG_PENDING, .debit = 0, .credit = 1, .amount = 5}, 5);
    apply(s, kept, 6);
    apply(s, (ps_leg){.kind = PS_LEG_VOID, .slot = 0, .amount = 5}, 7);
    for (uint64_t i = 0; i < 140; i++) {
        apply(s, (ps_leg){.kind = PS_LEG_POSTED, .debit = 0, .credit = 1, .amount = 1}, 8 + i);
    }
    assert_int_equal(s->ledger.checkpoints.size, 4 * sizeof(ps_account_checkpoint));
}

static void sound(scene *s)
{
    (void)s;
}
static void posted_lost(scene *s)
{
    account_at(s, 0)->totals.debits_posted--;
}
static void pending_lost(scene *s)
{
    account_at(s, 2)->totals.credits_pending--;
}
static void money_between_currencies(scene *s)
{
    account_at(s, 0)->totals.debits_posted -= 3;
    account_at(s, 3)->totals.debits_posted += 3;
}
static void money_between_books(scene *s)
{
    account_at(s, 0)->totals.debits_posted -= 3;
    account_at(s, 4)->totals.debits_posted += 3;
}
static void negative(scene *s)
{
    account_at(s, 3)->totals.debits_posted = -1;
    account_at(s, 3)->totals.credits_posted = -1;
}
static void overdrawn(scene *s)
{
    account_at(s, 1)->totals.debits_posted += 1000;
    account_at(s, 0)->totals.credits_posted += 1000;
}
static void overpaid(scene *s)
{
    account_at(s, 2)->totals.credits_posted += 61;
    account_at(s, 0)->totals.debits_posted += 61;
}
static void closed_with_pending(scene *s)
{
    account_at(s, 1)->flags |= PS_ACCOUNT_CLOSED;
}
static void negative_debits_pending(scene *s)
{
    account_at(s, 3)->totals.debits_pending = -1;
    account_at(s, 3)->totals.credits_pending = -1;
}
static void negative_credits_pending(scene *s)
{
    account_at(s, 3)->totals.credits_pending = -1;
}
static void negative_credits_posted(scene *s)
{
    account_at(s, 3)->totals.credits_posted = -1;
}
static void overdrawn_by_what_is_pending(scene *s)
{
    account_at(s, 1)->totals.debits_pending += 1000;
    account_at(s, 0)->totals.credits_pending += 1000;
}
static void closed_with_credits_pending(scene *s)
{
    account_at(s, 2)->flags |= PS_ACCOUNT_CLOSED;
}
static void closed_with_nothing_pending(scene *s)
{
    account_at(s, 0)->flags |= PS_ACCOUNT_CLOSED;
}
static void negative_rest(scene *s)
{
    transfer_at(s, 1)->left = -1;
}
static void negative_part(scene *s)
{
    transfer_at(s, 1)->posted = -1;
}
static void no_amount(scene *s)
{
    transfer_at(s, 1)->amount = 0;
}
static void posted_with_rest(scene *s)
{
    transfer_at(s, 1)->state = PS_TRANSFER_POSTED;
    transfer_at(s, 1)->kept = 1;
    counters(s)->open_pending_count--;
}
static void voided_with_a_part_posted(scene *s)
{
    transfer_at(s, 2)->state = PS_TRANSFER_VOIDED;
}
static void voided_and_kept(scene *s)
{
    transfer_at(s, 2)->state = PS_TRANSFER_VOIDED;
    transfer_at(s, 2)->posted = 0;
}
static void state_unknown(scene *s)
{
    transfer_at(s, 2)->state = 99;
}
static void part_lost(scene *s)
{
    transfer_at(s, 1)->left--;
}
static void posted_too_much(scene *s)
{
    transfer_at(s, 1)->posted = 1;
}
static void resolved_with_rest(scene *s)
{
    transfer_at(s, 1)->state = PS_TRANSFER_VOIDED;
    transfer_at(s, 1)->kept = 1;
    counters(s)->open_pending_count--;
}
static void posted_with_nothing_posted(scene *s)
{
    transfer_at(s, 2)->posted = 0;
}
static void resolved_and_not_free(scene *s)
{
    transfer_at(s, 2)->kept = 0;
}
static void number_ahead(scene *s)
{
    counters(s)->next_transfer = 1;
}
static void same_accounts(scene *s)
{
    transfer_at(s, 1)->credit = transfer_at(s, 1)->debit;
}
static void other_currency(scene *s)
{
    transfer_at(s, 1)->credit = 3;
}
static void other_book(scene *s)
{
    transfer_at(s, 1)->credit = 4;
}
static void no_account(scene *s)
{
    transfer_at(s, 1)->debit = 99;
}
static void no_credit_account(scene *s)
{
    transfer_at(s, 1)->credit = 99;
}
static void free_count_wrong(scene *s)
{
    counters(s)->free_slot_count = 1000;
}
static void open_count_wrong(scene *s)
{
    counters(s)->open_pending_count++;
}
static void free_slot_wrong(scene *s)
{
    *(uint32_t *)(void *)s->ledger.free_slots.data = 1;
}
static void free_slot_out_of_range(scene *s)
{
    *(uint32_t *)(void *)s->ledger.free_slots.data = 3;
}
static void name_lost(scene *s)
{
    s->ledger.names.data[0] = 'z';
}
static void checkpoint_from_the_future(scene *s)
{
    checkpoint_at(s, 3)->seq = 1000;
}
static void checkpoint_larger_than_now(scene *s)
{
    checkpoint_at(s, 2)->totals.credits_posted += 100000;
    checkpoint_at(s, 2)->totals.debits_posted += 100000;
}
static void checkpoint_of_another(scene *s)
{
    checkpoint_at(s, 3)->previous = checkpoint_at(s, 2)->previous;
}

static void checkpoint_of_no_account(scene *s)
{
    checkpoint_at(s, 0)->account = 99;
}
static void checkpoints_forgotten(scene *s)
{
    account_at(s, checkpoint_at(s, 3)->account)->last_checkpoint = PS_INDEX_NONE;
}
static void checkpoint_newer_than_the_last(scene *s)
{
    account_at(s, checkpoint_at(s, 3)->account)->last_checkpoint = 0;
}
static void checkpoint_with_more_entries(scene *s)
{
    checkpoint_at(s, 3)->entry_count = 100000;
}
static void checkpoint_with_more_debits(scene *s)
{
    checkpoint_at(s, 2)->totals.debits_posted += 100000;
}
static void checkpoint_with_more_credits(scene *s)
{
    checkpoint_at(s, 2)->totals.credits_posted += 100000;
}
static void checkpoint_before_itself(scene *s)
{
    checkpoint_at(s, 3)->previous = 3;
}
static void checkpoint_before_a_later_one(scene *s)
{
    checkpoint_at(s, 3)->seq = 0;
}

static void every_broken_invariant_is_found(void **state)
{
    (void)state;
    static const struct {
        void (*breaks)(scene *s);
        const char *found;
    } rows[] = {
        {sound, ""},
        {posted_lost, "M1"},
        {pending_lost, "M1"},
        {money_between_currencies, "M1"},
        {money_between_books, "M1"},
        {negative, "M2"},
        {negative_debits_pending, "M2 M4"},
        {negative_credits_pending, "M2 M1"},
        {negative_credits_posted, "M2 M1"},
        {overdrawn_by_what_is_pending, "M3 M4"},
        {closed_with_credits_pending, "M4"},
        {closed_with_nothing_pending, ""},
        {negative_rest, "M4"},
        {negative_part, "M4"},
        {no_amount, "M4"},
        {posted_with_rest, "M4"},
        {voided_with_a_part_posted, "M4"},
        {voided_and_kept, ""},
        {state_unknown, "M4"},
        {no_credit_account, "M5"},
        {free_count_wrong, "M4"},
        {checkpoint_of_no_account, "M8"},
        {checkpoints_forgotten, "M8"},
        {checkpoint_newer_than_the_last, "M8"},
        {checkpoint_with_more_entries, "M8"},
        {checkpoint_with_more_debits, "M8"},
        {checkpoint_with_more_credits, "M8"},
        {checkpoint_before_itself, "M8"},
        {checkpoint_before_a_later_one, "M8"},
        {overdrawn, "M3"},
        {overpaid, "M3"},
        {closed_with_pending, "M4"},
        {part_lost, "M4"},
        {posted_too_much, "M4"},
        {resolved_with_rest, "M4"},
        {posted_with_nothing_posted, "M4"},
        {resolved_and_not_free, "M4"},
        {number_ahead, "M5"},
        {same_accounts, "M5"},
        {other_currency, "M5"},
        {other_book, "M5"},
        {no_account, "M5"},
        {open_count_wrong, "M4"},
        {free_slot_wrong, "M4"},
        {free_slot_out_of_range, "M4"},
        {name_lost, "M5"},
        {checkpoint_from_the_future, "M8"},
        {checkpoint_larger_than_now, "M8"},
        {checkpoint_of_another, "M8"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        scene s;
        scene_init(&s);
        rows[i].breaks(&s);
        size_t count = ps_ledger_verify(&s.ledger, note, &s);
        if (strcmp(s.found, rows[i].found) != 0 || (count == 0) != (rows[i].found[0] == 0)) {
            fail_msg("row %zu: found \"%s\", expected \"%s\"", i, s.found, rows[i].found);
        }
        ps_ledger_release(&s.ledger);
    }
}

static void what_cannot_be_checked_is_no_silence(void **state)
{
    (void)state;
    scene s;
    scene_init(&s);
    uint32_t failures = 0;
    for (uint32_t at = 1; failing_map == 0; at++) {
        s.found[0] = 0;
        failing_map = at;
        size_t count = ps_ledger_verify(&s.ledger, note, &s);
        bool has_failed = failing_map == 0;
        assert_string_equal(s.found, has_failed ? "M1 M4" : "");
        assert_int_equal(count, has_failed ? 2 : 0);
        failures += has_failed;
    }
    failing_map = 0;
    assert_true(failures >= 2);
    ps_ledger_release(&s.ledger);
}

/* XXH3 of book 1147 and of book 233105 agree in the bits that the index keeps. */
static void books_whose_hashes_collide_keep_sums_of_their_own(void **state)
{
    (void)state;
    static const uint32_t books[] = {1147, 1147, 233105, 233105};
    scene s = {0};
    const ps_ledger_limits limits = {8, 8, 8};
    ps_error err;
    assert_int_equal(ps_ledger_init(&s.ledger, &limits, &err), PS_OK);
    for (uint32_t i = 0; i < 4; i++) {
        const char name[] = {(char)('a' + i)};
        uint32_t number = ps_ledger_account_add(&s.ledger, books[i], ps_slice_of(name, 1), 0,
                                                PS_ACCOUNT_LIABILITY, 0, 0);
        assert_int_equal(number, i);
    }
    apply(&s, (ps_leg){.kind = PS_LEG_POSTED, .debit = 0, .credit = 1, .amount = 10}, 1);
    apply(&s, (ps_leg){.kind = PS_LEG_POSTED, .debit = 2, .credit = 3, .amount = 10}, 2);
    assert_int_equal(ps_ledger_verify(&s.ledger, note, &s), 0);
    account_at(&s, 0)->totals.debits_posted -= 3;
    account_at(&s, 2)->totals.debits_posted += 3;
    assert_int_equal(ps_ledger_verify(&s.ledger, note, &s), 2);
    assert_string_equal(s.found, "M1");
    ps_ledger_release(&s.ledger);
}

static void an_empty_ledger_is_sound(void **state)
{
    (void)state;
    scene s = {0};
    const ps_ledger_limits limits = {1, 1, 1};
    ps_error err;
    assert_int_equal(ps_ledger_init(&s.ledger, &limits, &err), PS_OK);
    assert_int_equal(ps_ledger_verify(&s.ledger, note, &s), 0);
    ps_trial_balance row;
    assert_int_equal(ps_ledger_trial_balance(&s.ledger, 1, &row, 1), 0);
    ps_ledger_release(&s.ledger);
}

static void the_trial_balance_has_a_row_per_currency_in_order_of_first_use(void **state)
{
    (void)state;
    scene s;
    scene_init(&s);
    ps_trial_balance rows[3];
    memset(rows, 0xEE, sizeof rows);
    assert_int_equal(ps_ledger_trial_balance(&s.ledger, 1, rows, 3), 2);
    assert_int_equal(rows[0].book, 1);
    assert_int_equal(rows[0].currency, 0);
    assert_int_equal(rows[0].account_count, 3);
    assert_true(rows[0].totals.debits_posted == 100 + 7 + 140);
    assert_true(rows[0].totals.credits_posted == 100 + 7 + 140);
    assert_true(rows[0].totals.debits_pending == 40 && rows[0].totals.credits_pending == 40);
    assert_int_equal(rows[1].currency, 1);
    assert_int_equal(rows[1].account_count, 1);
    /* rows that do not fit are left out, those that do are complete */
    assert_int_equal(ps_ledger_trial_balance(&s.ledger, 1, rows, 1), 1);
    assert_int_equal(rows[0].account_count, 3);
    assert_int_equal(ps_ledger_trial_balance(&s.ledger, 900, rows, 3), 1);
    assert_int_equal(ps_ledger_trial_balance(&s.ledger, 2, rows, 3), 0);
    ps_ledger_release(&s.ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_broken_invariant_is_found),
        cmocka_unit_test(what_cannot_be_checked_is_no_silence),
        cmocka_unit_test(books_whose_hashes_collide_keep_sums_of_their_own),
        cmocka_unit_test(an_empty_ledger_is_sound),
        cmocka_unit_test(the_trial_balance_has_a_row_per_currency_in_order_of_first_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
