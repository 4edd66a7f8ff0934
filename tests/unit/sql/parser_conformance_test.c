/* Every SQL text of ../shared/conformance parses, but for the few that Flink's parser refuses, and
 * printing it is a fixed point. Skipped where the folder is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <dirent.h>
#include <jansson.h>

#include "sql/ast_print.h"
#include "sql/parser.h"

#define CONFORMANCE "../shared/conformance"

static const char *const folders[] = {"flink_sql", "windows", "sql", "match_recognize"};
/* "SELECT id FROM;", and a text that is cut off in its file. */
static const char *const refused_ids[] = {"sql-044", "testUnboundedAggAfterRowtimeInnerJoin"};

static ps_arena arena;
static ps_buf once, twice, message;
static uint32_t text_count;

static ps_code print_all(ps_slice script, ps_buf *into, ps_sql_error *err)
{
    ps_parser *parser;
    ps_ast_statement *statement = NULL;
    ps_code code = ps_parser_new(script, &arena, &parser, err);
    while (code == PS_OK) {
        code = ps_parser_next(parser, &statement, err);
        if (code != PS_OK || statement == NULL) {
            break;
        }
        ps_ast_statement_print(statement, into);
        ps_buf_append_text(into, ";\n");
    }
    return code;
}

static bool is_refused(const char *id)
{
    for (size_t i = 0; i < sizeof refused_ids / sizeof refused_ids[0]; i++) {
        if (strcmp(refused_ids[i], id) == 0) {
            return true;
        }
    }
    return false;
}

static void check_text(const char *id, const char *text)
{
    ps_sql_error err = {0};
    ps_slice script = ps_slice_text(text);
    ps_arena_reset(&arena);
    ps_buf_clear(&once);
    ps_buf_clear(&twice);
    text_count++;
    ps_code code = print_all(script, &once, &err);
    if (is_refused(id)) {
        assert_int_equal(code, PS_E_INVALID);
        return;
    }
    if (code != PS_OK) {
        ps_buf_clear(&message);
        ps_sql_error_format(&err, "error", id, script, &message);
        fail_msg("%.*s", (int)message.size, message.data);
    }
    if (print_all(ps_buf_slice(&once), &twice, &err) != PS_OK) {
        fail_msg("%s: %s in what was printed: %.*s", id, err.text, (int)once.size, once.data);
    }
    if (!ps_slice_equal(ps_buf_slice(&once), ps_buf_slice(&twice))) {
        fail_msg("%s: %.*s is not %.*s", id, (int)once.size, once.data, (int)twice.size,
                 twice.data);
    }
}

static void check_texts(const char *id, const json_t *texts)
{
    size_t i;
    json_t *text;
    if (json_is_string(texts)) {
        check_text(id, json_string_value(texts));
    }
    json_array_foreach(texts, i, text)
    {
        check_text(id, json_string_value(text));
    }
}

/* The columns of a test's table, as a CREATE TABLE. A declaration in words is none. */
static void check_tables(const char *id, const json_t *tables)
{
    size_t i, j;
    json_t *table, *column;
    json_array_foreach(tables, i, table)
    {
        char text[4096];
        size_t size = (size_t)snprintf(text, sizeof text, "CREATE TABLE t");
        json_array_foreach(json_object_get(table, "schema"), j, column)
        {
            size += (size_t)snprintf(text + size, sizeof text - size, "%s%s", j == 0 ? " (" : ", ",
                                     json_string_value(column));
            assert_true(size < sizeof text - 2);
        }
        if (j > 0) {
            snprintf(text + size, sizeof text - size, ")");
            check_text(id, text);
        }
    }
}

static void check_file(const char *path)
{
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);
    if (root == NULL) {
        fail_msg("%s: %s", path, error.text);
    }
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(root, "cases"), i, one)
    {
        const char *id = json_string_value(json_object_get(one, "id"));
        check_texts(id, json_object_get(one, "script"));
        check_texts(id, json_object_get(one, "sql"));
        check_tables(id, json_object_get(one, "tables"));
        check_tables(id, json_object_get(one, "sinks"));
    }
    json_decref(root);
}

static void every_conformance_text_parses_and_prints(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char folder[512];
        snprintf(folder, sizeof folder, CONFORMANCE "/%s", folders[i]);
        DIR *directory = opendir(folder);
        if (directory == NULL) {
            print_message("%s is not here: skipped\n", folder);
            skip();
        }
        for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
            char path[1024];
            if (strstr(entry->d_name, ".json") != NULL) {
                snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
                check_file(path);
            }
        }
        closedir(directory);
    }
    assert_true(text_count > 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_conformance_text_parses_and_prints),
    };
    ps_arena_init(&arena, 64 << 20);
    ps_buf_init(&once, 4 << 20);
    ps_buf_init(&twice, 4 << 20);
    ps_buf_init(&message, 1 << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ps_arena_release(&arena);
    ps_buf_release(&once);
    ps_buf_release(&twice);
    ps_buf_release(&message);
    return failed;
}
