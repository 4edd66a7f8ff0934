#include "serve/http_frame.h"

#include <strings.h>

/* ── llhttp's side: spans become fields ── */

static uint16_t offset_of(const ps_http_frame *frame, const char *at)
{
    return (uint16_t)(at - frame->head_bytes.data); /* ≤ PS_HTTP_HEAD_SIZE_MAX, asserted in parse */
}

static int on_url(llhttp_t *parser, const char *at, size_t size)
{
    ps_http_frame *frame = parser->data;
    ps_http_head *head = frame->head;
    if (head->path.data == NULL) {
        head->path.data = at;
    }
    head->path.size = (size_t)(at - head->path.data) + size;
    return 0;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t size)
{
    ps_http_frame *frame = parser->data;
    ps_http_head *head = frame->head;
    if (head->field_count == PS_HTTP_HEADERS_MAX) {
        return HPE_USER;
    }
    head->fields[head->field_count++] = (ps_http_field){
        .name = offset_of(frame, at), .name_size = (uint16_t)size, .value = offset_of(frame, at)};
    return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t size)
{
    ps_http_frame *frame = parser->data;
    ps_http_head *head = frame->head;
    if (head->field_count == 0) {
        return HPE_USER;
    }
    ps_http_field *field = &head->fields[head->field_count - 1];
    if (field->value_size != 0) {
        return HPE_USER; /* a value in two parts is a folded line, which the scan has refused */
    }
    while (size > 0 && (at[size - 1] == ' ' || at[size - 1] == '\t')) {
        size--;
    }
    field->value = offset_of(frame, at);
    field->value_size = (uint16_t)size;
    return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    parser->upgrade = 0; /* we switch to no other protocol: what follows is a body or a request */
    return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t size)
{
    ps_http_frame *frame = parser->data;
    if (!frame->on_body(frame->context, ps_slice_of(at, size))) {
        frame->body_refused = true;
        return HPE_USER;
    }
    return 0;
}

static int on_message_complete(llhttp_t *parser)
{
    ps_http_frame *frame = parser->data;
    frame->is_complete = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

/* ── head ── */

void ps_http_frame_start(ps_http_frame *frame, const ps_http_scan_limits *limits)
{
    PS_ASSERT(limits->headers_max <= PS_HTTP_HEADERS_MAX);
    PS_ASSERT(limits->uri_size_max + limits->headers_size_max + 64 <= PS_HTTP_HEAD_SIZE_MAX);
    *frame = (ps_http_frame){.limits = limits};
}

const ps_http_refusal *ps_http_frame_scan(ps_http_frame *frame, ps_slice data, size_t *out_used)
{
    return ps_http_head_scan_feed(&frame->head_scan, frame->limits, data, out_used);
}

static bool equal_no_case(ps_slice a, ps_slice b)
{
    return a.size == b.size && (a.size == 0 || strncasecmp(a.data, b.data, a.size) == 0);
}

static const struct {
    ps_slice name;
    ps_http_method method;
} methods[] = {
    {{"GET", 3}, PS_HTTP_GET},         {{"POST", 4}, PS_HTTP_POST},
    {{"HEAD", 4}, PS_HTTP_HEAD},       {{"PUT", 3}, PS_HTTP_PUT},
    {{"DELETE", 6}, PS_HTTP_DELETE},   {{"PATCH", 5}, PS_HTTP_PATCH},
    {{"OPTIONS", 7}, PS_HTTP_OPTIONS},
};

ps_slice ps_http_method_name(ps_http_method method)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (methods[i].method == method) {
            return methods[i].name;
        }
    }
    PS_ASSERT(false);
    return (ps_slice){NULL, 0};
}

static const ps_http_refusal *find_method(ps_slice bytes, ps_http_head *head)
{
    if (bytes.data[0] == '\r') {
        bytes.data += 2; /* the one empty line that may come before */
    }
    const char *blank = memchr(bytes.data, ' ', 40);
    ps_slice name = {bytes.data, (size_t)(blank - bytes.data)};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (ps_slice_equal(name, methods[i].name)) {
            head->method = methods[i].method;
            return NULL;
        }
    }
    return ps_http_refusal_of(PS_HTTP_METHOD_UNKNOWN);
}

