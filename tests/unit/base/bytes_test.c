#include "testing.h"

#include "base/bytes.h"

static void slices_compare_by_content(void **state)
{
    (void)state;
    assert_true(ps_slice_equal(PS_SLICE("ab"), ps_slice_of("abc", 2)));
    assert_false(ps_slice_equal(PS_SLICE("ab"), PS_SLICE("abc")));
    assert_true(ps_slice_equal(ps_slice_text(NULL), PS_SLICE("")));
    assert_true(ps_slice_has_prefix(PS_SLICE("abc"), PS_SLICE("ab")));
    assert_true(ps_slice_has_prefix(PS_SLICE("abc"), PS_SLICE("")));
    assert_false(ps_slice_has_prefix(PS_SLICE("ab"), PS_SLICE("abc")));
    assert_false(ps_slice_has_prefix(PS_SLICE("xbc"), PS_SLICE("ab")));
}

static void a_buffer_takes_all_kinds_of_appends(void **state)
{
    (void)state;
    ps_buf buf;
    ps_buf_init(&buf, 10000);
    ps_buf_append_text(&buf, "a");
    ps_buf_append_char(&buf, 'b');
    ps_buf_append_slice(&buf, PS_SLICE("cd"));
    ps_buf_append_u64(&buf, UINT64_MAX);
    ps_buf_append_char(&buf, ' ');
    ps_buf_append_i64(&buf, INT64_MIN);
    ps_buf_append_format(&buf, " %d%s", 5, "x");
    memcpy(ps_buf_extend(&buf, 2), "yz", 2);
    assert_false(buf.failed);
    assert_true(ps_slice_equal(ps_buf_slice(&buf),
                               PS_SLICE("abcd18446744073709551615 -9223372036854775808 5xyz")));
    ps_buf_append_format(&buf, "%0600d", 0); /* longer than its first try */
    assert_int_equal(buf.size, 50 + 600);
    assert_int_equal(buf.data[649], '0');
    ps_buf_clear(&buf);
    assert_int_equal(buf.size, 0);
    ps_buf_release(&buf);
}

static void a_buffer_stops_at_its_limit_and_stays_failed(void **state)
{
    (void)state;
    ps_buf buf;
    ps_buf_init(&buf, 5);
    ps_buf_append_text(&buf, "12345");
    assert_false(buf.failed);
    ps_buf_append_char(&buf, '6');
    assert_true(buf.failed);
    ps_buf_append_text(&buf, "");
    assert_null(ps_buf_extend(&buf, 1));
    assert_true(ps_slice_equal(ps_buf_slice(&buf), PS_SLICE("12345")));
    ps_buf_clear(&buf);
    ps_buf_append_text(&buf, "1");
    ps_buf_append_text(&buf, "23456"); /* does not fit: nothing of it is there */
    ps_buf_append_text(&buf, "2");     /* would fit, but the buffer has failed */
    assert_true(buf.failed);
    assert_true(ps_slice_equal(ps_buf_slice(&buf), PS_SLICE("1")));
    ps_buf_release(&buf);
}

static void unsigned_numbers_parse_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        uint64_t value;
    } table[] = {
        {"0", true, 0},
        {"7", true, 7},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"28446744073709551615", false, 0},
        {"100000000000000000000", false, 0},
        {"", false, 0},
        {"00", false, 0},
        {"01", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"+1", false, 0},
        {"-1", false, 0},
        {"1e3", false, 0},
        {"0x1", false, 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        uint64_t value = 42;
        assert_int_equal(ps_parse_u64(ps_slice_text(table[i].text), &value), table[i].ok);
        assert_true(value == (table[i].ok ? table[i].value : 42));
    }
}

static void signed_numbers_parse_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } table[] = {
        {"0", true, 0},
        {"-7", true, -7},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"-9223372036854775808", true, INT64_MIN},
        {"-9223372036854775809", false, 0},
        {"-0", false, 0},
        {"-", false, 0},
        {"--1", false, 0},
        {"-01", false, 0},
        {"", false, 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        int64_t value = 42;
        assert_int_equal(ps_parse_i64(ps_slice_text(table[i].text), &value), table[i].ok);
        assert_true(value == (table[i].ok ? table[i].value : 42));
    }
}

/* RFC 3629, and the boundaries of each row of its table. */
static void utf8_is_valid_by_the_table_of_the_rfc(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
    } table[] = {
        {"", true},
        {"plain text of more than eight bytes", true},
        {"\x7F", true},
        {"\xC2\x80", true},
        {"\xDF\xBF", true},
        {"\xE0\xA0\x80", true},
        {"\xED\x9F\xBF", true},
        {"\xEE\x80\x80", true},
        {"\xEF\xBF\xBF", true},
        {"\xF0\x90\x80\x80", true},
        {"\xF4\x8F\xBF\xBF", true},
        {"12345678\xE2\x82\xAC", true},
        {"\x80", false},
        {"\xBF", false},
        {"\xC0\x80", false},
        {"\xC1\xBF", false},
        {"\xC2", false},
        {"\xC2\x7F", false},
        {"\xC2\xC0", false},
        {"\xE0\x9F\xBF", false},     /* overlong */
        {"\xE0\xA0", false},         /* cut */
        {"\xE1\x80\xC0", false},     /* bad third byte */
        {"\xED\xA0\x80", false},     /* surrogate */
        {"\xED\xBF\xBF", false},     /* surrogate */
        {"\xF0\x8F\xBF\xBF", false}, /* overlong */
        {"\xF0\x90\x80", false},     /* cut */
        {"\xF1\x80\x80\x7F", false}, /* bad fourth byte */
        {"\xF4\x90\x80\x80", false}, /* above U+10FFFF */
        {"\xF5\x80\x80\x80", false},
        {"\xFF", false},
        {"1234567\x80", false},
        {"12345678\x80", false},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (ps_utf8_is_valid(ps_slice_text(table[i].text)) != table[i].ok) {
            fail_msg("row %zu", i);
        }
    }
}

