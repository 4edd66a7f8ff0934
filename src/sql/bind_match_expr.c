/* Expressions of DEFINE and MEASURES: names, FIRST and LAST, aggregates, the match's time. */
#include "sql/bind_match.h"

static ps_slice name_slice(const ps_ast_name *name)
{
    return ps_slice_of(name->text, name->size);
}

uint32_t ps_bind_variable(const ps_match_names *names, const ps_ast_name *name)
{
    for (uint32_t i = 0; i < names->variable_count; i++) {
        if (ps_slice_equal(names->variables[i], name_slice(name))) {
            return i;
        }
    }
    return PS_CEP_ANY_VARIABLE;
}

/* ── slots ── */

/* The input's column that holds the value; one that a calc makes when it is no plain column. */
static uint32_t column_of(ps_plan *plan, ps_match_names *names, const ps_expr *value)
{
    if (value->kind == PS_EXPR_COLUMN) {
        return value->column;
    }
    for (uint32_t i = 0; i < names->extras.count; i++) {
        if (ps_expr_equal(names->extras.items[i], value)) {
            return names->input_count + i;
        }
    }
    ps_plan_list_add(plan, &names->extras, value);
    return names->input_count + names->extras.count - 1;
}

static bool calls_equal(const ps_aggregate_call *a, const ps_aggregate_call *b)
{
    return a->class == b->class && a->argument_count == b->argument_count &&
           memcmp(a->arguments, b->arguments, a->argument_count * sizeof a->arguments[0]) == 0;
}

static bool slots_equal(const ps_cep_slot *a, const ps_cep_slot *b)
{
    if (a->kind != b->kind || a->variable != b->variable || a->with_current != b->with_current) {
        return false;
    }
    return a->kind == PS_CEP_AGGREGATE ? calls_equal(&a->call, &b->call)
                                       : a->offset == b->offset && a->column == b->column;
}

static void grow_slots(ps_plan *plan, ps_match_names *names)
{
    uint32_t capacity = names->slot_capacity == 0 ? 8 : names->slot_capacity * 2;
    ps_cep_slot *slots = PS_PLAN_ARRAY(plan, ps_cep_slot, capacity);
    const ps_type **types = PS_PLAN_ARRAY(plan, const ps_type *, capacity);
    ps_slice *texts = PS_PLAN_ARRAY(plan, ps_slice, capacity);
    for (uint32_t i = 0; i < names->slot_count; i++) {
        slots[i] = names->slots[i];
        types[i] = names->slot_types[i];
        texts[i] = names->slot_names[i];
    }
    names->slots = slots;
    names->slot_types = types;
    names->slot_names = texts;
    names->slot_capacity = capacity;
}

static const ps_expr *slot_expr(ps_plan *plan, ps_match_names *names, ps_cep_slot slot,
                                const ps_type *type, ps_slice text)
{
    uint32_t number = 0;
    while (number < names->slot_count && !(slots_equal(&names->slots[number], &slot) &&
                                           names->slot_types[number]->nullable == type->nullable)) {
        number++;
    }
    if (number == PS_BIND_SLOTS_MAX) {
        ps_plan_fail(plan, PS_E_LIMIT, names->clause_at->at,
                     "an expression of MATCH_RECOGNIZE looks up more than %d values",
                     PS_BIND_SLOTS_MAX);
    }
    if (number == names->slot_count) {
        if (number == names->slot_capacity) {
            grow_slots(plan, names);
        }
        names->slots[number] = slot;
        names->slot_types[number] = type;
        names->slot_names[number] = text;
        names->slot_count++;
    }
    return ps_plan_column(plan, PS_BIND_SLOT + number, names->slot_types[number]);
}

/* The row under test is among the rows looked at. */
static bool sees_current(const ps_match_names *names, uint32_t variable)
{
    return !names->in_measures && (variable == PS_CEP_ANY_VARIABLE || variable == names->own);
}

/* "D.amount", "amount", "D.$m0": for EXPLAIN. */
static ps_slice value_text(ps_bind_context *context, uint32_t variable, uint32_t column)
{
    ps_plan *plan = context->binder->plan;
    const ps_match_names *names = context->match;
    ps_slice of = variable == PS_CEP_ANY_VARIABLE ? PS_SLICE("") : names->variables[variable];
    ps_slice name = column < names->input_count
                        ? context->scope->rel->columns[column].name
                        : ps_plan_print(plan, "$m%u", column - names->input_count);
    return ps_plan_print(plan, "%.*s%s%.*s", (int)of.size, of.data, of.size > 0 ? "." : "",
                         (int)name.size, name.data);
}

