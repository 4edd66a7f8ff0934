/* sql: the interactive shell. On a terminal lines are edited with libedit (history, completion);
 * without one the same input comes line by line from a pipe. */
#include <histedit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/script.h"
#include "cli/shell_input.h"
#include "sql/keyword.h"

enum {
    HISTORY_SIZE = 1000,
    INPUT_SIZE_MAX = 16 << 20,
    COMMAND_SIZE_MAX = 1024,
    SHOWN_WORDS_MAX = 100,
    MEMORY_MAX = 64 << 20
};

typedef struct {
    ps_session *session;
    ps_script_options options;
    ps_buf pending; /* what was typed of the statement under way */
    bool has_failed, quits;
    /* on a terminal */
    EditLine *editor;
    History *history;
    char history_path[PS_PATH_MAX];
    bool is_interrupted; /* Ctrl-C at the prompt */
    /* words for completion; names are looked up again after each statement */
    ps_arena keyword_memory, name_memory, match_memory;
    ps_word_list keywords, names;
    bool has_names;
} shell;

/* ── statements and backslash commands ── */

static void run_text(shell *self, ps_slice text)
{
    if (ps_script_run(self->session, &self->options, "sql", text) != PS_EXIT_DONE) {
        self->has_failed = true;
    }
    self->has_names = false;
    fflush(stdout);
}

static void show_commands(void)
{
    puts("a statement ends with ;   Ctrl-C cancels the query that runs\n"
         "  \\d         tables and views\n"
         "  \\d NAME    columns of one\n"
         "  \\?         this list\n"
         "  \\q         leave");
}

static void describe(shell *self, const char *name)
{
    char text[COMMAND_SIZE_MAX];
    const char *quote = strchr(name, '`') == NULL && strchr(name, '.') == NULL ? "`" : "";
    snprintf(text, sizeof text, "DESCRIBE %s%s%s;", quote, name, quote);
    run_text(self, ps_slice_text(text));
}

/* A line that begins with a backslash, or one of psql's words for leaving. */
static bool take_command(shell *self, ps_slice line)
{
    char text[COMMAND_SIZE_MAX], argument[COMMAND_SIZE_MAX] = "", word[16] = "";
    if (line.size >= sizeof text) {
        return false;
    }
    snprintf(text, sizeof text, "%.*s", (int)line.size, line.data);
    int count = sscanf(text, " %15s %1000[^;\n]", word, argument);
    if (count < 1) {
        return false;
    }
    for (size_t size = strlen(argument); size > 0 && argument[size - 1] == ' ';) {
        argument[--size] = 0;
    }
    if (strcmp(word, "\\q") == 0 || strcmp(word, "quit") == 0 || strcmp(word, "exit") == 0) {
        self->quits = true;
    } else if (strcmp(word, "\\?") == 0 || strcmp(word, "\\h") == 0) {
        show_commands();
    } else if (strcmp(word, "\\d") == 0 && argument[0] != 0) {
        describe(self, argument);
    } else if (strcmp(word, "\\d") == 0) {
        run_text(self, PS_SLICE("SHOW TABLES;"));
    } else if (word[0] == '\\') {
        fprintf(stderr, "unknown command %s; \\? lists them\n", word);
        self->has_failed = true;
    } else {
        return false;
    }
    return true;
}

/* One more line: runs the statements that it completes. */
static void take_line(shell *self, ps_slice line)
{
    if (ps_statement_is_blank(ps_buf_slice(&self->pending))) {
        ps_buf_clear(&self->pending);
        if (take_command(self, line)) {
            return;
        }
    }
    ps_buf_append_slice(&self->pending, line);
    for (;;) {
        ps_slice text = ps_buf_slice(&self->pending);
        size_t end = ps_statement_end(text);
        if (self->pending.failed) {
            fprintf(stderr, "the statement is larger than %d MiB\n", INPUT_SIZE_MAX >> 20);
            self->has_failed = true;
            ps_buf_clear(&self->pending);
            return;
        }
        if (end == 0) {
            return;
        }
        run_text(self, ps_slice_of(text.data, end));
        memmove(self->pending.data, self->pending.data + end, text.size - end);
        self->pending.size -= end;
    }
}

/* What the end of the input leaves without a semicolon is a statement too. */
static void take_rest(shell *self)
{
    if (!self->quits && !ps_statement_is_blank(ps_buf_slice(&self->pending))) {
        run_text(self, ps_buf_slice(&self->pending));
    }
}

static void run_piped(shell *self)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    while (!self->quits && (size = getline(&line, &capacity, stdin)) > 0) {
        take_line(self, ps_slice_of(line, (size_t)size));
    }
    free(line);
    take_rest(self);
}

/* ── completion ── */

