#include "serve/route.h"

/* ── matching ── */

/* Compares a path with a pattern, which has at most one {parameter}, a whole segment. */
static bool pattern_matches(const char *pattern, ps_slice path, ps_slice *out_id)
{
    size_t at = 0;
    *out_id = (ps_slice){NULL, 0};
    while (*pattern != 0) {
        if (*pattern != '{') {
            if (at >= path.size || path.data[at] != *pattern) {
                return false;
            }
            at++;
            pattern++;
            continue;
        }
        size_t start = at;
        while (at < path.size && path.data[at] != '/') {
            at++;
        }
        if (at == start) {
            return false;
        }
        *out_id = ps_slice_of(path.data + start, at - start);
        pattern = strchr(pattern, '}') + 1;
    }
    return at == path.size;
}

/* A fixed segment beats a parameter whatever the order of the table: /v1/settlements/close. */
static bool is_more_exact(const ps_route *candidate, const ps_route *best)
{
    return best == NULL || strchr(candidate->pattern, '{') == NULL;
}

void ps_route_find(ps_method method, ps_slice path, char *path_buffer, ps_route_match *out_match)
{
    size_t count;
    const ps_route *routes = ps_routes(&count);
    ps_slice id = {NULL, 0};
    *out_match = (ps_route_match){.route = NULL};
    for (size_t i = 0; i < count; i++) {
        ps_slice candidate_id;
        if (!pattern_matches(routes[i].pattern, path, &candidate_id)) {
            continue;
        }
        out_match->allowed_methods |= UINT32_C(1) << routes[i].method;
        if (routes[i].method == method && is_more_exact(&routes[i], out_match->route)) {
            out_match->route = &routes[i];
            id = candidate_id;
        }
    }
    size_t size;
    if (ps_percent_decode(id, false, path_buffer, &size)) {
        out_match->id = ps_slice_of(path_buffer, size);
    } else {
        /* as it came: no id or name holds a '%', so that decode refuses it by its name */
        out_match->id = id;
    }
}

const ps_route *ps_route_of_command(ps_command_kind kind)
{
    size_t count;
    const ps_route *routes = ps_routes(&count);
    for (size_t i = 0; i < count; i++) {
        if (routes[i].command == kind) {
            return &routes[i];
        }
    }
    return NULL;
}

/* ── paths ── */

/* Percent escapes come in upper and lower case alike (RFC 3986 §2.1). */
static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool ps_percent_decode(ps_slice text, bool is_form, char *out, size_t *out_size)
{
    size_t size = 0;
    for (size_t at = 0; at < text.size; at++) {
        char c = text.data[at];
        if (c == '%') {
            int high = text.size - at < 3 ? -1 : hex_digit(text.data[at + 1]);
            int low = text.size - at < 3 ? -1 : hex_digit(text.data[at + 2]);
            if (high < 0 || low < 0 || high + low == 0) {
                return false;
            }
            c = (char)(high << 4 | low);
            at += 2;
        } else if (c == '+' && is_form) {
            c = ' ';
        }
        out[size++] = c;
    }
    *out_size = size;
    return true;
}

void ps_route_path_append(const ps_route *route, ps_slice id, ps_buf *out)
{
    const char *parameter = strchr(route->pattern, '{');
    if (parameter == NULL) {
        ps_buf_append_text(out, route->pattern);
        return;
    }
    ps_buf_append(out, route->pattern, (size_t)(parameter - route->pattern));
    ps_buf_append_slice(out, id);
    ps_buf_append_text(out, strchr(parameter, '}') + 1);
}
