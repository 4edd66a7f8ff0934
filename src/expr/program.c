/* Running a program over a batch. compile.c makes it. */
#include <stdlib.h>

#include "expr/program_internal.h"

void ps_program_free(ps_program *program)
{
    if (program == NULL) {
        return;
    }
    for (uint32_t i = 0; i < program->step_count; i++) {
        if (program->steps[i]->release != NULL) {
            program->steps[i]->release(program->steps[i]->state);
        }
    }
    ps_buf_release(&program->scratch);
    ps_arena_release(&program->text);
    ps_arena memory = program->memory; /* the program lies in it */
    ps_arena_release(&memory);
}

/* ── steps that are no function: loads and masks ── */

/* The input's bits from row `from` on; bits of rows before are shifted out. */
static uint64_t *shift_valid(const ps_column *column, const ps_run *run, uint64_t *memory)
{
    uint32_t first = run->from / 64, shift = run->from % 64;
    if (column->valid == NULL || shift == 0) {
        return column->valid == NULL ? NULL : column->valid + first;
    }
    uint32_t total = ps_valid_words(run->from + run->count);
    for (uint32_t w = 0; w < run->words; w++) {
        uint32_t at = first + w;
        uint64_t high = at + 1 < total ? column->valid[at + 1] << (64 - shift) : 0;
        memory[w] = column->valid[at] >> shift | high;
    }
    return memory;
}

ps_code ps_kernel_load(ps_step *step, ps_run *run)
{
    PS_ASSERT(step->number[0] < run->batch->column_count);
    const ps_column *from = &run->batch->columns[step->number[0]];
    ps_vector *out = step->out;
    out->column.valid = shift_valid(from, run, out->valid_memory);
    switch (out->repr) {
    case PS_REPR_I64:
        out->column.i64 = from->i64 + run->from;
        break;
    case PS_REPR_F64:
        out->column.f64 = from->f64 + run->from;
        break;
    case PS_REPR_I128:
        out->column.i128 = from->i128 + run->from;
        break;
    case PS_REPR_TEXT:
        out->column.text = from->text + run->from;
        break;
    case PS_REPR_BITS:
        ps_pack_bits(from->i64 + run->from, run->count, out->bits);
        break;
    }
    return PS_OK;
}

void ps_pack_bits(const int64_t *values, uint32_t count, uint64_t *out_bits)
{
    for (uint32_t w = 0; w * 64 < count; w++) {
        uint32_t end = count - w * 64 < 64 ? count - w * 64 : 64;
        uint64_t word = 0;
        for (uint32_t i = 0; i < end; i++) {
            word |= (uint64_t)(values[w * 64 + i] & 1) << i;
        }
        out_bits[w] = word;
    }
}

/* out = the parent's rows where the condition is (not) so */
ps_code ps_kernel_narrow(ps_step *step, ps_run *run)
{
    const ps_vector *condition = step->arguments[0];
    const uint64_t *valid = condition->constant != NULL ? NULL : condition->column.valid;
    for (uint32_t w = 0; w < run->words; w++) {
        uint64_t known = valid != NULL ? valid[w] : UINT64_MAX;
        uint64_t rows = 0;
        switch ((ps_narrowing)step->number[0]) {
        case PS_NARROW_TRUE:
            rows = condition->bits[w] & known;
            break;
        case PS_NARROW_NOT_TRUE:
            rows = ~(condition->bits[w] & known);
            break;
        case PS_NARROW_NOT_FALSE:
            rows = condition->bits[w] | ~known;
            break;
        case PS_NARROW_NULL:
            rows =
                condition->constant != NULL && condition->constant->is_null ? UINT64_MAX : ~known;
            break;
        }
        step->out->bits[w] = step->mask != NULL ? rows & step->mask->bits[w] : rows;
    }
    return PS_OK;
}

/* ── run ── */

/* No row of the mask: nothing to compute, but texts must not point into what was reset. */
static bool is_skipped(ps_step *step, const ps_run *run)
{
    if (step->mask == NULL || step->function == NULL ||
        ps_first_row(step->mask->bits, run->count) < run->count) {
        return false;
    }
    step->out->column.valid = NULL;
    if (step->out->repr == PS_REPR_TEXT) {
        memset(step->out->column.text, 0, run->count * sizeof(ps_slice));
    }
    return true;
}

static ps_code run_steps(ps_program *program, ps_run *run)
{
    for (uint32_t i = 0; i < program->step_count; i++) {
        ps_step *step = program->steps[i];
        if (is_skipped(step, run)) {
            continue;
        }
        ps_code code = step->kernel(step, run);
        if (code != PS_OK) {
            return code;
        }
    }
    return PS_OK;
}

static ps_run begin(ps_program *program, const ps_batch *batch, uint32_t from, uint32_t to,
                    ps_error *err)
{
    PS_ASSERT(from <= to && to <= batch->row_count && to - from <= program->capacity);
    ps_arena_reset(&program->text);
    return (ps_run){.batch = batch,
                    .from = from,
                    .count = to - from,
                    .words = ps_valid_words(to - from),
                    .arena = &program->text,
                    .scratch = &program->scratch,
                    .err = err};
}

