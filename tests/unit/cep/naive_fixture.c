#include "cep/naive_fixture.h"

#include "base/testing.h"
#include "cep/pattern_fixture.h"

enum { EDGES_MAX = 40, STAGE_NAMES_MAX = 64 };

/* ── conditions ── */

typedef struct naive_test naive_test;
struct naive_test {
    enum { ALWAYS, HOLDS, NOT, BOTH } kind;
    const pattern_condition *condition; /* HOLDS */
    const naive_test *a, *b;            /* NOT: a */
};

static const naive_test always = {.kind = ALWAYS};

typedef struct {
    uint8_t variable, row;
} naive_taken;

typedef struct naive_state naive_state;

typedef struct {
    const naive_state *state;
    uint32_t count;
    naive_taken taken[NAIVE_ROWS_MAX];
} naive_run_state;

static bool condition_holds(const pattern_condition *condition, const naive_events *events,
                            const naive_run_state *run, uint32_t row)
{
    if (strchr(condition->letters, events->letters[row]) == NULL) {
        return false;
    }
    uint32_t count = 0, last = UINT32_MAX;
    for (uint32_t i = 0; i < run->count; i++) {
        if (run->taken[i].variable == condition->variable) {
            count++;
            last = run->taken[i].row;
        }
    }
    switch (condition->look) {
    case PATTERN_LOOKS_NOWHERE:
        return true;
    case PATTERN_LOOKS_AT_LAST:
    case PATTERN_ASKS_FOR_LAST:
        return last != UINT32_MAX && events->letters[last] == events->letters[row];
    case PATTERN_LOOKS_AT_COUNT:
        return count < condition->count;
    }
    return false;
}

static bool test_holds(const naive_test *test, const naive_events *events,
                       const naive_run_state *run, uint32_t row)
{
    switch (test->kind) {
    case ALWAYS:
        return true;
    case HOLDS:
        return condition_holds(test->condition, events, run, row);
    case NOT:
        return !test_holds(test->a, events, run, row);
    case BOTH:
        return test_holds(test->a, events, run, row) && test_holds(test->b, events, run, row);
    }
    return false;
}

/* ── states (14.1) ── */

typedef enum { TAKE, IGNORE, PROCEED } naive_action;
typedef enum { NORMAL, PENDING, STOP, FINAL } naive_kind;

typedef struct {
    naive_action action;
    const naive_state *target;
    const naive_test *test;
} naive_edge;

struct naive_state {
    naive_kind kind;
    uint32_t variable;
    int64_t within_ms;
    uint32_t edge_count;
    naive_edge edges[EDGES_MAX];
    naive_state *before_greedy; /* its copy, where until needs it */
};

typedef struct {
    ps_arena *arena;
    const ps_cep_pattern *pattern;
    const ps_cep_stage *const *chain; /* the stages at hand, of which: */
    uint32_t chain_count, at;
    const ps_cep_stage *behind; /* NULL: none */
    const ps_cep_stage *group;  /* NULL: none */
    bool is_later_iteration;    /* of the group */
    bool is_made[STAGE_NAMES_MAX];
} naive_compiler;

static const ps_cep_stage *now(const naive_compiler *c)
{
    return c->chain[c->at];
}

static const naive_test *make_test(naive_compiler *c, naive_test test)
{
    naive_test *made = ps_arena_take(c->arena, sizeof *made);
    *made = test;
    return made;
}

static const naive_test * not(naive_compiler * c, const naive_test *a)
{
    return make_test(c, (naive_test){.kind = NOT, .a = a});
}

static const naive_test *both(naive_compiler *c, const naive_test *a, const naive_test *b)
{
    return make_test(c, (naive_test){.kind = BOTH, .a = a, .b = b});
}

static const naive_test *is(naive_compiler *c, const ps_cep_condition *condition)
{
    return condition == NULL
               ? &always
               : make_test(c, (naive_test){.kind = HOLDS, .condition = condition->user});
}

static const naive_test *but(naive_compiler *c, const naive_test *test,
                             const ps_cep_condition *until)
{
    return until == NULL ? test : both(c, test, not(c, is(c, until)));
}

static const ps_cep_condition *group_until(const naive_compiler *c)
{
    return c->group != NULL ? c->group->until : NULL;
}

static const naive_test *take_of(naive_compiler *c, const ps_cep_stage *stage)
{
    return but(c, is(c, stage->where), group_until(c));
}

