/* Rank: rows number `first` to `last` of each key by sort keys, kept up to date (SEMANTICS §9).
 *
 * Append-only input keeps the best `last` rows of a key; updating input keeps all. With the number
 * in the output every shift is an update of each rank it moves; without it only who leaves and who
 * enters is told: −D of the one, then +I of the other.
 */
#include <stdlib.h>

#include "flow/key_encoder.h"
#include "flow/operators.h"
#include "flow/sorted_rows.h"
#include "state/table.h"

typedef struct {
    ps_operator op;
    const ps_rank_spec *spec;
    ps_key_encoder keys;
    ps_sorted_rows sorted;
    ps_table *table; /* key → ps_row_list */
    uint32_t column_count;
} rank;

/* A kept row as an output row. */
static ps_code send(rank *self, uint8_t kind, uint32_t ref, int64_t number, ps_error *err)
{
    ps_outlet *outlet = self->op.context.outlet;
    if (kind == PS_KIND_UPDATE_BEFORE && !self->spec->emit_update_before) {
        return PS_OK;
    }
    ps_code code = ps_outlet_begin_row(outlet, kind, err);
    if (code == PS_OK) {
        code = ps_kept_row_emit(&self->sorted.rows, ref, outlet, 0, err);
    }
    if (code == PS_OK && self->spec->emit_rank) {
        ps_batch_builder_set_i64(&outlet->builder, self->column_count, number);
    }
    if (code == PS_OK) {
        ps_outlet_end_row(outlet);
    }
    return code;
}

static bool is_shown(const rank *self, int64_t number)
{
    return number >= self->spec->first && number <= self->spec->last;
}

/* A row was put at index `place`: ranks from there on have moved down by one. */
static ps_code tell_insert_by_rank(rank *self, const ps_row_list *list, uint32_t place,
                                   ps_error *err)
{
    ps_code code = PS_OK;
    for (uint32_t i = place; code == PS_OK && i < list->count && i < self->spec->last; i++) {
        int64_t number = (int64_t)i + 1;
        uint32_t now = ps_row_list_at(&self->sorted, list, i);
        if (!is_shown(self, number)) {
            continue;
        }
        if (i + 1 == list->count) {
            code = send(self, PS_KIND_INSERT, now, number, err);
            continue;
        }
        uint32_t before = ps_row_list_at(&self->sorted, list, i + 1);
        code = send(self, PS_KIND_UPDATE_BEFORE, before, number, err);
        code = code == PS_OK ? send(self, PS_KIND_UPDATE_AFTER, now, number, err) : code;
    }
    return code;
}

/* `ref` was taken from index `place`: ranks behind it have moved up by one. */
static ps_code tell_remove_by_rank(rank *self, const ps_row_list *list, uint32_t place,
                                   uint32_t ref, ps_error *err)
{
    ps_code code = PS_OK;
    uint32_t before = ref;
    for (uint32_t i = place; code == PS_OK && i <= list->count && i < self->spec->last; i++) {
        int64_t number = (int64_t)i + 1;
        uint32_t now = i < list->count ? ps_row_list_at(&self->sorted, list, i) : 0;
        if (is_shown(self, number) && now == 0) {
            code = send(self, PS_KIND_DELETE, before, number, err);
        } else if (is_shown(self, number)) {
            code = send(self, PS_KIND_UPDATE_BEFORE, before, number, err);
            code = code == PS_OK ? send(self, PS_KIND_UPDATE_AFTER, now, number, err) : code;
        }
        before = now;
    }
    return code;
}

/* Without numbers: the row that leaves the range, then the one that enters it. */
static ps_code tell_insert(rank *self, const ps_row_list *list, uint32_t place, ps_error *err)
{
    const ps_rank_spec *spec = self->spec;
    if (place >= spec->last) {
        return PS_OK;
    }
    ps_code code = PS_OK;
    uint64_t entering = place < spec->first - 1 ? (uint64_t)spec->first - 1 : place;
    if (list->count > spec->last) {
        uint32_t leaving = ps_row_list_at(&self->sorted, list, (uint32_t)spec->last);
        code = send(self, PS_KIND_DELETE, leaving, 0, err);
    }
    if (code == PS_OK && entering < list->count) {
        uint32_t ref = ps_row_list_at(&self->sorted, list, (uint32_t)entering);
        code = send(self, PS_KIND_INSERT, ref, 0, err);
    }
    return code;
}

