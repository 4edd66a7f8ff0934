/* JSON reader: what it takes it takes again from its own canonical form, to the same bytes.
 * What it refuses it refuses with an offset inside of the text. */
#include <stdlib.h>

#include "data/json_canonical.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ps_json_reader reader;
static ps_json_canonical canonical;
static ps_buf once, twice;

static bool canonical_make(const void *data, size_t size, ps_buf *out)
{
    /* exactly sized, so that the sanitizer sees a step outside */
    char *copy = malloc(size > 0 ? size : 1);
    PS_ASSERT(copy != NULL);
    memcpy(copy, data, size);
    ps_buf_clear(out);
    ps_json_reader_begin(&reader, copy, size);
    bool read = ps_json_canonical_all(&canonical, &reader, out);
    PS_ASSERT(read || reader.error_offset <= size);
    free(copy);
    return read;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (once.size_max == 0) {
        ps_json_reader_init(&reader, 42);
        ps_json_canonical_init(&canonical, 1 << 20);
        ps_buf_init(&once, 1 << 20);
        ps_buf_init(&twice, 1 << 20);
    }
    if (!canonical_make(data, size, &once)) {
        return 0;
    }
    PS_ASSERT(once.size <= size);
    PS_ASSERT(canonical_make(once.data, once.size, &twice));
    PS_ASSERT(ps_slice_equal(ps_buf_slice(&once), ps_buf_slice(&twice)));
    /* the same walk over text that is trusted to be canonical ends at its end */
    ps_json_reader_begin_canonical(&reader, twice.data, twice.size);
    ps_slice span;
    PS_ASSERT(ps_json_reader_skip(&reader, &span));
    PS_ASSERT(span.size == once.size && ps_json_reader_next(&reader) == PS_JSON_END);
    return 0;
}
