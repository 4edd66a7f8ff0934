/* The merciless part: a reference workload that is cut, failed and damaged at every step, and the
 * check of what is left. Verdicts instead of assertions, so that planted bugs can be seen to fail
 * them. */
#ifndef PS_TESTS_JOURNAL_HARNESS_H
#define PS_TESTS_JOURNAL_HARNESS_H

#include "snapshot_fixture.h"

typedef struct {
    bool bad;
    char why[600];
    uint64_t cases;
} fx_verdict;

PS_PRINTF(2, 3) static inline void fx_bad(fx_verdict *verdict, const char *format, ...)
{
    if (!verdict->bad) {
        va_list args;
        va_start(args, format);
        vsnprintf(verdict->why, sizeof verdict->why, format, args);
        va_end(args);
        verdict->bad = true;
    }
}

static inline void fx_must_be_good(const fx_verdict *verdict)
{
    if (verdict->bad) {
        fail_msg("%s", verdict->why);
    }
    print_message("           %llu cases\n", (unsigned long long)verdict->cases);
}

/* ── workload ── */

/* One life of a process: opens, then rounds of commits with rotation, seals, a snapshot, a
 * watermark. Ends at the first error but PS_E_SPACE of prepare. */
static inline ps_code fx_life(ps_io *io, uint32_t rounds, fx_state *s, fx_oracle *oracle,
                              ps_error *err)
{
    ps_journal *journal = NULL;
    ps_journal_recovery recovery;
    ps_code code = ps_journal_open(io, FX_DIR, &fx_small, 1, &journal, &recovery, err);
    if (code != PS_OK) {
        return code;
    }
    for (uint32_t i = 0; code == PS_OK && i < rounds; i++) {
        code = ps_journal_prepare(journal, err);
        if (code == PS_E_SPACE) {
            code = PS_OK;
        }
        if (code != PS_OK || !ps_journal_has_room(journal)) {
            continue;
        }
        /* two batches: the second fills while the first is on its way */
        fx_fill(journal, 1 + i % 7, oracle);
        ps_record_batch *first = ps_journal_batch_close(journal);
        fx_fill(journal, 9, oracle);
        code = ps_journal_commit(journal, first, err);
        oracle->acked = ps_journal_durable_seq(journal) > oracle->acked
                            ? ps_journal_durable_seq(journal)
                            : oracle->acked;
        if (code == PS_OK) {
            code = ps_journal_commit(journal, ps_journal_batch_close(journal), err);
            oracle->acked = ps_journal_durable_seq(journal) > oracle->acked
                                ? ps_journal_durable_seq(journal)
                                : oracle->acked;
        }
        if (code == PS_OK && i % 3 == 1) {
            code = ps_journal_seal(journal, i % 2 == 1, err);
        }
        if (code == PS_OK && i == 2 && s != NULL) {
            static const uint64_t sizes[FX_REGIONS] = {50, 0, 500};
            fx_state_fill(s, sizes, oracle->acked);
            code = fx_snapshot(io, s, oracle->acked, err);
            code = code == PS_OK ? ps_journal_seal(journal, true, err) : code;
            code = code == PS_OK ? ps_snapshot_prune(io, FX_SNAPSHOTS, err) : code;
        }
    }
    ps_journal_close(journal);
    return code;
}

static inline ps_code fx_workload(ps_io *io, uint32_t lives, fx_state *s, fx_oracle *oracle,
                                  ps_error *err)
{
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < lives; i++) {
        code = fx_life(io, 4 + i % 2, s, oracle, err);
        oracle->submitted = oracle->acked > oracle->submitted ? oracle->acked : oracle->submitted;
    }
    return code;
}

/* ── checks ── */

/* Opens; every record is right, nothing acknowledged is missing, nothing was invented; goes on and
 * survives another cut. Disturbs the image. */
