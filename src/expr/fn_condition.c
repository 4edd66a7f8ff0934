/* CASE, COALESCE, IF, NULLIF, IFNULL, GREATEST, LEAST. */
#include "expr/program_internal.h"

/* ── choosing between vectors ── */

static void copy_row(ps_vector *out, const ps_vector *from, uint32_t row)
{
    switch (out->repr) {
    case PS_REPR_I64:
        out->column.i64[row] = from->constant != NULL ? from->constant->i64 : from->column.i64[row];
        return;
    case PS_REPR_F64:
        out->column.f64[row] = from->constant != NULL ? from->constant->f64 : from->column.f64[row];
        return;
    case PS_REPR_I128:
        out->column.i128[row] =
            from->constant != NULL ? from->constant->i128 : from->column.i128[row];
        return;
    case PS_REPR_TEXT:
        out->column.text[row] =
            from->constant != NULL ? from->constant->text : from->column.text[row];
        return;
    case PS_REPR_BITS:
        return;
    }
}

static bool is_null_constant(const ps_vector *vector)
{
    return vector->constant != NULL && vector->constant->is_null;
}

static uint64_t valid_word(const ps_vector *vector, uint32_t w)
{
    if (vector->constant != NULL) {
        return vector->constant->is_null ? 0 : UINT64_MAX;
    }
    return vector->column.valid != NULL ? vector->column.valid[w] : UINT64_MAX;
}

/* The rows of `taken` get the values of `from`; word w. */
static void take_word(ps_step *step, const ps_run *run, const ps_vector *from, uint32_t w,
                      uint64_t taken)
{
    ps_vector *out = step->out;
    if (step->mask != NULL) {
        taken &= step->mask->bits[w];
    }
    if (run->count - w * 64 < 64) {
        taken &= (1ULL << (run->count - w * 64)) - 1;
    }
    out->valid_memory[w] |= taken & valid_word(from, w);
    if (out->repr == PS_REPR_BITS) {
        out->bits[w] |= taken & from->bits[w];
        return;
    }
    if (is_null_constant(from)) {
        return;
    }
    if (taken == UINT64_MAX && from->constant == NULL) {
        size_t size = ps_phys_size((ps_phys)out->repr);
        memcpy((char *)out->column.values + w * 64 * size,
               (const char *)from->column.values + w * 64 * size, 64 * size);
        return;
    }
    for (; taken != 0; taken &= taken - 1) {
        copy_row(out, from, w * 64 + (uint32_t)__builtin_ctzll(taken));
    }
}

static void begin_choice(ps_step *step, const ps_run *run)
{
    ps_vector *out = step->out;
    memset(out->valid_memory, 0, run->words * sizeof(uint64_t));
    out->column.valid = out->valid_memory;
    if (out->repr == PS_REPR_BITS) {
        memset(out->bits, 0, run->words * sizeof(uint64_t));
    } else if (out->repr == PS_REPR_TEXT) {
        memset(out->column.text, 0, run->count * sizeof(ps_slice));
    }
}

ps_code ps_kernel_case(ps_step *step, ps_run *run)
{
    uint32_t last = step->argument_count - 1;
    begin_choice(step, run);
    for (uint32_t w = 0; w < run->words; w++) {
        uint64_t open = UINT64_MAX;
        for (uint32_t i = 0; i < last && open != 0; i += 2) {
            const ps_vector *condition = step->arguments[i];
            uint64_t taken = open & condition->bits[w] & valid_word(condition, w);
            open &= ~taken;
            if (taken != 0) {
                take_word(step, run, step->arguments[i + 1], w, taken);
            }
        }
        if (open != 0) {
            take_word(step, run, step->arguments[last], w, open);
        }
    }
    return PS_OK;
}

ps_code ps_kernel_coalesce(ps_step *step, ps_run *run)
{
    begin_choice(step, run);
    for (uint32_t w = 0; w < run->words; w++) {
        uint64_t open = UINT64_MAX;
        for (uint32_t i = 0; i < step->argument_count && open != 0; i++) {
            uint64_t taken = open & valid_word(step->arguments[i], w);
            open &= ~taken;
            if (taken != 0) {
                take_word(step, run, step->arguments[i], w, taken);
            }
        }
    }
    return PS_OK;
}

/* ── resolving ── */

static ps_code check_condition(ps_resolution *r, uint32_t index)
{
    ps_type_kind kind = r->arguments[index]->type->kind;
    if (kind != PS_TYPE_BOOLEAN && kind != PS_TYPE_NULL) {
        return ps_resolution_mismatch(r);
    }
    return ps_resolution_coerce(r, index, &ps_type_boolean);
}

static ps_code mixed_types(const ps_resolution *r)
{
    return ps_error_set(r->err, PS_E_INVALID, "%s: its values have no common type; use CAST",
                        r->function->entry.name);
}

