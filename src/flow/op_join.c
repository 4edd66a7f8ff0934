/* Join: every row of one side with every row of the other that has its keys and satisfies the rest
 * of the condition; both sides are kept (SEMANTICS §10.5).
 *
 * Per key, one table entry with a chain of kept rows per side. A row of an outer side (and of the
 * left side of SEMI and ANTI) counts its partners: with the first the padded row is taken back,
 * with the last it returns. Inputs may be changelogs; a row that is taken away is looked for among
 * the equal ones, then by its upsert key; a +U whose −U did not come takes back the row of its
 * upsert key first.
 *
 * A NULL key has no partner: such rows are never kept. NOT IN compares three-valued: there, all
 * rows are under one key.
 *
 * Time to live: a row that was not written for that long (kept, or its partners counted) is gone; a
 * timer per entry takes it away for good.
 */
#include <stdlib.h>

#include "flow/join_chain.h"
#include "flow/join_keys.h"
#include "flow/join_output.h"
#include "flow/join_pairs.h"
#include "flow/key_encoder.h"
#include "flow/operators.h"
#include "state/table.h"
#include "state/timers.h"

enum { PREFETCH_ROWS = 12, SCRATCH_SIZE_MAX = 1 << 30 };

/* Before a kept row's code. */
typedef struct {
    ps_join_link link;  /* count: partners, where the side is outer, SEMI or ANTI */
    int64_t written_ms; /* with a time to live only */
} kept_header;

/* Value of a key. */
typedef struct {
    ps_join_chain sides[2];
    uint32_t has_timer; /* with a time to live only */
    uint32_t unused;
} join_entry;
enum { ENTRY_SIZE_WITHOUT_TTL = 2 * sizeof(ps_join_chain) };

typedef struct {
    ps_operator op;
    const ps_join_spec *spec;
    ps_key_encoder keys[2];
    ps_kept_rows rows[2];
    ps_table *table;
    ps_timers *timers; /* by processing time → entry; NULL without a time to live */
    ps_join_pairs pairs;
    ps_join_output output;
    bool is_outer[2];
    bool is_semi;  /* SEMI or ANTI */
    bool is_inner; /* what goes out does not depend on who has matched */
    /* partners of the row at hand */
    uint32_t *matches;
    uint32_t match_count, match_capacity;
    ps_buf scratch;    /* the code of the row at hand */
    uint32_t *entries; /* of the run's rows */
    uint32_t *emptied; /* entries whose chains may be empty behind the run */
    uint32_t emptied_count;
} join;

/* ── output ── */

/* side: which one the row is of. partner 0: padded. Who takes no −U gets −D: a row may go without
 * another one in its place. */
static ps_code send(join *self, uint8_t kind, uint32_t side, const ps_join_row *row,
                    uint32_t partner, ps_error *err)
{
    bool is_update = kind == PS_KIND_UPDATE_BEFORE && !self->spec->emit_update_before;
    kind = is_update ? (uint8_t)PS_KIND_DELETE : kind;
    ps_join_row other = ps_join_kept_row(&self->rows[1 - side], partner);
    const ps_join_row *partner_row = partner != 0 ? &other : NULL;
    return ps_join_output_add(&self->output, kind, side == 0 ? row : partner_row,
                              side == 0 ? partner_row : row, err);
}

static ps_code send_kept(join *self, uint8_t kind, uint32_t side, uint32_t ref, ps_error *err)
{
    ps_join_row row = ps_join_kept_row(&self->rows[side], ref);
    return send(self, kind, side, &row, 0, err);
}

/* ── partners ── */

static ps_code add_match(join *self, uint32_t ref, ps_error *err)
{
    if (self->match_count == self->match_capacity) {
        uint32_t capacity = self->match_capacity == 0 ? 64 : self->match_capacity * 2;
        uint32_t *larger = realloc(self->matches, capacity * sizeof *larger);
        if (larger == NULL) {
            return ps_error_set(err, PS_E_MEMORY, "no memory for the partners of a row");
        }
        self->matches = larger;
        self->match_capacity = capacity;
    }
    self->matches[self->match_count++] = ref;
    return PS_OK;
}

