/* Tokens, names, errors and the public face of the parser. */
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "sql/parser_internal.h"

/* ── memory ── */

void *ps_parser_take(ps_parser *parser, size_t size)
{
    void *memory = ps_arena_take(parser->arena, size);
    if (memory == NULL) {
        ps_parser_fail(parser, PS_E_LIMIT, parser->last,
                       "the statement needs more memory than is allowed");
    }
    return memory;
}

void *ps_parser_push(ps_parser *parser, void *items, uint32_t count, size_t item_size)
{
    bool is_full = (count & (count - 1)) == 0; /* room is always a power of two */
    if (!is_full) {
        return items;
    }
    size_t capacity = count == 0 ? 1 : (size_t)count * 2;
    void *more = ps_parser_take(parser, capacity * item_size);
    if (more != NULL && count > 0) {
        memcpy(more, items, count * item_size);
    }
    return more;
}

bool ps_parser_push_expr(ps_parser *parser, ps_ast_exprs *list, ps_ast_expr *expr)
{
    ps_ast_expr **items = ps_parser_push(parser, list->items, list->count, sizeof *items);
    if (items == NULL) {
        return false;
    }
    items[list->count++] = expr;
    list->items = items;
    return true;
}

bool ps_parser_push_name(ps_parser *parser, ps_ast_names *list, ps_ast_name name)
{
    ps_ast_name *items = ps_parser_push(parser, list->items, list->count, sizeof *items);
    if (items == NULL) {
        return false;
    }
    items[list->count++] = name;
    list->items = items;
    return true;
}

/* ── tokens ── */

/* Makes the window hold `count` tokens from the current one on; false: no memory, error set. */
static bool window_fill(ps_parser *parser, uint32_t count)
{
    while (parser->token_count - parser->position < count) {
        if (parser->token_count == parser->token_capacity) {
            uint32_t capacity = parser->token_capacity * 2;
            ps_token *more = ps_parser_take(parser, capacity * sizeof *more);
            if (more == NULL) {
                return false;
            }
            memcpy(more, parser->tokens, parser->token_count * sizeof *more);
            parser->tokens = more;
            parser->token_capacity = capacity;
        }
        parser->tokens[parser->token_count++] = ps_lexer_next(&parser->lexer);
    }
    return true;
}

static const ps_token no_token = {.kind = PS_TOKEN_END, .keyword = PS_KEYWORD_NONE};

const ps_token *ps_parser_peek(ps_parser *parser, uint32_t ahead)
{
    /* without memory the text seems to end: every rule stops then */
    return window_fill(parser, ahead + 1) ? &parser->tokens[parser->position + ahead] : &no_token;
}

/* Forgets the tokens that are taken. */
static void window_trim(ps_parser *parser)
{
    parser->token_count -= parser->position;
    memmove(parser->tokens, parser->tokens + parser->position,
            parser->token_count * sizeof *parser->tokens);
    parser->position = 0;
}

enum { TRIM_AT = 256 };

/* What peek returned before is not valid behind this. */
ps_token ps_parser_advance(ps_parser *parser)
{
    ps_token token = *ps_parser_peek(parser, 0);
    if (token.kind != PS_TOKEN_END) {
        parser->position++;
        parser->last = token.at;
        if (parser->position >= TRIM_AT) {
            window_trim(parser);
        }
    }
    return token;
}

bool ps_parser_is(ps_parser *parser, ps_token_kind kind)
{
    return ps_parser_peek(parser, 0)->kind == kind;
}

bool ps_parser_is_word_at(ps_parser *parser, uint32_t ahead, ps_keyword keyword)
{
    return ps_parser_peek(parser, ahead)->keyword == keyword;
}

bool ps_parser_is_word(ps_parser *parser, ps_keyword keyword)
{
    return ps_parser_is_word_at(parser, 0, keyword);
}

bool ps_parser_is_text(ps_parser *parser, uint32_t ahead, const char *text)
{
    const ps_token *token = ps_parser_peek(parser, ahead);
    return token->kind == PS_TOKEN_WORD && token->text.size == strlen(text) &&
           strncasecmp(token->text.data, text, token->text.size) == 0;
}

