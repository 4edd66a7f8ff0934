/* Shell input: where a statement ends in what was typed so far, and what a word could go on as.
 * Pure: knows no terminal. */
#ifndef PS_CLI_SHELL_INPUT_H
#define PS_CLI_SHELL_INPUT_H

#include "base/arena.h"
#include "base/bytes.h"

/* Bytes up to and with the semicolon that ends the first statement of text; 0: it goes on.
 * Semicolons in quotes, backticks and comments end nothing, nor do those of a statement set but the
 * one behind its END. */
size_t ps_statement_end(ps_slice text);
/* Nothing but blanks and comments. */
bool ps_statement_is_blank(ps_slice text);

/* The word that ends at the end of line: letters, digits, _ and $. */
ps_slice ps_completion_word(ps_slice line);

/* Words that a word may become; each is added once. */
typedef struct {
    ps_arena *arena;
    uint32_t count, capacity;
    ps_slice *words; /* in order of adding */
} ps_word_list;
enum { PS_WORDS_MAX = 4096 };

/* Adds a copy, unless it is there. Past PS_WORDS_MAX and without memory words are left out: a
 * completion less is no fault. */
void ps_word_list_add(ps_word_list *list, ps_slice word);
/* Those of `from` that begin as `typed` does, letters of either case alike. as_typed: lower case
 * when typed is. */
void ps_word_list_match(const ps_word_list *from, ps_slice typed, bool as_typed, ps_word_list *out);
/* How many bytes all words have in common at their start. */
size_t ps_word_list_common(const ps_word_list *list);

#endif
