/* bench/streams/payments/session.sql by hand: each account has a short list of open sessions; a
 * session waits in the bucket of the millisecond at which it may close. */
#include "native.h"

enum { GAP_MS = 5000, BUCKETS = 16384, ACCOUNTS_MAX = 1 << 18, NONE = -1 };

typedef struct {
    int64_t first_ms, last_ms;
    uint64_t count, amount; /* count 0: merged into another */
    uint32_t account;
    int32_t next;       /* of the account */
    int32_t next_timer; /* in its bucket */
} session;

static session *sessions;
static int32_t session_count, session_capacity, free_sessions = NONE;
static int32_t buckets[BUCKETS], open_sessions[ACCOUNTS_MAX];
static uint64_t rows_out, sum;

static int32_t session_new(void)
{
    if (free_sessions != NONE) {
        int32_t at = free_sessions;
        free_sessions = sessions[at].next;
        return at;
    }
    if (session_count == session_capacity) {
        session_capacity = session_capacity == 0 ? 1 << 16 : session_capacity * 2;
        sessions = realloc(sessions, (size_t)session_capacity * sizeof *sessions);
    }
    return session_count++;
}

static void schedule(int32_t at)
{
    int32_t *bucket = &buckets[(sessions[at].last_ms + GAP_MS) % BUCKETS];
    sessions[at].next_timer = *bucket;
    *bucket = at;
}

static void remove_session(int32_t at)
{
    int32_t *link = &open_sessions[sessions[at].account];
    while (*link != at) {
        link = &sessions[*link].next;
    }
    *link = sessions[at].next;
}

static bool touches(const session *of, int64_t first_ms, int64_t last_ms)
{
    return first_ms < of->last_ms + GAP_MS && of->first_ms < last_ms + GAP_MS;
}

static void add(uint32_t account, int64_t ts_ms, uint64_t amount)
{
    int32_t home = NONE;
    for (int32_t at = open_sessions[account], next; at != NONE; at = next) {
        session *of = &sessions[at];
        next = of->next;
        if (!touches(of, ts_ms, ts_ms)) {
            continue;
        }
        if (home == NONE) {
            home = at;
            of->first_ms = ts_ms < of->first_ms ? ts_ms : of->first_ms;
            of->last_ms = ts_ms > of->last_ms ? ts_ms : of->last_ms;
            of->count++;
            of->amount += amount;
        } else { /* the new row joins two sessions */
            session *into = &sessions[home];
            into->first_ms = of->first_ms < into->first_ms ? of->first_ms : into->first_ms;
            into->last_ms = of->last_ms > into->last_ms ? of->last_ms : into->last_ms;
            into->count += of->count;
            into->amount += of->amount;
            remove_session(at);
            of->count = 0;
        }
    }
    if (home == NONE) {
        home = session_new();
        sessions[home] = (session){ts_ms, ts_ms, 1, amount, account, open_sessions[account], NONE};
        open_sessions[account] = home;
        schedule(home);
    }
}

static void fire(int64_t now_ms)
{
    int32_t at = buckets[now_ms % BUCKETS];
    buckets[now_ms % BUCKETS] = NONE;
    for (int32_t next; at != NONE; at = next) {
        session *of = &sessions[at];
        next = of->next_timer;
        if (of->count > 0 && of->last_ms + GAP_MS > now_ms) {
            schedule(at);
            continue;
        }
        if (of->count > 0) {
            rows_out++;
            sum += of->count + of->amount;
            remove_session(at);
        }
        of->next = free_sessions;
        free_sessions = at;
    }
}

int main(int argc, char **argv)
{
    native_reader reader;
    native_event event;
    native_dictionary accounts;
    uint64_t rows_in = 0;
    int64_t fired = -1;
    native_open(&reader, argc, argv);
    native_dictionary_init(&accounts);
    memset(buckets, 0xff, sizeof buckets);
    memset(open_sessions, 0xff, sizeof open_sessions);
    while (native_next(&reader, &event)) {
        rows_in++;
        if (event.ts_ms + GAP_MS - 1 > reader.watermark_ms) {
            uint32_t account = native_number(&accounts, event.fields[F_ACCOUNT]) % ACCOUNTS_MAX;
            add(account, event.ts_ms, (uint64_t)event.amount);
        }
        if (native_advance(&reader, event.ts_ms)) {
            fired = fired < 0 ? reader.watermark_ms : fired;
            while (fired < reader.watermark_ms + 1) {
                fire(++fired);
            }
        }
    }
    for (int64_t last = reader.ts_max_ms + GAP_MS; fired < last;) {
        fire(++fired);
    }
    native_print("session", rows_in, rows_out, sum);
    return 0;
}
