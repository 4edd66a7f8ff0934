/* A second reader of HTTP/1.1 requests, for the differential test (S-A6). Written from RFC 9112 and
 * the rules of FAULTS §5 alone, as one pass over a complete buffer with a cursor, sharing nothing
 * with src/serve: where both accept, both must see the same request. Included, not linked. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef enum { STRICT_ACCEPTED, STRICT_REFUSED, STRICT_INCOMPLETE } strict_result;

typedef struct {
    size_t size;      /* bytes of the whole request */
    size_t head_size; /* of its head */
    char method[16];
    size_t target_at, target_size;
    bool keep_alive;
    size_t body_size;
    char body[70000]; /* decoded */
} strict_request;

typedef struct {
    const char *data;
    size_t size, at;
} strict_cursor;

static bool strict_is_token(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* The line at the cursor, without its CR LF. INCOMPLETE when its end has not come. */
static strict_result strict_line(strict_cursor *in, const char **out_line, size_t *out_size)
{
    size_t start = in->at;
    for (size_t i = start; i < in->size; i++) {
        if (in->data[i] == '\n') {
            return STRICT_REFUSED; /* every LF stands behind a CR, which is met first */
        }
        if (in->data[i] != '\r') {
            continue;
        }
        if (i + 1 == in->size) {
            return STRICT_INCOMPLETE;
        }
        if (in->data[i + 1] != '\n') {
            return STRICT_REFUSED;
        }
        *out_line = in->data + start;
        *out_size = i - start;
        in->at = i + 2;
        return STRICT_ACCEPTED;
    }
    return STRICT_INCOMPLETE;
}

static bool strict_same(const char *a, size_t size, const char *lower)
{
    if (size != strlen(lower)) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        char c = a[i] >= 'A' && a[i] <= 'Z' ? (char)(a[i] + 32) : a[i];
        if (c != lower[i]) {
            return false;
        }
    }
    return true;
}

typedef struct {
    unsigned hosts, lengths, codings;
    uint64_t length;
    bool is_1_0, closes, keeps;
} strict_fields;

static bool strict_request_line(strict_cursor *in, const char *line, size_t size,
                                strict_request *out, strict_fields *fields)
{
    size_t method = 0;
    while (method < size && strict_is_token((unsigned char)line[method])) {
        method++;
    }
    if (method == 0 || method >= sizeof out->method || method >= size || line[method] != ' ') {
        return false;
    }
    memcpy(out->method, line, method);
    out->method[method] = '\0';
    size_t end = method + 1;
    while (end < size && line[end] != ' ') {
        unsigned char c = (unsigned char)line[end];
        if (c < 0x21 || c > 0x7e) {
            return false;
        }
        end++;
    }
    out->target_at = (size_t)(line - in->data) + method + 1;
    out->target_size = end - method - 1;
    if (out->target_size == 0 || size - end != 9 || memcmp(line + end, " HTTP/1.", 8) != 0) {
        return false;
    }
    fields->is_1_0 = line[end + 8] == '0';
    return line[end + 8] == '0' || line[end + 8] == '1';
}

static bool strict_length(const char *value, size_t size, uint64_t *out)
{
    if (size == 0 || size > 18 || (size > 1 && value[0] == '0')) {
        return false;
    }
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++) {
        if (value[i] < '0' || value[i] > '9') {
            return false;
        }
        number = number * 10 + (uint64_t)(value[i] - '0');
    }
    *out = number;
    return true;
}

static void strict_connection(const char *value, size_t size, strict_fields *fields)
{
    size_t at = 0;
    while (at < size) {
        while (at < size && (value[at] == ' ' || value[at] == '\t' || value[at] == ',')) {
            at++;
        }
        size_t end = at;
        while (end < size && value[end] != ',') {
            end++;
        }
        size_t last = end;
        while (last > at && (value[last - 1] == ' ' || value[last - 1] == '\t')) {
            last--;
        }
        fields->closes = fields->closes || strict_same(value + at, last - at, "close");
        fields->keeps = fields->keeps || strict_same(value + at, last - at, "keep-alive");
        at = end;
    }
}

