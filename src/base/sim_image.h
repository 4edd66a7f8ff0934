/* sim_image: the contents of one simulated file, cheap to copy: a counted table of counted 4 KiB
 * pages, both copied when written while shared. A page that is not there reads as zeros.
 *
 * Internal to io_sim. Memory running out stops the process: this is a test tool.
 */
#ifndef PS_BASE_SIM_IMAGE_H
#define PS_BASE_SIM_IMAGE_H

#include "base/bytes.h"

typedef struct ps_sim_image ps_sim_image; /* NULL is the empty image */

/* calloc and realloc that stop the process instead of failing. */
void *ps_sim_alloc(size_t size);
void *ps_sim_realloc(void *memory, size_t size);

/* One more owner of the same contents. */
ps_sim_image *ps_sim_image_share(ps_sim_image *image);
void ps_sim_image_drop(ps_sim_image *image);

uint64_t ps_sim_image_size(const ps_sim_image *image);
/* Returns how many bytes there were. */
size_t ps_sim_image_read(const ps_sim_image *image, uint64_t offset, void *out, size_t size);
/* Grows the image as needed; data NULL writes zeros. */
void ps_sim_image_write(ps_sim_image **image, uint64_t offset, const void *data, uint64_t size);
void ps_sim_image_resize(ps_sim_image **image, uint64_t size);

#endif
