#include "data/json_canonical.h"

#include "data/json_scan.h"
#include "data/json_writer.h"

void ps_json_canonical_init(ps_json_canonical *canonical, size_t size_max)
{
    canonical->out = NULL;
    canonical->depth = 0;
    canonical->member_count = 0;
    canonical->after_key = false;
    ps_buf_init(&canonical->scratch, size_max);
}

void ps_json_canonical_release(ps_json_canonical *canonical)
{
    ps_buf_release(&canonical->scratch);
}

void ps_json_canonical_begin(ps_json_canonical *canonical, ps_buf *out)
{
    canonical->out = out;
    canonical->depth = 0;
    canonical->member_count = 0;
    canonical->after_key = false;
    canonical->levels[0] = (ps_json_level){.is_sorted = true};
}

/* ── order ── */

static uint64_t key_prefix(ps_slice key)
{
    uint64_t little_endian = 0;
    if (key.size >= sizeof little_endian) {
        memcpy(&little_endian, key.data, sizeof little_endian);
    } else if (key.size > 0) {
        memcpy(&little_endian, key.data, key.size);
    }
    return __builtin_bswap64(little_endian);
}

static bool member_is_before(const ps_json_member *a, const ps_json_member *b)
{
    if (a->prefix != b->prefix) {
        return a->prefix < b->prefix;
    }
    size_t common = a->key.size < b->key.size ? a->key.size : b->key.size;
    int order = common > 0 ? memcmp(a->key.data, b->key.data, common) : 0;
    return order != 0 ? order < 0 : a->key.size < b->key.size;
}

/* Shell sort (D. Shell, 1959) with the gaps of M. Ciura, 2001: in place, and far from quadratic for
 * the at most 2,048 members of an object. */
static void members_sort(ps_json_member *members, uint32_t count)
{
    static const uint32_t gaps[] = {701, 301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof gaps[0]; g++) {
        uint32_t gap = gaps[g];
        for (uint32_t i = gap; i < count; i++) {
            ps_json_member member = members[i];
            uint32_t j = i;
            for (; j >= gap && member_is_before(&member, &members[j - gap]); j -= gap) {
                members[j] = members[j - gap];
            }
            members[j] = member;
        }
    }
}

/* Writes the members of the open object again, in order and without dropped ones (size 0). */
static void object_rewrite(ps_json_canonical *canonical, ps_json_member *members, uint32_t count,
                           size_t body_at)
{
    ps_buf *out = canonical->out;
    ps_buf *scratch = &canonical->scratch;
    ps_buf_clear(scratch);
    for (uint32_t i = 0; i < count; i++) {
        if (members[i].size == 0) {
            continue;
        }
        if (scratch->size > 0) {
            ps_buf_append_char(scratch, ',');
        }
        ps_buf_append(scratch, out->data + members[i].at, members[i].size);
    }
    if (scratch->failed) {
        out->failed = true;
        return;
    }
    if (scratch->size > 0) {
        memcpy(out->data + body_at, scratch->data, scratch->size);
    }
    out->size = body_at + scratch->size;
}

static void object_order(ps_json_canonical *canonical, const ps_json_level *level)
{
    ps_json_member *members = canonical->members + level->first_member;
    uint32_t count = canonical->member_count - level->first_member;
    if (level->is_sorted || count == 0 || canonical->out->failed) {
        return;
    }
    size_t body_at = members[0].at;
    for (uint32_t i = 0; i < count; i++) {
        bool is_dropped = members[i].size == UINT32_MAX;
        size_t end = i + 1 < count ? members[i + 1].at - 1 : canonical->out->size;
        members[i].size = is_dropped ? 0 : (uint32_t)(end - members[i].at);
    }
    members_sort(members, count);
    object_rewrite(canonical, members, count, body_at);
}

bool ps_json_canonical_drop(ps_json_canonical *canonical, ps_slice key)
{
    ps_json_level *level = &canonical->levels[canonical->depth];
    for (uint32_t i = level->first_member; i < canonical->member_count; i++) {
        if (ps_slice_equal(canonical->members[i].key, key)) {
            canonical->members[i].size = UINT32_MAX;
            level->is_sorted = false;
            return true;
        }
    }
    return false;
}

/* ── tokens ── */

