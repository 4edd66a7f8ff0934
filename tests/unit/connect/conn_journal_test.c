#include "base/testing.h"

#include <stdio.h>
#include <string.h>

#include "connect/connectors.h"
#include "connect/journal_fixture.h"
#include "connect/journal_tables.h"
#include "connect/table_fixture.h"

enum { TEXT_MAX = 16 << 20, MANY = 3000 };

/* A table with these columns of the journal's table of that name. */
static void declare(table_fixture *table, const char *name, const char *columns)
{
    char text[400];
    const ps_journal_table *of = ps_journal_table_find(ps_slice_text(name));
    assert_non_null(of);
    table_fixture_init(table, name);
    snprintf(text, sizeof text, "%s", columns);
    for (char *at = strtok(text, " "); at != NULL; at = strtok(NULL, " ")) {
        const ps_journal_column *column = ps_journal_column_find(of, ps_slice_text(at));
        assert_non_null(column);
        table_fixture_add(table, column->name, column->type);
    }
}

static ps_connector_context still(const journal_fixture *f)
{
    return (ps_connector_context){.io = journal_fixture_io(f), .data_dir = "/d", .lane_count = 1};
}

static ps_connector_context running(const journal_fixture *f)
{
    ps_connector_context context = still(f);
    context.journal = journal_fixture_journal(f);
    return context;
}

static void read_still(const journal_fixture *f, const table_fixture *table, ps_buf *out)
{
    ps_connector_context context = still(f);
    ps_source *source = table_fixture_open(table, &ps_connector_journal, &context);
    ps_buf_clear(out);
    assert_int_equal(table_fixture_read(table, source, out), PS_SOURCE_END);
    ps_buf_append_char(out, 0);
    source->class->close(source);
}

typedef struct {
    const char *table, *columns, *rows;
} table_case;

static void test_each_table_shows_what_happened(void **state)
{
    (void)state;
    static const table_case cases[] = {
        {"payment_events", "type payment_id status amount authorised captured refunded",
         "payment.created|pay_auto1|created|500|0|0|0\n"
         "payment.authorised|pay_auto1|authorised|500|500|0|0\n"
         "payment.captured|pay_auto1|captured|500|500|500|0\n"
         "payment.created|pay_hand1|created|900|0|0|0\n"
         "payment.authorised|pay_hand1|authorised|900|900|0|0\n"
         "payment.partially_captured|pay_hand1|partially_captured|200|900|200|0\n"
         "payment.captured|pay_hand1|captured|300|900|500|0\n"
         "payment.created|pay_poor1|created|70|0|0|0\n"
         "payment.declined|pay_poor1|declined|70|0|0|0\n"},
        {"payment_events",
         "currency decline_code merchant payer instrument_type token bin ip email",
         "EUR|NULL|m|p|card|tok_ok|424242|10.0.0.1|NULL\n"
         "EUR|NULL|m|p|card|tok_ok|424242|10.0.0.1|NULL\n"
         "EUR|NULL|m|p|card|tok_ok|424242|10.0.0.1|NULL\n"
         "EUR|NULL|m|p|card|tok_ok|424242|10.0.0.1|NULL\n"
         "EUR|NULL|m|p|card|tok_ok|424242|10.0.0.1|NULL\n"
         "EUR|NULL|m|p|card|tok_ok|424242|10.0.0.1|NULL\n"
         "EUR|NULL|m|p|card|tok_ok|424242|10.0.0.1|NULL\n"
         "EUR|NULL|m|p|card|tok_insufficient_funds|424242|10.0.0.1|NULL\n"
         "EUR|insufficient_funds|m|p|card|tok_insufficient_funds|424242|10.0.0.1|NULL\n"},
        {"decisions", "payment_id action amount merchant",
         "pay_auto1|approve|500|m\npay_hand1|approve|900|m\npay_poor1|approve|70|m\n"},
        {"transfers", "status debit credit amount posted currency reference",
         "posted|cash|safe|40|40|EUR|move\n"},
        {"risk_events", "type kind severity payment_id entity data",
         "fraud|stolen|high|pay_auto1|card 1|{\"by\":\"bank\"}\n"},
    };
    journal_fixture *f = journal_fixture_new();
    journal_fixture_pay(f, "pay_auto1", "tok_ok", 500);
    journal_fixture_pay_manual(f, "pay_hand1", 900);
    journal_fixture_capture(f, "pay_hand1", 200, false);
    journal_fixture_capture(f, "pay_hand1", 300, true);
    journal_fixture_pay(f, "pay_poor1", "tok_insufficient_funds", 70);
    journal_fixture_transfer(f, "cash", "safe", 40);
    journal_fixture_risk_event(f, "pay_auto1");
    journal_fixture_stop(f);
    ps_buf text;
    ps_buf_init(&text, TEXT_MAX);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        table_fixture table;
        declare(&table, cases[i].table, cases[i].columns);
        read_still(f, &table, &text);
        assert_string_equal(text.data, cases[i].rows);
    }
    ps_buf_release(&text);
    journal_fixture_free(f);
}

