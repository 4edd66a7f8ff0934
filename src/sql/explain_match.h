/* EXPLAIN of a Match node. Inside of explain.c. */
#ifndef PS_SQL_EXPLAIN_MATCH_H
#define PS_SQL_EXPLAIN_MATCH_H

#include "cep/match_spec.h"

/* The node's spec; NULL: it is no Match. */
const ps_match_spec *ps_explain_match_of(const ps_node *node);
/* Keys, order, patterns and the values of matches; with the conditions it is all that decides what
 * the node's state means. */
void ps_explain_match(const ps_node *node, bool with_conditions, ps_buf *out);
/* The automata with their conditions as lines, each with `indent` blanks before it. */
void ps_explain_automata(const ps_node *node, uint32_t indent, ps_buf *out);

#endif
