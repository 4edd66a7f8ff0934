#define PCRE2_CODE_UNIT_WIDTH 8
#include "expr/regex.h"

#include <pcre2.h>
#include <stdlib.h>

enum { MATCH_LIMIT = 1000000, DEPTH_LIMIT = 100000 };

struct ps_regex {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *context;
    uint32_t group_count;
};

/* ── what is refused ── */

static const char *refused_group(ps_slice p, size_t at)
{
    ps_slice rest = ps_slice_of(p.data + at, p.size - at);
    if (ps_slice_has_prefix(rest, PS_SLICE("(?=")) || ps_slice_has_prefix(rest, PS_SLICE("(?!")) ||
        ps_slice_has_prefix(rest, PS_SLICE("(?<=")) ||
        ps_slice_has_prefix(rest, PS_SLICE("(?<!"))) {
        return "lookaround";
    }
    if (ps_slice_has_prefix(rest, PS_SLICE("(*"))) {
        return "a verb (*…)";
    }
    if (rest.size > 2 && rest.data[1] == '?' && strchr("R&P|(+0123456789C", rest.data[2]) != NULL) {
        return "a group that Java does not know";
    }
    return NULL;
}

static const char *refused_escape(ps_slice p, size_t at, bool in_class)
{
    char next = at + 1 < p.size ? p.data[at + 1] : '\0';
    if (!in_class && ((next >= '1' && next <= '9') || next == 'k' || next == 'g')) {
        return "a back reference";
    }
    return next == 'C' || next == 'K' ? "an escape that Java does not know" : NULL;
}

/* The first thing that is refused; NULL: nothing. */
static const char *find_refused(ps_slice p)
{
    bool in_class = false;
    for (size_t at = 0; at < p.size; at++) {
        const char *what = NULL;
        char c = p.data[at];
        if (c == '\\') {
            ps_slice rest = ps_slice_of(p.data + at, p.size - at);
            if (ps_slice_has_prefix(rest, PS_SLICE("\\Q"))) {
                const char *end = memmem(rest.data, rest.size, "\\E", 2);
                at = end != NULL ? (size_t)(end - p.data) + 1 : p.size;
                continue;
            }
            what = refused_escape(p, at, in_class);
            at++;
        } else if (in_class) {
            in_class = c != ']';
            what = c == '&' && at + 1 < p.size && p.data[at + 1] == '&' ? "&& in a class" : NULL;
            what = c == '[' && (at + 1 >= p.size || p.data[at + 1] != ':') ? "a class in a class"
                                                                           : what;
        } else if (c == '[') {
            in_class = true;
            at += at + 1 < p.size && p.data[at + 1] == '^' ? 1 : 0;
            at += at + 1 < p.size && p.data[at + 1] == ']' ? 1 : 0;
        } else if (c == '(') {
            what = refused_group(p, at);
        }
        if (what != NULL) {
            return what;
        }
    }
    return NULL;
}

/* ── Java's names of classes ── */

static const struct {
    const char *java, *posix;
} class_names[] = {
    {"\\p{Lower}", "[:lower:]"}, {"\\p{Upper}", "[:upper:]"},    {"\\p{ASCII}", "[:ascii:]"},
    {"\\p{Alpha}", "[:alpha:]"}, {"\\p{Digit}", "[:digit:]"},    {"\\p{Alnum}", "[:alnum:]"},
    {"\\p{Punct}", "[:punct:]"}, {"\\p{Graph}", "[:graph:]"},    {"\\p{Print}", "[:print:]"},
    {"\\p{Blank}", "[:blank:]"}, {"\\p{Cntrl}", "[:cntrl:]"},    {"\\p{XDigit}", "[:xdigit:]"},
    {"\\p{Space}", "[:space:]"}, {"\\p{IsAlphabetic}", "\\p{L}"}};

static void append_class(ps_buf *out, const char *posix, bool in_class)
{
    bool is_posix = posix[0] == '[' && !in_class;
    ps_buf_append_text(out, is_posix ? "[" : "");
    ps_buf_append_text(out, posix);
    ps_buf_append_text(out, is_posix ? "]" : "");
}

