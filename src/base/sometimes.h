/* Sometimes-counters (FAULTS §4): proof that the simulation reaches what it is there to reach.
 *
 * Every decision of recovery, every error path of the journal and its snapshots, and every fault
 * kind of the simulated disk owns a counter that stands at its place in the source. They are
 * compiled in with -DPS_BUGGIFY=ON; otherwise nothing of them is in the program.
 *
 * The list is made by the linker out of the places themselves: what is in the program is in the
 * list, reached or not. tests/sim/sometimes_test.c fails when its batch leaves one at zero, and
 * tools/check_sometimes when an error path has none.
 *
 * No counter: a failed allocation (PS_E_MEMORY; the alloc tests fail every one by its number) and
 * bad arguments of the caller (PS_E_INVALID).
 *
 * Threads: counting is atomic; the list never changes.
 */
#ifndef PS_BASE_SOMETIMES_H
#define PS_BASE_SOMETIMES_H

#ifdef PS_BUGGIFY

#include <stdatomic.h>
#include <stddef.h>

typedef struct {
    const char *name;
    const char *file;
    int line;
    atomic_uint_fast64_t count;
} ps_sometimes;

/* The section holds pointers: their size is the distance from one to the next for any compiler. */
#define PS_SOMETIMES(text)                                                                         \
    do {                                                                                           \
        static ps_sometimes sometimes_ = {.name = (text), .file = __FILE__, .line = __LINE__};     \
        static ps_sometimes *sometimes_entry_ __attribute__((used, section("ps_sometimes"))) =     \
            &sometimes_;                                                                           \
        atomic_fetch_add_explicit(&sometimes_.count, 1, memory_order_relaxed);                     \
    } while (0)
#define PS_SOMETIMES_WHEN(condition, text)                                                         \
    do {                                                                                           \
        if (condition) {                                                                           \
            PS_SOMETIMES(text);                                                                    \
        }                                                                                          \
    } while (0)
#define PS_WHY(text)                                                                               \
    ({                                                                                             \
        PS_SOMETIMES(text);                                                                        \
        (text);                                                                                    \
    })

size_t ps_sometimes_count(void);
ps_sometimes *ps_sometimes_at(size_t i);

#else

/* Counts that this place was reached. */
#define PS_SOMETIMES(text) ((void)0)
/* The same, when a condition without side effects holds. */
#define PS_SOMETIMES_WHEN(condition, text) ((void)0)
/* The text of a finding, counted under that name. */
#define PS_WHY(text) (text)

#endif

#endif
