#include "io_errors.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"

typedef struct {
    const io_errors_options *options;
    io_errors_result *result;
    uint64_t operation;
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
             "SEED=%llu operation %llu, errno %d, sticky %d, sync %d: %s",
             (unsigned long long)s->options->seed, (unsigned long long)s->operation,
             s->options->os_errno, s->options->is_sticky, (int)s->options->how, text);
}

/* E1, J2: a journal that failed never takes anything again in this process. */
static void dead_check(scene *s, reference *r)
{
    ps_error err;
    ps_reply reply;
    sim_command m;
    uint64_t durable_seq = ps_journal_durable_seq(ps_engine_journal(r->engine));
    if (durable_seq != r->acknowledged_seq) {
        fail(s, "seq %llu is called durable after the failure of its batch",
             (unsigned long long)durable_seq);
    }
    sim_command_make(800000 + s->operation, "", &m);
    ps_code code = ps_engine_execute_durably(r->engine, &m.command, &reply, &err);
    if (code == PS_OK && reply.result.kind == PS_RESULT_RECORD) {
        fail(s, "a command succeeds after the failure of the journal");
    }
    if (ps_journal_seal(ps_engine_journal(r->engine), true, &err) == PS_OK) {
        fail(s, "a failed journal is sealed");
    }
}

/* I3: what was acknowledged is there, unchanged; I1, I2, I9, I10. */
static void restart_check(scene *s, const reference *r, const ps_sim *disk, ps_survive how)
{
    ps_error err;
    ps_engine *engine = NULL;
    ps_engine_recovery recovery;
    reference_truth truth;
    ps_sim *image = ps_sim_clone(disk);
    ps_sim_crash(image, how);
    if (ps_engine_open(ps_sim_io(image), REFERENCE_DIR, &r->options, &engine, &recovery, &err) !=
        PS_OK) {
        fail(s, "refused to open afterwards (policy %d): %s", (int)how, err.text);
        ps_sim_free(image);
        return;
    }
    ps_sim *copy = ps_sim_clone(image);
    const char *why = reference_truth_make(&truth, copy, false);
    if (why != NULL) {
        fail(s, "afterwards (policy %d): %s", (int)how, why);
    } else if (truth.count < r->acknowledged_seq || truth.count > r->executed_seq) {
        fail(s, "recovered up to seq %llu, acknowledged was %llu, executed %llu",
             (unsigned long long)truth.count, (unsigned long long)r->acknowledged_seq,
             (unsigned long long)r->executed_seq);
    } else if (!ps_u128_equal(truth.states[truth.count], ps_core_hash(ps_engine_core(engine)))) {
        fail(s, "the state differs from a replay");
    }
    for (uint32_t i = 0; i < r->command_count && why == NULL; i++) {
        const reference_command *command = &r->commands[i];
        if (command->seq != 0 && command->seq <= r->acknowledged_seq &&
            !ps_u128_equal(command->payload, truth.records[command->seq])) {
            fail(s, "acknowledged seq %llu is gone or changed", (unsigned long long)command->seq);
        }
    }
    reference_truth_release(&truth);
    ps_engine_close(engine);
    ps_sim_free(copy);
    ps_sim_free(image);
}

static void run_check(scene *s)
{
    reference r;
    const io_errors_options *options = s->options;
    io_errors_result *result = s->result;
    ps_sim *sim = ps_sim_new(options->seed);
    reference_init(&r, sim, ps_sim_io(sim), options->sessions, options->groups);
    ps_sim_fail_at(sim, s->operation, options->os_errno, options->is_sticky, options->how);
    ps_code code = reference_run(&r);
    result->runs++;
    result->stops += code != PS_OK;
    result->survived += code == PS_OK;
    result->refused_starts += code != PS_OK && r.created && r.engine == NULL;
    result->full_refusals += r.full_refusals;
    if (code == PS_E_DAMAGED) {
        fail(s, "a failing call was taken for damage or for an end: %s", r.err.text);
    }
    if (r.journal_failed) {
        dead_check(s, &r);
    }
    ps_engine_close(r.engine);
    r.engine = NULL;
    if (r.created) {
        restart_check(s, &r, sim, PS_SURVIVE_ALL);
        restart_check(s, &r, sim, PS_SURVIVE_NONE);
        restart_check(s, &r, sim, PS_SURVIVE_SUBSET);
    }
    reference_release(&r);
    ps_sim_free(sim);
}

