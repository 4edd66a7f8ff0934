#include "base/money.h"

#include <assert.h>

/* ── currencies ── */

/* The order is the number stored in the journal: append, never reorder, never remove. */
/* clang-format off */
#define CURRENCIES(row) \
    row(A, E, D, 2) row(A, F, N, 2) row(A, L, L, 2) row(A, M, D, 2) \
    row(A, O, A, 2) row(A, R, S, 2) row(A, U, D, 2) row(A, W, G, 2) \
    row(A, Z, N, 2) row(B, A, M, 2) row(B, B, D, 2) row(B, D, T, 2) \
    row(B, G, N, 2) row(B, H, D, 3) row(B, I, F, 0) row(B, M, D, 2) \
    row(B, N, D, 2) row(B, O, B, 2) row(B, O, V, 2) row(B, R, L, 2) \
    row(B, S, D, 2) row(B, T, N, 2) row(B, W, P, 2) row(B, Y, N, 2) \
    row(B, Z, D, 2) row(C, A, D, 2) row(C, D, F, 2) row(C, H, E, 2) \
    row(C, H, F, 2) row(C, H, W, 2) row(C, L, F, 4) row(C, L, P, 0) \
    row(C, N, Y, 2) row(C, O, P, 2) row(C, O, U, 2) row(C, R, C, 2) \
    row(C, U, P, 2) row(C, V, E, 2) row(C, Z, K, 2) row(D, J, F, 0) \
    row(D, K, K, 2) row(D, O, P, 2) row(D, Z, D, 2) row(E, G, P, 2) \
    row(E, R, N, 2) row(E, T, B, 2) row(E, U, R, 2) row(F, J, D, 2) \
    row(F, K, P, 2) row(G, B, P, 2) row(G, E, L, 2) row(G, H, S, 2) \
    row(G, I, P, 2) row(G, M, D, 2) row(G, N, F, 0) row(G, T, Q, 2) \
    row(G, Y, D, 2) row(H, K, D, 2) row(H, N, L, 2) row(H, T, G, 2) \
    row(H, U, F, 2) row(I, D, R, 2) row(I, L, S, 2) row(I, N, R, 2) \
    row(I, Q, D, 3) row(I, R, R, 2) row(I, S, K, 0) row(J, M, D, 2) \
    row(J, O, D, 3) row(J, P, Y, 0) row(K, E, S, 2) row(K, G, S, 2) \
    row(K, H, R, 2) row(K, M, F, 0) row(K, P, W, 2) row(K, R, W, 0) \
    row(K, W, D, 3) row(K, Y, D, 2) row(K, Z, T, 2) row(L, A, K, 2) \
    row(L, B, P, 2) row(L, K, R, 2) row(L, R, D, 2) row(L, S, L, 2) \
    row(L, Y, D, 3) row(M, A, D, 2) row(M, D, L, 2) row(M, G, A, 2) \
    row(M, K, D, 2) row(M, M, K, 2) row(M, N, T, 2) row(M, O, P, 2) \
    row(M, R, U, 2) row(M, U, R, 2) row(M, V, R, 2) row(M, W, K, 2) \
    row(M, X, N, 2) row(M, X, V, 2) row(M, Y, R, 2) row(M, Z, N, 2) \
    row(N, A, D, 2) row(N, G, N, 2) row(N, I, O, 2) row(N, O, K, 2) \
    row(N, P, R, 2) row(N, Z, D, 2) row(O, M, R, 3) row(P, A, B, 2) \
    row(P, E, N, 2) row(P, G, K, 2) row(P, H, P, 2) row(P, K, R, 2) \
    row(P, L, N, 2) row(P, Y, G, 0) row(Q, A, R, 2) row(R, O, N, 2) \
    row(R, S, D, 2) row(R, U, B, 2) row(R, W, F, 0) row(S, A, R, 2) \
    row(S, B, D, 2) row(S, C, R, 2) row(S, D, G, 2) row(S, E, K, 2) \
    row(S, G, D, 2) row(S, H, P, 2) row(S, L, E, 2) row(S, O, S, 2) \
    row(S, R, D, 2) row(S, S, P, 2) row(S, T, N, 2) row(S, V, C, 2) \
    row(S, Y, P, 2) row(S, Z, L, 2) row(T, H, B, 2) row(T, J, S, 2) \
    row(T, M, T, 2) row(T, N, D, 3) row(T, O, P, 2) row(T, R, Y, 2) \
    row(T, T, D, 2) row(T, W, D, 2) row(T, Z, S, 2) row(U, A, H, 2) \
    row(U, G, X, 0) row(U, S, D, 2) row(U, S, N, 2) row(U, Y, I, 0) \
    row(U, Y, U, 2) row(U, Y, W, 4) row(U, Z, S, 2) row(V, E, D, 2) \
    row(V, E, S, 2) row(V, N, D, 0) row(V, U, V, 0) row(W, S, T, 2) \
    row(X, A, F, 0) row(X, C, D, 2) row(X, C, G, 2) row(X, O, F, 0) \
    row(X, P, F, 0) row(Y, E, R, 2) row(Z, A, R, 2) row(Z, M, W, 2) \
    row(Z, W, G, 2)
