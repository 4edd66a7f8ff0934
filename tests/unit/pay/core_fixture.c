#include "core_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t start_ns = INT64_C(1767225600000000000); /* 2026-01-01 */
static const ps_u128 instance = {UINT64_C(0x1111222233334444), UINT64_C(0x5555666677778888)};

void fixture_options_small(ps_core_options *out_options)
{
    ps_core_options_default(out_options);
    out_options->payments_max = 20000;
    out_options->accounts_max = 2000;
    out_options->keys_max = 2000;
    out_options->transfers_max = 5000;
    out_options->refunds_max = 5000;
    out_options->trades_max = 100000;
    out_options->parties_max = 1000;
}

static ps_core *core_make(const ps_policy *policy, const ps_core_options *options)
{
    ps_core *core = NULL;
    ps_error err;
    ps_code code = ps_core_new(options, policy, instance, &core, &err);
    assert_int_equal(code, PS_OK);
    return core;
}

static void genesis(ps_fixture *f)
{
    char data[32 + sizeof(ps_hash_secret)];
    memset(data, 7, sizeof data);
    ps_command command = {
        .kind = PS_CMD_GENESIS,
        .reason = PS_SLICE("first"),
        .data = {data, sizeof data},
        .u.key_new = {.scopes = PS_SCOPE_ADMIN, .tenant = PS_SLICE("shop"), .public_id = {1, 2}}};
    uint32_t book = f->book;
    f->book = 0;
    assert_int_equal(fixture_run(f, &command), PS_REFUSED_NONE);
    f->book = book;
}

ps_fixture *fixture_new_with(const ps_policy *policy, const ps_core_options *options)
{
    ps_fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->options = *options;
    f->payload = aligned_alloc(8, PS_RECORD_SIZE_MAX);
    assert_non_null(f->payload);
    f->core = core_make(policy, options);
    f->mirror = core_make(policy, options);
    f->now_ns = start_ns;
    f->book = 1;
    f->scopes = PS_SCOPE_ADMIN;
    genesis(f);
    return f;
}

ps_fixture *fixture_new(const ps_policy *policy)
{
    ps_core_options options;
    fixture_options_small(&options);
    return fixture_new_with(policy, &options);
}

void fixture_free(ps_fixture *f)
{
    if (f->skip_verify) {
        fixture_verify(f);
    }
    ps_core_free(f->core);
    ps_core_free(f->mirror);
    free(f->payload);
    free(f);
}

static void fail_violation(void *context, const char *invariant, const char *sentence)
{
    (void)context;
    print_error("%s: %s\n", invariant, sentence);
}

void fixture_verify(const ps_fixture *f)
{
    assert_int_equal(ps_ledger_verify(&f->core->ledger, fail_violation, NULL), 0);
    assert_int_equal(ps_core_verify(f->core, fail_violation, NULL), 0);
}

static void take_objects(ps_fixture *f, ps_slice payload)
{
    for (const ps_effect_head *e = ps_effect_first(payload); e != NULL;
         e = ps_effect_next(payload, e)) {
        if (e->type == PS_EFFECT_PAYMENT) {
            f->payment = *(const ps_effect_payment *)(const void *)e;
        } else if (e->type == PS_EFFECT_REFUND) {
            f->refund = *(const ps_effect_refund *)(const void *)e;
        } else if (e->type == PS_EFFECT_DISPUTE) {
            f->dispute = *(const ps_effect_dispute *)(const void *)e;
        }
    }
}

/* A record was made: check its form, replay it, compare, verify. */
static void record_check(ps_fixture *f, uint32_t size)
{
    ps_slice payload = ps_slice_of(f->payload, size);
    assert_true(ps_record_check(payload));
    ps_error err;
    assert_int_equal(ps_core_replay(f->mirror, f->seq, payload, &err), PS_OK);
    assert_true(ps_u128_equal(ps_core_hash(f->core), ps_core_hash(f->mirror)));
    if (!f->skip_verify) {
        fixture_verify(f);
    }
    take_objects(f, payload);
}

static unsigned run_timers(ps_fixture *f)
{
    unsigned count = 0;
    uint32_t size = ps_core_timer(f->core, f->now_ns, f->seq + 1, f->payload);
    while (size != 0) {
        f->seq++;
        record_check(f, size);
        count++;
        f->now_ns++;
        size = ps_core_timer(f->core, f->now_ns, f->seq + 1, f->payload);
        assert_true(count < 100000);
    }
    return count;
}

