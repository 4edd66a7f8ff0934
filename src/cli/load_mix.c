#include "cli/load_mix.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"

enum {
    IDS_MAX = 256,
    ID_SIZE_MAX = 48,
    MERCHANT_COUNT = 1000,
    WALLET_COUNT = 1000,
    BODY_SIZE_MAX = 8 << 20
};

const char *const ps_mix_names[] = {"payments", "wallet", "hot", "demo", NULL};

/* Payments that a later request can go on with; the oldest is overwritten. */
typedef struct {
    char ids[IDS_MAX][ID_SIZE_MAX];
    uint32_t first;
    uint32_t count;
} id_ring;

struct ps_mix {
    ps_mix_kind kind;
    uint64_t random;
    uint32_t batch_count;
    char run[24];
    uint64_t number;      /* of requests and of batch lines */
    uint32_t setup_count; /* requests of the setup that were made */
    ps_buf body;
    id_ring held;     /* authorised, to be captured or cancelled */
    id_ring captured; /* to be refunded or disputed */
};

bool ps_mix_parse(ps_slice name, ps_mix_kind *out_kind)
{
    for (int i = 0; ps_mix_names[i] != NULL; i++) {
        if (ps_slice_equal(name, ps_slice_text(ps_mix_names[i]))) {
            *out_kind = (ps_mix_kind)i;
            return true;
        }
    }
    return false;
}

ps_code ps_mix_new(ps_mix_kind kind, uint64_t seed, uint32_t batch_count, ps_slice run,
                   ps_mix **out_mix, ps_error *err)
{
    ps_mix *mix = calloc(1, sizeof *mix);
    if (mix == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for the load generator");
    }
    mix->kind = kind;
    mix->random = seed != 0 ? seed : 1;
    mix->batch_count = batch_count;
    snprintf(mix->run, sizeof mix->run, "%.*s", (int)run.size, run.data);
    ps_buf_init(&mix->body, BODY_SIZE_MAX);
    *out_mix = mix;
    return PS_OK;
}

void ps_mix_free(ps_mix *mix)
{
    if (mix != NULL) {
        ps_buf_release(&mix->body);
        free(mix);
    }
}

/* xorshift64* (S. Vigna, "An experimental exploration of Marsaglia's xorshift generators", 2016).
 * */
static uint64_t draw(ps_mix *mix, uint64_t bound)
{
    mix->random ^= mix->random >> 12;
    mix->random ^= mix->random << 25;
    mix->random ^= mix->random >> 27;
    return (mix->random * UINT64_C(0x2545F4914F6CDD1D) >> 16) % bound;
}

static void ring_add(id_ring *ring, ps_slice id)
{
    uint32_t at = (ring->first + ring->count) % IDS_MAX;
    snprintf(ring->ids[at], ID_SIZE_MAX, "%.*s", (int)id.size, id.data);
    if (ring->count < IDS_MAX) {
        ring->count++;
    } else {
        ring->first = (ring->first + 1) % IDS_MAX;
    }
}

static const char *ring_take(id_ring *ring)
{
    const char *id = ring->ids[ring->first];
    ring->first = (ring->first + 1) % IDS_MAX;
    ring->count--;
    return id;
}

/* ── payments ── */

static const char *demo_token(ps_mix *mix)
{
    static const struct {
        const char *token;
        uint8_t weight;
    } tokens[] = {{"tok_ok", 86},          {"tok_insufficient_funds", 4}, {"tok_do_not_honour", 3},
                  {"tok_expired_card", 1}, {"tok_stolen_card", 1},        {"tok_failed", 1},
                  {"tok_slow_ok", 2},      {"tok_slow_declined", 1},      {"tok_refund_fails", 1}};
    uint64_t at = draw(mix, 100);
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        if (at < tokens[i].weight) {
            return tokens[i].token;
        }
        at -= tokens[i].weight;
    }
    return "tok_ok";
}

