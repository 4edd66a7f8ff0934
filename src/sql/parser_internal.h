/* Between the files of the parser: parser.c (tokens, names, errors), parser_statement.c,
 * parser_create.c, parser_query.c, parser_from.c, parser_match.c, parser_expr.c, parser_operand.c,
 * parser_call.c, parser_type.c.
 *
 * Functions return false or NULL after an error, which is in parser->error then; the first one
 * wins. Tokens come from a growing window, so that looking ahead is free of side effects.
 */
#ifndef PS_SQL_PARSER_INTERNAL_H
#define PS_SQL_PARSER_INTERNAL_H

#include "sql/lexer.h"
#include "sql/parser.h"

struct ps_parser {
    ps_arena *arena;
    ps_lexer lexer;
    ps_token *tokens; /* window: tokens[position] is the current one */
    uint32_t token_count, token_capacity, position;
    ps_sql_span last; /* of the token that was taken last */
    uint32_t depth;   /* of recursion */
    uint32_t below;   /* height of the highest tree that is done in the current frame */
    bool is_in_set;   /* inside the block of a STATEMENT SET: errors skip all of it */
    ps_sql_error error;
    uint32_t reserved_count, reserved_capacity;
    ps_sql_span *reserved;
};

/* ── memory ── */

/* Zeroed; NULL: error set. */
void *ps_parser_take(ps_parser *parser, size_t size);
/* `items` with room for one more behind `count`; NULL: error set. For one list all calls must
 * come through here. */
void *ps_parser_push(ps_parser *parser, void *items, uint32_t count, size_t item_size);
bool ps_parser_push_expr(ps_parser *parser, ps_ast_exprs *list, ps_ast_expr *expr);
bool ps_parser_push_name(ps_parser *parser, ps_ast_names *list, ps_ast_name name);

/* ── tokens ── */

const ps_token *ps_parser_peek(ps_parser *parser, uint32_t ahead); /* 0: the current one */
ps_token ps_parser_advance(ps_parser *parser);
bool ps_parser_is(ps_parser *parser, ps_token_kind kind);
bool ps_parser_is_word(ps_parser *parser, ps_keyword keyword);
bool ps_parser_is_word_at(ps_parser *parser, uint32_t ahead, ps_keyword keyword);
/* A word that is no keyword of Flink: TIMEOUT. */
bool ps_parser_is_text(ps_parser *parser, uint32_t ahead, const char *text);
/* Take it when it is there. */
bool ps_parser_accept(ps_parser *parser, ps_token_kind kind);
bool ps_parser_accept_word(ps_parser *parser, ps_keyword keyword);
/* Both, or none: IF EXISTS. */
bool ps_parser_accept_words(ps_parser *parser, ps_keyword first, ps_keyword second);
/* Take it or fail: "expected `)` to end the list, found …". */
bool ps_parser_expect(ps_parser *parser, ps_token_kind kind, const char *what);
bool ps_parser_expect_word(ps_parser *parser, ps_keyword keyword);
/* From `from` to the token that was taken last. */
ps_sql_span ps_parser_span(const ps_parser *parser, ps_sql_span from);
ps_sql_span ps_parser_here(ps_parser *parser); /* of the current token */

/* ── names and literals ── */

/* Whether the current token (ahead) can be a name without quotes, or is quoted. */
bool ps_parser_is_name(ps_parser *parser, uint32_t ahead);
/* `what` as in "expected a table name". */
bool ps_parser_name(ps_parser *parser, const char *what, ps_ast_name *out);
bool ps_parser_path(ps_parser *parser, const char *what, ps_ast_names *out);
/* (a, b, c), one at least. */
bool ps_parser_name_list(ps_parser *parser, const char *what, ps_ast_names *out);
/* [AS] alias [(a, b)]; none leaves *alias empty. columns may be NULL: no list is allowed. */
bool ps_parser_alias(ps_parser *parser, ps_ast_name *alias, ps_ast_names *columns);
/* 'text', zero-terminated. */
bool ps_parser_string(ps_parser *parser, const char *what, ps_slice *out);
bool ps_parser_unsigned(ps_parser *parser, const char *what, uint32_t value_max, uint32_t *out);
/* ('k' = 'v', …), possibly empty. */
bool ps_parser_options(ps_parser *parser, ps_ast_options *out);
bool ps_parser_hints(ps_parser *parser, ps_ast_hints *out);

