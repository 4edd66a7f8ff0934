/* json, debezium-json and changelog-json: one JSON value per line.
 *
 *   json            {"id":1,"name":"x"}: fields by name
 *   debezium-json   {"before":{…}|null,"after":{…}|null,"op":"c"|"r"|"u"|"d"}: a changelog
 *   changelog-json  {"op":"+I","row":[…]}: what `run --format json` prints, read back
 *
 * Values are taken as the reference implementation takes them: numbers also from strings, BOOLEAN
 * from any text (true or not), STRING also from numbers, objects and arrays (their JSON); integers
 * from fractions by cutting. A missing field is NULL, unless 'json.fail-on-missing-field'. With
 * 'json.ignore-parse-errors' a field that cannot be read is NULL and a line that is no JSON is left
 * out.
 *
 * Speed: keys mostly come in the order of the line before. Each object keeps its last order of keys
 * as the very bytes `"key":`; a key is first compared with the one predicted there, and only when
 * that fails is it parsed and looked up. Values of the plainest forms are taken at once; these two
 * may read beyond the line, but not beyond the data: nothing that they accept holds a line's end.
 */
#include "data/codec_json.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "data/json_reader.h"
#include "data/json_scan.h"

enum { DEPTH_MAX = 64, PREDICTED_MAX = 64, NO_LEAF = -1 };
enum { PREDICTED_KEY_MAX = 3 * PS_JSON_BLOCK, PLAIN_ROOM = 2 * PS_JSON_BLOCK };

/* ── the tree of what is read ── */

typedef struct json_object json_object;

typedef struct {
    ps_slice name;
    int32_t leaf;        /* NO_LEAF: only fields inside are read */
    json_object *object; /* fields inside that are leaves; NULL: none */
    bool is_text;        /* the leaf takes a string as it is */
    bool is_integer;
} json_field;

typedef struct {
    char text[PREDICTED_KEY_MAX]; /* "key": */
    uint32_t size;
    uint32_t last_block;     /* where the key's last block begins */
    uint32_t last_mask;      /* the key's bytes in it */
    uint32_t value_size;     /* of the last plain string there, at most PLAIN_ROOM - 1 */
    const json_field *field; /* NULL: nobody reads it */
} predicted_key;

struct json_object {
    uint32_t field_count;
    json_field *fields;
    uint32_t predicted_count;
    predicted_key predicted[PREDICTED_MAX];
};

typedef enum { PLAIN, DEBEZIUM, CHANGELOG } json_flavour;

typedef struct {
    ps_row_decoder base;
    json_flavour flavour;
    bool fails_on_missing;
    ps_schema physical;
    ps_leaf_columns leaves;
    const ps_leaf *leaf_specs;
    json_object *root;
    json_field **by_column; /* the root's field of each physical column; NULL: not read */
    uint64_t *seen;         /* a bit per leaf, of the row under way */
    uint32_t seen_count;
} json_decoder;

/* A line under way: [at, end). */
typedef struct {
    json_decoder *self;
    const char *at, *end;
    const char *limit; /* bytes before it may be read, if only to be refused */
    uint32_t row;
    ps_bad_record *bad;
    bool is_bad;        /* the line is no JSON: no row */
    bool has_bad_field; /* a field could not be read: the row stays in ignore mode */
} line;

static void tell(line *l, const char *reason)
{
    if (!l->is_bad && !l->has_bad_field) {
        snprintf(l->bad->reason, sizeof l->bad->reason, "%s", reason);
    }
}

static bool no_json(line *l, const char *reason)
{
    tell(l, reason);
    l->is_bad = true;
    return false;
}

static inline void skip_blanks(line *l)
{
    while (l->at < l->end && (*l->at == ' ' || *l->at == '\t' || *l->at == '\r')) {
        l->at++;
    }
}

static inline bool take_char(line *l, char c)
{
    if (l->at < l->end && *l->at == c) {
        l->at++;
        return true;
    }
    skip_blanks(l);
    if (l->at < l->end && *l->at == c) {
        l->at++;
        return true;
    }
    return false;
}

/* ── tokens ── */

/* A string from its opening quote; *out is what lies between the quotes, still escaped. */
static bool scan_string(line *l, ps_slice *out, ps_json_string_kind *out_kind)
{
    const char *next = ps_json_string_scan(l->at, l->end, out, out_kind);
    if (next == NULL) {
        return no_json(l, "a string is not closed, or holds a control character");
    }
    l->at = next;
    return true;
}

/* The string's value: borrowed, or unescaped into the batch's text. */
static bool take_string(line *l, ps_slice *out)
{
    ps_json_string_kind kind;
    return scan_string(l, out, &kind) &&
           (ps_json_string_value(&l->self->leaves.text, kind, out) ||
            no_json(l, "a string holds a bad escape or bytes that are not UTF-8"));
}

