/* Effects: the wire structs that a journal record is made of; format version 1. pay/record.h says
 * how they are laid out in a payload.
 *
 * An object's effect holds its whole mutable state right after the change, so that applying it is
 * an assignment and showing it needs nothing else but the texts of the record that created it
 * (origin_seq). Structs have no implicit padding; reserved bytes are 0.
 */
#ifndef PS_PAY_EFFECT_H
#define PS_PAY_EFFECT_H

#include "ledger/ledger.h"
#include "pay/event.h"
#include "pay/payment.h"

typedef enum {
    PS_EFFECT_ACCOUNT = 1,
    PS_EFFECT_ACCOUNT_FLAGS,
    PS_EFFECT_LEG,
    PS_EFFECT_PAYMENT,
    PS_EFFECT_REFUND,
    PS_EFFECT_DISPUTE,
    PS_EFFECT_TRADE,
    PS_EFFECT_SETTLEMENT,
    PS_EFFECT_TRANSFER,
    PS_EFFECT_RISK_EVENT,
    PS_EFFECT_KEY,
    PS_EFFECT_BOOK,
    PS_EFFECT_TEXTS, /* texts of the effect before it */
    PS_EFFECT_PARTY, /* first use of a merchant or payer name */
    PS_EFFECT_COUNT
} ps_effect_type;

/* 8 bytes before each effect. */
typedef struct {
    uint8_t type;  /* ps_effect_type */
    uint8_t event; /* ps_event_type */
    uint16_t reserved;
    uint32_t size; /* with this head, multiple of 8 */
} ps_effect_head;

typedef struct {
    ps_effect_head head;
    uint32_t account; /* number it got */
    uint32_t book;
    ps_currency currency;
    uint8_t account_type;
    uint8_t flags;
    uint32_t name_size;
    char name[]; /* zero-padded to 8 */
} ps_effect_account;

typedef struct {
    ps_effect_head head;
    uint32_t account;
    uint8_t flags; /* all of them, after the change */
    uint8_t reserved[3];
} ps_effect_account_flags;

typedef struct {
    ps_effect_head head;
    ps_leg leg;
} ps_effect_leg;

enum {
    PS_PAYMENT_MANUAL_CAPTURE = 1,
    PS_PAYMENT_CLIENT_ID = 2,
    PS_PAYMENT_LIVE = 4,
    PS_PAYMENT_REFERENCED = 8
};

/* The whole mutable state of a payment after this effect. The first one of a payment (version 1) is
 * followed by its texts. 240 bytes. */
typedef struct {
    ps_effect_head head;
    uint32_t payment;    /* 8: number */
    uint32_t version;    /* 12: from 1, grows by one */
    uint64_t sequence;   /* 16: of the book */
    uint64_t origin_seq; /* 24: the record that created it */
    /* 32: the record of the effect before this one, which is this same record for all but the first
     * effect of a payment in a record; 0: the first of all. In the tables: its newest record. */
    uint64_t prev_seq;
    int64_t created_ns; /* 40 */
    int64_t updated_ns; /* 48 */
    int64_t expires_ns; /* 56: of the authorisation; 0 */
    /* 64: next time at which the core looks at it (rail deadline, delayed answer, expiry); 0 */
    int64_t deadline_ns;
    int64_t amount;       /* 72 */
    int64_t fee;          /* 80: asked */
    ps_counters counters; /* 88 … 159 */
    /* 160: the record whose texts hold the rail's reference; 0: made from the id (simulator), or
     * none */
    uint64_t rail_reference_seq;
    uint32_t auth_trade;       /* 168: number of the trade record, 0 */
    uint32_t last_trade;       /* 172: number of its newest trade record; 0 */
    uint32_t merchant;         /* 176: party number */
    uint32_t payer;            /* 180 */
    uint32_t hold_slot;        /* 184: ledger transfer slot while a hold is open; PS_INDEX_NONE */
    uint32_t account_merchant; /* 188: merchant:{m}:pending */
    uint32_t account_payer;    /* 192: payer:{p} or scheme_receivable:{rail} */
    /* 196: number of the batch that its newest capture is in; PS_INDEX_NONE */
    uint32_t settlement;
    int64_t captured_in_batch; /* 200: of `captured`, what that batch holds */
    uint32_t book;             /* 208 */
    ps_currency currency;      /* 212 */
    uint8_t phase;             /* 214: ps_phase */
    uint8_t status;            /* 215: ps_status = f(counters, phase) */
    uint8_t flags;             /* 216: PS_PAYMENT_… */
    uint8_t instrument;        /* 217 */
    uint8_t rail;              /* 218: ps_rail_kind */
    uint8_t decline;           /* 219: ps_decline */
    uint8_t decision;          /* 220: ps_action */
    uint8_t rail_script;       /* 221: how the simulator will go on (ps_simulator_script) */
    uint8_t failed_refunds;    /* 222 */
    uint8_t reserved0;         /* 223 */
    uint32_t score;            /* 224: of the decision */
    /* 228: payment number, PS_INDEX_NONE: the list of this merchant's payments, newest first */
    uint32_t previous_of_merchant;
    uint32_t previous_of_payer;  /* 232 */
    uint32_t next_in_settlement; /* 236: payment number; PS_INDEX_NONE */
} ps_effect_payment;
_Static_assert(sizeof(ps_effect_payment) == 240, "payment effect");

