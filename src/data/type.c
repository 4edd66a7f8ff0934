#include "data/type.h"

#define SIMPLE(type_kind)                                                                          \
    {                                                                                              \
        .kind = (type_kind), .nullable = true                                                      \
    }

const ps_type ps_type_null = SIMPLE(PS_TYPE_NULL);
const ps_type ps_type_boolean = SIMPLE(PS_TYPE_BOOLEAN);
const ps_type ps_type_int = SIMPLE(PS_TYPE_INT);
const ps_type ps_type_bigint = SIMPLE(PS_TYPE_BIGINT);
const ps_type ps_type_double = SIMPLE(PS_TYPE_DOUBLE);
const ps_type ps_type_date = SIMPLE(PS_TYPE_DATE);
const ps_type ps_type_string = {.kind = PS_TYPE_VARCHAR, .nullable = true, .length = PS_LENGTH_MAX};
const ps_type ps_type_bytes = {
    .kind = PS_TYPE_VARBINARY, .nullable = true, .length = PS_LENGTH_MAX};
const ps_type ps_type_timestamp3 = {.kind = PS_TYPE_TIMESTAMP, .nullable = true, .precision = 3};
const ps_type ps_type_timestamp_ltz3 = {
    .kind = PS_TYPE_TIMESTAMP_LTZ, .nullable = true, .precision = 3};

/* ── classes ── */

ps_phys ps_type_phys(const ps_type *type)
{
    switch (type->kind) {
    case PS_TYPE_NULL:
    case PS_TYPE_BOOLEAN:
    case PS_TYPE_TINYINT:
    case PS_TYPE_SMALLINT:
    case PS_TYPE_INT:
    case PS_TYPE_BIGINT:
    case PS_TYPE_DATE:
    case PS_TYPE_TIME:
    case PS_TYPE_TIMESTAMP:
    case PS_TYPE_TIMESTAMP_LTZ:
    case PS_TYPE_INTERVAL_MONTHS:
    case PS_TYPE_INTERVAL_MS:
        return PS_PHYS_I64;
    case PS_TYPE_FLOAT:
    case PS_TYPE_DOUBLE:
        return PS_PHYS_F64;
    case PS_TYPE_DECIMAL:
        return type->precision <= PS_DECIMAL_I64_PRECISION_MAX ? PS_PHYS_I64 : PS_PHYS_I128;
    case PS_TYPE_CHAR:
    case PS_TYPE_VARCHAR:
    case PS_TYPE_BINARY:
    case PS_TYPE_VARBINARY:
    case PS_TYPE_ROW:
    case PS_TYPE_ARRAY:
    case PS_TYPE_MAP:
        return PS_PHYS_TEXT;
    }
    PS_ASSERT(false);
}

int64_t ps_type_ticks_per_second(const ps_type *type)
{
    PS_ASSERT(ps_type_is_timestamp(type));
    if (type->precision <= 3) {
        return 1000;
    }
    return type->precision <= 6 ? 1000000 : 1000000000;
}

bool ps_type_is_integer(const ps_type *type)
{
    return type->kind >= PS_TYPE_TINYINT && type->kind <= PS_TYPE_BIGINT;
}

static bool is_float(const ps_type *type)
{
    return type->kind == PS_TYPE_FLOAT || type->kind == PS_TYPE_DOUBLE;
}

bool ps_type_is_numeric(const ps_type *type)
{
    return ps_type_is_integer(type) || is_float(type) || type->kind == PS_TYPE_DECIMAL;
}

bool ps_type_is_text(const ps_type *type)
{
    return type->kind == PS_TYPE_CHAR || type->kind == PS_TYPE_VARCHAR;
}

bool ps_type_is_bytes(const ps_type *type)
{
    return type->kind == PS_TYPE_BINARY || type->kind == PS_TYPE_VARBINARY;
}

bool ps_type_is_timestamp(const ps_type *type)
{
    return type->kind == PS_TYPE_TIMESTAMP || type->kind == PS_TYPE_TIMESTAMP_LTZ;
}

bool ps_type_is_nested(const ps_type *type)
{
    return type->kind >= PS_TYPE_ROW && type->kind <= PS_TYPE_MAP;
}

static bool has_precision(const ps_type *type)
{
    return type->kind == PS_TYPE_DECIMAL || type->kind == PS_TYPE_TIME ||
           ps_type_is_timestamp(type);
}

