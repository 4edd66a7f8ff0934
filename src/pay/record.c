#include "pay/record.h"

/* Fixed part of each effect, its size when it has no variable part. */
static const uint32_t effect_sizes[PS_EFFECT_COUNT] = {
    [PS_EFFECT_ACCOUNT] = sizeof(ps_effect_account),
    [PS_EFFECT_ACCOUNT_FLAGS] = sizeof(ps_effect_account_flags),
    [PS_EFFECT_LEG] = sizeof(ps_effect_leg),
    [PS_EFFECT_PAYMENT] = sizeof(ps_effect_payment),
    [PS_EFFECT_REFUND] = sizeof(ps_effect_refund),
    [PS_EFFECT_DISPUTE] = sizeof(ps_effect_dispute),
    [PS_EFFECT_TRADE] = sizeof(ps_effect_trade),
    [PS_EFFECT_SETTLEMENT] = sizeof(ps_effect_settlement),
    [PS_EFFECT_TRANSFER] = sizeof(ps_effect_transfer),
    [PS_EFFECT_RISK_EVENT] = sizeof(ps_effect_risk_event),
    [PS_EFFECT_KEY] = sizeof(ps_effect_key),
    [PS_EFFECT_BOOK] = sizeof(ps_effect_book),
    [PS_EFFECT_TEXTS] = sizeof(ps_effect_texts),
    [PS_EFFECT_PARTY] = sizeof(ps_effect_party),
};

static bool all_zero(const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] != 0) {
            return false;
        }
    }
    return true;
}

static uint32_t round_up_8(uint32_t size)
{
    return (size + 7) & ~UINT32_C(7);
}

/* Bytes that this version writes as 0, so that a later one can give them a meaning. */
enum { RESERVED_FIELDS_MAX = 2 };
typedef struct {
    uint16_t offset;
    uint16_t size; /* 0: none */
} ps_reserved_field;
#define PS_RESERVED(effect_struct, field)                                                          \
    {                                                                                              \
        offsetof(effect_struct, field), sizeof(((effect_struct *)0)->field)                        \
    }
static const ps_reserved_field reserved_fields[PS_EFFECT_COUNT][RESERVED_FIELDS_MAX] = {
    [PS_EFFECT_ACCOUNT_FLAGS] = {PS_RESERVED(ps_effect_account_flags, reserved)},
    [PS_EFFECT_LEG] = {PS_RESERVED(ps_effect_leg, leg.reserved),
                       PS_RESERVED(ps_effect_leg, leg.linked)},
    [PS_EFFECT_PAYMENT] = {PS_RESERVED(ps_effect_payment, reserved0)},
    [PS_EFFECT_REFUND] = {PS_RESERVED(ps_effect_refund, reserved)},
    [PS_EFFECT_DISPUTE] = {PS_RESERVED(ps_effect_dispute, reserved)},
    [PS_EFFECT_TRADE] = {PS_RESERVED(ps_effect_trade, reserved)},
    [PS_EFFECT_SETTLEMENT] = {PS_RESERVED(ps_effect_settlement, reserved)},
    [PS_EFFECT_TRANSFER] = {PS_RESERVED(ps_effect_transfer, reserved)},
    [PS_EFFECT_RISK_EVENT] = {PS_RESERVED(ps_effect_risk_event, reserved)},
    [PS_EFFECT_KEY] = {PS_RESERVED(ps_effect_key, reserved)},
    [PS_EFFECT_BOOK] = {PS_RESERVED(ps_effect_book, reserved)},
    [PS_EFFECT_PARTY] = {PS_RESERVED(ps_effect_party, reserved),
                         PS_RESERVED(ps_effect_party, reserved1)},
};

static bool reserved_is_zero(const ps_effect_head *effect)
{
    const ps_reserved_field *fields = reserved_fields[effect->type];
    for (size_t i = 0; i < RESERVED_FIELDS_MAX; i++) {
        if (!all_zero((const char *)effect + fields[i].offset, fields[i].size)) {
            return false;
        }
    }
    return true;
}

