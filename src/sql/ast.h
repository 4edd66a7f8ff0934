/* AST: what the parser makes of a SQL text and the binder reads.
 *
 *   ast_type.h       names, data types
 *   ast_call.h       ORDER BY, OVER, what calls carry
 *   ast_expr.h       expressions
 *   ast_query.h      queries, FROM, MATCH_RECOGNIZE
 *   ast_statement.h  statements
 *
 * All nodes live in the arena that the parser was given and are freed with it; texts are copies in
 * the same arena, so the script may go first. A node is a kind and a union: read only the member
 * that the kind's comment names. Pointers are never NULL unless the comment says so; lists are
 * count and items. Optional names have size 0, optional spans line 0.
 *
 * The tree says what was written, not what it means: names are unresolved, literals unchecked
 * (DATE '2026-02-30' parses), and what Flink's parser takes but no version of ours plans (QUALIFY,
 * PERMUTE …) is there for the binder to refuse by name. Invariants: a tree is at most
 * PS_AST_DEPTH_MAX (parser.h) high, so that a recursive walk needs no check of its own; spans
 * lie inside the script and children inside their parents.
 */
#ifndef PS_SQL_AST_H
#define PS_SQL_AST_H

#include "sql/ast_statement.h"

/* A name as SQL text, in backticks where it is no plain word or is a keyword; then a path. */
void ps_ast_name_print(const ps_ast_name *name, ps_buf *out);
void ps_ast_names_print(const ps_ast_names *names, ps_buf *out);
/* The upper-case word of a unit: "MONTH". */
const char *ps_ast_unit_name(ps_ast_unit unit);
/* The text of an operator: "=", "IS DISTINCT FROM", "NOT". */
const char *ps_ast_op_name(ps_ast_op op);
/* The last part of a path, the name of a function or column itself. count ≥ 1. */
const ps_ast_name *ps_ast_names_last(const ps_ast_names *names);

#endif
