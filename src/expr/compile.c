/* Compiling: trees to steps, with common subexpressions found by value numbers.
 *
 * A subexpression that has been computed is used again when it was computed for at least the rows
 * that are needed now: under the same mask or one that encloses it.
 */
#include "expr/program_internal.h"

typedef struct {
    ps_program *program;
    ps_error *err;
} compiler;

static ps_vector *compile(compiler *c, const ps_expr *expr, ps_vector *mask, uint32_t depth);

static void *take(compiler *c, size_t size)
{
    void *memory = ps_arena_take(&c->program->memory, size);
    if (memory == NULL) {
        (void)ps_error_set(c->err, PS_E_MEMORY, "no memory for a program");
    }
    return memory;
}

/* ── vectors, steps ── */

static ps_vector *new_vector(compiler *c, ps_repr repr, const ps_vector *mask)
{
    size_t bitmap = ps_valid_words(c->program->capacity) * sizeof(uint64_t);
    ps_vector *vector = take(c, sizeof *vector);
    if (vector == NULL) {
        return NULL;
    }
    vector->repr = repr;
    vector->mask = mask;
    vector->valid_memory = take(c, bitmap);
    if (repr == PS_REPR_BITS) {
        vector->bits = take(c, bitmap);
    }
    return c->program != NULL && vector->valid_memory != NULL &&
                   (repr != PS_REPR_BITS || vector->bits != NULL)
               ? vector
               : NULL;
}

static bool append_step(compiler *c, ps_step *step)
{
    ps_program *p = c->program;
    if (p->step_count == p->step_room) {
        uint32_t room = p->step_room == 0 ? 16 : 2 * p->step_room;
        ps_step **steps = take(c, room * sizeof *steps);
        if (steps == NULL) {
            return false;
        }
        if (p->step_count > 0) {
            memcpy(steps, p->steps, p->step_count * sizeof *steps);
        }
        p->steps = steps;
        p->step_room = room;
    }
    p->steps[p->step_count++] = step;
    return true;
}

static ps_step *new_step(compiler *c, const ps_expr *expr, uint32_t count)
{
    ps_step *step = take(c, sizeof *step);
    ps_vector **arguments = take(c, count * sizeof *arguments);
    const ps_type **types = take(c, count * sizeof *types);
    ps_value *values = take(c, count * sizeof *values);
    uint64_t *active = take(c, ps_valid_words(c->program->capacity) * sizeof *active);
    if (step == NULL || arguments == NULL || types == NULL || values == NULL || active == NULL) {
        return NULL;
    }
    *step = (ps_step){.expr = expr,
                      .argument_count = count,
                      .arguments = arguments,
                      .row_values = values,
                      .active = active};
    if (expr != NULL) {
        step->type = expr->type;
        step->function = expr->function;
        for (uint32_t i = 0; i < count && expr->kind == PS_EXPR_CALL; i++) {
            types[i] = expr->arguments[i]->type;
        }
    }
    step->types = types;
    return step;
}

/* ── constants ── */

static bool fill_values(compiler *c, ps_vector *vector, const ps_value *value)
{
    uint32_t rows = c->program->capacity, size = ps_phys_size((ps_phys)vector->repr);
    vector->column.values = take(c, (size_t)rows * size);
    if (vector->column.values == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < rows && !value->is_null; i++) {
        switch (vector->repr) {
        case PS_REPR_I64:
            vector->column.i64[i] = value->i64;
            break;
        case PS_REPR_F64:
            vector->column.f64[i] = value->f64;
            break;
        case PS_REPR_I128:
            vector->column.i128[i] = value->i128;
            break;
        case PS_REPR_TEXT:
            vector->column.text[i] = value->text;
            break;
        case PS_REPR_BITS:
            break;
        }
    }
    return true;
}

