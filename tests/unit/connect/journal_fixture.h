/* A data directory with payments, made by the engine in simulated storage. Apart from the tests
 * because the engine's headers and those of batches of rows do not go together. */
#ifndef PS_TESTS_JOURNAL_FIXTURE_H
#define PS_TESTS_JOURNAL_FIXTURE_H

#include "base/io_sim.h"

typedef struct journal_fixture journal_fixture;

/* A directory "/d" with the tenant shop and nothing else (records 1 …). */
journal_fixture *journal_fixture_new(void);
void journal_fixture_free(journal_fixture *f);
ps_io *journal_fixture_io(const journal_fixture *f);
void *journal_fixture_journal(const journal_fixture *f); /* of the running engine */
/* Ends the engine: the directory lies still. */
void journal_fixture_stop(journal_fixture *f);

/* A confirmed card payment of `payer` to merchant m, EUR; client_id may be "". */
void journal_fixture_pay(journal_fixture *f, const char *client_id, const char *token,
                         int64_t amount);
void journal_fixture_pay_manual(journal_fixture *f, const char *client_id, int64_t amount);
void journal_fixture_capture(journal_fixture *f, const char *id, int64_t amount, bool final);
void journal_fixture_refund(journal_fixture *f, const char *id, int64_t amount);
void journal_fixture_transfer(journal_fixture *f, const char *debit, const char *credit,
                              int64_t amount);
void journal_fixture_risk_event(journal_fixture *f, const char *payment);
/* The newest durable record. */
uint64_t journal_fixture_last(const journal_fixture *f);

#endif
