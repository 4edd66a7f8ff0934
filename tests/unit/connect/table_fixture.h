/* A table as DDL would declare it, and a source of it read to its end, as text. */
#ifndef PS_TESTS_TABLE_FIXTURE_H
#define PS_TESTS_TABLE_FIXTURE_H

#include "flow/connector.h"

enum { FIXTURE_COLUMNS_MAX = 40, FIXTURE_OPTIONS_MAX = 32 };

typedef struct {
    ps_table_info info;
    ps_field fields[FIXTURE_COLUMNS_MAX];
    ps_with_option options[FIXTURE_OPTIONS_MAX];
    ps_leaf leaves[FIXTURE_COLUMNS_MAX]; /* all columns, unless the test says otherwise */
    ps_source_spec spec;
} table_fixture;

void table_fixture_init(table_fixture *table, const char *name);
void table_fixture_add(table_fixture *table, const char *column, const ps_type *type);
void table_fixture_set(table_fixture *table, const char *key, const char *value);

/* The source of the table; fails the test when it cannot be opened. */
ps_source *table_fixture_open(const table_fixture *table, const ps_connector *connector,
                              const ps_connector_context *context);
/* Appends the rows, "a|b|c\n" in plain form, until IDLE or END, which is returned. */
int table_fixture_read(const table_fixture *table, ps_source *source, ps_buf *out);
/* What the traits say against it; empty: nothing. */
const char *table_fixture_refusal(const table_fixture *table, const ps_connector *connector);

#endif
