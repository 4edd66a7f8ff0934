/* The table of functions: families in the order of the reference, and the search by name. */
#include <strings.h>

#include "expr/kernel.h"

static const ps_function_family *const families[] = {
    &ps_family_compare,    &ps_family_in,         &ps_family_logic,     &ps_family_condition,
    &ps_family_cast,       &ps_family_arithmetic, &ps_family_math,      &ps_family_text,
    &ps_family_search,     &ps_family_regex,      &ps_family_hash,      &ps_family_time,
    &ps_family_time_parts, &ps_family_json,       &ps_family_json_make, &ps_family_nested};

enum { FAMILY_COUNT = sizeof families / sizeof families[0] };

uint32_t ps_function_count(void)
{
    uint32_t count = 0;
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        count += families[i]->count;
    }
    return count;
}

const ps_function_entry *ps_function_entry_at(uint32_t index)
{
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        if (index < families[i]->count) {
            return &families[i]->functions[index].entry;
        }
        index -= families[i]->count;
    }
    return NULL;
}

const ps_function *ps_function_find(const char *name)
{
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        for (uint32_t k = 0; k < families[i]->count; k++) {
            if (strcasecmp(families[i]->functions[k].entry.name, name) == 0) {
                return &families[i]->functions[k];
            }
        }
    }
    return NULL;
}

const ps_function_entry *ps_function_entry_of(const ps_function *function)
{
    return &function->entry;
}
