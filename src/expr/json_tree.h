/* JSON as a tree, for the JSON functions of SQL, and the paths that they take.
 *
 * Reads what Flink's reader reads: of a key used twice the last value counts, text behind the value
 * is not looked at. Numbers keep their text. (data/json_reader.h is the strict reader of requests.)
 * Trees live in the arena that they are read into; texts without escapes point into the source.
 */
#ifndef PS_EXPR_JSON_TREE_H
#define PS_EXPR_JSON_TREE_H

#include "base/arena.h"
#include "base/bytes.h"

typedef enum {
    PS_NODE_NULL,
    PS_NODE_FALSE,
    PS_NODE_TRUE,
    PS_NODE_NUMBER,
    PS_NODE_STRING,
    PS_NODE_ARRAY,
    PS_NODE_OBJECT
} ps_node_kind;

typedef struct ps_tree_node ps_tree_node;
struct ps_tree_node {
    ps_node_kind kind;
    uint32_t child_count;
    ps_slice text; /* STRING: unescaped; NUMBER: as written */
    ps_slice key;  /* of a member of an object */
    ps_tree_node *parent, *first, *last, *next;
};

enum { PS_TREE_DEPTH_MAX = 1000 };

/* NULL: not JSON (or no memory, or too deep: for the functions of SQL the same). */
const ps_tree_node *ps_tree_read(ps_arena *arena, ps_slice text);
/* Compact text; members in order of their keys, numbers as Java's BigDecimal prints them. */
void ps_tree_print(ps_arena *arena, const ps_tree_node *node, ps_buf *out);
/* A number as Java's BigDecimal.toString has it: 1.50, 1E+3, 1E-7; integers as they are. */
void ps_tree_print_number(ps_slice number, ps_buf *out);
static inline bool ps_tree_node_is_scalar(const ps_tree_node *node)
{
    return node->kind != PS_NODE_ARRAY && node->kind != PS_NODE_OBJECT;
}

/* ── paths: [lax|strict] $.name['name'][0][*].* ── */

typedef struct ps_json_path ps_json_path;

/* In the arena. PS_E_INVALID: malformed; PS_E_UNSUPPORTED: '..', filters, slices. */
PS_CHECKED ps_code ps_json_path_compile(ps_arena *arena, ps_slice text, const ps_json_path **out,
                                        ps_error *err);
bool ps_json_path_is_lax(const ps_json_path *path);

/* What a path finds. A path with a * finds a list, made into an ARRAY node of its own. NULL: there
 * is nothing. */
const ps_tree_node *ps_json_path_find(ps_arena *arena, const ps_json_path *path,
                                      const ps_tree_node *root);

#endif
