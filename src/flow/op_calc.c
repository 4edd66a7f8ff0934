/* Calc: projection and filter. Keeps no state; rows keep their kinds and stamps. */
#include <stdlib.h>

#include "flow/operators.h"

typedef struct {
    ps_operator op;
    const ps_calc_spec *spec;
    ps_program *filter;  /* NULL: every row */
    ps_program *project; /* over the input, or over the gathered columns */
    ps_batch gathered;   /* the rows that pass: only columns that the outputs read */
    ps_phys *classes;    /* of the input */
    bool *is_read;
    uint64_t *valid_words;
    uint8_t *kinds; /* of gathered, when there are any */
    ps_column *outputs;
    uint32_t *selection;
} calc;

static void gather(calc *self, const ps_batch *batch, uint32_t count)
{
    ps_batch *to = &self->gathered;
    const uint32_t *selection = self->selection;
    for (uint32_t column = 0; column < to->column_count; column++) {
        if (self->is_read[column]) {
            to->columns[column].valid =
                self->valid_words + column * (size_t)ps_valid_words(PS_BATCH_ROWS);
            ps_column_gather(self->classes[column], &batch->columns[column], selection, count,
                             &to->columns[column]);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        to->watermarks[i] = batch->watermarks[selection[i]];
        to->sequences[i] = batch->sequences[selection[i]];
    }
    to->kinds = batch->kinds != NULL ? self->kinds : NULL;
    for (uint32_t i = 0; to->kinds != NULL && i < count; i++) {
        to->kinds[i] = batch->kinds[selection[i]];
    }
    to->row_count = count;
}

static ps_code fail_at(const ps_batch *batch, uint32_t row, ps_error *err)
{
    ps_error cause = *err;
    return ps_error_set(err, cause.code, "%s (row %llu of the source)", cause.text,
                        (unsigned long long)batch->sequences[row] + 1);
}

/* The rows, projected, go out with their own kinds and stamps. */
static ps_code project(calc *self, const ps_batch_part *part, ps_error *err)
{
    const ps_batch *batch = part->batch;
    uint32_t bad_row = 0;
    ps_code code = ps_program_run(
        self->project, &(ps_program_rows){batch, part->from, part->to, self->op.context.clock},
        self->outputs, &bad_row, err);
    if (code != PS_OK) {
        return fail_at(batch, bad_row, err);
    }
    ps_batch out = {
        .row_count = part->to - part->from,
        .column_count = self->spec->output_count,
        .columns = self->outputs,
        .kinds = batch->kinds != NULL ? batch->kinds + part->from : NULL,
        .watermarks = batch->watermarks + part->from,
        .watermark_after = part->watermark_after,
        .sequences = batch->sequences + part->from,
        .sequence_after = part->sequence_after,
    };
    return ps_outlet_pass(self->op.context.outlet, &out, err);
}

static ps_code on_rows(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t from,
                       uint32_t to, uint32_t *out_done, ps_error *err)
{
    (void)input;
    calc *self = (calc *)op;
    *out_done = to - from;
    bool is_last = to == batch->row_count;
    ps_batch_part part = {
        .batch = batch,
        .from = from,
        .to = to,
        .watermark_after = is_last ? batch->watermark_after : batch->watermarks[to],
        .sequence_after = is_last ? batch->sequence_after : batch->sequences[to],
    };
    if (self->filter == NULL) {
        return project(self, &part, err);
    }
    uint32_t count = 0;
    uint32_t bad_row = 0;
    ps_code code =
        ps_program_filter(self->filter, &(ps_program_rows){batch, from, to, op->context.clock},
                          self->selection, &count, &bad_row, err);
    if (code != PS_OK) {
        return fail_at(batch, bad_row, err);
    }
    if (count == to - from) {
        return project(self, &part, err);
    }
    if (count == 0) {
        return PS_OK; /* the driver tells the watermark */
    }
    gather(self, batch, count);
    part.batch = &self->gathered;
    part.from = 0;
    part.to = count;
    return project(self, &part, err);
}

static void free_calc(ps_operator *op)
{
    calc *self = (calc *)op;
    ps_program_free(self->filter);
    ps_program_free(self->project);
    free(self);
}

static const ps_operator_class calc_class = {
    .name = "Calc",
    .on_rows = on_rows,
    .free = free_calc,
};

static void mark_read(uint32_t column, void *with)
{
    ((bool *)with)[column] = true;
}

/* Room for the rows that a filter lets through. */
static bool make_gathered(calc *self, const ps_schema *input, ps_arena *arena)
{
    uint32_t count = input->field_count;
    ps_batch *batch = &self->gathered;
    batch->column_count = count;
    batch->columns = ps_arena_take(arena, count * sizeof(ps_column));
    self->classes = ps_arena_take(arena, count * sizeof(ps_phys));
    self->is_read = ps_arena_take(arena, count * sizeof(bool));
    size_t words = ps_valid_words(PS_BATCH_ROWS) * sizeof(uint64_t);
    self->valid_words = ps_arena_take(arena, count * words);
    self->kinds = ps_arena_take(arena, PS_BATCH_ROWS);
    batch->watermarks = ps_arena_take(arena, PS_BATCH_ROWS * sizeof(int64_t));
    batch->sequences = ps_arena_take(arena, PS_BATCH_ROWS * sizeof(uint64_t));
    self->selection = ps_arena_take(arena, PS_BATCH_ROWS * sizeof(uint32_t));
    if (batch->columns == NULL || self->classes == NULL || self->is_read == NULL ||
        self->valid_words == NULL || self->kinds == NULL || batch->watermarks == NULL ||
        batch->sequences == NULL || self->selection == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < self->spec->output_count; i++) {
        ps_expr_columns(self->spec->outputs[i], mark_read, self->is_read);
    }
    for (uint32_t column = 0; column < count; column++) {
        self->classes[column] = ps_type_phys(input->fields[column].type);
        if (self->is_read[column]) {
            size_t size = PS_BATCH_ROWS * (size_t)ps_phys_size(self->classes[column]);
            batch->columns[column].values = ps_arena_take(arena, size);
            if (batch->columns[column].values == NULL) {
                return false;
            }
        }
    }
    return true;
}

ps_code ps_op_calc_new(const ps_node *node, const ps_operator_context *context, ps_operator **out,
                       ps_error *err)
{
    calc *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a projection");
    }
    self->op.class = &calc_class;
    self->op.context = *context;
    self->spec = node->calc;
    ps_code code = ps_program_new(context->expressions, self->spec->output_count,
                                  self->spec->outputs, &self->project, err);
    if (code == PS_OK && self->spec->condition != NULL) {
        code = ps_program_new(context->expressions, 1, &self->spec->condition, &self->filter, err);
    }
    if (code == PS_OK) {
        self->outputs = ps_arena_take(context->arena, self->spec->output_count * sizeof(ps_column));
        if (self->outputs == NULL ||
            !make_gathered(self, &node->inputs[0]->schema, context->arena)) {
            code = ps_error_set(err, PS_E_MEMORY, "no memory for a projection");
        }
    }
    if (code != PS_OK) {
        free_calc(&self->op);
        return code;
    }
    *out = &self->op;
    return PS_OK;
}
