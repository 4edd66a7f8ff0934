/* Calls: arguments, OVER and the other suffixes, and the functions with a grammar of their own. */
#include <strings.h>

#include "sql/parser_internal.h"

/* ── windows ── */

static bool bound_read(ps_parser *parser, ps_ast_bound *bound)
{
    if (ps_parser_accept_words(parser, PS_KW_CURRENT, PS_KW_ROW)) {
        bound->kind = PS_AST_BOUND_CURRENT_ROW;
        return true;
    }
    bool is_unbounded = ps_parser_accept_word(parser, PS_KW_UNBOUNDED);
    if (!is_unbounded) {
        bound->value = ps_parser_expr_above_comparison(parser);
        if (bound->value == NULL) {
            return false;
        }
    }
    if (ps_parser_accept_word(parser, PS_KW_PRECEDING)) {
        bound->kind = is_unbounded ? PS_AST_BOUND_UNBOUNDED_PRECEDING : PS_AST_BOUND_PRECEDING;
        return true;
    }
    if (ps_parser_accept_word(parser, PS_KW_FOLLOWING)) {
        bound->kind = is_unbounded ? PS_AST_BOUND_UNBOUNDED_FOLLOWING : PS_AST_BOUND_FOLLOWING;
        return true;
    }
    return ps_parser_unexpected(parser, "PRECEDING or FOLLOWING");
}

static bool frame_read(ps_parser *parser, ps_ast_window *window)
{
    if (ps_parser_accept_word(parser, PS_KW_ROWS)) {
        window->frame = PS_AST_FRAME_ROWS;
    } else if (ps_parser_accept_word(parser, PS_KW_RANGE)) {
        window->frame = PS_AST_FRAME_RANGE;
    } else {
        return true;
    }
    if (!ps_parser_accept_word(parser, PS_KW_BETWEEN)) {
        window->high.kind = PS_AST_BOUND_CURRENT_ROW;
        return bound_read(parser, &window->low);
    }
    return bound_read(parser, &window->low) && ps_parser_expect_word(parser, PS_KW_AND) &&
           bound_read(parser, &window->high);
}

bool ps_parser_window(ps_parser *parser, ps_ast_window *out)
{
    if (ps_parser_is_name(parser, 0) && !ps_parser_name(parser, "a window", &out->base)) {
        return false;
    }
    if (ps_parser_accept_words(parser, PS_KW_PARTITION, PS_KW_BY) &&
        !ps_parser_exprs(parser, &out->partition_by)) {
        return false;
    }
    if (ps_parser_accept_words(parser, PS_KW_ORDER, PS_KW_BY) &&
        !ps_parser_orders(parser, &out->order_by)) {
        return false;
    }
    return frame_read(parser, out);
}

/* OVER w, OVER (…) */
static bool over_read(ps_parser *parser, ps_ast_call *call)
{
    ps_sql_span from = ps_parser_here(parser);
    call->over = ps_parser_take(parser, sizeof *call->over);
    if (call->over == NULL) {
        return false;
    }
    if (ps_parser_accept(parser, PS_TOKEN_LEFT)) {
        if (!ps_parser_window(parser, call->over) ||
            !ps_parser_expect(parser, PS_TOKEN_RIGHT, "`)` to end the window")) {
            return false;
        }
    } else {
        call->over->is_reference = true;
        if (!ps_parser_name(parser, "`(` or the name of a window", &call->over->base)) {
            return false;
        }
    }
    call->over->at = ps_parser_span(parser, from);
    return true;
}

