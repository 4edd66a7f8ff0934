/* Statements. */
#include "sql/catalog.h"
#include "sql/parser_internal.h"

static ps_ast_statement *new_statement(ps_parser *parser, ps_ast_statement_kind kind)
{
    ps_ast_statement *statement = ps_parser_take(parser, sizeof *statement);
    if (statement != NULL) {
        statement->kind = kind;
    }
    return statement;
}

static bool comment_read(ps_parser *parser, const char **out)
{
    ps_slice text;
    if (!ps_parser_accept_word(parser, PS_KW_COMMENT)) {
        return true;
    }
    if (!ps_parser_string(parser, "the comment in quotes", &text)) {
        return false;
    }
    *out = text.data;
    return true;
}

static bool if_not_exists(ps_parser *parser, bool *out)
{
    *out = ps_parser_accept_words(parser, PS_KW_IF, PS_KW_NOT);
    return !*out || ps_parser_expect_word(parser, PS_KW_EXISTS);
}

/* ── CREATE TABLE: columns ── */

/* [CONSTRAINT n] PRIMARY KEY [(a, b)] NOT ENFORCED; columns NULL: of one column. */
static bool primary_key_read(ps_parser *parser, ps_ast_names *columns)
{
    ps_ast_name ignored;
    if (ps_parser_accept_word(parser, PS_KW_CONSTRAINT) &&
        !ps_parser_name(parser, "the constraint's name", &ignored)) {
        return false;
    }
    if (ps_parser_is_word(parser, PS_KW_UNIQUE)) {
        return ps_parser_unsupported(parser, "UNIQUE");
    }
    ps_sql_span from = ps_parser_here(parser);
    if (!ps_parser_expect_word(parser, PS_KW_PRIMARY) ||
        !ps_parser_expect_word(parser, PS_KW_KEY)) {
        return false;
    }
    if (columns != NULL && !ps_parser_name_list(parser, "a column name", columns)) {
        return false;
    }
    if (!ps_parser_accept_words(parser, PS_KW_NOT, PS_KW_ENFORCED)) {
        ps_parser_fail(parser, PS_E_INVALID, ps_parser_span(parser, from),
                       "a primary key cannot be enforced here");
        return ps_parser_hint(parser, "write PRIMARY KEY … NOT ENFORCED");
    }
    return true;
}

static bool is_constraint(ps_parser *parser)
{
    return ps_parser_is_word(parser, PS_KW_CONSTRAINT) ||
           ps_parser_is_word(parser, PS_KW_PRIMARY) || ps_parser_is_word(parser, PS_KW_UNIQUE);
}

/* METADATA [FROM 'k'] [VIRTUAL] */
static bool metadata_read(ps_parser *parser, ps_ast_column *column)
{
    column->kind = PS_AST_COLUMN_METADATA;
    if (ps_parser_accept_word(parser, PS_KW_FROM)) {
        ps_slice key;
        if (!ps_parser_string(parser, "the metadata key in quotes", &key)) {
            return false;
        }
        column->metadata_key = key.data;
    }
    column->is_virtual = ps_parser_accept_word(parser, PS_KW_VIRTUAL);
    return true;
}

static bool column_rest(ps_parser *parser, ps_ast_column *column)
{
    if (ps_parser_accept_word(parser, PS_KW_AS)) {
        column->kind = PS_AST_COLUMN_COMPUTED;
        column->expr = ps_parser_expr(parser);
        return column->expr != NULL && comment_read(parser, &column->comment);
    }
    column->type = ps_parser_type(parser);
    if (column->type == NULL) {
        return false;
    }
    if (ps_parser_accept_word(parser, PS_KW_METADATA)) {
        return metadata_read(parser, column) && comment_read(parser, &column->comment);
    }
    if (is_constraint(parser)) {
        column->is_primary_key = true;
        if (!primary_key_read(parser, NULL)) {
            return false;
        }
    }
    return comment_read(parser, &column->comment);
}

static bool column_read(ps_parser *parser, ps_ast_create_table *table)
{
    ps_ast_column *columns =
        ps_parser_push(parser, table->columns, table->column_count, sizeof *columns);
    if (columns == NULL) {
        return false;
    }
    table->columns = columns;
    ps_ast_column *column = &columns[table->column_count];
    *column = (ps_ast_column){.at = ps_parser_here(parser)};
    if (!ps_parser_name(parser, "a column name", &column->name) || !column_rest(parser, column)) {
        return false;
    }
    column->at = ps_parser_span(parser, column->at);
    table->column_count++;
    return true;
}