static void demo_payment(ps_mix *mix)
{
    static const char *const currencies[] = {"EUR", "EUR", "EUR", "USD",
                                             "USD", "GBP", "JPY", "KWD"};
    static const char *const merchants[] = {"bakery", "books", "cinema", "grocer",
                                            "hotel",  "music", "taxi",   "zoo"};
    static const char *const channels[] = {"web", "app", "pos"};
    static const char *const countries[] = {"DE", "FR", "GB", "US", "JP", "KW"};
    bool manual = draw(mix, 5) == 0;
    ps_buf_append_format(
        &mix->body,
        "\"amount\":%llu,\"currency\":\"%s\",\"merchant\":\"%s\",\"payer\":\"p%03llu\",\"capture_"
        "method\":\"%s\","
        "\"instrument\":{\"type\":\"card\",\"token\":\"%s\",\"bin\":\"%06llu\",\"last4\":\"%"
        "04llu\",\"country\":\"%s\"},"
        "\"description\":\"order %llu\",\"context\":{\"ip\":\"192.0.2.%llu\",\"channel\":\"%s\"}",
        (unsigned long long)(100 + draw(mix, 20000)), currencies[draw(mix, 8)],
        merchants[draw(mix, 8)], (unsigned long long)draw(mix, 1000),
        manual ? "manual" : "automatic", demo_token(mix),
        (unsigned long long)(400000 + draw(mix, 150000)), (unsigned long long)draw(mix, 10000),
        countries[draw(mix, 6)], (unsigned long long)mix->number,
        (unsigned long long)draw(mix, 254), channels[draw(mix, 3)]);
}

static void plain_payment(ps_mix *mix)
{
    uint64_t merchant = mix->kind == PS_MIX_HOT ? 0 : draw(mix, MERCHANT_COUNT);
    uint64_t payer = draw(mix, WALLET_COUNT);
    ps_buf_append_format(
        &mix->body,
        "\"amount\":%llu,\"currency\":\"EUR\",\"merchant\":\"m%llu\",\"payer\":\"p%llu\","
        "\"instrument\":",
        (unsigned long long)(1 + draw(mix, 9999)), (unsigned long long)merchant,
        (unsigned long long)payer);
    ps_buf_append_text(
        &mix->body,
        mix->kind != PS_MIX_PAYMENTS
            ? "{\"type\":\"wallet\"}"
            : "{\"type\":\"card\",\"token\":\"tok_ok\",\"bin\":\"411111\",\"last4\":\"1111\","
              "\"exp\":\"2030-04\",\"country\":\"DE\"}");
    ps_buf_append_format(&mix->body, ",\"reference\":\"%s-%llu\"", mix->run,
                         (unsigned long long)mix->number);
}

static void payment_fields(ps_mix *mix)
{
    if (mix->kind == PS_MIX_DEMO) {
        demo_payment(mix);
    } else {
        plain_payment(mix);
    }
}

static void request_payment(ps_mix *mix, ps_mix_request *out_request)
{
    snprintf(out_request->path, sizeof out_request->path, "/v1/payments");
    ps_buf_append_char(&mix->body, '{');
    payment_fields(mix);
    ps_buf_append_char(&mix->body, '}');
    out_request->payment_count = 1;
}

static void request_batch(ps_mix *mix, ps_mix_request *out_request)
{
    snprintf(out_request->path, sizeof out_request->path, "/v1/batch");
    out_request->key[0] = '\0';
    for (uint32_t i = 0; i < mix->batch_count; i++) {
        ps_buf_append_format(&mix->body, "{\"op\":\"payment.create\",\"key\":\"%s-%llu\",",
                             mix->run, (unsigned long long)mix->number);
        payment_fields(mix);
        ps_buf_append_text(&mix->body, "}\n");
        mix->number++;
    }
    out_request->payment_count = mix->batch_count;
}

/* ── going on with payments (demo) ── */

static void request_on(ps_mix_request *out_request, const char *id, const char *action)
{
    snprintf(out_request->path, sizeof out_request->path, "/v1/payments/%s/%s", id, action);
}

