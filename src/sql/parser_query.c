/* Queries: WITH, SELECT, set operations, VALUES, ORDER BY, LIMIT. FROM is in parser_from.c. */
#include "sql/parser_internal.h"

bool ps_parser_is_query(ps_parser *parser, uint32_t ahead)
{
    ps_keyword keyword = ps_parser_peek(parser, ahead)->keyword;
    return keyword == PS_KW_SELECT || keyword == PS_KW_WITH || keyword == PS_KW_VALUES;
}

bool ps_parser_is_set_operation(ps_parser *parser)
{
    ps_keyword keyword = ps_parser_peek(parser, 0)->keyword;
    return keyword == PS_KW_UNION || keyword == PS_KW_INTERSECT || keyword == PS_KW_EXCEPT ||
           keyword == PS_KW_MINUS;
}

static ps_ast_query *new_query(ps_parser *parser, ps_ast_query_kind kind, ps_sql_span from)
{
    ps_ast_query *query = ps_parser_take(parser, sizeof *query);
    if (query != NULL) {
        query->kind = kind;
        query->at = ps_parser_span(parser, from);
    }
    return query;
}

/* ── ORDER BY, LIMIT ── */

static bool order_read(ps_parser *parser, ps_ast_order *order)
{
    order->expr = ps_parser_expr(parser);
    if (order->expr == NULL) {
        return false;
    }
    order->is_descending = ps_parser_accept_word(parser, PS_KW_DESC);
    if (!order->is_descending) {
        ps_parser_accept_word(parser, PS_KW_ASC);
    }
    if (!ps_parser_accept_word(parser, PS_KW_NULLS)) {
        return true;
    }
    if (ps_parser_accept_word(parser, PS_KW_FIRST)) {
        order->nulls = PS_AST_NULLS_FIRST;
        return true;
    }
    order->nulls = PS_AST_NULLS_LAST;
    return ps_parser_expect_word(parser, PS_KW_LAST);
}

bool ps_parser_one_order(ps_parser *parser, ps_ast_orders *out)
{
    ps_ast_order *items = ps_parser_push(parser, out->items, out->count, sizeof *items);
    if (items == NULL) {
        return false;
    }
    out->items = items;
    if (!order_read(parser, &items[out->count])) {
        return false;
    }
    out->count++;
    return true;
}

bool ps_parser_orders(ps_parser *parser, ps_ast_orders *out)
{
    do {
        if (!ps_parser_one_order(parser, out)) {
            return false;
        }
    } while (ps_parser_accept(parser, PS_TOKEN_COMMA));
    return true;
}

static ps_ast_expr *row_number(ps_parser *parser)
{
    if (!ps_parser_is(parser, PS_TOKEN_INTEGER)) {
        ps_parser_unexpected(parser, "a number of rows");
        return NULL;
    }
    ps_token token = ps_parser_advance(parser);
    ps_ast_expr *expr = ps_parser_new_expr(parser, PS_AST_EXPR_LITERAL, token.at);
    char *text = ps_parser_take(parser, token.text.size + 1);
    if (expr == NULL || text == NULL) {
        return NULL;
    }
    memcpy(text, token.text.data, token.text.size);
    expr->literal.kind = PS_AST_LITERAL_INTEGER;
    expr->literal.text = (ps_slice){text, token.text.size};
    return expr;
}

static bool limit_read(ps_parser *parser, ps_ast_query *query)
{
    if (ps_parser_accept_word(parser, PS_KW_ALL)) {
        return true;
    }
    query->limit = row_number(parser);
    if (query->limit == NULL) {
        return false;
    }
    if (ps_parser_is(parser, PS_TOKEN_COMMA)) {
        ps_parser_fail(parser, PS_E_INVALID, ps_parser_here(parser),
                       "LIMIT takes one number, the count of rows");
        return ps_parser_hint(parser, "write LIMIT count OFFSET start");
    }
    return true;
}

static bool accept_rows(ps_parser *parser)
{
    return ps_parser_accept_word(parser, PS_KW_ROWS) || ps_parser_accept_word(parser, PS_KW_ROW);
}