/* NULL: rows are never passed over. */
static const naive_test *ignore_of(naive_compiler *c, ps_cep_contiguity how)
{
    if (how == PS_CEP_FOLLOWED_BY) {
        return but(c, not(c, is(c, now(c)->where)), group_until(c));
    }
    return how == PS_CEP_FOLLOWED_BY_ANY ? but(c, &always, group_until(c)) : NULL;
}

static bool is_head(const naive_compiler *c)
{
    return c->group != NULL && c->at == 0;
}

static ps_cep_contiguity inner_of(const ps_cep_stage *stage)
{
    return stage->inner == PS_CEP_CONSECUTIVE ? PS_CEP_NEXT
           : stage->inner == PS_CEP_RELAXED   ? PS_CEP_FOLLOWED_BY
                                              : PS_CEP_FOLLOWED_BY_ANY;
}

static const naive_test *inner_ignore(naive_compiler *c)
{
    const naive_test *test = ignore_of(c, inner_of(is_head(c) ? c->group : now(c)));
    return test == NULL ? NULL : but(c, test, now(c)->until);
}

static const naive_test *outer_ignore(naive_compiler *c)
{
    if (!is_head(c)) {
        return ignore_of(c, now(c)->contiguity);
    }
    return ignore_of(c, c->is_later_iteration ? inner_of(c->group) : c->group->contiguity);
}

static uint32_t number_of(const naive_compiler *c, const ps_cep_stage *stage)
{
    for (uint32_t i = 0; i < c->pattern->variable_count; i++) {
        if (ps_slice_equal(c->pattern->variables[i], stage->name)) {
            return i;
        }
    }
    return 0;
}

static naive_state *make_state(naive_compiler *c, naive_kind kind, uint32_t variable)
{
    naive_state *made = ps_arena_take(c->arena, sizeof *made);
    made->kind = kind;
    made->variable = variable;
    return made;
}

/* 14.4: what bounds the time before a row of the stage. */
static naive_state *make_take_state(naive_compiler *c, naive_kind kind)
{
    const ps_cep_stage *stage = now(c);
    uint32_t variable = number_of(c, stage);
    naive_state *made = make_state(c, kind, variable);
    if (!stage->has_times) {
        made->within_ms = stage->within_previous_ms;
    } else if (c->is_made[variable]) {
        made->within_ms = stage->times_within_ms;
    }
    c->is_made[variable] = true;
    return made;
}

static void add(naive_state *from, naive_action action, const naive_state *target,
                const naive_test *test)
{
    assert_true(from->edge_count < EDGES_MAX);
    from->edges[from->edge_count++] = (naive_edge){action, target, test};
}

static naive_state *copy_of(naive_compiler *c, const naive_state *state)
{
    naive_state *copy = make_state(c, state->kind, state->variable);
    for (uint32_t i = 0; i < state->edge_count; i++) {
        naive_edge edge = state->edges[i];
        add(copy, edge.action, edge.target == state ? copy : edge.target, edge.test);
    }
    return copy;
}

/* ── absence (14.3) ── */

static void add_stop(naive_compiler *c, naive_state *state, const ps_cep_stage *forbidden)
{
    const naive_state *stop = make_state(c, STOP, number_of(c, forbidden));
    add(state, PROCEED, stop, take_of(c, forbidden));
}

static uint32_t nots_before(const naive_compiler *c, const ps_cep_stage **out)
{
    uint32_t count = 0;
    for (uint32_t at = c->at; at > 0; at--) {
        const ps_cep_stage *stage = c->chain[at - 1];
        if (stage->contiguity == PS_CEP_NOT_FOLLOWED_BY) {
            out[count++] = stage;
        } else if (!stage->is_optional) {
            break;
        }
    }
    return count;
}

static void add_stops(naive_compiler *c, naive_state *state)
{
    const ps_cep_stage *forbidden[STAGE_NAMES_MAX];
    uint32_t count = nots_before(c, forbidden);
    for (uint32_t i = 0; i < count; i++) {
        add_stop(c, state, forbidden[i]);
    }
}

static void add_stop_of_next(naive_compiler *c, naive_state *state)
{
    if (c->behind != NULL && c->behind->contiguity == PS_CEP_NOT_FOLLOWED_BY) {
        add_stop(c, state, c->behind);
    }
}

