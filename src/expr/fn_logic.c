/* AND, OR, NOT and the tests of BOOLEAN: three-valued logic on bitmaps, 64 rows at a time. */
#include "expr/program_internal.h"

/* TRUE rows: bits & valid; FALSE rows: ~bits & valid. */
static inline uint64_t true_word(const ps_vector *v, uint32_t w)
{
    return v->column.valid != NULL ? v->bits[w] & v->column.valid[w] : v->bits[w];
}
static inline uint64_t false_word(const ps_vector *v, uint32_t w)
{
    return v->column.valid != NULL ? ~v->bits[w] & v->column.valid[w] : ~v->bits[w];
}

static bool has_validity(const ps_step *step)
{
    for (uint32_t i = 0; i < step->argument_count; i++) {
        if (step->arguments[i]->column.valid != NULL) {
            return true;
        }
    }
    return false;
}

ps_code ps_kernel_and(ps_step *step, ps_run *run)
{
    ps_vector *out = step->out;
    for (uint32_t w = 0; w < run->words; w++) {
        uint64_t all_true = UINT64_MAX, any_false = 0;
        for (uint32_t i = 0; i < step->argument_count; i++) {
            all_true &= true_word(step->arguments[i], w);
            any_false |= false_word(step->arguments[i], w);
        }
        out->bits[w] = all_true;
        out->valid_memory[w] = all_true | any_false;
    }
    out->column.valid = has_validity(step) ? out->valid_memory : NULL;
    return PS_OK;
}

ps_code ps_kernel_or(ps_step *step, ps_run *run)
{
    ps_vector *out = step->out;
    for (uint32_t w = 0; w < run->words; w++) {
        uint64_t any_true = 0, all_false = UINT64_MAX;
        for (uint32_t i = 0; i < step->argument_count; i++) {
            any_true |= true_word(step->arguments[i], w);
            all_false &= false_word(step->arguments[i], w);
        }
        out->bits[w] = any_true;
        out->valid_memory[w] = any_true | all_false;
    }
    out->column.valid = has_validity(step) ? out->valid_memory : NULL;
    return PS_OK;
}

static ps_code kernel_not(ps_step *step, ps_run *run)
{
    ps_step_join_valid(step, run);
    for (uint32_t w = 0; w < run->words; w++) {
        step->out->bits[w] = ~step->arguments[0]->bits[w];
    }
    return PS_OK;
}

static ps_code prepare_not(ps_preparation *p)
{
    p->step->kernel = kernel_not;
    return PS_OK;
}

/* ── IS … ── */

typedef enum { IS_TRUE, IS_FALSE, IS_NULL } truth_test;

static ps_code kernel_is(ps_step *step, ps_run *run)
{
    const ps_vector *argument = step->arguments[0];
    const uint64_t *valid = argument->column.valid;
    uint64_t flip = step->number[1] != 0 ? UINT64_MAX : 0;
    step->out->column.valid = NULL;
    for (uint32_t w = 0; w < run->words; w++) {
        uint64_t word = 0;
        switch ((truth_test)step->number[0]) {
        case IS_TRUE:
            word = true_word(argument, w);
            break;
        case IS_FALSE:
            word = false_word(argument, w);
            break;
        case IS_NULL:
            word = valid != NULL ? ~valid[w] : 0;
            break;
        }
        step->out->bits[w] = word ^ flip;
    }
    return PS_OK;
}

static ps_code prepare_is(ps_preparation *p)
{
    const char *name = p->step->function->entry.name + strlen("IS ");
    bool negated = strncmp(name, "NOT ", 4) == 0;
    name += negated ? 4 : 0;
    p->step->kernel = kernel_is;
    p->step->number[0] = strcmp(name, "TRUE") == 0    ? IS_TRUE
                         : strcmp(name, "FALSE") == 0 ? IS_FALSE
                                                      : IS_NULL;
    p->step->number[1] = negated ? 1 : 0;
    return PS_OK;
}

/* ── resolving AND and OR: flat, without what changes nothing ── */

static bool is_boolean_constant(const ps_expr *expr, bool value)
{
    return expr->kind == PS_EXPR_CONSTANT && !expr->constant.is_null &&
           (expr->constant.i64 != 0) == value;
}

static uint32_t flat_count(const ps_resolution *r)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < r->count; i++) {
        const ps_expr *e = r->arguments[i];
        count += e->kind == PS_EXPR_CALL && e->function == r->function ? e->argument_count : 1;
    }
    return count;
}

/* a AND (b AND c) is one call of three. */
static ps_code flatten(ps_resolution *r)
{
    uint32_t count = flat_count(r), at = 0;
    if (count == r->count || count > PS_ARGUMENTS_MAX) {
        return PS_OK;
    }
    const ps_expr **flat = ps_arena_take(r->context->arena, count * sizeof *flat);
    if (flat == NULL) {
        return ps_expr_no_memory(r->err);
    }
    for (uint32_t i = 0; i < r->count; i++) {
        const ps_expr *e = r->arguments[i];
        if (e->kind != PS_EXPR_CALL || e->function != r->function) {
            flat[at++] = e;
            continue;
        }
        for (uint32_t k = 0; k < e->argument_count; k++) {
            flat[at++] = e->arguments[k];
        }
    }
    r->arguments = flat;
    r->count = count;
    return PS_OK;
}

