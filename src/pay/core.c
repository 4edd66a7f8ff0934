/* Commands, timers and journal records in; records and state out. */
#include "base/time.h"
#include "journal/planted.h"
#include "pay/emit.h"

const ps_handler_entry ps_handlers[PS_CMD_COUNT] = {
    [PS_CMD_GENESIS] = {ps_handle_genesis, 0, 201, PS_ROOM_KEY},
    [PS_CMD_SNAPSHOT] = {ps_handle_snapshot, 0, 200, 0},
    [PS_CMD_PAYMENT_CREATE] = {ps_handle_payment_create, PS_SCOPE_PAYMENTS_WRITE, 201,
                               PS_ROOM_PAYMENT | PS_ROOM_BOOKS | PS_ROOM_HOLD | PS_ROOM_TIMER},
    [PS_CMD_PAYMENT_CONFIRM] = {ps_handle_payment_confirm, PS_SCOPE_PAYMENTS_WRITE, 200,
                                PS_ROOM_BOOKS | PS_ROOM_HOLD | PS_ROOM_TIMER},
    [PS_CMD_PAYMENT_CAPTURE] = {ps_handle_payment_capture, PS_SCOPE_PAYMENTS_WRITE, 200,
                                PS_ROOM_BOOKS},
    [PS_CMD_PAYMENT_CANCEL] = {ps_handle_payment_cancel, PS_SCOPE_PAYMENTS_WRITE, 200,
                               PS_ROOM_TRADE},
    [PS_CMD_PAYMENT_REVERSE] = {ps_handle_payment_reverse, PS_SCOPE_PAYMENTS_WRITE, 200,
                                PS_ROOM_BOOKS},
    [PS_CMD_PAYMENT_SYNC] = {ps_handle_payment_sync, PS_SCOPE_PAYMENTS_WRITE, 200,
                             PS_ROOM_BOOKS | PS_ROOM_HOLD | PS_ROOM_TIMER},
    [PS_CMD_PAYMENT_RAIL_RESULT] = {ps_handle_payment_rail_result, PS_SCOPE_RAIL_WRITE, 200,
                                    PS_ROOM_BOOKS | PS_ROOM_HOLD | PS_ROOM_TIMER},
    [PS_CMD_PAYMENT_REVIEW] = {ps_handle_payment_review, PS_SCOPE_RISK_WRITE, 200,
                               PS_ROOM_BOOKS | PS_ROOM_HOLD | PS_ROOM_TIMER},
    [PS_CMD_REFUND_CREATE] = {ps_handle_refund_create, PS_SCOPE_REFUNDS_WRITE, 201,
                              PS_ROOM_REFUND | PS_ROOM_BOOKS | PS_ROOM_HOLD | PS_ROOM_TIMER},
    [PS_CMD_DISPUTE_OPEN] = {ps_handle_dispute_open, PS_SCOPE_PAYMENTS_WRITE, 201,
                             PS_ROOM_DISPUTE | PS_ROOM_BOOKS | PS_ROOM_TIMER},
    [PS_CMD_DISPUTE_CHALLENGE] = {ps_handle_dispute_challenge, PS_SCOPE_PAYMENTS_WRITE, 200, 0},
    [PS_CMD_DISPUTE_ACCEPT] = {ps_handle_dispute_accept, PS_SCOPE_PAYMENTS_WRITE, 200,
                               PS_ROOM_BOOKS},
    [PS_CMD_DISPUTE_END] = {ps_handle_dispute_end, PS_SCOPE_PAYMENTS_WRITE, 200, PS_ROOM_BOOKS},
    [PS_CMD_ACCOUNT_OPEN] = {ps_handle_account_open, PS_SCOPE_LEDGER_WRITE, 201, PS_ROOM_BOOKS},
    [PS_CMD_ACCOUNT_FREEZE] = {ps_handle_account_freeze, PS_SCOPE_LEDGER_WRITE, 200, 0},
    [PS_CMD_ACCOUNT_UNFREEZE] = {ps_handle_account_unfreeze, PS_SCOPE_LEDGER_WRITE, 200, 0},
    [PS_CMD_ACCOUNT_CLOSE] = {ps_handle_account_close, PS_SCOPE_LEDGER_WRITE, 200, 0},
    [PS_CMD_TRANSFER_CREATE] = {ps_handle_transfer_create, PS_SCOPE_LEDGER_WRITE, 201,
                                PS_ROOM_API_TRANSFER | PS_ROOM_BOOKS | PS_ROOM_HOLD |
                                    PS_ROOM_TIMER},
    [PS_CMD_TRANSFER_POST] = {ps_handle_transfer_post, PS_SCOPE_LEDGER_WRITE, 200, PS_ROOM_TRADE},
    [PS_CMD_TRANSFER_VOID] = {ps_handle_transfer_void, PS_SCOPE_LEDGER_WRITE, 200, PS_ROOM_TRADE},
    [PS_CMD_TRANSFER_REVERT] = {ps_handle_transfer_revert, PS_SCOPE_LEDGER_WRITE, 201,
                                PS_ROOM_API_TRANSFER | PS_ROOM_BOOKS | PS_ROOM_HOLD},
    [PS_CMD_SETTLEMENT_CLOSE] = {ps_handle_settlement_close, PS_SCOPE_LEDGER_WRITE, 201,
                                 PS_ROOM_BOOKS | PS_ROOM_HOLD | PS_ROOM_TIMER},
    [PS_CMD_SETTLEMENT_CONFIRM] = {ps_handle_settlement_confirm, PS_SCOPE_LEDGER_WRITE, 200,
                                   PS_ROOM_BOOKS | PS_ROOM_TIMER},
    [PS_CMD_SETTLEMENT_FAIL] = {ps_handle_settlement_fail, PS_SCOPE_LEDGER_WRITE, 200,
                                PS_ROOM_BOOKS | PS_ROOM_TIMER},
    [PS_CMD_RISK_EVENT] = {ps_handle_risk_event, PS_SCOPE_RISK_WRITE, 201, 0},
    [PS_CMD_KEY_CREATE] = {ps_handle_key_create, PS_SCOPE_ADMIN, 201, PS_ROOM_KEY},
    [PS_CMD_KEY_REVOKE] = {ps_handle_key_revoke, PS_SCOPE_ADMIN, 200, 0},
};

