/* Events from the journal: pages of GET /v1/events, and server-sent events (WHATWG HTML §9.2).
 *
 * A stream is a place in the journal: the next record to read, and the last sequence that was sent.
 * It reads by the loop's cursor whatever is durable, a bounded number of records a turn, and stops
 * when its peer takes no more; nothing is buffered and nothing is dropped: a slow peer reads later
 * what others read now. What it sends is cut at whole events, so that Last-Event-ID resumes
 * exactly.
 */
#include <stdlib.h>

#include "base/time.h"
#include "serve/service_internal.h"

enum {
    RECORDS_PER_TURN = 128,
    LIST_RECORDS_MAX = 20000, /* looked at for one page; the next page goes on */
    COMMENT_EVERY_S = 15
};

struct ps_stream {
    ps_http_request *request;
    uint32_t book;
    uint64_t after;    /* sequence of the last event that was sent */
    uint64_t next_seq; /* record to read */
    int64_t sent_ns;   /* monotonic: of the newest bytes */
    bool is_blocked;   /* the peer takes no more for now */
    ps_stream *previous, *next;
};

/* ── reading ── */

/* The record `seq`, by the loop's shared cursor. PS_E_MISSING: not durable. */
static ps_code event_record(ps_service_loop *loop, uint64_t seq, ps_record *out_record,
                            ps_error *err)
{
    ps_code code = PS_OK;
    if (loop->stream_cursor_next != seq) {
        code = ps_journal_cursor_seek(loop->stream_cursor, seq, err);
    }
    if (code == PS_OK) {
        code = ps_journal_cursor_next(loop->stream_cursor, out_record, err);
    }
    loop->stream_cursor_next = code == PS_OK ? seq + 1 : 0;
    if (code == PS_OK && !ps_record_check(out_record->payload)) {
        return ps_error_set(err, PS_E_DAMAGED, "journal record %llu has a form that is not known",
                            (unsigned long long)seq);
    }
    return code;
}

/* ── pages ── */

typedef struct {
    ps_buf *out;
    ps_slice type; /* empty: all */
    uint64_t last; /* sequence of the last event looked at */
    uint32_t count, limit;
    bool has_more;
} event_page;

static void page_emit(void *context, ps_event_type type, uint64_t sequence, ps_slice json)
{
    event_page *page = context;
    if (page->has_more) {
        return;
    }
    bool is_asked =
        page->type.size == 0 || ps_slice_equal(page->type, ps_slice_text(ps_event_name(type)));
    if (is_asked && page->count == page->limit) {
        page->has_more = true;
        return;
    }
    page->last = sequence;
    if (is_asked) {
        if (page->count > 0) {
            ps_buf_append_char(page->out, ',');
        }
        ps_buf_append_slice(page->out, json);
        page->count++;
    }
}

/* next_cursor is the `after` of the next page. */
static void page_end(const event_page *page)
{
    if (!page->has_more) {
        PS_PUT(page->out, "],\"has_more\":false,\"next_cursor\":null}");
        return;
    }
    PS_PUT(page->out, "],\"has_more\":true,\"next_cursor\":\"");
    ps_buf_append_u64(page->out, page->last);
    PS_PUT(page->out, "\"}");
}

ps_code ps_events_render(ps_service_loop *loop, ps_job *job, ps_error *err)
{
    const ps_query *query = &job->query;
    event_page page = {
        .out = &job->reply, .type = query->target, .last = query->after, .limit = query->limit};
    const ps_event_sink sink = {query->book, query->after, page_emit, &page};
    uint64_t seq = job->query_result.seq;
    PS_PUT(&job->reply, "{\"data\":[");
    for (uint32_t i = 0; job->query_result.found && !page.has_more; i++) {
        if (i == LIST_RECORDS_MAX) {
            page.has_more = true;
            break;
        }
        ps_record record;
        ps_code code = event_record(loop, seq + i, &record, err);
        if (code == PS_E_MISSING) {
            break; /* the end of what is durable */
        }
        if (code == PS_OK && ps_record_head(record.payload)->book == query->book) {
            code = ps_render_events(loop->renderer, record.seq, record.payload, &sink, err);
        }
        if (code != PS_OK) {
            return code;
        }
    }
    page_end(&page);
    return PS_OK;
}

/* ── streams ── */

