/* Calls: scalar functions, aggregates, OVER, GROUPING, and the functions of group windows. */
#include <ctype.h>
#include <stdio.h>

#include "expr/function.h"
#include "expr/user_function.h"
#include "sql/bind_match.h"

const char *ps_bind_call_name(const ps_ast_call *call, char *out, size_t size)
{
    const ps_ast_name *name = ps_ast_names_last(&call->name);
    size_t count = name->size < size ? name->size : size - 1;
    for (size_t i = 0; i < count; i++) {
        out[i] = (char)toupper((unsigned char)name->text[i]);
    }
    out[call->name.count == 1 ? count : 0] = '\0';
    return out;
}

enum { NAME_MAX_SIZE = 64 };

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_ranking(const char *name)
{
    static const char *const names[] = {"ROW_NUMBER", "RANK", "DENSE_RANK", "NTILE",
                                        "LAG",        "LEAD", "CUME_DIST",  "PERCENT_RANK"};
    return is_one_of(name, names, sizeof names / sizeof names[0]);
}

static bool is_grouping(const char *name)
{
    static const char *const names[] = {"GROUPING", "GROUPING_ID", "GROUP_ID"};
    return is_one_of(name, names, sizeof names / sizeof names[0]);
}

/* ── does an expression aggregate ── */

bool ps_bind_is_aggregate(const ps_plan *plan, const char *name)
{
    const ps_user_function *user = ps_user_function_find(plan->expressions->functions, name);
    return ps_aggregate_is_known(name) || (user != NULL && user->aggregate != NULL);
}

static bool any_aggregate(const ps_plan *plan, const ps_ast_exprs *exprs)
{
    for (uint32_t i = 0; i < exprs->count; i++) {
        if (ps_bind_has_aggregate(plan, exprs->items[i])) {
            return true;
        }
    }
    return false;
}

static bool window_has_aggregate(const ps_plan *plan, const ps_ast_window *window)
{
    for (uint32_t i = 0; i < window->order_by.count; i++) {
        if (ps_bind_has_aggregate(plan, window->order_by.items[i].expr)) {
            return true;
        }
    }
    return any_aggregate(plan, &window->partition_by);
}

static bool call_has_aggregate(const ps_plan *plan, const ps_ast_call *call)
{
    char name[NAME_MAX_SIZE];
    ps_bind_call_name(call, name, sizeof name);
    if (call->over == NULL && !is_ranking(name) && ps_bind_is_aggregate(plan, name)) {
        return true;
    }
    return any_aggregate(plan, &call->arguments) ||
           (call->over != NULL && window_has_aggregate(plan, call->over));
}

static bool optional_has_aggregate(const ps_plan *plan, const ps_ast_expr *expr)
{
    return expr != NULL && ps_bind_has_aggregate(plan, expr);
}

static bool case_has_aggregate(const ps_plan *plan, const ps_ast_expr *expr)
{
    for (uint32_t i = 0; i < expr->cases.branch_count; i++) {
        if (ps_bind_has_aggregate(plan, expr->cases.branches[i].when) ||
            ps_bind_has_aggregate(plan, expr->cases.branches[i].then)) {
            return true;
        }
    }
    return optional_has_aggregate(plan, expr->cases.operand) ||
           optional_has_aggregate(plan, expr->cases.otherwise);
}

