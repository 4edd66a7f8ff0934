/* The reader against the tables in tests/golden/json, against jansson, and its limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "data/json_canonical.h"

enum { TEXT_MAX = 1 << 20 };

static ps_json_reader reader;
static ps_json_canonical canonical;
static ps_buf out;

static int setup(void **state)
{
    (void)state;
    ps_json_reader_init(&reader, 0x1234567);
    ps_json_canonical_init(&canonical, TEXT_MAX);
    ps_buf_init(&out, TEXT_MAX);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ps_json_canonical_release(&canonical);
    ps_buf_release(&out);
    return 0;
}

/* Reads an exactly sized copy, so that the sanitizer sees a step beyond the end. */
static bool canonical_of(const char *text, size_t size)
{
    char *copy = malloc(size + 1);
    memcpy(copy, text, size);
    copy = realloc(copy, size > 0 ? size : 1);
    ps_buf_clear(&out);
    ps_json_reader_begin(&reader, copy, size);
    bool read = ps_json_canonical_all(&canonical, &reader, &out);
    free(copy);
    return read;
}

/* ── tables ── */

static size_t bytes_of(const char *line, size_t size, char *bytes)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned byte;
        if (line[i] == '~' && i + 2 < size + 0 && sscanf(line + i + 1, "%2X", &byte) == 1) {
            bytes[count++] = (char)byte;
            i += 2;
        } else if (line[i] != '~') {
            bytes[count++] = line[i];
        }
    }
    return count;
}

typedef void (*case_fn)(const char *line, const char *text, size_t size, const char *after,
                        size_t after_size);

static int table_run(const char *path, case_fn run)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char line[4096], text[4096], after[4096];
    int count = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = 0;
        if (line[0] == 0 || line[0] == '#') {
            if (strcmp(line, "#1") != 0) {
                continue;
            }
        }
        const char *arrow = strstr(line, " => ");
        size_t size = arrow != NULL ? (size_t)(arrow - line) : strlen(line);
        size_t after_size = arrow != NULL ? bytes_of(arrow + 4, strlen(arrow + 4), after) : 0;
        after[after_size] = 0;
        size_t text_size = bytes_of(line, size, text);
        run(line, text, text_size, arrow != NULL ? after : NULL, after_size);
        count++;
    }
    (void)fclose(file);
    return count;
}

static void accept_case(const char *line, const char *text, size_t size, const char *after,
                        size_t after_size)
{
    if (!canonical_of(text, size)) {
        fail_msg("refused: %s: %s at %zu", line, reader.error, reader.error_offset);
    }
    if (after == NULL) {
        after = text;
        after_size = size;
        while (after_size > 0 && after[after_size - 1] == ' ') {
            after_size--;
        }
    }
    if (out.size != after_size || memcmp(out.data, after, after_size) != 0) {
        fail_msg("%s became %.*s", line, (int)out.size, out.data);
    }
}

static void reject_case(const char *line, const char *text, size_t size, const char *after,
                        size_t after_size)
{
    (void)after_size;
    if (canonical_of(text, size)) {
        fail_msg("accepted: %s", line);
    }
    if (after != NULL && strstr(reader.error, after) == NULL) {
        fail_msg("%s: the sentence is: %s", line, reader.error);
    }
    assert_true(reader.error_offset <= size);
    assert_int_equal(ps_json_reader_next(&reader), PS_JSON_FAILED);
}

static void the_accept_table_is_accepted(void **state)
{
    (void)state;
    assert_true(table_run("tests/golden/json/accept.txt", accept_case) >= 80);
}

static void the_reject_table_is_rejected(void **state)
{
    (void)state;
    assert_true(table_run("tests/golden/json/reject.txt", reject_case) >= 100);
}

/* ── limits ── */

static void sixty_four_levels_are_read_and_one_more_is_not(void **state)
{
    (void)state;
    char text[400];
    for (size_t depth = 63; depth <= 66; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_int_equal(canonical_of(text, 2 * depth), depth <= 64);
    }
}

static void a_hundred_thousand_levels_end_at_the_sixty_fifth(void **state)
{
    (void)state;
    char *text = malloc(100000);
    memset(text, '[', 100000);
    assert_false(canonical_of(text, 100000));
    assert_int_equal(reader.error_offset, 64);
    free(text);
}

