/* JSON_VALUE, JSON_QUERY, JSON_EXISTS, IS JSON. Their arguments: see function.h.
 *
 * As in Flink: a path without a mode is strict; strict makes an error of what is missing, NULL or
 * of the wrong kind, lax makes it empty, malformed documents too.
 */
#include "expr/json_tree.h"
#include "expr/kernel.h"

enum { ARGUMENT_PATH = 1, NUMBER_EMPTY = 0, NUMBER_ERROR, NUMBER_WRAPPER };

typedef enum {
    ANSWER_NULL,
    ANSWER_ERROR,
    ANSWER_DEFAULT,
    ANSWER_EMPTY_ARRAY,
    ANSWER_EMPTY_OBJECT,
    ANSWER_TRUE,
    ANSWER_FALSE,
    ANSWER_UNKNOWN,
    ANSWER_COUNT
} answer;

static const char *const answer_names[ANSWER_COUNT] = {
    "NULL", "ERROR", "DEFAULT", "EMPTY ARRAY", "EMPTY OBJECT", "TRUE", "FALSE", "UNKNOWN"};

static answer answer_named(ps_slice name)
{
    for (int i = 0; i < ANSWER_COUNT; i++) {
        if (ps_slice_equal(name, ps_slice_text(answer_names[i]))) {
            return (answer)i;
        }
    }
    return ANSWER_COUNT;
}

/* ── what a path finds ── */

typedef enum { FOUND_VALUE, FOUND_EMPTY, FOUND_ERROR } found_kind;

/* NULL and what is missing: nothing in lax mode, an error in strict mode. */
static found_kind find(ps_call *call, ps_slice text, const ps_tree_node **out)
{
    const ps_json_path *path = call->step->state;
    ps_arena *arena = call->run->arena;
    const ps_tree_node *root = ps_tree_read(arena, text);
    *out = root != NULL ? ps_json_path_find(arena, path, root) : NULL;
    if (*out != NULL && (*out)->kind != PS_NODE_NULL) {
        return FOUND_VALUE;
    }
    return ps_json_path_is_lax(path) ? FOUND_EMPTY : FOUND_ERROR;
}

static found_kind wrong_kind(const ps_call *call)
{
    return ps_json_path_is_lax(call->step->state) ? FOUND_EMPTY : FOUND_ERROR;
}

/* ON EMPTY, ON ERROR of JSON_VALUE and JSON_QUERY; the default follows the behaviour's name. */
static ps_code give_answer(ps_call *call, const ps_value *arguments, found_kind kind, ps_value *out)
{
    const ps_step *step = call->step;
    bool is_empty = kind == FOUND_EMPTY;
    switch ((answer)step->number[is_empty ? NUMBER_EMPTY : NUMBER_ERROR]) {
    case ANSWER_ERROR:
        return ps_call_refuse(call, arguments[0].text,
                              is_empty ? "gives nothing for the path" : "does not fit the path");
    case ANSWER_DEFAULT:
        *out = arguments[is_empty ? 3 : 5];
        return PS_OK;
    case ANSWER_EMPTY_ARRAY:
        out->text = PS_SLICE("[]");
        return PS_OK;
    case ANSWER_EMPTY_OBJECT:
        out->text = PS_SLICE("{}");
        return PS_OK;
    case ANSWER_NULL:
    case ANSWER_TRUE:
    case ANSWER_FALSE:
    case ANSWER_UNKNOWN:
    case ANSWER_COUNT:
        break;
    }
    out->is_null = true;
    return PS_OK;
}

/* ── JSON_VALUE ── */

static bool is_whole(ps_slice number)
{
    for (size_t i = 0; i < number.size; i++) {
        if (number.data[i] == '.' || number.data[i] == 'e' || number.data[i] == 'E') {
            return false;
        }
    }
    return true;
}

