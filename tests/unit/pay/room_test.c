/* Data from larger limits: a record that does not fit is refused before anything of it is applied,
 * with the setting to raise; what was written at exactly these limits is taken. */
#include "core_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS_MAX = 128, PAYMENTS = 24 };

typedef struct {
    ps_fixture *f;
    ps_slice payloads[RECORDS_MAX]; /* owned; record n is at n - 1 */
    uint32_t count;
} history;

static void keep(history *h)
{
    uint32_t size = ps_record_head(ps_slice_of(h->f->payload, sizeof(ps_record_header)))->size;
    char *copy = aligned_alloc(8, size);
    assert_non_null(copy);
    memcpy(copy, h->f->payload, size);
    assert_true(h->count < RECORDS_MAX);
    h->payloads[h->count++] = ps_slice_of(copy, size);
    assert_int_equal(h->count, h->f->seq);
}

static void pay(history *h, int number)
{
    char name[16];
    snprintf(name, sizeof name, "m%d", number);
    ps_payment_request request = {.merchant = ps_slice_of(name, strlen(name)),
                                  .payer = PS_SLICE("p"),
                                  .token = PS_SLICE("tok_ok"),
                                  .amount = 100,
                                  .currency = fixture_currency("EUR"),
                                  .instrument = PS_INSTRUMENT_CARD,
                                  .confirm = true};
    h->f->idempotency = (uint64_t)number + 1;
    assert_refused(fixture_create(h->f, request), PS_REFUSED_NONE);
    keep(h);
    h->f->idempotency = 0;
    assert_refused(fixture_refund(h->f, 10), PS_REFUSED_NONE);
    keep(h);
}

static void history_make(history *h)
{
    memset(h, 0, sizeof *h);
    h->f = fixture_new(NULL);
    keep(h);
    for (int i = 0; i < PAYMENTS; i++) {
        pay(h, i);
    }
}

static void history_free(history *h)
{
    for (uint32_t i = 0; i < h->count; i++) {
        free((char *)(uintptr_t)h->payloads[i].data);
    }
    fixture_free(h->f);
}

/* Replays until a record is refused. */
static ps_code replay(const history *h, const ps_core_options *options, ps_error *err)
{
    ps_core *core = NULL;
    assert_int_equal(ps_core_new(options, NULL, h->f->core->instance, &core, err), PS_OK);
    ps_code code = PS_OK;
    for (uint32_t i = 0; i < h->count && code == PS_OK; i++) {
        ps_u128 before = ps_core_hash(core);
        code = ps_core_replay(core, i + 1, h->payloads[i], err);
        if (code != PS_OK) {
            assert_true(ps_u128_equal(before, ps_core_hash(core)));
        }
    }
    if (code == PS_OK) {
        assert_true(ps_u128_equal(ps_core_hash(h->f->core), ps_core_hash(core)));
    }
    ps_core_free(core);
    return code;
}

typedef struct {
    size_t offset; /* in ps_core_options */
    uint64_t exact, small;
    const char *sentence; /* for small */
} limit_case;
static const limit_case cases[] = {
    {offsetof(ps_core_options, payments_max), PAYMENTS, PAYMENTS - 1,
     "the data holds more payments than limits.payments=23 allows: raise it"},
    {offsetof(ps_core_options, refunds_max), PAYMENTS, PAYMENTS - 5,
     "the data holds more refunds than limits.refunds=19 allows: raise it"},
    {offsetof(ps_core_options, keys_max), PAYMENTS, PAYMENTS - 1,
     "the data holds more idempotency_keys than limits.keys=23 allows: raise it"},
    {offsetof(ps_core_options, parties_max), PAYMENTS + 2, PAYMENTS - 5,
     "the data holds more parties than limits.parties=19 allows: raise it"},
    {offsetof(ps_core_options, accounts_max), 2 * PAYMENTS + 8, 4,
     "the data holds more accounts than limits.accounts=4 allows: raise it"},
    {offsetof(ps_core_options, transfers_max), 1, 0, NULL},
};

static void data_beyond_a_limit_is_refused_with_the_setting_to_raise(void **state)
{
    (void)state;
    history h;
    history_make(&h);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ps_core_options options = h.f->options;
        ps_error err = {0};
        memcpy((char *)&options + cases[i].offset, &cases[i].exact, sizeof cases[i].exact);
        assert_int_equal(replay(&h, &options, &err), PS_OK);
        if (cases[i].sentence != NULL) {
            memcpy((char *)&options + cases[i].offset, &cases[i].small, sizeof cases[i].small);
            assert_int_equal(replay(&h, &options, &err), PS_E_LIMIT);
            assert_string_equal(err.text, cases[i].sentence);
        }
    }
    history_free(&h);
}

/* A leg that names a slot beyond the ledger's table: PS_SLACK_TRANSFERS holds more than the limit. */
static void open_holds_beyond_the_limit_are_refused(void **state)
{
    (void)state;
    history h = {.f = fixture_new(NULL)};
    keep(&h);
    for (int i = 0; i < PS_SLACK_TRANSFERS + 2; i++) {
        assert_refused(fixture_card(h.f, "tok_ok", 100, true), PS_REFUSED_NONE);
        keep(&h);
    }
    ps_core_options options = h.f->options;
    ps_error err;
    options.transfers_max = 1;
    assert_int_equal(replay(&h, &options, &err), PS_E_LIMIT);
    assert_string_equal(err.text,
                        "the data holds more transfers than limits.transfers=1 allows: raise it");
    history_free(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_beyond_a_limit_is_refused_with_the_setting_to_raise),
        cmocka_unit_test(open_holds_beyond_the_limit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
