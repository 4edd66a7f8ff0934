/* Nexmark events: the public benchmark's generator (people, auctions and bids of an auction house),
 * seeded: the same seeds give the same events in every run. Definition: NEXMARK.md §1–§3; its
 * section 4 has the digests of whole files, which the tests make again. Inside connect only. */
#ifndef PS_CONNECT_NEXMARK_EVENTS_H
#define PS_CONNECT_NEXMARK_EVENTS_H

#include "base/bytes.h"

typedef enum { PS_NEXMARK_PERSON, PS_NEXMARK_AUCTION, PS_NEXMARK_BID } ps_nexmark_kind;

typedef struct {
    uint64_t seed;           /* pool: seed, urls: seed + 1, events: seed + 2 */
    int64_t base_ms;         /* time of event number 0 */
    double rate;             /* events a second of event time */
    uint32_t proportions[3]; /* person, auction, bid */
} ps_nexmark_options;

enum { PS_NEXMARK_TEXT_MAX = 1024 };

/* One event; texts point into the generator or the event itself. */
typedef struct {
    ps_nexmark_kind kind;
    int64_t time_ms;
    ps_slice extra;
    /* person */
    int64_t id; /* of person and auction */
    ps_slice name, email, credit_card, city, state;
    /* auction */
    ps_slice item_name, description;
    int64_t initial_bid, reserve, expires_ms, seller, category;
    /* bid */
    int64_t auction, bidder, price;
    ps_slice channel, url;
} ps_nexmark_event;

typedef struct ps_nexmark_generator ps_nexmark_generator;

PS_CHECKED ps_code ps_nexmark_generator_new(const ps_nexmark_options *options,
                                            ps_nexmark_generator **out, ps_error *err);
void ps_nexmark_generator_free(ps_nexmark_generator *generator);
/* The next event; its made-up texts are written to `texts` (room for PS_NEXMARK_TEXT_MAX bytes),
 * which must live as long as the event is used. */
void ps_nexmark_next(ps_nexmark_generator *generator, char *texts, ps_nexmark_event *out);

/* Events so far, and the state of the random numbers: a position. */
void ps_nexmark_position(const ps_nexmark_generator *generator, uint64_t *out_count,
                         uint64_t *out_random);
void ps_nexmark_seek(ps_nexmark_generator *generator, uint64_t count, uint64_t random);

#endif
