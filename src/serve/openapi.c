#include "serve/openapi.h"

#include <stdio.h>

#include "serve/openapi_schema.h"
#include "serve/route.h"

#define NAME_PATTERN "[A-Za-z0-9_.:-]"

/* ── schemas of fields ── */

/* Optional members of a body may be null, which is as if they were left out. */
static void type_write(ps_json_writer *writer, const char *type, bool is_nullable)
{
    ps_json_key(writer, "type");
    if (!is_nullable) {
        ps_json_text(writer, type);
        return;
    }
    ps_json_array_begin(writer);
    ps_json_text(writer, type);
    ps_json_text(writer, "null");
    ps_json_array_end(writer);
}

static void words_write(ps_json_writer *writer, const char *const *words, bool is_nullable)
{
    ps_json_key(writer, "enum");
    ps_json_array_begin(writer);
    for (size_t i = 0; words[i] != NULL; i++) {
        ps_json_text(writer, words[i]);
    }
    if (is_nullable) {
        ps_json_null(writer);
    }
    ps_json_array_end(writer);
}

/* ^prefix[class]{min,max}$ */
static void pattern_write(ps_json_writer *writer, const char *prefix, const char *class,
                          int64_t min, int64_t max)
{
    char pattern[120];
    (void)snprintf(pattern, sizeof pattern, "^%s%s{%d,%d}$", prefix, class, (int)min, (int)max);
    ps_json_member_text(writer, "pattern", pattern);
}

static void map_write(ps_json_writer *writer)
{
    ps_json_member_i64(writer, "maxProperties", PS_METADATA_KEYS_MAX);
    ps_json_key(writer, "propertyNames");
    ps_json_object_begin(writer);
    ps_json_member_i64(writer, "minLength", 1);
    ps_json_member_i64(writer, "maxLength", PS_METADATA_KEY_MAX);
    ps_json_object_end(writer);
    ps_json_key(writer, "additionalProperties");
    ps_json_object_begin(writer);
    ps_json_member_text(writer, "type", "string");
    ps_json_member_i64(writer, "maxLength", PS_METADATA_VALUE_MAX);
    ps_json_object_end(writer);
}

/* Members of a schema but for OBJECT's, which has fields of its own. */
static void text_schema_write(ps_json_writer *writer, const ps_field *field, bool is_nullable)
{
    type_write(writer, "string", is_nullable);
    switch (field->type) {
    case PS_FIELD_TEXT:
        ps_json_member_i64(writer, "minLength", is_nullable ? 0 : 1);
        ps_json_member_i64(writer, "maxLength", field->size_max);
        return;
    case PS_FIELD_NAME:
        ps_json_member_i64(writer, "minLength", 1);
        ps_json_member_i64(writer, "maxLength", field->size_max);
        ps_json_member_text(writer, "pattern", "^" NAME_PATTERN "+$");
        return;
    case PS_FIELD_ID:
        pattern_write(writer, field->words[0], NAME_PATTERN, 1, 40);
        return;
    case PS_FIELD_DIGITS:
        pattern_write(writer, "", "[0-9]", field->min, field->max);
        return;
    case PS_FIELD_MONTH:
        ps_json_member_text(writer, "pattern", "^[0-9]{4}-(0[1-9]|1[0-2])$");
        return;
    case PS_FIELD_TIME:
        ps_json_member_text(writer, "format", "date-time");
        return;
    case PS_FIELD_ENUM:
        words_write(writer, field->words, is_nullable);
        return;
    case PS_FIELD_CURSOR:
    case PS_FIELD_CURRENCY:
    case PS_FIELD_AMOUNT:
    case PS_FIELD_INTEGER:
    case PS_FIELD_BOOL:
    case PS_FIELD_ENUM_LIST:
    case PS_FIELD_OBJECT:
    case PS_FIELD_MAP:
    case PS_FIELD_ANY:
        return;
    }
}

static void currency_write(ps_json_writer *writer, bool is_nullable)
{
    ps_slice reference = PS_SLICE("{\"$ref\":\"#/components/schemas/currency\"}");
    ps_json_key(writer, is_nullable ? "anyOf" : "allOf");
    ps_json_array_begin(writer);
    ps_json_raw(writer, reference);
    if (is_nullable) {
        ps_json_raw(writer, PS_SLICE("{\"type\":\"null\"}"));
    }
    ps_json_array_end(writer);
}

