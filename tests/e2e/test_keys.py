"""Keys: scopes, revocation, expiry, tenants, and guessing."""
import pytest

from conftest import Service, eventually

SCOPES = ["admin", "payments:write", "refunds:write", "ledger:write", "rail:write", "risk:write", "read"]
KEY = ["id", "object", "name", "scopes", "mode", "tenant", "created", "expires_at", "secret"]


def test_a_key_shows_its_secret_once(client):
    reply = client.post("/v1/keys", {"name": "shop server", "scopes": ["payments:write", "read"]})
    assert reply.status_code == 201
    made = reply.json()
    assert list(made) == KEY
    assert (made["object"], made["name"], made["mode"], made["expires_at"]) == ("key", "shop server", "test", None)
    assert set(made["scopes"]) == {"payments:write", "read"}
    assert made["secret"].startswith("ps_test_")
    listed = client.get("/v1/keys")
    assert made["secret"] not in listed.text
    mine = [k for k in listed.json()["data"] if k["id"] == made["id"]]
    assert len(mine) == 1 and mine[0].get("secret") is None
    assert mine[0]["tenant"] == made["tenant"]


def test_keys_are_not_on_the_disk(shared, client):
    secrets = [client.post("/v1/keys", {"name": "x", "scopes": ["read"]}).json()["secret"] for _ in range(3)]
    for path in [*shared.directory.rglob("*"), shared.log]:
        if path.is_file():
            data = path.read_bytes()
            for secret in [*secrets, shared.key]:
                assert secret.encode() not in data, path
                assert secret.rsplit("_", 1)[1].encode() not in data, path


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_allows_its_own_routes_only(client, scope):
    holder = client.with_scopes(scope)
    admin_pays = client.pay(capture_method="manual").json()
    tries = {
        "payments:write": lambda: holder.pay(),
        "refunds:write": lambda: holder.post("/v1/refunds", {"payment": client.pay().json()["id"]}),
        "ledger:write": lambda: holder.post("/v1/accounts", {"name": f"of.{scope.replace(':', '.')}", "currency": "EUR",
                                                             "type": "asset"}),
        "rail:write": lambda: holder.post(f"/v1/payments/{client.pay(token='tok_silent').json()['id']}/rail_result",
                                          {"outcome": "approved"}),
        "risk:write": lambda: holder.post("/v1/risk_events", {"type": "fraud", "kind": "k", "severity": "low"}),
        "read": lambda: holder.get(f"/v1/payments/{admin_pays['id']}"),
        "admin": lambda: holder.get("/v1/keys"),
    }
    for needed, attempt in tries.items():
        reply = attempt()
        if scope in ("admin", needed):
            assert reply.status_code in (200, 201), (needed, reply.text)
        else:
            assert reply.status_code == 403, (needed, reply.text)
            assert reply.json()["error"]["type"] == "authentication_error" or reply.json()["error"]["code"]


def test_a_revoked_key_stops_at_once(client):
    holder = client.with_scopes("read")
    assert holder.get("/v1/payments").status_code == 200
    reply = client.delete(f"/v1/keys/{holder.id}")
    assert reply.status_code == 200
    assert reply.json()["id"] == holder.id
    assert holder.get("/v1/payments").status_code == 401
    assert client.delete("/v1/keys/key_unknown").status_code == 404


def test_an_expired_key_stops(client):
    holder = client.with_scopes("read", expires_in=2)
    assert holder.get("/v1/payments").status_code == 200
    eventually(lambda: holder.get("/v1/payments").status_code == 401)


@pytest.mark.parametrize("change,param", [
    ({"name": None}, "name"), ({"scopes": None}, "scopes"), ({"scopes": ["root"]}, "scopes"), ({"scopes": "read"}, "scopes"),
    ({"scopes": []}, "scopes"), ({"mode": "prod"}, "mode"), ({"tenant": "a b"}, "tenant"), ({"expires_in": 0}, "expires_in"),
    ({"secret": "mine"}, "secret"),
])
def test_a_key_that_is_not_understood_is_400(client, change, param):
    reply = client.post("/v1/keys", {"name": "n", "scopes": ["read"], **change})
    assert reply.status_code == 400
    assert reply.json()["error"]["param"].split("[")[0] == param


