/* Functions of the user's in C (include/paystream/function.h), as a session knows them: a list that
 * ps_expr_context refers to. Scalar ones are called through fn_user.c, aggregates through
 * flow/agg_user.c. */
#ifndef PS_EXPR_USER_FUNCTION_H
#define PS_EXPR_USER_FUNCTION_H

#include <paystream/function.h>

#include "expr/expr.h"

typedef struct ps_aggregate_class ps_aggregate_class;

typedef struct ps_user_function ps_user_function;
struct ps_user_function {
    const char *name;         /* as it was created; found case-insensitively */
    const char *signature;    /* "fee(BIGINT) → BIGINT" */
    const ps_sql_function *c; /* in the library */
    uint32_t parameter_count;
    const ps_type *parameters[PS_SQL_PARAMETERS_MAX];
    const ps_type *result;               /* nullable */
    const ps_function *scalar;           /* NULL: an aggregate … */
    const ps_aggregate_class *aggregate; /* … that flow has made this of (ps_aggregate_user) */
    ps_user_function *next;
};

/* Checks what the library exports under that name; in the arena, aggregate is left NULL.
 * PS_E_VERSION: of another interface. PS_E_INVALID: types or functions are missing, with the
 * reason. PS_E_MEMORY. */
PS_CHECKED ps_code ps_user_function_new(ps_arena *arena, ps_slice name, const ps_sql_function *c,
                                        ps_user_function **out, ps_error *err);
/* NULL: none of that name. */
const ps_user_function *ps_user_function_find(const ps_user_function *list, const char *name);

/* Between the two forms of values. */
void ps_user_values_from(const ps_user_function *function, const ps_value *values,
                         ps_sql_value *out);
/* What the function gave; PS_E_INVALID: it is no value of the type (a STRING that is not UTF-8). */
PS_CHECKED ps_code ps_user_value_take(const ps_user_function *function, const ps_sql_value *value,
                                      ps_value *out, ps_error *err);

#endif
