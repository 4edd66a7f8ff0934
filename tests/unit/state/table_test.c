#include "state/state_fixture.h"

enum { KEYS = 700, KEY_MAX = 40 };

/* A table beside a plain model of it. */
typedef struct {
    ps_budget budget;
    ps_store *store;
    ps_table *table;
    uint32_t key_size; /* 0: variable */
    struct {
        bool is_there;
        uint32_t entry;
        uint64_t value;
    } model[KEYS];
    char keys[KEYS][KEY_MAX];
    uint32_t sizes[KEYS];
} table_case;

static void open_case(table_case *of, uint32_t key_size)
{
    ps_error err;
    *of = (table_case){.budget = {.size_max = 1 << 30}, .key_size = key_size};
    of->store = fixture_store(&of->budget);
    assert_int_equal(ps_table_new(of->store, "t", key_size, 16, &of->table, &err), PS_OK);
    for (uint32_t i = 0; i < KEYS; i++) {
        of->sizes[i] = key_size != 0 ? key_size : i % KEY_MAX;
        memset(of->keys[i], 'a', KEY_MAX);
        if (of->sizes[i] >= 4) {
            memcpy(of->keys[i], &i, 4);
        } else {
            of->sizes[i] = i == 0 ? 0 : 4;
            memcpy(of->keys[i], &i, 4);
        }
    }
}

static ps_slice key_at(const table_case *of, uint32_t i)
{
    return ps_slice_of(of->keys[i], of->sizes[i]);
}

static void check_all(const table_case *of)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < KEYS; i++) {
        ps_slice key = key_at(of, i);
        uint32_t entry = ps_table_find(of->table, ps_table_hash(key.data, key.size), key);
        if (!of->model[i].is_there) {
            assert_int_equal(entry, PS_TABLE_NONE);
            continue;
        }
        count++;
        assert_int_equal(entry, of->model[i].entry);
        assert_int_equal(*(uint64_t *)ps_table_value(of->table, entry), of->model[i].value);
        assert_true(ps_slice_equal(ps_table_key(of->table, entry), key));
    }
    assert_int_equal(ps_table_count(of->table), count);
    for (uint32_t entry = ps_table_next(of->table, 0); entry != PS_TABLE_NONE;
         entry = ps_table_next(of->table, entry + 1)) {
        count--;
    }
    assert_int_equal(count, 0);
}

static void note(table_case *of, uint32_t i, uint32_t entry, bool is_new)
{
    assert_int_equal(is_new, !of->model[i].is_there);
    uint64_t *value = ps_table_touch(of->table, entry);
    if (is_new) {
        assert_int_equal(value[0], 0);
        assert_int_equal(value[1], 0);
        of->model[i].value = 0;
    }
    value[0]++;
    value[1] = UINT64_MAX;
    of->model[i].value++;
    of->model[i].entry = entry;
    of->model[i].is_there = true;
}

static void put_many(table_case *of, uint64_t *random)
{
    ps_error err;
    ps_slice keys[100];
    uint32_t which[100];
    uint32_t entries[100];
    bool is_new[100];
    uint32_t count = (uint32_t)test_draw(random, 100) + 1;
    for (uint32_t i = 0; i < count; i++) {
        which[i] = (uint32_t)test_draw(random, KEYS);
        keys[i] = test_draw(random, 8) == 0 ? (ps_slice){NULL, 0} : key_at(of, which[i]);
    }
    assert_int_equal(ps_table_put_all(of->table, count, keys, entries, is_new, &err), PS_OK);
    for (uint32_t i = 0; i < count; i++) {
        if (keys[i].data == NULL) {
            assert_int_equal(entries[i], PS_TABLE_NONE);
        } else {
            note(of, which[i], entries[i], is_new[i]);
        }
    }
}

static void step(table_case *of, uint64_t *random)
{
    ps_error err;
    uint32_t i = (uint32_t)test_draw(random, KEYS);
    uint64_t what = test_draw(random, 1000);
    if (what < 300) {
        ps_slice key = key_at(of, i);
        uint32_t entry;
        bool is_new;
        assert_int_equal(
            ps_table_put(of->table, ps_table_hash(key.data, key.size), key, &entry, &is_new, &err),
            PS_OK);
        note(of, i, entry, is_new);
    } else if (what < 320) {
        put_many(of, random);
    } else if (what == 999) {
        ps_table_clear(of->table);
        for (uint32_t k = 0; k < KEYS; k++) {
            of->model[k].is_there = false;
        }
    } else if (of->model[i].is_there) {
        ps_table_remove(of->table, of->model[i].entry);
        of->model[i].is_there = false;
    }
}

