#include "serve/card_number.h"

#include "serve/api.h"

enum { CARD_DIGITS_MIN = 13, CARD_DIGITS_MAX = 19 };

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool is_gap(char c)
{
    return c == ' ' || c == '-';
}
static inline bool is_letter(char c)
{
    return (char)(c | 0x20) >= 'a' && (char)(c | 0x20) <= 'z';
}
static inline bool is_hex_letter(char c)
{
    return (char)(c | 0x20) >= 'a' && (char)(c | 0x20) <= 'f';
}
/* A word ends at start, end, and whatever is no letter or digit. */
static bool is_word_char(ps_slice text, size_t at)
{
    return at < text.size && (is_digit(text.data[at]) || is_letter(text.data[at]));
}
static bool is_word_start(ps_slice text, size_t at)
{
    return at == 0 || !is_word_char(text, at - 1);
}

/* ── shapes that are let through ── */

static bool uuid_at(ps_slice text, size_t at)
{
    enum { UUID_SIZE = 36 };
    if (text.size - at < UUID_SIZE || !is_word_start(text, at) ||
        is_word_char(text, at + UUID_SIZE)) {
        return false;
    }
    int letters = 0;
    for (size_t i = 0; i < UUID_SIZE; i++) {
        char c = text.data[at + i];
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? c != '-' : !is_digit(c) && !is_hex_letter(c)) {
            return false;
        }
        letters += !is_dash && !is_digit(c);
    }
    return letters > 0;
}

static bool is_in_uuid(ps_slice text, size_t start, size_t end)
{
    for (size_t at = end > 36 ? end - 36 : 0; at <= start; at++) {
        if (uuid_at(text, at)) {
            return true;
        }
    }
    return false;
}

static bool is_in_digest(ps_slice text, size_t start, size_t end)
{
    int letters = 0;
    while (!is_word_start(text, start)) {
        start--;
    }
    while (is_word_char(text, end)) {
        end++;
    }
    for (size_t i = start; i < end; i++) {
        if (!is_digit(text.data[i]) && !is_hex_letter(text.data[i])) {
            return false;
        }
        letters += !is_digit(text.data[i]);
    }
    size_t size = end - start;
    return letters >= 4 && (size == 32 || size == 40 || size == 64);
}

static bool is_in_own_id(ps_slice text, size_t start, size_t end)
{
    static const char *const prefixes[] = {"pay", "re",   "dp",  "trx", "tr", "set",
                                           "evt", "risk", "key", "req", "sim"};
    size_t body = start;
    while (!is_word_start(text, body)) {
        body--;
    }
    ps_u128 value;
    if (body == 0 || text.data[body - 1] != '_' || text.size - body < PS_ID128_CHARS ||
        end > body + PS_ID128_CHARS || is_word_char(text, body + PS_ID128_CHARS) ||
        !ps_id128_parse(ps_slice_of(text.data + body, PS_ID128_CHARS), &value)) {
        return false;
    }
    size_t prefix = body - 1;
    while (!is_word_start(text, prefix)) {
        prefix--;
    }
    ps_slice word = ps_slice_of(text.data + prefix, body - 1 - prefix);
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (ps_slice_equal(word, ps_slice_text(prefixes[i]))) {
            return true;
        }
    }
    return false;
}

/* ── digits ── */

/* The end of a card number that begins at `start`, the first digit of a group, and ends before
 * `run_end`; 0: none. Luhn doubles every second digit from the right: which ones is known only at
 * the end, so both sums are kept. */
static size_t card_number_end(ps_slice text, size_t start, size_t run_end, bool is_own_id_legal)
{
    static const uint8_t doubled[10] = {0, 2, 4, 6, 8, 1, 3, 5, 7, 9};
    unsigned even_doubled = 0;
    unsigned odd_doubled = 0;
    unsigned count = 0;
    for (size_t at = start; at < run_end && count < CARD_DIGITS_MAX; at++) {
        if (!is_digit(text.data[at])) {
            continue;
        }
        unsigned digit = (unsigned)(text.data[at] - '0');
        even_doubled += count % 2 == 0 ? doubled[digit] : digit;
        odd_doubled += count % 2 == 1 ? doubled[digit] : digit;
        count++;
        bool is_group_end = at + 1 == run_end || !is_digit(text.data[at + 1]);
        unsigned sum = count % 2 == 0 ? even_doubled : odd_doubled;
        if (!is_group_end || count < CARD_DIGITS_MIN || sum % 10 != 0) {
            continue;
        }
        size_t end = at + 1;
        if (!is_in_uuid(text, start, end) && !is_in_digest(text, start, end) &&
            !(is_own_id_legal && is_in_own_id(text, start, end))) {
            return end;
        }
    }
    return 0;
}

