/* Scalar functions of the user's in C. */
#include <stdio.h>
#include <strings.h>

#include "expr/kernel.h"
#include "expr/user_function.h"

enum { STATE_SIZE_MAX = 4096, SIGNATURE_MAX = 400 };

typedef struct {
    ps_function function; /* first: calls refer to it */
    const ps_user_function *of;
} scalar_function;

static const ps_user_function *user_of(const ps_function *function)
{
    return ((const scalar_function *)function)->of;
}

/* ── values ── */

static const ps_type *type_of(ps_arena *arena, ps_sql_type type)
{
    switch (type) {
    case PS_SQL_BOOLEAN:
        return &ps_type_boolean;
    case PS_SQL_INT:
        return &ps_type_int;
    case PS_SQL_BIGINT:
        return &ps_type_bigint;
    case PS_SQL_DOUBLE:
        return &ps_type_double;
    case PS_SQL_STRING:
        return &ps_type_string;
    case PS_SQL_BYTES:
        return &ps_type_bytes;
    case PS_SQL_DATE:
        return ps_type_simple(arena, PS_TYPE_DATE, true);
    case PS_SQL_TIMESTAMP:
        return &ps_type_timestamp3;
    case PS_SQL_TIMESTAMP_LTZ:
        return &ps_type_timestamp_ltz3;
    case PS_SQL_END:
        break;
    }
    return NULL; /* from outside: may be anything */
}

void ps_user_values_from(const ps_user_function *function, const ps_value *values,
                         ps_sql_value *out)
{
    for (uint32_t i = 0; i < function->parameter_count; i++) {
        out[i] = (ps_sql_value){.is_null = values[i].is_null};
        switch (ps_type_phys(function->parameters[i])) {
        case PS_PHYS_I64:
            out[i].i64 = values[i].is_null ? 0 : values[i].i64;
            break;
        case PS_PHYS_F64:
            out[i].f64 = values[i].is_null ? 0 : values[i].f64;
            break;
        case PS_PHYS_TEXT:
            if (!values[i].is_null) {
                out[i].text = (ps_text){values[i].text.data, values[i].text.size};
            }
            break;
        case PS_PHYS_I128:
            PS_ASSERT(false); /* no such type is offered */
        }
    }
}

static int64_t wrapped(const ps_type *type, int64_t value)
{
    if (type->kind == PS_TYPE_BOOLEAN) {
        return value != 0 ? 1 : 0;
    }
    return type->kind == PS_TYPE_INT || type->kind == PS_TYPE_DATE ? (int32_t)value : value;
}

ps_code ps_user_value_take(const ps_user_function *function, const ps_sql_value *value,
                           ps_value *out, ps_error *err)
{
    *out = (ps_value){.is_null = value->is_null};
    if (value->is_null) {
        return PS_OK;
    }
    switch (ps_type_phys(function->result)) {
    case PS_PHYS_I64:
        out->i64 = wrapped(function->result, value->i64);
        break;
    case PS_PHYS_F64:
        out->f64 = value->f64;
        break;
    case PS_PHYS_TEXT:
        out->text = ps_slice_of(value->text.data != NULL ? value->text.data : "", value->text.size);
        if (ps_type_is_text(function->result) && !ps_utf8_is_valid(out->text)) {
            return ps_error_set(err, PS_E_INVALID, "%s gave a STRING that is not UTF-8",
                                function->name);
        }
        break;
    case PS_PHYS_I128:
        PS_ASSERT(false);
    }
    return PS_OK;
}

/* ── calls ── */

typedef struct {
    ps_sql_result result; /* first */
    ps_call *call;
    const ps_user_function *function;
    ps_code code;
} scalar_result;

static char *take_memory(ps_sql_result *result, size_t size)
{
    scalar_result *self = (scalar_result *)result;
    char *memory = size <= PS_TEXT_VALUE_MAX ? ps_call_take(self->call, size) : NULL;
    if (memory == NULL && self->code == PS_OK) {
        self->code = ps_error_set(self->call->run->err, PS_E_LIMIT,
                                  "%s asked for %zu bytes, which are not to be had",
                                  self->function->name, size);
    }
    return memory;
}

static void fail(ps_sql_result *result, const char *sentence)
{
    scalar_result *self = (scalar_result *)result;
    if (self->code == PS_OK) {
        self->code = ps_error_set(self->call->run->err, PS_E_INVALID, "%s: %s",
                                  self->function->name, sentence);
    }
}

static ps_code row_user(ps_call *call, const ps_value *arguments, ps_value *out)
{
    const ps_user_function *function = user_of(call->step->function);
    ps_sql_value values[PS_SQL_PARAMETERS_MAX];
    scalar_result result = {
        .result = {.value = {.is_null = true}, .take = take_memory, .fail = fail},
        .call = call,
        .function = function};
    ps_user_values_from(function, arguments, values);
    function->c->scalar(values, &result.result);
    return result.code == PS_OK
               ? ps_user_value_take(function, &result.result.value, out, call->run->err)
               : result.code;
}