static inline void fx_check_image(ps_sim *image, const fx_oracle *oracle, const char *what,
                                  fx_verdict *verdict)
{
    ps_io *io = ps_sim_io(image);
    ps_error err = {0};
    ps_journal *journal = NULL;
    ps_journal_recovery recovery = {0};
    verdict->cases++;
    if (ps_journal_open(io, FX_DIR, &fx_small, 1, &journal, &recovery, &err) != PS_OK) {
        fx_bad(verdict, "%s: refused: %s", what, err.text);
        return;
    }
    uint64_t durable = ps_journal_durable_seq(journal);
    if (durable < oracle->acked || durable > oracle->submitted) {
        fx_bad(verdict, "%s: recovered %llu, acked %llu, submitted %llu", what,
               (unsigned long long)durable, (unsigned long long)oracle->acked,
               (unsigned long long)oracle->submitted);
    } else if (!fx_read_all(journal, &err)) {
        fx_bad(verdict, "%s: wrong records: %s", what, err.text);
    }
    fx_oracle more = {durable, durable};
    ps_code code = PS_OK;
    for (uint32_t i = 0; !verdict->bad && code == PS_OK && i < 2; i++) {
        code = ps_journal_prepare(journal, &err);
        code = code == PS_OK ? fx_commit(journal, 3, &more, &err) : code;
    }
    ps_journal_close(journal);
    journal = NULL;
    ps_sim_crash(image, PS_SURVIVE_NONE);
    if (!verdict->bad && code == PS_OK) {
        code = ps_journal_open(io, FX_DIR, &fx_small, 1, &journal, &recovery, &err);
    }
    if (!verdict->bad && (code != PS_OK || ps_journal_durable_seq(journal) != more.acked ||
                          !fx_read_all(journal, &err))) {
        fx_bad(verdict, "%s: going on afterwards: %s", what, err.text);
    }
    ps_journal_close(journal);
}

/* W1, W4, P1: the process stops before every step; every way in which the disk can come out. */
static inline void fx_power_cuts(uint64_t seed, uint64_t stride, fx_verdict *verdict)
{
    fx_state s;
    fx_state_init(&s);
    bool stopped = true;
    for (uint64_t step = 1 + seed % stride; stopped && !verdict->bad; step += stride) {
        ps_sim *sim = fx_sim_with_journal(seed);
        ps_error err = {0};
        fx_oracle oracle = {0};
        ps_sim_stop_at(sim, ps_sim_steps(sim) + step);
        (void)!fx_workload(ps_sim_io(sim), 3, &s, &oracle, &err);
        stopped = ps_sim_is_stopped(sim);
        for (int how = 0; stopped && how < PS_SURVIVE_COUNT; how++) {
            char what[80];
            snprintf(what, sizeof what, "SEED=%llu step %llu variant %d", (unsigned long long)seed,
                     (unsigned long long)step, how);
            ps_sim *image = ps_sim_clone(sim);
            ps_sim_crash(image, (ps_survive)how);
            fx_check_image(image, &oracle, what, verdict);
            ps_sim_free(image);
        }
        ps_sim_free(sim);
    }
    fx_state_release(&s);
}

/* E1–E4: the call of every step fails, once or from then on; then the process dies. */
static inline void fx_failed_calls(int os_errno, bool sticky, ps_sync_failure how, uint64_t stride,
                                   fx_verdict *verdict)
{
    static const ps_survive ends[] = {PS_SURVIVE_NONE, PS_SURVIVE_ALL, PS_SURVIVE_RANDOM};
    fx_state s;
    fx_state_init(&s);
    bool reached = true;
    for (uint64_t step = 1; reached && !verdict->bad; step += stride) {
        ps_sim *sim = fx_sim_with_journal(step);
        ps_error err = {0};
        fx_oracle oracle = {0};
        uint64_t base = ps_sim_steps(sim);
        ps_sim_fail_at(sim, base + step, os_errno, sticky, how);
        (void)!fx_workload(ps_sim_io(sim), 3, &s, &oracle, &err);
        reached = ps_sim_steps(sim) >= base + step;
        for (size_t i = 0; reached && i < sizeof ends / sizeof ends[0]; i++) {
            char what[80];
            snprintf(what, sizeof what, "errno %d sticky %d step %llu end %zu", os_errno, sticky,
                     (unsigned long long)step, i);
            ps_sim *image = ps_sim_clone(sim);
            ps_sim_crash(image, ends[i]);
            fx_check_image(image, &oracle, what, verdict);
            ps_sim_free(image);
        }
        ps_sim_free(sim);
    }
    fx_state_release(&s);
}