/* PS_HTTP_HEADER_KINDS in the order of ps_http_header. */
static const ps_slice known_names[PS_HTTP_HEADER_KINDS] = {
    [PS_HTTP_HOST] = {"host", 4},
    [PS_HTTP_CONTENT_LENGTH] = {"content-length", 14},
    [PS_HTTP_TRANSFER_ENCODING] = {"transfer-encoding", 17},
    [PS_HTTP_EXPECT] = {"expect", 6},
    [PS_HTTP_CONTENT_TYPE] = {"content-type", 12},
    [PS_HTTP_CONTENT_ENCODING] = {"content-encoding", 16},
    [PS_HTTP_AUTHORIZATION] = {"authorization", 13},
    [PS_HTTP_IDEMPOTENCY_KEY] = {"idempotency-key", 15},
    [PS_HTTP_LAST_EVENT_ID] = {"last-event-id", 13},
    [PS_HTTP_IF_NONE_MATCH] = {"if-none-match", 13},
    [PS_HTTP_USER_AGENT] = {"user-agent", 10},
    [PS_HTTP_ORIGIN] = {"origin", 6},
    [PS_HTTP_SIGNATURE] = {"paystream-signature", 19},
    [PS_HTTP_TIMESTAMP] = {"paystream-timestamp", 19},
    [PS_HTTP_NONCE] = {"paystream-nonce", 15},
};

/* What the Connection headers ask for; they may be several. */
typedef struct {
    bool close, keep_alive;
} connection_options;

static void read_connection(ps_slice value, connection_options *options)
{
    size_t start = 0;
    for (size_t i = 0; i <= value.size; i++) {
        if (i < value.size && value.data[i] != ',') {
            continue;
        }
        size_t end = i;
        while (start < end && (value.data[start] == ' ' || value.data[start] == '\t')) {
            start++;
        }
        while (end > start && (value.data[end - 1] == ' ' || value.data[end - 1] == '\t')) {
            end--;
        }
        ps_slice option = {value.data + start, end - start};
        options->close = options->close || equal_no_case(option, PS_SLICE("close"));
        options->keep_alive = options->keep_alive || equal_no_case(option, PS_SLICE("keep-alive"));
        start = i + 1;
    }
}

static const ps_http_refusal *index_fields(const char *bytes, ps_http_head *head)
{
    connection_options options = {0};
    for (uint16_t i = 0; i < head->field_count; i++) {
        const ps_http_field *field = &head->fields[i];
        ps_slice name = ps_http_field_name(bytes, field);
        if (equal_no_case(name, PS_SLICE("connection"))) {
            read_connection(ps_http_field_value(bytes, field), &options);
            continue;
        }
        for (size_t kind = 0; kind < PS_HTTP_HEADER_KINDS; kind++) {
            if (!equal_no_case(name, known_names[kind])) {
                continue;
            }
            if (head->known[kind] != 0) {
                return ps_http_refusal_of(PS_HTTP_DUPLICATE_HEADER);
            }
            head->known[kind] = (uint8_t)(i + 1);
            break;
        }
    }
    /* RFC 9112 §9.3: close wins; 1.0 stays only when asked to. */
    head->keep_alive = !options.close && (!head->is_http_1_0 || options.keep_alive);
    return NULL;
}

static bool get_known(const ps_http_frame *frame, const ps_http_head *head, ps_http_header kind,
                      ps_slice *out_value)
{
    if (head->known[kind] == 0) {
        return false;
    }
    *out_value = ps_http_field_value(frame->head_bytes.data, &head->fields[head->known[kind] - 1]);
    return true;
}

/* RFC 9110 §7.2: name, IPv4 or [IPv6], and an optional port. */
static bool is_host(ps_slice value)
{
    size_t i = 0;
    if (value.size > 0 && value.data[0] == '[') {
        const char *end = memchr(value.data, ']', value.size);
        if (end == NULL || end == value.data + 1) {
            return false;
        }
        i = (size_t)(end - value.data) + 1;
        for (size_t k = 1; k + 1 < i; k++) {
            char c = value.data[k];
            bool is_hex = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
            if (!is_hex && c != ':' && c != '.') {
                return false;
            }
        }
    } else {
        while (i < value.size && ps_http_is_host_char(value.data[i])) {
            i++;
        }
    }
    if (i == 0 || i == value.size) {
        return i > 0;
    }
    if (value.data[i] != ':' || value.size - i > 6) {
        return false;
    }
    for (i++; i < value.size; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') {
            return false;
        }
    }
    return true;
}

/* Valid escapes only, and none that hides a NUL. */
static bool has_valid_escapes(ps_slice target)
{
    for (size_t i = 0; i < target.size; i++) {
        if (target.data[i] != '%') {
            continue;
        }
        if (target.size - i < 3) {
            return false;
        }
        int high = ps_http_hex_value(target.data[i + 1]);
        int low = ps_http_hex_value(target.data[i + 2]);
        if (high < 0 || low < 0 || high + low == 0) {
            return false;
        }
    }
    return true;
}

