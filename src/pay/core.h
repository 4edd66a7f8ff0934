/* The core: payments, ledger, idempotency, keys and timers as one deterministic state machine; no
 * clock, no I/O.
 *
 * ps_core_execute decides a command against the state, writes the decision as the payload of one
 * journal record, and applies that record's effects: the state changes by effects alone.
 * ps_core_replay applies the effects of a record that was written before and never decides. Equal
 * records give equal state bytes (ps_core_hash).
 *
 * Order of checks in execute: idempotency (replay or mismatch), scope and book of the target (404),
 * state (409), amounts and references (422), capacity (507).
 * Due timers come first: the caller runs ps_core_timer until it returns 0 before each command, so
 * that expiry and capture cannot both win (M17).
 *
 * All memory is regions sized from declared limits. Threads: one, the owner's.
 */
#ifndef PS_PAY_CORE_H
#define PS_PAY_CORE_H

#include "pay/query.h"
#include "pay/record.h"

typedef struct ps_core ps_core;

typedef struct {
    uint64_t payments_max;       /* -D limits.payments, default 20 M */
    uint64_t accounts_max;       /* -D limits.accounts, 4 M */
    uint64_t keys_max;           /* -D limits.keys: idempotency keys kept hot, 20 M */
    uint64_t transfers_max;      /* -D limits.transfers: API transfers and open holds, 20 M */
    uint64_t refunds_max;        /* 5 M */
    uint64_t trades_max;         /* 80 M */
    uint64_t parties_max;        /* merchants and payers, 4 M */
    int64_t rail_deadline_ns;    /* -D rail.deadline, default 10 s */
    int64_t idempotency_keep_ns; /* 24 h */
    int64_t simulator_delay_ns;  /* tok_slow_…, 1 s */
} ps_core_options;
void ps_core_options_default(ps_core_options *out_options);

/* The policy sits before authorisation (M19: its decision is in the record before any money moves).
 * NULL approves all. */
typedef struct {
    void *context;
    /* Decides one payment; must be a function of the core's history only. */
    void (*decide)(void *context, const ps_payment_request *request, int64_t now_ns,
                   ps_action *out_action, uint32_t *out_score);
} ps_policy;

PS_CHECKED ps_code ps_core_new(const ps_core_options *options, const ps_policy *policy,
                               ps_u128 instance, ps_core **out_core, ps_error *err);
void ps_core_free(ps_core *core);
/* To the state after new: nothing in it, usable. */
void ps_core_clear(ps_core *core);

typedef enum {
    /* decided: the record was written to `payload`, the reply is a function of it */
    PS_RESULT_RECORD,
    /* same key, same body: the reply is that of the record `replay_seq`, with Idempotency-Replayed
     * */
    PS_RESULT_REPLAY,
    PS_RESULT_REFUSED /* not stored: `refusal` with `detail`; the state is as before */
} ps_result_kind;

typedef struct {
    ps_result_kind kind;
    uint32_t payload_size; /* RECORD */
    uint64_t replay_seq;   /* REPLAY */
    ps_refusal refusal;    /* REFUSED */
    int64_t detail;
} ps_result;

/* `now_ns` must be greater than that of the record before (the engine sees to it); `seq` is the
 * number that the record will have; `payload` has room for
 * PS_RECORD_SIZE_MAX bytes, 8-byte aligned. */
void ps_core_execute(ps_core *core, const ps_command *command, int64_t now_ns, uint64_t seq,
                     char *payload, ps_result *out_result);

/* For a command that comes soon: begins to fetch what ps_core_execute looks at first. */
void ps_core_prefetch(const ps_core *core, const ps_command *command);

/* The earliest time at which ps_core_timer has something to do; INT64_MAX: nothing. */
int64_t ps_core_next_timer_ns(const ps_core *core);
/* Runs the earliest due timer (≤ now_ns): a record of kind TIMER; returns its payload size, or 0
 * when none is due. A timer whose object moved on is dropped without a record. */
uint32_t ps_core_timer(ps_core *core, int64_t now_ns, uint64_t seq, char *payload);

/* Applies a record of the journal. PS_E_DAMAGED: its form is not what this version writes.
 * PS_E_LIMIT: it was written under larger limits; says which to raise. */
PS_CHECKED ps_code ps_core_replay(ps_core *core, uint64_t seq, ps_slice payload, ps_error *err);

/* Reads; appends result structs to `out` (see query.h). Never changes the state. */
void ps_core_query(const ps_core *core, const ps_query *query, ps_buf *out,
                   ps_query_result *out_result);

/* ── snapshots, checks, figures ── */

enum { PS_CORE_LAYOUT_VERSION = 2 };
/* All regions in fixed order; returns the count (≤ PS_SNAPSHOT_REGIONS_MAX = 64). */
uint32_t ps_core_regions(ps_core *core, ps_region *out_regions[64]);
ps_u128 ps_core_hash(ps_core *core);
int64_t ps_core_last_time_ns(const ps_core *core);
uint64_t ps_core_last_seq(const ps_core *core);
/* The secret that idempotency keys, references and names are hashed with; all zero before genesis.
 * */
const ps_hash_secret *ps_core_secret(const ps_core *core);

/* Runs M1–M11 as far as the state shows them; calls report for each violation; returns their
 * number. */
size_t ps_core_verify(const ps_core *core, ps_violation_fn report, void *context);

typedef struct {
    uint64_t payments, refunds, disputes, trades, settlements, accounts, transfers, open_holds,
        idempotency_keys, timers, unknown_payments;
    uint64_t by_status[PS_STATUS_COUNT];
    uint64_t memory_bytes; /* in use by regions */
} ps_core_stats;
void ps_core_get_stats(const ps_core *core, ps_core_stats *out_stats);

#endif
