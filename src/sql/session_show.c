/* SHOW, DESCRIBE, SET without a key: rows about the catalog. */
#include <stdlib.h>

#include "expr/function.h"
#include "expr/user_function.h"
#include "sql/ast_print.h"
#include "sql/session_internal.h"

void ps_session_rows(ps_plan *plan, ps_statement *out, uint32_t column_count,
                     const char *const *names, uint32_t row_count, const ps_slice *texts)
{
    ps_field *fields = PS_PLAN_ARRAY(plan, ps_field, column_count);
    ps_value *values = PS_PLAN_ARRAY(plan, ps_value, (size_t)column_count * row_count);
    for (uint32_t i = 0; i < column_count; i++) {
        fields[i] = (ps_field){ps_slice_text(names[i]), &ps_type_string};
    }
    for (uint32_t i = 0; i < column_count * row_count; i++) {
        values[i].is_null = texts[i].data == NULL;
        values[i].text = texts[i];
    }
    out->kind = PS_STATEMENT_ROWS;
    out->schema = (ps_schema){column_count, fields};
    out->row_count = row_count;
    out->rows = values;
}

static int slice_compare(const void *left, const void *right)
{
    const ps_slice *a = left, *b = right;
    size_t size = a->size < b->size ? a->size : b->size;
    int order = size > 0 ? memcmp(a->data, b->data, size) : 0;
    return order != 0 ? order : (a->size < b->size ? -1 : (a->size > b->size ? 1 : 0));
}

/* ── names ── */

static uint32_t sorted_names(const ps_catalog *catalog, bool views_only, ps_slice *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < catalog->count; i++) {
        if (!views_only || catalog->tables[i]->is_view) {
            out[count++] = catalog->tables[i]->name;
        }
    }
    if (count > 1) {
        qsort(out, count, sizeof *out, slice_compare);
    }
    return count;
}

uint32_t ps_session_table_count(const ps_session *session)
{
    return session->catalog.count;
}

ps_slice ps_session_table_name(const ps_session *session, uint32_t index)
{
    const ps_catalog *catalog = &session->catalog;
    PS_ASSERT(index < catalog->count);
    for (uint32_t i = 0; i < catalog->count; i++) { /* the one with `index` smaller ones */
        uint32_t smaller = 0;
        for (uint32_t j = 0; j < catalog->count; j++) {
            int order = slice_compare(&catalog->tables[j]->name, &catalog->tables[i]->name);
            smaller += order < 0 || (order == 0 && j < i) ? 1 : 0;
        }
        if (smaller == index) {
            return catalog->tables[i]->name;
        }
    }
    PS_ASSERT(false);
    return (ps_slice){NULL, 0};
}

/* ── DESCRIBE ── */

static ps_slice type_text(ps_plan *plan, const ps_type *type, const char *attribute)
{
    ps_buf text;
    ps_buf_init(&text, 1 << 16);
    ps_type_print(ps_type_with_nullable(plan->arena, type, true), &text);
    ps_buf_append_text(&text, attribute);
    char *copy = text.failed ? NULL : ps_arena_copy(plan->arena, text.data, text.size);
    size_t size = text.size;
    ps_buf_release(&text);
    return copy != NULL ? ps_slice_of(copy, size) : PS_SLICE("?");
}

static ps_slice expr_text(ps_plan *plan, const char *prefix, const ps_ast_expr *expr)
{
    ps_buf text;
    ps_buf_init(&text, 1 << 20);
    ps_buf_append_text(&text, prefix);
    ps_ast_expr_print(expr, &text);
    char *copy = text.failed ? NULL : ps_arena_copy(plan->arena, text.data, text.size);
    size_t size = text.size;
    ps_buf_release(&text);
    return copy != NULL ? ps_slice_of(copy, size) : PS_SLICE("?");
}

enum { DESCRIBE_COLUMNS = 6 };
static const char *const describe_names[] = {"name", "type", "null", "key", "extras", "watermark"};

static ps_slice key_text(ps_plan *plan, const ps_table *table)
{
    ps_columns key = table->info.primary_key;
    ps_slice text = PS_SLICE("PRI(");
    for (uint32_t i = 0; i < key.count; i++) {
        ps_slice name = table->info.physical.fields[key.columns[i]].name;
        text = ps_plan_print(plan, "%.*s%s%.*s", (int)text.size, text.data, i > 0 ? ", " : "",
                             (int)name.size, name.data);
    }
    return ps_plan_print(plan, "%.*s)", (int)text.size, text.data);
}

static bool is_key(const ps_table *table, const ps_table_column *column)
{
    for (uint32_t i = 0; i < table->info.primary_key.count; i++) {
        if (column->kind == PS_AST_COLUMN_PHYSICAL &&
            table->info.primary_key.columns[i] == column->index) {
            return true;
        }
    }
    return false;
}

