#include "core_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A case is a script, one step a line:
 *   open NAME                          a liability account that never overdraws
 *   move DEBIT CREDIT AMOUNT           single-phase
 *   hold DEBIT CREDIT AMOUNT [SECONDS] pending, with a timeout
 *   post [AMOUNT] · void · revert      of the newest transfer that `move` or `hold` made
 *   wait SECONDS · free · admin        time; without the admin scope, and with it again
 *   is NAME POSTED PENDING_DEBITS      what must be there
 *   last STATUS POSTED                 of the transfer
 * A line may end with "= CODE", the refusal expected; otherwise it must be done. */
typedef struct {
    ps_fixture *f;
    char target_text[PS_ID_TEXT_MAX];
    size_t target_size;
    const char *line;
} script;

static ps_refusal create(script *s, const char *debit, const char *credit, int64_t amount,
                         bool pending, long timeout_s)
{
    ps_command command = {.kind = PS_CMD_TRANSFER_CREATE,
                          .currency = fixture_currency("EUR"),
                          .amount = amount,
                          .timeout_ns = timeout_s * PS_NS_PER_S,
                          .reference = PS_SLICE("r"),
                          .u.transfer = {.debit = ps_slice_text(debit),
                                         .credit = ps_slice_text(credit),
                                         .pending = pending}};
    ps_refusal refusal = fixture_run(s->f, &command);
    if (refusal == PS_REFUSED_NONE) {
        s->target_size = s->f->child.size;
        memcpy(s->target_text, s->f->child.data, s->f->child.size);
    }
    return refusal;
}

static ps_refusal on_target(script *s, ps_command_kind kind, int64_t amount)
{
    ps_command command = {
        .kind = kind, .amount = amount, .target = ps_slice_of(s->target_text, s->target_size)};
    return fixture_run(s->f, &command);
}

static ps_refusal account_open(script *s, const char *name)
{
    ps_command command = {.kind = PS_CMD_ACCOUNT_OPEN,
                          .currency = fixture_currency("EUR"),
                          .u.account = {.name = ps_slice_text(name),
                                        .type = PS_ACCOUNT_LIABILITY,
                                        .flags = PS_ACCOUNT_DEBITS_CAPPED}};
    return fixture_run(s->f, &command);
}

static void check_last(script *s, const char *status, int64_t posted)
{
    static const char *const words[] = {"pending", "posted", "voided", "expired"};
    uint64_t number;
    int64_t created_ns;
    assert_true(ps_id_parse(s->f->core->instance, PS_ID_TRANSFER,
                            ps_slice_of(s->target_text, s->target_size), &number, &created_ns));
    const ps_effect_transfer *transfer = &ps_api_transfer_at(s->f->core, number)->body;
    assert_string_equal(words[transfer->status], status);
    assert_int_equal(transfer->posted, posted);
}

/* True: the line was a check or a setting, not a command. */
static bool look(script *s, const char *verb, const char *a, const char *b, const char *c)
{
    if (strcmp(verb, "is") == 0) {
        assert_int_equal(fixture_balance(s->f, a, "EUR"), atol(b));
        assert_int_equal(fixture_pending_debits(s->f, a, "EUR"), atol(c));
    } else if (strcmp(verb, "last") == 0) {
        check_last(s, a, atol(b));
    } else if (strcmp(verb, "wait") == 0) {
        fixture_advance(s->f, atol(a) * PS_NS_PER_S);
    } else if (strcmp(verb, "free") == 0) {
        s->f->scopes = PS_SCOPE_LEDGER_WRITE;
    } else if (strcmp(verb, "admin") == 0) {
        s->f->scopes = PS_SCOPE_ADMIN;
    } else {
        return false;
    }
    return true;
}

static ps_refusal step(script *s, const char *verb, const char *a, const char *b, const char *c,
                       const char *d)
{
    if (strcmp(verb, "open") == 0) {
        return account_open(s, a);
    }
    if (strcmp(verb, "move") == 0) {
        return create(s, a, b, atol(c), false, 0);
    }
    if (strcmp(verb, "hold") == 0) {
        return create(s, a, b, atol(c), true, atol(d));
    }
    if (strcmp(verb, "post") == 0) {
        return on_target(s, PS_CMD_TRANSFER_POST, atol(a));
    }
    if (strcmp(verb, "void") == 0) {
        return on_target(s, PS_CMD_TRANSFER_VOID, 0);
    }
    assert_string_equal(verb, "revert");
    return on_target(s, PS_CMD_TRANSFER_REVERT, 0);
}

