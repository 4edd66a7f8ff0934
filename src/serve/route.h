/* Routes beyond api.h: look-ups in the table, and the limits that its fields share. */
#ifndef PS_SERVE_ROUTE_H
#define PS_SERVE_ROUTE_H

#include "serve/api.h"

enum {
    PS_NAME_MAX = 64,           /* bytes: merchant, payer, tenant, … */
    PS_ID_MAX = 44,             /* pay_ and 40 */
    PS_REFERENCE_MAX = 255,     /* bytes */
    PS_DESCRIPTION_MAX = 1000,  /* bytes */
    PS_METADATA_KEYS_MAX = 50,  /* members */
    PS_METADATA_KEY_MAX = 40,   /* bytes */
    PS_METADATA_VALUE_MAX = 500 /* bytes */
};

/* The route whose command is `kind`: what a batch line stands for, whose scopes it needs. NULL: no
 * client asks for it. */
const ps_route *ps_route_of_command(ps_command_kind kind);

/* Percent-decodes `text` into out (≥ text.size bytes); '+' becomes a blank when `is_form`. False: a
 * broken escape, or %00. */
PS_CHECKED bool ps_percent_decode(ps_slice text, bool is_form, char *out, size_t *out_size);

/* The path of `route` with `id` in the place of its parameter, as keys of idempotency see it. */
void ps_route_path_append(const ps_route *route, ps_slice id, ps_buf *out);

#endif
