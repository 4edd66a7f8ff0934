-- The first event of each account.
CREATE TABLE results (account STRING, id BIGINT, ts TIMESTAMP(3), amount BIGINT) WITH (${SINK});
INSERT INTO results
SELECT account, id, ts, amount FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY account ORDER BY ts) AS place FROM events
) WHERE place = 1;
