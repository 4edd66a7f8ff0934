/* MATCH_RECOGNIZE: clauses and patterns (SEMANTICS §12.1). */
#include "sql/parser_internal.h"

static ps_ast_pattern *alternation(ps_parser *parser);

/* ── patterns ── */

static ps_ast_pattern *new_pattern(ps_parser *parser, ps_ast_pattern_kind kind, ps_sql_span from)
{
    ps_ast_pattern *pattern = ps_parser_take(parser, sizeof *pattern);
    if (pattern != NULL) {
        pattern->kind = kind;
        pattern->at = ps_parser_span(parser, from);
        pattern->repeat_min = 1;
        pattern->repeat_max = 1;
    }
    return pattern;
}

static bool push_pattern(ps_parser *parser, ps_ast_pattern *into, ps_ast_pattern *item)
{
    ps_ast_pattern **items = ps_parser_push(parser, into->items, into->item_count, sizeof *items);
    if (item == NULL || items == NULL) {
        return false;
    }
    items[into->item_count++] = item;
    into->items = items;
    into->at = ps_parser_span(parser, into->at);
    return true;
}

/* {n}, {n,}, {,m}, {n,m}; behind the brace. */
static bool braces_read(ps_parser *parser, ps_ast_pattern *pattern)
{
    enum { REPEAT_MAX = INT32_MAX - 1 };
    bool has_min = ps_parser_is(parser, PS_TOKEN_INTEGER);
    pattern->repeat_min = 0;
    pattern->has_no_minimum = !has_min;
    if (has_min && !ps_parser_unsigned(parser, "a number", REPEAT_MAX, &pattern->repeat_min)) {
        return false;
    }
    pattern->repeat_max = pattern->repeat_min;
    if (ps_parser_accept(parser, PS_TOKEN_COMMA)) {
        pattern->repeat_max = PS_AST_UNBOUNDED;
        bool has_max = !has_min || ps_parser_is(parser, PS_TOKEN_INTEGER);
        if (has_max && !ps_parser_unsigned(parser, "a number", REPEAT_MAX, &pattern->repeat_max)) {
            return false;
        }
    } else if (!has_min) {
        return ps_parser_unexpected(parser, "a number");
    }
    return ps_parser_expect(parser, PS_TOKEN_RIGHT_BRACE, "`}`");
}

static bool quantifier_read(ps_parser *parser, ps_ast_pattern *pattern)
{
    if (ps_parser_accept(parser, PS_TOKEN_STAR)) {
        pattern->repeat_min = 0;
        pattern->repeat_max = PS_AST_UNBOUNDED;
    } else if (ps_parser_accept(parser, PS_TOKEN_PLUS)) {
        pattern->repeat_max = PS_AST_UNBOUNDED;
    } else if (ps_parser_accept(parser, PS_TOKEN_QUESTION)) {
        pattern->repeat_min = 0;
    } else if (ps_parser_is(parser, PS_TOKEN_LEFT_BRACE) &&
               ps_parser_peek(parser, 1)->kind != PS_TOKEN_MINUS) {
        ps_parser_advance(parser);
        if (!braces_read(parser, pattern)) {
            return false;
        }
    } else {
        return true;
    }
    pattern->is_quantified = true;
    pattern->is_reluctant = ps_parser_accept(parser, PS_TOKEN_QUESTION);
    pattern->at = ps_parser_span(parser, pattern->at);
    return true;
}

/* PERMUTE(A, B) */
static ps_ast_pattern *permute(ps_parser *parser)
{
    ps_sql_span from = ps_parser_advance(parser).at;
    ps_ast_pattern *pattern = new_pattern(parser, PS_AST_PATTERN_PERMUTE, from);
    if (pattern == NULL || !ps_parser_expect(parser, PS_TOKEN_LEFT, "`(`")) {
        return NULL;
    }
    do {
        if (!push_pattern(parser, pattern, alternation(parser))) {
            return NULL;
        }
    } while (ps_parser_accept(parser, PS_TOKEN_COMMA));
    return ps_parser_expect(parser, PS_TOKEN_RIGHT, "`,` or `)`") ? pattern : NULL;
}