bool ps_parser_call_suffix(ps_parser *parser, ps_ast_call *call)
{
    if (ps_parser_accept_words(parser, PS_KW_IGNORE, PS_KW_NULLS)) {
        call->respect = PS_AST_IGNORE_NULLS;
    } else if (ps_parser_accept_words(parser, PS_KW_RESPECT, PS_KW_NULLS)) {
        call->respect = PS_AST_RESPECT_NULLS;
    }
    if (ps_parser_accept_words(parser, PS_KW_WITHIN, PS_KW_GROUP)) {
        if (!ps_parser_expect(parser, PS_TOKEN_LEFT, "`(ORDER BY …)`") ||
            !ps_parser_expect_word(parser, PS_KW_ORDER) ||
            !ps_parser_expect_word(parser, PS_KW_BY) ||
            !ps_parser_orders(parser, &call->within_group) ||
            !ps_parser_expect(parser, PS_TOKEN_RIGHT, "`)`")) {
            return false;
        }
    }
    if (ps_parser_is_word(parser, PS_KW_FILTER) &&
        ps_parser_peek(parser, 1)->kind == PS_TOKEN_LEFT) {
        ps_parser_advance(parser);
        ps_parser_advance(parser);
        if (!ps_parser_expect_word(parser, PS_KW_WHERE)) {
            return false;
        }
        call->filter = ps_parser_expr(parser);
        if (call->filter == NULL || !ps_parser_expect(parser, PS_TOKEN_RIGHT, "`)`")) {
            return false;
        }
    }
    return !ps_parser_accept_word(parser, PS_KW_OVER) || over_read(parser, call);
}

/* ── arguments ── */

/* PARTITION BY k, (k, l), or k, l, …: the comma in front of what cannot be a key ends the list, as
 * in SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), …). */
static bool table_keys(ps_parser *parser, ps_ast_table_argument *table)
{
    ps_ast_exprs *out = &table->partition_by;
    if (ps_parser_accept(parser, PS_TOKEN_LEFT)) {
        return ps_parser_exprs(parser, out) &&
               ps_parser_expect(parser, PS_TOKEN_RIGHT, "`,` or `)`");
    }
    do {
        ps_ast_expr *key = ps_parser_expr(parser);
        if (key == NULL || !ps_parser_push_expr(parser, out, key)) {
            return false;
        }
    } while (ps_parser_is(parser, PS_TOKEN_COMMA) && ps_parser_is_name(parser, 1) &&
             ps_parser_peek(parser, 2)->kind != PS_TOKEN_LEFT &&
             ps_parser_peek(parser, 2)->kind != PS_TOKEN_ARROW &&
             ps_parser_accept(parser, PS_TOKEN_COMMA));
    table->is_bare_list = out->count > 1;
    return true;
}

/* ORDER BY o, or (o, p) */
static bool table_orders(ps_parser *parser, ps_ast_orders *out)
{
    if (ps_parser_accept(parser, PS_TOKEN_LEFT)) {
        return ps_parser_orders(parser, out) &&
               ps_parser_expect(parser, PS_TOKEN_RIGHT, "`,` or `)`");
    }
    return ps_parser_one_order(parser, out);
}

/* TABLE t [PARTITION BY …] [ORDER BY …] */
static ps_ast_expr *table_argument(ps_parser *parser)
{
    ps_sql_span from = ps_parser_advance(parser).at;
    ps_ast_expr *expr = ps_parser_new_expr(parser, PS_AST_EXPR_TABLE, from);
    ps_ast_table_argument *table = expr != NULL ? ps_parser_take(parser, sizeof *table) : NULL;
    if (table == NULL) {
        return NULL;
    }
    expr->table = table;
    if (!ps_parser_path(parser, "a table name", &table->path)) {
        if (ps_parser_is(parser, PS_TOKEN_LEFT)) {
            ps_parser_hint(parser, "a query is an argument without the word TABLE");
        }
        return NULL;
    }
    if (ps_parser_accept_words(parser, PS_KW_PARTITION, PS_KW_BY) && !table_keys(parser, table)) {
        return NULL;
    }
    if (ps_parser_accept_words(parser, PS_KW_ORDER, PS_KW_BY) &&
        !table_orders(parser, &table->order_by)) {
        return NULL;
    }
    expr->at = ps_parser_span(parser, from);
    return expr;
}

static ps_ast_expr *descriptor(ps_parser *parser)
{
    ps_sql_span from = ps_parser_advance(parser).at;
    ps_ast_expr *expr = ps_parser_new_expr(parser, PS_AST_EXPR_DESCRIPTOR, from);
    if (expr == NULL || !ps_parser_name_list(parser, "a column name", &expr->columns)) {
        return NULL;
    }
    expr->at = ps_parser_span(parser, from);
    return expr;
}

