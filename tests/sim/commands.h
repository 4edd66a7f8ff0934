/* Commands of the simulations: each is a pure function of its number and of the payment it acts on,
 * so that a retry is the same request, byte for byte, in whatever life of the process. */
#ifndef PS_TESTS_COMMANDS_H
#define PS_TESTS_COMMANDS_H

#include "pay/command.h"

typedef struct {
    ps_command command;
    ps_payment_request payment;
    char text[4][64];
} sim_command;

uint64_t sim_mix(uint64_t x);

/* `target`: text of a payment id, or empty; borrowed as long as the command is used. */
void sim_command_make(uint64_t number, const char *target, sim_command *out_command);

#endif
