#include "run/crew.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "run/plan_lanes.h"

/* Bytes of a range: some milliseconds of work; what is less is not cut. With smaller batches than
 * usual (tests) ranges are small, too. Rows of a round that are not worth waking others. */
enum {
    RANGE_SIZE = 4 << 20,
    RANGE_SIZE_MIN = 64 << 10,
    RANGE_SIZE_OF_ROW = 64,
    FEW_ROWS = 256,
    LETTER_SIZE_MAX = 1 << 30
};

/* Bad rows of a range: told in order, when it is known which lines and rows came before. */
typedef struct {
    ps_slice table;
    bool is_line; /* of the file: `position` counts lines, else rows */
    uint32_t source_at, reason_at, raw_at, raw_size; /* in the letters' bytes */
    uint64_t position;
} bad_row;

typedef struct {
    ps_dead_letter base;
    const char *path; /* of the range; NULL: none */
    bad_row *rows;
    uint32_t count, room;
    ps_buf bytes;
} letters;

typedef struct {
    ps_crew *crew;
    ps_lane *lane;
    ps_connector_context surroundings;
    letters letters;
    pthread_t thread;
    bool has_thread;
    /* of the round */
    ps_source_range range;
    ps_source_range_read read;
    uint64_t lines_before; /* of its range, in the file */
    uint64_t rows_in_before;
    uint64_t first_sequence; /* of its range's first row; 0: its rows have their own numbers */
    ps_code code;
    ps_error err;
} member;

typedef enum { PHASE_READ, PHASE_TAKE, PHASE_LEAVE } phase;

struct ps_crew {
    const ps_stream_job_options *options;
    ps_budget budget;
    uint32_t count;
    member *members;
    bool *is_exchanged;
    const ps_node *obstacle;
    /* per exchange: event time of all rounds before */
    uint32_t exchange_count;
    int64_t *reached;
    /* the round */
    phase phase;
    uint32_t source_id;
    uint64_t rows_before; /* of the source */
    uint32_t accepted;    /* lanes whose ranges follow one another */
    uint32_t save_lane;
    /* the other lanes' threads wait for a phase, the first lane for their end of it */
    pthread_mutex_t mutex;
    pthread_cond_t begins, ends;
    uint64_t phase_number;
    uint32_t busy;
};

static ps_code no_memory(ps_error *err)
{
    return ps_error_set(err, PS_E_MEMORY, "no memory for the job's lanes");
}

static ps_instance *source_of(const member *m)
{
    return &m->lane->instances[m->crew->source_id];
}

/* ── bad rows ── */

static uint32_t keep_bytes(letters *self, const char *bytes, size_t size)
{
    uint32_t at = (uint32_t)ps_buf_slice(&self->bytes).size;
    ps_buf_append(&self->bytes, bytes, size);
    return at;
}

static ps_code keep_letter(ps_dead_letter *base, ps_slice table, const char *source,
                           uint64_t position, const char *reason, ps_slice raw, ps_error *err)
{
    letters *self = (letters *)base;
    if (self->count == self->room) {
        uint32_t room = self->room == 0 ? 16 : self->room * 2;
        bad_row *larger = realloc(self->rows, room * sizeof *larger);
        if (larger == NULL) {
            return no_memory(err);
        }
        self->rows = larger;
        self->room = room;
    }
    bad_row *row = &self->rows[self->count];
    *row = (bad_row){.table = table, .position = position, .raw_size = (uint32_t)raw.size};
    row->is_line = self->path != NULL && strcmp(source, self->path) == 0;
    row->source_at = keep_bytes(self, source, strlen(source) + 1);
    row->reason_at = keep_bytes(self, reason, strlen(reason) + 1);
    row->raw_at = keep_bytes(self, raw.data, raw.size);
    if (self->bytes.failed) {
        return no_memory(err);
    }
    self->count++;
    return PS_OK;
}

/* The bad rows of an accepted range, which begins behind so many lines and rows. */
static ps_code send_letters(member *m, uint64_t lines, uint64_t rows, ps_error *err)
{
    ps_dead_letter *to = m->crew->options->surroundings->dead_letter;
    const char *bytes = ps_buf_slice(&m->letters.bytes).data;
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && to != NULL && i < m->letters.count; i++) {
        const bad_row *row = &m->letters.rows[i];
        code = to->take(to, row->table, bytes + row->source_at,
                        row->position + (row->is_line ? lines : rows), bytes + row->reason_at,
                        ps_slice_of(bytes + row->raw_at, row->raw_size), err);
    }
    return code;
}

