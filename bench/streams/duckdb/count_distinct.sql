SELECT time_bucket(INTERVAL 10 SECOND, ts) AS started, merchant, COUNT(DISTINCT card) FROM events GROUP BY ALL
