/* Accumulators: what a pane gathers: SQL's aggregates, a user's combine functions, or the rows
 * themselves for a group function. A state is `size` bytes in the operator's store (a multiple of
 * 16, zeroed = empty) that may refer to blocks of the same store: forget it by clear.
 */
#ifndef PS_API_ACCUMULATOR_H
#define PS_API_ACCUMULATOR_H

#include "api/row_handle.h"
#include "api/user_spec.h"

typedef struct {
    ps_code (*add)(ps_accumulator *self, const ps_batch *batch, uint32_t row, char *state,
                   ps_error *err);
    ps_code (*merge)(ps_accumulator *self, char *into, char *from,
                     ps_error *err); /* empties from */
    void (*clear)(ps_accumulator *self, char *state);
    /* Sets the row's columns behind the key, or ends rows of its own (out->is_many). */
    void (*result)(ps_accumulator *self, char *state, ps_out *out);
    void (*free)(ps_accumulator *self);
} ps_accumulator_class;

struct ps_accumulator {
    const ps_accumulator_class *class;
    uint32_t size;
    bool is_many;
};

/* Opens its regions in the context's store. */
PS_CHECKED ps_code ps_accumulator_new(const ps_pane_spec *spec, const ps_operator_context *context,
                                      ps_accumulator **out, ps_error *err);

#endif
