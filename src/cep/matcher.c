#include "cep/matcher_internal.h"

/* Runs linked in order. */
typedef struct {
    uint32_t first, last, count;
} run_list;

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

static const ps_cep_place *place_of(const ps_matcher *self, const ps_cep_run *run)
{
    return &self->places[run->state];
}

static ps_matcher_query_state *query_of(ps_matcher *self, const ps_cep_run *run)
{
    return &self->queries[place_of(self, run)->query];
}

static void release_run(ps_matcher *self, uint32_t ref)
{
    const ps_cep_run *run = run_at(self, ref);
    uint32_t size = query_of(self, run)->run_size;
    release_node(self, run->node);
    ps_heap_give(&self->heap, ref, size);
}

/* A chain one row longer, with one reference. */
static ps_code new_node(ps_matcher *self, uint32_t parent, uint32_t row, uint32_t variable,
                        uint32_t *out, ps_error *err)
{
    ps_code code = ps_heap_take(&self->heap, sizeof(ps_cep_node), out, err);
    if (code == PS_OK) {
        *node_at(self, *out) =
            (ps_cep_node){.parent = parent, .row = row, .refs = 1, .variable = variable};
        touch_row(self, row)->refs++;
        if (parent != 0) {
            touch_node(self, parent)->refs++;
        }
    }
    return code;
}

/* The same chain for all that take the row at hand so; with one reference for the caller. */
static ps_code node_of_row(ps_matcher *self, uint32_t parent, uint32_t row, uint32_t variable,
                           uint32_t *out, ps_error *err)
{
    for (uint32_t i = 0; i < self->fresh_count; i++) {
        ps_cep_node *node = node_at(self, self->fresh[i]);
        if (node->parent == parent && node->variable == variable) {
            *out = self->fresh[i];
            touch_node(self, *out)->refs++;
            return PS_OK;
        }
    }
    ps_code code = new_node(self, parent, row, variable, out, err);
    if (code == PS_OK && self->query_count > 1 && self->fresh_count < PS_CEP_FRESH_NODES) {
        self->fresh[self->fresh_count++] = *out;
        node_at(self, *out)->refs++;
    }
    return code;
}

static void forget_fresh(ps_matcher *self)
{
    while (self->fresh_count > 0) {
        release_node(self, self->fresh[--self->fresh_count]);
    }
}

/* ── lists of runs ── */

static bool starts_after(const ps_cep_run *a, const ps_cep_run *b)
{
    return a->start_time != b->start_time ? a->start_time > b->start_time
                                          : a->start_number > b->start_number;
}

static void set_next(ps_matcher *self, uint32_t ref, uint32_t next)
{
    if (run_at(self, ref)->next != next) {
        touch_run(self, ref)->next = next;
    }
}

static void list_append(ps_matcher *self, run_list *list, uint32_t ref)
{
    if (list->last != 0) {
        set_next(self, list->last, ref);
    } else {
        list->first = ref;
    }
    set_next(self, ref, 0);
    list->last = ref;
    list->count++;
}

/* Behind all that start no later. Rows in order of time: always at the end. */
static void list_insert(ps_matcher *self, run_list *list, uint32_t ref)
{
    const ps_cep_run *run = run_at(self, ref);
    if (list->last == 0 || !starts_after(run_at(self, list->last), run)) {
        list_append(self, list, ref);
        return;
    }
    uint32_t after = 0, before = list->first; /* the last starts later: there is one */
    while (!starts_after(run_at(self, before), run)) {
        after = before;
        before = run_at(self, before)->next;
    }
    set_next(self, ref, before);
    if (after != 0) {
        set_next(self, after, ref);
    } else {
        list->first = ref;
    }
    list->count++;
}

/* All of `more` behind all of the list. */
static void list_join(ps_matcher *self, run_list *list, const run_list *more)
{
    if (more->first == 0) {
        return;
    }
    if (list->last != 0) {
        set_next(self, list->last, more->first);
    } else {
        list->first = more->first;
    }
    list->last = more->last;
    list->count += more->count;
}

static uint32_t list_take_first(const ps_matcher *self, run_list *list)
{
    uint32_t ref = list->first;
    list->first = run_at(self, ref)->next;
    list->last = list->first == 0 ? 0 : list->last;
    list->count--;
    return ref;
}

