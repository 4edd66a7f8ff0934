/* Batches: up to PS_BATCH_ROWS rows in columns, the unit that flows between operators.
 *
 * A batch is a view: who makes it owns the memory, and all of it is valid only during the call that
 * it is passed to. Who needs rows for longer copies them (a builder, a row code in its state).
 *
 * Change kinds. kinds == NULL: every row is an insert.
 *
 * Event time. A stream is a sequence of rows and watermarks. A batch holds both: watermarks[i] is
 * the watermark that holds just before row i, watermark_after the one behind the last row. They
 * never fall. So any grouping into batches, and any filter that takes rows away, leaves every
 * remaining row with the watermark that it has met, and what is late depends on the input alone
 * (SEMANTICS §5.2: the watermark follows every row). A batch may have no rows: it then moves only
 * the watermark. PS_WATERMARK_NONE: none yet; PS_WATERMARK_END: the input has ended.
 *
 * Order. sequences[i] is the number of the source's row that caused row i (for rows that a
 * watermark caused: of the last row before it). Where inputs meet, rows are taken by (watermark,
 * sequence, input): the order depends on nothing else.
 */
#ifndef PS_DATA_BATCH_H
#define PS_DATA_BATCH_H

#include "data/type.h"

enum { PS_BATCH_ROWS = 1024 };

#define PS_WATERMARK_NONE INT64_MIN
#define PS_WATERMARK_END INT64_MAX

typedef enum {
    PS_KIND_INSERT = 0,
    PS_KIND_UPDATE_BEFORE = 1,
    PS_KIND_UPDATE_AFTER = 2,
    PS_KIND_DELETE = 3
} ps_kind;

/* "+I", "-U", "+U", "-D" */
const char *ps_kind_text(ps_kind kind);
/* Adds a row to its relation (+I, +U) rather than takes one away. */
static inline bool ps_kind_adds(uint8_t kind)
{
    return kind == PS_KIND_INSERT || kind == PS_KIND_UPDATE_AFTER;
}

typedef struct {
    union {
        int64_t *i64;
        double *f64;
        ps_i128 *i128;
        ps_slice *text;
        void *values;
    };
    uint64_t *valid; /* bit i of the array set: row i is not NULL; NULL pointer: none is NULL.
                        The value of a NULL row is defined memory (zero or the empty slice) */
} ps_column;

typedef struct {
    uint32_t row_count;
    uint32_t column_count;
    ps_column *columns;
    uint8_t *kinds;      /* ps_kind per row, or NULL */
    int64_t *watermarks; /* ms, before each row; there whenever there are rows */
    int64_t watermark_after;
    uint64_t *sequences;     /* there whenever there are rows */
    uint64_t sequence_after; /* no later row has a smaller number */
} ps_batch;

/* Rows from … to−1 of a batch and what holds behind them. */
typedef struct {
    const ps_batch *batch;
    uint32_t from, to;
    int64_t watermark_after;
    uint64_t sequence_after;
} ps_batch_part;

static inline bool ps_column_is_null(const ps_column *column, uint32_t row)
{
    return column->valid != NULL && ((column->valid[row / 64] >> (row % 64)) & 1) == 0;
}
static inline void ps_valid_clear(uint64_t *valid, uint32_t row)
{
    valid[row / 64] &= ~(1ULL << (row % 64));
}
static inline void ps_valid_set(uint64_t *valid, uint32_t row)
{
    valid[row / 64] |= 1ULL << (row % 64);
}
static inline uint8_t ps_batch_kind(const ps_batch *batch, uint32_t row)
{
    return batch->kinds != NULL ? batch->kinds[row] : (uint8_t)PS_KIND_INSERT;
}
/* 64-bit words of a validity bitmap. */
static inline uint32_t ps_valid_words(uint32_t row_count)
{
    return (row_count + 63) / 64;
}

/* ── builder: makes a batch of given column types row by row; owns all its memory ── */