static void collect_keywords(shell *self)
{
    static const char *const windows[] = {"TUMBLE",     "HOP",       "CUMULATE", "SESSION",
                                          "DESCRIPTOR", "TEMPORARY", "VIEW",     "EXPLAIN"};
    for (int i = 0; i < PS_KEYWORD_TOTAL; i++) {
        if (ps_keyword_is_reserved((ps_keyword)i)) {
            ps_word_list_add(&self->keywords, ps_slice_text(ps_keyword_text((ps_keyword)i)));
        }
    }
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
        ps_word_list_add(&self->keywords, ps_slice_text(windows[i]));
    }
}

static void collect_columns(shell *self, ps_slice table)
{
    char text[COMMAND_SIZE_MAX];
    ps_statement statement;
    ps_sql_error error;
    snprintf(text, sizeof text, "DESCRIBE `%.*s`", (int)table.size, table.data);
    ps_session_open(self->session, "sql", ps_slice_text(text));
    if (ps_session_next(self->session, &statement, &error) != PS_OK ||
        statement.kind != PS_STATEMENT_ROWS) {
        return;
    }
    for (uint32_t i = 0; i < statement.row_count; i++) {
        const ps_value *row = statement.rows + (size_t)i * statement.schema.field_count;
        ps_word_list_add(&self->names, row[0].text);
    }
}

static void collect_names(shell *self)
{
    ps_arena_reset(&self->name_memory);
    self->names = (ps_word_list){.arena = &self->name_memory};
    for (uint32_t i = 0; i < ps_session_table_count(self->session); i++) {
        ps_word_list_add(&self->names, ps_session_table_name(self->session, i));
    }
    uint32_t table_count = self->names.count;
    for (uint32_t i = 0; i < table_count; i++) {
        collect_columns(self, self->names.words[i]);
    }
    self->has_names = true;
}

static void show_words(const ps_word_list *words)
{
    putchar('\n');
    for (uint32_t i = 0; i < words->count && i < SHOWN_WORDS_MAX; i++) {
        printf("%.*s  ", (int)words->words[i].size, words->words[i].data);
    }
    puts(words->count > SHOWN_WORDS_MAX ? "…" : "");
}

static unsigned char on_tab(EditLine *editor, int key)
{
    shell *self;
    (void)key;
    el_get(editor, EL_CLIENTDATA, &self);
    const LineInfo *line = el_line(editor);
    ps_slice typed =
        ps_completion_word(ps_slice_of(line->buffer, (size_t)(line->cursor - line->buffer)));
    if (typed.size == 0) {
        return CC_ERROR;
    }
    if (!self->has_names) {
        collect_names(self);
    }
    ps_arena_reset(&self->match_memory);
    ps_word_list matches = {.arena = &self->match_memory};
    ps_word_list_match(&self->names, typed, false, &matches);
    ps_word_list_match(&self->keywords, typed, true, &matches);
    size_t common = ps_word_list_common(&matches);
    if (common > typed.size || matches.count == 1) {
        char insert[COMMAND_SIZE_MAX];
        snprintf(insert, sizeof insert, "%.*s%s", (int)(common - typed.size),
                 matches.words[0].data + typed.size, matches.count == 1 ? " " : "");
        return el_insertstr(editor, insert) == 0 ? CC_REFRESH : CC_ERROR;
    }
    if (matches.count == 0) {
        return CC_ERROR;
    }
    show_words(&matches);
    return CC_REDISPLAY;
}

/* ── the terminal ── */

/* Ctrl-C at the prompt: what was typed is dropped. (While a query runs the terminal is not in
 * editing mode, and Ctrl-C is a signal.) */
static unsigned char on_interrupt_key(EditLine *editor, int key)
{
    shell *self;
    (void)key;
    el_get(editor, EL_CLIENTDATA, &self);
    self->is_interrupted = true;
    fputs("^C\n", stdout);
    return CC_EOF;
}

static char *prompt(EditLine *editor)
{
    static char fresh[] = "paystream> ", more[] = "        -> ";
    shell *self;
    el_get(editor, EL_CLIENTDATA, &self);
    return ps_statement_is_blank(ps_buf_slice(&self->pending)) ? fresh : more;
}

static void open_history(shell *self)
{
    HistEvent event;
    const char *home = getenv("HOME");
    self->history = history_init();
    if (self->history == NULL) {
        return;
    }
    history(self->history, &event, H_SETSIZE, HISTORY_SIZE);
    history(self->history, &event, H_SETUNIQUE, 1);
    if (home != NULL &&
        (size_t)snprintf(self->history_path, sizeof self->history_path, "%s/.paystream_history",
                         home) < sizeof self->history_path) {
        history(self->history, &event, H_LOAD, self->history_path);
    } else {
        self->history_path[0] = 0;
    }
    el_set(self->editor, EL_HIST, history, self->history);
}

