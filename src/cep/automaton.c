/* Pattern → automaton, back to front (SEMANTICS §14.2): the entry of a stage is made when the entry
 * of the stage behind it is known. */
#include "cep/automaton.h"

#include "cep/pattern_walk.h"

/* Where the compiler is. */
typedef struct {
    ps_arena *arena;
    const ps_cep_pattern *pattern;
    ps_error *err;
    ps_code code; /* the first failure; then everything is done for nothing */
    ps_cep_state **states;
    uint32_t state_count, state_room;
    const ps_cep_condition **conditions;
    uint32_t condition_count, condition_room;
    ps_cep_state **stops; /* per variable */
    bool *is_made;        /* per variable: a state of it has been made */
    /* the chain of stages at hand */
    const ps_cep_stage *const *chain;
    uint32_t chain_count, at;
    const ps_cep_stage *following; /* NULL: none */
    const ps_cep_stage *group;     /* whose stages these are; NULL: the pattern's */
    bool group_first_of_loop;      /* the group's first iteration is being made */
    uint32_t depth;
} compiler;

static const ps_cep_stage *current(const compiler *self)
{
    return self->chain[self->at];
}

static void fail(compiler *self, ps_code code)
{
    self->code = self->code == PS_OK ? code : self->code;
}

static void *take(compiler *self, size_t size)
{
    void *taken = ps_arena_take(self->arena, size);
    if (taken == NULL) {
        fail(self, ps_error_set(self->err, PS_E_MEMORY, "no memory for a pattern's automaton"));
    }
    return taken;
}

/* `old` with room for twice as many; NULL: no memory. */
static void *grown(compiler *self, const void *old, uint32_t count, uint32_t *room, size_t size)
{
    uint32_t wanted = *room == 0 ? 4 : *room * 2;
    void *larger = take(self, wanted * size);
    if (larger != NULL) {
        if (count > 0) {
            memcpy(larger, old, count * size);
        }
        *room = wanted;
    }
    return larger;
}

/* ── guards ── */

static const ps_cep_guard always = {0};

static uint32_t condition_number(compiler *self, const ps_cep_condition *condition)
{
    for (uint32_t i = 0; i < self->condition_count; i++) {
        if (self->conditions[i] == condition) {
            return i;
        }
    }
    if (self->condition_count == self->condition_room) {
        const ps_cep_condition **larger = grown(self, self->conditions, self->condition_count,
                                                &self->condition_room, sizeof *larger);
        if (larger == NULL) {
            return 0;
        }
        self->conditions = larger;
    }
    self->conditions[self->condition_count] = condition;
    return self->condition_count++;
}

static bool is_always(const ps_cep_condition *condition)
{
    return condition == NULL || (condition->test == NULL && condition->function == NULL);
}

static ps_cep_guard clause_of(compiler *self, uint32_t count, const ps_cep_literal *literals)
{
    ps_cep_clause *clause = take(self, sizeof *clause);
    if (clause == NULL) {
        return always;
    }
    *clause = (ps_cep_clause){.literal_count = count, .literals = literals};
    return (ps_cep_guard){.clause_count = 1, .clauses = clause};
}

static ps_cep_guard guard_of(compiler *self, const ps_cep_condition *condition)
{
    if (is_always(condition)) {
        return always;
    }
    ps_cep_literal *literal = take(self, sizeof *literal);
    if (literal == NULL) {
        return always;
    }
    *literal = condition_number(self, condition) * 2;
    return clause_of(self, 1, literal);
}

static ps_cep_guard guard_and(compiler *self, ps_cep_guard a, ps_cep_guard b)
{
    if (a.clause_count == 0 || b.clause_count == 0) {
        return a.clause_count == 0 ? b : a;
    }
    ps_cep_clause *clauses = take(self, (a.clause_count + b.clause_count) * sizeof *clauses);
    if (clauses == NULL) {
        return always;
    }
    memcpy(clauses, a.clauses, a.clause_count * sizeof *clauses);
    memcpy(clauses + a.clause_count, b.clauses, b.clause_count * sizeof *clauses);
    return (ps_cep_guard){.clause_count = a.clause_count + b.clause_count, .clauses = clauses};
}

