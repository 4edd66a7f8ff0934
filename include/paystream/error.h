/* Failures: how a call says why it did not do what was asked.
 *
 * A call that can fail returns false and fills the ps_failure that it was given (NULL: the caller
 * does not want to know). The text is one sentence: what was tried, on what, and why not. A failed
 * call has changed nothing unless its description says otherwise. Misuse that only a bug can cause
 * (a column number out of range, reading a number as text) is no failure: it stops the program with
 * a message on stderr.
 *
 * Threads: a ps_failure belongs to its caller; nothing here is shared.
 */
#ifndef PAYSTREAM_ERROR_H
#define PAYSTREAM_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <paystream/version.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    PS_FAILURE_NONE = 0,
    PS_FAILURE_INVALID,     /* the input, an option or a definition is wrong: change it */
    PS_FAILURE_LIMIT,       /* a declared limit (memory, size) is reached: raise it or use less */
    PS_FAILURE_MEMORY,      /* an allocation failed */
    PS_FAILURE_IO,          /* the operating system refused: os_errno says why; may pass */
    PS_FAILURE_SPACE,       /* the disk or quota is full: free space, then run again */
    PS_FAILURE_DAMAGED,     /* stored bytes are not what was written: do not retry */
    PS_FAILURE_LOCKED,      /* another process uses the state or data directory */
    PS_FAILURE_VERSION,     /* the state is of another pipeline or of a newer library */
    PS_FAILURE_EXISTS,      /* it is there already */
    PS_FAILURE_MISSING,     /* a file, table, column or function is not there */
    PS_FAILURE_UNSUPPORTED, /* a named feature that is not there yet */
    PS_FAILURE_CLOSED       /* the peer or the object is gone */
} ps_failure_kind;

enum { PS_FAILURE_TEXT_MAX = 512 };

typedef struct {
    ps_failure_kind kind;
    int os_errno;                   /* 0: the operating system was not involved */
    uint32_t line;                  /* of a SQL script, from 1; 0: none */
    char text[PS_FAILURE_TEXT_MAX]; /* ends with NUL */
} ps_failure;

/* "invalid", "limit" …: stable names, for logs and tests. Static storage; never NULL. */
PS_API const char *ps_failure_kind_name(ps_failure_kind kind);

#ifdef __cplusplus
}
#endif

#endif