static void test_a_refund_shows_its_own_amount_and_its_trade(void **state)
{
    (void)state;
    journal_fixture *f = journal_fixture_new();
    journal_fixture_pay(f, "pay_auto1", "tok_ok", 500);
    journal_fixture_refund(f, "pay_auto1", 120);
    journal_fixture_stop(f);
    table_fixture table;
    ps_buf text;
    ps_buf_init(&text, TEXT_MAX);
    declare(&table, "payment_events", "type amount refunded");
    read_still(f, &table, &text);
    assert_non_null(strstr(text.data, "payment.refunded|120|120\n"));
    declare(&table, "trades", "kind status payment_id amount");
    read_still(f, &table, &text);
    assert_non_null(strstr(text.data, "capture|success|pay_auto1|500\n"));
    assert_non_null(strstr(text.data, "refund|success|pay_auto1|120\n"));
    ps_buf_release(&text);
    journal_fixture_free(f);
}

static void test_ids_made_by_the_server_are_those_of_the_api(void **state)
{
    (void)state;
    journal_fixture *f = journal_fixture_new();
    journal_fixture_pay(f, "", "tok_ok", 500);
    journal_fixture_stop(f);
    table_fixture table;
    ps_buf text;
    ps_buf_init(&text, TEXT_MAX);
    declare(&table, "payment_events", "payment_id");
    read_still(f, &table, &text);
    assert_memory_equal(text.data, "pay_", 4);
    assert_memory_equal(text.data, text.data + 31, 31); /* every change of one payment */
    ps_buf_release(&text);
    journal_fixture_free(f);
}

static void test_many_rows_resume_in_the_middle_of_a_record(void **state)
{
    (void)state;
    journal_fixture *f = journal_fixture_new();
    for (int i = 0; i < MANY / 3; i++) {
        journal_fixture_pay(f, "", "tok_ok", 100 + i);
    }
    journal_fixture_stop(f);
    table_fixture table;
    declare(&table, "payment_events", "seq type payment_id amount reference");
    ps_buf whole, parts, at;
    ps_buf_init(&whole, TEXT_MAX);
    ps_buf_init(&parts, TEXT_MAX);
    ps_buf_init(&at, PS_POSITION_MAX);
    read_still(f, &table, &whole);
    whole.size--;
    /* 3 rows a record: the first batch of 1,024 ends one row into a record */
    ps_connector_context context = still(f);
    ps_source *source = table_fixture_open(&table, &ps_connector_journal, &context);
    ps_batch batch;
    int source_state;
    ps_error err;
    assert_int_equal(source->class->read(source, &batch, &source_state, &err), PS_OK);
    assert_int_equal(batch.row_count, PS_BATCH_ROWS);
    assert_int_equal(source->class->position(source, &at, &err), PS_OK);
    source->class->close(source);
    source = table_fixture_open(&table, &ps_connector_journal, &context);
    assert_int_equal(source->class->seek(source, ps_buf_slice(&at), &err), PS_OK);
    assert_int_equal(table_fixture_read(&table, source, &parts), PS_SOURCE_END);
    source->class->close(source);
    assert_true(parts.size > 0 && parts.size < whole.size);
    assert_memory_equal(whole.data + whole.size - parts.size, parts.data, parts.size);
    uint32_t rows = 0;
    for (size_t i = 0; i < parts.size; i++) {
        rows += parts.data[i] == '\n';
    }
    assert_int_equal(rows, MANY / 3 * 3 - PS_BATCH_ROWS);
    ps_buf_release(&whole);
    ps_buf_release(&parts);
    ps_buf_release(&at);
    journal_fixture_free(f);
}