/* A number, true, false or null. */
static bool scan_word(line *l, ps_slice *out)
{
    const char *begin = l->at;
    while (l->at < l->end && *l->at != ',' && *l->at != '}' && *l->at != ']' && *l->at != ' ' &&
           *l->at != '\t' && *l->at != '\r') {
        l->at++;
    }
    *out = ps_slice_of(begin, (size_t)(l->at - begin));
    return out->size > 0 || no_json(l, "a value is missing");
}

static bool is_number(ps_slice word)
{
    char c = word.data[0];
    return c == '-' || (c >= '0' && c <= '9');
}

static bool is_word(ps_slice word)
{
    return is_number(word) || ps_slice_equal(word, PS_SLICE("true")) ||
           ps_slice_equal(word, PS_SLICE("false")) || ps_slice_equal(word, PS_SLICE("null"));
}

/* An object or array without a look at what is inside but strings and brackets. */
static bool skip_nested(line *l)
{
    char closing[DEPTH_MAX];
    uint32_t depth = 0;
    do {
        if (l->at >= l->end) {
            return no_json(l, "the line ends inside an object or array");
        }
        char c = *l->at;
        if (c == '"') {
            ps_slice text;
            ps_json_string_kind kind;
            if (!scan_string(l, &text, &kind)) {
                return false;
            }
            continue;
        }
        if (c == '{' || c == '[') {
            if (depth == DEPTH_MAX) {
                return no_json(l, "objects are nested too deeply");
            }
            closing[depth++] = c == '{' ? '}' : ']';
        } else if (c == '}' || c == ']') {
            if (closing[depth - 1] != c) {
                return no_json(l, "brackets do not match");
            }
            depth--;
        }
        l->at++;
    } while (depth > 0);
    return true;
}

static bool skip_value(line *l)
{
    skip_blanks(l);
    if (l->at >= l->end) {
        return no_json(l, "a value is missing");
    }
    ps_slice text;
    ps_json_string_kind kind;
    switch (*l->at) {
    case '"':
        return scan_string(l, &text, &kind);
    case '{':
    case '[':
        return skip_nested(l);
    default:
        return scan_word(l, &text) && (is_word(text) || no_json(l, "a value is no JSON"));
    }
}

/* ── values of leaves ── */

static void bad_field(line *l, uint32_t leaf, ps_slice text)
{
    json_decoder *self = l->self;
    char reason[sizeof l->bad->reason];
    ps_slice name = self->physical.fields[self->leaf_specs[leaf].column].name;
    ps_field_parse_reason(&self->leaves.parsers[leaf], name, text, reason, sizeof reason);
    tell(l, reason);
    l->has_bad_field = true;
    ps_leaf_columns_set_null(&self->leaves, leaf, l->row);
}

/* Digits before the point: how an integer takes 2.7. */
static ps_slice cut_fraction(ps_slice number)
{
    const char *point = memchr(number.data, '.', number.size);
    return point != NULL ? ps_slice_of(number.data, (size_t)(point - number.data)) : number;
}

static void set_scalar(line *l, uint32_t leaf, ps_slice text, bool is_string)
{
    json_decoder *self = l->self;
    ps_field_parser *parser = &self->leaves.parsers[leaf];
    ps_column *column = &self->leaves.columns[leaf];
    if (ps_field_parse(parser, text, column, l->row)) {
        bool wants_string = ps_type_is_timestamp(parser->type);
        if (is_string || !wants_string) {
            return;
        }
    } else if (parser->type->kind == PS_TYPE_BOOLEAN) {
        column->i64[l->row] = 0; /* whatever is not "true" */
        return;
    } else if (!is_string && ps_type_is_integer(parser->type) &&
               ps_field_parse(parser, cut_fraction(text), column, l->row)) {
        return;
    }
    bad_field(l, leaf, text);
}

/* The JSON of an object or array as text, without the blanks between its tokens. */
static bool set_raw(line *l, uint32_t leaf)
{
    const char *begin = l->at;
    if (!skip_nested(l)) {
        return false;
    }
    ps_slice raw = ps_slice_of(begin, (size_t)(l->at - begin));
    if (!ps_utf8_is_valid(raw)) {
        return no_json(l, "an object or array holds bytes that are not UTF-8");
    }
    if (memchr(raw.data, ' ', raw.size) == NULL && memchr(raw.data, '\t', raw.size) == NULL) {
        return ps_field_parse(&l->self->leaves.parsers[leaf], raw, &l->self->leaves.columns[leaf],
                              l->row);
    }
    char *copy = ps_arena_take(&l->self->leaves.text, raw.size);
    if (copy == NULL) {
        return no_json(l, "a value is too long");
    }
    size_t size = 0;
    bool in_string = false;
    for (size_t i = 0; i < raw.size; i++) {
        char c = raw.data[i];
        if (in_string && c == '\\') {
            copy[size++] = c;
            copy[size++] = raw.data[++i];
            continue;
        }
        in_string = in_string != (c == '"');
        if (in_string || (c != ' ' && c != '\t')) {
            copy[size++] = c;
        }
    }
    return ps_field_parse(&l->self->leaves.parsers[leaf], ps_slice_of(copy, size),
                          &l->self->leaves.columns[leaf], l->row);
}

