/* The matcher against naive_fixture.h: all patterns of a kind over all short strings, and random
 * ones. Each string is a key of its own, each pattern under each skip rule a query of one operator;
 * the operator gets the rows in several ways that must make no difference.
 *
 * By default a sample; PS_FULL=1 everything, PS_SEED=n another sample. A difference prints the
 * pattern (as pattern_fixture.h reads it), the letters and their times. */
#include <stdio.h>

#include "flow/bench.h"

#include "cep/match_view.h"
#include "cep/naive_fixture.h"
#include "cep/pattern_fixture.h"

enum { SUBJECTS_MAX = 48, KEYS_MAX = 729, TEXT_MAX = 400, LOG_SIZE_MAX = 1 << 22 };

static const ps_field columns[] = {{{"k", 1}, &ps_type_bigint},
                                   {{"ts", 2}, &ps_type_timestamp3},
                                   {{"s", 1}, &ps_type_string},
                                   {{"n", 1}, &ps_type_bigint}};
static const ps_schema input_schema = {4, columns};
static const ps_node input_node = {.kind = PS_NODE_SOURCE, .schema = {4, columns}};
static const ps_node *const inputs[] = {&input_node};
static const uint32_t key_column[] = {0};

/* ── what is compared ── */

/* A pattern and what was made of it. */
typedef struct {
    char text[TEXT_MAX];
    const ps_cep_pattern *pattern;
    uint32_t step; /* of the log: the first row of the time at hand */
    naive_log expected[KEYS_MAX], found[KEYS_MAX];
    bool is_known[KEYS_MAX];
} subject;

typedef struct {
    pattern_fixture patterns;
    uint32_t subject_count;
    subject subjects[SUBJECTS_MAX];
    /* keys: strings of `length` letters, and their times */
    uint32_t key_count, length;
    char letters[KEYS_MAX][NAIVE_ROWS_MAX + 1];
    int64_t times[NAIVE_ROWS_MAX];
    uint64_t compared; /* strings under a pattern */
    bool may_fail;     /* the operator; then: */
    ps_code code;
} field;

static field *field_new(void)
{
    field *made = calloc(1, sizeof *made);
    pattern_fixture_init(&made->patterns, 2);
    made->patterns.slot_column = input_schema.field_count;
    for (uint32_t s = 0; s < SUBJECTS_MAX; s++) {
        for (uint32_t k = 0; k < KEYS_MAX; k++) {
            ps_buf_init(&made->subjects[s].expected[k].bytes, LOG_SIZE_MAX);
            ps_buf_init(&made->subjects[s].found[k].bytes, LOG_SIZE_MAX);
        }
    }
    return made;
}

static void field_free(field *self)
{
    for (uint32_t s = 0; s < SUBJECTS_MAX; s++) {
        for (uint32_t k = 0; k < KEYS_MAX; k++) {
            ps_buf_release(&self->subjects[s].expected[k].bytes);
            ps_buf_release(&self->subjects[s].found[k].bytes);
        }
    }
    pattern_fixture_release(&self->patterns);
    free(self);
}

/* Every string of that many of the first letters of the alphabet; one row a millisecond. */
static void all_strings(field *self, uint32_t alphabet, uint32_t length)
{
    self->length = length;
    self->key_count = 1;
    for (uint32_t i = 0; i < length; i++) {
        self->key_count *= alphabet;
        self->times[i] = i + 1;
    }
    assert_true(self->key_count <= KEYS_MAX);
    for (uint32_t k = 0; k < self->key_count; k++) {
        uint32_t left = k;
        for (uint32_t i = 0; i < length; i++, left /= alphabet) {
            self->letters[k][i] = (char)('a' + left % alphabet);
        }
        self->letters[k][length] = 0;
    }
}

static uint32_t entry_size(const ps_cep_pattern *pattern, const char *at)
{
    uint32_t size = 2;
    for (uint32_t v = 0; v < pattern->variable_count; v++) {
        size += 1 + (uint32_t)at[size];
    }
    return size;
}

