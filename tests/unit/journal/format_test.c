/* Layouts and checks without files. */
#include "fixture.h"

static const ps_segment_header *segment_of_test(void)
{
    static ps_segment_header segment;
    segment = ps_segment_header_make((ps_u128){1, 2}, 3, 1 << 20);
    return &segment;
}

/* One batch of records with the given payload sizes, stamped. */
static uint32_t stamp(char *bytes, const uint32_t *sizes, uint32_t count, ps_batch_header *out)
{
    uint32_t at = sizeof *out;
    for (uint32_t i = 0; i < count; i++) {
        ps_record_header record = {.payload_size = sizes[i], .seq = 10 + i, .type = 1};
        memcpy(bytes + at, &record, sizeof record);
        uint32_t padded_size = ps_format_pad(sizes[i], 8);
        memset(bytes + at + sizeof record, 0, padded_size);
        memset(bytes + at + sizeof record, (int)(i + 1), sizes[i]);
        at += (uint32_t)sizeof record + padded_size;
    }
    *out = (ps_batch_header){.first_seq = 10,
                             .durable_upto = 9,
                             .count = count,
                             .offset = 8192,
                             .previous_hash = {5, 6}};
    return ps_batch_stamp(bytes, at, segment_of_test(), out);
}

static void a_stamped_batch_is_valid_and_has_marks_when_large(void **state)
{
    (void)state;
    static char bytes[1 << 18];
    static const struct {
        uint32_t size, count, marks;
    } rows[] = {{0, 1, 0},     {1, 1, 0},      {100, 30, 0},  {1000, 16, 0},
                {1000, 17, 1}, {1000, 100, 6}, {20000, 4, 3}, {9, 3000, 10}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t sizes[3000];
        for (uint32_t k = 0; k < rows[i].count; k++) {
            sizes[k] = rows[i].size;
        }
        ps_batch_header made;
        ps_batch_header read;
        uint32_t size = stamp(bytes, sizes, rows[i].count, &made);
        assert_int_equal(size % PS_PAGE, 0);
        assert_null(ps_batch_header_decode(bytes, segment_of_test(), 8192, &read));
        assert_memory_equal(&made, &read, sizeof made);
        assert_null(ps_batch_check(bytes, &read));
        assert_int_equal(read.mark_count, rows[i].marks);
    }
}

/* The header before its length is believed; every byte of it. */
static bool header_bits_are_covered(void)
{
    static char bytes[8192];
    uint32_t sizes[2] = {100, 100};
    ps_batch_header batch;
    (void)stamp(bytes, sizes, 2, &batch);
    char *at = bytes + sizeof batch;
    for (uint32_t bit = 0; bit < sizeof(ps_record_header) * 8; bit++) {
        ps_record_header record;
        at[bit / 8] ^= (char)(1 << bit % 8);
        if (ps_record_header_decode(at, 280, &batch, 10, &record) == NULL) {
            return false;
        }
        at[bit / 8] ^= (char)(1 << bit % 8);
    }
    return true;
}

/* Payload and its closing zeros. */
static bool payload_bits_are_covered(void)
{
    static char bytes[8192];
    uint32_t sizes[1] = {101};
    ps_batch_header batch;
    (void)stamp(bytes, sizes, 1, &batch);
    ps_record_header record;
    assert_null(ps_record_header_decode(bytes + sizeof batch, 144, &batch, 10, &record));
    char *at = bytes + sizeof batch + sizeof record;
    for (uint32_t bit = 0; bit < 104 * 8; bit++) {
        at[bit / 8] ^= (char)(1 << bit % 8);
        if (ps_record_payload_check(at, &record) == NULL) {
            return false;
        }
        at[bit / 8] ^= (char)(1 << bit % 8);
    }
    return true;
}

static void every_bit_of_a_record_is_covered_by_its_own_checksums(void **state)
{
    (void)state;
    assert_true(header_bits_are_covered());
    assert_true(payload_bits_are_covered());
}

