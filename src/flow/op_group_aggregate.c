/* GroupAggregate: continuous GROUP BY, a changelog (SEMANTICS §7.2).
 *
 * Each input row may change its group's row: +I when the group appears, −U and +U when its results
 * change, −D when its last row is taken away. A row that is taken away from a group that is not
 * there is ignored. An unchanged result is not told, unless states expire: then every change keeps
 * the group alive downstream as well. A run of rows finds its groups together; what they change is
 * worked out row by row, since each row's changelog depends on the one before. */
#include <stdlib.h>

#include "flow/key_encoder.h"
#include "flow/operators.h"
#include "state/table.h"

/* A group's entry: number of rows (input that retracts; DEAD: to be removed after the run), time of
 * the last change (states that expire), aggregator state. */
#define DEAD (-1)
enum { SWEEP_PER_ROW = 2, SWEEP_MIN = 16 };
static const size_t texts_size_max = (size_t)1 << 31;

typedef struct {
    uint32_t sweep_from; /* entry where the search for expired groups goes on */
    uint32_t reserved;
} group_root;

typedef struct {
    ps_operator op;
    const ps_group_aggregate_spec *spec;
    ps_key_encoder keys;
    ps_aggregator *aggregator;
    ps_table *table;
    group_root *root;
    uint32_t time_offset, state_offset; /* in an entry's value */
    bool has_texts;                     /* among the results */
    ps_phys *classes;                   /* of the results */
    ps_value *before, *after;
    ps_arena texts; /* of `before` */
    uint32_t dead_count;
    uint32_t dead[PS_BATCH_ROWS];
    uint32_t entries[PS_BATCH_ROWS];
    bool is_new[PS_BATCH_ROWS];
} group_aggregate;

/* ── results ── */

static bool is_equal(ps_phys phys, const ps_value *a, const ps_value *b)
{
    if (a->is_null || b->is_null) {
        return a->is_null == b->is_null;
    }
    switch (phys) {
    case PS_PHYS_I64:
        return a->i64 == b->i64;
    case PS_PHYS_F64:
        return a->f64 == b->f64;
    case PS_PHYS_I128:
        return a->i128 == b->i128;
    case PS_PHYS_TEXT:
        return ps_slice_equal(a->text, b->text);
    }
    PS_ASSERT(false);
}

static bool is_unchanged(const group_aggregate *self)
{
    for (uint32_t i = 0; i < self->spec->call_count; i++) {
        if (!is_equal(self->classes[i], &self->before[i], &self->after[i])) {
            return false;
        }
    }
    return true;
}

/* The row is about to change what texts borrow from: they are copied. */
static ps_code read_before(group_aggregate *self, const char *state, ps_error *err)
{
    ps_code code = ps_aggregator_results(self->aggregator, state, self->before, err);
    if (code != PS_OK || !self->has_texts) {
        return code;
    }
    ps_arena_reset(&self->texts);
    for (uint32_t i = 0; i < self->spec->call_count; i++) {
        ps_value *value = &self->before[i];
        if (self->classes[i] == PS_PHYS_TEXT && !value->is_null) {
            value->text.data = ps_arena_copy(&self->texts, value->text.data, value->text.size);
            if (value->text.data == NULL) {
                return ps_error_set(err, PS_E_MEMORY, "no memory for a group's results");
            }
        }
    }
    return PS_OK;
}

static ps_code emit(group_aggregate *self, uint8_t kind, const ps_batch *batch, uint32_t row,
                    const ps_value *results, ps_error *err)
{
    ps_outlet *outlet = self->op.context.outlet;
    const ps_columns *keys = &self->spec->keys;
    ps_code code = ps_outlet_begin_row(outlet, kind, err);
    for (uint32_t i = 0; i < keys->count && code == PS_OK; i++) {
        code =
            ps_batch_builder_copy(&outlet->builder, i, &batch->columns[keys->columns[i]], row, err);
    }
    for (uint32_t i = 0; i < self->spec->call_count && code == PS_OK; i++) {
        code = ps_batch_builder_set(&outlet->builder, keys->count + i, results[i], err);
    }
    if (code == PS_OK) {
        ps_outlet_end_row(outlet);
    }
    return code;
}

