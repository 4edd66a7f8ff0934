#include "flow/join_keys.h"

static bool is_null_safe(const ps_join_on *on, uint32_t key)
{
    return on->null_safe != NULL && on->null_safe[key];
}

bool ps_join_has_null_key(const ps_join_on *on, uint32_t side, const ps_batch *batch, uint32_t row)
{
    ps_columns keys = ps_join_keys(on, side);
    for (uint32_t i = 0; i < keys.count; i++) {
        if (ps_column_is_null(&batch->columns[keys.columns[i]], row) && !is_null_safe(on, i)) {
            return true;
        }
    }
    return false;
}

bool ps_join_kept_has_null_key(const ps_join_on *on, uint32_t side, const ps_kept_rows *rows,
                               uint32_t ref)
{
    ps_columns keys = ps_join_keys(on, side);
    for (uint32_t i = 0; i < keys.count; i++) {
        if (ps_kept_row_get(rows, ref, keys.columns[i]).is_null && !is_null_safe(on, i)) {
            return true;
        }
    }
    return false;
}
