/* From a name and arguments to a typed call: overloads, implicit casts, result types, folding. */
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "expr/kernel.h"
#include "expr/user_function.h"

/* ── for resolvers ── */

bool ps_resolution_any_nullable(const ps_resolution *r)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (r->arguments[i]->type->nullable) {
            return true;
        }
    }
    return false;
}

ps_code ps_resolution_mismatch(const ps_resolution *r)
{
    r->err->text[0] = '\0';
    return PS_E_INVALID;
}

ps_code ps_resolution_coerce(ps_resolution *r, uint32_t index, const ps_type *type)
{
    const ps_expr *argument = r->arguments[index];
    if (type == NULL) {
        return ps_expr_no_memory(r->err);
    }
    const ps_type *exact = ps_type_with_nullable(r->context->arena, type, argument->type->nullable);
    if (exact == NULL) {
        return ps_expr_no_memory(r->err);
    }
    return ps_expr_coerce(r->context, argument, exact, &r->arguments[index], r->err);
}

const ps_type *ps_resolution_common(const ps_resolution *r, uint32_t first, uint32_t stride)
{
    const ps_type *common = r->arguments[first]->type;
    for (uint32_t i = first + stride; i < r->count && common != NULL; i += stride) {
        common = ps_type_common(r->context->arena, common, r->arguments[i]->type);
    }
    return common;
}

ps_code ps_resolution_type(ps_resolution *r, const ps_type *type)
{
    r->type = type;
    return type != NULL ? PS_OK : ps_expr_no_memory(r->err);
}

ps_code ps_resolution_set(ps_resolution *r, ps_type_kind kind, bool nullable)
{
    return ps_resolution_type(r, ps_type_simple(r->context->arena, kind, nullable));
}

/* ── patterns ── */

static bool parameter_takes(char letter, const ps_expr *argument)
{
    const ps_type *type = argument->type;
    if (type->kind == PS_TYPE_NULL) {
        return letter != 'k';
    }
    switch (letter) {
    case 's':
        return ps_type_is_text(type);
    case 'i':
        return ps_type_is_integer(type);
    case 'n':
    case 'd':
        return ps_type_is_numeric(type);
    case 'b':
        return type->kind == PS_TYPE_BOOLEAN;
    case 'y':
        return ps_type_is_bytes(type);
    case 't':
        return ps_type_is_timestamp(type);
    case 'a':
        return type->kind == PS_TYPE_ARRAY;
    case 'k':
        return argument->kind == PS_EXPR_CONSTANT && !argument->constant.is_null &&
               ps_type_is_text(type);
    default:
        return letter == 'x';
    }
}

/* What an argument becomes for the parameter: a NULL literal gets a type, 'd' is a DOUBLE. */
static ps_code adapt(ps_resolution *r, char letter, uint32_t index)
{
    if (letter == 'd') {
        return ps_resolution_coerce(r, index, &ps_type_double);
    }
    if (letter == 'x' || r->arguments[index]->type->kind != PS_TYPE_NULL) {
        return PS_OK;
    }
    const ps_type *type = letter == 'i' || letter == 'n' ? &ps_type_int
                          : letter == 'b'                ? &ps_type_boolean
                          : letter == 'y'                ? &ps_type_bytes
                          : letter == 't'                ? &ps_type_timestamp3
                                                         : &ps_type_string;
    return ps_resolution_coerce(r, index, type);
}

static const ps_type *result_base(const ps_resolution *r, char letter)
{
    switch (letter) {
    case 's':
        return &ps_type_string;
    case 'i':
        return &ps_type_int;
    case 'l':
        return &ps_type_bigint;
    case 'd':
        return &ps_type_double;
    case 'b':
        return &ps_type_boolean;
    case 'y':
        return &ps_type_bytes;
    case 't':
        return &ps_type_timestamp3;
    case 'z':
        return &ps_type_timestamp_ltz3;
    case 'D':
        return &ps_type_date;
    case 'v':
        return ps_type_sized(r->context->arena, PS_TYPE_VARCHAR, r->arguments[0]->type->length,
                             true);
    default:
        PS_ASSERT(letter >= '1' && letter <= '9');
        return r->arguments[letter - '1']->type;
    }
}

