#include "flow/outlet.h"

ps_code ps_outlet_init(ps_outlet *outlet, uint32_t column_count, const ps_type *const *types,
                       uint32_t capacity, ps_error *err)
{
    *outlet = (ps_outlet){
        .watermark = PS_WATERMARK_NONE,
        .pushed_watermark = PS_WATERMARK_NONE,
    };
    return ps_batch_builder_init(&outlet->builder, column_count, types, capacity, err);
}

void ps_outlet_release(ps_outlet *outlet)
{
    ps_batch_builder_release(&outlet->builder);
}

static int64_t held_back(const ps_outlet *outlet, int64_t watermark)
{
    if (watermark == PS_WATERMARK_NONE || watermark == PS_WATERMARK_END) {
        return watermark;
    }
    int64_t behind;
    if (__builtin_sub_overflow(watermark, outlet->hold_back_ms, &behind)) {
        return PS_WATERMARK_NONE;
    }
    return behind;
}

void ps_outlet_stamp(ps_outlet *outlet, int64_t watermark, uint64_t sequence)
{
    outlet->watermark = held_back(outlet, watermark);
    outlet->sequence = sequence;
}

static ps_code push(ps_outlet *outlet, const ps_batch *batch, ps_error *err)
{
    outlet->row_count += batch->row_count;
    outlet->pushed_watermark = batch->watermark_after;
    outlet->pushed_sequence = batch->sequence_after;
    return outlet->push(outlet->to, batch, err);
}

static ps_code push_gathered(ps_outlet *outlet, int64_t watermark_after, uint64_t sequence_after,
                             ps_error *err)
{
    ps_batch_builder *builder = &outlet->builder;
    builder->batch.watermark_after = watermark_after;
    builder->batch.sequence_after = sequence_after;
    ps_code code = push(outlet, &builder->batch, err);
    ps_batch_builder_reset(builder);
    return code;
}

ps_code ps_outlet_begin_row(ps_outlet *outlet, uint8_t kind, ps_error *err)
{
    if (ps_batch_builder_is_full(&outlet->builder)) {
        ps_code code = push_gathered(outlet, outlet->watermark, outlet->sequence, err);
        if (code != PS_OK) {
            return code;
        }
    }
    ps_batch_builder_begin_row(&outlet->builder, kind, outlet->watermark, outlet->sequence);
    return PS_OK;
}

ps_code ps_outlet_append(ps_outlet *outlet, const ps_batch *batch, uint32_t from, uint32_t to,
                         ps_error *err)
{
    while (from < to) {
        if (ps_batch_builder_is_full(&outlet->builder)) {
            ps_outlet_stamp_row(outlet, batch, from);
            ps_code code = push_gathered(outlet, outlet->watermark, outlet->sequence, err);
            if (code != PS_OK) {
                return code;
            }
        }
        uint32_t first = outlet->builder.batch.row_count;
        uint32_t taken;
        ps_code code = ps_batch_builder_append(&outlet->builder, batch, from, to, &taken, err);
        if (code != PS_OK) {
            return code;
        }
        for (uint32_t row = 0; outlet->hold_back_ms != 0 && row < taken; row++) {
            int64_t *watermark = &outlet->builder.batch.watermarks[first + row];
            *watermark = held_back(outlet, *watermark);
        }
        from += taken;
    }
    return PS_OK;
}

ps_code ps_outlet_pass(ps_outlet *outlet, const ps_batch *batch, ps_error *err)
{
    PS_ASSERT(outlet->hold_back_ms == 0);
    if (outlet->builder.batch.row_count > 0) {
        int64_t watermark = batch->row_count > 0 ? batch->watermarks[0] : batch->watermark_after;
        uint64_t sequence = batch->row_count > 0 ? batch->sequences[0] : batch->sequence_after;
        ps_code code = push_gathered(outlet, watermark, sequence, err);
        if (code != PS_OK) {
            return code;
        }
    }
    return push(outlet, batch, err);
}

ps_code ps_outlet_flush(ps_outlet *outlet, int64_t watermark_after, uint64_t sequence_after,
                        ps_error *err)
{
    int64_t watermark = held_back(outlet, watermark_after);
    if (outlet->builder.batch.row_count == 0 && watermark <= outlet->pushed_watermark &&
        sequence_after <= outlet->pushed_sequence) {
        return PS_OK;
    }
    watermark = watermark > outlet->pushed_watermark ? watermark : outlet->pushed_watermark;
    return push_gathered(outlet, watermark, sequence_after, err);
}
