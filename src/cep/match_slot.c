#include "cep/match_slot.h"

#include <stdlib.h>

#include "cep/match_view.h"
#include "flow/aggregate_class.h"

static ps_code no_memory(ps_error *err)
{
    return ps_error_set(err, PS_E_MEMORY, "no memory for a pattern's conditions");
}

/* ── walking a run's rows, newest first ── */

static bool is_of(uint32_t variable, uint32_t wanted)
{
    return wanted == PS_CEP_ANY_VARIABLE || variable == wanted;
}

/* The node of the variable's row `back` from the newest; 0: there is none. */
static uint32_t node_back(const ps_heap *heap, uint32_t node, uint32_t variable, uint32_t back)
{
    while (node != 0) {
        const ps_cep_node *at = ps_cep_node_at(heap, node);
        if (is_of(at->variable, variable) && back-- == 0) {
            return node;
        }
        node = at->parent;
    }
    return 0;
}

static uint32_t count_of(const ps_heap *heap, uint32_t node, uint32_t variable)
{
    uint32_t count = 0;
    for (; node != 0; node = ps_cep_node_at(heap, node)->parent) {
        count += is_of(ps_cep_node_at(heap, node)->variable, variable);
    }
    return count;
}

/* The row that a run carries for the slot; 0: the variable has none. */
static uint32_t carried_row(const ps_cep_slot_state *state, const ps_cep_sight *sight)
{
    return ps_get_u32(sight->carried + state->offset);
}

/* The first or last row itself, for which `back` from the last is 0 or the slot is FIRST. */
static bool is_carried(const ps_cep_slot_state *state, const ps_cep_sight *sight)
{
    return state != NULL && state->offset != UINT32_MAX && sight->carried != NULL;
}

/* The kept row that a FIRST or LAST slot means; 0: none. `state` may be NULL. */
static uint32_t row_of(const ps_heap *heap, const ps_cep_slot *slot, const ps_cep_slot_state *state,
                       const ps_cep_sight *sight)
{
    bool has_current = slot->with_current && sight->row != 0;
    uint32_t back = slot->offset;
    if (slot->kind == PS_CEP_FIRST && is_carried(state, sight)) {
        uint32_t first = carried_row(state, sight);
        return first == 0 && has_current ? sight->row : first;
    }
    if (slot->kind == PS_CEP_FIRST) {
        uint32_t count = count_of(heap, sight->node, slot->variable);
        if (slot->offset == count) {
            return has_current ? sight->row : 0;
        }
        if (slot->offset > count) {
            return 0;
        }
        back = count - 1 - slot->offset;
    } else if (has_current) {
        if (back == 0) {
            return sight->row;
        }
        back--;
    }
    if (slot->kind == PS_CEP_LAST && back == 0 && is_carried(state, sight)) {
        return carried_row(state, sight);
    }
    uint32_t node = node_back(heap, sight->node, slot->variable, back);
    return node != 0 ? ps_cep_node_at(heap, node)->row : 0;
}

/* ── aggregates ── */

static void load_row(ps_cep_bench *bench, uint32_t row)
{
    if (bench->loaded == row) {
        return;
    }
    for (uint32_t i = 0; i < bench->input->field_count; i++) {
        if (bench->is_read[i]) {
            ps_one_row_set(&bench->row, i, bench->rows->layout.classes[bench->rows->places[i]],
                           ps_match_row_get(bench->rows, row, i));
        }
    }
    bench->row.sequence = ps_cep_row_at(bench->rows, row)->number;
    bench->loaded = row;
}

/* The nodes of a run's rows of a variable into bench->chain, newest first. */
static ps_code collect_chain(ps_cep_bench *bench, uint32_t node, uint32_t variable,
                             uint32_t *out_count, ps_error *err)
{
    uint32_t count = 0;
    for (; node != 0; node = ps_cep_node_at(bench->heap, node)->parent) {
        if (!is_of(ps_cep_node_at(bench->heap, node)->variable, variable)) {
            continue;
        }
        if (count == bench->chain_room) {
            uint32_t room = count == 0 ? 64 : count * 2;
            uint32_t *larger = realloc(bench->chain, room * sizeof *larger);
            if (larger == NULL) {
                return no_memory(err);
            }
            bench->chain = larger;
            bench->chain_room = room;
        }
        bench->chain[count++] = ps_cep_node_at(bench->heap, node)->row;
    }
    *out_count = count;
    return PS_OK;
}