static void plain_schema_write(ps_json_writer *writer, const ps_field *field, bool is_nullable)
{
    switch (field->type) {
    case PS_FIELD_AMOUNT:
    case PS_FIELD_INTEGER:
        type_write(writer, "integer", is_nullable);
        ps_json_member_text(writer, "format", "int64");
        ps_json_member_i64(writer, "minimum", field->min);
        ps_json_member_i64(writer, "maximum", field->max);
        return;
    case PS_FIELD_BOOL:
        type_write(writer, "boolean", is_nullable);
        return;
    case PS_FIELD_CURRENCY:
        currency_write(writer, is_nullable);
        return;
    case PS_FIELD_ENUM_LIST:
        type_write(writer, "array", is_nullable);
        ps_json_member_bool(writer, "uniqueItems", true);
        ps_json_member_i64(writer, "minItems", field->required ? 1 : 0);
        ps_json_key(writer, "items");
        ps_json_object_begin(writer);
        words_write(writer, field->words, false);
        ps_json_object_end(writer);
        return;
    case PS_FIELD_MAP:
        type_write(writer, "object", is_nullable);
        map_write(writer);
        return;
    case PS_FIELD_ANY:
    case PS_FIELD_OBJECT:
        return;
    case PS_FIELD_TEXT:
    case PS_FIELD_NAME:
    case PS_FIELD_ID:
    case PS_FIELD_ENUM:
    case PS_FIELD_TIME:
    case PS_FIELD_DIGITS:
    case PS_FIELD_MONTH:
    case PS_FIELD_CURSOR:
        text_schema_write(writer, field, is_nullable);
        return;
    }
}

static void required_write(ps_json_writer *writer, const ps_field *fields)
{
    ps_json_key(writer, "required");
    ps_json_array_begin(writer);
    for (const ps_field *field = fields; field != NULL && field->name != NULL; field++) {
        if (field->required) {
            ps_json_text(writer, field->name);
        }
    }
    ps_json_array_end(writer);
}

/* The members of one field's schema in a body; an OBJECT's own fields are never OBJECTs again. */
static void inner_schema_write(ps_json_writer *writer, const ps_field *field)
{
    ps_json_key(writer, field->name);
    ps_json_object_begin(writer);
    ps_json_member_text(writer, "description", field->description);
    plain_schema_write(writer, field, !field->required);
    ps_json_object_end(writer);
}

static void field_schema_write(ps_json_writer *writer, const ps_field *field)
{
    if (field->type != PS_FIELD_OBJECT) {
        inner_schema_write(writer, field);
        return;
    }
    ps_json_key(writer, field->name);
    ps_json_object_begin(writer);
    ps_json_member_text(writer, "description", field->description);
    type_write(writer, "object", !field->required);
    ps_json_member_bool(writer, "additionalProperties", false);
    required_write(writer, field->fields);
    ps_json_key(writer, "properties");
    ps_json_object_begin(writer);
    for (const ps_field *inner = field->fields; inner->name != NULL; inner++) {
        inner_schema_write(writer, inner);
    }
    ps_json_object_end(writer);
    ps_json_object_end(writer);
}

/* ── requests ── */

static bool has_required(const ps_field *fields)
{
    for (const ps_field *field = fields; field != NULL && field->name != NULL; field++) {
        if (field->required) {
            return true;
        }
    }
    return false;
}

static void body_schema_write(ps_json_writer *writer, const ps_field *fields)
{
    ps_json_object_begin(writer);
    ps_json_member_text(writer, "type", "object");
    ps_json_member_bool(writer, "additionalProperties", false);
    required_write(writer, fields);
    ps_json_key(writer, "properties");
    ps_json_object_begin(writer);
    for (const ps_field *field = fields; field != NULL && field->name != NULL; field++) {
        field_schema_write(writer, field);
    }
    ps_json_object_end(writer);
    ps_json_object_end(writer);
}

