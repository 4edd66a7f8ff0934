/* GROUP BY and the aggregate of a SELECT. */
#include <strings.h>

#include "sql/bind.h"

enum { KEYS_MAX = 64, SETS_MAX = 1024 };

/* ── the grouping sets ── */

typedef struct {
    ps_bind_context *context;
    uint32_t key_count;
    const ps_expr **keys;
} key_list;

typedef struct {
    uint32_t count;
    uint64_t *sets;
} set_list;

static set_list sets_new(key_list *keys)
{
    return (set_list){0, PS_PLAN_ARRAY(keys->context->binder->plan, uint64_t, SETS_MAX)};
}

static void sets_add(key_list *keys, set_list *list, uint64_t set, ps_sql_span at)
{
    if (list->count == SETS_MAX) {
        ps_plan_fail(keys->context->binder->plan, PS_E_LIMIT, at,
                     "GROUP BY has at most %d grouping sets", SETS_MAX);
    }
    list->sets[list->count++] = set;
}

static uint64_t key_bit(key_list *keys, const ps_ast_expr *ast)
{
    ps_plan *plan = keys->context->binder->plan;
    if (ps_bind_is_group_window(ast)) {
        ps_plan_refuse(plan, ast->at, "a group window inside GROUPING SETS, CUBE or ROLLUP");
    }
    const ps_expr *expr = ps_bind_expr(keys->context, ast);
    for (uint32_t i = 0; i < keys->key_count; i++) {
        if (ps_expr_equal(keys->keys[i], expr)) {
            return 1ULL << i;
        }
    }
    if (keys->key_count == KEYS_MAX) {
        ps_plan_fail(plan, PS_E_LIMIT, ast->at, "GROUP BY takes at most %d expressions", KEYS_MAX);
    }
    keys->keys[keys->key_count] = expr;
    return 1ULL << keys->key_count++;
}

static uint64_t list_bits(key_list *keys, const ps_ast_group *group)
{
    uint64_t bits = 0;
    for (uint32_t i = 0; i < group->exprs.count; i++) {
        bits |= key_bit(keys, group->exprs.items[i]);
    }
    return bits;
}

static set_list element_sets(key_list *keys, const ps_ast_group *group, uint32_t depth);

static set_list cube_sets(key_list *keys, const ps_ast_group *group)
{
    set_list list = sets_new(keys);
    uint64_t parts[16];
    if (group->item_count > 10) {
        ps_plan_fail(keys->context->binder->plan, PS_E_LIMIT, group->at,
                     "CUBE takes at most 10 items");
    }
    for (uint32_t i = 0; i < group->item_count; i++) {
        parts[i] = list_bits(keys, &group->items[i]);
    }
    for (uint32_t choice = 1U << group->item_count; choice > 0; choice--) {
        uint64_t set = 0;
        for (uint32_t i = 0; i < group->item_count; i++) {
            bool is_in = (((choice - 1) >> (group->item_count - 1 - i)) & 1) != 0;
            set |= is_in ? parts[i] : 0;
        }
        sets_add(keys, &list, set, group->at);
    }
    return list;
}

static set_list rollup_sets(key_list *keys, const ps_ast_group *group)
{
    set_list list = sets_new(keys);
    uint64_t *prefix = PS_PLAN_ARRAY(keys->context->binder->plan, uint64_t, group->item_count + 1);
    for (uint32_t i = 0; i < group->item_count; i++) {
        prefix[i + 1] = prefix[i] | list_bits(keys, &group->items[i]);
    }
    for (uint32_t i = group->item_count + 1; i > 0; i--) {
        sets_add(keys, &list, prefix[i - 1], group->at);
    }
    return list;
}

static set_list element_sets(key_list *keys, const ps_ast_group *group, uint32_t depth)
{
    set_list list = {0, NULL};
    switch (group->kind) {
    case PS_AST_GROUP_EXPR:
    case PS_AST_GROUP_LIST:
        list = sets_new(keys);
        sets_add(keys, &list, list_bits(keys, group), group->at);
        return list;
    case PS_AST_GROUP_CUBE:
        return cube_sets(keys, group);
    case PS_AST_GROUP_ROLLUP:
        return rollup_sets(keys, group);
    case PS_AST_GROUP_SETS:
        list = sets_new(keys);
        for (uint32_t i = 0; i < group->item_count && depth < 16; i++) {
            set_list inner = element_sets(keys, &group->items[i], depth + 1);
            for (uint32_t j = 0; j < inner.count; j++) {
                sets_add(keys, &list, inner.sets[j], group->at);
            }
        }
        return list;
    }
    PS_ASSERT(false);
    return list;
}

