#include "base/library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"

struct ps_library {
    void *handle;
};

ps_code ps_library_open(const char *path, ps_library **out, ps_error *err)
{
    char file[PS_PATH_MAX];
    if (path != NULL) { /* dlopen searches for names without a slash */
        const char *prefix = strchr(path, '/') == NULL ? "./" : "";
        if ((size_t)snprintf(file, sizeof file, "%s%s", prefix, path) >= sizeof file) {
            return ps_error_set(err, PS_E_INVALID, "the path of the library is too long");
        }
    }
    ps_library *library = calloc(1, sizeof *library);
    if (library == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a library");
    }
    library->handle = dlopen(path != NULL ? file : NULL, RTLD_NOW | RTLD_LOCAL);
    if (library->handle == NULL) {
        const char *why = dlerror();
        free(library);
        return ps_error_set(err, PS_E_MISSING, "the library cannot be loaded: %s",
                            why != NULL ? why : "no reason given");
    }
    *out = library;
    return PS_OK;
}

void ps_library_close(ps_library *library)
{
    if (library != NULL) {
        (void)dlclose(library->handle);
        free(library);
    }
}

const void *ps_library_symbol(const ps_library *library, const char *name)
{
    return dlsym(library->handle, name);
}
