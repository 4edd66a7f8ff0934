/* Cursors: where the next page of a list begins, bound to the filters of the list.
 *
 * A cursor is 24 characters of base64url: 18 bytes of
 *   0  u16  version, 1
 *   2  u64  number to go on below (ps_query.before)
 *   10 u64  hash of the filters
 * Pages go downwards from a number, so objects made meanwhile never shift them. A cursor is no
 * secret and grants nothing: the book of the query comes from the caller's key.
 */
#ifndef PS_SERVE_DECODE_CURSOR_H
#define PS_SERVE_DECODE_CURSOR_H

#include "pay/query.h"

enum { PS_CURSOR_CHARS = 24 };

/* The cursor of the page after: `next` is that of the query's result. */
void ps_cursor_format(const ps_query *query, uint64_t next, char out[PS_CURSOR_CHARS]);

/* False: not a cursor, or made for other filters. */
PS_CHECKED bool ps_cursor_parse(ps_slice text, const ps_query *query, uint64_t *out_next);

#endif