/* WATERMARK FOR c AS expr */
static bool watermark_read(ps_parser *parser, ps_ast_create_table *table)
{
    ps_sql_span from = ps_parser_advance(parser).at;
    if (table->watermark != NULL) {
        return ps_parser_fail(parser, PS_E_INVALID, from, "a table has one WATERMARK at most");
    }
    ps_ast_watermark *watermark = ps_parser_take(parser, sizeof *watermark);
    if (watermark == NULL || !ps_parser_expect_word(parser, PS_KW_FOR) ||
        !ps_parser_path(parser, "a column name", &watermark->column) ||
        !ps_parser_expect_word(parser, PS_KW_AS)) {
        return false;
    }
    watermark->expr = ps_parser_expr(parser);
    if (watermark->expr == NULL) {
        return false;
    }
    watermark->at = ps_parser_span(parser, from);
    table->watermark = watermark;
    return true;
}

static bool table_constraint_read(ps_parser *parser, ps_ast_create_table *table)
{
    ps_sql_span from = ps_parser_here(parser);
    if (table->primary_key.count > 0) {
        return ps_parser_fail(parser, PS_E_INVALID, from, "a table has one PRIMARY KEY at most");
    }
    if (!primary_key_read(parser, &table->primary_key)) {
        return false;
    }
    table->primary_key_at = ps_parser_span(parser, from);
    return true;
}

static bool element_read(ps_parser *parser, ps_ast_create_table *table)
{
    if (is_constraint(parser)) {
        return table_constraint_read(parser, table);
    }
    if (ps_parser_is_word(parser, PS_KW_WATERMARK)) {
        return watermark_read(parser, table);
    }
    return column_read(parser, table);
}

/* (a, b): names without types, of CREATE TABLE … AS. */
static bool is_name_list(ps_parser *parser)
{
    ps_token_kind behind = ps_parser_peek(parser, 2)->kind;
    return ps_parser_is_name(parser, 1) && (behind == PS_TOKEN_COMMA || behind == PS_TOKEN_RIGHT);
}

static bool elements_read(ps_parser *parser, ps_ast_create_table *table)
{
    if (!ps_parser_is(parser, PS_TOKEN_LEFT)) {
        return true;
    }
    if (is_name_list(parser)) {
        return ps_parser_name_list(parser, "a column name", &table->names);
    }
    ps_parser_advance(parser);
    do {
        if (!element_read(parser, table)) {
            return false;
        }
    } while (ps_parser_accept(parser, PS_TOKEN_COMMA));
    return ps_parser_expect(parser, PS_TOKEN_RIGHT, "`,` or `)`");
}

/* ── CREATE TABLE: LIKE ── */

static bool like_feature(ps_parser *parser, ps_ast_like_feature *out)
{
    static const struct {
        ps_keyword keyword;
        ps_ast_like_feature feature;
    } features[] = {
        {PS_KW_ALL, PS_AST_LIKE_ALL},
        {PS_KW_CONSTRAINTS, PS_AST_LIKE_CONSTRAINTS},
        {PS_KW_GENERATED, PS_AST_LIKE_GENERATED},
        {PS_KW_METADATA, PS_AST_LIKE_METADATA},
        {PS_KW_OPTIONS, PS_AST_LIKE_OPTIONS},
        {PS_KW_PARTITIONS, PS_AST_LIKE_PARTITIONS},
        {PS_KW_WATERMARKS, PS_AST_LIKE_WATERMARKS},
        {PS_KW_DISTRIBUTION, PS_AST_LIKE_DISTRIBUTION},
    };
    for (size_t i = 0; i < sizeof features / sizeof features[0]; i++) {
        if (ps_parser_accept_word(parser, features[i].keyword)) {
            *out = features[i].feature;
            return true;
        }
    }
    return ps_parser_unexpected(parser, "ALL, OPTIONS, WATERMARKS or another part of a table");
}

