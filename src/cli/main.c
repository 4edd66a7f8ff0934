/* paystream COMMAND: finds the command and hands over. */
#include <stdio.h>

#include "cli/commands.h"

typedef struct {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
} command_entry;

static const command_entry commands[] = {
    {"init", "make a data directory and print its first admin key", ps_cmd_init},
    {"serve", "take payments: HTTP API, live page, metrics", ps_cmd_serve},
    {"load", "send payments to a service and measure it", ps_cmd_load},
    {"verify", "check every invariant of a data directory, offline", ps_cmd_verify},
    {"dump", "print the journal, one JSON object per record", ps_cmd_dump},
    {"run", "run a SQL script over streams of events", ps_cmd_run},
    {"sql", "a SQL shell", ps_cmd_sql},
    {"explain", "print the plans of a SQL script", ps_cmd_explain},
    {"lint", "say what in a SQL script would not run on Flink", ps_cmd_lint},
    {"version", "version, commit, compiler and libraries", ps_cmd_version},
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static void help_print(FILE *out)
{
    fprintf(out, "usage: paystream COMMAND [options] [arguments]\n\n"
                 "Takes payments, decides them, keeps the books.\n\ncommands:\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    }
    fprintf(out, "\nEvery command has --help. Documentation: docs/ in the source tree.\n");
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        help_print(stderr);
        return PS_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        help_print(stdout);
        return PS_EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        return ps_cmd_version(1, argv + 1);
    }
    const char *names[COMMAND_COUNT + 1] = {NULL};
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
        names[i] = commands[i].name;
    }
    const char *nearest = ps_nearest_word(argv[1], names);
    fprintf(stderr, "paystream: unknown command %s%s%s%s; try paystream --help\n", argv[1],
            nearest != NULL ? " (did you mean " : "", nearest != NULL ? nearest : "",
            nearest != NULL ? "?)" : "");
    return PS_EXIT_USAGE;
}
