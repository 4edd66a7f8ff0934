/* What kernels and row functions lean on at run time. */
#include <stdarg.h>
#include <stdio.h>

#include "expr/kernel.h"

/* ── vectors ── */

/* The empty text is never a NULL pointer: memmem and offsets take it. */
ps_value ps_vector_value(const ps_vector *vector, uint32_t row)
{
    if (vector->constant != NULL) {
        ps_value value = *vector->constant;
        if (vector->repr == PS_REPR_TEXT && !value.is_null) {
            value.text =
                ps_slice_of(value.text.data != NULL ? value.text.data : "", value.text.size);
        }
        return value;
    }
    if (ps_column_is_null(&vector->column, row)) {
        return (ps_value){.is_null = true};
    }
    switch (vector->repr) {
    case PS_REPR_I64:
        return (ps_value){.i64 = vector->column.i64[row]};
    case PS_REPR_F64:
        return (ps_value){.f64 = vector->column.f64[row]};
    case PS_REPR_I128:
        return (ps_value){.i128 = vector->column.i128[row]};
    case PS_REPR_TEXT:
        if (vector->column.text[row].data == NULL) {
            return (ps_value){.text = PS_SLICE("")};
        }
        return (ps_value){.text = vector->column.text[row]};
    case PS_REPR_BITS:
        return (ps_value){.i64 = ps_bit(vector->bits, row) ? 1 : 0};
    }
    return (ps_value){.is_null = true};
}

uint32_t ps_first_row(const uint64_t *bits, uint32_t count)
{
    for (uint32_t w = 0; w < ps_valid_words(count); w++) {
        if (bits[w] != 0) {
            uint32_t row = w * 64 + (uint32_t)__builtin_ctzll(bits[w]);
            return row < count ? row : count;
        }
    }
    return count;
}

/* ── validity ── */

void ps_step_join_valid(ps_step *step, ps_run *run)
{
    ps_vector *out = step->out;
    out->column.valid = NULL;
    for (uint32_t i = 0; i < step->argument_count; i++) {
        const ps_vector *argument = step->arguments[i];
        if (argument->constant != NULL && argument->constant->is_null) {
            memset(out->valid_memory, 0, run->words * sizeof(uint64_t));
            out->column.valid = out->valid_memory;
            return;
        }
        uint64_t *valid = argument->constant != NULL ? NULL : argument->column.valid;
        if (valid == NULL || valid == out->column.valid) {
            continue;
        }
        if (out->column.valid == NULL) {
            out->column.valid = valid;
            continue;
        }
        for (uint32_t w = 0; w < run->words; w++) {
            out->valid_memory[w] = out->column.valid[w] & valid[w];
        }
        out->column.valid = out->valid_memory;
    }
}

const uint64_t *ps_step_active(ps_step *step, ps_run *run)
{
    const uint64_t *valid = step->out->column.valid;
    if (step->mask == NULL || valid == NULL) {
        return step->mask != NULL ? step->mask->bits : valid;
    }
    for (uint32_t w = 0; w < run->words; w++) {
        step->active[w] = valid[w] & step->mask->bits[w];
    }
    return step->active;
}

uint64_t *ps_step_own_valid(ps_step *step, ps_run *run)
{
    ps_vector *out = step->out;
    size_t size = run->words * sizeof(uint64_t);
    if (out->column.valid == NULL) {
        memset(out->valid_memory, 0xff, size);
    } else if (out->column.valid != out->valid_memory) {
        memcpy(out->valid_memory, out->column.valid, size);
    }
    out->column.valid = out->valid_memory;
    return out->valid_memory;
}

const ps_value *ps_step_constant(const ps_step *step, uint32_t index)
{
    const ps_expr *argument = step->expr->arguments[index];
    return argument->kind == PS_EXPR_CONSTANT && !argument->constant.is_null ? &argument->constant
                                                                             : NULL;
}

/* ── row functions ── */

static void store(ps_vector *out, uint32_t row, const ps_value *value)
{
    switch (out->repr) {
    case PS_REPR_I64:
        out->column.i64[row] = value->i64;
        return;
    case PS_REPR_F64:
        out->column.f64[row] = value->f64;
        return;
    case PS_REPR_I128:
        out->column.i128[row] = value->i128;
        return;
    case PS_REPR_TEXT:
        out->column.text[row] = value->text;
        return;
    case PS_REPR_BITS:
        if (value->i64 != 0) {
            ps_valid_set(out->bits, row);
        }
        return;
    }
}

