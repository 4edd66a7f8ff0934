#include "serve/timer_wheel.h"

static void list_init(ps_timer *head)
{
    head->prev = head;
    head->next = head;
}

static void list_append(ps_timer *head, ps_timer *timer)
{
    timer->prev = head->prev;
    timer->next = head;
    head->prev->next = timer;
    head->prev = timer;
}

static void list_unlink(ps_timer *timer)
{
    timer->prev->next = timer->next;
    timer->next->prev = timer->prev;
    timer->prev = NULL;
    timer->next = NULL;
}

void ps_timer_wheel_init(ps_timer_wheel *wheel, int64_t tick_ns, int64_t now_ns)
{
    PS_ASSERT(tick_ns > 0 && now_ns >= 0);
    wheel->tick_ns = tick_ns;
    wheel->now_tick = now_ns / tick_ns;
    wheel->count = 0;
    for (size_t i = 0; i < PS_TIMER_SLOTS; i++) {
        list_init(&wheel->slots[i]);
    }
}

void ps_timer_set(ps_timer_wheel *wheel, ps_timer *timer, int64_t deadline_ns)
{
    PS_ASSERT(deadline_ns >= 0 && deadline_ns <= INT64_MAX - wheel->tick_ns);
    ps_timer_remove(wheel, timer);
    int64_t tick = (deadline_ns + wheel->tick_ns - 1) / wheel->tick_ns;
    /* A slot that was passed already would be looked at a whole turn later. */
    timer->due_tick = tick > wheel->now_tick ? tick : wheel->now_tick + 1;
    timer->deadline_ns = deadline_ns;
    list_append(&wheel->slots[timer->due_tick % PS_TIMER_SLOTS], timer);
    wheel->count++;
}

void ps_timer_remove(ps_timer_wheel *wheel, ps_timer *timer)
{
    if (!ps_timer_is_set(timer)) {
        return;
    }
    PS_ASSERT(wheel->count > 0);
    list_unlink(timer);
    wheel->count--;
}

/* Moves what is due by target_tick from a slot to the list `due`. */
static void take_due(ps_timer *slot, int64_t target_tick, ps_timer *due)
{
    ps_timer *timer = slot->next;
    while (timer != slot) {
        ps_timer *next = timer->next;
        if (timer->due_tick <= target_tick) {
            list_unlink(timer);
            list_append(due, timer);
        }
        timer = next;
    }
}

void ps_timer_wheel_advance(ps_timer_wheel *wheel, int64_t now_ns, ps_timer_fire fire,
                            void *context)
{
    int64_t target_tick = now_ns / wheel->tick_ns;
    if (target_tick <= wheel->now_tick) {
        return;
    }
    ps_timer due;
    list_init(&due);
    int64_t steps = target_tick - wheel->now_tick;
    if (steps > PS_TIMER_SLOTS) {
        steps = PS_TIMER_SLOTS; /* one whole turn sees every slot */
    }
    for (int64_t i = 1; i <= steps; i++) {
        take_due(&wheel->slots[(wheel->now_tick + i) % PS_TIMER_SLOTS], target_tick, &due);
    }
    wheel->now_tick = target_tick;
    while (due.next != &due) {
        ps_timer *timer = due.next;
        list_unlink(timer);
        wheel->count--;
        fire(context, timer);
    }
}
