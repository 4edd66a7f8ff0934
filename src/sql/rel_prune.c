/* Takes away the columns that nobody reads, from the root down. */
#include "sql/rel.h"

static bool *none_needed(ps_plan *plan, const ps_rel *rel)
{
    return PS_PLAN_ARRAY(plan, bool, rel->column_count);
}

static void need_columns(ps_columns columns, bool *needed)
{
    for (uint32_t i = 0; i < columns.count; i++) {
        needed[columns.columns[i]] = true;
    }
}

static ps_columns map_columns(ps_plan *plan, ps_columns columns, const uint32_t *map)
{
    uint32_t *mapped = PS_PLAN_ARRAY(plan, uint32_t, columns.count);
    for (uint32_t i = 0; i < columns.count; i++) {
        mapped[i] = map[columns.columns[i]];
    }
    return (ps_columns){columns.count, mapped};
}

/* Processing time is no value that is kept: its column need not be there. */
static bool is_proctime(const ps_rel *rel, uint32_t column)
{
    return rel->columns[column].time == PS_TIME_PROCESSING;
}

static void need_sort(const ps_rel *input, uint32_t count, const ps_sort_key *sort, bool *needed)
{
    for (uint32_t i = 0; i < count; i++) {
        needed[sort[i].column] |= !is_proctime(input, sort[i].column);
    }
}

static void map_sort(uint32_t count, ps_sort_key *sort, const uint32_t *map)
{
    for (uint32_t i = 0; i < count; i++) {
        sort[i].column = map[sort[i].column];
    }
}

/* Prunes the input and gives its map: old column number to new one, PS_NO_COLUMN: it is gone. */
static uint32_t *prune_input(ps_plan *plan, ps_rel *rel, uint32_t input, const bool *needed)
{
    uint32_t *map = PS_PLAN_ARRAY(plan, uint32_t, rel->inputs[input]->column_count);
    rel->inputs[input] = ps_rel_prune(plan, rel->inputs[input], needed, map);
    return map;
}

/* Output columns where needed is set, packed; fills map; returns their number. */
static uint32_t pack_columns(ps_rel *rel, const bool *needed, uint32_t *map)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < rel->column_count; i++) {
        map[i] = PS_NO_COLUMN;
        if (needed[i]) {
            rel->columns[count] = rel->columns[i];
            map[i] = count++;
        }
    }
    return count;
}

/* The output begins with the input's columns: their new numbers and descriptions; `tail` more
 * columns from old number `from` follow. */
static void follow_input(ps_plan *plan, ps_rel *rel, uint32_t from, const uint32_t *input_map,
                         uint32_t tail, uint32_t *out_map)
{
    const ps_rel *input = rel->inputs[0];
    ps_rel_column *columns = PS_PLAN_ARRAY(plan, ps_rel_column, input->column_count + tail);
    memcpy(columns, input->columns, input->column_count * sizeof *columns);
    for (uint32_t i = 0; i < from; i++) {
        out_map[i] = input_map[i];
    }
    for (uint32_t i = 0; i < tail; i++) {
        columns[input->column_count + i] = rel->columns[from + i];
        out_map[from + i] = input->column_count + i;
    }
    rel->columns = columns;
    rel->column_count = input->column_count + tail;
}

/* Rows of which only the number matters still have a column. */
static uint32_t add_constant(ps_plan *plan, ps_rel *rel)
{
    const ps_type *type = ps_type_simple(plan->arena, PS_TYPE_INT, false);
    rel->columns = PS_PLAN_ARRAY(plan, ps_rel_column, 1);
    rel->calc.outputs = PS_PLAN_ARRAY(plan, const ps_expr *, 1);
    rel->calc.outputs[0] = ps_plan_constant(plan, type, (ps_value){0});
    rel->columns[0] = (ps_rel_column){.name = PS_SLICE("$0"), .type = rel->calc.outputs[0]->type};
    rel->column_count = 1;
    return 1;
}

