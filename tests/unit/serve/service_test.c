/* The whole of serve over a real socket and a real data directory: what clients rely on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "serve/audit.h"
#include "serve/service.h"

enum { REPLY_MAX = 4 * 1024 * 1024 };

typedef struct {
    char root[64], dir[96];
    char key[PS_API_KEY_TEXT_MAX];
    ps_engine *engine;
    ps_service *service;
    ps_engine_recovery recovery;
    ps_error err;
    int socket;
    uint32_t jobs_max;     /* 0: the default */
    int64_t queue_wait_ns; /* 0: the default */
} fixture;

/* ── a disk that fails when told to ── */

static _Atomic bool sync_fails, disk_is_full;

static int64_t io_mono(ps_io *io)
{
    (void)io;
    return ps_io_now_mono_ns(ps_io_posix());
}
static int64_t io_wall(ps_io *io)
{
    (void)io;
    return ps_io_now_wall_ns(ps_io_posix());
}
static void io_random(ps_io *io, void *out, size_t size)
{
    (void)io;
    ps_io_random(ps_io_posix(), out, size);
}
static ps_code io_open(ps_io *io, const char *path, ps_open_mode mode, ps_file **out, ps_error *err)
{
    (void)io;
    if (disk_is_full && mode == PS_OPEN_CREATE_NEW) {
        return ps_error_set_os(err, ENOSPC, "cannot make %s", path);
    }
    return ps_io_open(ps_io_posix(), path, mode, out, err);
}
static void io_close(ps_io *io, ps_file *file)
{
    (void)io;
    ps_io_close(ps_io_posix(), file);
}
static ps_code io_read(ps_io *io, ps_file *file, uint64_t offset, void *out, size_t size,
                       size_t *out_size, ps_error *err)
{
    (void)io;
    return ps_io_read(ps_io_posix(), file, offset, out, size, out_size, err);
}
static ps_code io_write(ps_io *io, ps_file *file, uint64_t offset, const void *data, size_t size,
                        ps_error *err)
{
    (void)io;
    return ps_io_write(ps_io_posix(), file, offset, data, size, err);
}
static ps_code io_datasync(ps_io *io, ps_file *file, ps_error *err)
{
    (void)io;
    if (sync_fails) {
        return ps_error_set_os(err, EIO, "cannot sync");
    }
    return ps_io_datasync(ps_io_posix(), file, err);
}
static ps_code io_prealloc(ps_io *io, ps_file *file, uint64_t size, ps_error *err)
{
    (void)io;
    return ps_io_prealloc(ps_io_posix(), file, size, err);
}
static ps_code io_truncate(ps_io *io, ps_file *file, uint64_t size, ps_error *err)
{
    (void)io;
    return ps_io_truncate(ps_io_posix(), file, size, err);
}
static ps_code io_size(ps_io *io, ps_file *file, uint64_t *out_size, ps_error *err)
{
    (void)io;
    return ps_io_size(ps_io_posix(), file, out_size, err);
}
static ps_code io_sync_dir(ps_io *io, const char *path, ps_error *err)
{
    (void)io;
    return ps_io_sync_dir(ps_io_posix(), path, err);
}
static ps_code io_rename(ps_io *io, const char *from, const char *to, ps_error *err)
{
    (void)io;
    return ps_io_rename(ps_io_posix(), from, to, err);
}
static ps_code io_unlink(ps_io *io, const char *path, ps_error *err)
{
    (void)io;
    return ps_io_unlink(ps_io_posix(), path, err);
}
static ps_code io_make_dir(ps_io *io, const char *path, ps_error *err)
{
    (void)io;
    return ps_io_make_dir(ps_io_posix(), path, err);
}
static ps_code io_list(ps_io *io, const char *path, ps_dir_entry *out_entries, size_t entries_max,
                       size_t *out_count, ps_error *err)
{
    (void)io;
    return ps_io_list(ps_io_posix(), path, out_entries, entries_max, out_count, err);
}
static ps_code io_lock(ps_io *io, const char *path, ps_file **out_file, ps_error *err)
{
    (void)io;
    return ps_io_lock(ps_io_posix(), path, out_file, err);
}

static const struct ps_io_ops bad_disk_ops = {
    .now_mono_ns = io_mono,
    .now_wall_ns = io_wall,
    .random = io_random,
    .open = io_open,
    .close = io_close,
    .read = io_read,
    .write = io_write,
    .datasync = io_datasync,
    .prealloc = io_prealloc,
    .truncate = io_truncate,
    .size = io_size,
    .sync_dir = io_sync_dir,
    .rename = io_rename,
    .unlink = io_unlink,
    .make_dir = io_make_dir,
    .list = io_list,
    .lock = io_lock,
};
static ps_io bad_disk = {&bad_disk_ops};

/* ── a client ── */