static void describe_table(ps_plan *plan, const ps_table *table, ps_statement *out)
{
    ps_slice *texts = PS_PLAN_ARRAY(plan, ps_slice, table->column_count * DESCRIBE_COLUMNS);
    for (uint32_t i = 0; i < table->column_count; i++) {
        const ps_table_column *column = &table->columns[i];
        ps_slice *row = texts + i * DESCRIBE_COLUMNS;
        bool is_computed = column->kind == PS_AST_COLUMN_COMPUTED;
        const char *attribute = i == table->watermark_column ? " *ROWTIME*"
                                : is_computed && ps_rel_is_proctime_call(column->expr)
                                    ? " *PROCTIME*"
                                    : "";
        row[0] = column->name;
        row[1] = type_text(plan, column->type, attribute);
        row[2] = column->type->nullable ? PS_SLICE("TRUE") : PS_SLICE("FALSE");
        if (is_key(table, column)) {
            row[3] = key_text(plan, table);
        }
        if (is_computed) {
            row[4] = expr_text(plan, "AS ", column->expr_ast);
        } else if (column->kind == PS_AST_COLUMN_METADATA) {
            ps_slice key = table->info.metadata[column->index].key;
            row[4] = ps_plan_print(plan, "METADATA FROM '%.*s'%s", (int)key.size, key.data,
                                   column->is_virtual ? " VIRTUAL" : "");
        }
        if (i == table->watermark_column) {
            row[5] = expr_text(plan, "", table->watermark_ast);
        }
    }
    ps_session_rows(plan, out, DESCRIBE_COLUMNS, describe_names, table->column_count, texts);
}

static const char *attribute_text(ps_time_attribute time)
{
    switch (time) {
    case PS_TIME_NONE:
        return "";
    case PS_TIME_ROW:
        return " *ROWTIME*";
    case PS_TIME_PROCESSING:
        return " *PROCTIME*";
    }
    PS_ASSERT(false);
    return "";
}

void ps_session_describe(ps_plan *plan, const ps_ast_names *path, ps_statement *out)
{
    const ps_table *table = ps_catalog_get(plan, path);
    ps_binder binder = {.plan = plan};
    if (!table->is_view) {
        describe_table(plan, table, out);
        return;
    }
    const ps_rel *rel = ps_bind_table(&binder, path, NULL);
    ps_slice *texts = PS_PLAN_ARRAY(plan, ps_slice, rel->column_count * DESCRIBE_COLUMNS);
    for (uint32_t i = 0; i < rel->column_count; i++) {
        ps_slice *row = texts + i * DESCRIBE_COLUMNS;
        row[0] = rel->columns[i].name;
        row[1] = type_text(plan, rel->columns[i].type, attribute_text(rel->columns[i].time));
        row[2] = rel->columns[i].type->nullable ? PS_SLICE("TRUE") : PS_SLICE("FALSE");
    }
    ps_session_rows(plan, out, DESCRIBE_COLUMNS, describe_names, rel->column_count, texts);
}

/* ── SHOW ── */

static void show_functions(ps_plan *plan, ps_statement *out)
{
    static const char *const names[] = {"function name"};
    const ps_user_function *users = plan->expressions->functions;
    uint32_t scalars = ps_function_count(), aggregates = ps_aggregate_count();
    uint32_t count = scalars + aggregates;
    for (const ps_user_function *user = users; user != NULL; user = user->next) {
        count++;
    }
    ps_slice *texts = PS_PLAN_ARRAY(plan, ps_slice, count);
    for (uint32_t i = 0; i < scalars; i++) {
        texts[i] = ps_slice_text(ps_function_entry_at(i)->name);
    }
    for (uint32_t i = 0; i < aggregates; i++) {
        texts[scalars + i] = ps_slice_text(ps_aggregate_entry_at(i)->name);
    }
    for (uint32_t i = scalars + aggregates; i < count; i++, users = users->next) {
        texts[i] = ps_slice_text(users->name);
    }
    qsort(texts, count, sizeof *texts, slice_compare);
    ps_session_rows(plan, out, 1, names, count, texts);
}

static void print_quoted(ps_buf *out, ps_slice text, char quote)
{
    ps_buf_append_char(out, quote);
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == quote) {
            ps_buf_append_char(out, quote);
        }
        ps_buf_append_char(out, text.data[i]);
    }
    ps_buf_append_char(out, quote);
}

static void print_create_column(ps_plan *plan, const ps_table *table, uint32_t number, ps_buf *out)
{
    const ps_table_column *column = &table->columns[number];
    ps_buf_append_text(out, "  ");
    print_quoted(out, column->name, '`');
    ps_buf_append_char(out, ' ');
    if (column->kind == PS_AST_COLUMN_COMPUTED) {
        ps_buf_append_slice(out, expr_text(plan, "AS ", column->expr_ast));
        return;
    }
    ps_type_print(column->type, out);
    if (column->kind == PS_AST_COLUMN_METADATA) {
        ps_buf_append_text(out, " METADATA FROM ");
        print_quoted(out, table->info.metadata[column->index].key, '\'');
        ps_buf_append_text(out, column->is_virtual ? " VIRTUAL" : "");
    }
}

