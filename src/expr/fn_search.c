/* Searching in texts: LIKE, POSITION and its kin. A constant LIKE pattern without wildcards inside
 * becomes a comparison of the beginning, the end or a search. */
#include "expr/kernel.h"
#include "expr/utf8.h"

/* ── LIKE ── */

typedef enum { LIKE_EXACT, LIKE_PREFIX, LIKE_SUFFIX, LIKE_CONTAINS, LIKE_GENERAL } like_kind;

typedef enum { TOKEN_CHARACTER, TOKEN_ONE, TOKEN_MANY, TOKEN_BAD } like_token;

typedef struct {
    ps_slice pattern, escape; /* escape: one character */
    bool is_default;          /* the escape is \\ and counts before % and _ only */
} like_pattern;

/* The token at `at`; *out_character: what a character token stands for; *out_next: behind it. */
static like_token read_token(const like_pattern *p, size_t at, ps_slice *out_character,
                             size_t *out_next)
{
    size_t size = ps_utf8_size_at(p->pattern, at);
    ps_slice character = ps_slice_of(p->pattern.data + at, size);
    *out_next = at + size;
    if (ps_slice_equal(character, p->escape)) {
        ps_slice next = PS_SLICE("");
        if (*out_next < p->pattern.size) {
            next = ps_slice_of(p->pattern.data + *out_next, ps_utf8_size_at(p->pattern, *out_next));
        }
        bool is_wildcard =
            ps_slice_equal(next, PS_SLICE("%")) || ps_slice_equal(next, PS_SLICE("_"));
        if (is_wildcard || (!p->is_default && ps_slice_equal(next, p->escape))) {
            *out_character = next;
            *out_next += next.size;
            return TOKEN_CHARACTER;
        }
        if (!p->is_default) {
            return TOKEN_BAD;
        }
    }
    *out_character = character;
    if (size == 1 && *character.data == '%') {
        return TOKEN_MANY;
    }
    return size == 1 && *character.data == '_' ? TOKEN_ONE : TOKEN_CHARACTER;
}

static bool is_well_formed(const like_pattern *p)
{
    ps_slice character;
    for (size_t at = 0; at < p->pattern.size;) {
        if (read_token(p, at, &character, &at) == TOKEN_BAD) {
            return false;
        }
    }
    return true;
}

static bool starts_with(ps_slice text, size_t at, ps_slice part)
{
    return text.size - at >= part.size &&
           (part.size == 0 || memcmp(text.data + at, part.data, part.size) == 0);
}

/* Greedy with one point of return: the newest %. */
static bool like(const like_pattern *p, ps_slice text)
{
    size_t at = 0, in_pattern = 0, after_many = SIZE_MAX, many_at = 0;
    while (at < text.size || in_pattern < p->pattern.size) {
        ps_slice character = PS_SLICE("");
        size_t next = in_pattern;
        like_token token = TOKEN_BAD;
        if (in_pattern < p->pattern.size) {
            token = read_token(p, in_pattern, &character, &next);
        }
        if (token == TOKEN_MANY) {
            after_many = in_pattern = next;
            many_at = at;
            continue;
        }
        if (at < text.size && token == TOKEN_ONE) {
            at += ps_utf8_size_at(text, at);
            in_pattern = next;
        } else if (at < text.size && token == TOKEN_CHARACTER && starts_with(text, at, character)) {
            at += character.size;
            in_pattern = next;
        } else if (after_many != SIZE_MAX && many_at < text.size) {
            many_at += ps_utf8_size_at(text, many_at);
            at = many_at;
            in_pattern = after_many;
        } else {
            return false;
        }
    }
    return true;
}

static ps_code row_like(ps_call *call, const ps_value *arguments, ps_value *out)
{
    like_pattern p = {arguments[1].text, PS_SLICE("\\"), true};
    if (call->step->argument_count > 2) {
        p.escape = arguments[2].text;
        p.is_default = false;
        if (ps_utf8_count(p.escape) != 1) {
            return ps_call_refuse(call, p.escape, "is not one character to escape with");
        }
    }
    if (!is_well_formed(&p)) {
        return ps_call_refuse(call, p.pattern,
                              "escapes something that is no %%, _ or escape character");
    }
    out->i64 = like(&p, arguments[0].text) ? 1 : 0;
    return PS_OK;
}

