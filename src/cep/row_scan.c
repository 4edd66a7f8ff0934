#include "cep/row_scan.h"

#include "cep/compare_ladder.h"
#include "cep/condition_split.h"

/* A question about a row: asked once, for all the bits that need a yes. */
typedef struct {
    const ps_expr *test; /* NULL: the condition's function */
    const ps_cep_condition *condition;
    const ps_cep_compiled *query;
    ps_program *program; /* NULL: a function, or answered by a ladder */
    bool is_comparison;
    ps_comparison comparison;
    uint64_t *needing; /* the bits, in scan->words words */
} question;

typedef struct {
    uint32_t question, bit;
} need;

struct ps_row_scan {
    const ps_operator_context *context;
    question *questions;
    uint32_t question_count, question_room;
    need *needs; /* until it is open */
    uint32_t need_count, need_room;
    uint32_t bit_count;
    uint32_t words;
    uint64_t *all; /* the bits that there are */
    ps_compare_ladder *ladders;
    uint32_t ladder_count;
    uint32_t from; /* first row of the last run */
    uint64_t *masks;
    uint32_t *selection;
};

static ps_code no_memory(ps_error *err)
{
    return ps_error_set(err, PS_E_MEMORY, "no memory for a pattern's conditions");
}

ps_code ps_row_scan_new(const ps_operator_context *context, ps_row_scan **out, ps_error *err)
{
    ps_row_scan *scan = ps_arena_take(context->arena, sizeof *scan);
    if (scan == NULL) {
        return no_memory(err);
    }
    scan->context = context;
    *out = scan;
    return PS_OK;
}

void ps_row_scan_free(ps_row_scan *scan)
{
    for (uint32_t i = 0; scan != NULL && i < scan->question_count; i++) {
        ps_program_free(scan->questions[i].program);
    }
}

/* ── adding ── */

/* Room for one more of `size` bytes each; NULL: no memory. */
static void *grow(ps_row_scan *scan, void *items, uint32_t count, uint32_t *room, size_t size)
{
    if (count < *room) {
        return items;
    }
    uint32_t more = *room == 0 ? 16 : *room * 2;
    void *larger = ps_arena_take(scan->context->arena, more * size);
    if (larger != NULL && count > 0) {
        memcpy(larger, items, count * size);
    }
    *room = more;
    return larger;
}

static ps_code add_question(ps_row_scan *scan, question asked, uint32_t *out, ps_error *err)
{
    question *items = grow(scan, scan->questions, scan->question_count, &scan->question_room,
                           sizeof *scan->questions);
    if (items == NULL) {
        return no_memory(err);
    }
    scan->questions = items;
    *out = scan->question_count;
    scan->questions[scan->question_count++] = asked;
    return PS_OK;
}

static ps_code add_need(ps_row_scan *scan, uint32_t asked, ps_error *err)
{
    need *items = grow(scan, scan->needs, scan->need_count, &scan->need_room, sizeof *scan->needs);
    if (items == NULL) {
        return no_memory(err);
    }
    scan->needs = items;
    scan->needs[scan->need_count++] = (need){asked, scan->bit_count};
    return PS_OK;
}

static ps_code ask(ps_row_scan *scan, const ps_expr *test, ps_error *err)
{
    bool is_shared = ps_expr_is_deterministic(test);
    for (uint32_t i = 0; is_shared && i < scan->question_count; i++) {
        if (scan->questions[i].test != NULL && ps_expr_equal(scan->questions[i].test, test)) {
            return add_need(scan, i, err);
        }
    }
    question asked = {.test = test};
    asked.is_comparison = ps_comparison_of(test, &asked.comparison);
    uint32_t number;
    ps_code code = add_question(scan, asked, &number, err);
    return code == PS_OK ? add_need(scan, number, err) : code;
}

void ps_row_scan_align(ps_row_scan *scan, uint32_t count)
{
    if (scan->bit_count % 64 + count > 64) {
        scan->bit_count = (scan->bit_count + 63) / 64 * 64;
    }
}

