/* Scans: what a graph reads of its tables, and the nodes that read it.
 *
 *   SOURCE (leaves) → [NORMALIZE] → CALC (computed columns) → WATERMARK → each reader's CALC
 *
 * A graph reads each table once, with all that its readers want. A reader wants slots: columns, or
 * fields inside of ROW columns, so that a nested column is never made unless it is read whole.
 */
#include <stdlib.h>
#include <strings.h>

#include "sql/lower.h"

enum { PATH_DEPTH_MAX = 32 };

typedef struct {
    uint32_t column, depth;
    uint32_t fields[PATH_DEPTH_MAX];
} path;

/* An expression that is a column or a chain of fields of one. */
static bool expr_path(const ps_expr *expr, path *out)
{
    uint32_t reversed[PATH_DEPTH_MAX], depth = 0;
    while (ps_plan_is_call(expr, "FIELD") && depth < PATH_DEPTH_MAX) {
        reversed[depth++] = (uint32_t)expr->arguments[1]->constant.i64;
        expr = expr->arguments[0];
    }
    if (expr->kind != PS_EXPR_COLUMN) {
        return false;
    }
    out->column = expr->column;
    out->depth = depth;
    for (uint32_t i = 0; i < depth; i++) {
        out->fields[i] = reversed[depth - 1 - i];
    }
    return true;
}

/* Is `slot` the path or a ROW that the path leads through? */
static bool slot_holds(const ps_slot *slot, const path *of)
{
    return slot->column == of->column && slot->depth <= of->depth &&
           (slot->depth == 0 ||
            memcmp(slot->fields, of->fields, slot->depth * sizeof *slot->fields) == 0);
}

typedef struct {
    uint32_t count, capacity;
    ps_slot *slots;
} slot_set;

static void set_grow(ps_plan *plan, slot_set *set)
{
    uint32_t capacity = set->capacity == 0 ? 16 : set->capacity * 2;
    ps_slot *slots = PS_PLAN_ARRAY(plan, ps_slot, capacity);
    if (set->count > 0) {
        memcpy(slots, set->slots, set->count * sizeof *slots);
    }
    set->slots = slots;
    set->capacity = capacity;
}

/* Adds a path unless it is there, or in a ROW that is there; takes away what lies in it. */
static void set_add(ps_plan *plan, slot_set *set, const path *wanted, const ps_type *type)
{
    uint32_t *fields = PS_PLAN_ARRAY(plan, uint32_t, wanted->depth);
    ps_slot slot = {wanted->column, wanted->depth, fields, type};
    uint32_t kept = 0;
    memcpy(fields, wanted->fields, wanted->depth * sizeof *fields);
    for (uint32_t i = 0; i < set->count; i++) {
        if (slot_holds(&set->slots[i], wanted)) {
            return;
        }
    }
    for (uint32_t i = 0; i < set->count; i++) {
        path old = {.column = set->slots[i].column, .depth = set->slots[i].depth};
        memcpy(old.fields, set->slots[i].fields, old.depth * sizeof *old.fields);
        if (!slot_holds(&slot, &old)) {
            set->slots[kept++] = set->slots[i];
        }
    }
    set->count = kept;
    if (set->count == set->capacity) {
        set_grow(plan, set);
    }
    set->slots[set->count++] = slot;
}

/* All that an expression over the table's columns reads. */
static void set_add_expr(ps_plan *plan, slot_set *set, const ps_table *table, const ps_expr *expr)
{
    path wanted;
    if (expr == NULL) {
        return;
    }
    if (expr_path(expr, &wanted)) {
        const ps_type *type = expr->type;
        if (table->columns[wanted.column].kind != PS_AST_COLUMN_PHYSICAL) {
            wanted.depth = 0; /* fields of computed columns are taken out above */
            type = table->columns[wanted.column].type;
        }
        set_add(plan, set, &wanted, type);
        return;
    }
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        set_add_expr(plan, set, table, expr->arguments[i]);
    }
}

