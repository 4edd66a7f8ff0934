/* Types: their text, equality, common types and classes. Types are written in a small notation:
 * "INT", "INT!" for NOT NULL, "DECIMAL(10,2)", "VARCHAR(5)", "TIMESTAMP(3)". */
#include "../base/testing.h"

#include <stdio.h>

#include "data/type.h"

static ps_arena arena;
static ps_buf out;

static int setup(void **state)
{
    (void)state;
    ps_arena_init(&arena, 1 << 24);
    ps_buf_init(&out, 1 << 16);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ps_arena_release(&arena);
    ps_buf_release(&out);
    return 0;
}

static const ps_type *type_of(const char *text)
{
    static const char *const simple[] = {
        "NULL",   "BOOLEAN",   "TINYINT",       "SMALLINT", "INT",    "BIGINT",    "FLOAT",
        "DOUBLE", "DECIMAL",   "CHAR",          "VARCHAR",  "BINARY", "VARBINARY", "DATE",
        "TIME",   "TIMESTAMP", "TIMESTAMP_LTZ", "MONTHS",   "MS"};
    char name[32];
    int first = 0;
    int second = 0;
    bool nullable = text[strlen(text) - 1] != '!';
    assert_true(sscanf(text, "%31[A-Z_](%d,%d)", name, &first, &second) >= 1);
    for (int kind = 0; kind < (int)(sizeof simple / sizeof simple[0]); kind++) {
        if (strcmp(name, simple[kind]) != 0) {
            continue;
        }
        if (kind == PS_TYPE_DECIMAL) {
            return ps_type_decimal(&arena, first, second, nullable);
        }
        if (kind >= PS_TYPE_CHAR && kind <= PS_TYPE_VARBINARY) {
            return ps_type_sized(&arena, (ps_type_kind)kind, first, nullable);
        }
        if (kind >= PS_TYPE_TIME && kind <= PS_TYPE_TIMESTAMP_LTZ) {
            return ps_type_time(&arena, (ps_type_kind)kind, first, nullable);
        }
        return ps_type_simple(&arena, (ps_type_kind)kind, nullable);
    }
    if (strcmp(name, "STRING") == 0) {
        return ps_type_with_nullable(&arena, &ps_type_string, nullable);
    }
    fail_msg("%s", text);
    return NULL;
}

static const char *printed(const ps_type *type)
{
    ps_buf_clear(&out);
    if (type == NULL) {
        return "none";
    }
    ps_type_print(type, &out);
    ps_buf_append_char(&out, '\0');
    return out.data;
}

static void the_common_type_holds_both(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b, *common;
    } table[] = {
        {"INT", "BIGINT", "BIGINT"},
        {"TINYINT!", "SMALLINT!", "SMALLINT NOT NULL"},
        {"INT!", "INT", "INT"},
        {"INT!", "NULL", "INT"},
        {"NULL", "STRING!", "STRING"},
        {"BIGINT", "DECIMAL(2,2)", "DECIMAL(21, 2)"},
        {"INT", "DECIMAL(2,2)", "DECIMAL(12, 2)"},
        {"DECIMAL(10,2)", "DECIMAL(5,4)", "DECIMAL(12, 4)"},
        {"DECIMAL(38,10)", "DECIMAL(38,20)", "DECIMAL(38, 10)"},
        {"DECIMAL(10,2)", "DOUBLE", "DOUBLE"},
        {"DECIMAL(10,2)", "FLOAT", "DOUBLE"},
        {"INT", "FLOAT", "FLOAT"},
        {"FLOAT", "DOUBLE", "DOUBLE"},
        {"CHAR(3)!", "CHAR(3)!", "CHAR(3) NOT NULL"},
        {"CHAR(3)!", "CHAR(5)!", "VARCHAR(5) NOT NULL"},
        {"CHAR(3)", "STRING", "STRING"},
        {"VARCHAR(7)", "VARCHAR(3)", "VARCHAR(7)"},
        {"BINARY(3)", "VARBINARY(2)", "VARBINARY(3)"},
        {"DATE", "TIMESTAMP(3)", "TIMESTAMP(3)"},
        {"TIMESTAMP(3)", "TIMESTAMP(6)", "TIMESTAMP(6)"},
        {"TIMESTAMP(6)", "TIMESTAMP_LTZ(3)", "TIMESTAMP_LTZ(6)"},
        {"TIME(0)", "TIME(3)", "TIME(3)"},
        {"INT", "STRING", "none"},
        {"BOOLEAN", "INT", "none"},
        {"STRING", "VARBINARY(3)", "none"},
        {"DATE", "TIME(0)", "none"},
        {"MONTHS", "MS", "none"},
        {"MS!", "MS", "INTERVAL DAY TO SECOND(3)"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const ps_type *a = type_of(table[i].a);
        const ps_type *b = type_of(table[i].b);
        assert_string_equal(printed(ps_type_common(&arena, a, b)), table[i].common);
        assert_string_equal(printed(ps_type_common(&arena, b, a)), table[i].common);
    }
}