typedef struct {
    int status;
    char *head; /* up to the empty line, zero-terminated */
    char *body;
    size_t body_size;
} reply;

static char received[REPLY_MAX];
static size_t received_size;

static int client_connect(const fixture *f)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(ps_service_port(f->service)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    struct timeval patience = {.tv_sec = 20};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (void *)&address, sizeof address), 0);
    received_size = 0;
    return fd;
}

static void client_send(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
        assert_true(sent > 0);
        bytes += sent;
        size -= (size_t)sent;
    }
}

static void client_fill(int fd)
{
    ssize_t got = recv(fd, received + received_size, sizeof received - 1 - received_size, 0);
    if (got <= 0) {
        fail_msg("the server closed, or did not answer, after: %s", received);
    }
    received_size += (size_t)got;
    received[received_size] = 0;
}

static reply client_receive(int fd)
{
    reply r = {0};
    char *end;
    received[received_size] = 0;
    while ((end = strstr(received, "\r\n\r\n")) == NULL) {
        client_fill(fd);
    }
    r.status = atoi(received + 9);
    char *length = strcasestr(received, "content-length:");
    size_t size = length != NULL && length < end ? (size_t)atoll(length + 15) : 0;
    size_t head_size = (size_t)(end - received) + 4;
    while (received_size < head_size + size) {
        client_fill(fd);
    }
    r.head = strndup(received, head_size);
    r.body = strndup(received + head_size, size);
    r.body_size = size;
    received_size -= head_size + size;
    memmove(received, received + head_size + size, received_size);
    return r;
}

static void reply_free(reply *r)
{
    free(r->head);
    free(r->body);
}

typedef struct {
    const char *method, *path, *key, *idempotency_key, *body;
    const char *headers; /* more lines */
} call;

static void call_send(const fixture *f, const call *c)
{
    size_t body_size = c->body != NULL ? strlen(c->body) : 0;
    size_t room = body_size + 4096;
    char *text = malloc(room);
    assert_non_null(text);
    const char *key = c->key != NULL ? c->key : f->key;
    int size = snprintf(
        text, room, "%s %s HTTP/1.1\r\nHost: x\r\n%s%s%s%s%s%s%sContent-Length: %zu\r\n\r\n%s",
        c->method, c->path, *key != 0 ? "Authorization: Bearer " : "", key, *key != 0 ? "\r\n" : "",
        c->idempotency_key != NULL ? "Idempotency-Key: " : "",
        c->idempotency_key != NULL ? c->idempotency_key : "",
        c->idempotency_key != NULL ? "\r\n" : "", c->headers != NULL ? c->headers : "", body_size,
        c->body != NULL ? c->body : "");
    client_send(f->socket, text, (size_t)size);
    free(text);
}

static reply ask(const fixture *f, const call *c)
{
    call_send(f, c);
    return client_receive(f->socket);
}

static json_t *ask_json(const fixture *f, int status, const call *c)
{
    reply r = ask(f, c);
    if (r.status != status) {
        fail_msg("%s %s: %s%s", c->method, c->path, r.head, r.body);
    }
    json_error_t error;
    json_t *root = json_loadb(r.body, r.body_size, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        fail_msg("%s %s: not JSON: %s", c->method, c->path, r.body);
    }
    reply_free(&r);
    return root;
}

static const char *text_of(json_t *root, const char *key)
{
    const char *text = json_string_value(json_object_get(root, key));
    if (text == NULL) {
        fail_msg("no text %s in %s", key, json_dumps(root, 0));
    }
    return text;
}

static json_int_t int_of(json_t *root, const char *key)
{
    json_t *value = json_object_get(root, key);
    if (!json_is_integer(value)) {
        fail_msg("no integer %s in %s", key, json_dumps(root, 0));
    }
    return json_integer_value(value);
}

static const char *error_code(json_t *root)
{
    return text_of(json_object_get(root, "error"), "code");
}

#define GET(path_)                                                                                 \
    &(call)                                                                                        \
    {                                                                                              \
        .method = "GET", .path = (path_)                                                           \
    }
#define POST(path_, key_, body_)                                                                   \
    &(call)                                                                                        \
    {                                                                                              \
        .method = "POST", .path = (path_), .idempotency_key = (key_), .body = (body_)              \
    }

/* ── the server ── */

