-- Bids in each session of a bidder.
CREATE TABLE results (bidder BIGINT, bid_count BIGINT, started TIMESTAMP(3), ended TIMESTAMP(3)) WITH (${SINK});
INSERT INTO results
SELECT bidder, COUNT(*), SESSION_START(`dateTime`, INTERVAL '10' SECOND), SESSION_END(`dateTime`, INTERVAL '10' SECOND)
FROM bids GROUP BY bidder, SESSION(`dateTime`, INTERVAL '10' SECOND);
