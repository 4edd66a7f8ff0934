/* Which certificate may use which API key (S-A8): the file of `http.tls.keys`.
 *
 *   # key id, blank, identity as tls.h names it
 *   key_1m5r6r0dxjbvv2x5wzk6z9gk1h   dns:shop.example
 *   *                                dns:ops.example      any key
 *
 * With the file, what no line allows is refused. It is read again when it has changed; a file with
 * a wrong line changes nothing.
 *
 * Threads: allows from any, reload from one at a time.
 */
#ifndef PS_SERVE_CERTIFICATE_MAP_H
#define PS_SERVE_CERTIFICATE_MAP_H

#include "base/bytes.h"

typedef struct ps_certificate_map ps_certificate_map;

enum { PS_CERTIFICATE_MAP_SIZE_MAX = 16 * 1024 * 1024 };

/* `instance`: of the journal, for ids. PS_E_INVALID names the line; PS_E_IO, PS_E_MEMORY. */
PS_CHECKED ps_code ps_certificate_map_open(const char *path, ps_u128 instance,
                                           ps_certificate_map **out_map, ps_error *err);
void ps_certificate_map_close(ps_certificate_map *map); /* NULL is fine */

/* A failure is answered once for each change of the file; the old lines stay. */
PS_CHECKED ps_code ps_certificate_map_reload(ps_certificate_map *map, ps_error *err);
bool ps_certificate_map_allows(ps_certificate_map *map, uint32_t key, ps_slice identity);

#endif
