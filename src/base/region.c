#include "base/region.h"

#include <string.h>
#include <sys/mman.h>

enum { PAGE_SIZE = 4096, CHUNK_PAGES = PS_REGION_CHUNK / PAGE_SIZE };
enum { BITS_PER_WORD = 64, POPULATE_PAGES = 3, POPULATE_PAGES_MAX = 32 };

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14; not in the headers of every C library */
#endif

static uint64_t chunk_count(uint64_t size)
{
    return size / PS_REGION_CHUNK + (size % PS_REGION_CHUNK != 0);
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Large tables are read at random: huge pages spare most of their TLB misses and page faults. Small
 * ones would only pay for memory that they do not fill. */
static const uint64_t huge_page = UINT64_C(2) << 20;
static const uint64_t huge_from = UINT64_C(256) << 20;
/* For regions that start small: a huge page each would be most of their memory, and zeroing it most
 * of their time. */
static const uint64_t small_until = UINT64_C(8) << 20;

/* As reserve, on a huge-page boundary, and asks for huge pages; the kernel may say no. */
static void *reserve_huge(uint64_t size)
{
    char *at = mmap(NULL, size + huge_page, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) {
        return NULL;
    }
    uint64_t before = (huge_page - (uintptr_t)at % huge_page) % huge_page;
    if (before > 0) {
        PS_ASSERT(munmap(at, before) == 0);
    }
    PS_ASSERT(munmap(at + before + size, huge_page - before) == 0);
    (void)madvise(at + before, size, MADV_HUGEPAGE);
    return at + before;
}

static void *reserve(uint64_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1, 0);
    return at != MAP_FAILED ? at : NULL;
}

static void unreserve(void *at, uint64_t size)
{
    if (at != NULL) {
        PS_ASSERT(munmap(at, size) == 0);
    }
}

/* The bytes read as zeros again and cost no memory. */
static void give_back(char *at, uint64_t size)
{
    if (size > 0) {
        PS_ASSERT(madvise(at, size, MADV_DONTNEED) == 0);
    }
}

static uint64_t reserved_size(const ps_region *region)
{
    return chunk_count(region->size_max) * PS_REGION_CHUNK;
}

static uint64_t bits_size(const ps_region *region)
{
    return (chunk_count(region->size_max) * CHUNK_PAGES / BITS_PER_WORD + 1) * sizeof(uint64_t);
}

ps_code ps_region_init(ps_region *region, const char *name, uint64_t size_max, ps_error *err)
{
    PS_ASSERT(size_max > 0 && size_max <= UINT64_C(1) << 46);
    ps_region made = {.name = name, .size_max = size_max};
    made.data =
        size_max >= huge_from ? reserve_huge(reserved_size(&made)) : reserve(reserved_size(&made));
    made.shadow = reserve(reserved_size(&made));
    made.copied_bits = reserve(bits_size(&made));
    if (made.data == NULL || made.shadow == NULL || made.copied_bits == NULL) {
        ps_region_release(&made);
        return ps_error_set(err, PS_E_MEMORY,
                            "cannot reserve 2 x %llu bytes of address space for region %s",
                            (unsigned long long)size_max, name);
    }
    *region = made;
    return PS_OK;
}

void ps_region_release(ps_region *region)
{
    unreserve(region->data, reserved_size(region));
    unreserve(region->shadow, reserved_size(region));
    unreserve(region->copied_bits, bits_size(region));
    *region = (ps_region){0};
}

void ps_region_start_small(ps_region *region)
{
    if (region->size_max < huge_from) {
        return;
    }
    region->small_until = small_until;
    region->is_small = true;
    (void)madvise(region->data, reserved_size(region), MADV_NOHUGEPAGE);
}

static void stop_being_small(ps_region *region)
{
    region->is_small = false;
    (void)madvise(region->data, reserved_size(region), MADV_HUGEPAGE);
}

void *ps_region_extend(ps_region *region, uint64_t size)
{
    if (size > region->size_max - region->size) {
        return NULL;
    }
    /* Zero already: memory beyond size was never written, or given back by clear. */
    void *at = region->data + region->size;
    uint64_t chunk = region->size / PS_REGION_CHUNK;
    region->size += size;
    if (region->size / PS_REGION_CHUNK != chunk) {
        atomic_store_explicit(&region->used_hint, region->size, memory_order_relaxed);
        if (region->is_small && region->size > region->small_until) {
            stop_being_small(region);
        }
    }
    return at;
}

ps_code ps_region_too_small(const ps_region *region, ps_error *err)
{
    if (region->declared_by == NULL) {
        return ps_error_set(err, PS_E_LIMIT, "the data holds more %s than this version allows",
                            region->name);
    }
    return ps_error_set(err, PS_E_LIMIT, "the data holds more %s than %s allows: raise it",
                        region->name, region->declared_by);
}

/* How far populate is ahead: twice the most that it saw the table grow between two of its calls, so
 * that a caller that is kept waiting is still in time. */