bool ps_bind_has_aggregate(const ps_plan *plan, const ps_ast_expr *expr)
{
    switch (expr->kind) {
    case PS_AST_EXPR_UNARY:
        return ps_bind_has_aggregate(plan, expr->left);
    case PS_AST_EXPR_BINARY:
        return ps_bind_has_aggregate(plan, expr->left) || ps_bind_has_aggregate(plan, expr->right);
    case PS_AST_EXPR_IS:
        return ps_bind_has_aggregate(plan, expr->is.operand);
    case PS_AST_EXPR_BETWEEN:
        return ps_bind_has_aggregate(plan, expr->between.operand) ||
               ps_bind_has_aggregate(plan, expr->between.low) ||
               ps_bind_has_aggregate(plan, expr->between.high);
    case PS_AST_EXPR_IN:
        return ps_bind_has_aggregate(plan, expr->in.operand) ||
               any_aggregate(plan, &expr->in.items);
    case PS_AST_EXPR_LIKE:
        return ps_bind_has_aggregate(plan, expr->like.operand) ||
               ps_bind_has_aggregate(plan, expr->like.pattern);
    case PS_AST_EXPR_CASE:
        return case_has_aggregate(plan, expr);
    case PS_AST_EXPR_CAST:
        return ps_bind_has_aggregate(plan, expr->cast.operand);
    case PS_AST_EXPR_CALL:
        return call_has_aggregate(plan, expr->call);
    case PS_AST_EXPR_FIELD:
        return ps_bind_has_aggregate(plan, expr->field.operand);
    case PS_AST_EXPR_INDEX:
        return ps_bind_has_aggregate(plan, expr->index.operand) ||
               ps_bind_has_aggregate(plan, expr->index.index);
    case PS_AST_EXPR_ARRAY:
    case PS_AST_EXPR_MAP:
    case PS_AST_EXPR_ROW:
        return any_aggregate(plan, &expr->items);
    case PS_AST_EXPR_LITERAL:
    case PS_AST_EXPR_NAME:
    case PS_AST_EXPR_STAR:
    case PS_AST_EXPR_EXISTS:
    case PS_AST_EXPR_SUBQUERY:
    case PS_AST_EXPR_UNIT:
    case PS_AST_EXPR_TRIM_SIDE:
    case PS_AST_EXPR_DESCRIPTOR:
    case PS_AST_EXPR_TABLE:
        return false;
    }
    PS_ASSERT(false);
    return false;
}

/* ── arguments ── */

static uint32_t bind_arguments(ps_bind_context *context, const ps_ast_call *call,
                               const ps_expr ***out)
{
    ps_plan *plan = context->binder->plan;
    uint32_t count = call->arguments.count;
    const ps_expr **arguments = PS_PLAN_ARRAY(plan, const ps_expr *, count);
    for (uint32_t i = 0; i < count; i++) {
        if (call->argument_names != NULL && call->argument_names[i].size > 0) {
            ps_plan_refuse(plan, call->argument_names[i].at,
                           "an argument by name (other than of window functions)");
        }
        arguments[i] = ps_bind_expr(context, call->arguments.items[i]);
    }
    *out = arguments;
    return count;
}

/* ── aggregates ── */

static void refuse_clauses(ps_plan *plan, const ps_ast_call *call, ps_sql_span at)
{
    if (call->order_by.count > 0 || call->within_group.count > 0) {
        ps_plan_refuse(plan, at, "ORDER BY in an aggregate function");
    }
    if (call->json != NULL && call->json->on_null != PS_AST_ON_NULL_DEFAULT) {
        ps_plan_refuse(plan, at, "NULL or ABSENT ON NULL in an aggregate function");
    }
    if (call->respect == PS_AST_IGNORE_NULLS) {
        ps_plan_refuse(plan, at, "IGNORE NULLS");
    }
}

