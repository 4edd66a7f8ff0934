/* The byte layouts of the journal and of snapshots, version 1, and the checks that need no file.
 *
 * All integers are little-endian and fixed width. Reserved fields are 0 and are checked. A layout
 * change is a new PS_JOURNAL_VERSION or PS_SNAPSHOT_VERSION; magic, checksum and version of a file
 * header stay where they are for ever, so that an older program can name a newer file.
 *
 * ── DIR ──
 *   seg-ID          ID: 16 hex digits, dense from 1; a fixed size, zeros where nothing is written
 *   watermark       two slots of 4096 bytes
 *   next.tmp        a segment on its way to its name (a new one, or recovery's copy of the last
 *                   one); left-overs are removed on open
 *   torn-ID-OFFSET  a torn tail that recovery cut (diagnosis only)
 *   torn.tmp        such a copy on its way to its name
 *
 * ── segment: header (4096 bytes), batches, zeros ──
 *     0  8  magic "PSJSEG01"
 *     8  4  crc32c of bytes 12 … 4095
 *    12  4  version
 *    16 16  instance: 128 random bits of the journal (high, low)
 *    32  8  segment id
 *    40  4  segment size in bytes, multiple of 4096
 *    44  4  salt, of instance and segment id
 *    48  4  flags, 0
 *    52     reserved up to 4096
 * A segment is named and synced before its first seq is known, so first seq and the last hash of
 * the previous segment stand in its first batch header (first_seq, previous_hash).
 *
 * ── batch: header (96 bytes), records, marks, zeros up to a multiple of 4096 ──
 *     0  4  magic
 *     4  4  crc32c of bytes 8 … 95
 *     8 16  XXH3-128 of the batch from byte 24, closing zeros included (high, low)
 *    24  8  first seq; of a seal: the seq that follows
 *    32  8  durable_upto: highest seq known synced when the batch was built
 *    40 16  hash of the previous batch; 0 in the first one
 *    56  8  segment id
 *    64  4  salt of the segment
 *    68  4  count of records
 *    72  4  size in bytes without the closing zeros
 *    76  4  count of marks
 *    80  4  flags: 1 seal (no records)
 *    84  4  offset of the batch in its segment
 *    88  8  reserved
 * Marks let a reader enter a large batch in the middle: 8 bytes {ordinal u32, offset in the batch
 * u32} for the first record that starts at or after each multiple of 16 KiB.
 *
 * ── record: header (40 bytes), payload, zeros up to a multiple of 8 ──
 *     0  4  crc32c of bytes 4 … 39
 *     4  4  payload size in bytes
 *     8  8  seq
 *    16  4  salt of the segment
 *    20  4  segment id, low half
 *    24  1  type
 *    25  1  flags, 0
 *    26  2  reserved
 *    28  4  crc32c of the payload with its closing zeros
 *    32  4  chain: header crc of the previous record of the batch; in the first record the low 32
 *           bits of the previous batch's hash
 *    36  4  reserved
 *
 * ── watermark slot (4096 bytes): all zero before its first use ──
 *     0  8  magic "PSJWMK01"
 *     8  4  crc32c of bytes 12 … 4095
 *    12  4  version
 *    16 16  instance
 *    32  8  generation: the slot of the higher one is the newer, slot = generation mod 2
 *    40  8  durable seq
 *    48 16  hash of the newest durable batch, a seal or not; 0: none yet
 *    64     reserved up to 4096
 *
 * ── snapshots/snap-SEQ (16 hex digits): header (4096 bytes), blocks, trailer (4096 bytes) ──
 * header:
 *     0  8  magic "PSSNAP01"
 *     8  4  crc32c of bytes 12 … 4095
 *    12  4  version
 *    16 16  instance
 *    32  8  seq: the state is the one after this record
 *    40  4  layout version of the structs inside
 *    44  4  region count
 *    48 512 region sizes, u64 each
 *   560     reserved up to 4096
 * block (48 bytes, then its data, then zeros up to a multiple of 8), in order of region and offset:
 *     0  4  crc32c of bytes 4 … 47
 *     4  4  region number
 *     8  8  offset in the region
 *    16  4  data size, 1 … 65536
 *    20  4  low half of the snapshot's seq
 *    24 16  XXH3-128 of the data with its closing zeros
 *    40  8  ordinal of the block, from 0
 * trailer:
 *     0  8  magic "PSSEND01"
 *     8  4  crc32c of bytes 12 … 4095
 *    12  4  version
 *    16  8  block count
 *    24  8  file size in bytes
 *    32 16  whole-file hash: h₀ = XXH3-128(header), hₙ = XXH3-128(hₙ₋₁ ‖ block header n)
 *    48 512 region sizes again
 *   560     reserved up to 4096
 */
#ifndef PS_JOURNAL_FORMAT_H
#define PS_JOURNAL_FORMAT_H

#include <assert.h>

#include "base/hash.h"

enum { PS_JOURNAL_VERSION = 1, PS_SNAPSHOT_VERSION = 1, PS_PAGE = 4096, PS_FORMAT_REGIONS = 64 };
#define PS_SEGMENT_MAGIC "PSJSEG01"
#define PS_WATERMARK_MAGIC "PSJWMK01"
#define PS_SNAPSHOT_MAGIC "PSSNAP01"
#define PS_SNAPSHOT_END_MAGIC "PSSEND01"
enum { PS_BATCH_MAGIC = 0x31544250 /* "PBT1" */, PS_BATCH_SEAL = 1, PS_MARK_EVERY = 16384 };

