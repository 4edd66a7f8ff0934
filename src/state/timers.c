#include "state/timers.h"

#include <assert.h>
#include <stdlib.h>

#include "state/store_internal.h"
#include "state/timer_heap.h"

/* A radix heap (R. Ahuja, K. Mehlhorn, J. Orlin, R. Tarjan, "Faster Algorithms for the Shortest
 * Path Problem", JACM 37, 1990) of digits of six bits, so that it looks like hierarchical timing
 * wheels (G. Varghese, T. Lauck, SOSP 1987).
 *
 * `now` is a time that no timer in the wheels is before: that of the last one taken from them. A
 * timer lies in the wheel of the highest digit in which its time differs from `now`, in the slot of
 * its own digit there. So every wheel is before all higher ones, and a slot of the lowest one has a
 * single time. To take the earliest timer, `now` goes to its time and the slot that it is in is
 * dealt out again: into lower wheels; all other timers are where they have to be already. Slots are
 * lists in order of arrival, and dealing keeps that order: timers of one time have always been in
 * one slot. A timer moves at most once per digit, mostly once or twice.
 *
 * Timers before `now` (few: of rows that are late, but not too late) are kept apart in a heap. */
enum { DIGIT_BITS = 6, SLOT_COUNT = 1 << DIGIT_BITS, WHEEL_COUNT = (64 + 5) / DIGIT_BITS };

/* first, last: numbers of nodes, from 1. Valid when the slot's bit is set. */
typedef struct {
    int64_t earliest;
    uint32_t first, last;
} wheel_slot;

/* Offset 0 of the region; the nodes follow. */
typedef struct {
    uint64_t count; /* in the wheels */
    int64_t now;
    uint64_t used_wheels;             /* bit per wheel that has timers */
    uint64_t used_slots[WHEEL_COUNT]; /* bit per slot that has timers */
    uint32_t free_first;              /* node; 0: none */
    uint32_t node_count;              /* free ones too */
    wheel_slot slots[WHEEL_COUNT][SLOT_COUNT];
} wheels;

typedef struct {
    int64_t time;
    uint64_t payload;
    uint32_t next; /* in the slot's list, or in that of free ones; 0: none */
    uint32_t reserved;
} node;
static_assert(sizeof(node) == 24 && sizeof(wheels) % 8 == 0, "no padding");

struct ps_timers {
    ps_store *store;
    ps_region *region;
    ps_timer_heap past;
};

static wheels *wheels_of(const ps_timers *timers)
{
    return (wheels *)(void *)timers->region->data;
}

static node *node_at(const ps_timers *timers, uint32_t number)
{
    return (node *)(void *)(timers->region->data + sizeof(wheels)) + (number - 1);
}

static void touch(const ps_timers *timers, const void *at, size_t size)
{
    ps_region_touch(timers->region, at, size);
}

ps_code ps_timers_new(ps_store *store, const char *name, ps_timers **out, ps_error *err)
{
    ps_timers *timers = calloc(1, sizeof *timers);
    if (timers == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for timers of %s", ps_store_name(store));
    }
    ps_code code = ps_store_attach(store, timers, free, err);
    if (code != PS_OK) {
        return code;
    }
    timers->store = store;
    code = ps_store_region(store, name, &timers->region, err);
    void *header;
    if (code == PS_OK) {
        code = ps_store_extend(store, timers->region, sizeof(wheels), &header, err);
    }
    if (code == PS_OK) {
        wheels_of(timers)->now = INT64_MIN;
        code = ps_timer_heap_init(&timers->past, store, "past_timers", err);
    }
    if (code == PS_OK) {
        *out = timers;
    }
    return code;
}

/* ── slots ── */

/* Which wheel a time is in, seen from `now`. */
static uint32_t wheel_of(int64_t now, int64_t time)
{
    uint64_t difference = (uint64_t)now ^ (uint64_t)time;
    return difference == 0 ? 0 : (63 - (uint32_t)__builtin_clzll(difference)) / DIGIT_BITS;
}

/* Biased, so that the digits of earlier times are smaller. */
static uint32_t digit_of(int64_t time, uint32_t wheel)
{
    uint64_t biased = (uint64_t)time ^ UINT64_C(1) << 63;
    return (uint32_t)(biased >> wheel * DIGIT_BITS) & (SLOT_COUNT - 1);
}

/* At the end of the list of the slot that its time belongs to. */
static void append(ps_timers *timers, uint32_t number, int64_t time)
{
    wheels *all = wheels_of(timers);
    uint32_t wheel = wheel_of(all->now, time), digit = digit_of(time, wheel);
    wheel_slot *slot = &all->slots[wheel][digit];
    uint64_t bit = UINT64_C(1) << digit;
    touch(timers, slot, sizeof *slot);
    if ((all->used_slots[wheel] & bit) != 0) {
        node *last = node_at(timers, slot->last);
        touch(timers, last, sizeof *last);
        last->next = number;
        slot->last = number;
        slot->earliest = time < slot->earliest ? time : slot->earliest;
        return;
    }
    *slot = (wheel_slot){time, number, number};
    touch(timers, all, offsetof(wheels, slots));
    all->used_slots[wheel] |= bit;
    all->used_wheels |= UINT64_C(1) << wheel;
}

