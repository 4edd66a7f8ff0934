/* Second pass: the canonical text along the field table of the route, into slots. */
#include "base/time.h"
#include "serve/decode_internal.h"

/* ── one value ── */

bool ps_text_is_name(ps_slice text, size_t size_max)
{
    if (text.size == 0 || text.size > size_max) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        char lower = (char)(c | 0x20);
        bool is_legal = (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z') || c == '_' ||
                        c == '.' || c == ':' || c == '-';
        if (!is_legal) {
            return false;
        }
    }
    return true;
}

static inline bool word_is(const char *word, ps_slice text)
{
    return text.size > 0 && word[0] == text.data[0] && strncmp(word, text.data, text.size) == 0 &&
           word[text.size] == 0;
}

/* −1: not one of them. */
static int64_t word_find(const char *const *words, ps_slice text)
{
    for (int64_t i = 0; words[i] != NULL; i++) {
        if (word_is(words[i], text)) {
            return i;
        }
    }
    return -1;
}

static bool is_digits(ps_slice text, int64_t size_min, int64_t size_max)
{
    if ((int64_t)text.size < size_min || (int64_t)text.size > size_max) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return true;
}

static bool is_month(ps_slice text)
{
    if (text.size != 7 || text.data[4] != '-' || !is_digits(ps_slice_of(text.data, 4), 4, 4) ||
        !is_digits(ps_slice_of(text.data + 5, 2), 2, 2)) {
        return false;
    }
    int month = (text.data[5] - '0') * 10 + (text.data[6] - '0');
    return month >= 1 && month <= 12;
}

static bool is_id(const ps_field *field, ps_slice text)
{
    ps_slice prefix = ps_slice_text(field->words[0]);
    return ps_slice_has_prefix(text, prefix) && text.size > prefix.size &&
           ps_text_is_name(text, field->size_max);
}

/* Integer forms of a text: an index, a currency, a time. False: not a value of this type. */
static bool text_parse(const ps_field *field, ps_slice text, int64_t *out_integer)
{
    switch (field->type) {
    case PS_FIELD_TEXT:
        /* an optional text that is empty is as good as none */
        return text.size <= field->size_max && (text.size > 0 || !field->required);
    case PS_FIELD_NAME:
        return ps_text_is_name(text, field->size_max);
    case PS_FIELD_ID:
        return is_id(field, text);
    case PS_FIELD_DIGITS:
        return is_digits(text, field->min, field->max);
    case PS_FIELD_MONTH:
        return is_month(text);
    case PS_FIELD_CURSOR:
        return text.size > 0;
    case PS_FIELD_TIME:
        return ps_time_parse(text, out_integer);
    case PS_FIELD_ENUM:
        *out_integer = word_find(field->words, text);
        return *out_integer >= 0;
    case PS_FIELD_CURRENCY: {
        ps_currency currency;
        bool is_known = ps_currency_parse(text, &currency);
        *out_integer = is_known ? currency : 0;
        return is_known;
    }
    case PS_FIELD_AMOUNT:
    case PS_FIELD_INTEGER:
    case PS_FIELD_BOOL:
    case PS_FIELD_ENUM_LIST:
    case PS_FIELD_OBJECT:
    case PS_FIELD_MAP:
    case PS_FIELD_ANY:
        break;
    }
    return false;
}

bool ps_decode_text(ps_decoder *decoder, const ps_field *field, ps_slice text)
{
    int64_t integer = 0;
    if (!text_parse(field, text, &integer)) {
        return false;
    }
    ps_slot_set(decoder, field, (ps_slot_value){text, integer});
    return true;
}

bool ps_decode_integer(ps_decoder *decoder, const ps_field *field, ps_slice text)
{
    int64_t integer;
    if (!ps_json_integer(text, &integer) || integer < field->min || integer > field->max) {
        return false;
    }
    ps_slot_set(decoder, field, (ps_slot_value){.integer = integer});
    return true;
}

/* ── the walk ── */

enum { LEVELS_MAX = 4 };