/* FIRST or LAST of a value of the input's. */
static const ps_expr *looked_up(ps_bind_context *context, ps_cep_slot_kind kind, uint32_t variable,
                                uint32_t offset, const ps_expr *value)
{
    ps_plan *plan = context->binder->plan;
    ps_match_names *names = context->match;
    bool with_current = sees_current(names, variable);
    if (kind == PS_CEP_LAST && offset == 0 && with_current) {
        return value; /* that is the row under test */
    }
    ps_cep_slot slot = {.kind = kind,
                        .variable = variable,
                        .with_current = with_current,
                        .offset = offset,
                        .column = column_of(plan, names, value)};
    const char *name = kind == PS_CEP_FIRST ? "FIRST" : "LAST";
    ps_slice of = value_text(context, variable, slot.column);
    ps_slice text = offset == 0
                        ? ps_plan_print(plan, "%s(%.*s)", name, (int)of.size, of.data)
                        : ps_plan_print(plan, "%s(%.*s, %u)", name, (int)of.size, of.data, offset);
    return slot_expr(plan, names, slot, ps_type_with_nullable(plan->arena, value->type, true),
                     text);
}

/* ── names ── */

static void set_inside(ps_bind_context *context, uint32_t variable, ps_sql_span at)
{
    ps_match_names *names = context->match;
    if (names->inside_is_set && names->inside_variable != variable) {
        ps_plan_fail_hint(
            context->binder->plan, at,
            "an aggregate, FIRST or LAST must be applied to a single pattern variable",
            "the argument of %s has columns of more than one pattern variable", names->inside);
    }
    names->inside_is_set = true;
    names->inside_variable = variable;
}

static _Noreturn void no_name(ps_bind_context *context, const ps_ast_names *path)
{
    ps_plan *plan = context->binder->plan;
    const ps_match_names *names = context->match;
    const ps_ast_name *first = &path->items[0];
    if (path->count == 1) {
        if (ps_bind_variable(names, first) != PS_CEP_ANY_VARIABLE) {
            ps_plan_fail_hint(plan, first->at, "write the variable, a dot and a column",
                              "'%s' is a pattern variable: it stands for rows, not for a value",
                              first->text);
        }
        ps_bind_no_column(context, path);
    }
    for (uint32_t i = 0; i < names->ast->subset_count; i++) {
        if (ps_slice_equal(name_slice(&names->ast->subsets[i].name), name_slice(first))) {
            ps_plan_fail_hint(plan, first->at, "name the variables themselves",
                              "'%s' is a SUBSET, which is not supported", first->text);
        }
    }
    ps_slice near = ps_name_nearest(name_slice(first), names->variable_count, names->variables);
    ps_slice hint = near.size > 0
                        ? ps_plan_print(plan, "did you mean '%.*s'?", (int)near.size, near.data)
                        : PS_SLICE("");
    ps_plan_fail_hint(plan, first->at, hint.data, "table or pattern variable '%s' not found",
                      first->text);
}

/* t.col is col; so is v.col in the DEFINE of a variable v that the pattern does not have. */
static bool is_row(const ps_bind_context *context, const ps_ast_names *path)
{
    const ps_match_names *names = context->match;
    ps_slice first = name_slice(&path->items[0]), table = context->scope->tables[0].name;
    bool is_own = !names->in_measures && ps_slice_equal(name_slice(names->clause_at), first);
    return path->count >= 2 && (is_own || (table.size > 0 && ps_slice_equal(table, first)));
}

const ps_expr *ps_bind_match_name(ps_bind_context *context, const ps_ast_names *path)
{
    ps_plan *plan = context->binder->plan;
    ps_match_names *names = context->match;
    uint32_t variable =
        path->count >= 2 ? ps_bind_variable(names, &path->items[0]) : PS_CEP_ANY_VARIABLE;
    bool is_qualified = variable != PS_CEP_ANY_VARIABLE || is_row(context, path);
    uint32_t used = is_qualified ? 1 : 0;
    const ps_expr *value = ps_scope_column(plan, context->scope, &path->items[used]);
    if (value == NULL) {
        if (used == 1) {
            ps_ast_names column = {1, &path->items[1]};
            ps_bind_no_column(context, &column);
        }
        no_name(context, path);
    }
    for (used++; used < path->count; used++) {
        value = ps_bind_field(context, value, &path->items[used]);
    }
    if (names->inside != NULL) {
        set_inside(context, variable, path->items[0].at);
        return value;
    }
    return looked_up(context, PS_CEP_LAST, variable, 0, value);
}

/* ── calls ── */

static void enter(ps_bind_context *context, const ps_ast_expr *expr, const char *name)
{
    ps_match_names *names = context->match;
    if (names->inside != NULL) {
        ps_plan_fail(context->binder->plan, PS_E_INVALID, expr->at,
                     "%s within %s: FIRST, LAST and aggregates cannot be nested", name,
                     names->inside);
    }
    names->inside = name;
    names->inside_is_set = false;
    names->inside_variable = PS_CEP_ANY_VARIABLE;
}