void io_errors_run(const io_errors_options *options, io_errors_result *result)
{
    scene s = {.options = options, .result = result};
    reference r;
    ps_sim *sim = ps_sim_new(options->seed);
    reference_init(&r, sim, ps_sim_io(sim), options->sessions, options->groups);
    if (reference_run(&r) != PS_OK) {
        fail(&s, "the workload itself: %s", r.err.text);
    }
    uint64_t operations = ps_sim_steps(sim);
    reference_release(&r);
    ps_sim_free(sim);
    uint64_t first = 1 + options->offset % options->every;
    for (s.operation = first; s.operation <= operations && result->failure[0] == '\0';
         s.operation += options->every) {
        run_check(&s);
    }
}

/* ── a full disk ── */

typedef struct {
    reference r;
    ps_engine *engine;
    uint64_t number;
    ps_reply reply;
    ps_error err;
} full_disk;

static PS_CHECKED ps_code next_command(full_disk *f)
{
    sim_command m;
    sim_command_make(f->number++, "", &m);
    return ps_engine_execute_durably(f->engine, &m.command, &f->reply, &f->err);
}

static bool is_full(const full_disk *f)
{
    return f->reply.result.kind == PS_RESULT_REFUSED &&
           f->reply.result.refusal == PS_REFUSED_STORAGE_FULL;
}

/* Reads answer: the journal's records and the state are there. */
static const char *reads_check(full_disk *f)
{
    ps_journal_cursor *cursor = NULL;
    ps_record record;
    ps_journal *journal = ps_engine_journal(f->engine);
    if (ps_journal_cursor_new(journal, &cursor, &f->err) != PS_OK) {
        return "no cursor on a full disk";
    }
    ps_code code =
        ps_journal_cursor_read(cursor, ps_journal_durable_seq(journal), &record, &f->err);
    ps_journal_cursor_free(cursor);
    return code == PS_OK ? NULL : "the newest record cannot be read on a full disk";
}

static const char *fill_check(full_disk *f)
{
    const char *why = NULL;
    ps_code code = PS_OK;
    for (uint32_t i = 0; i < 20000 && code == PS_OK && !is_full(f); i++) {
        code = next_command(f);
    }
    if (code != PS_OK) {
        return "a full disk ended the journal";
    }
    if (!is_full(f)) {
        return "the disk never was full";
    }
    ps_u128 before = ps_core_hash(ps_engine_core(f->engine));
    for (int i = 0; i < 5 && why == NULL; i++) {
        code = next_command(f);
        why = code == PS_OK && is_full(f) ? reads_check(f) : "not refused though the disk is full";
    }
    if (why == NULL && !ps_u128_equal(before, ps_core_hash(ps_engine_core(f->engine)))) {
        return "a refused command changed the state";
    }
    return why;
}

static const char *full_disk_check(full_disk *f, ps_sim *sim, uint64_t free_bytes)
{
    ps_engine_recovery recovery;
    const char *why = NULL;
    ps_io *io = ps_sim_io(sim);
    ps_code code = ps_engine_open(io, REFERENCE_DIR, &f->r.options, &f->engine, &recovery, &f->err);
    if (code != PS_OK) {
        return "does not open";
    }
    ps_sim_set_capacity(sim, free_bytes);
    why = fill_check(f);
    ps_sim_set_capacity(sim, UINT64_MAX);
    if (why == NULL && (ps_journal_prepare(ps_engine_journal(f->engine), &f->err) != PS_OK ||
                        next_command(f) != PS_OK || f->reply.result.kind != PS_RESULT_RECORD)) {
        return "writes do not resume when there is room again";
    }
    ps_sim_set_capacity(sim, 0);
    while (why == NULL && !is_full(f)) {
        why = next_command(f) == PS_OK ? NULL : "a full disk ended the journal";
    }
    if (why == NULL && ps_engine_shutdown(f->engine, true, &f->err) != PS_E_SPACE) {
        return "shutdown says that its snapshot was written on a full disk";
    }
    ps_u128 before = ps_core_hash(ps_engine_core(f->engine));
    ps_engine_close(f->engine);
    f->engine = NULL;
    ps_sim_crash(sim, PS_SURVIVE_NONE);
    if (why == NULL &&
        ps_engine_open(io, REFERENCE_DIR, &f->r.options, &f->engine, &recovery, &f->err) != PS_OK) {
        return "does not start on a full disk";
    }
    if (why == NULL && !ps_u128_equal(before, ps_core_hash(ps_engine_core(f->engine)))) {
        return "another state after a start on a full disk";
    }
    return why;
}

