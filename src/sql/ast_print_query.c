/* Printing of queries. */
#include "sql/ast_print.h"

static void text(ps_buf *out, const char *what)
{
    ps_buf_append_text(out, what);
}

static void alias_print(const ps_ast_name *alias, const ps_ast_names *columns, ps_buf *out)
{
    if (alias->size > 0) {
        text(out, " AS ");
        ps_ast_name_print(alias, out);
        if (columns != NULL && columns->count > 0) {
            text(out, " ");
            ps_ast_name_list_print(columns, out);
        }
    }
}

static void option_print(const ps_ast_option *option, ps_buf *out)
{
    ps_ast_string_print(option->key, out);
    if (option->value.data != NULL) {
        text(out, " = ");
        ps_ast_string_print(option->value, out);
    }
}

void ps_ast_options_print(const ps_ast_options *options, ps_buf *out)
{
    text(out, "(");
    for (uint32_t i = 0; i < options->count; i++) {
        text(out, i == 0 ? "" : ", ");
        option_print(&options->items[i], out);
    }
    text(out, ")");
}

void ps_ast_hints_print(const ps_ast_hints *hints, ps_buf *out)
{
    if (hints->count == 0) {
        return;
    }
    text(out, " /*+ ");
    for (uint32_t i = 0; i < hints->count; i++) {
        text(out, i == 0 ? "" : ", ");
        if (hints->items[i].name.is_quoted) {
            ps_ast_name_print(&hints->items[i].name, out);
        } else {
            text(out, hints->items[i].name.text);
        }
        if (hints->items[i].options.count > 0) {
            ps_ast_options_print(&hints->items[i].options, out);
        }
    }
    text(out, " */");
}

/* ── MATCH_RECOGNIZE ── */

static void pattern_print(const ps_ast_pattern *pattern, ps_buf *out);

static void quantifier_print(const ps_ast_pattern *pattern, ps_buf *out)
{
    uint32_t min = pattern->repeat_min, max = pattern->repeat_max;
    if (max == PS_AST_UNBOUNDED && min <= 1) {
        text(out, min == 0 ? "*" : "+");
    } else if (min == 0 && max == 1) {
        text(out, "?");
    } else if (max == PS_AST_UNBOUNDED) {
        ps_buf_append_format(out, "{%u,}", min);
    } else if (min == max) {
        ps_buf_append_format(out, "{%u}", min);
    } else {
        ps_buf_append_format(out, "{%u,%u}", min, max);
    }
    text(out, pattern->is_reluctant ? "?" : "");
}

static void pattern_items_print(const ps_ast_pattern *pattern, const char *between, ps_buf *out)
{
    for (uint32_t i = 0; i < pattern->item_count; i++) {
        text(out, i == 0 ? "" : between);
        pattern_print(pattern->items[i], out);
    }
}

/* A sequence of more than one needs no parentheses where it has no quantifier. */
static void side_of_bar_print(const ps_ast_pattern *pattern, ps_buf *out)
{
    bool is_list = pattern->kind == PS_AST_PATTERN_SEQUENCE && !pattern->is_quantified &&
                   pattern->item_count > 1;
    if (is_list) {
        pattern_items_print(pattern, " ", out);
    } else {
        pattern_print(pattern, out);
    }
}

static void alternation_print(const ps_ast_pattern *pattern, ps_buf *out)
{
    for (uint32_t i = 0; i < pattern->item_count; i++) {
        text(out, i == 0 ? "" : " | ");
        side_of_bar_print(pattern->items[i], out);
    }
}

static void pattern_print(const ps_ast_pattern *pattern, ps_buf *out)
{
    switch (pattern->kind) {
    case PS_AST_PATTERN_VARIABLE:
        ps_ast_name_print(&pattern->name, out);
        break;
    case PS_AST_PATTERN_SEQUENCE:
        text(out, "(");
        pattern_items_print(pattern, " ", out);
        text(out, ")");
        break;
    case PS_AST_PATTERN_ALTERNATION:
        text(out, "(");
        alternation_print(pattern, out);
        text(out, ")");
        break;
    case PS_AST_PATTERN_PERMUTE:
        text(out, "PERMUTE(");
        pattern_items_print(pattern, ", ", out);
        text(out, ")");
        break;
    case PS_AST_PATTERN_EXCLUSION:
        text(out, "{- ");
        pattern_items_print(pattern, " ", out);
        text(out, " -}");
        break;
    case PS_AST_PATTERN_ABSENCE:
        text(out, "[^");
        ps_ast_name_print(&pattern->name, out);
        text(out, "]");
        break;
    }
    if (pattern->is_quantified) {
        quantifier_print(pattern, out);
    }
}

