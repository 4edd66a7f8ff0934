#include "cli/option.h"

#include <stdio.h>

enum { WORD_MAX = 64, WORDS_MAX = 64 };

static void help_print(const ps_command_help *help, const ps_option *options)
{
    printf("usage: paystream %s\n\n%s.\n", help->usage, help->summary);
    if (help->details != NULL) {
        printf("\n%s\n", help->details);
    }
    printf("\noptions:\n");
    for (const ps_option *option = options; option->name != NULL; option++) {
        char left[WORD_MAX];
        snprintf(left, sizeof left, "%s%s%s", option->name, option->value != NULL ? " " : "",
                 option->value != NULL ? option->value : "");
        printf("  %-24s %s%s\n", left, option->help, option->required ? " (required)" : "");
    }
    printf("  %-24s %s\n", "--help", "This text.");
}

static ps_parsed option_unknown(const ps_command_help *help, const ps_option *options,
                                const char *text)
{
    const char *names[WORDS_MAX + 1] = {"--help"};
    size_t count = 1;
    for (const ps_option *option = options; option->name != NULL && count < WORDS_MAX; option++) {
        names[count++] = option->name;
    }
    char word[WORD_MAX];
    snprintf(word, sizeof word, "%.*s", (int)strcspn(text, "="), text);
    const char *nearest = ps_nearest_word(word, names);
    fprintf(stderr, "paystream %s: unknown option %s%s%s%s; try paystream %s --help\n",
            help->command, word, nearest != NULL ? " (did you mean " : "",
            nearest != NULL ? nearest : "", nearest != NULL ? "?)" : "", help->command);
    return PS_PARSED_WRONG;
}

static const ps_option *option_find(const ps_option *options, const char *text, size_t name_size)
{
    for (const ps_option *option = options; option->name != NULL; option++) {
        if (strlen(option->name) == name_size && memcmp(option->name, text, name_size) == 0) {
            return option;
        }
    }
    return NULL;
}

static bool option_set(const ps_command_help *help, const ps_option *option, const char *value)
{
    ps_error err = {0};
    switch (option->kind) {
    case PS_OPTION_FLAG:
        *(bool *)option->target = true;
        return true;
    case PS_OPTION_TEXT:
        *(const char **)option->target = value;
        return true;
    case PS_OPTION_NUMBER:
        if (ps_parse_i64(ps_slice_text(value), (int64_t *)option->target) &&
            *(int64_t *)option->target >= 0) {
            return true;
        }
        fprintf(stderr, "paystream %s: %s wants a whole number, not '%s'\n", help->command,
                option->name, value);
        return false;
    case PS_OPTION_SETTING:
        if (option->setting(option->target, value, &err)) {
            return true;
        }
        fprintf(stderr, "paystream %s: %s %s: %s\n", help->command, option->name, value, err.text);
        return false;
    }
    return false;
}

/* Takes argv[*index] (and its value); true when parsing goes on. */
static bool option_take(const ps_command_help *help, const ps_option *options, int argc,
                        char **argv, int *index, ps_parsed *out_parsed)
{
    const char *text = argv[*index];
    *out_parsed = PS_PARSED_WRONG;
    if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0) {
        help_print(help, options);
        *out_parsed = PS_PARSED_HELP;
        return false;
    }
    bool is_short = text[1] != '-';
    size_t name_size = is_short ? 2 : strcspn(text, "=");
    const ps_option *option = option_find(options, text, name_size);
    if (option == NULL) {
        *out_parsed = option_unknown(help, options, text);
        return false;
    }
    const char *value = text + name_size;
    if (option->kind == PS_OPTION_FLAG) {
        if (*value != '\0') {
            fprintf(stderr, "paystream %s: %s takes no value\n", help->command, option->name);
            return false;
        }
    } else if (*value == '=') {
        value++;
    } else if (*value == '\0') {
        if (*index + 1 >= argc) {
            fprintf(stderr, "paystream %s: %s wants %s\n", help->command, option->name,
                    option->value);
            return false;
        }
        *index += 1;
        value = argv[*index];
    }
    return option_set(help, option, value);
}

static bool required_are_set(const ps_command_help *help, const ps_option *options)
{
    for (const ps_option *option = options; option->name != NULL; option++) {
        if (option->required && *(const char **)option->target == NULL) {
            fprintf(stderr, "paystream %s: %s %s is missing; try paystream %s --help\n",
                    help->command, option->name, option->value, help->command);
            return false;
        }
    }
    return true;
}

ps_parsed ps_options_parse(const ps_command_help *help, const ps_option *options, int argc,
                           char **argv, const char **out_arguments, int arguments_max)
{
    int argument_count = 0;
    bool options_ended = false;
    for (int i = 1; i < argc; i++) {
        bool is_option = !options_ended && argv[i][0] == '-' && argv[i][1] != '\0';
        ps_parsed parsed;
        if (is_option && strcmp(argv[i], "--") == 0) {
            options_ended = true;
        } else if (is_option) {
            if (!option_take(help, options, argc, argv, &i, &parsed)) {
                return parsed;
            }
        } else if (argument_count < arguments_max) {
            out_arguments[argument_count++] = argv[i];
        } else {
            fprintf(stderr, "paystream %s: unexpected argument '%s'; try paystream %s --help\n",
                    help->command, argv[i], help->command);
            return PS_PARSED_WRONG;
        }
    }
    return required_are_set(help, options) ? PS_PARSED : PS_PARSED_WRONG;
}
