/* The two paths of the string scan agree on every length, offset and byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/json_scan.h"

static void scan_stops_at_the_first_special_byte(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char text[40];
        memset(text, 'x', sizeof text);
        for (size_t at = 0; at < sizeof text; at++) {
            text[at] = (char)c;
            bool non_ascii = false;
            size_t end = ps_json_scan(text, sizeof text, &non_ascii);
            assert_int_equal(end, ps_json_is_special((unsigned char)c) ? at : sizeof text);
            assert_int_equal(non_ascii, c >= 0x80);
            text[at] = 'x';
        }
    }
}

static void both_paths_agree_on_random_text(void **state)
{
    (void)state;
    uint64_t seed = 0x9E3779B97F4A7C15u;
    for (int round = 0; round < 20000; round++) {
        /* its own allocation, so that a read past the end is seen by the sanitizer */
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        size_t size = seed >> 58;
        char *text = malloc(size + 1);
        for (size_t i = 0; i < size; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            uint8_t byte = (uint8_t)(seed >> 56);
            text[i] = (char)(seed >> 40 & 7 ? byte % 90 + 35 : byte);
        }
        bool plain_high = false;
        bool high = false;
        size_t plain = ps_json_scan_plain(text, size, &plain_high);
        assert_int_equal(ps_json_scan(text, size, &high), plain);
        assert_int_equal(high, plain_high);
        free(text);
    }
}

static void a_block_stops_where_the_scan_does_and_at_high_bytes(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        for (uint32_t at = 0; at < PS_JSON_BLOCK; at++) {
            char block[PS_JSON_BLOCK];
            memset(block, 'x', sizeof block);
            block[at] = (char)c;
            bool non_ascii = false;
            bool is_whole = ps_json_scan_plain(block, sizeof block, &non_ascii) == sizeof block;
            uint32_t expected = is_whole && !non_ascii ? 0 : 1U << at;
            assert_int_equal(ps_json_stops(block), expected);
        }
    }
}

static void blocks_differ_where_a_byte_does(void **state)
{
    (void)state;
    for (uint32_t at = 0; at < PS_JSON_BLOCK; at++) {
        char a[PS_JSON_BLOCK], b[PS_JSON_BLOCK];
        memset(a, 'x', sizeof a);
        memset(b, 'x', sizeof b);
        assert_int_equal(ps_json_differences(a, b), 0);
        b[at] = (char)0xff;
        assert_int_equal(ps_json_differences(a, b), 1U << at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scan_stops_at_the_first_special_byte),
        cmocka_unit_test(both_paths_agree_on_random_text),
        cmocka_unit_test(a_block_stops_where_the_scan_does_and_at_high_bytes),
        cmocka_unit_test(blocks_differ_where_a_byte_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
