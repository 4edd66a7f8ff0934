/* Jobs: one request on its way from a network thread to the core and back.
 *
 * A job belongs to its loop, which makes, renders and frees it; between the push to the core and
 * the pop of the answer it is the core's. Everything that its commands point to lies in its arena,
 * so that one decoder per loop suffices. Jobs are reused with their memory: the data path does not
 * allocate once the buffers have grown.
 */
#ifndef PS_SERVE_JOB_H
#define PS_SERVE_JOB_H

#include "serve/api.h"
#include "serve/auth.h"
#include "serve/http_server.h"
#include "serve/tls.h"

/* ── arena: bump allocation, freed as a whole ── */

typedef struct ps_job_arena_chunk ps_job_arena_chunk;
typedef struct {
    ps_job_arena_chunk *chunks; /* newest first */
    ps_job_arena_chunk *spare;  /* empty, for the next takes */
    size_t size_max;
    size_t size;     /* handed out */
    size_t capacity; /* of all chunks */
} ps_job_arena;
void ps_job_arena_init(ps_job_arena *arena, size_t size_max);
void ps_job_arena_release(ps_job_arena *arena);
void ps_job_arena_clear(ps_job_arena *arena); /* keeps its chunks */
/* 16-aligned, not zeroed; NULL: over size_max, or memory is out. */
void *ps_job_arena_take(ps_job_arena *arena, size_t size);

/* Copies a command with all that it points to. False: memory. */
PS_CHECKED bool ps_command_copy(ps_job_arena *arena, const ps_command *command,
                                ps_command *out_copy);
/* The same for a query. */
PS_CHECKED bool ps_query_copy(ps_job_arena *arena, const ps_query *query, ps_query *out_copy);

/* ── jobs ── */

typedef enum { PS_JOB_COMMANDS, PS_JOB_QUERY } ps_job_kind;

/* One command and what became of it. */
typedef struct {
    ps_command command;
    ps_slice form_error; /* rendered: the line was refused before the core; empty: it was not */
    uint16_t form_status;
    ps_result result;
    uint64_t seq;          /* RECORD: its own */
    size_t payload_offset; /* RECORD: in job.payloads */
    /* for metrics, once is_looked_at; of a RECORD */
    bool is_looked_at;
    uint8_t
        decided; /* ps_status of the payment that the client decided on; PS_STATUS_COUNT: none */
    ps_refusal refusal;
} ps_job_item;

/* A payment's request and the texts that ps_command_copy puts behind it, mostly. */
enum { PS_REQUEST_SIZE_USUAL = sizeof(ps_payment_request) + 192 };

static inline void ps_lines_prefetch(const void *at, size_t size)
{
    enum { LINE = 64 };
    for (size_t i = 0; i < size; i += LINE) {
        __builtin_prefetch((const char *)at + i);
    }
}

typedef struct ps_job {
    ps_http_request *request;
    const ps_route *route;
    uint32_t loop; /* index */
    ps_job_kind kind;
    bool is_batch;
    ps_auth_key key;
    ps_u128 request_id;
    ps_job_arena arena;
    ps_job_item *items; /* in the arena */
    uint32_t item_count;
    uint32_t next_item; /* core: the first one that is not executed */
    ps_query query;
    ps_query_result query_result;
    ps_buf structs;    /* query: result structs; account commands: the account after it */
    ps_buf payloads;   /* copies of the records made */
    uint64_t wait_seq; /* V1: released when this is durable */
    char certificate[PS_TLS_IDENTITY_MAX];    /* the name in that of the connection, for audit */
    char secret[PS_API_KEY_TEXT_MAX];         /* KEY_CREATE; empty otherwise; wiped with the job */
    int64_t received_ns, pushed_ns, taken_ns; /* monotonic */
    bool is_late; /* it waited too long: the core has dropped it, and decided nothing */
    bool is_rendered;
    bool is_replay; /* answered by the record of an earlier request */
    uint16_t status;
    ps_buf reply;
    struct ps_job *next;
} ps_job;

enum {
    PS_JOB_ARENA_MAX = 48 * 1024 * 1024,
    PS_JOB_PAYLOADS_MAX = 96 * 1024 * 1024,
    PS_JOB_REPLY_MAX = 96 * 1024 * 1024,
    PS_JOB_STRUCTS_MAX = 16 * 1024 * 1024
};

ps_job *ps_job_new(void); /* NULL: memory */
void ps_job_free(ps_job *job);
/* Back to empty. Its memory is kept for the next request while it is ≤ memory_max, else given back:
 * a batch takes megabytes, which the kernel would have to zero again each time. */
void ps_job_reset(ps_job *job, size_t memory_max);
/* What it holds, used or not. */
size_t ps_job_memory(const ps_job *job);

#endif