static size_t keys_write(char *text, int count, int repeated)
{
    size_t size = 0;
    text[size++] = '{';
    for (int i = 0; i < count; i++) {
        size += (size_t)sprintf(text + size, "%s\"k%d\":%d", i > 0 ? "," : "", i, i);
    }
    if (repeated >= 0) {
        size += (size_t)sprintf(text + size, ",\"k%d\":0", repeated);
    }
    text[size++] = '}';
    return size;
}

static void a_repeated_key_is_found_among_any_number(void **state)
{
    (void)state;
    char *text = malloc(TEXT_MAX);
    static const int counts[] = {1, 2, 15, 63, 64, 65, 66, 500, 2047};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        assert_true(canonical_of(text, keys_write(text, counts[i], -1)));
        assert_false(canonical_of(text, keys_write(text, counts[i], 0)));
        assert_false(canonical_of(text, keys_write(text, counts[i], counts[i] - 1)));
        assert_non_null(strstr(reader.error, "twice"));
    }
    assert_true(canonical_of(text, keys_write(text, PS_JSON_KEYS_MAX, -1)));
    assert_false(canonical_of(text, keys_write(text, PS_JSON_KEYS_MAX + 1, -1)));
    assert_non_null(strstr(reader.error, "2,048"));
    free(text);
}

static void keys_of_closed_objects_are_forgotten(void **state)
{
    (void)state;
    char *text = malloc(TEXT_MAX);
    size_t size = 0;
    text[size++] = '[';
    for (int i = 0; i < 5000; i++) {
        size +=
            (size_t)sprintf(text + size, "%s{\"a\":{\"b\":1,\"c\":2},\"b\":1}", i > 0 ? "," : "");
    }
    text[size++] = ']';
    assert_true(canonical_of(text, size));
    free(text);
}

static void a_failed_text_leaves_nothing_behind(void **state)
{
    (void)state;
    assert_false(canonical_of("{\"a\":{\"b\":1,", 12));
    assert_true(canonical_of("{\"a\":{\"b\":1}}", 13));
    assert_true(canonical_of("{\"a\":{\"b\":1}}", 13));
}

static void strings_are_unescaped_in_place(void **state)
{
    (void)state;
    char text[] = "{\"\\u0061b\":\"x\\ty\"}";
    ps_json_reader_begin(&reader, text, strlen(text));
    assert_int_equal(ps_json_reader_next(&reader), PS_JSON_OBJECT_BEGIN);
    assert_int_equal(ps_json_reader_next(&reader), PS_JSON_KEY);
    assert_true(ps_slice_equal(reader.value, PS_SLICE("ab")));
    assert_true(reader.value.data > text && reader.value.data < text + sizeof text);
    assert_int_equal(ps_json_reader_next(&reader), PS_JSON_STRING);
    assert_true(ps_slice_equal(reader.value, PS_SLICE("x\ty")));
    assert_int_equal(ps_json_reader_next(&reader), PS_JSON_OBJECT_END);
    assert_int_equal(ps_json_reader_next(&reader), PS_JSON_END);
    assert_int_equal(ps_json_reader_next(&reader), PS_JSON_END);
}

static void canonical_text_is_left_as_it_stands(void **state)
{
    (void)state;
    char text[] = "{\"a\":{\"k\":\"x\\ty\"},\"b\":[1]}";
    ps_slice span;
    ps_json_reader_begin_canonical(&reader, text, strlen(text));
    assert_int_equal(ps_json_reader_next(&reader), PS_JSON_OBJECT_BEGIN);
    assert_int_equal(ps_json_reader_next(&reader), PS_JSON_KEY);
    assert_true(ps_json_reader_skip(&reader, &span));
    assert_true(ps_slice_equal(span, PS_SLICE("{\"k\":\"x\\ty\"}")));
    assert_int_equal(ps_json_unescaped_size(PS_SLICE("x\\ty\\u00e9")), 5);
    assert_int_equal(ps_json_reader_next(&reader), PS_JSON_KEY);
    assert_true(ps_json_reader_skip(&reader, &span));
    assert_true(ps_slice_equal(span, PS_SLICE("[1]")));
}

static void only_integers_are_integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_integer;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"-1", true, -1},
        {"1000000000000000", true, 1000000000000000},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"12345678901234567890", false, 0},
        {"123456789012345678901234567890", false, 0},
        {"-0", false, 0},
        {"1.0", false, 0},
        {"1e3", false, 0},
        {"1E3", false, 0},
        {"10e-1", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t value = 0;
        assert_int_equal(ps_json_integer(ps_slice_text(cases[i].text), &value),
                         cases[i].is_integer);
        assert_int_equal(value, cases[i].value);
    }
}

