#include "serve/ring.h"

#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"

ps_code ps_ring_init(ps_ring *ring, uint32_t capacity, ps_error *err)
{
    PS_ASSERT(capacity >= 2 && (capacity & (capacity - 1)) == 0);
    void **slots = calloc(capacity, sizeof *slots);
    if (slots == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a ring of %u", capacity);
    }
    ring->slots = slots;
    ring->mask = capacity - 1;
    ring->tail_seen = 0;
    ring->head_seen = 0;
    atomic_init(&ring->head, 0);
    atomic_init(&ring->tail, 0);
    return PS_OK;
}

void ps_ring_release(ps_ring *ring)
{
    free(ring->slots);
    ring->slots = NULL;
}

bool ps_ring_push(ps_ring *ring, void *item)
{
    PS_ASSERT(item != NULL);
    uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    if (tail - ring->head_seen > ring->mask) {
        ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
        if (tail - ring->head_seen > ring->mask) {
            return false;
        }
    }
    ring->slots[tail & ring->mask] = item;
    atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
    return true;
}

bool ps_ring_has(ps_ring *ring)
{
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (head == ring->tail_seen) {
        ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
    }
    return head != ring->tail_seen;
}

void *ps_ring_peek(ps_ring *ring)
{
    if (!ps_ring_has(ring)) {
        return NULL;
    }
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    return ring->slots[head & ring->mask];
}

void *ps_ring_pop(ps_ring *ring)
{
    void *item = ps_ring_peek(ring);
    if (item != NULL) {
        uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
        atomic_store_explicit(&ring->head, head + 1, memory_order_release);
    }
    return item;
}

/* ── doorbell ── */

/* The order that loses no wake: the sleeper stores `armed` before it looks for work, the ringer
 * stores its work before it looks at `armed`; both are sequentially consistent. */

void ps_doorbell_arm(ps_doorbell *bell)
{
    atomic_store(&bell->armed, 1);
    atomic_thread_fence(memory_order_seq_cst);
}

void ps_doorbell_disarm(ps_doorbell *bell)
{
    atomic_store_explicit(&bell->armed, 0, memory_order_relaxed);
}

void ps_doorbell_sleep(ps_doorbell *bell, int64_t timeout_ns)
{
    PS_ASSERT(timeout_ns >= 0);
    struct timespec timeout = {.tv_sec = timeout_ns / PS_NS_PER_S,
                               .tv_nsec = timeout_ns % PS_NS_PER_S};
    syscall(SYS_futex, &bell->armed, FUTEX_WAIT_PRIVATE, 1, &timeout, NULL, 0);
    ps_doorbell_disarm(bell);
}

void ps_doorbell_ring(ps_doorbell *bell)
{
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&bell->armed, memory_order_relaxed) == 0) {
        return;
    }
    if (atomic_exchange(&bell->armed, 0) == 1) {
        syscall(SYS_futex, &bell->armed, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
}
