/* Printing of types and expressions. */
#include "sql/ast_print.h"

static void text(ps_buf *out, const char *what)
{
    ps_buf_append_text(out, what);
}

void ps_ast_string_print(ps_slice string, ps_buf *out)
{
    ps_buf_append_char(out, '\'');
    for (size_t i = 0; i < string.size; i++) {
        if (string.data[i] == '\'') {
            ps_buf_append_char(out, '\'');
        }
        ps_buf_append_char(out, string.data[i]);
    }
    ps_buf_append_char(out, '\'');
}

void ps_ast_name_list_print(const ps_ast_names *names, ps_buf *out)
{
    for (uint32_t i = 0; i < names->count; i++) {
        text(out, i == 0 ? "(" : ", ");
        ps_ast_name_print(&names->items[i], out);
    }
    text(out, ")");
}

void ps_ast_exprs_print(const ps_ast_exprs *exprs, ps_buf *out)
{
    for (uint32_t i = 0; i < exprs->count; i++) {
        text(out, i == 0 ? "" : ", ");
        ps_ast_expr_print(exprs->items[i], out);
    }
}

/* ── types ── */

static void interval_print(const ps_ast_interval *interval, ps_buf *out)
{
    text(out, ps_ast_unit_name(interval->from));
    if (interval->from == PS_AST_UNIT_SECOND && interval->second_precision >= 0) {
        ps_buf_append_format(out, "(%d, %d)", interval->leading_precision,
                             interval->second_precision);
        return;
    }
    if (interval->leading_precision >= 0) {
        ps_buf_append_format(out, "(%d)", interval->leading_precision);
    }
    if (interval->to == interval->from) {
        return;
    }
    ps_buf_append_format(out, " TO %s", ps_ast_unit_name(interval->to));
    if (interval->second_precision >= 0) {
        ps_buf_append_format(out, "(%d)", interval->second_precision);
    }
}

static void fields_print(const ps_ast_type *type, ps_buf *out)
{
    text(out, "<");
    for (uint32_t i = 0; i < type->field_count; i++) {
        const ps_ast_field *field = &type->fields[i];
        text(out, i == 0 ? "" : ", ");
        ps_ast_name_print(&field->name, out);
        text(out, " ");
        ps_ast_type_print(field->type, out);
        if (field->comment != NULL) {
            text(out, " ");
            ps_ast_string_print(ps_slice_text(field->comment), out);
        }
    }
    text(out, ">");
}

static void precision_print(const ps_ast_type *type, ps_buf *out)
{
    if (type->scale >= 0) {
        ps_buf_append_format(out, "(%d, %d)", type->precision, type->scale);
    } else if (type->precision >= 0) {
        ps_buf_append_format(out, "(%d)", type->precision);
    }
}

static void type_arguments_print(const ps_ast_type *type, ps_buf *out)
{
    switch (type->kind) {
    case PS_AST_TYPE_ROW:
        fields_print(type, out);
        return;
    case PS_AST_TYPE_ARRAY:
        text(out, "<");
        ps_ast_type_print(type->element, out);
        text(out, ">");
        return;
    case PS_AST_TYPE_MAP:
        text(out, "<");
        ps_ast_type_print(type->key, out);
        text(out, ", ");
        ps_ast_type_print(type->element, out);
        text(out, ">");
        return;
    case PS_AST_TYPE_INTERVAL:
        text(out, " ");
        interval_print(&type->interval, out);
        return;
    case PS_AST_TYPE_BOOLEAN:
    case PS_AST_TYPE_TINYINT:
    case PS_AST_TYPE_SMALLINT:
    case PS_AST_TYPE_INT:
    case PS_AST_TYPE_BIGINT:
    case PS_AST_TYPE_FLOAT:
    case PS_AST_TYPE_DOUBLE:
    case PS_AST_TYPE_DECIMAL:
    case PS_AST_TYPE_CHAR:
    case PS_AST_TYPE_VARCHAR:
    case PS_AST_TYPE_BINARY:
    case PS_AST_TYPE_VARBINARY:
    case PS_AST_TYPE_DATE:
    case PS_AST_TYPE_TIME:
    case PS_AST_TYPE_TIMESTAMP:
    case PS_AST_TYPE_TIMESTAMP_LTZ:
        precision_print(type, out);
        return;
    }
}

