/* Prints the generated parts of docs/ as Markdown, from the tables that the program itself runs on.
 * usage: docgen NAME [COMMAND]    e.g. docgen settings, docgen help serve
 * tools/docs puts them between the marks in docs/.
 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/settings.h"
#include "docgen_streams.h"
#include "pay/effect_fields.h"
#include "pay/event.h"
#include "serve/api.h"
#include "serve/metrics.h"

enum { SECTION_SIZE_MAX = 1 << 20, FIELD_DEPTH_MAX = 4 };

/* ── settings, metrics ── */

static void settings_put(ps_buf *out)
{
    ps_serve_settings_describe(out);
}

static const char *metric_type(ps_metric_type type)
{
    switch (type) {
    case PS_METRIC_COUNTER:
        return "counter";
    case PS_METRIC_GAUGE:
        return "gauge";
    case PS_METRIC_SUMMARY:
        return "summary";
    }
    return "";
}

static void metrics_put(ps_buf *out)
{
    size_t count;
    const ps_metric *metrics = ps_metrics_table(&count);
    ps_buf_append_text(out, "| metric | type | labels | what |\n|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        ps_buf_append_format(out, "| `%s` | %s | %s | %s |\n", metrics[i].name,
                             metric_type(metrics[i].type),
                             metrics[i].labels != NULL ? metrics[i].labels : "", metrics[i].help);
    }
}

/* ── routes ── */

static const char *method_name(ps_method method)
{
    switch (method) {
    case PS_METHOD_GET:
        return "GET";
    case PS_METHOD_POST:
        return "POST";
    case PS_METHOD_DELETE:
        return "DELETE";
    }
    return "";
}

static void scopes_put(ps_buf *out, uint16_t scopes)
{
    static const struct {
        uint16_t bit;
        const char *name;
    } names[] = {{PS_SCOPE_ADMIN, "admin"},
                 {PS_SCOPE_PAYMENTS_WRITE, "payments:write"},
                 {PS_SCOPE_REFUNDS_WRITE, "refunds:write"},
                 {PS_SCOPE_LEDGER_WRITE, "ledger:write"},
                 {PS_SCOPE_RAIL_WRITE, "rail:write"},
                 {PS_SCOPE_RISK_WRITE, "risk:write"},
                 {PS_SCOPE_READ, "read"}};
    const char *separator = "";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((scopes & names[i].bit) != 0) {
            ps_buf_append_format(out, "%s%s", separator, names[i].name);
            separator = " or ";
        }
    }
    if (scopes == 0) {
        ps_buf_append_text(out, "none");
    }
}

static void routes_put(ps_buf *out)
{
    size_t count;
    const ps_route *routes = ps_routes(&count);
    ps_buf_append_text(out, "| route | scope | what | answer |\n|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        const ps_route *route = &routes[i];
        ps_buf_append_format(out, "| %s `%s`%s%s | ", method_name(route->method), route->pattern,
                             route->needs_idempotency_key ? " ●" : "",
                             route->test_mode_only ? " ᵗ" : "");
        scopes_put(out, route->scopes);
        ps_buf_append_format(out, " | %s | %u %s |\n", route->summary, route->success_status,
                             route->reply);
    }
}

static void words_put(ps_buf *out, const ps_field *field)
{
    for (size_t i = 0; field->words[i] != NULL; i++) {
        ps_buf_append_format(out, "%s`%s`", i > 0 ? ", " : "", field->words[i]);
    }
}

static void field_type_put(ps_buf *out, const ps_field *field)
{
    switch (field->type) {
    case PS_FIELD_TEXT:
        ps_buf_append_format(out, "text, ≤ %u bytes", field->size_max);
        return;
    case PS_FIELD_NAME:
        ps_buf_append_format(out, "name, ≤ %u", field->size_max);
        return;
    case PS_FIELD_ID:
        ps_buf_append_text(out, "id ");
        words_put(out, field);
        return;
    case PS_FIELD_AMOUNT:
    case PS_FIELD_INTEGER:
        if (field->max == INT64_MAX) {
            ps_buf_append_format(out, "integer ≥ %lld", (long long)field->min);
        } else {
            ps_buf_append_format(out, "integer, %lld … %lld", (long long)field->min,
                                 (long long)field->max);
        }
        return;
    case PS_FIELD_BOOL:
        ps_buf_append_text(out, "true or false");
        return;
    case PS_FIELD_CURRENCY:
        ps_buf_append_text(out, "currency");
        return;
    case PS_FIELD_ENUM:
        ps_buf_append_text(out, "one of ");
        words_put(out, field);
        return;
    case PS_FIELD_ENUM_LIST:
        ps_buf_append_text(out, "list of ");
        words_put(out, field);
        return;
    case PS_FIELD_OBJECT:
        ps_buf_append_text(out, "object");
        return;
    case PS_FIELD_MAP:
        ps_buf_append_text(out, "text → text");
        return;
    case PS_FIELD_ANY:
        ps_buf_append_format(out, "any JSON, ≤ %u bytes", field->size_max);
        return;
    case PS_FIELD_TIME:
        ps_buf_append_text(out, "time");
        return;
    case PS_FIELD_DIGITS:
        ps_buf_append_format(out, "%lld to %lld digits", (long long)field->min,
                             (long long)field->max);
        return;
    case PS_FIELD_MONTH:
        ps_buf_append_text(out, "month, `YYYY-MM`");
        return;
    case PS_FIELD_CURSOR:
        ps_buf_append_text(out, "cursor");
        return;
    }
}

