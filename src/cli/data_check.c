#include "cli/data_check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static ps_code fail_os(ps_error *err, const char *path)
{
    int os_errno = errno;
    ps_error_set_os(err, os_errno, "cannot open %s", path);
    if (os_errno == ENOENT) {
        err->code = PS_E_MISSING;
    }
    return err->code;
}

static ps_code mode_check(const char *path, mode_t forbidden, const char *want, ps_error *err)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return fail_os(err, path);
    }
    if ((status.st_mode & forbidden) == 0) {
        return PS_OK;
    }
    return ps_error_set(err, PS_E_DAMAGED, "%s: wrong permissions %04o: chmod %s", path,
                        status.st_mode & 07777, want);
}

/* A directory that is missing is the matter of those who read it. */
static ps_code links_check(const char *path, ps_error *err)
{
    DIR *entries = opendir(path);
    if (entries == NULL) {
        return errno == ENOENT ? PS_OK : fail_os(err, path);
    }
    ps_code code = PS_OK;
    for (const struct dirent *entry; code == PS_OK && (entry = readdir(entries)) != NULL;) {
        struct stat status;
        if (fstatat(dirfd(entries), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISLNK(status.st_mode)) {
            code = ps_error_set(err, PS_E_DAMAGED,
                                "%s/%s is a symbolic link: a data directory holds its own files",
                                path, entry->d_name);
        }
    }
    closedir(entries);
    return code;
}

ps_code ps_data_check(const char *dir, ps_error *err)
{
    static const char *const folders[] = {"", "/journal", "/snapshots", "/keys"};
    char path[PATH_MAX];
    ps_code code = mode_check(dir, S_IWGRP | S_IWOTH, "700", err);
    for (size_t i = 0; code == PS_OK && i < sizeof folders / sizeof folders[0]; i++) {
        int size = snprintf(path, sizeof path, "%s%s", dir, folders[i]);
        code = size < (int)sizeof path ? links_check(path, err)
                                       : ps_error_set(err, PS_E_LIMIT, "path %s is too long", dir);
    }
    if (code == PS_OK) {
        int size = snprintf(path, sizeof path, "%s/keys/pepper", dir);
        code = size < (int)sizeof path ? mode_check(path, S_IRWXG | S_IRWXO, "600", err)
                                       : ps_error_set(err, PS_E_LIMIT, "path %s is too long", dir);
    }
    return code;
}
