/* Parser: SQL text → AST (ast.h), one statement after the other.
 *
 * Hand-written recursive descent with a Pratt loop for expressions (SEMANTICS §2.4). It accepts
 * what Flink's parser accepts of the statements in SEMANTICS §2 and refuses what Flink refuses
 * (`!=`, LIMIT a, b, `::`, unquoted reserved words), with a sentence, a place and a hint.
 * Recursion and trees are bounded, scripts too.
 *
 * Threads: a parser belongs to its caller.
 */
#ifndef PS_SQL_PARSER_H
#define PS_SQL_PARSER_H

#include "base/arena.h"
#include "sql/ast.h"

enum {
    PS_PARSER_DEPTH_MAX = 200, /* nesting of parentheses, queries, types … */
    PS_AST_DEPTH_MAX = 1000,   /* height of a tree: chains such as a OR b OR c count too */
    PS_SCRIPT_SIZE_MAX = 16 * 1024 * 1024
};

typedef struct ps_parser ps_parser;

/* Borrows script and arena for as long as the parser is used. The parser lives in the arena.
 * PS_E_LIMIT: the script is too large; PS_E_INVALID: it is not UTF-8; PS_E_MEMORY. */
PS_CHECKED ps_code ps_parser_new(ps_slice script, ps_arena *arena, ps_parser **out,
                                 ps_sql_error *err);

/* The next statement, its semicolon taken; *out is NULL at the end of the script.
 * After an error the parser stands behind the next semicolon, so that a caller may go on.
 * PS_E_INVALID: syntax; PS_E_UNSUPPORTED: known, refused by name; PS_E_LIMIT: depth or size. */
PS_CHECKED ps_code ps_parser_next(ps_parser *parser, ps_ast_statement **out, ps_sql_error *err);

/* One expression that is the whole text, and one data type; for tests and for options that hold
 * SQL. Spans count in `text`. */
PS_CHECKED ps_code ps_parse_expr(ps_slice text, ps_arena *arena, ps_ast_expr **out,
                                 ps_sql_error *err);
PS_CHECKED ps_code ps_parse_type(ps_slice text, ps_arena *arena, ps_ast_type **out,
                                 ps_sql_error *err);

/* For an interactive shell: whether `text` ends inside a statement (no semicolon yet, or inside a
 * string, a comment or a STATEMENT SET block). Blank text is complete. */
bool ps_script_is_complete(ps_slice text);

/* Unquoted words that SQL reserves but Flink's parser still takes as names, in order of the script
 * so far; for lint. */
uint32_t ps_parser_reserved_count(const ps_parser *parser);
ps_sql_span ps_parser_reserved_at(const ps_parser *parser, uint32_t index);

#endif
