#include <llhttp.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <xxhash.h>

#include "cli/commands.h"
#include "paystream/version.h"

int ps_cmd_version(int argc, char **argv)
{
    static const ps_command_help help = {
        "version", "Prints version, commit, compiler and linked libraries", "version", NULL};
    static const ps_option options[] = {{0}};
    switch (ps_options_parse(&help, options, argc, argv, NULL, 0)) {
    case PS_PARSED_HELP:
        return PS_EXIT_DONE;
    case PS_PARSED_WRONG:
        return PS_EXIT_USAGE;
    case PS_PARSED:
        break;
    }
    printf("paystream %s\ncommit    %s\ncompiler  %s\nOpenSSL   %s\nllhttp    %d.%d.%d\nxxHash    "
           "%u.%u.%u\n",
           ps_version(), ps_version_commit(), __VERSION__, OpenSSL_version(OPENSSL_VERSION_STRING),
           LLHTTP_VERSION_MAJOR, LLHTTP_VERSION_MINOR, LLHTTP_VERSION_PATCH, XXH_VERSION_MAJOR,
           XXH_VERSION_MINOR, XXH_VERSION_RELEASE);
    return PS_EXIT_DONE;
}