/* The snapshot's own seq is the record's subject. */
ps_refusal ps_handle_snapshot(ps_core *core, const ps_command *command, ps_emit *emit,
                              int64_t *detail)
{
    (void)core;
    (void)detail;
    emit->header->subject = (uint64_t)command->amount;
    return PS_REFUSED_NONE;
}

/* ── idempotency ── */

enum { PS_EVICTIONS_PER_RECORD = 8 };

/* Kept for the whole of idempotency_keep_ns at least: whole seconds, strictly more. */
static bool idempotency_is_expired(const ps_core *core, const ps_idempotency_entry *entry,
                                   int64_t now_ns)
{
    int64_t age_s = now_ns / PS_NS_PER_S - (int64_t)entry->time_s;
    int64_t keep_s = core->options.idempotency_keep_ns / PS_NS_PER_S;
    return age_s > (PS_PLANTED(PS_BUG_KEY_EVICTED_EARLY) ? 3 : keep_s);
}

static const ps_idempotency_entry *idempotency_find(const ps_core *core, ps_u128 key,
                                                    int64_t now_ns)
{
    ps_index_cursor cursor;
    for (uint32_t i = ps_index_first(&core->idempotency_by_key, key.low, &cursor);
         i != PS_INDEX_NONE; i = ps_index_next(&core->idempotency_by_key, &cursor)) {
        const ps_idempotency_entry *entry = ps_idempotency_at(core, i);
        if (ps_u128_equal(entry->key, key) && !idempotency_is_expired(core, entry, now_ns)) {
            return entry;
        }
    }
    return NULL;
}

static bool idempotency_has_room(const ps_core *core, int64_t now_ns)
{
    const ps_core_head *head = ps_core_head_at(core);
    return head->idempotency_count < core->options.keys_max ||
           idempotency_is_expired(core, ps_idempotency_at(core, head->idempotency_oldest), now_ns);
}

static void idempotency_evict(ps_core *core, int64_t now_ns)
{
    const ps_core_head *head = ps_core_head_at(core);
    for (int i = 0; i < PS_EVICTIONS_PER_RECORD && head->idempotency_count != 0; i++) {
        uint32_t oldest = head->idempotency_oldest;
        if (!idempotency_is_expired(core, ps_idempotency_at(core, oldest), now_ns)) {
            return;
        }
        ps_idempotency_entry *entry = ps_idempotency_mut(core, oldest);
        ps_index_remove(&core->idempotency_by_key, entry->key.low, oldest);
        ps_core_head *changed = ps_core_head_mut(core);
        changed->idempotency_oldest = entry->next;
        changed->idempotency_count--;
        if (changed->idempotency_count == 0) {
            changed->idempotency_newest = PS_INDEX_NONE;
        }
        *entry = (ps_idempotency_entry){.next = changed->idempotency_free};
        changed->idempotency_free = oldest;
    }
}

