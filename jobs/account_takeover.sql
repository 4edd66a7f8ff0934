-- Account takeover: a payer's details change, and within a day a merchant is paid whom this payer never paid before.
-- Details are the e-mail and the device of a payment against those of the payer's payment before; what is missing changed nothing.
-- The payment with the changed details can itself be the one to the new merchant: then both steps have its time, and `step` orders them.
-- Every payer's merchants are remembered; 'table.exec.state.ttl' forgets those that were not paid for so long.
SET 'pipeline.name' = 'account_takeover';

CREATE TEMPORARY VIEW payments_of_payer AS
SELECT event_time, payer, merchant, payment_id, currency, amount,
  email <> LAG(email) OVER earlier OR device <> LAG(device) OVER earlier AS has_new_details
FROM payment_events
WHERE type = 'payment.created'
WINDOW earlier AS (PARTITION BY payer ORDER BY event_time);

CREATE TEMPORARY VIEW payments_of_payee AS
SELECT event_time, payer, merchant, payment_id, currency, amount,
  COUNT(*) OVER (PARTITION BY payer, merchant ORDER BY event_time ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS payments
FROM payment_events
WHERE type = 'payment.created';

CREATE TEMPORARY VIEW steps AS
SELECT event_time, 1 AS step, payer, merchant, payment_id, currency, amount FROM payments_of_payer WHERE has_new_details
UNION ALL
SELECT event_time, 2 AS step, payer, merchant, payment_id, currency, amount FROM payments_of_payee WHERE payments = 1;

SELECT *
FROM steps MATCH_RECOGNIZE (
  PARTITION BY payer
  ORDER BY event_time, step
  MEASURES
    CHANGED.event_time AS changed_at,
    CHANGED.payment_id AS changed_by,
    PAID.event_time AS paid_at,
    PAID.payment_id AS payment_id,
    PAID.merchant AS merchant,
    PAID.currency AS currency,
    PAID.amount AS amount
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (CHANGED PAID) WITHIN INTERVAL '1' DAY
  DEFINE
    CHANGED AS CHANGED.step = 1,
    PAID AS PAID.step = 2
);
