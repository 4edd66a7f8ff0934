/* Order of replies, admission, deadlines on a clock that the test moves, streams, and the end of a
 * connection at every moment. */
#include "http_driver.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static driver *new_driver(void)
{
    driver *d = calloc(1, sizeof *d);
    driver_init(d);
    return d;
}

static void free_driver(driver *d)
{
    driver_release(d);
    free(d);
}

static void expect_summary(const driver *d, const char *expected)
{
    char summary[512];
    driver_summary(d, summary, sizeof summary);
    assert_string_equal(summary, expected);
}

static void answer(driver *d, ps_http_request *request)
{
    driver_echo(request);
    driver_settle(d);
}

/* ── order ── */

static void
a_thousand_pipelined_requests_are_answered_in_order_whatever_order_the_answers_come(void **state)
{
    (void)state;
    driver *d = new_driver();
    d->options.requests_per_connection = 100;
    driver_open(d);
    ps_buf text;
    ps_buf_init(&text, 1 << 20);
    for (int i = 0; i < 1000; i++) {
        ps_buf_append_format(&text, GET("/later%d"), i);
    }
    driver_feed(d, ps_buf_slice(&text));
    size_t answered = 0;
    while (answered < 1000) {
        /* Never more than the declared number at once; the rest waits unparsed. */
        assert_true(d->later_count - answered <= 100);
        assert_true(d->later_count > answered);
        assert_false(ps_http_conn_wants_read(d->conn) && d->later_count < 1000);
        for (size_t i = d->later_count; i > answered; i--) {
            driver_echo(d->later[i - 1]); /* newest first */
        }
        answered = d->later_count;
        driver_settle(d);
    }
    ps_slice rest = ps_buf_slice(&d->output);
    driver_reply reply;
    for (int i = 0; i < 1000; i++) {
        char expected[32];
        int size = snprintf(expected, sizeof expected, "GET /later%d []", i);
        assert_true(driver_next_reply(&rest, false, &reply));
        assert_int_equal(reply.body.size, size);
        assert_memory_equal(reply.body.data, expected, (size_t)size);
    }
    assert_int_equal(rest.size, 0);
    assert_true(d->is_open);
    ps_buf_release(&text);
    free_driver(d);
}

static void requests_behind_too_much_unsent_output_wait(void **state)
{
    (void)state;
    driver *d = new_driver();
    d->options.output_size_max = 4096;
    d->reads_output = false;
    driver_open(d);
    ps_buf text;
    ps_buf_init(&text, 1 << 20);
    for (int i = 0; i < 1000; i++) {
        ps_buf_append_text(&text, GET("/now"));
    }
    driver_feed(d, ps_buf_slice(&text));
    assert_true(d->requests < 100);
    assert_false(ps_http_conn_wants_read(d->conn));
    assert_true(ps_http_conn_output(d->conn).size < 4096 + 1024);
    d->reads_output = true;
    driver_settle(d);
    assert_int_equal(d->requests, 1000);
    assert_true(ps_http_conn_wants_read(d->conn));
    ps_buf_release(&text);
    free_driver(d);
}

