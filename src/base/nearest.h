/* Nearest word: what someone probably meant, for "did you mean …?". */
#ifndef PS_BASE_NEAREST_H
#define PS_BASE_NEAREST_H

#include <stddef.h>

/* The nearest of `words` (NULL-terminated) by edit distance ≤ 3, or NULL. */
const char *ps_nearest_word(const char *text, const char *const *words);

#endif
