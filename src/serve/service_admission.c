/* Admission: what becomes of a request from its head alone, before a byte of its body is read
 * (FAULTS L1, S-B2, S-B6, S-B8).
 *
 * In the order of cost: route, overload, key, rate, scope, headers. A refusal for overload looks
 * at no key and hashes nothing. What only the body tells, the signature and the number of lines of
 * a batch, is looked at by ps_loop_admit_body.
 */
#include <stdio.h>

#include "base/time.h"
#include "serve/page.h"
#include "serve/service_internal.h"

enum {
    PATH_BUFFER = 8192,
    REQUEST_BYTES = 2048 /* what a request holds besides its body */
};

static const char request_error[] = "invalid_request_error";

/* ── overload ── */

typedef enum { CLASS_ALWAYS, CLASS_READ, CLASS_WRITE, CLASS_SETTLE } request_class;

/* What is shed first when there is too much: reads, then new money, then what settles old. */
static request_class class_of(const ps_route *route)
{
    switch (route->kind) {
    case PS_ROUTE_HEALTH:
    case PS_ROUTE_READY:
    case PS_ROUTE_METRICS:
    case PS_ROUTE_OPENAPI:
    case PS_ROUTE_PAGE:
        return CLASS_ALWAYS;
    case PS_ROUTE_QUERY:
    case PS_ROUTE_PAYMENT_EVENTS:
    case PS_ROUTE_PAYMENT_POSTINGS:
    case PS_ROUTE_ACCOUNT_ENTRIES:
    case PS_ROUTE_EVENTS:
    case PS_ROUTE_STREAM:
    case PS_ROUTE_JOBS:
        return CLASS_READ;
    case PS_ROUTE_BATCH:
        return CLASS_WRITE;
    case PS_ROUTE_KEY_CREATE:
        return CLASS_SETTLE;
    case PS_ROUTE_COMMAND:
        break;
    }
    bool is_new = route->command == PS_CMD_PAYMENT_CREATE ||
                  route->command == PS_CMD_TRANSFER_CREATE ||
                  route->command == PS_CMD_ACCOUNT_OPEN || route->command == PS_CMD_RISK_EVENT;
    return is_new ? CLASS_WRITE : CLASS_SETTLE;
}

/* Percent of each limit, and the delay of the queue, at which a class is refused. */
static bool is_overloaded(const ps_service_loop *loop, request_class class)
{
    static const struct {
        uint32_t percent;
        int64_t delay_ns;
    } limits[] = {[CLASS_ALWAYS] = {100, INT64_MAX},
                  [CLASS_READ] = {50, 250 * PS_NS_PER_MS},
                  [CLASS_WRITE] = {80, 1000 * PS_NS_PER_MS},
                  [CLASS_SETTLE] = {100, 5000 * PS_NS_PER_MS}};
    const ps_service *service = loop->service;
    if (class == CLASS_ALWAYS) {
        return false;
    }
    uint64_t jobs_max = (uint64_t)ps_loop_jobs_max(service) * limits[class].percent / 100;
    uint64_t bytes_max =
        service->options.inflight_bytes_max / service->loop_count * limits[class].percent / 100;
    int64_t delay_ns = atomic_load_explicit(&service->queue_delay_ns, memory_order_relaxed);
    return loop->job_count >= jobs_max || loop->inflight_bytes >= bytes_max ||
           delay_ns > limits[class].delay_ns;
}

/* ── keys ── */

static uint64_t address_hash(const ps_service *service, const uint8_t address[16])
{
    return ps_hash_keyed(&service->secret, address, 16).low;
}

/* A bad key: 401, or 429 when this address has tried too many. */
static void answer_bad_key(ps_service_loop *loop, ps_http_request *request, ps_auth_outcome outcome)
{
    static const char challenge[] = "WWW-Authenticate: Bearer realm=\"paystream\"\r\n";
    ps_service *service = loop->service;
    if (outcome == PS_AUTH_MISSING) {
        ps_api_error error =
            ps_api_error_of(401, "authentication_error", "key_missing",
                            "An API key is needed: send the header Authorization: Bearer KEY.");
        ps_loop_answer_error_with(loop, request, &error, challenge);
        return;
    }
    uint8_t address[16];
    uint32_t retry_after_ms = 0;
    ps_http_request_peer(request, address);
    pthread_mutex_lock(&service->bad_keys_lock);
    bool may_try = ps_attempt_limit_add(service->bad_keys, address_hash(service, address),
                                        ps_http_loop_now_ns(loop->http), &retry_after_ms);
    pthread_mutex_unlock(&service->bad_keys_lock);
    if (!may_try) {
        ps_api_error error = ps_api_error_of(429, "rate_limit_error", "too_many_bad_keys",
                                             "Too many bad keys came from this address. Wait, and "
                                             "check which key is configured.");
        error.retry_after_s = (retry_after_ms + 999) / 1000;
        ps_loop_answer_error(loop, request, &error);
        return;
    }
    ps_api_error error =
        outcome == PS_AUTH_EXPIRED
            ? ps_api_error_of(401, "authentication_error", "key_expired",
                              "This API key has expired. Make a new one with an admin key.")
            : ps_api_error_of(
                  401, "authentication_error", "key_invalid",
                  "This API key is not valid: it is mistyped, revoked, or of another server.");
    ps_loop_answer_error_with(loop, request, &error, challenge);
}

