/* libpaystream: which library is this, and what it exports.
 *
 * Everything exported is declared under include/paystream/ and marked PS_API; all other symbols are
 * hidden. Versions follow semver.org: before 1.0 a minor version may change this interface, and the
 * shared library's soname changes with it.
 */
#ifndef PAYSTREAM_VERSION_H
#define PAYSTREAM_VERSION_H

#define PS_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0": the version of the library that is linked, as semantic versioning (semver.org) has it.
 * Static storage. */
PS_API const char *ps_version(void);

/* The commit that the library was built from, 12 hexadecimal digits, or "unknown". Static storage.
 * */
PS_API const char *ps_version_commit(void);

#ifdef __cplusplus
}
#endif

#endif