static ps_code all_null(const ps_resolution *r)
{
    return ps_error_set(r->err, PS_E_INVALID, "%s: at least one of its values must not be NULL",
                        r->function->entry.name);
}

/* The common type of the values of a CASE: arguments 1, 3, 5 … and the last. */
static const ps_type *case_type(const ps_resolution *r)
{
    const ps_type *type = r->arguments[r->count - 1]->type;
    for (uint32_t i = 1; i < r->count && type != NULL; i += 2) {
        type = ps_type_common(r->context->arena, r->arguments[i]->type, type);
    }
    return type;
}

/* Only branches that can be reached remain: a constant condition is decided here. */
static void drop_decided(ps_resolution *r)
{
    uint32_t kept = 0, last = r->count - 1;
    for (uint32_t i = 0; i < last; i += 2) {
        const ps_expr *condition = r->arguments[i];
        bool is_constant = condition->kind == PS_EXPR_CONSTANT;
        if (is_constant && (condition->constant.is_null || condition->constant.i64 == 0)) {
            continue;
        }
        if (is_constant) {
            r->arguments[kept++] = r->arguments[i + 1];
            r->count = kept;
            return;
        }
        r->arguments[kept++] = condition;
        r->arguments[kept++] = r->arguments[i + 1];
    }
    r->arguments[kept++] = r->arguments[last];
    r->count = kept;
}

/* The value alone, with the type that the whole has. */
static ps_code rewrite_as(ps_resolution *r, const ps_expr *value)
{
    ps_type_kind kind = r->type->kind;
    if (value->kind == PS_EXPR_CONSTANT && kind != PS_TYPE_NULL) {
        r->rewritten = ps_expr_constant(r->context, r->type, value->constant);
        return r->rewritten != NULL ? PS_OK : ps_expr_no_memory(r->err);
    }
    r->rewritten = value;
    return PS_OK;
}

static ps_code resolve_case_typed(ps_resolution *r, const ps_type *type)
{
    if (type == NULL) {
        return mixed_types(r);
    }
    if (type->kind == PS_TYPE_NULL) {
        return all_null(r);
    }
    r->type = type;
    for (uint32_t i = 0; i + 1 < r->count; i += 2) {
        ps_code code = check_condition(r, i);
        if (code != PS_OK) {
            return code;
        }
    }
    for (uint32_t i = 1; i <= r->count; i += 2) {
        uint32_t index = i < r->count ? i : r->count - 1;
        ps_code code = ps_resolution_coerce(r, index, type);
        if (code != PS_OK) {
            return mixed_types(r);
        }
    }
    drop_decided(r);
    return r->count == 1 ? rewrite_as(r, r->arguments[0]) : PS_OK;
}

static ps_code resolve_case(ps_resolution *r)
{
    if (r->count < 3 || r->count % 2 == 0) {
        return ps_resolution_mismatch(r);
    }
    return resolve_case_typed(r, case_type(r));
}

static ps_code as_case(ps_resolution *r)
{
    if (r->rewritten != NULL) {
        return PS_OK;
    }
    r->rewritten =
        ps_expr_make_call(r->context, ps_function_find("CASE"), r->type, r->count, r->arguments);
    return r->rewritten != NULL ? PS_OK : ps_expr_no_memory(r->err);
}

/* IF(c, a, b): nullable when the condition is, as in Flink. */
static ps_code resolve_if(ps_resolution *r)
{
    if (r->count != 3) {
        return ps_resolution_mismatch(r);
    }
    bool nullable = ps_resolution_any_nullable(r);
    const ps_type *type = case_type(r);
    type = type != NULL ? ps_type_with_nullable(r->context->arena, type, nullable) : NULL;
    ps_code code = resolve_case_typed(r, type);
    return code != PS_OK ? code : as_case(r);
}

/* NULLIF(a, b): CASE WHEN a = b THEN NULL ELSE a END. */
static ps_code resolve_nullif(ps_resolution *r)
{
    if (r->count != 2) {
        return ps_resolution_mismatch(r);
    }
    const ps_expr *a = r->arguments[0], *equal = NULL;
    ps_code code = ps_expr_call(r->context, "=", 2, r->arguments, &equal, r->err);
    if (code != PS_OK) {
        return code;
    }
    const ps_type *type = ps_type_with_nullable(r->context->arena, a->type, true);
    const ps_expr **parts = ps_arena_take(r->context->arena, 3 * sizeof *parts);
    if (type == NULL || parts == NULL) {
        return ps_expr_no_memory(r->err);
    }
    parts[0] = equal;
    parts[1] = ps_expr_constant(r->context, type, (ps_value){.is_null = true});
    parts[2] = a;
    if (parts[1] == NULL) {
        return ps_expr_no_memory(r->err);
    }
    r->arguments = parts;
    r->count = 3;
    code = resolve_case_typed(r, type);
    return code != PS_OK ? code : as_case(r);
}

