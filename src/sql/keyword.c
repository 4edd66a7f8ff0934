#include "sql/keyword.h"

#include <assert.h>
#include <strings.h>

typedef struct {
    const char *text;
    uint8_t size;
    uint8_t class; /* ps_keyword_class */
} keyword_row;

#define RESERVED(word) {#word, sizeof #word - 1, PS_KEYWORD_RESERVED},
#define FUNCTION(word) {#word, sizeof #word - 1, PS_KEYWORD_FUNCTION},
#define CONTEXT(word) {#word, sizeof #word - 1, PS_KEYWORD_CONTEXT},
#define WORD(word) {#word, sizeof #word - 1, PS_KEYWORD_WORD},

static const keyword_row keywords[] = {PS_KEYWORDS(RESERVED, FUNCTION, CONTEXT, WORD)};

static_assert(sizeof keywords / sizeof keywords[0] == PS_KEYWORD_TOTAL, "one row per word");

/* By bytes without case, the shorter of two with one prefix first: the order of the table. */
static int compare(ps_slice word, const keyword_row *with)
{
    size_t common = word.size < with->size ? word.size : with->size;
    int order = strncasecmp(word.data, with->text, common);
    if (order != 0) {
        return order;
    }
    return word.size < with->size ? -1 : word.size > with->size ? 1 : 0;
}

ps_keyword ps_keyword_find(ps_slice word)
{
    size_t low = 0, high = PS_KEYWORD_TOTAL;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = compare(word, &keywords[middle]);
        if (order == 0) {
            return (ps_keyword)middle;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return PS_KEYWORD_NONE;
}

const char *ps_keyword_text(ps_keyword keyword)
{
    PS_ASSERT(keyword < PS_KEYWORD_TOTAL);
    return keywords[keyword].text;
}

ps_keyword_class ps_keyword_class_of(ps_keyword keyword)
{
    PS_ASSERT(keyword < PS_KEYWORD_TOTAL);
    return (ps_keyword_class)keywords[keyword].class;
}

bool ps_keyword_is_reserved(ps_keyword keyword)
{
    return keyword != PS_KEYWORD_NONE && ps_keyword_class_of(keyword) != PS_KEYWORD_WORD;
}