/* Several elements: every combination of their sets. */
static set_list sets_product(key_list *keys, set_list a, set_list b, ps_sql_span at)
{
    set_list product = sets_new(keys);
    for (uint32_t i = 0; i < a.count; i++) {
        for (uint32_t j = 0; j < b.count; j++) {
            sets_add(keys, &product, a.sets[i] | b.sets[j], at);
        }
    }
    return product;
}

static void take_group_window(ps_bind_context *context, const ps_ast_expr *expr)
{
    ps_plan *plan = context->binder->plan;
    if (context->group_window != NULL) {
        ps_plan_refuse(plan, expr->at, "more than one group window");
    }
    ps_window *window = PS_PLAN_NEW(plan, ps_window);
    *window = ps_bind_group_window(context, expr->call, &context->group_time);
    context->group_window = window;
    if (context->binder->note != NULL) {
        context->binder->note(context->binder->note_with, expr->at, "legacy-window",
                              "group windows are deprecated; use FROM TABLE(TUMBLE(…)) and GROUP "
                              "BY window_start, window_end");
    }
}

ps_group_sets ps_bind_groups(ps_bind_context *context, const ps_ast_select *select)
{
    ps_plan *plan = context->binder->plan;
    key_list keys = {context, 0, PS_PLAN_ARRAY(plan, const ps_expr *, KEYS_MAX)};
    set_list sets = sets_new(&keys);
    sets.sets[sets.count++] = 0;
    for (uint32_t i = 0; i < select->group_count; i++) {
        const ps_ast_group *group = &select->groups[i];
        if (group->kind == PS_AST_GROUP_EXPR && ps_bind_is_group_window(group->exprs.items[0])) {
            take_group_window(context, group->exprs.items[0]);
            continue;
        }
        sets = sets_product(&keys, sets, element_sets(&keys, group, 0), group->at);
    }
    return (ps_group_sets){keys.key_count, keys.keys, sets.count, sets.sets};
}

/* ── the aggregate ── */

/* What lies below the aggregate: its keys, then arguments. */
typedef struct {
    ps_plan *plan;
    ps_rel *input;
    uint32_t count, capacity;
    const ps_expr **exprs;
    ps_slice *names;
} projection;

static uint32_t projection_add(projection *below, const ps_expr *expr, uint32_t search_from)
{
    for (uint32_t i = search_from; i < below->count; i++) {
        if (ps_expr_equal(below->exprs[i], expr)) {
            return i;
        }
    }
    if (below->count == below->capacity) {
        ps_plan_fail(below->plan, PS_E_LIMIT, below->input->at, "too many aggregate arguments");
    }
    below->names[below->count] =
        expr->kind == PS_EXPR_COLUMN && expr->column < below->input->column_count
            ? below->input->columns[expr->column].name
            : ps_plan_print(below->plan, "$f%u", below->count);
    below->exprs[below->count] = expr;
    return below->count++;
}

/* The keys that are the bounds of a window, PS_NO_COLUMN where there are none. */
typedef struct {
    uint32_t start, end, time;
    const ps_window *window;
} window_keys;

static window_keys find_window_keys(const ps_bind_context *context, const ps_group_sets *groups)
{
    window_keys found = {PS_NO_COLUMN, PS_NO_COLUMN, PS_NO_COLUMN, NULL};
    const ps_rel *input = context->scope->rel;
    for (uint32_t i = 0; i < groups->key_count && found.window == NULL; i++) {
        const ps_expr *key = groups->keys[i];
        if (key->kind != PS_EXPR_COLUMN || key->column >= input->column_count ||
            input->columns[key->column].role != PS_ROLE_WINDOW_START) {
            continue;
        }
        found = (window_keys){i, PS_NO_COLUMN, PS_NO_COLUMN, input->columns[key->column].window};
        for (uint32_t j = 0; j < groups->key_count; j++) {
            const ps_expr *other = groups->keys[j];
            if (other->kind != PS_EXPR_COLUMN || other->column >= input->column_count ||
                input->columns[other->column].window != found.window) {
                continue;
            }
            ps_column_role role = input->columns[other->column].role;
            found.end = role == PS_ROLE_WINDOW_END ? j : found.end;
            found.time = role == PS_ROLE_WINDOW_TIME ? j : found.time;
        }
        found.window = found.end == PS_NO_COLUMN ? NULL : found.window;
    }
    for (uint32_t i = 0; i < groups->set_count && found.window != NULL; i++) {
        uint64_t bounds = (1ULL << found.start) | (1ULL << found.end);
        if ((groups->sets[i] & bounds) != bounds) {
            found.window = NULL;
        }
    }
    return found;
}