static ps_vector *new_constant(compiler *c, const ps_expr *expr, bool spread)
{
    ps_vector *vector = new_vector(c, ps_repr_of(expr->type), NULL);
    if (vector == NULL) {
        return NULL;
    }
    if (!spread) {
        vector->constant = &expr->constant;
        return vector;
    }
    size_t bitmap = ps_valid_words(c->program->capacity) * sizeof(uint64_t);
    if (vector->repr == PS_REPR_BITS) {
        memset(vector->bits, expr->constant.i64 != 0 && !expr->constant.is_null ? 0xff : 0, bitmap);
    } else if (!fill_values(c, vector, &expr->constant)) {
        return NULL;
    }
    if (expr->constant.is_null) {
        vector->column.valid = vector->valid_memory; /* zeros */
    }
    return vector;
}

/* BOOLEAN constants are always spread: they are 128 bytes. */
static ps_vector *constant_vector(compiler *c, const ps_expr *expr, bool spread)
{
    ps_program *p = c->program;
    spread = spread || expr->type->kind == PS_TYPE_BOOLEAN;
    for (uint32_t i = 0; i < p->constant_count; i++) {
        if (p->constants[i].is_spread == spread && ps_expr_equal(p->constants[i].expr, expr)) {
            return p->constants[i].vector;
        }
    }
    if (p->constant_count == p->constant_room) {
        uint32_t room = p->constant_room == 0 ? 16 : 2 * p->constant_room;
        ps_program_constant *constants = take(c, room * sizeof *constants);
        if (constants == NULL) {
            return NULL;
        }
        if (p->constant_count > 0) {
            memcpy(constants, p->constants, p->constant_count * sizeof *constants);
        }
        p->constants = constants;
        p->constant_room = room;
    }
    ps_vector *vector = new_constant(c, expr, spread);
    if (vector != NULL) {
        p->constants[p->constant_count++] = (ps_program_constant){expr, vector, spread};
    }
    return vector;
}

/* ── columns ── */

static ps_vector *compile_column(compiler *c, const ps_expr *expr)
{
    for (uint32_t i = 0; i < c->program->step_count; i++) {
        const ps_step *step = c->program->steps[i];
        if (step->kernel == ps_kernel_load && step->number[0] == expr->column) {
            return step->out;
        }
    }
    ps_step *step = new_step(c, expr, 0);
    if (step == NULL) {
        return NULL;
    }
    step->kernel = ps_kernel_load;
    step->number[0] = expr->column;
    step->out = new_vector(c, ps_repr_of(expr->type), NULL);
    return step->out != NULL && append_step(c, step) ? step->out : NULL;
}

/* ── masks ── */

/* The mask itself or one that it narrows; NULL (all rows) encloses everything. */
static bool encloses(const ps_vector *outer, const ps_vector *mask)
{
    if (outer == NULL) {
        return true;
    }
    for (; mask != NULL; mask = mask->parent) {
        if (mask == outer) {
            return true;
        }
    }
    return false;
}

/* Computed only for a mask, when something below runs under it. */
static bool wants_mask(const ps_expr *expr)
{
    if (expr->kind != PS_EXPR_CALL) {
        return false;
    }
    if ((expr->function->flags & (PS_CAN_FAIL | PS_IS_COSTLY)) != 0) {
        return true;
    }
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        if (wants_mask(expr->arguments[i])) {
            return true;
        }
    }
    return false;
}

static bool any_wants_mask(const ps_expr *expr, uint32_t from)
{
    for (uint32_t i = from; i < expr->argument_count; i++) {
        if (wants_mask(expr->arguments[i])) {
            return true;
        }
    }
    return false;
}

static ps_vector *narrow(compiler *c, ps_vector *mask, ps_vector *condition, ps_narrowing how)
{
    for (uint32_t i = 0; i < c->program->step_count; i++) {
        const ps_step *step = c->program->steps[i];
        if (step->kernel == ps_kernel_narrow && step->mask == mask &&
            step->arguments[0] == condition && step->number[0] == (int64_t)how) {
            return step->out;
        }
    }
    ps_step *step = new_step(c, NULL, 1);
    if (step == NULL) {
        return NULL;
    }
    step->kernel = ps_kernel_narrow;
    step->arguments[0] = condition;
    step->number[0] = (int64_t)how;
    step->mask = mask;
    step->out = new_vector(c, PS_REPR_BITS, mask);
    if (step->out == NULL) {
        return NULL;
    }
    step->out->parent = mask;
    return append_step(c, step) ? step->out : NULL;
}

