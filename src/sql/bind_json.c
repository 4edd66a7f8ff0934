/* The JSON functions with clauses of their own. */
#include "sql/bind.h"

const ps_expr *ps_bind_json_call(ps_bind_context *context, const ps_ast_expr *expr,
                                 const char *name)
{
    ps_plan *plan = context->binder->plan;
    ps_plan_refuse(plan, expr->at, name);
}