typedef struct {
    ps_decoder *decoder;
    ps_api_error *error;
    int depth; /* of the newest level; −1: none */
    struct {
        const ps_field *field; /* the OBJECT; NULL: the body */
        const ps_field *fields;
    } levels[LEVELS_MAX];
} field_walk;

/* "instrument.token" */
static void param_format(const field_walk *walk, ps_slice name, char param[80])
{
    param[0] = 0;
    for (int i = 1; i <= walk->depth; i++) {
        ps_param_append(param, ps_slice_text(walk->levels[i].field->name));
        ps_param_append(param, PS_SLICE("."));
    }
    ps_param_append(param, name);
}

static bool refuse_field(const field_walk *walk, const ps_field *field)
{
    char param[80];
    param_format(walk, ps_slice_text(field->name), param);
    return ps_api_refuse_field(walk->error, field, param);
}

static const ps_field *field_find(const field_walk *walk, ps_slice key)
{
    const ps_field *fields = walk->levels[walk->depth].fields;
    for (const ps_field *field = fields; field != NULL && field->name != NULL; field++) {
        if (word_is(field->name, key)) {
            return field;
        }
    }
    return NULL;
}

/* An escaped string of canonical text, as the text it stands for. */
static ps_slice string_take(ps_slice value)
{
    if (value.size > 0 && memchr(value.data, '\\', value.size) != NULL) {
        char *text = (char *)(uintptr_t)value.data; /* into decoder->body, which is ours */
        value.size = ps_json_unescape(text, value.size);
    }
    return value;
}

static bool list_take(field_walk *walk, const ps_field *field)
{
    ps_json_reader *reader = &walk->decoder->reader;
    int64_t set = 0;
    for (;;) {
        ps_json_token token = ps_json_reader_next(reader);
        if (token == PS_JSON_ARRAY_END) {
            break;
        }
        int64_t index = token == PS_JSON_STRING ? word_find(field->words, reader->value) : -1;
        if (index < 0 || (set >> index & 1) != 0) {
            return refuse_field(walk, field);
        }
        set |= INT64_C(1) << index;
    }
    if (set == 0 && field->required) {
        return refuse_field(walk, field);
    }
    ps_slot_set(walk->decoder, field, (ps_slot_value){.integer = set});
    return true;
}

/* Members: text to text, within the limits of metadata. */
static bool map_is_legal(ps_json_reader *reader, ps_slice span)
{
    ps_json_reader_begin_canonical(reader, (char *)(uintptr_t)span.data, span.size);
    if (ps_json_reader_next(reader) != PS_JSON_OBJECT_BEGIN) {
        return false;
    }
    for (int count = 0;; count++) {
        ps_json_token token = ps_json_reader_next(reader);
        if (token == PS_JSON_OBJECT_END) {
            return true;
        }
        size_t key_size = ps_json_unescaped_size(reader->value);
        if (count == PS_METADATA_KEYS_MAX || key_size == 0 || key_size > PS_METADATA_KEY_MAX) {
            return false;
        }
        token = ps_json_reader_next(reader);
        if (token != PS_JSON_STRING ||
            ps_json_unescaped_size(reader->value) > PS_METADATA_VALUE_MAX) {
            return false;
        }
    }
}

/* MAP and ANY keep their text as it stands. */
static bool span_take(field_walk *walk, const ps_field *field)
{
    ps_slice span;
    bool is_whole = ps_json_reader_skip(&walk->decoder->reader, &span);
    PS_ASSERT(is_whole); /* canonical text is well-formed */
    if (ps_slice_equal(span, PS_SLICE("null"))) {
        return true;
    }
    bool is_legal = field->type == PS_FIELD_MAP ? map_is_legal(&walk->decoder->map_reader, span)
                                                : span.size <= field->size_max;
    if (!is_legal) {
        return refuse_field(walk, field);
    }
    ps_slot_set(walk->decoder, field, (ps_slot_value){.text = span});
    return true;
}

static void level_push(field_walk *walk, const ps_field *field, const ps_field *fields)
{
    PS_ASSERT(walk->depth + 1 < LEVELS_MAX);
    walk->depth++;
    walk->levels[walk->depth].field = field;
    walk->levels[walk->depth].fields = fields;
}

