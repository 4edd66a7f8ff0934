#include "flow/aggregate.h"

#include <strings.h>

#include "flow/aggregate_class.h"

static const ps_aggregate_class classes[] = {
    {{"COUNT", "COUNT(*) | COUNT([DISTINCT] x) → BIGINT",
      "Number of rows, or of values that are not NULL."},
     PS_AGG_COUNT,
     0,
     1,
     false,
     NULL},
    {{"SUM", "SUM([DISTINCT] number) → the type; of DECIMAL(p, s): DECIMAL(38, s)",
      "Sum of the values that are not NULL; NULL when there are none. Integers wrap."},
     PS_AGG_SUM,
     1,
     1,
     false,
     NULL},
    {{"SUM0", "SUM0(number) → as SUM, NOT NULL", "As SUM, 0 when there are no values."},
     PS_AGG_SUM0,
     1,
     1,
     false,
     NULL},
    {{"AVG", "AVG([DISTINCT] number) → the type; of DECIMAL(p, s): DECIMAL(38, max(6, s))",
      "Average of the values that are not NULL; of integers, cut toward zero."},
     PS_AGG_AVG,
     1,
     1,
     false,
     NULL},
    {{"MIN", "MIN(x) → the type", "Smallest value that is not NULL."},
     PS_AGG_MIN,
     1,
     1,
     false,
     NULL},
    {{"MAX", "MAX(x) → the type", "Greatest value that is not NULL."},
     PS_AGG_MAX,
     1,
     1,
     false,
     NULL},
    {{"FIRST_VALUE", "FIRST_VALUE(x) → the type", "First value that is not NULL, by arrival."},
     PS_AGG_FIRST_VALUE,
     1,
     1,
     false,
     NULL},
    {{"LAST_VALUE", "LAST_VALUE(x) → the type", "Last value that is not NULL, by arrival."},
     PS_AGG_LAST_VALUE,
     1,
     1,
     false,
     NULL},
    {{"LISTAGG", "LISTAGG([DISTINCT] STRING [, separator]) → STRING",
      "The texts that are not NULL, by arrival, with the separator (',') between them."},
     PS_AGG_LISTAGG,
     1,
     2,
     false,
     NULL},
    {{"ARRAY_AGG", "ARRAY_AGG([DISTINCT] x) → ARRAY", "All values, NULLs too, by arrival."},
     PS_AGG_ARRAY_AGG,
     1,
     1,
     false,
     NULL},
    {{"STDDEV_POP", "STDDEV_POP(number) → the type", "Standard deviation of the population."},
     PS_AGG_STDDEV_POP,
     1,
     1,
     false,
     NULL},
    {{"STDDEV_SAMP", "STDDEV_SAMP(number) → the type", "Standard deviation of a sample."},
     PS_AGG_STDDEV_SAMP,
     1,
     1,
     false,
     NULL},
    {{"VAR_POP", "VAR_POP(number) → the type", "Variance of the population."},
     PS_AGG_VAR_POP,
     1,
     1,
     false,
     NULL},
    {{"VAR_SAMP", "VAR_SAMP(number) → the type", "Variance of a sample."},
     PS_AGG_VAR_SAMP,
     1,
     1,
     false,
     NULL},
    {{"VARIANCE", "VARIANCE(number) → the type", "As VAR_SAMP."},
     PS_AGG_VAR_SAMP,
     1,
     1,
     false,
     NULL},
    {{"ROW_NUMBER", "ROW_NUMBER() OVER (…) → BIGINT", "Number of the row, from 1."},
     PS_AGG_ROW_NUMBER,
     0,
     0,
     true,
     NULL},
    {{"RANK", "RANK() OVER (…) → BIGINT", "1 + the number of rows before the row's peers."},
     PS_AGG_RANK,
     0,
     0,
     true,
     NULL},
    {{"DENSE_RANK", "DENSE_RANK() OVER (…) → BIGINT", "1 + the number of peer groups before."},
     PS_AGG_DENSE_RANK,
     0,
     0,
     true,
     NULL},
    {{"LAG", "LAG(x [, offset [, default]]) OVER (…) → the type",
      "The value `offset` (1) rows before."},
     PS_AGG_LAG,
     1,
     3,
     true,
     NULL},
    {{"LEAD", "LEAD(x [, offset [, default]]) OVER (…)", "Not in streams."},
     PS_AGG_LEAD,
     1,
     3,
     true,
     "a stream cannot look ahead: LEAD Function is not supported in "
     "stream mode, as in Flink; LAG looks back"},
    {{"PERCENT_RANK", "PERCENT_RANK() OVER (…)", "Not in streams."},
     PS_AGG_PERCENT_RANK,
     0,
     0,
     true,
     "PERCENT_RANK needs all rows of its partition, which a "
     "stream does not have"},
    {{"CUME_DIST", "CUME_DIST() OVER (…)", "Not in streams."},
     PS_AGG_CUME_DIST,
     0,
     0,
     true,
     "CUME_DIST needs all rows of its partition, which a stream does not have"},
    {{"NTILE", "NTILE(n) OVER (…)", "Not in streams."},
     PS_AGG_NTILE,
     1,
     1,
     true,
     "NTILE needs all rows of its partition, which a stream does not have"},
    {{"COLLECT", "COLLECT(x)", "Not supported yet."},
     PS_AGG_COLLECT,
     1,
     1,
     false,
     "COLLECT is not supported yet (no type MULTISET): ARRAY_AGG"},
    {{"JSON_ARRAYAGG", "JSON_ARRAYAGG(x)", "Not supported yet."},
     PS_AGG_JSON_ARRAYAGG,
     1,
     1,
     false,
     "JSON_ARRAYAGG is not supported yet"},
    {{"JSON_OBJECTAGG", "JSON_OBJECTAGG(key, value)", "Not supported yet."},
     PS_AGG_JSON_OBJECTAGG,
     1,
     3,
     false,
     "JSON_OBJECTAGG is not supported yet"},
};

