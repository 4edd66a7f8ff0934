/* The fields of each effect, described: what `dump` prints and docs/formats.md lists. One table, so
 * that neither can drift from the structs: effect_fields_test compares the sums of the sizes with
 * sizeof.
 */
#ifndef PS_PAY_EFFECT_FIELDS_H
#define PS_PAY_EFFECT_FIELDS_H

#include "pay/record.h"

typedef enum {
    PS_SHOW_U8,
    PS_SHOW_U16,
    PS_SHOW_U32,
    PS_SHOW_U64,
    PS_SHOW_I64,
    PS_SHOW_NUMBER32, /* u32, PS_INDEX_NONE shown as null */
    PS_SHOW_TIME,     /* i64 ns, 0 shown as null */
    PS_SHOW_U128,     /* 32 hex digits */
    PS_SHOW_CURRENCY, /* u16 */
    PS_SHOW_NAME,     /* u8 through `name` */
    PS_SHOW_TEXT,     /* zero-padded bytes of `size` */
    PS_SHOW_HIDDEN    /* reserved, secret, or a length: skipped */
} ps_show;

typedef struct {
    const char *name;
    uint16_t offset;
    uint16_t size; /* bytes */
    ps_show show;
    const char *(*word)(uint8_t value); /* NAME */
} ps_effect_field;

typedef struct {
    const char *name;              /* "payment" */
    uint16_t size;                 /* of the fixed struct, with the head */
    const ps_effect_field *fields; /* ended by a NULL name */
} ps_effect_description;

/* NULL for a type that is not one. */
const ps_effect_description *ps_effect_describe(ps_effect_type type);
const char *ps_command_name(ps_command_kind command); /* "payment.create" */
const char *ps_text_field_name(ps_text_field field);  /* "merchant" */

/* Appends one JSON object for a record: seq first, then the header, then all effects. Objects show
 * the id that the API knows them by; a payment with a client's own id shows it in its first effect.
 * `instance`: the journal's. */
void ps_record_dump(ps_u128 instance, uint64_t seq, ps_slice payload, ps_buf *out);

#endif
