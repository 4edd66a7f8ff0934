-- Bids with a value from a small table.
CREATE TABLE side (k BIGINT, v VARCHAR) WITH ('connector' = 'filesystem', 'path' = '${SIDE}', 'format' = 'csv');
CREATE TABLE results (auction BIGINT, bidder BIGINT, price BIGINT, `dateTime` TIMESTAMP(3), v VARCHAR) WITH (${SINK});
INSERT INTO results
SELECT b.auction, b.bidder, b.price, b.`dateTime`, s.v
FROM (SELECT *, PROCTIME() AS now_time FROM bids) AS b
JOIN side FOR SYSTEM_TIME AS OF b.now_time AS s ON MOD(b.auction, 10000) = s.k;