static void release_list(ps_matcher *self, run_list *list)
{
    while (list->first != 0) {
        release_run(self, list_take_first(self, list));
    }
}

/* ── emitting ── */

static ps_code emit(ps_matcher *self, uint32_t query, uint32_t node, const int64_t *timeout,
                    ps_error *err)
{
    const ps_cep_query *asked = &self->spec->queries[query];
    const ps_cep_found found = {
        .query = query,
        .node = node,
        .is_timeout = timeout != NULL,
        .timeout = timeout != NULL ? *timeout : 0,
    };
    bool is_wanted = timeout != NULL ? asked->emits_timeouts : asked->emits_matches;
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
static void prune(ps_matcher *self, run_list *list, const pruning *cut)
{
    while (cut->prunes && list->first != 0 && is_pruned(run_at(self, list->first), cut)) {
        release_run(self, list_take_first(self, list));
    }
}

/* Complete matches that no earlier run holds up go out; each prunes what its skip rule says. */
static ps_code settle(ps_matcher *self, uint32_t query, run_list *live, run_list *done,
                      ps_error *err)
{
    const ps_cep_pattern *pattern = self->spec->queries[query].pattern;
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
            prune(self, live, &cut);
            prune(self, done, &cut);
        }
        release_run(self, ref);
    }
    return code;
}

/* ── one run and one row ── */

/* What a row makes of the runs of one query and key. */
typedef struct {
    uint32_t number; /* of the query */
    ps_matcher_query_state *query;
    uint32_t row;
    uint64_t bits; /* of the row, for the query */
    bool begins;   /* the row began a run */
    run_list live; /* as they will be */
    run_list done; /* complete */
    /* of the run at hand */
    ps_cep_sight sight;
    run_list *onto; /* where those go that go on */
} step;

/* A run that goes on from `from` (NULL: from the start) in another state, with that last node,
 * whose reference it takes over. */
static ps_code new_run(ps_matcher *self, const step *s, const ps_cep_run *from, uint32_t place,
                       uint32_t node, uint32_t *out, ps_error *err)
{
    uint32_t size = s->query->run_size;
    ps_code code = ps_heap_take(&self->heap, size, out, err);
    if (code != PS_OK) {
        release_node(self, node);
        return code;
    }
    ps_cep_run *run = run_at(self, *out);
    if (from != NULL) {
        memcpy(run, from, size);
    } else {
        const ps_cep_row *row = row_at(self, s->row);
        *run = (ps_cep_run){.start_time = row->time, .start_number = row->number};
        if (size > sizeof *run) {
            memset(carried_of(run), 0, size - sizeof *run);
        }
    }
    run->state = place;
    run->node = node;
    return PS_OK;
}

static ps_code too_long(const ps_matcher *self, ps_error *err)
{
    return ps_error_set(err, PS_E_LIMIT,
                        "a partial match of %s has more than %llu rows: bound the pattern or raise "
                        "paystream.match.rows-per-run",
                        self->spec->base.name, (unsigned long long)self->rows_per_run_max);
}

/* The row becomes the last of the run. */
static ps_code lengthen(ps_matcher *self, const step *s, ps_cep_run *run, uint32_t variable,
                        ps_error *err)
{
    run->previous_time = row_at(self, s->row)->time;
    run->length++;
    if (run->length > self->rows_per_run_max) {
        return too_long(self, err);
    }
    const ps_cep_compiled *compiled = &s->query->compiled;
    return compiled->carried_count > 0
               ? ps_cep_carry(compiled, variable, s->row, carried_of(run), err)
               : PS_OK;
}

static ps_code completes(ps_matcher *self, const step *s, const ps_cep_way *way, bool *out,
                         ps_error *err)
{
    *out = way->completion == PS_CEP_COMPLETES;
    return way->completion == PS_CEP_COMPLETES_ASKS
               ? ps_cep_ways_completes(&self->finder, &s->query->ways, way->target, &s->sight, out,
                                       err)
               : PS_OK;
}

/* The row joins: one run further on and a complete one where the end can be reached.
 * ref: the run before (0: the start); when it is not needed any more it is the one that goes on. */