static bool value_take(field_walk *walk, const ps_field *field, ps_json_token token)
{
    ps_decoder *decoder = walk->decoder;
    ps_slice value = decoder->reader.value;
    bool is_number_field;
    switch (token) {
    case PS_JSON_NULL:
        return true; /* as if it were not there; a required one is found missing */
    case PS_JSON_STRING:
        return ps_decode_text(decoder, field, string_take(value)) || refuse_field(walk, field);
    case PS_JSON_NUMBER:
        is_number_field = field->type == PS_FIELD_AMOUNT || field->type == PS_FIELD_INTEGER;
        return (is_number_field && ps_decode_integer(decoder, field, value)) ||
               refuse_field(walk, field);
    case PS_JSON_TRUE:
    case PS_JSON_FALSE:
        if (field->type != PS_FIELD_BOOL) {
            return refuse_field(walk, field);
        }
        ps_slot_set(decoder, field, (ps_slot_value){.integer = token == PS_JSON_TRUE});
        return true;
    case PS_JSON_ARRAY_BEGIN:
        return field->type == PS_FIELD_ENUM_LIST ? list_take(walk, field)
                                                 : refuse_field(walk, field);
    case PS_JSON_OBJECT_BEGIN:
        if (field->type != PS_FIELD_OBJECT) {
            return refuse_field(walk, field);
        }
        ps_slot_set(decoder, field, (ps_slot_value){.integer = 1});
        level_push(walk, field, field->fields);
        return true;
    case PS_JSON_FAILED:
    case PS_JSON_END:
    case PS_JSON_OBJECT_END:
    case PS_JSON_ARRAY_END:
    case PS_JSON_KEY:
        break;
    }
    PS_ASSERT(token == PS_JSON_NULL); /* canonical text has a value after a key */
    return false;
}

static bool member_take(field_walk *walk, ps_slice key)
{
    const ps_field *field = key.size > 0 ? field_find(walk, key) : NULL;
    if (field == NULL) {
        char param[80];
        param_format(walk, string_take(key), param);
        return ps_api_refuse(walk->error, "parameter_unknown", param,
                             "There is no field %s here; /openapi.json has those there are.",
                             param);
    }
    if (field->type == PS_FIELD_MAP || field->type == PS_FIELD_ANY) {
        return span_take(walk, field);
    }
    return value_take(walk, field, ps_json_reader_next(&walk->decoder->reader));
}

static bool required_check(const field_walk *walk)
{
    const ps_field *fields = walk->levels[walk->depth].fields;
    for (const ps_field *field = fields; field != NULL && field->name != NULL; field++) {
        if (field->required && !ps_slot_has(walk->decoder, (ps_slot)field->slot)) {
            char param[80];
            param_format(walk, ps_slice_text(field->name), param);
            return ps_api_refuse(walk->error, "parameter_missing", param, "The field %s is needed.",
                                 param);
        }
    }
    return true;
}

bool ps_decode_fields(ps_decoder *decoder, const ps_field *fields, ps_api_error *error)
{
    field_walk walk = {.decoder = decoder, .error = error, .depth = -1};
    ps_json_reader *reader = &decoder->reader;
    ps_json_reader_begin_canonical(reader, decoder->body.data, decoder->body.size);
    if (ps_json_reader_next(reader) != PS_JSON_OBJECT_BEGIN) {
        return ps_api_refuse(error, "parameter_invalid", NULL, "The body must be a JSON object.");
    }
    level_push(&walk, NULL, fields);
    while (walk.depth >= 0) {
        ps_json_token token = ps_json_reader_next(reader);
        if (token == PS_JSON_OBJECT_END) {
            if (!required_check(&walk)) {
                return false;
            }
            walk.depth--;
        } else if (token != PS_JSON_KEY || !member_take(&walk, reader->value)) {
            PS_ASSERT(token == PS_JSON_KEY);
            return false;
        }
    }
    return true;
}
