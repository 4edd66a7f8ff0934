/* The inside of expr: vectors, steps, and what the entry of a function gives.
 *
 * A program is a list of steps. A step reads vectors and writes one. There are two ways to write a
 * function: a row function (takes the values of one row; most functions) and a kernel (a loop over
 * the columns; what queries spend their time in).
 *
 * Vectors. BOOLEAN is held as bits inside of a program (PS_REPR_BITS), everything else as in a
 * column. A constant vector has one value for all rows. Bits beyond the last row mean nothing.
 * A vector that was computed under a mask holds values for the rows of the mask; what it holds for
 * the others is defined memory (a text there is the empty slice) that nobody may depend on.
 *
 * Masks. A mask is a BITS vector without NULLs: the rows that are needed. A step that can fail
 * looks at the rows of ps_step_active alone: needed, and no argument NULL.
 */
#ifndef PS_EXPR_KERNEL_H
#define PS_EXPR_KERNEL_H

#include "expr/function.h"
#include "expr/program.h"

typedef enum { PS_REPR_I64, PS_REPR_F64, PS_REPR_I128, PS_REPR_TEXT, PS_REPR_BITS } ps_repr;

enum { PS_WORDS_MAX = PS_BATCH_ROWS / 64, PS_ARGUMENTS_MAX = 2000, PS_EXPR_DEPTH_MAX = 1000 };
enum { PS_TEXT_VALUE_MAX = 64 * 1024 * 1024, PS_RUN_TEXT_MAX = 512 * 1024 * 1024 };

typedef struct ps_vector ps_vector;
struct ps_vector {
    ps_column column;         /* values (not for BITS) and validity of the newest run */
    uint64_t *bits;           /* BITS: the values */
    const ps_value *constant; /* not NULL: one value for all rows; column is not set */
    ps_repr repr;
    uint64_t *valid_memory;  /* the vector's own bitmap */
    const ps_vector *mask;   /* rows that were computed; NULL: all */
    const ps_vector *parent; /* of a mask: the mask that it narrows */
    bool owns_values;
    uint32_t last_use; /* step after which the memory of the values is free */
};

typedef struct {
    const ps_batch *batch;
    const ps_program_clock *clock;
    uint32_t from, count, words;
    ps_arena *arena; /* texts of results */
    ps_buf *scratch; /* free between calls of row functions */
    uint32_t failed_row;
    ps_error *err;
} ps_run;

typedef struct ps_step ps_step;
typedef ps_code (*ps_kernel)(ps_step *step, ps_run *run);

/* One row of a row function. */
typedef struct {
    const ps_step *step;
    ps_run *run;
    uint32_t row;
} ps_call;
/* out->is_null is false before the call. Strict functions get no NULLs. */
typedef ps_code (*ps_row_function)(ps_call *call, const ps_value *arguments, ps_value *out);

struct ps_step {
    ps_kernel kernel;
    ps_row_function row;
    const ps_function *function; /* NULL: loads, masks, output */
    const ps_type *type;
    const ps_type *const *types; /* of the arguments */
    uint32_t argument_count;
    ps_vector **arguments;
    ps_vector *out;
    ps_vector *mask; /* NULL: all rows are needed */
    void *state;     /* made when the program is compiled */
    void (*release)(void *state);
    int64_t number[4];    /* parameters of the kernel */
    ps_value *row_values; /* room for one row's arguments */
    uint64_t *active;     /* room for ps_step_active */
    const ps_expr *expr;  /* what it computes */
    bool is_lenient;      /* NULL arguments are passed to the row function */
    bool can_fail;        /* a preparer clears it where the types make it safe */
    bool is_costly;
};

/* ── resolving: argument types to a typed call ── */

typedef struct {
    ps_expr_context *context;
    const ps_function *function;
    uint32_t count;
    const ps_expr **arguments; /* a copy: resolvers put casts in */
    const ps_type *type;       /* result: type of the call … */
    const ps_expr *rewritten;  /* … or another expression instead of it */
    ps_error *err;
} ps_resolution;
/* PS_E_INVALID with an empty err->text: no overload takes the types; the caller writes the text. */
typedef ps_code (*ps_resolver)(ps_resolution *r);

/* ── compiling: a call to a step ── */

typedef struct {
    const ps_expr_context *context;
    ps_arena *arena; /* of the program */
    ps_step *step;
    ps_error *err;
} ps_preparation;
/* Chooses step->kernel or step->row, sets state and numbers. */
typedef ps_code (*ps_preparer)(ps_preparation *p);

typedef enum {
    PS_FORM_PLAIN_CALL,
    PS_FORM_AND,
    PS_FORM_OR,
    PS_FORM_CASE,
    PS_FORM_COALESCE
} ps_call_form;

enum {
    PS_CAN_FAIL = 1,         /* runs under the mask */
    PS_IS_COSTLY = 2,        /* too */
    PS_IS_LENIENT = 4,       /* NULL arguments do not make the result NULL */
    PS_IS_UNIQUE = 8,        /* each call gives another value: no common subexpression */
    PS_TAKES_CONSTANTS = 16, /* the kernel handles constant arguments; else they are spread */
    PS_IS_NO_OP = 32,        /* the result is the argument as it lies there */
    PS_IS_KEPT = 64,         /* not folded: who takes the result looks at where it is from */
    PS_TAKES_NULL = 128      /* the literal NULL, which has no type yet, may be an argument */
};

