/* Strict reading of raw request bytes, before and beside llhttp: what may stand where (RFC 9112).
 *
 * Two small machines, one for the head and one for a chunked body. They look at every byte in its
 * order, so that a refusal depends on the bytes alone and never on how the network cut them (N3),
 * and they stop exactly behind the last byte of the head or body. What they let through is then
 * read by llhttp; a request counts only when both agree (http_frame.h).
 *
 * Refused here: H4–H10, H13, H15, versions (H16), chunk extensions and trailers of any kind.
 */
#ifndef PS_SERVE_HTTP_SCAN_H
#define PS_SERVE_HTTP_SCAN_H

#include "serve/http_server.h"

/* Every refusal of framing; also used by http_frame and http_conn. */
typedef enum {
    PS_HTTP_BAD_REQUEST_LINE,
    PS_HTTP_BAD_HEADER,
    PS_HTTP_BAD_LINE_END,
    PS_HTTP_BAD_HOST,
    PS_HTTP_BAD_TARGET,
    PS_HTTP_BAD_LENGTH,
    PS_HTTP_BAD_TRANSFER_ENCODING,
    PS_HTTP_BAD_CHUNK,
    PS_HTTP_DUPLICATE_HEADER,
    PS_HTTP_FRAMING_IN_DOUBT,
    PS_HTTP_URI_TOO_LONG,
    PS_HTTP_HEADERS_TOO_LARGE,
    PS_HTTP_BODY_TOO_LARGE,
    PS_HTTP_EXPECTATION_FAILED,
    PS_HTTP_METHOD_UNKNOWN,
    PS_HTTP_VERSION_UNSUPPORTED,
    PS_HTTP_REQUEST_TIMEOUT,
    PS_HTTP_OUT_OF_MEMORY,
    PS_HTTP_TOO_MANY_CONNECTIONS
} ps_http_refusal_kind;

const ps_http_refusal *ps_http_refusal_of(ps_http_refusal_kind kind);

typedef struct {
    size_t uri_size_max;
    size_t headers_size_max; /* all header lines and the blank line */
    uint32_t headers_max;
} ps_http_scan_limits;

typedef struct {
    uint8_t state;
    uint8_t version_size;
    char version[8];
    uint32_t field_size; /* bytes of the method or target so far */
    uint32_t headers_size;
    uint32_t header_count;
} ps_http_head_scan; /* zeroed to start */

/* Looks at data; *out_used bytes of it belong to the head. Returns NULL while all is well; then the
 * head is complete when ps_http_head_is_done. */
PS_CHECKED const ps_http_refusal *ps_http_head_scan_feed(ps_http_head_scan *scan,
                                                         const ps_http_scan_limits *limits,
                                                         ps_slice data, size_t *out_used);
bool ps_http_head_is_done(const ps_http_head_scan *scan);

typedef struct {
    uint8_t state;
    uint8_t digits;
    uint64_t chunk_left; /* data bytes of this chunk still to come */
    uint64_t body_size;  /* data bytes of all chunks announced so far */
} ps_http_chunk_scan;    /* zeroed to start */

/* As above for a chunked body; 413 as soon as a chunk size passes body_size_max. */
PS_CHECKED const ps_http_refusal *ps_http_chunk_scan_feed(ps_http_chunk_scan *scan,
                                                          uint64_t body_size_max, ps_slice data,
                                                          size_t *out_used);
bool ps_http_chunks_are_done(const ps_http_chunk_scan *scan);

/* Characters that a host may have outside of brackets. */
bool ps_http_is_host_char(char c);
/* 0 … 15 of a hex digit in either case; −1 otherwise. */
int ps_http_hex_value(char c);

#endif
