/* What the benchmarks share: a scratch directory, a clock, a generator, a JSON line. */
#ifndef PS_BENCH_BENCH_H
#define PS_BENCH_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/histogram.h"
#include "base/io.h"
#include "base/time.h"

static inline void bench_check(ps_code code, const ps_error *err)
{
    if (code != PS_OK) {
        fprintf(stderr, "bench: %s\n", err->text);
        exit(1);
    }
}

static inline double bench_seconds(ps_io *io)
{
    return (double)ps_io_now_mono_ns(io) / 1e9;
}

/* splitmix64 (G. Steele, D. Lea, C. Flood, 2014). */
static inline uint64_t bench_draw(uint64_t *state, uint64_t bound)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % bound;
}

/* A new directory under $BENCH_DIR (default: the working directory, so that it lies on the disk
 * that is measured). */
static inline void bench_directory(char out[PS_PATH_MAX])
{
    const char *parent = getenv("BENCH_DIR");
    snprintf(out, PS_PATH_MAX, "%s/bench-data-XXXXXX", parent != NULL ? parent : ".");
    if (mkdtemp(out) == NULL) {
        perror("bench: cannot make a scratch directory");
        exit(1);
    }
}

static inline void bench_remove(const char *directory)
{
    char command[PS_PATH_MAX + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    if (system(command) != 0) {
        fprintf(stderr, "bench: cannot remove %s\n", directory);
    }
}

#endif