static void request_body_write(ps_json_writer *writer, const ps_route *route)
{
    bool is_batch = route->kind == PS_ROUTE_BATCH;
    if (route->method != PS_METHOD_POST) {
        return;
    }
    ps_json_key(writer, "requestBody");
    ps_json_object_begin(writer);
    ps_json_member_bool(writer, "required", is_batch || has_required(route->body));
    ps_json_key(writer, "content");
    ps_json_object_begin(writer);
    ps_json_key(writer, is_batch ? "application/x-ndjson" : "application/json");
    ps_json_object_begin(writer);
    ps_json_key(writer, "schema");
    if (is_batch) {
        ps_json_raw(writer,
                    PS_SLICE("{\"type\":\"string\",\"description\":\"One object a line: op, "
                             "key, payment or transfer where the path has an id, and the "
                             "fields of the single route.\"}"));
    } else {
        body_schema_write(writer, route->body);
    }
    ps_json_object_end(writer);
    ps_json_object_end(writer);
    ps_json_object_end(writer);
}

static void parameter_begin(ps_json_writer *writer, ps_slice name, const char *in, bool required,
                            const char *description)
{
    ps_json_object_begin(writer);
    ps_json_key(writer, "name");
    ps_json_string(writer, name);
    ps_json_member_text(writer, "in", in);
    ps_json_member_bool(writer, "required", required);
    ps_json_member_text(writer, "description", description);
}

static void query_parameter_write(ps_json_writer *writer, const ps_field *field)
{
    parameter_begin(writer, ps_slice_text(field->name), "query", field->required,
                    field->description);
    if (field->type == PS_FIELD_MAP) {
        ps_json_member_text(writer, "style", "deepObject");
        ps_json_member_bool(writer, "explode", true);
    }
    ps_json_key(writer, "schema");
    ps_json_object_begin(writer);
    plain_schema_write(writer, field, false);
    ps_json_object_end(writer);
    ps_json_object_end(writer);
}

static void parameters_write(ps_json_writer *writer, const ps_route *route)
{
    const char *open = strchr(route->pattern, '{');
    ps_json_key(writer, "parameters");
    ps_json_array_begin(writer);
    if (open != NULL) {
        const char *close = strchr(open, '}');
        parameter_begin(writer, ps_slice_of(open + 1, (size_t)(close - open) - 1), "path", true,
                        "Of what is meant.");
        ps_json_key(writer, "schema");
        ps_json_raw(writer, PS_SLICE("{\"type\":\"string\",\"minLength\":1,\"maxLength\":96,"
                                     "\"pattern\":\"^" NAME_PATTERN "+$\"}"));
        ps_json_object_end(writer);
    }
    if (route->needs_idempotency_key) {
        ps_json_raw(writer, PS_SLICE("{\"$ref\":\"#/components/parameters/idempotency_key\"}"));
    }
    if (route->kind == PS_ROUTE_STREAM) {
        ps_json_raw(writer, PS_SLICE("{\"$ref\":\"#/components/parameters/last_event_id\"}"));
    }
    for (const ps_field *field = route->parameters; field != NULL && field->name != NULL; field++) {
        query_parameter_write(writer, field);
    }
    ps_json_array_end(writer);
}

/* ── replies ── */

static const char *media_type(ps_route_kind kind)
{
    switch (kind) {
    case PS_ROUTE_BATCH:
        return "application/x-ndjson";
    case PS_ROUTE_STREAM:
        return "text/event-stream";
    case PS_ROUTE_METRICS:
        return "text/plain";
    case PS_ROUTE_PAGE:
        return "text/html";
    case PS_ROUTE_COMMAND:
    case PS_ROUTE_QUERY:
    case PS_ROUTE_PAYMENT_EVENTS:
    case PS_ROUTE_PAYMENT_POSTINGS:
    case PS_ROUTE_ACCOUNT_ENTRIES:
    case PS_ROUTE_EVENTS:
    case PS_ROUTE_JOBS:
    case PS_ROUTE_KEY_CREATE:
    case PS_ROUTE_HEALTH:
    case PS_ROUTE_READY:
    case PS_ROUTE_OPENAPI:
        return "application/json";
    }
    return NULL;
}

