/* Room in the tables: for a command before it is decided, for a record before it is replayed. */
#include "pay/state.h"

/* ── commands ── */

/* Against the declared limits; the regions are larger by what one command, and the timers of open
 * objects, may still add (PS_SLACK_…). */
static bool trades_have_room(const ps_core *core)
{
    const ps_ledger *ledger = &core->ledger;
    const ps_ledger_counters *counters = (const void *)ledger->counters.data;
    /* each hold and each dispute may yet end by a timer, with a few entries; 64 to a checkpoint */
    uint64_t owed =
        PS_SLACK_CHECKPOINTS + counters->open_pending_count / 16 + ps_dispute_count(core) / 8;
    return ps_trade_count(core) < core->options.trades_max &&
           ledger->checkpoints.size + owed * sizeof(ps_account_checkpoint) <=
               ledger->checkpoints.size_max;
}

static bool books_have_room(const ps_core *core)
{
    const ps_core_options *o = &core->options;
    return trades_have_room(core) && ps_party_count(core) < o->parties_max &&
           ps_ledger_account_count(&core->ledger) < o->accounts_max &&
           ps_settlement_count(core) < o->refunds_max;
}

static bool holds_have_room(const ps_core *core)
{
    const ps_ledger *ledger = &core->ledger;
    const ps_ledger_counters *counters = (const void *)ledger->counters.data;
    return ledger->transfers.size / sizeof(ps_transfer) - counters->free_slot_count <
           core->options.transfers_max;
}

bool ps_core_has_room(const ps_core *core, uint32_t room)
{
    const ps_core_options *o = &core->options;
    if ((room & PS_ROOM_PAYMENT) != 0 && ps_payment_count(core) >= o->payments_max) {
        return false;
    }
    if (((room & PS_ROOM_BOOKS) != 0 && !books_have_room(core)) ||
        ((room & PS_ROOM_TRADE) != 0 && !trades_have_room(core)) ||
        ((room & PS_ROOM_HOLD) != 0 && !holds_have_room(core))) {
        return false;
    }
    if ((room & PS_ROOM_TIMER) != 0 && ps_core_head_at(core)->timer_count >= ps_timers_max(o)) {
        return false;
    }
    if ((room & PS_ROOM_REFUND) != 0 && ps_refund_count(core) >= o->refunds_max) {
        return false;
    }
    if ((room & PS_ROOM_DISPUTE) != 0 && ps_dispute_count(core) >= o->refunds_max) {
        return false;
    }
    if ((room & PS_ROOM_API_TRANSFER) != 0 && ps_api_transfer_count(core) >= o->transfers_max) {
        return false;
    }
    return (room & PS_ROOM_KEY) == 0 ||
           (ps_key_count(core) < PS_API_KEYS_MAX && ps_book_count(core) + 2 <= PS_BOOKS_MAX);
}

/* ── records ── */

/* A table that is too small for its element `place`; NULL: it fits. */
static const ps_region *lacks(const ps_region *table, size_t element_size, uint64_t place)
{
    bool fits = place < PS_INDEX_NONE && (place + 1) * element_size <= table->size_max;
    return fits ? NULL : table;
}

/* Most effects say the number that their object has or will have: that alone tells. */
static const ps_region *effect_lacks(const ps_core *core, const ps_effect_head *effect)
{
    const void *body = effect;
    switch ((ps_effect_type)effect->type) {
    case PS_EFFECT_ACCOUNT:
        return lacks(&core->ledger.accounts, sizeof(ps_account),
                     ((const ps_effect_account *)body)->account);
    case PS_EFFECT_LEG: {
        uint32_t slot = ((const ps_effect_leg *)body)->leg.slot;
        return slot == PS_INDEX_NONE ? NULL
                                     : lacks(&core->ledger.transfers, sizeof(ps_transfer), slot);
    }
    case PS_EFFECT_PAYMENT:
        return lacks(&core->payments, sizeof(ps_payment),
                     ((const ps_effect_payment *)body)->payment);
    case PS_EFFECT_REFUND:
        return lacks(&core->refunds, sizeof(ps_refund), ((const ps_effect_refund *)body)->refund);
    case PS_EFFECT_DISPUTE:
        return lacks(&core->disputes, sizeof(ps_dispute),
                     ((const ps_effect_dispute *)body)->dispute);
    case PS_EFFECT_TRADE:
        return lacks(&core->trades, sizeof(ps_trade), ((const ps_effect_trade *)body)->trade);
    case PS_EFFECT_SETTLEMENT:
        return lacks(&core->settlements, sizeof(ps_settlement),
                     ((const ps_effect_settlement *)body)->settlement);
    case PS_EFFECT_TRANSFER:
        return lacks(&core->transfers, sizeof(ps_api_transfer),
                     ((const ps_effect_transfer *)body)->transfer);
    case PS_EFFECT_KEY:
        return lacks(&core->keys, sizeof(ps_key), ((const ps_effect_key *)body)->key);
    case PS_EFFECT_BOOK:
        return lacks(&core->books, sizeof(ps_book), ((const ps_effect_book *)body)->book);
    case PS_EFFECT_PARTY:
        return lacks(&core->parties, sizeof(ps_party), ((const ps_effect_party *)body)->party);
    case PS_EFFECT_ACCOUNT_FLAGS:
    case PS_EFFECT_RISK_EVENT:
    case PS_EFFECT_TEXTS:
    case PS_EFFECT_COUNT:
        break;
    }
    return NULL;
}

static bool has_spare(const ps_region *table, uint64_t used, size_t element_size, uint64_t most)
{
    return (used + most) * element_size <= table->size_max;
}

ps_code ps_core_check_fits(const ps_core *core, ps_slice payload, ps_error *err)
{
    uint64_t counts[PS_EFFECT_COUNT] = {0};
    for (const ps_effect_head *effect = ps_effect_first(payload); effect != NULL;
         effect = ps_effect_next(payload, effect)) {
        const ps_region *too_small = effect_lacks(core, effect);
        if (too_small != NULL) {
            return ps_region_too_small(too_small, err);
        }
        counts[effect->type]++;
    }
    /* what effects do not number: the most that they can add */
    uint64_t objects = counts[PS_EFFECT_PAYMENT] + counts[PS_EFFECT_REFUND] +
                       counts[PS_EFFECT_DISPUTE] + counts[PS_EFFECT_TRANSFER] +
                       counts[PS_EFFECT_SETTLEMENT];
    if (!has_spare(&core->timers, ps_core_head_at(core)->timer_count, sizeof(ps_timer), objects)) {
        return ps_region_too_small(&core->timers, err);
    }
    if (!has_spare(&core->settlement_items, ps_settlement_item_count(core) + 1,
                   sizeof(ps_settlement_item), counts[PS_EFFECT_PAYMENT])) {
        return ps_region_too_small(&core->settlement_items, err);
    }
    const ps_region *checkpoints = &core->ledger.checkpoints;
    if (!has_spare(checkpoints, checkpoints->size / sizeof(ps_account_checkpoint),
                   sizeof(ps_account_checkpoint), 2 * counts[PS_EFFECT_LEG])) {
        return ps_region_too_small(checkpoints, err);
    }
    return PS_OK;
}
