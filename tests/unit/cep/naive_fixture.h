/* A matcher that is the text of SEMANTICS §14, for comparison with src/cep: a run is the list of
 * the rows that it has taken, nothing is shared, kept up to date or ordered cleverly, and every
 * condition looks at the list anew. Patterns and conditions are pattern_fixture.h's. */
#ifndef PS_TEST_CEP_NAIVE_FIXTURE_H
#define PS_TEST_CEP_NAIVE_FIXTURE_H

#include "base/bytes.h"
#include "cep/match_spec.h"

enum { NAIVE_ROWS_MAX = 16, NAIVE_RUNS_MAX = 4000 };

/* Row i has the letter letters[i] and comes at times[i], which never falls; rows of one time are
 * followed by the watermark of that time. */
typedef struct {
    uint32_t count;
    const char *letters;
    const int64_t *times;
} naive_events;

/* Matches as bytes, one after the other: the first row of the time at which it came (the events'
 * count: at the end of the stream), 0, or when a partial match ran out of time (it
 * is one then); then for each variable its number
 * of rows and the rows. */
typedef struct {
    ps_buf bytes;
    bool has_failed; /* skip_must_hit, and there was nothing to skip to: no matches after that */
} naive_log;

typedef struct naive_matcher naive_matcher;

/* In the arena. */
const naive_matcher *naive_new(const ps_cep_pattern *pattern, ps_arena *arena);
/* Appends to the log; false: too many runs for it, the log means nothing. */
bool naive_run(const naive_matcher *matcher, const ps_cep_pattern *pattern,
               const naive_events *events, naive_log *log);

#endif
