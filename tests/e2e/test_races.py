"""Many clients at one object: the books decide once."""
import collections
import concurrent.futures
import time

import pytest


def at_once(shared, count, act):
    """act(client, i) from `count` threads, each with its own connection; the replies."""
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda i: act(shared.client(), i), range(count)))


def codes(replies):
    return dict(collections.Counter(reply.status_code for reply in replies))


def test_a_wallet_cannot_be_spent_twice(shared):
    shared.client().fund("racer", 1000)
    replies = at_once(shared, 40, lambda client, i: client.pay(100, payer="racer", instrument={"type": "wallet"}))
    assert codes(replies) == {201: 10, 402: 30}
    account = shared.client().account("payer:racer")
    assert (account["balance"], account["available"]) == (0, 0)


def test_captures_never_exceed_the_hold(shared):
    payment = shared.client().pay(1000, capture_method="manual").json()["id"]
    replies = at_once(shared, 20, lambda client, i: client.post(f"/v1/payments/{payment}/capture", {"amount": 90, "final": False}))
    assert codes(replies) == {200: 11, 422: 9}
    assert shared.client().payment(payment)["captured"] == 990


@pytest.mark.parametrize("_", range(5))
def test_capture_and_cancel_cannot_both_win(shared, _):
    payment = shared.client().pay(1000, capture_method="manual").json()["id"]
    replies = at_once(shared, 10, lambda client, i: client.post(f"/v1/payments/{payment}/{'capture' if i % 2 else 'cancel'}"))
    assert codes(replies) == {200: 1, 409: 9}
    end = shared.client().payment(payment)
    assert (end["status"], end["captured"]) in {("captured", 1000), ("cancelled", 0)}


def test_refunds_never_exceed_what_was_captured(shared):
    payment = shared.client().pay(1000).json()["id"]
    replies = at_once(shared, 20, lambda client, i: client.post("/v1/refunds", {"payment": payment, "amount": 300}))
    assert codes(replies) == {201: 3, 422: 17}
    assert shared.client().payment(payment)["refunded"] == 900


def test_refund_and_dispute_never_give_the_money_back_twice(shared):
    payment = shared.client().pay(1000).json()["id"]
    replies = at_once(shared, 10, lambda client, i: client.post("/v1/refunds", {"payment": payment, "amount": 600}) if i % 2 else
                      client.post("/v1/simulate/dispute", {"payment": payment, "amount": 600, "reason": "fraud"}))
    assert codes(replies) == {201: 1, 422: 9}


def test_a_reference_is_taken_once(shared):
    replies = at_once(shared, 20, lambda client, i: client.pay(reference="race", merchant="racetrack"))
    assert codes(replies) == {201: 1, 409: 19}


def test_a_transfer_is_reverted_once(shared):
    made = shared.client().post("/v1/transfers", {"debit": "world", "credit": "payer:rev", "amount": 5, "currency": "EUR"}).json()
    replies = at_once(shared, 10, lambda client, i: client.post(f"/v1/transfers/{made['id']}/revert"))
    assert codes(replies) == {201: 1, 409: 9}
    assert shared.client().account("payer:rev")["balance"] == 0


def test_a_batch_of_a_merchant_closes_once(shared):
    shared.client().pay(1000, merchant="closer")
    replies = at_once(shared, 10, lambda client, i: client.post("/v1/settlements/close", {"merchant": "closer", "currency": "EUR"}))
    assert codes(replies) == {201: 1, 422: 9}


def test_expiry_and_capture_cannot_both_win(shared):
    """M17: captures around the second at which the holds time out."""
    client = shared.client()
    holds = [client.pay(1000, capture_method="manual", expires_in=1, merchant="m17").json()["id"] for _ in range(60)]
    time.sleep(0.9)
    replies = [client.post(f"/v1/payments/{payment}/capture") for payment in holds for _ in range(2)]
    assert set(codes(replies)) <= {200, 409}
    for payment in client.walk("/v1/payments", merchant="m17"):
        assert (payment["status"], payment["captured"]) in {("captured", 1000), ("expired", 0)}
    captured = sum(p["captured"] for p in client.walk("/v1/payments", merchant="m17"))
    account = client.account("merchant:m17:pending")
    assert (account["balance"], account["credits_pending"]) == (captured, 0)


def test_the_sequence_is_gap_free_whoever_writes(shared):
    client = shared.client()
    start = len(client.events())
    at_once(shared, 16, lambda client, i: [client.pay(token="tok_ok" if j % 3 else "tok_failed") for j in range(10)])
    events = client.events(after=start)
    assert [e["sequence"] for e in events] == list(range(start + 1, start + 1 + len(events)))
    assert [e["created"] for e in events] == sorted(e["created"] for e in events)
