/* IN: a set of constants that is searched, and comparisons for what is not constant.
 *
 * x IN (c1, c2, y, NULL) is (x IN {c1, c2}) OR x = y OR NULL: three-valued logic as SQL has it. The
 * set holds integers (also DECIMAL of the same scale, dates, times) sorted, or texts in a table.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "data/decimal.h"
#include "expr/kernel.h"

enum { LINEAR_MAX = 8 };

typedef struct {
    uint32_t count;
    int64_t *integers; /* ascending, once each; or */
    ps_slice *table;   /* open addressing; data NULL: free */
    uint32_t table_mask;
} in_set;

static uint64_t hash_of(ps_slice text)
{
    return ps_xxh3_64(text.data, text.size);
}

static bool has_text(const in_set *set, ps_slice text)
{
    for (uint64_t at = hash_of(text);; at++) {
        ps_slice slot = set->table[at & set->table_mask];
        if (slot.data == NULL) {
            return false;
        }
        if (ps_slice_equal(slot, text)) {
            return true;
        }
    }
}

static bool has_integer(const in_set *set, int64_t value)
{
    if (set->count <= LINEAR_MAX) {
        bool found = false;
        for (uint32_t i = 0; i < set->count; i++) {
            found |= set->integers[i] == value;
        }
        return found;
    }
    uint32_t low = 0, size = set->count;
    while (size > 1) {
        uint32_t half = size / 2;
        low += set->integers[low + half] <= value ? half : 0;
        size -= half;
    }
    return set->integers[low] == value;
}

static ps_code kernel_in(ps_step *step, ps_run *run)
{
    const in_set *set = step->state;
    const ps_vector *x = step->arguments[0];
    ps_step_join_valid(step, run);
    uint64_t word = 0;
    for (uint32_t row = 0; row < run->count; row++) {
        bool found = set->table != NULL ? has_text(set, x->column.text[row])
                                        : has_integer(set, x->column.i64[row]);
        word |= (uint64_t)found << (row % 64);
        if (row % 64 == 63 || row + 1 == run->count) {
            step->out->bits[row / 64] = word;
            word = 0;
        }
    }
    return PS_OK;
}

