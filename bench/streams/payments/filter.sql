-- Large declined payments.
CREATE TABLE results (id BIGINT, ts TIMESTAMP(3), account STRING, merchant STRING, amount BIGINT) WITH (${SINK});
INSERT INTO results
SELECT id, ts, account, merchant, amount FROM events WHERE status = 'declined' AND amount > 10000;
