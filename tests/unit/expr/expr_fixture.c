#include "expr_fixture.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "data/decimal.h"

enum { ROWS = 200, FROM = 3, TO = 190 };

void expr_fixture_init(expr_fixture *fixture)
{
    *fixture = (expr_fixture){0};
    ps_arena_init(&fixture->arena, 1 << 28);
    fixture->context.arena = &fixture->arena;
}

void expr_fixture_release(expr_fixture *fixture)
{
    ps_arena_release(&fixture->arena);
}

/* ── types ── */

typedef struct {
    expr_fixture *fixture;
    const char *at;
} reader;

static void skip_blanks(reader *r)
{
    while (isspace((unsigned char)*r->at)) {
        r->at++;
    }
}

static bool accept(reader *r, const char *word)
{
    skip_blanks(r);
    size_t size = strlen(word);
    if (strncmp(r->at, word, size) != 0 ||
        (isalpha((unsigned char)word[size - 1]) &&
         (isalnum((unsigned char)r->at[size]) || r->at[size] == '_'))) {
        return false;
    }
    r->at += size;
    return true;
}

static int number_in_parentheses(reader *r, int otherwise, int *out_second)
{
    if (!accept(r, "(")) {
        return otherwise;
    }
    char *end = NULL;
    int value = (int)strtol(r->at, &end, 10);
    r->at = end;
    if (accept(r, ",")) {
        *out_second = (int)strtol(r->at, &end, 10);
        r->at = end;
    }
    assert_true(accept(r, ")"));
    return value;
}

static const ps_type *read_type(reader *r);

static const ps_type *read_nested(reader *r, ps_type_kind kind)
{
    ps_arena *arena = &r->fixture->arena;
    const ps_type *children[8];
    ps_slice names[8];
    uint32_t count = 0;
    assert_true(accept(r, "<"));
    while (!accept(r, ">")) {
        skip_blanks(r);
        if (kind == PS_TYPE_ROW) {
            const char *start = r->at;
            while (isalnum((unsigned char)*r->at)) {
                r->at++;
            }
            names[count] = ps_slice_of(start, (size_t)(r->at - start));
        }
        children[count++] = read_type(r);
        (void)accept(r, ",");
    }
    if (kind == PS_TYPE_ARRAY) {
        return ps_type_array(arena, children[0], true);
    }
    if (kind == PS_TYPE_MAP) {
        return ps_type_map(arena, children[0], children[1], true);
    }
    const ps_type **types = ps_arena_take(arena, sizeof children);
    ps_slice *kept = ps_arena_take(arena, sizeof names);
    memcpy(types, children, sizeof children);
    memcpy(kept, names, sizeof names);
    return ps_type_row(arena, count, kept, types, true);
}

static const ps_type *read_plain_type(reader *r)
{
    static const struct {
        const char *name;
        ps_type_kind kind;
    } names[] = {{"BOOLEAN", PS_TYPE_BOOLEAN},
                 {"TINYINT", PS_TYPE_TINYINT},
                 {"SMALLINT", PS_TYPE_SMALLINT},
                 {"INT", PS_TYPE_INT},
                 {"BIGINT", PS_TYPE_BIGINT},
                 {"FLOAT", PS_TYPE_FLOAT},
                 {"DOUBLE", PS_TYPE_DOUBLE},
                 {"DATE", PS_TYPE_DATE},
                 {"INTERVAL_MONTHS", PS_TYPE_INTERVAL_MONTHS},
                 {"INTERVAL_MS", PS_TYPE_INTERVAL_MS}};
    ps_arena *arena = &r->fixture->arena;
    int second = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (accept(r, names[i].name)) {
            return ps_type_simple(arena, names[i].kind, true);
        }
    }
    if (accept(r, "DECIMAL")) {
        int precision = number_in_parentheses(r, 10, &second);
        return ps_type_decimal(arena, precision, second, true);
    }
    if (accept(r, "STRING")) {
        return &ps_type_string;
    }
    if (accept(r, "BYTES")) {
        return &ps_type_bytes;
    }
    static const char *const sized[] = {"CHAR", "VARCHAR", "BINARY", "VARBINARY"};
    for (int i = 0; i < 4; i++) {
        if (accept(r, sized[i])) {
            return ps_type_sized(arena, (ps_type_kind)(PS_TYPE_CHAR + i),
                                 number_in_parentheses(r, 1, &second), true);
        }
    }
    static const char *const times[] = {"TIME", "TIMESTAMP", "TIMESTAMP_LTZ"};
    for (int i = 0; i < 3; i++) {
        if (accept(r, times[i])) {
            return ps_type_time(arena, (ps_type_kind)(PS_TYPE_TIME + i),
                                number_in_parentheses(r, i == 0 ? 0 : 6, &second), true);
        }
    }
    static const char *const nested[] = {"ROW", "ARRAY", "MAP"};
    for (int i = 0; i < 3; i++) {
        if (accept(r, nested[i])) {
            return read_nested(r, (ps_type_kind)(PS_TYPE_ROW + i));
        }
    }
    fail_msg("no type: %s", r->at);
    return NULL;
}