bool ps_parser_accept(ps_parser *parser, ps_token_kind kind)
{
    if (!ps_parser_is(parser, kind)) {
        return false;
    }
    ps_parser_advance(parser);
    return true;
}

bool ps_parser_accept_word(ps_parser *parser, ps_keyword keyword)
{
    if (!ps_parser_is_word(parser, keyword)) {
        return false;
    }
    ps_parser_advance(parser);
    return true;
}

bool ps_parser_accept_words(ps_parser *parser, ps_keyword first, ps_keyword second)
{
    if (!ps_parser_is_word(parser, first) || !ps_parser_is_word_at(parser, 1, second)) {
        return false;
    }
    ps_parser_advance(parser);
    ps_parser_advance(parser);
    return true;
}

bool ps_parser_expect(ps_parser *parser, ps_token_kind kind, const char *what)
{
    return ps_parser_accept(parser, kind) || ps_parser_unexpected(parser, what);
}

bool ps_parser_expect_word(ps_parser *parser, ps_keyword keyword)
{
    return ps_parser_accept_word(parser, keyword) ||
           ps_parser_unexpected(parser, ps_keyword_text(keyword));
}

ps_sql_span ps_parser_span(const ps_parser *parser, ps_sql_span from)
{
    if (parser->last.end > from.offset) {
        from.end = parser->last.end;
    }
    return from;
}

ps_sql_span ps_parser_here(ps_parser *parser)
{
    return ps_parser_peek(parser, 0)->at;
}

/* ── errors ── */

