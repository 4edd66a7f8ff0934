/* Runs the text tables of tests/golden/ledger. Their language, one command a line, # comments:
 *
 *   limits ACCOUNTS TRANSFERS CHECKPOINTS         first line only; a default else
 *   account NAME TYPE FLAGS [CURRENCY] [BOOK]     FLAGS: - or debits_capped,credits_capped,history
 *   totals NAME DP DPO CP CPO                     writes totals (for sums near overflow)
 *   post DEBIT CREDIT AMOUNT [keep]               account ?: one that does not exist
 *   pend NAME DEBIT CREDIT AMOUNT [keep]
 *   postp NAME AMOUNT · void NAME [AMOUNT] · expire NAME [AMOUNT]
 *         NAME: a transfer's, `prev` (the newest pend of this list), or slot:NUMBER; no AMOUNT: all left
 *   linked … end                                  the legs between are one list
 *   repeat COUNT LEG -> OUTCOME
 *   freeze NAME · unfreeze NAME · close NAME -> yes|no
 *   expect NAME DP DPO CP CPO                     totals
 *   state NAME STATE LEFT POSTED · gone NAME      a transfer; gone: its slot is free
 * A leg, or `end`, goes on with  -> OUTCOME [at LEG] [over OUTCOME …] : `over` names what applies as
 * well and comes later in the order; the naive model confirms it. Amounts: a number, max (PS_AMOUNT_MAX),
 * int64min; totals: a number of up to 38 digits, top (2^127 − 1) or top-NUMBER. */
#include "ledger_fixture.h"

#include <dirent.h>
#include <stdio.h>

enum { TOKENS_MAX = 24, NAMES_MAX = 64, NAME_MAX_BYTES = 24 };

typedef struct {
    char name[NAME_MAX_BYTES];
    uint32_t number; /* account number or transfer slot */
} script_name;

typedef struct {
    ledger_world world;
    const char *file;
    uint32_t line;
    script_name accounts[NAMES_MAX];
    uint32_t account_count;
    script_name transfers[NAMES_MAX];
    uint32_t transfer_count;
    bool in_list;
    ps_leg legs[PS_LEGS_MAX];
    char leg_names[PS_LEGS_MAX][NAME_MAX_BYTES]; /* of pend legs */
    uint32_t leg_count;
    uint64_t seq;
} script;

/* what all tables together have shown */
static bool outcome_seen[PS_LEDGER_OUTCOME_COUNT];
static bool pair_seen[PS_LEDGER_OUTCOME_COUNT][PS_LEDGER_OUTCOME_COUNT];

static void need(const script *s, bool holds, const char *what)
{
    world_check(&s->world, holds, what);
}

/* ── words ── */

static int64_t amount_parse(const script *s, const char *text)
{
    static const struct {
        const char *word;
        int64_t amount;
    } words[] = {{"max", PS_AMOUNT_MAX}, {"int64min", INT64_MIN}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(text, words[i].word) == 0) {
            return words[i].amount;
        }
    }
    int64_t amount = 0;
    need(s, ps_parse_i64(ps_slice_text(text), &amount), "not an amount");
    return amount;
}

static ps_i128 total_parse(const script *s, const char *text)
{
    const ps_i128 top = (ps_i128)(~(unsigned __int128)0 >> 1);
    if (strncmp(text, "top", 3) == 0) {
        return text[3] == '-' ? top - amount_parse(s, text + 4) : top;
    }
    ps_i128 total = 0;
    need(s, strlen(text) <= 38 && strspn(text, "0123456789") == strlen(text), "not a total");
    for (const char *digit = text; *digit != 0; digit++) {
        total = total * 10 + (*digit - '0');
    }
    return total;
}

static ps_ledger_outcome outcome_parse(const script *s, const char *text)
{
    for (int i = 0; i < PS_LEDGER_OUTCOME_COUNT; i++) {
        if (strcmp(ps_ledger_outcome_name((ps_ledger_outcome)i), text) == 0) {
            return (ps_ledger_outcome)i;
        }
    }
    need(s, false, "not an outcome");
    return PS_LEDGER_OK;
}