/* The expression over the slots instead of the table's columns. */
static const ps_expr *over_slots(ps_plan *plan, const ps_expr *expr, uint32_t count,
                                 const ps_slot *slots)
{
    path wanted;
    if (expr == NULL || expr->kind == PS_EXPR_CONSTANT) {
        return expr;
    }
    if (expr_path(expr, &wanted)) {
        for (uint32_t i = 0; i < count; i++) {
            if (slot_holds(&slots[i], &wanted) && slots[i].depth == wanted.depth) {
                return ps_plan_column(plan, i, expr->type);
            }
        }
        PS_ASSERT(wanted.depth > 0); /* a ROW on the way is there whole */
    }
    ps_expr *copy = PS_PLAN_NEW(plan, ps_expr);
    const ps_expr **arguments = PS_PLAN_ARRAY(plan, const ps_expr *, expr->argument_count);
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        arguments[i] = over_slots(plan, expr->arguments[i], count, slots);
    }
    *copy = *expr;
    copy->arguments = arguments;
    return copy;
}

static int slot_compare(const void *left, const void *right)
{
    const ps_slot *a = left, *b = right;
    if (a->column != b->column) {
        return a->column < b->column ? -1 : 1;
    }
    for (uint32_t i = 0; i < a->depth && i < b->depth; i++) {
        if (a->fields[i] != b->fields[i]) {
            return a->fields[i] < b->fields[i] ? -1 : 1;
        }
    }
    return a->depth < b->depth ? -1 : (a->depth > b->depth ? 1 : 0);
}

/* ── what is wanted ── */

static ps_scan *scan_get(ps_lowering *lowering, const ps_rel *rel)
{
    for (uint32_t i = 0; i < lowering->scans.count; i++) {
        ps_scan *scan = (ps_scan *)(uintptr_t)lowering->scans.items[i];
        if (scan->table == rel->scan.table) {
            return scan;
        }
    }
    ps_plan *plan = lowering->plan;
    ps_scan *scan = PS_PLAN_NEW(plan, ps_scan);
    scan->table = rel->scan.table;
    scan->at = rel->at;
    if (scan->table->late_of != NULL) {
        ps_plan_list_add(plan, &lowering->scans, scan);
        return scan;
    }
    scan->traits = ps_table_find_traits(plan, scan->table, rel->at);
    if (!scan->traits.can_read) {
        ps_plan_fail(plan, PS_E_INVALID, rel->at,
                     "table '%.*s' cannot be read: its connector is "
                     "for writing",
                     (int)scan->table->name.size, scan->table->name.data);
    }
    ps_plan_list_add(plan, &lowering->scans, scan);
    lowering->is_bounded = lowering->is_bounded && scan->traits.is_bounded;
    return scan;
}

static void collect_calc(ps_lowering *lowering, ps_rel *calc)
{
    ps_plan *plan = lowering->plan;
    ps_scan *scan = scan_get(lowering, calc->inputs[0]);
    slot_set set = {scan->slot_count, scan->slot_capacity, scan->slots};
    set_add_expr(plan, &set, scan->table, calc->calc.condition);
    for (uint32_t i = 0; i < calc->column_count; i++) {
        set_add_expr(plan, &set, scan->table, calc->calc.outputs[i]);
    }
    scan->slots = set.slots;
    scan->slot_count = set.count;
    scan->slot_capacity = set.capacity;
}

void ps_lower_collect(ps_lowering *lowering, ps_rel *root)
{
    if (root->kind == PS_REL_CALC) {
        ps_rel_merge_calcs(lowering->plan, root);
        if (root->inputs[0]->kind == PS_REL_SCAN) {
            collect_calc(lowering, root);
            return;
        }
    }
    for (uint32_t i = 0; i < root->input_count; i++) {
        ps_lower_collect(lowering, root->inputs[i]);
    }
}

