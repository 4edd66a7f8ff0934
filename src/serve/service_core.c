/* The core thread: takes jobs in the order of their arrival, executes them into the filling batch,
 * closes batches for the journal thread, runs timers and snapshot steps, and sleeps when there is
 * nothing to do.
 *
 * Group commit: while no batch is in flight, what has arrived is closed at once; while one is, the
 * next one fills until that one is durable, it is full, or batch_wait_max is over. So a lone
 * request never waits for company, and under load a batch holds what came in during one sync.
 */
#include "base/time.h"
#include "serve/service_internal.h"

enum {
    TAKE_MAX = 64,         /* jobs of one loop before the next loop's turn */
    ITEMS_PER_TURN = 256,  /* lines of a /v1/batch before others get their turn */
    SLOW_BATCHES_MAX = 64, /* batch requests that are executed at the same time */
    STATS_EVERY_MS = 500,
    SNAPSHOT_LOOK_MS = 100, /* is one due? */
    SLEEP_MAX_MS = 500,
    VERIFY_REST = 20, /* times its duration: the core's share for GET /v1/ledger/verify */
    SPINS = 200       /* looks at the rings before sleeping: a few µs */
};

typedef struct {
    ps_service *service;
    ps_job *blocked; /* a job whose next item found no room; everything waits behind it */
    ps_job *slow[SLOW_BATCHES_MAX]; /* batch requests that are not done, each in its turn */
    uint32_t slow_count;
    uint32_t wakes;          /* bit per loop: has new answers */
    int64_t first_record_ns; /* of the filling batch; 0: empty */
    int64_t stats_ns, snapshot_look_ns;
    bool snapshot_is_busy;
    struct {
        ps_buf structs;
        ps_query_result result;
        int64_t end_ns, duration_ns; /* of the newest run; 0: none yet */
    } verify;
} core_thread;

/* ── batches ── */

static uint64_t batches_in_flight(const core_thread *core)
{
    return core->service->batches_closed - atomic_load(&core->service->batches_committed);
}

static bool batch_is_empty(const core_thread *core)
{
    ps_record_batch *batch = ps_journal_batch(core->service->journal);
    return batch == NULL || ps_record_batch_count(batch) == 0;
}

/* False: two are in flight already, or there is nothing to close. */
static bool batch_close(core_thread *core)
{
    ps_service *service = core->service;
    if (batches_in_flight(core) >= PS_BATCHES_IN_FLIGHT_MAX || batch_is_empty(core)) {
        return false;
    }
    uint32_t record_count = ps_record_batch_count(ps_journal_batch(service->journal));
    ps_record_batch *batch = ps_engine_batch_close(service->engine);
    PS_ASSERT(batch != NULL);
    ps_metric_histogram_add(&service->metrics.batch_records, record_count);
    service->batches_closed++;
    bool pushed = ps_ring_push(&service->batches, batch);
    PS_ASSERT(pushed);
    core->first_record_ns = 0;
    ps_doorbell_ring(&service->journal_bell);
    return true;
}

static void batch_close_when_due(core_thread *core)
{
    uint64_t in_flight = batches_in_flight(core);
    if (in_flight >= PS_BATCHES_IN_FLIGHT_MAX || batch_is_empty(core)) {
        return;
    }
    int64_t now_ns = ps_service_mono_ns(core->service);
    if (core->first_record_ns == 0) {
        core->first_record_ns = now_ns;
    }
    if (in_flight == 0 ||
        now_ns - core->first_record_ns >= core->service->options.batch_wait_max_ns) {
        (void)batch_close(core);
    }
}

/* A segment that is merely not ready yet is waited for; a full disk is not: the engine refuses
 * then, so that clients hear of it (507). */
static bool room_is_coming(const core_thread *core)
{
    ps_service *service = core->service;
    if (ps_journal_has_room(service->journal) || atomic_load(&service->storage_is_full)) {
        return false;
    }
    ps_doorbell_ring(&service->maintenance_bell);
    return true;
}

