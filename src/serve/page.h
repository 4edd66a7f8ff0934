/* The live page: the files of web/, embedded at build. */
#ifndef PS_SERVE_PAGE_H
#define PS_SERVE_PAGE_H

#include "base/bytes.h"

typedef struct {
    const char *path;         /* "/" for index.html, "/name" for the others */
    const char *content_type; /* by extension */
    const unsigned char *data;
    size_t size;
} ps_page_file;

/* NULL: no such file. */
const ps_page_file *ps_page_find(ps_slice path);
/* Header lines of every file: a policy that lets nothing in from elsewhere. */
ps_slice ps_page_headers(void);

#endif
