#include "expr/json_tree.h"

#include <stdlib.h>

#include "data/json_writer.h"
#include "expr/utf8.h"

typedef struct {
    ps_arena *arena;
    const char *at, *end;
} reader;

static void skip_blanks(reader *r)
{
    while (r->at < r->end &&
           (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r')) {
        r->at++;
    }
}

static bool accept(reader *r, char c)
{
    skip_blanks(r);
    if (r->at == r->end || *r->at != c) {
        return false;
    }
    r->at++;
    return true;
}

/* ── texts ── */

static bool hex4(const char *at, const char *end, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++) {
        char c = at + i < end ? at[i] : '\0';
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) {
            return false;
        }
        *out = *out << 4 | (uint32_t)digit;
    }
    return true;
}

/* The character of \uXXXX, two of them for a surrogate pair; `at` behind the u. */
static const char *read_unicode(const char *at, const char *end, uint32_t *out)
{
    uint32_t low = 0;
    if (!hex4(at, end, out)) {
        return NULL;
    }
    at += 4;
    bool is_high = *out >= 0xD800 && *out < 0xDC00;
    if (is_high && end - at >= 6 && at[0] == '\\' && at[1] == 'u' && hex4(at + 2, end, &low) &&
        low >= 0xDC00 && low < 0xE000) {
        *out = 0x10000 + ((*out - 0xD800) << 10) + (low - 0xDC00);
        return at + 6;
    }
    if (*out >= 0xD800 && *out < 0xE000) {
        *out = '?'; /* half a pair */
    }
    return at;
}

static const char *read_escape(const char *at, const char *end, ps_buf *out)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    uint32_t character = 0;
    if (at == end || *at == '\0') {
        return NULL;
    }
    const char *name = strchr(names, *at);
    if (name != NULL) {
        ps_buf_append_char(out, values[name - names]);
        return at + 1;
    }
    at = *at == 'u' ? read_unicode(at + 1, end, &character) : NULL;
    if (at != NULL) {
        ps_utf8_append(out, character);
    }
    return at;
}

/* The text between the quotes at r->at, unescaped. */
static bool read_string(reader *r, ps_slice *out)
{
    const char *start = ++r->at;
    while (r->at < r->end && *r->at != '"' && *r->at != '\\' && (uint8_t)*r->at >= 0x20) {
        r->at++;
    }
    if (r->at < r->end && *r->at == '"') {
        *out = ps_slice_of(start, (size_t)(r->at++ - start));
        return true;
    }
    ps_buf buf;
    ps_buf_init(&buf, (size_t)(r->end - start));
    ps_buf_append(&buf, start, (size_t)(r->at - start));
    const char *at = r->at;
    while (at != NULL && at < r->end && *at != '"') {
        if ((uint8_t)*at < 0x20) {
            at = NULL;
        } else if (*at == '\\') {
            at = read_escape(at + 1, r->end, &buf);
        } else {
            ps_buf_append_char(&buf, *at++);
        }
    }
    bool good = at != NULL && at < r->end && !buf.failed;
    char *copy = good ? ps_arena_copy(r->arena, buf.data, buf.size) : NULL;
    *out = ps_slice_of(copy, buf.size);
    ps_buf_release(&buf);
    r->at = good ? at + 1 : r->at;
    return copy != NULL;
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9') {
        at++;
    }
    return at;
}

static bool read_number(reader *r, ps_slice *out)
{
    const char *start = r->at, *at = start + (*start == '-');
    const char *digits = at;
    at = skip_digits(at, r->end);
    if (at == digits || (*digits == '0' && at - digits > 1)) {
        return false;
    }
    if (at < r->end && *at == '.') {
        const char *fraction = ++at;
        at = skip_digits(at, r->end);
        if (at == fraction) {
            return false;
        }
    }
    if (at < r->end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < r->end && (*at == '+' || *at == '-');
        const char *exponent = at;
        at = skip_digits(at, r->end);
        if (at == exponent) {
            return false;
        }
    }
    r->at = at;
    *out = ps_slice_of(start, (size_t)(at - start));
    return true;
}

