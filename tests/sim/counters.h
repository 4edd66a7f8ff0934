/* The sometimes-counters of this program (base/sometimes.h): told, and judged. Without -DPS_BUGGIFY
 * there are none. */
#ifndef PS_TESTS_COUNTERS_H
#define PS_TESTS_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* One line a counter, in the order of the source: "reached NAME (FILE:LINE)". */
void counters_print(FILE *to, bool zeros_only);
/* How many were never reached: of the program, or of the tests themselves (name "test: …"). */
size_t counters_zero_count(bool of_tests);

#endif
