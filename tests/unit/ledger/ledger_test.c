#include "ledger_fixture.h"

#include <stdio.h>

static const ps_ledger_limits few = {4, 4, 8};

static void init(ps_ledger *ledger, ps_ledger_limits limits)
{
    ps_error err;
    assert_int_equal(ps_ledger_init(ledger, &limits, &err), PS_OK);
}

static uint32_t add(ps_ledger *ledger, uint32_t book, const char *name, ps_currency currency)
{
    return ps_ledger_account_add(ledger, book, ps_slice_text(name), currency, PS_ACCOUNT_LIABILITY,
                                 0, 7);
}

static uint32_t find(const ps_ledger *ledger, uint32_t book, const char *name, ps_currency currency)
{
    return ps_ledger_account_find(ledger, book, ps_slice_text(name), currency);
}

static void post(ps_ledger *ledger, uint32_t debit, uint32_t credit, uint64_t seq, int64_t time_ns)
{
    ps_leg leg = {.kind = PS_LEG_POSTED, .debit = debit, .credit = credit, .amount = 1};
    assert_int_equal(ps_ledger_check(ledger, &leg, 1, NULL), PS_LEDGER_OK);
    ps_ledger_apply(ledger, &leg, 1, seq, time_ns);
}

static void a_refusal_needs_no_place_for_the_number_of_its_leg(void **state)
{
    (void)state;
    ps_ledger ledger;
    init(&ledger, few);
    add(&ledger, 1, "shop", 0);
    const ps_leg leg = {.kind = PS_LEG_POSTED, .debit = 0, .credit = 0, .amount = 1};
    uint32_t place = 7;
    assert_int_equal(ps_ledger_check(&ledger, &leg, 1, NULL), PS_LEDGER_ACCOUNTS_SAME);
    assert_int_equal(ps_ledger_check(&ledger, &leg, 1, &place), PS_LEDGER_ACCOUNTS_SAME);
    assert_int_equal(place, 0);
    ps_ledger_release(&ledger);
}

/* ── accounts ── */

static void an_account_is_found_by_book_currency_and_name(void **state)
{
    (void)state;
    ps_ledger ledger;
    init(&ledger, few);
    assert_int_equal(add(&ledger, 1, "shop", 0), 0);
    assert_int_equal(add(&ledger, 1, "shop", 1), 1);
    assert_int_equal(add(&ledger, 2, "shop", 0), 2);
    assert_int_equal(find(&ledger, 1, "shop", 0), 0);
    assert_int_equal(find(&ledger, 1, "shop", 1), 1);
    assert_int_equal(find(&ledger, 2, "shop", 0), 2);
    assert_int_equal(find(&ledger, 2, "shop", 1), PS_INDEX_NONE);
    assert_int_equal(find(&ledger, 1, "sho", 0), PS_INDEX_NONE);
    assert_int_equal(find(&ledger, 1, "", 0), PS_INDEX_NONE);
    assert_true(ps_slice_equal(ps_ledger_account_name(&ledger, 2), PS_SLICE("shop")));
    assert_int_equal(ps_ledger_account(&ledger, 1)->created_ns, 7);
    ps_ledger_release(&ledger);
}

static void names_have_up_to_96_bytes_and_the_limit_of_accounts_holds(void **state)
{
    (void)state;
    ps_ledger ledger;
    init(&ledger, few);
    char name[PS_ACCOUNT_NAME_MAX + 2];
    memset(name, 'n', sizeof name);
    for (uint32_t i = 0; i < 4; i++) {
        name[0] = (char)('a' + i);
        ps_slice slice = ps_slice_of(name, PS_ACCOUNT_NAME_MAX);
        assert_int_equal(ps_ledger_account_add(&ledger, 1, slice, 0, PS_ACCOUNT_ASSET, 0, 0), i);
        assert_int_equal(ps_ledger_account_find(&ledger, 1, slice, 0), i);
    }
    assert_int_equal(
        ps_ledger_account_find(&ledger, 1, ps_slice_of(name, PS_ACCOUNT_NAME_MAX + 1), 0),
        PS_INDEX_NONE);
    uint64_t before = ledger_hash(&ledger);
    assert_int_equal(add(&ledger, 1, "x", 0), PS_INDEX_NONE);
    assert_int_equal(ledger_hash(&ledger), before);
    assert_int_equal(ps_ledger_account_count(&ledger), 4);
    ps_ledger_release(&ledger);
}

