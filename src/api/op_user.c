/* Map, FlatMap, Filter and Time: they call a user's function for each row and keep no state. */
#include <stdlib.h>

#include "api/row_handle.h"
#include "api/user_spec.h"

typedef struct {
    ps_operator op;
    const ps_function_spec *spec;
    ps_batch_builder builder; /* MAP: the user's columns; the others are lent from the input */
    ps_column *columns;       /* of the output */
    int64_t *times;           /* TIME: the new column */
    /* FILTER: the rows that pass */
    uint32_t *selection;
    ps_batch gathered;
    uint64_t *valid_words;
} user_op;

static ps_code no_memory(ps_error *err)
{
    return ps_error_set(err, PS_E_MEMORY, "no memory for a step of the pipeline");
}

static ps_code fail_at(const ps_batch *batch, uint32_t row, ps_error *err)
{
    ps_error cause = *err;
    return ps_error_set(err, cause.code, "%s (row %llu of the source)", cause.text,
                        (unsigned long long)batch->sequences[row] + 1);
}

/* Nothing above an operator with one input and without due times cuts batches. */
static void check_whole(const ps_batch *batch, uint32_t from, uint32_t to)
{
    PS_ASSERT(from == 0 && to == batch->row_count);
}

/* ── map ── */

static ps_code map_rows(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t from,
                        uint32_t to, uint32_t *out_done, ps_error *err)
{
    (void)input;
    check_whole(batch, from, to);
    user_op *self = (user_op *)op;
    const ps_function_spec *spec = self->spec;
    ps_batch_builder_reset(&self->builder);
    ps_row in = {.batch = batch, .shape = spec->in};
    ps_out out = {.shape = spec->out, .builder = &self->builder, .err = err};
    for (uint32_t row = from; row < to; row++) {
        in.at = row;
        spec->map(spec->user, &in, &out);
        ps_out_end(&out);
        if (out.code != PS_OK) {
            return fail_at(batch, row, err);
        }
    }
    uint32_t own = spec->out->column_count;
    uint32_t hidden = spec->out->total_count - own;
    memcpy(self->columns, self->builder.batch.columns, own * sizeof *self->columns);
    memcpy(self->columns + own, batch->columns + spec->in->column_count,
           hidden * sizeof *self->columns);
    ps_batch mapped = *batch;
    mapped.column_count = spec->out->total_count;
    mapped.columns = self->columns;
    *out_done = to - from;
    return ps_outlet_pass(op->context.outlet, &mapped, err);
}

/* ── flat map ── */

static ps_code copy_hidden(ps_out *out, ps_error *err)
{
    (void)err;
    const ps_row *in = out->complete_with;
    uint32_t from = in->shape->column_count;
    for (uint32_t to = out->shape->column_count; to < out->shape->total_count; to++, from++) {
        ps_batch_builder_set_i64(out->builder, to, in->batch->columns[from].i64[in->at]);
    }
    return PS_OK;
}

static ps_code flat_map_rows(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t from,
                             uint32_t to, uint32_t *out_done, ps_error *err)
{
    (void)input;
    user_op *self = (user_op *)op;
    const ps_function_spec *spec = self->spec;
    ps_outlet *outlet = op->context.outlet;
    ps_row in = {.batch = batch, .shape = spec->in};
    ps_out out = {
        .shape = spec->out,
        .builder = &outlet->builder,
        .outlet = outlet,
        .is_many = true,
        .err = err,
        .complete = copy_hidden,
        .complete_with = &in,
    };
    for (uint32_t row = from; row < to; row++) {
        in.at = row;
        out.has_begun = false; /* what was set and not ended by ps_out_row is dropped */
        ps_outlet_stamp_row(outlet, batch, row);
        spec->map(spec->user, &in, &out);
        if (out.code != PS_OK) {
            return fail_at(batch, row, err);
        }
    }
    *out_done = to - from;
    return PS_OK;
}

/* ── filter ── */

