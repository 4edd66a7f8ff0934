/* Patterns from text, for tests.
 *
 *     A=a -> B=bc+:cg ~d !-> C=d > (D=a => E){2,3} | within 10 skip first A must
 *
 * Before a stage: ">" next, "->" followed by, "=>" followed by any, "!>" not next, "!->" not
 * followed by; nothing before the first. A stage: a name, "=" and the letters of which the row's
 * symbol must be one (none: any row), behind which may stand: "@n" the symbol is that of the last
 * row of variable n, "$n" the same by a function of the C API, "%nk" fewer than k rows of variable n
 * so far; a quantifier ? + * {n} {n,} {n,m}; flags behind ":": c
 * consecutive, a all combinations, g greedy, o optional; "~" and letters: until; "^n": at most n ms
 * since the row before; "<n": the same between the quantifier's rows. Behind "|": "within n",
 * "skip next", "skip past", "skip first X", "skip last X", "must".
 * Several patterns' conditions on the same letters are equal. */
#ifndef PS_TEST_CEP_PATTERN_FIXTURE_H
#define PS_TEST_CEP_PATTERN_FIXTURE_H

#include "cep/match_spec.h"

typedef struct {
    ps_arena arena;
    ps_expr_context expressions;
    uint32_t symbol_column; /* TEXT: the row's symbol */
    uint32_t slot_column;   /* the first behind the input's: for conditions that look back */
} pattern_fixture;

typedef enum {
    PATTERN_LOOKS_NOWHERE,
    PATTERN_LOOKS_AT_LAST,
    PATTERN_ASKS_FOR_LAST,
    PATTERN_LOOKS_AT_COUNT
} pattern_look;

/* What a condition means: ps_cep_condition.user of each that pattern_parse makes. */
typedef struct {
    char letters[16];
    pattern_look look;
    uint32_t variable, count;
    uint32_t symbol_column;
} pattern_condition;

void pattern_fixture_init(pattern_fixture *fixture, uint32_t symbol_column);
void pattern_fixture_release(pattern_fixture *fixture);
/* Fails the test on text that it cannot read. */
const ps_cep_pattern *pattern_parse(pattern_fixture *fixture, const char *text);

#endif