static ps_code put_scalar(ps_call *call, const ps_tree_node *node, ps_value *out)
{
    ps_buf *buf = ps_call_scratch(call);
    bool is_boolean = node->kind == PS_NODE_TRUE || node->kind == PS_NODE_FALSE;
    bool is_number = node->kind == PS_NODE_NUMBER;
    int64_t whole = 0;
    switch (call->step->type->kind) {
    case PS_TYPE_BOOLEAN:
        out->i64 = node->kind == PS_NODE_TRUE ? 1 : 0;
        return is_boolean ? PS_OK : ps_call_refuse(call, node->text, "is not a BOOLEAN");
    case PS_TYPE_INT:
        if (!is_number || !ps_parse_i64(node->text, &whole) || whole != (int32_t)whole) {
            return ps_call_refuse(call, node->text, "is not an INT");
        }
        out->i64 = whole;
        return PS_OK;
    case PS_TYPE_DOUBLE: /* Flink takes numbers with a fraction or exponent only */
        if (!is_number || is_whole(node->text)) {
            return ps_call_refuse(call, node->text, "is not a DOUBLE");
        }
        ps_buf_append_slice(buf, node->text);
        return ps_call_double(call, ps_buf_slice(buf), &out->f64);
    default:
        break;
    }
    if (node->kind == PS_NODE_STRING) {
        out->text = node->text;
        return PS_OK;
    }
    ps_tree_print(call->run->arena, node, buf);
    return ps_call_finish(call, out);
}

static ps_code row_json_value(ps_call *call, const ps_value *arguments, ps_value *out)
{
    const ps_tree_node *node = NULL;
    if (arguments[0].is_null) {
        out->is_null = true;
        return PS_OK;
    }
    found_kind kind = find(call, arguments[0].text, &node);
    if (kind == FOUND_VALUE && !ps_tree_node_is_scalar(node)) {
        kind = wrong_kind(call);
    }
    return kind == FOUND_VALUE ? put_scalar(call, node, out)
                               : give_answer(call, arguments, kind, out);
}

/* ── JSON_QUERY ── */

typedef enum { WRAPPER_WITHOUT, WRAPPER_CONDITIONAL, WRAPPER_UNCONDITIONAL } wrapper;

static ps_code row_json_query(ps_call *call, const ps_value *arguments, ps_value *out)
{
    const ps_tree_node *node = NULL;
    if (arguments[0].is_null) {
        out->is_null = true;
        return PS_OK;
    }
    wrapper how = (wrapper)call->step->number[NUMBER_WRAPPER];
    found_kind kind = find(call, arguments[0].text, &node);
    if (kind == FOUND_VALUE && ps_tree_node_is_scalar(node) && how == WRAPPER_WITHOUT) {
        kind = wrong_kind(call);
    }
    if (kind != FOUND_VALUE) {
        return give_answer(call, arguments, kind, out);
    }
    bool wraps =
        how == WRAPPER_UNCONDITIONAL || (how == WRAPPER_CONDITIONAL && node->kind != PS_NODE_ARRAY);
    ps_buf *buf = ps_call_scratch(call);
    ps_buf_append_text(buf, wraps ? "[" : "");
    ps_tree_print(call->run->arena, node, buf);
    ps_buf_append_text(buf, wraps ? "]" : "");
    return ps_call_finish(call, out);
}

/* ── JSON_EXISTS, IS JSON ── */

static ps_code row_json_exists(ps_call *call, const ps_value *arguments, ps_value *out)
{
    const ps_json_path *path = call->step->state;
    ps_arena *arena = call->run->arena;
    const ps_tree_node *root = ps_tree_read(arena, arguments[0].text);
    const ps_tree_node *node = root != NULL ? ps_json_path_find(arena, path, root) : NULL;
    if (node != NULL) {
        out->i64 = node->kind != PS_NODE_NULL ? 1 : 0;
        return PS_OK;
    }
    if (ps_json_path_is_lax(path)) {
        return PS_OK;
    }
    answer how = (answer)call->step->number[NUMBER_ERROR];
    out->i64 = how == ANSWER_TRUE ? 1 : 0;
    out->is_null = how == ANSWER_UNKNOWN;
    return how == ANSWER_ERROR ? ps_call_refuse(call, arguments[0].text, "has nothing at the path")
                               : PS_OK;
}

