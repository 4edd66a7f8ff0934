/* Windowing: gives each row its window. Global, fixed and session windows are two more columns;
 * sliding ones copy the row into each of its windows. Sessions begin as [time, time + gap): the
 * grouping behind merges those that overlap. Narrow: takes columns away at the end. */
#include <stdlib.h>

#include "api/user_spec.h"
#include "flow/window_time.h"

typedef struct {
    ps_operator op;
    const ps_windowing_spec *spec;
    ps_column *columns;
    int64_t *starts, *ends;
} windowing;

static void set_fixed(const windowing *self, const int64_t *times, uint32_t count)
{
    int64_t size = self->spec->windowing.size_ms;
    int64_t start = 0, end = 0; /* of the row before: mostly the same */
    for (uint32_t row = 0; row < count; row++) {
        if (times[row] < start || times[row] >= end) {
            start = ps_window_floor(times[row], self->spec->windowing.offset_ms, size);
            end = ps_window_sum(start, size);
        }
        self->starts[row] = start;
        self->ends[row] = end;
    }
}

static void set_windows(const windowing *self, const int64_t *times, uint32_t count)
{
    switch (self->spec->windowing.kind) {
    case PS_WINDOWING_GLOBAL:
        for (uint32_t row = 0; row < count; row++) {
            self->starts[row] = INT64_MIN;
            self->ends[row] = INT64_MAX;
        }
        return;
    case PS_WINDOWING_FIXED:
        set_fixed(self, times, count);
        return;
    case PS_WINDOWING_SESSION:
        for (uint32_t row = 0; row < count; row++) {
            self->starts[row] = times[row];
            self->ends[row] = ps_window_sum(times[row], self->spec->windowing.gap_ms);
        }
        return;
    case PS_WINDOWING_SLIDING:
        break;
    }
    PS_ASSERT(false);
}

static ps_code assign_rows(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t from,
                           uint32_t to, uint32_t *out_done, ps_error *err)
{
    (void)input;
    PS_ASSERT(from == 0 && to == batch->row_count); /* nothing above cuts batches */
    windowing *self = (windowing *)op;
    const ps_shape *out = self->spec->out;
    uint32_t in_time = self->spec->in->time;
    memcpy(self->columns, batch->columns, out->column_count * sizeof *self->columns);
    if (in_time != PS_NO_COLUMN) {
        self->columns[out->time] = batch->columns[in_time];
    }
    set_windows(self, in_time != PS_NO_COLUMN ? batch->columns[in_time].i64 : NULL, to);
    self->columns[out->start] = (ps_column){.i64 = self->starts};
    self->columns[out->end] = (ps_column){.i64 = self->ends};
    ps_batch assigned = *batch;
    assigned.column_count = out->total_count;
    assigned.columns = self->columns;
    *out_done = to - from;
    return ps_outlet_pass(op->context.outlet, &assigned, err);
}

static ps_code slide_row(windowing *self, const ps_batch *batch, uint32_t row, ps_error *err)
{
    const ps_windowing *w = &self->spec->windowing;
    const ps_shape *out = self->spec->out;
    ps_outlet *outlet = self->op.context.outlet;
    int64_t time = batch->columns[self->spec->in->time].i64[row];
    int64_t last = ps_window_floor(time, w->offset_ms, w->period_ms);
    /* the earliest window first */
    int64_t count = (w->size_ms - (time - last) + w->period_ms - 1) / w->period_ms;
    for (int64_t i = count - 1; i >= 0; i--) {
        ps_code code = ps_outlet_begin_row(outlet, PS_KIND_INSERT, err);
        for (uint32_t at = 0; code == PS_OK && at < out->column_count; at++) {
            code = ps_batch_builder_copy(&outlet->builder, at, &batch->columns[at], row, err);
        }
        if (code != PS_OK) {
            return code;
        }
        int64_t start = last - i * w->period_ms;
        ps_batch_builder_set_i64(&outlet->builder, out->time, time);
        ps_batch_builder_set_i64(&outlet->builder, out->start, start);
        ps_batch_builder_set_i64(&outlet->builder, out->end, ps_window_sum(start, w->size_ms));
        ps_outlet_end_row(outlet);
    }
    return PS_OK;
}

static ps_code slide_rows(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t from,
                          uint32_t to, uint32_t *out_done, ps_error *err)
{
    (void)input;
    ps_code code = PS_OK;
    for (uint32_t row = from; code == PS_OK && row < to; row++) {
        ps_outlet_stamp_row(op->context.outlet, batch, row);
        code = slide_row((windowing *)op, batch, row, err);
    }
    *out_done = to - from;
    return code;
}

static ps_code no_watermark(ps_operator *op, int64_t watermark, ps_error *err)
{
    (void)op;
    (void)watermark;
    (void)err;
    return PS_OK;
}

static void free_windowing(ps_operator *op)
{
    free(op);
}

static const ps_operator_class assign_class = {
    .name = "Window", .on_rows = assign_rows, .on_watermark = no_watermark, .free = free_windowing};
static const ps_operator_class slide_class = {.name = "SlidingWindow",
                                              .on_rows = slide_rows,
                                              .on_watermark = no_watermark,
                                              .free = free_windowing};

ps_code ps_op_windowing_new(const ps_node *node, const ps_operator_context *context,
                            ps_operator **out, ps_error *err)
{
    windowing *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for windows");
    }
    self->spec = (const ps_windowing_spec *)node->user;
    bool slides = self->spec->windowing.kind == PS_WINDOWING_SLIDING;
    self->op.class = slides ? &slide_class : &assign_class;
    self->op.context = *context;
    self->columns =
        ps_arena_take(context->arena, self->spec->out->total_count * sizeof *self->columns);
    self->starts = ps_arena_take(context->arena, PS_BATCH_ROWS * sizeof *self->starts);
    self->ends = ps_arena_take(context->arena, PS_BATCH_ROWS * sizeof *self->ends);
    if (self->columns == NULL || self->starts == NULL || self->ends == NULL) {
        free(self);
        return ps_error_set(err, PS_E_MEMORY, "no memory for windows");
    }
    *out = &self->op;
    return PS_OK;
}

/* ── narrow ── */

typedef struct {
    ps_operator op;
    uint32_t column_count;
} narrow;

static ps_code narrow_rows(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t from,
                           uint32_t to, uint32_t *out_done, ps_error *err)
{
    (void)input;
    PS_ASSERT(from == 0 && to == batch->row_count);
    ps_batch narrowed = *batch;
    narrowed.column_count = ((narrow *)op)->column_count;
    *out_done = to;
    return ps_outlet_pass(op->context.outlet, &narrowed, err);
}

static const ps_operator_class narrow_class = {
    .name = "Narrow", .on_rows = narrow_rows, .on_watermark = no_watermark, .free = free_windowing};

ps_code ps_op_narrow_new(const ps_node *node, const ps_operator_context *context, ps_operator **out,
                         ps_error *err)
{
    narrow *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a step of the pipeline");
    }
    self->op.class = &narrow_class;
    self->op.context = *context;
    self->column_count = ((const ps_narrow_spec *)node->user)->column_count;
    *out = &self->op;
    return PS_OK;
}
