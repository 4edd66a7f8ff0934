#include "serve/page.h"

/* Made from web/ by the build: `static const ps_page_file page_files[]`, ended by a NULL path. */
#if __has_include("page_files.h")
#include "page_files.h"
#else
static const ps_page_file page_files[] = {{NULL, NULL, NULL, 0}};
#endif

const ps_page_file *ps_page_find(ps_slice path)
{
    for (const ps_page_file *file = page_files; file->path != NULL; file++) {
        if (ps_slice_equal(path, ps_slice_text(file->path))) {
            return file;
        }
    }
    return NULL;
}

ps_slice ps_page_headers(void)
{
    return PS_SLICE("Content-Security-Policy: default-src 'none'; script-src 'self'; style-src "
                    "'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; "
                    "form-action 'none'; frame-ancestors 'none'\r\n"
                    "X-Content-Type-Options: nosniff\r\n"
                    "Referrer-Policy: no-referrer\r\n"
                    "Cache-Control: no-cache\r\n");
}
