#include "serve/job.h"

#include <openssl/crypto.h>
#include <stdlib.h>

/* ── arena ── */

enum { CHUNK_SMALL = 4096, CHUNK_LARGE = 256 * 1024, ARENA_ALIGN = 16 };

struct ps_job_arena_chunk {
    ps_job_arena_chunk *older;
    size_t capacity;
    size_t used;
    size_t reserved;
    char bytes[];
};

void ps_job_arena_init(ps_job_arena *arena, size_t size_max)
{
    *arena = (ps_job_arena){.size_max = size_max};
}

static void chunks_free(ps_job_arena_chunk *chunks)
{
    for (ps_job_arena_chunk *at = chunks; at != NULL;) {
        ps_job_arena_chunk *older = at->older;
        free(at);
        at = older;
    }
}

void ps_job_arena_release(ps_job_arena *arena)
{
    chunks_free(arena->chunks);
    chunks_free(arena->spare);
    ps_job_arena_init(arena, arena->size_max);
}

/* The oldest comes to the front of the spare ones: the next request takes them in the same order.
 */
void ps_job_arena_clear(ps_job_arena *arena)
{
    for (ps_job_arena_chunk *at = arena->chunks; at != NULL;) {
        ps_job_arena_chunk *older = at->older;
        at->used = 0;
        at->older = arena->spare;
        arena->spare = at;
        at = older;
    }
    arena->chunks = NULL;
    arena->size = 0;
}

/* The first spare chunk that is large enough, or a new one; NULL: memory is out. */
static ps_job_arena_chunk *chunk_get(ps_job_arena *arena, size_t size)
{
    for (ps_job_arena_chunk **at = &arena->spare; *at != NULL; at = &(*at)->older) {
        ps_job_arena_chunk *chunk = *at;
        if (chunk->capacity >= size) {
            *at = chunk->older;
            return chunk;
        }
    }
    size_t capacity = arena->chunks == NULL ? CHUNK_SMALL : CHUNK_LARGE;
    capacity = size > capacity ? size : capacity;
    ps_job_arena_chunk *chunk = malloc(sizeof *chunk + capacity);
    if (chunk != NULL) {
        chunk->capacity = capacity;
        chunk->used = 0;
        arena->capacity += capacity;
    }
    return chunk;
}

void *ps_job_arena_take(ps_job_arena *arena, size_t size)
{
    size = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (size > arena->size_max - arena->size) {
        return NULL;
    }
    ps_job_arena_chunk *chunk = arena->chunks;
    if (chunk == NULL || size > chunk->capacity - chunk->used) {
        chunk = chunk_get(arena, size);
        if (chunk == NULL) {
            return NULL;
        }
        chunk->older = arena->chunks;
        arena->chunks = chunk;
    }
    void *at = chunk->bytes + chunk->used;
    chunk->used += size;
    arena->size += size;
    return at;
}

/* ── copies ── */

static bool slice_copy(ps_job_arena *arena, ps_slice *slice)
{
    if (slice->size == 0) {
        return true;
    }
    char *copy = ps_job_arena_take(arena, slice->size);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, slice->data, slice->size);
    slice->data = copy;
    return true;
}

static bool slices_copy(ps_job_arena *arena, ps_slice *const *slices, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!slice_copy(arena, slices[i])) {
            return false;
        }
    }
    return true;
}

static bool payment_copy(ps_job_arena *arena, const ps_payment_request *payment,
                         const ps_payment_request **out_copy)
{
    ps_payment_request *copy = ps_job_arena_take(arena, sizeof *copy);
    if (copy == NULL) {
        return false;
    }
    *copy = *payment;
    *out_copy = copy;
    ps_slice *slices[] = {
        &copy->client_id,    &copy->merchant, &copy->payer,   &copy->token,
        &copy->bin,          &copy->last4,    &copy->exp,     &copy->reference,
        &copy->description,  &copy->metadata, &copy->ip,      &copy->device,
        &copy->email,        &copy->country,  &copy->channel, &copy->user_agent,
        &copy->card_country,
    };
    return slices_copy(arena, slices, sizeof slices / sizeof slices[0]);
}

