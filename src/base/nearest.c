#include "base/nearest.h"

#include <string.h>

enum { WORD_MAX = 64, NEAREST_DISTANCE_MAX = 3 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein distance (V. Levenshtein, 1966) of two short words; WORD_MAX when one is too long. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t a_size = strlen(a);
    size_t b_size = strlen(b);
    size_t row[WORD_MAX + 1];
    if (a_size > WORD_MAX || b_size > WORD_MAX) {
        return WORD_MAX;
    }
    for (size_t j = 0; j <= b_size; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a_size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t replace = diagonal + (a[i - 1] != b[j - 1] ? 1 : 0);
            diagonal = row[j];
            row[j] = smaller(replace, smaller(row[j], row[j - 1]) + 1);
        }
    }
    return row[b_size];
}

const char *ps_nearest_word(const char *text, const char *const *words)
{
    const char *nearest = NULL;
    size_t best = NEAREST_DISTANCE_MAX + 1;
    for (size_t i = 0; words[i] != NULL; i++) {
        size_t distance = edit_distance(text, words[i]);
        if (distance < best && distance < strlen(words[i])) {
            best = distance;
            nearest = words[i];
        }
    }
    return nearest;
}
