/* Objects as JSON: the shapes of CONTRACT §2.1, each from the effect that holds its state and the
 * texts of the record that created it. Inside of render_*.c; everybody else uses api.h.
 *
 * Invariants
 *   - what is shown is a function of records alone: a replay after a restart gives the same bytes
 *   - a record that is read through the source is borrowed until the next read: an object function
 *     reads at most one record besides the view, and is done with it when it returns
 *   - nothing is escaped twice: metadata and risk data lie in records as canonical JSON
 */
#ifndef PS_SERVE_RENDER_OBJECT_H
#define PS_SERVE_RENDER_OBJECT_H

#include "serve/api.h"
#include "serve/effect_member.h"

/* Where durable records come from: the journal's cursor, or a table of a test. The payload is
 * borrowed until the next call. PS_E_MISSING: not durable yet, or pruned. */
typedef struct {
    void *context;
    ps_code (*read)(void *context, uint64_t seq, ps_slice *out_payload, ps_error *err);
} ps_record_source;

/* Names of ledger accounts by number; immutable once given, so that any thread may ask. */
typedef struct {
    void *context;
    bool (*get)(void *context, uint32_t account, ps_slice *out_name, ps_currency *out_currency);
} ps_account_names;

struct ps_renderer {
    ps_record_source source;
    ps_account_names names; /* get may be NULL: numbers are shown as "account:N" */
    ps_u128 instance;
    ps_journal_cursor *cursor; /* owned; NULL in tests */
    ps_buf walk;               /* copy of the record that a walk stands on */
    ps_buf scratch;            /* objects of lists that are put in another order */
};

PS_CHECKED ps_code ps_renderer_new_from(ps_record_source source, ps_u128 instance,
                                        ps_renderer **out_renderer, ps_error *err);
void ps_renderer_set_names(ps_renderer *renderer, ps_account_names names);

/* The record that an effect is shown from: its own texts are taken from here when it is also the
 * origin. payload empty: there is none (a query's struct). */
typedef struct {
    uint64_t seq;
    ps_slice payload;
} ps_record_view;

/* Reads record `seq` into the renderer's walk buffer, where it stays until the next walk_to. */
PS_CHECKED ps_code ps_renderer_walk_to(ps_renderer *renderer, uint64_t seq,
                                       ps_record_view *out_view, ps_error *err);

/* ── pieces ── */

#define PS_PUT(buf, literal) ps_buf_append((buf), (literal), sizeof(literal) - 1)
/* A quoted, escaped JSON string (RFC 8259 §7); `text` is valid UTF-8. */
void ps_render_text(ps_buf *out, ps_slice text);
void ps_render_text_or_null(ps_buf *out, ps_slice text);
void ps_render_time(ps_buf *out, int64_t time_ns);         /* quoted */
void ps_render_time_or_null(ps_buf *out, int64_t time_ns); /* 0: null */
void ps_render_id(const ps_renderer *renderer, ps_buf *out, ps_id_kind kind, uint64_t number,
                  int64_t created_ns);
void ps_render_request_id(ps_buf *out, ps_u128 request_id);

/* ── objects: one JSON object each, appended to `out` ── */

PS_CHECKED ps_code ps_render_payment(ps_renderer *renderer, ps_record_view view,
                                     const ps_effect_payment *payment, ps_buf *out, ps_error *err);
/* A text that the object was created with, as it is stored; empty when it has none. `effect` is the
 * object's, any version. Borrowed until the next read. */
PS_CHECKED ps_code ps_origin_text(ps_renderer *renderer, const ps_effect_head *effect,
                                  uint64_t origin_seq, ps_text_field field, ps_slice *out_text,
                                  ps_error *err);
PS_CHECKED ps_code ps_render_refund(ps_renderer *renderer, ps_record_view view,
                                    const ps_effect_refund *refund, ps_buf *out, ps_error *err);
PS_CHECKED ps_code ps_render_dispute(ps_renderer *renderer, ps_record_view view,
                                     const ps_effect_dispute *dispute, ps_buf *out, ps_error *err);
PS_CHECKED ps_code ps_render_settlement(ps_renderer *renderer, ps_record_view view,
                                        const ps_effect_settlement *settlement, ps_buf *out,
                                        ps_error *err);
PS_CHECKED ps_code ps_render_transfer(ps_renderer *renderer, ps_record_view view,
                                      const ps_effect_transfer *transfer, ps_buf *out,
                                      ps_error *err);
/* Its reason comes from the texts beside it in the view. `status`: as it is now. */
PS_CHECKED ps_code ps_render_trade(ps_renderer *renderer, ps_record_view view,
                                   const ps_effect_trade *trade, ps_trade_status status,
                                   ps_buf *out, ps_error *err);
void ps_render_risk_event(ps_renderer *renderer, ps_record_view view,
                          const ps_effect_risk_event *risk_event, ps_buf *out);
PS_CHECKED ps_code ps_render_key(ps_renderer *renderer, ps_record_view view,
                                 const ps_effect_key *key, ps_buf *out, ps_error *err);
void ps_render_account(const ps_account *account, ps_slice name, ps_buf *out);

/* ── effects ── */

/* The effect, which is an event of its book, as {id, object:"event", type, sequence, created,
 * data:{object:…}}. */
PS_CHECKED ps_code ps_render_event(ps_renderer *renderer, ps_record_view view,
                                   const ps_effect_head *effect, ps_buf *out, ps_error *err);
/* Any effect that can be an event or a reply, as its object. PS_E_DAMAGED: not such a one. */
PS_CHECKED ps_code ps_render_effect(ps_renderer *renderer, ps_record_view view,
                                    const ps_effect_head *effect, ps_buf *out, ps_error *err);

#endif
