#include "core_fixture.h"

#include <stdlib.h>

/* The record of one payment, to damage. */
static ps_fixture *payment_record(ps_slice *out_payload)
{
    ps_fixture *f = fixture_new(NULL);
    ps_payment_request request = {.amount = 500,
                                  .confirm = true,
                                  .instrument = PS_INSTRUMENT_CARD,
                                  .token = PS_SLICE("tok_ok"),
                                  .reference = PS_SLICE("order-1"),
                                  .description = PS_SLICE("a")};
    assert_refused(fixture_create(f, request), PS_REFUSED_NONE);
    *out_payload = ps_slice_of(f->payload, f->result.payload_size);
    return f;
}

static void a_record_holds_its_effects_and_texts(void **state)
{
    (void)state;
    ps_slice payload;
    ps_fixture *f = payment_record(&payload);
    unsigned counts[PS_EFFECT_COUNT] = {0};
    uint64_t sequence = 0;
    for (const ps_effect_head *e = ps_effect_first(payload); e != NULL;
         e = ps_effect_next(payload, e)) {
        counts[e->type]++;
        if (e->event != PS_EVENT_NONE) {
            uint64_t next = ps_get_u64((const char *)e + 16);
            assert_int_equal(next, ++sequence);
        }
        const ps_effect_texts *texts = ps_effect_texts_of(payload, e);
        if (e->type == PS_EFFECT_PAYMENT && e->event == PS_EVENT_PAYMENT_CREATED) {
            assert_non_null(texts);
            assert_true(
                ps_slice_equal(ps_texts_get(texts, PS_TEXT_REFERENCE), PS_SLICE("order-1")));
            assert_true(ps_slice_equal(ps_texts_get(texts, PS_TEXT_DESCRIPTION), PS_SLICE("a")));
            assert_int_equal(ps_texts_get(texts, PS_TEXT_EMAIL).size, 0);
        } else if (e->type != PS_EFFECT_SETTLEMENT) {
            assert_null(texts);
        }
    }
    assert_int_equal(counts[PS_EFFECT_PAYMENT], 3); /* created, authorised, captured */
    assert_int_equal(counts[PS_EFFECT_LEG], 2);
    assert_int_equal(counts[PS_EFFECT_TRADE], 2);
    assert_int_equal(counts[PS_EFFECT_PARTY], 2);
    assert_int_equal(counts[PS_EFFECT_TEXTS], 2); /* the payment's, its new batch's */
    assert_int_equal(sequence, 5);
    fixture_free(f);
}

/* Offsets into the header, and into the first effect. */
static const struct {
    size_t offset;
    bool in_effect;
    unsigned char byte;
    const char *what;
} damages[] = {
    {0, false, 2, "version"},
    {1, false, 0, "no command"},
    {1, false, 200, "unknown command"},
    {4, false, 250, "refusal"},
    {7, false, 1, "reserved"},
    {104, false, 99, "effect count"},
    {108, false, 8, "size"},
    {0, true, 0, "effect type 0"},
    {0, true, PS_EFFECT_COUNT, "effect type beyond"},
    {0, true, PS_EFFECT_TEXTS, "texts of nothing"},
    {1, true, 250, "event"},
    {2, true, 1, "reserved of the effect"},
    {4, true, 3, "size not a multiple of 8"},
    {4, true, 16, "size of another effect"},
    {offsetof(ps_effect_party, reserved1), true, 1, "reserved bytes of a party"},
};

static void damaged_form_is_seen(void **state)
{
    (void)state;
    ps_slice payload;
    ps_fixture *f = payment_record(&payload);
    assert_true(ps_record_check(payload));
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        size_t at = damages[i].offset + (damages[i].in_effect ? sizeof(ps_record_header) : 0);
        char before = f->payload[at];
        f->payload[at] = (char)damages[i].byte;
        if (ps_record_check(payload)) {
            fail_msg("not seen: %s", damages[i].what);
        }
        f->payload[at] = before;
    }
    assert_true(ps_record_check(payload));
    assert_false(ps_record_check(ps_slice_of(payload.data, payload.size - 8)));
    assert_false(ps_record_check(ps_slice_of(payload.data, 8)));
    assert_false(ps_record_check(ps_slice_of(payload.data, 0)));
    fixture_free(f);
}

/* Whatever one byte says, check stays within the payload (run under the address sanitizer). */
static void any_byte_may_be_anything(void **state)
{
    (void)state;
    ps_slice payload;
    ps_fixture *f = payment_record(&payload);
    char *copy = aligned_alloc(8, payload.size);
    assert_non_null(copy);
    unsigned accepted = 0;
    for (size_t at = 0; at < payload.size; at++) {
        memcpy(copy, payload.data, payload.size);
        copy[at] = (char)(copy[at] ^ (char)(1 << (at % 8)));
        ps_slice damaged = ps_slice_of(copy, payload.size);
        if (ps_record_check(damaged)) {
            accepted++;
            for (const ps_effect_head *e = ps_effect_first(damaged); e != NULL;
                 e = ps_effect_next(damaged, e)) {
                const ps_effect_texts *texts = ps_effect_texts_of(damaged, e);
                if (texts != NULL) {
                    (void)ps_texts_get(texts, PS_TEXT_NAME);
                }
            }
        }
    }
    assert_true(accepted > 0); /* contents are the checksum's business */
    free(copy);
    fixture_free(f);
}

static void replay_refuses_what_is_damaged_or_out_of_order(void **state)
{
    (void)state;
    ps_slice payload;
    ps_fixture *f = payment_record(&payload);
    ps_error err;
    assert_int_equal(ps_core_replay(f->mirror, f->seq, payload, &err), PS_E_DAMAGED);
    assert_int_equal(ps_core_replay(f->mirror, f->seq + 1, payload, &err), PS_E_DAMAGED);
    f->payload[0] = 9;
    assert_int_equal(ps_core_replay(f->mirror, f->seq + 1, payload, &err), PS_E_DAMAGED);
    assert_true(ps_u128_equal(ps_core_hash(f->core), ps_core_hash(f->mirror)));
    fixture_free(f);
}

static void every_refusal_has_a_text_and_a_status(void **state)
{
    (void)state;
    for (int i = 1; i < PS_REFUSED_COUNT; i++) {
        const ps_refusal_text *text = ps_refusal_describe((ps_refusal)i);
        assert_true(text->http_status >= 402 && text->http_status <= 507);
        assert_true(text->code[0] != '\0' && text->message[0] != '\0' && text->type[0] != '\0');
        bool decided = text->http_status == 402 || text->http_status == 409 ||
                       (text->http_status == 422 && i != PS_REFUSED_IDEMPOTENCY_MISMATCH);
        assert_int_equal(text->stored, decided);
    }
}

static void every_event_name_is_read_back(void **state)
{
    (void)state;
    for (int i = 1; i < PS_EVENT_COUNT; i++) {
        ps_event_type type;
        assert_true(ps_event_parse(ps_slice_text(ps_event_name((ps_event_type)i)), &type));
        assert_int_equal(type, i);
    }
    ps_event_type type;
    assert_false(ps_event_parse(PS_SLICE(""), &type));
    assert_false(ps_event_parse(PS_SLICE("payment.paid"), &type));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_holds_its_effects_and_texts),
        cmocka_unit_test(damaged_form_is_seen),
        cmocka_unit_test(any_byte_may_be_anything),
        cmocka_unit_test(replay_refuses_what_is_damaged_or_out_of_order),
        cmocka_unit_test(every_refusal_has_a_text_and_a_status),
        cmocka_unit_test(every_event_name_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
