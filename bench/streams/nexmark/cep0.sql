-- Bids of a bidder on an auction that go down and then up again: where they began, were lowest and rose.
CREATE TABLE results (auction BIGINT, bidder BIGINT, begun TIMESTAMP(3), lowest TIMESTAMP(3), risen TIMESTAMP(3)) WITH (${SINK});
INSERT INTO results
SELECT auction, bidder, begun, lowest, risen
FROM bids MATCH_RECOGNIZE (
    PARTITION BY auction, bidder
    ORDER BY `dateTime`
    MEASURES FROM_HERE.`dateTime` AS begun, LAST(DOWN.`dateTime`) AS lowest, UP.`dateTime` AS risen
    ONE ROW PER MATCH
    AFTER MATCH SKIP TO LAST UP
    PATTERN (FROM_HERE DOWN+ UP)
    DEFINE
        DOWN AS (LAST(DOWN.price, 1) IS NULL AND DOWN.price < FROM_HERE.price) OR DOWN.price < LAST(DOWN.price, 1),
        UP AS UP.price > LAST(DOWN.price, 1)
);
