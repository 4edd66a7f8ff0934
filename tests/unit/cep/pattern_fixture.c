#include "cep/pattern_fixture.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/testing.h"

enum { STAGES_MAX = 64 };

typedef struct {
    pattern_fixture *fixture;
    const char *at;
    ps_cep_pattern *pattern;
    ps_slice *names;
} parser;

void pattern_fixture_init(pattern_fixture *fixture, uint32_t symbol_column)
{
    memset(fixture, 0, sizeof *fixture);
    ps_arena_init(&fixture->arena, (size_t)1 << 32);
    fixture->expressions.arena = &fixture->arena;
    fixture->symbol_column = symbol_column;
}

void pattern_fixture_release(pattern_fixture *fixture)
{
    ps_arena_release(&fixture->arena);
}

static void skip_blanks(parser *self)
{
    self->at += strspn(self->at, " ");
}

static bool accept(parser *self, const char *word)
{
    skip_blanks(self);
    size_t size = strlen(word);
    if (strncmp(self->at, word, size) != 0) {
        return false;
    }
    self->at += size;
    return true;
}

static uint32_t number(parser *self)
{
    char *end;
    unsigned long value = strtoul(self->at, &end, 10);
    assert_ptr_not_equal(end, self->at);
    self->at = end;
    return (uint32_t)value;
}

static ps_slice word(parser *self)
{
    skip_blanks(self);
    const char *from = self->at;
    while (isalnum((unsigned char)*self->at) || *self->at == '_') {
        self->at++;
    }
    assert_ptr_not_equal(self->at, from);
    return ps_slice_of(from, (size_t)(self->at - from));
}

/* symbol = 'a' OR symbol = 'b' … */
static const ps_cep_condition *letters(parser *self)
{
    ps_expr_context *context = &self->fixture->expressions;
    const ps_expr *test = NULL;
    ps_error err;
    while (islower((unsigned char)*self->at)) {
        const ps_expr *sides[] = {
            ps_expr_column(context, self->fixture->symbol_column, &ps_type_string),
            ps_expr_constant(context, &ps_type_string,
                             (ps_value){.text = ps_slice_of(self->at, 1)})};
        const ps_expr *is_letter, *both;
        assert_int_equal(ps_expr_call(context, "=", 2, sides, &is_letter, &err), PS_OK);
        const ps_expr *of[] = {test, is_letter};
        if (test != NULL) {
            assert_int_equal(ps_expr_call(context, "OR", 2, of, &both, &err), PS_OK);
        }
        test = test != NULL ? both : is_letter;
        self->at++;
    }
    assert_non_null(test);
    ps_cep_condition *condition = ps_arena_take(&self->fixture->arena, sizeof *condition);
    condition->test = test;
    return condition;
}

static void contiguity(parser *self, ps_cep_stage *stage)
{
    static const struct {
        const char *text;
        ps_cep_contiguity contiguity;
    } forms[] = {{"!->", PS_CEP_NOT_FOLLOWED_BY},
                 {"!>", PS_CEP_NOT_NEXT},
                 {"->", PS_CEP_FOLLOWED_BY},
                 {"=>", PS_CEP_FOLLOWED_BY_ANY},
                 {">", PS_CEP_NEXT}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (accept(self, forms[i].text)) {
            stage->contiguity = forms[i].contiguity;
            return;
        }
    }
}

static void times(ps_cep_stage *stage, uint32_t min, uint32_t max)
{
    stage->has_times = true;
    stage->min = min;
    stage->max = max;
}

