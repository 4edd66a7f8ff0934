/* INSERT: a query's columns put into those of a table. */
#include "sql/bind_ddl.h"

static ps_slice name_slice(const ps_ast_name *name)
{
    return ps_slice_of(name->text, name->size);
}

static uint32_t sink_column(ps_plan *plan, const ps_table *table, const ps_ast_name *name)
{
    for (uint32_t i = 0; i < table->info.physical.field_count; i++) {
        if (ps_slice_equal(table->info.physical.fields[i].name, name_slice(name))) {
            return i;
        }
    }
    ps_plan_fail(plan, PS_E_MISSING, name->at, "table '%.*s' has no column '%s' to insert into",
                 (int)table->name.size, table->name.data, name->text);
}

static uint32_t partition_column(ps_plan *plan, const ps_table *table, const ps_ast_name *name)
{
    uint32_t column = sink_column(plan, table, name);
    for (uint32_t i = 0; i < table->info.partition_count; i++) {
        if (table->info.partitions[i] == column) {
            return column;
        }
    }
    ps_plan_fail_hint(plan, name->at,
                      "PARTITION takes the columns that the table is PARTITIONED BY",
                      "'%s' is no partition column of table '%.*s'", name->text,
                      (int)table->name.size, table->name.data);
}

static void check_target(ps_plan *plan, const ps_table *table, ps_sql_span at)
{
    if (table->is_view) {
        ps_plan_fail(plan, PS_E_INVALID, at, "'%.*s' is a view: it cannot be inserted into",
                     (int)table->name.size, table->name.data);
    }
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].kind == PS_AST_COLUMN_METADATA && !table->columns[i].is_virtual) {
            ps_plan_refuse(plan, at, "writing METADATA columns (other than VIRTUAL ones)");
        }
    }
}

/* Which query column fills each of the table's: PS_NO_COLUMN none; `constants` the PARTITION. */
typedef struct {
    uint32_t *source;
    const ps_expr **constants;
    uint32_t wanted; /* query columns */
} insert_map;

static insert_map map_columns(ps_binder *binder, const ps_table *table, const ps_ast_insert *insert)
{
    ps_plan *plan = binder->plan;
    uint32_t count = table->info.physical.field_count;
    insert_map map = {PS_PLAN_ARRAY(plan, uint32_t, count),
                      PS_PLAN_ARRAY(plan, const ps_expr *, count), 0};
    ps_scope *scope =
        ps_scope_new(binder, ps_bind_one_row(plan, insert->query->at), (ps_slice){NULL, 0}, NULL);
    scope->tables[0].count = 0;
    ps_bind_context context = {.binder = binder, .scope = scope, .clause = "PARTITION"};
    for (uint32_t i = 0; i < count; i++) {
        map.source[i] = PS_NO_COLUMN;
    }
    for (uint32_t i = 0; i < insert->partition_count; i++) {
        const ps_ast_definition *partition = &insert->partition[i];
        map.constants[partition_column(plan, table, &partition->name)] =
            ps_bind_expr(&context, partition->expr);
    }
    for (uint32_t i = 0; i < insert->columns.count; i++) {
        const ps_ast_name *name = &insert->columns.items[i];
        uint32_t column = sink_column(plan, table, name);
        if (map.source[column] != PS_NO_COLUMN || map.constants[column] != NULL) {
            ps_plan_fail(plan, PS_E_INVALID, name->at, "column '%s' is named twice", name->text);
        }
        map.source[column] = map.wanted++;
    }
    for (uint32_t i = 0; i < count && insert->columns.count == 0; i++) {
        if (map.constants[i] == NULL) {
            map.source[i] = map.wanted++;
        }
    }
    return map;
}

static void print_columns(ps_buf *out, uint32_t count, const ps_field *fields)
{
    ps_buf_append_char(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        ps_buf_append_text(out, i > 0 ? ", " : "");
        ps_buf_append_slice(out, fields[i].name);
        ps_buf_append_text(out, ": ");
        ps_type_print(fields[i].type, out);
    }
    ps_buf_append_char(out, ']');
}

