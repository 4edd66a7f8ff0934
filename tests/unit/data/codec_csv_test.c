#include "codec_fixture.h"

static const ps_type amount_type = {
    .kind = PS_TYPE_DECIMAL, .nullable = true, .precision = 10, .scale = 2};
static const ps_field fields[] = {
    {{"id", 2}, &ps_type_int}, {{"name", 4}, &ps_type_string}, {{"amount", 6}, &amount_type}};
#define TABLE(...) ((codec_table){"csv", {3, fields}, {__VA_ARGS__}})

static void fields_are_split_and_typed(void **state)
{
    (void)state;
    codec_table table = TABLE("csv.null-literal", "");
    codec_check(&table, "1,alice,10.5\n-2,,\r\n3, b ,0.005",
                "1|alice|10.50\n-2|NULL|NULL\n3| b |0.01\n");
}

static void quoted_fields_may_hold_everything(void **state)
{
    (void)state;
    codec_table table = TABLE(NULL);
    codec_check(&table,
                "1,\"a,b\",1\n2,\"say \"\"hi\"\"\",2\n3,plain \"q\" x,3\n4,\"two\nlines\",4\n",
                "1|a,b|1.00\n2|say \"hi\"|2.00\n3|plain \"q\" x|3.00\n4|two\nlines|4.00\n");
}

static void a_bad_value_is_told_with_its_column(void **state)
{
    (void)state;
    codec_table table = TABLE(NULL);
    codec_check(&table, "1,a,1\nx,b,2\n3,c,3\n",
                "1|a|1.00\n! column id: 'x' is no INT\n3|c|3.00\n");
    codec_check(&table, "1,a,1\n2,b\n3,c,3,4\n",
                "1|a|1.00\n! the row has 2 fields, the table has 3 columns\n"
                "! the row has 4 fields, the table has 3 columns\n");
    codec_check(&table, "1,a,1\n99999999999,b,2\n2,\"open,3\n",
                "1|a|1.00\n! column id: '99999999999' is no INT\n! a quoted field is not closed\n");
}

static void errors_become_nulls_when_they_are_ignored(void **state)
{
    (void)state;
    codec_table table = TABLE("csv.ignore-parse-errors", "true");
    codec_check(&table, "x,b,2\n3,c\n",
                "NULL|b|2.00\n! column id: 'x' is no INT\n"
                "3|c|NULL\n! the row has 2 fields, the table has 3 columns\n");
    /* nothing is left of the row before in what could not be read */
    codec_check(&table, "1,\"a\"\"b\",1\n2,\"open\n",
                "1|a\"b|1.00\n2|NULL|NULL\n! a quoted field is not closed\n");
}

static void options_change_the_characters(void **state)
{
    (void)state;
    codec_table table = TABLE("csv.field-delimiter", "\\t", "csv.allow-comments", "true",
                              "csv.quote-character", "'");
    codec_check(&table, "# x\n1\t'a\tb'\t1\n\n", "1|a\tb|1.00\n");
    codec_table wrong = TABLE("csv.field-delimiter", "ab");
    codec_check(&wrong, "1",
                "refused: option 'csv.field-delimiter' is 'ab', it must be one ASCII character\n");
}

static void every_type_is_read(void **state)
{
    (void)state;
    static const ps_field typed[] = {
        {{"b", 1}, &ps_type_boolean},    {{"l", 1}, &ps_type_bigint},
        {{"f", 1}, &ps_type_double},     {{"d", 1}, &ps_type_date},
        {{"t", 1}, &ps_type_timestamp3}, {{"z", 1}, &ps_type_timestamp_ltz3}};
    codec_table table = {"csv", {6, typed}, {"csv.null-literal", "n/a", NULL}};
    codec_check(
        &table,
        "TRUE,-9223372036854775808,1e3,2026-02-28,2026-03-01 10:00:01.5,2026-03-01 10:00:01Z\n"
        "false,n/a,NaN,2026-02-30,x,y\n",
        "TRUE|-9223372036854775808|1000.0|2026-02-28|2026-03-01 10:00:01.500|"
        "2026-03-01 10:00:01.000\n! column d: '2026-02-30' is no DATE\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_split_and_typed),
        cmocka_unit_test(quoted_fields_may_hold_everything),
        cmocka_unit_test(a_bad_value_is_told_with_its_column),
        cmocka_unit_test(errors_become_nulls_when_they_are_ignored),
        cmocka_unit_test(options_change_the_characters),
        cmocka_unit_test(every_type_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
