/* Situations of a journal and of a snapshot that the life of the simulated engine does not get into,
 * each with its defined outcome. NULL, or what went wrong. */
#ifndef PS_TESTS_RARE_H
#define PS_TESTS_RARE_H

const char *rare_situations(void);

#endif
