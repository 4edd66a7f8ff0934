/* Match face: the rows of a pattern's runs as ps_rows for the user's functions. */
#ifndef PS_API_MATCH_FACE_H
#define PS_API_MATCH_FACE_H

#include "api/row_handle.h"
#include "cep/match_view.h"
#include "flow/one_row.h"
#include "paystream/cep.h"

/* Scratch of one matcher; ps_cep_query.user points to it (or to what begins with it). */
typedef struct {
    const ps_shape *shape; /* of the rows matched */
    ps_one_row under_test, matched;
} ps_match_face;

struct ps_matched {
    ps_match_face *face;
    const ps_cep_view *view;
    ps_row row; /* given out last */
};

/* In the arena, where it stays. */
PS_CHECKED ps_code ps_match_face_init(ps_match_face *face, ps_arena *arena, const ps_shape *shape,
                                      ps_error *err);
/* The function of every condition: asks its terms; user: ps_pattern_terms. */
bool ps_match_face_ask(void *user, const ps_cep_view *view);
/* A match, for the user's functions. The match holds a pointer into itself: never copied. */
void ps_match_face_begin(struct ps_matched *matched, ps_match_face *face, const ps_cep_view *view);

#endif
