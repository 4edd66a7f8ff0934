/* Shared libraries of the user's, loaded at run time. Threads: any; a library belongs to its owner.
 */
#ifndef PS_BASE_LIBRARY_H
#define PS_BASE_LIBRARY_H

#include "base/error.h"

typedef struct ps_library ps_library;

/* path: as the shell has it (no search along library paths); NULL: the program itself.
 * PS_E_MISSING: it cannot be loaded, and why; PS_E_MEMORY. */
PS_CHECKED ps_code ps_library_open(const char *path, ps_library **out, ps_error *err);
/* What it gave out is gone with it. NULL: nothing. */
void ps_library_close(ps_library *library);
/* NULL: it exports nothing of that name. */
const void *ps_library_symbol(const ps_library *library, const char *name);

#endif