/* ── nodes ── */

/* The watermark's expression and its column are read whole, the key too. */
static void complete_slots(ps_plan *plan, ps_scan *scan, bool needs_key)
{
    const ps_table *table = scan->table;
    slot_set set = {scan->slot_count, scan->slot_capacity, scan->slots};
    if (table->watermark_column != PS_NO_COLUMN) {
        path column = {.column = table->watermark_column};
        set_add(plan, &set, &column, table->columns[column.column].type);
        set_add_expr(plan, &set, table, table->watermark);
    }
    ps_columns key = ps_table_primary_key(plan, table);
    for (uint32_t i = 0; i < key.count && needs_key; i++) {
        path column = {.column = key.columns[i]};
        set_add(plan, &set, &column, table->columns[column.column].type);
    }
    if (set.count > 1) {
        qsort(set.slots, set.count, sizeof *set.slots, slot_compare);
    }
    scan->slots = set.slots;
    scan->slot_count = set.count;
}

/* What the source itself must give for the slots. */
static slot_set scan_leaves(ps_plan *plan, const ps_scan *scan)
{
    slot_set set = {0};
    for (uint32_t i = 0; i < scan->slot_count; i++) {
        const ps_slot *slot = &scan->slots[i];
        const ps_table_column *column = &scan->table->columns[slot->column];
        if (column->kind == PS_AST_COLUMN_COMPUTED) {
            set_add_expr(plan, &set, scan->table, column->expr);
        } else {
            path wanted = {.column = slot->column, .depth = slot->depth};
            memcpy(wanted.fields, slot->fields, slot->depth * sizeof *slot->fields);
            set_add(plan, &set, &wanted, slot->type);
        }
    }
    if (set.count > 1) {
        qsort(set.slots, set.count, sizeof *set.slots, slot_compare);
    }
    return set;
}

static ps_slice slot_name(ps_plan *plan, const ps_table *table, const ps_slot *slot)
{
    const ps_table_column *column = &table->columns[slot->column];
    ps_slice name = column->name;
    const ps_type *type = column->type;
    for (uint32_t i = 0; i < slot->depth; i++) {
        ps_slice field = type->field_names[slot->fields[i]];
        name = ps_plan_print(plan, "%.*s.%.*s", (int)name.size, name.data, (int)field.size,
                             field.data);
        type = type->children[slot->fields[i]];
    }
    return name;
}

static ps_field *slot_fields(ps_plan *plan, const ps_table *table, uint32_t count,
                             const ps_slot *slots)
{
    ps_field *fields = PS_PLAN_ARRAY(plan, ps_field, count);
    for (uint32_t i = 0; i < count; i++) {
        fields[i] = (ps_field){slot_name(plan, table, &slots[i]), slots[i].type};
    }
    return fields;
}

/* Columns of a table in the numbering of slots; count 0 when one is not there. */
static ps_columns columns_in_slots(ps_plan *plan, ps_columns columns, uint32_t count,
                                   const ps_slot *slots)
{
    uint32_t *found = PS_PLAN_ARRAY(plan, uint32_t, columns.count);
    for (uint32_t i = 0; i < columns.count; i++) {
        uint32_t slot = 0;
        while (slot < count &&
               (slots[slot].column != columns.columns[i] || slots[slot].depth != 0)) {
            slot++;
        }
        if (slot == count) {
            return (ps_columns){0, NULL};
        }
        found[i] = slot;
    }
    return (ps_columns){columns.count, found};
}

