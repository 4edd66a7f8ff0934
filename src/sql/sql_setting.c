#include "sql/sql_setting.h"

#include <ctype.h>
#include <strings.h>

static const ps_setting_entry entries[] = {
    {"execution.checkpointing.interval", PS_SETTING_DURATION, NULL, "10 s",
     "How often a job with --state writes a checkpoint."},
    {"execution.runtime-mode", PS_SETTING_CHOICE, "streaming|batch", "streaming",
     "How Flink runs the job; here every job is a stream, and batch is refused."},
    {"parallelism.default", PS_SETTING_INTEGER, NULL, "1", "Lanes of a job."},
    {"paystream.batch.rows", PS_SETTING_INTEGER, NULL, "1024",
     "Rows of a batch inside a job, at most 1024; the result does not depend on it."},
    {"paystream.compat.overflow", PS_SETTING_CHOICE, "error|flink", "error",
     "What a DECIMAL that is too big becomes: an error, or NULL as in Flink."},
    {"paystream.dead-letter.path", PS_SETTING_TEXT, NULL, "",
     "File that takes the rows which cannot be read, one JSON object a line."},
    {"paystream.dialect", PS_SETTING_CHOICE, "portable|extended", "portable",
     "portable: a strict subset of Flink SQL; extended: our additions too."},
    {"paystream.end-of-input", PS_SETTING_CHOICE, "final|savepoint", "final",
     "What a job does when its sources have ended: the final watermark closes everything, or it "
     "stops with a savepoint to go on from."},
    {"paystream.match.on-limit", PS_SETTING_CHOICE, "fail|evict", "fail",
     "When a key of MATCH_RECOGNIZE has too many partial matches: the job fails, or the oldest one "
     "is dropped and counted."},
    {"paystream.match.rows-per-key", PS_SETTING_INTEGER, NULL, "10000000",
     "Rows that all partial matches of a key hold together, each counted in each of them."},
    {"paystream.match.rows-per-run", PS_SETTING_INTEGER, NULL, "100000",
     "Rows of one match of MATCH_RECOGNIZE; a job over it fails."},
    {"paystream.match.runs-per-key", PS_SETTING_INTEGER, NULL, "10000",
     "Partial matches of a key that MATCH_RECOGNIZE keeps at a time."},
    {"paystream.event-time.max-ahead", PS_SETTING_DURATION, NULL, "0 ms",
     "Rows whose event time is further ahead of the clock do not move the watermark: they are "
     "counted and go to the dead letters; 0 ms: all times are believed."},
    {"paystream.memory.size", PS_SETTING_SIZE, NULL, "",
     "Memory that a job's state may take; a job over it fails with the operator's name."},
    {"paystream.restore.watermark", PS_SETTING_BOOLEAN, NULL, "true",
     "A restored job goes on with its watermarks; false: they begin anew, as Flink's do."},
    {"paystream.state.allow-unbounded", PS_SETTING_BOOLEAN, NULL, "false",
     "true: lint says nothing of patterns that can grow for ever."},
    {"pipeline.auto-watermark-interval", PS_SETTING_DURATION, NULL, "0 ms",
     "Kept for Flink; here the watermark follows every row."},
    {"pipeline.name", PS_SETTING_TEXT, NULL, "", "Name of the job."},
    {"sql-client.execution.result-mode", PS_SETTING_TEXT, NULL, "", "Kept for Flink's client."},
    {"table.dml-sync", PS_SETTING_BOOLEAN, NULL, "true",
     "Kept for Flink; an INSERT is always waited for."},
    {"table.exec.source.cdc-events-duplicate", PS_SETTING_BOOLEAN, NULL, "false",
     "Changelog sources with a primary key may repeat rows: they are normalized."},
    {"table.exec.source.idle-timeout", PS_SETTING_DURATION, NULL, "5 s",
     "A source without rows for so long no longer holds the watermark back; 0 ms: never."},
    {"table.exec.state.ttl", PS_SETTING_DURATION, NULL, "0 ms",
     "State that was not used for so long is dropped; 0 ms: kept."},
    {"table.optimizer.non-deterministic-update.strategy", PS_SETTING_CHOICE, "IGNORE", "IGNORE",
     "Kept for Flink; a lookup join of changes does not remember what it found before."},
    {"table.local-time-zone", PS_SETTING_ZONE, NULL, "UTC",
     "Zone of the session: TIMESTAMP_LTZ to text, windows over it, casts."},
};