static ps_code take_way(ps_matcher *self, step *s, uint32_t ref, const ps_cep_way *way,
                        bool is_needed, ps_error *err)
{
    ps_cep_run *from = ref != 0 ? run_at(self, ref) : NULL;
    uint32_t place = s->query->first_place + way->target->number, node, made = ref, complete;
    bool is_complete;
    ps_code code = completes(self, s, way, &is_complete, err);
    if (code == PS_OK) {
        code = node_of_row(self, s->sight.node, s->row, way->variable, &node, err);
    }
    if (code != PS_OK) {
        return code;
    }
    if (is_needed) {
        code = new_run(self, s, from, place, node, &made, err);
        if (code != PS_OK) {
            return code;
        }
    } else {
        release_node(self, from->node);
        touch_run(self, ref);
        from->state = place;
        from->node = node;
    }
    ps_cep_run *run = run_at(self, made);
    code = lengthen(self, s, run, way->variable, err);
    list_insert(self, way->target->kind == PS_CEP_STATE_FINAL ? &s->done : s->onto, made);
    if (code == PS_OK && is_complete) {
        touch_node(self, node)->refs++;
        code = new_run(self, s, run, s->query->final_place, node, &complete, err);
        if (code == PS_OK) {
            list_insert(self, &s->done, complete);
        }
    }
    return code;
}

/* The row is passed over. */
static ps_code ignore_way(ps_matcher *self, step *s, uint32_t ref, const ps_cep_way *way,
                          bool is_needed, ps_error *err)
{
    uint32_t place = s->query->first_place + way->target->number, made = ref;
    const ps_cep_run *from = run_at(self, ref);
    if (is_needed) {
        touch_node(self, from->node)->refs++;
        ps_code code = new_run(self, s, from, place, from->node, &made, err);
        if (code != PS_OK) {
            return code;
        }
    } else if (from->state != place) {
        touch_run(self, ref)->state = place;
    }
    list_insert(self, way->target->kind == PS_CEP_STATE_FINAL ? &s->done : s->onto, made);
    return PS_OK;
}

/* The successors of a run (0: of the start, which stays) into s->live and s->done. Releases it. */
static ps_code step_run(ps_matcher *self, step *s, uint32_t ref, ps_error *err)
{
    const ps_cep_run *run = ref != 0 ? run_at(self, ref) : NULL;
    const ps_cep_state *state =
        run != NULL ? place_of(self, run)->state : s->query->compiled.automaton->start;
    s->sight = (ps_cep_sight){
        .node = run != NULL ? run->node : 0,
        .carried = run != NULL ? (const char *)(run + 1) : NULL,
        .row = s->row,
    };
    ps_cep_way_list ways = {0};
    ps_code code =
        ps_cep_ways_find(&self->finder, &s->query->ways, state, s->bits, &s->sight, &ways, err);
    run_list stopped = {0};
    s->onto = ways.stops ? &stopped : &s->live;
    bool is_left = ref != 0; /* nobody goes on as this very run */
    for (uint32_t i = 0; code == PS_OK && i < ways.count; i++) {
        const ps_cep_way *way = &ways.items[i];
        bool is_needed = ref == 0 || i + 1 < ways.count;
        if (way->action == PS_CEP_TAKE) {
            is_left = is_left && is_needed;
            code = take_way(self, s, ref, way, is_needed, err);
        } else if (ref != 0) {
            is_left = is_left && is_needed;
            code = ignore_way(self, s, ref, way, is_needed, err);
        }
    }
    if (is_left) {
        release_run(self, ref);
    }
    release_list(self, &stopped);
    return code;
}

/* ── the runs of one query and key ── */

static ps_code too_many_runs(ps_matcher *self, step *s, ps_error *err)
{
    if (!self->spec->evicts) {
        return ps_error_set(err, PS_E_LIMIT,
                            "%s has more than %llu partial matches for one key: bound the pattern "
                            "(WITHIN) or raise paystream.match.runs-per-key",
                            self->spec->base.name, (unsigned long long)self->runs_max);
    }
    ps_store_touch_root(self->options.context->store);
    while (s->live.count > self->runs_max) {
        release_run(self, list_take_first(self, &s->live));
        self->root->evicted++;
    }
    return PS_OK;
}

static ps_code check_runs(ps_matcher *self, step *s, ps_error *err)
{
    return s->live.count <= self->runs_max ? PS_OK : too_many_runs(self, s, err);
}

