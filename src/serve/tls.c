#include "serve/tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

/* ps_tls is an SSL, ps_tls_context an SSL_CTX: the names keep OpenSSL out of other headers. */

static SSL *ssl_of(ps_tls *tls)
{
    return (SSL *)tls;
}

static ps_code fail(ps_error *err, SSL_CTX *context, const char *what, const char *path)
{
    char reason[160] = "no reason given";
    unsigned long code = ERR_get_error();
    if (code != 0) {
        ERR_error_string_n(code, reason, sizeof reason);
    }
    ERR_clear_error();
    SSL_CTX_free(context);
    return ps_error_set(err, PS_E_INVALID, "cannot use TLS %s %s: %s", what, path, reason);
}

/* We speak HTTP/1.1 only; a client that offers other protocols alone goes on without ALPN. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                           const unsigned char *offered, unsigned int offered_size, void *unused)
{
    (void)ssl;
    (void)unused;
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen = NULL;
    int result =
        SSL_select_next_proto(&chosen, out_size, ours, sizeof ours - 1, offered, offered_size);
    *out = chosen;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

ps_code ps_tls_context_open(const char *cert_path, const char *key_path,
                            ps_tls_context **out_context, ps_error *err)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "cannot make a TLS context");
    }
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1 ||
        SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                                          "TLS_CHACHA20_POLY1305_SHA256") != 1) {
        return fail(err, context, "suites", "");
    }
    if (SSL_CTX_use_certificate_chain_file(context, cert_path) != 1) {
        return fail(err, context, "certificate", cert_path);
    }
    if (SSL_CTX_use_PrivateKey_file(context, key_path, SSL_FILETYPE_PEM) != 1) {
        return fail(err, context, "key", key_path);
    }
    if (SSL_CTX_check_private_key(context) != 1) {
        return fail(err, context, "key (it is not the certificate's)", key_path);
    }
    *out_context = (ps_tls_context *)context;
    return PS_OK;
}

void ps_tls_context_close(ps_tls_context *context)
{
    SSL_CTX_free((SSL_CTX *)context);
}

ps_tls *ps_tls_new(ps_tls_context *context, int fd)
{
    SSL *ssl = SSL_new((SSL_CTX *)context);
    if (ssl == NULL) {
        return NULL;
    }
    if (SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        return NULL;
    }
    SSL_set_accept_state(ssl);
    return (ps_tls *)ssl;
}

void ps_tls_free(ps_tls *tls)
{
    SSL_free(ssl_of(tls));
}

/* OpenSSL's error queue is per thread: what another call has left there must not be taken for the
 * reason of this one. */
static SSL *begin(ps_tls *tls)
{
    ERR_clear_error();
    return ssl_of(tls);
}

static ps_tls_result result_of(SSL *ssl, int returned)
{
    int error = SSL_get_error(ssl, returned);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        return PS_TLS_WAITS;
    }
    return error == SSL_ERROR_ZERO_RETURN ? PS_TLS_EOF : PS_TLS_FAILED;
}

ps_tls_result ps_tls_handshake(ps_tls *tls)
{
    int returned = SSL_do_handshake(begin(tls));
    return returned == 1 ? PS_TLS_DONE : result_of(ssl_of(tls), returned);
}

ps_tls_result ps_tls_read(ps_tls *tls, void *buffer, size_t size, size_t *out_size)
{
    int returned = SSL_read_ex(begin(tls), buffer, size, out_size);
    return returned == 1 ? PS_TLS_DONE : result_of(ssl_of(tls), returned);
}

ps_tls_result ps_tls_write(ps_tls *tls, ps_slice bytes, size_t *out_size)
{
    int returned = SSL_write_ex(begin(tls), bytes.data, bytes.size, out_size);
    return returned == 1 ? PS_TLS_DONE : result_of(ssl_of(tls), returned);
}

void ps_tls_shutdown(ps_tls *tls)
{
    if (SSL_is_init_finished(ssl_of(tls))) {
        (void)SSL_shutdown(begin(tls)); /* best effort: the socket closes next */
    }
}
