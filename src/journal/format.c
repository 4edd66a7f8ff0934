#include "journal/format.h"

#include "base/sometimes.h"
#include "journal/journal.h"
#include "journal/planted.h"

#ifdef PS_BUGGIFY
int ps_planted = PS_BUG_NONE;
#endif

enum { PAGE_CRC_AT = 8, PAGE_BODY_AT = 12 };

bool ps_is_zero(const void *data, size_t size)
{
    const char *at = data;
    /* bytes equal to their successors and the first one 0: memcmp runs at memory speed */
    return size == 0 || (at[0] == 0 && memcmp(at, at + 1, size - 1) == 0);
}

void ps_page_encode(const void *header, size_t header_size, char out_page[PS_PAGE])
{
    PS_ASSERT(header_size <= PS_PAGE);
    memset(out_page, 0, PS_PAGE);
    memcpy(out_page, header, header_size);
    ps_put_u32(out_page + PAGE_CRC_AT,
               ps_crc32c(0, out_page + PAGE_BODY_AT, PS_PAGE - PAGE_BODY_AT));
}

const char *ps_page_decode(const char page[PS_PAGE], const char magic[8], void *out_header,
                           size_t header_size)
{
    if (memcmp(page, magic, 8) != 0) {
        return PS_WHY("not this kind of file");
    }
    if (ps_get_u32(page + PAGE_CRC_AT) !=
        ps_crc32c(0, page + PAGE_BODY_AT, PS_PAGE - PAGE_BODY_AT)) {
        return PS_WHY("header checksum");
    }
    if (!ps_is_zero(page + header_size, PS_PAGE - header_size)) {
        return PS_WHY("reserved bytes in the header");
    }
    memcpy(out_header, page, header_size);
    return NULL;
}

static uint32_t segment_salt(ps_u128 instance, uint64_t segment_id)
{
    uint64_t key[3] = {instance.high, instance.low, segment_id};
    return (uint32_t)ps_xxh3_64(key, sizeof key);
}

ps_segment_header ps_segment_header_make(ps_u128 instance, uint64_t segment_id,
                                         uint32_t segment_size)
{
    ps_segment_header header = {
        .version = PS_JOURNAL_VERSION,
        .instance = instance,
        .segment_id = segment_id,
        .segment_size = segment_size,
        .salt = segment_salt(instance, segment_id),
    };
    memcpy(header.magic, PS_SEGMENT_MAGIC, sizeof header.magic);
    return header;
}

/* ── records ── */

static uint32_t record_size(uint32_t payload_size)
{
    return (uint32_t)sizeof(ps_record_header) + ps_format_pad(payload_size, 8);
}

static uint32_t record_header_crc(const ps_record_header *header)
{
    size_t skip = offsetof(ps_record_header, payload_size);
    if (PS_PLANTED(PS_BUG_CRC_WITHOUT_LENGTH)) {
        skip = offsetof(ps_record_header, seq);
    }
    return ps_crc32c(0, (const char *)header + skip, sizeof *header - skip);
}

static uint32_t record_payload_crc(const char *payload, uint32_t payload_size)
{
    uint32_t padded_size = ps_format_pad(payload_size, 8);
    if (PS_PLANTED(PS_BUG_CRC_WITHOUT_PADDING)) {
        padded_size = payload_size;
    }
    return ps_crc32c(0, payload, padded_size);
}

const char *ps_record_header_decode(const char *bytes, uint32_t available,
                                    const ps_batch_header *batch, uint64_t seq,
                                    ps_record_header *out_header)
{
    ps_record_header header;
    if (available < sizeof header) {
        return PS_WHY("record beyond its batch");
    }
    memcpy(&header, bytes, sizeof header);
    if (header.crc != record_header_crc(&header)) {
        return PS_WHY("record header checksum");
    }
    if (header.salt != batch->salt || header.segment_id_low != (uint32_t)batch->segment_id) {
        return PS_WHY("record of another segment");
    }
    if (header.flags != 0 || header.reserved16 != 0 || header.reserved32 != 0) {
        return PS_WHY("reserved fields in a record header");
    }
    if (header.seq != seq) {
        return PS_WHY("record out of sequence");
    }
    if (header.payload_size > PS_RECORD_PAYLOAD_MAX ||
        record_size(header.payload_size) > available) {
        return PS_WHY("record beyond its batch");
    }
    *out_header = header;
    return NULL;
}

const char *ps_record_payload_check(const char *payload, const ps_record_header *header)
{
    return record_payload_crc(payload, header->payload_size) == header->payload_crc
               ? NULL
               : PS_WHY("record payload checksum");
}

/* ── batches ── */

static uint32_t batch_header_crc(const ps_batch_header *header)
{
    size_t skip = offsetof(ps_batch_header, hash);
    return ps_crc32c(0, (const char *)header + skip, sizeof *header - skip);
}

static ps_u128 batch_hash(const char *bytes, uint32_t padded_size)
{
    size_t skip = offsetof(ps_batch_header, first_seq);
    return ps_xxh3_128(bytes + skip, padded_size - skip);
}

