/* DISTINCT: a set of values per state in front of ordinary kernels, which see a value when it comes
 * first and, when it is taken away, goes last. Calls over one argument share the set: an element
 * has a count per call, or, where nothing is ever taken away or merged, a bit per call.
 *
 * A value that is taken away but was not there is ignored, as Flink does. */
#include "flow/agg_kernel.h"

static ps_agg_set *set_of(const ps_agg_group *group, const char *state)
{
    return (ps_agg_set *)(uintptr_t)(state + group->state_offset);
}

/* The members that take the row. */
static uint64_t mask_of(const ps_aggregator *aggregator, const ps_agg_group *group,
                        const ps_batch *batch, uint32_t row)
{
    uint64_t mask = 0;
    for (uint32_t m = 0; m < group->member_count; m++) {
        if (ps_agg_takes(&aggregator->calls[group->members[m]], batch, row)) {
            mask |= UINT64_C(1) << m;
        }
    }
    return mask;
}

static ps_code apply_members(ps_aggregator *aggregator, const ps_agg_group *group, char *state,
                             uint64_t members, const ps_agg_input *input, int sign, ps_error *err)
{
    ps_code code = PS_OK;
    for (; members != 0 && code == PS_OK; members &= members - 1) {
        const ps_agg_call *call = &aggregator->calls[group->members[__builtin_ctzll(members)]];
        code = call->kernel->apply(aggregator, call, state, input, sign, err);
    }
    return code;
}

/* Counts one occurrence for each member of the mask; returns those that had none. */
static uint64_t count_up(const ps_aggregator *aggregator, ps_agg_element *element, uint64_t mask)
{
    if (!aggregator->counts) {
        uint64_t fresh = mask & ~(uint64_t)element->counts[0];
        element->counts[0] |= (int64_t)mask;
        return fresh;
    }
    uint64_t fresh = 0;
    for (uint64_t rest = mask; rest != 0; rest &= rest - 1) {
        int m = __builtin_ctzll(rest);
        fresh |= element->counts[m]++ == 0 ? UINT64_C(1) << m : 0;
    }
    return fresh;
}

static bool is_empty(const ps_agg_group *group, const ps_agg_element *element)
{
    for (uint32_t m = 0; m < group->member_count; m++) {
        if (element->counts[m] != 0) {
            return false;
        }
    }
    return true;
}

/* ── adding: runs of rows, keys looked up together ── */

/* Keys of rows from … to−1 into the scratch; rows that no member takes have none. */
static ps_code make_keys(ps_aggregator *aggregator, const ps_agg_group *group,
                         const ps_agg_rows *rows, uint32_t from, uint32_t to, ps_error *err)
{
    ps_agg_scratch *scratch = aggregator->scratch;
    uint32_t column = aggregator->calls[group->members[0]].spec->arguments[0];
    ps_buf_clear(&scratch->key);
    for (uint32_t row = from; row < to; row++) {
        char *state = rows->states[row - rows->from];
        uint64_t mask = state != NULL ? mask_of(aggregator, group, rows->batch, row) : 0;
        scratch->masks[row - from] = mask;
        scratch->slices[row - from] = (ps_slice){NULL, scratch->key.size};
        if (mask != 0) {
            ps_agg_set *set = set_of(group, state);
            ps_agg_set_begin(aggregator, set);
            ps_value value = ps_column_value(&rows->batch->columns[column], group->phys, row);
            ps_agg_set_append_key(&scratch->key, group->phys, set->id, &value);
        }
    }
    if (scratch->key.failed) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for keys of %s",
                            ps_store_name(aggregator->store));
    }
    size_t end = scratch->key.size; /* the buffer does not move any more */
    for (uint32_t i = to - from; i > 0; i--) {
        size_t start = scratch->slices[i - 1].size;
        if (scratch->masks[i - 1] != 0) {
            scratch->slices[i - 1] = (ps_slice){scratch->key.data + start, end - start};
        }
        end = start;
    }
    return PS_OK;
}

static ps_code add_rows(ps_aggregator *aggregator, const ps_agg_group *group,
                        const ps_agg_rows *rows, uint32_t from, uint32_t to, ps_error *err)
{
    ps_agg_scratch *scratch = aggregator->scratch;
    ps_table *table = ps_agg_set_table(aggregator, group->phys);
    ps_code code = make_keys(aggregator, group, rows, from, to, err);
    if (code == PS_OK) {
        code = ps_table_put_all(table, to - from, scratch->slices, scratch->entries,
                                scratch->is_new, err);
    }
    for (uint32_t i = 0; i < to - from && code == PS_OK; i++) {
        if (scratch->masks[i] == 0) {
            continue;
        }
        char *state = rows->states[from + i - rows->from];
        if (scratch->is_new[i]) {
            ps_agg_list_link(aggregator, set_of(group, state), group->phys, scratch->entries[i]);
        }
        uint64_t fresh =
            count_up(aggregator, ps_table_touch(table, scratch->entries[i]), scratch->masks[i]);
        if (fresh != 0) {
            ps_agg_input input =
                ps_agg_input_of(&aggregator->calls[group->members[0]], rows->batch, from + i);
            code = apply_members(aggregator, group, state, fresh, &input, 1, err);
        }
    }
    return code;
}

/* ── taking away: row by row, nothing is made ── */