static void every_bit_of_a_batch_is_covered(void **state)
{
    (void)state;
    static char bytes[32768];
    uint32_t sizes[40];
    for (uint32_t i = 0; i < 40; i++) {
        sizes[i] = 10 * i + i % 3;
    }
    ps_batch_header made;
    uint32_t size = stamp(bytes, sizes, 40, &made);
    for (uint32_t bit = 0; bit < size * 8; bit += fx_full() ? 1 : 7) {
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        ps_batch_header read;
        bool good = ps_batch_header_decode(bytes, segment_of_test(), 8192, &read) == NULL &&
                    ps_batch_check(bytes, &read) == NULL;
        assert_false(good);
        bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
}

/* A batch of a segment, place or journal that is not the one at hand. */
static void stale_and_misdirected_bytes_do_not_validate(void **state)
{
    (void)state;
    static char bytes[8192];
    uint32_t sizes[1] = {100};
    ps_batch_header made;
    ps_batch_header read;
    (void)stamp(bytes, sizes, 1, &made);
    ps_segment_header other = ps_segment_header_make((ps_u128){1, 3}, 3, 1 << 20);
    assert_string_equal(ps_batch_header_decode(bytes, &other, 8192, &read),
                        "batch of another segment");
    other = ps_segment_header_make((ps_u128){1, 2}, 4, 1 << 20);
    assert_string_equal(ps_batch_header_decode(bytes, &other, 8192, &read),
                        "batch of another segment");
    assert_string_equal(ps_batch_header_decode(bytes, segment_of_test(), 4096, &read),
                        "batch of another place");
}

/* Right checksums over wrong fields: a bug of a writer, or someone's hand. */
static void fields_are_checked_behind_the_checksums(void **state)
{
    (void)state;
    static const struct {
        uint32_t at, size, value;
        const char *why;
    } records[] = {
        {4, 4, 270000, "record beyond its batch"},
        {4, 4, 5000, "record beyond its batch"},
        {8, 4, 11, "record out of sequence"},
        {16, 4, 1, "record of another segment"},
        {20, 4, 9, "record of another segment"},
        {25, 1, 1, "reserved fields in a record header"},
        {26, 2, 1, "reserved fields in a record header"},
        {36, 4, 1, "reserved fields in a record header"},
        {32, 4, 1, "record chain"},
    };
    static const struct {
        uint32_t at, value;
        const char *why;
    } batches[] = {
        {24, 0, "fields of a batch header"},
        {32, 10, "fields of a batch header"},
        {68, 0, "fields of a batch header"},
        {68, 1000, "batch size"},
        {72, 95, "batch size"},
        {72, 1 << 21, "batch size"},
        {76, 1 << 20, "batch size"},
        {80, 2, "fields of a batch header"},
        {80, 1, "fields of a batch header"},
        {88, 1, "fields of a batch header"},
        {0, 7, "no batch"},
        {84, 4096, "batch of another place"},
    };
    static char bytes[8192];
    uint32_t sizes[2] = {100, 100};
    ps_batch_header batch;
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        (void)stamp(bytes, sizes, 2, &batch);
        char *at = bytes + sizeof batch;
        memcpy(at + records[i].at, &records[i].value, records[i].size);
        ps_put_u32(at, ps_crc32c(0, at + 4, sizeof(ps_record_header) - 4));
        batch.hash = ps_xxh3_128(bytes + 24, 4096 - 24);
        assert_string_equal(ps_batch_check(bytes, &batch), records[i].why);
    }
    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
        ps_batch_header read;
        (void)stamp(bytes, sizes, 2, &batch);
        ps_put_u32(bytes + batches[i].at, batches[i].value);
        ps_put_u32(bytes + 4, ps_crc32c(0, bytes + 8, sizeof batch - 8));
        assert_string_equal(ps_batch_header_decode(bytes, segment_of_test(), 8192, &read),
                            batches[i].why);
    }
    ps_segment_header header = *segment_of_test();
    char page[PS_PAGE];
    ps_page_encode(&header, sizeof header, page);
    page[4000] = 1;
    ps_put_u32(page + 8, ps_crc32c(0, page + 12, PS_PAGE - 12));
    assert_string_equal(ps_page_decode(page, PS_SEGMENT_MAGIC, &header, sizeof header),
                        "reserved bytes in the header");
}

static void a_page_is_zero_only_if_all_of_it_is(void **state)
{
    (void)state;
    char page[100] = {0};
    assert_true(ps_is_zero(page, 0));
    assert_true(ps_is_zero(page, 100));
    for (uint32_t i = 0; i < 100; i++) {
        page[i] = 1;
        assert_false(ps_is_zero(page, 100));
        page[i] = 0;
    }
}

static void planted_gaps_in_the_record_checksums_are_caught(void **state)
{
    (void)state;
#ifdef PS_BUGGIFY
    ps_planted = PS_BUG_CRC_WITHOUT_LENGTH;
    bool header_good = header_bits_are_covered();
    ps_planted = PS_BUG_CRC_WITHOUT_PADDING;
    bool payload_good = payload_bits_are_covered();
    ps_planted = PS_BUG_NONE;
    assert_false(header_good);
    assert_false(payload_good);
#else
    print_message("           needs -DPS_BUGGIFY=ON\n");
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stamped_batch_is_valid_and_has_marks_when_large),
        cmocka_unit_test(every_bit_of_a_record_is_covered_by_its_own_checksums),
        cmocka_unit_test(every_bit_of_a_batch_is_covered),
        cmocka_unit_test(stale_and_misdirected_bytes_do_not_validate),
        cmocka_unit_test(fields_are_checked_behind_the_checksums),
        cmocka_unit_test(a_page_is_zero_only_if_all_of_it_is),
        cmocka_unit_test(planted_gaps_in_the_record_checksums_are_caught),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