ps_code ps_row_scan_add(ps_row_scan *scan, const ps_expr *test, uint32_t *out_bit, ps_error *err)
{
    ps_cep_conjuncts parts;
    ps_code code = ps_cep_conjuncts_of(scan->context->expressions, test, &parts, err);
    for (uint32_t i = 0; code == PS_OK && i < parts.count; i++) {
        code = ask(scan, parts.items[i], err);
    }
    *out_bit = scan->bit_count++;
    return code;
}

ps_code ps_row_scan_add_function(ps_row_scan *scan, const ps_cep_condition *condition,
                                 const ps_cep_compiled *query, uint32_t *out_bit, ps_error *err)
{
    uint32_t number;
    ps_code code =
        add_question(scan, (question){.condition = condition, .query = query}, &number, err);
    code = code == PS_OK ? add_need(scan, number, err) : code;
    *out_bit = scan->bit_count++;
    return code;
}

/* ── opening ── */

static void set_bit(uint64_t *words, uint32_t bit)
{
    words[bit / 64] |= UINT64_C(1) << (bit % 64);
}

/* Which bits there are, and which need which question. */
static ps_code lay_out_bits(ps_row_scan *scan, ps_error *err)
{
    ps_arena *arena = scan->context->arena;
    size_t size = scan->words * sizeof(uint64_t);
    scan->all = ps_arena_take(arena, size);
    if (scan->all == NULL) {
        return no_memory(err);
    }
    for (uint32_t i = 0; i < scan->question_count; i++) {
        scan->questions[i].needing = ps_arena_take(arena, size);
        if (scan->questions[i].needing == NULL) {
            return no_memory(err);
        }
    }
    for (uint32_t i = 0; i < scan->need_count; i++) {
        set_bit(scan->all, scan->needs[i].bit);
        set_bit(scan->questions[scan->needs[i].question].needing, scan->needs[i].bit);
    }
    return PS_OK;
}

/* The ladder of a column, from the comparisons of questions number `first` and later. */
static ps_code add_ladder(ps_row_scan *scan, uint32_t first, ps_comparison *scratch, ps_error *err)
{
    uint32_t count = 0, column = scan->questions[first].comparison.column;
    for (uint32_t i = first; i < scan->question_count; i++) {
        const question *asked = &scan->questions[i];
        if (asked->is_comparison && asked->comparison.column == column) {
            scratch[count++] = asked->comparison;
        }
    }
    ps_compare_ladder *ladder = &scan->ladders[scan->ladder_count++];
    ps_code code =
        ps_compare_ladder_init(ladder, scan->context->arena, count, scratch, scan->words, err);
    for (uint32_t i = first; code == PS_OK && i < scan->question_count; i++) {
        const question *asked = &scan->questions[i];
        if (asked->is_comparison && asked->comparison.column == column) {
            ps_compare_ladder_rule_out(ladder, &asked->comparison, asked->needing);
        }
    }
    return code;
}

static bool has_ladder(const ps_row_scan *scan, uint32_t column)
{
    for (uint32_t i = 0; i < scan->ladder_count; i++) {
        if (scan->ladders[i].column == column) {
            return true;
        }
    }
    return false;
}

static ps_code add_ladders(ps_row_scan *scan, ps_error *err)
{
    ps_arena *arena = scan->context->arena;
    scan->ladders = ps_arena_take(arena, scan->question_count * sizeof *scan->ladders);
    ps_comparison *scratch = ps_arena_take(arena, scan->question_count * sizeof *scratch);
    ps_code code = scan->ladders != NULL && scratch != NULL ? PS_OK : no_memory(err);
    for (uint32_t i = 0; code == PS_OK && i < scan->question_count; i++) {
        const question *asked = &scan->questions[i];
        if (asked->is_comparison && !has_ladder(scan, asked->comparison.column)) {
            code = add_ladder(scan, i, scratch, err);
        }
    }
    return code;
}

