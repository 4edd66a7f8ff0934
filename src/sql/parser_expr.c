/* Expressions: a Pratt loop over operators, then operands.
 *
 * Precedence is that of Flink's parser, low to high. It differs from SEMANTICS §2.4 in one point,
 * measured on Flink 2.2: || binds like *, so that a || b + c is (a || b) + c.
 */
#include "sql/parser_internal.h"

typedef enum {
    LEVEL_OR = 1,
    LEVEL_AND,
    LEVEL_NOT,
    LEVEL_IS,
    LEVEL_COMPARISON, /* with IS [NOT] DISTINCT FROM */
    LEVEL_RANGE,      /* BETWEEN, IN, LIKE, SIMILAR TO */
    LEVEL_SUM,
    LEVEL_PRODUCT,
    LEVEL_SIGN
} level;

static ps_ast_expr *expr_at(ps_parser *parser, level lowest);

/* operand [i] .name … */
static ps_ast_expr *postfix(ps_parser *parser)
{
    ps_ast_expr *left = ps_parser_operand(parser);
    while (left != NULL &&
           (ps_parser_is(parser, PS_TOKEN_LEFT_SQUARE) || ps_parser_is(parser, PS_TOKEN_DOT))) {
        bool is_index = ps_parser_advance(parser).kind == PS_TOKEN_LEFT_SQUARE;
        ps_ast_expr *expr =
            ps_parser_new_expr(parser, is_index ? PS_AST_EXPR_INDEX : PS_AST_EXPR_FIELD, left->at);
        if (expr == NULL || !ps_parser_link(parser)) {
            return NULL;
        }
        if (is_index) {
            expr->index.operand = left;
            expr->index.index = ps_parser_expr(parser);
            if (expr->index.index == NULL ||
                !ps_parser_expect(parser, PS_TOKEN_RIGHT_SQUARE, "`]`")) {
                return NULL;
            }
        } else {
            expr->field.operand = left;
            if (!ps_parser_name(parser, "a field name", &expr->field.name)) {
                return NULL;
            }
        }
        expr->at = ps_parser_span(parser, left->at);
        left = expr;
    }
    return left;
}

static ps_ast_expr *unary(ps_parser *parser, ps_ast_op op, level operand_level)
{
    ps_token token = ps_parser_advance(parser);
    ps_ast_expr *expr = ps_parser_new_expr(parser, PS_AST_EXPR_UNARY, token.at);
    if (expr == NULL) {
        return NULL;
    }
    expr->op = op;
    expr->op_at = token.at;
    expr->left = expr_at(parser, operand_level);
    expr->at = ps_parser_span(parser, token.at);
    return expr->left != NULL ? expr : NULL;
}

static ps_ast_expr *prefix(ps_parser *parser)
{
    const ps_token *token = ps_parser_peek(parser, 0);
    if (token->kind == PS_TOKEN_MINUS) {
        return unary(parser, PS_AST_OP_MINUS, LEVEL_SIGN);
    }
    if (token->kind == PS_TOKEN_PLUS) {
        return unary(parser, PS_AST_OP_PLUS, LEVEL_SIGN);
    }
    if (token->keyword == PS_KW_NOT) {
        return unary(parser, PS_AST_OP_NOT, LEVEL_NOT);
    }
    return postfix(parser);
}

/* ── operators ── */

