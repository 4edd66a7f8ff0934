/* The time zone database of the system: one zone as bytes. Reads only; no clock, no local zone. */
#ifndef PS_BASE_ZONE_FILE_H
#define PS_BASE_ZONE_FILE_H

#include "base/bytes.h"

/* Appends the TZif file (RFC 8536) of zone `name` ("Europe/Berlin") from $TZDIR, else
 * /usr/share/zoneinfo. PS_E_INVALID: not a zone's name (only letters, digits, _ + - and single /,
 * so that no other file can be named); PS_E_MISSING: no such zone, or no database on this machine:
 * the text says which. Any thread. */
PS_CHECKED ps_code ps_zone_file_read(ps_slice name, ps_buf *out, ps_error *err);

#endif
