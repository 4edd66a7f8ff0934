/* The request decoder: the first byte chooses a route (or a batch line), then path id, query string
 * and body follow, each ended by a newline. Whatever comes in, out comes a command whose texts lie
 * in the decoder's memory, or a refusal with a code; never both, and never a card number. */
#include <stdlib.h>

#include "serve/card_number.h"
#include "serve/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ps_decoder *decoder;
static const ps_hash_secret secret = {{1, 2, 3}};

static ps_slice part_take(ps_slice *rest)
{
    const char *end = rest->size > 0 ? memchr(rest->data, '\n', rest->size) : NULL;
    size_t size = end != NULL ? (size_t)(end - rest->data) : rest->size;
    size_t taken = end != NULL ? size + 1 : size;
    ps_slice part = ps_slice_of(rest->data, size);
    *rest = ps_slice_of(rest->data + taken, rest->size - taken);
    return part;
}

static void refusal_check(const ps_api_error *error)
{
    PS_ASSERT(error->http_status == 400 || error->http_status == 413);
    PS_ASSERT(error->code != NULL && error->message[0] != 0);
    PS_ASSERT(!ps_text_has_card_number(ps_slice_text(error->param)));
    PS_ASSERT(!ps_text_has_card_number(ps_slice_text(error->message)));
    PS_ASSERT(ps_utf8_is_valid(ps_slice_text(error->param)));
}

static void command_check(const ps_command *command)
{
    PS_ASSERT(!ps_text_has_card_number(command->target));
    PS_ASSERT(!ps_text_has_card_number(command->reason));
    PS_ASSERT(!ps_text_has_card_number(command->reference));
    if (command->kind != PS_CMD_PAYMENT_CREATE) {
        return;
    }
    const ps_payment_request *payment = command->u.payment;
    PS_ASSERT(payment->amount >= 1 && payment->amount <= PS_AMOUNT_MAX);
    PS_ASSERT(payment->merchant.size >= 1 && payment->merchant.size <= PS_NAME_MAX);
    PS_ASSERT(payment->reference.size <= PS_REFERENCE_MAX);
    PS_ASSERT(!ps_text_has_card_number(payment->description));
    PS_ASSERT(!ps_text_has_card_number(payment->token));
    PS_ASSERT(!ps_chosen_id_has_card_number(payment->client_id));
}

static void request_run(const ps_request_context *context, char *body, size_t size)
{
    ps_api_error error;
    ps_command command;
    ps_query query;
    memset(&error, 0, sizeof error);
    bool decoded;
    if (context->route->kind == PS_ROUTE_BATCH) {
        decoded = ps_decode_batch_line(decoder, context, body, size, &command, &error);
    } else if (context->route->method == PS_METHOD_GET) {
        decoded = ps_decode_query(decoder, context, &query, &error);
        if (decoded) {
            PS_ASSERT(query.limit >= 1 && query.limit <= 1000);
            return;
        }
    } else {
        decoded = ps_decode_command(decoder, context, body, size, &command, &error);
    }
    if (decoded) {
        command_check(&command);
    } else {
        refusal_check(&error);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ps_error err;
    if (decoder == NULL) {
        PS_ASSERT(ps_decoder_new(&decoder, &err) == PS_OK);
    }
    if (size < 1) {
        return 0;
    }
    size_t count;
    const ps_route *routes = ps_routes(&count);
    const ps_route *route = &routes[data[0] % count];
    ps_slice rest = ps_slice_of(data + 1, size - 1);
    ps_slice id = part_take(&rest);
    ps_slice query = part_take(&rest);
    ps_request_context context = {.route = route,
                                  .book = 1,
                                  .id = id,
                                  .query = query,
                                  .idempotency_key = PS_SLICE("k"),
                                  .secret = &secret};
    /* exactly sized, so that the sanitizer sees a step outside */
    char *body = malloc(rest.size > 0 ? rest.size : 1);
    PS_ASSERT(body != NULL);
    if (rest.size > 0) {
        memcpy(body, rest.data, rest.size);
    }
    request_run(&context, body, rest.size);
    free(body);
    return 0;
}
