/* Patterns: whatever is built, it is refused with a sentence or it matches; and whatever comes, the
 * sequence goes on or ends with a failure that says why. */
#include <paystream/paystream.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    const uint8_t *data;
    size_t size;
} bytes;

static uint8_t next(bytes *in)
{
    if (in->size == 0) {
        return 0;
    }
    in->size--;
    return *in->data++;
}

static bool is_letter(void *user, const ps_row *row)
{
    return ps_row_i64(row, 0) == (int64_t)(uintptr_t)user;
}

static bool is_new(void *user, const ps_row *row, const ps_matched *before)
{
    const ps_row *last = ps_matched_last(before, (uint32_t)(uintptr_t)user, 0);
    return last == NULL || ps_row_i64(last, 0) != ps_row_i64(row, 0) ||
           ps_matched_count(before, PS_STAGE_ANY) > 3;
}

static void count(void *user, const ps_matched *match)
{
    *(uint64_t *)user += ps_matched_count(match, PS_STAGE_ANY);
    if (ps_matched_row(match, PS_STAGE_ANY, 0) == NULL) {
        abort(); /* no match is empty */
    }
}

static void add_stage(ps_pattern *pattern, uint8_t kind, const char *name)
{
    switch (kind % 7) {
    case 0:
        ps_pattern_next(pattern, name);
        break;
    case 1:
        ps_pattern_followed_by(pattern, name);
        break;
    case 2:
        ps_pattern_followed_by_any(pattern, name);
        break;
    case 3:
        ps_pattern_not_next(pattern, name);
        break;
    case 4:
        ps_pattern_not_followed_by(pattern, name);
        break;
    case 5:
        ps_pattern_followed_by_group(pattern);
        ps_pattern_begin(pattern, name);
        break;
    default:
        ps_pattern_end_group(pattern);
        break;
    }
}

static void add_quantifier(ps_pattern *pattern, uint8_t kind)
{
    switch (kind % 16) {
    case 0:
        ps_pattern_one_or_more(pattern);
        break;
    case 1:
        ps_pattern_times_or_more(pattern, 2);
        break;
    case 2:
        ps_pattern_times(pattern, 2);
        break;
    case 3:
        ps_pattern_times_range(pattern, kind / 16 % 2, 3);
        break;
    case 4:
        ps_pattern_optional(pattern);
        break;
    case 5:
        ps_pattern_one_or_more(pattern);
        ps_pattern_greedy(pattern);
        break;
    case 6:
        ps_pattern_one_or_more(pattern);
        ps_pattern_consecutive(pattern);
        break;
    case 7:
        ps_pattern_one_or_more(pattern);
        ps_pattern_allow_combinations(pattern);
        break;
    case 8:
        ps_pattern_one_or_more(pattern);
        ps_pattern_until(pattern, is_letter, (void *)(uintptr_t)(kind / 16 % 3));
        break;
    case 9:
        ps_pattern_within_previous(pattern, 3);
        break;
    default:
        break;
    }
}

static void build(bytes *in, ps_pattern *pattern)
{
    ps_pattern_begin(pattern, "A");
    ps_pattern_where(pattern, is_letter, (void *)0);
    add_quantifier(pattern, next(in));
    uint8_t stages = next(in) % 8;
    for (uint8_t i = 0; i < stages; i++) {
        const char name[] = {(char)('B' + i), 0};
        add_stage(pattern, next(in), name);
        uint8_t condition = next(in);
        if (condition % 4 < 3) {
            ps_pattern_where(pattern, is_letter, (void *)(uintptr_t)(condition % 4));
        } else if (condition % 8 == 3) {
            ps_pattern_where_matched(pattern, is_new, (void *)(uintptr_t)(condition / 8 % 4));
        }
        add_quantifier(pattern, next(in));
    }
    uint8_t rest = next(in);
    if (rest % 2 != 0) {
        ps_pattern_within(pattern, 1 + rest / 2 % 16);
    }
    rest = next(in);
    if (rest % 5 < 3) {
        ps_pattern_skip(pattern, (ps_skip)(rest % 5));
    } else {
        ps_pattern_skip_to(pattern, (ps_skip)(rest % 5), rest / 8 % 2 != 0 ? "A" : "B",
                           rest / 16 % 2 != 0);
    }
    ps_pattern_limits(pattern, 200, 50, next(in) % 2 != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bytes in = {data, size};
    uint64_t rows = 0;
    ps_pattern *pattern = ps_pattern_new();
    build(&in, pattern);
    ps_failure failure = {0};
    const ps_sequence_functions functions = {count, count, &rows};
    ps_sequence *sequence =
        ps_sequence_new(pattern, PS_COLUMNS({"letter", PS_COLUMN_I64}), &functions, &failure);
    bool goes_on = sequence != NULL;
    int64_t time_ms = 1;
    for (uint32_t i = 0; goes_on && in.size > 0 && i < 200; i++) {
        uint8_t event = next(&in);
        time_ms += event / 64;
        goes_on = ps_sequence_advance(sequence, time_ms, &failure);
        if (goes_on) {
            ps_out_i64(ps_sequence_row(sequence), 0, event % 3);
            goes_on = ps_sequence_process(sequence, time_ms, &failure);
        }
    }
    if (!goes_on && failure.text[0] == 0) {
        abort();
    }
    ps_sequence_free(sequence);
    ps_pattern_free(pattern);
    return 0;
}
