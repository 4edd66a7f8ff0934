#include "crash_points.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "tap.h"

enum { NESTED_DEPTH = 4, NESTED_STEPS = 60, RETRIES = 4, HOT_DRAWS = 4 };

typedef struct {
    const crash_points_options *options;
    crash_points_result *result;
    reference *run;
    const tap *tap;
    const reference_truth *truth;
    ps_engine_options engine_options;
    uint64_t operation;
    ps_survive how; /* of the image at hand */
} scene;

PS_PRINTF(2, 3) static void fail(scene *s, const char *format, ...)
{
    if (s->result->failure[0] != '\0') {
        return;
    }
    char text[500];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    snprintf(s->result->failure, sizeof s->result->failure,
             "SEED=%llu operation %llu, policy %d: %s", (unsigned long long)s->options->seed,
             (unsigned long long)s->operation, (int)s->how, text);
}

static bool has_failed(const scene *s)
{
    return s->result->failure[0] != '\0';
}

/* ── opening an image ── */

/* W3: as long as create did not return, the directory may be missing; then create must work. */
static ps_code image_open(scene *s, ps_sim *image, ps_engine **out_engine,
                          ps_engine_recovery *out_recovery, ps_error *err)
{
    ps_io *io = ps_sim_io(image);
    char key[PS_API_KEY_TEXT_MAX];
    ps_code code = PS_OK;
    if (!s->run->created) {
        const ps_engine_founding founding = {PS_SLICE("acme"), false, &s->engine_options};
        code = ps_engine_found(io, REFERENCE_DIR, &founding, key, err);
        code = code == PS_E_EXISTS ? PS_OK : code;
    }
    if (code == PS_OK) {
        code = ps_engine_open(io, REFERENCE_DIR, &s->engine_options, out_engine, out_recovery, err);
    }
    return code;
}

static void violation(void *context, const char *invariant, const char *sentence)
{
    fail(context, "%s violated: %s", invariant, sentence);
}

/* I3, I6, I9, I10, W1: a prefix of what was submitted, at least what was acknowledged, and exactly
 * the state that this prefix makes. (Every prefix itself was verified when the truth was made.) */
static void state_check(scene *s, ps_engine *engine)
{
    ps_core *core = ps_engine_core(engine);
    uint64_t last = ps_core_last_seq(core);
    if (!s->run->created) {
        ps_core_verify(core, violation, s);
        if (last != 1) {
            fail(s, "a new directory has %llu records", (unsigned long long)last);
        }
        return;
    }
    if (last < s->run->acknowledged_seq || last > s->run->executed_seq) {
        fail(s, "recovered up to seq %llu, acknowledged was %llu, executed %llu",
             (unsigned long long)last, (unsigned long long)s->run->acknowledged_seq,
             (unsigned long long)s->run->executed_seq);
    } else if (ps_journal_durable_seq(ps_engine_journal(engine)) != last) {
        fail(s, "journal and core disagree about the last record");
    } else if (!ps_u128_equal(ps_core_hash(core), s->truth->states[last])) {
        fail(s, "the state differs from a replay of seq 1 to %llu", (unsigned long long)last);
    }
    s->result->longer_than_acknowledged += last > s->run->acknowledged_seq;
}

/* ── life goes on ── */

/* I4: what is there answers from its record, what is not is done now. */
static void retry_check(scene *s, ps_engine *engine, const reference_command *command,
                        uint64_t last_seq)
{
    ps_error err;
    sim_command m;
    ps_reply reply;
    sim_command_make(command->number, s->run->ids[command->target], &m);
    if (ps_engine_execute_durably(engine, &m.command, &reply, &err) != PS_OK) {
        fail(s, "retry of command %llu: %s", (unsigned long long)command->number, err.text);
        return;
    }
    bool was_there = command->seq != 0 && command->seq <= last_seq;
    if (was_there &&
        (reply.result.kind != PS_RESULT_REPLAY || reply.result.replay_seq != command->seq)) {
        fail(s, "the retry of seq %llu is answered otherwise", (unsigned long long)command->seq);
    } else if (!was_there && reply.result.kind == PS_RESULT_REPLAY) {
        fail(s, "command %llu answers from a record that is not there",
             (unsigned long long)command->number);
    }
}

/* The same key with another body is another request; a second instance finds the lock. */
static void refusals_check(scene *s, ps_engine *engine, ps_sim *image,
                           const reference_command *command)
{
    ps_error err;
    sim_command m;
    ps_reply reply;
    ps_engine *second = NULL;
    ps_engine_recovery recovery;
    sim_command_make(command->number, s->run->ids[command->target], &m);
    m.command.fingerprint.low++;
    if (ps_engine_execute_durably(engine, &m.command, &reply, &err) != PS_OK ||
        reply.result.kind != PS_RESULT_REFUSED ||
        reply.result.refusal != PS_REFUSED_IDEMPOTENCY_MISMATCH) {
        fail(s, "another body under the key of seq %llu is accepted",
             (unsigned long long)command->seq);
    }
    if (ps_engine_open(ps_sim_io(image), REFERENCE_DIR, &s->engine_options, &second, &recovery,
                       &err) != PS_E_LOCKED) {
        fail(s, "a second instance opens the same directory");
    }
    ps_engine_close(second);
}

