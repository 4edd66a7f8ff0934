#include "serve/http_pool.h"

#include <stdlib.h>

enum {
    KEPT_MAX = 32 * 1024 * 1024,
    KEPT_CLASS_MAX = 11 /* 2 MiB: a batch and its answer; larger ones are rare */
};

static size_t class_of(size_t size)
{
    size_t class = 0;
    size_t capacity = PS_HTTP_POOL_SMALLEST;
    while (capacity < size) {
        capacity *= 2;
        class ++;
    }
    return class;
}

static size_t class_capacity(size_t class)
{
    return (size_t)PS_HTTP_POOL_SMALLEST << class;
}

void ps_http_pool_init(ps_http_pool *pool, size_t size_max)
{
    *pool = (ps_http_pool){.size_max = size_max};
}

static void drop_kept(ps_http_pool *pool)
{
    for (size_t i = 0; i < PS_HTTP_POOL_CLASSES; i++) {
        while (pool->lists[i] != NULL) {
            ps_http_pool_free *first = pool->lists[i];
            pool->lists[i] = first->next;
            free(first);
        }
    }
    pool->kept_size = 0;
}

void ps_http_pool_release(ps_http_pool *pool)
{
    PS_ASSERT(pool->used_size == 0);
    drop_kept(pool);
}

void *ps_http_pool_take(ps_http_pool *pool, size_t size, size_t *out_capacity)
{
    if (size > class_capacity(PS_HTTP_POOL_CLASSES - 1)) {
        return NULL;
    }
    size_t class = class_of(size);
    size_t capacity = class_capacity(class);
    void *data = pool->lists[class];
    if (data != NULL) {
        pool->lists[class] = pool->lists[class]->next;
        pool->kept_size -= capacity;
    } else {
        if (pool->used_size + pool->kept_size + capacity > pool->size_max) {
            drop_kept(pool); /* kept buffers of other sizes must not starve this one */
        }
        if (pool->used_size + capacity > pool->size_max) {
            return NULL;
        }
        data = malloc(capacity);
        if (data == NULL) {
            return NULL;
        }
    }
    pool->used_size += capacity;
    *out_capacity = capacity;
    return data;
}

void ps_http_pool_give(ps_http_pool *pool, void *data, size_t capacity)
{
    if (data == NULL) {
        return;
    }
    PS_ASSERT(pool->used_size >= capacity);
    pool->used_size -= capacity;
    size_t class = class_of(capacity);
    if (class > KEPT_CLASS_MAX || pool->kept_size + capacity > KEPT_MAX) {
        free(data);
        return;
    }
    ps_http_pool_free *entry = data;
    entry->next = pool->lists[class];
    pool->lists[class] = entry;
    pool->kept_size += capacity;
}

bool ps_http_bytes_reserve(ps_http_pool *pool, ps_http_bytes *bytes, size_t more)
{
    if (bytes->capacity - bytes->size >= more) {
        return true;
    }
    size_t capacity = 0;
    char *data = ps_http_pool_take(pool, bytes->size + more, &capacity);
    if (data == NULL) {
        return false;
    }
    if (bytes->size > 0) {
        memcpy(data, bytes->data, bytes->size);
    }
    ps_http_pool_give(pool, bytes->data, bytes->capacity);
    bytes->data = data;
    bytes->capacity = capacity;
    return true;
}

bool ps_http_bytes_append(ps_http_pool *pool, ps_http_bytes *bytes, ps_slice slice)
{
    if (!ps_http_bytes_reserve(pool, bytes, slice.size)) {
        return false;
    }
    if (slice.size > 0) {
        memcpy(bytes->data + bytes->size, slice.data, slice.size);
        bytes->size += slice.size;
    }
    return true;
}

void ps_http_bytes_release(ps_http_pool *pool, ps_http_bytes *bytes)
{
    ps_http_pool_give(pool, bytes->data, bytes->capacity);
    *bytes = (ps_http_bytes){0};
}
