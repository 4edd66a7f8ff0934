/* Binder of MATCH_RECOGNIZE (SEMANTICS §12). Inside of the binder.
 *
 * Reading order: bind_match.c (the clauses), bind_pattern.c (PATTERN), bind_match_expr.c
 * (expressions of DEFINE and MEASURES).
 *
 * An expression of DEFINE is over the row under test; what it looks up in the rows matched so far
 * is a slot, and stands in it as column PS_BIND_SLOT + number. One of MEASURES is over slots alone.
 * What a slot looks up is a column of the input, or an expression of one: then a calc below the
 * match makes it, as column input_count + number.
 */
#ifndef PS_SQL_BIND_MATCH_H
#define PS_SQL_BIND_MATCH_H

#include "sql/bind.h"

/* What MATCH_RECOGNIZE's expressions share. */
struct ps_match_names {
    const ps_ast_match *ast;
    const ps_ast_name *clause_at; /* the variable of DEFINE or the measure's name */
    uint32_t variable_count;
    const ps_slice *variables; /* of the pattern */
    uint32_t input_count;      /* columns of the input */
    ps_plan_list extras;       /* ps_expr over the input */
    uint32_t time_column;      /* of ORDER BY */
    ps_time_attribute time;
    /* of the present expression */
    bool in_measures;
    uint32_t own; /* DEFINE: the variable that it defines */
    uint32_t slot_count, slot_capacity;
    ps_cep_slot *slots;
    const ps_type **slot_types;
    ps_slice *slot_names;
    /* within FIRST, LAST or an aggregate: columns are the input's, all of one variable */
    const char *inside; /* its name; NULL: not within one */
    bool inside_is_set;
    uint32_t inside_variable;
};

enum { PS_BIND_SLOTS_MAX = 500 };

/* col, v.col and fields of both. */
const ps_expr *ps_bind_match_name(ps_bind_context *context, const ps_ast_names *path);
/* FIRST, LAST, aggregates, MATCH_ROWTIME …; NULL: a function like any other. */
const ps_expr *ps_bind_match_call(ps_bind_context *context, const ps_ast_expr *expr,
                                  const char *name);
/* Number of a pattern variable; PS_CEP_ANY_VARIABLE: there is none of that name. */
uint32_t ps_bind_variable(const ps_match_names *names, const ps_ast_name *name);

/* The variables of a pattern in their order; fails when one is there twice. */
void ps_bind_variables(ps_plan *plan, const ps_ast_match *match, ps_match_names *out);
/* PATTERN, WITHIN and AFTER MATCH; conditions by variable, NULL: always true. */
ps_cep_pattern *ps_bind_pattern(ps_binder *binder, const ps_match_names *names,
                                ps_cep_condition *const *conditions);

#endif
