#include "cep/matcher.h"

#include <stdlib.h>

#include "cep/condition_split.h"
#include "cep/row_scan.h"

/* WAYS_MAX: edges that one run may follow with one row. Optional stages in optional groups double
 * them. */
enum { RUNS_PER_KEY = 10000, ROWS_PER_RUN = 100000, ROWS_PER_KEY = 10000000, WAYS_MAX = 65536 };

/* The matcher's scalars in the state. */
typedef struct {
    uint64_t next_number; /* of a row */
    uint64_t evicted;
} matcher_root;

typedef struct {
    uint32_t source; /* the state that has the edge */
    const ps_cep_edge *edge;
} found_edge;

/* Which queries a row may begin a run of. */
typedef struct {
    uint32_t count;
    uint32_t *queries;
} query_list;

struct ps_matcher {
    ps_matcher_options options;
    const ps_match_spec *spec;
    ps_match_rows rows;
    ps_heap heap;
    matcher_root *root;
    ps_cep_bench bench;
    uint32_t query_count;
    ps_cep_compiled *queries;
    bool bounds_steps;
    ps_row_scan *scan; /* conditions over rows alone */
    uint32_t mask_words;
    uint64_t *start_bits; /* with starters */
    bool reads_zero;      /* columns of a row may be looked at that no condition holds for */
    query_list *starters; /* per bit: queries whose first row must have it */
    query_list any_row;   /* queries that need no bit */
    uint32_t *tried;      /* per query: the number of the last row that tried to begin it */
    uint32_t try_number;
    /* a walk over one run's edges */
    found_edge *found;
    uint32_t found_count, found_room;
    const ps_cep_state **stack;
    uint32_t stack_room;
};

/* Runs linked in order. */
typedef struct {
    uint32_t first, last, count;
} run_list;

static ps_code no_memory(ps_error *err)
{
    return ps_error_set(err, PS_E_MEMORY, "no memory for a pattern");
}

static ps_cep_node *node_at(const ps_matcher *self, uint32_t ref)
{
    return ps_cep_node_at(&self->heap, ref);
}
static ps_cep_run *run_at(const ps_matcher *self, uint32_t ref)
{
    return ps_cep_run_at(&self->heap, ref);
}
static ps_cep_run *touch_run(ps_matcher *self, uint32_t ref)
{
    ps_heap_touch(&self->heap, ref, sizeof(ps_cep_run));
    return run_at(self, ref);
}
static ps_cep_node *touch_node(ps_matcher *self, uint32_t ref)
{
    ps_heap_touch(&self->heap, ref, sizeof(ps_cep_node));
    return node_at(self, ref);
}
static ps_cep_row *row_at(const ps_matcher *self, uint32_t ref)
{
    return ps_cep_row_at(&self->rows, ref);
}
static ps_cep_row *touch_row(ps_matcher *self, uint32_t ref)
{
    return ps_cep_row_touch(&self->rows, ref);
}
static char *carried_of(ps_cep_run *run)
{
    return (char *)(run + 1);
}

/* ── references ── */

static void release_row(ps_matcher *self, uint32_t ref)
{
    ps_match_row_drop(&self->rows, ref);
}

static void release_node(ps_matcher *self, uint32_t ref)
{
    while (ref != 0 && --touch_node(self, ref)->refs == 0) {
        uint32_t parent = node_at(self, ref)->parent;
        release_row(self, node_at(self, ref)->row);
        ps_heap_give(&self->heap, ref, sizeof(ps_cep_node));
        ref = parent;
    }
}

static uint32_t run_size(const ps_cep_compiled *query)
{
    return (uint32_t)sizeof(ps_cep_run) + query->carried_size;
}

static void release_run(ps_matcher *self, const ps_cep_compiled *query, uint32_t ref)
{
    release_node(self, run_at(self, ref)->node);
    ps_heap_give(&self->heap, ref, run_size(query));
}

/* A chain one row longer; nobody refers to it yet. */
static ps_code new_node(ps_matcher *self, uint32_t parent, uint32_t row, uint32_t variable,
                        uint32_t *out, ps_error *err)
{
    ps_code code = ps_heap_take(&self->heap, sizeof(ps_cep_node), out, err);
    if (code == PS_OK) {
        *node_at(self, *out) = (ps_cep_node){.parent = parent, .row = row, .variable = variable};
        touch_row(self, row)->refs++;
        if (parent != 0) {
            touch_node(self, parent)->refs++;
        }
    }
    return code;
}

/* ── lists of runs ── */

static bool starts_after(const ps_cep_run *a, const ps_cep_run *b)
{
    return a->start_time != b->start_time ? a->start_time > b->start_time
                                          : a->start_number > b->start_number;
}