/* How many of them are lines of the file, which the source counts; the operators have counted the
 * others. */
static uint64_t count_lines(const letters *self)
{
    uint64_t lines = 0;
    for (uint32_t i = 0; i < self->count; i++) {
        lines += self->rows[i].is_line;
    }
    return lines;
}

/* ── phases ── */

static void clear_round(member *m)
{
    ps_lane *lane = m->lane;
    for (uint32_t e = 0; e < lane->exchange_count; e++) {
        ps_exchange_clear(lane->exchanges[e]);
    }
    m->letters.count = 0;
    ps_buf_clear(&m->letters.bytes);
    m->lines_before = 0;
    m->rows_in_before = lane->rows_in;
    m->code = PS_OK;
}

/* What lies before the exchanges knows nothing of earlier rounds: who takes the rows adds it. */
static void forget_times(member *m)
{
    for (uint32_t i = 0; i < m->lane->instance_count; i++) {
        ps_instance *at = &m->lane->instances[i];
        bool is_before = !m->crew->is_exchanged[i];
        for (uint32_t k = 0; k < at->node->input_count; k++) {
            is_before = is_before && !m->crew->is_exchanged[at->node->inputs[k]->id];
        }
        if (is_before && at->op != NULL) {
            ps_lane_forget_time(at);
        } else if (at->node->input_count == 0) {
            at->outlet.pushed_watermark = PS_WATERMARK_NONE;
            at->outlet.pushed_sequence = 0;
        }
    }
}

static ps_code read_phase(member *m, ps_error *err)
{
    ps_instance *source = source_of(m);
    forget_times(m);
    m->letters.path = m->range.path;
    /* what the first lane reads follows the rows before; others do not know how many there are */
    source->sequence = m->lane->place.number == 0 ? m->crew->rows_before : 0;
    if (m->range.path == NULL) {
        return m->lane->place.number == 0 ? ps_lane_read(source, err) : PS_OK;
    }
    m->read = (ps_source_range_read){.from = m->range.from, .to = m->range.from};
    if (m->range.from == m->range.to) {
        return PS_OK;
    }
    ps_code code = source->range_source->class->read_range(source->range_source, &m->range, err);
    if (code == PS_OK) {
        m->read = source->range_source->class->range_read(source->range_source);
        code = ps_lane_read_range(source, err);
        m->read = source->range_source->class->range_read(source->range_source);
    }
    return code;
}

static int64_t latest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static uint64_t shifted(uint64_t sequence, uint64_t by)
{
    return sequence == UINT64_MAX ? sequence : sequence + by;
}

/* Stamps of one lane's range become those of the whole stream. */
static void restamp(ps_batch *batch, int64_t reached, uint64_t first_sequence)
{
    for (uint32_t i = 0; i < batch->row_count; i++) {
        batch->watermarks[i] = latest(batch->watermarks[i], reached);
        batch->sequences[i] += first_sequence;
    }
    batch->watermark_after = latest(batch->watermark_after, reached);
    batch->sequence_after = shifted(batch->sequence_after, first_sequence);
}

/* What `from` has dealt to `to` over one exchange; `reached`: event time before its range. */
static ps_code take_dealt(member *to, const member *from, uint32_t number, int64_t reached,
                          ps_error *err)
{
    ps_exchange *exchange = from->lane->exchanges[number];
    const ps_edge *end = &to->lane->exchange_ends[number];
    ps_row_pile *pile = &exchange->piles[to->lane->place.number];
    ps_code code = PS_OK;
    if (!exchange->is_fed) {
        return PS_OK; /* it leads from another source */
    }
    for (uint32_t b = 0; code == PS_OK && b < pile->count; b++) {
        ps_batch *batch = &pile->batches[b].batch;
        restamp(batch, reached, from->first_sequence);
        code = ps_lane_arrive(end->to, end->input, batch, err);
    }
    const ps_batch rest = {
        .column_count = exchange->column_count,
        .watermark_after = latest(exchange->watermark_after, reached),
        .sequence_after = shifted(exchange->sequence_after, from->first_sequence),
    };
    return code == PS_OK ? ps_lane_arrive(end->to, end->input, &rest, err) : code;
}

