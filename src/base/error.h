/* Errors: the one channel for faults (disk, peer, bad input).
 *
 * Three kinds of "no" never share a channel (DESIGN decision 10): a bug stops the process in
 * PS_ASSERT, a fault is a ps_code with a ps_error, a business refusal is an outcome enum of the
 * module that refuses.
 *
 * A fallible function is `PS_CHECKED ps_code f(…, ps_error *err)`. On failure the object is as it
 * was before, out-parameters are untouched, and *err says what was tried, on what, and why not.
 * `err` is never NULL. Threads: a ps_error belongs to its caller; nothing here is shared.
 */
#ifndef PS_BASE_ERROR_H
#define PS_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PS_CHECKED __attribute__((warn_unused_result))
#define PS_PRINTF(fmt_index, arg_index) __attribute__((format(printf, fmt_index, arg_index)))

typedef enum {
    PS_OK = 0,
    PS_E_INVALID,     /* the input is not well formed; the caller must change it */
    PS_E_LIMIT,       /* a declared limit is reached; raise it or use less */
    PS_E_MEMORY,      /* an allocation failed */
    PS_E_IO,          /* the operating system refused or failed; os_errno says why */
    PS_E_SPACE,       /* the disk or quota is full; retry after space is freed */
    PS_E_DAMAGED,     /* stored bytes are not what was written; never retry, restore */
    PS_E_LOCKED,      /* another process holds the data */
    PS_E_VERSION,     /* written by a newer format */
    PS_E_EXISTS,      /* it is there already */
    PS_E_MISSING,     /* it is not there */
    PS_E_UNSUPPORTED, /* a named feature that is not there yet */
    PS_E_CLOSED       /* the peer or the object is gone */
} ps_code;

enum { PS_ERROR_TEXT_MAX = 400 };

typedef struct {
    ps_code code;
    int os_errno; /* 0 when the operating system was not involved */
    char text[PS_ERROR_TEXT_MAX];
} ps_error;

/* Fills *err with one sentence and returns `code`, so that a caller can `return ps_error_set(…)`.
 * */
ps_code ps_error_set(ps_error *err, ps_code code, const char *format, ...) PS_PRINTF(3, 4);

/* As ps_error_set, code PS_E_IO (PS_E_SPACE for ENOSPC, EDQUOT, EFBIG; PS_E_MEMORY for ENOMEM),
 * with the text of os_errno appended: "cannot open /d/x: No such file or directory". */
ps_code ps_error_set_os(ps_error *err, int os_errno, const char *format, ...) PS_PRINTF(3, 4);

/* The stable name of a code, e.g. "damaged"; never NULL. */
const char *ps_code_name(ps_code code);

/* ── asserts: on in release ── */

/* Prints file, line, condition and message on stderr and aborts. Never prints payload bytes (S-E8).
 * */
_Noreturn void ps_assert_fail(const char *file, int line, const char *condition);

#define PS_ASSERT(condition)                                                                       \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0)) {                                                   \
            ps_assert_fail(__FILE__, __LINE__, #condition);                                        \
        }                                                                                          \
    } while (0)

#endif