static bool like_option(ps_parser *parser, ps_ast_like_option *option)
{
    ps_sql_span from = ps_parser_here(parser);
    if (ps_parser_accept_word(parser, PS_KW_INCLUDING)) {
        option->action = PS_AST_LIKE_INCLUDING;
    } else if (ps_parser_accept_word(parser, PS_KW_EXCLUDING)) {
        option->action = PS_AST_LIKE_EXCLUDING;
    } else if (ps_parser_accept_word(parser, PS_KW_OVERWRITING)) {
        option->action = PS_AST_LIKE_OVERWRITING;
    } else {
        return ps_parser_unexpected(parser, "INCLUDING, EXCLUDING or OVERWRITING");
    }
    if (!like_feature(parser, &option->feature)) {
        return false;
    }
    option->at = ps_parser_span(parser, from);
    return true;
}

/* LIKE t [(INCLUDING … EXCLUDING …)] */
static bool like_read(ps_parser *parser, ps_ast_create_table *table)
{
    if (!ps_parser_path(parser, "a table name", &table->like)) {
        return false;
    }
    if (!ps_parser_accept(parser, PS_TOKEN_LEFT)) {
        return true;
    }
    while (!ps_parser_accept(parser, PS_TOKEN_RIGHT)) {
        ps_ast_like_option *options =
            ps_parser_push(parser, table->like_options, table->like_option_count, sizeof *options);
        if (options == NULL) {
            return false;
        }
        table->like_options = options;
        if (!like_option(parser, &options[table->like_option_count])) {
            return false;
        }
        table->like_option_count++;
    }
    return true;
}

/* ── CREATE ── */

static bool create_table_tail(ps_parser *parser, ps_ast_create_table *table)
{
    if (!comment_read(parser, &table->comment)) {
        return false;
    }
    if (ps_parser_is_word(parser, PS_KW_DISTRIBUTED)) {
        return ps_parser_unsupported(parser, "DISTRIBUTED BY");
    }
    if (ps_parser_accept_words(parser, PS_KW_PARTITIONED, PS_KW_BY) &&
        !ps_parser_name_list(parser, "a column name", &table->partitioned_by)) {
        return false;
    }
    if (ps_parser_accept_word(parser, PS_KW_WITH) && !ps_parser_options(parser, &table->options)) {
        return false;
    }
    if (ps_parser_accept_word(parser, PS_KW_LIKE)) {
        return table->names.count > 0 ? ps_parser_unexpected(parser, "AS and a query")
                                      : like_read(parser, table);
    }
    if (ps_parser_accept_word(parser, PS_KW_AS)) {
        table->query = ps_parser_query(parser);
        return table->query != NULL;
    }
    if (table->names.count > 0) {
        ps_parser_fail(parser, PS_E_INVALID, table->names.items[0].at, "this column has no type");
        return ps_parser_hint(parser, "columns without types are for CREATE TABLE … AS only");
    }
    return true;
}

static ps_ast_statement *create_table(ps_parser *parser, bool is_temporary)
{
    ps_ast_statement *statement = new_statement(parser, PS_AST_STATEMENT_CREATE_TABLE);
    ps_ast_create_table *table = statement != NULL ? ps_parser_take(parser, sizeof *table) : NULL;
    if (table == NULL) {
        return NULL;
    }
    statement->create_table = table;
    table->is_temporary = is_temporary;
    bool done = if_not_exists(parser, &table->if_not_exists) &&
                ps_parser_path(parser, "a table name", &table->path) &&
                elements_read(parser, table) && create_table_tail(parser, table);
    return done ? statement : NULL;
}

static ps_ast_statement *create_view(ps_parser *parser, bool is_temporary)
{
    ps_ast_statement *statement = new_statement(parser, PS_AST_STATEMENT_CREATE_VIEW);
    ps_ast_create_view *view = statement != NULL ? ps_parser_take(parser, sizeof *view) : NULL;
    if (view == NULL) {
        return NULL;
    }
    statement->create_view = view;
    view->is_temporary = is_temporary;
    if (!if_not_exists(parser, &view->if_not_exists) ||
        !ps_parser_path(parser, "a view name", &view->path)) {
        return NULL;
    }
    if (ps_parser_is(parser, PS_TOKEN_LEFT) &&
        !ps_parser_name_list(parser, "a column name", &view->columns)) {
        return NULL;
    }
    if (!comment_read(parser, &view->comment) || !ps_parser_expect_word(parser, PS_KW_AS)) {
        return NULL;
    }
    ps_sql_span from = ps_parser_here(parser);
    view->query = ps_parser_query(parser);
    view->query_at = ps_parser_span(parser, from);
    return view->query != NULL ? statement : NULL;
}

