/* Aggregates of the user's in C (expr/user_function.h). Part: the function's own state. */
#include "expr/user_function.h"
#include "flow/agg_kernel.h"
#include "flow/aggregate_class.h"

/* What stands behind the class of a user's aggregate. */
typedef struct {
    ps_aggregate_class class; /* first: calls refer to it */
    ps_agg_kernel kernel;
    const ps_user_function *of;
} user_class;

static const user_class *user_of(const ps_aggregate_class *class)
{
    return (const user_class *)class;
}

static ps_code apply_user(ps_aggregator *aggregator, const ps_agg_call *call, char *state,
                          const ps_agg_input *input, int sign, ps_error *err)
{
    (void)aggregator;
    (void)err;
    const ps_user_function *function = user_of(call->spec->class)->of;
    ps_value values[PS_AGGREGATE_ARGUMENTS_MAX];
    ps_sql_value arguments[PS_AGGREGATE_ARGUMENTS_MAX];
    for (uint32_t i = 0; i < call->spec->argument_count; i++) {
        values[i] = ps_column_value(&input->batch->columns[call->spec->arguments[i]],
                                    ps_type_phys(function->parameters[i]), input->row);
        if (values[i].is_null && !function->c->takes_nulls) {
            return PS_OK;
        }
    }
    ps_user_values_from(function, values, arguments);
    void (*change)(void *, const ps_sql_value *) =
        sign > 0 ? function->c->add : function->c->retract;
    PS_ASSERT(change != NULL); /* ps_agg_user_check */
    change(ps_agg_part(call, state), arguments);
    return PS_OK;
}

static ps_code merge_user(ps_aggregator *aggregator, const ps_agg_call *call, char *into,
                          const char *from, ps_error *err)
{
    (void)aggregator;
    (void)err;
    const ps_user_function *function = user_of(call->spec->class)->of;
    function->c->merge(ps_agg_part(call, into), ps_agg_part(call, from));
    return PS_OK;
}

/* ── results ── */

typedef struct {
    ps_sql_result result; /* first */
    ps_arena *arena;
    const ps_user_function *function;
    ps_code code;
    ps_error *err;
} aggregate_result;

static char *take_memory(ps_sql_result *result, size_t size)
{
    aggregate_result *self = (aggregate_result *)result;
    char *memory = ps_arena_take(self->arena, size + 1);
    if (memory == NULL && self->code == PS_OK) {
        self->code =
            ps_error_set(self->err, PS_E_LIMIT, "%s asked for %zu bytes, which are not to be had",
                         self->function->name, size);
    }
    return memory;
}

static void fail(ps_sql_result *result, const char *sentence)
{
    aggregate_result *self = (aggregate_result *)result;
    if (self->code == PS_OK) {
        self->code =
            ps_error_set(self->err, PS_E_INVALID, "%s: %s", self->function->name, sentence);
    }
}

static ps_code result_user(ps_aggregator *aggregator, const ps_agg_call *call, const char *state,
                           ps_value *out, ps_error *err)
{
    const ps_user_function *function = user_of(call->spec->class)->of;
    aggregate_result result = {
        .result = {.value = {.is_null = true}, .take = take_memory, .fail = fail},
        .arena = &aggregator->scratch->results,
        .function = function,
        .err = err};
    function->c->finish(ps_agg_part(call, state), &result.result);
    return result.code == PS_OK ? ps_user_value_take(function, &result.result.value, out, err)
                                : result.code;
}

ps_code ps_agg_user_check(const ps_aggregate_call *call, uint32_t needs, ps_error *err)
{
    const ps_user_function *function = user_of(call->class)->of;
    if ((needs & PS_AGGREGATOR_RETRACT) != 0 && function->c->retract == NULL) {
        return ps_error_set(err, PS_E_UNSUPPORTED,
                            "%s has no `retract`: it cannot be used over updates, nor in OVER "
                            "frames with a bound",
                            function->name);
    }
    if ((needs & PS_AGGREGATOR_MERGE) != 0 && function->c->merge == NULL) {
        return ps_error_set(err, PS_E_UNSUPPORTED,
                            "%s has no `merge`: it cannot be used in HOP, CUMULATE and SESSION "
                            "windows",
                            function->name);
    }
    return PS_OK;
}

const ps_agg_kernel *ps_agg_user_kernel(const ps_aggregate_call *call)
{
    return &user_of(call->class)->kernel;
}

/* ── the class ── */

ps_code ps_aggregate_user(ps_arena *arena, ps_user_function *function, ps_error *err)
{
    PS_ASSERT(function->scalar == NULL);
    user_class *made = ps_arena_take(arena, sizeof *made);
    if (made == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for function %s", function->name);
    }
    *made = (user_class){
        .class = {.entry = {function->name, function->signature, "An aggregate of the user's."},
                  .function = PS_AGG_USER,
                  .argument_min = (uint8_t)function->parameter_count,
                  .argument_max = (uint8_t)function->parameter_count},
        .kernel = {.size = (uint32_t)(function->c->state_size + 7) / 8 * 8,
                   .takes_nulls = true,
                   .apply = apply_user,
                   .merge = merge_user,
                   .result = result_user},
        .of = function,
    };
    function->aggregate = &made->class;
    return PS_OK;
}

ps_code ps_aggregate_resolve_user(const ps_user_function *function, uint32_t argument_count,
                                  ps_aggregate_signature *out, ps_error *err)
{
    PS_ASSERT(function->aggregate != NULL);
    if (argument_count != function->parameter_count) {
        return ps_error_set(err, PS_E_INVALID, "%s with %u arguments; it is %s", function->name,
                            argument_count, function->signature);
    }
    for (uint32_t i = 0; i < argument_count; i++) {
        out->arguments[i] = function->parameters[i];
    }
    out->class = function->aggregate;
    out->result = function->result;
    return PS_OK;
}