static void prune_calc(ps_plan *plan, ps_rel *rel, const bool *needed, uint32_t *out_map)
{
    bool *below = none_needed(plan, rel->inputs[0]);
    uint32_t count = 0;
    ps_plan_mark(rel->calc.condition, below);
    for (uint32_t i = 0; i < rel->column_count; i++) {
        if (needed[i]) {
            rel->calc.outputs[count++] = rel->calc.outputs[i];
            ps_plan_mark(rel->calc.outputs[count - 1], below);
        }
    }
    rel->column_count = pack_columns(rel, needed, out_map);
    if (count == 0) {
        count = add_constant(plan, rel);
    }
    uint32_t *map = prune_input(plan, rel, 0, below);
    for (uint32_t i = 0; i < count; i++) {
        rel->calc.outputs[i] = ps_plan_renumber(plan, rel->calc.outputs[i], map);
    }
    if (rel->calc.condition != NULL) {
        rel->calc.condition = ps_plan_renumber(plan, rel->calc.condition, map);
    }
}

static void prune_expand(ps_plan *plan, ps_rel *rel, const bool *needed, uint32_t *out_map)
{
    bool *below = none_needed(plan, rel->inputs[0]);
    uint32_t count = 0, old = rel->column_count;
    for (uint32_t set = 0; set < rel->expand.set_count; set++) {
        for (uint32_t i = 0; i < old; i++) {
            if (needed[i]) {
                rel->expand.outputs[count] = rel->expand.outputs[set * old + i];
                ps_plan_mark(rel->expand.outputs[count++], below);
            }
        }
    }
    rel->column_count = pack_columns(rel, needed, out_map);
    uint32_t *map = prune_input(plan, rel, 0, below);
    for (uint32_t i = 0; i < count; i++) {
        rel->expand.outputs[i] = ps_plan_renumber(plan, rel->expand.outputs[i], map);
    }
}

static ps_rel *prune_window(ps_plan *plan, ps_rel *rel, const bool *needed, uint32_t *out_map)
{
    uint32_t input_count = rel->inputs[0]->column_count;
    bool *below = none_needed(plan, rel->inputs[0]);
    ps_window *window = &rel->window.window;
    memcpy(below, needed, input_count * sizeof *below);
    if (rel->window.is_merged) {
        uint32_t *map = prune_input(plan, rel, 0, below);
        for (uint32_t i = 0; i < rel->column_count; i++) {
            out_map[i] = i < input_count ? map[i] : PS_NO_COLUMN;
        }
        return rel->inputs[0];
    }
    need_columns(rel->window.keys, below);
    if (!window->is_processing_time) {
        below[window->time_column] = true;
    }
    uint32_t *map = prune_input(plan, rel, 0, below);
    rel->window.keys = map_columns(plan, rel->window.keys, map);
    window->time_column = map[window->time_column];
    follow_input(plan, rel, input_count, map, 3, out_map);
    return rel;
}

/* Calls that are read, packed behind `first` columns. */
static uint32_t pack_calls(ps_rel *rel, uint32_t first, uint32_t call_count,
                           ps_aggregate_call *calls, const bool *needed, uint32_t *out_map,
                           uint32_t out_first)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < call_count; i++) {
        out_map[first + i] = PS_NO_COLUMN;
        if (needed[first + i]) {
            calls[count] = calls[i];
            rel->columns[out_first + count] = rel->columns[first + i];
            out_map[first + i] = out_first + count++;
        }
    }
    return count;
}

static void need_calls(uint32_t count, const ps_aggregate_call *calls, bool *needed)
{
    for (uint32_t i = 0; i < count; i++) {
        need_columns((ps_columns){calls[i].argument_count, calls[i].arguments}, needed);
        if (calls[i].filter != PS_NO_COLUMN) {
            needed[calls[i].filter] = true;
        }
        if (calls[i].time_column != PS_NO_COLUMN) {
            needed[calls[i].time_column] = true;
        }
    }
}

