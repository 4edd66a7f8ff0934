/* Expressions as SQL-like text for EXPLAIN. */
#include "expr/kernel.h"

static void print_quoted(ps_slice text, ps_buf *out)
{
    ps_buf_append_char(out, '\'');
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\'') {
            ps_buf_append_char(out, '\'');
        }
        ps_buf_append_char(out, text.data[i]);
    }
    ps_buf_append_char(out, '\'');
}

static void print_constant(const ps_expr *expr, ps_buf *out)
{
    if (expr->constant.is_null) {
        ps_buf_append_text(out, "NULL");
    } else if (ps_type_is_text(expr->type)) {
        print_quoted(expr->constant.text, out);
    } else if (ps_type_is_bytes(expr->type)) {
        ps_buf_append_text(out, "X'");
        char *hex =
            expr->constant.text.size == 0 ? NULL : ps_buf_extend(out, 2 * expr->constant.text.size);
        if (hex != NULL) {
            ps_hex_encode(expr->constant.text.data, expr->constant.text.size, hex);
        }
        ps_buf_append_text(out, "'");
    } else {
        ps_value_print(expr->type, &expr->constant, PS_FORM_PLAIN, out);
    }
}

/* a + b, a AND b AND c */
static bool is_infix(const char *name)
{
    static const char *const names[] = {
        "+",  "-", "*",  "/",   "%",  "||",   "=",          "<>", "<",
        "<=", ">", ">=", "AND", "OR", "LIKE", "SIMILAR TO", NULL, NULL};
    for (size_t i = 0; names[i] != NULL; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return strcmp(name, "IS DISTINCT FROM") == 0 || strcmp(name, "IS NOT DISTINCT FROM") == 0;
}

static void print_list(const ps_expr *expr, uint32_t from, const ps_field *fields, ps_buf *out)
{
    ps_buf_append_char(out, '(');
    for (uint32_t i = from; i < expr->argument_count; i++) {
        ps_buf_append_text(out, i > from ? ", " : "");
        ps_expr_print(expr->arguments[i], fields, out);
    }
    ps_buf_append_char(out, ')');
}

static void print_case(const ps_expr *expr, const ps_field *fields, ps_buf *out)
{
    ps_buf_append_text(out, "CASE");
    for (uint32_t i = 0; i + 1 < expr->argument_count; i += 2) {
        ps_buf_append_text(out, " WHEN ");
        ps_expr_print(expr->arguments[i], fields, out);
        ps_buf_append_text(out, " THEN ");
        ps_expr_print(expr->arguments[i + 1], fields, out);
    }
    ps_buf_append_text(out, " ELSE ");
    ps_expr_print(expr->arguments[expr->argument_count - 1], fields, out);
    ps_buf_append_text(out, " END");
}

static void print_infix(const ps_expr *expr, const char *name, const ps_field *fields, ps_buf *out)
{
    ps_buf_append_char(out, '(');
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        if (i > 0) {
            ps_buf_append_format(out, " %s ", name);
        }
        ps_expr_print(expr->arguments[i], fields, out);
    }
    ps_buf_append_char(out, ')');
}

static void print_call(const ps_expr *expr, const ps_field *fields, ps_buf *out)
{
    const char *name = ps_function_entry_of(expr->function)->name;
    const ps_expr *const *arguments = expr->arguments;
    if (strcmp(name, "CASE") == 0) {
        print_case(expr, fields, out);
    } else if (strcmp(name, "CAST") == 0 || strcmp(name, "TRY_CAST") == 0 ||
               strcmp(name, "COERCE") == 0) {
        ps_buf_append_format(out, "%s(", name[0] == 'T' ? name : "CAST");
        ps_expr_print(arguments[0], fields, out);
        ps_buf_append_text(out, " AS ");
        ps_type_print(expr->type, out);
        ps_buf_append_char(out, ')');
    } else if (expr->argument_count == 1 && strncmp(name, "IS ", 3) == 0) {
        ps_buf_append_char(out, '(');
        ps_expr_print(arguments[0], fields, out);
        ps_buf_append_format(out, " %s)", name);
    } else if (expr->argument_count > 1 && is_infix(name)) {
        print_infix(expr, name, fields, out);
    } else if (strcmp(name, "IN") == 0) {
        ps_expr_print(arguments[0], fields, out);
        ps_buf_append_text(out, " IN ");
        print_list(expr, 1, fields, out);
    } else if (strcmp(name, "[]") == 0) {
        ps_expr_print(arguments[0], fields, out);
        ps_buf_append_char(out, '[');
        ps_expr_print(arguments[1], fields, out);
        ps_buf_append_char(out, ']');
    } else if (strcmp(name, "FIELD") == 0) {
        ps_expr_print(arguments[0], fields, out);
        ps_buf_append_char(out, '.');
        ps_buf_append_slice(out, arguments[0]->type->field_names[arguments[1]->constant.i64]);
    } else {
        ps_buf_append_text(out, name);
        print_list(expr, 0, fields, out);
    }
}

void ps_expr_print(const ps_expr *expr, const ps_field *fields, ps_buf *out)
{
    switch (expr->kind) {
    case PS_EXPR_COLUMN:
        ps_buf_append_slice(out, fields[expr->column].name);
        return;
    case PS_EXPR_CONSTANT:
        print_constant(expr, out);
        return;
    case PS_EXPR_CALL:
        print_call(expr, fields, out);
        return;
    }
}
