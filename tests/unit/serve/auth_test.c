#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "pay/command.h"
#include "serve/auth.h"

static const uint8_t pepper[PS_PEPPER_SIZE] = {1, 2, 3};

typedef struct {
    ps_auth *auth;
    ps_auth_reader *reader;
    ps_api_key key;
    ps_error err;
} fixture;

static ps_effect_key effect_of(const ps_api_key *key, uint32_t number)
{
    ps_effect_key effect = {
        .key = number, .book = 1, .public_id = key->public_id, .scopes = PS_SCOPE_READ};
    memcpy(effect.hmac, key->hmac, sizeof effect.hmac);
    return effect;
}

static ps_auth_outcome check(fixture *f, const char *scheme, const char *text, int64_t now_ns)
{
    char header[128];
    ps_auth_key key;
    int size = snprintf(header, sizeof header, "%s%s", scheme, text);
    return ps_auth_check(f->reader, ps_slice_of(header, (size_t)size), now_ns, &key);
}

static int setup(void **state)
{
    static fixture f;
    memset(&f, 0, sizeof f);
    if (ps_auth_new(pepper, &f.auth, &f.err) != PS_OK ||
        ps_auth_reader_new(f.auth, &f.reader, &f.err) != PS_OK) {
        return -1;
    }
    ps_api_key_make(ps_io_posix(), pepper, false, &f.key);
    ps_effect_key effect = effect_of(&f.key, 1);
    *state = &f;
    return ps_auth_load(f.auth, &effect, 1, &f.err) == PS_OK ? 0 : -1;
}

static int teardown(void **state)
{
    fixture *f = *state;
    ps_auth_reader_free(f->reader);
    ps_auth_free(f->auth);
    return 0;
}

static void a_key_is_taken_in_any_case_of_bearer_and_twice(void **state)
{
    fixture *f = *state;
    assert_int_equal(check(f, "Bearer ", f->key.text, 0), PS_AUTH_OK);
    assert_int_equal(check(f, "bearer ", f->key.text, 0), PS_AUTH_OK);
    assert_int_equal(check(f, "BEARER ", f->key.text, 0), PS_AUTH_OK);
}

static void other_headers_are_no_keys(void **state)
{
    fixture *f = *state;
    assert_int_equal(check(f, "", "", 0), PS_AUTH_MISSING);
    assert_int_equal(check(f, "Basic ", f->key.text, 0), PS_AUTH_MISSING);
    assert_int_equal(check(f, "Bearer", f->key.text, 0), PS_AUTH_MISSING);
    assert_int_equal(check(f, "Bearer  ", f->key.text, 0), PS_AUTH_MALFORMED);
    assert_int_equal(check(f, "Bearer ", "x", 0), PS_AUTH_MALFORMED);
}

static void every_changed_character_is_found_by_the_checksum(void **state)
{
    fixture *f = *state;
    assert_int_equal(check(f, "Bearer ", f->key.text, 0), PS_AUTH_OK);
    for (size_t i = 0; i < PS_API_KEY_SIZE; i++) {
        char text[PS_API_KEY_TEXT_MAX];
        memcpy(text, f->key.text, sizeof text);
        text[i] = text[i] == 'x' ? 'y' : 'x';
        assert_int_equal(check(f, "Bearer ", text, 0), PS_AUTH_MALFORMED);
    }
}

static void a_key_of_another_server_is_unknown(void **state)
{
    fixture *f = *state;
    ps_api_key other;
    ps_api_key_make(ps_io_posix(), pepper, false, &other);
    assert_int_equal(check(f, "Bearer ", other.text, 0), PS_AUTH_UNKNOWN);
    /* the same public id, another secret */
    ps_effect_key effect = effect_of(&other, 2);
    effect.hmac[0] ^= 1;
    assert_int_equal(ps_auth_apply(f->auth, &effect, &f->err), PS_OK);
    assert_int_equal(check(f, "Bearer ", other.text, 0), PS_AUTH_UNKNOWN);
}

static void a_revoked_key_is_refused_by_the_next_check(void **state)
{
    fixture *f = *state;
    ps_effect_key effect = effect_of(&f->key, 1);
    assert_int_equal(check(f, "Bearer ", f->key.text, 0), PS_AUTH_OK);
    effect.revoked_ns = 1;
    assert_int_equal(ps_auth_apply(f->auth, &effect, &f->err), PS_OK);
    assert_int_equal(check(f, "Bearer ", f->key.text, 0), PS_AUTH_UNKNOWN);
}

static void a_key_expires_at_its_time_also_from_the_cache(void **state)
{
    fixture *f = *state;
    ps_effect_key effect = effect_of(&f->key, 1);
    effect.expires_ns = 100;
    assert_int_equal(ps_auth_apply(f->auth, &effect, &f->err), PS_OK);
    assert_int_equal(check(f, "Bearer ", f->key.text, 99), PS_AUTH_OK);
    assert_int_equal(check(f, "Bearer ", f->key.text, 100), PS_AUTH_EXPIRED);
}

static void many_keys_are_found_each_with_its_own_number(void **state)
{
    enum { KEYS = 300 };
    fixture *f = *state;
    static ps_api_key keys[KEYS];
    for (uint32_t i = 0; i < KEYS; i++) {
        ps_api_key_make(ps_io_posix(), pepper, i % 2 == 0, &keys[i]);
        ps_effect_key effect = effect_of(&keys[i], i + 10);
        effect.live = i % 2 == 0;
        assert_int_equal(ps_auth_apply(f->auth, &effect, &f->err), PS_OK);
    }
    for (uint32_t i = 0; i < KEYS; i++) {
        char header[128];
        ps_auth_key key;
        int size = snprintf(header, sizeof header, "Bearer %s", keys[i].text);
        assert_int_equal(ps_auth_check(f->reader, ps_slice_of(header, (size_t)size), 0, &key),
                         PS_AUTH_OK);
        assert_int_equal(key.number, i + 10);
    }
}

static _Atomic bool reading_ends;

static void *read_on(void *context)
{
    fixture *f = context;
    while (!reading_ends) {
        ps_auth_outcome outcome = check(f, "Bearer ", f->key.text, 0);
        if (outcome != PS_AUTH_OK) {
            return f;
        }
    }
    return NULL;
}

static void tables_are_swapped_under_a_reader(void **state)
{
    fixture *f = *state;
    pthread_t thread;
    reading_ends = false;
    assert_int_equal(pthread_create(&thread, NULL, read_on, f), 0);
    for (uint32_t i = 0; i < 200; i++) {
        ps_api_key other;
        ps_api_key_make(ps_io_posix(), pepper, false, &other);
        ps_effect_key effect = effect_of(&other, i + 10);
        assert_int_equal(ps_auth_apply(f->auth, &effect, &f->err), PS_OK);
    }
    reading_ends = true;
    void *failed = NULL;
    pthread_join(thread, &failed);
    assert_null(failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(a_key_is_taken_in_any_case_of_bearer_and_twice),
        CASE(other_headers_are_no_keys),
        CASE(every_changed_character_is_found_by_the_checksum),
        CASE(a_key_of_another_server_is_unknown),
        CASE(a_revoked_key_is_refused_by_the_next_check),
        CASE(a_key_expires_at_its_time_also_from_the_cache),
        CASE(many_keys_are_found_each_with_its_own_number),
        CASE(tables_are_swapped_under_a_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