ps_code ps_row_scan_open(ps_row_scan *scan, ps_error *err)
{
    ps_arena *arena = scan->context->arena;
    scan->words = ps_row_scan_words(scan);
    scan->masks = ps_arena_take(arena, (size_t)PS_BATCH_ROWS * scan->words * sizeof *scan->masks);
    scan->selection = ps_arena_take(arena, PS_BATCH_ROWS * sizeof *scan->selection);
    if (scan->masks == NULL || scan->selection == NULL) {
        return no_memory(err);
    }
    ps_code code = lay_out_bits(scan, err);
    code = code == PS_OK ? add_ladders(scan, err) : code;
    for (uint32_t i = 0; code == PS_OK && i < scan->question_count; i++) {
        question *asked = &scan->questions[i];
        if (asked->test != NULL && !asked->is_comparison) {
            code =
                ps_program_new(scan->context->expressions, 1, &asked->test, &asked->program, err);
        }
    }
    return code;
}

uint32_t ps_row_scan_bits(const ps_row_scan *scan)
{
    return scan->bit_count;
}

const uint64_t *ps_row_scan_mask(const ps_row_scan *scan, uint32_t row)
{
    return scan->masks + (size_t)(row - scan->from) * scan->words;
}

/* ── running ── */

/* The answer is no for rows from … to−1. */
static void rule_out(ps_row_scan *scan, const question *asked, uint32_t from, uint32_t to)
{
    uint64_t *at = scan->masks + (size_t)(from - scan->from) * scan->words;
    if (scan->words == 1) {
        for (uint32_t i = 0; i < to - from; i++) {
            at[i] &= ~asked->needing[0];
        }
        return;
    }
    for (uint32_t row = from; row < to; row++) {
        for (uint32_t w = 0; w < scan->words; w++) {
            *at++ &= ~asked->needing[w];
        }
    }
}

static ps_code run_program(ps_row_scan *scan, const question *asked, const ps_program_rows *rows,
                           ps_error *err)
{
    uint32_t count = 0, failed;
    ps_code code = ps_program_filter(asked->program, rows, scan->selection, &count, &failed, err);
    if (code != PS_OK) {
        return code;
    }
    uint32_t row = rows->from;
    for (uint32_t i = 0; i < count; i++) {
        if (row < scan->selection[i]) {
            rule_out(scan, asked, row, scan->selection[i]);
        }
        row = scan->selection[i] + 1;
    }
    if (row < rows->to) {
        rule_out(scan, asked, row, rows->to);
    }
    return PS_OK;
}

static void call_function(ps_row_scan *scan, const question *asked, const ps_program_rows *rows)
{
    ps_cep_view view = {.query = asked->query, .batch = rows->batch};
    for (uint32_t row = rows->from; row < rows->to; row++) {
        view.row = row;
        if (!asked->condition->function(asked->condition->user, &view)) {
            rule_out(scan, asked, row, row + 1);
        }
    }
}

ps_code ps_row_scan_run(ps_row_scan *scan, const ps_batch *batch, uint32_t from, uint32_t to,
                        ps_error *err)
{
    const ps_program_rows rows = {
        .batch = batch, .from = from, .to = to, .clock = scan->context->clock};
    scan->from = from;
    uint64_t *at = scan->masks;
    for (uint32_t row = from; row < to; row++) {
        for (uint32_t w = 0; w < scan->words; w++) {
            *at++ = scan->all[w];
        }
    }
    for (uint32_t i = 0; i < scan->ladder_count; i++) {
        ps_compare_ladder_run(&scan->ladders[i], batch, from, to, scan->masks);
    }
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < scan->question_count; i++) {
        const question *asked = &scan->questions[i];
        if (asked->program != NULL) {
            code = run_program(scan, asked, &rows, err);
        } else if (asked->test == NULL) {
            call_function(scan, asked, &rows);
        }
    }
    return code;
}
