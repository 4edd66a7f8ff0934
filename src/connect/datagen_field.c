#include "connect/datagen_field.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "connect/table_option.h"
#include "data/decimal.h"
#include "data/field_parse.h"

enum {
    LENGTH_DEFAULT = 100,
    LENGTH_LIMIT = 1 << 20,
    KEY_MAX = 300,
    MONTHS_MAX = 120000,
    DIGITS_PER_WORD = 16,
    MS_PER_DAY = 86400000
};
static const int64_t interval_ms_max = INT64_C(365) * 86400 * 1000 * 10000;

/* ── random numbers: a counter put through a mixer (G. Steele et al., SplitMix, 2014) ── */

static const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15);

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* Word number `index` of the row and column. */
static uint64_t random_word(const ps_datagen_row *row, uint32_t column, uint64_t index)
{
    uint64_t key = mix(row->seed + golden * (column + 1));
    return mix(mix(key + golden * (row->number + 1)) + golden * (index + 1));
}

/* 0 ≤ x < 1 */
static double fraction(uint64_t word)
{
    return (double)(word >> 11) * 0x1.0p-53;
}

/* min … max, both included. */
static ps_i128 in_range(uint64_t high, uint64_t low, ps_i128 min, ps_i128 max)
{
    unsigned __int128 range = (unsigned __int128)max - (unsigned __int128)min + 1;
    if (range <= UINT64_MAX) {
        return min + (ps_i128)(((unsigned __int128)high * range) >> 64);
    }
    unsigned __int128 word = (unsigned __int128)high << 64 | low;
    return min + (ps_i128)(range == 0 ? word : word % range);
}

/* ── what a type takes ── */

static const char *const number_attributes[] = {"kind", "min",       "max", "start",
                                                "end",  "null-rate", NULL};
static const char *const interval_attributes[] = {"kind", "min", "max", "null-rate", NULL};
static const char *const text_attributes[] = {"kind", "length",    "var-len", "start",
                                              "end",  "null-rate", NULL};
static const char *const time_attributes[] = {"kind", "max-past", "null-rate", NULL};
static const char *const plain_attributes[] = {"kind", "null-rate", NULL};

const char *const *ps_datagen_attributes(const ps_type *type)
{
    if (ps_type_is_numeric(type)) {
        return number_attributes;
    }
    if (ps_type_is_text(type) || ps_type_is_bytes(type)) {
        return text_attributes;
    }
    if (ps_type_is_timestamp(type)) {
        return time_attributes;
    }
    if (type->kind == PS_TYPE_INTERVAL_MONTHS || type->kind == PS_TYPE_INTERVAL_MS) {
        return interval_attributes;
    }
    return plain_attributes;
}

static bool is_floating(const ps_type *type)
{
    return type->kind == PS_TYPE_DOUBLE || type->kind == PS_TYPE_FLOAT;
}

/* Of all values of the type. */
static void full_range(ps_datagen_field *field)
{
    const ps_type *type = field->type;
    field->min_f64 = type->kind == PS_TYPE_FLOAT ? -(double)FLT_MAX : -DBL_MAX / 2;
    field->max_f64 = -field->min_f64;
    switch (type->kind) {
    case PS_TYPE_TINYINT:
        field->max = INT8_MAX;
        break;
    case PS_TYPE_SMALLINT:
        field->max = INT16_MAX;
        break;
    case PS_TYPE_INT:
        field->max = INT32_MAX;
        break;
    case PS_TYPE_BIGINT:
        field->max = INT64_MAX;
        break;
    case PS_TYPE_DECIMAL:
        field->max = ps_decimal_power(type->precision) - 1;
        field->min = -field->max;
        return;
    case PS_TYPE_INTERVAL_MONTHS:
        field->max = MONTHS_MAX;
        return;
    case PS_TYPE_INTERVAL_MS:
        field->max = interval_ms_max;
        return;
    case PS_TYPE_NULL:
    case PS_TYPE_BOOLEAN:
    case PS_TYPE_FLOAT:
    case PS_TYPE_DOUBLE:
    case PS_TYPE_CHAR:
    case PS_TYPE_VARCHAR:
    case PS_TYPE_BINARY:
    case PS_TYPE_VARBINARY:
    case PS_TYPE_DATE:
    case PS_TYPE_TIME:
    case PS_TYPE_TIMESTAMP:
    case PS_TYPE_TIMESTAMP_LTZ:
    case PS_TYPE_ROW:
    case PS_TYPE_ARRAY:
    case PS_TYPE_MAP:
        return;
    }
    field->min = -field->max - 1;
}

