#include "pay/state.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"

void ps_core_options_default(ps_core_options *out_options)
{
    *out_options = (ps_core_options){
        .payments_max = 20000000,
        .accounts_max = 4000000,
        .keys_max = 20000000,
        .transfers_max = 20000000,
        .refunds_max = 5000000,
        .trades_max = 80000000,
        .parties_max = 4000000,
        .rail_deadline_ns = 10 * PS_NS_PER_S,
        .idempotency_keep_ns = 24 * 3600 * PS_NS_PER_S,
        .simulator_delay_ns = 1 * PS_NS_PER_S,
    };
}

/* ── tables ── */

/* The option that a table's size follows from; in the order of the fields of ps_core_options. */
typedef enum {
    LIMIT_PAYMENTS,
    LIMIT_ACCOUNTS,
    LIMIT_KEYS,
    LIMIT_TRANSFERS,
    LIMIT_REFUNDS,
    LIMIT_TRADES,
    LIMIT_PARTIES,
    LIMIT_FIXED
} core_limit;
_Static_assert((int)LIMIT_FIXED == (int)PS_CORE_LIMIT_COUNT, "a text for each");

typedef struct {
    ps_region *region;
    const char *name;
    size_t element_size;
    uint64_t count_max;
    core_limit limit;
} ps_table_shape;

enum { PS_TABLE_COUNT = 13, PS_CORE_INDEX_COUNT = 5 };

/* Timers add trades without asking for room: a void, a capture or a dispute's end each. */
static uint64_t trades_count_max(const ps_core_options *o)
{
    return o->trades_max + 2 * o->payments_max + o->refunds_max + PS_SLACK_TRADES;
}

/* Tables of numbered objects. Head and timers are apart: they have no element 0 to skip. */
static void table_shapes(ps_core *core, ps_table_shape out_shapes[PS_TABLE_COUNT])
{
    const ps_core_options *o = &core->options;
    const ps_table_shape shapes[PS_TABLE_COUNT] = {
        {&core->payments, "payments", sizeof(ps_payment), o->payments_max, LIMIT_PAYMENTS},
        {&core->refunds, "refunds", sizeof(ps_refund), o->refunds_max, LIMIT_REFUNDS},
        {&core->disputes, "disputes", sizeof(ps_dispute), o->refunds_max, LIMIT_REFUNDS},
        {&core->trades, "trades", sizeof(ps_trade), trades_count_max(o), LIMIT_TRADES},
        {&core->settlements, "settlements", sizeof(ps_settlement),
         o->refunds_max + PS_SLACK_SETTLEMENTS, LIMIT_REFUNDS},
        {&core->settlement_items, "settlement_items", sizeof(ps_settlement_item),
         o->trades_max + PS_SLACK_ITEMS, LIMIT_TRADES},
        {&core->transfers, "transfers", sizeof(ps_api_transfer), o->transfers_max, LIMIT_TRANSFERS},
        {&core->parties, "parties", sizeof(ps_party), o->parties_max + PS_SLACK_PARTIES,
         LIMIT_PARTIES},
        {&core->keys, "keys", sizeof(ps_key), PS_API_KEYS_MAX, LIMIT_FIXED},
        {&core->books, "books", sizeof(ps_book), PS_BOOKS_MAX, LIMIT_FIXED},
        /* a payment makes some 4 events and 16 at the very most */
        {&core->event_marks, "event_marks", sizeof(ps_event_mark),
         (o->payments_max + o->refunds_max + o->transfers_max + PS_API_KEYS_MAX) / 4,
         LIMIT_PAYMENTS},
        {&core->idempotency, "idempotency_keys", sizeof(ps_idempotency_entry), o->keys_max,
         LIMIT_KEYS},
        {&core->client_ids, "client_ids", sizeof(ps_client_id), o->payments_max, LIMIT_PAYMENTS},
    };
    memcpy(out_shapes, shapes, sizeof shapes);
}

typedef struct {
    ps_index *index;
    const char *name;
    uint64_t count_max;
    core_limit limit;
} ps_core_index_shape;

static void index_shapes(ps_core *core, ps_core_index_shape out_shapes[PS_CORE_INDEX_COUNT])
{
    const ps_core_options *o = &core->options;
    const ps_core_index_shape shapes[PS_CORE_INDEX_COUNT] = {
        {&core->parties_by_name, "parties_by_name", o->parties_max + PS_SLACK_PARTIES,
         LIMIT_PARTIES},
        {&core->payments_by_reference, "payments_by_reference", o->payments_max, LIMIT_PAYMENTS},
        {&core->payments_by_client_id, "payments_by_client_id", o->payments_max, LIMIT_PAYMENTS},
        {&core->idempotency_by_key, "idempotency_by_key", o->keys_max, LIMIT_KEYS},
        {&core->keys_by_public_id, "keys_by_public_id", PS_API_KEYS_MAX, LIMIT_FIXED},
    };
    memcpy(out_shapes, shapes, sizeof shapes);
}