unsigned fixture_advance(ps_fixture *f, int64_t by_ns)
{
    int64_t until_ns = f->now_ns + by_ns;
    unsigned count = 0;
    while (ps_core_next_timer_ns(f->core) <= until_ns) {
        int64_t due_ns = ps_core_next_timer_ns(f->core);
        f->now_ns = due_ns > f->now_ns ? due_ns : f->now_ns + 1;
        count += run_timers(f);
    }
    f->now_ns = until_ns > f->now_ns ? until_ns : f->now_ns + 1;
    return count;
}

static void id_of_subject(ps_fixture *f, const ps_record_header *header)
{
    int64_t created_ns = 0;
    switch ((ps_id_kind)header->subject_kind) {
    case PS_ID_REFUND:
        created_ns = ps_refund_at(f->core, header->subject)->body.created_ns;
        break;
    case PS_ID_DISPUTE:
        created_ns = ps_dispute_at(f->core, header->subject)->body.created_ns;
        break;
    case PS_ID_TRANSFER:
        created_ns = ps_api_transfer_at(f->core, header->subject)->body.created_ns;
        break;
    case PS_ID_SETTLEMENT:
        created_ns = ps_settlement_at(f->core, header->subject)->body.created_ns;
        break;
    case PS_ID_PAYMENT:
    case PS_ID_TRADE:
    case PS_ID_EVENT:
    case PS_ID_RISK_EVENT:
    case PS_ID_KEY:
    case PS_ID_REQUEST:
    case PS_ID_SIMULATOR:
        return;
    }
    if (created_ns != 0) {
        size_t size = ps_id_format(instance, header->subject_kind, header->subject, created_ns,
                                   f->child_text);
        f->child = ps_slice_of(f->child_text, size);
    }
}

ps_refusal fixture_run_at(ps_fixture *f, ps_command *command, int64_t now_ns)
{
    assert_true(now_ns >= f->now_ns);
    f->now_ns = now_ns;
    run_timers(f);
    command->book = command->book != 0 ? command->book : f->book;
    command->scopes = command->scopes != 0 ? command->scopes : f->scopes;
    if (f->idempotency != 0) {
        command->has_idempotency_key = true;
        command->idempotency = (ps_u128){f->idempotency, f->idempotency};
        command->fingerprint = (ps_u128){f->fingerprint, f->fingerprint};
    }
    ps_u128 before = ps_core_hash(f->core);
    ps_core_execute(f->core, command, f->now_ns, f->seq + 1, f->payload, &f->result);
    f->idempotency = 0;
    if (f->result.kind != PS_RESULT_RECORD) {
        assert_true(ps_u128_equal(before, ps_core_hash(f->core)));
        f->refusal = f->result.refusal;
        f->detail = f->result.detail;
        return f->refusal;
    }
    f->seq++;
    const ps_record_header *header = ps_record_head(ps_slice_of(f->payload, 0));
    f->refusal = header->refusal;
    f->detail = header->detail;
    f->http_status = header->http_status;
    record_check(f, f->result.payload_size);
    id_of_subject(f, header);
    f->now_ns++;
    return f->refusal;
}

ps_refusal fixture_run(ps_fixture *f, ps_command *command)
{
    return fixture_run_at(f, command, f->now_ns + PS_NS_PER_MS);
}

/* ── commands ── */

ps_currency fixture_currency(const char *code)
{
    ps_currency currency;
    bool found = ps_currency_parse(ps_slice_text(code), &currency);
    assert_true(found);
    return currency;
}

void fixture_fund(ps_fixture *f, const char *payer, const char *currency, int64_t amount)
{
    char name[PS_ACCOUNT_NAME_MAX];
    snprintf(name, sizeof name, "payer:%s", payer);
    ps_currency code = fixture_currency(currency);
    const char *names[] = {name, "world"};
    for (int i = 0; i < 2; i++) {
        ps_command open = {
            .kind = PS_CMD_ACCOUNT_OPEN,
            .currency = code,
            .u.account = {.name = ps_slice_text(names[i]),
                          .type = i == 0 ? PS_ACCOUNT_LIABILITY : PS_ACCOUNT_EQUITY}};
        ps_refusal refusal = fixture_run(f, &open);
        assert_true(refusal == PS_REFUSED_NONE || refusal == PS_REFUSED_ALREADY_EXISTS);
    }
    ps_command transfer = {
        .kind = PS_CMD_TRANSFER_CREATE,
        .currency = code,
        .amount = amount,
        .u.transfer = {.debit = PS_SLICE("world"), .credit = ps_slice_text(name)}};
    assert_refused(fixture_run(f, &transfer), PS_REFUSED_NONE);
}