/* Behind all that start no later. Rows in order of time: always at the end. */
static void list_insert(ps_matcher *self, run_list *list, uint32_t ref)
{
    ps_cep_run *run = touch_run(self, ref);
    uint32_t after = list->last;
    if (after != 0 && starts_after(run_at(self, after), run)) {
        after = 0;
        uint32_t at = list->first;
        while (at != 0 && !starts_after(run_at(self, at), run)) {
            after = at;
            at = run_at(self, at)->next;
        }
    }
    run->next = after != 0 ? run_at(self, after)->next : list->first;
    if (after != 0) {
        touch_run(self, after)->next = ref;
    } else {
        list->first = ref;
    }
    if (run->next == 0) {
        list->last = ref;
    }
    list->count++;
}

static uint32_t list_take_first(const ps_matcher *self, run_list *list)
{
    uint32_t ref = list->first;
    list->first = run_at(self, ref)->next;
    list->last = list->first == 0 ? 0 : list->last;
    list->count--;
    return ref;
}

static void release_list(ps_matcher *self, const ps_cep_compiled *query, run_list *list)
{
    while (list->first != 0) {
        release_run(self, query, list_take_first(self, list));
    }
}

/* ── emitting ── */

static ps_code emit(ps_matcher *self, const ps_cep_compiled *query, uint32_t node,
                    const int64_t *timeout, ps_error *err)
{
    const ps_cep_found found = {
        .query = (uint32_t)(query - self->queries),
        .node = node,
        .is_timeout = timeout != NULL,
        .timeout = timeout != NULL ? *timeout : 0,
    };
    bool is_wanted = timeout != NULL ? query->query->emits_timeouts : query->query->emits_matches;
    return is_wanted ? self->options.emit(self->options.with, &found, err) : PS_OK;
}

/* Rows are compared by time and number: a run whose start is this or earlier is pruned … */
typedef struct {
    int64_t time;
    uint64_t number;
    bool with_equal; /* … equal ones only when this holds */
    bool prunes;
} pruning;

static void prune_from(pruning *cut, const ps_cep_row *row, bool with_equal)
{
    *cut = (pruning){row->time, row->number, with_equal, true};
}

static const char *variable_name(const ps_cep_pattern *pattern, uint32_t variable, int *out_size)
{
    *out_size = (int)pattern->variables[variable].size;
    return pattern->variables[variable].data;
}

/* The row of TO FIRST or TO LAST; 0: the match has none. */
static uint32_t skip_target(const ps_matcher *self, const ps_cep_pattern *pattern, uint32_t node)
{
    uint32_t row = 0;
    for (; node != 0; node = node_at(self, node)->parent) {
        if (node_at(self, node)->variable != pattern->skip_variable) {
            continue;
        }
        row = node_at(self, node)->row;
        if (pattern->skip == PS_CEP_SKIP_TO_LAST) {
            break;
        }
    }
    return row;
}

static ps_code cut_at_target(ps_matcher *self, const ps_cep_pattern *pattern,
                             const ps_cep_run *done, pruning *cut, ps_error *err)
{
    uint32_t target = skip_target(self, pattern, done->node);
    int size;
    const char *name = variable_name(pattern, pattern->skip_variable, &size);
    if (target != 0) {
        prune_from(cut, row_at(self, target), false);
    }
    if (!pattern->skip_must_hit) {
        return PS_OK;
    }
    if (target == 0) {
        return ps_error_set(err, PS_E_INVALID,
                            "a match has no row of %.*s, where AFTER MATCH wants to skip to", size,
                            name);
    }
    bool is_start = cut->time == done->start_time && cut->number == done->start_number;
    return is_start ? ps_error_set(err, PS_E_INVALID,
                                   "AFTER MATCH cannot skip to %.*s: it is the match's first row, "
                                   "which would match again for ever",
                                   size, name)
                    : PS_OK;
}

static ps_code cut_of(ps_matcher *self, const ps_cep_pattern *pattern, const ps_cep_run *done,
                      pruning *cut, ps_error *err)
{
    *cut = (pruning){0};
    switch (pattern->skip) {
    case PS_CEP_NO_SKIP:
        return PS_OK;
    case PS_CEP_SKIP_TO_NEXT:
        *cut = (pruning){done->start_time, done->start_number, true, true};
        return PS_OK;
    case PS_CEP_SKIP_PAST_LAST: {
        /* the newest row of the match; rows out of order of time are of standalone matchers */
        const ps_cep_row *newest = row_at(self, node_at(self, done->node)->row);
        for (uint32_t node = done->node; node != 0; node = node_at(self, node)->parent) {
            const ps_cep_row *row = row_at(self, node_at(self, node)->row);
            newest = row->time > newest->time ? row : newest;
        }
        prune_from(cut, newest, true);
        return PS_OK;
    }
    case PS_CEP_SKIP_TO_FIRST:
    case PS_CEP_SKIP_TO_LAST:
        return cut_at_target(self, pattern, done, cut, err);
    }
    return PS_OK;
}

