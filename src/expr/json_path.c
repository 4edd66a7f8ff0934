/* JSON paths: compiled to a list of steps. */
#include "expr/json_tree.h"

typedef enum { STEP_KEY, STEP_INDEX, STEP_ALL } step_kind;

typedef struct {
    step_kind kind;
    ps_slice key;
    int64_t index;
} path_step;

struct ps_json_path {
    bool is_lax, has_all;
    uint32_t count;
    path_step *steps;
};

typedef struct {
    ps_arena *arena;
    ps_slice text;
    size_t at;
    ps_error *err;
} reader;

static ps_code malformed(const reader *r)
{
    return ps_error_set(r->err, PS_E_INVALID, "the JSON path '%.*s' is wrong at byte %zu",
                        (int)(r->text.size < 100 ? r->text.size : 100), r->text.data, r->at);
}

static ps_code unsupported(const reader *r, const char *what)
{
    return ps_error_set(r->err, PS_E_UNSUPPORTED, "%s in a JSON path is not supported yet", what);
}

static char peek(const reader *r)
{
    return r->at < r->text.size ? r->text.data[r->at] : '\0';
}

static void skip_blanks(reader *r)
{
    while (peek(r) == ' ') {
        r->at++;
    }
}

/* 'name' or "name", with \ before a quote. */
static ps_code read_quoted(reader *r, path_step *out)
{
    char quote = peek(r), *name = ps_arena_take(r->arena, r->text.size);
    size_t size = 0;
    if (name == NULL) {
        return ps_error_set(r->err, PS_E_MEMORY, "no memory for a JSON path");
    }
    for (r->at++; peek(r) != quote; r->at++) {
        if (peek(r) == '\\') {
            r->at++;
        }
        if (r->at >= r->text.size) {
            return malformed(r);
        }
        name[size++] = peek(r);
    }
    r->at++;
    *out = (path_step){.kind = STEP_KEY, .key = ps_slice_of(name, size)};
    return PS_OK;
}

static ps_code read_index(reader *r, path_step *out)
{
    size_t start = r->at;
    r->at += peek(r) == '-' ? 1 : 0;
    while (peek(r) >= '0' && peek(r) <= '9') {
        r->at++;
    }
    out->kind = STEP_INDEX;
    return ps_parse_i64(ps_slice_of(r->text.data + start, r->at - start), &out->index)
               ? PS_OK
               : malformed(r);
}

/* Behind '['. */
static ps_code read_bracket(reader *r, path_step *out)
{
    ps_code code = PS_OK;
    skip_blanks(r);
    char c = peek(r);
    if (c == '\'' || c == '"') {
        code = read_quoted(r, out);
    } else if (c == '*') {
        out->kind = STEP_ALL;
        r->at++;
    } else if (c == '?') {
        return unsupported(r, "a filter");
    } else {
        code = read_index(r, out);
    }
    if (code != PS_OK) {
        return code;
    }
    skip_blanks(r);
    if (peek(r) == ':' || peek(r) == ',') {
        return unsupported(r, "a slice");
    }
    if (peek(r) != ']') {
        return malformed(r);
    }
    r->at++;
    return PS_OK;
}

/* Behind '.'. */
static ps_code read_name(reader *r, path_step *out)
{
    if (peek(r) == '.') {
        return unsupported(r, "'..'");
    }
    if (peek(r) == '*') {
        out->kind = STEP_ALL;
        r->at++;
        return PS_OK;
    }
    if (peek(r) == '[') {
        r->at++;
        return read_bracket(r, out);
    }
    size_t start = r->at;
    while (r->at < r->text.size && strchr(".[( ", peek(r)) == NULL) {
        r->at++;
    }
    if (peek(r) == '(') {
        return unsupported(r, "a function");
    }
    out->kind = STEP_KEY;
    out->key = ps_slice_of(r->text.data + start, r->at - start);
    return out->key.size > 0 ? PS_OK : malformed(r);
}

static bool accept_mode(reader *r, ps_slice mode)
{
    ps_slice rest = ps_slice_of(r->text.data + r->at, r->text.size - r->at);
    bool same =
        ps_slice_has_prefix(rest, mode) && rest.size > mode.size && rest.data[mode.size] == ' ';
    r->at += same ? mode.size : 0;
    return same;
}