static void record_check(scene *s, ps_engine *engine, uint64_t last_seq)
{
    ps_error err;
    ps_journal_cursor *cursor = NULL;
    ps_record record;
    uint64_t from = last_seq > 3 ? last_seq - 3 : 1;
    if (ps_journal_cursor_new(ps_engine_journal(engine), &cursor, &err) != PS_OK) {
        fail(s, "cursor: %s", err.text);
        return;
    }
    for (uint64_t seq = from; seq <= last_seq; seq++) {
        if (ps_journal_cursor_read(cursor, seq, &record, &err) != PS_OK ||
            !ps_u128_equal(ps_xxh3_128(record.payload.data, record.payload.size),
                           s->truth->records[seq])) {
            fail(s, "record %llu is not what it was", (unsigned long long)seq);
        }
    }
    ps_journal_cursor_free(cursor);
}

static void life_go_on(scene *s, ps_engine *engine, ps_sim *image)
{
    uint64_t last_seq = ps_core_last_seq(ps_engine_core(engine));
    ps_error err;
    const reference *run = s->run;
    record_check(s, engine, last_seq);
    for (uint32_t i = 0; i < RETRIES && i < run->command_count && !has_failed(s); i++) {
        const reference_command *command = &run->commands[run->command_count - 1 - i];
        retry_check(s, engine, command, last_seq);
        if (command->seq != 0 && command->seq <= last_seq && !has_failed(s)) {
            refusals_check(s, engine, image, command);
        }
    }
    const reference_command fresh = {.number = 900000 + s->operation};
    retry_check(s, engine, &fresh, last_seq);
    ps_core_verify(ps_engine_core(engine), violation, s);
    if (!has_failed(s) && ps_engine_shutdown(engine, s->operation % 2 == 0, &err) != PS_OK) {
        fail(s, "shutdown: %s", err.text);
    }
}

/* P4: after a clean end the same state is back, from wherever. */
static void reopen_check(scene *s, ps_sim *image, ps_u128 before)
{
    ps_error err;
    ps_engine *engine = NULL;
    ps_engine_recovery recovery;
    ps_sim_crash(image, PS_SURVIVE_NONE);
    if (image_open(s, image, &engine, &recovery, &err) != PS_OK) {
        fail(s, "start after a clean end: %s", err.text);
    } else if (!ps_u128_equal(before, ps_core_hash(ps_engine_core(engine)))) {
        fail(s, "another state after a clean end");
    }
    ps_engine_close(engine);
}

/* ── P2: crashes while recovering ── */

static void nested_check(scene *s, const ps_sim *crashed, ps_u128 expected, bool is_kill)
{
    ps_error err;
    ps_engine_recovery recovery;
    ps_engine *engine = NULL;
    ps_sim *image = ps_sim_clone(crashed);
    for (int depth = 0; depth < NESTED_DEPTH && !has_failed(s); depth++) {
        uint64_t draw = sim_mix(s->operation * 31 + (uint64_t)s->how * 7 + (uint64_t)depth);
        /* first a whole recovery, whose work is then what a crash finds */
        ps_sim_stop_at(image, depth == 0 ? 0 : ps_sim_steps(image) + 1 + draw % NESTED_STEPS);
        ps_code code = image_open(s, image, &engine, &recovery, &err);
        if (code != PS_OK && !ps_sim_is_stopped(image)) {
            fail(s, "refused in recovery %d: %s", depth, err.text);
        }
        ps_engine_close(engine);
        engine = NULL;
        /* after kill -9 the page cache lives: only another kill must leave the same decision */
        ps_sim_crash(image,
                     is_kill ? PS_SURVIVE_ALL : (ps_survive)(draw >> 32) % PS_SURVIVE_RANDOM);
    }
    if (!has_failed(s) && image_open(s, image, &engine, &recovery, &err) != PS_OK) {
        fail(s, "refused after crashes in recovery: %s", err.text);
    } else if (!has_failed(s) && s->run->created &&
               !ps_u128_equal(expected, ps_core_hash(ps_engine_core(engine)))) {
        fail(s, "crashes in recovery changed what is recovered");
    }
    ps_engine_close(engine);
    ps_sim_free(image);
    s->result->nested++;
}

/* ── images ── */

static bool is_due(uint64_t count, uint32_t every)
{
    return every != 0 && count % every == 0;
}