static const ps_type *read_type(reader *r)
{
    const ps_type *type = read_plain_type(r);
    if (accept(r, "NOT")) {
        assert_true(accept(r, "NULL"));
        type = ps_type_with_nullable(&r->fixture->arena, type, false);
    }
    return type;
}

const ps_type *expr_fixture_type(expr_fixture *fixture, const char *text)
{
    reader r = {fixture, text};
    return read_type(&r);
}

/* ── expressions ── */

static const ps_expr *read_expr(reader *r);

static const ps_expr *literal(reader *r, const ps_type *type, ps_value value)
{
    expr_fixture *f = r->fixture;
    if (!f->literals_are_columns || type->kind == PS_TYPE_NULL) {
        return ps_expr_constant(&f->context, type, value);
    }
    assert_true(f->literal_count < 64);
    f->literals[f->literal_count] = value;
    f->literal_types[f->literal_count] = type;
    return ps_expr_column(&f->context, f->literal_count++, type);
}

static ps_slice read_quoted(reader *r)
{
    char *out = ps_arena_take(&r->fixture->arena, strlen(r->at) + 1);
    size_t size = 0;
    for (r->at++; *r->at != '\'' || r->at[1] == '\''; r->at++) {
        r->at += *r->at == '\'';
        out[size++] = *r->at;
    }
    r->at++;
    return ps_slice_of(out, size);
}

static const ps_expr *read_text(reader *r)
{
    ps_slice text = read_quoted(r);
    int32_t length = 0;
    for (size_t i = 0; i < text.size; i++) {
        length += ((uint8_t)text.data[i] & 0xC0) != 0x80;
    }
    return literal(r,
                   ps_type_sized(&r->fixture->arena, PS_TYPE_CHAR, length > 0 ? length : 1, false),
                   (ps_value){.text = text});
}

static const ps_expr *read_bytes(reader *r)
{
    r->at++;
    ps_slice hex = read_quoted(r);
    char *out = ps_arena_take(&r->fixture->arena, hex.size / 2 + 1);
    assert_true(ps_hex_decode(hex, out, hex.size / 2));
    return literal(
        r, ps_type_sized(&r->fixture->arena, PS_TYPE_BINARY, (int32_t)(hex.size / 2), false),
        (ps_value){.text = ps_slice_of(out, hex.size / 2)});
}

static const ps_expr *read_number(reader *r)
{
    ps_arena *arena = &r->fixture->arena;
    size_t size = strspn(r->at, "-0123456789.eE+");
    ps_slice text = ps_slice_of(r->at, size);
    r->at += size;
    char *copy = ps_arena_copy(arena, text.data, text.size);
    if (strchr(copy, 'e') != NULL) {
        return literal(r, ps_type_simple(arena, PS_TYPE_DOUBLE, false),
                       (ps_value){.f64 = strtod(copy, NULL)});
    }
    const char *dot = strchr(copy, '.');
    if (dot == NULL) {
        bool is_big = *r->at == 'L';
        r->at += is_big;
        return literal(r, ps_type_simple(arena, is_big ? PS_TYPE_BIGINT : PS_TYPE_INT, false),
                       (ps_value){.i64 = strtoll(copy, NULL, 10)});
    }
    int scale = (int)strlen(dot + 1), precision = (int)size - 1 - (copy[0] == '-');
    ps_i128 unscaled = 0;
    assert_true(ps_decimal_from_text(text, 38, scale, &unscaled));
    const ps_type *type = ps_type_decimal(arena, precision, scale, false);
    ps_value value = {.is_null = false};
    if (ps_type_phys(type) == PS_PHYS_I64) {
        value.i64 = (int64_t)unscaled;
    } else {
        value.i128 = unscaled;
    }
    return literal(r, type, value);
}