# ── tenants and modes ──

@pytest.fixture(scope="module")
def tenants(shared):
    """Two tenants, each with one of every object, as (client, ids)."""
    first = shared.client()
    second = first.with_scopes("admin", tenant="other")
    return [(it, objects_of(it)) for it in (first, second)]


def objects_of(client):
    payment = client.pay(merchant="mall").json()
    hold = client.pay(merchant="mall", capture_method="manual").json()
    refund = client.post("/v1/refunds", {"payment": payment["id"], "amount": 10}).json()
    dispute = client.post("/v1/simulate/dispute", {"payment": payment["id"], "amount": 10, "reason": "fraud"}).json()
    transfer = client.post("/v1/transfers", {"debit": "world", "credit": "payer:x", "amount": 5, "currency": "EUR",
                                             "pending": True}).json()
    settlement = client.post("/v1/settlements/close", {"merchant": "mall", "currency": "EUR"}).json()
    key = client.post("/v1/keys", {"name": "k", "scopes": ["read"]}).json()
    return {"payment": payment["id"], "hold": hold["id"], "refund": refund["id"], "dispute": dispute["id"],
            "transfer": transfer["id"], "settlement": settlement["id"], "key": key["id"]}


def attempts(client, ids):
    yield client.get(f"/v1/payments/{ids['payment']}")
    yield client.get(f"/v1/payments/{ids['payment']}/events")
    yield client.get(f"/v1/payments/{ids['payment']}/postings")
    for verb, body in (("capture", {}), ("cancel", {}), ("confirm", {}), ("sync", {}), ("reverse", {"reason": "x"}),
                       ("rail_result", {"outcome": "approved"}), ("review", {"outcome": "approve", "reason": "x"})):
        yield client.post(f"/v1/payments/{ids['hold']}/{verb}", body)
    yield client.post("/v1/refunds", {"payment": ids["payment"], "amount": 1})
    yield client.get(f"/v1/refunds/{ids['refund']}")
    yield client.post("/v1/simulate/dispute", {"payment": ids["payment"], "amount": 1, "reason": "fraud"})
    yield client.post(f"/v1/simulate/dispute/{ids['dispute']}", {"outcome": "won"})
    for verb in ("challenge", "accept"):
        yield client.post(f"/v1/disputes/{ids['dispute']}/{verb}")
    yield client.get(f"/v1/disputes/{ids['dispute']}")
    for verb in ("post", "void", "revert"):
        yield client.post(f"/v1/transfers/{ids['transfer']}/{verb}")
    yield client.get(f"/v1/settlements/{ids['settlement']}")
    for verb in ("confirm", "fail"):
        yield client.post(f"/v1/settlements/{ids['settlement']}/{verb}")
    yield client.delete(f"/v1/keys/{ids['key']}")
    yield client.post("/v1/risk_events", {"type": "fraud", "kind": "k", "severity": "low", "payment": ids["payment"]})


def neutral(reply):
    error = dict(reply.json()["error"])
    error.pop("request_id")
    return reply.status_code, error


def test_foreign_objects_are_404_like_unknown_ones(tenants):
    (first, ids_first), (second, ids_second) = tenants
    for client, foreign, own in ((first, ids_second, ids_first), (second, ids_first, ids_second)):
        unknown = {name: value.split("_")[0] + "_" + "0" * 26 for name, value in own.items()}
        for reply, other in zip(attempts(client, foreign), attempts(client, unknown)):
            where = f"{reply.request.method} {reply.request.path_url}"
            assert reply.status_code == 404, (where, reply.text)
            assert neutral(reply) == neutral(other), where
    assert second.payment(ids_second["hold"])["status"] == "authorised"


