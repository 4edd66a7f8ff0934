#include "cep/match_way.h"

#include <stdlib.h>

/* WAYS_MAX: edges that one run may follow with one row. Optional stages in optional groups double
 * them. KNOWN_MAX: states and bits of one query that are looked up. */
enum { WAYS_MAX = 65536, KNOWN_MAX = 8192, KNOWN_BITS_MAX = 12 };

static ps_code no_memory(ps_error *err)
{
    return ps_error_set(err, PS_E_MEMORY, "no memory for a pattern");
}

void ps_cep_finder_release(ps_cep_finder *finder)
{
    free(finder->known);
    free(finder->found);
    free(finder->stack);
}

ps_code ps_cep_ways_init(ps_cep_ways *ways, const ps_cep_compiled *query, uint32_t first_bit,
                         uint32_t bit_count, ps_arena *arena, ps_error *err)
{
    *ways = (ps_cep_ways){.query = query, .word = first_bit / 64, .shift = first_bit % 64};
    uint64_t count = (uint64_t)query->automaton->state_count
                     << (bit_count < KNOWN_BITS_MAX ? bit_count : KNOWN_BITS_MAX);
    if (bit_count > KNOWN_BITS_MAX || count > KNOWN_MAX) {
        return PS_OK;
    }
    ways->bit_count = bit_count;
    ways->known = ps_arena_take(arena, count * sizeof *ways->known);
    return ways->known != NULL ? PS_OK : no_memory(err);
}

/* ── whether an edge may be followed ── */

typedef enum { HOLDS_NOT, HOLDS, HOLDS_ASKS } verdict;

/* By the bits alone, in the order in which ps_cep_guard_holds asks: where it would ask for the run,
 * HOLDS_ASKS. */
static verdict literal_by_bits(const ps_cep_ways *ways, ps_cep_literal literal, uint64_t bits)
{
    const ps_cep_test *test = &ways->query->tests[literal / 2];
    bool is_negated = (literal & 1) != 0;
    bool holds = true;
    if (test->bit != PS_CEP_NO_BIT) {
        holds = (bits >> (test->bit % 64 - ways->shift) & 1) != 0;
    }
    if (holds && test->looks_back) {
        return HOLDS_ASKS;
    }
    return holds != is_negated ? HOLDS : HOLDS_NOT;
}

static verdict guard_by_bits(const ps_cep_ways *ways, const ps_cep_guard *guard, uint64_t bits)
{
    for (uint32_t i = 0; i < guard->clause_count; i++) {
        const ps_cep_clause *clause = &guard->clauses[i];
        verdict found = HOLDS_NOT;
        for (uint32_t j = 0; found == HOLDS_NOT && j < clause->literal_count; j++) {
            found = literal_by_bits(ways, clause->literals[j], bits);
        }
        if (found != HOLDS) {
            return found;
        }
    }
    return HOLDS;
}

/* A walk over edges: for a run, or (sight NULL) for all runs that meet those bits. */
typedef struct {
    ps_cep_finder *finder;
    const ps_cep_ways *ways;
    const ps_cep_sight *sight;
    uint64_t bits;
    bool asks; /* sight NULL: the bits do not decide */
} walk;

static ps_code holds(walk *self, const ps_cep_guard *guard, bool *out, ps_error *err)
{
    if (self->sight != NULL) {
        return ps_cep_guard_holds(self->ways->query, guard, self->sight, out, err);
    }
    verdict found = guard_by_bits(self->ways, guard, self->bits);
    self->asks = self->asks || found == HOLDS_ASKS;
    *out = found == HOLDS;
    return PS_OK;
}

/* ── walking ── */

static ps_code too_many_ways(const ps_cep_finder *finder, ps_error *err)
{
    return ps_error_set(err, PS_E_LIMIT,
                        "a row could go on in more than %d ways in a partial match of %s: fewer "
                        "optional stages inside one another",
                        WAYS_MAX, finder->pattern_name);
}

/* Room for one more of `size` bytes. */
static ps_code grow(void **items, uint32_t count, uint32_t *room, size_t size, ps_error *err)
{
    if (count < *room) {
        return PS_OK;
    }
    uint32_t more = *room == 0 ? 16 : *room * 2;
    void *larger = realloc(*items, more * size);
    if (larger == NULL) {
        return no_memory(err);
    }
    *items = larger;
    *room = more;
    return PS_OK;
}

static ps_code push_found(ps_cep_finder *finder, const ps_cep_state *source,
                          const ps_cep_edge *edge, ps_error *err)
{
    if (finder->found_count == WAYS_MAX) {
        return too_many_ways(finder, err);
    }
    void *items = finder->found;
    ps_code code =
        grow(&items, finder->found_count, &finder->found_room, sizeof *finder->found, err);
    finder->found = items;
    if (code == PS_OK) {
        bool may_complete = edge->action == PS_CEP_TAKE && edge->target->kind != PS_CEP_STATE_FINAL;
        finder->found[finder->found_count++] = (ps_cep_way){
            .action = edge->action,
            .variable = source->variable,
            .target = edge->target,
            .completion = may_complete ? PS_CEP_COMPLETES_ASKS : PS_CEP_COMPLETES_NOT,
        };
    }
    return code;
}