bool ps_type_equal(const ps_type *a, const ps_type *b)
{
    if (a->kind != b->kind || (has_precision(a) && a->precision != b->precision) ||
        (a->kind == PS_TYPE_DECIMAL && a->scale != b->scale)) {
        return false;
    }
    if ((ps_type_is_text(a) || ps_type_is_bytes(a)) && a->length != b->length) {
        return false;
    }
    if (!ps_type_is_nested(a)) {
        return true;
    }
    if (a->child_count != b->child_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->child_count; i++) {
        if (a->children[i]->nullable != b->children[i]->nullable ||
            !ps_type_equal(a->children[i], b->children[i]) ||
            (a->kind == PS_TYPE_ROW && !ps_slice_equal(a->field_names[i], b->field_names[i]))) {
            return false;
        }
    }
    return true;
}

/* ── making types ── */

static const ps_type *make(ps_arena *arena, ps_type type)
{
    ps_type *made = ps_arena_take(arena, sizeof *made);
    if (made != NULL) {
        *made = type;
    }
    return made;
}

const ps_type *ps_type_with_nullable(ps_arena *arena, const ps_type *type, bool nullable)
{
    if (type->nullable == nullable) {
        return type;
    }
    ps_type changed = *type;
    changed.nullable = nullable;
    return make(arena, changed);
}

const ps_type *ps_type_decimal(ps_arena *arena, int precision, int scale, bool nullable)
{
    PS_ASSERT(precision >= 1 && precision <= PS_DECIMAL_PRECISION_MAX);
    PS_ASSERT(scale >= 0 && scale <= precision);
    return make(arena, (ps_type){.kind = PS_TYPE_DECIMAL,
                                 .nullable = nullable,
                                 .precision = (uint8_t)precision,
                                 .scale = (uint8_t)scale});
}

const ps_type *ps_type_time(ps_arena *arena, ps_type_kind kind, int precision, bool nullable)
{
    PS_ASSERT(kind == PS_TYPE_TIME || kind == PS_TYPE_TIMESTAMP || kind == PS_TYPE_TIMESTAMP_LTZ);
    PS_ASSERT(precision >= 0 && precision <= 9);
    return make(arena,
                (ps_type){.kind = kind, .nullable = nullable, .precision = (uint8_t)precision});
}

const ps_type *ps_type_simple(ps_arena *arena, ps_type_kind kind, bool nullable)
{
    ps_type type = {.kind = kind, .nullable = nullable};
    PS_ASSERT(!has_precision(&type) && !ps_type_is_text(&type) && !ps_type_is_bytes(&type) &&
              !ps_type_is_nested(&type));
    return make(arena, type);
}

const ps_type *ps_type_sized(ps_arena *arena, ps_type_kind kind, int32_t length, bool nullable)
{
    ps_type type = {.kind = kind, .nullable = nullable, .length = length};
    PS_ASSERT(length >= 0 && (ps_type_is_text(&type) || ps_type_is_bytes(&type)));
    return make(arena, type);
}

static const ps_type *make_nested(ps_arena *arena, ps_type type, const ps_type *const *children)
{
    const ps_type **copy = ps_arena_take(arena, type.child_count * sizeof *copy);
    if (copy == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < type.child_count; i++) {
        copy[i] = children[i];
    }
    type.children = copy;
    return make(arena, type);
}

const ps_type *ps_type_array(ps_arena *arena, const ps_type *element, bool nullable)
{
    ps_type type = {.kind = PS_TYPE_ARRAY, .nullable = nullable, .child_count = 1};
    return make_nested(arena, type, &element);
}

const ps_type *ps_type_map(ps_arena *arena, const ps_type *key, const ps_type *value, bool nullable)
{
    ps_type type = {.kind = PS_TYPE_MAP, .nullable = nullable, .child_count = 2};
    return make_nested(arena, type, (const ps_type *[]){key, value});
}

const ps_type *ps_type_row(ps_arena *arena, uint32_t field_count, const ps_slice *names,
                           const ps_type *const *types, bool nullable)
{
    PS_ASSERT(field_count <= PS_COLUMN_COUNT_MAX);
    return make(arena, (ps_type){.kind = PS_TYPE_ROW,
                                 .nullable = nullable,
                                 .child_count = field_count,
                                 .children = types,
                                 .field_names = names});
}

