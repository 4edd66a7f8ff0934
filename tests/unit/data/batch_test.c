/* Batch builders: rows set one by one, copied and appended. */
#include "random_rows.h"

static void same_row(const ps_batch *a, uint32_t a_row, const ps_batch *b, uint32_t b_row)
{
    for (uint32_t i = 0; i < TEST_COLUMNS; i++) {
        test_same_value(test_types[i], &a->columns[i], a_row, &b->columns[i], b_row);
    }
    assert_int_equal(ps_batch_kind(a, a_row), ps_batch_kind(b, b_row));
    assert_int_equal(a->watermarks[a_row], b->watermarks[b_row]);
    assert_int_equal(a->sequences[a_row], b->sequences[b_row]);
}

static void columns_that_are_not_set_are_null(void **state)
{
    (void)state;
    ps_batch_builder builder;
    ps_error err;
    assert_int_equal(ps_batch_builder_init(&builder, TEST_COLUMNS, test_types, 2, &err), PS_OK);
    ps_batch_builder_begin_row(&builder, PS_KIND_INSERT, 5, 6);
    ps_batch_builder_set_i64(&builder, 0, -3);
    ps_batch_builder_set_f64(&builder, 1, 2.5);
    ps_batch_builder_set_i128(&builder, 2, -4);
    assert_int_equal(ps_batch_builder_set_text(&builder, 3, PS_SLICE("abc"), &err), PS_OK);
    ps_batch_builder_end_row(&builder);
    const ps_batch *batch = &builder.batch;
    assert_int_equal(batch->row_count, 1);
    assert_null(batch->kinds); /* all are inserts */
    assert_int_equal(batch->columns[0].i64[0], -3);
    assert_true(batch->columns[1].f64[0] == 2.5);
    assert_true(batch->columns[2].i128[0] == -4);
    assert_true(ps_slice_equal(batch->columns[3].text[0], PS_SLICE("abc")));
    for (uint32_t i = 4; i < TEST_COLUMNS; i++) {
        assert_true(ps_column_is_null(&batch->columns[i], 0));
    }
    assert_int_equal(batch->watermark_after, 5);
    assert_int_equal(batch->sequence_after, 6);
    ps_batch_builder_begin_row(&builder, PS_KIND_DELETE, 5, 6);
    ps_batch_builder_end_row(&builder);
    assert_true(ps_batch_builder_is_full(&builder));
    assert_int_equal(ps_batch_kind(batch, 0), PS_KIND_INSERT);
    assert_int_equal(ps_batch_kind(batch, 1), PS_KIND_DELETE);
    ps_batch_builder_release(&builder);
}

static void a_row_that_was_not_ended_leaves_nothing_behind(void **state)
{
    (void)state;
    ps_batch_builder builder, other;
    ps_error err;
    uint64_t seed = 1;
    test_fill(&builder, 3, &seed);
    ps_batch_builder_begin_row(&builder, PS_KIND_INSERT, 9, 9);
    ps_batch_builder_set_i64(&builder, 0, 77);
    assert_int_equal(ps_batch_builder_set_text(&builder, 3, PS_SLICE("gone"), &err), PS_OK);
    ps_batch_builder_begin_row(&builder, PS_KIND_INSERT, 9, 9);
    assert_true(ps_column_is_null(&builder.batch.columns[0], 3));
    assert_int_equal(builder.batch.columns[0].i64[3], 0);
    assert_int_equal(builder.batch.columns[3].text[3].size, 0);
    ps_batch_builder_set_i64(&builder, 0, 78);
    test_fill(&other, 2, &seed);
    uint32_t taken;
    assert_int_equal(ps_batch_builder_append(&builder, &other.batch, 0, 2, &taken, &err), PS_OK);
    same_row(&other.batch, 0, &builder.batch, 3);
    same_row(&other.batch, 1, &builder.batch, 4);
    ps_batch_builder_release(&builder);
    ps_batch_builder_release(&other);
}

