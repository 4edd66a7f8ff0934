#include "codec_fixture.h"

static const ps_type *const row_types[] = {&ps_type_int, &ps_type_string};
static const ps_slice row_names[] = {{"a", 1}, {"b", 1}};
static const ps_type row_type = {.kind = PS_TYPE_ROW,
                                 .nullable = true,
                                 .child_count = 2,
                                 .children = row_types,
                                 .field_names = row_names};
static const ps_type *const element[] = {&ps_type_int};
static const ps_type array_type = {
    .kind = PS_TYPE_ARRAY, .nullable = true, .child_count = 1, .children = element};
static const ps_type *const entry[] = {&ps_type_string, &ps_type_int};
static const ps_type map_type = {
    .kind = PS_TYPE_MAP, .nullable = true, .child_count = 2, .children = entry};
static const ps_field plain[] = {
    {{"id", 2}, &ps_type_int}, {{"s", 1}, &ps_type_string}, {{"f", 1}, &ps_type_double}};
static const ps_field nested[] = {
    {{"r", 1}, &row_type}, {{"arr", 3}, &array_type}, {{"m", 1}, &map_type}};
#define TABLE(fields, ...) ((codec_table){"json", {3, fields}, {__VA_ARGS__}})

static void keys_come_in_any_order_and_may_be_missing(void **state)
{
    (void)state;
    codec_table table = TABLE(plain, NULL);
    codec_check(
        &table,
        "{\"id\":1,\"s\":\"a\",\"f\":1.5}\n{\"id\":2,\"s\":\"b\",\"f\":2}\n"
        "{\"f\":3,\"other\":{\"x\":[1,\"]\"]},\"id\":3}\n{ \"s\" : \"d\" , \"id\" : 4 }\n\n{}",
        "1|a|1.5\n2|b|2.0\n3|NULL|3.0\n4|d|NULL\nNULL|NULL|NULL\n");
}

static void values_are_taken_as_the_reference_takes_them(void **state)
{
    (void)state;
    codec_table table = TABLE(plain, NULL);
    codec_check(&table,
                "{\"id\":\"1\",\"s\":12,\"f\":\"1e3\"}\n{\"id\":2.7,\"s\":{\"a\": 1},\"f\":null}\n"
                "{\"id\":3,\"s\":[1, \"x y\"],\"f\":\"NaN\"}\n{\"id\":4,\"s\":true}\n",
                "1|12|1000.0\n2|{\"a\":1}|NULL\n3|[1,\"x y\"]|NaN\n4|true|NULL\n");
}

static void strings_are_unescaped_and_checked(void **state)
{
    (void)state;
    codec_table table = TABLE(plain, NULL);
    codec_check(
        &table,
        "{\"s\":\"a\\\"\\\\\\n\\u00e9\\ud83d\\ude00\"}\n{\"s\":\"\\x\"}\n{\"s\":\"\\u12\"}\n"
        "{\"s\":\"\xff\"}\n{\"s\":\"\xc3\xa9\"}\n",
        "NULL|a\"\\\n\xc3\xa9\xf0\x9f\x98\x80|NULL\n"
        "! a string holds a bad escape or bytes that are not UTF-8\n"
        "! a string holds a bad escape or bytes that are not UTF-8\n"
        "! a string holds a bad escape or bytes that are not UTF-8\n"
        "NULL|\xc3\xa9|NULL\n");
    codec_check(&table, "{\"s\":\"\\ude00\"}\n{\"s\":\"\\ud83dx\"}\n{\"s\":\"\\ud83d\\ud83d\"}\n",
                "! a string holds a bad escape or bytes that are not UTF-8\n"
                "! a string holds a bad escape or bytes that are not UTF-8\n"
                "! a string holds a bad escape or bytes that are not UTF-8\n");
    codec_check(&table, "{\"s\":12x}\n{\"s\":01}\n{\"s\":-1.5e3}\n{\"s\":[\"\xff\"]}\n",
                "! a value is no JSON\n! a value is no JSON\nNULL|-1.5e3|NULL\n"
                "! an object or array holds bytes that are not UTF-8\n");
}

static void a_line_that_is_no_json_is_told(void **state)
{
    (void)state;
    codec_table table = TABLE(plain, NULL);
    codec_check(&table, "{\"id\":1}\n{\"id\":2,\"s\":\n[1]\n{\"id\":x}\n{\"id\":3} x\n{\"id\":4}\n",
                "1|NULL|NULL\n! a value is missing\n! the line is no JSON object\n"
                "! a value is no JSON\n! there is more behind the JSON object\n4|NULL|NULL\n");
}