/* The constant, with the nullability that the whole has. */
static ps_code decided(ps_resolution *r, const ps_expr *constant, bool nullable)
{
    const ps_type *type = ps_type_with_nullable(r->context->arena, &ps_type_boolean, nullable);
    r->rewritten = type != NULL ? ps_expr_constant(r->context, type, constant->constant) : NULL;
    return r->rewritten != NULL ? PS_OK : ps_expr_no_memory(r->err);
}

/* TRUE in AND says nothing and goes; FALSE decides. The other way round in OR. */
static ps_code simplify(ps_resolution *r, bool neutral)
{
    uint32_t kept = 0;
    bool nullable = ps_resolution_any_nullable(r);
    for (uint32_t i = 0; i < r->count; i++) {
        if (is_boolean_constant(r->arguments[i], !neutral) && kept == 0) {
            /* nothing that may fail stands before it */
            return decided(r, r->arguments[i], nullable);
        }
        if (!is_boolean_constant(r->arguments[i], neutral)) {
            r->arguments[kept++] = r->arguments[i];
        }
    }
    if (kept <= 1) {
        r->rewritten = kept == 1 ? r->arguments[0] : r->arguments[r->count - 1];
        return PS_OK;
    }
    r->count = kept;
    return ps_resolution_set(r, PS_TYPE_BOOLEAN, nullable);
}

static ps_code resolve_and_or(ps_resolution *r)
{
    if (r->count == 0) {
        return ps_resolution_mismatch(r);
    }
    for (uint32_t i = 0; i < r->count; i++) {
        ps_type_kind kind = r->arguments[i]->type->kind;
        if (kind != PS_TYPE_BOOLEAN && kind != PS_TYPE_NULL) {
            return ps_resolution_mismatch(r);
        }
        ps_code code = ps_resolution_coerce(r, i, &ps_type_boolean);
        if (code != PS_OK) {
            return code;
        }
    }
    ps_code code = flatten(r);
    return code != PS_OK ? code : simplify(r, r->function->form == PS_FORM_AND);
}

#define LOGIC(NAME, SIGNATURE, SUMMARY) .entry = {NAME, SIGNATURE, SUMMARY, "Logic", true}

static const ps_function functions[] = {
    {LOGIC("AND", "BOOLEAN AND BOOLEAN → BOOLEAN",
           "TRUE when both are; FALSE when one is; the right side is not evaluated where the left "
           "is FALSE."),
     .resolve = resolve_and_or, .form = PS_FORM_AND},
    {LOGIC("OR", "BOOLEAN OR BOOLEAN → BOOLEAN",
           "TRUE when one is; FALSE when both are; the right side is not evaluated where the left "
           "is TRUE."),
     .resolve = resolve_and_or, .form = PS_FORM_OR},
    {LOGIC("NOT", "NOT BOOLEAN → BOOLEAN", "The opposite; NULL of NULL."), .pattern = "b>b",
     .prepare = prepare_not},
    {LOGIC("IS TRUE", "BOOLEAN IS TRUE → BOOLEAN", "TRUE for TRUE, FALSE for FALSE and NULL."),
     .pattern = "b>b!", .prepare = prepare_is, .flags = PS_IS_LENIENT},
    {LOGIC("IS NOT TRUE", "BOOLEAN IS NOT TRUE → BOOLEAN", "TRUE for FALSE and NULL."),
     .pattern = "b>b!", .prepare = prepare_is, .flags = PS_IS_LENIENT},
    {LOGIC("IS FALSE", "BOOLEAN IS FALSE → BOOLEAN", "TRUE for FALSE, FALSE for TRUE and NULL."),
     .pattern = "b>b!", .prepare = prepare_is, .flags = PS_IS_LENIENT},
    {LOGIC("IS NOT FALSE", "BOOLEAN IS NOT FALSE → BOOLEAN", "TRUE for TRUE and NULL."),
     .pattern = "b>b!", .prepare = prepare_is, .flags = PS_IS_LENIENT},
    {LOGIC("IS UNKNOWN", "BOOLEAN IS UNKNOWN → BOOLEAN", "TRUE for NULL."), .pattern = "b>b!",
     .prepare = prepare_is, .flags = PS_IS_LENIENT},
    {LOGIC("IS NOT UNKNOWN", "BOOLEAN IS NOT UNKNOWN → BOOLEAN", "TRUE for TRUE and FALSE."),
     .pattern = "b>b!", .prepare = prepare_is, .flags = PS_IS_LENIENT},
    {LOGIC("IS NULL", "ANY IS NULL → BOOLEAN", "TRUE for NULL; FALSE for every value."),
     .pattern = "x>b!", .prepare = prepare_is, .flags = PS_IS_LENIENT | PS_TAKES_NULL},
    {LOGIC("IS NOT NULL", "ANY IS NOT NULL → BOOLEAN", "TRUE for every value; FALSE for NULL."),
     .pattern = "x>b!", .prepare = prepare_is, .flags = PS_IS_LENIENT | PS_TAKES_NULL},
};

const ps_function_family ps_family_logic = {functions, sizeof functions / sizeof functions[0]};
