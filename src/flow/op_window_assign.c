/* WindowAssign: a window function without aggregation (SEMANTICS §6.5). TUMBLE, HOP and CUMULATE
 * add the windows of each row at once, late or not; SESSION keeps the rows of a session until it
 * closes. A row whose time is NULL is dropped and counted. */
#include <stdlib.h>

#include "flow/key_encoder.h"
#include "flow/operators.h"
#include "flow/sorted_rows.h"
#include "flow/window_time.h"
#include "state/table.h"
#include "state/timers.h"

typedef struct {
    int64_t start, end; /* wall clock, [start, end) */
} window_bounds;

typedef struct {
    ps_operator op;
    const ps_window_assign_spec *spec;
    uint32_t column_count;
    /* SESSION */
    ps_key_encoder keys;
    ps_sorted_rows sorted;
    ps_sort_key by_time;
    ps_table *table;   /* key → ps_row_list, by time */
    ps_timers *timers; /* a row's time + gap − 1 → entry */
    uint32_t *leaving; /* rows of a session that closes */
    uint32_t leaving_capacity;
} window_assign;

/* window_start, window_end, window_time of the row that was begun. */
static void set_window(window_assign *self, const window_bounds *bounds)
{
    ps_batch_builder *builder = &self->op.context.outlet->builder;
    uint32_t column = self->column_count;
    ps_batch_builder_set_i64(builder, column, bounds->start);
    ps_batch_builder_set_i64(builder, column + 1, bounds->end);
    ps_batch_builder_set_i64(builder, column + 2, ps_window_time(&self->spec->window, bounds->end));
}

/* Window number `index` (from 0) of a local time: HOP from the latest start backwards, CUMULATE
 * from the earliest end forwards. False: there are no more. */
static bool window_at(const ps_window *window, int64_t local, int64_t index, window_bounds *out)
{
    int64_t step = window->kind == PS_WINDOW_TUMBLE ? window->size_ms : window->step_ms;
    int64_t floor = ps_window_floor(local, window->offset_ms, step);
    if (window->kind == PS_WINDOW_CUMULATE) {
        out->start = ps_window_floor(local, window->offset_ms, window->size_ms);
        out->end = floor + step + index * step;
        return out->end <= out->start + window->size_ms;
    }
    out->start = floor - index * step;
    out->end = out->start + window->size_ms;
    return out->end > local;
}

static ps_code assign_row(window_assign *self, const ps_batch *batch, uint32_t row, ps_error *err)
{
    const ps_window *window = &self->spec->window;
    ps_outlet *outlet = self->op.context.outlet;
    const ps_column *times = &batch->columns[window->time_column];
    if (!window->is_processing_time && ps_column_is_null(times, row)) {
        ps_operator_count_late(&self->op, 0, batch, row);
        return PS_OK;
    }
    int64_t time = window->is_processing_time ? self->op.context.clock->now_ms : times->i64[row];
    int64_t local = ps_window_local(window, time);
    window_bounds bounds;
    ps_code code = PS_OK;
    for (int64_t i = 0; code == PS_OK && window_at(window, local, i, &bounds); i++) {
        code = ps_outlet_begin_row(outlet, ps_batch_kind(batch, row), err);
        code = code == PS_OK ? ps_batch_row_emit(batch, row, outlet, 0, err) : code;
        if (code == PS_OK) {
            set_window(self, &bounds);
            ps_outlet_end_row(outlet);
        }
    }
    return code;
}

static ps_code on_assign_row(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t row,
                             ps_error *err)
{
    (void)input;
    return assign_row((window_assign *)op, batch, row, err);
}

/* ── SESSION ── */

/* A kept row's header: the number of its arrival. */
static uint64_t *arrival_of(const window_assign *self, uint32_t ref)
{
    return ps_kept_row_header(&self->sorted.rows, ref);
}

