/* Sequences: a matcher over one sequence of rows that the program feeds; state in a store of its
 * own. */
#include <stdlib.h>

#include "api/failure.h"
#include "api/match_face.h"
#include "api/pattern_build.h"
#include "cep/matcher.h"

enum { ARENA_SIZE_MAX = 1 << 30 };

struct ps_sequence {
    ps_match_face face; /* first: the query's user */
    ps_sequence_functions functions;
    ps_arena arena;
    ps_budget budget;
    ps_store *store;
    ps_expr_context expressions;
    ps_program_clock clock;
    ps_operator_context context;
    ps_cep_query query;
    ps_match_spec spec;
    ps_schema schema;
    ps_matcher *matcher;
    ps_cep_key *key; /* in the store */
    ps_batch_builder builder;
    ps_out out;
    ps_code code; /* of the first failure */
    ps_error error;
};

static ps_code on_found(void *with, const ps_cep_found *found, ps_error *err)
{
    (void)err;
    ps_sequence *self = with;
    ps_cep_view view = {
        .query = ps_matcher_query(self->matcher, 0),
        .sight = {.node = found->node},
        .timeout = found->timeout,
    };
    ps_matched matched;
    ps_match_face_begin(&matched, &self->face, &view);
    ps_sequence_function *function =
        found->is_timeout ? self->functions.on_timeout : self->functions.on_match;
    function(self->functions.user, &matched);
    return PS_OK;
}

/* The user's columns and the time behind them. */
static ps_code make_shape(ps_sequence *self, const ps_column_def *columns, ps_error *err)
{
    ps_shape *shape = ps_shape_of(&self->arena, columns, PS_SHAPE_TIME, err);
    if (shape == NULL) {
        return err->code;
    }
    self->schema = ps_shape_schema(shape);
    ps_code code = ps_match_face_init(&self->face, &self->arena, shape, err);
    const ps_type **types = ps_arena_take(&self->arena, shape->total_count * sizeof *types);
    for (uint32_t i = 0; types != NULL && i < shape->total_count; i++) {
        types[i] = shape->fields[i].type;
    }
    if (code == PS_OK) {
        code = types != NULL
                   ? ps_batch_builder_init(&self->builder, shape->total_count, types, 1, err)
                   : ps_error_set(err, PS_E_MEMORY, "no memory for a sequence");
    }
    self->out = (ps_out){.shape = shape, .builder = &self->builder, .err = &self->error};
    return code;
}

static ps_code open(ps_sequence *self, ps_pattern *pattern, const ps_column_def *columns,
                    ps_error *err)
{
    ps_arena_init(&self->arena, ARENA_SIZE_MAX);
    self->expressions.arena = &self->arena;
    self->budget.size_max = UINT64_MAX;
    self->query = (ps_cep_query){
        .pattern = ps_pattern_finish(pattern, err),
        .emits_matches = self->functions.on_match != NULL,
        .emits_timeouts = self->functions.on_timeout != NULL,
        .user = self,
    };
    ps_code code = self->query.pattern != NULL ? make_shape(self, columns, err) : err->code;
    if (code == PS_OK) {
        code = ps_store_new("sequence", &self->budget, &self->store, err);
    }
    if (code != PS_OK) {
        return code;
    }
    self->context = (ps_operator_context){
        .expressions = &self->expressions,
        .clock = &self->clock,
        .arena = &self->arena,
        .store = self->store,
    };
    ps_pattern_limit limit = ps_pattern_limits_of(pattern);
    self->spec = (ps_match_spec){
        .base = {.name = "sequence"},
        .time_column = self->face.shape->time,
        .input = &self->schema,
        .query_count = 1,
        .queries = &self->query,
        .runs_per_key_max = limit.runs_per_key,
        .rows_per_run_max = limit.rows_per_run,
        .evicts = limit.evicts,
    };
    const ps_matcher_options options = {
        .spec = &self->spec,
        .context = &self->context,
        .emit = on_found,
        .with = self,
        .keeps_all = true,
    };
    self->key = ps_arena_take(&self->arena, sizeof *self->key);
    return self->key != NULL ? ps_matcher_new(&options, &self->matcher, err)
                             : ps_error_set(err, PS_E_MEMORY, "no memory for a sequence");
}

ps_sequence *ps_sequence_new(ps_pattern *pattern, const ps_column_def *columns,
                             const ps_sequence_functions *functions, ps_failure *failure)
{
    ps_error err = {0};
    ps_sequence *self = calloc(1, sizeof *self);
    ps_code code = PS_E_MEMORY;
    if (self != NULL) {
        self->functions = *functions;
        code = open(self, pattern, columns, &err);
    } else {
        code = ps_error_set(&err, PS_E_MEMORY, "no memory for a sequence");
    }
    if (code != PS_OK) {
        ps_failure_fill(failure, &err);
        ps_sequence_free(self);
        return NULL;
    }
    return self;
}

void ps_sequence_free(ps_sequence *self)
{
    if (self == NULL) {
        return;
    }
    ps_matcher_free(self->matcher);
    ps_store_free(self->store);
    ps_batch_builder_release(&self->builder);
    ps_arena_release(&self->arena);
    free(self);
}

/* Keeps the first failure: nothing can be done behind it. */
static bool finish(ps_sequence *self, ps_code code, ps_failure *failure)
{
    self->code = code;
    if (code != PS_OK) {
        ps_failure_fill(failure, &self->error);
    }
    return code == PS_OK;
}

bool ps_sequence_advance(ps_sequence *self, int64_t time_ms, ps_failure *failure)
{
    ps_code code = self->code;
    if (code == PS_OK) {
        code = ps_matcher_advance(self->matcher, self->key, time_ms, &self->error);
    }
    return finish(self, code, failure);
}

ps_out *ps_sequence_row(ps_sequence *self)
{
    return &self->out;
}

static ps_code process(ps_sequence *self, int64_t time_ms, ps_error *err)
{
    if (!ps_out_begin(&self->out)) {
        return self->out.code;
    }
    ps_batch_builder_set_i64(&self->builder, self->face.shape->time, time_ms);
    ps_out_end(&self->out);
    ps_code code = self->out.code;
    if (code == PS_OK) {
        code = ps_matcher_scan(self->matcher, &self->builder.batch, 0, 1, err);
    }
    uint32_t row;
    if (code == PS_OK) {
        code = ps_matcher_keep(self->matcher, &self->builder.batch, 0, time_ms, PS_SLICE(""), &row,
                               err);
    }
    ps_batch_builder_reset(&self->builder);
    return code == PS_OK ? ps_matcher_process(self->matcher, self->key, 0, row, err) : code;
}

bool ps_sequence_process(ps_sequence *self, int64_t time_ms, ps_failure *failure)
{
    return finish(self, self->code == PS_OK ? process(self, time_ms, &self->error) : self->code,
                  failure);
}
