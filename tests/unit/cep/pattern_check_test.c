#include "base/testing.h"
#include "cep/pattern_fixture.h"

/* The pattern's text, and what is said of it; NULL: it is fine. */
typedef struct {
    const char *pattern, *refusal;
} check_case;

static void check_all(const check_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        pattern_fixture fixture;
        pattern_fixture_init(&fixture, 0);
        const ps_cep_pattern *pattern = pattern_parse(&fixture, cases[i].pattern);
        ps_error err = {0};
        bool matches_empty;
        ps_code code = ps_cep_pattern_check(pattern, &matches_empty, &err);
        if (cases[i].refusal == NULL && code != PS_OK) {
            fail_msg("%s: %s", cases[i].pattern, err.text);
        } else if (cases[i].refusal != NULL && strstr(err.text, cases[i].refusal) == NULL) {
            fail_msg("%s: expected \"%s\", got \"%s\"", cases[i].pattern, cases[i].refusal,
                     err.text);
        }
        pattern_fixture_release(&fixture);
    }
}

static void patterns_that_cannot_be_are_refused_with_the_stage_and_the_reason(void **state)
{
    (void)state;
    static const check_case cases[] = {
        {"A=a", NULL},
        {"A=a -> A=b", "A: two stages have that name"},
        {"A=a -> (B=b > A=c)", "A: two stages have that name"},
        {"!> A=a -> B=b", "A: a pattern cannot begin with what must not come"},
        {"A=a -> (!-> B=b > C=c)", "B: a pattern cannot begin"},
        {"A=a !> B=b? -> C=c", "B: what must not come cannot be optional or repeated"},
        {"A=a !-> B=b+ -> C=c", "B: what must not come cannot be optional or repeated"},
        {"A=a -> B=b? !-> C=c -> D=d", "C: what must not come cannot follow an optional stage"},
        {"A=a -> B=b* !> C=c", "C: what must not come cannot follow an optional stage"},
        {"A=a !-> B=b", "B: a pattern that ends with what must not follow needs a time limit"},
        {"A=a !-> B=b | within 5", NULL},
        {"A=a !-> B=b ^5", NULL},
        {"A=a !> B=b", NULL},
        {"A=a:g -> B=b", "A: greedy is only for a stage that repeats"},
        {"A=a+:ga -> B=b", "A: greedy does not go with all combinations"},
        {"(A=a > B=b)+:g -> C=c", "a group: a group cannot be greedy"},
        {"A=a+:g -> B=b? -> C=c", "B: an optional stage cannot directly follow a greedy one"},
        {"A=a+:g -> B=b* -> C=c", "B: an optional stage cannot directly follow a greedy one"},
        {"A=a+:g -> B=b{1,2}:o -> C=c", NULL},
        {"A=a ~b -> C=c", "A: until is only for a stage that repeats without a maximum"},
        {"A=a{2,3} ~b -> C=c", "A: until is only for a stage that repeats without a maximum"},
        {"A=a{2,} ~b -> C=c", NULL},
        {"A=a{0} -> B=b", "A: times: at least 1"},
        {"A=a{3,2} -> B=b", "A: times: at least 1"},
        {"A=a -> B=b ^6 | within 5", "B: the time since the stage before cannot be longer"},
        {"A=a -> B=b | skip first X", "no stage has the name"},
        {"(A=a? > B=b?)+ -> C=c", "a repeated group must take at least one row"},
        {"A=a{100000} -> B=b", "more than 20000 states"},
    };
    check_all(cases, sizeof cases / sizeof cases[0]);
}

static void a_way_to_the_end_without_a_row_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        bool matches_empty, is_bounded;
    } cases[] = {
        {"A=a", false, true},           {"A=a?", true, true},
        {"A=a* > B=b?", true, false},   {"A=a* > B=b", false, false},
        {"A=a{2,3}:c", false, true},    {"A=a{2,3}:co > B=b?", true, true},
        {"A=a -> B=b", false, false},   {"A=a -> B=b | within 5", false, true},
        {"(A=a > B=b)?", true, false},  {"A=a !> B=b > C=c", false, true},
        {"A=a+:c > B=b", false, false}, {"A=a{2,3} > B=b", false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pattern_fixture fixture;
        pattern_fixture_init(&fixture, 0);
        const ps_cep_pattern *pattern = pattern_parse(&fixture, cases[i].pattern);
        ps_error err;
        bool matches_empty;
        assert_int_equal(ps_cep_pattern_check(pattern, &matches_empty, &err), PS_OK);
        if (matches_empty != cases[i].matches_empty ||
            ps_cep_pattern_is_bounded(pattern) != cases[i].is_bounded) {
            fail_msg("%s", cases[i].pattern);
        }
        pattern_fixture_release(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_that_cannot_be_are_refused_with_the_stage_and_the_reason),
        cmocka_unit_test(a_way_to_the_end_without_a_row_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
