#include "connect/table_option.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"

enum { NAMES_MAX = 128, TEXT_MAX = 200 };

static bool is_listed(ps_slice key, const char *const *names)
{
    for (uint32_t i = 0; names != NULL && names[i] != NULL; i++) {
        if (ps_slice_equal(key, ps_slice_text(names[i]))) {
            return true;
        }
    }
    return false;
}

static ps_code unknown(const ps_table_info *table, ps_slice key, const char *const *connector_names,
                       const char *const *format_names, ps_error *err)
{
    const char *names[NAMES_MAX + 1] = {"connector"};
    uint32_t count = 1;
    for (uint32_t i = 0; connector_names != NULL && connector_names[i] != NULL; i++) {
        names[count++] = connector_names[i];
    }
    for (uint32_t i = 0; format_names != NULL && format_names[i] != NULL; i++) {
        names[count++] = format_names[i];
    }
    PS_ASSERT(count <= NAMES_MAX);
    char text[TEXT_MAX];
    snprintf(text, sizeof text, "%.*s", (int)key.size, key.data);
    const char *nearest = ps_nearest_word(text, names);
    return ps_error_set(err, PS_E_INVALID, "table %.*s has the unknown option '%s'%s%s%s",
                        (int)table->name.size, table->name.data, text,
                        nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
                        nearest != NULL ? "'?" : "");
}

ps_code ps_table_options_check(const ps_table_info *table, const char *const *connector_names,
                               const char *const *format_names, ps_error *err)
{
    for (uint32_t i = 0; i < table->option_count; i++) {
        ps_slice key = table->options[i].key;
        if (!ps_slice_equal(key, PS_SLICE("connector")) && !is_listed(key, connector_names) &&
            !is_listed(key, format_names)) {
            return unknown(table, key, connector_names, format_names, err);
        }
    }
    return PS_OK;
}

static ps_code wrong(const ps_table_info *table, const char *key, ps_slice value,
                     const char *wanted, ps_error *err)
{
    return ps_error_set(err, PS_E_INVALID, "table %.*s: option '%s' is '%.*s', it must be %s",
                        (int)table->name.size, table->name.data, key, (int)value.size, value.data,
                        wanted);
}

ps_code ps_table_option_text(const ps_table_info *table, const char *key, ps_slice *out,
                             ps_error *err)
{
    const ps_slice *value = ps_table_option(table, key);
    if (value == NULL || value->size == 0) {
        return ps_error_set(err, PS_E_INVALID, "table %.*s needs the option '%s'",
                            (int)table->name.size, table->name.data, key);
    }
    *out = *value;
    return PS_OK;
}

/* A number at the start of text; what follows is *out_rest. */
static bool parse_number(ps_slice value, char text[TEXT_MAX], int64_t *out, const char **out_rest)
{
    snprintf(text, TEXT_MAX, "%.*s", (int)value.size, value.data);
    char *end;
    *out = strtoll(text, &end, 10);
    *out_rest = end;
    return end != text;
}

ps_code ps_table_option_integer(const ps_table_info *table, const char *key, int64_t fallback,
                                int64_t min, int64_t max, int64_t *out, ps_error *err)
{
    const ps_slice *value = ps_table_option(table, key);
    if (value == NULL) {
        *out = fallback;
        return PS_OK;
    }
    char text[TEXT_MAX], wanted[TEXT_MAX];
    int64_t number;
    const char *rest;
    snprintf(wanted, sizeof wanted, "a whole number from %lld to %lld", (long long)min,
             (long long)max);
    if (!parse_number(*value, text, &number, &rest) || *rest != 0 || number < min || number > max) {
        return wrong(table, key, *value, wanted, err);
    }
    *out = number;
    return PS_OK;
}

ps_code ps_table_option_bool(const ps_table_info *table, const char *key, bool fallback, bool *out,
                             ps_error *err)
{
    const ps_slice *value = ps_table_option(table, key);
    if (value == NULL) {
        *out = fallback;
        return PS_OK;
    }
    bool is_true = value->size == 4 && strncasecmp(value->data, "true", 4) == 0;
    bool is_false = value->size == 5 && strncasecmp(value->data, "false", 5) == 0;
    if (!is_true && !is_false) {
        return wrong(table, key, *value, "true or false", err);
    }
    *out = is_true;
    return PS_OK;
}

static const struct duration_unit {
    const char *name;
    int64_t ms;
} duration_units[] = {
    {"", 1},           {"ms", 1},          {"milli", 1},       {"millis", 1},
    {"s", 1000},       {"sec", 1000},      {"second", 1000},   {"seconds", 1000},
    {"min", 60000},    {"m", 60000},       {"minute", 60000},  {"minutes", 60000},
    {"h", 3600000},    {"hour", 3600000},  {"hours", 3600000}, {"d", 86400000},
    {"day", 86400000}, {"days", 86400000},
};

ps_code ps_table_option_duration_ms(const ps_table_info *table, const char *key, int64_t fallback,
                                    int64_t *out, ps_error *err)
{
    const ps_slice *value = ps_table_option(table, key);
    if (value == NULL) {
        *out = fallback;
        return PS_OK;
    }
    char text[TEXT_MAX];
    int64_t number;
    const char *unit;
    if (parse_number(*value, text, &number, &unit) && number >= 0) {
        unit += strspn(unit, " ");
        for (size_t i = 0; i < sizeof duration_units / sizeof *duration_units; i++) {
            if (strcmp(unit, duration_units[i].name) == 0) {
                return __builtin_mul_overflow(number, duration_units[i].ms, out)
                           ? wrong(table, key, *value, "a shorter duration", err)
                           : PS_OK;
            }
        }
    }
    return wrong(table, key, *value, "a duration as '5 s', '200 ms' or '1 min'", err);
}
