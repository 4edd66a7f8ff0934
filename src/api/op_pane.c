/* Pane: rows gathered per key and window, and fired by the watermark: early (every so many rows),
 * on time (when it passes the window's last millisecond), late (at each row behind that, within the
 * allowed lateness). Afterwards the window is forgotten, and its rows are late.
 *
 * State: a table from key to a chain of panes in a heap. The key of fixed, sliding and global
 * windows holds the window, so that chains are one long; sessions of a key are a chain of disjoint
 * windows, and a row merges those that it connects. Each pane has a timer at or before the time at
 * which it is due (armed_at); one that comes too early, its session having grown, is set anew.
 * Timers name the entry only: one that finds nothing due (its pane was merged) does nothing.
 */
#include <stdlib.h>

#include "api/accumulator.h"
#include "flow/key_encoder.h"
#include "flow/window_time.h"
#include "state/table.h"
#include "state/timers.h"

typedef struct {
    int64_t start, end;
    uint32_t next; /* in the chain; 0: the last */
    uint32_t firing_count;
    uint64_t has_fired; /* on time, or its end had been passed when it was made */
    uint64_t new_count; /* rows since the last firing */
    int64_t armed_at;
} pane; /* the accumulator's state follows */

typedef struct {
    ps_operator op;
    const ps_pane_spec *spec;
    ps_accumulator *accumulator;
    ps_key_encoder keys;
    ps_table *table; /* key → uint64_t: reference of the first pane */
    ps_heap panes;
    ps_timers *timers; /* when a pane fires on time or is forgotten → entry */
    uint32_t pane_size;
    bool is_session;
} pane_op;

typedef struct {
    pane_op *of;
    const pane *pane;
    uint32_t entry;
    ps_pane_kind kind;
} firing;

/* ── times ── */

static int64_t closes_at(int64_t end)
{
    return end == INT64_MAX ? INT64_MAX : end - 1;
}

static int64_t expires_at(const pane_op *self, int64_t end)
{
    return ps_window_sum(closes_at(end), self->spec->windowing.allowed_lateness_ms);
}

/* ── panes and chains ── */

static pane *pane_at(const pane_op *self, uint32_t ref)
{
    return (pane *)ps_heap_at(&self->panes, ref);
}

static pane *pane_touch(pane_op *self, uint32_t ref)
{
    ps_heap_touch(&self->panes, ref, self->pane_size);
    return pane_at(self, ref);
}

static char *state_of(pane *p)
{
    return (char *)(p + 1);
}

static uint32_t first_of(const pane_op *self, uint32_t entry)
{
    return (uint32_t) * (const uint64_t *)ps_table_value(self->table, entry);
}

static void set_first(pane_op *self, uint32_t entry, uint32_t ref)
{
    *(uint64_t *)ps_table_touch(self->table, entry) = ref;
}

static int64_t due_at(const pane_op *self, const pane *p)
{
    return p->has_fired != 0 ? expires_at(self, p->end) : closes_at(p->end);
}

static ps_code arm(pane_op *self, uint32_t entry, pane *p, ps_error *err)
{
    p->armed_at = due_at(self, p);
    self->op.due = p->armed_at < self->op.due ? p->armed_at : self->op.due;
    return ps_timers_add(self->timers, p->armed_at, entry, err);
}

/* Takes the pane out of its chain; an entry that has none left stays. */
static void remove_pane(pane_op *self, uint32_t entry, uint32_t ref)
{
    pane *gone = pane_touch(self, ref);
    uint32_t next = gone->next;
    uint32_t at = first_of(self, entry);
    if (at == ref) {
        set_first(self, entry, next);
    } else {
        while (pane_at(self, at)->next != ref) {
            at = pane_at(self, at)->next;
        }
        pane_touch(self, at)->next = next;
    }
    self->accumulator->class->clear(self->accumulator, state_of(gone));
    ps_heap_give(&self->panes, ref, self->pane_size);
}

/* ── firing ── */

static ps_code complete_row(ps_out *out, ps_error *err)
{
    const firing *f = out->complete_with;
    const ps_shape *shape = out->shape;
    ps_batch_builder *builder = out->builder;
    ps_slice key = ps_table_key(f->of->table, f->entry);
    for (uint32_t i = 0; i < f->of->spec->keys.count; i++) {
        ps_value value = ps_row_get(&f->of->keys.layout, key.data, i);
        ps_code code = ps_batch_builder_set(builder, i, value, err);
        if (code != PS_OK) {
            return code;
        }
    }
    ps_batch_builder_set_i64(builder, shape->time, closes_at(f->pane->end));
    ps_batch_builder_set_i64(builder, shape->start, f->pane->start);
    ps_batch_builder_set_i64(builder, shape->end, f->pane->end);
    ps_batch_builder_set_i64(builder, shape->pane, ps_pane_code(f->kind, f->pane->firing_count));
    return PS_OK;
}

