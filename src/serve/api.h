/* The API between HTTP and the core, in three parts that meet here:
 *
 *   decode  (decode_*.c)  a request that matched a route → a ps_command or a ps_query, or a 400
 *   that says which field and why
 *   service (service.c)   threads and hand-over: network threads → core thread → journal thread →
 *   back; keys, limits, audit
 *           (API keys: pay/api_key.h)
 *   render  (render_*.c)  a record (or a query's structs) + the journal → the reply's JSON
 *
 * Routes are one table (route.c): method, pattern, scope, idempotency, body fields with their types
 * and limits, query parameters, replies. Decoding, the OpenAPI document,
 * the security matrix of the tests and docs/api.md are all made from it.
 */
#ifndef PS_SERVE_API_H
#define PS_SERVE_API_H

#include "pay/engine.h"
#include "pay/query.h"

/* ── routes ── */

typedef enum { PS_METHOD_GET, PS_METHOD_POST, PS_METHOD_DELETE } ps_method;

typedef enum {
    PS_ROUTE_COMMAND, /* POST → one ps_command */
    /* GET → one ps_query: object, list, account, trial balance, keys, verify */
    PS_ROUTE_QUERY,
    PS_ROUTE_PAYMENT_EVENTS, /* walks the payment's chain of records */
    PS_ROUTE_PAYMENT_POSTINGS,
    PS_ROUTE_ACCOUNT_ENTRIES,
    PS_ROUTE_BATCH,
    PS_ROUTE_EVENTS,
    PS_ROUTE_STREAM,     /* SSE */
    PS_ROUTE_JOBS,       /* the board of streaming jobs */
    PS_ROUTE_KEY_CREATE, /* the service makes the secret */
    PS_ROUTE_HEALTH,
    PS_ROUTE_READY,
    PS_ROUTE_METRICS,
    PS_ROUTE_OPENAPI,
    PS_ROUTE_PAGE
} ps_route_kind;

typedef enum {
    PS_FIELD_TEXT,   /* UTF-8, size_max bytes */
    PS_FIELD_NAME,   /* [A-Za-z0-9_.:-]{1,size_max} */
    PS_FIELD_ID,     /* an object id with a prefix */
    PS_FIELD_AMOUNT, /* integer, min … max */
    PS_FIELD_INTEGER,
    PS_FIELD_BOOL,
    PS_FIELD_CURRENCY,
    PS_FIELD_ENUM,      /* one of `words` */
    PS_FIELD_ENUM_LIST, /* array of words, each at most once */
    PS_FIELD_OBJECT,    /* with `fields` */
    PS_FIELD_MAP,       /* metadata: up to 50 string → string */
    PS_FIELD_ANY,       /* any JSON, kept as canonical text, size_max bytes */
    PS_FIELD_TIME,
    PS_FIELD_DIGITS, /* text of min … max decimal digits */
    PS_FIELD_MONTH,  /* "2028-04" */
    PS_FIELD_CURSOR  /* a list's next_cursor */
} ps_field_type;

typedef struct ps_field {
    const char *name;
    ps_field_type type;
    bool required;
    int64_t min, max;              /* AMOUNT, INTEGER, DIGITS */
    uint32_t size_max;             /* TEXT, NAME, ANY; bytes */
    uint8_t slot;                  /* where decode keeps the value (route_slot.h) */
    const char *const *words;      /* ENUM, ENUM_LIST; NULL-terminated. ID: the prefix */
    const struct ps_field *fields; /* OBJECT; ended by a NULL name */
    const char *description;       /* one sentence, for OpenAPI and the docs */
} ps_field;

typedef struct {
    ps_method method;
    const char *pattern; /* "/v1/payments/{id}/capture" */
    ps_route_kind kind;
    uint16_t scopes; /* any of these (or admin); 0: no key needed */
    bool needs_idempotency_key;
    bool test_mode_only;
    ps_command_kind command; /* COMMAND */
    ps_query_kind query;     /* QUERY */
    uint16_t success_status;
    const char *reply;          /* schema name: "payment", "refund", "list of payment", … */
    const ps_field *body;       /* NULL: no body (a body of {} or nothing is taken) */
    const ps_field *parameters; /* query string */
    const char *summary;        /* one sentence */
} ps_route;

/* The table and its size; in the order of the documentation. */
const ps_route *ps_routes(size_t *out_count);

typedef struct {
    const ps_route *route; /* NULL: no such path */
    /* the {id} or {name} of the path, percent-decoded in place of `path_buffer`; empty */
    ps_slice id;
    uint32_t allowed_methods; /* bits 1 << ps_method, of the path */
} ps_route_match;
/* HEAD is matched as GET by the caller. `path` without query. `path_buffer` (≥ path.size bytes)
 * receives the decoded id. */