void ps_ast_type_print(const ps_ast_type *type, ps_buf *out)
{
    static const char *const names[] = {
        [PS_AST_TYPE_BOOLEAN] = "BOOLEAN",     [PS_AST_TYPE_TINYINT] = "TINYINT",
        [PS_AST_TYPE_SMALLINT] = "SMALLINT",   [PS_AST_TYPE_INT] = "INT",
        [PS_AST_TYPE_BIGINT] = "BIGINT",       [PS_AST_TYPE_FLOAT] = "FLOAT",
        [PS_AST_TYPE_DOUBLE] = "DOUBLE",       [PS_AST_TYPE_DECIMAL] = "DECIMAL",
        [PS_AST_TYPE_CHAR] = "CHAR",           [PS_AST_TYPE_VARCHAR] = "VARCHAR",
        [PS_AST_TYPE_BINARY] = "BINARY",       [PS_AST_TYPE_VARBINARY] = "VARBINARY",
        [PS_AST_TYPE_DATE] = "DATE",           [PS_AST_TYPE_TIME] = "TIME",
        [PS_AST_TYPE_TIMESTAMP] = "TIMESTAMP", [PS_AST_TYPE_TIMESTAMP_LTZ] = "TIMESTAMP_LTZ",
        [PS_AST_TYPE_INTERVAL] = "INTERVAL",   [PS_AST_TYPE_ROW] = "ROW",
        [PS_AST_TYPE_ARRAY] = "ARRAY",         [PS_AST_TYPE_MAP] = "MAP",
    };
    bool is_long = type->precision == INT32_MAX;
    if (is_long && type->kind == PS_AST_TYPE_VARCHAR) {
        text(out, "STRING");
    } else if (is_long && type->kind == PS_AST_TYPE_VARBINARY) {
        text(out, "BYTES");
    } else {
        text(out, names[type->kind]);
        type_arguments_print(type, out);
    }
    text(out, type->is_not_null ? " NOT NULL" : "");
}

/* ── literals ── */

static void binary_string_print(ps_slice bytes, ps_buf *out)
{
    text(out, "X'");
    for (size_t i = 0; i < bytes.size; i++) {
        ps_buf_append_format(out, "%02x", (unsigned char)bytes.data[i]);
    }
    text(out, "'");
}

static void prefixed_string_print(const char *prefix, ps_slice string, ps_buf *out)
{
    text(out, prefix);
    ps_ast_string_print(string, out);
}

static void literal_print(const ps_ast_literal *literal, ps_buf *out)
{
    switch (literal->kind) {
    case PS_AST_LITERAL_NULL:
        text(out, "NULL");
        return;
    case PS_AST_LITERAL_TRUE:
        text(out, "TRUE");
        return;
    case PS_AST_LITERAL_FALSE:
        text(out, "FALSE");
        return;
    case PS_AST_LITERAL_UNKNOWN:
        text(out, "UNKNOWN");
        return;
    case PS_AST_LITERAL_INTEGER:
    case PS_AST_LITERAL_DECIMAL:
    case PS_AST_LITERAL_DOUBLE:
        ps_buf_append_slice(out, literal->text);
        return;
    case PS_AST_LITERAL_STRING:
        ps_ast_string_print(literal->text, out);
        return;
    case PS_AST_LITERAL_BINARY:
        binary_string_print(literal->text, out);
        return;
    case PS_AST_LITERAL_DATE:
        prefixed_string_print("DATE ", literal->text, out);
        return;
    case PS_AST_LITERAL_TIME:
        prefixed_string_print("TIME ", literal->text, out);
        return;
    case PS_AST_LITERAL_TIMESTAMP:
        prefixed_string_print("TIMESTAMP ", literal->text, out);
        return;
    case PS_AST_LITERAL_INTERVAL:
        prefixed_string_print(literal->is_negative ? "INTERVAL -" : "INTERVAL ", literal->text,
                              out);
        text(out, " ");
        interval_print(&literal->interval, out);
        return;
    }
}

