/* File tree: the data files of a directory, or of the folders of its partitions, in order. Names
 * that begin with . or _ are not data. Inside connect only. */
#ifndef PS_CONNECT_FILE_TREE_H
#define PS_CONNECT_FILE_TREE_H

#include "base/io.h"

/* The first file behind `name` ("dt=2024-01-01/part-1.csv", a path within the directory; empty:
 * before the first) at `depth` folders below it; written over `name`, or *out_found is false.
 * Order: of name, folder by folder. PS_E_INVALID: a file where only folders are expected; PS_E_IO,
 * PS_E_LIMIT, PS_E_MEMORY. */
PS_CHECKED ps_code ps_file_tree_next(ps_io *io, const char *directory, uint32_t depth,
                                     char name[PS_PATH_MAX], bool *out_found, ps_error *err);

/* Adds the bytes of all data files at `depth` folders below the directory. Errors likewise. */
PS_CHECKED ps_code ps_file_tree_total(ps_io *io, const char *directory, uint32_t depth,
                                      uint64_t *inout_bytes, ps_error *err);

/* Bytes of a file. PS_E_IO. */
PS_CHECKED ps_code ps_file_tree_size(ps_io *io, const char *path, uint64_t *out, ps_error *err);

/* The path can be listed; false also when it is not there. PS_E_MEMORY. */
PS_CHECKED ps_code ps_file_tree_is_directory(ps_io *io, const char *path, bool *out, ps_error *err);

/* directory/name. PS_E_INVALID: too long. */
PS_CHECKED ps_code ps_file_tree_path(const char *directory, const char *name, char out[PS_PATH_MAX],
                                     ps_error *err);

/* The n-th folder of a file's name. */
ps_slice ps_file_tree_folder(const char *name, uint32_t n);

#endif
