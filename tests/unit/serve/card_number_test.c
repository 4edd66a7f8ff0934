/* Card numbers are found whatever stands around them, and what only looks like one is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "serve/api.h"
#include "serve/card_number.h"

static bool luhn_is_right(const char *digits, size_t count)
{
    int sum = 0;
    for (size_t i = 0; i < count; i++) {
        int digit = digits[count - 1 - i] - '0';
        int twice = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
        sum += i % 2 == 1 ? twice : digit;
    }
    return sum % 10 == 0;
}

/* `count` digits that pass Luhn. */
static void card_make(char *digits, size_t count, unsigned seed)
{
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1103515245u + 12345u;
        digits[i] = (char)('1' + (seed >> 16) % 9);
    }
    digits[count] = 0;
    while (!luhn_is_right(digits, count)) {
        digits[count - 1] = digits[count - 1] == '9' ? '0' : (char)(digits[count - 1] + 1);
    }
}

static bool has_card(const char *text)
{
    return ps_text_has_card_number(ps_slice_text(text));
}

static void lengths_from_13_to_19_are_cards_and_others_are_not(void **state)
{
    (void)state;
    for (size_t count = 10; count <= 22; count++) {
        for (unsigned seed = 1; seed <= 50; seed++) {
            char card[32];
            card_make(card, count, seed);
            assert_int_equal(has_card(card), count >= 13 && count <= 19);
            card[count - 1] = (char)('0' + (card[count - 1] - '0' + 1) % 10);
            assert_false(has_card(card)); /* Luhn no longer passes */
        }
    }
}

static void a_card_is_found_at_any_place_of_a_text(void **state)
{
    (void)state;
    for (size_t count = 13; count <= 19; count++) {
        char card[32];
        card_make(card, count, (unsigned)count);
        for (int before = 0; before < 40; before++) {
            char text[120];
            (void)snprintf(text, sizeof text, "%.*sx%sy", before,
                           "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq", card);
            assert_true(has_card(text));
            (void)snprintf(text, sizeof text, "%.*s %c-%c", before,
                           "12ab34cd56ef78gh90ij12kl34mn56op78qr90st12", card[0], card[1]);
            assert_false(has_card(text));
        }
    }
}

static const char *const cards[] = {
    "4111111111111111",
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "4-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1",
    "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
    "4111 1111-1111 1111",
    "card:4111111111111111",
    "4111111111111111.",
    "(4111111111111111)",
    "a4111111111111111b",
    "4111111111111111 12/28 123",
    "4111111111111111 12",
    "12 4111 1111 1111 1111",
    "4111 1111 1111 1111 123",
    "0 1 4111111111111111 7",
    "378282246310005",
    "3782 822463 10005",
    "4222222222222",
    "6304000000000000",
    "x 4111111111111112 and 4111111111111111",
    "\n4111111111111111\n",
    "é4111111111111111é",
    "550e8400-e29b-41d4-a716-446655440000 4111111111111111",
    "pay_4111111111111111",
    "tok_4111111111111111",
    "4111111111111111_",
    "abcd4111111111111111abcdefabcdefa",
};

static const char *const no_cards[] = {
    "",
    "4111111111111112",
    "411111111111",
    "41111111111111111111",
    "4111  1111  1111  1111",
    "4111--1111--1111--1111",
    "4111.1111.1111.1111",
    "4111/1111/1111/1111",
    "4111,1111,1111,1111",
    "4111_1111_1111_1111",
    "4111 -1111 -1111 -1111",
    "4111a1111b1111c1111",
    "2026-01-31T23:59:59.123Z",
    "2026-01-31 23:59:59",
    "+49 30 1234567",
    "192.168.100.200",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36",
    /* UUIDs, digests and ids of our own whose digits would pass */
    "a1b2c3d4-e5f6-4111-1111-111111111111",
    "order-a1b2c3d4-e5f6-4111-1111-111111111111",
    "abcd4111111111111111abcdefabcdef",
    "ffff4111111111111111ffffffffffffffffffff",
    "pay_01j4111111111111111abcdefg",
    "key_01j4111111111111111abcdefg",
};

static void the_table_of_cards_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cards / sizeof cards[0]; i++) {
        if (!has_card(cards[i])) {
            fail_msg("not found: %s", cards[i]);
        }
    }
}

static void the_table_of_others_is_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof no_cards / sizeof no_cards[0]; i++) {
        if (has_card(no_cards[i])) {
            fail_msg("found: %s", no_cards[i]);
        }
    }
}

