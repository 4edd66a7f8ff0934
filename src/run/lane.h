/* Lane: one instance of a plan's operators, wired together; single-threaded. Inside run only.
 *
 * Of several lanes (crew.h) the first has the sources and sinks. Each has sources that read ranges;
 * edges into keyed operators are exchanges, and what the others' sinks get is piled up. */
#ifndef PS_RUN_LANE_H
#define PS_RUN_LANE_H

#include "flow/merge.h"
#include "flow/operators.h"
#include "run/checkpoint.h"
#include "run/exchange.h"
#include "run/stream_job.h"

typedef struct ps_lane ps_lane;
typedef struct ps_instance ps_instance;

typedef struct {
    ps_instance *to;
    uint32_t input;
    ps_exchange *exchange; /* NULL: rows go straight to the input */
} ps_edge;

/* A node in a lane. One of source, values, op, sink is its work. */
struct ps_instance {
    ps_lane *lane;
    const ps_node *node;
    ps_outlet outlet;
    uint32_t edge_count;
    ps_edge *edges; /* to whom its rows go */
    uint32_t late_edge_count;
    ps_edge *late_edges; /* to whom the rows go that it drops as late */
    ps_late_rows *late;  /* NULL: nobody reads them */
    ps_store *store;
    ps_operator *op;
    ps_merge *merge; /* two or more inputs */
    ps_sink *sink;
    bool is_query_sink;
    ps_buf prepared;  /* of the sink, for the checkpoint under way */
    ps_exchange *out; /* SINK of another lane than the first: its rows, until they are written */
    /* SOURCE, VALUES */
    ps_source *source;
    ps_source *range_source; /* reads ranges of the same table; NULL: it cannot */
    bool has_ended;
    bool is_idle;           /* had nothing when it was asked last */
    int64_t idle_since_ms;  /* 0: not */
    bool holds_nobody_back; /* every source behind it has been idle for the idle timeout */
    bool is_side_input;     /* feeds a lookup table: read first */
    uint64_t sequence;      /* rows read */
    int64_t *watermarks;
    uint64_t *sequences;
    const ps_instance *watermark; /* the first Watermark behind a source; NULL: none */
    int64_t reached;              /* event time of what was read */
    /* counters */
    uint64_t rows_in;
    int64_t time_ns; /* with options->times_operators */
};

/* Which lane it is of how many. Borrowed but for the values. */
typedef struct {
    uint32_t number, count;
    ps_budget *budget;
    const ps_connector_context *surroundings;
    ps_dead_letter *range_letters; /* of ranges and operators; unused by a single lane */
    const bool *is_exchanged;      /* per node: its inputs are exchanges; unused by a single lane */
} ps_lane_place;

struct ps_lane {
    const ps_stream_job_options *options;
    ps_lane_place place;
    ps_connector_context range_surroundings;
    ps_arena arena;
    ps_program_clock clock;
    int64_t fed_ns; /* while an instance works: what passed in those that it feeds */
    uint32_t exchange_count;
    ps_exchange **exchanges; /* in order of the nodes and inputs that they lead to */
    ps_edge *exchange_ends;  /* where those lead */
    uint32_t instance_count;
    ps_instance *instances; /* by node id */
    uint64_t rows_in, rows_out;
    uint32_t save_node, save_region; /* where a checkpoint under way goes on */
};

PS_CHECKED ps_code ps_lane_new(const ps_stream_job_options *options, const ps_lane_place *place,
                               ps_lane **out, ps_error *err);
void ps_lane_free(ps_lane *lane);

/* Reads one batch of the source that is furthest behind and pushes it through. *out_state:
 * PS_SOURCE_MORE, _IDLE (no source had anything) or _END (all have ended). */
PS_CHECKED ps_code ps_lane_step(ps_lane *lane, int *out_state, ps_error *err);

/* ── steps of a lane among others ── */
/* The source to read next, as ps_lane_step chooses it; NULL: none has anything, *out_state says
 * whether for good. */
PS_CHECKED ps_code ps_lane_choose(ps_lane *lane, ps_instance **out, int *out_state, ps_error *err);
/* Sources that have had nothing for the idle timeout hold no merge back (SEMANTICS §5.3). */
PS_CHECKED ps_code ps_lane_look_for_idle(ps_lane *lane, ps_error *err);
/* One batch of the source. */
PS_CHECKED ps_code ps_lane_read(ps_instance *source, ps_error *err);
/* All rows of the range that range_source was given. */
PS_CHECKED ps_code ps_lane_read_range(ps_instance *source, ps_error *err);
/* A batch arrives at an input. */
PS_CHECKED ps_code ps_lane_arrive(ps_instance *to, uint32_t input, const ps_batch *batch,
                                  ps_error *err);
/* Event time begins anew for an operator without other state. */
void ps_lane_forget_time(ps_instance *at);

/* All sources have ended and no final watermark comes: rows that wait for another input go on. */
PS_CHECKED ps_code ps_lane_release(ps_lane *lane, ps_error *err);

/* ── checkpoints ── */
/* The barrier, between steps: positions, marks and prepared sinks are written, the state is frozen
 * as it is. Then more of the state is handed out, at most chunks_max × 64 KiB a call, until that
 * says true; steps may lie between. abort drops what is still owed. */
PS_CHECKED ps_code ps_lane_save_begin(ps_lane *lane, ps_checkpoint_writer *writer, ps_error *err);
PS_CHECKED bool ps_lane_save_more(ps_lane *lane, ps_checkpoint_writer *writer, uint32_t chunks_max);
void ps_lane_save_abort(ps_lane *lane);
/* Back into a fresh lane, whose sinks then commit what was prepared: what the barrier wrote, then
 * (of all lanes in turn) the state. */
PS_CHECKED ps_code ps_lane_load(ps_lane *lane, ps_checkpoint_reader *reader, ps_error *err);
PS_CHECKED ps_code ps_lane_load_state(ps_lane *lane, ps_checkpoint_reader *reader, ps_error *err);
/* After the checkpoint is durable. */
PS_CHECKED ps_code ps_lane_commit(ps_lane *lane, ps_error *err);
/* Nothing was ever saved: sinks drop what a killed process left. */
PS_CHECKED ps_code ps_lane_start_anew(ps_lane *lane, ps_error *err);
/* The job has ended: all rows become visible. */
PS_CHECKED ps_code ps_lane_finish(ps_lane *lane, ps_error *err);

#endif
