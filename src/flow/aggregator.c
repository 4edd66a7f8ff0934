/* Aggregators: calls compiled to kernels over one state layout (agg_kernel.h). */
#include <stdlib.h>

#include "flow/agg_kernel.h"
#include "flow/aggregate_class.h"

enum { GROUP_MEMBERS_MAX = 64 };
static const size_t scratch_size_max = (size_t)1 << 31;

/* ── kernels ── */

static const ps_agg_kernel *kernel_of(const ps_aggregate_call *call, bool counts, bool retracts)
{
    switch (call->class->function) {
    case PS_AGG_COUNT:
        return ps_agg_count_kernel();
    case PS_AGG_SUM:
        return ps_agg_sum_kernel(call, counts, false);
    case PS_AGG_SUM0:
        return ps_agg_sum_kernel(call, counts, true);
    case PS_AGG_AVG:
        return ps_agg_average_kernel(call);
    case PS_AGG_MIN:
        return ps_agg_extreme_kernel(call, retracts, false);
    case PS_AGG_MAX:
        return ps_agg_extreme_kernel(call, retracts, true);
    case PS_AGG_FIRST_VALUE:
        return ps_agg_edge_kernel(retracts, false);
    case PS_AGG_LAST_VALUE:
        return ps_agg_edge_kernel(retracts, true);
    case PS_AGG_LISTAGG:
        return ps_agg_list_kernel(true, counts);
    case PS_AGG_ARRAY_AGG:
        return ps_agg_list_kernel(false, counts);
    case PS_AGG_STDDEV_POP:
        return ps_agg_variance_kernel(call, false, true);
    case PS_AGG_STDDEV_SAMP:
        return ps_agg_variance_kernel(call, true, true);
    case PS_AGG_VAR_POP:
        return ps_agg_variance_kernel(call, false, false);
    case PS_AGG_VAR_SAMP:
        return ps_agg_variance_kernel(call, true, false);
    case PS_AGG_USER:
        return ps_agg_user_kernel(call);
    case PS_AGG_ROW_NUMBER:
    case PS_AGG_RANK:
    case PS_AGG_DENSE_RANK:
    case PS_AGG_LAG:
    case PS_AGG_LEAD:
    case PS_AGG_PERCENT_RANK:
    case PS_AGG_CUME_DIST:
    case PS_AGG_NTILE:
    case PS_AGG_COLLECT:
    case PS_AGG_JSON_ARRAYAGG:
    case PS_AGG_JSON_OBJECTAGG:
        break;
    }
    PS_ASSERT(false); /* the planner gives these to nobody, or to OVER */
}

/* DISTINCT changes nothing for the others. */
static bool heeds_distinct(const ps_aggregate_call *call)
{
    ps_agg_function function = call->class->function;
    return call->is_distinct && function != PS_AGG_MIN && function != PS_AGG_MAX &&
           function != PS_AGG_FIRST_VALUE && function != PS_AGG_LAST_VALUE;
}

/* ── construction ── */

static ps_code no_memory(ps_error *err)
{
    return ps_error_set(err, PS_E_MEMORY, "no memory for aggregates");
}

static ps_agg_group *group_for(ps_aggregator *made, ps_agg_call *call)
{
    for (uint32_t g = 0; g < made->group_count; g++) {
        ps_agg_group *group = &made->groups[g];
        const ps_aggregate_call *first = made->calls[group->members[0]].spec;
        if (first->arguments[0] == call->spec->arguments[0] &&
            group->takes_nulls == call->kernel->takes_nulls && !call->has_separator &&
            !made->calls[group->members[0]].has_separator &&
            group->member_count < GROUP_MEMBERS_MAX) {
            return group;
        }
    }
    return NULL;
}

