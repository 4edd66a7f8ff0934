#include "cli/result_print.h"

#include <stdlib.h>
#include <string.h>

/* A table's widths come from its first rows; later rows keep to them as far as they can. */
enum { TABLE_ROWS_KEPT = 500, TEXT_SIZE_MAX = 512 << 20 };

typedef struct {
    uint32_t offset, size; /* in kept */
} cell;

struct ps_result_printer {
    FILE *out;
    ps_result_format format;
    const ps_schema *schema;
    bool has_changes;
    bool is_live;
    uint64_t row_count;
    ps_buf line;
    /* table */
    ps_buf kept;
    cell *cells; /* TABLE_ROWS_KEPT × columns */
    uint32_t kept_rows;
    uint32_t *widths; /* NULL until known */
};

bool ps_result_format_parse(const char *text, ps_result_format *out)
{
    static const char *const names[] = {"table", "csv", "json"};
    for (uint32_t i = 0; i < 3; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (ps_result_format)i;
            return true;
        }
    }
    return false;
}

static uint32_t column_count(const ps_result_printer *printer)
{
    return printer->schema->field_count + (printer->has_changes ? 1 : 0);
}

static ps_code flush(ps_result_printer *printer, ps_error *err)
{
    if (printer->line.failed) {
        return ps_error_set(err, PS_E_MEMORY, "no memory to print a row");
    }
    if (printer->line.size == 0) {
        return PS_OK;
    }
    bool is_good =
        fwrite(printer->line.data, 1, printer->line.size, printer->out) == printer->line.size;
    ps_buf_clear(&printer->line);
    return is_good ? PS_OK : ps_error_set(err, PS_E_IO, "cannot write to standard output");
}

/* ── json ── */

static void json_header(ps_result_printer *printer, uint32_t time_column)
{
    ps_buf *line = &printer->line;
    ps_buf type;
    ps_buf_init(&type, TEXT_SIZE_MAX);
    ps_buf_append_text(line, "{\"columns\":[");
    for (uint32_t i = 0; i < printer->schema->field_count; i++) {
        const ps_field *field = &printer->schema->fields[i];
        ps_buf_clear(&type);
        ps_type_print(field->type, &type);
        if (i == time_column) {
            ps_buf_append_text(&type, " *ROWTIME*");
        }
        ps_value name = {.text = field->name};
        ps_value type_text = {.text = ps_buf_slice(&type)};
        ps_buf_append_text(line, i > 0 ? ",{\"name\":" : "{\"name\":");
        ps_value_print(&ps_type_string, &name, PS_FORM_JSON, line);
        ps_buf_append_text(line, ",\"type\":");
        ps_value_print(&ps_type_string, &type_text, PS_FORM_JSON, line);
        ps_buf_append_char(line, '}');
    }
    ps_buf_append_text(line, "]}\n");
    ps_buf_release(&type);
}

static void json_row(ps_result_printer *printer, uint8_t kind, const ps_value *values)
{
    ps_buf *line = &printer->line;
    ps_buf_append_text(line, "{\"op\":\"");
    ps_buf_append_text(line, ps_kind_text((ps_kind)kind));
    ps_buf_append_text(line, "\",\"row\":[");
    for (uint32_t i = 0; i < printer->schema->field_count; i++) {
        ps_buf_append_text(line, i > 0 ? "," : "");
        ps_value_print(printer->schema->fields[i].type, &values[i], PS_FORM_JSON, line);
    }
    ps_buf_append_text(line, "]}\n");
}

/* ── csv (RFC 4180) ── */

static void csv_field(ps_slice text, ps_buf *line)
{
    bool needs_quotes = false;
    for (size_t i = 0; i < text.size; i++) {
        needs_quotes = needs_quotes || strchr(",\"\r\n", text.data[i]) != NULL;
    }
    if (!needs_quotes) {
        ps_buf_append_slice(line, text);
        return;
    }
    ps_buf_append_char(line, '"');
    for (size_t i = 0; i < text.size; i++) {
        ps_buf_append_text(line, text.data[i] == '"' ? "\"" : "");
        ps_buf_append_char(line, text.data[i]);
    }
    ps_buf_append_char(line, '"');
}

static void csv_header(ps_result_printer *printer)
{
    ps_buf_append_text(&printer->line, printer->has_changes ? "op" : "");
    for (uint32_t i = 0; i < printer->schema->field_count; i++) {
        ps_buf_append_text(&printer->line, i > 0 || printer->has_changes ? "," : "");
        csv_field(printer->schema->fields[i].name, &printer->line);
    }
    ps_buf_append_text(&printer->line, "\r\n");
}

