#include <stdio.h>
#include <stdlib.h>

#include "cli/commands.h"
#include "pay/effect_fields.h"
#include "pay/engine.h"

enum { LINE_SIZE_MAX = 16 * 1024 * 1024 };

static ps_code records_print(ps_journal *journal, uint64_t from, uint64_t to, ps_error *err)
{
    ps_journal_cursor *cursor = NULL;
    ps_code code = ps_journal_cursor_new(journal, &cursor, err);
    if (code != PS_OK) {
        return code;
    }
    ps_buf line;
    ps_buf_init(&line, LINE_SIZE_MAX);
    code = ps_journal_cursor_seek(cursor, from, err);
    for (uint64_t seq = from; seq <= to && code == PS_OK; seq++) {
        ps_record record;
        code = ps_journal_cursor_next(cursor, &record, err);
        if (code != PS_OK) {
            break;
        }
        if (!ps_record_check(record.payload)) {
            code = ps_error_set(err, PS_E_DAMAGED, "record %llu is not of this version's form",
                                (unsigned long long)seq);
            break;
        }
        ps_buf_clear(&line);
        ps_record_dump(ps_journal_instance(journal), record.seq, record.payload, &line);
        ps_buf_append_char(&line, '\n');
        if (line.failed || fwrite(line.data, 1, line.size, stdout) != line.size) {
            code = ps_error_set(err, PS_E_IO, "cannot write record %llu to standard output",
                                (unsigned long long)seq);
        }
    }
    ps_buf_release(&line);
    ps_journal_cursor_free(cursor);
    return code;
}

int ps_cmd_dump(int argc, char **argv)
{
    const char *data = NULL;
    int64_t from = 1;
    int64_t to = INT64_MAX;
    static const ps_command_help help = {
        "dump", "Prints the journal, one JSON object per record, oldest first",
        "dump --data DIR [--from SEQ] [--to SEQ]",
        "Offline and read-only. The fields are listed in docs/formats.md."};
    const ps_option options[] = {
        {"--data", "DIR", PS_OPTION_TEXT, true, "The data directory.", &data, NULL},
        {"--from", "SEQ", PS_OPTION_NUMBER, false, "First record (default 1).", &from, NULL},
        {"--to", "SEQ", PS_OPTION_NUMBER, false, "Last record (default: the newest).", &to, NULL},
        {0}};
    switch (ps_options_parse(&help, options, argc, argv, NULL, 0)) {
    case PS_PARSED_HELP:
        return PS_EXIT_DONE;
    case PS_PARSED_WRONG:
        return PS_EXIT_USAGE;
    case PS_PARSED:
        break;
    }
    char path[PS_PATH_MAX];
    ps_error err = {0};
    ps_journal *journal = NULL;
    ps_journal_recovery recovery;
    ps_engine_options defaults;
    ps_engine_options_default(&defaults);
    defaults.journal.read_only = true;
    snprintf(path, sizeof path, "%s/journal", data);
    ps_code code =
        ps_journal_open(ps_io_posix(), path, &defaults.journal, 1, &journal, &recovery, &err);
    if (code != PS_OK) {
        fprintf(stderr, "paystream dump: %s\n", err.text);
        return ps_exit_of(code);
    }
    if (recovery.note[0] != '\0') {
        fprintf(stderr, "note: %s\n", recovery.note);
    }
    uint64_t first = from < 1 ? 1 : (uint64_t)from;
    uint64_t last = (uint64_t)to < recovery.last_seq ? (uint64_t)to : recovery.last_seq;
    code = first > last ? PS_OK : records_print(journal, first, last, &err);
    ps_journal_close(journal);
    if (code == PS_OK && fflush(stdout) == 0) {
        return PS_EXIT_DONE;
    }
    fprintf(stderr, "paystream dump: %s\n", err.text);
    return PS_EXIT_FAILED;
}
