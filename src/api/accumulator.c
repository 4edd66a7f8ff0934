#include "api/accumulator.h"

#include <stdlib.h>

#include "flow/kept_rows.h"

static uint32_t rounded(uint32_t size)
{
    return (size + 15) / 16 * 16;
}

static ps_code no_memory(ps_error *err)
{
    return ps_error_set(err, PS_E_MEMORY, "no memory for a grouping");
}

/* ── aggregates of SQL ── */

typedef struct {
    ps_accumulator base;
    ps_aggregator *aggregator;
    uint32_t call_count;
    ps_value *values;
} aggregates;

static ps_code aggregates_add(ps_accumulator *self, const ps_batch *batch, uint32_t row,
                              char *state, ps_error *err)
{
    return ps_aggregator_add(((aggregates *)self)->aggregator, batch, row, state, err);
}

static void aggregates_clear(ps_accumulator *self, char *state)
{
    ps_aggregator_clear(((aggregates *)self)->aggregator, state);
}

static ps_code aggregates_merge(ps_accumulator *self, char *into, char *from, ps_error *err)
{
    ps_code code = ps_aggregator_merge(((aggregates *)self)->aggregator, into, from, err);
    aggregates_clear(self, from);
    return code;
}

static void aggregates_result(ps_accumulator *self, char *state, ps_out *out)
{
    aggregates *a = (aggregates *)self;
    if (!ps_out_begin(out)) {
        return;
    }
    out->code = ps_aggregator_results(a->aggregator, state, a->values, out->err);
    for (uint32_t i = 0; out->code == PS_OK && i < a->call_count; i++) {
        out->code = ps_batch_builder_set(out->builder, out->first + i, a->values[i], out->err);
    }
}

static void free_simple(ps_accumulator *self)
{
    free(self);
}

static const ps_accumulator_class aggregates_class = {
    .add = aggregates_add,
    .merge = aggregates_merge,
    .clear = aggregates_clear,
    .result = aggregates_result,
    .free = free_simple,
};

static ps_code new_aggregates(const ps_pane_spec *spec, const ps_operator_context *context,
                              ps_accumulator **out, ps_error *err)
{
    aggregates *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return no_memory(err);
    }
    self->base.class = &aggregates_class;
    self->call_count = spec->call_count;
    self->values = ps_arena_take(context->arena, spec->call_count * sizeof *self->values);
    bool merges = spec->windowing.kind == PS_WINDOWING_SESSION;
    ps_aggregator_options options = {
        .call_count = spec->call_count,
        .calls = spec->calls,
        .needs = merges ? PS_AGGREGATOR_MERGE : 0,
    };
    ps_code code = self->values == NULL ? no_memory(err)
                                        : ps_aggregator_new(context->store, context->arena,
                                                            &options, &self->aggregator, err);
    if (code != PS_OK) {
        free(self);
        return code;
    }
    self->base.size = rounded(ps_aggregator_size(self->aggregator));
    *out = &self->base;
    return PS_OK;
}

/* ── a user's combine functions ── */

typedef struct {
    ps_accumulator base;
    const ps_combine_functions *functions;
    const ps_shape *in;
} combine;

static ps_code combine_add(ps_accumulator *self, const ps_batch *batch, uint32_t row, char *state,
                           ps_error *err)
{
    (void)err;
    const combine *c = (const combine *)self;
    ps_row in = {.batch = batch, .at = row, .shape = c->in};
    c->functions->add(c->functions->user, state, &in);
    return PS_OK;
}

static void combine_clear(ps_accumulator *self, char *state)
{
    memset(state, 0, self->size);
}

static ps_code combine_merge(ps_accumulator *self, char *into, char *from, ps_error *err)
{
    (void)err;
    const combine *c = (const combine *)self;
    c->functions->merge(c->functions->user, into, from);
    return PS_OK;
}

static void combine_result(ps_accumulator *self, char *state, ps_out *out)
{
    const combine *c = (const combine *)self;
    c->functions->result(c->functions->user, state, out);
}

static const ps_accumulator_class combine_class = {
    .add = combine_add,
    .merge = combine_merge,
    .clear = combine_clear,
    .result = combine_result,
    .free = free_simple,
};

static ps_code new_combine(const ps_pane_spec *spec, ps_accumulator **out, ps_error *err)
{
    combine *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return no_memory(err);
    }
    self->base.class = &combine_class;
    self->base.size = rounded(spec->combine->state_size);
    self->functions = spec->combine;
    self->in = spec->in;
    *out = &self->base;
    return PS_OK;
}

/* ── all rows, for a group function ── */

