/* REGEXP… and SIMILAR TO. A constant expression is compiled with the program, others when they
 * change. */
#include <stdlib.h>

#include "expr/kernel.h"
#include "expr/regex.h"
#include "expr/utf8.h"

/* The newest compiled expression of a step. */
typedef struct {
    ps_regex *regex; /* NULL: malformed, as Flink's functions take it: NULL or FALSE */
    char *text;      /* what it was compiled from; NULL: nothing yet */
    size_t size;
} regex_slot;

static void release_slot(void *state)
{
    regex_slot *slot = state;
    if (slot != NULL) {
        ps_regex_free(slot->regex);
        free(slot->text);
        free(slot);
    }
}

static ps_code compile_slot(regex_slot *slot, ps_slice text, ps_error *err)
{
    char *copy = malloc(text.size + 1);
    if (copy == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a regular expression");
    }
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    free(slot->text);
    ps_regex_free(slot->regex);
    slot->text = copy;
    slot->size = text.size;
    slot->regex = NULL;
    ps_code code = ps_regex_new(text, &slot->regex, err);
    return code == PS_E_INVALID ? PS_OK : code;
}

/* Compiles the constant: what is not supported is refused before the first row. */
static ps_code prepare_at(ps_preparation *p, uint32_t index, ps_slice text, bool is_constant)
{
    (void)index;
    regex_slot *slot = calloc(1, sizeof *slot);
    if (slot == NULL) {
        return ps_expr_no_memory(p->err);
    }
    p->step->state = slot;
    p->step->release = release_slot;
    return is_constant ? compile_slot(slot, text, p->err) : PS_OK;
}

static ps_code prepare_regex(ps_preparation *p)
{
    const ps_value *pattern = ps_step_constant(p->step, 1);
    return prepare_at(p, 1, pattern != NULL ? pattern->text : PS_SLICE(""), pattern != NULL);
}

/* The compiled expression, *out NULL when it is malformed. */
static ps_code regex_of(ps_call *call, ps_slice text, ps_regex **out)
{
    regex_slot *slot = call->step->state;
    bool is_same = slot->text != NULL && ps_slice_equal(text, ps_slice_of(slot->text, slot->size));
    ps_code code = is_same ? PS_OK : compile_slot(slot, text, call->run->err);
    *out = slot->regex;
    return code;
}

static ps_code search(ps_call *call, ps_slice text, ps_slice pattern, ps_regex **out_regex,
                      bool *out_found)
{
    *out_found = false;
    ps_code code = regex_of(call, pattern, out_regex);
    if (code != PS_OK || *out_regex == NULL) {
        return code;
    }
    return ps_regex_search(*out_regex, text, 0, out_found, call->run->err);
}

/* An empty expression matches nothing, as in Flink. */
static ps_code row_regexp(ps_call *call, const ps_value *arguments, ps_value *out)
{
    ps_regex *regex = NULL;
    bool found = false;
    ps_code code = search(call, arguments[0].text, arguments[1].text, &regex, &found);
    out->i64 = found && arguments[1].text.size > 0 ? 1 : 0;
    return code;
}

static ps_code row_regexp_extract(ps_call *call, const ps_value *arguments, ps_value *out)
{
    ps_regex *regex = NULL;
    bool found = false;
    size_t from = 0, to = 0;
    int64_t group = call->step->argument_count > 2 ? arguments[2].i64 : 0;
    ps_code code = search(call, arguments[0].text, arguments[1].text, &regex, &found);
    if (code != PS_OK) {
        return code;
    }
    bool taken = found && group >= 0 && group <= UINT32_MAX &&
                 ps_regex_group(regex, (uint32_t)group, &from, &to);
    out->is_null = !taken;
    out->text = taken ? ps_slice_of(arguments[0].text.data + from, to - from) : PS_SLICE("");
    return PS_OK;
}

/* Where the search goes on behind a match: an empty one must not be found again. */
static size_t after(ps_slice text, size_t from, size_t to)
{
    if (to > from || to >= text.size) {
        return to > from ? to : to + 1;
    }
    return to + ps_utf8_size_at(text, to);
}

static ps_code row_regexp_replace(ps_call *call, const ps_value *arguments, ps_value *out)
{
    ps_slice text = arguments[0].text;
    ps_regex *regex = NULL;
    bool found = false;
    ps_code code = search(call, text, arguments[1].text, &regex, &found);
    out->is_null = code == PS_OK && regex == NULL;
    if (code != PS_OK || regex == NULL) {
        return code;
    }
    ps_buf *buf = ps_call_scratch(call);
    size_t copied = 0;
    while (found) {
        size_t from = 0, to = 0;
        (void)ps_regex_group(regex, 0, &from, &to);
        ps_buf_append(buf, text.data + copied, from - copied);
        ps_buf_append_slice(buf, arguments[2].text);
        copied = to;
        size_t next = after(text, from, to);
        if (next > text.size) {
            break;
        }
        code = ps_regex_search(regex, text, next, &found, call->run->err);
        if (code != PS_OK) {
            return code;
        }
    }
    ps_buf_append(buf, text.data + copied, text.size - copied);
    return ps_call_finish(call, out);
}

