/* Window functions: FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), …)) and GROUP BY TUMBLE(ts, …). */
#include <strings.h>

#include "sql/bind.h"

enum { WINDOW_NAME_MAX = 64 };

typedef struct {
    const char *name;
    ps_window_kind kind;
    uint32_t interval_count;  /* without the offset */
    const char *intervals[2]; /* names of the arguments, in order */
    bool takes_offset;
} window_function;

static const window_function functions[] = {
    {"TUMBLE", PS_WINDOW_TUMBLE, 1, {"SIZE", NULL}, true},
    {"HOP", PS_WINDOW_HOP, 2, {"SLIDE", "SIZE"}, true},
    {"CUMULATE", PS_WINDOW_CUMULATE, 2, {"STEP", "SIZE"}, true},
    {"SESSION", PS_WINDOW_SESSION, 1, {"GAP", NULL}, false},
};

static const window_function *find_function(const ps_ast_call *call)
{
    char name[WINDOW_NAME_MAX];
    ps_bind_call_name(call, name, sizeof name);
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (strcmp(functions[i].name, name) == 0) {
            return &functions[i];
        }
    }
    return NULL;
}

bool ps_bind_is_group_window(const ps_ast_expr *expr)
{
    if (expr->kind != PS_AST_EXPR_CALL || expr->call->over != NULL) {
        return false;
    }
    const window_function *function = find_function(expr->call);
    return function != NULL && function->kind != PS_WINDOW_CUMULATE;
}

/* ── sizes ── */

void ps_bind_check_hop(ps_plan *plan, const ps_window *window, ps_sql_span at)
{
    bool is_hop = window->kind == PS_WINDOW_HOP;
    if ((!is_hop && window->kind != PS_WINDOW_CUMULATE) || window->size_ms % window->step_ms == 0) {
        return;
    }
    const char *step = is_hop ? "slide" : "step";
    ps_plan_fail(plan, PS_E_INVALID, at,
                 "%s needs a size that is a multiple of the %s, but got size %lld ms and %s %lld "
                 "ms",
                 is_hop ? "an aggregate of HOP windows" : "CUMULATE", step,
                 (long long)window->size_ms, step, (long long)window->step_ms);
}

static void check_sizes(ps_plan *plan, const ps_window *window, const char *name, ps_sql_span at)
{
    if (window->size_ms <= 0 || window->step_ms < 0 ||
        (window->kind != PS_WINDOW_TUMBLE && window->kind != PS_WINDOW_SESSION &&
         window->step_ms == 0)) {
        ps_plan_fail(plan, PS_E_INVALID, at, "the intervals of %s must be positive", name);
    }
    if (window->kind == PS_WINDOW_CUMULATE && window->size_ms % window->step_ms != 0) {
        ps_bind_check_hop(plan, window, at);
    }
    int64_t limit = window->kind == PS_WINDOW_TUMBLE ? window->size_ms : window->step_ms;
    int64_t offset = window->offset_ms < 0 ? -window->offset_ms : window->offset_ms;
    if (window->kind == PS_WINDOW_TUMBLE && offset >= limit) {
        ps_plan_fail(plan, PS_E_INVALID, at,
                     "%s needs abs(offset) < size, but got size %lld ms and offset %lld ms", name,
                     (long long)window->size_ms, (long long)window->offset_ms);
    }
}

static void set_time(ps_plan *plan, ps_window *window, const ps_rel_column *column, uint32_t number,
                     const char *name, ps_sql_span at)
{
    if (!ps_type_is_timestamp(column->type)) {
        ps_plan_fail(plan, PS_E_INVALID, at,
                     "the window function %s requires a TIMESTAMP or TIMESTAMP_LTZ time "
                     "attribute, but '%.*s' is neither",
                     name, (int)column->name.size, column->name.data);
    }
    if (column->time == PS_TIME_NONE) {
        ps_plan_fail_hint(plan, at, "declare a WATERMARK for it in CREATE TABLE",
                          "the window function %s requires a time attribute, but '%.*s' is a "
                          "plain timestamp",
                          name, (int)column->name.size, column->name.data);
    }
    window->is_processing_time = column->time == PS_TIME_PROCESSING;
    window->time_column = number;
    window->zone = column->type->kind == PS_TYPE_TIMESTAMP_LTZ ? plan->expressions->zone : NULL;
}

/* ── FROM ── */

typedef struct {
    const ps_ast_expr *data, *time, *intervals[2], *offset;
} window_arguments;

static bool name_is(const ps_ast_name *name, const char *text)
{
    return name->size == strlen(text) && strncasecmp(name->text, text, name->size) == 0;
}

