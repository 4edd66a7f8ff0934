"""Refunds, disputes and their trade records over HTTP."""
import itertools
import re

import pytest

from conftest import Service, eventually
from test_payments import counters, held, move, refused

SERVE = ["-D", "rail.simulator.delay=150ms"]
REFUND = "id object payment amount currency status reason reference created updated version sequence".split()
DISPUTE = "id object payment amount currency status reason respond_by created updated version sequence".split()
TRADE = "id object kind status payment amount currency reverses reason created sequence".split()
_merchants = itertools.count(1)


def merchant():
    return f"r.{next(_merchants)}"


def captured(client, amount=1000, **fields):
    payment = client.pay(amount, **fields).json()
    assert payment["status"] == "captured"
    return payment


def refund(client, payment, amount=None, status=201, **fields):
    body = {"payment": payment["id"], **fields}
    if amount is not None:
        body["amount"] = amount
    reply = client.post("/v1/refunds", body)
    assert reply.status_code == status, reply.text
    return reply.json()


def dispute(client, payment, amount=None, status=201, reason="fraud"):
    body = {"payment": payment["id"], "reason": reason}
    if amount is not None:
        body["amount"] = amount
    reply = client.post("/v1/simulate/dispute", body)
    assert reply.status_code == status, reply.text
    return reply.json()


def step(client, path, body=None, status=200):
    reply = client.post(path, body)
    assert reply.status_code == status, reply.text
    return reply.json()


@pytest.fixture
def leisurely(directory):
    """A client of a service whose rail takes its time: what happens meanwhile can be looked at on a busy machine too."""
    it = Service(directory, "-D", "rail.simulator.delay=5s").start()
    yield it.client()
    assert it.stop() == 0
    it.remove()


# ── refunds ──

def test_a_refund_shows_every_field(client):
    payment = captured(client)
    made = refund(client, payment, 300, reason="broken", reference="rma-1")
    assert list(made) == REFUND
    assert re.fullmatch(r"re_[0-9a-z]{20,40}", made["id"])
    assert (made["object"], made["payment"], made["amount"], made["currency"]) == ("refund", payment["id"], 300, "EUR")
    assert (made["status"], made["reason"], made["reference"]) == ("succeeded", "broken", "rma-1")
    assert client.get(f"/v1/refunds/{made['id']}").json() == made


def test_refunds_add_up_to_refunded(client):
    payment = captured(client)
    refund(client, payment, 300)
    shown = client.payment(payment["id"])
    assert shown["status"] == "partially_refunded"
    assert counters(shown) == {"authorised": 1000, "captured": 1000, "refunded": 300, "refundable": 700}
    assert refund(client, payment)["amount"] == 700
    shown = client.payment(payment["id"])
    assert shown["status"] == "refunded"
    assert counters(shown) == {"authorised": 1000, "captured": 1000, "refunded": 1000}


def test_a_refund_over_what_is_refundable_is_422(client):
    payment = captured(client)
    refund(client, payment, 300)
    error = refund(client, payment, 701, status=422)["error"]
    assert (error["code"], error["refundable"]) == ("amount_too_large", 700)
    refund(client, payment, 700)
    error = refund(client, payment, 1, status=422)["error"]
    assert (error["code"], error["refundable"]) == ("amount_too_large", 0)


@pytest.mark.parametrize("fields", [dict(capture_method="manual"), dict(confirm=False), dict(token="tok_failed")])
def test_a_refund_with_nothing_captured_is_409(client, fields):
    error = refund(client, client.pay(**fields).json(), 1, status=409)["error"]
    assert error["code"] == "state_conflict"
    assert "status" in error and "allowed" in error


def test_a_refund_is_checked_against_the_captured_part(client):
    payment = held(client)
    move(client, payment, "capture", {"amount": 400, "final": False})
    error = refund(client, payment, 401, status=422)["error"]
    assert error["refundable"] == 400
    refund(client, payment, 400)
    shown = client.payment(payment["id"])
    assert shown["status"] != "refunded", "money is still held"
    assert counters(shown) == {"authorised": 1000, "capturable": 600, "captured": 400, "refunded": 400}


def test_a_slow_refund_is_pending_then_succeeds(leisurely):
    client = leisurely
    payment = captured(client, token="tok_refund_slow")
    made = refund(client, payment, 400)
    assert made["status"] == "pending"
    assert counters(client.payment(payment["id"]))["refund_pending"] == 400
    assert client.payment(payment["id"])["refundable"] == 600
    refund(client, payment, 601, status=422)
    done = eventually(lambda: (r := client.get(f"/v1/refunds/{made['id']}").json())["status"] != "pending" and r)
    assert done["status"] == "succeeded"
    assert counters(client.payment(payment["id"])) == {"authorised": 1000, "captured": 1000, "refunded": 400, "refundable": 600}


