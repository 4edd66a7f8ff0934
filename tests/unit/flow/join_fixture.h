/* Two tables for the joins' tests: left (k STRING, ts TIMESTAMP(3), l INT), right (k, ts, r INT). */
#ifndef PS_TEST_FLOW_JOIN_FIXTURE_H
#define PS_TEST_FLOW_JOIN_FIXTURE_H

#include "flow/bench.h"

static const ps_field left_fields[] = {
    {{"k", 1}, &ps_type_string}, {{"ts", 2}, &ps_type_timestamp3}, {{"l", 1}, &ps_type_int}};
static const ps_field right_fields[] = {
    {{"k", 1}, &ps_type_string}, {{"ts", 2}, &ps_type_timestamp3}, {{"r", 1}, &ps_type_int}};
static const ps_field joined_fields[] = {
    {{"k", 1}, &ps_type_string},  {{"ts", 2}, &ps_type_timestamp3},  {{"l", 1}, &ps_type_int},
    {{"k0", 2}, &ps_type_string}, {{"ts0", 3}, &ps_type_timestamp3}, {{"r", 1}, &ps_type_int}};
static const ps_node left_node = {.kind = PS_NODE_SOURCE, .schema = {3, left_fields}};
static const ps_node right_node = {.kind = PS_NODE_SOURCE, .schema = {3, right_fields}};
static const ps_node *const join_inputs[] = {&left_node, &right_node};
static const uint32_t first_column[] = {0};

static inline ps_join_on on_key(ps_join_kind kind)
{
    return (ps_join_on){
        .kind = kind, .left_keys = {1, first_column}, .right_keys = {1, first_column}};
}

static inline ps_node join_node(ps_node_kind kind, ps_join_kind join_kind)
{
    bool is_left_only = join_kind == PS_JOIN_SEMI || join_kind == PS_JOIN_ANTI;
    return (ps_node){
        .kind = kind,
        .input_count = 2,
        .inputs = join_inputs,
        .schema = {is_left_only ? 3 : 6, joined_fields},
    };
}

#endif
