/* Random operations on the ledger and its naive model. A failure prints SEED=…; SEED=N in the
 * environment runs that seed alone, PS_FULL=1 many seeds. */
#include "ledger_fixture.h"

#include <stdio.h>

enum {
    OPERATIONS = 3000,
    JOURNAL_MAX = OPERATIONS * 8,
    ACCOUNTS = 12,
    ACCOUNTS_MAX = 14,
    CHUNKS_BUFFER = 1 << 20 /* the frozen state of all regions of these small ledgers */
};

/* What a journal would hold: legs as applied, account operations, in order. */
typedef enum { ITEM_LEG, ITEM_ACCOUNT, ITEM_FLAGS } item_kind;
typedef struct {
    item_kind kind;
    ps_leg leg;
    uint64_t seq;
    uint32_t account;
    uint32_t book;
    ps_currency currency;
    uint8_t type;
    uint8_t flags;
    int64_t time_ns;
} item;

typedef struct {
    uint32_t account;
    uint64_t seq;
    uint64_t entries;         /* after that record */
    ps_account_totals totals; /* after that record */
} past;

typedef struct {
    ledger_world world;
    uint64_t random;
    uint64_t resolves_of_10; /* legs in ten that resolve; changes: slots fill and empty */
    uint64_t seq;
    item *items;
    uint32_t item_count;
    past *pasts;
    uint32_t past_count;
    uint64_t outcomes[PS_LEDGER_OUTCOME_COUNT];
    /* a ledger restored from region bytes, which goes on from item `twin_from` */
    ps_ledger twin;
    bool has_twin;
    uint32_t twin_from;
    /* a snapshot in progress: the bytes it must hand out, and what it has handed out */
    bool frozen;
    char *frozen_bytes;
    char *snapshot_bytes;
    uint64_t frozen_sizes[16];
    uint64_t snapshot_sizes[16];
} scene;

static uint64_t draw(scene *s, uint64_t bound)
{
    return test_draw(&s->random, bound);
}

static item *item_add(scene *s, item_kind kind)
{
    world_check(&s->world, s->item_count < JOURNAL_MAX, "too many items");
    item *it = &s->items[s->item_count++];
    *it = (item){.kind = kind, .seq = s->seq, .time_ns = (int64_t)s->world.naive.seq + 1};
    return it;
}

/* ── accounts ── */

static void account_name(uint32_t account, char name[16])
{
    snprintf(name, 16, "account:%u", account);
}

static void account_add(scene *s)
{
    static const uint8_t caps[] = {0, 0, PS_ACCOUNT_DEBITS_CAPPED, PS_ACCOUNT_CREDITS_CAPPED,
                                   PS_ACCOUNT_DEBITS_CAPPED | PS_ACCOUNT_HISTORY};
    char name[16];
    account_name(s->world.naive.account_count, name);
    bool is_first = s->world.naive.account_count == 0; /* the hot one is free of caps */
    uint32_t book = 1 + (!is_first && draw(s, 8) == 0 ? 1 : 0);
    ps_currency currency = !is_first && draw(s, 8) == 0 ? 1 : 0;
    uint8_t flags = is_first ? 0 : caps[draw(s, sizeof caps)];
    ps_account_type type = (ps_account_type)draw(s, 5);
    item wanted = {.kind = ITEM_ACCOUNT, .time_ns = (int64_t)s->world.naive.seq + 1};
    uint32_t account =
        world_account_add(&s->world, book, ps_slice_text(name), currency, type, flags);
    if (account != PS_INDEX_NONE) {
        wanted.account = account;
        wanted.book = book;
        wanted.currency = currency;
        wanted.type = (uint8_t)type;
        wanted.flags = flags;
        *item_add(s, ITEM_ACCOUNT) = wanted;
    }
}

