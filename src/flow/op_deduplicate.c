/* Deduplicate: one row per key, the first or the last by time (SEMANTICS §9). Ties: keep-first
 * keeps the first arrival, keep-last takes the newest. Late rows count like others. */
#include <stdlib.h>

#include "flow/kept_rows.h"
#include "flow/key_encoder.h"
#include "flow/operators.h"
#include "state/table.h"

/* Value of a key. */
typedef struct {
    int64_t time;
    uint32_t ref; /* the row that is out; 0: not kept, for nobody needs it again */
    uint32_t unused;
} keeper;

typedef struct {
    ps_operator op;
    const ps_deduplicate_spec *spec;
    ps_key_encoder keys;
    ps_kept_rows rows;
    ps_table *table;
    /* of the run's rows */
    uint32_t *entries;
    bool *is_new;
} deduplicate;

static ps_code send_row(deduplicate *self, const ps_batch *batch, uint32_t row, uint8_t kind,
                        ps_error *err)
{
    ps_outlet *outlet = self->op.context.outlet;
    ps_code code = ps_outlet_begin_row(outlet, kind, err);
    if (code == PS_OK) {
        code = ps_batch_row_emit(batch, row, outlet, 0, err);
    }
    if (code == PS_OK) {
        ps_outlet_end_row(outlet);
    }
    return code;
}

static bool replaces(const deduplicate *self, int64_t time, const keeper *kept)
{
    if (self->spec->is_processing_time) {
        return self->spec->keep_last;
    }
    return self->spec->keep_last ? time >= kept->time : time < kept->time;
}

/* The row before goes, where someone wants to know. */
static ps_code take_back(deduplicate *self, keeper *kept, ps_error *err)
{
    if (kept->ref == 0) {
        return PS_OK;
    }
    ps_code code = ps_kept_row_send(&self->rows, kept->ref, self->op.context.outlet,
                                    PS_KIND_UPDATE_BEFORE, err);
    ps_kept_rows_drop(&self->rows, kept->ref);
    kept->ref = 0;
    return code;
}

static ps_code take_row(deduplicate *self, const ps_batch *batch, uint32_t row, uint32_t entry,
                        bool is_new, ps_error *err)
{
    const ps_deduplicate_spec *spec = self->spec;
    int64_t time = spec->is_processing_time ? 0 : batch->columns[spec->time_column].i64[row];
    keeper *kept = ps_table_value(self->table, entry);
    if (!is_new && !replaces(self, time, kept)) {
        return PS_OK;
    }
    kept = ps_table_touch(self->table, entry);
    ps_code code = take_back(self, kept, err);
    if (code == PS_OK) {
        uint8_t kind = is_new ? PS_KIND_INSERT : PS_KIND_UPDATE_AFTER;
        code = send_row(self, batch, row, kind, err);
    }
    kept->time = time;
    bool can_change = !spec->is_processing_time || spec->keep_last;
    if (code == PS_OK && spec->emit_update_before && can_change) {
        code = ps_kept_rows_add(&self->rows, batch, row, &kept->ref, err);
    }
    return code;
}

/* Nothing waits for watermarks: a run goes to its end. */
static ps_code on_rows(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t from,
                       uint32_t to, uint32_t *out_done, ps_error *err)
{
    (void)input;
    deduplicate *self = (deduplicate *)op;
    ps_slice *keys;
    ps_code code = ps_key_encode_run(&self->keys, batch, from, to, &keys, err);
    if (code == PS_OK) {
        code = ps_table_put_all(self->table, to - from, keys, self->entries, self->is_new, err);
    }
    for (uint32_t row = from; code == PS_OK && row < to; row++) {
        uint32_t i = row - from;
        ps_outlet_stamp_row(op->context.outlet, batch, row);
        code = take_row(self, batch, row, self->entries[i], self->is_new[i], err);
    }
    *out_done = to - from;
    return code;
}

static void free_deduplicate(ps_operator *op)
{
    deduplicate *self = (deduplicate *)op;
    ps_key_encoder_release(&self->keys);
    free(self);
}

static const ps_operator_class deduplicate_class = {
    .name = "Deduplicate",
    .on_rows = on_rows,
    .free = free_deduplicate,
};

ps_code ps_op_deduplicate_new(const ps_node *node, const ps_operator_context *context,
                              ps_operator **out, ps_error *err)
{
    deduplicate *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a deduplication");
    }
    const ps_schema *input = &node->inputs[0]->schema;
    self->op.class = &deduplicate_class;
    self->op.context = *context;
    self->spec = node->deduplicate;
    self->entries = ps_arena_take(context->arena, PS_BATCH_ROWS * sizeof *self->entries);
    self->is_new = ps_arena_take(context->arena, PS_BATCH_ROWS * sizeof *self->is_new);
    ps_code code = self->entries != NULL && self->is_new != NULL
                       ? PS_OK
                       : ps_error_set(err, PS_E_MEMORY, "no memory for a deduplication");
    if (code == PS_OK) {
        code = ps_key_encoder_init(&self->keys, context->arena, self->spec->keys, input, err);
    }
    if (code == PS_OK) {
        code =
            ps_kept_rows_init(&self->rows, context->store, context->arena, "rows", 0, input, err);
    }
    if (code == PS_OK) {
        code = ps_table_new(context->store, "keys", ps_key_encoder_size(&self->keys),
                            sizeof(keeper), &self->table, err);
    }
    if (code != PS_OK) {
        free_deduplicate(&self->op);
        return code;
    }
    *out = &self->op;
    return PS_OK;
}