static const ps_expr *finish_cast(reader *r, const ps_expr *argument, bool is_try)
{
    expr_fixture *f = r->fixture;
    assert_true(accept(r, "["));
    const ps_type *type = read_type(r);
    assert_true(accept(r, "]") && accept(r, ")"));
    const ps_expr *out = NULL;
    return ps_expr_cast(&f->context, argument, type, is_try, &out, &f->err) == PS_OK ? out : NULL;
}

static const char *read_name(reader *r)
{
    skip_blanks(r);
    bool is_quoted = *r->at == '"';
    const char *start = r->at + is_quoted;
    size_t size = is_quoted ? (size_t)(strchr(start, '"') - start) : strcspn(start, " )");
    r->at = start + size + is_quoted;
    return ps_arena_copy(&r->fixture->arena, start, size);
}

static const ps_expr *read_call(reader *r)
{
    expr_fixture *f = r->fixture;
    const char *name = read_name(r);
    const ps_expr *arguments[32], *out = NULL;
    uint32_t count = 0;
    bool is_cast = strcmp(name, "CAST") == 0, is_try = strcmp(name, "TRY_CAST") == 0;
    while (!accept(r, ")")) {
        arguments[count] = read_expr(r);
        if (arguments[count++] == NULL) {
            return NULL;
        }
        if (is_cast || is_try) {
            return finish_cast(r, arguments[0], is_try);
        }
        if (strcmp(name, "FIELD") == 0) {
            skip_blanks(r);
            uint32_t field = (uint32_t)strtoul(r->at, NULL, 10);
            r->at += strcspn(r->at, ")");
            assert_true(accept(r, ")"));
            return ps_expr_field(&f->context, arguments[0], field, &out, &f->err) == PS_OK ? out
                                                                                           : NULL;
        }
    }
    return ps_expr_call(&f->context, name, count, arguments, &out, &f->err) == PS_OK ? out : NULL;
}

/* `'text' stays a constant even where literals become columns */
static const ps_expr *read_kept(reader *r)
{
    bool columns = r->fixture->literals_are_columns;
    r->at++;
    r->fixture->literals_are_columns = false;
    const ps_expr *expr = read_expr(r);
    r->fixture->literals_are_columns = columns;
    return expr;
}

static const ps_expr *read_expr(reader *r)
{
    expr_fixture *f = r->fixture;
    skip_blanks(r);
    if (*r->at == '`') {
        return read_kept(r);
    }
    if (accept(r, "(")) {
        return read_call(r);
    }
    if (*r->at == '\'') {
        return read_text(r);
    }
    if (r->at[0] == 'X' && r->at[1] == '\'') {
        return read_bytes(r);
    }
    if (accept(r, "TRUE") || accept(r, "FALSE")) {
        bool value = r->at[-1] == 'E' && r->at[-2] == 'U';
        return literal(r, ps_type_with_nullable(&f->arena, &ps_type_boolean, false),
                       (ps_value){.i64 = value});
    }
    if (accept(r, "NULL")) {
        return literal(r, &ps_type_null, (ps_value){.is_null = true});
    }
    if (r->at[0] == 'c' && isdigit((unsigned char)r->at[1])) {
        char *end = NULL;
        uint32_t column = (uint32_t)strtoul(r->at + 1, &end, 10);
        r->at = end;
        return ps_expr_column(&f->context, column, f->column_types[column]);
    }
    return read_number(r);
}

const ps_expr *expr_fixture_read(expr_fixture *fixture, const char *text)
{
    reader r = {fixture, text};
    const ps_expr *expr = read_expr(&r);
    skip_blanks(&r);
    if (expr != NULL && *r.at != '\0') {
        fail_msg("cannot read: %s", r.at);
    }
    return expr;
}

/* ── evaluation ── */

static const char *text_of(expr_fixture *f, const ps_type *type, const ps_value *value)
{
    ps_buf buf;
    ps_buf_init(&buf, 1 << 20);
    if (value->is_null) {
        ps_buf_append_text(&buf, "NULL");
    } else {
        ps_value_print(type, value, PS_FORM_PLAIN, &buf);
    }
    const char *text = ps_arena_copy(&f->arena, buf.data, buf.size);
    ps_buf_release(&buf);
    return text;
}

static const char *type_text(expr_fixture *f, const ps_type *type)
{
    ps_buf buf;
    ps_buf_init(&buf, 1 << 20);
    ps_type_print(type, &buf);
    const char *text = ps_arena_copy(&f->arena, buf.data, buf.size);
    ps_buf_release(&buf);
    return text;
}

