/* Hashed timer wheel: thousands of deadlines, of which nearly all are moved or removed before they
 * are due (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987, scheme 6).
 *
 * Adding, moving and removing are O(1); advancing looks only at the slots that time has passed. A
 * timer never fires before its deadline, and fires in the first advance that is at least one tick
 * behind it. Timers are embedded in the caller's objects; nothing is allocated. Time is passed in,
 * monotonic nanoseconds. Threads: one.
 */
#ifndef PS_SERVE_TIMER_WHEEL_H
#define PS_SERVE_TIMER_WHEEL_H

#include "base/error.h"

enum { PS_TIMER_SLOTS = 512 };

typedef struct ps_timer {
    struct ps_timer *prev, *next; /* NULL when not set */
    int64_t due_tick;             /* the first tick at or behind the deadline */
    int64_t deadline_ns;
} ps_timer;

typedef struct {
    int64_t tick_ns;
    int64_t now_tick; /* every timer with due_tick ≤ now_tick has fired */
    size_t count;
    ps_timer slots[PS_TIMER_SLOTS]; /* list heads */
} ps_timer_wheel;

typedef void (*ps_timer_fire)(void *context, ps_timer *timer);

void ps_timer_wheel_init(ps_timer_wheel *wheel, int64_t tick_ns, int64_t now_ns);

/* Sets or moves. A deadline in the past is due in the next advance that passes a tick. */
void ps_timer_set(ps_timer_wheel *wheel, ps_timer *timer, int64_t deadline_ns);
void ps_timer_remove(ps_timer_wheel *wheel, ps_timer *timer); /* not set: nothing happens */
static inline bool ps_timer_is_set(const ps_timer *timer)
{
    return timer->next != NULL;
}

/* Calls fire for every timer that is due, after it has been removed; fire may set and remove any
 * timer (one that it sets into the past waits for the next advance). */
void ps_timer_wheel_advance(ps_timer_wheel *wheel, int64_t now_ns, ps_timer_fire fire,
                            void *context);

#endif
