/* The table of scalar functions and operators: names, signatures, kernels, and the texts of the SQL
 * reference, which is generated from it.
 *
 * A function has a resolver (argument types → result type, with the implicit casts that it wants)
 * and makes a kernel for given types. One file per family: fn_compare.c, fn_logic.c,
 * fn_arithmetic.c, fn_decimal.c, fn_text.c, fn_regex.c, fn_time.c, fn_cast.c, fn_json.c,
 * fn_nested.c, fn_hash.c, fn_condition.c.
 *
 * How special forms are called (constants are texts in capitals):
 *   "- prefix" x                    unary minus ("-" with one argument does too)
 *   "LIKE" / "SIMILAR TO" x, pattern[, escape]      "IN" x, item, …
 *   "CASE" c1, v1, c2, v2, …, else                  "[]" array or map, index or key
 *   "TRIM" 'BOTH' | 'LEADING' | 'TRAILING', characters, text
 *   "POSITION" needle, text[, from]                 "OVERLAY" text, put, from[, length]
 *   "EXTRACT" unit, time   "FLOOR" / "CEIL" time, unit
 *   "TIMESTAMPADD" unit, n, time   "TIMESTAMPDIFF" unit, a, b
 *   "JSON_VALUE" json, path[, on_empty, empty_default, on_error, error_default[, sample]]:
 *       behaviours 'NULL' | 'ERROR' | 'DEFAULT'; defaults are values (NULL where not used); sample:
 *       a NULL constant of the RETURNING type
 *   "JSON_QUERY" json, path[, wrapper, on_empty, on_error]: 'WITHOUT' | 'CONDITIONAL' |
 *       'UNCONDITIONAL'; behaviours 'NULL' | 'ERROR' | 'EMPTY ARRAY' | 'EMPTY OBJECT'
 *   "JSON_EXISTS" json, path[, on_error]: 'TRUE' | 'FALSE' | 'UNKNOWN' | 'ERROR'
 *   "JSON_OBJECT" on_null, key, value, …   "JSON_ARRAY" on_null, value, …: 'NULL' | 'ABSENT'
 *       (without a clause 'NULL' for objects, 'ABSENT' for arrays)
 */
#ifndef PS_EXPR_FUNCTION_H
#define PS_EXPR_FUNCTION_H

#include "expr/expr.h"

typedef struct {
    const char *name;      /* as in the reference: "UPPER" */
    const char *signature; /* "UPPER(STRING) → STRING" */
    const char *summary;   /* one sentence */
    const char *family;    /* heading of the reference */
    bool is_deterministic;
} ps_function_entry;

uint32_t ps_function_count(void);
const ps_function_entry *ps_function_entry_at(uint32_t index);
/* Case-insensitive; NULL: unknown. */
const ps_function *ps_function_find(const char *name);
const ps_function_entry *ps_function_entry_of(const ps_function *function);

#endif
