/* The load generator: N keep-alive connections on one thread, closed loop (as fast as replies come)
 * or open loop (at a rate, with latency measured from the time at which a request was due, so that
 * a stall is not left out: G. Tene, "How NOT to Measure Latency").
 */
#ifndef PS_CLI_LOAD_CLIENT_H
#define PS_CLI_LOAD_CLIENT_H

#include <stdatomic.h>

#include "base/histogram.h"
#include "base/io.h"
#include "cli/load_mix.h"

enum { PS_LOAD_STATUS_MAX = 600 };

typedef struct {
    const char *url; /* http://HOST:PORT */
    const char *key;
    uint32_t connection_count;
    double rate;             /* requests per second; 0: closed loop */
    int64_t seconds_ns;      /* how long; 0: until *stop */
    const atomic_bool *stop; /* may be NULL */
    bool signs;              /* each request (serve/request_signature.h) */
    bool progress;           /* a line on stderr each second */
} ps_load_options;

typedef struct {
    uint64_t requests; /* answered, any status */
    uint64_t payments; /* made by requests that were answered 2xx or 402 */
    uint64_t errors;   /* connections lost, malformed replies */
    double seconds;
    uint64_t by_status[PS_LOAD_STATUS_MAX];
    ps_histogram latency;
} ps_load_result;

/* PS_E_INVALID: the URL; PS_E_IO: no connection could be made at all. */
PS_CHECKED ps_code ps_load_run(ps_io *io, const ps_load_options *options, ps_mix *mix,
                               ps_load_result *out_result, ps_error *err);

#endif
