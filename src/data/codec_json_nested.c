/* Strings, and ROW, ARRAY and MAP values of the JSON formats. */
#include <string.h>

#include "data/codec_json.h"
#include "data/json_reader.h"
#include "data/json_scan.h"

enum { CHILDREN_MAX = 1 << 20, DEPTH_MAX = 64 };

const char *ps_json_string_scan(const char *at, const char *end, ps_slice *out,
                                ps_json_string_kind *out_kind)
{
    const char *begin = at + 1;
    bool non_ascii = false, is_escaped = false;
    at = begin;
    for (;;) {
        at += ps_json_scan(at, (size_t)(end - at), &non_ascii);
        if (at >= end) {
            return NULL;
        }
        if (*at == '"') {
            break;
        }
        if (*at != '\\' || at + 1 >= end) {
            return NULL;
        }
        is_escaped = true;
        at += 2;
    }
    *out = ps_slice_of(begin, (size_t)(at - begin));
    *out_kind = (ps_json_string_kind)((is_escaped ? PS_JSON_ESCAPED : 0) |
                                      (non_ascii ? PS_JSON_NON_ASCII : 0));
    return at + 1;
}

bool ps_json_string_value(ps_arena *text, ps_json_string_kind kind, ps_slice *inout)
{
    if (kind == PS_JSON_PLAIN_ASCII) {
        return true;
    }
    if ((kind & PS_JSON_ESCAPED) != 0) {
        char *copy = ps_arena_copy(text, inout->data, inout->size);
        size_t size = inout->size;
        if (copy == NULL || !ps_json_unescape_checked(copy, &size)) {
            return false;
        }
        *inout = ps_slice_of(copy, size);
    }
    /* escapes give whole characters */
    return (kind & PS_JSON_NON_ASCII) == 0 || ps_utf8_is_valid(*inout);
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9') {
        at++;
    }
    return at;
}

static bool is_number(const char *at, const char *end)
{
    at += at < end && *at == '-' ? 1 : 0;
    const char *digits = at;
    at = skip_digits(at, end);
    if (at == digits || (*digits == '0' && at - digits > 1)) {
        return false;
    }
    if (at < end && *at == '.') {
        digits = ++at;
        at = skip_digits(at, end);
        if (at == digits) {
            return false;
        }
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < end && (*at == '+' || *at == '-') ? 1 : 0;
        digits = at;
        at = skip_digits(at, end);
        if (at == digits) {
            return false;
        }
    }
    return at == end;
}

bool ps_json_word_is_good(ps_slice word)
{
    return is_number(word.data, word.data + word.size) || ps_slice_equal(word, PS_SLICE("true")) ||
           ps_slice_equal(word, PS_SLICE("false")) || ps_slice_equal(word, PS_SLICE("null"));
}

/* ── nested values ── */

typedef struct {
    const ps_json_nested *nested;
    const char *at, *end;
    uint32_t depth;
} cursor;

static bool parse_value(cursor *c, const ps_type *type, ps_value *out);

static void skip_blanks(cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\r')) {
        c->at++;
    }
}

static bool take_char(cursor *c, char wanted)
{
    skip_blanks(c);
    if (c->at < c->end && *c->at == wanted) {
        c->at++;
        return true;
    }
    return false;
}

static bool take_string(cursor *c, ps_slice *out)
{
    skip_blanks(c);
    ps_json_string_kind kind;
    const char *next =
        c->at < c->end && *c->at == '"' ? ps_json_string_scan(c->at, c->end, out, &kind) : NULL;
    if (next == NULL) {
        return false;
    }
    c->at = next;
    return ps_json_string_value(c->nested->text, kind, out);
}

static bool take_word(cursor *c, ps_slice *out)
{
    const char *begin = c->at;
    while (c->at < c->end && strchr(",}] \t\r", *c->at) == NULL) {
        c->at++;
    }
    *out = ps_slice_of(begin, (size_t)(c->at - begin));
    return out->size > 0;
}

static bool parse_scalar(cursor *c, const ps_type *type, ps_value *out)
{
    ps_slice text;
    bool is_string = *c->at == '"';
    if (is_string ? !take_string(c, &text) : !take_word(c, &text)) {
        return false;
    }
    if (!is_string && ps_slice_equal(text, PS_SLICE("null"))) {
        *out = (ps_value){.is_null = true};
        return true;
    }
    if (!is_string && ps_type_is_text(type) && !ps_json_word_is_good(text)) {
        return false;
    }
    ps_field_parser parser;
    ps_field_parser_init(&parser, type, c->nested->standard);
    *out = (ps_value){0};
    ps_column column = {.values = &out->i64};
    _Static_assert(offsetof(ps_value, i64) == offsetof(ps_value, text), "one place for all");
    return ps_field_parse(&parser, text, &column, 0);
}

/* The children of an object or array under construction. */
typedef struct {
    ps_value *values;
    uint32_t count, capacity;
} children;