/* clang-format on */

typedef struct {
    char code[4];
    int exponent;
} currency_row;

static const currency_row currencies[] = {
#define ROW(a, b, c, exponent) {#a #b #c, exponent},
    CURRENCIES(ROW)
#undef ROW
};

enum {
#define NUMBER(a, b, c, exponent) NUMBER_##a##b##c,
    CURRENCIES(NUMBER)
#undef NUMBER
        CURRENCY_COUNT
};

/* clang-format off */
enum {
    LETTER_A, LETTER_B, LETTER_C, LETTER_D, LETTER_E, LETTER_F, LETTER_G, LETTER_H, LETTER_I,
    LETTER_J, LETTER_K, LETTER_L, LETTER_M, LETTER_N, LETTER_O, LETTER_P, LETTER_Q, LETTER_R,
    LETTER_S, LETTER_T, LETTER_U, LETTER_V, LETTER_W, LETTER_X, LETTER_Y, LETTER_Z,
    LETTER_COUNT
};
/* clang-format on */

#define CODE_KEY(first, second, third) (((first)*LETTER_COUNT + (second)) * LETTER_COUNT + (third))

/* Number + 1 by code; 0: not a listed code. One look-up, since each payment names a currency. */
static const uint8_t number_by_code[LETTER_COUNT * LETTER_COUNT * LETTER_COUNT] = {
#define ENTRY(a, b, c, exponent)                                                                   \
    [CODE_KEY(LETTER_##a, LETTER_##b, LETTER_##c)] = NUMBER_##a##b##c + 1,
    CURRENCIES(ENTRY)
#undef ENTRY
};
static_assert(CURRENCY_COUNT < UINT8_MAX, "number_by_code holds one byte a code");

bool ps_currency_parse(ps_slice code, ps_currency *out_currency)
{
    if (code.size != 3) {
        return false;
    }
    for (size_t i = 0; i < 3; i++) {
        if (code.data[i] < 'A' || code.data[i] > 'Z') {
            return false;
        }
    }
    int number =
        number_by_code[CODE_KEY(code.data[0] - 'A', code.data[1] - 'A', code.data[2] - 'A')];
    if (number == 0) {
        return false;
    }
    *out_currency = (ps_currency)(number - 1);
    return true;
}

const char *ps_currency_code(ps_currency currency)
{
    PS_ASSERT(currency < CURRENCY_COUNT);
    return currencies[currency].code;
}

int ps_currency_exponent(ps_currency currency)
{
    PS_ASSERT(currency < CURRENCY_COUNT);
    return currencies[currency].exponent;
}

size_t ps_currency_count(void)
{
    return CURRENCY_COUNT;
}

/* ── splits ── */

/* How much of total × weight ÷ sum is left after `part` whole units; 0 … sum − 1. */
static int64_t split_remainder(int64_t total, int64_t weight, int64_t sum, int64_t part)
{
    return (int64_t)((ps_i128)total * weight - (ps_i128)part * sum);
}

static size_t count_remainders_above(int64_t total, const int64_t *weights, size_t count,
                                     int64_t sum, const int64_t *parts, int64_t limit)
{
    size_t above = 0;
    for (size_t i = 0; i < count; i++) {
        above += split_remainder(total, weights[i], sum, parts[i]) > limit;
    }
    return above;
}

bool ps_amount_split(int64_t total, const int64_t *weights, size_t count, int64_t *out_parts)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (weights[i] < 0 || !ps_amount_add(sum, weights[i], &sum)) {
            return false;
        }
    }
    if (sum == 0 || total < 0) {
        return false;
    }
    int64_t left = total;
    for (size_t i = 0; i < count; i++) {
        out_parts[i] = (int64_t)((ps_i128)total * weights[i] / sum);
        left -= out_parts[i];
    }
    /* One unit more to each of the `left` (< count) largest remainders. The smallest limit that not
     * more than `left` remainders exceed separates them without a sort or memory. */
    int64_t low = 0;
    int64_t high = sum - 1;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        size_t above = count_remainders_above(total, weights, count, sum, out_parts, middle);
        if (above <= (size_t)left) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    int64_t ties =
        left - (int64_t)count_remainders_above(total, weights, count, sum, out_parts, low);
    for (size_t i = 0; i < count; i++) {
        int64_t remainder = split_remainder(total, weights[i], sum, out_parts[i]);
        bool tie = remainder == low && ties > 0;
        ties -= tie;
        out_parts[i] += remainder > low || tie;
    }
    return true;
}