static bool logs_are_equal(const ps_cep_pattern *pattern, const naive_log *a, const naive_log *b,
                           bool with_steps)
{
    if (a->bytes.size != b->bytes.size) {
        return false;
    }
    for (size_t at = 0; at < a->bytes.size;) {
        const char *left = a->bytes.data + at, *right = b->bytes.data + at;
        uint32_t size = entry_size(pattern, left);
        uint32_t from = with_steps ? 0 : 1;
        if (size > a->bytes.size - at || memcmp(left + from, right + from, size - from) != 0) {
            return false;
        }
        at += size;
    }
    return true;
}

static void print_log(const ps_cep_pattern *pattern, const naive_log *log, ps_buf *out)
{
    for (size_t at = 0; at < log->bytes.size;) {
        const char *entry = log->bytes.data + at;
        uint32_t size = 2;
        ps_buf_append_format(out, "  at %d, timeout %d:", entry[0], entry[1]);
        for (uint32_t v = 0; v < pattern->variable_count; v++) {
            uint32_t count = (uint32_t)entry[size++];
            ps_buf_append_text(out, count > 0 ? " " : "");
            ps_buf_append_slice(out, count > 0 ? pattern->variables[v] : (ps_slice){0});
            for (uint32_t i = 0; i < count; i++) {
                ps_buf_append_format(out, " %d", entry[size++]);
            }
        }
        ps_buf_append_text(out, "\n");
        at += size;
    }
}

static uint64_t seed_of_run(void)
{
    const char *text = getenv("PS_SEED");
    return text != NULL ? strtoull(text, NULL, 10) : 1;
}

static void report_difference(const field *self, const subject *about, uint32_t key,
                              const char *mode)
{
    ps_buf text;
    ps_buf_init(&text, LOG_SIZE_MAX);
    ps_buf_append_format(&text, "%s\n%s: %s, times", about->text, mode, self->letters[key]);
    for (uint32_t i = 0; i < self->length; i++) {
        ps_buf_append_format(&text, " %lld", (long long)self->times[i]);
    }
    ps_buf_append_text(&text, "\nexpected:\n");
    print_log(about->pattern, &about->expected[key], &text);
    ps_buf_append_text(&text, "found:\n");
    print_log(about->pattern, &about->found[key], &text);
    fwrite(text.data, 1, text.size, stderr); /* cmocka cuts long messages */
    ps_buf_release(&text);
    fail_msg("SEED=%llu: the matcher and the text differ", (unsigned long long)seed_of_run());
}

/* ── the operator ── */

static ps_code on_match(void *user, const ps_cep_view *view, bool is_timeout, ps_outlet *outlet,
                        ps_error *err)
{
    (void)outlet;
    (void)err;
    subject *about = user;
    const ps_match_rows *rows = ps_cep_view_rows(view);
    uint32_t first = ps_cep_view_matched(view, PS_CEP_ANY_VARIABLE, 0);
    ps_buf *log = &about->found[ps_match_row_get(rows, first, 0).i64].bytes;
    ps_buf_append_char(log, (char)about->step);
    ps_buf_append_char(log, is_timeout ? (char)ps_cep_view_timeout(view) : 0);
    for (uint32_t v = 0; v < about->pattern->variable_count; v++) {
        uint32_t count = ps_cep_view_count(view, v);
        ps_buf_append_char(log, (char)count);
        for (uint32_t i = 0; i < count; i++) {
            uint32_t row = ps_cep_view_matched(view, v, i);
            ps_buf_append_char(log, (char)ps_match_row_get(rows, row, 3).i64);
        }
    }
    return PS_OK;
}

typedef enum {
    ALL_AT_ONCE,
    BY_TIME,    /* the rows of a time, then its watermark; saved and loaded in between */
    ROW_BY_ROW, /* … each row alone */
    ROW_BY_ROW_IN_MEMORY
} feeding;

static const char *const feeding_names[] = {"all at once", "restored at each time",
                                            "restored at each row", "row by row"};

static void feed(field *self, bench_run *run, int64_t watermark, uint64_t sequence)
{
    if (!self->may_fail) {
        bench_feed(run, 0, watermark, sequence);
        return;
    }
    ps_error err;
    ps_batch_builder *builder = &run->builders[0];
    builder->batch.watermark_after = watermark;
    builder->batch.sequence_after = sequence;
    if (self->code == PS_OK) {
        self->code = ps_operator_feed(run->op, 0, &builder->batch, &err);
    }
    ps_batch_builder_reset(builder);
}

