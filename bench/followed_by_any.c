/* A payment, and any later one of more than fifty times its amount within ten minutes, per account:
 * every event begins a run, so that an account of bench/streams/make_events.c has about twenty at a
 * time. The C API on JSON; prints how many matches there were, as one JSON line. Its yardstick is
 * bench/java/FlinkCep.java.
 *
 * usage: followed_by_any FILE.json */
#include <inttypes.h>
#include <paystream/paystream.h>
#include <stdio.h>

enum { ID, TIME, ACCOUNT, AMOUNT };

static int64_t digits(const char *at, int count)
{
    int64_t value = 0;
    for (int i = 0; i < count; i++) {
        value = value * 10 + at[i] - '0';
    }
    return value;
}

/* "2026-03-dd HH:mm:ss.SSS": since the month began, which is enough here. */
static int64_t event_time_ms(void *user, const ps_row *row)
{
    (void)user;
    const char *at = ps_row_text(row, TIME).data;
    return digits(at + 8, 2) * 86400000 + digits(at + 11, 2) * 3600000 +
           digits(at + 14, 2) * 60000 + digits(at + 17, 2) * 1000 + digits(at + 20, 3);
}

static bool is_much_larger(void *user, const ps_row *row, const ps_matched *before)
{
    const uint32_t *small = user;
    const ps_row *first = ps_matched_last(before, *small, 0);
    return first != NULL && ps_row_i64(row, AMOUNT) > 50 * ps_row_i64(first, AMOUNT);
}

static void on_match(void *user, const ps_matched *match, ps_out *out)
{
    (void)match;
    (void)out;
    ++*(uint64_t *)user;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: followed_by_any FILE.json\n");
        return 2;
    }
    uint64_t matches = 0;
    ps_pattern *pattern = ps_pattern_new();
    uint32_t small = ps_pattern_begin(pattern, "small");
    ps_pattern_followed_by_any(pattern, "large");
    ps_pattern_where_matched(pattern, is_much_larger, &small);
    ps_pattern_within(pattern, 600000);
    ps_pipeline *pipeline = ps_pipeline_new();
    ps_collection *events = ps_pipeline_read(
        pipeline,
        PS_COLUMNS({"id", PS_COLUMN_I64}, {"ts", PS_COLUMN_TEXT}, {"account", PS_COLUMN_TEXT},
                   {"amount", PS_COLUMN_I64}),
        PS_OPTIONS({"connector", "filesystem"}, {"path", argv[1]}, {"format", "json"}));
    events =
        ps_collection_key_by(ps_collection_with_time(events, event_time_ms, NULL, 4000), "account");
    const ps_match_functions functions = {
        .columns = PS_COLUMNS({"n", PS_COLUMN_I64}), .on_match = on_match, .user = &matches};
    ps_match_outputs found = ps_collection_match(events, pattern, &functions);
    ps_collection_write(found.matches, PS_OPTIONS({"connector", "blackhole"}));
    ps_failure failure;
    bool done = ps_pipeline_run(pipeline, NULL, &failure);
    if (done) {
        printf("{\"bench\":\"followed_by_any\",\"matches\":%" PRIu64 "}\n", matches);
    } else {
        fprintf(stderr, "%s\n", failure.text);
    }
    ps_pipeline_free(pipeline);
    ps_pattern_free(pattern);
    return done ? 0 : 1;
}