static _Noreturn void columns_differ(ps_plan *plan, const ps_table *table, const ps_rel *rel,
                                     ps_sql_span at, const char *cause)
{
    ps_field *fields = PS_PLAN_ARRAY(plan, ps_field, rel->column_count);
    ps_buf text;
    for (uint32_t i = 0; i < rel->column_count; i++) {
        fields[i] = (ps_field){rel->columns[i].name, rel->columns[i].type};
    }
    ps_buf_init(&text, 1 << 20);
    ps_buf_append_text(&text, "query ");
    print_columns(&text, rel->column_count, fields);
    ps_buf_append_text(&text, ", table ");
    print_columns(&text, table->info.physical.field_count, table->info.physical.fields);
    ps_slice hint = ps_plan_print(plan, "%.*s", (int)text.size, text.data);
    ps_buf_release(&text);
    ps_plan_fail_hint(plan, at, hint.data,
                      "column types of query result and sink for '%.*s' do not match: %s",
                      (int)table->name.size, table->name.data, cause);
}

static const ps_expr *coerced(ps_plan *plan, const ps_table *table, const ps_rel *rel,
                              const ps_expr *expr, const ps_field *field, ps_sql_span at)
{
    const ps_expr *out = NULL;
    ps_error err;
    bool nullable = expr->type->nullable;
    const ps_type *type = ps_type_with_nullable(plan->arena, field->type, nullable);
    if (ps_expr_coerce(plan->expressions, expr, type, &out, &err) != PS_OK) {
        ps_slice cause = ps_plan_print(plan, "incompatible types for column '%.*s'",
                                       (int)field->name.size, field->name.data);
        columns_differ(plan, table, rel, at, cause.data);
    }
    return out;
}

ps_plan_output ps_dml_insert(ps_binder *binder, const ps_ast_insert *insert, ps_sql_span at)
{
    ps_plan *plan = binder->plan;
    const ps_table *table = ps_catalog_get(plan, &insert->path);
    ps_sql_span name_at = ps_ast_names_last(&insert->path)->at;
    check_target(plan, table, name_at);
    for (uint32_t i = 0; i < insert->hints.count; i++) {
        if (strcmp(insert->hints.items[i].name.text, "OPTIONS") == 0) {
            table = ps_table_with_options(plan, table, &insert->hints.items[i].options);
        }
    }
    insert_map map = map_columns(binder, table, insert);
    ps_rel *rel = ps_bind_query(binder, insert->query, NULL);
    if (rel->column_count != map.wanted) {
        columns_differ(plan, table, rel, name_at, "different number of columns");
    }
    uint32_t count = table->info.physical.field_count;
    const ps_expr **outputs = PS_PLAN_ARRAY(plan, const ps_expr *, count);
    ps_slice *names = PS_PLAN_ARRAY(plan, ps_slice, count);
    for (uint32_t i = 0; i < count; i++) {
        const ps_field *field = &table->info.physical.fields[i];
        const ps_expr *value = map.constants[i];
        if (map.source[i] != PS_NO_COLUMN) {
            value = ps_plan_column(plan, map.source[i], rel->columns[map.source[i]].type);
        } else if (value == NULL) {
            if (!field->type->nullable) {
                ps_plan_fail(plan, PS_E_INVALID, name_at,
                             "column '%.*s' is NOT NULL and needs a value", (int)field->name.size,
                             field->name.data);
            }
            value = ps_plan_constant(plan, field->type, (ps_value){.is_null = true});
        }
        outputs[i] = coerced(plan, table, rel, value, field, name_at);
        names[i] = field->name;
    }
    rel = ps_rel_calc(plan, at, rel, NULL, count, outputs, names);
    return (ps_plan_output){rel, table, name_at, insert->is_overwrite};
}