/* Tries one overload: true when the arguments fit; *out_result is what follows the '>'. */
static bool overload_takes(const ps_resolution *r, const char *overload, const char **out_result)
{
    uint32_t index = 0;
    const char *p = overload;
    for (; *p != '>'; p++) {
        bool repeats = p[1] == '*';
        while (index < r->count && parameter_takes(*p, r->arguments[index])) {
            index++;
            if (!repeats) {
                break;
            }
        }
        if (!repeats && (index == 0 || index > r->count)) {
            return false;
        }
        if (repeats) {
            p++;
            continue;
        }
        if ((uint32_t)(p - overload) + 1 != index) {
            return false;
        }
    }
    *out_result = p + 1;
    return index == r->count;
}

static ps_code adapt_all(ps_resolution *r, const char *overload)
{
    const char *p = overload;
    for (uint32_t i = 0; i < r->count; i++) {
        ps_code code = adapt(r, *p, i);
        if (code != PS_OK) {
            return code;
        }
        p += p[1] == '*' ? 0 : 1;
    }
    return PS_OK;
}

static ps_code resolve_pattern(ps_resolution *r)
{
    const char *overload = r->function->pattern, *result = NULL;
    while (!overload_takes(r, overload, &result)) {
        overload = strchr(overload, '|');
        if (overload == NULL) {
            return ps_resolution_mismatch(r);
        }
        overload++;
    }
    bool nullable = result[1] == '?' || (result[1] != '!' && ps_resolution_any_nullable(r));
    ps_code code = adapt_all(r, overload);
    if (code != PS_OK) {
        return code;
    }
    const ps_type *base = result_base(r, result[0]);
    return ps_resolution_type(
        r, base != NULL ? ps_type_with_nullable(r->context->arena, base, nullable) : NULL);
}

/* ── errors ── */

static uint32_t distance(const char *a, const char *b)
{
    enum { LONGEST = 40 };
    uint32_t row[LONGEST + 1];
    size_t a_size = strlen(a), b_size = strlen(b);
    if (a_size > LONGEST || b_size > LONGEST) {
        return UINT32_MAX;
    }
    for (uint32_t k = 0; k <= b_size; k++) {
        row[k] = k;
    }
    for (uint32_t i = 1; i <= a_size; i++) {
        uint32_t diagonal = row[0];
        row[0] = i;
        for (uint32_t k = 1; k <= b_size; k++) {
            uint32_t same = strncasecmp(a + i - 1, b + k - 1, 1) == 0 ? 0 : 1;
            uint32_t best = diagonal + same;
            best = row[k] + 1 < best ? row[k] + 1 : best;
            best = row[k - 1] + 1 < best ? row[k - 1] + 1 : best;
            diagonal = row[k];
            row[k] = best;
        }
    }
    return row[b_size];
}

static ps_code unknown_function(const char *name, ps_error *err)
{
    const char *nearest = NULL;
    uint32_t best = 3;
    for (uint32_t i = 0; i < ps_function_count(); i++) {
        const char *candidate = ps_function_entry_at(i)->name;
        uint32_t d = distance(name, candidate);
        if (d < best) {
            best = d;
            nearest = candidate;
        }
    }
    if (nearest != NULL) {
        return ps_error_set(err, PS_E_MISSING, "there is no function %s; did you mean %s?", name,
                            nearest);
    }
    return ps_error_set(err, PS_E_MISSING, "there is no function %s", name);
}

static ps_code no_overload(const ps_resolution *r)
{
    ps_buf types;
    ps_buf_init(&types, 4096);
    for (uint32_t i = 0; i < r->count; i++) {
        ps_buf_append_text(&types, i > 0 ? ", " : "");
        ps_type_print(r->arguments[i]->type, &types);
    }
    const ps_function_entry *entry = &r->function->entry;
    ps_code code =
        ps_error_set(r->err, PS_E_INVALID, "%s cannot take (%.*s); it is %s", entry->name,
                     (int)types.size, types.size > 0 ? types.data : "", entry->signature);
    ps_buf_release(&types);
    return code;
}