static void clear_values(ps_vector *out, const ps_run *run)
{
    if (out->repr == PS_REPR_BITS) {
        memset(out->bits, 0, run->words * sizeof(uint64_t));
    } else {
        memset(out->column.values, 0, run->count * ps_phys_size((ps_phys)out->repr));
    }
}

/* One row that is active; its result may still be NULL. */
static ps_code call_row(ps_call *call, ps_step *step)
{
    for (uint32_t i = 0; i < step->argument_count; i++) {
        step->row_values[i] = ps_vector_value(step->arguments[i], call->row);
    }
    ps_value value = {.is_null = false};
    ps_code code = step->row(call, step->row_values, &value);
    if (code != PS_OK) {
        call->run->failed_row = call->row;
        return code;
    }
    if (!value.is_null) {
        store(step->out, call->row, &value);
        return PS_OK;
    }
    ps_vector *out = step->out;
    if (out->column.valid != out->valid_memory) {
        (void)ps_step_own_valid(step, call->run);
    }
    ps_valid_clear(out->valid_memory, call->row);
    return PS_OK;
}

ps_code ps_kernel_rows(ps_step *step, ps_run *run)
{
    clear_values(step->out, run);
    if (step->is_lenient) {
        step->out->column.valid = NULL;
    } else {
        ps_step_join_valid(step, run);
    }
    /* a copy: `active` must not change when a result becomes NULL */
    uint64_t words[PS_WORDS_MAX];
    const uint64_t *active = ps_step_active(step, run);
    for (uint32_t w = 0; w < run->words; w++) {
        words[w] = active != NULL ? active[w] : UINT64_MAX;
    }
    if (run->count % 64 != 0) {
        words[run->words - 1] &= (1ULL << (run->count % 64)) - 1;
    }
    ps_call call = {.step = step, .run = run};
    for (uint32_t w = 0; w < run->words; w++) {
        for (uint64_t rest = words[w]; rest != 0; rest &= rest - 1) {
            call.row = w * 64 + (uint32_t)__builtin_ctzll(rest);
            ps_code code = call_row(&call, step);
            if (code != PS_OK) {
                return code;
            }
        }
    }
    return PS_OK;
}

char *ps_call_take(ps_call *call, size_t size)
{
    char *data = size <= PS_TEXT_VALUE_MAX ? ps_arena_take(call->run->arena, size) : NULL;
    if (data == NULL) {
        call->run->err->code =
            ps_error_set(call->run->err, PS_E_LIMIT,
                         "%s: a text of %zu bytes does not fit into the memory of its batch",
                         call->step->function->entry.name, size);
    }
    return data;
}

ps_code ps_call_copy(ps_call *call, ps_slice text, ps_value *out)
{
    char *data = ps_call_take(call, text.size);
    if (data == NULL) {
        return PS_E_LIMIT;
    }
    if (text.size > 0) {
        memcpy(data, text.data, text.size);
    }
    out->text = ps_slice_of(data, text.size);
    return PS_OK;
}

ps_buf *ps_call_scratch(ps_call *call)
{
    ps_buf_clear(call->run->scratch);
    return call->run->scratch;
}

ps_code ps_call_finish(ps_call *call, ps_value *out)
{
    ps_buf *scratch = call->run->scratch;
    if (scratch->failed) {
        return ps_error_set(call->run->err, PS_E_LIMIT, "%s: the result is longer than %d bytes",
                            call->step->function->entry.name, PS_TEXT_VALUE_MAX);
    }
    return ps_call_copy(call, ps_buf_slice(scratch), out);
}

ps_code ps_call_refuse(ps_call *call, ps_slice value, const char *format, ...)
{
    enum { SHOWN_MAX = 60 };
    char reason[200];
    va_list list;
    va_start(list, format);
    vsnprintf(reason, sizeof reason, format, list);
    va_end(list);
    size_t shown = value.size < SHOWN_MAX ? value.size : SHOWN_MAX;
    while (shown < value.size && shown > 0 && ((uint8_t)value.data[shown] & 0xC0) == 0x80) {
        shown--; /* not in the middle of a character */
    }
    return ps_error_set(call->run->err, PS_E_INVALID, "%s: '%.*s%s' %s",
                        call->step->function->entry.name, (int)shown,
                        value.size > 0 ? value.data : "", shown < value.size ? "…" : "", reason);
}
