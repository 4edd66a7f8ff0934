/* WindowRank: the first … last rows of each key within closed windows, told once, when the window
 * closes (SEMANTICS §9, §5.5). The rows carry their window. */
#include <stdlib.h>

#include "data/datetime.h"
#include "flow/key_encoder.h"
#include "flow/operators.h"
#include "flow/sorted_rows.h"
#include "state/table.h"
#include "state/timers.h"

typedef struct {
    ps_operator op;
    const ps_window_rank_spec *spec;
    ps_key_encoder keys; /* window start, window end, keys */
    ps_sorted_rows sorted;
    ps_table *table;   /* → ps_row_list */
    ps_timers *timers; /* the window's last instant → entry */
    uint32_t column_count;
} window_rank;

/* The watermark that closes the row's window. */
static int64_t closing_time(const window_rank *self, const ps_batch *batch, uint32_t row)
{
    int64_t end = batch->columns[self->spec->window.end_column].i64[row];
    const ps_zone *zone = self->spec->window.zone;
    return (zone != NULL ? ps_zone_to_epoch(zone, end) : end) - 1;
}

static ps_code take_row(window_rank *self, const ps_batch *batch, uint32_t row, ps_error *err)
{
    int64_t closes_at = closing_time(self, batch, row);
    if (closes_at <= batch->watermarks[row]) {
        ps_operator_count_late(&self->op, 0, batch, row);
        return PS_OK;
    }
    uint32_t entry;
    bool is_new;
    ps_code code = ps_key_put(&self->keys, self->table, batch, row, &entry, &is_new, err);
    if (code == PS_OK && is_new) {
        code = ps_timers_add(self->timers, closes_at, entry, err);
        self->op.due = closes_at < self->op.due ? closes_at : self->op.due;
    }
    if (code != PS_OK) {
        return code;
    }
    ps_row_list *list = ps_table_touch(self->table, entry);
    uint32_t place = ps_row_list_place(&self->sorted, list, batch, row);
    if (place >= self->spec->last) {
        return PS_OK;
    }
    code = ps_row_list_insert(&self->sorted, list, place, batch, row, err);
    if (code == PS_OK && list->count > self->spec->last) {
        uint32_t out = ps_row_list_at(&self->sorted, list, list->count - 1);
        ps_row_list_take(&self->sorted, list, list->count - 1);
        ps_kept_rows_drop(&self->sorted.rows, out);
    }
    return code;
}

static ps_code on_row(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t row,
                      ps_error *err)
{
    (void)input;
    return take_row((window_rank *)op, batch, row, err);
}

static ps_code close_window(window_rank *self, uint32_t entry, ps_error *err)
{
    ps_outlet *outlet = self->op.context.outlet;
    ps_row_list *list = ps_table_touch(self->table, entry);
    ps_code code = PS_OK;
    for (uint32_t i = (uint32_t)self->spec->first - 1; code == PS_OK && i < list->count; i++) {
        code = ps_outlet_begin_row(outlet, PS_KIND_INSERT, err);
        if (code == PS_OK) {
            code = ps_kept_row_emit(&self->sorted.rows, ps_row_list_at(&self->sorted, list, i),
                                    outlet, 0, err);
        }
        if (code == PS_OK && self->spec->emit_rank) {
            ps_batch_builder_set_i64(&outlet->builder, self->column_count, (int64_t)i + 1);
        }
        if (code == PS_OK) {
            ps_outlet_end_row(outlet);
        }
    }
    ps_row_list_clear(&self->sorted, list);
    ps_table_remove(self->table, entry);
    return code;
}

static ps_code on_watermark(ps_operator *op, int64_t watermark, ps_error *err)
{
    window_rank *self = (window_rank *)op;
    int64_t time;
    uint64_t entry;
    ps_code code = PS_OK;
    while (code == PS_OK && ps_timers_take(self->timers, watermark, &time, &entry)) {
        code = close_window(self, (uint32_t)entry, err);
    }
    op->due = ps_timers_earliest(self->timers);
    return code;
}

static void free_window_rank(ps_operator *op)
{
    window_rank *self = (window_rank *)op;
    ps_key_encoder_release(&self->keys);
    free(self);
}

static const ps_operator_class window_rank_class = {
    .name = "WindowRank",
    .on_row = on_row,
    .on_watermark = on_watermark,
    .free = free_window_rank,
};

/* The window's columns are part of the key. */
static bool window_keys(const ps_window_rank_spec *spec, ps_arena *arena, ps_columns *out)
{
    uint32_t *columns = ps_arena_take(arena, (spec->keys.count + 2) * sizeof *columns);
    if (columns == NULL) {
        return false;
    }
    columns[0] = spec->window.start_column;
    columns[1] = spec->window.end_column;
    for (uint32_t i = 0; i < spec->keys.count; i++) {
        columns[i + 2] = spec->keys.columns[i];
    }
    *out = (ps_columns){spec->keys.count + 2, columns};
    return true;
}

ps_code ps_op_window_rank_new(const ps_node *node, const ps_operator_context *context,
                              ps_operator **out, ps_error *err)
{
    window_rank *self = calloc(1, sizeof *self);
    ps_columns keys;
    if (self == NULL || !window_keys(node->window_rank, context->arena, &keys)) {
        free(self);
        return ps_error_set(err, PS_E_MEMORY, "no memory for a window's rank");
    }
    const ps_schema *input = &node->inputs[0]->schema;
    self->op.class = &window_rank_class;
    self->op.context = *context;
    self->spec = node->window_rank;
    self->column_count = input->field_count;
    ps_code code = ps_key_encoder_init(&self->keys, context->arena, keys, input, err);
    if (code == PS_OK) {
        code = ps_sorted_rows_init(
            &self->sorted, context->store, context->arena,
            &(ps_sorted_rows_options){0, input, self->spec->sort_count, self->spec->sort}, err);
    }
    self->sorted.newest_first = self->spec->is_deduplicate && self->spec->sort_count > 0 &&
                                self->spec->sort[0].is_descending;
    if (code == PS_OK) {
        code = ps_table_new(context->store, "windows", ps_key_encoder_size(&self->keys),
                            sizeof(ps_row_list), &self->table, err);
    }
    if (code == PS_OK) {
        code = ps_timers_new(context->store, "timers", &self->timers, err);
    }
    if (code != PS_OK) {
        free_window_rank(&self->op);
        return code;
    }
    *out = &self->op;
    return PS_OK;
}