static void quantifier(parser *self, ps_cep_stage *stage)
{
    if (accept(self, "?")) {
        stage->is_optional = true;
    } else if (accept(self, "+")) {
        times(stage, 1, PS_CEP_UNBOUNDED);
    } else if (accept(self, "*")) {
        times(stage, 1, PS_CEP_UNBOUNDED);
        stage->is_optional = true;
    } else if (accept(self, "{")) {
        uint32_t min = number(self), max = min;
        if (accept(self, ",")) {
            skip_blanks(self);
            max = *self->at == '}' ? PS_CEP_UNBOUNDED : number(self);
        }
        assert_true(accept(self, "}"));
        times(stage, min, max);
    }
    if (accept(self, ":")) {
        for (; islower((unsigned char)*self->at); self->at++) {
            stage->inner = *self->at == 'c'   ? PS_CEP_CONSECUTIVE
                           : *self->at == 'a' ? PS_CEP_COMBINATIONS
                                              : stage->inner;
            stage->is_greedy = stage->is_greedy || *self->at == 'g';
            stage->is_optional = stage->is_optional || *self->at == 'o';
        }
    }
}

static void bounds(parser *self, ps_cep_stage *stage)
{
    if (accept(self, "~")) {
        stage->until = letters(self);
    }
    if (accept(self, "^")) {
        stage->within_previous_ms = number(self);
    }
    if (accept(self, "<")) {
        stage->times_within_ms = number(self);
    }
}

/* Until the text's end, "|" or ")". */
static const ps_cep_stage *const *chain(parser *self, uint32_t *out_count)
{
    const ps_cep_stage **stages = ps_arena_take(&self->fixture->arena, STAGES_MAX * sizeof *stages);
    uint32_t count = 0;
    for (skip_blanks(self); strchr("|)", *self->at) == NULL; skip_blanks(self)) {
        ps_cep_stage *stage = ps_arena_take(&self->fixture->arena, sizeof *stage);
        contiguity(self, stage);
        if (accept(self, "(")) {
            stage->group = chain(self, &stage->group_count);
            assert_true(accept(self, ")"));
        } else {
            stage->name = word(self);
            self->names[self->pattern->variable_count++] = stage->name;
            if (accept(self, "=")) {
                stage->where = letters(self);
            }
        }
        quantifier(self, stage);
        bounds(self, stage);
        assert_true(count < STAGES_MAX);
        stages[count++] = stage;
    }
    *out_count = count;
    return stages;
}

static void skip_to(parser *self, ps_cep_skip skip)
{
    ps_slice name = word(self);
    self->pattern->skip = skip;
    self->pattern->skip_variable = PS_CEP_ANY_VARIABLE;
    for (uint32_t i = 0; i < self->pattern->variable_count; i++) {
        if (ps_slice_equal(self->names[i], name)) {
            self->pattern->skip_variable = i;
        }
    }
}

static void options(parser *self)
{
    for (skip_blanks(self); *self->at != 0; skip_blanks(self)) {
        if (accept(self, "within ")) {
            self->pattern->within_ms = number(self);
        } else if (accept(self, "skip next")) {
            self->pattern->skip = PS_CEP_SKIP_TO_NEXT;
        } else if (accept(self, "skip past")) {
            self->pattern->skip = PS_CEP_SKIP_PAST_LAST;
        } else if (accept(self, "skip first")) {
            skip_to(self, PS_CEP_SKIP_TO_FIRST);
        } else if (accept(self, "skip last")) {
            skip_to(self, PS_CEP_SKIP_TO_LAST);
        } else if (accept(self, "must")) {
            self->pattern->skip_must_hit = true;
        } else {
            fail_msg("cannot read: %s", self->at);
        }
    }
}

const ps_cep_pattern *pattern_parse(pattern_fixture *fixture, const char *text)
{
    ps_arena *arena = &fixture->arena;
    parser self = {.fixture = fixture, .at = text};
    self.pattern = ps_arena_take(arena, sizeof *self.pattern);
    self.names = ps_arena_take(arena, STAGES_MAX * sizeof *self.names);
    self.pattern->stages = chain(&self, &self.pattern->stage_count);
    self.pattern->variables = self.names;
    if (accept(&self, "|")) {
        options(&self);
    }
    assert_int_equal(*self.at, 0);
    return self.pattern;
}
