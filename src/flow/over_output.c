#include "flow/over_output.h"

#include "flow/one_row.h"

/* Fewer rows are copied into the outlet's batch rather than pushed as one of their own. */
enum { PASS_ROWS_MIN = 32 };
static const size_t texts_size_max = (size_t)1 << 32;

static ps_code no_memory(ps_error *err)
{
    return ps_error_set(err, PS_E_MEMORY, "no memory for the output of OVER");
}

static ps_code open_results(ps_over_output *output, const ps_schema *schema, ps_arena *arena,
                            ps_error *err)
{
    uint32_t first = output->rows->column_count;
    output->result_count = schema->field_count - first;
    ps_phys *classes = ps_arena_take(arena, output->result_count * sizeof *classes);
    if (classes == NULL) {
        return no_memory(err);
    }
    for (uint32_t i = 0; i < output->result_count; i++) {
        ps_column *column = &output->view.columns[first + i];
        classes[i] = ps_type_phys(schema->fields[first + i].type);
        column->values = ps_arena_take(arena, PS_BATCH_ROWS * (size_t)ps_phys_size(classes[i]));
        column->valid = ps_arena_take(arena, ps_valid_words(PS_BATCH_ROWS) * sizeof(uint64_t));
        if (column->values == NULL || column->valid == NULL) {
            return no_memory(err);
        }
    }
    output->classes = classes;
    return PS_OK;
}

ps_code ps_over_output_init(ps_over_output *output, ps_kept_rows *rows, const ps_schema *input,
                            const ps_schema *schema, ps_outlet *outlet, ps_arena *arena,
                            ps_error *err)
{
    *output = (ps_over_output){.outlet = outlet, .rows = rows};
    ps_arena_init(&output->texts, texts_size_max);
    ps_batch *view = &output->view;
    view->column_count = schema->field_count;
    view->columns = ps_arena_take(arena, view->column_count * sizeof *view->columns);
    view->watermarks = ps_arena_take(arena, PS_BATCH_ROWS * sizeof *view->watermarks);
    view->sequences = ps_arena_take(arena, PS_BATCH_ROWS * sizeof *view->sequences);
    output->refs = ps_arena_take(arena, PS_BATCH_ROWS * sizeof *output->refs);
    if (view->columns == NULL || view->watermarks == NULL || view->sequences == NULL ||
        output->refs == NULL) {
        return no_memory(err);
    }
    ps_code code = ps_join_columns_init(&output->input, input, view->columns, arena, err);
    return code == PS_OK ? open_results(output, schema, arena, err) : code;
}

void ps_over_output_release(ps_over_output *output)
{
    ps_arena_release(&output->texts);
}

ps_code ps_over_output_add(ps_over_output *output, uint32_t ref, const ps_value *results,
                           ps_error *err)
{
    ps_batch *view = &output->view;
    if (view->row_count == PS_BATCH_ROWS) {
        ps_code code = ps_over_output_flush(output, err);
        if (code != PS_OK) {
            return code;
        }
    }
    uint32_t row = view->row_count++;
    view->watermarks[row] = output->outlet->watermark;
    view->sequences[row] = output->outlet->sequence;
    output->refs[row] = ref;
    ps_join_row kept = ps_join_kept_row(output->rows, ref);
    ps_join_columns_set(&output->input, row, &kept);
    for (uint32_t i = 0; i < output->result_count; i++) {
        ps_value value = results[i];
        if (output->classes[i] == PS_PHYS_TEXT && !value.is_null) {
            value.text.data = ps_arena_copy(&output->texts, value.text.data, value.text.size);
            if (value.text.data == NULL) {
                return no_memory(err);
            }
        }
        ps_column *column = &view->columns[output->rows->column_count + i];
        ps_column_put(column, row, output->classes[i], value);
    }
    return PS_OK;
}

static ps_code push(ps_over_output *output, ps_error *err)
{
    ps_outlet *outlet = output->outlet;
    ps_batch *view = &output->view;
    ps_join_columns_fill(&output->input, view->row_count, NULL);
    view->watermark_after = outlet->watermark;
    view->sequence_after = outlet->sequence;
    if (view->row_count >= PASS_ROWS_MIN) {
        return ps_outlet_pass(outlet, view, err);
    }
    ps_code code = ps_outlet_append(outlet, view, 0, view->row_count, err);
    outlet->watermark = view->watermark_after; /* append may have moved the stamp */
    outlet->sequence = view->sequence_after;
    return code;
}

ps_code ps_over_output_flush(ps_over_output *output, ps_error *err)
{
    ps_batch *view = &output->view;
    ps_code code = view->row_count > 0 ? push(output, err) : PS_OK;
    for (uint32_t i = 0; i < view->row_count; i++) {
        ps_kept_rows_drop(output->rows, output->refs[i]);
    }
    view->row_count = 0;
    ps_join_columns_reset(&output->input);
    ps_arena_reset(&output->texts);
    return code;
}
