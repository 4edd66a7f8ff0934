"""Payments over HTTP: every rail token, every move, counters, headline, refusals, lists, events and postings."""
import itertools
import re

import pytest

from conftest import Service, eventually

SERVE = ["-D", "rail.deadline=600ms", "-D", "rail.simulator.delay=150ms"]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
FIELDS = """id object status amount currency merchant payer instrument capture_method reference description metadata
    authorised capturable captured refunded refund_pending refundable disputed charged_back settled fee decline decision rail
    expires_at created updated version sequence livemode""".split()
COUNTERS = "authorised capturable captured refunded refund_pending refundable disputed charged_back settled".split()
_merchants = itertools.count(1)


def merchant():
    return f"m.{next(_merchants)}"


def held(client, amount=1000, **fields):
    """An authorised payment that waits for its capture."""
    reply = client.pay(amount, capture_method="manual", **fields)
    assert reply.status_code == 201, reply.text
    assert reply.json()["status"] == "authorised"
    return reply.json()


def move(client, payment, verb, body=None, status=200):
    reply = client.post(f"/v1/payments/{payment['id']}/{verb}", body)
    assert reply.status_code == status, reply.text
    return reply.json()


def refused(client, payment, verb, body=None):
    """The error of a move that must answer 409."""
    error = move(client, payment, verb, body, status=409)["error"]
    assert error["code"] == "state_conflict"
    assert error["type"] == "invalid_request_error"
    return error


def counters(payment):
    return {name: payment[name] for name in COUNTERS if payment[name] != 0}


def test_a_payment_shows_every_field(client):
    reply = client.pay(1234, fee=34, reference="order-1", description="two books", metadata={"cart": "7"},
                       context={"ip": "192.0.2.7", "device": "d-1", "email": "a@example.org", "country": "DE",
                                "channel": "web", "user_agent": "test"})
    assert reply.status_code == 201
    payment = reply.json()
    assert list(payment) == FIELDS
    assert re.fullmatch(r"pay_[0-9a-z]{20,40}", payment["id"])
    assert payment["object"] == "payment"
    assert payment["status"] == "captured"
    assert (payment["amount"], payment["currency"], payment["fee"]) == (1234, "EUR", 34)
    assert payment["instrument"] == {"type": "card", "token": "tok_ok", "bin": "411111", "last4": "1111",
                                     "exp": "2030-04", "country": "DE"}
    assert payment["capture_method"] == "automatic"
    assert (payment["reference"], payment["description"]) == ("order-1", "two books")
    assert payment["metadata"] == {"cart": "7"}
    assert payment["decline"] is None
    assert set(payment["decision"]) == {"action", "score", "alerts"}
    assert set(payment["rail"]) == {"name", "reference"}
    assert payment["livemode"] is False
    assert TIME.fullmatch(payment["created"]) and TIME.fullmatch(payment["updated"])
    assert counters(payment) == {"authorised": 1234, "captured": 1234, "refundable": 1234}
    assert client.payment(payment["id"]) == payment
    assert reply.headers["Request-Id"].startswith("req_")


@pytest.mark.parametrize("token", ["tok_ok", "tok_refund_fails", "tok_refund_slow", "tok_of_my_vault"])
def test_a_good_token_is_captured_at_once(client, token):
    assert client.pay(token=token).json()["status"] == "captured"


@pytest.mark.parametrize("code", ["insufficient_funds", "do_not_honour", "expired_card", "stolen_card"])
def test_a_declined_token_answers_402_with_the_payment(client, code):
    reply = client.pay(token=f"tok_{code}")
    assert reply.status_code == 402
    error = reply.json()["error"]
    assert set(error) == {"type", "code", "message", "param", "request_id", "decline_code", "advice", "payment"}
    assert error["type"] == "card_error"
    assert error["decline_code"] == code
    assert error["advice"] in ("do_not_retry", "retry_later", "other_instrument")
    assert error["request_id"] == reply.headers["Request-Id"]
    payment = error["payment"]
    assert list(payment) == FIELDS
    assert payment["status"] == "declined"
    assert payment["decline"]["code"] == code
    assert set(payment["decline"]) == {"code", "advice", "message"}
    assert counters(payment) == {}
    assert client.payment(payment["id"]) == payment
    postings = client.get(f"/v1/payments/{payment['id']}/postings").json()["data"]
    assert sum(p["amount"] if p["kind"] == "pending" else -p["amount"] for p in postings) == 0