/* ── values ── */

static ps_tree_node *add_node(reader *r, ps_tree_node *parent)
{
    ps_tree_node *node = ps_arena_take(r->arena, sizeof *node);
    if (node == NULL || parent == NULL) {
        return node;
    }
    node->parent = parent;
    if (parent->last != NULL) {
        parent->last->next = node;
    } else {
        parent->first = node;
    }
    parent->last = node;
    parent->child_count++;
    return node;
}

static bool read_word(reader *r, const char *word)
{
    size_t size = strlen(word);
    bool same = (size_t)(r->end - r->at) >= size && memcmp(r->at, word, size) == 0;
    r->at += same ? size : 0;
    return same;
}

/* A scalar, or the beginning of an array or object. */
static bool read_value(reader *r, ps_tree_node *node)
{
    skip_blanks(r);
    if (r->at == r->end) {
        return false;
    }
    switch (*r->at) {
    case '{':
        node->kind = PS_NODE_OBJECT;
        r->at++;
        return true;
    case '[':
        node->kind = PS_NODE_ARRAY;
        r->at++;
        return true;
    case '"':
        node->kind = PS_NODE_STRING;
        return read_string(r, &node->text);
    case 't':
        node->kind = PS_NODE_TRUE;
        return read_word(r, "true");
    case 'f':
        node->kind = PS_NODE_FALSE;
        return read_word(r, "false");
    case 'n':
        node->kind = PS_NODE_NULL;
        return read_word(r, "null");
    default:
        node->kind = PS_NODE_NUMBER;
        return read_number(r, &node->text);
    }
}

/* The next child of an open array or object, with its key. */
static ps_tree_node *read_child(reader *r, ps_tree_node *open)
{
    ps_slice key = PS_SLICE("");
    if (open->kind == PS_NODE_OBJECT) {
        skip_blanks(r);
        bool good = r->at < r->end && *r->at == '"' && read_string(r, &key) && accept(r, ':');
        if (!good) {
            return NULL;
        }
    }
    ps_tree_node *node = add_node(r, open);
    if (node == NULL || !read_value(r, node)) {
        return NULL;
    }
    node->key = key;
    return node;
}

const ps_tree_node *ps_tree_read(ps_arena *arena, ps_slice text)
{
    reader r = {arena, text.data, text.data + text.size};
    ps_tree_node *root = add_node(&r, NULL), *open = root;
    uint32_t depth = 1;
    if (root == NULL || text.size == 0 || !read_value(&r, root)) {
        return NULL;
    }
    open = ps_tree_node_is_scalar(root) ? NULL : root;
    while (open != NULL) {
        char close = open->kind == PS_NODE_OBJECT ? '}' : ']';
        if (accept(&r, close)) {
            open = open->parent;
            depth--;
            continue;
        }
        if (open->first != NULL && !accept(&r, ',')) {
            return NULL;
        }
        ps_tree_node *child = read_child(&r, open);
        if (child == NULL) {
            return NULL;
        }
        if (!ps_tree_node_is_scalar(child)) {
            open = child;
            if (++depth > PS_TREE_DEPTH_MAX) {
                return NULL;
            }
        }
    }
    return root;
}

/* ── printing ── */

/* digits · 10^−scale */
static void print_scaled(ps_slice digits, int64_t scale, ps_buf *out)
{
    int64_t size = (int64_t)digits.size, adjusted = size - 1 - scale;
    if (scale >= 0 && adjusted >= -6) {
        int64_t whole = size - scale;
        ps_buf_append_text(out, whole <= 0 ? "0" : "");
        ps_buf_append(out, digits.data, whole > 0 ? (size_t)whole : 0);
        ps_buf_append_text(out, scale > 0 ? "." : "");
        for (; whole < 0; whole++) {
            ps_buf_append_char(out, '0');
        }
        ps_buf_append(out, digits.data + whole, (size_t)(size - whole));
        return;
    }
    ps_buf_append_char(out, digits.data[0]);
    if (size > 1) {
        ps_buf_append_char(out, '.');
        ps_buf_append(out, digits.data + 1, (size_t)size - 1);
    }
    if (adjusted != 0) {
        ps_buf_append_format(out, "E%+lld", (long long)adjusted);
    }
}

