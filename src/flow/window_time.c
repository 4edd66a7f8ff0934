#include "flow/window_time.h"

enum { HOUR_MS = 3600000 };

int64_t ps_window_sum(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) {
        return a < 0 ? INT64_MIN : INT64_MAX;
    }
    return sum;
}

int64_t ps_window_floor(int64_t local_ms, int64_t offset_ms, int64_t size_ms)
{
    int64_t rest = ps_window_sum(local_ms, -offset_ms) % size_ms;
    rest = rest < 0 ? rest + size_ms : rest;
    return ps_window_sum(local_ms, -rest);
}

int64_t ps_window_slice_end(const ps_window *window, int64_t local_ms)
{
    int64_t size = ps_window_slice_ms(window);
    return ps_window_sum(ps_window_floor(local_ms, window->offset_ms, size), size);
}

int64_t ps_window_last_end(const ps_window *window, int64_t slice_end)
{
    switch (window->kind) {
    case PS_WINDOW_HOP:
        return ps_window_sum(slice_end, window->size_ms - window->step_ms);
    case PS_WINDOW_CUMULATE:
        return ps_window_sum(ps_window_start(window, slice_end), window->size_ms);
    case PS_WINDOW_TUMBLE:
    case PS_WINDOW_SESSION:
    case PS_WINDOW_ATTACHED:
        return slice_end;
    }
    PS_ASSERT(false);
}

int64_t ps_window_start(const ps_window *window, int64_t window_end)
{
    if (window->kind == PS_WINDOW_CUMULATE) {
        return ps_window_floor(ps_window_sum(window_end, -1), window->offset_ms, window->size_ms);
    }
    return ps_window_sum(window_end, -window->size_ms);
}

int64_t ps_window_closes_at(const ps_window *window, int64_t window_end)
{
    int64_t last = ps_window_sum(window_end, -1);
    const ps_zone *zone = window->zone;
    if (zone == NULL) {
        return last;
    }
    int64_t instant = ps_zone_to_epoch(zone, last);
    if (ps_window_local(window, instant) != last) { /* no such time: the jump */
        return ps_zone_to_epoch(zone, ps_window_floor(last, 0, HOUR_MS));
    }
    int64_t later = ps_window_sum(instant, HOUR_MS);
    return ps_window_local(window, later) == last ? later : instant;
}

int64_t ps_window_time(const ps_window *window, int64_t window_end)
{
    int64_t last = ps_window_sum(window_end, -1);
    return window->zone != NULL ? ps_zone_to_epoch(window->zone, last) : last;
}
