/* Velocity: payments and their sum per card within a minute that slides by 10 seconds; cards with
 * three or more are printed, window by window.
 *
 *     ./velocity_per_card payments.csv       # 2024-01-01 10:00:01Z,card,minor units
 */
#include <paystream/paystream.h>
#include <stdio.h>

static int64_t payment_time_ms(void *user, const ps_row *row)
{
    (void)user;
    return ps_row_i64(row, 0);
}

static bool is_fast(void *user, const ps_row *row)
{
    (void)user;
    return ps_row_i64(row, 1) >= 3;
}

static bool print_alert(void *user, const ps_row *row)
{
    (void)user;
    ps_text card = ps_row_text(row, 0);
    int64_t end_s = ps_row_window_end_ms(row) / 1000 % 86400;
    return printf("%02d:%02d:%02d %.*s %lld payments %lld\n", (int)(end_s / 3600),
                  (int)(end_s / 60 % 60), (int)(end_s % 60), (int)card.size, card.data,
                  (long long)ps_row_i64(row, 1), (long long)ps_row_i64(row, 2)) > 0;
}

int main(int argc, char **argv)
{
    ps_pipeline *pipeline = ps_pipeline_new();
    ps_collection *payments = ps_pipeline_read(
        pipeline,
        PS_COLUMNS({"time", PS_COLUMN_TIME}, {"card", PS_COLUMN_TEXT}, {"amount", PS_COLUMN_I64}),
        PS_OPTIONS({"connector", "filesystem"}, {"path", argc > 1 ? argv[1] : ""},
                   {"format", "csv"}));
    payments = ps_collection_with_time(payments, payment_time_ms, NULL, 5000);
    const ps_windowing minute = {
        .kind = PS_WINDOWING_SLIDING, .size_ms = 60000, .period_ms = 10000};
    payments = ps_collection_key_by(ps_collection_window(payments, &minute), "card");
    ps_collection *velocity = ps_collection_aggregate(
        payments, PS_AGGREGATES({"COUNT", NULL, "payments"}, {"SUM", "amount", "total"}));
    const ps_sink_functions printer = {.write = print_alert};
    ps_collection_write_custom(ps_collection_filter(velocity, is_fast, NULL), &printer);
    ps_failure failure;
    bool done = ps_pipeline_run(pipeline, NULL, &failure);
    if (!done) {
        fprintf(stderr, "%s\n", failure.text);
    }
    ps_pipeline_free(pipeline);
    return done ? 0 : 1;
}