static ps_code fire(pane_op *self, uint32_t entry, uint32_t ref, ps_pane_kind kind, ps_error *err)
{
    pane *p = pane_touch(self, ref);
    const firing f = {self, p, entry, kind};
    ps_out out = {
        .shape = self->spec->out,
        .builder = &self->op.context.outlet->builder,
        .outlet = self->op.context.outlet,
        .first = self->spec->keys.count,
        .is_many = self->accumulator->is_many,
        .err = err,
        .complete = complete_row,
        .complete_with = &f,
    };
    self->accumulator->class->result(self->accumulator, state_of(p), &out);
    if (!out.is_many) {
        ps_out_end(&out);
    }
    p->firing_count++;
    p->new_count = 0;
    if (!self->spec->windowing.is_accumulating) {
        self->accumulator->class->clear(self->accumulator, state_of(p));
    }
    return out.code;
}

/* What a pane does when its end is passed at `time`, or at the end of its lateness. */
static ps_code pane_due(pane_op *self, uint32_t entry, uint32_t ref, int64_t time, ps_error *err)
{
    pane *p = pane_touch(self, ref);
    ps_code code = PS_OK;
    if (closes_at(p->end) <= time && p->has_fired == 0) {
        p->has_fired = 1;
        if (p->new_count > 0 || self->spec->windowing.is_accumulating) {
            code = fire(self, entry, ref, PS_PANE_ON_TIME, err);
        }
    }
    if (code == PS_OK && expires_at(self, p->end) <= time) {
        remove_pane(self, entry, ref);
        return PS_OK;
    }
    return code == PS_OK && p->armed_at <= time ? arm(self, entry, p, err) : code;
}

static ps_code on_watermark(ps_operator *op, int64_t watermark, ps_error *err)
{
    pane_op *self = (pane_op *)op;
    int64_t time;
    uint64_t payload;
    ps_code code = PS_OK;
    while (code == PS_OK && ps_timers_take(self->timers, watermark, &time, &payload)) {
        uint32_t entry = (uint32_t)payload;
        if (ps_table_next(self->table, entry) != entry) {
            continue; /* the entry is gone */
        }
        for (uint32_t at = first_of(self, entry); code == PS_OK && at != 0;) {
            uint32_t next = pane_at(self, at)->next;
            code = pane_due(self, entry, at, time, err);
            at = next;
        }
        if (code == PS_OK && first_of(self, entry) == 0) {
            ps_table_remove(self->table, entry);
        }
    }
    op->due = ps_timers_earliest(self->timers);
    return code;
}

/* ── rows ── */

static ps_code merge_into(pane_op *self, uint32_t entry, uint32_t into, uint32_t from,
                          ps_error *err)
{
    pane *to = pane_touch(self, into);
    pane *gone = pane_touch(self, from);
    to->start = gone->start < to->start ? gone->start : to->start;
    to->end = gone->end > to->end ? gone->end : to->end;
    to->new_count += gone->new_count;
    ps_code code =
        self->accumulator->class->merge(self->accumulator, state_of(to), state_of(gone), err);
    if (code == PS_OK) {
        remove_pane(self, entry, from);
    }
    return code;
}

/* The pane that a row of [start, end) belongs to, grown to hold it; 0: there is none. */
static ps_code find_pane(pane_op *self, uint32_t entry, int64_t start, int64_t end,
                         uint32_t *out_ref, ps_error *err)
{
    uint32_t found = 0;
    ps_code code = PS_OK;
    for (uint32_t at = first_of(self, entry); code == PS_OK && at != 0;) {
        const pane *p = pane_at(self, at);
        uint32_t next = p->next;
        if (p->start < end && start < p->end) {
            if (found == 0) {
                found = at;
            } else {
                code = merge_into(self, entry, found, at, err);
            }
        }
        at = next;
    }
    *out_ref = found;
    return code;
}

static ps_code grow(pane_op *self, uint32_t entry, uint32_t ref, const pane *row, int64_t watermark,
                    ps_error *err)
{
    pane *p = pane_touch(self, ref);
    int64_t end = row->end > p->end ? row->end : p->end;
    p->start = row->start < p->start ? row->start : p->start;
    p->end = end;
    p->has_fired = closes_at(end) <= watermark;
    return due_at(self, p) < p->armed_at ? arm(self, entry, p, err) : PS_OK;
}

static ps_code new_pane(pane_op *self, uint32_t entry, const pane *row, int64_t watermark,
                        uint32_t *out_ref, ps_error *err)
{
    ps_code code = ps_heap_take(&self->panes, self->pane_size, out_ref, err);
    if (code != PS_OK) {
        return code;
    }
    pane *p = pane_at(self, *out_ref);
    memset(p, 0, self->pane_size);
    p->start = row->start;
    p->end = row->end;
    p->has_fired = closes_at(row->end) <= watermark;
    p->next = first_of(self, entry);
    set_first(self, entry, *out_ref);
    return arm(self, entry, p, err);
}