static void account_flag(scene *s)
{
    uint32_t account = (uint32_t)draw(s, s->world.naive.account_count);
    uint8_t flags = s->world.naive.accounts[account].flags;
    bool closes = draw(s, 100) == 0 && account != 0;
    /* mostly thawed, or nothing would move */
    uint8_t thawed = (uint8_t)(flags & ~PS_ACCOUNT_FROZEN);
    uint8_t changed = draw(s, 8) == 0 ? flags | PS_ACCOUNT_FROZEN : thawed;
    changed |= closes ? PS_ACCOUNT_CLOSED : 0;
    if (world_set_flags(&s->world, account, changed)) {
        item *it = item_add(s, ITEM_FLAGS);
        it->account = account;
        it->flags = changed;
    }
}

/* ── legs ── */

static int64_t draw_amount(scene *s)
{
    static const int64_t edges[] = {0, -1, 1, PS_AMOUNT_MAX, PS_AMOUNT_MAX - 1, INT64_MIN};
    uint64_t how = draw(s, 40);
    if (how == 0) {
        return edges[draw(s, sizeof edges / sizeof edges[0])];
    }
    return 1 + (int64_t)draw(s, how < 20 ? 10 : 1000);
}

static uint32_t draw_account(scene *s)
{
    /* a hot account, so that checkpoints come often; now and then one that is not there */
    uint64_t how = draw(s, 100);
    if (how == 0) {
        return draw(s, 2) == 0 ? PS_INDEX_NONE : s->world.naive.account_count;
    }
    return how < 25 ? 0 : (uint32_t)draw(s, s->world.naive.account_count);
}

/* Mostly one that may stand across from `debit`. */
static uint32_t draw_credit(scene *s, uint32_t debit)
{
    const naive_ledger *naive = &s->world.naive;
    uint32_t credit = draw_account(s);
    for (int tries = 0; tries < 8 && draw(s, 20) != 0; tries++) {
        if (credit < naive->account_count && debit < naive->account_count && credit != debit &&
            naive->accounts[credit].book == naive->accounts[debit].book &&
            naive->accounts[credit].currency == naive->accounts[debit].currency) {
            return credit;
        }
        credit = draw_account(s);
    }
    return credit;
}

static ps_leg draw_new_leg(scene *s)
{
    ps_leg leg = {.kind = draw(s, 2) == 0 ? PS_LEG_POSTED : PS_LEG_PENDING,
                  .slot = PS_INDEX_NONE,
                  .amount = draw_amount(s)};
    leg.flags = draw(s, 300) == 0 ? PS_LEG_KEEP : 0;
    leg.debit = draw_account(s);
    leg.credit = draw_credit(s, leg.debit);
    return leg;
}

/* Mostly one that is pending still. */
static const naive_transfer *draw_transfer(scene *s)
{
    const naive_ledger *naive = &s->world.naive;
    const naive_transfer *transfer = &naive->transfers[draw(s, naive->transfer_count)];
    for (int tries = 0; tries < 20 && naive_left(transfer) == 0 && draw(s, 20) != 0; tries++) {
        transfer = &naive->transfers[draw(s, naive->transfer_count)];
    }
    return transfer;
}

static ps_leg draw_resolve_leg(scene *s, bool may_be_previous)
{
    const naive_ledger *naive = &s->world.naive;
    ps_leg leg = {.kind = draw(s, 2) == 0 ? PS_LEG_POST : PS_LEG_VOID, .amount = draw_amount(s)};
    leg.flags = leg.kind == PS_LEG_VOID && draw(s, 2) == 0 ? PS_LEG_EXPIRE : 0;
    if (may_be_previous && draw(s, 2) == 0) {
        leg.slot = PS_LEG_SLOT_PREVIOUS;
        return leg;
    }
    leg.slot = (uint32_t)draw(s, naive->limits.transfers_max + 1);
    if (naive->transfer_count > 0 && draw(s, 20) != 0) {
        const naive_transfer *transfer = draw_transfer(s);
        leg.slot = transfer->slot;
        leg.amount =
            draw(s, 2) == 0 && naive_left(transfer) > 0 ? naive_left(transfer) : leg.amount;
    }
    return leg;
}

