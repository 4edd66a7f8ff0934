#include "counters.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/sometimes.h"

#ifdef PS_BUGGIFY

static bool is_of_tests(const ps_sometimes *counter)
{
    return strncmp(counter->name, "test: ", 6) == 0;
}

static int compare(const void *a, const void *b)
{
    const ps_sometimes *left = *(ps_sometimes *const *)a;
    const ps_sometimes *right = *(ps_sometimes *const *)b;
    int by_file = strcmp(left->file, right->file);
    return by_file != 0 ? by_file : left->line - right->line;
}

static const char *tail_of(const char *path)
{
    const char *found = strstr(path, "src/");
    return found != NULL ? found : path;
}

void counters_print(FILE *to, bool zeros_only)
{
    size_t count = ps_sometimes_count();
    ps_sometimes **sorted = calloc(count + 1, sizeof *sorted);
    PS_ASSERT(sorted != NULL);
    for (size_t i = 0; i < count; i++) {
        sorted[i] = ps_sometimes_at(i);
    }
    qsort(sorted, count, sizeof *sorted, compare);
    for (size_t i = 0; i < count; i++) {
        unsigned long long reached = atomic_load(&sorted[i]->count);
        if (!is_of_tests(sorted[i]) && (!zeros_only || reached == 0)) {
            fprintf(to, "%12llu %s (%s:%d)\n", reached, sorted[i]->name, tail_of(sorted[i]->file),
                    sorted[i]->line);
        }
    }
    free(sorted);
}

size_t counters_zero_count(bool of_tests)
{
    size_t zeros = 0;
    for (size_t i = 0; i < ps_sometimes_count(); i++) {
        ps_sometimes *counter = ps_sometimes_at(i);
        zeros += is_of_tests(counter) == of_tests && atomic_load(&counter->count) == 0;
    }
    return zeros;
}

#else

void counters_print(FILE *to, bool zeros_only)
{
    (void)zeros_only;
    fprintf(to, "no counters: needs -DPS_BUGGIFY=ON\n");
}

size_t counters_zero_count(bool of_tests)
{
    (void)of_tests;
    return 0;
}

#endif
