#include "flow/join_pairs.h"

ps_code ps_join_pairs_init(ps_join_pairs *pairs, const ps_node *node, const ps_join_on *on,
                           const ps_operator_context *context, ps_error *err)
{
    const ps_schema *left = &node->inputs[0]->schema, *right = &node->inputs[1]->schema;
    *pairs = (ps_join_pairs){
        .clock = context->clock,
        .left_count = left->field_count,
        .right_count = right->field_count,
    };
    uint32_t count = left->field_count + right->field_count;
    const ps_type **types = ps_arena_take(context->arena, count * sizeof *types);
    pairs->refs = ps_arena_take(context->arena, PS_BATCH_ROWS * sizeof *pairs->refs);
    pairs->selection = ps_arena_take(context->arena, PS_BATCH_ROWS * sizeof *pairs->selection);
    if (types == NULL || pairs->refs == NULL || pairs->selection == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a join");
    }
    for (uint32_t i = 0; i < count; i++) {
        types[i] = i < left->field_count ? left->fields[i].type
                                         : right->fields[i - left->field_count].type;
    }
    ps_code code = ps_batch_builder_init(&pairs->builder, count, types, PS_BATCH_ROWS, err);
    if (code == PS_OK && on->condition != NULL) {
        code = ps_program_new(context->expressions, 1, &on->condition, &pairs->condition, err);
    }
    return code;
}

void ps_join_pairs_release(ps_join_pairs *pairs)
{
    ps_program_free(pairs->condition);
    ps_batch_builder_release(&pairs->builder);
}

bool ps_join_has_null_key(const ps_join_on *on, uint32_t side, const ps_batch *batch, uint32_t row)
{
    const ps_columns *keys = side == 0 ? &on->left_keys : &on->right_keys;
    for (uint32_t i = 0; i < keys->count; i++) {
        bool is_null_safe = on->null_safe != NULL && on->null_safe[i];
        if (!is_null_safe && ps_column_is_null(&batch->columns[keys->columns[i]], row)) {
            return true;
        }
    }
    return false;
}

static ps_code copy_side(ps_batch_builder *builder, uint32_t first_column, uint32_t count,
                         const ps_join_row *from, ps_error *err)
{
    if (from->batch == NULL) {
        return ps_row_decode(&from->rows->layout, ps_kept_row_code(from->rows, from->ref), builder,
                             first_column, err);
    }
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < count; i++) {
        code = ps_batch_builder_copy(builder, first_column + i, &from->batch->columns[i], from->row,
                                     err);
    }
    return code;
}

ps_code ps_join_pairs_add(ps_join_pairs *pairs, const ps_join_row *left, const ps_join_row *right,
                          uint32_t ref, ps_error *err)
{
    uint32_t row = pairs->builder.batch.row_count;
    pairs->refs[row] = ref;
    ps_batch_builder_begin_row(&pairs->builder, PS_KIND_INSERT, PS_WATERMARK_NONE, row);
    ps_code code = PS_OK;
    if (pairs->condition != NULL) {
        code = copy_side(&pairs->builder, 0, pairs->left_count, left, err);
        code = code == PS_OK
                   ? copy_side(&pairs->builder, pairs->left_count, pairs->right_count, right, err)
                   : code;
    }
    if (code == PS_OK) {
        ps_batch_builder_end_row(&pairs->builder);
    }
    return code;
}

ps_code ps_join_pairs_match(ps_join_pairs *pairs, uint32_t *out_count, ps_error *err)
{
    uint32_t count = pairs->builder.batch.row_count;
    if (pairs->condition == NULL) {
        for (uint32_t i = 0; i < count; i++) {
            pairs->selection[i] = i;
        }
        *out_count = count;
        return PS_OK;
    }
    uint32_t bad_row;
    return ps_program_filter(pairs->condition,
                             &(ps_program_rows){&pairs->builder.batch, 0, count, pairs->clock},
                             pairs->selection, out_count, &bad_row, err);
}

void ps_join_pairs_reset(ps_join_pairs *pairs)
{
    ps_batch_builder_reset(&pairs->builder);
}

ps_code ps_join_send(ps_outlet *outlet, uint8_t kind, uint32_t left_count, const ps_join_row *left,
                     const ps_join_row *right, ps_error *err)
{
    uint32_t right_count = outlet->builder.batch.column_count - left_count;
    ps_code code = ps_outlet_begin_row(outlet, kind, err);
    if (code == PS_OK && left != NULL) {
        code = copy_side(&outlet->builder, 0, left_count, left, err);
    }
    if (code == PS_OK && right != NULL && right_count > 0) {
        code = copy_side(&outlet->builder, left_count, right_count, right, err);
    }
    if (code == PS_OK) {
        ps_outlet_end_row(outlet);
    }
    return code;
}