/* ── against jansson ── */

static uint64_t draw_state = 0x853C49E6748FEA9Bu;
static uint32_t draw(uint32_t bound)
{
    draw_state = draw_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((draw_state >> 33) % bound);
}

static size_t value_write(char *text, int depth);

static size_t string_write(char *text)
{
    static const char *const parts[] = {"a",       "b",
                                        "key",     "é",
                                        "€",       "😀",
                                        "\\n",     "\\u00e9",
                                        " ",       "\\\\",
                                        "\\u0001", "\\ud83d\\ude00",
                                        "\\\"",    "0123456789abcdef",
                                        "/",       "\\/"};
    size_t size = 0;
    text[size++] = '"';
    for (uint32_t i = draw(5); i > 0; i--) {
        const char *part = parts[draw(sizeof parts / sizeof parts[0])];
        memcpy(text + size, part, strlen(part));
        size += strlen(part);
    }
    text[size++] = '"';
    return size;
}

static size_t container_write(char *text, int depth, bool is_object)
{
    size_t size = 0;
    text[size++] = is_object ? '{' : '[';
    uint32_t count = draw(5);
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0) {
            text[size++] = ',';
        }
        if (draw(4) == 0) {
            text[size++] = ' ';
        }
        if (is_object) {
            size += string_write(text + size);
            text[size++] = ':';
        }
        size += value_write(text + size, depth + 1);
    }
    text[size++] = is_object ? '}' : ']';
    return size;
}

static size_t value_write(char *text, int depth)
{
    static const char *const words[] = {"null", "true", "false", "0",
                                        "-12",  "3.5",  "1e2",   "123456"};
    uint32_t kind = draw(depth > 4 ? 4 : 8);
    if (kind < 2) {
        const char *word = words[draw(sizeof words / sizeof words[0])];
        memcpy(text, word, strlen(word));
        return strlen(word);
    }
    return kind < 4 ? string_write(text) : container_write(text, depth, kind % 2 == 0);
}

static size_t mutate(char *text, size_t size)
{
    static const char bytes[] = "{}[]\",:\\u0019.eE-+ tfn\n\xC3\xA9\xED\xFF";
    for (uint32_t i = draw(3); i > 0 && size > 0; i--) {
        size_t at = draw((uint32_t)size);
        if (draw(2) == 0) {
            text[at] = bytes[draw(sizeof bytes - 1)];
        } else {
            memmove(text + at, text + at + 1, size - at - 1);
            size--;
        }
    }
    return size;
}

/* jansson with its strict flags is as strict as we are, but for numbers that overflow a double and
 * keys with a NUL. */
static void random_and_mutated_texts_are_judged_as_jansson_does(void **state)
{
    (void)state;
    static char text[1 << 18];
    int accepted = 0;
    for (int round = 0; round < 30000; round++) {
        size_t size = mutate(text, value_write(text, 0));
        json_error_t error;
        json_t *theirs = json_loadb(
            text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
        bool ours = canonical_of(text, size);
        if (theirs == NULL && (strstr(error.text, "overflow") || strstr(error.text, "too big") ||
                               strstr(error.text, "NUL byte in object key"))) {
            continue;
        }
        if (ours != (theirs != NULL)) {
            fail_msg("round %d: %.*s: ours %d (%s), theirs: %s", round, (int)size, text, ours,
                     ours ? "" : reader.error, error.text);
        }
        if (ours) {
            json_t *again =
                json_loadb(out.data, out.size,
                           JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
            assert_non_null(again);
            assert_true(json_equal(theirs, again));
            json_decref(again);
            accepted++;
        }
        json_decref(theirs);
    }
    assert_in_range(accepted, 5000, 29000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_accept_table_is_accepted),
        cmocka_unit_test(the_reject_table_is_rejected),
        cmocka_unit_test(sixty_four_levels_are_read_and_one_more_is_not),
        cmocka_unit_test(a_hundred_thousand_levels_end_at_the_sixty_fifth),
        cmocka_unit_test(a_repeated_key_is_found_among_any_number),
        cmocka_unit_test(keys_of_closed_objects_are_forgotten),
        cmocka_unit_test(a_failed_text_leaves_nothing_behind),
        cmocka_unit_test(strings_are_unescaped_in_place),
        cmocka_unit_test(canonical_text_is_left_as_it_stands),
        cmocka_unit_test(only_integers_are_integers),
        cmocka_unit_test(random_and_mutated_texts_are_judged_as_jansson_does),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
