/* The halves of the JSON formats. Inside data only. */
#ifndef PS_DATA_CODEC_JSON_H
#define PS_DATA_CODEC_JSON_H

#include "data/row.h"
#include "data/row_format_internal.h"

/* ── codec_json_nested.c: ROW, ARRAY and MAP values ── */
typedef struct {
    ps_arena *text; /* where values are made */
    ps_timestamp_standard standard;
} ps_json_nested;

/* A string from its opening quote at `at`: *out is what lies between the quotes; the place behind
 * the closing quote, NULL when there is none before `end` or a control character stands inside. */
typedef enum {
    PS_JSON_PLAIN_ASCII = 0,
    PS_JSON_ESCAPED = 1,
    PS_JSON_NON_ASCII = 2
} ps_json_string_kind;
const char *ps_json_string_scan(const char *at, const char *end, ps_slice *out,
                                ps_json_string_kind *out_kind);
/* From what lies between the quotes to the value: borrowed, or unescaped into the arena. False: a
 * bad escape, bad UTF-8, or no memory. */
PS_CHECKED bool ps_json_string_value(ps_arena *text, ps_json_string_kind kind, ps_slice *inout);
/* A number as JSON writes it, true, false or null. */
PS_CHECKED bool ps_json_word_is_good(ps_slice word);

/* A JSON value as a value of any type; false: it is none. */
PS_CHECKED bool ps_json_nested_parse(const ps_json_nested *nested, const ps_type *type,
                                     ps_slice json, ps_value *out);

/* ── codec_json_write.c ── */
PS_CHECKED ps_code ps_json_encoder_new(const ps_format_table *table, ps_row_encoder **out,
                                       ps_error *err);
PS_CHECKED ps_code ps_debezium_encoder_new(const ps_format_table *table, ps_row_encoder **out,
                                           ps_error *err);
PS_CHECKED ps_code ps_changelog_encoder_new(const ps_format_table *table, ps_row_encoder **out,
                                            ps_error *err);

#endif
