/* WindowAggregate: TUMBLE, HOP, CUMULATE, and windows that the rows carry (SEMANTICS §6, §7.1).
 *
 * Rows go into panes, one per key and slice (window_time.h), found by one look-up per row whatever
 * the number of slices in a window. When a window closes its result goes out, keys in order:
 *
 *   TUMBLE, ATTACHED  the slice is the window: its panes go out and are dropped
 *   CUMULATE          the slice's panes are merged into the totals of their keys; all totals go
 *                     out, at the end of the bucket they are dropped
 *   HOP               the panes join the lists of their keys and, when every aggregate can
 *                     subtract, their totals; all keys go out; then the oldest slice leaves.
 *                     Without subtraction (floats, MIN, LISTAGG) a key's panes are merged for each
 *                     window, newest first, as Flink does
 *
 * The totals stand for the window that ended at root->total_end. While there are keys in them
 * ("live"), a window closes at every step; without, the next one is that of the earliest slice.
 * A row whose slice has closed but not all of its windows counts in those still open (§6.4): it is
 * put into its pane and, since that has been merged already, into the total.
 *
 * Order of results: by window end, then TUMBLE and ATTACHED by arrival of the key in the window,
 * HOP and CUMULATE by the window since which the key is live, then by arrival. */
#include <stdlib.h>

#include "flow/operators.h"
#include "flow/slice_set.h"
#include "flow/window_output.h"
#include "flow/window_time.h"

static const size_t keys_size_max = (size_t)1 << 30;

enum { NO_SLICE = INT64_MAX };

/* Value of a pane: this when windows share panes, then the number of rows when the input retracts,
 * then the aggregator's state. Its key: slice end, (ATTACHED: window start,) key code. */
typedef struct {
    uint32_t total; /* entry in keys + 1, once the slice has been merged */
    uint32_t older; /* pane + 1: the next one of the key */
} pane_links;

/* Value of a key: this, the number of rows when the input retracts, the total's state. */
typedef struct {
    uint32_t before, next; /* live keys, entry + 1 */
    uint32_t newest_pane;  /* pane + 1; HOP */
    uint32_t pane_count;   /* in the window, from the newest on; CUMULATE: 1 */
} total_links;

typedef struct {
    int64_t total_end;
    uint32_t live_first, live_last; /* keys, entry + 1 */
} window_root;

typedef struct {
    ps_operator op;
    const ps_window_aggregate_spec *spec;
    const ps_window *window;
    ps_window_output output;
    ps_aggregator *aggregator;
    ps_slice_set slices;
    ps_table *panes;
    ps_table *keys; /* HOP, CUMULATE */
    window_root *root;
    char *merged; /* a state, zeroed between uses */
    bool is_shared;
    bool subtracts;
    uint32_t prefix_size; /* of a pane's key */
    uint32_t pane_count_offset, pane_state_offset;
    uint32_t total_count_offset, total_state_offset;
    ps_buf key_bytes;
    /* of the run at hand */
    int64_t slice_ends[PS_BATCH_ROWS]; /* NO_SLICE: not in the run */
    uint32_t behind[PS_BATCH_ROWS];    /* rows of closed slices with open windows */
    uint32_t behind_count;
    ps_slice pane_keys[PS_BATCH_ROWS];
    uint32_t entries[PS_BATCH_ROWS];
    bool is_new[PS_BATCH_ROWS];
    char *states[PS_BATCH_ROWS];
} window_aggregate;

static pane_links *pane_at(const window_aggregate *self, uint32_t pane)
{
    return ps_table_value(self->panes, pane);
}

static char *pane_state(const window_aggregate *self, uint32_t pane)
{
    return (char *)ps_table_value(self->panes, pane) + self->pane_state_offset;
}

static int64_t pane_rows(const window_aggregate *self, uint32_t pane)
{
    const char *value = ps_table_value(self->panes, pane);
    return *(const int64_t *)(const void *)(value + self->pane_count_offset);
}