bool ps_stream_begin(ps_service_loop *loop, const ps_job *job)
{
    ps_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        return false;
    }
    ps_request_state *state = ps_http_request_state(job->request);
    stream->request = job->request;
    stream->book = job->query.book;
    stream->after = job->query.after;
    stream->next_seq =
        job->query_result.found ? job->query_result.seq : job->query_result.observed_seq + 1;
    stream->sent_ns = ps_http_loop_now_ns(loop->http);
    stream->next = loop->streams;
    if (loop->streams != NULL) {
        loop->streams->previous = stream;
    }
    loop->streams = stream;
    state->stream = stream;
    atomic_fetch_add_explicit(&loop->metrics.streams, 1, memory_order_relaxed);
    ps_http_stream_begin(job->request, 200, PS_SLICE("text/event-stream"),
                         ps_loop_headers(loop, state, PS_SLICE("Cache-Control: no-store\r\n")));
    if (!ps_http_stream_write(job->request, PS_SLICE("retry: 1000\n\n"))) {
        stream->is_blocked = true;
    }
    ps_http_loop_wake(loop->http); /* streams run after the answers of this turn */
    return true;
}

void ps_stream_end(ps_service_loop *loop, ps_stream *stream)
{
    ps_http_request *request = stream->request;
    ps_request_state *state = ps_http_request_state(request);
    if (stream->previous != NULL) {
        stream->previous->next = stream->next;
    } else {
        loop->streams = stream->next;
    }
    if (stream->next != NULL) {
        stream->next->previous = stream->previous;
    }
    free(stream);
    state->stream = NULL;
    atomic_fetch_sub_explicit(&loop->metrics.streams, 1, memory_order_relaxed);
    ps_loop_request_end(loop, request, 200);
    ps_http_stream_end(request);
}

typedef struct {
    ps_service_loop *loop;
    ps_stream *stream;
} stream_turn;

static void stream_emit(void *context, ps_event_type type, uint64_t sequence, ps_slice json)
{
    const stream_turn *turn = context;
    ps_stream *stream = turn->stream;
    ps_buf *out = &turn->loop->body;
    if (stream->is_blocked) {
        return;
    }
    ps_buf_clear(out);
    PS_PUT(out, "event: ");
    ps_buf_append_text(out, ps_event_name(type));
    PS_PUT(out, "\nid: ");
    ps_buf_append_u64(out, sequence);
    PS_PUT(out, "\ndata: ");
    ps_buf_append_slice(out, json);
    PS_PUT(out, "\n\n");
    if (!ps_http_stream_write(stream->request, ps_buf_slice(out))) {
        stream->is_blocked = true;
        return;
    }
    stream->after = sequence;
    stream->sent_ns = ps_http_loop_now_ns(turn->loop->http);
}

/* False: there is more to read for it. A fault ends the stream: the client resumes by its last id.
 */
static bool stream_run(ps_service_loop *loop, ps_stream *stream)
{
    uint64_t durable_seq = ps_journal_durable_seq(loop->service->journal);
    stream_turn turn = {loop, stream};
    for (uint32_t i = 0; i < RECORDS_PER_TURN; i++) {
        ps_record record;
        ps_error err;
        if (stream->is_blocked || stream->next_seq > durable_seq) {
            return true;
        }
        ps_code code = event_record(loop, stream->next_seq, &record, &err);
        if (code == PS_OK && ps_record_head(record.payload)->book == stream->book) {
            const ps_event_sink sink = {stream->book, stream->after, stream_emit, &turn};
            code = ps_render_events(loop->renderer, record.seq, record.payload, &sink, &err);
        }
        if (code != PS_OK) {
            ps_loop_metrics_refused(&loop->metrics, "stream_failed");
            ps_stream_end(loop, stream);
            return true;
        }
        if (!stream->is_blocked) {
            stream->next_seq++;
        }
    }
    return stream->next_seq > durable_seq;
}

void ps_streams_run(ps_service_loop *loop)
{
    bool has_more = false;
    for (ps_stream *stream = loop->streams; stream != NULL;) {
        ps_stream *next = stream->next;
        has_more = !stream_run(loop, stream) || has_more;
        stream = next;
    }
    if (has_more) {
        ps_http_loop_wake(loop->http);
    }
}

void ps_streams_tick(ps_service_loop *loop)
{
    int64_t now_ns = ps_http_loop_now_ns(loop->http);
    for (ps_stream *stream = loop->streams; stream != NULL;) {
        ps_stream *next = stream->next;
        if (now_ns - stream->sent_ns >= COMMENT_EVERY_S * PS_NS_PER_S &&
            ps_http_stream_write(stream->request, PS_SLICE(": \n\n"))) {
            stream->sent_ns = now_ns;
        }
        stream = next;
    }
}

void ps_stream_writable(ps_service_loop *loop, ps_stream *stream)
{
    stream->is_blocked = false;
    if (!stream_run(loop, stream)) {
        ps_http_loop_wake(loop->http);
    }
}
