-- Events and money per account over a minute, every 5 seconds.
CREATE TABLE results (window_end TIMESTAMP(3), account STRING, events BIGINT, amount BIGINT) WITH (${SINK});
INSERT INTO results
SELECT window_end, account, COUNT(*), SUM(amount)
FROM TABLE(HOP(TABLE events, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '60' SECOND))
GROUP BY window_start, window_end, account;