/* A run: digits with single gaps between, as long as it goes. */
static bool run_has_card_number(ps_slice text, size_t start, size_t end, bool is_own_id_legal)
{
    for (size_t at = start; at < end; at++) {
        bool is_group_start = at == start || !is_digit(text.data[at - 1]);
        if (is_group_start && is_digit(text.data[at]) &&
            card_number_end(text, at, end, is_own_id_legal) != 0) {
            return true;
        }
    }
    return false;
}

static bool is_run_char(ps_slice text, size_t at)
{
    return is_digit(text.data[at]) ||
           (is_gap(text.data[at]) && at > 0 && is_digit(text.data[at - 1]));
}

/* A run of 13 digits takes at least 13 bytes, so looking at every 13th byte meets each one. */
static bool has_card_number(ps_slice text, bool is_own_id_legal)
{
    size_t probe = CARD_DIGITS_MIN - 1;
    while (probe < text.size) {
        if (!is_run_char(text, probe)) {
            probe += CARD_DIGITS_MIN;
            continue;
        }
        size_t start = probe;
        while (start > 0 && is_run_char(text, start - 1)) {
            start--;
        }
        size_t end = probe;
        while (end < text.size && is_run_char(text, end)) {
            end++;
        }
        if (end - start >= CARD_DIGITS_MIN &&
            run_has_card_number(text, start, end, is_own_id_legal)) {
            return true;
        }
        probe = end + CARD_DIGITS_MIN;
    }
    return false;
}

bool ps_text_has_card_number(ps_slice text)
{
    return has_card_number(text, true);
}

bool ps_chosen_id_has_card_number(ps_slice id)
{
    return has_card_number(id, false);
}

bool ps_number_has_card_number(ps_slice number)
{
    char digits[64];
    size_t size = 0;
    size_t at = number.size > 0 && number.data[0] == '-';
    for (; at < number.size && (is_digit(number.data[at]) || number.data[at] == '.'); at++) {
        if (number.data[at] == '.') {
            if (has_card_number(ps_slice_of(digits, size), false)) {
                return true;
            }
            continue;
        }
        if (size == sizeof digits) {
            return false;
        }
        digits[size++] = number.data[at];
    }
    return has_card_number(ps_slice_of(digits, size), false);
}

/* ── keys ── */

#define WORD(text)                                                                                 \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }

/* Words are compared by their letters and digits, in lower case. */
static const ps_slice secret_words[] = {
    WORD("cvv"),    WORD("cvv2"),   WORD("cvc"),       WORD("cvc2"),     WORD("cav2"),
    WORD("cvn"),    WORD("csc"),    WORD("pin"),       WORD("pinblock"), WORD("track1"),
    WORD("track2"), WORD("track3"), WORD("trackdata"), WORD("magstripe")};
static const ps_slice number_words[] = {WORD("number"), WORD("pan"), WORD("cardnumber"),
                                        WORD("primaryaccountnumber"), WORD("fullpan")};

static bool is_among(ps_slice word, const ps_slice *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (words[i].size == word.size && words[i].data[0] == word.data[0] &&
            memcmp(words[i].data, word.data, word.size) == 0) {
            return true;
        }
    }
    return false;
}

bool ps_key_is_card_secret(ps_slice key, bool in_instrument)
{
    char word[32];
    size_t size = 0;
    for (size_t i = 0; i < key.size && size < sizeof word; i++) {
        char c = key.data[i];
        if (is_letter(c) || is_digit(c)) {
            word[size++] = is_letter(c) ? (char)(c | 0x20) : c;
        }
    }
    if (size == 0) {
        return false;
    }
    ps_slice plain = ps_slice_of(word, size);
    return is_among(plain, secret_words, sizeof secret_words / sizeof secret_words[0]) ||
           ps_slice_has_prefix(plain, PS_SLICE("cardverification")) ||
           ps_slice_has_prefix(plain, PS_SLICE("cardsecuritycode")) ||
           (in_instrument &&
            is_among(plain, number_words, sizeof number_words / sizeof number_words[0]));
}
