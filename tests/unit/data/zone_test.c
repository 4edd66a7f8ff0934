/* Time zones: offsets, gaps and overlaps. Named zones are skipped where no database is installed. */
#include "../base/testing.h"

#include <stdio.h>
#include <time.h>

#include "base/zone_file.h"
#include "data/datetime.h"

static ps_arena arena;

static int setup(void **state)
{
    (void)state;
    ps_arena_init(&arena, 1 << 24);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ps_arena_release(&arena);
    return 0;
}

static bool has_database(void)
{
    const ps_zone *zone;
    ps_error err;
    return ps_zone_find(&arena, PS_SLICE("Europe/Berlin"), &zone, &err) == PS_OK;
}

static const ps_zone *find(const char *name)
{
    const ps_zone *zone = NULL;
    ps_error err;
    if (ps_zone_find(&arena, ps_slice_text(name), &zone, &err) != PS_OK) {
        fail_msg("%s: %s", name, err.text);
    }
    return zone;
}

static int64_t ms_of(const char *text)
{
    int64_t ms;
    assert_true(ps_timestamp_parse(ps_slice_text(text), 1000, &ms));
    return ms;
}

static void fixed_offsets_need_no_database(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int offset_s;
    } table[] = {
        {"UTC", 0},           {"Z", 0},
        {"GMT", 0},           {"UT", 0},
        {"GMT+08:00", 28800}, {"UTC-3", -10800},
        {"+08:00", 28800},    {"-05:30", -19800},
        {"+0530", 19800},     {"+01:02:03", 3723},
        {"+18:00", 64800},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const ps_zone *zone = find(table[i].name);
        assert_int_equal(ps_zone_offset_at(zone, 1767225600000), table[i].offset_s * 1000);
        assert_int_equal(ps_zone_to_epoch(zone, 1767225600000),
                         1767225600000 - table[i].offset_s * 1000);
    }
}

static void names_that_are_no_zones_are_missing(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",        "Europe/Nowhere", "+19:00",    "+8:00",         "+08:60",
        "GMT+",    "/etc/passwd",    "../passwd", "Europe/../UTC", "Europe/",
        "Europe",  "Europe//Berlin", "a b",       "+08:",          "UTC+08:00x",
        "++08:00", "Mars/Phobos"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const ps_zone *zone;
        ps_error err;
        if (ps_zone_find(&arena, ps_slice_text(names[i]), &zone, &err) != PS_E_MISSING) {
            fail_msg("'%s'", names[i]);
        }
        assert_true(err.text[0] != '\0');
    }
}

static void clocks_change_at_the_hours_of_the_law(void **state)
{
    (void)state;
    static const struct {
        const char *zone, *utc;
        int offset_minutes;
    } table[] = {
        {"Europe/Berlin", "2026-03-29 00:59:59.999", 60},
        {"Europe/Berlin", "2026-03-29 01:00:00", 120},
        {"Europe/Berlin", "2026-10-25 00:59:59.999", 120},
        {"Europe/Berlin", "2026-10-25 01:00:00", 60},
        {"Europe/Berlin", "2500-07-01 12:00:00", 120}, /* by the rule in the file's footer */
        {"Europe/Berlin", "2500-01-01 12:00:00", 60},
        {"America/New_York", "2100-03-14 06:59:59", -300},
        {"America/New_York", "2100-03-14 07:00:00", -240},
        {"Australia/Sydney", "2100-01-01 00:00:00", 660},
        {"Australia/Sydney", "2100-07-01 00:00:00", 600},
        {"Asia/Tokyo", "2026-01-01 00:00:00", 540},
        {"Asia/Kolkata", "2300-01-01 00:00:00", 330},
        {"Asia/Kathmandu", "2026-01-01 00:00:00", 345},
    };
    if (!has_database()) {
        skip();
    }
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        int64_t offset = ps_zone_offset_at(find(table[i].zone), ms_of(table[i].utc));
        if (offset != table[i].offset_minutes * 60000) {
            fail_msg("%s %s: %d", table[i].zone, table[i].utc, (int)(offset / 60000));
        }
    }
}

static void a_wall_clock_in_a_gap_moves_forward_and_in_an_overlap_is_the_earlier(void **state)
{
    (void)state;
    static const struct {
        const char *zone, *local, *utc;
    } table[] = {
        {"Europe/Berlin", "2026-03-29 01:59:59.999", "2026-03-29 00:59:59.999"},
        {"Europe/Berlin", "2026-03-29 02:30:00", "2026-03-29 01:30:00"}, /* 03:30 of summer */
        {"Europe/Berlin", "2026-03-29 03:00:00", "2026-03-29 01:00:00"},
        {"Europe/Berlin", "2026-10-25 02:30:00", "2026-10-25 00:30:00"},
        {"Europe/Berlin", "2026-10-25 03:00:00", "2026-10-25 02:00:00"},
        {"America/New_York", "2026-11-01 01:30:00", "2026-11-01 05:30:00"},
        {"Pacific/Apia", "2011-12-30 12:00:00", "2011-12-30 22:00:00"}, /* no such day there */
        {"Asia/Tokyo", "2026-01-01 09:00:00", "2026-01-01 00:00:00"},
    };
    if (!has_database()) {
        skip();
    }
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        int64_t epoch = ps_zone_to_epoch(find(table[i].zone), ms_of(table[i].local));
        if (epoch != ms_of(table[i].utc)) {
            fail_msg("%s %s: %lld off", table[i].zone, table[i].local,
                     (long long)(epoch - ms_of(table[i].utc)));
        }
    }
}