static ps_code retract_row(ps_aggregator *aggregator, const ps_agg_group *group,
                           const ps_agg_rows *rows, uint32_t row, ps_error *err)
{
    char *state = rows->states[row - rows->from];
    uint64_t mask = state != NULL ? mask_of(aggregator, group, rows->batch, row) : 0;
    ps_agg_set *set = state != NULL ? set_of(group, state) : NULL;
    if (mask == 0 || set->id == 0) {
        return PS_OK;
    }
    PS_ASSERT(aggregator->counts);
    ps_agg_input input = ps_agg_input_of(&aggregator->calls[group->members[0]], rows->batch, row);
    ps_slice key;
    ps_code code = ps_agg_set_key(aggregator, group->phys, set->id, &input.value, &key, err);
    if (code != PS_OK) {
        return code;
    }
    ps_table *table = ps_agg_set_table(aggregator, group->phys);
    uint32_t entry = ps_table_find(table, ps_table_hash(key.data, key.size), key);
    if (entry == PS_TABLE_NONE) {
        return PS_OK;
    }
    ps_agg_element *element = ps_table_touch(table, entry);
    uint64_t gone = 0;
    for (uint64_t rest = mask; rest != 0; rest &= rest - 1) {
        int m = __builtin_ctzll(rest);
        if (element->counts[m] > 0 && --element->counts[m] == 0) {
            gone |= UINT64_C(1) << m;
        }
    }
    code = apply_members(aggregator, group, state, gone, &input, -1, err);
    if (is_empty(group, element)) {
        ps_agg_list_remove(aggregator, set, group->phys, entry);
    }
    return code;
}

ps_code ps_agg_distinct_update(ps_aggregator *aggregator, const ps_agg_group *group,
                               const ps_agg_rows *rows, ps_error *err)
{
    ps_code code = PS_OK;
    uint32_t row = rows->from;
    while (row < rows->to && code == PS_OK) {
        if (ps_agg_sign(rows, row) < 0) {
            code = retract_row(aggregator, group, rows, row, err);
            row++;
            continue;
        }
        uint32_t end = row + 1;
        while (end < rows->to && end - row < PS_BATCH_ROWS && ps_agg_sign(rows, end) > 0) {
            end++;
        }
        code = add_rows(aggregator, group, rows, row, end, err);
        row = end;
    }
    return code;
}

/* ── merging ── */

/* Moves `element`'s counts into (out of) the state's element of the same value. */
static ps_code merge_element(ps_aggregator *aggregator, const ps_agg_group *group, char *into,
                             const ps_agg_element *element, const ps_agg_input *input, int sign,
                             ps_error *err)
{
    ps_table *table = ps_agg_set_table(aggregator, group->phys);
    ps_agg_set *set = set_of(group, into);
    ps_agg_set_begin(aggregator, set);
    ps_slice key;
    uint32_t entry = 0;
    bool is_new = false;
    ps_code code = ps_agg_set_key(aggregator, group->phys, set->id, &input->value, &key, err);
    if (code == PS_OK) {
        code = ps_table_put(table, ps_table_hash(key.data, key.size), key, &entry, &is_new, err);
    }
    if (code != PS_OK) {
        return code;
    }
    if (is_new) {
        ps_agg_list_link(aggregator, set, group->phys, entry);
    }
    ps_agg_element *to = ps_table_touch(table, entry);
    uint64_t changed = 0;
    for (uint32_t m = 0; m < group->member_count; m++) {
        int64_t before = to->counts[m];
        to->counts[m] += sign * element->counts[m];
        changed |= (before == 0) != (to->counts[m] == 0) ? UINT64_C(1) << m : 0;
    }
    code = apply_members(aggregator, group, into, changed, input, sign, err);
    if (is_empty(group, to)) {
        ps_agg_list_remove(aggregator, set, group->phys, entry);
    }
    return code;
}

/* The separator is a constant of the call: any node of the state has it. */
static ps_slice separator_of(const ps_aggregator *aggregator, const ps_agg_group *group,
                             const char *from)
{
    for (uint32_t m = 0; m < group->member_count; m++) {
        const ps_agg_call *call = &aggregator->calls[group->members[m]];
        const ps_agg_list *list = ps_agg_part(call, from);
        if (call->has_separator && list->first != 0) {
            return ps_agg_list_separator(ps_agg_list_at(aggregator, list->first));
        }
    }
    return (ps_slice){NULL, 0};
}

ps_code ps_agg_distinct_merge(ps_aggregator *aggregator, const ps_agg_group *group, char *into,
                              const char *from, int sign, ps_error *err)
{
    PS_ASSERT(aggregator->counts);
    ps_table *table = ps_agg_set_table(aggregator, group->phys);
    ps_agg_input input = {.separator = separator_of(aggregator, group, from)};
    ps_code code = PS_OK;
    for (uint32_t link = set_of(group, from)->root; link != 0 && code == PS_OK;) {
        const ps_agg_element *element = ps_table_value(table, link - 1);
        input.value = ps_agg_set_value(aggregator, group->phys, link - 1);
        link = element->right;
        code = merge_element(aggregator, group, into, element, &input, sign, err);
    }
    return code;
}

void ps_agg_distinct_clear(ps_aggregator *aggregator, const ps_agg_group *group, char *state)
{
    ps_agg_list_clear(aggregator, set_of(group, state), group->phys);
}