/* ── what other threads learn from records ── */

static void keys_learn(ps_service *service, ps_slice payload)
{
    for (const ps_effect_head *e = ps_effect_first(payload); e != NULL;
         e = ps_effect_next(payload, e)) {
        ps_error err;
        if (e->type == PS_EFFECT_KEY &&
            ps_auth_apply(service->auth, (const void *)e, &err) != PS_OK) {
            ps_service_fault(service, &err); /* a revoked key would go on working */
        }
    }
}

/* What does not fit is found by a scan of the journal, without the certificate's name. */
static void audit_push(ps_service *service, uint64_t seq, const char *certificate)
{
    ps_audit_note *note = &service->audit_slots[service->audit_pushed % PS_AUDIT_SLOTS];
    note->seq = seq;
    memcpy(note->certificate, certificate, sizeof note->certificate);
    if (ps_ring_push(&service->audit_notes, note)) {
        service->audit_pushed++;
    } else {
        atomic_store(&service->audit_missed_seq, seq);
    }
}

static void record_learn(ps_service *service, const ps_job *job, ps_command_kind command,
                         const ps_reply *reply)
{
    if (command == PS_CMD_KEY_CREATE || command == PS_CMD_KEY_REVOKE) {
        keys_learn(service, reply->payload);
    }
    if (ps_audit_covers(command)) {
        audit_push(service, reply->seq, job->certificate);
    }
}

/* ── jobs ── */

static void job_answer(core_thread *core, ps_job *job)
{
    uint64_t wait_seq = job->wait_seq; /* the job is the loop's once it is pushed */
    bool is_long = job->is_batch;
    uint32_t loop = job->loop;
    bool pushed = ps_ring_push(&core->service->loops[loop]->from_core, job);
    PS_ASSERT(pushed); /* as large as the jobs that a loop may have out */
    /* Looked at after the push: a commit that comes later wakes the loop itself. Long answers are
     * rendered while the journal writes; for short ones a wake costs more than it saves. */
    if (is_long || wait_seq <= ps_journal_durable_seq(core->service->journal)) {
        core->wakes |= UINT32_C(1) << loop;
    }
}

/* False: no room now; ask again. */
static bool item_execute(core_thread *core, ps_job *job, ps_job_item *item)
{
    ps_service *service = core->service;
    ps_reply reply;
    if (item->form_error.size > 0) {
        return true;
    }
    if (room_is_coming(core)) {
        return false;
    }
    if (!ps_engine_execute(service->engine, &item->command, &reply) &&
        (!batch_close(core) || !ps_engine_execute(service->engine, &item->command, &reply))) {
        return false;
    }
    item->result = reply.result;
    item->is_looked_at = false;
    item->seq = reply.seq;
    job->wait_seq = reply.seq;
    if (reply.result.kind == PS_RESULT_RECORD) {
        item->payload_offset = job->payloads.size;
        ps_buf_append_slice(&job->payloads, reply.payload);
        record_learn(service, job, item->command.kind, &reply);
    }
    return true;
}

static void item_prefetch(const core_thread *core, const ps_job_item *item)
{
    if (item->form_error.size == 0) {
        ps_core_prefetch(core->service->core, &item->command);
    }
}

/* The lines of a batch were written by a network thread and lie in its core's cache: each step of
 * an item asks for what the next one reads, some items ahead. */
static void items_prefetch(const core_thread *core, const ps_job *job, uint32_t at, uint32_t end)
{
    enum { ITEM_AHEAD = 6, REQUEST_AHEAD = 3, KEY_AHEAD = 1 };
    if (at + ITEM_AHEAD < end) {
        ps_lines_prefetch(&job->items[at + ITEM_AHEAD], offsetof(ps_job_item, result));
    }
    if (at + REQUEST_AHEAD < end) {
        const ps_job_item *item = &job->items[at + REQUEST_AHEAD];
        if (item->form_error.size == 0 && item->command.kind == PS_CMD_PAYMENT_CREATE) {
            ps_lines_prefetch(item->command.u.payment, PS_REQUEST_SIZE_USUAL);
        }
    }
    if (at + KEY_AHEAD < end) {
        item_prefetch(core, &job->items[at + KEY_AHEAD]);
    }
}

