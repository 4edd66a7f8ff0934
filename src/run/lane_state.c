/* A lane's part of a checkpoint. Per node, in order of id:
 *
 *   all        i64 outlet's pushed watermark, u64 pushed sequence
 *   SOURCE     u64 rows read, slice position (empty for VALUES, whose rows read say enough)
 *   SINK       slice prepared
 *   operators  i64 watermark, i64 due, u64 last sequence, u64 late rows, slice of the merge (empty:
 *              none), u64 number of regions, u64 size of each
 *
 * then, behind that part of all lanes, the regions' bytes in any order: u64 node, u64 region, u64
 * offset, slice; a node of 2^64−1 ends. The first part is written at the barrier; the regions are
 * frozen there and handed out chunk by chunk while the lane goes on (base/region.h). Only the first
 * lane has sources and sinks: the others' positions and prepared slices are empty.
 */
#include <string.h>

#include "run/lane.h"

enum { POSITION_SIZE_MAX = 1 << 20 };

static bool is_source(const ps_instance *at)
{
    return at->node->kind == PS_NODE_SOURCE || at->node->kind == PS_NODE_VALUES;
}

/* ── saving ── */

static ps_code save_source(ps_instance *at, ps_checkpoint_writer *writer, ps_error *err)
{
    ps_checkpoint_put_u64(writer, at->sequence);
    ps_buf position;
    ps_buf_init(&position, POSITION_SIZE_MAX);
    ps_code code = PS_OK;
    if (at->source != NULL) {
        code = at->source->class->position(at->source, &position, err);
    }
    if (code == PS_OK && position.failed) {
        code = ps_error_set(err, PS_E_MEMORY, "no memory for a source's position");
    }
    ps_checkpoint_put_slice(writer, ps_buf_slice(&position));
    ps_buf_release(&position);
    return code;
}

static ps_code save_sink(ps_instance *at, ps_checkpoint_writer *writer, ps_error *err)
{
    ps_buf_clear(&at->prepared);
    ps_code code = PS_OK;
    if (at->sink != NULL) {
        code = at->sink->class->prepare(at->sink, &at->prepared, err);
    }
    if (code == PS_OK && at->prepared.failed) {
        code = ps_error_set(err, PS_E_MEMORY, "no memory for what a sink has prepared");
    }
    ps_checkpoint_put_slice(writer, ps_buf_slice(&at->prepared));
    return code;
}

static ps_code save_merge(const ps_instance *at, ps_checkpoint_writer *writer, ps_error *err)
{
    ps_buf saved;
    ps_buf_init(&saved, UINT32_MAX);
    ps_code code = at->merge != NULL ? ps_merge_save(at->merge, &saved, err) : PS_OK;
    ps_checkpoint_put_slice(writer, ps_buf_slice(&saved));
    ps_buf_release(&saved);
    return code;
}

static ps_code save_operator(ps_instance *at, ps_checkpoint_writer *writer, ps_error *err)
{
    ps_operator_mark mark = {
        .watermark = at->op->watermark,
        .due = at->op->due,
        .last_sequence = at->op->last_sequence,
        .late_row_count = at->op->late_row_count,
    };
    ps_checkpoint_put(writer, &mark, sizeof(mark));
    ps_code code = save_merge(at, writer, err);
    uint32_t count = ps_store_region_count(at->store);
    ps_checkpoint_put_u64(writer, count);
    for (uint32_t i = 0; i < count; i++) {
        ps_region *region = ps_store_region_at(at->store, i);
        ps_checkpoint_put_u64(writer, region->size);
        ps_region_freeze(region);
    }
    return code;
}

ps_code ps_lane_save_begin(ps_lane *lane, ps_checkpoint_writer *writer, ps_error *err)
{
    lane->save_node = 0;
    lane->save_region = 0;
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < lane->instance_count; i++) {
        ps_instance *at = &lane->instances[i];
        ps_checkpoint_put_u64(writer, (uint64_t)at->outlet.pushed_watermark);
        ps_checkpoint_put_u64(writer, at->outlet.pushed_sequence);
        if (is_source(at)) {
            code = save_source(at, writer, err);
        } else if (at->op != NULL) {
            code = save_operator(at, writer, err);
        } else {
            code = save_sink(at, writer, err);
        }
    }
    return code;
}

