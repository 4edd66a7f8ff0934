-- A payment, then only ones below five times its amount and on average below twice, then one of at least five times: every row begins a run of its
-- account, and each run asks for its own first row and its own average.
CREATE TABLE results (account STRING, first_amount BIGINT, payments BIGINT, last_amount BIGINT) WITH (${SINK});
INSERT INTO results
SELECT * FROM events MATCH_RECOGNIZE (
    PARTITION BY account ORDER BY ts
    MEASURES A.amount AS first_amount, COUNT(B.id) AS payments, C.amount AS last_amount
    ONE ROW PER MATCH AFTER MATCH SKIP TO NEXT ROW
    PATTERN (A B* C) WITHIN INTERVAL '5' MINUTE
    DEFINE B AS B.amount < 5 * A.amount AND AVG(B.amount) < 2 * A.amount, C AS C.amount >= 5 * A.amount);
