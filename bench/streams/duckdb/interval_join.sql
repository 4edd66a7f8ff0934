SELECT r.payment, r.ts, c.ts, r.amount
FROM (SELECT payment, ts, amount FROM events WHERE type = 'request') AS r
JOIN (SELECT payment, ts FROM events WHERE type = 'captured') AS c
ON r.payment = c.payment AND c.ts BETWEEN r.ts AND r.ts + INTERVAL 10 SECOND