static ps_code aggregate_value(ps_cep_bench *bench, const ps_cep_slot *slot,
                               const ps_cep_slot_state *state, const ps_cep_sight *sight,
                               ps_value *out, ps_error *err)
{
    bool has_current = slot->with_current && sight->row != 0;
    uint32_t count = 0;
    ps_code code = PS_OK;
    ps_aggregator_clear(state->aggregator, state->state);
    if (state->offset != UINT32_MAX && sight->carried != NULL) {
        memcpy(state->state, sight->carried + state->offset, state->size);
    } else {
        code = collect_chain(bench, sight->node, slot->variable, &count, err);
    }
    for (uint32_t i = count; code == PS_OK && i > 0; i--) {
        load_row(bench, bench->chain[i - 1]);
        code = ps_aggregator_add(state->aggregator, &bench->row.batch, 0, state->state, err);
    }
    if (code == PS_OK && has_current) {
        load_row(bench, sight->row);
        code = ps_aggregator_add(state->aggregator, &bench->row.batch, 0, state->state, err);
    }
    return code == PS_OK ? ps_aggregator_results(state->aggregator, state->state, out, err) : code;
}

static ps_code slot_value(ps_cep_bench *bench, const ps_cep_slots *slots, uint32_t number,
                          const ps_cep_sight *sight, ps_value *out, ps_error *err)
{
    const ps_cep_slot *slot = &slots->slots[number];
    if (slot->kind == PS_CEP_AGGREGATE) {
        return aggregate_value(bench, slot, &slots->states[number], sight, out, err);
    }
    uint32_t row = row_of(bench->heap, slot, &slots->states[number], sight);
    *out =
        row != 0 ? ps_match_row_get(bench->rows, row, slot->column) : (ps_value){.is_null = true};
    return PS_OK;
}

/* All slots into columns first … of the bench's row. */
static ps_code set_slots(ps_cep_bench *bench, const ps_cep_slots *slots, uint32_t first,
                         const ps_cep_sight *sight, ps_error *err)
{
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < slots->slot_count; i++) {
        ps_value value;
        code = slot_value(bench, slots, i, sight, &value, err);
        if (code == PS_OK) {
            ps_one_row_set(&bench->row, first + i, slots->classes[i], value);
        }
    }
    return code;
}

/* ── conditions ── */

static ps_code run_test(const ps_cep_compiled *query, ps_cep_test *test, const ps_cep_sight *sight,
                        ps_error *err)
{
    ps_cep_bench *bench = query->bench;
    const ps_cep_condition *condition = test->condition;
    if (condition->function != NULL) {
        const ps_cep_view view = {.query = query, .sight = *sight};
        test->holds = condition->function(condition->user, &view);
        return PS_OK;
    }
    ps_code code = set_slots(bench, &test->slots, bench->input->field_count, sight, err);
    if (code != PS_OK) {
        return code;
    }
    load_row(bench, sight->row);
    const ps_program_rows rows = {
        .batch = &bench->row.batch, .to = 1, .clock = bench->context->clock};
    ps_column result;
    uint32_t row;
    code = ps_program_run(test->program, &rows, &result, &row, err);
    if (code == PS_OK) {
        test->holds = !ps_column_is_null(&result, 0) && result.i64[0] != 0;
    }
    return code;
}

