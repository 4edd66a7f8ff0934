/* Patterns over rows: "three declines, then an approval, within a minute". A pattern is built stage
 * by stage and then matched against a keyed collection with event time (ps_collection_match), or
 * against one sequence of rows that the program feeds itself (ps_sequence).
 *
 *     ps_pattern *p = ps_pattern_new();
 *     uint32_t declined = ps_pattern_begin(p, "declined");
 *     ps_pattern_where(p, is_declined, NULL);
 *     ps_pattern_times_or_more(p, 3);
 *     ps_pattern_followed_by(p, "approved");
 *     ps_pattern_where(p, is_approved, NULL);
 *     ps_pattern_within(p, 60000);
 *     ps_match_outputs alerts = ps_collection_match(payments, p, &functions);
 *
 * The semantics are those of Apache Flink's CEP library (org.apache.flink.cep), stage for stage.
 *
 * Building. A call that adds a stage gives back its number (from 0, in the order in which stages
 * are added, those in groups too); the calls behind it speak of that stage, or of the group that
 * was ended last. A call that cannot be done changes nothing but that the pattern remembers its
 * first failure, which whoever uses the pattern tells. Names are copied, `user` pointers borrowed.
 * A pattern may be used any number of times, lives longer than what uses it, and cannot be changed
 * any more once it was used.
 * Threads. A pattern belongs to one thread; conditions are called in the thread that matches.
 */
#ifndef PAYSTREAM_CEP_H
#define PAYSTREAM_CEP_H

#include <paystream/pipeline.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ps_pattern ps_pattern;
typedef struct ps_matched ps_matched;

#define PS_STAGE_ANY UINT32_MAX

PS_API ps_pattern *ps_pattern_new(void); /* NULL: no memory */
PS_API void ps_pattern_free(ps_pattern *pattern);

/* ── stages ── */

/* The first stage of the pattern or of a group. Any row may be it, whatever came before. */
PS_API uint32_t ps_pattern_begin(ps_pattern *pattern, const char *name);
/* The very next row must match. */
PS_API uint32_t ps_pattern_next(ps_pattern *pattern, const char *name);
/* The next row that matches; others in between are passed over. */
PS_API uint32_t ps_pattern_followed_by(ps_pattern *pattern, const char *name);
/* Any later row that matches: each makes a match of its own. */
PS_API uint32_t ps_pattern_followed_by_any(ps_pattern *pattern, const char *name);
/* The next row must not match. Neither first nor behind an optional stage. */
PS_API uint32_t ps_pattern_not_next(ps_pattern *pattern, const char *name);
/* No row may match before the next stage does. As the last stage: none until the window ends
 * (within), and the match is found when time has passed it. */
PS_API uint32_t ps_pattern_not_followed_by(ps_pattern *pattern, const char *name);

/* The same for a group of stages, which quantifiers can repeat as a whole: what is added until
 * ps_pattern_end_group is in it, beginning with ps_pattern_begin. Groups nest, at most 32 deep. */
PS_API void ps_pattern_begin_group(ps_pattern *pattern);
PS_API void ps_pattern_next_group(ps_pattern *pattern);
PS_API void ps_pattern_followed_by_group(ps_pattern *pattern);
PS_API void ps_pattern_followed_by_any_group(ps_pattern *pattern);
PS_API void ps_pattern_end_group(ps_pattern *pattern);

/* ── conditions: without one a stage takes any row ── */

/* For a condition that looks back: the row, and what the run has matched before it. */
typedef bool ps_matched_condition(void *user, const ps_row *row, const ps_matched *before);

/* AND; of a row alone it is asked once, when the row comes. */
PS_API void ps_pattern_where(ps_pattern *pattern, ps_filter_function *test, void *user);
/* AND; asked for every run that waits for such a row. */
PS_API void ps_pattern_where_matched(ps_pattern *pattern, ps_matched_condition *test, void *user);
/* OR with everything that was asked for before. */
PS_API void ps_pattern_or(ps_pattern *pattern, ps_filter_function *test, void *user);
PS_API void ps_pattern_or_matched(ps_pattern *pattern, ps_matched_condition *test, void *user);
/* A stage or group that repeats without a maximum ends before a row for which this holds. Once. */
PS_API void ps_pattern_until(ps_pattern *pattern, ps_filter_function *test, void *user);
PS_API void ps_pattern_until_matched(ps_pattern *pattern, ps_matched_condition *test, void *user);

/* ── quantifiers: one of times …, then how ── */

PS_API void ps_pattern_times(ps_pattern *pattern, uint32_t count);
PS_API void ps_pattern_times_range(ps_pattern *pattern, uint32_t min, uint32_t max);
PS_API void ps_pattern_times_or_more(ps_pattern *pattern, uint32_t min);
PS_API void ps_pattern_one_or_more(ps_pattern *pattern);
/* Not directly behind a greedy stage. */
PS_API void ps_pattern_optional(ps_pattern *pattern);
/* As many as possible: a row that the stage could take is never the next stage's. */
PS_API void ps_pattern_greedy(ps_pattern *pattern);
/* Rows of one stage directly behind one another; otherwise rows that do not match are passed over.
 */
PS_API void ps_pattern_consecutive(ps_pattern *pattern);
/* Rows that match may be passed over, too: all combinations. Their number doubles with each row. */
PS_API void ps_pattern_allow_combinations(ps_pattern *pattern);

