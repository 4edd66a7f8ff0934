/* FROM: tables, functions, UNNEST, subqueries, joins. */
#include "sql/parser_internal.h"

static ps_ast_from *join_chain(ps_parser *parser);

static ps_ast_from *new_from(ps_parser *parser, ps_ast_from_kind kind, ps_sql_span at)
{
    ps_ast_from *from = ps_parser_take(parser, sizeof *from);
    if (from != NULL) {
        from->kind = kind;
        from->at = ps_parser_span(parser, at);
    }
    return from;
}

/* ── leaves ── */

/* Behind `TABLE (`, or bare: f(…) */
static ps_ast_from *function_from(ps_parser *parser, ps_sql_span at)
{
    ps_ast_names name = {0};
    if (!ps_parser_path(parser, "the name of a table function", &name)) {
        return NULL;
    }
    ps_ast_expr *call = ps_parser_call(parser, &name);
    ps_ast_from *from = call != NULL ? new_from(parser, PS_AST_FROM_FUNCTION, at) : NULL;
    if (from != NULL) {
        from->call = call;
    }
    return from;
}

/* TABLE(f(…)) */
static ps_ast_from *table_function(ps_parser *parser)
{
    ps_sql_span at = ps_parser_advance(parser).at;
    if (!ps_parser_expect(parser, PS_TOKEN_LEFT, "`(` and a table function")) {
        return NULL;
    }
    ps_ast_from *from = function_from(parser, at);
    if (from == NULL || !ps_parser_expect(parser, PS_TOKEN_RIGHT, "`)`")) {
        return NULL;
    }
    return from;
}

/* UNNEST(e) [WITH ORDINALITY] */
static ps_ast_from *unnest_from(ps_parser *parser)
{
    ps_sql_span at = ps_parser_advance(parser).at;
    ps_ast_from *from = new_from(parser, PS_AST_FROM_UNNEST, at);
    if (from == NULL || !ps_parser_expect(parser, PS_TOKEN_LEFT, "`(`")) {
        return NULL;
    }
    from->unnest.expr = ps_parser_expr(parser);
    if (from->unnest.expr == NULL) {
        return NULL;
    }
    if (ps_parser_is(parser, PS_TOKEN_COMMA)) {
        ps_parser_unsupported(parser, "UNNEST of more than one value");
        return NULL;
    }
    if (!ps_parser_expect(parser, PS_TOKEN_RIGHT, "`)`")) {
        return NULL;
    }
    from->unnest.with_ordinality = ps_parser_accept_words(parser, PS_KW_WITH, PS_KW_ORDINALITY);
    return from;
}

static ps_ast_from *query_from(ps_parser *parser, ps_ast_query *query, ps_sql_span at)
{
    if (query == NULL || !ps_parser_expect(parser, PS_TOKEN_RIGHT, "`)` to end the query")) {
        return NULL;
    }
    ps_ast_from *from = new_from(parser, PS_AST_FROM_QUERY, at);
    if (from != NULL) {
        from->query = query;
    }
    return from;
}

static bool is_bare_query(const ps_ast_from *from)
{
    return from->kind == PS_AST_FROM_QUERY && from->alias.size == 0 && !from->is_lateral;
}

/* (query), (a JOIN b ON …). What begins with `((` is read as a join first; when it turns out to be
 * one query, that is the left side of what follows. */
static ps_ast_from *parenthesised(ps_parser *parser)
{
    ps_sql_span at = ps_parser_advance(parser).at;
    bool is_table =
        ps_parser_is_word(parser, PS_KW_TABLE) && ps_parser_peek(parser, 1)->kind != PS_TOKEN_LEFT;
    if (ps_parser_is_query(parser, 0) || is_table) {
        return query_from(parser, ps_parser_query(parser), at);
    }
    ps_ast_from *from = join_chain(parser);
    if (from == NULL) {
        return NULL;
    }
    if (is_bare_query(from)) {
        return query_from(parser, ps_parser_query_rest(parser, from->query), at);
    }
    if (!ps_parser_expect(parser, PS_TOKEN_RIGHT, "`)`")) {
        return NULL;
    }
    if (from->kind != PS_AST_FROM_JOIN) {
        ps_parser_fail(parser, PS_E_INVALID, from->at, "expected a query or a join in parentheses");
        ps_parser_hint(parser, "leave the parentheses out");
        return NULL;
    }
    from->is_parenthesised = true;
    from->at = ps_parser_span(parser, at);
    return from;
}