/* The row under test in every row of the chunk's batch. */
static void load_chunk(ps_cep_bench *bench, uint32_t row)
{
    ps_cep_chunk *chunk = &bench->chunk;
    if (chunk->loaded == chunk->number) {
        return;
    }
    for (uint32_t c = 0; c < bench->input->field_count; c++) {
        if (!bench->is_read[c]) {
            continue;
        }
        ps_value value = ps_match_row_get(bench->rows, row, c);
        ps_phys phys = bench->rows->layout.classes[bench->rows->places[c]];
        for (uint32_t i = 0; i < chunk->count; i++) {
            ps_column_put(&chunk->batch.columns[c], i, phys, value);
        }
    }
    chunk->batch.row_count = chunk->count;
    chunk->loaded = chunk->number;
}

/* Evaluates the test for the run at hand and those of the chunk behind it; those before it may be
 * gone. A failure is no answer: the runs that really ask will meet it. */
static void answer_chunk(ps_cep_bench *bench, ps_cep_test *test, uint32_t row)
{
    ps_cep_chunk *chunk = &bench->chunk;
    uint32_t first = bench->input->field_count, selection[PS_CEP_CHUNK], count = 0, at_row;
    ps_error unused;
    ps_code code = PS_OK;
    test->answered = chunk->number;
    for (uint32_t s = 0; s < test->slots.slot_count; s++) {
        for (uint32_t i = chunk->at; code == PS_OK && i < chunk->count; i++) {
            ps_value value;
            code = slot_value(bench, &test->slots, s, &chunk->sights[i], &value, &unused);
            if (code == PS_OK) {
                ps_column_put(&chunk->batch.columns[first + s], i, test->slots.classes[s], value);
            }
        }
    }
    load_chunk(bench, row);
    const ps_program_rows rows = {.batch = &chunk->batch,
                                  .from = chunk->at,
                                  .to = chunk->count,
                                  .clock = bench->context->clock};
    if (code == PS_OK) {
        code = ps_program_filter(test->program, &rows, selection, &count, &at_row, &unused);
    }
    test->is_answered = code == PS_OK;
    test->answers = 0;
    for (uint32_t i = 0; i < count; i++) {
        test->answers |= UINT64_C(1) << selection[i];
    }
}

/* The results of some aggregates live only until the next one is asked for. */
static bool is_chunkable(const ps_cep_test *test)
{
    for (uint32_t i = 0; i < test->slots.slot_count; i++) {
        if (test->slots.slots[i].kind == PS_CEP_AGGREGATE &&
            test->slots.classes[i] == PS_PHYS_TEXT) {
            return false;
        }
    }
    return test->program != NULL;
}

/* True: the answer for the run at hand is in test->holds. */
static bool is_in_chunk(ps_cep_bench *bench, ps_cep_test *test, uint32_t row)
{
    if (bench->chunk.count < 2 || !is_chunkable(test)) {
        return false;
    }
    if (test->answered != bench->chunk.number) {
        answer_chunk(bench, test, row);
    }
    test->holds = (test->answers >> bench->chunk.at & 1) != 0;
    return test->is_answered;
}

static ps_code literal_holds(const ps_cep_compiled *query, ps_cep_literal literal,
                             const ps_cep_sight *sight, bool *out, ps_error *err)
{
    ps_cep_test *test = &query->tests[literal / 2];
    bool is_negated = (literal & 1) != 0;
    bool holds = true;
    if (test->bit != PS_CEP_NO_BIT) {
        const uint64_t *mask = ps_cep_row_mask(query->bench->rows, sight->row);
        holds = ((mask[test->bit / 64] >> (test->bit % 64)) & 1) != 0;
    }
    if (!holds || !test->looks_back) {
        *out = holds != is_negated;
        return PS_OK;
    }
    if (is_in_chunk(query->bench, test, sight->row)) {
        *out = test->holds != is_negated;
        return PS_OK;
    }
    if (test->asked != query->bench->question) {
        ps_code code = run_test(query, test, sight, err);
        if (code != PS_OK) {
            return code;
        }
        test->asked = query->bench->question;
    }
    *out = test->holds != is_negated;
    return PS_OK;
}

