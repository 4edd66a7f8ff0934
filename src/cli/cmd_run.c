/* run, explain and lint: the three that take a script. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/script.h"

int ps_cmd_run(int argc, char **argv)
{
    const char *file = NULL, *format = "table";
    int64_t parallelism = 0;
    ps_script_settings settings = {0};
    ps_script_options options = {0};
    static const ps_command_help help = {
        "run", "Runs a SQL script: its statements in order, jobs until their input ends",
        "run FILE.sql [--data DIR] [--parallelism N] [--state DIR] [--format table|csv|json]",
        "FILE.sql may be - for standard input. A job without an end runs until SIGINT or SIGTERM. "
        "With --state a killed run goes on where it was, and no row is lost or doubled."};
    const ps_option list[] = {
        {"--data", "DIR", PS_OPTION_TEXT, false, "Data directory whose journal tables are read.",
         &options.data_dir, NULL},
        {"--parallelism", "N", PS_OPTION_NUMBER, false, "Lanes of each job, a thread each: 1 … 64.",
         &parallelism, NULL},
        {"--state", "DIR", PS_OPTION_TEXT, false,
         "Keeps checkpoints there and resumes from the newest.", &options.state_dir, NULL},
        {"--format", "FORMAT", PS_OPTION_TEXT, false, "Of results: table, csv or json.", &format,
         NULL},
        {"--explain", NULL, PS_OPTION_FLAG, false,
         "After each job its plan, with rows, state and time of each operator, on standard error.",
         &options.tells_operators, NULL},
        {"--quiet", NULL, PS_OPTION_FLAG, false, "No progress line.", &options.quiet, NULL},
        {"-D", "KEY=VALUE", PS_OPTION_SETTING, false, "As SET 'KEY' = 'VALUE'.", &settings,
         ps_script_setting_add},
        {0}};
    switch (ps_options_parse(&help, list, argc, argv, &file, 1)) {
    case PS_PARSED_HELP:
        return PS_EXIT_DONE;
    case PS_PARSED_WRONG:
        return PS_EXIT_USAGE;
    case PS_PARSED:
        break;
    }
    if (file == NULL || !ps_result_format_parse(format, &options.format)) {
        fprintf(stderr, "paystream run: %s; try paystream run --help\n",
                file == NULL ? "which script?" : "--format takes table, csv or json");
        return PS_EXIT_USAGE;
    }
    ps_buf text;
    if (!ps_script_read("run", file, &text)) {
        return PS_EXIT_REFUSED;
    }
    int exit_code = PS_EXIT_USAGE;
    ps_session *session = ps_script_session_open("run", options.data_dir, &settings, parallelism);
    if (session != NULL) {
        ps_script_catch_signals();
        exit_code = ps_script_run(session, &options, file, ps_buf_slice(&text));
    }
    ps_session_free(session);
    ps_buf_release(&text);
    return exit_code;
}

int ps_cmd_explain(int argc, char **argv)
{
    const char *file = NULL, *data_dir = NULL;
    ps_script_settings settings = {0};
    ps_script_options options = {.explains = true};
    static const ps_command_help help = {
        "explain", "Prints the plan of each query and INSERT of a script",
        "explain FILE.sql [--dot] [--data DIR] [-D key=value]…",
        "One tree per job: operators with the kinds of changes they emit, the time column and the "
        "state they keep; below a Match its pattern as an automaton."};
    const ps_option list[] = {{"--dot", NULL, PS_OPTION_FLAG, false,
                               "Only the automata of patterns, as DOT text for graphviz.",
                               &options.dot, NULL},
                              {"--data", "DIR", PS_OPTION_TEXT, false,
                               "The journal's tables are declared.", &data_dir, NULL},
                              {"-D", "KEY=VALUE", PS_OPTION_SETTING, false,
                               "As SET 'KEY' = 'VALUE'.", &settings, ps_script_setting_add},
                              {0}};
    switch (ps_options_parse(&help, list, argc, argv, &file, 1)) {
    case PS_PARSED_HELP:
        return PS_EXIT_DONE;
    case PS_PARSED_WRONG:
        return PS_EXIT_USAGE;
    case PS_PARSED:
        break;
    }
    ps_buf text;
    if (file == NULL) {
        fprintf(stderr, "paystream explain: which script? try paystream explain --help\n");
        return PS_EXIT_USAGE;
    }
    if (!ps_script_read("explain", file, &text)) {
        return PS_EXIT_REFUSED;
    }
    int exit_code = PS_EXIT_USAGE;
    ps_session *session = ps_script_session_open("explain", data_dir, &settings, 0);
    if (session != NULL) {
        exit_code = ps_script_run(session, &options, file, ps_buf_slice(&text));
    }
    ps_session_free(session);
    ps_buf_release(&text);
    return exit_code;
}

/* Plans every statement; findings are printed as FILE:LINE:COL: level: message (rule). */
static int lint_text(ps_session *session, const char *file, ps_slice text)
{
    ps_session_open(session, file, text);
    ps_statement statement;
    ps_sql_error sql_error = {0};
    ps_code code;
    do {
        code = ps_session_next(session, &statement, &sql_error);
    } while (code == PS_OK && statement.kind != PS_STATEMENT_END);
    bool has_error = code != PS_OK;
    for (uint32_t i = 0; i < ps_session_finding_count(session); i++) {
        const ps_lint_finding *finding = ps_session_finding_at(session, i);
        printf("%s:%u:%u: %s: %s (%s)\n", file, finding->line, finding->column, finding->level,
               finding->message, finding->rule);
        has_error = has_error || strcmp(finding->level, "error") == 0;
    }
    if (code != PS_OK) {
        printf("%s:%u:%u: error: %s (%s)\n", file, sql_error.at.line, sql_error.at.column,
               sql_error.text, code == PS_E_UNSUPPORTED ? "not-supported" : "invalid");
    }
    return has_error ? PS_EXIT_FAILED : PS_EXIT_DONE;
}

