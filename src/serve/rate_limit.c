#include "serve/rate_limit.h"

#include <stdlib.h>

#include "base/time.h"

enum { WAYS = 8, KEY_COUNT_HIGHEST = 1 << 26 };

static size_t set_count_for(size_t key_count_max)
{
    size_t sets = 1;
    while (sets * WAYS < key_count_max) {
        sets *= 2;
    }
    return sets;
}

static uint32_t to_ms(int64_t ns)
{
    int64_t ms = (ns + PS_NS_PER_MS - 1) / PS_NS_PER_MS;
    return ms < 1 ? 1 : ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
}

/* ── token buckets, as the generic cell rate algorithm (ITU-T I.371): a bucket is the one instant
 * at which it will be full again. Full is now or earlier, so an unused slot is a full bucket. ── */

typedef struct {
    uint64_t key;
    int64_t full_at_ns;
} bucket;

struct ps_rate_limit {
    size_t set_count;
    int64_t token_ns; /* one token comes back in this time */
    int64_t burst_ns;
    uint32_t burst;
    bucket buckets[];
};

ps_code ps_rate_limit_new(const ps_rate_limit_options *options, ps_rate_limit **out_limit,
                          ps_error *err)
{
    if (options->rate_per_s < 1 || options->rate_per_s > 1000000 || options->burst < 1 ||
        options->key_count_max > KEY_COUNT_HIGHEST) {
        return ps_error_set(err, PS_E_INVALID,
                            "a rate limit needs 1 to 1000000 tokens a second and a burst");
    }
    size_t set_count = set_count_for(options->key_count_max);
    ps_rate_limit *limit = calloc(1, sizeof *limit + set_count * WAYS * sizeof(bucket));
    if (limit == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "cannot allocate a rate limit");
    }
    limit->set_count = set_count;
    limit->token_ns = PS_NS_PER_S / options->rate_per_s;
    limit->burst = options->burst;
    limit->burst_ns = limit->token_ns * options->burst;
    *out_limit = limit;
    return PS_OK;
}

void ps_rate_limit_free(ps_rate_limit *limit)
{
    free(limit);
}

/* The key's bucket, or the fullest of its set, emptied of its former owner. */
static bucket *find_bucket(ps_rate_limit *limit, uint64_t key)
{
    bucket *set = &limit->buckets[(key & (limit->set_count - 1)) * WAYS];
    bucket *fullest = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].key == key) {
            return &set[i];
        }
        if (set[i].full_at_ns < fullest->full_at_ns) {
            fullest = &set[i];
        }
    }
    *fullest = (bucket){.key = key};
    return fullest;
}

bool ps_rate_limit_take(ps_rate_limit *limit, uint64_t key, uint32_t cost, int64_t now_ns,
                        uint32_t *out_retry_after_ms)
{
    PS_ASSERT(now_ns >= 0);
    bucket *b = find_bucket(limit, key);
    int64_t from_ns = b->full_at_ns > now_ns ? b->full_at_ns : now_ns;
    uint32_t tokens = cost < limit->burst ? cost : limit->burst;
    int64_t full_at_ns = from_ns + limit->token_ns * tokens;
    int64_t excess_ns = full_at_ns - now_ns - limit->burst_ns;
    if (excess_ns > 0) {
        *out_retry_after_ms = to_ms(excess_ns);
        return false;
    }
    b->full_at_ns = full_at_ns;
    return true;
}

void ps_rate_limit_give_back(ps_rate_limit *limit, uint64_t key, uint32_t cost)
{
    uint32_t tokens = cost < limit->burst ? cost : limit->burst;
    find_bucket(limit, key)->full_at_ns -= limit->token_ns * tokens;
}

