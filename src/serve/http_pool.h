/* Buffers of one loop: power-of-two sizes from 1 KiB up, kept for reuse, under one byte limit.
 *
 * What is in use and what is kept count together against size_max; beyond it take answers NULL and
 * the connection concerned is refused or closed, never the process. Kept memory is bounded by
 * KEPT_MAX; large buffers go back to the system at once. Threads: the loop's own.
 */
#ifndef PS_SERVE_HTTP_POOL_H
#define PS_SERVE_HTTP_POOL_H

#include "base/bytes.h"

enum { PS_HTTP_POOL_CLASSES = 18, PS_HTTP_POOL_SMALLEST = 1024 }; /* 1 KiB … 128 MiB */

typedef struct ps_http_pool_free {
    struct ps_http_pool_free *next;
} ps_http_pool_free;

typedef struct {
    size_t size_max;
    size_t used_size; /* lent out */
    size_t kept_size; /* in the lists */
    ps_http_pool_free *lists[PS_HTTP_POOL_CLASSES];
} ps_http_pool;

void ps_http_pool_init(ps_http_pool *pool, size_t size_max);
void ps_http_pool_release(ps_http_pool *pool); /* everything was given back: asserted */
/* At least `size` bytes, uninitialised; NULL at the limit or without memory. */
void *ps_http_pool_take(ps_http_pool *pool, size_t size, size_t *out_capacity);
void ps_http_pool_give(ps_http_pool *pool, void *data, size_t capacity); /* NULL is fine */

/* A growable run of bytes in pool memory. Zeroed is empty. */
typedef struct {
    char *data;
    size_t size, capacity;
} ps_http_bytes;

/* Room for `more` bytes behind size, which stays; false at the limit, nothing changed. */
PS_CHECKED bool ps_http_bytes_reserve(ps_http_pool *pool, ps_http_bytes *bytes, size_t more);
PS_CHECKED bool ps_http_bytes_append(ps_http_pool *pool, ps_http_bytes *bytes, ps_slice slice);
void ps_http_bytes_release(ps_http_pool *pool, ps_http_bytes *bytes); /* empty afterwards */

#endif