/* With an address for admins, what needs an admin is done there alone, and nothing else is (S-B8):
 * elsewhere an admin key is a key with all other scopes, and there other keys may do nothing. */
static void scopes_narrow(const ps_service_loop *loop, const ps_http_request *request,
                          ps_auth_key *key)
{
    bool is_admin = (key->scopes & PS_SCOPE_ADMIN) != 0;
    if (!loop->service->has_admin_address || is_admin == ps_http_request_is_by_admin(request)) {
        return;
    }
    key->scopes = is_admin ? PS_SCOPES_BUT_ADMIN : 0;
}

/* False: answered. */
static bool authenticate(ps_service_loop *loop, ps_http_request *request)
{
    ps_request_state *state = ps_http_request_state(request);
    ps_auth_outcome outcome =
        ps_auth_check(loop->auth, ps_http_request_header(request, PS_HTTP_AUTHORIZATION),
                      ps_io_now_wall_ns(loop->service->io), &state->key);
    if (outcome != PS_AUTH_OK) {
        answer_bad_key(loop, request, outcome);
        return false;
    }
    ps_certificate_map *map = loop->service->certificates;
    if (map != NULL &&
        !ps_certificate_map_allows(map, state->key.number, ps_http_request_identity(request))) {
        ps_api_error error = ps_api_error_of(403, "authentication_error", "certificate_mismatch",
                                             "This certificate may not use this API key.");
        ps_loop_answer_error(loop, request, &error);
        return false;
    }
    scopes_narrow(loop, request, &state->key);
    return true;
}

static bool scope_check(ps_service_loop *loop, ps_http_request *request)
{
    const ps_request_state *state = ps_http_request_state(request);
    if ((state->key.scopes & (state->route->scopes | PS_SCOPE_ADMIN)) != 0) {
        return true;
    }
    const ps_refusal_text *text = ps_refusal_describe(PS_REFUSED_SCOPE);
    ps_api_error error = ps_api_error_of(text->http_status, text->type, text->code, text->message);
    ps_loop_answer_error(loop, request, &error);
    return false;
}

/* ── limits of a client ── */

/* What is taken of one allowance; out_rate shows the one that has least left. */
static bool tokens_take(ps_rate_limit *limit, uint64_t client, uint32_t cost, int64_t now_ns,
                        ps_rate_state *out_rate)
{
    uint32_t retry_after_ms = 0;
    if (limit == NULL) {
        return true;
    }
    bool is_taken = ps_rate_limit_take(limit, client, cost, now_ns, &retry_after_ms);
    ps_rate_state rate = ps_rate_limit_look(limit, client, now_ns);
    rate.retry_after_ms = retry_after_ms;
    if (!is_taken || out_rate->burst == 0 || rate.left < out_rate->left) {
        *out_rate = rate;
    }
    return is_taken;
}

/* False: nothing was taken. A request that the address has no room for costs its key nothing. */
static bool rates_take(ps_service_loop *loop, ps_http_request *request, uint32_t key_cost,
                       uint32_t address_cost)
{
    uint8_t address[16];
    ps_request_state *state = ps_http_request_state(request);
    int64_t now_ns = ps_http_loop_now_ns(loop->http);
    ps_http_request_peer(request, address);
    state->rate = (ps_rate_state){0};
    if (!tokens_take(loop->key_limit, state->key.number, key_cost, now_ns, &state->rate)) {
        return false;
    }
    if (tokens_take(loop->address_limit, address_hash(loop->service, address), address_cost, now_ns,
                    &state->rate)) {
        return true;
    }
    if (loop->key_limit != NULL) {
        ps_rate_limit_give_back(loop->key_limit, state->key.number, key_cost);
    }
    return false;
}

