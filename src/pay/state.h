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

#include "pay/core.h"

/* Memory of a payment: its newest effect, and what finds it. */
typedef struct {
    ps_effect_payment body; /* head: type PAYMENT, event 0 */
    uint64_t last_seq;      /* newest record that touched it */
    ps_u128 reference_hash; /* of (merchant, reference); zero: it holds no reference */
    uint32_t newest_refund; /* lists by previous_of_payment; PS_INDEX_NONE */
    uint32_t newest_dispute;
} ps_payment;
_Static_assert(sizeof(ps_payment) == 288, "memory per payment");

typedef struct {
    ps_effect_refund body;
    uint64_t last_seq;
} ps_refund;

typedef struct {
    ps_effect_dispute body;
    uint64_t last_seq;
} ps_dispute;

typedef struct {
    ps_effect_settlement body;
    uint64_t last_seq;
    uint32_t previous_of_merchant; /* settlement number: the merchant's batches, newest first */
    uint32_t other_currency;       /* 0 ends: the merchant's newest batch of each other currency */
    uint32_t older_open;  /* an older batch of it that is open too (this one was full); 0 */
    uint32_t merged_into; /* failed: the batch that its items went to; 0 */
    uint32_t last_item;   /* end of the list that begins at first_item; PS_INDEX_NONE */
    uint32_t reserved;
} ps_settlement;

/* A batch lists its items by links: a payment number (through next_in_settlement), or, with the top
 * bit, an element of settlement_items: the captures of a payment whose own link is still in the
 * list of an earlier batch. PS_INDEX_NONE ends. */
#define PS_ITEM_EXTRA UINT32_C(0x80000000)
typedef struct {
    int64_t amount;
    uint32_t payment;
    uint32_t settlement; /* that it was captured into; follow merged_into */
    uint32_t next;       /* link */
    uint32_t reserved;
} ps_settlement_item;

/* An API transfer. Its number is the number of the object, not the ledger's transfer number. */
typedef struct {
    ps_effect_transfer body;
    uint64_t last_seq;
} ps_api_transfer;

/* A trade record: enough to list, to reverse and to name it; the rest is in record `seq`. */
typedef struct {
    uint64_t seq; /* record that holds its first effect */
    int64_t amount;
    int64_t created_ns;
    uint32_t payment;             /* PS_INDEX_NONE: of a settlement batch */
    uint32_t previous_of_payment; /* trade number, 0: the first; trades_max < 2^32 */
    uint16_t book;                /* PS_BOOKS_MAX fits */
    ps_currency currency;
    uint8_t kind;   /* ps_trade_kind */
    uint8_t status; /* ps_trade_status, now */
    uint16_t reserved;
} ps_trade;

/* A merchant or payer of one book. */
typedef struct {
    char name[64]; /* zero-padded */
    uint32_t book;
    uint8_t is_payer;
    uint8_t name_size;
    ps_currency currency; /* of `account` */
    /* the account that the newest payment of this party used (merchant:{m}:pending, payer:{p}):
     * spares a look-up by name; PS_INDEX_NONE: none */
    uint32_t account;
    uint32_t newest_payment;    /* list by previous_of_merchant, previous_of_payer */
    uint32_t newest_settlement; /* list by previous_of_merchant; 0 or PS_INDEX_NONE: none */
    /* its newest batch of each currency: list by other_currency; 0: none */
    uint32_t newest_of_currency;
} ps_party;

typedef struct {
    ps_effect_key body;
    uint64_t last_seq;
} ps_key;

typedef struct {
    char tenant[64];   /* zero-padded */
    uint64_t sequence; /* of the newest event */
    uint64_t origin_seq;
    uint8_t live;
    uint8_t name_size;
    uint16_t reserved0;
    uint32_t newest_mark; /* number in event_marks; 0: none */
} ps_book;

/* Every 256th event of a book: where the record of event `sequence` lies. `jump` leaps back so that
 * any mark is reached in O(log n) steps (skew-binary jump pointers, E. Myers 1983). */
enum { PS_EVENT_MARK_EVERY = 256 };
typedef struct {
    uint64_t sequence;
    uint64_t seq;
    uint32_t previous; /* of this book; 0: none */
    uint32_t jump;     /* 0: the start */
    uint32_t depth;
    uint32_t book;
} ps_event_mark;

