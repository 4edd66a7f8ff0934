/* Printing of calls, windows and ORDER BY. */
#include "sql/ast_print.h"

static void text(ps_buf *out, const char *what)
{
    ps_buf_append_text(out, what);
}

void ps_ast_orders_print(const ps_ast_orders *orders, ps_buf *out)
{
    static const char *const nulls[] = {
        [PS_AST_NULLS_DEFAULT] = "",
        [PS_AST_NULLS_FIRST] = " NULLS FIRST",
        [PS_AST_NULLS_LAST] = " NULLS LAST",
    };
    for (uint32_t i = 0; i < orders->count; i++) {
        const ps_ast_order *order = &orders->items[i];
        text(out, i == 0 ? "" : ", ");
        ps_ast_expr_print(order->expr, out);
        text(out, order->is_descending ? " DESC" : "");
        text(out, nulls[order->nulls]);
    }
}

/* ── windows ── */

static void bound_print(const ps_ast_bound *bound, ps_buf *out)
{
    static const char *const texts[] = {
        [PS_AST_BOUND_UNBOUNDED_PRECEDING] = "UNBOUNDED PRECEDING",
        [PS_AST_BOUND_PRECEDING] = " PRECEDING",
        [PS_AST_BOUND_CURRENT_ROW] = "CURRENT ROW",
        [PS_AST_BOUND_FOLLOWING] = " FOLLOWING",
        [PS_AST_BOUND_UNBOUNDED_FOLLOWING] = "UNBOUNDED FOLLOWING",
    };
    if (bound->value != NULL) {
        bool is_plain = bound->value->kind == PS_AST_EXPR_LITERAL;
        text(out, is_plain ? "" : "(");
        ps_ast_expr_print(bound->value, out);
        text(out, is_plain ? "" : ")");
    }
    text(out, texts[bound->kind]);
}

static void frame_print(const ps_ast_window *window, ps_buf *out)
{
    if (window->frame == PS_AST_FRAME_NONE) {
        return;
    }
    text(out, window->frame == PS_AST_FRAME_ROWS ? "ROWS BETWEEN " : "RANGE BETWEEN ");
    bound_print(&window->low, out);
    text(out, " AND ");
    bound_print(&window->high, out);
}

void ps_ast_window_print(const ps_ast_window *window, ps_buf *out)
{
    if (window->is_reference) {
        ps_ast_name_print(&window->base, out);
        return;
    }
    const char *blank = "";
    text(out, "(");
    if (window->base.size > 0) {
        ps_ast_name_print(&window->base, out);
        blank = " ";
    }
    if (window->partition_by.count > 0) {
        ps_buf_append_format(out, "%sPARTITION BY ", blank);
        ps_ast_exprs_print(&window->partition_by, out);
        blank = " ";
    }
    if (window->order_by.count > 0) {
        ps_buf_append_format(out, "%sORDER BY ", blank);
        ps_ast_orders_print(&window->order_by, out);
        blank = " ";
    }
    text(out, window->frame != PS_AST_FRAME_NONE ? blank : "");
    frame_print(window, out);
    text(out, ")");
}

/* ── arguments ── */

/* Names of functions are not quoted where they were not: COUNT, TRIM. */
static void function_name_print(const ps_ast_names *name, ps_buf *out)
{
    for (uint32_t i = 0; i < name->count; i++) {
        text(out, i == 0 ? "" : ".");
        if (name->items[i].is_quoted) {
            ps_ast_name_print(&name->items[i], out);
        } else {
            text(out, name->items[i].text);
        }
    }
}

/* argument, word, argument, word …; words[i] stands in front of argument i. */
static void words_print(const ps_ast_call *call, const char *const *words, ps_buf *out)
{
    for (uint32_t i = 0; i < call->arguments.count; i++) {
        text(out, words[i]);
        ps_ast_expr_print(call->arguments.items[i], out);
    }
}

static void plain_print(const ps_ast_call *call, ps_buf *out)
{
    text(out, call->is_distinct ? "DISTINCT " : "");
    for (uint32_t i = 0; i < call->arguments.count; i++) {
        text(out, i == 0 ? "" : ", ");
        if (call->argument_names != NULL) {
            ps_ast_name_print(&call->argument_names[i], out);
            text(out, " => ");
        }
        ps_ast_expr_print(call->arguments.items[i], out);
    }
    if (call->order_by.count > 0) {
        text(out, " ORDER BY ");
        ps_ast_orders_print(&call->order_by, out);
    }
}

/* KEY k VALUE v, … */
static void pairs_print(const ps_ast_call *call, ps_buf *out)
{
    for (uint32_t i = 0; i < call->arguments.count; i++) {
        bool is_key = i % 2 == 0;
        text(out, is_key ? (i == 0 ? "KEY " : ", KEY ") : " VALUE ");
        ps_ast_expr_print(call->arguments.items[i], out);
    }
}