ps_bound_call ps_bind_resolve_call(ps_bind_context *context, const ps_ast_expr *expr,
                                   const char *name)
{
    ps_plan *plan = context->binder->plan;
    const ps_ast_call *call = expr->call;
    const ps_expr **arguments = NULL;
    const ps_type *types[PS_AGGREGATE_ARGUMENTS_MAX];
    ps_bound_call bound = {.is_distinct = call->is_distinct, .name = name};
    ps_error err;
    refuse_clauses(plan, call, expr->at);
    bool is_star = call->arguments.count == 1 && call->arguments.items[0]->kind == PS_AST_EXPR_STAR;
    if (is_star && strcmp(name, "COUNT") != 0) {
        ps_plan_fail(plan, PS_E_INVALID, expr->at, "%s(*) is not possible, only COUNT(*)", name);
    }
    uint32_t count = is_star ? 0 : bind_arguments(context, call, &arguments);
    if (count > PS_AGGREGATE_ARGUMENTS_MAX) {
        ps_plan_fail(plan, PS_E_INVALID, expr->at, "%s takes at most %d arguments", name,
                     PS_AGGREGATE_ARGUMENTS_MAX);
    }
    for (uint32_t i = 0; i < count; i++) {
        types[i] = arguments[i]->type;
    }
    ps_aggregate_signature signature;
    const ps_user_function *user = ps_aggregate_is_known(name)
                                       ? NULL
                                       : ps_user_function_find(plan->expressions->functions, name);
    if (user != NULL && call->is_distinct) {
        ps_plan_refuse(plan, expr->at, "DISTINCT in a function of the user's");
    }
    ps_code code = user != NULL
                       ? ps_aggregate_resolve_user(user, count, &signature, &err)
                       : ps_aggregate_resolve(plan->arena, name, count, types, &signature, &err);
    ps_plan_check(plan, code, &err, expr->at);
    bound.class = signature.class;
    bound.result = signature.result;
    bound.argument_count = count;
    for (uint32_t i = 0; i < count; i++) {
        bound.arguments[i] = ps_plan_coerce(plan, expr->at, arguments[i], signature.arguments[i]);
    }
    return bound;
}

static bool calls_equal(const ps_bound_call *a, const ps_bound_call *b)
{
    if (a->class != b->class || a->is_distinct != b->is_distinct ||
        a->argument_count != b->argument_count || (a->filter == NULL) != (b->filter == NULL) ||
        (a->filter != NULL && !ps_expr_equal(a->filter, b->filter))) {
        return false;
    }
    for (uint32_t i = 0; i < a->argument_count; i++) {
        if (!ps_expr_equal(a->arguments[i], b->arguments[i])) {
            return false;
        }
    }
    return true;
}

/* Adds the call unless the same one is there; its number. */
static uint32_t add_call(ps_plan *plan, ps_bound_call **calls, uint32_t *count,
                         const ps_bound_call *call, ps_sql_span at)
{
    for (uint32_t i = 0; i < *count; i++) {
        if (calls_equal(&(*calls)[i], call)) {
            return i;
        }
    }
    if (*calls == NULL) {
        *calls = PS_PLAN_ARRAY(plan, ps_bound_call, PS_BIND_CALLS_MAX);
    }
    if (*count == PS_BIND_CALLS_MAX) {
        ps_plan_fail(plan, PS_E_LIMIT, at, "a SELECT has at most %d aggregate calls",
                     PS_BIND_CALLS_MAX);
    }
    (*calls)[*count] = *call;
    return (*count)++;
}

static const ps_expr *bind_aggregate_call(ps_bind_context *context, const ps_ast_expr *expr,
                                          const char *name)
{
    ps_plan *plan = context->binder->plan;
    const ps_ast_call *call = expr->call;
    if (!context->takes_aggregates) {
        ps_plan_fail(plan, PS_E_INVALID, expr->at, "an aggregate function is illegal in %s",
                     context->clause);
    }
    if (context->in_aggregate) {
        ps_plan_fail(plan, PS_E_INVALID, expr->at, "aggregate calls cannot be nested");
    }
    context->in_aggregate = true;
    bool takes_overs = context->takes_overs;
    context->takes_overs = false;
    ps_bound_call bound = ps_bind_resolve_call(context, expr, name);
    if (call->filter != NULL) {
        const char *clause = context->clause;
        context->clause = "FILTER";
        bound.filter = ps_bind_condition(context, call->filter);
        context->clause = clause;
    }
    context->takes_overs = takes_overs;
    context->in_aggregate = false;
    uint32_t number =
        add_call(plan, &context->aggregates, &context->aggregate_count, &bound, expr->at);
    return ps_plan_column(plan, PS_BIND_AGGREGATE + number, bound.result);
}

