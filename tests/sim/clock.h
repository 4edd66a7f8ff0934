/* Clocks that lie, and processes that sleep (FAULTS §2.5, T1 and T3). Each check is one life of an
 * engine; NULL, or what went wrong. */
#ifndef PS_TESTS_CLOCK_H
#define PS_TESTS_CLOCK_H

#include <stdint.h>

/* The wall clock jumps by this much, and back after a while: beyond 5 minutes nothing may expire. */
const char *clock_jump(int64_t jump_ns);
/* The wall clock runs at percent / 100 of its speed: 0 stands still, 200 races. */
const char *clock_rate(int64_t percent);
/* The process starts again after the wall clock went back. */
const char *clock_back_at_start(int64_t back_ns);
/* The whole machine slept: what is due comes before the next command. */
const char *clock_pause(int64_t pause_ns);

#endif