static const naive_state *without_nots(naive_compiler *c, const naive_state *sink)
{
    const ps_cep_stage *forbidden[STAGE_NAMES_MAX];
    uint32_t count = nots_before(c, forbidden);
    if (!now(c)->is_optional || count == 0) {
        return sink;
    }
    naive_state *copy = make_state(c, sink->kind, sink->variable);
    for (uint32_t i = 0; i < sink->edge_count; i++) {
        naive_edge edge = sink->edges[i];
        if (edge.action != PROCEED) {
            edge.target = edge.target == sink ? copy : edge.target;
        } else if (edge.target->kind != STOP) {
            edge.target = without_nots(c, edge.target);
        } else {
            bool is_gone = false;
            for (uint32_t n = 0; n < count; n++) {
                is_gone = is_gone || number_of(c, forbidden[n]) == edge.target->variable;
            }
            if (is_gone) {
                continue;
            }
        }
        add(copy, edge.action, edge.target, edge.test);
    }
    return copy;
}

/* ── stages (14.2) ── */

static naive_state *compile_chain(naive_compiler *c, naive_state *sink);

static naive_state *compile_group(naive_compiler *c, naive_state *sink, bool is_later_iteration)
{
    const naive_compiler outer = *c;
    c->group = now(c);
    c->is_later_iteration = is_later_iteration;
    c->chain = c->group->group;
    c->chain_count = c->group->group_count;
    naive_state *head = compile_chain(c, sink);
    c->group = outer.group;
    c->is_later_iteration = outer.is_later_iteration;
    c->chain = outer.chain;
    c->chain_count = outer.chain_count;
    c->at = outer.at;
    c->behind = outer.behind;
    return head;
}

/* One row, or one iteration of a group. */
typedef struct {
    naive_state *sink, *without; /* without: where it leads when the row is left out */
    const naive_test *take, *ignore;
    bool is_optional, is_later_iteration;
} naive_one;

static naive_state *compile_one(naive_compiler *c, const naive_one *one)
{
    const ps_cep_stage *stage = now(c);
    if (stage->group_count > 0) {
        naive_state *head = compile_group(c, one->sink, one->is_later_iteration);
        if (one->is_optional) {
            add(head, PROCEED, one->without, but(c, &always, group_until(c)));
        }
        return head;
    }
    naive_state *state = make_take_state(c, NORMAL);
    const naive_state *sink = without_nots(c, one->sink);
    add(state, TAKE, sink, one->take);
    if (one->is_optional) {
        const naive_test *proceed = but(c, &always, group_until(c));
        if (stage->is_greedy && stage->until != NULL && one->without->before_greedy != NULL) {
            add(state, PROCEED, one->without->before_greedy, both(c, proceed, is(c, stage->until)));
        }
        add(state, PROCEED, one->without,
            stage->is_greedy ? but(c, proceed, stage->until) : proceed);
    }
    if (one->ignore != NULL) {
        naive_state *waiting = state;
        if (one->is_optional || (is_head(c) && c->group->is_optional)) {
            waiting = make_state(c, NORMAL, state->variable);
            add(waiting, TAKE, sink, one->take);
            add(waiting, IGNORE, waiting, one->ignore);
            add_stops(c, waiting);
        }
        add(state, IGNORE, waiting, one->ignore);
    }
    return state;
}

static void add_greedy(naive_compiler *c, naive_state *sink, const naive_test *take)
{
    for (uint32_t i = 0; i < sink->edge_count; i++) {
        sink->edges[i].test = both(c, sink->edges[i].test, not(c, take));
    }
}

static naive_state *compile_loop(naive_compiler *c, naive_state *sink)
{
    const ps_cep_stage *stage = now(c);
    const naive_test *proceed = but(c, &always, group_until(c));
    if (stage->group_count > 0) {
        naive_state *again = make_state(c, NORMAL, 0);
        naive_state *head = compile_group(c, again, true);
        add(head, PROCEED, sink, proceed);
        add(again, PROCEED, head, proceed);
        return head;
    }
    const naive_test *take = but(c, take_of(c, stage), stage->until);
    const naive_test *ignore = inner_ignore(c);
    naive_state *loop = make_take_state(c, NORMAL);
    if (stage->is_greedy && stage->until != NULL) {
        sink->before_greedy = copy_of(c, sink);
        add(loop, PROCEED, sink->before_greedy, both(c, proceed, is(c, stage->until)));
    }
    add(loop, PROCEED, sink, stage->is_greedy ? but(c, proceed, stage->until) : proceed);
    if (stage->is_greedy) {
        add_greedy(c, sink, take_of(c, stage));
    }
    add(loop, TAKE, loop, take);
    add_stop_of_next(c, loop);
    if (ignore != NULL) {
        naive_state *waiting = make_state(c, NORMAL, loop->variable);
        add(waiting, TAKE, loop, take);
        add(waiting, IGNORE, waiting, ignore);
        add(loop, IGNORE, waiting, ignore);
        add_stop_of_next(c, waiting);
    }
    return loop;
}

