/* Functions for SQL in C: fee(amount), masked(text) and the aggregate weighted_average(value,
 * weight).
 *
 *     cc -shared -fPIC $(pkg-config --cflags paystream) -o functions.so functions.c
 *     paystream run functions.sql
 */
#include <paystream/function.h>
#include <string.h>

/* 2.9 % and 30 minor units, as most schemes have it. */
static void fee(const ps_sql_value *arguments, ps_sql_result *result)
{
    int64_t amount = arguments[0].i64;
    if (amount < 0) {
        result->fail(result, "an amount is never negative");
        return;
    }
    result->value = (ps_sql_value){.i64 = amount / 1000 * 29 + amount % 1000 * 29 / 1000 + 30};
}

PS_SQL_EXPORT const ps_sql_function payment_fee = {
    .abi = PS_SQL_FUNCTION_ABI,
    .result = PS_SQL_BIGINT,
    .parameters = {PS_SQL_BIGINT},
    .scalar = fee,
};

/* All but the last two bytes become dots. */
static void mask(const ps_sql_value *arguments, ps_sql_result *result)
{
    ps_text text = arguments[0].text;
    char *masked = result->take(result, text.size);
    if (masked == NULL) {
        return;
    }
    size_t hidden = text.size > 2 ? text.size - 2 : 0;
    memset(masked, '.', hidden);
    if (text.size > 0) {
        memcpy(masked + hidden, text.data + hidden, text.size - hidden);
    }
    result->value = (ps_sql_value){.text = {masked, text.size}};
}

PS_SQL_EXPORT const ps_sql_function mask_text = {
    .abi = PS_SQL_FUNCTION_ABI,
    .result = PS_SQL_STRING,
    .parameters = {PS_SQL_STRING},
    .scalar = mask,
};

typedef struct {
    double sum, weight;
} average;

static void average_add(void *state, const ps_sql_value *arguments)
{
    average *self = state;
    self->sum += arguments[0].f64 * arguments[1].f64;
    self->weight += arguments[1].f64;
}

static void average_retract(void *state, const ps_sql_value *arguments)
{
    average *self = state;
    self->sum -= arguments[0].f64 * arguments[1].f64;
    self->weight -= arguments[1].f64;
}

static void average_merge(void *into, const void *from)
{
    average *self = into;
    const average *other = from;
    self->sum += other->sum;
    self->weight += other->weight;
}

static void average_finish(const void *state, ps_sql_result *result)
{
    const average *self = state;
    if (self->weight > 0 || self->weight < 0) {
        result->value = (ps_sql_value){.f64 = self->sum / self->weight};
    }
}

PS_SQL_EXPORT const ps_sql_function weighted_average = {
    .abi = PS_SQL_FUNCTION_ABI,
    .result = PS_SQL_DOUBLE,
    .parameters = {PS_SQL_DOUBLE, PS_SQL_DOUBLE},
    .state_size = sizeof(average),
    .add = average_add,
    .retract = average_retract,
    .merge = average_merge,
    .finish = average_finish,
};