static ps_code push_state(ps_cep_finder *finder, uint32_t depth, const ps_cep_state *state,
                          ps_error *err)
{
    if (depth == WAYS_MAX) {
        return too_many_ways(finder, err);
    }
    void *items = finder->stack;
    ps_code code = grow(&items, depth, &finder->stack_room, sizeof *finder->stack, err);
    finder->stack = items;
    if (code == PS_OK) {
        finder->stack[depth] = state;
    }
    return code;
}

/* Into finder->found. */
static ps_code find_edges(walk *self, const ps_cep_state *from, bool *out_stops, ps_error *err)
{
    ps_cep_finder *finder = self->finder;
    finder->found_count = 0;
    *out_stops = false;
    uint32_t depth = 0;
    ps_code code = push_state(finder, depth++, from, err);
    while (code == PS_OK && depth > 0) {
        const ps_cep_state *state = finder->stack[--depth];
        for (uint32_t i = 0; code == PS_OK && i < state->edge_count; i++) {
            const ps_cep_edge *edge = &state->edges[i];
            bool is_open;
            code = holds(self, &edge->guard, &is_open, err);
            if (code != PS_OK || !is_open) {
                continue;
            }
            if (edge->action == PS_CEP_PROCEED) {
                code = push_state(finder, depth++, edge->target, err);
            } else if (edge->target->kind == PS_CEP_STATE_STOP) {
                *out_stops = true;
            } else {
                code = push_found(finder, state, edge, err);
            }
        }
    }
    return code;
}

static ps_code reaches_final(walk *self, const ps_cep_state *from, bool *out, ps_error *err)
{
    ps_cep_finder *finder = self->finder;
    *out = false;
    uint32_t depth = 0;
    ps_code code = push_state(finder, depth++, from, err);
    while (code == PS_OK && depth > 0) {
        const ps_cep_state *state = finder->stack[--depth];
        for (uint32_t i = 0; code == PS_OK && i < state->edge_count; i++) {
            const ps_cep_edge *edge = &state->edges[i];
            bool is_open = false;
            if (edge->action == PS_CEP_PROCEED) {
                code = holds(self, &edge->guard, &is_open, err);
            }
            if (code != PS_OK || !is_open) {
                continue;
            }
            if (edge->target->kind == PS_CEP_STATE_FINAL) {
                *out = true;
                return PS_OK;
            }
            code = push_state(finder, depth++, edge->target, err);
        }
    }
    return code;
}

ps_code ps_cep_ways_completes(ps_cep_finder *finder, const ps_cep_ways *ways,
                              const ps_cep_state *from, const ps_cep_sight *sight, bool *out,
                              ps_error *err)
{
    walk self = {.finder = finder, .ways = ways, .sight = sight};
    return reaches_final(&self, from, out, err);
}

/* ── remembering ── */

/* What was found by the bits alone; too many ways are for who really meets them to report. */
static ps_code find_by_bits(walk *self, const ps_cep_state *from, ps_cep_known_ways *out,
                            ps_error *err)
{
    ps_cep_finder *finder = self->finder;
    ps_error ignored;
    bool stops;
    ps_code code = find_edges(self, from, &stops, &ignored);
    for (uint32_t i = 0; code == PS_OK && !self->asks && i < finder->found_count; i++) {
        ps_cep_way *way = &finder->found[i];
        bool completes = false;
        if (way->completion == PS_CEP_COMPLETES_ASKS) {
            code = reaches_final(self, way->target, &completes, &ignored);
        }
        way->completion = completes ? PS_CEP_COMPLETES : PS_CEP_COMPLETES_NOT;
    }
    if (code == PS_E_MEMORY) {
        return no_memory(err);
    }
    if (code != PS_OK || self->asks || finder->found_count > UINT16_MAX) {
        out->kind = PS_CEP_WAYS_ASK;
        return PS_OK;
    }
    *out = (ps_cep_known_ways){.first = finder->known_count, .stops = stops};
    for (uint32_t i = 0; i < finder->found_count; i++) {
        void *items = finder->known;
        code = grow(&items, finder->known_count, &finder->known_room, sizeof *finder->known, err);
        finder->known = items;
        if (code != PS_OK) {
            return code;
        }
        finder->known[finder->known_count++] = finder->found[i];
        out->count++;
    }
    out->kind = PS_CEP_WAYS_KNOWN;
    return PS_OK;
}

ps_code ps_cep_ways_search(ps_cep_finder *finder, ps_cep_ways *ways, const ps_cep_state *from,
                           uint64_t bits, const ps_cep_sight *sight, ps_cep_way_list *out,
                           ps_error *err)
{
    if (ways->known != NULL) {
        ps_cep_known_ways *known = &ways->known[((uint64_t)from->number << ways->bit_count) + bits];
        if (known->kind == PS_CEP_WAYS_UNKNOWN) {
            walk by_bits = {.finder = finder, .ways = ways, .bits = bits};
            ps_code code = find_by_bits(&by_bits, from, known, err);
            if (code != PS_OK) {
                return code;
            }
        }
        if (known->kind == PS_CEP_WAYS_KNOWN) {
            *out = (ps_cep_way_list){known->count, finder->known + known->first, known->stops};
            return PS_OK;
        }
    }
    walk for_run = {.finder = finder, .ways = ways, .sight = sight};
    ps_cep_ask(ways->query->bench);
    ps_code code = find_edges(&for_run, from, &out->stops, err);
    out->count = finder->found_count;
    out->items = finder->found;
    return code;
}