static void map_calls(uint32_t count, ps_aggregate_call *calls, const uint32_t *map)
{
    for (uint32_t i = 0; i < count; i++) {
        ps_aggregate_call *call = &calls[i];
        for (uint32_t j = 0; j < call->argument_count; j++) {
            call->arguments[j] = map[call->arguments[j]];
        }
        call->filter = call->filter == PS_NO_COLUMN ? PS_NO_COLUMN : map[call->filter];
        call->time_column =
            call->time_column == PS_NO_COLUMN ? PS_NO_COLUMN : map[call->time_column];
    }
}

static void need_window(const ps_window *window, bool *needed)
{
    if (window->kind == PS_WINDOW_ATTACHED) {
        needed[window->start_column] = true;
        needed[window->end_column] = true;
    } else if (!window->is_processing_time) {
        needed[window->time_column] = true;
    }
}

static void map_window(ps_window *window, const uint32_t *map)
{
    if (window->kind == PS_WINDOW_ATTACHED) {
        window->start_column = map[window->start_column];
        window->end_column = map[window->end_column];
    } else {
        window->time_column = window->is_processing_time ? PS_NO_COLUMN : map[window->time_column];
    }
}

static void prune_aggregate(ps_plan *plan, ps_rel *rel, const bool *needed, uint32_t *out_map)
{
    bool *below = none_needed(plan, rel->inputs[0]);
    uint32_t keys = rel->aggregate.keys.count;
    uint32_t calls = rel->aggregate.call_count, properties = 0;
    for (uint32_t i = 0; i < keys; i++) {
        out_map[i] = i;
    }
    rel->aggregate.call_count =
        pack_calls(rel, keys, calls, rel->aggregate.calls, needed, out_map, keys);
    uint32_t next = keys + rel->aggregate.call_count;
    for (uint32_t i = 0; i < rel->aggregate.property_count; i++) {
        uint32_t old = keys + calls + i;
        out_map[old] = PS_NO_COLUMN;
        if (needed[old]) {
            rel->aggregate.properties[properties] = rel->aggregate.properties[i];
            rel->columns[next + properties] = rel->columns[old];
            out_map[old] = next + properties++;
        }
    }
    rel->aggregate.property_count = properties;
    rel->column_count = next + properties;
    need_columns(rel->aggregate.keys, below);
    need_calls(rel->aggregate.call_count, rel->aggregate.calls, below);
    if (rel->aggregate.is_windowed) {
        need_window(&rel->aggregate.window, below);
    }
    for (uint32_t i = 0; rel->aggregate.keeps_columns && i < rel->inputs[0]->column_count; i++) {
        below[i] = below[i] || rel->inputs[0]->columns[i].role == PS_ROLE_NONE;
    }
    uint32_t *map = prune_input(plan, rel, 0, below);
    rel->aggregate.keys = map_columns(plan, rel->aggregate.keys, map);
    map_calls(rel->aggregate.call_count, rel->aggregate.calls, map);
    if (rel->aggregate.is_windowed) {
        map_window(&rel->aggregate.window, map);
    }
}

static void prune_over(ps_plan *plan, ps_rel *rel, const bool *needed, uint32_t *out_map)
{
    uint32_t input_count = rel->inputs[0]->column_count;
    bool *below = none_needed(plan, rel->inputs[0]);
    memcpy(below, needed, input_count * sizeof *below);
    uint32_t *call_map = PS_PLAN_ARRAY(plan, uint32_t, rel->column_count);
    uint32_t calls = pack_calls(rel, input_count, rel->over.call_count, rel->over.calls, needed,
                                call_map, input_count);
    rel->over.call_count = calls;
    need_columns(rel->over.keys, below);
    need_sort(rel->inputs[0], rel->over.sort_count, rel->over.sort, below);
    need_calls(calls, rel->over.calls, below);
    uint32_t old_count = rel->column_count;
    uint32_t *map = prune_input(plan, rel, 0, below);
    rel->over.keys = map_columns(plan, rel->over.keys, map);
    map_sort(rel->over.sort_count, rel->over.sort, map);
    map_calls(calls, rel->over.calls, map);
    follow_input(plan, rel, input_count, map, calls, out_map);
    for (uint32_t i = input_count; i < old_count; i++) {
        out_map[i] = call_map[i] == PS_NO_COLUMN
                         ? PS_NO_COLUMN
                         : rel->inputs[0]->column_count + call_map[i] - input_count;
    }
}