/* The hash only says where to look: accounts that lie there too are told apart by all of their
 * name. Collisions are made by putting accounts under a hash that is not theirs. */
static void accounts_under_the_same_hash_are_told_apart(void **state)
{
    (void)state;
    ps_ledger ledger;
    init(&ledger, (ps_ledger_limits){8, 8, 8});
    assert_int_equal(add(&ledger, 2, "shop", 0), 0);  /* another book */
    assert_int_equal(add(&ledger, 1, "shop", 1), 1);  /* another currency */
    assert_int_equal(add(&ledger, 1, "store", 0), 2); /* another name */
    char key[sizeof(uint32_t) + sizeof(ps_currency) + 4];
    const uint32_t book = 1;
    const ps_currency currency = 0;
    memcpy(key, &book, sizeof book);
    memcpy(key + sizeof book, &currency, sizeof currency);
    memcpy(key + sizeof book + sizeof currency, "shop", 4);
    uint64_t hash = ps_xxh3_64(key, sizeof key);
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(ps_index_add(&ledger.by_name, hash, i));
    }
    assert_int_equal(find(&ledger, 1, "shop", 0), PS_INDEX_NONE);
    assert_int_equal(add(&ledger, 1, "shop", 0), 3);
    assert_int_equal(find(&ledger, 1, "shop", 0), 3);
    ps_ledger_release(&ledger);
}

static void names_hash_with_the_secret_that_is_set(void **state)
{
    (void)state;
    ps_hash_secret secrets[2];
    /* drawn bytes: a hash that combines words of its secret cancels regular ones out */
    uint64_t random = 1;
    for (size_t i = 0; i < sizeof secrets; i++) {
        secrets[i / sizeof secrets[0]].bytes[i % sizeof secrets[0]] = (uint8_t)test_next(&random);
    }
    uint64_t hashes[3];
    for (int i = 0; i < 3; i++) {
        ps_ledger ledger;
        init(&ledger, few);
        ledger.name_secret = i < 2 ? &secrets[i] : NULL;
        assert_int_equal(add(&ledger, 1, "shop", 0), 0);
        assert_int_equal(find(&ledger, 1, "shop", 0), 0);
        ps_region *regions[2];
        ps_index_regions(&ledger.by_name, regions);
        hashes[i] = ps_xxh3_64(regions[0]->data, regions[0]->size);
        ps_ledger_release(&ledger);
    }
    assert_true(hashes[0] != hashes[1] && hashes[1] != hashes[2] && hashes[0] != hashes[2]);
}

static void limits_that_32_bits_cannot_number_are_refused(void **state)
{
    (void)state;
    static const ps_ledger_limits wrong[] = {
        {0, 1, 1},          {1, 0, 1},          {1, 1, 0},         {UINT32_MAX, 1, 1},
        {1, UINT32_MAX, 1}, {1, 1, UINT32_MAX}, {UINT64_MAX, 1, 1}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ps_ledger ledger;
        ps_error err;
        assert_int_equal(ps_ledger_init(&ledger, &wrong[i], &err), PS_E_INVALID);
    }
}

