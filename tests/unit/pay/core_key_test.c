#include "core_fixture.h"

static const char hmac[32] = "0123456789abcdef0123456789abcde";

static ps_refusal key_create(ps_fixture *f, const char *tenant, bool live, int64_t expires_in_ns)
{
    ps_command command = {.kind = PS_CMD_KEY_CREATE,
                          .reason = PS_SLICE("till"),
                          .data = {hmac, sizeof hmac},
                          .timeout_ns = expires_in_ns,
                          .u.key_new = {.scopes = PS_SCOPE_READ,
                                        .live = live,
                                        .tenant = ps_slice_text(tenant),
                                        .public_id = {7, ps_key_count(f->core)}}};
    return fixture_run(f, &command);
}

static ps_refusal key_revoke(ps_fixture *f, uint32_t key)
{
    char text[PS_ID_TEXT_MAX];
    size_t size = ps_id_format(f->core->instance, PS_ID_KEY, key,
                               ps_key_at(f->core, key)->body.created_ns, text);
    ps_command command = {.kind = PS_CMD_KEY_REVOKE, .target = ps_slice_of(text, size)};
    return fixture_run(f, &command);
}

static uint32_t keys_shown(const ps_fixture *f, uint32_t book)
{
    ps_buf out;
    ps_buf_init(&out, 1 << 20);
    ps_query query = {.kind = PS_QUERY_KEYS, .book = book, .limit = 100};
    ps_query_result result;
    ps_core_query(f->core, &query, &out, &result);
    assert_int_equal(out.size, result.count * sizeof(ps_effect_key));
    ps_buf_release(&out);
    return result.count;
}

static void genesis_makes_both_books_the_first_key_and_the_secret(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    assert_int_equal(ps_book_count(f->core), 2);
    assert_int_equal(ps_book_at(f->core, 1)->live, 0);
    assert_int_equal(ps_book_at(f->core, 2)->live, 1);
    assert_int_equal(ps_key_count(f->core), 1);
    assert_int_equal(ps_key_at(f->core, 1)->body.scopes, PS_SCOPE_ADMIN);
    assert_int_equal(ps_key_at(f->core, 1)->body.book, 1);
    ps_hash_secret secret;
    memset(&secret, 7, sizeof secret);
    assert_memory_equal(ps_core_secret(f->core), &secret, sizeof secret);
    fixture_free(f);
}

static void a_key_gets_the_book_of_its_mode(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    assert_refused(key_create(f, NULL, false, 0), PS_REFUSED_NONE);
    assert_int_equal(ps_key_at(f->core, 2)->body.book, 1);
    assert_refused(key_create(f, "shop", true, PS_NS_PER_S), PS_REFUSED_NONE);
    const ps_effect_key *key = &ps_key_at(f->core, 3)->body;
    assert_int_equal(key->book, 2);
    assert_int_equal(key->expires_ns, key->created_ns + PS_NS_PER_S);
    assert_memory_equal(key->hmac, hmac, sizeof hmac);
    assert_int_equal(key->origin_seq, f->seq);
    assert_int_equal(ps_book_count(f->core), 2);
    fixture_free(f);
}

static void the_first_tenant_alone_makes_tenants(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    assert_refused(key_create(f, "other", false, 0), PS_REFUSED_NONE);
    assert_int_equal(ps_book_count(f->core), 4);
    assert_int_equal(ps_key_at(f->core, 2)->body.book, 3);
    assert_refused(key_create(f, "other", true, 0), PS_REFUSED_NONE);
    assert_int_equal(ps_book_count(f->core), 4);
    assert_int_equal(ps_key_at(f->core, 3)->body.book, 4);

    f->book = 3;
    assert_refused(key_create(f, "third", false, 0), PS_REFUSED_NOT_FOUND);
    assert_refused(key_create(f, "shop", false, 0), PS_REFUSED_NOT_FOUND);
    assert_refused(key_create(f, "other", true, 0), PS_REFUSED_NONE);
    assert_refused(key_create(f, NULL, false, 0), PS_REFUSED_NONE);
    assert_int_equal(ps_key_at(f->core, 5)->body.book, 3);
    fixture_free(f);
}

static void keys_are_the_tenants_own_and_revoked_for_good(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    key_create(f, "other", false, 0);
    key_create(f, NULL, true, 0);
    assert_int_equal(keys_shown(f, 1), 2);
    assert_int_equal(keys_shown(f, 2), 2);
    assert_int_equal(keys_shown(f, 3), 1);
    assert_int_equal(keys_shown(f, 0), 3);

    f->book = 3;
    assert_refused(key_revoke(f, 1), PS_REFUSED_NOT_FOUND);
    assert_refused(key_revoke(f, 2), PS_REFUSED_NONE);
    int64_t revoked_ns = ps_key_at(f->core, 2)->body.revoked_ns;
    assert_true(revoked_ns > 0);
    assert_refused(key_revoke(f, 2), PS_REFUSED_NONE);
    assert_int_equal(ps_key_at(f->core, 2)->body.revoked_ns, revoked_ns);
    assert_int_equal(keys_shown(f, 3), 0);
    assert_int_equal(keys_shown(f, 0), 2);
    f->book = 1;
    assert_refused(key_revoke(f, 3), PS_REFUSED_NONE); /* the tenant's live key */
    fixture_free(f);
}

static void keys_need_an_admin(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    f->scopes = PS_SCOPE_LEDGER_WRITE | PS_SCOPE_READ | PS_SCOPE_PAYMENTS_WRITE;
    assert_refused(key_create(f, NULL, false, 0), PS_REFUSED_SCOPE);
    assert_refused(key_revoke(f, 1), PS_REFUSED_SCOPE);
    fixture_free(f);
}

static void a_risk_event_is_an_event_and_names_payments_of_its_book(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    uint64_t sequence = ps_book_at(f->core, 1)->sequence;
    ps_command command = {.kind = PS_CMD_RISK_EVENT,
                          .reason = PS_SLICE("card_testing"),
                          .data = PS_SLICE("{\"n\":1}"),
                          .u.risk = {.type = PS_RISK_ATTACK, .severity = 3}};
    assert_refused(fixture_run(f, &command), PS_REFUSED_NONE);
    assert_int_equal(ps_book_at(f->core, 1)->sequence, sequence + 1);
    assert_int_equal(ps_core_head_at(f->core)->risk_event_count, 1);
    command.u.risk.payment = PS_SLICE("pay_unknown");
    assert_refused(fixture_run(f, &command), PS_REFUSED_PAYMENT_UNKNOWN);
    assert_int_equal(ps_core_head_at(f->core)->risk_event_count, 1);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(genesis_makes_both_books_the_first_key_and_the_secret),
        cmocka_unit_test(a_key_gets_the_book_of_its_mode),
        cmocka_unit_test(the_first_tenant_alone_makes_tenants),
        cmocka_unit_test(keys_are_the_tenants_own_and_revoked_for_good),
        cmocka_unit_test(keys_need_an_admin),
        cmocka_unit_test(a_risk_event_is_an_event_and_names_payments_of_its_book),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
