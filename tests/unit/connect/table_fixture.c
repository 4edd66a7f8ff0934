#include "base/testing.h"

#include "connect/table_fixture.h"
#include "data/value.h"

void table_fixture_init(table_fixture *table, const char *name)
{
    *table = (table_fixture){0};
    table->info.name = ps_slice_text(name);
    table->info.physical.fields = table->fields;
    table->info.options = table->options;
    table->spec.table = &table->info;
    table->spec.leaves = table->leaves;
}

void table_fixture_add(table_fixture *table, const char *column, const ps_type *type)
{
    uint32_t index = table->info.physical.field_count++;
    assert_true(index < FIXTURE_COLUMNS_MAX);
    table->fields[index] = (ps_field){ps_slice_text(column), type};
    table->leaves[table->spec.leaf_count++] = (ps_leaf){.column = index, .type = type};
}

void table_fixture_set(table_fixture *table, const char *key, const char *value)
{
    assert_true(table->info.option_count < FIXTURE_OPTIONS_MAX);
    table->options[table->info.option_count++] =
        (ps_with_option){ps_slice_text(key), ps_slice_text(value)};
}

ps_source *table_fixture_open(const table_fixture *table, const ps_connector *connector,
                              const ps_connector_context *context)
{
    ps_source *source = NULL;
    ps_error err = {0};
    if (connector->open_source(&table->spec, context, &source, &err) != PS_OK) {
        fail_msg("%s", err.text);
    }
    return source;
}

int table_fixture_read(const table_fixture *table, ps_source *source, ps_buf *out)
{
    for (;;) {
        ps_batch batch = {0};
        int state = PS_SOURCE_END;
        ps_error err = {0};
        if (source->class->read(source, &batch, &state, &err) != PS_OK) {
            fail_msg("%s", err.text);
        }
        for (uint32_t row = 0; row < batch.row_count; row++) {
            for (uint32_t i = 0; i < table->spec.leaf_count; i++) {
                const ps_type *type = table->leaves[i].type;
                ps_value value = ps_column_value(&batch.columns[i], ps_type_phys(type), row);
                ps_buf_append_text(out, i > 0 ? "|" : "");
                ps_value_print(type, &value, PS_FORM_PLAIN, out);
            }
            ps_buf_append_char(out, '\n');
        }
        if (state != PS_SOURCE_MORE) {
            return state;
        }
    }
}

const char *table_fixture_refusal(const table_fixture *table, const ps_connector *connector)
{
    static ps_error err;
    ps_table_traits traits;
    err = (ps_error){0};
    return connector->traits(&table->info, &traits, &err) == PS_OK ? "" : err.text;
}