static void reset_forgets_rows_and_keeps_the_watermark(void **state)
{
    (void)state;
    ps_batch_builder builder;
    uint64_t seed = 2;
    test_fill(&builder, 100, &seed);
    int64_t watermark = builder.batch.watermark_after;
    assert_int_equal(watermark, 1099);
    ps_batch_builder_reset(&builder);
    assert_int_equal(builder.batch.row_count, 0);
    assert_null(builder.batch.kinds);
    assert_int_equal(builder.batch.watermark_after, watermark);
    for (uint32_t row = 0; row < 100; row++) {
        ps_batch_builder_begin_row(&builder, PS_KIND_INSERT, 2000, 2000);
        ps_batch_builder_end_row(&builder);
        for (uint32_t i = 0; i < TEST_COLUMNS; i++) {
            assert_true(ps_column_is_null(&builder.batch.columns[i], row));
        }
    }
    ps_batch_builder_release(&builder);
}

static void appended_rows_equal_their_source_at_every_offset(void **state)
{
    (void)state;
    uint64_t seed = 3;
    ps_batch_builder source, builder;
    ps_error err;
    test_fill(&source, 1000, &seed);
    for (int round = 0; round < 60; round++) {
        assert_int_equal(ps_batch_builder_init(&builder, TEST_COLUMNS, test_types, 700, &err),
                         PS_OK);
        uint32_t origin[700];
        while (!ps_batch_builder_is_full(&builder)) {
            uint32_t at = builder.batch.row_count;
            uint32_t from = (uint32_t)test_draw(&seed, 1000);
            uint32_t to = from + (uint32_t)test_draw(&seed, 1001 - from);
            uint32_t taken = 99999;
            assert_int_equal(
                ps_batch_builder_append(&builder, &source.batch, from, to, &taken, &err), PS_OK);
            assert_int_equal(taken, to - from < 700 - at ? to - from : 700 - at);
            for (uint32_t i = 0; i < taken; i++) {
                origin[at + i] = from + i;
            }
        }
        for (uint32_t row = 0; row < 700; row++) {
            same_row(&source.batch, origin[row], &builder.batch, row);
        }
        ps_batch_builder_release(&builder);
    }
    ps_batch_builder_release(&source);
}

static void columns_without_nulls_are_appended_and_copied_as_valid(void **state)
{
    (void)state;
    ps_batch_builder builder;
    ps_error err;
    const ps_type *types[] = {&ps_type_bigint};
    int64_t values[130];
    int64_t watermarks[130] = {0};
    uint64_t sequences[130] = {0};
    for (int i = 0; i < 130; i++) {
        values[i] = i * i;
    }
    ps_column column = {.i64 = values};
    ps_batch batch = {.row_count = 130,
                      .column_count = 1,
                      .columns = &column,
                      .watermarks = watermarks,
                      .sequences = sequences};
    assert_int_equal(ps_batch_builder_init(&builder, 1, types, 200, &err), PS_OK);
    ps_batch_builder_begin_row(&builder, PS_KIND_INSERT, 0, 0);
    assert_int_equal(ps_batch_builder_copy(&builder, 0, &column, 3, &err), PS_OK);
    ps_batch_builder_end_row(&builder);
    uint32_t taken;
    assert_int_equal(ps_batch_builder_append(&builder, &batch, 1, 130, &taken, &err), PS_OK);
    assert_int_equal(taken, 129);
    assert_int_equal(builder.batch.columns[0].i64[0], 9);
    for (uint32_t row = 1; row < 130; row++) {
        assert_false(ps_column_is_null(&builder.batch.columns[0], row));
        assert_int_equal(builder.batch.columns[0].i64[row], row * row);
    }
    ps_batch_builder_release(&builder);
}

static void texts_are_copied(void **state)
{
    (void)state;
    ps_batch_builder builder;
    ps_error err;
    const ps_type *types[] = {&ps_type_string};
    char *text = malloc(40000);
    assert_int_equal(ps_batch_builder_init(&builder, 1, types, 8, &err), PS_OK);
    static const size_t sizes[] = {40000, 10000, 10000, 0, 1, 16384, 16383, 5};
    for (size_t i = 0; i < 8; i++) {
        memset(text, 'a' + (int)i, sizes[i]);
        ps_batch_builder_begin_row(&builder, PS_KIND_INSERT, 0, 0);
        assert_int_equal(ps_batch_builder_set_text(&builder, 0, (ps_slice){text, sizes[i]}, &err),
                         PS_OK);
        ps_batch_builder_end_row(&builder);
    }
    free(text);
    for (size_t i = 0; i < 8; i++) {
        ps_slice copy = builder.batch.columns[0].text[i];
        assert_false(ps_column_is_null(&builder.batch.columns[0], (uint32_t)i));
        assert_int_equal(copy.size, sizes[i]);
        for (size_t k = 0; k < copy.size; k++) {
            assert_int_equal(copy.data[k], 'a' + (int)i);
        }
    }
    ps_batch_builder_release(&builder);
}

