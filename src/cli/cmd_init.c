#include <stdio.h>

#include "cli/commands.h"
#include "pay/engine.h"

int ps_exit_of(ps_code code)
{
    switch (code) {
    case PS_OK:
        return PS_EXIT_DONE;
    case PS_E_INVALID:
    case PS_E_UNSUPPORTED:
        return PS_EXIT_USAGE;
    case PS_E_LIMIT:
    case PS_E_MEMORY:
    case PS_E_IO:
    case PS_E_SPACE:
    case PS_E_DAMAGED:
    case PS_E_LOCKED:
    case PS_E_VERSION:
    case PS_E_EXISTS:
    case PS_E_MISSING:
    case PS_E_CLOSED:
        return PS_EXIT_REFUSED;
    }
    return PS_EXIT_REFUSED;
}

static bool tenant_is_valid(ps_slice name)
{
    static const char legal[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-";
    if (name.size == 0 || name.size > 64) {
        return false;
    }
    return strspn(name.data, legal) == name.size;
}

int ps_cmd_init(int argc, char **argv)
{
    const char *data = NULL;
    const char *tenant = "default";
    bool live = false;
    static const ps_command_help help = {
        "init", "Makes a data directory and prints its first admin key",
        "init --data DIR [--tenant NAME] [--live]",
        "The last line of standard output is the key, alone. It is shown once: only a keyed hash\n"
        "of it is stored. DIR must not exist, or be empty."};
    const ps_option options[] = {
        {"--data", "DIR", PS_OPTION_TEXT, true, "The data directory to make.", &data, NULL},
        {"--tenant", "NAME", PS_OPTION_TEXT, false, "The first tenant's name (default: default).",
         &tenant, NULL},
        {"--live", NULL, PS_OPTION_FLAG, false, "A live-mode key instead of a test-mode one.",
         &live, NULL},
        {0}};
    switch (ps_options_parse(&help, options, argc, argv, NULL, 0)) {
    case PS_PARSED_HELP:
        return PS_EXIT_DONE;
    case PS_PARSED_WRONG:
        return PS_EXIT_USAGE;
    case PS_PARSED:
        break;
    }
    if (!tenant_is_valid(ps_slice_text(tenant))) {
        fprintf(
            stderr,
            "paystream init: --tenant %s: 1 to 64 letters, digits or any of _ . : - are legal\n",
            tenant);
        return PS_EXIT_USAGE;
    }
    char key[PS_API_KEY_TEXT_MAX];
    ps_error err = {0};
    ps_code code = ps_engine_create(ps_io_posix(), data, ps_slice_text(tenant), live, key, &err);
    if (code != PS_OK) {
        fprintf(stderr, "paystream init: %s\n", err.text);
        return ps_exit_of(code);
    }
    fprintf(stderr, "made %s for tenant %s; the %s-mode admin key, shown this once:\n", data,
            tenant, live ? "live" : "test");
    printf("%s\n", key);
    return PS_EXIT_DONE;
}