/* The number of tokens of `a.b.` in front of a star, 0 for the star alone; false: no star. */
static bool is_star(ps_parser *parser, uint32_t *out_prefix)
{
    uint32_t ahead = 0;
    while (ps_parser_is_name(parser, ahead) &&
           ps_parser_peek(parser, ahead + 1)->kind == PS_TOKEN_DOT) {
        ahead += 2;
    }
    *out_prefix = ahead;
    return ps_parser_peek(parser, ahead)->kind == PS_TOKEN_STAR;
}

ps_ast_expr *ps_parser_star(ps_parser *parser)
{
    uint32_t prefix;
    if (!is_star(parser, &prefix)) {
        return NULL;
    }
    ps_sql_span from = ps_parser_here(parser);
    ps_ast_names path = {0};
    for (uint32_t i = 0; i < prefix; i += 2) {
        ps_ast_name name;
        if (!ps_parser_name(parser, "a name", &name) || !ps_parser_push_name(parser, &path, name)) {
            return NULL;
        }
        ps_parser_advance(parser);
    }
    ps_parser_advance(parser);
    ps_ast_expr *expr = ps_parser_new_expr(parser, PS_AST_EXPR_STAR, from);
    if (expr != NULL) {
        expr->path = path;
    }
    return expr;
}

static ps_ast_expr *argument(ps_parser *parser)
{
    uint32_t prefix;
    if (ps_parser_is_word(parser, PS_KW_TABLE)) {
        return table_argument(parser);
    }
    if (ps_parser_is_word(parser, PS_KW_DESCRIPTOR) &&
        ps_parser_peek(parser, 1)->kind == PS_TOKEN_LEFT) {
        return descriptor(parser);
    }
    if (ps_parser_is_query(parser, 0)) {
        ps_parser_unexpected(parser, "an argument");
        ps_parser_hint(parser, "put the query into parentheses");
        return NULL;
    }
    return is_star(parser, &prefix) ? ps_parser_star(parser) : ps_parser_expr(parser);
}

/* DATA => … */
static bool argument_name(ps_parser *parser, ps_ast_call *call)
{
    bool is_named = ps_parser_peek(parser, 1)->kind == PS_TOKEN_ARROW;
    if (!is_named && call->argument_names == NULL) {
        return true;
    }
    if (is_named != (call->argument_names != NULL) && call->arguments.count > 0) {
        return ps_parser_fail(parser, PS_E_INVALID, ps_parser_here(parser),
                              "either all arguments have names, or none");
    }
    ps_ast_name *names =
        ps_parser_push(parser, call->argument_names, call->arguments.count, sizeof *names);
    if (names == NULL) {
        return false;
    }
    call->argument_names = names;
    if (!ps_parser_name(parser, "the name of an argument", &names[call->arguments.count])) {
        return false;
    }
    ps_parser_advance(parser);
    return true;
}

/* Flink's parser takes ORDER BY in ARRAY_AGG only. */
static bool call_order(ps_parser *parser, ps_ast_call *call)
{
    ps_sql_span from = ps_parser_here(parser);
    if (!ps_parser_accept_words(parser, PS_KW_ORDER, PS_KW_BY)) {
        return true;
    }
    const ps_ast_name *name = ps_ast_names_last(&call->name);
    if (strcasecmp(name->text, "ARRAY_AGG") != 0) {
        return ps_parser_fail(parser, PS_E_INVALID, from, "%s takes no ORDER BY", name->text);
    }
    return ps_parser_orders(parser, &call->order_by);
}

static bool arguments_read(ps_parser *parser, ps_ast_call *call)
{
    if (ps_parser_accept(parser, PS_TOKEN_RIGHT)) {
        return true;
    }
    call->is_distinct = ps_parser_accept_word(parser, PS_KW_DISTINCT);
    if (!call->is_distinct) {
        ps_parser_accept_word(parser, PS_KW_ALL);
    }
    if (call->is_distinct && ps_parser_is(parser, PS_TOKEN_STAR)) {
        return ps_parser_unexpected(parser, "an expression behind DISTINCT");
    }
    do {
        ps_ast_expr *expr = argument_name(parser, call) ? argument(parser) : NULL;
        if (expr == NULL || !ps_parser_push_expr(parser, &call->arguments, expr)) {
            return false;
        }
    } while (ps_parser_accept(parser, PS_TOKEN_COMMA));
    return call_order(parser, call) && ps_parser_expect(parser, PS_TOKEN_RIGHT, "`,` or `)`");
}