static uint8_t flags_parse(const script *s, const char *text)
{
    uint8_t flags = 0;
    flags |= strstr(text, "debits_capped") != NULL ? PS_ACCOUNT_DEBITS_CAPPED : 0;
    flags |= strstr(text, "credits_capped") != NULL ? PS_ACCOUNT_CREDITS_CAPPED : 0;
    flags |= strstr(text, "history") != NULL ? PS_ACCOUNT_HISTORY : 0;
    need(s, flags != 0 || strcmp(text, "-") == 0, "not flags");
    return flags;
}

static ps_account_type type_parse(const script *s, const char *text)
{
    static const char *const types[] = {"asset", "liability", "income", "expense", "equity"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(types[i], text) == 0) {
            return (ps_account_type)i;
        }
    }
    need(s, false, "not an account type");
    return PS_ACCOUNT_ASSET;
}

static uint32_t name_find(const script *s, const script_name *names, uint32_t count,
                          const char *name)
{
    for (uint32_t i = count; i > 0; i--) {
        if (strcmp(names[i - 1].name, name) == 0) {
            return names[i - 1].number;
        }
    }
    need(s, false, "no such name");
    return PS_INDEX_NONE;
}

static void name_add(const script *s, script_name *names, uint32_t *count, const char *name,
                     uint32_t number)
{
    need(s, *count < NAMES_MAX && strlen(name) < NAME_MAX_BYTES, "too many or too long names");
    snprintf(names[*count].name, NAME_MAX_BYTES, "%s", name);
    names[(*count)++].number = number;
}

static uint32_t account_named(const script *s, const char *name)
{
    return strcmp(name, "?") == 0 ? PS_INDEX_NONE
                                  : name_find(s, s->accounts, s->account_count, name);
}

static uint32_t slot_named(const script *s, const char *name)
{
    if (strcmp(name, "prev") == 0) {
        return PS_LEG_SLOT_PREVIOUS;
    }
    if (strncmp(name, "slot:", 5) == 0) {
        return (uint32_t)amount_parse(s, name + 5);
    }
    return name_find(s, s->transfers, s->transfer_count, name);
}

/* ── lists of legs ── */

static void list_verdict(script *s, char **tokens, uint32_t count)
{
    need(s, count >= 2 && strcmp(tokens[0], "->") == 0, "a leg goes on with -> OUTCOME");
    ps_ledger_outcome expected = outcome_parse(s, tokens[1]);
    uint32_t leg_expected = s->leg_count - 1;
    uint32_t next = 2;
    if (next + 1 < count && strcmp(tokens[next], "at") == 0) {
        leg_expected = (uint32_t)amount_parse(s, tokens[next + 1]);
        next += 2;
    }
    uint32_t reasons = 0;
    if (next < count) {
        need(s, strcmp(tokens[next], "over") == 0 && next + 1 < count, "over OUTCOME …");
        reasons = naive_reasons(&s->world.naive, s->legs, leg_expected + 1);
    }
    for (next++; next < count; next++) {
        ps_ledger_outcome second = outcome_parse(s, tokens[next]);
        need(s, second > expected && (reasons >> second & 1) != 0, "this does not apply as well");
        pair_seen[expected][second] = true;
    }
    uint32_t leg = leg_expected;
    ps_ledger_outcome outcome = world_legs(&s->world, s->legs, s->leg_count, s->seq + 1, &leg);
    if (outcome != expected || leg != leg_expected) {
        print_error("%s: %s at leg %u, expected %s at %u\n", s->world.place,
                    ps_ledger_outcome_name(outcome), leg, tokens[1], leg_expected);
        fail();
    }
    outcome_seen[outcome] = true;
    s->seq += outcome == PS_LEDGER_OK ? 1 : 0;
    for (uint32_t i = 0; i < s->leg_count && outcome == PS_LEDGER_OK; i++) {
        if (s->leg_names[i][0] != 0) {
            name_add(s, s->transfers, &s->transfer_count, s->leg_names[i], s->legs[i].slot);
        }
    }
    s->leg_count = 0;
}