static void nested_values_are_read_whole(void **state)
{
    (void)state;
    codec_table table = TABLE(nested, NULL);
    codec_check(&table,
                "{\"r\":{\"b\":\"x\",\"a\":1},\"arr\":[1,null,3],\"m\":{\"k\":1,\"l\":null}}\n"
                "{\"r\":null,\"arr\":[],\"m\":{}}\n{\"arr\":[1,\"x\"]}\n",
                "(1, x)|[1, NULL, 3]|{k=1, l=NULL}\nNULL|[]|{}\n"
                "! column arr: '[1,\"x\"]' is no ARRAY<INT>\n");
}

static void fields_inside_rows_are_leaves_of_their_own(void **state)
{
    (void)state;
    static const uint32_t path[] = {1};
    const ps_leaf leaves[] = {{.column = 0, .depth = 1, .fields = path, .type = &ps_type_string}};
    const ps_format_table table = {.physical = {3, nested}, .leaf_count = 1, .leaves = leaves};
    ps_error err;
    ps_row_decoder *decoder;
    assert_int_equal(ps_format_find(PS_SLICE("json"))->new_decoder(&table, &decoder, &err), PS_OK);
    static const char bytes[] =
        "{\"r\":{\"a\":1,\"b\":\"x\"},\"arr\":[1]}\n{\"r\":null}\n{\"r\":{\"b\":null}}\n";
    ps_decoded decoded;
    assert_int_equal(ps_row_decoder_decode(decoder, bytes, sizeof bytes - 1, true, PS_BATCH_ROWS,
                                           &decoded, &err),
                     PS_OK);
    assert_int_equal(decoded.batch.row_count, 3);
    assert_memory_equal(decoded.batch.columns[0].text[0].data, "x", 1);
    assert_true(ps_column_is_null(&decoded.batch.columns[0], 1));
    assert_true(ps_column_is_null(&decoded.batch.columns[0], 2));
    ps_row_decoder_free(decoder);
}

static void change_records_have_kinds(void **state)
{
    (void)state;
    codec_table table = {"debezium-json", {3, plain}, {NULL}};
    codec_check(
        &table,
        "{\"before\":null,\"after\":{\"id\":1,\"s\":\"a\"},\"op\":\"c\"}\n"
        "{\"op\":\"u\",\"before\":{\"id\":1,\"s\":\"a\"},\"after\":{\"id\":1,\"s\":\"b\"}}\n"
        "{\"payload\":{\"before\":{\"id\":1},\"after\":null,\"op\":\"d\"}}\n"
        "{\"after\":null,\"op\":\"c\"}\n{\"op\":\"x\"}\n",
        "+I 1|a|NULL\n-U 1|a|NULL\n+U 1|b|NULL\n-D 1|NULL|NULL\n"
        "! \"before\" or \"after\" is missing for this \"op\"\n"
        "! \"op\" is none of c, r, u, d\n");
    codec_table own = {"changelog-json", {3, plain}, {NULL}};
    codec_check(&own,
                "{\"op\":\"+I\",\"row\":[1,\"a\",1.5]}\n{\"op\":\"-D\",\"row\":[1,null,1]}\n"
                "{\"op\":\"+U\",\"row\":[1]}\n{\"op\":\"+U\"}\n",
                "+I 1|a|1.5\n-D 1|NULL|1.0\n! \"row\" has too few values\n"
                "! \"row\" is missing\n");
}

static void ignored_errors_leave_lines_out_and_fields_null(void **state)
{
    (void)state;
    codec_table table = TABLE(plain, "json.ignore-parse-errors", "true");
    codec_check(&table, "{\"id\":\"x\",\"s\":\"a\"}\n{\"id\":\n{\"id\":3}\n",
                "NULL|a|NULL\n! column id: 'x' is no INT\n! a value is missing\n3|NULL|NULL\n");
    codec_table strict = TABLE(plain, "json.fail-on-missing-field", "true");
    codec_check(&strict, "{\"id\":1,\"s\":\"a\",\"f\":1}\n{\"id\":2,\"s\":\"a\"}\n",
                "1|a|1.0\n! column f: the field is missing\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_come_in_any_order_and_may_be_missing),
        cmocka_unit_test(values_are_taken_as_the_reference_takes_them),
        cmocka_unit_test(strings_are_unescaped_and_checked),
        cmocka_unit_test(a_line_that_is_no_json_is_told),
        cmocka_unit_test(nested_values_are_read_whole),
        cmocka_unit_test(fields_inside_rows_are_leaves_of_their_own),
        cmocka_unit_test(change_records_have_kinds),
        cmocka_unit_test(ignored_errors_leave_lines_out_and_fields_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
