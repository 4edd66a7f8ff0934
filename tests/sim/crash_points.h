/* Enumerations over the reference workload: before each of its file operations the process or the
 * power goes, in every way that a disk can be left; what is found then is judged by an oracle that
 * is no part of the engine. */
#ifndef PS_TESTS_CRASH_POINTS_H
#define PS_TESTS_CRASH_POINTS_H

#include "reference.h"

typedef struct {
    uint32_t sessions, groups;
    /* only where files change hands: after renames, and while the first batch of a segment (the first
     * block of a snapshot) is not synced */
    bool hot_spots;
    uint32_t every; /* of the operations; the first one is drawn from `offset` */
    uint32_t offset;
    uint32_t live_on_every; /* of the images: retries, new work, shutdown, start after the check */
    uint32_t nested_every;  /* of the images: three more crashes while it is recovered */
    uint64_t seed;
    bool kills_only; /* no power cuts */
} crash_points_options;

typedef struct {
    uint64_t operations; /* of the workload */
    uint64_t images;
    uint64_t nested;
    uint64_t torn_tails; /* seen by recovery */
    uint64_t from_snapshot;
    uint64_t longer_than_acknowledged; /* what was in flight survived */
    uint64_t records;
    char failure[600]; /* empty: all held */
} crash_points_result;

void crash_points_run(const crash_points_options *options, crash_points_result *out_result);

#endif