/* Takes so many requests from the allowance of the key and of the address. False: answered. */
static bool rate_check(ps_service_loop *loop, ps_http_request *request, uint32_t key_cost,
                       uint32_t address_cost)
{
    ps_request_state *state = ps_http_request_state(request);
    if (rates_take(loop, request, key_cost, address_cost)) {
        return true;
    }
    ps_api_error error = ps_api_error_of(429, "rate_limit_error", "rate_limited",
                                         "Too many requests. Slow down and try again.");
    error.retry_after_s = (state->rate.retry_after_ms + 999) / 1000;
    ps_loop_answer_error(loop, request, &error);
    return false;
}

/* Keys are numbered from 1 on, so that two share a counter only when there are more keys than
 * counters: memory stays what it is, and the cap holds for both together then. */
static _Atomic uint32_t *running_of(ps_service *service, uint32_t key)
{
    return &service->running[key % PS_RUNNING_COUNTERS];
}

/* False: answered. */
static bool concurrency_check(ps_service_loop *loop, ps_http_request *request)
{
    ps_service *service = loop->service;
    ps_request_state *state = ps_http_request_state(request);
    uint32_t most = service->options.concurrent_per_key;
    if (most == 0) {
        return true;
    }
    _Atomic uint32_t *running = running_of(service, state->key.number);
    if (atomic_fetch_add_explicit(running, 1, memory_order_relaxed) < most) {
        state->is_counted = true;
        return true;
    }
    atomic_fetch_sub_explicit(running, 1, memory_order_relaxed);
    ps_api_error error = ps_api_error_of(429, "rate_limit_error", "too_many_concurrent",
                                         "This key has too many requests under way. Wait for an "
                                         "answer before you send the next one.");
    error.retry_after_s = 1;
    ps_loop_answer_error(loop, request, &error);
    return false;
}

void ps_loop_release(ps_service_loop *loop, ps_http_request *request)
{
    ps_request_state *state = ps_http_request_state(request);
    loop->inflight_bytes -= state->bytes;
    state->bytes = 0;
    if (state->is_counted) {
        state->is_counted = false;
        atomic_fetch_sub_explicit(running_of(loop->service, state->key.number), 1,
                                  memory_order_relaxed);
    }
}

/* ── headers ── */

/* Card numbers in a header (S-C1). The key of the caller is not looked at: its characters are
 * ours. */
static bool headers_have_card_number(const ps_http_request *request)
{
    size_t count = ps_http_request_header_count(request);
    ps_slice authorization = ps_http_request_header(request, PS_HTTP_AUTHORIZATION);
    for (size_t i = 0; i < count; i++) {
        ps_slice name, value;
        ps_http_request_header_at(request, i, &name, &value);
        if (value.data != authorization.data && ps_text_has_card_number(value)) {
            return true;
        }
    }
    return false;
}

static bool is_encoded(const ps_http_request *request)
{
    ps_slice encoding = ps_http_request_header(request, PS_HTTP_CONTENT_ENCODING);
    return encoding.size > 0 && !ps_slice_equal(encoding, PS_SLICE("identity"));
}

/* False: answered. */
static bool headers_check(ps_service_loop *loop, ps_http_request *request)
{
    if (headers_have_card_number(request)) {
        ps_api_error error = ps_api_error_of(400, request_error, "pan_not_accepted",
                                             "A header holds a card number; nothing of it was "
                                             "kept.");
        ps_loop_answer_error(loop, request, &error);
        return false;
    }
    if (is_encoded(request)) {
        ps_api_error error =
            ps_api_error_of(415, request_error, "encoding_unsupported",
                            "Bodies are taken uncompressed: leave Content-Encoding out.");
        ps_loop_answer_error(loop, request, &error);
        return false;
    }
    return true;
}

/* ── signatures ── */

static ps_signature_headers signature_headers(const ps_http_request *request)
{
    return (ps_signature_headers){ps_http_request_header(request, PS_HTTP_SIGNATURE),
                                  ps_http_request_header(request, PS_HTTP_TIMESTAMP),
                                  ps_http_request_header(request, PS_HTTP_NONCE)};
}

static int64_t now_for_signatures(ps_service *service)
{
    return ps_nonce_log_now_s(service->nonces, ps_io_now_wall_ns(service->io) / PS_NS_PER_S);
}

static void answer_signature(ps_service_loop *loop, ps_http_request *request,
                             ps_signature_outcome outcome)
{
    ps_api_error error = ps_signature_error(outcome);
    ps_loop_answer_error(loop, request, &error);
}