static ps_code emit_change(group_aggregate *self, bool was_there, const ps_batch *batch,
                           uint32_t row, ps_error *err)
{
    if (!was_there) {
        return emit(self, PS_KIND_INSERT, batch, row, self->after, err);
    }
    if (self->op.context.ttl_ms == 0 && is_unchanged(self)) {
        return PS_OK;
    }
    ps_code code = PS_OK;
    if (self->spec->emit_update_before) {
        code = emit(self, PS_KIND_UPDATE_BEFORE, batch, row, self->before, err);
    }
    if (code == PS_OK) {
        code = emit(self, PS_KIND_UPDATE_AFTER, batch, row, self->after, err);
    }
    return code;
}

/* ── one row ── */

static int64_t *row_count_of(char *value)
{
    return (int64_t *)(void *)value;
}

static int64_t *time_of(const group_aggregate *self, char *value)
{
    return (int64_t *)(void *)(value + self->time_offset);
}

static bool is_expired(const group_aggregate *self, char *value)
{
    int64_t age;
    return self->op.context.ttl_ms != 0 &&
           (__builtin_sub_overflow(self->op.context.clock->now_ms, *time_of(self, value), &age) ||
            age >= self->op.context.ttl_ms);
}

static void bury(group_aggregate *self, uint32_t entry, char *value)
{
    ps_aggregator_clear(self->aggregator, value + self->state_offset);
    *row_count_of(value) = DEAD;
    self->dead[self->dead_count++] = entry;
}

/* Whether the group is there before this row; makes its state ready either way. */
static bool is_there(group_aggregate *self, char *value, bool is_new)
{
    bool there = !is_new;
    if (self->spec->input_retracts) {
        int64_t *row_count = row_count_of(value);
        there = *row_count > 0;
        *row_count = there ? *row_count : 0;
    }
    if (there && is_expired(self, value)) {
        ps_aggregator_clear(self->aggregator, value + self->state_offset);
        if (self->spec->input_retracts) {
            *row_count_of(value) = 0;
        }
        there = false;
    }
    return there;
}

static ps_code take_row(group_aggregate *self, const ps_batch *batch, uint32_t row, uint32_t slot,
                        ps_error *err)
{
    char *value = ps_table_touch(self->table, self->entries[slot]);
    char *state = value + self->state_offset;
    bool there = is_there(self, value, self->is_new[slot]);
    bool adds = ps_kind_adds(ps_batch_kind(batch, row));
    PS_ASSERT(adds || self->spec->input_retracts);
    if (!there && !adds) {
        bury(self, self->entries[slot], value);
        return PS_OK;
    }
    ps_code code = there ? read_before(self, state, err) : PS_OK;
    if (code == PS_OK) {
        code = adds ? ps_aggregator_add(self->aggregator, batch, row, state, err)
                    : ps_aggregator_retract(self->aggregator, batch, row, state, err);
    }
    if (code != PS_OK) {
        return code;
    }
    if (self->op.context.ttl_ms != 0) {
        *time_of(self, value) = self->op.context.clock->now_ms;
    }
    if (self->spec->input_retracts) {
        *row_count_of(value) += adds ? 1 : -1;
        if (*row_count_of(value) == 0) {
            bury(self, self->entries[slot], value);
            return emit(self, PS_KIND_DELETE, batch, row, self->before, err);
        }
    }
    code = ps_aggregator_results(self->aggregator, state, self->after, err);
    return code == PS_OK ? emit_change(self, there, batch, row, err) : code;
}

/* ── runs ── */

/* A dead group may have come back within the run, or died twice; of an entry that is free already
 * the first bytes are its link in the free list, which is never DEAD. */
static void remove_dead(group_aggregate *self)
{
    for (uint32_t i = 0; i < self->dead_count; i++) {
        char *value = ps_table_value(self->table, self->dead[i]);
        if (*row_count_of(value) == DEAD) {
            ps_table_remove(self->table, self->dead[i]);
        }
    }
    self->dead_count = 0;
}

/* Expired groups are treated as absent wherever they are met; this gives their memory back. */
static void sweep(group_aggregate *self, uint32_t rows)
{
    ps_store_touch_root(self->op.context.store);
    uint32_t entry = self->root->sweep_from;
    for (uint32_t i = 0; i < rows * SWEEP_PER_ROW + SWEEP_MIN; i++) {
        entry = ps_table_next(self->table, entry);
        if (entry == PS_TABLE_NONE) {
            entry = 0;
            break;
        }
        char *value = ps_table_value(self->table, entry);
        if (is_expired(self, value)) {
            value = ps_table_touch(self->table, entry);
            ps_aggregator_clear(self->aggregator, value + self->state_offset);
            ps_table_remove(self->table, entry);
        }
        entry++;
    }
    self->root->sweep_from = entry;
}