static bool is_pruned(const ps_cep_run *run, const pruning *cut)
{
    if (run->start_time != cut->time) {
        return run->start_time < cut->time;
    }
    return cut->with_equal ? run->start_number <= cut->number : run->start_number < cut->number;
}

/* The lists are in order of start: what is pruned stands in front. */
static void prune(ps_matcher *self, const ps_cep_compiled *query, run_list *list,
                  const pruning *cut)
{
    while (cut->prunes && list->first != 0 && is_pruned(run_at(self, list->first), cut)) {
        release_run(self, query, list_take_first(self, list));
    }
}

/* Complete matches that no earlier run holds up go out; each prunes what its skip rule says. */
static ps_code settle(ps_matcher *self, const ps_cep_compiled *query, run_list *live,
                      run_list *done, ps_error *err)
{
    const ps_cep_pattern *pattern = query->query->pattern;
    ps_code code = PS_OK;
    while (code == PS_OK && done->first != 0) {
        if (pattern->skip != PS_CEP_NO_SKIP && live->first != 0 &&
            starts_after(run_at(self, done->first), run_at(self, live->first))) {
            break;
        }
        uint32_t ref = list_take_first(self, done);
        pruning cut;
        code = cut_of(self, pattern, run_at(self, ref), &cut, err);
        if (code == PS_OK) {
            code = emit(self, query, run_at(self, ref)->node, NULL, err);
            prune(self, query, live, &cut);
            prune(self, query, done, &cut);
        }
        release_run(self, query, ref);
    }
    return code;
}

/* ── one run and one row ── */

static ps_code too_many_ways(const ps_matcher *self, ps_error *err)
{
    return ps_error_set(err, PS_E_LIMIT,
                        "a row could go on in more than %d ways in a partial match of %s: fewer "
                        "optional stages inside one another",
                        WAYS_MAX, self->spec->base.name);
}

static ps_code push_found(ps_matcher *self, uint32_t source, const ps_cep_edge *edge, ps_error *err)
{
    if (self->found_count == WAYS_MAX) {
        return too_many_ways(self, err);
    }
    if (self->found_count == self->found_room) {
        uint32_t room = self->found_room == 0 ? 16 : self->found_room * 2;
        found_edge *larger = realloc(self->found, room * sizeof *larger);
        if (larger == NULL) {
            return no_memory(err);
        }
        self->found = larger;
        self->found_room = room;
    }
    self->found[self->found_count++] = (found_edge){source, edge};
    return PS_OK;
}

static ps_code push_state(ps_matcher *self, uint32_t depth, const ps_cep_state *state,
                          ps_error *err)
{
    if (depth == WAYS_MAX) {
        return too_many_ways(self, err);
    }
    if (depth == self->stack_room) {
        uint32_t room = self->stack_room == 0 ? 16 : self->stack_room * 2;
        const ps_cep_state **larger = realloc(self->stack, room * sizeof *larger);
        if (larger == NULL) {
            return no_memory(err);
        }
        self->stack = larger;
        self->stack_room = room;
    }
    self->stack[depth] = state;
    return PS_OK;
}

/* The TAKE and IGNORE edges that hold, over PROCEED edges that hold, in the order of §14.5. */
static ps_code find_edges(ps_matcher *self, const ps_cep_compiled *query, const ps_cep_state *from,
                          const ps_cep_sight *sight, ps_error *err)
{
    self->found_count = 0;
    uint32_t depth = 0;
    ps_code code = push_state(self, depth++, from, err);
    while (code == PS_OK && depth > 0) {
        const ps_cep_state *state = self->stack[--depth];
        for (uint32_t i = 0; code == PS_OK && i < state->edge_count; i++) {
            const ps_cep_edge *edge = &state->edges[i];
            bool holds;
            code = ps_cep_guard_holds(query, &edge->guard, sight, &holds, err);
            if (code != PS_OK || !holds) {
                continue;
            }
            code = edge->action == PS_CEP_PROCEED ? push_state(self, depth++, edge->target, err)
                                                  : push_found(self, state->number, edge, err);
        }
    }
    return code;
}

/* The end can be reached from there without a further row. */
static ps_code reaches_final(ps_matcher *self, const ps_cep_compiled *query,
                             const ps_cep_state *from, const ps_cep_sight *sight, bool *out,
                             ps_error *err)
{
    *out = false;
    uint32_t depth = 0;
    ps_code code = push_state(self, depth++, from, err);
    while (code == PS_OK && depth > 0) {
        const ps_cep_state *state = self->stack[--depth];
        for (uint32_t i = 0; code == PS_OK && i < state->edge_count; i++) {
            const ps_cep_edge *edge = &state->edges[i];
            bool holds = false;
            if (edge->action == PS_CEP_PROCEED) {
                code = ps_cep_guard_holds(query, &edge->guard, sight, &holds, err);
            }
            if (code != PS_OK || !holds) {
                continue;
            }
            if (edge->target->kind == PS_CEP_STATE_FINAL) {
                *out = true;
                return PS_OK;
            }
            code = push_state(self, depth++, edge->target, err);
        }
    }
    return code;
}