def test_a_stolen_card_is_not_to_be_retried(client):
    assert client.pay(token="tok_stolen_card").json()["error"]["advice"] == "do_not_retry"


def test_a_failed_rail_answers_201_with_failed(client):
    reply = client.pay(token="tok_failed")
    assert reply.status_code == 201
    assert reply.json()["status"] == "failed"
    assert counters(reply.json()) == {}


def test_a_slow_rail_is_processing_then_captured(client):
    reply = client.pay(token="tok_slow_ok")
    assert reply.status_code == 201
    assert reply.json()["status"] == "processing"
    assert counters(reply.json()) == {}
    payment = eventually(lambda: (p := client.payment(reply.json()["id"]))["status"] != "processing" and p)
    assert payment["status"] == "captured"
    assert counters(payment) == {"authorised": 1000, "captured": 1000, "refundable": 1000}


def test_a_slow_rail_is_processing_then_authorised_for_a_manual_capture(client):
    made = client.pay(token="tok_slow_ok", capture_method="manual").json()
    payment = eventually(lambda: (p := client.payment(made["id"]))["status"] != "processing" and p)
    assert payment["status"] == "authorised"


def test_a_slow_rail_is_processing_then_declined(client):
    reply = client.pay(token="tok_slow_declined")
    assert (reply.status_code, reply.json()["status"]) == (201, "processing")
    payment = eventually(lambda: (p := client.payment(reply.json()["id"]))["status"] != "processing" and p)
    assert payment["status"] == "declined"
    assert payment["decline"]["code"]
    assert counters(payment) == {}


@pytest.mark.parametrize("method,end", [("automatic", "captured"), ("manual", "authorised")])
def test_a_timeout_is_unknown_and_sync_resolves_it(client, method, end):
    made = client.pay(token="tok_timeout", capture_method=method).json()
    assert made["status"] == "processing"
    unknown = eventually(lambda: (p := client.payment(made["id"]))["status"] != "processing" and p)
    assert unknown["status"] == "unknown"
    assert counters(unknown) == {}
    assert move(client, made, "sync")["status"] == end


def test_a_silent_rail_stays_unknown_until_its_result(client):
    made = client.pay(token="tok_silent").json()
    eventually(lambda: client.payment(made["id"])["status"] == "unknown")
    assert move(client, made, "sync")["status"] == "unknown"
    payment = move(client, made, "rail_result", {"outcome": "approved", "rail_reference": "late-1"})
    assert payment["status"] == "captured"
    assert payment["rail"]["reference"] == "late-1"


@pytest.mark.parametrize("body,status", [
    ({"outcome": "approved"}, "captured"),
    ({"outcome": "declined", "decline_code": "do_not_honour"}, "declined"),
    ({"outcome": "failed"}, "failed"),
])
def test_a_rail_result_ends_a_silent_payment(client, body, status):
    made = client.pay(token="tok_silent").json()
    payment = move(client, made, "rail_result", body)
    assert payment["status"] == status
    assert (payment["decline"] is not None) == (status == "declined")
    assert refused(client, made, "rail_result", {"outcome": "approved"})["status"] == status


def test_a_rail_result_with_another_amount_stays_unknown_and_raises_an_alarm(client):
    made = client.pay(token="tok_silent").json()
    eventually(lambda: client.payment(made["id"])["status"] == "unknown")
    reply = client.post(f"/v1/payments/{made['id']}/rail_result", {"outcome": "approved", "amount": 999})
    assert reply.status_code == 409
    assert reply.json()["error"]["code"] == "amount_mismatch"
    assert client.payment(made["id"])["status"] == "unknown"
    assert [e for e in client.events(made["sequence"]) if e["type"] in ("risk.alert", "attack.detected", "limit.violated")]
    assert move(client, made, "rail_result", {"outcome": "approved", "amount": 1000})["status"] == "captured"


def test_sync_of_a_settled_matter_changes_nothing(client):
    payment = client.pay().json()
    assert move(client, payment, "sync") == payment