def test_a_failed_refund_gives_the_amount_back_and_the_eleventh_is_refused(client):
    payment = captured(client, token="tok_refund_fails")
    for _ in range(10):
        made = refund(client, payment, 1000)
        end = eventually(lambda: (r := client.get(f"/v1/refunds/{made['id']}").json())["status"] != "pending" and r)
        assert end["status"] == "failed"
        assert client.payment(payment["id"])["refundable"] == 1000
    assert refund(client, payment, 1000, status=422)["error"]["code"] == "too_many_attempts"


def test_a_refund_keeps_the_fee(client):
    shop = merchant()
    payment = captured(client, fee=50, merchant=shop)
    captured(client, 500, merchant=shop)
    refund(client, payment)
    assert client.account(f"merchant:{shop}:pending")["balance"] == 450


def test_a_refund_of_a_wallet_payment_goes_back_to_the_payer(client):
    client.fund("rita", 1000)
    payment = captured(client, payer="rita", instrument={"type": "wallet"})
    assert client.account("payer:rita")["balance"] == 0
    refund(client, payment, 250)
    assert client.account("payer:rita")["balance"] == 250


def test_a_refund_of_an_unknown_payment_is_not_found(client):
    refund(client, {"id": "pay_unknown"}, 1, status=404)
    assert client.get("/v1/refunds/re_unknown").status_code == 404


def test_refunds_are_listed_with_filters(client):
    payment = captured(client)
    made = [refund(client, payment, 10 + i, reference=f"list-{i}") for i in range(5)]
    found = client.walk("/v1/refunds", payment=payment["id"], limit=2)
    assert found == list(reversed(made))
    assert client.walk("/v1/refunds", payment=payment["id"], reference="list-3") == [made[3]]
    assert client.walk("/v1/refunds", payment=payment["id"], status="failed") == []
    assert client.walk("/v1/refunds", payment=payment["id"], **{"amount[gte]": 13}) == [made[4], made[3]]
    assert client.get("/v1/refunds?merchant=shop").status_code == 400


# ── disputes ──

def test_a_dispute_shows_every_field_and_takes_the_money_aside(client):
    payment = captured(client)
    made = dispute(client, payment, 400)
    assert list(made) == DISPUTE
    assert re.fullmatch(r"dp_[0-9a-z]{20,40}", made["id"])
    assert (made["object"], made["payment"], made["amount"], made["currency"]) == ("dispute", payment["id"], 400, "EUR")
    assert (made["status"], made["reason"]) == ("opened", "fraud")
    assert made["respond_by"] > made["created"]
    shown = client.payment(payment["id"])
    assert shown["status"] == "disputed"
    assert counters(shown) == {"authorised": 1000, "captured": 1000, "refundable": 600, "disputed": 400}
    assert client.account("dispute_hold")["balance"] >= 400
    assert client.get(f"/v1/disputes/{made['id']}").json() == made


@pytest.mark.parametrize("challenge", [False, True])
def test_a_dispute_won_gives_the_previous_state_back(client, challenge):
    payment = captured(client)
    made = dispute(client, payment)
    assert made["amount"] == 1000
    if challenge:
        assert step(client, f"/v1/disputes/{made['id']}/challenge")["status"] == "challenged"
    assert step(client, f"/v1/simulate/dispute/{made['id']}", {"outcome": "won"})["status"] == "won"
    shown = client.payment(payment["id"])
    assert shown["status"] == "captured"
    assert counters(shown) == {"authorised": 1000, "captured": 1000, "refundable": 1000}


@pytest.mark.parametrize("way", ["lost", "challenged and lost", "accepted", "challenged and accepted"])
def test_a_dispute_lost_is_charged_back(client, way):
    payment = captured(client)
    made = dispute(client, payment)
    if "challenged" in way:
        step(client, f"/v1/disputes/{made['id']}/challenge")
    if "accepted" in way:
        end = step(client, f"/v1/disputes/{made['id']}/accept")
    else:
        end = step(client, f"/v1/simulate/dispute/{made['id']}", {"outcome": "lost"})
    assert end["status"] == "lost"
    shown = client.payment(payment["id"])
    assert shown["status"] == "charged_back"
    assert counters(shown) == {"authorised": 1000, "captured": 1000, "charged_back": 1000}
    for verb in ("challenge", "accept"):
        assert step(client, f"/v1/disputes/{made['id']}/{verb}", status=409)["error"]["code"] == "state_conflict"
    step(client, f"/v1/simulate/dispute/{made['id']}", {"outcome": "won"}, status=409)


