/* A second, naive account of what PAYMENTS §3 and §6 say, for comparison with the core: no ledger,
 * no records, plain sums, one obvious line per rule. Without settlement and frozen accounts.
 */
#ifndef PS_TESTS_NAIVE_PAYMENT_H
#define PS_TESTS_NAIVE_PAYMENT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { NAIVE_PAYMENTS_MAX = 600, NAIVE_CHILDREN_MAX = 600, NAIVE_PAYERS = 3, NAIVE_MERCHANTS = 2 };

typedef struct {
    int payer, merchant;
    bool is_wallet, is_manual;
    const char *token;
    const char *phase; /* a status word, or "open" */
    int64_t amount, fee;
    int64_t capturable, captured, refunded, refund_pending, disputed, lost, fee_taken;
    int failed_refunds;
    int64_t due_ns; /* 0: none */
} naive_payment;

/* A refund under way or a dispute that is not ended. */
typedef struct {
    int payment;
    bool is_dispute, is_over;
    bool is_challenged;
    int64_t amount, owed;
    int64_t due_ns;
} naive_child;

typedef struct {
    naive_payment payments[NAIVE_PAYMENTS_MAX];
    naive_child children[NAIVE_CHILDREN_MAX];
    int payment_count, child_count;
    int64_t wallet[NAIVE_PAYERS], wallet_held[NAIVE_PAYERS];
    int64_t pending[NAIVE_MERCHANTS]; /* merchant:…:pending, posted */
    int64_t going[NAIVE_MERCHANTS];   /* of it, held for refunds */
    int64_t owed[NAIVE_MERCHANTS];    /* merchant:…:receivable */
    int64_t fees, dispute_hold, scheme;
} naive_world;

static const int64_t naive_second = INT64_C(1000000000);
static const int64_t naive_day = INT64_C(86400000000000);

static inline const char *naive_status(const naive_payment *p)
{
    if (strcmp(p->phase, "open") != 0) {
        return p->phase;
    }
    if (p->disputed > 0) {
        return "disputed";
    }
    if (p->captured == 0) {
        return "authorised";
    }
    if (p->lost == p->captured) {
        return "charged_back";
    }
    if (p->refunded == p->captured && p->capturable == 0) {
        return "refunded";
    }
    if (p->refunded > 0) {
        return "partially_refunded";
    }
    return p->capturable > 0 ? "partially_captured" : "captured";
}

static inline bool naive_is(const naive_payment *p, const char *phase)
{
    return strcmp(p->phase, phase) == 0;
}

static inline int64_t naive_refundable(const naive_payment *p)
{
    return p->captured - p->refunded - p->refund_pending - p->disputed - p->lost;
}

static inline void naive_pay_back(naive_world *w, const naive_payment *p, int64_t amount)
{
    if (p->is_wallet) {
        w->wallet[p->payer] += amount;
    } else {
        w->scheme -= amount;
    }
}

static inline void naive_hold(naive_world *w, naive_payment *p, int64_t amount)
{
    p->capturable += amount;
    if (p->is_wallet) {
        w->wallet_held[p->payer] += amount;
    }
}

static inline void naive_do_capture(naive_world *w, naive_payment *p, int64_t amount, bool final)
{
    int64_t fee = p->fee - p->fee_taken < amount ? p->fee - p->fee_taken : amount;
    naive_pay_back(w, p, -amount);
    naive_hold(w, p, -amount);
    p->captured += amount;
    p->fee_taken += fee;
    w->fees += fee;
    w->pending[p->merchant] += amount - fee;
    if (final) {
        naive_hold(w, p, -p->capturable);
    }
    if (p->capturable == 0) {
        p->due_ns = 0;
    }
}

static inline void naive_approve(naive_world *w, naive_payment *p, int64_t now_ns)
{
    if (p->is_wallet && w->wallet[p->payer] - w->wallet_held[p->payer] < p->amount) {
        p->phase = "declined";
        p->due_ns = 0;
        return;
    }
    p->phase = "open";
    naive_hold(w, p, p->amount);
    p->due_ns = now_ns + 7 * naive_day;
    if (!p->is_manual) {
        naive_do_capture(w, p, p->amount, true);
    }
}

static inline void naive_send(naive_world *w, naive_payment *p, int64_t now_ns)
{
    if (p->is_wallet) {
        naive_approve(w, p, now_ns);
    } else if (strcmp(p->token, "tok_do_not_honour") == 0) {
        p->phase = "declined";
    } else if (strcmp(p->token, "tok_failed") == 0) {
        p->phase = "failed";
    } else if (strncmp(p->token, "tok_slow_", 9) == 0) {
        p->phase = "processing";
        p->due_ns = now_ns + naive_second;
    } else if (strcmp(p->token, "tok_timeout") == 0 || strcmp(p->token, "tok_silent") == 0) {
        p->phase = "processing";
        p->due_ns = now_ns + 10 * naive_second;
    } else {
        naive_approve(w, p, now_ns);
    }
}

static inline void naive_release(naive_world *w, naive_payment *p, const char *phase)
{
    naive_hold(w, p, -p->capturable);
    p->due_ns = 0;
    if (p->captured == 0) {
        p->phase = phase;
    }
}

/* Takes from pending; what is not there is owed. Returns what was owed for it. */
static inline int64_t naive_take(naive_world *w, int merchant, int64_t amount)
{
    int64_t free_amount = w->pending[merchant] - w->going[merchant];
    int64_t owed = amount > free_amount ? amount - free_amount : 0;
    w->owed[merchant] += owed;
    w->pending[merchant] += owed;
    return owed;
}

static inline void naive_give(naive_world *w, int merchant, int64_t owed)
{
    w->owed[merchant] -= owed;
    w->pending[merchant] -= owed;
}

static inline void naive_refund_end(naive_world *w, naive_child *c)
{
    naive_payment *p = &w->payments[c->payment];
    w->going[p->merchant] -= c->amount;
    w->pending[p->merchant] -= c->amount;
    naive_pay_back(w, p, c->amount);
    p->refund_pending -= c->amount;
    p->refunded += c->amount;
    c->is_over = true;
}

static inline void naive_dispute_end(naive_world *w, naive_child *c, bool is_won)
{
    naive_payment *p = &w->payments[c->payment];
    p->disputed -= c->amount;
    w->dispute_hold -= c->amount;
    c->is_over = true;
    if (is_won) {
        w->pending[p->merchant] += c->amount;
        naive_give(w, p->merchant, c->owed);
    } else {
        p->lost += c->amount;
        naive_pay_back(w, p, c->amount);
    }
}

static inline void naive_advance(naive_world *w, int64_t now_ns)
{
    for (int i = 0; i < w->payment_count; i++) {
        naive_payment *p = &w->payments[i];
        if (p->due_ns == 0 || p->due_ns > now_ns) {
            continue;
        }
        if (naive_is(p, "open")) {
            naive_release(w, p, "expired");
        } else if (strcmp(p->token, "tok_slow_ok") == 0) {
            naive_approve(w, p, p->due_ns);
        } else {
            p->phase = strcmp(p->token, "tok_slow_declined") == 0 ? "declined" : "unknown";
            p->due_ns = 0;
        }
    }
    for (int i = 0; i < w->child_count; i++) {
        naive_child *c = &w->children[i];
        if (!c->is_over && c->due_ns != 0 && c->due_ns <= now_ns) {
            if (c->is_dispute) {
                naive_dispute_end(w, c, false);
            } else {
                naive_refund_end(w, c);
            }
        }
    }
}

#endif
