#include "pay/api_key.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { PREFIX_SIZE = 8, SECRET_CHARS = 32, CHECK_CHARS = 6 };

static const char base32[] = "0123456789abcdefghjkmnpqrstvwxyz";
static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* CRC-32 of ISO-HDLC (reflected 0xEDB88320), the one that secret scanners compute. */
static uint32_t key_crc32(const char *text, size_t size)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= (uint8_t)text[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? UINT32_C(0xEDB88320) : 0);
        }
    }
    return ~crc;
}

static void key_check(const char *text, char out[CHECK_CHARS])
{
    uint32_t crc = key_crc32(text, PS_API_KEY_SIZE - CHECK_CHARS);
    for (int i = CHECK_CHARS - 1; i >= 0; i--) {
        out[i] = base62[crc % 62];
        crc /= 62;
    }
}

void ps_api_key_hmac(const uint8_t pepper[PS_PEPPER_SIZE], ps_slice text,
                     uint8_t out_hmac[PS_API_KEY_HMAC_SIZE])
{
    unsigned int size = 0;
    const unsigned char *done = HMAC(EVP_sha256(), pepper, PS_PEPPER_SIZE,
                                     (const unsigned char *)text.data, text.size, out_hmac, &size);
    PS_ASSERT(done != NULL);
    PS_ASSERT(size == PS_API_KEY_HMAC_SIZE);
}

void ps_api_key_make(ps_io *io, const uint8_t pepper[PS_PEPPER_SIZE], bool live,
                     ps_api_key *out_key)
{
    uint8_t secret[SECRET_CHARS];
    char *at = out_key->text;
    memcpy(at, live ? "ps_live_" : "ps_test_", PREFIX_SIZE);
    at += PREFIX_SIZE;
    ps_io_random(io, &out_key->public_id, sizeof out_key->public_id);
    ps_id128_format(out_key->public_id, at);
    at += PS_ID128_CHARS;
    ps_io_random(io, secret, sizeof secret);
    for (int i = 0; i < SECRET_CHARS; i++) {
        at[i] = base32[secret[i] & 31];
    }
    at += SECRET_CHARS;
    key_check(out_key->text, at);
    out_key->text[PS_API_KEY_SIZE] = '\0';
    ps_api_key_hmac(pepper, ps_slice_of(out_key->text, PS_API_KEY_SIZE), out_key->hmac);
}

bool ps_api_key_parse(ps_slice text, bool *out_live, ps_u128 *out_public_id)
{
    if (text.size != PS_API_KEY_SIZE) {
        return false;
    }
    bool live = ps_slice_has_prefix(text, PS_SLICE("ps_live_"));
    if (!live && !ps_slice_has_prefix(text, PS_SLICE("ps_test_"))) {
        return false;
    }
    char check[CHECK_CHARS];
    key_check(text.data, check);
    if (memcmp(check, text.data + PS_API_KEY_SIZE - CHECK_CHARS, CHECK_CHARS) != 0) {
        return false;
    }
    ps_u128 public_id;
    if (!ps_id128_parse(ps_slice_of(text.data + PREFIX_SIZE, PS_ID128_CHARS), &public_id)) {
        return false;
    }
    *out_live = live;
    *out_public_id = public_id;
    return true;
}