static ps_code take_phase(member *m, ps_error *err)
{
    ps_crew *crew = m->crew;
    ps_code code = PS_OK;
    for (uint32_t e = 0; e < crew->exchange_count; e++) {
        int64_t reached = crew->reached[e];
        for (uint32_t k = 0; code == PS_OK && k < crew->accepted; k++) {
            const member *from = &crew->members[k];
            code = take_dealt(m, from, e, reached, err);
            reached = latest(reached, from->lane->exchanges[e]->watermark_after);
        }
    }
    return code;
}

static void do_phase(member *m)
{
    m->code = m->crew->phase == PHASE_READ ? read_phase(m, &m->err) : take_phase(m, &m->err);
}

static void *work(void *with)
{
    member *m = with;
    ps_crew *crew = m->crew;
    uint64_t seen = 0;
    for (;;) {
        pthread_mutex_lock(&crew->mutex);
        while (crew->phase_number == seen) {
            pthread_cond_wait(&crew->begins, &crew->mutex);
        }
        seen = crew->phase_number;
        pthread_mutex_unlock(&crew->mutex);
        if (crew->phase == PHASE_LEAVE) {
            return NULL;
        }
        do_phase(m);
        pthread_mutex_lock(&crew->mutex);
        if (--crew->busy == 0) {
            pthread_cond_signal(&crew->ends);
        }
        pthread_mutex_unlock(&crew->mutex);
    }
}

static void begin_phase(ps_crew *crew, phase what)
{
    pthread_mutex_lock(&crew->mutex);
    crew->phase = what;
    crew->phase_number++;
    crew->busy = crew->count - 1;
    pthread_cond_broadcast(&crew->begins);
    pthread_mutex_unlock(&crew->mutex);
}

/* All lanes at once; or one behind the other, when there is little to do. */
static void all_do(ps_crew *crew, phase what, bool is_little)
{
    if (is_little) {
        crew->phase = what;
        for (uint32_t i = 0; i < crew->count; i++) {
            do_phase(&crew->members[i]);
        }
        return;
    }
    begin_phase(crew, what);
    do_phase(&crew->members[0]);
    pthread_mutex_lock(&crew->mutex);
    while (crew->busy > 0) {
        pthread_cond_wait(&crew->ends, &crew->mutex);
    }
    pthread_mutex_unlock(&crew->mutex);
}

static ps_code first_failure(const ps_crew *crew, uint32_t count, ps_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        if (crew->members[i].code != PS_OK) {
            *err = crew->members[i].err;
            return crew->members[i].code;
        }
    }
    return PS_OK;
}

/* What the other lanes' sinks got goes to the first lane's; lanes that were not accepted: to
 * nobody. */
static ps_code write_piles(ps_crew *crew, uint32_t accepted, ps_error *err)
{
    ps_code code = PS_OK;
    for (uint32_t i = 1; i < crew->count; i++) {
        ps_lane *lane = crew->members[i].lane;
        for (uint32_t n = 0; n < lane->instance_count; n++) {
            ps_exchange *out = lane->instances[n].out;
            for (uint32_t b = 0;
                 code == PS_OK && i < accepted && out != NULL && b < out->piles[0].count; b++) {
                ps_instance *sink = &crew->members[0].lane->instances[n];
                code = ps_lane_arrive(sink, 0, &out->piles[0].batches[b].batch, err);
            }
            if (out != NULL) {
                ps_exchange_clear(out);
            }
        }
    }
    return code;
}

/* ── rounds ── */

/* Cuts what lies ahead of the source; false: it is read by the first lane alone. */
static ps_code cut_ranges(ps_crew *crew, bool *out_is_cut, ps_error *err)
{
    ps_instance *source = source_of(&crew->members[0]);
    ps_source_range all = {0};
    *out_is_cut = false;
    ps_code code = PS_OK;
    if (source->range_source != NULL && !source->is_side_input) {
        code = source->source->class->ahead(source->source, &all, err);
    }
    uint32_t rows = crew->options->batch_rows;
    bool is_small = rows > 0 && rows < PS_BATCH_ROWS;
    uint64_t min = is_small ? 1 : RANGE_SIZE_MIN;
    if (code != PS_OK || all.to - all.from < min) {
        return code;
    }
    uint64_t max = is_small ? (uint64_t)rows * RANGE_SIZE_OF_ROW : RANGE_SIZE;
    uint64_t each = (all.to - all.from) / crew->count + 1;
    each = each < max ? each : max;
    for (uint32_t i = 0; i < crew->count; i++) {
        uint64_t from = all.from + i * each;
        uint64_t to = from + each;
        crew->members[i].range = (ps_source_range){
            .path = all.path,
            .from = from < all.to ? from : all.to,
            .to = to < all.to ? to : all.to,
            .is_exact = i == 0,
            .lines_before = all.lines_before,
        };
    }
    *out_is_cut = true;
    return PS_OK;
}