/* Takes "http://host" off an absolute-form target; the host must be the Host header's. */
static const ps_http_refusal *strip_authority(ps_slice host, ps_slice *target)
{
    static const ps_slice schemes[] = {{"http://", 7}, {"https://", 8}};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        ps_slice scheme = schemes[i];
        if (target->size <= scheme.size ||
            !equal_no_case(ps_slice_of(target->data, scheme.size), scheme)) {
            continue;
        }
        ps_slice rest = {target->data + scheme.size, target->size - scheme.size};
        size_t size = 0;
        while (size < rest.size && rest.data[size] != '/' && rest.data[size] != '?') {
            size++;
        }
        if (!equal_no_case(ps_slice_of(rest.data, size), host)) {
            return ps_http_refusal_of(PS_HTTP_BAD_HOST);
        }
        *target = (ps_slice){rest.data + size, rest.size - size};
        return NULL;
    }
    return ps_http_refusal_of(PS_HTTP_BAD_TARGET);
}

static const ps_http_refusal *read_target(ps_http_head *head, ps_slice host)
{
    ps_slice target = head->path; /* all of it so far */
    if (!has_valid_escapes(target)) {
        return ps_http_refusal_of(PS_HTTP_BAD_TARGET);
    }
    if (ps_slice_equal(target, PS_SLICE("*"))) {
        return head->method == PS_HTTP_OPTIONS ? NULL : ps_http_refusal_of(PS_HTTP_BAD_TARGET);
    }
    if (target.data[0] != '/') {
        const ps_http_refusal *refusal = strip_authority(host, &target);
        if (refusal != NULL) {
            return refusal;
        }
    }
    const char *mark = target.size > 0 ? memchr(target.data, '?', target.size) : NULL;
    size_t path_size = mark != NULL ? (size_t)(mark - target.data) : target.size;
    head->path = path_size > 0 ? ps_slice_of(target.data, path_size) : PS_SLICE("/");
    if (mark != NULL) {
        head->query = ps_slice_of(mark + 1, target.size - path_size - 1);
    }
    return NULL;
}

static const ps_http_refusal *read_length(const ps_http_frame *frame, ps_http_head *head)
{
    ps_slice length;
    ps_slice coding;
    bool has_length = get_known(frame, head, PS_HTTP_CONTENT_LENGTH, &length);
    bool has_coding = get_known(frame, head, PS_HTTP_TRANSFER_ENCODING, &coding);
    if (has_coding &&
        (has_length || head->is_http_1_0 || !equal_no_case(coding, PS_SLICE("chunked")))) {
        return ps_http_refusal_of(PS_HTTP_BAD_TRANSFER_ENCODING);
    }
    head->chunked = has_coding;
    if (has_length && (!ps_parse_u64(length, &head->content_length) ||
                       head->content_length > (uint64_t)INT64_MAX)) {
        return ps_http_refusal_of(PS_HTTP_BAD_LENGTH);
    }
    return NULL;
}

static const ps_http_refusal *check_head(const ps_http_frame *frame, ps_http_head *head)
{
    const ps_http_refusal *refusal = index_fields(frame->head_bytes.data, head);
    if (refusal != NULL) {
        return refusal;
    }
    ps_slice host = {0};
    bool has_host = get_known(frame, head, PS_HTTP_HOST, &host);
    if ((has_host && !is_host(host)) || (!has_host && !head->is_http_1_0)) {
        return ps_http_refusal_of(PS_HTTP_BAD_HOST);
    }
    refusal = read_length(frame, head);
    if (refusal != NULL) {
        return refusal;
    }
    refusal = read_target(head, host);
    if (refusal != NULL) {
        return refusal;
    }
    ps_slice expectation;
    if (get_known(frame, head, PS_HTTP_EXPECT, &expectation)) {
        if (!equal_no_case(expectation, PS_SLICE("100-continue"))) {
            return ps_http_refusal_of(PS_HTTP_EXPECTATION_FAILED);
        }
        head->expects_continue = !head->is_http_1_0 && (head->chunked || head->content_length > 0);
    }
    return NULL;
}