static bool is_keep(char **tokens, uint32_t count, uint32_t at)
{
    return at < count && strcmp(tokens[at], "keep") == 0;
}

/* How many tokens are the leg's; 0: this is not a leg. */
static uint32_t new_leg_parse(const script *s, char **tokens, uint32_t count, ps_leg *leg)
{
    bool is_pend = strcmp(tokens[0], "pend") == 0;
    if (!is_pend && strcmp(tokens[0], "post") != 0) {
        return 0;
    }
    uint32_t first = is_pend ? 2 : 1;
    need(s, count >= first + 3, "a leg needs two accounts and an amount");
    leg->kind = is_pend ? PS_LEG_PENDING : PS_LEG_POSTED;
    leg->slot = PS_INDEX_NONE;
    leg->debit = account_named(s, tokens[first]);
    leg->credit = account_named(s, tokens[first + 1]);
    leg->amount = amount_parse(s, tokens[first + 2]);
    leg->flags = is_keep(tokens, count, first + 3) ? PS_LEG_KEEP : 0;
    return first + 3 + (leg->flags != 0 ? 1 : 0);
}

static uint32_t resolve_leg_parse(const script *s, char **tokens, uint32_t count, ps_leg *leg)
{
    bool is_post = strcmp(tokens[0], "postp") == 0;
    bool is_expire = strcmp(tokens[0], "expire") == 0;
    if (!is_post && !is_expire && strcmp(tokens[0], "void") != 0) {
        return 0;
    }
    need(s, count >= 2, "which transfer?");
    leg->kind = is_post ? PS_LEG_POST : PS_LEG_VOID;
    leg->flags = is_expire ? PS_LEG_EXPIRE : 0;
    leg->slot = slot_named(s, tokens[1]);
    if (count > 2 && strcmp(tokens[2], "->") != 0) {
        leg->amount = amount_parse(s, tokens[2]);
        return 3;
    }
    const ps_transfer *transfer = ps_ledger_transfer(&s->world.real, leg->slot);
    need(s, transfer != NULL, "all of what?");
    leg->amount = transfer->left;
    return 2;
}

static bool run_leg(script *s, char **tokens, uint32_t count)
{
    ps_leg leg = {0};
    uint32_t used = new_leg_parse(s, tokens, count, &leg);
    used = used == 0 ? resolve_leg_parse(s, tokens, count, &leg) : used;
    if (used == 0) {
        return false;
    }
    need(s, s->leg_count < PS_LEGS_MAX, "too many legs");
    snprintf(s->leg_names[s->leg_count], NAME_MAX_BYTES, "%s",
             leg.kind == PS_LEG_PENDING ? tokens[1] : "");
    s->legs[s->leg_count++] = leg;
    if (s->in_list) {
        need(s, used == count, "more words after a leg of a list");
    } else {
        list_verdict(s, tokens + used, count - used);
    }
    return true;
}

/* ── the other commands ── */

static ps_account_totals totals_parse(const script *s, char **tokens)
{
    return (ps_account_totals){.debits_pending = total_parse(s, tokens[0]),
                               .debits_posted = total_parse(s, tokens[1]),
                               .credits_pending = total_parse(s, tokens[2]),
                               .credits_posted = total_parse(s, tokens[3])};
}

static void run_account(script *s, char **tokens, uint32_t count)
{
    ps_currency currency;
    bool known = ps_currency_parse(ps_slice_text(count > 4 ? tokens[4] : "EUR"), &currency);
    need(s, known, "not a currency");
    uint32_t book = count > 5 ? (uint32_t)amount_parse(s, tokens[5]) : 1;
    uint32_t account = world_account_add(&s->world, book, ps_slice_text(tokens[1]), currency,
                                         type_parse(s, tokens[2]), flags_parse(s, tokens[3]));
    need(s, account != PS_INDEX_NONE, "no room for an account");
    name_add(s, s->accounts, &s->account_count, tokens[1], account);
}

