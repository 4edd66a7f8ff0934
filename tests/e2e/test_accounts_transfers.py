"""Accounts, balances of the past, entries, transfers, freeze and close over HTTP."""
import itertools
import json
import re

import pytest

from conftest import eventually

ACCOUNT = """name currency type debits_pending debits_posted credits_pending credits_posted balance available flags
    version""".split()
TRANSFER = """id object debit credit amount currency status posted timeout_at reverses reverted_by reference created updated
    sequence""".split()
ENTRY = "sequence transfer debit credit amount currency kind created balance".split()
_names = itertools.count(1)


def opened(client, kind="liability", currency="EUR", flags=None):
    name = f"acct.{next(_names)}"
    body = {"name": name, "currency": currency, "type": kind}
    if flags is not None:
        body["flags"] = flags
    reply = client.post("/v1/accounts", body)
    assert reply.status_code == 201, reply.text
    return reply.json()


def transfer(client, debit, credit, amount, status=201, currency="EUR", **fields):
    reply = client.post("/v1/transfers", {"debit": debit, "credit": credit, "amount": amount, "currency": currency, **fields})
    assert reply.status_code == status, reply.text
    return reply.json()


def step(client, path, body=None, status=200):
    reply = client.post(path, body)
    assert reply.status_code == status, reply.text
    return reply.json()


def sums(client, name):
    account = client.account(name)
    return {key: account[key] for key in ACCOUNT[3:9] if account[key] != 0}


# ── accounts ──

def test_an_account_shows_every_field(client):
    made = opened(client, "asset", flags=["credits_must_not_exceed_debits", "history"])
    assert set(made) >= set(ACCOUNT)
    assert (made["type"], made["currency"], made["balance"], made["available"]) == ("asset", "EUR", 0, 0)
    assert set(made["flags"]) == {"credits_must_not_exceed_debits", "history"}
    assert client.account(made["name"]) == made


def test_an_account_exists_once_per_currency(client):
    made = opened(client)
    again = client.post("/v1/accounts", {"name": made["name"], "currency": "EUR", "type": "liability"})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "already_exists")
    assert client.post("/v1/accounts", {"name": made["name"], "currency": "USD", "type": "liability"}).status_code == 201


def test_an_unknown_account_is_404(client):
    assert client.get("/v1/accounts/no.such?currency=EUR").status_code == 404
    made = opened(client)
    assert client.get(f"/v1/accounts/{made['name']}?currency=USD").status_code == 404
    reply = client.get(f"/v1/accounts/{made['name']}")
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "currency")


@pytest.mark.parametrize("kind,sign", [("liability", 1), ("income", 1), ("equity", 1), ("asset", -1), ("expense", -1)])
def test_the_balance_is_on_the_side_of_the_type(client, kind, sign):
    made, other = opened(client, kind), opened(client, "equity")
    transfer(client, other["name"], made["name"], 70)
    transfer(client, made["name"], other["name"], 20)
    assert client.account(made["name"])["balance"] == sign * 50


def test_accounts_are_listed(client):
    made = [opened(client, currency="CHF") for _ in range(5)]
    found = client.walk("/v1/accounts", currency="CHF", limit=2)
    assert [a["name"] for a in found] == [a["name"] for a in reversed(made)]


# ── transfers ──

def test_a_transfer_shows_every_field(client):
    one, two = opened(client)["name"], opened(client)["name"]
    made = transfer(client, one, two, 100, reference="t-1")
    assert list(made) == TRANSFER
    assert re.fullmatch(r"tr_[0-9a-z]{20,40}", made["id"])
    assert (made["object"], made["status"], made["amount"], made["posted"]) == ("transfer", "posted", 100, 100)
    assert (made["timeout_at"], made["reverses"], made["reverted_by"], made["reference"]) == (None, None, None, "t-1")
    assert sums(client, one) == {"debits_posted": 100, "balance": -100, "available": -100}
    assert sums(client, two) == {"credits_posted": 100, "balance": 100, "available": 100}


