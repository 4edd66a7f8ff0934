#include "serve/http_scan.h"

/* ── refusals ── */

static const ps_http_refusal refusals[] = {
    [PS_HTTP_BAD_REQUEST_LINE] = {400, "http_request_line_invalid",
                                  "The request line is not METHOD SP target SP HTTP/1.1.", 0},
    [PS_HTTP_BAD_HEADER] = {400, "http_header_invalid", "A header line is malformed.", 0},
    [PS_HTTP_BAD_LINE_END] = {400, "http_line_end_invalid", "A line does not end in CR LF.", 0},
    [PS_HTTP_BAD_HOST] = {400, "http_host_invalid",
                          "Exactly one valid Host header is required, equal to the host of the "
                          "target if that names one.",
                          0},
    [PS_HTTP_BAD_TARGET] = {400, "http_target_invalid", "The request target is not valid.", 0},
    [PS_HTTP_BAD_LENGTH] = {400, "http_content_length_invalid",
                            "Content-Length is not one plain decimal number.", 0},
    [PS_HTTP_BAD_TRANSFER_ENCODING] = {400, "http_transfer_encoding_invalid",
                                       "Transfer-Encoding must be exactly: chunked, on HTTP/1.1, "
                                       "without Content-Length.",
                                       0},
    [PS_HTTP_BAD_CHUNK] = {400, "http_chunk_invalid",
                           "A chunk is malformed; extensions and trailers are not taken.", 0},
    [PS_HTTP_DUPLICATE_HEADER] = {400, "http_header_repeated",
                                  "A header that may occur once was sent twice.", 0},
    [PS_HTTP_FRAMING_IN_DOUBT] = {400, "http_malformed", "The request is not valid HTTP/1.1.", 0},
    [PS_HTTP_URI_TOO_LONG] = {414, "http_uri_too_long", "The request target is too long.", 0},
    [PS_HTTP_HEADERS_TOO_LARGE] = {431, "http_headers_too_large",
                                   "The headers are too many or too large.", 0},
    [PS_HTTP_BODY_TOO_LARGE] = {413, "body_too_large", "The body is larger than this route takes.",
                                0},
    [PS_HTTP_EXPECTATION_FAILED] = {417, "http_expectation_failed",
                                    "Only Expect: 100-continue is understood.", 0},
    [PS_HTTP_METHOD_UNKNOWN] = {501, "http_method_unknown", "This method is not implemented.", 0},
    [PS_HTTP_VERSION_UNSUPPORTED] = {505, "http_version_unsupported",
                                     "Only HTTP/1.1 and HTTP/1.0 are spoken here.", 0},
    [PS_HTTP_REQUEST_TIMEOUT] = {408, "request_timeout", "The request did not arrive in time.", 0},
    [PS_HTTP_OUT_OF_MEMORY] = {503, "overloaded", "The server has no room for this request now.",
                               1},
    [PS_HTTP_TOO_MANY_CONNECTIONS] = {503, "too_many_connections",
                                      "The server has as many connections as it takes.", 1},
};

const ps_http_refusal *ps_http_refusal_of(ps_http_refusal_kind kind)
{
    return &refusals[kind];
}

/* ── character sets: bit c of word c / 64 ── */

/* RFC 9110 §5.6.2 token. */
static const uint64_t token_set[4] = {UINT64_C(0x03ff6cfa00000000), UINT64_C(0x57ffffffc7fffffe)};
/* Visible ASCII without # " < > \ ^ ` { | }: RFC 3986 plus [ and ], which our filters use. */
static const uint64_t target_set[4] = {UINT64_C(0xaffffff200000000), UINT64_C(0x47fffffeafffffff)};
/* RFC 9110 §5.5 field-value: HTAB, blank, visible ASCII, obs-text; no other control, no DEL. */
static const uint64_t value_set[4] = {UINT64_C(0xffffffff00000200), UINT64_C(0x7fffffffffffffff),
                                      UINT64_MAX, UINT64_MAX};
static const uint64_t host_set[4] = {UINT64_C(0x03ff600000000000), UINT64_C(0x07fffffe87fffffe)};

