/* CREATE TABLE, VIEW and FUNCTION. */
#include "sql/parser_internal.h"

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
    ps_ast_statement *statement = ps_parser_new_statement(parser, PS_AST_STATEMENT_CREATE_TABLE);
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
    ps_ast_statement *statement = ps_parser_new_statement(parser, PS_AST_STATEMENT_CREATE_VIEW);
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
    ps_ast_statement *statement = ps_parser_new_statement(parser, PS_AST_STATEMENT_CREATE_FUNCTION);
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

ps_ast_statement *ps_parser_create(ps_parser *parser)
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