/* {- A -} */
static ps_ast_pattern *exclusion(ps_parser *parser)
{
    ps_sql_span from = ps_parser_advance(parser).at;
    ps_parser_advance(parser);
    ps_ast_pattern *pattern = new_pattern(parser, PS_AST_PATTERN_EXCLUSION, from);
    if (pattern == NULL || !push_pattern(parser, pattern, alternation(parser)) ||
        !ps_parser_expect(parser, PS_TOKEN_MINUS, "`-}`") ||
        !ps_parser_expect(parser, PS_TOKEN_RIGHT_BRACE, "`-}`")) {
        return NULL;
    }
    pattern->at = ps_parser_span(parser, from);
    return pattern;
}

/* [^B] */
static ps_ast_pattern *absence(ps_parser *parser)
{
    ps_sql_span from = ps_parser_advance(parser).at;
    ps_ast_pattern *pattern = new_pattern(parser, PS_AST_PATTERN_ABSENCE, from);
    if (pattern == NULL || !ps_parser_expect(parser, PS_TOKEN_CARET, "`^` and a variable") ||
        !ps_parser_name(parser, "a pattern variable", &pattern->name) ||
        !ps_parser_expect(parser, PS_TOKEN_RIGHT_SQUARE, "`]`")) {
        return NULL;
    }
    pattern->at = ps_parser_span(parser, from);
    return pattern;
}

/* (A B): the group is the node of its content; quantified content keeps a node of its own. */
static ps_ast_pattern *group(ps_parser *parser)
{
    ps_sql_span from = ps_parser_advance(parser).at;
    ps_ast_pattern *inner = alternation(parser);
    if (inner == NULL || !ps_parser_expect(parser, PS_TOKEN_RIGHT, "`)`")) {
        return NULL;
    }
    if (!inner->is_quantified) {
        inner->at = ps_parser_span(parser, from);
        return inner;
    }
    ps_ast_pattern *pattern = new_pattern(parser, PS_AST_PATTERN_SEQUENCE, from);
    return pattern != NULL && push_pattern(parser, pattern, inner) ? pattern : NULL;
}

static ps_ast_pattern *factor(ps_parser *parser)
{
    if (ps_parser_is(parser, PS_TOKEN_LEFT)) {
        return group(parser);
    }
    if (ps_parser_is_word(parser, PS_KW_PERMUTE)) {
        return permute(parser);
    }
    if (ps_parser_is(parser, PS_TOKEN_LEFT_BRACE)) {
        return exclusion(parser);
    }
    if (ps_parser_is(parser, PS_TOKEN_LEFT_SQUARE)) {
        return absence(parser);
    }
    ps_ast_pattern *pattern = new_pattern(parser, PS_AST_PATTERN_VARIABLE, ps_parser_here(parser));
    return pattern != NULL && ps_parser_name(parser, "a pattern variable", &pattern->name) ? pattern
                                                                                           : NULL;
}

static bool is_factor(ps_parser *parser)
{
    bool is_exclusion = ps_parser_is(parser, PS_TOKEN_LEFT_BRACE) &&
                        ps_parser_peek(parser, 1)->kind == PS_TOKEN_MINUS;
    return ps_parser_is_name(parser, 0) || ps_parser_is(parser, PS_TOKEN_LEFT) || is_exclusion ||
           ps_parser_is(parser, PS_TOKEN_LEFT_SQUARE) || ps_parser_is_word(parser, PS_KW_PERMUTE);
}

static ps_ast_pattern *quantified(ps_parser *parser)
{
    ps_ast_pattern *pattern = factor(parser);
    if (pattern == NULL || !quantifier_read(parser, pattern)) {
        return NULL;
    }
    return pattern;
}

static ps_ast_pattern *sequence(ps_parser *parser)
{
    ps_sql_span from = ps_parser_here(parser);
    ps_ast_pattern *first = quantified(parser);
    if (first == NULL || !is_factor(parser)) {
        return first;
    }
    ps_ast_pattern *pattern = new_pattern(parser, PS_AST_PATTERN_SEQUENCE, from);
    if (pattern == NULL || !push_pattern(parser, pattern, first)) {
        return NULL;
    }
    while (is_factor(parser)) {
        if (!push_pattern(parser, pattern, quantified(parser))) {
            return NULL;
        }
    }
    return pattern;
}