/* Statements may hold what is nobody else's: the file is the user's alone. */
static void save_history(shell *self)
{
    HistEvent event;
    if (self->history == NULL) {
        return;
    }
    if (self->history_path[0] != 0) {
        mode_t before = umask(077);
        history(self->history, &event, H_SAVE, self->history_path);
        umask(before);
    }
    history_end(self->history);
}

static bool open_editor(shell *self)
{
    self->editor = el_init("paystream", stdin, stdout, stderr);
    if (self->editor == NULL) {
        return false;
    }
    el_set(self->editor, EL_CLIENTDATA, self);
    el_set(self->editor, EL_PROMPT, prompt);
    el_set(self->editor, EL_EDITOR, "emacs");
    el_set(self->editor, EL_SETTY, "-d", "-isig", NULL);
    el_set(self->editor, EL_ADDFN, "ps-complete", "complete a word", on_tab);
    el_set(self->editor, EL_BIND, "^I", "ps-complete", NULL);
    el_set(self->editor, EL_ADDFN, "ps-interrupt", "drop the statement", on_interrupt_key);
    el_set(self->editor, EL_BIND, "^C", "ps-interrupt", NULL);
    el_set(self->editor, EL_BIND, "^R", "em-inc-search-prev", NULL);
    open_history(self);
    return true;
}

static void run_edited(shell *self)
{
    HistEvent event;
    printf("paystream sql; \\? for help, \\q to leave\n");
    while (!self->quits) {
        int size = 0;
        self->is_interrupted = false;
        const char *line = el_gets(self->editor, &size);
        if (self->is_interrupted) {
            ps_buf_clear(&self->pending);
            continue;
        }
        if (line == NULL || size <= 0) {
            putchar('\n');
            return;
        }
        if (self->history != NULL && size > 1) {
            history(self->history, &event, H_ENTER, line);
        }
        take_line(self, ps_slice_of(line, (size_t)size));
    }
}

/* ── the command ── */

static void release(shell *self)
{
    save_history(self);
    if (self->editor != NULL) {
        el_end(self->editor);
    }
    ps_session_free(self->session);
    ps_buf_release(&self->pending);
    ps_arena_release(&self->keyword_memory);
    ps_arena_release(&self->name_memory);
    ps_arena_release(&self->match_memory);
}

int ps_cmd_sql(int argc, char **argv)
{
    const char *format = "table";
    ps_script_settings settings = {0};
    shell self = {0};
    static const ps_command_help help = {
        "sql", "SQL, statement by statement: a shell on a terminal, or what comes from a pipe",
        "sql [--data DIR] [--format table|csv|json] [-D key=value]…",
        "\\? lists the commands of the shell. Its history is kept in ~/.paystream_history."};
    const ps_option list[] = {{"--data", "DIR", PS_OPTION_TEXT, false,
                               "Data directory whose journal tables are read.",
                               &self.options.data_dir, NULL},
                              {"--format", "FORMAT", PS_OPTION_TEXT, false,
                               "Of results: table, csv or json.", &format, NULL},
                              {"-D", "KEY=VALUE", PS_OPTION_SETTING, false,
                               "As SET 'KEY' = 'VALUE'.", &settings, ps_script_setting_add},
                              {0}};
    switch (ps_options_parse(&help, list, argc, argv, NULL, 0)) {
    case PS_PARSED_HELP:
        return PS_EXIT_DONE;
    case PS_PARSED_WRONG:
        return PS_EXIT_USAGE;
    case PS_PARSED:
        break;
    }
    if (!ps_result_format_parse(format, &self.options.format)) {
        fprintf(stderr, "paystream sql: --format takes table, csv or json\n");
        return PS_EXIT_USAGE;
    }
    ps_buf_init(&self.pending, INPUT_SIZE_MAX);
    ps_arena_init(&self.keyword_memory, MEMORY_MAX);
    ps_arena_init(&self.name_memory, MEMORY_MAX);
    ps_arena_init(&self.match_memory, MEMORY_MAX);
    self.keywords.arena = &self.keyword_memory;
    int exit_code = PS_EXIT_USAGE;
    self.session = ps_script_session_open("sql", self.options.data_dir, &settings, 0);
    if (self.session != NULL) {
        ps_script_cancel_on_interrupt();
        bool is_edited = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && open_editor(&self);
        if (is_edited) {
            collect_keywords(&self);
            run_edited(&self);
        } else {
            run_piped(&self);
        }
        exit_code = self.has_failed && !is_edited ? PS_EXIT_FAILED : PS_EXIT_DONE;
    }
    release(&self);
    return exit_code;
}
