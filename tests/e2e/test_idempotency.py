"""Retries: the same bytes again, other bodies refused, one effect however many try, also across a kill."""
import concurrent.futures
import json

import pytest


def body(amount=100, **fields):
    return {"amount": amount, "currency": "EUR", "merchant": "shop", "payer": "bob",
            "instrument": {"type": "card", "token": "tok_ok"}, **fields}


def is_replay(reply):
    return reply.headers.get("Idempotency-Replayed") == "true"


def test_a_replay_has_the_same_bytes_and_says_so(client):
    first = client.post("/v1/payments", body(), idempotency="bytes-1")
    again = client.post("/v1/payments", body(), idempotency="bytes-1")
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert not is_replay(first) and is_replay(again)
    assert first.headers["Request-Id"] != again.headers["Request-Id"]


def test_a_replay_shows_the_object_as_it_was(client):
    first = client.post("/v1/payments", body(capture_method="manual"), idempotency="asitwas-1")
    assert client.post(f"/v1/payments/{first.json()['id']}/capture").status_code == 200
    again = client.post("/v1/payments", body(capture_method="manual"), idempotency="asitwas-1")
    assert again.content == first.content


def test_the_canonical_body_counts_not_its_bytes(client):
    first = client.post("/v1/payments", body(metadata={"a": "1", "b": "2"}), idempotency="canon-1")
    text = json.dumps(dict(reversed(body(metadata={"b": "2", "a": "1"}).items())), indent=3).replace('"bob"', '"\\u0062ob"')
    again = client.post("/v1/payments", data=text, idempotency="canon-1")
    assert again.content == first.content and is_replay(again)


@pytest.mark.parametrize("change", [dict(amount=101), dict(payer="eve"), dict(description="x"), dict(metadata={"a": "1"}),
                                    dict(confirm=True)])
def test_the_same_key_with_another_body_is_422(client, change):
    key = f"other-{list(change)[0]}"
    assert client.post("/v1/payments", body(), idempotency=key).status_code == 201
    reply = client.post("/v1/payments", {**body(), **change}, idempotency=key)
    assert reply.status_code == 422
    assert reply.json()["error"]["type"] == "idempotency_error"
    assert is_replay(client.post("/v1/payments", body(), idempotency=key))


def test_the_scope_is_the_path_with_its_ids(client):
    one, two = (client.pay(capture_method="manual").json()["id"] for _ in range(2))
    for payment in (one, two):
        reply = client.post(f"/v1/payments/{payment}/capture", idempotency="path-1")
        assert reply.status_code == 200 and not is_replay(reply)
        assert reply.json()["id"] == payment
    assert not is_replay(client.post(f"/v1/payments/{one}/cancel", idempotency="path-1"))


# outcome → (body, status, is stored)
STORED = [
    ("created", body(), 201, True),
    ("declined", body(instrument={"type": "card", "token": "tok_do_not_honour"}), 402, True),
    ("semantic", body(100, fee=101), 422, True),
    ("malformed", body(0), 400, False),
    ("unknown-field", body(colour="red"), 400, False),
]


@pytest.mark.parametrize("name,request_body,status,stored", STORED, ids=[row[0] for row in STORED])
def test_what_is_decided_in_execution_is_stored(client, name, request_body, status, stored):
    first = client.post("/v1/payments", request_body, idempotency=f"stored-{name}")
    again = client.post("/v1/payments", request_body, idempotency=f"stored-{name}")
    assert first.status_code == again.status_code == status
    assert is_replay(again) == stored
    if stored:
        assert first.content == again.content
    else:
        assert client.post("/v1/payments", body(), idempotency=f"stored-{name}").status_code == 201


def test_conflicts_are_stored(client):
    payment = client.pay().json()["id"]
    first = client.post(f"/v1/payments/{payment}/capture", idempotency="conflict-1")
    again = client.post(f"/v1/payments/{payment}/capture", idempotency="conflict-1")
    assert first.status_code == again.status_code == 409
    assert first.content == again.content and is_replay(again)


def test_unknown_objects_and_refused_keys_are_not_stored(client):
    reply = client.post("/v1/payments/pay_later/capture", idempotency="later-1")
    assert reply.status_code == 404
    client.pay(id="pay_later", capture_method="manual")
    assert client.post("/v1/payments/pay_later/capture", idempotency="later-1").status_code == 200
    reader = client.with_scopes("read")
    assert reader.post("/v1/payments", body(), idempotency="later-2").status_code == 403
    assert client.post("/v1/payments", body(), idempotency="later-2").status_code == 201