static bool in_set(const uint64_t set[4], char c)
{
    uint8_t byte = (uint8_t)c;
    return (set[byte >> 6] >> (byte & 63) & 1) != 0;
}

bool ps_http_is_host_char(char c)
{
    return in_set(host_set, c);
}

/* How many bytes at the start of data are in the set; looks at `size_max` bytes at most. */
static size_t run_of(const uint64_t set[4], ps_slice data, size_t size_max)
{
    size_t size = data.size < size_max ? data.size : size_max;
    size_t i = 0;
    while (i < size && in_set(set, data.data[i])) {
        i++;
    }
    return i;
}

/* ── the head ── */

enum {
    HEAD_START,    /* nothing yet; one empty line may come (RFC 9112 §2.2) */
    HEAD_START_LF, /* CR of that empty line seen */
    HEAD_METHOD,
    HEAD_TARGET,
    HEAD_VERSION,
    HEAD_REQUEST_LF, /* CR of the request line seen */
    HEAD_LINE_LF,    /* CR of a header line seen */
    HEAD_NAME_START, /* at the start of a line */
    HEAD_NAME,
    HEAD_VALUE,
    HEAD_END_LF, /* CR of the blank line seen */
    HEAD_DONE
};

enum { METHOD_SIZE_MAX = 32 };

bool ps_http_head_is_done(const ps_http_head_scan *scan)
{
    return scan->state == HEAD_DONE;
}

