/* ARRAY, MAP and ROW: making them, taking them apart. */
#include <stdio.h>

#include "data/row.h"
#include "expr/kernel.h"

/* ── constructors ── */

static ps_code row_make(ps_call *call, const ps_value *arguments, ps_value *out)
{
    const ps_step *step = call->step;
    out->text = ps_nested_make(step->type, step->argument_count, arguments, call->run->arena);
    if (out->text.data == NULL) {
        return ps_error_set(call->run->err, PS_E_LIMIT, "%s: no memory for the value",
                            step->function->entry.name);
    }
    return PS_OK;
}

/* Coerces arguments first, first + stride … to their common type; NULL with the error set. */
static const ps_type *unify(ps_resolution *r, uint32_t first, uint32_t stride, ps_code *out_code)
{
    const ps_type *type = ps_resolution_common(r, first, stride);
    if (type == NULL || type->kind == PS_TYPE_NULL) {
        *out_code =
            ps_error_set(r->err, PS_E_INVALID, "%s: its values have no common type; use CAST",
                         r->function->entry.name);
        return NULL;
    }
    for (uint32_t i = first; i < r->count; i += stride) {
        *out_code = ps_resolution_coerce(r, i, type);
        if (*out_code != PS_OK) {
            return NULL;
        }
    }
    return type;
}

static ps_code resolve_array(ps_resolution *r)
{
    ps_code code = PS_OK;
    if (r->count == 0) {
        return ps_resolution_mismatch(r);
    }
    const ps_type *element = unify(r, 0, 1, &code);
    return element != NULL ? ps_resolution_type(r, ps_type_array(r->context->arena, element, false))
                           : code;
}

static ps_code resolve_map(ps_resolution *r)
{
    ps_code code = PS_OK;
    if (r->count == 0 || r->count % 2 != 0) {
        return ps_resolution_mismatch(r);
    }
    const ps_type *key = unify(r, 0, 2, &code);
    const ps_type *value = key != NULL ? unify(r, 1, 2, &code) : NULL;
    return value != NULL ? ps_resolution_type(r, ps_type_map(r->context->arena, key, value, false))
                         : code;
}

static ps_code resolve_row(ps_resolution *r)
{
    ps_arena *arena = r->context->arena;
    ps_slice *names = ps_arena_take(arena, (r->count + 1) * sizeof *names);
    const ps_type **types = ps_arena_take(arena, (r->count + 1) * sizeof *types);
    if (r->count == 0 || names == NULL || types == NULL) {
        return r->count == 0 ? ps_resolution_mismatch(r) : ps_expr_no_memory(r->err);
    }
    for (uint32_t i = 0; i < r->count; i++) {
        names[i] = ps_slice_text(ps_arena_print(arena, "EXPR$%u", i));
        types[i] = r->arguments[i]->type;
        if (names[i].data == NULL) {
            return ps_expr_no_memory(r->err);
        }
    }
    return ps_resolution_type(r, ps_type_row(arena, r->count, names, types, false));
}

/* ── parts ── */

static ps_code row_field(ps_call *call, const ps_value *arguments, ps_value *out)
{
    *out = ps_nested_get(call->step->types[0], arguments[0].text, (uint32_t)arguments[1].i64);
    return PS_OK;
}

static ps_code resolve_field(ps_resolution *r)
{
    return ps_error_set(r->err, PS_E_INVALID, "FIELD has a form of its own: %s",
                        r->function->entry.signature);
}

static ps_code row_item(ps_call *call, const ps_value *arguments, ps_value *out)
{
    const ps_type *type = call->step->types[0];
    uint32_t count = ps_nested_count(arguments[0].text);
    if (type->kind == PS_TYPE_ARRAY) {
        int64_t index = arguments[1].i64;
        out->is_null = index < 1 || index > count;
        if (!out->is_null) {
            *out = ps_nested_get(type, arguments[0].text, (uint32_t)index - 1);
        }
        return PS_OK;
    }
    out->is_null = true;
    for (uint32_t i = 0; i < count; i++) {
        ps_value key = ps_nested_get(type, arguments[0].text, 2 * i);
        if (!key.is_null && ps_value_compare(type->children[0], &key, &arguments[1]) == 0) {
            *out = ps_nested_get(type, arguments[0].text, 2 * i + 1);
            break;
        }
    }
    return PS_OK;
}

