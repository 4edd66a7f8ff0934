#include "flow/connector.h"

const ps_connector *ps_connector_find(const ps_connector_set *set, ps_slice name)
{
    for (uint32_t i = 0; set->connectors[i] != NULL; i++) {
        if (ps_slice_equal(ps_slice_text(set->connectors[i]->name), name)) {
            return set->connectors[i];
        }
    }
    return NULL;
}

const ps_slice *ps_table_option(const ps_table_info *table, const char *key)
{
    ps_slice wanted = ps_slice_text(key);
    for (uint32_t i = 0; i < table->option_count; i++) {
        if (ps_slice_equal(table->options[i].key, wanted)) {
            return &table->options[i].value;
        }
    }
    return NULL;
}
