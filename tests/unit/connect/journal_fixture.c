#include "base/testing.h"

#include <stdio.h>

#include "connect/journal_fixture.h"
#include "pay/engine.h"

struct journal_fixture {
    ps_sim *sim;
    ps_engine *engine;
};

static void options_small(ps_engine_options *out_options)
{
    ps_engine_options_default(out_options);
    out_options->journal.segment_size = 512 * 1024;
    out_options->journal.batch_size_max = 160 * 1024;
    out_options->core.payments_max = 10000;
    out_options->core.accounts_max = 1000;
    out_options->core.keys_max = 20000;
    out_options->core.transfers_max = 20000;
    out_options->core.refunds_max = 1000;
    out_options->core.trades_max = 40000;
    out_options->core.parties_max = 1000;
}

journal_fixture *journal_fixture_new(void)
{
    journal_fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->sim = ps_sim_new(7);
    ps_engine_options options;
    options_small(&options);
    ps_error err = {0};
    ps_engine_recovery recovery;
    char key[PS_API_KEY_TEXT_MAX];
    const ps_engine_founding founding = {PS_SLICE("shop"), false, &options};
    assert_int_equal(ps_engine_found(ps_sim_io(f->sim), "/d", &founding, key, &err), PS_OK);
    assert_int_equal(ps_engine_open(ps_sim_io(f->sim), "/d", &options, &f->engine, &recovery, &err),
                     PS_OK);
    return f;
}

void journal_fixture_stop(journal_fixture *f)
{
    if (f->engine != NULL) {
        ps_error err;
        assert_int_equal(ps_engine_shutdown(f->engine, false, &err), PS_OK);
        ps_engine_close(f->engine);
        f->engine = NULL;
    }
}

void journal_fixture_free(journal_fixture *f)
{
    journal_fixture_stop(f);
    ps_sim_free(f->sim);
    free(f);
}

ps_io *journal_fixture_io(const journal_fixture *f)
{
    return ps_sim_io(f->sim);
}

void *journal_fixture_journal(const journal_fixture *f)
{
    return ps_engine_journal(f->engine);
}

uint64_t journal_fixture_last(const journal_fixture *f)
{
    return ps_journal_durable_seq(ps_engine_journal(f->engine));
}

static void run(journal_fixture *f, ps_command *command)
{
    ps_error err = {0};
    ps_reply reply;
    command->book = 1;
    command->key = 1;
    command->scopes = PS_SCOPE_ADMIN;
    assert_int_equal(ps_engine_execute_durably(f->engine, command, &reply, &err), PS_OK);
    assert_int_equal(reply.result.kind, PS_RESULT_RECORD);
}

static void pay(journal_fixture *f, ps_payment_request *request)
{
    request->merchant = PS_SLICE("m");
    request->payer = PS_SLICE("p");
    request->bin = PS_SLICE("424242");
    request->ip = PS_SLICE("10.0.0.1");
    char reference[32]; /* must be another for each payment */
    snprintf(reference, sizeof reference, "order %llu",
             (unsigned long long)journal_fixture_last(f));
    request->reference = ps_slice_text(reference);
    request->instrument = PS_INSTRUMENT_CARD;
    request->confirm = true;
    assert_true(ps_currency_parse(PS_SLICE("EUR"), &request->currency));
    ps_command command = {.kind = PS_CMD_PAYMENT_CREATE};
    command.u.payment = request;
    run(f, &command);
}

void journal_fixture_pay(journal_fixture *f, const char *client_id, const char *token,
                         int64_t amount)
{
    ps_payment_request request = {
        .client_id = ps_slice_text(client_id), .token = ps_slice_text(token), .amount = amount};
    pay(f, &request);
}

void journal_fixture_pay_manual(journal_fixture *f, const char *client_id, int64_t amount)
{
    ps_payment_request request = {.client_id = ps_slice_text(client_id),
                                  .token = PS_SLICE("tok_ok"),
                                  .amount = amount,
                                  .manual_capture = true};
    pay(f, &request);
}

void journal_fixture_capture(journal_fixture *f, const char *id, int64_t amount, bool final)
{
    ps_command command = {
        .kind = PS_CMD_PAYMENT_CAPTURE, .target = ps_slice_text(id), .amount = amount};
    command.u.capture.final = final;
    run(f, &command);
}

void journal_fixture_refund(journal_fixture *f, const char *id, int64_t amount)
{
    ps_command command = {
        .kind = PS_CMD_REFUND_CREATE, .amount = amount, .reason = PS_SLICE("returned")};
    command.u.refund.payment = ps_slice_text(id);
    command.u.refund.reason = PS_SLICE("returned");
    run(f, &command);
}

void journal_fixture_transfer(journal_fixture *f, const char *debit, const char *credit,
                              int64_t amount)
{
    const char *const names[] = {debit, credit};
    for (int i = 0; i < 2; i++) {
        ps_command open = {.kind = PS_CMD_ACCOUNT_OPEN};
        assert_true(ps_currency_parse(PS_SLICE("EUR"), &open.currency));
        open.u.account.name = ps_slice_text(names[i]);
        open.u.account.type = PS_ACCOUNT_ASSET;
        run(f, &open);
    }
    ps_command command = {
        .kind = PS_CMD_TRANSFER_CREATE, .amount = amount, .reference = PS_SLICE("move")};
    assert_true(ps_currency_parse(PS_SLICE("EUR"), &command.currency));
    command.u.transfer.debit = ps_slice_text(debit);
    command.u.transfer.credit = ps_slice_text(credit);
    run(f, &command);
}

void journal_fixture_risk_event(journal_fixture *f, const char *payment)
{
    ps_command command = {.kind = PS_CMD_RISK_EVENT,
                          .reason = PS_SLICE("stolen"),
                          .data = PS_SLICE("{\"by\":\"bank\"}")};
    command.u.risk.type = PS_RISK_FRAUD;
    command.u.risk.severity = 3;
    command.u.risk.payment = ps_slice_text(payment);
    command.u.risk.entity = PS_SLICE("card 1");
    run(f, &command);
}
