/* Settings: the keys of SET, RESET and -D, in one table with their defaults, checks and texts (the
 * reference page is generated from it).
 *
 * Keys of Flink that say how a job runs there and have no meaning here are accepted and kept, so
 * that a script runs on both sides as it stands; a `paystream.` key that is not in the table is an
 * error.
 */
#ifndef PS_SQL_SQL_SETTING_H
#define PS_SQL_SQL_SETTING_H

#include "base/arena.h"
#include "base/bytes.h"

typedef enum {
    PS_SETTING_TEXT,
    PS_SETTING_BOOLEAN,
    PS_SETTING_INTEGER,  /* not negative */
    PS_SETTING_DURATION, /* "500 ms", "5 s", "10 min", "1 h", "1 d" */
    PS_SETTING_SIZE,     /* "64 mb" */
    PS_SETTING_CHOICE,   /* one of `choices`, separated by | */
    PS_SETTING_ZONE      /* "UTC", "Europe/Berlin", "GMT+02:00" */
} ps_setting_kind;

typedef struct {
    const char *key;
    ps_setting_kind kind;
    const char *choices;       /* CHOICE only */
    const char *default_value; /* "" : none */
    const char *summary;       /* one sentence */
} ps_setting_entry;

uint32_t ps_setting_count(void);
const ps_setting_entry *ps_setting_entry_at(uint32_t index);
/* NULL: not in the table. */
const ps_setting_entry *ps_setting_find(ps_slice key);

/* Flink's duration text in milliseconds: a number and a unit (ms, s, min, h, d and their long
 * names; none: ms). */
PS_CHECKED bool ps_setting_duration_parse(ps_slice text, int64_t *out_ms);
/* "512", "64 kb", "1 gb": bytes. */
PS_CHECKED bool ps_setting_size_parse(ps_slice text, uint64_t *out_bytes);

typedef struct ps_settings ps_settings;
struct ps_settings {
    ps_arena *arena; /* borrowed; keeps the values */
    uint32_t count, capacity;
    struct ps_setting_value {
        const char *key, *value; /* NUL-terminated, in the arena */
    } * values;
};

void ps_settings_init(ps_settings *settings, ps_arena *arena);
/* PS_E_INVALID: unknown `paystream.` key, or a value that the key cannot have. */
PS_CHECKED ps_code ps_settings_set(ps_settings *settings, ps_slice key, ps_slice value,
                                   ps_error *err);
/* Back to the default; the empty key: all. */
void ps_settings_reset(ps_settings *settings, ps_slice key);
/* NULL: not set (ps_setting_find has the default). */
const char *ps_settings_get(const ps_settings *settings, const char *key);
/* The value, or the default of the table when it was not set. */
const char *ps_settings_value(const ps_settings *settings, const char *key);

#endif
