/* Late data: counts per 10 seconds, on time when the watermark passes, again for each late line
 * within half a minute, dropped (and counted) behind that. Lines: seconds,anything.
 *
 *     printf '1,a\n12,b\n3,c\n60,d\n4,e\n' > lines.txt && ./late_data lines.txt
 */
#include <paystream/paystream.h>
#include <stdio.h>
#include <stdlib.h>

static int64_t line_time_ms(void *user, const ps_row *row)
{
    (void)user;
    char digits[16];
    ps_row_print(row, 0, digits, sizeof digits);
    return strtoll(digits, NULL, 10) * 1000;
}

static bool print_pane(void *user, const ps_row *row)
{
    (void)user;
    static const char *const panes[] = {"-", "early", "on time", "late"};
    return printf("[%lld, %lld) %s #%u: %lld\n", (long long)ps_row_window_start_ms(row) / 1000,
                  (long long)ps_row_window_end_ms(row) / 1000, panes[ps_row_pane(row)],
                  ps_row_pane_index(row), (long long)ps_row_i64(row, 0)) > 0;
}

int main(int argc, char **argv)
{
    ps_pipeline *pipeline = ps_pipeline_new();
    ps_collection *lines = ps_pipeline_read_text(pipeline, argc > 1 ? argv[1] : "");
    lines = ps_collection_with_time(lines, line_time_ms, NULL, 0);
    const ps_windowing windowing = {
        .kind = PS_WINDOWING_FIXED,
        .size_ms = 10000,
        .allowed_lateness_ms = 30000,
        .is_accumulating = true,
    };
    lines = ps_collection_window(lines, &windowing);
    const ps_sink_functions printer = {.write = print_pane};
    ps_collection_write_custom(
        ps_collection_aggregate(lines, PS_AGGREGATES({"COUNT", NULL, "lines"})), &printer);
    ps_failure failure;
    bool done = ps_pipeline_run(pipeline, NULL, &failure);
    ps_run_counts counts;
    ps_pipeline_counts(pipeline, &counts);
    printf("%s: %llu dropped\n", done ? "done" : failure.text,
           (unsigned long long)counts.rows_late);
    ps_pipeline_free(pipeline);
    return done ? 0 : 1;
}
