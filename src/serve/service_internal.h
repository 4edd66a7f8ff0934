/* What the files of the service share; service.h is the manual.
 *
 *   service.c          open, start, drain, close
 *   service_core.c     the core thread
 *   service_journal.c  the journal thread and maintenance
 *   service_admission.c  requests: what is refused, from the head alone
 *   service_http.c     requests: decoding, what is answered at once
 *   service_reply.c    answers: rendering, release
 *   stream.c           event lists and server-sent events
 */
#ifndef PS_SERVE_SERVICE_INTERNAL_H
#define PS_SERVE_SERVICE_INTERNAL_H

#include "serve/audit.h"
#include "serve/certificate_map.h"
#include "serve/job.h"
#include "serve/metrics.h"
#include "serve/nonce_log.h"
#include "serve/rate_limit.h"
#include "serve/render_object.h"
#include "serve/request_signature.h"
#include "serve/ring.h"
#include "serve/service.h"

enum {
    PS_LOOPS_MAX = 16,
    PS_BATCHES_IN_FLIGHT_MAX = 2,
    PS_RANDOM_POOL_SIZE = 4096,
    PS_ID_BUFFER_SIZE = 128,
    PS_RUNNING_COUNTERS = 65536,
    PS_AUDIT_RING = 16384,              /* more than the lines of a batch */
    PS_AUDIT_SLOTS = PS_AUDIT_RING + 1, /* so that the next one is free when the ring is full */
    PS_SCOPES_BUT_ADMIN = PS_SCOPE_PAYMENTS_WRITE | PS_SCOPE_REFUNDS_WRITE | PS_SCOPE_LEDGER_WRITE |
                          PS_SCOPE_RAIL_WRITE | PS_SCOPE_RISK_WRITE | PS_SCOPE_READ
};

typedef struct ps_stream ps_stream;

/* One network thread. All of it is that thread's, but for the rings and the metrics. */
typedef struct ps_service_loop {
    ps_service *service;
    ps_http_loop *http;
    uint32_t index;
    ps_ring to_core;   /* jobs to execute */
    ps_ring from_core; /* executed jobs, in the order of execution */
    ps_decoder *decoder;
    ps_renderer *renderer;
    ps_auth_reader *auth;
    ps_rate_limit *key_limit;     /* NULL: no limit */
    ps_rate_limit *address_limit; /* NULL: no limit */
    bool has_pushed;              /* in this turn: the core's bell is to be rung */
    ps_job *free_jobs;
    size_t resting_bytes; /* memory of free_jobs */
    uint32_t job_count;   /* handed to the core and not answered yet */
    uint64_t inflight_bytes;
    ps_job *first, *last; /* executed, to be released in this order (V2) */
    ps_buf headers, body; /* scratch */
    uint8_t random[PS_RANDOM_POOL_SIZE];
    size_t random_left;
    int64_t next_reload_ns; /* of the certificate map; the first loop's */
    ps_stream *streams;     /* list */
    ps_journal_cursor *stream_cursor;
    uint64_t stream_cursor_next; /* seq that the cursor's next read gives; 0: seek first */
    ps_loop_metrics metrics;
} ps_service_loop;

/* In the memory of each HTTP request. */
typedef struct {
    const ps_route *route; /* NULL: none matched */
    ps_auth_key key;
    ps_u128 request_id;
    uint64_t bytes;     /* counted in inflight_bytes */
    ps_rate_state rate; /* burst 0: nothing to tell */
    bool is_counted;    /* in service.running */
    ps_stream *stream;
    uint8_t id_size;
    char id[PS_ID_BUFFER_SIZE]; /* of the path, decoded */
} ps_request_state;

/* A record to audit, and who the certificate of its connection named. */
typedef struct {
    uint64_t seq;
    char certificate[PS_TLS_IDENTITY_MAX];
} ps_audit_note;

struct ps_service {
    ps_service_options options;
    char dir[PS_PATH_MAX];
    ps_io *io;
    ps_engine *engine;
    ps_core *core;
    ps_journal *journal;
    ps_u128 instance;
    ps_http_server *http;
    ps_service_loop *loops[PS_LOOPS_MAX];
    uint32_t loop_count;
    ps_auth *auth;
    ps_hash_secret secret; /* of idempotency keys: a copy, fixed after genesis */

    pthread_mutex_t bad_keys_lock;
    ps_attempt_limit *bad_keys; /* under the lock; all loops together */
    bool has_admin_address;
    _Atomic uint32_t *running; /* PS_RUNNING_COUNTERS: requests of a key that are under way */
    ps_certificate_map *certificates; /* NULL: any certificate may use any key */
    ps_nonce_log *nonces;             /* NULL: signatures are not asked for */

    /* account names: base addresses that never move */
    const ps_account *accounts;
    const char *account_names;

