-- The same by channel, with the newest minute.
CREATE TABLE results (channel VARCHAR, dt VARCHAR, newest VARCHAR, bids BIGINT, bids1 BIGINT, bids2 BIGINT, bids3 BIGINT, bidders BIGINT, bidders1 BIGINT, bidders2 BIGINT, bidders3 BIGINT, auctions BIGINT, auctions1 BIGINT, auctions2 BIGINT, auctions3 BIGINT) WITH (${SINK});
INSERT INTO results
SELECT channel, DATE_FORMAT(`dateTime`, 'yyyy-MM-dd'), MAX(DATE_FORMAT(`dateTime`, 'HH:mm')),
    COUNT(*), COUNT(*) FILTER (WHERE price < 10000), COUNT(*) FILTER (WHERE price >= 10000 AND price < 1000000), COUNT(*) FILTER (WHERE price >= 1000000),
    COUNT(DISTINCT bidder), COUNT(DISTINCT bidder) FILTER (WHERE price < 10000), COUNT(DISTINCT bidder) FILTER (WHERE price >= 10000 AND price < 1000000), COUNT(DISTINCT bidder) FILTER (WHERE price >= 1000000),
    COUNT(DISTINCT auction), COUNT(DISTINCT auction) FILTER (WHERE price < 10000), COUNT(DISTINCT auction) FILTER (WHERE price >= 10000 AND price < 1000000), COUNT(DISTINCT auction) FILTER (WHERE price >= 1000000)
FROM bids GROUP BY channel, DATE_FORMAT(`dateTime`, 'yyyy-MM-dd');
