#include "sql/bind_ddl.h"

static ps_slice name_slice(const ps_ast_name *name)
{
    return ps_slice_of(name->text, name->size);
}

/* ── LIKE ── */

static ps_ast_like_action like_action(const ps_ast_create_table *ddl, ps_ast_like_feature feature)
{
    ps_ast_like_action action =
        feature == PS_AST_LIKE_OPTIONS ? PS_AST_LIKE_OVERWRITING : PS_AST_LIKE_INCLUDING;
    for (uint32_t i = 0; i < ddl->like_option_count; i++) {
        if (ddl->like_options[i].feature == PS_AST_LIKE_ALL) {
            action = ddl->like_options[i].action;
        }
    }
    for (uint32_t i = 0; i < ddl->like_option_count; i++) {
        if (ddl->like_options[i].feature == feature) {
            action = ddl->like_options[i].action;
        }
    }
    return action;
}

static bool like_takes(const ps_ast_create_table *ddl, ps_ast_like_feature feature)
{
    return like_action(ddl, feature) != PS_AST_LIKE_EXCLUDING;
}

static bool takes_column(const ps_ast_create_table *ddl, const ps_ast_column *column)
{
    switch (column->kind) {
    case PS_AST_COLUMN_PHYSICAL:
        return true;
    case PS_AST_COLUMN_METADATA:
        return like_takes(ddl, PS_AST_LIKE_METADATA);
    case PS_AST_COLUMN_COMPUTED:
        return like_takes(ddl, PS_AST_LIKE_GENERATED);
    }
    PS_ASSERT(false);
    return false;
}

static bool has_column(const ps_ast_create_table *ddl, const ps_ast_name *name)
{
    for (uint32_t i = 0; i < ddl->column_count; i++) {
        if (ps_slice_equal(name_slice(&ddl->columns[i].name), name_slice(name))) {
            return true;
        }
    }
    return false;
}

static void like_columns(ps_plan *plan, ps_ast_create_table *merged, const ps_ast_create_table *own,
                         const ps_ast_create_table *base)
{
    merged->columns = PS_PLAN_ARRAY(plan, ps_ast_column, base->column_count + own->column_count);
    merged->column_count = 0;
    for (uint32_t i = 0; i < base->column_count; i++) {
        ps_ast_column *column = &base->columns[i];
        bool is_replaced = has_column(own, &column->name);
        ps_ast_like_feature feature =
            column->kind == PS_AST_COLUMN_METADATA ? PS_AST_LIKE_METADATA : PS_AST_LIKE_GENERATED;
        if (is_replaced && (column->kind == PS_AST_COLUMN_PHYSICAL ||
                            like_action(own, feature) == PS_AST_LIKE_INCLUDING)) {
            ps_plan_fail(plan, PS_E_EXISTS, own->path.items[0].at,
                         "a column named '%s' already exists in the base table", column->name.text);
        }
        if (!is_replaced && takes_column(own, column)) {
            ps_ast_column *copy = &merged->columns[merged->column_count++];
            *copy = *column;
            copy->is_primary_key =
                column->is_primary_key && like_takes(own, PS_AST_LIKE_CONSTRAINTS);
        }
    }
    for (uint32_t i = 0; i < own->column_count; i++) {
        merged->columns[merged->column_count++] = own->columns[i];
    }
}

static void like_options(ps_plan *plan, ps_ast_create_table *merged, const ps_ast_create_table *own,
                         const ps_ast_create_table *base)
{
    uint32_t count = 0;
    ps_ast_option *options =
        PS_PLAN_ARRAY(plan, ps_ast_option, base->options.count + own->options.count);
    for (uint32_t i = 0; i < base->options.count; i++) {
        const ps_ast_option *option = &base->options.items[i];
        bool is_replaced = false;
        for (uint32_t j = 0; j < own->options.count; j++) {
            is_replaced = is_replaced || ps_slice_equal(own->options.items[j].key, option->key);
        }
        if (is_replaced && like_action(own, PS_AST_LIKE_OPTIONS) == PS_AST_LIKE_INCLUDING) {
            ps_plan_fail(plan, PS_E_EXISTS, own->path.items[0].at,
                         "option '%.*s' already exists in the base table", (int)option->key.size,
                         option->key.data);
        }
        if (!is_replaced) {
            options[count++] = *option;
        }
    }
    for (uint32_t i = 0; i < own->options.count; i++) {
        options[count++] = own->options.items[i];
    }
    merged->options = (ps_ast_options){count, options};
}