def test_a_pending_transfer_holds_and_posts_a_part(client):
    one, two = opened(client)["name"], opened(client)["name"]
    transfer(client, "world", one, 500)
    made = transfer(client, one, two, 300, pending=True)
    assert (made["status"], made["posted"]) == ("pending", 0)
    assert sums(client, one) == {"debits_pending": 300, "credits_posted": 500, "balance": 500, "available": 200}
    assert sums(client, two) == {"credits_pending": 300}
    done = step(client, f"/v1/transfers/{made['id']}/post", {"amount": 100})
    assert (done["status"], done["amount"], done["posted"]) == ("posted", 300, 100)
    assert sums(client, one) == {"debits_posted": 100, "credits_posted": 500, "balance": 400, "available": 400}
    for verb in ("post", "void"):
        error = step(client, f"/v1/transfers/{made['id']}/{verb}", status=409)["error"]
        assert (error["code"], error["status"]) == ("state_conflict", "posted")


def test_a_pending_transfer_is_voided(client):
    one, two = opened(client)["name"], opened(client)["name"]
    made = transfer(client, one, two, 300, pending=True)
    assert client.get(f"/v1/transfers/{made['id']}").json() == made
    voided = step(client, f"/v1/transfers/{made['id']}/void")
    assert voided["status"] == "voided" and client.get(f"/v1/transfers/{made['id']}").json() == voided
    assert client.get("/v1/transfers/tr_unknown").status_code == 404
    assert sums(client, one) == {}
    step(client, f"/v1/transfers/{made['id']}/post", status=409)


def test_a_post_over_the_hold_is_422(client):
    one, two = opened(client)["name"], opened(client)["name"]
    made = transfer(client, one, two, 300, pending=True)
    assert step(client, f"/v1/transfers/{made['id']}/post", {"amount": 301}, status=422)["error"]["code"] == "amount_too_large"


def test_a_pending_transfer_expires(client):
    one, two = opened(client)["name"], opened(client)["name"]
    made = transfer(client, one, two, 300, pending=True, timeout=1)
    assert made["timeout_at"] > made["created"]
    eventually(lambda: sums(client, one) == {})
    listed = [t for t in client.walk("/v1/transfers", status="expired") if t["id"] == made["id"]]
    assert len(listed) == 1
    step(client, f"/v1/transfers/{made['id']}/post", status=409)


def test_a_revert_is_the_mirror_and_happens_once(client):
    one, two = opened(client)["name"], opened(client)["name"]
    made = transfer(client, one, two, 300)
    mirror = step(client, f"/v1/transfers/{made['id']}/revert", status=201)
    assert (mirror["debit"], mirror["credit"], mirror["amount"]) == (two, one, 300)
    assert mirror["reverses"] == made["id"]
    original = [t for t in client.walk("/v1/transfers") if t["id"] == made["id"]][0]
    assert original["reverted_by"] == mirror["id"]
    assert (client.account(one)["balance"], client.account(two)["balance"]) == (0, 0)
    step(client, f"/v1/transfers/{made['id']}/revert", status=409)


def test_a_revert_mirrors_what_was_posted(client):
    one, two = opened(client)["name"], opened(client)["name"]
    made = transfer(client, one, two, 300, pending=True)
    step(client, f"/v1/transfers/{made['id']}/revert", status=409)
    step(client, f"/v1/transfers/{made['id']}/post", {"amount": 120})
    assert step(client, f"/v1/transfers/{made['id']}/revert", status=201)["amount"] == 120
    assert client.account(two)["balance"] == 0


def test_a_guarded_account_does_not_overdraw(client):
    guarded = opened(client, flags=["debits_must_not_exceed_credits"])["name"]
    other = opened(client)["name"]
    transfer(client, other, guarded, 100)
    transfer(client, guarded, other, 60, pending=True)
    error = transfer(client, guarded, other, 41, status=402)["error"]
    assert error["code"] == "insufficient_funds"
    transfer(client, guarded, other, 40)


def test_a_payer_account_never_overdraws(client):
    other = opened(client)["name"]
    client.fund("tina", 100)
    assert transfer(client, "payer:tina", other, 101, status=402)["error"]["code"] == "insufficient_funds"
    transfer(client, "payer:tina", other, 100)


