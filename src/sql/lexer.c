#include "sql/lexer.h"

#include <stdio.h>

void ps_lexer_init(ps_lexer *lexer, ps_slice text)
{
    PS_ASSERT(text.size < UINT32_MAX);
    ps_slice safe = text.data != NULL ? text : PS_SLICE("");
    *lexer = (ps_lexer){.text = safe, .line = 1, .column = 1};
}

/* ── characters ── */

static unsigned char at(const ps_lexer *lexer, uint32_t ahead)
{
    size_t i = (size_t)lexer->offset + ahead;
    return i < lexer->text.size ? (unsigned char)lexer->text.data[i] : 0;
}

/* Over `count` bytes; continuation bytes do not count as columns. */
static void advance(ps_lexer *lexer, uint32_t count)
{
    for (uint32_t i = 0; i < count && lexer->offset < lexer->text.size; i++) {
        unsigned char c = (unsigned char)lexer->text.data[lexer->offset++];
        if (c == '\n') {
            lexer->line++;
            lexer->column = 1;
        } else if ((c & 0xC0) != 0x80) {
            lexer->column++;
        }
    }
}

/* The rest of the character that the position is in the middle of. */
static void advance_to_boundary(ps_lexer *lexer)
{
    while ((at(lexer, 0) & 0xC0) == 0x80) {
        advance(lexer, 1);
    }
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static bool is_name_part(unsigned char c)
{
    return is_letter(c) || is_digit(c) || c == '$';
}

/* The size of a blank at the position: ASCII blanks, byte order mark; 0: no blank. */
static uint32_t blank_size(const ps_lexer *lexer)
{
    unsigned char c = at(lexer, 0);
    if (c == ' ' || (c >= '\t' && c <= '\r')) {
        return 1;
    }
    return c == 0xEF && at(lexer, 1) == 0xBB && at(lexer, 2) == 0xBF ? 3 : 0;
}

/* U+00A0, U+2000–U+200F, U+2018–U+201F, U+3000: look like blanks or quotes and are neither. */
static const char *lookalike(const ps_lexer *lexer, uint32_t *out_size)
{
    unsigned char a = at(lexer, 0), b = at(lexer, 1), c = at(lexer, 2);
    *out_size = a == 0xC2 ? 2 : 3;
    if (a == 0xC2 && b == 0xA0) {
        return "replace this no-break space by a blank";
    }
    if ((a == 0xE2 && b == 0x80 && c <= 0x8F) || (a == 0xE3 && b == 0x80 && c == 0x80)) {
        return "replace this special space by a blank";
    }
    if (a == 0xE2 && b == 0x80 && c >= 0x98 && c <= 0x9F) {
        return "use straight quotes: '…' for text, `…` for names";
    }
    return NULL;
}

/* ── blanks and comments ── */

static void skip_line(ps_lexer *lexer)
{
    while (lexer->offset < lexer->text.size && at(lexer, 0) != '\n') {
        advance(lexer, 1);
    }
}

/* False: the comment does not end. */
static bool skip_block(ps_lexer *lexer)
{
    advance(lexer, 2);
    while (lexer->offset < lexer->text.size) {
        if (at(lexer, 0) == '*' && at(lexer, 1) == '/') {
            advance(lexer, 2);
            return true;
        }
        advance(lexer, 1);
    }
    return false;
}

static bool is_block_comment(const ps_lexer *lexer)
{
    return at(lexer, 0) == '/' && at(lexer, 1) == '*' &&
           !(at(lexer, 2) == '+' && lexer->hint_depth == 0);
}

/* False: a comment that does not end; the position is the end of the text then. */
static bool skip_blanks(ps_lexer *lexer)
{
    for (;;) {
        uint32_t blank = blank_size(lexer);
        if (blank > 0 && lexer->offset < lexer->text.size) {
            advance(lexer, blank);
        } else if ((at(lexer, 0) == '-' && at(lexer, 1) == '-') ||
                   (at(lexer, 0) == '/' && at(lexer, 1) == '/')) {
            skip_line(lexer);
        } else if (is_block_comment(lexer)) {
            if (!skip_block(lexer)) {
                return false;
            }
        } else {
            return true;
        }
    }
}

/* ── tokens ── */

static ps_sql_span position(const ps_lexer *lexer)
{
    return (ps_sql_span){lexer->offset, lexer->offset, lexer->line, lexer->column};
}

static ps_token finish(const ps_lexer *lexer, ps_sql_span from, ps_token_kind kind)
{
    from.end = lexer->offset;
    return (ps_token){.kind = kind,
                      .at = from,
                      .text = {lexer->text.data + from.offset, from.end - from.offset},
                      .keyword = PS_KEYWORD_NONE};
}

static ps_token fail(const ps_lexer *lexer, ps_sql_span from, const char *problem, const char *hint)
{
    ps_token token = finish(lexer, from, PS_TOKEN_ERROR);
    token.problem = problem;
    token.hint = hint;
    return token;
}

/* Over a quoted piece, doubled quotes included; false: it does not end. */
static bool skip_quoted(ps_lexer *lexer, unsigned char quote)
{
    advance(lexer, 1);
    while (lexer->offset < lexer->text.size) {
        if (at(lexer, 0) != quote) {
            advance(lexer, 1);
        } else if (at(lexer, 1) == quote) {
            advance(lexer, 2);
        } else {
            advance(lexer, 1);
            return true;
        }
    }
    return false;
}

static ps_token read_string(ps_lexer *lexer, ps_sql_span from)
{
    if (!skip_quoted(lexer, '\'')) {
        return fail(lexer, from, "this string does not end",
                    "a quote inside a string is doubled: ''");
    }
    return finish(lexer, from, PS_TOKEN_STRING);
}

static ps_token read_quoted(ps_lexer *lexer, ps_sql_span from)
{
    if (!skip_quoted(lexer, '`')) {
        return fail(lexer, from, "this quoted name does not end", NULL);
    }
    if (lexer->offset - from.offset == 2) {
        return fail(lexer, from, "a name cannot be empty", NULL);
    }
    return finish(lexer, from, PS_TOKEN_QUOTED);
}

static bool is_hex(unsigned char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static ps_token read_binary(ps_lexer *lexer, ps_sql_span from)
{
    advance(lexer, 1);
    if (!skip_quoted(lexer, '\'')) {
        return fail(lexer, from, "this binary string does not end", NULL);
    }
    ps_token token = finish(lexer, from, PS_TOKEN_BINARY);
    for (size_t i = 2; i + 1 < token.text.size; i++) {
        if (!is_hex((unsigned char)token.text.data[i])) {
            return fail(lexer, from, "a binary string has hexadecimal digits only", NULL);
        }
    }
    if (token.text.size % 2 == 1) {
        return token;
    }
    return fail(lexer, from, "a binary string needs two hexadecimal digits for each byte", NULL);
}

static void skip_digits(ps_lexer *lexer)
{
    while (is_digit(at(lexer, 0))) {
        advance(lexer, 1);
    }
}

static ps_token read_number(ps_lexer *lexer, ps_sql_span from)
{
    ps_token_kind kind = PS_TOKEN_INTEGER;
    skip_digits(lexer);
    if (at(lexer, 0) == '.') {
        kind = PS_TOKEN_DECIMAL;
        advance(lexer, 1);
        skip_digits(lexer);
    }
    if (at(lexer, 0) == 'e' || at(lexer, 0) == 'E') {
        uint32_t sign = at(lexer, 1) == '+' || at(lexer, 1) == '-' ? 1 : 0;
        if (is_digit(at(lexer, 1 + sign))) {
            kind = PS_TOKEN_DOUBLE;
            advance(lexer, 1 + sign);
            skip_digits(lexer);
        }
    }
    if (!is_name_part(at(lexer, 0))) {
        return finish(lexer, from, kind);
    }
    while (is_name_part(at(lexer, 0))) {
        advance(lexer, 1);
    }
    return fail(lexer, from, "a number runs into a name here",
                "put a blank between them, or quote the name with backticks");
}

static ps_token read_word(ps_lexer *lexer, ps_sql_span from)
{
    uint32_t ignored;
    while (is_name_part(at(lexer, 0)) && lookalike(lexer, &ignored) == NULL) {
        advance(lexer, 1);
    }
    ps_token token = finish(lexer, from, PS_TOKEN_WORD);
    token.keyword = ps_keyword_find(token.text);
    return token;
}

typedef struct {
    char text[3];
    ps_token_kind kind;
} sign;

/* Longer ones first. */
static const sign signs[] = {
    {"<>", PS_TOKEN_NE},          {"<=", PS_TOKEN_LE},          {">=", PS_TOKEN_GE},
    {"!=", PS_TOKEN_BANG_EQ},     {"==", PS_TOKEN_EQ_EQ},       {"=>", PS_TOKEN_ARROW},
    {"||", PS_TOKEN_CONCAT},      {"::", PS_TOKEN_COLON_COLON}, {"&&", PS_TOKEN_AND_AND},
    {"(", PS_TOKEN_LEFT},         {")", PS_TOKEN_RIGHT},        {"[", PS_TOKEN_LEFT_SQUARE},
    {"]", PS_TOKEN_RIGHT_SQUARE}, {"{", PS_TOKEN_LEFT_BRACE},   {"}", PS_TOKEN_RIGHT_BRACE},
    {",", PS_TOKEN_COMMA},        {".", PS_TOKEN_DOT},          {";", PS_TOKEN_SEMICOLON},
    {":", PS_TOKEN_COLON},        {"=", PS_TOKEN_EQ},           {"<", PS_TOKEN_LT},
    {">", PS_TOKEN_GT},           {"+", PS_TOKEN_PLUS},         {"-", PS_TOKEN_MINUS},
    {"*", PS_TOKEN_STAR},         {"/", PS_TOKEN_SLASH},        {"%", PS_TOKEN_PERCENT},
    {"|", PS_TOKEN_BAR},          {"?", PS_TOKEN_QUESTION},     {"^", PS_TOKEN_CARET},
    {"$", PS_TOKEN_DOLLAR},
};

static ps_token read_sign(ps_lexer *lexer, ps_sql_span from)
{
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        const char *text = signs[i].text;
        if (at(lexer, 0) == (unsigned char)text[0] &&
            (text[1] == 0 || at(lexer, 1) == (unsigned char)text[1])) {
            advance(lexer, text[1] == 0 ? 1 : 2);
            return finish(lexer, from, signs[i].kind);
        }
    }
    bool is_double_quote = at(lexer, 0) == '"';
    advance(lexer, 1);
    advance_to_boundary(lexer);
    return fail(lexer, from, "this character has no meaning in SQL",
                is_double_quote ? "text stands in '…', names in `…`" : NULL);
}

static ps_token read_lookalike(ps_lexer *lexer, ps_sql_span from, const char *hint, uint32_t size)
{
    advance(lexer, size);
    return fail(lexer, from, "this character has no meaning in SQL", hint);
}

ps_token ps_lexer_next(ps_lexer *lexer)
{
    if (!skip_blanks(lexer)) {
        ps_token token = fail(lexer, position(lexer), "a comment does not end", NULL);
        return token;
    }
    ps_sql_span from = position(lexer);
    if (lexer->offset >= lexer->text.size) {
        return finish(lexer, from, PS_TOKEN_END);
    }
    unsigned char c = at(lexer, 0);
    uint32_t size;
    const char *hint = lookalike(lexer, &size);
    if (hint != NULL) {
        return read_lookalike(lexer, from, hint, size);
    }
    if (c == '\'') {
        return read_string(lexer, from);
    }
    if (c == '`') {
        return read_quoted(lexer, from);
    }
    if ((c == 'x' || c == 'X') && at(lexer, 1) == '\'') {
        return read_binary(lexer, from);
    }
    if (is_digit(c) || (c == '.' && is_digit(at(lexer, 1)))) {
        return read_number(lexer, from);
    }
    if (is_letter(c) || (c == '$' && is_name_part(at(lexer, 1)))) {
        return read_word(lexer, from);
    }
    if (c == '/' && at(lexer, 1) == '*' && at(lexer, 2) == '+') {
        advance(lexer, 3);
        lexer->hint_depth = 1;
        return finish(lexer, from, PS_TOKEN_HINT);
    }
    if (c == '*' && at(lexer, 1) == '/' && lexer->hint_depth > 0) {
        advance(lexer, 2);
        lexer->hint_depth = 0;
        return finish(lexer, from, PS_TOKEN_HINT_END);
    }
    return read_sign(lexer, from);
}

/* ── what tokens mean ── */

static unsigned char hex_value(char c)
{
    if (is_digit((unsigned char)c)) {
        return (unsigned char)(c - '0');
    }
    return (unsigned char)((c | 0x20) - 'a' + 10);
}

ps_slice ps_token_unquote(const ps_token *token, ps_arena *arena)
{
    ps_slice text = token->text;
    char *out = ps_arena_take(arena, text.size + 1);
    if (out == NULL) {
        return (ps_slice){0};
    }
    size_t size = 0;
    if (token->kind == PS_TOKEN_BINARY) {
        for (size_t i = 2; i + 2 < text.size; i += 2) {
            out[size++] = (char)(hex_value(text.data[i]) << 4 | hex_value(text.data[i + 1]));
        }
        return (ps_slice){out, size};
    }
    PS_ASSERT(token->kind == PS_TOKEN_STRING || token->kind == PS_TOKEN_QUOTED);
    for (size_t i = 1; i + 1 < text.size; i++) {
        out[size++] = text.data[i];
        if (text.data[i] == text.data[0]) {
            i++; /* of a pair */
        }
    }
    return (ps_slice){out, size};
}

void ps_token_describe(const ps_token *token, char *out, size_t out_size)
{
    if (token->kind == PS_TOKEN_END) {
        snprintf(out, out_size, "the end of the text");
        return;
    }
    enum { SHOWN_MAX = 40 };
    size_t size = token->text.size;
    const char *dots = "";
    if (size > SHOWN_MAX) {
        size = SHOWN_MAX;
        while (size > 0 && ((unsigned char)token->text.data[size] & 0xC0) == 0x80) {
            size--;
        }
        dots = "…";
    }
    bool is_quoted = token->kind == PS_TOKEN_STRING || token->kind == PS_TOKEN_QUOTED;
    const char *quote = is_quoted ? "" : "`";
    snprintf(out, out_size, "%s%.*s%s%s", quote, (int)size, token->text.data, dots, quote);
}
