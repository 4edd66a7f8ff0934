#include "base/sometimes.h"

#include "base/error.h"

#ifdef PS_BUGGIFY

/* Made by the linker for a section with the name of an identifier; absent when it is empty. */
extern ps_sometimes *__start_ps_sometimes[] __attribute__((weak));
extern ps_sometimes *__stop_ps_sometimes[] __attribute__((weak));

size_t ps_sometimes_count(void)
{
    return (size_t)(__stop_ps_sometimes - __start_ps_sometimes);
}

ps_sometimes *ps_sometimes_at(size_t i)
{
    PS_ASSERT(i < ps_sometimes_count());
    return __start_ps_sometimes[i];
}

#endif