static int64_t pane_end(const window_aggregate *self, uint32_t pane)
{
    return (int64_t)ps_get_u64(ps_table_key(self->panes, pane).data);
}

static const char *pane_code(const window_aggregate *self, uint32_t pane)
{
    return ps_table_key(self->panes, pane).data + self->prefix_size;
}

static total_links *total_at(const window_aggregate *self, uint32_t key)
{
    return ps_table_value(self->keys, key);
}

static char *total_state(const window_aggregate *self, uint32_t key)
{
    return (char *)ps_table_value(self->keys, key) + self->total_state_offset;
}

static int64_t *total_rows(const window_aggregate *self, uint32_t key)
{
    char *value = ps_table_value(self->keys, key);
    return (int64_t *)(void *)(value + self->total_count_offset);
}

static bool is_live(const window_aggregate *self)
{
    return self->root->live_first != 0;
}

/* ── live keys ── */

static void live_append(window_aggregate *self, uint32_t key)
{
    window_root *root = self->root;
    ps_store_touch_root(self->op.context.store);
    total_links *added = ps_table_touch(self->keys, key);
    added->before = root->live_last;
    added->next = 0;
    if (root->live_last != 0) {
        ((total_links *)ps_table_touch(self->keys, root->live_last - 1))->next = key + 1;
    } else {
        root->live_first = key + 1;
    }
    root->live_last = key + 1;
}

static void live_remove(window_aggregate *self, uint32_t key)
{
    window_root *root = self->root;
    ps_store_touch_root(self->op.context.store);
    total_links gone = *total_at(self, key);
    if (gone.before != 0) {
        ((total_links *)ps_table_touch(self->keys, gone.before - 1))->next = gone.next;
    } else {
        root->live_first = gone.next;
    }
    if (gone.next != 0) {
        ((total_links *)ps_table_touch(self->keys, gone.next - 1))->before = gone.before;
    } else {
        root->live_last = gone.before;
    }
    ps_aggregator_clear(self->aggregator, total_state(self, key));
    ps_table_remove(self->keys, key);
}

/* ── closing: TUMBLE, ATTACHED ── */

static ps_code emit_pane(window_aggregate *self, uint32_t pane, int64_t end, ps_error *err)
{
    if (self->spec->input_retracts && pane_rows(self, pane) == 0) {
        return PS_OK;
    }
    int64_t start = self->window->kind == PS_WINDOW_ATTACHED
                        ? (int64_t)ps_get_u64(ps_table_key(self->panes, pane).data + 8)
                        : ps_window_start(self->window, end);
    return ps_window_output_emit(&self->output, pane_code(self, pane), pane_state(self, pane),
                                 start, end, err);
}

static void drop_panes(window_aggregate *self, const ps_slice_chunk *chunk)
{
    for (uint32_t i = 0; i < chunk->count; i++) {
        char *value = ps_table_touch(self->panes, chunk->panes[i]);
        ps_aggregator_clear(self->aggregator, value + self->pane_state_offset);
    }
    ps_table_remove_all(self->panes, chunk->count, chunk->panes);
}

static void prefetch_panes(const window_aggregate *self, const ps_slice_chunk *chunk)
{
    for (uint32_t i = 0; i < chunk->count; i++) {
        ps_table_prefetch(self->panes, chunk->panes[i]);
    }
}

static ps_code close_slice(window_aggregate *self, int64_t end, ps_error *err)
{
    uint32_t ref = ps_slice_set_first(&self->slices, end);
    while (ref != 0) {
        const ps_slice_chunk *chunk = ps_slice_set_chunk(&self->slices, ref);
        prefetch_panes(self, chunk);
        for (uint32_t i = 0; i < chunk->count; i++) {
            ps_code code = emit_pane(self, chunk->panes[i], end, err);
            if (code != PS_OK) {
                return code;
            }
        }
        drop_panes(self, chunk);
        ref = chunk->next;
    }
    ps_slice_set_remove(&self->slices, end);
    return PS_OK;
}

