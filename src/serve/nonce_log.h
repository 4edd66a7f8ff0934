/* Nonces that were used, so that a signed request counts once (S-B3), over restarts too.
 *
 * Two generations, each a hash table in memory and a file `DIR/nonces.0`, `DIR/nonces.1`. A new
 * one begins when the current one is older than two windows of the timestamp's tolerance; the one
 * before it is forgotten then: the youngest of its nonces came with a timestamp that is stale by
 * now. A file is
 *
 *   0   8   "psnonce1"
 *   8   8   i64 when the generation began, wall clock, seconds
 *   16  16  u128 each nonce, as request_signature.h hashes it
 *
 * A nonce is in the file before its request is executed: after a kill nothing is forgotten. There
 * is no sync for it: a power cut may take the last ones, and with them the refusal of a replay
 * within 300 seconds. What moves money is not done twice even then, because its Idempotency-Key is
 * in the journal. Bytes of a torn end are nonces that nobody has.
 *
 * Time never goes back here: a wall clock that does makes no timestamp fresh again.
 * Threads: any.
 */
#ifndef PS_SERVE_NONCE_LOG_H
#define PS_SERVE_NONCE_LOG_H

#include "base/io.h"

typedef struct ps_nonce_log ps_nonce_log;

typedef enum {
    PS_NONCE_FRESH, /* and used from now on */
    PS_NONCE_USED,
    PS_NONCE_FULL,  /* more than count_max in one generation: wait for the next */
    PS_NONCE_FAILED /* it cannot be written */
} ps_nonce_outcome;

/* Keeps up to count_max of each generation, in a table of 16-byte slots that is at most three
 * quarters full. Makes the files when they are missing; a file of another form is begun anew. */
PS_CHECKED ps_code ps_nonce_log_open(ps_io *io, const char *dir, uint32_t count_max, int64_t now_s,
                                     ps_nonce_log **out_log, ps_error *err);
void ps_nonce_log_close(ps_nonce_log *log); /* NULL is fine */

/* now_s, or when the current generation began if that is later. */
int64_t ps_nonce_log_now_s(ps_nonce_log *log, int64_t now_s);
ps_nonce_outcome ps_nonce_log_take(ps_nonce_log *log, ps_u128 nonce, int64_t now_s);

#endif
