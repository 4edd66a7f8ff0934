/* TLS for the network loops, by OpenSSL: 1.2 and 1.3, AEAD suites with forward secrecy only, no
 * renegotiation, no compression (FAULTS S-A8).
 *
 * With a client CA every connection must bring a certificate that this CA signed, for clients, in
 * its time, and not on the revocation list; nothing is resumed then, so that each connection is
 * checked anew. Of its names the first URI, DNS name or address of e-mail is the client's identity
 * ("uri:…", "dns:…", "email:…"), else its common name ("cn:…").
 *
 * Rotation: ps_tls_context_reload reads the files again when one of them has changed. Connections
 * that are open stay as they are, new ones get the new files; files that do not work are refused
 * and the old ones stay in use. A revocation list must be current: past its next update it refuses
 * everyone.
 *
 * Threads: a ps_tls_context is shared by the loops; a ps_tls belongs to one connection on one
 * thread. reload is called by one thread at a time. Sockets are non-blocking.
 */
#ifndef PS_SERVE_TLS_H
#define PS_SERVE_TLS_H

#include "base/bytes.h"

typedef struct ps_tls_context ps_tls_context;
typedef struct ps_tls ps_tls;

/* Paths of PEM files; copied. */
typedef struct {
    const char *cert;      /* certificate with its chain */
    const char *key;       /* its private key */
    const char *client_ca; /* NULL: clients need no certificate */
    const char *crl;       /* NULL: none; one list for each CA of client_ca */
} ps_tls_files;

enum { PS_TLS_IDENTITY_MAX = 128 };

/* PS_E_INVALID when a file cannot be read or the key is not the certificate's. */
PS_CHECKED ps_code ps_tls_context_open(const ps_tls_files *files, ps_tls_context **out_context,
                                       ps_error *err);
void ps_tls_context_close(ps_tls_context *context); /* NULL is fine */

/* PS_OK: the files are as they were, or were read again and are in use. A failure is answered once
 * for each change of a file; what was in use stays. */
PS_CHECKED ps_code ps_tls_context_reload(ps_tls_context *context, ps_error *err);
/* Grows with each reload that read files. Any thread. */
uint64_t ps_tls_context_generation(const ps_tls_context *context);

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

/* Who the client's certificate says it is, after the handshake; empty: no certificate, or no name
 * in it that is printable and short enough. */
ps_slice ps_tls_identity(const ps_tls *tls);
/* Is the client's certificate on the list as it is now? */
bool ps_tls_is_revoked(ps_tls_context *context, const ps_tls *tls);

#endif
