/* What the single-purpose programs share: a reader of payment events (JSON or CSV, fields of
 * bench/streams/payments/events.sql), the watermark, and a dictionary of short texts. One thread,
 * no engine: what a careful programmer would write for this one job. Each program reads the file
 * named by its argument (FILE.json or FILE.csv) and prints how many result rows it made and a
 * checksum of them, as one JSON line. */
#ifndef PS_BENCH_NATIVE_H
#define PS_BENCH_NATIVE_H

#include <emmintrin.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NATIVE_BUFFER = 1 << 20, NATIVE_DELAY_MS = 4000, NATIVE_FIELDS = 13 };
enum { F_ID, F_TS, F_TYPE, F_PAYMENT, F_ACCOUNT, F_CARD, F_MERCHANT, F_AMOUNT };
enum { F_CURRENCY = 8, F_COUNTRY, F_CHANNEL, F_STATUS, F_DEVICE };

typedef struct {
    const char *data;
    uint32_t size;
} native_text;

typedef struct {
    native_text fields[NATIVE_FIELDS];
    int64_t ts_ms, amount;
} native_event;

typedef struct {
    int file;
    bool is_json, is_end;
    char *buffer;
    size_t at, size;
    char date[10]; /* of the row before: most rows share it */
    int64_t date_ms;
    int64_t ts_max_ms, watermark_ms;
} native_reader;

static inline void native_open(native_reader *self, int argc, char **argv)
{
    *self = (native_reader){.file = argc > 1 ? open(argv[1], O_RDONLY) : -1};
    if (self->file < 0) {
        fprintf(stderr, "usage: %s FILE.json|FILE.csv\n", argv[0]);
        exit(2);
    }
    size_t length = strlen(argv[1]);
    self->is_json = length > 5 && strcmp(argv[1] + length - 5, ".json") == 0;
    self->buffer = calloc(1, 2 * NATIVE_BUFFER + 64);
    self->watermark_ms = INT64_MIN;
}

static inline _Noreturn void native_fail(const char *line)
{
    fprintf(stderr, "not a payment event: %.80s\n", line);
    exit(1);
}

/* Moves what is left to the front and reads on; false at the end. */
static inline bool native_fill(native_reader *self)
{
    size_t left = self->size - self->at;
    memmove(self->buffer, self->buffer + self->at, left);
    ssize_t got = read(self->file, self->buffer + left, NATIVE_BUFFER);
    self->at = 0;
    self->size = left + (got > 0 ? (size_t)got : 0);
    return got > 0;
}

/* The place of the first `stop`, 16 bytes at a time (the buffer has 64 bytes to spare). */
static inline const char *native_find(const char *at, char stop)
{
    const __m128i stops = _mm_set1_epi8(stop);
    for (;; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)at);
        unsigned found = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, stops));
        if (found != 0) {
            return at + __builtin_ctz(found);
        }
    }
}

static inline int native_two(const char *at)
{
    return (at[0] - '0') * 10 + at[1] - '0';
}

/* Days from civil (H. Hinnant, 2013), only when the date changes. */
static inline int64_t native_date_ms(const char *at)
{
    int64_t y = native_two(at) * 100 + native_two(at + 2), m = native_two(at + 5);
    int64_t d = native_two(at + 8);
    y -= m <= 2;
    int64_t era = y / 400, of_era = y % 400;
    int64_t of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t days = of_era * 365 + of_era / 4 - of_era / 100 + of_year + era * 146097 - 719468;
    return days * 86400000;
}

static inline int64_t native_time(native_reader *self, const char *at)
{
    if (memcmp(at, self->date, sizeof self->date) != 0) {
        memcpy(self->date, at, sizeof self->date);
        self->date_ms = native_date_ms(at);
    }
    return self->date_ms + native_two(at + 11) * 3600000 + native_two(at + 14) * 60000 +
           native_two(at + 17) * 1000 + native_two(at + 20) * 10 + at[22] - '0';
}

static inline int64_t native_integer(const char *at)
{
    int64_t value = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        value = value * 10 + (*at - '0');
    }
    return value;
}

