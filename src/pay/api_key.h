/* API keys: ps_test_ or ps_live_, then 26 characters of public id, 32 of secret (160 random bits),
 * and 6 of CRC-32 over all before it, in base 62: typing errors and secret scanners are answered
 * without a server (S-B1). Only HMAC-SHA-256(pepper, whole key) is stored.
 */
#ifndef PS_PAY_API_KEY_H
#define PS_PAY_API_KEY_H

#include "base/io.h"

enum {
    PS_API_KEY_SIZE = 72,     /* characters of every key */
    PS_API_KEY_TEXT_MAX = 73, /* with the terminating zero */
    PS_API_KEY_HMAC_SIZE = 32,
    PS_PEPPER_SIZE = 32
};

typedef struct {
    char text[PS_API_KEY_TEXT_MAX]; /* shown once, never stored */
    ps_u128 public_id;
    uint8_t hmac[PS_API_KEY_HMAC_SIZE];
} ps_api_key;

void ps_api_key_make(ps_io *io, const uint8_t pepper[PS_PEPPER_SIZE], bool live,
                     ps_api_key *out_key);

/* Form and checksum only. False: not a key of ours. */
PS_CHECKED bool ps_api_key_parse(ps_slice text, bool *out_live, ps_u128 *out_public_id);

void ps_api_key_hmac(const uint8_t pepper[PS_PEPPER_SIZE], ps_slice text,
                     uint8_t out_hmac[PS_API_KEY_HMAC_SIZE]);

#endif