def test_a_live_card_payment_waits_for_its_rail_result(tmp_path):
    service = Service(tmp_path / "data", *SERVE, live=True).start()
    client = service.client()
    assert service.key.startswith("ps_live_")
    payment = client.pay().json()
    assert (payment["status"], payment["livemode"]) == ("processing", True)
    assert move(client, payment, "rail_result", {"outcome": "approved"})["status"] == "captured"
    late = client.pay().json()
    eventually(lambda: client.payment(late["id"])["status"] == "unknown")
    assert move(client, late, "sync")["status"] == "unknown"
    assert move(client, late, "rail_result", {"outcome": "declined", "decline_code": "do_not_honour"})["status"] == "declined"
    dispute = client.post("/v1/simulate/dispute", {"payment": payment["id"], "reason": "fraud"})
    assert dispute.status_code in (403, 422) and dispute.json()["error"]["code"]
    assert service.stop() == 0
    service.remove()


# ── moves ──

def test_a_manual_capture_of_all(client):
    payment = held(client)
    assert counters(payment) == {"authorised": 1000, "capturable": 1000}
    payment = move(client, payment, "capture")
    assert payment["status"] == "captured"
    assert counters(payment) == {"authorised": 1000, "captured": 1000, "refundable": 1000}


def test_a_final_capture_of_a_part_releases_the_rest(client):
    payment = move(client, held(client), "capture", {"amount": 400})
    assert payment["status"] == "captured"
    assert counters(payment) == {"authorised": 1000, "captured": 400, "refundable": 400}
    assert refused(client, payment, "capture")["status"] == "captured"


def test_partial_captures_add_up(client):
    payment = held(client)
    payment = move(client, payment, "capture", {"amount": 300, "final": False})
    assert payment["status"] == "partially_captured"
    assert counters(payment) == {"authorised": 1000, "capturable": 700, "captured": 300, "refundable": 300}
    payment = move(client, payment, "capture", {"amount": 200, "final": False})
    assert counters(payment) == {"authorised": 1000, "capturable": 500, "captured": 500, "refundable": 500}
    payment = move(client, payment, "capture")
    assert payment["status"] == "captured"
    assert counters(payment) == {"authorised": 1000, "captured": 1000, "refundable": 1000}


def test_a_capture_of_exactly_the_rest_is_final(client):
    payment = move(client, held(client), "capture", {"amount": 1000, "final": False})
    assert payment["status"] == "captured"


def test_a_capture_over_what_is_held_is_422(client):
    payment = held(client)
    move(client, payment, "capture", {"amount": 300, "final": False})
    error = move(client, payment, "capture", {"amount": 701}, status=422)["error"]
    assert error["code"] == "amount_too_large"
    assert error["capturable"] == 700
    assert counters(client.payment(payment["id"]))["captured"] == 300


def test_a_cancel_releases_the_hold(client):
    payment = move(client, held(client), "cancel")
    assert payment["status"] == "cancelled"
    assert payment["capturable"] == payment["captured"] == payment["refundable"] == 0


def test_a_cancel_after_a_partial_capture_keeps_what_is_captured(client):
    payment = held(client)
    move(client, payment, "capture", {"amount": 300, "final": False})
    payment = move(client, payment, "cancel")
    assert payment["status"] == "captured"
    assert counters(payment) == {"authorised": 1000, "captured": 300, "refundable": 300}


def test_confirm_false_waits_for_confirm(client):
    payment = client.pay(confirm=False).json()
    assert payment["status"] == "created"
    assert counters(payment) == {}
    assert client.get(f"/v1/payments/{payment['id']}/postings").json()["data"] == []
    assert move(client, payment, "confirm")["status"] == "captured"
    assert refused(client, payment, "confirm")["status"] == "captured"


def test_a_declined_confirm_answers_402(client):
    payment = client.pay(confirm=False, token="tok_do_not_honour").json()
    error = move(client, payment, "confirm", status=402)["error"]
    assert error["decline_code"] == "do_not_honour"
    assert error["payment"]["status"] == "declined"


def test_a_created_payment_can_be_cancelled(client):
    payment = client.pay(confirm=False).json()
    assert move(client, payment, "cancel")["status"] == "cancelled"


