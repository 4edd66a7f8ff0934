-- Velocity per card: an alert at the third payment of a card within a minute, or when its payments of a minute come to 500.00 or more.
-- Amounts are in minor units: 50000 is 500.00 EUR, and 50,000 JPY. Rows are alerts, one for each payment that is over a limit.
-- Test tokens (tok_ok …) are everybody's, so the payer is part of the key here; with tokens of real cards leave it out.
SET 'pipeline.name' = 'card_velocity';

SELECT event_time,
  CASE WHEN payments_of_minute >= 3 THEN 'too many payments' ELSE 'too much money' END AS alert,
  token, payer, merchant, currency, amount, payments_of_minute, amount_of_minute, payment_id
FROM (
  SELECT event_time, token, payer, payment_id, merchant, currency, amount,
    COUNT(*) OVER last_minute AS payments_of_minute,
    SUM(amount) OVER last_minute AS amount_of_minute
  FROM payment_events
  WHERE type = 'payment.created' AND instrument_type = 'card'
  WINDOW last_minute AS (PARTITION BY token, payer, currency ORDER BY event_time RANGE BETWEEN INTERVAL '1' MINUTE PRECEDING AND CURRENT ROW)
)
WHERE payments_of_minute >= 3 OR amount_of_minute >= 50000;