static void run_totals(script *s, char **tokens)
{
    uint32_t account = account_named(s, tokens[1]);
    ps_account_totals totals = totals_parse(s, tokens + 2);
    ((ps_account *)(void *)s->world.real.accounts.data)[account].totals = totals;
    s->world.naive.accounts[account].totals = totals;
}

static void run_expect(script *s, char **tokens)
{
    ps_account_totals want = totals_parse(s, tokens + 2);
    const ps_account *account = ps_ledger_account(&s->world.real, account_named(s, tokens[1]));
    need(s, memcmp(&want, &account->totals, sizeof want) == 0, "the totals are others");
}

static void run_state(script *s, char **tokens)
{
    static const char *const states[] = {"pending", "posted", "voided", "expired"};
    const ps_transfer *transfer = ps_ledger_transfer(&s->world.real, slot_named(s, tokens[1]));
    need(s, transfer != NULL, "the transfer is gone");
    need(s, strcmp(states[transfer->state], tokens[2]) == 0, "the state is another");
    need(s, transfer->left == amount_parse(s, tokens[3]), "another amount is left");
    need(s, transfer->posted == amount_parse(s, tokens[4]), "another amount is posted");
}

static void run_flags(script *s, char **tokens, uint8_t set, uint8_t clear, bool expected)
{
    uint32_t account = account_named(s, tokens[1]);
    uint8_t flags = ps_ledger_account(&s->world.real, account)->flags;
    bool done = world_set_flags(&s->world, account, (uint8_t)((flags | set) & ~clear));
    need(s, done == expected, "set_flags answers otherwise");
}

static void run_end(script *s, char **tokens, uint32_t count)
{
    need(s, s->in_list, "end without linked");
    s->in_list = false;
    list_verdict(s, tokens + 1, count - 1);
}

static void run_tokens(script *s, char **tokens, uint32_t count)
{
    static const struct {
        const char *word;
        uint32_t count_min;
    } words[] = {{"account", 4}, {"totals", 6},   {"expect", 6}, {"state", 5},  {"gone", 2},
                 {"freeze", 2},  {"unfreeze", 2}, {"close", 4},  {"linked", 1}, {"end", 3}};
    if (run_leg(s, tokens, count)) {
        return;
    }
    size_t i = 0;
    while (i < sizeof words / sizeof words[0] && strcmp(words[i].word, tokens[0]) != 0) {
        i++;
    }
    need(s, i < sizeof words / sizeof words[0] && count >= words[i].count_min, "not a command");
    switch (i) {
    case 0:
        run_account(s, tokens, count);
        break;
    case 1:
        run_totals(s, tokens);
        break;
    case 2:
        run_expect(s, tokens);
        break;
    case 3:
        run_state(s, tokens);
        break;
    case 4:
        need(s, ps_ledger_transfer(&s->world.real, slot_named(s, tokens[1])) == NULL, "not gone");
        break;
    case 5:
        run_flags(s, tokens, PS_ACCOUNT_FROZEN, 0, true);
        break;
    case 6:
        run_flags(s, tokens, 0, PS_ACCOUNT_FROZEN, true);
        break;
    case 7:
        run_flags(s, tokens, PS_ACCOUNT_CLOSED, 0, strcmp(tokens[3], "yes") == 0);
        break;
    case 8:
        need(s, !s->in_list, "linked within linked");
        s->in_list = true;
        break;
    default:
        run_end(s, tokens, count);
        break;
    }
}

static void run_line(script *s, char *line)
{
    char *tokens[TOKENS_MAX];
    uint32_t count = 0;
    char *rest = line;
    line[strcspn(line, "\n")] = 0;
    for (char *token = strtok_r(line, " ", &rest); token != NULL && token[0] != '#';
         token = strtok_r(NULL, " ", &rest)) {
        need(s, count < TOKENS_MAX, "too many words");
        tokens[count++] = token;
    }
    if (count == 0 || strcmp(tokens[0], "limits") == 0) {
        return;
    }
    uint64_t times = 1;
    uint32_t first = 0;
    if (strcmp(tokens[0], "repeat") == 0) {
        need(s, count > 2, "repeat COUNT LEG");
        times = (uint64_t)amount_parse(s, tokens[1]);
        first = 2;
    }
    for (uint64_t i = 0; i < times; i++) {
        run_tokens(s, tokens + first, count - first);
    }
}

