#include "base/sim_image.h"

#include <stdlib.h>

enum { PAGE_SIZE = 4096 };

typedef struct {
    uint32_t refs;
    char bytes[PAGE_SIZE];
} sim_page;

struct ps_sim_image {
    uint32_t refs;
    uint64_t size;
    uint64_t page_count; /* length of pages: all that size needs, or more */
    sim_page **pages;    /* NULL: zeros. Bytes beyond size are zeros in every page */
};

void *ps_sim_alloc(size_t size)
{
    void *memory = calloc(1, size);
    PS_ASSERT(memory != NULL);
    return memory;
}

void *ps_sim_realloc(void *memory, size_t size)
{
    void *moved = realloc(memory, size);
    PS_ASSERT(moved != NULL);
    return moved;
}

static void page_drop(sim_page *page)
{
    if (page != NULL && --page->refs == 0) {
        free(page);
    }
}

/* The page at *slot, owned by this table alone. */
static sim_page *page_own(sim_page **slot)
{
    sim_page *page = *slot;
    if (page != NULL && page->refs == 1) {
        return page;
    }
    sim_page *own = ps_sim_alloc(sizeof *own);
    own->refs = 1;
    if (page != NULL) {
        memcpy(own->bytes, page->bytes, PAGE_SIZE);
        page->refs--;
    }
    *slot = own;
    return own;
}

ps_sim_image *ps_sim_image_share(ps_sim_image *image)
{
    if (image != NULL) {
        image->refs++;
    }
    return image;
}

void ps_sim_image_drop(ps_sim_image *image)
{
    if (image == NULL || --image->refs > 0) {
        return;
    }
    for (uint64_t i = 0; i < image->page_count; i++) {
        page_drop(image->pages[i]);
    }
    free(image->pages);
    free(image);
}

/* Makes *image this owner's alone. */
static ps_sim_image *image_own(ps_sim_image **image)
{
    ps_sim_image *shared = *image;
    if (shared != NULL && shared->refs == 1) {
        return shared;
    }
    ps_sim_image *own = ps_sim_alloc(sizeof *own);
    own->refs = 1;
    if (shared != NULL) {
        own->size = shared->size;
        own->page_count = shared->page_count;
        own->pages = ps_sim_alloc((own->page_count + 1) * sizeof(sim_page *));
        for (uint64_t i = 0; i < own->page_count; i++) {
            own->pages[i] = shared->pages[i];
            if (own->pages[i] != NULL) {
                own->pages[i]->refs++;
            }
        }
        shared->refs--;
    }
    *image = own;
    return own;
}

uint64_t ps_sim_image_size(const ps_sim_image *image)
{
    return image != NULL ? image->size : 0;
}

size_t ps_sim_image_read(const ps_sim_image *image, uint64_t offset, void *out, size_t size)
{
    uint64_t image_size = ps_sim_image_size(image);
    if (offset >= image_size) {
        return 0;
    }
    if (size > image_size - offset) {
        size = image_size - offset;
    }
    for (size_t done = 0; done < size;) {
        uint64_t at = (offset + done) % PAGE_SIZE;
        size_t step = PAGE_SIZE - at < size - done ? PAGE_SIZE - at : size - done;
        const sim_page *page = image->pages[(offset + done) / PAGE_SIZE];
        if (page != NULL) {
            memcpy((char *)out + done, page->bytes + at, step);
        } else {
            memset((char *)out + done, 0, step);
        }
        done += step;
    }
    return size;
}

static void grow(ps_sim_image *image, uint64_t size)
{
    uint64_t needed = size / PAGE_SIZE + 1;
    if (needed > image->page_count) {
        uint64_t count = image->page_count * 2 > needed ? image->page_count * 2 : needed;
        image->pages = ps_sim_realloc(image->pages, count * sizeof(sim_page *));
        memset(image->pages + image->page_count, 0,
               (count - image->page_count) * sizeof(sim_page *));
        image->page_count = count;
    }
    if (size > image->size) {
        image->size = size;
    }
}

static void write_page(sim_page **slot, uint64_t at, const char *data, size_t size)
{
    if (data != NULL) {
        memcpy(page_own(slot)->bytes + at, data, size);
    } else if (size == PAGE_SIZE) {
        page_drop(*slot);
        *slot = NULL;
    } else if (*slot != NULL) {
        memset(page_own(slot)->bytes + at, 0, size);
    }
}

void ps_sim_image_write(ps_sim_image **image, uint64_t offset, const void *data, uint64_t size)
{
    if (size == 0) {
        return;
    }
    ps_sim_image *own = image_own(image);
    grow(own, offset + size);
    for (uint64_t done = 0; done < size;) {
        uint64_t at = (offset + done) % PAGE_SIZE;
        uint64_t step = PAGE_SIZE - at < size - done ? PAGE_SIZE - at : size - done;
        write_page(&own->pages[(offset + done) / PAGE_SIZE], at,
                   data != NULL ? (const char *)data + done : NULL, step);
        done += step;
    }
}

void ps_sim_image_resize(ps_sim_image **image, uint64_t size)
{
    uint64_t size_before = ps_sim_image_size(*image);
    if (size < size_before) {
        /* So that a later growth reads zeros. */
        ps_sim_image_write(image, size, NULL, size_before - size);
    }
    if (size != size_before) {
        ps_sim_image *own = image_own(image);
        grow(own, size);
        own->size = size;
    }
}