/* The value must be one of rows: a constant says nothing about which. */
static void leave(ps_bind_context *context, const ps_ast_expr *expr, const char *name)
{
    ps_match_names *names = context->match;
    names->inside = NULL;
    if (!names->inside_is_set) {
        ps_plan_fail(context->binder->plan, PS_E_INVALID, expr->at,
                     "the argument of %s has no column", name);
    }
}

/* FIRST(x[, n]), LAST(x[, n]) */
static const ps_expr *bind_navigation(ps_bind_context *context, const ps_ast_expr *expr,
                                      const char *name)
{
    ps_plan *plan = context->binder->plan;
    const ps_ast_exprs *arguments = &expr->call->arguments;
    int64_t offset = 0;
    if (arguments->count != 1 && arguments->count != 2) {
        ps_plan_fail_hint(plan, expr->at, "e.g. LAST(A.price, 1)", "%s takes a value and an offset",
                          name);
    }
    enter(context, expr, name);
    const ps_expr *value = ps_bind_expr(context, arguments->items[0]);
    leave(context, expr, name);
    if (arguments->count == 2) {
        const ps_ast_expr *number = arguments->items[1];
        if (number->kind != PS_AST_EXPR_LITERAL || number->literal.kind != PS_AST_LITERAL_INTEGER) {
            ps_plan_fail(plan, PS_E_INVALID, number->at,
                         "the offset of %s must be a whole number, written out", name);
        }
        offset = ps_bind_whole_number(context, number, "the offset of FIRST and LAST");
        if (offset > INT32_MAX) {
            ps_plan_fail(plan, PS_E_INVALID, number->at, "the offset of %s is too large", name);
        }
    }
    return looked_up(context, name[0] == 'F' ? PS_CEP_FIRST : PS_CEP_LAST,
                     context->match->inside_variable, (uint32_t)offset, value);
}

static void check_aggregate(ps_plan *plan, const ps_ast_expr *expr, const char *name)
{
    const ps_ast_call *call = expr->call;
    if (call->is_distinct) {
        ps_plan_fail(plan, PS_E_INVALID, expr->at,
                     "DISTINCT aggregates are not possible in MATCH_RECOGNIZE");
    }
    if (call->filter != NULL) {
        ps_plan_fail_hint(plan, call->filter->at, "e.g. SUM(CASE WHEN … THEN A.x END)",
                          "FILTER is not supported in MATCH_RECOGNIZE, as in Flink");
    }
    bool is_star = call->arguments.count == 1 && call->arguments.items[0]->kind == PS_AST_EXPR_STAR;
    if (is_star && call->arguments.items[0]->path.count > 0) {
        ps_plan_fail_hint(plan, call->arguments.items[0]->at,
                          "count a column that is never NULL, e.g. COUNT(A.id)",
                          "%s(variable.*) is not possible", name);
    }
}

static const ps_expr *bind_aggregate(ps_bind_context *context, const ps_ast_expr *expr,
                                     const char *name)
{
    ps_plan *plan = context->binder->plan;
    ps_match_names *names = context->match;
    check_aggregate(plan, expr, name);
    enter(context, expr, name);
    ps_bound_call bound = ps_bind_resolve_call(context, expr, name);
    names->inside_is_set = names->inside_is_set || bound.argument_count == 0; /* COUNT(*) */
    leave(context, expr, name);
    uint32_t variable = names->inside_variable;
    ps_cep_slot slot = {.kind = PS_CEP_AGGREGATE,
                        .variable = variable,
                        .with_current = sees_current(names, variable),
                        .call = {.class = bound.class,
                                 .result = bound.result,
                                 .argument_count = bound.argument_count,
                                 .filter = PS_NO_COLUMN,
                                 .time_column = PS_NO_COLUMN}};
    for (uint32_t i = 0; i < bound.argument_count; i++) {
        slot.call.arguments[i] = column_of(plan, names, bound.arguments[i]);
        slot.call.argument_types[i] = bound.arguments[i]->type;
    }
    ps_slice of = bound.argument_count == 0 ? PS_SLICE("*")
                                            : value_text(context, variable, slot.call.arguments[0]);
    ps_slice text = ps_plan_print(plan, "%s(%.*s)", name, (int)of.size, of.data);
    return slot_expr(plan, names, slot, bound.result, text);
}