/* What the head tells: the three headers, and the time. False: answered. */
static bool signature_head_check(ps_service_loop *loop, ps_http_request *request)
{
    ps_service *service = loop->service;
    if (!service->options.requires_signature) {
        return true;
    }
    ps_signature_headers headers = signature_headers(request);
    ps_signature_outcome outcome =
        ps_signature_headers_check(&headers, now_for_signatures(service));
    if (outcome != PS_SIGNATURE_OK) {
        answer_signature(loop, request, outcome);
    }
    return outcome == PS_SIGNATURE_OK;
}

/* The nonce is spent only by a signature that is right: nobody else can fill the log. The time is
 * looked at again, because the body may have taken longer than the log remembers. */
static ps_signature_outcome signature_check(ps_service_loop *loop, ps_http_request *request)
{
    ps_service *service = loop->service;
    const ps_request_state *state = ps_http_request_state(request);
    ps_signature_headers headers = signature_headers(request);
    int64_t now_s = now_for_signatures(service);
    ps_signature_outcome outcome = ps_signature_headers_check(&headers, now_s);
    if (outcome != PS_SIGNATURE_OK) {
        return outcome;
    }
    ps_signed_request signed_request = {
        .method = ps_http_method_name(ps_http_request_method(request)),
        .path = ps_http_request_path(request),
        .query = ps_http_request_query(request),
        .idempotency_key = ps_http_request_header(request, PS_HTTP_IDEMPOTENCY_KEY),
        .headers = headers};
    signed_request.body.data = ps_http_request_body(request, &signed_request.body.size);
    ps_slice key = ps_auth_bearer(ps_http_request_header(request, PS_HTTP_AUTHORIZATION));
    if (!ps_signature_is_right(key, &signed_request)) {
        return PS_SIGNATURE_WRONG;
    }
    ps_u128 nonce = ps_signature_nonce(&service->secret, state->key.number, headers.nonce);
    switch (ps_nonce_log_take(service->nonces, nonce, now_s)) {
    case PS_NONCE_FRESH:
        return PS_SIGNATURE_OK;
    case PS_NONCE_USED:
        return PS_SIGNATURE_REPLAYED;
    case PS_NONCE_FULL:
    case PS_NONCE_FAILED:
        return PS_SIGNATURE_UNAVAILABLE;
    }
    return PS_SIGNATURE_UNAVAILABLE;
}

bool ps_loop_admit_body(ps_service_loop *loop, ps_http_request *request)
{
    const ps_request_state *state = ps_http_request_state(request);
    if (!loop->service->options.requires_signature || state->route->scopes == 0) {
        return true;
    }
    ps_signature_outcome outcome = signature_check(loop, request);
    if (outcome != PS_SIGNATURE_OK) {
        answer_signature(loop, request, outcome);
    }
    return outcome == PS_SIGNATURE_OK;
}

/* The head has paid for one line. A batch never costs more than a full allowance, so that it can
 * always be paid for by waiting. */
static uint32_t rest_cost(uint64_t burst, uint32_t line_count)
{
    uint64_t cost = line_count < burst ? line_count : burst;
    return cost > 0 ? (uint32_t)cost - 1 : 0;
}

bool ps_loop_admit_lines(ps_service_loop *loop, ps_http_request *request, uint32_t line_count)
{
    const ps_service_options *options = &loop->service->options;
    return rate_check(loop, request, rest_cost(options->rate_per_key, line_count),
                      rest_cost(options->rate_per_address, line_count));
}

/* ── routes ── */

static const char *const route_methods[] = {"GET", "POST", "DELETE"};

static void answer_no_route(ps_service_loop *loop, ps_http_request *request,
                            uint32_t allowed_methods)
{
    if (allowed_methods == 0) {
        ps_api_error error = ps_api_error_of(404, request_error, "route_unknown",
                                             "There is nothing at this path. GET /openapi.json "
                                             "lists all routes.");
        ps_loop_answer_error(loop, request, &error);
        return;
    }
    char allow[64] = "Allow: ";
    const char *separator = "";
    for (size_t i = 0; i < sizeof route_methods / sizeof route_methods[0]; i++) {
        if ((allowed_methods & (1U << i)) != 0) {
            size_t at = strlen(allow);
            snprintf(allow + at, sizeof allow - at, "%s%s", separator, route_methods[i]);
            separator = ", ";
        }
    }
    size_t at = strlen(allow);
    snprintf(allow + at, sizeof allow - at, "\r\n");
    ps_api_error error =
        ps_api_error_of(405, request_error, "method_not_allowed",
                        "This path does not take this method; see the header Allow.");
    ps_loop_answer_error_with(loop, request, &error, allow);
}

