/* The commands of the program: one per file cmd_*.c, listed in main.c. Each returns the process's
 * exit code (CONTRACT §1). */
#ifndef PS_CLI_COMMANDS_H
#define PS_CLI_COMMANDS_H

#include "cli/option.h"

int ps_cmd_init(int argc, char **argv);
int ps_cmd_serve(int argc, char **argv);
int ps_cmd_load(int argc, char **argv);
int ps_cmd_verify(int argc, char **argv);
int ps_cmd_dump(int argc, char **argv);
int ps_cmd_run(int argc, char **argv);
int ps_cmd_sql(int argc, char **argv);
int ps_cmd_explain(int argc, char **argv);
int ps_cmd_lint(int argc, char **argv);
int ps_cmd_version(int argc, char **argv);

/* The exit code of a fault at start: PS_EXIT_REFUSED for data that cannot be opened, PS_EXIT_DISK
 * for I/O errors while running. */
int ps_exit_of(ps_code code);

#endif
