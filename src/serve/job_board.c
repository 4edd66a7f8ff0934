#include "serve/job_board.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "data/json_writer.h"

enum { FAILURE_MAX = 256, COLUMNS_SIZE_MAX = 1 << 20 };

typedef struct {
    ps_board_job shown;
    char failure[FAILURE_MAX];
    ps_buf columns;
    ps_buf rows[PS_BOARD_ROWS_MAX]; /* a ring */
    uint64_t row_count;             /* put so far */
} board_entry;

struct ps_job_board {
    pthread_mutex_t lock;
    uint32_t count;
    board_entry entries[PS_BOARD_JOBS_MAX];
};

ps_code ps_job_board_new(ps_job_board **out_board, ps_error *err)
{
    ps_job_board *board = calloc(1, sizeof *board);
    if (board == NULL) {
        return ps_error_set(err, PS_E_MEMORY, "no memory for the board of jobs");
    }
    pthread_mutex_init(&board->lock, NULL);
    *out_board = board;
    return PS_OK;
}

void ps_job_board_free(ps_job_board *board)
{
    if (board == NULL) {
        return;
    }
    for (uint32_t i = 0; i < board->count; i++) {
        ps_buf_release(&board->entries[i].columns);
        for (uint32_t k = 0; k < PS_BOARD_ROWS_MAX; k++) {
            ps_buf_release(&board->entries[i].rows[k]);
        }
    }
    pthread_mutex_destroy(&board->lock);
    free(board);
}