static ps_node *source_node(ps_lowering *lowering, const ps_scan *scan, const slot_set *leaves)
{
    ps_plan *plan = lowering->plan;
    const ps_table *table = scan->table;
    ps_leaf *out = PS_PLAN_ARRAY(plan, ps_leaf, leaves->count);
    for (uint32_t i = 0; i < leaves->count; i++) {
        const ps_slot *slot = &leaves->slots[i];
        const ps_table_column *column = &table->columns[slot->column];
        out[i] = (ps_leaf){.column = column->index,
                           .is_metadata = column->kind == PS_AST_COLUMN_METADATA,
                           .depth = slot->depth,
                           .fields = slot->fields,
                           .type = slot->type};
    }
    ps_source_spec *spec = PS_PLAN_NEW(plan, ps_source_spec);
    *spec = (ps_source_spec){&table->info, leaves->count, out};
    ps_node *node = ps_lower_add(lowering, PS_NODE_SOURCE, leaves->count,
                                 slot_fields(plan, table, leaves->count, leaves->slots), 0, NULL);
    node->source = spec;
    node->changes = scan->traits.source_changes;
    node->upsert_key =
        columns_in_slots(plan, ps_table_primary_key(plan, table), leaves->count, leaves->slots);
    return node;
}

static bool scan_needs_normalize(ps_plan *plan, const ps_scan *scan)
{
    bool may_repeat =
        scan->traits.source_may_repeat ||
        strcasecmp(ps_settings_value(plan->settings, "table.exec.source.cdc-events-duplicate"),
                   "true") == 0;
    bool has_key = scan->table->info.primary_key.count > 0;
    if (scan->traits.source_changes == PS_CHANGES_UPSERT && !has_key) {
        ps_plan_fail(plan, PS_E_INVALID, scan->at,
                     "table '%.*s' delivers upserts and needs a PRIMARY KEY",
                     (int)scan->table->name.size, scan->table->name.data);
    }
    return has_key && (scan->traits.source_changes == PS_CHANGES_UPSERT ||
                       (scan->traits.source_changes == PS_CHANGES_RETRACT && may_repeat));
}

static ps_node *normalize_node(ps_lowering *lowering, const ps_node *input)
{
    if (input->changes == PS_CHANGES_RETRACT) {
        ps_node *drop = ps_lower_same(lowering, PS_NODE_DROP_UPDATE_BEFORE, input);
        drop->changes = PS_CHANGES_UPSERT;
        input = drop;
    }
    ps_node *node = ps_lower_same(lowering, PS_NODE_NORMALIZE, input);
    ps_normalize_spec *spec = PS_PLAN_NEW(lowering->plan, ps_normalize_spec);
    *spec = (ps_normalize_spec){input->upsert_key, true};
    node->normalize = spec;
    node->changes = PS_CHANGES_RETRACT;
    ps_lower_deal(lowering, node, &spec->key);
    return node;
}

/* Slots from leaves: computed columns are made here. */
static ps_node *slots_node(ps_lowering *lowering, const ps_scan *scan, const slot_set *leaves,
                           ps_node *input)
{
    ps_plan *plan = lowering->plan;
    const ps_expr **outputs = PS_PLAN_ARRAY(plan, const ps_expr *, scan->slot_count);
    bool is_same = scan->slot_count == leaves->count;
    for (uint32_t i = 0; i < scan->slot_count; i++) {
        const ps_slot *slot = &scan->slots[i];
        const ps_table_column *column = &scan->table->columns[slot->column];
        const ps_expr *expr;
        if (column->kind == PS_AST_COLUMN_COMPUTED) {
            expr = over_slots(plan, column->expr, leaves->count, leaves->slots);
        } else {
            expr = ps_plan_column(plan, slot->column, column->type);
            for (uint32_t j = 0; j < slot->depth; j++) {
                ps_error err;
                ps_plan_check(plan,
                              ps_expr_field(plan->expressions, expr, slot->fields[j], &expr, &err),
                              &err, scan->at);
            }
            expr = over_slots(plan, expr, leaves->count, leaves->slots);
        }
        is_same = is_same && expr->kind == PS_EXPR_COLUMN && expr->column == i;
        outputs[i] = expr;
    }
    if (is_same) {
        return input;
    }
    ps_calc_spec *spec = PS_PLAN_NEW(plan, ps_calc_spec);
    *spec = (ps_calc_spec){NULL, scan->slot_count, outputs};
    const ps_node *inputs[] = {input};
    ps_node *node =
        ps_lower_add(lowering, PS_NODE_CALC, scan->slot_count,
                     slot_fields(plan, scan->table, scan->slot_count, scan->slots), 1, inputs);
    node->calc = spec;
    node->changes = input->changes;
    node->upsert_key = columns_in_slots(plan, ps_table_primary_key(plan, scan->table),
                                        scan->slot_count, scan->slots);
    return node;
}

