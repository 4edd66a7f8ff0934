/* The file that says which certificate may use which key: its lines, and what no line allows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "pay/id.h"
#include "serve/certificate_map.h"

static const ps_u128 instance = {.high = 1, .low = 2};

typedef struct {
    char path[64];
    ps_certificate_map *map;
    ps_error err;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    *state = f;
    snprintf(f->path, sizeof f->path, "/tmp/certificate_map_XXXXXX");
    int fd = mkstemp(f->path);
    return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
    fixture *f = *state;
    ps_certificate_map_close(f->map);
    unlink(f->path);
    free(f);
    return 0;
}

static void write_text(const fixture *f, const char *text)
{
    FILE *file = fopen(f->path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* "key_…" of this number, in the fixture's instance. */
static const char *key_id(uint32_t number, char out[PS_ID_TEXT_MAX + 1])
{
    size_t size = ps_id_format(instance, PS_ID_KEY, number, INT64_C(1767225600000000000), out);
    out[size] = '\0';
    return out;
}

static ps_code map_open(fixture *f)
{
    return ps_certificate_map_open(f->path, instance, &f->map, &f->err);
}

static void only_what_a_line_allows_is_allowed(void **state)
{
    fixture *f = *state;
    char text[1024], one[PS_ID_TEXT_MAX + 1], two[PS_ID_TEXT_MAX + 1];
    snprintf(text, sizeof text, "# who\n\n%s dns:a\n  %s\tdns:b  \n%s dns:c\n* dns:ops",
             key_id(1, one), one, key_id(2, two));
    write_text(f, text);
    assert_int_equal(map_open(f), PS_OK);
    static const struct {
        uint32_t key;
        const char *identity;
        bool is_allowed;
    } cases[] = {{1, "dns:a", true},    {1, "dns:b", true},   {1, "dns:c", false},
                 {2, "dns:c", true},    {2, "dns:a", false},  {3, "dns:a", false},
                 {1, "dns:ops", true},  {3, "dns:ops", true}, {1, "", false},
                 {1, "dns:a ", false},  {1, "cn:a", false},   {1, "dns:", false},
                 {0, "dns:ops2", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(
            ps_certificate_map_allows(f->map, cases[i].key, ps_slice_text(cases[i].identity)),
            cases[i].is_allowed);
    }
}

static void an_empty_file_allows_nothing(void **state)
{
    fixture *f = *state;
    assert_int_equal(map_open(f), PS_OK);
    assert_false(ps_certificate_map_allows(f->map, 1, PS_SLICE("dns:a")));
}

static void wrong_lines_are_named(void **state)
{
    fixture *f = *state;
    static const char *const lines[] = {
        "*", "* nokind", "* dns:a more", "key_nonsense dns:a", "dns:a *", "pay_1 dns:a"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "* dns:ops\n%s\n", lines[i]);
        write_text(f, text);
        assert_int_equal(map_open(f), PS_E_INVALID);
        assert_non_null(strstr(f->err.text, "line 2"));
    }
    unlink(f->path);
    assert_int_equal(map_open(f), PS_E_INVALID);
}

static void a_changed_file_counts_and_a_wrong_one_changes_nothing(void **state)
{
    fixture *f = *state;
    write_text(f, "* dns:a\n");
    assert_int_equal(map_open(f), PS_OK);
    write_text(f, "* dns:longer\n"); /* another size: seen whatever the clock's grain */
    assert_int_equal(ps_certificate_map_reload(f->map, &f->err), PS_OK);
    assert_false(ps_certificate_map_allows(f->map, 1, PS_SLICE("dns:a")));
    assert_true(ps_certificate_map_allows(f->map, 1, PS_SLICE("dns:longer")));
    write_text(f, "nonsense\n");
    assert_int_equal(ps_certificate_map_reload(f->map, &f->err), PS_E_INVALID);
    assert_int_equal(ps_certificate_map_reload(f->map, &f->err), PS_OK); /* said once */
    assert_true(ps_certificate_map_allows(f->map, 1, PS_SLICE("dns:longer")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(only_what_a_line_allows_is_allowed),
        CASE(an_empty_file_allows_nothing),
        CASE(wrong_lines_are_named),
        CASE(a_changed_file_counts_and_a_wrong_one_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
