/* Operands of expressions: literals, CASE, CAST, lists, names. */
#include "sql/parser_internal.h"

ps_ast_expr *ps_parser_new_expr(ps_parser *parser, ps_ast_expr_kind kind, ps_sql_span from)
{
    ps_ast_expr *expr = ps_parser_take(parser, sizeof *expr);
    if (expr != NULL) {
        expr->kind = kind;
        expr->at = ps_parser_span(parser, from);
    }
    return expr;
}

/* ── literals ── */

static ps_ast_expr *new_literal(ps_parser *parser, ps_ast_literal_kind kind, ps_sql_span from,
                                ps_slice text)
{
    ps_ast_expr *expr = ps_parser_new_expr(parser, PS_AST_EXPR_LITERAL, from);
    if (expr != NULL) {
        expr->literal.kind = kind;
        expr->literal.text = text;
    }
    return expr;
}

/* NULL, TRUE …: no text. */
static ps_ast_expr *word_literal(ps_parser *parser, ps_ast_literal_kind kind)
{
    ps_token token = ps_parser_advance(parser);
    return new_literal(parser, kind, token.at, PS_SLICE(""));
}

static ps_ast_expr *number_literal(ps_parser *parser, ps_ast_literal_kind kind)
{
    ps_token token = ps_parser_advance(parser);
    ps_slice text = {ps_arena_copy(parser->arena, token.text.data, token.text.size),
                     token.text.size};
    if (text.data == NULL) {
        ps_parser_fail(parser, PS_E_LIMIT, token.at, "the statement needs more memory");
        return NULL;
    }
    return new_literal(parser, kind, token.at, text);
}

/* 'a' 'b' is 'ab', as everywhere in SQL. */
static ps_ast_expr *string_literal(ps_parser *parser, ps_ast_literal_kind kind, ps_sql_span from)
{
    ps_slice text;
    if (!ps_parser_string(parser, "a text", &text)) {
        return NULL;
    }
    while (kind == PS_AST_LITERAL_STRING && ps_parser_is(parser, PS_TOKEN_STRING)) {
        ps_slice more;
        if (!ps_parser_string(parser, "a text", &more)) {
            return NULL;
        }
        char *both = ps_parser_take(parser, text.size + more.size + 1);
        if (both == NULL) {
            return NULL;
        }
        memcpy(both, text.data, text.size);
        memcpy(both + text.size, more.data, more.size);
        text = (ps_slice){both, text.size + more.size};
    }
    return new_literal(parser, kind, from, text);
}

static ps_ast_expr *binary_literal(ps_parser *parser)
{
    ps_token token = ps_parser_advance(parser);
    ps_slice text = ps_token_unquote(&token, parser->arena);
    if (text.data == NULL) {
        ps_parser_fail(parser, PS_E_LIMIT, token.at, "the statement needs more memory");
        return NULL;
    }
    return new_literal(parser, PS_AST_LITERAL_BINARY, token.at, text);
}

/* DATE '…', TIME '…', TIMESTAMP '…' */
static ps_ast_expr *time_literal(ps_parser *parser, ps_ast_literal_kind kind)
{
    ps_token token = ps_parser_advance(parser);
    return string_literal(parser, kind, token.at);
}

/* INTERVAL [+|-] '…' unit */
static ps_ast_expr *interval_literal(ps_parser *parser)
{
    ps_sql_span from = ps_parser_advance(parser).at;
    bool is_negative = ps_parser_accept(parser, PS_TOKEN_MINUS);
    if (!is_negative) {
        ps_parser_accept(parser, PS_TOKEN_PLUS);
    }
    if (!ps_parser_is(parser, PS_TOKEN_STRING)) {
        ps_parser_unexpected(parser, "the interval's value in quotes");
        ps_parser_hint(parser, "write INTERVAL '10' SECOND");
        return NULL;
    }
    ps_ast_expr *expr = string_literal(parser, PS_AST_LITERAL_INTERVAL, from);
    if (expr == NULL || !ps_parser_interval_unit(parser, &expr->literal.interval)) {
        return NULL;
    }
    expr->literal.is_negative = is_negative;
    expr->at = ps_parser_span(parser, from);
    return expr;
}

/* ── operands in words ── */

