/* Framing of one request: where its head and its body end, and what its head says.
 *
 *   bytes → http_scan (strict, byte by byte) → llhttp 8.1, lenient flags off → the checks here
 *
 * llhttp reads the same bytes that the scan let through, and the two must agree on every boundary;
 * a disagreement is a 400. No sockets, no clock, no memory of its own: the caller keeps the head's
 * bytes until the request ends, and takes the body's bytes from `on_body`. So the unit tests, the
 * differential test and the fuzzer run the very path that the network takes.
 */
#ifndef PS_SERVE_HTTP_FRAME_H
#define PS_SERVE_HTTP_FRAME_H

#include <llhttp.h>

#include "serve/http_scan.h"

enum { PS_HTTP_HEADERS_MAX = 64, PS_HTTP_HEAD_SIZE_MAX = 60000 };

/* Offsets into the head's bytes. */
typedef struct {
    uint16_t name, name_size, value, value_size;
} ps_http_field;

typedef struct {
    ps_http_method method;
    bool is_http_1_0;
    bool keep_alive; /* what the client asks for */
    bool chunked;
    bool expects_continue;
    uint64_t content_length; /* 0 when absent */
    ps_slice path, query;
    uint16_t field_count;
    uint8_t known[PS_HTTP_HEADER_KINDS]; /* index into fields + 1; 0: absent */
    ps_http_field fields[PS_HTTP_HEADERS_MAX];
} ps_http_head;

typedef struct {
    llhttp_t parser;
    ps_http_head_scan head_scan;
    ps_http_chunk_scan chunk_scan;
    const ps_http_scan_limits *limits;
    bool is_chunked;
    bool is_complete;       /* llhttp has seen the whole message */
    uint64_t body_left;     /* with Content-Length */
    uint64_t body_size_max; /* chunked: the limit */
    /* valid during a call */
    ps_http_head *head;
    ps_slice head_bytes;
    bool (*on_body)(void *context, ps_slice bytes);
    void *context;
    bool body_refused; /* on_body said no */
} ps_http_frame;

/* Before each request. limits are borrowed. */
void ps_http_frame_start(ps_http_frame *frame, const ps_http_scan_limits *limits);

/* Feeds raw bytes while the head is not complete; *out_used of them belong to it, in all cases.
 * NULL: so far well framed. */
PS_CHECKED const ps_http_refusal *ps_http_frame_scan(ps_http_frame *frame, ps_slice data,
                                                     size_t *out_used);
static inline bool ps_http_frame_has_head(const ps_http_frame *frame)
{
    return ps_http_head_is_done(&frame->head_scan);
}

/* Once, with all bytes of the head that scan counted. Fills *head; its slices borrow from bytes. */
PS_CHECKED const ps_http_refusal *ps_http_frame_parse(ps_http_frame *frame, ps_slice bytes,
                                                      ps_http_head *head);

/* After parse: the body limit, checked against Content-Length now and against chunks later. */
PS_CHECKED const ps_http_refusal *
ps_http_frame_limit_body(ps_http_frame *frame, const ps_http_head *head, uint64_t body_size_max);

/* Feeds bytes behind the head; *out_used of them belong to this body. on_body gets the decoded
 * bytes and may answer false (no memory): a 503 then. */
PS_CHECKED const ps_http_refusal *ps_http_frame_body(ps_http_frame *frame, ps_slice data,
                                                     bool (*on_body)(void *, ps_slice),
                                                     void *context, size_t *out_used);
/* The request is complete: no (more) body to come. */
bool ps_http_frame_is_complete(const ps_http_frame *frame);

/* The value of a field of the head. */
static inline ps_slice ps_http_field_name(const char *head, const ps_http_field *field)
{
    return (ps_slice){head + field->name, field->name_size};
}
static inline ps_slice ps_http_field_value(const char *head, const ps_http_field *field)
{
    return (ps_slice){head + field->value, field->value_size};
}

#endif
