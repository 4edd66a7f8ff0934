/* Damage that chance does not find: files with right checksums over wrong contents, one for each
 * finding of recovery, cursors, scrub and the snapshot reader (FAULTS §2.4, D1–D5).
 *
 * Every case has a defined outcome: what was written, or a refusal. Each function returns NULL, or
 * what went wrong. */
#ifndef PS_TESTS_DAMAGE_H
#define PS_TESTS_DAMAGE_H

#include "base/io_sim.h"

/* Wrong bytes, lengths and names under a journal that is opened, and under one that is open. */
const char *damage_journal(void);
/* The same for a snapshot. */
const char *damage_snapshot(void);

#endif
