/* Ledger transfers in process, durable in groups of 8,189 (the group of the yardstick):
 * single-phase transfers with a client's 128-bit
 * id that is looked up first, over 10,000 accounts (spread) or with one account on every transfer
 * (hot).
 *
 * usage: ledger_bench [SECONDS]
 */
#include "bench.h"

#include "base/index.h"
#include "journal/journal.h"
#include "ledger/ledger.h"

enum { GROUP = 8189, ACCOUNTS = 10000, TRANSFERS_MAX = 40000000 };

typedef struct {
    ps_io *io;
    ps_ledger ledger;
    ps_index by_id;
    ps_region ids; /* ps_u128[] */
    ps_journal *journal;
    uint64_t random;
    uint64_t count;
    bool hot;
} bench;

static bool id_is_new(bench *b, ps_u128 id)
{
    ps_index_cursor cursor;
    const ps_u128 *ids = (const void *)b->ids.data;
    for (uint32_t i = ps_index_first(&b->by_id, id.low, &cursor); i != PS_INDEX_NONE;
         i = ps_index_next(&b->by_id, &cursor)) {
        if (ps_u128_equal(ids[i], id)) {
            return false;
        }
    }
    ps_u128 *at = ps_region_extend(&b->ids, sizeof *at);
    PS_ASSERT(at != NULL);
    *at = id;
    bool added = ps_index_add(&b->by_id, id.low, (uint32_t)(at - ids));
    PS_ASSERT(added);
    return true;
}

static void transfer_once(bench *b, ps_record_batch *batch)
{
    ps_u128 id = {b->count, bench_draw(&b->random, UINT64_MAX)};
    if (!id_is_new(b, id)) {
        return;
    }
    ps_leg leg = {.kind = PS_LEG_POSTED, .amount = 1 + (int64_t)bench_draw(&b->random, 1000)};
    leg.debit = b->hot ? 0 : (uint32_t)bench_draw(&b->random, ACCOUNTS);
    leg.credit = (leg.debit + 1 + (uint32_t)bench_draw(&b->random, ACCOUNTS - 1)) % ACCOUNTS;
    if (ps_ledger_check(&b->ledger, &leg, 1, NULL) != PS_LEDGER_OK) {
        return;
    }
    char *payload = ps_record_batch_reserve(batch, sizeof id + sizeof leg);
    PS_ASSERT(payload != NULL);
    ps_ledger_apply(&b->ledger, &leg, 1, ps_journal_next_seq(b->journal), (int64_t)b->count);
    memcpy(payload, &id, sizeof id);
    memcpy(payload + sizeof id, &leg, sizeof leg);
    ps_record_batch_append(batch, 1, sizeof id + sizeof leg);
    b->count++;
}

static void bench_run(const char *name, bool hot, double seconds)
{
    char directory[PS_PATH_MAX];
    ps_error err;
    bench *b = calloc(1, sizeof *b);
    bench_directory(directory);
    b->io = ps_io_posix();
    b->random = 1;
    b->hot = hot;
    const ps_ledger_limits limits = {ACCOUNTS + 1, 16, 2000000};
    bench_check(ps_ledger_init(&b->ledger, &limits, &err), &err);
    bench_check(ps_index_init(&b->by_id, "ids", TRANSFERS_MAX, &err), &err);
    ps_index_clear(&b->by_id);
    bench_check(ps_region_init(&b->ids, "ids", (uint64_t)TRANSFERS_MAX * sizeof(ps_u128), &err),
                &err);
    ps_currency currency = 0;
    for (int i = 0; i < ACCOUNTS; i++) {
        char text[32];
        snprintf(text, sizeof text, "account-%d", i);
        uint32_t account = ps_ledger_account_add(&b->ledger, 1, ps_slice_text(text), currency,
                                                 PS_ACCOUNT_LIABILITY, 0, 1);
        PS_ASSERT(account == (uint32_t)i);
    }
    const ps_journal_options options = {.segment_size = PS_SEGMENT_SIZE_DEFAULT,
                                        .batch_size_max = 4 << 20};
    ps_journal_recovery recovery;
    bench_check(ps_journal_create(b->io, directory, &options, &err), &err);
    bench_check(ps_journal_open(b->io, directory, &options, 1, &b->journal, &recovery, &err), &err);
    bench_check(ps_journal_prepare(b->journal, &err), &err);

    double start = bench_seconds(b->io);
    double elapsed = 0;
    while (elapsed < seconds && b->count < TRANSFERS_MAX - GROUP) {
        ps_record_batch *batch = ps_journal_batch(b->journal);
        for (int i = 0; i < GROUP; i++) {
            transfer_once(b, batch);
        }
        bench_check(ps_journal_commit(b->journal, ps_journal_batch_close(b->journal), &err), &err);
        bench_check(ps_journal_prepare(b->journal, &err), &err);
        elapsed = bench_seconds(b->io) - start;
    }
    printf("{\"bench\":\"%s\",\"transfers\":%llu,\"seconds\":%.3f,\"per_second\":%.0f}\n", name,
           (unsigned long long)b->count, elapsed, (double)b->count / elapsed);
    fflush(stdout);
    ps_journal_close(b->journal);
    ps_ledger_release(&b->ledger);
    ps_index_release(&b->by_id);
    ps_region_release(&b->ids);
    free(b);
    bench_remove(directory);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 5;
    bench_run("ledger transfers, durable, spread", false, seconds);
    bench_run("ledger transfers, durable, one hot account", true, seconds);
    return 0;
}
