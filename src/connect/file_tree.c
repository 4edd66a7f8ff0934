#include "connect/file_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES_MAX = 65536 };

ps_code ps_file_tree_path(const char *directory, const char *name, char out[PS_PATH_MAX],
                          ps_error *err)
{
    if (strlen(directory) + 1 + strlen(name) >= PS_PATH_MAX) {
        return ps_error_set(err, PS_E_INVALID, "%s: the path of file %s is too long", directory,
                            name);
    }
    char *end = stpcpy(out, directory);
    if (name[0] != 0) {
        stpcpy(stpcpy(end, "/"), name);
    }
    return PS_OK;
}

ps_slice ps_file_tree_folder(const char *name, uint32_t n)
{
    for (; n > 0; n--) {
        const char *slash = strchr(name, '/');
        PS_ASSERT(slash != NULL);
        name = slash + 1;
    }
    return ps_slice_of(name, strcspn(name, "/"));
}

static bool is_data(const ps_dir_entry *entry)
{
    return entry->name[0] != '.' && entry->name[0] != '_';
}

static ps_code not_a_folder(const char *path, const char *name, ps_error *err)
{
    return ps_error_set(err, PS_E_INVALID,
                        "%s/%s: the table is PARTITIONED BY columns, so a folder column=value is "
                        "expected here, not a file",
                        path, name);
}

static ps_code list(ps_io *io, const char *path, ps_dir_entry **out, size_t *out_count,
                    ps_error *err)
{
    *out_count = 0;
    *out = malloc(ENTRIES_MAX * sizeof **out);
    return *out != NULL ? ps_io_list(io, path, *out, ENTRIES_MAX, out_count, err)
                        : ps_error_set(err, PS_E_MEMORY, "no memory to list %s", path);
}

ps_code ps_file_tree_is_directory(ps_io *io, const char *path, bool *out, ps_error *err)
{
    ps_dir_entry *entries;
    size_t count;
    ps_code code = list(io, path, &entries, &count, err);
    free(entries);
    *out = code == PS_OK;
    return code == PS_E_MEMORY ? code : PS_OK;
}

ps_code ps_file_tree_size(ps_io *io, const char *path, uint64_t *out, ps_error *err)
{
    ps_file *file;
    ps_code code = ps_io_open(io, path, PS_OPEN_READ, &file, err);
    if (code == PS_OK) {
        code = ps_io_size(io, file, out, err);
        ps_io_close(io, file);
    }
    return code;
}

ps_code ps_file_tree_total(ps_io *io, const char *directory, uint32_t depth, uint64_t *inout_bytes,
                           ps_error *err)
{
    ps_dir_entry *entries;
    size_t count;
    ps_code code = list(io, directory, &entries, &count, err);
    for (size_t i = 0; code == PS_OK && i < count; i++) {
        char path[PS_PATH_MAX];
        if (!is_data(&entries[i]) || (depth == 0 && entries[i].is_directory)) {
            continue;
        }
        code = ps_file_tree_path(directory, entries[i].name, path, err);
        if (code == PS_OK && depth == 0) {
            uint64_t size = 0;
            code = ps_file_tree_size(io, path, &size, err);
            *inout_bytes += size;
        } else if (code == PS_OK) {
            code = entries[i].is_directory
                       ? ps_file_tree_total(io, path, depth - 1, inout_bytes, err)
                       : not_a_folder(directory, entries[i].name, err);
        }
    }
    free(entries);
    return code;
}

/* The first entry of `path` behind `bound`: a file, or else a folder; its name is empty when there
 * is none. */
static ps_code next_entry(ps_io *io, const char *path, const char *bound, bool wants_folder,
                          ps_dir_entry *entries, ps_dir_entry *out, ps_error *err)
{
    size_t count = 0;
    ps_code code = ps_io_list(io, path, entries, ENTRIES_MAX, &count, err);
    *out = (ps_dir_entry){0};
    for (size_t i = 0; code == PS_OK && i < count && out->name[0] == 0; i++) {
        const ps_dir_entry *entry = &entries[i];
        if (!is_data(entry) || strcmp(entry->name, bound) <= 0) {
            continue;
        }
        if (wants_folder && !entry->is_directory) {
            code = not_a_folder(path, entry->name, err);
        } else if (wants_folder || !entry->is_directory) {
            *out = *entry;
        }
    }
    return code;
}

/* Cuts the last name off. */
static void cut_last(char path[PS_PATH_MAX], char out_last[sizeof((ps_dir_entry *)NULL)->name])
{
    char *slash = strrchr(path, '/');
    snprintf(out_last, sizeof((ps_dir_entry *)NULL)->name, "%s", slash != NULL ? slash + 1 : path);
    *(slash != NULL ? slash : path) = 0;
}

/* Down where a folder has more, up where it has not. */
static ps_code search(ps_io *io, const char *directory, uint32_t depth, ps_dir_entry *entries,
                      char name[PS_PATH_MAX], bool *out_found, ps_error *err)
{
    char folder[PS_PATH_MAX] = "", path[PS_PATH_MAX];
    char bound[sizeof entries->name] = "";
    uint32_t level = 0;
    if (name[0] != 0) {
        strcpy(folder, name);
        cut_last(folder, bound);
        level = depth;
    }
    *out_found = false;
    for (;;) {
        ps_dir_entry next;
        ps_code code = ps_file_tree_path(directory, folder, path, err);
        code =
            code == PS_OK ? next_entry(io, path, bound, level < depth, entries, &next, err) : code;
        if (code != PS_OK || (next.name[0] == 0 && level == 0)) {
            return code;
        }
        if (next.name[0] == 0) {
            cut_last(folder, bound);
            level--;
            continue;
        }
        if (strlen(folder) + sizeof next.name + 1 >= PS_PATH_MAX) {
            return ps_error_set(err, PS_E_INVALID, "%s: the path is too long", path);
        }
        strcat(strcat(folder, level > 0 ? "/" : ""), next.name);
        bound[0] = 0;
        if (level == depth) {
            strcpy(name, folder);
            *out_found = true;
            return PS_OK;
        }
        level++;
    }
}

ps_code ps_file_tree_next(ps_io *io, const char *directory, uint32_t depth, char name[PS_PATH_MAX],
                          bool *out_found, ps_error *err)
{
    ps_dir_entry *entries = malloc(ENTRIES_MAX * sizeof *entries);
    if (entries == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory to list %s", directory);
    }
    ps_code code = search(io, directory, depth, entries, name, out_found, err);
    free(entries);
    return code;
}
