SELECT time_bucket(INTERVAL 10 SECOND, ts) AS started, merchant, COUNT(*), SUM(amount) FROM events GROUP BY ALL
