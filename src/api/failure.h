/* From the library's own errors to those of the public interface. */
#ifndef PS_API_FAILURE_H
#define PS_API_FAILURE_H

#include "base/error.h"
#include "paystream/error.h"

ps_failure_kind ps_failure_kind_of(ps_code code);
/* failure may be NULL. */
void ps_failure_fill(ps_failure *failure, const ps_error *err);

#endif