def test_a_reversal_mirrors_every_leg(client):
    shop = merchant()
    payment = client.pay(fee=30, merchant=shop).json()
    payment = move(client, payment, "reverse", {"reason": "duplicate"})
    assert payment["status"] == "reversed"
    assert counters(payment) == {"authorised": 1000}
    account = client.account(f"merchant:{shop}:pending")
    assert (account["balance"], account["available"]) == (0, 0)
    kinds = [t["kind"] for t in client.walk("/v1/trades", payment=payment["id"])]
    assert kinds[0] == "reversal"


def test_a_reversal_of_a_hold_voids_it(client):
    payment = move(client, held(client), "reverse", {"reason": "late answer"})
    assert payment["status"] == "reversed"
    assert payment["capturable"] == 0


def test_a_reversal_while_partially_captured_is_409(client):
    payment = held(client)
    move(client, payment, "capture", {"amount": 1, "final": False})
    assert refused(client, payment, "reverse", {"reason": "x"})["status"] == "partially_captured"


def test_a_reversal_needs_its_reason(client):
    error = move(client, client.pay().json(), "reverse", {}, status=400)["error"]
    assert (error["code"], error["param"]) == ("parameter_missing", "reason")


def test_a_hold_expires(client):
    payment = held(client, expires_in=1)
    assert TIME.fullmatch(payment["expires_at"])
    payment = eventually(lambda: (p := client.payment(payment["id"]))["status"] != "authorised" and p)
    assert payment["status"] == "expired"
    assert payment["capturable"] == payment["captured"] == 0
    assert refused(client, payment, "capture")["status"] == "expired"


def test_a_hold_that_expires_after_a_partial_capture_is_captured(client):
    payment = held(client, expires_in=3)
    move(client, payment, "capture", {"amount": 250, "final": False})
    payment = eventually(lambda: (p := client.payment(payment["id"]))["status"] != "partially_captured" and p)
    assert payment["status"] == "captured"
    assert counters(payment) == {"authorised": 1000, "captured": 250, "refundable": 250}


# state, how to get there, moves that are refused there
CONFLICTS = [
    ("created", dict(confirm=False), [], ["capture", "reverse", "rail_result"]),
    ("declined", dict(token="tok_do_not_honour"), [], ["capture", "cancel", "confirm", "reverse", "rail_result"]),
    ("failed", dict(token="tok_failed"), [], ["capture", "cancel", "confirm", "reverse"]),
    ("processing", dict(token="tok_silent"), [], ["capture", "cancel", "confirm", "reverse"]),
    ("authorised", dict(capture_method="manual"), [], ["confirm", "rail_result", "review"]),
    ("captured", {}, [], ["capture", "cancel", "confirm", "rail_result", "review"]),
    ("cancelled", dict(capture_method="manual"), ["cancel"], ["capture", "cancel", "confirm", "reverse"]),
    ("reversed", {}, ["reverse"], ["capture", "cancel", "confirm", "reverse"]),
]
BODIES = {"reverse": {"reason": "x"}, "rail_result": {"outcome": "approved"}, "review": {"outcome": "approve", "reason": "x"}}
# PAYMENTS §3: what must be among `allowed`, and what may be.
ALLOWED = {
    "created": ({"declined", "authorised", "cancelled"}, {"in_review", "processing", "captured", "failed"}),
    "declined": (set(), set()), "failed": (set(), set()), "cancelled": (set(), set()), "reversed": (set(), set()),
    "processing": ({"authorised", "failed", "unknown", "declined"}, {"captured"}),
    "authorised": ({"cancelled", "partially_captured", "captured", "reversed"}, {"expired"}),
    "captured": ({"settled", "partially_refunded", "refunded", "disputed", "reversed"}, {"charged_back"}),
}


@pytest.fixture(scope="module")
def patient(tmp_path_factory):
    """A client of a service that waits ten minutes for its rail: what is processing stays so."""
    it = Service(tmp_path_factory.mktemp("patient") / "data", "-D", "rail.deadline=600s").start()
    yield it.client()
    assert it.stop() == 0
    it.remove()


