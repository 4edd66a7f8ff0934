/* JSON writer: appends JSON text (RFC 8259, UTF-8, no blanks) to a ps_buf.
 *
 * The writer puts the commas; the caller nests rightly (a key before each member of an object, ends
 * that match begins): a mistake gives wrong JSON, not undefined behaviour. Text must be valid UTF-8
 * and goes out as it is, but for quote, backslash and control characters: \" \\ \b \t \n \f \r, and
 * \u00xx in lower case for the others (the escapes of RFC 8785, so that canonical text and replies
 * agree). Whether all of it fitted says `failed` of the buffer, once at the end.
 * Threads: none; a writer belongs to its caller.
 */
#ifndef PS_DATA_JSON_WRITER_H
#define PS_DATA_JSON_WRITER_H

#include "base/money.h"

typedef struct {
    ps_buf *out;     /* borrowed */
    bool need_comma; /* something stands before in the open object or array */
} ps_json_writer;

void ps_json_writer_init(ps_json_writer *writer, ps_buf *out);

void ps_json_object_begin(ps_json_writer *writer);
void ps_json_object_end(ps_json_writer *writer);
void ps_json_array_begin(ps_json_writer *writer);
void ps_json_array_end(ps_json_writer *writer);

/* The next value's name; `key` is a zero-terminated literal. */
void ps_json_key(ps_json_writer *writer, const char *key);
void ps_json_key_slice(ps_json_writer *writer, ps_slice key);

/* A value: of an array, of the key before, or the whole text. */
void ps_json_string(ps_json_writer *writer, ps_slice text);
void ps_json_text(ps_json_writer *writer, const char *text); /* NULL: null */
void ps_json_i64(ps_json_writer *writer, int64_t value);
void ps_json_u64(ps_json_writer *writer, uint64_t value);
void ps_json_i128(ps_json_writer *writer, ps_i128 value);
void ps_json_bool(ps_json_writer *writer, bool value);
void ps_json_null(ps_json_writer *writer);
void ps_json_time(ps_json_writer *writer, int64_t time_ns); /* "2026-01-31T23:59:59.123Z" */
void ps_json_raw(ps_json_writer *writer, ps_slice json);    /* one value, already JSON */

/* A member in one call. The text forms write null for an empty slice. */
void ps_json_member_string(ps_json_writer *writer, const char *key, ps_slice text);
void ps_json_member_text(ps_json_writer *writer, const char *key, const char *text);
void ps_json_member_i64(ps_json_writer *writer, const char *key, int64_t value);
void ps_json_member_u64(ps_json_writer *writer, const char *key, uint64_t value);
void ps_json_member_bool(ps_json_writer *writer, const char *key, bool value);
void ps_json_member_null(ps_json_writer *writer, const char *key);
void ps_json_member_time(ps_json_writer *writer, const char *key, int64_t time_ns); /* 0: null */

/* The quoted, escaped text alone, without a writer's commas. */
void ps_json_append_string(ps_buf *out, ps_slice text);

#endif
