#include "sql/catalog.h"

#include <stdio.h>

static ps_slice name_slice(const ps_ast_name *name)
{
    return ps_slice_of(name->text, name->size);
}

ps_slice ps_catalog_name(ps_plan *plan, const ps_ast_names *path)
{
    const ps_ast_name *last = ps_ast_names_last(path);
    if (path->count == 3 &&
        !ps_slice_equal(name_slice(&path->items[0]), PS_SLICE("default_catalog"))) {
        ps_plan_fail_hint(plan, path->items[0].at, "the only catalog is default_catalog",
                          "there is no catalog '%s'", path->items[0].text);
    }
    if (path->count >= 2 &&
        !ps_slice_equal(name_slice(&path->items[path->count - 2]), PS_SLICE("default_database"))) {
        ps_plan_fail_hint(plan, path->items[path->count - 2].at,
                          "the only database is default_database", "there is no database '%s'",
                          path->items[path->count - 2].text);
    }
    return name_slice(last);
}

ps_table *ps_catalog_find_exact(const ps_catalog *catalog, ps_slice name, bool is_temporary)
{
    for (uint32_t i = 0; i < catalog->count; i++) {
        ps_table *table = catalog->tables[i];
        if (table->is_temporary == is_temporary && ps_slice_equal(table->name, name)) {
            return table;
        }
    }
    return NULL;
}

ps_table *ps_catalog_find(const ps_catalog *catalog, const ps_ast_names *path)
{
    ps_slice name = name_slice(ps_ast_names_last(path));
    ps_table *table = ps_catalog_find_exact(catalog, name, true);
    return table != NULL ? table : ps_catalog_find_exact(catalog, name, false);
}

ps_table *ps_catalog_get(ps_plan *plan, const ps_ast_names *path)
{
    ps_slice name = ps_catalog_name(plan, path);
    ps_table *table = ps_catalog_find(plan->catalog, path);
    if (table != NULL) {
        return table;
    }
    uint32_t count = plan->catalog->count;
    ps_slice *names = PS_PLAN_ARRAY(plan, ps_slice, count);
    for (uint32_t i = 0; i < count; i++) {
        names[i] = plan->catalog->tables[i]->name;
    }
    ps_slice near = ps_name_nearest(name, count, names);
    ps_sql_span at = ps_ast_names_last(path)->at;
    if (near.size > 0) {
        ps_slice hint = ps_plan_print(plan, "did you mean '%.*s'?", (int)near.size, near.data);
        ps_plan_fail_hint(plan, at, hint.data, "table '%.*s' not found", (int)name.size, name.data);
    }
    ps_plan_fail(plan, PS_E_MISSING, at, "table '%.*s' not found", (int)name.size, name.data);
}

void ps_catalog_add(ps_plan *plan, ps_catalog *catalog, ps_table *table)
{
    if (catalog->count == PS_TABLE_COUNT_MAX) {
        ps_plan_fail(plan, PS_E_LIMIT, (ps_sql_span){0}, "a session has at most %d tables",
                     PS_TABLE_COUNT_MAX);
    }
    if (catalog->count == catalog->capacity) {
        uint32_t capacity = catalog->capacity == 0 ? 16 : catalog->capacity * 2;
        ps_table **tables = PS_PLAN_ARRAY(plan, ps_table *, capacity);
        if (catalog->count > 0) {
            memcpy(tables, catalog->tables, catalog->count * sizeof *tables);
        }
        catalog->tables = tables;
        catalog->capacity = capacity;
    }
    catalog->tables[catalog->count++] = table;
}

void ps_catalog_remove(ps_catalog *catalog, const ps_table *table)
{
    uint32_t i = 0;
    while (i < catalog->count && catalog->tables[i] != table) {
        i++;
    }
    PS_ASSERT(i < catalog->count);
    for (; i + 1 < catalog->count; i++) {
        catalog->tables[i] = catalog->tables[i + 1];
    }
    catalog->count--;
}