/* ── text ── */

static void print_sized(const ps_type *type, const char *name, ps_buf *out)
{
    if (type->kind == PS_TYPE_VARCHAR && type->length == PS_LENGTH_MAX) {
        ps_buf_append_text(out, "STRING");
    } else if (type->kind == PS_TYPE_VARBINARY && type->length == PS_LENGTH_MAX) {
        ps_buf_append_text(out, "BYTES");
    } else {
        ps_buf_append_format(out, "%s(%d)", name, (int)type->length);
    }
}

/* A backquote in a name is doubled, as SQL reads it. */
static void print_name(ps_slice name, ps_buf *out)
{
    ps_buf_append_char(out, '`');
    for (size_t i = 0; i < name.size; i++) {
        ps_buf_append_text(out, name.data[i] == '`' ? "`" : "");
        ps_buf_append_char(out, name.data[i]);
    }
    ps_buf_append_char(out, '`');
}

static void print_nested(const ps_type *type, const char *name, ps_buf *out)
{
    ps_buf_append_text(out, name);
    ps_buf_append_char(out, '<');
    for (uint32_t i = 0; i < type->child_count; i++) {
        ps_buf_append_text(out, i > 0 ? ", " : "");
        if (type->kind == PS_TYPE_ROW) {
            print_name(type->field_names[i], out);
            ps_buf_append_char(out, ' ');
        }
        ps_type_print(type->children[i], out);
    }
    ps_buf_append_char(out, '>');
}

static void print_kind(const ps_type *type, ps_buf *out)
{
    static const char *const names[] = {
        [PS_TYPE_NULL] = "NULL",
        [PS_TYPE_BOOLEAN] = "BOOLEAN",
        [PS_TYPE_TINYINT] = "TINYINT",
        [PS_TYPE_SMALLINT] = "SMALLINT",
        [PS_TYPE_INT] = "INT",
        [PS_TYPE_BIGINT] = "BIGINT",
        [PS_TYPE_FLOAT] = "FLOAT",
        [PS_TYPE_DOUBLE] = "DOUBLE",
        [PS_TYPE_DECIMAL] = "DECIMAL",
        [PS_TYPE_CHAR] = "CHAR",
        [PS_TYPE_VARCHAR] = "VARCHAR",
        [PS_TYPE_BINARY] = "BINARY",
        [PS_TYPE_VARBINARY] = "VARBINARY",
        [PS_TYPE_DATE] = "DATE",
        [PS_TYPE_TIME] = "TIME",
        [PS_TYPE_TIMESTAMP] = "TIMESTAMP",
        [PS_TYPE_TIMESTAMP_LTZ] = "TIMESTAMP_LTZ",
        [PS_TYPE_INTERVAL_MONTHS] = "INTERVAL YEAR TO MONTH",
        [PS_TYPE_INTERVAL_MS] = "INTERVAL DAY TO SECOND(3)",
        [PS_TYPE_ROW] = "ROW",
        [PS_TYPE_ARRAY] = "ARRAY",
        [PS_TYPE_MAP] = "MAP",
    };
    const char *name = names[type->kind];
    if (type->kind == PS_TYPE_DECIMAL) {
        ps_buf_append_format(out, "%s(%d, %d)", name, type->precision, type->scale);
    } else if (has_precision(type)) {
        ps_buf_append_format(out, "%s(%d)", name, type->precision);
    } else if (ps_type_is_text(type) || ps_type_is_bytes(type)) {
        print_sized(type, name, out);
    } else if (ps_type_is_nested(type)) {
        print_nested(type, name, out);
    } else {
        ps_buf_append_text(out, name);
    }
}

void ps_type_print(const ps_type *type, ps_buf *out)
{
    print_kind(type, out);
    if (!type->nullable) {
        ps_buf_append_text(out, " NOT NULL");
    }
}

/* ── common type ── */

static int max_of(int a, int b)
{
    return a > b ? a : b;
}

/* Digits of an integer type as a DECIMAL. */
static int decimal_precision(const ps_type *type)
{
    static const uint8_t digits[] = {
        [PS_TYPE_TINYINT] = 3, [PS_TYPE_SMALLINT] = 5, [PS_TYPE_INT] = 10, [PS_TYPE_BIGINT] = 19};
    return type->kind == PS_TYPE_DECIMAL ? type->precision : digits[type->kind];
}