/* The definition with that of the LIKE table put in. */
static const ps_ast_create_table *merge_like(ps_plan *plan, const ps_ast_create_table *own)
{
    if (own->like.count == 0) {
        return own;
    }
    const ps_table *table = ps_catalog_get(plan, &own->like);
    if (table->is_view) {
        ps_plan_fail(plan, PS_E_INVALID, own->like.items[0].at, "LIKE takes a table, not a view");
    }
    const ps_ast_create_table *base = table->ddl;
    ps_ast_create_table *merged = PS_PLAN_NEW(plan, ps_ast_create_table);
    *merged = *own;
    like_columns(plan, merged, own, base);
    if (like_takes(own, PS_AST_LIKE_OPTIONS)) {
        like_options(plan, merged, own, base);
    }
    if (own->watermark == NULL && like_takes(own, PS_AST_LIKE_WATERMARKS)) {
        merged->watermark = base->watermark;
    }
    if (own->primary_key.count == 0 && like_takes(own, PS_AST_LIKE_CONSTRAINTS)) {
        merged->primary_key = base->primary_key;
        merged->primary_key_at = base->primary_key_at;
    }
    if (own->partitioned_by.count == 0 && like_takes(own, PS_AST_LIKE_PARTITIONS)) {
        merged->partitioned_by = base->partitioned_by;
    }
    return merged;
}

/* ── columns ── */

static bool is_key_column(const ps_ast_create_table *ddl, const ps_ast_column *column)
{
    for (uint32_t i = 0; i < ddl->primary_key.count; i++) {
        if (ps_slice_equal(name_slice(&ddl->primary_key.items[i]), name_slice(&column->name))) {
            return true;
        }
    }
    return column->is_primary_key;
}

static void plain_columns(ps_plan *plan, ps_table *table, ps_table_column *columns)
{
    const ps_ast_create_table *ddl = table->ddl;
    ps_field *fields = PS_PLAN_ARRAY(plan, ps_field, ddl->column_count);
    struct ps_metadata_column *metadata =
        PS_PLAN_ARRAY(plan, struct ps_metadata_column, ddl->column_count);
    uint32_t field_count = 0, metadata_count = 0;
    for (uint32_t i = 0; i < ddl->column_count; i++) {
        const ps_ast_column *ast = &ddl->columns[i];
        ps_table_column *column = &columns[i];
        for (uint32_t j = 0; j < i; j++) {
            if (ps_slice_equal(columns[j].name, name_slice(&ast->name))) {
                ps_plan_fail(plan, PS_E_EXISTS, ast->name.at, "a column named '%s' already exists",
                             ast->name.text);
            }
        }
        *column = (ps_table_column){.kind = ast->kind,
                                    .name = name_slice(&ast->name),
                                    .expr_ast = ast->expr,
                                    .is_virtual = ast->is_virtual,
                                    .comment = ast->comment};
        if (ast->kind == PS_AST_COLUMN_COMPUTED) {
            continue;
        }
        column->type = ps_bind_type(plan, ast->type);
        if (ast->kind == PS_AST_COLUMN_METADATA) {
            ps_slice key =
                ast->metadata_key != NULL ? ps_slice_text(ast->metadata_key) : column->name;
            metadata[metadata_count] = (struct ps_metadata_column){key, column->type};
            column->index = metadata_count++;
            continue;
        }
        if (is_key_column(ddl, ast)) {
            column->type = ps_type_with_nullable(plan->arena, column->type, false);
        }
        fields[field_count] = (ps_field){column->name, column->type};
        column->index = field_count++;
    }
    table->info.physical = (ps_schema){field_count, fields};
    table->info.metadata_count = metadata_count;
    table->info.metadata = metadata;
}

