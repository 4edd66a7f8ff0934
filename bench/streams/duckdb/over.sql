SELECT id, ts, account, COUNT(*) OVER minute_before, SUM(amount) OVER minute_before FROM events
WINDOW minute_before AS (PARTITION BY account ORDER BY ts RANGE BETWEEN INTERVAL 1 MINUTE PRECEDING AND CURRENT ROW)