/* AS 'symbol' [LANGUAGE name] [USING JAR | LIBRARY 'file'] */
static bool function_tail(ps_parser *parser, ps_ast_create_function *function)
{
    if (!ps_parser_expect_word(parser, PS_KW_AS) ||
        !ps_parser_string(parser, "the function's class or symbol in quotes", &function->symbol)) {
        return false;
    }
    if (ps_parser_accept_word(parser, PS_KW_LANGUAGE)) {
        ps_token token = *ps_parser_peek(parser, 0);
        if (token.kind != PS_TOKEN_WORD) {
            return ps_parser_unexpected(parser, "the name of a language");
        }
        ps_parser_advance(parser);
        char *text = ps_parser_take(parser, token.text.size + 1);
        if (text == NULL) {
            return false;
        }
        memcpy(text, token.text.data, token.text.size);
        function->language = (ps_slice){text, token.text.size};
    }
    if (!ps_parser_accept_word(parser, PS_KW_USING)) {
        return true;
    }
    function->is_jar = ps_parser_accept_word(parser, PS_KW_JAR);
    if (!function->is_jar && !ps_parser_accept_word(parser, PS_KW_LIBRARY)) {
        return ps_parser_unexpected(parser, "JAR or LIBRARY");
    }
    return ps_parser_string(parser, "the file's name in quotes", &function->library);
}

static ps_ast_statement *create_function(ps_parser *parser, bool is_temporary, bool is_system)
{
    ps_ast_statement *statement = new_statement(parser, PS_AST_STATEMENT_CREATE_FUNCTION);
    ps_ast_create_function *function =
        statement != NULL ? ps_parser_take(parser, sizeof *function) : NULL;
    if (function == NULL) {
        return NULL;
    }
    statement->create_function = function;
    function->is_temporary = is_temporary;
    function->is_system = is_system;
    bool done = if_not_exists(parser, &function->if_not_exists) &&
                ps_parser_path(parser, "a function name", &function->path) &&
                function_tail(parser, function);
    return done ? statement : NULL;
}

static ps_ast_statement *create_statement(ps_parser *parser)
{
    ps_parser_advance(parser);
    if (ps_parser_is_word(parser, PS_KW_OR)) {
        ps_parser_unsupported(parser, "CREATE OR REPLACE");
        return NULL;
    }
    bool is_temporary = ps_parser_accept_word(parser, PS_KW_TEMPORARY);
    bool is_system = is_temporary && ps_parser_accept_word(parser, PS_KW_SYSTEM);
    if (ps_parser_accept_word(parser, PS_KW_FUNCTION)) {
        return create_function(parser, is_temporary, is_system);
    }
    if (!is_system && ps_parser_accept_word(parser, PS_KW_TABLE)) {
        return create_table(parser, is_temporary);
    }
    if (!is_system && ps_parser_accept_word(parser, PS_KW_VIEW)) {
        return create_view(parser, is_temporary);
    }
    static const struct {
        ps_keyword keyword;
        const char *what;
    } others[] = {
        {PS_KW_CATALOG, "CREATE CATALOG"},       {PS_KW_DATABASE, "CREATE DATABASE"},
        {PS_KW_MODEL, "CREATE MODEL"},           {PS_KW_MATERIALIZED, "CREATE MATERIALIZED TABLE"},
        {PS_KW_CONNECTION, "CREATE CONNECTION"},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (ps_parser_is_word(parser, others[i].keyword)) {
            ps_parser_unsupported(parser, others[i].what);
            return NULL;
        }
    }
    ps_parser_unexpected(parser, "TABLE, VIEW or FUNCTION");
    return NULL;
}

static ps_ast_statement *drop_statement(ps_parser *parser)
{
    ps_parser_advance(parser);
    ps_ast_statement *statement = new_statement(parser, PS_AST_STATEMENT_DROP);
    ps_ast_drop *drop = statement != NULL ? ps_parser_take(parser, sizeof *drop) : NULL;
    if (drop == NULL) {
        return NULL;
    }
    statement->drop = drop;
    drop->is_temporary = ps_parser_accept_word(parser, PS_KW_TEMPORARY);
    if (ps_parser_accept_word(parser, PS_KW_TABLE)) {
        drop->object = PS_AST_OBJECT_TABLE;
    } else if (ps_parser_accept_word(parser, PS_KW_VIEW)) {
        drop->object = PS_AST_OBJECT_VIEW;
    } else {
        if (drop->is_temporary) {
            ps_parser_accept_word(parser, PS_KW_SYSTEM);
        }
        drop->object = PS_AST_OBJECT_FUNCTION;
        if (!ps_parser_accept_word(parser, PS_KW_FUNCTION)) {
            ps_parser_unexpected(parser, "TABLE, VIEW or FUNCTION");
            return NULL;
        }
    }
    drop->if_exists = ps_parser_accept_words(parser, PS_KW_IF, PS_KW_EXISTS);
    return ps_parser_path(parser, "a name", &drop->path) ? statement : NULL;
}

