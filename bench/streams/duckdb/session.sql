SELECT MIN(ts), MAX(ts) + INTERVAL 5 SECOND, account, COUNT(*), SUM(amount)
FROM (
    SELECT *, SUM(is_first) OVER (PARTITION BY account ORDER BY ts ROWS UNBOUNDED PRECEDING) AS number
    FROM (SELECT account, ts, amount, CASE WHEN ts < LAG(ts) OVER (PARTITION BY account ORDER BY ts) + INTERVAL 5 SECOND THEN 0 ELSE 1 END AS is_first FROM events)
)
GROUP BY account, number