/* Copies of each row, one per grouping set: keys out of the set are NULL, the set's number is the
 * last column. */
static ps_rel *expand(ps_plan *plan, ps_rel *input, const ps_group_sets *groups)
{
    uint32_t count = input->column_count + 1;
    ps_rel *rel = ps_rel_new(plan, PS_REL_EXPAND, input->at, 1, count);
    rel->inputs[0] = input;
    rel->expand.set_count = groups->set_count;
    rel->expand.outputs = PS_PLAN_ARRAY(plan, const ps_expr *, groups->set_count *count);
    const ps_type *id = ps_type_simple(plan->arena, PS_TYPE_BIGINT, false);
    memcpy(rel->columns, input->columns, input->column_count * sizeof *rel->columns);
    rel->columns[count - 1] = (ps_rel_column){.name = PS_SLICE("$set"), .type = id};
    for (uint32_t i = 0; i < groups->key_count; i++) {
        for (uint32_t set = 0; set < groups->set_count; set++) {
            if ((groups->sets[set] >> i & 1) == 0) {
                rel->columns[i] = (ps_rel_column){
                    .name = input->columns[i].name,
                    .type = ps_type_with_nullable(plan->arena, input->columns[i].type, true)};
            }
        }
    }
    for (uint32_t set = 0; set < groups->set_count; set++) {
        const ps_expr **outputs = rel->expand.outputs + set * count;
        for (uint32_t i = 0; i + 1 < count; i++) {
            bool is_in = i >= groups->key_count || (groups->sets[set] >> i & 1) != 0;
            outputs[i] =
                is_in ? ps_plan_column(plan, i, rel->columns[i].type)
                      : ps_plan_constant(plan, rel->columns[i].type, (ps_value){.is_null = true});
        }
        outputs[count - 1] = ps_plan_constant(plan, id, (ps_value){.i64 = set});
    }
    return rel;
}

static ps_aggregate_call *aggregate_calls(ps_bind_context *context, projection *below,
                                          uint32_t search_from, uint32_t key_count)
{
    ps_plan *plan = context->binder->plan;
    ps_aggregate_call *calls = PS_PLAN_ARRAY(plan, ps_aggregate_call, context->aggregate_count);
    for (uint32_t i = 0; i < context->aggregate_count; i++) {
        const ps_bound_call *bound = &context->aggregates[i];
        ps_aggregate_call *call = &calls[i];
        call->class = bound->class;
        call->result = bound->result;
        call->argument_count = bound->argument_count;
        call->is_distinct = bound->is_distinct;
        call->filter = PS_NO_COLUMN;
        call->time_column = PS_NO_COLUMN;
        bool is_complete = key_count > 0 && bound->filter == NULL && bound->argument_count > 0;
        for (uint32_t j = 0; j < bound->argument_count; j++) {
            call->argument_types[j] = bound->arguments[j]->type;
            call->arguments[j] = projection_add(below, bound->arguments[j], search_from);
            is_complete = is_complete && !bound->arguments[j]->type->nullable;
        }
        if (bound->filter != NULL) {
            call->filter = projection_add(below, bound->filter, search_from);
        }
        static const char *const from_rows[] = {"SUM", "MIN", "MAX", "AVG"};
        for (size_t j = 0; j < sizeof from_rows / sizeof from_rows[0]; j++) {
            if (is_complete && strcmp(bound->name, from_rows[j]) == 0) {
                call->result = ps_type_with_nullable(plan->arena, bound->result, false);
            }
        }
    }
    return calls;
}