/* The slot of the earliest timers; there must be some. */
static wheel_slot *first_slot(const ps_timers *timers, uint32_t *out_wheel, uint32_t *out_digit)
{
    wheels *all = wheels_of(timers);
    *out_wheel = (uint32_t)__builtin_ctzll(all->used_wheels);
    *out_digit = (uint32_t)__builtin_ctzll(all->used_slots[*out_wheel]);
    return &all->slots[*out_wheel][*out_digit];
}

static void mark_empty(ps_timers *timers, uint32_t wheel, uint32_t digit)
{
    wheels *all = wheels_of(timers);
    touch(timers, all, offsetof(wheels, slots));
    all->used_slots[wheel] &= ~(UINT64_C(1) << digit);
    if (all->used_slots[wheel] == 0) {
        all->used_wheels &= ~(UINT64_C(1) << wheel);
    }
}

/* `now` goes to the slot's earliest time, its timers into lower wheels. */
static void deal(ps_timers *timers, uint32_t wheel, uint32_t digit)
{
    wheels *all = wheels_of(timers);
    wheel_slot slot = all->slots[wheel][digit];
    mark_empty(timers, wheel, digit);
    all->now = slot.earliest;
    for (uint32_t number = slot.first, next; number != 0; number = next) {
        node *at = node_at(timers, number);
        next = at->next;
        if (next != 0) {
            __builtin_prefetch(node_at(timers, next), 1);
            touch(timers, at, sizeof *at);
            at->next = 0;
        }
        append(timers, number, at->time);
    }
}

/* ── nodes ── */

static ps_code take_node(ps_timers *timers, uint32_t *out_number, ps_error *err)
{
    wheels *all = wheels_of(timers);
    if (all->free_first == 0) {
        void *at;
        ps_code code = ps_store_extend(timers->store, timers->region, sizeof(node), &at, err);
        if (code != PS_OK) {
            return code;
        }
        touch(timers, all, offsetof(wheels, slots));
        *out_number = ++all->node_count;
        return PS_OK;
    }
    *out_number = all->free_first;
    touch(timers, all, offsetof(wheels, slots));
    all->free_first = node_at(timers, all->free_first)->next;
    return PS_OK;
}

static void give_node(ps_timers *timers, uint32_t number)
{
    wheels *all = wheels_of(timers);
    node *at = node_at(timers, number);
    touch(timers, at, sizeof *at);
    touch(timers, all, offsetof(wheels, slots));
    at->next = all->free_first;
    all->free_first = number;
}

/* ── timers ── */

ps_code ps_timers_add(ps_timers *timers, int64_t time, uint64_t payload, ps_error *err)
{
    if (time < wheels_of(timers)->now) {
        return ps_timer_heap_add(&timers->past, time, payload, err);
    }
    uint32_t number;
    ps_code code = take_node(timers, &number, err);
    if (code != PS_OK) {
        return code;
    }
    node *at = node_at(timers, number);
    touch(timers, at, sizeof *at);
    *at = (node){.time = time, .payload = payload};
    append(timers, number, time);
    wheels_of(timers)->count++; /* touched by take_node */
    return PS_OK;
}

int64_t ps_timers_earliest(const ps_timers *timers)
{
    if (ps_timer_heap_count(&timers->past) > 0) {
        return ps_timer_heap_earliest(&timers->past);
    }
    uint32_t wheel, digit;
    return wheels_of(timers)->count > 0 ? first_slot(timers, &wheel, &digit)->earliest : INT64_MAX;
}

bool ps_timers_take(ps_timers *timers, int64_t until, int64_t *out_time, uint64_t *out_payload)
{
    if (ps_timers_count(timers) == 0 || ps_timers_earliest(timers) > until) {
        return false;
    }
    if (ps_timer_heap_count(&timers->past) > 0) {
        ps_timer_heap_take(&timers->past, out_time, out_payload);
        return true;
    }
    uint32_t wheel, digit;
    wheel_slot *slot = first_slot(timers, &wheel, &digit);
    if (wheel > 0) {
        deal(timers, wheel, digit);
        slot = first_slot(timers, &wheel, &digit);
        PS_ASSERT(wheel == 0);
    }
    uint32_t number = slot->first;
    const node *first = node_at(timers, number);
    *out_time = first->time;
    *out_payload = first->payload;
    if (first->next != 0) {
        touch(timers, slot, sizeof *slot);
        slot->first = first->next;
        __builtin_prefetch(node_at(timers, first->next));
    } else {
        mark_empty(timers, wheel, digit);
    }
    give_node(timers, number);
    wheels *all = wheels_of(timers); /* touched by give_node */
    all->now = *out_time;
    all->count--;
    return true;
}

uint64_t ps_timers_count(const ps_timers *timers)
{
    return wheels_of(timers)->count + ps_timer_heap_count(&timers->past);
}