/* What a row makes of the runs of one query and key. */
typedef struct {
    const ps_cep_compiled *query;
    uint32_t row;
    run_list live; /* as they will be */
    run_list done; /* complete */
} step;

/* A run that goes on from `from` (NULL: from the start) in another state, with that last node. */
static ps_code new_run(ps_matcher *self, const step *s, const ps_cep_run *from,
                       const ps_cep_state *state, uint32_t node, uint32_t *out, ps_error *err)
{
    uint32_t size = run_size(s->query);
    ps_code code = ps_heap_take(&self->heap, size, out, err);
    if (code != PS_OK) {
        return code;
    }
    ps_cep_run *run = run_at(self, *out);
    if (from != NULL) {
        memcpy(run, from, size);
    } else {
        const ps_cep_row *row = row_at(self, s->row);
        memset(run, 0, size);
        run->start_time = row->time;
        run->start_number = row->number;
    }
    run->next = 0;
    run->state = state->number;
    run->node = node;
    touch_node(self, node)->refs++;
    return PS_OK;
}

static ps_code check_length(const ps_matcher *self, const step *s, uint32_t length, ps_error *err)
{
    uint64_t max = self->spec->rows_per_run_max != 0 ? self->spec->rows_per_run_max : ROWS_PER_RUN;
    if (length <= max) {
        return PS_OK;
    }
    (void)s;
    return ps_error_set(err, PS_E_LIMIT,
                        "a partial match of %s has more than %llu rows: bound the pattern or raise "
                        "paystream.match.rows-per-run",
                        self->spec->base.name, (unsigned long long)max);
}

/* The row joins: one run further on, and a complete one where the end can be reached. */
static ps_code take_edge(ps_matcher *self, step *s, const ps_cep_run *from, const found_edge *found,
                         run_list *retained, run_list *finals, ps_error *err)
{
    const ps_cep_state *source = s->query->automaton->states[found->source];
    const ps_cep_state *target = found->edge->target;
    uint32_t node, made;
    ps_code code =
        new_node(self, from != NULL ? from->node : 0, s->row, source->variable, &node, err);
    if (code != PS_OK) {
        return code;
    }
    code = new_run(self, s, from, target, node, &made, err);
    if (code != PS_OK) {
        return code;
    }
    ps_cep_run *run = run_at(self, made);
    run->previous_time = row_at(self, s->row)->time;
    run->length++;
    code = check_length(self, s, run->length, err);
    if (code == PS_OK) {
        code = ps_cep_carry(s->query, source->variable, s->row, carried_of(run), err);
    }
    list_insert(self, target->kind == PS_CEP_STATE_FINAL ? finals : retained, made);
    if (code != PS_OK || target->kind == PS_CEP_STATE_FINAL) {
        return code;
    }
    const ps_cep_sight sight = {
        .node = from != NULL ? from->node : 0,
        .carried = from != NULL ? (const char *)(from + 1) : NULL,
        .row = s->row,
    };
    bool is_final;
    code = reaches_final(self, s->query, target, &sight, &is_final, err);
    if (code == PS_OK && is_final) {
        code = new_run(self, s, run_at(self, made), target, node, &made, err);
        if (code == PS_OK) {
            list_insert(self, finals, made);
        }
    }
    return code;
}

static void append_list(ps_matcher *self, run_list *to, run_list *from)
{
    while (from->first != 0) {
        list_insert(self, to, list_take_first(self, from));
    }
}

/* The successors of a run (0: of the start, which stays) into s->live and s->done. Releases it. */
static ps_code step_run(ps_matcher *self, step *s, uint32_t ref, ps_error *err)
{
    const ps_cep_automaton *automaton = s->query->automaton;
    ps_cep_run *run = ref != 0 ? run_at(self, ref) : NULL;
    const ps_cep_sight sight = {
        .node = run != NULL ? run->node : 0,
        .carried = run != NULL ? carried_of(run) : NULL,
        .row = s->row,
    };
    ps_cep_ask(&self->bench);
    const ps_cep_state *state = run != NULL ? automaton->states[run->state] : automaton->start;
    ps_code code = find_edges(self, s->query, state, &sight, err);
    run_list retained = {0}, finals = {0};
    bool is_stopped = false, is_reused = false;
    for (uint32_t i = 0; code == PS_OK && i < self->found_count; i++) {
        const found_edge found = self->found[i];
        const ps_cep_state *target = found.edge->target;
        if (target->kind == PS_CEP_STATE_STOP) {
            is_stopped = true;
        } else if (found.edge->action == PS_CEP_TAKE) {
            code = take_edge(self, s, run, &found, &retained, &finals, err);
        } else if (run != NULL) {
            uint32_t made = ref;
            if (is_reused || i + 1 < self->found_count) {
                code = new_run(self, s, run, target, run->node, &made, err);
            } else {
                is_reused = true; /* the last edge: nobody needs the old run any more */
                touch_run(self, ref)->state = target->number;
            }
            if (code == PS_OK) {
                list_insert(self, target->kind == PS_CEP_STATE_FINAL ? &finals : &retained, made);
            }
        }
    }
    if (ref != 0 && !is_reused) {
        release_run(self, s->query, ref);
    }
    if (is_stopped) {
        release_list(self, s->query, &retained);
    }
    append_list(self, &s->live, &retained);
    append_list(self, &s->done, &finals);
    return code;
}

