/* The table of framing vectors, tests/golden/http/framing.txt: what is refused and how (H1–H16),
 * what is served, and that the network's cuts change nothing (N3). */
#include "http_driver.h"

#define TABLE_PATH "tests/golden/http/framing.txt"

enum { CASE_SIZE_MAX = 80000, LINE_MAX_SIZE = 4096, SPLIT_SIZE_MAX = 600 };

typedef struct {
    char *row, *name, *expected;
    char bytes[CASE_SIZE_MAX];
    size_t size;
    int line;
} vector;

static char unescape_one(const char **at)
{
    char c = *(*at)++;
    if (c != '\\') {
        return c;
    }
    c = *(*at)++;
    switch (c) {
    case 'r':
        return '\r';
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case '0':
        return '\0';
    case '\\':
        return '\\';
    case 'x': {
        char byte = 0;
        assert_true(ps_hex_decode(ps_slice_of(*at, 2), &byte, 1));
        *at += 2;
        return byte;
    }
    default:
        fail_msg("unknown escape \\%c", c);
        return 0;
    }
}

static void put_byte(vector *v, char c)
{
    assert_true(v->size < sizeof v->bytes);
    v->bytes[v->size++] = c;
}

static void put_text(vector *v, const char *text)
{
    while (*text != '\0') {
        put_byte(v, *text++);
    }
}

/* {post}, {get} or {text*N}; at stands behind the brace. */
static const char *expand_brace(vector *v, const char *at)
{
    const char *end = strchr(at, '}');
    assert_non_null(end);
    if (strncmp(at, "post}", 5) == 0) {
        put_text(v, "POST / HTTP/1.1\r\nHost: a\r\n");
        return end + 1;
    }
    if (strncmp(at, "get}", 4) == 0) {
        put_text(v, "GET / HTTP/1.1\r\nHost: a\r\n");
        return end + 1;
    }
    const char *star = end;
    while (*star != '*') {
        star--;
    }
    assert_true(star > at);
    size_t start = v->size;
    for (const char *text = at; text < star;) {
        put_byte(v, unescape_one(&text));
    }
    size_t unit = v->size - start;
    long count = atol(star + 1);
    for (long i = 1; i < count; i++) {
        for (size_t k = 0; k < unit; k++) {
            put_byte(v, v->bytes[start + k]);
        }
    }
    return end + 1;
}

static char *next_column(char **rest)
{
    char *start = *rest;
    char *end = strstr(start, " | ");
    assert_non_null(end);
    *end = '\0';
    *rest = end + 3;
    return start;
}

/* False at the end of the table. */
static bool read_vector(FILE *file, vector *v)
{
    static char line[LINE_MAX_SIZE];
    do {
        if (fgets(line, sizeof line, file) == NULL) {
            return false;
        }
        v->line++;
    } while (line[0] == '#' || line[0] == '\n');
    line[strcspn(line, "\n")] = '\0';
    char *rest = line;
    v->row = next_column(&rest);
    v->name = next_column(&rest);
    v->expected = next_column(&rest);
    v->size = 0;
    for (const char *at = rest; *at != '\0';) {
        if (*at == '{') {
            at = expand_brace(v, at + 1);
        } else {
            put_byte(v, unescape_one(&at));
        }
    }
    return true;
}

/* Feeds the case in pieces: [0, first), then in steps; *out takes the output. */
static void run_case(driver *d, const vector *v, size_t first, size_t step)
{
    driver_open(d);
    driver_feed(d, ps_slice_of(v->bytes, first));
    for (size_t at = first; at < v->size; at += step) {
        size_t size = v->size - at < step ? v->size - at : step;
        driver_feed(d, ps_slice_of(v->bytes + at, size));
    }
}

/* A 100 goes out only when the body has not come along with the head: with or without is right. */
static void drop_continue(ps_buf *output)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (output->size == 0) {
        return;
    }
    char *at = memmem(output->data, output->size, line, sizeof line - 1);
    if (at != NULL) {
        char *behind = at + sizeof line - 1;
        memmove(at, behind, (size_t)(output->data + output->size - behind));
        output->size -= sizeof line - 1;
    }
}

static void check_same(driver *d, const vector *v, const ps_buf *expected, bool was_open,
                       size_t cut)
{
    drop_continue(&d->output);
    if (d->is_open != was_open ||
        !ps_slice_equal(ps_buf_slice(&d->output), ps_buf_slice(expected))) {
        fail_msg("%s:%d: %s: cut at %zu changes the replies", TABLE_PATH, v->line, v->name, cut);
    }
    driver_close(d);
}