/* ── INSERT ── */

/* (k = literal, …) */
static bool partition_read(ps_parser *parser, ps_ast_insert *insert)
{
    if (!ps_parser_expect(parser, PS_TOKEN_LEFT, "`(`")) {
        return false;
    }
    do {
        ps_ast_definition *items =
            ps_parser_push(parser, insert->partition, insert->partition_count, sizeof *items);
        if (items == NULL) {
            return false;
        }
        insert->partition = items;
        ps_ast_definition *one = &items[insert->partition_count];
        if (!ps_parser_name(parser, "a column name", &one->name) ||
            !ps_parser_expect(parser, PS_TOKEN_EQ, "`=`")) {
            return false;
        }
        one->expr = ps_parser_expr(parser);
        if (one->expr == NULL) {
            return false;
        }
        insert->partition_count++;
    } while (ps_parser_accept(parser, PS_TOKEN_COMMA));
    return ps_parser_expect(parser, PS_TOKEN_RIGHT, "`,` or `)`");
}

static bool insert_read(ps_parser *parser, ps_ast_insert *insert)
{
    insert->is_overwrite = ps_parser_accept_word(parser, PS_KW_OVERWRITE);
    if (!insert->is_overwrite && !ps_parser_expect_word(parser, PS_KW_INTO)) {
        return false;
    }
    if (!ps_parser_path(parser, "a table name", &insert->path) ||
        !ps_parser_hints(parser, &insert->hints)) {
        return false;
    }
    if (ps_parser_accept_word(parser, PS_KW_PARTITION) && !partition_read(parser, insert)) {
        return false;
    }
    /* `(` begins the columns, or a query in parentheses */
    bool has_columns = ps_parser_is(parser, PS_TOKEN_LEFT) && ps_parser_is_name(parser, 1);
    if (has_columns && !ps_parser_name_list(parser, "a column name", &insert->columns)) {
        return false;
    }
    insert->query = ps_parser_query(parser);
    return insert->query != NULL;
}

static ps_ast_statement *insert_statement(ps_parser *parser)
{
    ps_sql_span from = ps_parser_advance(parser).at;
    ps_ast_statement *statement = new_statement(parser, PS_AST_STATEMENT_INSERT);
    ps_ast_insert *insert = statement != NULL ? ps_parser_take(parser, sizeof *insert) : NULL;
    if (insert == NULL || !insert_read(parser, insert)) {
        return NULL;
    }
    statement->insert = insert;
    statement->at = ps_parser_span(parser, from);
    return statement;
}

/* Behind BEGIN, or behind BEGIN STATEMENT SET; : INSERT …; … END */
static ps_ast_statement *set_block(ps_parser *parser)
{
    ps_ast_statement *statement = new_statement(parser, PS_AST_STATEMENT_SET);
    if (statement == NULL) {
        return NULL;
    }
    ps_ast_statement_set *set = &statement->statement_set;
    parser->is_in_set = true;
    do {
        if (!ps_parser_is_word(parser, PS_KW_INSERT)) {
            ps_parser_unexpected(parser, "INSERT");
            return NULL;
        }
        ps_ast_statement *one = insert_statement(parser);
        ps_ast_statement **items = ps_parser_push(parser, set->items, set->count, sizeof *items);
        if (one == NULL || items == NULL ||
            !ps_parser_expect(parser, PS_TOKEN_SEMICOLON, "`;` behind the INSERT")) {
            return NULL;
        }
        items[set->count++] = one;
        set->items = items;
    } while (!ps_parser_accept_word(parser, PS_KW_END));
    parser->is_in_set = false;
    return statement;
}