static void ids_that_paystream_makes_never_match(void **state)
{
    (void)state;
    static const char *const prefixes[] = {"pay_", "re_",  "dp_",   "trx_", "tr_",
                                           "set_", "evt_", "risk_", "key_", "req_"};
    uint64_t seed = 1;
    for (int i = 0; i < 200000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        char id[48];
        /* as many decimal digits as can be: 13 digits in a row come up here */
        ps_u128 value = {UINT64_C(0x18D0000000000000) | seed >> 20, seed * 31};
        int prefix = snprintf(id, sizeof id, "%s", prefixes[i % 10]);
        ps_id128_format(value, id + prefix);
        for (int j = prefix; j < prefix + PS_ID128_CHARS && i % 2 == 0; j++) {
            id[j] = id[j] > '9' && j > prefix ? (char)('0' + id[j] % 10) : id[j];
        }
        assert_false(ps_text_has_card_number(ps_slice_of(id, (size_t)prefix + PS_ID128_CHARS)));
    }
}

static void an_id_that_a_client_chooses_gets_no_mercy(void **state)
{
    (void)state;
    assert_true(ps_chosen_id_has_card_number(PS_SLICE("pay_01j4111111111111111abcdefg")));
    assert_true(ps_chosen_id_has_card_number(PS_SLICE("pay_4111111111111111")));
    assert_false(ps_chosen_id_has_card_number(PS_SLICE("pay_order-17")));
}

static void numbers_are_looked_at_by_their_digits(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool has_card;
    } cases[] = {
        {"4111111111111111", true},
        {"-4111111111111111", true},
        {"4111111111111111.0", true},
        {"4.111111111111111e15", true},
        {"411111111111111.1", true},
        {"4111111111111111e3", true},
        {"4111111111111111e-15", true},
        {"4111111111111112", false},
        {"12", false},
        {"0", false},
        {"1.5", false},
        {"41111111111111111111", false},
        {"3.14159265358979", false},
        {"378282246310005", true},
        {"0.4111111111111111", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (ps_number_has_card_number(ps_slice_text(cases[i].text)) != cases[i].has_card) {
            fail_msg("%s", cases[i].text);
        }
    }
}

static void keys_of_card_secrets_are_known_in_any_spelling(void **state)
{
    (void)state;
    static const char *const secrets[] = {"cvv",
                                          "CVV",
                                          "Cvv2",
                                          "cvc",
                                          "cvc2",
                                          "c-v-v",
                                          "pin",
                                          "PIN",
                                          "track1",
                                          "track_2",
                                          "Track 2",
                                          "card_verification_value",
                                          "cardVerificationCode",
                                          "card_security_code",
                                          "pin_block"};
    static const char *const harmless[] = {"",        "cv",       "pinned",  "shipping",
                                           "track",   "tracking", "number",  "pan",
                                           "company", "card",     "security"};
    static const char *const numbers[] = {"number", "pan", "PAN", "card_number", "cardNumber"};
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        assert_true(ps_key_is_card_secret(ps_slice_text(secrets[i]), false));
    }
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++) {
        assert_false(ps_key_is_card_secret(ps_slice_text(harmless[i]), false));
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_true(ps_key_is_card_secret(ps_slice_text(numbers[i]), true));
    }
}

static void long_texts_cost_linear_time(void **state)
{
    (void)state;
    /* groups of one digit, the worst case; the test's time limit is the judge */
    size_t size = 1 << 16;
    char *text = malloc(size);
    for (size_t i = 0; i < size; i++) {
        text[i] = i % 2 == 0 ? '1' : ' ';
    }
    bool found = false;
    for (int round = 0; round < 20; round++) {
        found |= ps_text_has_card_number(ps_slice_of(text, size));
    }
    assert_false(found); /* no run of 13 to 19 ones passes Luhn: nothing ends the search early */
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_from_13_to_19_are_cards_and_others_are_not),
        cmocka_unit_test(a_card_is_found_at_any_place_of_a_text),
        cmocka_unit_test(the_table_of_cards_is_found),
        cmocka_unit_test(the_table_of_others_is_not),
        cmocka_unit_test(ids_that_paystream_makes_never_match),
        cmocka_unit_test(an_id_that_a_client_chooses_gets_no_mercy),
        cmocka_unit_test(numbers_are_looked_at_by_their_digits),
        cmocka_unit_test(keys_of_card_secrets_are_known_in_any_spelling),
        cmocka_unit_test(long_texts_cost_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