/* False: blocked. The items of one turn share one look at the clock. */
static bool items_execute(core_thread *core, ps_job *job, uint32_t item_max)
{
    ps_service *service = core->service;
    uint32_t left = job->item_count - job->next_item;
    uint32_t end = job->next_item + (left < item_max ? left : item_max);
    bool has_room = true;
    ps_engine_time_hold(service->engine);
    while (has_room && job->next_item < end) {
        items_prefetch(core, job, job->next_item, end);
        has_room = item_execute(core, job, &job->items[job->next_item]);
        job->next_item += has_room;
    }
    ps_engine_time_release(service->engine);
    return has_room;
}

/* The invariants look at all of the state: a client that asks again and again gets the newest
 * answer again, so that it cannot take the core from payments. */
static void verify_run(core_thread *core, ps_job *job)
{
    int64_t start_ns = ps_service_mono_ns(core->service);
    bool may_run = core->verify.duration_ns == 0 ||
                   start_ns - core->verify.end_ns >= VERIFY_REST * core->verify.duration_ns;
    if (may_run) {
        ps_buf_clear(&core->verify.structs);
        ps_core_query(core->service->core, &job->query, &core->verify.structs,
                      &core->verify.result);
        core->verify.end_ns = ps_service_mono_ns(core->service);
        core->verify.duration_ns = core->verify.end_ns - start_ns + 1;
    }
    ps_buf_append_slice(&job->structs, ps_buf_slice(&core->verify.structs));
    job->query_result = core->verify.result;
}

/* False: blocked. Executes at most item_max items; done when next_item = item_count. */
static bool job_execute(core_thread *core, ps_job *job, uint32_t item_max)
{
    if (job->kind == PS_JOB_QUERY) {
        if (job->query.kind == PS_QUERY_VERIFY) {
            verify_run(core, job);
        } else {
            ps_core_query(core->service->core, &job->query, &job->structs, &job->query_result);
        }
        job->wait_seq = job->query_result.observed_seq;
        return true;
    }
    return items_execute(core, job, item_max);
}

static bool job_is_done(const ps_job *job)
{
    return job->kind == PS_JOB_QUERY || job->next_item == job->item_count;
}

/* Its client has given up, or will have before the answer is there: work that helps nobody is what
 * keeps an overload going. Only what has not begun may be dropped: nothing of it is decided. */
static bool is_late(const core_thread *core, const ps_job *job, int64_t now_ns)
{
    return job->next_item == 0 &&
           now_ns - job->pushed_ns > core->service->options.queue_wait_max_ns;
}

/* Runs a job as far as its turn goes; keeps it when it is blocked or long. */
static void job_run(core_thread *core, ps_job *job)
{
    if (job->is_late) {
        job_answer(core, job);
    } else if (!job_execute(core, job, ITEMS_PER_TURN)) {
        core->blocked = job;
    } else if (job_is_done(job)) {
        job_answer(core, job);
    } else {
        PS_ASSERT(core->slow_count < SLOW_BATCHES_MAX);
        core->slow[core->slow_count++] = job;
    }
}

static bool blocked_retry(core_thread *core)
{
    ps_job *job = core->blocked;
    if (job == NULL) {
        return true;
    }
    core->blocked = NULL;
    job->is_late = is_late(core, job, ps_service_mono_ns(core->service));
    job_run(core, job);
    return core->blocked == NULL;
}