static void server_open(fixture *f)
{
    ps_engine_options engine;
    ps_engine_options_default(&engine);
    engine.core.payments_max = 1000000;
    engine.core.accounts_max = 1000000;
    engine.core.keys_max = 1000000;
    engine.core.transfers_max = 1000000;
    engine.core.refunds_max = 1000000;
    engine.core.trades_max = 10000000;
    engine.core.parties_max = 1000000;
    engine.journal.segment_size = 1024 * 1024;
    engine.journal.batch_size_max = 256 * 1024;
    if (ps_engine_open(&bad_disk, f->dir, &engine, &f->engine, &f->recovery, &f->err) != PS_OK) {
        fail_msg("%s", f->err.text);
    }
    ps_service_options options;
    ps_service_options_init(&options);
    options.io = &bad_disk;
    options.engine = f->engine;
    options.dir = f->dir;
    options.http.port = 0;
    options.inflight_jobs_max = f->jobs_max != 0 ? f->jobs_max : options.inflight_jobs_max;
    options.queue_wait_max_ns =
        f->queue_wait_ns != 0 ? f->queue_wait_ns : options.queue_wait_max_ns;
    if (ps_service_open(&options, &f->service, &f->err) != PS_OK ||
        ps_service_start(f->service, &f->err) != PS_OK) {
        fail_msg("%s", f->err.text);
    }
    f->socket = client_connect(f);
}

static void server_close(fixture *f)
{
    close(f->socket);
    if (ps_service_drain(f->service, &f->err) != PS_OK) {
        fail_msg("%s", f->err.text);
    }
    ps_service_close(f->service);
    ps_engine_close(f->engine);
    f->service = NULL;
    f->engine = NULL;
}

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    snprintf(f->root, sizeof f->root, "/tmp/ps_service_test_XXXXXX");
    if (f == NULL || mkdtemp(f->root) == NULL) {
        return -1;
    }
    snprintf(f->dir, sizeof f->dir, "%s/data", f->root);
    if (ps_engine_create(ps_io_posix(), f->dir, PS_SLICE("acme"), false, f->key, &f->err) !=
        PS_OK) {
        fprintf(stderr, "%s\n", f->err.text);
        return -1;
    }
    server_open(f);
    *state = f;
    return 0;
}

