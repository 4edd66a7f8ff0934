#include "run/exchange.h"

#include <stdlib.h>

#include "state/table.h"

static ps_code no_memory(ps_error *err)
{
    return ps_error_set(err, PS_E_MEMORY, "no memory for rows between lanes");
}

ps_code ps_exchange_init(ps_exchange *exchange, ps_arena *arena, uint32_t pile_count,
                         const ps_schema *schema, ps_columns keys, ps_error *err)
{
    uint32_t count = schema->field_count;
    const ps_type **types = ps_arena_take(arena, count * sizeof *types);
    ps_phys *classes = ps_arena_take(arena, count * sizeof *classes);
    *exchange = (ps_exchange){
        .column_count = count,
        .types = types,
        .classes = classes,
        .keys = keys,
        .piles = ps_arena_take(arena, pile_count * sizeof(ps_row_pile)),
        .hashes = ps_arena_take(arena, PS_BATCH_ROWS * sizeof(uint64_t)),
        .selection = ps_arena_take(arena, PS_BATCH_ROWS * sizeof(uint32_t)),
    };
    if (types == NULL || classes == NULL || exchange->piles == NULL || exchange->hashes == NULL ||
        exchange->selection == NULL) {
        return no_memory(err);
    }
    exchange->pile_count = pile_count;
    for (uint32_t i = 0; i < count; i++) {
        types[i] = schema->fields[i].type;
        classes[i] = ps_type_phys(types[i]);
    }
    ps_exchange_clear(exchange);
    return PS_OK;
}

void ps_exchange_release(ps_exchange *exchange)
{
    for (uint32_t p = 0; p < exchange->pile_count; p++) {
        for (uint32_t b = 0; b < exchange->piles[p].made; b++) {
            ps_batch_builder_release(&exchange->piles[p].batches[b]);
        }
        free(exchange->piles[p].batches);
    }
}

void ps_exchange_clear(ps_exchange *exchange)
{
    for (uint32_t p = 0; p < exchange->pile_count; p++) {
        exchange->piles[p].count = 0;
    }
    exchange->is_fed = false;
    exchange->watermark_after = PS_WATERMARK_NONE;
    exchange->sequence_after = 0;
}

/* ── which lane a key belongs to ── */

/* Mixes 128 bits to 64 (the step of wyhash; W. Yi, public domain). */
static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    value = value == 0 ? 0 : value; /* −0.0 is the same key */
    if (value != value) {
        return UINT64_MAX; /* and so is every NaN */
    }
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static uint64_t hash_value(ps_phys phys, const ps_column *column, uint32_t row)
{
    switch (phys) {
    case PS_PHYS_I64:
        return (uint64_t)column->i64[row];
    case PS_PHYS_F64:
        return bits_of(column->f64[row]);
    case PS_PHYS_I128:
        return ps_table_hash(&column->i128[row], sizeof(ps_i128));
    case PS_PHYS_TEXT:
        return ps_table_hash(column->text[row].data, column->text[row].size);
    }
    return 0;
}

static void hash_rows(ps_exchange *exchange, const ps_batch *batch)
{
    memset(exchange->hashes, 0, batch->row_count * sizeof *exchange->hashes);
    for (uint32_t i = 0; i < exchange->keys.count; i++) {
        uint32_t column = exchange->keys.columns[i];
        const ps_column *values = &batch->columns[column];
        for (uint32_t row = 0; row < batch->row_count; row++) {
            uint64_t value = ps_column_is_null(values, row)
                                 ? UINT64_C(0x9e3779b97f4a7c15)
                                 : hash_value(exchange->classes[column], values, row);
            exchange->hashes[row] =
                mix(exchange->hashes[row] ^ value ^ UINT64_C(0xa0761d6478bd642f),
                    UINT64_C(0xe7037ed1a0b428db));
        }
    }
}

/* ── piles ── */

/* A batch with room for at least a row. */
static ps_code pile_room(ps_exchange *exchange, ps_row_pile *pile, ps_batch_builder **out,
                         ps_error *err)
{
    if (pile->count > 0 && !ps_batch_builder_is_full(&pile->batches[pile->count - 1])) {
        *out = &pile->batches[pile->count - 1];
        return PS_OK;
    }
    if (pile->count == pile->room) {
        uint32_t room = pile->room == 0 ? 16 : pile->room * 2;
        ps_batch_builder *larger = realloc(pile->batches, room * sizeof *larger);
        if (larger == NULL) {
            return no_memory(err);
        }
        pile->batches = larger;
        pile->room = room;
    }
    if (pile->count == pile->made) {
        ps_code code = ps_batch_builder_init(&pile->batches[pile->made], exchange->column_count,
                                             exchange->types, PS_BATCH_ROWS, err);
        if (code != PS_OK) {
            return code;
        }
        pile->made++;
    }
    *out = &pile->batches[pile->count++];
    ps_batch_builder_reset(*out);
    (*out)->batch.watermark_after = PS_WATERMARK_NONE;
    (*out)->batch.sequence_after = 0;
    return PS_OK;
}

static ps_code put_selected(ps_exchange *exchange, ps_row_pile *pile, const ps_batch *batch,
                            uint32_t count, ps_error *err)
{
    uint32_t done = 0;
    while (done < count) {
        ps_batch_builder *builder;
        ps_code code = pile_room(exchange, pile, &builder, err);
        uint32_t taken = 0;
        if (code == PS_OK) {
            code = ps_batch_builder_append_selected(builder, batch, exchange->selection + done,
                                                    count - done, &taken, err);
        }
        if (code != PS_OK) {
            return code;
        }
        done += taken;
    }
    return PS_OK;
}

ps_code ps_exchange_put(ps_exchange *exchange, const ps_batch *batch, ps_error *err)
{
    ps_code code = PS_OK;
    exchange->is_fed = true;
    if (exchange->pile_count > 1) {
        hash_rows(exchange, batch);
    }
    for (uint32_t p = 0; code == PS_OK && p < exchange->pile_count; p++) {
        uint32_t count = 0;
        for (uint32_t row = 0; row < batch->row_count; row++) {
            uint32_t owner =
                exchange->pile_count == 1
                    ? 0
                    : (uint32_t)((exchange->hashes[row] >> 32) * exchange->pile_count >> 32);
            exchange->selection[count] = row;
            count += owner == p;
        }
        code = put_selected(exchange, &exchange->piles[p], batch, count, err);
    }
    if (batch->watermark_after > exchange->watermark_after) {
        exchange->watermark_after = batch->watermark_after;
    }
    if (batch->sequence_after > exchange->sequence_after) {
        exchange->sequence_after = batch->sequence_after;
    }
    return code;
}
