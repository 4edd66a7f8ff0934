/* SessionAggregate: windows that grow while rows of a key keep coming (SEMANTICS §6.2, §6.4).
 *
 * A row's own window is [time, time + gap); windows of a key that overlap or touch become one. A
 * row is late when the window that it would be part of has closed: one that joins a live session
 * never is.
 * A session has one timer; when it rings and the session has grown meanwhile it is set anew, so
 * that growing costs nothing. Sessions that were merged into others leave their timers behind: the
 * generation in the timer is not the block's any more.
 * Order of results: by the instant at which the window closes, then by timers. */
#include <stdlib.h>

#include "flow/key_encoder.h"
#include "flow/operators.h"
#include "flow/window_output.h"
#include "flow/window_time.h"
#include "state/heap.h"
#include "state/table.h"
#include "state/timers.h"

/* A block in the heap; the aggregator's state follows. */
typedef struct {
    uint32_t next; /* session of the key, by start; 0: none. First: free blocks are linked here */
    uint32_t key;  /* entry */
    uint32_t generation; /* 0: free */
    uint32_t reserved;
    int64_t start, end; /* local */
    int64_t row_count;
} session;

/* Value of a key. */
typedef struct {
    uint32_t first; /* session */
    uint32_t reserved;
} key_sessions;

typedef struct {
    uint32_t last_generation;
    uint32_t reserved;
} session_root;

typedef struct {
    ps_operator op;
    const ps_window_aggregate_spec *spec;
    const ps_window *window;
    ps_window_output output;
    ps_aggregator *aggregator;
    ps_key_encoder encoder;
    ps_table *keys;
    ps_heap sessions;
    ps_timers *timers;
    session_root *root;
    uint32_t block_size;
    /* of the run at hand: states that rows from `pending_from` on are to be added to */
    uint32_t pending_from;
    uint32_t entries[PS_BATCH_ROWS];
    char *states[PS_BATCH_ROWS];
} session_aggregate;

static session *session_at(const session_aggregate *self, uint32_t ref)
{
    return (session *)(void *)ps_heap_at(&self->sessions, ref);
}

static session *session_touch(const session_aggregate *self, uint32_t ref)
{
    ps_heap_touch(&self->sessions, ref, self->block_size);
    return session_at(self, ref);
}

static char *state_of(session *at)
{
    return (char *)(at + 1);
}

/* ── sessions of a key ── */

/* Takes the session that follows `before` (0: the first one) out of its key's list and frees it. */
static void remove_after(session_aggregate *self, uint32_t key, uint32_t before)
{
    key_sessions *list = ps_table_touch(self->keys, key);
    uint32_t ref = before != 0 ? session_at(self, before)->next : list->first;
    session *gone = session_touch(self, ref);
    if (before != 0) {
        session_touch(self, before)->next = gone->next;
    } else {
        list->first = gone->next;
    }
    ps_aggregator_clear(self->aggregator, state_of(gone));
    gone->generation = 0;
    ps_heap_give(&self->sessions, ref, self->block_size);
}

static ps_code insert_after(session_aggregate *self, uint32_t key, uint32_t before,
                            const session *made, uint32_t *out_ref, ps_error *err)
{
    uint32_t ref;
    ps_code code = ps_heap_take(&self->sessions, self->block_size, &ref, err);
    if (code != PS_OK) {
        return code;
    }
    session *added = session_at(self, ref);
    memset(added, 0, self->block_size);
    ps_store_touch_root(self->op.context.store);
    *added = *made;
    added->key = key;
    added->generation = ++self->root->last_generation;
    if (added->generation == 0) { /* 0 says free */
        added->generation = ++self->root->last_generation;
    }
    key_sessions *list = ps_table_touch(self->keys, key);
    if (before != 0) {
        session *previous = session_touch(self, before);
        added->next = previous->next;
        previous->next = ref;
    } else {
        added->next = list->first;
        list->first = ref;
    }
    int64_t closes_at = ps_window_closes_at(self->window, added->end);
    uint64_t payload = (uint64_t)added->generation << 32 | ref;
    code = ps_timers_add(self->timers, closes_at, payload, err);
    if (closes_at < self->op.due && !self->window->is_processing_time) {
        self->op.due = closes_at;
    }
    *out_ref = ref;
    return code;
}

static ps_code flush(session_aggregate *self, const ps_batch *batch, uint32_t row, ps_error *err)
{
    uint32_t from = self->pending_from;
    self->pending_from = row;
    return from < row ? ps_aggregator_update(self->aggregator, batch, from, row, self->states, err)
                      : PS_OK;
}