/* STATEMENT SET BEGIN … END, behind EXECUTE or EXPLAIN. */
static ps_ast_statement *statement_set(ps_parser *parser)
{
    parser->is_in_set = true;
    if (!ps_parser_expect_word(parser, PS_KW_STATEMENT) ||
        !ps_parser_expect_word(parser, PS_KW_SET) || !ps_parser_expect_word(parser, PS_KW_BEGIN)) {
        return NULL;
    }
    return set_block(parser);
}

/* BEGIN STATEMENT SET; … END */
static ps_ast_statement *begin_statement(ps_parser *parser)
{
    ps_parser_advance(parser);
    if (!ps_parser_expect_word(parser, PS_KW_STATEMENT)) {
        return NULL;
    }
    parser->is_in_set = true;
    if (!ps_parser_expect_word(parser, PS_KW_SET) ||
        !ps_parser_expect(parser, PS_TOKEN_SEMICOLON, "`;`")) {
        return NULL;
    }
    return set_block(parser);
}

/* ── queries and what stands in front of them ── */

static ps_ast_statement *query_statement(ps_parser *parser)
{
    ps_sql_span from = ps_parser_here(parser);
    ps_ast_statement *statement = new_statement(parser, PS_AST_STATEMENT_QUERY);
    if (statement == NULL) {
        return NULL;
    }
    statement->query = ps_parser_query(parser);
    statement->at = ps_parser_span(parser, from);
    return statement->query != NULL ? statement : NULL;
}

/* EXECUTE STATEMENT SET …, EXECUTE INSERT …, EXECUTE SELECT … */
static ps_ast_statement *execute_statement(ps_parser *parser)
{
    ps_parser_advance(parser);
    if (ps_parser_is_word(parser, PS_KW_STATEMENT)) {
        return statement_set(parser);
    }
    if (ps_parser_is_word(parser, PS_KW_INSERT)) {
        return insert_statement(parser);
    }
    if (ps_parser_is_word(parser, PS_KW_PLAN)) {
        ps_parser_unsupported(parser, "EXECUTE PLAN");
        return NULL;
    }
    return query_statement(parser);
}

static bool is_explain_detail(ps_parser *parser)
{
    return ps_parser_is_word(parser, PS_KW_ESTIMATED_COST) ||
           ps_parser_is_word(parser, PS_KW_CHANGELOG_MODE) ||
           ps_parser_is_word(parser, PS_KW_JSON_EXECUTION_PLAN) ||
           ps_parser_is_word(parser, PS_KW_PLAN_ADVICE);
}

static bool explain_details(ps_parser *parser, ps_ast_explain *explain)
{
    uint32_t reserved_before = parser->reserved_count;
    ps_ast_names details = {0};
    do {
        ps_ast_name name;
        if (!is_explain_detail(parser)) {
            return ps_parser_unexpected(parser, "another detail of EXPLAIN");
        }
        if (!ps_parser_name(parser, "a detail", &name) ||
            !ps_parser_push_name(parser, &details, name)) {
            return false;
        }
    } while (ps_parser_accept(parser, PS_TOKEN_COMMA));
    parser->reserved_count = reserved_before;
    explain->detail_count = details.count;
    explain->details = details.items;
    return true;
}

/* EXPLAIN [PLAN FOR | details] query, INSERT, STATEMENT SET */
static ps_ast_statement *explain_statement(ps_parser *parser)
{
    ps_parser_advance(parser);
    ps_ast_statement *statement = new_statement(parser, PS_AST_STATEMENT_EXPLAIN);
    ps_ast_explain *explain = statement != NULL ? ps_parser_take(parser, sizeof *explain) : NULL;
    if (explain == NULL) {
        return NULL;
    }
    statement->explain = explain;
    if (ps_parser_accept_word(parser, PS_KW_PLAN)) {
        if (!ps_parser_expect_word(parser, PS_KW_FOR)) {
            return NULL;
        }
    } else if (is_explain_detail(parser) && !explain_details(parser, explain)) {
        return NULL;
    }
    ps_sql_span from = ps_parser_here(parser);
    if (ps_parser_is_word(parser, PS_KW_INSERT)) {
        explain->statement = insert_statement(parser);
    } else if (ps_parser_is_word(parser, PS_KW_EXECUTE)) {
        explain->statement = execute_statement(parser);
    } else if (ps_parser_is_word(parser, PS_KW_STATEMENT)) {
        explain->statement = statement_set(parser);
    } else {
        explain->statement = query_statement(parser);
    }
    if (explain->statement == NULL) {
        return NULL;
    }
    explain->statement->at = ps_parser_span(parser, from);
    return statement;
}

