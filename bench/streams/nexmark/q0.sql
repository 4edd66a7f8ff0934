-- Bids as they are.
CREATE TABLE results (auction BIGINT, bidder BIGINT, price BIGINT, `dateTime` TIMESTAMP(3), extra VARCHAR) WITH (${SINK});
INSERT INTO results SELECT auction, bidder, price, `dateTime`, extra FROM bids;
