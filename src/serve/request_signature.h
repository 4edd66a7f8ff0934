/* Signed requests (S-B3): with `http.require_signature` each request that needs a key carries
 *
 *   Paystream-Timestamp: 1767225600       seconds since 1970, within 300 of the server's clock
 *   Paystream-Nonce: 9f86d081884c7d65…    16 to 64 of A–Z a–z 0–9 - _, new for each request
 *   Paystream-Signature: 64 hex digits
 *
 *   signature = HMAC-SHA-256(signing key, text), in lower case
 *   signing key = HMAC-SHA-256(API key, "paystream request signature 1")
 *   text = method \n path \n query \n idempotency key \n SHA-256(body) in hex \n timestamp \n nonce
 *
 * method, path and query are what the request line says, byte for byte, the query without its '?'.
 * Nothing between the newlines can hold one, so no two requests have the same text.
 *
 * It binds what was asked, when, and once: a request that was altered or recorded on its way is
 * refused. It does not hide the API key, which travels in Authorization; TLS does.
 */
#ifndef PS_SERVE_REQUEST_SIGNATURE_H
#define PS_SERVE_REQUEST_SIGNATURE_H

#include "base/hash.h"
#include "serve/api.h"

enum { PS_SIGNATURE_TOLERANCE_S = 300, PS_SIGNATURE_TEXT = 64 };

/* Values of the three headers; empty when they are absent. */
typedef struct {
    ps_slice signature, timestamp, nonce;
} ps_signature_headers;

typedef struct {
    ps_slice method, path, query;
    ps_slice idempotency_key; /* empty: none */
    ps_slice body;
    ps_signature_headers headers;
} ps_signed_request;

typedef enum {
    PS_SIGNATURE_OK,
    PS_SIGNATURE_MISSING,    /* a header is */
    PS_SIGNATURE_MALFORMED,  /* one has another form */
    PS_SIGNATURE_STALE,      /* too old, or too far in the future */
    PS_SIGNATURE_WRONG,      /* another request, or another key */
    PS_SIGNATURE_REPLAYED,   /* the nonce was used */
    PS_SIGNATURE_UNAVAILABLE /* nonces cannot be kept now */
} ps_signature_outcome;

/* What needs no body: OK, MISSING, MALFORMED or STALE. */
ps_signature_outcome ps_signature_headers_check(const ps_signature_headers *headers, int64_t now_s);
/* The signature that this request should have with this API key; `signature` is not looked at. */
void ps_signature_make(ps_slice api_key, const ps_signed_request *request,
                       char out_signature[PS_SIGNATURE_TEXT]);
/* In constant time. */
bool ps_signature_is_right(ps_slice api_key, const ps_signed_request *request);
/* What the nonce log keeps of a nonce of one key. */
ps_u128 ps_signature_nonce(const ps_hash_secret *secret, uint32_t key_number, ps_slice nonce);
/* The answer; not for OK. */
ps_api_error ps_signature_error(ps_signature_outcome outcome);

#endif
