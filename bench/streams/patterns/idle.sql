-- Every row is the first of a key of its own and begins a run that nothing follows within a second: what remains of a key then is measured.
CREATE TABLE keys (
    k BIGINT,
    ts AS TIMESTAMPADD(SECOND, CAST(k / 20000 AS INT), TIMESTAMP '2026-03-01 00:00:00'),
    WATERMARK FOR ts AS ts - INTERVAL '1' SECOND
) WITH ('connector' = 'datagen', 'number-of-rows' = '${KEYS}', 'fields.k.kind' = 'sequence', 'fields.k.start' = '0', 'fields.k.end' = '${LAST}');
CREATE TABLE results (k BIGINT, other BIGINT) WITH (${SINK});
INSERT INTO results
SELECT * FROM keys MATCH_RECOGNIZE (
    PARTITION BY k ORDER BY ts
    MEASURES B.k AS other
    ONE ROW PER MATCH AFTER MATCH SKIP PAST LAST ROW
    PATTERN (A B) WITHIN INTERVAL '1' SECOND
    DEFINE B AS B.k < 0);
