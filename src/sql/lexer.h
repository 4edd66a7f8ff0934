/* Lexer: SQL text → tokens, with places.
 *
 * Tokens borrow the text. Quoted ones keep their quotes; ps_token_unquote takes them off. Comments
 * (--, //, slash-star) and blanks are skipped; a hint (slash-star-plus) is a token of its own. The
 * text must be UTF-8; every character from U+0080 on that is no blank and no typographic quote is a
 * letter.
 *
 * A lexical error is a token too, so that the parser reports whatever is wrong first.
 */
#ifndef PS_SQL_LEXER_H
#define PS_SQL_LEXER_H

#include "base/arena.h"
#include "sql/keyword.h"
#include "sql/sql_error.h"

typedef enum {
    PS_TOKEN_END,
    PS_TOKEN_ERROR,   /* problem says what */
    PS_TOKEN_WORD,    /* name or keyword */
    PS_TOKEN_QUOTED,  /* `name` */
    PS_TOKEN_STRING,  /* 'text' */
    PS_TOKEN_BINARY,  /* X'0a' */
    PS_TOKEN_INTEGER, /* 12 */
    PS_TOKEN_DECIMAL, /* 1.5, 1., .5 */
    PS_TOKEN_DOUBLE,  /* 1e3 */
    PS_TOKEN_HINT,    /* slash-star-plus; its end is PS_TOKEN_HINT_END */
    PS_TOKEN_HINT_END,
    PS_TOKEN_LEFT,  /* ( */
    PS_TOKEN_RIGHT, /* ) */
    PS_TOKEN_LEFT_SQUARE,
    PS_TOKEN_RIGHT_SQUARE,
    PS_TOKEN_LEFT_BRACE,
    PS_TOKEN_RIGHT_BRACE,
    PS_TOKEN_COMMA,
    PS_TOKEN_DOT,
    PS_TOKEN_SEMICOLON,
    PS_TOKEN_COLON,
    PS_TOKEN_EQ,
    PS_TOKEN_NE, /* <> */
    PS_TOKEN_LT,
    PS_TOKEN_LE,
    PS_TOKEN_GT,
    PS_TOKEN_GE,
    PS_TOKEN_PLUS,
    PS_TOKEN_MINUS,
    PS_TOKEN_STAR,
    PS_TOKEN_SLASH,
    PS_TOKEN_PERCENT,
    PS_TOKEN_CONCAT, /* || */
    PS_TOKEN_BAR,
    PS_TOKEN_ARROW, /* => */
    PS_TOKEN_QUESTION,
    PS_TOKEN_CARET,
    PS_TOKEN_DOLLAR,
    /* what other dialects write; the parser refuses them with a hint */
    PS_TOKEN_BANG_EQ,     /* != */
    PS_TOKEN_EQ_EQ,       /* == */
    PS_TOKEN_COLON_COLON, /* :: */
    PS_TOKEN_AND_AND      /* && */
} ps_token_kind;

typedef struct {
    ps_token_kind kind;
    ps_sql_span at;
    ps_slice text;       /* as written */
    ps_keyword keyword;  /* WORD: PS_KEYWORD_NONE for a mere name */
    const char *problem; /* ERROR: a sentence */
    const char *hint;    /* ERROR: may be NULL */
} ps_token;

typedef struct {
    ps_slice text;
    uint32_t offset, line, column; /* of the next character */
    uint32_t hint_depth;           /* 1 inside a hint */
} ps_lexer;

/* Borrows text, at most UINT32_MAX bytes. */
void ps_lexer_init(ps_lexer *lexer, ps_slice text);
/* After END it stays END. After ERROR it goes on behind the offending piece. */
ps_token ps_lexer_next(ps_lexer *lexer);

/* What a QUOTED, STRING or BINARY token means: quotes off, doubled ones halved, hexadecimal digits
 * as bytes. Zero-terminated besides. data NULL: no memory. */
ps_slice ps_token_unquote(const ps_token *token, ps_arena *arena);
/* The token as error texts name it: `SELECT`, 'text', "the end of the text"; into `out`. */
void ps_token_describe(const ps_token *token, char *out, size_t out_size);

#endif
