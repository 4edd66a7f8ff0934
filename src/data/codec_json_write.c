/* Writing json, debezium-json and changelog-json. Times as the SQL standard form without trailing
 * zeros of the fraction (json, debezium-json) or as `run --format json` has them (changelog-json).
 * */
#include <string.h>

#include "data/codec_json.h"
#include "data/datetime.h"

typedef enum { PLAIN, DEBEZIUM, CHANGELOG } json_flavour;

typedef struct {
    ps_row_encoder base;
    json_flavour flavour;
    bool skips_nulls;
    char separator; /* between date and time */
    ps_schema physical;
} json_encoder;

static void strip_fraction_zeros(ps_buf *out, size_t begin)
{
    if (memchr(out->data + begin, '.', out->size - begin) == NULL) {
        return;
    }
    while (out->data[out->size - 1] == '0') {
        out->size--;
    }
    out->size -= out->data[out->size - 1] == '.' ? 1 : 0;
}

static void print_name(ps_slice name, ps_buf *out)
{
    ps_value value = {.text = name};
    ps_value_print(&ps_type_string, &value, PS_FORM_JSON, out);
}

static void print_timestamp(const json_encoder *self, const ps_type *type, int64_t ticks,
                            ps_buf *out)
{
    ps_buf_append_char(out, '"');
    size_t begin = out->size;
    ps_timestamp_print(ticks, ps_type_ticks_per_second(type), type->precision, self->separator,
                       out);
    if (out->failed) {
        return;
    }
    strip_fraction_zeros(out, begin);
    ps_buf_append_text(out, type->kind == PS_TYPE_TIMESTAMP_LTZ ? "Z\"" : "\"");
}

static void print_value(const json_encoder *self, const ps_type *type, const ps_value *value,
                        ps_buf *out);

/* ROW and ARRAY (a MAP has no times that matter as keys, and takes the general form). */
static void print_nested(const json_encoder *self, const ps_type *type, ps_slice nested,
                         ps_buf *out)
{
    bool is_row = type->kind == PS_TYPE_ROW;
    uint32_t count = ps_nested_child_count(type, nested);
    ps_buf_append_char(out, is_row ? '{' : '[');
    for (uint32_t i = 0; i < count; i++) {
        ps_value child = ps_nested_get(type, nested, i);
        ps_buf_append_text(out, i > 0 ? "," : "");
        if (is_row) {
            print_name(type->field_names[i], out);
            ps_buf_append_char(out, ':');
        }
        print_value(self, ps_nested_child_type(type, i), &child, out);
    }
    ps_buf_append_char(out, is_row ? '}' : ']');
}

/* Depth is that of the type. */
static void print_value(const json_encoder *self, const ps_type *type, const ps_value *value,
                        ps_buf *out)
{
    if (value->is_null || self->flavour == CHANGELOG) {
        ps_value_print(type, value, PS_FORM_JSON, out);
    } else if (ps_type_is_timestamp(type)) {
        print_timestamp(self, type, value->i64, out);
    } else if (type->kind == PS_TYPE_ROW || type->kind == PS_TYPE_ARRAY) {
        print_nested(self, type, value->text, out);
    } else {
        ps_value_print(type, value, PS_FORM_JSON, out);
    }
}

static void print_object(const json_encoder *self, const ps_batch *batch, uint32_t row, ps_buf *out)
{
    ps_buf_append_char(out, '{');
    bool is_first = true;
    for (uint32_t i = 0; i < self->physical.field_count; i++) {
        const ps_field *field = &self->physical.fields[i];
        ps_value value = ps_column_value(&batch->columns[i], ps_type_phys(field->type), row);
        if (value.is_null && self->skips_nulls) {
            continue;
        }
        ps_buf_append_text(out, is_first ? "" : ",");
        is_first = false;
        print_name(field->name, out);
        ps_buf_append_char(out, ':');
        print_value(self, field->type, &value, out);
    }
    ps_buf_append_char(out, '}');
}

static void print_array(const json_encoder *self, const ps_batch *batch, uint32_t row, ps_buf *out)
{
    ps_buf_append_char(out, '[');
    for (uint32_t i = 0; i < self->physical.field_count; i++) {
        const ps_type *type = self->physical.fields[i].type;
        ps_value value = ps_column_value(&batch->columns[i], ps_type_phys(type), row);
        ps_buf_append_text(out, i > 0 ? "," : "");
        print_value(self, type, &value, out);
    }
    ps_buf_append_char(out, ']');
}

static void print_row(const json_encoder *self, const ps_batch *batch, uint32_t row, ps_buf *out)
{
    uint8_t kind = ps_batch_kind(batch, row);
    switch (self->flavour) {
    case PLAIN:
        print_object(self, batch, row, out);
        break;
    case DEBEZIUM:
        ps_buf_append_text(out,
                           ps_kind_adds(kind) ? "{\"before\":null,\"after\":" : "{\"before\":");
        print_object(self, batch, row, out);
        ps_buf_append_text(out,
                           ps_kind_adds(kind) ? ",\"op\":\"c\"}" : ",\"after\":null,\"op\":\"d\"}");
        break;
    case CHANGELOG:
        ps_buf_append_text(out, "{\"op\":\"");
        ps_buf_append_text(out, ps_kind_text((ps_kind)kind));
        ps_buf_append_text(out, "\",\"row\":");
        print_array(self, batch, row, out);
        ps_buf_append_char(out, '}');
        break;
    }
    ps_buf_append_char(out, '\n');
}

static ps_code encode(ps_row_encoder *encoder, const ps_batch *batch, ps_buf *out, ps_error *err)
{
    (void)err;
    for (uint32_t row = 0; row < batch->row_count; row++) {
        print_row((const json_encoder *)encoder, batch, row, out);
    }
    return PS_OK;
}

static ps_code new_encoder(const ps_format_table *table, json_flavour flavour,
                           const char *standard_key, ps_row_encoder **out, ps_error *err)
{
    json_encoder *self = ps_row_encoder_take(sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a json encoder");
    }
    self->base.encode = encode;
    self->flavour = flavour;
    self->physical = table->physical;
    ps_timestamp_standard standard = PS_TIMESTAMP_SQL;
    ps_code code = ps_format_option_standard(table, standard_key, &standard, err);
    if (code == PS_OK) {
        code =
            ps_format_option_bool(table, "json.encode.ignore-null-fields", &self->skips_nulls, err);
    }
    if (code != PS_OK) {
        ps_row_encoder_free(&self->base);
        return code;
    }
    self->separator = standard == PS_TIMESTAMP_SQL ? ' ' : 'T';
    *out = &self->base;
    return PS_OK;
}

ps_code ps_json_encoder_new(const ps_format_table *table, ps_row_encoder **out, ps_error *err)
{
    return new_encoder(table, PLAIN, "json.timestamp-format.standard", out, err);
}

ps_code ps_debezium_encoder_new(const ps_format_table *table, ps_row_encoder **out, ps_error *err)
{
    return new_encoder(table, DEBEZIUM, "debezium-json.timestamp-format.standard", out, err);
}

ps_code ps_changelog_encoder_new(const ps_format_table *table, ps_row_encoder **out, ps_error *err)
{
    return new_encoder(table, CHANGELOG, "changelog-json.timestamp-format.standard", out, err);
}