/* All that follow `ref` and touch it become part of it. */
static ps_code absorb(session_aggregate *self, uint32_t key, uint32_t ref, ps_error *err)
{
    session *into = session_touch(self, ref);
    while (into->next != 0 && session_at(self, into->next)->start <= into->end) {
        session *from = session_at(self, into->next);
        ps_code code = ps_aggregator_merge(self->aggregator, state_of(into), state_of(from), err);
        if (code != PS_OK) {
            return code;
        }
        into->end = from->end > into->end ? from->end : into->end;
        into->row_count += from->row_count;
        remove_after(self, key, ref);
    }
    return PS_OK;
}

/* ── rows ── */

/* False: no time. */
static bool time_of(const session_aggregate *self, const ps_batch *batch, uint32_t row,
                    int64_t *out_local)
{
    if (self->window->is_processing_time) {
        *out_local = ps_window_local(self->window, self->op.context.clock->now_ms);
        return true;
    }
    const ps_column *column = &batch->columns[self->window->time_column];
    *out_local = ps_window_local(self->window, column->i64[row]);
    return !ps_column_is_null(column, row);
}

/* The session that a row belongs to, grown or made; 0: the row is late. */
static ps_code place_row(session_aggregate *self, const ps_batch *batch, uint32_t row, uint32_t key,
                         uint32_t *out_ref, ps_error *err)
{
    session own = {0};
    *out_ref = 0;
    if (!time_of(self, batch, row, &own.start)) {
        return PS_OK;
    }
    own.end = ps_window_sum(own.start, self->window->size_ms);
    uint32_t before = 0;
    uint32_t ref = ((const key_sessions *)ps_table_value(self->keys, key))->first;
    while (ref != 0 && session_at(self, ref)->end < own.start) {
        before = ref;
        ref = session_at(self, ref)->next;
    }
    if (ref == 0 || session_at(self, ref)->start > own.end) {
        bool is_late = !self->window->is_processing_time &&
                       ps_window_closes_at(self->window, own.end) <= batch->watermarks[row];
        return is_late ? PS_OK : insert_after(self, key, before, &own, out_ref, err);
    }
    session *joined = session_touch(self, ref);
    joined->start = own.start < joined->start ? own.start : joined->start;
    joined->end = own.end > joined->end ? own.end : joined->end;
    *out_ref = ref;
    if (joined->next == 0 || session_at(self, joined->next)->start > joined->end) {
        return PS_OK;
    }
    ps_code code = flush(self, batch, row, err); /* into states that are about to go */
    return code == PS_OK ? absorb(self, key, ref, err) : code;
}

static ps_code take_row(session_aggregate *self, const ps_batch *batch, uint32_t row, uint32_t key,
                        ps_error *err)
{
    uint32_t ref;
    ps_code code = place_row(self, batch, row, key, &ref, err);
    char **state = &self->states[row - self->pending_from];
    *state = NULL;
    if (code != PS_OK) {
        return code;
    }
    if (ref == 0) {
        ps_operator_count_late(&self->op, 0, batch, row);
        return PS_OK;
    }
    session *at = session_touch(self, ref);
    at->row_count += ps_kind_adds(ps_batch_kind(batch, row)) ? 1 : -1;
    *state = state_of(at);
    return PS_OK;
}

static void drop_key_if_empty(session_aggregate *self, uint32_t key)
{
    if (((const key_sessions *)ps_table_value(self->keys, key))->first == 0) {
        ps_table_remove(self->keys, key);
    }
}

/* Rows of the run up to the first one whose watermark closes a session. */
static ps_code take_rows(session_aggregate *self, const ps_batch *batch, uint32_t from, uint32_t to,
                         uint32_t *out_done, ps_error *err)
{
    ps_code code = PS_OK;
    uint32_t row = from;
    self->pending_from = from;
    for (; row < to && code == PS_OK; row++) {
        if (row > from && batch->watermarks[row] >= self->op.due) {
            break;
        }
        ps_slice key;
        bool is_new;
        code = ps_key_encode(&self->encoder, batch, row, &key, err);
        if (code == PS_OK) {
            code = ps_table_put(self->keys, ps_table_hash(key.data, key.size), key,
                                &self->entries[row - from], &is_new, err);
        }
        if (code == PS_OK) {
            code = take_row(self, batch, row, self->entries[row - from], err);
            drop_key_if_empty(self, self->entries[row - from]);
        }
    }
    if (code == PS_OK) {
        code = flush(self, batch, row, err);
    }
    *out_done = row - from;
    return code;
}

/* ── closing ── */