/* A batch whose columns are the literals, in every row the same; literals with NULL have it. */
static ps_batch literal_batch(expr_fixture *f)
{
    uint32_t count = f->literal_count;
    const ps_type **types = ps_arena_take(&f->arena, (count + 1) * sizeof *types);
    ps_batch batch = {.row_count = ROWS, .column_count = count};
    batch.columns = ps_arena_take(&f->arena, (count + 1) * sizeof *batch.columns);
    batch.watermarks = ps_arena_take(&f->arena, ROWS * sizeof(int64_t));
    batch.sequences = ps_arena_take(&f->arena, ROWS * sizeof(uint64_t));
    for (uint32_t i = 0; i < count; i++) {
        types[i] = f->literal_types[i];
        uint32_t size = ps_phys_size(ps_type_phys(types[i]));
        char *values = ps_arena_take(&f->arena, (size_t)ROWS * size);
        for (uint32_t row = 0; row < ROWS; row++) {
            memcpy(values + (size_t)row * size, &f->literals[i].i64, size);
        }
        batch.columns[i].values = values;
    }
    return batch;
}

static const char *run_over_columns(expr_fixture *f, const ps_expr *expr)
{
    ps_program *program = NULL;
    ps_column column;
    ps_program_clock clock = {.now_ms = 1000, .query_start_ms = 1000};
    uint32_t row = 0;
    ps_batch batch = literal_batch(f);
    if (ps_program_new(&f->context, 1, &expr, &program, &f->err) != PS_OK) {
        return ps_arena_print(&f->arena, "error: %s", f->err.text);
    }
    const char *text = NULL;
    for (int round = 0; round < 2; round++) { /* the second run uses the memory of the first */
        if (ps_program_run(program, &(ps_program_rows){&batch, FROM, TO, &clock}, &column, &row,
                           &f->err) != PS_OK) {
            assert_int_equal(row, FROM);
            text = ps_arena_print(&f->arena, "error: %s", f->err.text);
            break;
        }
        ps_value first = ps_column_value(&column, ps_type_phys(expr->type), 0);
        text = text_of(f, expr->type, &first);
        for (uint32_t i = 1; i < TO - FROM; i++) {
            ps_value value = ps_column_value(&column, ps_type_phys(expr->type), i);
            assert_string_equal(text_of(f, expr->type, &value), text);
        }
    }
    ps_program_free(program);
    return text;
}

const char *expr_fixture_evaluate(expr_fixture *fixture, const char *text, bool folded,
                                  const char **out_type)
{
    fixture->literals_are_columns = !folded;
    fixture->literal_count = 0;
    const ps_expr *expr = expr_fixture_read(fixture, text);
    *out_type = "";
    if (expr == NULL) {
        return ps_arena_print(&fixture->arena, "error: %s", fixture->err.text);
    }
    *out_type = type_text(fixture, expr->type);
    if (!folded) {
        return run_over_columns(fixture, expr);
    }
    ps_value value;
    if (ps_expr_evaluate(&fixture->context, expr, &value, &fixture->err) != PS_OK) {
        return ps_arena_print(&fixture->arena, "error: %s", fixture->err.text);
    }
    return text_of(fixture, expr->type, &value);
}

static bool check_case(const expr_case *c, bool folded)
{
    expr_fixture fixture;
    expr_fixture_init(&fixture);
    const char *type = NULL;
    const char *value = expr_fixture_evaluate(&fixture, c->expr, folded, &type);
    bool same = strcmp(c->value, "error") == 0 ? strncmp(value, "error: ", 7) == 0
                                               : strcmp(value, c->value) == 0;
    same = same && (c->type == NULL || strcmp(type, c->type) == 0);
    if (!same) {
        print_error("%s (%s)\n  is       %s | %s\n  expected %s | %s\n", c->expr,
                    folded ? "folded" : "columns", type, value, c->type != NULL ? c->type : "*",
                    c->value);
    }
    expr_fixture_release(&fixture);
    return same;
}

void expr_check_cases(const expr_case *cases, size_t count)
{
    size_t failed = 0;
    for (size_t i = 0; i < count; i++) {
        failed += check_case(&cases[i], true) ? 0 : 1;
        failed += check_case(&cases[i], false) ? 0 : 1;
    }
    assert_int_equal(failed, 0);
}