static ps_value value_of(const join *self, uint32_t side, const ps_join_row *row, uint32_t column)
{
    return row->batch != NULL ? ps_column_value(&row->batch->columns[column],
                                                self->rows[side].layout.classes[column], row->row)
                              : ps_kept_row_get(row->rows, row->ref, column);
}

/* NOT IN: a pair whose keys are equal, or unknown because one is NULL. */
static bool may_be_equal(const join *self, uint32_t side, const ps_join_row *mine, uint32_t partner)
{
    ps_columns keys = ps_join_keys(&self->spec->on, side);
    ps_columns other_keys = ps_join_keys(&self->spec->on, 1 - side);
    for (uint32_t i = 0; i < keys.count; i++) {
        ps_value a = value_of(self, side, mine, keys.columns[i]);
        ps_value b = ps_kept_row_get(&self->rows[1 - side], partner, other_keys.columns[i]);
        const ps_type *type = self->rows[side].types[keys.columns[i]];
        if (!a.is_null && !b.is_null && ps_value_compare(type, &a, &b) != 0) {
            return false;
        }
    }
    return true;
}

static ps_code match_pairs(join *self, ps_error *err)
{
    uint32_t count;
    ps_code code = ps_join_pairs_match(&self->pairs, &count, err);
    for (uint32_t i = 0; code == PS_OK && i < count; i++) {
        code = add_match(self, self->pairs.refs[self->pairs.selection[i]], err);
    }
    ps_join_pairs_reset(&self->pairs);
    return code;
}

/* Rows of the other side that the row joins with. */
static ps_code find_matches(join *self, uint32_t side, const ps_join_row *mine, uint32_t first,
                            ps_error *err)
{
    const ps_kept_rows *others = &self->rows[1 - side];
    ps_code code = PS_OK;
    self->match_count = 0;
    for (uint32_t ref = first; code == PS_OK && ref != 0;
         ref = ps_join_link_of(others, ref)->next) {
        if (self->spec->on.is_null_aware_anti && !may_be_equal(self, side, mine, ref)) {
            continue;
        }
        if (self->pairs.condition == NULL) {
            code = add_match(self, ref, err);
            continue;
        }
        ps_join_row other = ps_join_kept_row(others, ref);
        ps_join_pairs_add(&self->pairs, side == 0 ? mine : &other, side == 0 ? &other : mine, ref);
        if (ps_join_pairs_is_full(&self->pairs)) {
            code = match_pairs(self, err);
        }
    }
    return code == PS_OK ? match_pairs(self, err) : code;
}

/* ── kept rows ── */

static void mark_written(join *self, uint32_t side, uint32_t ref)
{
    if (self->timers != NULL) {
        ((kept_header *)ps_kept_row_touch(&self->rows[side], ref))->written_ms =
            self->op.context.clock->now_ms;
    }
}

static ps_code keep(join *self, uint32_t side, uint32_t number, const ps_join_row *mine,
                    ps_error *err)
{
    uint32_t ref;
    join_entry *entry = ps_table_touch(self->table, number);
    ps_code code = ps_join_chain_add(&entry->sides[side], &self->rows[side], mine->batch, mine->row,
                                     &ref, err);
    if (code != PS_OK) {
        return code;
    }
    ps_join_link_of(&self->rows[side], ref)->count = self->match_count;
    mark_written(self, side, ref);
    if (self->timers != NULL && entry->has_timer == 0) {
        entry->has_timer = 1;
        int64_t at = self->op.context.clock->now_ms + self->op.context.ttl_ms;
        code = ps_timers_add(self->timers, at, number, err);
    }
    return code;
}

/* A kept row that was found, and the one in front of it in its chain. */
typedef struct {
    uint32_t before, ref; /* 0: none */
    bool is_equal;        /* in all columns to the row at hand */
} found_row;

