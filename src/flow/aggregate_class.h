/* The functions behind ps_aggregate_class, for the operators that compute them. */
#ifndef PS_FLOW_AGGREGATE_CLASS_H
#define PS_FLOW_AGGREGATE_CLASS_H

#include "flow/aggregate.h"

typedef enum {
    PS_AGG_COUNT,
    PS_AGG_SUM,
    PS_AGG_SUM0,
    PS_AGG_AVG,
    PS_AGG_MIN,
    PS_AGG_MAX,
    PS_AGG_FIRST_VALUE,
    PS_AGG_LAST_VALUE,
    PS_AGG_LISTAGG,
    PS_AGG_ARRAY_AGG,
    PS_AGG_STDDEV_POP,
    PS_AGG_STDDEV_SAMP,
    PS_AGG_VAR_POP,
    PS_AGG_VAR_SAMP,
    PS_AGG_USER, /* agg_user.c */
    /* computed by OVER itself, not by an aggregator */
    PS_AGG_ROW_NUMBER,
    PS_AGG_RANK,
    PS_AGG_DENSE_RANK,
    PS_AGG_LAG,
    /* refused by name */
    PS_AGG_LEAD,
    PS_AGG_PERCENT_RANK,
    PS_AGG_CUME_DIST,
    PS_AGG_NTILE,
    PS_AGG_COLLECT,
    PS_AGG_JSON_ARRAYAGG,
    PS_AGG_JSON_OBJECTAGG
} ps_agg_function;

struct ps_aggregate_class {
    ps_aggregate_entry entry;
    ps_agg_function function;
    uint8_t argument_min, argument_max;
    bool is_over_only;
    const char *refusal; /* NULL: supported */
};

#endif
