#include "api/match_face.h"

#include "api/pattern_build.h"

ps_code ps_match_face_init(ps_match_face *face, ps_arena *arena, const ps_shape *shape,
                           ps_error *err)
{
    face->shape = shape;
    ps_code code = ps_one_row_init(&face->under_test, arena, shape->total_count, err);
    return code == PS_OK ? ps_one_row_init(&face->matched, arena, shape->total_count, err) : code;
}

/* A kept row into a batch of one row; texts borrow from the state. */
static ps_row load(const ps_match_face *face, const ps_cep_view *view, uint32_t ref,
                   ps_one_row *into)
{
    const ps_match_rows *rows = ps_cep_view_rows(view);
    for (uint32_t i = 0; i < face->shape->total_count; i++) {
        ps_one_row_set(into, i, face->shape->classes[i], ps_match_row_get(rows, ref, i));
    }
    return (ps_row){.batch = &into->batch, .shape = face->shape};
}

void ps_match_face_begin(ps_matched *matched, ps_match_face *face, const ps_cep_view *view)
{
    *matched = (ps_matched){.face = face, .view = view};
}

/* ── conditions ── */

bool ps_match_face_ask(void *user, const ps_cep_view *view)
{
    const ps_pattern_terms *terms = user;
    ps_match_face *face = ps_cep_view_user(view);
    ps_row row = {.shape = face->shape};
    row.batch = ps_cep_view_batch(view, &row.at);
    if (row.batch == NULL) {
        row = load(face, view, ps_cep_view_row(view), &face->under_test);
    }
    ps_matched before;
    ps_match_face_begin(&before, face, view);
    bool holds = true;
    for (uint32_t i = 0; i < terms->term_count; i++) {
        const ps_pattern_term *term = &terms->terms[i];
        if (holds == (term->is_or && i > 0)) {
            continue; /* it would change nothing */
        }
        holds = term->test != NULL ? term->test(term->user, &row)
                                   : term->matched(term->user, &row, &before);
    }
    return holds;
}

/* ── what was matched ── */

uint32_t ps_matched_count(const ps_matched *matched, uint32_t stage)
{
    return ps_cep_view_count(matched->view, stage);
}

static const ps_row *give(const ps_matched *matched, uint32_t ref)
{
    if (ref == 0) {
        return NULL;
    }
    ps_row *row = &((ps_matched *)matched)->row; /* the handle is scratch, too */
    *row = load(matched->face, matched->view, ref, &matched->face->matched);
    return row;
}

const ps_row *ps_matched_row(const ps_matched *matched, uint32_t stage, uint32_t index)
{
    return give(matched, ps_cep_view_matched(matched->view, stage, index));
}

const ps_row *ps_matched_last(const ps_matched *matched, uint32_t stage, uint32_t index)
{
    return give(matched, ps_cep_view_matched_last(matched->view, stage, index));
}

int64_t ps_matched_timeout_ms(const ps_matched *matched)
{
    return ps_cep_view_timeout(matched->view);
}