static ps_code row_regexp_count(ps_call *call, const ps_value *arguments, ps_value *out)
{
    ps_slice text = arguments[0].text;
    ps_regex *regex = NULL;
    bool found = false;
    ps_code code = search(call, text, arguments[1].text, &regex, &found);
    out->is_null = regex == NULL;
    while (code == PS_OK && found) {
        size_t from = 0, to = 0;
        (void)ps_regex_group(regex, 0, &from, &to);
        out->i64++;
        size_t next = after(text, from, to);
        if (next > text.size) {
            break;
        }
        code = ps_regex_search(regex, text, next, &found, call->run->err);
    }
    return code;
}

static ps_code row_regexp_instr(ps_call *call, const ps_value *arguments, ps_value *out)
{
    ps_regex *regex = NULL;
    bool found = false;
    size_t from = 0, to = 0;
    ps_code code = search(call, arguments[0].text, arguments[1].text, &regex, &found);
    if (code == PS_OK && found) {
        (void)ps_regex_group(regex, 0, &from, &to);
        out->i64 = (int64_t)ps_utf8_count(ps_slice_of(arguments[0].text.data, from)) + 1;
    }
    out->is_null = regex == NULL;
    return code;
}

/* ── SIMILAR TO ── */

/* SQL's expression as one that must match all of the text. */
static bool similar_to_regex(ps_slice pattern, ps_slice escape, ps_buf *out)
{
    bool in_class = false;
    ps_buf_append_text(out, "\\A(?s:");
    for (size_t at = 0; at < pattern.size; at++) {
        char c = pattern.data[at];
        if (escape.size == 1 && c == escape.data[0]) {
            if (++at == pattern.size) {
                return false;
            }
            ps_buf_append_char(out, '\\');
            ps_buf_append_char(out, pattern.data[at]);
        } else if (!in_class && (c == '%' || c == '_')) {
            ps_buf_append_text(out, c == '%' ? ".*" : ".");
        } else if (c == '\\' || (!in_class && c == '$')) {
            ps_buf_append_char(out, '\\');
            ps_buf_append_char(out, c);
        } else {
            in_class = in_class ? c != ']' : c == '[';
            ps_buf_append_char(out, c);
        }
    }
    ps_buf_append_text(out, ")\\z");
    return !out->failed;
}

static ps_code prepare_similar(ps_preparation *p)
{
    return prepare_at(p, 1, PS_SLICE(""), false);
}

static ps_code row_similar(ps_call *call, const ps_value *arguments, ps_value *out)
{
    ps_slice escape = call->step->argument_count > 2 ? arguments[2].text : PS_SLICE("");
    ps_buf *buf = ps_call_scratch(call);
    if (!similar_to_regex(arguments[1].text, escape, buf)) {
        return ps_call_refuse(call, arguments[1].text, "ends with the escape character");
    }
    ps_regex *regex = NULL;
    bool found = false;
    ps_code code = search(call, arguments[0].text, ps_buf_slice(buf), &regex, &found);
    if (code == PS_OK && regex == NULL) {
        return ps_call_refuse(call, arguments[1].text, "is not a pattern");
    }
    out->i64 = found ? 1 : 0;
    return code;
}

#define REGEX(NAME, SIGNATURE, SUMMARY)                                                            \
    .entry = {NAME, SIGNATURE, SUMMARY, "Regular expressions", true},                              \
    .flags = PS_CAN_FAIL | PS_IS_COSTLY

static const ps_function functions[] = {
    {REGEX("SIMILAR TO", "STRING SIMILAR TO STRING [ESCAPE STRING] → BOOLEAN",
           "Whether all of the text fits SQL's regular expression."),
     .pattern = "ss>b|sss>b", .row = row_similar, .prepare = prepare_similar},
    {REGEX("REGEXP", "REGEXP(STRING, STRING) → BOOLEAN",
           "Whether a part of the text matches; FALSE for an empty or malformed expression."),
     .pattern = "ss>b", .row = row_regexp, .prepare = prepare_regex},
    {REGEX("REGEXP_EXTRACT", "REGEXP_EXTRACT(STRING, STRING[, INT group]) → STRING",
           "The part that matches, or a group of it; NULL when nothing does."),
     .pattern = "ss>s?|ssi>s?", .row = row_regexp_extract, .prepare = prepare_regex},
    {REGEX("REGEXP_REPLACE", "REGEXP_REPLACE(STRING, STRING, STRING) → STRING",
           "Every part that matches replaced by the text, which is taken as it is."),
     .pattern = "sss>s", .row = row_regexp_replace, .prepare = prepare_regex},
    {REGEX("REGEXP_COUNT", "REGEXP_COUNT(STRING, STRING) → INT", "How many parts match."),
     .pattern = "ss>i?", .row = row_regexp_count, .prepare = prepare_regex},
    {REGEX("REGEXP_SUBSTR", "REGEXP_SUBSTR(STRING, STRING) → STRING",
           "The first part that matches; NULL when nothing does."),
     .pattern = "ss>s?", .row = row_regexp_extract, .prepare = prepare_regex},
    {REGEX("REGEXP_INSTR", "REGEXP_INSTR(STRING, STRING) → INT",
           "Where the first part that matches begins; 0: nowhere."),
     .pattern = "ss>i?", .row = row_regexp_instr, .prepare = prepare_regex},
};

const ps_function_family ps_family_regex = {functions, sizeof functions / sizeof functions[0]};
