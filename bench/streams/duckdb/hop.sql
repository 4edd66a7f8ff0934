SELECT slice + k * INTERVAL 5 SECOND AS ended, account, SUM(events), SUM(amount)
FROM (SELECT time_bucket(INTERVAL 5 SECOND, ts) AS slice, account, COUNT(*) AS events, SUM(amount) AS amount FROM events GROUP BY ALL),
    range(1, 13) AS slices(k)
GROUP BY ALL
