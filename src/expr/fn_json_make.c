/* JSON_OBJECT, JSON_ARRAY, JSON_STRING, JSON_QUOTE, JSON_UNQUOTE. */
#include "data/datetime.h"
#include "data/decimal.h"
#include "data/json_writer.h"
#include "data/row.h"
#include "expr/json_tree.h"
#include "expr/kernel.h"
#include "expr/utf8.h"

/* ── a value as JSON ── */

static bool is_json_type(const ps_type *type)
{
    switch (type->kind) {
    case PS_TYPE_DATE:
    case PS_TYPE_TIME:
    case PS_TYPE_INTERVAL_MONTHS:
    case PS_TYPE_INTERVAL_MS:
        return false;
    case PS_TYPE_ROW:
    case PS_TYPE_ARRAY:
    case PS_TYPE_MAP:
        for (uint32_t i = 0; i < type->child_count; i++) {
            if (!is_json_type(type->children[i])) {
                return false;
            }
        }
        return type->kind != PS_TYPE_MAP || ps_type_is_text(type->children[0]);
    default:
        return true;
    }
}

/* ISO 8601, fraction digits as far as they are not zero. */
static void append_time(const ps_type *type, int64_t ticks, ps_buf *out)
{
    ps_buf_append_char(out, '"');
    ps_timestamp_print(ticks, ps_type_ticks_per_second(type), type->precision, 'T', out);
    if (type->precision > 0 && !out->failed) {
        while (out->data[out->size - 1] == '0') {
            out->size--;
        }
        out->size -= out->data[out->size - 1] == '.' ? 1 : 0;
    }
    ps_buf_append_text(out, type->kind == PS_TYPE_TIMESTAMP_LTZ ? "Z\"" : "\"");
}

static void append_number(const ps_type *type, const ps_value *value, ps_buf *out)
{
    enum { NUMBER_MAX = 64 };
    ps_buf text;
    ps_buf_init(&text, NUMBER_MAX);
    if (type->kind == PS_TYPE_FLOAT) {
        ps_float_print((float)value->f64, &text);
    } else {
        ps_double_print(value->f64, &text);
    }
    ps_slice number = ps_buf_slice(&text);
    bool is_number = number.size > 0 && number.data[number.size - 1] <= '9';
    if (is_number) {
        ps_tree_print_number(number, out);
    } else {
        ps_json_append_string(out, number);
    }
    ps_buf_release(&text);
}

static void append_value(ps_arena *arena, const ps_type *type, const ps_value *value, ps_buf *out);

/* Members in order of their keys, as Flink prints objects. */
static void append_nested(ps_arena *arena, const ps_type *type, ps_slice value, ps_buf *out)
{
    uint32_t count = ps_nested_child_count(type, value);
    bool is_array = type->kind == PS_TYPE_ARRAY, is_map = type->kind == PS_TYPE_MAP;
    ps_buf_append_char(out, is_array ? '[' : '{');
    for (uint32_t i = 0; i < count; i++) {
        ps_buf_append_text(out, i > 0 ? "," : "");
        if (!is_array) {
            ps_value key = {.is_null = false};
            if (is_map) {
                key = ps_nested_get(type, value, i++);
            } else {
                key.text = type->field_names[i];
            }
            ps_json_append_string(out, key.text);
            ps_buf_append_char(out, ':');
        }
        ps_value child = ps_nested_get(type, value, i);
        append_value(arena, ps_nested_child_type(type, i), &child, out);
    }
    ps_buf_append_char(out, is_array ? ']' : '}');
}

static void append_value(ps_arena *arena, const ps_type *type, const ps_value *value, ps_buf *out)
{
    if (value->is_null) {
        ps_buf_append_text(out, "null");
        return;
    }
    switch (type->kind) {
    case PS_TYPE_FLOAT:
    case PS_TYPE_DOUBLE:
        append_number(type, value, out);
        return;
    case PS_TYPE_TIMESTAMP:
    case PS_TYPE_TIMESTAMP_LTZ:
        append_time(type, value->i64, out);
        return;
    case PS_TYPE_ROW:
    case PS_TYPE_ARRAY:
    case PS_TYPE_MAP:
        append_nested(arena, type, value->text, out);
        return;
    default:
        ps_value_print(type, value, PS_FORM_JSON, out);
        return;
    }
}

/* ── JSON_OBJECT(on null, key, value, …), JSON_ARRAY(on null, value, …) ── */

