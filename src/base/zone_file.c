#include "base/zone_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NAME_MAX_SIZE = 64, PATH_SIZE = 1024, PIECE = 4096 };

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Every part between slashes begins with a letter: no "..", no empty part. */
static bool is_zone_name(ps_slice name)
{
    if (name.size == 0 || name.size > NAME_MAX_SIZE) {
        return false;
    }
    bool is_start = true;
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        if (is_start ? !is_letter(c)
                     : !is_letter(c) && (c < '0' || c > '9') && strchr("_+-/", c) == NULL) {
            return false;
        }
        is_start = c == '/';
    }
    return !is_start;
}

static ps_code missing(ps_slice name, const char *folder, int open_errno, ps_error *err)
{
    if (access(folder, R_OK | X_OK) != 0) {
        return ps_error_set(err, PS_E_MISSING,
                            "cannot find time zone %.*s: no time zone database in %s; install it "
                            "(package tzdata), or use UTC or an offset as +02:00",
                            (int)name.size, name.data, folder);
    }
    if (open_errno == ENOENT || open_errno == ENOTDIR || open_errno == EISDIR) {
        return ps_error_set(err, PS_E_MISSING, "there is no time zone %.*s", (int)name.size,
                            name.data);
    }
    return ps_error_set_os(err, open_errno, "cannot read time zone %.*s", (int)name.size,
                           name.data);
}

ps_code ps_zone_file_read(ps_slice name, ps_buf *out, ps_error *err)
{
    if (!is_zone_name(name)) {
        return ps_error_set(err, PS_E_INVALID, "%.*s is not the name of a time zone",
                            (int)(name.size < NAME_MAX_SIZE ? name.size : NAME_MAX_SIZE),
                            name.size > 0 ? name.data : "");
    }
    const char *folder = getenv("TZDIR");
    folder = folder != NULL && folder[0] == '/' ? folder : "/usr/share/zoneinfo";
    char path[PATH_SIZE];
    int length = snprintf(path, sizeof path, "%s/%.*s", folder, (int)name.size, name.data);
    if (length < 0 || length >= PATH_SIZE) {
        return ps_error_set(err, PS_E_INVALID, "the path in TZDIR is too long");
    }
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return missing(name, folder, errno, err);
    }
    char piece[PIECE];
    size_t size;
    while ((size = fread(piece, 1, sizeof piece, file)) > 0) {
        ps_buf_append(out, piece, size);
    }
    int failed = ferror(file) != 0 ? errno : 0; /* a folder opens, but does not read */
    fclose(file);
    if (failed != 0) {
        return missing(name, folder, failed, err);
    }
    if (out->failed) {
        return ps_error_set(err, PS_E_LIMIT, "the file of time zone %.*s is too large",
                            (int)name.size, name.data);
    }
    return PS_OK;
}