/* Runs of one key that began at different rows share none of their chains: `held` rows are in the
 * runs of before this row. */
static ps_code check_held(ps_matcher *self, step *s, uint64_t held, ps_error *err)
{
    uint64_t max = self->rows_per_key_max;
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
        release_run(self, list_take_first(self, &s->live));
        self->root->evicted++;
    }
    return PS_OK;
}

/* The run is of the query, and goes on or waits. */
static bool is_of_query(const ps_matcher *self, uint32_t ref, uint32_t query, bool is_final)
{
    if (ref == 0) {
        return false;
    }
    const ps_cep_place *place = place_of(self, run_at(self, ref));
    return place->query == query && place->is_final == is_final;
}

/* The next runs of the query, whose conditions will be evaluated together. */
static void gather_chunk(ps_matcher *self, const step *s, uint32_t ref)
{
    uint32_t count = 0;
    for (; count < PS_CEP_CHUNK && is_of_query(self, ref, s->number, false);
         ref = run_at(self, ref)->next) {
        ps_cep_run *run = run_at(self, ref);
        self->bench.chunk.sights[count++] = (ps_cep_sight){run->node, carried_of(run), s->row};
    }
    ps_cep_begin_chunk(&self->bench, count);
}

/* The query's runs, from *ref on, meet the row; *ref: the first behind them. */
static ps_code step_runs(ps_matcher *self, step *s, uint32_t *ref, ps_error *err)
{
    bool looks_back = s->query->compiled.looks_back;
    uint64_t held = 0;
    ps_code code = PS_OK;
    for (uint32_t at = 0; code == PS_OK && is_of_query(self, *ref, s->number, false);
         at = (at + 1) % PS_CEP_CHUNK) {
        if (at == 0 && looks_back) {
            gather_chunk(self, s, *ref);
        }
        self->bench.chunk.at = at;
        uint32_t next = run_at(self, *ref)->next;
        held += run_at(self, *ref)->length;
        code = step_run(self, s, *ref, err);
        code = code == PS_OK ? check_runs(self, s, err) : code;
        *ref = next;
    }
    if (looks_back) {
        ps_cep_begin_chunk(&self->bench, 0);
    }
    if (code == PS_OK) {
        uint32_t before = s->live.count;
        code = step_run(self, s, 0, err);
        s->begins = s->live.count > before;
    }
    if (code == PS_OK) {
        code = check_runs(self, s, err);
        code = code == PS_OK ? check_held(self, s, held, err) : code;
    }
    return code;
}

/* The complete matches of the query that wait, from *ref on. */
static run_list take_waiting(ps_matcher *self, uint32_t query, uint32_t *ref)
{
    run_list waiting = {0};
    while (is_of_query(self, *ref, query, true)) {
        uint32_t next = run_at(self, *ref)->next;
        list_append(self, &waiting, *ref);
        *ref = next;
    }
    return waiting;
}

static void insert_all(ps_matcher *self, run_list *to, run_list *from)
{
    while (from->first != 0) {
        list_insert(self, to, list_take_first(self, from));
    }
}

static int64_t later(int64_t base, int64_t bound)
{
    int64_t sum;
    return __builtin_add_overflow(base, bound, &sum) ? INT64_MAX : sum;
}

/* The runs of one query, which begin at *ref if there are any, and the row; what is left of them
 * goes behind `kept`. */
static ps_code process_query(ps_matcher *self, uint32_t query, uint32_t row, uint32_t *ref,
                             run_list *kept, ps_error *err)
{
    step s = {.number = query, .query = &self->queries[query], .row = row};
    s.query->tried = self->try_number;
    s.bits = ps_cep_ways_bits(&s.query->ways, ps_cep_row_mask(&self->rows, row));
    ps_code code = step_runs(self, &s, ref, err);
    run_list waiting = {0};
    if (code == PS_OK) {
        waiting = take_waiting(self, query, ref);
    }
    if (code == PS_OK && (s.done.first != 0 || waiting.first != 0)) {
        insert_all(self, &waiting, &s.done);
        code = settle(self, query, &s.live, &waiting, err);
    }
    if (s.begins && s.query->window_ms > 0 && s.live.first != 0) {
        int64_t end = later(row_at(self, row)->time, s.query->window_ms);
        self->wanted = end < self->wanted ? end : self->wanted;
    }
    list_join(self, kept, &s.live);
    list_join(self, kept, &waiting);
    return code;
}

