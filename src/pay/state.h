/* The core's state: tables, indexes, lists and counters, all in regions; inside pay only.
 *
 * Objects are numbered from 1 and lie in their table at their number; element 0 of every table is
 * zero and belongs to no object. Numbers never move and are never used again. A 32-bit link that
 * leads nowhere is PS_INDEX_NONE. Accounts and transfer slots are the ledger's and count from 0.
 *
 * Write rule: nothing here is written but by ps_apply_effect and by ps_core's record bracket
 * (pay/emit.h), and every write goes through a `_mut` accessor, which keeps a snapshot whole.
 * Handlers read the tables through the const accessors and change them by emitting effects.
 */
#ifndef PS_PAY_STATE_H
#define PS_PAY_STATE_H

#include "pay/tables.h"

/* For what is written before it is read: builds zero every variable, and large ones cost. */
#define PS_UNINITIALIZED __attribute__((uninitialized))

enum { PS_CORE_LIMIT_COUNT = 7, PS_CORE_LIMIT_TEXT_MAX = 40 };

struct ps_core {
    ps_core_options options;
    /* "limits.payments=1000": regions borrow them (declared_by) */
    char limit_texts[PS_CORE_LIMIT_COUNT][PS_CORE_LIMIT_TEXT_MAX];
    ps_policy policy; /* decide NULL: approve all */
    ps_u128 instance;
    ps_ledger ledger;
    ps_region head; /* ps_core_head, one */
    ps_region payments, refunds, disputes, trades, settlements, transfers;
    ps_region settlement_items; /* never more than trades_max: each is a capture of its own */
    ps_region parties, keys, books, event_marks;
    ps_region idempotency, client_ids, timers;
    ps_index parties_by_name;       /* ps_party_hash → party */
    ps_index payments_by_reference; /* reference_hash → payment */
    ps_index payments_by_client_id; /* hash.low → element of client_ids */
    ps_index idempotency_by_key;    /* key.low → element of idempotency */
    ps_index keys_by_public_id;     /* public_id.low → key */
};

/* ── tables ── */

static inline uint32_t ps_table_count(const ps_region *table, size_t element_size)
{
    return (uint32_t)(table->size / element_size) - 1;
}

/* ps_payment_at(core, number), ps_payment_mut(core, number), ps_payment_count(core), for each table
 * of numbered objects. The number must exist. */
#define PS_TABLE(name, type, table)                                                                \
    static inline uint32_t ps_##name##_count(const ps_core *core)                                  \
    {                                                                                              \
        return ps_table_count(&core->table, sizeof(type));                                         \
    }                                                                                              \
    static inline const type *ps_##name##_at(const ps_core *core, uint64_t number)                 \
    {                                                                                              \
        PS_ASSERT(number != 0 && (number + 1) * sizeof(type) <= core->table.size);                 \
        return (const type *)(const void *)core->table.data + number;                              \
    }                                                                                              \
    static inline type *ps_##name##_mut(ps_core *core, uint64_t number)                            \
    {                                                                                              \
        PS_ASSERT(number != 0 && (number + 1) * sizeof(type) <= core->table.size);                 \
        type *at = (type *)(void *)core->table.data + number;                                      \
        ps_region_touch(&core->table, at, sizeof(type));                                           \
        return at;                                                                                 \
    }
PS_TABLE(payment, ps_payment, payments)
PS_TABLE(refund, ps_refund, refunds)
PS_TABLE(dispute, ps_dispute, disputes)
PS_TABLE(trade, ps_trade, trades)
PS_TABLE(settlement, ps_settlement, settlements)
PS_TABLE(settlement_item, ps_settlement_item, settlement_items)
PS_TABLE(api_transfer, ps_api_transfer, transfers)
PS_TABLE(party, ps_party, parties)
PS_TABLE(key, ps_key, keys)
PS_TABLE(book, ps_book, books)
PS_TABLE(event_mark, ps_event_mark, event_marks)
PS_TABLE(client_id, ps_client_id, client_ids)
PS_TABLE(idempotency, ps_idempotency_entry, idempotency)

static inline uint32_t ps_trade_book(const ps_core *core, const ps_trade *trade)
{
    return trade->payment == PS_INDEX_NONE ? trade->batch.book
                                           : ps_payment_at(core, trade->payment)->body.book;
}
static inline ps_currency ps_trade_currency(const ps_core *core, const ps_trade *trade)
{
    return trade->payment == PS_INDEX_NONE ? trade->batch.currency
                                           : ps_payment_at(core, trade->payment)->body.currency;
}