ps_rate_state ps_rate_limit_look(const ps_rate_limit *limit, uint64_t key, int64_t now_ns)
{
    const bucket *set = &limit->buckets[(key & (limit->set_count - 1)) * WAYS];
    int64_t lack_ns = 0;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].key == key && set[i].full_at_ns > now_ns) {
            lack_ns = set[i].full_at_ns - now_ns;
        }
    }
    int64_t missing = (lack_ns + limit->token_ns - 1) / limit->token_ns;
    return (ps_rate_state){.burst = limit->burst,
                           .left = missing < limit->burst ? limit->burst - (uint32_t)missing : 0,
                           .full_after_ms = lack_ns > 0 ? to_ms(lack_ns) : 0};
}

/* ── bad keys: attempts per fixed window ── */

typedef struct {
    uint64_t key;
    int64_t ends_ns; /* of the window; 0: unused */
    uint32_t count;
} window;

struct ps_attempt_limit {
    size_t set_count;
    uint32_t attempts_max;
    int64_t window_ns;
    window windows[];
};

ps_code ps_attempt_limit_new(const ps_attempt_limit_options *options, ps_attempt_limit **out_limit,
                             ps_error *err)
{
    if (options->attempts_max < 1 || options->window_ns < PS_NS_PER_MS ||
        options->key_count_max > KEY_COUNT_HIGHEST) {
        return ps_error_set(err, PS_E_INVALID, "a limit of attempts needs a number and a window");
    }
    size_t set_count = set_count_for(options->key_count_max);
    ps_attempt_limit *limit = calloc(1, sizeof *limit + set_count * WAYS * sizeof(window));
    if (limit == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "cannot allocate a limit of attempts");
    }
    limit->set_count = set_count;
    limit->attempts_max = options->attempts_max;
    limit->window_ns = options->window_ns;
    *out_limit = limit;
    return PS_OK;
}

void ps_attempt_limit_free(ps_attempt_limit *limit)
{
    free(limit);
}

/* Ended windows go first, then those with the fewest attempts, then the oldest. */
static bool is_worth_less(const window *a, const window *b, int64_t now_ns)
{
    bool a_ended = a->ends_ns <= now_ns;
    bool b_ended = b->ends_ns <= now_ns;
    if (a_ended != b_ended) {
        return a_ended;
    }
    return a->count != b->count ? a->count < b->count : a->ends_ns < b->ends_ns;
}

/* The key's running window, or NULL; *out_victim is the slot that a new one may take. */
static const window *find_window(const ps_attempt_limit *limit, uint64_t key, int64_t now_ns,
                                 size_t *out_victim)
{
    size_t start = (key & (limit->set_count - 1)) * WAYS;
    size_t victim = start;
    for (size_t i = start; i < start + WAYS; i++) {
        const window *w = &limit->windows[i];
        if (w->key == key && w->ends_ns > now_ns) {
            return w;
        }
        if (is_worth_less(w, &limit->windows[victim], now_ns)) {
            victim = i;
        }
    }
    *out_victim = victim;
    return NULL;
}

bool ps_attempt_limit_is_reached(const ps_attempt_limit *limit, uint64_t key, int64_t now_ns,
                                 uint32_t *out_retry_after_ms)
{
    size_t victim = 0;
    const window *w = find_window(limit, key, now_ns, &victim);
    if (w == NULL || w->count < limit->attempts_max) {
        return false;
    }
    *out_retry_after_ms = to_ms(w->ends_ns - now_ns);
    return true;
}

bool ps_attempt_limit_add(ps_attempt_limit *limit, uint64_t key, int64_t now_ns,
                          uint32_t *out_retry_after_ms)
{
    PS_ASSERT(now_ns >= 0);
    if (ps_attempt_limit_is_reached(limit, key, now_ns, out_retry_after_ms)) {
        return false;
    }
    size_t victim = 0;
    const window *found = find_window(limit, key, now_ns, &victim);
    if (found == NULL) {
        limit->windows[victim] = (window){.key = key, .ends_ns = now_ns + limit->window_ns};
        found = &limit->windows[victim];
    }
    limit->windows[found - limit->windows].count++;
    return true;
}