static ps_code row_is_json(ps_call *call, const ps_value *arguments, ps_value *out)
{
    const char *name = call->step->function->entry.name + strlen("IS ");
    bool negated = strncmp(name, "NOT ", 4) == 0, is_so = false;
    const ps_tree_node *node =
        arguments[0].is_null ? NULL : ps_tree_read(call->run->arena, arguments[0].text);
    if (node != NULL) {
        is_so = strstr(name, "OBJECT") != NULL   ? node->kind == PS_NODE_OBJECT
                : strstr(name, "ARRAY") != NULL  ? node->kind == PS_NODE_ARRAY
                : strstr(name, "SCALAR") != NULL ? ps_tree_node_is_scalar(node)
                                                 : true;
    }
    out->i64 = is_so != negated ? 1 : 0;
    return PS_OK;
}

/* ── resolving and preparing ── */

static ps_code check_path(ps_resolution *r)
{
    ps_slice text;
    const ps_json_path *path = NULL;
    if (r->count < 2 || !ps_type_is_text(r->arguments[0]->type)) {
        return ps_resolution_mismatch(r);
    }
    if (!ps_expr_constant_text(r->arguments[ARGUMENT_PATH], &text)) {
        return ps_error_set(r->err, PS_E_UNSUPPORTED, "%s with a path that is not a literal",
                            r->function->entry.name);
    }
    ps_code code = ps_json_path_compile(r->context->arena, text, &path, r->err);
    return code;
}

/* Arguments that name a behaviour must name one. */
static ps_code check_answer(ps_resolution *r, uint32_t index)
{
    ps_slice text;
    if (index >= r->count) {
        return PS_OK;
    }
    bool good =
        ps_expr_constant_text(r->arguments[index], &text) && answer_named(text) != ANSWER_COUNT;
    return good ? PS_OK : ps_resolution_mismatch(r);
}

/* (json, path[, on empty, default, on error, default[, sample of the type]]) */
static ps_code resolve_json_value(ps_resolution *r)
{
    const ps_type *type = &ps_type_string;
    ps_code code =
        r->count == 2 || r->count == 6 || r->count == 7 ? check_path(r) : ps_resolution_mismatch(r);
    for (uint32_t i = 2; i < 6 && code == PS_OK; i += 2) {
        code = check_answer(r, i);
    }
    if (code != PS_OK) {
        return code;
    }
    if (r->count == 7) {
        type = r->arguments[6]->type;
        r->count = 6;
        bool known = ps_type_is_text(type) || type->kind == PS_TYPE_BOOLEAN ||
                     type->kind == PS_TYPE_INT || type->kind == PS_TYPE_DOUBLE;
        if (!known) {
            return ps_error_set(r->err, PS_E_INVALID,
                                "JSON_VALUE returns STRING, BOOLEAN, INT or DOUBLE only");
        }
    }
    for (uint32_t i = 3; i < r->count && code == PS_OK; i += 2) {
        code = ps_resolution_coerce(r, i, type);
    }
    return code != PS_OK
               ? code
               : ps_resolution_type(r, ps_type_with_nullable(r->context->arena, type, true));
}

/* (json, path[, wrapper, on empty, on error]) */
static ps_code resolve_json_query(ps_resolution *r)
{
    ps_code code = r->count == 2 || r->count == 5 ? check_path(r) : ps_resolution_mismatch(r);
    for (uint32_t i = 3; i < r->count && code == PS_OK; i++) {
        ps_slice text = PS_SLICE("");
        code = check_answer(r, i);
        if (code == PS_OK && ps_expr_constant_text(r->arguments[i], &text) &&
            answer_named(text) == ANSWER_DEFAULT) {
            code = ps_resolution_mismatch(r); /* there is no value for it */
        }
    }
    return code == PS_OK ? ps_resolution_type(r, &ps_type_string) : code;
}

/* (json, path[, on error]) */
static ps_code resolve_json_exists(ps_resolution *r)
{
    ps_code code = r->count == 2 || r->count == 3 ? check_path(r) : ps_resolution_mismatch(r);
    code = code == PS_OK ? check_answer(r, 2) : code;
    return code == PS_OK ? ps_resolution_type(r, &ps_type_boolean) : code;
}

static answer answer_at(const ps_step *step, uint32_t index, answer otherwise)
{
    const ps_value *name = index < step->argument_count ? ps_step_constant(step, index) : NULL;
    return name != NULL ? answer_named(name->text) : otherwise;
}

