SELECT *, ROW_NUMBER() OVER (PARTITION BY started ORDER BY amount DESC, merchant) AS place
FROM (SELECT time_bucket(INTERVAL 10 SECOND, ts) AS started, merchant, SUM(amount) AS amount FROM events GROUP BY ALL)
QUALIFY place <= 3
