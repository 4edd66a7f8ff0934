/* Join: every row of one side with every row of the other that has its keys and satisfies the rest
 * of the condition; both sides are kept (SEMANTICS §10.5).
 *
 * Per key, one table entry with a chain of kept rows per side. A row of an outer side (and of the
 * left side of SEMI and ANTI) counts its partners: with the first the padded row is taken back,
 * with the last it returns. Inputs may be changelogs; a row that is taken away is looked for among
 * the equal ones, or by its upsert key where no −U comes.
 *
 * A NULL key has no partner: such rows are never kept.
 */
#include <stdlib.h>

#include "flow/join_pairs.h"
#include "flow/key_encoder.h"
#include "flow/operators.h"
#include "state/table.h"

/* Before a kept row's code. */
typedef struct {
    uint32_t next;     /* in its chain; 0: none */
    uint32_t partners; /* counted where the side is outer, SEMI or ANTI */
} row_link;

typedef struct {
    uint32_t first, last; /* 0: empty */
} row_chain;

/* Value of a key: the chains of left and right. */
typedef struct {
    row_chain sides[2];
} join_entry;

typedef struct {
    ps_operator op;
    const ps_join_spec *spec;
    ps_key_encoder keys[2];
    ps_kept_rows rows[2];
    ps_table *table;
    ps_join_pairs pairs;
    bool is_outer[2];
    bool is_semi; /* SEMI or ANTI */
    uint32_t left_count;
    /* partners of the row at hand */
    uint32_t *matches;
    uint32_t match_count, match_capacity;
} join;

static row_link *link_of(const join *self, uint32_t side, uint32_t ref)
{
    return ps_kept_row_header(&self->rows[side], ref);
}

/* ── output ── */

/* side: which one the row at hand is of. partner 0: padded. */
static ps_code send(join *self, uint8_t kind, uint32_t side, const ps_join_row *row,
                    uint32_t partner, ps_error *err)
{
    if (kind == PS_KIND_UPDATE_BEFORE && !self->spec->emit_update_before) {
        return PS_OK;
    }
    ps_join_row other = ps_join_kept_row(&self->rows[1 - side], partner);
    const ps_join_row *partner_row = partner != 0 ? &other : NULL;
    return ps_join_send(self->op.context.outlet, kind, self->left_count,
                        side == 0 ? row : partner_row, side == 0 ? partner_row : row, err);
}

static ps_code send_kept(join *self, uint8_t kind, uint32_t side, uint32_t ref, ps_error *err)
{
    ps_join_row row = ps_join_kept_row(&self->rows[side], ref);
    return send(self, kind, side, &row, 0, err);
}

/* ── partners ── */

static bool add_match(join *self, uint32_t ref)
{
    if (self->match_count == self->match_capacity) {
        uint32_t capacity = self->match_capacity == 0 ? 64 : self->match_capacity * 2;
        uint32_t *larger = realloc(self->matches, capacity * sizeof *larger);
        if (larger == NULL) {
            return false;
        }
        self->matches = larger;
        self->match_capacity = capacity;
    }
    self->matches[self->match_count++] = ref;
    return true;
}

/* NOT IN: a pair whose keys are equal, or unknown because one is NULL. */
static bool null_aware_equal(join *self, const ps_batch *batch, uint32_t row, uint32_t side,
                             uint32_t partner)
{
    const ps_join_on *on = &self->spec->on;
    const ps_columns *mine = side == 0 ? &on->left_keys : &on->right_keys;
    const ps_columns *theirs = side == 0 ? &on->right_keys : &on->left_keys;
    for (uint32_t i = 0; i < mine->count; i++) {
        uint32_t column = mine->columns[i];
        ps_value a =
            ps_column_value(&batch->columns[column], self->rows[side].layout.classes[column], row);
        ps_value b = ps_kept_row_get(&self->rows[1 - side], partner, theirs->columns[i]);
        if (!a.is_null && !b.is_null &&
            ps_value_compare(self->rows[side].types[column], &a, &b) != 0) {
            return false;
        }
    }
    return true;
}