/* Recursion is bounded by the table's own depth: objects within a body. */
static void fields_put(ps_buf *out, const ps_field *fields, const char *prefix, int depth)
{
    PS_ASSERT(depth < FIELD_DEPTH_MAX);
    for (const ps_field *field = fields; field->name != NULL; field++) {
        ps_buf_append_format(out, "| `%s%s`%s | ", prefix, field->name,
                             field->required ? " ✱" : "");
        field_type_put(out, field);
        ps_buf_append_format(out, " | %s |\n", field->description);
        if (field->type == PS_FIELD_OBJECT) {
            char inner[128];
            snprintf(inner, sizeof inner, "%s%s.", prefix, field->name);
            fields_put(out, field->fields, inner, depth + 1);
        }
    }
}

static void fields_of_routes_put(ps_buf *out, bool is_query)
{
    size_t count;
    const ps_route *routes = ps_routes(&count);
    for (size_t i = 0; i < count; i++) {
        const ps_field *fields = is_query ? routes[i].parameters : routes[i].body;
        if (fields == NULL) {
            continue;
        }
        ps_buf_append_format(out, "\n**%s `%s`**\n\n| field | form | what |\n|---|---|---|\n",
                             method_name(routes[i].method), routes[i].pattern);
        fields_put(out, fields, "", 0);
    }
}

static void bodies_put(ps_buf *out)
{
    fields_of_routes_put(out, false);
}

static void parameters_put(ps_buf *out)
{
    fields_of_routes_put(out, true);
}

/* ── words of the domain ── */

static void refusals_put(ps_buf *out)
{
    ps_buf_append_text(out, "| status | code | param | kept | message |\n|---|---|---|---|---|\n");
    for (int i = PS_REFUSED_NONE + 1; i < PS_REFUSED_COUNT; i++) {
        const ps_refusal_text *text = ps_refusal_describe((ps_refusal)i);
        ps_buf_append_format(out, "| %u | `%s` | %s | %s | %s |\n", text->http_status, text->code,
                             text->param != NULL ? text->param : "", text->stored ? "yes" : "no",
                             text->message);
    }
}

static void declines_put(ps_buf *out)
{
    ps_buf_append_text(out, "| decline_code | advice | message |\n|---|---|---|\n");
    for (int i = PS_DECLINE_NONE + 1; i < PS_DECLINE_COUNT; i++) {
        const ps_decline_text *text = ps_decline_describe((ps_decline)i);
        ps_buf_append_format(out, "| `%s` | %s | %s |\n", text->code, text->advice, text->message);
    }
}

static void statuses_put(ps_buf *out)
{
    ps_buf_append_text(out, "| status | may become |\n|---|---|\n");
    for (int i = PS_STATUS_CREATED; i < PS_STATUS_COUNT; i++) {
        const ps_status *next = ps_status_allowed((ps_status)i);
        ps_buf_append_format(out, "| `%s` | ", ps_status_name((ps_status)i));
        for (const ps_status *at = next; *at != 0; at++) {
            ps_buf_append_format(out, "%s`%s`", at != next ? ", " : "", ps_status_name(*at));
        }
        ps_buf_append_text(out, *next == 0 ? "nothing: it is final |\n" : " |\n");
    }
}

static void events_put(ps_buf *out)
{
    ps_buf_append_text(out, "| number | event |\n|---|---|\n");
    for (int i = PS_EVENT_NONE + 1; i < PS_EVENT_COUNT; i++) {
        ps_buf_append_format(out, "| %d | `%s` |\n", i, ps_event_name((ps_event_type)i));
    }
}

/* ── formats ── */