@pytest.mark.parametrize("key,fits", [("a", True), ("~!#" + "x" * 252, True), ("x" * 256, False), ("", False), ("a b", False),
                                      ("ä", False), ("a\tb", False)])
def test_the_key_is_1_to_255_visible_ascii(client, key, fits):
    reply = client.post("/v1/payments", body(), idempotency="x", headers={"Idempotency-Key": key.encode()})
    assert reply.status_code == (201 if fits else 400), reply.text


def test_the_header_is_needed(shared):
    client = shared.client()
    headers = {"Authorization": f"Bearer {shared.key}", "Content-Type": "application/json"}
    for path in ("/v1/payments", "/v1/refunds", "/v1/transfers", "/v1/accounts", "/v1/settlements/close", "/v1/risk_events"):
        reply = client.send("POST", path, json.dumps(body()), headers)
        assert reply.status_code == 400, path
        assert "Idempotency-Key" in reply.text, path


def test_fifty_retries_at_once_make_one_payment(shared):
    client = shared.client()
    before = client.account("merchant:race:pending").get("balance", 0)

    def attempt(_):
        return shared.client().post("/v1/payments", body(777, merchant="race"), idempotency="race-1")

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        replies = list(pool.map(attempt, range(50)))
    assert {reply.status_code for reply in replies} == {201}
    assert len({reply.content for reply in replies}) == 1
    assert sum(not is_replay(reply) for reply in replies) == 1
    assert client.account("merchant:race:pending")["balance"] == before + 777
    assert len(client.walk("/v1/payments", merchant="race")) == 1


def test_retries_at_once_with_different_bodies_make_one_payment(shared):
    def attempt(i):
        return shared.client().post("/v1/payments", body(100 + i, merchant="race2"), idempotency="race-2")

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        codes = [reply.status_code for reply in pool.map(attempt, range(20))]
    assert sorted(codes) == [201] + [422] * 19
    assert len(shared.client().walk("/v1/payments", merchant="race2")) == 1


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_replay_after_a_restart_has_the_same_bytes(service, end):
    client = service.client()
    payment = client.post("/v1/payments", body(), idempotency="restart-0").json()["id"]
    calls = [
        ("/v1/payments", body(fee=3, metadata={"k": "v"}, description="d", reference="r", context={"ip": "192.0.2.1"})),
        ("/v1/payments", body(instrument={"type": "card", "token": "tok_stolen_card"})),
        ("/v1/payments", body(instrument={"type": "card", "token": "tok_silent"})),
        ("/v1/payments", body(100, fee=101)),
        ("/v1/payments", body(reference="r")),
        ("/v1/payments", body(capture_method="manual")),
        (f"/v1/payments/{payment}/capture", {}),
        (f"/v1/payments/{payment}/sync", {}),
        ("/v1/refunds", {"payment": payment, "amount": 10, "reason": "x"}),
        ("/v1/refunds", {"payment": payment, "amount": 1000}),
        ("/v1/simulate/dispute", {"payment": payment, "amount": 10, "reason": "fraud"}),
        ("/v1/accounts", {"name": "till", "currency": "EUR", "type": "asset", "flags": ["history"]}),
        ("/v1/accounts", {"name": "till", "currency": "EUR", "type": "asset"}),
        ("/v1/transfers", {"debit": "till", "credit": "world", "amount": 5, "currency": "EUR", "pending": True, "timeout": 60}),
        ("/v1/transfers", {"debit": "payer:nobody", "credit": "world", "amount": 5, "currency": "EUR"}),
        ("/v1/accounts/till/freeze?currency=EUR", {}),
        ("/v1/settlements/close", {"merchant": "shop", "currency": "EUR"}),
        ("/v1/settlements/close", {"merchant": "none", "currency": "EUR"}),
        ("/v1/risk_events", {"type": "fraud", "kind": "k", "severity": "high", "data": {"a": [1]}}),
        (f"/v1/payments/{payment}/reverse", {"reason": "x"}),
    ]
    first = [client.post(path, call, idempotency=f"restart-{i}") for i, (path, call) in enumerate(calls, 1)]
    if end == "kill":
        service.kill()
    else:
        assert service.stop() == 0
    service.start()
    client = service.client()
    for i, (path, call) in enumerate(calls, 1):
        again = client.post(path, call, idempotency=f"restart-{i}")
        assert again.status_code == first[i - 1].status_code, (path, again.text)
        assert again.content == first[i - 1].content, path
        assert is_replay(again), path
