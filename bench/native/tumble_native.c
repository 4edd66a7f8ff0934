/* bench/streams/payments/tumble.sql by hand: merchants are numbered, and each open window is an
 * array over the numbers. */
#include "native.h"

enum { SIZE_MS = 10000, MERCHANTS_MAX = 4096, OPEN_MAX = 4 };

typedef struct {
    uint64_t count, amount;
} cell;

static cell windows[OPEN_MAX][MERCHANTS_MAX];

int main(int argc, char **argv)
{
    native_reader reader;
    native_event event;
    native_dictionary merchants;
    uint64_t rows_in = 0, rows_out = 0, sum = 0;
    int64_t first_open = -1, last_seen = -1;
    native_open(&reader, argc, argv);
    native_dictionary_init(&merchants);
    for (bool is_end = false; !is_end;) {
        int64_t closed_before;
        if (native_next(&reader, &event)) {
            rows_in++;
            int64_t window = event.ts_ms / SIZE_MS;
            first_open = first_open < 0 ? window - 1 : first_open;
            if (window >= first_open) { /* otherwise late */
                uint32_t merchant = native_number(&merchants, event.fields[F_MERCHANT]);
                cell *at = &windows[window % OPEN_MAX][merchant % MERCHANTS_MAX];
                at->count++;
                at->amount += (uint64_t)event.amount;
            }
            last_seen = window > last_seen ? window : last_seen;
            if (!native_advance(&reader, event.ts_ms)) {
                continue;
            }
            closed_before = (reader.watermark_ms + 1) / SIZE_MS;
        } else {
            is_end = true;
            closed_before = last_seen + 1;
        }
        for (; first_open < closed_before; first_open++) {
            cell *cells = windows[first_open % OPEN_MAX];
            for (uint32_t i = 0; i < merchants.count; i++) {
                rows_out += cells[i].count > 0;
                sum += cells[i].amount;
            }
            memset(cells, 0, sizeof windows[0]);
        }
    }
    native_print("tumble", rows_in, rows_out, sum);
    return 0;
}
