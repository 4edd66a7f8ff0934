/* bench/streams/payments/hop.sql by hand: slices of 5 s over numbered accounts; a window is the
 * running sum of its 12 slices, changed by the slice that enters and the one that leaves. */
#include "native.h"

enum { SLICE_MS = 5000, SLICES = 12, OPEN_MAX = 16, ACCOUNTS_MAX = 1 << 18 };

typedef struct {
    uint32_t count;
    uint64_t amount;
} cell;

static cell slices[OPEN_MAX][ACCOUNTS_MAX];
static cell running[ACCOUNTS_MAX];
static uint64_t rows_out, sum;

static void fire(int64_t slice, uint32_t account_count)
{
    const cell *enters = slices[slice % OPEN_MAX];
    cell *leaves = slices[(slice - SLICES + OPEN_MAX) % OPEN_MAX];
    for (uint32_t i = 0; i < account_count; i++) {
        running[i].count += enters[i].count - leaves[i].count;
        running[i].amount += enters[i].amount - leaves[i].amount;
        rows_out += running[i].count > 0;
        sum += running[i].amount;
    }
    memset(leaves, 0, account_count * sizeof *leaves);
}

int main(int argc, char **argv)
{
    native_reader reader;
    native_event event;
    native_dictionary accounts;
    uint64_t rows_in = 0;
    int64_t first_open = -1, last_seen = -1;
    native_open(&reader, argc, argv);
    native_dictionary_init(&accounts);
    while (native_next(&reader, &event)) {
        rows_in++;
        int64_t slice = event.ts_ms / SLICE_MS;
        first_open = first_open < 0 ? slice - 1 : first_open;
        if (slice >= first_open) {
            uint32_t account = native_number(&accounts, event.fields[F_ACCOUNT]);
            cell *at = &slices[slice % OPEN_MAX][account % ACCOUNTS_MAX];
            at->count++;
            at->amount += (uint64_t)event.amount;
        }
        last_seen = slice > last_seen ? slice : last_seen;
        if (native_advance(&reader, event.ts_ms)) {
            for (; (first_open + 1) * SLICE_MS - 1 <= reader.watermark_ms; first_open++) {
                fire(first_open, accounts.count);
            }
        }
    }
    for (; first_open < last_seen + SLICES; first_open++) {
        fire(first_open, accounts.count);
    }
    native_print("hop", rows_in, rows_out, sum);
    return 0;
}