/* ── closing: HOP, CUMULATE ── */

/* The keys of a block's panes, live from now on. */
static ps_code find_totals(window_aggregate *self, const ps_slice_chunk *chunk, ps_error *err)
{
    ps_slice codes[PS_SLICE_CHUNK_PANES];
    for (uint32_t i = 0; i < chunk->count; i++) {
        ps_slice key = ps_table_key(self->panes, chunk->panes[i]);
        codes[i] = (ps_slice){key.data + self->prefix_size, key.size - self->prefix_size};
    }
    ps_code code =
        ps_table_put_all(self->keys, chunk->count, codes, self->entries, self->is_new, err);
    for (uint32_t i = 0; i < chunk->count && code == PS_OK; i++) {
        if (self->is_new[i]) {
            live_append(self, self->entries[i]);
        }
    }
    return code;
}

/* Puts a pane into its key's list, which is ordered by slice, newest first. */
static void link_pane(window_aggregate *self, uint32_t key, uint32_t pane)
{
    total_links *total = ps_table_touch(self->keys, key);
    pane_links *links = ps_table_touch(self->panes, pane);
    links->total = key + 1;
    int64_t end = pane_end(self, pane);
    uint32_t newer = 0;
    uint32_t at = total->newest_pane;
    for (uint32_t i = 0; i < total->pane_count && pane_end(self, at - 1) > end; i++) {
        newer = at;
        at = pane_at(self, at - 1)->older;
    }
    links->older = at;
    if (newer != 0) {
        ((pane_links *)ps_table_touch(self->panes, newer - 1))->older = pane + 1;
    } else {
        total->newest_pane = pane + 1;
    }
    total->pane_count++;
}

static ps_code merge_pane(window_aggregate *self, uint32_t key, uint32_t pane, ps_error *err)
{
    char *total = ps_table_touch(self->keys, key);
    if (self->spec->input_retracts) {
        *total_rows(self, key) += pane_rows(self, pane);
    }
    if (self->window->kind == PS_WINDOW_HOP) {
        link_pane(self, key, pane);
        if (!self->subtracts) {
            return PS_OK;
        }
    }
    return ps_aggregator_merge(self->aggregator, total + self->total_state_offset,
                               pane_state(self, pane), err);
}

static ps_code merge_slice(window_aggregate *self, int64_t end, ps_error *err)
{
    uint32_t ref = ps_slice_set_first(&self->slices, end);
    while (ref != 0) {
        const ps_slice_chunk *chunk = ps_slice_set_chunk(&self->slices, ref);
        prefetch_panes(self, chunk);
        ps_code code = find_totals(self, chunk, err);
        for (uint32_t i = 0; i < chunk->count && code == PS_OK; i++) {
            code = merge_pane(self, self->entries[i], chunk->panes[i], err);
        }
        if (code != PS_OK) {
            return code;
        }
        if (self->window->kind == PS_WINDOW_CUMULATE) {
            drop_panes(self, chunk);
        }
        ref = chunk->next;
    }
    if (self->window->kind == PS_WINDOW_CUMULATE) {
        ps_slice_set_remove(&self->slices, end);
    }
    return PS_OK;
}

/* HOP without subtraction: the key's panes, newest first. */
static ps_code merge_panes(window_aggregate *self, uint32_t key, ps_error *err)
{
    const total_links *total = total_at(self, key);
    uint32_t pane = total->newest_pane;
    ps_code code = PS_OK;
    for (uint32_t i = 0; i < total->pane_count && code == PS_OK; i++) {
        code = ps_aggregator_merge(self->aggregator, self->merged, pane_state(self, pane - 1), err);
        pane = pane_at(self, pane - 1)->older;
    }
    return code;
}

