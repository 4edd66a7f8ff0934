/* What a matcher is made of: matcher_build.c makes it, matcher.c runs it. */
#ifndef PS_CEP_MATCHER_INTERNAL_H
#define PS_CEP_MATCHER_INTERNAL_H

#include "cep/match_way.h"
#include "cep/matcher.h"
#include "cep/row_scan.h"

/* The matcher's scalars in the state. */
typedef struct {
    uint64_t next_number; /* of a row */
    uint64_t evicted;
} ps_matcher_root;

/* Queries whose runs a row may begin. */
typedef struct {
    uint32_t count;
    uint32_t *queries;
} ps_cep_query_list;

/* Of a run: runs name their state by its place among those of all queries. */
typedef struct {
    const ps_cep_state *state;
    uint32_t query;
    bool is_final;
} ps_cep_place;

typedef struct {
    ps_cep_compiled compiled;
    ps_cep_ways ways;
    uint32_t first_place; /* of its state 0 */
    uint32_t final_place;
    uint32_t run_size; /* bytes of each run */
    int64_t window_ms; /* 0: none */
    uint32_t tried;    /* the number of the last row that met it */
} ps_matcher_query_state;

enum { PS_CEP_FRESH_NODES = 8 };

struct ps_matcher {
    ps_matcher_options options;
    const ps_match_spec *spec;
    uint64_t runs_max, rows_per_run_max, rows_per_key_max;
    ps_match_rows rows;
    ps_heap heap;
    ps_matcher_root *root;
    ps_cep_bench bench;
    uint32_t query_count;
    ps_matcher_query_state *queries;
    ps_cep_place *places;
    ps_cep_finder finder;
    bool bounds_steps;
    ps_row_scan *scan; /* conditions over rows alone */
    uint32_t mask_words;
    uint64_t *start_bits;        /* with starters */
    bool reads_zero;             /* columns of a row may be looked at that no condition holds for */
    ps_cep_query_list *starters; /* per bit: queries whose first row must have it */
    ps_cep_query_list any_row;   /* queries that need no bit */
    /* the row at hand */
    uint32_t try_number;
    int64_t wanted;                     /* the earliest end of a window of a run that it began */
    uint32_t fresh[PS_CEP_FRESH_NODES]; /* nodes made for it, which runs of several queries share */
    uint32_t fresh_count;
};

#endif