/* \p{Lower} … as PCRE2 says it. */
static void translate(ps_slice p, ps_buf *out)
{
    bool in_class = false;
    for (size_t at = 0; at < p.size;) {
        ps_slice rest = ps_slice_of(p.data + at, p.size - at);
        size_t used = rest.data[0] == '\\' && rest.size > 1 ? 2 : 1;
        const char *posix = NULL;
        for (size_t i = 0; i < sizeof class_names / sizeof class_names[0]; i++) {
            if (ps_slice_has_prefix(rest, ps_slice_text(class_names[i].java))) {
                posix = class_names[i].posix;
                used = strlen(class_names[i].java);
            }
        }
        if (posix != NULL) {
            append_class(out, posix, in_class);
        } else {
            ps_buf_append(out, rest.data, used);
        }
        if (used == 1) {
            in_class = in_class ? rest.data[0] != ']' : rest.data[0] == '[';
        }
        at += used;
    }
}

/* ── compiling ── */

static pcre2_code *compile_text(ps_slice text, int *out_number, size_t *out_offset)
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (context == NULL) {
        *out_number = PCRE2_ERROR_NOMEMORY;
        return NULL;
    }
    pcre2_set_newline(context, PCRE2_NEWLINE_ANYCRLF);
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)text.data, text.size,
                                     PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C,
                                     out_number, out_offset, context);
    pcre2_compile_context_free(context);
    return code;
}

static ps_code finish_regex(ps_regex *regex, ps_error *err)
{
    regex->match = pcre2_match_data_create_from_pattern(regex->code, NULL);
    regex->context = pcre2_match_context_create(NULL);
    if (regex->match == NULL || regex->context == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a regular expression");
    }
    pcre2_set_match_limit(regex->context, MATCH_LIMIT);
    pcre2_set_depth_limit(regex->context, DEPTH_LIMIT);
    pcre2_pattern_info(regex->code, PCRE2_INFO_CAPTURECOUNT, &regex->group_count);
    (void)pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE); /* without it: slower, the same */
    return PS_OK;
}

ps_code ps_regex_new(ps_slice pattern, ps_regex **out, ps_error *err)
{
    const char *refused = find_refused(pattern);
    if (refused != NULL) {
        return ps_error_set(err, PS_E_UNSUPPORTED,
                            "the regular expression has %s, which is not supported", refused);
    }
    ps_regex *regex = calloc(1, sizeof *regex);
    ps_buf text;
    ps_buf_init(&text, 2 * PS_REGEX_SIZE_MAX);
    translate(pattern, &text);
    if (regex == NULL || text.failed || pattern.size > PS_REGEX_SIZE_MAX) {
        ps_buf_release(&text);
        free(regex);
        return ps_error_set(err, PS_E_LIMIT, "a regular expression of %zu bytes is too long",
                            pattern.size);
    }
    int number = 0;
    size_t offset = 0;
    ps_slice compiled = text.size > 0 ? ps_buf_slice(&text) : PS_SLICE("");
    regex->code = compile_text(compiled, &number, &offset);
    ps_buf_release(&text);
    if (regex->code == NULL) {
        PCRE2_UCHAR message[120] = "";
        pcre2_get_error_message(number, message, sizeof message);
        free(regex);
        return ps_error_set(err, PS_E_INVALID, "the regular expression is wrong at byte %zu: %s",
                            offset, (const char *)message);
    }
    ps_code code = finish_regex(regex, err);
    if (code != PS_OK) {
        ps_regex_free(regex);
        return code;
    }
    *out = regex;
    return PS_OK;
}

void ps_regex_free(ps_regex *regex)
{
    if (regex == NULL) {
        return;
    }
    pcre2_match_context_free(regex->context);
    pcre2_match_data_free(regex->match);
    pcre2_code_free(regex->code);
    free(regex);
}

uint32_t ps_regex_group_count(const ps_regex *regex)
{
    return regex->group_count;
}

ps_code ps_regex_search(ps_regex *regex, ps_slice text, size_t from, bool *out_found, ps_error *err)
{
    const char *data = text.data != NULL ? text.data : "";
    int found = pcre2_match(regex->code, (PCRE2_SPTR)data, text.size, from, 0, regex->match,
                            regex->context);
    if (found < 0 && found != PCRE2_ERROR_NOMATCH) {
        return ps_error_set(err, PS_E_LIMIT,
                            "a regular expression needs too many steps for a text of %zu bytes",
                            text.size);
    }
    *out_found = found > 0;
    return PS_OK;
}

bool ps_regex_group(const ps_regex *regex, uint32_t group, size_t *out_from, size_t *out_to)
{
    const size_t *places = pcre2_get_ovector_pointer(regex->match);
    if (group > regex->group_count || places[2 * group] == PCRE2_UNSET) {
        return false;
    }
    *out_from = places[2 * group];
    *out_to = places[2 * group + 1];
    return true;
}