enum { CLASS_COUNT = sizeof classes / sizeof classes[0] };

uint32_t ps_aggregate_count(void)
{
    return CLASS_COUNT;
}

const ps_aggregate_entry *ps_aggregate_entry_at(uint32_t index)
{
    PS_ASSERT(index < CLASS_COUNT);
    return &classes[index].entry;
}

static const ps_aggregate_class *find(const char *name)
{
    const char *plain = name[0] == '$' ? name + 1 : name; /* Flink's plans say $SUM0 */
    for (uint32_t i = 0; i < CLASS_COUNT; i++) {
        if (strcasecmp(classes[i].entry.name, plain) == 0) {
            return &classes[i];
        }
    }
    return NULL;
}

bool ps_aggregate_is_known(const char *name)
{
    return find(name) != NULL;
}

const char *ps_aggregate_name(const ps_aggregate_class *class)
{
    return class->entry.name;
}

bool ps_aggregate_is_over_only(const ps_aggregate_class *class)
{
    return class->is_over_only;
}

/* ── types ── */

static ps_code cannot_take(const ps_aggregate_class *class, const ps_type *type, ps_error *err)
{
    ps_buf text;
    ps_buf_init(&text, 200);
    ps_type_print(type, &text);
    ps_code code =
        ps_error_set(err, PS_E_INVALID, "%s cannot take %.*s; it is %s", class->entry.name,
                     (int)text.size, text.data, class->entry.signature);
    ps_buf_release(&text);
    return code;
}

static const ps_type *nullable(ps_arena *arena, const ps_type *type)
{
    return ps_type_with_nullable(arena, type, true);
}

static const ps_type *average_type(ps_arena *arena, const ps_type *type)
{
    if (type->kind != PS_TYPE_DECIMAL) {
        return nullable(arena, type);
    }
    return ps_type_decimal(arena, PS_DECIMAL_PRECISION_MAX, type->scale > 6 ? type->scale : 6,
                           true);
}

static const ps_type *sum_type(ps_arena *arena, const ps_type *type, bool is_nullable)
{
    if (type->kind != PS_TYPE_DECIMAL) {
        return ps_type_with_nullable(arena, type, is_nullable);
    }
    return ps_type_decimal(arena, PS_DECIMAL_PRECISION_MAX, type->scale, is_nullable);
}

static bool is_ordered(const ps_type *type)
{
    return type->kind != PS_TYPE_NULL && !ps_type_is_nested(type);
}

/* What LAG may return, with its default. */
static const ps_type *lag_type(ps_arena *arena, uint32_t argument_count,
                               const ps_type *const *types)
{
    if (argument_count < 3) {
        return nullable(arena, types[0]);
    }
    return ps_type_common(arena, types[0], types[2]);
}