static void reply_schema_write(ps_json_writer *writer, const ps_route *route)
{
    static const ps_slice list_prefix = {"list of ", 8};
    ps_slice reply = ps_slice_text(route->reply);
    bool is_json = strcmp(media_type(route->kind), "application/json") == 0;
    bool is_free = route->kind == PS_ROUTE_HEALTH || route->kind == PS_ROUTE_READY ||
                   route->kind == PS_ROUTE_OPENAPI;
    if (!is_json || is_free) {
        ps_json_raw(writer, is_json ? PS_SLICE("{\"type\":\"object\"}")
                                    : PS_SLICE("{\"type\":\"string\"}"));
        return;
    }
    bool is_list = ps_slice_has_prefix(reply, list_prefix);
    const char *name = is_list ? route->reply + list_prefix.size : route->reply;
    char reference[120];
    int size =
        snprintf(reference, sizeof reference, "{\"$ref\":\"#/components/schemas/%s\"}", name);
    if (!is_list) {
        ps_json_raw(writer, ps_slice_of(reference, (size_t)size));
        return;
    }
    ps_json_raw(writer, PS_SLICE("{\"type\":\"object\",\"required\":[\"data\",\"has_more\"],"
                                 "\"properties\":{\"has_more\":{\"type\":\"boolean\"},"
                                 "\"next_cursor\":{\"type\":[\"string\",\"integer\",\"null\"]},"
                                 "\"data\":{\"type\":\"array\",\"items\":"));
    ps_buf_append_text(writer->out, reference);
    ps_buf_append_text(writer->out, "}}}");
}

static void rate_headers_write(ps_json_writer *writer)
{
    ps_json_key(writer, "RateLimit-Limit");
    ps_json_raw(writer, PS_SLICE("{\"$ref\":\"#/components/headers/rate_limit\"}"));
    ps_json_key(writer, "RateLimit-Remaining");
    ps_json_raw(writer, PS_SLICE("{\"$ref\":\"#/components/headers/rate_remaining\"}"));
    ps_json_key(writer, "RateLimit-Reset");
    ps_json_raw(writer, PS_SLICE("{\"$ref\":\"#/components/headers/rate_reset\"}"));
}

static void success_write(ps_json_writer *writer, const ps_route *route)
{
    char status[12];
    (void)snprintf(status, sizeof status, "%u", route->success_status);
    ps_json_key(writer, status);
    ps_json_object_begin(writer);
    ps_json_member_text(writer, "description", route->success_status == 201 ? "Made." : "Done.");
    ps_json_key(writer, "headers");
    ps_json_object_begin(writer);
    ps_json_key(writer, "Request-Id");
    ps_json_raw(writer, PS_SLICE("{\"$ref\":\"#/components/headers/request_id\"}"));
    if (route->scopes != 0) {
        rate_headers_write(writer);
    }
    if (route->needs_idempotency_key) {
        ps_json_key(writer, "Idempotency-Replayed");
        ps_json_raw(writer, PS_SLICE("{\"$ref\":\"#/components/headers/idempotency_replayed\"}"));
    }
    ps_json_object_end(writer);
    ps_json_key(writer, "content");
    ps_json_object_begin(writer);
    ps_json_key(writer, media_type(route->kind));
    ps_json_object_begin(writer);
    ps_json_key(writer, "schema");
    reply_schema_write(writer, route);
    ps_json_object_end(writer);
    ps_json_object_end(writer);
    ps_json_object_end(writer);
}

typedef struct {
    const char *status;
    const char *text;
    bool command_only; /* only where something is to be changed */
} refusal_row;

static const refusal_row refusals[] = {
    {"400", "The form is wrong; param says where. Nothing was stored.", false},
    {"401", "No key, or not a good one.", false},
    {"402", "Declined, or no funds.", true},
    {"403", "The key lacks the scope.", false},
    {"404", "There is no such object.", false},
    {"409", "The state does not allow it.", true},
    {"413", "The body is too large.", true},
    {"422", "Well-formed, but impossible.", true},
    {"429", "Too many requests; Retry-After says when to come back.", false},
    {"500", "A fault of the server.", false},
    {"503", "Not taking requests now; Retry-After says when to come back.", false},
    {"507", "A declared capacity or the disk is full.", true},
    {"default", "Any other refusal.", false},
};