static ps_code find_equal(join *self, uint32_t side, uint32_t first, const ps_join_row *mine,
                          found_row *out, ps_error *err)
{
    ps_kept_rows *rows = &self->rows[side];
    for (uint32_t i = 0; i < rows->column_count; i++) {
        rows->pointers[i] = &mine->batch->columns[i];
    }
    size_t size = ps_row_size(&rows->layout, rows->pointers, mine->row);
    ps_buf_clear(&self->scratch);
    char *wanted = ps_buf_extend(&self->scratch, size);
    if (wanted == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a row of %zu bytes", size);
    }
    ps_row_encode(&rows->layout, rows->pointers, mine->row, wanted);
    *out = (found_row){.is_equal = true};
    for (uint32_t ref = first; ref != 0; ref = ps_join_link_of(rows, ref)->next) {
        if (ps_kept_row_size(rows, ref) == size &&
            memcmp(ps_kept_row_code(rows, ref), wanted, size) == 0) {
            out->ref = ref;
            return PS_OK;
        }
        out->before = ref;
    }
    return PS_OK;
}

static found_row find_by_key(const join *self, uint32_t side, uint32_t first,
                             const ps_join_row *mine)
{
    const ps_columns *key =
        side == 0 ? &self->spec->left_upsert_key : &self->spec->right_upsert_key;
    found_row found = {0};
    for (uint32_t ref = key->count > 0 ? first : 0; ref != 0;
         ref = ps_join_link_of(&self->rows[side], ref)->next) {
        bool is_it = true;
        for (uint32_t i = 0; is_it && i < key->count; i++) {
            ps_value a = value_of(self, side, mine, key->columns[i]);
            ps_value b = ps_kept_row_get(&self->rows[side], ref, key->columns[i]);
            is_it = ps_value_compare(self->rows[side].types[key->columns[i]], &a, &b) == 0;
        }
        if (is_it) {
            found.ref = ref;
            return found;
        }
        found.before = ref;
    }
    return found;
}

/* ── inner ── */

/* Candidates; the output judges them. */
static ps_code send_candidates(join *self, uint8_t kind, uint32_t side, const ps_join_row *mine,
                               uint32_t first, ps_error *err)
{
    ps_code code = PS_OK;
    for (uint32_t ref = first; code == PS_OK && ref != 0;
         ref = ps_join_link_of(&self->rows[1 - side], ref)->next) {
        code = send(self, kind, side, mine, ref, err);
    }
    return code;
}

/* ── outer ── */

static ps_code send_matches(join *self, uint8_t kind, uint32_t side, const ps_join_row *row,
                            ps_error *err)
{
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < self->match_count; i++) {
        code = send(self, kind, side, row, self->matches[i], err);
    }
    return code;
}

/* The matches have a partner more or less: `first_kind` tells of each that got its first one,
 * `last_kind` of each that lost its last. */
static ps_code count_partner(join *self, uint32_t other, bool adds, uint8_t kind, ps_error *err)
{
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < self->match_count; i++) {
        uint32_t ref = self->matches[i];
        ps_join_link *link = ps_join_link_touch(&self->rows[other], ref);
        uint32_t before = link->count;
        link->count = adds ? before + 1 : before - (before > 0 ? 1 : 0);
        mark_written(self, other, ref);
        if (before == (adds ? 0 : 1)) {
            code = send_kept(self, kind, other, ref, err);
        }
    }
    return code;
}

static ps_code tell_outer(join *self, uint8_t kind, uint32_t side, const ps_join_row *mine,
                          ps_error *err)
{
    bool adds = ps_kind_adds(kind);
    ps_code code = PS_OK;
    if (self->match_count == 0) {
        uint8_t padded = adds ? PS_KIND_INSERT : PS_KIND_DELETE;
        return self->is_outer[side] ? send(self, padded, side, mine, 0, err) : PS_OK;
    }
    if (adds) {
        if (self->is_outer[1 - side]) {
            code = count_partner(self, 1 - side, true, PS_KIND_DELETE, err);
        }
        return code == PS_OK ? send_matches(self, PS_KIND_INSERT, side, mine, err) : code;
    }
    code =
        send_matches(self, self->is_outer[side] ? (uint8_t)PS_KIND_DELETE : kind, side, mine, err);
    if (code == PS_OK && self->is_outer[1 - side]) {
        code = count_partner(self, 1 - side, false, PS_KIND_INSERT, err);
    }
    return code;
}

/* ── SEMI, ANTI ── */

