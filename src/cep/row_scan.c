#include "cep/row_scan.h"

typedef struct {
    const ps_expr *test; /* NULL: the condition's function */
    const ps_cep_condition *condition;
    const ps_cep_compiled *query;
    ps_program *program;
} row_test;

struct ps_row_scan {
    const ps_operator_context *context;
    row_test *tests;
    uint32_t count, room;
    uint32_t words;
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
    for (uint32_t i = 0; scan != NULL && i < scan->count; i++) {
        ps_program_free(scan->tests[i].program);
    }
}

static ps_code add(ps_row_scan *scan, row_test test, uint32_t *out_bit, ps_error *err)
{
    if (scan->count == scan->room) {
        uint32_t room = scan->room == 0 ? 16 : scan->room * 2;
        row_test *larger = ps_arena_take(scan->context->arena, room * sizeof *larger);
        if (larger == NULL) {
            return no_memory(err);
        }
        if (scan->count > 0) {
            memcpy(larger, scan->tests, scan->count * sizeof *larger);
        }
        scan->tests = larger;
        scan->room = room;
    }
    if (test.test != NULL) {
        ps_code code =
            ps_program_new(scan->context->expressions, 1, &test.test, &test.program, err);
        if (code != PS_OK) {
            return code;
        }
    }
    *out_bit = scan->count;
    scan->tests[scan->count++] = test;
    return PS_OK;
}

ps_code ps_row_scan_add(ps_row_scan *scan, const ps_expr *test, uint32_t *out_bit, ps_error *err)
{
    bool is_shared = ps_expr_is_deterministic(test);
    for (uint32_t i = 0; is_shared && i < scan->count; i++) {
        if (scan->tests[i].test != NULL && ps_expr_equal(scan->tests[i].test, test)) {
            *out_bit = i;
            return PS_OK;
        }
    }
    return add(scan, (row_test){.test = test}, out_bit, err);
}

ps_code ps_row_scan_add_function(ps_row_scan *scan, const ps_cep_condition *condition,
                                 const ps_cep_compiled *query, uint32_t *out_bit, ps_error *err)
{
    return add(scan, (row_test){.condition = condition, .query = query}, out_bit, err);
}

ps_code ps_row_scan_open(ps_row_scan *scan, ps_error *err)
{
    ps_arena *arena = scan->context->arena;
    scan->words = ps_row_scan_words(scan);
    scan->masks = ps_arena_take(arena, (size_t)PS_BATCH_ROWS * scan->words * sizeof *scan->masks);
    scan->selection = ps_arena_take(arena, PS_BATCH_ROWS * sizeof *scan->selection);
    return scan->masks != NULL && scan->selection != NULL ? PS_OK : no_memory(err);
}

uint32_t ps_row_scan_bits(const ps_row_scan *scan)
{
    return scan->count;
}

const uint64_t *ps_row_scan_mask(const ps_row_scan *scan, uint32_t row)
{
    return scan->masks + (size_t)(row - scan->from) * scan->words;
}

static ps_code run_program(ps_row_scan *scan, uint32_t bit, const ps_program_rows *rows,
                           ps_error *err)
{
    uint32_t count = 0, row;
    ps_code code =
        ps_program_filter(scan->tests[bit].program, rows, scan->selection, &count, &row, err);
    uint64_t *word = scan->masks + bit / 64;
    uint64_t one = UINT64_C(1) << (bit % 64);
    for (uint32_t i = 0; i < count; i++) {
        word[(size_t)(scan->selection[i] - rows->from) * scan->words] |= one;
    }
    return code;
}

static void call_function(ps_row_scan *scan, uint32_t bit, const ps_program_rows *rows)
{
    const ps_cep_condition *condition = scan->tests[bit].condition;
    ps_cep_view view = {.query = scan->tests[bit].query, .batch = rows->batch};
    uint64_t *word = scan->masks + bit / 64;
    for (uint32_t row = rows->from; row < rows->to; row++, word += scan->words) {
        view.row = row;
        *word |= (uint64_t)condition->function(condition->user, &view) << (bit % 64);
    }
}

ps_code ps_row_scan_run(ps_row_scan *scan, const ps_batch *batch, uint32_t from, uint32_t to,
                        ps_error *err)
{
    const ps_program_rows rows = {
        .batch = batch, .from = from, .to = to, .clock = scan->context->clock};
    scan->from = from;
    memset(scan->masks, 0, (size_t)(to - from) * scan->words * sizeof *scan->masks);
    ps_code code = PS_OK;
    for (uint32_t bit = 0; code == PS_OK && bit < scan->count; bit++) {
        if (scan->tests[bit].program != NULL) {
            code = run_program(scan, bit, &rows, err);
        } else {
            call_function(scan, bit, &rows);
        }
    }
    return code;
}