static const char *show_name(ps_show show)
{
    switch (show) {
    case PS_SHOW_U8:
        return "u8";
    case PS_SHOW_U16:
        return "u16";
    case PS_SHOW_U32:
        return "u32";
    case PS_SHOW_U64:
        return "u64";
    case PS_SHOW_I64:
        return "i64";
    case PS_SHOW_NUMBER32:
        return "u32, 0xffffffff: none";
    case PS_SHOW_TIME:
        return "i64 ns, 0: none";
    case PS_SHOW_U128:
        return "u128, high then low";
    case PS_SHOW_CURRENCY:
        return "u16 currency";
    case PS_SHOW_NAME:
        return "u8 word";
    case PS_SHOW_TEXT:
        return "zero-padded text";
    case PS_SHOW_HIDDEN:
        return "not shown by `dump`";
    }
    return "";
}

static void effects_put(ps_buf *out)
{
    for (int i = 1; i < PS_EFFECT_COUNT; i++) {
        const ps_effect_description *effect = ps_effect_describe((ps_effect_type)i);
        ps_buf_append_format(out, "\n**Effect %d: %s**, %u bytes%s\n", i, effect->name,
                             effect->size,
                             effect->fields == NULL ? ", then its texts (above)" : "");
        if (effect->fields == NULL) {
            continue;
        }
        ps_buf_append_text(out, "\n| offset | size | field | form |\n|---|---|---|---|\n");
        for (const ps_effect_field *field = effect->fields; field->name != NULL; field++) {
            ps_buf_append_format(out, "| %u | %u | `%s` | %s |\n", field->offset, field->size,
                                 field->name, show_name(field->show));
        }
    }
}

static void texts_put(ps_buf *out)
{
    ps_buf_append_text(out, "| number | text |\n|---|---|\n");
    for (int i = 1; i < PS_TEXT_FIELD_COUNT; i++) {
        ps_buf_append_format(out, "| %d | `%s` |\n", i, ps_text_field_name((ps_text_field)i));
    }
}

static void commands_put(ps_buf *out)
{
    ps_buf_append_text(out, "| number | command |\n|---|---|\n");
    for (int i = 1; i < PS_CMD_COUNT; i++) {
        ps_buf_append_format(out, "| %d | `%s` |\n", i, ps_command_name((ps_command_kind)i));
    }
}

/* ── the program ── */

static int help_print(const char *command)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } commands[] = {{"init", ps_cmd_init},      {"serve", ps_cmd_serve},     {"load", ps_cmd_load},
                    {"verify", ps_cmd_verify},  {"dump", ps_cmd_dump},       {"run", ps_cmd_run},
                    {"sql", ps_cmd_sql},        {"explain", ps_cmd_explain}, {"lint", ps_cmd_lint},
                    {"version", ps_cmd_version}};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, command) == 0) {
            char name[16], help[] = "--help";
            char *arguments[] = {name, help, NULL};
            snprintf(name, sizeof name, "%s", command);
            printf("```\n");
            int exit_code = commands[i].run(2, arguments);
            printf("```\n");
            return exit_code;
        }
    }
    fprintf(stderr, "docgen: there is no command %s\n", command);
    return PS_EXIT_USAGE;
}

static const struct {
    const char *name;
    void (*put)(ps_buf *out);
} sections[] = {
    {"settings", settings_put},
    {"metrics", metrics_put},
    {"routes", routes_put},
    {"bodies", bodies_put},
    {"parameters", parameters_put},
    {"refusals", refusals_put},
    {"declines", declines_put},
    {"statuses", statuses_put},
    {"events", events_put},
    {"effects", effects_put},
    {"texts", texts_put},
    {"commands", commands_put},
    {"connectors", docgen_connectors_put},
    {"formats", docgen_formats_put},
    {"journal_tables", docgen_journal_tables_put},
    {"functions", docgen_functions_put},
    {"aggregates", docgen_aggregates_put},
    {"sql_settings", docgen_sql_settings_put},
    {"reserved_words", docgen_reserved_words_put},
};

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "help") == 0) {
        return help_print(argv[2]);
    }
    for (size_t i = 0; argc == 2 && i < sizeof sections / sizeof sections[0]; i++) {
        if (strcmp(sections[i].name, argv[1]) == 0) {
            ps_buf out;
            ps_buf_init(&out, SECTION_SIZE_MAX);
            sections[i].put(&out);
            PS_ASSERT(!out.failed);
            fwrite(out.data, 1, out.size, stdout);
            ps_buf_release(&out);
            return PS_EXIT_DONE;
        }
    }
    fprintf(stderr, "usage: docgen NAME, or docgen help COMMAND; names:");
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        fprintf(stderr, " %s", sections[i].name);
    }
    fprintf(stderr, "\n");
    return PS_EXIT_USAGE;
}