enum { ENTRY_COUNT = sizeof entries / sizeof entries[0] };

uint32_t ps_setting_count(void)
{
    return ENTRY_COUNT;
}

const ps_setting_entry *ps_setting_entry_at(uint32_t index)
{
    PS_ASSERT(index < ENTRY_COUNT);
    return &entries[index];
}

const ps_setting_entry *ps_setting_find(ps_slice key)
{
    for (uint32_t i = 0; i < ENTRY_COUNT; i++) {
        if (ps_slice_equal(ps_slice_text(entries[i].key), key)) {
            return &entries[i];
        }
    }
    return NULL;
}

/* ── numbers with units ── */

/* Splits "12 ms" into 12 and "ms". */
static bool number_and_unit(ps_slice text, uint64_t *out_number, ps_slice *out_unit)
{
    size_t digits = 0;
    uint64_t number;
    while (digits < text.size && isdigit((unsigned char)text.data[digits])) {
        digits++;
    }
    if (!ps_parse_u64(ps_slice_of(text.data, digits), &number)) {
        return false;
    }
    while (digits < text.size && text.data[digits] == ' ') {
        digits++;
    }
    *out_number = number;
    *out_unit = ps_slice_of(text.data + digits, text.size - digits);
    return true;
}

typedef struct {
    const char *name;
    uint64_t factor;
} unit;

static bool unit_factor(const unit *units, uint32_t count, ps_slice name, uint64_t *out_factor)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strlen(units[i].name) == name.size &&
            strncasecmp(units[i].name, name.data != NULL ? name.data : "", name.size) == 0) {
            *out_factor = units[i].factor;
            return true;
        }
    }
    return false;
}

bool ps_setting_duration_parse(ps_slice text, int64_t *out_ms)
{
    static const unit units[] = {{"", 1},          {"ms", 1},          {"milli", 1},
                                 {"millis", 1},    {"millisecond", 1}, {"milliseconds", 1},
                                 {"s", 1000},      {"sec", 1000},      {"secs", 1000},
                                 {"second", 1000}, {"seconds", 1000},  {"min", 60000},
                                 {"m", 60000},     {"minute", 60000},  {"minutes", 60000},
                                 {"h", 3600000},   {"hour", 3600000},  {"hours", 3600000},
                                 {"d", 86400000},  {"day", 86400000},  {"days", 86400000}};
    uint64_t number, factor;
    ps_slice name;
    if (!number_and_unit(text, &number, &name) ||
        !unit_factor(units, sizeof units / sizeof units[0], name, &factor) ||
        number > INT64_MAX / factor) {
        return false;
    }
    *out_ms = (int64_t)(number * factor);
    return true;
}

bool ps_setting_size_parse(ps_slice text, uint64_t *out_bytes)
{
    static const unit units[] = {{"", 1},           {"b", 1},          {"bytes", 1},
                                 {"k", 1024},       {"kb", 1024},      {"m", 1 << 20},
                                 {"mb", 1 << 20},   {"g", 1 << 30},    {"gb", 1 << 30},
                                 {"t", 1ULL << 40}, {"tb", 1ULL << 40}};
    uint64_t number, factor;
    ps_slice name;
    if (!number_and_unit(text, &number, &name) ||
        !unit_factor(units, sizeof units / sizeof units[0], name, &factor) ||
        number > UINT64_MAX / factor) {
        return false;
    }
    *out_bytes = number * factor;
    return true;
}

/* ── checks ── */

static bool slice_equal_nocase(ps_slice text, const char *word, size_t size)
{
    return text.size == size && strncasecmp(text.data, word, size) == 0;
}

static bool choice_has(const char *choices, ps_slice value)
{
    while (true) {
        const char *end = strchrnul(choices, '|');
        if (slice_equal_nocase(value, choices, (size_t)(end - choices))) {
            return true;
        }
        if (*end == '\0') {
            return false;
        }
        choices = end + 1;
    }
}