static void test_a_running_journal_is_followed(void **state)
{
    (void)state;
    journal_fixture *f = journal_fixture_new();
    journal_fixture_pay(f, "pay_first", "tok_ok", 1);
    table_fixture table;
    ps_table_traits traits;
    ps_error err;
    declare(&table, "payment_events", "type payment_id");
    assert_int_equal(ps_connector_journal_following.traits(&table.info, &traits, &err), PS_OK);
    assert_false(traits.is_bounded);
    assert_int_equal(ps_connector_journal.traits(&table.info, &traits, &err), PS_OK);
    assert_true(traits.is_bounded);
    table_fixture_set(&table, "scan.startup.mode", "latest");
    ps_connector_context context = running(f);
    ps_source *source = table_fixture_open(&table, &ps_connector_journal_following, &context);
    ps_buf text;
    ps_buf_init(&text, TEXT_MAX);
    assert_int_equal(table_fixture_read(&table, source, &text), PS_SOURCE_IDLE);
    assert_int_equal(text.size, 0);
    journal_fixture_pay(f, "pay_second", "tok_insufficient_funds", 2);
    assert_int_equal(table_fixture_read(&table, source, &text), PS_SOURCE_IDLE);
    ps_buf_append_char(&text, 0);
    assert_string_equal(text.data, "payment.created|pay_second\npayment.declined|pay_second\n");
    source->class->close(source);
    ps_buf_release(&text);
    journal_fixture_free(f);
}

static void test_a_read_starts_at_the_sequence_asked_for(void **state)
{
    (void)state;
    journal_fixture *f = journal_fixture_new();
    journal_fixture_pay(f, "pay_first", "tok_ok", 1);
    char sequence[24];
    snprintf(sequence, sizeof sequence, "%llu", (unsigned long long)journal_fixture_last(f) + 1);
    journal_fixture_pay(f, "pay_second", "tok_insufficient_funds", 2);
    journal_fixture_stop(f);
    table_fixture table;
    ps_buf text;
    ps_buf_init(&text, TEXT_MAX);
    declare(&table, "payment_events", "payment_id");
    table_fixture_set(&table, "scan.startup.mode", "sequence");
    table_fixture_set(&table, "scan.startup.sequence", sequence);
    read_still(f, &table, &text);
    assert_string_equal(text.data, "pay_second\npay_second\n");
    declare(&table, "payment_events", "payment_id");
    table_fixture_set(&table, "scan.startup.mode", "latest");
    read_still(f, &table, &text);
    assert_string_equal(text.data, "");
    ps_buf_release(&text);
    journal_fixture_free(f);
}

static void test_a_position_of_another_journal_is_refused(void **state)
{
    (void)state;
    journal_fixture *f = journal_fixture_new();
    journal_fixture_stop(f);
    table_fixture table;
    declare(&table, "trades", "seq");
    ps_connector_context context = still(f);
    ps_source *source = table_fixture_open(&table, &ps_connector_journal, &context);
    const struct {
        uint64_t seq;
        uint32_t skip;
    } at = {1000, 0};
    ps_error err;
    assert_int_equal(source->class->seek(source, ps_slice_of(&at, 12), &err), PS_E_DAMAGED);
    assert_non_null(strstr(err.text, "another data directory"));
    assert_int_equal(source->class->seek(source, PS_SLICE("x"), &err), PS_E_DAMAGED);
    source->class->close(source);
    journal_fixture_free(f);
}