    /* core thread */
    pthread_t core_thread;
    ps_doorbell core_bell;
    _Atomic bool core_ends;
    _Atomic int64_t queue_delay_ns; /* of the job that was taken last */
    _Atomic bool storage_is_full;   /* prepare failed for want of space */

    /* journal thread */
    pthread_t journal_thread;
    ps_doorbell journal_bell;
    ps_ring batches; /* closed ones, to commit */
    _Atomic bool journal_ends;
    _Atomic uint64_t batches_committed;
    uint64_t batches_closed; /* core thread's */

    /* maintenance thread */
    pthread_t maintenance_thread;
    ps_doorbell maintenance_bell;
    _Atomic bool maintenance_ends;
    ps_audit *audit;
    ps_auth_reader *audit_keys; /* ids of keys */
    ps_ring audit_notes;        /* core thread → maintenance: records to audit, of audit_slots */
    ps_audit_note *audit_slots; /* PS_AUDIT_SLOTS: the core's again once popped */
    uint64_t audit_pushed;      /* core thread's */
    _Atomic uint64_t audit_missed_seq; /* newest record that the ring had no room for */

    bool threads_run;
    int64_t start_ns;
    ps_buf openapi; /* made once */
    ps_service_metrics metrics;
};

/* Never returns. */
_Noreturn void ps_service_fault(ps_service *service, const ps_error *err);

static inline int64_t ps_service_mono_ns(const ps_service *service)
{
    return ps_io_now_mono_ns(service->io);
}

/* service_core.c */
void *ps_service_core_run(void *service);
/* service_journal.c */
void *ps_service_journal_run(void *service);
void *ps_service_maintenance_run(void *service);

/* service_admission.c */
/* on_head: nothing of the body is there yet. */
ps_http_admission ps_loop_admit(ps_service_loop *loop, ps_http_request *request);
/* What only the body tells. False: answered. */
PS_CHECKED bool ps_loop_admit_body(ps_service_loop *loop, ps_http_request *request);
PS_CHECKED bool ps_loop_admit_lines(ps_service_loop *loop, ps_http_request *request,
                                    uint32_t line_count);
/* Gives back what admission took; once more does nothing. */
void ps_loop_release(ps_service_loop *loop, ps_http_request *request);

/* service_http.c */
uint32_t ps_loop_jobs_max(const ps_service *service);
extern const ps_http_handler ps_service_http_handler;
PS_CHECKED ps_code ps_service_loop_new(ps_service *service, uint32_t index,
                                       ps_service_loop **out_loop, ps_error *err);
void ps_service_loop_free(ps_service_loop *loop);
/* Ends the request with an error of this loop's making; counts it. */
void ps_loop_answer_error(ps_service_loop *loop, ps_http_request *request,
                          const ps_api_error *error);
void ps_loop_answer_error_with(ps_service_loop *loop, ps_http_request *request,
                               const ps_api_error *error, const char *extra);
void ps_loop_answer_overload(ps_service_loop *loop, ps_http_request *request);
/* Ends the request; `extra`: more header lines. Counts it. */
void ps_loop_answer(ps_service_loop *loop, ps_http_request *request, uint16_t status,
                    ps_slice content_type, ps_slice extra, ps_slice body);
/* "Request-Id: …\r\n", RateLimit-… and `extra`, in loop->headers. */
ps_slice ps_loop_headers(ps_service_loop *loop, const ps_request_state *state, ps_slice extra);
/* The request is over: takes what it held off the loop's account. */
void ps_loop_request_end(ps_service_loop *loop, ps_http_request *request, uint16_t status);
void ps_loop_random(ps_service_loop *loop, void *out, size_t size);

/* service_reply.c */
/* Takes executed jobs in, renders what can be, and releases what is durable. */
void ps_loop_collect(ps_service_loop *loop);
ps_job *ps_loop_job_take(ps_service_loop *loop);
void ps_loop_job_return(ps_service_loop *loop, ps_job *job);
extern const ps_slice ps_json_type; /* application/json */

/* stream.c */
/* GET /v1/events: the page that starts at the job's query result, into job->reply. */
PS_CHECKED ps_code ps_events_render(ps_service_loop *loop, ps_job *job, ps_error *err);
/* GET /v1/stream: begins; takes over the request. False: memory (the request is not ended). */
PS_CHECKED bool ps_stream_begin(ps_service_loop *loop, const ps_job *job);
/* Sends what is durable to every stream, a bounded piece of work. */
void ps_streams_run(ps_service_loop *loop);
/* Comments that keep idle streams open. */
void ps_streams_tick(ps_service_loop *loop);
void ps_stream_writable(ps_service_loop *loop, ps_stream *stream);
void ps_stream_end(ps_service_loop *loop, ps_stream *stream);

#endif