static uint64_t populate_ahead(ps_region *region, uint64_t used)
{
    uint64_t growth = used > region->populate_used ? used - region->populate_used : 0;
    region->populate_used = used;
    if (growth > region->populate_growth) {
        region->populate_growth = growth;
    }
    uint64_t pages = 2 * region->populate_growth / huge_page;
    pages = pages < POPULATE_PAGES ? POPULATE_PAGES : pages;
    return min_u64(pages, POPULATE_PAGES_MAX) * huge_page;
}

bool ps_region_populate(ps_region *region)
{
    if (region->size_max < huge_from) {
        return false;
    }
    uint64_t used = atomic_load_explicit(&region->used_hint, memory_order_relaxed);
    if (used == 0) {
        return false; /* a table that is not in use costs no memory */
    }
    uint64_t wanted = min_u64(used / huge_page * huge_page + populate_ahead(region, used),
                              reserved_size(region) / huge_page * huge_page);
    if (wanted <= region->populated) {
        return false;
    }
    /* Without it (an old kernel) the owner faults the pages in itself. */
    (void)madvise(region->data + region->populated, wanted - region->populated,
                  MADV_POPULATE_WRITE);
    region->populated = wanted;
    return true;
}

void ps_region_clear(ps_region *region)
{
    PS_ASSERT(!region->frozen);
    give_back(region->data, chunk_count(region->size) * PS_REGION_CHUNK);
    region->size = 0;
    if (region->small_until != 0 && !region->is_small) {
        ps_region_start_small(region);
    }
    atomic_store(&region->used_hint, 0);
    region->populated = 0;
    region->populate_used = 0;
    region->populate_growth = 0;
}

/* ── snapshots ── */

/* Pages, not chunks, are copied aside: right after a freeze nearly every write meets a page that is
 * owed, and a burst of 64 KiB copies would hold up the owner. */
static bool is_copied(const ps_region *region, uint64_t page)
{
    return (region->copied_bits[page / BITS_PER_WORD] >> page % BITS_PER_WORD & 1) != 0;
}

/* The last chunk is saved with its frozen size: what lies beyond is not of this snapshot. */
static uint64_t frozen_chunk_size(const ps_region *region, uint64_t chunk)
{
    return min_u64(PS_REGION_CHUNK, region->frozen_size - chunk * PS_REGION_CHUNK);
}

void ps_region_freeze(ps_region *region)
{
    PS_ASSERT(!region->frozen);
    region->frozen = true;
    region->frozen_size = region->size;
    region->next_chunk = 0;
}

void ps_region_touch_slow(ps_region *region, uint64_t offset, uint64_t size)
{
    PS_ASSERT(region->frozen);
    PS_ASSERT(offset <= region->size && size <= region->size - offset);
    uint64_t end = min_u64(offset + size, region->frozen_size);
    if (offset >= end) {
        return;
    }
    uint64_t page = offset / PAGE_SIZE;
    if (page < region->next_chunk * CHUNK_PAGES) {
        page = region->next_chunk * CHUNK_PAGES;
    }
    for (; page * PAGE_SIZE < end; page++) {
        if (is_copied(region, page)) {
            continue;
        }
        uint64_t start = page * PAGE_SIZE;
        memcpy(region->shadow + start, region->data + start,
               min_u64(PAGE_SIZE, region->frozen_size - start));
        region->copied_bits[page / BITS_PER_WORD] |= UINT64_C(1) << page % BITS_PER_WORD;
    }
}

bool ps_region_next_chunk(ps_region *region, char out[PS_REGION_CHUNK], uint64_t *out_offset,
                          uint32_t *out_size)
{
    PS_ASSERT(region->frozen);
    uint64_t chunk = region->next_chunk;
    if (chunk >= chunk_count(region->frozen_size)) {
        return false;
    }
    uint64_t start = chunk * PS_REGION_CHUNK;
    uint64_t size = frozen_chunk_size(region, chunk);
    bool any_copied = false;
    for (uint64_t at = 0; at < size; at += PAGE_SIZE) {
        bool copied = is_copied(region, (start + at) / PAGE_SIZE);
        const char *from = copied ? region->shadow : region->data;
        memcpy(out + at, from + start + at, min_u64(PAGE_SIZE, size - at));
        any_copied = any_copied || copied;
    }
    if (any_copied) {
        give_back(region->shadow + start, PS_REGION_CHUNK);
    }
    region->next_chunk++;
    *out_offset = start;
    *out_size = (uint32_t)size;
    return true;
}

void ps_region_thaw(ps_region *region)
{
    PS_ASSERT(region->frozen);
    uint64_t chunks = chunk_count(region->frozen_size);
    give_back(region->shadow + region->next_chunk * PS_REGION_CHUNK,
              (chunks - region->next_chunk) * PS_REGION_CHUNK);
    memset(region->copied_bits, 0, (chunks * CHUNK_PAGES / BITS_PER_WORD + 1) * sizeof(uint64_t));
    region->frozen = false;
    region->frozen_size = 0;
    region->next_chunk = 0;
}