static int64_t time_at(const window_assign *self, const ps_row_list *list, uint32_t index)
{
    uint32_t ref = ps_row_list_at(&self->sorted, list, index);
    return ps_kept_row_get(&self->sorted.rows, ref, self->spec->window.time_column).i64;
}

/* The end of the session that a row of that time at that place is (or would be) in. */
static int64_t session_end(const window_assign *self, const ps_row_list *list, uint32_t place,
                           int64_t time)
{
    int64_t gap = self->spec->window.size_ms;
    int64_t last = time;
    for (uint32_t i = place; i < list->count && time_at(self, list, i) <= last + gap; i++) {
        last = time_at(self, list, i);
    }
    return last + gap;
}

static ps_code keep_row(window_assign *self, const ps_batch *batch, uint32_t row, uint32_t entry,
                        ps_error *err)
{
    const ps_window *window = &self->spec->window;
    int64_t time = batch->columns[window->time_column].i64[row];
    ps_row_list *list = ps_table_touch(self->table, entry);
    uint32_t place = ps_row_list_place(&self->sorted, list, batch, row);
    bool joins_before = place > 0 && time <= time_at(self, list, place - 1) + window->size_ms;
    if (session_end(self, list, place, time) - 1 <= batch->watermarks[row] && !joins_before) {
        ps_operator_count_late(&self->op, 0, batch, row);
        return PS_OK;
    }
    ps_code code = ps_row_list_insert(&self->sorted, list, place, batch, row, err);
    if (code != PS_OK) {
        return code;
    }
    *arrival_of(self, ps_row_list_at(&self->sorted, list, place)) = batch->sequences[row];
    int64_t due = time + window->size_ms - 1;
    self->op.due = due < self->op.due ? due : self->op.due;
    return ps_timers_add(self->timers, due, entry, err);
}

static ps_code session_row(window_assign *self, const ps_batch *batch, uint32_t row, ps_error *err)
{
    if (ps_column_is_null(&batch->columns[self->spec->window.time_column], row)) {
        ps_operator_count_late(&self->op, 0, batch, row);
        return PS_OK;
    }
    uint32_t entry;
    bool is_new;
    ps_code code = ps_key_put(&self->keys, self->table, batch, row, &entry, &is_new, err);
    if (code == PS_OK) {
        code = keep_row(self, batch, row, entry, err);
    }
    const ps_row_list *list = code == PS_OK ? ps_table_value(self->table, entry) : NULL;
    if (list != NULL && list->count == 0) {
        ps_table_remove(self->table, entry);
    }
    return code;
}

static ps_code on_session_row(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t row,
                              ps_error *err)
{
    (void)input;
    return session_row((window_assign *)op, batch, row, err);
}

static int compare_arrivals(const void *a, const void *b, void *with)
{
    const window_assign *self = with;
    uint64_t first = *arrival_of(self, *(const uint32_t *)a);
    uint64_t second = *arrival_of(self, *(const uint32_t *)b);
    return (first > second) - (first < second);
}

/* The first `count` rows of the list leave it, in order of arrival. */
static ps_code take_leaving(window_assign *self, ps_row_list *list, uint32_t count, ps_error *err)
{
    if (count > self->leaving_capacity) {
        uint32_t *larger = realloc(self->leaving, count * sizeof *larger);
        if (larger == NULL) {
            return ps_error_set(err, PS_E_MEMORY, "no memory for a session of %u rows", count);
        }
        self->leaving = larger;
        self->leaving_capacity = count;
    }
    for (uint32_t i = 0; i < count; i++) {
        self->leaving[i] = ps_row_list_at(&self->sorted, list, i);
    }
    for (uint32_t i = count; i > 0; i--) {
        ps_row_list_take(&self->sorted, list, i - 1);
    }
    qsort_r(self->leaving, count, sizeof *self->leaving, compare_arrivals, self);
    return PS_OK;
}