static ps_code value_check(const ps_setting_entry *entry, ps_slice value, ps_error *err)
{
    int64_t ms;
    uint64_t number;
    bool ok = true;
    const char *wanted = "";
    switch (entry->kind) {
    case PS_SETTING_TEXT:
    case PS_SETTING_ZONE: /* looked up where it is used */
        break;
    case PS_SETTING_BOOLEAN:
        wanted = "true or false";
        ok = choice_has("true|false", value);
        break;
    case PS_SETTING_INTEGER:
        wanted = "a whole number";
        ok = ps_parse_u64(value, &number);
        break;
    case PS_SETTING_DURATION:
        wanted = "a duration, e.g. '500 ms', '5 s', '10 min', '1 h'";
        ok = ps_setting_duration_parse(value, &ms);
        break;
    case PS_SETTING_SIZE:
        wanted = "a size, e.g. '64 mb', '2 gb'";
        ok = ps_setting_size_parse(value, &number);
        break;
    case PS_SETTING_CHOICE:
        wanted = entry->choices;
        ok = choice_has(entry->choices, value);
        break;
    }
    if (!ok) {
        return ps_error_set(err, PS_E_INVALID, "'%.*s' is no value for '%s': it takes %s",
                            (int)value.size, value.data, entry->key, wanted);
    }
    return PS_OK;
}

/* ── values ── */

void ps_settings_init(ps_settings *settings, ps_arena *arena)
{
    *settings = (ps_settings){.arena = arena};
}

static struct ps_setting_value *settings_slot(const ps_settings *settings, ps_slice key)
{
    for (uint32_t i = 0; i < settings->count; i++) {
        if (ps_slice_equal(ps_slice_text(settings->values[i].key), key)) {
            return &settings->values[i];
        }
    }
    return NULL;
}

static ps_code settings_grow(ps_settings *settings, ps_error *err)
{
    uint32_t capacity = settings->capacity == 0 ? 16 : settings->capacity * 2;
    struct ps_setting_value *values =
        ps_arena_take(settings->arena, capacity * sizeof *settings->values);
    if (values == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for %u settings", capacity);
    }
    if (settings->count > 0) {
        memcpy(values, settings->values, settings->count * sizeof *values);
    }
    settings->values = values;
    settings->capacity = capacity;
    return PS_OK;
}

ps_code ps_settings_set(ps_settings *settings, ps_slice key, ps_slice value, ps_error *err)
{
    const ps_setting_entry *entry = ps_setting_find(key);
    struct ps_setting_value *slot = settings_slot(settings, key);
    if (entry == NULL && ps_slice_has_prefix(key, PS_SLICE("paystream."))) {
        return ps_error_set(err, PS_E_INVALID, "there is no setting '%.*s'", (int)key.size,
                            key.data);
    }
    if (entry != NULL) {
        ps_code code = value_check(entry, value, err);
        if (code != PS_OK) {
            return code;
        }
    }
    if (slot == NULL && settings->count == settings->capacity) {
        ps_code code = settings_grow(settings, err);
        if (code != PS_OK) {
            return code;
        }
    }
    char *key_copy = ps_arena_copy(settings->arena, key.data, key.size);
    char *value_copy = ps_arena_copy(settings->arena, value.data, value.size);
    if (key_copy == NULL || value_copy == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a setting");
    }
    if (slot == NULL) {
        slot = &settings->values[settings->count++];
    }
    *slot = (struct ps_setting_value){key_copy, value_copy};
    return PS_OK;
}

void ps_settings_reset(ps_settings *settings, ps_slice key)
{
    if (key.size == 0) {
        settings->count = 0;
        return;
    }
    struct ps_setting_value *slot = settings_slot(settings, key);
    if (slot != NULL) {
        *slot = settings->values[--settings->count];
    }
}

const char *ps_settings_get(const ps_settings *settings, const char *key)
{
    const struct ps_setting_value *slot = settings_slot(settings, ps_slice_text(key));
    return slot != NULL ? slot->value : NULL;
}

const char *ps_settings_value(const ps_settings *settings, const char *key)
{
    const char *value = ps_settings_get(settings, key);
    if (value == NULL) {
        const ps_setting_entry *entry = ps_setting_find(ps_slice_text(key));
        value = entry != NULL ? entry->default_value : "";
    }
    return value;
}
