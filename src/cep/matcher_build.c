#include <stdlib.h>

#include "cep/condition_split.h"
#include "cep/matcher_internal.h"

/* Defaults of the limits of ps_match_spec. */
enum { RUNS_PER_KEY = 10000, ROWS_PER_RUN = 100000, ROWS_PER_KEY = 10000000 };

static ps_code no_memory(ps_error *err)
{
    return ps_error_set(err, PS_E_MEMORY, "no memory for a pattern");
}

/* What of the condition is asked of the row alone, and what is left. */
static ps_code divide(ps_matcher *self, uint32_t query, ps_cep_test *test, ps_error *err)
{
    const ps_cep_condition *condition = test->condition;
    test->bit = PS_CEP_NO_BIT;
    if (condition->test == NULL) {
        test->looks_back = condition->looks_back;
        return test->looks_back
                   ? PS_OK
                   : ps_row_scan_add_function(self->scan, condition, &self->queries[query].compiled,
                                              &test->bit, err);
    }
    const ps_expr *of_row;
    ps_code code =
        ps_cep_condition_split(self->options.context->expressions, condition,
                               self->spec->input->field_count, &of_row, &test->rest, err);
    test->looks_back = code == PS_OK && test->rest != NULL;
    return code == PS_OK && of_row != NULL ? ps_row_scan_add(self->scan, of_row, &test->bit, err)
                                           : code;
}

static ps_code list_query(ps_arena *arena, ps_cep_query_list *list, uint32_t query,
                          uint32_t query_count, ps_error *err)
{
    if (list->queries == NULL) {
        list->queries = ps_arena_take(arena, query_count * sizeof *list->queries);
        if (list->queries == NULL) {
            return no_memory(err);
        }
    }
    if (list->count == 0 || list->queries[list->count - 1] != query) {
        list->queries[list->count++] = query;
    }
    return PS_OK;
}

/* The bit without which the edge never holds; PS_CEP_NO_BIT: there is none. */
static uint32_t needed_bit(const ps_cep_guard *guard, const ps_cep_test *tests)
{
    for (uint32_t i = 0; i < guard->clause_count; i++) {
        const ps_cep_clause *clause = &guard->clauses[i];
        if (clause->literal_count == 1 && (clause->literals[0] & 1) == 0 &&
            tests[clause->literals[0] / 2].bit != PS_CEP_NO_BIT) {
            return tests[clause->literals[0] / 2].bit;
        }
    }
    return PS_CEP_NO_BIT;
}

/* A TAKE edge from the start: a row with the edge's bit may begin a run. */
static ps_code note_start(ps_matcher *self, uint32_t query, uint32_t bit, ps_error *err)
{
    ps_cep_query_list *list = bit != PS_CEP_NO_BIT ? &self->starters[bit] : &self->any_row;
    if (bit != PS_CEP_NO_BIT) {
        self->start_bits[bit / 64] |= UINT64_C(1) << (bit % 64);
    }
    return list_query(self->options.context->arena, list, query, self->query_count, err);
}

/* Notes which rows can begin a run: over the TAKE edges that PROCEED edges lead to. */
static ps_code note_starts(ps_matcher *self, uint32_t query, const ps_cep_automaton *automaton,
                           const ps_cep_test *tests, ps_error *err)
{
    ps_arena *arena = self->options.context->arena;
    bool *is_seen = ps_arena_take(arena, automaton->state_count);
    const ps_cep_state **stack = ps_arena_take(arena, automaton->state_count * sizeof *stack);
    if (is_seen == NULL || stack == NULL) {
        return no_memory(err);
    }
    uint32_t depth = 0;
    stack[depth++] = automaton->start;
    is_seen[automaton->start->number] = true;
    ps_code code = PS_OK;
    while (code == PS_OK && depth > 0) {
        const ps_cep_state *state = stack[--depth];
        for (uint32_t i = 0; code == PS_OK && i < state->edge_count; i++) {
            const ps_cep_edge *edge = &state->edges[i];
            if (edge->action == PS_CEP_TAKE) {
                code = note_start(self, query, needed_bit(&edge->guard, tests), err);
            } else if (edge->action == PS_CEP_PROCEED && !is_seen[edge->target->number]) {
                is_seen[edge->target->number] = true;
                stack[depth++] = edge->target;
            }
        }
    }
    return code;
}