static bool own_part_copy(ps_job_arena *arena, ps_command *copy)
{
    switch (copy->kind) {
    case PS_CMD_PAYMENT_CREATE:
        return payment_copy(arena, copy->u.payment, &copy->u.payment);
    case PS_CMD_PAYMENT_RAIL_RESULT:
        return slice_copy(arena, &copy->u.rail.decline_code);
    case PS_CMD_REFUND_CREATE:
    case PS_CMD_DISPUTE_OPEN:
        return slice_copy(arena, &copy->u.refund.payment) &&
               slice_copy(arena, &copy->u.refund.reason);
    case PS_CMD_ACCOUNT_OPEN:
        return slice_copy(arena, &copy->u.account.name);
    case PS_CMD_TRANSFER_CREATE:
        return slice_copy(arena, &copy->u.transfer.debit) &&
               slice_copy(arena, &copy->u.transfer.credit);
    case PS_CMD_SETTLEMENT_CLOSE:
        return slice_copy(arena, &copy->u.settlement.merchant);
    case PS_CMD_RISK_EVENT:
        return slice_copy(arena, &copy->u.risk.payment) && slice_copy(arena, &copy->u.risk.entity);
    case PS_CMD_KEY_CREATE:
    case PS_CMD_GENESIS:
        return slice_copy(arena, &copy->u.key_new.tenant);
    case PS_CMD_TIMER:
    case PS_CMD_SNAPSHOT:
    case PS_CMD_PAYMENT_CONFIRM:
    case PS_CMD_PAYMENT_CAPTURE:
    case PS_CMD_PAYMENT_CANCEL:
    case PS_CMD_PAYMENT_REVERSE:
    case PS_CMD_PAYMENT_SYNC:
    case PS_CMD_PAYMENT_REVIEW:
    case PS_CMD_DISPUTE_CHALLENGE:
    case PS_CMD_DISPUTE_ACCEPT:
    case PS_CMD_DISPUTE_END:
    case PS_CMD_ACCOUNT_FREEZE:
    case PS_CMD_ACCOUNT_UNFREEZE:
    case PS_CMD_ACCOUNT_CLOSE:
    case PS_CMD_TRANSFER_POST:
    case PS_CMD_TRANSFER_VOID:
    case PS_CMD_TRANSFER_REVERT:
    case PS_CMD_SETTLEMENT_CONFIRM:
    case PS_CMD_SETTLEMENT_FAIL:
    case PS_CMD_KEY_REVOKE:
    case PS_CMD_COUNT:
        return true;
    }
    return true;
}

bool ps_command_copy(ps_job_arena *arena, const ps_command *command, ps_command *out_copy)
{
    *out_copy = *command;
    ps_slice *slices[] = {&out_copy->target, &out_copy->reason, &out_copy->reference,
                          &out_copy->data};
    return slices_copy(arena, slices, sizeof slices / sizeof slices[0]) &&
           own_part_copy(arena, out_copy);
}

bool ps_query_copy(ps_job_arena *arena, const ps_query *query, ps_query *out_copy)
{
    *out_copy = *query;
    ps_slice *slices[] = {&out_copy->target, &out_copy->merchant, &out_copy->payer,
                          &out_copy->payment, &out_copy->reference};
    return slices_copy(arena, slices, sizeof slices / sizeof slices[0]);
}

/* ── jobs ── */

ps_job *ps_job_new(void)
{
    ps_job *job = calloc(1, sizeof *job);
    if (job == NULL) {
        return NULL;
    }
    ps_job_arena_init(&job->arena, PS_JOB_ARENA_MAX);
    ps_buf_init(&job->structs, PS_JOB_STRUCTS_MAX);
    ps_buf_init(&job->payloads, PS_JOB_PAYLOADS_MAX);
    ps_buf_init(&job->reply, PS_JOB_REPLY_MAX);
    return job;
}

void ps_job_free(ps_job *job)
{
    if (job == NULL) {
        return;
    }
    ps_job_arena_release(&job->arena);
    ps_buf_release(&job->structs);
    ps_buf_release(&job->payloads);
    ps_buf_release(&job->reply);
    OPENSSL_cleanse(job->secret, sizeof job->secret);
    free(job);
}

void ps_job_reset(ps_job *job, size_t memory_max)
{
    if (job->secret[0] != 0) {
        OPENSSL_cleanse(job->secret, sizeof job->secret);
        OPENSSL_cleanse(job->reply.data, job->reply.size);
    }
    if (ps_job_memory(job) > memory_max) {
        ps_job_arena_release(&job->arena);
        ps_buf_release(&job->structs);
        ps_buf_release(&job->payloads);
        ps_buf_release(&job->reply);
    }
    ps_job_arena arena = job->arena;
    ps_buf structs = job->structs;
    ps_buf payloads = job->payloads;
    ps_buf reply = job->reply;
    memset(job, 0, sizeof *job);
    job->arena = arena;
    job->structs = structs;
    job->payloads = payloads;
    job->reply = reply;
    ps_job_arena_clear(&job->arena);
    ps_buf_clear(&job->structs);
    ps_buf_clear(&job->payloads);
    ps_buf_clear(&job->reply);
}

size_t ps_job_memory(const ps_job *job)
{
    return job->arena.capacity + job->structs.capacity + job->payloads.capacity +
           job->reply.capacity;
}
