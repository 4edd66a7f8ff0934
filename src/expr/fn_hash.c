/* Digests, base 64, URLs, UUID. */
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "expr/kernel.h"

/* ── digests ── */

static const char *digest_name(const char *function, int64_t bits)
{
    static const struct {
        const char *function, *digest;
        int64_t bits;
    } names[] = {{"MD5", "MD5", 0},         {"SHA1", "SHA1", 0},       {"SHA224", "SHA224", 224},
                 {"SHA256", "SHA256", 256}, {"SHA384", "SHA384", 384}, {"SHA512", "SHA512", 512}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(function, "SHA2") == 0 ? names[i].bits == bits && bits != 0
                                          : strcmp(function, names[i].function) == 0) {
            return names[i].digest;
        }
    }
    return NULL;
}

static ps_code put_digest(ps_call *call, ps_slice text, const EVP_MD *digest, ps_value *out)
{
    uint8_t bytes[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (digest == NULL ||
        EVP_Digest(text.size > 0 ? text.data : "", text.size, bytes, &size, digest, NULL) != 1) {
        return ps_error_set(call->run->err, PS_E_UNSUPPORTED, "%s: the system lacks this digest",
                            call->step->function->entry.name);
    }
    char *hex = ps_call_take(call, 2 * (size_t)size);
    if (hex == NULL) {
        return PS_E_LIMIT;
    }
    ps_hex_encode(bytes, size, hex);
    out->text = ps_slice_of(hex, 2 * (size_t)size);
    return PS_OK;
}

static void release_digest(void *state)
{
    EVP_MD_free(state);
}

static ps_code prepare_digest(ps_preparation *p)
{
    p->step->state = EVP_MD_fetch(NULL, digest_name(p->step->function->entry.name, 0), NULL);
    p->step->release = release_digest;
    return PS_OK;
}

static ps_code row_digest(ps_call *call, const ps_value *arguments, ps_value *out)
{
    return put_digest(call, arguments[0].text, call->step->state, out);
}

static ps_code row_sha2(ps_call *call, const ps_value *arguments, ps_value *out)
{
    const char *name = digest_name("SHA2", arguments[1].i64);
    if (name == NULL) {
        return ps_error_set(call->run->err, PS_E_INVALID,
                            "SHA2: %lld bits are not one of 224, 256, 384, 512",
                            (long long)arguments[1].i64);
    }
    EVP_MD *digest = EVP_MD_fetch(NULL, name, NULL);
    ps_code code = put_digest(call, arguments[0].text, digest, out);
    EVP_MD_free(digest);
    return code;
}

static ps_code resolve_digest(ps_resolution *r)
{
    static const struct {
        const char *name;
        int32_t length;
    } lengths[] = {{"MD5", 32},    {"SHA1", 40},   {"SHA224", 56},
                   {"SHA256", 64}, {"SHA384", 96}, {"SHA512", 128}};
    if (r->count != 1) {
        return ps_resolution_mismatch(r);
    }
    if (r->arguments[0]->type->kind == PS_TYPE_NULL) {
        ps_code code = ps_resolution_coerce(r, 0, &ps_type_string);
        if (code != PS_OK) {
            return code;
        }
    }
    if (!ps_type_is_text(r->arguments[0]->type)) {
        return ps_resolution_mismatch(r);
    }
    int32_t length = 0;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        length = strcmp(lengths[i].name, r->function->entry.name) == 0 ? lengths[i].length : length;
    }
    return ps_resolution_type(
        r, ps_type_sized(r->context->arena, PS_TYPE_CHAR, length, r->arguments[0]->type->nullable));
}

static ps_code resolve_sha2(ps_resolution *r)
{
    bool takes = r->count == 2 && ps_type_is_text(r->arguments[0]->type) &&
                 ps_type_is_integer(r->arguments[1]->type);
    if (!takes) {
        return ps_resolution_mismatch(r);
    }
    return ps_resolution_type(
        r, ps_type_sized(r->context->arena, PS_TYPE_VARCHAR, 128, ps_resolution_any_nullable(r)));
}