static void tree_remove(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char inside[1024];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
        if (unlink(inside) != 0) {
            tree_remove(inside);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    rmdir(path);
}

static int teardown(void **state)
{
    fixture *f = *state;
    if (f->service != NULL) {
        server_close(f);
    }
    tree_remove(f->root);
    free(f);
    return 0;
}

/* ── requests of the tests ── */

static const char card_payment[] =
    "{\"amount\":1250,\"currency\":\"EUR\",\"merchant\":\"shop\",\"payer\":\"ann\",\"instrument\":"
    "{\"type\":\"card\",\"token\":\"tok_ok\",\"last4\":\"1111\"},\"metadata\":{\"k\":\"v\"}}";
static const char card_payment_manual[] =
    "{\"amount\":1250,\"currency\":\"EUR\",\"merchant\":\"shop\",\"payer\":\"ann\",\"instrument\":"
    "{\"type\":\"card\",\"token\":\"tok_ok\"},\"capture_method\":\"manual\"}";
static const char card_payment_declined[] =
    "{\"amount\":7,\"currency\":\"EUR\",\"merchant\":\"shop\",\"payer\":\"ann\",\"instrument\":"
    "{\"type\":\"card\",\"token\":\"tok_stolen_card\"}}";

/* ── tests ── */

static void a_payment_is_made_shown_and_listed(void **state)
{
    fixture *f = *state;
    char path[128];
    json_t *payment = ask_json(f, 201, POST("/v1/payments", "k1", card_payment));
    assert_string_equal(text_of(payment, "status"), "captured");
    snprintf(path, sizeof path, "/v1/payments/%s", text_of(payment, "id"));
    json_t *shown = ask_json(f, 200, GET(path));
    assert_true(json_equal(payment, shown));
    json_t *list = ask_json(f, 200, GET("/v1/payments?merchant=shop"));
    assert_int_equal(json_array_size(json_object_get(list, "data")), 1);
    assert_true(json_equal(payment, json_array_get(json_object_get(list, "data"), 0)));
    json_t *other = ask_json(f, 200, GET("/v1/payments?metadata[k]=other"));
    assert_int_equal(json_array_size(json_object_get(other, "data")), 0);
    json_decref(payment);
    json_decref(shown);
    json_decref(list);
    json_decref(other);
}

static void a_replay_has_the_same_bytes_also_after_a_restart(void **state)
{
    fixture *f = *state;
    reply first = ask(f, POST("/v1/payments", "k1", card_payment));
    assert_int_equal(first.status, 201);
    assert_null(strstr(first.head, "Idempotency-Replayed"));
    for (int round = 0; round < 2; round++) {
        reply again = ask(f, POST("/v1/payments", "k1", card_payment));
        assert_int_equal(again.status, 201);
        assert_non_null(strstr(again.head, "Idempotency-Replayed: true"));
        assert_string_equal(again.body, first.body);
        reply_free(&again);
        if (round == 0) {
            server_close(f);
            server_open(f);
            /* at most the record that says the final snapshot is valid */
            assert_true(f->recovery.replayed_count <= 1);
        }
    }
    json_t *mismatch = ask_json(f, 422, POST("/v1/payments", "k1", card_payment_manual));
    assert_string_equal(text_of(json_object_get(mismatch, "error"), "type"), "idempotency_error");
    json_decref(mismatch);
    reply_free(&first);
}

static void a_decline_is_402_with_the_payment(void **state)
{
    fixture *f = *state;
    json_t *root = ask_json(f, 402, POST("/v1/payments", "k1", card_payment_declined));
    json_t *error = json_object_get(root, "error");
    assert_string_equal(text_of(error, "decline_code"), "stolen_card");
    assert_string_equal(text_of(json_object_get(error, "payment"), "status"), "declined");
    json_decref(root);
}

static void a_capture_and_a_refund_move_what_is_left(void **state)
{
    fixture *f = *state;
    char path[128], body[160];
    json_t *payment = ask_json(f, 201, POST("/v1/payments", "k1", card_payment_manual));
    assert_string_equal(text_of(payment, "status"), "authorised");
    snprintf(path, sizeof path, "/v1/payments/%s/capture", text_of(payment, "id"));
    json_t *large = ask_json(f, 422, POST(path, "k2", "{\"amount\":2000}"));
    assert_int_equal(int_of(json_object_get(large, "error"), "capturable"), 1250);
    json_t *captured = ask_json(f, 200, POST(path, "k3", "{\"amount\":1000}"));
    assert_int_equal(int_of(captured, "captured"), 1000);
    json_t *conflict = ask_json(f, 409, POST(path, "k4", "{}"));
    assert_string_equal(error_code(conflict), "state_conflict");
    assert_string_equal(text_of(json_object_get(conflict, "error"), "status"), "captured");
    assert_true(json_is_array(json_object_get(json_object_get(conflict, "error"), "allowed")));
    snprintf(body, sizeof body, "{\"payment\":\"%s\",\"amount\":400}", text_of(payment, "id"));
    json_t *refund = ask_json(f, 201, POST("/v1/refunds", "k5", body));
    assert_string_equal(text_of(refund, "status"), "succeeded");
    assert_string_equal(text_of(refund, "payment"), text_of(payment, "id"));
    json_decref(payment);
    json_decref(large);
    json_decref(captured);
    json_decref(conflict);
    json_decref(refund);
}

static void events_and_postings_of_a_payment_are_complete(void **state)
{
    fixture *f = *state;
    char path[128];
    json_t *payment = ask_json(f, 201, POST("/v1/payments", "k1", card_payment));
    snprintf(path, sizeof path, "/v1/payments/%s/events", text_of(payment, "id"));
    json_t *events = ask_json(f, 200, GET(path));
    json_t *data = json_object_get(events, "data");
    assert_true(json_array_size(data) >= 3);
    assert_string_equal(text_of(json_array_get(data, 0), "type"), "payment.created");
    snprintf(path, sizeof path, "/v1/payments/%s/postings", text_of(payment, "id"));
    json_t *postings = ask_json(f, 200, GET(path));
    json_t *posting = json_array_get(json_object_get(postings, "data"), 0);
    assert_string_equal(text_of(posting, "credit"), "merchant:shop:pending");
    assert_string_equal(text_of(posting, "currency"), "EUR");
    assert_string_equal(text_of(posting, "kind"), "pending");
    json_decref(payment);
    json_decref(events);
    json_decref(postings);
}

static void the_event_list_is_gap_free_and_pages_by_after(void **state)
{
    fixture *f = *state;
    json_t *payment = ask_json(f, 201, POST("/v1/payments", "k1", card_payment));
    json_t *declined = ask_json(f, 402, POST("/v1/payments", "k2", card_payment_declined));
    json_int_t after = 0;
    bool has_more = true;
    while (has_more) {
        char path[64];
        snprintf(path, sizeof path, "/v1/events?limit=2&after=%lld", (long long)after);
        json_t *page = ask_json(f, 200, GET(path));
        json_t *event;
        size_t i;
        json_array_foreach(json_object_get(page, "data"), i, event)
        {
            assert_int_equal(int_of(event, "sequence"), after + 1);
            after++;
        }
        has_more = json_is_true(json_object_get(page, "has_more"));
        assert_true(i == 2 || !has_more);
        json_decref(page);
    }
    assert_true(after >= 5);
    json_t *typed = ask_json(f, 200, GET("/v1/events?type=payment.declined"));
    assert_int_equal(json_array_size(json_object_get(typed, "data")), 1);
    json_decref(typed);
    json_decref(payment);
    json_decref(declined);
}

static void a_stream_sends_events_and_resumes_by_last_event_id(void **state)
{
    fixture *f = *state;
    json_t *payment = ask_json(f, 201, POST("/v1/payments", "k1", card_payment));
    json_decref(payment);
    int requests = f->socket;
    for (int round = 0; round < 2; round++) {
        f->socket = client_connect(f);
        call_send(f, &(call){.method = "GET",
                             .path = "/v1/stream",
                             .headers = round == 0 ? NULL : "Last-Event-ID: 2\r\n"});
        received[0] = 0;
        while (strstr(received, round == 0 ? "id: 3\n" : "id: 4\n") == NULL) {
            if (round == 1 && strstr(received, "id: 3\n") != NULL) {
                /* live: what is made now arrives too */
                int stream = f->socket;
                char kept[8192];
                size_t kept_size = received_size;
                assert_true(kept_size < sizeof kept);
                memcpy(kept, received, kept_size + 1);
                received_size = 0;
                f->socket = requests;
                json_decref(ask_json(f, 402, POST("/v1/payments", "k2", card_payment_declined)));
                f->socket = stream;
                memcpy(received, kept, kept_size + 1);
                received_size = kept_size;
            }
            client_fill(f->socket);
        }
        assert_non_null(strstr(received, "text/event-stream"));
        assert_true((strstr(received, "id: 1\n") != NULL) == (round == 0));
        assert_true((strstr(received, "id: 2\n") != NULL) == (round == 0));
        close(f->socket);
    }
    received_size = 0;
    f->socket = requests;
}

static void accounts_show_totals_entries_and_the_past(void **state)
{
    fixture *f = *state;
    json_decref(ask_json(
        f, 201,
        POST("/v1/accounts", "k1", "{\"name\":\"till\",\"currency\":\"EUR\",\"type\":\"asset\"}")));
    static const char *const amounts[] = {"100", "20", "3"};
    for (size_t i = 0; i < 3; i++) {
        char body[160], key[8];
        snprintf(body, sizeof body,
                 "{\"debit\":\"till\",\"credit\":\"payer:ann\",\"amount\":%s,\"currency\":\"EUR\"}",
                 amounts[i]);
        snprintf(key, sizeof key, "t%zu", i);
        if (i == 0) {
            json_decref(ask_json(f, 201,
                                 POST("/v1/accounts", "k2",
                                      "{\"name\":\"payer:ann\",\"currency\":\"EUR\",\"type\":"
                                      "\"liability\"}")));
        }
        json_t *transfer = ask_json(f, 201, POST("/v1/transfers", key, body));
        assert_string_equal(text_of(transfer, "status"), "posted");
        json_decref(transfer);
    }
    json_t *account = ask_json(f, 200, GET("/v1/accounts/till?currency=EUR"));
    assert_int_equal(int_of(account, "balance"), 123);
    assert_int_equal(int_of(account, "version"), 3);
    json_t *entries = ask_json(f, 200, GET("/v1/accounts/till/entries?currency=EUR&limit=2"));
    json_t *data = json_object_get(entries, "data");
    assert_int_equal(json_array_size(data), 2);
    assert_int_equal(int_of(json_array_get(data, 0), "amount"), 3);
    assert_int_equal(int_of(json_array_get(data, 0), "balance"), 123);
    assert_int_equal(int_of(json_array_get(data, 1), "balance"), 120);
    char path[160];
    snprintf(path, sizeof path, "/v1/accounts/till/entries?currency=EUR&limit=2&cursor=%s",
             text_of(entries, "next_cursor"));
    json_t *rest = ask_json(f, 200, GET(path));
    data = json_object_get(rest, "data");
    assert_int_equal(json_array_size(data), 1);
    assert_int_equal(int_of(json_array_get(data, 0), "balance"), 100);
    snprintf(path, sizeof path, "/v1/accounts/till?currency=EUR&at_sequence=%lld",
             (long long)int_of(json_array_get(data, 0), "sequence"));
    json_t *past = ask_json(f, 200, GET(path));
    assert_int_equal(int_of(past, "balance"), 100);
    json_t *frozen = ask_json(f, 200, POST("/v1/accounts/till/freeze?currency=EUR", "k3", NULL));
    assert_int_equal(int_of(frozen, "balance"), 123);
    assert_int_equal(json_array_size(json_object_get(frozen, "flags")), 1);
    json_decref(ask_json(f, 200, POST("/v1/accounts/till/unfreeze?currency=EUR", "k4", NULL)));
    json_t *again = ask_json(f, 200, POST("/v1/accounts/till/freeze?currency=EUR", "k3", NULL));
    assert_true(json_equal(frozen, again)); /* as it was then */
    json_decref(again);
    json_decref(account);
    json_decref(entries);
    json_decref(rest);
    json_decref(past);
    json_decref(frozen);
}

static void the_books_balance_and_verify_says_so(void **state)
{
    fixture *f = *state;
    json_decref(ask_json(f, 201, POST("/v1/payments", "k1", card_payment)));
    json_t *balance = ask_json(f, 200, GET("/v1/ledger/trial-balance"));
    json_t *row = json_array_get(json_object_get(balance, "data"), 0);
    assert_true(json_is_true(json_object_get(row, "balanced")));
    json_t *verify = ask_json(f, 200, GET("/v1/ledger/verify"));
    assert_true(json_is_true(json_object_get(verify, "ok")));
    json_decref(balance);
    json_decref(verify);
}

static void a_batch_answers_line_by_line_in_order(void **state)
{
    fixture *f = *state;
    char *body = malloc(1024 * 1024);
    size_t size = 0;
    enum { LINES = 700 };
    assert_non_null(body);
    for (int i = 0; i < LINES; i++) {
        size += (size_t)sprintf(
            body + size,
            "{\"op\":\"payment.create\",\"key\":\"b%d\",\"id\":\"pay_batch_%d\",\"amount\":%d,"
            "\"currency\":\"EUR\",\"merchant\":\"shop\",\"payer\":\"p\",\"instrument\":{\"type\":"
            "\"card\",\"token\":\"tok_ok\"},\"capture_method\":\"manual\"}\n",
            i, i, i + 1);
    }
    size += (size_t)sprintf(
        body + size,
        "{\"op\":\"payment.capture\",\"key\":\"c\",\"payment\":\"pay_batch_4\"}\n{\"op\":1}\n");
    reply r = ask(f, POST("/v1/batch", NULL, body));
    assert_int_equal(r.status, 200);
    assert_non_null(strstr(r.head, "application/x-ndjson"));
    char *line = r.body;
    for (int i = 0; i < LINES + 2; i++) {
        char *end = strchr(line, '\n');
        assert_non_null(end);
        json_t *root = json_loadb(line, (size_t)(end - line), 0, NULL);
        assert_non_null(root);
        int status = i < LINES ? 201 : i == LINES ? 200 : 400;
        assert_int_equal(int_of(root, "status"), status);
        if (i < LINES) {
            assert_int_equal(int_of(json_object_get(root, "body"), "amount"), i + 1);
        } else if (i == LINES) {
            assert_string_equal(text_of(json_object_get(root, "body"), "status"), "captured");
        }
        json_decref(root);
        line = end + 1;
    }
    assert_int_equal(*line, 0);
    reply_free(&r);
    free(body);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < 40; i++) {
        char key[16];
        snprintf(key, sizeof key, "p%d", i);
        call_send(f, i % 2 == 0 ? POST("/v1/payments", key, card_payment)
                                : GET("/v1/payments/pay_nothing"));
    }
    for (int i = 0; i < 40; i++) {
        reply r = client_receive(f->socket);
        assert_int_equal(r.status, i % 2 == 0 ? 201 : 404);
        assert_non_null(strstr(r.head, "Request-Id: req_"));
        reply_free(&r);
    }
}