/* WHEN a, b THEN r is WHEN a THEN r WHEN b THEN r. */
static bool case_branch(ps_parser *parser, ps_ast_expr *expr)
{
    uint32_t first = expr->cases.branch_count;
    do {
        ps_ast_branch *branches = ps_parser_push(parser, expr->cases.branches,
                                                 expr->cases.branch_count, sizeof *branches);
        ps_ast_expr *when = branches != NULL ? ps_parser_expr(parser) : NULL;
        if (when == NULL) {
            return false;
        }
        expr->cases.branches = branches;
        branches[expr->cases.branch_count++].when = when;
    } while (expr->cases.operand != NULL && ps_parser_accept(parser, PS_TOKEN_COMMA));
    if (!ps_parser_expect_word(parser, PS_KW_THEN)) {
        return false;
    }
    ps_ast_expr *then = ps_parser_expr(parser);
    for (uint32_t i = first; i < expr->cases.branch_count; i++) {
        expr->cases.branches[i].then = then;
    }
    return then != NULL;
}

static ps_ast_expr *case_expr(ps_parser *parser)
{
    ps_sql_span from = ps_parser_advance(parser).at;
    ps_ast_expr *expr = ps_parser_new_expr(parser, PS_AST_EXPR_CASE, from);
    if (expr == NULL) {
        return NULL;
    }
    if (!ps_parser_is_word(parser, PS_KW_WHEN)) {
        expr->cases.operand = ps_parser_expr(parser);
        if (expr->cases.operand == NULL) {
            return NULL;
        }
    }
    if (!ps_parser_is_word(parser, PS_KW_WHEN)) {
        ps_parser_unexpected(parser, "WHEN");
        return NULL;
    }
    while (ps_parser_accept_word(parser, PS_KW_WHEN)) {
        if (!case_branch(parser, expr)) {
            return NULL;
        }
    }
    if (ps_parser_accept_word(parser, PS_KW_ELSE)) {
        expr->cases.otherwise = ps_parser_expr(parser);
        if (expr->cases.otherwise == NULL) {
            return NULL;
        }
    }
    if (!ps_parser_expect_word(parser, PS_KW_END)) {
        return NULL;
    }
    expr->at = ps_parser_span(parser, from);
    return expr;
}

/* CAST(e AS type), TRY_CAST(e AS type) */
static ps_ast_expr *cast_expr(ps_parser *parser, bool is_try)
{
    ps_sql_span from = ps_parser_advance(parser).at;
    ps_ast_expr *expr = ps_parser_new_expr(parser, PS_AST_EXPR_CAST, from);
    if (expr == NULL || !ps_parser_expect(parser, PS_TOKEN_LEFT, "`(`")) {
        return NULL;
    }
    expr->cast.is_try = is_try;
    expr->cast.operand = ps_parser_expr(parser);
    if (expr->cast.operand == NULL || !ps_parser_expect_word(parser, PS_KW_AS)) {
        return NULL;
    }
    expr->cast.type = ps_parser_type(parser);
    if (expr->cast.type == NULL) {
        return NULL;
    }
    if (expr->cast.type->is_not_null) {
        ps_parser_fail(parser, PS_E_INVALID, expr->cast.type->at,
                       "the type of a cast cannot be NOT NULL");
        return NULL;
    }
    if (!ps_parser_expect(parser, PS_TOKEN_RIGHT, "`)`")) {
        return NULL;
    }
    expr->at = ps_parser_span(parser, from);
    return expr;
}

static ps_ast_expr *exists_expr(ps_parser *parser)
{
    ps_sql_span from = ps_parser_advance(parser).at;
    ps_ast_expr *expr = ps_parser_new_expr(parser, PS_AST_EXPR_EXISTS, from);
    if (expr == NULL || !ps_parser_expect(parser, PS_TOKEN_LEFT, "`(` and a query")) {
        return NULL;
    }
    expr->query = ps_parser_query(parser);
    if (expr->query == NULL || !ps_parser_expect(parser, PS_TOKEN_RIGHT, "`)`")) {
        return NULL;
    }
    expr->at = ps_parser_span(parser, from);
    return expr;
}

/* ── lists in brackets ── */

bool ps_parser_exprs(ps_parser *parser, ps_ast_exprs *out)
{
    do {
        ps_ast_expr *expr = ps_parser_expr(parser);
        if (expr == NULL || !ps_parser_push_expr(parser, out, expr)) {
            return false;
        }
    } while (ps_parser_accept(parser, PS_TOKEN_COMMA));
    return true;
}