static ps_ast_pattern *alternation(ps_parser *parser)
{
    ps_parser_frame frame;
    if (!ps_parser_enter(parser, &frame)) {
        return NULL;
    }
    ps_sql_span from = ps_parser_here(parser);
    ps_ast_pattern *pattern = sequence(parser);
    if (pattern != NULL && ps_parser_is(parser, PS_TOKEN_BAR)) {
        ps_ast_pattern *first = pattern;
        pattern = new_pattern(parser, PS_AST_PATTERN_ALTERNATION, from);
        bool done = pattern != NULL && push_pattern(parser, pattern, first);
        while (done && ps_parser_accept(parser, PS_TOKEN_BAR)) {
            done = push_pattern(parser, pattern, sequence(parser));
        }
        pattern = done ? pattern : NULL;
    }
    ps_parser_leave(parser, &frame);
    return pattern;
}

/* ── clauses ── */

static bool push_definition(ps_parser *parser, ps_ast_definitions *list, ps_ast_definition one)
{
    ps_ast_definition *items = ps_parser_push(parser, list->items, list->count, sizeof *items);
    if (items == NULL) {
        return false;
    }
    items[list->count++] = one;
    list->items = items;
    return true;
}

/* expr AS name, … */
static bool measures_read(ps_parser *parser, ps_ast_definitions *out)
{
    do {
        ps_ast_definition measure = {.expr = ps_parser_expr(parser)};
        if (measure.expr == NULL || !ps_parser_expect_word(parser, PS_KW_AS) ||
            !ps_parser_name(parser, "the measure's name", &measure.name) ||
            !push_definition(parser, out, measure)) {
            return false;
        }
    } while (ps_parser_accept(parser, PS_TOKEN_COMMA));
    return true;
}

/* name AS condition, … */
static bool defines_read(ps_parser *parser, ps_ast_definitions *out)
{
    do {
        ps_ast_definition define = {0};
        if (!ps_parser_name(parser, "a pattern variable", &define.name) ||
            !ps_parser_expect_word(parser, PS_KW_AS)) {
            return false;
        }
        define.expr = ps_parser_expr(parser);
        if (define.expr == NULL || !push_definition(parser, out, define)) {
            return false;
        }
    } while (ps_parser_accept(parser, PS_TOKEN_COMMA));
    return true;
}

/* ONE ROW PER MATCH [SHOW TIMEOUT MATCHES], ALL ROWS PER MATCH */
static bool rows_read(ps_parser *parser, ps_ast_match *match)
{
    ps_sql_span from = ps_parser_here(parser);
    if (ps_parser_accept_words(parser, PS_KW_ONE, PS_KW_ROW)) {
        match->rows_per_match = PS_AST_ROWS_ONE;
    } else if (ps_parser_accept_words(parser, PS_KW_ALL, PS_KW_ROWS)) {
        match->rows_per_match = PS_AST_ROWS_ALL;
    } else {
        return true;
    }
    if (!ps_parser_expect_word(parser, PS_KW_PER) || !ps_parser_expect_word(parser, PS_KW_MATCH)) {
        return false;
    }
    if (ps_parser_is_word(parser, PS_KW_SHOW) && ps_parser_is_text(parser, 1, "TIMEOUT")) {
        ps_parser_advance(parser);
        ps_parser_advance(parser);
        match->is_showing_timeouts = true;
        if (!ps_parser_expect_word(parser, PS_KW_MATCHES)) {
            return false;
        }
    }
    match->rows_at = ps_parser_span(parser, from);
    return true;
}

/* Behind TO: NEXT ROW, FIRST v, LAST v, v. */
static bool skip_target_read(ps_parser *parser, ps_ast_match *match)
{
    if (ps_parser_accept_word(parser, PS_KW_NEXT)) {
        match->skip = PS_AST_SKIP_NEXT_ROW;
        return ps_parser_expect_word(parser, PS_KW_ROW);
    }
    match->skip = PS_AST_SKIP_TO_LAST;
    if (ps_parser_is_word(parser, PS_KW_FIRST) && ps_parser_is_name(parser, 1)) {
        ps_parser_advance(parser);
        match->skip = PS_AST_SKIP_TO_FIRST;
    } else if (ps_parser_is_word(parser, PS_KW_LAST) && ps_parser_is_name(parser, 1)) {
        ps_parser_advance(parser);
    }
    return ps_parser_name(parser, "NEXT ROW, or a pattern variable", &match->skip_variable);
}