static ps_ast_from *named_table(ps_parser *parser)
{
    ps_sql_span at = ps_parser_here(parser);
    ps_ast_names path = {0};
    uint32_t reserved_before = parser->reserved_count;
    if (!ps_parser_path(parser, "a table, a function or a query in parentheses", &path)) {
        return NULL;
    }
    if (ps_parser_is(parser, PS_TOKEN_LEFT)) {
        parser->reserved_count = reserved_before; /* functions may be called so */
        ps_ast_expr *call = ps_parser_call(parser, &path);
        ps_ast_from *from = call != NULL ? new_from(parser, PS_AST_FROM_FUNCTION, at) : NULL;
        if (from != NULL) {
            from->call = call;
        }
        return from;
    }
    ps_ast_from *from = new_from(parser, PS_AST_FROM_TABLE, at);
    if (from == NULL) {
        return NULL;
    }
    from->table.path = path;
    return ps_parser_hints(parser, &from->table.hints) ? from : NULL;
}

static ps_ast_from *leaf(ps_parser *parser)
{
    if (ps_parser_is(parser, PS_TOKEN_LEFT)) {
        return parenthesised(parser);
    }
    if (ps_parser_is_word(parser, PS_KW_TABLE)) {
        return table_function(parser);
    }
    if (ps_parser_is_word(parser, PS_KW_UNNEST)) {
        return unnest_from(parser);
    }
    return named_table(parser);
}

/* ── what follows a leaf ── */

/* FOR SYSTEM_TIME AS OF e */
static bool system_time_read(ps_parser *parser, ps_ast_from *from)
{
    if (!ps_parser_accept_words(parser, PS_KW_FOR, PS_KW_SYSTEM_TIME)) {
        return true;
    }
    if (from->kind != PS_AST_FROM_TABLE) {
        return ps_parser_fail(parser, PS_E_INVALID, parser->last,
                              "FOR SYSTEM_TIME AS OF stands behind a table's name only");
    }
    if (!ps_parser_expect_word(parser, PS_KW_AS) || !ps_parser_expect_word(parser, PS_KW_OF)) {
        return false;
    }
    from->table.system_time = ps_parser_expr_above_comparison(parser);
    return from->table.system_time != NULL;
}

static ps_ast_from *match_read(ps_parser *parser, ps_ast_from *input)
{
    ps_ast_from *from = new_from(parser, PS_AST_FROM_MATCH, input->at);
    if (from == NULL || !ps_parser_link(parser)) {
        return NULL;
    }
    from->match.input = input;
    from->match.match = ps_parser_match(parser);
    if (from->match.match == NULL) {
        return NULL;
    }
    from->at = ps_parser_span(parser, input->at);
    return from;
}

static bool refuse_behind_alias(ps_parser *parser, const ps_ast_from *from)
{
    if (ps_parser_is_word(parser, PS_KW_TABLESAMPLE)) {
        return ps_parser_unsupported(parser, "TABLESAMPLE");
    }
    if (ps_parser_is_word(parser, PS_KW_PIVOT) || ps_parser_is_word(parser, PS_KW_UNPIVOT)) {
        return ps_parser_unsupported(parser, "PIVOT");
    }
    bool is_late = ps_parser_is_word(parser, PS_KW_MATCH_RECOGNIZE) ||
                   ps_parser_is(parser, PS_TOKEN_HINT) ||
                   (ps_parser_is_word(parser, PS_KW_FOR) &&
                    ps_parser_is_word_at(parser, 1, PS_KW_SYSTEM_TIME));
    if (from->alias.size > 0 && is_late) {
        ps_parser_unexpected(parser, "the end of the table");
        parser->error.hint[0] = 0;
        return ps_parser_hint(parser, "it stands in front of the alias");
    }
    return true;
}

static ps_ast_from *table_reference(ps_parser *parser)
{
    ps_sql_span at = ps_parser_here(parser);
    bool is_lateral = ps_parser_accept_word(parser, PS_KW_LATERAL);
    ps_ast_from *from = leaf(parser);
    if (from == NULL || !system_time_read(parser, from)) {
        return NULL;
    }
    if (is_lateral) {
        bool is_join = from->kind == PS_AST_FROM_JOIN || from->kind == PS_AST_FROM_TABLE;
        if (is_join) {
            ps_parser_fail(parser, PS_E_INVALID, from->at,
                           "LATERAL is for queries and table functions only");
            return NULL;
        }
        from->is_lateral = true;
    }
    if (ps_parser_is_word(parser, PS_KW_MATCH_RECOGNIZE)) {
        from = match_read(parser, from);
        if (from == NULL) {
            return NULL;
        }
    }
    if (!refuse_behind_alias(parser, from)) {
        return NULL;
    }
    bool can_have_alias = from->kind != PS_AST_FROM_JOIN;
    if (can_have_alias && !ps_parser_alias(parser, &from->alias, &from->columns)) {
        return NULL;
    }
    from->at = ps_parser_span(parser, at);
    return refuse_behind_alias(parser, from) ? from : NULL;
}

