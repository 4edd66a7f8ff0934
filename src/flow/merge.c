#include "flow/merge.h"

#include <stdlib.h>

#include "data/row.h"

typedef struct waiting waiting;
struct waiting {
    waiting *next;
    ps_batch_builder builder;
    uint32_t taken; /* rows before are out */
};

/* A place in the merged order. */
typedef struct {
    int64_t watermark;
    uint64_t sequence;
    uint32_t input;
} place;

typedef struct {
    waiting *first, *last; /* rows that wait, oldest first; none is empty */
    waiting *spare;
    int64_t watermark_after; /* behind all that was offered */
    uint64_t sequence_after;
    bool is_idle;
    ps_row_layout layout; /* of saved rows */
} merge_input;

struct ps_merge {
    ps_merge_options options;
    int64_t watermark; /* merged, as delivered */
    uint64_t sequence;
    uint64_t waiting_rows;
    ps_arena arena; /* the layouts */
    merge_input inputs[];
};

enum { LAYOUTS_SIZE_MAX = 16 << 20 };

static void free_chain(waiting *first)
{
    while (first != NULL) {
        waiting *next = first->next;
        ps_batch_builder_release(&first->builder);
        free(first);
        first = next;
    }
}

void ps_merge_free(ps_merge *merge)
{
    if (merge == NULL) {
        return;
    }
    for (uint32_t i = 0; i < merge->options.input_count; i++) {
        free_chain(merge->inputs[i].first);
        free_chain(merge->inputs[i].spare);
    }
    ps_arena_release(&merge->arena);
    free(merge);
}

ps_code ps_merge_new(const ps_merge_options *options, ps_merge **out, ps_error *err)
{
    ps_merge *merge = calloc(1, sizeof(*merge) + options->input_count * sizeof(merge_input));
    if (merge == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory to merge %u inputs", options->input_count);
    }
    merge->options = *options;
    merge->watermark = PS_WATERMARK_NONE;
    ps_arena_init(&merge->arena, LAYOUTS_SIZE_MAX);
    for (uint32_t i = 0; i < options->input_count; i++) {
        merge->inputs[i].watermark_after = PS_WATERMARK_NONE;
        ps_code code = ps_row_layout_init(&merge->inputs[i].layout, &merge->arena,
                                          options->column_counts[i], options->types[i], false, err);
        if (code != PS_OK) {
            ps_merge_free(merge);
            return code;
        }
    }
    *out = merge;
    return PS_OK;
}

/* ── order ── */

static place place_of_row(const ps_batch *batch, uint32_t row, uint32_t input)
{
    return (place){batch->watermarks[row], batch->sequences[row], input};
}

static bool is_before(place a, place b)
{
    if (a.watermark != b.watermark) {
        return a.watermark < b.watermark;
    }
    if (a.sequence != b.sequence) {
        return a.sequence < b.sequence;
    }
    return a.input < b.input;
}

/* No later row of the input can come before this place. */
static place lower_bound(const ps_merge *merge, uint32_t input)
{
    const merge_input *from = &merge->inputs[input];
    if (from->first != NULL) {
        return place_of_row(&from->first->builder.batch, from->first->taken, input);
    }
    if (from->is_idle) {
        return (place){PS_WATERMARK_END, UINT64_MAX, input};
    }
    return (place){from->watermark_after, from->sequence_after, input};
}

/* The lowest bound of all inputs but one. */
static place bound_of_others(const ps_merge *merge, uint32_t input)
{
    place lowest = {PS_WATERMARK_END, UINT64_MAX, UINT32_MAX};
    for (uint32_t other = 0; other < merge->options.input_count; other++) {
        place bound = lower_bound(merge, other);
        if (other != input && is_before(bound, lowest)) {
            lowest = bound;
        }
    }
    return lowest;
}

/* How many rows from `from` on come before the bound. */
static uint32_t rows_before(const ps_batch *batch, uint32_t from, uint32_t input, place bound)
{
    uint32_t row = from;
    uint32_t count = batch->row_count;
    if (row < count && is_before(place_of_row(batch, count - 1, input), bound)) {
        return count;
    }
    while (row < count && is_before(place_of_row(batch, row, input), bound)) {
        row++;
    }
    return row;
}

/* ── delivery ── */

/* What holds when no input holds anybody back: all have ended, or the furthest of the idle ones
 * (SEMANTICS §5.3). */
