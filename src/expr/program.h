/* Programs: expressions compiled to a flat list of kernels over a batch's columns.
 *
 * Common subexpressions are evaluated once. Kernels work on whole columns; three-valued logic is
 * validity bits. A kernel that can fail (CAST of text, division by zero, overflow of money) reports
 * only for rows that are needed: in AND, OR, CASE, COALESCE, IF the rows that do not reach an
 * argument never make it fail.
 * Threads: a program is used by one thread at a time; it owns its scratch memory, which the next
 * run reuses. Results are valid until the next run and while the input batch is.
 */
#ifndef PS_EXPR_PROGRAM_H
#define PS_EXPR_PROGRAM_H

#include "expr/expr.h"

typedef struct ps_program ps_program;

/* Compiles `count` expressions. Scratch is sized for PS_BATCH_ROWS rows. PS_E_MEMORY. */
PS_CHECKED ps_code ps_program_new(const ps_expr_context *context, uint32_t count,
                                  const ps_expr *const *exprs, ps_program **out, ps_error *err);
void ps_program_free(ps_program *program);

/* What changes from batch to batch. */
typedef struct {
    int64_t now_ms;         /* processing time; one value for the batch */
    int64_t query_start_ms; /* CURRENT_TIMESTAMP in a bounded run */
} ps_program_clock;

/* The rows from … to−1 of a batch, and the time at which they are looked at. */
typedef struct {
    const ps_batch *batch;
    uint32_t from, to;
    const ps_program_clock *clock;
} ps_program_rows;

/* Evaluates all expressions; out_columns[i] is expression i's column, row r of it being input row
 * from + r. A plain column expression may alias the input. PS_E_INVALID: a value that the
 * expression cannot take; the text says which function and value, *out_row the input row. */
PS_CHECKED ps_code ps_program_run(ps_program *program, const ps_program_rows *rows,
                                  ps_column *out_columns, uint32_t *out_row, ps_error *err);

/* For a program of one BOOLEAN expression: the numbers of the rows where it is TRUE, ascending,
 * into selection (room for to − from); returns their count through *out_count. */
PS_CHECKED ps_code ps_program_filter(ps_program *program, const ps_program_rows *rows,
                                     uint32_t *selection, uint32_t *out_count, uint32_t *out_row,
                                     ps_error *err);

/* The value of a constant expression. */
PS_CHECKED ps_code ps_expr_evaluate(const ps_expr_context *context, const ps_expr *expr,
                                    ps_value *out, ps_error *err);

#endif
