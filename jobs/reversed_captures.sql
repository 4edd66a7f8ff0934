-- Captures that are reversed within a minute: a mistake, or somebody who tries what goes through.
-- PARTITION BY payment_id: what happens to other payments in between does not matter.
SET 'pipeline.name' = 'reversed_captures';

SELECT *
FROM (
  SELECT event_time, seq, payment_id, merchant, payer, currency, amount, type FROM payment_events
  WHERE type IN ('payment.captured', 'payment.reversed')
) MATCH_RECOGNIZE (
  PARTITION BY payment_id
  ORDER BY event_time, seq
  MEASURES
    CAPTURED.merchant AS merchant,
    CAPTURED.payer AS payer,
    CAPTURED.currency AS currency,
    CAPTURED.amount AS amount,
    CAPTURED.event_time AS captured_at,
    REVERSED.event_time AS reversed_at
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (CAPTURED REVERSED) WITHIN INTERVAL '1' MINUTE
  DEFINE
    CAPTURED AS CAPTURED.type = 'payment.captured',
    REVERSED AS REVERSED.type = 'payment.reversed'
);