/* How many ranges begin where the one before has ended, and are good. One that has failed is read
 * again in the next round, by the first lane, which knows the numbers of its lines and rows. */
static uint32_t count_accepted(const ps_crew *crew)
{
    uint32_t count = 1;
    while (count < crew->count && crew->members[count].code == PS_OK &&
           crew->members[count].range.from < crew->members[count].range.to &&
           crew->members[count].read.from == crew->members[count - 1].read.to) {
        count++;
    }
    return count;
}

/* The ranges were read: what is accepted is numbered, the rest forgotten. */
static ps_code accept_ranges(ps_crew *crew, ps_error *err)
{
    ps_source *source = source_of(&crew->members[0])->source;
    crew->accepted = count_accepted(crew);
    if (crew->members[0].code != PS_OK) {
        ps_code code = send_letters(&crew->members[0], 0, 0, err);
        return code == PS_OK ? first_failure(crew, 1, err) : code;
    }
    ps_source_range_read whole = {.from = crew->members[0].read.from};
    for (uint32_t i = 0; i < crew->count; i++) {
        member *m = &crew->members[i];
        uint64_t lines = count_lines(&m->letters);
        if (i < crew->accepted) {
            m->lines_before = i == 0 ? 0 : m->range.lines_before + whole.lines;
            source->bad_row_count += lines;
            whole.lines += m->read.lines;
            whole.to = m->read.to;
            continue;
        }
        m->lane->rows_in = m->rows_in_before;
        if (source_of(m)->watermark != NULL) {
            source_of(m)->watermark->op->bad_row_count -= m->letters.count - lines;
        }
        m->letters.count = 0;
    }
    return source->class->behind(source, &whole, err);
}

/* Numbers the accepted rows; the first lane's have their numbers. Returns how many there are. */
static uint64_t number_rows(ps_crew *crew)
{
    ps_instance *first = source_of(&crew->members[0]);
    uint64_t rows = 0;
    for (uint32_t i = 0; i < crew->accepted; i++) {
        crew->members[i].first_sequence = rows;
        rows += source_of(&crew->members[i])->sequence;
        first->reached = latest(first->reached, source_of(&crew->members[i])->reached);
    }
    first->sequence = rows;
    return rows;
}

static void note_reached(ps_crew *crew)
{
    for (uint32_t e = 0; e < crew->exchange_count; e++) {
        for (uint32_t k = 0; k < crew->accepted; k++) {
            const ps_exchange *exchange = crew->members[k].lane->exchanges[e];
            crew->reached[e] = latest(crew->reached[e], exchange->watermark_after);
        }
    }
}

static ps_code read_round(ps_crew *crew, ps_error *err)
{
    bool is_cut;
    for (uint32_t i = 0; i < crew->count; i++) {
        crew->members[i].range = (ps_source_range){0};
        clear_round(&crew->members[i]);
    }
    ps_code code = cut_ranges(crew, &is_cut, err);
    if (code != PS_OK) {
        return code;
    }
    if (is_cut) {
        all_do(crew, PHASE_READ, false);
        return accept_ranges(crew, err);
    }
    crew->accepted = 1;
    crew->phase = PHASE_READ;
    do_phase(&crew->members[0]);
    return first_failure(crew, 1, err);
}

static ps_code round_of(ps_crew *crew, ps_instance *source, ps_error *err)
{
    crew->source_id = source->node->id;
    crew->rows_before = source->sequence;
    int64_t reached_before = source->reached;
    ps_code code = read_round(crew, err);
    if (code != PS_OK) {
        return code;
    }
    source->reached = latest(source->reached, reached_before);
    bool is_little = number_rows(crew) - crew->rows_before < FEW_ROWS;
    for (uint32_t i = 0; code == PS_OK && i < crew->accepted; i++) {
        member *m = &crew->members[i];
        code = send_letters(m, m->lines_before, m->first_sequence, err);
    }
    if (code == PS_OK) {
        code = write_piles(crew, crew->accepted, err);
    }
    if (code != PS_OK || crew->exchange_count == 0) {
        return code;
    }
    all_do(crew, PHASE_TAKE, is_little);
    code = first_failure(crew, crew->count, err);
    note_reached(crew);
    return code == PS_OK ? write_piles(crew, crew->count, err) : code;
}