static ps_code emit_total(window_aggregate *self, uint32_t key, int64_t end, ps_error *err)
{
    if (self->spec->input_retracts && *total_rows(self, key) == 0) {
        return PS_OK;
    }
    const char *code_of_key = ps_table_key(self->keys, key).data;
    int64_t start = ps_window_start(self->window, end);
    if (self->window->kind == PS_WINDOW_CUMULATE || self->subtracts) {
        return ps_window_output_emit(&self->output, code_of_key, total_state(self, key), start, end,
                                     err);
    }
    if (total_at(self, key)->pane_count == 1) { /* nothing to merge: the frequent case */
        const char *state = pane_state(self, total_at(self, key)->newest_pane - 1);
        return ps_window_output_emit(&self->output, code_of_key, state, start, end, err);
    }
    ps_code code = merge_panes(self, key, err);
    if (code == PS_OK) {
        code = ps_window_output_emit(&self->output, code_of_key, self->merged, start, end, err);
    }
    ps_aggregator_clear(self->aggregator, self->merged);
    return code;
}

static ps_code emit_totals(window_aggregate *self, int64_t end, ps_error *err)
{
    ps_code code = PS_OK;
    for (uint32_t link = self->root->live_first; link != 0 && code == PS_OK;) {
        uint32_t next = total_at(self, link - 1)->next;
        if (next != 0) {
            ps_table_prefetch(self->keys, next - 1);
        }
        code = emit_total(self, link - 1, end, err);
        link = next;
    }
    return code;
}

/* A pane's slice leaves the window: always the oldest one of its key. */
static ps_code expire_pane(window_aggregate *self, uint32_t pane, ps_error *err)
{
    uint32_t key = pane_at(self, pane)->total - 1;
    total_links *total = ps_table_touch(self->keys, key);
    if (self->spec->input_retracts) {
        *total_rows(self, key) -= pane_rows(self, pane);
    }
    total->pane_count--;
    if (total->pane_count == 0) {
        live_remove(self, key);
        return PS_OK;
    }
    return self->subtracts ? ps_aggregator_subtract(self->aggregator, total_state(self, key),
                                                    pane_state(self, pane), err)
                           : PS_OK;
}

static ps_code expire_slice(window_aggregate *self, int64_t end, ps_error *err)
{
    uint32_t ref = ps_slice_set_first(&self->slices, end);
    while (ref != 0) {
        const ps_slice_chunk *chunk = ps_slice_set_chunk(&self->slices, ref);
        prefetch_panes(self, chunk);
        for (uint32_t i = 0; i < chunk->count; i++) {
            ps_code code = expire_pane(self, chunk->panes[i], err);
            if (code != PS_OK) {
                return code;
            }
        }
        drop_panes(self, chunk);
        ref = chunk->next;
    }
    ps_slice_set_remove(&self->slices, end);
    return PS_OK;
}

static void drop_totals(window_aggregate *self)
{
    for (uint32_t link = self->root->live_first; link != 0;) {
        uint32_t next = total_at(self, link - 1)->next;
        char *value = ps_table_touch(self->keys, link - 1);
        ps_aggregator_clear(self->aggregator, value + self->total_state_offset);
        link = next;
    }
    ps_table_clear(self->keys);
    ps_store_touch_root(self->op.context.store);
    self->root->live_first = 0;
    self->root->live_last = 0;
}

static ps_code close_shared(window_aggregate *self, int64_t end, ps_error *err)
{
    const ps_window *window = self->window;
    ps_code code = merge_slice(self, end, err);
    if (code == PS_OK) {
        code = emit_totals(self, end, err);
    }
    if (code != PS_OK) {
        return code;
    }
    ps_store_touch_root(self->op.context.store);
    self->root->total_end = end;
    if (window->kind == PS_WINDOW_HOP) {
        return expire_slice(self, ps_window_sum(end, window->step_ms - window->size_ms), err);
    }
    if (ps_window_last_end(window, end) == end) {
        drop_totals(self);
    }
    return PS_OK;
}

/* ── time ── */

