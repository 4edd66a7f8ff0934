#include "clock.h"

#include <stdio.h>

#include "base/time.h"
#include "commands.h"
#include "reference.h"

enum { TRANSFER_TIMEOUT_S = 20 * 60, LIMIT_S = 300 };

typedef struct {
    ps_sim *sim;
    ps_engine_options options;
    ps_engine *engine;
    int64_t last_ns; /* of a record or a look at the clock */
    uint64_t held_seq;
    char held_id[PS_ID_TEXT_MAX + 1];
    ps_reply reply;
    ps_error err;
    char why[PS_ERROR_TEXT_MAX];
} clock_life;

static void fail(clock_life *c, const char *why)
{
    if (c->why[0] == '\0') {
        snprintf(c->why, sizeof c->why, "%s", why);
    }
}

static bool engine_open(clock_life *c)
{
    ps_engine_recovery recovery;
    if (ps_engine_open(ps_sim_io(c->sim), REFERENCE_DIR, &c->options, &c->engine, &recovery,
                       &c->err) != PS_OK) {
        fail(c, c->err.text);
        return false;
    }
    return true;
}

static void now_check(clock_life *c)
{
    int64_t now_ns = ps_engine_now_ns(c->engine);
    if (now_ns <= c->last_ns) {
        fail(c, "journal time does not increase");
    }
    c->last_ns = now_ns;
}

/* A transfer that is held for 20 minutes, with a key. */
static void hold_command(ps_command *out_command)
{
    memset(out_command, 0, sizeof *out_command);
    out_command->kind = PS_CMD_TRANSFER_CREATE;
    out_command->book = 1;
    out_command->key = 1;
    out_command->scopes = PS_SCOPE_ADMIN;
    out_command->has_idempotency_key = true;
    out_command->idempotency = (ps_u128){77, 78};
    out_command->fingerprint = (ps_u128){79, 80};
    out_command->u.transfer.debit = PS_SLICE("world");
    out_command->u.transfer.credit = PS_SLICE("payer:p1");
    out_command->u.transfer.pending = true;
    out_command->amount = 500;
    out_command->timeout_ns = TRANSFER_TIMEOUT_S * PS_NS_PER_S;
    bool known = ps_currency_parse(PS_SLICE("EUR"), &out_command->currency);
    PS_ASSERT(known);
}

static bool run(clock_life *c, const ps_command *command)
{
    if (ps_engine_execute_durably(c->engine, command, &c->reply, &c->err) != PS_OK) {
        fail(c, c->err.text);
        return false;
    }
    return true;
}

static bool life_begin(clock_life *c)
{
    char key[PS_API_KEY_TEXT_MAX];
    memset(c, 0, sizeof *c);
    c->sim = ps_sim_new(7);
    reference_options(&c->options);
    const ps_engine_founding founding = {PS_SLICE("acme"), false, &c->options};
    ps_command hold;
    hold_command(&hold);
    if (ps_engine_found(ps_sim_io(c->sim), REFERENCE_DIR, &founding, key, &c->err) != PS_OK) {
        fail(c, c->err.text);
        return false;
    }
    if (!engine_open(c) || !run(c, &hold)) {
        return false;
    }
    c->held_seq = c->reply.seq;
    c->last_ns = ps_core_last_time_ns(ps_engine_core(c->engine));
    if (c->reply.result.kind != PS_RESULT_RECORD) {
        fail(c, "the hold is refused");
    }
    return c->why[0] == '\0';
}

static const char *life_end(clock_life *c, const char *name, int64_t amount)
{
    static char text[PS_ERROR_TEXT_MAX + 100];
    ps_engine_close(c->engine);
    ps_sim_free(c->sim);
    if (c->why[0] == '\0') {
        return NULL;
    }
    snprintf(text, sizeof text, "%s %lld: %s", name, (long long)amount, c->why);
    return text;
}

/* Nothing expired: no timer fires, the key still answers, and time went on by at most the limit. */
static void kept_check(clock_life *c, int64_t elapsed_ns)
{
    ps_command hold;
    hold_command(&hold);
    int64_t before_ns = c->last_ns;
    for (int i = 0; i < 20; i++) {
        ps_sim_advance(c->sim, PS_NS_PER_MS);
        now_check(c);
    }
    if (c->last_ns - before_ns > (LIMIT_S + 1) * PS_NS_PER_S + elapsed_ns) {
        fail(c, "journal time followed the jump");
    }
    if (ps_engine_tick(c->engine) != 0) {
        fail(c, "a timer fires because the wall clock jumped");
    }
    if (run(c, &hold) &&
        (c->reply.result.kind != PS_RESULT_REPLAY || c->reply.result.replay_seq != c->held_seq)) {
        fail(c, "an idempotency key expires because the wall clock jumped");
    }
}