static void outermost_print(const ps_ast_pattern *pattern, ps_buf *out)
{
    if (pattern->kind == PS_AST_PATTERN_ALTERNATION && !pattern->is_quantified) {
        alternation_print(pattern, out);
    } else {
        side_of_bar_print(pattern, out);
    }
}

static void skip_print(const ps_ast_match *match, ps_buf *out)
{
    static const char *const texts[] = {
        [PS_AST_SKIP_DEFAULT] = "",
        [PS_AST_SKIP_NEXT_ROW] = " AFTER MATCH SKIP TO NEXT ROW",
        [PS_AST_SKIP_PAST_LAST_ROW] = " AFTER MATCH SKIP PAST LAST ROW",
        [PS_AST_SKIP_TO_FIRST] = " AFTER MATCH SKIP TO FIRST ",
        [PS_AST_SKIP_TO_LAST] = " AFTER MATCH SKIP TO LAST ",
    };
    text(out, texts[match->skip]);
    if (match->skip_variable.size > 0) {
        ps_ast_name_print(&match->skip_variable, out);
    }
}

static void measures_print(const ps_ast_definitions *measures, ps_buf *out)
{
    for (uint32_t i = 0; i < measures->count; i++) {
        text(out, i == 0 ? " MEASURES " : ", ");
        ps_ast_expr_print(measures->items[i].expr, out);
        text(out, " AS ");
        ps_ast_name_print(&measures->items[i].name, out);
    }
}

static void defines_print(const ps_ast_definitions *defines, ps_buf *out)
{
    for (uint32_t i = 0; i < defines->count; i++) {
        text(out, i == 0 ? " DEFINE " : ", ");
        ps_ast_name_print(&defines->items[i].name, out);
        text(out, " AS ");
        ps_ast_expr_print(defines->items[i].expr, out);
    }
}

static void subsets_print(const ps_ast_match *match, ps_buf *out)
{
    for (uint32_t i = 0; i < match->subset_count; i++) {
        text(out, i == 0 ? " SUBSET " : ", ");
        ps_ast_name_print(&match->subsets[i].name, out);
        text(out, " = ");
        ps_ast_name_list_print(&match->subsets[i].members, out);
    }
}

void ps_ast_match_print(const ps_ast_match *match, ps_buf *out)
{
    static const char *const rows[] = {
        [PS_AST_ROWS_DEFAULT] = "",
        [PS_AST_ROWS_ONE] = " ONE ROW PER MATCH",
        [PS_AST_ROWS_ALL] = " ALL ROWS PER MATCH",
    };
    text(out, " MATCH_RECOGNIZE (");
    if (match->partition_by.count > 0) {
        text(out, "PARTITION BY ");
        ps_ast_exprs_print(&match->partition_by, out);
    }
    if (match->order_by.count > 0) {
        text(out, " ORDER BY ");
        ps_ast_orders_print(&match->order_by, out);
    }
    measures_print(&match->measures, out);
    text(out, rows[match->rows_per_match]);
    text(out, match->is_showing_timeouts ? " SHOW TIMEOUT MATCHES" : "");
    skip_print(match, out);
    text(out, match->has_start_anchor ? " PATTERN (^ " : " PATTERN (");
    outermost_print(match->pattern, out);
    text(out, match->has_end_anchor ? " $)" : ")");
    if (match->within != NULL) {
        text(out, " WITHIN ");
        ps_ast_expr_print(match->within, out);
    }
    subsets_print(match, out);
    defines_print(&match->defines, out);
    text(out, ")");
}

/* ── FROM ── */

static void from_print(const ps_ast_from *from, ps_buf *out);