static size_t utf8_encode(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t tail = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    for (size_t i = tail; i > 0; i--) {
        out[i] = (char)(0x80 | (c & 0x3F));
        c >>= 6;
    }
    static const uint8_t marks[4] = {0, 0xC0, 0xE0, 0xF0};
    out[0] = (char)(marks[tail] | c);
    return tail + 1;
}

static void every_code_point_but_the_surrogates_is_valid(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x1FFFFF; c++) {
        char text[4];
        size_t size = utf8_encode(c, text);
        bool ok = c <= 0x10FFFF && !(c >= 0xD800 && c <= 0xDFFF);
        if (ps_utf8_is_valid(ps_slice_of(text, size)) != ok) {
            fail_msg("U+%X", c);
        }
    }
}

static void hex_goes_there_and_back(void **state)
{
    (void)state;
    uint8_t bytes[256];
    for (int i = 0; i < 256; i++) {
        bytes[i] = (uint8_t)i;
    }
    char text[512];
    ps_hex_encode(bytes, sizeof bytes, text);
    assert_memory_equal(text, "000102", 6);
    assert_memory_equal(text + 506, "fdfeff", 6);
    uint8_t back[256];
    assert_true(ps_hex_decode(ps_slice_of(text, sizeof text), back, sizeof back));
    assert_memory_equal(bytes, back, sizeof bytes);
    assert_true(ps_hex_decode(PS_SLICE(""), back, 0));
    assert_false(ps_hex_decode(PS_SLICE("abc"), back, 1));
    assert_false(ps_hex_decode(PS_SLICE("abcd"), back, 1));
    assert_false(ps_hex_decode(PS_SLICE("aG"), back, 1));
    assert_false(ps_hex_decode(PS_SLICE("AB"), back, 1));
    assert_int_equal(back[0], 0);
}

static void ids_go_there_and_back_and_sort_like_their_values(void **state)
{
    (void)state;
    static const struct {
        ps_u128 value;
        const char *text;
    } table[] = {
        {{0, 0}, "00000000000000000000000000"},
        {{0, 31}, "0000000000000000000000000z"},
        {{0, UINT64_MAX}, "0000000000000fzzzzzzzzzzzz"},
        {{UINT64_MAX, UINT64_MAX}, "7zzzzzzzzzzzzzzzzzzzzzzzzz"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char text[PS_ID128_CHARS];
        ps_id128_format(table[i].value, text);
        assert_memory_equal(text, table[i].text, sizeof text);
    }
    uint64_t seed = 1;
    char before[PS_ID128_CHARS];
    ps_id128_format((ps_u128){0, 0}, before);
    for (int i = 0; i < 1000; i++) {
        ps_u128 value = {(uint64_t)i << 50 | test_draw(&seed, UINT64_C(1) << 50), test_next(&seed)};
        char text[PS_ID128_CHARS];
        ps_id128_format(value, text);
        assert_true(memcmp(before, text, sizeof text) < 0);
        memcpy(before, text, sizeof text);
        ps_u128 back;
        assert_true(ps_id128_parse(ps_slice_of(text, sizeof text), &back));
        assert_true(ps_u128_equal(back, value));
    }
}

static void an_id_has_one_text_only(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "",
        "0000000000000000000000000",   /* 25 */
        "000000000000000000000000000", /* 27 */
        "80000000000000000000000000",  /* above 128 bits */
        "z0000000000000000000000000",
        "0000000000000000000000000Z",
        "0000000000000000000000000i",
        "0000000000000000000000000l",
        "0000000000000000000000000o",
        "0000000000000000000000000u",
        "000000000000-0000000000000",
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        ps_u128 value = {1, 2};
        assert_false(ps_id128_parse(ps_slice_text(refused[i]), &value));
        assert_true(ps_u128_equal(value, (ps_u128){1, 2}));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_compare_by_content),
        cmocka_unit_test(a_buffer_takes_all_kinds_of_appends),
        cmocka_unit_test(a_buffer_stops_at_its_limit_and_stays_failed),
        cmocka_unit_test(unsigned_numbers_parse_strictly),
        cmocka_unit_test(signed_numbers_parse_strictly),
        cmocka_unit_test(utf8_is_valid_by_the_table_of_the_rfc),
        cmocka_unit_test(every_code_point_but_the_surrogates_is_valid),
        cmocka_unit_test(hex_goes_there_and_back),
        cmocka_unit_test(ids_go_there_and_back_and_sort_like_their_values),
        cmocka_unit_test(an_id_has_one_text_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
