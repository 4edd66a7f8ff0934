#include "connect/nexmark_events.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    POOL_SIZE = 1 << 20,
    HOT_CHANNELS = 4,
    CHANNELS = 10000,
    URL_SIZE_MAX = 96,
    FIRST_ID = 1000,
    FIRST_CATEGORY = 10,
    CATEGORIES = 5,
    HOT_BATCH = 100,
    AUCTIONS_IN_FLIGHT = 100,
    ACTIVE_PEOPLE = 1000,
    ID_LEAD = 10,
    EVENTS_OF_A_LIFE = 1666 /* 100 auctions in flight × 50 / 3 */
};

/* SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators",
 * OOPSLA 2014), with Java's 32-bit finaliser. */
typedef struct {
    uint64_t state;
} splitmix;

static uint64_t next_state(splitmix *random)
{
    random->state += UINT64_C(0x9e3779b97f4a7c15);
    return random->state;
}

static uint64_t draw_64(splitmix *random)
{
    uint64_t z = next_state(random);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static int32_t draw_32(splitmix *random)
{
    uint64_t z = next_state(random);
    z = (z ^ (z >> 33)) * UINT64_C(0x62a9d9ed799705f5);
    return (int32_t)(uint32_t)(((z ^ (z >> 28)) * UINT64_C(0xcb24d0a5c88c35b3)) >> 32);
}

/* 0 … bound−1; the incomplete last block is rejected. */
static uint32_t draw(splitmix *random, uint32_t bound)
{
    uint32_t bits = (uint32_t)draw_32(random);
    if ((bound & (bound - 1)) == 0) {
        return bits & (bound - 1);
    }
    for (uint32_t u = bits >> 1;; u = (uint32_t)draw_32(random) >> 1) {
        uint32_t result = u % bound;
        if (u - result + (bound - 1) <= INT32_MAX) {
            return result;
        }
    }
}

static double draw_unit(splitmix *random)
{
    return (double)(draw_64(random) >> 11) * 0x1p-53;
}

struct ps_nexmark_generator {
    ps_nexmark_options options;
    uint32_t total; /* of the proportions */
    double step_us; /* between events */
    uint64_t count;
    splitmix random;
    char pool[POOL_SIZE];
    char urls[HOT_CHANNELS + CHANNELS][URL_SIZE_MAX];
    uint8_t url_sizes[HOT_CHANNELS + CHANNELS];
    char channels[CHANNELS][16];
    uint8_t channel_sizes[CHANNELS];
};

static const char *const hot_channels[HOT_CHANNELS] = {"Google", "Facebook", "Baidu", "Apple"};
static const char *const first_names[] = {"Peter", "Paul",  "Luke",  "John",   "Saul",  "Vicky",
                                          "Kate",  "Julie", "Sarah", "Deiter", "Walter"};
static const char *const last_names[] = {"Shultz", "Abrams", "Spencer", "White", "Bartels",
                                         "Walton", "Smith",  "Jones",   "Noris"};
static const char *const cities[] = {"Phoenix",  "Los Angeles", "San Francisco", "Boise",
                                     "Portland", "Bend",        "Redmond",       "Seattle",
                                     "Kent",     "Cheyenne"};
static const char *const states[] = {"AZ", "CA", "ID", "OR", "WA", "WY"};

/* ── fixed texts ── */

static void fill_pool(ps_nexmark_generator *generator)
{
    splitmix random = {generator->options.seed};
    enum { GROUP = 6 };
    for (size_t i = 0; i < POOL_SIZE; i += GROUP) {
        int32_t r = draw_32(&random);
        for (size_t k = 0; k < GROUP && i + k < POOL_SIZE; k++) {
            generator->pool[i + k] = (char)('a' + r % 26);
            r /= 26;
        }
    }
}

/* 3 … max−1 characters, blanks at the ends cut; returns the size. */
static size_t make_word(splitmix *random, uint32_t max, char separator, char *out,
                        size_t *out_begin)
{
    size_t size = 3 + draw(random, max - 3);
    for (size_t i = 0; i < size; i++) {
        out[i] = draw(random, 13) == 0 ? separator : (char)('a' + draw(random, 26));
    }
    size_t begin = 0;
    while (begin < size && out[begin] == ' ') {
        begin++;
    }
    while (size > begin && out[size - 1] == ' ') {
        size--;
    }
    *out_begin = begin;
    return size - begin;
}

static uint32_t reverse_bits(uint32_t value)
{
    uint32_t reversed = 0;
    for (int i = 0; i < 32; i++) {
        reversed = (reversed << 1) | ((value >> i) & 1);
    }
    return reversed;
}

static void fill_urls(ps_nexmark_generator *generator)
{
    splitmix random = {generator->options.seed + 1};
    for (uint32_t i = 0; i < HOT_CHANNELS + CHANNELS; i++) {
        char words[3][8] = {{0}};
        for (int k = 0; k < 3; k++) {
            size_t begin;
            make_word(&random, 5, '_', words[k], &begin);
        }
        char *url = generator->urls[i];
        int size = snprintf(url, URL_SIZE_MAX, "https://www.nexmark.com/%s/%s/%s/item.htm?query=1",
                            words[0], words[1], words[2]);
        if (i >= HOT_CHANNELS && draw(&random, 10) > 0) {
            int32_t reversed = (int32_t)reverse_bits(i - HOT_CHANNELS);
            int64_t id = reversed == INT32_MIN ? INT32_MIN : abs(reversed); /* as Java's abs */
            size += snprintf(url + size, (size_t)(URL_SIZE_MAX - size), "&channel_id=%lld",
                             (long long)id);
        }
        generator->url_sizes[i] = (uint8_t)size;
    }
    for (uint32_t i = 0; i < CHANNELS; i++) {
        generator->channel_sizes[i] = (uint8_t)snprintf(
            generator->channels[i], sizeof generator->channels[i], "channel-%u", i);
    }
}

ps_code ps_nexmark_generator_new(const ps_nexmark_options *options, ps_nexmark_generator **out,
                                 ps_error *err)
{
    ps_nexmark_generator *generator = calloc(1, sizeof *generator);
    if (generator == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for the nexmark generator");
    }
    generator->options = *options;
    generator->total = options->proportions[0] + options->proportions[1] + options->proportions[2];
    generator->step_us = 1e6 / options->rate;
    generator->random.state = options->seed + 2;
    fill_pool(generator);
    fill_urls(generator);
    *out = generator;
    return PS_OK;
}

void ps_nexmark_generator_free(ps_nexmark_generator *generator)
{
    free(generator);
}

/* ── ids ── */

static uint64_t last_person(const ps_nexmark_generator *generator, uint64_t event)
{
    uint64_t epoch = event / generator->total, offset = event % generator->total;
    uint32_t people = generator->options.proportions[0];
    offset = offset >= people ? people - 1 : offset;
    return epoch * people + offset;
}

/* −1 before the first. */
static int64_t last_auction(const ps_nexmark_generator *generator, uint64_t event)
{
    int64_t epoch = (int64_t)(event / generator->total);
    int64_t offset = (int64_t)(event % generator->total);
    int64_t people = generator->options.proportions[0];
    int64_t auctions = generator->options.proportions[1];
    if (offset < people) {
        epoch--;
        offset = auctions - 1;
    } else if (offset >= people + auctions) {
        offset = auctions - 1;
    } else {
        offset -= people;
    }
    return epoch * auctions + offset;
}

static int64_t draw_person(ps_nexmark_generator *generator, uint64_t event)
{
    uint64_t people = last_person(generator, event) + 1;
    uint64_t active = people < ACTIVE_PEOPLE ? people : ACTIVE_PEOPLE;
    return (int64_t)(people - active + draw(&generator->random, (uint32_t)active + ID_LEAD));
}

static int64_t draw_auction(ps_nexmark_generator *generator, uint64_t event)
{
    int64_t last = last_auction(generator, event);
    int64_t first = last > AUCTIONS_IN_FLIGHT ? last - AUCTIONS_IN_FLIGHT : 0;
    return first + draw(&generator->random, (uint32_t)(last - first + 1 + ID_LEAD));
}

/* ── texts ── */

typedef struct {
    char *at; /* where the next text is written */
} text_writer;

static ps_slice take_word(text_writer *writer, splitmix *random, uint32_t max)
{
    size_t begin;
    size_t size = make_word(random, max, ' ', writer->at, &begin);
    ps_slice word = ps_slice_of(writer->at + begin, size);
    writer->at += max;
    return word;
}

static ps_slice join(text_writer *writer, ps_slice a, const char *between, ps_slice b,
                     const char *behind)
{
    char *at = writer->at;
    at = (char *)mempcpy(at, a.data, a.size);
    at = stpcpy(at, between);
    at = (char *)mempcpy(at, b.data, b.size);
    at = stpcpy(at, behind);
    ps_slice text = ps_slice_of(writer->at, (size_t)(at - writer->at));
    writer->at = at;
    return text;
}

static int64_t draw_price(splitmix *random)
{
    return (int64_t)floor(pow(10.0, draw_unit(random) * 6.0) * 100.0 + 0.5);
}

/* Fills up to `wanted` bytes on average, from the pool. */
static ps_slice draw_extra(ps_nexmark_generator *generator, size_t current, size_t wanted)
{
    if (current > wanted) {
        return PS_SLICE("");
    }
    size_t missing = wanted - current;
    uint32_t spread = (uint32_t)floor((double)missing * 0.2 + 0.5);
    size_t size = missing - spread + (spread == 0 ? 0 : draw(&generator->random, 2 * spread));
    size_t offset = draw(&generator->random, (uint32_t)(POOL_SIZE - size));
    return ps_slice_of(generator->pool + offset, size);
}

/* ── events ── */

static int64_t time_of(const ps_nexmark_generator *generator, uint64_t number)
{
    int64_t us = (int64_t)((double)number * generator->step_us);
    return generator->options.base_ms + us / 1000;
}

static void make_person(ps_nexmark_generator *generator, uint64_t event, char *texts,
                        ps_nexmark_event *out)
{
    splitmix *random = &generator->random;
    text_writer writer = {texts};
    enum { EXTRA_SIZE = 200 };
    out->id = FIRST_ID + (int64_t)last_person(generator, event);
    ps_slice first = ps_slice_text(first_names[draw(random, 11)]);
    ps_slice last = ps_slice_text(last_names[draw(random, 9)]);
    out->name = join(&writer, first, " ", last, "");
    ps_slice user = take_word(&writer, random, 7);
    ps_slice host = take_word(&writer, random, 5);
    out->email = join(&writer, user, "@", host, ".com");
    uint32_t groups[4];
    for (int i = 0; i < 4; i++) {
        groups[i] = draw(random, 10000);
    }
    int size =
        sprintf(writer.at, "%04u %04u %04u %04u", groups[0], groups[1], groups[2], groups[3]);
    out->credit_card = ps_slice_of(writer.at, (size_t)size);
    out->city = ps_slice_text(cities[draw(random, 10)]);
    out->state = ps_slice_text(states[draw(random, 6)]);
    size_t current = 8 + out->name.size + out->email.size + out->credit_card.size + out->city.size +
                     out->state.size;
    out->extra = draw_extra(generator, current, EXTRA_SIZE);
}

static void make_auction(ps_nexmark_generator *generator, uint64_t event, uint64_t number,
                         char *texts, ps_nexmark_event *out)
{
    splitmix *random = &generator->random;
    text_writer writer = {texts};
    enum { EXTRA_SIZE = 500, FIXED_SIZE = 8 + 40 };
    out->id = FIRST_ID + last_auction(generator, event);
    int64_t seller = draw(random, 4) > 0
                         ? (int64_t)(last_person(generator, event) / HOT_BATCH * HOT_BATCH)
                         : draw_person(generator, event);
    out->seller = FIRST_ID + seller;
    out->category = FIRST_CATEGORY + draw(random, CATEGORIES);
    out->initial_bid = draw_price(random);
    int64_t life = 2 * (time_of(generator, number + EVENTS_OF_A_LIFE) - out->time_ms);
    out->expires_ms = out->time_ms + 1 + draw(random, life > 1 ? (uint32_t)life : 1);
    out->item_name = take_word(&writer, random, 20);
    out->description = take_word(&writer, random, 100);
    out->reserve = out->initial_bid + draw_price(random);
    out->extra =
        draw_extra(generator, FIXED_SIZE + out->item_name.size + out->description.size, EXTRA_SIZE);
}

static void make_bid(ps_nexmark_generator *generator, uint64_t event, ps_nexmark_event *out)
{
    splitmix *random = &generator->random;
    enum { EXTRA_SIZE = 100, FIXED_SIZE = 32 };
    int64_t auction = draw(random, 2) > 0 ? last_auction(generator, event) / HOT_BATCH * HOT_BATCH
                                          : draw_auction(generator, event);
    out->auction = FIRST_ID + auction;
    int64_t bidder = draw(random, 4) > 0
                         ? (int64_t)(last_person(generator, event) / HOT_BATCH * HOT_BATCH) + 1
                         : draw_person(generator, event);
    out->bidder = 2 * FIRST_ID + bidder; /* twice, as upstream has it */
    out->price = draw_price(random);
    if (draw(random, 2) > 0) {
        uint32_t hot = draw(random, HOT_CHANNELS);
        out->channel = ps_slice_text(hot_channels[hot]);
        out->url = ps_slice_of(generator->urls[hot], generator->url_sizes[hot]);
    } else {
        uint32_t number = draw(random, CHANNELS);
        out->channel = ps_slice_of(generator->channels[number], generator->channel_sizes[number]);
        out->url = ps_slice_of(generator->urls[HOT_CHANNELS + number],
                               generator->url_sizes[HOT_CHANNELS + number]);
    }
    out->extra = draw_extra(generator, FIXED_SIZE, EXTRA_SIZE);
}

void ps_nexmark_next(ps_nexmark_generator *generator, char *texts, ps_nexmark_event *out)
{
    uint64_t number = 1 + generator->count; /* the first event has number 1 and id 2 */
    uint64_t event = 1 + number;
    uint64_t place = event % generator->total;
    generator->count++;
    out->time_ms = time_of(generator, number);
    if (place < generator->options.proportions[0]) {
        out->kind = PS_NEXMARK_PERSON;
        make_person(generator, event, texts, out);
    } else if (place < generator->options.proportions[0] + generator->options.proportions[1]) {
        out->kind = PS_NEXMARK_AUCTION;
        make_auction(generator, event, number, texts, out);
    } else {
        out->kind = PS_NEXMARK_BID;
        make_bid(generator, event, out);
    }
}

void ps_nexmark_position(const ps_nexmark_generator *generator, uint64_t *out_count,
                         uint64_t *out_random)
{
    *out_count = generator->count;
    *out_random = generator->random.state;
}

void ps_nexmark_seek(ps_nexmark_generator *generator, uint64_t count, uint64_t random)
{
    generator->count = count;
    generator->random.state = random;
}
