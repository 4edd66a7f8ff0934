-- The highest bid of each 10 seconds.
CREATE TABLE results (auction BIGINT, bidder BIGINT, price BIGINT, `dateTime` TIMESTAMP(3), extra VARCHAR) WITH (${SINK});
INSERT INTO results
SELECT b.auction, b.bidder, b.price, b.`dateTime`, b.extra
FROM bids AS b
JOIN (
    SELECT MAX(price) AS most, window_end AS ended
    FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(`dateTime`), INTERVAL '10' SECOND))
    GROUP BY window_start, window_end
) AS tops
ON b.price = tops.most
WHERE b.`dateTime` BETWEEN tops.ended - INTERVAL '10' SECOND AND tops.ended;