static ps_code close_session(session_aggregate *self, uint32_t ref, ps_error *err)
{
    session *closed = session_at(self, ref);
    uint32_t key = closed->key;
    uint32_t before = 0;
    for (uint32_t at = ((const key_sessions *)ps_table_value(self->keys, key))->first; at != ref;
         at = session_at(self, at)->next) {
        before = at;
    }
    ps_code code = PS_OK;
    if (!self->spec->input_retracts || closed->row_count != 0) {
        const char *key_code = ps_table_key(self->keys, key).data;
        code = ps_window_output_emit(&self->output, key_code, state_of(closed), closed->start,
                                     closed->end, err);
    }
    remove_after(self, key, before);
    drop_key_if_empty(self, key);
    return code;
}

static ps_code close_until(session_aggregate *self, int64_t until, ps_error *err)
{
    int64_t time;
    uint64_t payload;
    ps_code code = PS_OK;
    while (code == PS_OK && ps_timers_take(self->timers, until, &time, &payload)) {
        uint32_t ref = (uint32_t)payload;
        const session *at = session_at(self, ref);
        if (at->generation != payload >> 32) {
            continue;
        }
        int64_t closes_at = ps_window_closes_at(self->window, at->end);
        code = closes_at > time ? ps_timers_add(self->timers, closes_at, payload, err)
                                : close_session(self, ref, err);
    }
    return code;
}

static ps_code on_watermark(ps_operator *op, int64_t watermark, ps_error *err)
{
    session_aggregate *self = (session_aggregate *)op;
    bool is_processing_time = self->window->is_processing_time;
    if (is_processing_time && watermark != PS_WATERMARK_END) {
        return PS_OK;
    }
    ps_code code = close_until(self, watermark, err);
    op->due = is_processing_time ? INT64_MAX : ps_timers_earliest(self->timers);
    return code;
}

static ps_code on_rows(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t from,
                       uint32_t to, uint32_t *out_done, ps_error *err)
{
    (void)input;
    session_aggregate *self = (session_aggregate *)op;
    ps_code code = PS_OK;
    if (self->window->is_processing_time) {
        code = close_until(self, op->context.clock->now_ms, err);
    }
    return code == PS_OK ? take_rows(self, batch, from, to, out_done, err) : code;
}

/* ── making ── */

static void free_session_aggregate(ps_operator *op)
{
    session_aggregate *self = (session_aggregate *)op;
    ps_key_encoder_release(&self->encoder);
    free(self);
}

static const ps_operator_class session_aggregate_class = {
    .name = "SessionAggregate",
    .on_rows = on_rows,
    .on_watermark = on_watermark,
    .free = free_session_aggregate,
};

static ps_code open_state(session_aggregate *self, const ps_schema *input, ps_error *err)
{
    const ps_operator_context *context = &self->op.context;
    void *root;
    ps_code code = ps_store_root(context->store, sizeof(session_root), &root, err);
    if (code != PS_OK) {
        return code;
    }
    self->root = root;
    code = ps_key_encoder_init(&self->encoder, context->arena, self->spec->keys, input, err);
    if (code == PS_OK) {
        code = ps_window_output_init(&self->output, self->spec, context, input, err);
    }
    if (code == PS_OK) {
        code = ps_window_output_open(&self->output, context, PS_AGGREGATOR_MERGE, err);
    }
    if (code != PS_OK) {
        return code;
    }
    self->aggregator = self->output.aggregator;
    self->block_size = (uint32_t)sizeof(session) + ps_aggregator_size(self->aggregator);
    code = ps_table_new(context->store, "keys", ps_key_encoder_size(&self->encoder),
                        sizeof(key_sessions), &self->keys, err);
    if (code == PS_OK) {
        code = ps_heap_init(&self->sessions, context->store, "sessions", err);
    }
    if (code == PS_OK) {
        code = ps_timers_new(context->store, "session_ends", &self->timers, err);
    }
    return code;
}

ps_code ps_op_session_aggregate_new(const ps_node *node, const ps_operator_context *context,
                                    ps_operator **out, ps_error *err)
{
    session_aggregate *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a session aggregate");
    }
    self->op.class = &session_aggregate_class;
    self->op.context = *context;
    self->op.watermark = PS_WATERMARK_NONE;
    self->op.due = INT64_MAX;
    self->spec = node->window_aggregate;
    self->window = &self->spec->window;
    ps_code code = open_state(self, &node->inputs[0]->schema, err);
    if (code != PS_OK) {
        free_session_aggregate(&self->op);
        return code;
    }
    *out = &self->op;
    return PS_OK;
}