static int64_t watermark_of_idle(const ps_merge *merge)
{
    int64_t furthest = PS_WATERMARK_NONE;
    bool all_ended = true;
    for (uint32_t i = 0; i < merge->options.input_count; i++) {
        int64_t watermark = merge->inputs[i].watermark_after;
        bool has_ended = watermark == PS_WATERMARK_END;
        all_ended = all_ended && has_ended;
        furthest = !has_ended && watermark > furthest ? watermark : furthest;
    }
    return all_ended ? PS_WATERMARK_END : furthest;
}

/* The merged watermark and sequence when `next` is where this input goes on. */
static ps_code deliver(ps_merge *merge, uint32_t input, const ps_batch *batch, uint32_t from,
                       uint32_t to, place next, ps_error *err)
{
    place others = bound_of_others(merge, input);
    place lowest = is_before(next, others) ? next : others;
    int64_t watermark = next.watermark < others.watermark ? next.watermark : others.watermark;
    watermark = watermark == PS_WATERMARK_END ? watermark_of_idle(merge) : watermark;
    merge->watermark = watermark > merge->watermark ? watermark : merge->watermark;
    merge->sequence = lowest.sequence > merge->sequence ? lowest.sequence : merge->sequence;
    const ps_batch_part part = {batch, from, to, merge->watermark, merge->sequence};
    return merge->options.deliver(merge->options.with, input, &part, err);
}

static place behind(const ps_merge *merge, uint32_t input, const ps_batch *batch, uint32_t row)
{
    if (row < batch->row_count) {
        return place_of_row(batch, row, input);
    }
    const merge_input *from = &merge->inputs[input];
    const waiting *second = from->first != NULL ? from->first->next : NULL;
    if (second != NULL) {
        return place_of_row(&second->builder.batch, second->taken, input);
    }
    return (place){from->watermark_after, from->sequence_after, input};
}

static void drop_first(merge_input *from)
{
    waiting *done = from->first;
    from->first = done->next;
    from->last = from->first == NULL ? NULL : from->last;
    ps_batch_builder_reset(&done->builder);
    done->next = from->spare;
    from->spare = done;
}

/* Waiting rows that nothing can precede any more. */
static ps_code drain(ps_merge *merge, ps_error *err)
{
    for (;;) {
        uint32_t next = 0;
        for (uint32_t i = 1; i < merge->options.input_count; i++) {
            next = is_before(lower_bound(merge, i), lower_bound(merge, next)) ? i : next;
        }
        waiting *first = merge->inputs[next].first;
        if (first == NULL) {
            return PS_OK;
        }
        const ps_batch *batch = &first->builder.batch;
        uint32_t from = first->taken;
        uint32_t to = rows_before(batch, from, next, bound_of_others(merge, next));
        PS_ASSERT(to > from);
        place place_behind = behind(merge, next, batch, to);
        first->taken = to;
        merge->waiting_rows -= to - from;
        ps_code code = deliver(merge, next, batch, from, to, place_behind, err);
        if (to == batch->row_count) {
            drop_first(&merge->inputs[next]);
        }
        if (code != PS_OK) {
            return code;
        }
    }
}

/* ── waiting ── */

static ps_code take_spare(ps_merge *merge, uint32_t input, waiting **out, ps_error *err)
{
    merge_input *to = &merge->inputs[input];
    if (to->spare != NULL) {
        *out = to->spare;
        to->spare = (*out)->next;
        (*out)->next = NULL;
        (*out)->taken = 0;
        return PS_OK;
    }
    waiting *fresh = calloc(1, sizeof(*fresh));
    if (fresh == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for rows that wait for another input");
    }
    ps_code code = ps_batch_builder_init(&fresh->builder, merge->options.column_counts[input],
                                         merge->options.types[input], PS_BATCH_ROWS, err);
    if (code != PS_OK) {
        free(fresh);
        return code;
    }
    *out = fresh;
    return PS_OK;
}

/* The builder that takes the input's next row. */
static ps_code open_last(ps_merge *merge, uint32_t input, waiting **out, ps_error *err)
{
    merge_input *to = &merge->inputs[input];
    if (to->last != NULL && !ps_batch_builder_is_full(&to->last->builder)) {
        *out = to->last;
        return PS_OK;
    }
    waiting *last = NULL;
    ps_code code = take_spare(merge, input, &last, err);
    if (code != PS_OK) {
        return code;
    }
    if (to->last != NULL) {
        to->last->next = last;
    } else {
        to->first = last;
    }
    to->last = last;
    *out = last;
    return PS_OK;
}