static bool request_follow_up(ps_mix *mix, ps_mix_request *out_request)
{
    uint64_t at = draw(mix, 100);
    if (at < 14 && mix->held.count > 0) {
        bool partial = draw(mix, 3) == 0;
        request_on(out_request, ring_take(&mix->held), "capture");
        ps_buf_append_text(&mix->body, partial ? "{\"amount\":50,\"final\":false}" : "{}");
        return true;
    }
    if (at < 17 && mix->held.count > 0) {
        request_on(out_request, ring_take(&mix->held), "cancel");
        ps_buf_append_text(&mix->body, "{}");
        return true;
    }
    if (at < 25 && mix->captured.count > 0) {
        snprintf(out_request->path, sizeof out_request->path, "/v1/refunds");
        ps_buf_append_format(&mix->body,
                             "{\"payment\":\"%s\",\"amount\":50,\"reason\":\"returned\"}",
                             ring_take(&mix->captured));
        return true;
    }
    if (at == 25 && mix->captured.count > 0) {
        snprintf(out_request->path, sizeof out_request->path, "/v1/simulate/dispute");
        ps_buf_append_format(&mix->body, "{\"payment\":\"%s\",\"reason\":\"not recognised\"}",
                             ring_take(&mix->captured));
        return true;
    }
    return false;
}

void ps_mix_next(ps_mix *mix, ps_mix_request *out_request)
{
    ps_buf_clear(&mix->body);
    out_request->payment_count = 0;
    snprintf(out_request->key, sizeof out_request->key, "%s-%llu", mix->run,
             (unsigned long long)mix->number);
    if (mix->batch_count > 0) {
        request_batch(mix, out_request);
    } else if (mix->kind != PS_MIX_DEMO || !request_follow_up(mix, out_request)) {
        request_payment(mix, out_request);
    }
    mix->number++;
    PS_ASSERT(!mix->body.failed);
    out_request->body = ps_buf_slice(&mix->body);
}

bool ps_mix_setup(ps_mix *mix, ps_mix_request *out_request)
{
    bool from_wallets = mix->kind == PS_MIX_WALLET || mix->kind == PS_MIX_HOT;
    if (!from_wallets || mix->setup_count >= WALLET_COUNT) {
        return false;
    }
    ps_buf_clear(&mix->body);
    snprintf(out_request->path, sizeof out_request->path, "/v1/transfers");
    snprintf(out_request->key, sizeof out_request->key, "%s-fund-%u", mix->run, mix->setup_count);
    ps_buf_append_format(&mix->body,
                         "{\"debit\":\"world\",\"credit\":\"payer:p%u\",\"amount\":1000000000000,"
                         "\"currency\":\"EUR\"}",
                         mix->setup_count);
    out_request->body = ps_buf_slice(&mix->body);
    out_request->payment_count = 0;
    mix->setup_count++;
    return true;
}

/* The value of the first "key":"…" in a reply that we know the shape of; empty when it is not
 * there. */
static ps_slice text_member(ps_slice body, const char *key)
{
    char pattern[32];
    int size = snprintf(pattern, sizeof pattern, "\"%s\":\"", key);
    const char *at = memmem(body.data, body.size, pattern, (size_t)size);
    if (at == NULL) {
        return (ps_slice){0};
    }
    at += size;
    const char *end = memchr(at, '"', (size_t)(body.data + body.size - at));
    return end != NULL ? ps_slice_of(at, (size_t)(end - at)) : (ps_slice){0};
}

void ps_mix_reply(ps_mix *mix, const char *path, uint16_t status, ps_slice body)
{
    if (mix->kind != PS_MIX_DEMO || status != 201 || strcmp(path, "/v1/payments") != 0) {
        return;
    }
    ps_slice id = text_member(body, "id");
    ps_slice state = text_member(body, "status");
    if (id.size == 0 || id.size >= ID_SIZE_MAX) {
        return;
    }
    if (ps_slice_equal(state, PS_SLICE("authorised"))) {
        ring_add(&mix->held, id);
    } else if (ps_slice_equal(state, PS_SLICE("captured"))) {
        ring_add(&mix->captured, id);
    }
}

double ps_mix_rate_factor(const ps_mix *mix, int64_t elapsed_ns)
{
    if (mix->kind != PS_MIX_DEMO) {
        return 1;
    }
    /* Five seconds of every minute run at five times the rate. */
    return elapsed_ns / PS_NS_PER_S % 60 >= 55 ? 5 : 1;
}
