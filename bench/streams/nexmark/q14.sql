-- Prices in another currency, the time of day, and the number of a letter.
CREATE TABLE results (auction BIGINT, bidder BIGINT, price DECIMAL(23, 3), day_part VARCHAR, `dateTime` TIMESTAMP(3), extra VARCHAR, c_count BIGINT) WITH (${SINK});
INSERT INTO results
SELECT auction, bidder, 0.908 * price,
    CASE WHEN HOUR(`dateTime`) >= 8 AND HOUR(`dateTime`) <= 18 THEN 'dayTime' WHEN HOUR(`dateTime`) <= 6 OR HOUR(`dateTime`) >= 20 THEN 'nightTime' ELSE 'otherTime' END,
    `dateTime`, extra, CAST(CHAR_LENGTH(extra) - CHAR_LENGTH(REPLACE(extra, 'c', '')) AS BIGINT)
FROM bids WHERE 0.908 * price > 1000000 AND 0.908 * price < 50000000;
