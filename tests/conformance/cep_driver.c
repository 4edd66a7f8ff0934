/* Feeds one conformance case of schema cep/1 to a ps_sequence and prints what comes out, as JSON:
 *
 *     {"matches": [{"at": 2, "on": "event", "match": {"a": [0, 2]}}, …],
 *      "timeouts": [{"at": 4, "timeout_ts": 11, "match": {…}}, …], "error": null | "text"}
 *
 * usage: cep_driver < case.json      Only the public interface is used. */
#include <jansson.h>
#include <math.h>
#include <paystream/paystream.h>
#include <stdlib.h>
#include <string.h>

enum { SEQ, NAME, PRICE, VOLUME };
enum { STAGES_MAX = 64 };

typedef struct driver driver;

/* A condition of the case; `user` of its function. */
typedef struct condition condition;
struct condition {
    const driver *of;
    const json_t *json;
    condition *next; /* all of them, to be freed */
};

struct driver {
    ps_pattern *pattern;
    uint32_t stage_count;
    const char *stages[STAGES_MAX];
    condition *conditions;
    size_t at; /* the event being fed */
    bool is_advance;
    json_t *matches, *timeouts;
};

static void stop(const char *what, const json_t *json)
{
    char *text = json != NULL ? json_dumps(json, JSON_ENCODE_ANY) : NULL;
    fprintf(stderr, "cep_driver: %s: %s\n", what, text != NULL ? text : "");
    exit(2);
}

/* ── conditions ── */

static uint32_t stage_named(const driver *self, const char *name)
{
    for (uint32_t i = 0; i < self->stage_count; i++) {
        if (strcmp(self->stages[i], name) == 0) {
            return i;
        }
    }
    stop("no stage of that name", json_string(name));
    return 0;
}

static double field(const ps_row *row, const char *name)
{
    uint32_t column = ps_row_find(row, name);
    return ps_row_is_null(row, column) ? NAN : ps_row_f64(row, column);
}

static double matched_field(const ps_row *row, const json_t *number)
{
    return row != NULL ? field(row, json_string_value(json_object_get(number, "of"))) : NAN;
}

static double sum(const driver *self, const json_t *number, const ps_matched *before)
{
    uint32_t stage = stage_named(self, json_string_value(json_object_get(number, "sum")));
    double total = 0;
    for (uint32_t i = 0; i < ps_matched_count(before, stage); i++) {
        total += matched_field(ps_matched_row(before, stage, i), number);
    }
    return total;
}

/* Recursion: as deep as the case's JSON. */
static double number_of(const driver *self, const json_t *number, const ps_row *row,
                        const ps_matched *before)
{
    if (json_is_number(number)) {
        return json_number_value(number);
    }
    const json_t *of;
    if ((of = json_object_get(number, "field")) != NULL) {
        return field(row, json_string_value(of));
    }
    if (json_object_get(number, "sum") != NULL) {
        return sum(self, number, before);
    }
    if ((of = json_object_get(number, "first")) != NULL) {
        return matched_field(ps_matched_row(before, stage_named(self, json_string_value(of)), 0),
                             number);
    }
    if ((of = json_object_get(number, "last")) != NULL) {
        return matched_field(ps_matched_last(before, stage_named(self, json_string_value(of)), 0),
                             number);
    }
    if ((of = json_object_get(number, "nth_last")) != NULL) {
        uint32_t stage = stage_named(self, json_string_value(json_array_get(of, 0)));
        uint32_t back = (uint32_t)json_integer_value(json_array_get(of, 1));
        return matched_field(ps_matched_last(before, stage, back), number);
    }
    if ((of = json_object_get(number, "count")) != NULL) {
        return ps_matched_count(before, stage_named(self, json_string_value(of)));
    }
    double total = 0;
    of = json_object_get(number, "add");
    if (of == NULL) {
        stop("no such number", number);
    }
    for (size_t i = 0; i < json_array_size(of); i++) {
        total += number_of(self, json_array_get(of, i), row, before);
    }
    return total;
}

static bool compares(const char *operator, double left, double right)
{
    switch (operator[0]) {
    case '<':
        return operator[1] == '=' ? left <= right : left<right;
    case '>':
        return operator[1] == '=' ? left >= right : left> right;
    default:
        return left == right;
    }
}

