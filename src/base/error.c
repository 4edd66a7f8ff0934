#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ps_code ps_error_set(ps_error *err, ps_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    err->code = code;
    err->os_errno = 0;
    return code;
}

static ps_code code_of_errno(int os_errno)
{
    switch (os_errno) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return PS_E_SPACE;
    case ENOMEM:
        return PS_E_MEMORY;
    default:
        return PS_E_IO;
    }
}

ps_code ps_error_set_os(ps_error *err, int os_errno, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    size_t used = length < 0 ? 0 : (size_t)length;
    if (used < sizeof err->text) {
        char reason[128];
        snprintf(err->text + used, sizeof err->text - used, ": %s",
                 strerror_r(os_errno, reason, sizeof reason));
    }
    err->code = code_of_errno(os_errno);
    err->os_errno = os_errno;
    return err->code;
}

const char *ps_code_name(ps_code code)
{
    switch (code) {
    case PS_OK:
        return "ok";
    case PS_E_INVALID:
        return "invalid";
    case PS_E_LIMIT:
        return "limit";
    case PS_E_MEMORY:
        return "memory";
    case PS_E_IO:
        return "io";
    case PS_E_SPACE:
        return "space";
    case PS_E_DAMAGED:
        return "damaged";
    case PS_E_LOCKED:
        return "locked";
    case PS_E_VERSION:
        return "version";
    case PS_E_EXISTS:
        return "exists";
    case PS_E_MISSING:
        return "missing";
    case PS_E_UNSUPPORTED:
        return "unsupported";
    case PS_E_CLOSED:
        return "closed";
    }
    return "unknown";
}

void ps_assert_fail(const char *file, int line, const char *condition)
{
    fprintf(stderr, "paystream: %s:%d: assertion failed: %s\n", file, line, condition);
    fflush(stderr);
    abort();
}