static ps_code join_group(ps_aggregator *made, ps_arena *arena, uint32_t number, ps_error *err)
{
    ps_agg_call *call = &made->calls[number];
    ps_agg_group *group = group_for(made, call);
    if (group == NULL) {
        group = &made->groups[made->group_count++];
        group->phys = call->phys;
        group->takes_nulls = call->kernel->takes_nulls;
        group->members = ps_arena_take(arena, GROUP_MEMBERS_MAX * sizeof(uint32_t));
        if (group->members == NULL) {
            return no_memory(err);
        }
    }
    call->distinct_group = (uint32_t)(group - made->groups);
    group->members[group->member_count++] = number;
    return PS_OK;
}

static ps_code bind_calls(ps_aggregator *made, ps_arena *arena,
                          const ps_aggregator_options *options, ps_error *err)
{
    bool retracts = (options->needs & PS_AGGREGATOR_RETRACT) != 0;
    made->can_subtract = true;
    for (uint32_t i = 0; i < options->call_count; i++) {
        const ps_aggregate_call *spec = &options->calls[i];
        ps_agg_call *call = &made->calls[i];
        ps_code checked = spec->class->function == PS_AGG_USER
                              ? ps_agg_user_check(spec, options->needs, err)
                              : PS_OK;
        if (checked != PS_OK) {
            return checked;
        }
        call->spec = spec;
        call->kernel = kernel_of(spec, made->counts, retracts);
        call->distinct_group = PS_AGG_NO_GROUP;
        call->has_separator = spec->class->function == PS_AGG_LISTAGG;
        if (spec->argument_count > 0) {
            call->phys = ps_type_phys(spec->argument_types[0]);
            call->kind = spec->argument_types[0]->kind;
        }
        bool may_be_null = call->kind == PS_TYPE_DECIMAL && options->overflow_is_null;
        made->can_subtract = made->can_subtract && call->kernel->subtract != NULL && !may_be_null;
        if (heeds_distinct(spec) && spec->argument_count > 0) {
            ps_code code = join_group(made, arena, i, err);
            if (code != PS_OK) {
                return code;
            }
        }
    }
    return PS_OK;
}

static void lay_out(ps_aggregator *made)
{
    uint32_t flags = 0;
    for (uint32_t i = 0; i < made->call_count; i++) {
        if (made->calls[i].kernel->has_flag) {
            made->calls[i].flag_offset = flags++;
        }
    }
    uint32_t at = (flags + 7) / 8 * 8;
    for (uint32_t i = 0; i < made->call_count; i++) {
        made->calls[i].state_offset = at;
        at += made->calls[i].kernel->size;
    }
    for (uint32_t g = 0; g < made->group_count; g++) {
        made->groups[g].state_offset = at;
        at += (uint32_t)sizeof(ps_agg_set);
    }
    made->state_size = at;
}

static bool is_small(ps_phys phys)
{
    return phys == PS_PHYS_I64 || phys == PS_PHYS_F64;
}

static ps_code open_collections(ps_aggregator *made, ps_error *err)
{
    bool wants_heap = false;
    bool wants_small = false;
    bool wants_large = false;
    uint32_t members = 1;
    for (uint32_t i = 0; i < made->call_count; i++) {
        const ps_agg_call *call = &made->calls[i];
        bool has_set = call->kernel->needs_set || call->distinct_group != PS_AGG_NO_GROUP;
        wants_heap = wants_heap || call->kernel->needs_heap;
        wants_small = wants_small || (has_set && is_small(call->phys));
        wants_large = wants_large || (has_set && !is_small(call->phys));
    }
    for (uint32_t g = 0; g < made->group_count && made->counts; g++) {
        uint32_t count = made->groups[g].member_count;
        members = count > members ? count : members;
    }
    ps_code code = PS_OK;
    if (wants_heap) {
        code = ps_heap_init(&made->heap, made->store, "values", err);
    }
    if (code == PS_OK && (wants_small || wants_large)) {
        code = ps_agg_sets_open(made, members * (uint32_t)sizeof(int64_t), wants_small, wants_large,
                                err);
    }
    return code;
}

static void release_scratch(void *thing)
{
    ps_agg_scratch *scratch = thing;
    ps_buf_release(&scratch->key);
    ps_arena_release(&scratch->results);
    free(scratch);
}

