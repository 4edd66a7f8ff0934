/* Plans every script of the flink_sql conformance files that lie beside the project: what Flink
 * refuses when it plans is refused here too, and of what it runs at most a few scripts are refused,
 * by name. (That the rows are right is tests/conformance's question.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "session_fixture.h"

static const char *const files[] = {"agg", "fmt", "join", "over", "sc", "sql", "topn", "win"};

typedef struct {
    uint32_t planned, refused_by_name, failed;
} totals;

/* The code of the first statement that fails. */
static ps_code plan_script(const char *script, ps_sql_error *err)
{
    ps_session *session = fixture_session_new(NULL);
    ps_statement statement = {.kind = PS_STATEMENT_DONE};
    ps_code code = PS_OK;
    ps_session_open(session, "case.sql", ps_slice_text(script));
    while (code == PS_OK && statement.kind != PS_STATEMENT_END) {
        code = ps_session_next(session, &statement, err);
    }
    ps_session_free(session);
    return code;
}

static void plan_case(const json_t *entry, totals *count)
{
    const char *id = json_string_value(json_object_get(entry, "id"));
    const json_t *result = json_object_get(entry, "result");
    const char *kind = json_string_value(json_object_get(result, "kind"));
    const char *phase = json_string_value(json_object_get(result, "phase"));
    ps_sql_error err = {0};
    ps_code code = plan_script(json_string_value(json_object_get(entry, "script")), &err);
    if (strcmp(kind, "error") == 0) {
        bool must_fail = phase != NULL && strcmp(phase, "planning") == 0;
        if (must_fail && code == PS_OK) {
            print_error("%s: Flink refuses this\n", id);
            count->failed++;
        }
    } else if (code == PS_E_UNSUPPORTED) {
        print_message("%s: %s\n", id, err.text);
        count->refused_by_name++;
    } else if (code != PS_OK) {
        print_error("%s: %u:%u: %s\n", id, err.at.line, err.at.column, err.text);
        count->failed++;
    }
    count->planned++;
}

static void every_script_plans_or_is_refused_as_flink_does(void **state)
{
    (void)state;
    totals count = {0};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[200];
        (void)snprintf(path, sizeof path, "../shared/conformance/flink_sql/%s.json", files[i]);
        json_error_t err;
        json_t *root = json_load_file(path, 0, &err);
        if (root == NULL) {
            print_message("%s is not there\n", path);
            skip();
        }
        const json_t *cases = json_object_get(root, "cases");
        for (size_t j = 0; j < json_array_size(cases); j++) {
            plan_case(json_array_get(cases, j), &count);
        }
        json_decref(root);
    }
    print_message("%u scripts, %u refused by name\n", count.planned, count.refused_by_name);
    assert_int_equal(count.failed, 0);
    assert_in_range(count.refused_by_name * 50, 0, count.planned);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_script_plans_or_is_refused_as_flink_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