/* The table's columns as a relation to bind expressions over. Those of `hide_computed` have no name
 * yet: a computed column cannot read another one. */
static ps_scope *columns_scope(ps_binder *binder, const ps_table *table, bool hide_computed)
{
    ps_rel *rel = ps_rel_new(binder->plan, PS_REL_SCAN, (ps_sql_span){0}, 0, table->column_count);
    rel->scan.table = table;
    for (uint32_t i = 0; i < table->column_count; i++) {
        const ps_table_column *column = &table->columns[i];
        bool is_hidden = hide_computed && column->kind == PS_AST_COLUMN_COMPUTED;
        rel->columns[i] = (ps_rel_column){.name = is_hidden ? (ps_slice){NULL, 0} : column->name,
                                          .type = column->type};
    }
    return ps_scope_new(binder, rel, table->name, NULL);
}

static void computed_columns(ps_binder *binder, ps_table *table, ps_table_column *columns)
{
    ps_scope *scope = columns_scope(binder, table, true);
    ps_bind_context context = {.binder = binder, .scope = scope, .clause = "a computed column"};
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (columns[i].kind == PS_AST_COLUMN_COMPUTED) {
            columns[i].expr = ps_bind_expr(&context, columns[i].expr_ast);
            columns[i].type = columns[i].expr->type;
        }
    }
}

/* ── the clauses ── */

static void bind_watermark(ps_binder *binder, ps_table *table)
{
    ps_plan *plan = binder->plan;
    const ps_ast_watermark *watermark = table->ddl->watermark;
    table->watermark_column = PS_NO_COLUMN;
    if (watermark == NULL) {
        return;
    }
    const ps_ast_name *name = ps_ast_names_last(&watermark->column);
    if (watermark->column.count > 1) {
        ps_plan_fail_hint(plan, name->at, "make a computed column of the field",
                          "a watermark cannot be for a field of a ROW");
    }
    uint32_t column = ps_table_find_column(table, name_slice(name));
    if (column == PS_NO_COLUMN) {
        ps_plan_fail(plan, PS_E_MISSING, name->at,
                     "the column '%s' of the watermark is not defined", name->text);
    }
    const ps_type *type = table->columns[column].type;
    if (!ps_type_is_timestamp(type) || type->precision > 3) {
        ps_buf text;
        ps_buf_init(&text, PS_SQL_ERROR_TEXT_MAX);
        ps_type_print(type, &text);
        ps_slice printed = ps_plan_print(plan, "%.*s", (int)text.size, text.data);
        ps_buf_release(&text);
        ps_plan_fail(plan, PS_E_INVALID, name->at,
                     "invalid data type of the time field of a watermark: it must be "
                     "TIMESTAMP(p) or TIMESTAMP_LTZ(p) with p from 0 to 3, but is %.*s",
                     (int)printed.size, printed.data);
    }
    ps_scope *scope = columns_scope(binder, table, false);
    ps_bind_context context = {.binder = binder, .scope = scope, .clause = "WATERMARK"};
    const ps_expr *expr = ps_bind_expr(&context, watermark->expr);
    if (expr->type->kind != type->kind) {
        ps_plan_fail(plan, PS_E_INVALID, watermark->expr->at,
                     "the watermark must be of the type of its column");
    }
    table->watermark_column = column;
    table->watermark = ps_plan_coerce(plan, watermark->expr->at, expr,
                                      ps_type_with_nullable(plan->arena, type, true));
    table->watermark_ast = watermark->expr;
}