/* `pattern` is overloads separated by '|', each PARAMETERS>RESULT. Parameters, one letter each:
 *   s text    i integer    n number    d number, cast to DOUBLE    b BOOLEAN    y bytes
 *   t TIMESTAMP or TIMESTAMP_LTZ    k constant text    a ARRAY    x anything
 *   * repeats the letter before, zero times or more
 * Result: s STRING, i INT, l BIGINT, d DOUBLE, b BOOLEAN, y BYTES, t TIMESTAMP(3), z
 * TIMESTAMP_LTZ(3), D DATE, v VARCHAR of the first argument's length, 1…9 the type of an argument;
 * then ? always nullable, ! never; else nullable when an argument is. */
struct ps_function {
    ps_function_entry entry;
    const char *pattern; /* or */
    ps_resolver resolve; /* this */
    ps_row_function row; /* or */
    ps_preparer prepare; /* this, or both */
    uint32_t flags;
    ps_call_form form;
};

typedef struct {
    const ps_function *functions;
    uint32_t count;
} ps_function_family;

extern const ps_function_family ps_family_logic, ps_family_compare, ps_family_arithmetic,
    ps_family_math, ps_family_cast, ps_family_condition, ps_family_text, ps_family_search,
    ps_family_regex, ps_family_in, ps_family_hash, ps_family_time, ps_family_time_parts,
    ps_family_json, ps_family_json_make, ps_family_nested;

/* ── for resolvers ── */

bool ps_resolution_any_nullable(const ps_resolution *r);
/* Replaces argument `index` by its implicit cast. */
PS_CHECKED ps_code ps_resolution_coerce(ps_resolution *r, uint32_t index, const ps_type *type);
/* The common type of arguments first, first + stride …; NULL: none. */
const ps_type *ps_resolution_common(const ps_resolution *r, uint32_t first, uint32_t stride);
PS_CHECKED ps_code ps_resolution_set(ps_resolution *r, ps_type_kind kind, bool nullable);
/* Keeps the type, or reports that memory is out when it is NULL. */
PS_CHECKED ps_code ps_resolution_type(ps_resolution *r, const ps_type *type);
/* An error without text: no overload. */
ps_code ps_resolution_mismatch(const ps_resolution *r);
/* The text of a constant, not NULL argument; false when it is not one. */
bool ps_expr_constant_text(const ps_expr *expr, ps_slice *out_text);
bool ps_expr_is_null_constant(const ps_expr *expr);
/* A call that is made as it stands; NULL: no memory. */
const ps_expr *ps_expr_make_call(ps_expr_context *context, const ps_function *function,
                                 const ps_type *type, uint32_t count,
                                 const ps_expr *const *arguments);
ps_code ps_expr_no_memory(ps_error *err);
/* `is_implicit`: only what the language does by itself. */
ps_code ps_prepare_cast(ps_preparation *p);
bool ps_cast_is_possible(const ps_type *from, const ps_type *to, bool is_implicit);
/* The values need not be touched. */
bool ps_cast_is_no_op(const ps_type *from, const ps_type *to);

/* "yyyy-MM-dd[ HH:mm:ss[.f]]" and nothing around: what CAST and TO_TIMESTAMP read. */
bool ps_timestamp_read(ps_slice text, int64_t per_second, int64_t *out_ticks);

/* ── for kernels ── */

static inline ps_repr ps_repr_of(const ps_type *type)
{
    return type->kind == PS_TYPE_BOOLEAN ? PS_REPR_BITS : (ps_repr)ps_type_phys(type);
}
static inline bool ps_bit(const uint64_t *bits, uint32_t row)
{
    return ((bits[row / 64] >> (row % 64)) & 1) != 0;
}
/* Sets the validity of the result to what strict functions have: NULL where an argument is. */
void ps_step_join_valid(ps_step *step, ps_run *run);
/* The rows that are needed and have no NULL argument; NULL: all rows. */
const uint64_t *ps_step_active(ps_step *step, ps_run *run);
/* Own, writable validity of the result: a copy of what it is now, or all set. */
uint64_t *ps_step_own_valid(ps_step *step, ps_run *run);
/* The kernel of row functions. */
ps_code ps_kernel_rows(ps_step *step, ps_run *run);
/* Value of a row, constant or not. */
ps_value ps_vector_value(const ps_vector *vector, uint32_t row);
/* The value of an argument that is constant and not NULL; else NULL. */
const ps_value *ps_step_constant(const ps_step *step, uint32_t index);
/* The first row whose bit is set; count when there is none. */
uint32_t ps_first_row(const uint64_t *bits, uint32_t count);

/* FLOOR and CEIL of a number (fn_math.c). */
ps_code ps_row_floor_number(ps_call *call, const ps_value *arguments, ps_value *out);

/* ── for row functions ── */

/* `size` bytes in the run's arena; NULL with err set. */
char *ps_call_take(ps_call *call, size_t size);
PS_CHECKED ps_code ps_call_copy(ps_call *call, ps_slice text, ps_value *out);
/* A text as DOUBLE, as CAST reads it (fn_cast.c). */
PS_CHECKED ps_code ps_call_double(ps_call *call, ps_slice text, double *out);
/* What was appended to the scratch buffer becomes the result. */
PS_CHECKED ps_code ps_call_finish(ps_call *call, ps_value *out);
ps_buf *ps_call_scratch(ps_call *call);
/* "CAST: 'abc' is not an INT" with the value cut to a readable length. */
ps_code ps_call_refuse(ps_call *call, ps_slice value, const char *format, ...) PS_PRINTF(3, 4);

#endif
