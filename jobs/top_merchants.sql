-- The five merchants with the most captured money, per minute and currency.
SET 'pipeline.name' = 'top_merchants';

SELECT window_start, currency, place, merchant, captured_amount, captures
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, currency ORDER BY captured_amount DESC) AS place
  FROM (
    SELECT window_start, window_end, currency, merchant, SUM(amount) AS captured_amount, COUNT(*) AS captures
    FROM TABLE(TUMBLE(TABLE payment_events, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
    WHERE type IN ('payment.captured', 'payment.partially_captured')
    GROUP BY window_start, window_end, currency, merchant
  )
)
WHERE place <= 5;