ps_code ps_cep_guard_holds(const ps_cep_compiled *query, const ps_cep_guard *guard,
                           const ps_cep_sight *sight, bool *out, ps_error *err)
{
    for (uint32_t i = 0; i < guard->clause_count; i++) {
        const ps_cep_clause *clause = &guard->clauses[i];
        bool holds = false;
        for (uint32_t j = 0; !holds && j < clause->literal_count; j++) {
            ps_code code = literal_holds(query, clause->literals[j], sight, &holds, err);
            if (code != PS_OK) {
                return code;
            }
        }
        if (!holds) {
            *out = false;
            return PS_OK;
        }
    }
    *out = true;
    return PS_OK;
}

ps_code ps_cep_carry(const ps_cep_compiled *query, uint32_t variable, uint32_t row, char *carried,
                     ps_error *err)
{
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < query->carried_count; i++) {
        const ps_cep_slot_state *state = query->carried[i];
        if (!is_of(variable, state->variable)) {
            continue;
        }
        if (state->aggregator == NULL) {
            if (!state->is_first || ps_get_u32(carried + state->offset) == 0) {
                ps_put_u32(carried + state->offset, row);
            }
        } else {
            load_row(query->bench, row);
            code = ps_aggregator_add(state->aggregator, &query->bench->row.batch, 0,
                                     carried + state->offset, err);
        }
    }
    return code;
}

/* ── measures ── */

ps_code ps_cep_measure(const ps_cep_compiled *query, uint32_t node, const ps_column **out_columns,
                       ps_error *err)
{
    ps_cep_bench *bench = query->bench;
    const ps_cep_sight sight = {.node = node};
    /* slots take the places from column 0 on: set when no row is loaded into them any more */
    ps_code code = set_slots(bench, &query->measures, bench->input->field_count, &sight, err);
    if (code != PS_OK) {
        return code;
    }
    ps_batch slots = bench->row.batch;
    slots.columns += bench->input->field_count;
    slots.column_count = query->measures.slot_count;
    const ps_program_rows rows = {.batch = &slots, .to = 1, .clock = bench->context->clock};
    uint32_t row;
    code = ps_program_run(query->measure_program, &rows, query->measure_results, &row, err);
    if (code == PS_OK) {
        *out_columns = query->measure_results;
    }
    return code;
}

/* ── views ── */

void *ps_cep_view_user(const ps_cep_view *view)
{
    return view->query->query->user;
}

const ps_batch *ps_cep_view_batch(const ps_cep_view *view, uint32_t *out_row)
{
    *out_row = view->row;
    return view->batch;
}

int64_t ps_cep_view_timeout(const ps_cep_view *view)
{
    return view->timeout;
}

uint32_t ps_cep_view_row(const ps_cep_view *view)
{
    return view->sight.row;
}

uint32_t ps_cep_view_count(const ps_cep_view *view, uint32_t variable)
{
    return count_of(view->query->bench->heap, view->sight.node, variable);
}

uint32_t ps_cep_view_matched(const ps_cep_view *view, uint32_t variable, uint32_t index)
{
    const ps_cep_slot slot = {.kind = PS_CEP_FIRST, .variable = variable, .offset = index};
    return row_of(view->query->bench->heap, &slot, NULL, &view->sight);
}

uint32_t ps_cep_view_matched_last(const ps_cep_view *view, uint32_t variable, uint32_t back)
{
    const ps_cep_slot slot = {.kind = PS_CEP_LAST, .variable = variable, .offset = back};
    return row_of(view->query->bench->heap, &slot, NULL, &view->sight);
}

const ps_match_rows *ps_cep_view_rows(const ps_cep_view *view)
{
    return view->query->bench->rows;
}

/* ── set-up ── */

