-- Flink has no lookup in files: a regular join with the small table.
CREATE TABLE side (k BIGINT, v VARCHAR) WITH ('connector' = 'filesystem', 'path' = '${SIDE}', 'format' = 'csv');
CREATE TABLE results (auction BIGINT, bidder BIGINT, price BIGINT, `dateTime` TIMESTAMP(3), v VARCHAR) WITH (${SINK});
INSERT INTO results
SELECT b.auction, b.bidder, b.price, CAST(b.`dateTime` AS TIMESTAMP(3)), s.v
FROM bids AS b JOIN side AS s ON MOD(b.auction, 10000) = s.k;
