/* Requests: their memory, and what a handler may ask them. */
#include "serve/http_conn.h"

ps_http_request *ps_http_request_new(ps_http_conn *conn)
{
    ps_http_loop *loop = conn->loop;
    size_t capacity = 0;
    ps_http_request *request = ps_http_pool_take(
        &loop->pool, sizeof *request + loop->options->request_state_size, &capacity);
    if (request == NULL) {
        return NULL;
    }
    /* head and state are filled when the head is complete: no need to clear them here. */
    memset(request, 0, offsetof(ps_http_request, head));
    request->head.method = PS_HTTP_GET; /* a refusal before the head is parsed has a body */
    request->head.is_http_1_0 = false;
    request->conn = conn;
    request->loop = loop;
    request->capacity = capacity;
    request->connection_id = conn->id;
    memcpy(request->peer, conn->peer, sizeof request->peer);
    request->is_by_admin = conn->is_by_admin;
    request->live_next = loop->requests;
    if (request->live_next != NULL) {
        request->live_next->live_prev = request;
    }
    loop->requests = request;
    return request;
}

void ps_http_request_free(ps_http_request *request)
{
    ps_http_loop *loop = request->loop;
    if (request->live_prev != NULL) {
        request->live_prev->live_next = request->live_next;
    } else {
        loop->requests = request->live_next;
    }
    if (request->live_next != NULL) {
        request->live_next->live_prev = request->live_prev;
    }
    ps_http_bytes_release(&loop->pool, &request->head_bytes);
    ps_http_bytes_release(&loop->pool, &request->body);
    ps_http_bytes_release(&loop->pool, &request->reply);
    ps_http_pool_give(&loop->pool, request, request->capacity);
}

/* ── what a handler may ask ── */

ps_http_method ps_http_request_method(const ps_http_request *request)
{
    return request->head.method;
}

ps_slice ps_http_request_path(const ps_http_request *request)
{
    return request->head.path;
}

ps_slice ps_http_request_query(const ps_http_request *request)
{
    return request->head.query;
}

ps_slice ps_http_request_header(const ps_http_request *request, ps_http_header header)
{
    PS_ASSERT(header < PS_HTTP_HEADER_KINDS);
    uint8_t index = request->head.known[header];
    if (index == 0) {
        return (ps_slice){0};
    }
    return ps_http_field_value(request->head_bytes.data, &request->head.fields[index - 1]);
}

size_t ps_http_request_header_count(const ps_http_request *request)
{
    return request->head.field_count;
}

void ps_http_request_header_at(const ps_http_request *request, size_t index, ps_slice *out_name,
                               ps_slice *out_value)
{
    PS_ASSERT(index < request->head.field_count);
    const ps_http_field *field = &request->head.fields[index];
    *out_name = ps_http_field_name(request->head_bytes.data, field);
    *out_value = ps_http_field_value(request->head_bytes.data, field);
}

char *ps_http_request_body(ps_http_request *request, size_t *out_size)
{
    *out_size = request->body.size;
    /* An empty body has its padding too: the head's buffer is at least 1 KiB. */
    return request->body.data != NULL ? request->body.data : request->head_bytes.data;
}

void ps_http_request_peer(const ps_http_request *request, uint8_t out_address[16])
{
    memcpy(out_address, request->peer, sizeof request->peer);
}

ps_slice ps_http_request_identity(const ps_http_request *request)
{
    bool has_tls = request->conn != NULL && request->conn->tls != NULL;
    return has_tls ? ps_tls_identity(request->conn->tls) : (ps_slice){NULL, 0};
}

bool ps_http_request_is_by_admin(const ps_http_request *request)
{
    return request->is_by_admin;
}

uint64_t ps_http_request_connection(const ps_http_request *request)
{
    return request->connection_id;
}

ps_http_loop *ps_http_request_loop(const ps_http_request *request)
{
    return request->loop;
}

int64_t ps_http_request_received_ns(const ps_http_request *request)
{
    return request->received_ns;
}

void *ps_http_request_state(ps_http_request *request)
{
    return request->state;
}

bool ps_http_request_is_orphan(const ps_http_request *request)
{
    return request->conn == NULL || request->conn->broken;
}

void ps_http_request_set_body_max(ps_http_request *request, size_t body_size_max)
{
    PS_ASSERT(request->is_in_on_head);
    size_t highest = request->loop->options->body_size_max_highest;
    request->body_size_max = body_size_max < highest ? body_size_max : highest;
}