/* FETCH FIRST n ROWS ONLY */
static bool fetch_read(ps_parser *parser, ps_ast_query *query)
{
    if (!ps_parser_accept_word(parser, PS_KW_FIRST) && !ps_parser_accept_word(parser, PS_KW_NEXT)) {
        return ps_parser_unexpected(parser, "FIRST or NEXT");
    }
    query->limit = row_number(parser);
    if (query->limit == NULL) {
        return false;
    }
    if (!accept_rows(parser)) {
        return ps_parser_unexpected(parser, "ROWS");
    }
    return ps_parser_expect_word(parser, PS_KW_ONLY);
}

static bool tail_read(ps_parser *parser, ps_ast_query *query)
{
    if (ps_parser_accept_words(parser, PS_KW_ORDER, PS_KW_BY) &&
        !ps_parser_orders(parser, &query->order_by)) {
        return false;
    }
    bool has_limit = ps_parser_accept_word(parser, PS_KW_LIMIT);
    if (has_limit && !limit_read(parser, query)) {
        return false;
    }
    if (ps_parser_accept_word(parser, PS_KW_OFFSET)) {
        query->offset = row_number(parser);
        if (query->offset == NULL) {
            return false;
        }
        accept_rows(parser);
        if (ps_parser_is_word(parser, PS_KW_LIMIT)) {
            ps_parser_fail(parser, PS_E_INVALID, ps_parser_here(parser),
                           "LIMIT stands in front of OFFSET");
            return ps_parser_hint(parser, "write LIMIT count OFFSET start");
        }
    }
    return has_limit || !ps_parser_accept_word(parser, PS_KW_FETCH) || fetch_read(parser, query);
}

static bool has_tail(ps_parser *parser)
{
    ps_keyword keyword = ps_parser_peek(parser, 0)->keyword;
    return keyword == PS_KW_ORDER || keyword == PS_KW_LIMIT || keyword == PS_KW_OFFSET ||
           keyword == PS_KW_FETCH;
}

/* ── GROUP BY ── */

static bool group_read(ps_parser *parser, ps_ast_group *group);

static bool group_items(ps_parser *parser, ps_ast_group *group)
{
    if (!ps_parser_expect(parser, PS_TOKEN_LEFT, "`(`")) {
        return false;
    }
    do {
        ps_ast_group *items =
            ps_parser_push(parser, group->items, group->item_count, sizeof *items);
        if (items == NULL) {
            return false;
        }
        group->items = items;
        if (!group_read(parser, &items[group->item_count])) {
            return false;
        }
        group->item_count++;
    } while (ps_parser_accept(parser, PS_TOKEN_COMMA));
    return ps_parser_expect(parser, PS_TOKEN_RIGHT, "`,` or `)`");
}

/* expr, (a, b), () */
static bool group_plain(ps_parser *parser, ps_ast_group *group)
{
    group->kind = PS_AST_GROUP_LIST;
    if (ps_parser_is(parser, PS_TOKEN_LEFT) && ps_parser_peek(parser, 1)->kind == PS_TOKEN_RIGHT) {
        ps_parser_advance(parser);
        ps_parser_advance(parser);
        return true;
    }
    ps_ast_expr *expr = ps_parser_expr(parser);
    if (expr == NULL) {
        return false;
    }
    if (expr->kind == PS_AST_EXPR_ROW && expr->is_parenthesised) {
        group->exprs = expr->items;
        return true;
    }
    group->kind = PS_AST_GROUP_EXPR;
    return ps_parser_push_expr(parser, &group->exprs, expr);
}

static bool group_read(ps_parser *parser, ps_ast_group *group)
{
    ps_parser_frame frame;
    if (!ps_parser_enter(parser, &frame)) {
        return false;
    }
    ps_sql_span from = ps_parser_here(parser);
    bool done;
    if (ps_parser_accept_words(parser, PS_KW_GROUPING, PS_KW_SETS)) {
        group->kind = PS_AST_GROUP_SETS;
        done = group_items(parser, group);
    } else if (ps_parser_accept_word(parser, PS_KW_CUBE)) {
        group->kind = PS_AST_GROUP_CUBE;
        done = group_items(parser, group);
    } else if (ps_parser_accept_word(parser, PS_KW_ROLLUP)) {
        group->kind = PS_AST_GROUP_ROLLUP;
        done = group_items(parser, group);
    } else {
        done = group_plain(parser, group);
    }
    group->at = ps_parser_span(parser, from);
    ps_parser_leave(parser, &frame);
    return done;
}