static void feed_row(bench_run *run, const field *self, uint32_t key, uint32_t at,
                     int64_t watermark, uint64_t sequence)
{
    ps_batch_builder *builder = &run->builders[0];
    ps_error err;
    ps_batch_builder_begin_row(builder, PS_KIND_INSERT, watermark, sequence);
    const ps_value values[] = {{.i64 = key},
                               {.i64 = self->times[at]},
                               {.text = ps_slice_of(&self->letters[key][at], 1)},
                               {.i64 = at}};
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(ps_batch_builder_set(builder, i, values[i], &err), PS_OK);
    }
    ps_batch_builder_end_row(builder);
}

static void set_step(field *self, uint32_t step)
{
    for (uint32_t s = 0; s < self->subject_count; s++) {
        self->subjects[s].step = step;
    }
}

static void feed_all(bench_run *run, field *self, feeding how)
{
    int64_t watermark = PS_WATERMARK_NONE;
    uint64_t sequence = 0;
    uint32_t step = 0;
    for (uint32_t at = 0; at < self->length; at++) {
        for (uint32_t key = 0; key < self->key_count; key++) {
            feed_row(run, self, key, at, watermark, sequence++);
            bool is_full = ps_batch_builder_is_full(&run->builders[0]);
            if (is_full || how == ROW_BY_ROW || how == ROW_BY_ROW_IN_MEMORY) {
                feed(self, run, watermark, sequence);
            }
        }
        bool is_last_of_time = at + 1 == self->length || self->times[at + 1] != self->times[at];
        if (is_last_of_time) {
            watermark = self->times[at];
            set_step(self, step);
            step = at + 1;
        }
        if (is_last_of_time && how != ALL_AT_ONCE) {
            feed(self, run, watermark, sequence);
        }
    }
    if (how == ALL_AT_ONCE) {
        feed(self, run, watermark, sequence);
    }
    set_step(self, self->length);
    feed(self, run, PS_WATERMARK_END, sequence);
}

static void run_operator(field *self, const ps_node *node, feeding how)
{
    const bench_case of = {.make = ps_op_match_new, .node = node};
    ps_error err = {0};
    bench_run run = {
        .of = &of,
        .batch_rows = PS_BATCH_ROWS,
        .restores = how == BY_TIME || how == ROW_BY_ROW,
        .budget = {.size_max = 1ULL << 32},
        .output = {.schema = &node->schema, .watermark = PS_WATERMARK_NONE},
    };
    ps_arena_init(&run.arena, SIZE_MAX / 2);
    run.expressions.arena = &run.arena;
    assert_int_equal(
        ps_outlet_init(&run.outlet, 1, bench_types(&run.arena, &node->schema), 1, &err), PS_OK);
    run.outlet.push = bench_push;
    run.outlet.to = &run.output;
    assert_int_equal(ps_batch_builder_init(&run.builders[0], input_schema.field_count,
                                           bench_types(&run.arena, &input_schema), PS_BATCH_ROWS,
                                           &err),
                     PS_OK);
    bench_make(&run);
    feed_all(&run, self, how);
    ps_operator_free(run.op);
    ps_store_free(run.store);
    ps_batch_builder_release(&run.builders[0]);
    ps_outlet_release(&run.outlet);
    ps_arena_release(&run.arena);
}

/* ── comparing ── */

static void expect(field *self, subject *about)
{
    const naive_matcher *naive = naive_new(about->pattern, &self->patterns.arena);
    for (uint32_t key = 0; key < self->key_count; key++) {
        const naive_events events = {self->length, self->letters[key], self->times};
        ps_buf_clear(&about->expected[key].bytes);
        about->is_known[key] = naive_run(naive, about->pattern, &events, &about->expected[key]);
    }
}