/* The end of the next window that closes; NO_SLICE: none. */
static int64_t next_end(const window_aggregate *self)
{
    if (self->is_shared && is_live(self)) {
        return ps_window_sum(self->root->total_end, self->window->step_ms);
    }
    return ps_slice_set_earliest(&self->slices);
}

static ps_code close_until(window_aggregate *self, int64_t time, ps_error *err)
{
    int64_t end = next_end(self);
    while (end != NO_SLICE && ps_window_closes_at(self->window, end) <= time) {
        ps_slice_set_pass(&self->slices, end);
        ps_code code = self->is_shared ? close_shared(self, end, err) : close_slice(self, end, err);
        if (code != PS_OK) {
            return code;
        }
        end = next_end(self);
    }
    return PS_OK;
}

static void set_due(window_aggregate *self)
{
    int64_t end = next_end(self);
    self->op.due = end == NO_SLICE || self->window->is_processing_time
                       ? INT64_MAX
                       : ps_window_closes_at(self->window, end);
}

static ps_code on_watermark(ps_operator *op, int64_t watermark, ps_error *err)
{
    window_aggregate *self = (window_aggregate *)op;
    if (self->window->is_processing_time && watermark != PS_WATERMARK_END) {
        return PS_OK;
    }
    ps_code code = close_until(self, watermark, err);
    set_due(self);
    return code;
}

/* ── rows ── */

/* The bounds of the slice that the last row fell in: the next one mostly does, too. */
typedef struct {
    int64_t start, end; /* local; start > end: none */
    int64_t closes_at;
    int64_t last_closes_at; /* of the last window that it is in */
} slice_bounds;

static void find_bounds(const window_aggregate *self, int64_t end, slice_bounds *bounds)
{
    const ps_window *window = self->window;
    bounds->end = end;
    bounds->start = window->kind == PS_WINDOW_ATTACHED
                        ? ps_window_sum(end, -1)
                        : ps_window_sum(end, -ps_window_slice_ms(window));
    bounds->closes_at = ps_window_closes_at(window, end);
    bounds->last_closes_at = self->is_shared
                                 ? ps_window_closes_at(window, ps_window_last_end(window, end))
                                 : bounds->closes_at;
}

/* False: the row has no window. */
static bool locate(const window_aggregate *self, const ps_batch *batch, uint32_t row,
                   slice_bounds *bounds)
{
    const ps_window *window = self->window;
    int64_t at;
    if (window->kind == PS_WINDOW_ATTACHED) {
        const ps_column *column = &batch->columns[window->end_column];
        if (ps_column_is_null(column, row)) {
            return false;
        }
        at = ps_window_sum(column->i64[row], -1);
    } else if (window->is_processing_time) {
        at = ps_window_local(window, self->op.context.clock->now_ms);
    } else {
        const ps_column *column = &batch->columns[window->time_column];
        if (ps_column_is_null(column, row)) {
            return false;
        }
        at = ps_window_local(window, column->i64[row]);
    }
    if (at < bounds->start || at >= bounds->end) {
        int64_t end = window->kind == PS_WINDOW_ATTACHED ? ps_window_sum(at, 1)
                                                         : ps_window_slice_end(window, at);
        find_bounds(self, end, bounds);
    }
    return bounds->end != INT64_MAX; /* times at the end of the range have none */
}

/* The first window of a closed slice that is still open. */
static int64_t first_open_end(const window_aggregate *self, int64_t slice_end, int64_t watermark)
{
    int64_t end = slice_end;
    while (ps_window_closes_at(self->window, end) <= watermark) {
        end = ps_window_sum(end, self->window->step_ms);
    }
    return end;
}

static void lower_due(window_aggregate *self, int64_t closes_at)
{
    if (closes_at < self->op.due && !self->window->is_processing_time) {
        self->op.due = closes_at;
    }
}

/* Slices of the rows of the run, and where it ends: before the first row whose watermark closes a
 * window. */