static ps_code init_chunk(ps_cep_chunk *chunk, ps_arena *arena, uint32_t column_count,
                          ps_error *err)
{
    ps_column *columns = ps_arena_take(arena, column_count * sizeof *columns);
    uint64_t *valid = ps_arena_take(arena, column_count * sizeof *valid);
    ps_i128 *values = ps_arena_take(arena, (size_t)column_count * PS_CEP_CHUNK * sizeof *values);
    if (columns == NULL || valid == NULL || values == NULL) {
        return no_memory(err);
    }
    for (uint32_t i = 0; i < column_count; i++) {
        columns[i].values = values + (size_t)i * PS_CEP_CHUNK; /* room for the largest class */
        columns[i].valid = &valid[i];
    }
    chunk->batch.columns = columns;
    chunk->batch.column_count = column_count;
    return PS_OK;
}

ps_code ps_cep_bench_init(ps_cep_bench *bench, const ps_operator_context *context,
                          const ps_schema *input, uint32_t slot_max, ps_error *err)
{
    bench->context = context;
    bench->input = input;
    bench->is_read = ps_arena_take(context->arena, input->field_count * sizeof(bool));
    if (bench->is_read == NULL) {
        return no_memory(err);
    }
    bench->scratch_budget.size_max = UINT64_MAX;
    ps_code code = ps_store_new(ps_store_name(context->store), &bench->scratch_budget,
                                &bench->scratch_store, err);
    if (code != PS_OK) {
        return code;
    }
    code = ps_one_row_init(&bench->row, context->arena, input->field_count + slot_max, err);
    return code == PS_OK
               ? init_chunk(&bench->chunk, context->arena, input->field_count + slot_max, err)
               : code;
}

void ps_cep_bench_release(ps_cep_bench *bench)
{
    free(bench->chain);
    ps_store_free(bench->scratch_store);
}

static void mark_read(uint32_t column, void *with)
{
    ps_cep_bench *bench = with;
    if (column < bench->input->field_count) {
        bench->is_read[column] = true;
    }
}

/* The state is bytes without references: a run may copy it. */
static bool is_plain(const ps_aggregate_call *call)
{
    switch (call->class->function) {
    case PS_AGG_COUNT:
    case PS_AGG_SUM:
    case PS_AGG_SUM0:
    case PS_AGG_AVG:
    case PS_AGG_STDDEV_POP:
    case PS_AGG_STDDEV_SAMP:
    case PS_AGG_VAR_POP:
    case PS_AGG_VAR_SAMP:
        return !call->is_distinct;
    case PS_AGG_MIN:
    case PS_AGG_MAX:
        return ps_type_phys(call->argument_types[0]) != PS_PHYS_TEXT;
    default:
        return false;
    }
}

static ps_code init_aggregate(ps_cep_bench *bench, const ps_cep_slot *slot,
                              ps_cep_slot_state *state, ps_error *err)
{
    const ps_aggregate_call *call = &slot->call;
    for (uint32_t i = 0; i < call->argument_count; i++) {
        mark_read(call->arguments[i], bench);
    }
    if (call->filter != PS_NO_COLUMN) {
        mark_read(call->filter, bench);
    }
    if (call->time_column != PS_NO_COLUMN) {
        mark_read(call->time_column, bench);
    }
    const ps_aggregator_options options = {
        .call_count = 1,
        .calls = call,
        .overflow_is_null = bench->context->expressions->overflow_is_null,
    };
    ps_arena *arena = bench->context->arena;
    ps_code code =
        ps_aggregator_new(bench->scratch_store, arena, &options, &state->aggregator, err);
    if (code != PS_OK) {
        return code;
    }
    state->size = ps_aggregator_size(state->aggregator);
    state->offset = UINT32_MAX;
    state->variable = slot->variable;
    state->state = ps_arena_take(arena, state->size);
    return state->state != NULL ? PS_OK : no_memory(err);
}

