/* Planted bugs (FAULTS §4): faults built in on purpose, to show that the tests can fail.
 *
 * Compiled in only with -DPS_BUGGIFY; otherwise PS_PLANTED is the constant 0 and nothing of a bug
 * is in the program. One at a time: a test sets ps_planted and puts it back to PS_BUG_NONE.
 */
#ifndef PS_JOURNAL_PLANTED_H
#define PS_JOURNAL_PLANTED_H

typedef enum {
    PS_BUG_NONE = 0,
    PS_BUG_ACK_BEFORE_SYNC,
    PS_BUG_SKIP_DATASYNC,
    PS_BUG_SKIP_DIR_SYNC,
    PS_BUG_SYNC_WRONG_FILE,
    PS_BUG_RETRY_FAILED_SYNC,
    PS_BUG_RENAME_BEFORE_SYNC,
    PS_BUG_CRC_WITHOUT_LENGTH,
    PS_BUG_CRC_WITHOUT_PADDING,
    PS_BUG_READ_ERROR_IS_END,
    PS_BUG_TRUNCATE_ALWAYS,
    PS_BUG_REUSE_SEQ,
    PS_BUG_WATERMARK_EARLY,
    PS_BUG_SEGMENT_END_OFF_BY_ONE,
    PS_BUG_APPEND_AFTER_PARTIAL_WRITE,
    PS_BUG_DELETE_SNAPSHOT_EARLY,
    PS_BUG_PREPARE_EARLY,
    PS_BUG_JOURNAL_COUNT,
    /* of the engine and the core; tests/sim/planted_test.c */
    PS_BUG_SNAPSHOT_BEFORE_DURABLE,
    PS_BUG_SNAPSHOT_MID_RECORD,
    PS_BUG_SNAPSHOT_WITHOUT_KEYS,
    PS_BUG_REPLAY_SKIPS_FIRST,
    PS_BUG_TIMER_BY_WALL,
    PS_BUG_TIMER_AFTER_COMMAND,
    PS_BUG_TIME_NOT_INCREASING,
    PS_BUG_ROOM_UNCHECKED,
    PS_BUG_LOCK_SKIPPED,
    PS_BUG_CREATE_NOT_SYNCED,
    PS_BUG_PEPPER_NOT_SYNCED,
    PS_BUG_TOUCH_MISSING,
    PS_BUG_KEY_NOT_REPLAYED,
    PS_BUG_KEY_EVICTED_EARLY,
    PS_BUG_FINGERPRINT_UNCHECKED,
    PS_BUG_REFUND_UNDERFLOW,
    PS_BUG_LEG_NOT_REPLAYED,
    PS_BUG_COUNT
} ps_planted_bug;

#ifdef PS_BUGGIFY
extern int ps_planted;
#define PS_PLANTED(bug) (ps_planted == (int)(bug))
#else
#define PS_PLANTED(bug) 0
#endif

#endif