/* ── joins ── */

/* [NATURAL] [INNER | LEFT | RIGHT | FULL [OUTER] | CROSS] JOIN; false: there is none, or error. */
static bool join_words(ps_parser *parser, ps_ast_join *join)
{
    join->is_natural = ps_parser_accept_word(parser, PS_KW_NATURAL);
    join->kind = PS_AST_JOIN_INNER;
    bool can_be_outer = true;
    if (ps_parser_accept_word(parser, PS_KW_LEFT)) {
        join->kind = PS_AST_JOIN_LEFT;
    } else if (ps_parser_accept_word(parser, PS_KW_RIGHT)) {
        join->kind = PS_AST_JOIN_RIGHT;
    } else if (ps_parser_accept_word(parser, PS_KW_FULL)) {
        join->kind = PS_AST_JOIN_FULL;
    } else {
        can_be_outer = false;
        if (ps_parser_accept_word(parser, PS_KW_CROSS)) {
            join->kind = PS_AST_JOIN_CROSS;
        } else if (!ps_parser_accept_word(parser, PS_KW_INNER)) {
            if (!ps_parser_is_word(parser, PS_KW_JOIN)) {
                return join->is_natural && ps_parser_unexpected(parser, "JOIN");
            }
        }
    }
    if (can_be_outer) {
        ps_parser_accept_word(parser, PS_KW_OUTER);
    }
    if (ps_parser_is_text(parser, 0, "SEMI") || ps_parser_is_text(parser, 0, "ANTI")) {
        ps_parser_unexpected(parser, "JOIN");
        return ps_parser_hint(parser, "say it with [NOT] IN or [NOT] EXISTS");
    }
    return ps_parser_expect_word(parser, PS_KW_JOIN);
}

static bool join_condition(ps_parser *parser, ps_ast_join *join)
{
    if (ps_parser_accept_word(parser, PS_KW_ON)) {
        join->on = ps_parser_expr(parser);
        if (join->on == NULL) {
            return false;
        }
    } else if (ps_parser_accept_word(parser, PS_KW_USING)) {
        if (!ps_parser_name_list(parser, "a column name", &join->using)) {
            return false;
        }
    } else if (!join->is_natural && join->kind != PS_AST_JOIN_CROSS) {
        ps_parser_unexpected(parser, "ON or USING");
        return ps_parser_hint(parser, "a join without a condition is a CROSS JOIN");
    } else {
        return true;
    }
    if (join->kind == PS_AST_JOIN_CROSS || join->is_natural) {
        return ps_parser_fail(parser, PS_E_INVALID, parser->last, "a %s JOIN has no condition",
                              join->is_natural ? "NATURAL" : "CROSS");
    }
    return true;
}

static ps_ast_from *new_join(ps_parser *parser, ps_ast_from *left, const ps_ast_join *join)
{
    ps_ast_from *from = new_from(parser, PS_AST_FROM_JOIN, left->at);
    if (from == NULL || !ps_parser_link(parser)) {
        return NULL;
    }
    from->join = *join;
    from->join.left = left;
    return from;
}

static ps_ast_from *join_chain(ps_parser *parser)
{
    ps_parser_frame frame;
    if (!ps_parser_enter(parser, &frame)) {
        return NULL;
    }
    ps_ast_from *left = table_reference(parser);
    ps_ast_join join = {0};
    while (left != NULL && join_words(parser, &join)) {
        join.right = table_reference(parser);
        left = join.right != NULL && join_condition(parser, &join) ? new_join(parser, left, &join)
                                                                   : NULL;
        join = (ps_ast_join){0};
    }
    ps_parser_leave(parser, &frame);
    return parser->error.code == PS_OK ? left : NULL;
}

ps_ast_from *ps_parser_from(ps_parser *parser)
{
    ps_ast_from *left = join_chain(parser);
    while (left != NULL && ps_parser_accept(parser, PS_TOKEN_COMMA)) {
        ps_ast_join join = {.kind = PS_AST_JOIN_COMMA, .right = join_chain(parser)};
        left = join.right != NULL ? new_join(parser, left, &join) : NULL;
    }
    return left;
}
