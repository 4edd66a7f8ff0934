/* Audit log: DIR/audit.log, one JSON line for each privileged action, chained by HMAC (S-C7).
 *
 *   {"line":N,"seq":S,"time":"…","who":"key_…","certificate":"dns:…","address":"…",
 *    "action":"key.create","result":201,"object":"key_…","mac":"64 hex digits"}
 *
 * A line says who, when, from where, what, the result and on which object; `seq` is the journal
 * record that it is made from, once that is durable: what a crash takes from the log is written
 * again from the journal, then without the name of the certificate (null). `mac` is HMAC-SHA-256,
 * under a key derived from the pepper, over the mac of the line before (zeros at first) and the
 * line's text up to its mac: a line that is changed, taken out, put in or moved breaks the chain
 * there. Lines cut off at the end are found by comparing the last seq with the journal's newest
 * privileged record.
 *
 * Privileged: keys, accounts, transfers, reversals, reviews, rail results, settlements, ends of
 * disputes, outside risk events. Threads: one at a time.
 */
#ifndef PS_SERVE_AUDIT_H
#define PS_SERVE_AUDIT_H

#include "base/io.h"
#include "pay/record.h"

typedef struct ps_audit ps_audit;

bool ps_audit_covers(ps_command_kind command);

/* Opens, or makes, the log of a data directory and checks it; an unfinished last line is cut off.
 * PS_E_DAMAGED names the first line that breaks the chain. */
PS_CHECKED ps_code ps_audit_open(ps_io *io, const char *dir, const uint8_t *pepper,
                                 ps_u128 instance, ps_audit **out_audit, ps_error *err);
void ps_audit_close(ps_audit *audit); /* NULL is fine */
/* seq of the newest line; 0: none. */
uint64_t ps_audit_last_seq(const ps_audit *audit);
typedef struct {
    ps_slice key;         /* id; may be empty */
    ps_slice certificate; /* ps_tls_identity; may be empty */
} ps_audit_actor;

/* Adds the line of a durable record when it is privileged and behind last_seq. Not synced yet.
 * After a failure the log is dead: every later call fails. */
PS_CHECKED ps_code ps_audit_add(ps_audit *audit, uint64_t seq, ps_slice payload,
                                const ps_audit_actor *actor, ps_error *err);
PS_CHECKED ps_code ps_audit_sync(ps_audit *audit, ps_error *err);

/* Checks the whole chain, read-only. PS_E_DAMAGED: "audit.log: line N (seq S) …". A log that is not
 * there has no lines. */
PS_CHECKED ps_code ps_audit_verify(ps_io *io, const char *dir, const uint8_t *pepper,
                                   uint64_t *out_lines, uint64_t *out_last_seq, ps_error *err);

#endif