/* ── OVER ── */

/* The window with what it takes over from the named ones. */
static ps_ast_window resolve_window(ps_bind_context *context, const ps_ast_window *window,
                                    uint32_t depth)
{
    ps_plan *plan = context->binder->plan;
    const ps_ast_select *select = context->select;
    ps_ast_window own = *window;
    if (window->base.size == 0) {
        return own;
    }
    for (uint32_t i = 0; select != NULL && i < select->window_count && depth < 16; i++) {
        const ps_ast_named_window *named = &select->windows[i];
        if (named->name.size != window->base.size ||
            memcmp(named->name.text, window->base.text, named->name.size) != 0) {
            continue;
        }
        ps_ast_window base = resolve_window(context, &named->window, depth + 1);
        own.partition_by = own.partition_by.count > 0 ? own.partition_by : base.partition_by;
        own.order_by = own.order_by.count > 0 ? own.order_by : base.order_by;
        if (own.frame == PS_AST_FRAME_NONE) {
            own.frame = base.frame;
            own.low = base.low;
            own.high = base.high;
        }
        return own;
    }
    ps_plan_fail(plan, PS_E_MISSING, window->base.at, "window '%s' not found", window->base.text);
}

static void bind_frame(ps_bind_context *context, const ps_ast_window *window, const char *name,
                       ps_bound_over *over)
{
    ps_plan *plan = context->binder->plan;
    over->is_unbounded = true;
    over->is_rows = strcmp(name, "ROW_NUMBER") == 0;
    if (window->frame == PS_AST_FRAME_NONE) {
        return;
    }
    over->has_frame = true;
    over->is_rows = window->frame == PS_AST_FRAME_ROWS;
    if (window->high.kind == PS_AST_BOUND_FOLLOWING ||
        window->high.kind == PS_AST_BOUND_UNBOUNDED_FOLLOWING ||
        window->low.kind == PS_AST_BOUND_FOLLOWING ||
        window->low.kind == PS_AST_BOUND_UNBOUNDED_FOLLOWING) {
        ps_plan_fail(plan, PS_E_INVALID, window->at,
                     "OVER frames with FOLLOWING are not supported on streams");
    }
    if (window->high.kind != PS_AST_BOUND_CURRENT_ROW) {
        ps_plan_refuse(plan, window->at, "an OVER frame that ends before CURRENT ROW");
    }
    over->is_unbounded = window->low.kind == PS_AST_BOUND_UNBOUNDED_PRECEDING;
    if (window->low.kind == PS_AST_BOUND_PRECEDING) {
        over->preceding =
            over->is_rows ? ps_bind_whole_number(context, window->low.value, "ROWS … PRECEDING")
                          : ps_bind_interval_ms(context, window->low.value, "RANGE … PRECEDING");
    }
}

static bool overs_equal(const ps_bound_over *a, const ps_bound_over *b)
{
    if (a->partition_count != b->partition_count || a->sort_count != b->sort_count ||
        a->is_rows != b->is_rows || a->is_unbounded != b->is_unbounded ||
        a->preceding != b->preceding) {
        return false;
    }
    for (uint32_t i = 0; i < a->partition_count; i++) {
        if (!ps_expr_equal(a->partition[i], b->partition[i])) {
            return false;
        }
    }
    for (uint32_t i = 0; i < a->sort_count; i++) {
        if (!ps_expr_equal(a->sort[i], b->sort[i]) ||
            a->sort_keys[i].is_descending != b->sort_keys[i].is_descending) {
            return false;
        }
    }
    return true;
}

