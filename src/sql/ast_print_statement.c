/* Printing of statements. */
#include "sql/ast_print.h"

static void text(ps_buf *out, const char *what)
{
    ps_buf_append_text(out, what);
}

static void comment_print(const char *comment, ps_buf *out)
{
    if (comment != NULL) {
        text(out, " COMMENT ");
        ps_ast_string_print(ps_slice_text(comment), out);
    }
}

/* ── CREATE TABLE ── */

static void metadata_print(const ps_ast_column *column, ps_buf *out)
{
    text(out, " METADATA");
    if (column->metadata_key != NULL) {
        text(out, " FROM ");
        ps_ast_string_print(ps_slice_text(column->metadata_key), out);
    }
    text(out, column->is_virtual ? " VIRTUAL" : "");
}

static void column_print(const ps_ast_column *column, ps_buf *out)
{
    ps_ast_name_print(&column->name, out);
    if (column->kind == PS_AST_COLUMN_COMPUTED) {
        text(out, " AS ");
        ps_ast_expr_print(column->expr, out);
    } else {
        text(out, " ");
        ps_ast_type_print(column->type, out);
    }
    if (column->kind == PS_AST_COLUMN_METADATA) {
        metadata_print(column, out);
    }
    text(out, column->is_primary_key ? " PRIMARY KEY NOT ENFORCED" : "");
    comment_print(column->comment, out);
}

static void elements_print(const ps_ast_create_table *table, ps_buf *out)
{
    const char *before = " (";
    for (uint32_t i = 0; i < table->column_count; i++) {
        text(out, before);
        column_print(&table->columns[i], out);
        before = ", ";
    }
    if (table->watermark != NULL) {
        text(out, before);
        text(out, "WATERMARK FOR ");
        ps_ast_names_print(&table->watermark->column, out);
        text(out, " AS ");
        ps_ast_expr_print(table->watermark->expr, out);
        before = ", ";
    }
    if (table->primary_key.count > 0) {
        text(out, before);
        text(out, "PRIMARY KEY ");
        ps_ast_name_list_print(&table->primary_key, out);
        text(out, " NOT ENFORCED");
        before = ", ";
    }
    text(out, before[0] == ',' ? ")" : "");
    if (table->names.count > 0) {
        text(out, " ");
        ps_ast_name_list_print(&table->names, out);
    }
}

static void like_print(const ps_ast_create_table *table, ps_buf *out)
{
    static const char *const actions[] = {
        [PS_AST_LIKE_INCLUDING] = "INCLUDING ",
        [PS_AST_LIKE_EXCLUDING] = "EXCLUDING ",
        [PS_AST_LIKE_OVERWRITING] = "OVERWRITING ",
    };
    static const char *const features[] = {
        [PS_AST_LIKE_ALL] = "ALL",
        [PS_AST_LIKE_CONSTRAINTS] = "CONSTRAINTS",
        [PS_AST_LIKE_GENERATED] = "GENERATED",
        [PS_AST_LIKE_METADATA] = "METADATA",
        [PS_AST_LIKE_OPTIONS] = "OPTIONS",
        [PS_AST_LIKE_PARTITIONS] = "PARTITIONS",
        [PS_AST_LIKE_WATERMARKS] = "WATERMARKS",
        [PS_AST_LIKE_DISTRIBUTION] = "DISTRIBUTION",
    };
    text(out, " LIKE ");
    ps_ast_names_print(&table->like, out);
    for (uint32_t i = 0; i < table->like_option_count; i++) {
        text(out, i == 0 ? " (" : " ");
        text(out, actions[table->like_options[i].action]);
        text(out, features[table->like_options[i].feature]);
    }
    text(out, table->like_option_count > 0 ? ")" : "");
}

static void create_table_print(const ps_ast_create_table *table, ps_buf *out)
{
    text(out, table->is_temporary ? "CREATE TEMPORARY TABLE " : "CREATE TABLE ");
    text(out, table->if_not_exists ? "IF NOT EXISTS " : "");
    ps_ast_names_print(&table->path, out);
    elements_print(table, out);
    comment_print(table->comment, out);
    if (table->partitioned_by.count > 0) {
        text(out, " PARTITIONED BY ");
        ps_ast_name_list_print(&table->partitioned_by, out);
    }
    if (table->options.count > 0) {
        text(out, " WITH ");
        ps_ast_options_print(&table->options, out);
    }
    if (table->like.count > 0) {
        like_print(table, out);
    }
    if (table->query != NULL) {
        text(out, " AS ");
        ps_ast_query_print(table->query, out);
    }
}

/* ── the others ── */

static void create_view_print(const ps_ast_create_view *view, ps_buf *out)
{
    text(out, view->is_temporary ? "CREATE TEMPORARY VIEW " : "CREATE VIEW ");
    text(out, view->if_not_exists ? "IF NOT EXISTS " : "");
    ps_ast_names_print(&view->path, out);
    if (view->columns.count > 0) {
        text(out, " ");
        ps_ast_name_list_print(&view->columns, out);
    }
    comment_print(view->comment, out);
    text(out, " AS ");
    ps_ast_query_print(view->query, out);
}

