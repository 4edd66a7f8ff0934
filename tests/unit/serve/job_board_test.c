#include "base/testing.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "serve/job_board.h"

static json_t *rendered(ps_job_board *board)
{
    ps_buf text;
    ps_buf_init(&text, 1 << 20);
    ps_job_board_render(board, &text);
    json_t *list = json_loadb(text.data, text.size, 0, NULL);
    assert_non_null(list);
    ps_buf_release(&text);
    return list;
}

static json_t *job_at(json_t *list, size_t index)
{
    return json_array_get(json_object_get(list, "data"), index);
}

static const char *text_of(json_t *job, const char *member)
{
    return json_string_value(json_object_get(job, member));
}

static void test_jobs_are_listed_with_their_newest_rows_first(void **state)
{
    (void)state;
    ps_job_board *board;
    ps_error err;
    uint32_t first, second;
    const ps_slice columns = PS_SLICE("[{\"name\":\"a\",\"type\":\"INT\"}]");
    assert_int_equal(ps_job_board_new(&board, &err), PS_OK);
    assert_int_equal(ps_job_board_add(board, "totals", columns, &first, &err), PS_OK);
    assert_int_equal(ps_job_board_add(board, "totals", columns, &second, &err), PS_OK);
    for (int i = 0; i < 3 * PS_BOARD_ROWS_MAX; i++) {
        char row[80];
        snprintf(row, sizeof row, "{\"op\":\"+I\",\"row\":[%d]}", i);
        ps_job_board_put_row(board, first, ps_slice_text(row));
    }
    const ps_board_counters counters = {.rows_in = 7, .watermark_ms = 1000};
    ps_job_board_count(board, first, &counters);
    ps_job_board_end(board, second, "the disk \"is\" full");
    json_t *list = rendered(board);
    json_t *job = job_at(list, 0);
    assert_string_equal(text_of(job, "name"), "totals");
    assert_string_equal(text_of(job, "status"), "running");
    assert_true(json_is_null(json_object_get(job, "error")));
    assert_int_equal(json_integer_value(json_object_get(job, "rows_in")), 7);
    assert_memory_equal(text_of(job, "watermark"), "1970-01-01T00:00:01", 19);
    json_t *rows = json_object_get(job, "rows");
    assert_int_equal(json_array_size(rows), PS_BOARD_ROWS_MAX);
    json_t *newest = json_object_get(json_array_get(rows, 0), "row");
    assert_int_equal(json_integer_value(json_array_get(newest, 0)), 3 * PS_BOARD_ROWS_MAX - 1);
    job = job_at(list, 1);
    assert_string_equal(text_of(job, "name"), "totals-2");
    assert_string_equal(text_of(job, "status"), "failed");
    assert_string_equal(text_of(job, "error"), "the disk \"is\" full");
    assert_true(json_is_null(json_object_get(job, "watermark")));
    json_decref(list);
    ps_job_board_free(board);
}

static void test_a_row_that_is_too_large_is_left_out(void **state)
{
    (void)state;
    ps_job_board *board;
    ps_error err;
    uint32_t job;
    static char row[PS_BOARD_ROW_SIZE_MAX + 1];
    memset(row, ' ', sizeof row);
    assert_int_equal(ps_job_board_new(&board, &err), PS_OK);
    assert_int_equal(ps_job_board_add(board, "j", PS_SLICE("[]"), &job, &err), PS_OK);
    ps_job_board_put_row(board, job, PS_SLICE("{\"row\":[1]}"));
    ps_job_board_put_row(board, job, ps_slice_of(row, sizeof row));
    json_t *list = rendered(board);
    assert_int_equal(json_array_size(json_object_get(job_at(list, 0), "rows")), 1);
    json_decref(list);
    ps_job_board_free(board);
}

static void test_the_board_has_room_for_so_many_jobs(void **state)
{
    (void)state;
    ps_job_board *board;
    ps_error err;
    uint32_t job;
    assert_int_equal(ps_job_board_new(&board, &err), PS_OK);
    for (int i = 0; i < PS_BOARD_JOBS_MAX; i++) {
        assert_int_equal(ps_job_board_add(board, "j", PS_SLICE("[]"), &job, &err), PS_OK);
    }
    assert_int_equal(ps_job_board_add(board, "j", PS_SLICE("[]"), &job, &err), PS_E_LIMIT);
    assert_int_equal(ps_job_board_job_count(board), PS_BOARD_JOBS_MAX);
    ps_job_board_free(board);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jobs_are_listed_with_their_newest_rows_first),
        cmocka_unit_test(test_a_row_that_is_too_large_is_left_out),
        cmocka_unit_test(test_the_board_has_room_for_so_many_jobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