static void test_wrong_tables_columns_and_options_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *table, *column;
        const ps_type *type;
        const char *key, *value, *part;
    } cases[] = {
        {"payments", "seq", &ps_type_bigint, NULL, NULL, "has no table 'payments'"},
        {"x", "seq", &ps_type_bigint, "table", "trades", ""},
        {"trades", "colour", &ps_type_string, NULL, NULL, "trades has no column colour"},
        {"trades", "seq", &ps_type_string, NULL, NULL, "column seq must be BIGINT"},
        {"trades", "seq", &ps_type_bigint, "scan.startup.mode", "newest", "must be earliest"},
        {"trades", "seq", &ps_type_bigint, "scan.startup.mode", "sequence", "go together"},
        {"trades", "seq", &ps_type_bigint, "scan.startup.sequence", "5", "go together"},
        {"trades", "seq", &ps_type_bigint, "scan.bounded.mode", "never", "latest or unbounded"},
        {"trades", "seq", &ps_type_bigint, "scan.bounded.mode", "unbounded", "only a job of"},
        {"trades", "seq", &ps_type_bigint, "scan.startup.mod", "latest", "did you mean"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        table_fixture table;
        table_fixture_init(&table, cases[i].table);
        table_fixture_add(&table, cases[i].column, cases[i].type);
        if (cases[i].key != NULL) {
            table_fixture_set(&table, cases[i].key, cases[i].value);
        }
        const char *refusal = table_fixture_refusal(&table, &ps_connector_journal);
        bool is_told =
            cases[i].part[0] != 0 ? strstr(refusal, cases[i].part) != NULL : refusal[0] == 0;
        if (!is_told) {
            fail_msg("case %zu: '%s'", i, refusal);
        }
    }
}

/* The prelude is written by hand: it must name every column of every table, in order. */
static void test_the_declared_tables_have_the_columns_of_the_list(void **state)
{
    (void)state;
    const char *at = ps_journal_tables_ddl;
    for (uint32_t i = 0; ps_journal_table_at(i) != NULL; i++) {
        const ps_journal_table *table = ps_journal_table_at(i);
        char text[80];
        snprintf(text, sizeof text, "CREATE TABLE %s (", table->name);
        assert_memory_equal(at, text, strlen(text));
        at += strlen(text);
        for (const ps_journal_column *column = table->columns; column->name != NULL; column++) {
            ps_buf type;
            ps_buf_init(&type, 100);
            ps_type_print(column->type, &type);
            snprintf(text, sizeof text, "%s %.*s, ", column->name, (int)type.size, type.data);
            assert_memory_equal(at, text, strlen(text));
            at += strlen(text);
            ps_buf_release(&type);
        }
        assert_memory_equal(at, "WATERMARK FOR event_time", 24);
        at = strchr(at, '\n') + 1;
    }
    assert_int_equal(*at, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_table_shows_what_happened),
        cmocka_unit_test(test_a_refund_shows_its_own_amount_and_its_trade),
        cmocka_unit_test(test_ids_made_by_the_server_are_those_of_the_api),
        cmocka_unit_test(test_many_rows_resume_in_the_middle_of_a_record),
        cmocka_unit_test(test_a_running_journal_is_followed),
        cmocka_unit_test(test_a_read_starts_at_the_sequence_asked_for),
        cmocka_unit_test(test_a_position_of_another_journal_is_refused),
        cmocka_unit_test(test_wrong_tables_columns_and_options_are_refused),
        cmocka_unit_test(test_the_declared_tables_have_the_columns_of_the_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