/* ARRAY[…], MAP[…] */
static ps_ast_expr *bracket_list(ps_parser *parser, ps_ast_expr_kind kind)
{
    ps_sql_span from = ps_parser_advance(parser).at;
    ps_ast_expr *expr = ps_parser_new_expr(parser, kind, from);
    if (expr == NULL) {
        return NULL;
    }
    ps_parser_advance(parser);
    if (!ps_parser_is(parser, PS_TOKEN_RIGHT_SQUARE) && !ps_parser_exprs(parser, &expr->items)) {
        return NULL;
    }
    if (!ps_parser_expect(parser, PS_TOKEN_RIGHT_SQUARE, "`,` or `]`")) {
        return NULL;
    }
    expr->at = ps_parser_span(parser, from);
    if (kind == PS_AST_EXPR_MAP && expr->items.count % 2 != 0) {
        ps_parser_fail(parser, PS_E_INVALID, expr->at, "MAP needs a value for each key");
        return NULL;
    }
    return expr;
}

static ps_ast_expr *row_expr(ps_parser *parser)
{
    ps_sql_span from = ps_parser_advance(parser).at;
    ps_ast_expr *expr = ps_parser_new_expr(parser, PS_AST_EXPR_ROW, from);
    if (expr == NULL || !ps_parser_expect(parser, PS_TOKEN_LEFT, "`(`") ||
        !ps_parser_exprs(parser, &expr->items) ||
        !ps_parser_expect(parser, PS_TOKEN_RIGHT, "`,` or `)`")) {
        return NULL;
    }
    expr->at = ps_parser_span(parser, from);
    return expr;
}

static ps_ast_expr *subquery_expr(ps_parser *parser, ps_ast_query *query, ps_sql_span from)
{
    if (query == NULL || !ps_parser_expect(parser, PS_TOKEN_RIGHT, "`)`")) {
        return NULL;
    }
    ps_ast_expr *expr = ps_parser_new_expr(parser, PS_AST_EXPR_SUBQUERY, from);
    if (expr != NULL) {
        expr->query = query;
    }
    return expr;
}

/* (e), (a, b), (query). What begins with `((` is read as an expression first; when a set operation
 * follows, the subquery that was read is its left side. */
static ps_ast_expr *parenthesised(ps_parser *parser)
{
    ps_sql_span from = ps_parser_advance(parser).at;
    if (ps_parser_is_query(parser, 0)) {
        return subquery_expr(parser, ps_parser_query(parser), from);
    }
    ps_ast_exprs items = {0};
    ps_ast_expr *first = ps_parser_expr(parser);
    if (first == NULL || !ps_parser_push_expr(parser, &items, first)) {
        return NULL;
    }
    if (first->kind == PS_AST_EXPR_SUBQUERY && ps_parser_is_set_operation(parser)) {
        return subquery_expr(parser, ps_parser_query_rest(parser, first->query), from);
    }
    if (ps_parser_accept(parser, PS_TOKEN_COMMA) && !ps_parser_exprs(parser, &items)) {
        return NULL;
    }
    if (!ps_parser_expect(parser, PS_TOKEN_RIGHT, "`,` or `)`")) {
        return NULL;
    }
    ps_ast_expr *expr = first;
    if (items.count > 1) {
        expr = ps_parser_new_expr(parser, PS_AST_EXPR_ROW, from);
        if (expr == NULL) {
            return NULL;
        }
        expr->items = items;
    }
    expr->at = ps_parser_span(parser, from);
    expr->is_parenthesised = true;
    return expr;
}

/* ── names ── */

static ps_ast_expr *name_expr(ps_parser *parser, const ps_ast_names *path, ps_sql_span from)
{
    ps_ast_expr *expr = ps_parser_new_expr(parser, PS_AST_EXPR_NAME, from);
    if (expr != NULL) {
        expr->path = *path;
    }
    return expr;
}

/* a.b.c, or a call: a.b(…) */
static ps_ast_expr *name_or_call(ps_parser *parser)
{
    ps_sql_span from = ps_parser_here(parser);
    ps_ast_names path = {0};
    uint32_t reserved_before = parser->reserved_count;
    for (;;) {
        ps_ast_name name;
        if (!ps_parser_name(parser, "an expression", &name) ||
            !ps_parser_push_name(parser, &path, name)) {
            return NULL;
        }
        if (!ps_parser_is(parser, PS_TOKEN_DOT)) {
            break;
        }
        ps_parser_advance(parser);
        if (ps_parser_is(parser, PS_TOKEN_STAR)) {
            ps_parser_fail(parser, PS_E_INVALID, ps_parser_here(parser),
                           "`.*` stands alone in a SELECT list");
            return NULL;
        }
    }
    if (!ps_parser_is(parser, PS_TOKEN_LEFT)) {
        return name_expr(parser, &path, from);
    }
    parser->reserved_count = reserved_before; /* functions may be called so */
    return ps_parser_call(parser, &path);
}