static ps_code resolve_item(ps_resolution *r)
{
    const ps_type *type = r->count == 2 ? r->arguments[0]->type : NULL;
    if (type == NULL || (type->kind != PS_TYPE_ARRAY && type->kind != PS_TYPE_MAP)) {
        return ps_resolution_mismatch(r);
    }
    const ps_expr *index = r->arguments[1];
    const ps_type *result = type->children[type->kind == PS_TYPE_MAP];
    if (type->kind == PS_TYPE_MAP) {
        ps_code code = ps_resolution_coerce(r, 1, type->children[0]);
        if (code != PS_OK) {
            return code;
        }
    } else if (index->type->kind == PS_TYPE_NULL) {
        ps_code code = ps_resolution_coerce(r, 1, &ps_type_int);
        if (code != PS_OK) {
            return code;
        }
    } else if (!ps_type_is_integer(index->type)) {
        return ps_resolution_mismatch(r);
    } else if (index->kind == PS_EXPR_CONSTANT && !index->constant.is_null &&
               index->constant.i64 < 1) {
        return ps_error_set(r->err, PS_E_INVALID,
                            "an ARRAY's elements are numbered from 1; there is no element %lld",
                            (long long)index->constant.i64);
    }
    return ps_resolution_type(r, ps_type_with_nullable(r->context->arena, result, true));
}

static ps_code row_cardinality(ps_call *call, const ps_value *arguments, ps_value *out)
{
    (void)call;
    out->i64 = ps_nested_count(arguments[0].text);
    return PS_OK;
}

static ps_code resolve_cardinality(ps_resolution *r)
{
    const ps_type *type = r->count == 1 ? r->arguments[0]->type : NULL;
    if (type == NULL || (type->kind != PS_TYPE_ARRAY && type->kind != PS_TYPE_MAP)) {
        return ps_resolution_mismatch(r);
    }
    return ps_resolution_set(r, PS_TYPE_INT, type->nullable);
}

static ps_code row_element(ps_call *call, const ps_value *arguments, ps_value *out)
{
    uint32_t count = ps_nested_count(arguments[0].text);
    if (count > 1) {
        return ps_error_set(call->run->err, PS_E_INVALID,
                            "ELEMENT: the array has %u elements, not one", count);
    }
    out->is_null = count == 0;
    if (count == 1) {
        *out = ps_nested_get(call->step->types[0], arguments[0].text, 0);
    }
    return PS_OK;
}

static ps_code resolve_element(ps_resolution *r)
{
    const ps_type *type = r->count == 1 ? r->arguments[0]->type : NULL;
    if (type == NULL || type->kind != PS_TYPE_ARRAY) {
        return ps_resolution_mismatch(r);
    }
    const ps_type *element = type->children[0];
    return ps_resolution_type(
        r, ps_type_with_nullable(r->context->arena, element, element->nullable || type->nullable));
}

/* A NULL is found where the array has one. */
static ps_code row_array_contains(ps_call *call, const ps_value *arguments, ps_value *out)
{
    const ps_type *type = call->step->types[0];
    if (arguments[0].is_null) {
        out->is_null = true;
        return PS_OK;
    }
    uint32_t count = ps_nested_count(arguments[0].text);
    for (uint32_t i = 0; i < count && out->i64 == 0; i++) {
        ps_value element = ps_nested_get(type, arguments[0].text, i);
        out->i64 = ps_value_compare(type->children[0], &element, &arguments[1]) == 0 ? 1 : 0;
    }
    return PS_OK;
}

static ps_code resolve_array_contains(ps_resolution *r)
{
    const ps_type *type = r->count == 2 ? r->arguments[0]->type : NULL;
    if (type == NULL || type->kind != PS_TYPE_ARRAY) {
        return ps_resolution_mismatch(r);
    }
    ps_code code = ps_resolution_coerce(r, 1, type->children[0]);
    return code == PS_OK ? ps_resolution_set(r, PS_TYPE_BOOLEAN, type->nullable) : code;
}