static ps_code keep(ps_merge *merge, uint32_t input, const ps_batch *batch, uint32_t from,
                    ps_error *err)
{
    while (from < batch->row_count) {
        waiting *last = NULL;
        ps_code code = open_last(merge, input, &last, err);
        if (code != PS_OK) {
            return code;
        }
        uint32_t taken;
        code = ps_batch_builder_append(&last->builder, batch, from, batch->row_count, &taken, err);
        if (code != PS_OK) {
            return code;
        }
        /* an input that was idle comes back behind the merged watermark */
        ps_batch *kept = &last->builder.batch;
        for (uint32_t row = kept->row_count - taken;
             row < kept->row_count && kept->watermarks[row] < merge->watermark; row++) {
            kept->watermarks[row] = merge->watermark;
        }
        merge->waiting_rows += taken;
        from += taken;
    }
    return PS_OK;
}

/* The merged watermark has moved though no row went out. */
static ps_code tell_watermark(ps_merge *merge, uint32_t input, ps_error *err)
{
    static const ps_batch nothing;
    place next = lower_bound(merge, input);
    return deliver(merge, input, &nothing, 0, 0, next, err);
}

ps_code ps_merge_offer(ps_merge *merge, uint32_t input, const ps_batch *batch, ps_error *err)
{
    PS_ASSERT(input < merge->options.input_count);
    merge_input *to = &merge->inputs[input];
    to->is_idle = false;
    to->watermark_after = batch->watermark_after;
    to->sequence_after =
        batch->watermark_after == PS_WATERMARK_END ? UINT64_MAX : batch->sequence_after;
    uint32_t row = 0;
    bool is_behind = batch->row_count > 0 && batch->watermarks[0] < merge->watermark;
    if (to->first == NULL && !is_behind) {
        row = rows_before(batch, 0, input, bound_of_others(merge, input));
        if (row > 0) {
            ps_code code =
                deliver(merge, input, batch, 0, row, behind(merge, input, batch, row), err);
            if (code != PS_OK) {
                return code;
            }
        }
    }
    ps_code code = keep(merge, input, batch, row, err);
    if (code == PS_OK) {
        code = drain(merge, err);
    }
    return code == PS_OK ? tell_watermark(merge, input, err) : code;
}

ps_code ps_merge_set_idle(ps_merge *merge, uint32_t input, bool is_idle, ps_error *err)
{
    merge->inputs[input].is_idle = is_idle;
    ps_code code = drain(merge, err);
    return code == PS_OK ? tell_watermark(merge, input, err) : code;
}

/* The input with the first waiting row; input_count: none. */
static uint32_t first_waiting(const ps_merge *merge)
{
    uint32_t first = merge->options.input_count;
    for (uint32_t i = 0; i < merge->options.input_count; i++) {
        if (merge->inputs[i].first != NULL &&
            (first == merge->options.input_count ||
             is_before(lower_bound(merge, i), lower_bound(merge, first)))) {
            first = i;
        }
    }
    return first;
}

ps_code ps_merge_release(ps_merge *merge, ps_error *err)
{
    ps_code code = PS_OK;
    uint32_t next;
    while (code == PS_OK && (next = first_waiting(merge)) < merge->options.input_count) {
        waiting *first = merge->inputs[next].first;
        uint32_t from = first->taken;
        first->taken++;
        merge->waiting_rows--;
        const ps_batch_part part = {&first->builder.batch, from, from + 1, merge->watermark,
                                    merge->sequence};
        code = merge->options.deliver(merge->options.with, next, &part, err);
        if (first->taken == first->builder.batch.row_count) {
            drop_first(&merge->inputs[next]);
        }
    }
    return code;
}

uint32_t ps_merge_awaited(const ps_merge *merge)
{
    uint32_t awaited = 0;
    for (uint32_t i = 1; i < merge->options.input_count; i++) {
        awaited = is_before(lower_bound(merge, i), lower_bound(merge, awaited)) ? i : awaited;
    }
    return awaited;
}

uint64_t ps_merge_waiting_rows(const ps_merge *merge)
{
    return merge->waiting_rows;
}

/* ── checkpoints ──
 * Per input: i64 watermark_after, u64 sequence_after, u64 row count; per row: u8 kind,
 * i64 watermark, u64 sequence, u32 size, row code. Then i64 merged watermark, u64 sequence. */

static void save_u64(ps_buf *out, uint64_t value)
{
    ps_buf_append(out, &value, sizeof(value));
}