static ps_ast_expr *new_call(ps_parser *parser, const ps_ast_names *name, ps_ast_call_form form)
{
    ps_ast_expr *expr = ps_parser_new_expr(parser, PS_AST_EXPR_CALL, name->items[0].at);
    ps_ast_call *call = expr != NULL ? ps_parser_take(parser, sizeof *call) : NULL;
    if (call == NULL) {
        return NULL;
    }
    call->name = *name;
    call->form = form;
    expr->call = call;
    return expr;
}

static ps_ast_expr *finish_call(ps_parser *parser, ps_ast_expr *expr)
{
    if (!ps_parser_call_suffix(parser, expr->call)) {
        return NULL;
    }
    expr->at = ps_parser_span(parser, expr->at);
    return expr;
}

ps_ast_expr *ps_parser_call(ps_parser *parser, const ps_ast_names *name)
{
    ps_ast_expr *expr = new_call(parser, name, PS_AST_FORM_PLAIN);
    if (expr == NULL || !ps_parser_expect(parser, PS_TOKEN_LEFT, "`(`") ||
        !arguments_read(parser, expr->call)) {
        return NULL;
    }
    return finish_call(parser, expr);
}

/* ── functions with words between their arguments ── */

static bool push_argument(ps_parser *parser, ps_ast_call *call)
{
    ps_ast_expr *expr = ps_parser_expr(parser);
    return expr != NULL && ps_parser_push_expr(parser, &call->arguments, expr);
}

static bool push_unit(ps_parser *parser, ps_ast_call *call)
{
    ps_ast_expr *expr = ps_parser_new_expr(parser, PS_AST_EXPR_UNIT, ps_parser_here(parser));
    if (expr == NULL) {
        return false;
    }
    if (!ps_parser_unit(parser, &expr->unit)) {
        return ps_parser_unexpected(parser, "a unit of time, e.g. DAY");
    }
    expr->at = ps_parser_span(parser, expr->at);
    return ps_parser_push_expr(parser, &call->arguments, expr);
}

/* word argument */
static bool next_argument(ps_parser *parser, ps_ast_call *call, ps_keyword word)
{
    return ps_parser_expect_word(parser, word) && push_argument(parser, call);
}

/* EXTRACT(unit FROM e) */
static bool extract_read(ps_parser *parser, ps_ast_call *call)
{
    call->form = PS_AST_FORM_EXTRACT;
    return push_unit(parser, call) && next_argument(parser, call, PS_KW_FROM);
}

/* POSITION(a IN b [FROM n]); a stops in front of IN. */
static bool position_read(ps_parser *parser, ps_ast_call *call)
{
    call->form = PS_AST_FORM_POSITION;
    ps_ast_expr *sought = ps_parser_expr_above_comparison(parser);
    if (sought == NULL || !ps_parser_push_expr(parser, &call->arguments, sought) ||
        !next_argument(parser, call, PS_KW_IN)) {
        return false;
    }
    return !ps_parser_is_word(parser, PS_KW_FROM) || next_argument(parser, call, PS_KW_FROM);
}

/* SUBSTRING(e FROM a [FOR b]), SUBSTRING(e, a [, b]) */
static bool substring_read(ps_parser *parser, ps_ast_call *call)
{
    if (!push_argument(parser, call)) {
        return false;
    }
    if (ps_parser_is_word(parser, PS_KW_FROM)) {
        call->form = PS_AST_FORM_SUBSTRING;
        return next_argument(parser, call, PS_KW_FROM) &&
               (!ps_parser_is_word(parser, PS_KW_FOR) || next_argument(parser, call, PS_KW_FOR));
    }
    while (ps_parser_accept(parser, PS_TOKEN_COMMA)) {
        if (!push_argument(parser, call)) {
            return false;
        }
    }
    return true;
}

/* OVERLAY(e PLACING by FROM a [FOR b]) */
static bool overlay_read(ps_parser *parser, ps_ast_call *call)
{
    call->form = PS_AST_FORM_OVERLAY;
    return push_argument(parser, call) && next_argument(parser, call, PS_KW_PLACING) &&
           next_argument(parser, call, PS_KW_FROM) &&
           (!ps_parser_is_word(parser, PS_KW_FOR) || next_argument(parser, call, PS_KW_FOR));
}