/* ── the runs of one query and key ── */

static uint64_t runs_max(const ps_matcher *self)
{
    return self->spec->runs_per_key_max != 0 ? self->spec->runs_per_key_max : RUNS_PER_KEY;
}

static ps_code check_runs(ps_matcher *self, step *s, ps_error *err)
{
    if (s->live.count <= runs_max(self)) {
        return PS_OK;
    }
    if (!self->spec->evicts) {
        return ps_error_set(err, PS_E_LIMIT,
                            "%s has more than %llu partial matches for one key: bound the pattern "
                            "(WITHIN) or raise paystream.match.runs-per-key",
                            self->spec->base.name, (unsigned long long)runs_max(self));
    }
    ps_store_touch_root(self->options.context->store);
    while (s->live.count > runs_max(self)) {
        release_run(self, s->query, list_take_first(self, &s->live));
        self->root->evicted++;
    }
    return PS_OK;
}

/* Runs of one key that began at different rows share none of their chains: `held` rows are in the
 * runs of before this row. */
static ps_code check_held(ps_matcher *self, step *s, uint64_t held, ps_error *err)
{
    uint64_t max = self->spec->rows_per_key_max != 0 ? self->spec->rows_per_key_max : ROWS_PER_KEY;
    if (held <= max) {
        return PS_OK;
    }
    if (!self->spec->evicts) {
        return ps_error_set(err, PS_E_LIMIT,
                            "the partial matches of one key of %s hold more than %llu rows: bound "
                            "the pattern (WITHIN) or raise paystream.match.rows-per-key",
                            self->spec->base.name, (unsigned long long)max);
    }
    ps_store_touch_root(self->options.context->store);
    while (held > max && s->live.first != 0) {
        uint32_t length = run_at(self, s->live.first)->length;
        held -= length < held ? length : held;
        release_run(self, s->query, list_take_first(self, &s->live));
        self->root->evicted++;
    }
    return PS_OK;
}

/* The next runs of the list, whose conditions will be evaluated together. */
static void gather_chunk(ps_matcher *self, uint32_t ref, uint32_t row)
{
    uint32_t count = 0;
    for (; ref != 0 && count < PS_CEP_CHUNK; ref = run_at(self, ref)->next) {
        ps_cep_run *run = run_at(self, ref);
        self->bench.chunk.sights[count++] = (ps_cep_sight){run->node, carried_of(run), row};
    }
    ps_cep_begin_chunk(&self->bench, count);
}

static ps_code process_query(ps_matcher *self, ps_cep_active *active, uint32_t row, ps_error *err)
{
    step s = {.query = &self->queries[active->query], .row = row};
    run_list waiting = {.first = active->done};
    uint32_t ref = active->first;
    uint64_t held = 0;
    ps_code code = PS_OK;
    for (uint32_t at = 0; code == PS_OK && ref != 0; at = (at + 1) % PS_CEP_CHUNK) {
        if (at == 0 && s.query->looks_back) {
            gather_chunk(self, ref, row);
        }
        self->bench.chunk.at = at;
        uint32_t next = run_at(self, ref)->next;
        held += run_at(self, ref)->length;
        code = step_run(self, &s, ref, err);
        code = code == PS_OK ? check_runs(self, &s, err) : code;
        ref = next;
    }
    ps_cep_begin_chunk(&self->bench, 0);
    if (code == PS_OK) {
        code = step_run(self, &s, 0, err);
    }
    if (code == PS_OK) {
        code = check_runs(self, &s, err);
        code = code == PS_OK ? check_held(self, &s, held, err) : code;
    }
    for (uint32_t at = waiting.first; at != 0; at = run_at(self, at)->next) {
        waiting.last = at;
        waiting.count++;
    }
    append_list(self, &waiting, &s.done);
    if (code == PS_OK) {
        code = settle(self, s.query, &s.live, &waiting, err);
    }
    active->first = s.live.first;
    active->last = s.live.last;
    active->run_count = s.live.count;
    active->done = waiting.first;
    return code;
}

static int64_t later(int64_t base, int64_t bound)
{
    int64_t sum;
    return __builtin_add_overflow(base, bound, &sum) ? INT64_MAX : sum;
}

