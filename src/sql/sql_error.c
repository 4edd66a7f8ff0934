#include "sql/sql_error.h"

#include <stdarg.h>
#include <stdio.h>

/* Cuts behind a whole character and turns control characters into blanks. */
static void tidy(char *text, size_t size_max)
{
    size_t size = strlen(text);
    if (size + 1 >= size_max) {
        while (size > 0 && ((unsigned char)text[size - 1] & 0xC0) == 0x80) {
            size--;
        }
        if (size > 0 && (unsigned char)text[size - 1] >= 0xC0) {
            size--;
        }
        text[size] = 0;
    }
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] < ' ') {
            text[i] = ' ';
        }
    }
}

ps_code ps_sql_error_set(ps_sql_error *err, ps_code code, ps_sql_span at, const char *format, ...)
{
    char text[PS_SQL_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    tidy(text, sizeof text);
    err->code = code;
    err->at = at;
    memcpy(err->text, text, sizeof text);
    err->hint[0] = 0;
    return code;
}

ps_code ps_sql_error_hint(ps_sql_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(err->hint, sizeof err->hint, format, args);
    va_end(args);
    tidy(err->hint, sizeof err->hint);
    return err->code;
}

/* ── the source line ── */

enum { SHOWN_MAX = 160, BEFORE_MAX = 100 };

static bool is_continuation(ps_slice text, size_t i)
{
    return i < text.size && ((unsigned char)text.data[i] & 0xC0) == 0x80;
}

static void append_shown(ps_buf *out, ps_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        ps_buf_append_char(out, c < ' ' || c == 0x7F ? ' ' : (char)c);
    }
}

static size_t character_count(ps_slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) {
        count += !is_continuation(text, i);
    }
    return count;
}

/* The line around the place, and below it a caret with tildes as far as the span goes on it. */
static void append_source(ps_buf *out, ps_slice script, ps_sql_span at)
{
    size_t place = at.offset < script.size ? at.offset : script.size;
    size_t from = place, to = place;
    while (from > 0 && script.data[from - 1] != '\n') {
        from--;
    }
    while (to < script.size && script.data[to] != '\n') {
        to++;
    }
    const char *before = "", *after = "";
    if (place - from > BEFORE_MAX) {
        from = place - BEFORE_MAX;
        before = "…";
    }
    while (is_continuation(script, from)) {
        from++;
    }
    if (to - from > SHOWN_MAX) {
        to = from + SHOWN_MAX;
        after = "…";
    }
    while (to > place && is_continuation(script, to)) {
        to--;
    }
    ps_slice left = {script.data + from, place - from};
    ps_buf_append_text(out, before);
    append_shown(out, (ps_slice){script.data + from, to - from});
    ps_buf_append_text(out, after);
    ps_buf_append_char(out, '\n');
    size_t indent = character_count(left) + (before[0] != 0);
    for (size_t i = 0; i < indent; i++) {
        ps_buf_append_char(out, ' ');
    }
    ps_buf_append_char(out, '^');
    size_t end = at.end < to ? at.end : to;
    size_t marked = end > place ? character_count((ps_slice){script.data + place, end - place}) : 0;
    for (size_t i = 1; i < marked; i++) {
        ps_buf_append_char(out, '~');
    }
    ps_buf_append_char(out, '\n');
}

void ps_sql_error_format(const ps_sql_error *err, const char *level, const char *file_name,
                         ps_slice script, ps_buf *out)
{
    if (err->at.line > 0) {
        ps_buf_append_format(out, "%s:%u:%u: ", file_name, err->at.line, err->at.column);
    } else {
        ps_buf_append_format(out, "%s: ", file_name);
    }
    ps_buf_append_format(out, "%s: %s\n", level, err->text);
    if (err->at.line > 0 && script.size > 0) {
        append_source(out, script, err->at);
    }
    if (err->hint[0] != 0) {
        ps_buf_append_format(out, "hint: %s\n", err->hint);
    }
}
