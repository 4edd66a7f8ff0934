-- Requests with their captures within 10 seconds.
CREATE TABLE results (payment STRING, requested TIMESTAMP(3), captured TIMESTAMP(3), amount BIGINT) WITH (${SINK});
INSERT INTO results
SELECT r.payment, r.ts, CAST(c.ts AS TIMESTAMP(3)), r.amount
FROM (SELECT payment, ts, amount FROM events WHERE type = 'request') AS r
JOIN (SELECT payment, ts FROM events WHERE type = 'captured') AS c
ON r.payment = c.payment AND c.ts BETWEEN r.ts AND r.ts + INTERVAL '10' SECOND;