static uint32_t physical_index(ps_plan *plan, const ps_table *table, const ps_ast_name *name,
                               const char *what)
{
    uint32_t column = ps_table_find_column(table, name_slice(name));
    if (column == PS_NO_COLUMN) {
        ps_plan_fail(plan, PS_E_MISSING, name->at, "column '%s' of %s is not defined", name->text,
                     what);
    }
    if (table->columns[column].kind != PS_AST_COLUMN_PHYSICAL) {
        ps_plan_fail(plan, PS_E_INVALID, name->at, "column '%s' of %s must be a physical column",
                     name->text, what);
    }
    return table->columns[column].index;
}

static void bind_keys(ps_plan *plan, ps_table *table)
{
    const ps_ast_create_table *ddl = table->ddl;
    uint32_t *key = PS_PLAN_ARRAY(plan, uint32_t, ddl->primary_key.count + 1), count = 0;
    uint32_t *partitions = PS_PLAN_ARRAY(plan, uint32_t, ddl->partitioned_by.count);
    for (uint32_t i = 0; i < ddl->primary_key.count; i++) {
        key[count++] = physical_index(plan, table, &ddl->primary_key.items[i], "PRIMARY KEY");
    }
    for (uint32_t i = 0; i < ddl->column_count; i++) {
        if (!ddl->columns[i].is_primary_key) {
            continue;
        }
        if (count > 0) {
            ps_plan_fail(plan, PS_E_INVALID, ddl->columns[i].at,
                         "a table has one PRIMARY KEY at most");
        }
        key[count++] = physical_index(plan, table, &ddl->columns[i].name, "PRIMARY KEY");
    }
    for (uint32_t i = 0; i < ddl->partitioned_by.count; i++) {
        const ps_ast_name *name = &ddl->partitioned_by.items[i];
        partitions[i] = physical_index(plan, table, name, "PARTITIONED BY");
        for (uint32_t j = 0; j < i; j++) {
            if (partitions[j] == partitions[i]) {
                ps_plan_fail(plan, PS_E_INVALID, name->at,
                             "column '%s' is named twice in PARTITIONED BY", name->text);
            }
        }
    }
    table->info.primary_key = (ps_columns){count, key};
    table->info.partition_count = ddl->partitioned_by.count;
    table->info.partitions = partitions;
}

static void bind_options(ps_plan *plan, ps_table *table)
{
    const ps_ast_options *options = &table->ddl->options;
    ps_with_option *out = PS_PLAN_ARRAY(plan, ps_with_option, options->count);
    for (uint32_t i = 0; i < options->count; i++) {
        out[i] = (ps_with_option){options->items[i].key, options->items[i].value};
    }
    table->info.options = out;
    table->info.option_count = options->count;
}

/* Connectors that a Flink cluster does not have. */
static void note_connector(ps_binder *binder, const ps_table *table)
{
    static const char *const portable[] = {"filesystem", "datagen", "print",
                                           "blackhole",  "kafka",   "jdbc"};
    const ps_slice *connector = ps_table_option(&table->info, "connector");
    for (size_t i = 0; i < sizeof portable / sizeof portable[0]; i++) {
        if (connector == NULL || ps_slice_equal(*connector, ps_slice_text(portable[i]))) {
            return;
        }
    }
    if (binder->note != NULL) {
        binder->note(binder->note_with, table->ddl->path.items[0].at, "connector",
                     "Flink has no such connector: keep the DDL in a file of its own");
    }
}

/* The table that stands in the way of a new object; NULL: none. Fails unless `if_not_exists`. */
static bool is_in_the_way(ps_plan *plan, const ps_catalog *catalog, const ps_ast_names *path,
                          bool is_temporary, bool if_not_exists)
{
    ps_slice name = ps_catalog_name(plan, path);
    if (ps_catalog_find_exact(catalog, name, is_temporary) == NULL) {
        return false;
    }
    if (!if_not_exists) {
        ps_plan_fail_hint(plan, ps_ast_names_last(path)->at, "drop it first, or IF NOT EXISTS",
                          "table or view '%.*s' already exists", (int)name.size, name.data);
    }
    return true;
}