/* False: no such route; *out_allowed: the methods that its path takes. */
static bool route_match(ps_http_request *request, ps_request_state *state, uint32_t *out_allowed)
{
    char buffer[PATH_BUFFER];
    ps_slice path = ps_http_request_path(request);
    ps_http_method method = ps_http_request_method(request);
    ps_route_match match = {.route = NULL};
    *out_allowed = 0;
    if (path.size > sizeof buffer) {
        return false;
    }
    ps_method asked = method == PS_HTTP_POST     ? PS_METHOD_POST
                      : method == PS_HTTP_DELETE ? PS_METHOD_DELETE
                                                 : PS_METHOD_GET;
    ps_route_find(asked, path, buffer, &match);
    *out_allowed = match.allowed_methods;
    bool is_known = method == PS_HTTP_GET || method == PS_HTTP_HEAD || method == PS_HTTP_POST ||
                    method == PS_HTTP_DELETE;
    if (match.route == NULL || !is_known) {
        return false;
    }
    /* longer ids than any object's are cut: they stay too long, and are refused by decode */
    size_t size = match.id.size < sizeof state->id ? match.id.size : sizeof state->id;
    if (size > 0) {
        memcpy(state->id, match.id.data, size);
    }
    state->id_size = (uint8_t)size;
    state->route = match.route;
    return true;
}

/* With an address for admins their routes are not there on the other one. */
static bool is_hidden(const ps_service_loop *loop, const ps_http_request *request,
                      const ps_route *route)
{
    return loop->service->has_admin_address && route->scopes == PS_SCOPE_ADMIN &&
           !ps_http_request_is_by_admin(request);
}

/* False: answered, or a part of the page (*out_admission says which). */
static bool route_check(ps_service_loop *loop, ps_http_request *request,
                        ps_http_admission *out_admission)
{
    ps_request_state *state = ps_http_request_state(request);
    uint32_t allowed_methods = 0;
    bool is_matched = route_match(request, state, &allowed_methods);
    if (is_matched && !is_hidden(loop, request, state->route)) {
        return true;
    }
    ps_http_method method = ps_http_request_method(request);
    bool is_read = method == PS_HTTP_GET || method == PS_HTTP_HEAD;
    if (!is_matched && is_read && ps_page_find(ps_http_request_path(request)) != NULL) {
        *out_admission = PS_HTTP_CONTINUE;
        return false;
    }
    state->route = NULL;
    answer_no_route(loop, request, is_matched ? 0 : allowed_methods);
    *out_admission = PS_HTTP_ANSWERED;
    return false;
}

static uint64_t content_length(const ps_http_request *request)
{
    uint64_t size = 0;
    ps_slice text = ps_http_request_header(request, PS_HTTP_CONTENT_LENGTH);
    return text.data != NULL && ps_parse_u64(text, &size) ? size : 0;
}

static void body_admit(ps_service_loop *loop, ps_http_request *request, const ps_route *route)
{
    ps_request_state *state = ps_http_request_state(request);
    bool is_chunked = ps_http_request_header(request, PS_HTTP_TRANSFER_ENCODING).data != NULL;
    size_t body_max = route->kind == PS_ROUTE_BATCH ? PS_BATCH_BODY_MAX : PS_BODY_MAX;
    ps_http_request_set_body_max(request, body_max);
    state->bytes = REQUEST_BYTES + (is_chunked ? body_max : content_length(request));
    loop->inflight_bytes += state->bytes;
}

ps_http_admission ps_loop_admit(ps_service_loop *loop, ps_http_request *request)
{
    ps_request_state *state = ps_http_request_state(request);
    ps_http_admission admission;
    ps_loop_random(loop, &state->request_id, sizeof state->request_id);
    if (!route_check(loop, request, &admission)) {
        return admission;
    }
    const ps_route *route = state->route;
    if (is_overloaded(loop, class_of(route))) {
        ps_loop_answer_overload(loop, request);
        return PS_HTTP_ANSWERED;
    }
    bool needs_key = route->scopes != 0;
    if (needs_key && (!authenticate(loop, request) || !rate_check(loop, request, 1, 1) ||
                      !scope_check(loop, request) || !signature_head_check(loop, request))) {
        return PS_HTTP_ANSWERED;
    }
    if (!headers_check(loop, request) || (needs_key && !concurrency_check(loop, request))) {
        return PS_HTTP_ANSWERED;
    }
    body_admit(loop, request, route);
    return PS_HTTP_CONTINUE;
}
