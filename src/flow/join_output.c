#include "flow/join_output.h"

/* Fewer rows are copied into the outlet's batch rather than pushed as one of their own. */
enum { PASS_ROWS_MIN = 32 };

static ps_code no_memory(ps_error *err)
{
    return ps_error_set(err, PS_E_MEMORY, "no memory for the output of a join");
}

static void mark_read(uint32_t column, void *with)
{
    ((bool *)with)[column] = true;
}

static ps_code open_condition(ps_join_output *output, const ps_expr *condition,
                              const ps_operator_context *context, ps_error *err)
{
    output->is_read = ps_arena_take(context->arena, output->view.column_count * sizeof(bool));
    if (output->is_read == NULL) {
        return no_memory(err);
    }
    memset(output->is_read, 0, output->view.column_count * sizeof(bool));
    ps_expr_columns(condition, mark_read, output->is_read);
    return ps_program_new(context->expressions, 1, &condition, &output->condition, err);
}

ps_code ps_join_output_init(ps_join_output *output, const ps_node *node, const ps_join_on *on,
                            const ps_expr *condition, const ps_operator_context *context,
                            ps_error *err)
{
    const ps_schema *left = &node->inputs[0]->schema, *right = &node->inputs[1]->schema;
    ps_arena *arena = context->arena;
    *output = (ps_join_output){
        .outlet = context->outlet,
        .clock = context->clock,
        .is_left_only = on->kind == PS_JOIN_SEMI || on->kind == PS_JOIN_ANTI,
    };
    ps_batch *view = &output->view;
    view->column_count = left->field_count + (output->is_left_only ? 0 : right->field_count);
    view->columns = ps_arena_take(arena, view->column_count * sizeof *view->columns);
    view->kinds = ps_arena_take(arena, PS_BATCH_ROWS);
    view->watermarks = ps_arena_take(arena, PS_BATCH_ROWS * sizeof *view->watermarks);
    view->sequences = ps_arena_take(arena, PS_BATCH_ROWS * sizeof *view->sequences);
    output->selection = ps_arena_take(arena, PS_BATCH_ROWS * sizeof *output->selection);
    output->dropped = ps_arena_take(arena, PS_BATCH_ROWS * sizeof *output->dropped);
    if (view->columns == NULL || view->kinds == NULL || view->watermarks == NULL ||
        view->sequences == NULL || output->selection == NULL || output->dropped == NULL) {
        return no_memory(err);
    }
    ps_code code = ps_join_columns_init(&output->sides[0], left, view->columns, arena, err);
    if (code == PS_OK && !output->is_left_only) {
        code = ps_join_columns_init(&output->sides[1], right, view->columns + left->field_count,
                                    arena, err);
    }
    return code == PS_OK && condition != NULL ? open_condition(output, condition, context, err)
                                              : code;
}

void ps_join_output_release(ps_join_output *output)
{
    ps_program_free(output->condition);
}

/* ── flush ── */

static void fill(ps_join_output *output, const bool *wanted)
{
    uint32_t count = output->view.row_count;
    ps_join_columns *sides = output->sides;
    ps_join_columns_fill(&sides[0], count, wanted);
    if (!output->is_left_only) {
        ps_join_columns_fill(&sides[1], count,
                             wanted != NULL ? wanted + sides[0].layout.field_count : NULL);
    }
}

/* Of the candidates only those that satisfy the condition stay. */
static ps_code judge(ps_join_output *output, ps_error *err)
{
    ps_batch *view = &output->view;
    uint32_t count, bad_row = 0;
    fill(output, output->is_read);
    ps_code code = ps_program_filter(output->condition,
                                     &(ps_program_rows){view, 0, view->row_count, output->clock},
                                     output->selection, &count, &bad_row, err);
    if (code != PS_OK) {
        ps_error cause = *err;
        return ps_error_set(err, cause.code, "%s (row %llu of the source)", cause.text,
                            (unsigned long long)view->sequences[bad_row] + 1);
    }
    if (count == view->row_count) {
        return PS_OK;
    }
    for (uint32_t i = 0; i < count; i++) {
        view->kinds[i] = view->kinds[output->selection[i]];
        view->watermarks[i] = view->watermarks[output->selection[i]];
        view->sequences[i] = view->sequences[output->selection[i]];
    }
    ps_join_columns_select(&output->sides[0], output->selection, count);
    if (!output->is_left_only) {
        ps_join_columns_select(&output->sides[1], output->selection, count);
    }
    view->row_count = count;
    return PS_OK;
}

static ps_code push(ps_join_output *output, ps_error *err)
{
    ps_outlet *outlet = output->outlet;
    ps_batch view = output->view;
    if (view.row_count == 0) {
        return PS_OK;
    }
    fill(output, NULL);
    view.kinds = output->has_changes ? view.kinds : NULL;
    view.watermark_after = outlet->watermark;
    view.sequence_after = outlet->sequence;
    if (outlet->hold_back_ms == 0 && view.row_count >= PASS_ROWS_MIN) {
        return ps_outlet_pass(outlet, &view, err);
    }
    ps_code code = ps_outlet_append(outlet, &view, 0, view.row_count, err);
    outlet->watermark = view.watermark_after; /* append may have moved the stamp */
    outlet->sequence = view.sequence_after;
    return code;
}

ps_code ps_join_output_flush(ps_join_output *output, ps_error *err)
{
    ps_code code = PS_OK;
    if (output->view.row_count > 0) {
        code = output->condition != NULL ? judge(output, err) : PS_OK;
        code = code == PS_OK ? push(output, err) : code;
        output->view.row_count = 0;
        output->has_changes = false;
        ps_join_columns_reset(&output->sides[0]);
        ps_join_columns_reset(&output->sides[1]);
    }
    for (uint32_t i = 0; i < output->drop_count; i++) {
        ps_kept_rows_drop(output->dropped[i].rows, output->dropped[i].ref);
    }
    output->drop_count = 0;
    return code;
}

/* ── add ── */

/* The stamp without what the outlet holds back, which it does to every row that is appended. */
static int64_t operator_watermark(const ps_outlet *outlet)
{
    int64_t watermark = outlet->watermark;
    bool is_time = watermark != PS_WATERMARK_NONE && watermark != PS_WATERMARK_END;
    return is_time ? watermark + outlet->hold_back_ms : watermark;
}

ps_code ps_join_output_add(ps_join_output *output, uint8_t kind, const ps_join_row *left,
                           const ps_join_row *right, ps_error *err)
{
    ps_batch *view = &output->view;
    if (view->row_count == PS_BATCH_ROWS) {
        ps_code code = ps_join_output_flush(output, err);
        if (code != PS_OK) {
            return code;
        }
    }
    uint32_t row = view->row_count++;
    view->kinds[row] = kind;
    view->watermarks[row] = operator_watermark(output->outlet);
    view->sequences[row] = output->outlet->sequence;
    output->has_changes = output->has_changes || kind != PS_KIND_INSERT;
    ps_join_columns_set(&output->sides[0], row, left);
    if (!output->is_left_only) {
        ps_join_columns_set(&output->sides[1], row, right);
    }
    return PS_OK;
}

ps_code ps_join_output_drop(ps_join_output *output, ps_kept_rows *rows, uint32_t ref, ps_error *err)
{
    if (output->view.row_count == 0) {
        ps_kept_rows_drop(rows, ref);
        return PS_OK;
    }
    ps_code code = PS_OK;
    if (output->drop_count == PS_BATCH_ROWS) {
        code = ps_join_output_flush(output, err);
    }
    output->dropped[output->drop_count++] = (struct ps_join_dropped){rows, ref};
    return code;
}