static ps_code prepare_path(ps_preparation *p)
{
    const ps_json_path *path = NULL;
    ps_slice text = ps_step_constant(p->step, ARGUMENT_PATH)->text;
    ps_code code = ps_json_path_compile(p->arena, text, &path, p->err);
    p->step->state = (void *)(uintptr_t)path;
    return code;
}

static ps_code prepare_json_value(ps_preparation *p)
{
    p->step->number[NUMBER_EMPTY] = answer_at(p->step, 2, ANSWER_NULL);
    p->step->number[NUMBER_ERROR] = answer_at(p->step, 4, ANSWER_NULL);
    return prepare_path(p);
}

static ps_code prepare_json_query(ps_preparation *p)
{
    ps_step *step = p->step;
    const ps_value *how = step->argument_count > 2 ? ps_step_constant(step, 2) : NULL;
    step->number[NUMBER_EMPTY] = answer_at(step, 3, ANSWER_NULL);
    step->number[NUMBER_ERROR] = answer_at(step, 4, ANSWER_NULL);
    step->number[NUMBER_WRAPPER] =
        how == NULL                                            ? WRAPPER_WITHOUT
        : ps_slice_equal(how->text, PS_SLICE("CONDITIONAL"))   ? WRAPPER_CONDITIONAL
        : ps_slice_equal(how->text, PS_SLICE("UNCONDITIONAL")) ? WRAPPER_UNCONDITIONAL
                                                               : WRAPPER_WITHOUT;
    return prepare_path(p);
}

static ps_code prepare_json_exists(ps_preparation *p)
{
    p->step->number[NUMBER_ERROR] = answer_at(p->step, 2, ANSWER_FALSE);
    return prepare_path(p);
}

#define JSON(NAME, SIGNATURE, SUMMARY) .entry = {NAME, SIGNATURE, SUMMARY, "JSON", true}
#define IS_JSON(KIND, TEXT)                                                                        \
    {JSON("IS " KIND, "STRING IS " KIND " → BOOLEAN", "Whether the text is " TEXT "."),            \
     .pattern = "s>b!", .row = row_is_json, .flags = PS_IS_LENIENT | PS_IS_COSTLY},                \
    {                                                                                              \
        JSON("IS NOT " KIND, "STRING IS NOT " KIND " → BOOLEAN",                                   \
             "Whether the text is not " TEXT "."),                                                 \
            .pattern = "s>b!", .row = row_is_json, .flags = PS_IS_LENIENT | PS_IS_COSTLY           \
    }

static const ps_function functions[] = {
    {JSON("JSON_VALUE",
          "JSON_VALUE(STRING, path [RETURNING type] [NULL | ERROR | DEFAULT v ON EMPTY] "
          "[NULL | ERROR | DEFAULT v ON ERROR]) → STRING | BOOLEAN | INT | DOUBLE",
          "The scalar at the path of a JSON text."),
     .resolve = resolve_json_value, .row = row_json_value, .prepare = prepare_json_value,
     .flags = PS_TAKES_NULL | PS_IS_LENIENT | PS_CAN_FAIL | PS_IS_COSTLY},
    {JSON("JSON_QUERY",
          "JSON_QUERY(STRING, path [WITH [CONDITIONAL] WRAPPER] [… ON EMPTY] [… ON ERROR]) → "
          "STRING",
          "The array or object at the path of a JSON text, as JSON."),
     .resolve = resolve_json_query, .row = row_json_query, .prepare = prepare_json_query,
     .flags = PS_IS_LENIENT | PS_CAN_FAIL | PS_IS_COSTLY},
    {JSON("JSON_EXISTS",
          "JSON_EXISTS(STRING, path [TRUE | FALSE | UNKNOWN | ERROR ON ERROR]) → BOOLEAN",
          "Whether there is something at the path of a JSON text."),
     .resolve = resolve_json_exists, .row = row_json_exists, .prepare = prepare_json_exists,
     .flags = PS_CAN_FAIL | PS_IS_COSTLY},
    IS_JSON("JSON", "JSON"),
    IS_JSON("JSON VALUE", "JSON"),
    IS_JSON("JSON OBJECT", "a JSON object"),
    IS_JSON("JSON ARRAY", "a JSON array"),
    IS_JSON("JSON SCALAR", "a JSON scalar"),
};

const ps_function_family ps_family_json = {functions, sizeof functions / sizeof functions[0]};