ps_refusal fixture_create(ps_fixture *f, ps_payment_request request)
{
    if (request.merchant.size == 0) {
        request.merchant = PS_SLICE("shop");
    }
    if (request.payer.size == 0) {
        request.payer = PS_SLICE("alice");
    }
    if (request.instrument == 0) {
        request.instrument = PS_INSTRUMENT_WALLET;
    }
    request.currency = request.currency != 0 ? request.currency : fixture_currency("EUR");
    ps_command command = {.kind = PS_CMD_PAYMENT_CREATE, .u.payment = &request};
    ps_refusal refusal = fixture_run(f, &command);
    bool made = refusal == PS_REFUSED_NONE || refusal == PS_REFUSED_DECLINED;
    if (f->result.kind == PS_RESULT_RECORD && made) {
        size_t size = request.client_id.size;
        if (size != 0) {
            memcpy(f->id_text, request.client_id.data, size);
        } else {
            size = ps_id_format(instance, PS_ID_PAYMENT, f->payment.payment, f->payment.created_ns,
                                f->id_text);
        }
        f->id = ps_slice_of(f->id_text, size);
    }
    return refusal;
}

ps_refusal fixture_card(ps_fixture *f, const char *token, int64_t amount, bool manual_capture)
{
    return fixture_create(f, (ps_payment_request){.amount = amount,
                                                  .instrument = PS_INSTRUMENT_CARD,
                                                  .token = ps_slice_text(token),
                                                  .manual_capture = manual_capture,
                                                  .confirm = true});
}

ps_refusal fixture_on_payment(ps_fixture *f, ps_command_kind kind)
{
    ps_command command = {.kind = kind, .target = f->id, .reason = PS_SLICE("because")};
    return fixture_run(f, &command);
}

ps_refusal fixture_capture(ps_fixture *f, int64_t amount, bool final)
{
    ps_command command = {.kind = PS_CMD_PAYMENT_CAPTURE,
                          .target = f->id,
                          .amount = amount,
                          .u.capture = {.final = final}};
    return fixture_run(f, &command);
}

ps_refusal fixture_rail_result(ps_fixture *f, ps_rail_outcome outcome, int64_t amount)
{
    ps_command command = {.kind = PS_CMD_PAYMENT_RAIL_RESULT,
                          .target = f->id,
                          .amount = amount,
                          .u.rail = {.outcome = outcome}};
    if (outcome == PS_RAIL_DECLINED) {
        command.u.rail.decline_code = PS_SLICE("lost_card");
    }
    return fixture_run(f, &command);
}

ps_refusal fixture_refund(ps_fixture *f, int64_t amount)
{
    ps_command command = {.kind = PS_CMD_REFUND_CREATE,
                          .amount = amount,
                          .u.refund = {.payment = f->id, .reason = PS_SLICE("unwanted")}};
    return fixture_run(f, &command);
}

ps_refusal fixture_dispute_open(ps_fixture *f, int64_t amount)
{
    ps_command command = {.kind = PS_CMD_DISPUTE_OPEN,
                          .amount = amount,
                          .u.refund = {.payment = f->id, .reason = PS_SLICE("fraud")}};
    return fixture_run(f, &command);
}

ps_refusal fixture_dispute_end(ps_fixture *f, bool won)
{
    ps_command command = {
        .kind = PS_CMD_DISPUTE_END, .target = f->child, .u.dispute = {.won = won}};
    return fixture_run(f, &command);
}

void fixture_refresh(ps_fixture *f)
{
    uint32_t number = ps_payment_find(f->core, f->book, f->id);
    assert_int_not_equal(number, 0);
    f->payment = ps_payment_at(f->core, number)->body;
}

/* ── books ── */

static const ps_account *account_find(const ps_fixture *f, const char *account,
                                      const char *currency)
{
    uint32_t number = ps_ledger_account_find(&f->core->ledger, f->book, ps_slice_text(account),
                                             fixture_currency(currency));
    return number != PS_INDEX_NONE ? ps_ledger_account(&f->core->ledger, number) : NULL;
}

int64_t fixture_balance(const ps_fixture *f, const char *account, const char *currency)
{
    const ps_account *found = account_find(f, account, currency);
    return found != NULL ? (int64_t)ps_account_balance(found->type, &found->totals) : 0;
}

int64_t fixture_pending_debits(const ps_fixture *f, const char *account, const char *currency)
{
    const ps_account *found = account_find(f, account, currency);
    return found != NULL ? (int64_t)found->totals.debits_pending : 0;
}

int64_t fixture_pending_credits(const ps_fixture *f, const char *account, const char *currency)
{
    const ps_account *found = account_find(f, account, currency);
    return found != NULL ? (int64_t)found->totals.credits_pending : 0;
}
