/* Card testing: three or more declines of a card, then an approval, within a minute. Cards that were
 * declined that often and then left alone are told, too.
 *
 *     ./declines_then_approval attempts.csv      # 2024-01-01 10:00:01Z,card,declined,minor units
 */
#include <paystream/paystream.h>
#include <stdio.h>
#include <string.h>

enum { TIME, CARD, STATUS, AMOUNT };
enum { DECLINED, APPROVED }; /* stages */

static int64_t attempt_time_ms(void *user, const ps_row *row)
{
    (void)user;
    return ps_row_i64(row, TIME);
}

static bool has_status(void *user, const ps_row *row)
{
    ps_text status = ps_row_text(row, STATUS);
    const char *wanted = user;
    return status.size == strlen(wanted) && memcmp(status.data, wanted, status.size) == 0;
}

static void alert(void *user, const ps_matched *match, ps_out *out)
{
    (void)user;
    const ps_row *approved = ps_matched_last(match, APPROVED, 0);
    ps_out_copy(out, 0, approved, CARD);
    ps_out_i64(out, 1, ps_matched_count(match, DECLINED));
    ps_out_copy(out, 2, approved, AMOUNT);
    ps_out_row(out);
}

/* A partial match whose minute is over: of interest when it had the declines already. */
static void report_timeout(void *user, const ps_matched *match, ps_out *out)
{
    (void)user;
    if (ps_matched_count(match, DECLINED) >= 3) {
        ps_out_copy(out, 0, ps_matched_last(match, DECLINED, 0), CARD);
        ps_out_row(out);
    }
}

static bool print_alert(void *user, const ps_row *row)
{
    (void)user;
    ps_text card = ps_row_text(row, 0);
    return printf("%.*s: %lld declines, then %lld\n", (int)card.size, card.data,
                  (long long)ps_row_i64(row, 1), (long long)ps_row_i64(row, 2)) > 0;
}

static bool print_timeout(void *user, const ps_row *row)
{
    (void)user;
    ps_text card = ps_row_text(row, 0);
    return printf("%.*s: declined, no approval within the minute\n", (int)card.size, card.data) > 0;
}

int main(int argc, char **argv)
{
    ps_pattern *pattern = ps_pattern_new();
    ps_pattern_begin(pattern, "declined");
    ps_pattern_where(pattern, has_status, "declined");
    ps_pattern_times_or_more(pattern, 3);
    ps_pattern_consecutive(pattern);
    ps_pattern_next(pattern, "approved");
    ps_pattern_where(pattern, has_status, "approved");
    ps_pattern_within(pattern, 60000);
    ps_pattern_skip(pattern, PS_SKIP_PAST_LAST);

    ps_pipeline *pipeline = ps_pipeline_new();
    ps_collection *attempts =
        ps_pipeline_read(pipeline,
                         PS_COLUMNS({"time", PS_COLUMN_TIME}, {"card", PS_COLUMN_TEXT},
                                    {"status", PS_COLUMN_TEXT}, {"amount", PS_COLUMN_I64}),
                         PS_OPTIONS({"connector", "filesystem"}, {"path", argc > 1 ? argv[1] : ""},
                                    {"format", "csv"}));
    attempts = ps_collection_with_time(attempts, attempt_time_ms, NULL, 4000);
    const ps_match_functions functions = {
        .columns = PS_COLUMNS({"card", PS_COLUMN_TEXT}, {"declines", PS_COLUMN_I64},
                              {"amount", PS_COLUMN_I64}),
        .on_match = alert,
        .timeout_columns = PS_COLUMNS({"card", PS_COLUMN_TEXT}),
        .on_timeout = report_timeout,
    };
    ps_match_outputs found =
        ps_collection_match(ps_collection_key_by(attempts, "card"), pattern, &functions);
    const ps_sink_functions alerts = {.write = print_alert};
    ps_collection_write_custom(found.matches, &alerts);
    const ps_sink_functions timeouts = {.write = print_timeout};
    ps_collection_write_custom(found.timeouts, &timeouts);
    ps_failure failure;
    bool done = ps_pipeline_run(pipeline, NULL, &failure);
    if (!done) {
        fprintf(stderr, "%s\n", failure.text);
    }
    ps_pipeline_free(pipeline);
    ps_pattern_free(pattern);
    return done ? 0 : 1;
}