/* After damage: the same records, or a refusal that names file and offset. */
static inline void fx_check_damaged(ps_sim *image, const ps_journal_options *options,
                                    uint64_t acked, const char *what, fx_verdict *verdict)
{
    ps_error err = {0};
    ps_journal *journal = NULL;
    ps_journal_recovery recovery = {0};
    verdict->cases++;
    ps_code code = ps_journal_open(ps_sim_io(image), FX_DIR, options, 1, &journal, &recovery, &err);
    if (code != PS_OK) {
        bool named = strstr(err.text, FX_DIR "/") != NULL &&
                     (code == PS_E_VERSION || strstr(err.text, "damaged at offset ") != NULL ||
                      strstr(err.text, "missing") != NULL);
        if (!named || (code != PS_E_DAMAGED && code != PS_E_VERSION)) {
            fx_bad(verdict, "%s: refused without a name: %s", what, err.text);
        }
        return;
    }
    if (ps_journal_durable_seq(journal) != acked) {
        fx_bad(verdict, "%s: opened with %llu of %llu records (%s)", what,
               (unsigned long long)ps_journal_durable_seq(journal), (unsigned long long)acked,
               recovery.note);
    } else if (!fx_read_all(journal, &err)) {
        fx_bad(verdict, "%s: wrong records: %s", what, err.text);
    }
    ps_journal_close(journal);
}

/* A journal in one segment of 64 KiB, ended by a seal and, if asked for, the watermark. */
static const ps_journal_options fx_64k = {.segment_size = 65536, .batch_size_max = 8192};

static inline ps_sim *fx_sealed_64k(bool watermark, uint64_t *out_acked)
{
    ps_sim *sim = ps_sim_new(64);
    ps_error err = {0};
    fx_oracle oracle = {0};
    fx_create(ps_sim_io(sim), &fx_64k);
    ps_journal *journal = fx_open(ps_sim_io(sim), &fx_64k);
    for (uint32_t i = 0; i < 9; i++) {
        fx_must(fx_commit(journal, 12, &oracle, &err), &err);
    }
    /* one seal without a watermark leaves the seal as the only witness */
    fx_must(ps_journal_prepare(journal, &err), &err);
    fx_must(ps_journal_seal(journal, watermark, &err), &err);
    ps_journal_close(journal);
    ps_sim_crash(sim, PS_SURVIVE_NONE);
    *out_acked = oracle.acked;
    return sim;
}

#define FX_SEG_1 FX_DIR "/seg-0000000000000001"
#define FX_SEG_2 FX_DIR "/seg-0000000000000002"
#define FX_SEG_3 FX_DIR "/seg-0000000000000003"
#define FX_WATERMARK FX_DIR "/watermark"

static inline void fx_flip_bits(const char *path, bool watermark, uint64_t stride,
                                fx_verdict *verdict)
{
    uint64_t acked = 0;
    ps_sim *sim = fx_sealed_64k(watermark, &acked);
    ps_slice bytes;
    if (!ps_sim_file_get(sim, path, &bytes)) {
        fx_bad(verdict, "no %s", path);
    }
    uint64_t bits = verdict->bad ? 0 : bytes.size * 8;
    for (uint64_t bit = 0; bit < bits && !verdict->bad; bit += stride) {
        char what[80];
        snprintf(what, sizeof what, "%s bit %llu", path, (unsigned long long)bit);
        ps_sim *image = ps_sim_clone(sim);
        (void)ps_sim_file_flip(image, path, bit);
        fx_check_damaged(image, &fx_64k, acked, what, verdict);
        ps_sim_free(image);
    }
    ps_sim_free(sim);
}

#endif