static uint32_t slots_at_most(const ps_cep_query *query, const ps_cep_automaton *automaton)
{
    uint32_t most = query->measures.slot_count;
    for (uint32_t i = 0; i < automaton->condition_count; i++) {
        uint32_t count = automaton->conditions[i]->slot_count;
        most = count > most ? count : most;
    }
    return most;
}

/* Automata of all queries, and their conditions divided. */
typedef struct {
    const ps_cep_automaton **automata;
    ps_cep_test **tests;
    uint32_t *first_bits, *bit_counts; /* of the queries' tests in rows' masks */
    uint32_t slot_max;
    uint32_t column_count;
    bool *keeps; /* per column of the input */
} set_up;

static ps_code compile_query(ps_matcher *self, set_up *up, uint32_t q, ps_error *err)
{
    ps_arena *arena = self->options.context->arena;
    const ps_cep_query *query = &self->spec->queries[q];
    bool matches_empty;
    ps_code code = ps_cep_pattern_check(query->pattern, &matches_empty, err);
    if (code == PS_OK) {
        code = ps_cep_automaton_new(query->pattern, arena, &up->automata[q], err);
    }
    if (code != PS_OK) {
        return code;
    }
    const ps_cep_automaton *automaton = up->automata[q];
    uint32_t most = slots_at_most(query, automaton);
    up->slot_max = most > up->slot_max ? most : up->slot_max;
    for (uint32_t s = 0; s < automaton->state_count; s++) {
        self->bounds_steps = self->bounds_steps || automaton->states[s]->within_ms > 0;
    }
    up->tests[q] = ps_arena_take(arena, automaton->condition_count * sizeof **up->tests);
    code = up->tests[q] != NULL ? PS_OK : no_memory(err);
    ps_row_scan_align(self->scan, automaton->condition_count);
    up->first_bits[q] = ps_row_scan_bits(self->scan);
    for (uint32_t c = 0; code == PS_OK && c < automaton->condition_count; c++) {
        up->tests[q][c].condition = automaton->conditions[c];
        code = divide(self, q, &up->tests[q][c], err);
    }
    up->bit_counts[q] = ps_row_scan_bits(self->scan) - up->first_bits[q];
    return code;
}

static ps_code compile_queries(ps_matcher *self, set_up *up, ps_error *err)
{
    ps_arena *arena = self->options.context->arena;
    up->automata = ps_arena_take(arena, self->query_count * sizeof *up->automata);
    up->tests = ps_arena_take(arena, self->query_count * sizeof *up->tests);
    up->first_bits = ps_arena_take(arena, self->query_count * sizeof *up->first_bits);
    up->bit_counts = ps_arena_take(arena, self->query_count * sizeof *up->bit_counts);
    self->queries = ps_arena_take(arena, self->query_count * sizeof *self->queries);
    if (up->automata == NULL || up->tests == NULL || up->first_bits == NULL ||
        up->bit_counts == NULL || self->queries == NULL) {
        return no_memory(err);
    }
    ps_code code = ps_row_scan_new(self->options.context, &self->scan, err);
    for (uint32_t q = 0; code == PS_OK && q < self->query_count; q++) {
        code = compile_query(self, up, q, err);
    }
    return code;
}

static ps_code open_scan(ps_matcher *self, ps_error *err)
{
    ps_arena *arena = self->options.context->arena;
    self->mask_words = ps_row_scan_words(self->scan);
    self->starters = ps_arena_take(arena, self->mask_words * 64 * sizeof *self->starters);
    self->start_bits = ps_arena_take(arena, self->mask_words * sizeof *self->start_bits);
    return self->starters != NULL && self->start_bits != NULL ? ps_row_scan_open(self->scan, err)
                                                              : no_memory(err);
}

/* ── which columns are kept of rows ── */

static void keep_column(uint32_t column, void *with)
{
    const set_up *up = with;
    if (column < up->column_count) {
        up->keeps[column] = true;
    }
}

static void keep_slots(set_up *up, uint32_t count, const ps_cep_slot *slots)
{
    for (uint32_t i = 0; i < count; i++) {
        const ps_aggregate_call *call = &slots[i].call;
        if (slots[i].kind != PS_CEP_AGGREGATE) {
            keep_column(slots[i].column, up);
            continue;
        }
        for (uint32_t k = 0; k < call->argument_count; k++) {
            keep_column(call->arguments[k], up);
        }
        keep_column(call->filter, up);
        keep_column(call->time_column, up);
    }
}