static void clear_leads_back_to_the_state_after_init(void **state)
{
    (void)state;
    ps_ledger ledger;
    init(&ledger, few);
    uint64_t fresh = ledger_hash(&ledger);
    uint32_t a = add(&ledger, 1, "a", 0);
    uint32_t b = add(&ledger, 1, "b", 0);
    ps_leg leg = {.kind = PS_LEG_PENDING, .debit = a, .credit = b, .amount = 5};
    ps_ledger_apply(&ledger, &leg, 1, 1, 1);
    assert_true(ledger_hash(&ledger) != fresh);
    ps_ledger_clear(&ledger);
    assert_int_equal(ledger_hash(&ledger), fresh);
    assert_int_equal(add(&ledger, 1, "b", 0), 0);
    ps_ledger_release(&ledger);
}

/* ── balances ── */

static void balances_have_the_sense_of_the_type(void **state)
{
    (void)state;
    static const struct {
        ps_account_type type;
        int64_t balance, available;
    } rows[] = {{PS_ACCOUNT_ASSET, -70, -77},
                {PS_ACCOUNT_EXPENSE, -70, -77},
                {PS_ACCOUNT_LIABILITY, 70, 67},
                {PS_ACCOUNT_INCOME, 70, 67},
                {PS_ACCOUNT_EQUITY, 70, 67}};
    const ps_account_totals totals = {
        .debits_pending = 3, .debits_posted = 30, .credits_pending = 7, .credits_posted = 100};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(ps_account_balance((uint8_t)rows[i].type, &totals) == rows[i].balance);
        assert_true(ps_account_available((uint8_t)rows[i].type, &totals) == rows[i].available);
    }
    assert_true(ps_account_headroom(&totals) == 67);
}

static void balances_of_the_largest_totals_do_not_overflow(void **state)
{
    (void)state;
    const ps_i128 top = (ps_i128)(~(unsigned __int128)0 >> 1);
    const ps_account_totals debits = {.debits_pending = 1, .debits_posted = top - 1};
    const ps_account_totals credits = {.credits_pending = top - 1, .credits_posted = 1};
    assert_true(ps_account_available(PS_ACCOUNT_LIABILITY, &debits) == -top);
    assert_true(ps_account_headroom(&debits) == -top);
    assert_true(ps_account_available(PS_ACCOUNT_ASSET, &credits) == -top);
}

/* ── past balances ── */

static void a_checkpoint_is_made_every_64_entries_at_the_end_of_a_record(void **state)
{
    (void)state;
    ps_ledger ledger;
    init(&ledger, few);
    uint32_t a = add(&ledger, 1, "a", 0);
    uint32_t b = add(&ledger, 1, "b", 0);
    for (uint64_t seq = 1; seq <= 64; seq++) {
        post(&ledger, a, b, seq, (int64_t)seq * 10);
    }
    assert_int_equal(ledger.checkpoints.size, 0);
    /* one record of 100 entries: the checkpoint lies before it, the next one after it */
    for (int i = 0; i < 100; i++) {
        post(&ledger, a, b, 65, 650);
    }
    assert_int_equal(ledger.checkpoints.size, 2 * sizeof(ps_account_checkpoint));
    post(&ledger, a, b, 66, 660);
    assert_int_equal(ledger.checkpoints.size, 4 * sizeof(ps_account_checkpoint));
    const ps_account_checkpoint *all = (const void *)ledger.checkpoints.data;
    assert_int_equal(all[0].entry_count, 64);
    assert_int_equal(all[0].seq, 64);
    assert_int_equal(all[0].time_ns, 640);
    assert_int_equal(all[2].entry_count, 164);
    assert_int_equal(all[2].seq, 65);
    assert_int_equal(all[2].previous, 0);

    static const struct {
        int64_t at_ns;
        uint64_t at_seq;
        uint64_t seq;
        int64_t posted;
    } rows[] = {
        {INT64_MAX, UINT64_MAX, 66, 165}, {660, UINT64_MAX, 66, 165}, {659, UINT64_MAX, 66, 165},
        {649, UINT64_MAX, 65, 164},       {639, UINT64_MAX, 64, 64},  {0, UINT64_MAX, 64, 64},
        {INT64_MAX, 66, 66, 165},         {INT64_MAX, 64, 65, 164},   {INT64_MAX, 63, 64, 64},
        {INT64_MAX, 0, 64, 64},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ps_account then;
        ps_ledger_account_at(&ledger, a, rows[i].at_ns, rows[i].at_seq, &then);
        assert_int_equal(then.last_seq, rows[i].seq);
        assert_int_equal(then.last_ns, rows[i].seq * 10);
        assert_int_equal(then.entry_count, rows[i].posted);
        assert_true(then.totals.debits_posted == rows[i].posted);
    }
    ps_ledger_release(&ledger);
}

