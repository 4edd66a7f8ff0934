/* The decoder: its memory, its refusals, and commands from requests. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "serve/card_number.h"
#include "serve/decode_internal.h"

/* ── memory ── */

ps_code ps_decoder_new(ps_decoder **out_decoder, ps_error *err)
{
    ps_decoder *decoder = calloc(1, sizeof *decoder);
    if (decoder == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "cannot allocate a request decoder of %zu bytes",
                            sizeof *decoder);
    }
    ps_json_reader_init(&decoder->reader, 0);
    ps_json_reader_init(&decoder->map_reader, 0);
    ps_json_canonical_init(&decoder->canonical, PS_BODY_MAX);
    ps_buf_init(&decoder->body, PS_BODY_MAX + PS_REFERENCE_MAX);
    ps_buf_init(&decoder->path, 4096);
    ps_buf_init(&decoder->query, PS_BODY_MAX);
    *out_decoder = decoder;
    return PS_OK;
}

void ps_decoder_free(ps_decoder *decoder)
{
    if (decoder == NULL) {
        return;
    }
    ps_json_canonical_release(&decoder->canonical);
    ps_buf_release(&decoder->body);
    ps_buf_release(&decoder->path);
    ps_buf_release(&decoder->query);
    free(decoder);
}

static void decoder_reset(ps_decoder *decoder, const ps_request_context *context)
{
    decoder->seen = 0;
    decoder->filter_count = 0;
    ps_json_reader_set_seed(&decoder->reader, ps_get_u64(context->secret->bytes));
}

/* ── refusals ── */

void ps_param_append(char param[80], ps_slice text)
{
    enum { PARAM_SIZE = 80 };
    size_t at = strlen(param);
    size_t size = text.size < PARAM_SIZE - 1 - at ? text.size : PARAM_SIZE - 1 - at;
    /* not in the middle of a character */
    while (size > 0 && size < text.size && ((unsigned char)text.data[size] & 0xC0) == 0x80) {
        size--;
    }
    /* the first part of what was no card number can look like one */
    if (size < text.size && ps_text_has_card_number(ps_slice_of(text.data, size))) {
        size = 0;
    }
    for (size_t i = 0; i < size; i++) {
        param[at + i] = text.data[i] != 0 ? text.data[i] : '?';
    }
    param[at + size] = 0;
}

bool ps_api_refuse(ps_api_error *error, const char *code, const char *param, const char *format,
                   ...)
{
    *error = (ps_api_error){.http_status = 400, .type = "invalid_request_error", .code = code};
    if (param != NULL) {
        ps_param_append(error->param, ps_slice_text(param));
    }
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return false;
}

bool ps_api_refuse_card(ps_api_error *error, const char *param)
{
    return ps_api_refuse(
        error, "pan_not_accepted", param,
        "The request holds a card number or a card secret; nothing of it was kept. "
        "Send a token of your vault instead.");
}

static void words_format(const ps_field *field, char *out, size_t out_size)
{
    size_t at = 0;
    out[0] = 0;
    for (size_t i = 0; field->words[i] != NULL; i++) {
        int wrote = snprintf(out + at, out_size - at, "%s%s", i == 0 ? "" : ", ", field->words[i]);
        if (wrote < 0 || (size_t)wrote >= out_size - at) {
            return;
        }
        at += (size_t)wrote;
    }
}