/* ── folding ── */

static bool all_constant(const ps_resolution *r)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (r->arguments[i]->kind != PS_EXPR_CONSTANT) {
            return false;
        }
    }
    return true;
}

static bool any_null_constant(const ps_resolution *r)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (ps_expr_is_null_constant(r->arguments[i])) {
            return true;
        }
    }
    return false;
}

/* The constant that the call is, or the call itself. */
static ps_code fold(ps_expr_context *context, const ps_expr *call, const ps_expr **out,
                    ps_error *err)
{
    ps_value value;
    ps_error ignored;
    *out = call;
    ps_code code = ps_expr_evaluate(context, call, &value, &ignored);
    if (code == PS_E_INVALID || code == PS_E_LIMIT) {
        return PS_OK; /* it fails when it runs */
    }
    if (code != PS_OK) {
        *err = ignored;
        return code;
    }
    *out = ps_expr_constant(context, call->type, value);
    return *out != NULL ? PS_OK : ps_expr_no_memory(err);
}

static ps_code finish_call(ps_resolution *r, const ps_expr **out)
{
    const ps_function *function = r->function;
    if (r->rewritten != NULL) {
        *out = r->rewritten;
        return PS_OK;
    }
    bool strict = (function->flags & PS_IS_LENIENT) == 0 && function->form == PS_FORM_PLAIN_CALL;
    if (strict && any_null_constant(r)) {
        const ps_type *type = ps_type_with_nullable(r->context->arena, r->type, true);
        *out =
            type == NULL ? NULL : ps_expr_constant(r->context, type, (ps_value){.is_null = true});
        return *out != NULL ? PS_OK : ps_expr_no_memory(r->err);
    }
    const ps_expr *call = ps_expr_make_call(r->context, function, r->type, r->count, r->arguments);
    if (call == NULL) {
        return ps_expr_no_memory(r->err);
    }
    *out = call;
    if (!function->entry.is_deterministic || r->count == 0 || !all_constant(r) ||
        (function->flags & PS_IS_KEPT) != 0) {
        return PS_OK;
    }
    return fold(r->context, call, out, r->err);
}

static bool has_untyped_null(const ps_resolution *r)
{
    bool found = false;
    for (uint32_t i = 0; i < r->count; i++) {
        found = found || r->arguments[i]->type->kind == PS_TYPE_NULL;
    }
    return found && (r->function->flags & PS_TAKES_NULL) == 0;
}

ps_code ps_expr_call(ps_expr_context *context, const char *name, uint32_t argument_count,
                     const ps_expr *const *arguments, const ps_expr **out, ps_error *err)
{
    ps_resolution r = {.context = context, .count = argument_count, .err = err};
    r.function = ps_function_find(name);
    if (r.function == NULL) {
        const ps_user_function *user = ps_user_function_find(context->functions, name);
        r.function = user != NULL ? user->scalar : NULL;
    }
    if (r.function == NULL) {
        return unknown_function(name, err);
    }
    if (argument_count > PS_ARGUMENTS_MAX) {
        return ps_error_set(err, PS_E_LIMIT, "%s has %u arguments (at most %d)", name,
                            argument_count, PS_ARGUMENTS_MAX);
    }
    r.arguments = ps_arena_take(context->arena, (argument_count + 1) * sizeof *r.arguments);
    if (r.arguments == NULL) {
        return ps_expr_no_memory(err);
    }
    for (uint32_t i = 0; i < argument_count; i++) {
        r.arguments[i] = arguments[i];
    }
    err->text[0] = '\0';
    if (has_untyped_null(&r)) {
        return ps_error_set(err, PS_E_INVALID,
                            "illegal use of NULL in %s: it has no type here; CAST(NULL AS …) does",
                            r.function->entry.name);
    }
    ps_code code = r.function->resolve != NULL ? r.function->resolve(&r) : resolve_pattern(&r);
    if (code == PS_E_INVALID && err->text[0] == '\0') {
        return no_overload(&r);
    }
    if (code != PS_OK) {
        return code;
    }
    return finish_call(&r, out);
}