/* A reserved word as a name in its own right: of a function that can be called, of a variable. */
static bool word_name(ps_parser *parser, ps_ast_names *path)
{
    ps_token token = ps_parser_advance(parser);
    ps_ast_name name = {
        .at = token.at,
        .text = ps_arena_copy(parser->arena, token.text.data, token.text.size),
        .size = (uint32_t)token.text.size,
    };
    if (name.text == NULL) {
        return ps_parser_fail(parser, PS_E_LIMIT, token.at, "the statement needs more memory");
    }
    return ps_parser_push_name(parser, path, name);
}

/* CURRENT_TIMESTAMP; USER, which Flink takes for a column where there is one. */
static ps_ast_expr *context_expr(ps_parser *parser)
{
    ps_sql_span from = ps_parser_here(parser);
    bool is_user = ps_parser_is_word(parser, PS_KW_USER);
    ps_ast_names path = {0};
    if (!word_name(parser, &path)) {
        return NULL;
    }
    if (ps_parser_is(parser, PS_TOKEN_LEFT)) {
        return ps_parser_call(parser, &path);
    }
    if (is_user) {
        return name_expr(parser, &path, from);
    }
    ps_ast_expr *expr = ps_parser_new_expr(parser, PS_AST_EXPR_CALL, from);
    ps_ast_call *call = expr != NULL ? ps_parser_take(parser, sizeof *call) : NULL;
    if (call == NULL) {
        return NULL;
    }
    call->name = path;
    call->form = PS_AST_FORM_NO_PARENTHESES;
    expr->call = call;
    return expr;
}

/* Reserved words that are called like functions though Flink's table does not say so. */
static bool is_callable(ps_keyword keyword)
{
    return ps_keyword_class_of(keyword) == PS_KEYWORD_FUNCTION || keyword == PS_KW_CLASSIFIER ||
           keyword == PS_KW_MATCH_NUMBER || keyword == PS_KW_PREV || keyword == PS_KW_NEXT ||
           keyword == PS_KW_TRANSLATE;
}

static ps_ast_expr *word_call(ps_parser *parser)
{
    bool is_special = false;
    ps_ast_expr *expr = ps_parser_special_call(parser, &is_special);
    if (is_special) {
        return expr;
    }
    if (is_callable(ps_parser_peek(parser, 0)->keyword)) {
        ps_ast_names path = {0};
        return word_name(parser, &path) ? ps_parser_call(parser, &path) : NULL;
    }
    if (ps_parser_is_name(parser, 0)) {
        return name_or_call(parser);
    }
    ps_parser_unexpected_name(parser, "an expression");
    return NULL;
}

/* RUNNING f(x), FINAL f(x) of MATCH_RECOGNIZE. */
static ps_ast_expr *prefix_call(ps_parser *parser)
{
    ps_sql_span from = ps_parser_here(parser);
    ps_ast_names path = {0};
    if (!word_name(parser, &path)) {
        return NULL;
    }
    ps_ast_expr *expr = ps_parser_new_expr(parser, PS_AST_EXPR_CALL, from);
    ps_ast_call *call = expr != NULL ? ps_parser_take(parser, sizeof *call) : NULL;
    ps_ast_expr *operand = call != NULL ? ps_parser_expr_of_sign(parser) : NULL;
    if (operand == NULL || !ps_parser_push_expr(parser, &call->arguments, operand)) {
        return NULL;
    }
    call->name = path;
    call->form = PS_AST_FORM_PREFIX;
    expr->call = call;
    expr->at = ps_parser_span(parser, from);
    return expr;
}

/* ── operands ── */

static bool is_followed_by(ps_parser *parser, ps_token_kind kind)
{
    return ps_parser_peek(parser, 1)->kind == kind;
}

/* FINAL is a name of its own but for FINAL f(…). */
static bool is_prefix(ps_parser *parser)
{
    return ps_parser_is_word(parser, PS_KW_RUNNING) ||
           (ps_parser_is_word(parser, PS_KW_FINAL) &&
            ps_parser_peek(parser, 1)->kind == PS_TOKEN_WORD &&
            ps_parser_peek(parser, 2)->kind == PS_TOKEN_LEFT);
}