static void place_named(ps_plan *plan, const window_function *function, const ps_ast_name *name,
                        const ps_ast_expr *value, window_arguments *out)
{
    if (name_is(name, "DATA")) {
        out->data = value;
    } else if (name_is(name, "TIMECOL")) {
        out->time = value;
    } else if (name_is(name, "OFFSET") && function->takes_offset) {
        out->offset = value;
    } else if (name_is(name, function->intervals[0])) {
        out->intervals[0] = value;
    } else if (function->interval_count > 1 && name_is(name, function->intervals[1])) {
        out->intervals[1] = value;
    } else {
        ps_plan_fail(plan, PS_E_INVALID, name->at, "%s has no parameter '%s'", function->name,
                     name->text);
    }
}

static window_arguments place_arguments(ps_plan *plan, const window_function *function,
                                        const ps_ast_expr *expr)
{
    const ps_ast_call *call = expr->call;
    window_arguments out = {0};
    for (uint32_t i = 0; i < call->arguments.count; i++) {
        const ps_ast_expr *value = call->arguments.items[i];
        uint32_t last_interval = 1 + function->interval_count;
        if (call->argument_names != NULL && call->argument_names[i].size > 0) {
            place_named(plan, function, &call->argument_names[i], value, &out);
        } else if (i == 0) {
            out.data = value;
        } else if (i == 1) {
            out.time = value;
        } else if (i <= last_interval) {
            out.intervals[i - 2] = value;
        } else if (i == last_interval + 1 && function->takes_offset) {
            out.offset = value;
        } else {
            ps_plan_fail(plan, PS_E_INVALID, value->at, "%s has too many arguments",
                         function->name);
        }
    }
    if (out.data == NULL || out.time == NULL || out.intervals[0] == NULL ||
        (function->interval_count > 1 && out.intervals[1] == NULL)) {
        ps_plan_fail_hint(plan, expr->at,
                          "TUMBLE(TABLE t, DESCRIPTOR(ts), size), HOP(…, slide, size), "
                          "CUMULATE(…, step, size), SESSION(…, gap)",
                          "%s has too few arguments", function->name);
    }
    if (out.data->kind != PS_AST_EXPR_TABLE) {
        ps_plan_fail_hint(plan, out.data->at, "write TABLE t",
                          "the first argument of %s must be a table", function->name);
    }
    if (out.time->kind != PS_AST_EXPR_DESCRIPTOR || out.time->columns.count != 1) {
        ps_plan_fail_hint(plan, out.time->at, "write DESCRIPTOR(ts)",
                          "the second argument of %s must be a DESCRIPTOR of one column",
                          function->name);
    }
    return out;
}

static ps_columns partition_keys(ps_bind_context *context, const window_function *function,
                                 const ps_ast_table_argument *table, ps_sql_span at)
{
    ps_plan *plan = context->binder->plan;
    uint32_t *keys = PS_PLAN_ARRAY(plan, uint32_t, table->partition_by.count);
    if (table->partition_by.count > 0 && function->kind != PS_WINDOW_SESSION) {
        ps_plan_fail(plan, PS_E_INVALID, at, "only SESSION takes PARTITION BY");
    }
    if (table->is_bare_list && !plan->is_extended) {
        ps_plan_fail_hint(plan, table->partition_by.items[1]->at, "write PARTITION BY (k, l)",
                          "several keys of a window function's table stand in parentheses, as in "
                          "Flink");
    }
    if (table->order_by.count > 0) {
        ps_plan_refuse(plan, at, "ORDER BY of a window function's table");
    }
    for (uint32_t i = 0; i < table->partition_by.count; i++) {
        const ps_expr *key = ps_bind_expr(context, table->partition_by.items[i]);
        if (key->kind != PS_EXPR_COLUMN) {
            ps_plan_refuse(plan, table->partition_by.items[i]->at,
                           "PARTITION BY an expression in a window function");
        }
        keys[i] = key->column;
    }
    return (ps_columns){table->partition_by.count, keys};
}

static void window_columns(ps_plan *plan, ps_rel *rel, const ps_rel *input)
{
    uint32_t count = input->column_count;
    const ps_rel_column *time = &input->columns[rel->window.window.time_column];
    const ps_type *bound = ps_type_time(plan->arena, PS_TYPE_TIMESTAMP, 3, false);
    memcpy(rel->columns, input->columns, count * sizeof *rel->columns);
    rel->columns[count] = (ps_rel_column){.name = PS_SLICE("window_start"),
                                          .type = bound,
                                          .role = PS_ROLE_WINDOW_START,
                                          .window = rel->window.identity};
    rel->columns[count + 1] = (ps_rel_column){.name = PS_SLICE("window_end"),
                                              .type = bound,
                                              .role = PS_ROLE_WINDOW_END,
                                              .window = rel->window.identity};
    rel->columns[count + 2] =
        (ps_rel_column){.name = PS_SLICE("window_time"),
                        .type = ps_type_with_nullable(plan->arena, time->type, false),
                        .time = time->time,
                        .role = PS_ROLE_WINDOW_TIME,
                        .window = rel->window.identity};
}