static bool push_blank(ps_parser *parser, ps_ast_call *call)
{
    ps_ast_expr *blank = ps_parser_new_expr(parser, PS_AST_EXPR_LITERAL, call->name.items[0].at);
    if (blank == NULL) {
        return false;
    }
    blank->literal.kind = PS_AST_LITERAL_STRING;
    blank->literal.text = PS_SLICE(" ");
    return ps_parser_push_expr(parser, &call->arguments, blank);
}

/* TRIM([BOTH | LEADING | TRAILING] [characters] FROM e), TRIM(e) */
static bool trim_read(ps_parser *parser, ps_ast_call *call)
{
    ps_ast_expr *side = ps_parser_new_expr(parser, PS_AST_EXPR_TRIM_SIDE, ps_parser_here(parser));
    if (side == NULL) {
        return false;
    }
    bool has_side = true;
    if (ps_parser_accept_word(parser, PS_KW_LEADING)) {
        side->trim_side = PS_AST_TRIM_LEADING;
    } else if (ps_parser_accept_word(parser, PS_KW_TRAILING)) {
        side->trim_side = PS_AST_TRIM_TRAILING;
    } else {
        has_side = ps_parser_accept_word(parser, PS_KW_BOTH);
        side->trim_side = PS_AST_TRIM_BOTH;
    }
    if (has_side && ps_parser_accept_word(parser, PS_KW_FROM)) {
        call->form = PS_AST_FORM_TRIM;
        return ps_parser_push_expr(parser, &call->arguments, side) && push_blank(parser, call) &&
               push_argument(parser, call);
    }
    ps_ast_expr *first = ps_parser_expr(parser);
    if (first == NULL) {
        return false;
    }
    if (!has_side && !ps_parser_is_word(parser, PS_KW_FROM)) {
        return ps_parser_push_expr(parser, &call->arguments, first);
    }
    call->form = PS_AST_FORM_TRIM;
    return ps_parser_push_expr(parser, &call->arguments, side) &&
           ps_parser_push_expr(parser, &call->arguments, first) &&
           next_argument(parser, call, PS_KW_FROM);
}

/* FLOOR(e [TO unit]), CEIL(e [TO unit]) */
static bool round_read(ps_parser *parser, ps_ast_call *call)
{
    if (!push_argument(parser, call)) {
        return false;
    }
    if (!ps_parser_accept_word(parser, PS_KW_TO)) {
        return true;
    }
    call->form = PS_AST_FORM_ROUND_TO;
    return push_unit(parser, call);
}

/* TIMESTAMPADD(unit, n, e), TIMESTAMPDIFF(unit, a, b) */
static bool unit_first_read(ps_parser *parser, ps_ast_call *call)
{
    if (!push_unit(parser, call)) {
        return false;
    }
    while (ps_parser_accept(parser, PS_TOKEN_COMMA)) {
        if (!push_argument(parser, call)) {
            return false;
        }
    }
    return true;
}

/* ── JSON ── */

/* [KEY] k VALUE v, k : v */
static bool pair_read(ps_parser *parser, ps_ast_call *call)
{
    if (ps_parser_is_word(parser, PS_KW_KEY) && ps_parser_peek(parser, 1)->kind != PS_TOKEN_COLON &&
        !ps_parser_is_word_at(parser, 1, PS_KW_VALUE)) {
        ps_parser_advance(parser);
    }
    if (!push_argument(parser, call)) {
        return false;
    }
    if (!ps_parser_accept(parser, PS_TOKEN_COLON) && !ps_parser_accept_word(parser, PS_KW_VALUE)) {
        return ps_parser_unexpected(parser, "VALUE");
    }
    return push_argument(parser, call);
}

/* [NULL | ABSENT] ON NULL */
static bool on_null_read(ps_parser *parser, ps_ast_json *json)
{
    if (ps_parser_accept_words(parser, PS_KW_NULL, PS_KW_ON)) {
        json->on_null = PS_AST_ON_NULL_NULL;
    } else if (ps_parser_accept_words(parser, PS_KW_ABSENT, PS_KW_ON)) {
        json->on_null = PS_AST_ON_NULL_ABSENT;
    } else {
        return true;
    }
    return ps_parser_expect_word(parser, PS_KW_NULL);
}