/* ── precedence, as in parser_expr.c ── */

typedef enum {
    LEVEL_OR = 1,
    LEVEL_AND,
    LEVEL_NOT,
    LEVEL_IS,
    LEVEL_COMPARISON,
    LEVEL_RANGE,
    LEVEL_SUM,
    LEVEL_PRODUCT,
    LEVEL_SIGN,
    LEVEL_POSTFIX,
    LEVEL_OPERAND
} level;

static level op_level(ps_ast_op op)
{
    switch (op) {
    case PS_AST_OP_OR:
        return LEVEL_OR;
    case PS_AST_OP_AND:
        return LEVEL_AND;
    case PS_AST_OP_NOT:
        return LEVEL_NOT;
    case PS_AST_OP_EQ:
    case PS_AST_OP_NE:
    case PS_AST_OP_LT:
    case PS_AST_OP_LE:
    case PS_AST_OP_GT:
    case PS_AST_OP_GE:
    case PS_AST_OP_DISTINCT:
    case PS_AST_OP_NOT_DISTINCT:
        return LEVEL_COMPARISON;
    case PS_AST_OP_ADD:
    case PS_AST_OP_SUBTRACT:
        return LEVEL_SUM;
    case PS_AST_OP_CONCAT:
    case PS_AST_OP_MULTIPLY:
    case PS_AST_OP_DIVIDE:
    case PS_AST_OP_MODULO:
        return LEVEL_PRODUCT;
    case PS_AST_OP_MINUS:
    case PS_AST_OP_PLUS:
        return LEVEL_SIGN;
    }
    return LEVEL_OPERAND;
}

static bool has_suffix(const ps_ast_call *call)
{
    return call->over != NULL || call->filter != NULL || call->within_group.count > 0 ||
           call->respect != PS_AST_RESPECT_DEFAULT || call->form == PS_AST_FORM_PREFIX;
}

static level level_of(const ps_ast_expr *expr)
{
    switch (expr->kind) {
    case PS_AST_EXPR_UNARY:
    case PS_AST_EXPR_BINARY:
        return op_level(expr->op);
    case PS_AST_EXPR_IS:
        return LEVEL_IS;
    case PS_AST_EXPR_BETWEEN:
    case PS_AST_EXPR_IN:
    case PS_AST_EXPR_LIKE:
        return LEVEL_RANGE;
    case PS_AST_EXPR_CALL:
        return has_suffix(expr->call) ? LEVEL_SIGN : LEVEL_POSTFIX;
    case PS_AST_EXPR_FIELD:
    case PS_AST_EXPR_INDEX:
        return LEVEL_POSTFIX;
    case PS_AST_EXPR_LITERAL:
    case PS_AST_EXPR_NAME:
    case PS_AST_EXPR_STAR:
    case PS_AST_EXPR_EXISTS:
    case PS_AST_EXPR_SUBQUERY:
    case PS_AST_EXPR_CASE:
    case PS_AST_EXPR_CAST:
    case PS_AST_EXPR_ARRAY:
    case PS_AST_EXPR_MAP:
    case PS_AST_EXPR_ROW:
    case PS_AST_EXPR_UNIT:
    case PS_AST_EXPR_TRIM_SIDE:
    case PS_AST_EXPR_DESCRIPTOR:
    case PS_AST_EXPR_TABLE:
        return LEVEL_OPERAND;
    }
    return LEVEL_OPERAND;
}

/* In parentheses when it binds looser than `lowest`. */
static void print_at(const ps_ast_expr *expr, level lowest, ps_buf *out)
{
    bool is_nested = level_of(expr) < lowest;
    text(out, is_nested ? "(" : "");
    ps_ast_expr_print(expr, out);
    text(out, is_nested ? ")" : "");
}

/* ── operators ── */

static void unary_print(const ps_ast_expr *expr, ps_buf *out)
{
    text(out, ps_ast_op_name(expr->op));
    if (expr->op == PS_AST_OP_NOT) {
        text(out, " ");
        print_at(expr->left, LEVEL_NOT, out);
    } else {
        print_at(expr->left, LEVEL_POSTFIX, out); /* two signs would be a comment */
    }
}

