/* Input file: the bytes of one file in order, plain, .gz or .zst by its name, in a buffer that the
 * decoder reads from. Inside connect only. */
#ifndef PS_CONNECT_INPUT_FILE_H
#define PS_CONNECT_INPUT_FILE_H

#include "base/io.h"

typedef struct ps_input_file ps_input_file;

/* Opened at `offset` bytes of the (decompressed) content. PS_E_IO, PS_E_MISSING. */
PS_CHECKED ps_code ps_input_file_open(ps_io *io, const char *path, uint64_t offset,
                                      ps_input_file **out, ps_error *err);
void ps_input_file_close(ps_input_file *file);

/* What has been read and not consumed; *out_is_whole: it ends with the file. Reads more when less
 * than half of the buffer is there, or when `wants_more`: the record did not fit, so the buffer
 * grows. PS_E_LIMIT: a record beyond PS_RECORD_SIZE_MAX; PS_E_DAMAGED: broken compression. */
enum { PS_RECORD_SIZE_MAX = 64 << 20 };
PS_CHECKED ps_code ps_input_file_peek(ps_input_file *file, bool wants_more, ps_slice *out,
                                      bool *out_is_whole, ps_error *err);
void ps_input_file_consume(ps_input_file *file, size_t size);
uint64_t ps_input_file_offset(const ps_input_file *file); /* of the content, consumed */
bool ps_input_file_is_compressed(const ps_input_file *file);
/* For progress: bytes of the file itself. */
uint64_t ps_input_file_raw_offset(const ps_input_file *file);
/* A plain file that has grown since its end was seen is read on. */
void ps_input_file_look_again(ps_input_file *file);

#endif