/* ── casts ── */

static ps_code cast_refused(const ps_type *from, const ps_type *to, const char *how, ps_error *err)
{
    ps_buf text;
    ps_buf_init(&text, 4096);
    ps_type_print(from, &text);
    ps_buf_append_text(&text, " to ");
    ps_type_print(to, &text);
    ps_code code = ps_error_set(err, PS_E_INVALID, "%s from %.*s", how, (int)text.size, text.data);
    ps_buf_release(&text);
    return code;
}

static ps_code make_cast(ps_expr_context *context, const ps_expr *expr, const ps_type *type,
                         const char *name, const ps_expr **out, ps_error *err)
{
    if (ps_expr_is_null_constant(expr)) {
        *out = ps_expr_constant(context, type, expr->constant);
        return *out != NULL ? PS_OK : ps_expr_no_memory(err);
    }
    const ps_expr *call = ps_expr_make_call(context, ps_function_find(name), type, 1, &expr);
    if (call == NULL) {
        return ps_expr_no_memory(err);
    }
    *out = call;
    return expr->kind == PS_EXPR_CONSTANT ? fold(context, call, out, err) : PS_OK;
}

ps_code ps_expr_cast(ps_expr_context *context, const ps_expr *expr, const ps_type *type,
                     bool is_try, const ps_expr **out, ps_error *err)
{
    if (!ps_cast_is_possible(expr->type, type, false)) {
        return cast_refused(expr->type, type, "there is no cast", err);
    }
    bool nullable = is_try || expr->type->nullable;
    const ps_type *target = ps_type_with_nullable(context->arena, type, nullable);
    if (target == NULL) {
        return ps_expr_no_memory(err);
    }
    if (ps_type_equal(expr->type, type) && expr->type->nullable == nullable) {
        *out = expr;
        return PS_OK;
    }
    return make_cast(context, expr, target, is_try ? "TRY_CAST" : "CAST", out, err);
}

ps_code ps_expr_coerce(ps_expr_context *context, const ps_expr *expr, const ps_type *type,
                       const ps_expr **out, ps_error *err)
{
    if (ps_type_equal(expr->type, type)) {
        *out = expr;
        return PS_OK;
    }
    if (!ps_cast_is_possible(expr->type, type, true)) {
        return cast_refused(expr->type, type, "an explicit CAST is needed", err);
    }
    const ps_type *target = ps_type_with_nullable(context->arena, type, expr->type->nullable);
    if (target == NULL) {
        return ps_expr_no_memory(err);
    }
    bool same_bytes = ps_type_phys(type) == PS_PHYS_TEXT && !ps_type_is_nested(type) &&
                      ps_type_phys(expr->type) == PS_PHYS_TEXT;
    return make_cast(context, expr, target, same_bytes ? "COERCE" : "CAST", out, err);
}

ps_code ps_expr_field(ps_expr_context *context, const ps_expr *row, uint32_t field,
                      const ps_expr **out, ps_error *err)
{
    if (row->type->kind != PS_TYPE_ROW || field >= row->type->child_count) {
        return ps_error_set(err, PS_E_INVALID, "there is no field %u", field);
    }
    const ps_expr *number =
        ps_expr_constant(context, &ps_type_int, (ps_value){.i64 = (int64_t)field});
    const ps_type *type =
        ps_type_with_nullable(context->arena, row->type->children[field],
                              row->type->nullable || row->type->children[field]->nullable);
    if (number == NULL || type == NULL) {
        return ps_expr_no_memory(err);
    }
    const ps_expr *arguments[] = {row, number};
    const ps_expr *call = ps_expr_make_call(context, ps_function_find("FIELD"), type, 2, arguments);
    if (call == NULL) {
        return ps_expr_no_memory(err);
    }
    *out = call;
    return row->kind == PS_EXPR_CONSTANT ? fold(context, call, out, err) : PS_OK;
}