/* After the rest of its 20 minutes the hold does expire. */
static void expiry_check(clock_life *c)
{
    uint32_t fired = 0;
    for (int minute = 0; minute < 40 && fired == 0; minute++) {
        ps_sim_advance(c->sim, 60 * PS_NS_PER_S);
        now_check(c);
        fired = ps_engine_tick(c->engine);
    }
    if (fired == 0) {
        fail(c, "the hold never expires");
    }
}

const char *clock_jump(int64_t jump_ns)
{
    clock_life c;
    int64_t limit_ns = LIMIT_S * PS_NS_PER_S;
    bool is_far = jump_ns > limit_ns || jump_ns < -limit_ns;
    if (life_begin(&c)) {
        ps_sim_step_wall_clock(c.sim, jump_ns);
        kept_check(&c, 0);
        if (ps_engine_clock_is_suspect(c.engine) != is_far) {
            fail(&c, "the clock is not called suspect, or is without need");
        }
        ps_sim_step_wall_clock(c.sim, -jump_ns);
        kept_check(&c, 0);
        if (ps_engine_clock_is_suspect(c.engine)) {
            fail(&c, "the clock is suspect though it came back");
        }
        expiry_check(&c);
    }
    return life_end(&c, "jump", jump_ns);
}

const char *clock_rate(int64_t percent)
{
    clock_life c;
    if (life_begin(&c)) {
        int64_t fired_s = 0;
        for (int64_t s = 0; s < 3600 && fired_s == 0; s++) {
            ps_sim_advance(c.sim, PS_NS_PER_S);
            ps_sim_step_wall_clock(c.sim, PS_NS_PER_S * (percent - 100) / 100);
            now_check(&c);
            fired_s = ps_engine_tick(c.engine) != 0 ? s : 0;
        }
        if (fired_s < TRANSFER_TIMEOUT_S - LIMIT_S - 2 ||
            fired_s > TRANSFER_TIMEOUT_S + LIMIT_S + 2) {
            fail(&c, "the hold expires by a clock that stands still or races");
        }
        if (percent < 70 && !ps_engine_clock_is_suspect(c.engine)) {
            fail(&c, "the clock is not called suspect");
        }
    }
    return life_end(&c, "rate", percent);
}

const char *clock_back_at_start(int64_t back_ns)
{
    clock_life c;
    if (life_begin(&c)) {
        if (ps_engine_shutdown(c.engine, true, &c.err) != PS_OK) {
            fail(&c, c.err.text);
        }
        ps_engine_close(c.engine);
        c.engine = NULL;
        ps_sim_crash(c.sim, PS_SURVIVE_NONE);
        ps_sim_step_wall_clock(c.sim, -back_ns);
        if (engine_open(&c)) {
            if (ps_engine_clock_is_suspect(c.engine) != (back_ns > LIMIT_S * PS_NS_PER_S)) {
                fail(&c, "the clock is not called suspect, or is without need");
            }
            kept_check(&c, PS_NS_PER_S);
            expiry_check(&c);
        }
    }
    return life_end(&c, "back", back_ns);
}

/* Runs a command that would succeed if the hold were still there. */
static void post_check(clock_life *c, bool may_post)
{
    ps_command post = {.kind = PS_CMD_TRANSFER_POST, .book = 1, .key = 1};
    post.scopes = PS_SCOPE_ADMIN;
    post.target = ps_slice_text(c->held_id);
    if (!run(c, &post)) {
        return;
    }
    bool posted = c->reply.result.kind == PS_RESULT_RECORD &&
                  ps_record_head(c->reply.payload)->refusal == PS_REFUSED_NONE;
    if (posted != may_post) {
        fail(c, may_post ? "a hold that is not due is gone" : "a hold that is due is posted");
    }
}

static void held_id_get(clock_life *c)
{
    ps_journal_cursor *cursor = NULL;
    ps_record record;
    ps_journal *journal = ps_engine_journal(c->engine);
    if (ps_journal_cursor_new(journal, &cursor, &c->err) != PS_OK ||
        ps_journal_cursor_read(cursor, c->held_seq, &record, &c->err) != PS_OK) {
        fail(c, c->err.text);
        ps_journal_cursor_free(cursor);
        return;
    }
    for (const ps_effect_head *e = ps_effect_first(record.payload); e != NULL;
         e = ps_effect_next(record.payload, e)) {
        if (e->type == PS_EFFECT_TRANSFER) {
            const ps_effect_transfer *transfer = (const void *)e;
            size_t size = ps_id_format(ps_journal_instance(journal), PS_ID_TRANSFER,
                                       transfer->transfer, transfer->created_ns, c->held_id);
            c->held_id[size] = '\0';
        }
    }
    ps_journal_cursor_free(cursor);
}

const char *clock_pause(int64_t pause_ns)
{
    clock_life c;
    if (life_begin(&c)) {
        held_id_get(&c);
        ps_sim_advance(c.sim, pause_ns);
        now_check(&c);
        post_check(&c, pause_ns < TRANSFER_TIMEOUT_S * PS_NS_PER_S);
    }
    return life_end(&c, "pause", pause_ns);
}
