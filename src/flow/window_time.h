/* Window bounds: which slice a time falls in, and when a window closes (SEMANTICS §6.2, §6.4).
 *
 * Bounds are wall clock milliseconds: of the plain timestamp, or of the window's zone when the time
 * is an instant. Windows overlap in slices: HOP's are as long as the slide, CUMULATE's as the step;
 * TUMBLE has one. A slice is named by its end. Sums saturate: times at the ends of the range fall
 * into windows that never close but at the end of the input. */
#ifndef PS_FLOW_WINDOW_TIME_H
#define PS_FLOW_WINDOW_TIME_H

#include "data/datetime.h"
#include "flow/spec.h"

/* ts − floormod(ts − offset, size). */
int64_t ps_window_floor(int64_t local_ms, int64_t offset_ms, int64_t size_ms);
int64_t ps_window_sum(int64_t a, int64_t b);

static inline int64_t ps_window_local(const ps_window *window, int64_t time_ms)
{
    return window->zone != NULL ? ps_window_sum(time_ms, ps_zone_offset_at(window->zone, time_ms))
                                : time_ms;
}
static inline int64_t ps_window_slice_ms(const ps_window *window)
{
    return window->kind == PS_WINDOW_TUMBLE ? window->size_ms : window->step_ms;
}
/* Of TUMBLE, HOP and CUMULATE: the end of the slice that holds the local time. */
int64_t ps_window_slice_end(const ps_window *window, int64_t local_ms);
/* The first and the last window that a slice is in, and the start of a window, by their ends. The
 * first one is the slice's own end. */
int64_t ps_window_last_end(const ps_window *window, int64_t slice_end);
int64_t ps_window_start(const ps_window *window, int64_t window_end);

/* The least watermark that closes a window: its last millisecond as an instant. Where the wall
 * clock jumps over it, the instant of the jump; where it is shown twice, the later one, so that
 * both hours belong to the window. */
int64_t ps_window_closes_at(const ps_window *window, int64_t window_end);
/* The time attribute of a window's result. */
int64_t ps_window_time(const ps_window *window, int64_t window_end);

#endif
