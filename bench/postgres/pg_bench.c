/* The yardstick's client: N connections in one thread, prepared statements, asynchronous libpq, one call per payment (or one per batch).
 *
 * usage: pg_bench CONNINFO spread|hot|batch CONNECTIONS SECONDS
 */
#include <libpq-fe.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/histogram.h"

enum { CONNECTIONS_MAX = 1024, BATCH = 1000 };

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

typedef struct {
    PGconn *conn;
    int64_t start_ns;
} client;

static uint64_t number;
static uint32_t run;
static ps_histogram latency;

static void die(PGconn *conn, const char *what)
{
    fprintf(stderr, "pg_bench: %s: %s", what, PQerrorMessage(conn));
    exit(1);
}

static void send_single(client *c, bool hot)
{
    char key[48], id[48], amount[24], merchant[24], payer[24], reference[48];
    uint64_t n = number++;
    snprintf(key, sizeof key, "k-%08x-%llu", run, (unsigned long long)n);
    snprintf(id, sizeof id, "pay_%08x%018llu", run, (unsigned long long)n);
    snprintf(amount, sizeof amount, "%d", 1 + rand() % 9999);
    snprintf(merchant, sizeof merchant, "m%d", hot ? 0 : rand() % 1000);
    snprintf(payer, sizeof payer, "p%d", rand() % 1000);
    snprintf(reference, sizeof reference, "r-%08x-%llu", run, (unsigned long long)n);
    const char *values[9] = {
        key, "1", id, amount, "EUR", merchant, payer, reference, "{\"type\":\"wallet\"}"};
    c->start_ns = now_ns();
    if (!PQsendQueryPrepared(c->conn, "pay", 9, values, NULL, NULL, 0)) {
        die(c->conn, "send");
    }
}

static void append(char *out, size_t *size, const char *prefix, uint64_t value)
{
    *size += (size_t)sprintf(out + *size, "%s%llu", prefix, (unsigned long long)value);
}

static void send_batch(client *c)
{
    static char arrays[6][BATCH * 48];
    size_t sizes[6];
    for (int i = 0; i < 6; i++) {
        arrays[i][0] = '{';
        sizes[i] = 1;
    }
    for (int i = 0; i < BATCH; i++) {
        uint64_t n = number++;
        for (int a = 0; a < 6 && i > 0; a++) {
            arrays[a][sizes[a]++] = ',';
        }
        append(arrays[0], &sizes[0], "k-", ((uint64_t)run << 32) + n);
        append(arrays[1], &sizes[1], "pay_", ((uint64_t)run << 32) + n);
        append(arrays[2], &sizes[2], "", 1 + (uint64_t)rand() % 9999);
        append(arrays[3], &sizes[3], "m", (uint64_t)rand() % 1000);
        append(arrays[4], &sizes[4], "p", (uint64_t)rand() % 1000);
        append(arrays[5], &sizes[5], "r-", ((uint64_t)run << 32) + n);
    }
    const char *values[6];
    for (int i = 0; i < 6; i++) {
        arrays[i][sizes[i]++] = '}';
        arrays[i][sizes[i]] = '\0';
        values[i] = arrays[i];
    }
    c->start_ns = now_ns();
    if (!PQsendQueryPrepared(c->conn, "batch", 6, values, NULL, NULL, 0)) {
        die(c->conn, "send");
    }
}

static void prepare(PGconn *conn, const char *name, const char *sql)
{
    PGresult *result = PQprepare(conn, name, sql, 0, NULL);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        die(conn, "prepare");
    }
    PQclear(result);
}

/* True when the reply of the call in flight is complete. */
static bool receive(client *c)
{
    if (!PQconsumeInput(c->conn)) {
        die(c->conn, "receive");
    }
    if (PQisBusy(c->conn)) {
        return false;
    }
    PGresult *result;
    while ((result = PQgetResult(c->conn)) != NULL) {
        if (PQresultStatus(result) != PGRES_TUPLES_OK) {
            die(c->conn, "call");
        }
        PQclear(result);
    }
    ps_histogram_add(&latency, (uint64_t)(now_ns() - c->start_ns));
    return true;
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: pg_bench CONNINFO spread|hot|batch CONNECTIONS SECONDS\n");
        return 2;
    }
    bool batch = strcmp(argv[2], "batch") == 0;
    bool hot = strcmp(argv[2], "hot") == 0;
    int count = atoi(argv[3]);
    double seconds = atof(argv[4]);
    static client clients[CONNECTIONS_MAX];
    static struct pollfd polls[CONNECTIONS_MAX];
    run = (uint32_t)now_ns();
    for (int i = 0; i < count; i++) {
        clients[i].conn = PQconnectdb(argv[1]);
        if (PQstatus(clients[i].conn) != CONNECTION_OK) {
            die(clients[i].conn, "connect");
        }
        prepare(clients[i].conn, "pay", "SELECT payment_create($1,$2,$3,$4,$5,$6,$7,$8,$9)");
        prepare(clients[i].conn, "batch", "SELECT payments_create($1,$2,$3,$4,$5,$6)");
        polls[i] = (struct pollfd){.fd = PQsocket(clients[i].conn), .events = POLLIN};
    }
    int64_t start_ns = now_ns();
    int64_t end_ns = start_ns + (int64_t)(seconds * 1e9);
    for (int i = 0; i < count; i++) {
        batch ? send_batch(&clients[i]) : send_single(&clients[i], hot);
    }
    uint64_t done = 0;
    while (now_ns() < end_ns) {
        poll(polls, (nfds_t)count, 100);
        for (int i = 0; i < count; i++) {
            if (polls[i].revents != 0 && receive(&clients[i])) {
                done += batch ? BATCH : 1;
                batch ? send_batch(&clients[i]) : send_single(&clients[i], hot);
            }
        }
    }
    double elapsed = (double)(now_ns() - start_ns) / 1e9;
    printf("{\"bench\":\"PostgreSQL, %s, %d "
           "connections\",\"payments\":%llu,\"per_second\":%.0f,\"p50_us\":%.0f,\"p99_us\":%.0f}\n",
           argv[2], count, (unsigned long long)done, (double)done / elapsed,
           (double)ps_histogram_quantile(&latency, 0.5) / 1e3,
           (double)ps_histogram_quantile(&latency, 0.99) / 1e3);
    return 0;
}