static ps_bound_over *bind_over(ps_bind_context *context, const ps_ast_window *written,
                                const char *name)
{
    ps_plan *plan = context->binder->plan;
    ps_ast_window window = resolve_window(context, written, 0);
    ps_bound_over *over = PS_PLAN_NEW(plan, ps_bound_over);
    over->at = window.at;
    over->partition_count = window.partition_by.count;
    over->partition = PS_PLAN_ARRAY(plan, const ps_expr *, over->partition_count);
    for (uint32_t i = 0; i < over->partition_count; i++) {
        over->partition[i] = ps_bind_expr(context, window.partition_by.items[i]);
    }
    over->sort_count = window.order_by.count;
    over->sort = PS_PLAN_ARRAY(plan, const ps_expr *, over->sort_count);
    over->sort_keys = PS_PLAN_ARRAY(plan, ps_sort_key, over->sort_count);
    for (uint32_t i = 0; i < over->sort_count; i++) {
        const ps_ast_order *order = &window.order_by.items[i];
        over->sort[i] = ps_bind_expr(context, order->expr);
        over->sort_keys[i].is_descending = order->is_descending;
        over->sort_keys[i].nulls_last = ps_order_nulls_last(order);
    }
    bind_frame(context, &window, name, over);
    return over;
}

static const ps_expr *bind_over_call(ps_bind_context *context, const ps_ast_expr *expr,
                                     const char *name)
{
    ps_plan *plan = context->binder->plan;
    const ps_ast_call *call = expr->call;
    if (!context->takes_overs) {
        ps_plan_fail_hint(plan, expr->at, "filter in an enclosing query",
                          "an OVER function is illegal in %s", context->clause);
    }
    if (!is_ranking(name) && !ps_bind_is_aggregate(plan, name)) {
        ps_plan_fail(plan, PS_E_INVALID, expr->at,
                     "OVER must be applied to an aggregate "
                     "function");
    }
    if (strcmp(name, "LEAD") == 0) {
        ps_plan_fail_hint(plan, expr->at, "LAG looks back",
                          "LEAD is not possible on a stream: it needs rows that are to come");
    }
    if (call->filter != NULL) {
        ps_plan_refuse(plan, expr->at, "FILTER of an OVER function");
    }
    context->takes_overs = false;
    ps_bound_call bound = ps_bind_resolve_call(context, expr, name);
    ps_bound_over *over = bind_over(context, call->over, name);
    context->takes_overs = true;
    if (context->over != NULL && !overs_equal(context->over, over)) {
        ps_plan_fail_hint(plan, expr->at, "compute one of them in a subquery",
                          "all OVER functions of a SELECT must be computed on the same window");
    }
    context->over = context->over == NULL ? over : context->over;
    uint32_t number = add_call(plan, &context->overs, &context->over_count, &bound, expr->at);
    return ps_plan_column(plan, PS_BIND_OVER + number, bound.result);
}

/* ── GROUPING ── */

static const ps_expr *bind_grouping(ps_bind_context *context, const ps_ast_expr *expr)
{
    ps_plan *plan = context->binder->plan;
    ps_bound_grouping grouping = {.at = expr->at};
    if (!context->takes_aggregates) {
        ps_plan_fail(plan, PS_E_INVALID, expr->at, "GROUPING is illegal in %s", context->clause);
    }
    if (context->groupings == NULL) {
        context->groupings = PS_PLAN_ARRAY(plan, ps_bound_grouping, PS_BIND_CALLS_MAX);
    }
    if (context->grouping_count == PS_BIND_CALLS_MAX) {
        ps_plan_fail(plan, PS_E_LIMIT, expr->at, "too many GROUPING calls");
    }
    context->in_aggregate = true;
    grouping.argument_count = bind_arguments(context, expr->call, &grouping.arguments);
    context->in_aggregate = false;
    context->groupings[context->grouping_count] = grouping;
    return ps_plan_column(plan, PS_BIND_GROUPING + context->grouping_count++,
                          ps_type_simple(plan->arena, PS_TYPE_BIGINT, false));
}

/* ── TUMBLE_START and the like ── */