/* A whole ROW, ARRAY or MAP: as a value, then into the column. */
static bool set_nested(line *l, uint32_t leaf)
{
    json_decoder *self = l->self;
    const ps_type *type = self->leaves.parsers[leaf].type;
    const char *begin = l->at;
    if (!skip_nested(l)) {
        return false;
    }
    ps_json_nested nested = {.text = &self->leaves.text,
                             .standard = self->leaves.parsers[leaf].standard};
    ps_value value;
    ps_slice raw = ps_slice_of(begin, (size_t)(l->at - begin));
    if (!ps_json_nested_parse(&nested, type, raw, &value)) {
        bad_field(l, leaf, raw);
        return true;
    }
    if (value.is_null) {
        ps_leaf_columns_set_null(&self->leaves, leaf, l->row);
    } else {
        self->leaves.columns[leaf].text[l->row] = value.text;
    }
    return true;
}

static bool read_object(line *l, json_object *object, uint32_t depth);

static void mark_seen(line *l, uint32_t leaf)
{
    uint64_t bit = 1ULL << (leaf % 64);
    l->self->seen_count += (l->self->seen[leaf / 64] & bit) == 0;
    l->self->seen[leaf / 64] |= bit;
}

/* A value that is read as a leaf. */
static bool set_leaf(line *l, uint32_t leaf)
{
    mark_seen(l, leaf);
    const ps_type *type = l->self->leaves.parsers[leaf].type;
    ps_slice text;
    switch (*l->at) {
    case '"':
        if (!take_string(l, &text)) {
            return false;
        }
        set_scalar(l, leaf, text, true);
        return true;
    case '{':
    case '[':
        if (ps_type_is_nested(type)) {
            return set_nested(l, leaf);
        }
        if (ps_type_is_text(type)) {
            return set_raw(l, leaf);
        }
        text = ps_slice_of(l->at, 1);
        bad_field(l, leaf, text);
        return skip_nested(l);
    default:
        break;
    }
    if (!scan_word(l, &text)) {
        return false;
    }
    if (ps_slice_equal(text, PS_SLICE("null"))) {
        ps_leaf_columns_set_null(&l->self->leaves, leaf, l->row);
        return true;
    }
    /* other types look closer at what is left of a number */
    if (!(ps_type_is_text(type) ? ps_json_word_is_good(text) : is_word(text))) {
        return no_json(l, "a value is no JSON");
    }
    set_scalar(l, leaf, text, false);
    return true;
}

static bool read_field(line *l, const json_field *field, uint32_t depth)
{
    skip_blanks(l);
    if (field == NULL || l->at >= l->end) {
        return skip_value(l);
    }
    if (field->object != NULL && *l->at == '{') {
        const char *begin = l->at;
        if (!read_object(l, field->object, depth + 1)) {
            return false;
        }
        if (field->leaf == NO_LEAF) {
            return true;
        }
        l->at = begin; /* the whole of it is read too */
    }
    return field->leaf != NO_LEAF ? set_leaf(l, (uint32_t)field->leaf) : skip_value(l);
}

/* ── values as machines write them ── */

static const json_field *leaf_or_none(const json_field *field)
{
    return field != NULL && field->leaf != NO_LEAF ? field : NULL;
}

/* The size of a string of ASCII without escapes, from behind its opening quote, where it is not the
 * one of the line before; `stops` are those of the first blocks. SIZE_MAX: it is another string. */
static size_t plain_size(const line *l, const char *at, uint32_t stops)
{
    if (stops != 0) {
        size_t first = (size_t)__builtin_ctz(stops);
        return at[first] == '"' ? first : SIZE_MAX;
    }
    bool non_ascii = false;
    size_t rest =
        ps_json_scan(at + PS_JSON_BLOCK, (size_t)(l->limit - at) - PS_JSON_BLOCK, &non_ascii);
    const char *end = at + PS_JSON_BLOCK + rest;
    return end < l->limit && *end == '"' && !non_ascii ? (size_t)(end - at) : SIZE_MAX;
}