/* One remembered outcome; live ones form a list from oldest to newest, free ones another. */
typedef struct {
    ps_u128 key;
    uint64_t fingerprint; /* low half */
    uint64_t seq;         /* the record that holds the outcome */
    uint32_t time_s;      /* journal time, whole seconds */
    uint32_t next;        /* newer, or next free; PS_INDEX_NONE */
} ps_idempotency_entry;
_Static_assert(sizeof(ps_idempotency_entry) == 40, "memory per idempotency key");

typedef struct {
    ps_u128 hash; /* of (book, id) */
    uint32_t payment;
    uint32_t reserved;
} ps_client_id;

/* A timer is live while its object's deadline is still `deadline_ns`; otherwise it is stale. The
 * top of the heap is never stale between records. */
typedef enum {
    PS_TIMER_PAYMENT = 1, /* ps_effect_payment.deadline_ns */
    PS_TIMER_REFUND,      /* ps_effect_refund.deadline_ns */
    PS_TIMER_DISPUTE,     /* ps_effect_dispute.respond_by_ns while opened */
    PS_TIMER_TRANSFER,    /* ps_transfer_deadline_ns */
    PS_TIMER_SETTLEMENT   /* ps_settlement_deadline_ns */
} ps_timer_kind;
typedef struct {
    int64_t deadline_ns;
    uint32_t kind;
    uint32_t object;
} ps_timer;

/* Counters that no table's size gives. One element. */
typedef struct {
    ps_hash_secret secret;
    int64_t last_time_ns;
    uint64_t last_seq;
    uint64_t timer_count;
    uint64_t risk_event_count; /* also the newest risk event's number */
    uint64_t idempotency_count;
    uint32_t idempotency_oldest, idempotency_newest, idempotency_free;
    uint32_t reserved;
    uint64_t by_status[PS_STATUS_COUNT]; /* payments */
} ps_core_head;

enum { PS_API_KEYS_MAX = 1 << 20, PS_BOOKS_MAX = 1 << 16 };

struct ps_core {
    ps_core_options options;
    ps_policy policy; /* decide NULL: approve all */
    ps_u128 instance;
    ps_ledger ledger;
    ps_region head; /* ps_core_head, one */
    ps_region payments, refunds, disputes, trades, settlements, transfers;
    ps_region settlement_items; /* never more than trades_max: each is a capture of its own */
    ps_region parties, keys, books, event_marks;
    ps_region idempotency, client_ids, timers;
    ps_index parties_by_name;       /* ps_party_hash → party */
    ps_index payments_by_reference; /* reference_hash.low → payment */
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
    PS_ROOM_BOOKS = 8, /* parties, accounts, ledger transfers, checkpoints, trades, settlements */
    PS_ROOM_API_TRANSFER = 16,
    PS_ROOM_TIMER = 32,
    PS_ROOM_KEY = 64
};
bool ps_core_has_room(const ps_core *core, uint32_t room);

/* ── keyed look-ups ── */

/* Keyed hash of (kind, book, name): parties, references (kind 'r', merchant number), client ids. */
ps_u128 ps_core_name_hash(const ps_core *core, char kind, uint32_t number, ps_slice name);
uint32_t ps_party_find(const ps_core *core, uint32_t book, bool is_payer, ps_slice name); /* 0 */
static inline ps_slice ps_party_name(const ps_core *core, uint32_t party)
{
    return ps_slice_of(ps_party_at(core, party)->name, ps_party_at(core, party)->name_size);
}

/* By id text; 0: not in this book, or no such object. Client-made payment ids too. */
uint32_t ps_payment_find(const ps_core *core, uint32_t book, ps_slice id);
uint32_t ps_refund_find(const ps_core *core, uint32_t book, ps_slice id);
uint32_t ps_dispute_find(const ps_core *core, uint32_t book, ps_slice id);

/* ── timers ── */

void ps_timer_push(ps_core *core, ps_timer_kind kind, uint32_t object, int64_t deadline_ns);
/* core_transfer.c, core_settlement.c: the object's present deadline; 0: none. */
int64_t ps_transfer_deadline_ns(const ps_core *core, uint32_t transfer);
int64_t ps_settlement_deadline_ns(const ps_core *core, uint32_t settlement);

#endif