/* One turn of each long batch, oldest first. */
static void slow_run(core_thread *core)
{
    uint32_t count = core->slow_count;
    core->slow_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        ps_job *job = core->slow[i];
        if (core->blocked != NULL) {
            core->slow[core->slow_count++] = job;
        } else {
            job_run(core, job);
        }
    }
}

static bool rings_have(const core_thread *core)
{
    for (uint32_t i = 0; i < core->service->loop_count; i++) {
        if (ps_ring_has(&core->service->loops[i]->to_core)) {
            return true;
        }
    }
    return false;
}

/* The one that comes after the one in hand; NULL: none yet. */
static void job_prefetch(const core_thread *core, const ps_job *job)
{
    if (job != NULL && job->kind == PS_JOB_COMMANDS && job->next_item < job->item_count) {
        item_prefetch(core, &job->items[job->next_item]);
    }
}

/* Takes what has arrived; true: there was something. */
static bool jobs_take(core_thread *core)
{
    ps_service *service = core->service;
    bool found = false;
    for (uint32_t i = 0; i < service->loop_count; i++) {
        ps_ring *ring = &service->loops[i]->to_core;
        for (uint32_t taken = 0; taken < TAKE_MAX; taken++) {
            if (core->blocked != NULL || core->slow_count == SLOW_BATCHES_MAX) {
                return found;
            }
            ps_job *job = ps_ring_pop(ring);
            if (job == NULL) {
                break;
            }
            found = true;
            job_prefetch(core, ps_ring_peek(ring));
            job->taken_ns = ps_service_mono_ns(service);
            job->is_late = is_late(core, job, job->taken_ns);
            atomic_store_explicit(&service->queue_delay_ns, job->taken_ns - job->pushed_ns,
                                  memory_order_relaxed);
            job_run(core, job);
            ps_metric_histogram_add(&service->metrics.core,
                                    ps_service_mono_ns(service) - job->taken_ns);
        }
    }
    return found;
}

static void loops_wake(core_thread *core)
{
    for (uint32_t i = 0; core->wakes != 0; i++) {
        uint32_t bit = UINT32_C(1) << i;
        if ((core->wakes & bit) != 0) {
            core->wakes &= ~bit;
            ps_http_loop_wake(core->service->loops[i]->http);
        }
    }
}

/* ── time ── */

static void timers_run(core_thread *core)
{
    ps_service *service = core->service;
    if (ps_engine_next_timer_ns(service->engine) == INT64_MAX || room_is_coming(core)) {
        return;
    }
    (void)ps_engine_tick(service->engine);
}

static void snapshot_step(core_thread *core, int64_t now_ns)
{
    ps_service *service = core->service;
    if (!core->snapshot_is_busy &&
        now_ns - core->snapshot_look_ns < SNAPSHOT_LOOK_MS * PS_NS_PER_MS) {
        return;
    }
    core->snapshot_look_ns = now_ns;
    ps_error err;
    bool was_busy = core->snapshot_is_busy;
    if (ps_engine_snapshot_step(service->engine, false, &core->snapshot_is_busy, &err) != PS_OK) {
        atomic_fetch_add(&service->metrics.snapshot_failures, 1);
    } else if (was_busy && !core->snapshot_is_busy) {
        atomic_fetch_add(&service->metrics.snapshots, 1);
        atomic_store(&service->metrics.snapshot_ns, now_ns);
    }
    if (core->snapshot_is_busy) {
        ps_doorbell_ring(&service->maintenance_bell);
    }
}

