-- Refund rate by merchant and hour, against the merchant's own hour before: a row where at least 1 % of what was captured went back
-- and the rate has at least doubled. Hours in which a merchant captured nothing do not count.
SET 'pipeline.name' = 'refund_rate';

CREATE TEMPORARY VIEW refunds_of_hour AS
SELECT
  window_start, window_time AS hour_time, merchant, currency,
  SUM(CASE WHEN type = 'payment.refunded' THEN 0 ELSE amount END) AS captured_amount,
  SUM(CASE WHEN type = 'payment.refunded' THEN amount ELSE 0 END) AS refunded_amount
FROM TABLE(TUMBLE(TABLE payment_events, DESCRIPTOR(event_time), INTERVAL '1' HOUR))
WHERE type IN ('payment.captured', 'payment.partially_captured', 'payment.refunded')
GROUP BY window_start, window_end, window_time, merchant, currency;

SELECT window_start, merchant, currency, captured_amount, refunded_amount, rate, rate_before
FROM (
  SELECT *, LAG(rate) OVER (PARTITION BY merchant, currency ORDER BY hour_time) AS rate_before
  FROM (SELECT *, CAST(refunded_amount AS DOUBLE) / captured_amount AS rate FROM refunds_of_hour WHERE captured_amount > 0)
)
WHERE rate >= 0.01 AND rate >= 2 * rate_before;
