/* The journal thread: commits batches in the order of closing and lets answers go; and the
 * maintenance thread: whatever may wait.
 */
#include <stdio.h>

#include "base/time.h"
#include "serve/service_internal.h"

enum {
    SEAL_AFTER_MS = 50,
    MAINTENANCE_MS = 100,
    POPULATE_MS = 5,
    SPACE_RETRY_MS = 1000, /* well under the 5 s after which writing must go on */
    SCRUB_STEPS_PER_S = 4,
    AUDIT_SCAN_MAX = 20000 /* records of one scan step */
};

/* ── journal thread ── */

static void loops_wake(ps_service *service)
{
    for (uint32_t i = 0; i < service->loop_count; i++) {
        ps_http_loop_wake(service->loops[i]->http);
    }
}

static void batch_commit(ps_service *service, ps_record_batch *batch)
{
    ps_error err;
    int64_t start_ns = ps_service_mono_ns(service);
    if (ps_journal_commit(service->journal, batch, &err) != PS_OK) {
        ps_service_fault(service, &err); /* V3 */
    }
    atomic_fetch_add(&service->batches_committed, 1);
    ps_doorbell_ring(&service->core_bell);
    loops_wake(service);
    ps_metric_histogram_add(&service->metrics.sync, ps_service_mono_ns(service) - start_ns);
}

static void seal(ps_service *service)
{
    ps_error err;
    if (ps_journal_seal(service->journal, false, &err) != PS_OK) {
        ps_service_fault(service, &err);
    }
}

void *ps_service_journal_run(void *context)
{
    ps_service *service = context;
    bool is_sealed = true;
    for (;;) {
        ps_record_batch *batch = ps_ring_pop(&service->batches);
        if (batch != NULL) {
            batch_commit(service, batch);
            is_sealed = false;
            continue;
        }
        if (atomic_load(&service->journal_ends)) {
            return NULL;
        }
        int64_t timeout_ns = (is_sealed ? 10000 : SEAL_AFTER_MS) * PS_NS_PER_MS;
        int64_t start_ns = ps_service_mono_ns(service);
        ps_doorbell_arm(&service->journal_bell);
        if (ps_ring_has(&service->batches) || atomic_load(&service->journal_ends)) {
            ps_doorbell_disarm(&service->journal_bell);
            continue;
        }
        ps_doorbell_sleep(&service->journal_bell, timeout_ns);
        bool is_idle = ps_service_mono_ns(service) - start_ns >= SEAL_AFTER_MS * PS_NS_PER_MS;
        if (!is_sealed && is_idle && !ps_ring_has(&service->batches)) {
            seal(service);
            is_sealed = true;
        }
    }
}

/* ── maintenance ── */

typedef struct {
    ps_service *service;
    ps_journal_cursor *cursor;
    ps_auth_reader *keys;
    uint64_t scan_seq;    /* audit: the next record to look at; 0: the ring tells */
    uint64_t covered_seq; /* audit: scans have looked at everything up to here */
    int64_t space_ns, scrub_ns;
    ps_error scrub_error; /* the newest that was said */
} maintenance;

static void segments_prepare(maintenance *m, int64_t now_ns)
{
    ps_service *service = m->service;
    bool was_full = atomic_load(&service->storage_is_full);
    if (was_full && now_ns - m->space_ns < SPACE_RETRY_MS * PS_NS_PER_MS) {
        return;
    }
    ps_error err;
    ps_code code = ps_journal_prepare(service->journal, &err);
    if (code != PS_OK && code != PS_E_SPACE) {
        ps_service_fault(service, &err);
    }
    m->space_ns = now_ns;
    atomic_store(&service->storage_is_full, code == PS_E_SPACE);
    ps_doorbell_ring(&service->core_bell);
}

static void snapshot_write(ps_service *service)
{
    ps_error err;
    if (ps_engine_snapshot_write(service->engine, &err) != PS_OK) {
        atomic_fetch_add(&service->metrics.snapshot_failures, 1);
    }
}

static void scrub(maintenance *m, int64_t now_ns)
{
    ps_service *service = m->service;
    int64_t period_ns = service->options.scrub_period_ns;
    if (period_ns == 0 || now_ns - m->scrub_ns < PS_NS_PER_S / SCRUB_STEPS_PER_S) {
        return;
    }
    m->scrub_ns = now_ns;
    ps_journal_stats stats;
    ps_journal_get_stats(service->journal, &stats);
    int64_t steps = period_ns / (PS_NS_PER_S / SCRUB_STEPS_PER_S);
    uint64_t byte_count = stats.bytes / (uint64_t)(steps > 0 ? steps : 1) + 4096;
    bool wrapped = false;
    ps_error err;
    if (ps_journal_scrub_step(service->journal, byte_count, &wrapped, &err) != PS_OK) {
        atomic_fetch_add(&service->metrics.scrub_failures, 1);
        if (strcmp(err.text, m->scrub_error.text) != 0) {
            m->scrub_error = err; /* every pass comes by again: said once */
            fprintf(stderr, "paystream: scrub: %s: restore from a backup\n", err.text);
        }
    }
}