static void a_key_works_within_its_scopes_until_it_is_revoked(void **state)
{
    fixture *f = *state;
    json_t *key =
        ask_json(f, 201, POST("/v1/keys", NULL, "{\"name\":\"reader\",\"scopes\":[\"read\"]}"));
    const char *secret = text_of(key, "secret");
    assert_string_equal(text_of(key, "mode"), "test");
    json_decref(ask_json(f, 200, &(call){.method = "GET", .path = "/v1/payments", .key = secret}));
    json_decref(ask_json(f, 403,
                         &(call){.method = "POST",
                                 .path = "/v1/payments",
                                 .key = secret,
                                 .idempotency_key = "k",
                                 .body = card_payment}));
    char path[96];
    snprintf(path, sizeof path, "/v1/keys/%s", text_of(key, "id"));
    json_decref(ask_json(f, 200, &(call){.method = "DELETE", .path = path}));
    json_decref(ask_json(f, 401, &(call){.method = "GET", .path = "/v1/payments", .key = secret}));
    json_decref(key);
}

static void no_key_and_bad_keys_are_refused_and_then_held_back(void **state)
{
    fixture *f = *state;
    reply none = ask(f, &(call){.method = "GET", .path = "/v1/payments", .key = ""});
    assert_int_equal(none.status, 401);
    assert_non_null(strstr(none.head, "WWW-Authenticate: Bearer"));
    reply_free(&none);
    int held_back = 0;
    for (int i = 0; i < 40; i++) {
        reply r = ask(f, &(call){.method = "GET", .path = "/v1/payments", .key = "ps_test_nope"});
        assert_int_equal(r.status, i < 30 ? 401 : 429);
        if (r.status == 429) {
            held_back++;
            assert_non_null(strstr(r.head, "Retry-After: "));
        }
        reply_free(&r);
    }
    assert_int_equal(held_back, 10);
    json_decref(ask_json(f, 200, GET("/v1/payments"))); /* a good key from there still works */
}

