/* bench/streams/payments/filter.sql by hand. */
#include "native.h"

int main(int argc, char **argv)
{
    native_reader reader;
    native_event event;
    uint64_t rows_in = 0, rows_out = 0, sum = 0;
    native_open(&reader, argc, argv);
    for (; native_next(&reader, &event); rows_in++) {
        native_text status = event.fields[F_STATUS];
        if (event.amount > 10000 && status.size == 8 && memcmp(status.data, "declined", 8) == 0) {
            rows_out++;
            sum += (uint64_t)event.amount;
        }
        native_advance(&reader, event.ts_ms);
    }
    native_print("filter", rows_in, rows_out, sum);
    return 0;
}