static bool name_is(const ps_row *row, const json_t *json, const char **out_part)
{
    static const char *const kinds[] = {"name_eq", "name_contains", "name_starts"};
    for (size_t i = 0; i < 3; i++) {
        const json_t *part = json_object_get(json, kinds[i]);
        if (part == NULL) {
            continue;
        }
        *out_part = json_string_value(part);
        ps_text name = ps_row_text(row, NAME);
        size_t size = strlen(*out_part);
        return i == 0   ? name.size == size && memcmp(name.data, *out_part, size) == 0
               : i == 1 ? memmem(name.data, name.size, *out_part, size) != NULL
                        : name.size >= size && memcmp(name.data, *out_part, size) == 0;
    }
    return false;
}

/* Recursion: as deep as the case's JSON. */
static bool holds(const driver *self, const json_t *json, const ps_row *row,
                  const ps_matched *before)
{
    const json_t *of;
    const char *part = NULL;
    bool is_name = name_is(row, json, &part);
    if (part != NULL) {
        return is_name;
    }
    if ((of = json_object_get(json, "has_field")) != NULL) {
        return !ps_row_is_null(row, ps_row_find(row, json_string_value(of)));
    }
    if ((of = json_object_get(json, "cmp")) != NULL) {
        return compares(json_string_value(of),
                        number_of(self, json_object_get(json, "l"), row, before),
                        number_of(self, json_object_get(json, "r"), row, before));
    }
    if (json_object_get(json, "true") != NULL) {
        return true;
    }
    if ((of = json_object_get(json, "not")) != NULL) {
        return !holds(self, of, row, before);
    }
    bool is_and = json_object_get(json, "and") != NULL;
    of = json_object_get(json, is_and ? "and" : "or");
    if (of == NULL) {
        stop("no such condition", json);
    }
    bool result = is_and;
    for (size_t i = 0; i < json_array_size(of) && result == is_and; i++) {
        result = holds(self, json_array_get(of, i), row, before);
    }
    return result;
}

static bool ask_row(void *user, const ps_row *row)
{
    const condition *asked = user;
    return holds(asked->of, asked->json, row, NULL);
}

static bool ask_matched(void *user, const ps_row *row, const ps_matched *before)
{
    const condition *asked = user;
    return holds(asked->of, asked->json, row, before);
}

/* It asks for rows that were matched before. */
static bool looks_back(const json_t *json)
{
    char *text = json_dumps(json, JSON_ENCODE_ANY);
    static const char *const words[] = {"\"sum\"", "\"first\"", "\"last\"", "\"nth_last\"",
                                        "\"count\""};
    bool does = false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        does = does || strstr(text, words[i]) != NULL;
    }
    free(text);
    return does;
}

static condition *condition_of(driver *self, const json_t *json)
{
    condition *made = malloc(sizeof *made);
    if (made == NULL) {
        stop("no memory", NULL);
    }
    *made = (condition){self, json, self->conditions};
    self->conditions = made;
    return made;
}

/* ── the pattern ── */

static void add_quantifier(driver *self, const json_t *quantifier)
{
    ps_pattern *pattern = self->pattern;
    const json_t *min = json_object_get(quantifier, "min");
    const json_t *max = json_object_get(quantifier, "max");
    if (json_is_integer(min) && json_is_integer(max)) {
        ps_pattern_times_range(pattern, (uint32_t)json_integer_value(min),
                               (uint32_t)json_integer_value(max));
    } else if (json_is_integer(min)) {
        ps_pattern_times_or_more(pattern, (uint32_t)json_integer_value(min));
    }
    const char *inner = json_string_value(json_object_get(quantifier, "inner"));
    if (inner != NULL && strcmp(inner, "consecutive") == 0) {
        ps_pattern_consecutive(pattern);
    } else if (inner != NULL && strcmp(inner, "combinations") == 0) {
        ps_pattern_allow_combinations(pattern);
    }
    if (json_is_true(json_object_get(quantifier, "optional"))) {
        ps_pattern_optional(pattern);
    }
    if (json_is_true(json_object_get(quantifier, "greedy"))) {
        ps_pattern_greedy(pattern);
    }
    const json_t *until = json_object_get(quantifier, "until");
    if (json_is_object(until) && looks_back(until)) {
        ps_pattern_until_matched(pattern, ask_matched, condition_of(self, until));
    } else if (json_is_object(until)) {
        ps_pattern_until(pattern, ask_row, condition_of(self, until));
    }
    const json_t *within = json_object_get(quantifier, "times_within_ms");
    if (json_is_integer(within)) {
        ps_pattern_times_within(pattern, json_integer_value(within));
    }
}

