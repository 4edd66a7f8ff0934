#include "cli/settings.h"

#include <stdio.h>

#include "base/time.h"
#include "cli/option.h"

typedef enum {
    SETTING_COUNT,
    SETTING_COUNT32,
    SETTING_SIZE,
    SETTING_SIZE32,
    SETTING_DURATION,
    SETTING_FLAG,
    SETTING_TEXT
} setting_kind;

typedef struct {
    const char *key;
    setting_kind kind;
    size_t offset; /* in ps_serve_settings */
    uint64_t min, max;
    const char *initial; /* the default, as it is documented and set */
    const char *help;
} setting;

#define AT(member) offsetof(ps_serve_settings, member)

static const setting table[] = {
    {"limits.payments", SETTING_COUNT, AT(engine.core.payments_max), 1000, 4000000000, "20000000",
     "Payments kept."},
    {"limits.accounts", SETTING_COUNT, AT(engine.core.accounts_max), 100, 4000000000, "4000000",
     "Ledger accounts."},
    {"limits.keys", SETTING_COUNT, AT(engine.core.keys_max), 1000, 4000000000, "20000000",
     "Idempotency keys kept for 24 hours."},
    {"limits.transfers", SETTING_COUNT, AT(engine.core.transfers_max), 1000, 4000000000, "20000000",
     "API transfers and open holds."},
    {"limits.refunds", SETTING_COUNT, AT(engine.core.refunds_max), 100, 4000000000, "5000000",
     "Refunds."},
    {"limits.trades", SETTING_COUNT, AT(engine.core.trades_max), 1000, 8000000000, "80000000",
     "Trade records."},
    {"limits.parties", SETTING_COUNT, AT(engine.core.parties_max), 100, 4000000000, "4000000",
     "Merchants and payers."},
    {"limits.nonces", SETTING_COUNT32, AT(nonces_max), 1000, 1 << 30, "3000000",
     "Signed requests in ten minutes; beyond: 503."},
    {"limits.concurrent_per_key", SETTING_COUNT32, AT(concurrent_per_key), 0, 1000000, "0",
     "Requests of one API key under way at once; beyond: 429. 0: no limit."},
    {"limits.inflight", SETTING_SIZE, AT(inflight_bytes_max), 1 << 20, UINT64_C(1) << 36, "64MiB",
     "Bytes of requests taken and not yet answered."},
    {"limits.queue_wait", SETTING_DURATION, AT(queue_wait_max_ns), 1, INT64_MAX, "5s",
     "A request that the core has not begun by then is dropped: 503, and nothing is decided."},
    {"rail.deadline", SETTING_DURATION, AT(engine.core.rail_deadline_ns), 1, INT64_MAX, "10s",
     "A rail that has not answered by then leaves the payment unknown."},
    {"rail.simulator.delay", SETTING_DURATION, AT(engine.core.simulator_delay_ns), 1, INT64_MAX,
     "1s", "How long tok_slow_ok and tok_slow_declined take."},
    {"idempotency.keep", SETTING_DURATION, AT(engine.core.idempotency_keep_ns), 1, INT64_MAX, "24h",
     "How long a key answers with its first reply."},
    {"snapshot.every", SETTING_SIZE, AT(engine.snapshot_every_bytes), 0, UINT64_C(1) << 44, "1GiB",
     "Journal bytes between snapshots, at least as many as the state has; 0: only at shutdown."},
    {"snapshot.rate", SETTING_SIZE, AT(engine.snapshot_rate), 0, UINT64_C(1) << 40, "48MiB",
     "Bytes of a snapshot written in a second, so that the disk stays free for payments; 0: all."},
    {"journal.segment", SETTING_SIZE32, AT(engine.journal.segment_size), 4 << 20, 1 << 30, "64MiB",
     "Size of a journal segment."},
    {"scrub.period", SETTING_COUNT, AT(scrub_period_s), 1, 86400 * 30, "86400",
     "Seconds in which every cold segment is read again once."},
    {"http.threads", SETTING_COUNT32, AT(http.thread_count), 1, 64, "1", "Network threads."},
    {"http.connections", SETTING_COUNT32, AT(http.connections_max), 1, 1000000, "10000",
     "Connections; beyond: 503."},
    {"http.tls.cert", SETTING_TEXT, AT(tls_cert), 0, 0, "",
     "PEM certificate chain; with http.tls.key turns TLS on."},
    {"http.tls.key", SETTING_TEXT, AT(tls_key), 0, 0, "", "PEM private key."},
    {"http.tls.client_ca", SETTING_TEXT, AT(tls_client_ca), 0, 0, "",
     "PEM certificates: every client must bring one that these have signed."},
    {"http.tls.crl", SETTING_TEXT, AT(tls_crl), 0, 0, "",
     "PEM revocation lists, a current one for each certificate of http.tls.client_ca."},
    {"http.tls.keys", SETTING_TEXT, AT(tls_keys), 0, 0, "",
     "Which certificate may use which API key: a key's id (or *) and an identity on each line."},
    {"http.require_signature", SETTING_FLAG, AT(requires_signature), 0, 1, "false",
     "Requests that need a key must be signed, and count once."},
    {"admin.listen", SETTING_TEXT, AT(admin_listen), 0, 0, "",
     "HOST:PORT of a second address: what needs the scope admin is served there alone."},
    {"rate.key", SETTING_COUNT, AT(rate_per_key), 0, 1000000, "0",
     "Requests per second and API key; beyond: 429. 0: no limit."},
    {"rate.address", SETTING_COUNT, AT(rate_per_address), 0, 1000000, "0",
     "Requests per second and address; beyond: 429. 0: no limit."},
};
enum { SETTING_TOTAL = sizeof table / sizeof table[0] };

