/* Card numbers and card secrets: what must be refused before one byte of it is kept (FAULTS S-C1,
 * CONTRACT §2.1).
 *
 * A card number is 13 to 19 decimal digits that pass the Luhn check (ISO/IEC 7812-1, annex B), with
 * single blanks or dashes between them. Letters around it do not hide it; in a longer run of
 * groups ("12 4111 1111 1111 1111"), every part that begins and ends with a group counts; 20 digits
 * without a gap are none.
 *
 * Three shapes are let through although their digits may pass by chance, because they are what
 * honest clients send as keys and references: UUIDs (8-4-4-4-12 hexadecimal with a letter), hex
 * digests of 32, 40 or 64 characters with at least four letters, and ids that Paystream made
 * (prefix and 26 characters). One in some hundred random UUIDs would be refused otherwise.
 */
#ifndef PS_SERVE_CARD_NUMBER_H
#define PS_SERVE_CARD_NUMBER_H

#include "base/bytes.h"

/* ps_text_has_card_number is declared in serve/api.h. */

/* The same without letting ids of our own shape through: for an id that a client chooses. */
bool ps_chosen_id_has_card_number(ps_slice id);

/* A JSON number: its digits, and its integer part alone. */
bool ps_number_has_card_number(ps_slice number);

/* Keys that name a secret which must never be stored: cvv, cvc, cvv2, card_verification_value, pin,
 * track1, …; `in_instrument` adds number, pan, card_number. Case, '_', '-' and blanks do not
 * matter. */
bool ps_key_is_card_secret(ps_slice key, bool in_instrument);

#endif