static void print_key(const ps_table *table, ps_buf *out)
{
    ps_buf_append_text(out, ",\n  PRIMARY KEY (");
    for (uint32_t i = 0; i < table->info.primary_key.count; i++) {
        ps_buf_append_text(out, i > 0 ? ", " : "");
        print_quoted(out, table->info.physical.fields[table->info.primary_key.columns[i]].name,
                     '`');
    }
    ps_buf_append_text(out, ") NOT ENFORCED");
}

static void print_create_table(ps_plan *plan, const ps_table *table, ps_buf *out)
{
    ps_buf_append_text(out, table->is_temporary ? "CREATE TEMPORARY TABLE " : "CREATE TABLE ");
    print_quoted(out, table->name, '`');
    ps_buf_append_text(out, " (\n");
    for (uint32_t i = 0; i < table->column_count; i++) {
        ps_buf_append_text(out, i > 0 ? ",\n" : "");
        print_create_column(plan, table, i, out);
    }
    if (table->watermark_column != PS_NO_COLUMN) {
        ps_buf_append_text(out, ",\n  WATERMARK FOR ");
        print_quoted(out, table->columns[table->watermark_column].name, '`');
        ps_buf_append_slice(out, expr_text(plan, " AS ", table->watermark_ast));
    }
    if (table->info.primary_key.count > 0) {
        print_key(table, out);
    }
    ps_buf_append_text(out, "\n)");
    for (uint32_t i = 0; i < table->info.partition_count; i++) {
        ps_buf_append_text(out, i > 0 ? ", " : " PARTITIONED BY (");
        print_quoted(out, table->info.physical.fields[table->info.partitions[i]].name, '`');
        ps_buf_append_text(out, i + 1 == table->info.partition_count ? ")" : "");
    }
    ps_buf_append_text(out, " WITH (\n");
    for (uint32_t i = 0; i < table->info.option_count; i++) {
        ps_buf_append_text(out, i > 0 ? ",\n  " : "  ");
        print_quoted(out, table->info.options[i].key, '\'');
        ps_buf_append_text(out, " = ");
        print_quoted(out, table->info.options[i].value, '\'');
    }
    ps_buf_append_text(out, "\n)");
}

static void show_create(ps_plan *plan, const ps_ast_show *show, ps_statement *out)
{
    static const char *const names[] = {"result"};
    const ps_table *table = ps_catalog_get(plan, &show->path);
    bool wants_view = show->kind == PS_AST_SHOW_CREATE_VIEW;
    if (table->is_view != wants_view) {
        ps_plan_fail(plan, PS_E_INVALID, show->path.items[0].at, "'%.*s' is a %s",
                     (int)table->name.size, table->name.data, wants_view ? "table" : "view");
    }
    ps_buf text;
    ps_buf_init(&text, 1 << 20);
    if (wants_view) {
        ps_buf_append_text(&text, table->is_temporary ? "CREATE TEMPORARY VIEW " : "CREATE VIEW ");
        print_quoted(&text, table->name, '`');
        ps_buf_append_text(&text, " AS ");
        ps_buf_append_slice(&text, table->query_text);
    } else {
        print_create_table(plan, table, &text);
    }
    char *copy = text.failed ? NULL : ps_arena_copy(plan->arena, text.data, text.size);
    ps_slice result = ps_slice_of(copy, text.size);
    ps_buf_release(&text);
    ps_session_rows(plan, out, 1, names, 1, &result);
}

void ps_session_show(ps_session *session, ps_plan *plan, const ps_ast_statement *statement,
                     ps_statement *out)
{
    static const char *const table_names[] = {"table name"}, *const view_names[] = {"view name"};
    const ps_ast_show *show = &statement->show;
    ps_slice *names = PS_PLAN_ARRAY(plan, ps_slice, session->catalog.count);
    switch (show->kind) {
    case PS_AST_SHOW_TABLES:
        ps_session_rows(plan, out, 1, table_names, sorted_names(&session->catalog, false, names),
                        names);
        return;
    case PS_AST_SHOW_VIEWS:
        ps_session_rows(plan, out, 1, view_names, sorted_names(&session->catalog, true, names),
                        names);
        return;
    case PS_AST_SHOW_FUNCTIONS:
        show_functions(plan, out);
        return;
    case PS_AST_SHOW_CREATE_TABLE:
    case PS_AST_SHOW_CREATE_VIEW:
        show_create(plan, show, out);
        return;
    case PS_AST_SHOW_COLUMNS:
        ps_session_describe(plan, &show->path, out);
        return;
    }
    PS_ASSERT(false);
}

void ps_session_list_settings(ps_session *session, ps_plan *plan, ps_statement *out)
{
    static const char *const names[] = {"key", "value"};
    const ps_settings *settings = &session->settings;
    ps_slice *texts = PS_PLAN_ARRAY(plan, ps_slice, settings->count * 2);
    for (uint32_t i = 0; i < settings->count; i++) {
        texts[2 * i] = ps_slice_text(settings->values[i].key);
        texts[2 * i + 1] = ps_slice_text(settings->values[i].value);
    }
    if (settings->count > 1) {
        qsort(texts, settings->count, 2 * sizeof *texts, slice_compare);
    }
    ps_session_rows(plan, out, 2, names, settings->count, texts);
}