/* A comma where one is needed before the next item of the open container. */
static bool item_needs_comma(ps_json_canonical *canonical)
{
    ps_json_level *level = &canonical->levels[canonical->depth];
    bool needs_comma = !canonical->after_key && level->has_items;
    canonical->after_key = false;
    level->has_items = true;
    return needs_comma;
}

static void item_begin(ps_json_canonical *canonical)
{
    if (item_needs_comma(canonical)) {
        ps_buf_append_char(canonical->out, ',');
    }
}

/* A comma or not, the quoted text, a colon or not: in one piece, because this is most of the work.
 */
static void string_add(ps_json_canonical *canonical, ps_slice text, bool comma, bool colon)
{
    bool non_ascii = false;
    ps_buf *out = canonical->out;
    if (text.size == 0 || ps_json_scan(text.data, text.size, &non_ascii) < text.size) {
        if (comma) {
            ps_buf_append_char(out, ',');
        }
        ps_json_append_string(out, text);
        if (colon) {
            ps_buf_append_char(out, ':');
        }
        return;
    }
    char *p = ps_buf_extend(out, text.size + 2 + comma + colon);
    if (p == NULL) {
        return;
    }
    *p = ','; /* overwritten by the quote when there is none */
    p += comma;
    *p = '"';
    memcpy(p + 1, text.data, text.size);
    p[text.size + 1] = '"';
    if (colon) {
        p[text.size + 2] = ':';
    }
}

static void key_add(ps_json_canonical *canonical, ps_slice key)
{
    ps_json_level *level = &canonical->levels[canonical->depth];
    bool comma = item_needs_comma(canonical);
    PS_ASSERT(canonical->member_count < PS_JSON_KEYS_MAX);
    ps_json_member *member = &canonical->members[canonical->member_count];
    uint32_t at = (uint32_t)canonical->out->size + comma;
    *member = (ps_json_member){key, key_prefix(key), at, 0};
    if (canonical->member_count > level->first_member && member_is_before(member, member - 1)) {
        level->is_sorted = false;
    }
    canonical->member_count++;
    string_add(canonical, key, comma, true);
    canonical->after_key = true;
}

static void container_begin(ps_json_canonical *canonical, bool is_object)
{
    item_begin(canonical);
    ps_buf_append_char(canonical->out, is_object ? '{' : '[');
    PS_ASSERT(canonical->depth < PS_JSON_DEPTH_MAX);
    canonical->depth++;
    canonical->levels[canonical->depth] = (ps_json_level){
        .first_member = canonical->member_count, .is_object = is_object, .is_sorted = true};
}

static void container_end(ps_json_canonical *canonical)
{
    const ps_json_level *level = &canonical->levels[canonical->depth];
    if (level->is_object) {
        object_order(canonical, level);
    }
    ps_buf_append_char(canonical->out, level->is_object ? '}' : ']');
    canonical->member_count = level->first_member;
    canonical->depth--;
}

void ps_json_canonical_add(ps_json_canonical *canonical, ps_json_token token, ps_slice value)
{
    switch (token) {
    case PS_JSON_OBJECT_BEGIN:
        container_begin(canonical, true);
        return;
    case PS_JSON_ARRAY_BEGIN:
        container_begin(canonical, false);
        return;
    case PS_JSON_OBJECT_END:
    case PS_JSON_ARRAY_END:
        container_end(canonical);
        return;
    case PS_JSON_KEY:
        key_add(canonical, value);
        return;
    case PS_JSON_STRING:
        string_add(canonical, value, item_needs_comma(canonical), false);
        return;
    case PS_JSON_NUMBER:
    case PS_JSON_TRUE:
    case PS_JSON_FALSE:
    case PS_JSON_NULL:
        item_begin(canonical);
        ps_buf_append_slice(canonical->out, value);
        return;
    case PS_JSON_FAILED:
    case PS_JSON_END:
        break;
    }
    PS_ASSERT(token != PS_JSON_FAILED && token != PS_JSON_END);
}

bool ps_json_canonical_all(ps_json_canonical *canonical, ps_json_reader *reader, ps_buf *out)
{
    ps_json_canonical_begin(canonical, out);
    for (;;) {
        ps_json_token token = ps_json_reader_next(reader);
        if (token == PS_JSON_FAILED) {
            return false;
        }
        if (token == PS_JSON_END) {
            return !out->failed;
        }
        ps_json_canonical_add(canonical, token, reader->value);
    }
}