bool ps_lane_save_more(ps_lane *lane, ps_checkpoint_writer *writer, uint32_t chunks_max)
{
    static const uint64_t end_mark = UINT64_MAX;
    char chunk[PS_REGION_CHUNK];
    while (lane->save_node < lane->instance_count) {
        ps_store *store = lane->instances[lane->save_node].store;
        if (store == NULL || lane->save_region == ps_store_region_count(store)) {
            lane->save_node++;
            lane->save_region = 0;
            continue;
        }
        if (chunks_max == 0) {
            return false;
        }
        ps_region *region = ps_store_region_at(store, lane->save_region);
        uint64_t offset;
        uint32_t size;
        if (!ps_region_next_chunk(region, chunk, &offset, &size)) {
            ps_region_thaw(region);
            lane->save_region++;
            continue;
        }
        ps_checkpoint_put_u64(writer, lane->save_node);
        ps_checkpoint_put_u64(writer, lane->save_region);
        ps_checkpoint_put_u64(writer, offset);
        ps_checkpoint_put_slice(writer, ps_slice_of(chunk, size));
        chunks_max--;
    }
    ps_checkpoint_put_u64(writer, end_mark);
    return true;
}

void ps_lane_save_abort(ps_lane *lane)
{
    for (uint32_t i = 0; i < lane->instance_count; i++) {
        ps_store *store = lane->instances[i].store;
        for (uint32_t k = 0; store != NULL && k < ps_store_region_count(store); k++) {
            ps_region *region = ps_store_region_at(store, k);
            if (region->frozen) {
                ps_region_thaw(region);
            }
        }
    }
}

/* ── loading ── */

/* Event time begins anew, while timers and state stay. */
void ps_lane_forget_time(ps_instance *at)
{
    at->op->watermark = PS_WATERMARK_NONE;
    at->outlet.pushed_watermark = PS_WATERMARK_NONE;
    at->outlet.pushed_sequence = 0;
    if (at->merge != NULL) {
        ps_merge_forget_watermarks(at->merge);
    }
    if (at->node->kind == PS_NODE_WATERMARK) {
        ps_region *root = ps_store_region_at(at->store, 0); /* all that it remembers */
        ps_region_touch(root, root->data, root->size);
        memset(root->data, 0, root->size);
    }
}

/* Makes a region as large as it was; what the operator's constructor has made is overwritten. */
static ps_code load_region_size(ps_instance *at, uint32_t index, ps_checkpoint_reader *reader,
                                ps_error *err)
{
    ps_region *region = ps_store_region_at(at->store, index);
    uint64_t size = ps_checkpoint_get_u64(reader);
    if (reader->failed || size > reader->size || size < region->size) {
        reader->failed = true;
        return PS_OK;
    }
    void *added;
    return size > region->size
               ? ps_store_extend(at->store, region, size - region->size, &added, err)
               : PS_OK;
}

/* The regions' bytes, up to the end mark. */
static void load_chunks(ps_lane *lane, ps_checkpoint_reader *reader)
{
    for (;;) {
        uint64_t node = ps_checkpoint_get_u64(reader);
        if (reader->failed || node == UINT64_MAX) {
            return;
        }
        uint64_t index = ps_checkpoint_get_u64(reader);
        uint64_t offset = ps_checkpoint_get_u64(reader);
        ps_slice bytes = ps_checkpoint_get_slice(reader);
        ps_store *store = node < lane->instance_count ? lane->instances[node].store : NULL;
        ps_region *region = store != NULL && index < ps_store_region_count(store)
                                ? ps_store_region_at(store, (uint32_t)index)
                                : NULL;
        if (reader->failed || region == NULL || offset > region->size ||
            bytes.size > region->size - offset) {
            reader->failed = true;
            return;
        }
        if (bytes.size > 0) {
            memcpy(region->data + offset, bytes.data, bytes.size);
        }
    }
}

