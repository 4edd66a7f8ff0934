/* A core with a mirror: every record that the core makes is replayed into a second core at once and
 * both must have equal state (M16), after every record the books and the core are verified.
 *
 *     ps_fixture *f = fixture_new(NULL);
 *     fixture_fund(f, "alice", "EUR", 10000);
 *     fixture_pay(f, &(ps_payment_request){…});          → f->id, f->payment
 *     fixture_capture(f, f->id, 500, true);
 *     assert_int_equal(fixture_balance(f, "merchant:shop:pending", "EUR"), 500);
 *     fixture_free(f);
 */
#ifndef PS_TESTS_CORE_FIXTURE_H
#define PS_TESTS_CORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the headers it needs */
#include <cmocka.h>

#include "base/time.h"
#include "pay/emit.h"

typedef struct {
    ps_core_options options; /* small tables; fixture_new_with takes others */
    ps_core *core;
    ps_core *mirror;
    char *payload; /* of the newest record */
    uint64_t seq;
    int64_t now_ns;
    uint32_t book;        /* of the commands made here: 1 (test); 2 is live */
    uint16_t scopes;      /* admin */
    bool skip_verify;     /* for long random runs: verify now and then instead */
    uint64_t idempotency; /* ≠ 0: the key of the next command; body hash = fingerprint */
    uint64_t fingerprint;
    /* of the newest command */
    ps_result result;
    ps_refusal refusal; /* in the record, or not stored */
    int64_t detail;
    uint16_t http_status;
    /* of the newest payment, refund, dispute that a record showed */
    ps_effect_payment payment;
    ps_effect_refund refund;
    ps_effect_dispute dispute;
    char id_text[PS_ID_TEXT_MAX];
    char child_text[PS_ID_TEXT_MAX];
    ps_slice id; /* of `payment` */
    ps_slice
        child; /* of the newest refund, dispute, transfer or settlement: the record's subject */
} ps_fixture;

/* Genesis done: book 1 = tenant "shop" in test mode, book 2 = the same live. */
ps_fixture *fixture_new(const ps_policy *policy);
ps_fixture *fixture_new_with(const ps_policy *policy, const ps_core_options *options);
void fixture_free(ps_fixture *f);
void fixture_options_small(ps_core_options *out_options);

/* Time goes on by 1 ms; due timers first; then the command, whole check. Returns the refusal. Fills
 * in book, scopes and idempotency where the command leaves them 0. */
ps_refusal fixture_run(ps_fixture *f, ps_command *command);
/* The same at exactly now_ns (no step forward but 1 ns a record). */
ps_refusal fixture_run_at(ps_fixture *f, ps_command *command, int64_t now_ns);
/* Time goes on; timers fire in order, each at its deadline. Returns the number of records. */
unsigned fixture_advance(ps_fixture *f, int64_t by_ns);
void fixture_verify(const ps_fixture *f);

/* Money for payer:{name} from world. */
void fixture_fund(ps_fixture *f, const char *payer, const char *currency, int64_t amount);
/* payment.amount etc. as given; empty merchant, payer, currency 0, instrument 0, confirm: shop,
 * alice, EUR, wallet. `confirm` is as given. */
ps_refusal fixture_create(ps_fixture *f, ps_payment_request request);
/* A confirmed card payment with this token. */
ps_refusal fixture_card(ps_fixture *f, const char *token, int64_t amount, bool manual_capture);
ps_refusal fixture_on_payment(ps_fixture *f, ps_command_kind kind); /* of f->id */
ps_refusal fixture_capture(ps_fixture *f, int64_t amount, bool final);
ps_refusal fixture_rail_result(ps_fixture *f, ps_rail_outcome outcome, int64_t amount);
ps_refusal fixture_refund(ps_fixture *f, int64_t amount);       /* of f->id */
ps_refusal fixture_dispute_open(ps_fixture *f, int64_t amount); /* of f->id */
ps_refusal fixture_dispute_end(ps_fixture *f, bool won);        /* of f->child */
/* Takes the newest state of f->id into f->payment. */
void fixture_refresh(ps_fixture *f);

ps_currency fixture_currency(const char *code);
/* Posted balance in the account's own sense; 0 when there is no such account. */
int64_t fixture_balance(const ps_fixture *f, const char *account, const char *currency);
int64_t fixture_pending_debits(const ps_fixture *f, const char *account, const char *currency);
int64_t fixture_pending_credits(const ps_fixture *f, const char *account, const char *currency);

#define assert_status(f, expected)                                                                 \
    assert_string_equal(ps_status_name((f)->payment.status), ps_status_name(expected))
#define assert_refused(expression, expected)                                                       \
    assert_string_equal(ps_refusal_describe(expression)->code, ps_refusal_describe(expected)->code)

#endif
