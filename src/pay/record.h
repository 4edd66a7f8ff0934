/* The journal record of one command: what was decided, as effects. Format version 1.
 *
 * A payload is a header followed by effects, each 8-byte aligned, little-endian, fixed width;
 * reserved bytes are 0 and checked. The state changes only by applying effects, on the first run
 * and on replay alike: replay never decides. Replies, events, postings, entries and trade records
 * are functions of records: object state as it was right after the record (the effect), immutable
 * texts from the record that created the object (its origin_seq).
 *
 * Every effect with an event type ≠ 0 is one event of its book and takes the book's next sequence
 * number, in order of the effects.
 * `prev_seq` chains the records of one payment (and the legs of one account) backwards, newest to
 * oldest; 0 ends.
 */
#ifndef PS_PAY_RECORD_H
#define PS_PAY_RECORD_H

#include "pay/command.h"
#include "pay/effect.h"
#include "pay/id.h"

enum {
    PS_RECORD_TYPE_COMMAND = 1, /* ps_record.type of the journal: a payload as here */
    PS_RECORD_VERSION = 1,
    PS_RECORD_SIZE_MAX = 96 * 1024 /* bytes: what the core may need for one command */
};

typedef struct {
    uint8_t version;      /* 0 */
    uint8_t command;      /* 1: ps_command_kind */
    uint16_t http_status; /* 2: of the reply */
    uint16_t refusal;     /* 4: ps_refusal; 0: done */
    /* 6: ps_id_kind of the object that the reply shows; 0: none or an account */
    uint8_t subject_kind;
    uint8_t reserved0;
    uint32_t book;         /* 8 */
    uint32_t key;          /* 12: API key number: who (audit) */
    int64_t time_ns;       /* 16: journal time: strictly increasing */
    ps_u128 idempotency;   /* 24: 0: none */
    ps_u128 fingerprint;   /* 40 */
    ps_u128 request_id;    /* 56 */
    uint8_t address[16];   /* 72: where from (audit) */
    uint64_t subject;      /* 88: number of that object, or account number */
    int64_t detail;        /* 96: of a refusal */
    uint32_t effect_count; /* 104 */
    uint32_t size;         /* 108: of the whole payload */
} ps_record_header;
_Static_assert(sizeof(ps_record_header) == 112, "record header");

/* Texts: after the head, `count` times {u8 field, u8 reserved 0, u16 size, bytes}, then zeros to a
 * multiple of 8. Empty ones are left out. */
typedef enum {
    PS_TEXT_MERCHANT = 1,
    PS_TEXT_PAYER,
    PS_TEXT_TOKEN,
    PS_TEXT_BIN,
    PS_TEXT_LAST4,
    PS_TEXT_EXP,
    PS_TEXT_CARD_COUNTRY,
    PS_TEXT_REFERENCE,
    PS_TEXT_DESCRIPTION,
    PS_TEXT_METADATA,
    PS_TEXT_IP,
    PS_TEXT_DEVICE,
    PS_TEXT_EMAIL,
    PS_TEXT_COUNTRY,
    PS_TEXT_CHANNEL,
    PS_TEXT_USER_AGENT,
    PS_TEXT_CLIENT_ID,
    PS_TEXT_REASON,
    PS_TEXT_RAIL_REFERENCE,
    PS_TEXT_DEBIT,
    PS_TEXT_CREDIT,
    PS_TEXT_PAYMENT_ID,
    PS_TEXT_KIND,
    PS_TEXT_ENTITY,
    PS_TEXT_DATA,
    PS_TEXT_NAME,
    PS_TEXT_TENANT,
    PS_TEXT_DECLINE_CODE,
    PS_TEXT_FIELD_COUNT
} ps_text_field;

typedef struct {
    ps_effect_head head;
    uint32_t count;
    uint32_t size; /* bytes of the fields that follow, without the padding */
} ps_effect_texts;

/* ── reading ── */

/* Walks the effects of a payload: checks form only. For bytes whose checksum held, a false from
 * `check` is damage that the writer made. */
/* whole form: versions, sizes, alignment, reserved, counts */
PS_CHECKED bool ps_record_check(ps_slice payload);
static inline const ps_record_header *ps_record_head(ps_slice payload)
{
    return (const ps_record_header *)(const void *)payload.data;
}
/* NULL after the last: `for (const ps_effect_head *e = ps_effect_first(p); e != NULL; e =
 * ps_effect_next(p, e))`. */
const ps_effect_head *ps_effect_first(ps_slice payload);
const ps_effect_head *ps_effect_next(ps_slice payload, const ps_effect_head *effect);
/* The texts that belong to `effect` (the TEXTS effect right after it), or NULL. */
const ps_effect_texts *ps_effect_texts_of(ps_slice payload, const ps_effect_head *effect);
/* Empty when the field is not there. */
ps_slice ps_texts_get(const ps_effect_texts *texts, ps_text_field field);

#endif
