#include "serve/decode_query.h"

#include "base/time.h"
#include "serve/card_number.h"
#include "serve/decode_cursor.h"
#include "serve/decode_internal.h"

/* ── the path ── */

bool ps_decode_target(const ps_request_context *context, ps_api_error *error)
{
    const char *parameter = strchr(context->route->pattern, '{');
    if (parameter == NULL) {
        return true;
    }
    const char *param = strncmp(parameter, "{name}", 6) == 0 ? "name" : "id";
    if (ps_text_has_card_number(context->id)) {
        return ps_api_refuse_card(error, param);
    }
    /* whether it has the right prefix is not asked: an id of another kind is as unknown as any */
    if (!ps_text_is_name(context->id, PS_ACCOUNT_NAME_MAX)) {
        return ps_api_refuse(
            error, "parameter_invalid", param,
            "The %s in the path must be 1 to %d characters of A-Z a-z 0-9 _ . : -.", param,
            PS_ACCOUNT_NAME_MAX);
    }
    return true;
}

/* ── the query string ── */

static const ps_field *parameter_find(const ps_field *parameters, ps_slice name)
{
    for (const ps_field *field = parameters; field != NULL && field->name != NULL; field++) {
        if (ps_slice_equal(ps_slice_text(field->name), name)) {
            return field;
        }
    }
    return NULL;
}

/* metadata[k] → k, and the field it belongs to. */
static const ps_field *map_parameter_find(const ps_field *parameters, ps_slice name,
                                          ps_slice *out_key)
{
    const char *bracket = name.size > 0 ? memchr(name.data, '[', name.size) : NULL;
    if (bracket == NULL || name.data[name.size - 1] != ']') {
        return NULL;
    }
    size_t size = (size_t)(bracket - name.data);
    const ps_field *field = parameter_find(parameters, ps_slice_of(name.data, size));
    *out_key = ps_slice_of(bracket + 1, name.size - size - 2);
    return field != NULL && field->type == PS_FIELD_MAP ? field : NULL;
}

static bool refuse_repeated(ps_api_error *error, const char *param)
{
    return ps_api_refuse(error, "parameter_invalid", param,
                         "The parameter %s is given twice; once is enough.", param);
}

static bool filter_add(ps_decoder *decoder, const ps_field *field, ps_text_pair pair,
                       const char *param, ps_api_error *error)
{
    for (size_t i = 0; i < decoder->filter_count; i++) {
        if (ps_slice_equal(decoder->filters[i].key, pair.key)) {
            return refuse_repeated(error, param);
        }
    }
    if (decoder->filter_count == PS_METADATA_KEYS_MAX || pair.key.size == 0 ||
        pair.key.size > PS_METADATA_KEY_MAX || pair.value.size > PS_METADATA_VALUE_MAX) {
        return ps_api_refuse_field(error, field, param);
    }
    decoder->filters[decoder->filter_count++] = pair;
    return true;
}

static bool parameter_take(ps_decoder *decoder, const ps_field *parameters, ps_slice name,
                           ps_slice value, ps_api_error *error)
{
    char param[80] = "";
    ps_slice map_key = {NULL, 0};
    const ps_field *field = parameter_find(parameters, name);
    bool is_amount = field != NULL && field->type == PS_FIELD_AMOUNT;
    if (ps_text_has_card_number(name)) {
        return ps_api_refuse_card(error, NULL);
    }
    ps_param_append(param, name);
    if (ps_key_is_card_secret(name, false) || (!is_amount && ps_text_has_card_number(value))) {
        return ps_api_refuse_card(error, param);
    }
    if (field == NULL || field->type == PS_FIELD_MAP) {
        field = map_parameter_find(parameters, name, &map_key);
    }
    if (field == NULL) {
        return ps_api_refuse(error, "parameter_unknown", param,
                             "There is no parameter %s here; /openapi.json has those there are.",
                             param);
    }
    if (field->type == PS_FIELD_MAP) {
        return ps_key_is_card_secret(map_key, false)
                   ? ps_api_refuse_card(error, param)
                   : filter_add(decoder, field, (ps_text_pair){map_key, value}, param, error);
    }
    if (ps_slot_has(decoder, (ps_slot)field->slot)) {
        return refuse_repeated(error, param);
    }
    bool is_number = field->type == PS_FIELD_AMOUNT || field->type == PS_FIELD_INTEGER;
    bool is_taken = is_number ? ps_decode_integer(decoder, field, value)
                              : value.size > 0 && ps_decode_text(decoder, field, value);
    return is_taken || ps_api_refuse_field(error, field, param);
}