/* What the field must be, to follow "must be". */
static void expectation_format(const ps_field *field, char *out, size_t out_size)
{
    char words[128] = "";
    switch (field->type) {
    case PS_FIELD_TEXT:
        (void)snprintf(out, out_size, "text of %s%u bytes", field->required ? "1 to " : "at most ",
                       field->size_max);
        return;
    case PS_FIELD_NAME:
        (void)snprintf(out, out_size, "1 to %u characters of A-Z a-z 0-9 _ . : -", field->size_max);
        return;
    case PS_FIELD_ID:
        (void)snprintf(out, out_size, "an id: %s and 1 to 40 characters of A-Z a-z 0-9 _ . : -",
                       field->words[0]);
        return;
    case PS_FIELD_AMOUNT:
    case PS_FIELD_INTEGER:
        (void)snprintf(out, out_size, "an integer from %lld to %lld", (long long)field->min,
                       (long long)field->max);
        return;
    case PS_FIELD_DIGITS:
        (void)snprintf(out, out_size, "text of %lld to %lld digits", (long long)field->min,
                       (long long)field->max);
        return;
    case PS_FIELD_ENUM:
        words_format(field, words, sizeof words);
        (void)snprintf(out, out_size, "one of %s", words);
        return;
    case PS_FIELD_ENUM_LIST:
        words_format(field, words, sizeof words);
        (void)snprintf(out, out_size, "a list, each at most once, of %s", words);
        return;
    case PS_FIELD_MAP:
        (void)snprintf(out, out_size,
                       "an object of at most 50 texts: keys of 1 to 40 bytes, values of at most "
                       "500");
        return;
    case PS_FIELD_ANY:
        (void)snprintf(out, out_size, "JSON of at most %u bytes", field->size_max);
        return;
    case PS_FIELD_BOOL:
        (void)snprintf(out, out_size, "true or false");
        return;
    case PS_FIELD_CURRENCY:
        (void)snprintf(out, out_size, "an ISO 4217 currency code in upper case");
        return;
    case PS_FIELD_OBJECT:
        (void)snprintf(out, out_size, "an object");
        return;
    case PS_FIELD_TIME:
        (void)snprintf(out, out_size, "a time as RFC 3339 has it");
        return;
    case PS_FIELD_MONTH:
        (void)snprintf(out, out_size, "a month, YYYY-MM");
        return;
    case PS_FIELD_CURSOR:
        (void)snprintf(out, out_size, "the next_cursor of a list");
        return;
    }
}

bool ps_api_refuse_field(ps_api_error *error, const ps_field *field, const char *param)
{
    char expectation[200] = "";
    expectation_format(field, expectation, sizeof expectation);
    return ps_api_refuse(error, "parameter_invalid", param, "%s must be %s.", param, expectation);
}

/* ── idempotency ── */

static bool key_is_legal(ps_slice key)
{
    for (size_t i = 0; i < key.size; i++) {
        if (key.data[i] < 0x21 || key.data[i] > 0x7E) {
            return false;
        }
    }
    return key.size >= 1 && key.size <= 255;
}

/* The hash of (book, method, path with ids, key), and the fingerprint: the canonical body, with the
 * currency of the query string where there is one. */
bool ps_decode_idempotency(ps_decoder *decoder, const ps_request_context *context,
                           const char *key_param, ps_command *command, ps_api_error *error)
{
    ps_slice key = context->idempotency_key;
    if (key.size == 0) {
        return ps_api_refuse(error, "idempotency_key_missing", key_param,
                             "An Idempotency-Key is needed: a text of your choice for this one "
                             "order. Use it again when you retry.");
    }
    if (ps_text_has_card_number(key)) {
        return ps_api_refuse_card(error, key_param);
    }
    if (!key_is_legal(key)) {
        return ps_api_refuse(error, "parameter_invalid", key_param,
                             "%s must be 1 to 255 visible ASCII characters.", key_param);
    }
    ps_buf *path = &decoder->path;
    uint8_t head[5];
    ps_put_u32(head, context->book);
    head[4] = (uint8_t)context->route->method;
    ps_buf_clear(path);
    ps_buf_append(path, head, sizeof head);
    ps_route_path_append(context->route, context->id, path);
    ps_buf_append_char(path, 0);
    ps_buf_append_slice(path, key);
    PS_ASSERT(!path->failed);
    command->has_idempotency_key = true;
    command->idempotency = ps_hash_keyed(context->secret, path->data, path->size);

    ps_buf *body = &decoder->body;
    size_t body_size = body->size;
    if (context->route->parameters != NULL && ps_slot_has(decoder, PS_SLOT_CURRENCY)) {
        ps_buf_append_text(body, "?currency=");
        ps_buf_append_slice(body, ps_slot_text(decoder, PS_SLOT_CURRENCY));
    }
    PS_ASSERT(!body->failed);
    command->fingerprint = ps_hash_keyed(context->secret, body->data, body->size);
    body->size = body_size;
    return true;
}

/* ── a command ── */