/* Of a guard whose clauses have one literal each: what is negated here always has. */
static ps_cep_guard guard_not(compiler *self, ps_cep_guard guard)
{
    ps_cep_literal *literals = take(self, guard.clause_count * sizeof *literals);
    if (literals == NULL) {
        return always;
    }
    for (uint32_t i = 0; i < guard.clause_count; i++) {
        PS_ASSERT(guard.clauses[i].literal_count == 1);
        literals[i] = guard.clauses[i].literals[0] ^ 1;
    }
    return clause_of(self, guard.clause_count, literals);
}

/* The guard and no `until`, where there is one. */
static ps_cep_guard unless(compiler *self, ps_cep_guard guard, const ps_cep_condition *until)
{
    if (until == NULL) {
        return guard;
    }
    return guard_and(self, guard_not(self, guard_of(self, until)), guard);
}

static const ps_cep_condition *group_until(const compiler *self)
{
    return self->group != NULL ? self->group->until : NULL;
}

/* PROCEED's own condition: none, but inside a group with an end. */
static ps_cep_guard proceed_guard(compiler *self)
{
    return unless(self, always, group_until(self));
}

static ps_cep_guard take_guard(compiler *self, const ps_cep_stage *stage)
{
    return unless(self, guard_of(self, stage->where), group_until(self));
}

/* ── what a stage is ── */

static bool is_head_of_group(const compiler *self)
{
    return self->group != NULL && self->at == 0;
}

static bool is_negative(const ps_cep_stage *stage)
{
    return stage->contiguity == PS_CEP_NOT_NEXT || stage->contiguity == PS_CEP_NOT_FOLLOWED_BY;
}

/* How rows between two of the match's are dealt with; strict: not at all. */
typedef enum { STRICT, SKIP_TILL_NEXT, SKIP_TILL_ANY } strategy;

static strategy outer_strategy(const ps_cep_stage *stage)
{
    switch (stage->contiguity) {
    case PS_CEP_FOLLOWED_BY:
    case PS_CEP_NOT_FOLLOWED_BY:
        return SKIP_TILL_NEXT;
    case PS_CEP_FOLLOWED_BY_ANY:
        return SKIP_TILL_ANY;
    case PS_CEP_NEXT:
    case PS_CEP_NOT_NEXT:
        break;
    }
    return STRICT;
}

static strategy inner_strategy(const ps_cep_stage *stage)
{
    switch (stage->inner) {
    case PS_CEP_RELAXED:
        return SKIP_TILL_NEXT;
    case PS_CEP_COMBINATIONS:
        return SKIP_TILL_ANY;
    case PS_CEP_CONSECUTIVE:
        break;
    }
    return STRICT;
}

/* False: rows are never passed over. */
static bool ignore_guard(compiler *self, strategy how, ps_cep_guard *out)
{
    if (how == STRICT) {
        return false;
    }
    *out = how == SKIP_TILL_ANY ? always : guard_not(self, guard_of(self, current(self)->where));
    *out = unless(self, *out, group_until(self));
    return true;
}

static strategy entry_strategy(const compiler *self)
{
    if (!is_head_of_group(self)) {
        return outer_strategy(current(self));
    }
    return self->group_first_of_loop ? outer_strategy(self->group) : inner_strategy(self->group);
}

static strategy loop_strategy(const compiler *self)
{
    return inner_strategy(is_head_of_group(self) ? self->group : current(self));
}

/* ── states ── */

static ps_cep_state *new_state(compiler *self, ps_cep_state_kind kind, uint32_t variable)
{
    if (self->state_count == PS_CEP_STATES_MAX && self->code == PS_OK) {
        fail(self, ps_error_set(self->err, PS_E_LIMIT,
                                "the pattern needs more than %d states: lower its repetitions",
                                PS_CEP_STATES_MAX));
    }
    if (self->state_count == self->state_room) {
        ps_cep_state **larger =
            grown(self, self->states, self->state_count, &self->state_room, sizeof *larger);
        if (larger == NULL) {
            return NULL;
        }
        self->states = larger;
    }
    ps_cep_state *state = self->code == PS_OK ? take(self, sizeof *state) : NULL;
    if (state == NULL) {
        return NULL;
    }
    *state = (ps_cep_state){.kind = kind, .variable = variable, .number = self->state_count};
    self->states[self->state_count++] = state;
    return state;
}