@pytest.mark.parametrize("state,fields,way,verbs", CONFLICTS, ids=[row[0] for row in CONFLICTS])
def test_a_move_that_is_not_legal_names_the_state_and_what_is_allowed(patient, state, fields, way, verbs):
    client = patient
    reply = client.pay(**fields)
    made = reply.json() if reply.status_code == 201 else reply.json()["error"]["payment"]
    for verb in way:
        move(client, made, verb, BODIES.get(verb))
    before = client.payment(made["id"])
    assert before["status"] == state
    for verb in verbs:
        error = refused(client, made, verb, BODIES.get(verb))
        assert error["status"] == state, verb
        must, may = ALLOWED[state]
        assert must <= set(error["allowed"]) <= must | may, (verb, error["allowed"])
    assert client.payment(made["id"])["version"] == before["version"]


# ── wallets ──

def test_a_wallet_pays_from_its_own_account(client):
    client.fund("wanda", 1500)
    reply = client.pay(1000, payer="wanda", instrument={"type": "wallet"}, capture_method="manual")
    payment = reply.json()
    assert (reply.status_code, payment["status"], payment["instrument"]) == (201, "authorised", {"type": "wallet"})
    assert payment["rail"]["name"] == "wallet"
    account = client.account("payer:wanda")
    assert (account["balance"], account["available"], account["debits_pending"]) == (1500, 500, 1000)
    reply = client.pay(501, payer="wanda", instrument={"type": "wallet"})
    assert (reply.status_code, reply.json()["error"]["decline_code"]) == (402, "insufficient_funds")
    assert client.pay(500, payer="wanda", instrument={"type": "wallet"}).json()["status"] == "captured"
    move(client, payment, "capture", {"amount": 600})
    account = client.account("payer:wanda")
    assert (account["balance"], account["available"]) == (400, 400)


def test_a_wallet_without_an_account_is_declined(client):
    reply = client.pay(1, payer="nobody.yet", instrument={"type": "wallet"})
    assert (reply.status_code, reply.json()["error"]["decline_code"]) == (402, "insufficient_funds")


def test_a_wallet_has_money_in_its_own_currency_only(client):
    client.fund("wilma", 1000)
    assert client.pay(1, payer="wilma", instrument={"type": "wallet"}, currency="USD").status_code == 402


# ── fees ──

def test_the_fee_is_taken_at_the_first_capture(client):
    shop = merchant()
    payment = held(client, fee=100, merchant=shop)
    move(client, payment, "capture", {"amount": 400, "final": False})
    assert client.account(f"merchant:{shop}:pending")["balance"] == 300
    move(client, payment, "capture")
    assert client.account(f"merchant:{shop}:pending")["balance"] == 900


def test_what_the_first_capture_cannot_cover_of_the_fee_is_taken_at_the_next(client):
    shop = merchant()
    payment = held(client, fee=100, merchant=shop)
    move(client, payment, "capture", {"amount": 60, "final": False})
    assert client.account(f"merchant:{shop}:pending")["balance"] == 0
    move(client, payment, "capture", {"amount": 100, "final": False})
    assert client.account(f"merchant:{shop}:pending")["balance"] == 60


def test_a_fee_over_the_amount_is_422(client):
    assert client.pay(100, fee=101).status_code == 422
    assert client.pay(100, fee=100).status_code == 201


# ── references and ids ──

def test_a_reference_is_unique_per_merchant(client):
    one, two = merchant(), merchant()
    first = client.pay(merchant=one, reference="r")
    again = client.pay(merchant=one, reference="r")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "duplicate_reference")
    assert client.pay(merchant=two, reference="r").status_code == 201
    move(client, first.json(), "reverse", {"reason": "x"})
    assert client.pay(merchant=one, reference="r").status_code == 409


@pytest.mark.parametrize("end", ["declined", "failed", "cancelled"])
def test_a_payment_that_came_to_nothing_frees_its_reference(client, end):
    shop = merchant()
    fields = {"declined": dict(token="tok_do_not_honour"), "failed": dict(token="tok_failed"), "cancelled": dict(confirm=False)}
    reply = client.pay(merchant=shop, reference="r", **fields[end])
    if end == "cancelled":
        move(client, reply.json(), "cancel")
    assert client.pay(merchant=shop, reference="r").status_code == 201