/* ── options of one field ── */

typedef struct {
    const ps_table_info *table;
    ps_slice column;
    char key[KEY_MAX];
} field_options;

static const char *key_of(field_options *options, const char *attribute)
{
    snprintf(options->key, sizeof options->key, "fields.%.*s.%s", (int)options->column.size,
             options->column.data, attribute);
    return options->key;
}

static ps_code wrong_value(field_options *options, const char *attribute, const char *wanted,
                           ps_error *err)
{
    const ps_slice *value = ps_table_option(options->table, key_of(options, attribute));
    return ps_error_set(err, PS_E_INVALID, "table %.*s: option '%s' is '%.*s', it must be %s",
                        (int)options->table->name.size, options->table->name.data, options->key,
                        (int)(value != NULL ? value->size : 0), value != NULL ? value->data : "",
                        wanted);
}

static ps_code read_kind(field_options *options, ps_datagen_field *field, ps_error *err)
{
    const ps_slice *kind = ps_table_option(options->table, key_of(options, "kind"));
    field->is_sequence = kind != NULL && ps_slice_equal(*kind, PS_SLICE("sequence"));
    if (kind != NULL && !field->is_sequence && !ps_slice_equal(*kind, PS_SLICE("random"))) {
        return wrong_value(options, "kind", "random or sequence", err);
    }
    if (field->is_sequence && !ps_type_is_numeric(field->type) && !ps_type_is_text(field->type)) {
        return wrong_value(options, "kind", "random: only numbers and texts have sequences", err);
    }
    return PS_OK;
}

static ps_code read_sequence(field_options *options, ps_datagen_field *field, ps_error *err)
{
    static const char *const names[] = {"start", "end"};
    int64_t *targets[] = {&field->start, &field->end};
    for (int i = 0; i < 2; i++) {
        ps_slice ignored;
        const char *key = key_of(options, names[i]);
        ps_code code = ps_table_option_text(options->table, key, &ignored, err);
        if (code == PS_OK) {
            code = ps_table_option_integer(options->table, key, 0, -(INT64_C(1) << 62),
                                           INT64_C(1) << 62, targets[i], err);
        }
        if (code != PS_OK) {
            return code;
        }
        if (ps_type_is_integer(field->type) &&
            (*targets[i] < field->min || *targets[i] > field->max)) {
            return wrong_value(options, names[i], "a value of the column's type", err);
        }
        if (field->type->kind == PS_TYPE_DECIMAL &&
            !ps_decimal_fits(*targets[i], field->type->precision - field->type->scale)) {
            return wrong_value(options, names[i], "a value of the column's type", err);
        }
    }
    return field->start <= field->end
               ? PS_OK
               : wrong_value(options, "end", "no smaller than the start", err);
}

/* min or max, where it is given. */
static ps_code read_bound(field_options *options, ps_datagen_field *field, const char *attribute,
                          ps_error *err)
{
    const ps_slice *value = ps_table_option(options->table, key_of(options, attribute));
    if (value == NULL) {
        return PS_OK;
    }
    bool is_min = attribute[1] == 'i';
    bool is_interval = !ps_type_is_numeric(field->type);
    ps_field_parser parser;
    ps_i128 place = 0;
    ps_column column = {.values = &place};
    ps_field_parser_init(&parser, is_interval ? &ps_type_bigint : field->type, PS_TIMESTAMP_SQL);
    if (!ps_field_parse(&parser, *value, &column, 0)) {
        return wrong_value(options, attribute, "a value of the column's type", err);
    }
    if (is_floating(field->type)) {
        *(is_min ? &field->min_f64 : &field->max_f64) = column.f64[0];
        bool is_good = isfinite(column.f64[0]) && fabs(column.f64[0]) <= DBL_MAX / 2;
        return is_good ? PS_OK : wrong_value(options, attribute, "a finite number", err);
    }
    *(is_min ? &field->min : &field->max) =
        field->phys == PS_PHYS_I128 ? column.i128[0] : column.i64[0];
    return PS_OK;
}