static void add_edge(compiler *self, ps_cep_state *from, ps_cep_action action, ps_cep_state *target,
                     ps_cep_guard guard)
{
    if (self->code != PS_OK) {
        return;
    }
    if (from->edge_count == from->edge_room) {
        ps_cep_edge *larger =
            grown(self, from->edges, from->edge_count, &from->edge_room, sizeof *larger);
        if (larger == NULL) {
            return;
        }
        from->edges = larger;
    }
    from->edges[from->edge_count++] =
        (ps_cep_edge){.action = action, .target = target, .guard = guard};
}

static uint32_t variable_of(const compiler *self, const ps_cep_stage *stage)
{
    return ps_cep_stage_variable(self->pattern, stage);
}

/* A state of the current stage. `is_bounded`: the stage's time since the row before may hold for
 * it (SEMANTICS §14.4: not for the one that is made first). */
static ps_cep_state *stage_state(compiler *self, ps_cep_state_kind kind, bool is_bounded)
{
    const ps_cep_stage *stage = current(self);
    uint32_t variable = stage->group_count == 0 ? variable_of(self, stage) : PS_CEP_ANY_VARIABLE;
    ps_cep_state *state = new_state(self, kind, variable);
    if (state != NULL && stage->group_count == 0) {
        if (is_bounded && !stage->has_times) {
            state->within_ms = stage->within_previous_ms;
        } else if (is_bounded && self->is_made[variable]) {
            state->within_ms = stage->times_within_ms;
        }
        self->is_made[variable] = true;
    }
    return state;
}

/* A state with the same edges; those to itself lead to the copy. */
static ps_cep_state *copy_state(compiler *self, const ps_cep_state *state)
{
    ps_cep_state *copy = new_state(self, state->kind, state->variable);
    for (uint32_t i = 0; copy != NULL && i < state->edge_count; i++) {
        const ps_cep_edge *edge = &state->edges[i];
        add_edge(self, copy, edge->action, edge->target == state ? copy : edge->target,
                 edge->guard);
    }
    return copy;
}

/* ── forbidden rows ── */

static ps_cep_state *stop_state(compiler *self, const ps_cep_stage *forbidden)
{
    uint32_t variable = variable_of(self, forbidden);
    if (self->stops[variable] == NULL) {
        ps_cep_state *stop = new_state(self, PS_CEP_STATE_STOP, variable);
        if (stop != NULL) {
            add_edge(self, stop, PS_CEP_TAKE, stop, take_guard(self, forbidden));
        }
        self->stops[variable] = stop;
    }
    return self->stops[variable];
}

static void add_stop(compiler *self, ps_cep_state *state, const ps_cep_stage *forbidden)
{
    ps_cep_state *stop = stop_state(self, forbidden);
    if (state != NULL && stop != NULL) {
        add_edge(self, state, PS_CEP_PROCEED, stop, take_guard(self, forbidden));
    }
}

/* The n-th NOT FOLLOWED BY before the current stage with nothing but optional stages in between;
 * NULL: there are fewer. */
static const ps_cep_stage *not_before(const compiler *self, uint32_t n)
{
    for (uint32_t at = self->at; at > 0; at--) {
        const ps_cep_stage *stage = self->chain[at - 1];
        if (stage->contiguity == PS_CEP_NOT_FOLLOWED_BY) {
            if (n-- == 0) {
                return stage;
            }
        } else if (!stage->is_optional) {
            break;
        }
    }
    return NULL;
}

static void add_stops(compiler *self, ps_cep_state *state)
{
    const ps_cep_stage *forbidden;
    for (uint32_t n = 0; (forbidden = not_before(self, n)) != NULL; n++) {
        add_stop(self, state, forbidden);
    }
}

/* A NOT FOLLOWED BY behind a repeated stage already holds between its rows. */
static void add_following_stop(compiler *self, ps_cep_state *state)
{
    if (self->following != NULL && self->following->contiguity == PS_CEP_NOT_FOLLOWED_BY) {
        add_stop(self, state, self->following);
    }
}