static void remember_past(scene *s, uint32_t account)
{
    const naive_account *naive = &s->world.naive.accounts[account];
    const past now = {account, s->seq, naive->entries, naive->totals};
    for (uint32_t i = s->past_count; i > 0 && s->pasts[i - 1].seq == s->seq; i--) {
        if (s->pasts[i - 1].account == account) {
            s->pasts[i - 1] = now;
            return;
        }
    }
    world_check(&s->world, s->past_count < 2 * JOURNAL_MAX, "too many pasts");
    s->pasts[s->past_count++] = now;
}

static void post_legs(scene *s)
{
    ps_leg legs[PS_LEGS_MAX];
    uint32_t count = 1;
    if (draw(s, 3) == 0) {
        count = 2 + (uint32_t)draw(s, draw(s, 8) == 0 ? PS_LEGS_MAX - 1 : 3);
    }
    bool has_pending = false;
    for (uint32_t i = 0; i < count; i++) {
        bool resolves = draw(s, 10) < s->resolves_of_10;
        legs[i] = resolves ? draw_resolve_leg(s, has_pending || draw(s, 50) == 0) : draw_new_leg(s);
        has_pending = has_pending || legs[i].kind == PS_LEG_PENDING;
    }
    /* several lists may be of one record; near the end of checkpoints that is not comparable */
    uint64_t checkpoints_left =
        s->world.naive.limits.checkpoints_max - s->world.naive.checkpoint_count;
    bool same_record = s->seq > 0 && checkpoints_left > 64 && draw(s, 4) == 0;
    uint64_t seq = same_record ? s->seq : s->seq + 1 + draw(s, 3);
    uint32_t leg = 0;
    ps_ledger_outcome outcome = world_legs(&s->world, legs, count, seq, &leg);
    s->outcomes[outcome]++;
    if (outcome != PS_LEDGER_OK) {
        return;
    }
    s->seq = seq;
    for (uint32_t i = 0; i < count; i++) {
        item *it = item_add(s, ITEM_LEG);
        it->leg = legs[i];
        it->time_ns = world_time_ns(seq);
        remember_past(s, legs[i].debit);
        remember_past(s, legs[i].credit);
    }
}

/* ── past balances ── */

