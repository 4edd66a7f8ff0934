/* libpaystream: the public C API.
 *
 * Everything exported is declared under include/paystream/ and marked PS_API; all other symbols are
 * hidden. Version 0.1 exports the library's identity only; pipelines and the pattern builder arrive
 * with their engines (CHANGELOG.md).
 */
#ifndef PAYSTREAM_PAYSTREAM_H
#define PAYSTREAM_PAYSTREAM_H

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
