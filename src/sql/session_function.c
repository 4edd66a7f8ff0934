/* CREATE FUNCTION … LANGUAGE C USING LIBRARY, DROP FUNCTION (extended dialect). A library stays
 * loaded until the session ends: plans made before a DROP go on. */
#include "base/library.h"
#include "expr/function.h"
#include "expr/user_function.h"
#include "sql/session_internal.h"

static ps_library *load(ps_session *session, ps_plan *plan, const ps_ast_create_function *ddl,
                        ps_sql_span at)
{
    ps_session_library *made = PS_PLAN_NEW(plan, ps_session_library);
    ps_slice path =
        ps_plan_print(plan, "%.*s", (int)ddl->library.size, ddl->library.data); /* ends with NUL */
    ps_error err;
    ps_code code = ps_library_open(path.size > 0 ? path.data : NULL, &made->library, &err);
    if (code == PS_OK) {
        made->next = session->libraries;
        session->libraries = made;
    }
    ps_plan_check(plan, code, &err, at);
    return made->library;
}

static void check_create(ps_plan *plan, const ps_ast_create_function *ddl, ps_sql_span at)
{
    bool is_c = ps_slice_equal(ddl->language, PS_SLICE("C")) ||
                ps_slice_equal(ddl->language, PS_SLICE("c"));
    if (!plan->is_extended) {
        ps_plan_fail_hint(plan, at,
                          "SET 'paystream.dialect' = 'extended' allows functions in C: CREATE "
                          "FUNCTION f AS 'symbol' LANGUAGE C USING LIBRARY 'file.so'",
                          "CREATE FUNCTION is not portable: Flink's functions are classes of the "
                          "JVM, which do not run here");
    }
    if (!is_c || ddl->is_jar) {
        ps_plan_fail_hint(plan, at, "LANGUAGE C USING LIBRARY 'file.so'",
                          "functions can be written in C only");
    }
}

void ps_session_create_function(ps_session *session, ps_plan *plan,
                                const ps_ast_create_function *ddl)
{
    const ps_ast_name *last = ps_ast_names_last(&ddl->path);
    ps_slice name = ps_catalog_name(plan, &ddl->path);
    check_create(plan, ddl, last->at);
    if (ps_function_find(last->text) != NULL || ps_aggregate_is_known(last->text)) {
        ps_plan_fail(plan, PS_E_EXISTS, last->at, "there is a function %s of SQL's already",
                     last->text);
    }
    if (ps_user_function_find(plan->expressions->functions, last->text) != NULL) {
        if (ddl->if_not_exists) {
            return;
        }
        ps_plan_fail(plan, PS_E_EXISTS, last->at, "function '%s' exists already", last->text);
    }
    const ps_library *library = load(session, plan, ddl, last->at);
    ps_slice symbol = ps_plan_print(plan, "%.*s", (int)ddl->symbol.size, ddl->symbol.data);
    const ps_sql_function *c = ps_library_symbol(library, symbol.data);
    if (c == NULL) {
        ps_plan_fail_hint(plan, last->at,
                          "it is a constant of type ps_sql_function, with PS_SQL_EXPORT before it",
                          "the library exports no '%s'", symbol.data);
    }
    ps_user_function *made = NULL;
    ps_error err;
    ps_plan_check(plan, ps_user_function_new(plan->arena, name, c, &made, &err), &err, last->at);
    if (made->scalar == NULL) {
        ps_plan_check(plan, ps_aggregate_user(plan->arena, made, &err), &err, last->at);
    }
    made->next = plan->expressions->functions;
    plan->expressions->functions = made;
}

void ps_session_drop_function(ps_plan *plan, const ps_ast_drop *ddl)
{
    const ps_ast_name *last = ps_ast_names_last(&ddl->path);
    ps_user_function **at = &plan->expressions->functions;
    const ps_user_function *found = ps_user_function_find(*at, last->text);
    if (found == NULL && ddl->if_exists) {
        return;
    }
    if (found == NULL) {
        ps_plan_fail(plan, PS_E_MISSING, last->at, "there is no function '%s' of yours",
                     last->text);
    }
    while (*at != found) {
        at = &(*at)->next;
    }
    *at = found->next;
}

void ps_session_close_libraries(ps_session *session)
{
    for (ps_session_library *at = session->libraries; at != NULL; at = at->next) {
        ps_library_close(at->library);
    }
}