static ps_code tell_semi(join *self, uint8_t kind, uint32_t side, const ps_join_row *mine,
                         ps_error *err)
{
    bool is_anti = self->spec->on.kind == PS_JOIN_ANTI;
    if (side == 0) {
        return (self->match_count == 0) == is_anti ? send(self, kind, 0, mine, 0, err) : PS_OK;
    }
    bool adds = ps_kind_adds(kind);
    if (is_anti) {
        kind = adds ? PS_KIND_DELETE : PS_KIND_INSERT;
    }
    return count_partner(self, 0, adds, kind, err);
}

/* ── a row ── */

/* What the row, which comes or goes by its kind, does to the output and to its partners. */
static ps_code tell(join *self, uint8_t kind, uint32_t side, const ps_join_row *mine,
                    const join_entry *entry, ps_error *err)
{
    uint32_t first = entry->sides[1 - side].first;
    if (self->is_inner) {
        return send_candidates(self, kind, side, mine, first, err);
    }
    ps_code code = find_matches(self, side, mine, first, err);
    if (code != PS_OK) {
        return code;
    }
    return self->is_semi ? tell_semi(self, kind, side, mine, err)
                         : tell_outer(self, kind, side, mine, err);
}

/* Takes back the kept row that was found; what goes out is as it was kept. */
static ps_code take_back(join *self, uint8_t kind, uint32_t side, uint32_t number, found_row found,
                         ps_error *err)
{
    join_entry *entry = ps_table_touch(self->table, number);
    ps_join_row kept = ps_join_kept_row(&self->rows[side], found.ref);
    ps_join_chain_take(&entry->sides[side], &self->rows[side], found.before, found.ref);
    ps_code code = tell(self, kind, side, &kept, entry, err);
    return code == PS_OK ? ps_join_output_drop(&self->output, &self->rows[side], found.ref, err)
                         : code;
}

static ps_code take_row(join *self, uint32_t side, uint32_t number, const ps_join_row *mine,
                        ps_error *err)
{
    uint8_t kind = ps_batch_kind(mine->batch, mine->row);
    const join_entry *entry = ps_table_value(self->table, number);
    uint32_t first = entry->sides[side].first;
    ps_code code = PS_OK;
    if (!ps_kind_adds(kind)) {
        found_row found;
        self->emptied[self->emptied_count++] = number;
        code = find_equal(self, side, first, mine, &found, err);
        if (code != PS_OK) {
            return code;
        }
        found = found.ref != 0 ? found : find_by_key(self, side, first, mine);
        return found.ref != 0 ? take_back(self, kind, side, number, found, err)
                              : tell(self, kind, side, mine, entry, err);
    }
    if (kind == PS_KIND_UPDATE_AFTER) {
        found_row old = find_by_key(self, side, first, mine);
        if (old.ref != 0) {
            code = take_back(self, PS_KIND_UPDATE_BEFORE, side, number, old, err);
        }
    }
    if (code == PS_OK) {
        code = tell(self, kind, side, mine, entry, err);
    }
    return code == PS_OK ? keep(self, side, number, mine, err) : code;
}

/* No partner ever: padded where the side is outer, left alone by ANTI. */
static ps_code lonely_row(join *self, uint32_t side, const ps_join_row *mine, ps_error *err)
{
    uint8_t kind = ps_batch_kind(mine->batch, mine->row);
    if (self->is_semi) {
        bool is_shown = side == 0 && self->spec->on.kind == PS_JOIN_ANTI;
        return is_shown ? send(self, kind, 0, mine, 0, err) : PS_OK;
    }
    kind = ps_kind_adds(kind) ? PS_KIND_INSERT : PS_KIND_DELETE;
    return self->is_outer[side] ? send(self, kind, side, mine, 0, err) : PS_OK;
}

/* ── time to live ── */