/* The other lanes' sources have had nothing for as long as the first one's. */
static ps_code share_idleness(ps_crew *crew, ps_error *err)
{
    ps_code code = PS_OK;
    const ps_lane *first = crew->members[0].lane;
    for (uint32_t i = 1; code == PS_OK && i < crew->count; i++) {
        ps_lane *lane = crew->members[i].lane;
        for (uint32_t n = 0; n < lane->instance_count; n++) {
            lane->instances[n].idle_since_ms = first->instances[n].idle_since_ms;
        }
        code = ps_lane_look_for_idle(lane, err);
    }
    return code == PS_OK ? write_piles(crew, crew->count, err) : code; /* what that let go */
}

ps_code ps_crew_step(ps_crew *crew, const ps_program_clock *clock, int *out_state, ps_error *err)
{
    for (uint32_t i = 0; i < crew->count; i++) {
        crew->members[i].lane->clock = *clock;
    }
    ps_lane *first = crew->members[0].lane;
    if (crew->count == 1) {
        return ps_lane_step(first, out_state, err);
    }
    ps_instance *source;
    ps_code code = ps_lane_choose(first, &source, out_state, err);
    if (code != PS_OK) {
        return code;
    }
    if (source != NULL) {
        return round_of(crew, source, err);
    }
    return *out_state == PS_SOURCE_IDLE ? share_idleness(crew, err) : PS_OK;
}

ps_code ps_crew_release(ps_crew *crew, ps_error *err)
{
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < crew->count; i++) {
        code = ps_lane_release(crew->members[i].lane, err);
    }
    return code == PS_OK ? write_piles(crew, crew->count, err) : code;
}

/* ── checkpoints: u64 lanes, i64 per exchange, then each lane (lane_state.c) ── */

ps_code ps_crew_save_begin(ps_crew *crew, ps_checkpoint_writer *writer, ps_error *err)
{
    crew->save_lane = 0;
    ps_checkpoint_put_u64(writer, crew->count);
    ps_checkpoint_put(writer, crew->reached, crew->exchange_count * sizeof *crew->reached);
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < crew->count; i++) {
        code = ps_lane_save_begin(crew->members[i].lane, writer, err);
    }
    return code;
}

bool ps_crew_save_more(ps_crew *crew, ps_checkpoint_writer *writer, uint32_t chunks_max)
{
    while (ps_lane_save_more(crew->members[crew->save_lane].lane, writer, chunks_max)) {
        crew->save_lane++;
        if (crew->save_lane == crew->count) {
            return true;
        }
    }
    return false;
}

void ps_crew_save_abort(ps_crew *crew)
{
    for (uint32_t i = 0; i < crew->count; i++) {
        ps_lane_save_abort(crew->members[i].lane);
    }
}

static ps_code load_lanes(ps_crew *crew, ps_checkpoint_reader *reader, ps_error *err)
{
    ps_code code = PS_OK;
    for (uint32_t i = 0; code == PS_OK && i < crew->count; i++) {
        code = ps_lane_load(crew->members[i].lane, reader, err);
    }
    for (uint32_t i = 0; code == PS_OK && i < crew->count; i++) {
        code = ps_lane_load_state(crew->members[i].lane, reader, err);
    }
    return code;
}

ps_code ps_crew_load(ps_crew *crew, ps_checkpoint_reader *reader, ps_error *err)
{
    uint64_t count = ps_checkpoint_get_u64(reader);
    if (!reader->failed && count != crew->count) {
        return ps_error_set(err, PS_E_VERSION,
                            "the state was saved by a job with parallelism %llu, this one has %u: "
                            "run it as it was, or with another --state",
                            (unsigned long long)count, crew->count);
    }
    ps_checkpoint_get(reader, crew->reached, crew->exchange_count * sizeof *crew->reached);
    for (uint32_t e = 0; crew->options->forget_watermarks && e < crew->exchange_count; e++) {
        crew->reached[e] = PS_WATERMARK_NONE;
    }
    return load_lanes(crew, reader, err);
}

/* ── set-up ── */