typedef struct {
    like_kind kind;
    ps_slice part; /* what must be equal */
} like_plan;

/* For short texts quicker than memmem. */
static bool contains(ps_slice text, ps_slice part)
{
    size_t at = 0;
    if (part.size == 0) {
        return true;
    }
    while (text.size - at >= part.size) {
        const char *found = memchr(text.data + at, part.data[0], text.size - at - part.size + 1);
        if (found == NULL || memcmp(found, part.data, part.size) == 0) {
            return found != NULL;
        }
        at = (size_t)(found - text.data) + 1;
    }
    return false;
}

#define LIKE_LOOP(CONDITION)                                                                       \
    for (uint32_t row = 0; row < run->count; row++) {                                              \
        ps_slice t = texts[row];                                                                   \
        word |= (uint64_t)(CONDITION) << (row % 64);                                               \
        if (row % 64 == 63 || row + 1 == run->count) {                                             \
            step->out->bits[row / 64] = word;                                                      \
            word = 0;                                                                              \
        }                                                                                          \
    }

static ps_code kernel_like(ps_step *step, ps_run *run)
{
    const like_plan *plan = step->state;
    const ps_slice *texts = step->arguments[0]->column.text;
    ps_slice part = plan->part;
    uint64_t word = 0;
    ps_step_join_valid(step, run);
    switch (plan->kind) {
    case LIKE_EXACT:
        LIKE_LOOP(ps_slice_equal(t, part))
        break;
    case LIKE_PREFIX:
        LIKE_LOOP(starts_with(t, 0, part))
        break;
    case LIKE_SUFFIX:
        LIKE_LOOP(t.size >= part.size && starts_with(t, t.size - part.size, part))
        break;
    case LIKE_CONTAINS:
        LIKE_LOOP(contains(t, part))
        break;
    case LIKE_GENERAL:
        break; /* a row function */
    }
    return PS_OK;
}

/* Literal characters with % at one or both ends only. */
static like_plan plan_like(const like_pattern *p, char *memory)
{
    like_plan plan = {LIKE_GENERAL, ps_slice_of(memory, 0)};
    bool many_first = false, many_last = false;
    for (size_t at = 0; at < p->pattern.size;) {
        ps_slice character;
        size_t before = at;
        like_token token = read_token(p, at, &character, &at);
        many_first = many_first || (token == TOKEN_MANY && before == 0);
        if (token == TOKEN_CHARACTER && !many_last) {
            memcpy(memory + plan.part.size, character.data, character.size);
            plan.part.size += character.size;
        } else if (token != TOKEN_MANY) {
            return plan; /* _ , or a character behind % */
        } else if (before > 0) {
            many_last = true;
        }
    }
    plan.kind = many_first && many_last ? LIKE_CONTAINS
                : many_first            ? LIKE_SUFFIX
                : many_last             ? LIKE_PREFIX
                                        : LIKE_EXACT;
    return plan;
}

static ps_code prepare_like(ps_preparation *p)
{
    ps_step *step = p->step;
    const ps_value *pattern = ps_step_constant(step, 1);
    const ps_value *escape = step->argument_count > 2 ? ps_step_constant(step, 2) : NULL;
    if (pattern == NULL || (step->argument_count > 2 && escape == NULL)) {
        return PS_OK;
    }
    like_pattern like = {pattern->text, escape != NULL ? escape->text : PS_SLICE("\\"),
                         escape == NULL};
    bool good = (escape == NULL || ps_utf8_count(like.escape) == 1) && is_well_formed(&like);
    if (!good) {
        return PS_OK; /* refused when a row is there */
    }
    step->can_fail = false;
    char *memory = ps_arena_take(p->arena, like.pattern.size);
    like_plan *plan = ps_arena_take(p->arena, sizeof *plan);
    if (memory == NULL || plan == NULL) {
        return ps_expr_no_memory(p->err);
    }
    *plan = plan_like(&like, memory);
    if (plan->kind != LIKE_GENERAL) {
        step->state = plan;
        step->kernel = kernel_like;
    }
    return PS_OK;
}

/* ── positions ── */