/* GROUPING(a, b): a number for each grouping set, chosen by the set's number. */
static const ps_expr *grouping_value(ps_bind_context *context, const ps_group_sets *groups,
                                     const ps_bound_grouping *grouping, const ps_expr *set_column)
{
    ps_plan *plan = context->binder->plan;
    const ps_type *type = ps_type_simple(plan->arena, PS_TYPE_BIGINT, false);
    const ps_expr **cases = PS_PLAN_ARRAY(plan, const ps_expr *, 2 * groups->set_count);
    uint32_t count = 0;
    for (uint32_t set = 0; set < groups->set_count; set++) {
        int64_t value = 0;
        for (uint32_t i = 0; i < grouping->argument_count; i++) {
            uint32_t key = 0;
            while (key < groups->key_count &&
                   !ps_expr_equal(groups->keys[key], grouping->arguments[i])) {
                key++;
            }
            if (key == groups->key_count) {
                ps_plan_fail(plan, PS_E_INVALID, grouping->at,
                             "an argument of GROUPING must be a grouped expression");
            }
            value = value * 2 + ((groups->sets[set] >> key & 1) == 0 ? 1 : 0);
        }
        const ps_expr *result = ps_plan_constant(plan, type, (ps_value){.i64 = value});
        if (set + 1 < groups->set_count) {
            const ps_expr *number = ps_plan_constant(plan, type, (ps_value){.i64 = set});
            cases[count++] =
                ps_plan_call(plan, grouping->at, "=", 2, (const ps_expr *[]){set_column, number});
        }
        cases[count++] = result;
    }
    return count == 1 ? cases[0] : ps_plan_call(plan, grouping->at, "CASE", count, cases);
}

static void set_property(ps_plan *plan, ps_rel *rel, ps_bound_group *group,
                         ps_window_property property, const ps_rel_column *like)
{
    uint32_t number =
        rel->aggregate.keys.count + rel->aggregate.call_count + rel->aggregate.property_count;
    rel->aggregate.properties[rel->aggregate.property_count++] = property;
    rel->columns[number] = *like;
    group->properties[property] = ps_plan_column(plan, number, like->type);
}

/* Which columns the window columns of the output are like. */
static void add_properties(ps_bind_context *context, ps_rel *rel, ps_bound_group *group,
                           const window_keys *bounds, const ps_group_sets *groups)
{
    ps_plan *plan = context->binder->plan;
    const ps_rel *scope = context->scope->rel;
    rel->aggregate.properties = PS_PLAN_ARRAY(plan, ps_window_property, 3);
    if (context->group_window == NULL) {
        uint32_t keys[3] = {bounds->start, bounds->end, bounds->time};
        for (uint32_t i = 0; i < 3; i++) {
            if (keys[i] != PS_NO_COLUMN) {
                set_property(plan, rel, group, (ps_window_property)i,
                             &scope->columns[groups->keys[keys[i]]->column]);
            }
        }
        return;
    }
    const ps_window *window = context->group_window;
    ps_rel_column column = {.name = PS_SLICE("window_start"),
                            .type = ps_type_time(plan->arena, PS_TYPE_TIMESTAMP, 3, false),
                            .role = PS_ROLE_WINDOW_START,
                            .window = window};
    set_property(plan, rel, group, PS_WINDOW_START, &column);
    column.name = PS_SLICE("window_end");
    column.role = PS_ROLE_WINDOW_END;
    set_property(plan, rel, group, PS_WINDOW_END, &column);
    column.name = PS_SLICE("window_time");
    column.role = PS_ROLE_WINDOW_TIME;
    column.type = ps_type_with_nullable(plan->arena, context->group_time->type, false);
    column.time = window->is_processing_time ? PS_TIME_PROCESSING : PS_TIME_ROW;
    set_property(plan, rel, group, PS_WINDOW_TIME, &column);
}

/* The window that the aggregate works on: the group window's, or the one that the rows bring. */
static ps_window aggregate_window(ps_bind_context *context, const window_keys *bounds,
                                  uint32_t time_column)
{
    if (context->group_window != NULL) {
        ps_window window = *context->group_window;
        window.time_column = window.is_processing_time ? PS_NO_COLUMN : time_column;
        return window;
    }
    return (ps_window){.kind = PS_WINDOW_ATTACHED,
                       .is_processing_time = bounds->window->is_processing_time,
                       .zone = bounds->window->zone,
                       .time_column = PS_NO_COLUMN,
                       .start_column = bounds->start,
                       .end_column = bounds->end};
}