int ps_cmd_lint(int argc, char **argv)
{
    const char *file = NULL, *target = "flink", *data_dir = NULL;
    ps_script_settings settings = {0};
    static const ps_command_help help = {
        "lint", "Says what in a script would not run, or would run otherwise, on Flink",
        "lint FILE.sql [--target flink] [--data DIR]",
        "A finding a line: FILE:LINE:COL: level: message (rule). Exit 1 when one is an error."};
    const ps_option list[] = {{"--target", "flink", PS_OPTION_TEXT, false,
                               "The other engine; only flink is known.", &target, NULL},
                              {"--data", "DIR", PS_OPTION_TEXT, false,
                               "The journal's tables are declared.", &data_dir, NULL},
                              {"-D", "KEY=VALUE", PS_OPTION_SETTING, false,
                               "As SET 'KEY' = 'VALUE'.", &settings, ps_script_setting_add},
                              {0}};
    switch (ps_options_parse(&help, list, argc, argv, &file, 1)) {
    case PS_PARSED_HELP:
        return PS_EXIT_DONE;
    case PS_PARSED_WRONG:
        return PS_EXIT_USAGE;
    case PS_PARSED:
        break;
    }
    if (file == NULL || strcmp(target, "flink") != 0) {
        fprintf(stderr, "paystream lint: %s; try paystream lint --help\n",
                file == NULL ? "which script?" : "--target takes flink");
        return PS_EXIT_USAGE;
    }
    ps_buf text;
    if (!ps_script_read("lint", file, &text)) {
        return PS_EXIT_REFUSED;
    }
    int exit_code = PS_EXIT_USAGE;
    ps_session *session = ps_script_session_open("lint", data_dir, &settings, 0);
    if (session != NULL) {
        exit_code = lint_text(session, file, ps_buf_slice(&text));
    }
    ps_session_free(session);
    ps_buf_release(&text);
    return exit_code;
}