static void keep_all(set_up *up)
{
    for (uint32_t i = 0; i < up->column_count; i++) {
        up->keeps[i] = true;
    }
}

static void keep_for_query(ps_matcher *self, set_up *up, uint32_t q)
{
    const ps_cep_query *query = &self->spec->queries[q];
    keep_slots(up, query->measures.slot_count, query->measures.slots);
    if (query->emit != NULL || self->options.keeps_all) {
        keep_all(up);
    }
    for (uint32_t i = 0; i < up->automata[q]->condition_count; i++) {
        const ps_cep_test *test = &up->tests[q][i];
        keep_slots(up, test->condition->slot_count, test->condition->slots);
        if (test->rest != NULL) {
            ps_expr_columns(test->rest, keep_column, up);
        } else if (test->looks_back) {
            keep_all(up);
        }
    }
}

/* The literal may be true of a row that no condition over rows alone holds for. */
static bool may_hold_of_zero(const ps_cep_test *tests, ps_cep_literal literal)
{
    const ps_cep_test *test = &tests[literal / 2];
    bool is_negated = (literal & 1) != 0;
    return test->bit == PS_CEP_NO_BIT ? test->looks_back || !is_negated : is_negated;
}

static bool may_take_zero(const ps_cep_test *tests, const ps_cep_guard *guard)
{
    for (uint32_t i = 0; i < guard->clause_count; i++) {
        bool may = false;
        for (uint32_t k = 0; k < guard->clauses[i].literal_count; k++) {
            may = may || may_hold_of_zero(tests, guard->clauses[i].literals[k]);
        }
        if (!may) {
            return false;
        }
    }
    return true;
}

/* Whether columns may be looked at of rows without any bit: they are taken, or tested further. */
static bool query_reads_zero(const ps_cep_automaton *automaton, const ps_cep_test *tests)
{
    for (uint32_t i = 0; i < automaton->condition_count; i++) {
        if (tests[i].bit == PS_CEP_NO_BIT && tests[i].looks_back) {
            return true;
        }
    }
    for (uint32_t s = 0; s < automaton->state_count; s++) {
        const ps_cep_state *state = automaton->states[s];
        for (uint32_t i = 0; i < state->edge_count; i++) {
            if (state->edges[i].action == PS_CEP_TAKE &&
                may_take_zero(tests, &state->edges[i].guard)) {
                return true;
            }
        }
    }
    return false;
}

static ps_code choose_columns(ps_matcher *self, set_up *up, ps_error *err)
{
    up->column_count = self->spec->input->field_count;
    up->keeps = ps_arena_take(self->options.context->arena, up->column_count * sizeof *up->keeps);
    if (up->keeps == NULL) {
        return no_memory(err);
    }
    self->reads_zero = self->spec->sort_count > 0;
    for (uint32_t i = 0; i < self->spec->sort_count; i++) {
        up->keeps[self->spec->sort[i].column] = true;
    }
    for (uint32_t q = 0; q < self->query_count; q++) {
        keep_for_query(self, up, q);
        self->reads_zero = self->reads_zero || query_reads_zero(up->automata[q], up->tests[q]);
    }
    return PS_OK;
}

static ps_code open_state(ps_matcher *self, set_up *up, ps_error *err)
{
    const ps_operator_context *context = self->options.context;
    ps_code code = choose_columns(self, up, err);
    if (code == PS_OK) {
        code = ps_match_rows_init(&self->rows, context->store, context->arena, self->spec->input,
                                  up->keeps, err);
        self->rows.mask_words = self->mask_words;
    }
    if (code == PS_OK) {
        code = ps_heap_init(&self->heap, context->store, "runs", err);
    }
    void *root = NULL;
    if (code == PS_OK) {
        code = ps_store_root(context->store, sizeof *self->root, &root, err);
    }
    self->root = root;
    return code;
}

