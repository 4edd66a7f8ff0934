/* What is wrong with a SQL text, and where: the one error of the parser and the binder.
 *
 * The printed form is CONTRACT §1: `FILE:LINE:COL: error: sentence`, the source line with a caret
 * under the place, and `hint: …` where one helps.
 */
#ifndef PS_SQL_SQL_ERROR_H
#define PS_SQL_SQL_ERROR_H

#include "base/bytes.h"

/* A piece of a script. line and column are of its first character and count from 1; column counts
 * characters, not bytes. line 0: nowhere in particular. */
typedef struct {
    uint32_t offset, end; /* bytes; end is behind the last one */
    uint32_t line, column;
} ps_sql_span;

enum { PS_SQL_ERROR_TEXT_MAX = 400, PS_SQL_ERROR_HINT_MAX = 200 };

typedef struct {
    ps_code code;
    ps_sql_span at;
    char text[PS_SQL_ERROR_TEXT_MAX]; /* one sentence, no line break, no full stop */
    char hint[PS_SQL_ERROR_HINT_MAX]; /* empty: none */
} ps_sql_error;

/* Fills *err (no hint) and returns `code`, so that a caller can `return ps_sql_error_set(…)`. Text
 * that is too long is cut between characters; line breaks become blanks. */
ps_code ps_sql_error_set(ps_sql_error *err, ps_code code, ps_sql_span at, const char *format, ...)
    PS_PRINTF(4, 5);
/* Adds the hint to an error that is set; returns its code. */
ps_code ps_sql_error_hint(ps_sql_error *err, const char *format, ...) PS_PRINTF(2, 3);

/* Appends the printed form to `out`, level "error" or "warning"; ends with a line break. `script`
 * is the text that the span counts in; without it (size 0) the source line is left out. Long lines
 * are shown around the place; control characters are shown as blanks. */
void ps_sql_error_format(const ps_sql_error *err, const char *level, const char *file_name,
                         ps_slice script, ps_buf *out);

#endif