static bool groups_read(ps_parser *parser, ps_ast_select *select)
{
    select->has_group_by = true;
    if (ps_parser_is_word(parser, PS_KW_DISTINCT)) {
        return ps_parser_unsupported(parser, "GROUP BY DISTINCT");
    }
    ps_parser_accept_word(parser, PS_KW_ALL);
    do {
        ps_ast_group *groups =
            ps_parser_push(parser, select->groups, select->group_count, sizeof *groups);
        if (groups == NULL) {
            return false;
        }
        select->groups = groups;
        if (!group_read(parser, &groups[select->group_count])) {
            return false;
        }
        select->group_count++;
    } while (ps_parser_accept(parser, PS_TOKEN_COMMA));
    return true;
}

/* ── SELECT ── */

static bool item_read(ps_parser *parser, ps_ast_item *item)
{
    item->expr = ps_parser_star(parser);
    if (item->expr != NULL) {
        return true;
    }
    if (parser->error.code != PS_OK) {
        return false;
    }
    item->expr = ps_parser_expr(parser);
    return item->expr != NULL && ps_parser_alias(parser, &item->alias, NULL);
}

static bool items_read(ps_parser *parser, ps_ast_select *select)
{
    do {
        ps_ast_item *items =
            ps_parser_push(parser, select->items, select->item_count, sizeof *items);
        if (items == NULL) {
            return false;
        }
        select->items = items;
        if (!item_read(parser, &items[select->item_count])) {
            return false;
        }
        select->item_count++;
    } while (ps_parser_accept(parser, PS_TOKEN_COMMA));
    return true;
}

/* WINDOW w AS (…), … */
static bool windows_read(ps_parser *parser, ps_ast_select *select)
{
    do {
        ps_ast_named_window *windows =
            ps_parser_push(parser, select->windows, select->window_count, sizeof *windows);
        if (windows == NULL) {
            return false;
        }
        select->windows = windows;
        ps_ast_named_window *window = &windows[select->window_count];
        if (!ps_parser_name(parser, "the name of a window", &window->name) ||
            !ps_parser_expect_word(parser, PS_KW_AS)) {
            return false;
        }
        ps_sql_span from = ps_parser_here(parser);
        if (!ps_parser_expect(parser, PS_TOKEN_LEFT, "`(`") ||
            !ps_parser_window(parser, &window->window) ||
            !ps_parser_expect(parser, PS_TOKEN_RIGHT, "`)` to end the window")) {
            return false;
        }
        window->window.at = ps_parser_span(parser, from);
        select->window_count++;
    } while (ps_parser_accept(parser, PS_TOKEN_COMMA));
    return true;
}

/* `word condition`, when the word is there. */
static bool condition_read(ps_parser *parser, ps_keyword word, ps_ast_expr **out)
{
    if (!ps_parser_accept_word(parser, word)) {
        return true;
    }
    *out = ps_parser_expr(parser);
    return *out != NULL;
}

static bool select_read(ps_parser *parser, ps_ast_select *select)
{
    ps_parser_advance(parser);
    if (!ps_parser_hints(parser, &select->hints)) {
        return false;
    }
    if (ps_parser_is_word(parser, PS_KW_STREAM)) {
        return ps_parser_unsupported(parser, "SELECT STREAM");
    }
    select->is_distinct = ps_parser_accept_word(parser, PS_KW_DISTINCT);
    if (!select->is_distinct) {
        ps_parser_accept_word(parser, PS_KW_ALL);
    }
    if (!items_read(parser, select)) {
        return false;
    }
    if (ps_parser_accept_word(parser, PS_KW_FROM)) {
        select->from = ps_parser_from(parser);
        if (select->from == NULL) {
            return false;
        }
    }
    if (!condition_read(parser, PS_KW_WHERE, &select->where)) {
        return false;
    }
    if (ps_parser_accept_words(parser, PS_KW_GROUP, PS_KW_BY) && !groups_read(parser, select)) {
        return false;
    }
    if (!condition_read(parser, PS_KW_HAVING, &select->having)) {
        return false;
    }
    if (ps_parser_accept_word(parser, PS_KW_WINDOW) && !windows_read(parser, select)) {
        return false;
    }
    return condition_read(parser, PS_KW_QUALIFY, &select->qualify);
}