static const ps_http_refusal *refuse(ps_http_refusal_kind kind)
{
    return ps_http_refusal_of(kind);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const ps_http_refusal *check_version(const ps_http_head_scan *scan)
{
    const char *v = scan->version;
    if (scan->version_size != sizeof scan->version || memcmp(v, "HTTP/", 5) != 0 ||
        !is_digit(v[5]) || v[6] != '.' || !is_digit(v[7])) {
        return refuse(PS_HTTP_BAD_REQUEST_LINE);
    }
    if (v[5] != '1' || v[7] > '1') {
        return refuse(PS_HTTP_VERSION_UNSUPPORTED);
    }
    return NULL;
}

static const ps_http_refusal *scan_method(ps_http_head_scan *scan, ps_slice data, size_t *out_used)
{
    size_t run = run_of(token_set, data, METHOD_SIZE_MAX - scan->field_size);
    scan->field_size += (uint32_t)run;
    *out_used = run;
    if (run == data.size) {
        return NULL;
    }
    char c = data.data[run];
    if (in_set(token_set, c)) {
        return refuse(PS_HTTP_METHOD_UNKNOWN); /* no method is that long */
    }
    if (c != ' ' || scan->field_size == 0) {
        return refuse(PS_HTTP_BAD_REQUEST_LINE);
    }
    scan->state = HEAD_TARGET;
    scan->field_size = 0;
    *out_used = run + 1;
    return NULL;
}

static const ps_http_refusal *scan_target(ps_http_head_scan *scan,
                                          const ps_http_scan_limits *limits, ps_slice data,
                                          size_t *out_used)
{
    size_t run = run_of(target_set, data, limits->uri_size_max - scan->field_size);
    scan->field_size += (uint32_t)run;
    *out_used = run;
    if (run == data.size) {
        return NULL;
    }
    char c = data.data[run];
    if (in_set(target_set, c)) {
        return refuse(PS_HTTP_URI_TOO_LONG);
    }
    if (c != ' ' || scan->field_size == 0) {
        return refuse(PS_HTTP_BAD_REQUEST_LINE);
    }
    scan->state = HEAD_VERSION;
    *out_used = run + 1;
    return NULL;
}

static const ps_http_refusal *scan_version(ps_http_head_scan *scan, char c)
{
    if (c == '\r') {
        scan->state = HEAD_REQUEST_LF;
        return check_version(scan);
    }
    if (scan->version_size == sizeof scan->version) {
        return refuse(PS_HTTP_BAD_REQUEST_LINE);
    }
    scan->version[scan->version_size++] = c;
    return NULL;
}

/* A byte that stands alone: line ends, starts of lines. */
static const ps_http_refusal *scan_single(ps_http_head_scan *scan,
                                          const ps_http_scan_limits *limits, char c)
{
    switch (scan->state) {
    case HEAD_START_LF:
        scan->state = HEAD_METHOD;
        return c == '\n' ? NULL : refuse(PS_HTTP_BAD_LINE_END);
    case HEAD_VERSION:
        return scan_version(scan, c);
    case HEAD_REQUEST_LF:
    case HEAD_LINE_LF:
        scan->state = HEAD_NAME_START;
        return c == '\n' ? NULL : refuse(PS_HTTP_BAD_LINE_END);
    case HEAD_NAME_START:
        if (c == '\r') {
            scan->state = HEAD_END_LF;
            return NULL;
        }
        if (!in_set(token_set, c)) {
            return refuse(PS_HTTP_BAD_HEADER); /* folded line, empty name, control byte */
        }
        if (scan->header_count == limits->headers_max) {
            return refuse(PS_HTTP_HEADERS_TOO_LARGE);
        }
        scan->header_count++;
        scan->state = HEAD_NAME;
        return NULL;
    case HEAD_END_LF:
        scan->state = HEAD_DONE;
        return c == '\n' ? NULL : refuse(PS_HTTP_BAD_LINE_END);
    }
    PS_ASSERT(false); /* the callers sent only these states */
    return refuse(PS_HTTP_FRAMING_IN_DOUBT);
}

static const ps_http_refusal *scan_name(ps_http_head_scan *scan, ps_slice data, size_t size_max,
                                        size_t *out_used)
{
    size_t run = run_of(token_set, data, size_max);
    *out_used = run;
    if (run == data.size || run == size_max) {
        return NULL;
    }
    if (data.data[run] != ':') {
        return refuse(PS_HTTP_BAD_HEADER);
    }
    scan->state = HEAD_VALUE;
    *out_used = run + 1;
    return NULL;
}

static const ps_http_refusal *scan_value(ps_http_head_scan *scan, ps_slice data, size_t size_max,
                                         size_t *out_used)
{
    size_t run = run_of(value_set, data, size_max);
    *out_used = run;
    if (run == data.size || run == size_max) {
        return NULL;
    }
    if (data.data[run] != '\r') {
        return refuse(data.data[run] == '\n' ? PS_HTTP_BAD_LINE_END : PS_HTTP_BAD_HEADER);
    }
    scan->state = HEAD_LINE_LF;
    *out_used = run + 1;
    return NULL;
}

/* One step inside the header lines; the size limit is kept to the byte. */
static const ps_http_refusal *scan_header_part(ps_http_head_scan *scan,
                                               const ps_http_scan_limits *limits, ps_slice data,
                                               size_t *out_used)
{
    size_t left = limits->headers_size_max - scan->headers_size;
    if (left == 0) {
        return refuse(PS_HTTP_HEADERS_TOO_LARGE);
    }
    const ps_http_refusal *refusal = NULL;
    if (scan->state == HEAD_NAME) {
        refusal = scan_name(scan, data, left, out_used);
    } else if (scan->state == HEAD_VALUE) {
        refusal = scan_value(scan, data, left, out_used);
    } else {
        *out_used = 1;
        refusal = scan_single(scan, limits, data.data[0]);
    }
    scan->headers_size += (uint32_t)*out_used;
    return refusal;
}

static const ps_http_refusal *scan_step(ps_http_head_scan *scan, const ps_http_scan_limits *limits,
                                        ps_slice data, size_t *out_used)
{
    switch (scan->state) {
    case HEAD_START:
        scan->state = data.data[0] == '\r' ? HEAD_START_LF : HEAD_METHOD;
        *out_used = scan->state == HEAD_START_LF ? 1 : 0;
        return NULL;
    case HEAD_METHOD:
        return scan_method(scan, data, out_used);
    case HEAD_TARGET:
        return scan_target(scan, limits, data, out_used);
    case HEAD_START_LF:
    case HEAD_VERSION:
    case HEAD_REQUEST_LF:
        *out_used = 1;
        return scan_single(scan, limits, data.data[0]);
    default: /* states are bytes, not an enum: the rest is the header lines */
        return scan_header_part(scan, limits, data, out_used);
    }
}

const ps_http_refusal *ps_http_head_scan_feed(ps_http_head_scan *scan,
                                              const ps_http_scan_limits *limits, ps_slice data,
                                              size_t *out_used)
{
    size_t used = 0;
    while (used < data.size && scan->state != HEAD_DONE) {
        size_t step = 0;
        ps_slice rest = {data.data + used, data.size - used};
        const ps_http_refusal *refusal = scan_step(scan, limits, rest, &step);
        if (refusal != NULL) {
            *out_used = used;
            return refusal;
        }
        used += step;
    }
    *out_used = used;
    return NULL;
}

/* ── chunks ── */

enum {
    CHUNK_SIZE,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_END_CR, /* behind the line of the last chunk: no trailers */
    CHUNK_END_LF,
    CHUNK_DONE
};

enum { CHUNK_DIGITS_MAX = 15 };

bool ps_http_chunks_are_done(const ps_http_chunk_scan *scan)
{
    return scan->state == CHUNK_DONE;
}

int ps_http_hex_value(char c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static const ps_http_refusal *scan_chunk_size(ps_http_chunk_scan *scan, char c)
{
    if (c == '\r' && scan->digits > 0) {
        scan->state = CHUNK_SIZE_LF;
        return NULL;
    }
    int value = ps_http_hex_value(c);
    if (value < 0 || scan->digits == CHUNK_DIGITS_MAX) {
        return refuse(PS_HTTP_BAD_CHUNK);
    }
    scan->chunk_left = scan->chunk_left * 16 + (uint64_t)value;
    scan->digits++;
    return NULL;
}

static const ps_http_refusal *begin_chunk_data(ps_http_chunk_scan *scan, uint64_t body_size_max)
{
    if (scan->chunk_left > body_size_max - scan->body_size) {
        return refuse(PS_HTTP_BODY_TOO_LARGE);
    }
    scan->body_size += scan->chunk_left;
    scan->digits = 0;
    scan->state = scan->chunk_left == 0 ? CHUNK_END_CR : CHUNK_DATA;
    return NULL;
}

/* The next state when c is what must stand here. */
static const ps_http_refusal *expect(ps_http_chunk_scan *scan, char c, char expected, uint8_t next)
{
    if (c != expected) {
        return refuse(PS_HTTP_BAD_CHUNK);
    }
    scan->state = next;
    return NULL;
}

static const ps_http_refusal *scan_chunk_byte(ps_http_chunk_scan *scan, uint64_t body_size_max,
                                              char c)
{
    switch (scan->state) {
    case CHUNK_SIZE:
        return scan_chunk_size(scan, c);
    case CHUNK_SIZE_LF:
        return c == '\n' ? begin_chunk_data(scan, body_size_max) : refuse(PS_HTTP_BAD_CHUNK);
    case CHUNK_DATA_CR:
        return expect(scan, c, '\r', CHUNK_DATA_LF);
    case CHUNK_DATA_LF:
        return expect(scan, c, '\n', CHUNK_SIZE);
    case CHUNK_END_CR:
        return expect(scan, c, '\r', CHUNK_END_LF);
    case CHUNK_END_LF:
        return expect(scan, c, '\n', CHUNK_DONE);
    }
    PS_ASSERT(false); /* the callers sent only these states */
    return refuse(PS_HTTP_FRAMING_IN_DOUBT);
}

const ps_http_refusal *ps_http_chunk_scan_feed(ps_http_chunk_scan *scan, uint64_t body_size_max,
                                               ps_slice data, size_t *out_used)
{
    size_t used = 0;
    while (used < data.size && scan->state != CHUNK_DONE) {
        if (scan->state == CHUNK_DATA) {
            size_t left = data.size - used;
            size_t run = scan->chunk_left < left ? (size_t)scan->chunk_left : left;
            scan->chunk_left -= run;
            used += run;
            scan->state = scan->chunk_left == 0 ? CHUNK_DATA_CR : CHUNK_DATA;
            continue;
        }
        const ps_http_refusal *refusal = scan_chunk_byte(scan, body_size_max, data.data[used]);
        if (refusal != NULL) {
            *out_used = used;
            return refusal;
        }
        used++;
    }
    *out_used = used;
    return NULL;
}