/* ── decimal text ── */

void ps_buf_append_i128(ps_buf *buf, ps_i128 value)
{
    char digits[40];
    size_t start = sizeof digits;
    unsigned __int128 rest = (unsigned __int128)value;
    if (value < 0) {
        rest = 0 - rest;
    }
    do {
        digits[--start] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        digits[--start] = '-';
    }
    ps_buf_append(buf, digits + start, sizeof digits - start);
}

enum { EXPONENT_MAX = 4 };

static uint64_t units_per_major(int exponent)
{
    static const uint64_t powers[EXPONENT_MAX + 1] = {1, 10, 100, 1000, 10000};
    PS_ASSERT(exponent >= 0 && exponent <= EXPONENT_MAX);
    return powers[exponent];
}

void ps_buf_append_decimal(ps_buf *buf, int64_t minor_units, int exponent)
{
    uint64_t unit = units_per_major(exponent);
    uint64_t magnitude = (uint64_t)minor_units;
    if (minor_units < 0) {
        magnitude = 0 - magnitude;
        ps_buf_append_char(buf, '-');
    }
    ps_buf_append_u64(buf, magnitude / unit);
    if (exponent > 0) {
        ps_buf_append_char(buf, '.');
        for (uint64_t digit = unit / 10; digit > 0; digit /= 10) {
            ps_buf_append_char(buf, (char)('0' + magnitude / digit % 10));
        }
    }
}

bool ps_decimal_parse(ps_slice text, int exponent, int64_t *out_minor_units)
{
    uint64_t unit = units_per_major(exponent);
    bool negative = text.size > 0 && text.data[0] == '-';
    ps_slice rest = negative ? ps_slice_of(text.data + 1, text.size - 1) : text;
    const char *point = rest.size > 0 ? memchr(rest.data, '.', rest.size) : NULL;
    size_t whole_size = point != NULL ? (size_t)(point - rest.data) : rest.size;
    uint64_t magnitude;
    if (!ps_parse_u64(ps_slice_of(rest.data, whole_size), &magnitude) ||
        __builtin_mul_overflow(magnitude, unit, &magnitude)) {
        return false;
    }
    if (point != NULL) {
        size_t digits = rest.size - whole_size - 1;
        if (digits == 0 || digits > (size_t)exponent) {
            return false;
        }
        for (size_t i = 0; i < digits; i++) {
            char c = point[1 + i];
            unit /= 10;
            if (c < '0' || c > '9' ||
                __builtin_add_overflow(magnitude, (uint64_t)(c - '0') * unit, &magnitude)) {
                return false;
            }
        }
    }
    if (magnitude > (uint64_t)INT64_MAX + negative) {
        return false;
    }
    *out_minor_units = (int64_t)(negative ? 0 - magnitude : magnitude);
    return true;
}