static void replies_write(ps_json_writer *writer, const ps_route *route)
{
    ps_json_key(writer, "responses");
    ps_json_object_begin(writer);
    success_write(writer, route);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        bool is_default = strcmp(refusals[i].status, "default") == 0;
        if ((refusals[i].command_only && route->method == PS_METHOD_GET) ||
            (route->scopes == 0 && !is_default)) {
            continue;
        }
        char reference[80];
        int size = snprintf(reference, sizeof reference,
                            "{\"$ref\":\"#/components/responses/refused_%s\"}", refusals[i].status);
        ps_json_key(writer, refusals[i].status);
        ps_json_raw(writer, ps_slice_of(reference, (size_t)size));
    }
    ps_json_object_end(writer);
}

/* ── operations ── */

static const char *method_name(ps_method method)
{
    switch (method) {
    case PS_METHOD_GET:
        return "get";
    case PS_METHOD_POST:
        return "post";
    case PS_METHOD_DELETE:
        return "delete";
    }
    return NULL;
}

/* post_v1_payments_id_capture */
static void operation_id_write(ps_json_writer *writer, const ps_route *route)
{
    char id[120];
    size_t size = (size_t)snprintf(id, sizeof id, "%s", method_name(route->method));
    bool is_word_open = false;
    for (const char *c = route->pattern; *c != 0 && size + 2 < sizeof id; c++) {
        bool is_word = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9');
        if (is_word && !is_word_open) {
            id[size++] = '_';
        }
        if (is_word) {
            id[size++] = *c;
        }
        is_word_open = is_word;
    }
    ps_json_key(writer, "operationId");
    ps_json_string(writer, ps_slice_of(id, size));
}

static void security_write(ps_json_writer *writer, const ps_route *route)
{
    static const char *const scopes[] = {"admin",        "payments:write", "refunds:write",
                                         "ledger:write", "rail:write",     "risk:write",
                                         "read"};
    ps_json_key(writer, "security");
    ps_json_array_begin(writer);
    if (route->scopes != 0) {
        ps_json_raw(writer, PS_SLICE("{\"key\":[]}"));
    }
    ps_json_array_end(writer);
    ps_json_key(writer, "x-scopes");
    ps_json_array_begin(writer);
    for (size_t i = 0; i < sizeof scopes / sizeof scopes[0]; i++) {
        if ((route->scopes >> i & 1) != 0) {
            ps_json_text(writer, scopes[i]);
        }
    }
    ps_json_array_end(writer);
}

static void operation_write(ps_json_writer *writer, const ps_route *route)
{
    ps_json_key(writer, method_name(route->method));
    ps_json_object_begin(writer);
    operation_id_write(writer, route);
    ps_json_member_text(writer, "summary", route->summary);
    if (route->test_mode_only) {
        ps_json_member_text(writer, "description", "With test keys only.");
    }
    security_write(writer, route);
    parameters_write(writer, route);
    request_body_write(writer, route);
    replies_write(writer, route);
    ps_json_object_end(writer);
}

/* A path once, with all of its methods, where the table has it first. */
static void paths_write(ps_json_writer *writer)
{
    size_t count;
    const ps_route *routes = ps_routes(&count);
    for (size_t i = 0; i < count; i++) {
        bool is_first = true;
        for (size_t j = 0; j < i; j++) {
            is_first = is_first && strcmp(routes[i].pattern, routes[j].pattern) != 0;
        }
        if (!is_first) {
            continue;
        }
        ps_json_key(writer, routes[i].pattern);
        ps_json_object_begin(writer);
        for (size_t j = i; j < count; j++) {
            if (strcmp(routes[i].pattern, routes[j].pattern) == 0) {
                operation_write(writer, &routes[j]);
            }
        }
        ps_json_object_end(writer);
    }
}

/* ── components ── */

