/* Settings: the keys of `-D key=value`, one table from which parsing, `serve --help` and
 * docs/settings.md come. */
#ifndef PS_CLI_SETTINGS_H
#define PS_CLI_SETTINGS_H

#include "pay/engine.h"
#include "serve/http_server.h"

typedef struct {
    ps_engine_options engine;
    ps_http_options http;
    const char *tls_cert; /* paths; borrowed from argv */
    const char *tls_key;
    const char *tls_client_ca;
    const char *tls_crl;
    const char *tls_keys;
    const char *admin_listen; /* HOST:PORT; NULL: none */
    bool requires_signature;
    uint32_t nonces_max;
    uint32_t concurrent_per_key; /* 0: no limit */
    uint64_t rate_per_key;       /* requests per second; 0: no limit */
    uint64_t rate_per_address;   /* requests per second; 0: no limit */
    uint64_t scrub_period_s;
    uint64_t inflight_bytes_max;
    int64_t queue_wait_max_ns;
} ps_serve_settings;

void ps_serve_settings_default(ps_serve_settings *out_settings);
/* "key=value"; false with a sentence (unknown key with the nearest one, wrong form, out of range).
 * `settings` is a ps_serve_settings. */
bool ps_serve_settings_set(void *settings, const char *text, ps_error *err);
/* A Markdown table of all keys, for the docs and `--help`. */
void ps_serve_settings_describe(ps_buf *out);

#endif
