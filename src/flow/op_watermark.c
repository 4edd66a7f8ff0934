/* Watermark: gives a stream its event time (SEMANTICS §5.2, with interval 0).
 *
 * Per row: evaluate the expression, keep the running maximum; the row goes first, then the
 * watermark. A NULL result moves nothing; a NULL time is an error; watermarks ≤ 0 are never
 * emitted, as in the reference implementation.
 *
 * A row whose time is too far ahead of the clock (context.future_max_ms; decision e) would close
 * windows that are still filling: it is taken out, counted, and becomes a dead letter.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "data/datetime.h"
#include "flow/operators.h"

enum { ROW_TEXT_MAX = 64 << 20 };

/* In the store. */
typedef struct {
    int64_t watermark; /* 0: none yet */
} watermark_root;

typedef struct {
    ps_operator op;
    const ps_watermark_spec *spec;
    const ps_node *node;
    ps_program *program;
    watermark_root *root;
    int64_t watermarks[PS_BATCH_ROWS];
} watermark;

static ps_code check_times(const watermark *self, const ps_batch *batch, uint32_t from, uint32_t to,
                           ps_error *err)
{
    const ps_column *times = &batch->columns[self->spec->time_column];
    for (uint32_t row = from; times->valid != NULL && row < to; row++) {
        if (ps_column_is_null(times, row)) {
            return ps_error_set(err, PS_E_INVALID,
                                "the time column of row %llu of the source is NULL; filter such "
                                "rows out in the source's data or give the column a default",
                                (unsigned long long)batch->sequences[row] + 1);
        }
    }
    return PS_OK;
}

/* ── rows of the future ── */

/* The last time that is believed, as the column has it: a plain TIMESTAMP is in the session's zone.
 */
static int64_t time_max(const watermark *self)
{
    const ps_operator_context *context = &self->op.context;
    int64_t now_ms = context->clock->now_ms, max_ms;
    const ps_zone *zone = context->expressions->zone;
    const ps_type *type = self->node->schema.fields[self->spec->time_column].type;
    if (type->kind == PS_TYPE_TIMESTAMP && zone != NULL) {
        now_ms += ps_zone_offset_at(zone, now_ms);
    }
    return __builtin_add_overflow(now_ms, context->future_max_ms, &max_ms) ? INT64_MAX : max_ms;
}

static ps_code put_aside(watermark *self, const ps_batch *batch, uint32_t row, ps_error *err)
{
    self->op.bad_row_count++;
    ps_dead_letter *letter = self->op.context.dead_letter;
    if (letter == NULL) {
        return PS_OK;
    }
    char reason[120];
    (void)snprintf(reason, sizeof reason,
                   "event time is more than %" PRId64 " ms ahead of the clock",
                   self->op.context.future_max_ms);
    const ps_node *source = self->node;
    while (source->input_count > 0) {
        source = source->inputs[0];
    }
    ps_slice table = source->kind == PS_NODE_SOURCE ? source->source->table->name : PS_SLICE("row");
    ps_buf text;
    ps_buf_init(&text, ROW_TEXT_MAX);
    ps_row_print_json(&self->node->schema, batch, row, &text);
    ps_code code = text.failed
                       ? ps_error_set(err, PS_E_LIMIT, "a row is too big for a dead letter")
                       : letter->take(letter, table, "event time", batch->sequences[row] + 1,
                                      reason, ps_slice_of(text.data, text.size), err);
    ps_buf_release(&text);
    return code;
}

/* The first row in from … to−1 that is not believed; `to`: all are. */
static uint32_t next_of_future(const ps_batch *batch, uint32_t column, int64_t max, uint32_t from,
                               uint32_t to)
{
    const ps_column *times = &batch->columns[column];
    while (from < to && times->i64[from] <= max) {
        from++;
    }
    return from;
}

/* Emits `out`, whose watermarks are set, without the rows that are not believed. */
static ps_code emit_believed(watermark *self, const ps_batch *out, int64_t max, ps_error *err)
{
    ps_outlet *outlet = self->op.context.outlet;
    ps_code code = PS_OK;
    uint32_t row = 0;
    while (code == PS_OK && row < out->row_count) {
        uint32_t end = next_of_future(out, self->spec->time_column, max, row, out->row_count);
        code = ps_outlet_append(outlet, out, row, end, err);
        if (code == PS_OK && end < out->row_count) {
            code = put_aside(self, out, end, err);
        }
        row = end + 1;
    }
    ps_batch behind = *out;
    behind.row_count = 0;
    return code == PS_OK ? ps_outlet_pass(outlet, &behind, err) : code;
}

/* ── rows ── */

static ps_code on_rows(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t from,
                       uint32_t to, uint32_t *out_done, ps_error *err)
{
    (void)input;
    watermark *self = (watermark *)op;
    ps_code code = check_times(self, batch, from, to, err);
    if (code != PS_OK) {
        return code;
    }
    ps_column result;
    uint32_t bad_row = 0;
    code = ps_program_run(self->program, &(ps_program_rows){batch, from, to, op->context.clock},
                          &result, &bad_row, err);
    if (code != PS_OK) {
        return code;
    }
    int64_t current = self->root->watermark;
    const int64_t *times = batch->columns[self->spec->time_column].i64;
    const int64_t max = op->context.future_max_ms > 0 ? time_max(self) : INT64_MAX;
    for (uint32_t i = 0; i < to - from; i++) {
        self->watermarks[i] = current > 0 ? current : PS_WATERMARK_NONE;
        int64_t candidate = result.i64[i];
        if (candidate > current && !ps_column_is_null(&result, i) && times[from + i] <= max) {
            current = candidate;
        }
    }
    ps_store_touch_root(op->context.store);
    self->root->watermark = current;
    bool is_last = to == batch->row_count;
    bool has_ended = is_last && batch->watermark_after == PS_WATERMARK_END;
    int64_t after = current > 0 ? current : PS_WATERMARK_NONE;
    PS_ASSERT(from == 0 && is_last); /* nothing above cuts batches */
    ps_batch out = *batch;
    out.watermarks = self->watermarks;
    out.watermark_after = has_ended ? PS_WATERMARK_END : after;
    *out_done = to - from;
    return max == INT64_MAX || next_of_future(&out, self->spec->time_column, max, 0, to) == to
               ? ps_outlet_pass(op->context.outlet, &out, err)
               : emit_believed(self, &out, max, err);
}

static void free_watermark(ps_operator *op)
{
    watermark *self = (watermark *)op;
    ps_program_free(self->program);
    free(self);
}

static const ps_operator_class watermark_class = {
    .name = "Watermark",
    .on_rows = on_rows,
    .free = free_watermark,
};

ps_code ps_op_watermark_new(const ps_node *node, const ps_operator_context *context,
                            ps_operator **out, ps_error *err)
{
    watermark *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a watermark");
    }
    self->op.class = &watermark_class;
    self->op.context = *context;
    self->spec = node->watermark;
    self->node = node;
    ps_code code =
        ps_program_new(context->expressions, 1, &self->spec->watermark, &self->program, err);
    void *root = NULL;
    if (code == PS_OK) {
        code = ps_store_root(context->store, sizeof(watermark_root), &root, err);
    }
    if (code != PS_OK) {
        free_watermark(&self->op);
        return code;
    }
    self->root = root;
    *out = &self->op;
    return PS_OK;
}