static void compare(field *self, feeding how)
{
    ps_cep_query queries[SUBJECTS_MAX];
    for (uint32_t s = 0; s < self->subject_count; s++) {
        subject *about = &self->subjects[s];
        queries[s] = (ps_cep_query){.pattern = about->pattern,
                                    .emits_matches = true,
                                    .emits_timeouts = true,
                                    .emit = on_match,
                                    .user = about};
        for (uint32_t key = 0; key < self->key_count; key++) {
            ps_buf_clear(&about->found[key].bytes);
        }
    }
    const ps_match_spec spec = {
        .base = {.name = "Match", .make = ps_op_match_new, .is_stateful = true},
        .keys = {1, key_column},
        .time_column = 1,
        .input = &input_schema,
        .query_count = self->subject_count,
        .queries = queries,
        .runs_per_key_max = 1 << 20,
    };
    const ps_node node = {.kind = PS_NODE_USER,
                          .input_count = 1,
                          .inputs = inputs,
                          .schema = {1, columns},
                          .user = &spec.base};
    run_operator(self, &node, how);
    for (uint32_t s = 0; s < self->subject_count; s++) {
        const subject *about = &self->subjects[s];
        for (uint32_t key = 0; key < self->key_count; key++) {
            if (about->is_known[key] && !logs_are_equal(about->pattern, &about->expected[key],
                                                        &about->found[key], how != ALL_AT_ONCE)) {
                report_difference(self, about, key, feeding_names[how]);
            }
        }
    }
    self->compared += (uint64_t)self->subject_count * self->key_count;
}

/* Compares what has been gathered, and begins anew. */
static void flush(field *self, uint32_t feeding_count, const feeding *feedings)
{
    for (uint32_t s = 0; s < self->subject_count; s++) {
        expect(self, &self->subjects[s]);
    }
    for (uint32_t i = 0; self->subject_count > 0 && i < feeding_count; i++) {
        compare(self, feedings[i]);
    }
    self->subject_count = 0;
    pattern_fixture_release(&self->patterns);
    uint32_t slot_column = self->patterns.slot_column;
    pattern_fixture_init(&self->patterns, 2);
    self->patterns.slot_column = slot_column;
}

/* The pattern with that skip rule; false: it cannot be. */
static bool gather(field *self, const char *pattern, const char *options)
{
    subject *about = &self->subjects[self->subject_count];
    int size = snprintf(about->text, TEXT_MAX, "%s | %s", pattern, options);
    assert_true(size < TEXT_MAX);
    about->pattern = pattern_parse(&self->patterns, about->text);
    bool matches_empty;
    ps_error err;
    if (ps_cep_pattern_check(about->pattern, &matches_empty, &err) != PS_OK || matches_empty) {
        return false;
    }
    self->subject_count++;
    return true;
}

/* ── all patterns of SQL ── */

static const char *const quantifiers[] = {"",          "?",      "*:c",     "*:cg",     "+:c",
                                          "+:cg",      "{2}:c",  "{1,2}:c", "{1,2}:cg", "{1,2}:co",
                                          "{1,2}:cgo", "{2,}:c", "{2,}:cg"};
static const char *const conditions[] = {"=a", "=b", ""};
enum { QUANTIFIERS = 13, CONDITIONS = 3, FORMS = QUANTIFIERS * CONDITIONS };

/* Pattern `number` of those of that many variables; false: SQL refuses it. */
static bool sql_pattern(uint64_t number, uint32_t variables, char *out)
{
    uint32_t size = 0;
    bool is_symmetric = true; /* with a and b exchanged: only the one whose first letter is a */
    for (uint32_t v = 0; v < variables; v++) {
        uint32_t form = (uint32_t)(number % FORMS);
        number /= FORMS;
        const char *condition = conditions[form % CONDITIONS];
        const char *quantifier = quantifiers[form / CONDITIONS];
        if (is_symmetric && condition[0] != 0) {
            is_symmetric = false;
            if (condition[1] == 'b') {
                return false;
            }
        }
        if (v + 1 == variables && strchr(quantifier, 'g') != NULL) {
            return false;
        }
        size += (uint32_t)sprintf(out + size, "%s%c%s%s", v > 0 ? " > " : "", 'A' + (int)v,
                                  condition, quantifier);
    }
    return true;
}

static void check_sql_pattern(field *self, const char *pattern, uint32_t variables)
{
    static const feeding feedings[] = {ALL_AT_ONCE, BY_TIME};
    if (self->subject_count + 2 + 2 * variables > SUBJECTS_MAX) {
        flush(self, 2, feedings);
    }
    if (!gather(self, pattern, "skip past")) {
        return;
    }
    assert_true(gather(self, pattern, "skip next"));
    for (uint32_t v = 0; v < variables; v++) {
        char options[40];
        snprintf(options, sizeof options, "skip first %c", 'A' + (int)v);
        assert_true(gather(self, pattern, options));
        snprintf(options, sizeof options, "skip last %c", 'A' + (int)v);
        assert_true(gather(self, pattern, options));
    }
}

