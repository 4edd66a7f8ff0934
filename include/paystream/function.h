/* Functions in C for SQL: what a shared library gives to CREATE FUNCTION.
 *
 *     #include <paystream/function.h>
 *
 *     static void fee(const ps_sql_value *arguments, ps_sql_result *result)
 *     {
 *         result->value = (ps_sql_value){.i64 = arguments[0].i64 * 29 / 1000 + 30};
 *     }
 *     PS_SQL_EXPORT const ps_sql_function payment_fee = {
 *         .abi = PS_SQL_FUNCTION_ABI, .result = PS_SQL_BIGINT, .parameters = {PS_SQL_BIGINT},
 *         .scalar = fee};
 *
 *     cc -shared -fPIC -o fees.so fees.c
 *
 *     SET 'paystream.dialect' = 'extended';
 *     CREATE FUNCTION fee AS 'payment_fee' LANGUAGE C USING LIBRARY 'fees.so';
 *     SELECT fee(amount) FROM payments;
 *
 * A function is a constant of type ps_sql_function under the name that AS gives. It is scalar or an
 * aggregate. The library is linked with nothing of Paystream's; it runs inside the process: a bug
 * in it is a bug of the whole.
 *
 * Threads. Functions are called from any thread, also from several at once: they keep nothing
 * between calls but an aggregate's state.
 * Determinism. A function gives the same result for the same arguments, unless is_volatile: calls
 * with constant arguments are made once, when the query is planned, and a restored job may make a
 * call again.
 */
#ifndef PAYSTREAM_FUNCTION_H
#define PAYSTREAM_FUNCTION_H

#include <paystream/row.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PS_SQL_EXPORT __attribute__((visibility("default")))

enum { PS_SQL_FUNCTION_ABI = 1, PS_SQL_PARAMETERS_MAX = 8, PS_SQL_AGGREGATE_PARAMETERS_MAX = 3 };

/* Arguments are cast as SQL does by itself (INT to BIGINT …); results may always be NULL. DECIMAL
 * is not among them: hand over minor units as BIGINT. */
typedef enum {
    PS_SQL_END,          /* ends a list of parameters */
    PS_SQL_BOOLEAN,      /* i64: 0 or 1 */
    PS_SQL_INT,          /* i64 */
    PS_SQL_BIGINT,       /* i64 */
    PS_SQL_DOUBLE,       /* f64 */
    PS_SQL_STRING,       /* text, UTF-8 */
    PS_SQL_BYTES,        /* text, any bytes */
    PS_SQL_DATE,         /* i64: days since 1970-01-01 */
    PS_SQL_TIMESTAMP,    /* TIMESTAMP(3); i64: milliseconds since 1970-01-01 00:00, wall clock */
    PS_SQL_TIMESTAMP_LTZ /* TIMESTAMP_LTZ(3); i64: milliseconds since the epoch, UTC */
} ps_sql_type;

typedef struct {
    bool is_null; /* the value is then 0 or empty */
    union {
        int64_t i64;
        double f64;
        ps_text text;
    };
} ps_sql_value;

/* Where a function puts its result. `value` is NULL before the call. A text must be an argument's,
 * constant, or lie in memory from `take`. */
typedef struct ps_sql_result ps_sql_result;
struct ps_sql_result {
    ps_sql_value value;
    /* `size` bytes that live long enough; NULL: none are left, return at once. */
    char *(*take)(ps_sql_result *result, size_t size);
    /* The arguments cannot be processed: the statement or job ends with this sentence (copied). */
    void (*fail)(ps_sql_result *result, const char *sentence);
};

typedef struct {
    uint32_t abi; /* PS_SQL_FUNCTION_ABI */
    ps_sql_type result;
    ps_sql_type parameters[PS_SQL_PARAMETERS_MAX + 1]; /* the rest is PS_SQL_END */
    bool takes_nulls; /* else: scalar: an argument that is NULL makes the result NULL; aggregate:
                         the row is left out */
    bool is_volatile; /* scalar: not a function of its arguments alone */

    /* ── scalar (NULL: an aggregate) ── */
    void (*scalar)(const ps_sql_value *arguments, ps_sql_result *result);

    /* ── aggregate ── at most PS_SQL_AGGREGATE_PARAMETERS_MAX parameters
     * A state is state_size bytes, zeroed at first, aligned to 8. It is copied, moved and written
     * to checkpoints as bytes: no pointers in it. */
    size_t state_size; /* 1 … 4,096 */
    void (*add)(void *state, const ps_sql_value *arguments);
    /* Takes a row back that was added: needed where the input has updates and in bounded OVER
     * frames; NULL: those refuse the function. */
    void (*retract)(void *state, const ps_sql_value *arguments);
    /* into := into + from: needed for HOP, CUMULATE and SESSION windows; NULL: they refuse it. */
    void (*merge)(void *into, const void *from);
    void (*finish)(const void *state, ps_sql_result *result);
} ps_sql_function;

#ifdef __cplusplus
}
#endif

#endif
