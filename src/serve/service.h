/* The service: HTTP, core, journal and maintenance tied together (DESIGN §6).
 *
 *   network threads   read, authenticate, admit, decode → ring → core; render and release answers
 *   core thread       executes in order of arrival into the filling batch, runs timers and queries
 *   journal thread    one batch after the other: write, sync; then answers up to it may leave
 *   maintenance       prepares segments, writes snapshots, scrubs, keeps the audit log
 *
 * Invariants
 *   V1 an answer leaves only when every record that it shows is durable (M14, I3)
 *   V2 answers of one loop are released in the order in which the core executed them
 *   V3 a failed commit ends the process through on_fault: nothing is answered after it (exit 4)
 *   V4 what is taken is bounded: jobs and bytes in flight; beyond them requests are refused from
 *      their head alone, reads first, captures and refunds last
 *
 * Threads: open, start, drain and close on one thread; statistics from any.
 */
#ifndef PS_SERVE_SERVICE_H
#define PS_SERVE_SERVICE_H

#include "pay/engine.h"
#include "serve/http_server.h"
#include "serve/job_board.h"

typedef struct ps_service ps_service;

typedef struct {
    ps_io *io;             /* borrowed */
    ps_engine *engine;     /* borrowed, open; the service's alone from start to the end of drain */
    const char *dir;       /* data directory; borrowed */
    ps_http_options http;  /* request_state_size is the service's own. With admin_host, what
                            * needs the scope admin is served there alone, and nothing else is */
    uint64_t rate_per_key; /* requests per second of one API key; 0: no limit */
    uint64_t rate_per_address;   /* … of one address; 0: no limit */
    uint32_t concurrent_per_key; /* requests of one API key under way at once; 0: no limit */
    const char *certificate_map; /* certificate_map.h; NULL: any certificate may use any key */
    bool requires_signature;     /* request_signature.h */
    uint32_t nonces_max;         /* … remembered in ten minutes */
    uint64_t inflight_bytes_max; /* bodies and answers in the making; default 256 MiB */
    uint32_t inflight_jobs_max;  /* requests handed to the core; default 16,384 */
    int64_t queue_wait_max_ns;   /* … and not begun by then: dropped, 503; default 5 s */
    int64_t batch_wait_max_ns;   /* a batch is closed after this, though one is in flight; 2 ms */
    int64_t scrub_period_ns;     /* one pass over all cold segments; 0: none */
    ps_job_board *jobs;          /* borrowed; NULL: no streaming jobs */
    /* The journal failed, or memory for an answer that must be given is out: must not return.
     * NULL: one line on stderr, then _exit(4). From any thread. */
    void (*on_fault)(void *context, const ps_error *err);
    void *context;
} ps_service_options;

void ps_service_options_init(ps_service_options *options);

/* Binds; PS_E_IO (address in use), PS_E_MEMORY, PS_E_INVALID (TLS files). */
PS_CHECKED ps_code ps_service_open(const ps_service_options *options, ps_service **out_service,
                                   ps_error *err);
/* Starts the threads: from here on requests are answered. */
PS_CHECKED ps_code ps_service_start(ps_service *service, ps_error *err);
uint16_t ps_service_port(const ps_service *service);
uint16_t ps_service_admin_port(const ps_service *service); /* 0: none */
/* Takes no more, finishes what was taken (≤ http.drain_timeout), commits it, writes a final snapshot
 * when that is quick, seals the journal: the next start replays nothing. A snapshot that fails is
 * only said; a journal that cannot be sealed is a fault. The threads are gone after it. */
PS_CHECKED ps_code ps_service_drain(ps_service *service, ps_error *err);
/* After drain, or instead of start. Frees; the engine stays open. NULL is fine. */
void ps_service_close(ps_service *service);

#endif