static void join_print(const ps_ast_join *join, ps_buf *out)
{
    static const char *const kinds[] = {
        [PS_AST_JOIN_INNER] = "JOIN ",       [PS_AST_JOIN_LEFT] = "LEFT JOIN ",
        [PS_AST_JOIN_RIGHT] = "RIGHT JOIN ", [PS_AST_JOIN_FULL] = "FULL JOIN ",
        [PS_AST_JOIN_CROSS] = "CROSS JOIN ", [PS_AST_JOIN_COMMA] = "",
    };
    from_print(join->left, out);
    text(out, join->kind == PS_AST_JOIN_COMMA ? ", " : " ");
    text(out, join->is_natural ? "NATURAL " : "");
    text(out, kinds[join->kind]);
    from_print(join->right, out);
    if (join->on != NULL) {
        text(out, " ON ");
        ps_ast_expr_print(join->on, out);
    }
    if (join->using.count > 0) {
        text(out, " USING ");
        ps_ast_name_list_print(&join->using, out);
    }
}

/* TABLE(f(…)): the form that every version takes. */
static void function_print(const ps_ast_expr *call, ps_buf *out)
{
    text(out, "TABLE(");
    ps_ast_expr_print(call, out);
    text(out, ")");
}

static void table_print(const ps_ast_from *from, ps_buf *out)
{
    ps_ast_names_print(&from->table.path, out);
    ps_ast_hints_print(&from->table.hints, out);
    if (from->table.system_time != NULL) {
        text(out, " FOR SYSTEM_TIME AS OF (");
        ps_ast_expr_print(from->table.system_time, out);
        text(out, ")");
    }
}

static void unnest_print(const ps_ast_from *from, ps_buf *out)
{
    text(out, "UNNEST(");
    ps_ast_expr_print(from->unnest.expr, out);
    text(out, from->unnest.with_ordinality ? ") WITH ORDINALITY" : ")");
}

static void from_print(const ps_ast_from *from, ps_buf *out)
{
    text(out, from->is_lateral ? "LATERAL " : "");
    switch (from->kind) {
    case PS_AST_FROM_TABLE:
        table_print(from, out);
        break;
    case PS_AST_FROM_QUERY:
        text(out, "(");
        ps_ast_query_print(from->query, out);
        text(out, ")");
        break;
    case PS_AST_FROM_FUNCTION:
        function_print(from->call, out);
        break;
    case PS_AST_FROM_UNNEST:
        unnest_print(from, out);
        break;
    case PS_AST_FROM_JOIN:
        text(out, from->is_parenthesised ? "(" : "");
        join_print(&from->join, out);
        text(out, from->is_parenthesised ? ")" : "");
        break;
    case PS_AST_FROM_MATCH:
        from_print(from->match.input, out);
        ps_ast_match_print(from->match.match, out);
        break;
    }
    alias_print(&from->alias, &from->columns, out);
}

/* ── SELECT ── */

static void groups_print(const ps_ast_group *groups, uint32_t count, ps_buf *out);

static void group_print(const ps_ast_group *group, ps_buf *out)
{
    switch (group->kind) {
    case PS_AST_GROUP_EXPR:
        ps_ast_exprs_print(&group->exprs, out);
        return;
    case PS_AST_GROUP_LIST:
        text(out, "(");
        ps_ast_exprs_print(&group->exprs, out);
        text(out, ")");
        return;
    case PS_AST_GROUP_SETS:
        text(out, "GROUPING SETS (");
        break;
    case PS_AST_GROUP_CUBE:
        text(out, "CUBE (");
        break;
    case PS_AST_GROUP_ROLLUP:
        text(out, "ROLLUP (");
        break;
    }
    groups_print(group->items, group->item_count, out);
    text(out, ")");
}

static void groups_print(const ps_ast_group *groups, uint32_t count, ps_buf *out)
{
    for (uint32_t i = 0; i < count; i++) {
        text(out, i == 0 ? "" : ", ");
        group_print(&groups[i], out);
    }
}

static void windows_print(const ps_ast_select *select, ps_buf *out)
{
    for (uint32_t i = 0; i < select->window_count; i++) {
        text(out, i == 0 ? " WINDOW " : ", ");
        ps_ast_name_print(&select->windows[i].name, out);
        text(out, " AS ");
        ps_ast_window_print(&select->windows[i].window, out);
    }
}