/* Every `stride`-th pattern. */
static void check_sql_patterns(uint32_t variables, uint32_t alphabet, uint64_t stride)
{
    static const feeding feedings[] = {ALL_AT_ONCE, BY_TIME};
    field *self = field_new();
    all_strings(self, alphabet, 6);
    uint64_t count = 1;
    for (uint32_t v = 0; v < variables; v++) {
        count *= FORMS;
    }
    for (uint64_t number = seed_of_run() % stride; number < count; number += stride) {
        char pattern[TEXT_MAX];
        if (sql_pattern(number, variables, pattern)) {
            check_sql_pattern(self, pattern, variables);
        }
    }
    flush(self, 2, feedings);
    print_message("%u variables: %llu strings compared\n", variables,
                  (unsigned long long)self->compared);
    field_free(self);
}

static void sql_patterns_of_one_variable(void **state)
{
    (void)state;
    check_sql_patterns(1, 3, 1);
}
static void sql_patterns_of_two_variables(void **state)
{
    (void)state;
    check_sql_patterns(2, 2, test_count(5, 1));
}
static void sql_patterns_of_three_variables(void **state)
{
    (void)state;
    check_sql_patterns(3, 2, test_count(307, 1));
}
static void sql_patterns_of_four_variables(void **state)
{
    (void)state;
    check_sql_patterns(4, 2, test_count(20011, 97));
}

/* ── random patterns of the API ── */

typedef struct {
    uint64_t random;
    char *out;
    uint32_t size, variables;
} writer;

static uint32_t draw(writer *self, uint32_t bound)
{
    return (uint32_t)test_draw(&self->random, bound);
}

static void put(writer *self, const char *text)
{
    self->size +=
        (uint32_t)snprintf(self->out + self->size, TEXT_MAX - 60 - self->size, "%s", text);
}

static void put_condition(writer *self)
{
    static const char *const letters[] = {"a", "b", "c", "ab", "bc", "abc", "ac", "a", "b"};
    put(self, letters[draw(self, 9)]);
    char look[40];
    if (draw(self, 5) == 0) {
        snprintf(look, sizeof look, "%c%u", "@$"[draw(self, 2)], draw(self, self->variables + 1));
        put(self, look);
    } else if (draw(self, 12) == 0) {
        snprintf(look, sizeof look, "%%%u%u", draw(self, self->variables + 1), 1 + draw(self, 3));
        put(self, look);
    }
}

static void put_quantifier(writer *self, bool is_group)
{
    static const char *const counts[] = {"",      "",      "?",     "+",    "*",   "{2}",
                                         "{1,2}", "{1,3}", "{2,3}", "{2,}", "{3}", "+"};
    static const char *const flags[] = {"", ":c", ":a", ":g", ":cg", ":o", ":co", ":go", ":cgo"};
    uint32_t which = draw(self, 12);
    put(self, counts[which]);
    if (which > 2) {
        put(self, flags[draw(self, is_group ? 3 : 9)]);
    }
    bool is_looping = strchr("+*", counts[which][0]) != NULL || which == 9;
    if (which > 2 && is_looping && draw(self, 4) == 0) {
        put(self, "~");
        put_condition(self);
    }
    char bound[40];
    if (draw(self, 12) == 0) {
        snprintf(bound, sizeof bound, which > 2 ? "<%u" : "^%u", 1 + draw(self, 4));
        put(self, bound);
    }
}

static void put_stages(writer *self, uint32_t depth)
{
    static const char *const contiguities[] = {"> ", "-> ", "=> ", "-> ", "> ", "!> ", "!-> "};
    uint32_t count = 1 + draw(self, depth == 0 ? 4 : 2);
    for (uint32_t i = 0; i < count; i++) {
        const char *contiguity = i == 0 ? "" : contiguities[draw(self, depth == 0 ? 7 : 6)];
        put(self, i > 0 ? " " : "");
        put(self, contiguity);
        if (contiguity[0] != '!' && depth < 2 && draw(self, 8) == 0) {
            put(self, "(");
            put_stages(self, depth + 1);
            put(self, ")");
            put_quantifier(self, true);
            continue;
        }
        char name[4] = {(char)('A' + (int)self->variables), 0};
        put(self, name);
        if (draw(self, 10) > 0) {
            put(self, "=");
            put_condition(self);
        }
        self->variables++;
        if (contiguity[0] != '!') {
            put_quantifier(self, false);
        }
    }
}