static void prune_rank(ps_plan *plan, ps_rel *rel, const bool *needed, uint32_t *out_map)
{
    uint32_t input_count = rel->inputs[0]->column_count;
    bool *below = none_needed(plan, rel->inputs[0]);
    memcpy(below, needed, input_count * sizeof *below);
    rel->rank.emit_rank = rel->rank.emit_rank && needed[input_count];
    need_columns(rel->rank.keys, below);
    need_sort(rel->inputs[0], rel->rank.sort_count, rel->rank.sort, below);
    /* the number decides between deduplication and rank by the sort's time attribute */
    uint32_t *map = prune_input(plan, rel, 0, below);
    rel->rank.keys = map_columns(plan, rel->rank.keys, map);
    map_sort(rel->rank.sort_count, rel->rank.sort, map);
    if (rel->column_count > input_count) {
        out_map[input_count] = PS_NO_COLUMN;
    }
    follow_input(plan, rel, input_count, map, rel->rank.emit_rank ? 1 : 0, out_map);
}

static void prune_join(ps_plan *plan, ps_rel *rel, const bool *needed, uint32_t *out_map)
{
    uint32_t left = rel->inputs[0]->column_count, right = rel->inputs[1]->column_count;
    bool is_left_only = rel->column_count == left &&
                        (rel->join.kind == PS_JOIN_SEMI || rel->join.kind == PS_JOIN_ANTI);
    bool *below = PS_PLAN_ARRAY(plan, bool, left + right);
    memcpy(below, needed, rel->column_count * sizeof *below);
    ps_plan_mark(rel->join.condition, below);
    if (rel->join.temporal == PS_TEMPORAL_ROWTIME) {
        below[rel->join.as_of] = true;
        for (uint32_t i = 0; i < right; i++) { /* the versions' time and key */
            below[left + i] |= rel->inputs[1]->columns[i].time == PS_TIME_ROW;
        }
    }
    uint32_t *joined = PS_PLAN_ARRAY(plan, uint32_t, left + right);
    uint32_t *left_map = prune_input(plan, rel, 0, below);
    uint32_t *right_map = prune_input(plan, rel, 1, below + left);
    uint32_t new_left = rel->inputs[0]->column_count;
    uint32_t new_right = rel->inputs[1]->column_count;
    ps_rel_column *columns = PS_PLAN_ARRAY(plan, ps_rel_column, new_left + new_right);
    memcpy(columns, rel->inputs[0]->columns, new_left * sizeof *columns);
    memcpy(columns + new_left, rel->inputs[1]->columns, new_right * sizeof *columns);
    for (uint32_t i = 0; i < left + right; i++) {
        uint32_t mapped = i < left ? left_map[i] : right_map[i - left];
        joined[i] = i < left || mapped == PS_NO_COLUMN ? mapped : mapped + new_left;
        if (i < rel->column_count) {
            out_map[i] = joined[i];
            if (joined[i] != PS_NO_COLUMN) { /* outer joins make columns nullable */
                columns[joined[i]] = rel->columns[i];
            }
        }
    }
    rel->columns = columns;
    rel->column_count = is_left_only ? new_left : new_left + new_right;
    if (rel->join.condition != NULL) {
        rel->join.condition = ps_plan_renumber(plan, rel->join.condition, joined);
    }
    if (rel->join.temporal != PS_TEMPORAL_NONE) {
        rel->join.as_of = joined[rel->join.as_of];
    }
}

/* Inputs of a union have exactly the same columns. */
static void prune_union(ps_plan *plan, ps_rel *rel, const bool *needed, uint32_t *out_map)
{
    uint32_t *wanted = PS_PLAN_ARRAY(plan, uint32_t, rel->column_count);
    for (uint32_t i = 0; i < rel->input_count; i++) {
        uint32_t count = 0;
        uint32_t *map = prune_input(plan, rel, i, needed);
        for (uint32_t j = 0; j < rel->column_count; j++) {
            if (needed[j]) {
                wanted[count++] = map[j];
            }
        }
        ps_rel *selected = ps_rel_select(plan, rel->inputs[i], count, wanted);
        rel->inputs[i] = ps_rel_calc_is_identity(selected) ? rel->inputs[i] : selected;
    }
    rel->column_count = pack_columns(rel, needed, out_map);
}

