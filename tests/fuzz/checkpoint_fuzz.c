/* Fuzzes what a job reads back from its state directory. The input patches a valid checkpoint on
 * the simulated disk:
 *   byte 0       the query, in the low bits; 128: checksums are put right after patching
 *   bytes 1–2    the file is cut by that many bytes
 *   then, repeated: offset (2), size (1), bytes
 * Without put-right checksums the job goes on to the same rows or refuses the state; with them what
 * it loads has the shape of the plan or is refused (what operators keep is theirs, and is not
 * interpreted while it is loaded). Anything else aborts. */

#include <stdlib.h>

#include "base/hash.h"
#include "base/io_sim.h"
#include "connect/connectors.h"
#include "run/stream_job.h"
#include "sql/session.h"

enum { HEAD_SIZE = 32, BLOCK_HEAD_SIZE = 16, QUERY_COUNT = 6, FINGERPRINT = 7 };
/* the first one is taken before a row is read */
#define CHECKPOINT "state/checkpoint-000000000002"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char tables[] =
    "CREATE TABLE t (k STRING, ts TIMESTAMP(3), x INT, WATERMARK FOR ts AS ts - INTERVAL '1' "
    "SECOND)"
    " WITH ('connector' = 'filesystem', 'path' = 't.csv', 'format' = 'csv');";
static const char rows[] =
    "a,2026-03-01 10:00:00,1\nb,2026-03-01 10:00:01,2\na,2026-03-01 10:00:01,3\n"
    "c,2026-03-01 10:00:03,4\na,2026-03-01 10:00:02,5\nb,2026-03-01 10:00:09,6\n";
static const char *const queries[QUERY_COUNT] = {
    "SELECT k, COUNT(*), SUM(x), COUNT(DISTINCT x) FROM t GROUP BY k;",
    "SELECT k, window_start, MAX(x) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' "
    "SECOND)) GROUP BY k, window_start, window_end;",
    "SELECT k, SUM(x) OVER (PARTITION BY k ORDER BY ts) FROM t;",
    "SELECT k, x FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY x DESC) AS n FROM t)"
    " WHERE n <= 2;",
    "SELECT a.k, b.x FROM t a JOIN t b ON a.k = b.k AND b.ts BETWEEN a.ts AND a.ts + INTERVAL '2' "
    "SECOND;",
    "SELECT a.k, b.x FROM t a LEFT JOIN (SELECT k, MAX(x) AS x FROM t GROUP BY k) b ON a.k = b.k;",
};

/* A query's plan, its checkpoint at the end of input, and the rows that follow from it. */
typedef struct {
    ps_session *session;
    ps_statement statement;
    ps_buf checkpoint;
    uint64_t rows_hash;
} fuzzed_query;

static fuzzed_query fuzzed[QUERY_COUNT];

static ps_code see_rows(void *with, const ps_batch *batch, ps_error *err)
{
    uint64_t *hash = with;
    (void)err;
    for (uint32_t row = 0; row < batch->row_count; row++) {
        const ps_column *last = &batch->columns[batch->column_count - 1];
        uint64_t parts[3] = {*hash, ps_batch_kind(batch, row),
                             ps_column_is_null(last, row) ? 0 : (uint64_t)last->i64[row]};
        *hash = ps_xxh3_64(parts, sizeof parts);
    }
    return PS_OK;
}

static ps_sim *make_disk(void)
{
    ps_error err;
    ps_sim *sim = ps_sim_new(1);
    PS_ASSERT(sim != NULL && ps_io_make_dir(ps_sim_io(sim), "state", &err) == PS_OK);
    PS_ASSERT(ps_sim_file_set(sim, "t.csv", ps_slice_text(rows)));
    return sim;
}

/* Loads, and goes on to the end when `runs`. */
static ps_code job_run(const fuzzed_query *query, ps_sim *sim, bool runs, bool stops_at_end,
                       uint64_t *out_hash)
{
    ps_error err;
    ps_stream_job *job = NULL;
    ps_connector_context surroundings = {
        .io = ps_sim_io(sim),
        .expressions = ps_session_expressions(query->session),
        .lane_count = 1,
    };
    *out_hash = 0;
    ps_stream_job_options options = {
        .graph = query->statement.graph,
        .connectors = &ps_connectors,
        .surroundings = &surroundings,
        .on_rows = see_rows,
        .on_rows_with = out_hash,
        .state_dir = "state",
        .fingerprint = FINGERPRINT,
        .memory_max = 64 << 20,
        .stop_at_end = stops_at_end,
    };
    ps_code code = ps_stream_job_new(&options, &job, &err);
    PS_ASSERT(code == PS_OK || err.text[0] != 0);
    if (code == PS_OK && runs) {
        code = ps_stream_job_run(job, &err);
    }
    if (code == PS_OK) {
        ps_stream_job_free(job);
    }
    return code;
}