static void wrong_paths_methods_and_bodies_say_what_is_wrong(void **state)
{
    static const struct {
        const char *method, *path, *key, *body;
        int status;
        const char *code;
    } cases[] = {
        {"GET", "/nothing", NULL, NULL, 404, "route_unknown"},
        {"DELETE", "/v1/payments", NULL, NULL, 405, "method_not_allowed"},
        {"POST", "/v1/payments", NULL, "{}", 400, NULL},
        {"POST", "/v1/payments", "k", "{\"amount\":1.5}", 400, NULL},
        {"POST", "/v1/payments", "k", "{", 400, NULL},
        {"POST", "/v1/refunds", "k", "{\"payment\":\"pay_none\"}", 404, "not_found"},
        {"GET", "/v1/accounts/none?currency=EUR", NULL, NULL, 404, "not_found"},
        {"GET", "/v1/payments?limit=0", NULL, NULL, 400, NULL},
        {"POST", "/v1/batch", NULL, "\n \n", 400, "parameter_missing"},
        {"POST", "/v1/payments", "4111111111111111", "{}", 400, "pan_not_accepted"},
    };
    fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *root = ask_json(f, cases[i].status,
                                &(call){.method = cases[i].method,
                                        .path = cases[i].path,
                                        .idempotency_key = cases[i].key,
                                        .body = cases[i].body});
        if (cases[i].code != NULL) {
            assert_string_equal(error_code(root), cases[i].code);
        }
        json_decref(root);
    }
}

