/* What the binder and the planner share: the arena, the settings that matter, and the way out on an
 * error.
 *
 * Failing. Binding and planning are deep recursions in which every step can fail (a name that is
 * not there, types that do not fit, no memory) and nothing but the arena must be given back. So
 * they fail as PostgreSQL's and Lua's do: ps_plan_fail jumps to the one place that called in
 * (ps_session_next), which returns the error as everybody else's functions do. Nothing that needs
 * releasing may be held across a call that takes a ps_plan.
 */
#ifndef PS_SQL_PLAN_H
#define PS_SQL_PLAN_H

#include <setjmp.h>

#include "flow/connector.h"
#include "sql/sql_error.h"
#include "sql/sql_setting.h"

typedef struct ps_catalog ps_catalog;

typedef struct {
    ps_arena *arena;
    ps_expr_context *expressions;
    const ps_catalog *catalog;
    const ps_connector_set *connectors;
    const ps_settings *settings;
    bool is_extended;
    uint32_t rel_count;  /* relations made for this statement */
    ps_sql_error *error; /* filled before the jump */
    jmp_buf *failed;
} ps_plan;

_Noreturn void ps_plan_fail(ps_plan *plan, ps_code code, ps_sql_span at, const char *format, ...)
    PS_PRINTF(4, 5);
/* The same with a hint. */
_Noreturn void ps_plan_fail_hint(ps_plan *plan, ps_sql_span at, const char *hint,
                                 const char *format, ...) PS_PRINTF(4, 5);
/* "X is not supported yet", PS_E_UNSUPPORTED. */
_Noreturn void ps_plan_refuse(ps_plan *plan, ps_sql_span at, const char *what);
/* Jumps with err's code and text when code is not PS_OK. */
void ps_plan_check(ps_plan *plan, ps_code code, const ps_error *err, ps_sql_span at);

/* `count` zeroed elements of the arena; jumps with PS_E_LIMIT when there is no room. Never NULL. */
void *ps_plan_take(ps_plan *plan, size_t count, size_t size);
#define PS_PLAN_NEW(plan, type) ((type *)ps_plan_take((plan), 1, sizeof(type)))
#define PS_PLAN_ARRAY(plan, type, count) ((type *)ps_plan_take((plan), (count), sizeof(type)))
ps_slice ps_plan_print(ps_plan *plan, const char *format, ...) PS_PRINTF(2, 3);

/* A growing list of pointers in the arena. */
typedef struct {
    uint32_t count, capacity;
    const void **items;
} ps_plan_list;
void ps_plan_list_add(ps_plan *plan, ps_plan_list *list, const void *item);

/* ── expressions: the faces of expr.h with the plan's way of failing ── */

const ps_expr *ps_plan_column(ps_plan *plan, uint32_t column, const ps_type *type);
const ps_expr *ps_plan_constant(ps_plan *plan, const ps_type *type, ps_value value);
const ps_expr *ps_plan_call(ps_plan *plan, ps_sql_span at, const char *name, uint32_t count,
                            const ps_expr *const *arguments);
const ps_expr *ps_plan_coerce(ps_plan *plan, ps_sql_span at, const ps_expr *expr,
                              const ps_type *type);
const ps_expr *ps_plan_substitute(ps_plan *plan, const ps_expr *expr,
                                  const ps_expr *const *columns);
/* Column c becomes map[c]. */
const ps_expr *ps_plan_renumber(ps_plan *plan, const ps_expr *expr, const uint32_t *map);
/* a AND b; either may be NULL (TRUE). */
const ps_expr *ps_plan_and(ps_plan *plan, const ps_expr *a, const ps_expr *b);
/* Appends the AND-ed parts of `condition` (NULL: none). */
void ps_plan_conjuncts(ps_plan *plan, const ps_expr *condition, ps_plan_list *out);
const ps_expr *ps_plan_and_all(ps_plan *plan, const ps_plan_list *conjuncts);

bool ps_plan_is_call(const ps_expr *expr, const char *name);
/* A constant BOOLEAN TRUE. */
bool ps_plan_is_true(const ps_expr *expr);
/* Column numbers that expr reads lie in [from, to). True for constants. */
bool ps_plan_reads_only(const ps_expr *expr, uint32_t from, uint32_t to);
/* Sets needed[c] for each column that is read; expr may be NULL. */
void ps_plan_mark(const ps_expr *expr, bool *needed);

#endif