static void tables_agree_with_a_model(void **state)
{
    (void)state;
    static table_case of;
    static const uint32_t sizes[] = {0, 4, 16, 24};
    for (size_t s = 0; s < 4; s++) {
        uint64_t random = 77 + s;
        open_case(&of, sizes[s]);
        for (int i = 0; i < 20000; i++) {
            step(&of, &random);
            if (i % 1000 == 0) {
                check_all(&of);
            }
        }
        check_all(&of);
        ps_store_free(of.store);
        assert_int_equal(of.budget.size, 0);
    }
}

static void a_copy_of_the_regions_is_the_table(void **state)
{
    (void)state;
    static table_case of;
    uint64_t random = 5;
    ps_error err;
    open_case(&of, 0);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 500; i++) {
            step(&of, &random);
        }
        ps_store *copy = fixture_store(&of.budget);
        ps_table *table;
        assert_int_equal(ps_table_new(copy, "t", 0, 16, &table, &err), PS_OK);
        fixture_copy(of.store, copy);
        ps_store_free(of.store);
        of.store = copy;
        of.table = table;
        check_all(&of);
    }
    ps_store_free(of.store);
}

/* The same steps with and without snapshots: the frozen bytes are those of the moment, and numbers
 * come out the same. */
static void a_snapshot_is_of_its_moment_and_changes_nothing(void **state)
{
    (void)state;
    static table_case plain;
    static table_case saved;
    uint64_t random = 6;
    uint64_t same = 6;
    ps_buf moment;
    ps_buf frozen;
    ps_buf_init(&moment, 1 << 26);
    ps_buf_init(&frozen, 1 << 26);
    open_case(&plain, 0);
    open_case(&saved, 0);
    for (int round = 0; round < 8; round++) {
        fixture_read(saved.store, &moment);
        fixture_freeze(saved.store);
        for (int i = 0; i < 2000; i++) {
            step(&plain, &random);
            step(&saved, &same);
        }
        fixture_read_frozen(saved.store, &frozen);
        assert_true(ps_slice_equal(ps_buf_slice(&moment), ps_buf_slice(&frozen)));
        ps_buf_clear(&moment);
        ps_buf_clear(&frozen);
        check_all(&saved);
        for (uint32_t i = 0; i < KEYS; i++) {
            assert_int_equal(plain.model[i].is_there, saved.model[i].is_there);
            assert_true(!plain.model[i].is_there || plain.model[i].entry == saved.model[i].entry);
        }
    }
    ps_buf_release(&moment);
    ps_buf_release(&frozen);
    ps_store_free(plain.store);
    ps_store_free(saved.store);
}

static void many_are_removed_together(void **state)
{
    (void)state;
    ps_error err;
    ps_budget budget = {.size_max = 1 << 30};
    ps_store *store = fixture_store(&budget);
    ps_table *table;
    assert_int_equal(ps_table_new(store, "t", 8, 8, &table, &err), PS_OK);
    static uint32_t entries[5000];
    for (uint64_t i = 0; i < 5000; i++) {
        bool is_new;
        assert_int_equal(ps_table_put(table, ps_table_hash(&i, 8), ps_slice_of(&i, 8), &entries[i],
                                      &is_new, &err),
                         PS_OK);
    }
    ps_table_remove_all(table, 4999, entries);
    assert_int_equal(ps_table_count(table), 1);
    assert_int_equal(ps_table_next(table, 0), entries[4999]);
    ps_store_free(store);
}

static void a_full_budget_names_the_operator_and_its_keys(void **state)
{
    (void)state;
    ps_error err;
    ps_budget budget = {.size_max = 1 << 20};
    ps_store *store = fixture_store(&budget);
    ps_table *table;
    assert_int_equal(ps_table_new(store, "t", 8, 56, &table, &err), PS_OK);
    ps_code code = PS_OK;
    uint64_t count = 0;
    while (code == PS_OK) {
        uint32_t entry;
        bool is_new;
        code = ps_table_put(table, ps_table_hash(&count, 8), ps_slice_of(&count, 8), &entry,
                            &is_new, &err);
        count += code == PS_OK;
    }
    assert_int_equal(code, PS_E_LIMIT);
    assert_non_null(strstr(err.text, "Test(1)"));
    assert_non_null(strstr(err.text, " keys"));
    assert_true(count > 8000);
    assert_int_equal(ps_table_count(table), count);
    assert_true(budget.size <= budget.size_max);
    ps_store_free(store);
    assert_int_equal(budget.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_agree_with_a_model),
        cmocka_unit_test(a_copy_of_the_regions_is_the_table),
        cmocka_unit_test(a_snapshot_is_of_its_moment_and_changes_nothing),
        cmocka_unit_test(many_are_removed_together),
        cmocka_unit_test(a_full_budget_names_the_operator_and_its_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
