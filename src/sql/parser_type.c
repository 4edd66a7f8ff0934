/* Data types, and the units of intervals. */
#include "sql/parser_internal.h"

/* ── units ── */

static const struct {
    ps_keyword keyword;
    ps_ast_unit unit;
} units[] = {
    {PS_KW_YEAR, PS_AST_UNIT_YEAR},
    {PS_KW_QUARTER, PS_AST_UNIT_QUARTER},
    {PS_KW_MONTH, PS_AST_UNIT_MONTH},
    {PS_KW_WEEK, PS_AST_UNIT_WEEK},
    {PS_KW_DAY, PS_AST_UNIT_DAY},
    {PS_KW_HOUR, PS_AST_UNIT_HOUR},
    {PS_KW_MINUTE, PS_AST_UNIT_MINUTE},
    {PS_KW_SECOND, PS_AST_UNIT_SECOND},
    {PS_KW_MILLISECOND, PS_AST_UNIT_MILLISECOND},
    {PS_KW_MICROSECOND, PS_AST_UNIT_MICROSECOND},
    {PS_KW_NANOSECOND, PS_AST_UNIT_NANOSECOND},
    {PS_KW_DOY, PS_AST_UNIT_DOY},
    {PS_KW_DOW, PS_AST_UNIT_DOW},
    {PS_KW_ISODOW, PS_AST_UNIT_ISODOW},
    {PS_KW_ISOYEAR, PS_AST_UNIT_ISOYEAR},
    {PS_KW_EPOCH, PS_AST_UNIT_EPOCH},
    {PS_KW_DECADE, PS_AST_UNIT_DECADE},
    {PS_KW_CENTURY, PS_AST_UNIT_CENTURY},
    {PS_KW_MILLENNIUM, PS_AST_UNIT_MILLENNIUM},
};

bool ps_parser_unit(ps_parser *parser, ps_ast_unit *out)
{
    ps_keyword keyword = ps_parser_peek(parser, 0)->keyword;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (units[i].keyword == keyword) {
            ps_parser_advance(parser);
            *out = units[i].unit;
            return true;
        }
    }
    return false;
}

/* DAYS and the like: Flink takes them in intervals. */
static bool plural_unit(ps_parser *parser, ps_ast_unit *out)
{
    static const struct {
        ps_keyword keyword;
        ps_ast_unit unit;
    } plurals[] = {
        {PS_KW_YEARS, PS_AST_UNIT_YEAR},     {PS_KW_QUARTERS, PS_AST_UNIT_QUARTER},
        {PS_KW_MONTHS, PS_AST_UNIT_MONTH},   {PS_KW_WEEKS, PS_AST_UNIT_WEEK},
        {PS_KW_DAYS, PS_AST_UNIT_DAY},       {PS_KW_HOURS, PS_AST_UNIT_HOUR},
        {PS_KW_MINUTES, PS_AST_UNIT_MINUTE}, {PS_KW_SECONDS, PS_AST_UNIT_SECOND},
    };
    for (size_t i = 0; i < sizeof plurals / sizeof plurals[0]; i++) {
        if (ps_parser_accept_word(parser, plurals[i].keyword)) {
            *out = plurals[i].unit;
            return true;
        }
    }
    return false;
}

static bool interval_field(ps_parser *parser, ps_ast_unit *out)
{
    if (plural_unit(parser, out)) {
        return true;
    }
    if (ps_parser_unit(parser, out)) {
        if (*out <= PS_AST_UNIT_SECOND) {
            return true;
        }
        return ps_parser_fail(parser, PS_E_INVALID, parser->last,
                              "this unit cannot be that of an interval");
    }
    return ps_parser_unexpected(parser, "a unit: YEAR, MONTH, DAY, HOUR, MINUTE or SECOND");
}

/* (p) or nothing. */
static bool optional_precision(ps_parser *parser, int32_t *out)
{
    uint32_t value;
    if (!ps_parser_accept(parser, PS_TOKEN_LEFT)) {
        return true;
    }
    if (!ps_parser_unsigned(parser, "a precision", INT32_MAX, &value) ||
        !ps_parser_expect(parser, PS_TOKEN_RIGHT, "`)`")) {
        return false;
    }
    *out = (int32_t)value;
    return true;
}

/* The two fields are of one family, the second is finer: YEAR TO MONTH, DAY TO SECOND … */
static bool is_range(ps_ast_unit from, ps_ast_unit to)
{
    if (from == PS_AST_UNIT_YEAR) {
        return to == PS_AST_UNIT_MONTH;
    }
    return from >= PS_AST_UNIT_DAY && to > from;
}