/* MATCH_ROWTIME(), MATCH_ROWTIME(ts): the time of the match's last row, a rowtime attribute. */
static const ps_expr *bind_match_rowtime(ps_bind_context *context, const ps_ast_expr *expr)
{
    ps_plan *plan = context->binder->plan;
    ps_match_names *names = context->match;
    const ps_ast_exprs *arguments = &expr->call->arguments;
    uint32_t column = names->time_column;
    if (arguments->count > 1) {
        ps_plan_fail(plan, PS_E_INVALID, expr->at, "MATCH_ROWTIME takes one column at most");
    }
    if (arguments->count == 1) {
        enter(context, expr, "MATCH_ROWTIME");
        const ps_expr *argument = ps_bind_expr(context, arguments->items[0]);
        leave(context, expr, "MATCH_ROWTIME");
        column = argument->kind == PS_EXPR_COLUMN ? argument->column : PS_NO_COLUMN;
        if (column == PS_NO_COLUMN || context->scope->rel->columns[column].time != PS_TIME_ROW) {
            ps_plan_fail(plan, PS_E_INVALID, arguments->items[0]->at,
                         "MATCH_ROWTIME takes a rowtime attribute");
        }
    }
    if (names->time != PS_TIME_ROW) {
        ps_plan_fail_hint(plan, expr->at, "MATCH_PROCTIME() gives the processing time",
                          "MATCH_ROWTIME() needs an ORDER BY a rowtime attribute");
    }
    const ps_type *type = context->scope->rel->columns[column].type;
    ps_cep_slot slot = {
        .kind = PS_CEP_LAST, .variable = PS_CEP_ANY_VARIABLE, .column = names->time_column};
    return slot_expr(plan, names, slot, ps_type_with_nullable(plan->arena, type, false),
                     PS_SLICE("MATCH_ROWTIME()"));
}

static const ps_expr *bind_match_time(ps_bind_context *context, const ps_ast_expr *expr,
                                      const char *name)
{
    ps_plan *plan = context->binder->plan;
    if (!context->match->in_measures || context->match->inside != NULL) {
        ps_plan_fail(plan, PS_E_INVALID, expr->at, "%s() is possible in MEASURES only", name);
    }
    if (strcmp(name, "MATCH_ROWTIME") == 0) {
        return bind_match_rowtime(context, expr);
    }
    if (expr->call->arguments.count > 0) {
        ps_plan_fail(plan, PS_E_INVALID, expr->at, "MATCH_PROCTIME takes no argument");
    }
    return ps_plan_call(plan, expr->at, "PROCTIME", 0, NULL);
}

/* FINAL f(x): what MEASURES mean anyway. */
static const ps_expr *bind_prefix(ps_bind_context *context, const ps_ast_expr *expr,
                                  const char *name)
{
    ps_plan *plan = context->binder->plan;
    if (name[0] == 'R') {
        ps_plan_fail_hint(plan, expr->at, "MEASURES are over the whole match: FINAL",
                          "RUNNING is not supported in MATCH_RECOGNIZE, as in Flink");
    }
    if (!context->match->in_measures) {
        ps_plan_fail(plan, PS_E_INVALID, expr->at, "FINAL is possible in MEASURES only");
    }
    return ps_bind_expr(context, expr->call->arguments.items[0]);
}

static void refuse_call(ps_plan *plan, const ps_ast_expr *expr, const char *name)
{
    static const struct {
        const char *name, *hint;
    } refused[] = {
        {"PREV", "LAST(A.price, 1) in the DEFINE of A is the row before among those of A"},
        {"NEXT", "a condition can look only at rows that were matched before"},
        {"CLASSIFIER", "COUNT(A.id) > 0 tells whether A has a row"},
        {"MATCH_NUMBER", ""},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (strcmp(name, refused[i].name) == 0) {
            ps_plan_fail_hint(plan, expr->at, refused[i].hint,
                              "%s is not supported in MATCH_RECOGNIZE", name);
        }
    }
    if (expr->call->over != NULL) {
        ps_plan_fail(plan, PS_E_INVALID, expr->at,
                     "an OVER function is illegal in MATCH_RECOGNIZE");
    }
}

const ps_expr *ps_bind_match_call(ps_bind_context *context, const ps_ast_expr *expr,
                                  const char *name)
{
    refuse_call(context->binder->plan, expr, name);
    if (expr->call->form == PS_AST_FORM_PREFIX) {
        return bind_prefix(context, expr, name);
    }
    if (strcmp(name, "FIRST") == 0 || strcmp(name, "LAST") == 0) {
        return bind_navigation(context, expr, name);
    }
    if (strcmp(name, "MATCH_ROWTIME") == 0 || strcmp(name, "MATCH_PROCTIME") == 0) {
        return bind_match_time(context, expr, name);
    }
    return ps_aggregate_is_known(name) ? bind_aggregate(context, expr, name) : NULL;
}