uint32_t ps_table_find_column(const ps_table *table, ps_slice name)
{
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (ps_slice_equal(table->columns[i].name, name)) {
            return i;
        }
    }
    return PS_NO_COLUMN;
}

ps_columns ps_table_primary_key(ps_plan *plan, const ps_table *table)
{
    ps_columns key = table->info.primary_key;
    uint32_t *columns = PS_PLAN_ARRAY(plan, uint32_t, key.count);
    for (uint32_t i = 0; i < key.count; i++) {
        columns[i] = ps_table_find_column(table, table->info.physical.fields[key.columns[i]].name);
    }
    return (ps_columns){key.count, columns};
}

ps_table_traits ps_table_find_traits(ps_plan *plan, const ps_table *table, ps_sql_span at)
{
    const ps_slice *name = ps_table_option(&table->info, "connector");
    ps_table_traits traits = {0};
    ps_error err;
    if (name == NULL) {
        ps_plan_fail_hint(plan, at, "add WITH ('connector' = '…') to its CREATE TABLE",
                          "table '%.*s' has no connector", (int)table->name.size, table->name.data);
    }
    const ps_connector *connector = ps_connector_find(plan->connectors, *name);
    if (connector == NULL) {
        char known[200] = "known:";
        for (uint32_t i = 0; plan->connectors->connectors[i] != NULL; i++) {
            size_t used = strlen(known);
            (void)snprintf(known + used, sizeof known - used, " %s",
                           plan->connectors->connectors[i]->name);
        }
        ps_plan_fail_hint(plan, at, known, "there is no connector '%.*s'", (int)name->size,
                          name->data);
    }
    ps_plan_check(plan, connector->traits(&table->info, &traits, &err), &err, at);
    return traits;
}

const ps_table *ps_table_with_options(ps_plan *plan, const ps_table *table,
                                      const ps_ast_options *options)
{
    ps_table *copy = PS_PLAN_NEW(plan, ps_table);
    ps_with_option *merged =
        PS_PLAN_ARRAY(plan, ps_with_option, table->info.option_count + options->count);
    uint32_t count = table->info.option_count;
    *copy = *table;
    if (count > 0) {
        memcpy(merged, table->info.options, count * sizeof *merged);
    }
    for (uint32_t i = 0; i < options->count; i++) {
        uint32_t slot = 0;
        while (slot < count && !ps_slice_equal(merged[slot].key, options->items[i].key)) {
            slot++;
        }
        merged[slot] = (ps_with_option){options->items[i].key, options->items[i].value};
        count += slot == count ? 1 : 0;
    }
    copy->info.options = merged;
    copy->info.option_count = count;
    return copy;
}

/* ── nearest name ── */

enum { NEAR_NAME_MAX = 64 };

/* Edit distance (insert, delete, replace), case ignored; one row of the table at a time. */
static uint32_t edit_distance(ps_slice a, ps_slice b)
{
    uint32_t row[NEAR_NAME_MAX + 1];
    for (uint32_t j = 0; j <= b.size; j++) {
        row[j] = j;
    }
    for (uint32_t i = 1; i <= a.size; i++) {
        uint32_t diagonal = row[0];
        row[0] = i;
        for (uint32_t j = 1; j <= b.size; j++) {
            uint32_t above = row[j];
            bool same = (a.data[i - 1] | 0x20) == (b.data[j - 1] | 0x20);
            uint32_t best = diagonal + (same ? 0 : 1);
            best = above + 1 < best ? above + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            diagonal = above;
            row[j] = best;
        }
    }
    return row[b.size];
}

ps_slice ps_name_nearest(ps_slice name, uint32_t count, const ps_slice *names)
{
    ps_slice nearest = {NULL, 0};
    uint32_t best = name.size > 6 ? 3 : 2; /* further away is another word */
    for (uint32_t i = 0; i < count && name.size <= NEAR_NAME_MAX; i++) {
        uint32_t distance = names[i].size <= NEAR_NAME_MAX ? edit_distance(name, names[i]) : 99;
        if (distance < best || (distance == best && nearest.size == 0 && distance < name.size)) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest;
}