/* ── SPLIT ── */

static ps_code row_split(ps_call *call, const ps_value *arguments, ps_value *out)
{
    ps_slice text = arguments[0].text, separator = arguments[1].text;
    uint32_t count = 1, filled = 0;
    const char *at = text.data, *end = text.data + text.size;
    if (separator.size > 0 && text.size > 0) {
        while ((at = memmem(at, (size_t)(end - at), separator.data, separator.size)) != NULL) {
            count++;
            at += separator.size;
        }
    }
    ps_value *pieces = (ps_value *)(void *)ps_call_take(call, count * sizeof *pieces);
    if (pieces == NULL) {
        return PS_E_LIMIT;
    }
    at = text.data;
    while (filled + 1 < count) {
        const char *next = memmem(at, (size_t)(end - at), separator.data, separator.size);
        pieces[filled++].text = ps_slice_of(at, (size_t)(next - at));
        at = next + separator.size;
    }
    pieces[filled].text = ps_slice_of(at, (size_t)(end - at));
    out->text = ps_nested_make(call->step->type, count, pieces, call->run->arena);
    return out->text.data != NULL ? PS_OK : ps_expr_no_memory(call->run->err);
}

static ps_code resolve_split(ps_resolution *r)
{
    bool takes = r->count == 2 && ps_type_is_text(r->arguments[0]->type) &&
                 ps_type_is_text(r->arguments[1]->type);
    return takes ? ps_resolution_type(r, ps_type_array(r->context->arena, &ps_type_string,
                                                       ps_resolution_any_nullable(r)))
                 : ps_resolution_mismatch(r);
}

#define NESTED(NAME, SIGNATURE, SUMMARY) .entry = {NAME, SIGNATURE, SUMMARY, "Collections", true}

static const ps_function functions[] = {
    {NESTED("ARRAY", "ARRAY[T, …] → ARRAY<T>", "An array of the values."), .resolve = resolve_array,
     .row = row_make, .flags = PS_TAKES_NULL | PS_IS_LENIENT | PS_CAN_FAIL},
    {NESTED("MAP", "MAP[K, V, …] → MAP<K, V>", "A map of keys and values; the last of a key wins."),
     .resolve = resolve_map, .row = row_make, .flags = PS_TAKES_NULL | PS_IS_LENIENT | PS_CAN_FAIL},
    {NESTED("ROW", "ROW(T, …) → ROW<T, …>", "A row of the values."), .resolve = resolve_row,
     .row = row_make, .flags = PS_IS_LENIENT | PS_CAN_FAIL},
    {NESTED("FIELD", "ROW.name → T", "A field of a row."), .resolve = resolve_field,
     .row = row_field},
    {NESTED("[]", "ARRAY<T>[INT] → T, MAP<K, V>[K] → V",
            "The element of that number (from 1), or the value of the key; NULL when there is "
            "none."),
     .resolve = resolve_item, .row = row_item},
    {NESTED("CARDINALITY", "CARDINALITY(ARRAY | MAP) → INT", "The number of elements or entries."),
     .resolve = resolve_cardinality, .row = row_cardinality},
    {NESTED("ELEMENT", "ELEMENT(ARRAY<T>) → T",
            "The only element; NULL of an empty array; an error when there are more."),
     .resolve = resolve_element, .row = row_element, .flags = PS_CAN_FAIL},
    {NESTED("ARRAY_CONTAINS", "ARRAY_CONTAINS(ARRAY<T>, T) → BOOLEAN",
            "Whether an element equals the value."),
     .resolve = resolve_array_contains, .row = row_array_contains, .flags = PS_IS_LENIENT},
    {NESTED("SPLIT", "SPLIT(STRING, STRING separator) → ARRAY<STRING>",
            "The pieces between separators."),
     .resolve = resolve_split, .row = row_split, .flags = PS_CAN_FAIL},
};

const ps_function_family ps_family_nested = {functions, sizeof functions / sizeof functions[0]};