static void health_metrics_and_the_contract_need_no_key(void **state)
{
    static const char *const paths[] = {"/healthz", "/readyz", "/metrics", "/openapi.json", "/"};
    fixture *f = *state;
    json_decref(ask_json(f, 201, POST("/v1/payments", "k1", card_payment)));
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        reply r = ask(f, &(call){.method = "GET", .path = paths[i], .key = ""});
        assert_int_equal(r.status, 200);
        assert_true(r.body_size > 0);
        if (strcmp(paths[i], "/metrics") == 0) {
            assert_non_null(strstr(r.body, "paystream_requests_total{route=\"POST /v1/payments\","
                                           "status=\"201\"} 1\n"));
            assert_non_null(strstr(r.body, "paystream_decisions_total{status=\"captured\"} 1\n"));
        }
        if (strcmp(paths[i], "/") == 0) {
            assert_non_null(strstr(r.head, "Content-Security-Policy: default-src 'none'"));
        }
        reply_free(&r);
    }
}

static void privileged_actions_are_in_the_audit_log(void **state)
{
    fixture *f = *state;
    uint64_t lines = 0, last_seq = 0;
    uint8_t pepper[PS_PEPPER_SIZE];
    json_decref(ask_json(
        f, 201,
        POST("/v1/accounts", "k1", "{\"name\":\"till\",\"currency\":\"EUR\",\"type\":\"asset\"}")));
    json_decref(ask_json(f, 201, POST("/v1/payments", "k2", card_payment)));
    memcpy(pepper, ps_engine_pepper(f->engine), sizeof pepper);
    server_close(f);
    assert_int_equal(ps_audit_verify(ps_io_posix(), f->dir, pepper, &lines, &last_seq, &f->err),
                     PS_OK);
    assert_int_equal(lines, 2); /* genesis, the account; payments are no privilege */
    assert_int_equal(last_seq, 2);
}

static void a_failed_sync_ends_the_process_without_an_answer(void **state)
{
    fixture *f = *state;
    server_close(f);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        server_open(f);
        sync_fails = true;
        call_send(f, POST("/v1/payments", "k1", card_payment));
        char byte;
        ssize_t got = recv(f->socket, &byte, 1, 0);
        _exit(got > 0 ? 1 : 2); /* answered; closed without an answer, but went on */
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 4);
}

/* `lines` payments in one request; `round` makes their keys. */
static void batch_fill(fixture *f, int round, int lines)
{
    char *body = malloc((size_t)lines * 256);
    size_t size = 0;
    assert_non_null(body);
    for (int i = 0; i < lines; i++) {
        size += (size_t)sprintf(body + size,
                                "{\"op\":\"payment.create\",\"key\":\"r%d-%d\",\"amount\":5,"
                                "\"currency\":\"EUR\",\"merchant\":\"shop\",\"payer\":\"p\","
                                "\"instrument\":{\"type\":\"card\",\"token\":\"tok_ok\"}}\n",
                                round, i);
    }
    reply r = ask(f, POST("/v1/batch", NULL, body));
    assert_int_equal(r.status, 200);
    reply_free(&r);
    free(body);
}

