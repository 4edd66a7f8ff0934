#include "flow/bench.h"

#include "cep/match_spec.h"

static const ps_field columns[] = {{{"k", 1}, &ps_type_string},
                                   {{"ts", 2}, &ps_type_timestamp3},
                                   {{"s", 1}, &ps_type_string},
                                   {{"v", 1}, &ps_type_bigint}};
static const ps_schema input_schema = {4, columns};
static const ps_node input_node = {.kind = PS_NODE_SOURCE, .schema = {4, columns}};
static const ps_node *const inputs[] = {&input_node};
static const uint32_t key[] = {0};

typedef struct {
    ps_arena arena;
    ps_expr_context expressions;
    ps_error err;
} fixture;

static const ps_expr *call(fixture *f, const char *name, const ps_expr *a, const ps_expr *b)
{
    const ps_expr *made = NULL;
    const ps_expr *arguments[] = {a, b};
    assert_int_equal(ps_expr_call(&f->expressions, name, 2, arguments, &made, &f->err), PS_OK);
    return made;
}

/* s = text */
static const ps_cep_condition *is_status(fixture *f, const char *text)
{
    ps_cep_condition *made = ps_arena_take(&f->arena, sizeof *made);
    const ps_value value = {.text = ps_slice_of(text, strlen(text))};
    const ps_expr *status = ps_expr_column(&f->expressions, 2, &ps_type_string);
    made->test = call(f, "=", status, ps_expr_constant(&f->expressions, &ps_type_string, value));
    return made;
}

/* v > the slot */
static const ps_cep_condition *exceeds(fixture *f, ps_cep_slot slot)
{
    ps_cep_condition *made = ps_arena_take(&f->arena, sizeof *made);
    ps_cep_slot *slots = ps_arena_take(&f->arena, sizeof *slots);
    slots[0] = slot;
    made->slot_count = 1;
    made->slots = slots;
    made->test = call(f, ">", ps_expr_column(&f->expressions, 3, &ps_type_bigint),
                      ps_expr_column(&f->expressions, 4, &ps_type_bigint));
    return made;
}

static ps_aggregate_call aggregate(fixture *f, const char *name)
{
    const ps_type *types[] = {&ps_type_bigint};
    ps_aggregate_signature signature;
    assert_int_equal(ps_aggregate_resolve(&f->arena, name, 1, types, &signature, &f->err), PS_OK);
    return (ps_aggregate_call){
        .class = signature.class,
        .result = signature.result,
        .argument_count = 1,
        .arguments = {3},
        .argument_types = {&ps_type_bigint},
        .filter = PS_NO_COLUMN,
        .time_column = PS_NO_COLUMN,
    };
}

/* Measures: v of the first and the last row of the match, and how many rows it has. */
static ps_cep_measures measures_of(fixture *f)
{
    ps_cep_slot *slots = ps_arena_take(&f->arena, 3 * sizeof *slots);
    const ps_expr **exprs = ps_arena_take(&f->arena, 3 * sizeof *exprs);
    slots[0] = (ps_cep_slot){.kind = PS_CEP_FIRST, .variable = PS_CEP_ANY_VARIABLE, .column = 3};
    slots[1] = (ps_cep_slot){.kind = PS_CEP_LAST, .variable = PS_CEP_ANY_VARIABLE, .column = 3};
    slots[2] = (ps_cep_slot){
        .kind = PS_CEP_AGGREGATE, .variable = PS_CEP_ANY_VARIABLE, .call = aggregate(f, "COUNT")};
    for (uint32_t i = 0; i < 3; i++) {
        exprs[i] = ps_expr_column(&f->expressions, i, &ps_type_bigint);
    }
    return (ps_cep_measures){.slot_count = 3, .slots = slots, .expr_count = 3, .exprs = exprs};
}

static void check(fixture *f, const ps_cep_pattern *pattern, const char *rows, const char *expected)
{
    const ps_cep_query query = {
        .pattern = pattern, .measures = measures_of(f), .emits_matches = true};
    const ps_match_spec spec = {
        .base = {.name = "Match", .make = ps_op_match_new, .is_stateful = true},
        .keys = {1, key},
        .time_column = 1,
        .input = &input_schema,
        .query_count = 1,
        .queries = &query,
    };
    const ps_field output[] = {columns[0],
                               {{"first", 5}, &ps_type_bigint},
                               {{"last", 4}, &ps_type_bigint},
                               {{"n", 1}, &ps_type_bigint}};
    const ps_node node = {
        .kind = PS_NODE_USER,
        .input_count = 1,
        .inputs = inputs,
        .schema = {4, output},
        .user = &spec.base,
    };
    bench_check(&(bench_case){ps_op_match_new, &node, rows, expected, 0, 0});
}

