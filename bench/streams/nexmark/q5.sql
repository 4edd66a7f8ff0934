-- Auctions with most bids in 10 seconds, every 2 seconds.
CREATE TABLE results (auction BIGINT, num BIGINT) WITH (${SINK});
INSERT INTO results
SELECT counts.auction, counts.num
FROM (
    SELECT auction, COUNT(*) AS num, window_start, window_end
    FROM TABLE(HOP(TABLE bids, DESCRIPTOR(`dateTime`), INTERVAL '2' SECOND, INTERVAL '10' SECOND))
    GROUP BY auction, window_start, window_end
) AS counts
JOIN (
    SELECT MAX(num) AS most, window_start, window_end FROM (
        SELECT COUNT(*) AS num, window_start, window_end
        FROM TABLE(HOP(TABLE bids, DESCRIPTOR(`dateTime`), INTERVAL '2' SECOND, INTERVAL '10' SECOND))
        GROUP BY auction, window_start, window_end
    ) GROUP BY window_start, window_end
) AS tops
ON counts.window_start = tops.window_start AND counts.window_end = tops.window_end AND counts.num >= tops.most;
