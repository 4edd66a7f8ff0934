#include "flow/window_bounds.h"

#include "data/datetime.h"

int64_t ps_window_start(int64_t time, int64_t offset, int64_t size)
{
    int64_t remainder = (time - offset) % size;
    return remainder < 0 ? time - (remainder + size) : time - remainder;
}

int64_t ps_window_local(const ps_window *window, int64_t time)
{
    return window->zone != NULL ? time + ps_zone_offset_at(window->zone, time) : time;
}

int64_t ps_window_instant(const ps_window *window, int64_t local)
{
    return window->zone != NULL ? ps_zone_to_epoch(window->zone, local) : local;
}

uint64_t ps_window_count_max(const ps_window *window)
{
    switch (window->kind) {
    case PS_WINDOW_TUMBLE:
        return 1;
    case PS_WINDOW_HOP:
    case PS_WINDOW_CUMULATE:
        return (uint64_t)((window->size_ms + window->step_ms - 1) / window->step_ms);
    case PS_WINDOW_SESSION:
    case PS_WINDOW_ATTACHED:
        break;
    }
    PS_ASSERT(false); /* their bounds are not a function of the time */
}

bool ps_window_at(const ps_window *window, int64_t local, uint64_t index, ps_window_bounds *out)
{
    int64_t back = (int64_t)index * window->step_ms;
    switch (window->kind) {
    case PS_WINDOW_TUMBLE:
        out->start = ps_window_start(local, window->offset_ms, window->size_ms);
        out->end = out->start + window->size_ms;
        return index == 0;
    case PS_WINDOW_HOP:
        out->start = ps_window_start(local, window->offset_ms, window->step_ms) - back;
        out->end = out->start + window->size_ms;
        return out->start > local - window->size_ms;
    case PS_WINDOW_CUMULATE:
        out->start = ps_window_start(local, window->offset_ms, window->size_ms);
        out->end =
            ps_window_start(local, window->offset_ms, window->step_ms) + window->step_ms + back;
        return out->end <= out->start + window->size_ms;
    case PS_WINDOW_SESSION:
    case PS_WINDOW_ATTACHED:
        break;
    }
    PS_ASSERT(false);
}
