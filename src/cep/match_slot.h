/* Slots and conditions of one query: values out of a run's rows, and whether a row may join it.
 *
 * Conditions over rows alone are evaluated for whole batches before (matcher.h) and looked up
 * here by their bit; the others when a run asks. Aggregates whose state holds no references,
 * and which row is a variable's first and last, are carried along by each run; what else is
 * asked for is found by going through the run's rows. */
#ifndef PS_CEP_MATCH_SLOT_H
#define PS_CEP_MATCH_SLOT_H

#include "cep/automaton.h"
#include "cep/match_state.h"
#include "expr/program.h"
#include "flow/aggregate.h"
#include "flow/one_row.h"
#include "flow/operator.h"

/* A slot made ready. */
typedef struct {
    ps_aggregator *aggregator; /* NULL: the slot is no aggregate */
    char *state;               /* scratch */
    uint32_t size;
    uint32_t offset; /* in what a run carries; UINT32_MAX: not carried */
    uint32_t variable;
    bool is_first; /* FIRST or LAST: which row's reference is carried */
} ps_cep_slot_state;

typedef struct {
    uint32_t slot_count;
    const ps_cep_slot *slots;
    const ps_phys *classes; /* of the slots' values */
    ps_cep_slot_state *states;
} ps_cep_slots;

#define PS_CEP_NO_BIT UINT32_MAX

/* A condition in two parts, both of which must hold. */
typedef struct {
    const ps_cep_condition *condition;
    uint32_t bit;        /* in rows' masks: what it asks of the row alone; PS_CEP_NO_BIT: nothing */
    bool looks_back;     /* there is more, which is asked for each run: */
    const ps_expr *rest; /* NULL: the function */
    ps_cep_slots slots;
    ps_program *program;
    uint32_t asked; /* the last question's number, and its answer */
    bool holds;
    uint64_t answered; /* the chunk of runs that it was evaluated for, and the answers: */
    bool is_answered;  /* false: some run's cannot be had; each is asked for by itself */
    uint64_t answers;  /* bit i: for run i of the chunk */
} ps_cep_test;

/* What a slot is a view of: a run's last node (0: none), its carried states (NULL: none) and the
 * row under test (0: none). */
typedef struct {
    uint32_t node;
    const char *carried;
    uint32_t row;
} ps_cep_sight;

enum { PS_CEP_CHUNK = 64 };

/* Runs that meet the same row: a condition is evaluated for all of them at once. */
typedef struct {
    uint64_t number; /* of the chunk */
    uint64_t loaded; /* the chunk whose row is in the batch */
    uint32_t count;  /* 0: runs are asked one by one */
    uint32_t at;     /* the run at hand */
    ps_cep_sight sights[PS_CEP_CHUNK];
    ps_batch batch; /* the row under test in each row, then the slots */
} ps_cep_chunk;

/* What conditions are evaluated with; shared by the queries of one operator. */
typedef struct {
    const ps_operator_context *context;
    const ps_schema *input;
    ps_match_rows *rows;
    ps_heap *heap;
    ps_budget scratch_budget;
    ps_store *scratch_store; /* of aggregates: never part of the state */
    ps_one_row row;          /* the row under test, then the slots */
    bool *is_read;           /* per input column: a condition or an aggregate reads it */
    uint32_t loaded;         /* the kept row in `row`; 0: none */
    uint32_t question;       /* of the run at hand */
    uint32_t *chain;         /* of nodes, for aggregates */
    uint32_t chain_room;
    ps_cep_chunk chunk;
} ps_cep_bench;

typedef struct {
    ps_cep_bench *bench;
    const ps_cep_query *query;
    const ps_cep_automaton *automaton;
    ps_cep_test *tests;
    bool looks_back; /* some condition is a program over a run */
    uint32_t carried_count;
    ps_cep_slot_state **carried;
    uint32_t carried_size; /* bytes in each run */
    ps_cep_slots measures;
    ps_program *measure_program;
    ps_column *measure_results;
} ps_cep_compiled;

struct ps_cep_view {
    const ps_cep_compiled *query;
    ps_cep_sight sight;
    const ps_batch *batch; /* of the row under test, unless it is kept already */
    uint32_t row;
    int64_t timeout;
};

PS_CHECKED ps_code ps_cep_bench_init(ps_cep_bench *bench, const ps_operator_context *context,
                                     const ps_schema *input, uint32_t slot_max, ps_error *err);
void ps_cep_bench_release(ps_cep_bench *bench);

/* tests: one for each of the automaton's conditions, their bits and rests set; in the arena. */
PS_CHECKED ps_code ps_cep_compiled_init(ps_cep_compiled *made, ps_cep_bench *bench,
                                        const ps_cep_query *query,
                                        const ps_cep_automaton *automaton, ps_cep_test *tests,
                                        ps_error *err);
void ps_cep_compiled_release(ps_cep_compiled *made);

/* Begins the questions about another run or row. */
static inline void ps_cep_ask(ps_cep_bench *bench)
{
    bench->question++;
}
/* The next `count` questions (0: none) will be about the chunk's sights, in their order: the caller
 * sets chunk.at before each. */
static inline void ps_cep_begin_chunk(ps_cep_bench *bench, uint32_t count)
{
    bench->chunk.number++;
    bench->chunk.count = count;
}
PS_CHECKED ps_code ps_cep_guard_holds(const ps_cep_compiled *query, const ps_cep_guard *guard,
                                      const ps_cep_sight *sight, bool *out, ps_error *err);
/* The row joined the run by that variable: its carried states follow. */
PS_CHECKED ps_code ps_cep_carry(const ps_cep_compiled *query, uint32_t variable, uint32_t row,
                                char *carried, ps_error *err);

/* The values of the query's measures for a match that ends with that node: *out_columns[i].values
 * [0]; valid until the next call. */
PS_CHECKED ps_code ps_cep_measure(const ps_cep_compiled *query, uint32_t node,
                                  const ps_column **out_columns, ps_error *err);

#endif
