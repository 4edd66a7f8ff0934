#include "serve/tls.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "serve/file_stamp.h"

enum { CHAIN_DEPTH_MAX = 4 };

typedef enum { FILE_CERT, FILE_KEY, FILE_CLIENT_CA, FILE_CRL, FILE_COUNT } file_kind;

/* What was made from one reading of the files. */
typedef struct {
    SSL_CTX *ssl;
    STACK_OF(X509_CRL) * crls; /* NULL: none */
} tls_set;

struct ps_tls_context {
    char *paths[FILE_COUNT];          /* NULL: not given */
    ps_file_stamp stamps[FILE_COUNT]; /* of the reading that was tried last */
    _Atomic uint64_t generation;
    pthread_mutex_t lock;
    tls_set set; /* under the lock */
};

struct ps_tls {
    SSL *ssl;
    char identity[PS_TLS_IDENTITY_MAX]; /* zero-terminated */
};

/* ── reading the files ── */

static ps_code fail(ps_error *err, const char *what, const char *path)
{
    char reason[160] = "no reason given";
    unsigned long code = ERR_get_error();
    if (code != 0) {
        ERR_error_string_n(code, reason, sizeof reason);
    }
    ERR_clear_error();
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

/* Protocol, suites and what else no file decides. */
static ps_code rules_set(SSL_CTX *ssl, ps_error *err)
{
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(ssl, choose_protocol, NULL);
    SSL_CTX_set_security_level(ssl, 2); /* RSA and DH from 2,048 bits, no SHA-1 signatures */
    if (SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(ssl, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1 ||
        SSL_CTX_set_ciphersuites(ssl, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                                      "TLS_CHACHA20_POLY1305_SHA256") != 1) {
        return fail(err, "suites", "");
    }
    return PS_OK;
}

static ps_code own_files_load(SSL_CTX *ssl, char *const paths[FILE_COUNT], ps_error *err)
{
    if (SSL_CTX_use_certificate_chain_file(ssl, paths[FILE_CERT]) != 1) {
        return fail(err, "certificate", paths[FILE_CERT]);
    }
    if (SSL_CTX_use_PrivateKey_file(ssl, paths[FILE_KEY], SSL_FILETYPE_PEM) != 1) {
        return fail(err, "key", paths[FILE_KEY]);
    }
    if (SSL_CTX_check_private_key(ssl) != 1) {
        return fail(err, "key (it is not the certificate's)", paths[FILE_KEY]);
    }
    return PS_OK;
}

static ps_code client_ca_load(SSL_CTX *ssl, const char *path, ps_error *err)
{
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(path);
    if (names == NULL || SSL_CTX_load_verify_file(ssl, path) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return fail(err, "client CA", path);
    }
    SSL_CTX_set_client_CA_list(ssl, names); /* takes names over */
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_verify_depth(ssl, CHAIN_DEPTH_MAX);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET);
    return SSL_CTX_set_num_tickets(ssl, 0) == 1 ? PS_OK : fail(err, "client CA", path);
}

/* Every certificate of a client's chain must have a list of its issuer here. */
static ps_code crls_load(tls_set *set, const char *path, ps_error *err)
{
    BIO *file = BIO_new_file(path, "r");
    X509_STORE *store = SSL_CTX_get_cert_store(set->ssl);
    set->crls = sk_X509_CRL_new_null();
    bool works = file != NULL && set->crls != NULL;
    while (works) {
        X509_CRL *crl = PEM_read_bio_X509_CRL(file, NULL, NULL, NULL);
        if (crl == NULL) {
            break;
        }
        works = X509_STORE_add_crl(store, crl) == 1 && sk_X509_CRL_push(set->crls, crl) > 0;
        if (!works) {
            X509_CRL_free(crl);
        }
    }
    BIO_free(file);
    bool is_at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (!works || !is_at_end || sk_X509_CRL_num(set->crls) == 0) {
        return fail(err, "revocation list", path);
    }
    ERR_clear_error();
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return PS_OK;
}

static void set_release(tls_set *set)
{
    SSL_CTX_free(set->ssl);
    sk_X509_CRL_pop_free(set->crls, X509_CRL_free);
    *set = (tls_set){0};
}

static ps_code set_load(char *const paths[FILE_COUNT], tls_set *out_set, ps_error *err)
{
    ERR_clear_error();
    tls_set set = {.ssl = SSL_CTX_new(TLS_server_method())};
    if (set.ssl == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "cannot make a TLS context");
    }
    ps_code code = rules_set(set.ssl, err);
    if (code == PS_OK) {
        code = own_files_load(set.ssl, paths, err);
    }
    if (code == PS_OK && paths[FILE_CLIENT_CA] != NULL) {
        code = client_ca_load(set.ssl, paths[FILE_CLIENT_CA], err);
    }
    if (code == PS_OK && paths[FILE_CRL] != NULL) {
        code = crls_load(&set, paths[FILE_CRL], err);
    }
    if (code != PS_OK) {
        set_release(&set);
        return code;
    }
    *out_set = set;
    return PS_OK;
}