static void an_append_that_finds_no_memory_leaves_the_rows_as_they_were(void **state)
{
    (void)state;
    ps_batch_builder source, builder;
    ps_error err;
    uint64_t seed = 5;
    test_fill(&source, 1000, &seed);
    test_fill(&builder, 10, &seed);
    builder.text.total_max = builder.text.total;
    builder.text_left = 50;
    uint32_t taken = 55;
    assert_int_equal(ps_batch_builder_append(&builder, &source.batch, 0, 900, &taken, &err),
                     PS_E_MEMORY);
    assert_int_equal(taken, 55);
    assert_int_equal(builder.batch.row_count, 10);
    ps_batch_builder_begin_row(&builder, PS_KIND_INSERT, 0, 0);
    for (uint32_t i = 0; i < TEST_COLUMNS; i++) {
        assert_true(ps_column_is_null(&builder.batch.columns[i], 10));
    }
    ps_batch_builder_release(&source);
    ps_batch_builder_release(&builder);
}

static void gather_takes_the_selected_rows_also_in_place(void **state)
{
    (void)state;
    uint64_t seed = 4;
    ps_batch_builder source, target;
    test_fill(&source, 1000, &seed);
    test_fill(&target, 1000, &seed);
    uint32_t selection[1000];
    uint32_t count = 0;
    for (uint32_t row = 0; row < 1000; row++) {
        if (test_draw(&seed, 3) == 0) {
            selection[count++] = row;
        }
    }
    for (uint32_t i = 0; i < TEST_COLUMNS; i++) {
        ps_phys phys = ps_type_phys(test_types[i]);
        ps_column *from = &source.batch.columns[i];
        ps_column *to = &target.batch.columns[i];
        ps_column_gather(phys, from, selection, count, to);
        for (uint32_t k = 0; k < count; k++) {
            test_same_value(test_types[i], from, selection[k], to, k);
        }
        ps_column_gather(phys, from, selection, count, from);
        for (uint32_t k = 0; k < count; k++) {
            test_same_value(test_types[i], to, k, from, k);
        }
        ps_column no_nulls = {.values = from->values};
        ps_column gathered = *to;
        ps_column_gather(phys, &no_nulls, selection, count, &gathered);
        assert_null(gathered.valid);
    }
    ps_batch_builder_release(&source);
    ps_batch_builder_release(&target);
}

static void kinds_have_the_texts_of_changelogs(void **state)
{
    (void)state;
    assert_string_equal(ps_kind_text(PS_KIND_INSERT), "+I");
    assert_string_equal(ps_kind_text(PS_KIND_UPDATE_BEFORE), "-U");
    assert_string_equal(ps_kind_text(PS_KIND_UPDATE_AFTER), "+U");
    assert_string_equal(ps_kind_text(PS_KIND_DELETE), "-D");
    assert_true(ps_kind_adds(PS_KIND_INSERT) && ps_kind_adds(PS_KIND_UPDATE_AFTER));
    assert_false(ps_kind_adds(PS_KIND_DELETE) || ps_kind_adds(PS_KIND_UPDATE_BEFORE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_that_are_not_set_are_null),
        cmocka_unit_test(a_row_that_was_not_ended_leaves_nothing_behind),
        cmocka_unit_test(reset_forgets_rows_and_keeps_the_watermark),
        cmocka_unit_test(appended_rows_equal_their_source_at_every_offset),
        cmocka_unit_test(columns_without_nulls_are_appended_and_copied_as_valid),
        cmocka_unit_test(texts_are_copied),
        cmocka_unit_test(an_append_that_finds_no_memory_leaves_the_rows_as_they_were),
        cmocka_unit_test(gather_takes_the_selected_rows_also_in_place),
        cmocka_unit_test(kinds_have_the_texts_of_changelogs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