static ps_code load_operator(ps_instance *at, ps_checkpoint_reader *reader, ps_error *err)
{
    ps_operator_mark mark;
    ps_checkpoint_get(reader, &mark, sizeof(mark));
    ps_slice merge = ps_checkpoint_get_slice(reader);
    uint64_t count = ps_checkpoint_get_u64(reader);
    if (reader->failed || count != ps_store_region_count(at->store) ||
        (merge.size > 0) != (at->merge != NULL)) {
        reader->failed = true;
        return PS_OK;
    }
    ps_code code = at->merge != NULL ? ps_merge_load(at->merge, merge, err) : PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < count; i++) {
        code = load_region_size(at, i, reader, err);
    }
    at->op->watermark = mark.watermark;
    at->op->due = mark.due;
    at->op->last_sequence = mark.last_sequence;
    at->op->late_row_count = mark.late_row_count;
    return code;
}

/* When the state is back. */
static ps_code wake_operator(ps_instance *at, ps_error *err)
{
    if (at->op == NULL) {
        return PS_OK;
    }
    ps_code code = at->op->class->restored != NULL ? at->op->class->restored(at->op, err) : PS_OK;
    if (at->lane->options->forget_watermarks) {
        ps_lane_forget_time(at);
    }
    return code;
}

static ps_code load_source(ps_instance *at, ps_checkpoint_reader *reader, ps_error *err)
{
    at->sequence = ps_checkpoint_get_u64(reader);
    ps_slice position = ps_checkpoint_get_slice(reader);
    if (at->source == NULL) {
        at->has_ended = at->sequence > 0;
        return PS_OK;
    }
    if (at->is_side_input) {
        at->sequence = 0; /* a lookup table is read again */
        return PS_OK;
    }
    return reader->failed ? PS_OK : at->source->class->seek(at->source, position, err);
}

/* What was prepared becomes visible (again), what came later goes. */
static ps_code load_sink(ps_instance *at, ps_checkpoint_reader *reader, ps_error *err)
{
    ps_slice prepared = ps_checkpoint_get_slice(reader);
    if (at->sink == NULL || reader->failed) {
        return PS_OK;
    }
    ps_code code = at->sink->class->commit(at->sink, prepared, err);
    return code == PS_OK ? at->sink->class->abort_after(at->sink, prepared, err) : code;
}

ps_code ps_lane_load(ps_lane *lane, ps_checkpoint_reader *reader, ps_error *err)
{
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < lane->instance_count; i++) {
        ps_instance *at = &lane->instances[i];
        at->outlet.pushed_watermark = (int64_t)ps_checkpoint_get_u64(reader);
        at->outlet.pushed_sequence = ps_checkpoint_get_u64(reader);
        if (is_source(at)) {
            code = load_source(at, reader, err);
        } else if (at->op != NULL) {
            code = load_operator(at, reader, err);
        } else {
            code = load_sink(at, reader, err);
        }
    }
    return code;
}

ps_code ps_lane_load_state(ps_lane *lane, ps_checkpoint_reader *reader, ps_error *err)
{
    ps_code code = PS_OK;
    if (!reader->failed) {
        load_chunks(lane, reader);
    }
    for (uint32_t i = 0; code == PS_OK && !reader->failed && i < lane->instance_count; i++) {
        code = wake_operator(&lane->instances[i], err);
    }
    if (code == PS_OK && reader->failed) {
        code = ps_error_set(err, PS_E_DAMAGED,
                            "the state in the checkpoint does not have the shape of this plan");
    }
    return code;
}

ps_code ps_lane_start_anew(ps_lane *lane, ps_error *err)
{
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < lane->instance_count; i++) {
        ps_sink *sink = lane->instances[i].sink;
        code = sink != NULL ? sink->class->abort_after(sink, ps_slice_of("", 0), err) : PS_OK;
    }
    return code;
}

ps_code ps_lane_commit(ps_lane *lane, ps_error *err)
{
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < lane->instance_count; i++) {
        ps_instance *at = &lane->instances[i];
        if (at->sink != NULL) {
            code = at->sink->class->commit(at->sink, ps_buf_slice(&at->prepared), err);
        }
    }
    return code;
}

ps_code ps_lane_finish(ps_lane *lane, ps_error *err)
{
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < lane->instance_count; i++) {
        ps_sink *sink = lane->instances[i].sink;
        code = sink != NULL ? sink->class->finish(sink, err) : PS_OK;
    }
    return code;
}