void ps_ddl_create_table(ps_binder *binder, ps_catalog *catalog, const ps_ast_create_table *ddl)
{
    ps_plan *plan = binder->plan;
    if (ddl->query != NULL) {
        ps_plan_refuse(plan, ddl->query->at, "CREATE TABLE … AS");
    }
    if (is_in_the_way(plan, catalog, &ddl->path, ddl->is_temporary, ddl->if_not_exists)) {
        return;
    }
    ps_table *table = PS_PLAN_NEW(plan, ps_table);
    table->ddl = merge_like(plan, ddl);
    table->name = name_slice(ps_ast_names_last(&ddl->path));
    table->is_temporary = ddl->is_temporary;
    table->info.name = table->name;
    table->column_count = table->ddl->column_count;
    if (table->column_count > PS_COLUMN_COUNT_MAX) {
        ps_plan_fail(plan, PS_E_LIMIT, ddl->path.items[0].at, "a table has at most %d columns",
                     PS_COLUMN_COUNT_MAX);
    }
    if (table->column_count == 0) {
        ps_plan_refuse(plan, ddl->path.items[0].at, "a table without columns");
    }
    ps_table_column *columns = PS_PLAN_ARRAY(plan, ps_table_column, table->column_count);
    table->columns = columns;
    plain_columns(plan, table, columns);
    computed_columns(binder, table, columns);
    bind_watermark(binder, table);
    bind_keys(plan, table);
    bind_options(plan, table);
    note_connector(binder, table);
    ps_catalog_add(plan, catalog, table);
}

void ps_ddl_create_view(ps_binder *binder, ps_catalog *catalog, const ps_ast_create_view *ddl,
                        ps_slice text)
{
    ps_plan *plan = binder->plan;
    if (is_in_the_way(plan, catalog, &ddl->path, ddl->is_temporary, ddl->if_not_exists)) {
        return;
    }
    ps_rel *rel = ps_bind_query(binder, ddl->query, NULL);
    (void)ps_bind_renamed(plan, rel, &ddl->columns, ddl->path.items[0].at);
    ps_table *view = PS_PLAN_NEW(plan, ps_table);
    view->name = name_slice(ps_ast_names_last(&ddl->path));
    view->is_view = true;
    view->is_temporary = ddl->is_temporary;
    view->query = ddl->query;
    view->view_columns = ddl->columns;
    view->query_text = ps_slice_of(ps_plan_take(plan, text.size + 1, 1), text.size);
    memcpy((char *)(uintptr_t)view->query_text.data, text.data, text.size);
    view->watermark_column = PS_NO_COLUMN;
    ps_catalog_add(plan, catalog, view);
}

void ps_ddl_drop(ps_plan *plan, ps_catalog *catalog, const ps_ast_drop *ddl)
{
    const ps_ast_name *last = ps_ast_names_last(&ddl->path);
    ps_slice name = ps_catalog_name(plan, &ddl->path);
    bool is_view = ddl->object == PS_AST_OBJECT_VIEW;
    const ps_table *table = ps_catalog_find_exact(catalog, name, ddl->is_temporary);
    if (table == NULL || table->is_view != is_view) {
        if (ddl->if_exists) {
            return;
        }
        if (!ddl->is_temporary && ps_catalog_find_exact(catalog, name, true) != NULL) {
            ps_plan_fail(plan, PS_E_MISSING, last->at, "'%s' is temporary: DROP TEMPORARY %s",
                         last->text, is_view ? "VIEW" : "TABLE");
        }
        ps_plan_fail(plan, PS_E_MISSING, last->at, "there is no %s%s '%s'",
                     ddl->is_temporary ? "temporary " : "", is_view ? "view" : "table", last->text);
    }
    ps_catalog_remove(catalog, table);
}