static ps_code open_scratch(ps_aggregator *made, ps_error *err)
{
    made->scratch = calloc(1, sizeof *made->scratch);
    if (made->scratch == NULL) {
        return no_memory(err);
    }
    ps_buf_init(&made->scratch->key, scratch_size_max);
    ps_arena_init(&made->scratch->results, scratch_size_max);
    return ps_store_attach(made->store, made->scratch, release_scratch, err);
}

ps_code ps_aggregator_new(ps_store *store, ps_arena *arena, const ps_aggregator_options *options,
                          ps_aggregator **out, ps_error *err)
{
    ps_aggregator *made = ps_arena_take(arena, sizeof *made);
    if (made == NULL) {
        return no_memory(err);
    }
    made->store = store;
    made->call_count = options->call_count;
    made->counts = options->needs != 0;
    made->overflow_is_null = options->overflow_is_null;
    made->calls = ps_arena_take(arena, options->call_count * sizeof *made->calls);
    made->groups = ps_arena_take(arena, options->call_count * sizeof *made->groups);
    if (made->calls == NULL || made->groups == NULL) {
        return no_memory(err);
    }
    ps_code code = bind_calls(made, arena, options, err);
    if (code == PS_OK) {
        lay_out(made);
        code = open_scratch(made, err);
    }
    if (code == PS_OK) {
        code = open_collections(made, err);
    }
    if (code == PS_OK) {
        *out = made;
    }
    return code;
}

uint32_t ps_aggregator_size(const ps_aggregator *aggregator)
{
    return aggregator->state_size;
}

/* ── rows ── */

ps_agg_input ps_agg_input_of(const ps_agg_call *call, const ps_batch *batch, uint32_t row)
{
    const ps_aggregate_call *spec = call->spec;
    ps_agg_input input = {.order = (int64_t)batch->sequences[row], .batch = batch, .row = row};
    if (spec->argument_count > 0) {
        input.value = ps_column_value(&batch->columns[spec->arguments[0]], call->phys, row);
    }
    if (spec->time_column != PS_NO_COLUMN) {
        const ps_column *time = &batch->columns[spec->time_column];
        input.order = ps_column_is_null(time, row) ? INT64_MIN : time->i64[row];
    }
    if (call->has_separator) {
        input.separator = PS_SLICE(",");
        if (spec->argument_count > 1) {
            input.separator = batch->columns[spec->arguments[1]].text[row];
        }
    }
    return input;
}

static ps_code each_row(ps_aggregator *aggregator, const ps_agg_call *call, const ps_agg_rows *rows,
                        ps_error *err)
{
    for (uint32_t row = rows->from; row < rows->to; row++) {
        char *state = rows->states[row - rows->from];
        if (state == NULL || !ps_agg_takes(call, rows->batch, row)) {
            continue;
        }
        ps_agg_input input = ps_agg_input_of(call, rows->batch, row);
        ps_code code =
            call->kernel->apply(aggregator, call, state, &input, ps_agg_sign(rows, row), err);
        if (code != PS_OK) {
            return code;
        }
    }
    return PS_OK;
}

static ps_code update(ps_aggregator *aggregator, const ps_agg_rows *rows, ps_error *err)
{
    ps_code code = PS_OK;
    for (uint32_t i = 0; i < aggregator->call_count && code == PS_OK; i++) {
        const ps_agg_call *call = &aggregator->calls[i];
        if (call->distinct_group != PS_AGG_NO_GROUP) {
            continue;
        }
        code = call->kernel->update != NULL ? call->kernel->update(aggregator, call, rows, err)
                                            : each_row(aggregator, call, rows, err);
    }
    for (uint32_t g = 0; g < aggregator->group_count && code == PS_OK; g++) {
        code = ps_agg_distinct_update(aggregator, &aggregator->groups[g], rows, err);
    }
    return code;
}

