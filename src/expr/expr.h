/* Bound expressions: typed trees that the binder makes and ps_program_compile turns into a flat
 * program over batches.
 *
 * An expression lives in the arena of its plan and is immutable. Columns are numbers of the input
 * batch. Everything but columns and constants is a call of a function of the table in function.h,
 * operators and CASE, CAST, AND, OR included: one mechanism for all.
 */
#ifndef PS_EXPR_EXPR_H
#define PS_EXPR_EXPR_H

#include "data/value.h"

typedef struct ps_function ps_function;
typedef struct ps_expr ps_expr;

typedef enum { PS_EXPR_COLUMN, PS_EXPR_CONSTANT, PS_EXPR_CALL } ps_expr_kind;

struct ps_expr {
    ps_expr_kind kind;
    const ps_type *type;
    uint32_t column;             /* COLUMN */
    ps_value constant;           /* CONSTANT; text is in the arena */
    const ps_function *function; /* CALL */
    uint32_t argument_count;
    const ps_expr *const *arguments;
};

/* Settings that change what expressions mean; borrowed by programs. */
typedef struct ps_zone ps_zone;
typedef struct ps_user_function ps_user_function; /* expr/user_function.h */
typedef struct {
    ps_arena *arena;
    const ps_zone *zone;         /* table.local-time-zone; NULL: UTC */
    bool overflow_is_null;       /* paystream.compat.overflow = flink */
    bool case_insensitive_like;  /* reserved, false */
    ps_user_function *functions; /* of the user's, newest first */
} ps_expr_context;

/* NULL: no memory. */
const ps_expr *ps_expr_column(ps_expr_context *context, uint32_t column, const ps_type *type);
const ps_expr *ps_expr_constant(ps_expr_context *context, const ps_type *type, ps_value value);

/* Resolves a call by name and argument types: picks the overload, inserts the implicit casts,
 * infers the result type, folds it when all arguments are constant and the function deterministic
 * (a fold that fails at run time stays a call and fails then). Names are those of function.h,
 * case-insensitive: "UPPER", "+", "=", "AND", "IS NULL", "CASE", "LIKE", "[]" …
 * PS_E_MISSING: no such function (the text proposes the nearest name). PS_E_INVALID: no overload
 * takes these types; the text lists the signatures. PS_E_UNSUPPORTED: known but not there yet. */
PS_CHECKED ps_code ps_expr_call(ps_expr_context *context, const char *name, uint32_t argument_count,
                                const ps_expr *const *arguments, const ps_expr **out,
                                ps_error *err);

/* CAST (explicit, SEMANTICS §3.4, §3.5); TRY_CAST when `is_try`. PS_E_INVALID: never castable. */
PS_CHECKED ps_code ps_expr_cast(ps_expr_context *context, const ps_expr *expr, const ps_type *type,
                                bool is_try, const ps_expr **out, ps_error *err);
/* The cast that the language does by itself (INSERT columns, UNION branches, comparison); the
 * expression itself when it has the type. PS_E_INVALID: needs an explicit cast. */
PS_CHECKED ps_code ps_expr_coerce(ps_expr_context *context, const ps_expr *expr,
                                  const ps_type *type, const ps_expr **out, ps_error *err);

/* ROW field by number. */
PS_CHECKED ps_code ps_expr_field(ps_expr_context *context, const ps_expr *row, uint32_t field,
                                 const ps_expr **out, ps_error *err);

bool ps_expr_equal(const ps_expr *a, const ps_expr *b);
/* No RAND, UUID, PROCTIME, CURRENT_TIMESTAMP … inside. */
bool ps_expr_is_deterministic(const ps_expr *expr);
/* CURRENT_WATERMARK inside: it depends on the rows before. */
bool ps_expr_reads_watermark(const ps_expr *expr);
/* Reads no column. */
bool ps_expr_is_constant(const ps_expr *expr);
/* Calls visit for each column that is read (repeats possible). */
void ps_expr_columns(const ps_expr *expr, void (*visit)(uint32_t column, void *with), void *with);
/* The same expression with columns[c] for column c; NULL: no memory. */
const ps_expr *ps_expr_substitute(ps_expr_context *context, const ps_expr *expr,
                                  const ps_expr *const *columns);
/* SQL-like text for EXPLAIN: names[c] for column c. */
void ps_expr_print(const ps_expr *expr, const ps_field *fields, ps_buf *out);

#endif
