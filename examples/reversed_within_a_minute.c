/* Reversals: a capture that is reversed in full within a minute, in a sequence of payments that the
 * program feeds itself (here from stdin), without a pipeline.
 *
 *     printf '1000 capture 500\n2500 reversal 500\n' | ./reversed_within_a_minute
 */
#include <inttypes.h>
#include <paystream/paystream.h>
#include <stdio.h>
#include <string.h>

enum { KIND, AMOUNT };
enum { CAPTURE, REVERSAL }; /* stages */

static bool is_kind(void *user, const ps_row *row)
{
    ps_text kind = ps_row_text(row, KIND);
    return kind.size == strlen(user) && memcmp(kind.data, user, kind.size) == 0;
}

/* A condition that looks back: the amount of the capture. */
static bool is_of_capture(void *user, const ps_row *row, const ps_matched *before)
{
    (void)user;
    const ps_row *capture = ps_matched_last(before, CAPTURE, 0);
    return ps_row_i64(row, AMOUNT) == ps_row_i64(capture, AMOUNT);
}

static void print_match(void *user, const ps_matched *match)
{
    (void)user;
    int64_t captured_ms = ps_row_time_ms(ps_matched_last(match, CAPTURE, 0));
    const ps_row *reversal = ps_matched_last(match, REVERSAL, 0);
    printf("%" PRId64 " reversed after %" PRId64 " ms\n", ps_row_i64(reversal, AMOUNT),
           ps_row_time_ms(reversal) - captured_ms);
}

static bool feed(ps_sequence *sequence, ps_failure *failure)
{
    int64_t time_ms, amount;
    char kind[32];
    while (scanf("%" SCNd64 " %31s %" SCNd64, &time_ms, kind, &amount) == 3) {
        ps_out *row = ps_sequence_row(sequence);
        ps_out_text(row, KIND, (ps_text){kind, strlen(kind)});
        ps_out_i64(row, AMOUNT, amount);
        if (!ps_sequence_advance(sequence, time_ms, failure) ||
            !ps_sequence_process(sequence, time_ms, failure)) {
            return false;
        }
    }
    return true;
}

int main(void)
{
    ps_pattern *pattern = ps_pattern_new();
    ps_pattern_begin(pattern, "capture");
    ps_pattern_where(pattern, is_kind, "capture");
    ps_pattern_followed_by(pattern, "reversal");
    ps_pattern_where(pattern, is_kind, "reversal");
    ps_pattern_where_matched(pattern, is_of_capture, NULL);
    ps_pattern_within(pattern, 60000);

    const ps_sequence_functions functions = {.on_match = print_match};
    ps_failure failure = {0};
    ps_sequence *sequence =
        ps_sequence_new(pattern, PS_COLUMNS({"kind", PS_COLUMN_TEXT}, {"amount", PS_COLUMN_I64}),
                        &functions, &failure);
    bool done = sequence != NULL && feed(sequence, &failure);
    if (!done) {
        fprintf(stderr, "%s\n", failure.text);
    }
    ps_sequence_free(sequence);
    ps_pattern_free(pattern);
    return done ? 0 : 1;
}