static void binary_print(const ps_ast_expr *expr, ps_buf *out)
{
    level own = op_level(expr->op);
    print_at(expr->left, own, out);
    ps_buf_append_format(out, " %s ", ps_ast_op_name(expr->op));
    print_at(expr->right, own + 1, out);
}

static void is_print(const ps_ast_expr *expr, ps_buf *out)
{
    static const char *const tests[] = {
        [PS_AST_IS_NULL] = "NULL",
        [PS_AST_IS_TRUE] = "TRUE",
        [PS_AST_IS_FALSE] = "FALSE",
        [PS_AST_IS_UNKNOWN] = "UNKNOWN",
        [PS_AST_IS_JSON] = "JSON",
        [PS_AST_IS_JSON_OBJECT] = "JSON OBJECT",
        [PS_AST_IS_JSON_ARRAY] = "JSON ARRAY",
        [PS_AST_IS_JSON_SCALAR] = "JSON SCALAR",
    };
    print_at(expr->is.operand, LEVEL_IS, out);
    text(out, expr->is.is_negated ? " IS NOT " : " IS ");
    text(out, tests[expr->is.test]);
}

static void between_print(const ps_ast_expr *expr, ps_buf *out)
{
    print_at(expr->between.operand, LEVEL_RANGE, out);
    text(out, expr->between.is_negated ? " NOT BETWEEN " : " BETWEEN ");
    text(out, expr->between.is_symmetric ? "SYMMETRIC " : "");
    print_at(expr->between.low, LEVEL_RANGE + 1, out);
    text(out, " AND ");
    print_at(expr->between.high, LEVEL_RANGE + 1, out);
}

static void in_print(const ps_ast_expr *expr, ps_buf *out)
{
    print_at(expr->in.operand, LEVEL_RANGE, out);
    text(out, expr->in.is_negated ? " NOT IN (" : " IN (");
    if (expr->in.query != NULL) {
        ps_ast_query_print(expr->in.query, out);
    } else {
        ps_ast_exprs_print(&expr->in.items, out);
    }
    text(out, ")");
}

static void like_print(const ps_ast_expr *expr, ps_buf *out)
{
    print_at(expr->like.operand, LEVEL_RANGE, out);
    text(out, expr->like.is_negated ? " NOT" : "");
    text(out, expr->like.kind == PS_AST_LIKE ? " LIKE " : " SIMILAR TO ");
    print_at(expr->like.pattern, LEVEL_RANGE + 1, out);
    if (expr->like.escape != NULL) {
        text(out, " ESCAPE ");
        print_at(expr->like.escape, LEVEL_RANGE + 1, out);
    }
}

/* ── operands ── */

static void case_print(const ps_ast_expr *expr, ps_buf *out)
{
    text(out, "CASE");
    if (expr->cases.operand != NULL) {
        text(out, " ");
        ps_ast_expr_print(expr->cases.operand, out);
    }
    for (uint32_t i = 0; i < expr->cases.branch_count; i++) {
        text(out, " WHEN ");
        ps_ast_expr_print(expr->cases.branches[i].when, out);
        text(out, " THEN ");
        ps_ast_expr_print(expr->cases.branches[i].then, out);
    }
    if (expr->cases.otherwise != NULL) {
        text(out, " ELSE ");
        ps_ast_expr_print(expr->cases.otherwise, out);
    }
    text(out, " END");
}

static void cast_print(const ps_ast_expr *expr, ps_buf *out)
{
    text(out, expr->cast.is_try ? "TRY_CAST(" : "CAST(");
    ps_ast_expr_print(expr->cast.operand, out);
    text(out, " AS ");
    ps_ast_type_print(expr->cast.type, out);
    text(out, ")");
}

static void query_print(const char *prefix, const ps_ast_query *query, ps_buf *out)
{
    text(out, prefix);
    ps_ast_query_print(query, out);
    text(out, ")");
}

static void star_print(const ps_ast_names *path, ps_buf *out)
{
    ps_ast_names_print(path, out);
    text(out, path->count > 0 ? ".*" : "*");
}

