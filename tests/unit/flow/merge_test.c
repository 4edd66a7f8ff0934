#include "base/testing.h"

#include "flow/merge.h"

static const ps_type *const types[] = {&ps_type_bigint};
static const ps_type *const *const input_types[] = {types, types, types};
static const uint32_t counts[] = {1, 1, 1};

typedef struct {
    ps_buf text;
    int64_t watermark;
} output;

static ps_code take(void *with, uint32_t input, const ps_batch_part *part, ps_error *err)
{
    (void)err;
    output *out = with;
    for (uint32_t row = part->from; row < part->to; row++) {
        ps_buf_append_format(&out->text, "%u:%lld ", input,
                             (long long)part->batch->columns[0].i64[row]);
        assert_true(part->batch->watermarks[row] >= out->watermark);
    }
    assert_true(part->watermark_after >= out->watermark);
    out->watermark = part->watermark_after;
    return PS_OK;
}

typedef struct {
    int64_t value, watermark;
    uint64_t sequence;
} row;

/* Offers rows from … to−1 of an input; `after` is the watermark behind them. */
static void offer(ps_merge *merge, uint32_t input, const row *rows, uint32_t from, uint32_t to,
                  int64_t after, uint64_t sequence_after)
{
    ps_error err = {0};
    ps_batch_builder builder;
    assert_int_equal(ps_batch_builder_init(&builder, 1, types, PS_BATCH_ROWS, &err), PS_OK);
    for (uint32_t i = from; i < to; i++) {
        ps_batch_builder_begin_row(&builder, PS_KIND_INSERT, rows[i].watermark, rows[i].sequence);
        ps_batch_builder_set_i64(&builder, 0, rows[i].value);
        ps_batch_builder_end_row(&builder);
    }
    builder.batch.watermark_after = after;
    builder.batch.sequence_after = sequence_after;
    assert_int_equal(ps_merge_offer(merge, input, &builder.batch, &err), PS_OK);
    ps_batch_builder_release(&builder);
}

static ps_merge *open_merge(uint32_t input_count, output *out)
{
    ps_error err;
    ps_merge *merge;
    const ps_merge_options options = {input_count, counts, input_types, take, out};
    assert_int_equal(ps_merge_new(&options, &merge, &err), PS_OK);
    *out = (output){.watermark = PS_WATERMARK_NONE};
    ps_buf_init(&out->text, 1 << 20);
    return merge;
}

static void check_text(output *out, const char *expected)
{
    ps_buf_append_char(&out->text, 0);
    assert_string_equal(out->text.data, expected);
    ps_buf_release(&out->text);
}

#define NONE PS_WATERMARK_NONE
static const row left[] = {{1, NONE, 0}, {2, 10, 1}, {3, 20, 2}};
static const row right[] = {{11, NONE, 0}, {12, 5, 1}, {13, 30, 2}};

static void rows_come_in_the_order_of_watermark_sequence_and_input(void **state)
{
    (void)state;
    for (uint32_t cut = 0; cut <= 3; cut++) { /* however the left input arrives */
        output out;
        ps_merge *merge = open_merge(2, &out);
        offer(merge, 0, left, 0, cut, cut < 3 ? left[cut].watermark : 20, cut);
        offer(merge, 1, right, 0, 3, 30, 3);
        offer(merge, 0, left, cut, 3, 20, 3);
        assert_int_equal(ps_merge_waiting_rows(merge), 1);
        offer(merge, 0, left, 0, 0, PS_WATERMARK_END, UINT64_MAX);
        offer(merge, 1, right, 0, 0, PS_WATERMARK_END, UINT64_MAX);
        assert_int_equal(out.watermark, PS_WATERMARK_END);
        check_text(&out, "0:1 1:11 1:12 0:2 0:3 1:13 ");
        ps_merge_free(merge);
    }
}

static void an_idle_input_holds_nobody_back(void **state)
{
    (void)state;
    output out;
    ps_error err;
    ps_merge *merge = open_merge(2, &out);
    offer(merge, 0, left, 0, 3, 25, 3);
    assert_int_equal(ps_merge_waiting_rows(merge), 2);
    assert_int_equal(ps_merge_set_idle(merge, 1, true, &err), PS_OK);
    assert_int_equal(ps_merge_waiting_rows(merge), 0);
    assert_int_equal(out.watermark, 25);
    offer(merge, 1, right, 0, 2, 5,
          2); /* it comes back behind: its rows meet the watermark of now */
    assert_int_equal(out.watermark, 25);
    /* all are idle: the furthest of them holds, which is not the end */
    assert_int_equal(ps_merge_set_idle(merge, 1, true, &err), PS_OK);
    assert_int_equal(ps_merge_set_idle(merge, 0, true, &err), PS_OK);
    assert_int_equal(out.watermark, 25);
    ps_merge_free(merge);
    ps_buf_release(&out.text);
}

static void waiting_rows_survive_a_checkpoint(void **state)
{
    (void)state;
    output out, again;
    ps_error err;
    ps_merge *merge = open_merge(2, &out);
    offer(merge, 0, left, 0, 3, 25, 3);
    ps_buf saved;
    ps_buf_init(&saved, 1 << 20);
    assert_int_equal(ps_merge_save(merge, &saved, &err), PS_OK);
    ps_merge *other = open_merge(2, &again);
    assert_int_equal(ps_merge_load(other, ps_buf_slice(&saved), &err), PS_OK);
    offer(other, 1, right, 0, 3, PS_WATERMARK_END, UINT64_MAX);
    offer(other, 0, left, 0, 0, PS_WATERMARK_END, UINT64_MAX);
    check_text(&again, "1:11 1:12 0:2 0:3 1:13 ");
    for (size_t size = 0; size < saved.size; size++) { /* cut short anywhere: refused */
        output ignored;
        ps_merge *cut = open_merge(2, &ignored);
        assert_int_equal(ps_merge_load(cut, ps_slice_of(saved.data, size), &err), PS_E_DAMAGED);
        ps_merge_free(cut);
        ps_buf_release(&ignored.text);
    }
    ps_merge_free(merge);
    ps_merge_free(other);
    ps_buf_release(&saved);
    ps_buf_release(&out.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_in_the_order_of_watermark_sequence_and_input),
        cmocka_unit_test(an_idle_input_holds_nobody_back),
        cmocka_unit_test(waiting_rows_survive_a_checkpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