def test_a_client_id_is_used_once(client):
    assert client.pay(id="pay_mine-1").json()["id"] == "pay_mine-1"
    again = client.pay(id="pay_mine-1")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "duplicate_id")
    assert client.payment("pay_mine-1")["status"] == "captured"
    assert client.pay(id="pay_" + "x" * 40).status_code == 201
    for bad in ("pay_", "pay_" + "x" * 41, "mine", "pay_a b", "tr_1"):
        reply = client.pay(id=bad)
        assert (reply.status_code, reply.json()["error"]["param"]) == (400, "id"), bad


def test_a_client_id_of_a_declined_payment_stays_used(client):
    client.pay(id="pay_mine-2", token="tok_do_not_honour")
    assert client.pay(id="pay_mine-2").status_code == 409


# ── events and postings ──

def test_the_events_of_a_payment_tell_its_life(client):
    payment = held(client)
    move(client, payment, "capture", {"amount": 300, "final": False})
    move(client, payment, "capture")
    events = client.get(f"/v1/payments/{payment['id']}/events").json()
    assert events["has_more"] is False
    names = [e["type"] for e in events["data"] if e["type"].startswith("payment.")]
    assert names == ["payment.created", "payment.authorised", "payment.partially_captured", "payment.captured"]
    sequences = [e["sequence"] for e in events["data"]]
    assert sequences == sorted(set(sequences))
    versions = [e["data"]["object"]["version"] for e in events["data"] if e["type"].startswith("payment.")]
    assert versions == [1, 2, 3, 4]
    assert events["data"][-1]["data"]["object"] == client.payment(payment["id"]) or "trade" in events["data"][-1]["type"]
    for event in events["data"]:
        assert set(event) == {"id", "object", "type", "sequence", "created", "data"}
        assert event["id"].startswith("evt_") and event["object"] == "event"


def test_the_postings_of_a_payment_are_its_legs(client):
    shop = merchant()
    payment = held(client, fee=30, merchant=shop)
    move(client, payment, "capture", {"amount": 400})
    postings = client.get(f"/v1/payments/{payment['id']}/postings").json()["data"]
    for posting in postings:
        assert set(posting) == {"sequence", "transfer", "debit", "credit", "amount", "currency", "kind", "created"}
        assert posting["currency"] == "EUR"
    rail, pending = f"scheme_receivable:{payment['rail']['name']}", f"merchant:{shop}:pending"
    assert sorted((p["kind"], p["debit"], p["credit"], p["amount"]) for p in postings) == sorted([
        ("pending", rail, pending, 1000), ("post", rail, pending, 400), ("void", rail, pending, 600),
        ("posted", pending, "fee_income", 30)])


# ── lists ──

@pytest.fixture(scope="module")
def listed(shared):
    """25 payments of one merchant: every third manual, every fifth in USD, some with metadata."""
    client = shared.client()
    return [client.pay(100 + i, merchant="lister", payer=f"p{i % 4}", currency="USD" if i % 5 == 0 else "EUR",
                       reference=f"ref-{i}", capture_method="manual" if i % 3 == 0 else "automatic",
                       metadata={"group": str(i % 2), "n": str(i)}).json() for i in range(25)]


def test_lists_are_newest_first_in_pages_of_twenty(client, listed):
    page = client.get("/v1/payments", params={"merchant": "lister"}).json()
    assert list(page) == ["data", "has_more", "next_cursor"]
    assert [p["id"] for p in page["data"]] == [p["id"] for p in reversed(listed)][:20]
    assert page["has_more"] is True
    rest = client.get("/v1/payments", params={"merchant": "lister", "cursor": page["next_cursor"]}).json()
    assert [p["id"] for p in rest["data"]] == [p["id"] for p in reversed(listed)][20:]
    assert (rest["has_more"], rest["next_cursor"]) == (False, None)