static const struct {
    ps_token_kind kind;
    ps_keyword keyword; /* of WORD */
    ps_ast_op op;
    level level;
} operators[] = {
    {PS_TOKEN_WORD, PS_KW_OR, PS_AST_OP_OR, LEVEL_OR},
    {PS_TOKEN_WORD, PS_KW_AND, PS_AST_OP_AND, LEVEL_AND},
    {PS_TOKEN_EQ, PS_KEYWORD_NONE, PS_AST_OP_EQ, LEVEL_COMPARISON},
    {PS_TOKEN_NE, PS_KEYWORD_NONE, PS_AST_OP_NE, LEVEL_COMPARISON},
    {PS_TOKEN_LT, PS_KEYWORD_NONE, PS_AST_OP_LT, LEVEL_COMPARISON},
    {PS_TOKEN_LE, PS_KEYWORD_NONE, PS_AST_OP_LE, LEVEL_COMPARISON},
    {PS_TOKEN_GT, PS_KEYWORD_NONE, PS_AST_OP_GT, LEVEL_COMPARISON},
    {PS_TOKEN_GE, PS_KEYWORD_NONE, PS_AST_OP_GE, LEVEL_COMPARISON},
    {PS_TOKEN_PLUS, PS_KEYWORD_NONE, PS_AST_OP_ADD, LEVEL_SUM},
    {PS_TOKEN_MINUS, PS_KEYWORD_NONE, PS_AST_OP_SUBTRACT, LEVEL_SUM},
    {PS_TOKEN_CONCAT, PS_KEYWORD_NONE, PS_AST_OP_CONCAT, LEVEL_PRODUCT},
    {PS_TOKEN_STAR, PS_KEYWORD_NONE, PS_AST_OP_MULTIPLY, LEVEL_PRODUCT},
    {PS_TOKEN_SLASH, PS_KEYWORD_NONE, PS_AST_OP_DIVIDE, LEVEL_PRODUCT},
    {PS_TOKEN_PERCENT, PS_KEYWORD_NONE, PS_AST_OP_MODULO, LEVEL_PRODUCT},
};

static ps_ast_expr *binary(ps_parser *parser, ps_ast_expr *left, ps_ast_op op, ps_sql_span op_at,
                           level right_level)
{
    ps_ast_expr *expr = ps_parser_new_expr(parser, PS_AST_EXPR_BINARY, left->at);
    if (expr == NULL) {
        return NULL;
    }
    expr->op = op;
    expr->op_at = op_at;
    expr->left = left;
    expr->right = expr_at(parser, right_level);
    expr->at = ps_parser_span(parser, left->at);
    return expr->right != NULL ? expr : NULL;
}

/* = ANY (…), = SOME (…), > ALL (…) */
static bool refuse_quantified(ps_parser *parser)
{
    bool is_quantifier = ps_parser_is_word(parser, PS_KW_ANY) ||
                         ps_parser_is_word(parser, PS_KW_SOME) ||
                         ps_parser_is_word(parser, PS_KW_ALL);
    if (!is_quantifier) {
        return true;
    }
    ps_parser_unsupported(parser, "a comparison with ANY, SOME or ALL");
    return ps_parser_hint(parser, "use IN or EXISTS");
}

/* One operator of the table at or above `lowest`; *out NULL on error; false: none is here. */
static bool binary_step(ps_parser *parser, ps_ast_expr *left, level lowest, ps_ast_expr **out)
{
    const ps_token *token = ps_parser_peek(parser, 0);
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        if (operators[i].kind != token->kind || operators[i].keyword != token->keyword) {
            continue;
        }
        if (operators[i].level < lowest) {
            return false;
        }
        ps_sql_span op_at = ps_parser_advance(parser).at;
        bool is_comparison = operators[i].level == LEVEL_COMPARISON;
        *out = !is_comparison || refuse_quantified(parser)
                   ? binary(parser, left, operators[i].op, op_at, operators[i].level + 1)
                   : NULL;
        return true;
    }
    return false;
}

/* ── IS … ── */