static bool is_stop_of_before(const compiler *self, const ps_cep_state *stop)
{
    const ps_cep_stage *forbidden;
    for (uint32_t n = 0; (forbidden = not_before(self, n)) != NULL; n++) {
        if (variable_of(self, forbidden) == stop->variable) {
            return true;
        }
    }
    return false;
}

/* Behind an optional stage whose row was taken the NOTs before it no longer hold. */
static ps_cep_state *without_nots(compiler *self, ps_cep_state *sink, uint32_t depth)
{
    if (sink == NULL || self->code != PS_OK || !current(self)->is_optional ||
        not_before(self, 0) == NULL) {
        return sink;
    }
    if (depth == PS_CEP_STATES_MAX / 100) {
        fail(self, ps_error_set(self->err, PS_E_LIMIT,
                                "the pattern has too many optional stages behind a NOT"));
        return sink;
    }
    ps_cep_state *copy = new_state(self, sink->kind, sink->variable);
    for (uint32_t i = 0; copy != NULL && i < sink->edge_count; i++) {
        ps_cep_edge edge = sink->edges[i];
        if (edge.action != PS_CEP_PROCEED) {
            edge.target = edge.target == sink ? copy : edge.target;
        } else if (edge.target->kind == PS_CEP_STATE_STOP) {
            if (is_stop_of_before(self, edge.target)) {
                continue;
            }
        } else {
            edge.target = without_nots(self, edge.target, depth + 1);
        }
        add_edge(self, copy, edge.action, edge.target, edge.guard);
    }
    return copy;
}

/* ── stages ── */

static ps_cep_state *compile_stage(compiler *self, ps_cep_state *sink);
static ps_cep_state *compile_chain(compiler *self, ps_cep_state *sink);

/* One of the group's stages before `sink`: a state that leads to each. The first one comes first
 * where several take the same row: edges are looked at from the last to the first (§14.5). */
static ps_cep_state *compile_choice(compiler *self, ps_cep_state *sink)
{
    const ps_cep_stage *group = self->group, *following = self->following;
    ps_cep_state *head = new_state(self, PS_CEP_STATE_NORMAL, PS_CEP_ANY_VARIABLE);
    for (uint32_t i = group->group_count; head != NULL && i > 0; i--) {
        self->chain = &group->group[i - 1];
        self->chain_count = 1;
        self->following = following;
        ps_cep_state *entry = compile_chain(self, sink);
        if (entry == NULL) {
            return NULL;
        }
        add_edge(self, head, PS_CEP_PROCEED, entry, proceed_guard(self));
    }
    return head;
}

/* The group's stages before `sink`; returns the entry of the first. */
static ps_cep_state *compile_group(compiler *self, ps_cep_state *sink, bool is_first_of_loop)
{
    compiler outer = *self;
    if (self->depth == PS_CEP_GROUP_DEPTH_MAX) {
        fail(self, ps_error_set(self->err, PS_E_LIMIT, "groups are nested more than %d deep",
                                PS_CEP_GROUP_DEPTH_MAX));
        return sink;
    }
    self->group = current(self);
    self->group_first_of_loop = is_first_of_loop;
    self->chain = self->group->group;
    self->chain_count = self->group->group_count;
    self->depth++;
    ps_cep_state *head =
        self->group->group_is_choice ? compile_choice(self, sink) : compile_chain(self, sink);
    self->group = outer.group;
    self->group_first_of_loop = outer.group_first_of_loop;
    self->chain = outer.chain;
    self->chain_count = outer.chain_count;
    self->at = outer.at;
    self->following = outer.following;
    self->depth--;
    return head;
}

/* How one row of the current stage is waited for. */
typedef struct {
    ps_cep_state *sink;    /* behind the row */
    ps_cep_state *proceed; /* where an optional stage leads without one */
    ps_cep_guard take;
    ps_cep_guard ignore;
    bool can_ignore, is_optional;
    bool is_first_of_loop; /* for a group */
} singleton;