static void an_account_without_entries_has_no_past(void **state)
{
    (void)state;
    ps_ledger ledger;
    init(&ledger, few);
    uint32_t a = add(&ledger, 1, "a", 0);
    ps_account then;
    ps_ledger_account_at(&ledger, a, 5, UINT64_MAX, &then);
    assert_memory_equal(&then, ps_ledger_account(&ledger, a), sizeof then);
    assert_int_equal(then.last_seq, 0);
    ps_ledger_release(&ledger);
}

/* ── what apply fills in ── */

static void apply_fills_in_slot_number_accounts_and_the_records_before(void **state)
{
    (void)state;
    ps_ledger ledger;
    init(&ledger, few);
    uint32_t a = add(&ledger, 1, "a", 0);
    uint32_t b = add(&ledger, 1, "b", 0);
    uint32_t c = add(&ledger, 1, "c", 0);
    ps_leg legs[3] = {{.kind = PS_LEG_POSTED, .debit = a, .credit = b, .amount = 9},
                      {.kind = PS_LEG_PENDING, .debit = b, .credit = c, .amount = 5},
                      {.kind = PS_LEG_POST, .slot = PS_LEG_SLOT_PREVIOUS, .amount = 5}};
    ps_ledger_apply(&ledger, legs, 3, 41, 1);
    const ps_leg want[3] = {{.kind = PS_LEG_POSTED,
                             .slot = PS_INDEX_NONE,
                             .transfer = 1,
                             .debit = a,
                             .credit = b,
                             .amount = 9},
                            {.kind = PS_LEG_PENDING,
                             .transfer = 2,
                             .debit = b,
                             .credit = c,
                             .amount = 5,
                             .debit_prev_seq = 41},
                            {.kind = PS_LEG_POST,
                             .transfer = 2,
                             .debit = b,
                             .credit = c,
                             .amount = 5,
                             .debit_prev_seq = 41,
                             .credit_prev_seq = 41}};
    assert_memory_equal(legs, want, sizeof want);
    ps_leg later = {.kind = PS_LEG_POSTED, .debit = a, .credit = c, .amount = 1};
    ps_ledger_apply(&ledger, &later, 1, 50, 2);
    assert_int_equal(later.transfer, 3);
    assert_int_equal(later.debit_prev_seq, 41);
    assert_int_equal(later.credit_prev_seq, 41);
    ps_ledger_release(&ledger);
}

/* ── bugs of the caller stop the process ── */

typedef struct {
    ps_ledger ledger;
    ps_leg leg;
    uint64_t seq;
    uint8_t flags;
} misuse;

static void call_apply(void *argument)
{
    misuse *m = argument;
    ps_ledger_apply(&m->ledger, &m->leg, 1, m->seq, 1);
}

static void call_set_flags(void *argument)
{
    misuse *m = argument;
    if (!ps_ledger_account_set_flags(&m->ledger, 0, m->flags)) {
        _exit(3);
    }
}

static void misuse_init(misuse *m)
{
    memset(m, 0, sizeof *m);
    init(&m->ledger, few);
    uint32_t a = ps_ledger_account_add(&m->ledger, 1, PS_SLICE("a"), 0, PS_ACCOUNT_LIABILITY,
                                       PS_ACCOUNT_DEBITS_CAPPED, 0);
    uint32_t b = ps_ledger_account_add(&m->ledger, 1, PS_SLICE("b"), 0, PS_ACCOUNT_ASSET,
                                       PS_ACCOUNT_CREDITS_CAPPED, 0);
    m->leg = (ps_leg){.kind = PS_LEG_POSTED, .debit = b, .credit = a, .amount = 10};
    m->seq = 5;
    ps_leg first = m->leg;
    ps_ledger_apply(&m->ledger, &first, 1, 5, 1);
}

