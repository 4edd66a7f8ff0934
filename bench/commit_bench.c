/* The bare loop: group-commits the same bytes as the service writes for single payments and does
 * nothing else: no decisions, no HTTP. The ceiling
 * that the service is compared with (≥ 80 %).
 *
 * usage: commit_bench BYTES_PER_RECORD RECORDS_PER_GROUP [SECONDS]
 */
#include "bench.h"

#include "journal/journal.h"

int main(int argc, char **argv)
{
    uint32_t record_size = argc > 1 ? (uint32_t)atoi(argv[1]) : 1400;
    uint32_t group = argc > 2 ? (uint32_t)atoi(argv[2]) : 64;
    double seconds = argc > 3 ? atof(argv[3]) : 5;
    char directory[PS_PATH_MAX];
    ps_error err;
    ps_io *io = ps_io_posix();
    ps_journal *journal = NULL;
    ps_journal_recovery recovery;
    const ps_journal_options options = {.segment_size = PS_SEGMENT_SIZE_DEFAULT,
                                        .batch_size_max = PS_BATCH_SIZE_MAX_DEFAULT};
    bench_directory(directory);
    bench_check(ps_journal_create(io, directory, &options, &err), &err);
    bench_check(ps_journal_open(io, directory, &options, 1, &journal, &recovery, &err), &err);
    bench_check(ps_journal_prepare(journal, &err), &err);
    uint64_t count = 0;
    double start = bench_seconds(io);
    double elapsed = 0;
    while (elapsed < seconds) {
        ps_record_batch *batch = ps_journal_batch(journal);
        for (uint32_t i = 0; i < group; i++) {
            char *payload = ps_record_batch_reserve(batch, record_size);
            if (payload == NULL) {
                break;
            }
            memset(payload, (int)(count & 0xff), record_size);
            ps_record_batch_append(batch, 1, record_size);
            count++;
        }
        bench_check(ps_journal_commit(journal, ps_journal_batch_close(journal), &err), &err);
        bench_check(ps_journal_prepare(journal, &err), &err);
        elapsed = bench_seconds(io) - start;
    }
    printf("{\"bench\":\"bare group "
           "commit\",\"record_bytes\":%u,\"records_per_group\":%u,\"per_second\":%.0f}\n",
           record_size, group, (double)count / elapsed);
    ps_journal_close(journal);
    bench_remove(directory);
    return 0;
}
