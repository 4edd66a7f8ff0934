/* Text forms of values (data/value.h). */
#include <math.h>

#include "data/datetime.h"
#include "data/decimal.h"
#include "data/json_writer.h"
#include "data/row.h"

/* ── bytes ── */

static void print_base64(ps_slice bytes, ps_buf *out)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        uint32_t group = 0;
        for (size_t k = 0; k < 3; k++) {
            group = group << 8 | (k < left ? (unsigned char)bytes.data[i + k] : 0);
        }
        char quad[4];
        for (size_t k = 0; k < 4; k++) {
            quad[k] = k <= left ? letters[group >> (18 - 6 * k) & 63] : '=';
        }
        ps_buf_append(out, quad, sizeof quad);
    }
}

/* Of the character that starts there; 0: not UTF-8. */
static size_t character_size(const char *at, size_t left)
{
    for (size_t size = 1; size <= 4 && size <= left; size++) {
        if (ps_utf8_is_valid((ps_slice){at, size})) {
            return size;
        }
    }
    return 0;
}

/* Bytes as text: what is not UTF-8 becomes U+FFFD, so that a STRING never holds anything else. */
static void print_as_utf8(ps_slice bytes, ps_buf *out)
{
    if (ps_utf8_is_valid(bytes)) {
        ps_buf_append_slice(out, bytes);
        return;
    }
    for (size_t i = 0; i < bytes.size;) {
        size_t size = character_size(bytes.data + i, bytes.size - i);
        if (size == 0) {
            ps_buf_append_text(out, "\xEF\xBF\xBD");
            i++;
        } else {
            ps_buf_append(out, bytes.data + i, size);
            i += size;
        }
    }
}

/* Java prints a byte[] as signed numbers. */
static void print_signed_bytes(ps_slice bytes, ps_buf *out)
{
    ps_buf_append_char(out, '[');
    for (size_t i = 0; i < bytes.size; i++) {
        ps_buf_append_text(out, i > 0 ? ", " : "");
        ps_buf_append_i64(out, (int8_t)bytes.data[i]);
    }
    ps_buf_append_char(out, ']');
}

static void print_bytes(ps_slice bytes, ps_form form, ps_buf *out)
{
    switch (form) {
    case PS_FORM_JSON:
        ps_buf_append_char(out, '"');
        print_base64(bytes, out);
        ps_buf_append_char(out, '"');
        break;
    case PS_FORM_PLAIN:
        print_as_utf8(bytes, out);
        break;
    case PS_FORM_FLINK:
        print_signed_bytes(bytes, out);
        break;
    }
}

/* ── times ── */

/* Java's toString: no seconds when they are zero (but for instants), a fraction of 3, 6 or 9. */
static void print_java_time(const ps_civil *civil, bool with_seconds, ps_buf *out)
{
    ps_buf_append_format(out, "%02d:%02d", (int)civil->hour, (int)civil->minute);
    if (with_seconds || civil->second != 0 || civil->nanosecond != 0) {
        ps_buf_append_format(out, ":%02d", (int)civil->second);
    }
    if (civil->nanosecond == 0) {
        return;
    }
    if (civil->nanosecond % 1000000 == 0) {
        ps_buf_append_format(out, ".%03d", (int)(civil->nanosecond / 1000000));
    } else if (civil->nanosecond % 1000 == 0) {
        ps_buf_append_format(out, ".%06d", (int)(civil->nanosecond / 1000));
    } else {
        ps_buf_append_format(out, ".%09d", (int)civil->nanosecond);
    }
}

static void print_java_timestamp(const ps_type *type, int64_t ticks, ps_buf *out)
{
    int64_t ticks_per_second = ps_type_ticks_per_second(type);
    bool is_instant = type->kind == PS_TYPE_TIMESTAMP_LTZ;
    ps_civil civil;
    ps_civil_from_ticks(ticks, ticks_per_second, &civil);
    ps_date_print(ps_days_from_civil(civil.year, civil.month, civil.day), out);
    ps_buf_append_char(out, 'T');
    print_java_time(&civil, is_instant, out);
    ps_buf_append_text(out, is_instant ? "Z" : "");
}

static void print_timestamp(const ps_type *type, int64_t ticks, ps_form form, ps_buf *out)
{
    if (form == PS_FORM_FLINK) {
        print_java_timestamp(type, ticks, out);
        return;
    }
    ps_timestamp_print(ticks, ps_type_ticks_per_second(type), type->precision, ' ', out);
    if (form == PS_FORM_JSON && type->kind == PS_TYPE_TIMESTAMP_LTZ) {
        ps_buf_append_char(out, 'Z');
    }
}

static void print_time(const ps_type *type, int64_t ms, ps_form form, ps_buf *out)
{
    if (form == PS_FORM_FLINK) {
        ps_civil civil;
        ps_civil_from_ticks(ms, 1000, &civil);
        print_java_time(&civil, false, out);
    } else {
        ps_time_print(ms, type->precision, out);
    }
}

static void print_date_or_time(const ps_type *type, int64_t value, ps_form form, ps_buf *out)
{
    const char *quote = form == PS_FORM_JSON ? "\"" : "";
    ps_buf_append_text(out, quote);
    if (type->kind == PS_TYPE_DATE) {
        ps_date_print(value, out);
    } else if (type->kind == PS_TYPE_TIME) {
        print_time(type, value, form, out);
    } else {
        print_timestamp(type, value, form, out);
    }
    ps_buf_append_text(out, quote);
}