FILTERS = [
    ({"status": "authorised"}, lambda p: p["status"] == "authorised"),
    ({"payer": "p1"}, lambda p: p["payer"] == "p1"),
    ({"currency": "USD"}, lambda p: p["currency"] == "USD"),
    ({"reference": "ref-7"}, lambda p: p["reference"] == "ref-7"),
    ({"amount[gte]": 110}, lambda p: p["amount"] >= 110),
    ({"amount[lt]": 110}, lambda p: p["amount"] < 110),
    ({"amount[gte]": 105, "amount[lt]": 115, "currency": "EUR"}, lambda p: 105 <= p["amount"] < 115 and p["currency"] == "EUR"),
    ({"metadata[group]": "1"}, lambda p: p["metadata"]["group"] == "1"),
    ({"metadata[group]": "1", "metadata[n]": "3"}, lambda p: p["metadata"]["n"] == "3"),
    ({"metadata[none]": "1"}, lambda p: False),
    ({"reference": "no such"}, lambda p: False),
]


@pytest.mark.parametrize("filters,keep", FILTERS, ids=[" ".join(f[0]) for f in FILTERS])
@pytest.mark.parametrize("limit", [1, 3, 100])
def test_filters_keep_what_they_say(client, listed, filters, keep, limit):
    found = client.walk("/v1/payments", merchant="lister", limit=limit, **filters)
    assert [p["id"] for p in found] == [p["id"] for p in reversed(listed) if keep(p)]


def test_filters_by_creation_time(client, listed):
    middle = listed[12]["created"]
    late = client.walk("/v1/payments", merchant="lister", **{"created[gte]": middle})
    early = client.walk("/v1/payments", merchant="lister", **{"created[lt]": middle})
    assert [p["id"] for p in late] == [p["id"] for p in reversed(listed) if p["created"] >= middle]
    assert [p["id"] for p in early] == [p["id"] for p in reversed(listed) if p["created"] < middle]


def test_a_cursor_walk_does_not_see_what_comes_later(client, listed):
    page = client.get("/v1/payments", params={"merchant": "lister", "limit": 10}).json()
    client.pay(merchant="lister2")
    client.pay(merchant="lister", reference="later")
    rest = client.walk("/v1/payments", merchant="lister", limit=10, cursor=page["next_cursor"])
    assert [p["id"] for p in page["data"] + rest] == [p["id"] for p in reversed(listed)]


def test_a_cursor_with_other_filters_is_400(client, listed):
    cursor = client.get("/v1/payments", params={"merchant": "lister", "limit": 5}).json()["next_cursor"]
    for parameters in ({"merchant": "lister2"}, {"merchant": "lister", "currency": "USD"}, {}):
        reply = client.get("/v1/payments", params={"limit": 5, "cursor": cursor, **parameters})
        assert (reply.status_code, reply.json()["error"]["param"]) == (400, "cursor"), parameters


@pytest.mark.parametrize("query,param", [
    ("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("limit=1.0", "limit"), ("limit=", "limit"),
    ("status=paid", "status"), ("currency=eur", "currency"), ("created[gte]=yesterday", "created[gte]"),
    ("nothing=1", "nothing"), ("merchant=a&merchant=b", "merchant"), ("cursor=zzz", "cursor"), ("amount[gt]=1", "amount[gt]"),
    ("payment=pay_1", "payment"), ("merchant=a%20b", "merchant"),
])
def test_a_query_that_is_not_understood_is_400(client, query, param):
    reply = client.get("/v1/payments?" + query)
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, param)
    assert reply.json()["error"]["code"] in ("parameter_invalid", "parameter_unknown", "cursor_invalid")


def test_an_unknown_payment_is_404_everywhere(client):
    for path in ("", "/events", "/postings"):
        reply = client.get("/v1/payments/pay_unknown" + path)
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, "not_found")
    for verb in ("capture", "cancel", "confirm", "reverse", "sync", "rail_result", "review"):
        assert client.post("/v1/payments/pay_unknown/" + verb, BODIES.get(verb)).status_code == 404, verb


def test_the_largest_amount_goes_through_its_whole_life(client):
    largest = 2**63 - 1
    payment = held(client, largest, fee=largest)
    payment = move(client, payment, "capture", {"amount": largest - 1, "final": False})
    assert (payment["captured"], payment["capturable"]) == (largest - 1, 1)
    payment = move(client, payment, "capture")
    assert (payment["status"], payment["captured"]) == ("captured", largest)
    assert move(client, payment, "reverse", {"reason": "x"})["status"] == "reversed"
    assert client.pay(largest + 1).status_code == 400
    assert [p["id"] for p in client.walk("/v1/payments", **{"amount[gte]": largest})] == [payment["id"]]
