#include "sql/ast.h"

#include "sql/keyword.h"

static bool is_plain(const ps_ast_name *name)
{
    for (uint32_t i = 0; i < name->size; i++) {
        unsigned char c = (unsigned char)name->text[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        bool is_digit = i > 0 && c >= '0' && c <= '9';
        if (!is_letter && !is_digit) {
            return false;
        }
    }
    return name->size > 0 && ps_keyword_find((ps_slice){name->text, name->size}) == PS_KEYWORD_NONE;
}

void ps_ast_name_print(const ps_ast_name *name, ps_buf *out)
{
    if (is_plain(name)) {
        ps_buf_append(out, name->text, name->size);
        return;
    }
    ps_buf_append_char(out, '`');
    for (uint32_t i = 0; i < name->size; i++) {
        if (name->text[i] == '`') {
            ps_buf_append_char(out, '`');
        }
        ps_buf_append_char(out, name->text[i]);
    }
    ps_buf_append_char(out, '`');
}

void ps_ast_names_print(const ps_ast_names *names, ps_buf *out)
{
    for (uint32_t i = 0; i < names->count; i++) {
        if (i > 0) {
            ps_buf_append_char(out, '.');
        }
        ps_ast_name_print(&names->items[i], out);
    }
}

const char *ps_ast_unit_name(ps_ast_unit unit)
{
    static const char *const names[] = {
        [PS_AST_UNIT_YEAR] = "YEAR",
        [PS_AST_UNIT_QUARTER] = "QUARTER",
        [PS_AST_UNIT_MONTH] = "MONTH",
        [PS_AST_UNIT_WEEK] = "WEEK",
        [PS_AST_UNIT_DAY] = "DAY",
        [PS_AST_UNIT_HOUR] = "HOUR",
        [PS_AST_UNIT_MINUTE] = "MINUTE",
        [PS_AST_UNIT_SECOND] = "SECOND",
        [PS_AST_UNIT_MILLISECOND] = "MILLISECOND",
        [PS_AST_UNIT_MICROSECOND] = "MICROSECOND",
        [PS_AST_UNIT_NANOSECOND] = "NANOSECOND",
        [PS_AST_UNIT_DOY] = "DOY",
        [PS_AST_UNIT_DOW] = "DOW",
        [PS_AST_UNIT_ISODOW] = "ISODOW",
        [PS_AST_UNIT_ISOYEAR] = "ISOYEAR",
        [PS_AST_UNIT_EPOCH] = "EPOCH",
        [PS_AST_UNIT_DECADE] = "DECADE",
        [PS_AST_UNIT_CENTURY] = "CENTURY",
        [PS_AST_UNIT_MILLENNIUM] = "MILLENNIUM",
    };
    return names[unit];
}

const char *ps_ast_op_name(ps_ast_op op)
{
    static const char *const names[] = {
        [PS_AST_OP_NOT] = "NOT",
        [PS_AST_OP_MINUS] = "-",
        [PS_AST_OP_PLUS] = "+",
        [PS_AST_OP_OR] = "OR",
        [PS_AST_OP_AND] = "AND",
        [PS_AST_OP_EQ] = "=",
        [PS_AST_OP_NE] = "<>",
        [PS_AST_OP_LT] = "<",
        [PS_AST_OP_LE] = "<=",
        [PS_AST_OP_GT] = ">",
        [PS_AST_OP_GE] = ">=",
        [PS_AST_OP_DISTINCT] = "IS DISTINCT FROM",
        [PS_AST_OP_NOT_DISTINCT] = "IS NOT DISTINCT FROM",
        [PS_AST_OP_CONCAT] = "||",
        [PS_AST_OP_ADD] = "+",
        [PS_AST_OP_SUBTRACT] = "-",
        [PS_AST_OP_MULTIPLY] = "*",
        [PS_AST_OP_DIVIDE] = "/",
        [PS_AST_OP_MODULO] = "%",
    };
    return names[op];
}

const ps_ast_name *ps_ast_names_last(const ps_ast_names *names)
{
    PS_ASSERT(names->count > 0);
    return &names->items[names->count - 1];
}