static void add_optional_proceed(compiler *self, ps_cep_state *state, const singleton *one)
{
    const ps_cep_stage *stage = current(self);
    ps_cep_guard proceed = proceed_guard(self);
    if (stage->is_greedy && stage->until != NULL) {
        ps_cep_state *original = one->proceed->original;
        if (original != NULL) {
            add_edge(self, state, PS_CEP_PROCEED, original,
                     guard_and(self, proceed, guard_of(self, stage->until)));
        }
        proceed = unless(self, proceed, stage->until);
    }
    add_edge(self, state, PS_CEP_PROCEED, one->proceed, proceed);
}

static ps_cep_state *compile_singleton(compiler *self, const singleton *one)
{
    if (self->code != PS_OK || one->sink == NULL) {
        return NULL;
    }
    if (current(self)->group_count > 0) {
        ps_cep_state *head = compile_group(self, one->sink, one->is_first_of_loop);
        if (one->is_optional && head != NULL) {
            add_edge(self, head, PS_CEP_PROCEED, one->proceed, proceed_guard(self));
        }
        return head;
    }
    ps_cep_state *state = stage_state(self, PS_CEP_STATE_NORMAL, true);
    ps_cep_state *sink = without_nots(self, one->sink, 0);
    if (state == NULL || sink == NULL) {
        return NULL;
    }
    add_edge(self, state, PS_CEP_TAKE, sink, one->take);
    if (one->is_optional) {
        add_optional_proceed(self, state, one);
    }
    if (!one->can_ignore) {
        return state;
    }
    ps_cep_state *waiting = state;
    if (one->is_optional || (is_head_of_group(self) && self->group->is_optional)) {
        waiting = stage_state(self, PS_CEP_STATE_NORMAL, false);
        if (waiting == NULL) {
            return NULL;
        }
        add_edge(self, waiting, PS_CEP_TAKE, sink, one->take);
        add_edge(self, waiting, PS_CEP_IGNORE, waiting, one->ignore);
        add_stops(self, waiting);
    }
    add_edge(self, state, PS_CEP_IGNORE, waiting, one->ignore);
    return state;
}

/* Every edge of the sink, as it is now, only for rows that a greedy stage would not take. */
static void add_greedy_condition(compiler *self, ps_cep_state *sink, ps_cep_guard take_of_stage)
{
    ps_cep_guard otherwise = guard_not(self, take_of_stage);
    for (uint32_t i = 0; i < sink->edge_count; i++) {
        sink->edges[i].guard = guard_and(self, sink->edges[i].guard, otherwise);
    }
}

/* Behind the last mandatory row of an unbounded stage. */
static ps_cep_state *compile_loop(compiler *self, ps_cep_state *sink)
{
    const ps_cep_stage *stage = current(self);
    ps_cep_guard proceed = proceed_guard(self);
    if (stage->group_count > 0) {
        ps_cep_state *again = stage_state(self, PS_CEP_STATE_NORMAL, false);
        ps_cep_state *head = again != NULL ? compile_group(self, again, false) : NULL;
        if (head != NULL) {
            add_edge(self, head, PS_CEP_PROCEED, sink, proceed);
            add_edge(self, again, PS_CEP_PROCEED, head, proceed);
        }
        return head;
    }
    ps_cep_guard take_here = unless(self, take_guard(self, stage), stage->until);
    ps_cep_state *loop = stage_state(self, PS_CEP_STATE_NORMAL, true);
    if (loop == NULL) {
        return NULL;
    }
    if (stage->is_greedy) {
        if (stage->until != NULL) {
            ps_cep_state *copy = copy_state(self, sink);
            if (copy == NULL) {
                return NULL;
            }
            add_edge(self, loop, PS_CEP_PROCEED, copy,
                     guard_and(self, proceed, guard_of(self, stage->until)));
            sink->original = copy;
        }
        add_edge(self, loop, PS_CEP_PROCEED, sink, unless(self, proceed, stage->until));
        add_greedy_condition(self, sink, take_guard(self, stage));
    } else {
        add_edge(self, loop, PS_CEP_PROCEED, sink, proceed);
    }
    add_edge(self, loop, PS_CEP_TAKE, loop, take_here);
    add_following_stop(self, loop);
    ps_cep_guard ignore;
    if (ignore_guard(self, loop_strategy(self), &ignore)) {
        ignore = unless(self, ignore, stage->until);
        ps_cep_state *waiting = stage_state(self, PS_CEP_STATE_NORMAL, false);
        if (waiting == NULL) {
            return NULL;
        }
        add_edge(self, waiting, PS_CEP_TAKE, loop, take_here);
        add_edge(self, waiting, PS_CEP_IGNORE, waiting, ignore);
        add_edge(self, loop, PS_CEP_IGNORE, waiting, ignore);
        add_following_stop(self, waiting);
    }
    return loop;
}

