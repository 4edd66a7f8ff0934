/* make sim SEED=…: one simulated life, told in a few lines. Exit 1 when an invariant broke. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters.h"
#include "simulator.h"

int main(int argc, char **argv)
{
    sim_options options = {.seed = 1, .generations = 12, .commands = 400};
    uint64_t count = 1;
    bool tells_counters = false;
    for (int i = 1; i + 1 < argc; i += 2) {
        uint64_t value = strtoull(argv[i + 1], NULL, 0);
        if (strcmp(argv[i], "--seed") == 0) {
            options.seed = value;
        } else if (strcmp(argv[i], "--count") == 0) {
            count = value;
        } else if (strcmp(argv[i], "--generations") == 0) {
            options.generations = (uint32_t)value;
        } else if (strcmp(argv[i], "--counters") == 0) {
            tells_counters = value != 0;
        } else {
            fprintf(stderr,
                    "simulator: unknown option %s; there are --seed, --count, --generations, "
                    "--counters 1\n",
                    argv[i]);
            return 2;
        }
    }
    for (uint64_t i = 0; i < count; i++, options.seed++) {
        sim_result r;
        sim_run(&options, &r);
        printf("SEED=%llu generations %llu, commands %llu, acknowledged %llu, crashes %llu (%llu "
               "while recovering), failed syncs %llu, "
               "snapshots %llu, steps %llu, trace %016llx\n",
               (unsigned long long)options.seed, (unsigned long long)r.generations,
               (unsigned long long)r.commands, (unsigned long long)r.acknowledged,
               (unsigned long long)r.crashes, (unsigned long long)r.nested_crashes,
               (unsigned long long)r.sync_failures, (unsigned long long)r.snapshots,
               (unsigned long long)r.steps, (unsigned long long)r.trace.high);
        if (r.failure[0] != '\0') {
            printf("SEED=%llu FAILED: %s\n", (unsigned long long)options.seed, r.failure);
            return 1;
        }
    }
    if (tells_counters) {
        counters_print(stdout, false);
    }
    return 0;
}
