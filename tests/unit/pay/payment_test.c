#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the headers it needs */
#include <cmocka.h>

#include "pay/payment.h"

/* authorised capturable captured refunded refund_pending disputed charged_back settled */
typedef struct {
    int64_t c[8];
    ps_phase phase;
    const char *status;
    int64_t refundable;
} status_case;

static const status_case status_cases[] = {
    {{0}, PS_PHASE_CREATED, "created", 0},
    {{0}, PS_PHASE_IN_REVIEW, "in_review", 0},
    {{0}, PS_PHASE_PROCESSING, "processing", 0},
    {{0}, PS_PHASE_UNKNOWN, "unknown", 0},
    {{0}, PS_PHASE_DECLINED, "declined", 0},
    {{0}, PS_PHASE_FAILED, "failed", 0},
    {{100, 0}, PS_PHASE_CANCELLED, "cancelled", 0},
    {{100, 0}, PS_PHASE_EXPIRED, "expired", 0},
    {{100, 0, 0}, PS_PHASE_REVERSED, "reversed", 0},
    /* a terminal phase comes before all counters */
    {{100, 0, 100, 0, 0, 50}, PS_PHASE_REVERSED, "reversed", 0},
    {{100, 100}, PS_PHASE_OPEN, "authorised", 0},
    {{100, 60, 40}, PS_PHASE_OPEN, "partially_captured", 40},
    {{100, 0, 40}, PS_PHASE_OPEN, "captured", 40},
    {{100, 0, 100}, PS_PHASE_OPEN, "captured", 100},
    {{100, 0, 100, 0, 0, 0, 0, 100}, PS_PHASE_OPEN, "settled", 100},
    {{100, 0, 100, 0, 0, 0, 0, 40}, PS_PHASE_OPEN, "captured", 100},
    {{100, 60, 40, 0, 0, 0, 0, 40}, PS_PHASE_OPEN, "partially_captured", 40},
    /* a pending refund does not show, but it is not refundable again */
    {{100, 0, 100, 0, 30}, PS_PHASE_OPEN, "captured", 70},
    {{100, 0, 100, 30}, PS_PHASE_OPEN, "partially_refunded", 70},
    {{100, 0, 100, 30, 0, 0, 0, 100}, PS_PHASE_OPEN, "partially_refunded", 70},
    {{100, 0, 100, 100}, PS_PHASE_OPEN, "refunded", 0},
    /* refunded only when nothing is capturable */
    {{100, 60, 40, 40}, PS_PHASE_OPEN, "partially_refunded", 0},
    {{100, 60, 40, 10}, PS_PHASE_OPEN, "partially_refunded", 30},
    {{100, 0, 100, 0, 0, 10}, PS_PHASE_OPEN, "disputed", 90},
    {{100, 0, 100, 50, 0, 10}, PS_PHASE_OPEN, "disputed", 40},
    {{100, 0, 100, 0, 0, 10, 90}, PS_PHASE_OPEN, "disputed", 0},
    {{100, 0, 100, 0, 0, 0, 100}, PS_PHASE_OPEN, "charged_back", 0},
    {{100, 60, 40, 0, 0, 0, 40}, PS_PHASE_OPEN, "charged_back", 0},
    {{100, 0, 100, 0, 0, 0, 40}, PS_PHASE_OPEN, "captured", 60},
    {{100, 0, 100, 0, 0, 0, 40, 100}, PS_PHASE_OPEN, "settled", 60},
    {{100, 0, 100, 60, 0, 0, 40}, PS_PHASE_OPEN, "partially_refunded", 0},
};

static void the_headline_follows_from_counters_and_phase(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof status_cases / sizeof status_cases[0]; i++) {
        const status_case *row = &status_cases[i];
        ps_counters counters = {row->c[0], row->c[1], row->c[2], row->c[3], row->c[4],
                                row->c[5], row->c[6], row->c[7], 0};
        assert_string_equal(ps_status_name(ps_payment_status(&counters, row->phase)), row->status);
        assert_int_equal(ps_payment_refundable(&counters, row->phase), row->refundable);
    }
}