def test_tenants_see_nothing_of_each_other(tenants):
    (first, _), (second, ids) = tenants
    for path in ("payments", "refunds", "disputes", "trades", "accounts", "transfers", "settlements", "keys"):
        mine, theirs = ({str(o.get("id") or (o["name"], id(o))) for o in c.walk(f"/v1/{path}")} for c in (first, second))
        assert mine and theirs and not mine & theirs, path
    assert second.account("merchant:mall:pending")["name"] == "merchant:mall:pending"
    events = second.events()
    assert [e["sequence"] for e in events] == list(range(1, len(events) + 1))
    assert all("ps_" not in str(e) for e in events)


def test_references_and_ids_are_per_tenant(tenants):
    for client, _ in tenants:
        assert client.pay(merchant="mall", reference="same", id="pay_same").status_code == 201


def test_idempotency_keys_are_per_tenant(tenants):
    made = []
    for client, _ in tenants:
        reply = client.post("/v1/accounts", {"name": "same", "currency": "EUR", "type": "asset"}, idempotency="same-key")
        assert reply.status_code == 201 and "Idempotency-Replayed" not in reply.headers
        made.append(reply.json())


def test_only_the_first_tenants_admin_makes_tenants(tenants):
    (_, _), (second, _) = tenants
    for tenant in ("third", "default"):
        reply = second.post("/v1/keys", {"name": "n", "scopes": ["admin"], "tenant": tenant})
        assert reply.status_code in (403, 404), tenant
        assert "ps_test_" not in reply.text
    own = second.with_scopes("read")
    assert own.get("/v1/payments").status_code == 200


def test_a_clerk_cannot_make_a_stronger_key(client):
    for scopes in (["payments:write", "ledger:write", "refunds:write", "rail:write", "risk:write", "read"],):
        clerk = client.with_scopes(*scopes)
        assert clerk.post("/v1/keys", {"name": "n", "scopes": ["read"]}).status_code == 403
        assert clerk.get("/v1/keys").status_code == 403


def test_test_and_live_never_mix(client):
    live = client.with_scopes("admin", mode="live")
    assert live.key.startswith("ps_live_")
    mine = client.pay(id="pay_mode").json()
    theirs = live.pay(id="pay_mode2").json()
    assert (mine["livemode"], theirs["livemode"]) == (False, True)
    assert live.get(f"/v1/payments/{mine['id']}").status_code == 404
    assert client.get(f"/v1/payments/{theirs['id']}").status_code == 404
    assert [p["id"] for p in live.walk("/v1/payments")] == [theirs["id"]]


# ── guessing ──

def test_thirty_bad_keys_a_minute_then_429(service):
    stranger = service.client("ps_test_" + "a" * 60)
    codes = [stranger.get("/v1/payments").status_code for _ in range(30)]
    assert codes == [401] * 30
    reply = stranger.get("/v1/payments")
    assert reply.status_code == 429
    assert int(reply.headers["Retry-After"]) >= 1
    assert reply.json()["error"]["type"] == "rate_limit_error"


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer ps_test_", "Bearer nothing", "bearer\tx",
                                    "Bearer ps_live_" + "0" * 50])
def test_a_bad_key_is_401(tmp_path, shared, header):
    headers = {} if header is None else {"Authorization": header}
    reply = shared.client().send("GET", "/v1/payments", headers=headers)
    assert reply.status_code == 401
    assert reply.json()["error"]["type"] == "authentication_error"


def test_a_key_with_one_letter_changed_is_401(shared):
    key = shared.key
    for at in (9, 20, len(key) // 2, len(key) - 1):
        changed = key[:at] + ("a" if key[at] != "a" else "b") + key[at + 1:]
        assert shared.client(changed).get("/v1/payments").status_code == 401, at


def test_keys_survive_a_restart(service):
    client = service.client()
    kept, revoked = client.with_scopes("read"), client.with_scopes("read")
    assert client.delete(f"/v1/keys/{revoked.id}").status_code == 200
    service.kill()
    service.start()
    assert service.client(kept.key).get("/v1/payments").status_code == 200
    assert service.client(revoked.key).get("/v1/payments").status_code == 401
