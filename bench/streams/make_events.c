/* Payment events for the stream benchmarks: 13 fields, about 265 bytes as JSON, up to 4 s out of
 * order, 10,000 events per second of event time; 200,000 accounts and cards, 1,000 merchants. A
 * quarter of the events are requests, each followed within some seconds by what became of it.
 * The same arguments give the same bytes.
 *
 * usage: make_events json|csv ROWS [--seed N] [--part I/N]     (part: only rows I, I+N, I+2N, …)
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ACCOUNTS = 200000,
    MERCHANTS = 1000,
    EVENTS_PER_MS = 10,
    LATE_MS_MAX = 4000,
    OPEN_MAX = 65536, /* requests that a later event can refer to */
};

#define BASE_MS INT64_C(1772323200000) /* 2026-03-01 00:00:00 */

typedef struct {
    uint64_t payment;
    uint32_t account, merchant, amount;
} request;

/* splitmix64 (G. Steele, D. Lea, C. Flood, 2014). */
static uint64_t draw(uint64_t *state, uint64_t bound)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % bound;
}

/* All events lie on 1 March 2026 and the days after it, below 31 March. */
static void format_time(int64_t time_ms, char out[32])
{
    int64_t in_month = time_ms - BASE_MS;
    int ms = (int)(in_month % 1000), second = (int)(in_month / 1000 % 60);
    int minute = (int)(in_month / 60000 % 60), hour = (int)(in_month / 3600000 % 24);
    int day = (int)(in_month / 86400000) + 1;
    snprintf(out, 32, "2026-03-%02d %02d:%02d:%02d.%03d", day, hour, minute, second, ms);
}

#define JSON_FORM                                                                                  \
    "{\"id\":%llu,\"ts\":\"%s\",\"type\":\"%s\",\"payment\":\"pay_%012llx\",\"account\":"          \
    "\"acc_%06u\",\"card\":\"tok_%08x\",\"merchant\":\"mer_%04u\",\"amount\":%u,\"currency\":"     \
    "\"%s\",\"country\":\"%s\",\"channel\":\"%s\",\"status\":\"%s\",\"device\":\"%016llx\"}\n"
#define CSV_FORM "%llu,%s,%s,pay_%012llx,acc_%06u,tok_%08x,mer_%04u,%u,%s,%s,%s,%s,%016llx\n"

int main(int argc, char **argv)
{
    static const char *const currencies[] = {"EUR", "USD", "GBP", "CHF"};
    static const char *const countries[] = {"DE", "US", "GB", "CH", "FR", "NL", "ES", "IT"};
    static const char *const channels[] = {"ecommerce", "pos_chip", "recurring", "mobile"};
    static request open[OPEN_MAX];
    uint64_t rows = argc > 2 ? strtoull(argv[2], NULL, 10) : 0, random = 1, part = 0, parts = 1;
    for (int i = 3; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0) {
            random = strtoull(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--part") == 0) {
            char *slash = NULL;
            part = strtoull(argv[i + 1], &slash, 10);
            parts = *slash == '/' ? strtoull(slash + 1, NULL, 10) : 0;
        }
    }
    if (argc < 3 || parts == 0 || (strcmp(argv[1], "json") != 0 && strcmp(argv[1], "csv") != 0)) {
        fprintf(stderr, "usage: make_events json|csv ROWS [--seed N] [--part I/N]\n");
        return 2;
    }
    bool is_json = strcmp(argv[1], "json") == 0;
    static char buffer[1 << 20];
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    for (uint64_t i = 0; i < rows; i++) {
        const char *type = "request", *status = "pending";
        request what;
        uint64_t kind = draw(&random, 4);
        if (kind == 0 || i < OPEN_MAX / 4) {
            what.payment = i;
            what.account = (uint32_t)draw(&random, ACCOUNTS);
            what.merchant = (uint32_t)draw(&random, MERCHANTS);
            what.amount = (uint32_t)(draw(&random, 100) < 90 ? draw(&random, 20000) + 100
                                                             : draw(&random, 900000) + 20100);
        } else {
            /* One of the last OPEN_MAX / 4 events, which is at most 1.6 s back. */
            what = open[(i - 1 - draw(&random, OPEN_MAX / 4)) % OPEN_MAX];
            type = kind == 1 ? "authorised" : kind == 2 ? "captured" : "declined";
            status = kind == 3 ? "declined" : "approved";
        }
        open[i % OPEN_MAX] = what;
        int64_t ms = BASE_MS + LATE_MS_MAX + (int64_t)(i / EVENTS_PER_MS) -
                     (int64_t)draw(&random, LATE_MS_MAX);
        char time[32];
        format_time(ms, time);
        const char *currency = currencies[what.merchant % 4],
                   *country = countries[what.account % 8];
        const char *channel = channels[draw(&random, 4)];
        unsigned long long device = (unsigned long long)what.account * UINT64_C(0x9e3779b97f4a7c15);
        if (i % parts != part) {
            continue;
        }
        if (is_json) {
            printf(JSON_FORM, (unsigned long long)i, time, type, (unsigned long long)what.payment,
                   what.account, what.account * 2654435761U, what.merchant, what.amount, currency,
                   country, channel, status, device);
        } else {
            printf(CSV_FORM, (unsigned long long)i, time, type, (unsigned long long)what.payment,
                   what.account, what.account * 2654435761U, what.merchant, what.amount, currency,
                   country, channel, status, device);
        }
    }
    return 0;
}
