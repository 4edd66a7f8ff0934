-- Declined payments per minute and currency, over a file of payment events.
CREATE TABLE payments (
  event_time TIMESTAMP(3),
  payment_id STRING,
  `status` STRING,
  currency STRING,
  amount BIGINT,
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = 'examples/payments.csv', 'format' = 'csv');

SELECT window_start, currency,
       COUNT(*) AS payments,
       COUNT(*) FILTER (WHERE `status` = 'declined') AS declined,
       SUM(amount) FILTER (WHERE `status` <> 'declined') AS amount
FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, currency;
