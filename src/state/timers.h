/* Timers: times with a payload, taken in order of time, then of being added. Neither costs more
 * when there are many; only timers before the last one taken lie in a heap. */
#ifndef PS_STATE_TIMERS_H
#define PS_STATE_TIMERS_H

#include "state/store.h"

typedef struct ps_timers ps_timers;

PS_CHECKED ps_code ps_timers_new(ps_store *store, const char *name, ps_timers **out, ps_error *err);
PS_CHECKED ps_code ps_timers_add(ps_timers *timers, int64_t time, uint64_t payload, ps_error *err);
/* INT64_MAX: none. */
int64_t ps_timers_earliest(const ps_timers *timers);
/* Takes the earliest if its time ≤ until. */
PS_CHECKED bool ps_timers_take(ps_timers *timers, int64_t until, int64_t *out_time,
                               uint64_t *out_payload);
uint64_t ps_timers_count(const ps_timers *timers);

#endif