static inline void put_string(line *l, const json_field *field, ps_slice text)
{
    uint32_t leaf = (uint32_t)field->leaf;
    mark_seen(l, leaf);
    if (field->is_text) {
        l->self->leaves.columns[leaf].text[l->row] = text;
    } else {
        set_scalar(l, leaf, text, true);
    }
}

/* Any other string: it ends before the line does, for no string holds a control character. */
static const char *take_other_string(line *l, const json_field *field, const char *at)
{
    ps_slice text;
    ps_json_string_kind kind;
    const char *next = ps_json_string_scan(at - 1, l->limit, &text, &kind);
    if (next == NULL || field == NULL) {
        return next;
    }
    if (!ps_json_string_value(&l->self->leaves.text, kind, &text)) {
        return NULL;
    }
    put_string(l, field, text);
    return next;
}

/* A string, from behind its opening quote. One of ASCII without escapes is looked at only once. The
 * size of the line before is tried first: where it is right, the CPU goes on with the next field
 * before this one is read. */
static inline const char *take_plain_string(line *l, predicted_key *place, const char *at)
{
    const json_field *field = leaf_or_none(place->field);
    size_t size = place->value_size;
    uint32_t stops = ps_json_stops(at);
    if (size >= PS_JSON_BLOCK) {
        stops |= ps_json_stops(at + PS_JSON_BLOCK) << PS_JSON_BLOCK;
    }
    if ((stops & ((2U << size) - 1)) != 1U << size || at[size] != '"') {
        size = plain_size(l, at, stops);
        if (size == SIZE_MAX) {
            return take_other_string(l, field, at);
        }
        place->value_size = size < PLAIN_ROOM ? (uint32_t)size : PLAIN_ROOM - 1;
    }
    if (field != NULL) {
        put_string(l, field, ps_slice_of(at, size));
    }
    return at + size + 1;
}

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first digit is the lowest byte");

/* How many of eight bytes are digits before the first that is none. */
static inline uint32_t leading_digits(uint64_t text)
{
    const uint64_t high = UINT64_C(0xf0f0f0f0f0f0f0f0), zeros = UINT64_C(0x3030303030303030);
    uint64_t is_off =
        ((text & high) ^ zeros) | (((text & ~high) + UINT64_C(0x0606060606060606)) & high);
    return is_off == 0 ? 8 : (uint32_t)__builtin_ctzll(is_off) / 8;
}