static void begin(fixture *f)
{
    memset(f, 0, sizeof *f);
    ps_arena_init(&f->arena, 1 << 20);
    f->expressions.arena = &f->arena;
}

static const ps_slice names[] = {{"A", 1}, {"B", 1}};

static void declines_then_an_approval(void **state)
{
    (void)state;
    fixture f;
    begin(&f);
    const ps_cep_stage a = {.name = {"A", 1},
                            .where = is_status(&f, "no"),
                            .has_times = true,
                            .min = 2,
                            .max = PS_CEP_UNBOUNDED,
                            .inner = PS_CEP_CONSECUTIVE,
                            .is_greedy = true};
    const ps_cep_stage b = {.name = {"B", 1}, .where = is_status(&f, "yes")};
    const ps_cep_stage *const stages[] = {&a, &b};
    const ps_cep_pattern pattern = {.stage_count = 2,
                                    .stages = stages,
                                    .within_ms = 100,
                                    .skip = PS_CEP_SKIP_PAST_LAST,
                                    .variable_count = 2,
                                    .variables = names};
    check(&f, &pattern,
          "+I(a, 12, no, 3)\n+I(a, 10, no, 1)\n+I(b, 11, no, 7)\n+I(a, 11, no, 2)\n"
          "+I(a, 20, yes, 4)\nwm 15\n+I(b, 30, yes, 8)\n+I(a, 14, yes, 9)\nwm 40\n"
          "+I(c, 50, no, 1)\n+I(c, 60, no, 2)\n+I(c, 150, yes, 3)\n+I(d, 50, no, 4)\n"
          "+I(d, 60, no, 5)\n+I(d, 149, yes, 6)\nend\n",
          "+I(a, 1, 4, 4)\n+I(d, 4, 6, 3)\n");
    ps_arena_release(&f.arena);
}

static void conditions_look_back(void **state)
{
    (void)state;
    fixture f;
    begin(&f);
    const ps_cep_slot sum = {.kind = PS_CEP_AGGREGATE, .variable = 0, .call = aggregate(&f, "SUM")};
    const ps_cep_slot last = {
        .kind = PS_CEP_LAST, .variable = 0, .column = 3, .offset = 1, .with_current = true};
    const ps_cep_stage first = {.name = {"A", 1}, .where = is_status(&f, "a")};
    const ps_cep_stage more = {
        .contiguity = PS_CEP_FOLLOWED_BY_ANY, .name = {"B", 1}, .where = exceeds(&f, sum)};
    const ps_cep_stage *const stages[] = {&first, &more};
    const ps_cep_pattern pattern = {.stage_count = 2,
                                    .stages = stages,
                                    .within_ms = 100,
                                    .variable_count = 2,
                                    .variables = names};
    check(&f, &pattern, "+I(a, 1, a, 5)\n+I(a, 2, b, 4)\n+I(a, 3, b, 6)\n+I(a, 4, b, 7)\nend\n",
          "+I(a, 5, 6, 2)\n+I(a, 5, 7, 2)\n");
    const ps_cep_stage rising = {.name = {"A", 1},
                                 .where = exceeds(&f, last),
                                 .is_optional = true,
                                 .has_times = true,
                                 .min = 1,
                                 .max = PS_CEP_UNBOUNDED,
                                 .inner = PS_CEP_CONSECUTIVE};
    const ps_cep_stage end = {.name = {"B", 1}, .where = is_status(&f, "b")};
    const ps_cep_stage *const others[] = {&rising, &end};
    const ps_cep_pattern never = {.stage_count = 2,
                                  .stages = others,
                                  .within_ms = 100,
                                  .skip = PS_CEP_SKIP_TO_NEXT,
                                  .variable_count = 2,
                                  .variables = names};
    /* no row before the first: NULL, which is not TRUE */
    check(&f, &never, "+I(a, 1, a, 5)\n+I(a, 2, b, 6)\nend\n", "+I(a, 6, 6, 1)\n");
    ps_arena_release(&f.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(declines_then_an_approval),
        cmocka_unit_test(conditions_look_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
