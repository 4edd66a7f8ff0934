#include "serve/auth.h"

#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/hash.h"

enum { CACHE_ENTRIES = 1024 };

typedef struct key_table {
    uint64_t generation;
    size_t count;
    struct key_table *older; /* retired tables, newest first */
    ps_auth_key keys[];      /* by public id */
} key_table;

typedef struct {
    uint64_t hash;
    uint64_t generation; /* of the table it was verified against; 0: empty */
    char text[PS_API_KEY_SIZE];
    ps_auth_key key;
} cache_entry;

struct ps_auth_reader {
    ps_auth *auth;
    _Atomic uint64_t seen; /* tables older than this are not held by this reader */
    cache_entry cache[CACHE_ENTRIES];
};

struct ps_auth {
    uint8_t pepper[PS_PEPPER_SIZE];
    _Atomic(key_table *) table;
    ps_auth_reader *readers[PS_AUTH_READERS_MAX]; /* NULL: free place */
};

/* ── tables ── */

static int id_compare(ps_u128 a, ps_u128 b)
{
    if (a.high != b.high) {
        return a.high < b.high ? -1 : 1;
    }
    return a.low < b.low ? -1 : a.low > b.low;
}

static int key_compare(const void *a, const void *b)
{
    return id_compare(((const ps_auth_key *)a)->public_id, ((const ps_auth_key *)b)->public_id);
}