/* Runs name their state by its place. */
static ps_code lay_out_places(ps_matcher *self, const set_up *up, ps_error *err)
{
    uint64_t count = 0;
    for (uint32_t q = 0; q < self->query_count; q++) {
        count += up->automata[q]->state_count;
    }
    self->places = ps_arena_take(self->options.context->arena, count * sizeof *self->places);
    if (self->places == NULL) {
        return no_memory(err);
    }
    uint32_t at = 0;
    for (uint32_t q = 0; q < self->query_count; q++) {
        ps_matcher_query_state *query = &self->queries[q];
        query->first_place = at;
        query->window_ms = up->automata[q]->window_ms;
        for (uint32_t s = 0; s < up->automata[q]->state_count; s++, at++) {
            const ps_cep_state *state = up->automata[q]->states[s];
            bool is_final = state->kind == PS_CEP_STATE_FINAL;
            self->places[at] = (ps_cep_place){state, q, is_final};
            query->final_place = is_final ? at : query->final_place;
        }
    }
    return PS_OK;
}

static ps_code open_query(ps_matcher *self, const set_up *up, uint32_t q, ps_error *err)
{
    ps_matcher_query_state *query = &self->queries[q];
    ps_code code = ps_cep_compiled_init(&query->compiled, &self->bench, &self->spec->queries[q],
                                        up->automata[q], up->tests[q], err);
    if (code == PS_OK) {
        query->run_size = (uint32_t)sizeof(ps_cep_run) + query->compiled.carried_size;
        code = ps_cep_ways_init(&query->ways, &query->compiled, up->first_bits[q],
                                up->bit_counts[q], self->options.context->arena, err);
    }
    return code == PS_OK ? note_starts(self, q, up->automata[q], up->tests[q], err) : code;
}

static ps_code build(ps_matcher *self, ps_error *err)
{
    const ps_operator_context *context = self->options.context;
    set_up up = {0};
    ps_code code = compile_queries(self, &up, err);
    if (code == PS_OK) {
        code = open_scan(self, err);
    }
    if (code == PS_OK) {
        code = open_state(self, &up, err);
    }
    if (code == PS_OK) {
        code = ps_cep_bench_init(&self->bench, context, self->spec->input, up.slot_max, err);
    }
    if (code == PS_OK) {
        code = lay_out_places(self, &up, err);
    }
    self->bench.rows = &self->rows;
    self->bench.heap = &self->heap;
    for (uint32_t q = 0; code == PS_OK && q < self->query_count; q++) {
        code = open_query(self, &up, q, err);
    }
    return code;
}

static uint64_t limit_of(uint64_t set, uint64_t otherwise)
{
    return set != 0 ? set : otherwise;
}

ps_code ps_matcher_new(const ps_matcher_options *options, ps_matcher **out, ps_error *err)
{
    ps_matcher *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return no_memory(err);
    }
    self->options = *options;
    self->spec = options->spec;
    self->query_count = options->spec->query_count;
    self->runs_max = limit_of(self->spec->runs_per_key_max, RUNS_PER_KEY);
    self->rows_per_run_max = limit_of(self->spec->rows_per_run_max, ROWS_PER_RUN);
    self->rows_per_key_max = limit_of(self->spec->rows_per_key_max, ROWS_PER_KEY);
    self->finder.pattern_name = self->spec->base.name;
    ps_code code = build(self, err);
    if (code != PS_OK) {
        ps_matcher_free(self);
        return code;
    }
    *out = self;
    return PS_OK;
}

void ps_matcher_free(ps_matcher *self)
{
    if (self == NULL) {
        return;
    }
    for (uint32_t q = 0; self->queries != NULL && q < self->query_count; q++) {
        ps_cep_compiled_release(&self->queries[q].compiled);
    }
    ps_row_scan_free(self->scan);
    ps_cep_bench_release(&self->bench);
    ps_cep_finder_release(&self->finder);
    free(self);
}

const ps_cep_compiled *ps_matcher_query(const ps_matcher *self, uint32_t query)
{
    return &self->queries[query].compiled;
}
ps_match_rows *ps_matcher_rows(ps_matcher *self)
{
    return &self->rows;
}
ps_heap *ps_matcher_heap(ps_matcher *self)
{
    return &self->heap;
}
uint64_t ps_matcher_evicted(const ps_matcher *self)
{
    return self->root->evicted;
}
bool ps_matcher_bounds_steps(const ps_matcher *self)
{
    return self->bounds_steps;
}
