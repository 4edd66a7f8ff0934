/* The classical trade-record pipeline: read lines "time in ms,symbol,price,quantity", put them into
 * windows of one second, map each to a line that begins with its window, write text.
 *
 *     ./trade_windows trades.csv out && cat out/part-*
 */
#include <paystream/paystream.h>
#include <stdio.h>
#include <string.h>

/* Leading digits; -1: there are none. */
static int64_t leading_number(ps_text text)
{
    const size_t end = text.size < 18 ? text.size : 18;
    int64_t number = 0;
    size_t at = 0;
    for (; at < end && (unsigned char)(text.data[at] - '0') <= 9; at++) {
        number = number * 10 + (text.data[at] - '0');
    }
    return at > 0 ? number : -1;
}

static int64_t trade_time_ms(void *user, const ps_row *row)
{
    (void)user;
    return leading_number(ps_row_text(row, 0));
}

static void add_window_start(void *user, const ps_row *row, ps_out *out)
{
    (void)user;
    ps_text line = ps_row_text(row, 0);
    char *start = ps_out_text_begin(out, 0, line.size + 24);
    if (start == NULL) {
        return;
    }
    char *at = start + ps_i64_format(start, ps_row_window_start_ms(row));
    *at++ = ',';
    memcpy(at, line.data, line.size);
    ps_out_text_end(out, 0, (size_t)(at - start) + line.size);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: trade_windows INPUT OUTPUT-DIRECTORY\n");
        return 2;
    }
    ps_pipeline *pipeline = ps_pipeline_new();
    ps_collection *trades = ps_pipeline_read_text(pipeline, argv[1]);
    trades = ps_collection_with_time(trades, trade_time_ms, NULL, 0);
    const ps_windowing seconds = {.kind = PS_WINDOWING_FIXED, .size_ms = 1000};
    trades = ps_collection_window(trades, &seconds);
    ps_collection_write_text(ps_collection_map(trades, NULL, add_window_start, NULL), argv[2]);
    ps_failure failure;
    bool done = ps_pipeline_run(pipeline, NULL, &failure);
    fputs(done ? "" : failure.text, stderr);
    ps_pipeline_free(pipeline);
    return done ? 0 : 1;
}