static void arguments_print(const ps_ast_call *call, ps_buf *out)
{
    static const char *const extract[] = {"", " FROM "};
    static const char *const position[] = {"(", ") IN ", " FROM "};
    static const char *const substring[] = {"", " FROM ", " FOR "};
    static const char *const overlay[] = {"", " PLACING ", " FROM ", " FOR "};
    static const char *const trim[] = {"", " ", " FROM "};
    static const char *const round_to[] = {"", " TO "};
    switch (call->form) {
    case PS_AST_FORM_PLAIN:
        plain_print(call, out);
        return;
    case PS_AST_FORM_EXTRACT:
        words_print(call, extract, out);
        return;
    case PS_AST_FORM_POSITION:
        words_print(call, position, out);
        return;
    case PS_AST_FORM_SUBSTRING:
        words_print(call, substring, out);
        return;
    case PS_AST_FORM_OVERLAY:
        words_print(call, overlay, out);
        return;
    case PS_AST_FORM_TRIM:
        words_print(call, trim, out);
        return;
    case PS_AST_FORM_ROUND_TO:
        words_print(call, round_to, out);
        return;
    case PS_AST_FORM_PAIRS:
        pairs_print(call, out);
        return;
    case PS_AST_FORM_NO_PARENTHESES:
    case PS_AST_FORM_PREFIX:
        return; /* not called for these */
    }
}

/* ── JSON clauses ── */

static void behavior_print(ps_ast_behavior behavior, const ps_ast_expr *value, const char *when,
                           ps_buf *out)
{
    static const char *const texts[] = {
        [PS_AST_BEHAVIOR_NONE] = "",
        [PS_AST_BEHAVIOR_NULL] = " NULL",
        [PS_AST_BEHAVIOR_ERROR] = " ERROR",
        [PS_AST_BEHAVIOR_DEFAULT] = " DEFAULT ",
        [PS_AST_BEHAVIOR_EMPTY_ARRAY] = " EMPTY ARRAY",
        [PS_AST_BEHAVIOR_EMPTY_OBJECT] = " EMPTY OBJECT",
        [PS_AST_BEHAVIOR_TRUE] = " TRUE",
        [PS_AST_BEHAVIOR_FALSE] = " FALSE",
        [PS_AST_BEHAVIOR_UNKNOWN] = " UNKNOWN",
    };
    if (behavior == PS_AST_BEHAVIOR_NONE) {
        return;
    }
    text(out, texts[behavior]);
    if (value != NULL) {
        ps_ast_expr_print(value, out);
    }
    text(out, when);
}

static void json_print(const ps_ast_call *call, ps_buf *out)
{
    static const char *const wrappers[] = {
        [PS_AST_WRAPPER_NONE] = "",
        [PS_AST_WRAPPER_WITHOUT] = " WITHOUT ARRAY WRAPPER",
        [PS_AST_WRAPPER_CONDITIONAL] = " WITH CONDITIONAL ARRAY WRAPPER",
        [PS_AST_WRAPPER_UNCONDITIONAL] = " WITH UNCONDITIONAL ARRAY WRAPPER",
    };
    static const char *const on_null[] = {
        [PS_AST_ON_NULL_DEFAULT] = "",
        [PS_AST_ON_NULL_NULL] = "NULL ON NULL",
        [PS_AST_ON_NULL_ABSENT] = "ABSENT ON NULL",
    };
    const ps_ast_json *json = call->json;
    if (json->returning != NULL) {
        text(out, " RETURNING ");
        ps_ast_type_print(json->returning, out);
    }
    text(out, wrappers[json->wrapper]);
    behavior_print(json->on_empty, json->empty_default, " ON EMPTY", out);
    behavior_print(json->on_error, json->error_default, " ON ERROR", out);
    bool has_arguments = call->arguments.count > 0;
    text(out, json->on_null != PS_AST_ON_NULL_DEFAULT && has_arguments ? " " : "");
    text(out, on_null[json->on_null]);
}

/* ── the call ── */

static void suffix_print(const ps_ast_call *call, ps_buf *out)
{
    static const char *const respect[] = {
        [PS_AST_RESPECT_DEFAULT] = "",
        [PS_AST_RESPECT_NULLS] = " RESPECT NULLS",
        [PS_AST_IGNORE_NULLS] = " IGNORE NULLS",
    };
    text(out, respect[call->respect]);
    if (call->within_group.count > 0) {
        text(out, " WITHIN GROUP (ORDER BY ");
        ps_ast_orders_print(&call->within_group, out);
        text(out, ")");
    }
    if (call->filter != NULL) {
        text(out, " FILTER (WHERE ");
        ps_ast_expr_print(call->filter, out);
        text(out, ")");
    }
    if (call->over != NULL) {
        text(out, " OVER ");
        ps_ast_window_print(call->over, out);
    }
}

void ps_ast_call_print(const ps_ast_call *call, ps_buf *out)
{
    function_name_print(&call->name, out);
    if (call->form == PS_AST_FORM_NO_PARENTHESES) {
        return;
    }
    if (call->form == PS_AST_FORM_PREFIX) {
        bool is_call = call->arguments.items[0]->kind == PS_AST_EXPR_CALL;
        text(out, is_call ? " " : " (");
        ps_ast_expr_print(call->arguments.items[0], out);
        text(out, is_call ? "" : ")");
        return;
    }
    text(out, "(");
    arguments_print(call, out);
    if (call->json != NULL) {
        json_print(call, out);
    }
    text(out, ")");
    suffix_print(call, out);
}
