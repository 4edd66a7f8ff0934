/* What stands behind ps_row and ps_out: a row of a batch, and the row that a builder makes. */
#ifndef PS_API_ROW_HANDLE_H
#define PS_API_ROW_HANDLE_H

#include "api/shape.h"
#include "flow/outlet.h"

struct ps_row {
    const ps_batch *batch;
    uint32_t at;
    const ps_shape *shape;
};

/* Rows go into a builder: the outlet's (which pushes full batches), or one of the caller's. */
struct ps_out {
    const ps_shape *shape;
    ps_batch_builder *builder;
    ps_outlet *outlet; /* NULL: the caller sees to it that the builder has room */
    uint32_t first;    /* the function's column 0 */
    bool is_many;      /* the function may end rows */
    bool has_begun;
    ps_code code; /* of the first failure; *err tells */
    ps_error *err;
    /* sets the columns that are not the function's, before a row ends; NULL: there are none */
    ps_code (*complete)(struct ps_out *out, ps_error *err);
    const void *complete_with;
};

/* Begins a row unless one was begun; false: it failed. */
PS_CHECKED bool ps_out_begin(struct ps_out *out);
/* Ends the row that was begun, or that nothing was set in. */
void ps_out_end(struct ps_out *out);

/* As snprintf hands out its text: at most size bytes, the last of them NUL; returns the length of
 * the whole, 0 where memory was out. Releases the text. */
size_t ps_text_hand_out(ps_buf *text, char *out, size_t size);

#endif