/* ── base 64 (RFC 4648) ── */

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static ps_code row_to_base64(ps_call *call, const ps_value *arguments, ps_value *out)
{
    ps_slice text = arguments[0].text;
    size_t size = (text.size + 2) / 3 * 4;
    char *data = ps_call_take(call, size);
    if (data == NULL) {
        return PS_E_LIMIT;
    }
    for (size_t i = 0, at = 0; i < text.size; i += 3, at += 4) {
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++) {
            bits = bits << 8 | (i + k < text.size ? (uint8_t)text.data[i + k] : 0);
        }
        for (size_t k = 0; k < 4; k++) {
            data[at + k] = i + k > text.size ? '=' : base64_digits[bits >> (18 - 6 * k) & 63];
        }
    }
    out->text = ps_slice_of(data, size);
    return PS_OK;
}

static ps_code row_from_base64(ps_call *call, const ps_value *arguments, ps_value *out)
{
    ps_slice text = arguments[0].text;
    while (text.size > 0 && text.size % 4 != 1 && text.data[text.size - 1] == '=') {
        text.size--;
    }
    char *data = ps_call_take(call, text.size / 4 * 3 + 2);
    if (data == NULL) {
        return PS_E_LIMIT;
    }
    uint32_t bits = 0;
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        const char *digit = text.data[i] != '\0' ? strchr(base64_digits, text.data[i]) : NULL;
        if (digit == NULL || text.size % 4 == 1) {
            return ps_call_refuse(call, arguments[0].text, "is not base 64");
        }
        bits = bits << 6 | (uint32_t)(digit - base64_digits);
        if (i % 4 > 0) {
            data[size++] = (char)(bits >> (6 - 2 * (i % 4)));
        }
    }
    out->text = ps_slice_of(data, size);
    return PS_OK;
}

/* ── URLs ── */

typedef struct {
    ps_slice protocol, authority, userinfo, host, path, query, reference, file;
} url_parts;

static const ps_slice absent = {NULL, 0};

/* Cuts `text` at the first of `marks`; *out_rest: from the mark on. */
static ps_slice cut(ps_slice text, const char *marks, ps_slice *out_rest)
{
    size_t at = 0;
    while (at < text.size && strchr(marks, text.data[at]) == NULL) {
        at++;
    }
    *out_rest = ps_slice_of(text.data + at, text.size - at);
    return ps_slice_of(text.data, at);
}

static ps_slice behind_mark(ps_slice text)
{
    return text.size > 0 ? ps_slice_of(text.data + 1, text.size - 1) : absent;
}

/* protocol://[userinfo@]host[:port][/path][?query][#reference], as java.net.URL takes it apart. */
static bool parse_url(ps_slice text, url_parts *out)
{
    const char *mark = text.size > 0 ? memmem(text.data, text.size, "://", 3) : NULL;
    if (mark == NULL || mark == text.data) {
        return false;
    }
    out->protocol = ps_slice_of(text.data, (size_t)(mark - text.data));
    ps_slice rest = ps_slice_of(mark + 3, text.size - out->protocol.size - 3), tail;
    out->authority = cut(rest, "/?#", &rest);
    ps_slice before_hash = cut(rest, "#", &tail);
    out->reference = behind_mark(tail);
    out->file = before_hash;
    out->path = cut(before_hash, "?", &tail);
    out->query = behind_mark(tail);
    out->host = out->authority;
    out->userinfo = absent;
    const char *at =
        out->authority.size > 0 ? memrchr(out->authority.data, '@', out->authority.size) : NULL;
    if (at != NULL) {
        out->userinfo = ps_slice_of(out->authority.data, (size_t)(at - out->authority.data));
        out->host = ps_slice_of(at + 1, out->authority.size - out->userinfo.size - 1);
    }
    out->host = cut(out->host, ":", &tail);
    return true;
}

static ps_slice url_part(const url_parts *url, ps_slice name)
{
    const struct {
        const char *name;
        ps_slice value;
    } parts[] = {{"HOST", url->host},           {"PATH", url->path},         {"QUERY", url->query},
                 {"REF", url->reference},       {"PROTOCOL", url->protocol}, {"FILE", url->file},
                 {"AUTHORITY", url->authority}, {"USERINFO", url->userinfo}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (ps_slice_equal(name, ps_slice_text(parts[i].name))) {
            return parts[i].value;
        }
    }
    return absent;
}

static ps_slice query_value(ps_slice query, ps_slice key)
{
    while (query.size > 0) {
        ps_slice rest, value;
        ps_slice pair = cut(query, "&", &rest);
        ps_slice name = cut(pair, "=", &value);
        if (value.size > 0 && ps_slice_equal(name, key)) {
            return behind_mark(value);
        }
        query = behind_mark(rest);
    }
    return absent;
}