static void query_prepare(fuzzed_query *query, const char *text)
{
    ps_error err;
    ps_sql_error sql_error;
    ps_session_options options = {.connectors = &ps_connectors, .prelude = tables};
    PS_ASSERT(ps_session_new(&options, &query->session, &err) == PS_OK);
    ps_session_open(query->session, "fuzz.sql", ps_slice_text(text));
    PS_ASSERT(ps_session_next(query->session, &query->statement, &sql_error) == PS_OK);
    PS_ASSERT(query->statement.kind == PS_STATEMENT_QUERY);
    ps_sim *sim = make_disk();
    ps_slice bytes;
    uint64_t ignored;
    PS_ASSERT(job_run(query, sim, true, true, &ignored) == PS_OK);
    PS_ASSERT(ps_sim_file_get(sim, CHECKPOINT, &bytes));
    ps_buf_init(&query->checkpoint, 16 << 20);
    ps_buf_append(&query->checkpoint, bytes.data, bytes.size);
    PS_ASSERT(job_run(query, sim, true, false, &query->rows_hash) == PS_OK);
    ps_sim_free(sim);
}

static void patch(char *bytes, size_t file_size, const uint8_t *data, size_t size)
{
    while (size >= 3) {
        size_t offset = (size_t)(data[0] | data[1] << 8);
        size_t count = data[2];
        data += 3;
        size -= 3;
        count = count > size ? size : count;
        if (offset >= file_size) {
            return;
        }
        size_t room = file_size - offset;
        memcpy(bytes + offset, data, count > room ? room : count);
        data += count;
        size -= count;
    }
}

/* Checksums of the head and of every block whose size stays within the file. */
static void put_right(char *bytes, size_t size)
{
    if (size < HEAD_SIZE) {
        return;
    }
    uint64_t hash = ps_xxh3_64(bytes, 24);
    memcpy(bytes + 24, &hash, 8);
    size_t at = HEAD_SIZE;
    while (size - at >= BLOCK_HEAD_SIZE) {
        uint32_t payload;
        memcpy(&payload, bytes + at, 4);
        if (payload > size - at - BLOCK_HEAD_SIZE) {
            return;
        }
        uint64_t parts[2];
        memcpy(&parts[0], bytes + at, 8);
        parts[1] = ps_xxh3_64(bytes + at + BLOCK_HEAD_SIZE, payload);
        hash = ps_xxh3_64(parts, sizeof parts);
        memcpy(bytes + at + 8, &hash, 8);
        at += BLOCK_HEAD_SIZE + payload;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (fuzzed[0].session == NULL) {
        for (uint32_t i = 0; i < QUERY_COUNT; i++) {
            query_prepare(&fuzzed[i], queries[i]);
        }
    }
    if (size < 3) {
        return 0;
    }
    const fuzzed_query *query = &fuzzed[(data[0] & 127) % QUERY_COUNT];
    bool puts_right = (data[0] & 128) != 0;
    size_t whole = query->checkpoint.size;
    size_t cut = (size_t)(data[1] | data[2] << 8) % (whole + 1);
    char *bytes = malloc(whole);
    PS_ASSERT(bytes != NULL);
    memcpy(bytes, query->checkpoint.data, whole);
    patch(bytes, whole - cut, data + 3, size - 3);
    if (puts_right) {
        put_right(bytes, whole - cut);
    }
    bool is_same = cut == 0 && memcmp(bytes, query->checkpoint.data, whole) == 0;
    ps_sim *sim = make_disk();
    PS_ASSERT(ps_sim_file_set(sim, CHECKPOINT, ps_slice_of(bytes, whole - cut)));
    uint64_t hash;
    ps_code code = job_run(query, sim, is_same, false, &hash);
    if (is_same) {
        PS_ASSERT(code == PS_OK && hash == query->rows_hash);
    } else if (!puts_right) {
        PS_ASSERT(code == PS_E_DAMAGED || code == PS_E_VERSION);
    }
    ps_sim_free(sim);
    free(bytes);
    return 0;
}