static void create_function_print(const ps_ast_create_function *function, ps_buf *out)
{
    text(out, function->is_temporary ? "CREATE TEMPORARY " : "CREATE ");
    text(out, function->is_system ? "SYSTEM FUNCTION " : "FUNCTION ");
    text(out, function->if_not_exists ? "IF NOT EXISTS " : "");
    ps_ast_names_print(&function->path, out);
    text(out, " AS ");
    ps_ast_string_print(function->symbol, out);
    if (function->language.size > 0) {
        text(out, " LANGUAGE ");
        ps_buf_append_slice(out, function->language);
    }
    if (function->library.data != NULL) {
        text(out, function->is_jar ? " USING JAR " : " USING LIBRARY ");
        ps_ast_string_print(function->library, out);
    }
}

static void drop_print(const ps_ast_drop *drop, ps_buf *out)
{
    static const char *const objects[] = {
        [PS_AST_OBJECT_TABLE] = "TABLE ",
        [PS_AST_OBJECT_VIEW] = "VIEW ",
        [PS_AST_OBJECT_FUNCTION] = "FUNCTION ",
    };
    text(out, drop->is_temporary ? "DROP TEMPORARY " : "DROP ");
    text(out, objects[drop->object]);
    text(out, drop->if_exists ? "IF EXISTS " : "");
    ps_ast_names_print(&drop->path, out);
}

static void insert_print(const ps_ast_insert *insert, ps_buf *out)
{
    text(out, insert->is_overwrite ? "INSERT OVERWRITE " : "INSERT INTO ");
    ps_ast_names_print(&insert->path, out);
    ps_ast_hints_print(&insert->hints, out);
    for (uint32_t i = 0; i < insert->partition_count; i++) {
        text(out, i == 0 ? " PARTITION (" : ", ");
        ps_ast_name_print(&insert->partition[i].name, out);
        text(out, " = ");
        ps_ast_expr_print(insert->partition[i].expr, out);
    }
    text(out, insert->partition_count > 0 ? ")" : "");
    if (insert->columns.count > 0) {
        text(out, " ");
        ps_ast_name_list_print(&insert->columns, out);
    }
    text(out, " ");
    ps_ast_query_print(insert->query, out);
}

static void statement_set_print(const ps_ast_statement_set *set, ps_buf *out)
{
    text(out, "EXECUTE STATEMENT SET BEGIN ");
    for (uint32_t i = 0; i < set->count; i++) {
        ps_ast_statement_print(set->items[i], out);
        text(out, "; ");
    }
    text(out, "END");
}

static void explain_print(const ps_ast_explain *explain, ps_buf *out)
{
    text(out, "EXPLAIN ");
    for (uint32_t i = 0; i < explain->detail_count; i++) {
        text(out, i == 0 ? "" : ", ");
        text(out, explain->details[i].text);
    }
    text(out, explain->detail_count > 0 ? " " : "");
    ps_ast_statement_print(explain->statement, out);
}

static void show_print(const ps_ast_show *show, ps_buf *out)
{
    static const char *const kinds[] = {
        [PS_AST_SHOW_TABLES] = "SHOW TABLES",
        [PS_AST_SHOW_VIEWS] = "SHOW VIEWS",
        [PS_AST_SHOW_FUNCTIONS] = "SHOW FUNCTIONS",
        [PS_AST_SHOW_CREATE_TABLE] = "SHOW CREATE TABLE ",
        [PS_AST_SHOW_CREATE_VIEW] = "SHOW CREATE VIEW ",
        [PS_AST_SHOW_COLUMNS] = "SHOW COLUMNS FROM ",
    };
    text(out, kinds[show->kind]);
    ps_ast_names_print(&show->path, out);
}

static void assign_print(const char *word, const ps_ast_option *option, ps_buf *out)
{
    text(out, word);
    if (option->key.data == NULL) {
        return;
    }
    text(out, " ");
    ps_ast_string_print(option->key, out);
    if (option->value.data != NULL) {
        text(out, " = ");
        ps_ast_string_print(option->value, out);
    }
}

void ps_ast_statement_print(const ps_ast_statement *statement, ps_buf *out)
{
    switch (statement->kind) {
    case PS_AST_STATEMENT_QUERY:
        ps_ast_query_print(statement->query, out);
        return;
    case PS_AST_STATEMENT_INSERT:
        insert_print(statement->insert, out);
        return;
    case PS_AST_STATEMENT_SET:
        statement_set_print(&statement->statement_set, out);
        return;
    case PS_AST_STATEMENT_CREATE_TABLE:
        create_table_print(statement->create_table, out);
        return;
    case PS_AST_STATEMENT_CREATE_VIEW:
        create_view_print(statement->create_view, out);
        return;
    case PS_AST_STATEMENT_CREATE_FUNCTION:
        create_function_print(statement->create_function, out);
        return;
    case PS_AST_STATEMENT_DROP:
        drop_print(statement->drop, out);
        return;
    case PS_AST_STATEMENT_ASSIGN:
        assign_print("SET", &statement->option, out);
        return;
    case PS_AST_STATEMENT_RESET:
        assign_print("RESET", &statement->option, out);
        return;
    case PS_AST_STATEMENT_EXPLAIN:
        explain_print(statement->explain, out);
        return;
    case PS_AST_STATEMENT_SHOW:
        show_print(&statement->show, out);
        return;
    case PS_AST_STATEMENT_DESCRIBE:
        text(out, "DESCRIBE ");
        ps_ast_names_print(&statement->path, out);
        return;
    }
}