static void run_line(script *s, const char *line)
{
    char text[128], words[5][64];
    memset(words, 0, sizeof words);
    snprintf(text, sizeof text, "%s", line);
    const char *expected = "";
    char *equals = strstr(text, " = ");
    if (equals != NULL) {
        *equals = '\0';
        expected = equals + 3;
    }
    sscanf(text, "%63s %63s %63s %63s %63s", words[0], words[1], words[2], words[3], words[4]);
    s->line = line;
    if (look(s, words[0], words[1], words[2], words[3])) {
        return;
    }
    ps_refusal refusal = step(s, words[0], words[1], words[2], words[3], words[4]);
    if (refusal == PS_REFUSED_STATE_CONFLICT) { /* names the status of what it is about */
        const ps_record_header *header = ps_record_head(ps_slice_of(s->f->payload, 0));
        assert_int_equal(header->subject_kind, PS_ID_TRANSFER);
        assert_int_equal(header->detail,
                         ps_api_transfer_at(s->f->core, header->subject)->body.status);
    }
    const char *code = ps_refusal_describe(refusal)->code;
    if (strcmp(code, expected) != 0) {
        fail_msg("%s: got '%s'", line, code);
    }
}

static void run(const char *text)
{
    script s = {.f = fixture_new(NULL)};
    char line[128];
    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        assert_true(size < sizeof line);
        memcpy(line, text, size);
        line[size] = '\0';
        run_line(&s, line);
        text += size + (text[size] == '\n' ? 1 : 0);
    }
    fixture_free(s.f);
}

static void money_comes_from_world_and_moves_between_payers(void **state)
{
    (void)state;
    run("move world payer:a 100\n"
        "is payer:a 100 0\n"
        "last posted 100\n"
        "free\n"
        "move payer:a payer:b 60\n"
        "is payer:a 40 0\n"
        "is payer:b 60 0\n"
        "move payer:a payer:b 41 = insufficient_funds\n"
        "is payer:a 40 0");
}

static void accounts_must_exist_differ_and_be_the_callers(void **state)
{
    (void)state;
    run("move world payer:a 100\n"
        "move payer:a nope 1 = account_unknown\n"
        "move nope payer:a 1 = account_unknown\n"
        "move payer:z payer:a 1 = account_unknown\n"
        "move payer:a payer:a 1 = accounts_same\n"
        "open x\n"
        "free\n"
        "move world payer:a 1\n"
        "move payer:a bank:main 1 = scope_missing\n"
        "move payer:a merchant:m:available 1 = scope_missing\n"
        "move payer:a x 1\n"
        "admin\n"
        "move payer:a merchant:m:available 1\n"
        "is merchant:m:available 1 0");
}

static void a_hold_counts_until_it_is_posted_or_voided(void **state)
{
    (void)state;
    run("move world payer:a 100\n"
        "hold payer:a payer:b 70\n"
        "is payer:a 100 70\n"
        "last pending 0\n"
        "move payer:a payer:b 31 = insufficient_funds\n"
        "hold payer:a payer:b 31 = insufficient_funds\n"
        "post\n"
        "last posted 70\n"
        "is payer:a 30 0\n"
        "is payer:b 70 0\n"
        "post = state_conflict\n"
        "void = state_conflict\n"
        "hold payer:a payer:b 30\n"
        "void\n"
        "last voided 0\n"
        "is payer:a 30 0\n"
        "post = state_conflict");
}

static void a_part_is_posted_and_the_rest_released(void **state)
{
    (void)state;
    run("move world payer:a 100\n"
        "hold payer:a payer:b 70\n"
        "post 71 = amount_too_large\n"
        "post 20\n"
        "last posted 20\n"
        "is payer:a 80 0\n"
        "post 50 = state_conflict\n"
        "void = state_conflict\n"
        "hold payer:a payer:b 30\n"
        "void\n"
        "last voided 0\n"
        "is payer:a 80 0\n"
        "is payer:b 20 0");
}