static uint32_t assign(window_aggregate *self, const ps_batch *batch, uint32_t from, uint32_t to)
{
    slice_bounds bounds = {.start = INT64_MAX, .end = INT64_MIN};
    self->behind_count = 0;
    for (uint32_t row = from; row < to; row++) {
        int64_t watermark =
            self->window->is_processing_time ? PS_WATERMARK_NONE : batch->watermarks[row];
        if (row > from && batch->watermarks[row] >= self->op.due) {
            return row;
        }
        int64_t *slice_end = &self->slice_ends[row - from];
        *slice_end = NO_SLICE;
        if (!locate(self, batch, row, &bounds) || bounds.last_closes_at <= watermark) {
            ps_operator_count_late(&self->op, 0, batch, row);
        } else if (bounds.closes_at <= watermark) {
            self->behind[self->behind_count++] = row;
            int64_t open = first_open_end(self, bounds.end, watermark);
            lower_due(self, ps_window_closes_at(self->window, open));
        } else {
            *slice_end = bounds.end;
            lower_due(self, bounds.closes_at);
        }
    }
    return to;
}

/* Appends a row's pane key; false: no memory. */
static bool append_key(window_aggregate *self, const ps_batch *batch, uint32_t row, int64_t end)
{
    const ps_row_layout *layout = &self->output.layout;
    const ps_column *const *columns = self->output.key_columns;
    size_t size = layout->has_text ? ps_row_size(layout, columns, row) : layout->fixed_size;
    char *at = ps_buf_extend(&self->key_bytes, self->prefix_size + size);
    if (at == NULL) {
        return false;
    }
    ps_put_u64(at, (uint64_t)end);
    if (self->window->kind == PS_WINDOW_ATTACHED) {
        ps_put_u64(at + 8, (uint64_t)batch->columns[self->window->start_column].i64[row]);
    }
    ps_row_encode(layout, columns, row, at + self->prefix_size);
    return true;
}

static ps_code no_memory(ps_error *err)
{
    return ps_error_set(err, PS_E_MEMORY, "no memory for a window aggregate");
}

static ps_code encode_keys(window_aggregate *self, const ps_batch *batch, uint32_t from,
                           uint32_t to, ps_error *err)
{
    ps_buf *bytes = &self->key_bytes;
    ps_buf_clear(bytes);
    for (uint32_t row = from; row < to; row++) {
        ps_slice *key = &self->pane_keys[row - from];
        *key = (ps_slice){NULL, bytes->size}; /* where it starts, for now */
        int64_t end = self->slice_ends[row - from];
        if (end != NO_SLICE && !append_key(self, batch, row, end)) {
            return no_memory(err);
        }
    }
    size_t end = bytes->size;
    for (uint32_t i = to - from; i > 0; i--) {
        ps_slice *key = &self->pane_keys[i - 1];
        size_t start = key->size;
        if (self->slice_ends[i - 1] != NO_SLICE) {
            *key = (ps_slice){bytes->data + start, end - start};
        }
        end = start;
    }
    return PS_OK;
}

static void count_row(window_aggregate *self, char *value, uint32_t offset, const ps_batch *batch,
                      uint32_t row)
{
    if (self->spec->input_retracts) {
        *(int64_t *)(void *)(value + offset) += ps_kind_adds(ps_batch_kind(batch, row)) ? 1 : -1;
    }
}

static ps_code add_rows(window_aggregate *self, const ps_batch *batch, uint32_t from, uint32_t to,
                        ps_error *err)
{
    ps_code code = encode_keys(self, batch, from, to, err);
    if (code == PS_OK) {
        code = ps_table_put_all(self->panes, to - from, self->pane_keys, self->entries,
                                self->is_new, err);
    }
    for (uint32_t i = 0; i < to - from && code == PS_OK; i++) {
        self->states[i] = NULL;
        if (self->slice_ends[i] == NO_SLICE) {
            continue;
        }
        char *value = ps_table_touch(self->panes, self->entries[i]);
        count_row(self, value, self->pane_count_offset, batch, from + i);
        self->states[i] = value + self->pane_state_offset;
        if (self->is_new[i]) {
            code =
                ps_slice_set_add(&self->slices, self->slice_ends[i], self->entries[i], true, err);
        }
    }
    return code == PS_OK
               ? ps_aggregator_update(self->aggregator, batch, from, to, self->states, err)
               : code;
}