static void save_row(const merge_input *from, const ps_batch *batch, uint32_t row, ps_buf *out)
{
    const ps_column *columns[PS_COLUMN_COUNT_MAX];
    for (uint32_t i = 0; i < batch->column_count; i++) {
        columns[i] = &batch->columns[i];
    }
    uint32_t size = (uint32_t)ps_row_size(&from->layout, columns, row);
    ps_buf_append_char(out, (char)ps_batch_kind(batch, row));
    save_u64(out, (uint64_t)batch->watermarks[row]);
    save_u64(out, batch->sequences[row]);
    ps_buf_append(out, &size, sizeof(size));
    char *code = ps_buf_extend(out, size);
    if (code != NULL) {
        ps_row_encode(&from->layout, columns, row, code);
    }
}

ps_code ps_merge_save(const ps_merge *merge, ps_buf *out, ps_error *err)
{
    for (uint32_t i = 0; i < merge->options.input_count; i++) {
        const merge_input *from = &merge->inputs[i];
        uint64_t row_count = 0;
        for (const waiting *at = from->first; at != NULL; at = at->next) {
            row_count += at->builder.batch.row_count - at->taken;
        }
        save_u64(out, (uint64_t)from->watermark_after);
        save_u64(out, from->sequence_after);
        save_u64(out, row_count);
        for (const waiting *at = from->first; at != NULL; at = at->next) {
            for (uint32_t row = at->taken; row < at->builder.batch.row_count; row++) {
                save_row(from, &at->builder.batch, row, out);
            }
        }
    }
    save_u64(out, (uint64_t)merge->watermark);
    save_u64(out, merge->sequence);
    return out->failed ? ps_error_set(err, PS_E_MEMORY, "no memory to save waiting rows") : PS_OK;
}

static bool load_bytes(ps_slice *saved, void *out, size_t size)
{
    if (saved->size < size) {
        return false;
    }
    memcpy(out, saved->data, size);
    *saved = ps_slice_of(saved->data + size, saved->size - size);
    return true;
}

/* One row to the end of the input's waiting rows; false: not well-formed. */
static bool load_row(ps_merge *merge, uint32_t input, ps_slice *saved, ps_error *err)
{
    merge_input *to = &merge->inputs[input];
    uint8_t kind;
    int64_t watermark;
    uint64_t sequence;
    uint32_t size;
    if (!load_bytes(saved, &kind, 1) || !load_bytes(saved, &watermark, 8) ||
        !load_bytes(saved, &sequence, 8) || !load_bytes(saved, &size, 4) || saved->size < size ||
        kind > PS_KIND_DELETE || !ps_row_is_well_formed(&to->layout, saved->data, size)) {
        return false;
    }
    waiting *last = NULL;
    if (open_last(merge, input, &last, err) != PS_OK) {
        return false;
    }
    ps_batch_builder_begin_row(&last->builder, kind, watermark, sequence);
    if (ps_row_decode(&to->layout, saved->data, &last->builder, 0, err) != PS_OK) {
        return false;
    }
    ps_batch_builder_end_row(&last->builder);
    *saved = ps_slice_of(saved->data + size, saved->size - size);
    merge->waiting_rows++;
    return true;
}

ps_code ps_merge_load(ps_merge *merge, ps_slice saved, ps_error *err)
{
    PS_ASSERT(merge->waiting_rows == 0);
    bool is_good = true;
    for (uint32_t i = 0; is_good && i < merge->options.input_count; i++) {
        merge_input *to = &merge->inputs[i];
        uint64_t row_count = 0;
        is_good = load_bytes(&saved, &to->watermark_after, 8) &&
                  load_bytes(&saved, &to->sequence_after, 8) && load_bytes(&saved, &row_count, 8);
        for (uint64_t row = 0; is_good && row < row_count; row++) {
            is_good = load_row(merge, i, &saved, err);
        }
    }
    is_good = is_good && load_bytes(&saved, &merge->watermark, 8) &&
              load_bytes(&saved, &merge->sequence, 8) && saved.size == 0;
    return is_good
               ? PS_OK
               : ps_error_set(err, PS_E_DAMAGED, "the waiting rows of a checkpoint are damaged");
}

void ps_merge_forget_watermarks(ps_merge *merge)
{
    for (uint32_t i = 0; i < merge->options.input_count; i++) {
        merge->inputs[i].watermark_after = PS_WATERMARK_NONE;
    }
    merge->watermark = PS_WATERMARK_NONE;
}
