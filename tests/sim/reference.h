/* The reference workload: one fixed life of the engine, for enumerations of crash points, failing
 * calls and failing allocations (FAULTS §2.1 P1, §2.2 W1, §2.3).
 *
 * Sessions of: open, groups of commands with their commits, timers, seals, a snapshot in between,
 * shutdown. Small segments, so that they change. Equal seeds of the disk give equal runs.
 */
#ifndef PS_TESTS_REFERENCE_H
#define PS_TESTS_REFERENCE_H

#include "base/io_sim.h"
#include "pay/engine.h"

enum { REFERENCE_COMMANDS_MAX = 8192, REFERENCE_RECORDS_MAX = 16384, REFERENCE_IDS_MAX = 64 };
#define REFERENCE_DIR "data"

typedef struct {
    uint64_t number;
    uint64_t seq;    /* of its record; 0: refused */
    ps_u128 payload; /* hash of the record */
    uint16_t target;
} reference_command;

typedef struct {
    ps_sim *sim;
    ps_io *io; /* of the sim, or a tap before it */
    ps_engine_options options;
    uint32_t sessions;
    uint32_t groups; /* of each session */

    ps_engine *engine;
    bool created; /* create returned: the directory must be there from now on */
    uint64_t acknowledged_seq;
    uint64_t executed_seq;
    reference_command *commands; /* owned */
    uint32_t command_count;
    char ids[REFERENCE_IDS_MAX][PS_ID_TEXT_MAX + 1]; /* [0] is empty */
    uint32_t id_count;
    uint32_t full_refusals; /* commands that found the disk full */
    bool journal_failed;    /* the run ended by a commit or a seal */
    ps_error err;
} reference;

/* Small tables: every open makes them anew. */
void reference_options(ps_engine_options *out_options);
void reference_init(reference *out_reference, ps_sim *sim, ps_io *io, uint32_t sessions,
                    uint32_t groups);
/* Closes the engine that a failed run left open, too. */
void reference_release(reference *r);

/* To the end, or to the first failure that a process does not survive: then the code, and r->err. A
 * full disk is survived: its commands are refused and forgotten. */
PS_CHECKED ps_code reference_run(reference *r);

/* What the journal of a run says, computed by replaying it into an empty core. */
typedef struct {
    ps_u128 *states; /* owned; [seq]: hash of the state after that record; [0]: empty */
    ps_u128 *records;
    uint64_t count; /* the last seq */
} reference_truth;

/* The whole journal of a data directory; NULL, or a sentence about what is wrong with it. Every
 * prefix is checked by ps_core_verify when `verify_prefixes` (I1, I2). */
const char *reference_truth_make(reference_truth *out_truth, ps_sim *sim, bool verify_prefixes);
void reference_truth_release(reference_truth *truth);

#endif