static void gather(user_op *self, const ps_batch *batch, uint32_t count)
{
    ps_batch *to = &self->gathered;
    for (uint32_t i = 0; i < to->column_count; i++) {
        to->columns[i].valid = self->valid_words + i * (size_t)ps_valid_words(PS_BATCH_ROWS);
        ps_column_gather(self->spec->in->classes[i], &batch->columns[i], self->selection, count,
                         &to->columns[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        to->watermarks[i] = batch->watermarks[self->selection[i]];
        to->sequences[i] = batch->sequences[self->selection[i]];
    }
    to->row_count = count;
    to->watermark_after = batch->watermark_after;
    to->sequence_after = batch->sequence_after;
}

static ps_code filter_rows(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t from,
                           uint32_t to, uint32_t *out_done, ps_error *err)
{
    (void)input;
    check_whole(batch, from, to);
    user_op *self = (user_op *)op;
    ps_row in = {.batch = batch, .shape = self->spec->in};
    uint32_t count = 0;
    for (uint32_t row = from; row < to; row++) {
        in.at = row;
        self->selection[count] = row;
        count += self->spec->keep(self->spec->user, &in) ? 1 : 0;
    }
    *out_done = to - from;
    if (count == to) {
        return ps_outlet_pass(op->context.outlet, batch, err);
    }
    if (count == 0) {
        return PS_OK; /* the driver tells the watermark */
    }
    gather(self, batch, count);
    return ps_outlet_pass(op->context.outlet, &self->gathered, err);
}

/* ── event time ── */

static ps_code time_rows(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t from,
                         uint32_t to, uint32_t *out_done, ps_error *err)
{
    (void)input;
    check_whole(batch, from, to);
    user_op *self = (user_op *)op;
    const ps_function_spec *spec = self->spec;
    ps_row in = {.batch = batch, .shape = spec->in};
    for (uint32_t row = from; row < to; row++) {
        in.at = row;
        self->times[row] = spec->time_ms(spec->user, &in);
        if (self->times[row] == INT64_MIN) {
            (void)ps_error_set(err, PS_E_INVALID, "a row has no event time");
            return fail_at(batch, row, err);
        }
    }
    uint32_t own = spec->out->column_count;
    memcpy(self->columns, batch->columns, own * sizeof *self->columns);
    self->columns[own] = (ps_column){.i64 = self->times};
    ps_batch timed = *batch;
    timed.column_count = own + 1;
    timed.columns = self->columns;
    *out_done = to - from;
    return ps_outlet_pass(op->context.outlet, &timed, err);
}

/* ── making them ── */

static ps_code no_watermark(ps_operator *op, int64_t watermark, ps_error *err)
{
    (void)op;
    (void)watermark;
    (void)err;
    return PS_OK;
}

static void free_user(ps_operator *op)
{
    user_op *self = (user_op *)op;
    ps_batch_builder_release(&self->builder);
    free(self);
}

static const ps_operator_class map_class = {
    .name = "Map", .on_rows = map_rows, .on_watermark = no_watermark, .free = free_user};
static const ps_operator_class flat_map_class = {
    .name = "FlatMap", .on_rows = flat_map_rows, .on_watermark = no_watermark, .free = free_user};
static const ps_operator_class filter_class = {
    .name = "Filter", .on_rows = filter_rows, .on_watermark = no_watermark, .free = free_user};
static const ps_operator_class time_class = {
    .name = "Time", .on_rows = time_rows, .on_watermark = no_watermark, .free = free_user};

static ps_code make(const ps_operator_class *class, const ps_node *node,
                    const ps_operator_context *context, user_op **out, ps_error *err)
{
    user_op *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return no_memory(err);
    }
    self->op.class = class;
    self->op.context = *context;
    self->spec = (const ps_function_spec *)node->user;
    self->columns =
        ps_arena_take(context->arena, self->spec->out->total_count * sizeof *self->columns);
    if (self->columns == NULL) {
        free_user(&self->op);
        return no_memory(err);
    }
    *out = self;
    return PS_OK;
}

ps_code ps_op_map_new(const ps_node *node, const ps_operator_context *context, ps_operator **out,
                      ps_error *err)
{
    user_op *self;
    ps_code code = make(&map_class, node, context, &self, err);
    if (code != PS_OK) {
        return code;
    }
    const ps_shape *shape = self->spec->out;
    const ps_type **types = ps_arena_take(context->arena, shape->column_count * sizeof *types);
    for (uint32_t i = 0; types != NULL && i < shape->column_count; i++) {
        types[i] = shape->fields[i].type;
    }
    code = types == NULL ? no_memory(err)
                         : ps_batch_builder_init(&self->builder, shape->column_count, types,
                                                 PS_BATCH_ROWS, err);
    if (code != PS_OK) {
        free_user(&self->op);
        return code;
    }
    *out = &self->op;
    return PS_OK;
}

ps_code ps_op_flat_map_new(const ps_node *node, const ps_operator_context *context,
                           ps_operator **out, ps_error *err)
{
    user_op *self;
    ps_code code = make(&flat_map_class, node, context, &self, err);
    if (code == PS_OK) {
        *out = &self->op;
    }
    return code;
}

static bool take_gathered(user_op *self, ps_arena *arena)
{
    const ps_shape *shape = self->spec->in;
    ps_batch *to = &self->gathered;
    to->column_count = shape->total_count;
    to->columns = self->columns;
    to->watermarks = ps_arena_take(arena, PS_BATCH_ROWS * sizeof *to->watermarks);
    to->sequences = ps_arena_take(arena, PS_BATCH_ROWS * sizeof *to->sequences);
    self->selection = ps_arena_take(arena, PS_BATCH_ROWS * sizeof *self->selection);
    self->valid_words = ps_arena_take(
        arena, shape->total_count * (size_t)ps_valid_words(PS_BATCH_ROWS) * sizeof(uint64_t));
    bool is_good = to->watermarks != NULL && to->sequences != NULL && self->selection != NULL &&
                   self->valid_words != NULL;
    for (uint32_t i = 0; is_good && i < shape->total_count; i++) {
        to->columns[i].values =
            ps_arena_take(arena, PS_BATCH_ROWS * (size_t)ps_phys_size(shape->classes[i]));
        is_good = to->columns[i].values != NULL;
    }
    return is_good;
}

ps_code ps_op_filter_new(const ps_node *node, const ps_operator_context *context, ps_operator **out,
                         ps_error *err)
{
    user_op *self;
    ps_code code = make(&filter_class, node, context, &self, err);
    if (code == PS_OK && !take_gathered(self, context->arena)) {
        free_user(&self->op);
        return no_memory(err);
    }
    if (code == PS_OK) {
        *out = &self->op;
    }
    return code;
}

ps_code ps_op_time_new(const ps_node *node, const ps_operator_context *context, ps_operator **out,
                       ps_error *err)
{
    user_op *self;
    ps_code code = make(&time_class, node, context, &self, err);
    if (code != PS_OK) {
        return code;
    }
    self->times = ps_arena_take(context->arena, PS_BATCH_ROWS * sizeof *self->times);
    if (self->times == NULL) {
        free_user(&self->op);
        return no_memory(err);
    }
    *out = &self->op;
    return PS_OK;
}