bool ps_parser_interval_unit(ps_parser *parser, ps_ast_interval *out)
{
    ps_sql_span from = ps_parser_here(parser);
    out->leading_precision = -1;
    out->second_precision = -1;
    if (!interval_field(parser, &out->from)) {
        return false;
    }
    out->to = out->from;
    if (out->from == PS_AST_UNIT_SECOND && ps_parser_accept(parser, PS_TOKEN_LEFT)) {
        /* SECOND(leading [, fraction]) */
        uint32_t leading, fraction;
        if (!ps_parser_unsigned(parser, "a precision", INT32_MAX, &leading)) {
            return false;
        }
        out->leading_precision = (int32_t)leading;
        if (ps_parser_accept(parser, PS_TOKEN_COMMA)) {
            if (!ps_parser_unsigned(parser, "a precision", INT32_MAX, &fraction)) {
                return false;
            }
            out->second_precision = (int32_t)fraction;
        }
        return ps_parser_expect(parser, PS_TOKEN_RIGHT, "`)`");
    }
    if (!optional_precision(parser, &out->leading_precision)) {
        return false;
    }
    if (!ps_parser_accept_word(parser, PS_KW_TO)) {
        return true;
    }
    if (!interval_field(parser, &out->to)) {
        return false;
    }
    if (!is_range(out->from, out->to)) {
        return ps_parser_fail(parser, PS_E_INVALID, ps_parser_span(parser, from),
                              "these two units make no interval");
    }
    return out->to != PS_AST_UNIT_SECOND || optional_precision(parser, &out->second_precision);
}

/* ── simple types ── */

typedef enum {
    SUFFIX_NONE,
    SUFFIX_LENGTH,    /* (n) */
    SUFFIX_DECIMAL,   /* (p[, s]) */
    SUFFIX_PRECISION, /* [PRECISION] */
    SUFFIX_VARYING,   /* [VARYING] [(n)] */
    SUFFIX_ZONE       /* [(p)] [WITH … TIME ZONE] */
} type_suffix;

static const struct {
    ps_keyword keyword;
    ps_ast_type_kind kind;
    type_suffix suffix;
} types[] = {
    {PS_KW_BOOLEAN, PS_AST_TYPE_BOOLEAN, SUFFIX_NONE},
    {PS_KW_TINYINT, PS_AST_TYPE_TINYINT, SUFFIX_NONE},
    {PS_KW_SMALLINT, PS_AST_TYPE_SMALLINT, SUFFIX_NONE},
    {PS_KW_INT, PS_AST_TYPE_INT, SUFFIX_NONE},
    {PS_KW_INTEGER, PS_AST_TYPE_INT, SUFFIX_NONE},
    {PS_KW_BIGINT, PS_AST_TYPE_BIGINT, SUFFIX_NONE},
    {PS_KW_FLOAT, PS_AST_TYPE_FLOAT, SUFFIX_NONE},
    {PS_KW_REAL, PS_AST_TYPE_FLOAT, SUFFIX_NONE},
    {PS_KW_DOUBLE, PS_AST_TYPE_DOUBLE, SUFFIX_PRECISION},
    {PS_KW_DECIMAL, PS_AST_TYPE_DECIMAL, SUFFIX_DECIMAL},
    {PS_KW_NUMERIC, PS_AST_TYPE_DECIMAL, SUFFIX_DECIMAL},
    {PS_KW_DEC, PS_AST_TYPE_DECIMAL, SUFFIX_DECIMAL},
    {PS_KW_CHAR, PS_AST_TYPE_CHAR, SUFFIX_VARYING},
    {PS_KW_CHARACTER, PS_AST_TYPE_CHAR, SUFFIX_VARYING},
    {PS_KW_VARCHAR, PS_AST_TYPE_VARCHAR, SUFFIX_LENGTH},
    {PS_KW_BINARY, PS_AST_TYPE_BINARY, SUFFIX_VARYING},
    {PS_KW_VARBINARY, PS_AST_TYPE_VARBINARY, SUFFIX_LENGTH},
    {PS_KW_DATE, PS_AST_TYPE_DATE, SUFFIX_NONE},
    {PS_KW_TIME, PS_AST_TYPE_TIME, SUFFIX_ZONE},
    {PS_KW_TIMESTAMP, PS_AST_TYPE_TIMESTAMP, SUFFIX_ZONE},
    {PS_KW_TIMESTAMP_LTZ, PS_AST_TYPE_TIMESTAMP_LTZ, SUFFIX_LENGTH},
};

/* Known to Flink, not to us. */
static const struct {
    ps_keyword keyword;
    const char *what;
} refused[] = {
    {PS_KW_MULTISET, "the type MULTISET"},
    {PS_KW_RAW, "the type RAW"},
    {PS_KW_STRUCTURED, "the type STRUCTURED"},
    {PS_KW_VARIANT, "the type VARIANT"},
};

