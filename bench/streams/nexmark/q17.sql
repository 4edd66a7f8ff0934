-- Prices of each auction and day.
CREATE TABLE results (auction BIGINT, dt VARCHAR, bids BIGINT, bids1 BIGINT, bids2 BIGINT, bids3 BIGINT, least BIGINT, most BIGINT, mean BIGINT, total BIGINT) WITH (${SINK});
INSERT INTO results
SELECT auction, DATE_FORMAT(`dateTime`, 'yyyy-MM-dd'),
    COUNT(*), COUNT(*) FILTER (WHERE price < 10000), COUNT(*) FILTER (WHERE price >= 10000 AND price < 1000000), COUNT(*) FILTER (WHERE price >= 1000000),
    MIN(price), MAX(price), AVG(price), SUM(price)
FROM bids GROUP BY auction, DATE_FORMAT(`dateTime`, 'yyyy-MM-dd');