static ps_code add_row(pane_op *self, const ps_batch *batch, uint32_t row, uint32_t entry,
                       uint32_t ref, ps_error *err)
{
    pane *p = pane_touch(self, ref);
    p->new_count++;
    ps_code code = self->accumulator->class->add(self->accumulator, batch, row, state_of(p), err);
    if (code != PS_OK) {
        return code;
    }
    if (p->has_fired != 0) {
        return fire(self, entry, ref, PS_PANE_LATE, err);
    }
    uint32_t early = self->spec->windowing.early_rows;
    return early > 0 && p->new_count >= early ? fire(self, entry, ref, PS_PANE_EARLY, err) : PS_OK;
}

static ps_code take_row(pane_op *self, const ps_batch *batch, uint32_t row, ps_error *err)
{
    const ps_shape *in = self->spec->in;
    pane window = {.start = batch->columns[in->start].i64[row],
                   .end = batch->columns[in->end].i64[row]};
    int64_t watermark = batch->watermarks[row];
    ps_slice key;
    ps_code code = ps_key_encode(&self->keys, batch, row, &key, err);
    if (code != PS_OK) {
        return code;
    }
    uint64_t hash = ps_table_hash(key.data, key.size);
    uint32_t entry = ps_table_find(self->table, hash, key);
    uint32_t ref = 0;
    if (entry != PS_TABLE_NONE) {
        code = find_pane(self, entry, window.start, window.end, &ref, err);
    }
    if (code == PS_OK && ref == 0) {
        if (expires_at(self, window.end) <= watermark) {
            ps_operator_count_late(&self->op, 0, batch, row);
            return PS_OK;
        }
        bool is_new;
        code = ps_table_put(self->table, hash, key, &entry, &is_new, err);
        code = code == PS_OK ? new_pane(self, entry, &window, watermark, &ref, err) : code;
    } else if (code == PS_OK && self->is_session) {
        code = grow(self, entry, ref, &window, watermark, err);
    }
    return code == PS_OK ? add_row(self, batch, row, entry, ref, err) : code;
}

static ps_code on_rows(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t from,
                       uint32_t to, uint32_t *out_done, ps_error *err)
{
    (void)input;
    for (uint32_t row = from; row < to; row++) {
        if (row > from && batch->watermarks[row] >= op->due) {
            *out_done = row - from;
            return PS_OK;
        }
        ps_outlet_stamp_row(op->context.outlet, batch, row);
        ps_code code = take_row((pane_op *)op, batch, row, err);
        if (code != PS_OK) {
            return code;
        }
    }
    *out_done = to - from;
    return PS_OK;
}

/* ── making it ── */

static void free_pane(ps_operator *op)
{
    pane_op *self = (pane_op *)op;
    if (self->accumulator != NULL) {
        self->accumulator->class->free(self->accumulator);
    }
    ps_key_encoder_release(&self->keys);
    free(self);
}

static const ps_operator_class pane_class = {
    .name = "Pane",
    .on_rows = on_rows,
    .on_watermark = on_watermark,
    .free = free_pane,
};

/* The key's columns, and the window's where windows do not merge. */
static ps_code table_keys(const pane_op *self, ps_columns *out, ps_error *err)
{
    const ps_pane_spec *spec = self->spec;
    uint32_t count = spec->keys.count;
    uint32_t *columns = ps_arena_take(self->op.context.arena, (count + 2) * sizeof *columns);
    if (columns == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a grouping");
    }
    for (uint32_t i = 0; i < count; i++) {
        columns[i] = spec->keys.columns[i];
    }
    if (!self->is_session) {
        columns[count++] = spec->in->start;
        columns[count++] = spec->in->end;
    }
    *out = (ps_columns){count, columns};
    return PS_OK;
}

static ps_code open_state(pane_op *self, ps_error *err)
{
    const ps_operator_context *context = &self->op.context;
    ps_schema schema = ps_shape_schema(self->spec->in);
    ps_columns keys;
    ps_code code = ps_accumulator_new(self->spec, context, &self->accumulator, err);
    code = code == PS_OK ? table_keys(self, &keys, err) : code;
    if (code == PS_OK) {
        code = ps_key_encoder_init(&self->keys, context->arena, keys, &schema, err);
    }
    if (code == PS_OK) {
        code = ps_table_new(context->store, "keys", ps_key_encoder_size(&self->keys),
                            sizeof(uint64_t), &self->table, err);
    }
    if (code == PS_OK) {
        code = ps_heap_init(&self->panes, context->store, "panes", err);
    }
    if (code == PS_OK) {
        self->pane_size = (uint32_t)sizeof(pane) + self->accumulator->size;
        code = ps_timers_new(context->store, "timers", &self->timers, err);
    }
    return code;
}

ps_code ps_op_pane_new(const ps_node *node, const ps_operator_context *context, ps_operator **out,
                       ps_error *err)
{
    pane_op *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a grouping");
    }
    self->op.class = &pane_class;
    self->op.context = *context;
    self->spec = (const ps_pane_spec *)node->user;
    self->is_session = self->spec->windowing.kind == PS_WINDOWING_SESSION;
    ps_code code = open_state(self, err);
    if (code != PS_OK) {
        free_pane(&self->op);
        return code;
    }
    *out = &self->op;
    return PS_OK;
}