/* ── errors: all return false ── */

bool ps_parser_fail(ps_parser *parser, ps_code code, ps_sql_span at, const char *format, ...)
    PS_PRINTF(4, 5);
bool ps_parser_hint(ps_parser *parser, const char *format, ...) PS_PRINTF(2, 3);
/* "expected WHAT, found TOKEN", with hints for other dialects' signs; where a name could stand,
 * also for reserved words. */
bool ps_parser_unexpected(ps_parser *parser, const char *what);
bool ps_parser_unexpected_name(ps_parser *parser, const char *what);
/* "NAME is not supported" at the current token. */
bool ps_parser_unsupported(ps_parser *parser, const char *what);

/* ── depth ──
 * enter/leave around each recursive rule; link for each step of a left-deep chain (a + b, joins,
 * set operations). Together they bound the height of the tree, PS_AST_DEPTH_MAX. */
typedef struct {
    uint32_t below;
} ps_parser_frame;
bool ps_parser_enter(ps_parser *parser, ps_parser_frame *frame);
void ps_parser_leave(ps_parser *parser, const ps_parser_frame *frame);
bool ps_parser_link(ps_parser *parser);

/* ── rules ── */

ps_ast_statement *ps_parser_statement(ps_parser *parser);
ps_ast_statement *ps_parser_new_statement(ps_parser *parser, ps_ast_statement_kind kind);
ps_ast_statement *ps_parser_create(ps_parser *parser);
ps_ast_query *ps_parser_query(ps_parser *parser);
/* Goes on behind a parenthesised query: set operations, ORDER BY, LIMIT. */
ps_ast_query *ps_parser_query_rest(ps_parser *parser, ps_ast_query *left);
/* Whether the current token begins a query (SELECT, VALUES, WITH); of set operations. */
bool ps_parser_is_query(ps_parser *parser, uint32_t ahead);
bool ps_parser_is_set_operation(ps_parser *parser);
bool ps_parser_orders(ps_parser *parser, ps_ast_orders *out); /* behind ORDER BY */
bool ps_parser_one_order(ps_parser *parser, ps_ast_orders *out);

ps_ast_expr *ps_parser_expr(ps_parser *parser);
ps_ast_expr *ps_parser_expr_above_comparison(ps_parser *parser); /* no AND, no BETWEEN */
ps_ast_expr *ps_parser_expr_of_sign(ps_parser *parser);          /* no binary operator */
ps_ast_expr *ps_parser_operand(ps_parser *parser);               /* no operator at all */
ps_ast_expr *ps_parser_new_expr(ps_parser *parser, ps_ast_expr_kind kind, ps_sql_span from);
bool ps_parser_exprs(ps_parser *parser, ps_ast_exprs *out); /* a, b, c; one at least */
bool ps_parser_interval_unit(ps_parser *parser, ps_ast_interval *out);
/* MONTH …; false without an error when the current word is no unit. */
bool ps_parser_unit(ps_parser *parser, ps_ast_unit *out);
/* [base] [PARTITION BY …] [ORDER BY …] [frame], inside the parentheses. */
bool ps_parser_window(ps_parser *parser, ps_ast_window *out);
/* *, t.*; NULL without an error when the current tokens are none. */
ps_ast_expr *ps_parser_star(ps_parser *parser);
/* A call whose name is the current word and whose next token is `(`; not special: nothing is read
 * and NULL comes without an error. */
ps_ast_expr *ps_parser_special_call(ps_parser *parser, bool *out_special);
ps_ast_expr *ps_parser_call(ps_parser *parser, const ps_ast_names *name);
bool ps_parser_call_suffix(ps_parser *parser, ps_ast_call *call);

ps_ast_from *ps_parser_from(ps_parser *parser); /* behind FROM */
ps_ast_type *ps_parser_type(ps_parser *parser);
ps_ast_match *ps_parser_match(ps_parser *parser);

#endif