static ps_ast_query *select_query(ps_parser *parser)
{
    ps_sql_span from = ps_parser_here(parser);
    ps_ast_query *query = new_query(parser, PS_AST_QUERY_SELECT, from);
    ps_ast_select *select = query != NULL ? ps_parser_take(parser, sizeof *select) : NULL;
    if (select == NULL || !select_read(parser, select)) {
        return NULL;
    }
    query->select = select;
    query->at = ps_parser_span(parser, from);
    return query;
}

/* ── the other leaves ── */

static ps_ast_query *values_query(ps_parser *parser)
{
    ps_sql_span from = ps_parser_advance(parser).at;
    ps_ast_query *query = new_query(parser, PS_AST_QUERY_VALUES, from);
    if (query == NULL || !ps_parser_exprs(parser, &query->rows)) {
        return NULL;
    }
    query->at = ps_parser_span(parser, from);
    return query;
}

/* TABLE t */
static ps_ast_query *table_query(ps_parser *parser)
{
    ps_sql_span from = ps_parser_advance(parser).at;
    ps_ast_query *query = new_query(parser, PS_AST_QUERY_TABLE, from);
    if (query == NULL || !ps_parser_path(parser, "a table name", &query->path)) {
        return NULL;
    }
    query->at = ps_parser_span(parser, from);
    return query;
}

static bool has_own_tail(const ps_ast_query *query)
{
    return query->order_by.count > 0 || query->limit != NULL || query->offset != NULL ||
           query->with_count > 0;
}

/* So that what follows the parentheses does not mix with what is inside. */
static ps_ast_query *nest(ps_parser *parser, ps_ast_query *inner)
{
    if (!has_own_tail(inner)) {
        return inner;
    }
    ps_ast_query *query = new_query(parser, PS_AST_QUERY_NESTED, inner->at);
    if (query == NULL || !ps_parser_link(parser)) {
        return NULL;
    }
    query->nested = inner;
    return query;
}

static ps_ast_query *leaf(ps_parser *parser)
{
    ps_keyword keyword = ps_parser_peek(parser, 0)->keyword;
    if (keyword == PS_KW_SELECT) {
        return select_query(parser);
    }
    if (keyword == PS_KW_VALUES) {
        return values_query(parser);
    }
    if (keyword == PS_KW_TABLE) {
        return table_query(parser);
    }
    if (!ps_parser_accept(parser, PS_TOKEN_LEFT)) {
        ps_parser_unexpected(parser, "a query");
        return NULL;
    }
    ps_ast_query *inner = ps_parser_query(parser);
    if (inner == NULL || !ps_parser_expect(parser, PS_TOKEN_RIGHT, "`)` to end the query")) {
        return NULL;
    }
    return nest(parser, inner);
}

/* ── set operations ── */

static bool set_operator(ps_parser *parser, ps_ast_set_op *out)
{
    ps_keyword keyword = ps_parser_peek(parser, 0)->keyword;
    if (keyword == PS_KW_UNION) {
        *out = PS_AST_SET_UNION;
    } else if (keyword == PS_KW_INTERSECT) {
        *out = PS_AST_SET_INTERSECT;
    } else if (keyword == PS_KW_EXCEPT) {
        *out = PS_AST_SET_EXCEPT;
    } else {
        return false;
    }
    return true;
}

static ps_ast_query *set_query(ps_parser *parser, ps_ast_query *left, ps_ast_query *right,
                               ps_ast_set_op op, ps_sql_span op_at)
{
    ps_ast_query *query = new_query(parser, PS_AST_QUERY_SET, left->at);
    if (query == NULL || !ps_parser_link(parser)) {
        return NULL;
    }
    query->set.op = op;
    query->set.op_at = op_at;
    query->set.left = left;
    query->set.right = right;
    return query;
}

