/* The connector contract: sources and sinks as the runner and the planner see them. Implemented in
 * connect (conn_*.c) and by C programs; run knows no others.
 *
 * A source reads one table in one or more splits; each split is an ordered stream of rows with a
 * position to go on from. A sink takes rows and makes them visible at commits.
 * Threads: a split, and a sink, belong to one thread at a time.
 */
#ifndef PS_FLOW_CONNECTOR_H
#define PS_FLOW_CONNECTOR_H

#include "base/io.h"
#include "expr/program.h"
#include "flow/graph.h"

/* What the planner must know of a table before it plans. */
typedef struct {
    bool can_read, can_write;
    bool is_bounded;           /* as a source */
    ps_changes source_changes; /* kinds that a read delivers */
    bool source_may_repeat;    /* keyed changelog with repeated rows: needs NORMALIZE */
    ps_changes sink_changes;   /* the most that a write takes: APPEND, UPSERT (with a primary key)
                                   or RETRACT */
} ps_table_traits;

/* Where a bad row goes, and what counts it: the runner's. */
typedef struct ps_dead_letter ps_dead_letter;
struct ps_dead_letter {
    /* Takes one bad row; PS_E_IO when it cannot be kept: the job then fails. */
    ps_code (*take)(ps_dead_letter *letter, ps_slice table, const char *source, uint64_t position,
                    const char *reason, ps_slice raw, ps_error *err);
};

/* What connectors get from their surroundings; borrowed. */
typedef struct {
    ps_io *io;
    const char *data_dir; /* journal tables; NULL: none */
    ps_dead_letter *dead_letter;
    const ps_expr_context *expressions;
    void *journal; /* serve: the running engine's journal; NULL: open data_dir read-only */
    uint32_t lane, lane_count;
} ps_connector_context;

typedef struct ps_source ps_source;
typedef struct ps_sink ps_sink;

enum { PS_POSITION_MAX = 4096 };

/* Records that begin at from … to−1 bytes of a file's content, for lanes that read one file
 * together. Where the first of them begins is a guess unless `is_exact`: behind the first line end
 * from from−1 on. A range is right when its first record begins where the range before has ended.
 * */
typedef struct {
    const char *path; /* valid until the source that gave it is asked again */
    uint64_t from, to;
    bool is_exact;
    uint64_t lines_before; /* in the file; known for what `ahead` gives */
} ps_source_range;

/* What reading a range has found. */
typedef struct {
    uint64_t from, to; /* where its first record begins, and behind its last one */
    uint64_t lines;
} ps_source_range_read;

typedef struct {
    /* The next rows: at most PS_BATCH_ROWS, columns as spec->leaves, kinds when the table's changes
     * are not APPEND; watermarks, sequences are the runner's to fill (NULL). Valid until the next
     * call. *out_state says whether more can come. A bad row fails with PS_E_INVALID (file, line,
     * column, reason) or goes to the dead letters, as the format's options say. */
    ps_code (*read)(ps_source *source, ps_batch *out_batch, int *out_state, ps_error *err);
    /* Where the next read begins, as bytes (≤ PS_POSITION_MAX), and going back there. */
    ps_code (*position)(ps_source *source, ps_buf *out, ps_error *err);
    ps_code (*seek)(ps_source *source, ps_slice position, ps_error *err);
    /* For the progress line: bytes or rows done and in all (0: unknown). */
    void (*progress)(const ps_source *source, uint64_t *out_done, uint64_t *out_total);
    void (*close)(ps_source *source);
    /* Reading in parts, by instances of one table, each its own thread's; NULL: it cannot.
     * ahead: what comes next, as one exact range to the end of the file under way; an empty one:
     * nothing that can be cut (call read). behind: goes on behind the range that was read.
     * read_range (another instance): read gives the range's rows from now on, then PS_SOURCE_END;
     * lines in errors and dead letters count from the range's begin, unless it is exact. */
    ps_code (*ahead)(ps_source *source, ps_source_range *out, ps_error *err);
    ps_code (*behind)(ps_source *source, const ps_source_range_read *read, ps_error *err);
    ps_code (*read_range)(ps_source *source, const ps_source_range *range, ps_error *err);
    ps_source_range_read (*range_read)(const ps_source *source);
} ps_source_class;

enum {
    PS_SOURCE_MORE = 0, /* call again */
    PS_SOURCE_IDLE = 1, /* nothing now; more may come later */
    PS_SOURCE_END = 2   /* the split has ended */
};

struct ps_source {
    const ps_source_class *class;
    uint64_t bad_row_count; /* to dead letters; kept by the source */
};

typedef struct {
    /* Rows of the sink's columns, kinds as ps_sink_spec says. */
    ps_code (*write)(ps_sink *sink, const ps_batch *batch, ps_error *err);
    /* Two-phase commit around a checkpoint: prepare makes all rows written so far durable but
     * invisible and appends what commit needs to out (it is stored in the checkpoint); commit makes
     * them visible and must succeed when repeated, also in a later process; abort_after drops what
     * was written after the checkpoint whose prepared bytes are given (empty: since the start). */
    ps_code (*prepare)(ps_sink *sink, ps_buf *out, ps_error *err);
    ps_code (*commit)(ps_sink *sink, ps_slice prepared, ps_error *err);
    ps_code (*abort_after)(ps_sink *sink, ps_slice prepared, ps_error *err);
    /* Everything out, visible (end of a job). */
    ps_code (*finish)(ps_sink *sink, ps_error *err);
    void (*close)(ps_sink *sink);
} ps_sink_class;

struct ps_sink {
    const ps_sink_class *class;
    uint64_t row_count;
};

/* One entry per value of 'connector'. */
typedef struct {
    const char *name;
    const char *summary; /* for the reference */
    /* Checks all options of the table (unknown ones: PS_E_INVALID with the nearest name) and says
     * what it can. */
    ps_code (*traits)(const ps_table_info *table, ps_table_traits *out, ps_error *err);
    /* NULL where it cannot. */
    ps_code (*open_source)(const ps_source_spec *spec, const ps_connector_context *context,
                           ps_source **out, ps_error *err);
    ps_code (*open_sink)(const ps_sink_spec *spec, const ps_connector_context *context,
                         ps_sink **out, ps_error *err);
} ps_connector;

/* The set that a program knows; ends with NULL. */
typedef struct {
    const ps_connector *const *connectors;
} ps_connector_set;

/* NULL: none of that name. */
const ps_connector *ps_connector_find(const ps_connector_set *set, ps_slice name);
/* NULL: not given. Borrows. */
const ps_slice *ps_table_option(const ps_table_info *table, const char *key);

#endif