static bool totals_same(const ps_account_totals *a, const ps_account_totals *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* Takes off record `seq`'s legs on the account; returns the record before it on the account. */
static uint64_t record_undo(scene *s, uint32_t account, uint64_t seq, ps_account_totals *totals,
                            uint32_t *walked)
{
    uint64_t previous = seq;
    for (uint32_t i = s->item_count; i > 0; i--) {
        const item *it = &s->items[i - 1];
        bool touches = it->kind == ITEM_LEG && it->seq == seq &&
                       (it->leg.debit == account || it->leg.credit == account);
        if (touches) {
            ps_account_totals_undo(totals, &it->leg, account);
            previous = it->leg.debit == account ? it->leg.debit_prev_seq : it->leg.credit_prev_seq;
            (*walked)++;
        }
    }
    world_check(&s->world, previous < seq, "a record without a leg on the account");
    return previous;
}

/* By seq, or by a time between records. */
static void check_past(scene *s, bool by_time)
{
    uint32_t account = (uint32_t)draw(s, s->world.naive.account_count);
    uint64_t at = draw(s, s->seq + 2);
    int64_t at_ns = world_time_ns(at) + (int64_t)draw(s, 10);
    ps_account then;
    ps_ledger_account_at(&s->world.real, account, by_time ? at_ns : INT64_MAX,
                         by_time ? UINT64_MAX : at, &then);
    world_check(&s->world, then.last_seq == 0 || then.last_ns == world_time_ns(then.last_seq),
                "a past account's time is not of its record");
    uint32_t walked = 0;
    uint64_t seq = then.last_seq;
    while (seq > at) {
        seq = record_undo(s, account, seq, &then.totals, &walked);
    }
    past want = {0};
    for (uint32_t i = 0; i < s->past_count; i++) {
        if (s->pasts[i].account == account && s->pasts[i].seq <= at) {
            want = s->pasts[i];
        }
    }
    world_check(&s->world, totals_same(&then.totals, &want.totals), "a past balance differs");
    world_check(&s->world, then.entry_count - walked == want.entries, "past entries differ");
    /* from a checkpoint at most 64 entries and the rest of a record (some lists) */
    world_check(&s->world, walked <= PS_ACCOUNT_CHECKPOINT_EVERY + 128, "too long a walk");
}

/* ── snapshots ── */

static void replay_item(ps_ledger *ledger, const item *it)
{
    char name[16];
    switch (it->kind) {
    case ITEM_LEG: {
        ps_leg leg = it->leg;
        ps_ledger_apply(ledger, &leg, 1, it->seq, it->time_ns);
        break;
    }
    case ITEM_ACCOUNT:
        account_name(it->account, name);
        assert_int_equal(ps_ledger_account_add(ledger, it->book, ps_slice_text(name), it->currency,
                                               (ps_account_type)it->type, it->flags, it->time_ns),
                         it->account);
        break;
    case ITEM_FLAGS:
        assert_true(ps_ledger_account_set_flags(ledger, it->account, it->flags));
        break;
    }
}

/* The restored ledger catches up, one leg at a time, and must be the same bytes. */
static void twin_check(scene *s)
{
    for (uint32_t i = s->twin_from; i < s->item_count; i++) {
        replay_item(&s->twin, &s->items[i]);
    }
    s->twin_from = s->item_count;
    world_check(&s->world, ledger_bytes_equal(&s->twin, &s->world.real),
                "a restored ledger goes on otherwise");
}

static void twin_restore(scene *s)
{
    ledger_bytes_copy(&s->twin, &s->world.real);
    s->twin_from = s->item_count;
    s->has_twin = true;
}

static void snapshot_begin(scene *s)
{
    ps_region *regions[16];
    uint32_t count = ps_ledger_regions(&s->world.real, regions);
    char *at = s->frozen_bytes;
    for (uint32_t i = 0; i < count; i++) {
        assert_true(at + regions[i]->size <= s->frozen_bytes + CHUNKS_BUFFER);
        memcpy(at, regions[i]->data, regions[i]->size);
        at += regions[i]->size;
        s->frozen_sizes[i] = regions[i]->size;
        s->snapshot_sizes[i] = 0;
        ps_region_freeze(regions[i]);
    }
    memset(s->snapshot_bytes, 0xAA, CHUNKS_BUFFER);
    s->frozen = true;
}

/* Takes one chunk that is owed; false: all are out. */
static bool snapshot_step(scene *s)
{
    static char chunk[PS_REGION_CHUNK];
    ps_region *regions[16];
    uint32_t count = ps_ledger_regions(&s->world.real, regions);
    char *base = s->snapshot_bytes;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t offset;
        uint32_t size;
        if (ps_region_next_chunk(regions[i], chunk, &offset, &size)) {
            assert_true(offset + size <= s->frozen_sizes[i]);
            memcpy(base + offset, chunk, size);
            s->snapshot_sizes[i] += size;
            return true;
        }
        base += s->frozen_sizes[i];
    }
    return false;
}

static void snapshot_end(scene *s)
{
    while (snapshot_step(s)) {
    }
    ps_region *regions[16];
    uint32_t count = ps_ledger_regions(&s->world.real, regions);
    uint64_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        world_check(&s->world, s->snapshot_sizes[i] == s->frozen_sizes[i], "a chunk is missing");
        total += s->frozen_sizes[i];
        ps_region_thaw(regions[i]);
    }
    world_check(&s->world, memcmp(s->frozen_bytes, s->snapshot_bytes, total) == 0,
                "a snapshot under load is not the frozen state: a write without touch");
    s->frozen = false;
}

static void snapshot_move(scene *s)
{
    if (!s->frozen) {
        snapshot_begin(s);
    } else if (draw(s, 12) == 0) {
        snapshot_end(s);
    } else {
        (void)snapshot_step(s);
    }
}

/* ── runs ── */

static void operation(scene *s)
{
    ps_account_totals before[NAIVE_ACCOUNTS_MAX];
    uint32_t count = s->world.naive.account_count;
    for (uint32_t i = 0; i < count; i++) {
        before[i] = ps_ledger_account(&s->world.real, i)->totals;
    }
    uint64_t how = draw(s, 200);
    if (how < 190) {
        post_legs(s);
    } else if (how < 198) {
        account_flag(s);
    } else {
        account_add(s);
    }
    for (uint32_t i = 0; i < count; i++) {
        const ps_account_totals *now = &ps_ledger_account(&s->world.real, i)->totals;
        world_check(&s->world,
                    now->debits_posted >= before[i].debits_posted &&
                        now->credits_posted >= before[i].credits_posted,
                    "L2: a posted total decreased");
    }
}