static ps_code on_rows(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t from,
                       uint32_t to, uint32_t *out_done, ps_error *err)
{
    (void)input;
    group_aggregate *self = (group_aggregate *)op;
    ps_slice *keys;
    ps_code code = ps_key_encode_run(&self->keys, batch, from, to, &keys, err);
    if (code == PS_OK) {
        code = ps_table_put_all(self->table, to - from, keys, self->entries, self->is_new, err);
    }
    for (uint32_t row = from; row < to && code == PS_OK; row++) {
        ps_outlet_stamp_row(op->context.outlet, batch, row);
        code = take_row(self, batch, row, row - from, err);
    }
    remove_dead(self);
    if (code == PS_OK && op->context.ttl_ms != 0) {
        sweep(self, to - from);
    }
    *out_done = to - from;
    return code;
}

/* ── making ── */

static void free_group_aggregate(ps_operator *op)
{
    group_aggregate *self = (group_aggregate *)op;
    ps_key_encoder_release(&self->keys);
    ps_arena_release(&self->texts);
    free(self);
}

static const ps_operator_class group_aggregate_class = {
    .name = "GroupAggregate",
    .on_rows = on_rows,
    .free = free_group_aggregate,
};

static ps_code open_results(group_aggregate *self, ps_error *err)
{
    const ps_group_aggregate_spec *spec = self->spec;
    ps_arena *arena = self->op.context.arena;
    self->classes = ps_arena_take(arena, spec->call_count * sizeof *self->classes);
    self->before = ps_arena_take(arena, spec->call_count * sizeof *self->before);
    self->after = ps_arena_take(arena, spec->call_count * sizeof *self->after);
    if (self->classes == NULL || self->before == NULL || self->after == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a group aggregate");
    }
    for (uint32_t i = 0; i < spec->call_count; i++) {
        self->classes[i] = ps_type_phys(spec->calls[i].result);
        self->has_texts = self->has_texts || self->classes[i] == PS_PHYS_TEXT;
    }
    return PS_OK;
}

static ps_code open_state(group_aggregate *self, const ps_schema *input, ps_error *err)
{
    const ps_operator_context *context = &self->op.context;
    const ps_group_aggregate_spec *spec = self->spec;
    ps_aggregator_options options = {
        .call_count = spec->call_count,
        .calls = spec->calls,
        .needs = spec->input_retracts ? PS_AGGREGATOR_RETRACT : 0,
        .overflow_is_null = context->expressions->overflow_is_null,
    };
    void *root;
    ps_code code = ps_store_root(context->store, sizeof(group_root), &root, err);
    if (code != PS_OK) {
        return code;
    }
    self->root = root;
    code = ps_key_encoder_init(&self->keys, context->arena, spec->keys, input, err);
    if (code == PS_OK) {
        code = ps_aggregator_new(context->store, context->arena, &options, &self->aggregator, err);
    }
    if (code != PS_OK) {
        return code;
    }
    self->time_offset = spec->input_retracts ? (uint32_t)sizeof(int64_t) : 0;
    self->state_offset = self->time_offset + (context->ttl_ms != 0 ? (uint32_t)sizeof(int64_t) : 0);
    return ps_table_new(context->store, "groups", ps_key_encoder_size(&self->keys),
                        self->state_offset + ps_aggregator_size(self->aggregator), &self->table,
                        err);
}

ps_code ps_op_group_aggregate_new(const ps_node *node, const ps_operator_context *context,
                                  ps_operator **out, ps_error *err)
{
    group_aggregate *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a group aggregate");
    }
    self->op.class = &group_aggregate_class;
    self->op.context = *context;
    self->op.watermark = PS_WATERMARK_NONE;
    self->op.due = INT64_MAX;
    self->spec = node->group_aggregate;
    ps_arena_init(&self->texts, texts_size_max);
    ps_code code = open_results(self, err);
    if (code == PS_OK) {
        code = open_state(self, &node->inputs[0]->schema, err);
    }
    if (code != PS_OK) {
        free_group_aggregate(&self->op);
        return code;
    }
    *out = &self->op;
    return PS_OK;
}