ps_code ps_aggregator_update(ps_aggregator *aggregator, const ps_batch *batch, uint32_t from,
                             uint32_t to, char *const *states, ps_error *err)
{
    /* With the kinds known to be all inserts the kernels' loops do not look at them. */
    int sign = batch->kinds == NULL ? 1 : 0;
    ps_agg_rows rows = {.batch = batch, .from = from, .to = to, .states = states, .sign = sign};
    return update(aggregator, &rows, err);
}

static ps_code one_row(ps_aggregator *aggregator, const ps_batch *batch, uint32_t row, char *state,
                       int sign, ps_error *err)
{
    ps_agg_rows rows = {.batch = batch, .from = row, .to = row + 1, .states = &state, .sign = sign};
    return update(aggregator, &rows, err);
}

ps_code ps_aggregator_add(ps_aggregator *aggregator, const ps_batch *batch, uint32_t row,
                          char *state, ps_error *err)
{
    return one_row(aggregator, batch, row, state, 1, err);
}

ps_code ps_aggregator_retract(ps_aggregator *aggregator, const ps_batch *batch, uint32_t row,
                              char *state, ps_error *err)
{
    return one_row(aggregator, batch, row, state, -1, err);
}

/* ── whole states ── */

ps_code ps_aggregator_merge(ps_aggregator *aggregator, char *into, const char *from, ps_error *err)
{
    ps_code code = PS_OK;
    /* groups first: they read the separators of `from`'s lists, and write `into`'s parts */
    for (uint32_t g = 0; g < aggregator->group_count && code == PS_OK; g++) {
        code = ps_agg_distinct_merge(aggregator, &aggregator->groups[g], into, from, 1, err);
    }
    for (uint32_t i = 0; i < aggregator->call_count && code == PS_OK; i++) {
        const ps_agg_call *call = &aggregator->calls[i];
        if (call->distinct_group == PS_AGG_NO_GROUP) {
            PS_ASSERT(call->kernel->merge != NULL);
            code = call->kernel->merge(aggregator, call, into, from, err);
        }
    }
    return code;
}

bool ps_aggregator_can_subtract(const ps_aggregator *aggregator)
{
    return aggregator->counts && aggregator->can_subtract;
}

ps_code ps_aggregator_subtract(ps_aggregator *aggregator, char *into, const char *from,
                               ps_error *err)
{
    PS_ASSERT(ps_aggregator_can_subtract(aggregator));
    ps_code code = PS_OK;
    for (uint32_t g = 0; g < aggregator->group_count && code == PS_OK; g++) {
        code = ps_agg_distinct_merge(aggregator, &aggregator->groups[g], into, from, -1, err);
    }
    for (uint32_t i = 0; i < aggregator->call_count && code == PS_OK; i++) {
        const ps_agg_call *call = &aggregator->calls[i];
        if (call->distinct_group == PS_AGG_NO_GROUP) {
            code = call->kernel->subtract(aggregator, call, into, from, err);
        }
    }
    return code;
}

void ps_aggregator_clear(ps_aggregator *aggregator, char *state)
{
    for (uint32_t g = 0; g < aggregator->group_count; g++) {
        ps_agg_distinct_clear(aggregator, &aggregator->groups[g], state);
    }
    for (uint32_t i = 0; i < aggregator->call_count; i++) {
        const ps_agg_call *call = &aggregator->calls[i];
        if (call->kernel->clear != NULL) {
            call->kernel->clear(aggregator, call, state);
        }
    }
    memset(state, 0, aggregator->state_size);
}

ps_code ps_aggregator_results(ps_aggregator *aggregator, const char *state, ps_value *out_values,
                              ps_error *err)
{
    ps_arena_reset(&aggregator->scratch->results);
    ps_code code = PS_OK;
    for (uint32_t i = 0; i < aggregator->call_count && code == PS_OK; i++) {
        const ps_agg_call *call = &aggregator->calls[i];
        code = call->kernel->result(aggregator, call, state, &out_values[i], err);
    }
    return code;
}