/* ── SET, SHOW, DESCRIBE ── */

/* SET 'k' = 'v', SET, RESET 'k', RESET */
static ps_ast_statement *assign_statement(ps_parser *parser, ps_ast_statement_kind kind)
{
    ps_parser_advance(parser);
    ps_ast_statement *statement = new_statement(parser, kind);
    if (statement == NULL) {
        return NULL;
    }
    ps_ast_option *option = &statement->option;
    if (ps_parser_is(parser, PS_TOKEN_SEMICOLON) || ps_parser_is(parser, PS_TOKEN_END)) {
        return statement;
    }
    option->at = ps_parser_here(parser);
    if (!ps_parser_string(parser, "a key in quotes", &option->key)) {
        if (ps_parser_is_name(parser, 0)) {
            ps_parser_hint(parser, kind == PS_AST_STATEMENT_RESET ? "write RESET 'key'"
                                                                  : "write SET 'key' = 'value'");
        }
        return NULL;
    }
    if (kind == PS_AST_STATEMENT_RESET) {
        return statement;
    }
    if (!ps_parser_expect(parser, PS_TOKEN_EQ, "`=`")) {
        return NULL;
    }
    option->value_at = ps_parser_here(parser);
    return ps_parser_string(parser, "the value in quotes", &option->value) ? statement : NULL;
}

/* Behind SHOW CREATE, and behind SHOW COLUMNS FROM. */
static bool show_path(ps_parser *parser, ps_ast_show *show)
{
    return ps_parser_path(parser, "a table name", &show->path);
}

static bool show_create(ps_parser *parser, ps_ast_show *show)
{
    if (ps_parser_accept_word(parser, PS_KW_TABLE)) {
        show->kind = PS_AST_SHOW_CREATE_TABLE;
    } else if (ps_parser_accept_word(parser, PS_KW_VIEW)) {
        show->kind = PS_AST_SHOW_CREATE_VIEW;
    } else {
        return ps_parser_unexpected(parser, "TABLE or VIEW");
    }
    return show_path(parser, show);
}

static bool show_columns(ps_parser *parser, ps_ast_show *show)
{
    show->kind = PS_AST_SHOW_COLUMNS;
    if (!ps_parser_accept_word(parser, PS_KW_IN) && !ps_parser_expect_word(parser, PS_KW_FROM)) {
        return false;
    }
    return show_path(parser, show);
}

static bool show_read(ps_parser *parser, ps_ast_show *show)
{
    if (ps_parser_accept_word(parser, PS_KW_CREATE)) {
        return show_create(parser, show);
    }
    if (ps_parser_accept_word(parser, PS_KW_COLUMNS)) {
        return show_columns(parser, show);
    }
    if (ps_parser_accept_word(parser, PS_KW_TABLES)) {
        show->kind = PS_AST_SHOW_TABLES;
    } else if (ps_parser_accept_word(parser, PS_KW_VIEWS)) {
        show->kind = PS_AST_SHOW_VIEWS;
    } else if (ps_parser_accept_word(parser, PS_KW_FUNCTIONS)) {
        show->kind = PS_AST_SHOW_FUNCTIONS;
    } else {
        return ps_parser_unexpected(
            parser, "TABLES, VIEWS, FUNCTIONS, COLUMNS, CREATE TABLE or CREATE VIEW");
    }
    return true;
}

static ps_ast_statement *show_statement(ps_parser *parser)
{
    ps_parser_advance(parser);
    ps_ast_statement *statement = new_statement(parser, PS_AST_STATEMENT_SHOW);
    if (statement == NULL || !show_read(parser, &statement->show)) {
        return NULL;
    }
    if (ps_parser_is_word(parser, PS_KW_LIKE) || ps_parser_is_word(parser, PS_KW_NOT)) {
        ps_parser_unsupported(parser, "SHOW … LIKE");
        return NULL;
    }
    return statement;
}

static ps_ast_statement *describe_statement(ps_parser *parser)
{
    bool is_desc = ps_parser_advance(parser).keyword == PS_KW_DESC;
    if (ps_parser_is_word(parser, PS_KW_EXTENDED)) {
        ps_parser_unsupported(parser, "DESCRIBE EXTENDED");
        return NULL;
    }
    if (!is_desc) {
        ps_parser_accept_word(parser, PS_KW_TABLE);
    }
    ps_ast_statement *statement = new_statement(parser, PS_AST_STATEMENT_DESCRIBE);
    if (statement == NULL || !ps_parser_path(parser, "a table name", &statement->path)) {
        return NULL;
    }
    return statement;
}