/* [(p [, s])] */
static bool decimal_suffix(ps_parser *parser, ps_ast_type *type)
{
    uint32_t precision, scale;
    if (!ps_parser_accept(parser, PS_TOKEN_LEFT)) {
        return true;
    }
    if (!ps_parser_unsigned(parser, "a precision", INT32_MAX, &precision)) {
        return false;
    }
    type->precision = (int32_t)precision;
    if (ps_parser_accept(parser, PS_TOKEN_COMMA)) {
        if (!ps_parser_unsigned(parser, "a scale", INT32_MAX, &scale)) {
            return false;
        }
        type->scale = (int32_t)scale;
    }
    return ps_parser_expect(parser, PS_TOKEN_RIGHT, "`)`");
}

/* [(p)] [WITHOUT TIME ZONE | WITH LOCAL TIME ZONE] */
static bool zone_suffix(ps_parser *parser, ps_ast_type *type)
{
    if (!optional_precision(parser, &type->precision)) {
        return false;
    }
    if (ps_parser_accept_word(parser, PS_KW_WITHOUT)) {
        return ps_parser_expect_word(parser, PS_KW_TIME) &&
               ps_parser_expect_word(parser, PS_KW_ZONE);
    }
    if (ps_parser_is_word(parser, PS_KW_WITH) && ps_parser_is_word_at(parser, 1, PS_KW_TIME)) {
        return ps_parser_unsupported(parser, "WITH TIME ZONE") ||
               ps_parser_hint(parser, "use TIMESTAMP_LTZ, an instant shown in the session's zone");
    }
    if (type->kind == PS_AST_TYPE_TIMESTAMP && ps_parser_is_word(parser, PS_KW_WITH) &&
        ps_parser_is_word_at(parser, 1, PS_KW_LOCAL)) {
        ps_parser_advance(parser);
        ps_parser_advance(parser);
        type->kind = PS_AST_TYPE_TIMESTAMP_LTZ;
        return ps_parser_expect_word(parser, PS_KW_TIME) &&
               ps_parser_expect_word(parser, PS_KW_ZONE);
    }
    return true;
}

static bool suffix_read(ps_parser *parser, type_suffix suffix, ps_ast_type *type)
{
    switch (suffix) {
    case SUFFIX_NONE:
        return true;
    case SUFFIX_LENGTH:
        return optional_precision(parser, &type->precision);
    case SUFFIX_DECIMAL:
        return decimal_suffix(parser, type);
    case SUFFIX_PRECISION:
        ps_parser_accept_word(parser, PS_KW_PRECISION);
        return true;
    case SUFFIX_VARYING:
        if (ps_parser_accept_word(parser, PS_KW_VARYING)) {
            type->kind =
                type->kind == PS_AST_TYPE_CHAR ? PS_AST_TYPE_VARCHAR : PS_AST_TYPE_VARBINARY;
        }
        return optional_precision(parser, &type->precision);
    case SUFFIX_ZONE:
        return zone_suffix(parser, type);
    }
    return false;
}

/* ── nested types ── */

static bool field_read(ps_parser *parser, ps_ast_field *field)
{
    if (!ps_parser_name(parser, "a field name", &field->name)) {
        return false;
    }
    field->type = ps_parser_type(parser);
    if (field->type == NULL) {
        return false;
    }
    ps_slice comment;
    if (ps_parser_is(parser, PS_TOKEN_STRING)) {
        if (!ps_parser_string(parser, "a comment", &comment)) {
            return false;
        }
        field->comment = comment.data;
    }
    return true;
}

/* ROW<a INT, b STRING 'comment'>, ROW(a INT), ROW<>, ROW() */
static bool row_fields(ps_parser *parser, ps_ast_type *type)
{
    if (ps_parser_accept(parser, PS_TOKEN_NE)) {
        return true;
    }
    ps_token_kind end = ps_parser_is(parser, PS_TOKEN_LEFT) ? PS_TOKEN_RIGHT : PS_TOKEN_GT;
    if (!ps_parser_accept(parser, PS_TOKEN_LEFT) &&
        !ps_parser_expect(parser, PS_TOKEN_LT, "`<` and the row's fields")) {
        return false;
    }
    if (ps_parser_accept(parser, end)) {
        return true;
    }
    do {
        ps_ast_field *fields =
            ps_parser_push(parser, type->fields, type->field_count, sizeof *fields);
        if (fields == NULL) {
            return false;
        }
        type->fields = fields;
        if (!field_read(parser, &fields[type->field_count])) {
            return false;
        }
        type->field_count++;
    } while (ps_parser_accept(parser, PS_TOKEN_COMMA));
    return ps_parser_expect(parser, end, end == PS_TOKEN_GT ? "`,` or `>`" : "`,` or `)`");
}