static bool is_on_null(ps_parser *parser)
{
    return (ps_parser_is_word(parser, PS_KW_NULL) || ps_parser_is_word(parser, PS_KW_ABSENT)) &&
           ps_parser_is_word_at(parser, 1, PS_KW_ON);
}

static bool json_new(ps_parser *parser, ps_ast_call *call)
{
    call->json = ps_parser_take(parser, sizeof *call->json);
    return call->json != NULL;
}

/* JSON_OBJECT(…), JSON_OBJECTAGG(…) */
static bool json_object_read(ps_parser *parser, ps_ast_call *call)
{
    call->form = PS_AST_FORM_PAIRS;
    if (!json_new(parser, call)) {
        return false;
    }
    if (!ps_parser_is(parser, PS_TOKEN_RIGHT) && !is_on_null(parser)) {
        do {
            if (!pair_read(parser, call)) {
                return false;
            }
        } while (ps_parser_accept(parser, PS_TOKEN_COMMA));
    }
    return on_null_read(parser, call->json);
}

/* JSON_ARRAY(…), JSON_ARRAYAGG(… [ORDER BY …]) */
static bool json_array_read(ps_parser *parser, ps_ast_call *call)
{
    if (!json_new(parser, call)) {
        return false;
    }
    if (!ps_parser_is(parser, PS_TOKEN_RIGHT) && !is_on_null(parser)) {
        do {
            if (!push_argument(parser, call)) {
                return false;
            }
        } while (ps_parser_accept(parser, PS_TOKEN_COMMA));
    }
    if (ps_parser_accept_words(parser, PS_KW_ORDER, PS_KW_BY) &&
        !ps_parser_orders(parser, &call->order_by)) {
        return false;
    }
    return on_null_read(parser, call->json);
}