void *ps_table_add(ps_region *table, size_t element_size)
{
    void *element = ps_region_extend(table, element_size);
    PS_ASSERT(element != NULL);
    return element;
}

/* Head, and element 0 of each table: what an empty state consists of. */
static void state_begin(ps_core *core)
{
    ps_core_head *head = ps_table_add(&core->head, sizeof *head);
    head->idempotency_oldest = PS_INDEX_NONE;
    head->idempotency_newest = PS_INDEX_NONE;
    head->idempotency_free = PS_INDEX_NONE;
    ps_table_shape tables[PS_TABLE_COUNT];
    table_shapes(core, tables);
    for (size_t i = 0; i < PS_TABLE_COUNT; i++) {
        ps_table_add(tables[i].region, tables[i].element_size);
    }
    ps_core_index_shape indexes[PS_CORE_INDEX_COUNT];
    index_shapes(core, indexes);
    for (size_t i = 0; i < PS_CORE_INDEX_COUNT; i++) {
        ps_index_clear(indexes[i].index);
    }
    ps_ledger_clear(&core->ledger);
}

static void limit_texts_fill(ps_core *core)
{
    const ps_core_options *o = &core->options;
    const struct {
        const char *name;
        uint64_t value;
    } limits[PS_CORE_LIMIT_COUNT] = {
        [LIMIT_PAYMENTS] = {"payments", o->payments_max},
        [LIMIT_ACCOUNTS] = {"accounts", o->accounts_max},
        [LIMIT_KEYS] = {"keys", o->keys_max},
        [LIMIT_TRANSFERS] = {"transfers", o->transfers_max},
        [LIMIT_REFUNDS] = {"refunds", o->refunds_max},
        [LIMIT_TRADES] = {"trades", o->trades_max},
        [LIMIT_PARTIES] = {"parties", o->parties_max},
    };
    for (size_t i = 0; i < PS_CORE_LIMIT_COUNT; i++) {
        snprintf(core->limit_texts[i], sizeof core->limit_texts[i], "limits.%s=%llu",
                 limits[i].name, (unsigned long long)limits[i].value);
    }
}

static const char *limit_text(const ps_core *core, core_limit limit)
{
    return limit == LIMIT_FIXED ? NULL : core->limit_texts[limit];
}

static void index_declare(ps_index *index, const char *declared_by)
{
    ps_region *regions[2];
    uint32_t count = ps_index_regions(index, regions);
    for (uint32_t i = 0; i < count; i++) {
        regions[i]->declared_by = declared_by;
    }
}

static void ledger_declare(ps_core *core)
{
    ps_ledger *ledger = &core->ledger;
    ledger->accounts.declared_by = limit_text(core, LIMIT_ACCOUNTS);
    ledger->names.declared_by = limit_text(core, LIMIT_ACCOUNTS);
    ledger->checkpoints.declared_by = limit_text(core, LIMIT_PAYMENTS);
    ledger->transfers.declared_by = limit_text(core, LIMIT_TRANSFERS);
    ledger->free_slots.declared_by = limit_text(core, LIMIT_TRANSFERS);
    index_declare(&ledger->by_name, limit_text(core, LIMIT_ACCOUNTS));
}

static ps_code state_init(ps_core *core, ps_error *err)
{
    const ps_core_options *o = &core->options;
    /* 64 legs a checkpoint; a payment has some 4 legs on 2 accounts each */
    ps_ledger_limits limits = {.accounts_max = o->accounts_max + PS_SLACK_ACCOUNTS,
                               .transfers_max = o->transfers_max + PS_SLACK_TRANSFERS,
                               .checkpoints_max =
                                   (o->payments_max + o->refunds_max + o->transfers_max) / 4 +
                                   PS_SLACK_CHECKPOINTS};
    ps_code code = ps_ledger_init(&core->ledger, &limits, err);
    if (code != PS_OK) {
        return code;
    }
    ledger_declare(core);
    code = ps_region_init(&core->head, "head", sizeof(ps_core_head), err);
    if (code == PS_OK) {
        /* its place is fixed, its bytes come with the genesis record or a snapshot */
        core->ledger.name_secret = ps_core_secret(core);
        code = ps_region_init(&core->timers, "timers",
                              (ps_timers_max(o) + PS_SLACK_TIMERS) * sizeof(ps_timer), err);
    }
    ps_table_shape tables[PS_TABLE_COUNT];
    table_shapes(core, tables);
    for (size_t i = 0; code == PS_OK && i < PS_TABLE_COUNT; i++) {
        code = ps_region_init(tables[i].region, tables[i].name,
                              (tables[i].count_max + 1) * tables[i].element_size, err);
        tables[i].region->declared_by = limit_text(core, tables[i].limit);
    }
    core->timers.declared_by = limit_text(core, LIMIT_PAYMENTS);
    ps_core_index_shape indexes[PS_CORE_INDEX_COUNT];
    index_shapes(core, indexes);
    for (size_t i = 0; code == PS_OK && i < PS_CORE_INDEX_COUNT; i++) {
        code = ps_index_init(indexes[i].index, indexes[i].name, indexes[i].count_max, err);
        index_declare(indexes[i].index, limit_text(core, indexes[i].limit));
    }
    return code;
}