static ps_code flush_pairs(join *self, ps_error *err)
{
    uint32_t count;
    ps_code code = ps_join_pairs_match(&self->pairs, &count, err);
    for (uint32_t i = 0; code == PS_OK && i < count; i++) {
        if (!add_match(self, self->pairs.refs[self->pairs.selection[i]])) {
            code = ps_error_set(err, PS_E_MEMORY, "no memory for the partners of a row");
        }
    }
    ps_join_pairs_reset(&self->pairs);
    return code;
}

/* Rows of the other side that the row joins with. */
static ps_code find_matches(join *self, const ps_batch *batch, uint32_t row, uint32_t side,
                            uint32_t first, ps_error *err)
{
    ps_join_row mine = ps_join_batch_row(batch, row);
    ps_code code = PS_OK;
    self->match_count = 0;
    for (uint32_t ref = first; code == PS_OK && ref != 0;
         ref = link_of(self, 1 - side, ref)->next) {
        if (self->spec->on.is_null_aware_anti && !null_aware_equal(self, batch, row, side, ref)) {
            continue;
        }
        ps_join_row other = ps_join_kept_row(&self->rows[1 - side], ref);
        code = ps_join_pairs_add(&self->pairs, side == 0 ? &mine : &other,
                                 side == 0 ? &other : &mine, ref, err);
        if (code == PS_OK && ps_join_pairs_is_full(&self->pairs)) {
            code = flush_pairs(self, err);
        }
    }
    return code == PS_OK ? flush_pairs(self, err) : code;
}

/* ── chains ── */

static ps_code keep(join *self, uint32_t side, join_entry *entry, const ps_batch *batch,
                    uint32_t row, uint32_t partners, ps_error *err)
{
    uint32_t ref;
    ps_code code = ps_kept_rows_add(&self->rows[side], batch, row, &ref, err);
    if (code != PS_OK) {
        return code;
    }
    link_of(self, side, ref)->partners = partners;
    row_chain *chain = &entry->sides[side];
    if (chain->last != 0) {
        ((row_link *)ps_kept_row_touch(&self->rows[side], chain->last))->next = ref;
    } else {
        chain->first = ref;
    }
    chain->last = ref;
    return PS_OK;
}

static bool has_upsert_key(const join *self, uint32_t side, const ps_batch *batch, uint32_t row,
                           uint32_t ref)
{
    const ps_columns *key =
        side == 0 ? &self->spec->left_upsert_key : &self->spec->right_upsert_key;
    for (uint32_t i = 0; i < key->count; i++) {
        uint32_t column = key->columns[i];
        ps_value a =
            ps_column_value(&batch->columns[column], self->rows[side].layout.classes[column], row);
        ps_value b = ps_kept_row_get(&self->rows[side], ref, column);
        if (ps_value_compare(self->rows[side].types[column], &a, &b) != 0) {
            return false;
        }
    }
    return key->count > 0;
}

static void unlink_row(join *self, uint32_t side, row_chain *chain, uint32_t before, uint32_t ref)
{
    uint32_t next = link_of(self, side, ref)->next;
    if (before != 0) {
        ((row_link *)ps_kept_row_touch(&self->rows[side], before))->next = next;
    } else {
        chain->first = next;
    }
    chain->last = chain->last == ref ? before : chain->last;
    ps_kept_rows_drop(&self->rows[side], ref);
}

/* Forgets the first kept row that is equal, or has the upsert key. */
static void forget(join *self, uint32_t side, join_entry *entry, const ps_batch *batch,
                   uint32_t row, bool by_key)
{
    row_chain *chain = &entry->sides[side];
    uint32_t before = 0;
    for (uint32_t ref = chain->first; ref != 0; ref = link_of(self, side, ref)->next) {
        if (by_key ? has_upsert_key(self, side, batch, row, ref)
                   : ps_kept_row_equals(&self->rows[side], ref, batch, row)) {
            unlink_row(self, side, chain, before, ref);
            return;
        }
        before = ref;
    }
}

/* ── a row ── */