/* When the run's time is up, looked at when it is `time`; INT64_MAX: never. When both bounds have
 * passed the one since the row before counts (SEMANTICS §14.7). */
static int64_t death_of(const ps_matcher *self, const ps_cep_run *run, int64_t time)
{
    const ps_cep_place *place = place_of(self, run);
    int64_t window = self->queries[place->query].window_ms;
    int64_t by_start = window > 0 ? later(run->start_time, window) : INT64_MAX;
    int64_t bound = place->state->within_ms;
    int64_t by_previous = bound > 0 ? later(run->previous_time, bound) : INT64_MAX;
    return (bound > 0 && by_previous <= time) || by_previous < by_start ? by_previous : by_start;
}

/* Time has passed for the runs of one query, which begin at *ref. */
static ps_code advance_query(ps_matcher *self, uint32_t *ref, int64_t time, run_list *kept,
                             ps_error *err)
{
    uint32_t query = place_of(self, run_at(self, *ref))->query;
    run_list live = {0}, pending = {0};
    ps_code code = PS_OK;
    while (is_of_query(self, *ref, query, false)) {
        uint32_t at = *ref;
        const ps_cep_run *run = run_at(self, at);
        *ref = run->next;
        int64_t death = death_of(self, run, time);
        if (death == INT64_MAX || time < death) {
            list_append(self, &live, at);
        } else if (place_of(self, run)->state->kind == PS_CEP_STATE_PENDING) {
            list_append(self, &pending, at);
        } else {
            code = code == PS_OK ? emit(self, query, run->node, &death, err) : code;
            release_run(self, at);
        }
    }
    run_list waiting = take_waiting(self, query, ref);
    insert_all(self, &waiting, &pending);
    if (code == PS_OK && waiting.first != 0) {
        code = settle(self, query, &live, &waiting, err);
    }
    list_join(self, kept, &live);
    list_join(self, kept, &waiting);
    return code;
}

/* ── keys ── */

static void keep_runs(ps_matcher *self, ps_cep_key *key, const run_list *kept)
{
    if (kept->last != 0) {
        set_next(self, kept->last, 0);
    }
    key->first_run = kept->first;
}

/* Some run dies by then, or may. */
static bool is_due(const ps_matcher *self, const ps_cep_key *key, int64_t time)
{
    return key->first_run != 0 &&
           (self->bounds_steps || (key->has_deadline != 0 && time >= key->deadline));
}

/* The end of a run's window; INT64_MAX: never. */
static int64_t end_of(ps_matcher *self, const ps_cep_run *run)
{
    int64_t window = query_of(self, run)->window_ms;
    return window > 0 ? later(run->start_time, window) : INT64_MAX;
}

/* The query's runs, from *ref on, stay as they are. */
static void pass_query(ps_matcher *self, uint32_t *ref, run_list *kept)
{
    uint32_t query = place_of(self, run_at(self, *ref))->query;
    while (*ref != 0 && place_of(self, run_at(self, *ref))->query == query) {
        uint32_t next = run_at(self, *ref)->next;
        list_append(self, kept, *ref);
        *ref = next;
    }
}

/* by_window: only for queries where the window of a run has ended. */
static ps_code advance_key(ps_matcher *self, ps_cep_key *key, int64_t time, bool by_window,
                           ps_error *err)
{
    uint32_t ref = key->first_run;
    run_list kept = {0};
    ps_code code = PS_OK;
    while (code == PS_OK && ref != 0) {
        int64_t end = end_of(self, run_at(self, ref));
        if (by_window && (end == INT64_MAX || end > time)) {
            pass_query(self, &ref, &kept);
        } else {
            code = advance_query(self, &ref, time, &kept, err);
        }
    }
    keep_runs(self, key, &kept);
    return code;
}

/* The first end of a window of the key's runs; INT64_MAX: there is none. */
static int64_t first_end(ps_matcher *self, const ps_cep_key *key)
{
    int64_t first = INT64_MAX;
    for (uint32_t ref = key->first_run; ref != 0; ref = run_at(self, ref)->next) {
        int64_t end = end_of(self, run_at(self, ref));
        first = end < first ? end : first;
    }
    return first;
}

