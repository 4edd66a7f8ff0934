#include "flow/join_pairs.h"

static ps_code no_memory(ps_error *err)
{
    return ps_error_set(err, PS_E_MEMORY, "no memory for the pairs of a join");
}

static void mark_read(uint32_t column, void *with)
{
    ((bool *)with)[column] = true;
}

static ps_code open_condition(ps_join_pairs *pairs, const ps_node *node, const ps_expr *condition,
                              const ps_operator_context *context, ps_error *err)
{
    const ps_schema *left = &node->inputs[0]->schema, *right = &node->inputs[1]->schema;
    ps_arena *arena = context->arena;
    ps_batch *view = &pairs->view;
    view->column_count = left->field_count + right->field_count;
    view->columns = ps_arena_take(arena, view->column_count * sizeof *view->columns);
    view->watermarks = ps_arena_take(arena, PS_BATCH_ROWS * sizeof *view->watermarks);
    view->sequences = ps_arena_take(arena, PS_BATCH_ROWS * sizeof *view->sequences);
    pairs->is_read = ps_arena_take(arena, view->column_count * sizeof(bool));
    if (view->columns == NULL || view->watermarks == NULL || view->sequences == NULL ||
        pairs->is_read == NULL) {
        return no_memory(err);
    }
    memset(pairs->is_read, 0, view->column_count * sizeof(bool));
    memset(view->watermarks, 0, PS_BATCH_ROWS * sizeof *view->watermarks);
    memset(view->sequences, 0, PS_BATCH_ROWS * sizeof *view->sequences);
    ps_expr_columns(condition, mark_read, pairs->is_read);
    ps_code code = ps_join_columns_init(&pairs->sides[0], left, view->columns, arena, err);
    if (code == PS_OK) {
        code = ps_join_columns_init(&pairs->sides[1], right, view->columns + left->field_count,
                                    arena, err);
    }
    return code == PS_OK
               ? ps_program_new(context->expressions, 1, &condition, &pairs->condition, err)
               : code;
}

ps_code ps_join_pairs_init(ps_join_pairs *pairs, const ps_node *node, const ps_join_on *on,
                           const ps_operator_context *context, ps_error *err)
{
    *pairs = (ps_join_pairs){.clock = context->clock};
    pairs->refs = ps_arena_take(context->arena, PS_BATCH_ROWS * sizeof *pairs->refs);
    pairs->selection = ps_arena_take(context->arena, PS_BATCH_ROWS * sizeof *pairs->selection);
    if (pairs->refs == NULL || pairs->selection == NULL) {
        return no_memory(err);
    }
    return on->condition != NULL ? open_condition(pairs, node, on->condition, context, err) : PS_OK;
}

void ps_join_pairs_release(ps_join_pairs *pairs)
{
    ps_program_free(pairs->condition);
}

ps_code ps_join_pairs_match(ps_join_pairs *pairs, uint32_t *out_count, ps_error *err)
{
    uint32_t count = pairs->view.row_count;
    if (count == 0 || pairs->condition == NULL) {
        for (uint32_t i = 0; i < count; i++) {
            pairs->selection[i] = i;
        }
        *out_count = count;
        return PS_OK;
    }
    ps_join_columns_fill(&pairs->sides[0], count, pairs->is_read);
    ps_join_columns_fill(&pairs->sides[1], count,
                         pairs->is_read + pairs->sides[0].layout.field_count);
    uint32_t bad_row;
    return ps_program_filter(pairs->condition,
                             &(ps_program_rows){&pairs->view, 0, count, pairs->clock},
                             pairs->selection, out_count, &bad_row, err);
}

void ps_join_pairs_reset(ps_join_pairs *pairs)
{
    pairs->view.row_count = 0;
    ps_join_columns_reset(&pairs->sides[0]);
    ps_join_columns_reset(&pairs->sides[1]);
}