/* ── calls ── */

static ps_vector *find_step(const compiler *c, const ps_step *wanted, const ps_vector *mask)
{
    for (uint32_t i = 0; i < c->program->step_count; i++) {
        const ps_step *step = c->program->steps[i];
        if (step->function == wanted->function && step->argument_count == wanted->argument_count &&
            encloses(step->out->mask, mask) &&
            memcmp(step->arguments, wanted->arguments,
                   wanted->argument_count * sizeof *wanted->arguments) == 0 &&
            ps_type_equal(step->type, wanted->type)) {
            return step->out;
        }
    }
    return NULL;
}

static bool argument_has_mask(const ps_step *step)
{
    for (uint32_t i = 0; i < step->argument_count; i++) {
        if (step->arguments[i]->mask != NULL) {
            return true;
        }
    }
    return false;
}

/* Gives the step its mask and its result, and puts it at the end. */
static ps_vector *finish_step(compiler *c, ps_step *step, ps_vector *mask)
{
    step->mask = step->can_fail || step->is_costly || argument_has_mask(step) ? mask : NULL;
    step->out = new_vector(c, ps_repr_of(step->type), step->mask);
    if (step->out == NULL || !append_step(c, step)) {
        return NULL;
    }
    step->out->owns_values = step->out->repr != PS_REPR_BITS;
    return step->out;
}

static bool spread_constants(compiler *c, ps_step *step)
{
    for (uint32_t i = 0; i < step->argument_count; i++) {
        if (step->arguments[i]->constant != NULL) {
            step->arguments[i] = constant_vector(c, step->expr->arguments[i], true);
            if (step->arguments[i] == NULL) {
                return false;
            }
        }
    }
    return true;
}

static bool prepare(compiler *c, ps_step *step)
{
    const ps_function *function = step->function;
    step->row = function->row;
    step->kernel = function->row != NULL ? ps_kernel_rows : NULL;
    step->is_lenient = (function->flags & PS_IS_LENIENT) != 0;
    step->can_fail = (function->flags & PS_CAN_FAIL) != 0;
    step->is_costly = (function->flags & PS_IS_COSTLY) != 0;
    if (function->prepare != NULL) {
        ps_preparation p = {.context = &c->program->context,
                            .arena = &c->program->memory,
                            .step = step,
                            .err = c->err};
        if (function->prepare(&p) != PS_OK) {
            if (step->release != NULL) {
                step->release(step->state);
            }
            return false;
        }
    }
    PS_ASSERT(step->kernel != NULL);
    return true;
}

static ps_vector *compile_plain(compiler *c, const ps_expr *expr, ps_vector *mask, uint32_t depth)
{
    ps_step *step = new_step(c, expr, expr->argument_count);
    if (step == NULL) {
        return NULL;
    }
    bool all_constant = true;
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        step->arguments[i] = compile(c, expr->arguments[i], mask, depth);
        if (step->arguments[i] == NULL) {
            return NULL;
        }
        all_constant = all_constant && step->arguments[i]->constant != NULL;
    }
    const uint32_t flags = expr->function->flags;
    ps_vector *same = (flags & PS_IS_UNIQUE) == 0 ? find_step(c, step, mask) : NULL;
    if (same != NULL) {
        return same;
    }
    if (!prepare(c, step)) {
        return NULL;
    }
    bool spread =
        step->kernel != ps_kernel_rows && (all_constant || (flags & PS_TAKES_CONSTANTS) == 0);
    if (spread && !spread_constants(c, step)) {
        return NULL;
    }
    return finish_step(c, step, mask);
}

/* AND, OR: rows that are decided do not reach the next operand; COALESCE: those with a value. */
static bool compile_chain(compiler *c, ps_step *step, ps_vector *mask, ps_narrowing how,
                          uint32_t depth)
{
    const ps_expr *expr = step->expr;
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        step->arguments[i] = compile(c, expr->arguments[i], mask, depth);
        if (step->arguments[i] == NULL) {
            return false;
        }
        if (any_wants_mask(expr, i + 1)) {
            mask = narrow(c, mask, step->arguments[i], how);
            if (mask == NULL) {
                return false;
            }
        }
    }
    return true;
}

