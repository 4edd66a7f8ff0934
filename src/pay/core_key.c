/* Tenants, books and API keys. A tenant owns two books: its test one has an odd number, the live
 * one the next; tenant 1 is the one of `init`. A key belongs to one book. Tenants are made by the
 * first key asked for them, and only an admin of tenant 1 may ask; everybody else's tenants do not
 * exist for a caller.
 */
#include "pay/emit.h"

enum { PS_KEY_HMAC_SIZE = 32 };

static uint32_t tenant_of(uint32_t book)
{
    return (book + 1) / 2;
}

static uint32_t book_of(uint32_t tenant, bool live)
{
    return tenant * 2 - (live ? 0 : 1);
}

static ps_slice tenant_name(const ps_core *core, uint32_t tenant)
{
    const ps_book *book = ps_book_at(core, book_of(tenant, false));
    return ps_slice_of(book->tenant, book->name_size);
}

/* 0: none. Tenants are few and made by hand. */
static uint32_t tenant_find(const ps_core *core, ps_slice name)
{
    for (uint32_t tenant = 1; tenant <= ps_book_count(core) / 2; tenant++) {
        if (ps_slice_equal(tenant_name(core, tenant), name)) {
            return tenant;
        }
    }
    return 0;
}

void ps_apply_book(ps_core *core, const ps_apply_context *at, const ps_effect_book *effect,
                   const ps_effect_texts *texts)
{
    PS_ASSERT(effect->book == ps_book_count(core) + 1);
    ps_book *book = ps_table_add(&core->books, sizeof *book);
    memcpy(book->tenant, effect->tenant, sizeof book->tenant);
    book->name_size = effect->name_size;
    book->live = effect->live;
    book->origin_seq = at->seq;
    if (texts != NULL) {
        ps_slice secret = ps_texts_get(texts, PS_TEXT_DATA);
        PS_ASSERT(effect->book == 1 && secret.size == sizeof(ps_hash_secret));
        memcpy(&ps_core_head_mut(core)->secret, secret.data, secret.size);
    }
}

void ps_apply_key(ps_core *core, const ps_apply_context *at, const ps_effect_key *effect)
{
    bool is_new = effect->key == ps_key_count(core) + 1;
    if (is_new) {
        ps_table_add(&core->keys, sizeof(ps_key));
        bool added = ps_index_add(&core->keys_by_public_id, effect->public_id.low, effect->key);
        PS_ASSERT(added);
    }
    ps_key *key = ps_key_mut(core, effect->key);
    key->body = *effect;
    key->last_seq = at->seq;
}

/* One book; `secret` goes with the very first. */
static void emit_book(ps_emit *emit, ps_slice tenant, bool live, ps_slice secret)
{
    ps_effect_book *effect = ps_emit_put(emit, PS_EFFECT_BOOK, PS_EVENT_NONE, sizeof *effect);
    PS_ASSERT(tenant.size > 0 && tenant.size <= sizeof effect->tenant);
    effect->book = ps_book_count(emit->core) + 1;
    effect->live = live ? 1 : 0;
    effect->name_size = (uint8_t)tenant.size;
    memcpy(effect->tenant, tenant.data, tenant.size);
    if (secret.size != 0) {
        ps_emit_texts_begin(emit);
        ps_emit_text(emit, PS_TEXT_DATA, secret);
        ps_emit_texts_end(emit);
    }
    ps_emit_apply(emit, effect);
}