/* Drops the rows that have expired; *out_earliest: when the next one does. */
static ps_code expire_side(join *self, uint32_t side, join_entry *entry, int64_t *out_earliest,
                           ps_error *err)
{
    ps_kept_rows *rows = &self->rows[side];
    ps_join_chain *chain = &entry->sides[side];
    uint32_t before = 0;
    ps_code code = PS_OK;
    for (uint32_t ref = chain->first, next; code == PS_OK && ref != 0; ref = next) {
        const kept_header *header = ps_kept_row_header(rows, ref);
        int64_t at = header->written_ms + self->op.context.ttl_ms;
        next = header->link.next;
        if (at > self->op.context.clock->now_ms) {
            *out_earliest = at < *out_earliest ? at : *out_earliest;
            before = ref;
            continue;
        }
        ps_join_chain_take(chain, rows, before, ref);
        code = ps_join_output_drop(&self->output, rows, ref, err);
    }
    return code;
}

static ps_code expire(join *self, uint32_t number, int64_t *out_earliest, ps_error *err)
{
    join_entry *entry = ps_table_touch(self->table, number);
    *out_earliest = INT64_MAX;
    ps_code code = expire_side(self, 0, entry, out_earliest, err);
    return code == PS_OK ? expire_side(self, 1, entry, out_earliest, err) : code;
}

static ps_code fire_timers(join *self, ps_error *err)
{
    int64_t time;
    uint64_t number;
    ps_code code = PS_OK;
    while (code == PS_OK &&
           ps_timers_take(self->timers, self->op.context.clock->now_ms, &time, &number)) {
        int64_t earliest;
        code = expire(self, (uint32_t)number, &earliest, err);
        if (code == PS_OK && earliest < INT64_MAX) {
            code = ps_timers_add(self->timers, earliest, number, err);
        } else if (code == PS_OK) {
            ps_table_remove(self->table, (uint32_t)number);
        }
    }
    return code;
}

/* ── a run ── */

/* The entries of the run's rows; PS_TABLE_NONE where a key is NULL. */
static ps_code find_entries(join *self, uint32_t side, const ps_batch *batch, uint32_t from,
                            uint32_t to, ps_error *err)
{
    ps_slice *keys;
    ps_code code = ps_key_encode_run(&self->keys[side], batch, from, to, &keys, err);
    if (code != PS_OK) {
        return code;
    }
    for (uint32_t row = from; row < to && !self->spec->on.is_null_aware_anti; row++) {
        if (ps_join_has_null_key(&self->spec->on, side, batch, row)) {
            keys[row - from].data = NULL;
        }
    }
    return ps_table_put_all(self->table, to - from, keys, self->entries, NULL, err);
}

static void prefetch(const join *self, uint32_t side, uint32_t number)
{
    if (number == PS_TABLE_NONE) {
        return;
    }
    const join_entry *entry = ps_table_value(self->table, number);
    const char *partner = ps_heap_at(&self->rows[1 - side].heap, entry->sides[1 - side].first);
    __builtin_prefetch(partner);
    __builtin_prefetch(partner + 64);
    __builtin_prefetch(ps_heap_at(&self->rows[side].heap, entry->sides[side].last), 1);
}

/* Entries without rows leave. Until the end of the run its rows need the numbers. */
static void remove_emptied(join *self)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < self->emptied_count; i++) {
        join_entry *entry = ps_table_touch(self->table, self->emptied[i]);
        bool is_empty = entry->sides[0].first == 0 && entry->sides[1].first == 0;
        bool is_listed = is_empty && entry->sides[0].last != 0; /* marked here, just before */
        bool has_timer = self->timers != NULL && entry->has_timer != 0; /* sees to it */
        if (is_empty && !is_listed && !has_timer) {
            entry->sides[0].last = UINT32_MAX;
            self->emptied[count++] = self->emptied[i];
        }
    }
    ps_table_remove_all(self->table, count, self->emptied);
    self->emptied_count = 0;
}

static ps_code join_run(join *self, uint32_t side, const ps_batch *batch, uint32_t from,
                        uint32_t to, ps_error *err)
{
    ps_code code = find_entries(self, side, batch, from, to, err);
    for (uint32_t row = from; code == PS_OK && row < to; row++) {
        uint32_t number = self->entries[row - from];
        if (to - row > PREFETCH_ROWS) {
            prefetch(self, side, self->entries[row - from + PREFETCH_ROWS]);
        }
        ps_join_row mine = ps_join_batch_row(batch, row);
        ps_outlet_stamp_row(self->op.context.outlet, batch, row);
        if (number == PS_TABLE_NONE) {
            code = lonely_row(self, side, &mine, err);
            continue;
        }
        if (self->timers != NULL) {
            int64_t earliest;
            code = expire(self, number, &earliest, err);
        }
        code = code == PS_OK ? take_row(self, side, number, &mine, err) : code;
    }
    return code;
}

