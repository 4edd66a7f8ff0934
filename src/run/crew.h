/* Crew: the lanes of a job, one thread each, working in rounds.
 *
 * A round: every lane reads a range of the same file through its part of the plan up to the keyed
 * operators (a source that cannot be cut is read by the first lane alone) and deals the rows by
 * key; then every lane takes what was dealt to it, in the order of the ranges, through the rest of
 * the plan; then the first lane writes what the others' sinks got, in order of the lanes. So the
 * rows of a key keep their order, watermarks and sequence numbers are those of one lane, and the
 * output depends on nothing but the input and the number of lanes: from one lane to several, only
 * rows of different keys change places. Between two rounds nothing is under way: a checkpoint there
 * is a consistent cut. Decision 0014. Inside run only.
 */
#ifndef PS_RUN_CREW_H
#define PS_RUN_CREW_H

#include "run/lane.h"

typedef struct ps_crew ps_crew;

/* options->parallelism lanes where the plan can be dealt, else one. Borrows options. */
PS_CHECKED ps_code ps_crew_new(const ps_stream_job_options *options, ps_crew **out, ps_error *err);
void ps_crew_free(ps_crew *crew);

uint32_t ps_crew_size(const ps_crew *crew);
/* What keeps the plan to one lane (plan_lanes.h); NULL: nothing. */
const ps_node *ps_crew_obstacle(const ps_crew *crew);
ps_lane *ps_crew_lane(const ps_crew *crew, uint32_t number);
uint64_t ps_crew_state_size(const ps_crew *crew); /* bytes */

/* A round, or a step of the one lane, at that processing time; as ps_lane_step. */
PS_CHECKED ps_code ps_crew_step(ps_crew *crew, const ps_program_clock *clock, int *out_state,
                                ps_error *err);
PS_CHECKED ps_code ps_crew_release(ps_crew *crew, ps_error *err);

/* As those of lanes, for all of them. PS_E_VERSION: saved by another number of lanes. */
PS_CHECKED ps_code ps_crew_save_begin(ps_crew *crew, ps_checkpoint_writer *writer, ps_error *err);
PS_CHECKED bool ps_crew_save_more(ps_crew *crew, ps_checkpoint_writer *writer, uint32_t chunks_max);
void ps_crew_save_abort(ps_crew *crew);
PS_CHECKED ps_code ps_crew_load(ps_crew *crew, ps_checkpoint_reader *reader, ps_error *err);

#endif