bool ps_decode_command(ps_decoder *decoder, const ps_request_context *context, char *body,
                       size_t body_size, ps_command *out_command, ps_api_error *out_error)
{
    const ps_body_options options = {.head = NULL};
    ps_command command;
    memset(&command, 0, sizeof command);
    decoder_reset(decoder, context);
    if (!ps_decode_body(decoder, body, body_size, &options, out_error) ||
        !ps_decode_target(context, out_error) ||
        !ps_decode_parameters(decoder, context, out_error)) {
        return false;
    }
    if (context->route->needs_idempotency_key &&
        !ps_decode_idempotency(decoder, context, "Idempotency-Key", &command, out_error)) {
        return false;
    }
    if (!ps_decode_fields(decoder, context->route->body, out_error) ||
        !ps_decode_command_fill(decoder, context, &command, out_error)) {
        return false;
    }
    *out_command = command;
    return true;
}

/* ── a line of a batch ── */

typedef struct {
    const char *op;
    ps_command_kind command;
    const char *id_member; /* the member that stands for {id} of the path; NULL: none */
} batch_op;

static const batch_op batch_ops[] = {
    {"payment.create", PS_CMD_PAYMENT_CREATE, NULL},
    {"payment.capture", PS_CMD_PAYMENT_CAPTURE, "payment"},
    {"payment.cancel", PS_CMD_PAYMENT_CANCEL, "payment"},
    {"payment.reverse", PS_CMD_PAYMENT_REVERSE, "payment"},
    {"refund.create", PS_CMD_REFUND_CREATE, NULL},
    {"transfer.create", PS_CMD_TRANSFER_CREATE, NULL},
    {"transfer.post", PS_CMD_TRANSFER_POST, "transfer"},
    {"transfer.void", PS_CMD_TRANSFER_VOID, "transfer"},
};

static bool op_find(void *context, const ps_batch_head *head, const char **out_id_member,
                    ps_api_error *error)
{
    const batch_op **op = context;
    if (!head->has_op) {
        return ps_api_refuse(error, "parameter_missing", "op",
                             "The field op is needed: the command that this line stands for.");
    }
    for (size_t i = 0; i < sizeof batch_ops / sizeof batch_ops[0]; i++) {
        if (ps_slice_equal(head->op, ps_slice_text(batch_ops[i].op))) {
            *op = &batch_ops[i];
            *out_id_member = batch_ops[i].id_member;
            return true;
        }
    }
    return ps_api_refuse(error, "parameter_invalid", "op",
                         "op must be payment.create, payment.capture, payment.cancel, "
                         "payment.reverse, refund.create, transfer.create, transfer.post or "
                         "transfer.void.");
}

/* The context of the single route that the line stands for. */
static bool line_context(const batch_op *op, const ps_batch_head *head, ps_request_context *context,
                         ps_api_error *error)
{
    context->route = ps_route_of_command(op->command);
    PS_ASSERT(context->route != NULL);
    context->idempotency_key = head->key;
    context->query = (ps_slice){NULL, 0};
    context->id = (ps_slice){NULL, 0};
    if (op->id_member == NULL) {
        return true;
    }
    context->id = op->id_member[0] == 'p' ? head->payment : head->transfer;
    if (context->id.size == 0) {
        return ps_api_refuse(error, "parameter_missing", op->id_member,
                             "The field %s is needed: the id of what is meant.", op->id_member);
    }
    if (!ps_text_is_name(context->id, PS_ACCOUNT_NAME_MAX)) {
        return ps_api_refuse(error, "parameter_invalid", op->id_member,
                             "%s must be an id: characters of A-Z a-z 0-9 _ . : -.", op->id_member);
    }
    return true;
}

bool ps_decode_batch_line(ps_decoder *decoder, const ps_request_context *context, char *line,
                          size_t line_size, ps_command *out_command, ps_api_error *out_error)
{
    const batch_op *op = NULL;
    ps_batch_head head = {.has_op = false};
    const ps_body_options options = {.head = &head, .done = op_find, .context = &op};
    ps_request_context single = *context;
    ps_command command;
    memset(&command, 0, sizeof command);
    decoder_reset(decoder, context);
    if (!ps_decode_body(decoder, line, line_size, &options, out_error)) {
        return false;
    }
    if (op == NULL) {
        return ps_api_refuse(out_error, "parameter_invalid", NULL,
                             "A line of a batch must be a JSON object.");
    }
    if (!line_context(op, &head, &single, out_error) ||
        !ps_decode_idempotency(decoder, &single, "key", &command, out_error) ||
        !ps_decode_fields(decoder, single.route->body, out_error) ||
        !ps_decode_command_fill(decoder, &single, &command, out_error)) {
        return false;
    }
    *out_command = command;
    return true;
}
