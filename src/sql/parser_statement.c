/* Statements; CREATE is in parser_create.c. */
#include "sql/catalog.h"
#include "sql/parser_internal.h"

ps_ast_statement *ps_parser_new_statement(ps_parser *parser, ps_ast_statement_kind kind)
{
    ps_ast_statement *statement = ps_parser_take(parser, sizeof *statement);
    if (statement != NULL) {
        statement->kind = kind;
    }
    return statement;
}

static ps_ast_statement *drop_statement(ps_parser *parser)
{
    ps_parser_advance(parser);
    ps_ast_statement *statement = ps_parser_new_statement(parser, PS_AST_STATEMENT_DROP);
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
    ps_ast_statement *statement = ps_parser_new_statement(parser, PS_AST_STATEMENT_INSERT);
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
    ps_ast_statement *statement = ps_parser_new_statement(parser, PS_AST_STATEMENT_SET);
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
    ps_ast_statement *statement = ps_parser_new_statement(parser, PS_AST_STATEMENT_QUERY);
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
    ps_ast_statement *statement = ps_parser_new_statement(parser, PS_AST_STATEMENT_EXPLAIN);
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
    ps_ast_statement *statement = ps_parser_new_statement(parser, kind);
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
    ps_ast_statement *statement = ps_parser_new_statement(parser, PS_AST_STATEMENT_SHOW);
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
    ps_ast_statement *statement = ps_parser_new_statement(parser, PS_AST_STATEMENT_DESCRIBE);
    if (statement == NULL || !ps_parser_path(parser, "a table name", &statement->path)) {
        return NULL;
    }
    return statement;
}

/* ── which statement ── */

static ps_ast_statement *known_statement(ps_parser *parser, ps_keyword keyword)
{
    if (keyword == PS_KW_CREATE) {
        return ps_parser_create(parser);
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