static bool name_is_taken(const ps_job_board *board, const char *name)
{
    for (uint32_t i = 0; i < board->count; i++) {
        if (strcmp(board->entries[i].shown.name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Names go into labels of metrics: letters, digits, _ . and - only. */
static void name_choose(const ps_job_board *board, const char *name, char out[PS_BOARD_NAME_MAX])
{
    char plain[PS_BOARD_NAME_MAX];
    snprintf(plain, sizeof plain, "%.50s", name[0] != 0 ? name : "job");
    for (char *c = plain; *c != 0; c++) {
        bool is_plain = isalnum((unsigned char)*c) || *c == '_' || *c == '.' || *c == '-';
        *c = is_plain ? *c : '_';
    }
    snprintf(out, PS_BOARD_NAME_MAX, "%s", plain);
    for (uint32_t i = 2; name_is_taken(board, out); i++) {
        snprintf(out, PS_BOARD_NAME_MAX, "%.50s-%u", plain, i);
    }
}

ps_code ps_job_board_add(ps_job_board *board, const char *name, ps_slice columns, uint32_t *out_job,
                         ps_error *err)
{
    ps_code code = PS_OK;
    pthread_mutex_lock(&board->lock);
    if (board->count == PS_BOARD_JOBS_MAX) {
        code = ps_error_set(err, PS_E_LIMIT, "more than %d jobs", PS_BOARD_JOBS_MAX);
    } else {
        board_entry *entry = &board->entries[board->count];
        ps_buf_init(&entry->columns, COLUMNS_SIZE_MAX);
        ps_buf_append_slice(&entry->columns, columns);
        for (uint32_t k = 0; k < PS_BOARD_ROWS_MAX; k++) {
            ps_buf_init(&entry->rows[k], PS_BOARD_ROW_SIZE_MAX);
        }
        name_choose(board, name, entry->shown.name);
        entry->shown.is_running = true;
        entry->shown.counters.watermark_ms = INT64_MIN;
        if (entry->columns.failed) {
            ps_buf_release(&entry->columns);
            code = ps_error_set(err, PS_E_MEMORY, "no memory for the board of jobs");
        } else {
            *out_job = board->count++;
        }
    }
    pthread_mutex_unlock(&board->lock);
    return code;
}

void ps_job_board_put_row(ps_job_board *board, uint32_t job, ps_slice row)
{
    pthread_mutex_lock(&board->lock);
    PS_ASSERT(job < board->count);
    board_entry *entry = &board->entries[job];
    ps_buf *place = &entry->rows[entry->row_count % PS_BOARD_ROWS_MAX];
    ps_buf_clear(place);
    ps_buf_append_slice(place, row);
    if (place->failed) {
        ps_buf_clear(place); /* shown as a row that is not there */
    }
    entry->row_count++;
    pthread_mutex_unlock(&board->lock);
}

void ps_job_board_count(ps_job_board *board, uint32_t job, const ps_board_counters *counters)
{
    pthread_mutex_lock(&board->lock);
    PS_ASSERT(job < board->count);
    board->entries[job].shown.counters = *counters;
    pthread_mutex_unlock(&board->lock);
}

void ps_job_board_end(ps_job_board *board, uint32_t job, const char *failure)
{
    pthread_mutex_lock(&board->lock);
    PS_ASSERT(job < board->count);
    board_entry *entry = &board->entries[job];
    entry->shown.is_running = false;
    entry->shown.has_failed = failure != NULL;
    snprintf(entry->failure, sizeof entry->failure, "%s", failure != NULL ? failure : "");
    pthread_mutex_unlock(&board->lock);
}

uint32_t ps_job_board_job_count(ps_job_board *board)
{
    pthread_mutex_lock(&board->lock);
    uint32_t count = board->count;
    pthread_mutex_unlock(&board->lock);
    return count;
}

void ps_job_board_get(ps_job_board *board, uint32_t job, ps_board_job *out_job)
{
    pthread_mutex_lock(&board->lock);
    PS_ASSERT(job < board->count);
    *out_job = board->entries[job].shown;
    pthread_mutex_unlock(&board->lock);
}

/* ── the list ── */

static void rows_render(const board_entry *entry, ps_buf *out)
{
    const char *comma = "";
    uint64_t kept = entry->row_count < PS_BOARD_ROWS_MAX ? entry->row_count : PS_BOARD_ROWS_MAX;
    ps_buf_append_text(out, ",\"rows\":[");
    for (uint64_t i = 1; i <= kept; i++) {
        const ps_buf *row = &entry->rows[(entry->row_count - i) % PS_BOARD_ROWS_MAX];
        if (row->size > 0) {
            ps_buf_append_text(out, comma);
            ps_buf_append_slice(out, ps_buf_slice(row));
            comma = ",";
        }
    }
    ps_buf_append_char(out, ']');
}

static void entry_render(const board_entry *entry, ps_buf *out)
{
    const ps_board_job *shown = &entry->shown;
    const ps_board_counters *counters = &shown->counters;
    const char *status = shown->is_running ? "running" : shown->has_failed ? "failed" : "ended";
    ps_buf_append_text(out, "{\"name\":");
    ps_json_append_string(out, ps_slice_text(shown->name));
    ps_buf_append_format(out, ",\"object\":\"job\",\"status\":\"%s\",\"error\":", status);
    if (shown->has_failed) {
        ps_json_append_string(out, ps_slice_text(entry->failure));
    } else {
        ps_buf_append_text(out, "null");
    }
    ps_buf_append_format(
        out,
        ",\"rows_in\":%llu,\"rows_out\":%llu,\"rows_late\":%llu,\"rows_bad\":%llu,"
        "\"state_bytes\":%llu,\"checkpoints\":%llu,\"watermark\":",
        (unsigned long long)counters->rows_in, (unsigned long long)counters->rows_out,
        (unsigned long long)counters->rows_late, (unsigned long long)counters->rows_bad,
        (unsigned long long)counters->state_bytes, (unsigned long long)counters->checkpoints);
    if (counters->watermark_ms == INT64_MIN) {
        ps_buf_append_text(out, "null");
    } else {
        ps_buf_append_char(out, '"');
        ps_buf_append_time(out, counters->watermark_ms * PS_NS_PER_MS);
        ps_buf_append_char(out, '"');
    }
    ps_buf_append_text(out, ",\"columns\":");
    ps_buf_append_slice(out, ps_buf_slice(&entry->columns));
    rows_render(entry, out);
    ps_buf_append_char(out, '}');
}

void ps_job_board_render(ps_job_board *board, ps_buf *out)
{
    ps_buf_append_text(out, "{\"data\":[");
    pthread_mutex_lock(&board->lock);
    for (uint32_t i = 0; i < board->count; i++) {
        ps_buf_append_text(out, i > 0 ? "," : "");
        entry_render(&board->entries[i], out);
    }
    pthread_mutex_unlock(&board->lock);
    ps_buf_append_text(out, "],\"has_more\":false,\"next_cursor\":null}");
}