/* min … max rows before `sink`; an optional stage without any leads to `proceed`. */
static ps_cep_state *compile_times(compiler *self, ps_cep_state *sink, ps_cep_state *proceed,
                                   uint32_t max)
{
    const ps_cep_stage *stage = current(self);
    singleton inner = {
        .proceed = proceed,
        .take = unless(self, take_guard(self, stage), stage->until),
    };
    inner.can_ignore = ignore_guard(self, loop_strategy(self), &inner.ignore);
    if (inner.can_ignore) {
        inner.ignore = unless(self, inner.ignore, stage->until);
    }
    if (stage->is_greedy && stage->min != max && sink != NULL) {
        if (stage->until != NULL) {
            sink->original = copy_state(self, sink);
        }
        add_greedy_condition(self, sink, inner.take);
    }
    ps_cep_state *last = sink;
    for (uint32_t i = 1; last != NULL && i < max; i++) {
        inner.sink = last;
        inner.is_optional = i - 1 < max - stage->min;
        last = compile_singleton(self, &inner);
        if (last != NULL) {
            add_following_stop(self, last);
        }
    }
    singleton first = inner;
    first.sink = last;
    first.is_optional = stage->is_optional;
    first.is_first_of_loop = true;
    first.can_ignore = ignore_guard(self, entry_strategy(self), &first.ignore);
    return compile_singleton(self, &first);
}

static ps_cep_state *compile_stage(compiler *self, ps_cep_state *sink)
{
    const ps_cep_stage *stage = current(self);
    ps_cep_state *entry;
    if (stage->has_times && stage->max == PS_CEP_UNBOUNDED) {
        ps_cep_state *loop = compile_loop(self, without_nots(self, sink, 0));
        entry = loop != NULL ? compile_times(self, loop, sink, stage->min) : NULL;
    } else if (stage->has_times) {
        entry = compile_times(self, sink, sink, stage->max);
    } else {
        singleton one = {
            .sink = sink,
            .proceed = sink,
            .take = take_guard(self, stage),
            .is_optional = stage->is_optional,
            .is_first_of_loop = true,
        };
        one.can_ignore = ignore_guard(self, entry_strategy(self), &one.ignore);
        entry = compile_singleton(self, &one);
    }
    if (entry != NULL) {
        add_stops(self, entry);
    }
    return entry;
}

static ps_cep_state *compile_not_next(compiler *self, ps_cep_state *sink)
{
    const ps_cep_stage *stage = current(self);
    ps_cep_state *state = stage_state(self, PS_CEP_STATE_NORMAL, true);
    if (state != NULL) {
        ps_cep_guard other = guard_not(self, take_guard(self, stage));
        /* to the end not by PROCEED: the match needs a row that is not the forbidden one */
        bool is_end = sink->kind == PS_CEP_STATE_FINAL;
        add_edge(self, state, is_end ? PS_CEP_IGNORE : PS_CEP_PROCEED, sink, other);
        add_stop(self, state, stage);
    }
    return state;
}

/* Only as the last stage does it need a state of its own: the others are edges of what waits. */
static ps_cep_state *compile_not_followed_by(compiler *self, ps_cep_state *sink)
{
    const ps_cep_stage *stage = current(self);
    if (sink->kind != PS_CEP_STATE_FINAL) {
        return sink;
    }
    ps_cep_state *state = stage_state(self, PS_CEP_STATE_PENDING, true);
    if (state != NULL) {
        add_stop(self, state, stage);
        add_edge(self, state, PS_CEP_IGNORE, state, guard_not(self, take_guard(self, stage)));
    }
    return state;
}

