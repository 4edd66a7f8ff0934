/* Pipelines: streams of rows through functions, windows, groupings and joins, in the words of the
 * Beam model (Akidau et al., The Dataflow Model, VLDB 2015): what is computed, where in event time
 * (windows), when results appear (watermark, early and late panes), how they refine one another
 * (discarding, accumulating).
 *
 *     ps_pipeline *p = ps_pipeline_new();
 *     ps_collection *lines = ps_pipeline_read_text(p, "in.txt");
 *     ps_collection_write_text(ps_collection_map(lines, NULL, shout, NULL), "out");
 *     bool done = ps_pipeline_run(p, NULL, &failure);
 *     ps_pipeline_free(p);
 *
 * Building. Each call adds a step and gives back its output, a ps_collection, which may be read by
 * any number of steps; it belongs to the pipeline and ends with it. Nothing runs yet. A call that
 * cannot be done never gives NULL: the pipeline remembers its first failure (an unknown column, an
 * option that is wrong, no memory) and ps_pipeline_run tells it. Definitions, names and options are
 * copied; `user` pointers are borrowed until ps_pipeline_free.
 *
 * Time is in milliseconds since 1970-01-01T00:00:00Z; durations are in milliseconds.
 * The result depends on the input alone: not on batch sizes, nor on when the run was stopped and
 * resumed.
 * Threads. A pipeline belongs to one thread; user functions are called in the thread of
 * ps_pipeline_run, in the order of the rows. ps_pipeline_stop may be called from anywhere.
 */
#ifndef PAYSTREAM_PIPELINE_H
#define PAYSTREAM_PIPELINE_H

#include <paystream/row.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ps_pipeline ps_pipeline;
typedef struct ps_collection ps_collection;
typedef struct ps_group ps_group;

PS_API ps_pipeline *ps_pipeline_new(void); /* NULL: no memory */
PS_API void ps_pipeline_free(ps_pipeline *pipeline);

/* ── sources ── */

/* The lines of a file, or of the files of a directory in order of name, plain, .gz or .zst: one
 * TEXT column "line", without the line end. */
PS_API ps_collection *ps_pipeline_read_text(ps_pipeline *pipeline, const char *path);

/* An option of a connector or format, by the name that SQL's CREATE TABLE … WITH has for it. */
typedef struct {
    const char *key, *value;
} ps_option;
#define PS_OPTIONS(...) ((const ps_option[]){__VA_ARGS__, {NULL, NULL}})

/* Any source of the SQL face: {"connector", "filesystem"}, {"path", …}, {"format", "csv"} … Columns
 * of kind OTHER cannot be declared here. */
PS_API ps_collection *ps_pipeline_read(ps_pipeline *pipeline, const ps_column_def *columns,
                                       const ps_option *options);

typedef enum { PS_READ_ROW, PS_READ_IDLE, PS_READ_END, PS_READ_FAILED } ps_read_result;

/* A source of your own. read sets the columns of one row: PS_READ_ROW; or says that there is none
 * now but may be later (IDLE: asked again within milliseconds) or none any more (END), or has
 * called ps_out_fail (FAILED). It must not wait. */
typedef struct {
    ps_read_result (*read)(void *user, ps_out *out);
    /* Where the next read begins, for checkpoints: writes at most `size` (4,096) bytes, returns how
     * many. NULL: a resumed run begins at the start again. */
    size_t (*save)(void *user, void *position, size_t size);
    /* Goes back there; false: cannot. */
    bool (*restore)(void *user, const void *position, size_t size);
    void (*close)(void *user); /* NULL: nothing to do. Called once, if the run got so far */
    void *user;
} ps_source_functions;
PS_API ps_collection *ps_pipeline_read_custom(ps_pipeline *pipeline, const ps_column_def *columns,
                                              const ps_source_functions *source);

/* ── row by row ── */

typedef void ps_map_function(void *user, const ps_row *in, ps_out *out);
typedef bool ps_filter_function(void *user, const ps_row *in);
typedef int64_t ps_time_function(void *user, const ps_row *in);

/* One row for each; event time, window and pane stay. columns NULL: those of `in`. */
PS_API ps_collection *ps_collection_map(ps_collection *in, const ps_column_def *columns,
                                        ps_map_function *map, void *user);
/* Any number of rows for each: ps_out_row ends one. Event time, window and pane stay. */
PS_API ps_collection *ps_collection_flat_map(ps_collection *in, const ps_column_def *columns,
                                             ps_map_function *map, void *user);
/* The rows for which keep says true. */
PS_API ps_collection *ps_collection_filter(ps_collection *in, ps_filter_function *keep, void *user);

/* Gives the rows event time. The watermark, "no earlier row will come", is the greatest time seen
 * less out_of_order_ms (≥ 0) less 1, told once it is after 1970; at the end of the input it passes
 * everything. time_ms must not give INT64_MIN. */
PS_API ps_collection *ps_collection_with_time(ps_collection *in, ps_time_function *time_ms,
                                              void *user, int64_t out_of_order_ms);

/* All rows of both, which must have the same columns, windows and keys. */
PS_API ps_collection *ps_collection_flatten(ps_collection *a, ps_collection *b);

/* ── windows and keys ── */

typedef enum {
    PS_WINDOWING_GLOBAL,  /* one window, which ends with the input */
    PS_WINDOWING_FIXED,   /* [k·size + offset, (k+1)·size + offset) */
    PS_WINDOWING_SLIDING, /* windows of `size`, one begins every `period`: a row is in size ÷ period
                             of them and is copied into each */
    PS_WINDOWING_SESSION  /* rows of a key that are less than `gap` apart */
} ps_windowing_kind;

