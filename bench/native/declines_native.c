/* bench/streams/patterns/declines.sql by hand: events wait in the bucket of their millisecond until
 * the watermark has passed it; each card keeps the times of the declines that came last without
 * anything in between. */
#include "native.h"

enum { WITHIN_MS = 60000, LEAST = 3, BUCKETS = 8192, CARDS_MAX = 1 << 18, DECLINES_MAX = 30 };

typedef enum { DECLINED, APPROVED, OTHER } verdict;

typedef struct {
    uint32_t card, next; /* next: of the bucket; 0: none */
    verdict outcome;
} waiting;

typedef struct {
    int64_t times[DECLINES_MAX];
    uint32_t count;
} card_state;

static struct {
    uint32_t first, last;
} buckets[BUCKETS];
static waiting *events;
static uint32_t event_count = 1, event_room, free_events;
static card_state *cards;
static uint64_t rows_out, sum;

static uint32_t event_new(void)
{
    if (free_events != 0) {
        uint32_t at = free_events;
        free_events = events[at].next;
        return at;
    }
    if (event_count >= event_room) {
        event_room = event_room == 0 ? 1 << 16 : event_room * 2;
        events = realloc(events, (size_t)event_room * sizeof *events);
    }
    return event_count++;
}

static void match(card_state *card, int64_t ts_ms, verdict outcome)
{
    uint32_t old = 0; /* those that began too long ago */
    while (old < card->count && ts_ms - card->times[old] >= WITHIN_MS) {
        old++;
    }
    if (outcome == DECLINED) {
        memmove(card->times, card->times + old, (card->count - old) * sizeof card->times[0]);
        card->count -= old;
        if (card->count == DECLINES_MAX) {
            fprintf(stderr, "more than %d declines of a card within a minute\n", DECLINES_MAX);
            exit(1);
        }
        card->times[card->count++] = ts_ms;
        return;
    }
    if (outcome == APPROVED && card->count - old >= LEAST) {
        rows_out++;
        sum += card->count - old;
    }
    card->count = 0;
}

static void fire(int64_t ts_ms)
{
    uint32_t at = buckets[ts_ms % BUCKETS].first;
    buckets[ts_ms % BUCKETS].first = 0;
    while (at != 0) {
        waiting *event = &events[at];
        uint32_t next = event->next;
        match(&cards[event->card], ts_ms, event->outcome);
        event->next = free_events;
        free_events = at;
        at = next;
    }
}

static void await(int64_t ts_ms, uint32_t card, verdict outcome)
{
    uint32_t at = event_new();
    events[at] = (waiting){.card = card, .outcome = outcome};
    if (buckets[ts_ms % BUCKETS].first == 0) {
        buckets[ts_ms % BUCKETS].first = at;
    } else {
        events[buckets[ts_ms % BUCKETS].last].next = at;
    }
    buckets[ts_ms % BUCKETS].last = at;
}

int main(int argc, char **argv)
{
    native_reader reader;
    native_event event;
    native_dictionary numbers;
    uint64_t rows_in = 0;
    int64_t fired_ms = -1; /* all up to here */
    native_open(&reader, argc, argv);
    native_dictionary_init(&numbers);
    cards = calloc(CARDS_MAX, sizeof *cards);
    while (native_next(&reader, &event)) {
        rows_in++;
        if (event.ts_ms > reader.watermark_ms) { /* otherwise late */
            char first = event.fields[F_STATUS].data[0];
            uint32_t card = native_number(&numbers, event.fields[F_CARD]);
            if (card >= CARDS_MAX || (fired_ms >= 0 && event.ts_ms - fired_ms >= BUCKETS)) {
                fprintf(stderr, "more cards or more disorder than this program is made for\n");
                return 1;
            }
            await(event.ts_ms, card, first == 'd' ? DECLINED : first == 'a' ? APPROVED : OTHER);
        }
        if (native_advance(&reader, event.ts_ms)) {
            fired_ms = fired_ms < 0 ? reader.watermark_ms - NATIVE_DELAY_MS : fired_ms;
            while (fired_ms < reader.watermark_ms) {
                fire(++fired_ms);
            }
        }
    }
    while (fired_ms < reader.ts_max_ms) {
        fire(++fired_ms);
    }
    native_print("declines", rows_in, rows_out, sum);
    return 0;
}