static void stats_publish(core_thread *core, int64_t now_ns)
{
    ps_service *service = core->service;
    ps_service_metrics *metrics = &service->metrics;
    if (now_ns - core->stats_ns < STATS_EVERY_MS * PS_NS_PER_MS) {
        return;
    }
    core->stats_ns = now_ns;
    ps_region *regions[64];
    uint32_t region_count = ps_core_regions(service->core, regions);
    ps_core_stats stats;
    ps_core_get_stats(service->core, &stats);
    pthread_mutex_lock(&metrics->lock);
    metrics->stats = stats;
    metrics->region_count = region_count;
    for (uint32_t i = 0; i < region_count; i++) {
        metrics->regions[i].name = regions[i]->name;
        metrics->regions[i].size = regions[i]->size;
    }
    if (stats.unknown_payments == 0) {
        metrics->unknown_since_ns = 0;
    } else if (metrics->unknown_since_ns == 0) {
        metrics->unknown_since_ns = now_ns;
    }
    pthread_mutex_unlock(&metrics->lock);
    atomic_store(&metrics->clock_suspect, ps_engine_clock_is_suspect(service->engine));
    atomic_store(&metrics->read_only,
                 atomic_load(&service->storage_is_full) && !ps_journal_has_room(service->journal));
    atomic_store(&service->queue_delay_ns, 0); /* until the next job says otherwise */
}

static int64_t sleep_ns(core_thread *core)
{
    int64_t sleep = SLEEP_MAX_MS * PS_NS_PER_MS;
    int64_t timer_ns = ps_engine_next_timer_ns(core->service->engine);
    if (timer_ns != INT64_MAX) {
        int64_t left_ns = timer_ns - ps_engine_now_ns(core->service->engine);
        sleep = left_ns < sleep ? left_ns : sleep;
    }
    if (!batch_is_empty(core) || core->blocked != NULL) {
        int64_t wait_ns = core->service->options.batch_wait_max_ns;
        sleep = wait_ns < sleep ? wait_ns : sleep;
    }
    if (core->snapshot_is_busy) {
        sleep = PS_NS_PER_MS < sleep ? PS_NS_PER_MS : sleep;
    }
    return sleep > 0 ? sleep : 0;
}

/* What the blocked job waits for is there, or can be had by closing a batch. */
static bool blocked_may_go_on(const core_thread *core)
{
    return !room_is_coming(core) && batches_in_flight(core) < PS_BATCHES_IN_FLIGHT_MAX;
}

static void rest(core_thread *core)
{
    ps_service *service = core->service;
    for (int i = 0; i < SPINS; i++) {
        if (rings_have(core) && core->blocked == NULL) {
            return;
        }
    }
    int64_t timeout_ns = sleep_ns(core);
    uint64_t committed = atomic_load(&service->batches_committed);
    ps_doorbell_arm(&service->core_bell);
    bool may_go_on = core->blocked == NULL ? rings_have(core) : blocked_may_go_on(core);
    bool has_work = may_go_on || atomic_load(&service->core_ends) ||
                    atomic_load(&service->batches_committed) != committed;
    if (has_work || timeout_ns == 0) {
        ps_doorbell_disarm(&service->core_bell);
    } else {
        ps_doorbell_sleep(&service->core_bell, timeout_ns);
    }
}

/* At the end: everything that was taken is executed and handed to the journal. */
static bool is_finished(core_thread *core)
{
    return atomic_load(&core->service->core_ends) && core->blocked == NULL &&
           core->slow_count == 0 && !rings_have(core) && batch_is_empty(core);
}

void *ps_service_core_run(void *context)
{
    core_thread core = {.service = context};
    ps_buf_init(&core.verify.structs, PS_JOB_STRUCTS_MAX);
    while (!is_finished(&core)) {
        bool found = false;
        if (blocked_retry(&core)) {
            slow_run(&core);
            found = jobs_take(&core);
        }
        timers_run(&core);
        loops_wake(&core);
        batch_close_when_due(&core);
        int64_t now_ns = ps_service_mono_ns(core.service);
        snapshot_step(&core, now_ns);
        stats_publish(&core, now_ns);
        bool has_turns = core.blocked == NULL && core.slow_count > 0;
        if (!found && !has_turns) {
            rest(&core);
        }
    }
    ps_buf_release(&core.verify.structs);
    return NULL;
}