static const ps_type *order_type(const char *amount)
{
    const ps_type **types = ps_arena_take(&arena, 2 * sizeof *types);
    ps_slice *names = ps_arena_take(&arena, 2 * sizeof *names);
    types[0] = type_of("INT!");
    types[1] = ps_type_map(&arena, type_of("STRING!"), ps_type_array(&arena, type_of(amount), true),
                           false);
    names[0] = PS_SLICE("id");
    names[1] = PS_SLICE("by`day");
    return ps_type_row(&arena, 2, names, types, false);
}

static void nested_types_print_compare_and_combine_by_their_parts(void **state)
{
    (void)state;
    const ps_type *a = order_type("INT!");
    const ps_type *b = order_type("BIGINT");
    assert_string_equal(printed(a), "ROW<`id` INT NOT NULL, `by``day` MAP<STRING NOT NULL, "
                                    "ARRAY<INT NOT NULL>> NOT NULL> NOT NULL");
    assert_true(ps_type_equal(a, order_type("INT!")));
    assert_false(ps_type_equal(a, order_type("INT")));
    assert_false(ps_type_equal(a, b));
    assert_string_equal(printed(ps_type_common(&arena, a, b)),
                        "ROW<`id` INT NOT NULL, `by``day` MAP<STRING NOT NULL, "
                        "ARRAY<BIGINT>> NOT NULL> NOT NULL");
    assert_null(ps_type_common(&arena, a, order_type("DATE")));
    assert_null(ps_type_common(&arena, a, type_of("INT")));
}

static void frequent_types_print_as_in_flink(void **state)
{
    (void)state;
    assert_string_equal(printed(&ps_type_string), "STRING");
    assert_string_equal(printed(&ps_type_bytes), "BYTES");
    assert_string_equal(printed(&ps_type_timestamp3), "TIMESTAMP(3)");
    assert_string_equal(printed(&ps_type_timestamp_ltz3), "TIMESTAMP_LTZ(3)");
    assert_string_equal(printed(type_of("DECIMAL(10,2)!")), "DECIMAL(10, 2) NOT NULL");
    assert_string_equal(printed(type_of("CHAR(3)!")), "CHAR(3) NOT NULL");
    assert_string_equal(printed(type_of("MONTHS")), "INTERVAL YEAR TO MONTH");
}

static void equality_leaves_out_only_the_nullability_at_the_top(void **state)
{
    (void)state;
    assert_true(ps_type_equal(type_of("INT!"), type_of("INT")));
    assert_false(ps_type_equal(type_of("DECIMAL(10,2)"), type_of("DECIMAL(10,3)")));
    assert_false(ps_type_equal(type_of("DECIMAL(10,2)"), type_of("DECIMAL(11,2)")));
    assert_false(ps_type_equal(type_of("VARCHAR(3)"), type_of("VARCHAR(4)")));
    assert_false(ps_type_equal(type_of("TIMESTAMP(3)"), type_of("TIMESTAMP(6)")));
    assert_false(ps_type_equal(type_of("TIMESTAMP(3)"), type_of("TIMESTAMP_LTZ(3)")));
    assert_ptr_equal(ps_type_with_nullable(&arena, &ps_type_int, true), &ps_type_int);
    assert_false(ps_type_with_nullable(&arena, &ps_type_int, false)->nullable);
}

static void classes_and_ticks_follow_the_precision(void **state)
{
    (void)state;
    assert_int_equal(ps_type_phys(type_of("DECIMAL(18,2)")), PS_PHYS_I64);
    assert_int_equal(ps_type_phys(type_of("DECIMAL(19,2)")), PS_PHYS_I128);
    assert_int_equal(ps_type_phys(type_of("FLOAT")), PS_PHYS_F64);
    assert_int_equal(ps_type_phys(order_type("INT")), PS_PHYS_TEXT);
    assert_int_equal(ps_type_ticks_per_second(type_of("TIMESTAMP(0)")), 1000);
    assert_int_equal(ps_type_ticks_per_second(type_of("TIMESTAMP(3)")), 1000);
    assert_int_equal(ps_type_ticks_per_second(type_of("TIMESTAMP(4)")), 1000000);
    assert_int_equal(ps_type_ticks_per_second(type_of("TIMESTAMP_LTZ(7)")), 1000000000);
}

static void types_without_memory_are_null(void **state)
{
    (void)state;
    ps_arena small;
    ps_arena_init(&small, 0);
    assert_null(ps_type_decimal(&small, 10, 2, true));
    assert_null(ps_type_array(&small, &ps_type_int, true));
    assert_null(ps_type_common(&small, &ps_type_int, &ps_type_bigint));
    ps_arena_release(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_common_type_holds_both),
        cmocka_unit_test(nested_types_print_compare_and_combine_by_their_parts),
        cmocka_unit_test(frequent_types_print_as_in_flink),
        cmocka_unit_test(equality_leaves_out_only_the_nullability_at_the_top),
        cmocka_unit_test(classes_and_ticks_follow_the_precision),
        cmocka_unit_test(types_without_memory_are_null),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