static ps_ledger_limits limits_read(FILE *file)
{
    unsigned long long a = 32, t = 32, c = 64;
    char line[200];
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "limits %llu %llu %llu", &a, &t, &c) == 3) {
            break;
        }
    }
    rewind(file);
    return (ps_ledger_limits){a, t, c};
}

static void run_file(const char *directory, const char *name)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    script *s = calloc(1, sizeof *s);
    assert_non_null(s);
    world_init(&s->world, limits_read(file));
    s->file = name;
    char line[400];
    while (fgets(line, sizeof line, file) != NULL) {
        s->line++;
        snprintf(s->world.place, sizeof s->world.place, "%s:%u", name, s->line);
        run_line(s, line);
    }
    need(s, !s->in_list, "linked without end");
    world_release(&s->world);
    free(s);
    fclose(file);
}

static void every_text_table_holds(void **state)
{
    (void)state;
    static const char directory[] = "tests/golden/ledger";
    DIR *dir = opendir(directory);
    assert_non_null(dir);
    uint32_t files = 0;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        size_t size = strlen(entry->d_name);
        if (size > 4 && strcmp(entry->d_name + size - 4, ".txt") == 0) {
            run_file(directory, entry->d_name);
            files++;
        }
    }
    closedir(dir);
    assert_true(files >= 5);
}

static void the_tables_show_every_outcome(void **state)
{
    (void)state;
    for (int i = 0; i < PS_LEDGER_OUTCOME_COUNT; i++) {
        if (!outcome_seen[i]) {
            fail_msg("no table shows %s", ps_ledger_outcome_name((ps_ledger_outcome)i));
        }
    }
}

/* Pairs that cannot apply to one leg: an amount of 0 or less is covered by every cap, total and
 * hold; a missing account has no book; one account has one book and one currency; a transfer has
 * one state, and accounts that are fine. */
static bool pair_is_possible(ps_ledger_outcome a, ps_ledger_outcome b)
{
    bool b_is_of_amount = b == PS_LEDGER_AMOUNT_OVER_PENDING || b == PS_LEDGER_INSUFFICIENT_FUNDS ||
                          b == PS_LEDGER_EXCEEDS_DEBITS || b == PS_LEDGER_OVERFLOW;
    bool b_is_of_pair = b == PS_LEDGER_BOOK_MISMATCH || b == PS_LEDGER_CURRENCY_MISMATCH;
    if (a == PS_LEDGER_AMOUNT_INVALID) {
        return !b_is_of_amount;
    }
    if (a == PS_LEDGER_TRANSFER_MISSING) {
        return false;
    }
    if (b == PS_LEDGER_FULL) {
        return true;
    }
    if (a <= PS_LEDGER_AMOUNT_OVER_PENDING) {
        return b == PS_LEDGER_AMOUNT_OVER_PENDING;
    }
    return (a != PS_LEDGER_ACCOUNT_MISSING && a != PS_LEDGER_ACCOUNTS_SAME) || !b_is_of_pair;
}

static void the_tables_show_the_order_of_every_two_outcomes(void **state)
{
    (void)state;
    uint32_t missing = 0;
    for (int a = 1; a < PS_LEDGER_OUTCOME_COUNT; a++) {
        for (int b = a + 1; b < PS_LEDGER_OUTCOME_COUNT; b++) {
            if (pair_is_possible((ps_ledger_outcome)a, (ps_ledger_outcome)b) && !pair_seen[a][b]) {
                print_error("no table shows %s over %s\n",
                            ps_ledger_outcome_name((ps_ledger_outcome)a),
                            ps_ledger_outcome_name((ps_ledger_outcome)b));
                missing++;
            }
        }
    }
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_text_table_holds),
        cmocka_unit_test(the_tables_show_every_outcome),
        cmocka_unit_test(the_tables_show_the_order_of_every_two_outcomes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
