-- Bursts of an account: events less than 5 seconds apart.
CREATE TABLE results (window_start TIMESTAMP(3), window_end TIMESTAMP(3), account STRING, events BIGINT, amount BIGINT) WITH (${SINK});
INSERT INTO results
SELECT window_start, window_end, account, COUNT(*), SUM(amount)
FROM TABLE(SESSION(TABLE events PARTITION BY account, DESCRIPTOR(ts), INTERVAL '5' SECOND))
GROUP BY window_start, window_end, account;
