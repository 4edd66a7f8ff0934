#include "reference.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "commands.h"

void reference_options(ps_engine_options *out_options)
{
    ps_engine_options_default(out_options);
    out_options->journal.segment_size = 512 * 1024;
    out_options->journal.batch_size_max = 160 * 1024;
    out_options->core.payments_max = 4000;
    out_options->core.accounts_max = 1000;
    out_options->core.keys_max = 8000;
    out_options->core.transfers_max = 4000;
    out_options->core.refunds_max = 1000;
    out_options->core.trades_max = 16000;
    out_options->core.parties_max = 1000;
}

void reference_init(reference *out_reference, ps_sim *sim, ps_io *io, uint32_t sessions,
                    uint32_t groups)
{
    memset(out_reference, 0, sizeof *out_reference);
    out_reference->sim = sim;
    out_reference->io = io;
    out_reference->sessions = sessions;
    out_reference->groups = groups;
    out_reference->id_count = 1;
    out_reference->commands = calloc(REFERENCE_COMMANDS_MAX, sizeof *out_reference->commands);
    PS_ASSERT(out_reference->commands != NULL);
    reference_options(&out_reference->options);
}

void reference_release(reference *r)
{
    ps_engine_close(r->engine);
    free(r->commands);
}

/* ── the run ── */

static void id_learn(reference *r, ps_slice payload)
{
    const ps_record_header *header = ps_record_head(payload);
    if (header->command != PS_CMD_PAYMENT_CREATE || header->refusal != PS_REFUSED_NONE) {
        return;
    }
    const ps_effect_head *effect = ps_effect_first(payload);
    while (effect != NULL && effect->type != PS_EFFECT_PAYMENT) {
        effect = ps_effect_next(payload, effect);
    }
    if (effect == NULL) {
        return;
    }
    const ps_effect_payment *payment = (const void *)effect;
    uint32_t at = 1 + r->id_count++ % (REFERENCE_IDS_MAX - 1);
    size_t size = ps_id_format(ps_journal_instance(ps_engine_journal(r->engine)), PS_ID_PAYMENT,
                               payment->payment, payment->created_ns, r->ids[at]);
    r->ids[at][size] = '\0';
}

/* A disk that is full is an ordinary day: commands are refused until there is room again. */
static PS_CHECKED ps_code survive_space(ps_code code)
{
    return code == PS_E_SPACE ? PS_OK : code;
}

static PS_CHECKED ps_code commit(reference *r)
{
    ps_journal *journal = ps_engine_journal(r->engine);
    ps_record_batch *batch = ps_engine_batch_close(r->engine);
    ps_code code = batch != NULL ? ps_journal_commit(journal, batch, &r->err) : PS_OK;
    if (code != PS_OK) {
        return code;
    }
    r->acknowledged_seq = ps_journal_durable_seq(journal);
    return survive_space(ps_journal_prepare(journal, &r->err));
}

static PS_CHECKED ps_code command_run(reference *r)
{
    ps_code code;
    PS_ASSERT(r->command_count < REFERENCE_COMMANDS_MAX);
    uint64_t number = 1000 + r->command_count;
    uint32_t known = r->id_count < REFERENCE_IDS_MAX ? r->id_count : REFERENCE_IDS_MAX;
    reference_command *entry = &r->commands[r->command_count++];
    *entry = (reference_command){.number = number};
    entry->target = (uint16_t)(sim_mix(number + 3) % known);
    sim_command m;
    sim_command_make(number, r->ids[entry->target], &m);
    ps_reply reply;
    while (!ps_engine_execute(r->engine, &m.command, &reply)) {
        code = commit(r);
        if (code != PS_OK) {
            return code;
        }
    }
    if (reply.result.kind == PS_RESULT_RECORD) {
        entry->seq = reply.seq;
        entry->payload = ps_xxh3_128(reply.payload.data, reply.payload.size);
        id_learn(r, reply.payload);
    }
    r->full_refusals +=
        reply.result.kind == PS_RESULT_REFUSED && reply.result.refusal == PS_REFUSED_STORAGE_FULL;
    r->executed_seq = ps_core_last_seq(ps_engine_core(r->engine));
    return PS_OK;
}

/* A snapshot fails alone: what is written goes on. */
static void snapshot_step(reference *r, bool force)
{
    bool busy = false;
    if (ps_engine_snapshot_step(r->engine, force, &busy, &r->err) == PS_OK && busy) {
        (void)!ps_engine_snapshot_write(r->engine, &r->err);
    }
    r->executed_seq = ps_core_last_seq(ps_engine_core(r->engine));
}

static PS_CHECKED ps_code group_run(reference *r, uint32_t g)
{
    ps_code code = PS_OK;
    uint32_t count = 1 + (uint32_t)(sim_mix(g + 77) % 3);
    for (uint32_t i = 0; i < count && code == PS_OK; i++) {
        code = command_run(r);
    }
    if (g % 6 == 5) {
        ps_sim_advance(r->sim, 4 * PS_NS_PER_S);
        ps_engine_tick(r->engine);
        r->executed_seq = ps_core_last_seq(ps_engine_core(r->engine));
    }
    /* in the middle of a batch, as far as it goes: what is not durable must not be in a file yet */
    uint32_t steps = g / 40 % 2 == 0 ? 6 : 1;
    for (uint32_t i = 0; i < steps; i++) {
        snapshot_step(r, g % 40 == 8 && i == 0);
    }
    if (code == PS_OK) {
        code = commit(r);
    }
    if (code == PS_OK && g % 9 == 4) {
        code = ps_journal_seal(ps_engine_journal(r->engine), g % 2 == 0, &r->err);
    }
    return code;
}