/* Keys in the order of events.sql, nothing escaped: what the writer of these files does. */
static inline const char *native_json(const char *at, native_event *out)
{
#define NATIVE_KEY(text)                                                                           \
    if (memcmp(at, text, sizeof(text) - 1) != 0) {                                                 \
        native_fail(at);                                                                           \
    }                                                                                              \
    at += sizeof(text) - 1
#define NATIVE_VALUE(index, stop)                                                                  \
    out->fields[index].data = at;                                                                  \
    at = native_find(at, stop);                                                                    \
    out->fields[index].size = (uint32_t)(at - out->fields[index].data)
    NATIVE_KEY("{\"id\":");
    NATIVE_VALUE(F_ID, ',');
    NATIVE_KEY(",\"ts\":\"");
    NATIVE_VALUE(F_TS, '"');
    NATIVE_KEY("\",\"type\":\"");
    NATIVE_VALUE(F_TYPE, '"');
    NATIVE_KEY("\",\"payment\":\"");
    NATIVE_VALUE(F_PAYMENT, '"');
    NATIVE_KEY("\",\"account\":\"");
    NATIVE_VALUE(F_ACCOUNT, '"');
    NATIVE_KEY("\",\"card\":\"");
    NATIVE_VALUE(F_CARD, '"');
    NATIVE_KEY("\",\"merchant\":\"");
    NATIVE_VALUE(F_MERCHANT, '"');
    NATIVE_KEY("\",\"amount\":");
    NATIVE_VALUE(F_AMOUNT, ',');
    NATIVE_KEY(",\"currency\":\"");
    NATIVE_VALUE(F_CURRENCY, '"');
    NATIVE_KEY("\",\"country\":\"");
    NATIVE_VALUE(F_COUNTRY, '"');
    NATIVE_KEY("\",\"channel\":\"");
    NATIVE_VALUE(F_CHANNEL, '"');
    NATIVE_KEY("\",\"status\":\"");
    NATIVE_VALUE(F_STATUS, '"');
    NATIVE_KEY("\",\"device\":\"");
    NATIVE_VALUE(F_DEVICE, '"');
    NATIVE_KEY("\"}\n");
#undef NATIVE_KEY
#undef NATIVE_VALUE
    return at;
}

static inline const char *native_csv(const char *at, native_event *out)
{
    for (int i = 0; i < NATIVE_FIELDS; i++) {
        const char *end = native_find(at, i + 1 < NATIVE_FIELDS ? ',' : '\n');
        out->fields[i] = (native_text){at, (uint32_t)(end - at)};
        at = end + 1;
    }
    return at;
}

/* The next event; its texts last until the next call. The watermark is that of the rows before it:
 * native_advance takes this one in. */
static inline bool native_next(native_reader *self, native_event *out)
{
    if (!self->is_end && self->size - self->at < 4096) {
        self->is_end = !native_fill(self);
    }
    if (self->at == self->size) {
        return false;
    }
    const char *at = self->buffer + self->at;
    const char *end = self->is_json ? native_json(at, out) : native_csv(at, out);
    self->at += (size_t)(end - at);
    out->ts_ms = native_time(self, out->fields[F_TS].data);
    out->amount = native_integer(out->fields[F_AMOUNT].data);
    return true;
}

/* True when the watermark moved. */
static inline bool native_advance(native_reader *self, int64_t ts_ms)
{
    if (ts_ms <= self->ts_max_ms) {
        return false;
    }
    self->ts_max_ms = ts_ms;
    self->watermark_ms = ts_ms - NATIVE_DELAY_MS;
    return true;
}

static inline void native_print(const char *name, uint64_t rows_in, uint64_t rows_out, uint64_t sum)
{
    printf("{\"native\":\"%s\",\"rows_in\":%llu,\"rows_out\":%llu,\"sum\":%llu}\n", name,
           (unsigned long long)rows_in, (unsigned long long)rows_out, (unsigned long long)sum);
}

/* ── texts of at most 16 bytes numbered from 0 in the order of their first sight ── */

typedef struct {
    uint64_t words[2];
    uint32_t number, is_used;
} native_slot;

typedef struct {
    uint32_t count;
    uint64_t mask;
    native_slot *slots;
} native_dictionary;

static inline void native_dictionary_init(native_dictionary *self)
{
    *self = (native_dictionary){.mask = (1 << 16) - 1};
    self->slots = calloc(self->mask + 1, sizeof *self->slots);
}

static inline native_slot *native_place(const native_dictionary *self, const uint64_t words[2])
{
    uint64_t hash = (words[0] ^ (words[1] * UINT64_C(0xbf58476d1ce4e5b9)));
    hash *= UINT64_C(0x9e3779b97f4a7c15);
    for (uint64_t at = hash >> 32 & self->mask;; at = (at + 1) & self->mask) {
        native_slot *slot = &self->slots[at];
        if (slot->is_used == 0 || (slot->words[0] == words[0] && slot->words[1] == words[1])) {
            return slot;
        }
    }
}

static inline void native_dictionary_grow(native_dictionary *self)
{
    native_dictionary larger = {.count = self->count, .mask = self->mask * 2 + 1};
    larger.slots = calloc(larger.mask + 1, sizeof *larger.slots);
    for (uint64_t i = 0; i <= self->mask; i++) {
        if (self->slots[i].is_used != 0) {
            *native_place(&larger, self->slots[i].words) = self->slots[i];
        }
    }
    free(self->slots);
    *self = larger;
}

static inline uint32_t native_number(native_dictionary *self, native_text text)
{
    uint64_t words[2] = {0, 0};
    if (text.size > sizeof words) {
        native_fail(text.data);
    }
    memcpy(words, text.data, text.size);
    native_slot *slot = native_place(self, words);
    if (slot->is_used != 0) {
        return slot->number;
    }
    *slot = (native_slot){{words[0], words[1]}, self->count++, 1};
    uint32_t number = slot->number;
    if (self->count > self->mask / 2) {
        native_dictionary_grow(self);
    }
    return number;
}

#endif