ps_code ps_json_path_compile(ps_arena *arena, ps_slice text, const ps_json_path **out,
                             ps_error *err)
{
    reader r = {arena, text, 0, err};
    ps_json_path *path = ps_arena_take(arena, sizeof *path);
    path_step *steps = ps_arena_take(arena, (text.size + 1) * sizeof *steps);
    char *copy = ps_arena_copy(arena, text.data, text.size);
    if (path == NULL || steps == NULL || copy == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a JSON path");
    }
    r.text.data = copy;
    path->steps = steps;
    skip_blanks(&r);
    path->is_lax = accept_mode(&r, PS_SLICE("lax"));
    if (!path->is_lax) {
        (void)accept_mode(&r, PS_SLICE("strict"));
    }
    skip_blanks(&r);
    if (peek(&r) != '$') {
        return malformed(&r);
    }
    r.at++;
    while (r.at < r.text.size) {
        char c = peek(&r);
        r.at++;
        path_step *step = &path->steps[path->count];
        ps_code code = c == '.'   ? read_name(&r, step)
                       : c == '[' ? read_bracket(&r, step)
                                  : malformed(&r);
        if (code != PS_OK) {
            return code;
        }
        path->has_all = path->has_all || step->kind == STEP_ALL;
        path->count++;
    }
    *out = path;
    return PS_OK;
}

bool ps_json_path_is_lax(const ps_json_path *path)
{
    return path->is_lax;
}

/* ── finding ── */

static const ps_tree_node *child_by_step(const ps_tree_node *node, const path_step *step)
{
    const ps_tree_node *found = NULL;
    if (step->kind == STEP_KEY && node->kind == PS_NODE_OBJECT) {
        for (const ps_tree_node *n = node->first; n != NULL; n = n->next) {
            found = ps_slice_equal(n->key, step->key) ? n : found; /* the last counts */
        }
        return found;
    }
    if (step->kind != STEP_INDEX || node->kind != PS_NODE_ARRAY) {
        return NULL;
    }
    int64_t index = step->index < 0 ? node->child_count + step->index : step->index;
    if (index < 0 || index >= node->child_count) {
        return NULL;
    }
    for (found = node->first; index > 0; index--) {
        found = found->next;
    }
    return found;
}

/* A copy of the node at the end of the list; its children are shared. */
static bool append(ps_arena *arena, ps_tree_node *list, const ps_tree_node *node)
{
    ps_tree_node *copy = ps_arena_take(arena, sizeof *copy);
    if (copy == NULL) {
        return false;
    }
    *copy = *node;
    copy->next = NULL;
    if (list->last != NULL) {
        list->last->next = copy;
    } else {
        list->first = copy;
    }
    list->last = copy;
    list->child_count++;
    return true;
}

static bool is_last_of_key(const ps_tree_node *node)
{
    for (const ps_tree_node *n = node->next; n != NULL; n = n->next) {
        if (ps_slice_equal(n->key, node->key)) {
            return false;
        }
    }
    return true;
}

static bool append_all(ps_arena *arena, ps_tree_node *list, const ps_tree_node *node)
{
    if (ps_tree_node_is_scalar(node)) {
        return true;
    }
    for (const ps_tree_node *n = node->first; n != NULL; n = n->next) {
        if ((node->kind == PS_NODE_ARRAY || is_last_of_key(n)) && !append(arena, list, n)) {
            return false;
        }
    }
    return true;
}

static const ps_tree_node *find_list(ps_arena *arena, const ps_json_path *path,
                                     const ps_tree_node *root)
{
    ps_tree_node *list = ps_arena_take(arena, sizeof *list);
    if (list == NULL || !append(arena, list, root)) {
        return NULL;
    }
    list->kind = PS_NODE_ARRAY;
    for (uint32_t i = 0; i < path->count; i++) {
        ps_tree_node *next = ps_arena_take(arena, sizeof *next);
        if (next == NULL) {
            return NULL;
        }
        next->kind = PS_NODE_ARRAY;
        for (const ps_tree_node *n = list->first; n != NULL; n = n->next) {
            const ps_tree_node *child =
                path->steps[i].kind == STEP_ALL ? NULL : child_by_step(n, &path->steps[i]);
            bool done = path->steps[i].kind == STEP_ALL
                            ? append_all(arena, next, n)
                            : child == NULL || append(arena, next, child);
            if (!done) {
                return NULL;
            }
        }
        list = next;
    }
    return list;
}

const ps_tree_node *ps_json_path_find(ps_arena *arena, const ps_json_path *path,
                                      const ps_tree_node *root)
{
    const ps_tree_node *node = root;
    for (uint32_t i = 0; i < path->count && node != NULL; i++) {
        if (path->steps[i].kind == STEP_ALL) { /* what stands before the first * must be there */
            return find_list(arena, path, root);
        }
        node = child_by_step(node, &path->steps[i]);
    }
    return node;
}
