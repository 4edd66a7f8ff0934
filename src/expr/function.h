/* The table of scalar functions and operators: names, signatures, kernels, and the texts of the SQL
 * reference, which is generated from it.
 *
 * A function has a resolver (argument types → result type, with the implicit casts that it wants)
 * and makes a kernel for given types. One file per family: fn_compare.c, fn_logic.c,
 * fn_arithmetic.c, fn_decimal.c, fn_text.c, fn_regex.c, fn_time.c, fn_cast.c, fn_json.c,
 * fn_nested.c, fn_hash.c, fn_condition.c.
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
