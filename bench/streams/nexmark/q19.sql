-- The ten highest bids of each auction.
CREATE TABLE results (auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, url VARCHAR, `dateTime` TIMESTAMP(3), extra VARCHAR, place BIGINT) WITH (${SINK});
INSERT INTO results
SELECT auction, bidder, price, channel, url, `dateTime`, extra, place FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price DESC) AS place FROM bids
) WHERE place <= 10;
