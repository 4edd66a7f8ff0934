#include "cli/shell_input.h"

#include <ctype.h>
#include <strings.h>

/* ── statements ── */

/* Behind the quoted text that begins at `at`; text.size: it does not end. A doubled quote is two
 * quoted texts side by side: the same. */
static size_t skip_quoted(ps_slice text, size_t at)
{
    char quote = text.data[at++];
    while (at < text.size && text.data[at] != quote) {
        at++;
    }
    return at < text.size ? at + 1 : at;
}

/* Behind a comment that begins at `at`, else `at`. *out_is_open: it does not end. */
static size_t skip_comment(ps_slice text, size_t at, bool *out_is_open)
{
    *out_is_open = false;
    if (at + 1 >= text.size) {
        return at;
    }
    if (text.data[at] == '-' && text.data[at + 1] == '-') {
        while (at < text.size && text.data[at] != '\n') {
            at++;
        }
        return at;
    }
    if (text.data[at] != '/' || text.data[at + 1] != '*') {
        return at;
    }
    for (at += 2; at + 1 < text.size; at++) {
        if (text.data[at] == '*' && text.data[at + 1] == '/') {
            return at + 2;
        }
    }
    *out_is_open = true;
    return text.size;
}

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (c & 0x80) != 0;
}

static bool is_word(ps_slice word, const char *wanted)
{
    return word.size == strlen(wanted) && strncasecmp(word.data, wanted, word.size) == 0;
}

/* The words at the start of a statement decide whether it is a set: [EXECUTE] [BEGIN] STATEMENT
 * SET. */
typedef struct {
    bool has_other;    /* a word that begins no set came first */
    bool is_statement; /* STATEMENT was the newest word */
    bool is_set;
    bool was_end; /* END was the newest word or sign */
} set_state;

static void set_state_take(set_state *state, ps_slice word)
{
    if (!state->has_other && !state->is_set) {
        if (state->is_statement && is_word(word, "SET")) {
            state->is_set = true;
        } else {
            state->is_statement = is_word(word, "STATEMENT");
            state->has_other =
                !state->is_statement && !is_word(word, "EXECUTE") && !is_word(word, "BEGIN");
        }
    }
    state->was_end = is_word(word, "END");
}

size_t ps_statement_end(ps_slice text)
{
    set_state state = {0};
    size_t at = 0;
    while (at < text.size) {
        bool is_open;
        size_t behind = skip_comment(text, at, &is_open);
        char c = text.data[at];
        if (is_open) {
            return 0;
        }
        if (behind != at) {
            at = behind;
        } else if (c == '\'' || c == '"' || c == '`') {
            at = skip_quoted(text, at);
            state.was_end = false;
        } else if (is_word_char(c)) {
            size_t start = at;
            while (at < text.size && is_word_char(text.data[at])) {
                at++;
            }
            set_state_take(&state, ps_slice_of(text.data + start, at - start));
        } else if (c == ';' && (!state.is_set || state.was_end)) {
            return at + 1;
        } else {
            state.was_end = state.was_end && isspace((unsigned char)c);
            at++;
        }
    }
    return 0;
}

bool ps_statement_is_blank(ps_slice text)
{
    for (size_t at = 0; at < text.size;) {
        bool is_open;
        size_t behind = skip_comment(text, at, &is_open);
        if (is_open || (behind == at && !isspace((unsigned char)text.data[at]))) {
            return false;
        }
        at = behind != at ? behind : at + 1;
    }
    return true;
}

/* ── completion ── */

ps_slice ps_completion_word(ps_slice line)
{
    size_t start = line.size;
    while (start > 0 && is_word_char(line.data[start - 1])) {
        start--;
    }
    return ps_slice_of(line.data + start, line.size - start);
}

void ps_word_list_add(ps_word_list *list, ps_slice word)
{
    if (list->words == NULL) {
        list->words = ps_arena_take(list->arena, PS_WORDS_MAX * sizeof *list->words);
        list->capacity = list->words != NULL ? PS_WORDS_MAX : 0;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        if (ps_slice_equal(list->words[i], word)) {
            return;
        }
    }
    char *copy =
        list->count < list->capacity ? ps_arena_copy(list->arena, word.data, word.size) : NULL;
    if (copy != NULL) {
        list->words[list->count++] = ps_slice_of(copy, word.size);
    }
}

static bool has_upper(ps_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (isupper((unsigned char)text.data[i])) {
            return true;
        }
    }
    return false;
}

void ps_word_list_match(const ps_word_list *from, ps_slice typed, bool as_typed, ps_word_list *out)
{
    bool is_lower = as_typed && !has_upper(typed);
    for (uint32_t i = 0; i < from->count; i++) {
        ps_slice word = from->words[i];
        char lower[64];
        if (word.size < typed.size || strncasecmp(word.data, typed.data, typed.size) != 0) {
            continue;
        }
        if (is_lower && word.size < sizeof lower) {
            for (size_t k = 0; k < word.size; k++) {
                lower[k] = (char)tolower((unsigned char)word.data[k]);
            }
            word = ps_slice_of(lower, word.size);
        }
        ps_word_list_add(out, word);
    }
}

size_t ps_word_list_common(const ps_word_list *list)
{
    size_t common = list->count > 0 ? list->words[0].size : 0;
    for (uint32_t i = 1; i < list->count; i++) {
        size_t size = 0;
        while (size < common && size < list->words[i].size &&
               list->words[i].data[size] == list->words[0].data[size]) {
            size++;
        }
        common = size;
    }
    return common;
}