/* ── time, in milliseconds (> 0) ── */

/* The last row less than this after the first. The smallest of several counts. */
PS_API void ps_pattern_within(ps_pattern *pattern, int64_t ms);
/* The stage's row less than this after the row matched before it (for a stage without times). A
 * run that is over by this alone is told with the next row of its key. */
PS_API void ps_pattern_within_previous(ps_pattern *pattern, int64_t ms);
/* The same for the rows of a stage with times. It holds for the first row, measured from the stage
 * before, and between the rows but the last; not inside one_or_more and times_or_more. */
PS_API void ps_pattern_times_within(ps_pattern *pattern, int64_t ms);

/* ── after a match ── */

typedef enum {
    PS_SKIP_NONE,        /* every match */
    PS_SKIP_TO_NEXT,     /* no other match begins with the same row */
    PS_SKIP_PAST_LAST,   /* … with a row of this match */
    PS_SKIP_TO_FIRST_OF, /* … before the first row of a stage; skip_to */
    PS_SKIP_TO_LAST_OF   /* … before the last row of a stage; skip_to */
} ps_skip;
PS_API void ps_pattern_skip(ps_pattern *pattern, ps_skip skip);
/* must_hit: a match without a row of that stage, or that begins with it, is a failure. */
PS_API void ps_pattern_skip_to(ps_pattern *pattern, ps_skip skip, const char *name, bool must_hit);

/* ── limits: a pattern without within, or with all combinations, may never stop growing ── */

/* Runs that one key may have at a time (0: 10,000) and rows of one run (0: 100,000). Beyond it is a
 * failure (LIMIT), or, for runs, with `evicts`, the oldest is dropped. The runs of one key together
 * hold at most 10,000,000 rows, in the same way. */
PS_API void ps_pattern_limits(ps_pattern *pattern, uint64_t runs_per_key, uint64_t rows_per_run,
                              bool evicts);

/* What was built, for people: a tree of stages and states, or DOT text (Graphviz). Writes at most
 * size bytes, the last of them NUL; returns the length of the whole text, as snprintf does. */
PS_API size_t ps_pattern_print(ps_pattern *pattern, bool as_dot, char *out, size_t size);

/* ── what was matched; valid during the call that it is passed to ── */

/* How many rows of a stage, or of all (PS_STAGE_ANY). Linear in the match's length. */
PS_API uint32_t ps_matched_count(const ps_matched *matched, uint32_t stage);
/* The index-th of them, from 0, in the order in which they were matched; valid until the next call
 * of this or the next function for the same match. NULL: there are fewer. */
PS_API const ps_row *ps_matched_row(const ps_matched *matched, uint32_t stage, uint32_t index);
/* The index-th from the last; the fastest way to the last. */
PS_API const ps_row *ps_matched_last(const ps_matched *matched, uint32_t stage, uint32_t index);
/* When a partial match ran out of time, ms since the epoch; 0 for a match. */
PS_API int64_t ps_matched_timeout_ms(const ps_matched *matched);

/* ── collections ── */

/* Any number of rows (ps_out_row) for one match. */
typedef void ps_match_function(void *user, const ps_matched *match, ps_out *out);

typedef struct {
    const ps_column_def *columns; /* of the matches' collection: no key stands before them */
    ps_match_function *on_match;  /* NULL: matches are of no interest */
    const ps_column_def *timeout_columns;
    ps_match_function *on_timeout; /* of partial matches that ran out of time; NULL: likewise */
    void *user;
} ps_match_functions;

/* Rows carry the time of the match's last row, or the time at which a partial one ran out. */
typedef struct {
    ps_collection *matches, *timeouts;
    /* Rows of the input that came when the watermark had reached their time: they were not matched,
     * and are counted as late. */
    ps_collection *late;
} ps_match_outputs;

/* Matches per key (key_by; without one over all rows). Rows are matched in order of time, those of
 * the same time in order of arrival, when the watermark has passed them. The input needs with_time.
 * Each output may be read or left alone. */
PS_API ps_match_outputs ps_collection_match(ps_collection *in, ps_pattern *pattern,
                                            const ps_match_functions *functions);

/* ── one sequence, fed by the program ── */

typedef struct ps_sequence ps_sequence;
typedef void ps_sequence_function(void *user, const ps_matched *match);

typedef struct {
    ps_sequence_function *on_match, *on_timeout; /* NULL: of no interest */
    void *user;
} ps_sequence_functions;

/* INVALID: the pattern or the columns are wrong. NULL: it failed. */
PS_API ps_sequence *ps_sequence_new(ps_pattern *pattern, const ps_column_def *columns,
                                    const ps_sequence_functions *functions, ps_failure *failure);
PS_API void ps_sequence_free(ps_sequence *sequence);
/* Time goes on: runs whose time is up end, which may complete or free matches. */
PS_API bool ps_sequence_advance(ps_sequence *sequence, int64_t time_ms, ps_failure *failure);
/* Where the columns of the next row are set; what is not set is NULL. */
PS_API ps_out *ps_sequence_row(ps_sequence *sequence);
/* The row that was set, at that time (advance does not happen by itself, and times may fall).
 * INVALID: a skip that must hit did not; LIMIT. After a failure the sequence is of no use. */
PS_API bool ps_sequence_process(ps_sequence *sequence, int64_t time_ms, ps_failure *failure);

#ifdef __cplusplus
}
#endif

#endif
