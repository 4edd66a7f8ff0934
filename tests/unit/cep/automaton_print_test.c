#include "base/testing.h"
#include "cep/pattern_fixture.h"

static const ps_field columns[] = {{{"status", 6}, &ps_type_string}};
static const ps_schema schema = {1, columns};

typedef void print_function(const ps_cep_pattern *pattern, const ps_schema *input, ps_buf *out);

static void check(print_function *print, const char *pattern, const char *expected)
{
    pattern_fixture fixture;
    pattern_fixture_init(&fixture, 0);
    ps_buf text;
    ps_buf_init(&text, 1 << 20);
    print(pattern_parse(&fixture, pattern), &schema, &text);
    ps_buf_append_char(&text, 0);
    assert_string_equal(text.data, expected);
    ps_buf_release(&text);
    pattern_fixture_release(&fixture);
}

static void the_tree_names_stages_states_and_edges_in_their_order(void **state)
{
    (void)state;
    check(ps_cep_print_tree, "A=d{2,}:cg > B=a | within 60 skip past",
          "pattern: skip past last row, within 60 ms\n"
          "  begin A{2,}, consecutive, greedy: (status = 'd')\n"
          "  next B: (status = 'a')\n"
          "states: 5\n"
          "  A 4, start\n"
          "    take if A -> A 3\n"
          "  A 3\n"
          "    take if A -> A 2\n"
          "  A 2\n"
          "    proceed -> B 1\n"
          "    take if A -> A 2\n"
          "  B 1\n"
          "    take if B and not A -> end\n"
          "  end\n");
    check(ps_cep_print_tree, "A=a !-> N=n -> (B=b => C=c)+ ~e ^3 | skip last C within 9",
          "pattern: skip to last C, within 9 ms\n"
          "  begin A: (status = 'a')\n"
          "  not followed by N: (status = 'n')\n"
          "  followed by group+, since the row before at most 3 ms, until (status = 'e')\n"
          "    begin B: (status = 'b')\n"
          "    followed by any C: (status = 'c')\n"
          "states: 8\n"
          "  A 7, start\n"
          "    take if A -> B 5\n"
          "  stop N\n"
          "  B 5\n"
          "    take if not until the group's end and B -> C 4\n"
          "    ignore if not until the group's end and not B -> B 5\n"
          "    proceed if N -> stop N\n"
          "  C 4\n"
          "    take if not until the group's end and C -> B 3\n"
          "    ignore if not until the group's end -> C 4\n"
          "  B 3\n"
          "    take if not until the group's end and B -> C 2\n"
          "    ignore if not until the group's end and not B -> B 3\n"
          "    proceed -> end\n"
          "  C 2\n"
          "    take if not until the group's end and C -> again 1\n"
          "    ignore if not until the group's end -> C 2\n"
          "  again 1\n"
          "    proceed -> B 3\n"
          "  end\n");
}

static void the_drawing_has_the_same(void **state)
{
    (void)state;
    check(ps_cep_print_dot, "A=a !> N=n",
          "digraph pattern {\n"
          "  rankdir=LR;\n"
          "  s3 [shape=circle, penwidth=2, label=\"A 3\"];\n"
          "  s2 [shape=octagon, color=red, label=\"stop N\"];\n"
          "  s1 [shape=circle, label=\"N 1\"];\n"
          "  s0 [shape=doublecircle, label=\"end\"];\n"
          "  s3 -> s1 [style=solid, label=\"1 take if A\"];\n"
          "  s1 -> s0 [style=dashed, label=\"1 ignore if not N\"];\n"
          "  s1 -> s2 [style=dotted, label=\"2 proceed if N\"];\n"
          "  note [shape=note, label=\"N: (status = 'n')\\lA: (status = 'a')\\l\"];\n"
          "}\n");
}

static void a_pattern_without_automaton_says_why(void **state)
{
    (void)state;
    check(ps_cep_print_tree, "A=a{100000}",
          "the pattern needs more than 20000 states: lower its repetitions\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tree_names_stages_states_and_edges_in_their_order),
        cmocka_unit_test(the_drawing_has_the_same),
        cmocka_unit_test(a_pattern_without_automaton_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
