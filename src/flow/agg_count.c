/* COUNT. Part: the count. */
#include "flow/agg_kernel.h"

static inline ps_code apply(ps_aggregator *aggregator, const ps_agg_call *call, char *state,
                            const ps_agg_input *input, int sign, ps_error *err)
{
    (void)aggregator;
    (void)input;
    (void)err;
    *(int64_t *)ps_agg_part(call, state) += sign;
    return PS_OK;
}

static ps_code update(ps_aggregator *aggregator, const ps_agg_call *call, const ps_agg_rows *rows,
                      ps_error *err)
{
    return ps_agg_each(aggregator, call, rows, apply, err);
}

static ps_code merge(ps_aggregator *aggregator, const ps_agg_call *call, char *into,
                     const char *from, ps_error *err)
{
    (void)aggregator;
    (void)err;
    *(int64_t *)ps_agg_part(call, into) += *(const int64_t *)ps_agg_part(call, from);
    return PS_OK;
}

static ps_code subtract(ps_aggregator *aggregator, const ps_agg_call *call, char *into,
                        const char *from, ps_error *err)
{
    (void)aggregator;
    (void)err;
    *(int64_t *)ps_agg_part(call, into) -= *(const int64_t *)ps_agg_part(call, from);
    return PS_OK;
}

static ps_code result(ps_aggregator *aggregator, const ps_agg_call *call, const char *state,
                      ps_value *out, ps_error *err)
{
    (void)aggregator;
    (void)err;
    *out = (ps_value){.i64 = *(const int64_t *)ps_agg_part(call, state)};
    return PS_OK;
}

static const ps_agg_kernel kernel = {.size = sizeof(int64_t),
                                     .apply = apply,
                                     .update = update,
                                     .merge = merge,
                                     .subtract = subtract,
                                     .result = result};

const ps_agg_kernel *ps_agg_count_kernel(void)
{
    return &kernel;
}
