/* Regular expressions in Java's syntax, its portable part, on PCRE2.
 *
 * Refused when compiled: back references and lookaround, which have no linear-time match, and
 * Java's class intersections. A match that takes more than a bounded number of steps is an error,
 * not a hang. Texts need not be valid UTF-8.
 */
#ifndef PS_EXPR_REGEX_H
#define PS_EXPR_REGEX_H

#include "base/arena.h"
#include "base/bytes.h"

typedef struct ps_regex ps_regex;

enum { PS_REGEX_SIZE_MAX = 64 * 1024 };

/* Owned; PS_E_INVALID: malformed; PS_E_UNSUPPORTED: what is refused above. */
PS_CHECKED ps_code ps_regex_new(ps_slice pattern, ps_regex **out, ps_error *err);
void ps_regex_free(ps_regex *regex);
uint32_t ps_regex_group_count(const ps_regex *regex);

/* Searches from byte `from` on. PS_OK: *out_found says whether; PS_E_LIMIT: too many steps. */
PS_CHECKED ps_code ps_regex_search(ps_regex *regex, ps_slice text, size_t from, bool *out_found,
                                   ps_error *err);
/* Of the newest search: where group `group` matched (0: all); false: it took no part. */
bool ps_regex_group(const ps_regex *regex, uint32_t group, size_t *out_from, size_t *out_to);

#endif