typedef struct {
    const char *name;
    uint32_t (*stage)(ps_pattern *pattern, const char *name);
    void (*group)(ps_pattern *pattern);
} contiguity;

static const contiguity *contiguity_of(const json_t *stage)
{
    static const contiguity all[] = {
        {"begin", ps_pattern_begin, ps_pattern_begin_group},
        {"next", ps_pattern_next, ps_pattern_next_group},
        {"followedBy", ps_pattern_followed_by, ps_pattern_followed_by_group},
        {"followedByAny", ps_pattern_followed_by_any, ps_pattern_followed_by_any_group},
        {"notNext", ps_pattern_not_next, NULL},
        {"notFollowedBy", ps_pattern_not_followed_by, NULL},
    };
    const char *name = json_string_value(json_object_get(stage, "contiguity"));
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(all[i].name, name) == 0) {
            return &all[i];
        }
    }
    stop("no such contiguity", stage);
    return NULL;
}

/* Recursion: as deep as the case's groups. */
static void add_stages(driver *self, const json_t *stages)
{
    for (size_t i = 0; i < json_array_size(stages); i++) {
        const json_t *stage = json_array_get(stages, i);
        const contiguity *how = contiguity_of(stage);
        const json_t *group = json_object_get(stage, "group");
        if (group != NULL) {
            how->group(self->pattern);
            add_stages(self, group);
            ps_pattern_end_group(self->pattern);
        } else {
            const char *name = json_string_value(json_object_get(stage, "var"));
            self->stages[self->stage_count++] = name;
            how->stage(self->pattern, name);
        }
        const json_t *where = json_object_get(stage, "where");
        if (where != NULL && looks_back(where)) {
            ps_pattern_where_matched(self->pattern, ask_matched, condition_of(self, where));
        } else if (where != NULL) {
            ps_pattern_where(self->pattern, ask_row, condition_of(self, where));
        }
        add_quantifier(self, json_object_get(stage, "quantifier"));
        const json_t *within = json_object_get(stage, "within_ms");
        if (json_is_integer(within)) {
            ps_pattern_within(self->pattern, json_integer_value(within));
        }
        within = json_object_get(stage, "within_prev_ms");
        if (json_is_integer(within)) {
            ps_pattern_within_previous(self->pattern, json_integer_value(within));
        }
    }
}

static void set_skip(driver *self, const json_t *skip)
{
    const char *strategy = json_string_value(json_object_get(skip, "strategy"));
    const char *stage = json_string_value(json_object_get(skip, "var"));
    bool must_hit = json_is_true(json_object_get(skip, "throw_if_missing"));
    if (strcmp(strategy, "skip_to_first") == 0) {
        ps_pattern_skip_to(self->pattern, PS_SKIP_TO_FIRST_OF, stage, must_hit);
    } else if (strcmp(strategy, "skip_to_last") == 0) {
        ps_pattern_skip_to(self->pattern, PS_SKIP_TO_LAST_OF, stage, must_hit);
    } else if (strcmp(strategy, "skip_to_next") == 0) {
        ps_pattern_skip(self->pattern, PS_SKIP_TO_NEXT);
    } else if (strcmp(strategy, "skip_past_last_event") == 0) {
        ps_pattern_skip(self->pattern, PS_SKIP_PAST_LAST);
    } else if (strcmp(strategy, "no_skip") != 0) {
        stop("no such skip strategy", skip);
    }
}

/* ── feeding ── */

