/* bench/streams/payments/over.sql by hand: rows wait in a bucket per millisecond until the
 * watermark reaches it; each account has its last minute as a list with running sums. */
#include "native.h"

enum { RANGE_MS = 60000, BUCKETS = 8192, ACCOUNTS_MAX = 1 << 18, PEERS_MAX = 1024, NONE = -1 };

typedef struct {
    int64_t ts_ms;
    uint64_t amount;
    uint32_t account;
    int32_t next; /* in its bucket, then in its account's minute */
} row;

typedef struct {
    int32_t first, last;
    uint64_t count, amount;
} minute;

static row *rows;
static int32_t row_count, row_capacity, free_rows = NONE;
static int32_t buckets[BUCKETS];
static minute minutes[ACCOUNTS_MAX];
static uint64_t rows_out, sum;

static int32_t row_new(void)
{
    if (free_rows != NONE) {
        int32_t at = free_rows;
        free_rows = rows[at].next;
        return at;
    }
    if (row_count == row_capacity) {
        row_capacity = row_capacity == 0 ? 1 << 16 : row_capacity * 2;
        rows = realloc(rows, (size_t)row_capacity * sizeof *rows);
    }
    return row_count++;
}

static void enter(int32_t at)
{
    minute *of = &minutes[rows[at].account];
    while (of->count > 0 && rows[of->first].ts_ms < rows[at].ts_ms - RANGE_MS) {
        int32_t old = of->first;
        of->first = rows[old].next;
        of->count--;
        of->amount -= rows[old].amount;
        rows[old].next = free_rows;
        free_rows = old;
    }
    if (of->count == 0) {
        of->first = at;
    } else {
        rows[of->last].next = at;
    }
    of->last = at;
    of->count++;
    of->amount += rows[at].amount;
}

/* All rows of one time are in before the first of them is answered. */
static void fire(int64_t ts_ms)
{
    uint32_t accounts[PEERS_MAX], count = 0;
    for (int32_t at = buckets[ts_ms % BUCKETS], next; at != NONE; at = next) {
        next = rows[at].next;
        enter(at);
        if (count == PEERS_MAX) {
            native_fail("too many rows of one millisecond");
        }
        accounts[count++] = rows[at].account;
    }
    buckets[ts_ms % BUCKETS] = NONE;
    for (uint32_t i = 0; i < count; i++) {
        rows_out++;
        sum += minutes[accounts[i]].count + minutes[accounts[i]].amount;
    }
}

int main(int argc, char **argv)
{
    native_reader reader;
    native_event event;
    native_dictionary accounts;
    uint64_t rows_in = 0;
    int64_t fired = -1;
    native_open(&reader, argc, argv);
    native_dictionary_init(&accounts);
    memset(buckets, 0xff, sizeof buckets);
    while (native_next(&reader, &event)) {
        rows_in++;
        if (event.ts_ms > reader.watermark_ms) {
            int32_t at = row_new();
            uint32_t account = native_number(&accounts, event.fields[F_ACCOUNT]) % ACCOUNTS_MAX;
            rows[at] =
                (row){event.ts_ms, (uint64_t)event.amount, account, buckets[event.ts_ms % BUCKETS]};
            buckets[event.ts_ms % BUCKETS] = at;
        }
        if (native_advance(&reader, event.ts_ms)) {
            fired = fired < 0 ? reader.watermark_ms - NATIVE_DELAY_MS : fired;
            while (fired < reader.watermark_ms) {
                fire(++fired);
            }
        }
    }
    while (fired < reader.ts_max_ms) {
        fire(++fired);
    }
    native_print("over", rows_in, rows_out, sum);
    return 0;
}