static void prune_sort(ps_plan *plan, ps_rel *rel, const bool *needed, uint32_t *out_map)
{
    uint32_t count = rel->column_count;
    bool *below = none_needed(plan, rel);
    memcpy(below, needed, count * sizeof *below);
    need_sort(rel->inputs[0], rel->sort.sort_count, rel->sort.sort, below);
    uint32_t *map = prune_input(plan, rel, 0, below);
    map_sort(rel->sort.sort_count, rel->sort.sort, map);
    follow_input(plan, rel, count, map, 0, out_map);
}

static void prune_unnest(ps_plan *plan, ps_rel *rel, const bool *needed, uint32_t *out_map)
{
    uint32_t input_count = rel->inputs[0]->column_count;
    bool *below = none_needed(plan, rel->inputs[0]);
    memcpy(below, needed, input_count * sizeof *below);
    ps_plan_mark(rel->unnest.collection, below);
    uint32_t tail = rel->column_count - input_count;
    uint32_t *map = prune_input(plan, rel, 0, below);
    rel->unnest.collection = ps_plan_renumber(plan, rel->unnest.collection, map);
    follow_input(plan, rel, input_count, map, tail, out_map);
}

static void need_slots(uint32_t count, const ps_cep_slot *slots, bool *needed)
{
    for (uint32_t i = 0; i < count; i++) {
        if (slots[i].kind == PS_CEP_AGGREGATE) {
            need_calls(1, &slots[i].call, needed);
        } else {
            needed[slots[i].column] = true;
        }
    }
}

static ps_cep_slot *map_slots(ps_plan *plan, uint32_t count, const ps_cep_slot *slots,
                              const uint32_t *map)
{
    ps_cep_slot *mapped = PS_PLAN_ARRAY(plan, ps_cep_slot, count);
    for (uint32_t i = 0; i < count; i++) {
        mapped[i] = slots[i];
        if (slots[i].kind == PS_CEP_AGGREGATE) {
            map_calls(1, &mapped[i].call, map);
        } else {
            mapped[i].column = map[slots[i].column];
        }
    }
    return mapped;
}

/* Conditions are over the input's columns, then their slots. */
static void need_condition(ps_plan *plan, const ps_cep_condition *condition, uint32_t input_count,
                           bool *needed)
{
    bool *reads = PS_PLAN_ARRAY(plan, bool, input_count + condition->slot_count);
    ps_plan_mark(condition->test, reads);
    for (uint32_t i = 0; i < input_count; i++) {
        needed[i] = needed[i] || reads[i];
    }
    need_slots(condition->slot_count, condition->slots, needed);
}

static void map_condition(ps_plan *plan, ps_cep_condition *condition, uint32_t old_count,
                          uint32_t new_count, const uint32_t *map)
{
    uint32_t slots = condition->slot_count;
    uint32_t *all = PS_PLAN_ARRAY(plan, uint32_t, old_count + slots);
    memcpy(all, map, old_count * sizeof *all);
    for (uint32_t i = 0; i < slots; i++) {
        all[old_count + i] = new_count + i;
    }
    condition->test = ps_plan_renumber(plan, condition->test, all);
    condition->slots = map_slots(plan, slots, condition->slots, map);
}