static const ps_http_refusal *refusal_of_llhttp(llhttp_errno_t error)
{
    switch ((int)error) { /* the other codes are of one kind to us */
    case HPE_INVALID_CONTENT_LENGTH:
    case HPE_UNEXPECTED_CONTENT_LENGTH:
        return ps_http_refusal_of(PS_HTTP_BAD_LENGTH);
    case HPE_INVALID_TRANSFER_ENCODING:
        return ps_http_refusal_of(PS_HTTP_BAD_TRANSFER_ENCODING);
    case HPE_INVALID_HEADER_TOKEN:
        return ps_http_refusal_of(PS_HTTP_BAD_HEADER);
    case HPE_INVALID_URL:
        return ps_http_refusal_of(PS_HTTP_BAD_TARGET);
    case HPE_INVALID_CHUNK_SIZE:
        return ps_http_refusal_of(PS_HTTP_BAD_CHUNK);
    default:
        return ps_http_refusal_of(PS_HTTP_FRAMING_IN_DOUBT);
    }
}

/* Runs llhttp over bytes of the message; afterwards it must have come to their end. */
static const ps_http_refusal *run_llhttp(ps_http_frame *frame, ps_slice bytes)
{
    llhttp_errno_t error = llhttp_execute(&frame->parser, bytes.data, bytes.size);
    if (frame->body_refused) {
        return ps_http_refusal_of(PS_HTTP_OUT_OF_MEMORY);
    }
    if (error == HPE_PAUSED && frame->is_complete) {
        bool at_end = llhttp_get_error_pos(&frame->parser) == bytes.data + bytes.size;
        return at_end ? NULL : ps_http_refusal_of(PS_HTTP_FRAMING_IN_DOUBT);
    }
    return error == HPE_OK ? NULL : refusal_of_llhttp(error);
}

const ps_http_refusal *ps_http_frame_parse(ps_http_frame *frame, ps_slice bytes, ps_http_head *head)
{
    PS_ASSERT(ps_http_frame_has_head(frame) && bytes.size <= PS_HTTP_HEAD_SIZE_MAX);
    head->path = (ps_slice){0};
    head->query = (ps_slice){0};
    head->field_count = 0;
    head->chunked = false;
    head->expects_continue = false;
    head->content_length = 0;
    memset(head->known, 0, sizeof head->known);
    head->is_http_1_0 = frame->head_scan.version[7] == '0';
    const ps_http_refusal *refusal = find_method(bytes, head);
    if (refusal != NULL) {
        return refusal;
    }
    llhttp_init(&frame->parser, HTTP_REQUEST, &settings);
    frame->parser.data = frame;
    frame->head = head;
    frame->head_bytes = bytes;
    refusal = run_llhttp(frame, bytes);
    if (refusal == NULL) {
        refusal = check_head(frame, head);
    }
    frame->head = NULL;
    if (refusal != NULL) {
        return refusal;
    }
    bool has_body = head->chunked || head->content_length > 0;
    if (has_body == frame->is_complete || head->field_count != frame->head_scan.header_count) {
        return ps_http_refusal_of(PS_HTTP_FRAMING_IN_DOUBT);
    }
    frame->is_chunked = head->chunked;
    frame->body_left = head->content_length;
    frame->body_size_max = UINT64_MAX;
    return NULL;
}

/* ── body ── */

const ps_http_refusal *ps_http_frame_limit_body(ps_http_frame *frame, const ps_http_head *head,
                                                uint64_t body_size_max)
{
    if (head->content_length > body_size_max) {
        return ps_http_refusal_of(PS_HTTP_BODY_TOO_LARGE);
    }
    frame->body_size_max = body_size_max;
    return NULL;
}

bool ps_http_frame_is_complete(const ps_http_frame *frame)
{
    return frame->is_complete;
}

const ps_http_refusal *ps_http_frame_body(ps_http_frame *frame, ps_slice data,
                                          bool (*on_bytes)(void *, ps_slice), void *context,
                                          size_t *out_used)
{
    PS_ASSERT(!frame->is_complete);
    const ps_http_refusal *refusal = NULL;
    size_t used = 0;
    bool ends = false;
    if (frame->is_chunked) {
        refusal = ps_http_chunk_scan_feed(&frame->chunk_scan, frame->body_size_max, data, &used);
        ends = ps_http_chunks_are_done(&frame->chunk_scan);
    } else {
        used = frame->body_left < data.size ? (size_t)frame->body_left : data.size;
        frame->body_left -= used;
        ends = frame->body_left == 0;
    }
    *out_used = used;
    if (refusal != NULL) {
        return refusal;
    }
    frame->on_body = on_bytes;
    frame->context = context;
    refusal = run_llhttp(frame, ps_slice_of(data.data, used));
    if (refusal == NULL && ends != frame->is_complete) {
        refusal = ps_http_refusal_of(PS_HTTP_FRAMING_IN_DOUBT);
    }
    return refusal;
}