/* ── contexts ── */

/* False: nothing has changed. */
static bool stamps_take(ps_tls_context *context)
{
    bool has_changed = false;
    for (int i = 0; i < FILE_COUNT; i++) {
        if (context->paths[i] != NULL &&
            ps_file_stamp_take(context->paths[i], &context->stamps[i])) {
            has_changed = true;
        }
    }
    return has_changed;
}

static bool paths_copy(ps_tls_context *context, const ps_tls_files *files)
{
    const char *paths[FILE_COUNT] = {[FILE_CERT] = files->cert,
                                     [FILE_KEY] = files->key,
                                     [FILE_CLIENT_CA] = files->client_ca,
                                     [FILE_CRL] = files->crl};
    for (int i = 0; i < FILE_COUNT; i++) {
        context->paths[i] = paths[i] != NULL ? strdup(paths[i]) : NULL;
        if (paths[i] != NULL && context->paths[i] == NULL) {
            return false;
        }
    }
    return true;
}

ps_code ps_tls_context_open(const ps_tls_files *files, ps_tls_context **out_context, ps_error *err)
{
    PS_ASSERT(files->cert != NULL && files->key != NULL);
    PS_ASSERT(files->crl == NULL || files->client_ca != NULL);
    ps_tls_context *context = calloc(1, sizeof *context);
    if (context == NULL || pthread_mutex_init(&context->lock, NULL) != 0) {
        free(context);
        return ps_error_set(err, PS_E_MEMORY, "no memory for TLS");
    }
    ps_code code = paths_copy(context, files) ? PS_OK : PS_E_MEMORY;
    if (code != PS_OK) {
        ps_error_set(err, code, "no memory for TLS");
    } else {
        (void)stamps_take(context);
        code = set_load(context->paths, &context->set, err);
    }
    if (code != PS_OK) {
        ps_tls_context_close(context);
        return code;
    }
    *out_context = context;
    return PS_OK;
}

void ps_tls_context_close(ps_tls_context *context)
{
    if (context == NULL) {
        return;
    }
    set_release(&context->set);
    for (int i = 0; i < FILE_COUNT; i++) {
        free(context->paths[i]);
    }
    pthread_mutex_destroy(&context->lock);
    free(context);
}

ps_code ps_tls_context_reload(ps_tls_context *context, ps_error *err)
{
    if (!stamps_take(context)) {
        return PS_OK;
    }
    tls_set fresh;
    ps_code code = set_load(context->paths, &fresh, err);
    if (code != PS_OK) {
        return code;
    }
    pthread_mutex_lock(&context->lock);
    tls_set old = context->set;
    context->set = fresh;
    pthread_mutex_unlock(&context->lock);
    set_release(&old); /* open connections hold what they use */
    atomic_fetch_add(&context->generation, 1);
    return PS_OK;
}

uint64_t ps_tls_context_generation(const ps_tls_context *context)
{
    return atomic_load(&context->generation);
}

/* ── connections ── */

ps_tls *ps_tls_new(ps_tls_context *context, int fd)
{
    ps_tls *tls = calloc(1, sizeof *tls);
    if (tls == NULL) {
        return NULL;
    }
    pthread_mutex_lock(&context->lock);
    tls->ssl = SSL_new(context->set.ssl);
    pthread_mutex_unlock(&context->lock);
    if (tls->ssl == NULL || SSL_set_fd(tls->ssl, fd) != 1) {
        ps_tls_free(tls);
        return NULL;
    }
    SSL_set_accept_state(tls->ssl);
    return tls;
}