static bool limits_are_valid(const ps_core_options *o)
{
    const uint64_t limits[] = {o->payments_max, o->accounts_max, o->keys_max,   o->transfers_max,
                               o->refunds_max,  o->trades_max,   o->parties_max};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        if (limits[i] == 0 || limits[i] > UINT64_C(2000000000)) {
            return false;
        }
    }
    if (trades_count_max(o) >= UINT32_MAX) { /* links of trades have 32 bits */
        return false;
    }
    return o->rail_deadline_ns > 0 && o->idempotency_keep_ns > 0 && o->simulator_delay_ns > 0;
}

ps_code ps_core_new(const ps_core_options *options, const ps_policy *policy, ps_u128 instance,
                    ps_core **out_core, ps_error *err)
{
    if (!limits_are_valid(options)) {
        return ps_error_set(
            err, PS_E_INVALID,
            "each of limits.* must be 1 to 2000000000, limits.trades with twice "
            "limits.payments and limits.refunds below 2^32, each duration positive");
    }
    ps_core *core = calloc(1, sizeof *core);
    if (core == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "cannot allocate the core");
    }
    core->options = *options;
    if (policy != NULL) {
        core->policy = *policy;
    }
    core->instance = instance;
    limit_texts_fill(core);
    ps_code code = state_init(core, err);
    if (code != PS_OK) {
        ps_core_free(core);
        return code;
    }
    state_begin(core);
    *out_core = core;
    return PS_OK;
}

void ps_core_free(ps_core *core)
{
    if (core == NULL) {
        return;
    }
    ps_ledger_release(&core->ledger);
    ps_region_release(&core->head);
    ps_region_release(&core->timers);
    ps_table_shape tables[PS_TABLE_COUNT];
    table_shapes(core, tables);
    for (size_t i = 0; i < PS_TABLE_COUNT; i++) {
        ps_region_release(tables[i].region);
    }
    ps_core_index_shape indexes[PS_CORE_INDEX_COUNT];
    index_shapes(core, indexes);
    for (size_t i = 0; i < PS_CORE_INDEX_COUNT; i++) {
        ps_index_release(indexes[i].index);
    }
    free(core);
}

uint32_t ps_core_regions(ps_core *core, ps_region *out_regions[64])
{
    uint32_t count = ps_ledger_regions(&core->ledger, out_regions);
    out_regions[count++] = &core->head;
    out_regions[count++] = &core->timers;
    ps_table_shape tables[PS_TABLE_COUNT];
    table_shapes(core, tables);
    for (size_t i = 0; i < PS_TABLE_COUNT; i++) {
        out_regions[count++] = tables[i].region;
    }
    ps_core_index_shape indexes[PS_CORE_INDEX_COUNT];
    index_shapes(core, indexes);
    for (size_t i = 0; i < PS_CORE_INDEX_COUNT; i++) {
        count += ps_index_regions(indexes[i].index, out_regions + count);
    }
    PS_ASSERT(count <= 64);
    return count;
}

void ps_core_clear(ps_core *core)
{
    ps_region *regions[64];
    uint32_t count = ps_core_regions(core, regions);
    for (uint32_t i = 0; i < count; i++) {
        ps_region_clear(regions[i]);
    }
    state_begin(core);
}

ps_u128 ps_core_hash(ps_core *core)
{
    ps_region *regions[64];
    uint32_t count = ps_core_regions(core, regions);
    ps_u128 hashes[64];
    memset(hashes, 0, sizeof hashes);
    for (uint32_t i = 0; i < count; i++) {
        hashes[i] = ps_xxh3_128(regions[i]->data, regions[i]->size);
    }
    return ps_xxh3_128(hashes, count * sizeof hashes[0]);
}

int64_t ps_core_last_time_ns(const ps_core *core)
{
    return ps_core_head_at(core)->last_time_ns;
}

uint64_t ps_core_last_seq(const ps_core *core)
{
    return ps_core_head_at(core)->last_seq;
}

const ps_hash_secret *ps_core_secret(const ps_core *core)
{
    return &ps_core_head_at(core)->secret;
}

