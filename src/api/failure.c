#include "api/failure.h"

#include <stdio.h>

ps_failure_kind ps_failure_kind_of(ps_code code)
{
    switch (code) {
    case PS_OK:
        return PS_FAILURE_NONE;
    case PS_E_INVALID:
        return PS_FAILURE_INVALID;
    case PS_E_LIMIT:
        return PS_FAILURE_LIMIT;
    case PS_E_MEMORY:
        return PS_FAILURE_MEMORY;
    case PS_E_IO:
        return PS_FAILURE_IO;
    case PS_E_SPACE:
        return PS_FAILURE_SPACE;
    case PS_E_DAMAGED:
        return PS_FAILURE_DAMAGED;
    case PS_E_LOCKED:
        return PS_FAILURE_LOCKED;
    case PS_E_VERSION:
        return PS_FAILURE_VERSION;
    case PS_E_EXISTS:
        return PS_FAILURE_EXISTS;
    case PS_E_MISSING:
        return PS_FAILURE_MISSING;
    case PS_E_UNSUPPORTED:
        return PS_FAILURE_UNSUPPORTED;
    case PS_E_CLOSED:
        return PS_FAILURE_CLOSED;
    }
    PS_ASSERT(false);
    return PS_FAILURE_NONE;
}

void ps_failure_fill(ps_failure *failure, const ps_error *err)
{
    if (failure == NULL) {
        return;
    }
    *failure = (ps_failure){.kind = ps_failure_kind_of(err->code), .os_errno = err->os_errno};
    snprintf(failure->text, sizeof failure->text, "%s", err->text);
}

const char *ps_failure_kind_name(ps_failure_kind kind)
{
    static const char *const names[] = {
        [PS_FAILURE_NONE] = "none",       [PS_FAILURE_INVALID] = "invalid",
        [PS_FAILURE_LIMIT] = "limit",     [PS_FAILURE_MEMORY] = "memory",
        [PS_FAILURE_IO] = "io",           [PS_FAILURE_SPACE] = "space",
        [PS_FAILURE_DAMAGED] = "damaged", [PS_FAILURE_LOCKED] = "locked",
        [PS_FAILURE_VERSION] = "version", [PS_FAILURE_EXISTS] = "exists",
        [PS_FAILURE_MISSING] = "missing", [PS_FAILURE_UNSUPPORTED] = "unsupported",
        [PS_FAILURE_CLOSED] = "closed",
    };
    size_t index = (size_t)kind;
    return index < sizeof names / sizeof names[0] ? names[index] : "unknown";
}
