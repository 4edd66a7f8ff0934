#include "api/shape.h"

static const ps_type hidden_type = {.kind = PS_TYPE_BIGINT};

ps_shape *ps_shape_new(ps_arena *arena, uint32_t column_count, uint32_t parts)
{
    ps_shape *shape = ps_arena_take(arena, sizeof *shape);
    if (shape == NULL) {
        return NULL;
    }
    uint32_t at = column_count;
    shape->column_count = column_count;
    shape->time = (parts & PS_SHAPE_TIME) != 0 ? at++ : (uint32_t)PS_NO_COLUMN;
    shape->start = (parts & PS_SHAPE_WINDOW) != 0 ? at++ : (uint32_t)PS_NO_COLUMN;
    shape->end = (parts & PS_SHAPE_WINDOW) != 0 ? at++ : (uint32_t)PS_NO_COLUMN;
    shape->pane = (parts & PS_SHAPE_PANE) != 0 ? at++ : (uint32_t)PS_NO_COLUMN;
    shape->total_count = at;
    shape->fields = ps_arena_take(arena, at * sizeof *shape->fields);
    shape->classes = ps_arena_take(arena, at * sizeof *shape->classes);
    return shape->fields != NULL && shape->classes != NULL ? shape : NULL;
}

void ps_shape_finish(ps_shape *shape)
{
    static const char *const names[] = {"(time)", "(window start)", "(window end)", "(pane)"};
    const uint32_t hidden[] = {shape->time, shape->start, shape->end, shape->pane};
    for (uint32_t i = 0; i < 4; i++) {
        if (hidden[i] != PS_NO_COLUMN) {
            shape->fields[hidden[i]] = (ps_field){ps_slice_text(names[i]), &hidden_type};
        }
    }
    for (uint32_t i = 0; i < shape->total_count; i++) {
        shape->classes[i] = ps_type_phys(shape->fields[i].type);
    }
}

static ps_shape *no_memory(ps_error *err)
{
    (void)ps_error_set(err, PS_E_MEMORY, "no memory for the columns of a row");
    return NULL;
}

ps_shape *ps_shape_of(ps_arena *arena, const ps_column_def *columns, uint32_t parts, ps_error *err)
{
    uint32_t count = 0;
    while (columns[count].name != NULL) {
        count++;
    }
    if (count == 0 || count > PS_COLUMN_COUNT_MAX) {
        (void)ps_error_set(err, PS_E_INVALID, "a row has 1 to %d columns, not %u",
                           PS_COLUMN_COUNT_MAX, count);
        return NULL;
    }
    ps_shape *shape = ps_shape_new(arena, count, parts);
    for (uint32_t i = 0; shape != NULL && i < count; i++) {
        const char *name = ps_arena_copy(arena, columns[i].name, strlen(columns[i].name));
        const ps_type *type = ps_column_type(columns[i].kind);
        if (type == NULL) {
            (void)ps_error_set(err, PS_E_INVALID, "column %s: of no kind that can be declared",
                               columns[i].name);
            return NULL;
        }
        if (name == NULL) {
            return no_memory(err);
        }
        shape->fields[i] = (ps_field){ps_slice_text(name), type};
    }
    if (shape == NULL) {
        return no_memory(err);
    }
    ps_shape_finish(shape);
    return shape;
}

uint32_t ps_shape_parts(const ps_shape *shape)
{
    return (shape->time != PS_NO_COLUMN ? PS_SHAPE_TIME : 0u) |
           (shape->start != PS_NO_COLUMN ? PS_SHAPE_WINDOW : 0u) |
           (shape->pane != PS_NO_COLUMN ? PS_SHAPE_PANE : 0u);
}

ps_schema ps_shape_schema(const ps_shape *shape)
{
    return (ps_schema){shape->total_count, shape->fields};
}

uint32_t ps_shape_find(const ps_shape *shape, ps_slice name)
{
    for (uint32_t i = 0; i < shape->column_count; i++) {
        if (ps_slice_equal(shape->fields[i].name, name)) {
            return i;
        }
    }
    return PS_NO_COLUMN;
}

ps_column_kind ps_column_kind_of(const ps_type *type)
{
    switch (type->kind) {
    case PS_TYPE_BOOLEAN:
        return PS_COLUMN_BOOL;
    case PS_TYPE_TINYINT:
    case PS_TYPE_SMALLINT:
    case PS_TYPE_INT:
    case PS_TYPE_BIGINT:
        return PS_COLUMN_I64;
    case PS_TYPE_FLOAT:
    case PS_TYPE_DOUBLE:
        return PS_COLUMN_F64;
    case PS_TYPE_CHAR:
    case PS_TYPE_VARCHAR:
    case PS_TYPE_BINARY:
    case PS_TYPE_VARBINARY:
        return PS_COLUMN_TEXT;
    case PS_TYPE_TIMESTAMP:
    case PS_TYPE_TIMESTAMP_LTZ:
        return PS_COLUMN_TIME;
    case PS_TYPE_NULL:
    case PS_TYPE_DECIMAL:
    case PS_TYPE_DATE:
    case PS_TYPE_TIME:
    case PS_TYPE_INTERVAL_MONTHS:
    case PS_TYPE_INTERVAL_MS:
    case PS_TYPE_ROW:
    case PS_TYPE_ARRAY:
    case PS_TYPE_MAP:
        return PS_COLUMN_OTHER;
    }
    PS_ASSERT(false);
    return PS_COLUMN_OTHER;
}

const ps_type *ps_column_type(ps_column_kind kind)
{
    switch (kind) {
    case PS_COLUMN_BOOL:
        return &ps_type_boolean;
    case PS_COLUMN_I64:
        return &ps_type_bigint;
    case PS_COLUMN_F64:
        return &ps_type_double;
    case PS_COLUMN_TEXT:
        return &ps_type_string;
    case PS_COLUMN_TIME:
        return &ps_type_timestamp_ltz3;
    case PS_COLUMN_OTHER:
        break;
    }
    return NULL;
}