/* (a).b: without parentheses it would be a path. */
static void field_print(const ps_ast_expr *expr, ps_buf *out)
{
    bool is_path = expr->field.operand->kind == PS_AST_EXPR_NAME;
    text(out, is_path ? "(" : "");
    print_at(expr->field.operand, LEVEL_POSTFIX, out);
    text(out, is_path ? ")." : ".");
    ps_ast_name_print(&expr->field.name, out);
}

static void index_print(const ps_ast_expr *expr, ps_buf *out)
{
    print_at(expr->index.operand, LEVEL_POSTFIX, out);
    text(out, "[");
    ps_ast_expr_print(expr->index.index, out);
    text(out, "]");
}

static void items_print(const char *prefix, const ps_ast_exprs *items, const char *end, ps_buf *out)
{
    text(out, prefix);
    ps_ast_exprs_print(items, out);
    text(out, end);
}

static const char *trim_side_name(ps_ast_trim_side side)
{
    static const char *const names[] = {
        [PS_AST_TRIM_BOTH] = "BOTH",
        [PS_AST_TRIM_LEADING] = "LEADING",
        [PS_AST_TRIM_TRAILING] = "TRAILING",
    };
    return names[side];
}

static void table_print(const ps_ast_table_argument *table, ps_buf *out)
{
    text(out, "TABLE ");
    ps_ast_names_print(&table->path, out);
    if (table->partition_by.count > 0) {
        items_print(" PARTITION BY (", &table->partition_by, ")", out);
    }
    if (table->order_by.count > 0) {
        text(out, " ORDER BY (");
        ps_ast_orders_print(&table->order_by, out);
        text(out, ")");
    }
}

void ps_ast_expr_print(const ps_ast_expr *expr, ps_buf *out)
{
    switch (expr->kind) {
    case PS_AST_EXPR_LITERAL:
        literal_print(&expr->literal, out);
        return;
    case PS_AST_EXPR_NAME:
        ps_ast_names_print(&expr->path, out);
        return;
    case PS_AST_EXPR_STAR:
        star_print(&expr->path, out);
        return;
    case PS_AST_EXPR_UNARY:
        unary_print(expr, out);
        return;
    case PS_AST_EXPR_BINARY:
        binary_print(expr, out);
        return;
    case PS_AST_EXPR_IS:
        is_print(expr, out);
        return;
    case PS_AST_EXPR_BETWEEN:
        between_print(expr, out);
        return;
    case PS_AST_EXPR_IN:
        in_print(expr, out);
        return;
    case PS_AST_EXPR_LIKE:
        like_print(expr, out);
        return;
    case PS_AST_EXPR_EXISTS:
        query_print("EXISTS (", expr->query, out);
        return;
    case PS_AST_EXPR_SUBQUERY:
        query_print("(", expr->query, out);
        return;
    case PS_AST_EXPR_CASE:
        case_print(expr, out);
        return;
    case PS_AST_EXPR_CAST:
        cast_print(expr, out);
        return;
    case PS_AST_EXPR_CALL:
        ps_ast_call_print(expr->call, out);
        return;
    case PS_AST_EXPR_FIELD:
        field_print(expr, out);
        return;
    case PS_AST_EXPR_INDEX:
        index_print(expr, out);
        return;
    case PS_AST_EXPR_ARRAY:
        items_print("ARRAY[", &expr->items, "]", out);
        return;
    case PS_AST_EXPR_MAP:
        items_print("MAP[", &expr->items, "]", out);
        return;
    case PS_AST_EXPR_ROW:
        items_print(expr->is_parenthesised && expr->items.count > 1 ? "(" : "ROW(", &expr->items,
                    ")", out);
        return;
    case PS_AST_EXPR_UNIT:
        text(out, ps_ast_unit_name(expr->unit));
        return;
    case PS_AST_EXPR_TRIM_SIDE:
        text(out, trim_side_name(expr->trim_side));
        return;
    case PS_AST_EXPR_DESCRIPTOR:
        text(out, "DESCRIPTOR");
        ps_ast_name_list_print(&expr->columns, out);
        return;
    case PS_AST_EXPR_TABLE:
        table_print(expr->table, out);
        return;
    }
}
