/* A pattern of the public interface: the builder's side, and what is made of it. */
#ifndef PS_API_PATTERN_BUILD_H
#define PS_API_PATTERN_BUILD_H

#include "cep/match_spec.h"
#include "paystream/cep.h"

/* One term of a condition. */
typedef struct {
    ps_filter_function *test; /* NULL: */
    ps_matched_condition *matched;
    void *user;
    bool is_or; /* with what stands before it; else AND */
} ps_pattern_term;

/* What a stage asks: user of its ps_cep_condition. */
typedef struct {
    ps_cep_condition condition;
    uint32_t term_count;
    ps_pattern_term *terms;
} ps_pattern_terms;

/* A stage being built: the finished form, and what is only needed while building. */
typedef struct ps_pattern_stage ps_pattern_stage;
struct ps_pattern_stage {
    ps_cep_stage stage;
    ps_pattern_terms *where, *until;
    ps_pattern_stage *next;                 /* in its chain */
    ps_pattern_stage *first, *last, *outer; /* of a group; the group around it */
    uint32_t chain_count;                   /* of a group */
    bool has_quantifier;
};

/* Checked and finished (once); NULL: it cannot be, *err says why. */
const ps_cep_pattern *ps_pattern_finish(ps_pattern *pattern, ps_error *err);

typedef struct {
    uint64_t runs_per_key, rows_per_run;
    bool evicts;
} ps_pattern_limit;
ps_pattern_limit ps_pattern_limits_of(const ps_pattern *pattern);

#endif