static void a_hold_expires_by_journal_time(void **state)
{
    (void)state;
    run("move world payer:a 100\n"
        "hold payer:a payer:b 70 60\n"
        "wait 59\n"
        "is payer:a 100 70\n"
        "wait 2\n"
        "last expired 0\n"
        "is payer:a 100 0\n"
        "post = state_conflict\n"
        "hold payer:a payer:b 10 60\n"
        "post\n"
        "wait 61\n"
        "last posted 10");
}

static void the_record_of_an_expiry_says_so_and_is_of_the_transfers_book(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    script s = {.f = f};
    run_line(&s, "move world payer:a 100");
    run_line(&s, "hold payer:a payer:b 70 60");
    assert_int_equal(fixture_advance(f, 61 * PS_NS_PER_S), 1);
    const ps_record_header *header = ps_record_head(ps_slice_of(f->payload, 0));
    assert_int_equal(header->command, PS_CMD_TIMER);
    assert_int_equal(header->book, 1);
    const ps_effect_leg *leg = (const void *)ps_effect_first(ps_slice_of(f->payload, header->size));
    assert_int_equal(leg->head.type, PS_EFFECT_LEG);
    assert_int_equal(leg->leg.kind, PS_LEG_VOID);
    assert_int_equal(leg->leg.flags, PS_LEG_EXPIRE);
    fixture_free(f);
}

static void a_transfer_is_reverted_once_by_its_mirror(void **state)
{
    (void)state;
    run("move world payer:a 100\n"
        "hold payer:a payer:b 70\n"
        "revert = state_conflict\n"
        "post 30\n"
        "is payer:b 30 0\n"
        "revert\n"
        "is payer:a 100 0\n"
        "is payer:b 0 0\n"
        "revert = already_reverted\n"
        "hold payer:a payer:b 5\n"
        "void\n"
        "revert = state_conflict\n"
        "move payer:a payer:b 100\n"
        "free\n"
        "revert\n"
        "move payer:a payer:b 100\n"
        "admin\n"
        "move payer:b payer:c 1\n"
        "is payer:b 99 0");
}

static void a_revert_needs_the_money_to_be_there(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    fixture_fund(f, "a", "EUR", 100);
    script s = {.f = f};
    run_line(&s, "move payer:a payer:b 100");
    script first = s;
    run_line(&s, "move payer:b payer:c 1");
    run_line(&first, "revert = insufficient_funds");
    fixture_free(f);
}

static void a_mirror_names_its_original_and_back(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    script s = {.f = f};
    run_line(&s, "move world payer:a 100");
    run_line(&s, "revert");
    const ps_effect_transfer *original = &ps_api_transfer_at(f->core, 1)->body;
    const ps_effect_transfer *mirror = &ps_api_transfer_at(f->core, 2)->body;
    assert_int_equal(original->reverted_by, 2);
    assert_int_equal(original->reverted_by_created_ns, mirror->created_ns);
    assert_int_equal(mirror->reverses, 1);
    assert_int_equal(mirror->reverses_created_ns, original->created_ns);
    assert_int_equal(mirror->debit, original->credit);
    fixture_free(f);
}

static void a_foreign_transfer_is_not_found(void **state)
{
    (void)state;
    ps_fixture *f = fixture_new(NULL);
    script s = {.f = f};
    run_line(&s, "move world payer:a 100");
    run_line(&s, "hold payer:a payer:b 70");
    f->book = 2;
    run_line(&s, "post = not_found");
    run_line(&s, "void = not_found");
    run_line(&s, "revert = not_found");
    f->book = 1;
    run_line(&s, "post");
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(money_comes_from_world_and_moves_between_payers),
        cmocka_unit_test(accounts_must_exist_differ_and_be_the_callers),
        cmocka_unit_test(a_hold_counts_until_it_is_posted_or_voided),
        cmocka_unit_test(a_part_is_posted_and_the_rest_released),
        cmocka_unit_test(a_hold_expires_by_journal_time),
        cmocka_unit_test(the_record_of_an_expiry_says_so_and_is_of_the_transfers_book),
        cmocka_unit_test(a_transfer_is_reverted_once_by_its_mirror),
        cmocka_unit_test(a_revert_needs_the_money_to_be_there),
        cmocka_unit_test(a_mirror_names_its_original_and_back),
        cmocka_unit_test(a_foreign_transfer_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