/* Rows of PAYMENTS §3 by hand. */
static const char *const allowed_cases[][2] = {
    {"created", "in_review declined processing authorised cancelled "},
    {"in_review", "declined processing authorised cancelled "},
    {"declined", ""},
    {"processing", "authorised failed unknown declined "},
    {"authorised", "cancelled expired partially_captured captured reversed "},
    {"failed", ""},
    {"unknown", "authorised captured declined failed "},
    {"cancelled", ""},
    {"expired", ""},
    {"partially_captured", "captured partially_refunded disputed "},
    {"captured", "settled partially_refunded refunded disputed reversed "},
    {"settled", "partially_refunded refunded disputed "},
    {"partially_refunded", "partially_refunded refunded disputed "},
    {"refunded", ""},
    {"disputed", "partially_captured captured settled partially_refunded charged_back "},
    {"charged_back", ""},
    {"reversed", ""},
};

static void allowed_lists_the_rows_of_the_table(void **state)
{
    (void)state;
    size_t count = sizeof allowed_cases / sizeof allowed_cases[0];
    assert_int_equal(count, PS_STATUS_COUNT - 1);
    for (size_t i = 0; i < count; i++) {
        ps_status status;
        assert_true(ps_status_parse(ps_slice_text(allowed_cases[i][0]), &status));
        char text[200] = "";
        for (const ps_status *next = ps_status_allowed(status); *next != 0; next++) {
            strcat(text, ps_status_name(*next));
            strcat(text, " ");
        }
        assert_string_equal(text, allowed_cases[i][1]);
        assert_int_equal(ps_status_is_terminal(status), text[0] == '\0');
    }
}

static void an_unknown_word_is_no_status(void **state)
{
    (void)state;
    ps_status status = PS_STATUS_CREATED;
    assert_false(ps_status_parse(PS_SLICE("authorized"), &status));
    assert_false(ps_status_parse(PS_SLICE(""), &status));
    assert_int_equal(status, PS_STATUS_CREATED);
}

static void every_decline_has_code_and_advice(void **state)
{
    (void)state;
    assert_null(ps_decline_describe(PS_DECLINE_NONE));
    for (int i = 1; i < PS_DECLINE_COUNT; i++) {
        const ps_decline_text *text = ps_decline_describe((ps_decline)i);
        assert_int_equal(ps_decline_parse(ps_slice_text(text->code)), i);
        assert_true(strcmp(text->advice, "do_not_retry") == 0 ||
                    strcmp(text->advice, "retry_later") == 0 ||
                    strcmp(text->advice, "other_instrument") == 0);
    }
    assert_int_equal(ps_decline_parse(PS_SLICE("no such code")), PS_DECLINE_OTHER);
}

static void names_end_where_enums_end(void **state)
{
    (void)state;
    assert_string_equal(ps_refund_status_name(PS_REFUND_CANCELLED), "cancelled");
    assert_string_equal(ps_dispute_status_name(PS_DISPUTE_LOST), "lost");
    assert_string_equal(ps_settlement_status_name(PS_SETTLEMENT_FAILED), "failed");
    assert_string_equal(ps_trade_kind_name(PS_TRADE_REVERSAL), "reversal");
    assert_string_equal(ps_trade_status_name(PS_TRADE_REVERSED), "reversed");
    assert_string_equal(ps_risk_type_name(PS_RISK_VIOLATION), "violation");
    assert_string_equal(ps_action_name(PS_ACTION_DECLINE), "decline");
    assert_null(ps_action_name(PS_ACTION_NONE));
    assert_null(ps_refund_status_name((ps_refund_status)6));
    assert_null(ps_trade_kind_name((ps_trade_kind)9));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_headline_follows_from_counters_and_phase),
        cmocka_unit_test(allowed_lists_the_rows_of_the_table),
        cmocka_unit_test(an_unknown_word_is_no_status),
        cmocka_unit_test(every_decline_has_code_and_advice),
        cmocka_unit_test(names_end_where_enums_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