static ps_code resolve_user(ps_resolution *r)
{
    const ps_user_function *function = user_of(r->function);
    if (r->count != function->parameter_count) {
        return ps_resolution_mismatch(r);
    }
    for (uint32_t i = 0; i < r->count; i++) {
        if (ps_resolution_coerce(r, i, function->parameters[i]) != PS_OK) {
            return ps_resolution_mismatch(r);
        }
    }
    return ps_resolution_type(r, function->result);
}

/* ── creating ── */

static ps_code check_functions(const char *name, const ps_sql_function *c, uint32_t count,
                               ps_error *err)
{
    const char *wrong = NULL;
    if (c->scalar != NULL) {
        wrong = c->add != NULL || c->finish != NULL ? "is both scalar and an aggregate" : NULL;
    } else if (c->add == NULL || c->finish == NULL) {
        wrong = "has neither `scalar` nor `add` and `finish`";
    } else if (c->state_size == 0 || c->state_size > STATE_SIZE_MAX) {
        wrong = "has a state_size that is not within 1 and 4096";
    } else if (count == 0 || count > PS_SQL_AGGREGATE_PARAMETERS_MAX) {
        wrong = "is an aggregate, which takes 1 to 3 parameters";
    }
    return wrong == NULL ? PS_OK : ps_error_set(err, PS_E_INVALID, "function %s %s", name, wrong);
}

static ps_code set_types(ps_arena *arena, ps_user_function *made, ps_error *err)
{
    const ps_sql_function *c = made->c;
    while (made->parameter_count <= PS_SQL_PARAMETERS_MAX &&
           c->parameters[made->parameter_count] != PS_SQL_END) {
        const ps_type *type = type_of(arena, c->parameters[made->parameter_count]);
        if (type == NULL || made->parameter_count == PS_SQL_PARAMETERS_MAX) {
            return ps_error_set(err, PS_E_INVALID, "parameter %u of function %s has no type",
                                made->parameter_count + 1, made->name);
        }
        made->parameters[made->parameter_count++] = type;
    }
    made->result = type_of(arena, c->result);
    return made->result != NULL ? PS_OK
                                : ps_error_set(err, PS_E_INVALID,
                                               "the result of function %s has no type", made->name);
}

static const char *signature_of(ps_arena *arena, const ps_user_function *function)
{
    ps_buf text;
    ps_buf_init(&text, SIGNATURE_MAX);
    ps_buf_append_format(&text, "%s(", function->name);
    for (uint32_t i = 0; i < function->parameter_count; i++) {
        ps_buf_append_text(&text, i > 0 ? ", " : "");
        ps_type_print(function->parameters[i], &text);
    }
    ps_buf_append_text(&text, ") → ");
    ps_type_print(function->result, &text);
    ps_buf_append_char(&text, '\0');
    char *copy = ps_arena_copy(arena, text.failed ? "" : text.data, text.failed ? 1 : text.size);
    ps_buf_release(&text);
    return copy;
}

static const ps_function *make_scalar(ps_arena *arena, const ps_user_function *of)
{
    scalar_function *made = ps_arena_take(arena, sizeof *made);
    if (made == NULL) {
        return NULL;
    }
    uint32_t flags = PS_CAN_FAIL | PS_IS_COSTLY;
    flags |= of->c->takes_nulls ? PS_IS_LENIENT : 0;
    flags |= of->c->is_volatile ? PS_IS_UNIQUE : 0;
    made->of = of;
    made->function = (ps_function){
        .entry = {.name = of->name,
                  .signature = of->signature,
                  .summary = "A function of the user's in C.",
                  .family = "Functions in C",
                  .is_deterministic = !of->c->is_volatile},
        .resolve = resolve_user,
        .row = row_user,
        .flags = flags,
    };
    return &made->function;
}

ps_code ps_user_function_new(ps_arena *arena, ps_slice name, const ps_sql_function *c,
                             ps_user_function **out, ps_error *err)
{
    ps_user_function *made = ps_arena_take(arena, sizeof *made);
    char *copy = ps_arena_copy(arena, name.data, name.size);
    if (made == NULL || copy == NULL) {
        return ps_expr_no_memory(err);
    }
    *made = (ps_user_function){.name = copy, .c = c};
    if (c->abi != PS_SQL_FUNCTION_ABI) {
        return ps_error_set(err, PS_E_VERSION,
                            "function %s is of interface %u, this program has %d: compile its "
                            "library anew",
                            copy, c->abi, PS_SQL_FUNCTION_ABI);
    }
    ps_code code = set_types(arena, made, err);
    if (code == PS_OK) {
        code = check_functions(copy, c, made->parameter_count, err);
    }
    if (code != PS_OK) {
        return code;
    }
    made->signature = signature_of(arena, made);
    made->scalar = c->scalar != NULL && made->signature != NULL ? make_scalar(arena, made) : NULL;
    if (made->signature == NULL || (c->scalar != NULL && made->scalar == NULL)) {
        return ps_expr_no_memory(err);
    }
    *out = made;
    return PS_OK;
}

const ps_user_function *ps_user_function_find(const ps_user_function *list, const char *name)
{
    while (list != NULL && strcasecmp(list->name, name) != 0) {
        list = list->next;
    }
    return list;
}