void ps_core_get_stats(const ps_core *core, ps_core_stats *out_stats)
{
    const ps_core_head *head = ps_core_head_at(core);
    const ps_ledger_counters *ledger = (const void *)core->ledger.counters.data;
    *out_stats = (ps_core_stats){
        .payments = ps_payment_count(core),
        .refunds = ps_refund_count(core),
        .disputes = ps_dispute_count(core),
        .trades = ps_trade_count(core),
        .settlements = ps_settlement_count(core),
        .accounts = ps_ledger_account_count(&core->ledger),
        .transfers = ps_api_transfer_count(core),
        .open_holds = ledger->open_pending_count,
        .idempotency_keys = head->idempotency_count,
        .timers = head->timer_count,
        .unknown_payments = head->by_status[PS_STATUS_UNKNOWN],
    };
    memcpy(out_stats->by_status, head->by_status, sizeof head->by_status);
    ps_region *regions[64];
    /* reads sizes only */
    uint32_t count = ps_core_regions((ps_core *)(uintptr_t)core, regions);
    for (uint32_t i = 0; i < count; i++) {
        out_stats->memory_bytes += regions[i]->size;
    }
}

/* ── look-ups ── */

ps_u128 ps_core_name_hash(const ps_core *core, char kind, uint32_t number, ps_slice name)
{
    PS_UNINITIALIZED char key[8 + 256];
    PS_ASSERT(name.size <= sizeof key - 8);
    memset(key, 0, 8);
    key[0] = kind;
    ps_put_u32(key + 4, number);
    if (name.size != 0) {
        memcpy(key + 8, name.data, name.size);
    }
    return ps_hash_keyed(ps_core_secret(core), key, 8 + name.size);
}

uint32_t ps_party_find(const ps_core *core, uint32_t book, bool is_payer, ps_slice name)
{
    ps_u128 hash = ps_core_name_hash(core, is_payer ? 'p' : 'm', book, name);
    ps_index_cursor cursor;
    for (uint32_t i = ps_index_first(&core->parties_by_name, hash.low, &cursor); i != PS_INDEX_NONE;
         i = ps_index_next(&core->parties_by_name, &cursor)) {
        const ps_party *party = ps_party_at(core, i);
        if (party->book == book && party->is_payer == (is_payer ? 1 : 0) &&
            ps_slice_equal(ps_slice_of(party->name, party->name_size), name)) {
            return i;
        }
    }
    return 0;
}

static uint32_t client_id_find(const ps_core *core, uint32_t book, ps_slice id)
{
    if (id.size > PS_ID_TEXT_MAX) {
        return 0;
    }
    ps_u128 hash = ps_core_name_hash(core, 'c', book, id);
    ps_index_cursor cursor;
    for (uint32_t i = ps_index_first(&core->payments_by_client_id, hash.low, &cursor);
         i != PS_INDEX_NONE; i = ps_index_next(&core->payments_by_client_id, &cursor)) {
        if (ps_u128_equal(ps_client_id_at(core, i)->hash, hash)) {
            return ps_client_id_at(core, i)->payment;
        }
    }
    return 0;
}

uint32_t ps_payment_find(const ps_core *core, uint32_t book, ps_slice id)
{
    uint64_t number;
    int64_t created_ns;
    if (ps_id_parse(core->instance, PS_ID_PAYMENT, id, &number, &created_ns) && number != 0 &&
        number <= ps_payment_count(core)) {
        const ps_effect_payment *payment = &ps_payment_at(core, number)->body;
        if (payment->created_ns == created_ns && payment->book == book &&
            (payment->flags & PS_PAYMENT_CLIENT_ID) == 0) {
            return (uint32_t)number;
        }
    }
    return client_id_find(core, book, id);
}

uint32_t ps_refund_find(const ps_core *core, uint32_t book, ps_slice id)
{
    uint64_t number;
    int64_t created_ns;
    if (!ps_id_parse(core->instance, PS_ID_REFUND, id, &number, &created_ns) || number == 0 ||
        number > ps_refund_count(core)) {
        return 0;
    }
    const ps_effect_refund *refund = &ps_refund_at(core, number)->body;
    return refund->created_ns == created_ns && refund->book == book ? (uint32_t)number : 0;
}

uint32_t ps_dispute_find(const ps_core *core, uint32_t book, ps_slice id)
{
    uint64_t number;
    int64_t created_ns;
    if (!ps_id_parse(core->instance, PS_ID_DISPUTE, id, &number, &created_ns) || number == 0 ||
        number > ps_dispute_count(core)) {
        return 0;
    }
    const ps_effect_dispute *dispute = &ps_dispute_at(core, number)->body;
    return dispute->created_ns == created_ns && dispute->book == book ? (uint32_t)number : 0;
}