/* Asks for the end of a window, unless an earlier one was asked for. */
static ps_code want_deadline(ps_matcher *self, ps_cep_key *key, uint32_t key_entry, int64_t end,
                             ps_error *err)
{
    if (end == INT64_MAX || (key->has_deadline != 0 && key->deadline <= end)) {
        return PS_OK;
    }
    key->deadline = end;
    key->has_deadline = 1;
    return self->options.ask != NULL ? self->options.ask(self->options.with, key_entry, end, err)
                                     : PS_OK;
}

static ps_code renew_deadline(ps_matcher *self, ps_cep_key *key, uint32_t key_entry, ps_error *err)
{
    key->has_deadline = 0;
    return want_deadline(self, key, key_entry, first_end(self, key), err);
}

/* The queries that have no runs for the key, and that the row may begin one of. */
static ps_code begin_queries(ps_matcher *self, uint32_t row, const ps_cep_query_list *list,
                             run_list *kept, ps_error *err)
{
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < list->count; i++) {
        uint32_t none = 0;
        if (self->queries[list->queries[i]].tried != self->try_number) {
            code = process_query(self, list->queries[i], row, &none, kept, err);
        }
    }
    return code;
}

static ps_code begin_runs(ps_matcher *self, uint32_t row, run_list *kept, ps_error *err)
{
    ps_code code = begin_queries(self, row, &self->any_row, kept, err);
    for (uint32_t word = 0; word < self->mask_words; word++) {
        uint64_t left = ps_cep_row_mask(&self->rows, row)[word] & self->start_bits[word];
        for (; code == PS_OK && left != 0; left &= left - 1) {
            uint32_t bit = word * 64 + (uint32_t)__builtin_ctzll(left);
            code = begin_queries(self, row, &self->starters[bit], kept, err);
        }
    }
    return code;
}

static ps_code process_key(ps_matcher *self, ps_cep_key *key, uint32_t row, ps_error *err)
{
    uint32_t ref = key->first_run;
    run_list kept = {0};
    ps_code code = PS_OK;
    while (code == PS_OK && ref != 0) {
        uint32_t query = place_of(self, run_at(self, ref))->query;
        code = process_query(self, query, row, &ref, &kept, err);
    }
    if (code == PS_OK) {
        code = begin_runs(self, row, &kept, err);
    }
    keep_runs(self, key, &kept);
    return code;
}

/* Nobody asks for the deadline of a key without runs: it is forgotten when it was for us alone. */
static void forget_deadline(const ps_matcher *self, ps_cep_key *key)
{
    if (self->options.ask == NULL && key->first_run == 0) {
        key->has_deadline = 0;
    }
}

ps_code ps_matcher_process(ps_matcher *self, ps_cep_key *key, uint32_t key_entry, uint32_t row,
                           ps_error *err)
{
    ps_store_touch_root(self->options.context->store);
    touch_row(self, row)->number = ++self->root->next_number;
    self->bench.loaded = 0;
    self->try_number++;
    self->wanted = INT64_MAX;
    int64_t time = row_at(self, row)->time;
    ps_code code = is_due(self, key, time) ? advance_key(self, key, time, false, err) : PS_OK;
    if (code == PS_OK) {
        code = process_key(self, key, row, err);
    }
    forget_fresh(self);
    forget_deadline(self, key);
    if (code == PS_OK) {
        code = want_deadline(self, key, key_entry, self->wanted, err);
    }
    release_row(self, row);
    return code;
}

ps_code ps_matcher_advance(ps_matcher *self, ps_cep_key *key, int64_t time, ps_error *err)
{
    self->bench.loaded = 0;
    ps_code code = is_due(self, key, time) ? advance_key(self, key, time, false, err) : PS_OK;
    if (code == PS_OK && self->options.ask == NULL) {
        code = renew_deadline(self, key, 0, err);
    }
    return code;
}

ps_code ps_matcher_expire(ps_matcher *self, ps_cep_key *key, uint32_t key_entry, int64_t time,
                          ps_error *err)
{
    self->bench.loaded = 0;
    ps_code code = advance_key(self, key, time, true, err);
    return code == PS_OK ? renew_deadline(self, key, key_entry, err) : code;
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