/* ── audit ── */

static ps_code audit_record(maintenance *m, uint64_t seq, const char *certificate, ps_error *err)
{
    ps_record record;
    ps_code code = ps_journal_cursor_read(m->cursor, seq, &record, err);
    if (code != PS_OK) {
        return code;
    }
    char id[PS_ID_TEXT_MAX];
    size_t id_size = 0;
    ps_auth_key key;
    const ps_record_header *head = ps_record_head(record.payload);
    if (ps_audit_covers((ps_command_kind)head->command) &&
        ps_auth_find_number(m->keys, head->key, &key)) {
        id_size = ps_id_format(m->service->instance, PS_ID_KEY, key.number, key.created_ns, id);
    }
    const ps_audit_actor actor = {ps_slice_of(id, id_size), ps_slice_text(certificate)};
    return ps_audit_add(m->service->audit, seq, record.payload, &actor, err);
}

/* Looks at every record from scan_seq on; ends when it has caught up. */
static ps_code audit_scan(maintenance *m, uint64_t durable_seq, ps_error *err)
{
    for (uint32_t i = 0; i < AUDIT_SCAN_MAX && m->scan_seq <= durable_seq; i++) {
        ps_code code = audit_record(m, m->scan_seq, "", err);
        if (code == PS_E_MISSING) {
            code = PS_OK; /* before the journal's first record */
        }
        if (code != PS_OK) {
            return code;
        }
        m->scan_seq++;
    }
    bool has_all = m->scan_seq > atomic_load(&m->service->audit_missed_seq);
    if (m->scan_seq > durable_seq && has_all) {
        m->covered_seq = m->scan_seq - 1;
        m->scan_seq = 0;
    }
    return PS_OK;
}

static ps_code audit_ring(maintenance *m, uint64_t durable_seq, ps_error *err)
{
    ps_ring *notes = &m->service->audit_notes;
    const ps_audit_note *note;
    while ((note = ps_ring_peek(notes)) != NULL && note->seq <= durable_seq) {
        ps_code code = audit_record(m, note->seq, note->certificate, err);
        if (code != PS_OK) {
            return code;
        }
        (void)ps_ring_pop(notes); /* the slot is the core's again */
    }
    return PS_OK;
}

/* Lines are in the order of seq, so the ring waits while a scan is on; what both see is added once.
 */
static ps_code audit_step(maintenance *m, ps_error *err)
{
    ps_service *service = m->service;
    uint64_t durable_seq = ps_journal_durable_seq(service->journal);
    uint64_t last_seq = ps_audit_last_seq(service->audit);
    if (m->scan_seq == 0 && atomic_load(&service->audit_missed_seq) > m->covered_seq) {
        m->scan_seq = last_seq + 1;
    }
    ps_code code =
        m->scan_seq != 0 ? audit_scan(m, durable_seq, err) : audit_ring(m, durable_seq, err);
    if (code == PS_OK && ps_audit_last_seq(service->audit) != last_seq) {
        code = ps_audit_sync(service->audit, err);
    }
    return code;
}

/* The log can be made again from the journal: a failure is counted, and tried again. */
static void audit_run(maintenance *m)
{
    ps_error err;
    if (audit_step(m, &err) != PS_OK) {
        atomic_fetch_add(&m->service->metrics.audit_failures, 1);
        m->scan_seq = ps_audit_last_seq(m->service->audit) + 1;
    }
}

void *ps_service_maintenance_run(void *context)
{
    maintenance m = {.service = context};
    ps_service *service = m.service;
    ps_error err;
    if (ps_journal_cursor_new(service->journal, &m.cursor, &err) != PS_OK) {
        ps_service_fault(service, &err);
    }
    m.keys = service->audit_keys;
    m.scan_seq = ps_audit_last_seq(service->audit) + 1;
    while (!atomic_load(&service->maintenance_ends)) {
        int64_t now_ns = ps_service_mono_ns(service);
        segments_prepare(&m, now_ns);
        snapshot_write(service);
        ps_auth_reader_refresh(m.keys);
        audit_run(&m);
        scrub(&m, now_ns);
        bool is_growing = ps_engine_populate(service->engine);
        ps_doorbell_arm(&service->maintenance_bell);
        if (atomic_load(&service->maintenance_ends)) {
            ps_doorbell_disarm(&service->maintenance_bell);
        } else {
            int64_t wait_ms = is_growing ? POPULATE_MS : MAINTENANCE_MS;
            ps_doorbell_sleep(&service->maintenance_bell, wait_ms * PS_NS_PER_MS);
        }
    }
    audit_run(&m);
    ps_journal_cursor_free(m.cursor);
    return NULL;
}
