#include "simulator.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/io_sim.h"
#include "base/time.h"
#include "commands.h"
#include "pay/engine.h"

enum { ORACLE_MAX = 20000, IDS_MAX = 64, OPEN_TRIES_MAX = 8 };

/* One command that the oracle remembers. */
typedef struct {
    uint64_t number; /* the seed of its content: the same number makes the same command */
    uint64_t seq;    /* record; 0: not executed in this state of the disk */
    ps_u128 payload; /* hash of the record */
    bool acknowledged;
    bool executed; /* was executed in some generation, maybe lost */
} oracle_entry;

typedef struct {
    const sim_options *options;
    sim_result *result;
    ps_sim *sim;
    ps_io *io;
    ps_engine *engine;
    ps_engine_options engine_options;
    oracle_entry *oracle;
    uint32_t oracle_count;
    uint64_t acknowledged_seq; /* highest seq that was acknowledged */
    uint64_t acknowledged_at_close;
    bool created;
    char ids[IDS_MAX][PS_ID_TEXT_MAX + 1]; /* payments to go on with */
    uint32_t id_count;
} world;

PS_PRINTF(2, 3) static void fail(world *w, const char *format, ...)
{
    if (w->result->failure[0] != '\0') {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(w->result->failure, sizeof w->result->failure, format, arguments);
    va_end(arguments);
}

static bool has_failed(const world *w)
{
    return w->result->failure[0] != '\0';
}

static const char *target_of(const world *w, uint64_t number)
{
    return w->id_count == 0 ? "" : w->ids[sim_mix(number + 3) % w->id_count];
}

static void ids_learn(world *w, ps_slice payload, uint64_t number)
{
    const ps_record_header *header = ps_record_head(payload);
    if (header->command != PS_CMD_PAYMENT_CREATE || header->refusal != PS_REFUSED_NONE) {
        return;
    }
    const ps_effect_head *e = ps_effect_first(payload);
    while (e != NULL && e->type != PS_EFFECT_PAYMENT) {
        e = ps_effect_next(payload, e);
    }
    if (e == NULL || w->id_count == IDS_MAX) {
        return;
    }
    const ps_effect_payment *payment = (const ps_effect_payment *)(const void *)e;
    char *at = w->ids[w->id_count++];
    size_t size = ps_id_format(ps_journal_instance(ps_engine_journal(w->engine)), PS_ID_PAYMENT,
                               payment->payment, payment->created_ns, at);
    at[size] = '\0';
    (void)number;
}

/* ── checks ── */

static void violation(void *context, const char *invariant, const char *sentence)
{
    fail(context, "%s violated: %s", invariant, sentence);
}

/* I3, I4: every acknowledged command answers from its record, and no other one does. */
static void acknowledged_check(world *w)
{
    ps_error err;
    ps_journal_cursor *cursor = NULL;
    ps_journal *journal = ps_engine_journal(w->engine);
    if (ps_journal_durable_seq(journal) < w->acknowledged_seq) {
        fail(w, "acknowledged up to seq %llu, recovered up to %llu",
             (unsigned long long)w->acknowledged_seq,
             (unsigned long long)ps_journal_durable_seq(journal));
        return;
    }
    if (ps_journal_cursor_new(journal, &cursor, &err) != PS_OK) {
        fail(w, "cursor: %s", err.text);
        return;
    }
    for (uint32_t i = 0; i < w->oracle_count && !has_failed(w); i++) {
        oracle_entry *entry = &w->oracle[i];
        ps_record record;
        if (entry->seq == 0) {
            continue;
        }
        bool there =
            ps_journal_cursor_read(cursor, entry->seq, &record, &err) == PS_OK &&
            ps_u128_equal(ps_xxh3_128(record.payload.data, record.payload.size), entry->payload);
        if (entry->acknowledged && !there) {
            fail(w, "acknowledged command %llu (seq %llu) is gone or changed",
                 (unsigned long long)entry->number, (unsigned long long)entry->seq);
        } else if (!there) {
            entry->seq = 0;
        } else {
            entry->acknowledged = true; /* it is durable now */
        }
    }
    ps_journal_cursor_free(cursor);
}

/* I9, I10, M16: the recovered state is the state of a replay from the first record, on a copy of
 * the disk. */
static void replay_check(world *w)
{
    ps_error err;
    ps_sim *copy = ps_sim_clone(w->sim);
    ps_engine *full = NULL;
    ps_engine_recovery recovery;
    ps_engine_options options = w->engine_options;
    options.read_only = true;
    options.ignore_snapshots = true;
    if (ps_engine_open(ps_sim_io(copy), "data", &options, &full, &recovery, &err) != PS_OK) {
        fail(w, "replay from the first record: %s", err.text);
    } else if (!ps_u128_equal(ps_core_hash(ps_engine_core(full)),
                              ps_core_hash(ps_engine_core(w->engine)))) {
        fail(w, "the recovered state differs from a replay of seq 1 to %llu",
             (unsigned long long)ps_core_last_seq(ps_engine_core(w->engine)));
    }
    ps_engine_close(full);
    ps_sim_free(copy);
}

static void state_check(world *w)
{
    acknowledged_check(w);
    if (!has_failed(w)) {
        ps_core_verify(ps_engine_core(w->engine), violation, w);
    }
    if (!has_failed(w)) {
        replay_check(w);
    }
}

/* ── life ── */

static void crash(world *w)
{
    ps_engine_close(w->engine);
    w->engine = NULL;
    ps_sim_crash(w->sim, PS_SURVIVE_RANDOM);
    w->result->crashes++;
}

/* Makes the directory if it is not there, opens it; crashes on the way are an ordinary day. */
static bool engine_open(world *w)
{
    ps_error err = {0};
    for (int try = 0; try < OPEN_TRIES_MAX; try++) {
        if (try < OPEN_TRIES_MAX - 1 && ps_sim_draw(w->sim, 3) == 0) {
            ps_sim_stop_at(w->sim, ps_sim_steps(w->sim) + 1 + ps_sim_draw(w->sim, 60));
        }
        char key[PS_API_KEY_TEXT_MAX];
        ps_code code = PS_OK;
        if (!w->created) {
            const ps_engine_founding founding = {PS_SLICE("acme"), false, &w->engine_options};
            code = ps_engine_found(w->io, "data", &founding, key, &err);
            w->created = code == PS_OK || code == PS_E_EXISTS;
            code = code == PS_E_EXISTS ? PS_OK : code;
        }
        ps_engine_recovery recovery;
        if (code == PS_OK) {
            code = ps_engine_open(w->io, "data", &w->engine_options, &w->engine, &recovery, &err);
        }
        if (code == PS_OK) {
            ps_sim_stop_at(w->sim, 0); /* the checks that follow are no part of the life */
            w->result->recoveries_from_snapshot += recovery.snapshot_seq > 0;
            return true;
        }
        if (!ps_sim_is_stopped(w->sim)) {
            fail(w, "refused to open: %s", err.text);
            return false;
        }
        w->result->nested_crashes++;
        crash(w);
    }
    fail(w, "did not open in %d tries", OPEN_TRIES_MAX);
    return false;
}

static void acknowledge(world *w, uint64_t durable_seq)
{
    for (uint32_t i = 0; i < w->oracle_count; i++) {
        oracle_entry *entry = &w->oracle[i];
        if (entry->seq != 0 && entry->seq <= durable_seq && !entry->acknowledged) {
            entry->acknowledged = true;
            w->result->acknowledged++;
        }
    }
    if (durable_seq > w->acknowledged_seq) {
        w->acknowledged_seq = durable_seq;
    }
}

/* False: the process is gone (stopped, or a failed sync). */
static bool commit(world *w)
{
    ps_error err;
    ps_record_batch *batch = ps_engine_batch_close(w->engine);
    if (batch != NULL && ps_journal_commit(ps_engine_journal(w->engine), batch, &err) != PS_OK) {
        w->result->sync_failures += !ps_sim_is_stopped(w->sim);
        return false;
    }
    acknowledge(w, ps_journal_durable_seq(ps_engine_journal(w->engine)));
    ps_code code = ps_journal_prepare(ps_engine_journal(w->engine), &err);
    return code == PS_OK || code == PS_E_SPACE || !ps_sim_is_stopped(w->sim);
}

static oracle_entry *entry_choose(world *w)
{
    if (w->oracle_count > 0 && ps_sim_draw(w->sim, 5) == 0) {
        return &w->oracle[ps_sim_draw(w->sim, w->oracle_count)]; /* a retry */
    }
    if (w->oracle_count == ORACLE_MAX) {
        return NULL;
    }
    oracle_entry *entry = &w->oracle[w->oracle_count];
    memset(entry, 0, sizeof *entry);
    entry->number = sim_mix(w->options->seed) + w->oracle_count;
    w->oracle_count++;
    return entry;
}

static void reply_check(world *w, oracle_entry *entry, const ps_reply *reply)
{
    switch (reply->result.kind) {
    case PS_RESULT_RECORD:
        if (entry->seq != 0) {
            fail(w, "command %llu was executed twice: seq %llu and %llu",
                 (unsigned long long)entry->number, (unsigned long long)entry->seq,
                 (unsigned long long)reply->seq);
        }
        entry->seq = reply->seq;
        entry->executed = true;
        entry->payload = ps_xxh3_128(reply->payload.data, reply->payload.size);
        ids_learn(w, reply->payload, entry->number);
        break;
    case PS_RESULT_REPLAY:
        if (reply->result.replay_seq != entry->seq) {
            fail(w, "command %llu replays seq %llu instead of %llu",
                 (unsigned long long)entry->number, (unsigned long long)reply->result.replay_seq,
                 (unsigned long long)entry->seq);
        }
        break;
    case PS_RESULT_REFUSED:
        if (entry->seq != 0 && reply->result.refusal != PS_REFUSED_STORAGE_FULL) {
            fail(w, "command %llu was done as seq %llu and is refused now (%d)",
                 (unsigned long long)entry->number, (unsigned long long)entry->seq,
                 (int)reply->result.refusal);
        }
        break;
    }
}

static bool work_once(world *w)
{
    oracle_entry *entry = entry_choose(w);
    if (entry == NULL) {
        return false;
    }
    sim_command m;
    sim_command_make(entry->number, target_of(w, entry->number), &m);
    ps_reply reply;
    for (int round = 0; !ps_engine_execute(w->engine, &m.command, &reply); round++) {
        if (round > 3) {
            fail(w, "the batch never has room");
            return false;
        }
        if (!commit(w)) {
            return false;
        }
    }
    w->result->commands++;
    reply_check(w, entry, &reply);
    return !has_failed(w);
}

/* Everything beside commands: commits, timers, seals, snapshots, the passing of time. False: the
 * process is gone. */
static bool background(world *w)
{
    ps_error err;
    bool busy = false;
    if (ps_sim_draw(w->sim, 4) == 0 && !commit(w)) {
        return false;
    }
    if (ps_sim_draw(w->sim, 8) == 0) {
        ps_sim_advance(w->sim, (int64_t)ps_sim_draw(w->sim, 15) * PS_NS_PER_S);
        ps_engine_tick(w->engine);
    }
    if (ps_sim_draw(w->sim, 200) == 0) {
        ps_sim_step_wall_clock(w->sim, ((int64_t)ps_sim_draw(w->sim, 2000) - 1000) * PS_NS_PER_S);
    }
    if (ps_sim_draw(w->sim, 20) == 0 && commit(w) &&
        ps_journal_seal(ps_engine_journal(w->engine), false, &err) != PS_OK) {
        return false;
    }
    bool force = ps_sim_draw(w->sim, 60) == 0;
    w->result->snapshots += force;
    if (ps_engine_snapshot_step(w->engine, force, &busy, &err) != PS_OK &&
        ps_sim_is_stopped(w->sim)) {
        return false;
    }
    if (busy && ps_engine_snapshot_write(w->engine, &err) != PS_OK && ps_sim_is_stopped(w->sim)) {
        return false;
    }
    return !ps_sim_is_stopped(w->sim);
}

static void faults_aim(world *w)
{
    uint64_t now = ps_sim_steps(w->sim);
    switch (ps_sim_draw(w->sim, 4)) {
    case 0:
        break;
    case 1:
        ps_sim_fail_at(w->sim, now + 1 + ps_sim_draw(w->sim, 300), EIO, ps_sim_draw(w->sim, 2) == 0,
                       ps_sim_draw(w->sim, 2) == 0 ? PS_SYNC_FAIL_CLEAN_KEPT
                                                   : PS_SYNC_FAIL_DROPPED);
        break;
    default:
        ps_sim_stop_at(w->sim, now + 1 + ps_sim_draw(w->sim, 400));
        break;
    }
}

static void generation_run(world *w, bool clean_end)
{
    ps_error err;
    bool alive = true;
    for (uint32_t i = 0; i < w->options->commands && alive && !has_failed(w); i++) {
        alive = work_once(w) && background(w);
    }
    if (alive && clean_end &&
        ps_engine_shutdown(w->engine, ps_sim_draw(w->sim, 2) == 0, &err) == PS_OK) {
        acknowledge(w, ps_journal_durable_seq(ps_engine_journal(w->engine)));
    }
}

void sim_run(const sim_options *options, sim_result *out_result)
{
    memset(out_result, 0, sizeof *out_result);
    world w = {.options = options, .result = out_result, .sim = ps_sim_new(options->seed)};
    w.oracle = calloc(ORACLE_MAX, sizeof *w.oracle);
    PS_ASSERT(w.sim != NULL && w.oracle != NULL);
    w.io = ps_sim_io(w.sim);
    ps_engine_options_default(&w.engine_options);
    static const uint32_t segment_kib[] = {256, 256, 512, 1024};
    w.engine_options.journal.segment_size = segment_kib[ps_sim_draw(w.sim, 4)] * 1024;
    w.engine_options.journal.batch_size_max = 120 * 1024;
    w.engine_options.core.payments_max = 100000;
    w.engine_options.core.accounts_max = 10000;
    w.engine_options.core.keys_max = 100000;
    w.engine_options.core.transfers_max = 100000;
    w.engine_options.core.refunds_max = 10000;
    w.engine_options.core.trades_max = 200000;
    w.engine_options.core.parties_max = 10000;

    for (uint32_t g = 0; g < options->generations && !has_failed(&w); g++) {
        if (!engine_open(&w)) {
            break;
        }
        state_check(&w);
        faults_aim(&w);
        generation_run(&w, g % 3 == 2);
        crash(&w);
        out_result->generations++;
    }
    if (!has_failed(&w) && engine_open(&w)) {
        state_check(&w);
        ps_engine_close(w.engine);
    }
    out_result->steps = ps_sim_steps(w.sim);
    out_result->trace = ps_sim_trace_hash(w.sim);
    ps_sim_free(w.sim);
    free(w.oracle);
}
