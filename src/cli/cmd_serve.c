#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "cli/commands.h"
#include "cli/data_check.h"
#include "cli/job_thread.h"
#include "cli/load_client.h"
#include "cli/settings.h"
#include "serve/service.h"

enum { DEMO_RATE = 25, DEMO_CONNECTIONS = 8, DEV_KEY_DAYS = 7, HOST_MAX = 128, JOB_FILES_MAX = 64 };

typedef struct {
    char host[HOST_MAX];
    uint16_t port;
} address;

typedef struct {
    const char *data;
    const char *listen;
    const char *policy;
    const char *job_files[JOB_FILES_MAX];
    uint32_t job_file_count;
    bool dev, demo;
    ps_serve_settings settings;
    address at, admin_at;
} serve_arguments;

/* ── the process ── */

/* Private files, no core dumps, no new privileges (S-E2); as many descriptors as we may have. */
static void process_harden(void)
{
    const struct rlimit no_core = {0, 0};
    struct rlimit files;
    umask(077);
    if (setrlimit(RLIMIT_CORE, &no_core) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        fprintf(stderr, "paystream serve: warning: cannot drop core dumps and privileges\n");
    }
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

/* `option` is what the user wrote it as. */
static bool address_parse(const char *option, const char *text, address *out_address)
{
    const char *colon = strrchr(text, ':');
    uint64_t port;
    if (colon == NULL || colon == text || (size_t)(colon - text) >= HOST_MAX ||
        !ps_parse_u64(ps_slice_text(colon + 1), &port) || port > 65535) {
        fprintf(stderr, "paystream serve: %s %s: want HOST:PORT, port 0 for any free one\n", option,
                text);
        return false;
    }
    snprintf(out_address->host, sizeof out_address->host, "%.*s", (int)(colon - text), text);
    out_address->port = (uint16_t)port;
    return true;
}

/* ── keys and demo traffic of --dev ── */

/* A test-mode admin key that lives for a week: shown, never stored. */
static PS_CHECKED ps_code dev_key_make(ps_io *io, ps_engine *engine,
                                       char out_key[PS_API_KEY_TEXT_MAX], ps_error *err)
{
    ps_api_key key;
    ps_api_key_make(io, ps_engine_pepper(engine), false, &key);
    ps_command command = {.kind = PS_CMD_KEY_CREATE, .book = 1, .scopes = PS_SCOPE_ADMIN};
    command.reason = PS_SLICE("serve --dev");
    command.data = ps_slice_of(key.hmac, sizeof key.hmac);
    command.timeout_ns = DEV_KEY_DAYS * 86400 * PS_NS_PER_S;
    command.u.key_new.scopes = PS_SCOPE_ADMIN;
    command.u.key_new.public_id = key.public_id;
    ps_reply reply;
    ps_code code = ps_engine_execute_durably(engine, &command, &reply, err);
    if (code != PS_OK) {
        return code;
    }
    if (reply.result.kind != PS_RESULT_RECORD) {
        return ps_error_set(err, PS_E_LIMIT, "cannot make a key: %s",
                            ps_refusal_describe(reply.result.refusal)->message);
    }
    memcpy(out_key, key.text, sizeof key.text);
    return PS_OK;
}

typedef struct {
    pthread_t thread;
    bool running;
    atomic_bool stop;
    char url[HOST_MAX + 16];
    const char *key;
    bool signs;
} demo;

static void *demo_run(void *context)
{
    demo *d = context;
    ps_error err;
    ps_mix *mix = NULL;
    ps_load_result *result = calloc(1, sizeof *result);
    char run[24];
    uint64_t word;
    ps_io_random(ps_io_posix(), &word, sizeof word);
    snprintf(run, sizeof run, "demo%08llxz", (unsigned long long)(word & UINT32_MAX));
    ps_code code = result == NULL
                       ? ps_error_set(&err, PS_E_MEMORY, "no memory")
                       : ps_mix_new(PS_MIX_DEMO, word | 1, 0, ps_slice_text(run), &mix, &err);
    if (code == PS_OK) {
        const ps_load_options options = {.url = d->url,
                                         .key = d->key,
                                         .connection_count = DEMO_CONNECTIONS,
                                         .rate = DEMO_RATE,
                                         .signs = d->signs,
                                         .stop = &d->stop};
        code = ps_load_run(ps_io_posix(), &options, mix, result, &err);
    }
    if (code != PS_OK) {
        fprintf(stderr, "paystream serve: demo traffic: %s\n", err.text);
    }
    ps_mix_free(mix);
    free(result);
    return NULL;
}

static void demo_start(demo *d, const serve_arguments *a, uint16_t port, const char *key)
{
    snprintf(d->url, sizeof d->url, "http://%s:%u", a->at.host, port);
    d->key = key;
    d->signs = a->settings.requires_signature;
    d->running = pthread_create(&d->thread, NULL, demo_run, d) == 0;
    if (!d->running) {
        fprintf(stderr, "paystream serve: cannot start the demo traffic\n");
    }
}

static void demo_stop(demo *d)
{
    atomic_store(&d->stop, true);
    if (d->running) {
        pthread_join(d->thread, NULL);
        d->running = false;
    }
}

/* ── streaming jobs ── */

static bool add_job_file(void *target, const char *text, ps_error *err)
{
    serve_arguments *a = target;
    if (a->job_file_count == JOB_FILES_MAX) {
        ps_error_set(err, PS_E_INVALID, "--job may be given %d times", JOB_FILES_MAX);
        return false;
    }
    a->job_files[a->job_file_count++] = text;
    return true;
}

/* PS_EXIT_DONE, or the messages were printed. */
static int jobs_plan(const serve_arguments *a, ps_job_threads **jobs)
{
    int exit_code = PS_EXIT_DONE;
    for (uint32_t i = 0; exit_code == PS_EXIT_DONE && i < a->job_file_count; i++) {
        exit_code = ps_job_threads_plan(jobs, a->job_files[i]);
    }
    return exit_code;
}

/* ── serving ── */

/* What runs beside the payments. */
typedef struct {
    ps_job_board *board;
    ps_job_threads *jobs; /* NULL: none */
    demo demo;
} companions;

static PS_CHECKED ps_code jobs_start(const serve_arguments *a, ps_engine *engine, companions *c,
                                     ps_error *err)
{
    const ps_job_threads_options options = {
        .data_dir = a->data, .journal = ps_engine_journal(engine), .board = c->board};
    return c->jobs != NULL ? ps_job_threads_start(c->jobs, &options, err) : PS_OK;
}

static PS_CHECKED ps_code data_open(const serve_arguments *a, ps_io *io, ps_engine **out_engine,
                                    ps_error *err)
{
    ps_engine_recovery recovery;
    ps_code code = ps_data_check(a->data, err);
    if (code == PS_OK) {
        code = ps_engine_open(io, a->data, &a->settings.engine, out_engine, &recovery, err);
    }
    if (code == PS_E_MISSING && a->dev) {
        char key[PS_API_KEY_TEXT_MAX];
        const ps_engine_founding founding = {PS_SLICE("default"), false, &a->settings.engine};
        code = ps_engine_found(io, a->data, &founding, key, err);
        if (code == PS_OK) {
            fprintf(stderr, "made %s\n", a->data);
            code = ps_engine_open(io, a->data, &a->settings.engine, out_engine, &recovery, err);
        }
    }
    if (code != PS_OK) {
        return code;
    }
    fprintf(stderr, "%s: %llu records (%llu from a snapshot, %llu replayed) in %.0f ms\n", a->data,
            (unsigned long long)recovery.journal.last_seq,
            (unsigned long long)recovery.snapshot_seq, (unsigned long long)recovery.replayed_count,
            (double)recovery.duration_ns / 1e6);
    if (recovery.journal.note[0] != '\0') {
        fprintf(stderr, "note: %s\n", recovery.journal.note);
    }
    if (recovery.note[0] != '\0') {
        fprintf(stderr, "note: %s\n", recovery.note);
    }
    return PS_OK;
}

static PS_CHECKED ps_code service_open(const serve_arguments *a, ps_engine *engine,
                                       ps_job_board *board, ps_service **out_service, ps_error *err)
{
    ps_service_options options;
    ps_service_options_init(&options);
    options.io = ps_io_posix();
    options.jobs = board;
    options.engine = engine;
    options.dir = a->data;
    options.http = a->settings.http;
    options.http.host = a->at.host;
    options.http.port = a->at.port;
    if (a->settings.admin_listen != NULL) {
        options.http.admin_host = a->admin_at.host;
        options.http.admin_port = a->admin_at.port;
    }
    options.http.tls_cert_path = a->settings.tls_cert;
    options.http.tls_key_path = a->settings.tls_key;
    options.http.tls_client_ca_path = a->settings.tls_client_ca;
    options.http.tls_crl_path = a->settings.tls_crl;
    options.certificate_map = a->settings.tls_keys;
    options.requires_signature = a->settings.requires_signature;
    options.nonces_max = a->settings.nonces_max;
    options.concurrent_per_key = a->settings.concurrent_per_key;
    options.rate_per_key = a->settings.rate_per_key;
    options.rate_per_address = a->settings.rate_per_address;
    options.inflight_bytes_max = a->settings.inflight_bytes_max;
    options.queue_wait_max_ns = a->settings.queue_wait_max_ns;
    options.scrub_period_ns = (int64_t)a->settings.scrub_period_s * PS_NS_PER_S;
    return ps_service_open(&options, out_service, err);
}

/* Until SIGTERM or SIGINT. */
static void signal_wait(const sigset_t *signals)
{
    int signal_number = 0;
    while (sigwait(signals, &signal_number) != 0) {
    }
    fprintf(stderr, "signal %d: finishing what was taken\n", signal_number);
}

static PS_CHECKED ps_code serve_run(const serve_arguments *a, companions *c, ps_engine *engine,
                                    const sigset_t *signals, ps_error *err)
{
    char dev_key[PS_API_KEY_TEXT_MAX] = "";
    ps_service *service = NULL;
    ps_code code = PS_OK;
    if (a->dev || a->demo) {
        code = dev_key_make(ps_io_posix(), engine, dev_key, err);
    }
    if (code == PS_OK) {
        code = service_open(a, engine, c->board, &service, err);
    }
    if (code == PS_OK) {
        code = jobs_start(a, engine, c, err);
    }
    if (code == PS_OK) {
        code = ps_service_start(service, err);
    }
    if (code == PS_OK) {
        uint16_t port = ps_service_port(service);
        const char *scheme = a->settings.tls_cert != NULL ? "https" : "http";
        printf("paystream ready %s://%s:%u\n", scheme, a->at.host, port);
        fflush(stdout);
        if (a->settings.admin_listen != NULL) {
            fprintf(stderr, "admins at %s://%s:%u\n", scheme, a->admin_at.host,
                    ps_service_admin_port(service));
        }
        if (a->dev) {
            fprintf(stderr, "\n  live page   %s://%s:%u/#key=%s\n  test key    %s\n\n", scheme,
                    a->at.host, port, dev_key, dev_key);
        }
        if (a->demo) {
            demo_start(&c->demo, a, port, dev_key);
        }
        signal_wait(signals);
        demo_stop(&c->demo);
        ps_job_threads_stop(c->jobs);
        code = ps_service_drain(service, err);
    }
    ps_job_threads_stop(c->jobs);
    ps_service_close(service);
    return code;
}

static bool arguments_are_usable(serve_arguments *a)
{
    if (a->policy != NULL) {
        fprintf(stderr, "paystream serve: --policy is not supported yet\n");
        return false;
    }
    if ((a->settings.tls_cert == NULL) != (a->settings.tls_key == NULL)) {
        fprintf(stderr, "paystream serve: http.tls.cert and http.tls.key go together\n");
        return false;
    }
    if ((a->settings.tls_client_ca != NULL && a->settings.tls_cert == NULL) ||
        (a->settings.tls_client_ca == NULL &&
         (a->settings.tls_crl != NULL || a->settings.tls_keys != NULL))) {
        fprintf(stderr, "paystream serve: http.tls.crl and http.tls.keys need "
                        "http.tls.client_ca, and that needs http.tls.cert\n");
        return false;
    }
    if (a->demo && a->settings.tls_cert != NULL) {
        fprintf(stderr, "paystream serve: --demo speaks plain HTTP only: leave TLS off\n");
        return false;
    }
    return address_parse("--listen", a->listen, &a->at) &&
           (a->settings.admin_listen == NULL ||
            address_parse("-D admin.listen", a->settings.admin_listen, &a->admin_at));
}

static ps_parsed arguments_parse(int argc, char **argv, serve_arguments *a)
{
    static const ps_command_help help = {
        "serve", "Takes payments: HTTP API, live page, metrics",
        "serve --data DIR [--listen HOST:PORT] [--job FILE.sql]… [-D key=value]… [--dev] [--demo]",
        "Prints `paystream ready URL` on standard output when it can take requests. SIGTERM and\n"
        "SIGINT finish what was taken and exit 0. Settings (-D) are listed in docs/settings.md."};
    const ps_option options[] = {
        {"--data", "DIR", PS_OPTION_TEXT, true, "The data directory.", &a->data, NULL},
        {"--listen", "HOST:PORT", PS_OPTION_TEXT, false,
         "Where to listen (default 127.0.0.1:8480; port 0: any free one).", &a->listen, NULL},
        {"--policy", "FILE.sql", PS_OPTION_TEXT, false, "Not supported yet.", &a->policy, NULL},
        {"--job", "FILE.sql", PS_OPTION_SETTING, false,
         "Runs its queries and INSERTs over the journal as it grows; may be given many times.", a,
         add_job_file},
        {"--dev", NULL, PS_OPTION_FLAG, false,
         "Make DIR when it is missing; print the page's address with a test key.", &a->dev, NULL},
        {"--demo", NULL, PS_OPTION_FLAG, false, "Send demo traffic to itself.", &a->demo, NULL},
        {"-D", "KEY=VALUE", PS_OPTION_SETTING, false, "A setting; may be given many times.",
         &a->settings, ps_serve_settings_set},
        {0}};
    return ps_options_parse(&help, options, argc, argv, NULL, 0);
}

int ps_cmd_serve(int argc, char **argv)
{
    serve_arguments a = {.listen = "127.0.0.1:8480"};
    ps_serve_settings_default(&a.settings);
    switch (arguments_parse(argc, argv, &a)) {
    case PS_PARSED_HELP:
        return PS_EXIT_DONE;
    case PS_PARSED_WRONG:
        return PS_EXIT_USAGE;
    case PS_PARSED:
        break;
    }
    if (!arguments_are_usable(&a)) {
        return PS_EXIT_USAGE;
    }
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* inherited by every thread: main waits for them */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file size limit arrives as a full disk */
    process_harden();

    companions c = {0};
    int exit_code = jobs_plan(&a, &c.jobs);
    if (exit_code != PS_EXIT_DONE) {
        ps_job_threads_free(c.jobs);
        return exit_code;
    }
    ps_engine *engine = NULL;
    ps_error err = {0};
    ps_code code = ps_job_board_new(&c.board, &err);
    if (code == PS_OK) {
        code = data_open(&a, ps_io_posix(), &engine, &err);
    }
    if (code == PS_OK) {
        code = serve_run(&a, &c, engine, &signals, &err);
    }
    ps_job_threads_free(c.jobs);
    ps_engine_close(engine);
    ps_job_board_free(c.board);
    if (code != PS_OK) {
        fprintf(stderr, "paystream serve: %s\n", err.text);
        return ps_exit_of(code);
    }
    return PS_EXIT_DONE;
}