ps_rel *ps_bind_window_function(ps_binder *binder, const ps_ast_expr *expr, ps_scope *outer)
{
    ps_plan *plan = binder->plan;
    const window_function *function =
        expr->kind == PS_AST_EXPR_CALL ? find_function(expr->call) : NULL;
    if (function == NULL) {
        ps_plan_refuse(plan, expr->at,
                       "a table function other than TUMBLE, HOP, CUMULATE and SESSION");
    }
    window_arguments arguments = place_arguments(plan, function, expr);
    const ps_ast_table_argument *table = arguments.data->table;
    ps_rel *input = table->query != NULL ? ps_bind_query(binder, table->query, outer)
                                         : ps_bind_table(binder, &table->path, NULL);
    ps_scope *scope = ps_scope_new(binder, input, (ps_slice){NULL, 0}, NULL);
    ps_bind_context context = {.binder = binder, .scope = scope, .clause = "a window function"};
    const ps_ast_name *time_name = &arguments.time->columns.items[0];
    const ps_expr *time = ps_scope_column(plan, scope, time_name);
    if (time == NULL) {
        ps_plan_fail(plan, PS_E_MISSING, time_name->at, "column '%s' not found in any table",
                     time_name->text);
    }
    ps_window window = {.kind = function->kind};
    int64_t first = ps_bind_interval_ms(&context, arguments.intervals[0], function->name);
    if (function->interval_count > 1) {
        window.step_ms = first;
        window.size_ms = ps_bind_interval_ms(&context, arguments.intervals[1], function->name);
    } else {
        window.size_ms = first;
    }
    if (arguments.offset != NULL) {
        window.offset_ms = ps_bind_interval_ms(&context, arguments.offset, function->name);
    }
    set_time(plan, &window, &input->columns[time->column], time->column, function->name,
             time_name->at);
    check_sizes(plan, &window, function->name, expr->at);
    ps_rel *rel = ps_rel_new(plan, PS_REL_WINDOW, expr->at, 1, input->column_count + 3);
    ps_window *identity = PS_PLAN_NEW(plan, ps_window);
    *identity = window;
    rel->inputs[0] = input;
    rel->window.window = window;
    rel->window.identity = identity;
    rel->window.keys = partition_keys(&context, function, table, expr->at);
    window_columns(plan, rel, input);
    return rel;
}

/* ── GROUP BY ── */

ps_window ps_bind_group_window(ps_bind_context *context, const ps_ast_call *call,
                               const ps_expr **out_time)
{
    ps_plan *plan = context->binder->plan;
    char name[WINDOW_NAME_MAX];
    ps_bind_call_name(call, name, sizeof name);
    const window_function *function = NULL;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        size_t size = strlen(functions[i].name);
        if (strncmp(name, functions[i].name, size) == 0 &&
            (name[size] == '\0' || name[size] == '_')) {
            function = &functions[i];
        }
    }
    PS_ASSERT(function != NULL);
    ps_sql_span at = ps_ast_names_last(&call->name)->at;
    if (call->arguments.count != 1 + function->interval_count) {
        ps_plan_fail(plan, PS_E_INVALID, at, "%s takes a time attribute and %u interval%s",
                     function->name, function->interval_count,
                     function->interval_count == 1 ? "" : "s");
    }
    ps_window window = {.kind = function->kind};
    const ps_expr *time = ps_bind_expr(context, call->arguments.items[0]);
    int64_t first = ps_bind_interval_ms(context, call->arguments.items[1], function->name);
    window.size_ms = first;
    if (function->interval_count > 1) {
        window.step_ms = first;
        window.size_ms = ps_bind_interval_ms(context, call->arguments.items[2], function->name);
    }
    if (ps_rel_is_proctime_call(time)) {
        window.is_processing_time = true;
        window.zone = plan->expressions->zone;
    } else if (time->kind != PS_EXPR_COLUMN || time->column >= PS_BIND_AGGREGATE) {
        ps_plan_fail(plan, PS_E_INVALID, at, "a group window needs a time attribute");
    } else {
        set_time(plan, &window, &context->scope->rel->columns[time->column], time->column,
                 function->name, at);
    }
    check_sizes(plan, &window, function->name, at);
    *out_time = time;
    return window;
}