/* The C library reads the same files with its own code. */
static void offsets_agree_with_the_c_library(void **state)
{
    (void)state;
    static const char *const names[] = {
        "Europe/Berlin",       "America/New_York", "Africa/Casablanca",
        "Australia/Lord_Howe", "America/Santiago", "Asia/Tehran",
        "Europe/Dublin",       "Asia/Kolkata",     "Pacific/Apia"};
    if (!has_database()) {
        skip();
    }
    uint64_t seed = 4;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const ps_zone *zone = find(names[i]);
        setenv("TZ", names[i], 1);
        tzset();
        for (int k = 0; k < 3000; k++) {
            time_t second = (time_t)test_draw(&seed, 8000000000) - 2000000000; /* 1906 … 2160 */
            struct tm parts;
            assert_non_null(localtime_r(&second, &parts));
            if (ps_zone_offset_at(zone, second * 1000) != parts.tm_gmtoff * 1000) {
                fail_msg("%s at %lld", names[i], (long long)second);
            }
        }
    }
    unsetenv("TZ");
    tzset();
}

static void instants_and_wall_clocks_are_inverse_outside_of_overlaps(void **state)
{
    (void)state;
    if (!has_database()) {
        skip();
    }
    const ps_zone *zone = find("Europe/Berlin");
    uint64_t seed = 6;
    for (int i = 0; i < 20000; i++) {
        int64_t epoch = (int64_t)test_draw(&seed, 8000000000000) - 2000000000000;
        int64_t offset = ps_zone_offset_at(zone, epoch);
        int64_t back = ps_zone_to_epoch(zone, epoch + offset);
        /* in an overlap the earlier of two instants is taken */
        assert_true(back == epoch || (back < epoch && ps_zone_offset_at(zone, back) != offset));
    }
}

static void write_file(const char *path, const char *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
}

/* Every prefix of a file, and the file with each byte changed: an answer or an error, no crash. */
static void damaged_files_are_refused_or_read_within_bounds(void **state)
{
    (void)state;
    if (!has_database()) {
        skip();
    }
    ps_buf bytes;
    ps_error err;
    ps_buf_init(&bytes, 1 << 20);
    assert_int_equal(ps_zone_file_read(PS_SLICE("Europe/Berlin"), &bytes, &err), PS_OK);
    char folder[] = "/tmp/ps_zone_XXXXXX";
    assert_non_null(mkdtemp(folder));
    char path[64];
    snprintf(path, sizeof path, "%s/Damaged", folder);
    setenv("TZDIR", folder, 1);
    for (size_t i = 0; i < bytes.size; i++) {
        const ps_zone *zone;
        if (i % 7 == 0 || i + 40 > bytes.size) {
            write_file(path, bytes.data, i);
            assert_int_not_equal(ps_zone_find(&arena, PS_SLICE("Damaged"), &zone, &err), PS_OK);
        }
        bytes.data[i] = (char)(bytes.data[i] ^ 0x55);
        write_file(path, bytes.data, bytes.size);
        if (ps_zone_find(&arena, PS_SLICE("Damaged"), &zone, &err) == PS_OK) {
            (void)ps_zone_to_epoch(zone, 1767225600000);
            (void)ps_zone_to_epoch(zone, 9767225600000);
        }
        bytes.data[i] = (char)(bytes.data[i] ^ 0x55);
        ps_arena_reset(&arena);
    }
    unlink(path);
    rmdir(folder);
    const ps_zone *zone;
    assert_int_equal(ps_zone_find(&arena, PS_SLICE("Europe/Berlin"), &zone, &err), PS_E_MISSING);
    assert_non_null(strstr(err.text, "no time zone database"));
    unsetenv("TZDIR");
    ps_buf_release(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_offsets_need_no_database),
        cmocka_unit_test(names_that_are_no_zones_are_missing),
        cmocka_unit_test(clocks_change_at_the_hours_of_the_law),
        cmocka_unit_test(a_wall_clock_in_a_gap_moves_forward_and_in_an_overlap_is_the_earlier),
        cmocka_unit_test(offsets_agree_with_the_c_library),
        cmocka_unit_test(instants_and_wall_clocks_are_inverse_outside_of_overlaps),
        cmocka_unit_test(damaged_files_are_refused_or_read_within_bounds),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
