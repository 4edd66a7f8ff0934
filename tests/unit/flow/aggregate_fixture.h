/* What the tests of aggregates share: calls by name, resolved as the planner does. */
#ifndef PS_TEST_FLOW_AGGREGATE_FIXTURE_H
#define PS_TEST_FLOW_AGGREGATE_FIXTURE_H

#include "flow/bench.h"

enum { FIXTURE_CALLS_MAX = 8 };

typedef struct {
    ps_arena arena;
    uint32_t call_count;
    ps_aggregate_call calls[FIXTURE_CALLS_MAX];
    ps_field fields[FIXTURE_CALLS_MAX + 8]; /* of an output: keys, calls, properties */
} aggregate_fixture;

static inline void fixture_init(aggregate_fixture *fixture)
{
    *fixture = (aggregate_fixture){0};
    ps_arena_init(&fixture->arena, 1 << 20);
}

static inline void fixture_release(aggregate_fixture *fixture)
{
    ps_arena_release(&fixture->arena);
}

/* Adds NAME(columns …); column PS_NO_COLUMN ends the arguments. */
static inline ps_aggregate_call *fixture_call(aggregate_fixture *fixture, const ps_schema *input,
                                              const char *name, uint32_t first, uint32_t second)
{
    ps_error err = {0};
    ps_aggregate_call *call = &fixture->calls[fixture->call_count++];
    *call = (ps_aggregate_call){.filter = PS_NO_COLUMN, .time_column = PS_NO_COLUMN};
    uint32_t columns[2] = {first, second};
    const ps_type *types[2] = {0};
    while (call->argument_count < 2 && columns[call->argument_count] != PS_NO_COLUMN) {
        uint32_t column = columns[call->argument_count];
        call->arguments[call->argument_count] = column;
        types[call->argument_count++] = input->fields[column].type;
    }
    ps_aggregate_signature signature;
    ps_code code =
        ps_aggregate_resolve(&fixture->arena, name, call->argument_count, types, &signature, &err);
    if (code != PS_OK) {
        fail_msg("%s: %s", name, err.text);
    }
    call->class = signature.class;
    call->result = signature.result;
    memcpy(call->argument_types, signature.arguments, sizeof call->argument_types);
    return call;
}

/* Output schema: the input's key columns, the calls, then `properties` timestamps. */
static inline ps_schema fixture_schema(aggregate_fixture *fixture, const ps_schema *input,
                                       ps_columns keys, uint32_t properties)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < keys.count; i++) {
        fixture->fields[count++] = input->fields[keys.columns[i]];
    }
    for (uint32_t i = 0; i < fixture->call_count; i++) {
        fixture->fields[count++] = (ps_field){PS_SLICE("a"), fixture->calls[i].result};
    }
    for (uint32_t i = 0; i < properties; i++) {
        fixture->fields[count++] = (ps_field){PS_SLICE("w"), &ps_type_timestamp3};
    }
    return (ps_schema){count, fixture->fields};
}

#endif