static bool is_test(ps_parser *parser, ps_ast_is_test *out)
{
    static const struct {
        ps_keyword keyword;
        ps_ast_is_test test;
    } tests[] = {
        {PS_KW_NULL, PS_AST_IS_NULL},
        {PS_KW_TRUE, PS_AST_IS_TRUE},
        {PS_KW_FALSE, PS_AST_IS_FALSE},
        {PS_KW_UNKNOWN, PS_AST_IS_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        if (ps_parser_accept_word(parser, tests[i].keyword)) {
            *out = tests[i].test;
            return true;
        }
    }
    if (!ps_parser_accept_word(parser, PS_KW_JSON)) {
        return ps_parser_unexpected(parser, "NULL, TRUE, FALSE, UNKNOWN, DISTINCT FROM or JSON");
    }
    if (ps_parser_accept_word(parser, PS_KW_OBJECT)) {
        *out = PS_AST_IS_JSON_OBJECT;
    } else if (ps_parser_accept_word(parser, PS_KW_ARRAY)) {
        *out = PS_AST_IS_JSON_ARRAY;
    } else if (ps_parser_accept_word(parser, PS_KW_SCALAR)) {
        *out = PS_AST_IS_JSON_SCALAR;
    } else {
        ps_parser_accept_word(parser, PS_KW_VALUE);
        *out = PS_AST_IS_JSON;
    }
    return true;
}

static bool is_distinct(ps_parser *parser)
{
    uint32_t ahead = ps_parser_is_word_at(parser, 1, PS_KW_NOT) ? 2 : 1;
    return ps_parser_is_word(parser, PS_KW_IS) &&
           ps_parser_is_word_at(parser, ahead, PS_KW_DISTINCT);
}

static ps_ast_expr *is_expr(ps_parser *parser, ps_ast_expr *left)
{
    ps_sql_span op_at = ps_parser_advance(parser).at;
    bool is_negated = ps_parser_accept_word(parser, PS_KW_NOT);
    if (ps_parser_accept_word(parser, PS_KW_DISTINCT)) {
        ps_ast_op op = is_negated ? PS_AST_OP_NOT_DISTINCT : PS_AST_OP_DISTINCT;
        return ps_parser_expect_word(parser, PS_KW_FROM)
                   ? binary(parser, left, op, op_at, LEVEL_COMPARISON + 1)
                   : NULL;
    }
    ps_ast_expr *expr = ps_parser_new_expr(parser, PS_AST_EXPR_IS, left->at);
    if (expr == NULL || !is_test(parser, &expr->is.test)) {
        return NULL;
    }
    expr->is.operand = left;
    expr->is.is_negated = is_negated;
    expr->at = ps_parser_span(parser, left->at);
    return expr;
}

/* ── BETWEEN, IN, LIKE ── */

static ps_ast_expr *between_expr(ps_parser *parser, ps_ast_expr *left)
{
    ps_ast_expr *expr = ps_parser_new_expr(parser, PS_AST_EXPR_BETWEEN, left->at);
    if (expr == NULL) {
        return NULL;
    }
    expr->between.operand = left;
    expr->between.is_symmetric = ps_parser_accept_word(parser, PS_KW_SYMMETRIC);
    if (!expr->between.is_symmetric) {
        ps_parser_accept_word(parser, PS_KW_ASYMMETRIC);
    }
    expr->between.low = expr_at(parser, LEVEL_RANGE + 1);
    if (expr->between.low == NULL || !ps_parser_expect_word(parser, PS_KW_AND)) {
        return NULL;
    }
    expr->between.high = expr_at(parser, LEVEL_RANGE + 1);
    return expr->between.high != NULL ? expr : NULL;
}

static ps_ast_expr *in_expr(ps_parser *parser, ps_ast_expr *left)
{
    ps_ast_expr *expr = ps_parser_new_expr(parser, PS_AST_EXPR_IN, left->at);
    if (expr == NULL || !ps_parser_expect(parser, PS_TOKEN_LEFT, "`(` and a list or a query")) {
        return NULL;
    }
    expr->in.operand = left;
    if (ps_parser_is_query(parser, 0)) {
        expr->in.query = ps_parser_query(parser);
        if (expr->in.query == NULL) {
            return NULL;
        }
    } else if (!ps_parser_exprs(parser, &expr->in.items)) {
        return NULL;
    } else if (expr->in.items.count == 1 && expr->in.items.items[0]->kind == PS_AST_EXPR_SUBQUERY) {
        /* IN ((SELECT …)) and IN ((SELECT …) UNION …) */
        expr->in.query = ps_parser_query_rest(parser, expr->in.items.items[0]->query);
        expr->in.items.count = 0;
        if (expr->in.query == NULL) {
            return NULL;
        }
    }
    return ps_parser_expect(parser, PS_TOKEN_RIGHT, "`,` or `)`") ? expr : NULL;
}

static ps_ast_expr *like_expr(ps_parser *parser, ps_ast_expr *left, ps_ast_like_kind kind)
{
    ps_ast_expr *expr = ps_parser_new_expr(parser, PS_AST_EXPR_LIKE, left->at);
    if (expr == NULL) {
        return NULL;
    }
    expr->like.operand = left;
    expr->like.kind = kind;
    expr->like.pattern = expr_at(parser, LEVEL_RANGE + 1);
    if (expr->like.pattern != NULL && ps_parser_accept_word(parser, PS_KW_ESCAPE)) {
        expr->like.escape = expr_at(parser, LEVEL_RANGE + 1);
        return expr->like.escape != NULL ? expr : NULL;
    }
    return expr->like.pattern != NULL ? expr : NULL;
}

static bool is_range_word(ps_keyword keyword)
{
    return keyword == PS_KW_BETWEEN || keyword == PS_KW_IN || keyword == PS_KW_LIKE ||
           keyword == PS_KW_SIMILAR;
}

static bool is_range(ps_parser *parser)
{
    bool is_negated = ps_parser_is_word(parser, PS_KW_NOT);
    return is_range_word(ps_parser_peek(parser, is_negated ? 1 : 0)->keyword);
}

static ps_ast_expr *range_expr(ps_parser *parser, ps_ast_expr *left)
{
    bool is_negated = ps_parser_accept_word(parser, PS_KW_NOT);
    ps_keyword keyword = ps_parser_advance(parser).keyword;
    ps_ast_expr *expr = NULL;
    if (keyword == PS_KW_BETWEEN) {
        expr = between_expr(parser, left);
    } else if (keyword == PS_KW_IN) {
        expr = in_expr(parser, left);
    } else if (keyword == PS_KW_LIKE) {
        expr = like_expr(parser, left, PS_AST_LIKE);
    } else if (ps_parser_expect_word(parser, PS_KW_TO)) {
        expr = like_expr(parser, left, PS_AST_SIMILAR);
    }
    if (expr == NULL) {
        return NULL;
    }
    expr->at = ps_parser_span(parser, left->at);
    if (expr->kind == PS_AST_EXPR_BETWEEN) {
        expr->between.is_negated = is_negated;
    } else if (expr->kind == PS_AST_EXPR_IN) {
        expr->in.is_negated = is_negated;
    } else {
        expr->like.is_negated = is_negated;
    }
    return expr;
}

/* ── the loop ── */

static bool step(ps_parser *parser, ps_ast_expr *left, level lowest, ps_ast_expr **out)
{
    if (lowest <= LEVEL_RANGE && is_range(parser)) {
        *out = range_expr(parser, left);
        return true;
    }
    if (ps_parser_is_word(parser, PS_KW_IS) &&
        lowest <= (is_distinct(parser) ? LEVEL_COMPARISON : LEVEL_IS)) {
        *out = is_expr(parser, left);
        return true;
    }
    return binary_step(parser, left, lowest, out);
}

static ps_ast_expr *expr_at(ps_parser *parser, level lowest)
{
    ps_parser_frame frame;
    if (!ps_parser_enter(parser, &frame)) {
        return NULL;
    }
    ps_ast_expr *left = prefix(parser);
    while (left != NULL) {
        ps_ast_expr *next = NULL;
        if (!step(parser, left, lowest, &next)) {
            break;
        }
        left = next != NULL && ps_parser_link(parser) ? next : NULL;
    }
    ps_parser_leave(parser, &frame);
    return left;
}

ps_ast_expr *ps_parser_expr(ps_parser *parser)
{
    return expr_at(parser, LEVEL_OR);
}

ps_ast_expr *ps_parser_expr_of_sign(ps_parser *parser)
{
    return expr_at(parser, LEVEL_SIGN);
}

ps_ast_expr *ps_parser_expr_above_comparison(ps_parser *parser)
{
    return expr_at(parser, LEVEL_SUM);
}
