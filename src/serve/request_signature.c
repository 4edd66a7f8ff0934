#include "serve/request_signature.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { DIGEST_SIZE = 32, NONCE_MIN = 16, NONCE_MAX = 64, TIMESTAMP_MAX = 12 };

static bool is_hex(ps_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            return false;
        }
    }
    return true;
}

static bool is_nonce(ps_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && c != '-' && c != '_') {
            return false;
        }
    }
    return text.size >= NONCE_MIN && text.size <= NONCE_MAX;
}

ps_signature_outcome ps_signature_headers_check(const ps_signature_headers *headers, int64_t now_s)
{
    uint64_t signed_s;
    if (headers->signature.size == 0 || headers->timestamp.size == 0 || headers->nonce.size == 0) {
        return PS_SIGNATURE_MISSING;
    }
    if (headers->signature.size != PS_SIGNATURE_TEXT || !is_hex(headers->signature) ||
        !is_nonce(headers->nonce) || headers->timestamp.size > TIMESTAMP_MAX ||
        !ps_parse_u64(headers->timestamp, &signed_s)) {
        return PS_SIGNATURE_MALFORMED;
    }
    int64_t age_s = now_s - (int64_t)signed_s;
    bool is_fresh = age_s >= -PS_SIGNATURE_TOLERANCE_S && age_s <= PS_SIGNATURE_TOLERANCE_S;
    return is_fresh ? PS_SIGNATURE_OK : PS_SIGNATURE_STALE;
}

/* ── the text, as it goes into the HMAC ── */

static void key_derive(ps_slice api_key, uint8_t out_key[DIGEST_SIZE])
{
    static const char label[] = "paystream request signature 1";
    unsigned int size = 0;
    const unsigned char *done =
        HMAC(EVP_sha256(), api_key.data, (int)api_key.size, (const unsigned char *)label,
             sizeof label - 1, out_key, &size);
    PS_ASSERT(done != NULL && size == DIGEST_SIZE);
}

static void text_put(ps_buf *text, ps_slice part)
{
    ps_buf_append_slice(text, part);
    ps_buf_append_char(text, '\n');
}

static void text_make(const ps_signed_request *request, ps_buf *text)
{
    uint8_t digest[DIGEST_SIZE];
    char digest_text[2 * DIGEST_SIZE];
    unsigned int size = 0;
    int done =
        EVP_Digest(request->body.data, request->body.size, digest, &size, EVP_sha256(), NULL);
    PS_ASSERT(done == 1 && size == DIGEST_SIZE);
    ps_hex_encode(digest, DIGEST_SIZE, digest_text);
    text_put(text, request->method);
    text_put(text, request->path);
    text_put(text, request->query);
    text_put(text, request->idempotency_key);
    text_put(text, ps_slice_of(digest_text, sizeof digest_text));
    text_put(text, request->headers.timestamp);
    ps_buf_append_slice(text, request->headers.nonce);
}

void ps_signature_make(ps_slice api_key, const ps_signed_request *request,
                       char out_signature[PS_SIGNATURE_TEXT])
{
    uint8_t key[DIGEST_SIZE];
    uint8_t mac[DIGEST_SIZE];
    unsigned int size = 0;
    ps_buf text;
    ps_buf_init(&text, SIZE_MAX / 2);
    text_make(request, &text);
    key_derive(api_key, key);
    PS_ASSERT(!text.failed); /* a head is bounded */
    const unsigned char *done = HMAC(EVP_sha256(), key, DIGEST_SIZE,
                                     (const unsigned char *)text.data, text.size, mac, &size);
    PS_ASSERT(done != NULL && size == DIGEST_SIZE);
    ps_hex_encode(mac, DIGEST_SIZE, out_signature);
    OPENSSL_cleanse(key, sizeof key);
    ps_buf_release(&text);
}

bool ps_signature_is_right(ps_slice api_key, const ps_signed_request *request)
{
    char expected[PS_SIGNATURE_TEXT];
    PS_ASSERT(request->headers.signature.size == PS_SIGNATURE_TEXT);
    ps_signature_make(api_key, request, expected);
    return CRYPTO_memcmp(expected, request->headers.signature.data, PS_SIGNATURE_TEXT) == 0;
}

ps_u128 ps_signature_nonce(const ps_hash_secret *secret, uint32_t key_number, ps_slice nonce)
{
    char bytes[sizeof key_number + NONCE_MAX];
    PS_ASSERT(nonce.size <= NONCE_MAX);
    ps_put_u32(bytes, key_number);
    memcpy(bytes + sizeof key_number, nonce.data, nonce.size);
    return ps_hash_keyed(secret, bytes, sizeof key_number + nonce.size);
}

/* ── answers ── */

ps_api_error ps_signature_error(ps_signature_outcome outcome)
{
    static const char type[] = "authentication_error";
    ps_api_error error = {0};
    switch (outcome) {
    case PS_SIGNATURE_MISSING:
        return ps_api_error_of(401, type, "signature_missing",
                               "Requests are signed here: send Paystream-Timestamp, "
                               "Paystream-Nonce and Paystream-Signature.");
    case PS_SIGNATURE_MALFORMED:
        return ps_api_error_of(401, type, "signature_malformed",
                               "A header of the signature has another form: seconds since 1970; "
                               "16 to 64 letters, digits, - or _; 64 hexadecimal digits.");
    case PS_SIGNATURE_STALE:
        return ps_api_error_of(401, type, "signature_stale",
                               "The timestamp is more than 300 seconds away from the server's "
                               "clock. Sign anew, and check your clock.");
    case PS_SIGNATURE_WRONG:
        return ps_api_error_of(401, type, "signature_wrong",
                               "The signature is not that of this request and key.");
    case PS_SIGNATURE_REPLAYED:
        return ps_api_error_of(401, type, "signature_replayed",
                               "This nonce was used before. Sign anew with another one.");
    case PS_SIGNATURE_UNAVAILABLE:
        error = ps_api_error_of(503, "api_error", "signature_unavailable",
                                "Nonces cannot be kept now. Sign anew and try again.");
        error.retry_after_s = 5;
        return error;
    case PS_SIGNATURE_OK:
        break;
    }
    PS_ASSERT(false);
    return error;
}