/* UNION and EXCEPT bind alike, INTERSECT binds closer. `left` NULL: it is still to be read. */
static ps_ast_query *set_chain(ps_parser *parser, ps_ast_query *left, bool is_intersect)
{
    if (left == NULL) {
        left = is_intersect ? leaf(parser) : set_chain(parser, NULL, true);
    } else if (!is_intersect) {
        left = set_chain(parser, left, true);
    }
    ps_ast_set_op op;
    while (left != NULL && set_operator(parser, &op) &&
           (op == PS_AST_SET_INTERSECT) == is_intersect) {
        ps_sql_span op_at = ps_parser_advance(parser).at;
        bool is_all = ps_parser_accept_word(parser, PS_KW_ALL);
        if (!is_all) {
            ps_parser_accept_word(parser, PS_KW_DISTINCT);
        }
        ps_ast_query *right = is_intersect ? leaf(parser) : set_chain(parser, NULL, true);
        left = right != NULL ? set_query(parser, left, right, op, op_at) : NULL;
        if (left != NULL) {
            left->set.is_all = is_all;
        }
    }
    return left;
}

static ps_ast_query *body(ps_parser *parser, ps_ast_query *left)
{
    ps_ast_query *query = set_chain(parser, left, false);
    if (query == NULL) {
        return NULL;
    }
    if (ps_parser_is_word(parser, PS_KW_MINUS)) {
        ps_parser_unexpected(parser, "the end of the query");
        parser->error.hint[0] = 0;
        ps_parser_hint(parser, "write EXCEPT");
        return NULL;
    }
    return query;
}

/* ORDER BY behind a parenthesised query that has its own is nested by leaf already. */
static ps_ast_query *finish(ps_parser *parser, ps_ast_query *query)
{
    if (query == NULL || !tail_read(parser, query)) {
        return NULL;
    }
    if (has_tail(parser) || ps_parser_is_set_operation(parser)) {
        ps_parser_unexpected(parser, "the end of the query");
        parser->error.hint[0] = 0;
        ps_parser_hint(parser, "put the query in front of it into parentheses");
        return NULL;
    }
    query->at = ps_parser_span(parser, query->at);
    return query;
}

ps_ast_query *ps_parser_query_rest(ps_parser *parser, ps_ast_query *left)
{
    if (!ps_parser_is_set_operation(parser) && !has_tail(parser)) {
        return left;
    }
    left = nest(parser, left);
    return left != NULL ? finish(parser, body(parser, left)) : NULL;
}

/* ── WITH ── */

static bool with_read(ps_parser *parser, ps_ast_with *with)
{
    if (!ps_parser_name(parser, "the name of a query", &with->name)) {
        return false;
    }
    if (ps_parser_is(parser, PS_TOKEN_LEFT) &&
        !ps_parser_name_list(parser, "a column name", &with->columns)) {
        return false;
    }
    if (!ps_parser_expect_word(parser, PS_KW_AS) ||
        !ps_parser_expect(parser, PS_TOKEN_LEFT, "`(` and a query")) {
        return false;
    }
    with->query = ps_parser_query(parser);
    return with->query != NULL && ps_parser_expect(parser, PS_TOKEN_RIGHT, "`)`");
}

static bool withs_read(ps_parser *parser, uint32_t *out_count, ps_ast_with **out)
{
    if (ps_parser_is_word(parser, PS_KW_RECURSIVE)) {
        return ps_parser_unsupported(parser, "WITH RECURSIVE");
    }
    do {
        ps_ast_with *items = ps_parser_push(parser, *out, *out_count, sizeof *items);
        if (items == NULL) {
            return false;
        }
        *out = items;
        if (!with_read(parser, &items[*out_count])) {
            return false;
        }
        ++*out_count;
    } while (ps_parser_accept(parser, PS_TOKEN_COMMA));
    return true;
}

static ps_ast_query *query_read(ps_parser *parser)
{
    uint32_t with_count = 0;
    ps_ast_with *with = NULL;
    ps_sql_span from = ps_parser_here(parser);
    if (ps_parser_accept_word(parser, PS_KW_WITH) && !withs_read(parser, &with_count, &with)) {
        return NULL;
    }
    ps_ast_query *query = finish(parser, body(parser, NULL));
    if (query == NULL) {
        return NULL;
    }
    query->with_count = with_count;
    query->with = with;
    query->at = ps_parser_span(parser, from);
    return query;
}

ps_ast_query *ps_parser_query(ps_parser *parser)
{
    ps_parser_frame frame;
    if (!ps_parser_enter(parser, &frame)) {
        return NULL;
    }
    ps_ast_query *query = query_read(parser);
    ps_parser_leave(parser, &frame);
    return query;
}