/* The partners' padded rows go (their first partner has come) or return (the last has gone). */
static ps_code pad_partners(join *self, uint32_t side, bool adds, ps_error *err)
{
    uint32_t other = 1 - side;
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < self->match_count; i++) {
        row_link *partner = ps_kept_row_touch(&self->rows[other], self->matches[i]);
        uint32_t before = partner->partners;
        partner->partners = adds ? before + 1 : before - (before > 0 ? 1 : 0);
        if (adds && before == 0) {
            code = send_kept(self, PS_KIND_DELETE, other, self->matches[i], err);
        } else if (!adds && partner->partners == 0) {
            code = send_kept(self, PS_KIND_INSERT, other, self->matches[i], err);
        }
    }
    return code;
}

static ps_code send_matches(join *self, uint8_t kind, uint32_t side, const ps_join_row *row,
                            ps_error *err)
{
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < self->match_count; i++) {
        code = send(self, kind, side, row, self->matches[i], err);
    }
    return code;
}

static ps_code join_row(join *self, uint32_t side, join_entry *entry, const ps_batch *batch,
                        uint32_t row, ps_error *err)
{
    uint8_t kind = ps_batch_kind(batch, row);
    bool adds = ps_kind_adds(kind);
    ps_join_row mine = ps_join_batch_row(batch, row);
    bool any_outer = self->is_outer[0] || self->is_outer[1];
    ps_code code = PS_OK;
    if (!adds) {
        forget(self, side, entry, batch, row, false);
    }
    if (self->match_count == 0) {
        if (self->is_outer[side]) {
            code = send(self, adds ? PS_KIND_INSERT : PS_KIND_DELETE, side, &mine, 0, err);
        }
    } else if (adds) {
        code = self->is_outer[1 - side] ? pad_partners(self, side, true, err) : PS_OK;
        if (code == PS_OK) {
            code = send_matches(self, any_outer ? PS_KIND_INSERT : kind, side, &mine, err);
        }
    } else {
        code = send_matches(self, self->is_outer[side] ? PS_KIND_DELETE : kind, side, &mine, err);
        if (code == PS_OK && self->is_outer[1 - side]) {
            code = pad_partners(self, side, false, err);
        }
    }
    return code == PS_OK && adds ? keep(self, side, entry, batch, row, self->match_count, err)
                                 : code;
}

static ps_code semi_left(join *self, join_entry *entry, const ps_batch *batch, uint32_t row,
                         ps_error *err)
{
    uint8_t kind = ps_batch_kind(batch, row);
    bool is_shown = (self->match_count > 0) == (self->spec->on.kind == PS_JOIN_SEMI);
    ps_join_row mine = ps_join_batch_row(batch, row);
    ps_code code = PS_OK;
    if (is_shown) {
        code = send(self, kind, 0, &mine, 0, err);
    }
    if (!ps_kind_adds(kind)) {
        forget(self, 0, entry, batch, row, false);
        return code;
    }
    return code == PS_OK ? keep(self, 0, entry, batch, row, self->match_count, err) : code;
}

static ps_code semi_right(join *self, join_entry *entry, const ps_batch *batch, uint32_t row,
                          ps_error *err)
{
    uint8_t kind = ps_batch_kind(batch, row);
    bool adds = ps_kind_adds(kind);
    bool is_anti = self->spec->on.kind == PS_JOIN_ANTI;
    uint8_t gone = is_anti ? PS_KIND_INSERT : kind; /* the last partner has gone */
    uint8_t come = is_anti ? PS_KIND_DELETE : kind; /* the first has come */
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < self->match_count; i++) {
        row_link *left = ps_kept_row_touch(&self->rows[0], self->matches[i]);
        uint32_t before = left->partners;
        left->partners = adds ? before + 1 : before - (before > 0 ? 1 : 0);
        if (adds && before == 0) {
            code = send_kept(self, come, 0, self->matches[i], err);
        } else if (!adds && left->partners == 0) {
            code = send_kept(self, gone, 0, self->matches[i], err);
        }
    }
    if (!adds) {
        forget(self, 1, entry, batch, row, false);
        return code;
    }
    return code == PS_OK ? keep(self, 1, entry, batch, row, 0, err) : code;
}