void ps_route_find(ps_method method, ps_slice path, char *path_buffer, ps_route_match *out_match);

/* ── refusals of form ── */

/* A 4xx or 5xx that does not come from the core: what the error body says. */
typedef struct {
    uint16_t http_status;
    const char *type, *code; /* static */
    char param[80];          /* empty: null */
    char message[240];
    uint32_t retry_after_s; /* 0: none */
} ps_api_error;

static inline ps_api_error ps_api_error_of(uint16_t http_status, const char *type, const char *code,
                                           const char *message)
{
    ps_api_error error = {.http_status = http_status, .type = type, .code = code};
    size_t size = strlen(message);
    PS_ASSERT(size < sizeof error.message);
    memcpy(error.message, message, size);
    return error;
}

/* ── decode ── */

enum { PS_BODY_MAX = 64 * 1024, PS_BATCH_BODY_MAX = 8 * 1024 * 1024, PS_BATCH_LINES_MAX = 10000 };

/* Memory of one decoded request: the command's slices point into the body or into here. Reused;
 * reset by decode. */
typedef struct ps_decoder ps_decoder;
PS_CHECKED ps_code ps_decoder_new(ps_decoder **out_decoder, ps_error *err);
void ps_decoder_free(ps_decoder *decoder);

/* Who asks and with what; what decode needs besides the body. */
typedef struct {
    const ps_route *route;
    ps_slice id;              /* from the path */
    ps_slice query;           /* raw query string */
    ps_slice idempotency_key; /* header value; empty: none */
    uint32_t book, key;
    uint16_t scopes;
    bool live;
    ps_u128 request_id;
    uint8_t address[16];
    const ps_hash_secret *secret; /* for the idempotency hash and the fingerprint */
} ps_request_context;

/* Form only: JSON (RFC 8259, strict), unknown, missing, wrong, out of range, card numbers anywhere
 * (S-C1). On false *out_error is set and nothing of the body is kept. The body may be modified in
 * place (unescaping). */
PS_CHECKED bool ps_decode_command(ps_decoder *decoder, const ps_request_context *context,
                                  char *body, size_t body_size, ps_command *out_command,
                                  ps_api_error *out_error);
PS_CHECKED bool ps_decode_query(ps_decoder *decoder, const ps_request_context *context,
                                ps_query *out_query, ps_api_error *out_error);
/* One line of /v1/batch: {"op":…,"key":…,…}: idempotency as the single route's. */
PS_CHECKED bool ps_decode_batch_line(ps_decoder *decoder, const ps_request_context *context,
                                     char *line, size_t line_size, ps_command *out_command,
                                     ps_api_error *out_error);
/* True when text holds 13–19 digits that pass Luhn, with single blanks or dashes between (CONTRACT
 * §2.1). */
bool ps_text_has_card_number(ps_slice text);

/* ── render ── */

/* Renders on one thread: has its own journal cursor. */
typedef struct ps_renderer ps_renderer;
PS_CHECKED ps_code ps_renderer_new(ps_journal *journal, ps_u128 instance,
                                   ps_renderer **out_renderer, ps_error *err);
void ps_renderer_free(ps_renderer *renderer);

/* The reply of a record: status and JSON body, a pure function of the payload (and the records it
 * refers to). */
PS_CHECKED ps_code ps_render_reply(ps_renderer *renderer, uint64_t seq, ps_slice payload,
                                   ps_buf *out, uint16_t *out_status, ps_error *err);
/* Refusals that are not stored, and refusals of form. */
void ps_render_refusal(ps_refusal refusal, int64_t detail, ps_u128 request_id, ps_buf *out,
                       uint16_t *out_status);
void ps_render_error(const ps_api_error *error, ps_u128 request_id, ps_buf *out);
/* One object (single), or {"data":[…],"has_more":…,"next_cursor":…}, from a query's structs. */
PS_CHECKED ps_code ps_render_query(ps_renderer *renderer, const ps_query *query,
                                   const ps_query_result *result, ps_slice structs, ps_buf *out,
                                   ps_error *err);
/* Where the events of a record go: those of `book` with a sequence > after. */
typedef struct {
    uint32_t book;
    uint64_t after;
    void (*emit)(void *context, ps_event_type type, uint64_t sequence, ps_slice json);
    void *context;
} ps_event_sink;
/* Calls emit for each, as {id, object:"event", …}. */
PS_CHECKED ps_code ps_render_events(ps_renderer *renderer, uint64_t seq, ps_slice payload,
                                    const ps_event_sink *sink, ps_error *err);

#endif