/* `beyond` copies that may be left out, after at least `least`; the first of all waits otherwise.
 */
static naive_state *compile_copies(naive_compiler *c, naive_state *behind, naive_state *sink,
                                   uint32_t beyond)
{
    const ps_cep_stage *stage = now(c);
    const naive_test *take = but(c, take_of(c, stage), stage->until);
    const naive_test *ignore = inner_ignore(c);
    if (stage->is_greedy && beyond > 0) {
        if (stage->until != NULL) {
            sink->before_greedy = copy_of(c, sink);
        }
        add_greedy(c, sink, take);
    }
    for (uint32_t i = 0; i + 1 < stage->min + beyond; i++) {
        const naive_one copy = {behind, sink, take, ignore, i < beyond, true};
        behind = compile_one(c, &copy);
        add_stop_of_next(c, behind);
    }
    const naive_one first = {behind, sink, take, outer_ignore(c), stage->is_optional, false};
    return compile_one(c, &first);
}

static naive_state *compile_stage(naive_compiler *c, naive_state *sink)
{
    const ps_cep_stage *stage = now(c);
    naive_state *entry;
    if (stage->has_times && stage->max == PS_CEP_UNBOUNDED) {
        naive_state *loop = compile_loop(c, (naive_state *)without_nots(c, sink));
        entry = compile_copies(c, loop, sink, 0);
    } else if (stage->has_times) {
        entry = compile_copies(c, sink, sink, stage->max - stage->min);
    } else {
        const naive_one one = {sink, sink, take_of(c, stage), outer_ignore(c), stage->is_optional,
                               false};
        entry = compile_one(c, &one);
    }
    add_stops(c, entry);
    return entry;
}

static naive_state *compile_absent(naive_compiler *c, naive_state *sink)
{
    const ps_cep_stage *stage = now(c);
    bool is_end = sink->kind == FINAL;
    const naive_test *other = not(c, take_of(c, stage));
    naive_state *state;
    if (stage->contiguity == PS_CEP_NOT_NEXT) {
        state = make_take_state(c, NORMAL);
        add(state, is_end ? IGNORE : PROCEED, sink, other);
        add_stop(c, state, stage);
    } else if (is_end) {
        state = make_take_state(c, PENDING);
        add_stop(c, state, stage);
        add(state, IGNORE, state, other);
    } else {
        state = sink;
    }
    return state;
}

static naive_state *compile_chain(naive_compiler *c, naive_state *sink)
{
    for (c->at = c->chain_count; c->at > 0;) {
        c->at--;
        const ps_cep_stage *stage = now(c);
        bool is_absent =
            stage->contiguity == PS_CEP_NOT_NEXT || stage->contiguity == PS_CEP_NOT_FOLLOWED_BY;
        sink = is_absent ? compile_absent(c, sink) : compile_stage(c, sink);
        c->behind = stage;
    }
    return sink;
}

struct naive_matcher {
    const naive_state *start;
};

const naive_matcher *naive_new(const ps_cep_pattern *pattern, ps_arena *arena)
{
    naive_compiler c = {
        .arena = arena,
        .pattern = pattern,
        .chain = pattern->stages,
        .chain_count = pattern->stage_count,
    };
    naive_matcher *made = ps_arena_take(arena, sizeof *made);
    made->start = compile_chain(&c, make_state(&c, FINAL, 0));
    return made;
}

/* ── runs (14.5, 14.7) ── */

typedef struct {
    uint32_t count;
    naive_run_state runs[NAIVE_RUNS_MAX];
} naive_list;

typedef struct {
    const ps_cep_pattern *pattern;
    const naive_events *events;
    naive_log *log;
    uint32_t at; /* the row that is fed */
    bool is_over;
    naive_list live, done;
} naive_world;

