/* What a program is made of; shared by compile.c, which makes it, and program.c, which runs it. */
#ifndef PS_EXPR_PROGRAM_INTERNAL_H
#define PS_EXPR_PROGRAM_INTERNAL_H

#include "expr/kernel.h"

/* A constant that was met, as one value or spread over a column. */
typedef struct {
    const ps_expr *expr;
    ps_vector *vector;
    bool is_spread;
} ps_program_constant;

struct ps_program {
    ps_arena memory; /* all of the program; the program itself too */
    ps_arena text;   /* texts of the newest run */
    ps_buf scratch;
    ps_expr_context context;
    uint32_t capacity; /* rows */
    uint32_t step_count, step_room;
    ps_step **steps;
    uint32_t constant_count, constant_room;
    ps_program_constant *constants;
    uint32_t output_count;
    ps_vector **outputs;
    int64_t **output_values; /* room to unpack a BOOLEAN */
};

typedef enum {
    PS_NARROW_TRUE,
    PS_NARROW_NOT_TRUE,
    PS_NARROW_NOT_FALSE,
    PS_NARROW_NULL
} ps_narrowing;

/* As ps_program_new for at most `capacity` rows a run. */
PS_CHECKED ps_code ps_program_new_sized(const ps_expr_context *context, uint32_t count,
                                        const ps_expr *const *exprs, uint32_t capacity,
                                        ps_program **out, ps_error *err);

/* BOOLEAN values 0/1 to bits. */
void ps_pack_bits(const int64_t *values, uint32_t count, uint64_t *out_bits);

ps_code ps_kernel_load(ps_step *step, ps_run *run);
ps_code ps_kernel_narrow(ps_step *step, ps_run *run);
/* AND, OR, CASE, COALESCE: fn_logic.c, fn_condition.c. */
ps_code ps_kernel_and(ps_step *step, ps_run *run);
ps_code ps_kernel_or(ps_step *step, ps_run *run);
ps_code ps_kernel_case(ps_step *step, ps_run *run);
ps_code ps_kernel_coalesce(ps_step *step, ps_run *run);

#endif