static ps_node *watermark_node(ps_lowering *lowering, const ps_scan *scan, ps_node *input)
{
    ps_plan *plan = lowering->plan;
    const ps_table *table = scan->table;
    ps_columns column = {1, &table->watermark_column};
    ps_watermark_spec *spec = PS_PLAN_NEW(plan, ps_watermark_spec);
    spec->time_column = columns_in_slots(plan, column, scan->slot_count, scan->slots).columns[0];
    spec->watermark = over_slots(plan, table->watermark, scan->slot_count, scan->slots);
    ps_node *node = ps_lower_same(lowering, PS_NODE_WATERMARK, input);
    node->watermark = spec;
    node->time_column = spec->time_column;
    node->has_watermarks = true;
    return node;
}

/* All columns of a table of late rows. */
static void scan_build_late(ps_lowering *lowering, ps_scan *scan)
{
    slot_set set = {0};
    for (uint32_t i = 0; i < scan->table->column_count; i++) {
        path column = {.column = i};
        set_add(lowering->plan, &set, &column, scan->table->columns[i].type);
    }
    scan->slots = set.slots;
    scan->slot_count = set.count;
    scan->node = ps_lower_late(lowering, scan);
}

static void scan_build(ps_lowering *lowering, ps_scan *scan)
{
    ps_plan *plan = lowering->plan;
    if (scan->table->late_of != NULL) {
        scan_build_late(lowering, scan);
        return;
    }
    bool is_normalized = scan_needs_normalize(plan, scan);
    complete_slots(plan, scan, is_normalized);
    slot_set leaves = scan_leaves(plan, scan);
    ps_node *node = source_node(lowering, scan, &leaves);
    if (is_normalized) {
        node = normalize_node(lowering, node);
    }
    node = slots_node(lowering, scan, &leaves, node);
    if (scan->table->watermark_column != PS_NO_COLUMN) {
        node = watermark_node(lowering, scan, node);
    }
    scan->node = node;
}

ps_node *ps_lower_scan_calc(ps_lowering *lowering, ps_rel *calc)
{
    ps_plan *plan = lowering->plan;
    ps_scan *scan = scan_get(lowering, calc->inputs[0]);
    if (scan->node == NULL) {
        scan_build(lowering, scan);
    }
    ps_calc_spec *spec = PS_PLAN_NEW(plan, ps_calc_spec);
    const ps_expr **outputs = PS_PLAN_ARRAY(plan, const ps_expr *, calc->column_count);
    bool is_same = calc->calc.condition == NULL && calc->column_count == scan->slot_count;
    for (uint32_t i = 0; i < calc->column_count; i++) {
        outputs[i] = over_slots(plan, calc->calc.outputs[i], scan->slot_count, scan->slots);
        is_same = is_same && outputs[i]->kind == PS_EXPR_COLUMN && outputs[i]->column == i;
    }
    if (is_same) {
        return scan->node;
    }
    *spec = (ps_calc_spec){over_slots(plan, calc->calc.condition, scan->slot_count, scan->slots),
                           calc->column_count, outputs};
    const ps_node *inputs[] = {scan->node};
    ps_node *node = ps_lower_node(lowering, PS_NODE_CALC, calc, 1, inputs);
    node->calc = spec;
    node->changes = scan->node->changes;
    return node;
}