static ps_code tell_remove(rank *self, const ps_row_list *list, uint32_t place, uint32_t ref,
                           ps_error *err)
{
    const ps_rank_spec *spec = self->spec;
    if (place >= spec->last) {
        return PS_OK;
    }
    ps_code code = PS_OK;
    uint64_t first = (uint64_t)spec->first - 1;
    if (place >= first) {
        code = send(self, PS_KIND_DELETE, ref, 0, err);
    } else if (first - 1 < list->count) {
        code = send(self, PS_KIND_DELETE, ps_row_list_at(&self->sorted, list, (uint32_t)first - 1),
                    0, err);
    }
    if (code == PS_OK && list->count >= spec->last) {
        uint32_t entering = ps_row_list_at(&self->sorted, list, (uint32_t)spec->last - 1);
        code = send(self, PS_KIND_INSERT, entering, 0, err);
    }
    return code;
}

static ps_code insert(rank *self, ps_row_list *list, const ps_batch *batch, uint32_t row,
                      ps_error *err)
{
    uint32_t place = ps_row_list_place(&self->sorted, list, batch, row);
    bool keeps_all = self->spec->input_updates;
    if (!keeps_all && place >= self->spec->last) {
        return PS_OK; /* it will never come up */
    }
    ps_code code = ps_row_list_insert(&self->sorted, list, place, batch, row, err);
    if (code != PS_OK) {
        return code;
    }
    code = self->spec->emit_rank ? tell_insert_by_rank(self, list, place, err)
                                 : tell_insert(self, list, place, err);
    if (!keeps_all && list->count > self->spec->last) {
        uint32_t out = ps_row_list_at(&self->sorted, list, list->count - 1);
        ps_row_list_take(&self->sorted, list, list->count - 1);
        ps_kept_rows_drop(&self->sorted.rows, out);
    }
    return code;
}

static ps_code take_out(rank *self, ps_row_list *list, uint32_t place, ps_error *err)
{
    uint32_t ref = ps_row_list_at(&self->sorted, list, place);
    ps_row_list_take(&self->sorted, list, place);
    ps_code code = self->spec->emit_rank ? tell_remove_by_rank(self, list, place, ref, err)
                                         : tell_remove(self, list, place, ref, err);
    ps_kept_rows_drop(&self->sorted.rows, ref);
    return code;
}

static ps_code take_row(rank *self, const ps_batch *batch, uint32_t row, ps_error *err)
{
    uint32_t entry;
    bool is_new;
    ps_code code = ps_key_put(&self->keys, self->table, batch, row, &entry, &is_new, err);
    if (code != PS_OK) {
        return code;
    }
    ps_row_list *list = ps_table_touch(self->table, entry);
    bool adds = ps_kind_adds(ps_batch_kind(batch, row));
    ps_columns upsert_key = self->spec->input_upsert_key;
    if (!adds || upsert_key.count > 0) {
        uint32_t place = upsert_key.count > 0
                             ? ps_row_list_find_by(&self->sorted, list, upsert_key, batch, row)
                             : ps_row_list_find(&self->sorted, list, batch, row);
        if (place < list->count) {
            code = take_out(self, list, place, err);
        }
    }
    if (code == PS_OK && adds) {
        code = insert(self, list, batch, row, err);
    }
    if (code == PS_OK && list->count == 0) {
        ps_row_list_clear(&self->sorted, list);
        ps_table_remove(self->table, entry);
    }
    return code;
}

static ps_code on_row(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t row,
                      ps_error *err)
{
    (void)input;
    return take_row((rank *)op, batch, row, err);
}

static void free_rank(ps_operator *op)
{
    rank *self = (rank *)op;
    ps_key_encoder_release(&self->keys);
    free(self);
}

static const ps_operator_class rank_class = {
    .name = "Rank",
    .on_row = on_row,
    .free = free_rank,
};

ps_code ps_op_rank_new(const ps_node *node, const ps_operator_context *context, ps_operator **out,
                       ps_error *err)
{
    rank *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a rank");
    }
    const ps_schema *input = &node->inputs[0]->schema;
    self->op.class = &rank_class;
    self->op.context = *context;
    self->spec = node->rank;
    self->column_count = input->field_count;
    ps_code code = ps_key_encoder_init(&self->keys, context->arena, self->spec->keys, input, err);
    if (code == PS_OK) {
        code = ps_sorted_rows_init(
            &self->sorted, context->store, context->arena,
            &(ps_sorted_rows_options){0, input, self->spec->sort_count, self->spec->sort}, err);
    }
    if (code == PS_OK) {
        code = ps_table_new(context->store, "keys", ps_key_encoder_size(&self->keys),
                            sizeof(ps_row_list), &self->table, err);
    }
    if (code != PS_OK) {
        free_rank(&self->op);
        return code;
    }
    *out = &self->op;
    return PS_OK;
}