static ps_code init_slots(ps_cep_slots *made, ps_cep_bench *bench, uint32_t count,
                          const ps_cep_slot *slots, ps_error *err)
{
    ps_arena *arena = bench->context->arena;
    ps_phys *classes = ps_arena_take(arena, count * sizeof *classes);
    *made = (ps_cep_slots){
        .slot_count = count,
        .slots = slots,
        .classes = classes,
        .states = ps_arena_take(arena, count * sizeof(ps_cep_slot_state)),
    };
    if (classes == NULL || made->states == NULL) {
        return no_memory(err);
    }
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < count; i++) {
        made->states[i].offset = UINT32_MAX;
        made->states[i].variable = slots[i].variable;
        made->states[i].is_first = slots[i].kind == PS_CEP_FIRST;
        if (slots[i].kind == PS_CEP_AGGREGATE) {
            classes[i] = ps_type_phys(slots[i].call.result);
            code = init_aggregate(bench, &slots[i], &made->states[i], err);
        } else {
            classes[i] = ps_type_phys(bench->input->fields[slots[i].column].type);
        }
    }
    return code;
}

/* The reference of the first or last row is enough for the slot, before the row under test. */
static bool is_edge(const ps_cep_slot *slot)
{
    uint32_t reach = slot->kind == PS_CEP_LAST && slot->with_current ? 1 : 0;
    return slot->kind != PS_CEP_AGGREGATE && slot->offset <= reach;
}

/* A condition's aggregates with plain states go along with the runs, and its first and last rows.
 */
static void carry_slots(ps_cep_compiled *made, const ps_cep_slots *slots)
{
    for (uint32_t i = 0; i < slots->slot_count; i++) {
        const ps_cep_slot *slot = &slots->slots[i];
        bool is_aggregate = slot->kind == PS_CEP_AGGREGATE && is_plain(&slot->call);
        if (is_aggregate || is_edge(slot)) {
            ps_cep_slot_state *state = &slots->states[i];
            state->size = is_aggregate ? state->size : (uint32_t)sizeof(uint64_t);
            state->offset = made->carried_size;
            made->carried_size += state->size;
            made->carried[made->carried_count++] = state;
        }
    }
}

static ps_code init_test(ps_cep_compiled *made, ps_cep_test *test, ps_error *err)
{
    const ps_cep_condition *condition = test->condition;
    ps_cep_bench *bench = made->bench;
    if (test->rest == NULL) {
        return PS_OK;
    }
    ps_expr_columns(test->rest, mark_read, bench);
    ps_code code = init_slots(&test->slots, bench, condition->slot_count, condition->slots, err);
    if (code == PS_OK) {
        made->looks_back = true;
        carry_slots(made, &test->slots);
        code = ps_program_new(bench->context->expressions, 1, &test->rest, &test->program, err);
    }
    return code;
}

ps_code ps_cep_compiled_init(ps_cep_compiled *made, ps_cep_bench *bench, const ps_cep_query *query,
                             const ps_cep_automaton *automaton, ps_cep_test *tests, ps_error *err)
{
    ps_arena *arena = bench->context->arena;
    uint32_t count = automaton->condition_count, aggregates = 0;
    for (uint32_t i = 0; i < count; i++) {
        aggregates += automaton->conditions[i]->slot_count;
    }
    *made = (ps_cep_compiled){
        .bench = bench,
        .query = query,
        .automaton = automaton,
        .tests = tests,
        .carried = ps_arena_take(arena, aggregates * sizeof(ps_cep_slot_state *)),
        .measure_results =
            ps_arena_take(arena, (query->measures.expr_count + 1) * sizeof(ps_column)),
    };
    if (made->carried == NULL || made->measure_results == NULL) {
        return no_memory(err);
    }
    const ps_cep_measures *measures = &query->measures;
    ps_code code = init_slots(&made->measures, bench, measures->slot_count, measures->slots, err);
    if (code == PS_OK && measures->expr_count > 0) {
        code = ps_program_new(bench->context->expressions, measures->expr_count, measures->exprs,
                              &made->measure_program, err);
    }
    for (uint32_t i = 0; code == PS_OK && i < count; i++) {
        code = init_test(made, &made->tests[i], err);
    }
    return code;
}

void ps_cep_compiled_release(ps_cep_compiled *made)
{
    for (uint32_t i = 0; made->tests != NULL && i < made->automaton->condition_count; i++) {
        ps_program_free(made->tests[i].program);
    }
    ps_program_free(made->measure_program);
}
