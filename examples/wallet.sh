#!/usr/bin/env bash
# A wallet: money from the test world onto a payer's account, a payment from it, and one that it cannot cover.
# usage: URL=http://127.0.0.1:8480 KEY=ps_test_… examples/wallet.sh
set -euo pipefail
: "${URL:?address of the service}" "${KEY:?a test key with payments:write, ledger:write and read}"

post() {
    curl -sS "$URL$1" -H "Authorization: Bearer $KEY" -H "Idempotency-Key: $2" -H "Content-Type: application/json" -d "$3"
    echo
}
field() { grep -o "\"$1\":[^,}]*" | sed -n 1p | cut -d: -f2 | tr -d '"'; }
balance() {
    curl -sS "$URL/v1/accounts/payer:$payer?currency=EUR" -H "Authorization: Bearer $KEY" | field balance
}

# New each time; the letter between the digits keeps it from looking like a card number, which would be refused.
run="wallet-$(date +%s)n$$"
payer="$run"

post /v1/transfers "$run-fund" '{"debit":"world","credit":"payer:'"$payer"'","amount":5000,"currency":"EUR"}' > /dev/null
echo "funded    $(balance)"

paid=$(post /v1/payments "$run-pay" '{"amount":1200,"currency":"EUR","merchant":"cafe","payer":"'"$payer"'",
    "instrument":{"type":"wallet"}}')
echo "paid      $(echo "$paid" | field status), left $(balance)"

declined=$(post /v1/payments "$run-more" '{"amount":9900,"currency":"EUR","merchant":"cafe","payer":"'"$payer"'",
    "instrument":{"type":"wallet"}}')
echo "declined  $(echo "$declined" | field decline_code), left $(balance)"
