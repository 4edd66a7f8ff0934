/* JSON reader: a strict pull parser (RFC 8259) over a mutable buffer.
 *
 * Each call of ps_json_reader_next hands out one token; strings are unescaped in place, so that
 * slices point into the caller's buffer and stay valid as long as it does. Refused, each with a
 * byte offset and a sentence: everything outside of RFC 8259, a byte order mark, invalid UTF-8 and
 * unpaired surrogates, a key used twice in an object, more than 64 levels, more than 2,048 keys in
 * the objects that are open at one time, text after the value. Numbers are handed out as their
 * text; ps_json_integer takes those that are integers and nothing else.
 *
 * Cost is linear in the size whatever the input: equal keys are found by a hash seeded by the
 * caller, so that a client cannot aim at collisions. No allocation, no recursion.
 *
 * The reader is large (about 50 KiB) and made to be reused: init once, begin per text.
 * Threads: none; a reader belongs to its caller.
 */
#ifndef PS_DATA_JSON_READER_H
#define PS_DATA_JSON_READER_H

#include "base/bytes.h"

enum { PS_JSON_DEPTH_MAX = 64, PS_JSON_KEYS_MAX = 2048, PS_JSON_BUCKETS = 4096 };

typedef enum {
    PS_JSON_FAILED, /* error and error_offset say why; every later call answers the same */
    PS_JSON_END,    /* after the one value */
    PS_JSON_OBJECT_BEGIN,
    PS_JSON_OBJECT_END,
    PS_JSON_ARRAY_BEGIN,
    PS_JSON_ARRAY_END,
    PS_JSON_KEY,    /* value: unescaped; the next token begins its value */
    PS_JSON_STRING, /* value: unescaped */
    PS_JSON_NUMBER, /* value: its text */
    PS_JSON_TRUE,
    PS_JSON_FALSE,
    PS_JSON_NULL
} ps_json_token;

/* A key of an open object. */
typedef struct {
    const char *data;
    uint32_t size;
    uint16_t next;   /* in its bucket: index + 1 of the key before; 0 ends */
    uint16_t bucket; /* where it hangs */
} ps_json_key_entry;

typedef struct {
    ps_slice value;      /* of the newest token */
    const char *error;   /* a sentence without the offset; static storage */
    size_t error_offset; /* bytes from the beginning of the text */
    uint32_t depth;      /* open objects and arrays */

    /* the reader's own */
    char *text;
    size_t size, at;
    uint64_t seed;
    uint8_t state;
    bool canonical;
    bool is_object[PS_JSON_DEPTH_MAX + 1];
    uint16_t first_key[PS_JSON_DEPTH_MAX + 1];
    uint16_t key_count;
    ps_json_key_entry keys[PS_JSON_KEYS_MAX];
    uint16_t buckets[PS_JSON_BUCKETS]; /* index + 1 of the newest key; 0: none */
} ps_json_reader;

/* Once; `seed` is a secret of the instance. It may be changed between texts. */
void ps_json_reader_init(ps_json_reader *reader, uint64_t seed);
void ps_json_reader_set_seed(ps_json_reader *reader, uint64_t seed);

/* Starts on text[0, size), which must be writable and outlive the slices. */
void ps_json_reader_begin(ps_json_reader *reader, char *text, size_t size);

/* The same for text that ps_json_canonical made: strings are handed out as they stand, with their
 * escapes (ps_json_unescape takes them out), and keys are not compared again. */
void ps_json_reader_begin_canonical(ps_json_reader *reader, char *text, size_t size);

ps_json_token ps_json_reader_next(ps_json_reader *reader);

/* Reads one whole value, to be called where a value may begin. *out_span is its text, as it stands
 * after unescaping: use it with canonical text only, where nothing moves. */
PS_CHECKED bool ps_json_reader_skip(ps_json_reader *reader, ps_slice *out_span);

/* Unescapes in place what stood between the quotes of a well-formed string; returns the new size,
 * at most `size`. */
size_t ps_json_unescape(char *text, size_t size);
/* The same for what need not be well-formed. False: a wrong escape or an unpaired surrogate. */
PS_CHECKED bool ps_json_unescape_checked(char *text, size_t *inout_size);
/* The size that ps_json_unescape would return. */
size_t ps_json_unescaped_size(ps_slice text);

/* An integer written as one: no fraction, no exponent, no leading zeros, no -0; in range. */
PS_CHECKED bool ps_json_integer(ps_slice number, int64_t *out_value);

#endif