static void csv_row(ps_result_printer *printer, uint8_t kind, const ps_value *values)
{
    ps_buf_append_text(&printer->line, printer->has_changes ? ps_kind_text((ps_kind)kind) : "");
    for (uint32_t i = 0; i < printer->schema->field_count; i++) {
        ps_buf_append_text(&printer->line, i > 0 || printer->has_changes ? "," : "");
        if (values[i].is_null) {
            continue;
        }
        ps_buf_clear(&printer->kept);
        ps_value_print(printer->schema->fields[i].type, &values[i], PS_FORM_PLAIN, &printer->kept);
        csv_field(ps_buf_slice(&printer->kept), &printer->line);
    }
    ps_buf_append_text(&printer->line, "\r\n");
}

/* ── table ── */

/* Characters, not bytes. */
static uint32_t width_of(ps_slice text)
{
    uint32_t width = 0;
    for (size_t i = 0; i < text.size; i++) {
        width += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    }
    return width;
}

static ps_slice heading(const ps_result_printer *printer, uint32_t column)
{
    if (printer->has_changes && column == 0) {
        return PS_SLICE("op");
    }
    return printer->schema->fields[column - (printer->has_changes ? 1 : 0)].name;
}

static bool is_right_aligned(const ps_result_printer *printer, uint32_t column)
{
    uint32_t first = printer->has_changes ? 1 : 0;
    return column >= first && ps_type_is_numeric(printer->schema->fields[column - first].type);
}

static void pad(ps_buf *line, uint32_t count, char with)
{
    for (uint32_t i = 0; i < count; i++) {
        ps_buf_append_char(line, with);
    }
}

static void table_cell(ps_result_printer *printer, uint32_t column, ps_slice text, bool to_right)
{
    ps_buf *line = &printer->line;
    uint32_t width = width_of(text);
    uint32_t missing = printer->widths[column] > width ? printer->widths[column] - width : 0;
    bool is_last = column + 1 == column_count(printer);
    ps_buf_append_text(line, column > 0 ? "| " : " ");
    pad(line, to_right ? missing : 0, ' ');
    ps_buf_append_slice(line, text);
    pad(line, to_right || is_last ? 0 : missing, ' ');
    ps_buf_append_text(line, is_last ? "\n" : " ");
}

static void table_head(ps_result_printer *printer)
{
    uint32_t count = column_count(printer);
    for (uint32_t i = 0; i < count; i++) {
        table_cell(printer, i, heading(printer, i), false);
    }
    for (uint32_t i = 0; i < count; i++) {
        ps_buf_append_text(&printer->line, i > 0 ? "+" : "");
        pad(&printer->line, printer->widths[i] + 2, '-');
    }
    ps_buf_append_char(&printer->line, '\n');
}

static ps_code table_show_kept(ps_result_printer *printer, ps_error *err)
{
    uint32_t count = column_count(printer);
    if (printer->widths == NULL) {
        printer->widths = calloc(count + 1, sizeof *printer->widths);
        if (printer->widths == NULL) {
            return ps_error_set(err, PS_E_MEMORY, "no memory to print a table");
        }
        for (uint32_t i = 0; i < count; i++) {
            printer->widths[i] = width_of(heading(printer, i));
            for (uint32_t row = 0; row < printer->kept_rows; row++) {
                cell at = printer->cells[row * count + i];
                uint32_t width = width_of(ps_slice_of(printer->kept.data + at.offset, at.size));
                printer->widths[i] = width > printer->widths[i] ? width : printer->widths[i];
            }
        }
        table_head(printer);
    }
    for (uint32_t row = 0; row < printer->kept_rows; row++) {
        for (uint32_t i = 0; i < count; i++) {
            cell at = printer->cells[row * count + i];
            table_cell(printer, i, ps_slice_of(printer->kept.data + at.offset, at.size),
                       is_right_aligned(printer, i));
        }
    }
    printer->kept_rows = 0;
    ps_buf_clear(&printer->kept);
    return flush(printer, err);
}

static ps_code table_row(ps_result_printer *printer, uint8_t kind, const ps_value *values,
                         ps_error *err)
{
    uint32_t count = column_count(printer);
    cell *cells = &printer->cells[printer->kept_rows * count];
    for (uint32_t i = 0; i < count; i++) {
        cells[i].offset = (uint32_t)printer->kept.size;
        if (printer->has_changes && i == 0) {
            ps_buf_append_text(&printer->kept, ps_kind_text((ps_kind)kind));
        } else {
            uint32_t field = i - (printer->has_changes ? 1 : 0);
            ps_value_print(printer->schema->fields[field].type, &values[field], PS_FORM_PLAIN,
                           &printer->kept);
        }
        cells[i].size = (uint32_t)printer->kept.size - cells[i].offset;
    }
    if (printer->kept.failed) {
        return ps_error_set(err, PS_E_MEMORY, "no memory to print a table");
    }
    printer->kept_rows++;
    bool shows_now = printer->widths != NULL || printer->kept_rows == TABLE_ROWS_KEPT;
    return shows_now ? table_show_kept(printer, err) : PS_OK;
}

