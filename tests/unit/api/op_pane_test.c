/* Groupings under the operator contract bench. Rows in: key, amount, (time), (start), (end); out:
 * key, result, (time), (start), (end), (pane = number of the firing × 4 + kind: 1 early, 2 on time,
 * 3 late). */
#include "flow/bench.h"

#include "api/user_spec.h"

typedef struct {
    ps_arena arena;
    ps_shape *in, *out;
    ps_aggregate_call call;
    ps_pane_spec spec;
    ps_node input, node;
    const ps_node *inputs[1];
} fixture;

static const uint32_t key_column[] = {0};

static void fixture_init(fixture *f, ps_windowing windowing, const ps_field *result)
{
    *f = (fixture){0};
    ps_arena_init(&f->arena, 1 << 20);
    f->in = ps_shape_new(&f->arena, 2, PS_SHAPE_TIME | PS_SHAPE_WINDOW);
    f->in->fields[0] = (ps_field){PS_SLICE("k"), &ps_type_string};
    f->in->fields[1] = (ps_field){PS_SLICE("n"), &ps_type_bigint};
    ps_shape_finish(f->in);
    f->out = ps_shape_new(&f->arena, 2, PS_SHAPE_TIME | PS_SHAPE_WINDOW | PS_SHAPE_PANE);
    f->out->fields[0] = f->in->fields[0];
    f->out->fields[1] = *result;
    ps_shape_finish(f->out);
    f->spec =
        (ps_pane_spec){.in = f->in, .out = f->out, .keys = {1, key_column}, .windowing = windowing};
    f->input = (ps_node){.kind = PS_NODE_SOURCE, .schema = ps_shape_schema(f->in)};
    f->inputs[0] = &f->input;
    f->node = (ps_node){
        .kind = PS_NODE_USER,
        .input_count = 1,
        .inputs = f->inputs,
        .schema = ps_shape_schema(f->out),
        .user = &f->spec.base,
    };
}

static void check(fixture *f, const char *input, const char *expected)
{
    bench_check(&(bench_case){ps_op_pane_new, &f->node, input, expected, 0, 0});
    ps_arena_release(&f->arena);
}

static void check_sum(ps_windowing windowing, const char *input, const char *expected)
{
    fixture f;
    ps_aggregate_signature signature;
    const ps_type *types[] = {&ps_type_bigint};
    ps_error err;
    fixture_init(&f, windowing, &(ps_field){PS_SLICE("sum"), &ps_type_bigint});
    assert_int_equal(ps_aggregate_resolve(&f.arena, "SUM", 1, types, &signature, &err), PS_OK);
    f.call = (ps_aggregate_call){
        .class = signature.class,
        .result = signature.result,
        .argument_count = 1,
        .arguments = {1},
        .argument_types = {&ps_type_bigint},
        .filter = PS_NO_COLUMN,
        .time_column = PS_NO_COLUMN,
    };
    f.spec.call_count = 1;
    f.spec.calls = &f.call;
    check(&f, input, expected);
}

static void panes_of_fixed_windows(void **state)
{
    (void)state;
    const char *rows = "+I(a, 1, 1, 0, 10)\n+I(b, 2, 2, 0, 10)\n+I(a, 4, 3, 0, 10)\nwm 8\n"
                       "+I(a, 8, 4, 0, 10)\nwm 12\n+I(a, 16, 5, 0, 10)\n+I(b, 32, 13, 10, 20)\n"
                       "+I(c, 64, 6, 0, 10)\nwm 14\n+I(a, 128, 7, 0, 10)\nwm 40\nend\n";
    ps_windowing windowing = {.kind = PS_WINDOWING_FIXED,
                              .size_ms = 10,
                              .allowed_lateness_ms = 5,
                              .early_rows = 2,
                              .is_accumulating = true};
    check_sum(windowing, rows,
              "+I(a, 5, 9, 0, 10, 1)\n+I(a, 13, 9, 0, 10, 6)\n+I(b, 2, 9, 0, 10, 2)\n"
              "+I(a, 29, 9, 0, 10, 11)\n+I(c, 64, 9, 0, 10, 3)\n+I(b, 32, 19, 10, 20, 2)\n");
    windowing.is_accumulating = false;
    windowing.allowed_lateness_ms = 4;
    check_sum(windowing, rows,
              "+I(a, 5, 9, 0, 10, 1)\n+I(a, 8, 9, 0, 10, 6)\n+I(b, 2, 9, 0, 10, 2)\n"
              "+I(a, 16, 9, 0, 10, 11)\n+I(c, 64, 9, 0, 10, 3)\n+I(b, 32, 19, 10, 20, 2)\n");
}

static const char session_rows[] =
    "+I(a, 1, 1, 1, 6)\n+I(a, 2, 20, 20, 25)\n+I(a, 4, 11, 11, 16)\n+I(a, 8, 5, 5, 10)\n"
    "+I(a, 16, 9, 9, 14)\n+I(b, 32, 3, 3, 8)\nwm 15\n+I(a, 64, 17, 17, 22)\n"
    "+I(a, 128, 2, 2, 7)\nwm 60\n+I(a, 256, 30, 30, 35)\nend\n";

static void sessions_merge_whatever_the_order(void **state)
{
    (void)state;
    ps_windowing windowing = {.kind = PS_WINDOWING_SESSION, .gap_ms = 5};
    check_sum(windowing, session_rows,
              "+I(b, 32, 7, 3, 8, 2)\n+I(a, 29, 15, 1, 16, 2)\n+I(a, 66, 24, 17, 25, 2)\n");
}

static void join_texts(void *user, ps_group *group, ps_out *out)
{
    (void)user;
    char text[64];
    size_t size = 0;
    for (const ps_row *row; (row = ps_group_next(group)) != NULL;) {
        size += ps_i64_format(text + size, ps_row_i64(row, 1));
        text[size++] = '/';
    }
    ps_out_text(out, 0, (ps_text){text, size});
    ps_out_row(out);
}

static void groups_of_sessions(void **state)
{
    (void)state;
    fixture f;
    ps_windowing windowing = {.kind = PS_WINDOWING_SESSION, .gap_ms = 5};
    fixture_init(&f, windowing, &(ps_field){PS_SLICE("all"), &ps_type_string});
    f.spec.group = join_texts;
    check(&f, "+I(a, 1, 1, 1, 6)\n+I(a, 2, 4, 4, 9)\n+I(b, 3, 2, 2, 7)\nwm 20\nend\n",
          "+I(b, 3/, 6, 2, 7, 2)\n+I(a, 1/2/, 8, 1, 9, 2)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(panes_of_fixed_windows),
        cmocka_unit_test(sessions_merge_whatever_the_order),
        cmocka_unit_test(groups_of_sessions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
