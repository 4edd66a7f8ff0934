#include "cep/pattern_fixture.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/testing.h"
#include "cep/match_view.h"

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

static const ps_expr *call(parser *self, const char *name, const ps_expr *a, const ps_expr *b)
{
    const ps_expr *made = NULL;
    const ps_expr *sides[] = {a, b};
    ps_error err;
    assert_int_equal(ps_expr_call(&self->fixture->expressions, name, 2, sides, &made, &err), PS_OK);
    return made;
}

/* symbol = 'a' OR symbol = 'b' … */
static const ps_expr *letters_test(parser *self, const ps_expr *symbol, const char *letters)
{
    const ps_expr *test = NULL;
    for (const char *at = letters; *at != 0; at++) {
        const ps_value letter = {.text = ps_slice_of(at, 1)};
        const ps_expr *is_letter =
            call(self, "=", symbol,
                 ps_expr_constant(&self->fixture->expressions, &ps_type_string, letter));
        test = test != NULL ? call(self, "OR", test, is_letter) : is_letter;
    }
    if (test == NULL) {
        fail_msg("no letters before: %.60s", self->at);
    }
    return test;
}

static char symbol_of(const ps_cep_view *view, uint32_t row, uint32_t column)
{
    return ps_match_row_get(ps_cep_view_rows(view), row, column).text.data[0];
}

static bool is_symbol_of_last(void *user, const ps_cep_view *view)
{
    const pattern_condition *condition = user;
    uint32_t last = ps_cep_view_matched_last(view, condition->variable, 0);
    char symbol = symbol_of(view, ps_cep_view_row(view), condition->symbol_column);
    return strchr(condition->letters, symbol) != NULL && last != 0 &&
           symbol_of(view, last, condition->symbol_column) == symbol;
}

static ps_aggregate_call count_call(parser *self)
{
    const ps_type *types[] = {&ps_type_string};
    ps_aggregate_signature signature;
    ps_error err;
    assert_int_equal(
        ps_aggregate_resolve(&self->fixture->arena, "COUNT", 1, types, &signature, &err), PS_OK);
    return (ps_aggregate_call){
        .class = signature.class,
        .result = signature.result,
        .argument_count = 1,
        .arguments = {self->fixture->symbol_column},
        .argument_types = {&ps_type_string},
        .filter = PS_NO_COLUMN,
        .time_column = PS_NO_COLUMN,
    };
}

/* The test of a condition that looks back by a slot. */
static const ps_expr *slot_test(parser *self, ps_cep_condition *made, const ps_expr *symbol,
                                const pattern_condition *meant)
{
    ps_expr_context *context = &self->fixture->expressions;
    ps_cep_slot *slot = ps_arena_take(&self->fixture->arena, sizeof *slot);
    slot->variable = meant->variable;
    made->slots = slot;
    made->slot_count = 1;
    if (meant->look == PATTERN_LOOKS_AT_LAST) {
        slot->kind = PS_CEP_LAST;
        slot->column = self->fixture->symbol_column;
        return call(self, "=", symbol,
                    ps_expr_column(context, self->fixture->slot_column, &ps_type_string));
    }
    slot->kind = PS_CEP_AGGREGATE;
    slot->call = count_call(self);
    return call(
        self, "<", ps_expr_column(context, self->fixture->slot_column, &ps_type_bigint),
        ps_expr_constant(context, &ps_type_bigint, (ps_value){.i64 = (int64_t)meant->count}));
}

static uint32_t digit(parser *self)
{
    assert_true(isdigit((unsigned char)*self->at));
    return (uint32_t)(*self->at++ - '0');
}

static void read_look(parser *self, pattern_condition *meant)
{
    if (accept(self, "@")) {
        meant->look = PATTERN_LOOKS_AT_LAST;
    } else if (accept(self, "$")) {
        meant->look = PATTERN_ASKS_FOR_LAST;
    } else if (accept(self, "%")) {
        meant->look = PATTERN_LOOKS_AT_COUNT;
    } else {
        return;
    }
    meant->variable = digit(self);
    meant->count = meant->look == PATTERN_LOOKS_AT_COUNT ? digit(self) : 0;
}

static const ps_cep_condition *letters(parser *self)
{
    ps_arena *arena = &self->fixture->arena;
    pattern_condition *meant = ps_arena_take(arena, sizeof *meant);
    ps_cep_condition *condition = ps_arena_take(arena, sizeof *condition);
    const ps_expr *symbol =
        ps_expr_column(&self->fixture->expressions, self->fixture->symbol_column, &ps_type_string);
    meant->symbol_column = self->fixture->symbol_column;
    for (size_t i = 0; islower((unsigned char)*self->at); i++) {
        assert_true(i + 1 < sizeof meant->letters);
        meant->letters[i] = *self->at++;
    }
    read_look(self, meant);
    condition->user = meant;
    if (meant->look == PATTERN_ASKS_FOR_LAST) {
        condition->function = is_symbol_of_last;
        condition->looks_back = true;
        return condition;
    }
    condition->test = letters_test(self, symbol, meant->letters);
    if (meant->look != PATTERN_LOOKS_NOWHERE) {
        condition->test =
            call(self, "AND", condition->test, slot_test(self, condition, symbol, meant));
    }
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
            if (self->at[0] == '=') {
                self->at++;
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
