/* Shape: the columns of a collection: the user's, then those that the library keeps beside them
 * (event time, window start and end, pane), each BIGINT NOT NULL and there or not there together
 * with what it tells. Immutable, in the pipeline's arena.
 */
#ifndef PS_API_SHAPE_H
#define PS_API_SHAPE_H

#include "data/batch.h"
#include "paystream/row.h"

typedef struct {
    uint32_t column_count; /* the user's */
    uint32_t total_count;
    ps_field *fields; /* names end with NUL */
    ps_phys *classes;
    uint32_t time, start, end, pane; /* PS_NO_COLUMN: not there; always in this order */
} ps_shape;

/* What a shape has behind the user's columns. */
typedef enum {
    PS_SHAPE_TIME = 1,
    PS_SHAPE_WINDOW = 2, /* start and end */
    PS_SHAPE_PANE = 4
} ps_shape_part;

/* Room for the user's columns; the caller sets their fields (names ending with NUL) and then calls
 * ps_shape_finish. NULL: no memory. */
ps_shape *ps_shape_new(ps_arena *arena, uint32_t column_count, uint32_t parts);
void ps_shape_finish(ps_shape *shape);
/* The definitions as a shape with these parts, whole. NULL: *err says what is wrong with them. */
ps_shape *ps_shape_of(ps_arena *arena, const ps_column_def *columns, uint32_t parts, ps_error *err);
uint32_t ps_shape_parts(const ps_shape *shape);
ps_schema ps_shape_schema(const ps_shape *shape);
/* PS_NO_COLUMN: none of that name. */
uint32_t ps_shape_find(const ps_shape *shape, ps_slice name);

/* A pane column's value: kind and number of the firing. */
static inline int64_t ps_pane_code(ps_pane_kind kind, uint32_t index)
{
    return (int64_t)index << 2 | (int64_t)kind;
}

ps_column_kind ps_column_kind_of(const ps_type *type);
/* NULL: PS_COLUMN_OTHER or no kind at all. */
const ps_type *ps_column_type(ps_column_kind kind);

#endif
