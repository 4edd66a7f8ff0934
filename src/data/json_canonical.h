/* Canonical JSON: one text for all spellings of a value.
 *
 * Keys sorted by their bytes, no blanks, the writer's escapes, numbers as the exact text they came
 * with (1.0 and 1 stay different). Texts with equal canonical form say the same; the fingerprint of
 * a request is the hash of it. It is JSON again and reads back to itself.
 *
 * Tokens of a reader are pushed in one by one, so that the caller can look at each (or drop members
 * of the outer object) on the way. Space and time are linear in the text, times the depth for keys
 * that come unsorted. No allocation but the buffers'.
 */
#ifndef PS_DATA_JSON_CANONICAL_H
#define PS_DATA_JSON_CANONICAL_H

#include "data/json_reader.h"

typedef struct {
    ps_slice key;    /* unescaped, in the reader's text */
    uint64_t prefix; /* first bytes of the key as a big-endian number: orders most keys */
    uint32_t at;     /* of the member in `out` */
    uint32_t size;
} ps_json_member;

typedef struct {
    uint32_t first_member; /* objects: of `members` */
    bool is_object;
    bool is_sorted;
    bool has_items;
} ps_json_level;

typedef struct {
    ps_buf *out; /* borrowed */
    uint32_t depth;
    uint32_t member_count;
    bool after_key;
    ps_json_level levels[PS_JSON_DEPTH_MAX + 1];
    ps_json_member members[PS_JSON_KEYS_MAX]; /* of the open objects */
    ps_buf scratch;                           /* owned; one object while it is put in order */
} ps_json_canonical;

void ps_json_canonical_init(ps_json_canonical *canonical, size_t size_max);
void ps_json_canonical_release(ps_json_canonical *canonical);

/* Starts a text at the end of `out`. */
void ps_json_canonical_begin(ps_json_canonical *canonical, ps_buf *out);
/* Each token of a reader in turn, but FAILED and END; `value` is the reader's. When `out` could not
 * take it, out->failed says so. */
void ps_json_canonical_add(ps_json_canonical *canonical, ps_json_token token, ps_slice value);
/* Takes a member out of the object that is open and would end next. False: it has none of it. */
bool ps_json_canonical_drop(ps_json_canonical *canonical, ps_slice key);

/* A whole text: reads `reader` (begun) to its end and appends its canonical form to `out`. False:
 * the reader failed, or out or memory did not suffice (out->failed). */
PS_CHECKED bool ps_json_canonical_all(ps_json_canonical *canonical, ps_json_reader *reader,
                                      ps_buf *out);

#endif