static ps_code apply(window_aggregate *self, const ps_batch *batch, uint32_t row, char *state,
                     ps_error *err)
{
    return ps_kind_adds(ps_batch_kind(batch, row))
               ? ps_aggregator_add(self->aggregator, batch, row, state, err)
               : ps_aggregator_retract(self->aggregator, batch, row, state, err);
}

/* HOP: the pane of a row whose slice has been merged; *out_is_new: it is not in its key's list. */
static ps_code add_behind_pane(window_aggregate *self, const ps_batch *batch, uint32_t row,
                               int64_t slice_end, uint32_t *out_pane, ps_error *err)
{
    ps_slice key = ps_buf_slice(&self->key_bytes);
    bool is_new;
    ps_code code =
        ps_table_put(self->panes, ps_table_hash(key.data, key.size), key, out_pane, &is_new, err);
    if (code == PS_OK && is_new) {
        code = ps_slice_set_add(&self->slices, slice_end, *out_pane, false, err);
    }
    if (code != PS_OK) {
        return code;
    }
    char *value = ps_table_touch(self->panes, *out_pane);
    count_row(self, value, self->pane_count_offset, batch, row);
    return apply(self, batch, row, value + self->pane_state_offset, err);
}

/* The row counts in the windows that are open: in the total, which stands for the one before. */
static ps_code add_behind(window_aggregate *self, const ps_batch *batch, uint32_t row,
                          ps_error *err)
{
    slice_bounds bounds = {.start = INT64_MAX, .end = INT64_MIN};
    PS_ASSERT(locate(self, batch, row, &bounds));
    ps_buf_clear(&self->key_bytes);
    if (!append_key(self, batch, row, bounds.end)) {
        return no_memory(err);
    }
    if (!is_live(self)) {
        int64_t open = first_open_end(self, bounds.end, batch->watermarks[row]);
        ps_store_touch_root(self->op.context.store);
        self->root->total_end = ps_window_sum(open, -self->window->step_ms);
    }
    uint32_t pane = PS_TABLE_NONE;
    if (self->window->kind == PS_WINDOW_HOP) {
        ps_code code = add_behind_pane(self, batch, row, bounds.end, &pane, err);
        if (code != PS_OK) {
            return code;
        }
    }
    ps_slice key = ps_buf_slice(&self->key_bytes);
    key = (ps_slice){key.data + self->prefix_size, key.size - self->prefix_size};
    uint32_t entry;
    bool is_new;
    ps_code code =
        ps_table_put(self->keys, ps_table_hash(key.data, key.size), key, &entry, &is_new, err);
    if (code != PS_OK) {
        return code;
    }
    if (is_new) {
        live_append(self, entry);
    }
    if (pane != PS_TABLE_NONE && pane_at(self, pane)->total == 0) {
        link_pane(self, entry, pane);
    }
    char *total = ps_table_touch(self->keys, entry);
    count_row(self, total, self->total_count_offset, batch, row);
    bool in_total = self->window->kind == PS_WINDOW_CUMULATE || self->subtracts;
    return in_total ? apply(self, batch, row, total + self->total_state_offset, err) : PS_OK;
}

