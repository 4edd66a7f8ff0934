-- Bids with their auction, of one category.
CREATE TABLE results (auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, url VARCHAR, bid_time TIMESTAMP(3), bid_extra VARCHAR,
    itemName VARCHAR, description VARCHAR, initialBid BIGINT, reserve BIGINT, auction_time TIMESTAMP(3), expires TIMESTAMP(3), seller BIGINT, category BIGINT, auction_extra VARCHAR) WITH (${SINK});
INSERT INTO results
SELECT b.auction, b.bidder, b.price, b.channel, b.url, CAST(b.`dateTime` AS TIMESTAMP(3)), b.extra,
    a.itemName, a.description, a.initialBid, a.reserve, CAST(a.`dateTime` AS TIMESTAMP(3)), a.expires, a.seller, a.category, a.extra
FROM bids AS b JOIN auctions AS a ON b.auction = a.id
WHERE a.category = 10;
