/* Ways: where a run can go with a row (SEMANTICS §14.5): the TAKE and IGNORE edges that are reached
 * over PROCEED edges that hold, in their order. Where the row's bits alone decide it is found out
 * once for a state and the bits, and looked up from then on. */
#ifndef PS_CEP_MATCH_WAY_H
#define PS_CEP_MATCH_WAY_H

#include "cep/match_slot.h"

typedef enum { PS_CEP_COMPLETES_NOT, PS_CEP_COMPLETES, PS_CEP_COMPLETES_ASKS } ps_cep_completion;

/* Never to a STOP state. */
typedef struct {
    ps_cep_action action; /* TAKE or IGNORE */
    uint32_t variable;    /* TAKE: the row is of that one */
    const ps_cep_state *target;
    /* TAKE: the end can be reached from the target without a further row; ASKS:
     * ps_cep_ways_completes says it */
    ps_cep_completion completion;
} ps_cep_way;

typedef struct {
    uint32_t count;
    const ps_cep_way *items; /* until the next question */
    bool stops;              /* a forbidden row: what goes on along the ways is dropped */
} ps_cep_way_list;

typedef enum { PS_CEP_WAYS_UNKNOWN, PS_CEP_WAYS_KNOWN, PS_CEP_WAYS_ASK } ps_cep_ways_kind;

typedef struct {
    uint32_t first; /* in finder->known */
    uint16_t count;
    uint8_t kind; /* ps_cep_ways_kind; ASK: some condition must be asked for the run */
    bool stops;
} ps_cep_known_ways;

/* Of one query. */
typedef struct {
    const ps_cep_compiled *query;
    uint32_t word, shift; /* where its bits begin in rows' masks */
    uint32_t bit_count;
    ps_cep_known_ways *known; /* per state and bits; NULL: there would be too many */
} ps_cep_ways;

/* What is known of all queries, and room to find more. */
typedef struct {
    const char *pattern_name; /* for errors */
    ps_cep_way *known;
    uint32_t known_count, known_room;
    ps_cep_way *found;
    uint32_t found_count, found_room;
    const ps_cep_state **stack;
    uint32_t stack_room;
} ps_cep_finder;

void ps_cep_finder_release(ps_cep_finder *finder);

/* first_bit: of `query`, which has bit_count of them side by side. PS_E_MEMORY. */
PS_CHECKED ps_code ps_cep_ways_init(ps_cep_ways *ways, const ps_cep_compiled *query,
                                    uint32_t first_bit, uint32_t bit_count, ps_arena *arena,
                                    ps_error *err);

/* What ps_cep_ways_find wants of a row's mask; any value where nothing is looked up. */
static inline uint64_t ps_cep_ways_bits(const ps_cep_ways *ways, const uint64_t *mask)
{
    return ways->bit_count > 0
               ? mask[ways->word] >> ways->shift & ((UINT64_C(1) << ways->bit_count) - 1)
               : 0;
}

PS_CHECKED ps_code ps_cep_ways_search(ps_cep_finder *finder, ps_cep_ways *ways,
                                      const ps_cep_state *from, uint64_t bits,
                                      const ps_cep_sight *sight, ps_cep_way_list *out,
                                      ps_error *err);

/* Those of a run in state `from` that sees `sight`, whose row has the bits. PS_E_LIMIT: too many;
 * PS_E_INVALID: a condition failed. */
PS_CHECKED static inline ps_code ps_cep_ways_find(ps_cep_finder *finder, ps_cep_ways *ways,
                                                  const ps_cep_state *from, uint64_t bits,
                                                  const ps_cep_sight *sight, ps_cep_way_list *out,
                                                  ps_error *err)
{
    if (ways->known != NULL) {
        const ps_cep_known_ways *known =
            &ways->known[((uint64_t)from->number << ways->bit_count) + bits];
        if (known->kind == PS_CEP_WAYS_KNOWN) {
            *out = (ps_cep_way_list){known->count, finder->known + known->first, known->stops};
            return PS_OK;
        }
    }
    return ps_cep_ways_search(finder, ways, from, bits, sight, out, err);
}

/* The end can be reached from there without a further row. */
PS_CHECKED ps_code ps_cep_ways_completes(ps_cep_finder *finder, const ps_cep_ways *ways,
                                         const ps_cep_state *from, const ps_cep_sight *sight,
                                         bool *out, ps_error *err);

#endif
