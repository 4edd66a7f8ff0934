#include "serve/audit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "data/json_writer.h"
#include "pay/api_key.h"
#include "pay/effect_fields.h"
#include "serve/render_object.h"

enum {
    MAC_SIZE = 32,
    MAC_TEXT = 2 * MAC_SIZE,
    TAIL_SIZE = 8 + MAC_TEXT + 2, /* ,"mac":"…"} */
    AUDIT_LINE_MAX = 2048,
    BLOCK_SIZE = 64 * 1024
};

struct ps_audit {
    ps_io *io;
    ps_file *file;
    ps_u128 instance;
    uint8_t key[MAC_SIZE];
    uint8_t mac[MAC_SIZE]; /* of the last line */
    uint64_t lines, last_seq;
    uint64_t size; /* of the file, in whole lines */
    ps_buf line;
    bool is_dead;
};

bool ps_audit_covers(ps_command_kind command)
{
    switch (command) {
    case PS_CMD_GENESIS:
    case PS_CMD_PAYMENT_REVERSE:
    case PS_CMD_PAYMENT_RAIL_RESULT:
    case PS_CMD_PAYMENT_REVIEW:
    case PS_CMD_DISPUTE_END:
    case PS_CMD_ACCOUNT_OPEN:
    case PS_CMD_ACCOUNT_FREEZE:
    case PS_CMD_ACCOUNT_UNFREEZE:
    case PS_CMD_ACCOUNT_CLOSE:
    case PS_CMD_TRANSFER_CREATE:
    case PS_CMD_TRANSFER_POST:
    case PS_CMD_TRANSFER_VOID:
    case PS_CMD_TRANSFER_REVERT:
    case PS_CMD_SETTLEMENT_CLOSE:
    case PS_CMD_SETTLEMENT_CONFIRM:
    case PS_CMD_SETTLEMENT_FAIL:
    case PS_CMD_RISK_EVENT:
    case PS_CMD_KEY_CREATE:
    case PS_CMD_KEY_REVOKE:
        return true;
    case PS_CMD_TIMER:
    case PS_CMD_SNAPSHOT:
    case PS_CMD_PAYMENT_CREATE:
    case PS_CMD_PAYMENT_CONFIRM:
    case PS_CMD_PAYMENT_CAPTURE:
    case PS_CMD_PAYMENT_CANCEL:
    case PS_CMD_PAYMENT_SYNC:
    case PS_CMD_REFUND_CREATE:
    case PS_CMD_DISPUTE_OPEN:
    case PS_CMD_DISPUTE_CHALLENGE:
    case PS_CMD_DISPUTE_ACCEPT:
    case PS_CMD_COUNT:
        return false;
    }
    return false;
}

/* ── the chain ── */

static void key_derive(const uint8_t *pepper, uint8_t out_key[MAC_SIZE])
{
    static const char label[] = "paystream audit log 1";
    unsigned int size = 0;
    const unsigned char *done =
        HMAC(EVP_sha256(), pepper, PS_PEPPER_SIZE, (const unsigned char *)label, sizeof label - 1,
             out_key, &size);
    PS_ASSERT(done != NULL && size == MAC_SIZE);
}

/* mac := HMAC(key, mac | text) */
static void chain_step(const uint8_t key[MAC_SIZE], uint8_t mac[MAC_SIZE], ps_slice text)
{
    unsigned char input[MAC_SIZE + AUDIT_LINE_MAX];
    unsigned int size = 0;
    PS_ASSERT(text.size <= AUDIT_LINE_MAX);
    memcpy(input, mac, MAC_SIZE);
    memcpy(input + MAC_SIZE, text.data, text.size);
    const unsigned char *done =
        HMAC(EVP_sha256(), key, MAC_SIZE, input, MAC_SIZE + text.size, mac, &size);
    PS_ASSERT(done != NULL && size == MAC_SIZE);
}

/* Moves the chain on by a line, and writes how that line ends. */
static void tail_make(const uint8_t key[MAC_SIZE], uint8_t mac[MAC_SIZE], ps_slice text,
                      char out_tail[TAIL_SIZE + 1])
{
    char mac_text[MAC_TEXT];
    chain_step(key, mac, text);
    ps_hex_encode(mac, MAC_SIZE, mac_text);
    (void)snprintf(out_tail, TAIL_SIZE + 1, ",\"mac\":\"%.*s\"}", MAC_TEXT, mac_text);
}

