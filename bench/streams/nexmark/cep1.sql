-- The longest times in which the average of a bidder's bids on an auction stayed below 100.00, one after the other.
CREATE TABLE results (auction BIGINT, bidder BIGINT, since TIMESTAMP(3), until TIMESTAMP(3), average BIGINT) WITH (${SINK});
INSERT INTO results
SELECT auction, bidder, since, until, average
FROM bids MATCH_RECOGNIZE (
    PARTITION BY auction, bidder
    ORDER BY `dateTime`
    MEASURES FIRST(LOW.`dateTime`) AS since, LAST(LOW.`dateTime`) AS until, AVG(LOW.price) AS average
    ONE ROW PER MATCH
    AFTER MATCH SKIP PAST LAST ROW
    PATTERN (LOW+ BEHIND)
    DEFINE LOW AS AVG(LOW.price) < 10000
);
