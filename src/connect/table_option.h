/* Options of a table's WITH clause, checked: unknown ones are refused with the nearest name, values
 * with what they should be. */
#ifndef PS_CONNECT_TABLE_OPTION_H
#define PS_CONNECT_TABLE_OPTION_H

#include "flow/connector.h"

/* names: NULL-terminated lists of what the connector and its format know ('connector' itself is
 * always known); either may be NULL. PS_E_INVALID. */
PS_CHECKED ps_code ps_table_options_check(const ps_table_info *table,
                                          const char *const *connector_names,
                                          const char *const *format_names, ps_error *err);

/* PS_E_INVALID: not given, or not of the form. fallback: the value when it is not given. */
PS_CHECKED ps_code ps_table_option_text(const ps_table_info *table, const char *key, ps_slice *out,
                                        ps_error *err);
PS_CHECKED ps_code ps_table_option_integer(const ps_table_info *table, const char *key,
                                           int64_t fallback, int64_t min, int64_t max, int64_t *out,
                                           ps_error *err);
PS_CHECKED ps_code ps_table_option_bool(const ps_table_info *table, const char *key, bool fallback,
                                        bool *out, ps_error *err);
/* "5 s", "200ms", "1 min", "2 h", "1 d", as Flink writes durations. */
PS_CHECKED ps_code ps_table_option_duration_ms(const ps_table_info *table, const char *key,
                                               int64_t fallback, int64_t *out, ps_error *err);

#endif