void ps_tree_print_number(ps_slice number, ps_buf *out)
{
    enum { DIGITS_MAX = 1000, EXPONENT_MAX = 999999999 };
    char digits[DIGITS_MAX + 1];
    bool negative = number.size > 0 && number.data[0] == '-', in_fraction = false;
    size_t size = 0, at = negative ? 1 : 0;
    int64_t scale = 0, exponent = 0;
    for (; at < number.size && number.data[at] != 'e' && number.data[at] != 'E'; at++) {
        if (number.data[at] == '.') {
            in_fraction = true;
        } else if (size < DIGITS_MAX) {
            size -= size == 1 && digits[0] == '0' ? 1 : 0; /* no leading zeros */
            digits[size++] = number.data[at];
            scale += in_fraction ? 1 : 0;
        }
    }
    for (size_t i = at + 1; i < number.size && exponent < EXPONENT_MAX; i++) {
        bool is_digit = number.data[i] >= '0' && number.data[i] <= '9';
        exponent = is_digit ? exponent * 10 + (number.data[i] - '0') : exponent;
    }
    if (at + 1 < number.size) {
        scale -= number.data[at + 1] == '-' ? -exponent : exponent;
    }
    bool is_zero = size == 1 && digits[0] == '0';
    ps_buf_append_text(out, negative && !is_zero ? "-" : "");
    print_scaled(ps_slice_of(digits, size), scale, out);
}

typedef struct {
    const ps_tree_node *node;
    uint32_t index; /* among the siblings */
} member;

static int order_members(const void *a, const void *b)
{
    const member *x = a, *y = b;
    ps_slice k = x->node->key, l = y->node->key;
    size_t size = k.size < l.size ? k.size : l.size;
    int order = size > 0 ? memcmp(k.data, l.data, size) : 0;
    order = order != 0 ? order : (k.size > l.size) - (k.size < l.size);
    return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

static void print_object(ps_arena *arena, const ps_tree_node *object, ps_buf *out)
{
    uint32_t count = 0;
    member *members = ps_arena_take(arena, (object->child_count + 1) * sizeof *members);
    if (members == NULL) {
        out->failed = true;
        return;
    }
    for (const ps_tree_node *n = object->first; n != NULL; n = n->next, count++) {
        members[count] = (member){n, count};
    }
    if (count > 1) {
        qsort(members, count, sizeof *members, order_members);
    }
    bool any = false;
    ps_buf_append_char(out, '{');
    for (uint32_t i = 0; i < count; i++) {
        bool is_repeated =
            i + 1 < count && ps_slice_equal(members[i].node->key, members[i + 1].node->key);
        if (!is_repeated) {
            ps_buf_append_text(out, any ? "," : "");
            ps_json_append_string(out, members[i].node->key);
            ps_buf_append_char(out, ':');
            ps_tree_print(arena, members[i].node, out);
            any = true;
        }
    }
    ps_buf_append_char(out, '}');
}

void ps_tree_print(ps_arena *arena, const ps_tree_node *node, ps_buf *out)
{
    switch (node->kind) {
    case PS_NODE_NULL:
        ps_buf_append_text(out, "null");
        return;
    case PS_NODE_FALSE:
        ps_buf_append_text(out, "false");
        return;
    case PS_NODE_TRUE:
        ps_buf_append_text(out, "true");
        return;
    case PS_NODE_NUMBER:
        ps_tree_print_number(node->text, out);
        return;
    case PS_NODE_STRING:
        ps_json_append_string(out, node->text);
        return;
    case PS_NODE_OBJECT:
        print_object(arena, node, out);
        return;
    case PS_NODE_ARRAY:
        break;
    }
    ps_buf_append_char(out, '[');
    for (const ps_tree_node *n = node->first; n != NULL; n = n->next) {
        ps_buf_append_text(out, n != node->first ? "," : "");
        ps_tree_print(arena, n, out);
    }
    ps_buf_append_char(out, ']');
}
