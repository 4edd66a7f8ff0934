-- Velocity: each event with its account's events and money of the minute before it.
CREATE TABLE results (id BIGINT, ts TIMESTAMP(3), account STRING, events BIGINT, amount BIGINT) WITH (${SINK});
INSERT INTO results
SELECT id, ts, account, COUNT(*) OVER minute_before, SUM(amount) OVER minute_before
FROM events
WINDOW minute_before AS (PARTITION BY account ORDER BY ts RANGE BETWEEN INTERVAL '1' MINUTE PRECEDING AND CURRENT ROW);