/* The new key of `command` for this tenant. */
static void emit_key(ps_emit *emit, const ps_command *command, uint32_t tenant, ps_slice hmac)
{
    PS_ASSERT(hmac.size == PS_KEY_HMAC_SIZE);
    ps_effect_key *effect = ps_emit_put(emit, PS_EFFECT_KEY, PS_EVENT_NONE, sizeof *effect);
    effect->key = ps_key_count(emit->core) + 1;
    effect->book = book_of(tenant, command->u.key_new.live);
    effect->origin_seq = emit->seq;
    effect->public_id = command->u.key_new.public_id;
    memcpy(effect->hmac, hmac.data, PS_KEY_HMAC_SIZE);
    effect->created_ns = emit->now_ns;
    effect->scopes = command->u.key_new.scopes;
    effect->live = command->u.key_new.live ? 1 : 0;
    if (command->timeout_ns > 0 &&
        !ps_amount_add(emit->now_ns, command->timeout_ns, &effect->expires_ns)) {
        effect->expires_ns = INT64_MAX;
    }
    ps_emit_texts_begin(emit);
    ps_emit_text(emit, PS_TEXT_NAME, command->reason);
    ps_emit_text(emit, PS_TEXT_TENANT, tenant_name(emit->core, tenant));
    ps_emit_texts_end(emit);
    uint32_t key = effect->key;
    ps_emit_apply(emit, effect);
    ps_emit_subject(emit, PS_ID_KEY, key);
}

/* data: HMAC of the first key, then the hash secret. */
ps_refusal ps_handle_genesis(ps_core *core, const ps_command *command, ps_emit *emit,
                             int64_t *detail)
{
    (void)detail;
    PS_ASSERT(command->data.size == PS_KEY_HMAC_SIZE + sizeof(ps_hash_secret));
    if (ps_book_count(core) != 0) {
        return PS_REFUSED_ALREADY_EXISTS;
    }
    ps_slice hmac = ps_slice_of(command->data.data, PS_KEY_HMAC_SIZE);
    ps_slice secret = ps_slice_of(command->data.data + PS_KEY_HMAC_SIZE, sizeof(ps_hash_secret));
    emit_book(emit, command->u.key_new.tenant, false, secret);
    emit_book(emit, command->u.key_new.tenant, true, (ps_slice){NULL, 0});
    ps_emit_book(emit, book_of(1, command->u.key_new.live));
    emit_key(emit, command, 1, hmac);
    return PS_REFUSED_NONE;
}

ps_refusal ps_handle_key_create(ps_core *core, const ps_command *command, ps_emit *emit,
                                int64_t *detail)
{
    (void)detail;
    uint32_t own = tenant_of(command->book);
    ps_slice name = command->u.key_new.tenant;
    uint32_t tenant = name.size == 0 ? own : tenant_find(core, name);
    if (tenant != own && own != 1) {
        return PS_REFUSED_NOT_FOUND;
    }
    if (tenant == 0) {
        emit_book(emit, name, false, (ps_slice){NULL, 0});
        emit_book(emit, name, true, (ps_slice){NULL, 0});
        tenant = tenant_of(ps_book_count(core));
    }
    emit_key(emit, command, tenant, command->data);
    return PS_REFUSED_NONE;
}

static uint32_t key_find(const ps_core *core, uint32_t book, ps_slice id)
{
    uint64_t number;
    int64_t created_ns;
    if (!ps_id_parse(core->instance, PS_ID_KEY, id, &number, &created_ns) || number == 0 ||
        number > ps_key_count(core)) {
        return 0;
    }
    const ps_effect_key *key = &ps_key_at(core, number)->body;
    bool is_own = key->created_ns == created_ns && tenant_of(key->book) == tenant_of(book);
    return is_own ? (uint32_t)number : 0;
}

/* Revoking a revoked key changes nothing. */
ps_refusal ps_handle_key_revoke(ps_core *core, const ps_command *command, ps_emit *emit,
                                int64_t *detail)
{
    (void)detail;
    uint32_t number = key_find(core, command->book, command->target);
    if (number == 0) {
        return PS_REFUSED_NOT_FOUND;
    }
    ps_effect_key *effect = ps_emit_put(emit, PS_EFFECT_KEY, PS_EVENT_NONE, sizeof *effect);
    ps_effect_head head = effect->head;
    *effect = ps_key_at(core, number)->body;
    effect->head = head;
    if (effect->revoked_ns == 0) {
        effect->revoked_ns = emit->now_ns;
    }
    ps_emit_apply(emit, effect);
    ps_emit_subject(emit, PS_ID_KEY, number);
    return PS_REFUSED_NONE;
}
