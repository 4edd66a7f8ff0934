/* Authentication: from an Authorization header to a key's book and scopes (S-B1, S-B9).
 *
 * The text's own checksum is looked at first: typing errors cost no look-up. The key is found by
 * its public id in an immutable table, and HMAC-SHA-256(pepper, key) is compared in constant time.
 * The owner (core thread) publishes a new table when a key is made or revoked; a reader that
 * verified a key remembers it as long as the table is the same one, so that the HMAC is not paid
 * per request and a revocation counts for the next request.
 *
 * A table is freed when every reader has used a newer one. A reader is used by one thread.
 */
#ifndef PS_SERVE_AUTH_H
#define PS_SERVE_AUTH_H

#include "pay/api_key.h"
#include "pay/effect.h"

typedef struct {
    ps_u128 public_id;
    uint8_t hmac[PS_API_KEY_HMAC_SIZE];
    int64_t created_ns;
    int64_t expires_ns; /* 0: never */
    uint32_t number;
    uint32_t book;
    uint16_t scopes;
    bool live;
} ps_auth_key;

typedef enum {
    PS_AUTH_OK,
    PS_AUTH_MISSING,   /* no header, or not "Bearer …" */
    PS_AUTH_MALFORMED, /* not a key of ours: form or checksum */
    PS_AUTH_UNKNOWN,   /* no such key, or revoked, or another secret */
    PS_AUTH_EXPIRED
} ps_auth_outcome;

typedef struct ps_auth ps_auth;
typedef struct ps_auth_reader ps_auth_reader;

enum { PS_AUTH_READERS_MAX = 64 };

PS_CHECKED ps_code ps_auth_new(const uint8_t pepper[PS_PEPPER_SIZE], ps_auth **out_auth,
                               ps_error *err);
void ps_auth_free(ps_auth *auth); /* after its readers */

/* Owner. The keys at start (`count` ps_effect_key, of all tenants). */
PS_CHECKED ps_code ps_auth_load(ps_auth *auth, const ps_effect_key *keys, size_t count,
                                ps_error *err);
/* Owner. A key was made, or revoked. */
PS_CHECKED ps_code ps_auth_apply(ps_auth *auth, const ps_effect_key *key, ps_error *err);

/* Readers are made and freed while no other thread uses `auth`. */
PS_CHECKED ps_code ps_auth_reader_new(ps_auth *auth, ps_auth_reader **out_reader, ps_error *err);
void ps_auth_reader_free(ps_auth_reader *reader);
/* `header`: the value of Authorization. now_ns: wall clock, for expiry. */
ps_auth_outcome ps_auth_check(ps_auth_reader *reader, ps_slice header, int64_t now_ns,
                              ps_auth_key *out_key);
/* The key's text of such a header; empty when there is none. */
ps_slice ps_auth_bearer(ps_slice header);
/* Now and then, so that an idle reader does not keep old tables. */
void ps_auth_reader_refresh(ps_auth_reader *reader);
/* By number, for the audit log. False: not there (any more). */
PS_CHECKED bool ps_auth_find_number(ps_auth_reader *reader, uint32_t number, ps_auth_key *out_key);

#endif
