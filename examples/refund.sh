#!/usr/bin/env bash
# A payment, a refund of a part, and one that asks for too much.
# usage: URL=http://127.0.0.1:8480 KEY=ps_test_… examples/refund.sh
set -euo pipefail
: "${URL:?address of the service}" "${KEY:?an API key with payments:write, refunds:write and read}"

post() {
    curl -sS "$URL$1" -H "Authorization: Bearer $KEY" -H "Idempotency-Key: $2" -H "Content-Type: application/json" -d "$3"
    echo
}
field() { grep -o "\"$1\":[^,}]*" | sed -n 1p | cut -d: -f2 | tr -d '"'; }

# New each time; the letter between the digits keeps it from looking like a card number, which would be refused.
run="refund-$(date +%s)n$$"
payment=$(post /v1/payments "$run" '{"amount":1000,"currency":"EUR","merchant":"bookshop","payer":"bob",
    "instrument":{"type":"card","token":"tok_ok"}}' | field id)

refund=$(post /v1/refunds "$run-1" '{"payment":"'"$payment"'","amount":400,"reason":"one book damaged"}')
echo "refund    $(echo "$refund" | field id) $(echo "$refund" | field status)"

refused=$(post /v1/refunds "$run-2" '{"payment":"'"$payment"'","amount":601}')
echo "refused   $(echo "$refused" | field code), refundable $(echo "$refused" | field refundable)"

shown=$(curl -sS "$URL/v1/payments/$payment" -H "Authorization: Bearer $KEY")
echo "payment   $(echo "$shown" | field status), refunded $(echo "$shown" | field refunded)"