/* ── reading ── */

/* What a walk over the log has seen; the state that writing goes on from. */
typedef struct {
    uint8_t key[MAC_SIZE];
    uint8_t mac[MAC_SIZE];
    uint64_t lines, last_seq;
    uint64_t size; /* bytes of whole lines */
} log_walk;

/* The number behind `name` at *rest, which moves on. */
static bool number_take(ps_slice *rest, ps_slice name, uint64_t *out_number)
{
    if (!ps_slice_has_prefix(*rest, name)) {
        return false;
    }
    size_t start = name.size;
    size_t end = start;
    while (end < rest->size && rest->data[end] >= '0' && rest->data[end] <= '9') {
        end++;
    }
    if (!ps_parse_u64(ps_slice_of(rest->data + start, end - start), out_number)) {
        return false;
    }
    rest->data += end;
    rest->size -= end;
    return true;
}

static ps_code line_damaged(ps_error *err, const log_walk *walk, uint64_t seq, const char *what)
{
    return ps_error_set(err, PS_E_DAMAGED, "audit.log: line %llu (seq %llu) %s",
                        (unsigned long long)walk->lines + 1, (unsigned long long)seq, what);
}

/* `line` without its newline. */
static ps_code line_check(log_walk *walk, ps_slice line, ps_error *err)
{
    uint64_t number = 0;
    uint64_t seq = 0;
    ps_slice rest = line;
    if (line.size > AUDIT_LINE_MAX || line.size < TAIL_SIZE ||
        !number_take(&rest, PS_SLICE("{\"line\":"), &number) ||
        !number_take(&rest, PS_SLICE(",\"seq\":"), &seq)) {
        return line_damaged(err, walk, 0, "is not an audit entry");
    }
    ps_slice text = ps_slice_of(line.data, line.size - TAIL_SIZE);
    ps_slice tail = ps_slice_of(line.data + text.size, TAIL_SIZE);
    char expected[TAIL_SIZE + 1];
    tail_make(walk->key, walk->mac, text, expected);
    if (CRYPTO_memcmp(expected, tail.data, TAIL_SIZE) != 0) {
        return line_damaged(err, walk, seq, "was changed, or a line before it was");
    }
    if (number != walk->lines + 1 || seq <= walk->last_seq) {
        return line_damaged(err, walk, seq, "is out of order");
    }
    walk->lines = number;
    walk->last_seq = seq;
    walk->size += line.size + 1;
    return PS_OK;
}

/* Checks every whole line in `bytes`; *out_taken: their bytes. */
static ps_code block_check(log_walk *walk, ps_slice bytes, size_t *out_taken, ps_error *err)
{
    size_t taken = 0;
    for (;;) {
        const char *start = bytes.data + taken;
        const char *end = memchr(start, '\n', bytes.size - taken);
        if (end == NULL) {
            break;
        }
        ps_code code = line_check(walk, ps_slice_of(start, (size_t)(end - start)), err);
        if (code != PS_OK) {
            return code;
        }
        taken += (size_t)(end - start) + 1;
    }
    *out_taken = taken;
    return PS_OK;
}

static ps_code log_check(ps_io *io, ps_file *file, log_walk *walk, ps_error *err)
{
    char *block = malloc(BLOCK_SIZE);
    if (block == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory to read audit.log");
    }
    ps_code code = PS_OK;
    size_t size = 1;
    while (code == PS_OK && size > 0) {
        size_t taken = 0;
        code = ps_io_read(io, file, walk->size, block, BLOCK_SIZE, &size, err);
        if (code == PS_OK && size > 0) {
            code = block_check(walk, ps_slice_of(block, size), &taken, err);
        }
        if (code != PS_OK || taken == 0) {
            break; /* the end, or an unfinished line */
        }
    }
    if (code == PS_OK && size > AUDIT_LINE_MAX) {
        code = line_damaged(err, walk, 0, "is not an audit entry");
    }
    free(block);
    return code;
}

static ps_code log_path(const char *dir, char out[PS_PATH_MAX], ps_error *err)
{
    int size = snprintf(out, PS_PATH_MAX, "%s/audit.log", dir);
    if (size < 0 || size >= PS_PATH_MAX) {
        return ps_error_set(err, PS_E_LIMIT, "path %s is too long", dir);
    }
    return PS_OK;
}

/* ── open ── */

