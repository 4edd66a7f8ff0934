#include "base/testing.h"

#include <stdio.h>

#include <openssl/evp.h>

#include "connect/nexmark_events.h"
#include "data/datetime.h"

enum { SIZE_MAX_OF_ALL = 64 << 20 };

static void print_time(int64_t ms, ps_buf *out)
{
    ps_timestamp_print(ms, 1000, 3, ' ', out);
    while (out->data[out->size - 1] == '0' && ms % 1000 != 0) {
        out->size--;
    }
    out->size -= ms % 1000 == 0 ? 4 : 0;
}

static void print_text(const char *key, ps_slice text, ps_buf *out)
{
    ps_buf_append_format(out, "\"%s\":\"", key);
    for (size_t i = 0; i < text.size; i++) {
        ps_buf_append_text(out, text.data[i] == '\\' ? "\\" : "");
        ps_buf_append_char(out, text.data[i]);
    }
    ps_buf_append_char(out, '"');
}

static void print_time_field(const char *key, int64_t ms, ps_buf *out)
{
    ps_buf_append_format(out, ",\"%s\":\"", key);
    print_time(ms, out);
    ps_buf_append_text(out, "\",");
}

/* The line that NEXMARK §1 describes. */
static void print_event(const ps_nexmark_event *event, ps_buf *out)
{
    ps_buf_append_format(out, "{\"event_type\":%d,", (int)event->kind);
    switch (event->kind) {
    case PS_NEXMARK_PERSON:
        ps_buf_append_format(out, "\"person\":{\"id\":%lld,", (long long)event->id);
        print_text("name", event->name, out);
        ps_buf_append_char(out, ',');
        print_text("emailAddress", event->email, out);
        ps_buf_append_char(out, ',');
        print_text("creditCard", event->credit_card, out);
        ps_buf_append_char(out, ',');
        print_text("city", event->city, out);
        ps_buf_append_char(out, ',');
        print_text("state", event->state, out);
        print_time_field("dateTime", event->time_ms, out);
        print_text("extra", event->extra, out);
        ps_buf_append_text(out, "},\"auction\":null,\"bid\":null}\n");
        break;
    case PS_NEXMARK_AUCTION:
        ps_buf_append_format(out, "\"person\":null,\"auction\":{\"id\":%lld,",
                             (long long)event->id);
        print_text("itemName", event->item_name, out);
        ps_buf_append_char(out, ',');
        print_text("description", event->description, out);
        ps_buf_append_format(out, ",\"initialBid\":%lld,\"reserve\":%lld",
                             (long long)event->initial_bid, (long long)event->reserve);
        print_time_field("dateTime", event->time_ms, out);
        ps_buf_append_text(out, "\"expires\":\"");
        print_time(event->expires_ms, out);
        ps_buf_append_format(out, "\",\"seller\":%lld,\"category\":%lld,", (long long)event->seller,
                             (long long)event->category);
        print_text("extra", event->extra, out);
        ps_buf_append_text(out, "},\"bid\":null}\n");
        break;
    case PS_NEXMARK_BID:
        ps_buf_append_format(out,
                             "\"person\":null,\"auction\":null,\"bid\":{\"auction\":%lld,"
                             "\"bidder\":%lld,\"price\":%lld,",
                             (long long)event->auction, (long long)event->bidder,
                             (long long)event->price);
        print_text("channel", event->channel, out);
        ps_buf_append_char(out, ',');
        print_text("url", event->url, out);
        print_time_field("dateTime", event->time_ms, out);
        print_text("extra", event->extra, out);
        ps_buf_append_text(out, "}}\n");
        break;
    }
}

static void check_file(int64_t base_ms, double rate, uint64_t count, const char *expected)
{
    const ps_nexmark_options options = {
        .seed = 1001, .base_ms = base_ms, .rate = rate, .proportions = {1, 3, 46}};
    ps_error err;
    ps_nexmark_generator *generator;
    assert_int_equal(ps_nexmark_generator_new(&options, &generator, &err), PS_OK);
    ps_buf line;
    ps_buf_init(&line, SIZE_MAX_OF_ALL);
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    EVP_DigestInit_ex(digest, EVP_sha256(), NULL);
    for (uint64_t i = 0; i < count; i++) {
        char texts[PS_NEXMARK_TEXT_MAX];
        ps_nexmark_event event;
        ps_nexmark_next(generator, texts, &event);
        ps_buf_clear(&line);
        print_event(&event, &line);
        EVP_DigestUpdate(digest, line.data, line.size);
    }
    unsigned char bytes[32];
    EVP_DigestFinal_ex(digest, bytes, NULL);
    char hex[65];
    for (int i = 0; i < 32; i++) {
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    }
    assert_string_equal(hex, expected);
    EVP_MD_CTX_free(digest);
    ps_buf_release(&line);
    ps_nexmark_generator_free(generator);
}

static void the_files_of_the_description_are_made_byte_by_byte(void **state)
{
    (void)state;
    check_file(INT64_C(1436947190000), 1000, 20000,
               "20e85330e6b39c5b4627e1c8280eb9961058805d9249d0d8757eb4080ff477cb");
    check_file(INT64_C(1436918360000), 1000, 100000,
               "2dcbfd09612b3281a682301251f07bd646ea5bbe16bbd7843cd671e1125710fa");
}

static void a_position_leads_back_to_the_next_event(void **state)
{
    (void)state;
    const ps_nexmark_options options = {
        .seed = 5, .base_ms = 0, .rate = 10000, .proportions = {1, 3, 46}};
    ps_error err;
    ps_nexmark_generator *one, *two;
    assert_int_equal(ps_nexmark_generator_new(&options, &one, &err), PS_OK);
    assert_int_equal(ps_nexmark_generator_new(&options, &two, &err), PS_OK);
    char texts[PS_NEXMARK_TEXT_MAX];
    ps_nexmark_event event, again;
    for (int i = 0; i < 777; i++) {
        ps_nexmark_next(one, texts, &event);
    }
    uint64_t count, random;
    ps_nexmark_position(one, &count, &random);
    ps_nexmark_seek(two, count, random);
    for (int i = 0; i < 300; i++) {
        char other_texts[PS_NEXMARK_TEXT_MAX];
        ps_buf a, b;
        ps_buf_init(&a, SIZE_MAX_OF_ALL);
        ps_buf_init(&b, SIZE_MAX_OF_ALL);
        ps_nexmark_next(one, texts, &event);
        ps_nexmark_next(two, other_texts, &again);
        print_event(&event, &a);
        print_event(&again, &b);
        assert_true(ps_slice_equal(ps_buf_slice(&a), ps_buf_slice(&b)));
        ps_buf_release(&a);
        ps_buf_release(&b);
    }
    ps_nexmark_generator_free(one);
    ps_nexmark_generator_free(two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_files_of_the_description_are_made_byte_by_byte),
        cmocka_unit_test(a_position_leads_back_to_the_next_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