typedef struct {
    ps_effect_head head;
    uint32_t refund; /* number */
    uint32_t version;
    uint64_t sequence, origin_seq, prev_seq;
    int64_t created_ns, updated_ns, deadline_ns;
    int64_t amount;
    uint64_t trade; /* number of its trade record */
    uint32_t payment;
    uint32_t previous_of_payment; /* refund number, PS_INDEX_NONE */
    uint32_t hold_slot;           /* of the pending transfer */
    uint32_t book;
    ps_currency currency;
    uint8_t status; /* ps_refund_status */
    uint8_t rail_script;
    uint8_t reserved[4];
    int64_t from_reserve; /* parts of amount that came from merchant:reserve and :receivable */
    int64_t from_receivable;
} ps_effect_refund;

typedef struct {
    ps_effect_head head;
    uint32_t dispute;
    uint32_t version;
    uint64_t sequence, origin_seq, prev_seq;
    int64_t created_ns, updated_ns, respond_by_ns;
    int64_t amount;
    uint64_t trade;
    uint32_t payment;
    uint32_t previous_of_payment;
    uint32_t book;
    ps_currency currency;
    uint8_t status; /* ps_dispute_status */
    uint8_t reserved;
    int64_t from_reserve;
    int64_t from_receivable;
} ps_effect_dispute;

/* One movement, or the later fate of one (status changes repeat the number). */
typedef struct {
    ps_effect_head head;
    uint64_t trade; /* number */
    uint64_t sequence;
    uint64_t reverses; /* number of the original; 0 */
    int64_t created_ns;
    int64_t amount;
    uint64_t payment_origin_seq; /* for its client id */
    int64_t payment_created_ns;
    uint32_t payment; /* PS_INDEX_NONE: none (settlement, payout) */
    uint32_t book;
    ps_currency currency;
    uint8_t kind;          /* ps_trade_kind */
    uint8_t status;        /* ps_trade_status */
    uint8_t payment_flags; /* PS_PAYMENT_CLIENT_ID … */
    uint8_t reserved[3];
    int64_t reverses_created_ns;
    uint64_t previous_of_payment; /* trade number: the payment's trades, newest first; 0 */
} ps_effect_trade;

typedef struct {
    ps_effect_head head;
    uint32_t settlement; /* number */
    uint32_t version;
    uint64_t sequence, origin_seq, prev_seq;
    int64_t created_ns, updated_ns;
    int64_t gross, fees, refunds, disputes, net;
    uint64_t payout_trade;
    uint64_t item_count;
    uint32_t merchant; /* party */
    uint32_t book;
    uint32_t payout_slot;    /* pending payout transfer */
    uint32_t first_item;     /* payment number: list through next_in_settlement */
    uint32_t next_to_settle; /* payment number: where the paid → settled walk stands */
    ps_currency currency;
    uint8_t status; /* ps_settlement_status */
    uint8_t reserved;
    int64_t card_gross; /* part of gross that a card rail funds */
} ps_effect_settlement;

typedef struct {
    ps_effect_head head;
    uint64_t transfer; /* number */
    uint64_t sequence, origin_seq;
    int64_t created_ns, updated_ns, timeout_ns;
    int64_t amount, posted;
    uint64_t reverses, reverted_by; /* transfer numbers; 0 */
    int64_t reverses_created_ns, reverted_by_created_ns;
    uint32_t debit, credit; /* accounts; their names from ps_effect_texts of the origin */
    uint32_t slot;
    uint32_t book;
    ps_currency currency;
    uint8_t status; /* ps_transfer_state */
    uint8_t reserved[5];
} ps_effect_transfer;

typedef struct {
    ps_effect_head head;
    uint64_t risk_event;
    uint64_t sequence;
    int64_t created_ns;
    uint32_t book;
    uint8_t risk_type; /* ps_risk_type */
    uint8_t severity;
    uint8_t reserved[2];
} ps_effect_risk_event;

typedef struct {
    ps_effect_head head;
    uint32_t key;        /* number */
    uint32_t book;       /* of the key's objects */
    uint64_t origin_seq; /* the record that made it: its texts are the name and the tenant */
    ps_u128 public_id;
    uint8_t hmac[32];                           /* HMAC-SHA-256(pepper, whole key) */
    int64_t created_ns, expires_ns, revoked_ns; /* 0: never */
    uint16_t scopes;
    uint8_t live;
    uint8_t reserved[5];
} ps_effect_key;

/* A book: one tenant in one mode. */
typedef struct {
    ps_effect_head head;
    uint32_t book;
    uint8_t live;
    uint8_t name_size;
    uint16_t reserved;
    char tenant[64]; /* zero-padded */
} ps_effect_book;

typedef struct {
    ps_effect_head head;
    uint32_t party; /* number it got */
    uint32_t book;
    uint8_t is_payer;
    uint8_t name_size;
    uint16_t reserved;
    uint32_t reserved1;
    char name[64]; /* zero-padded */
} ps_effect_party;

#endif