static ps_code log_open(ps_io *io, const char *dir, ps_file **out_file, ps_error *err)
{
    char path[PS_PATH_MAX];
    ps_code code = log_path(dir, path, err);
    if (code != PS_OK) {
        return code;
    }
    code = ps_io_open(io, path, PS_OPEN_WRITE, out_file, err);
    if (code == PS_OK || (code == PS_E_IO && err->os_errno != ENOENT)) {
        return code;
    }
    code = ps_io_open(io, path, PS_OPEN_CREATE_NEW, out_file, err);
    if (code != PS_OK) {
        return code;
    }
    code = ps_io_sync_dir(io, dir, err);
    if (code != PS_OK) {
        ps_io_close(io, *out_file);
    }
    return code;
}

ps_code ps_audit_open(ps_io *io, const char *dir, const uint8_t *pepper, ps_u128 instance,
                      ps_audit **out_audit, ps_error *err)
{
    ps_audit *audit = calloc(1, sizeof *audit);
    if (audit == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for the audit log");
    }
    log_walk walk = {.lines = 0};
    audit->io = io;
    audit->instance = instance;
    ps_buf_init(&audit->line, AUDIT_LINE_MAX + TAIL_SIZE);
    key_derive(pepper, audit->key);
    memcpy(walk.key, audit->key, MAC_SIZE);
    ps_code code = log_open(io, dir, &audit->file, err);
    if (code == PS_OK) {
        code = log_check(io, audit->file, &walk, err);
    }
    if (code == PS_OK) {
        code = ps_io_truncate(io, audit->file, walk.size, err);
    }
    if (code != PS_OK) {
        ps_audit_close(audit);
        return code;
    }
    memcpy(audit->mac, walk.mac, MAC_SIZE);
    audit->lines = walk.lines;
    audit->last_seq = walk.last_seq;
    audit->size = walk.size;
    *out_audit = audit;
    return PS_OK;
}

void ps_audit_close(ps_audit *audit)
{
    if (audit == NULL) {
        return;
    }
    ps_io_close(audit->io, audit->file);
    ps_buf_release(&audit->line);
    OPENSSL_cleanse(audit->key, sizeof audit->key);
    free(audit);
}

uint64_t ps_audit_last_seq(const ps_audit *audit)
{
    return audit->last_seq;
}

/* ── writing ── */

static void put_address(ps_buf *out, const uint8_t address[16])
{
    static const uint8_t v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    char text[INET6_ADDRSTRLEN] = "";
    bool is_v4 = memcmp(address, v4_prefix, sizeof v4_prefix) == 0;
    (void)inet_ntop(is_v4 ? AF_INET : AF_INET6, is_v4 ? address + 12 : address, text, sizeof text);
    ps_json_append_string(out, ps_slice_text(text));
}

static void put_account(ps_buf *out, ps_slice payload, uint64_t account)
{
    const ps_effect_account *opened =
        (const void *)ps_effect_find(payload, PS_EFFECT_ACCOUNT, account);
    if (opened != NULL) {
        ps_json_append_string(out, ps_slice_of(opened->name, opened->name_size));
    } else {
        ps_buf_append_format(out, "\"account %llu\"", (unsigned long long)account);
    }
}

/* The effect that shows an object of each kind that a privileged command can be about. */
static const ps_effect_type subject_effects[] = {
    [PS_ID_PAYMENT] = PS_EFFECT_PAYMENT,       [PS_ID_DISPUTE] = PS_EFFECT_DISPUTE,
    [PS_ID_TRANSFER] = PS_EFFECT_TRANSFER,     [PS_ID_SETTLEMENT] = PS_EFFECT_SETTLEMENT,
    [PS_ID_RISK_EVENT] = PS_EFFECT_RISK_EVENT, [PS_ID_KEY] = PS_EFFECT_KEY,
};
enum { SUBJECTS = sizeof subject_effects / sizeof subject_effects[0] };

static void put_object(const ps_audit *audit, ps_buf *out, ps_slice payload)
{
    const ps_record_header *head = ps_record_head(payload);
    const ps_effect_head *effect = NULL;
    if (head->subject_kind < SUBJECTS && subject_effects[head->subject_kind] != 0) {
        effect = ps_effect_find(payload, subject_effects[head->subject_kind], head->subject);
    }
    if (effect != NULL) {
        char id[PS_ID_TEXT_MAX];
        size_t size = ps_id_format(audit->instance, (ps_id_kind)head->subject_kind, head->subject,
                                   ps_effect_created_ns(effect), id);
        ps_json_append_string(out, ps_slice_of(id, size));
    } else if (head->subject_kind == 0 && head->refusal == PS_REFUSED_NONE) {
        put_account(out, payload, head->subject);
    } else {
        PS_PUT(out, "null");
    }
}