static bool is_json_call(const ps_expr *expr)
{
    if (expr->kind != PS_EXPR_CALL) {
        return false;
    }
    const char *name = expr->function->entry.name;
    return strcmp(name, "JSON_OBJECT") == 0 || strcmp(name, "JSON_ARRAY") == 0;
}

/* JSON that such a function made goes in as it is; other texts become strings. */
static void append_argument(ps_call *call, uint32_t index, const ps_value *value, ps_buf *out)
{
    if (!value->is_null && is_json_call(call->step->expr->arguments[index])) {
        ps_buf_append_slice(out, value->text);
    } else {
        append_value(call->run->arena, call->step->types[index], value, out);
    }
}

static bool keeps_nulls(const ps_value *arguments)
{
    return ps_slice_equal(arguments[0].text, PS_SLICE("NULL"));
}

/* Whether the key comes again, or a smaller one that has not been printed. */
static uint32_t next_key(const ps_call *call, const ps_value *arguments, const uint8_t *done)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < call->step->argument_count; i += 2) {
        if (done[i] != 0) {
            continue;
        }
        ps_value key = arguments[i];
        bool better = best == 0 || ps_value_compare(&ps_type_string, &key, &arguments[best]) <= 0;
        best = better ? i : best; /* of equal keys the last */
    }
    return best;
}

static ps_code row_json_object(ps_call *call, const ps_value *arguments, ps_value *out)
{
    uint32_t count = call->step->argument_count;
    uint8_t *done = (uint8_t *)ps_call_take(call, count);
    ps_buf *buf = ps_call_scratch(call);
    if (done == NULL) {
        return PS_E_LIMIT;
    }
    ps_buf_append_char(buf, '{');
    for (uint32_t at = next_key(call, arguments, done); at != 0;
         at = next_key(call, arguments, done)) {
        if (arguments[at].is_null) {
            return ps_error_set(call->run->err, PS_E_INVALID, "JSON_OBJECT: a key is NULL");
        }
        for (uint32_t i = 1; i < count; i += 2) { /* this key is done, wherever it stands */
            done[i] |= ps_slice_equal(arguments[i].text, arguments[at].text) ? 1 : 0;
        }
        if (!arguments[at + 1].is_null || keeps_nulls(arguments)) {
            ps_buf_append_text(buf, buf->size > 1 ? "," : "");
            ps_json_append_string(buf, arguments[at].text);
            ps_buf_append_char(buf, ':');
            append_argument(call, at + 1, &arguments[at + 1], buf);
        }
    }
    ps_buf_append_char(buf, '}');
    return ps_call_finish(call, out);
}

static ps_code row_json_array(ps_call *call, const ps_value *arguments, ps_value *out)
{
    ps_buf *buf = ps_call_scratch(call);
    ps_buf_append_char(buf, '[');
    for (uint32_t i = 1; i < call->step->argument_count; i++) {
        if (!arguments[i].is_null || keeps_nulls(arguments)) {
            ps_buf_append_text(buf, buf->size > 1 ? "," : "");
            append_argument(call, i, &arguments[i], buf);
        }
    }
    ps_buf_append_char(buf, ']');
    return ps_call_finish(call, out);
}

static ps_code not_json(const ps_resolution *r, const ps_type *type)
{
    ps_buf text;
    ps_buf_init(&text, 4096);
    ps_type_print(type, &text);
    ps_code code = ps_error_set(r->err, PS_E_INVALID, "%s: %.*s cannot be converted into JSON",
                                r->function->entry.name, (int)text.size, text.data);
    ps_buf_release(&text);
    return code;
}

static ps_code resolve_json_make(ps_resolution *r)
{
    ps_slice text;
    bool is_object = strcmp(r->function->entry.name, "JSON_OBJECT") == 0;
    if (r->count == 0 || !ps_expr_constant_text(r->arguments[0], &text) ||
        (is_object && r->count % 2 == 0)) {
        return ps_resolution_mismatch(r);
    }
    for (uint32_t i = 1; i < r->count; i++) {
        bool is_key = is_object && i % 2 == 1;
        if (r->arguments[i]->type->kind == PS_TYPE_NULL) {
            ps_code code = ps_resolution_coerce(r, i, &ps_type_string);
            if (code != PS_OK) {
                return code;
            }
        }
        const ps_type *type = r->arguments[i]->type;
        if (is_key ? !ps_type_is_text(type) : !is_json_type(type)) {
            return is_key ? ps_resolution_mismatch(r) : not_json(r, type);
        }
    }
    return ps_resolution_type(r, ps_type_with_nullable(r->context->arena, &ps_type_string, false));
}

