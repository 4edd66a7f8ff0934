/* Hashing: CRC32C for records, XXH3-128 for batches and blocks, and the keyed 128-bit hash for
 * tables whose keys a client chooses.
 *
 * CRC32C (Castagnoli, polynomial 0x1EDC6F41, reflected; RFC 3720 B.4) has a hardware path (SSE4.2,
 * ARMv8 CRC) chosen at run time beside a plain table path; hash_test compares them on random input
 * of every length.
 */
#ifndef PS_BASE_HASH_H
#define PS_BASE_HASH_H

#include "base/bytes.h"

/* CRC32C of data, continued from `crc` (0 to start). */
uint32_t ps_crc32c(uint32_t crc, const void *data, size_t size);
/* The plain path, for the comparison test. */
uint32_t ps_crc32c_plain(uint32_t crc, const void *data, size_t size);

ps_u128 ps_xxh3_128(const void *data, size_t size);
uint64_t ps_xxh3_64(const void *data, size_t size);

/* Keyed: 192 random secret bytes of the instance, so that clients cannot aim at collisions (S-D5).
 * */
enum { PS_HASH_SECRET_SIZE = 192 };
typedef struct {
    uint8_t bytes[PS_HASH_SECRET_SIZE];
} ps_hash_secret;
ps_u128 ps_hash_keyed(const ps_hash_secret *secret, const void *data, size_t size);

#endif
