/* Queries: reads of the core's state. The core answers with fixed structs (the effects that show an
 * object's present state); whoever renders them fetches immutable texts from the journal by
 * origin_seq. A reply must wait until `observed_seq` is durable: nothing unsynced is shown.
 */
#ifndef PS_PAY_QUERY_H
#define PS_PAY_QUERY_H

#include "pay/command.h"
#include "pay/effect.h"

typedef enum {
    /* target → ps_effect_payment; prev_seq is the newest record that touched it */
    PS_QUERY_PAYMENT,
    PS_QUERY_REFUND,     /* target → ps_effect_refund */
    PS_QUERY_DISPUTE,    /* target → ps_effect_dispute */
    PS_QUERY_TRANSFER,   /* target → ps_effect_transfer */
    PS_QUERY_SETTLEMENT, /* target → ps_effect_settlement */
    /* target = name, currency → ps_account_view, as it is, or (at_ns, at_sequence) where to start
     * walking back from */
    PS_QUERY_ACCOUNT,
    PS_QUERY_PAYMENTS, /* lists, newest first → the same structs, up to `limit` */
    PS_QUERY_REFUNDS,
    PS_QUERY_DISPUTES,
    PS_QUERY_TRADES,    /* → ps_trade_view */
    PS_QUERY_ACCOUNTS,  /* → ps_account_view */
    PS_QUERY_TRANSFERS, /* → ps_effect_transfer */
    PS_QUERY_SETTLEMENTS,
    PS_QUERY_TRIAL_BALANCE, /* → ps_trial_balance rows of the book */
    /* sequence `after` → seq: the journal record where reading on starts; found = there is a later
     * event */
    PS_QUERY_EVENTS,
    /* → ps_effect_key, all of the caller's tenant (book 0: of all tenants), not revoked */
    PS_QUERY_KEYS,
    PS_QUERY_VERIFY /* invariants; → ps_violation structs */
} ps_query_kind;

typedef struct {
    ps_query_kind kind;
    uint32_t book;
    uint32_t limit; /* 1 … 1000 objects */
    /* objects looked at before giving up this round; 0: 10,000. The caller goes on from `next`. */
    uint32_t scan_max;
    ps_slice target;
    /* filters: empty, 0, or false = any. An object without the field is filtered by the API layer
     * (400). */
    uint8_t status; /* the object's own enum (transfers: ps_transfer_state + 1), 0: any */
    bool has_currency;
    ps_currency currency;
    ps_slice merchant, payer, payment; /* payment: id */
    /* payments only: by index, needs merchant or scans nothing else but references */
    ps_slice reference;
    int64_t created_gte_ns, created_lt_ns; /* 0: none */
    int64_t amount_gte;                    /* and below, when has_amount_… */
    int64_t amount_lt;
    bool has_amount_gte, has_amount_lt;
    uint64_t before;      /* object number: start below it; 0: from the newest */
    uint64_t after;       /* EVENTS: exclusive */
    int64_t at_ns;        /* ACCOUNT: 0: present */
    uint64_t at_sequence; /* ACCOUNT: the book's sequence; 0: present */
} ps_query;

typedef struct {
    bool found;
    uint32_t count;         /* structs appended */
    uint64_t next;          /* number to pass as `before` for the next page; 0: nothing more */
    uint64_t seq;           /* EVENTS, ACCOUNT at: journal seq to start from */
    uint64_t observed_seq;  /* newest record that the answer may show */
    uint64_t book_sequence; /* newest sequence of the book */
} ps_query_result;

typedef struct {
    ps_account account;
    uint32_t number;
    uint32_t name_size;
    char name[PS_ACCOUNT_NAME_MAX];
} ps_account_view;

typedef struct {
    uint64_t trade;
    uint64_t seq;   /* record that holds its (first) effect */
    uint8_t kind;   /* ps_trade_kind */
    uint8_t status; /* ps_trade_status, now */
    uint8_t reserved[6];
} ps_trade_view;

typedef struct {
    char invariant[8];
    char sentence[248];
} ps_violation;

#endif