static bool account_is_well_formed(const ps_effect_account *account)
{
    if (account->name_size == 0 || account->name_size > PS_ACCOUNT_NAME_MAX ||
        account->head.size != round_up_8((uint32_t)sizeof *account + account->name_size)) {
        return false;
    }
    return all_zero(account->name + account->name_size,
                    account->head.size - sizeof *account - account->name_size);
}

static bool texts_are_well_formed(const ps_effect_texts *texts)
{
    const char *at = (const char *)(texts + 1);
    uint32_t room = texts->head.size - (uint32_t)sizeof *texts;
    if (texts->size > room || round_up_8(texts->size) != room) {
        return false;
    }
    uint32_t offset = 0;
    for (uint32_t i = 0; i < texts->count; i++) {
        if (texts->size - offset < 4) {
            return false;
        }
        uint8_t field = (uint8_t)at[offset];
        uint32_t size = ps_get_u16(at + offset + 2);
        offset += 4;
        if (field == 0 || field >= PS_TEXT_FIELD_COUNT || at[offset - 3] != 0 || size == 0 ||
            size > texts->size - offset) {
            return false;
        }
        offset += size;
    }
    return offset == texts->size && all_zero(at + offset, room - offset);
}

static bool effect_is_well_formed(const ps_effect_head *effect, uint32_t room)
{
    if (room < sizeof *effect || effect->size > room || effect->size % 8 != 0 ||
        effect->reserved != 0 || effect->type == 0 || effect->type >= PS_EFFECT_COUNT ||
        effect->event >= PS_EVENT_COUNT || effect->size < effect_sizes[effect->type]) {
        return false;
    }
    if (effect->type == PS_EFFECT_ACCOUNT) {
        return account_is_well_formed((const ps_effect_account *)(const void *)effect);
    }
    if (effect->type == PS_EFFECT_TEXTS) {
        return texts_are_well_formed((const ps_effect_texts *)(const void *)effect);
    }
    return effect->size == effect_sizes[effect->type] && reserved_is_zero(effect);
}

bool ps_record_check(ps_slice payload)
{
    if (payload.size < sizeof(ps_record_header) || payload.size > PS_RECORD_SIZE_MAX ||
        payload.size % 8 != 0 || (uintptr_t)payload.data % 8 != 0) {
        return false;
    }
    const ps_record_header *header = ps_record_head(payload);
    if (header->version != PS_RECORD_VERSION || header->size != payload.size ||
        header->command == 0 || header->command >= PS_CMD_COUNT ||
        header->refusal >= PS_REFUSED_COUNT || header->reserved0 != 0) {
        return false;
    }
    uint32_t offset = sizeof *header;
    uint32_t count = 0;
    uint8_t type_before = 0;
    while (offset < header->size) {
        const ps_effect_head *effect = (const void *)(payload.data + offset);
        if (!effect_is_well_formed(effect, header->size - offset) ||
            (effect->type == PS_EFFECT_TEXTS &&
             (type_before == 0 || type_before == PS_EFFECT_TEXTS))) {
            return false;
        }
        type_before = effect->type;
        offset += effect->size;
        count++;
    }
    return count == header->effect_count;
}

static const ps_effect_head *effect_at(ps_slice payload, size_t offset)
{
    return offset < payload.size ? (const void *)(payload.data + offset) : NULL;
}

const ps_effect_head *ps_effect_first(ps_slice payload)
{
    return effect_at(payload, sizeof(ps_record_header));
}

const ps_effect_head *ps_effect_next(ps_slice payload, const ps_effect_head *effect)
{
    return effect_at(payload, (size_t)((const char *)effect - payload.data) + effect->size);
}

const ps_effect_texts *ps_effect_texts_of(ps_slice payload, const ps_effect_head *effect)
{
    const ps_effect_head *next = ps_effect_next(payload, effect);
    return next != NULL && next->type == PS_EFFECT_TEXTS ? (const void *)next : NULL;
}

ps_slice ps_texts_get(const ps_effect_texts *texts, ps_text_field field)
{
    const char *at = (const char *)(texts + 1);
    for (uint32_t i = 0; i < texts->count; i++) {
        uint16_t size = ps_get_u16(at + 2);
        if ((uint8_t)at[0] == field) {
            return ps_slice_of(at + 4, size);
        }
        at += 4 + size;
    }
    return ps_slice_of(NULL, 0);
}