/* One part of the query string, into memory that does not move until the next request. */
static bool part_decode(ps_buf *memory, ps_slice part, ps_slice *out_text)
{
    if (part.size == 0) {
        *out_text = (ps_slice){NULL, 0};
        return true;
    }
    char *out = ps_buf_extend(memory, part.size);
    size_t size;
    if (out == NULL || !ps_percent_decode(part, true, out, &size)) {
        return false;
    }
    *out_text = ps_slice_of(out, size);
    return ps_utf8_is_valid(*out_text);
}

static bool pair_take(ps_decoder *decoder, const ps_field *parameters, ps_slice pair,
                      ps_api_error *error)
{
    const char *equals = memchr(pair.data, '=', pair.size);
    size_t name_size = equals != NULL ? (size_t)(equals - pair.data) : pair.size;
    ps_slice rest = {NULL, 0};
    if (equals != NULL) {
        rest = ps_slice_of(equals + 1, pair.size - name_size - 1);
    }
    ps_slice name;
    ps_slice value;
    if (!part_decode(&decoder->query, ps_slice_of(pair.data, name_size), &name) ||
        !part_decode(&decoder->query, rest, &value)) {
        return ps_api_refuse(error, "parameter_invalid", NULL,
                             "The query string has a broken percent escape, or is not UTF-8.");
    }
    return parameter_take(decoder, parameters, name, value, error);
}

static bool required_check(const ps_decoder *decoder, const ps_field *parameters,
                           ps_api_error *error)
{
    for (const ps_field *field = parameters; field != NULL && field->name != NULL; field++) {
        if (field->required && !ps_slot_has(decoder, (ps_slot)field->slot)) {
            return ps_api_refuse(error, "parameter_missing", field->name,
                                 "The parameter %s is needed in the query string.", field->name);
        }
    }
    return true;
}

bool ps_decode_parameters(ps_decoder *decoder, const ps_request_context *context,
                          ps_api_error *error)
{
    const ps_field *parameters = context->route->parameters;
    ps_slice rest = context->query;
    /* all at once, so that slices into it stay where they are */
    ps_buf_clear(&decoder->query);
    if (rest.size > 0 && ps_buf_extend(&decoder->query, rest.size) == NULL) {
        return ps_api_refuse(error, "parameter_invalid", NULL, "The query string is too long.");
    }
    ps_buf_clear(&decoder->query);
    while (rest.size > 0) {
        const char *end = memchr(rest.data, '&', rest.size);
        size_t size = end != NULL ? (size_t)(end - rest.data) : rest.size;
        if (size > 0 && !pair_take(decoder, parameters, ps_slice_of(rest.data, size), error)) {
            return false;
        }
        size_t taken = end != NULL ? size + 1 : size;
        rest = ps_slice_of(rest.data + taken, rest.size - taken);
    }
    return required_check(decoder, parameters, error);
}

/* ── queries ── */

/* The filters metadata[k]=v as one canonical object, in decoder->body. */
static ps_slice filters_write(ps_decoder *decoder)
{
    ps_buf_clear(&decoder->body);
    if (decoder->filter_count == 0) {
        return (ps_slice){NULL, 0};
    }
    ps_json_canonical *canonical = &decoder->canonical;
    ps_json_canonical_begin(canonical, &decoder->body);
    ps_json_canonical_add(canonical, PS_JSON_OBJECT_BEGIN, (ps_slice){NULL, 0});
    for (size_t i = 0; i < decoder->filter_count; i++) {
        ps_json_canonical_add(canonical, PS_JSON_KEY, decoder->filters[i].key);
        ps_json_canonical_add(canonical, PS_JSON_STRING, decoder->filters[i].value);
    }
    ps_json_canonical_add(canonical, PS_JSON_OBJECT_END, (ps_slice){NULL, 0});
    PS_ASSERT(!decoder->body.failed);
    return ps_buf_slice(&decoder->body);
}

/* Lists default to 20; what a page cannot sensibly cut (a payment's own lists, events) to 100. */
static uint32_t limit_default(ps_route_kind kind)
{
    bool is_long = kind == PS_ROUTE_PAYMENT_EVENTS || kind == PS_ROUTE_PAYMENT_POSTINGS ||
                   kind == PS_ROUTE_EVENTS || kind == PS_ROUTE_STREAM;
    return is_long ? 100 : 20;
}

/* 0 would mean no bound: a time before all objects stays one. */
static int64_t created_lt(const ps_decoder *decoder)
{
    int64_t time_ns = ps_slot_integer(decoder, PS_SLOT_CREATED_LT, 0);
    return ps_slot_has(decoder, PS_SLOT_CREATED_LT) && time_ns <= 0 ? 1 : time_ns;
}

/* Times are shown in whole milliseconds: what was created in this one counts, too. */
static int64_t at_end_of_ms(const ps_decoder *decoder)
{
    int64_t at_ns = ps_slot_integer(decoder, PS_SLOT_AT, 0);
    if (!ps_slot_has(decoder, PS_SLOT_AT) || at_ns > INT64_MAX - PS_NS_PER_MS) {
        return at_ns;
    }
    return at_ns - at_ns % PS_NS_PER_MS + PS_NS_PER_MS - 1;
}

