/* The elements of the core's tables; inside pay only. pay/state.h says how they are numbered and
 * who writes them.
 *
 * All of it is snapshot bytes: fixed width, no padding, no pointers; a change of any struct here or
 * of an effect is a new PS_CORE_LAYOUT_VERSION.
 */
#ifndef PS_PAY_TABLES_H
#define PS_PAY_TABLES_H

#include "pay/core.h"

/* Memory of a payment: its newest effect, and what finds it. */
typedef struct {
    /* head: type PAYMENT, event 0; prev_seq: newest record that touched it */
    ps_effect_payment body;
    /* low half of the keyed hash of (merchant, reference), never 0; 0: it holds no reference.
     * 20 million references meet by chance in one store of 100,000 */
    uint64_t reference_hash;
    uint32_t newest_refund; /* lists by previous_of_payment; PS_INDEX_NONE */
    uint32_t newest_dispute;
} ps_payment;
_Static_assert(sizeof(ps_payment) == 256, "memory per payment");

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
    uint32_t seq_low;  /* of the record that holds its first effect: ps_trade_seq */
    uint16_t seq_high; /* 2^48 records */
    uint8_t kind;      /* ps_trade_kind */
    uint8_t status;    /* ps_trade_status, now */
    int64_t amount;
    int64_t created_ns;
    uint32_t payment; /* PS_INDEX_NONE: of a settlement batch */
    union {
        uint32_t previous_of_payment; /* trade number, 0: the first; trades_max < 2^32 */
        /* of a settlement batch; a payment's trades are of its book and currency */
        struct {
            uint16_t book; /* PS_BOOKS_MAX fits */
            ps_currency currency;
        } batch;
    };
} ps_trade;
_Static_assert(sizeof(ps_trade) == 32, "memory per trade");

static inline uint64_t ps_trade_seq(const ps_trade *trade)
{
    return (uint64_t)trade->seq_high << 32 | trade->seq_low;
}

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
    /* the scheme_receivable account that the newest card payment used: spares a look-up by name */
    ps_currency scheme_currency;
    uint32_t scheme_account; /* while has_scheme_account */
    uint32_t has_scheme_account;
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

enum { PS_API_KEYS_MAX = 1 << 20, PS_BOOKS_MAX = UINT16_MAX };

#endif