/* When the run's time is up, looked at when it is `time`; INT64_MAX: never. When both bounds have
 * passed the one since the row before counts (SEMANTICS §14.7). */
static int64_t death_of(const ps_cep_compiled *query, const ps_cep_run *run, int64_t time)
{
    const ps_cep_automaton *automaton = query->automaton;
    int64_t by_start =
        automaton->window_ms > 0 ? later(run->start_time, automaton->window_ms) : INT64_MAX;
    int64_t bound = automaton->states[run->state]->within_ms;
    int64_t by_previous = bound > 0 ? later(run->previous_time, bound) : INT64_MAX;
    return (bound > 0 && by_previous <= time) || by_previous < by_start ? by_previous : by_start;
}

static ps_code advance_query(ps_matcher *self, ps_cep_active *active, int64_t time, ps_error *err)
{
    const ps_cep_compiled *query = &self->queries[active->query];
    run_list live = {0}, done = {.first = active->done}, pending = {0};
    for (uint32_t at = done.first; at != 0; at = run_at(self, at)->next) {
        done.last = at;
        done.count++;
    }
    ps_code code = PS_OK;
    uint32_t ref = active->first;
    while (ref != 0) {
        uint32_t next = run_at(self, ref)->next;
        const ps_cep_run *run = run_at(self, ref);
        int64_t death = death_of(query, run, time);
        if (death == INT64_MAX || time < death) {
            list_insert(self, &live, ref);
        } else if (query->automaton->states[run->state]->kind == PS_CEP_STATE_PENDING) {
            list_insert(self, &pending, ref);
        } else {
            code = code == PS_OK ? emit(self, query, run->node, &death, err) : code;
            release_run(self, query, ref);
        }
        ref = next;
    }
    append_list(self, &done, &pending);
    if (code == PS_OK) {
        code = settle(self, query, &live, &done, err);
    }
    active->first = live.first;
    active->last = live.last;
    active->run_count = live.count;
    active->done = done.first;
    return code;
}

/* Some run dies by then. */
static bool is_due(const ps_matcher *self, const ps_cep_active *active, int64_t time)
{
    const ps_cep_compiled *query = &self->queries[active->query];
    if (active->first == 0) {
        return false;
    }
    if (self->bounds_steps) {
        return true;
    }
    int64_t death = death_of(query, run_at(self, active->first), time);
    return death != INT64_MAX && time >= death;
}

/* ── keys ── */

static bool is_idle(const ps_cep_active *active)
{
    return active->first == 0 && active->done == 0 && active->deadline == PS_CEP_NO_DEADLINE;
}

/* Asks for the end of the first run's window, unless that was done. */
static ps_code ask_deadline(ps_matcher *self, uint32_t ref, ps_error *err)
{
    ps_cep_active *active = ps_cep_active_at(&self->heap, ref);
    int64_t window = self->queries[active->query].automaton->window_ms;
    if (self->options.ask == NULL || window == 0 || active->first == 0 ||
        active->deadline != PS_CEP_NO_DEADLINE) {
        return PS_OK;
    }
    int64_t deadline = later(run_at(self, active->first)->start_time, window);
    if (deadline == INT64_MAX) {
        return PS_OK;
    }
    ps_heap_touch(&self->heap, ref, sizeof *active);
    active->deadline = deadline;
    return self->options.ask(self->options.with, ref, deadline, err);
}

/* Unlinks and frees it; `link` is what leads to it. */
static void drop_active(ps_matcher *self, ps_cep_key *key, uint32_t ref)
{
    uint32_t next = ps_cep_active_at(&self->heap, ref)->next;
    if (key->actives == ref) {
        key->actives = next;
    } else {
        uint32_t at = key->actives;
        while (ps_cep_active_at(&self->heap, at)->next != ref) {
            at = ps_cep_active_at(&self->heap, at)->next;
        }
        ps_heap_touch(&self->heap, at, sizeof(ps_cep_active));
        ps_cep_active_at(&self->heap, at)->next = next;
    }
    ps_heap_give(&self->heap, ref, sizeof(ps_cep_active));
}

static ps_code settle_active(ps_matcher *self, ps_cep_key *key, uint32_t ref, ps_error *err)
{
    if (is_idle(ps_cep_active_at(&self->heap, ref))) {
        drop_active(self, key, ref);
        return PS_OK;
    }
    return ask_deadline(self, ref, err);
}

static ps_code process_active(ps_matcher *self, ps_cep_key *key, uint32_t ref, uint32_t row,
                              ps_error *err)
{
    ps_heap_touch(&self->heap, ref, sizeof(ps_cep_active));
    ps_cep_active *active = ps_cep_active_at(&self->heap, ref);
    int64_t time = row_at(self, row)->time;
    ps_code code = is_due(self, active, time) ? advance_query(self, active, time, err) : PS_OK;
    if (code == PS_OK) {
        code = process_query(self, active, row, err);
    }
    return code == PS_OK ? settle_active(self, key, ref, err) : code;
}

