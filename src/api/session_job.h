/* What a session's settings say of its jobs. */
#ifndef PS_API_SESSION_JOB_H
#define PS_API_SESSION_JOB_H

#include "run/stream_job.h"
#include "sql/session.h"

/* Sets the plan, its fingerprint and what has a setting; leaves the rest of *out. PS_E_INVALID. */
PS_CHECKED ps_code ps_session_job_options(const ps_session *session, const ps_graph *graph,
                                          ps_stream_job_options *out, ps_error *err);

#endif