static ps_value *add_child(cursor *c, children *list)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity == 0 ? 8 : list->capacity * 2;
        ps_value *larger = capacity <= CHILDREN_MAX
                               ? ps_arena_take(c->nested->text, capacity * sizeof *larger)
                               : NULL;
        if (larger == NULL) {
            return NULL;
        }
        if (list->count > 0) {
            memcpy(larger, list->values, list->count * sizeof *larger);
        }
        list->values = larger;
        list->capacity = capacity;
    }
    return &list->values[list->count++];
}

static bool parse_array(cursor *c, const ps_type *type, children *list)
{
    if (!take_char(c, '[')) {
        return false;
    }
    if (take_char(c, ']')) {
        return true;
    }
    do {
        ps_value *child = add_child(c, list);
        if (child == NULL || !parse_value(c, type->children[0], child)) {
            return false;
        }
    } while (take_char(c, ','));
    return take_char(c, ']');
}

/* As text of the key's type. */
static bool parse_key(const cursor *c, const ps_type *type, ps_slice key, ps_value *out)
{
    ps_field_parser parser;
    ps_field_parser_init(&parser, type, c->nested->standard);
    *out = (ps_value){0};
    ps_column column = {.values = &out->i64};
    return ps_field_parse(&parser, key, &column, 0);
}

static bool parse_map(cursor *c, const ps_type *type, children *list)
{
    if (!take_char(c, '{')) {
        return false;
    }
    if (take_char(c, '}')) {
        return true;
    }
    do {
        ps_slice key;
        ps_value *child = add_child(c, list);
        if (child == NULL || !take_string(c, &key) || !take_char(c, ':') ||
            !parse_key(c, type->children[0], key, child)) {
            return false;
        }
        child = add_child(c, list);
        if (child == NULL || !parse_value(c, type->children[1], child)) {
            return false;
        }
    } while (take_char(c, ','));
    return take_char(c, '}');
}

static bool skip_any(cursor *c)
{
    uint32_t depth = 0;
    skip_blanks(c);
    do {
        ps_slice text;
        if (c->at >= c->end) {
            return false;
        }
        if (*c->at == '"') {
            if (!take_string(c, &text)) {
                return false;
            }
        } else if (*c->at == '{' || *c->at == '[') {
            depth++;
            c->at++;
        } else if (*c->at == '}' || *c->at == ']') {
            depth -= depth > 0 ? 1 : 0;
            c->at++;
        } else if (depth == 0) {
            return take_word(c, &text);
        } else {
            c->at++;
        }
    } while (depth > 0);
    return true;
}

static bool parse_row(cursor *c, const ps_type *type, children *list)
{
    for (uint32_t i = 0; i < type->child_count; i++) {
        ps_value *child = add_child(c, list);
        if (child == NULL) {
            return false;
        }
        child->is_null = true;
    }
    if (!take_char(c, '{')) {
        return false;
    }
    if (take_char(c, '}')) {
        return true;
    }
    do {
        ps_slice key;
        if (!take_string(c, &key) || !take_char(c, ':')) {
            return false;
        }
        uint32_t field = 0;
        while (field < type->child_count && !ps_slice_equal(type->field_names[field], key)) {
            field++;
        }
        bool is_good = field < type->child_count
                           ? parse_value(c, type->children[field], &list->values[field])
                           : skip_any(c);
        if (!is_good) {
            return false;
        }
    } while (take_char(c, ','));
    return take_char(c, '}');
}

static bool parse_value(cursor *c, const ps_type *type, ps_value *out)
{
    skip_blanks(c);
    if (c->at >= c->end || c->depth > DEPTH_MAX) {
        return false;
    }
    bool is_open = *c->at == '{' || *c->at == '[';
    if (!ps_type_is_nested(type) && is_open && ps_type_is_text(type)) {
        const char *begin = c->at;
        bool is_good = skip_any(c);
        *out = (ps_value){.text = ps_slice_of(begin, (size_t)(c->at - begin))};
        return is_good && ps_utf8_is_valid(out->text);
    }
    if (!ps_type_is_nested(type) || !is_open) {
        ps_slice word;
        if (ps_type_is_nested(type)) {
            *out = (ps_value){.is_null = true};
            return take_word(c, &word) && ps_slice_equal(word, PS_SLICE("null"));
        }
        return parse_scalar(c, type, out);
    }
    children list = {0};
    c->depth++;
    bool is_good = type->kind == PS_TYPE_ROW     ? parse_row(c, type, &list)
                   : type->kind == PS_TYPE_ARRAY ? parse_array(c, type, &list)
                                                 : parse_map(c, type, &list);
    c->depth--;
    if (!is_good) {
        return false;
    }
    ps_slice made = ps_nested_make(type, list.count, list.values, c->nested->text);
    *out = (ps_value){.text = made};
    return made.data != NULL;
}

bool ps_json_nested_parse(const ps_json_nested *nested, const ps_type *type, ps_slice json,
                          ps_value *out)
{
    cursor c = {.nested = nested, .at = json.data, .end = json.data + json.size};
    if (!parse_value(&c, type, out)) {
        return false;
    }
    skip_blanks(&c);
    return c.at == c.end;
}
