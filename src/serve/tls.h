/* TLS for the network loops, by OpenSSL: 1.2 and 1.3, AEAD suites with forward secrecy only, no
 * renegotiation, no compression (FAULTS S-A8). Session tickets are OpenSSL's, in-process keys.
 *
 * A ps_tls_context is made at start and shared by the loops (OpenSSL counts its references with
 * atomics); a ps_tls belongs to one connection on one thread. Sockets are non-blocking.
 */
#ifndef PS_SERVE_TLS_H
#define PS_SERVE_TLS_H

#include "base/bytes.h"

typedef struct ps_tls_context ps_tls_context;
typedef struct ps_tls ps_tls;

/* PEM files: certificate with its chain, and private key. PS_E_INVALID when they cannot be read or
 * do not belong together. */
PS_CHECKED ps_code ps_tls_context_open(const char *cert_path, const char *key_path,
                                       ps_tls_context **out_context, ps_error *err);
void ps_tls_context_close(ps_tls_context *context); /* NULL is fine */

/* The server's side of one connection; NULL without memory. fd stays the caller's. */
ps_tls *ps_tls_new(ps_tls_context *context, int fd);
void ps_tls_free(ps_tls *tls); /* NULL is fine */

/* How a step ended, when it moved no bytes. */
typedef enum { PS_TLS_DONE, PS_TLS_WAITS, PS_TLS_EOF, PS_TLS_FAILED } ps_tls_result;

/* DONE once the connection may be read and written. */
ps_tls_result ps_tls_handshake(ps_tls *tls);
/* DONE with *out_size > 0, or why not. EOF is an orderly end only. */
ps_tls_result ps_tls_read(ps_tls *tls, void *buffer, size_t size, size_t *out_size);
ps_tls_result ps_tls_write(ps_tls *tls, ps_slice bytes, size_t *out_size);
/* Says goodbye (close_notify), without waiting for the peer's. */
void ps_tls_shutdown(ps_tls *tls);

#endif