static bool all_nullable(const ps_resolution *r)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (!r->arguments[i]->type->nullable) {
            return false;
        }
    }
    return true;
}

static ps_code resolve_coalesce(ps_resolution *r)
{
    if (r->count == 0 || (r->count != 2 && strcmp(r->function->entry.name, "IFNULL") == 0)) {
        return ps_resolution_mismatch(r);
    }
    const ps_type *type = ps_resolution_common(r, 0, 1);
    if (type == NULL) {
        return mixed_types(r);
    }
    if (type->kind == PS_TYPE_NULL) {
        return all_null(r);
    }
    type = ps_type_with_nullable(r->context->arena, type, all_nullable(r));
    ps_code code = ps_resolution_type(r, type);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < r->count && code == PS_OK; i++) {
        code = ps_resolution_coerce(r, i, type);
        if (code == PS_OK && !ps_expr_is_null_constant(r->arguments[i])) {
            r->arguments[kept++] = r->arguments[i];
            /* what stands behind a value that is always there is never reached */
            r->count = r->arguments[i]->kind == PS_EXPR_CONSTANT ? i + 1 : r->count;
        }
    }
    if (code != PS_OK) {
        return code;
    }
    if (kept == 0) {
        return rewrite_as(r, r->arguments[0]);
    }
    r->count = kept;
    return kept == 1 && r->arguments[0]->kind == PS_EXPR_CONSTANT ? rewrite_as(r, r->arguments[0])
                                                                  : PS_OK;
}

/* ── GREATEST, LEAST ── */

static ps_code row_extreme(ps_call *call, const ps_value *arguments, ps_value *out)
{
    *out = arguments[0];
    for (uint32_t i = 1; i < call->step->argument_count; i++) {
        int order = ps_value_compare(call->step->type, &arguments[i], out);
        if (call->step->number[0] != 0 ? order > 0 : order < 0) {
            *out = arguments[i];
        }
    }
    return PS_OK;
}

static ps_code prepare_extreme(ps_preparation *p)
{
    p->step->number[0] = strcmp(p->step->function->entry.name, "GREATEST") == 0;
    return PS_OK;
}

static ps_code resolve_extreme(ps_resolution *r)
{
    const ps_type *type = r->count > 0 ? ps_resolution_common(r, 0, 1) : NULL;
    if (type == NULL || ps_type_is_nested(type)) {
        return ps_resolution_mismatch(r);
    }
    for (uint32_t i = 0; i < r->count; i++) {
        ps_code code = ps_resolution_coerce(r, i, type);
        if (code != PS_OK) {
            return code;
        }
    }
    return ps_resolution_type(r, type);
}

#define CONDITION(NAME, SIGNATURE, SUMMARY) .entry = {NAME, SIGNATURE, SUMMARY, "Conditions", true}

static const ps_function functions[] = {
    {CONDITION("CASE", "CASE WHEN BOOLEAN THEN T … ELSE T END → T",
               "The value behind the first condition that is TRUE; NULL without ELSE."),
     .resolve = resolve_case, .flags = PS_TAKES_NULL, .form = PS_FORM_CASE},
    {CONDITION("IF", "IF(BOOLEAN, T, T) → T",
               "The second argument where the condition is TRUE, else the third."),
     .resolve = resolve_if, .form = PS_FORM_CASE},
    {CONDITION("COALESCE", "COALESCE(T, …) → T", "The first argument that is not NULL."),
     .resolve = resolve_coalesce, .flags = PS_TAKES_NULL, .form = PS_FORM_COALESCE},
    {CONDITION("IFNULL", "IFNULL(T, T) → T", "The first argument, or the second where it is NULL."),
     .resolve = resolve_coalesce, .flags = PS_TAKES_NULL, .form = PS_FORM_COALESCE},
    {CONDITION("NULLIF", "NULLIF(T, T) → T", "NULL where both are equal, else the first."),
     .resolve = resolve_nullif, .flags = PS_TAKES_NULL, .form = PS_FORM_CASE},
    {CONDITION("GREATEST", "GREATEST(T, …) → T", "The greatest argument; NULL when one is NULL."),
     .resolve = resolve_extreme, .row = row_extreme, .prepare = prepare_extreme},
    {CONDITION("LEAST", "LEAST(T, …) → T", "The least argument; NULL when one is NULL."),
     .resolve = resolve_extreme, .row = row_extreme, .prepare = prepare_extreme},
};

const ps_function_family ps_family_condition = {functions, sizeof functions / sizeof functions[0]};
