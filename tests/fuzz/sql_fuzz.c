/* SQL text: what the parser takes prints to text that it takes again, and prints the same then.
 * What it refuses it refuses with a place inside of the text. After an error it goes on and ends. */
#include <stdlib.h>

#include "sql/ast_print.h"
#include "sql/parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ps_arena arena;
static ps_buf once, twice, message;

static void check_error(const ps_sql_error *err, ps_slice script)
{
    PS_ASSERT(err->code != PS_OK && err->text[0] != 0);
    PS_ASSERT(err->at.offset <= script.size && err->at.end <= script.size);
    ps_buf_clear(&message);
    ps_sql_error_format(err, "error", "fuzz.sql", script, &message);
    PS_ASSERT(ps_utf8_is_valid(ps_buf_slice(&message)));
}

/* The statements that parse, printed; false: the text is no script at all. */
static bool print_all(ps_slice script, bool must_parse, ps_buf *out)
{
    ps_parser *parser;
    ps_ast_statement *statement = NULL;
    ps_sql_error err;
    ps_buf_clear(out);
    if (ps_parser_new(script, &arena, &parser, &err) != PS_OK) {
        return false;
    }
    do {
        ps_code code = ps_parser_next(parser, &statement, &err);
        if (code == PS_OK && statement != NULL) {
            ps_ast_statement_print(statement, out);
            ps_buf_append_text(out, ";\n");
        } else if (code != PS_OK) {
            PS_ASSERT(!must_parse || code == PS_E_LIMIT);
            check_error(&err, script);
            statement = NULL;
            if (code == PS_E_LIMIT) {
                return false;
            }
            continue;
        } else {
            return true;
        }
    } while (true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (once.size_max == 0) {
        ps_arena_init(&arena, 64 << 20);
        ps_buf_init(&once, 8 << 20);
        ps_buf_init(&twice, 8 << 20);
        ps_buf_init(&message, 1 << 20);
    }
    /* exactly sized, so that the sanitizer sees a step outside */
    char *copy = malloc(size > 0 ? size : 1);
    PS_ASSERT(copy != NULL);
    memcpy(copy, data, size);
    ps_slice script = {copy, size};
    (void)ps_script_is_complete(script);
    if (print_all(script, false, &once) && print_all(ps_buf_slice(&once), true, &twice)) {
        PS_ASSERT(ps_slice_equal(ps_buf_slice(&once), ps_buf_slice(&twice)));
    }
    ps_arena_reset(&arena);
    free(copy);
    return 0;
}