static void idempotency_remember(ps_core *core, const ps_record_header *header, uint64_t seq)
{
    ps_core_head *head = ps_core_head_mut(core);
    uint32_t number = head->idempotency_free;
    ps_idempotency_entry *entry;
    if (number != PS_INDEX_NONE) {
        entry = ps_idempotency_mut(core, number);
        head->idempotency_free = entry->next;
    } else {
        entry = ps_table_add(&core->idempotency, sizeof *entry);
        number = ps_idempotency_count(core);
    }
    *entry = (ps_idempotency_entry){.key = header->idempotency,
                                    .fingerprint = header->fingerprint.low,
                                    .seq = seq,
                                    .time_s = (uint32_t)(header->time_ns / PS_NS_PER_S),
                                    .next = PS_INDEX_NONE};
    if (head->idempotency_newest != PS_INDEX_NONE) {
        ps_idempotency_mut(core, head->idempotency_newest)->next = number;
    } else {
        head->idempotency_oldest = number;
    }
    head->idempotency_newest = number;
    head->idempotency_count++;
    bool added = ps_index_add(&core->idempotency_by_key, header->idempotency.low, number);
    PS_ASSERT(added);
}

/* ── timers: a binary heap, earliest first; ties by kind, then by object ── */

static bool timer_is_before(const ps_timer *a, const ps_timer *b)
{
    if (a->deadline_ns != b->deadline_ns) {
        return a->deadline_ns < b->deadline_ns;
    }
    return a->kind != b->kind ? a->kind < b->kind : a->object < b->object;
}

static void timer_set(ps_core *core, uint64_t at, const ps_timer *timer)
{
    ps_timer *slot = (ps_timer *)(void *)core->timers.data + at;
    if (!PS_PLANTED(PS_BUG_TOUCH_MISSING)) {
        ps_region_touch(&core->timers, slot, sizeof *slot);
    }
    *slot = *timer;
}