typedef struct {
    ps_windowing_kind kind;
    int64_t size_ms, period_ms, gap_ms, offset_ms;
    /* A window fires when the watermark passes its end (on time). Rows that come afterwards fire it
     * again at once (late), until the watermark is that far behind the end; then they are dropped
     * and counted (ps_run_counts.rows_late), and the window's state is forgotten. */
    int64_t allowed_lateness_ms;
    uint32_t early_rows; /* also fires after every so many rows before its end (early); 0: not */
    /* A further pane holds all rows of the window so far; false: those since the last pane. */
    bool is_accumulating;
} ps_windowing;

/* Puts rows with event time into windows: for the groupings and joins behind it. Before, all rows
 * are in the global window. */
PS_API ps_collection *ps_collection_window(ps_collection *in, const ps_windowing *windowing);

/* The columns, by name, that groupings and joins go by: "card" or "card,currency". Kept until map,
 * flat_map or a grouping makes new columns. */
PS_API ps_collection *ps_collection_key_by(ps_collection *in, const char *names);

/* ── groupings: per key and window; the output has the key's columns, then the results', and each
 * row its pane; its time is the window's last millisecond ── */

/* An aggregate of SQL: {"SUM", "amount", "total"}: COUNT, SUM, MIN, MAX, AVG, …; the column may be
 * NULL for COUNT (all rows). Results are of the kind that SQL gives. */
typedef struct {
    const char *function, *column, *name;
} ps_aggregate_def;
#define PS_AGGREGATES(...) ((const ps_aggregate_def[]){__VA_ARGS__, {NULL, NULL, NULL}})
PS_API ps_collection *ps_collection_aggregate(ps_collection *in,
                                              const ps_aggregate_def *aggregates);

/* A combine function of your own over `state_size` bytes (1 … 4,096), aligned to 16, zeroed for an
 * empty window; no pointers in them, for they are saved in checkpoints and moved. */
typedef struct {
    uint32_t state_size;
    void (*add)(void *user, void *state, const ps_row *in);
    /* into := both; needed for sessions only. */
    void (*merge)(void *user, void *into, const void *from);
    /* Sets `columns`, numbered from 0 (the key stands before them by itself). */
    void (*result)(void *user, const void *state, ps_out *out);
    void *user;
} ps_combine_functions;
PS_API ps_collection *ps_collection_combine(ps_collection *in, const ps_column_def *columns,
                                            const ps_combine_functions *combine);

/* All rows of the group, in order of arrival (of sessions that were merged, one's behind the
 * other's); any number of rows out (ps_out_row), `columns` being numbered from 0. The rows are kept
 * until the window is forgotten. */
typedef void ps_group_function(void *user, ps_group *group, ps_out *out);
PS_API ps_collection *ps_collection_group(ps_collection *in, const ps_column_def *columns,
                                          ps_group_function *function, void *user);
/* The next row, valid until the next call; NULL: that was the last one. */
PS_API const ps_row *ps_group_next(ps_group *group);

typedef enum {
    PS_JOIN_TYPE_INNER,
    PS_JOIN_TYPE_LEFT, /* rows of the left side without a partner, too; and so on */
    PS_JOIN_TYPE_RIGHT,
    PS_JOIN_TYPE_FULL
} ps_join_type;
/* Pairs of rows with equal keys in the same window (fixed or sliding, the same on both sides), when
 * the watermark passes its end; later rows are dropped and counted. Output: the left columns, then
 * the right ones; of equal names the right one gets "right_" before it. */
PS_API ps_collection *ps_collection_join(ps_collection *left, ps_collection *right,
                                         ps_join_type type);

/* ── sinks ── */

/* The one TEXT column as lines, into part files in a directory (made when missing) that appear
 * whole: part-RUN-NUMBER.raw. */
PS_API void ps_collection_write_text(ps_collection *in, const char *directory);
/* Any sink of the SQL face: {"connector", "filesystem"}, {"path", …}, {"format", "json"} … */
PS_API void ps_collection_write(ps_collection *in, const ps_option *options);
/* write gets each row, in order; false: the run fails. After a crash rows since the last checkpoint
 * come again: at least once. flush is called before each checkpoint and at the end. */
typedef struct {
    bool (*write)(void *user, const ps_row *row);
    bool (*flush)(void *user); /* NULL: nothing to do */
    void *user;
} ps_sink_functions;
PS_API void ps_collection_write_custom(ps_collection *in, const ps_sink_functions *sink);

/* ── running ── */

typedef struct {
    /* Checkpoints go here; a run that finds one goes on from it, exactly once. NULL: none. */
    const char *state_dir;
    int64_t checkpoint_interval_ms; /* 0: only when stopped */
    uint64_t memory_max;            /* bytes of state; 0: 8 GiB */
    uint32_t batch_rows;            /* 0: 1,024, the most */
} ps_run_options;

/* Until the sources have ended or the pipeline was stopped. Once per pipeline. options NULL: all
 * zero. INVALID, MISSING: the first failure of building it, or of a function or source; LIMIT:
 * memory_max, with the step's name; VERSION: state_dir holds another pipeline's state; IO … */
PS_API bool ps_pipeline_run(ps_pipeline *pipeline, const ps_run_options *options,
                            ps_failure *failure);
/* Asks run to save a checkpoint (with a state_dir) and return. Any thread, signal handlers. */
PS_API void ps_pipeline_stop(ps_pipeline *pipeline);

typedef struct {
    uint64_t rows_in;   /* of the sources */
    uint64_t rows_out;  /* of the sinks */
    uint64_t rows_late; /* dropped */
} ps_run_counts;
/* Of the last run, after it. */
PS_API void ps_pipeline_counts(const ps_pipeline *pipeline, ps_run_counts *out);

#ifdef __cplusplus
}
#endif

#endif