static void head_is_answered_without_a_body_but_with_its_length(void **state)
{
    (void)state;
    driver *d = new_driver();
    driver_open(d);
    driver_feed_text(d, "HEAD /p HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(driver_output_has(d, "Content-Length: 10\r\n"));
    assert_memory_equal(d->output.data + d->output.size - 4, "\r\n\r\n", 4);
    assert_true(d->is_open);
    free_driver(d);
}

static void http_1_0_is_told_whether_the_connection_stays(void **state)
{
    (void)state;
    driver *d = new_driver();
    driver_open(d);
    driver_feed_text(d, "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    assert_true(driver_output_has(d, "Connection: keep-alive\r\n"));
    assert_true(d->is_open);
    driver_feed_text(d, "GET / HTTP/1.0\r\n\r\n");
    assert_true(driver_output_has(d, "Connection: close\r\n"));
    assert_false(d->is_open);
    free_driver(d);
}

static void the_100_waits_for_its_turn(void **state)
{
    (void)state;
    driver *d = new_driver();
    driver_open(d);
    driver_feed_text(d, GET("/later") "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
                                      "Expect: 100-continue\r\n\r\n");
    expect_summary(d, "open");
    answer(d, d->later[0]);
    expect_summary(d, "200 100 open");
    driver_feed_text(d, "ok");
    expect_summary(d, "200 100 200 open");
    assert_true(driver_output_has(d, "POST /p [ok]"));
    free_driver(d);
}

static void a_refusal_waits_for_the_answers_before_it(void **state)
{
    (void)state;
    driver *d = new_driver();
    driver_open(d);
    driver_feed_text(d, GET("/later1") GET("/later2") "bad\r\n\r\n" GET("/never"));
    expect_summary(d, "open");
    answer(d, d->later[1]);
    expect_summary(d, "open");
    answer(d, d->later[0]);
    expect_summary(d, "200 200 400 close");
    assert_int_equal(d->requests, 2);
    free_driver(d);
}

/* ── admission ── */

static void a_body_over_the_limit_of_its_route_is_refused_before_it_comes(void **state)
{
    (void)state;
    driver *d = new_driver();
    driver_open(d);
    driver_feed_text(d, "POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
    expect_summary(d, "413 close");
    assert_int_equal(d->heads, 1);
    assert_int_equal(d->requests, 0);
    assert_int_equal(d->aborts, 1);
    free_driver(d);
}

static void a_large_body_is_taken_where_the_route_allows_it(void **state)
{
    (void)state;
    driver *d = new_driver();
    driver_open(d);
    enum { SIZE = 8 * 1024 * 1024 };
    char *body = malloc(SIZE);
    memset(body, 'b', SIZE);
    driver_feed_text(d, "POST /big HTTP/1.1\r\nHost: a\r\nContent-Length: 8388608\r\n\r\n");
    for (size_t at = 0; at < SIZE; at += 65536) {
        driver_feed(d, ps_slice_of(body + at, 65536));
    }
    expect_summary(d, "200 open");
    assert_true(d->output.size > SIZE);
    driver_feed_text(d, "POST /big HTTP/1.1\r\nHost: a\r\nContent-Length: 8388609\r\n\r\n");
    expect_summary(d, "200 413 close");
    free(body);
    free_driver(d);
}

static void without_memory_a_request_is_refused_and_the_others_go_on(void **state)
{
    (void)state;
    driver *d = new_driver();
    d->options.memory_size_max = 64 * 1024;
    driver_open(d);
    char body[16384];
    memset(body, 'b', sizeof body);
    driver_feed_text(d, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n");
    for (int i = 0; i < 4 && d->is_open; i++) {
        driver_feed(d, ps_slice_of(body, 15000));
    }
    expect_summary(d, "503 close");
    assert_true(driver_output_has(d, "Retry-After: 1\r\n"));
    assert_int_equal(d->aborts, 1);
    driver_open(d);
    driver_feed_text(d, GET("/now"));
    expect_summary(d, "200 open");
    free_driver(d);
}

static void every_shortage_of_memory_is_survived(void **state)
{
    (void)state;
    static const char text[] = GET("/now")
        GET("/later") "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "5\r\nhello\r\n0\r\n\r\n" GET("/stream") GET("/now") "bad\r\n\r\n";
    unsigned survived = 0;
    for (size_t limit = 1024; limit <= 32768; limit += 1024) {
        driver *d = new_driver();
        d->options.memory_size_max = limit;
        ps_http_loop_init(&d->loop, &d->options, &d->handler, d);
        static const uint8_t peer[16];
        d->conn = ps_http_conn_open(&d->loop, peer);
        if (d->conn == NULL) {
            free_driver(d);
            continue;
        }
        d->is_open = true;
        for (size_t at = 0; at < sizeof text - 1; at += 7) {
            size_t left = sizeof text - 1 - at;
            driver_feed(d, ps_slice_of(text + at, left < 7 ? left : 7));
        }
        for (size_t i = 0; i < d->later_count; i++) {
            answer(d, d->later[i]);
        }
        if (d->stream != NULL) {
            char block[3000] = {0};
            (void)!ps_http_stream_write(d->stream, ps_slice_of(block, sizeof block));
            driver_settle(d);
            ps_http_stream_end(d->stream);
            driver_settle(d);
        }
        survived += driver_output_has(d, "400 Bad Request") ? 1 : 0;
        driver_close(d);
        assert_null(d->loop.requests);
        assert_int_equal(d->loop.pool.used_size, 0);
        free_driver(d);
    }
    assert_in_range(survived, 1, 31); /* some limits suffice and some do not */
}

static void nothing_is_held_while_a_connection_is_idle(void **state)
{
    (void)state;
    driver *d = new_driver();
    driver_open(d);
    size_t idle_size = d->loop.pool.used_size;
    assert_true(idle_size <= 2048);
    driver_feed_text(d, GET("/now") "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab");
    assert_int_equal(d->loop.pool.used_size, idle_size);
    /* Warm: a hundred more requests need no memory that is not there already. */
    size_t kept_size = d->loop.pool.kept_size;
    for (int i = 0; i < 100; i++) {
        driver_feed_text(d,
                         GET("/now") "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab");
    }
    assert_int_equal(d->loop.pool.kept_size, kept_size);
    free_driver(d);
}

/* ── deadlines ── */

static void a_dripped_head_ends_after_ten_seconds_whatever_arrives(void **state)
{
    (void)state;
    driver *d = new_driver(); /* H17 */
    driver_open(d);
    driver_feed_text(d, "GET / HTTP/1.1\r\n");
    for (int i = 0; i < 99; i++) {
        driver_feed_text(d, "X");
        driver_pass_time(d, 100 * PS_NS_PER_MS);
        assert_true(d->is_open);
    }
    driver_feed_text(d, "X");
    driver_pass_time(d, 100 * PS_NS_PER_MS);
    expect_summary(d, "408 close");
    assert_int_equal(d->heads, 0);
    free_driver(d);
}

static void a_slow_body_ends_and_one_that_is_fast_enough_does_not(void **state)
{
    (void)state;
    static const struct {
        size_t bytes_per_100_ms;
        const char *after_6_s, *after_20_s;
    } cases[] = {
        {0, "408 close", "408 close"},  {1, "408 close", "408 close"},
        {49, "408 close", "408 close"}, /* 490 bytes a second */
        {50, "open", "open"},           {2000, "open", "open"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        driver *d = new_driver();
        driver_open(d);
        driver_feed_text(d, "POST /big HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
        static const char bytes[2000];
        for (int tick = 0; tick < 200; tick++) {
            driver_feed(d, ps_slice_of(bytes, cases[i].bytes_per_100_ms));
            driver_pass_time(d, 100 * PS_NS_PER_MS);
            if (tick == 48) {
                expect_summary(d, "open"); /* five seconds of grace */
            }
            if (tick == 59) {
                expect_summary(d, cases[i].after_6_s);
            }
        }
        expect_summary(d, cases[i].after_20_s);
        assert_int_equal(d->aborts, strcmp(cases[i].after_20_s, "open") == 0 ? 0 : 1);
        free_driver(d);
    }
}

static void a_body_that_stops_half_way_ends_too(void **state)
{
    (void)state;
    driver *d = new_driver();
    driver_open(d);
    static const char bytes[500000];
    driver_feed_text(d, "POST /big HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    driver_feed(d, ps_slice_of(bytes, sizeof bytes));
    driver_pass_time(d, 11 * PS_NS_PER_S);
    expect_summary(d, "408 close");
    free_driver(d);
}

static void an_idle_connection_ends_silently_after_thirty_seconds(void **state)
{
    (void)state;
    driver *d = new_driver();
    driver_open(d);
    driver_pass_time(d, 29 * PS_NS_PER_S);
    driver_feed_text(d, GET("/now"));
    driver_pass_time(d, 29 * PS_NS_PER_S);
    assert_true(d->is_open);
    driver_pass_time(d, 2 * PS_NS_PER_S);
    expect_summary(d, "200 close");
    free_driver(d);
}

static void a_request_that_waits_for_its_answer_is_not_idle(void **state)
{
    (void)state;
    driver *d = new_driver();
    driver_open(d);
    driver_feed_text(d, GET("/later"));
    driver_pass_time(d, 300 * PS_NS_PER_S);
    assert_true(d->is_open);
    answer(d, d->later[0]);
    expect_summary(d, "200 open");
    free_driver(d);
}

static void a_client_that_does_not_read_its_answer_is_cut_off(void **state)
{
    (void)state;
    driver *d = new_driver();
    d->reads_output = false;
    driver_open(d);
    driver_feed_text(d, GET("/now"));
    driver_pass_time(d, 9 * PS_NS_PER_S);
    assert_true(d->is_open);
    ps_http_conn_sent(d->conn, 10); /* a trickle does not help */
    driver_pass_time(d, 2 * PS_NS_PER_S);
    assert_false(d->is_open);
    free_driver(d);
}

/* ── the peer goes away ── */

static void the_end_of_input_at_every_byte_leaves_nothing_behind(void **state)
{
    (void)state;
    static const char text[] =
        GET("/now") "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" GET("/later")
            GET("/stream");
    for (size_t cut = 0; cut < sizeof text; cut++) {
        for (int reset = 0; reset < 2; reset++) {
            driver *d = new_driver();
            driver_open(d);
            driver_feed(d, ps_slice_of(text, cut));
            if (reset) {
                driver_close(d);
            } else {
                ps_http_conn_feed_eof(d->conn);
                driver_settle(d);
            }
            unsigned open_count = (unsigned)d->later_count + (d->stream != NULL ? 1 : 0);
            assert_int_equal(d->is_open, open_count > 0 && !reset);
            assert_int_equal(d->closeds, reset ? open_count : d->stream != NULL);
            assert_int_equal(d->heads, d->requests + d->aborts);
            for (size_t i = 0; i < d->later_count; i++) {
                assert_int_equal(ps_http_request_is_orphan(d->later[i]), reset);
                answer(d, d->later[i]);
            }
            if (d->stream != NULL) {
                ps_http_stream_end(d->stream);
                driver_settle(d);
            }
            assert_false(d->is_open);
            assert_null(d->loop.requests);
            assert_int_equal(d->loop.pool.used_size, 0);
            free_driver(d);
        }
    }
}

/* ── streams ── */

static void a_stream_is_chunked_and_ends(void **state)
{
    (void)state;
    driver *d = new_driver();
    driver_open(d);
    driver_feed_text(d, GET("/stream") GET("/now"));
    assert_true(driver_output_has(d, "Transfer-Encoding: chunked\r\n"));
    assert_true(ps_http_stream_write(d->stream, PS_SLICE("data: x\n\n")));
    driver_settle(d);
    assert_true(driver_output_has(d, "\r\n\r\n9\r\ndata: x\n\n\r\n"));
    assert_false(driver_output_has(d, "GET /now"));
    ps_http_stream_end(d->stream);
    driver_settle(d);
    assert_true(driver_output_has(d, "\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n"));
    assert_true(d->is_open);
    free_driver(d);
}

static void a_stream_behind_other_requests_waits_for_its_turn(void **state)
{
    (void)state;
    driver *d = new_driver();
    driver_open(d);
    driver_feed_text(d, GET("/later") GET("/stream"));
    assert_true(ps_http_stream_write(d->stream, PS_SLICE("one")));
    driver_settle(d);
    assert_int_equal(d->output.size, 0);
    answer(d, d->later[0]);
    assert_true(driver_output_has(d, "3\r\none\r\n"));
    assert_true(ps_http_stream_write(d->stream, PS_SLICE("two")));
    ps_http_stream_end(d->stream);
    driver_settle(d);
    assert_true(driver_output_has(d, "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"));
    free_driver(d);
}

static void a_stream_on_http_1_0_ends_with_the_connection(void **state)
{
    (void)state;
    driver *d = new_driver();
    driver_open(d);
    driver_feed_text(d, "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_true(ps_http_stream_write(d->stream, PS_SLICE("abc")));
    ps_http_stream_end(d->stream);
    driver_settle(d);
    assert_false(driver_output_has(d, "chunked"));
    assert_true(driver_output_has(d, "Connection: close\r\n\r\nabc"));
    assert_false(d->is_open);
    free_driver(d);
}

static void a_stream_to_a_slow_reader_pushes_back(void **state)
{
    (void)state;
    driver *d = new_driver();
    d->options.stream_size_max = 10000;
    d->reads_output = false;
    driver_open(d);
    driver_feed_text(d, GET("/stream"));
    char block[1000];
    memset(block, 'x', sizeof block);
    unsigned taken = 0;
    while (ps_http_stream_write(d->stream, ps_slice_of(block, sizeof block))) {
        taken++;
        assert_true(taken < 20);
    }
    assert_true(taken >= 8);
    assert_true(ps_http_stream_pending(d->stream) <= 10000 + 200);
    driver_settle(d);
    assert_int_equal(d->writables, 0);
    d->reads_output = true;
    driver_settle(d);
    assert_int_equal(d->writables, 1);
    assert_true(ps_http_stream_write(d->stream, ps_slice_of(block, sizeof block)));
    ps_http_stream_end(d->stream);
    driver_settle(d);
    free_driver(d);
}

/* ── draining ── */

static void a_draining_server_says_close_on_the_last_answer(void **state)
{
    (void)state;
    driver *d = new_driver();
    driver_open(d);
    driver_feed_text(d, GET("/later1") GET("/later2"));
    d->loop.draining = true;
    answer(d, d->later[0]);
    assert_false(driver_output_has(d, "Connection: close"));
    answer(d, d->later[1]);
    assert_true(driver_output_has(d, "Connection: close"));
    expect_summary(d, "200 200 close");
    free_driver(d);
}

static void a_handler_may_close_with_its_answer(void **state)
{
    (void)state;
    driver *d = new_driver();
    driver_open(d);
    driver_feed_text(d, GET("/later1") GET("/later2"));
    ps_http_answer last = {.status = 503, .close = true};
    ps_http_reply(d->later[0], &last);
    driver_settle(d);
    expect_summary(d, "503 close");
    assert_int_equal(d->closeds, 1); /* the second: it is an orphan now */
    driver_echo(d->later[1]);
    assert_null(d->loop.requests);
    free_driver(d);
}

static void what_a_handler_may_ask_is_answered(void **state)
{
    (void)state;
    driver *d = new_driver();
    driver_open(d);
    driver_feed_text(d, "GET /later?q=1 HTTP/1.1\r\nhost: a\r\nAUTHORIZATION:  Bearer k \r\n"
                        "X-Other: v\r\n\r\n");
    ps_http_request *request = d->later[0];
    ps_slice key = ps_http_request_header(request, PS_HTTP_AUTHORIZATION);
    assert_int_equal(key.size, 8);
    assert_memory_equal(key.data, "Bearer k", 8);
    assert_null(ps_http_request_header(request, PS_HTTP_IDEMPOTENCY_KEY).data);
    assert_int_equal(ps_http_request_header_count(request), 3);
    ps_slice name;
    ps_slice value;
    ps_http_request_header_at(request, 2, &name, &value);
    assert_memory_equal(name.data, "X-Other", name.size);
    assert_memory_equal(value.data, "v", value.size);
    uint8_t peer[16];
    ps_http_request_peer(request, peer);
    assert_int_equal(peer[15], 7);
    assert_int_equal(ps_http_request_received_ns(request), d->loop.now_ns);
    assert_int_equal((uintptr_t)ps_http_request_state(request) % 16, 0);
    answer(d, request);
    free_driver(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_thousand_pipelined_requests_are_answered_in_order_whatever_order_the_answers_come),
        cmocka_unit_test(requests_behind_too_much_unsent_output_wait),
        cmocka_unit_test(head_is_answered_without_a_body_but_with_its_length),
        cmocka_unit_test(http_1_0_is_told_whether_the_connection_stays),
        cmocka_unit_test(the_100_waits_for_its_turn),
        cmocka_unit_test(a_refusal_waits_for_the_answers_before_it),
        cmocka_unit_test(a_body_over_the_limit_of_its_route_is_refused_before_it_comes),
        cmocka_unit_test(a_large_body_is_taken_where_the_route_allows_it),
        cmocka_unit_test(without_memory_a_request_is_refused_and_the_others_go_on),
        cmocka_unit_test(every_shortage_of_memory_is_survived),
        cmocka_unit_test(nothing_is_held_while_a_connection_is_idle),
        cmocka_unit_test(a_dripped_head_ends_after_ten_seconds_whatever_arrives),
        cmocka_unit_test(a_slow_body_ends_and_one_that_is_fast_enough_does_not),
        cmocka_unit_test(a_body_that_stops_half_way_ends_too),
        cmocka_unit_test(an_idle_connection_ends_silently_after_thirty_seconds),
        cmocka_unit_test(a_request_that_waits_for_its_answer_is_not_idle),
        cmocka_unit_test(a_client_that_does_not_read_its_answer_is_cut_off),
        cmocka_unit_test(the_end_of_input_at_every_byte_leaves_nothing_behind),
        cmocka_unit_test(a_stream_is_chunked_and_ends),
        cmocka_unit_test(a_stream_behind_other_requests_waits_for_its_turn),
        cmocka_unit_test(a_stream_on_http_1_0_ends_with_the_connection),
        cmocka_unit_test(a_stream_to_a_slow_reader_pushes_back),
        cmocka_unit_test(a_draining_server_says_close_on_the_last_answer),
        cmocka_unit_test(a_handler_may_close_with_its_answer),
        cmocka_unit_test(what_a_handler_may_ask_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
