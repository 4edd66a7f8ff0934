/* What most effects have in common, wherever it lies in them: the number of the object, its book,
 * its place among the events. One table of offsets (effect_member.c) instead of a switch for each.
 */
#ifndef PS_SERVE_EFFECT_MEMBER_H
#define PS_SERVE_EFFECT_MEMBER_H

#include "pay/record.h"

/* Of the object; 0: it has none (legs, texts). */
uint64_t ps_effect_number(const ps_effect_head *effect);
/* When the object was made; 0: it does not say. */
int64_t ps_effect_created_ns(const ps_effect_head *effect);
/* 0: the effect makes no event. */
uint64_t ps_effect_sequence(const ps_effect_head *effect);
/* The book whose sequence it takes a number of; 0 likewise. */
uint32_t ps_effect_event_book(const ps_effect_head *effect);
/* It is about this payment: itself, a refund, a dispute or a trade of it. */
bool ps_effect_is_about(const ps_effect_head *effect, uint32_t payment);

/* The last effect of this object in a record; NULL: none. */
const ps_effect_head *ps_effect_find(ps_slice payload, ps_effect_type type, uint64_t number);
/* Of the first event of a record; 0: it makes none. */
uint64_t ps_record_first_sequence(ps_slice payload);

#endif
