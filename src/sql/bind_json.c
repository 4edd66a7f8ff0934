/* The JSON functions with clauses of their own: the clauses become arguments (expr/function.h). */
#include "sql/bind.h"

enum { JSON_ARGUMENTS_MAX = 7 };

static const ps_expr *text_constant(ps_plan *plan, const char *text)
{
    const ps_type *type = ps_type_sized(plan->arena, PS_TYPE_CHAR, (int32_t)strlen(text), false);
    return ps_plan_constant(plan, type, (ps_value){.text = ps_slice_text(text)});
}

static const ps_expr *null_constant(ps_plan *plan, const ps_type *type)
{
    return ps_plan_constant(plan, type, (ps_value){.is_null = true});
}

static const char *behavior_name(ps_ast_behavior behavior, const char *otherwise)
{
    switch (behavior) {
    case PS_AST_BEHAVIOR_NONE:
        return otherwise;
    case PS_AST_BEHAVIOR_NULL:
        return "NULL";
    case PS_AST_BEHAVIOR_ERROR:
        return "ERROR";
    case PS_AST_BEHAVIOR_DEFAULT:
        return "DEFAULT";
    case PS_AST_BEHAVIOR_EMPTY_ARRAY:
        return "EMPTY ARRAY";
    case PS_AST_BEHAVIOR_EMPTY_OBJECT:
        return "EMPTY OBJECT";
    case PS_AST_BEHAVIOR_TRUE:
        return "TRUE";
    case PS_AST_BEHAVIOR_FALSE:
        return "FALSE";
    case PS_AST_BEHAVIOR_UNKNOWN:
        return "UNKNOWN";
    }
    PS_ASSERT(false);
    return "";
}

static const char *wrapper_name(ps_ast_wrapper wrapper)
{
    switch (wrapper) {
    case PS_AST_WRAPPER_NONE:
    case PS_AST_WRAPPER_WITHOUT:
        return "WITHOUT";
    case PS_AST_WRAPPER_CONDITIONAL:
        return "CONDITIONAL";
    case PS_AST_WRAPPER_UNCONDITIONAL:
        return "UNCONDITIONAL";
    }
    PS_ASSERT(false);
    return "";
}

static const ps_expr *default_value(ps_bind_context *context, const ps_ast_expr *expr)
{
    return expr != NULL ? ps_bind_expr(context, expr)
                        : null_constant(context->binder->plan, &ps_type_null);
}

/* The arguments behind json and path. */
static uint32_t add_path_clauses(ps_bind_context *context, const ps_ast_json *json,
                                 const char *name, const ps_expr **arguments)
{
    ps_plan *plan = context->binder->plan;
    uint32_t count = 2;
    if (strcmp(name, "JSON_VALUE") == 0) {
        arguments[count++] = text_constant(plan, behavior_name(json->on_empty, "NULL"));
        arguments[count++] = default_value(context, json->empty_default);
        arguments[count++] = text_constant(plan, behavior_name(json->on_error, "NULL"));
        arguments[count++] = default_value(context, json->error_default);
        if (json->returning != NULL) {
            arguments[count++] = null_constant(plan, ps_bind_type(plan, json->returning));
        }
    } else if (strcmp(name, "JSON_QUERY") == 0) {
        arguments[count++] = text_constant(plan, wrapper_name(json->wrapper));
        arguments[count++] = text_constant(plan, behavior_name(json->on_empty, "NULL"));
        arguments[count++] = text_constant(plan, behavior_name(json->on_error, "NULL"));
    } else if (json->on_error != PS_AST_BEHAVIOR_NONE) { /* JSON_EXISTS */
        arguments[count++] = text_constant(plan, behavior_name(json->on_error, "FALSE"));
    }
    return count;
}

static const ps_expr *bind_path_call(ps_bind_context *context, const ps_ast_expr *expr,
                                     const char *name)
{
    const ps_ast_call *call = expr->call;
    const ps_expr *arguments[JSON_ARGUMENTS_MAX];
    ps_plan *plan = context->binder->plan;
    if (call->arguments.count != 2) {
        ps_plan_fail(plan, PS_E_INVALID, expr->at, "%s takes a JSON text and a path", name);
    }
    if (call->json->returning != NULL && strcmp(name, "JSON_QUERY") == 0) {
        ps_plan_refuse(plan, expr->at, "RETURNING in JSON_QUERY");
    }
    arguments[0] = ps_bind_expr(context, call->arguments.items[0]);
    arguments[1] = ps_bind_expr(context, call->arguments.items[1]);
    uint32_t count = add_path_clauses(context, call->json, name, arguments);
    return ps_plan_call(plan, expr->at, name, count, arguments);
}

/* JSON_OBJECT(k, v, …), JSON_ARRAY(v, …) */
static const ps_expr *bind_make_call(ps_bind_context *context, const ps_ast_expr *expr,
                                     const char *name)
{
    const ps_ast_call *call = expr->call;
    ps_plan *plan = context->binder->plan;
    uint32_t count = call->arguments.count;
    const ps_expr **arguments = PS_PLAN_ARRAY(plan, const ps_expr *, count + 1);
    bool is_object = strcmp(name, "JSON_OBJECT") == 0;
    bool keeps_nulls = call->json->on_null == PS_AST_ON_NULL_NULL ||
                       (call->json->on_null == PS_AST_ON_NULL_DEFAULT && is_object);
    arguments[0] = text_constant(plan, keeps_nulls ? "NULL" : "ABSENT");
    for (uint32_t i = 0; i < count; i++) {
        arguments[i + 1] = ps_bind_expr(context, call->arguments.items[i]);
    }
    return ps_plan_call(plan, expr->at, name, count + 1, arguments);
}

const ps_expr *ps_bind_json_call(ps_bind_context *context, const ps_ast_expr *expr,
                                 const char *name)
{
    bool makes = strcmp(name, "JSON_OBJECT") == 0 || strcmp(name, "JSON_ARRAY") == 0;
    return makes ? bind_make_call(context, expr, name) : bind_path_call(context, expr, name);
}
