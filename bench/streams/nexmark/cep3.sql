-- Bids that drop by more than 50 within 5 seconds.
CREATE TABLE results (auction BIGINT, bidder BIGINT, dropped TIMESTAMP(3), drop_by BIGINT) WITH (${SINK});
INSERT INTO results
SELECT auction, bidder, dropped, drop_by
FROM bids MATCH_RECOGNIZE (
    PARTITION BY auction, bidder
    ORDER BY `dateTime`
    MEASURES LOW.`dateTime` AS dropped, HIGH.price - LOW.price AS drop_by
    ONE ROW PER MATCH
    AFTER MATCH SKIP PAST LAST ROW
    PATTERN (HIGH KEPT* LOW) WITHIN INTERVAL '5' SECOND
    DEFINE
        KEPT AS KEPT.price > HIGH.price - 50,
        LOW AS LOW.price < HIGH.price - 50
);