static bool is_bound_key(const window_keys *bounds, uint32_t key)
{
    return bounds->window != NULL &&
           (key == bounds->start || key == bounds->end || key == bounds->time);
}

/* The window's columns behind the calls, and where GROUP BY names them. */
static void place_window(ps_bind_context *context, ps_rel *rel, ps_bound_group *group,
                         const window_keys *bounds, const ps_group_sets *groups)
{
    rel->aggregate.is_windowed = true;
    add_properties(context, rel, group, bounds, groups);
    for (uint32_t i = 0; i < groups->key_count; i++) {
        if (is_bound_key(bounds, i)) {
            group->key_values[i] = group->properties[i == bounds->start ? PS_WINDOW_START
                                                     : i == bounds->end ? PS_WINDOW_END
                                                                        : PS_WINDOW_TIME];
        }
    }
}

typedef struct {
    uint32_t column_count;
    bool has_outer;
} outer_search;

static void look_for_outer(uint32_t column, void *with)
{
    outer_search *search = with;
    search->has_outer = search->has_outer || column >= search->column_count;
}

/* Columns of the enclosing query have numbers behind the input's. */
static void refuse_outer_column(ps_plan *plan, const ps_rel *input, const ps_expr *expr,
                                ps_sql_span at)
{
    outer_search search = {.column_count = input->column_count};
    ps_expr_columns(expr, look_for_outer, &search);
    if (search.has_outer) {
        ps_plan_refuse(plan, at, "grouping by or aggregating a column of the enclosing query");
    }
}

ps_bound_group ps_bind_aggregate(ps_bind_context *context, const ps_group_sets *groups,
                                 ps_sql_span at)
{
    ps_plan *plan = context->binder->plan;
    ps_rel *input = context->scope->rel;
    bool is_expanded = groups->set_count > 1;
    uint32_t keys = groups->key_count, time_column = PS_NO_COLUMN;
    uint32_t room = keys + context->aggregate_count * (PS_AGGREGATE_ARGUMENTS_MAX + 1) + 1;
    projection below = {plan,
                        input,
                        0,
                        room,
                        PS_PLAN_ARRAY(plan, const ps_expr *, room),
                        PS_PLAN_ARRAY(plan, ps_slice, room)};
    window_keys bounds = find_window_keys(context, groups);
    bool is_windowed = bounds.window != NULL || context->group_window != NULL;
    if (is_windowed) {
        ps_bind_check_hop(plan, bounds.window != NULL ? bounds.window : context->group_window, at);
    }
    for (uint32_t i = 0; i < keys; i++) {
        projection_add(&below, groups->keys[i], below.count);
    }
    ps_aggregate_call *calls =
        aggregate_calls(context, &below, is_expanded ? keys : 0, keys + (is_windowed ? 1 : 0));
    if (context->group_window != NULL && !context->group_window->is_processing_time) {
        time_column = projection_add(&below, context->group_time, 0);
    }
    for (uint32_t i = 0; i < below.count; i++) {
        refuse_outer_column(plan, input, below.exprs[i], at);
    }
    input = ps_rel_calc(plan, at, input, NULL, below.count, below.exprs, below.names);
    if (is_expanded) {
        input = expand(plan, input, groups);
    }
    uint32_t *key_columns = PS_PLAN_ARRAY(plan, uint32_t, keys + 1), key_count = 0;
    ps_bound_group group = {.key_count = keys, .keys = groups->keys};
    group.key_values = PS_PLAN_ARRAY(plan, const ps_expr *, keys);
    ps_rel *rel =
        ps_rel_new(plan, PS_REL_AGGREGATE, at, 1, keys + 1 + context->aggregate_count + 3);
    rel->inputs[0] = input;
    for (uint32_t i = 0; i < keys; i++) {
        if (!is_bound_key(&bounds, i)) {
            group.key_values[i] = ps_plan_column(plan, key_count, input->columns[i].type);
            rel->columns[key_count] = input->columns[i];
            rel->columns[key_count].time = PS_TIME_NONE;
            key_columns[key_count++] = i;
        }
    }
    const ps_expr *set_column = NULL;
    if (is_expanded) {
        set_column = ps_plan_column(plan, key_count, input->columns[below.count].type);
        rel->columns[key_count] = input->columns[below.count];
        key_columns[key_count++] = below.count;
    }
    rel->aggregate.keys = (ps_columns){key_count, key_columns};
    rel->aggregate.call_count = context->aggregate_count;
    rel->aggregate.calls = calls;
    group.calls = PS_PLAN_ARRAY(plan, const ps_expr *, context->aggregate_count);
    for (uint32_t i = 0; i < context->aggregate_count; i++) {
        rel->columns[key_count + i] =
            (ps_rel_column){.name = ps_plan_print(plan, "$a%u", i), .type = calls[i].result};
        group.calls[i] = ps_plan_column(plan, key_count + i, calls[i].result);
    }
    if (is_windowed) {
        rel->aggregate.window = aggregate_window(context, &bounds, time_column);
        place_window(context, rel, &group, &bounds, groups);
    }
    rel->column_count = key_count + context->aggregate_count + rel->aggregate.property_count;
    group.groupings = PS_PLAN_ARRAY(plan, const ps_expr *, context->grouping_count);
    for (uint32_t i = 0; i < context->grouping_count; i++) {
        group.groupings[i] = grouping_value(context, groups, &context->groupings[i], set_column);
    }
    group.rel = rel;
    return group;
}

