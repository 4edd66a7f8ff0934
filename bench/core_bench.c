/* A payment decided and applied in the core (authorise and capture of a test card, no policy, no journal), one at a time; and the memory
 * that a finished payment keeps.
 *
 * usage: core_bench [PAYMENTS]
 */
#include "bench.h"

#include "pay/core.h"

enum { MERCHANTS = 1000 };

static void command_run(ps_core *core, const ps_command *command, uint64_t seq, char *payload)
{
    ps_result result;
    ps_core_execute(core, command, (int64_t)seq * 1000, seq, payload, &result);
    if (result.kind != PS_RESULT_RECORD) {
        fprintf(stderr, "bench: refused: %s\n", ps_refusal_describe(result.refusal)->code);
        exit(1);
    }
}

static void genesis(ps_core *core, char *payload)
{
    uint8_t data[32 + sizeof(ps_hash_secret)] = {1};
    ps_command command = {.kind = PS_CMD_GENESIS, .scopes = PS_SCOPE_ADMIN};
    command.data = ps_slice_of(data, sizeof data);
    command.reason = PS_SLICE("bench");
    command.u.key_new.scopes = PS_SCOPE_ADMIN;
    command.u.key_new.tenant = PS_SLICE("bench");
    command_run(core, &command, 1, payload);
}

int main(int argc, char **argv)
{
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    ps_error err;
    ps_core *core = NULL;
    ps_core_options options;
    ps_core_options_default(&options);
    bench_check(ps_core_new(&options, NULL, (ps_u128){1, 2}, &core, &err), &err);
    char *payload = aligned_alloc(64, PS_RECORD_SIZE_MAX + 64 - PS_RECORD_SIZE_MAX % 64);
    static ps_histogram latency;
    ps_io *io = ps_io_posix();
    uint64_t random = 1;
    genesis(core, payload);
    ps_core_stats before;
    ps_core_get_stats(core, &before);

    char merchant[32];
    char payer[32];
    char reference[32];
    ps_payment_request request = {.token = PS_SLICE("tok_ok"),
                                  .bin = PS_SLICE("411111"),
                                  .last4 = PS_SLICE("1111"),
                                  .exp = PS_SLICE("2030-04"),
                                  .card_country = PS_SLICE("DE"),
                                  .instrument = PS_INSTRUMENT_CARD,
                                  .confirm = true};
    if (!ps_currency_parse(PS_SLICE("EUR"), &request.currency)) {
        return 1;
    }
    ps_region *regions[64];
    uint32_t region_count = ps_core_regions(core, regions);
    uint64_t bytes = 0;
    int64_t start_ns = ps_io_now_mono_ns(io);
    for (uint64_t i = 0; i < count; i++) {
        snprintf(merchant, sizeof merchant, "m%llu",
                 (unsigned long long)bench_draw(&random, MERCHANTS));
        snprintf(payer, sizeof payer, "p%llu",
                 (unsigned long long)bench_draw(&random, 10 * MERCHANTS));
        snprintf(reference, sizeof reference, "r%llu", (unsigned long long)i);
        request.merchant = ps_slice_text(merchant);
        request.payer = ps_slice_text(payer);
        request.reference = ps_slice_text(reference);
        request.amount = 1 + (int64_t)bench_draw(&random, 10000);
        ps_command command = {.kind = PS_CMD_PAYMENT_CREATE,
                              .book = 1,
                              .key = 1,
                              .scopes = PS_SCOPE_ADMIN,
                              .has_idempotency_key = true};
        command.idempotency = (ps_u128){i + 1, bench_draw(&random, UINT64_MAX)};
        command.fingerprint = (ps_u128){i, 1};
        command.u.payment = &request;
        if (i % 1024 == 0) { /* in the service, the maintenance thread's work */
            for (uint32_t r = 0; r < region_count; r++) {
                ps_region_populate(regions[r]);
            }
        }
        ps_result result;
        int64_t from_ns = ps_io_now_mono_ns(io);
        ps_core_execute(core, &command, (int64_t)(i + 2) * 1000, i + 2, payload, &result);
        ps_histogram_add(&latency, (uint64_t)(ps_io_now_mono_ns(io) - from_ns));
        bytes += result.payload_size;
    }
    double seconds = (double)(ps_io_now_mono_ns(io) - start_ns) / 1e9;
    ps_core_stats after;
    ps_core_get_stats(core, &after);
    printf("{\"bench\":\"payment decided and applied in the "
           "core\",\"payments\":%llu,\"seconds\":%.3f,\"mean_ns\":%.0f,\"p50_ns\":%llu,"
           "\"p99_ns\":%llu,\"p999_ns\":%llu,\"record_bytes\":%llu,\"memory_bytes_per_payment\":%."
           "0f}\n",
           (unsigned long long)count, seconds, (double)latency.sum_ns / (double)latency.count,
           (unsigned long long)ps_histogram_quantile(&latency, 0.5),
           (unsigned long long)ps_histogram_quantile(&latency, 0.99),
           (unsigned long long)ps_histogram_quantile(&latency, 0.999),
           (unsigned long long)(bytes / count),
           (double)(after.memory_bytes - before.memory_bytes) / (double)count);
    ps_core_free(core);
    free(payload);
    return 0;
}
