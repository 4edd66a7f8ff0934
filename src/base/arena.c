#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_MIN = 16 * 1024, BLOCK_MAX = 4 * 1024 * 1024, ALIGNMENT = 16 };

struct ps_arena_block {
    ps_arena_block *next;
    size_t size; /* payload bytes */
    _Alignas(ALIGNMENT) char payload[];
};

void ps_arena_init(ps_arena *arena, size_t total_max)
{
    *arena = (ps_arena){.total_max = total_max};
}

static void enter_block(ps_arena *arena, ps_arena_block *block)
{
    arena->current = block;
    arena->used = 0;
    arena->size = block != NULL ? block->size : 0;
}

void ps_arena_reset(ps_arena *arena)
{
    enter_block(arena, arena->first);
}

void ps_arena_release(ps_arena *arena)
{
    ps_arena_block *block = arena->first;
    while (block != NULL) {
        ps_arena_block *next = block->next;
        free(block);
        block = next;
    }
    *arena = (ps_arena){.total_max = arena->total_max};
}

/* A block with room for `size` bytes behind the current one: a kept one, or a new one. */
static bool add_block(ps_arena *arena, size_t size)
{
    ps_arena_block *kept = arena->current != NULL ? arena->current->next : arena->first;
    if (kept != NULL && kept->size >= size) {
        enter_block(arena, kept);
        return true;
    }
    size_t wanted = arena->total < BLOCK_MIN ? BLOCK_MIN : arena->total;
    wanted = wanted > BLOCK_MAX ? BLOCK_MAX : wanted;
    wanted = wanted < size ? size : wanted;
    if (wanted > arena->total_max - arena->total) {
        wanted = size;
    }
    if (size > arena->total_max - arena->total) {
        return false;
    }
    ps_arena_block *block = malloc(sizeof(*block) + wanted);
    if (block == NULL) {
        return false;
    }
    block->size = wanted;
    block->next = kept;
    if (arena->current != NULL) {
        arena->current->next = block;
    } else {
        arena->first = block;
    }
    arena->total += wanted;
    enter_block(arena, block);
    return true;
}

void *ps_arena_take_undefined(ps_arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    rounded = rounded == 0 ? ALIGNMENT : rounded;
    if (rounded > arena->size - arena->used && !add_block(arena, rounded)) {
        return NULL;
    }
    void *at = arena->current->payload + arena->used;
    arena->used += rounded;
    return at;
}

void *ps_arena_take(ps_arena *arena, size_t size)
{
    void *at = ps_arena_take_undefined(arena, size);
    if (at != NULL) {
        memset(at, 0, size);
    }
    return at;
}

char *ps_arena_copy(ps_arena *arena, const char *data, size_t size)
{
    char *copy = ps_arena_take_undefined(arena, size + 1);
    if (copy == NULL) {
        return NULL;
    }
    if (size > 0) {
        memcpy(copy, data, size);
    }
    copy[size] = 0;
    return copy;
}

char *ps_arena_print(ps_arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    PS_ASSERT(size >= 0);
    char *text = ps_arena_take(arena, (size_t)size + 1);
    if (text != NULL) {
        vsnprintf(text, (size_t)size + 1, format, again);
    }
    va_end(again);
    return text;
}
