-- Different cards per merchant and 10 seconds.
CREATE TABLE results (window_end TIMESTAMP(3), merchant STRING, cards BIGINT) WITH (${SINK});
INSERT INTO results
SELECT window_end, merchant, COUNT(DISTINCT card)
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY window_start, window_end, merchant;