/* The number that the first `count` (1 … 8) bytes say: digits in pairs, fours, eights. */
static inline uint64_t digits_value(uint64_t text, uint32_t count)
{
    uint64_t v = (text & UINT64_C(0x0f0f0f0f0f0f0f0f)) << (8 - count) * 8;
    v = (v * 10 + (v >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
    v = (v * 100 + (v >> 16)) & UINT64_C(0x0000ffff0000ffff);
    return (v * 10000 + (v >> 32)) & UINT64_C(0xffffffff);
}

/* At most 18 digits, for an integer or for nobody. */
static inline const char *take_plain_integer(line *l, const json_field *field, const char *at)
{
    enum { DIGITS_MAX = 18 };
    static const uint64_t powers[] = {1,      10,      100,      1000,     10000,
                                      100000, 1000000, 10000000, 100000000};
    bool is_negative = *at == '-';
    const char *begin = at + (is_negative ? 1 : 0);
    uint64_t digits = 0;
    uint32_t count = 8;
    for (at = begin; count == 8 && at - begin < DIGITS_MAX; at += count) {
        uint64_t text;
        memcpy(&text, at, 8);
        count = leading_digits(text);
        digits = count > 0 ? digits * powers[count] + digits_value(text, count) : digits;
    }
    if (at == begin || at - begin > DIGITS_MAX || (*at != ',' && *at != '}')) {
        return NULL;
    }
    int64_t value = is_negative ? -(int64_t)digits : (int64_t)digits;
    field = leaf_or_none(field);
    if (field != NULL) {
        uint32_t leaf = (uint32_t)field->leaf;
        const ps_field_parser *parser = &l->self->leaves.parsers[leaf];
        if (!field->is_integer || value < parser->min || value > parser->max) {
            return NULL;
        }
        mark_seen(l, leaf);
        l->self->leaves.columns[leaf].i64[l->row] = value;
    }
    return at;
}

/* The value at `at` when it is a plain string, an integer or null, with the same effect as
 * read_field; the place behind it. NULL: it is something else, and nothing was done. PLAIN_ROOM + 2
 * bytes can be read there. */
static inline const char *take_plain(line *l, predicted_key *place, const char *at)
{
    const json_field *field = place->field;
    at += *at == ' ' ? 1 : 0;
    if (*at == '"') {
        return take_plain_string(l, place, at + 1);
    }
    if (memcmp(at, "null", 4) == 0 && (at[4] == ',' || at[4] == '}')) {
        field = leaf_or_none(field);
        if (field != NULL) {
            mark_seen(l, (uint32_t)field->leaf);
            ps_leaf_columns_set_null(&l->self->leaves, (uint32_t)field->leaf, l->row);
        }
        return at + 4;
    }
    return take_plain_integer(l, field, at);
}

/* ── objects ── */

static void predict(predicted_key *predicted, ps_slice key, const json_field *field)
{
    uint32_t size = (uint32_t)key.size;
    *predicted = (predicted_key){.size = size, .field = field};
    memcpy(predicted->text, key.data, size);
    predicted->last_block = (size - 1) / PS_JSON_BLOCK * PS_JSON_BLOCK;
    predicted->last_mask = (2U << (size - 1 - predicted->last_block)) - 1;
}

static inline bool is_predicted(const predicted_key *predicted, const char *at)
{
    uint32_t last = predicted->last_block, differences = 0;
    for (uint32_t i = 0; i < last; i += PS_JSON_BLOCK) {
        differences |= ps_json_differences(predicted->text + i, at + i);
    }
    differences |= ps_json_differences(predicted->text + last, at + last) & predicted->last_mask;
    return differences == 0;
}

/* The key at l->at, by parsing; learns it as the prediction of its place. */
static bool learn_key(line *l, json_object *object, uint32_t place, const json_field **out)
{
    skip_blanks(l);
    const char *begin = l->at;
    ps_slice key;
    if (l->at >= l->end || *l->at != '"' || !take_string(l, &key)) {
        return no_json(l, "a key is missing in an object");
    }
    if (!take_char(l, ':')) {
        return no_json(l, "a colon is missing behind a key");
    }
    *out = NULL;
    for (uint32_t i = 0; i < object->field_count; i++) {
        if (ps_slice_equal(object->fields[i].name, key)) {
            *out = &object->fields[i];
            break;
        }
    }
    size_t size = (size_t)(l->at - begin);
    if (place < PREDICTED_MAX && place <= object->predicted_count && size <= PREDICTED_KEY_MAX) {
        predict(&object->predicted[place], ps_slice_of(begin, size), *out);
        object->predicted_count += place == object->predicted_count;
    }
    return true;
}

static inline bool take_key(line *l, json_object *object, uint32_t place, const json_field **out)
{
    if (place < object->predicted_count && l->limit - l->at >= PREDICTED_KEY_MAX) {
        const predicted_key *predicted = &object->predicted[place];
        if (is_predicted(predicted, l->at)) {
            l->at += predicted->size;
            *out = predicted->field;
            return true;
        }
    }
    return learn_key(l, object, place, out);
}

/* Members from that place on as long as keys are as predicted and values plain, each with the comma
 * behind it. Returns the place of the first one that is not so; *out_is_end: there is none, the
 * closing brace is behind. */
static uint32_t read_plain_members(line *l, json_object *object, uint32_t place, bool *out_is_end)
{
    const char *at = l->at;
    for (; place < object->predicted_count; place++) {
        predicted_key *predicted = &object->predicted[place];
        if (l->limit - at < PREDICTED_KEY_MAX + PLAIN_ROOM + 2 || !is_predicted(predicted, at)) {
            break;
        }
        const char *next = take_plain(l, predicted, at + predicted->size);
        if (next == NULL || next + 1 >= l->limit || (*next != ',' && *next != '}')) {
            break;
        }
        at = next + 1;
        if (*next == '}') {
            *out_is_end = true;
            break;
        }
        at += *at == ' ' ? 1 : 0;
    }
    l->at = at;
    return place;
}

/* From its opening brace. */
static bool read_object(line *l, json_object *object, uint32_t depth)
{
    if (depth > DEPTH_MAX) {
        return no_json(l, "objects are nested too deeply");
    }
    l->at++;
    if (take_char(l, '}')) {
        return true;
    }
    for (uint32_t place = 0;; place++) {
        bool is_end = false;
        place = read_plain_members(l, object, place, &is_end);
        if (is_end) {
            return true;
        }
        const json_field *field;
        if (!take_key(l, object, place, &field) || !read_field(l, field, depth)) {
            return false;
        }
        if (take_char(l, ',')) {
            skip_blanks(l);
            continue;
        }
        return take_char(l, '}') || no_json(l, "a comma or } is missing in an object");
    }
}

/* Leaves that the row did not have. */
static void finish_row(line *l)
{
    json_decoder *self = l->self;
    for (uint32_t leaf = 0;
         self->seen_count < self->leaves.leaf_count && leaf < self->leaves.leaf_count; leaf++) {
        if ((self->seen[leaf / 64] >> (leaf % 64) & 1) != 0) {
            continue;
        }
        ps_leaf_columns_set_null(&self->leaves, leaf, l->row);
        if (self->fails_on_missing) {
            char reason[sizeof l->bad->reason];
            ps_slice name = self->physical.fields[self->leaf_specs[leaf].column].name;
            snprintf(reason, sizeof reason, "column %.*s: the field is missing", (int)name.size,
                     name.data);
            tell(l, reason);
            l->has_bad_field = true;
        }
    }
}

static void begin_row(json_decoder *self)
{
    memset(self->seen, 0, ps_valid_words(self->leaves.leaf_count + 1) * sizeof *self->seen);
    self->seen_count = 0;
}

/* One row from the object at l->at. */
static bool read_row(line *l)
{
    begin_row(l->self);
    skip_blanks(l);
    if (l->at >= l->end || *l->at != '{') {
        return no_json(l, "the line is no JSON object");
    }
    if (!read_object(l, l->self->root, 0)) {
        return false;
    }
    finish_row(l);
    return true;
}

/* One row from the array at l->at, by position. */
static bool read_array_row(line *l)
{
    json_decoder *self = l->self;
    begin_row(self);
    if (!take_char(l, '[')) {
        return no_json(l, "\"row\" is no array");
    }
    for (uint32_t i = 0; i < self->physical.field_count; i++) {
        if (i > 0 && !take_char(l, ',')) {
            return no_json(l, "\"row\" has too few values");
        }
        if (!read_field(l, self->by_column[i], 0)) {
            return false;
        }
    }
    if (!take_char(l, ']')) {
        return no_json(l, "\"row\" has too many values");
    }
    finish_row(l);
    return true;
}

/* ── lines ── */

static bool ends_well(line *l)
{
    skip_blanks(l);
    return l->at == l->end || no_json(l, "there is more behind the JSON object");
}

/* The members of an envelope: spans of the values, or NULL data when absent. */
static bool read_envelope(line *l, const char *const *names, uint32_t count, ps_slice *out)
{
    if (!take_char(l, '{')) {
        return no_json(l, "the line is no JSON object");
    }
    memset(out, 0, count * sizeof *out);
    if (take_char(l, '}')) {
        return true;
    }
    do {
        skip_blanks(l);
        ps_slice key;
        if (l->at >= l->end || *l->at != '"' || !take_string(l, &key) || !take_char(l, ':')) {
            return no_json(l, "a key is missing in an object");
        }
        skip_blanks(l);
        const char *begin = l->at;
        if (!skip_value(l)) {
            return false;
        }
        for (uint32_t i = 0; i < count; i++) {
            if (ps_slice_equal(key, ps_slice_text(names[i]))) {
                out[i] = ps_slice_of(begin, (size_t)(l->at - begin));
            }
        }
    } while (take_char(l, ','));
    return take_char(l, '}') || no_json(l, "a comma or } is missing in an object");
}

static bool read_part(line *l, ps_slice part, ps_kind kind)
{
    line inner = *l;
    inner.at = part.data;
    inner.end = part.data + part.size;
    if (part.data == NULL || part.data[0] != '{') {
        return no_json(l, "\"before\" or \"after\" is missing for this \"op\"");
    }
    bool is_good = read_row(&inner);
    l->is_bad = inner.is_bad;
    l->has_bad_field = inner.has_bad_field;
    if (is_good) {
        l->self->leaves.kinds[l->row] = (uint8_t)kind;
        l->row++;
    }
    return is_good;
}

static bool read_debezium(line *l)
{
    static const char *const names[] = {"before", "after", "op", "payload"};
    ps_slice parts[4];
    if (!read_envelope(l, names, 4, parts) || !ends_well(l)) {
        return false;
    }
    if (parts[3].data != NULL && parts[2].data == NULL) {
        line inner = *l; /* with schema: the envelope is one level down */
        inner.at = parts[3].data;
        inner.end = parts[3].data + parts[3].size;
        if (!read_envelope(&inner, names, 3, parts)) {
            return no_json(l, "\"payload\" is no change record");
        }
    }
    ps_slice op = parts[2];
    if (ps_slice_equal(op, PS_SLICE("\"c\"")) || ps_slice_equal(op, PS_SLICE("\"r\""))) {
        return read_part(l, parts[1], PS_KIND_INSERT);
    }
    if (ps_slice_equal(op, PS_SLICE("\"u\""))) {
        return read_part(l, parts[0], PS_KIND_UPDATE_BEFORE) &&
               read_part(l, parts[1], PS_KIND_UPDATE_AFTER);
    }
    if (ps_slice_equal(op, PS_SLICE("\"d\""))) {
        return read_part(l, parts[0], PS_KIND_DELETE);
    }
    return no_json(l, "\"op\" is none of c, r, u, d");
}

static bool read_changelog(line *l)
{
    static const char *const names[] = {"op", "row"};
    ps_slice parts[2];
    if (!read_envelope(l, names, 2, parts) || !ends_well(l)) {
        return false;
    }
    if (parts[1].data == NULL) {
        return no_json(l, "\"row\" is missing");
    }
    for (ps_kind kind = PS_KIND_INSERT; kind <= PS_KIND_DELETE; kind++) {
        if (parts[0].size == 4 && memcmp(parts[0].data + 1, ps_kind_text(kind), 2) == 0) {
            line inner = *l;
            inner.at = parts[1].data;
            inner.end = parts[1].data + parts[1].size;
            bool is_good = read_array_row(&inner);
            l->is_bad = inner.is_bad;
            l->has_bad_field = inner.has_bad_field;
            l->self->leaves.kinds[l->row] = (uint8_t)kind;
            l->row += is_good ? 1 : 0;
            return is_good;
        }
    }
    return no_json(l, "\"op\" is none of +I, -U, +U, -D");
}

/* The rows of a line; l->row is then behind them. */
static bool read_line(line *l)
{
    switch (l->self->flavour) {
    case PLAIN:
        if (!read_row(l) || !ends_well(l)) {
            return false;
        }
        l->row++;
        return true;
    case DEBEZIUM:
        return read_debezium(l);
    case CHANGELOG:
        return read_changelog(l);
    }
    return false;
}

static bool is_blank(const char *from, const char *to)
{
    while (from < to && (*from == ' ' || *from == '\t' || *from == '\r')) {
        from++;
    }
    return from == to;
}

static ps_code decode(ps_row_decoder *decoder, const char *data, size_t size, bool is_whole,
                      uint32_t rows_max, ps_decoded *out, ps_error *err)
{
    (void)err;
    json_decoder *self = (json_decoder *)decoder;
    ps_leaf_columns_reset(&self->leaves);
    uint32_t rows_per_line = self->flavour == DEBEZIUM ? 2 : 1;
    line l = {.self = self, .limit = data + size, .bad = &out->bad};
    size_t at = 0;
    bool stops = false;
    while (l.row + rows_per_line <= rows_max && at < size && !stops) {
        const char *line_end = memchr(data + at, '\n', size - at);
        if (line_end == NULL && !is_whole) {
            break;
        }
        const char *end = line_end != NULL ? line_end : data + size;
        l.at = data + at;
        l.end = end;
        uint32_t first_row = l.row;
        bool is_good = is_blank(l.at, end) || read_line(&l);
        if (!is_good || l.has_bad_field) {
            stops = true;
            out->has_bad = true;
            out->bad.offset = at;
            out->bad.size = (size_t)(end - data) - at;
            bool is_kept = is_good && self->base.ignores_errors;
            l.row = is_kept ? l.row : first_row;
        }
        at = (size_t)(end - data) + (line_end != NULL ? 1 : 0);
        out->lines++;
    }
    out->consumed = at;
    ps_leaf_columns_finish(&self->leaves, l.row, &out->batch);
    out->batch.kinds = self->flavour != PLAIN ? self->leaves.kinds : NULL;
    return PS_OK;
}

/* ── building ── */

static json_object *new_object(json_decoder *self, uint32_t fields_max)
{
    json_object *object = ps_arena_take(&self->base.memory, sizeof *object);
    if (object != NULL) {
        object->fields = ps_arena_take(&self->base.memory, fields_max * sizeof *object->fields);
    }
    return object != NULL && object->fields != NULL ? object : NULL;
}

/* The field of that name, added when it is not there. */
static json_field *field_named(json_object *object, ps_slice name)
{
    for (uint32_t i = 0; i < object->field_count; i++) {
        if (ps_slice_equal(object->fields[i].name, name)) {
            return &object->fields[i];
        }
    }
    json_field *field = &object->fields[object->field_count++];
    *field = (json_field){.name = name, .leaf = NO_LEAF};
    return field;
}

static bool add_leaf(json_decoder *self, const ps_leaf *leaf, uint32_t number, uint32_t leaf_count)
{
    const ps_field *column = &self->physical.fields[leaf->column];
    json_field *field = field_named(self->root, column->name);
    const ps_type *type = column->type;
    for (uint32_t i = 0; i < leaf->depth; i++) {
        if (field->object == NULL) {
            field->object = new_object(self, leaf_count);
            if (field->object == NULL) {
                return false;
            }
        }
        field = field_named(field->object, type->field_names[leaf->fields[i]]);
        type = type->children[leaf->fields[i]];
    }
    field->leaf = (int32_t)number;
    field->is_text = type->kind == PS_TYPE_CHAR || type->kind == PS_TYPE_VARCHAR;
    field->is_integer = ps_type_is_integer(type);
    return true;
}

static void release_decoder(ps_row_decoder *decoder)
{
    json_decoder *self = (json_decoder *)decoder;
    ps_leaf_columns_release(&self->leaves);
}

static ps_code build_tree(json_decoder *self, const ps_format_table *table, ps_error *err)
{
    uint32_t column_count = table->physical.field_count;
    self->root = new_object(self, table->leaf_count + 1);
    self->seen = ps_arena_take(&self->base.memory, ps_valid_words(table->leaf_count + 1) * 8);
    self->by_column = ps_arena_take(&self->base.memory, column_count * sizeof *self->by_column);
    bool is_good = self->root != NULL && self->seen != NULL && self->by_column != NULL;
    for (uint32_t i = 0; is_good && i < table->leaf_count; i++) {
        is_good = add_leaf(self, &table->leaves[i], i, table->leaf_count);
    }
    for (uint32_t i = 0; is_good && i < table->leaf_count; i++) {
        uint32_t column = table->leaves[i].column;
        self->by_column[column] = field_named(self->root, table->physical.fields[column].name);
    }
    return is_good ? PS_OK : ps_error_set(err, PS_E_MEMORY, "no memory for a json decoder");
}

static ps_code new_decoder_of(const ps_format_table *table, json_flavour flavour,
                              const char *prefix, ps_row_decoder **out, ps_error *err)
{
    json_decoder *self = ps_row_decoder_take(sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a json decoder");
    }
    self->base.decode = decode;
    self->base.release = release_decoder;
    self->flavour = flavour;
    self->physical = table->physical;
    self->leaf_specs = table->leaves;
    char key[80];
    ps_timestamp_standard standard = PS_TIMESTAMP_SQL;
    snprintf(key, sizeof key, "%s.ignore-parse-errors", prefix);
    ps_code code = ps_format_option_bool(table, key, &self->base.ignores_errors, err);
    if (code == PS_OK) {
        snprintf(key, sizeof key, "%s.fail-on-missing-field", prefix);
        code = ps_format_option_bool(table, key, &self->fails_on_missing, err);
    }
    if (code == PS_OK) {
        snprintf(key, sizeof key, "%s.timestamp-format.standard", prefix);
        code = ps_format_option_standard(table, key, &standard, err);
    }
    if (code == PS_OK && self->fails_on_missing && self->base.ignores_errors) {
        code = ps_error_set(err, PS_E_INVALID,
                            "%s.fail-on-missing-field and %s.ignore-parse-errors cannot both be "
                            "true",
                            prefix, prefix);
    }
    if (code == PS_OK) {
        code = ps_leaf_columns_init(&self->leaves, table, standard, err);
    }
    if (code == PS_OK) {
        code = build_tree(self, table, err);
    }
    if (code != PS_OK) {
        ps_row_decoder_free(&self->base);
        return code;
    }
    *out = &self->base;
    return PS_OK;
}

static ps_code new_json(const ps_format_table *table, ps_row_decoder **out, ps_error *err)
{
    return new_decoder_of(table, PLAIN, "json", out, err);
}

static ps_code new_debezium(const ps_format_table *table, ps_row_decoder **out, ps_error *err)
{
    return new_decoder_of(table, DEBEZIUM, "debezium-json", out, err);
}

static ps_code new_changelog(const ps_format_table *table, ps_row_decoder **out, ps_error *err)
{
    return new_decoder_of(table, CHANGELOG, "changelog-json", out, err);
}

static const char *const json_options[] = {
    "json.ignore-parse-errors",       "json.fail-on-missing-field",
    "json.timestamp-format.standard", "json.encode.decimal-as-plain-number",
    "json.encode.ignore-null-fields", NULL,
};
static const char *const debezium_options[] = {
    "debezium-json.ignore-parse-errors",
    "debezium-json.timestamp-format.standard",
    "debezium-json.schema-include",
    NULL,
};
static const char *const changelog_options[] = {
    "changelog-json.ignore-parse-errors",
    "changelog-json.timestamp-format.standard",
    "changelog-json.upsert",
    NULL,
};

const ps_format ps_format_json = {
    .name = "json",
    .summary = "an object per line, fields by name",
    .option_names = json_options,
    .new_decoder = new_json,
    .new_encoder = ps_json_encoder_new,
};
const ps_format ps_format_debezium_json = {
    .name = "debezium-json",
    .summary = "change records with before, after and op",
    .is_changelog = true,
    .option_names = debezium_options,
    .new_decoder = new_debezium,
    .new_encoder = ps_debezium_encoder_new,
};
const ps_format ps_format_changelog_json = {
    .name = "changelog-json",
    .summary = "what `run --format json` prints: op and row",
    .is_changelog = true,
    .option_names = changelog_options,
    .new_decoder = new_changelog,
    .new_encoder = ps_changelog_encoder_new,
};
