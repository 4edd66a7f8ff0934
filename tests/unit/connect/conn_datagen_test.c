#include "base/testing.h"

#include <stdio.h>
#include <string.h>

#include "connect/connectors.h"
#include "connect/table_fixture.h"

enum { TEXT_MAX = 16 << 20 };

static const ps_connector_context *surroundings(void)
{
    static ps_connector_context context;
    context = (ps_connector_context){.io = ps_io_posix(), .lane_count = 1};
    return &context;
}

static void orders(table_fixture *table)
{
    table_fixture_init(table, "orders");
    table_fixture_add(table, "id", &ps_type_bigint);
    table_fixture_add(table, "note", &ps_type_string);
    table_fixture_add(table, "amount", &ps_type_int);
    table_fixture_add(table, "at", &ps_type_timestamp3);
    table_fixture_set(table, "fields.note.length", "4");
    table_fixture_set(table, "fields.amount.min", "10");
    table_fixture_set(table, "fields.amount.max", "12");
    table_fixture_set(table, "seed", "7");
}

static void read_all(const table_fixture *table, ps_buf *out)
{
    ps_source *source = table_fixture_open(table, &ps_connector_datagen, surroundings());
    assert_int_equal(table_fixture_read(table, source, out), PS_SOURCE_END);
    source->class->close(source);
}

static void test_a_sequence_counts_up_and_ends_the_table(void **state)
{
    (void)state;
    table_fixture table;
    table_fixture_init(&table, "t");
    table_fixture_add(&table, "n", &ps_type_bigint);
    table_fixture_add(&table, "s", &ps_type_string);
    table_fixture_add(&table, "d", &ps_type_double);
    table_fixture_set(&table, "fields.n.kind", "sequence");
    table_fixture_set(&table, "fields.n.start", "-1");
    table_fixture_set(&table, "fields.n.end", "1");
    table_fixture_set(&table, "fields.s.kind", "sequence");
    table_fixture_set(&table, "fields.s.start", "5");
    table_fixture_set(&table, "fields.s.end", "99");
    table_fixture_set(&table, "fields.d.kind", "sequence");
    table_fixture_set(&table, "fields.d.start", "8");
    table_fixture_set(&table, "fields.d.end", "99");
    ps_buf text;
    ps_buf_init(&text, TEXT_MAX);
    read_all(&table, &text);
    ps_buf_append_char(&text, 0);
    assert_string_equal(text.data, "-1|5|8.0\n0|6|9.0\n1|7|10.0\n");
    ps_buf_release(&text);
}

static void test_the_same_seed_makes_the_same_rows_and_another_does_not(void **state)
{
    (void)state;
    ps_buf texts[3];
    for (int i = 0; i < 3; i++) {
        table_fixture table;
        orders(&table);
        table.options[3].value = i < 2 ? PS_SLICE("7") : PS_SLICE("8");
        table_fixture_set(&table, "number-of-rows", "3000");
        ps_buf_init(&texts[i], TEXT_MAX);
        read_all(&table, &texts[i]);
    }
    assert_true(ps_slice_equal(ps_buf_slice(&texts[0]), ps_buf_slice(&texts[1])));
    assert_false(ps_slice_equal(ps_buf_slice(&texts[0]), ps_buf_slice(&texts[2])));
    for (int i = 0; i < 3; i++) {
        ps_buf_release(&texts[i]);
    }
}