static void prune_match(ps_plan *plan, ps_rel *rel, const bool *needed, uint32_t *out_map)
{
    uint32_t input_count = rel->inputs[0]->column_count;
    bool *below = none_needed(plan, rel->inputs[0]);
    uint32_t keys = rel->match.keys.count, values = 0;
    for (uint32_t i = 0; i < rel->column_count; i++) {
        out_map[i] = i < keys ? i : PS_NO_COLUMN;
        if (i >= keys && needed[i]) {
            rel->match.values[values] = rel->match.values[i - keys];
            rel->columns[keys + values] = rel->columns[i];
            out_map[i] = keys + values++;
        }
    }
    rel->match.value_count = values;
    rel->column_count = keys + values;
    need_columns(rel->match.keys, below);
    need_sort(rel->inputs[0], rel->match.sort_count, rel->match.sort, below);
    need_slots(values, rel->match.values, below);
    for (uint32_t i = 0; i < rel->match.condition_count; i++) {
        need_condition(plan, rel->match.conditions[i], input_count, below);
    }
    uint32_t *map = prune_input(plan, rel, 0, below);
    rel->match.keys = map_columns(plan, rel->match.keys, map);
    map_sort(rel->match.sort_count, rel->match.sort, map);
    rel->match.values = map_slots(plan, values, rel->match.values, map);
    for (uint32_t i = 0; i < rel->match.condition_count; i++) {
        map_condition(plan, rel->match.conditions[i], input_count, rel->inputs[0]->column_count,
                      map);
    }
}

/* What is read of a scan is said by the calc above it (lower_scan.c): there is always one. */
static ps_rel *prune_scan(ps_plan *plan, ps_rel *rel, const bool *needed, uint32_t *out_map)
{
    uint32_t *wanted = PS_PLAN_ARRAY(plan, uint32_t, rel->column_count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < rel->column_count; i++) {
        out_map[i] = PS_NO_COLUMN;
        if (needed[i]) {
            wanted[count] = i;
            out_map[i] = count++;
        }
    }
    ps_rel *calc = ps_rel_select(plan, rel, count, wanted);
    if (count == 0) {
        add_constant(plan, calc);
    }
    return calc;
}

static void prune_set(ps_plan *plan, ps_rel *rel, uint32_t *out_map)
{
    for (uint32_t i = 0; i < rel->input_count; i++) {
        rel->inputs[i] = ps_rel_prune_all(plan, rel->inputs[i]);
    }
    for (uint32_t i = 0; i < rel->column_count; i++) {
        out_map[i] = i;
    }
}

ps_rel *ps_rel_prune(ps_plan *plan, ps_rel *rel, const bool *needed, uint32_t *out_map)
{
    switch (rel->kind) {
    case PS_REL_CALC:
        prune_calc(plan, rel, needed, out_map);
        break;
    case PS_REL_WINDOW:
        return prune_window(plan, rel, needed, out_map);
    case PS_REL_EXPAND:
        prune_expand(plan, rel, needed, out_map);
        break;
    case PS_REL_AGGREGATE:
        prune_aggregate(plan, rel, needed, out_map);
        break;
    case PS_REL_OVER:
        prune_over(plan, rel, needed, out_map);
        break;
    case PS_REL_RANK:
        prune_rank(plan, rel, needed, out_map);
        break;
    case PS_REL_JOIN:
        prune_join(plan, rel, needed, out_map);
        break;
    case PS_REL_UNION:
        prune_union(plan, rel, needed, out_map);
        break;
    case PS_REL_SORT:
        prune_sort(plan, rel, needed, out_map);
        break;
    case PS_REL_UNNEST:
        prune_unnest(plan, rel, needed, out_map);
        break;
    case PS_REL_MATCH:
        prune_match(plan, rel, needed, out_map);
        break;
    case PS_REL_SCAN:
        return prune_scan(plan, rel, needed, out_map);
    case PS_REL_SET:
    case PS_REL_VALUES:
        prune_set(plan, rel, out_map);
        break;
    }
    return rel;
}

ps_rel *ps_rel_prune_all(ps_plan *plan, ps_rel *root)
{
    uint32_t count = root->column_count;
    bool *needed = PS_PLAN_ARRAY(plan, bool, count);
    uint32_t *map = PS_PLAN_ARRAY(plan, uint32_t, count);
    for (uint32_t i = 0; i < count; i++) {
        needed[i] = true;
    }
    root = ps_rel_prune(plan, root, needed, map);
    ps_rel *selected = ps_rel_select(plan, root, count, map);
    return ps_rel_calc_is_identity(selected) ? root : selected;
}