static void image_check(scene *s, ps_survive how)
{
    ps_error err;
    ps_engine *engine = NULL;
    ps_engine_recovery recovery;
    crash_points_result *result = s->result;
    s->how = how;
    ps_sim *image = ps_sim_clone(s->run->sim);
    ps_sim_crash(image, how);
    result->images++;
    bool nests = is_due(result->images, s->options->nested_every);
    ps_sim *crashed = nests ? ps_sim_clone(image) : NULL;
    if (image_open(s, image, &engine, &recovery, &err) != PS_OK) {
        fail(s, "refused to open: %s", err.text);
        ps_sim_free(image);
        ps_sim_free(crashed);
        return;
    }
    result->torn_tails += recovery.journal.torn_bytes > 0;
    result->from_snapshot += recovery.snapshot_seq > 0;
    state_check(s, engine);
    ps_u128 hash = ps_core_hash(ps_engine_core(engine));
    if (nests && !has_failed(s)) {
        nested_check(s, crashed, hash, how == PS_SURVIVE_ALL);
    }
    bool lives_on = s->run->created && is_due(result->images, s->options->live_on_every);
    if (lives_on && !has_failed(s)) {
        life_go_on(s, engine, image);
        hash = ps_core_hash(ps_engine_core(engine));
    }
    ps_engine_close(engine);
    if (lives_on && !has_failed(s)) {
        reopen_check(s, image, hash);
    }
    ps_sim_free(image);
    ps_sim_free(crashed);
}

/* In the middle of a call, too: what the journal calls durable may be answered from that moment. */
static void progress_look(reference *run)
{
    if (run->engine == NULL) {
        return;
    }
    run->executed_seq = ps_core_last_seq(ps_engine_core(run->engine));
    uint64_t durable_seq = ps_journal_durable_seq(ps_engine_journal(run->engine));
    if (durable_seq > run->acknowledged_seq) {
        run->acknowledged_seq = durable_seq;
    }
}

/* I9: the state that commands made is the state that their records make. */
static void live_check(scene *s)
{
    const reference *run = s->run;
    if (run->engine != NULL && !ps_u128_equal(ps_core_hash(ps_engine_core(run->engine)),
                                              s->truth->states[run->executed_seq])) {
        fail(s, "the state differs from a replay of its own records up to %llu",
             (unsigned long long)run->executed_seq);
    }
}

static void before_operation(void *context, bool is_step)
{
    scene *s = context;
    if (!is_step || has_failed(s)) {
        return;
    }
    s->operation++;
    progress_look(s->run);
    bool is_hot = s->tap->since_rename <= 3 || s->tap->written_offset == 4096;
    if (s->options->hot_spots ? !is_hot
                              : (s->operation + s->options->offset) % s->options->every != 0) {
        return;
    }
    live_check(s);
    image_check(s, PS_SURVIVE_ALL);
    uint32_t draws = s->options->hot_spots && s->tap->written_offset == 4096 ? HOT_DRAWS : 1;
    for (int how = 0; how < PS_SURVIVE_RANDOM && !s->options->kills_only && !has_failed(s); how++) {
        bool is_drawn_by_sector = how >= PS_SURVIVE_DROP_ONE && how <= PS_SURVIVE_REORDERED;
        for (uint32_t i = 0; how != PS_SURVIVE_ALL && i < (is_drawn_by_sector ? draws : 1); i++) {
            ps_sim_draw(s->run->sim, 2); /* another one for the copies */
            image_check(s, (ps_survive)how);
        }
    }
}

/* Run once for the truth, then again, equal to the last byte, with a look before each operation. */
void crash_points_run(const crash_points_options *options, crash_points_result *out_result)
{
    memset(out_result, 0, sizeof *out_result);
    reference first;
    reference second;
    reference_truth truth;
    scene s = {.options = options, .result = out_result, .run = &second, .truth = &truth};
    tap t;
    s.tap = &t;
    reference_options(&s.engine_options);

    ps_sim *sim = ps_sim_new(options->seed);
    reference_init(&first, sim, ps_sim_io(sim), options->sessions, options->groups);
    ps_code code = reference_run(&first);
    const char *why = reference_truth_make(&truth, sim, true);
    out_result->records = truth.count;
    if (code != PS_OK || why != NULL) {
        fail(&s, "the workload itself: %s", code != PS_OK ? first.err.text : why);
    }
    reference_release(&first);
    ps_sim_free(sim);

    sim = ps_sim_new(options->seed);
    tap_init(&t, ps_sim_io(sim));
    t.before = before_operation;
    t.context = &s;
    reference_init(&second, sim, &t.io, options->sessions, options->groups);
    if (!has_failed(&s) && reference_run(&second) != PS_OK) {
        fail(&s, "the workload itself: %s", second.err.text);
    }
    out_result->operations = s.operation;
    reference_release(&second);
    ps_sim_free(sim);
    reference_truth_release(&truth);
}