static void test_values_stay_in_their_ranges_and_reach_both_ends(void **state)
{
    (void)state;
    table_fixture table;
    orders(&table);
    table_fixture_set(&table, "number-of-rows", "300");
    ps_buf text;
    ps_buf_init(&text, TEXT_MAX);
    read_all(&table, &text);
    ps_buf_append_char(&text, 0);
    uint32_t counts[3] = {0}, rows = 0;
    for (char *line = strtok(text.data, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char note[16];
        long long id;
        int amount;
        assert_int_equal(sscanf(line, "%lld|%15[0-9a-f]|%d|2024-01-01 00:00:0", &id, note, &amount),
                         3);
        assert_int_equal(strlen(note), 4);
        assert_in_range(amount, 10, 12);
        counts[amount - 10]++;
        rows++;
    }
    assert_int_equal(rows, 300);
    assert_true(counts[0] > 50 && counts[1] > 50 && counts[2] > 50);
    ps_buf_release(&text);
}

static void test_a_position_leads_back_to_the_next_row_without_a_seed_too(void **state)
{
    (void)state;
    table_fixture table;
    orders(&table);
    table.options[3] = (ps_with_option){PS_SLICE("number-of-rows"), PS_SLICE("2500")};
    ps_source *source = table_fixture_open(&table, &ps_connector_datagen, surroundings());
    ps_batch batch;
    int source_state;
    ps_error err;
    assert_int_equal(source->class->read(source, &batch, &source_state, &err), PS_OK);
    assert_int_equal(source_state, PS_SOURCE_MORE);
    ps_buf at, rest, again;
    ps_buf_init(&at, PS_POSITION_MAX);
    ps_buf_init(&rest, TEXT_MAX);
    ps_buf_init(&again, TEXT_MAX);
    assert_int_equal(source->class->position(source, &at, &err), PS_OK);
    table_fixture_read(&table, source, &rest);
    source->class->close(source);

    source = table_fixture_open(&table, &ps_connector_datagen, surroundings());
    assert_int_equal(source->class->seek(source, ps_buf_slice(&at), &err), PS_OK);
    table_fixture_read(&table, source, &again);
    assert_true(again.size > 0);
    assert_true(ps_slice_equal(ps_buf_slice(&rest), ps_buf_slice(&again)));
    assert_int_equal(source->class->seek(source, PS_SLICE("short"), &err), PS_E_DAMAGED);
    source->class->close(source);
    ps_buf_release(&at);
    ps_buf_release(&rest);
    ps_buf_release(&again);
}

static void test_a_row_does_not_depend_on_which_columns_are_read(void **state)
{
    (void)state;
    table_fixture table;
    orders(&table);
    table_fixture_set(&table, "number-of-rows", "5");
    ps_buf all, some;
    ps_buf_init(&all, TEXT_MAX);
    ps_buf_init(&some, TEXT_MAX);
    read_all(&table, &all);
    table.spec.leaf_count = 1;
    table.leaves[0] = table.leaves[1];
    read_all(&table, &some);
    ps_buf_append_char(&all, 0);
    ps_buf_append_char(&some, 0);
    char first[16];
    assert_int_equal(sscanf(all.data, "%*[^|]|%15[^|]", first), 1);
    assert_memory_equal(some.data, first, 4);
    ps_buf_release(&all);
    ps_buf_release(&some);
}

static void test_nulls_come_at_their_rate(void **state)
{
    (void)state;
    table_fixture table;
    orders(&table);
    table_fixture_set(&table, "fields.note.null-rate", "0.5");
    table_fixture_set(&table, "number-of-rows", "1000");
    ps_buf text;
    ps_buf_init(&text, TEXT_MAX);
    read_all(&table, &text);
    ps_buf_append_char(&text, 0);
    uint32_t nulls = 0;
    for (const char *at = text.data; (at = strstr(at, "NULL")) != NULL; at++) {
        nulls++;
    }
    assert_in_range(nulls, 400, 600);
    ps_buf_release(&text);
}

static void test_an_endless_table_keeps_its_pace(void **state)
{
    (void)state;
    table_fixture table;
    orders(&table);
    table_fixture_set(&table, "rows-per-second", "1");
    ps_buf text;
    ps_buf_init(&text, TEXT_MAX);
    ps_source *source = table_fixture_open(&table, &ps_connector_datagen, surroundings());
    ps_table_traits traits;
    ps_error err;
    assert_int_equal(ps_connector_datagen.traits(&table.info, &traits, &err), PS_OK);
    assert_false(traits.is_bounded);
    assert_int_equal(table_fixture_read(&table, source, &text), PS_SOURCE_IDLE);
    assert_true(text.size > 0 && text.size < 200);
    source->class->close(source);
    ps_buf_release(&text);
}

static void test_wrong_options_are_refused_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value, *part;
    } cases[] = {
        {"fields.amount.lenght", "3", "does not take 'fields.amount.lenght'"},
        {"fields.note.lenght", "3", "did you mean 'length'?"},
        {"fields.other.kind", "random", "no column of that name"},
        {"rows-per-secnd", "3", "did you mean 'rows-per-second'?"},
        {"fields.id.kind", "sequenze", "random or sequence"},
        {"fields.id.kind", "sequence", "needs the option 'fields.id.start'"},
        {"fields.at.kind", "sequence", "only numbers and texts have sequences"},
        {"fields.id.min", "many", "a value of the column's type"},
        {"fields.note.length", "0", "a whole number from 1"},
        {"fields.note.null-rate", "1.5", "a number from 0 to 1"},
        {"number-of-rows", "-2", "a whole number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        table_fixture table;
        orders(&table);
        table.info.option_count = 0;
        table_fixture_set(&table, cases[i].key, cases[i].value);
        const char *refusal = table_fixture_refusal(&table, &ps_connector_datagen);
        if (strstr(refusal, cases[i].part) == NULL) {
            fail_msg("case %zu: '%s'", i, refusal);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sequence_counts_up_and_ends_the_table),
        cmocka_unit_test(test_the_same_seed_makes_the_same_rows_and_another_does_not),
        cmocka_unit_test(test_values_stay_in_their_ranges_and_reach_both_ends),
        cmocka_unit_test(test_a_position_leads_back_to_the_next_row_without_a_seed_too),
        cmocka_unit_test(test_a_row_does_not_depend_on_which_columns_are_read),
        cmocka_unit_test(test_nulls_come_at_their_rate),
        cmocka_unit_test(test_an_endless_table_keeps_its_pace),
        cmocka_unit_test(test_wrong_options_are_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
