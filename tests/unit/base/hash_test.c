#include "testing.h"

#include "base/hash.h"

/* RFC 3720 B.4 and the check value of the catalogue of CRCs. */
static void crc32c_gives_the_published_values(void **state)
{
    (void)state;
    uint8_t zeros[32] = {0};
    uint8_t ones[32];
    uint8_t rising[32];
    memset(ones, 0xFF, sizeof ones);
    for (int i = 0; i < 32; i++) {
        rising[i] = (uint8_t)i;
    }
    const struct {
        const void *data;
        size_t size;
        uint32_t crc;
    } table[] = {
        {"", 0, 0},
        {"123456789", 9, 0xE3069283},
        {zeros, 32, 0x8A9136AA},
        {ones, 32, 0x62A8AB43},
        {rising, 32, 0x46DD794E},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_int_equal(ps_crc32c(0, table[i].data, table[i].size), table[i].crc);
        assert_int_equal(ps_crc32c_plain(0, table[i].data, table[i].size), table[i].crc);
    }
}

static void both_paths_agree_on_every_length_and_alignment(void **state)
{
    (void)state;
    enum { LENGTH_MAX = 1100, ALIGNMENTS = 8 };
    uint8_t bytes[LENGTH_MAX + ALIGNMENTS];
    uint64_t seed = 7;
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)test_next(&seed);
    }
    for (size_t size = 0; size <= LENGTH_MAX; size++) {
        for (size_t at = 0; at < ALIGNMENTS; at++) {
            uint32_t start = (uint32_t)test_next(&seed);
            assert_int_equal(ps_crc32c(start, bytes + at, size),
                             ps_crc32c_plain(start, bytes + at, size));
        }
    }
}

static void crc32c_continues_where_it_stopped(void **state)
{
    (void)state;
    const char *text = "the quick brown fox jumps over the lazy dog";
    size_t size = strlen(text);
    uint32_t whole = ps_crc32c(0, text, size);
    for (size_t cut = 0; cut <= size; cut++) {
        assert_int_equal(ps_crc32c(ps_crc32c(0, text, cut), text + cut, size - cut), whole);
    }
}

/* Pinned: stored in files. The values of the empty input are XXH3's published ones. */
static void xxh3_is_the_standard_one(void **state)
{
    (void)state;
    assert_true(ps_xxh3_64("", 0) == UINT64_C(0x2D06800538D394C2));
    ps_u128 empty = ps_xxh3_128("", 0);
    assert_true(ps_u128_equal(
        empty, (ps_u128){UINT64_C(0x99AA06D3014798D8), UINT64_C(0x6001C324468D497F)}));
}

static void another_secret_gives_another_hash(void **state)
{
    (void)state;
    uint64_t seed = 3;
    ps_hash_secret secret;
    ps_hash_secret other;
    for (size_t i = 0; i < sizeof secret.bytes; i++) {
        secret.bytes[i] = (uint8_t)test_next(&seed);
        other.bytes[i] = (uint8_t)test_next(&seed);
    }
    char key[300];
    memset(key, 'k', sizeof key);
    for (size_t size = 1; size <= sizeof key; size++) {
        ps_u128 hash = ps_hash_keyed(&secret, key, size);
        assert_true(ps_u128_equal(hash, ps_hash_keyed(&secret, key, size)));
        assert_false(ps_u128_equal(hash, ps_xxh3_128(key, size)));
        key[size - 1] ^= 1;
        assert_false(ps_u128_equal(hash, ps_hash_keyed(&secret, key, size)));
        key[size - 1] ^= 1;
        assert_false(ps_u128_equal(hash, ps_hash_keyed(&other, key, size)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_gives_the_published_values),
        cmocka_unit_test(both_paths_agree_on_every_length_and_alignment),
        cmocka_unit_test(crc32c_continues_where_it_stopped),
        cmocka_unit_test(xxh3_is_the_standard_one),
        cmocka_unit_test(another_secret_gives_another_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
