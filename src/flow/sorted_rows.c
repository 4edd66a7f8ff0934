#include "flow/sorted_rows.h"

ps_code ps_sorted_rows_init(ps_sorted_rows *sorted, ps_store *store, ps_arena *arena,
                            const ps_sorted_rows_options *options, ps_error *err)
{
    *sorted = (ps_sorted_rows){.sort_count = options->sort_count, .sort = options->sort};
    ps_code code = ps_kept_rows_init(&sorted->rows, store, arena, "rows", options->header_size,
                                     options->schema, err);
    return code == PS_OK ? ps_heap_init(&sorted->lists, store, "lists", err) : code;
}

int ps_sort_key_compare(const ps_sort_key *key, const ps_type *type, const ps_value *a,
                        const ps_value *b)
{
    if (a->is_null || b->is_null) {
        int order = (int)b->is_null - (int)a->is_null; /* NULL first */
        return key->nulls_last ? -order : order;
    }
    int order = ps_value_compare(type, a, b);
    return key->is_descending ? -order : order;
}

int ps_sorted_rows_compare(const ps_sorted_rows *sorted, uint32_t ref, const ps_batch *batch,
                           uint32_t row)
{
    for (uint32_t i = 0; i < sorted->sort_count; i++) {
        const ps_sort_key *key = &sorted->sort[i];
        ps_value kept = ps_kept_row_get(&sorted->rows, ref, key->column);
        ps_value value = ps_column_value(&batch->columns[key->column],
                                         sorted->rows.layout.classes[key->column], row);
        int order = ps_sort_key_compare(key, sorted->rows.types[key->column], &kept, &value);
        if (order != 0) {
            return order;
        }
    }
    return 0;
}

uint32_t ps_row_list_place(const ps_sorted_rows *sorted, const ps_row_list *list,
                           const ps_batch *batch, uint32_t row)
{
    uint32_t low = 0, high = list->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order =
            ps_sorted_rows_compare(sorted, ps_row_list_at(sorted, list, middle), batch, row);
        bool comes_before = sorted->newest_first ? order < 0 : order <= 0;
        low = comes_before ? middle + 1 : low;
        high = comes_before ? high : middle;
    }
    return low;
}

static ps_code make_room(ps_sorted_rows *sorted, ps_row_list *list, ps_error *err)
{
    if (list->count < list->capacity) {
        return PS_OK;
    }
    uint32_t wanted = list->capacity == 0 ? 4 : list->capacity + list->capacity / 2 + 1;
    uint32_t refs;
    ps_code code = ps_heap_take(&sorted->lists, wanted * 4, &refs, err);
    if (code != PS_OK) {
        return code;
    }
    if (list->capacity > 0) {
        memcpy(ps_heap_at(&sorted->lists, refs), ps_heap_at(&sorted->lists, list->refs),
               (size_t)list->count * 4);
        ps_heap_give(&sorted->lists, list->refs, list->capacity * 4);
    }
    list->refs = refs;
    list->capacity = wanted;
    return PS_OK;
}

ps_code ps_row_list_insert(ps_sorted_rows *sorted, ps_row_list *list, uint32_t place,
                           const ps_batch *batch, uint32_t row, ps_error *err)
{
    uint32_t ref;
    ps_code code = make_room(sorted, list, err);
    if (code == PS_OK) {
        code = ps_kept_rows_add(&sorted->rows, batch, row, &ref, err);
    }
    if (code != PS_OK) {
        return code;
    }
    ps_heap_touch(&sorted->lists, list->refs, list->capacity * 4);
    char *refs = ps_heap_at(&sorted->lists, list->refs);
    memmove(refs + (size_t)(place + 1) * 4, refs + (size_t)place * 4,
            (size_t)(list->count - place) * 4);
    memcpy(refs + (size_t)place * 4, &ref, 4);
    list->count++;
    return PS_OK;
}

void ps_row_list_take(ps_sorted_rows *sorted, ps_row_list *list, uint32_t index)
{
    PS_ASSERT(index < list->count);
    ps_heap_touch(&sorted->lists, list->refs, list->capacity * 4);
    char *refs = ps_heap_at(&sorted->lists, list->refs);
    memmove(refs + (size_t)index * 4, refs + (size_t)(index + 1) * 4,
            (size_t)(list->count - index - 1) * 4);
    list->count--;
}

uint32_t ps_row_list_find(ps_sorted_rows *sorted, const ps_row_list *list, const ps_batch *batch,
                          uint32_t row)
{
    /* rows with equal sort keys lie together: look there */
    uint32_t low = 0, high = list->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order =
            ps_sorted_rows_compare(sorted, ps_row_list_at(sorted, list, middle), batch, row);
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    for (uint32_t i = low; i < list->count; i++) {
        uint32_t ref = ps_row_list_at(sorted, list, i);
        if (ps_sorted_rows_compare(sorted, ref, batch, row) != 0) {
            break;
        }
        if (ps_kept_row_equals(&sorted->rows, ref, batch, row)) {
            return i;
        }
    }
    return list->count;
}

uint32_t ps_row_list_find_by(ps_sorted_rows *sorted, const ps_row_list *list, ps_columns columns,
                             const ps_batch *batch, uint32_t row)
{
    for (uint32_t i = 0; i < list->count; i++) {
        uint32_t ref = ps_row_list_at(sorted, list, i);
        bool is_equal = true;
        for (uint32_t k = 0; is_equal && k < columns.count; k++) {
            uint32_t column = columns.columns[k];
            ps_value kept = ps_kept_row_get(&sorted->rows, ref, column);
            ps_value value =
                ps_column_value(&batch->columns[column], sorted->rows.layout.classes[column], row);
            is_equal = ps_value_compare(sorted->rows.types[column], &kept, &value) == 0;
        }
        if (is_equal) {
            return i;
        }
    }
    return list->count;
}

void ps_row_list_clear(ps_sorted_rows *sorted, ps_row_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        ps_kept_rows_drop(&sorted->rows, ps_row_list_at(sorted, list, i));
    }
    if (list->capacity > 0) {
        ps_heap_give(&sorted->lists, list->refs, list->capacity * 4);
    }
    *list = (ps_row_list){0};
}