static ps_cep_state *compile_chain(compiler *self, ps_cep_state *sink)
{
    self->at = self->chain_count;
    while (self->code == PS_OK && sink != NULL && self->at > 0) {
        self->at--;
        const ps_cep_stage *stage = current(self);
        if (!is_negative(stage)) {
            sink = compile_stage(self, sink);
        } else if (stage->contiguity == PS_CEP_NOT_NEXT) {
            sink = compile_not_next(self, sink);
        } else {
            sink = compile_not_followed_by(self, sink);
        }
        self->following = stage;
    }
    return sink;
}

/* ── the whole ── */

/* PROCEED edges must lead somewhere: a repeated group that can do without a row would not end. */
static void check_cycles(compiler *self)
{
    uint32_t count = self->state_count;
    uint8_t *mark = take(self, count);      /* 0 new, 1 on the way, 2 done */
    uint32_t *way = take(self, count * 4);  /* states on the way */
    uint32_t *next = take(self, count * 4); /* the edge to look at next, per state */
    for (uint32_t s = 0; self->code == PS_OK && s < count; s++) {
        uint32_t depth = 0;
        if (mark[s] == 0) {
            mark[s] = 1;
            way[depth++] = s;
        }
        while (depth > 0 && self->code == PS_OK) {
            ps_cep_state *state = self->states[way[depth - 1]];
            if (next[state->number] == state->edge_count) {
                mark[state->number] = 2;
                depth--;
                continue;
            }
            const ps_cep_edge *edge = &state->edges[next[state->number]++];
            uint32_t to = edge->target->number;
            if (edge->action == PS_CEP_PROCEED && mark[to] == 1) {
                fail(self, ps_error_set(self->err, PS_E_INVALID,
                                        "a repeated group must take at least one row each time"));
            } else if (edge->action == PS_CEP_PROCEED && mark[to] == 0) {
                mark[to] = 1;
                way[depth++] = to;
            }
        }
    }
}

/* PROCEED edges lead from the start to the end, whatever their conditions. */
static bool reaches_end(compiler *self, const ps_cep_state *start)
{
    bool *is_seen = take(self, self->state_count);
    const ps_cep_state **stack = take(self, (self->state_count + 1) * sizeof *stack);
    if (is_seen == NULL || stack == NULL) {
        return false;
    }
    uint32_t depth = 0;
    stack[depth++] = start;
    is_seen[start->number] = true;
    while (depth > 0) {
        const ps_cep_state *state = stack[--depth];
        if (state->kind == PS_CEP_STATE_FINAL) {
            return true;
        }
        for (uint32_t i = 0; i < state->edge_count; i++) {
            const ps_cep_state *target = state->edges[i].target;
            if (state->edges[i].action == PS_CEP_PROCEED && !is_seen[target->number]) {
                is_seen[target->number] = true;
                stack[depth++] = target;
            }
        }
    }
    return false;
}

ps_code ps_cep_automaton_new(const ps_cep_pattern *pattern, ps_arena *arena,
                             const ps_cep_automaton **out, ps_error *err)
{
    compiler self = {
        .arena = arena,
        .pattern = pattern,
        .err = err,
        .chain = pattern->stages,
        .chain_count = pattern->stage_count,
    };
    uint32_t variables = pattern->variable_count;
    ps_cep_automaton *made = take(&self, sizeof *made);
    self.stops = take(&self, variables * sizeof(ps_cep_state *));
    self.is_made = take(&self, variables * sizeof(bool));
    ps_cep_state *start = NULL;
    if (self.code == PS_OK) {
        start = compile_chain(&self, new_state(&self, PS_CEP_STATE_FINAL, PS_CEP_ANY_VARIABLE));
    }
    if (self.code == PS_OK) {
        check_cycles(&self);
    }
    if (self.code != PS_OK) {
        return self.code;
    }
    *made = (ps_cep_automaton){
        .state_count = self.state_count,
        .states = self.states,
        .start = start,
        .condition_count = self.condition_count,
        .conditions = self.conditions,
        .window_ms = pattern->within_ms,
        .matches_empty = reaches_end(&self, start),
    };
    if (self.code == PS_OK) {
        *out = made;
    }
    return self.code;
}