/* ── results in expressions ── */

static const ps_expr *grouped_column(ps_bind_context *context, const ps_bound_group *group,
                                     const ps_expr *expr, ps_sql_span at)
{
    ps_plan *plan = context->binder->plan;
    uint32_t column = expr->column;
    if (column >= PS_BIND_OUTER) {
        ps_plan_refuse(plan, at, "a column of the enclosing query in a grouped query");
    }
    if (column >= PS_BIND_GROUPING) {
        return group->groupings[column - PS_BIND_GROUPING];
    }
    if (column >= PS_BIND_PROPERTY) {
        return group->properties[column - PS_BIND_PROPERTY];
    }
    if (column >= PS_BIND_OVER) {
        return expr;
    }
    if (column >= PS_BIND_AGGREGATE) {
        return group->calls[column - PS_BIND_AGGREGATE];
    }
    ps_plan_fail_hint(plan, at, "add it to GROUP BY, or aggregate it",
                      "expression '%.*s' is not being grouped",
                      (int)context->scope->rel->columns[column].name.size,
                      context->scope->rel->columns[column].name.data);
}

const ps_expr *ps_bind_grouped(ps_bind_context *context, const ps_bound_group *group,
                               const ps_expr *expr, ps_sql_span at)
{
    ps_plan *plan = context->binder->plan;
    for (uint32_t i = 0; i < group->key_count; i++) {
        if (ps_expr_equal(group->keys[i], expr)) {
            return group->key_values[i];
        }
    }
    if (expr->kind == PS_EXPR_CONSTANT) {
        return expr;
    }
    if (expr->kind == PS_EXPR_COLUMN) {
        return grouped_column(context, group, expr, at);
    }
    ps_expr *copy = PS_PLAN_NEW(plan, ps_expr);
    const ps_expr **arguments = PS_PLAN_ARRAY(plan, const ps_expr *, expr->argument_count);
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        arguments[i] = ps_bind_grouped(context, group, expr->arguments[i], at);
    }
    *copy = *expr;
    copy->arguments = arguments;
    return copy;
}

/* ── OVER ── */

static uint32_t over_column(projection *below, const ps_expr *expr)
{
    return expr->kind == PS_EXPR_COLUMN ? expr->column : projection_add(below, expr, 0);
}