void ps_timer_push(ps_core *core, ps_timer_kind kind, uint32_t object, int64_t deadline_ns)
{
    ps_core_head *head = ps_core_head_mut(core);
    uint64_t at = head->timer_count++;
    if (head->timer_count * sizeof(ps_timer) > core->timers.size) {
        void *added = ps_region_extend(&core->timers, sizeof(ps_timer));
        PS_ASSERT(added != NULL);
    }
    const ps_timer *heap = (const void *)core->timers.data;
    const ps_timer timer = {deadline_ns, kind, object};
    while (at > 0 && timer_is_before(&timer, &heap[(at - 1) / 2])) {
        timer_set(core, at, &heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    timer_set(core, at, &timer);
}

static void timer_pop(ps_core *core)
{
    ps_core_head *head = ps_core_head_mut(core);
    const ps_timer *heap = (const void *)core->timers.data;
    uint64_t count = --head->timer_count;
    const ps_timer last = heap[count];
    const ps_timer none = {0, 0, 0};
    uint64_t at = 0;
    for (uint64_t child = 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && timer_is_before(&heap[child + 1], &heap[child])) {
            child++;
        }
        if (!timer_is_before(&heap[child], &last)) {
            break;
        }
        timer_set(core, at, &heap[child]);
        at = child;
    }
    timer_set(core, at, &last);
    timer_set(core, count, &none);
}

static bool timer_is_stale(const ps_core *core, const ps_timer *timer)
{
    int64_t deadline_ns = 0;
    switch ((ps_timer_kind)timer->kind) {
    case PS_TIMER_PAYMENT:
        deadline_ns = ps_payment_at(core, timer->object)->body.deadline_ns;
        break;
    case PS_TIMER_REFUND:
        deadline_ns = ps_refund_at(core, timer->object)->body.deadline_ns;
        break;
    case PS_TIMER_DISPUTE: {
        const ps_effect_dispute *dispute = &ps_dispute_at(core, timer->object)->body;
        deadline_ns = dispute->status == PS_DISPUTE_OPENED ? dispute->respond_by_ns : 0;
        break;
    }
    case PS_TIMER_TRANSFER:
        deadline_ns = ps_transfer_deadline_ns(core, timer->object);
        break;
    case PS_TIMER_SETTLEMENT:
        deadline_ns = ps_settlement_deadline_ns(core, timer->object);
        break;
    }
    return deadline_ns != timer->deadline_ns;
}

static const ps_timer *timer_top(const ps_core *core)
{
    return ps_core_head_at(core)->timer_count != 0 ? (const void *)core->timers.data : NULL;
}

/* Drops what moved on from the top, at the end of a record and only there: so the heap is a
 * function of the records, and the top is always live. */
static void timers_settle(ps_core *core)
{
    const ps_timer *top = timer_top(core);
    while (top != NULL && timer_is_stale(core, top)) {
        timer_pop(core);
        top = timer_top(core);
    }
}

/* ── the record bracket: the same for execute, timer and replay ── */

static bool has_idempotency_key(const ps_record_header *header)
{
    const ps_u128 none = {0, 0};
    return !ps_u128_equal(header->idempotency, none);
}

static void record_finish(ps_core *core, const ps_record_header *header, uint64_t seq)
{
    ps_core_head *head = ps_core_head_mut(core);
    head->last_seq = seq;
    head->last_time_ns = header->time_ns;
    idempotency_evict(core, header->time_ns);
    if (has_idempotency_key(header)) {
        idempotency_remember(core, header, seq);
    }
    timers_settle(core);
}

static void record_begin(ps_core *core, int64_t now_ns, uint64_t seq, char *payload,
                         ps_emit *out_emit)
{
    const ps_core_head *head = ps_core_head_at(core);
    PS_ASSERT(now_ns > head->last_time_ns && seq > head->last_seq);
    PS_ASSERT((uintptr_t)payload % 8 == 0);
    ps_record_header *header = (ps_record_header *)(void *)payload;
    memset(header, 0, sizeof *header);
    header->version = PS_RECORD_VERSION;
    header->time_ns = now_ns;
    *out_emit = (ps_emit){.core = core,
                          .header = header,
                          .cursor = payload + sizeof *header,
                          .end = payload + PS_RECORD_SIZE_MAX,
                          .seq = seq,
                          .now_ns = now_ns};
}

static uint32_t record_end(ps_core *core, ps_emit *emit)
{
    PS_ASSERT(emit->texts == NULL);
    emit->header->size = (uint32_t)(emit->cursor - (const char *)emit->header);
    record_finish(core, emit->header, emit->seq);
    return emit->header->size;
}

/* ── execute ── */

static bool may(const ps_command *command, uint16_t scopes)
{
    return scopes == 0 || (command->scopes & (scopes | PS_SCOPE_ADMIN)) != 0;
}

static void refuse(ps_result *out_result, ps_refusal refusal, int64_t detail)
{
    *out_result = (ps_result){.kind = PS_RESULT_REFUSED, .refusal = refusal, .detail = detail};
}

/* True: the key was seen before, *out_result says what follows. */
static bool answer_from_memory(const ps_core *core, const ps_command *command, int64_t now_ns,
                               ps_result *out_result)
{
    if (!command->has_idempotency_key) {
        return false;
    }
    const ps_idempotency_entry *entry = idempotency_find(core, command->idempotency, now_ns);
    if (entry == NULL) {
        return false;
    }
    bool is_same = entry->fingerprint == command->fingerprint.low;
    if (!is_same && !PS_PLANTED(PS_BUG_FINGERPRINT_UNCHECKED)) {
        refuse(out_result, PS_REFUSED_IDEMPOTENCY_MISMATCH, 0);
    } else {
        *out_result = (ps_result){.kind = PS_RESULT_REPLAY, .replay_seq = entry->seq};
    }
    return true;
}

static void header_fill(ps_record_header *header, const ps_command *command)
{
    header->command = (uint8_t)command->kind;
    header->book = command->book;
    header->key = command->key;
    header->request_id = command->request_id;
    memcpy(header->address, command->address, sizeof header->address);
    if (command->has_idempotency_key) {
        header->idempotency = command->idempotency;
        header->fingerprint = command->fingerprint;
    }
}

void ps_core_prefetch(const ps_core *core, const ps_command *command)
{
    if (command->has_idempotency_key) {
        ps_index_prefetch(&core->idempotency_by_key, command->idempotency.low);
    }
}

void ps_core_execute(ps_core *core, const ps_command *command, int64_t now_ns, uint64_t seq,
                     char *payload, ps_result *out_result)
{
    PS_ASSERT(command->kind > 0 && command->kind < PS_CMD_COUNT);
    const ps_handler_entry *entry = &ps_handlers[command->kind];
    PS_ASSERT(entry->handle != NULL);
    if (answer_from_memory(core, command, now_ns, out_result)) {
        return;
    }
    if (!may(command, entry->scopes)) {
        refuse(out_result, PS_REFUSED_SCOPE, 0);
        return;
    }
    if (!ps_core_has_room(core, entry->room) ||
        (command->has_idempotency_key && !idempotency_has_room(core, now_ns))) {
        refuse(out_result, PS_REFUSED_TABLE_FULL, 0);
        return;
    }
    ps_emit emit;
    record_begin(core, now_ns, seq, payload, &emit);
    header_fill(emit.header, command);
    emit.book = command->book;
    int64_t detail = 0;
    ps_refusal refusal = entry->handle(core, command, &emit, &detail);
    const ps_refusal_text *text = ps_refusal_describe(refusal);
    if (!text->stored) {
        PS_ASSERT(emit.header->effect_count == 0);
        refuse(out_result, refusal, detail);
        return;
    }
    emit.header->refusal = (uint16_t)refusal;
    emit.header->detail = detail;
    emit.header->http_status =
        refusal == PS_REFUSED_NONE ? entry->success_status : text->http_status;
    uint32_t size = record_end(core, &emit);
    *out_result = (ps_result){.kind = PS_RESULT_RECORD, .payload_size = size};
}

/* ── timers ── */

/* Timers fire in full tables too: they mostly free what is held, and the tables have room for them
 * beyond the limits (state.c). Those that begin something new ask for room and wait. */
int64_t ps_core_next_timer_ns(const ps_core *core)
{
    const ps_timer *top = timer_top(core);
    return top != NULL ? top->deadline_ns : INT64_MAX;
}

uint32_t ps_core_timer(ps_core *core, int64_t now_ns, uint64_t seq, char *payload)
{
    if (ps_core_next_timer_ns(core) > now_ns) {
        return 0;
    }
    const ps_timer due = *timer_top(core);
    ps_emit emit;
    record_begin(core, now_ns, seq, payload, &emit);
    emit.header->command = PS_CMD_TIMER;
    emit.header->http_status = 200;
    switch ((ps_timer_kind)due.kind) {
    case PS_TIMER_PAYMENT:
        ps_fire_payment(&emit, due.object);
        break;
    case PS_TIMER_REFUND:
        ps_fire_refund(&emit, due.object);
        break;
    case PS_TIMER_DISPUTE:
        ps_fire_dispute(&emit, due.object);
        break;
    case PS_TIMER_TRANSFER:
        ps_fire_transfer(&emit, due.object);
        break;
    case PS_TIMER_SETTLEMENT:
        ps_fire_settlement(&emit, due.object);
        break;
    }
    PS_ASSERT(timer_is_stale(core, &due));
    return record_end(core, &emit);
}

/* ── replay ── */

ps_code ps_core_replay(ps_core *core, uint64_t seq, ps_slice payload, ps_error *err)
{
    const ps_core_head *head = ps_core_head_at(core);
    if (!ps_record_check(payload)) {
        return ps_error_set(err, PS_E_DAMAGED, "record %llu is not of a form this version writes",
                            (unsigned long long)seq);
    }
    const ps_record_header *header = ps_record_head(payload);
    if (seq <= head->last_seq || header->time_ns <= head->last_time_ns) {
        return ps_error_set(err, PS_E_DAMAGED, "record %llu is out of order",
                            (unsigned long long)seq);
    }
    ps_code code = ps_core_check_fits(core, payload, err);
    if (code != PS_OK) {
        return code;
    }
    if (has_idempotency_key(header) && !idempotency_has_room(core, header->time_ns)) {
        return ps_region_too_small(&core->idempotency, err);
    }
    if (has_idempotency_key(header)) { /* by the end of the record it is there */
        ps_index_prefetch(&core->idempotency_by_key, header->idempotency.low);
    }
    const ps_apply_context at = {seq, header->time_ns, header->book, 0};
    for (const ps_effect_head *effect = ps_effect_first(payload); effect != NULL;
         effect = ps_effect_next(payload, effect)) {
        if (PS_PLANTED(PS_BUG_LEG_NOT_REPLAYED) && effect->type == PS_EFFECT_LEG && seq % 16 == 0) {
            continue;
        }
        ps_apply_effect(core, &at, effect, ps_effect_texts_of(payload, effect));
    }
    if (PS_PLANTED(PS_BUG_KEY_NOT_REPLAYED)) {
        memset((char *)(uintptr_t)&header->idempotency, 0, sizeof header->idempotency);
    }
    record_finish(core, header, seq);
    return PS_OK;
}
