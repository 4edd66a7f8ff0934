#include <stdio.h>
#include <stdlib.h>

#include "cli/commands.h"
#include "data/json_writer.h"
#include "pay/engine.h"
#include "serve/audit.h"

/* verify: opens the directory read-only twice, from the newest snapshot and from the first record,
 * and holds the two states against each other and against the invariants; and walks the chain of
 * the audit log. What a kill took from the end of that log is no damage: the next start writes it
 * again from the journal. */

enum { REPORT_SIZE_MAX = 4 * 1024 * 1024, VIOLATIONS_SHOWN_MAX = 1000 };

static const char *const check_ids[] = {"M1", "M2", "M3",  "M4",  "M5",  "M6",  "M7",
                                        "M8", "M9", "M10", "M11", "M16", "S-C7"};
enum { CHECK_COUNT = sizeof check_ids / sizeof check_ids[0] };

typedef struct {
    bool failed[CHECK_COUNT];
    size_t violation_count;
    ps_buf json;  /* array elements */
    ps_buf lines; /* for people */
} report;

static void report_add(void *context, const char *invariant, const char *sentence)
{
    report *r = context;
    for (size_t i = 0; i < CHECK_COUNT; i++) {
        if (strcmp(check_ids[i], invariant) == 0) {
            r->failed[i] = true;
        }
    }
    r->violation_count++;
    if (r->violation_count > VIOLATIONS_SHOWN_MAX) {
        return;
    }
    ps_buf_append_text(&r->json, r->violation_count > 1 ? ",{\"id\":" : "{\"id\":");
    ps_json_append_string(&r->json, ps_slice_text(invariant));
    ps_buf_append_text(&r->json, ",\"message\":");
    ps_json_append_string(&r->json, ps_slice_text(sentence));
    ps_buf_append_char(&r->json, '}');
    ps_buf_append_format(&r->lines, "%s: %s\n", invariant, sentence);
}

typedef struct {
    ps_u128 hash;
    uint64_t last_seq;
    ps_engine_recovery recovery;
} verified_state;

/* S-C7 */
static ps_code audit_verify(const char *data, const ps_engine *engine, uint64_t journal_seq,
                            report *r, ps_error *err)
{
    uint64_t lines = 0;
    uint64_t last_seq = 0;
    ps_code code =
        ps_audit_verify(ps_io_posix(), data, ps_engine_pepper(engine), &lines, &last_seq, err);
    if (code == PS_E_DAMAGED) {
        report_add(r, "S-C7", err->text);
        return PS_OK;
    }
    if (code == PS_OK && last_seq > journal_seq) {
        report_add(r, "S-C7", "audit.log goes on after the end of the journal");
    }
    return code;
}

static ps_code state_verify(const char *data, bool ignore_snapshots, report *r,
                            verified_state *out_state, ps_error *err)
{
    ps_engine_options options;
    ps_engine_options_default(&options);
    options.read_only = true;
    options.ignore_snapshots = ignore_snapshots;
    ps_engine *engine = NULL;
    ps_code code =
        ps_engine_open(ps_io_posix(), data, &options, &engine, &out_state->recovery, err);
    if (code != PS_OK) {
        return code;
    }
    out_state->hash = ps_core_hash(ps_engine_core(engine));
    out_state->last_seq = ps_core_last_seq(ps_engine_core(engine));
    if (ignore_snapshots) {
        ps_core_verify(ps_engine_core(engine), report_add, r);
        code = audit_verify(data, engine, out_state->last_seq, r, err);
    }
    ps_engine_close(engine);
    return code;
}

static void json_print(const report *r)
{
    printf("{\"ok\":%s,\"checks\":[", r->violation_count == 0 ? "true" : "false");
    for (size_t i = 0; i < CHECK_COUNT; i++) {
        printf("%s{\"id\":\"%s\",\"ok\":%s}", i > 0 ? "," : "", check_ids[i],
               r->failed[i] ? "false" : "true");
    }
    printf("],\"violations\":[%.*s]}\n", (int)r->json.size,
           r->json.data != NULL ? r->json.data : "");
}

static void text_print(const report *r, const verified_state *state)
{
    const ps_engine_recovery *recovery = &state->recovery;
    printf("%llu records in %u segments, %llu bytes\n", (unsigned long long)state->last_seq,
           recovery->journal.segments, (unsigned long long)recovery->journal.bytes);
    for (size_t i = 0; i < CHECK_COUNT; i++) {
        printf("%-4s %s\n", check_ids[i], r->failed[i] ? "FAILED" : "ok");
    }
    if (r->lines.size > 0) {
        printf("%.*s", (int)r->lines.size, r->lines.data);
    }
    printf("%s\n", r->violation_count == 0 ? "all invariants hold" : "damage found");
}

static ps_code verify_run(const char *data, report *r, verified_state *out_state, ps_error *err)
{
    verified_state newest = {0};
    ps_code code = state_verify(data, true, r, out_state, err);
    if (code == PS_OK) {
        code = state_verify(data, false, r, &newest, err);
    }
    if (code != PS_OK) {
        return code;
    }
    if (!ps_u128_equal(newest.hash, out_state->hash)) {
        report_add(r, "M16",
                   "the newest snapshot with the records after it gives another state "
                   "than all records from the first");
    }
    if (newest.recovery.note[0] != '\0') {
        fprintf(stderr, "note: %s\n", newest.recovery.note);
    }
    if (out_state->recovery.journal.note[0] != '\0') {
        fprintf(stderr, "note: %s\n", out_state->recovery.journal.note);
    }
    return PS_OK;
}

int ps_cmd_verify(int argc, char **argv)
{
    const char *data = NULL;
    bool json = false;
    static const ps_command_help help = {
        "verify", "Checks every invariant of a data directory", "verify --data DIR [--json]",
        "Offline and read-only. Exit 0: all hold (a torn tail after a kill is a note); 1: damage "
        "or\n"
        "a violation, named by file, offset and sequence numbers."};
    const ps_option options[] = {
        {"--data", "DIR", PS_OPTION_TEXT, true, "The data directory.", &data, NULL},
        {"--json", NULL, PS_OPTION_FLAG, false, "One JSON object instead of text.", &json, NULL},
        {0}};
    switch (ps_options_parse(&help, options, argc, argv, NULL, 0)) {
    case PS_PARSED_HELP:
        return PS_EXIT_DONE;
    case PS_PARSED_WRONG:
        return PS_EXIT_USAGE;
    case PS_PARSED:
        break;
    }
    report r = {0};
    verified_state state = {0};
    ps_error err = {0};
    ps_buf_init(&r.json, REPORT_SIZE_MAX);
    ps_buf_init(&r.lines, REPORT_SIZE_MAX);
    ps_code code = verify_run(data, &r, &state, &err);
    int exit_code = PS_EXIT_FAILED;
    if (code != PS_OK) {
        fprintf(stderr, "paystream verify: %s\n", err.text);
        exit_code = code == PS_E_DAMAGED ? PS_EXIT_FAILED : ps_exit_of(code);
    } else {
        if (json) {
            json_print(&r);
        } else {
            text_print(&r, &state);
        }
        exit_code = r.violation_count == 0 ? PS_EXIT_DONE : PS_EXIT_FAILED;
    }
    ps_buf_release(&r.json);
    ps_buf_release(&r.lines);
    return exit_code;
}