static ps_code read_range(field_options *options, ps_datagen_field *field, ps_error *err)
{
    ps_code code = read_bound(options, field, "min", err);
    if (code == PS_OK) {
        code = read_bound(options, field, "max", err);
    }
    if (code != PS_OK) {
        return code;
    }
    bool is_empty =
        is_floating(field->type) ? field->min_f64 > field->max_f64 : field->min > field->max;
    return is_empty ? wrong_value(options, "max", "no smaller than the min", err) : PS_OK;
}

static ps_code read_length(field_options *options, ps_datagen_field *field, ps_error *err)
{
    const ps_type *type = field->type;
    bool is_fixed = type->kind == PS_TYPE_CHAR || type->kind == PS_TYPE_BINARY;
    bool is_sized = type->length < LENGTH_LIMIT;
    int64_t most = is_sized ? type->length : LENGTH_LIMIT;
    int64_t fallback = is_sized ? type->length : LENGTH_DEFAULT;
    int64_t length;
    ps_code code = ps_table_option_integer(options->table, key_of(options, "length"), fallback,
                                           is_fixed ? most : 1, most, &length, err);
    field->length = (uint32_t)length;
    if (code == PS_OK) {
        code = ps_table_option_bool(options->table, key_of(options, "var-len"), false,
                                    &field->has_var_length, err);
    }
    if (code == PS_OK && is_fixed && field->has_var_length) {
        return wrong_value(options, "var-len", "false: the type has one length", err);
    }
    return code;
}

static ps_code read_null_rate(field_options *options, ps_datagen_field *field, ps_error *err)
{
    const ps_slice *value = ps_table_option(options->table, key_of(options, "null-rate"));
    if (value == NULL) {
        return PS_OK;
    }
    if (!ps_double_parse(*value, &field->null_rate) ||
        !(field->null_rate >= 0 && field->null_rate <= 1)) {
        return wrong_value(options, "null-rate", "a number from 0 to 1", err);
    }
    if (field->null_rate > 0 && !field->type->nullable) {
        return wrong_value(options, "null-rate", "0: the column is NOT NULL", err);
    }
    return PS_OK;
}

ps_code ps_datagen_field_read(const ps_table_info *table, uint32_t column, ps_datagen_field *out,
                              ps_error *err)
{
    const ps_field *declared = &table->physical.fields[column];
    field_options options = {.table = table, .column = declared->name};
    if (ps_type_is_nested(declared->type)) {
        return ps_error_set(err, PS_E_UNSUPPORTED,
                            "table %.*s, column %.*s: ROW, ARRAY and MAP columns of datagen "
                            "tables are not supported yet",
                            (int)table->name.size, table->name.data, (int)declared->name.size,
                            declared->name.data);
    }
    *out = (ps_datagen_field){.type = declared->type, .phys = ps_type_phys(declared->type)};
    full_range(out);
    ps_code code = read_kind(&options, out, err);
    if (code == PS_OK && out->is_sequence) {
        code = read_sequence(&options, out, err);
    } else if (code == PS_OK) {
        code = read_range(&options, out, err);
    }
    if (code == PS_OK && out->phys == PS_PHYS_TEXT) {
        code = read_length(&options, out, err);
    }
    if (code == PS_OK && ps_type_is_timestamp(out->type)) {
        code = ps_table_option_duration_ms(table, key_of(&options, "max-past"), 0,
                                           &out->past_max_ms, err);
    }
    return code == PS_OK ? read_null_rate(&options, out, err) : code;
}