/* The keywords that begin an operand of their own; false: this is none of them. */
static bool keyword_operand(ps_parser *parser, ps_ast_expr **out)
{
    ps_keyword keyword = ps_parser_peek(parser, 0)->keyword;
    if (keyword == PS_KW_NULL) {
        *out = word_literal(parser, PS_AST_LITERAL_NULL);
    } else if (keyword == PS_KW_TRUE) {
        *out = word_literal(parser, PS_AST_LITERAL_TRUE);
    } else if (keyword == PS_KW_FALSE) {
        *out = word_literal(parser, PS_AST_LITERAL_FALSE);
    } else if (keyword == PS_KW_UNKNOWN) {
        *out = word_literal(parser, PS_AST_LITERAL_UNKNOWN);
    } else if (keyword == PS_KW_INTERVAL) {
        *out = interval_literal(parser);
    } else if (keyword == PS_KW_CASE) {
        *out = case_expr(parser);
    } else if (keyword == PS_KW_CAST || keyword == PS_KW_TRY_CAST) {
        *out = cast_expr(parser, keyword == PS_KW_TRY_CAST);
    } else if (keyword == PS_KW_EXISTS) {
        *out = exists_expr(parser);
    } else if (keyword == PS_KW_ROW) {
        *out = row_expr(parser);
    } else if (keyword == PS_KW_DATE && is_followed_by(parser, PS_TOKEN_STRING)) {
        *out = time_literal(parser, PS_AST_LITERAL_DATE);
    } else if (keyword == PS_KW_TIME && is_followed_by(parser, PS_TOKEN_STRING)) {
        *out = time_literal(parser, PS_AST_LITERAL_TIME);
    } else if (keyword == PS_KW_TIMESTAMP && is_followed_by(parser, PS_TOKEN_STRING)) {
        *out = time_literal(parser, PS_AST_LITERAL_TIMESTAMP);
    } else if (keyword == PS_KW_ARRAY && is_followed_by(parser, PS_TOKEN_LEFT_SQUARE)) {
        *out = bracket_list(parser, PS_AST_EXPR_ARRAY);
    } else if (keyword == PS_KW_MAP && is_followed_by(parser, PS_TOKEN_LEFT_SQUARE)) {
        *out = bracket_list(parser, PS_AST_EXPR_MAP);
    } else {
        return false;
    }
    return true;
}

static ps_ast_expr *word_operand(ps_parser *parser)
{
    ps_ast_expr *expr = NULL;
    const ps_token *token = ps_parser_peek(parser, 0);
    if (token->keyword == PS_KEYWORD_NONE) {
        return name_or_call(parser);
    }
    if (keyword_operand(parser, &expr)) {
        return expr;
    }
    if (is_prefix(parser)) {
        return prefix_call(parser);
    }
    if (ps_keyword_class_of(token->keyword) == PS_KEYWORD_CONTEXT) {
        return context_expr(parser);
    }
    if (is_followed_by(parser, PS_TOKEN_LEFT)) {
        return word_call(parser);
    }
    return name_or_call(parser);
}

ps_ast_expr *ps_parser_operand(ps_parser *parser)
{
    const ps_token *token = ps_parser_peek(parser, 0);
    if (token->kind == PS_TOKEN_WORD) {
        return word_operand(parser);
    }
    if (token->kind == PS_TOKEN_QUOTED) {
        return name_or_call(parser);
    }
    if (token->kind == PS_TOKEN_STRING) {
        return string_literal(parser, PS_AST_LITERAL_STRING, token->at);
    }
    if (token->kind == PS_TOKEN_BINARY) {
        return binary_literal(parser);
    }
    if (token->kind == PS_TOKEN_INTEGER) {
        return number_literal(parser, PS_AST_LITERAL_INTEGER);
    }
    if (token->kind == PS_TOKEN_DECIMAL) {
        return number_literal(parser, PS_AST_LITERAL_DECIMAL);
    }
    if (token->kind == PS_TOKEN_DOUBLE) {
        return number_literal(parser, PS_AST_LITERAL_DOUBLE);
    }
    if (token->kind == PS_TOKEN_LEFT) {
        return parenthesised(parser);
    }
    ps_parser_unexpected_name(parser, "an expression");
    return NULL;
}