@pytest.mark.parametrize("change,status", [
    (dict(credit="no.such"), 422), (dict(debit="no.such"), 422), (dict(currency="USD"), 422),
    (dict(amount=0), 400), (dict(amount=-1), 400), (dict(amount=1.0), 400), (dict(amount="1"), 400), (dict(amount=2**63), 400),
    (dict(currency="XXY"), 400), (dict(currency="eur"), 400), (dict(timeout=5), 400), (dict(pending="yes"), 400),
    (dict(debit="a b"), 400), (dict(extra=1), 400),
])
def test_a_transfer_that_cannot_be_is_refused(client, change, status):
    body = {"debit": opened(client)["name"], "credit": opened(client)["name"], "amount": 1, "currency": "EUR", **change}
    assert client.post("/v1/transfers", body).status_code == status


def test_a_transfer_within_one_account_is_refused(client):
    name = opened(client)["name"]
    assert client.post("/v1/transfers", {"debit": name, "credit": name, "amount": 1, "currency": "EUR"}).status_code in (400, 422)


def test_transfers_are_listed_with_filters(client):
    one, two = opened(client, currency="SEK")["name"], opened(client, currency="SEK")["name"]
    made = [transfer(client, one, two, 10 + i, currency="SEK", pending=i % 2 == 0, reference=f"l-{i}") for i in range(6)]
    assert client.walk("/v1/transfers", currency="SEK", limit=4) == list(reversed(made))
    assert client.walk("/v1/transfers", currency="SEK", status="pending") == [made[4], made[2], made[0]]
    assert client.walk("/v1/transfers", currency="SEK", reference="l-3") == [made[3]]
    assert client.walk("/v1/transfers", currency="SEK", **{"amount[gte]": 12, "amount[lt]": 14}) == [made[3], made[2]]


# ── the admin rule ──

def test_accounts_of_payments_need_admin(client):
    clerk = client.with_scopes("ledger:write", "read")
    client.fund("ada", 1000)
    client.pay(merchant="adashop")
    own, other = opened(clerk)["name"], opened(clerk)["name"]
    transfer(clerk, own, other, 1)
    transfer(clerk, "world", own, 1)
    transfer(clerk, "payer:ada", own, 1)
    for touched in ("merchant:adashop:pending", "fee_income", "scheme_receivable:simulator", "dispute_hold", "bank:main"):
        transfer(clerk, own, touched, 1, status=403)
    transfer(client, own, "merchant:adashop:pending", 1)


# ── freeze and close ──

def test_a_frozen_account_takes_no_postings_until_unfrozen(client):
    one, two = opened(client)["name"], opened(client)["name"]
    frozen = step(client, f"/v1/accounts/{one}/freeze?currency=EUR")
    assert "frozen" in frozen["flags"]
    for debit, credit in ((one, two), (two, one)):
        assert transfer(client, debit, credit, 1, status=422)["error"]["code"] == "account_frozen"
    assert "frozen" not in step(client, f"/v1/accounts/{one}/unfreeze?currency=EUR")["flags"]
    transfer(client, one, two, 1)


def test_a_closed_account_stays_closed(client):
    one, two = opened(client)["name"], opened(client)["name"]
    assert "closed" in step(client, f"/v1/accounts/{one}/close?currency=EUR")["flags"]
    assert transfer(client, one, two, 1, status=422)["error"]["code"] == "account_closed"
    assert client.post(f"/v1/accounts/{one}/unfreeze?currency=EUR").status_code in (409, 422)


def test_a_payment_from_a_frozen_wallet_takes_no_money(client):
    client.fund("fred", 1000)
    step(client, "/v1/accounts/payer:fred/freeze?currency=EUR")
    reply = client.pay(payer="fred", instrument={"type": "wallet"})
    assert reply.status_code in (402, 422)
    assert client.account("payer:fred")["available"] == 1000


def test_freeze_needs_its_currency(client):
    name = opened(client)["name"]
    reply = client.post(f"/v1/accounts/{name}/freeze")
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "currency")
    assert client.post("/v1/accounts/no.such/freeze?currency=EUR").status_code == 404


# ── the past ──

@pytest.mark.parametrize("flags", [[], ["history"]])
def test_past_balances_by_sequence_and_time(client, flags):
    one, two = opened(client, flags=flags)["name"], opened(client)["name"]
    points = []
    for i in range(8):
        made = transfer(client, two, one, 10 + i)
        points.append((made["sequence"], made["created"], client.account(one)["balance"]))
    for sequence, _, balance in points:
        reply = client.get(f"/v1/accounts/{one}", params={"currency": "EUR", "at_sequence": sequence})
        assert (reply.status_code, reply.json().get("balance")) == (200, balance), reply.text
    by_time = {created: balance for _, created, balance in points}
    for created, balance in by_time.items():
        reply = client.get(f"/v1/accounts/{one}", params={"currency": "EUR", "at": created})
        assert reply.json()["balance"] == balance
    before = client.get(f"/v1/accounts/{one}", params={"currency": "EUR", "at_sequence": points[0][0] - 1}).json()
    assert before["balance"] == 0


