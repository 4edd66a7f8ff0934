-- Payments, amount and declines per minute and currency.
-- Try: paystream run jobs/payments_per_minute.sql --data DIR     Live: paystream serve --job jobs/payments_per_minute.sql …
SET 'pipeline.name' = 'payments_per_minute';

SELECT
  window_start,
  currency,
  COUNT(*) FILTER (WHERE type = 'payment.created') AS payments,
  COUNT(*) FILTER (WHERE type = 'payment.authorised') AS approved,
  COUNT(*) FILTER (WHERE type = 'payment.declined') AS declined,
  SUM(amount) FILTER (WHERE type IN ('payment.captured', 'payment.partially_captured')) AS captured_amount,
  SUM(amount) FILTER (WHERE type = 'payment.refunded') AS refunded_amount
FROM TABLE(TUMBLE(TABLE payment_events, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
WHERE type IN ('payment.created', 'payment.authorised', 'payment.declined', 'payment.captured', 'payment.partially_captured', 'payment.refunded')
GROUP BY window_start, window_end, currency;