/* The value of a NULL row is zeroed memory. */
static void wipe_nulls(ps_vector *vector, uint32_t count)
{
    uint32_t size = ps_phys_size((ps_phys)vector->repr);
    for (uint32_t w = 0; w * 64 < count; w++) {
        uint64_t nulls = ~vector->column.valid[w];
        if (count - w * 64 < 64) {
            nulls &= (1ULL << (count - w * 64)) - 1;
        }
        for (; nulls != 0; nulls &= nulls - 1) {
            uint32_t row = w * 64 + (uint32_t)__builtin_ctzll(nulls);
            memset((char *)vector->column.values + (size_t)row * size, 0, size);
        }
    }
}

static void unpack_bits(const ps_vector *vector, uint32_t count, int64_t *out_values)
{
    const uint64_t *valid = vector->column.valid;
    for (uint32_t w = 0; w * 64 < count; w++) {
        uint64_t word = valid != NULL ? vector->bits[w] & valid[w] : vector->bits[w];
        uint32_t end = count - w * 64 < 64 ? count - w * 64 : 64;
        for (uint32_t i = 0; i < end; i++) {
            out_values[w * 64 + i] = (int64_t)(word >> i & 1);
        }
    }
}

static ps_column output(const ps_program *program, uint32_t index, uint32_t count)
{
    ps_vector *vector = program->outputs[index];
    ps_column column = vector->column;
    if (vector->repr == PS_REPR_BITS) {
        column.i64 = program->output_values[index];
        unpack_bits(vector, count, column.i64);
    } else if (vector->owns_values && vector->column.valid != NULL) {
        wipe_nulls(vector, count);
    }
    return column;
}

ps_code ps_program_run(ps_program *program, const ps_program_rows *rows, ps_column *out_columns,
                       uint32_t *out_row, ps_error *err)
{
    ps_run run = begin(program, rows->batch, rows->from, rows->to, err);
    run.clock = rows->clock;
    ps_code code = run_steps(program, &run);
    if (code != PS_OK) {
        *out_row = rows->from + run.failed_row;
        return code;
    }
    for (uint32_t i = 0; i < program->output_count; i++) {
        out_columns[i] = output(program, i, run.count);
    }
    return PS_OK;
}

ps_code ps_program_filter(ps_program *program, const ps_program_rows *rows, uint32_t *selection,
                          uint32_t *out_count, uint32_t *out_row, ps_error *err)
{
    PS_ASSERT(program->output_count == 1 && program->outputs[0]->repr == PS_REPR_BITS);
    ps_run run = begin(program, rows->batch, rows->from, rows->to, err);
    run.clock = rows->clock;
    ps_code code = run_steps(program, &run);
    if (code != PS_OK) {
        *out_row = rows->from + run.failed_row;
        return code;
    }
    const ps_vector *vector = program->outputs[0];
    uint32_t count = 0;
    for (uint32_t w = 0; w < run.words; w++) {
        uint64_t word = vector->bits[w];
        word &= vector->column.valid != NULL ? vector->column.valid[w] : UINT64_MAX;
        if (run.count - w * 64 < 64) {
            word &= (1ULL << (run.count - w * 64)) - 1;
        }
        for (; word != 0; word &= word - 1) {
            selection[count++] = rows->from + w * 64 + (uint32_t)__builtin_ctzll(word);
        }
    }
    *out_count = count;
    return PS_OK;
}

ps_code ps_expr_evaluate(const ps_expr_context *context, const ps_expr *expr, ps_value *out,
                         ps_error *err)
{
    ps_program *program = NULL;
    ps_code code = ps_program_new_sized(context, 1, &expr, 1, &program, err);
    if (code != PS_OK) {
        return code;
    }
    int64_t watermark = PS_WATERMARK_NONE;
    uint64_t sequence = 0;
    ps_batch batch = {.row_count = 1, .watermarks = &watermark, .sequences = &sequence};
    ps_program_clock clock = {0};
    ps_column column;
    uint32_t row = 0;
    code = ps_program_run(program, &(ps_program_rows){&batch, 0, 1, &clock}, &column, &row, err);
    ps_value value = {.is_null = true};
    if (code == PS_OK) {
        value = ps_column_value(&column, ps_type_phys(expr->type), 0);
    }
    if (code == PS_OK && !value.is_null && ps_type_phys(expr->type) == PS_PHYS_TEXT) {
        char *copy = ps_arena_copy(context->arena, value.text.data, value.text.size);
        value.text = ps_slice_of(copy, value.text.size);
        code = copy != NULL ? PS_OK : ps_expr_no_memory(err);
    }
    if (code == PS_OK) {
        *out = value;
    }
    ps_program_free(program);
    return code;
}
