-- Structuring: three payments or more to one payee within a day, each under a limit of 10,000.00 that has to be reported, that reach the
-- limit together. Amounts are in minor units; those under 2,000.00 are everyday payments and do not count.
-- The row comes with the payment that reaches the limit; the next one is looked for behind it.
SET 'pipeline.name' = 'structuring';

CREATE TEMPORARY VIEW payments_under_limit AS
SELECT event_time, seq, payer, merchant, currency, payment_id, amount
FROM payment_events
WHERE type IN ('payment.captured', 'payment.partially_captured') AND amount BETWEEN 200000 AND 999999;

SELECT *
FROM payments_under_limit MATCH_RECOGNIZE (
  PARTITION BY payer, merchant, currency
  ORDER BY event_time, seq
  MEASURES
    FIRST(PART.event_time) AS first_at,
    REACHING.event_time AS reached_at,
    COUNT(*) AS payments,
    SUM(amount) AS total,
    FIRST(PART.payment_id) AS first_payment,
    REACHING.payment_id AS last_payment
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (PART{2,}? REACHING) WITHIN INTERVAL '1' DAY
  DEFINE
    REACHING AS SUM(PART.amount) + REACHING.amount >= 1000000
);
