-- The three merchants with most money in each 10 seconds.
CREATE TABLE results (window_end TIMESTAMP(3), merchant STRING, amount BIGINT, place BIGINT) WITH (${SINK});
INSERT INTO results
SELECT window_end, merchant, amount, place FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY amount DESC, merchant) AS place
    FROM (
        SELECT window_start, window_end, merchant, SUM(amount) AS amount
        FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND))
        GROUP BY window_start, window_end, merchant
    )
) WHERE place <= 3;
