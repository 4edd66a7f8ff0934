/* Sort: by event time (rows wait for the watermark and come out in order of time, then of the other
 * keys, then of arrival), or of everything when the input ends (bounded runs), with OFFSET and
 * LIMIT. By time a row is late when its time is not after the last time that came out
 * (SEMANTICS §5.5). */
#include <stdlib.h>

#include "flow/operators.h"
#include "flow/sorted_rows.h"

/* In the store. */
typedef struct {
    ps_row_list list;
    int64_t last_time; /* that came out; INT64_MIN: none */
    uint64_t has_last;
} sort_root;

typedef struct {
    ps_operator op;
    const ps_sort_spec *spec;
    ps_sorted_rows sorted;
    sort_root *root;
} sort;

static ps_code take_row(sort *self, const ps_batch *batch, uint32_t row, ps_error *err)
{
    ps_store_touch_root(self->op.context.store);
    sort_root *root = self->root;
    ps_row_list *list = &root->list;
    if (self->spec->at_end && !ps_kind_adds(ps_batch_kind(batch, row))) {
        uint32_t place = ps_row_list_find(&self->sorted, list, batch, row);
        if (place < list->count) {
            uint32_t ref = ps_row_list_at(&self->sorted, list, place);
            ps_row_list_take(&self->sorted, list, place);
            ps_kept_rows_drop(&self->sorted.rows, ref);
        }
        return PS_OK;
    }
    if (!self->spec->at_end) {
        int64_t time = batch->columns[self->spec->sort[0].column].i64[row];
        if (root->has_last != 0 && time <= root->last_time) {
            ps_operator_count_late(&self->op, 0, batch, row);
            return PS_OK;
        }
        self->op.due = time < self->op.due ? time : self->op.due;
    }
    uint32_t place = ps_row_list_place(&self->sorted, list, batch, row);
    return ps_row_list_insert(&self->sorted, list, place, batch, row, err);
}

static ps_code on_row(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t row,
                      ps_error *err)
{
    (void)input;
    return take_row((sort *)op, batch, row, err);
}

/* Rows 0 … count−1 go out (those of index from … to−1) and are dropped. */
static ps_code send_first(sort *self, uint32_t count, uint64_t from, uint64_t to, ps_error *err)
{
    ps_row_list *list = &self->root->list;
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < count; i++) {
        uint32_t ref = ps_row_list_at(&self->sorted, list, i);
        if (i >= from && i < to) {
            code = ps_kept_row_send(&self->sorted.rows, ref, self->op.context.outlet,
                                    PS_KIND_INSERT, err);
        }
        ps_kept_rows_drop(&self->sorted.rows, ref);
    }
    char *refs = ps_heap_at(&self->sorted.lists, list->refs);
    ps_heap_touch(&self->sorted.lists, list->refs, list->capacity * 4);
    memmove(refs, refs + (size_t)count * 4, (size_t)(list->count - count) * 4);
    list->count -= count;
    return code;
}

static int64_t time_at(const sort *self, uint32_t index)
{
    uint32_t ref = ps_row_list_at(&self->sorted, &self->root->list, index);
    return ps_kept_row_get(&self->sorted.rows, ref, self->spec->sort[0].column).i64;
}

static ps_code on_watermark(ps_operator *op, int64_t watermark, ps_error *err)
{
    sort *self = (sort *)op;
    ps_store_touch_root(op->context.store);
    ps_row_list *list = &self->root->list;
    if (list->count == 0) {
        op->due = INT64_MAX;
        return PS_OK;
    }
    if (self->spec->at_end) {
        uint64_t from = (uint64_t)self->spec->offset;
        uint64_t limit = self->spec->limit < 0 ? UINT32_MAX : (uint64_t)self->spec->limit;
        return watermark == PS_WATERMARK_END
                   ? send_first(self, list->count, from, from + limit, err)
                   : PS_OK;
    }
    uint32_t low = 0, high = list->count; /* how many have a time ≤ watermark */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        bool is_due = time_at(self, middle) <= watermark;
        low = is_due ? middle + 1 : low;
        high = is_due ? high : middle;
    }
    if (low > 0) {
        self->root->last_time = time_at(self, low - 1);
        self->root->has_last = 1;
    }
    ps_code code = low > 0 ? send_first(self, low, 0, low, err) : PS_OK;
    op->due = list->count > 0 ? time_at(self, 0) : INT64_MAX;
    return code;
}

static void free_sort(ps_operator *op)
{
    free(op);
}

static const ps_operator_class sort_class = {
    .name = "Sort",
    .on_row = on_row,
    .on_watermark = on_watermark,
    .free = free_sort,
};

ps_code ps_op_sort_new(const ps_node *node, const ps_operator_context *context, ps_operator **out,
                       ps_error *err)
{
    sort *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory to sort");
    }
    self->op.class = &sort_class;
    self->op.context = *context;
    self->spec = node->sort;
    ps_code code =
        ps_sorted_rows_init(&self->sorted, context->store, context->arena,
                            &(ps_sorted_rows_options){0, &node->inputs[0]->schema,
                                                      self->spec->sort_count, self->spec->sort},
                            err);
    void *root = NULL;
    if (code == PS_OK) {
        code = ps_store_root(context->store, sizeof(sort_root), &root, err);
    }
    if (code != PS_OK) {
        free_sort(&self->op);
        return code;
    }
    self->root = root;
    *out = &self->op;
    return PS_OK;
}
