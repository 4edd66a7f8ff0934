/* Window bounds: which windows a time falls into (SEMANTICS §6.2). All times are ms; starts and ends
 * are of the wall clock that windows align to: UTC, or the session zone for LTZ time columns. */
#ifndef PS_FLOW_WINDOW_BOUNDS_H
#define PS_FLOW_WINDOW_BOUNDS_H

#include "flow/spec.h"

typedef struct {
    int64_t start, end; /* [start, end) */
} ps_window_bounds;

/* time − floormod(time − offset, size): right for negative times too. */
int64_t ps_window_start(int64_t time, int64_t offset, int64_t size);

/* The wall clock of an instant, and the instant of a wall clock (zone NULL: the same). */
int64_t ps_window_local(const ps_window *window, int64_t time);
int64_t ps_window_instant(const ps_window *window, int64_t local);

/* TUMBLE, HOP, CUMULATE: how many windows hold a row at most. */
uint64_t ps_window_count_max(const ps_window *window);
/* Window number `index` (from 0) of a local time: HOP from the latest start backwards, CUMULATE from
 * the earliest end forwards. False: there are no more. */
bool ps_window_at(const ps_window *window, int64_t local, uint64_t index, ps_window_bounds *out);

#endif