static uint32_t start_of(const naive_run_state *run)
{
    return run->taken[0].row;
}

static void append(naive_world *world, naive_list *list, const naive_run_state *run)
{
    world->is_over = world->is_over || list->count == NAIVE_RUNS_MAX;
    if (!world->is_over) {
        list->runs[list->count++] = *run;
    }
}

/* Behind those that start no later. */
static void insert(naive_world *world, naive_list *list, const naive_run_state *run)
{
    append(world, list, run);
    for (uint32_t i = list->count - 1; i > 0; i--) {
        if (start_of(&list->runs[i - 1]) <= start_of(&list->runs[i])) {
            break;
        }
        naive_run_state later = list->runs[i - 1];
        list->runs[i - 1] = list->runs[i];
        list->runs[i] = later;
    }
}

static void report(naive_world *world, const naive_run_state *run, int64_t timeout)
{
    char bytes[2 + STAGE_NAMES_MAX + NAIVE_ROWS_MAX];
    uint32_t size = 0, step = world->at; /* the first row of this time */
    while (step > 0 && step < world->events->count &&
           world->events->times[step - 1] == world->events->times[step]) {
        step--;
    }
    bytes[size++] = (char)step;
    bytes[size++] = (char)timeout;
    for (uint32_t variable = 0; variable < world->pattern->variable_count; variable++) {
        uint32_t count_at = size++;
        bytes[count_at] = 0;
        for (uint32_t i = 0; i < run->count; i++) {
            if (run->taken[i].variable == variable) {
                bytes[count_at]++;
                bytes[size++] = (char)run->taken[i].row;
            }
        }
    }
    ps_buf_append(&world->log->bytes, bytes, size);
}

/* Removes runs whose start is before `first`. */
static void prune(naive_list *list, uint32_t first)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        if (start_of(&list->runs[i]) >= first) {
            list->runs[kept++] = list->runs[i];
        }
    }
    list->count = kept;
}

/* The first row at which another match may start. */
static uint32_t skip_of(naive_world *world, const naive_run_state *match)
{
    const ps_cep_pattern *pattern = world->pattern;
    uint32_t target = UINT32_MAX;
    switch (pattern->skip) {
    case PS_CEP_NO_SKIP:
        return 0;
    case PS_CEP_SKIP_TO_NEXT:
        return start_of(match) + 1;
    case PS_CEP_SKIP_PAST_LAST:
        return match->taken[match->count - 1].row + 1U;
    case PS_CEP_SKIP_TO_FIRST:
    case PS_CEP_SKIP_TO_LAST:
        for (uint32_t i = 0; i < match->count; i++) {
            bool is_target = match->taken[i].variable == pattern->skip_variable;
            if (is_target && (pattern->skip == PS_CEP_SKIP_TO_LAST || target == UINT32_MAX)) {
                target = match->taken[i].row;
            }
        }
        if (pattern->skip_must_hit && (target == UINT32_MAX || target == start_of(match))) {
            world->log->has_failed = true;
        }
    }
    return target == UINT32_MAX ? 0 : target;
}

static void settle(naive_world *world)
{
    while (world->done.count > 0 && !world->log->has_failed) {
        const naive_run_state first = world->done.runs[0];
        for (uint32_t i = 0; i < world->live.count; i++) {
            if (world->pattern->skip != PS_CEP_NO_SKIP &&
                start_of(&world->live.runs[i]) < start_of(&first)) {
                return;
            }
        }
        memmove(world->done.runs, world->done.runs + 1,
                --world->done.count * sizeof world->done.runs[0]);
        uint32_t next = skip_of(world, &first);
        if (!world->log->has_failed) {
            report(world, &first, 0);
            prune(&world->live, next);
            prune(&world->done, next);
        }
    }
}

/* When the run's time was up, at `time`; 0: it is not. Of both bounds that of the row before. */
static int64_t death_of(const naive_world *world, const naive_run_state *run, int64_t time)
{
    int64_t start = world->events->times[start_of(run)];
    int64_t previous = world->events->times[run->taken[run->count - 1].row];
    int64_t window = world->pattern->within_ms, step = run->state->within_ms;
    if (step > 0 && time - previous >= step) {
        return previous + step;
    }
    return window > 0 && time - start >= window ? start + window : 0;
}

