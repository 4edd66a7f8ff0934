#include "data/json_writer.h"

#include "base/time.h"
#include "data/json_scan.h"

void ps_json_writer_init(ps_json_writer *writer, ps_buf *out)
{
    *writer = (ps_json_writer){.out = out};
}

static inline void value_begin(ps_json_writer *writer)
{
    if (writer->need_comma) {
        ps_buf_append_char(writer->out, ',');
    }
    writer->need_comma = true;
}

static void container_begin(ps_json_writer *writer, char bracket)
{
    value_begin(writer);
    ps_buf_append_char(writer->out, bracket);
    writer->need_comma = false;
}

static void container_end(ps_json_writer *writer, char bracket)
{
    ps_buf_append_char(writer->out, bracket);
    writer->need_comma = true;
}

void ps_json_object_begin(ps_json_writer *writer)
{
    container_begin(writer, '{');
}
void ps_json_object_end(ps_json_writer *writer)
{
    container_end(writer, '}');
}
void ps_json_array_begin(ps_json_writer *writer)
{
    container_begin(writer, '[');
}
void ps_json_array_end(ps_json_writer *writer)
{
    container_end(writer, ']');
}

/* ── strings ── */

static void special_append(ps_buf *out, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char short_forms[] = "btn?fr"; /* 0x08 … 0x0d; 0x0b has none */
    char escape[6] = {'\\', 'u', '0', '0', 0, 0};
    size_t size = 2;
    if (c == '"' || c == '\\') {
        escape[1] = (char)c;
    } else if (c >= 0x08 && c <= 0x0d && c != 0x0b) {
        escape[1] = short_forms[c - 0x08];
    } else {
        escape[4] = hex[c >> 4];
        escape[5] = hex[c & 15];
        size = 6;
    }
    ps_buf_append(out, escape, size);
}

static void escaped_append(ps_buf *out, ps_slice text)
{
    bool non_ascii = false;
    size_t at = 0;
    while (at < text.size) {
        size_t plain = ps_json_scan(text.data + at, text.size - at, &non_ascii);
        ps_buf_append(out, text.data + at, plain);
        at += plain;
        if (at < text.size) {
            special_append(out, (unsigned char)text.data[at]);
            at++;
        }
    }
}

void ps_json_append_string(ps_buf *out, ps_slice text)
{
    bool non_ascii = false;
    size_t plain = text.size > 0 ? ps_json_scan(text.data, text.size, &non_ascii) : 0;
    if (plain == text.size) {
        char *p = ps_buf_extend(out, text.size + 2);
        if (p != NULL) {
            *p = '"';
            if (text.size > 0) {
                memcpy(p + 1, text.data, text.size);
            }
            p[text.size + 1] = '"';
        }
        return;
    }
    ps_buf_append_char(out, '"');
    escaped_append(out, text);
    ps_buf_append_char(out, '"');
}

void ps_json_key_slice(ps_json_writer *writer, ps_slice key)
{
    value_begin(writer);
    ps_json_append_string(writer->out, key);
    ps_buf_append_char(writer->out, ':');
    writer->need_comma = false;
}

void ps_json_key(ps_json_writer *writer, const char *key)
{
    ps_json_key_slice(writer, ps_slice_text(key));
}

/* ── values ── */

void ps_json_string(ps_json_writer *writer, ps_slice text)
{
    value_begin(writer);
    ps_json_append_string(writer->out, text);
}

void ps_json_text(ps_json_writer *writer, const char *text)
{
    if (text == NULL) {
        ps_json_null(writer);
        return;
    }
    ps_json_string(writer, ps_slice_text(text));
}

void ps_json_i64(ps_json_writer *writer, int64_t value)
{
    value_begin(writer);
    ps_buf_append_i64(writer->out, value);
}

void ps_json_u64(ps_json_writer *writer, uint64_t value)
{
    value_begin(writer);
    ps_buf_append_u64(writer->out, value);
}

void ps_json_i128(ps_json_writer *writer, ps_i128 value)
{
    value_begin(writer);
    ps_buf_append_i128(writer->out, value);
}

void ps_json_bool(ps_json_writer *writer, bool value)
{
    value_begin(writer);
    ps_buf_append_slice(writer->out, value ? PS_SLICE("true") : PS_SLICE("false"));
}

void ps_json_null(ps_json_writer *writer)
{
    value_begin(writer);
    ps_buf_append_slice(writer->out, PS_SLICE("null"));
}

void ps_json_time(ps_json_writer *writer, int64_t time_ns)
{
    value_begin(writer);
    char quoted[PS_TIME_CHARS + 2];
    quoted[0] = '"';
    ps_time_format(time_ns, quoted + 1);
    quoted[PS_TIME_CHARS + 1] = '"';
    ps_buf_append(writer->out, quoted, sizeof quoted);
}

void ps_json_raw(ps_json_writer *writer, ps_slice json)
{
    value_begin(writer);
    ps_buf_append_slice(writer->out, json);
}

/* ── members ── */

void ps_json_member_string(ps_json_writer *writer, const char *key, ps_slice text)
{
    ps_json_key(writer, key);
    if (text.size == 0) {
        ps_json_null(writer);
        return;
    }
    ps_json_string(writer, text);
}

void ps_json_member_text(ps_json_writer *writer, const char *key, const char *text)
{
    ps_json_key(writer, key);
    ps_json_text(writer, text);
}

void ps_json_member_i64(ps_json_writer *writer, const char *key, int64_t value)
{
    ps_json_key(writer, key);
    ps_json_i64(writer, value);
}

void ps_json_member_u64(ps_json_writer *writer, const char *key, uint64_t value)
{
    ps_json_key(writer, key);
    ps_json_u64(writer, value);
}

void ps_json_member_bool(ps_json_writer *writer, const char *key, bool value)
{
    ps_json_key(writer, key);
    ps_json_bool(writer, value);
}

void ps_json_member_null(ps_json_writer *writer, const char *key)
{
    ps_json_key(writer, key);
    ps_json_null(writer);
}

void ps_json_member_time(ps_json_writer *writer, const char *key, int64_t time_ns)
{
    ps_json_key(writer, key);
    if (time_ns == 0) {
        ps_json_null(writer);
        return;
    }
    ps_json_time(writer, time_ns);
}