const char *io_errors_full_disk(uint64_t seed, uint64_t free_bytes)
{
    static char text[600];
    full_disk f = {.number = 5000};
    ps_sim *sim = ps_sim_new(seed);
    reference_init(&f.r, sim, ps_sim_io(sim), 1, 5);
    const char *why = reference_run(&f.r) == PS_OK ? NULL : "the workload itself";
    if (why == NULL) {
        why = full_disk_check(&f, sim, free_bytes);
    }
    ps_engine_close(f.engine);
    reference_release(&f.r);
    ps_sim_free(sim);
    if (why == NULL) {
        return NULL;
    }
    snprintf(text, sizeof text, "SEED=%llu room %llu: %s (%s)", (unsigned long long)seed,
             (unsigned long long)free_bytes, why, f.err.text);
    return text;
}

/* ── damage at rest ── */

static const char *flip_check(const ps_sim *sim, const char *path, uint64_t bit,
                              const ps_engine_options *options, ps_u128 expected)
{
    const char *why = NULL;
    ps_error err;
    ps_engine *engine = NULL;
    ps_engine_recovery recovery;
    ps_sim *image = ps_sim_clone(sim);
    bool flipped = ps_sim_file_flip(image, path, bit);
    PS_ASSERT(flipped);
    ps_code code =
        ps_engine_open(ps_sim_io(image), REFERENCE_DIR, options, &engine, &recovery, &err);
    if (code == PS_OK && !ps_u128_equal(expected, ps_core_hash(ps_engine_core(engine)))) {
        why = "a damaged directory opens with another state";
    } else if (code != PS_OK && code != PS_E_DAMAGED && code != PS_E_VERSION) {
        why = err.text[0] != '\0' ? "damage is refused as something else" : "no reason is given";
    }
    ps_engine_close(engine);
    ps_sim_free(image);
    return why;
}

static const char *damage_check(ps_sim *sim, const ps_engine_options *options, ps_u128 expected,
                                uint64_t every)
{
    static const char *const paths[] = {"data/journal/seg-0000000000000001",
                                        "data/journal/seg-0000000000000002",
                                        "data/journal/watermark"};
    const char *why = NULL;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0] && why == NULL; i++) {
        ps_slice bytes;
        uint64_t size = 0;
        if (ps_sim_file_get(sim, paths[i], &bytes)) {
            size = bytes.size;
            while (size > 0 && bytes.data[size - 1] == 0) {
                size--; /* what was never written */
            }
        }
        for (uint64_t bit = i; bit < 8 * size && why == NULL; bit += every) {
            why = flip_check(sim, paths[i], bit, options, expected);
        }
    }
    return why;
}

const char *io_errors_damage(uint64_t seed, uint64_t every)
{
    reference r;
    reference_truth truth;
    ps_sim *sim = ps_sim_new(seed);
    reference_init(&r, sim, ps_sim_io(sim), 2, 20);
    const char *why = reference_run(&r) == PS_OK ? NULL : "the workload itself";
    ps_sim_crash(sim, PS_SURVIVE_NONE);
    const char *truth_why = reference_truth_make(&truth, sim, false);
    why = why != NULL ? why : truth_why;
    r.options.ignore_snapshots = true;
    if (why == NULL) {
        why = damage_check(sim, &r.options, truth.states[truth.count], every);
    }
    reference_truth_release(&truth);
    reference_release(&r);
    ps_sim_free(sim);
    return why;
}