static json_t *match_json(const driver *self, const ps_matched *match)
{
    json_t *stages = json_object();
    for (uint32_t stage = 0; stage < self->stage_count; stage++) {
        json_t *rows = json_array();
        const ps_row *row;
        for (uint32_t i = 0; (row = ps_matched_row(match, stage, i)) != NULL; i++) {
            json_array_append_new(rows, json_integer(ps_row_i64(row, SEQ)));
        }
        if (json_array_size(rows) > 0) {
            json_object_set(stages, self->stages[stage], rows);
        }
        json_decref(rows);
    }
    return stages;
}

static void on_match(void *user, const ps_matched *match)
{
    driver *self = user;
    json_array_append_new(self->matches, json_pack("{s:I, s:s, s:o}", "at", (json_int_t)self->at,
                                                   "on", self->is_advance ? "advance" : "event",
                                                   "match", match_json(self, match)));
}

static void on_timeout(void *user, const ps_matched *match)
{
    driver *self = user;
    json_array_append_new(self->timeouts,
                          json_pack("{s:I, s:I, s:o}", "at", (json_int_t)self->at, "timeout_ts",
                                    (json_int_t)ps_matched_timeout_ms(match), "match",
                                    match_json(self, match)));
}

static bool advance(driver *self, ps_sequence *sequence, int64_t time_ms, ps_failure *failure)
{
    self->is_advance = true;
    bool done = ps_sequence_advance(sequence, time_ms, failure);
    self->is_advance = false;
    return done;
}

static void set_row(ps_out *row, const json_t *event)
{
    const char *name = json_string_value(json_object_get(event, "name"));
    ps_out_i64(row, SEQ, json_integer_value(json_object_get(event, "seq")));
    ps_out_text(row, NAME, (ps_text){name, strlen(name)});
    ps_out_f64(row, PRICE, json_number_value(json_object_get(event, "price")));
    if (json_object_get(event, "volume") != NULL) {
        ps_out_f64(row, VOLUME, json_number_value(json_object_get(event, "volume")));
    }
}

static bool feed(driver *self, ps_sequence *sequence, const json_t *given, ps_failure *failure)
{
    const json_t *events = json_object_get(given, "events");
    bool advances = !json_is_true(json_object_get(given, "no_advance"));
    for (self->at = 0; self->at < json_array_size(events); self->at++) {
        const json_t *event = json_array_get(events, self->at);
        int64_t time_ms = json_integer_value(json_object_get(event, "ts"));
        if (advances && !advance(self, sequence, time_ms, failure)) {
            return false;
        }
        set_row(ps_sequence_row(sequence), event);
        if (!ps_sequence_process(sequence, time_ms, failure)) {
            return false;
        }
    }
    const json_t *last = json_object_get(given, "final_watermark");
    return last == NULL || advance(self, sequence, json_integer_value(last), failure);
}

int main(void)
{
    json_error_t error;
    json_t *given = json_loadf(stdin, 0, &error);
    if (given == NULL) {
        fprintf(stderr, "cep_driver: %s\n", error.text);
        return 2;
    }
    driver self = {.pattern = ps_pattern_new(), .matches = json_array(), .timeouts = json_array()};
    add_stages(&self, json_object_get(given, "pattern"));
    set_skip(&self, json_object_get(given, "skip"));
    bool with_timeouts = json_is_true(json_object_get(given, "emit_timeouts"));
    const ps_sequence_functions functions = {
        .on_match = on_match, .on_timeout = with_timeouts ? on_timeout : NULL, .user = &self};
    ps_failure failure = {0};
    ps_sequence *sequence =
        ps_sequence_new(self.pattern,
                        PS_COLUMNS({"seq", PS_COLUMN_I64}, {"name", PS_COLUMN_TEXT},
                                   {"price", PS_COLUMN_F64}, {"volume", PS_COLUMN_F64}),
                        &functions, &failure);
    bool done = sequence != NULL && feed(&self, sequence, given, &failure);
    json_t *result =
        json_pack("{s:o, s:o, s:o}", "matches", self.matches, "timeouts", self.timeouts, "error",
                  done ? json_null() : json_string(failure.text));
    json_dumpf(result, stdout, JSON_COMPACT);
    json_decref(result);
    ps_sequence_free(sequence);
    ps_pattern_free(self.pattern);
    for (condition *at = self.conditions, *next; at != NULL; at = next) {
        next = at->next;
        free(at);
    }
    json_decref(given);
    return 0;
}