void ps_serve_settings_default(ps_serve_settings *out_settings)
{
    memset(out_settings, 0, sizeof *out_settings);
    ps_engine_options_default(&out_settings->engine);
    ps_http_options_init(&out_settings->http);
    ps_error err;
    for (size_t i = 0; i < SETTING_TOTAL; i++) {
        char text[128];
        if (table[i].initial[0] != '\0') {
            snprintf(text, sizeof text, "%s=%s", table[i].key, table[i].initial);
            bool known = ps_serve_settings_set(out_settings, text, &err);
            PS_ASSERT(known);
        }
    }
}

/* "1048576", "64KiB", "64MiB", "1GiB". */
static bool size_parse(ps_slice text, uint64_t *out_size)
{
    static const struct {
        const char *suffix;
        int shift;
    } units[] = {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"", 0}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        size_t suffix_size = strlen(units[i].suffix);
        if (text.size < suffix_size ||
            memcmp(text.data + text.size - suffix_size, units[i].suffix, suffix_size) != 0) {
            continue;
        }
        uint64_t number;
        if (!ps_parse_u64(ps_slice_of(text.data, text.size - suffix_size), &number) ||
            number > UINT64_MAX >> units[i].shift) {
            return false;
        }
        *out_size = number << units[i].shift;
        return true;
    }
    return false;
}

static bool value_parse(const setting *s, ps_slice text, uint64_t *out_value)
{
    int64_t duration_ns;
    switch (s->kind) {
    case SETTING_COUNT:
    case SETTING_COUNT32:
        return ps_parse_u64(text, out_value);
    case SETTING_SIZE:
    case SETTING_SIZE32:
        return size_parse(text, out_value);
    case SETTING_DURATION:
        if (!ps_duration_parse(text, &duration_ns)) {
            return false;
        }
        *out_value = (uint64_t)duration_ns;
        return true;
    case SETTING_FLAG:
        *out_value = ps_slice_equal(text, PS_SLICE("true"));
        return *out_value == 1 || ps_slice_equal(text, PS_SLICE("false"));
    case SETTING_TEXT:
        *out_value = 0;
        return text.size > 0;
    }
    return false;
}

static const char *form_of(setting_kind kind)
{
    switch (kind) {
    case SETTING_COUNT:
    case SETTING_COUNT32:
        return "a whole number";
    case SETTING_SIZE:
    case SETTING_SIZE32:
        return "a size such as 64MiB";
    case SETTING_DURATION:
        return "a duration such as 10s or 500ms";
    case SETTING_FLAG:
        return "true or false";
    case SETTING_TEXT:
        return "a text";
    }
    return "";
}

static void value_store(ps_serve_settings *settings, const setting *s, const char *text,
                        uint64_t value)
{
    char *at = (char *)settings + s->offset;
    switch (s->kind) {
    case SETTING_COUNT:
    case SETTING_SIZE:
    case SETTING_DURATION:
        ps_put_u64(at, value);
        return;
    case SETTING_COUNT32:
    case SETTING_SIZE32:
        ps_put_u32(at, (uint32_t)value);
        return;
    case SETTING_FLAG:
        *(bool *)at = value == 1;
        return;
    case SETTING_TEXT:
        memcpy(at, &text, sizeof text);
        return;
    }
}

static const setting *setting_find(const char *text, size_t key_size, ps_error *err)
{
    const char *keys[SETTING_TOTAL + 1] = {NULL};
    char key[64];
    snprintf(key, sizeof key, "%.*s", (int)key_size, text);
    for (size_t i = 0; i < SETTING_TOTAL; i++) {
        keys[i] = table[i].key;
        if (strcmp(table[i].key, key) == 0) {
            return &table[i];
        }
    }
    const char *nearest = ps_nearest_word(key, keys);
    ps_error_set(err, PS_E_INVALID, "there is no setting %s%s%s%s", key,
                 nearest != NULL ? " (did you mean " : "", nearest != NULL ? nearest : "",
                 nearest != NULL ? "?)" : "");
    return NULL;
}

bool ps_serve_settings_set(void *settings, const char *text, ps_error *err)
{
    size_t key_size = strcspn(text, "=");
    if (text[key_size] != '=') {
        ps_error_set(err, PS_E_INVALID, "want key=value");
        return false;
    }
    const setting *s = setting_find(text, key_size, err);
    if (s == NULL) {
        return false;
    }
    const char *value_text = text + key_size + 1;
    uint64_t value = 0;
    if (!value_parse(s, ps_slice_text(value_text), &value)) {
        ps_error_set(err, PS_E_INVALID, "%s wants %s", s->key, form_of(s->kind));
        return false;
    }
    if (s->kind != SETTING_TEXT && (value < s->min || value > s->max)) {
        ps_error_set(err, PS_E_INVALID, "%s is out of range", s->key);
        return false;
    }
    value_store(settings, s, value_text, value);
    return true;
}

void ps_serve_settings_describe(ps_buf *out)
{
    ps_buf_append_text(out, "| key | default | what |\n|---|---|---|\n");
    for (size_t i = 0; i < SETTING_TOTAL; i++) {
        ps_buf_append_format(out, "| `%s` | %s%s%s | %s |\n", table[i].key,
                             table[i].initial[0] != '\0' ? "`" : "", table[i].initial,
                             table[i].initial[0] != '\0' ? "`" : "", table[i].help);
    }
}