/* The query has no runs for the key: the row may begin one. */
static ps_code begin_query(ps_matcher *self, ps_cep_key *key, uint32_t key_entry, uint32_t query,
                           uint32_t row, ps_error *err)
{
    if (self->tried[query] == self->try_number) {
        return PS_OK;
    }
    self->tried[query] = self->try_number;
    ps_cep_active fresh = {
        .query = query, .key = key_entry, .deadline = PS_CEP_NO_DEADLINE, .next = key->actives};
    ps_code code = process_query(self, &fresh, row, err);
    if (code != PS_OK || (fresh.first == 0 && fresh.done == 0)) {
        return code;
    }
    uint32_t ref;
    code = ps_heap_take(&self->heap, sizeof fresh, &ref, err);
    if (code == PS_OK) {
        *ps_cep_active_at(&self->heap, ref) = fresh;
        key->actives = ref;
        code = ask_deadline(self, ref, err);
    }
    return code;
}

static ps_code begin_queries(ps_matcher *self, ps_cep_key *key, uint32_t key_entry, uint32_t row,
                             ps_error *err)
{
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < self->any_row.count; i++) {
        code = begin_query(self, key, key_entry, self->any_row.queries[i], row, err);
    }
    for (uint32_t word = 0; word < self->mask_words; word++) {
        uint64_t left = ps_cep_row_mask(&self->rows, row)[word];
        for (; code == PS_OK && left != 0; left &= left - 1) {
            const query_list *list = &self->starters[word * 64 + (uint32_t)__builtin_ctzll(left)];
            for (uint32_t i = 0; code == PS_OK && i < list->count; i++) {
                code = begin_query(self, key, key_entry, list->queries[i], row, err);
            }
        }
    }
    return code;
}

ps_code ps_matcher_process(ps_matcher *self, ps_cep_key *key, uint32_t key_entry, uint32_t row,
                           ps_error *err)
{
    ps_store_touch_root(self->options.context->store);
    touch_row(self, row)->number = ++self->root->next_number;
    self->bench.loaded = 0;
    self->try_number++;
    ps_code code = PS_OK;
    uint32_t ref = key->actives;
    while (code == PS_OK && ref != 0) {
        uint32_t next = ps_cep_active_at(&self->heap, ref)->next;
        self->tried[ps_cep_active_at(&self->heap, ref)->query] = self->try_number;
        code = process_active(self, key, ref, row, err);
        ref = next;
    }
    if (code == PS_OK) {
        code = begin_queries(self, key, key_entry, row, err);
    }
    release_row(self, row);
    return code;
}

ps_code ps_matcher_advance(ps_matcher *self, ps_cep_key *key, int64_t time, ps_error *err)
{
    self->bench.loaded = 0;
    ps_code code = PS_OK;
    uint32_t ref = key->actives;
    while (code == PS_OK && ref != 0) {
        uint32_t next = ps_cep_active_at(&self->heap, ref)->next;
        if (is_due(self, ps_cep_active_at(&self->heap, ref), time)) {
            ps_heap_touch(&self->heap, ref, sizeof(ps_cep_active));
            code = advance_query(self, ps_cep_active_at(&self->heap, ref), time, err);
            code = code == PS_OK ? settle_active(self, key, ref, err) : code;
        }
        ref = next;
    }
    return code;
}

ps_code ps_matcher_expire(ps_matcher *self, ps_cep_key *key, uint32_t ref, int64_t time,
                          ps_error *err)
{
    self->bench.loaded = 0;
    ps_heap_touch(&self->heap, ref, sizeof(ps_cep_active));
    ps_cep_active *active = ps_cep_active_at(&self->heap, ref);
    active->deadline = PS_CEP_NO_DEADLINE;
    ps_code code = is_due(self, active, time) ? advance_query(self, active, time, err) : PS_OK;
    return code == PS_OK ? settle_active(self, key, ref, err) : code;
}

/* ── rows ── */

ps_code ps_matcher_scan(ps_matcher *self, const ps_batch *batch, uint32_t from, uint32_t to,
                        ps_error *err)
{
    return ps_row_scan_run(self->scan, batch, from, to, err);
}

static bool is_zero(const uint64_t *mask, uint32_t words)
{
    uint64_t any = 0;
    for (uint32_t i = 0; i < words; i++) {
        any |= mask[i];
    }
    return any == 0;
}

ps_code ps_matcher_keep(ps_matcher *self, const ps_batch *batch, uint32_t row, int64_t time,
                        ps_slice key, uint32_t *out_ref, ps_error *err)
{
    const uint64_t *mask = ps_row_scan_mask(self->scan, row);
    const ps_match_row_source source = {
        .batch = batch,
        .row = row,
        .time = time,
        .mask = mask,
        .key = key,
        .keeps_columns = self->reads_zero || !is_zero(mask, self->mask_words),
    };
    return ps_match_rows_add(&self->rows, &source, out_ref, err);
}

