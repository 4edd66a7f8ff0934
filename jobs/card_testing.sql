-- Card testing: three or more declined payments of a card, then an approved one, within a minute. Somebody tries stolen cards with small amounts.
-- Amounts are in minor units. Test tokens (tok_ok …) are everybody's, so the payer is part of the key here; with tokens of real cards leave it out.
SET 'pipeline.name' = 'card_testing';

SELECT *
FROM (
  SELECT event_time, seq, token, payer, payment_id, merchant, currency, amount, type FROM payment_events
  WHERE instrument_type = 'card' AND type IN ('payment.declined', 'payment.authorised')
) MATCH_RECOGNIZE (
  PARTITION BY token, payer
  ORDER BY event_time, seq
  MEASURES
    FIRST(DECLINED.event_time) AS since,
    COUNT(DECLINED.payment_id) AS declined,
    MAX(DECLINED.amount) AS most_tried,
    APPROVED.event_time AS approved_at,
    APPROVED.payment_id AS payment_id,
    APPROVED.merchant AS merchant,
    APPROVED.currency AS currency,
    APPROVED.amount AS amount
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (DECLINED{3,} APPROVED) WITHIN INTERVAL '1' MINUTE
  DEFINE
    DECLINED AS DECLINED.type = 'payment.declined',
    APPROVED AS APPROVED.type = 'payment.authorised'
);
