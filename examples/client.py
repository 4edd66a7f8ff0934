#!/usr/bin/env python3
"""A small client that never pays twice: it makes the idempotency key once per order, keeps it, and retries with it until there is an
answer. Declined, failed and unknown are different things, and it treats them so. Standard library only.

usage: URL=http://127.0.0.1:8480 KEY=ps_test_… examples/client.py AMOUNT [TOKEN]"""
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid


def fresh_key():
    """128 random bits in letters only: long runs of digits can look like a card number, and those are refused."""
    return uuid.uuid4().hex.translate(str.maketrans("0123456789", "ghijklmnop"))


class Client:
    def __init__(self, url, key):
        self.url, self.key = url, key

    def call(self, method, path, body=None, idempotency=None):
        """(status, body). Retries what a retry can help: broken connections, 429, 5xx."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        if idempotency:
            headers["Idempotency-Key"] = idempotency
        data = None if body is None else json.dumps(body).encode()
        for attempt in range(8):
            wait = 0.1 * 2**attempt
            try:
                request = urllib.request.Request(self.url + path, data, headers, method=method)
                with urllib.request.urlopen(request, timeout=30) as reply:
                    return reply.status, json.load(reply)
            except urllib.error.HTTPError as error:
                if error.code != 429 and error.code < 500:
                    return error.code, json.load(error)
                wait = float(error.headers.get("Retry-After", wait))
            except OSError:
                pass
            time.sleep(wait)
        raise SystemExit("no answer; the key of this order is " + str(idempotency) + ": try again with it")

    def pay(self, amount, token):
        order = f"order-{fresh_key()}"
        status, body = self.call("POST", "/v1/payments", {
            "amount": amount, "currency": "EUR", "merchant": "bookshop", "payer": "carol", "reference": order,
            "instrument": {"type": "card", "token": token}}, idempotency=order)
        if status == 402:  # the business said no: another card may work
            return body["error"]["payment"]
        if status != 201:
            raise SystemExit(f"{status}: {body['error']['message']}")
        return self.outcome(body)

    def outcome(self, payment):
        """Waits while the rail thinks; asks about what is unknown, and never pays again because of it."""
        deadline = time.monotonic() + 30
        while payment["status"] in ("processing", "unknown") and time.monotonic() < deadline:
            time.sleep(0.2)
            if payment["status"] == "unknown":
                self.call("POST", f"/v1/payments/{payment['id']}/sync", {}, idempotency=fresh_key())
            payment = self.call("GET", f"/v1/payments/{payment['id']}")[1]
        return payment


def main():
    client = Client(os.environ["URL"], os.environ["KEY"])
    payment = client.pay(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "tok_ok")
    why = f" ({payment['decline']['code']}: {payment['decline']['advice']})" if payment["decline"] else ""
    print(f"{payment['id']} {payment['status']}{why}")


if __name__ == "__main__":
    main()