/* The result type; NULL: refused (*err is filled) or no memory (*err is not). */
static const ps_type *result_type(ps_arena *arena, const ps_aggregate_class *class,
                                  uint32_t argument_count, const ps_type *const *types,
                                  bool *out_refused)
{
    const ps_type *type = argument_count > 0 ? types[0] : NULL;
    bool fits = true;
    const ps_type *result = NULL;
    switch (class->function) {
    case PS_AGG_COUNT:
    case PS_AGG_ROW_NUMBER:
    case PS_AGG_RANK:
    case PS_AGG_DENSE_RANK:
        result = ps_type_with_nullable(arena, &ps_type_bigint, false);
        break;
    case PS_AGG_SUM:
    case PS_AGG_SUM0:
        fits = ps_type_is_numeric(type);
        result = fits ? sum_type(arena, type, class->function == PS_AGG_SUM) : NULL;
        break;
    case PS_AGG_AVG:
        fits = ps_type_is_numeric(type);
        result = fits ? average_type(arena, type) : NULL;
        break;
    case PS_AGG_MIN:
    case PS_AGG_MAX:
        fits = is_ordered(type);
        result = nullable(arena, type);
        break;
    case PS_AGG_FIRST_VALUE:
    case PS_AGG_LAST_VALUE:
        fits = type->kind != PS_TYPE_NULL;
        result = nullable(arena, type);
        break;
    case PS_AGG_LISTAGG:
        fits = ps_type_is_text(type) && (argument_count < 2 || ps_type_is_text(types[1]));
        result = &ps_type_string;
        break;
    case PS_AGG_ARRAY_AGG:
        fits = type->kind != PS_TYPE_NULL;
        result = ps_type_array(arena, type, true);
        break;
    case PS_AGG_STDDEV_POP:
    case PS_AGG_STDDEV_SAMP:
    case PS_AGG_VAR_POP:
    case PS_AGG_VAR_SAMP:
        fits = ps_type_is_numeric(type);
        result = nullable(arena, type);
        break;
    case PS_AGG_LAG:
        fits = argument_count < 2 || ps_type_is_integer(types[1]);
        result = lag_type(arena, argument_count, types);
        fits = fits && result != NULL;
        break;
    case PS_AGG_USER: /* ps_aggregate_resolve_user */
    case PS_AGG_LEAD:
    case PS_AGG_PERCENT_RANK:
    case PS_AGG_CUME_DIST:
    case PS_AGG_NTILE:
    case PS_AGG_COLLECT:
    case PS_AGG_JSON_ARRAYAGG:
    case PS_AGG_JSON_OBJECTAGG:
        fits = false;
        break;
    }
    *out_refused = !fits;
    return fits ? result : NULL;
}

static bool is_variance(ps_agg_function function)
{
    return function == PS_AGG_STDDEV_POP || function == PS_AGG_STDDEV_SAMP ||
           function == PS_AGG_VAR_POP || function == PS_AGG_VAR_SAMP;
}

static ps_code check_call(const ps_aggregate_class *class, uint32_t argument_count,
                          const ps_type *const *types, ps_error *err)
{
    if (class->refusal != NULL) {
        return ps_error_set(err, PS_E_UNSUPPORTED, "%s", class->refusal);
    }
    if (argument_count < class->argument_min || argument_count > class->argument_max) {
        return ps_error_set(err, PS_E_INVALID, "%s with %u arguments; it is %s", class->entry.name,
                            argument_count, class->entry.signature);
    }
    if (is_variance(class->function) && types[0]->kind == PS_TYPE_DECIMAL) {
        return ps_error_set(err, PS_E_UNSUPPORTED,
                            "%s of DECIMAL is not supported yet: CAST the argument AS DOUBLE",
                            class->entry.name);
    }
    return PS_OK;
}

ps_code ps_aggregate_resolve(ps_arena *arena, const char *name, uint32_t argument_count,
                             const ps_type *const *types, ps_aggregate_signature *out,
                             ps_error *err)
{
    const ps_aggregate_class *class = find(name);
    if (class == NULL) {
        return ps_error_set(err, PS_E_MISSING, "there is no aggregate function %s", name);
    }
    ps_code code = check_call(class, argument_count, types, err);
    if (code != PS_OK) {
        return code;
    }
    bool is_refused = false;
    const ps_type *result = result_type(arena, class, argument_count, types, &is_refused);
    if (is_refused) {
        return cannot_take(class, types[0], err);
    }
    if (result == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for the type of %s", name);
    }
    for (uint32_t i = 0; i < argument_count; i++) {
        out->arguments[i] = types[i];
    }
    if (class->function == PS_AGG_LAG) {
        out->arguments[0] = result;
        if (argument_count > 1) {
            out->arguments[1] = &ps_type_bigint;
        }
        if (argument_count > 2) {
            out->arguments[2] = result;
        }
    }
    out->class = class;
    out->result = result;
    return PS_OK;
}
