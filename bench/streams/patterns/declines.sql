-- Three or more declines, then an approval, on one card within a minute, with nothing in between.
CREATE TABLE results (card STRING, declines BIGINT, amount BIGINT) WITH (${SINK});
INSERT INTO results
SELECT * FROM events MATCH_RECOGNIZE (
    PARTITION BY card ORDER BY ts
    MEASURES COUNT(D.id) AS declines, A.amount AS amount
    ONE ROW PER MATCH AFTER MATCH SKIP PAST LAST ROW
    PATTERN (D{3,} A) WITHIN INTERVAL '1' MINUTE
    DEFINE D AS D.status = 'declined', A AS A.status = 'approved');
