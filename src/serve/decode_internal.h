/* What the files of decode share: the decoder, its slots, and how a refusal is written.
 *
 * A body is decoded in two passes. The first (decode_body.c) reads the client's text: JSON errors,
 * card numbers and secrets are found before anything else is said about it, and its canonical form
 * is made, whose hash is the fingerprint. The second (decode_field.c) walks the canonical text
 * along the field table of the route and fills slots; all slices of a command point into it.
 */
#ifndef PS_SERVE_DECODE_INTERNAL_H
#define PS_SERVE_DECODE_INTERNAL_H

#include "data/json_canonical.h"
#include "serve/api.h"
#include "serve/route.h"
#include "serve/route_slot.h"

typedef struct {
    ps_slice text;   /* strings; canonical JSON for MAP and ANY */
    int64_t integer; /* numbers; 0 or 1; index of a word, set of words; ns; currency */
} ps_slot_value;

typedef struct {
    ps_slice key, value;
} ps_text_pair;

struct ps_decoder {
    ps_json_reader reader;
    ps_json_reader map_reader; /* a MAP inside of what `reader` reads */
    ps_json_canonical canonical;
    ps_buf body;   /* canonical text: of the body, or of the metadata filter of a query */
    ps_buf path;   /* input of the idempotency hash */
    ps_buf query;  /* percent-decoded query string */
    uint64_t seen; /* one bit per slot that has a value */
    ps_slot_value slots[PS_SLOT_COUNT];
    ps_payment_request payment;
    ps_text_pair filters[PS_METADATA_KEYS_MAX]; /* metadata[k]=v */
    size_t filter_count;
};

/* ── refusals; all return false, so that a caller can `return ps_api_refuse(…)` ── */

/* 400 of type invalid_request_error. `param` may be NULL; cut to what fits, at a character. */
bool ps_api_refuse(ps_api_error *error, const char *code, const char *param, const char *format,
                   ...) PS_PRINTF(4, 5);
bool ps_api_refuse_card(ps_api_error *error, const char *param);
/* `field` with what it must be. */
bool ps_api_refuse_field(ps_api_error *error, const ps_field *field, const char *param);
/* Appends text to a zero-terminated param of 80 bytes, cut at a character. */
void ps_param_append(char param[80], ps_slice text);

/* ── slots ── */

static inline bool ps_slot_has(const ps_decoder *decoder, ps_slot slot)
{
    return (decoder->seen >> slot & 1) != 0;
}
static inline ps_slice ps_slot_text(const ps_decoder *decoder, ps_slot slot)
{
    return ps_slot_has(decoder, slot) ? decoder->slots[slot].text : (ps_slice){NULL, 0};
}
static inline int64_t ps_slot_integer(const ps_decoder *decoder, ps_slot slot, int64_t otherwise)
{
    return ps_slot_has(decoder, slot) ? decoder->slots[slot].integer : otherwise;
}
static inline void ps_slot_set(ps_decoder *decoder, const ps_field *field, ps_slot_value value)
{
    decoder->slots[field->slot] = value;
    decoder->seen |= UINT64_C(1) << field->slot;
}

/* ── passes ── */

/* What a batch line says besides its command's own fields. */
typedef struct {
    ps_slice op, key;
    ps_slice payment, transfer;
    bool has_op, has_key;
} ps_batch_head;

/* Reads a body into decoder->body. With `head`, a batch line: takes `op` and `key` out and calls
 * back for the id member to take out before the outer object ends. */
typedef bool (*ps_batch_head_done)(void *context, const ps_batch_head *head,
                                   const char **out_id_member, ps_api_error *error);
typedef struct {
    ps_batch_head *head; /* NULL: a single body */
    ps_batch_head_done done;
    void *context;
} ps_body_options;
PS_CHECKED bool ps_decode_body(ps_decoder *decoder, char *text, size_t size,
                               const ps_body_options *options, ps_api_error *error);

/* Walks decoder->body along `fields` (NULL: none is known) into the slots. */
PS_CHECKED bool ps_decode_fields(ps_decoder *decoder, const ps_field *fields, ps_api_error *error);

/* A text, or an integer, for one field, from JSON or a query string. False: not one of its type, or
 * out of range: ps_api_refuse_field says so. */
PS_CHECKED bool ps_decode_text(ps_decoder *decoder, const ps_field *field, ps_slice text);
PS_CHECKED bool ps_decode_integer(ps_decoder *decoder, const ps_field *field, ps_slice text);

/* The query string into the slots. */
PS_CHECKED bool ps_decode_parameters(ps_decoder *decoder, const ps_request_context *context,
                                     ps_api_error *error);
/* The {id} or {name} of the path. */
PS_CHECKED bool ps_decode_target(const ps_request_context *context, ps_api_error *error);

/* The command of a route from the slots. */
PS_CHECKED bool ps_decode_command_fill(ps_decoder *decoder, const ps_request_context *context,
                                       ps_command *out_command, ps_api_error *error);
/* Idempotency hash and fingerprint, for context->route, ->id and ->idempotency_key. */
PS_CHECKED bool ps_decode_idempotency(ps_decoder *decoder, const ps_request_context *context,
                                      const char *key_param, ps_command *command,
                                      ps_api_error *error);

bool ps_text_is_name(ps_slice text, size_t size_max);

#endif
