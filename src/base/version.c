#include "paystream/version.h"

#ifndef PS_VERSION_TEXT
#define PS_VERSION_TEXT "0.0.0"
#endif
#ifndef PS_COMMIT_TEXT
#define PS_COMMIT_TEXT "unknown"
#endif

const char *ps_version(void)
{
    return PS_VERSION_TEXT;
}

const char *ps_version_commit(void)
{
    return PS_COMMIT_TEXT;
}
