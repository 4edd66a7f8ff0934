/* Going through the stages of a pattern. */
#ifndef PS_CEP_PATTERN_WALK_H
#define PS_CEP_PATTERN_WALK_H

#include "cep/match_spec.h"

/* The number of the stage's variable; the stage is one of the pattern's, and no group. */
uint32_t ps_cep_stage_variable(const ps_cep_pattern *pattern, const ps_cep_stage *stage);

#endif
