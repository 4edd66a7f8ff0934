/* Types of the SQL face and how their values lie in memory.
 *
 * A ps_type is immutable and lives in the arena of its script; types are compared by value
 * (ps_type_equal). Many logical types share few physical classes, so that each kernel is written
 * once per class:
 *
 *   class          logical types and the meaning of a value
 *   PS_PHYS_I64    BOOLEAN 0/1; TINYINT … BIGINT; DECIMAL with precision ≤ 18: unscaled;
 *                  DATE: days since 1970-01-01; TIME: milliseconds of the day;
 *                  TIMESTAMP, TIMESTAMP_LTZ: ticks since the epoch, tick by precision:
 *                  0–3 ms, 4–6 µs, 7–9 ns (ps_type_ticks_per_second);
 *                  INTERVAL_MONTHS: months; INTERVAL_MS: milliseconds
 *   PS_PHYS_F64    DOUBLE; FLOAT (kept as double, rounded to float after each operation)
 *   PS_PHYS_I128   DECIMAL with precision 19–38: unscaled
 *   PS_PHYS_TEXT   CHAR, VARCHAR (UTF-8), BINARY, VARBINARY: a ps_slice;
 *                  ROW, ARRAY, MAP: a ps_slice that holds a row code (data/row.h)
 *
 * Source of the definitions: SEMANTICS §3. STRING is VARCHAR(PS_LENGTH_MAX), BYTES is
 * VARBINARY(PS_LENGTH_MAX).
 */
#ifndef PS_DATA_TYPE_H
#define PS_DATA_TYPE_H

#include "base/arena.h"
#include "base/bytes.h"

typedef enum {
    PS_TYPE_NULL, /* of the literal NULL, until a context gives it a type */
    PS_TYPE_BOOLEAN,
    PS_TYPE_TINYINT,
    PS_TYPE_SMALLINT,
    PS_TYPE_INT,
    PS_TYPE_BIGINT,
    PS_TYPE_FLOAT,
    PS_TYPE_DOUBLE,
    PS_TYPE_DECIMAL,
    PS_TYPE_CHAR,
    PS_TYPE_VARCHAR,
    PS_TYPE_BINARY,
    PS_TYPE_VARBINARY,
    PS_TYPE_DATE,
    PS_TYPE_TIME,
    PS_TYPE_TIMESTAMP,
    PS_TYPE_TIMESTAMP_LTZ,
    PS_TYPE_INTERVAL_MONTHS,
    PS_TYPE_INTERVAL_MS,
    PS_TYPE_ROW,
    PS_TYPE_ARRAY,
    PS_TYPE_MAP
} ps_type_kind;

typedef enum { PS_PHYS_I64, PS_PHYS_F64, PS_PHYS_I128, PS_PHYS_TEXT } ps_phys;

enum { PS_LENGTH_MAX = INT32_MAX, PS_DECIMAL_PRECISION_MAX = 38 };
/* A DECIMAL with at most so many digits is of class I64. */
enum { PS_DECIMAL_I64_PRECISION_MAX = 18 };

typedef __int128 ps_i128;

typedef struct ps_type ps_type;
struct ps_type {
    ps_type_kind kind;
    bool nullable;
    uint8_t precision; /* DECIMAL 1–38; TIME, TIMESTAMP, TIMESTAMP_LTZ 0–9 */
    uint8_t scale;     /* DECIMAL */
    int32_t length;    /* CHAR, VARCHAR: characters; BINARY, VARBINARY: bytes */
    /* ROW: the fields; ARRAY: one, the element; MAP: two, key and value */
    uint32_t child_count;
    const ps_type *const *children;
    const ps_slice *field_names; /* ROW only */
};

/* Frequent types, nullable. For a NOT NULL one: ps_type_with_nullable. */
extern const ps_type ps_type_null, ps_type_boolean, ps_type_int, ps_type_bigint, ps_type_double,
    ps_type_string, ps_type_bytes, ps_type_date, ps_type_timestamp3, ps_type_timestamp_ltz3;

ps_phys ps_type_phys(const ps_type *type);
/* Bytes of one value in a column: 8 or 16. */
static inline uint32_t ps_phys_size(ps_phys phys)
{
    return phys == PS_PHYS_I64 || phys == PS_PHYS_F64 ? 8 : 16;
}
/* 1,000, 1,000,000 or 1,000,000,000. For TIMESTAMP and TIMESTAMP_LTZ. */
int64_t ps_type_ticks_per_second(const ps_type *type);

bool ps_type_is_integer(const ps_type *type);   /* TINYINT … BIGINT */
bool ps_type_is_numeric(const ps_type *type);   /* integers, FLOAT, DOUBLE, DECIMAL */
bool ps_type_is_text(const ps_type *type);      /* CHAR, VARCHAR */
bool ps_type_is_bytes(const ps_type *type);     /* BINARY, VARBINARY */
bool ps_type_is_timestamp(const ps_type *type); /* TIMESTAMP, TIMESTAMP_LTZ */
bool ps_type_is_nested(const ps_type *type);    /* ROW, ARRAY, MAP */

/* Equal in all but nullability at the top (children compare with theirs). */
bool ps_type_equal(const ps_type *a, const ps_type *b);

/* The same type with that nullability; NULL: no memory. Does not copy when it is so already. */
const ps_type *ps_type_with_nullable(ps_arena *arena, const ps_type *type, bool nullable);
const ps_type *ps_type_decimal(ps_arena *arena, int precision, int scale, bool nullable);
/* kind TIME, TIMESTAMP or TIMESTAMP_LTZ */
const ps_type *ps_type_time(ps_arena *arena, ps_type_kind kind, int precision, bool nullable);
const ps_type *ps_type_simple(ps_arena *arena, ps_type_kind kind, bool nullable);
const ps_type *ps_type_sized(ps_arena *arena, ps_type_kind kind, int32_t length, bool nullable);
const ps_type *ps_type_array(ps_arena *arena, const ps_type *element, bool nullable);
const ps_type *ps_type_map(ps_arena *arena, const ps_type *key, const ps_type *value,
                           bool nullable);
/* Borrows names and types. */
const ps_type *ps_type_row(ps_arena *arena, uint32_t field_count, const ps_slice *names,
                           const ps_type *const *types, bool nullable);

/* Flink's text of the type: "DECIMAL(10, 2) NOT NULL", "STRING", "ROW<`a` INT, `b` STRING>". */
void ps_type_print(const ps_type *type, ps_buf *out);

/* The type that both can become without loss (SEMANTICS §3.1: INT counts as DECIMAL(10,0), BIGINT
 * as DECIMAL(19,0)); NULL when there is none or memory is out. Nullable when one is. */
const ps_type *ps_type_common(ps_arena *arena, const ps_type *a, const ps_type *b);

/* ── a schema: the columns of a relation ── */

enum { PS_COLUMN_COUNT_MAX = 1000 };
enum { PS_NO_COLUMN = UINT32_MAX };

typedef struct {
    ps_slice name;
    const ps_type *type;
} ps_field;

typedef struct {
    uint32_t field_count;
    const ps_field *fields;
} ps_schema;

#endif