static void clause_print(const char *word, const ps_ast_expr *expr, ps_buf *out)
{
    if (expr != NULL) {
        text(out, word);
        ps_ast_expr_print(expr, out);
    }
}

static void select_print(const ps_ast_select *select, ps_buf *out)
{
    text(out, "SELECT");
    ps_ast_hints_print(&select->hints, out);
    text(out, select->is_distinct ? " DISTINCT" : "");
    for (uint32_t i = 0; i < select->item_count; i++) {
        text(out, i == 0 ? " " : ", ");
        ps_ast_expr_print(select->items[i].expr, out);
        alias_print(&select->items[i].alias, NULL, out);
    }
    if (select->from != NULL) {
        text(out, " FROM ");
        from_print(select->from, out);
    }
    clause_print(" WHERE ", select->where, out);
    if (select->has_group_by) {
        text(out, " GROUP BY ");
        groups_print(select->groups, select->group_count, out);
    }
    clause_print(" HAVING ", select->having, out);
    windows_print(select, out);
    clause_print(" QUALIFY ", select->qualify, out);
}

/* ── the query ── */

static bool is_closer(ps_ast_set_op a, ps_ast_set_op b)
{
    return a == PS_AST_SET_INTERSECT && b != PS_AST_SET_INTERSECT;
}

static void side_print(const ps_ast_query *side, bool is_nested, ps_buf *out)
{
    text(out, is_nested ? "(" : "");
    ps_ast_query_print(side, out);
    text(out, is_nested ? ")" : "");
}

static void set_print(const ps_ast_query *query, ps_buf *out)
{
    static const char *const ops[] = {
        [PS_AST_SET_UNION] = " UNION ",
        [PS_AST_SET_INTERSECT] = " INTERSECT ",
        [PS_AST_SET_EXCEPT] = " EXCEPT ",
    };
    const ps_ast_query *left = query->set.left, *right = query->set.right;
    side_print(left, left->kind == PS_AST_QUERY_SET && is_closer(query->set.op, left->set.op), out);
    text(out, ops[query->set.op]);
    text(out, query->set.is_all ? "ALL " : "");
    side_print(right, right->kind == PS_AST_QUERY_SET && !is_closer(right->set.op, query->set.op),
               out);
}

/* (1), (2): people read rows better so. */
static void values_print(const ps_ast_exprs *rows, ps_buf *out)
{
    for (uint32_t i = 0; i < rows->count; i++) {
        bool is_row = rows->items[i]->kind == PS_AST_EXPR_ROW;
        text(out, i == 0 ? "VALUES " : ", ");
        text(out, is_row ? "" : "(");
        ps_ast_expr_print(rows->items[i], out);
        text(out, is_row ? "" : ")");
    }
}

static void body_print(const ps_ast_query *query, ps_buf *out)
{
    switch (query->kind) {
    case PS_AST_QUERY_SELECT:
        select_print(query->select, out);
        return;
    case PS_AST_QUERY_SET:
        set_print(query, out);
        return;
    case PS_AST_QUERY_VALUES:
        values_print(&query->rows, out);
        return;
    case PS_AST_QUERY_TABLE:
        text(out, "TABLE ");
        ps_ast_names_print(&query->path, out);
        return;
    case PS_AST_QUERY_NESTED:
        side_print(query->nested, true, out);
        return;
    }
}

void ps_ast_query_print(const ps_ast_query *query, ps_buf *out)
{
    for (uint32_t i = 0; i < query->with_count; i++) {
        text(out, i == 0 ? "WITH " : ", ");
        ps_ast_name_print(&query->with[i].name, out);
        if (query->with[i].columns.count > 0) {
            text(out, " ");
            ps_ast_name_list_print(&query->with[i].columns, out);
        }
        text(out, " AS (");
        ps_ast_query_print(query->with[i].query, out);
        text(out, ")");
    }
    text(out, query->with_count > 0 ? " " : "");
    body_print(query, out);
    if (query->order_by.count > 0) {
        text(out, " ORDER BY ");
        ps_ast_orders_print(&query->order_by, out);
    }
    clause_print(" LIMIT ", query->limit, out);
    clause_print(" OFFSET ", query->offset, out);
}
