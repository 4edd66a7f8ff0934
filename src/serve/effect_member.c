#include "serve/effect_member.h"

/* Offsets in the struct of an effect; 0, where the head lies, is a member that it does not have. */
typedef struct {
    uint16_t number, number_size;
    uint16_t created;  /* i64 */
    uint16_t sequence; /* u64 */
    uint16_t book;     /* u32, of the events */
    uint16_t payment;  /* u32 */
} effect_members;

#define NUMBER(type, member)                                                                       \
    .number = offsetof(type, member), .number_size = sizeof(((type *)NULL)->member)
/* What makes events has all of these. */
#define EVENTFUL(type, member)                                                                     \
    NUMBER(type, member), .created = offsetof(type, created_ns),                                   \
                          .sequence = offsetof(type, sequence), .book = offsetof(type, book)

static const effect_members members[PS_EFFECT_COUNT] = {
    [PS_EFFECT_PAYMENT] = {EVENTFUL(ps_effect_payment, payment),
                           .payment = offsetof(ps_effect_payment, payment)},
    [PS_EFFECT_REFUND] = {EVENTFUL(ps_effect_refund, refund),
                          .payment = offsetof(ps_effect_refund, payment)},
    [PS_EFFECT_DISPUTE] = {EVENTFUL(ps_effect_dispute, dispute),
                           .payment = offsetof(ps_effect_dispute, payment)},
    [PS_EFFECT_TRADE] = {EVENTFUL(ps_effect_trade, trade),
                         .payment = offsetof(ps_effect_trade, payment)},
    [PS_EFFECT_SETTLEMENT] = {EVENTFUL(ps_effect_settlement, settlement)},
    [PS_EFFECT_TRANSFER] = {EVENTFUL(ps_effect_transfer, transfer)},
    [PS_EFFECT_RISK_EVENT] = {EVENTFUL(ps_effect_risk_event, risk_event)},
    [PS_EFFECT_KEY] = {NUMBER(ps_effect_key, key), .created = offsetof(ps_effect_key, created_ns)},
    [PS_EFFECT_ACCOUNT] = {NUMBER(ps_effect_account, account)},
    [PS_EFFECT_ACCOUNT_FLAGS] = {NUMBER(ps_effect_account_flags, account)},
    [PS_EFFECT_BOOK] = {NUMBER(ps_effect_book, book)},
    [PS_EFFECT_PARTY] = {NUMBER(ps_effect_party, party)},
};

/* 0 for a member that is not there; sizes are 4 and 8. */
static uint64_t member_get(const ps_effect_head *effect, uint16_t offset, uint16_t size)
{
    const char *at = (const char *)effect + offset;
    if (offset == 0) {
        return 0;
    }
    return size == sizeof(uint32_t) ? ps_get_u32(at) : ps_get_u64(at);
}

static const effect_members *members_of(const ps_effect_head *effect)
{
    static const effect_members none = {0};
    return effect->type < PS_EFFECT_COUNT ? &members[effect->type] : &none;
}

uint64_t ps_effect_number(const ps_effect_head *effect)
{
    const effect_members *m = members_of(effect);
    return member_get(effect, m->number, m->number_size);
}

int64_t ps_effect_created_ns(const ps_effect_head *effect)
{
    return (int64_t)member_get(effect, members_of(effect)->created, sizeof(int64_t));
}

uint64_t ps_effect_sequence(const ps_effect_head *effect)
{
    if (effect->event == PS_EVENT_NONE) {
        return 0;
    }
    return member_get(effect, members_of(effect)->sequence, sizeof(uint64_t));
}

uint32_t ps_effect_event_book(const ps_effect_head *effect)
{
    if (effect->event == PS_EVENT_NONE) {
        return 0;
    }
    return (uint32_t)member_get(effect, members_of(effect)->book, sizeof(uint32_t));
}

bool ps_effect_is_about(const ps_effect_head *effect, uint32_t payment)
{
    uint16_t offset = members_of(effect)->payment;
    return offset != 0 && member_get(effect, offset, sizeof(uint32_t)) == payment;
}

const ps_effect_head *ps_effect_find(ps_slice payload, ps_effect_type type, uint64_t number)
{
    const ps_effect_head *found = NULL;
    for (const ps_effect_head *e = ps_effect_first(payload); e != NULL;
         e = ps_effect_next(payload, e)) {
        if (e->type == type && ps_effect_number(e) == number) {
            found = e;
        }
    }
    return found;
}

uint64_t ps_record_first_sequence(ps_slice payload)
{
    for (const ps_effect_head *e = ps_effect_first(payload); e != NULL;
         e = ps_effect_next(payload, e)) {
        uint64_t sequence = ps_effect_sequence(e);
        if (sequence != 0) {
            return sequence;
        }
    }
    return 0;
}