ps_rel *ps_bind_overs(ps_bind_context *context, ps_rel *input, ps_sql_span at)
{
    ps_plan *plan = context->binder->plan;
    const ps_bound_over *over = context->over;
    uint32_t room = input->column_count + over->partition_count + over->sort_count +
                    context->over_count * PS_AGGREGATE_ARGUMENTS_MAX;
    projection below = {plan,
                        input,
                        input->column_count,
                        room,
                        ps_rel_identity(plan, input, room - input->column_count),
                        PS_PLAN_ARRAY(plan, ps_slice, room)};
    for (uint32_t i = 0; i < input->column_count; i++) {
        below.names[i] = input->columns[i].name;
    }
    uint32_t *keys = PS_PLAN_ARRAY(plan, uint32_t, over->partition_count), key_count = 0;
    for (uint32_t i = 0; i < over->partition_count; i++) {
        if (!ps_expr_is_constant(over->partition[i])) {
            keys[key_count++] = over_column(&below, over->partition[i]);
        }
    }
    ps_sort_key *sort = PS_PLAN_ARRAY(plan, ps_sort_key, over->sort_count);
    for (uint32_t i = 0; i < over->sort_count; i++) {
        sort[i] = over->sort_keys[i];
        sort[i].column = over_column(&below, over->sort[i]);
    }
    ps_aggregate_call *calls = PS_PLAN_ARRAY(plan, ps_aggregate_call, context->over_count);
    for (uint32_t i = 0; i < context->over_count; i++) {
        const ps_bound_call *bound = &context->overs[i];
        calls[i] = (ps_aggregate_call){.class = bound->class,
                                       .result = bound->result,
                                       .argument_count = bound->argument_count,
                                       .is_distinct = bound->is_distinct,
                                       .filter = PS_NO_COLUMN,
                                       .time_column = PS_NO_COLUMN};
        for (uint32_t j = 0; j < bound->argument_count; j++) {
            calls[i].argument_types[j] = bound->arguments[j]->type;
            calls[i].arguments[j] = over_column(&below, bound->arguments[j]);
        }
    }
    if (below.count > input->column_count) {
        input = ps_rel_calc(plan, at, input, NULL, below.count, below.exprs, below.names);
    }
    ps_rel *rel = ps_rel_new(plan, PS_REL_OVER, over->at, 1, below.count + context->over_count);
    rel->inputs[0] = input;
    memcpy(rel->columns, input->columns, below.count * sizeof *rel->columns);
    for (uint32_t i = 0; i < context->over_count; i++) {
        rel->columns[below.count + i] =
            (ps_rel_column){.name = ps_plan_print(plan, "$o%u", i), .type = calls[i].result};
    }
    const char *first = context->overs[0].name;
    rel->over.keys = (ps_columns){key_count, keys};
    rel->over.sort_count = over->sort_count;
    rel->over.sort = sort;
    rel->over.is_rows = over->is_rows;
    rel->over.is_unbounded = over->is_unbounded;
    rel->over.preceding = over->preceding;
    rel->over.call_count = context->over_count;
    rel->over.calls = calls;
    rel->over.rank_name = first;
    rel->over.is_ranking = context->over_count == 1 &&
                           (strcmp(first, "ROW_NUMBER") == 0 || strcmp(first, "RANK") == 0 ||
                            strcmp(first, "DENSE_RANK") == 0);
    return rel;
}

const ps_expr *ps_bind_over_placed(ps_bind_context *context, const ps_rel *over,
                                   const ps_expr *expr)
{
    ps_plan *plan = context->binder->plan;
    if (expr->kind == PS_EXPR_CONSTANT) {
        return expr;
    }
    if (expr->kind == PS_EXPR_COLUMN) {
        uint32_t number = expr->column - PS_BIND_OVER;
        return expr->column < PS_BIND_OVER || expr->column >= PS_BIND_PROPERTY
                   ? expr
                   : ps_plan_column(plan, over->inputs[0]->column_count + number, expr->type);
    }
    ps_expr *copy = PS_PLAN_NEW(plan, ps_expr);
    const ps_expr **arguments = PS_PLAN_ARRAY(plan, const ps_expr *, expr->argument_count);
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        arguments[i] = ps_bind_over_placed(context, over, expr->arguments[i]);
    }
    *copy = *expr;
    copy->arguments = arguments;
    return copy;
}

/* ── DISTINCT ── */

ps_rel *ps_bind_distinct(ps_plan *plan, ps_rel *input)
{
    ps_rel *rel = ps_rel_new(plan, PS_REL_AGGREGATE, input->at, 1, input->column_count);
    uint32_t *keys = PS_PLAN_ARRAY(plan, uint32_t, input->column_count);
    for (uint32_t i = 0; i < input->column_count; i++) {
        keys[i] = i;
        rel->columns[i] = input->columns[i];
        rel->columns[i].time = PS_TIME_NONE;
    }
    rel->inputs[0] = input;
    rel->aggregate.keys = (ps_columns){input->column_count, keys};
    return rel;
}
