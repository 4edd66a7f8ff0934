#include "ledger_fixture.h"

void world_init(ledger_world *world, ps_ledger_limits limits)
{
    ps_error err;
    memset(world, 0, sizeof *world);
    assert_int_equal(ps_ledger_init(&world->real, &limits, &err), PS_OK);
    naive_init(&world->naive, limits);
}

void world_release(ledger_world *world)
{
    ps_ledger_release(&world->real);
}

void world_check(const ledger_world *world, bool holds, const char *what)
{
    if (!holds) {
        print_error("%s: %s\n", world->place, what);
        fail();
    }
}

uint32_t world_account_add(ledger_world *world, uint32_t book, ps_slice name, ps_currency currency,
                           ps_account_type type, uint8_t flags)
{
    int64_t now_ns = (int64_t)world->naive.seq + 1;
    uint32_t account =
        ps_ledger_account_add(&world->real, book, name, currency, type, flags, now_ns);
    bool added = naive_account_add(&world->naive, book, currency, flags);
    world_check(world, added == (account != PS_INDEX_NONE), "the accounts' limit differs");
    world_check(world, !added || account == world->naive.account_count - 1, "account number");
    return account;
}

bool world_set_flags(ledger_world *world, uint32_t account, uint8_t flags)
{
    naive_account *naive = &world->naive.accounts[account];
    bool may_close = naive->totals.debits_pending == 0 && naive->totals.credits_pending == 0;
    bool closes = (flags & PS_ACCOUNT_CLOSED) != 0 && (naive->flags & PS_ACCOUNT_CLOSED) == 0;
    bool set = ps_ledger_account_set_flags(&world->real, account, flags);
    world_check(world, set == (may_close || !closes), "set_flags differs from the model");
    naive->flags = set ? flags : naive->flags;
    return set;
}

static void print_violation(void *context, const char *invariant, const char *sentence)
{
    const ledger_world *world = context;
    print_error("%s: %s: %s\n", world->place, invariant, sentence);
}

void world_compare(const ledger_world *world)
{
    const char *difference = naive_difference(&world->naive, &world->real);
    world_check(world, difference == NULL, difference != NULL ? difference : "");
    size_t violations = ps_ledger_verify(&world->real, print_violation, (void *)(uintptr_t)world);
    world_check(world, violations == 0, "an invariant does not hold");
}

ps_ledger_outcome world_legs(ledger_world *world, ps_leg *legs, uint32_t leg_count, uint64_t seq,
                             uint32_t *out_leg)
{
    uint64_t before = ledger_hash(&world->real);
    uint32_t leg = 0;
    uint32_t naive_leg = 0;
    ps_ledger_outcome outcome = ps_ledger_check(&world->real, legs, leg_count, &leg);
    world_check(world, ledger_hash(&world->real) == before, "check changed the state");
    ps_ledger_outcome expected = naive_check(&world->naive, legs, leg_count, &naive_leg);
    if (outcome != expected || (outcome != PS_LEDGER_OK && leg != naive_leg)) {
        print_error("%s: %s at leg %u, the model says %s at leg %u\n", world->place,
                    ps_ledger_outcome_name(outcome), leg, ps_ledger_outcome_name(expected),
                    naive_leg);
        fail();
    }
    if (outcome != PS_LEDGER_OK) {
        *out_leg = leg;
        return outcome;
    }
    ps_leg asked[PS_LEGS_MAX];
    memcpy(asked, legs, leg_count * sizeof *legs);
    ps_ledger_apply(&world->real, legs, leg_count, seq, world_time_ns(seq));
    naive_apply(&world->naive, asked, legs, leg_count, seq);
    world_compare(world);
    return outcome;
}

/* ── bytes ── */

uint64_t ledger_hash(ps_ledger *ledger)
{
    ps_region *regions[16];
    uint32_t count = ps_ledger_regions(ledger, regions);
    uint64_t hashes[16];
    for (uint32_t i = 0; i < count; i++) {
        hashes[i] = ps_xxh3_64(regions[i]->data, regions[i]->size) + regions[i]->size;
    }
    return ps_xxh3_64(hashes, count * sizeof hashes[0]);
}

bool ledger_bytes_equal(ps_ledger *a, ps_ledger *b)
{
    ps_region *of_a[16];
    ps_region *of_b[16];
    uint32_t count = ps_ledger_regions(a, of_a);
    assert_int_equal(ps_ledger_regions(b, of_b), count);
    for (uint32_t i = 0; i < count; i++) {
        if (of_a[i]->size != of_b[i]->size ||
            memcmp(of_a[i]->data, of_b[i]->data, of_a[i]->size) != 0) {
            return false;
        }
    }
    return true;
}

void ledger_bytes_copy(ps_ledger *copy, ps_ledger *from)
{
    ps_region *to_regions[16];
    ps_region *from_regions[16];
    uint32_t count = ps_ledger_regions(copy, to_regions);
    assert_int_equal(ps_ledger_regions(from, from_regions), count);
    for (uint32_t i = 0; i < count; i++) {
        ps_region_clear(to_regions[i]);
        if (from_regions[i]->size > 0) {
            char *at = ps_region_extend(to_regions[i], from_regions[i]->size);
            assert_non_null(at);
            memcpy(at, from_regions[i]->data, from_regions[i]->size);
        }
    }
}
