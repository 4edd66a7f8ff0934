/* Options of the command line: one table per command, from which parsing, `--help` and docs/cli.md
 * come.
 *
 * `--name VALUE`, `--name=VALUE`, `-D key=value`, and `--` ends options. An unknown option or
 * command is answered with one sentence and the nearest match, exit 2 (CONTRACT §1).
 */
#ifndef PS_CLI_OPTION_H
#define PS_CLI_OPTION_H

#include "base/bytes.h"
#include "base/nearest.h"

enum {
    PS_EXIT_DONE = 0,
    PS_EXIT_FAILED = 1,
    PS_EXIT_USAGE = 2,
    PS_EXIT_REFUSED = 3,
    PS_EXIT_DISK = 4
};

typedef enum { PS_OPTION_FLAG, PS_OPTION_TEXT, PS_OPTION_NUMBER, PS_OPTION_SETTING } ps_option_kind;

typedef struct {
    const char *name;  /* "--data"; "-D" for settings */
    const char *value; /* "DIR"; NULL for a flag */
    ps_option_kind kind;
    bool required;
    const char *help; /* one sentence */
    void *target;     /* FLAG: bool; TEXT: const char *; NUMBER: int64_t; SETTING: see setting */
    /* SETTING: takes "key=value"; false with *err set. */
    bool (*setting)(void *target, const char *text, ps_error *err);
} ps_option;

typedef struct {
    const char *command; /* "serve" */
    const char *summary; /* one line, for the list of commands */
    const char *usage;   /* "serve --data DIR [options]" */
    const char *details; /* more paragraphs for --help, or NULL */
} ps_command_help;

typedef enum { PS_PARSED, PS_PARSED_HELP, PS_PARSED_WRONG } ps_parsed;

/* argv[0] is the command's name. `options` ends with a NULL name. Positional arguments are written
 * to out_arguments (at most arguments_max); more of them are an error. HELP: the help was printed
 * (exit 0). WRONG: the sentence was printed (exit 2). */
ps_parsed ps_options_parse(const ps_command_help *help, const ps_option *options, int argc,
                           char **argv, const char **out_arguments, int arguments_max);

#endif