static bool behavior_word(ps_parser *parser, ps_ast_behavior *out)
{
    static const struct {
        ps_keyword keyword;
        ps_ast_behavior behavior;
    } words[] = {
        {PS_KW_NULL, PS_AST_BEHAVIOR_NULL},       {PS_KW_ERROR, PS_AST_BEHAVIOR_ERROR},
        {PS_KW_DEFAULT, PS_AST_BEHAVIOR_DEFAULT}, {PS_KW_TRUE, PS_AST_BEHAVIOR_TRUE},
        {PS_KW_FALSE, PS_AST_BEHAVIOR_FALSE},     {PS_KW_UNKNOWN, PS_AST_BEHAVIOR_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (ps_parser_accept_word(parser, words[i].keyword)) {
            *out = words[i].behavior;
            return true;
        }
    }
    if (ps_parser_accept_words(parser, PS_KW_EMPTY, PS_KW_OBJECT)) {
        *out = PS_AST_BEHAVIOR_EMPTY_OBJECT;
        return true;
    }
    if (ps_parser_accept_word(parser, PS_KW_EMPTY)) {
        ps_parser_accept_word(parser, PS_KW_ARRAY);
        *out = PS_AST_BEHAVIOR_EMPTY_ARRAY;
        return true;
    }
    return ps_parser_unexpected(parser, "NULL, ERROR or DEFAULT … ON EMPTY or ON ERROR");
}

/* behavior ON EMPTY, behavior ON ERROR */
static bool behavior_read(ps_parser *parser, ps_ast_json *json)
{
    ps_ast_behavior behavior = PS_AST_BEHAVIOR_NONE;
    ps_ast_expr *value = NULL;
    if (!behavior_word(parser, &behavior)) {
        return false;
    }
    if (behavior == PS_AST_BEHAVIOR_DEFAULT) {
        value = ps_parser_expr(parser);
        if (value == NULL) {
            return false;
        }
    }
    if (!ps_parser_expect_word(parser, PS_KW_ON)) {
        return false;
    }
    if (ps_parser_accept_word(parser, PS_KW_EMPTY)) {
        json->on_empty = behavior;
        json->empty_default = value;
        return true;
    }
    json->on_error = behavior;
    json->error_default = value;
    return ps_parser_expect_word(parser, PS_KW_ERROR);
}

/* WITHOUT [ARRAY] WRAPPER, WITH [CONDITIONAL | UNCONDITIONAL] [ARRAY] WRAPPER */
static bool wrapper_read(ps_parser *parser, ps_ast_json *json)
{
    if (ps_parser_accept_word(parser, PS_KW_WITHOUT)) {
        json->wrapper = PS_AST_WRAPPER_WITHOUT;
    } else if (ps_parser_accept_word(parser, PS_KW_WITH)) {
        json->wrapper = PS_AST_WRAPPER_UNCONDITIONAL;
        if (ps_parser_accept_word(parser, PS_KW_CONDITIONAL)) {
            json->wrapper = PS_AST_WRAPPER_CONDITIONAL;
        } else {
            ps_parser_accept_word(parser, PS_KW_UNCONDITIONAL);
        }
    } else {
        return true;
    }
    ps_parser_accept_word(parser, PS_KW_ARRAY);
    return ps_parser_expect_word(parser, PS_KW_WRAPPER);
}

/* JSON_VALUE, JSON_QUERY, JSON_EXISTS: (document, path clauses) */
static bool json_path_read(ps_parser *parser, ps_ast_call *call)
{
    if (!json_new(parser, call) || !push_argument(parser, call) ||
        !ps_parser_expect(parser, PS_TOKEN_COMMA, "`,` and a JSON path") ||
        !push_argument(parser, call)) {
        return false;
    }
    if (ps_parser_accept_word(parser, PS_KW_RETURNING)) {
        call->json->returning = ps_parser_type(parser);
        if (call->json->returning == NULL) {
            return false;
        }
    }
    if (!wrapper_read(parser, call->json)) {
        return false;
    }
    while (!ps_parser_is(parser, PS_TOKEN_RIGHT)) {
        if (!behavior_read(parser, call->json)) {
            return false;
        }
    }
    return true;
}

/* ── the table of them ── */

typedef bool argument_reader(ps_parser *parser, ps_ast_call *call);

static const struct {
    ps_keyword keyword;
    argument_reader *read;
} special[] = {
    {PS_KW_EXTRACT, extract_read},
    {PS_KW_POSITION, position_read},
    {PS_KW_SUBSTRING, substring_read},
    {PS_KW_OVERLAY, overlay_read},
    {PS_KW_TRIM, trim_read},
    {PS_KW_FLOOR, round_read},
    {PS_KW_CEIL, round_read},
    {PS_KW_CEILING, round_read},
    {PS_KW_TIMESTAMPADD, unit_first_read},
    {PS_KW_TIMESTAMPDIFF, unit_first_read},
    {PS_KW_JSON_OBJECT, json_object_read},
    {PS_KW_JSON_OBJECTAGG, json_object_read},
    {PS_KW_JSON_ARRAY, json_array_read},
    {PS_KW_JSON_ARRAYAGG, json_array_read},
    {PS_KW_JSON_VALUE, json_path_read},
    {PS_KW_JSON_QUERY, json_path_read},
    {PS_KW_JSON_EXISTS, json_path_read},
};

ps_ast_expr *ps_parser_special_call(ps_parser *parser, bool *out_special)
{
    argument_reader *read = NULL;
    ps_keyword keyword = ps_parser_peek(parser, 0)->keyword;
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        if (special[i].keyword == keyword) {
            read = special[i].read;
        }
    }
    *out_special = read != NULL;
    if (read == NULL) {
        return NULL;
    }
    ps_token token = ps_parser_advance(parser);
    ps_ast_name name = {
        .at = token.at,
        .text = ps_arena_copy(parser->arena, token.text.data, token.text.size),
        .size = (uint32_t)token.text.size,
    };
    ps_ast_names path = {0};
    if (name.text == NULL) {
        ps_parser_fail(parser, PS_E_LIMIT, token.at, "the statement needs more memory");
        return NULL;
    }
    ps_ast_expr *expr = ps_parser_push_name(parser, &path, name)
                            ? new_call(parser, &path, PS_AST_FORM_PLAIN)
                            : NULL;
    ps_parser_advance(parser);
    if (expr == NULL || !read(parser, expr->call) ||
        !ps_parser_expect(parser, PS_TOKEN_RIGHT, "`)`")) {
        return NULL;
    }
    return finish_call(parser, expr);
}