def test_past_balances_show_what_was_pending(client):
    one, two = opened(client)["name"], opened(client)["name"]
    hold = transfer(client, two, one, 100, pending=True)
    done = step(client, f"/v1/transfers/{hold['id']}/post", {"amount": 60})
    at_hold = client.get(f"/v1/accounts/{two}", params={"currency": "EUR", "at_sequence": hold["sequence"]}).json()
    assert (at_hold["debits_pending"], at_hold["debits_posted"]) == (100, 0)
    assert done["sequence"] >= hold["sequence"]
    now = client.account(two)
    assert (now["debits_pending"], now["debits_posted"]) == (0, 60)


def test_entries_carry_the_balance_after_each(client):
    one, two = opened(client)["name"], opened(client)["name"]
    for amount in (50, 30, 20):
        transfer(client, two, one, amount)
    transfer(client, one, two, 10)
    entries = client.walk(f"/v1/accounts/{one}/entries", currency="EUR", limit=3)
    for entry in entries:
        assert set(entry) == set(ENTRY)
    assert [(e["amount"], e["kind"], e["balance"]) for e in entries] == [
        (10, "posted", 90), (20, "posted", 100), (30, "posted", 80), (50, "posted", 50)]
    assert client.get(f"/v1/accounts/{one}/entries").status_code == 400
    assert client.get("/v1/accounts/no.such/entries?currency=EUR").status_code == 404


def test_entries_of_a_hold(client):
    one, two = opened(client)["name"], opened(client)["name"]
    hold = transfer(client, two, one, 100, pending=True)
    step(client, f"/v1/transfers/{hold['id']}/post", {"amount": 60})
    entries = client.walk(f"/v1/accounts/{one}/entries", currency="EUR")
    kinds = {e["kind"]: e["amount"] for e in entries}
    assert kinds["pending"] == 100 and kinds["post"] == 60
    assert entries[0]["balance"] == 60 and entries[-1]["balance"] == 0


# ── the books ──

def test_sums_are_exact_beyond_64_bits(client):
    one, two = opened(client, currency="JPY")["name"], opened(client, currency="JPY")["name"]
    lines = [json.dumps({"op": "transfer.create", "key": f"big-{i}", "debit": one, "credit": two, "amount": 10**15,
                         "currency": "JPY"}) for i in range(10_000)]
    reply = client.post("/v1/batch", data="\n".join(lines))
    assert all(line.startswith('{"status":201') for line in reply.text.splitlines())
    account = client.account(two, "JPY")
    assert account["balance"] == account["credits_posted"] == 10**19 > 2**63
    assert client.account(one, "JPY")["balance"] == -10**19
    rows = client.get("/v1/ledger/trial-balance").json()["data"]
    yen = [r for r in rows if r["currency"] == "JPY"][0]
    assert yen["debits_posted"] == yen["credits_posted"] == 10**19


def test_the_trial_balance_balances(client):
    client.pay()
    rows = client.get("/v1/ledger/trial-balance").json()["data"]
    for row in rows:
        assert set(row) == {"currency", "debits_posted", "credits_posted", "debits_pending", "credits_pending", "accounts", "balanced"}
        assert row["balanced"] is True
        assert (row["debits_posted"], row["debits_pending"]) == (row["credits_posted"], row["credits_pending"])
    euros = [r for r in rows if r["currency"] == "EUR"][0]
    accounts = client.walk("/v1/accounts", currency="EUR", limit=100)
    assert euros["accounts"] == len(accounts)
    assert euros["debits_posted"] == sum(a["debits_posted"] for a in accounts)


def test_verify_runs_every_invariant(client):
    report = client.get("/v1/ledger/verify").json()
    assert report["ok"] is True and report["violations"] == []
    assert [c["id"] for c in report["checks"]][:10] == [f"M{i}" for i in range(1, 11)]
    assert all(c["ok"] for c in report["checks"])
