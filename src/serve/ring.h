/* Hand-over between two threads: a bounded ring of pointers, and a doorbell to sleep at.
 *
 * A ring has one producer and one consumer, and a capacity fixed at init; a push that finds it full
 * says so. What the producer wrote before a push is visible to the consumer after the pop.
 *
 * A doorbell is what a thread sleeps at until another one has something for it. The sleeper
 * announces itself, looks once more for work, and only then sleeps; who rings after handing
 * something over wakes it if it sleeps, and pays nothing but a fence if it does not. No wake is
 * lost:
 *     ps_doorbell_arm(bell);
 *     if (nothing to do) ps_doorbell_sleep(bell, timeout); else ps_doorbell_disarm(bell);
 */
#ifndef PS_SERVE_RING_H
#define PS_SERVE_RING_H

#include <stdatomic.h>

#include "base/error.h"

enum { PS_CACHE_LINE = 64 };

typedef struct {
    void **slots;                                  /* owned */
    uint32_t mask;                                 /* capacity − 1 */
    _Alignas(PS_CACHE_LINE) _Atomic uint32_t head; /* next to pop; the consumer's */
    uint32_t tail_seen;                            /* consumer's copy of tail */
    _Alignas(PS_CACHE_LINE) _Atomic uint32_t tail; /* next to push; the producer's */
    uint32_t head_seen;                            /* producer's copy of head */
} ps_ring;

/* capacity: a power of two, 2 … 2^31. */
PS_CHECKED ps_code ps_ring_init(ps_ring *ring, uint32_t capacity, ps_error *err);
void ps_ring_release(ps_ring *ring);
/* Producer. False: full. */
PS_CHECKED bool ps_ring_push(ps_ring *ring, void *item);
/* Consumer. NULL: empty. */
void *ps_ring_pop(ps_ring *ring);
/* Consumer: what the next pop will give; NULL: empty. */
void *ps_ring_peek(ps_ring *ring);
/* Consumer: something can be popped. */
bool ps_ring_has(ps_ring *ring);

typedef struct {
    _Alignas(PS_CACHE_LINE) _Atomic uint32_t armed; /* 1: the owner sleeps or is about to */
} ps_doorbell;

void ps_doorbell_arm(ps_doorbell *bell);
void ps_doorbell_disarm(ps_doorbell *bell);
/* After arm. Returns when rung, when timeout_ns (≥ 0) is over, or early. Disarmed on return. */
void ps_doorbell_sleep(ps_doorbell *bell, int64_t timeout_ns);
/* Any thread, after what it hands over is visible. */
void ps_doorbell_ring(ps_doorbell *bell);

#endif
