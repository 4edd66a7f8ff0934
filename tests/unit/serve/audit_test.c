/* The audit log on the simulated disk: its chain, and what every kind of tampering does to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/io_sim.h"
#include "pay/api_key.h"
#include "serve/audit.h"

static const uint8_t pepper[PS_PEPPER_SIZE] = {9};
static const char path[] = "/d/audit.log";

typedef struct {
    ps_sim *sim;
    ps_io *io;
    ps_error err;
} fixture;

/* A record of an account that was opened (or of `command`), by key 3 from 10.0.0.7. */
static ps_slice record_of(ps_command_kind command, char bytes[512])
{
    memset(bytes, 0, 512);
    ps_record_header *head = (void *)bytes;
    ps_effect_account *account = (void *)(bytes + sizeof *head);
    uint32_t size = (sizeof *account + 4 + 7) & ~7U;
    *account = (ps_effect_account){
        .head = {.type = PS_EFFECT_ACCOUNT, .size = size}, .account = 5, .book = 1, .name_size = 4};
    memcpy(account->name, "till", 4);
    *head = (ps_record_header){.version = PS_RECORD_VERSION,
                               .command = (uint8_t)command,
                               .http_status = 201,
                               .book = 1,
                               .key = 3,
                               .time_ns = INT64_C(1769903999123000000),
                               .address = {[10] = 0xff, [11] = 0xff, 10, 0, 0, 7},
                               .subject = 5,
                               .effect_count = 1,
                               .size = (uint32_t)sizeof *head + size};
    return ps_slice_of(bytes, head->size);
}

static ps_code log_open(fixture *f, ps_audit **out_audit)
{
    return ps_audit_open(f->io, "/d", pepper, (ps_u128){1, 2}, out_audit, &f->err);
}

static void log_add(fixture *f, ps_audit *audit, uint64_t seq, ps_command_kind command)
{
    _Alignas(8) char bytes[512];
    const ps_audit_actor actor = {PS_SLICE("key_abc"), PS_SLICE("dns:ops.example")};
    assert_int_equal(ps_audit_add(audit, seq, record_of(command, bytes), &actor, &f->err), PS_OK);
}

/* Lines of seq 2, 4, 6, 8. */
static void log_of_four(fixture *f)
{
    ps_audit *audit = NULL;
    assert_int_equal(log_open(f, &audit), PS_OK);
    for (uint64_t seq = 2; seq <= 8; seq += 2) {
        log_add(f, audit, seq, PS_CMD_ACCOUNT_OPEN);
    }
    assert_int_equal(ps_audit_sync(audit, &f->err), PS_OK);
    ps_audit_close(audit);
}

static ps_code verify(fixture *f, uint64_t *out_lines)
{
    uint64_t last_seq = 0;
    return ps_audit_verify(f->io, "/d", pepper, out_lines, &last_seq, &f->err);
}

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    f->sim = ps_sim_new(1);
    f->io = ps_sim_io(f->sim);
    *state = f;
    return ps_io_make_dir(f->io, "/d", &f->err) == PS_OK ? 0 : -1;
}

static int teardown(void **state)
{
    fixture *f = *state;
    ps_sim_free(f->sim);
    free(f);
    return 0;
}

/* The log's bytes, owned by the caller. */
static char *bytes_of(fixture *f, size_t *out_size)
{
    ps_slice bytes;
    assert_true(ps_sim_file_get(f->sim, path, &bytes));
    char *copy = malloc(bytes.size + 1);
    assert_non_null(copy);
    memcpy(copy, bytes.data, bytes.size);
    copy[bytes.size] = 0;
    *out_size = bytes.size;
    return copy;
}

static void a_line_says_who_when_where_what_result_and_object(void **state)
{
    fixture *f = *state;
    size_t size = 0;
    log_of_four(f);
    char *text = bytes_of(f, &size);
    json_t *line = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
    assert_non_null(line);
    assert_int_equal(json_integer_value(json_object_get(line, "line")), 1);
    assert_int_equal(json_integer_value(json_object_get(line, "seq")), 2);
    assert_int_equal(json_integer_value(json_object_get(line, "result")), 201);
    assert_string_equal(json_string_value(json_object_get(line, "who")), "key_abc");
    assert_string_equal(json_string_value(json_object_get(line, "certificate")), "dns:ops.example");
    assert_string_equal(json_string_value(json_object_get(line, "address")), "10.0.0.7");
    assert_string_equal(json_string_value(json_object_get(line, "action")), "account.open");
    assert_string_equal(json_string_value(json_object_get(line, "object")), "till");
    assert_string_equal(json_string_value(json_object_get(line, "time")),
                        "2026-01-31T23:59:59.123Z");
    json_decref(line);
    free(text);
}

static void a_log_goes_on_behind_its_last_seq(void **state)
{
    fixture *f = *state;
    ps_audit *audit = NULL;
    uint64_t lines = 0;
    log_of_four(f);
    assert_int_equal(log_open(f, &audit), PS_OK);
    assert_int_equal(ps_audit_last_seq(audit), 8);
    log_add(f, audit, 8, PS_CMD_ACCOUNT_OPEN);   /* seen already */
    log_add(f, audit, 9, PS_CMD_PAYMENT_CREATE); /* no privilege */
    log_add(f, audit, 10, PS_CMD_KEY_REVOKE);
    assert_int_equal(ps_audit_sync(audit, &f->err), PS_OK);
    ps_audit_close(audit);
    assert_int_equal(verify(f, &lines), PS_OK);
    assert_int_equal(lines, 5);
}