static void check_vector(driver *d, const vector *v)
{
    char summary[256];
    run_case(d, v, v->size, 1);
    driver_summary(d, summary, sizeof summary);
    if (strcmp(summary, v->expected) != 0) {
        fail_msg("%s:%d: %s: %s\n  expected %s\n  got      %s", TABLE_PATH, v->line, v->row,
                 v->name, v->expected, summary);
    }
    bool was_open = d->is_open;
    driver_close(d);
    drop_continue(&d->output);
    ps_buf whole;
    ps_buf_init(&whole, 1 << 20);
    ps_buf_append_slice(&whole, ps_buf_slice(&d->output));

    run_case(d, v, 0, 1);
    check_same(d, v, &whole, was_open, 0);
    size_t step = v->size <= SPLIT_SIZE_MAX ? 1 : v->size / SPLIT_SIZE_MAX * 5;
    for (size_t cut = 1; cut < v->size; cut += step) {
        run_case(d, v, cut, v->size);
        check_same(d, v, &whole, was_open, cut);
    }
    ps_buf_release(&whole);
}

static void every_vector_is_answered_as_the_table_says_however_it_is_cut(void **state)
{
    (void)state;
    FILE *file = fopen(TABLE_PATH, "r");
    assert_non_null(file);
    static vector v;
    v.line = 0;
    driver *d = calloc(1, sizeof *d);
    driver_init(d);
    unsigned count = 0;
    unsigned rows_seen = 0;
    while (read_vector(file, &v)) {
        check_vector(d, &v);
        count++;
        if (v.row[0] == 'H') {
            rows_seen |= 1u << atoi(v.row + 1);
        }
    }
    fclose(file);
    assert_true(count >= 120);
    assert_int_equal(rows_seen, 0x1fffe); /* H1 … H16; H17 is a deadline: http_conn_test */
    driver_release(d);
    free(d);
}

static void a_refusal_says_close_and_carries_the_handlers_body(void **state)
{
    (void)state;
    driver *d = calloc(1, sizeof *d);
    driver_init(d);
    driver_open(d);
    driver_feed_text(d, "GET / HTTP/1.1\r\n\r\n");
    assert_false(d->is_open);
    assert_true(driver_output_has(d, "HTTP/1.1 400 Bad Request\r\n"));
    assert_true(driver_output_has(d, "Connection: close\r\n"));
    assert_true(driver_output_has(d, "Request-Id: r1\r\n"));
    assert_true(driver_output_has(d, "{\"error\":{\"code\":\"http_host_invalid\"}}"));
    assert_int_equal(d->heads, 0);
    driver_release(d);
    free(d);
}

static void what_was_sent_is_what_the_handler_sees(void **state)
{
    (void)state;
    static const struct {
        const char *sent, *echoed;
    } cases[] = {
        {"GET /a/b?x=1&y=%20 HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a/b?x=1&y=%20 []"},
        {"GET http://h/p?q HTTP/1.1\r\nHost: h\r\n\r\n", "GET /p?q []"},
        {"GET http://h HTTP/1.1\r\nHost: h\r\n\r\n", "GET / []"},
        {"GET http://h?q HTTP/1.1\r\nHost: h\r\n\r\n", "GET /?q []"},
        {"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "OPTIONS * []"},
        {"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\na\r\n\r\n",
         "POST /p [a\r\n\r\n]"},
        {"PUT /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
         "3\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\n",
         "PUT /p [abc0123456789]"},
        {"PATCH /p HTTP/1.1\r\nHost: h\r\n\r\n", "PATCH /p []"},
        {"DELETE /p? HTTP/1.1\r\nHost: h\r\n\r\n", "DELETE /p []"},
    };
    driver *d = calloc(1, sizeof *d);
    driver_init(d);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        driver_open(d);
        driver_feed_text(d, cases[i].sent);
        ps_slice rest = ps_buf_slice(&d->output);
        driver_reply reply;
        assert_true(driver_next_reply(&rest, false, &reply));
        assert_int_equal(reply.body.size, strlen(cases[i].echoed));
        assert_memory_equal(reply.body.data, cases[i].echoed, reply.body.size);
        driver_close(d);
    }
    driver_release(d);
    free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_is_answered_as_the_table_says_however_it_is_cut),
        cmocka_unit_test(a_refusal_says_close_and_carries_the_handlers_body),
        cmocka_unit_test(what_was_sent_is_what_the_handler_sees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