bool ps_parser_fail(ps_parser *parser, ps_code code, ps_sql_span at, const char *format, ...)
{
    if (parser->error.code != PS_OK) {
        return false;
    }
    char text[PS_SQL_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ps_sql_error_set(&parser->error, code, at, "%s", text);
    return false;
}

bool ps_parser_hint(ps_parser *parser, const char *format, ...)
{
    PS_ASSERT(parser->error.code != PS_OK);
    if (parser->error.hint[0] != 0) {
        return false;
    }
    char text[PS_SQL_ERROR_HINT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ps_sql_error_hint(&parser->error, "%s", text);
    return false;
}

/* What people write out of habit from other dialects; NULL: nothing of that kind. */
static const char *dialect_hint(ps_token_kind kind)
{
    static const struct {
        ps_token_kind kind;
        const char *hint;
    } hints[] = {
        {PS_TOKEN_BANG_EQ, "write <> for \"not equal\""},
        {PS_TOKEN_EQ_EQ, "write = for \"equal\""},
        {PS_TOKEN_COLON_COLON, "write CAST(value AS type)"},
        {PS_TOKEN_AND_AND, "write AND"},
        {PS_TOKEN_QUESTION, "parameters are not supported; write the value"},
    };
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
        if (hints[i].kind == kind) {
            return hints[i].hint;
        }
    }
    return NULL;
}

bool ps_parser_unexpected(ps_parser *parser, const char *what)
{
    if (parser->error.code != PS_OK) {
        return false;
    }
    const ps_token *token = ps_parser_peek(parser, 0);
    if (token->kind == PS_TOKEN_ERROR) {
        ps_parser_fail(parser, PS_E_INVALID, token->at, "%s", token->problem);
        return token->hint != NULL && ps_parser_hint(parser, "%s", token->hint);
    }
    char found[128];
    ps_token_describe(token, found, sizeof found);
    ps_parser_fail(parser, PS_E_INVALID, token->at, "expected %s, found %s", what, found);
    const char *hint = dialect_hint(token->kind);
    if (hint != NULL) {
        return ps_parser_hint(parser, "%s", hint);
    }
    return false;
}

/* Words that are where they are because something in front of them is missing. */
static bool is_structural(ps_keyword keyword)
{
    static const ps_keyword words[] = {
        PS_KW_SELECT, PS_KW_FROM, PS_KW_WHERE, PS_KW_GROUP,  PS_KW_ORDER, PS_KW_HAVING,
        PS_KW_UNION,  PS_KW_ON,   PS_KW_AS,    PS_KW_AND,    PS_KW_OR,    PS_KW_LIMIT,
        PS_KW_JOIN,   PS_KW_INTO, PS_KW_THEN,  PS_KW_ELSE,   PS_KW_END,   PS_KW_WHEN,
        PS_KW_WITH,   PS_KW_BY,   PS_KW_SET,   PS_KW_INSERT, PS_KW_IN,    PS_KW_IS,
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (words[i] == keyword) {
            return true;
        }
    }
    return false;
}

bool ps_parser_unexpected_name(ps_parser *parser, const char *what)
{
    if (parser->error.code != PS_OK) {
        return false;
    }
    ps_parser_unexpected(parser, what);
    const ps_token *token = ps_parser_peek(parser, 0);
    if (!ps_keyword_is_reserved(token->keyword) || is_structural(token->keyword)) {
        return false;
    }
    return ps_parser_hint(parser,
                          "%s is a reserved word; as a name, quote it with backticks: `%.*s`",
                          ps_keyword_text(token->keyword), (int)token->text.size, token->text.data);
}

bool ps_parser_unsupported(ps_parser *parser, const char *what)
{
    return ps_parser_fail(parser, PS_E_UNSUPPORTED, ps_parser_here(parser), "%s is not supported",
                          what);
}

/* ── depth ── */

bool ps_parser_enter(ps_parser *parser, ps_parser_frame *frame)
{
    if (parser->depth >= PS_PARSER_DEPTH_MAX) {
        return ps_parser_fail(parser, PS_E_LIMIT, ps_parser_here(parser),
                              "the statement is nested too deeply (limit %d)", PS_PARSER_DEPTH_MAX);
    }
    parser->depth++;
    frame->below = parser->below;
    parser->below = 0;
    return true;
}

bool ps_parser_link(ps_parser *parser)
{
    if (parser->below >= PS_AST_DEPTH_MAX - PS_PARSER_DEPTH_MAX) {
        return ps_parser_fail(parser, PS_E_LIMIT, parser->last,
                              "the chain of operators is too long (limit %d)",
                              PS_AST_DEPTH_MAX - PS_PARSER_DEPTH_MAX);
    }
    parser->below++;
    return true;
}

void ps_parser_leave(ps_parser *parser, const ps_parser_frame *frame)
{
    PS_ASSERT(parser->depth > 0);
    parser->depth--;
    uint32_t height = parser->below + 1;
    parser->below = frame->below > height ? frame->below : height;
}

/* ── names and literals ── */

bool ps_parser_is_name(ps_parser *parser, uint32_t ahead)
{
    const ps_token *token = ps_parser_peek(parser, ahead);
    return token->kind == PS_TOKEN_QUOTED ||
           (token->kind == PS_TOKEN_WORD && !ps_keyword_is_reserved(token->keyword));
}

enum { RESERVED_MAX = 1024 };

/* For lint. Beyond the limit nothing is kept: the findings would repeat themselves. */
static bool note_reserved(ps_parser *parser, const ps_token *token)
{
    if (token->keyword == PS_KEYWORD_NONE || parser->reserved_count == RESERVED_MAX) {
        return true;
    }
    ps_sql_span *items =
        ps_parser_push(parser, parser->reserved, parser->reserved_count, sizeof *items);
    if (items == NULL) {
        return false;
    }
    items[parser->reserved_count++] = token->at;
    parser->reserved = items;
    return true;
}

bool ps_parser_name(ps_parser *parser, const char *what, ps_ast_name *out)
{
    if (!ps_parser_is_name(parser, 0)) {
        return ps_parser_unexpected_name(parser, what);
    }
    ps_token token = ps_parser_advance(parser);
    ps_slice text;
    if (token.kind == PS_TOKEN_QUOTED) {
        text = ps_token_unquote(&token, parser->arena);
    } else {
        text.size = token.text.size;
        text.data = ps_arena_copy(parser->arena, token.text.data, token.text.size);
    }
    if (text.data == NULL) {
        return ps_parser_fail(parser, PS_E_LIMIT, token.at,
                              "the statement needs more memory than is allowed");
    }
    out->at = token.at;
    out->text = text.data;
    out->size = (uint32_t)text.size;
    out->is_quoted = token.kind == PS_TOKEN_QUOTED;
    return note_reserved(parser, &token);
}

bool ps_parser_path(ps_parser *parser, const char *what, ps_ast_names *out)
{
    do {
        ps_ast_name name;
        if (!ps_parser_name(parser, what, &name) || !ps_parser_push_name(parser, out, name)) {
            return false;
        }
    } while (ps_parser_accept(parser, PS_TOKEN_DOT));
    return true;
}

bool ps_parser_name_list(ps_parser *parser, const char *what, ps_ast_names *out)
{
    if (!ps_parser_expect(parser, PS_TOKEN_LEFT, "`(`")) {
        return false;
    }
    do {
        ps_ast_name name;
        if (!ps_parser_name(parser, what, &name) || !ps_parser_push_name(parser, out, name)) {
            return false;
        }
    } while (ps_parser_accept(parser, PS_TOKEN_COMMA));
    return ps_parser_expect(parser, PS_TOKEN_RIGHT, "`,` or `)`");
}

bool ps_parser_alias(ps_parser *parser, ps_ast_name *alias, ps_ast_names *columns)
{
    bool has_as = ps_parser_accept_word(parser, PS_KW_AS);
    if (!has_as && !ps_parser_is_name(parser, 0)) {
        return true;
    }
    if (!ps_parser_name(parser, "a name behind AS", alias)) {
        return false;
    }
    if (columns != NULL && ps_parser_is(parser, PS_TOKEN_LEFT)) {
        return ps_parser_name_list(parser, "a column name", columns);
    }
    return true;
}

bool ps_parser_string(ps_parser *parser, const char *what, ps_slice *out)
{
    if (!ps_parser_is(parser, PS_TOKEN_STRING)) {
        return ps_parser_unexpected(parser, what);
    }
    ps_token token = ps_parser_advance(parser);
    *out = ps_token_unquote(&token, parser->arena);
    return out->data != NULL || ps_parser_fail(parser, PS_E_LIMIT, token.at,
                                               "the statement needs more memory than is allowed");
}

bool ps_parser_unsigned(ps_parser *parser, const char *what, uint32_t value_max, uint32_t *out)
{
    if (!ps_parser_is(parser, PS_TOKEN_INTEGER)) {
        return ps_parser_unexpected(parser, what);
    }
    ps_token token = ps_parser_advance(parser);
    uint64_t value = 0;
    for (size_t i = 0; i < token.text.size && value <= value_max; i++) {
        value = value * 10 + (uint64_t)(token.text.data[i] - '0');
    }
    if (value > value_max) {
        return ps_parser_fail(parser, PS_E_INVALID, token.at, "expected %s, at most %u", what,
                              value_max);
    }
    *out = (uint32_t)value;
    return true;
}

static bool option_read(ps_parser *parser, ps_ast_option *option)
{
    option->at = ps_parser_here(parser);
    if (!ps_parser_string(parser, "an option, 'key' = 'value'", &option->key) ||
        !ps_parser_expect(parser, PS_TOKEN_EQ, "`=`")) {
        return false;
    }
    option->value_at = ps_parser_here(parser);
    if (ps_parser_string(parser, "the option's value in quotes", &option->value)) {
        return true;
    }
    const ps_token *token = ps_parser_peek(parser, 0);
    if (token->kind == PS_TOKEN_INTEGER || token->kind == PS_TOKEN_WORD) {
        ps_parser_hint(parser, "values of options are text: '%.*s'", (int)token->text.size,
                       token->text.data);
    }
    return false;
}

static bool push_option(ps_parser *parser, ps_ast_options *list, ps_ast_option option)
{
    ps_ast_option *items = ps_parser_push(parser, list->items, list->count, sizeof *items);
    if (items == NULL) {
        return false;
    }
    items[list->count++] = option;
    list->items = items;
    return true;
}

bool ps_parser_options(ps_parser *parser, ps_ast_options *out)
{
    if (!ps_parser_expect(parser, PS_TOKEN_LEFT, "`(`")) {
        return false;
    }
    if (ps_parser_accept(parser, PS_TOKEN_RIGHT)) {
        return true;
    }
    do {
        ps_ast_option option = {0};
        if (!option_read(parser, &option) || !push_option(parser, out, option)) {
            return false;
        }
    } while (ps_parser_accept(parser, PS_TOKEN_COMMA));
    return ps_parser_expect(parser, PS_TOKEN_RIGHT, "`,` or `)`");
}

/* 'k' = 'v', or a bare name or text. */
static bool hint_option_read(ps_parser *parser, ps_ast_option *option)
{
    if (ps_parser_is(parser, PS_TOKEN_STRING) && ps_parser_peek(parser, 1)->kind == PS_TOKEN_EQ) {
        return option_read(parser, option);
    }
    option->at = ps_parser_here(parser);
    if (ps_parser_is(parser, PS_TOKEN_STRING)) {
        return ps_parser_string(parser, "an option", &option->key);
    }
    ps_ast_name name;
    if (!ps_parser_name(parser, "an option, 'key' = 'value'", &name)) {
        return false;
    }
    option->key = (ps_slice){name.text, name.size};
    return true;
}

static bool hint_read(ps_parser *parser, ps_ast_hint *hint)
{
    if (!ps_parser_name(parser, "a hint, e.g. OPTIONS('k' = 'v')", &hint->name)) {
        return false;
    }
    if (!ps_parser_accept(parser, PS_TOKEN_LEFT)) {
        return true;
    }
    do {
        ps_ast_option option = {0};
        if (!hint_option_read(parser, &option) || !push_option(parser, &hint->options, option)) {
            return false;
        }
    } while (ps_parser_accept(parser, PS_TOKEN_COMMA));
    return ps_parser_expect(parser, PS_TOKEN_RIGHT, "`,` or `)`");
}

bool ps_parser_hints(ps_parser *parser, ps_ast_hints *out)
{
    if (!ps_parser_accept(parser, PS_TOKEN_HINT)) {
        return true;
    }
    do {
        ps_ast_hint *items = ps_parser_push(parser, out->items, out->count, sizeof *items);
        if (items == NULL) {
            return false;
        }
        out->items = items;
        if (!hint_read(parser, &items[out->count])) {
            return false;
        }
        out->count++;
    } while (ps_parser_accept(parser, PS_TOKEN_COMMA));
    return ps_parser_expect(parser, PS_TOKEN_HINT_END, "`,` or the end of the hint");
}

/* ── the public face ── */

enum { WINDOW_START = 64 };

ps_code ps_parser_new(ps_slice script, ps_arena *arena, ps_parser **out, ps_sql_error *err)
{
    ps_sql_span nowhere = {0};
    if (script.size > PS_SCRIPT_SIZE_MAX) {
        return ps_sql_error_set(err, PS_E_LIMIT, nowhere, "the script has %zu bytes, more than %d",
                                script.size, PS_SCRIPT_SIZE_MAX);
    }
    if (!ps_utf8_is_valid(script)) {
        return ps_sql_error_set(err, PS_E_INVALID, nowhere, "the script is not valid UTF-8");
    }
    ps_parser *parser = ps_arena_take(arena, sizeof *parser);
    ps_token *tokens = ps_arena_take(arena, WINDOW_START * sizeof *tokens);
    if (parser == NULL || tokens == NULL) {
        return ps_sql_error_set(err, PS_E_MEMORY, nowhere, "no memory for the parser");
    }
    *parser = (ps_parser){.arena = arena, .tokens = tokens, .token_capacity = WINDOW_START};
    ps_lexer_init(&parser->lexer, script);
    *out = parser;
    return PS_OK;
}

/* Behind the next semicolon, or behind the END of the block that the error is in. */
static void skip_statement(ps_parser *parser)
{
    bool is_end = false;
    for (;;) {
        window_trim(parser);
        ps_token token = ps_parser_advance(parser);
        if (token.kind == PS_TOKEN_END ||
            (token.kind == PS_TOKEN_SEMICOLON && (!parser->is_in_set || is_end))) {
            break;
        }
        is_end = token.keyword == PS_KW_END;
    }
    parser->is_in_set = false;
    window_trim(parser);
}

static bool statement_end(ps_parser *parser)
{
    return ps_parser_is(parser, PS_TOKEN_END) ||
           ps_parser_expect(parser, PS_TOKEN_SEMICOLON, "the end of the statement, `;`");
}

ps_code ps_parser_next(ps_parser *parser, ps_ast_statement **out, ps_sql_error *err)
{
    parser->error = (ps_sql_error){0};
    parser->depth = 0;
    parser->below = 0;
    while (ps_parser_accept(parser, PS_TOKEN_SEMICOLON)) {
        window_trim(parser);
    }
    if (ps_parser_is(parser, PS_TOKEN_END) && parser->error.code == PS_OK) {
        *out = NULL;
        return PS_OK;
    }
    ps_ast_statement *statement = ps_parser_statement(parser);
    if (statement != NULL && statement_end(parser)) {
        window_trim(parser);
        *out = statement;
        return PS_OK;
    }
    *err = parser->error;
    PS_ASSERT(err->code != PS_OK);
    skip_statement(parser);
    return err->code;
}

static ps_code whole_text(ps_parser *parser, const void *node, ps_sql_error *err)
{
    if (node != NULL && (ps_parser_is(parser, PS_TOKEN_END) ||
                         ps_parser_unexpected(parser, "the end of the text"))) {
        return PS_OK;
    }
    *err = parser->error;
    return err->code;
}

ps_code ps_parse_expr(ps_slice text, ps_arena *arena, ps_ast_expr **out, ps_sql_error *err)
{
    ps_parser *parser;
    ps_code code = ps_parser_new(text, arena, &parser, err);
    if (code != PS_OK) {
        return code;
    }
    ps_ast_expr *expr = ps_parser_expr(parser);
    code = whole_text(parser, expr, err);
    if (code == PS_OK) {
        *out = expr;
    }
    return code;
}

ps_code ps_parse_type(ps_slice text, ps_arena *arena, ps_ast_type **out, ps_sql_error *err)
{
    ps_parser *parser;
    ps_code code = ps_parser_new(text, arena, &parser, err);
    if (code != PS_OK) {
        return code;
    }
    ps_ast_type *type = ps_parser_type(parser);
    code = whole_text(parser, type, err);
    if (code == PS_OK) {
        *out = type;
    }
    return code;
}

bool ps_script_is_complete(ps_slice text)
{
    if (text.size > PS_SCRIPT_SIZE_MAX) {
        return true; /* the parser says what is wrong */
    }
    ps_lexer lexer;
    ps_lexer_init(&lexer, text);
    bool is_complete = true, is_in_set = false;
    ps_keyword before = PS_KEYWORD_NONE;
    for (;;) {
        ps_token token = ps_lexer_next(&lexer);
        if (token.kind == PS_TOKEN_END) {
            return is_complete;
        }
        if (token.kind == PS_TOKEN_ERROR && token.at.end == text.size) {
            return false; /* a string or a comment that does not end yet */
        }
        if (token.kind == PS_TOKEN_SEMICOLON) {
            is_complete = !is_in_set || before == PS_KW_END;
            is_in_set = is_in_set && !is_complete;
        } else {
            is_complete = false;
            is_in_set = is_in_set || (before == PS_KW_STATEMENT && token.keyword == PS_KW_SET);
        }
        before = token.keyword;
    }
}

uint32_t ps_parser_reserved_count(const ps_parser *parser)
{
    return parser->reserved_count;
}

ps_sql_span ps_parser_reserved_at(const ps_parser *parser, uint32_t index)
{
    PS_ASSERT(index < parser->reserved_count);
    return parser->reserved[index];
}
