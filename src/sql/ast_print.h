/* Printer: AST → SQL text on one line.
 *
 * The text is canonical: keywords upper case, parentheses only where precedence needs them, names
 * in backticks where they are no plain words. It parses to a tree that prints to the same text,
 * and means what the first tree meant. For SHOW CREATE, EXPLAIN and tests.
 */
#ifndef PS_SQL_AST_PRINT_H
#define PS_SQL_AST_PRINT_H

#include "sql/ast.h"

void ps_ast_type_print(const ps_ast_type *type, ps_buf *out);
void ps_ast_expr_print(const ps_ast_expr *expr, ps_buf *out);
void ps_ast_query_print(const ps_ast_query *query, ps_buf *out);
/* Without a semicolon at the end. */
void ps_ast_statement_print(const ps_ast_statement *statement, ps_buf *out);

/* ── parts, for the files of the printer ── */

/* 'text', quotes doubled. */
void ps_ast_string_print(ps_slice text, ps_buf *out);
/* a, b, c */
void ps_ast_exprs_print(const ps_ast_exprs *exprs, ps_buf *out);
/* (a, b, c) */
void ps_ast_name_list_print(const ps_ast_names *names, ps_buf *out);
/* a DESC, b NULLS LAST */
void ps_ast_orders_print(const ps_ast_orders *orders, ps_buf *out);
void ps_ast_call_print(const ps_ast_call *call, ps_buf *out);
/* (w PARTITION BY … ROWS …), or the name of a reference. */
void ps_ast_window_print(const ps_ast_window *window, ps_buf *out);
void ps_ast_match_print(const ps_ast_match *match, ps_buf *out);
void ps_ast_hints_print(const ps_ast_hints *hints, ps_buf *out);
/* ('k' = 'v', …) */
void ps_ast_options_print(const ps_ast_options *options, ps_buf *out);

#endif