typedef struct {
    ps_batch batch;         /* what has been built; always consistent but for the row begun */
    uint32_t capacity;      /* rows, ≤ PS_BATCH_ROWS */
    const ps_phys *classes; /* per column */
    uint8_t *kinds;         /* batch.kinds once a row is no insert; NULL there until then */
    uint32_t used_rows;     /* rows from here on are zeroed: ready to be begun */
    ps_arena memory;        /* the fixed parts */
    ps_arena text;          /* bytes of copied texts, taken in pieces: */
    char *text_at;
    size_t text_left;
} ps_batch_builder;

/* Borrows types only during the call. PS_E_MEMORY. */
PS_CHECKED ps_code ps_batch_builder_init(ps_batch_builder *builder, uint32_t column_count,
                                         const ps_type *const *types, uint32_t capacity,
                                         ps_error *err);
void ps_batch_builder_release(ps_batch_builder *builder);
/* No rows; keeps memory; watermark_after stays. */
void ps_batch_builder_reset(ps_batch_builder *builder);
static inline bool ps_batch_builder_is_full(const ps_batch_builder *builder)
{
    return builder->batch.row_count == builder->capacity;
}

/* Begins a row (there must be room): kind, watermark and sequence are set, all columns are NULL
 * until set. The number of the row is batch.row_count, which end_row raises; a row that was begun
 * and not ended is forgotten by the next begin. watermark_after and sequence_after rise with the
 * rows. */
void ps_batch_builder_begin_row(ps_batch_builder *builder, uint8_t kind, int64_t watermark,
                                uint64_t sequence);
/* Makes the column of the row begun not NULL; its class must be `phys`. */
static inline ps_column *ps_batch_builder_open(ps_batch_builder *builder, uint32_t column,
                                               ps_phys phys)
{
    PS_ASSERT(column < builder->batch.column_count && builder->classes[column] == phys);
    ps_column *target = &builder->batch.columns[column];
    ps_valid_set(target->valid, builder->batch.row_count);
    return target;
}
static inline void ps_batch_builder_set_i64(ps_batch_builder *builder, uint32_t column,
                                            int64_t value)
{
    uint32_t row = builder->batch.row_count;
    ps_batch_builder_open(builder, column, PS_PHYS_I64)->i64[row] = value;
}
static inline void ps_batch_builder_set_f64(ps_batch_builder *builder, uint32_t column,
                                            double value)
{
    uint32_t row = builder->batch.row_count;
    ps_batch_builder_open(builder, column, PS_PHYS_F64)->f64[row] = value;
}
static inline void ps_batch_builder_set_i128(ps_batch_builder *builder, uint32_t column,
                                             ps_i128 value)
{
    uint32_t row = builder->batch.row_count;
    ps_batch_builder_open(builder, column, PS_PHYS_I128)->i128[row] = value;
}
/* Copies the bytes. PS_E_MEMORY. */
PS_CHECKED ps_code ps_batch_builder_set_text(ps_batch_builder *builder, uint32_t column,
                                             ps_slice value, ps_error *err);
/* Copies a value (or NULL) of a column of the same class. */
PS_CHECKED ps_code ps_batch_builder_copy(ps_batch_builder *builder, uint32_t column,
                                         const ps_column *from, uint32_t from_row, ps_error *err);
static inline void ps_batch_builder_end_row(ps_batch_builder *builder)
{
    builder->batch.row_count++;
}

/* Appends rows from … to−1 of `batch` with kinds, watermarks and sequences (deep copy); returns how
 * many fitted through *out_taken. */
PS_CHECKED ps_code ps_batch_builder_append(ps_batch_builder *builder, const ps_batch *batch,
                                           uint32_t from, uint32_t to, uint32_t *out_taken,
                                           ps_error *err);

/* The same of rows selection[0 … count−1], in that order. */
PS_CHECKED ps_code ps_batch_builder_append_selected(ps_batch_builder *builder,
                                                    const ps_batch *batch,
                                                    const uint32_t *selection, uint32_t count,
                                                    uint32_t *out_taken, ps_error *err);

/* Copies the values of rows selection[0 … count−1] to rows 0 … count−1 of `out`, which has room for
 * them in values; out->valid is room for the bits, and set to NULL when `from` has no NULLs. Texts
 * are borrowed. `from` may be `out` when the selection ascends. */
void ps_column_gather(ps_phys phys, const ps_column *from, const uint32_t *selection,
                      uint32_t count, ps_column *out);

#endif
