/* A lane's part of a checkpoint. Per node, in order of id:
 *
 *   all        i64 outlet's pushed watermark, u64 pushed sequence
 *   SOURCE     u64 rows read, slice position (empty for VALUES, whose rows read say enough)
 *   SINK       slice prepared
 *   operators  i64 watermark, i64 due, u64 last sequence, u64 late rows, slice of the merge (empty:
 *              none), u64 number of regions; per region u64 size and its bytes
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
        const ps_region *region = ps_store_region_at(at->store, i);
        ps_checkpoint_put_u64(writer, region->size);
        ps_checkpoint_put(writer, region->data, region->size);
    }
    return code;
}

ps_code ps_lane_save(ps_lane *lane, ps_checkpoint_writer *writer, ps_error *err)
{
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

/* ── loading ── */

static ps_code load_region(ps_instance *at, uint32_t index, ps_checkpoint_reader *reader,
                           ps_error *err)
{
    ps_region *region = ps_store_region_at(at->store, index);
    uint64_t size = ps_checkpoint_get_u64(reader);
    if (reader->failed || size > reader->size - reader->at || size < region->size) {
        reader->failed = true;
        return PS_OK;
    }
    /* what the operator's constructor has made is overwritten */
    void *added;
    ps_code code = PS_OK;
    if (size > region->size) {
        code = ps_store_extend(at->store, region, size - region->size, &added, err);
    }
    if (code == PS_OK) {
        ps_checkpoint_get(reader, region->data, size);
    }
    return code;
}

/* Event time begins anew, while timers and state stay. */
static void forget_watermarks(ps_instance *at)
{
    at->op->watermark = PS_WATERMARK_NONE;
    at->outlet.pushed_watermark = PS_WATERMARK_NONE;
    if (at->merge != NULL) {
        ps_merge_forget_watermarks(at->merge);
    }
    if (at->node->kind == PS_NODE_WATERMARK) {
        ps_region *root = ps_store_region_at(at->store, 0); /* all that it remembers */
        memset(root->data, 0, root->size);
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
        code = load_region(at, i, reader, err);
    }
    at->op->watermark = mark.watermark;
    at->op->due = mark.due;
    at->op->last_sequence = mark.last_sequence;
    at->op->late_row_count = mark.late_row_count;
    if (code == PS_OK && at->op->class->restored != NULL) {
        code = at->op->class->restored(at->op, err);
    }
    if (at->lane->options->forget_watermarks) {
        forget_watermarks(at);
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