static void line_make(ps_audit *audit, uint64_t seq, ps_slice payload, const ps_audit_actor *actor)
{
    const ps_record_header *head = ps_record_head(payload);
    ps_buf *out = &audit->line;
    ps_buf_clear(out);
    PS_PUT(out, "{\"line\":");
    ps_buf_append_u64(out, audit->lines + 1);
    PS_PUT(out, ",\"seq\":");
    ps_buf_append_u64(out, seq);
    PS_PUT(out, ",\"time\":");
    ps_render_time(out, head->time_ns);
    PS_PUT(out, ",\"who\":");
    if (actor->key.size > 0) {
        ps_json_append_string(out, actor->key);
    } else {
        ps_buf_append_format(out, "\"key %u\"", head->key);
    }
    PS_PUT(out, ",\"certificate\":");
    if (actor->certificate.size > 0) {
        ps_json_append_string(out, actor->certificate);
    } else {
        PS_PUT(out, "null");
    }
    PS_PUT(out, ",\"address\":");
    put_address(out, head->address);
    PS_PUT(out, ",\"action\":");
    ps_json_append_string(out, ps_slice_text(ps_command_name((ps_command_kind)head->command)));
    PS_PUT(out, ",\"result\":");
    ps_buf_append_u64(out, head->http_status);
    PS_PUT(out, ",\"object\":");
    put_object(audit, out, payload);
}

ps_code ps_audit_add(ps_audit *audit, uint64_t seq, ps_slice payload, const ps_audit_actor *actor,
                     ps_error *err)
{
    if (audit->is_dead) {
        return ps_error_set(err, PS_E_IO, "audit.log failed before; restart to go on");
    }
    if (seq <= audit->last_seq ||
        !ps_audit_covers((ps_command_kind)ps_record_head(payload)->command)) {
        return PS_OK;
    }
    uint8_t mac[MAC_SIZE];
    char tail[TAIL_SIZE + 1];
    line_make(audit, seq, payload, actor);
    memcpy(mac, audit->mac, MAC_SIZE);
    tail_make(audit->key, mac, ps_buf_slice(&audit->line), tail);
    ps_buf_append(&audit->line, tail, TAIL_SIZE);
    ps_buf_append_char(&audit->line, '\n');
    PS_ASSERT(!audit->line.failed);
    ps_code code =
        ps_io_write(audit->io, audit->file, audit->size, audit->line.data, audit->line.size, err);
    if (code != PS_OK) {
        audit->is_dead = true;
        return code;
    }
    memcpy(audit->mac, mac, MAC_SIZE);
    audit->lines++;
    audit->last_seq = seq;
    audit->size += audit->line.size;
    return PS_OK;
}

ps_code ps_audit_sync(ps_audit *audit, ps_error *err)
{
    if (audit->is_dead) {
        return ps_error_set(err, PS_E_IO, "audit.log failed before; restart to go on");
    }
    ps_code code = ps_io_datasync(audit->io, audit->file, err);
    audit->is_dead = code != PS_OK;
    return code;
}

ps_code ps_audit_verify(ps_io *io, const char *dir, const uint8_t *pepper, uint64_t *out_lines,
                        uint64_t *out_last_seq, ps_error *err)
{
    char path[PS_PATH_MAX];
    ps_file *file = NULL;
    log_walk walk = {.lines = 0};
    ps_code code = log_path(dir, path, err);
    if (code != PS_OK) {
        return code;
    }
    key_derive(pepper, walk.key);
    code = ps_io_open(io, path, PS_OPEN_READ, &file, err);
    if (code == PS_OK) {
        code = log_check(io, file, &walk, err);
        ps_io_close(io, file);
    } else if (code == PS_E_MISSING || err->os_errno == ENOENT) {
        code = PS_OK;
    }
    OPENSSL_cleanse(walk.key, sizeof walk.key);
    if (code == PS_OK) {
        *out_lines = walk.lines;
        *out_last_seq = walk.last_seq;
    }
    return code;
}