static bool compile_branches(compiler *c, ps_step *step, ps_vector *mask, uint32_t depth)
{
    const ps_expr *expr = step->expr;
    uint32_t last = expr->argument_count - 1;
    for (uint32_t i = 0; i < last; i += 2) {
        ps_vector *condition = compile(c, expr->arguments[i], mask, depth);
        ps_vector *branch = mask;
        if (condition != NULL && wants_mask(expr->arguments[i + 1])) {
            branch = narrow(c, mask, condition, PS_NARROW_TRUE);
            condition = branch != NULL ? condition : NULL;
        }
        if (condition == NULL) {
            return false;
        }
        step->arguments[i] = condition;
        step->arguments[i + 1] = compile(c, expr->arguments[i + 1], branch, depth);
        if (step->arguments[i + 1] == NULL) {
            return false;
        }
        if (any_wants_mask(expr, i + 2)) {
            mask = narrow(c, mask, condition, PS_NARROW_NOT_TRUE);
            if (mask == NULL) {
                return false;
            }
        }
    }
    step->arguments[last] = compile(c, expr->arguments[last], mask, depth);
    return step->arguments[last] != NULL;
}

static ps_vector *compile_form(compiler *c, const ps_expr *expr, ps_vector *mask, uint32_t depth)
{
    ps_step *step = new_step(c, expr, expr->argument_count);
    if (step == NULL) {
        return NULL;
    }
    bool done = false;
    switch (expr->function->form) {
    case PS_FORM_AND:
        step->kernel = ps_kernel_and;
        done = compile_chain(c, step, mask, PS_NARROW_NOT_FALSE, depth);
        break;
    case PS_FORM_OR:
        step->kernel = ps_kernel_or;
        done = compile_chain(c, step, mask, PS_NARROW_NOT_TRUE, depth);
        break;
    case PS_FORM_COALESCE:
        step->kernel = ps_kernel_coalesce;
        done = compile_chain(c, step, mask, PS_NARROW_NULL, depth);
        break;
    case PS_FORM_CASE:
        step->kernel = ps_kernel_case;
        done = compile_branches(c, step, mask, depth);
        break;
    case PS_FORM_PLAIN_CALL:
        break;
    }
    if (!done) {
        return NULL;
    }
    /* The parts were computed for the rows that reach them: the result holds for the whole mask. */
    ps_vector *same = find_step(c, step, mask);
    if (same != NULL) {
        return same;
    }
    return finish_step(c, step, mask);
}

static bool is_no_op(const ps_expr *expr)
{
    if ((expr->function->flags & PS_IS_NO_OP) != 0) {
        return true;
    }
    return expr->function->prepare == ps_prepare_cast &&
           ps_cast_is_no_op(expr->arguments[0]->type, expr->type);
}

static ps_vector *compile(compiler *c, const ps_expr *expr, ps_vector *mask, uint32_t depth)
{
    if (depth > PS_EXPR_DEPTH_MAX) {
        (void)ps_error_set(c->err, PS_E_LIMIT, "an expression is nested more than %d deep",
                           PS_EXPR_DEPTH_MAX);
        return NULL;
    }
    if (expr->kind == PS_EXPR_COLUMN) {
        return compile_column(c, expr);
    }
    if (expr->kind == PS_EXPR_CONSTANT) {
        return constant_vector(c, expr, false);
    }
    if (is_no_op(expr)) {
        return compile(c, expr->arguments[0], mask, depth + 1);
    }
    return expr->function->form == PS_FORM_PLAIN_CALL ? compile_plain(c, expr, mask, depth + 1)
                                                      : compile_form(c, expr, mask, depth + 1);
}

/* ── memory of the values ── */

typedef struct free_block free_block;
struct free_block {
    free_block *next;
};