/* ── which statement ── */

static ps_ast_statement *known_statement(ps_parser *parser, ps_keyword keyword)
{
    if (keyword == PS_KW_CREATE) {
        return create_statement(parser);
    }
    if (keyword == PS_KW_DROP) {
        return drop_statement(parser);
    }
    if (keyword == PS_KW_INSERT) {
        return insert_statement(parser);
    }
    if (keyword == PS_KW_EXECUTE) {
        return execute_statement(parser);
    }
    if (keyword == PS_KW_BEGIN) {
        return begin_statement(parser);
    }
    if (keyword == PS_KW_SET) {
        return assign_statement(parser, PS_AST_STATEMENT_ASSIGN);
    }
    if (keyword == PS_KW_RESET) {
        return assign_statement(parser, PS_AST_STATEMENT_RESET);
    }
    if (keyword == PS_KW_EXPLAIN) {
        return explain_statement(parser);
    }
    if (keyword == PS_KW_SHOW) {
        return show_statement(parser);
    }
    return describe_statement(parser);
}

static const ps_keyword known_words[] = {
    PS_KW_CREATE,   PS_KW_DROP,   PS_KW_INSERT, PS_KW_EXECUTE, PS_KW_BEGIN,
    PS_KW_SET,      PS_KW_RESET,  PS_KW_SHOW,   PS_KW_EXPLAIN, PS_KW_DESC,
    PS_KW_DESCRIBE, PS_KW_SELECT, PS_KW_WITH,   PS_KW_TABLE,   PS_KW_VALUES,
};

/* Statements of Flink that we have no use for. */
static const ps_keyword refused_words[] = {
    PS_KW_ALTER,  PS_KW_USE,      PS_KW_LOAD,   PS_KW_UNLOAD,  PS_KW_ANALYZE,
    PS_KW_CALL,   PS_KW_ADD,      PS_KW_REMOVE, PS_KW_COMPILE, PS_KW_DELETE,
    PS_KW_UPDATE, PS_KW_MERGE,    PS_KW_UPSERT, PS_KW_STOP,    PS_KW_TRUNCATE,
    PS_KW_COMMIT, PS_KW_ROLLBACK, PS_KW_GRANT,  PS_KW_REPLACE,
};

enum { KNOWN_COUNT = sizeof known_words / sizeof known_words[0] };

static bool unknown_statement(ps_parser *parser)
{
    const ps_token *token = ps_parser_peek(parser, 0);
    for (size_t i = 0; i < sizeof refused_words / sizeof refused_words[0]; i++) {
        if (refused_words[i] == token->keyword) {
            return ps_parser_unsupported(parser, ps_keyword_text(token->keyword));
        }
    }
    ps_parser_unexpected(parser, "a statement");
    if (token->kind != PS_TOKEN_WORD) {
        return false;
    }
    ps_slice names[KNOWN_COUNT];
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        names[i] = ps_slice_text(ps_keyword_text(known_words[i]));
    }
    ps_slice nearest = ps_name_nearest(token->text, KNOWN_COUNT, names);
    parser->error.hint[0] = 0; /* that it is a reserved word does not help here */
    return nearest.size > 0 &&
           ps_parser_hint(parser, "did you mean %.*s?", (int)nearest.size, nearest.data);
}

ps_ast_statement *ps_parser_statement(ps_parser *parser)
{
    ps_sql_span from = ps_parser_here(parser);
    ps_keyword keyword = ps_parser_peek(parser, 0)->keyword;
    bool is_query = ps_parser_is_query(parser, 0) || ps_parser_is(parser, PS_TOKEN_LEFT) ||
                    keyword == PS_KW_TABLE;
    bool is_known = false;
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        is_known = is_known || (keyword == known_words[i]);
    }
    ps_ast_statement *statement = NULL;
    if (is_query) {
        statement = query_statement(parser);
    } else if (is_known) {
        statement = known_statement(parser, keyword);
    } else {
        unknown_statement(parser);
    }
    if (statement != NULL) {
        statement->at = ps_parser_span(parser, from);
    }
    return statement;
}