static int decimal_scale(const ps_type *type)
{
    return type->kind == PS_TYPE_DECIMAL ? type->scale : 0;
}

/* Keeps the digits before the point; the scale gives way when both are more than 38. */
static const ps_type *common_decimal(ps_arena *arena, const ps_type *a, const ps_type *b,
                                     bool nullable)
{
    int whole =
        max_of(decimal_precision(a) - decimal_scale(a), decimal_precision(b) - decimal_scale(b));
    int scale = max_of(decimal_scale(a), decimal_scale(b));
    if (whole + scale > PS_DECIMAL_PRECISION_MAX) {
        scale = PS_DECIMAL_PRECISION_MAX - whole;
    }
    return ps_type_decimal(arena, whole + scale, scale, nullable);
}

static const ps_type *common_number(ps_arena *arena, const ps_type *a, const ps_type *b,
                                    bool nullable)
{
    if (is_float(a) || is_float(b)) {
        bool with_decimal = a->kind == PS_TYPE_DECIMAL || b->kind == PS_TYPE_DECIMAL;
        bool with_double = a->kind == PS_TYPE_DOUBLE || b->kind == PS_TYPE_DOUBLE;
        ps_type_kind kind = with_decimal || with_double ? PS_TYPE_DOUBLE : PS_TYPE_FLOAT;
        return ps_type_simple(arena, kind, nullable);
    }
    if (a->kind == PS_TYPE_DECIMAL || b->kind == PS_TYPE_DECIMAL) {
        return common_decimal(arena, a, b, nullable);
    }
    return ps_type_simple(arena, a->kind > b->kind ? a->kind : b->kind, nullable);
}

/* CHAR stays only between equal lengths, as Flink has it: else blanks would have to be padded. */
static const ps_type *common_sized(ps_arena *arena, const ps_type *a, const ps_type *b,
                                   bool nullable)
{
    ps_type_kind varying = ps_type_is_text(a) ? PS_TYPE_VARCHAR : PS_TYPE_VARBINARY;
    ps_type_kind kind = a->kind == b->kind && a->length == b->length ? a->kind : varying;
    return ps_type_sized(arena, kind, a->length > b->length ? a->length : b->length, nullable);
}

static bool is_date_or_timestamp(const ps_type *type)
{
    return type->kind == PS_TYPE_DATE || ps_type_is_timestamp(type);
}

static const ps_type *common_nested(ps_arena *arena, const ps_type *a, const ps_type *b,
                                    bool nullable)
{
    if (a->kind != b->kind || a->child_count != b->child_count) {
        return NULL;
    }
    const ps_type **children = ps_arena_take(arena, a->child_count * sizeof *children);
    if (children == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < a->child_count; i++) {
        children[i] = ps_type_common(arena, a->children[i], b->children[i]);
        if (children[i] == NULL) {
            return NULL;
        }
    }
    ps_type type = *a;
    type.nullable = nullable;
    type.children = children;
    return make(arena, type);
}

const ps_type *ps_type_common(ps_arena *arena, const ps_type *a, const ps_type *b)
{
    bool nullable = a->nullable || b->nullable;
    if (a->kind == PS_TYPE_NULL) {
        return ps_type_with_nullable(arena, b, true);
    }
    if (b->kind == PS_TYPE_NULL || ps_type_equal(a, b)) {
        return ps_type_with_nullable(arena, a, nullable);
    }
    if (ps_type_is_numeric(a) && ps_type_is_numeric(b)) {
        return common_number(arena, a, b, nullable);
    }
    if ((ps_type_is_text(a) && ps_type_is_text(b)) ||
        (ps_type_is_bytes(a) && ps_type_is_bytes(b))) {
        return common_sized(arena, a, b, nullable);
    }
    if ((is_date_or_timestamp(a) && is_date_or_timestamp(b)) ||
        (a->kind == PS_TYPE_TIME && b->kind == PS_TYPE_TIME)) {
        ps_type_kind kind = a->kind > b->kind ? a->kind : b->kind;
        return ps_type_time(arena, kind, max_of(a->precision, b->precision), nullable);
    }
    if (ps_type_is_nested(a) && ps_type_is_nested(b)) {
        return common_nested(arena, a, b, nullable);
    }
    return NULL;
}