static bool nested_read(ps_parser *parser, ps_ast_type *type)
{
    if (type->kind == PS_AST_TYPE_ROW) {
        return row_fields(parser, type);
    }
    if (!ps_parser_expect(parser, PS_TOKEN_LT, "`<` and the element type")) {
        return false;
    }
    if (type->kind == PS_AST_TYPE_MAP) {
        type->key = ps_parser_type(parser);
        if (type->key == NULL || !ps_parser_expect(parser, PS_TOKEN_COMMA, "`,`")) {
            return false;
        }
    }
    type->element = ps_parser_type(parser);
    return type->element != NULL && ps_parser_expect(parser, PS_TOKEN_GT, "`>`");
}

static bool nested_kind(ps_keyword keyword, ps_ast_type_kind *out)
{
    if (keyword == PS_KW_ROW) {
        *out = PS_AST_TYPE_ROW;
    } else if (keyword == PS_KW_ARRAY) {
        *out = PS_AST_TYPE_ARRAY;
    } else if (keyword == PS_KW_MAP) {
        *out = PS_AST_TYPE_MAP;
    } else {
        return false;
    }
    return true;
}

/* ── the rule ── */

static bool unknown_type(ps_parser *parser)
{
    const ps_token *token = ps_parser_peek(parser, 0);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (refused[i].keyword == token->keyword) {
            return ps_parser_unsupported(parser, refused[i].what);
        }
    }
    ps_parser_unexpected(parser, "a data type");
    if (ps_parser_is_text(parser, 0, "TEXT")) {
        return ps_parser_hint(parser, "the type of text is STRING");
    }
    if (ps_parser_is_text(parser, 0, "LONG")) {
        return ps_parser_hint(parser, "the 64-bit integer is BIGINT");
    }
    return false;
}

static bool base_read(ps_parser *parser, ps_ast_type *type)
{
    ps_keyword keyword = ps_parser_peek(parser, 0)->keyword;
    if (keyword == PS_KW_STRING || keyword == PS_KW_BYTES) {
        ps_parser_advance(parser);
        type->kind = keyword == PS_KW_STRING ? PS_AST_TYPE_VARCHAR : PS_AST_TYPE_VARBINARY;
        type->precision = INT32_MAX;
        return true;
    }
    if (keyword == PS_KW_INTERVAL) {
        ps_parser_advance(parser);
        type->kind = PS_AST_TYPE_INTERVAL;
        return ps_parser_interval_unit(parser, &type->interval);
    }
    if (nested_kind(keyword, &type->kind)) {
        ps_parser_advance(parser);
        return nested_read(parser, type);
    }
    for (size_t i = 0; keyword != PS_KEYWORD_NONE && i < sizeof types / sizeof types[0]; i++) {
        if (types[i].keyword == keyword) {
            ps_parser_advance(parser);
            type->kind = types[i].kind;
            return suffix_read(parser, types[i].suffix, type);
        }
    }
    return unknown_type(parser);
}

/* [NOT NULL | NULL] */
static bool nullability(ps_parser *parser, ps_ast_type *type)
{
    if (ps_parser_accept_words(parser, PS_KW_NOT, PS_KW_NULL)) {
        type->is_not_null = true;
    } else {
        ps_parser_accept_word(parser, PS_KW_NULL);
    }
    return true;
}

static ps_ast_type *new_type(ps_parser *parser)
{
    ps_ast_type *type = ps_parser_take(parser, sizeof *type);
    if (type != NULL) {
        type->precision = -1;
        type->scale = -1;
    }
    return type;
}

/* T ARRAY, T NOT NULL ARRAY … */
static ps_ast_type *array_suffix(ps_parser *parser, ps_ast_type *element)
{
    while (ps_parser_is_word(parser, PS_KW_ARRAY)) {
        ps_ast_type *array = new_type(parser);
        if (array == NULL || !ps_parser_link(parser)) {
            return NULL;
        }
        ps_parser_advance(parser);
        array->kind = PS_AST_TYPE_ARRAY;
        array->element = element;
        nullability(parser, array);
        array->at = ps_parser_span(parser, element->at);
        element = array;
    }
    if (ps_parser_is_word(parser, PS_KW_MULTISET)) {
        ps_parser_unsupported(parser, "the type MULTISET");
        return NULL;
    }
    return element;
}

ps_ast_type *ps_parser_type(ps_parser *parser)
{
    ps_parser_frame frame;
    ps_sql_span from = ps_parser_here(parser);
    ps_ast_type *type = new_type(parser);
    if (type == NULL || !ps_parser_enter(parser, &frame)) {
        return NULL;
    }
    if (!base_read(parser, type)) {
        return NULL;
    }
    nullability(parser, type);
    type->at = ps_parser_span(parser, from);
    type = array_suffix(parser, type);
    ps_parser_leave(parser, &frame);
    return type;
}