/* Character number (from 1) of `part` in `text` from character `from` on; 0: nowhere. */
static int64_t position_of(ps_slice text, ps_slice part, int64_t from)
{
    size_t start = from > 1 ? ps_utf8_offset(text, (size_t)from - 1) : 0;
    const char *found = part.size == 0
                            ? text.data + start
                            : memmem(text.data + start, text.size - start, part.data, part.size);
    if (found == NULL) {
        return part.size == 0 ? 1 : 0;
    }
    return (int64_t)ps_utf8_count(ps_slice_of(text.data, (size_t)(found - text.data))) + 1;
}

/* (needle, text[, from]) */
static ps_code row_position(ps_call *call, const ps_value *arguments, ps_value *out)
{
    int64_t from = call->step->argument_count > 2 ? arguments[2].i64 : 1;
    out->i64 = position_of(arguments[1].text, arguments[0].text, from);
    return PS_OK;
}

/* The `occurrence`-th place before or at `from` counted from the end. */
static int64_t position_backward(ps_slice text, ps_slice part, int64_t from, int64_t occurrence)
{
    int64_t count = (int64_t)ps_utf8_count(text);
    for (int64_t at = count + from; at >= 0; at--) {
        size_t offset = ps_utf8_offset(text, (size_t)at);
        if (starts_with(text, offset, part) && --occurrence == 0) {
            return at + 1;
        }
    }
    return 0;
}

/* (text, needle[, from[, occurrence]]) */
static ps_code row_instr(ps_call *call, const ps_value *arguments, ps_value *out)
{
    uint32_t count = call->step->argument_count;
    int64_t from = count > 2 ? arguments[2].i64 : 1;
    int64_t occurrence = count > 3 ? arguments[3].i64 : 1;
    if (from == 0 || occurrence < 1) {
        out->i64 = 0;
    } else if (from < 0) {
        out->i64 = position_backward(arguments[0].text, arguments[1].text, from, occurrence);
    } else {
        out->i64 = position_of(arguments[0].text, arguments[1].text, from);
        for (; occurrence > 1 && out->i64 > 0; occurrence--) {
            out->i64 = position_of(arguments[0].text, arguments[1].text, out->i64 + 1);
        }
    }
    return PS_OK;
}

static ps_code row_startswith(ps_call *call, const ps_value *arguments, ps_value *out)
{
    (void)call;
    out->i64 = starts_with(arguments[0].text, 0, arguments[1].text) ? 1 : 0;
    return PS_OK;
}

static ps_code row_endswith(ps_call *call, const ps_value *arguments, ps_value *out)
{
    (void)call;
    ps_slice text = arguments[0].text, part = arguments[1].text;
    out->i64 = text.size >= part.size && starts_with(text, text.size - part.size, part) ? 1 : 0;
    return PS_OK;
}

#define SEARCH(NAME, SIGNATURE, SUMMARY) .entry = {NAME, SIGNATURE, SUMMARY, "Text", true}

static const ps_function functions[] = {
    {SEARCH("LIKE", "STRING LIKE STRING [ESCAPE STRING] → BOOLEAN",
            "Whether the text fits the pattern: % any characters, _ one; the escape character is "
            "\\ unless another is given."),
     .pattern = "ss>b|sss>b", .row = row_like, .prepare = prepare_like,
     .flags = PS_CAN_FAIL | PS_TAKES_CONSTANTS},
    {SEARCH("POSITION", "POSITION(STRING IN STRING [FROM INT]) → INT",
            "Where the first text begins in the second; 0: nowhere."),
     .pattern = "ss>i|ssi>i", .row = row_position},
    {SEARCH("LOCATE", "LOCATE(STRING, STRING[, INT from]) → INT",
            "Where the first text begins in the second, from a position on; 0: nowhere."),
     .pattern = "ss>i|ssi>i", .row = row_position},
    {SEARCH("INSTR", "INSTR(STRING, STRING[, INT from[, INT occurrence]]) → INT",
            "Where the second text begins in the first; a negative `from` searches backward."),
     .pattern = "ss>i|ssi>i|ssii>i", .row = row_instr},
    {SEARCH("STARTSWITH", "STARTSWITH(STRING, STRING) → BOOLEAN",
            "Whether the first text begins with the second."),
     .pattern = "ss>b|yy>b", .row = row_startswith},
    {SEARCH("ENDSWITH", "ENDSWITH(STRING, STRING) → BOOLEAN",
            "Whether the first text ends with the second."),
     .pattern = "ss>b|yy>b", .row = row_endswith},
};

const ps_function_family ps_family_search = {functions, sizeof functions / sizeof functions[0]};