/* Appends element number count + 1; asserts that there is room (ps_core_has_room came before). */
void *ps_table_add(ps_region *table, size_t element_size);

static inline const ps_core_head *ps_core_head_at(const ps_core *core)
{
    return (const ps_core_head *)(const void *)core->head.data;
}
static inline ps_core_head *ps_core_head_mut(ps_core *core)
{
    ps_region_touch(&core->head, core->head.data, sizeof(ps_core_head));
    return (ps_core_head *)(void *)core->head.data;
}

/* Room for the worst that one command can add to these tables; checked before a handler runs, so
 * that nothing fails half-way. */
enum {
    PS_ROOM_PAYMENT = 1,
    PS_ROOM_REFUND = 2,
    PS_ROOM_DISPUTE = 4,
    PS_ROOM_BOOKS = 8, /* parties, accounts, settlements, and what TRADE says */
    PS_ROOM_API_TRANSFER = 16,
    PS_ROOM_TIMER = 32,
    PS_ROOM_KEY = 64,
    PS_ROOM_HOLD = 128, /* ledger transfers */
    PS_ROOM_TRADE = 256 /* trades, checkpoints: to resolve what is held */
};
bool ps_core_has_room(const ps_core *core, uint32_t room);
/* Before a record of the journal is applied: that it fits, so that data from larger limits is
 * refused (PS_E_LIMIT, names the setting) and not half applied. What execute wrote under these
 * limits always fits. Idempotency keys are core.c's. */
PS_CHECKED ps_code ps_core_check_fits(const ps_core *core, ps_slice payload, ps_error *err);

/* Beyond its declared limit a table has room for what the one command that found it not yet full
 * can add; and, where ps_core_check_fits only knows the most that a record can add, for that. */
enum {
    PS_RECORD_EFFECTS_MAX = PS_RECORD_SIZE_MAX / sizeof(ps_effect_leg), /* of those that add */
    PS_SLACK_TRADES = 160, /* a reversal of PS_CAPTURES_REVERSIBLE_MAX captures */
    PS_SLACK_ITEMS = PS_SLACK_TRADES + PS_RECORD_EFFECTS_MAX,
    PS_SLACK_TRANSFERS = 32,
    PS_SLACK_CHECKPOINTS = 64 + 2 * PS_RECORD_EFFECTS_MAX, /* two accounts a leg */
    PS_SLACK_ACCOUNTS = 16,
    PS_SLACK_PARTIES = 4,
    PS_SLACK_SETTLEMENTS = 4,
    PS_SLACK_TIMERS = 8 + PS_RECORD_EFFECTS_MAX
};
static inline uint64_t ps_timers_max(const ps_core_options *o)
{
    return 2 * (o->payments_max + o->refunds_max) + o->transfers_max;
}

/* ── keyed look-ups ── */

/* Keyed hash of (kind, book, name): parties, client ids. */
ps_u128 ps_core_name_hash(const ps_core *core, char kind, uint32_t number, ps_slice name);
/* ps_payment.reference_hash; never 0. */
static inline uint64_t ps_core_reference_hash(const ps_core *core, uint32_t merchant,
                                              ps_slice reference)
{
    uint64_t hash = ps_core_name_hash(core, 'r', merchant, reference).low;
    return hash != 0 ? hash : 1;
}
uint32_t ps_party_find(const ps_core *core, uint32_t book, bool is_payer, ps_slice name); /* 0 */
static inline ps_slice ps_party_name(const ps_core *core, uint32_t party)
{
    return ps_slice_of(ps_party_at(core, party)->name, ps_party_at(core, party)->name_size);
}

/* By id text; 0: not in this book, or no such object. Client-made payment ids too. */
uint32_t ps_payment_find(const ps_core *core, uint32_t book, ps_slice id);
uint32_t ps_refund_find(const ps_core *core, uint32_t book, ps_slice id);
uint32_t ps_dispute_find(const ps_core *core, uint32_t book, ps_slice id);
uint32_t ps_transfer_find(const ps_core *core, uint32_t book, ps_slice id);
uint32_t ps_settlement_find(const ps_core *core, uint32_t book, ps_slice id);

/* ── timers ── */

void ps_timer_push(ps_core *core, ps_timer_kind kind, uint32_t object, int64_t deadline_ns);
/* core_transfer.c, core_settlement.c: the object's present deadline; 0: none. */
int64_t ps_transfer_deadline_ns(const ps_core *core, uint32_t transfer);
int64_t ps_settlement_deadline_ns(const ps_core *core, uint32_t settlement);

#endif