static void advance(naive_world *world, int64_t time)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < world->live.count; i++) {
        const naive_run_state run = world->live.runs[i];
        if (death_of(world, &run, time) == 0) {
            world->live.runs[kept++] = run;
        } else if (run.state->kind == PENDING) {
            insert(world, &world->done, &run);
        } else {
            report(world, &run, death_of(world, &run, time));
        }
    }
    world->live.count = kept;
    settle(world);
}

/* The PROCEED edges from there that hold lead to the end. */
static bool can_end(naive_world *world, const naive_state *state, const naive_run_state *run)
{
    for (uint32_t i = 0; i < state->edge_count; i++) {
        const naive_edge *edge = &state->edges[i];
        if (edge->action == PROCEED && test_holds(edge->test, world->events, run, world->at) &&
            (edge->target->kind == FINAL || can_end(world, edge->target, run))) {
            return true;
        }
    }
    return false;
}

/* What a run becomes. */
typedef struct {
    naive_list live, done;
    bool is_stopped;
} naive_successors;

static void follow(naive_world *world, const naive_run_state *run, const naive_state *owner,
                   const naive_edge *edge, naive_successors *out)
{
    naive_run_state next = *run;
    next.state = edge->target;
    if (edge->action == IGNORE) {
        if (run->count > 0) {
            bool is_end = edge->target->kind == FINAL;
            append(world, is_end ? &out->done : &out->live, &next);
        }
        return;
    }
    next.taken[next.count++] = (naive_taken){(uint8_t)owner->variable, (uint8_t)world->at};
    if (edge->target->kind != FINAL) {
        append(world, &out->live, &next);
    }
    if (edge->target->kind == FINAL || can_end(world, edge->target, run)) {
        append(world, &out->done, &next);
    }
}

static void successors_of(naive_world *world, const naive_run_state *run, naive_successors *out)
{
    const naive_state *stack[256];
    uint32_t depth = 0;
    out->live.count = out->done.count = 0;
    out->is_stopped = false;
    stack[depth++] = run->state;
    while (depth > 0) {
        const naive_state *state = stack[--depth];
        out->is_stopped = out->is_stopped || state->kind == STOP;
        for (uint32_t i = 0; i < state->edge_count; i++) {
            const naive_edge *edge = &state->edges[i];
            if (!test_holds(edge->test, world->events, run, world->at)) {
                continue;
            }
            if (edge->action == PROCEED) {
                assert_true(depth < 256);
                stack[depth++] = edge->target;
            } else {
                follow(world, run, state, edge, out);
            }
        }
    }
}

static void feed(naive_world *world, const naive_matcher *matcher)
{
    static naive_list before;
    static naive_successors after;
    before = (naive_list){.count = world->live.count};
    memcpy(before.runs, world->live.runs, before.count * sizeof before.runs[0]);
    const naive_run_state start = {.state = matcher->start};
    append(world, &before, &start);
    world->live.count = 0;
    for (uint32_t i = 0; i < before.count && !world->is_over; i++) {
        successors_of(world, &before.runs[i], &after);
        for (uint32_t j = 0; j < after.live.count && !after.is_stopped; j++) {
            insert(world, &world->live, &after.live.runs[j]);
        }
        for (uint32_t j = 0; j < after.done.count; j++) {
            insert(world, &world->done, &after.done.runs[j]);
        }
    }
    settle(world);
}

bool naive_run(const naive_matcher *matcher, const ps_cep_pattern *pattern,
               const naive_events *events, naive_log *log)
{
    static naive_world world;
    world.pattern = pattern;
    world.events = events;
    world.log = log;
    world.is_over = false;
    world.live.count = world.done.count = 0;
    log->has_failed = false;
    for (world.at = 0; world.at < events->count && !log->has_failed && !world.is_over; world.at++) {
        advance(&world, events->times[world.at]);
        if (!log->has_failed) {
            feed(&world, matcher);
        }
        bool is_last_of_time =
            world.at + 1 == events->count || events->times[world.at + 1] != events->times[world.at];
        if (!log->has_failed && is_last_of_time) {
            advance(&world, events->times[world.at]);
        }
    }
    /* only windows of the whole pattern have timers (13.4) */
    if (!log->has_failed && pattern->within_ms > 0) {
        advance(&world, INT64_MAX);
    }
    return !world.is_over;
}