/* The first key that is not before `id`. */
static size_t key_position(const key_table *table, ps_u128 id)
{
    size_t low = 0;
    size_t high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (id_compare(table->keys[middle].public_id, id) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static const ps_auth_key *key_find(const key_table *table, ps_u128 id)
{
    size_t at = key_position(table, id);
    if (at == table->count || !ps_u128_equal(table->keys[at].public_id, id)) {
        return NULL;
    }
    return &table->keys[at];
}

static key_table *table_new(size_t count)
{
    key_table *table = malloc(sizeof *table + count * sizeof table->keys[0]);
    if (table != NULL) {
        table->generation = 1;
        table->count = count;
        table->older = NULL;
    }
    return table;
}

static ps_auth_key key_of(const ps_effect_key *effect)
{
    ps_auth_key key = {.public_id = effect->public_id,
                       .created_ns = effect->created_ns,
                       .expires_ns = effect->expires_ns,
                       .number = effect->key,
                       .book = effect->book,
                       .scopes = effect->scopes,
                       .live = effect->live != 0};
    memcpy(key.hmac, effect->hmac, sizeof key.hmac);
    return key;
}

/* Tables that no reader can hold any more. */
static void retired_free(ps_auth *auth, key_table *newest)
{
    uint64_t oldest_held = newest->generation;
    for (size_t i = 0; i < PS_AUTH_READERS_MAX; i++) {
        if (auth->readers[i] != NULL) {
            uint64_t seen = atomic_load(&auth->readers[i]->seen);
            oldest_held = seen < oldest_held ? seen : oldest_held;
        }
    }
    for (key_table *at = newest; at->older != NULL;) {
        key_table *older = at->older;
        if (older->generation < oldest_held) {
            at->older = older->older;
            free(older);
        } else {
            at = older;
        }
    }
}

static void table_publish(ps_auth *auth, key_table *table)
{
    key_table *old = atomic_load(&auth->table);
    table->generation = old->generation + 1;
    table->older = old;
    atomic_store(&auth->table, table);
    retired_free(auth, table);
}

ps_code ps_auth_new(const uint8_t pepper[PS_PEPPER_SIZE], ps_auth **out_auth, ps_error *err)
{
    ps_auth *auth = calloc(1, sizeof *auth);
    key_table *table = table_new(0);
    if (auth == NULL || table == NULL) {
        free(auth);
        free(table);
        return ps_error_set(err, PS_E_MEMORY, "no memory for the table of API keys");
    }
    memcpy(auth->pepper, pepper, sizeof auth->pepper);
    atomic_init(&auth->table, table);
    *out_auth = auth;
    return PS_OK;
}

void ps_auth_free(ps_auth *auth)
{
    if (auth == NULL) {
        return;
    }
    for (key_table *at = atomic_load(&auth->table); at != NULL;) {
        key_table *older = at->older;
        free(at);
        at = older;
    }
    OPENSSL_cleanse(auth->pepper, sizeof auth->pepper);
    free(auth);
}

ps_code ps_auth_load(ps_auth *auth, const ps_effect_key *keys, size_t count, ps_error *err)
{
    key_table *table = table_new(count);
    if (table == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for %zu API keys", count);
    }
    for (size_t i = 0; i < count; i++) {
        table->keys[i] = key_of(&keys[i]);
    }
    qsort(table->keys, count, sizeof table->keys[0], key_compare);
    table_publish(auth, table);
    return PS_OK;
}

ps_code ps_auth_apply(ps_auth *auth, const ps_effect_key *key, ps_error *err)
{
    const key_table *old = atomic_load(&auth->table);
    size_t at = key_position(old, key->public_id);
    bool is_known = key_find(old, key->public_id) != NULL;
    bool is_live = key->revoked_ns == 0;
    key_table *table = table_new(old->count + 1);
    if (table == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for %zu API keys", old->count + 1);
    }
    size_t after = at + (is_known ? 1 : 0);
    size_t added = is_live ? 1 : 0;
    memcpy(table->keys, old->keys, at * sizeof old->keys[0]);
    if (is_live) {
        table->keys[at] = key_of(key);
    }
    memcpy(table->keys + at + added, old->keys + after, (old->count - after) * sizeof old->keys[0]);
    table->count = at + added + (old->count - after);
    table_publish(auth, table);
    return PS_OK;
}

/* ── readers ── */

ps_code ps_auth_reader_new(ps_auth *auth, ps_auth_reader **out_reader, ps_error *err)
{
    size_t place = 0;
    while (place < PS_AUTH_READERS_MAX && auth->readers[place] != NULL) {
        place++;
    }
    if (place == PS_AUTH_READERS_MAX) {
        return ps_error_set(err, PS_E_LIMIT, "more than %d readers of API keys",
                            PS_AUTH_READERS_MAX);
    }
    ps_auth_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for a reader of API keys");
    }
    reader->auth = auth;
    atomic_init(&reader->seen, atomic_load(&auth->table)->generation);
    auth->readers[place] = reader;
    *out_reader = reader;
    return PS_OK;
}

void ps_auth_reader_free(ps_auth_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    for (size_t i = 0; i < PS_AUTH_READERS_MAX; i++) {
        if (reader->auth->readers[i] == reader) {
            reader->auth->readers[i] = NULL;
        }
    }
    OPENSSL_cleanse(reader->cache, sizeof reader->cache);
    free(reader);
}

/* The newest table; older ones are not held any more from here on. */
static const key_table *table_take(ps_auth_reader *reader)
{
    const key_table *table = atomic_load(&reader->auth->table);
    if (atomic_load_explicit(&reader->seen, memory_order_relaxed) != table->generation) {
        atomic_store(&reader->seen, table->generation);
    }
    return table;
}

void ps_auth_reader_refresh(ps_auth_reader *reader)
{
    (void)table_take(reader);
}

static bool bearer_take(ps_slice header, ps_slice *out_text)
{
    static const char scheme[] = "bearer ";
    enum { SCHEME_SIZE = sizeof scheme - 1 };
    if (header.size <= SCHEME_SIZE) {
        return false;
    }
    for (size_t i = 0; i < SCHEME_SIZE; i++) {
        char c = header.data[i];
        char lower = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
        if (lower != scheme[i]) {
            return false;
        }
    }
    *out_text = ps_slice_of(header.data + SCHEME_SIZE, header.size - SCHEME_SIZE);
    return true;
}

ps_slice ps_auth_bearer(ps_slice header)
{
    ps_slice text = {NULL, 0};
    return bearer_take(header, &text) ? text : (ps_slice){NULL, 0};
}

static ps_auth_outcome verify(ps_auth_reader *reader, const key_table *table, ps_slice text,
                              cache_entry *entry)
{
    bool live = false;
    ps_u128 id;
    if (!ps_api_key_parse(text, &live, &id)) {
        return PS_AUTH_MALFORMED;
    }
    static const ps_auth_key nobody; /* so that an unknown id costs as much as a wrong secret */
    const ps_auth_key *key = key_find(table, id);
    bool is_known = key != NULL && key->live == live;
    uint8_t hmac[PS_API_KEY_HMAC_SIZE];
    ps_api_key_hmac(reader->auth->pepper, text, hmac);
    bool is_equal = CRYPTO_memcmp(hmac, is_known ? key->hmac : nobody.hmac, sizeof hmac) == 0;
    OPENSSL_cleanse(hmac, sizeof hmac);
    if (!is_known || !is_equal) {
        return PS_AUTH_UNKNOWN;
    }
    memcpy(entry->text, text.data, sizeof entry->text);
    entry->generation = table->generation;
    entry->key = *key;
    return PS_AUTH_OK;
}

ps_auth_outcome ps_auth_check(ps_auth_reader *reader, ps_slice header, int64_t now_ns,
                              ps_auth_key *out_key)
{
    ps_slice text;
    if (!bearer_take(header, &text)) {
        return PS_AUTH_MISSING;
    }
    if (text.size != PS_API_KEY_SIZE) {
        return PS_AUTH_MALFORMED;
    }
    const key_table *table = table_take(reader);
    uint64_t hash = ps_xxh3_64(text.data, text.size);
    cache_entry *entry = &reader->cache[hash % CACHE_ENTRIES];
    bool is_cached = entry->generation == table->generation && entry->hash == hash &&
                     CRYPTO_memcmp(entry->text, text.data, sizeof entry->text) == 0;
    if (!is_cached) {
        ps_auth_outcome outcome = verify(reader, table, text, entry);
        if (outcome != PS_AUTH_OK) {
            return outcome;
        }
        entry->hash = hash;
    }
    if (entry->key.expires_ns != 0 && now_ns >= entry->key.expires_ns) {
        return PS_AUTH_EXPIRED;
    }
    *out_key = entry->key;
    return PS_AUTH_OK;
}

bool ps_auth_find_number(ps_auth_reader *reader, uint32_t number, ps_auth_key *out_key)
{
    const key_table *table = table_take(reader);
    for (size_t i = 0; i < table->count; i++) {
        if (table->keys[i].number == number) {
            *out_key = table->keys[i];
            return true;
        }
    }
    return false;
}