static void put_options(writer *self)
{
    char option[40];
    if (draw(self, 3) > 0) {
        snprintf(option, sizeof option, " within %u", 3 + draw(self, 9));
        put(self, option);
    }
    uint32_t skip = draw(self, 6);
    if (skip < 2) {
        put(self, skip == 0 ? " skip next" : " skip past");
    } else if (skip < 4) {
        snprintf(option, sizeof option, " skip %s %c", skip == 2 ? "first" : "last",
                 'A' + (int)draw(self, self->variables));
        put(self, option);
    }
}

/* Random strings with random times, the same for all keys. */
static void random_strings(field *self, writer *random)
{
    self->length = 6 + draw(random, 7);
    self->key_count = 12;
    uint32_t alphabet = 2 + draw(random, 2);
    int64_t time = 1;
    for (uint32_t i = 0; i < self->length; i++) {
        time += (int64_t[]){0, 1, 1, 1, 2, 4}[draw(random, 6)];
        self->times[i] = time;
    }
    for (uint32_t k = 0; k < self->key_count; k++) {
        for (uint32_t i = 0; i < self->length; i++) {
            self->letters[k][i] = (char)('a' + (int)draw(random, alphabet));
        }
        self->letters[k][self->length] = 0;
    }
}

static void random_patterns(void **state)
{
    (void)state;
    static const feeding feedings[] = {ROW_BY_ROW_IN_MEMORY, BY_TIME, ALL_AT_ONCE, ROW_BY_ROW};
    field *self = field_new();
    char text[TEXT_MAX];
    writer random = {.random = seed_of_run() * 1000003, .out = text};
    uint64_t rounds = test_count(40, 1000);
    for (uint64_t round = 0; round < rounds; round++) {
        random_strings(self, &random);
        for (uint32_t tries = 0; tries < 40 && self->subject_count < 12; tries++) {
            random.size = random.variables = 0;
            put_stages(&random, 0);
            put(&random, " | ");
            put_options(&random);
            char *bar = strrchr(text, '|');
            *bar = 0;
            gather(self, text, bar + 1);
        }
        flush(self, 4, feedings);
    }
    print_message("random: %llu strings compared\n", (unsigned long long)self->compared);
    field_free(self);
}

/* AFTER MATCH to a row that there is not, or to the match's first: the operator fails. */
static void random_patterns_that_must_hit(void **state)
{
    (void)state;
    field *self = field_new();
    char text[TEXT_MAX], options[40];
    writer random = {.random = seed_of_run() * 1000033, .out = text};
    uint64_t rounds = test_count(300, 4000), failures = 0;
    self->may_fail = true;
    for (uint64_t round = 0; round < rounds; round++) {
        random_strings(self, &random);
        self->key_count = 1;
        random.size = random.variables = 0;
        put_stages(&random, 0);
        snprintf(options, sizeof options, "within 9 skip %s %c must",
                 draw(&random, 2) == 0 ? "first" : "last",
                 'A' + (int)draw(&random, random.variables));
        self->code = PS_OK;
        if (gather(self, text, options)) {
            static const feeding feedings[] = {BY_TIME};
            flush(self, 1, feedings);
            bool is_known = self->subjects[0].is_known[0];
            bool has_failed = self->subjects[0].expected[0].has_failed;
            failures += has_failed;
            assert_true(!is_known || has_failed == (self->code != PS_OK));
        }
    }
    assert_true(failures > 0);
    field_free(self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sql_patterns_of_one_variable),
        cmocka_unit_test(sql_patterns_of_two_variables),
        cmocka_unit_test(sql_patterns_of_three_variables),
        cmocka_unit_test(sql_patterns_of_four_variables),
        cmocka_unit_test(random_patterns),
        cmocka_unit_test(random_patterns_that_must_hit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