static void shared_replies_write(ps_json_writer *writer)
{
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        char name[32];
        const char *status = refusals[i].status;
        (void)snprintf(name, sizeof name, "refused_%s", status);
        ps_json_key(writer, name);
        ps_json_object_begin(writer);
        ps_json_member_text(writer, "description", refusals[i].text);
        ps_json_key(writer, "headers");
        ps_json_object_begin(writer);
        ps_json_key(writer, "Request-Id");
        ps_json_raw(writer, PS_SLICE("{\"$ref\":\"#/components/headers/request_id\"}"));
        if (strcmp(status, "429") == 0) {
            rate_headers_write(writer);
        }
        if (strcmp(status, "429") == 0 || strcmp(status, "503") == 0 ||
            strcmp(status, "507") == 0) {
            ps_json_key(writer, "Retry-After");
            ps_json_raw(writer, PS_SLICE("{\"$ref\":\"#/components/headers/retry_after\"}"));
        }
        ps_json_object_end(writer);
        ps_json_key(writer, "content");
        ps_json_raw(writer, PS_SLICE("{\"application/json\":{\"schema\":"
                                     "{\"$ref\":\"#/components/schemas/error\"}}}"));
        ps_json_object_end(writer);
    }
}

static void components_write(ps_json_writer *writer)
{
    ps_json_key(writer, "securitySchemes");
    ps_json_raw(writer,
                PS_SLICE("{\"key\":{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":"
                         "\"Authorization: Bearer ps_test_… or ps_live_…. A server with "
                         "http.require_signature asks for Paystream-Timestamp, Paystream-Nonce and "
                         "Paystream-Signature beside it.\"}}"));
    ps_json_key(writer, "headers");
    ps_json_raw(
        writer,
        PS_SLICE("{\"request_id\":{\"description\":\"Id of the request.\",\"schema\":"
                 "{\"type\":\"string\"}},"
                 "\"idempotency_replayed\":{\"description\":\"true: the stored reply of the "
                 "first request with this key.\",\"schema\":{\"type\":\"string\",\"enum\":"
                 "[\"true\"]}},"
                 "\"rate_limit\":{\"description\":\"Requests of a full allowance; where the "
                 "server has a rate limit.\",\"schema\":{\"type\":\"integer\"}},"
                 "\"rate_remaining\":{\"description\":\"Requests that are left of it.\","
                 "\"schema\":{\"type\":\"integer\"}},"
                 "\"rate_reset\":{\"description\":\"Seconds until it is full again.\","
                 "\"schema\":{\"type\":\"integer\"}},"
                 "\"retry_after\":{\"description\":\"Seconds.\",\"schema\":{\"type\":"
                 "\"integer\"}}}"));
    ps_json_key(writer, "parameters");
    ps_json_raw(writer,
                PS_SLICE("{\"idempotency_key\":{\"name\":\"Idempotency-Key\",\"in\":\"header\","
                         "\"required\":true,\"description\":\"A text of your choice for this one "
                         "order. Use it again when you retry.\",\"schema\":{\"type\":\"string\","
                         "\"minLength\":1,\"maxLength\":255,\"pattern\":\"^[!-~]+$\"}},"
                         "\"last_event_id\":{\"name\":\"Last-Event-ID\",\"in\":\"header\","
                         "\"required\":false,\"description\":\"Goes on after this sequence.\","
                         "\"schema\":{\"type\":\"integer\",\"minimum\":0}}}"));
    ps_json_key(writer, "responses");
    ps_json_object_begin(writer);
    shared_replies_write(writer);
    ps_json_object_end(writer);
    ps_json_key(writer, "schemas");
    ps_json_object_begin(writer);
    ps_openapi_schemas(writer);
    ps_json_object_end(writer);
}

void ps_openapi_append(ps_buf *out)
{
    ps_json_writer writer;
    ps_json_writer_init(&writer, out);
    ps_json_object_begin(&writer);
    ps_json_member_text(&writer, "openapi", "3.1.0");
    ps_json_key(&writer, "info");
    ps_json_object_begin(&writer);
    ps_json_member_text(&writer, "title", "Paystream");
    ps_json_member_text(&writer, "version", "1");
    ps_json_member_text(&writer, "description",
                        "Payments from request to books. Amounts are integers in minor units, "
                        "times RFC 3339 in UTC; lengths are bytes of UTF-8.");
    ps_json_object_end(&writer);
    ps_json_key(&writer, "paths");
    ps_json_object_begin(&writer);
    paths_write(&writer);
    ps_json_object_end(&writer);
    ps_json_key(&writer, "components");
    ps_json_object_begin(&writer);
    components_write(&writer);
    ps_json_object_end(&writer);
    ps_json_object_end(&writer);
}
