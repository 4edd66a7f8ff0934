/* Expressions in a small prefix form, for tables of cases:
 *
 *   5  5L  1.50  1.5e0  'text'  X'41'  TRUE  NULL     literals: INT, BIGINT, DECIMAL, DOUBLE, CHAR
 *   (NAME a b …)  ("IS NULL" a)                        a call
 *   (CAST a [TYPE])  (TRY_CAST a [TYPE])  (FIELD a 0)
 *   c3                                                 column 3 of the batch
 */
#ifndef EXPR_FIXTURE_H
#define EXPR_FIXTURE_H

#include "expr/function.h"
#include "expr/program.h"

typedef struct {
    ps_arena arena;
    ps_expr_context context;
    ps_error err;
    const ps_type *const *column_types; /* of c0, c1 … */
    /* literals become columns of a batch, so that nothing is folded */
    bool literals_are_columns;
    uint32_t literal_count;
    ps_value literals[64];
    const ps_type *literal_types[64];
} expr_fixture;

void expr_fixture_init(expr_fixture *fixture);
void expr_fixture_release(expr_fixture *fixture);
/* The type of "DECIMAL(10,2) NOT NULL", "ARRAY<INT>". */
const ps_type *expr_fixture_type(expr_fixture *fixture, const char *text);
/* NULL: err says why. */
const ps_expr *expr_fixture_read(expr_fixture *fixture, const char *text);

/* The value's text (PS_FORM_PLAIN; NULL), or "error: …" when reading or running fails; in the
 * fixture's arena. `folded`: literals are constants; else columns. *out_type: the type's text. */
const char *expr_fixture_evaluate(expr_fixture *fixture, const char *text, bool folded,
                                  const char **out_type);

typedef struct {
    const char *expr, *type, *value; /* type NULL: any */
} expr_case;
/* Every case folded and over columns, over a part of a batch. A value "error" means: a run fails. */
void expr_check_cases(const expr_case *cases, size_t count);

#endif
