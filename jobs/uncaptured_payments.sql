-- Payments that were authorised and neither captured nor given up within 15 minutes: money that is held for nothing.
-- A row comes when event time is 15 minutes past the authorisation.
SET 'pipeline.name' = 'uncaptured_payments';

SELECT a.event_time AS authorised_at, a.payment_id, a.merchant, a.currency, a.amount
FROM (SELECT * FROM payment_events WHERE type = 'payment.authorised') AS a
LEFT JOIN (
  SELECT payment_id, type, event_time FROM payment_events
  WHERE type IN ('payment.captured', 'payment.partially_captured', 'payment.cancelled', 'payment.expired', 'payment.reversed')
) AS c
ON a.payment_id = c.payment_id AND c.event_time BETWEEN a.event_time AND a.event_time + INTERVAL '15' MINUTE
WHERE c.type IS NULL;