static bool strict_field(const char *line, size_t size, strict_fields *fields)
{
    size_t name = 0;
    while (name < size && strict_is_token((unsigned char)line[name])) {
        name++;
    }
    if (name == 0 || name == size || line[name] != ':') {
        return false;
    }
    for (size_t i = name + 1; i < size; i++) {
        unsigned char c = (unsigned char)line[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    const char *value = line + name + 1;
    size_t value_size = size - name - 1;
    while (value_size > 0 && (*value == ' ' || *value == '\t')) {
        value++;
        value_size--;
    }
    while (value_size > 0 && (value[value_size - 1] == ' ' || value[value_size - 1] == '\t')) {
        value_size--;
    }
    if (strict_same(line, name, "host")) {
        fields->hosts++;
        return value_size > 0;
    }
    if (strict_same(line, name, "content-length")) {
        fields->lengths++;
        return strict_length(value, value_size, &fields->length);
    }
    if (strict_same(line, name, "transfer-encoding")) {
        fields->codings++;
        return strict_same(value, value_size, "chunked");
    }
    if (strict_same(line, name, "connection")) {
        strict_connection(value, value_size, fields);
    }
    return true;
}

static strict_result strict_chunks(strict_cursor *in, strict_request *out)
{
    for (;;) {
        const char *line = NULL;
        size_t digits = 0;
        strict_result result = strict_line(in, &line, &digits);
        if (result != STRICT_ACCEPTED) {
            return result;
        }
        if (digits == 0 || digits > 15) {
            return STRICT_REFUSED;
        }
        uint64_t size = 0;
        for (size_t i = 0; i < digits; i++) {
            const char *hex = "0123456789abcdef";
            char c = line[i] >= 'A' && line[i] <= 'F' ? (char)(line[i] + 32) : line[i];
            const char *found = c != '\0' ? strchr(hex, c) : NULL;
            if (found == NULL) {
                return STRICT_REFUSED;
            }
            size = size * 16 + (uint64_t)(found - hex);
        }
        if (size > sizeof out->body - out->body_size) {
            return STRICT_REFUSED;
        }
        if (in->size - in->at < size) {
            return STRICT_INCOMPLETE;
        }
        memcpy(out->body + out->body_size, in->data + in->at, size);
        out->body_size += size;
        in->at += size;
        size_t rest = 0;
        result = strict_line(in, &line, &rest);
        if (result != STRICT_ACCEPTED || rest != 0) {
            return result == STRICT_ACCEPTED ? STRICT_REFUSED : result;
        }
        if (size == 0) {
            return STRICT_ACCEPTED; /* no trailers */
        }
    }
}

static strict_result strict_body(strict_cursor *in, const strict_fields *fields,
                                 strict_request *out)
{
    if (fields->codings > 0) {
        return strict_chunks(in, out);
    }
    if (fields->length > sizeof out->body) {
        return STRICT_REFUSED;
    }
    if (in->size - in->at < fields->length) {
        return STRICT_INCOMPLETE;
    }
    memcpy(out->body, in->data + in->at, fields->length);
    out->body_size = fields->length;
    in->at += fields->length;
    return STRICT_ACCEPTED;
}

/* Reads one request from the start of data. */
static strict_result strict_read(const char *data, size_t size, strict_request *out)
{
    strict_cursor in = {data, size, 0};
    strict_fields fields = {0};
    out->body_size = 0;
    const char *line = NULL;
    size_t line_size = 0;
    strict_result result = strict_line(&in, &line, &line_size);
    if (result == STRICT_ACCEPTED && line_size == 0) {
        result = strict_line(&in, &line, &line_size); /* one empty line may come before */
    }
    if (result != STRICT_ACCEPTED) {
        return result;
    }
    if (!strict_request_line(&in, line, line_size, out, &fields)) {
        return STRICT_REFUSED;
    }
    for (;;) {
        result = strict_line(&in, &line, &line_size);
        if (result != STRICT_ACCEPTED) {
            return result;
        }
        if (line_size == 0) {
            break;
        }
        if (!strict_field(line, line_size, &fields)) {
            return STRICT_REFUSED;
        }
    }
    bool bad_host = fields.hosts > 1 || (fields.hosts == 0 && !fields.is_1_0);
    bool bad_coding =
        fields.codings > 1 || (fields.codings == 1 && (fields.lengths > 0 || fields.is_1_0));
    if (bad_host || bad_coding || fields.lengths > 1) {
        return STRICT_REFUSED;
    }
    out->keep_alive = !fields.closes && (!fields.is_1_0 || fields.keeps);
    out->head_size = in.at;
    result = strict_body(&in, &fields, out);
    out->size = in.at;
    return result;
}
