#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/time.h"
#include "cli/commands.h"
#include "cli/load_client.h"

static double us(uint64_t ns)
{
    return (double)ns / 1000.0;
}

static void json_print(const ps_load_result *result)
{
    printf("{\"requests\":%llu,\"payments\":%llu,\"seconds\":%.3f,\"rate\":%.1f,\"status\":{",
           (unsigned long long)result->requests, (unsigned long long)result->payments,
           result->seconds, (double)result->requests / result->seconds);
    bool first = true;
    for (int status = 0; status < PS_LOAD_STATUS_MAX; status++) {
        if (result->by_status[status] > 0) {
            printf("%s\"%d\":%llu", first ? "" : ",", status,
                   (unsigned long long)result->by_status[status]);
            first = false;
        }
    }
    const ps_histogram *latency = &result->latency;
    printf("},\"errors\":%llu,\"latency_us\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,"
           "\"max\":%.1f}}\n",
           (unsigned long long)result->errors, us(ps_histogram_quantile(latency, 0.5)),
           us(ps_histogram_quantile(latency, 0.9)), us(ps_histogram_quantile(latency, 0.99)),
           us(ps_histogram_quantile(latency, 0.999)), us(latency->max_ns));
}

static void table_print(const ps_load_result *result)
{
    const ps_histogram *latency = &result->latency;
    printf("requests   %12llu   %10.0f/s\n", (unsigned long long)result->requests,
           (double)result->requests / result->seconds);
    printf("payments   %12llu   %10.0f/s\n", (unsigned long long)result->payments,
           (double)result->payments / result->seconds);
    printf("errors     %12llu\n", (unsigned long long)result->errors);
    for (int status = 0; status < PS_LOAD_STATUS_MAX; status++) {
        if (result->by_status[status] > 0) {
            printf("status %3d %12llu\n", status, (unsigned long long)result->by_status[status]);
        }
    }
    printf("latency    p50 %.3f ms   p90 %.3f ms   p99 %.3f ms   p99.9 %.3f ms   max %.3f ms\n",
           us(ps_histogram_quantile(latency, 0.5)) / 1000,
           us(ps_histogram_quantile(latency, 0.9)) / 1000,
           us(ps_histogram_quantile(latency, 0.99)) / 1000,
           us(ps_histogram_quantile(latency, 0.999)) / 1000, us(latency->max_ns) / 1000);
}

typedef struct {
    const char *url;
    const char *key;
    const char *mix;
    int64_t connections, rate, seconds, batch, seed;
    bool sign, json, quiet;
} load_arguments;

static int load_run(const load_arguments *arguments)
{
    ps_error err = {0};
    ps_mix_kind kind;
    if (!ps_mix_parse(ps_slice_text(arguments->mix), &kind)) {
        const char *nearest = ps_nearest_word(arguments->mix, ps_mix_names);
        fprintf(stderr,
                "paystream load: unknown mix %s%s%s%s; there are payments, wallet, hot, demo\n",
                arguments->mix, nearest != NULL ? " (did you mean " : "",
                nearest != NULL ? nearest : "", nearest != NULL ? "?)" : "");
        return PS_EXIT_USAGE;
    }
    ps_io *io = ps_io_posix();
    char run[24];
    uint64_t word;
    ps_io_random(io, &word, sizeof word);
    /* Letters at both ends: digits alone, with the dash, might look like a card number. */
    snprintf(run, sizeof run, "r%08llxz", (unsigned long long)(word & UINT32_MAX));
    ps_mix *mix = NULL;
    ps_load_result *result = calloc(1, sizeof *result);
    ps_code code = result == NULL
                       ? ps_error_set(&err, PS_E_MEMORY, "no memory")
                       : ps_mix_new(kind, (uint64_t)arguments->seed, (uint32_t)arguments->batch,
                                    ps_slice_text(run), &mix, &err);
    if (code == PS_OK) {
        const ps_load_options options = {.url = arguments->url,
                                         .key = arguments->key,
                                         .connection_count = (uint32_t)arguments->connections,
                                         .rate = (double)arguments->rate,
                                         .seconds_ns = arguments->seconds * PS_NS_PER_S,
                                         .signs = arguments->sign,
                                         .progress = !arguments->quiet && isatty(STDERR_FILENO)};
        code = ps_load_run(io, &options, mix, result, &err);
    }
    int exit_code = PS_EXIT_DONE;
    if (code != PS_OK) {
        fprintf(stderr, "paystream load: %s\n", err.text);
        exit_code = code == PS_E_INVALID ? PS_EXIT_USAGE : PS_EXIT_FAILED;
    } else if (arguments->json) {
        json_print(result);
    } else {
        table_print(result);
    }
    ps_mix_free(mix);
    free(result);
    return exit_code;
}

int ps_cmd_load(int argc, char **argv)
{
    load_arguments a = {.mix = "payments", .connections = 64, .seconds = 10, .seed = 1};
    static const ps_command_help help = {
        "load", "Sends payments to a service and measures it",
        "load --url URL --key KEY [--connections N] [--rate R] [--seconds S] [--batch N] [--mix "
        "NAME]",
        "Without a rate each connection sends as soon as it has its reply (closed loop). With "
        "one,\n"
        "latency counts from the time at which a request was due (open loop).\n"
        "Mixes: payments (cards, 1,000 merchants), wallet, hot (one merchant), demo (a day in "
        "small)."};
    const ps_option options[] = {
        {"--url", "URL", PS_OPTION_TEXT, true, "The service, http://HOST:PORT.", &a.url, NULL},
        {"--key", "KEY", PS_OPTION_TEXT, true, "An API key that may write payments.", &a.key, NULL},
        {"--connections", "N", PS_OPTION_NUMBER, false, "Keep-alive connections (default 64).",
         &a.connections, NULL},
        {"--rate", "R", PS_OPTION_NUMBER, false, "Requests per second; 0: closed loop (default).",
         &a.rate, NULL},
        {"--seconds", "S", PS_OPTION_NUMBER, false, "How long (default 10).", &a.seconds, NULL},
        {"--batch", "N", PS_OPTION_NUMBER, false, "Payments per /v1/batch request; 0: single.",
         &a.batch, NULL},
        {"--mix", "NAME", PS_OPTION_TEXT, false, "What to send (default payments).", &a.mix, NULL},
        {"--seed", "N", PS_OPTION_NUMBER, false, "Seed of amounts and names (default 1).", &a.seed,
         NULL},
        {"--sign", NULL, PS_OPTION_FLAG, false,
         "Sign each request, for a service with http.require_signature.", &a.sign, NULL},
        {"--json", NULL, PS_OPTION_FLAG, false, "One JSON object instead of a table.", &a.json,
         NULL},
        {"--quiet", NULL, PS_OPTION_FLAG, false, "No progress line.", &a.quiet, NULL},
        {0}};
    switch (ps_options_parse(&help, options, argc, argv, NULL, 0)) {
    case PS_PARSED_HELP:
        return PS_EXIT_DONE;
    case PS_PARSED_WRONG:
        return PS_EXIT_USAGE;
    case PS_PARSED:
        break;
    }
    if (a.connections < 1 || a.connections > 20000 || a.batch > 10000 || a.seconds < 1) {
        fprintf(stderr, "paystream load: --connections 1 to 20000, --batch 0 to 10000, --seconds 1 "
                        "or more\n");
        return PS_EXIT_USAGE;
    }
    return load_run(&a);
}
