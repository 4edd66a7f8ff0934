/* Key encoder: chosen columns of a batch's rows as key bytes (row codes of a key layout), for the
 * tables of state. Owns its scratch; slices are valid until the next call. */
#ifndef PS_FLOW_KEY_ENCODER_H
#define PS_FLOW_KEY_ENCODER_H

#include "data/row.h"
#include "flow/spec.h"
#include "state/table.h"

typedef struct {
    ps_row_layout layout;
    ps_columns keys;
    const ps_column **pointers; /* of the batch at hand */
    ps_buf bytes;
    ps_slice *slices; /* PS_BATCH_ROWS, made when first needed */
    ps_arena *arena;
} ps_key_encoder;

/* Columns of a batch of that schema; the encoder's parts are in the arena but for its bytes. */
PS_CHECKED ps_code ps_key_encoder_init(ps_key_encoder *encoder, ps_arena *arena, ps_columns keys,
                                       const ps_schema *schema, ps_error *err);
void ps_key_encoder_release(ps_key_encoder *encoder);
/* Bytes of every key; 0: they differ. */
uint32_t ps_key_encoder_size(const ps_key_encoder *encoder);

PS_CHECKED ps_code ps_key_encode(ps_key_encoder *encoder, const ps_batch *batch, uint32_t row,
                                 ps_slice *out, ps_error *err);
/* The row's entry in a table of those keys, added when it is not there. */
PS_CHECKED ps_code ps_key_put(ps_key_encoder *encoder, ps_table *table, const ps_batch *batch,
                              uint32_t row, uint32_t *out_entry, bool *out_is_new, ps_error *err);
/* Keys of rows from … to−1: (*out)[row − from]. */
PS_CHECKED ps_code ps_key_encode_run(ps_key_encoder *encoder, const ps_batch *batch, uint32_t from,
                                     uint32_t to, ps_slice **out, ps_error *err);
/* One of the key's columns is NULL in that row: an equi-join has no partner for it. */
bool ps_key_has_null(const ps_key_encoder *encoder, const ps_batch *batch, uint32_t row);

#endif
