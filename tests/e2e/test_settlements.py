"""Settlement batches: close, pay out, fail, and what is in them."""
import itertools
import re

from test_payments import held, move
from test_refunds_disputes import captured, dispute, refund, step

SETTLEMENT = "id object merchant currency status gross fees refunds disputes net items created updated sequence".split()
_merchants = itertools.count(1)


def merchant():
    return f"s.{next(_merchants)}"


def close(client, shop, status=201, currency="EUR"):
    return step(client, "/v1/settlements/close", {"merchant": shop, "currency": currency}, status=status)


def balances(client, shop):
    found = []
    for part in ("pending", "available"):
        reply = client.get(f"/v1/accounts/merchant:{shop}:{part}?currency=EUR")
        found.append(reply.json()["balance"] if reply.status_code == 200 else 0)
    return tuple(found)


def test_a_settlement_shows_every_field_and_pays_out(client):
    shop = merchant()
    first, second = captured(client, 1000, fee=30, merchant=shop), captured(client, 500, fee=20, merchant=shop)
    bank = client.account("bank:main")["balance"] if client.get("/v1/accounts/bank:main?currency=EUR").ok else 0
    made = close(client, shop)
    assert list(made) == SETTLEMENT
    assert re.fullmatch(r"set_[0-9a-z]{20,40}", made["id"])
    assert (made["object"], made["merchant"], made["currency"]) == ("settlement", shop, "EUR")
    assert (made["gross"], made["fees"], made["refunds"], made["disputes"], made["net"]) == (1500, 50, 0, 0, 1450)
    items = made["items"] if isinstance(made["items"], int) else len(made["items"])
    assert items == 2
    assert balances(client, shop)[0] == 0
    done = step(client, f"/v1/settlements/{made['id']}/confirm")
    assert done["status"] in ("paid", "settled")
    assert balances(client, shop) == (0, 0)
    assert client.account("bank:main")["balance"] == bank + 1500 - 1450
    for payment in (first, second):
        shown = client.payment(payment["id"])
        assert (shown["status"], shown["settled"]) == ("settled", payment["amount"])
    assert client.get(f"/v1/settlements/{made['id']}").json() == done
    for verb in ("confirm", "fail"):
        step(client, f"/v1/settlements/{made['id']}/{verb}", status=409)


def test_nothing_to_settle_is_422(client):
    shop = merchant()
    assert close(client, shop, status=422)["error"]["code"] == "nothing_to_settle"
    held(client, merchant=shop)
    assert close(client, shop, status=422)["error"]["code"] == "nothing_to_settle"
    captured(client, merchant=shop)
    close(client, shop, currency="USD", status=422)
    close(client, shop)
    close(client, shop, status=422)


def test_refunds_and_disputes_lower_the_net(client):
    shop = merchant()
    first, second = captured(client, 1000, fee=10, merchant=shop), captured(client, 800, merchant=shop)
    refund(client, first, 300)
    dispute(client, second, 100)
    made = close(client, shop)
    assert (made["gross"], made["fees"], made["refunds"], made["disputes"]) == (1800, 10, 300, 100)
    assert made["net"] == 1800 - 10 - 300 - 100


def test_a_failed_payout_is_settled_again(client):
    shop = merchant()
    payment = captured(client, 1000, fee=30, merchant=shop)
    made = close(client, shop)
    assert step(client, f"/v1/settlements/{made['id']}/fail")["status"] == "failed"
    assert client.payment(payment["id"])["status"] == "captured"
    again = close(client, shop)
    assert again["id"] != made["id"]
    assert again["net"] == 970
    step(client, f"/v1/settlements/{again['id']}/confirm")
    assert client.payment(payment["id"])["status"] == "settled"
    assert balances(client, shop) == (0, 0)


def test_a_partial_capture_is_settled_as_far_as_it_is_captured(client):
    shop = merchant()
    payment = held(client, 1000, merchant=shop)
    move(client, payment, "capture", {"amount": 400, "final": False})
    first = close(client, shop)
    assert first["gross"] == 400
    step(client, f"/v1/settlements/{first['id']}/confirm")
    move(client, payment, "capture")
    second = close(client, shop)
    assert second["gross"] == 600
    step(client, f"/v1/settlements/{second['id']}/confirm")
    shown = client.payment(payment["id"])
    assert (shown["status"], shown["settled"]) == ("settled", 1000)


def test_a_refund_after_the_payout_comes_from_the_merchant(client):
    shop = merchant()
    payment = captured(client, 1000, merchant=shop)
    step(client, f"/v1/settlements/{close(client, shop)['id']}/confirm")
    captured(client, 5000, merchant=shop)
    refund(client, payment, 1000)
    shown = client.payment(payment["id"])
    assert (shown["status"], shown["settled"]) == ("refunded", 1000)
    bank = client.account("bank:main")["balance"]
    step(client, f"/v1/settlements/{close(client, shop)['id']}/confirm")
    assert client.account("bank:main")["balance"] == bank + 5000 - 4000
    assert client.account(f"merchant:{shop}:receivable")["balance"] == 0


def test_a_settled_payment_cannot_be_reversed(client):
    shop = merchant()
    payment = captured(client, merchant=shop)
    step(client, f"/v1/settlements/{close(client, shop)['id']}/confirm")
    assert move(client, payment, "reverse", {"reason": "x"}, status=409)["error"]["status"] == "settled"


def test_settlements_are_listed_with_filters(client):
    shop = merchant()
    made = []
    for _ in range(3):
        captured(client, merchant=shop)
        made.append(close(client, shop)["id"])
    done = step(client, f"/v1/settlements/{made[0]}/confirm")
    assert [s["id"] for s in client.walk("/v1/settlements", merchant=shop, limit=2)] == list(reversed(made))
    assert client.walk("/v1/settlements", merchant=shop, status=done["status"]) == [done]
    assert client.get("/v1/settlements/set_unknown").status_code == 404
    assert client.post("/v1/settlements/set_unknown/confirm").status_code == 404


def test_the_largest_amounts_are_settled_and_paid_out(client):
    shop, largest = merchant(), 2**63 - 1
    for _ in range(3):
        captured(client, largest, fee=7, merchant=shop)
    assert client.account(f"merchant:{shop}:pending")["balance"] == 3 * (largest - 7)
    bank = client.account("bank:main")["balance"] if client.get("/v1/accounts/bank:main?currency=EUR").ok else 0
    paid = 0
    for _ in range(3):
        made = close(client, shop)
        assert made["net"] == made["gross"] - made["fees"]
        paid += made["net"]
        step(client, f"/v1/settlements/{made['id']}/confirm")
    assert paid == 3 * (largest - 7)
    close(client, shop, status=422)
    assert balances(client, shop) == (0, 0)
    assert client.account("bank:main")["balance"] == bank + 3 * 7