/* ── all of them ── */

static ps_code print_row(ps_result_printer *printer, uint8_t kind, const ps_value *values,
                         ps_error *err)
{
    printer->row_count++;
    switch (printer->format) {
    case PS_RESULT_JSON:
        json_row(printer, kind, values);
        return PS_OK;
    case PS_RESULT_CSV:
        csv_row(printer, kind, values);
        return PS_OK;
    case PS_RESULT_TABLE:
        break;
    }
    return table_row(printer, kind, values, err);
}

ps_code ps_result_printer_values(ps_result_printer *printer, const ps_value *values, ps_error *err)
{
    ps_code code = print_row(printer, PS_KIND_INSERT, values, err);
    return code == PS_OK ? flush(printer, err) : code;
}

ps_code ps_result_printer_rows(void *with, const ps_batch *batch, ps_error *err)
{
    ps_result_printer *printer = with;
    ps_value values[PS_COLUMN_COUNT_MAX];
    ps_code code = PS_OK;
    for (uint32_t row = 0; code == PS_OK && row < batch->row_count; row++) {
        for (uint32_t i = 0; i < printer->schema->field_count; i++) {
            ps_phys phys = ps_type_phys(printer->schema->fields[i].type);
            values[i] = ps_column_value(&batch->columns[i], phys, row);
        }
        code = print_row(printer, ps_batch_kind(batch, row), values, err);
    }
    if (code == PS_OK && printer->is_live && printer->kept_rows > 0) {
        code = table_show_kept(printer, err);
    }
    if (code == PS_OK) {
        code = flush(printer, err);
    }
    if (code == PS_OK && printer->is_live && fflush(printer->out) != 0) {
        code = ps_error_set(err, PS_E_IO, "cannot write to standard output");
    }
    return code;
}

void ps_result_printer_set_live(ps_result_printer *printer)
{
    printer->is_live = true;
}

static void free_printer(ps_result_printer *printer)
{
    ps_buf_release(&printer->line);
    ps_buf_release(&printer->kept);
    free(printer->cells);
    free(printer->widths);
    free(printer);
}

ps_code ps_result_printer_new(FILE *out, ps_result_format format, const ps_schema *schema,
                              uint32_t time_column, bool has_changes,
                              ps_result_printer **out_printer, ps_error *err)
{
    ps_result_printer *printer = calloc(1, sizeof *printer);
    if (printer == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory to print rows");
    }
    printer->out = out;
    printer->format = format;
    printer->schema = schema;
    printer->has_changes = has_changes;
    ps_buf_init(&printer->line, TEXT_SIZE_MAX);
    ps_buf_init(&printer->kept, TEXT_SIZE_MAX);
    if (format == PS_RESULT_TABLE) {
        printer->cells = calloc((size_t)TABLE_ROWS_KEPT * (schema->field_count + 1), sizeof(cell));
    }
    if (format == PS_RESULT_TABLE && printer->cells == NULL) {
        free_printer(printer);
        return ps_error_set(err, PS_E_MEMORY, "no memory to print rows");
    }
    if (format == PS_RESULT_JSON) {
        json_header(printer, time_column);
    } else if (format == PS_RESULT_CSV) {
        csv_header(printer);
    }
    ps_code code = flush(printer, err);
    if (code != PS_OK) {
        free_printer(printer);
        return code;
    }
    *out_printer = printer;
    return PS_OK;
}

ps_code ps_result_printer_finish(ps_result_printer *printer, ps_error *err)
{
    ps_code code = PS_OK;
    if (printer->format == PS_RESULT_TABLE) {
        code = table_show_kept(printer, err);
        ps_buf_append_format(&printer->line, "(%llu row%s)\n\n",
                             (unsigned long long)printer->row_count,
                             printer->row_count == 1 ? "" : "s");
        code = code == PS_OK ? flush(printer, err) : code;
    }
    if (code == PS_OK && fflush(printer->out) != 0) {
        code = ps_error_set(err, PS_E_IO, "cannot write to standard output");
    }
    free_printer(printer);
    return code;
}
