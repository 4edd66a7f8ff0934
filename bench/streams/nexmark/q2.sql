-- Bids on some auctions.
CREATE TABLE results (auction BIGINT, price BIGINT) WITH (${SINK});
INSERT INTO results SELECT auction, price FROM bids WHERE MOD(auction, 123) = 0;
