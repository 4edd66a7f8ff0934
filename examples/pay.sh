#!/usr/bin/env bash
# A payment from hold to capture, and a retry that pays nothing twice.
# usage: URL=http://127.0.0.1:8480 KEY=ps_test_… examples/pay.sh
set -euo pipefail
: "${URL:?address of the service}" "${KEY:?an API key with payments:write and read}"

# post PATH IDEMPOTENCY-KEY BODY
post() {
    curl -sS "$URL$1" -H "Authorization: Bearer $KEY" -H "Idempotency-Key: $2" -H "Content-Type: application/json" -d "$3"
    echo
}
field() { grep -o "\"$1\":[^,}]*" | sed -n 1p | cut -d: -f2 | tr -d '"'; }

# A name that is new each time; the letters between the digits keep it from looking like a card number, which would be refused.
order="order-$(date +%s)n$$"

# 1. Hold 25.00 EUR. Keep the key with the order: a retry after a broken connection must carry the same one.
body='{"amount":2500,"currency":"EUR","merchant":"bookshop","payer":"alice","capture_method":"manual",
       "reference":"'"$order"'","instrument":{"type":"card","token":"tok_ok","last4":"1111"}}'
held=$(post /v1/payments "$order" "$body")
payment=$(echo "$held" | field id)
echo "held      $payment $(echo "$held" | field status)"

# 2. The same request again answers the same bytes and moves nothing.
again=$(post /v1/payments "$order" "$body")
[ "$held" = "$again" ] && echo "retried   the same answer"

# 3. Ship a part, take 15.00; the rest of the hold is released.
taken=$(post "/v1/payments/$payment/capture" "$order-capture" '{"amount":1500}')
echo "captured  $(echo "$taken" | field captured) of $(echo "$taken" | field authorised), $(echo "$taken" | field status)"

# 4. What that did to the books.
curl -sS "$URL/v1/payments/$payment/postings" -H "Authorization: Bearer $KEY"
echo