/* ── JSON_STRING, JSON_QUOTE, JSON_UNQUOTE ── */

static ps_code row_json_string(ps_call *call, const ps_value *arguments, ps_value *out)
{
    append_value(call->run->arena, call->step->types[0], &arguments[0], ps_call_scratch(call));
    return ps_call_finish(call, out);
}

static ps_code resolve_json_string(ps_resolution *r)
{
    if (r->count != 1) {
        return ps_resolution_mismatch(r);
    }
    const ps_type *type = r->arguments[0]->type;
    if (!is_json_type(type)) {
        return not_json(r, type);
    }
    return ps_resolution_type(
        r, ps_type_with_nullable(r->context->arena, &ps_type_string, type->nullable));
}

static void append_unit(ps_buf *out, uint32_t unit)
{
    ps_buf_append_format(out, "\\u%04x", unit);
}

/* ASCII only; '/' is escaped too. */
static ps_code row_json_quote(ps_call *call, const ps_value *arguments, ps_value *out)
{
    static const char escaped[] = "\"\\/\b\f\n\r\t", names[] = "\"\\/bfnrt";
    ps_slice text = arguments[0].text;
    ps_buf *buf = ps_call_scratch(call);
    ps_buf_append_char(buf, '"');
    for (size_t at = 0, size = 0; at < text.size; at += size) {
        uint32_t c = ps_utf8_get(text, at, &size);
        const char *name = c < 0x80 && c != 0 ? strchr(escaped, (int)c) : NULL;
        if (name != NULL) {
            ps_buf_append_char(buf, '\\');
            ps_buf_append_char(buf, names[name - escaped]);
        } else if (c >= 0x20 && c < 0x7F) {
            ps_buf_append_char(buf, (char)c);
        } else if (c >= 0x10000) {
            append_unit(buf, 0xD800 + ((c - 0x10000) >> 10));
            append_unit(buf, 0xDC00 + ((c - 0x10000) & 0x3FF));
        } else {
            append_unit(buf, c);
        }
    }
    ps_buf_append_char(buf, '"');
    return ps_call_finish(call, out);
}

/* What is no JSON string stays as it is. */
static ps_code row_json_unquote(ps_call *call, const ps_value *arguments, ps_value *out)
{
    ps_slice text = arguments[0].text;
    bool is_quoted = text.size >= 2 && text.data[0] == '"' && text.data[text.size - 1] == '"';
    const ps_tree_node *node = is_quoted ? ps_tree_read(call->run->arena, text) : NULL;
    out->text = node != NULL ? node->text : text;
    return PS_OK;
}

#define JSON(NAME, SIGNATURE, SUMMARY) .entry = {NAME, SIGNATURE, SUMMARY, "JSON", true}

static const ps_function functions[] = {
    {JSON("JSON_OBJECT",
          "JSON_OBJECT([[KEY] STRING VALUE ANY], … [NULL | ABSENT ON NULL]) → STRING",
          "A JSON object of the keys and values; NULL values are kept unless ABSENT is said."),
     .resolve = resolve_json_make, .row = row_json_object,
     .flags = PS_IS_LENIENT | PS_CAN_FAIL | PS_IS_KEPT},
    {JSON("JSON_ARRAY", "JSON_ARRAY(ANY, … [NULL | ABSENT ON NULL]) → STRING",
          "A JSON array of the values; NULL values are left out unless NULL is said."),
     .resolve = resolve_json_make, .row = row_json_array,
     .flags = PS_IS_LENIENT | PS_CAN_FAIL | PS_IS_KEPT},
    {JSON("JSON_STRING", "JSON_STRING(ANY) → STRING", "The value as JSON."),
     .resolve = resolve_json_string, .row = row_json_string, .flags = PS_TAKES_NULL | PS_CAN_FAIL},
    {JSON("JSON_QUOTE", "JSON_QUOTE(STRING) → STRING", "The text as a JSON string in ASCII."),
     .pattern = "s>s", .row = row_json_quote, .flags = PS_CAN_FAIL},
    {JSON("JSON_UNQUOTE", "JSON_UNQUOTE(STRING) → STRING",
          "What a JSON string says; other texts as they are."),
     .pattern = "s>s", .row = row_json_unquote},
};

const ps_function_family ps_family_json_make = {functions, sizeof functions / sizeof functions[0]};