static void a_full_disk_refuses_writes_answers_reads_and_goes_on_after_it(void **state)
{
    fixture *f = *state;
    int status = 201;
    disk_is_full = true;
    for (int i = 0; status == 201 && i < 200; i++) { /* the first segments are there already */
        char key[16];
        batch_fill(f, i, 1000);
        snprintf(key, sizeof key, "f%d", i);
        reply r = ask(f, POST("/v1/payments", key, card_payment));
        status = r.status;
        assert_true(status == 201 || status == 507);
        if (status == 507) {
            if (strstr(r.head, "Retry-After: 5") == NULL) {
                fail_msg("%s%s", r.head, r.body);
            }
            assert_non_null(strstr(r.body, "storage_full"));
        }
        reply_free(&r);
    }
    assert_int_equal(status, 507);
    json_decref(ask_json(f, 200, GET("/v1/payments?limit=1")));
    disk_is_full = false;
    for (int i = 0; status == 507 && i < 1000000; i++) {
        reply r = ask(f, POST("/v1/payments", "after", card_payment));
        status = r.status;
        reply_free(&r);
    }
    assert_int_equal(status, 201);
}

static void too_many_requests_at_once_are_refused_with_retry_after(void **state)
{
    enum { SENT = 400 };
    fixture *f = *state;
    int made = 0, refused = 0;
    server_close(f);
    f->jobs_max = 16;
    server_open(f);
    for (int i = 0; i < SENT; i++) {
        char key[16];
        snprintf(key, sizeof key, "o%d", i);
        call_send(f, POST("/v1/payments", key, card_payment));
    }
    for (int i = 0; i < SENT; i++) {
        reply r = client_receive(f->socket);
        assert_true(r.status == 201 || r.status == 503);
        made += r.status == 201;
        if (r.status == 503) {
            refused++;
            assert_non_null(strstr(r.head, "Retry-After: 1"));
        }
        reply_free(&r);
    }
    assert_true(made > 0);
    assert_true(refused > 0);
    reply health = ask(f, &(call){.method = "GET", .path = "/healthz", .key = ""});
    assert_int_equal(health.status, 200);
    reply_free(&health);
}

/* With a nanosecond of patience everything is too late when the core takes it. */
static void what_waited_too_long_is_dropped_before_anything_is_decided(void **state)
{
    fixture *f = *state;
    server_close(f);
    f->queue_wait_ns = 1;
    server_open(f);
    const call *const calls[] = {
        POST("/v1/payments", "late", card_payment), GET("/v1/payments"),
        POST("/v1/batch", NULL,
             "{\"op\":\"payment.create\",\"key\":\"b\",\"amount\":5,\"currency\":\"EUR\","
             "\"merchant\":\"shop\",\"payer\":\"p\",\"instrument\":{\"type\":\"wallet\"}}\n")};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        reply r = ask(f, calls[i]);
        assert_int_equal(r.status, 503);
        assert_non_null(strstr(r.head, "Retry-After: 1"));
        assert_non_null(strstr(r.body, "\"overloaded\""));
        reply_free(&r);
    }
    reply metrics = ask(f, &(call){.method = "GET", .path = "/metrics", .key = ""});
    assert_int_equal(metrics.status, 200);
    assert_non_null(strstr(metrics.body, "{code=\"overloaded\"} 3\n"));
    reply_free(&metrics);
    server_close(f);
    f->queue_wait_ns = 0;
    server_open(f);
    json_t *list = ask_json(f, 200, GET("/v1/payments"));
    assert_int_equal(json_array_size(json_object_get(list, "data")), 0);
    json_decref(list);
    reply again = ask(f, POST("/v1/payments", "late", card_payment));
    assert_int_equal(again.status, 201); /* the key was not spent */
    assert_null(strstr(again.head, "Idempotency-Replayed"));
    reply_free(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(a_payment_is_made_shown_and_listed),
        CASE(a_replay_has_the_same_bytes_also_after_a_restart),
        CASE(a_decline_is_402_with_the_payment),
        CASE(a_capture_and_a_refund_move_what_is_left),
        CASE(events_and_postings_of_a_payment_are_complete),
        CASE(the_event_list_is_gap_free_and_pages_by_after),
        CASE(a_stream_sends_events_and_resumes_by_last_event_id),
        CASE(accounts_show_totals_entries_and_the_past),
        CASE(the_books_balance_and_verify_says_so),
        CASE(a_batch_answers_line_by_line_in_order),
        CASE(pipelined_requests_are_answered_in_order),
        CASE(a_key_works_within_its_scopes_until_it_is_revoked),
        CASE(no_key_and_bad_keys_are_refused_and_then_held_back),
        CASE(wrong_paths_methods_and_bodies_say_what_is_wrong),
        CASE(health_metrics_and_the_contract_need_no_key),
        CASE(privileged_actions_are_in_the_audit_log),
        CASE(a_failed_sync_ends_the_process_without_an_answer),
        CASE(a_full_disk_refuses_writes_answers_reads_and_goes_on_after_it),
        CASE(too_many_requests_at_once_are_refused_with_retry_after),
        CASE(what_waited_too_long_is_dropped_before_anything_is_decided),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