static ps_code on_rows(ps_operator *op, uint32_t input, const ps_batch *batch, uint32_t from,
                       uint32_t to, uint32_t *out_done, ps_error *err)
{
    join *self = (join *)op;
    ps_code code = self->timers != NULL ? fire_timers(self, err) : PS_OK;
    if (code == PS_OK) {
        code = join_run(self, input, batch, from, to, err);
    }
    if (code == PS_OK) {
        code = ps_join_output_flush(&self->output, err);
    }
    remove_emptied(self);
    *out_done = to - from;
    return code;
}

static void free_join(ps_operator *op)
{
    join *self = (join *)op;
    ps_key_encoder_release(&self->keys[0]);
    ps_key_encoder_release(&self->keys[1]);
    ps_join_pairs_release(&self->pairs);
    ps_join_output_release(&self->output);
    ps_buf_release(&self->scratch);
    free(self->matches);
    free(self);
}

static const ps_operator_class join_class = {
    .name = "Join",
    .on_rows = on_rows,
    .free = free_join,
};

static ps_code open_side(join *self, uint32_t side, const ps_schema *schema, ps_error *err)
{
    const ps_operator_context *context = &self->op.context;
    uint32_t header_size = context->ttl_ms != 0 ? sizeof(kept_header) : sizeof(ps_join_link);
    ps_columns keys = ps_join_keys(&self->spec->on, side);
    keys.count = self->spec->on.is_null_aware_anti ? 0 : keys.count;
    ps_code code = ps_key_encoder_init(&self->keys[side], context->arena, keys, schema, err);
    return code == PS_OK ? ps_kept_rows_init(&self->rows[side], context->store, context->arena,
                                             side == 0 ? "left" : "right", header_size, schema, err)
                         : code;
}

static ps_code open(join *self, const ps_node *node, ps_error *err)
{
    const ps_operator_context *context = &self->op.context;
    const ps_join_on *on = &self->spec->on;
    ps_code code = PS_OK;
    for (uint32_t side = 0; code == PS_OK && side < 2; side++) {
        code = open_side(self, side, &node->inputs[side]->schema, err);
    }
    if (code == PS_OK) {
        uint32_t size = context->ttl_ms != 0 ? sizeof(join_entry) : ENTRY_SIZE_WITHOUT_TTL;
        code = ps_table_new(context->store, "keys", ps_key_encoder_size(&self->keys[0]), size,
                            &self->table, err);
    }
    if (code == PS_OK && context->ttl_ms != 0) {
        code = ps_timers_new(context->store, "timers", &self->timers, err);
    }
    if (code == PS_OK) {
        code = ps_join_output_init(&self->output, node, on, self->is_inner ? on->condition : NULL,
                                   context, err);
    }
    if (code == PS_OK && !self->is_inner) {
        code = ps_join_pairs_init(&self->pairs, node, on, context, err);
    }
    self->entries = ps_arena_take(context->arena, PS_BATCH_ROWS * sizeof *self->entries);
    self->emptied = ps_arena_take(context->arena, PS_BATCH_ROWS * sizeof *self->emptied);
    if (code == PS_OK && (self->entries == NULL || self->emptied == NULL)) {
        code = ps_error_set(err, PS_E_MEMORY, "no memory for a join");
    }
    return code;
}

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
    self->is_inner = on->kind == PS_JOIN_INNER;
    self->is_semi = on->kind == PS_JOIN_SEMI || on->kind == PS_JOIN_ANTI;
    self->is_outer[0] = ps_join_is_outer(on, 0);
    self->is_outer[1] = ps_join_is_outer(on, 1);
    ps_buf_init(&self->scratch, SCRATCH_SIZE_MAX);
    ps_code code = open(self, node, err);
    if (code != PS_OK) {
        free_join(&self->op);
        return code;
    }
    *out = &self->op;
    return PS_OK;
}