static bool split_window_function(const char *name, char *out_window, const char **out_property)
{
    static const char *const windows[] = {"TUMBLE", "HOP", "SESSION"};
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
        size_t size = strlen(windows[i]);
        if (strncmp(name, windows[i], size) == 0 && name[size] == '_') {
            memcpy(out_window, windows[i], size + 1);
            *out_property = name + size + 1;
            return true;
        }
    }
    return false;
}

static bool windows_equal(const ps_window *a, const ps_window *b)
{
    return a->kind == b->kind && a->size_ms == b->size_ms && a->step_ms == b->step_ms;
}

static const ps_expr *bind_window_property(ps_bind_context *context, const ps_ast_expr *expr,
                                           const char *property)
{
    ps_plan *plan = context->binder->plan;
    const ps_expr *time = NULL;
    ps_window window = ps_bind_group_window(context, expr->call, &time);
    if (context->group_window == NULL || !windows_equal(context->group_window, &window) ||
        !ps_expr_equal(context->group_time, time)) {
        ps_plan_fail_hint(plan, expr->at, "its arguments must be those of the GROUP BY",
                          "the call does not match a group window of GROUP BY");
    }
    if (strcmp(property, "START") == 0 || strcmp(property, "END") == 0) {
        ps_window_property which = property[0] == 'S' ? PS_WINDOW_START : PS_WINDOW_END;
        return ps_plan_column(plan, PS_BIND_PROPERTY + (uint32_t)which,
                              ps_type_time(plan->arena, PS_TYPE_TIMESTAMP, 3, false));
    }
    if (strcmp(property, "ROWTIME") == 0 || strcmp(property, "PROCTIME") == 0) {
        bool is_processing = property[0] == 'P';
        if (is_processing != window.is_processing_time) {
            ps_plan_fail(plan, PS_E_INVALID, expr->at, "the group window is by %s time",
                         window.is_processing_time ? "processing" : "event");
        }
        return ps_plan_column(plan, PS_BIND_PROPERTY + PS_WINDOW_TIME,
                              ps_type_with_nullable(plan->arena, time->type, false));
    }
    ps_plan_fail(plan, PS_E_MISSING, expr->at, "there is no such window function");
}

/* ── all ── */

const ps_expr *ps_bind_call(ps_bind_context *context, const ps_ast_expr *expr)
{
    ps_plan *plan = context->binder->plan;
    const ps_ast_call *call = expr->call;
    char *name = PS_PLAN_ARRAY(plan, char, NAME_MAX_SIZE);
    char window[16];
    const char *property;
    const ps_expr **arguments = NULL;
    ps_bind_call_name(call, name, NAME_MAX_SIZE);
    if (name[0] == '\0') {
        ps_plan_refuse(plan, expr->at, "a function of a catalog");
    }
    const ps_expr *found = context->match != NULL ? ps_bind_match_call(context, expr, name) : NULL;
    if (found != NULL) {
        return found;
    }
    if (call->over != NULL) {
        return bind_over_call(context, expr, name);
    }
    if (is_grouping(name)) {
        return bind_grouping(context, expr);
    }
    if (split_window_function(name, window, &property)) {
        return bind_window_property(context, expr, property);
    }
    if (is_ranking(name)) {
        ps_plan_fail(plan, PS_E_INVALID, expr->at, "%s needs an OVER clause", name);
    }
    if (ps_bind_is_aggregate(plan, name)) {
        return bind_aggregate_call(context, expr, name);
    }
    if (ps_bind_is_group_window(expr)) {
        ps_plan_fail_hint(plan, expr->at, "TUMBLE_START gives the window's start",
                          "a group window is possible in GROUP BY only");
    }
    if (call->is_distinct || call->filter != NULL) {
        ps_plan_fail(plan, PS_E_INVALID, expr->at, "%s is no aggregate function", name);
    }
    if (call->json != NULL) {
        return ps_bind_json_call(context, expr, name);
    }
    uint32_t count = bind_arguments(context, call, &arguments);
    return ps_plan_call(plan, expr->at, name, count, arguments);
}