typedef struct {
    char magic[8];
    uint32_t crc;
    uint32_t version;
    ps_u128 instance;
    uint64_t segment_id;
    uint32_t segment_size;
    uint32_t salt;
    uint32_t flags;
    uint32_t reserved;
} ps_segment_header;
static_assert(sizeof(ps_segment_header) == 56, "segment header");

typedef struct {
    uint32_t magic;
    uint32_t crc;
    ps_u128 hash;
    uint64_t first_seq;
    uint64_t durable_upto;
    ps_u128 previous_hash;
    uint64_t segment_id;
    uint32_t salt;
    uint32_t count;
    uint32_t size;
    uint32_t mark_count;
    uint32_t flags;
    uint32_t offset;
    uint64_t reserved;
} ps_batch_header;
static_assert(sizeof(ps_batch_header) == 96, "batch header");
static_assert(offsetof(ps_batch_header, first_seq) == 24, "the hash covers all from here");

typedef struct {
    uint32_t crc;
    uint32_t payload_size;
    uint64_t seq;
    uint32_t salt;
    uint32_t segment_id_low;
    uint8_t type;
    uint8_t flags;
    uint16_t reserved16;
    uint32_t payload_crc;
    uint32_t chain;
    uint32_t reserved32;
} ps_record_header;
static_assert(sizeof(ps_record_header) == 40, "record header");

typedef struct {
    uint32_t ordinal;
    uint32_t offset;
} ps_batch_mark;
static_assert(sizeof(ps_batch_mark) == 8, "batch mark");

typedef struct {
    char magic[8];
    uint32_t crc;
    uint32_t version;
    ps_u128 instance;
    uint64_t generation;
    uint64_t durable_seq;
    ps_u128 batch_hash;
} ps_watermark_slot;
static_assert(sizeof(ps_watermark_slot) == 64, "watermark slot");

typedef struct {
    char magic[8];
    uint32_t crc;
    uint32_t version;
    ps_u128 instance;
    uint64_t seq;
    uint32_t layout_version;
    uint32_t region_count;
    uint64_t region_sizes[PS_FORMAT_REGIONS];
} ps_snapshot_header;
static_assert(sizeof(ps_snapshot_header) == 560, "snapshot header");

typedef struct {
    uint32_t crc;
    uint32_t region;
    uint64_t offset;
    uint32_t size;
    uint32_t seq_low;
    ps_u128 hash;
    uint64_t ordinal;
} ps_snapshot_block;
static_assert(sizeof(ps_snapshot_block) == 48, "snapshot block header");

typedef struct {
    char magic[8];
    uint32_t crc;
    uint32_t version;
    uint64_t block_count;
    uint64_t file_size;
    ps_u128 hash;
    uint64_t region_sizes[PS_FORMAT_REGIONS];
} ps_snapshot_trailer;
static_assert(sizeof(ps_snapshot_trailer) == 560, "snapshot trailer");

static inline uint32_t ps_format_pad(uint32_t size, uint32_t unit)
{
    return (size + unit - 1) / unit * unit;
}

/* Pages (segment header, watermark slot, snapshot header and trailer): the struct at the start,
 * zeros behind it, crc over all. Decode checks magic, crc and zeros, not the version: NULL, or why
 * the page is bad (static text). */
void ps_page_encode(const void *header, size_t header_size, char out_page[PS_PAGE]);
PS_CHECKED const char *ps_page_decode(const char page[PS_PAGE], const char magic[8],
                                      void *out_header, size_t header_size);
bool ps_is_zero(const void *data, size_t size);

ps_segment_header ps_segment_header_make(ps_u128 instance, uint64_t segment_id,
                                         uint32_t segment_size);

/* Fills the checksums, chain, salt and marks of the batch in `bytes` (padded size of space), whose
 * record headers hold payload_size, seq and type. `header` comes with everything but crc, hash,
 * salt, size and mark_count; `used` bytes are header and records. Returns the padded size. */
uint32_t ps_batch_stamp(char *bytes, uint32_t used, const ps_segment_header *segment,
                        ps_batch_header *header);
/* Bytes that the marks of a batch take, at most, when header and records take `used`. */
static inline uint32_t ps_batch_marks_size_max(uint32_t used)
{
    return used / PS_MARK_EVERY * (uint32_t)sizeof(ps_batch_mark);
}

/* Each returns NULL, or why the bytes are not that (static text). */
PS_CHECKED const char *ps_batch_header_decode(const char bytes[sizeof(ps_batch_header)],
                                              const ps_segment_header *segment, uint32_t offset,
                                              ps_batch_header *out_header);
/* The whole batch of a decoded header: hash, every record, the marks. */
PS_CHECKED const char *ps_batch_check(const char *bytes, const ps_batch_header *header);
/* One record header at `bytes`, of which `available` bytes are in the batch. */
PS_CHECKED const char *ps_record_header_decode(const char *bytes, uint32_t available,
                                               const ps_batch_header *batch, uint64_t seq,
                                               ps_record_header *out_header);
PS_CHECKED const char *ps_record_payload_check(const char *payload, const ps_record_header *header);

#endif
