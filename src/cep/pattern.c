#include "cep/pattern_walk.h"

/* Finds the stage among a chain and its groups, counting variables on the way. */
static bool find_stage(uint32_t count, const ps_cep_stage *const *stages, const ps_cep_stage *stage,
                       uint32_t *number)
{
    for (uint32_t i = 0; i < count; i++) {
        if (stages[i] == stage) {
            return true;
        }
        if (stages[i]->group_count == 0) {
            (*number)++;
        } else if (find_stage(stages[i]->group_count, stages[i]->group, stage, number)) {
            return true;
        }
    }
    return false;
}

uint32_t ps_cep_stage_variable(const ps_cep_pattern *pattern, const ps_cep_stage *stage)
{
    uint32_t number = 0;
    bool is_there = find_stage(pattern->stage_count, pattern->stages, stage, &number);
    PS_ASSERT(is_there);
    return number;
}