/* The first session of the key goes out when its end is reached; false: it is not. */
static bool send_session(window_assign *self, ps_row_list *list, int64_t until, ps_code *code,
                         ps_error *err)
{
    int64_t first = time_at(self, list, 0);
    window_bounds bounds = {first, session_end(self, list, 1, first)};
    if (bounds.end - 1 > until) {
        return false;
    }
    window_bounds local = {ps_window_local(&self->spec->window, bounds.start),
                           ps_window_local(&self->spec->window, bounds.end)};
    ps_outlet *outlet = self->op.context.outlet;
    uint32_t count = 0;
    while (count < list->count && time_at(self, list, count) < bounds.end) {
        count++;
    }
    *code = take_leaving(self, list, count, err);
    for (uint32_t i = 0; *code == PS_OK && i < count; i++) {
        *code = ps_outlet_begin_row(outlet, PS_KIND_INSERT, err);
        *code = *code == PS_OK
                    ? ps_kept_row_emit(&self->sorted.rows, self->leaving[i], outlet, 0, err)
                    : *code;
        if (*code == PS_OK) {
            set_window(self, &local);
            ps_outlet_end_row(outlet);
        }
        ps_kept_rows_drop(&self->sorted.rows, self->leaving[i]);
    }
    return true;
}

static ps_code session_watermark(ps_operator *op, int64_t watermark, ps_error *err)
{
    window_assign *self = (window_assign *)op;
    int64_t time;
    uint64_t entry;
    ps_code code = PS_OK;
    while (code == PS_OK && ps_timers_take(self->timers, watermark, &time, &entry)) {
        ps_row_list *list = ps_table_touch(self->table, (uint32_t)entry);
        if (list->count == 0) {
            continue; /* an earlier timer has emptied the key */
        }
        while (code == PS_OK && list->count > 0 && send_session(self, list, time, &code, err)) {
        }
        if (list->count == 0) {
            ps_row_list_clear(&self->sorted, list);
            ps_table_remove(self->table, (uint32_t)entry);
        }
    }
    op->due = ps_timers_earliest(self->timers);
    return code;
}

static void free_assign(ps_operator *op)
{
    window_assign *self = (window_assign *)op;
    ps_key_encoder_release(&self->keys);
    free(self->leaving);
    free(self);
}

static const ps_operator_class assign_class = {
    .name = "WindowAssign",
    .on_row = on_assign_row,
    .free = free_assign,
};

static const ps_operator_class session_class = {
    .name = "SessionAssign",
    .on_row = on_session_row,
    .on_watermark = session_watermark,
    .free = free_assign,
};

static ps_code make_session(window_assign *self, const ps_schema *input, ps_error *err)
{
    const ps_operator_context *context = &self->op.context;
    self->op.class = &session_class;
    self->by_time = (ps_sort_key){.column = self->spec->window.time_column};
    ps_code code = ps_key_encoder_init(&self->keys, context->arena, self->spec->keys, input, err);
    if (code == PS_OK) {
        code = ps_sorted_rows_init(
            &self->sorted, context->store, context->arena,
            &(ps_sorted_rows_options){sizeof(uint64_t), input, 1, &self->by_time}, err);
    }
    if (code == PS_OK) {
        code = ps_table_new(context->store, "keys", ps_key_encoder_size(&self->keys),
                            sizeof(ps_row_list), &self->table, err);
    }
    return code == PS_OK ? ps_timers_new(context->store, "timers", &self->timers, err) : code;
}

ps_code ps_op_window_assign_new(const ps_node *node, const ps_operator_context *context,
                                ps_operator **out, ps_error *err)
{
    window_assign *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a window function");
    }
    const ps_schema *input = &node->inputs[0]->schema;
    self->op.class = &assign_class;
    self->op.context = *context;
    self->spec = node->window_assign;
    self->column_count = input->field_count;
    ps_code code = PS_OK;
    if (self->spec->window.kind == PS_WINDOW_SESSION) {
        code = make_session(self, input, err);
    }
    if (code != PS_OK) {
        free_assign(&self->op);
        return code;
    }
    *out = &self->op;
    return PS_OK;
}