static ps_code add_member(ps_crew *crew, uint32_t number, ps_error *err)
{
    member *m = &crew->members[number];
    m->crew = crew;
    m->letters.base.take = keep_letter;
    m->surroundings = *crew->options->surroundings;
    ps_buf_init(&m->letters.bytes, LETTER_SIZE_MAX);
    const ps_lane_place place = {
        .number = number,
        .count = crew->count,
        .budget = &crew->budget,
        .surroundings = &m->surroundings,
        .range_letters = &m->letters.base,
        .is_exchanged = crew->is_exchanged,
    };
    return ps_lane_new(crew->options, &place, &m->lane, err);
}

static ps_code open_exchanges(ps_crew *crew, ps_error *err)
{
    crew->exchange_count = crew->members[0].lane->exchange_count;
    crew->reached = malloc((crew->exchange_count + 1) * sizeof *crew->reached);
    if (crew->reached == NULL) {
        return no_memory(err);
    }
    for (uint32_t e = 0; e < crew->exchange_count; e++) {
        crew->reached[e] = PS_WATERMARK_NONE;
    }
    return PS_OK;
}

static ps_code start_threads(ps_crew *crew, ps_error *err)
{
    for (uint32_t i = 1; i < crew->count; i++) {
        member *m = &crew->members[i];
        if (pthread_create(&m->thread, NULL, work, m) != 0) {
            return ps_error_set(err, PS_E_MEMORY, "no thread for lane %u of the job", i + 1);
        }
        m->has_thread = true;
    }
    return PS_OK;
}

ps_code ps_crew_new(const ps_stream_job_options *options, ps_crew **out, ps_error *err)
{
    ps_crew *crew = calloc(1, sizeof *crew);
    if (crew == NULL) {
        return no_memory(err);
    }
    crew->options = options;
    pthread_mutex_init(&crew->mutex, NULL);
    pthread_cond_init(&crew->begins, NULL);
    pthread_cond_init(&crew->ends, NULL);
    crew->budget.size_max = options->memory_max;
    crew->is_exchanged = calloc(options->graph->node_count, sizeof *crew->is_exchanged);
    uint32_t wanted = options->parallelism > 1 ? options->parallelism : 1;
    if (crew->is_exchanged != NULL) {
        crew->obstacle = ps_plan_lanes(options->graph, crew->is_exchanged);
    }
    crew->count = crew->obstacle == NULL ? wanted : 1;
    crew->members = calloc(crew->count, sizeof *crew->members);
    ps_code code = crew->is_exchanged != NULL && crew->members != NULL ? PS_OK : no_memory(err);
    for (uint32_t i = 0; code == PS_OK && i < crew->count; i++) {
        code = add_member(crew, i, err);
    }
    if (code == PS_OK) {
        code = open_exchanges(crew, err);
    }
    if (code == PS_OK) {
        code = start_threads(crew, err);
    }
    if (code != PS_OK) {
        ps_crew_free(crew);
        return code;
    }
    *out = crew;
    return PS_OK;
}

static void stop_threads(ps_crew *crew)
{
    begin_phase(crew, PHASE_LEAVE);
    for (uint32_t i = 1; i < crew->count; i++) {
        if (crew->members[i].has_thread) {
            pthread_join(crew->members[i].thread, NULL);
        }
    }
}

void ps_crew_free(ps_crew *crew)
{
    if (crew == NULL) {
        return;
    }
    if (crew->members != NULL) {
        stop_threads(crew);
    }
    for (uint32_t i = 0; crew->members != NULL && i < crew->count; i++) {
        ps_lane_free(crew->members[i].lane);
        ps_buf_release(&crew->members[i].letters.bytes);
        free(crew->members[i].letters.rows);
    }
    pthread_cond_destroy(&crew->ends);
    pthread_cond_destroy(&crew->begins);
    pthread_mutex_destroy(&crew->mutex);
    free(crew->members);
    free(crew->is_exchanged);
    free(crew->reached);
    free(crew);
}

uint32_t ps_crew_size(const ps_crew *crew)
{
    return crew->count;
}
const ps_node *ps_crew_obstacle(const ps_crew *crew)
{
    return crew->obstacle;
}
ps_lane *ps_crew_lane(const ps_crew *crew, uint32_t number)
{
    return crew->members[number].lane;
}
uint64_t ps_crew_state_size(const ps_crew *crew)
{
    return crew->budget.size;
}
