/* Limits per key and per address: token buckets, and a counter of bad keys.
 *
 * Keys are 64-bit hashes that the caller makes (keyed, so that clients cannot aim at collisions;
 * S-D5). Tables have a fixed size and never grow: eight slots per set, and a new key takes the slot
 * with the least to lose, a full bucket or an ended window first. So ten million different keys
 * cost the same memory as one, and a client that is being held back is the last to be forgotten.
 *
 * Time is passed in, monotonic nanoseconds. Threads: one owner.
 */
#ifndef PS_SERVE_RATE_LIMIT_H
#define PS_SERVE_RATE_LIMIT_H

#include "base/error.h"

/* ── token buckets ── */

typedef struct ps_rate_limit ps_rate_limit;

typedef struct {
    size_t key_count_max; /* rounded up to a power of two, at least 8; 16 bytes each */
    uint32_t rate_per_s;  /* tokens that come back each second, 1 … 1,000,000 */
    uint32_t burst;       /* tokens of a full bucket, ≥ 1 */
} ps_rate_limit_options;

/* PS_E_INVALID, PS_E_MEMORY. */
PS_CHECKED ps_code ps_rate_limit_new(const ps_rate_limit_options *options,
                                     ps_rate_limit **out_limit, ps_error *err);
void ps_rate_limit_free(ps_rate_limit *limit); /* NULL is fine */

/* Takes `cost` tokens (more than burst count as burst). False: nothing was taken, and
 * *out_retry_after_ms ≥ 1 says when it would work, if nobody else takes any. */
PS_CHECKED bool ps_rate_limit_take(ps_rate_limit *limit, uint64_t key, uint32_t cost,
                                   int64_t now_ns, uint32_t *out_retry_after_ms);

/* Undoes a take of the same key, cost and instant: for who needs tokens of two limits or none. */
void ps_rate_limit_give_back(ps_rate_limit *limit, uint64_t key, uint32_t cost);

/* What a client is told of its allowance. */
typedef struct {
    uint32_t burst; /* of a full bucket; 0: there is no limit */
    uint32_t left;
    uint32_t full_after_ms;
    uint32_t retry_after_ms; /* the caller's */
} ps_rate_state;

/* Looks without taking. */
ps_rate_state ps_rate_limit_look(const ps_rate_limit *limit, uint64_t key, int64_t now_ns);

/* ── bad keys ── */

typedef struct ps_attempt_limit ps_attempt_limit;

typedef struct {
    size_t key_count_max;  /* as above; 24 bytes each */
    uint32_t attempts_max; /* 30 */
    int64_t window_ns;     /* a minute, from the first attempt in it */
} ps_attempt_limit_options;

PS_CHECKED ps_code ps_attempt_limit_new(const ps_attempt_limit_options *options,
                                        ps_attempt_limit **out_limit, ps_error *err);
void ps_attempt_limit_free(ps_attempt_limit *limit); /* NULL is fine */

/* Counts one bad attempt. False: there were attempts_max in this window before it. */
PS_CHECKED bool ps_attempt_limit_add(ps_attempt_limit *limit, uint64_t key, int64_t now_ns,
                                     uint32_t *out_retry_after_ms);
/* Asks without counting: would add answer false? */
bool ps_attempt_limit_is_reached(const ps_attempt_limit *limit, uint64_t key, int64_t now_ns,
                                 uint32_t *out_retry_after_ms);

#endif