/* Flink's CAST of intervals: "+1-02", "-3 04:05:06.789". */
static void print_interval(const ps_type *type, int64_t value, ps_form form, ps_buf *out)
{
    if (form != PS_FORM_PLAIN) {
        ps_buf_append_i64(out, value);
        return;
    }
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
    ps_buf_append_char(out, value < 0 ? '-' : '+');
    if (type->kind == PS_TYPE_INTERVAL_MONTHS) {
        ps_buf_append_format(out, "%llu-%02d", (unsigned long long)(size / 12), (int)(size % 12));
    } else {
        ps_buf_append_u64(out, size / 86400000);
        ps_buf_append_char(out, ' ');
        ps_time_print((int64_t)(size % 86400000), 3, out);
    }
}

/* ── numbers ── */

static void print_float(const ps_type *type, double value, ps_form form, ps_buf *out)
{
    const char *quote = form == PS_FORM_JSON && !isfinite(value) ? "\"" : "";
    ps_buf_append_text(out, quote);
    if (type->kind == PS_TYPE_FLOAT) {
        ps_float_print((float)value, out);
    } else {
        ps_double_print(value, out);
    }
    ps_buf_append_text(out, quote);
}

static void print_boolean(bool value, ps_form form, ps_buf *out)
{
    if (form == PS_FORM_PLAIN) {
        ps_buf_append_text(out, value ? "TRUE" : "FALSE");
    } else {
        ps_buf_append_text(out, value ? "true" : "false");
    }
}

/* ── nested values ── */

/* The name of a JSON member: text as it is, other keys in their plain form. */
static void print_json_key(const ps_type *type, const ps_value *key, ps_buf *out)
{
    if (ps_type_is_text(type) && !key->is_null) {
        ps_json_append_string(out, key->text);
        return;
    }
    ps_buf plain;
    ps_buf_init(&plain, out->size_max);
    ps_value_print(type, key, PS_FORM_PLAIN, &plain);
    ps_json_append_string(out, ps_buf_slice(&plain));
    out->failed = out->failed || plain.failed;
    ps_buf_release(&plain);
}

typedef struct {
    const char *open, *close, *comma, *equals;
} brackets;

static brackets brackets_of(const ps_type *type, ps_form form)
{
    if (form == PS_FORM_JSON) {
        return type->kind == PS_TYPE_ARRAY ? (brackets){"[", "]", ",", ""}
                                           : (brackets){"{", "}", ",", ":"};
    }
    if (type->kind == PS_TYPE_ROW) {
        return form == PS_FORM_PLAIN ? (brackets){"(", ")", ", ", ""}
                                     : (brackets){"+I[", "]", ", ", ""};
    }
    return type->kind == PS_TYPE_ARRAY ? (brackets){"[", "]", ", ", ""}
                                       : (brackets){"{", "}", ", ", "="};
}

static void print_nested(const ps_type *type, ps_slice value, ps_form form, ps_buf *out)
{
    brackets marks = brackets_of(type, form);
    uint32_t count = ps_nested_child_count(type, value);
    ps_buf_append_text(out, marks.open);
    for (uint32_t i = 0; i < count; i++) {
        const ps_type *child_type = ps_nested_child_type(type, i);
        ps_value child = ps_nested_get(type, value, i);
        bool is_map_value = type->kind == PS_TYPE_MAP && i % 2 == 1;
        ps_buf_append_text(out, is_map_value ? marks.equals : i > 0 ? marks.comma : "");
        if (form == PS_FORM_JSON && type->kind == PS_TYPE_ROW) {
            ps_json_append_string(out, type->field_names[i]);
            ps_buf_append_char(out, ':');
        }
        if (form == PS_FORM_JSON && type->kind == PS_TYPE_MAP && !is_map_value) {
            print_json_key(child_type, &child, out);
        } else {
            ps_value_print(child_type, &child, form, out);
        }
    }
    ps_buf_append_text(out, marks.close);
}

/* ── values ── */

void ps_value_print(const ps_type *type, const ps_value *value, ps_form form, ps_buf *out)
{
    if (value->is_null) {
        ps_buf_append_text(out, form == PS_FORM_PLAIN ? "NULL" : "null");
        return;
    }
    switch (type->kind) {
    case PS_TYPE_NULL:
        PS_ASSERT(false);
    case PS_TYPE_BOOLEAN:
        print_boolean(value->i64 != 0, form, out);
        break;
    case PS_TYPE_TINYINT:
    case PS_TYPE_SMALLINT:
    case PS_TYPE_INT:
    case PS_TYPE_BIGINT:
        ps_buf_append_i64(out, value->i64);
        break;
    case PS_TYPE_FLOAT:
    case PS_TYPE_DOUBLE:
        print_float(type, value->f64, form, out);
        break;
    case PS_TYPE_DECIMAL:
        ps_decimal_print(ps_type_phys(type) == PS_PHYS_I64 ? value->i64 : value->i128, type->scale,
                         out);
        break;
    case PS_TYPE_CHAR:
    case PS_TYPE_VARCHAR:
        if (form == PS_FORM_JSON) {
            ps_json_append_string(out, value->text);
        } else {
            ps_buf_append_slice(out, value->text);
        }
        break;
    case PS_TYPE_BINARY:
    case PS_TYPE_VARBINARY:
        print_bytes(value->text, form, out);
        break;
    case PS_TYPE_DATE:
    case PS_TYPE_TIME:
    case PS_TYPE_TIMESTAMP:
    case PS_TYPE_TIMESTAMP_LTZ:
        print_date_or_time(type, value->i64, form, out);
        break;
    case PS_TYPE_INTERVAL_MONTHS:
    case PS_TYPE_INTERVAL_MS:
        print_interval(type, value->i64, form, out);
        break;
    case PS_TYPE_ROW:
    case PS_TYPE_ARRAY:
    case PS_TYPE_MAP:
        print_nested(type, value->text, form, out);
        break;
    }
}