/* AFTER MATCH SKIP … */
static bool skip_read(ps_parser *parser, ps_ast_match *match)
{
    ps_sql_span from = ps_parser_here(parser);
    if (!ps_parser_accept_word(parser, PS_KW_AFTER)) {
        return true;
    }
    if (!ps_parser_expect_word(parser, PS_KW_MATCH) || !ps_parser_expect_word(parser, PS_KW_SKIP)) {
        return false;
    }
    if (ps_parser_accept_word(parser, PS_KW_PAST)) {
        match->skip = PS_AST_SKIP_PAST_LAST_ROW;
        if (!ps_parser_expect_word(parser, PS_KW_LAST) ||
            !ps_parser_expect_word(parser, PS_KW_ROW)) {
            return false;
        }
    } else if (!ps_parser_expect_word(parser, PS_KW_TO) || !skip_target_read(parser, match)) {
        return false;
    }
    match->skip_at = ps_parser_span(parser, from);
    return true;
}

/* PATTERN ([^] … [$]) [WITHIN interval] */
static bool pattern_read(ps_parser *parser, ps_ast_match *match)
{
    if (!ps_parser_expect_word(parser, PS_KW_PATTERN) ||
        !ps_parser_expect(parser, PS_TOKEN_LEFT, "`(`")) {
        return false;
    }
    match->has_start_anchor = ps_parser_accept(parser, PS_TOKEN_CARET);
    match->pattern = alternation(parser);
    if (match->pattern == NULL) {
        return false;
    }
    match->has_end_anchor = ps_parser_accept(parser, PS_TOKEN_DOLLAR);
    if (!ps_parser_expect(parser, PS_TOKEN_RIGHT, "`)` to end the pattern")) {
        return false;
    }
    if (!ps_parser_accept_word(parser, PS_KW_WITHIN)) {
        return true;
    }
    if (!ps_parser_is_word(parser, PS_KW_INTERVAL)) {
        return ps_parser_unexpected(parser, "an interval, e.g. INTERVAL '1' MINUTE");
    }
    match->within = ps_parser_expr(parser);
    return match->within != NULL;
}

/* SUBSET S = (A, B), … */
static bool subsets_read(ps_parser *parser, ps_ast_match *match)
{
    if (!ps_parser_accept_word(parser, PS_KW_SUBSET)) {
        return true;
    }
    do {
        ps_ast_subset *subsets =
            ps_parser_push(parser, match->subsets, match->subset_count, sizeof *subsets);
        if (subsets == NULL) {
            return false;
        }
        match->subsets = subsets;
        ps_ast_subset *subset = &subsets[match->subset_count];
        if (!ps_parser_name(parser, "the name of a subset", &subset->name) ||
            !ps_parser_expect(parser, PS_TOKEN_EQ, "`=`") ||
            !ps_parser_name_list(parser, "a pattern variable", &subset->members)) {
            return false;
        }
        match->subset_count++;
    } while (ps_parser_accept(parser, PS_TOKEN_COMMA));
    return true;
}

static bool clauses_read(ps_parser *parser, ps_ast_match *match)
{
    if (ps_parser_accept_words(parser, PS_KW_PARTITION, PS_KW_BY) &&
        !ps_parser_exprs(parser, &match->partition_by)) {
        return false;
    }
    if (ps_parser_accept_words(parser, PS_KW_ORDER, PS_KW_BY) &&
        !ps_parser_orders(parser, &match->order_by)) {
        return false;
    }
    if (ps_parser_accept_word(parser, PS_KW_MEASURES) && !measures_read(parser, &match->measures)) {
        return false;
    }
    return rows_read(parser, match) && skip_read(parser, match) && pattern_read(parser, match) &&
           subsets_read(parser, match) && ps_parser_expect_word(parser, PS_KW_DEFINE) &&
           defines_read(parser, &match->defines);
}

ps_ast_match *ps_parser_match(ps_parser *parser)
{
    ps_sql_span from = ps_parser_advance(parser).at;
    ps_ast_match *match = ps_parser_take(parser, sizeof *match);
    if (match == NULL) {
        return NULL;
    }
    match->at = from;
    if (!ps_parser_expect(parser, PS_TOKEN_LEFT, "`(`") || !clauses_read(parser, match) ||
        !ps_parser_expect(parser, PS_TOKEN_RIGHT, "`,` or `)`")) {
        return NULL;
    }
    return match;
}