static ps_code on_rows(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t from,
                       uint32_t to, uint32_t *out_done, ps_error *err)
{
    (void)input;
    window_aggregate *self = (window_aggregate *)op;
    ps_code code = PS_OK;
    if (self->window->is_processing_time) {
        code = close_until(self, op->context.clock->now_ms, err);
    }
    to = assign(self, batch, from, to);
    ps_window_output_bind(&self->output, batch);
    if (code == PS_OK) {
        code = add_rows(self, batch, from, to, err);
    }
    for (uint32_t i = 0; i < self->behind_count && code == PS_OK; i++) {
        code = add_behind(self, batch, self->behind[i], err);
    }
    *out_done = to - from;
    return code;
}

/* ── making ── */

static void free_window_aggregate(ps_operator *op)
{
    window_aggregate *self = (window_aggregate *)op;
    ps_buf_release(&self->key_bytes);
    free(self);
}

static const ps_operator_class window_aggregate_class = {
    .name = "WindowAggregate",
    .on_rows = on_rows,
    .on_watermark = on_watermark,
    .free = free_window_aggregate,
};

static ps_code open_tables(window_aggregate *self, ps_error *err)
{
    ps_store *store = self->op.context.store;
    uint32_t size = ps_aggregator_size(self->aggregator);
    uint32_t count_size = self->spec->input_retracts ? (uint32_t)sizeof(int64_t) : 0;
    uint32_t key_size = self->output.layout.has_text ? 0 : self->output.layout.fixed_size;
    bool is_fixed = !self->output.layout.has_text;
    self->pane_count_offset = self->is_shared ? (uint32_t)sizeof(pane_links) : 0;
    self->pane_state_offset = self->pane_count_offset + count_size;
    self->total_count_offset = (uint32_t)sizeof(total_links);
    self->total_state_offset = self->total_count_offset + count_size;
    ps_code code = ps_table_new(store, "panes", is_fixed ? self->prefix_size + key_size : 0,
                                self->pane_state_offset + size, &self->panes, err);
    if (code == PS_OK && self->is_shared) {
        code = ps_table_new(store, "keys", key_size, self->total_state_offset + size, &self->keys,
                            err);
    }
    if (code == PS_OK) {
        code = ps_slice_set_open(&self->slices, store, err);
    }
    return code;
}

static ps_code open_state(window_aggregate *self, const ps_schema *input, ps_error *err)
{
    const ps_operator_context *context = &self->op.context;
    void *root;
    ps_code code = ps_store_root(context->store, sizeof(window_root), &root, err);
    if (code != PS_OK) {
        return code;
    }
    self->root = root;
    code = ps_window_output_init(&self->output, self->spec, context, input, err);
    if (code == PS_OK) {
        code = ps_window_output_open(&self->output, context,
                                     self->is_shared ? PS_AGGREGATOR_MERGE : 0, err);
    }
    if (code != PS_OK) {
        return code;
    }
    self->aggregator = self->output.aggregator;
    self->subtracts =
        self->window->kind == PS_WINDOW_HOP && ps_aggregator_can_subtract(self->aggregator);
    self->merged = ps_arena_take(context->arena, ps_aggregator_size(self->aggregator));
    return self->merged != NULL ? open_tables(self, err) : no_memory(err);
}

ps_code ps_op_window_aggregate_new(const ps_node *node, const ps_operator_context *context,
                                   ps_operator **out, ps_error *err)
{
    window_aggregate *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return no_memory(err);
    }
    self->op.class = &window_aggregate_class;
    self->op.context = *context;
    self->op.watermark = PS_WATERMARK_NONE;
    self->op.due = INT64_MAX;
    self->spec = node->window_aggregate;
    self->window = &self->spec->window;
    self->is_shared =
        self->window->kind == PS_WINDOW_HOP || self->window->kind == PS_WINDOW_CUMULATE;
    self->prefix_size = self->window->kind == PS_WINDOW_ATTACHED ? 16 : 8;
    ps_buf_init(&self->key_bytes, keys_size_max);
    ps_code code = open_state(self, &node->inputs[0]->schema, err);
    if (code != PS_OK) {
        free_window_aggregate(&self->op);
        return code;
    }
    *out = &self->op;
    return PS_OK;
}