uint32_t ps_batch_stamp(char *bytes, uint32_t used, const ps_segment_header *segment,
                        ps_batch_header *header)
{
    uint32_t chain = (uint32_t)header->previous_hash.low;
    uint32_t at = sizeof *header;
    uint32_t mark_limit = PS_MARK_EVERY;
    uint32_t marks_at = used;
    for (uint32_t i = 0; i < header->count; i++) {
        ps_record_header record;
        memcpy(&record, bytes + at, sizeof record);
        PS_ASSERT(record.seq == header->first_seq + i);
        record.salt = segment->salt;
        record.segment_id_low = (uint32_t)segment->segment_id;
        record.payload_crc = record_payload_crc(bytes + at + sizeof record, record.payload_size);
        record.chain = chain;
        record.crc = record_header_crc(&record);
        chain = record.crc;
        memcpy(bytes + at, &record, sizeof record);
        if (at >= mark_limit) {
            ps_batch_mark mark = {.ordinal = i, .offset = at};
            memcpy(bytes + marks_at, &mark, sizeof mark);
            marks_at += (uint32_t)sizeof mark;
            mark_limit = (at / PS_MARK_EVERY + 1) * PS_MARK_EVERY;
        }
        at += record_size(record.payload_size);
    }
    PS_ASSERT(at == used);
    header->magic = PS_BATCH_MAGIC;
    header->segment_id = segment->segment_id;
    header->salt = segment->salt;
    header->size = marks_at;
    header->mark_count = (marks_at - used) / (uint32_t)sizeof(ps_batch_mark);
    uint32_t padded_size = ps_format_pad(marks_at, PS_PAGE);
    memset(bytes + marks_at, 0, padded_size - marks_at);
    memcpy(bytes, header, sizeof *header);
    header->hash = batch_hash(bytes, padded_size);
    header->crc = batch_header_crc(header);
    memcpy(bytes, header, sizeof *header);
    return padded_size;
}

const char *ps_batch_header_decode(const char bytes[sizeof(ps_batch_header)],
                                   const ps_segment_header *segment, uint32_t offset,
                                   ps_batch_header *out_header)
{
    ps_batch_header header;
    memcpy(&header, bytes, sizeof header);
    if (header.magic != PS_BATCH_MAGIC) {
        return PS_WHY("no batch");
    }
    if (header.crc != batch_header_crc(&header)) {
        return PS_WHY("batch header checksum");
    }
    if (header.segment_id != segment->segment_id || header.salt != segment->salt) {
        return PS_WHY("batch of another segment");
    }
    if (header.offset != offset) {
        return PS_WHY("batch of another place");
    }
    bool is_seal = header.flags == PS_BATCH_SEAL;
    if ((!is_seal && header.flags != 0) || header.reserved != 0 || is_seal != (header.count == 0) ||
        header.first_seq == 0 || header.durable_upto >= header.first_seq) {
        return PS_WHY("fields of a batch header");
    }
    uint64_t least = sizeof header + (uint64_t)header.count * sizeof(ps_record_header) +
                     (uint64_t)header.mark_count * sizeof(ps_batch_mark);
    uint32_t room = segment->segment_size - offset;
    PS_ASSERT(room % PS_PAGE == 0); /* so the closing zeros fit when the batch does */
    if (header.size < least || header.size > room) {
        return PS_WHY("batch size");
    }
    *out_header = header;
    return NULL;
}

static const char *batch_mark_check(const char *bytes, const ps_batch_header *header,
                                    uint32_t mark_index, uint32_t ordinal, uint32_t offset)
{
    ps_batch_mark mark;
    uint32_t left = header->mark_count - mark_index;
    memcpy(&mark, bytes + header->size - left * sizeof mark, sizeof mark);
    return mark.ordinal == ordinal && mark.offset == offset ? NULL : PS_WHY("batch mark");
}

const char *ps_batch_check(const char *bytes, const ps_batch_header *header)
{
    uint32_t padded_size = ps_format_pad(header->size, PS_PAGE);
    if (!ps_u128_equal(batch_hash(bytes, padded_size), header->hash)) {
        return PS_WHY("batch hash");
    }
    uint32_t end = header->size - header->mark_count * (uint32_t)sizeof(ps_batch_mark);
    uint32_t chain = (uint32_t)header->previous_hash.low;
    uint32_t at = sizeof *header;
    uint32_t mark_index = 0;
    uint32_t mark_limit = PS_MARK_EVERY;
    for (uint32_t i = 0; i < header->count; i++) {
        ps_record_header record;
        const char *why =
            ps_record_header_decode(bytes + at, end - at, header, header->first_seq + i, &record);
        if (why == NULL && record.chain != chain) {
            why = PS_WHY("record chain");
        }
        if (why == NULL) {
            why = ps_record_payload_check(bytes + at + sizeof record, &record);
        }
        if (why == NULL && at >= mark_limit) {
            why = mark_index < header->mark_count
                      ? batch_mark_check(bytes, header, mark_index, i, at)
                      : PS_WHY("batch mark");
            mark_index++;
            mark_limit = (at / PS_MARK_EVERY + 1) * PS_MARK_EVERY;
        }
        if (why != NULL) {
            return why;
        }
        chain = record.crc;
        at += record_size(record.payload_size);
    }
    return at == end && mark_index == header->mark_count ? NULL : PS_WHY("batch size");
}