static int order_integers(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bool fill_table(in_set *set, ps_arena *arena, const ps_expr *const *items)
{
    uint32_t room = 16;
    while (room < 2 * set->count) {
        room *= 2;
    }
    set->table = ps_arena_take(arena, room * sizeof *set->table);
    if (set->table == NULL) {
        return false;
    }
    set->table_mask = room - 1;
    for (uint32_t i = 0; i < set->count; i++) {
        ps_slice text = items[i]->constant.text;
        text.data = text.size > 0 ? text.data : "";
        if (!has_text(set, text)) {
            uint64_t at = hash_of(text);
            while (set->table[at & set->table_mask].data != NULL) {
                at++;
            }
            set->table[at & set->table_mask] = text;
        }
    }
    return true;
}

static ps_code prepare_in(ps_preparation *p)
{
    ps_step *step = p->step;
    const ps_expr *const *items = step->expr->arguments + 1;
    in_set *set = ps_arena_take(p->arena, sizeof *set);
    if (set == NULL) {
        return ps_expr_no_memory(p->err);
    }
    set->count = step->argument_count - 1;
    step->argument_count = 1; /* the constants are in the set now */
    if (ps_type_phys(step->types[0]) == PS_PHYS_TEXT) {
        if (!fill_table(set, p->arena, items)) {
            return ps_expr_no_memory(p->err);
        }
    } else {
        set->integers = ps_arena_take(p->arena, set->count * sizeof *set->integers);
        if (set->integers == NULL) {
            return ps_expr_no_memory(p->err);
        }
        for (uint32_t i = 0; i < set->count; i++) {
            set->integers[i] = items[i]->constant.i64;
        }
        qsort(set->integers, set->count, sizeof *set->integers, order_integers);
    }
    step->state = set;
    step->kernel = kernel_in;
    return PS_OK;
}

/* ── resolving ── */

static int scale_of(const ps_type *type)
{
    return type->kind == PS_TYPE_DECIMAL ? type->scale : 0;
}

/* A constant that can stand in a set for values of x's type: out has x's form. */
static bool as_member(const ps_expr *item, const ps_type *x, ps_value *out)
{
    const ps_type *type = item->type;
    if (item->kind != PS_EXPR_CONSTANT || item->constant.is_null) {
        return false;
    }
    *out = item->constant;
    bool both_exact = (ps_type_is_integer(x) || x->kind == PS_TYPE_DECIMAL) &&
                      (ps_type_is_integer(type) || type->kind == PS_TYPE_DECIMAL);
    if (both_exact && ps_type_phys(x) == PS_PHYS_I64 && ps_type_phys(type) == PS_PHYS_I64) {
        ps_i128 scaled = 0;
        bool exact = ps_decimal_rescale(out->i64, scale_of(type), scale_of(x), &scaled) &&
                     ps_decimal_compare(scaled, scale_of(x), out->i64, scale_of(type)) == 0 &&
                     scaled >= INT64_MIN && scaled <= INT64_MAX;
        out->i64 = (int64_t)scaled;
        return exact;
    }
    if ((ps_type_is_text(x) && ps_type_is_text(type)) ||
        (ps_type_is_bytes(x) && ps_type_is_bytes(type))) {
        return true;
    }
    bool is_day = x->kind == PS_TYPE_DATE || x->kind == PS_TYPE_TIME;
    bool same_ticks = ps_type_is_timestamp(x) && x->kind == type->kind &&
                      ps_type_ticks_per_second(x) == ps_type_ticks_per_second(type);
    return (is_day && x->kind == type->kind) || same_ticks;
}

static ps_code compare_each(ps_resolution *r, const ps_expr **parts, uint32_t *count,
                            uint32_t index)
{
    const ps_expr *sides[2] = {r->arguments[0], r->arguments[index]};
    ps_code code = ps_expr_call(r->context, "=", 2, sides, &parts[*count], r->err);
    *count += code == PS_OK;
    return code;
}

static ps_code resolve_in(ps_resolution *r)
{
    if (r->count < 2) {
        return ps_resolution_mismatch(r);
    }
    const ps_type *x = r->arguments[0]->type;
    const ps_expr **parts = ps_arena_take(r->context->arena, (r->count + 1) * sizeof *parts);
    const ps_expr **members = ps_arena_take(r->context->arena, (r->count + 1) * sizeof *members);
    if (parts == NULL || members == NULL) {
        return ps_expr_no_memory(r->err);
    }
    uint32_t part_count = 0, member_count = 1;
    members[0] = r->arguments[0];
    for (uint32_t i = 1; i < r->count; i++) {
        ps_value value;
        if (as_member(r->arguments[i], x, &value)) {
            members[member_count] = ps_expr_constant(r->context, x, value);
            if (members[member_count++] == NULL) {
                return ps_expr_no_memory(r->err);
            }
            continue;
        }
        ps_code code = compare_each(r, parts, &part_count, i);
        if (code != PS_OK) {
            return code;
        }
    }
    if (part_count == 0) {
        r->arguments = members;
        r->count = member_count;
        return ps_resolution_set(r, PS_TYPE_BOOLEAN, x->nullable);
    }
    if (member_count > 1) {
        const ps_expr *set = NULL;
        ps_code code = ps_expr_call(r->context, "IN", member_count, members, &set, r->err);
        if (code != PS_OK) {
            return code;
        }
        parts[part_count] = parts[0];
        parts[0] = set;
        part_count++;
    }
    return ps_expr_call(r->context, "OR", part_count, parts, &r->rewritten, r->err);
}

static const ps_function functions[] = {
    {.entry = {"IN", "T IN (T, …) → BOOLEAN",
               "Whether the value is one of the list; NULL when it is not and the list has a NULL.",
               "Comparison", true},
     .resolve = resolve_in,
     .prepare = prepare_in,
     .flags = PS_TAKES_NULL},
};

const ps_function_family ps_family_in = {functions, sizeof functions / sizeof functions[0]};