bool ps_matcher_may_start(const ps_matcher *self, uint32_t row)
{
    const uint64_t *mask = ps_cep_row_mask(&self->rows, row);
    uint64_t starts = self->any_row.count;
    for (uint32_t i = 0; i < self->mask_words; i++) {
        starts |= mask[i] & self->start_bits[i];
    }
    return starts != 0;
}

void ps_matcher_drop(ps_matcher *self, uint32_t row)
{
    release_row(self, row);
}

/* ── set-up ── */

/* What of the condition is asked of the row alone, and what is left. */
static ps_code divide(ps_matcher *self, uint32_t query, ps_cep_test *test, ps_error *err)
{
    const ps_cep_condition *condition = test->condition;
    test->bit = PS_CEP_NO_BIT;
    if (condition->test == NULL) {
        test->looks_back = condition->looks_back;
        return test->looks_back ? PS_OK
                                : ps_row_scan_add_function(self->scan, condition,
                                                           &self->queries[query], &test->bit, err);
    }
    const ps_expr *of_row;
    ps_code code =
        ps_cep_condition_split(self->options.context->expressions, condition,
                               self->spec->input->field_count, &of_row, &test->rest, err);
    test->looks_back = code == PS_OK && test->rest != NULL;
    return code == PS_OK && of_row != NULL ? ps_row_scan_add(self->scan, of_row, &test->bit, err)
                                           : code;
}

static ps_code list_query(ps_arena *arena, query_list *list, uint32_t query, uint32_t query_count,
                          ps_error *err)
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

/* Notes which rows can begin a run: over the TAKE edges that PROCEED edges lead to. */
static ps_code note_starts(ps_matcher *self, uint32_t query, const ps_cep_automaton *automaton,
                           const ps_cep_test *tests, ps_error *err)
{
    ps_arena *arena = self->options.context->arena;
    bool *is_seen = ps_arena_take(arena, automaton->state_count);
    if (is_seen == NULL) {
        return no_memory(err);
    }
    uint32_t depth = 0;
    ps_code code = push_state(self, depth++, automaton->start, err);
    is_seen[automaton->start->number] = true;
    while (code == PS_OK && depth > 0) {
        const ps_cep_state *state = self->stack[--depth];
        for (uint32_t i = 0; code == PS_OK && i < state->edge_count; i++) {
            const ps_cep_edge *edge = &state->edges[i];
            if (edge->action == PS_CEP_TAKE) {
                uint32_t bit = needed_bit(&edge->guard, tests);
                query_list *list = bit != PS_CEP_NO_BIT ? &self->starters[bit] : &self->any_row;
                if (bit != PS_CEP_NO_BIT) {
                    self->start_bits[bit / 64] |= UINT64_C(1) << (bit % 64);
                }
                code = list_query(arena, list, query, self->query_count, err);
            } else if (edge->action == PS_CEP_PROCEED && !is_seen[edge->target->number]) {
                is_seen[edge->target->number] = true;
                code = push_state(self, depth++, edge->target, err);
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
    for (uint32_t c = 0; code == PS_OK && c < automaton->condition_count; c++) {
        up->tests[q][c].condition = automaton->conditions[c];
        code = divide(self, q, &up->tests[q][c], err);
    }
    return code;
}

static ps_code compile_queries(ps_matcher *self, set_up *up, ps_error *err)
{
    ps_arena *arena = self->options.context->arena;
    up->automata = ps_arena_take(arena, self->query_count * sizeof *up->automata);
    up->tests = ps_arena_take(arena, self->query_count * sizeof *up->tests);
    self->tried = ps_arena_take(arena, self->query_count * sizeof *self->tried);
    self->queries = ps_arena_take(arena, self->query_count * sizeof *self->queries);
    if (up->automata == NULL || up->tests == NULL || self->tried == NULL || self->queries == NULL) {
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
    self->bench.rows = &self->rows;
    self->bench.heap = &self->heap;
    for (uint32_t q = 0; code == PS_OK && q < self->query_count; q++) {
        code = ps_cep_compiled_init(&self->queries[q], &self->bench, &self->spec->queries[q],
                                    up.automata[q], up.tests[q], err);
        if (code == PS_OK) {
            code = note_starts(self, q, up.automata[q], up.tests[q], err);
        }
    }
    return code;
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
        ps_cep_compiled_release(&self->queries[q]);
    }
    ps_row_scan_free(self->scan);
    ps_cep_bench_release(&self->bench);
    free(self->found);
    free(self->stack);
    free(self);
}

const ps_cep_compiled *ps_matcher_query(const ps_matcher *self, uint32_t query)
{
    return &self->queries[query];
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
