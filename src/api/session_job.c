#include "api/session_job.h"

#include <stdlib.h>
#include <string.h>

#include "sql/sql_setting.h"

static const uint64_t memory_default = 8ULL << 30;

static ps_code duration_setting(const ps_session *session, const char *key, int64_t *out,
                                ps_error *err)
{
    const char *value = ps_session_setting(session, key);
    const ps_setting_entry *entry = ps_setting_find(ps_slice_text(key));
    value = value == NULL && entry != NULL ? entry->default_value : value;
    *out = 0;
    if (value == NULL || value[0] == 0 || ps_setting_duration_parse(ps_slice_text(value), out)) {
        return PS_OK;
    }
    return ps_error_set(err, PS_E_INVALID, "'%s' is no duration for '%s'", value, key);
}

static bool setting_is(const ps_session *session, const char *key, const char *wanted)
{
    const char *value = ps_session_setting(session, key);
    return value != NULL && strcmp(value, wanted) == 0;
}

ps_code ps_session_job_options(const ps_session *session, const ps_graph *graph,
                               ps_stream_job_options *out, ps_error *err)
{
    out->graph = graph;
    out->fingerprint = ps_graph_fingerprint(graph);
    const char *memory = ps_session_setting(session, "paystream.memory.size");
    const char *rows = ps_session_setting(session, "paystream.batch.rows");
    out->memory_max = memory_default;
    if (memory != NULL && memory[0] != 0 &&
        !ps_setting_size_parse(ps_slice_text(memory), &out->memory_max)) {
        return ps_error_set(err, PS_E_INVALID, "'%s' is no size for 'paystream.memory.size'",
                            memory);
    }
    long batch_rows = rows != NULL ? strtol(rows, NULL, 10) : 0;
    out->batch_rows =
        batch_rows > 0 && batch_rows < PS_BATCH_ROWS ? (uint32_t)batch_rows : PS_BATCH_ROWS;
    const char *lanes = ps_session_setting(session, "parallelism.default");
    long parallelism = lanes != NULL ? strtol(lanes, NULL, 10) : 1;
    out->parallelism = parallelism < PS_LANES_MAX ? (uint32_t)parallelism : (uint32_t)PS_LANES_MAX;
    out->stop_at_end = setting_is(session, "paystream.end-of-input", "savepoint");
    out->forget_watermarks = setting_is(session, "paystream.restore.watermark", "false");
    ps_code code = duration_setting(session, "execution.checkpointing.interval",
                                    &out->checkpoint_interval_ms, err);
    if (code == PS_OK) {
        code =
            duration_setting(session, "table.exec.source.idle-timeout", &out->idle_timeout_ms, err);
    }
    if (code == PS_OK) {
        code =
            duration_setting(session, "paystream.event-time.max-ahead", &out->future_max_ms, err);
    }
    return code == PS_OK ? duration_setting(session, "table.exec.state.ttl", &out->ttl_ms, err)
                         : code;
}
