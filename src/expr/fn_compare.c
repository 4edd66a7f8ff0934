/* = <> < <= > >= and IS [NOT] DISTINCT FROM.
 *
 * A loop compares 64 rows into one word. Integers and decimals of one scale compare as integers;
 * decimals of different scales are widened to 128 bits by powers of ten, a constant is brought to
 * the column's scale once. FLOAT and DOUBLE compare as IEEE 754 does: NaN equals nothing.
 */
#include "data/decimal.h"
#include "expr/kernel.h"

typedef enum { OP_EQ, OP_LT, OP_LE, OP_GT, OP_GE, OP_COUNT } compare_op;

/* b is an array or points to one value */
typedef void (*compare_loop)(const void *a, const void *b, uint32_t count, uint64_t *out);

static inline int text_order(ps_slice a, ps_slice b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size > 0 ? memcmp(a.data, b.data, size) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

#define NUMBER_TEST(x, y, OPERATOR) ((x)OPERATOR(y))
#define TEXT_TEST(x, y, OPERATOR) (text_order(x, y) OPERATOR 0)
#define TEXT_EQUAL(x, y, OPERATOR) ps_slice_equal(x, y)

#define DEFINE_LOOP(NAME, TYPE, OPERATOR, TEST, B_AT)                                              \
    static void NAME(const void *a_values, const void *b_values, uint32_t count, uint64_t *out)    \
    {                                                                                              \
        const TYPE *a = a_values, *b = b_values;                                                   \
        for (uint32_t w = 0; w * 64 < count; w++) {                                                \
            uint32_t end = count - w * 64 < 64 ? count - w * 64 : 64;                              \
            uint64_t word = 0;                                                                     \
            for (uint32_t i = 0; i < end; i++) {                                                   \
                uint32_t row = w * 64 + i;                                                         \
                word |= (uint64_t)TEST(a[row], b[B_AT], OPERATOR) << i;                            \
            }                                                                                      \
            out[w] = word;                                                                         \
        }                                                                                          \
    }
#define DEFINE_LOOPS(PREFIX, TYPE, TEST, EQUAL)                                                    \
    DEFINE_LOOP(PREFIX##_eq, TYPE, ==, EQUAL, row)                                                 \
    DEFINE_LOOP(PREFIX##_lt, TYPE, <, TEST, row)                                                   \
    DEFINE_LOOP(PREFIX##_le, TYPE, <=, TEST, row)                                                  \
    DEFINE_LOOP(PREFIX##_gt, TYPE, >, TEST, row)                                                   \
    DEFINE_LOOP(PREFIX##_ge, TYPE, >=, TEST, row)                                                  \
    DEFINE_LOOP(PREFIX##_eq_one, TYPE, ==, EQUAL, 0)                                               \
    DEFINE_LOOP(PREFIX##_lt_one, TYPE, <, TEST, 0)                                                 \
    DEFINE_LOOP(PREFIX##_le_one, TYPE, <=, TEST, 0)                                                \
    DEFINE_LOOP(PREFIX##_gt_one, TYPE, >, TEST, 0)                                                 \
    DEFINE_LOOP(PREFIX##_ge_one, TYPE, >=, TEST, 0)                                                \
    static const compare_loop PREFIX##_loops[2][OP_COUNT] = {                                      \
        {PREFIX##_eq, PREFIX##_lt, PREFIX##_le, PREFIX##_gt, PREFIX##_ge},                         \
        {PREFIX##_eq_one, PREFIX##_lt_one, PREFIX##_le_one, PREFIX##_gt_one, PREFIX##_ge_one}};

DEFINE_LOOPS(i64, int64_t, NUMBER_TEST, NUMBER_TEST)
DEFINE_LOOPS(f64, double, NUMBER_TEST, NUMBER_TEST)
DEFINE_LOOPS(i128, ps_i128, NUMBER_TEST, NUMBER_TEST)
DEFINE_LOOPS(text, ps_slice, TEXT_TEST, TEXT_EQUAL)

/* ── a step's comparison ── */

enum { COMPARE_OP, COMPARE_SWAPPED, COMPARE_SCALE_A, COMPARE_SCALE_B };

static bool op_holds(compare_op op, int order)
{
    switch (op) {
    case OP_EQ:
        return order == 0;
    case OP_LT:
        return order < 0;
    case OP_LE:
        return order <= 0;
    case OP_GT:
        return order > 0;
    case OP_GE:
        return order >= 0;
    case OP_COUNT:
        break;
    }
    return false;
}

static void compare_bits(const ps_step *step, const ps_run *run)
{
    const uint64_t *a = step->arguments[0]->bits, *b = step->arguments[1]->bits;
    uint64_t *out = step->out->bits;
    for (uint32_t w = 0; w < run->words; w++) {
        switch ((compare_op)step->number[COMPARE_OP]) {
        case OP_EQ:
            out[w] = ~(a[w] ^ b[w]);
            break;
        case OP_LT:
            out[w] = ~a[w] & b[w];
            break;
        case OP_LE:
            out[w] = ~a[w] | b[w];
            break;
        case OP_GT:
            out[w] = a[w] & ~b[w];
            break;
        case OP_GE:
            out[w] = a[w] | ~b[w];
            break;
        case OP_COUNT:
            break;
        }
    }
}

static inline ps_i128 wide_at(const ps_vector *v, uint32_t row)
{
    if (v->repr == PS_REPR_I64) {
        return v->constant != NULL ? v->constant->i64 : v->column.i64[row];
    }
    return v->constant != NULL ? v->constant->i128 : v->column.i128[row];
}

static void set_bit(uint64_t *bits, uint32_t row, bool value)
{
    uint64_t bit = 1ULL << (row % 64);
    bits[row / 64] = value ? bits[row / 64] | bit : bits[row / 64] & ~bit;
}

static void compare_decimals(const ps_step *step, const ps_run *run)
{
    const ps_vector *a = step->arguments[0], *b = step->arguments[1];
    int a_scale = (int)step->number[COMPARE_SCALE_A], b_scale = (int)step->number[COMPARE_SCALE_B];
    compare_op op = (compare_op)step->number[COMPARE_OP];
    bool narrow =
        a->repr == PS_REPR_I64 && b->repr == PS_REPR_I64 && a_scale <= 18 && b_scale <= 18;
    ps_i128 a_factor = ps_decimal_power(a_scale < b_scale ? b_scale - a_scale : 0);
    ps_i128 b_factor = ps_decimal_power(b_scale < a_scale ? a_scale - b_scale : 0);
    for (uint32_t row = 0; row < run->count; row++) {
        ps_i128 x = wide_at(a, row), y = wide_at(b, row);
        int order = narrow ? (x * a_factor > y * b_factor) - (x * a_factor < y * b_factor)
                           : ps_decimal_compare(x, a_scale, y, b_scale);
        set_bit(step->out->bits, row, op_holds(op, order));
    }
}

static void compare_nested(const ps_step *step, const ps_run *run)
{
    for (uint32_t row = 0; row < run->count; row++) {
        ps_value a = ps_vector_value(step->arguments[0], row);
        ps_value b = ps_vector_value(step->arguments[1], row);
        bool both = !a.is_null && !b.is_null && a.text.size > 0 && b.text.size > 0;
        int order = both ? ps_value_compare(step->types[0], &a, &b) : 0;
        set_bit(step->out->bits, row, op_holds((compare_op)step->number[COMPARE_OP], order));
    }
}

static const compare_loop *loops_of(ps_repr repr, bool one)
{
    switch (repr) {
    case PS_REPR_I64:
        return i64_loops[one];
    case PS_REPR_F64:
        return f64_loops[one];
    case PS_REPR_I128:
        return i128_loops[one];
    case PS_REPR_TEXT:
        return text_loops[one];
    case PS_REPR_BITS:
        break;
    }
    return NULL;
}

static const void *constant_bytes(const ps_vector *v)
{
    switch (v->repr) {
    case PS_REPR_I64:
        return &v->constant->i64;
    case PS_REPR_F64:
        return &v->constant->f64;
    case PS_REPR_I128:
        return &v->constant->i128;
    case PS_REPR_TEXT:
        return &v->constant->text;
    case PS_REPR_BITS:
        break;
    }
    return NULL;
}

/* The bits of the comparison for all rows, NULLs not regarded. */
static void compare(const ps_step *step, const ps_run *run)
{
    const ps_vector *a = step->arguments[0], *b = step->arguments[1];
    bool is_constant_null = (a->constant != NULL && a->constant->is_null) ||
                            (b->constant != NULL && b->constant->is_null);
    if (is_constant_null) {
        memset(step->out->bits, 0, run->words * sizeof(uint64_t));
    } else if (ps_type_is_nested(step->types[0])) {
        compare_nested(step, run);
    } else if (a->repr == PS_REPR_BITS) {
        compare_bits(step, run);
    } else if (a->repr != b->repr ||
               step->number[COMPARE_SCALE_A] != step->number[COMPARE_SCALE_B]) {
        compare_decimals(step, run);
    } else {
        const void *operand = b->constant != NULL ? constant_bytes(b) : b->column.values;
        loops_of(a->repr, b->constant != NULL)[step->number[COMPARE_OP]](
            a->column.values, operand, run->count, step->out->bits);
    }
}

static void invert(const ps_step *step, const ps_run *run)
{
    for (uint32_t w = 0; w < run->words; w++) {
        step->out->bits[w] = ~step->out->bits[w];
    }
}

static ps_code kernel_compare(ps_step *step, ps_run *run)
{
    ps_step_join_valid(step, run);
    compare(step, run);
    return PS_OK;
}

static ps_code kernel_unequal(ps_step *step, ps_run *run)
{
    ps_step_join_valid(step, run);
    compare(step, run);
    invert(step, run);
    return PS_OK;
}

static uint64_t valid_word(const ps_vector *v, uint32_t w)
{
    if (v->constant != NULL) {
        return v->constant->is_null ? 0 : UINT64_MAX;
    }
    return v->column.valid != NULL ? v->column.valid[w] : UINT64_MAX;
}

static ps_code kernel_not_distinct(ps_step *step, ps_run *run)
{
    step->out->column.valid = NULL;
    compare(step, run);
    for (uint32_t w = 0; w < run->words; w++) {
        uint64_t a = valid_word(step->arguments[0], w), b = valid_word(step->arguments[1], w);
        step->out->bits[w] = (a & b & step->out->bits[w]) | (~a & ~b);
    }
    return PS_OK;
}

static ps_code kernel_distinct(ps_step *step, ps_run *run)
{
    (void)kernel_not_distinct(step, run);
    invert(step, run);
    return PS_OK;
}

/* ── preparing ── */

static compare_op mirrored(compare_op op)
{
    switch (op) {
    case OP_LT:
        return OP_GT;
    case OP_LE:
        return OP_GE;
    case OP_GT:
        return OP_LT;
    case OP_GE:
        return OP_LE;
    case OP_EQ:
    case OP_COUNT:
        break;
    }
    return op;
}

static int scale_of(const ps_type *type)
{
    return type->kind == PS_TYPE_DECIMAL ? type->scale : 0;
}

/* Brings a constant to the column's scale and class, where it is exactly possible. */
static ps_code rescale_constant(ps_preparation *p)
{
    ps_step *step = p->step;
    const ps_vector *column = step->arguments[0], *constant = step->arguments[1];
    int to_scale = (int)step->number[COMPARE_SCALE_A];
    int from_scale = (int)step->number[COMPARE_SCALE_B];
    if (constant->constant == NULL || constant->constant->is_null || column->constant != NULL ||
        (from_scale == to_scale && column->repr == constant->repr)) {
        return PS_OK;
    }
    ps_i128 wide = wide_at(constant, 0), scaled;
    if (!ps_decimal_rescale(wide, from_scale, to_scale, &scaled) ||
        ps_decimal_compare(wide, from_scale, scaled, to_scale) != 0) {
        return PS_OK;
    }
    if (column->repr == PS_REPR_I64 && (scaled > INT64_MAX || scaled < INT64_MIN)) {
        return PS_OK;
    }
    ps_value *value = ps_arena_take(p->arena, sizeof *value);
    ps_vector *vector = ps_arena_take(p->arena, sizeof *vector);
    if (value == NULL || vector == NULL) {
        return ps_expr_no_memory(p->err);
    }
    *vector = *constant;
    vector->repr = column->repr;
    vector->constant = value;
    if (column->repr == PS_REPR_I64) {
        value->i64 = (int64_t)scaled;
    } else {
        value->i128 = scaled;
    }
    step->arguments[1] = vector;
    step->number[COMPARE_SCALE_B] = to_scale;
    return PS_OK;
}

static compare_op op_of(const char *name)
{
    static const char *const names[OP_COUNT] = {"=", "<", "<=", ">", ">="};
    for (int i = 0; i < OP_COUNT; i++) {
        if (strcmp(name, names[i]) == 0) {
            return (compare_op)i;
        }
    }
    return OP_EQ; /* <>, IS DISTINCT FROM: from equality */
}

static ps_code prepare_compare(ps_preparation *p)
{
    ps_step *step = p->step;
    const char *name = step->function->entry.name;
    compare_op op = op_of(name);
    step->kernel = strcmp(name, "<>") == 0                     ? kernel_unequal
                   : strcmp(name, "IS DISTINCT FROM") == 0     ? kernel_distinct
                   : strcmp(name, "IS NOT DISTINCT FROM") == 0 ? kernel_not_distinct
                                                               : kernel_compare;
    step->number[COMPARE_SCALE_A] = scale_of(step->types[0]);
    step->number[COMPARE_SCALE_B] = scale_of(step->types[1]);
    if (step->arguments[0]->constant != NULL && step->arguments[1]->constant == NULL) {
        ps_vector *first = step->arguments[0];
        step->arguments[0] = step->arguments[1];
        step->arguments[1] = first;
        step->number[COMPARE_SCALE_A] = scale_of(step->types[1]);
        step->number[COMPARE_SCALE_B] = scale_of(step->types[0]);
        op = mirrored(op);
    }
    step->number[COMPARE_OP] = op;
    bool is_exact = ps_type_is_numeric(step->types[0]) && step->arguments[0]->repr != PS_REPR_F64;
    return is_exact ? rescale_constant(p) : PS_OK;
}

/* ── resolving ── */

static bool is_float(const ps_type *type)
{
    return type->kind == PS_TYPE_FLOAT || type->kind == PS_TYPE_DOUBLE;
}

static bool is_time(const ps_type *type)
{
    return type->kind == PS_TYPE_DATE || type->kind == PS_TYPE_TIME || ps_type_is_timestamp(type);
}

/* A text beside a DATE, TIME or TIMESTAMP is read as one. */
static ps_code read_time(ps_resolution *r, uint32_t text, uint32_t time)
{
    return ps_expr_cast(r->context, r->arguments[text], r->arguments[time]->type, false,
                        &r->arguments[text], r->err);
}

static ps_code coerce_both(ps_resolution *r, const ps_type *type)
{
    ps_code code = ps_resolution_coerce(r, 0, type);
    return code == PS_OK ? ps_resolution_coerce(r, 1, type) : code;
}

static ps_code coerce_operands(ps_resolution *r)
{
    const ps_type *a = r->arguments[0]->type, *b = r->arguments[1]->type;
    if (a->kind == PS_TYPE_NULL || b->kind == PS_TYPE_NULL) {
        return coerce_both(r, a->kind != PS_TYPE_NULL   ? a
                              : b->kind != PS_TYPE_NULL ? b
                                                        : &ps_type_int);
    }
    if (ps_type_is_numeric(a) && ps_type_is_numeric(b)) {
        return is_float(a) || is_float(b) ? coerce_both(r, &ps_type_double) : PS_OK;
    }
    if (is_time(a) && ps_type_is_text(b)) {
        return read_time(r, 1, 0);
    }
    if (ps_type_is_text(a) && is_time(b)) {
        return read_time(r, 0, 1);
    }
    if ((ps_type_is_text(a) && ps_type_is_text(b)) ||
        (ps_type_is_bytes(a) && ps_type_is_bytes(b))) {
        return PS_OK;
    }
    if (a->kind == b->kind || (ps_type_is_timestamp(a) && ps_type_is_timestamp(b))) {
        const ps_type *common = ps_type_common(r->context->arena, a, b);
        return common != NULL ? coerce_both(r, common) : ps_resolution_mismatch(r);
    }
    return ps_resolution_mismatch(r);
}

static ps_code resolve_compare(ps_resolution *r)
{
    if (r->count != 2) {
        return ps_resolution_mismatch(r);
    }
    bool nullable = ps_resolution_any_nullable(r) && (r->function->flags & PS_IS_LENIENT) == 0;
    ps_code code = coerce_operands(r);
    if (code != PS_OK) {
        return code;
    }
    bool ordered = op_of(r->function->entry.name) != OP_EQ;
    if (ordered && ps_type_is_nested(r->arguments[0]->type)) {
        return ps_resolution_mismatch(r);
    }
    return ps_resolution_set(r, PS_TYPE_BOOLEAN, nullable);
}

#define COMPARE(NAME, SIGNATURE, SUMMARY)                                                          \
    .entry = {NAME, SIGNATURE, SUMMARY, "Comparison", true}, .resolve = resolve_compare,           \
    .prepare = prepare_compare

static const ps_function functions[] = {
    {COMPARE("=", "T = T → BOOLEAN", "TRUE when both are equal; NULL when one is NULL."),
     .flags = PS_TAKES_CONSTANTS | PS_TAKES_NULL},
    {COMPARE("<>", "T <> T → BOOLEAN", "TRUE when they differ; NULL when one is NULL."),
     .flags = PS_TAKES_CONSTANTS | PS_TAKES_NULL},
    {COMPARE("<", "T < T → BOOLEAN", "TRUE when the left is less; text compares by its bytes."),
     .flags = PS_TAKES_CONSTANTS | PS_TAKES_NULL},
    {COMPARE("<=", "T <= T → BOOLEAN", "TRUE when the left is less or equal."),
     .flags = PS_TAKES_CONSTANTS | PS_TAKES_NULL},
    {COMPARE(">", "T > T → BOOLEAN", "TRUE when the left is greater."),
     .flags = PS_TAKES_CONSTANTS | PS_TAKES_NULL},
    {COMPARE(">=", "T >= T → BOOLEAN", "TRUE when the left is greater or equal."),
     .flags = PS_TAKES_CONSTANTS | PS_TAKES_NULL},
    {COMPARE("IS DISTINCT FROM", "T IS DISTINCT FROM T → BOOLEAN",
             "TRUE when they differ; NULL is a value that equals itself."),
     .flags = PS_TAKES_CONSTANTS | PS_TAKES_NULL | PS_IS_LENIENT},
    {COMPARE("IS NOT DISTINCT FROM", "T IS NOT DISTINCT FROM T → BOOLEAN",
             "TRUE when both are equal or both NULL."),
     .flags = PS_TAKES_CONSTANTS | PS_TAKES_NULL | PS_IS_LENIENT},
};

const ps_function_family ps_family_compare = {functions, sizeof functions / sizeof functions[0]};
