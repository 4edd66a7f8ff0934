#include "flow/one_row.h"

ps_code ps_one_row_init(ps_one_row *one, ps_arena *arena, uint32_t column_count, ps_error *err)
{
    ps_i128 *values = ps_arena_take(arena, column_count * sizeof *values);
    ps_column *columns = ps_arena_take(arena, column_count * sizeof *columns);
    *one = (ps_one_row){.valid = ps_arena_take(arena, column_count * sizeof(uint64_t))};
    if (values == NULL || columns == NULL || one->valid == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a row of %u columns", column_count);
    }
    for (uint32_t i = 0; i < column_count; i++) {
        columns[i].values = &values[i];
        columns[i].valid = &one->valid[i];
    }
    one->batch = (ps_batch){
        .row_count = 1,
        .column_count = column_count,
        .columns = columns,
        .watermarks = &one->watermark,
        .sequences = &one->sequence,
    };
    return PS_OK;
}