void ps_tls_free(ps_tls *tls)
{
    if (tls != NULL) {
        SSL_free(tls->ssl);
        free(tls);
    }
}

/* OpenSSL's error queue is per thread: what another call has left there must not be taken for the
 * reason of this one. */
static SSL *begin(ps_tls *tls)
{
    ERR_clear_error();
    return tls->ssl;
}

static ps_tls_result result_of(SSL *ssl, int returned)
{
    int error = SSL_get_error(ssl, returned);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        return PS_TLS_WAITS;
    }
    return error == SSL_ERROR_ZERO_RETURN ? PS_TLS_EOF : PS_TLS_FAILED;
}

/* A name with blanks, control bytes or a zero inside is none: it goes into logs as it is. */
static bool identity_set(ps_tls *tls, const char *kind, const ASN1_STRING *name)
{
    const unsigned char *bytes = ASN1_STRING_get0_data(name);
    int size = ASN1_STRING_length(name);
    for (int i = 0; i < size; i++) {
        if (bytes[i] <= ' ' || bytes[i] >= 0x7f) {
            return false;
        }
    }
    int wanted = snprintf(tls->identity, sizeof tls->identity, "%s:%.*s", kind, size, bytes);
    if (size <= 0 || wanted >= (int)sizeof tls->identity) {
        tls->identity[0] = '\0'; /* not a part of it, which might be another's */
        return false;
    }
    return true;
}

static void identity_find(ps_tls *tls)
{
    X509 *cert = SSL_get0_peer_certificate(tls->ssl);
    if (cert == NULL) {
        return;
    }
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    bool is_found = false;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && !is_found; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        const char *kind = name->type == GEN_URI     ? "uri"
                           : name->type == GEN_DNS   ? "dns"
                           : name->type == GEN_EMAIL ? "email"
                                                     : NULL;
        is_found = kind != NULL && identity_set(tls, kind, name->d.ia5);
    }
    GENERAL_NAMES_free(names);
    X509_NAME *subject = X509_get_subject_name(cert);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (!is_found && at >= 0) {
        (void)identity_set(tls, "cn", X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    }
}

ps_tls_result ps_tls_handshake(ps_tls *tls)
{
    int returned = SSL_do_handshake(begin(tls));
    if (returned != 1) {
        return result_of(tls->ssl, returned);
    }
    identity_find(tls);
    return PS_TLS_DONE;
}

ps_tls_result ps_tls_read(ps_tls *tls, void *buffer, size_t size, size_t *out_size)
{
    int returned = SSL_read_ex(begin(tls), buffer, size, out_size);
    return returned == 1 ? PS_TLS_DONE : result_of(tls->ssl, returned);
}

ps_tls_result ps_tls_write(ps_tls *tls, ps_slice bytes, size_t *out_size)
{
    int returned = SSL_write_ex(begin(tls), bytes.data, bytes.size, out_size);
    return returned == 1 ? PS_TLS_DONE : result_of(tls->ssl, returned);
}

void ps_tls_shutdown(ps_tls *tls)
{
    if (SSL_is_init_finished(tls->ssl)) {
        (void)SSL_shutdown(begin(tls)); /* best effort: the socket closes next */
    }
}

ps_slice ps_tls_identity(const ps_tls *tls)
{
    return ps_slice_text(tls->identity);
}

bool ps_tls_is_revoked(ps_tls_context *context, const ps_tls *tls)
{
    X509 *cert = SSL_get0_peer_certificate(tls->ssl);
    bool is_revoked = false;
    pthread_mutex_lock(&context->lock);
    for (int i = 0; cert != NULL && i < sk_X509_CRL_num(context->set.crls) && !is_revoked; i++) {
        X509_CRL *crl = sk_X509_CRL_value(context->set.crls, i);
        X509_REVOKED *entry = NULL;
        is_revoked = X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_issuer_name(cert)) == 0 &&
                     X509_CRL_get0_by_cert(crl, &entry, cert) == 1;
    }
    pthread_mutex_unlock(&context->lock);
    return is_revoked;
}