static ps_code row_parse_url(ps_call *call, const ps_value *arguments, ps_value *out)
{
    url_parts url = {0};
    bool has_key = call->step->argument_count > 2;
    out->is_null = true;
    if (!parse_url(arguments[0].text, &url)) {
        return PS_OK;
    }
    if (has_key && !ps_slice_equal(arguments[1].text, PS_SLICE("QUERY"))) {
        return PS_OK;
    }
    ps_slice part = url_part(&url, arguments[1].text);
    part = has_key ? query_value(part, arguments[2].text) : part;
    out->is_null = part.data == NULL;
    out->text = part.data == NULL ? PS_SLICE("") : part;
    return PS_OK;
}

/* ── UUID ── */

static ps_code row_uuid(ps_call *call, const ps_value *arguments, ps_value *out)
{
    uint8_t bytes[16];
    char hex[32];
    (void)arguments;
    if (RAND_bytes(bytes, sizeof bytes) != 1) {
        return ps_error_set(call->run->err, PS_E_IO, "UUID: the system has no random bytes");
    }
    bytes[6] = (uint8_t)((bytes[6] & 0x0F) | 0x40); /* RFC 4122: version 4, */
    bytes[8] = (uint8_t)((bytes[8] & 0x3F) | 0x80); /* variant 1 */
    ps_hex_encode(bytes, sizeof bytes, hex);
    ps_buf_append_format(ps_call_scratch(call), "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
                         hex + 16, hex + 20);
    return ps_call_finish(call, out);
}

static ps_code resolve_uuid(ps_resolution *r)
{
    if (r->count != 0) {
        return ps_resolution_mismatch(r);
    }
    return ps_resolution_type(r, ps_type_sized(r->context->arena, PS_TYPE_CHAR, 36, false));
}

#define DIGEST(NAME, TEXT)                                                                         \
    {                                                                                              \
        .entry = {NAME, NAME "(STRING) → STRING", TEXT, "Digests and codes", true},                \
        .resolve = resolve_digest, .row = row_digest, .prepare = prepare_digest,                   \
        .flags = PS_IS_COSTLY | PS_CAN_FAIL                                                        \
    }
#define CODE(NAME, SIGNATURE, TEXT) .entry = {NAME, SIGNATURE, TEXT, "Digests and codes", true}

static const ps_function functions[] = {
    DIGEST("MD5", "The MD5 digest in 32 hexadecimal digits."),
    DIGEST("SHA1", "The SHA-1 digest in 40 hexadecimal digits."),
    DIGEST("SHA224", "The SHA-224 digest in 56 hexadecimal digits."),
    DIGEST("SHA256", "The SHA-256 digest in 64 hexadecimal digits."),
    DIGEST("SHA384", "The SHA-384 digest in 96 hexadecimal digits."),
    DIGEST("SHA512", "The SHA-512 digest in 128 hexadecimal digits."),
    {CODE("SHA2", "SHA2(STRING, INT bits) → STRING",
          "The SHA-2 digest of 224, 256, 384 or 512 "
          "bits in hexadecimal digits."),
     .resolve = resolve_sha2, .row = row_sha2, .flags = PS_IS_COSTLY | PS_CAN_FAIL},
    {CODE("TO_BASE64", "TO_BASE64(STRING) → STRING", "The bytes in base 64."), .pattern = "s>s",
     .row = row_to_base64, .flags = PS_CAN_FAIL},
    {CODE("FROM_BASE64", "FROM_BASE64(STRING) → STRING",
          "What was put into base 64; anything else is an error."),
     .pattern = "s>s", .row = row_from_base64, .flags = PS_CAN_FAIL},
    {CODE("PARSE_URL", "PARSE_URL(STRING, STRING part[, STRING key]) → STRING",
          "HOST, PATH, QUERY, REF, PROTOCOL, AUTHORITY, FILE or USERINFO of a URL, or a value of "
          "its query; NULL when there is none."),
     .pattern = "ss>s?|sss>s?", .row = row_parse_url, .flags = PS_IS_COSTLY},
    {.entry = {"UUID", "UUID() → STRING", "A random UUID of version 4, another for every row.",
               "Digests and codes", false},
     .resolve = resolve_uuid,
     .row = row_uuid,
     .flags = PS_IS_UNIQUE | PS_CAN_FAIL},
};

const ps_function_family ps_family_hash = {functions, sizeof functions / sizeof functions[0]};
