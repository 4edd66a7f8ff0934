/* What a decoded query says beyond the fields of ps_query.
 *
 * Two things travel in ps_query.target, which these queries do not need otherwise:
 *   PS_QUERY_PAYMENTS  the metadata filter: a canonical JSON object of texts; empty: none
 *   PS_QUERY_EVENTS    the event type that is asked for ("payment.captured"); empty: all
 */
#ifndef PS_SERVE_DECODE_QUERY_H
#define PS_SERVE_DECODE_QUERY_H

#include "base/bytes.h"

/* Does `metadata` (canonical, as stored; may be empty) have every member of `filter` (canonical; an
 * empty one: always)? */
bool ps_metadata_matches(ps_slice metadata, ps_slice filter);

#endif