def test_a_dispute_lost_in_part_is_not_charged_back(client):
    payment = captured(client)
    made = dispute(client, payment, 400)
    step(client, f"/v1/disputes/{made['id']}/accept")
    shown = client.payment(payment["id"])
    assert shown["status"] != "charged_back"
    assert counters(shown) == {"authorised": 1000, "captured": 1000, "refundable": 600, "charged_back": 400}


def test_refunds_are_legal_while_disputed_up_to_the_rest(client):
    payment = captured(client)
    dispute(client, payment, 400)
    assert refund(client, payment, 601, status=422)["error"]["refundable"] == 600
    refund(client, payment, 600)
    shown = client.payment(payment["id"])
    assert shown["status"] == "disputed"
    assert counters(shown) == {"authorised": 1000, "captured": 1000, "refunded": 600, "disputed": 400}


def test_a_dispute_of_more_than_is_left_is_422(client):
    payment = captured(client)
    refund(client, payment, 300)
    error = dispute(client, payment, 701, status=422)["error"]
    assert (error["code"], error["refundable"]) == ("amount_too_large", 700)
    assert refused(client, payment, "reverse", {"reason": "x"})["status"] == "partially_refunded"


def test_a_dispute_with_nothing_captured_is_409(client):
    dispute(client, held(client), 1, status=409)


def test_a_lost_dispute_of_a_wallet_payment_goes_to_the_payer(client):
    client.fund("dora", 1000)
    payment = captured(client, payer="dora", instrument={"type": "wallet"})
    step(client, f"/v1/disputes/{dispute(client, payment)['id']}/accept")
    assert client.account("payer:dora")["balance"] == 1000


def test_a_dispute_after_the_payout_falls_on_the_receivable(client):
    shop = merchant()
    payment = captured(client, merchant=shop)
    batch = step(client, "/v1/settlements/close", {"merchant": shop, "currency": "EUR"}, status=201)
    step(client, f"/v1/settlements/{batch['id']}/confirm")
    made = dispute(client, payment)
    assert client.account(f"merchant:{shop}:receivable")["balance"] == 1000
    step(client, f"/v1/simulate/dispute/{made['id']}", {"outcome": "won"})
    assert client.payment(payment["id"])["status"] == "settled"


def test_disputes_are_listed_with_filters(client):
    payment = captured(client)
    made = [dispute(client, payment, 10 + i) for i in range(3)]
    assert client.walk("/v1/disputes", payment=payment["id"], limit=1) == list(reversed(made))
    ended = step(client, f"/v1/disputes/{made[1]['id']}/accept")
    assert client.walk("/v1/disputes", payment=payment["id"], status="lost") == [ended]
    assert client.get("/v1/disputes/dp_unknown").status_code == 404
    assert client.post("/v1/disputes/dp_unknown/accept").status_code == 404


# ── trade records ──

def test_trade_records_tell_every_movement(client):
    payment = held(client)
    move(client, payment, "capture", {"amount": 600})
    refund(client, payment, 100)
    dispute(client, payment, 200)
    trades = list(reversed(client.walk("/v1/trades", payment=payment["id"], limit=2)))
    for trade in trades:
        assert list(trade) == TRADE
        assert trade["id"].startswith("trx_") and trade["object"] == "trade_record"
        assert trade["payment"] == payment["id"] and trade["currency"] == "EUR"
    succeeded = [(t["kind"], t["amount"]) for t in trades if t["status"] == "success"]
    for movement in (("authorisation", 1000), ("capture", 600), ("refund", 100), ("dispute", 200)):
        assert movement in succeeded or (movement[0], movement[1]) in [(t["kind"], t["amount"]) for t in trades], trades


def test_a_reversal_points_at_what_it_reverses(client):
    payment = captured(client)
    move(client, payment, "reverse", {"reason": "duplicate"})
    trades = client.walk("/v1/trades", payment=payment["id"])
    reversal = [t for t in trades if t["kind"] == "reversal"]
    assert len(reversal) == 1 and reversal[0]["reason"] == "duplicate"
    original = [t for t in trades if t["id"] == reversal[0]["reverses"]]
    assert len(original) == 1 and original[0]["status"] == "reversed"
