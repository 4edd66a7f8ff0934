#include "commands.h"

#include <stdio.h>

#include "base/time.h"

enum { WALLETS = 5, MERCHANTS = 3 };

uint64_t sim_mix(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static ps_slice text_of(char out[64], const char *prefix, uint64_t number)
{
    snprintf(out, 64, "%s%llu", prefix, (unsigned long long)number);
    return ps_slice_text(out);
}

static void payment_make(sim_command *m, uint64_t r)
{
    static const char *const tokens[] = {"tok_ok",      "tok_insufficient_funds",
                                         "tok_slow_ok", "tok_timeout",
                                         "tok_silent",  "tok_failed",
                                         "tok_ok",      "tok_refund_slow"};
    m->command.kind = PS_CMD_PAYMENT_CREATE;
    m->command.u.payment = &m->payment;
    m->payment.merchant = text_of(m->text[0], "m", r % MERCHANTS);
    m->payment.payer = text_of(m->text[1], "p", (r >> 8) % WALLETS);
    m->payment.amount = 1 + (int64_t)((r >> 16) % 500);
    m->payment.confirm = true;
    m->payment.manual_capture = (r >> 32) % 3 == 0;
    m->payment.expires_in_ns = (r >> 48) % 2 == 0 ? 30 * PS_NS_PER_S : 0;
    m->payment.fee = (r >> 36) % 4 == 0 ? 1 : 0;
    bool known = ps_currency_parse(PS_SLICE("EUR"), &m->payment.currency);
    PS_ASSERT(known);
    if ((r >> 40) % 2 == 0) {
        m->payment.instrument = PS_INSTRUMENT_WALLET;
    } else {
        m->payment.instrument = PS_INSTRUMENT_CARD;
        m->payment.token = ps_slice_text(tokens[(r >> 44) % 8]);
        m->payment.bin = PS_SLICE("411111");
        m->payment.last4 = PS_SLICE("1111");
    }
}

static void transfer_make(sim_command *m, uint64_t r)
{
    m->command.kind = PS_CMD_TRANSFER_CREATE;
    m->command.u.transfer.debit = PS_SLICE("world");
    m->command.u.transfer.credit = text_of(m->text[0], "payer:p", r % WALLETS);
    m->command.u.transfer.pending = (r >> 20) % 5 == 0;
    m->command.timeout_ns = m->command.u.transfer.pending ? 20 * PS_NS_PER_S : 0;
    m->command.amount = 1 + (int64_t)((r >> 8) % 2000);
}

void sim_command_make(uint64_t number, const char *target, sim_command *m)
{
    memset(m, 0, sizeof *m);
    uint64_t r = sim_mix(number * 2 + 1);
    m->command.book = 1;
    m->command.key = 1;
    m->command.scopes = PS_SCOPE_ADMIN;
    m->command.has_idempotency_key = true;
    m->command.idempotency = (ps_u128){number + 1, sim_mix(number)};
    m->command.fingerprint = (ps_u128){sim_mix(number + 7), 1};
    m->command.request_id = (ps_u128){number, number};
    m->command.target = ps_slice_text(target);
    bool known = ps_currency_parse(PS_SLICE("EUR"), &m->command.currency);
    PS_ASSERT(known);
    switch (target[0] == '\0' ? (r >> 56) % 2 : (r >> 56) % 9) {
    case 0:
        transfer_make(m, r);
        break;
    case 3:
        m->command.kind = PS_CMD_PAYMENT_CAPTURE;
        m->command.amount = (r >> 9) % 2 == 0 ? 0 : 1;
        m->command.u.capture.final = (r >> 10) % 2 == 0;
        break;
    case 4:
        m->command.kind = PS_CMD_REFUND_CREATE;
        m->command.u.refund.payment = ps_slice_text(target);
        m->command.amount = 1;
        break;
    case 5:
        m->command.kind = (r >> 9) % 2 == 0 ? PS_CMD_PAYMENT_CANCEL : PS_CMD_PAYMENT_REVERSE;
        m->command.reason = PS_SLICE("test");
        break;
    case 6:
        m->command.kind = PS_CMD_SETTLEMENT_CLOSE;
        m->command.u.settlement.merchant = text_of(m->text[0], "m", r % MERCHANTS);
        break;
    case 7:
        m->command.kind = PS_CMD_PAYMENT_SYNC;
        break;
    case 8:
        m->command.kind = PS_CMD_DISPUTE_OPEN;
        m->command.u.refund.payment = ps_slice_text(target);
        m->command.u.refund.reason = PS_SLICE("fraudulent");
        m->command.amount = 1;
        break;
    default:
        payment_make(m, r);
        break;
    }
}