static void a_missing_log_is_an_empty_one(void **state)
{
    fixture *f = *state;
    uint64_t lines = 7;
    assert_int_equal(verify(f, &lines), PS_OK);
    assert_int_equal(lines, 0);
}

static void every_changed_bit_is_found(void **state)
{
    fixture *f = *state;
    size_t size = 0;
    uint64_t lines = 0;
    log_of_four(f);
    free(bytes_of(f, &size));
    for (uint64_t bit = 0; bit < size * 8; bit += 3) {
        bool is_last_newline = bit / 8 == size - 1;
        assert_true(ps_sim_file_flip(f->sim, path, bit));
        if (!is_last_newline) { /* without it the last line is an unfinished one */
            assert_int_equal(verify(f, &lines), PS_E_DAMAGED);
            assert_non_null(strstr(f->err.text, "audit.log: line "));
        }
        assert_true(ps_sim_file_flip(f->sim, path, bit));
    }
    assert_int_equal(verify(f, &lines), PS_OK);
}

static void lines_taken_out_or_swapped_are_named(void **state)
{
    static const struct {
        int order[4]; /* −1: left out */
        const char *named;
    } cases[] = {
        {{0, 2, 3, -1}, "line 2 (seq 6)"},
        {{1, 2, 3, -1}, "line 1 (seq 4)"},
        {{0, 2, 1, 3}, "line 2 (seq 6)"},
        {{0, 1, 1, 2}, "line 3 (seq 4)"},
    };
    fixture *f = *state;
    size_t size = 0;
    log_of_four(f);
    char *text = bytes_of(f, &size);
    const char *starts[5] = {text};
    for (int i = 1; i < 5; i++) {
        starts[i] = strchr(starts[i - 1], '\n') + 1;
    }
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        ps_buf changed;
        uint64_t lines = 0;
        ps_buf_init(&changed, 1 << 20);
        for (int i = 0; i < 4 && cases[c].order[i] >= 0; i++) {
            int line = cases[c].order[i];
            ps_buf_append(&changed, starts[line], (size_t)(starts[line + 1] - starts[line]));
        }
        assert_true(ps_sim_file_set(f->sim, path, ps_buf_slice(&changed)));
        assert_int_equal(verify(f, &lines), PS_E_DAMAGED);
        assert_non_null(strstr(f->err.text, cases[c].named));
        ps_buf_release(&changed);
    }
    free(text);
}

static void an_unfinished_last_line_is_cut_off_and_written_again(void **state)
{
    fixture *f = *state;
    size_t size = 0;
    uint64_t lines = 0;
    log_of_four(f);
    char *text = bytes_of(f, &size);
    for (size_t cut = 1; cut < 100; cut += 7) {
        ps_audit *audit = NULL;
        assert_true(ps_sim_file_set(f->sim, path, ps_slice_of(text, size - cut)));
        assert_int_equal(log_open(f, &audit), PS_OK);
        assert_int_equal(ps_audit_last_seq(audit), 6);
        log_add(f, audit, 8, PS_CMD_ACCOUNT_OPEN);
        ps_audit_close(audit);
        assert_int_equal(verify(f, &lines), PS_OK);
        assert_int_equal(lines, 4);
    }
    free(text);
}

static void another_pepper_does_not_verify(void **state)
{
    static const uint8_t other[PS_PEPPER_SIZE] = {8};
    fixture *f = *state;
    uint64_t lines = 0, last_seq = 0;
    log_of_four(f);
    assert_int_equal(ps_audit_verify(f->io, "/d", other, &lines, &last_seq, &f->err), PS_E_DAMAGED);
}

static void after_a_failed_sync_the_log_is_dead(void **state)
{
    fixture *f = *state;
    ps_audit *audit = NULL;
    const ps_audit_actor nobody = {{NULL, 0}, {NULL, 0}};
    _Alignas(8) char bytes[512];
    assert_int_equal(log_open(f, &audit), PS_OK);
    log_add(f, audit, 2, PS_CMD_ACCOUNT_OPEN);
    ps_sim_fail_rate(f->sim, PS_SIM_DATASYNC, 1000000, 5);
    assert_int_equal(ps_audit_sync(audit, &f->err), PS_E_IO);
    assert_int_equal(ps_audit_sync(audit, &f->err), PS_E_IO); /* and no second datasync */
    assert_int_equal(ps_audit_add(audit, 4, record_of(PS_CMD_KEY_CREATE, bytes), &nobody, &f->err),
                     PS_E_IO);
    ps_audit_close(audit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(a_line_says_who_when_where_what_result_and_object),
        CASE(a_log_goes_on_behind_its_last_seq),
        CASE(a_missing_log_is_an_empty_one),
        CASE(every_changed_bit_is_found),
        CASE(lines_taken_out_or_swapped_are_named),
        CASE(an_unfinished_last_line_is_cut_off_and_written_again),
        CASE(another_pepper_does_not_verify),
        CASE(after_a_failed_sync_the_log_is_dead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