static PS_CHECKED ps_code session_run(reference *r, uint32_t s)
{
    ps_engine_recovery recovery;
    ps_code code =
        ps_engine_open(r->io, REFERENCE_DIR, &r->options, &r->engine, &recovery, &r->err);
    if (code != PS_OK) {
        return code;
    }
    uint64_t last_seq = ps_core_last_seq(ps_engine_core(r->engine));
    if (last_seq < r->acknowledged_seq) {
        return ps_error_set(&r->err, PS_E_DAMAGED, "opened without records that were acknowledged");
    }
    r->acknowledged_seq = last_seq;
    r->executed_seq = last_seq;
    for (uint32_t g = 0; g < r->groups && code == PS_OK; g++) {
        code = group_run(r, s * r->groups + g);
        r->journal_failed = code != PS_OK;
    }
    if (code == PS_OK) {
        code = ps_engine_shutdown(r->engine, s % 2 == 0, &r->err);
        if (code == PS_E_SPACE) { /* of the snapshot alone, when the journal lives */
            code = ps_journal_seal(ps_engine_journal(r->engine), false, &r->err);
        }
        r->executed_seq = ps_core_last_seq(ps_engine_core(r->engine));
    }
    if (code == PS_OK) {
        r->acknowledged_seq = ps_journal_durable_seq(ps_engine_journal(r->engine));
        ps_engine_close(r->engine);
        r->engine = NULL;
    }
    return code;
}

ps_code reference_run(reference *r)
{
    char key[PS_API_KEY_TEXT_MAX];
    const ps_engine_founding founding = {PS_SLICE("acme"), false, &r->options};
    ps_code code = ps_engine_found(r->io, REFERENCE_DIR, &founding, key, &r->err);
    r->created = code == PS_OK;
    r->acknowledged_seq = r->created;
    r->executed_seq = r->created;
    for (uint32_t s = 0; s < r->sessions && code == PS_OK; s++) {
        code = session_run(r, s);
    }
    return code;
}

/* ── the truth ── */

static void violation(void *context, const char *invariant, const char *sentence)
{
    snprintf(context, 500, "%s: %s", invariant, sentence);
}

static const char *truth_fill(reference_truth *truth, ps_journal *journal, ps_core *core,
                              bool verify_prefixes)
{
    static char why[500];
    ps_error err;
    ps_journal_cursor *cursor = NULL;
    why[0] = '\0';
    if (ps_journal_cursor_new(journal, &cursor, &err) != PS_OK) {
        return "no cursor";
    }
    truth->count = ps_journal_durable_seq(journal);
    PS_ASSERT(truth->count < REFERENCE_RECORDS_MAX);
    for (uint64_t seq = 1; seq <= truth->count && why[0] == '\0'; seq++) {
        ps_record record;
        ps_code code = ps_journal_cursor_read(cursor, seq, &record, &err);
        if (code == PS_OK) {
            truth->records[seq] = ps_xxh3_128(record.payload.data, record.payload.size);
            code = ps_core_replay(core, seq, record.payload, &err);
        }
        if (code != PS_OK) {
            snprintf(why, sizeof why, "seq %llu: %s", (unsigned long long)seq, err.text);
        }
        truth->states[seq] = ps_core_hash(core);
        if (verify_prefixes || seq == truth->count) {
            ps_core_verify(core, violation, why);
        }
    }
    ps_journal_cursor_free(cursor);
    return why[0] == '\0' ? NULL : why;
}

const char *reference_truth_make(reference_truth *out_truth, ps_sim *sim, bool verify_prefixes)
{
    ps_error err;
    ps_engine_options options;
    ps_engine *engine = NULL;
    ps_engine_recovery recovery;
    out_truth->states = calloc(REFERENCE_RECORDS_MAX, sizeof(ps_u128));
    out_truth->records = calloc(REFERENCE_RECORDS_MAX, sizeof(ps_u128));
    PS_ASSERT(out_truth->states != NULL && out_truth->records != NULL);
    reference_options(&options);
    options.read_only = true;
    options.ignore_snapshots = true;
    if (ps_engine_open(ps_sim_io(sim), REFERENCE_DIR, &options, &engine, &recovery, &err) !=
        PS_OK) {
        return "the data directory does not open";
    }
    ps_core *core = NULL;
    ps_journal *journal = ps_engine_journal(engine);
    const char *why = "no memory";
    if (ps_core_new(&options.core, NULL, ps_journal_instance(journal), &core, &err) == PS_OK) {
        out_truth->states[0] = ps_core_hash(core);
        why = truth_fill(out_truth, journal, core, verify_prefixes);
    }
    ps_core_free(core);
    ps_engine_close(engine);
    return why;
}

void reference_truth_release(reference_truth *truth)
{
    free(truth->states);
    free(truth->records);
}