/* The chain of kept rows, in order of arrival; a row's header is the next one's reference. */
typedef struct {
    uint32_t first, last;
} row_chain;

typedef struct {
    ps_accumulator base;
    const ps_pane_spec *spec;
    ps_kept_rows rows;
    ps_batch_builder builder; /* the row under way */
} grouping;

struct ps_group {
    grouping *of;
    uint32_t next;
    ps_out *out;
    ps_row row;
};

static void chain_append(grouping *self, row_chain *chain, uint32_t first, uint32_t last)
{
    if (chain->first == 0) {
        chain->first = first;
    } else {
        *(uint64_t *)ps_kept_row_touch(&self->rows, chain->last) = first;
    }
    chain->last = last;
}

static ps_code grouping_add(ps_accumulator *base, const ps_batch *batch, uint32_t row, char *state,
                            ps_error *err)
{
    grouping *self = (grouping *)base;
    uint32_t ref;
    ps_code code = ps_kept_rows_add(&self->rows, batch, row, &ref, err);
    if (code == PS_OK) {
        chain_append(self, (row_chain *)state, ref, ref);
    }
    return code;
}

static ps_code grouping_merge(ps_accumulator *base, char *into, char *from, ps_error *err)
{
    (void)err;
    row_chain *chain = (row_chain *)from;
    if (chain->first != 0) {
        chain_append((grouping *)base, (row_chain *)into, chain->first, chain->last);
    }
    *chain = (row_chain){0};
    return PS_OK;
}

static void grouping_clear(ps_accumulator *base, char *state)
{
    grouping *self = (grouping *)base;
    row_chain *chain = (row_chain *)state;
    for (uint32_t at = chain->first; at != 0;) {
        uint32_t next = (uint32_t) * (const uint64_t *)ps_kept_row_header(&self->rows, at);
        ps_kept_rows_drop(&self->rows, at);
        at = next;
    }
    *chain = (row_chain){0};
}

static void grouping_result(ps_accumulator *base, char *state, ps_out *out)
{
    grouping *self = (grouping *)base;
    ps_group group = {.of = self, .next = ((const row_chain *)state)->first, .out = out};
    self->spec->group(self->spec->group_user, &group, out);
}

const ps_row *ps_group_next(ps_group *group)
{
    grouping *self = group->of;
    if (group->next == 0 || group->out->code != PS_OK) {
        return NULL;
    }
    uint32_t at = group->next;
    group->next = (uint32_t) * (const uint64_t *)ps_kept_row_header(&self->rows, at);
    ps_batch_builder_reset(&self->builder);
    ps_batch_builder_begin_row(&self->builder, PS_KIND_INSERT, PS_WATERMARK_NONE, 0);
    group->out->code = ps_row_decode(&self->rows.layout, ps_kept_row_code(&self->rows, at),
                                     &self->builder, 0, group->out->err);
    if (group->out->code != PS_OK) {
        return NULL;
    }
    ps_batch_builder_end_row(&self->builder);
    group->row = (ps_row){.batch = &self->builder.batch, .shape = self->spec->in};
    return &group->row;
}

static void free_grouping(ps_accumulator *base)
{
    ps_batch_builder_release(&((grouping *)base)->builder);
    free(base);
}

static const ps_accumulator_class grouping_class = {
    .add = grouping_add,
    .merge = grouping_merge,
    .clear = grouping_clear,
    .result = grouping_result,
    .free = free_grouping,
};

static ps_code new_grouping(const ps_pane_spec *spec, const ps_operator_context *context,
                            ps_accumulator **out, ps_error *err)
{
    grouping *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return no_memory(err);
    }
    self->base.class = &grouping_class;
    self->base.size = rounded(sizeof(row_chain));
    self->base.is_many = true;
    self->spec = spec;
    ps_schema schema = ps_shape_schema(spec->in);
    ps_code code = ps_kept_rows_init(&self->rows, context->store, context->arena, "rows",
                                     sizeof(uint64_t), &schema, err);
    if (code == PS_OK) {
        code = ps_batch_builder_init(&self->builder, schema.field_count, self->rows.layout.types, 1,
                                     err);
    }
    if (code != PS_OK) {
        free_grouping(&self->base);
        return code;
    }
    *out = &self->base;
    return PS_OK;
}

ps_code ps_accumulator_new(const ps_pane_spec *spec, const ps_operator_context *context,
                           ps_accumulator **out, ps_error *err)
{
    if (spec->group != NULL) {
        return new_grouping(spec, context, out, err);
    }
    return spec->combine != NULL ? new_combine(spec, out, err)
                                 : new_aggregates(spec, context, out, err);
}