static void find_last_uses(const ps_program *program)
{
    for (uint32_t s = 0; s < program->step_count; s++) {
        const ps_step *step = program->steps[s];
        step->out->last_use = s;
        for (uint32_t i = 0; i < step->argument_count; i++) {
            step->arguments[i]->last_use = s;
        }
    }
    for (uint32_t i = 0; i < program->output_count; i++) {
        program->outputs[i]->last_use = UINT32_MAX;
    }
}

/* Memory is used again once the last step that reads it is done: columns stay in the cache. */
static bool assign_memory(compiler *c)
{
    ps_program *p = c->program;
    free_block *blocks[2] = {NULL, NULL};
    find_last_uses(p);
    for (uint32_t s = 0; s < p->step_count; s++) {
        ps_step *step = p->steps[s];
        ps_vector *out = step->out;
        if (out->owns_values) {
            uint32_t size = ps_phys_size((ps_phys)out->repr);
            free_block **list = &blocks[size == 16];
            size_t bytes = (size_t)p->capacity * size;
            out->column.values = *list != NULL ? (void *)*list : take(c, bytes);
            if (out->column.values == NULL) {
                return false;
            }
            *list = *list != NULL ? (*list)->next : NULL;
            memset(out->column.values, 0, bytes);
        }
        for (uint32_t i = 0; i <= step->argument_count; i++) {
            ps_vector *vector = i < step->argument_count ? step->arguments[i] : out;
            if (vector->owns_values && vector->last_use == s) {
                free_block **list = &blocks[ps_phys_size((ps_phys)vector->repr) == 16];
                free_block *block = vector->column.values;
                block->next = *list;
                *list = block;
                vector->last_use = UINT32_MAX; /* once */
            }
        }
    }
    return true;
}

/* ── the program ── */

static bool compile_outputs(compiler *c, uint32_t count, const ps_expr *const *exprs)
{
    ps_program *p = c->program;
    p->outputs = take(c, count * sizeof *p->outputs);
    p->output_values = take(c, count * sizeof *p->output_values);
    if (p->outputs == NULL || p->output_values == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        ps_vector *vector = compile(c, exprs[i], NULL, 0);
        if (vector != NULL && vector->constant != NULL) {
            const ps_expr *constant = exprs[i];
            while (constant->kind == PS_EXPR_CALL) {
                constant = constant->arguments[0]; /* a cast that does nothing */
            }
            vector = constant_vector(c, constant, true);
        }
        if (vector == NULL) {
            return false;
        }
        p->outputs[i] = vector;
        p->output_count = i + 1;
        if (vector->repr == PS_REPR_BITS) {
            p->output_values[i] = take(c, p->capacity * sizeof(int64_t));
            if (p->output_values[i] == NULL) {
                return false;
            }
        }
    }
    return assign_memory(c);
}

ps_code ps_program_new_sized(const ps_expr_context *context, uint32_t count,
                             const ps_expr *const *exprs, uint32_t capacity, ps_program **out,
                             ps_error *err)
{
    enum { PROGRAM_MEMORY_MAX = 256 * 1024 * 1024 };
    PS_ASSERT(capacity > 0 && capacity <= PS_BATCH_ROWS);
    ps_arena memory;
    ps_arena_init(&memory, PROGRAM_MEMORY_MAX);
    ps_program *program = ps_arena_take(&memory, sizeof *program);
    if (program == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a program");
    }
    program->memory = memory;
    program->context = *context;
    program->capacity = capacity;
    ps_arena_init(&program->text, PS_RUN_TEXT_MAX);
    ps_buf_init(&program->scratch, PS_TEXT_VALUE_MAX);
    compiler c = {.program = program, .err = err};
    err->code = PS_E_MEMORY;
    if (!compile_outputs(&c, count, exprs)) {
        ps_code code = err->code;
        ps_program_free(program);
        return code;
    }
    *out = program;
    return PS_OK;
}

ps_code ps_program_new(const ps_expr_context *context, uint32_t count, const ps_expr *const *exprs,
                       ps_program **out, ps_error *err)
{
    return ps_program_new_sized(context, count, exprs, PS_BATCH_ROWS, out, err);
}