uint64_t ps_datagen_field_row_max(const ps_datagen_field *field)
{
    return field->is_sequence ? (uint64_t)field->end - (uint64_t)field->start + 1 : UINT64_MAX;
}

/* ── values ── */

/* Texts are hexadecimal digits, as the reference implementation makes them. */
static void random_text(const ps_datagen_field *field, uint32_t column, const ps_datagen_row *row,
                        ps_buf *text)
{
    static const char hex_digits[] = "0123456789abcdef";
    uint64_t length = field->length;
    if (field->has_var_length) {
        length = 1 + random_word(row, column, 1) % field->length;
    }
    bool is_bytes = ps_type_is_bytes(field->type);
    uint64_t word = 0;
    for (uint64_t i = 0; i < length; i++) {
        uint64_t at = i % (is_bytes ? sizeof word : DIGITS_PER_WORD);
        word = at == 0 ? random_word(row, column, 2 + i) : word;
        char byte = hex_digits[word >> 4 * at & 15];
        if (is_bytes) {
            byte = (char)(word >> 8 * at);
        }
        ps_buf_append_char(text, byte);
    }
}

static int64_t time_value(const ps_datagen_field *field, const ps_datagen_row *row, uint64_t word)
{
    int64_t ms = row->time_ms;
    ms -= (int64_t)in_range(word, 0, 0, field->past_max_ms);
    int64_t day = ms / MS_PER_DAY - (ms % MS_PER_DAY < 0 ? 1 : 0);
    if (field->type->kind == PS_TYPE_DATE) {
        return day;
    }
    if (field->type->kind == PS_TYPE_TIME) {
        return ms - day * MS_PER_DAY;
    }
    return ms * (ps_type_ticks_per_second(field->type) / 1000);
}

static void sequence_value(const ps_datagen_field *field, int64_t number, ps_buf *text,
                           ps_value *out)
{
    if (field->phys == PS_PHYS_TEXT) {
        ps_buf_append_i64(text, number);
        out->text = ps_buf_slice(text);
    } else if (field->phys == PS_PHYS_F64) {
        out->f64 = (double)number;
    } else {
        ps_i128 unscaled = number * ps_decimal_power(field->type->scale);
        if (field->phys == PS_PHYS_I128) {
            out->i128 = unscaled;
        } else {
            out->i64 = (int64_t)unscaled;
        }
    }
}

static void random_value(const ps_datagen_field *field, uint32_t column, const ps_datagen_row *row,
                         ps_buf *text, ps_value *out)
{
    uint64_t word = random_word(row, column, 1);
    const ps_type *type = field->type;
    if (field->phys == PS_PHYS_TEXT) {
        random_text(field, column, row, text);
        out->text = ps_buf_slice(text);
    } else if (is_floating(type)) {
        double value = field->min_f64 + fraction(word) * (field->max_f64 - field->min_f64);
        out->f64 = type->kind == PS_TYPE_FLOAT ? (double)(float)value : value;
    } else if (type->kind == PS_TYPE_BOOLEAN) {
        out->i64 = (int64_t)(word >> 63);
    } else if (ps_type_is_timestamp(type) || type->kind == PS_TYPE_DATE ||
               type->kind == PS_TYPE_TIME) {
        out->i64 = time_value(field, row, word);
    } else if (field->phys == PS_PHYS_I128) {
        out->i128 = in_range(word, random_word(row, column, 2), field->min, field->max);
    } else {
        out->i64 = (int64_t)in_range(word, random_word(row, column, 2), field->min, field->max);
    }
}

void ps_datagen_field_make(const ps_datagen_field *field, uint32_t column,
                           const ps_datagen_row *row, ps_buf *text, ps_value *out)
{
    *out = (ps_value){0};
    ps_buf_clear(text);
    if (field->null_rate > 0 && fraction(random_word(row, column, 0)) < field->null_rate) {
        out->is_null = true;
    } else if (field->is_sequence) {
        sequence_value(field, field->start + (int64_t)row->number, text, out);
    } else {
        random_value(field, column, row, text, out);
    }
}