static void applying_what_check_refuses_stops_the_process(void **state)
{
    (void)state;
    const ps_leg wrong[] = {
        {.kind = PS_LEG_POSTED, .debit = 0, .credit = 1, .amount = 11},
        {.kind = PS_LEG_POSTED, .debit = 1, .credit = 0, .amount = 0},
        {.kind = PS_LEG_POSTED, .debit = 1, .credit = 1, .amount = 1},
        {.kind = PS_LEG_POSTED, .debit = 1, .credit = 2, .amount = 1},
        {.kind = PS_LEG_POST, .slot = 0, .amount = 1},
        {.kind = PS_LEG_VOID, .slot = PS_LEG_SLOT_PREVIOUS, .amount = 1},
        /* from a journal that is not this one: number, and the record before */
        {.kind = PS_LEG_POSTED,
         .slot = PS_INDEX_NONE,
         .transfer = 9,
         .debit = 1,
         .amount = 1,
         .debit_prev_seq = 5,
         .credit_prev_seq = 5},
        {.kind = PS_LEG_POSTED,
         .slot = PS_INDEX_NONE,
         .transfer = 2,
         .debit = 1,
         .amount = 1,
         .debit_prev_seq = 4,
         .credit_prev_seq = 5},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        misuse m;
        misuse_init(&m);
        m.leg = wrong[i];
        test_expect_abort(call_apply, &m);
        ps_ledger_release(&m.ledger);
    }
}

static void a_record_older_than_the_last_stops_the_process(void **state)
{
    (void)state;
    misuse m;
    misuse_init(&m);
    m.seq = 4;
    test_expect_abort(call_apply, &m);
    m.seq = 0;
    test_expect_abort(call_apply, &m);
    ps_ledger_release(&m.ledger);
}

static void reopening_a_closed_account_or_changing_a_cap_stops_the_process(void **state)
{
    (void)state;
    misuse m;
    misuse_init(&m);
    m.flags = 0;
    test_expect_abort(call_set_flags, &m);
    uint8_t closed = PS_ACCOUNT_DEBITS_CAPPED | PS_ACCOUNT_CLOSED;
    assert_true(ps_ledger_account_set_flags(&m.ledger, 0, closed));
    m.flags = PS_ACCOUNT_DEBITS_CAPPED;
    test_expect_abort(call_set_flags, &m);
    ps_ledger_release(&m.ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_account_is_found_by_book_currency_and_name),
        cmocka_unit_test(names_have_up_to_96_bytes_and_the_limit_of_accounts_holds),
        cmocka_unit_test(a_refusal_needs_no_place_for_the_number_of_its_leg),
        cmocka_unit_test(accounts_under_the_same_hash_are_told_apart),
        cmocka_unit_test(names_hash_with_the_secret_that_is_set),
        cmocka_unit_test(limits_that_32_bits_cannot_number_are_refused),
        cmocka_unit_test(clear_leads_back_to_the_state_after_init),
        cmocka_unit_test(balances_have_the_sense_of_the_type),
        cmocka_unit_test(balances_of_the_largest_totals_do_not_overflow),
        cmocka_unit_test(a_checkpoint_is_made_every_64_entries_at_the_end_of_a_record),
        cmocka_unit_test(an_account_without_entries_has_no_past),
        cmocka_unit_test(apply_fills_in_slot_number_accounts_and_the_records_before),
        cmocka_unit_test(applying_what_check_refuses_stops_the_process),
        cmocka_unit_test(a_record_older_than_the_last_stops_the_process),
        cmocka_unit_test(reopening_a_closed_account_or_changing_a_cap_stops_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