static void query_fill(ps_decoder *decoder, const ps_request_context *context, ps_query *query)
{
    const ps_route *route = context->route;
    query->kind = route->query;
    query->book = context->book;
    query->limit = (uint32_t)ps_slot_integer(decoder, PS_SLOT_LIMIT, limit_default(route->kind));
    query->target = context->id;
    /* words count from 0, a status in a query from 1: 0 is any. The enums of the objects count from
     * 1 as well, but for ps_transfer_state: there it is the state + 1 */
    query->status = (uint8_t)(ps_slot_integer(decoder, PS_SLOT_STATUS, -1) + 1);
    query->has_currency = ps_slot_has(decoder, PS_SLOT_CURRENCY);
    query->currency = (ps_currency)ps_slot_integer(decoder, PS_SLOT_CURRENCY, 0);
    query->merchant = ps_slot_text(decoder, PS_SLOT_MERCHANT);
    query->payer = ps_slot_text(decoder, PS_SLOT_PAYER);
    query->payment = ps_slot_text(decoder, PS_SLOT_PAYMENT);
    query->reference = ps_slot_text(decoder, PS_SLOT_REFERENCE);
    query->created_gte_ns = ps_slot_integer(decoder, PS_SLOT_CREATED_GTE, 0);
    query->created_lt_ns = created_lt(decoder);
    query->has_amount_gte = ps_slot_has(decoder, PS_SLOT_AMOUNT_GTE);
    query->has_amount_lt = ps_slot_has(decoder, PS_SLOT_AMOUNT_LT);
    query->amount_gte = ps_slot_integer(decoder, PS_SLOT_AMOUNT_GTE, 0);
    query->amount_lt = ps_slot_integer(decoder, PS_SLOT_AMOUNT_LT, 0);
    query->after = (uint64_t)ps_slot_integer(decoder, PS_SLOT_AFTER, 0);
    query->at_ns = at_end_of_ms(decoder);
    query->at_sequence = (uint64_t)ps_slot_integer(decoder, PS_SLOT_AT_SEQUENCE, 0);
    if (route->query == PS_QUERY_PAYMENTS) {
        query->target = filters_write(decoder);
    } else if (route->query == PS_QUERY_EVENTS) {
        query->target = ps_slot_text(decoder, PS_SLOT_TYPE);
    }
}

bool ps_decode_query(ps_decoder *decoder, const ps_request_context *context, ps_query *out_query,
                     ps_api_error *out_error)
{
    ps_query query;
    memset(&query, 0, sizeof query);
    decoder->seen = 0;
    decoder->filter_count = 0;
    if (!ps_decode_target(context, out_error) ||
        !ps_decode_parameters(decoder, context, out_error)) {
        return false;
    }
    if (ps_slot_has(decoder, PS_SLOT_AT) && ps_slot_has(decoder, PS_SLOT_AT_SEQUENCE)) {
        return ps_api_refuse(out_error, "parameter_invalid", "at_sequence",
                             "at and at_sequence do not go together; send one.");
    }
    query_fill(decoder, context, &query);
    if (ps_slot_has(decoder, PS_SLOT_CURSOR) &&
        !ps_cursor_parse(ps_slot_text(decoder, PS_SLOT_CURSOR), &query, &query.before)) {
        return ps_api_refuse(out_error, "cursor_invalid", "cursor",
                             "The cursor is none of ours, or was made for other filters; begin "
                             "again without it.");
    }
    *out_query = query;
    return true;
}

/* ── metadata ── */

/* The end of the member of canonical text that begins at its key's quote: the comma or brace behind
 * its value, a string. */
static size_t member_end(ps_slice object, size_t at)
{
    int quotes = 0;
    for (; at < object.size && quotes < 4; at++) {
        if (object.data[at] == '\\') {
            at++;
        } else if (object.data[at] == '"') {
            quotes++;
        }
    }
    return at;
}

static bool object_has_member(ps_slice object, ps_slice member)
{
    for (size_t at = 1; at + 1 < object.size;) {
        size_t end = member_end(object, at);
        if (ps_slice_equal(ps_slice_of(object.data + at, end - at), member)) {
            return true;
        }
        at = end + 1;
    }
    return false;
}

bool ps_metadata_matches(ps_slice metadata, ps_slice filter)
{
    for (size_t at = 1; at + 1 < filter.size;) {
        size_t end = member_end(filter, at);
        if (!object_has_member(metadata, ps_slice_of(filter.data + at, end - at))) {
            return false;
        }
        at = end + 1;
    }
    return true;
}