/* No partner ever: padded where the side is outer, left alone by ANTI. */
static ps_code lonely_row(join *self, uint32_t side, const ps_batch *batch, uint32_t row,
                          ps_error *err)
{
    bool is_shown =
        self->is_semi ? side == 0 && self->spec->on.kind == PS_JOIN_ANTI : self->is_outer[side];
    ps_join_row mine = ps_join_batch_row(batch, row);
    return is_shown ? send(self, ps_batch_kind(batch, row), side, &mine, 0, err) : PS_OK;
}

static ps_code take_row(join *self, uint32_t side, const ps_batch *batch, uint32_t row,
                        ps_error *err)
{
    const ps_join_on *on = &self->spec->on;
    if (!on->is_null_aware_anti && ps_join_has_null_key(on, side, batch, row)) {
        return lonely_row(self, side, batch, row, err);
    }
    uint32_t number;
    bool is_new;
    ps_code code = ps_key_put(&self->keys[side], self->table, batch, row, &number, &is_new, err);
    if (code != PS_OK) {
        return code;
    }
    join_entry *entry = ps_table_touch(self->table, number);
    bool replaces =
        ps_kind_adds(ps_batch_kind(batch, row)) &&
        (side == 0 ? self->spec->left_upsert_key : self->spec->right_upsert_key).count > 0;
    if (replaces) {
        forget(self, side, entry, batch, row, true);
    }
    code = find_matches(self, batch, row, side, entry->sides[1 - side].first, err);
    if (code == PS_OK && self->is_semi) {
        code = side == 0 ? semi_left(self, entry, batch, row, err)
                         : semi_right(self, entry, batch, row, err);
    } else if (code == PS_OK) {
        code = join_row(self, side, entry, batch, row, err);
    }
    if (code == PS_OK && entry->sides[0].first == 0 && entry->sides[1].first == 0) {
        ps_table_remove(self->table, number);
    }
    return code;
}

static ps_code on_row(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t row,
                      ps_error *err)
{
    return take_row((join *)op, input, batch, row, err);
}

static void free_join(ps_operator *op)
{
    join *self = (join *)op;
    ps_key_encoder_release(&self->keys[0]);
    ps_key_encoder_release(&self->keys[1]);
    ps_join_pairs_release(&self->pairs);
    free(self->matches);
    free(self);
}

static const ps_operator_class join_class = {
    .name = "Join",
    .on_row = on_row,
    .free = free_join,
};

ps_code ps_op_join_new(const ps_node *node, const ps_operator_context *context, ps_operator **out,
                       ps_error *err)
{
    join *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a join");
    }
    const ps_join_on *on = &node->join->on;
    self->op.class = &join_class;
    self->op.context = *context;
    self->spec = node->join;
    self->is_semi = on->kind == PS_JOIN_SEMI || on->kind == PS_JOIN_ANTI;
    self->is_outer[0] = on->kind == PS_JOIN_LEFT || on->kind == PS_JOIN_FULL;
    self->is_outer[1] = on->kind == PS_JOIN_RIGHT || on->kind == PS_JOIN_FULL;
    self->left_count = node->inputs[0]->schema.field_count;
    ps_code code = ps_join_pairs_init(&self->pairs, node, on, context, err);
    for (uint32_t side = 0; code == PS_OK && side < 2; side++) {
        ps_columns keys = side == 0 ? on->left_keys : on->right_keys;
        const ps_schema *schema = &node->inputs[side]->schema;
        keys.count = on->is_null_aware_anti ? 0 : keys.count;
        code = ps_key_encoder_init(&self->keys[side], context->arena, keys, schema, err);
        if (code == PS_OK) {
            code = ps_kept_rows_init(&self->rows[side], context->store, context->arena,
                                     side == 0 ? "left" : "right", sizeof(row_link), schema, err);
        }
    }
    if (code == PS_OK) {
        code = ps_table_new(context->store, "keys", ps_key_encoder_size(&self->keys[0]),
                            sizeof(join_entry), &self->table, err);
    }
    if (code != PS_OK) {
        free_join(&self->op);
        return code;
    }
    *out = &self->op;
    return PS_OK;
}
