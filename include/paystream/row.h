/* Rows: what user functions read (ps_row) and write (ps_out).
 *
 * A row has columns, numbered from 0 in the order of their definition. A column holds one kind of
 * value or is NULL. Beside its columns a row may have an event time, a window (behind
 * ps_collection_window) and a pane (behind aggregate, combine or group): pipeline.h says when.
 *
 * Lifetimes. A ps_row, the texts it gives out and a ps_out are valid during the call that they are
 * passed to; who needs them for longer copies. What is put into a ps_out is copied.
 * Threads. The thread that calls the function.
 * Misuse (a column out of range, a getter or setter of another kind) stops the program.
 */
#ifndef PAYSTREAM_ROW_H
#define PAYSTREAM_ROW_H

#include <paystream/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ps_row ps_row;
typedef struct ps_out ps_out;

/* Bytes; not NUL-terminated; data may be NULL when size is 0. */
typedef struct {
    const char *data;
    size_t size;
} ps_text;

typedef enum {
    PS_COLUMN_BOOL,
    PS_COLUMN_I64,  /* integers of up to 64 bits; money is minor units in one of these */
    PS_COLUMN_F64,  /* IEEE 754 double */
    PS_COLUMN_TEXT, /* UTF-8, or any bytes */
    PS_COLUMN_TIME, /* an instant: milliseconds since 1970-01-01T00:00:00Z */
    PS_COLUMN_OTHER /* of SQL only: DECIMAL, DATE, arrays …; see ps_row_print */
} ps_column_kind;

typedef struct {
    const char *name; /* copied where it is passed */
    ps_column_kind kind;
} ps_column_def;

/* A list of definitions, ended by one without a name:
 * PS_COLUMNS({"card", PS_COLUMN_TEXT}, {"amount", PS_COLUMN_I64}). C only. */
#define PS_COLUMNS(...) ((const ps_column_def[]){__VA_ARGS__, {NULL, PS_COLUMN_BOOL}})

/* ── reading ── */

PS_API uint32_t ps_row_column_count(const ps_row *row);
/* NUL-terminated; lives as long as the pipeline or the SQL run. */
PS_API const char *ps_row_column_name(const ps_row *row, uint32_t column);
PS_API ps_column_kind ps_row_column_kind(const ps_row *row, uint32_t column);
/* The column of that name; UINT32_MAX: none. Linear: look up once, not per row. */
PS_API uint32_t ps_row_find(const ps_row *row, const char *name);

PS_API bool ps_row_is_null(const ps_row *row, uint32_t column);
/* BOOL (0, 1), I64, TIME (ms); 0 when NULL. */
PS_API int64_t ps_row_i64(const ps_row *row, uint32_t column);
/* F64; 0.0 when NULL. */
PS_API double ps_row_f64(const ps_row *row, uint32_t column);
/* TEXT; empty when NULL. */
PS_API ps_text ps_row_text(const ps_row *row, uint32_t column);
/* The value of any kind as text, as SQL's CAST AS STRING has it ("NULL" for NULL): writes at most
 * size bytes, the last of them NUL, and returns the length of the whole text, as snprintf does. */
PS_API size_t ps_row_print(const ps_row *row, uint32_t column, char *out, size_t size);

/* ── what is known beside the columns ── */

/* Event time, ms since the epoch; INT64_MIN: the collection has none. */
PS_API int64_t ps_row_time_ms(const ps_row *row);

/* The window [start, end), ms since the epoch. INT64_MIN … INT64_MAX: the one global window. */
PS_API int64_t ps_row_window_start_ms(const ps_row *row);
PS_API int64_t ps_row_window_end_ms(const ps_row *row);

typedef enum {
    PS_PANE_NONE,    /* no result of a grouping */
    PS_PANE_EARLY,   /* before the watermark has passed the window's end */
    PS_PANE_ON_TIME, /* when it did */
    PS_PANE_LATE     /* afterwards, within the allowed lateness */
} ps_pane_kind;
/* Of a result of aggregate, combine or group; also on the rows made from it. */
PS_API ps_pane_kind ps_row_pane(const ps_row *row);
/* Number of the firing within its window and key, from 0. */
PS_API uint32_t ps_row_pane_index(const ps_row *row);

/* ── changes (rows of SQL queries; always PS_CHANGE_INSERT in pipelines) ── */

typedef enum {
    PS_CHANGE_INSERT,
    PS_CHANGE_UPDATE_BEFORE, /* takes an earlier row back */
    PS_CHANGE_UPDATE_AFTER,
    PS_CHANGE_DELETE
} ps_change;
PS_API ps_change ps_row_change(const ps_row *row);

/* ── writing ── */

/* Columns that a function does not set are NULL. A column may be set again. */
PS_API void ps_out_null(ps_out *out, uint32_t column);
PS_API void ps_out_i64(ps_out *out, uint32_t column, int64_t value); /* BOOL, I64, TIME (ms) */
PS_API void ps_out_f64(ps_out *out, uint32_t column, double value);
PS_API void ps_out_text(ps_out *out, uint32_t column, ps_text value);
/* Writes the text in place: room for size_max bytes, of which size are then used. Nothing else may
 * be written to `out` between the two. The fastest way to make a text of several parts. NULL: no
 * memory; the pipeline fails, do not call ps_out_text_end. */
PS_API char *ps_out_text_begin(ps_out *out, uint32_t column, size_t size_max);
PS_API void ps_out_text_end(ps_out *out, uint32_t column, size_t size);
/* printf into a TEXT column; convenient, several times slower than the two above. */
PS_API void ps_out_print(ps_out *out, uint32_t column, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A column's value of any kind. Both must be of the same kind, not OTHER. */
PS_API void ps_out_copy(ps_out *out, uint32_t column, const ps_row *row, uint32_t from);

/* The row is complete; the next set begins another. Only where a function may give several rows
 * (flat_map, group): elsewhere the row ends with the call, and this stops the program. */
PS_API void ps_out_row(ps_out *out);

/* The input cannot be processed: the run ends with PS_FAILURE_INVALID and this sentence. The
 * function should return; what it set is dropped. */
PS_API void ps_out_fail(ps_out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Decimal digits of `value` at `at` (at most 20 bytes, no NUL); returns how many. */
PS_API size_t ps_i64_format(char *at, int64_t value);

#ifdef __cplusplus
}
#endif

#endif