static void scene_free(scene *s)
{
    ps_ledger_release(&s->twin);
    world_release(&s->world);
    free(s->items);
    free(s->pasts);
    free(s->frozen_bytes);
    free(s->snapshot_bytes);
    free(s);
}

static scene *scene_new(uint64_t seed)
{
    scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->random = seed;
    s->items = calloc(JOURNAL_MAX, sizeof *s->items);
    s->pasts = calloc((size_t)2 * JOURNAL_MAX, sizeof *s->pasts);
    s->frozen_bytes = malloc(CHUNKS_BUFFER);
    s->snapshot_bytes = malloc(CHUNKS_BUFFER);
    assert_true(s->items != NULL && s->pasts != NULL && s->frozen_bytes != NULL &&
                s->snapshot_bytes != NULL);
    /* some seeds run out of transfer slots or checkpoints */
    ps_ledger_limits limits = {ACCOUNTS_MAX, 8 + draw(s, 56), draw(s, 4) == 0 ? 40 : 2000};
    world_init(&s->world, limits);
    ps_error err;
    assert_int_equal(ps_ledger_init(&s->twin, &limits, &err), PS_OK);
    for (int i = 0; i < ACCOUNTS; i++) {
        account_add(s);
    }
    return s;
}

static void run_seed(uint64_t seed, uint64_t outcomes[PS_LEDGER_OUTCOME_COUNT])
{
    scene *s = scene_new(seed);
    for (uint32_t i = 0; i < OPERATIONS; i++) {
        snprintf(s->world.place, sizeof s->world.place, "SEED=%llu operation %u",
                 (unsigned long long)seed, i);
        s->resolves_of_10 = i % 300 == 0 ? 2 + draw(s, 5) : s->resolves_of_10;
        operation(s);
        if (draw(s, 8) == 0) {
            check_past(s, draw(s, 2) == 0);
        }
        if (draw(s, 10) == 0) {
            snapshot_move(s);
        }
        if (draw(s, 400) == 0 && s->has_twin) {
            twin_check(s);
        } else if (draw(s, 400) == 0) {
            twin_restore(s);
        }
    }
    if (s->frozen) {
        snapshot_end(s);
    }
    if (s->has_twin) {
        twin_check(s);
    }
    /* and from the very beginning */
    ps_ledger_clear(&s->twin);
    s->twin_from = 0;
    twin_check(s);
    for (int i = 0; i < PS_LEDGER_OUTCOME_COUNT; i++) {
        outcomes[i] += s->outcomes[i];
    }
    scene_free(s);
}

static void random_operations_equal_the_naive_model(void **state)
{
    (void)state;
    uint64_t outcomes[PS_LEDGER_OUTCOME_COUNT] = {0};
    const char *seed = getenv("SEED");
    if (seed != NULL) {
        run_seed(strtoull(seed, NULL, 10), outcomes);
        return;
    }
    uint64_t count = test_count(40, 1000);
    for (uint64_t i = 1; i <= count; i++) {
        run_seed(i, outcomes);
    }
    if (getenv("PS_SHOW") != NULL) {
        for (int i = 0; i < PS_LEDGER_OUTCOME_COUNT; i++) {
            print_message("%s %llu\n", ps_ledger_outcome_name((ps_ledger_outcome)i),
                          (unsigned long long)outcomes[i]);
        }
    }
    /* the operations drawn are worth something only if they meet everything that they can meet */
    for (int i = 0; i < PS_LEDGER_OUTCOME_COUNT; i++) {
        if (outcomes[i] == 0 && i != PS_LEDGER_OVERFLOW) {
            fail_msg("no seed met %s", ps_ledger_outcome_name((ps_ledger_outcome)i));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_equal_the_naive_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
