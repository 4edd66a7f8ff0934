/* The OpenAPI document: well-formed, complete, and its references lead somewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "serve/openapi.h"
#include "serve/route.h"

static ps_buf out;
static json_t *root;

static int setup(void **state)
{
    (void)state;
    ps_buf_init(&out, PS_OPENAPI_SIZE_MAX);
    ps_openapi_append(&out);
    json_error_t error;
    root = json_loadb(out.data, out.size, JSON_REJECT_DUPLICATES, &error);
    /* PS_OPENAPI_OUT: for a validator outside */
    const char *path = getenv("PS_OPENAPI_OUT");
    FILE *file = path != NULL ? fopen(path, "w") : NULL;
    if (file != NULL) {
        (void)fwrite(out.data, 1, out.size, file);
        (void)fclose(file);
    }
    return out.failed || root == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    json_decref(root);
    ps_buf_release(&out);
    return 0;
}

static const char *method_name(ps_method method)
{
    static const char *const names[] = {"get", "post", "delete"};
    return names[method];
}

static json_t *operation_of(const ps_route *route)
{
    json_t *path = json_object_get(json_object_get(root, "paths"), route->pattern);
    return json_object_get(path, method_name(route->method));
}

static void every_route_is_there_once(void **state)
{
    (void)state;
    size_t count;
    size_t operations = 0;
    const ps_route *routes = ps_routes(&count);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(operation_of(&routes[i]));
    }
    const char *path;
    json_t *item;
    json_object_foreach(json_object_get(root, "paths"), path, item)
    {
        operations += json_object_size(item);
    }
    assert_int_equal(operations, count);
    assert_string_equal(json_string_value(json_object_get(root, "openapi")), "3.1.0");
}

static bool parameter_is_there(const json_t *operation, const char *name, const char *in,
                               bool required)
{
    size_t index;
    json_t *parameter;
    json_array_foreach(json_object_get(operation, "parameters"), index, parameter)
    {
        const char *reference = json_string_value(json_object_get(parameter, "$ref"));
        if (reference != NULL &&
            strcmp(reference, "#/components/parameters/idempotency_key") == 0) {
            parameter =
                json_object_get(json_object_get(json_object_get(root, "components"), "parameters"),
                                "idempotency_key");
        }
        const char *its_name = json_string_value(json_object_get(parameter, "name"));
        if (its_name != NULL && strcmp(its_name, name) == 0) {
            return strcmp(json_string_value(json_object_get(parameter, "in")), in) == 0 &&
                   json_is_true(json_object_get(parameter, "required")) == required;
        }
    }
    return false;
}

static void bodies_and_parameters_are_those_of_the_table(void **state)
{
    (void)state;
    size_t count;
    const ps_route *routes = ps_routes(&count);
    for (size_t i = 0; i < count; i++) {
        const ps_route *route = &routes[i];
        json_t *operation = operation_of(route);
        json_t *schema = json_object_get(
            json_object_get(json_object_get(json_object_get(operation, "requestBody"), "content"),
                            "application/json"),
            "schema");
        size_t fields = 0;
        for (const ps_field *f = route->body; f != NULL && f->name != NULL; f++) {
            assert_non_null(json_object_get(json_object_get(schema, "properties"), f->name));
            fields++;
        }
        assert_int_equal(json_object_size(json_object_get(schema, "properties")), fields);
        for (const ps_field *f = route->parameters; f != NULL && f->name != NULL; f++) {
            assert_true(parameter_is_there(operation, f->name, "query", f->required));
        }
        assert_int_equal(parameter_is_there(operation, "Idempotency-Key", "header", true),
                         route->needs_idempotency_key);
        if (strstr(route->pattern, "{id}") != NULL) {
            assert_true(parameter_is_there(operation, "id", "path", true));
        }
        bool is_secured = json_array_size(json_object_get(operation, "security")) == 1;
        assert_int_equal(is_secured, route->scopes != 0);
        assert_int_equal(json_array_size(json_object_get(operation, "x-scopes")),
                         __builtin_popcount(route->scopes));
    }
}

static void replies_have_the_status_of_the_table(void **state)
{
    (void)state;
    size_t count;
    const ps_route *routes = ps_routes(&count);
    for (size_t i = 0; i < count; i++) {
        json_t *responses = json_object_get(operation_of(&routes[i]), "responses");
        char status[12];
        (void)snprintf(status, sizeof status, "%u", routes[i].success_status);
        assert_non_null(json_object_get(responses, status));
        assert_non_null(json_object_get(responses, "default"));
    }
}

static json_t *reference_follow(const char *reference)
{
    json_t *at = root;
    char copy[200];
    char *save = NULL;
    (void)snprintf(copy, sizeof copy, "%s", reference + 2);
    for (char *part = strtok_r(copy, "/", &save); part != NULL; part = strtok_r(NULL, "/", &save)) {
        at = json_object_get(at, part);
    }
    return at;
}

/* Every "$ref" of the text, and how many there are. */
static void references_lead_somewhere(void **state)
{
    (void)state;
    int count = 0;
    const char *mark = "\"$ref\":\"";
    const char *end = out.data + out.size;
    for (const char *at = out.data;
         (at = memmem(at, (size_t)(end - at), mark, strlen(mark))) != NULL; count++) {
        at += strlen(mark);
        char reference[200];
        size_t size = strcspn(at, "\"");
        assert_true(size < sizeof reference);
        memcpy(reference, at, size);
        reference[size] = 0;
        if (reference_follow(reference) == NULL) {
            fail_msg("%s leads nowhere", reference);
        }
    }
    assert_true(count > 300);
}

static void operation_ids_are_unique(void **state)
{
    (void)state;
    size_t count;
    const ps_route *routes = ps_routes(&count);
    json_t *seen = json_object();
    for (size_t i = 0; i < count; i++) {
        const char *id =
            json_string_value(json_object_get(operation_of(&routes[i]), "operationId"));
        assert_non_null(id);
        assert_null(json_object_get(seen, id));
        (void)json_object_set_new(seen, id, json_true());
    }
    json_decref(seen);
}

static void the_document_is_the_same_each_time(void **state)
{
    (void)state;
    ps_buf again;
    ps_buf_init(&again, PS_OPENAPI_SIZE_MAX);
    ps_openapi_append(&again);
    assert_true(ps_slice_equal(ps_buf_slice(&out), ps_buf_slice(&again)));
    ps_buf_release(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_there_once),
        cmocka_unit_test(bodies_and_parameters_are_those_of_the_table),
        cmocka_unit_test(replies_have_the_status_of_the_table),
        cmocka_unit_test(references_lead_somewhere),
        cmocka_unit_test(operation_ids_are_unique),
        cmocka_unit_test(the_document_is_the_same_each_time),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
