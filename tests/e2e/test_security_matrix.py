"""Every route of /openapi.json × {no key, malformed key, lower scope, other tenant, revoked, expired}: refused (S-B2). A route that is
missing in the tables below fails."""
import pytest

from conftest import Service, eventually

SCOPES = ["payments:write", "refunds:write", "ledger:write", "rail:write", "risk:write", "read"]
OPEN = {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics"), ("GET", "/openapi.json"), ("GET", "/"), ("GET", "/chart.js")}
CARD = {"type": "card", "token": "tok_ok"}
# route → (scopes that allow it beside admin, body, what a stranger from another tenant sees there: "404" or "own" objects only)
ROUTES = {
    ("POST", "/v1/keys"): ([], {"name": "n", "scopes": ["read"]}, "own"),
    ("GET", "/v1/keys"): ([], None, "own"),
    ("DELETE", "/v1/keys/{id}"): ([], None, "404"),
    ("POST", "/v1/payments"): (["payments:write"], {"amount": 5, "currency": "EUR", "merchant": "m", "payer": "p",
                                                    "instrument": CARD}, "own"),
    ("GET", "/v1/payments"): (["read"], None, "own"),
    ("GET", "/v1/payments/{id}"): (["read"], None, "404"),
    ("GET", "/v1/payments/{id}/events"): (["read"], None, "404"),
    ("GET", "/v1/payments/{id}/postings"): (["read"], None, "404"),
    ("POST", "/v1/payments/{id}/confirm"): (["payments:write"], {}, "404"),
    ("POST", "/v1/payments/{id}/capture"): (["payments:write"], {}, "404"),
    ("POST", "/v1/payments/{id}/cancel"): (["payments:write"], {}, "404"),
    ("POST", "/v1/payments/{id}/reverse"): (["payments:write"], {"reason": "x"}, "404"),
    ("POST", "/v1/payments/{id}/sync"): (["payments:write"], {}, "404"),
    ("POST", "/v1/payments/{id}/rail_result"): (["rail:write"], {"outcome": "approved"}, "404"),
    ("POST", "/v1/payments/{id}/review"): (["risk:write"], {"outcome": "approve", "reason": "x"}, "404"),
    ("POST", "/v1/refunds"): (["refunds:write"], {"payment": "@payment"}, "404"),
    ("GET", "/v1/refunds"): (["read"], None, "own"),
    ("GET", "/v1/refunds/{id}"): (["refunds:write", "read"], None, "404"),
    ("POST", "/v1/simulate/dispute"): (["payments:write"], {"payment": "@payment", "reason": "x"}, "404"),
    ("POST", "/v1/simulate/dispute/{id}"): (["payments:write"], {"outcome": "won"}, "404"),
    ("POST", "/v1/disputes/{id}/challenge"): (["payments:write"], {}, "404"),
    ("POST", "/v1/disputes/{id}/accept"): (["payments:write"], {}, "404"),
    ("GET", "/v1/disputes"): (["read"], None, "own"),
    ("GET", "/v1/disputes/{id}"): (["read"], None, "404"),
    ("GET", "/v1/trades"): (["read"], None, "own"),
    ("POST", "/v1/accounts"): (["ledger:write"], {"name": "fresh", "currency": "EUR", "type": "asset"}, "own"),
    ("GET", "/v1/accounts"): (["read"], None, "own"),
    ("GET", "/v1/accounts/{name}"): (["read"], None, "404"),
    ("GET", "/v1/accounts/{name}/entries"): (["read"], None, "404"),
    ("POST", "/v1/accounts/{name}/freeze"): (["ledger:write"], {}, "404"),
    ("POST", "/v1/accounts/{name}/unfreeze"): (["ledger:write"], {}, "404"),
    ("POST", "/v1/accounts/{name}/close"): (["ledger:write"], {}, "404"),
    ("POST", "/v1/transfers"): (["ledger:write"], {"debit": "till", "credit": "drawer", "amount": 1, "currency": "EUR"}, "422"),
    ("GET", "/v1/transfers"): (["read"], None, "own"),
    ("GET", "/v1/transfers/{id}"): (["ledger:write", "read"], None, "404"),
    ("POST", "/v1/transfers/{id}/post"): (["ledger:write"], {}, "404"),
    ("POST", "/v1/transfers/{id}/void"): (["ledger:write"], {}, "404"),
    ("POST", "/v1/transfers/{id}/revert"): (["ledger:write"], {}, "404"),
    ("POST", "/v1/batch"): (["payments:write", "refunds:write", "ledger:write"], {}, "own"),
    ("POST", "/v1/settlements/close"): (["ledger:write"], {"merchant": "@merchant", "currency": "EUR"}, "422"),
    ("POST", "/v1/settlements/{id}/confirm"): (["ledger:write"], {}, "404"),
    ("POST", "/v1/settlements/{id}/fail"): (["ledger:write"], {}, "404"),
    ("GET", "/v1/settlements"): (["read"], None, "own"),
    ("GET", "/v1/settlements/{id}"): (["read"], None, "404"),
    ("POST", "/v1/risk_events"): (["risk:write"], {"type": "fraud", "kind": "k", "severity": "low", "payment": "@payment"}, "404"),
    ("GET", "/v1/ledger/trial-balance"): (["read"], None, "own"),
    ("GET", "/v1/ledger/verify"): (["read"], None, "own"),
    ("GET", "/v1/events"): (["read"], None, "own"),
    ("GET", "/v1/stream"): (["read"], None, "own"),
    ("GET", "/v1/jobs"): (["read"], None, "own"),
}
ALL = sorted(ROUTES)


class House:
    """A service with one of every object, and the keys to try."""

    def __init__(self, directory):
        self.service = Service(directory).start()
        self.admin = admin = self.service.client()
        self.document = admin.get("/openapi.json").json()
        payment = admin.pay(merchant="house").json()["id"]
        refund = admin.post("/v1/refunds", {"payment": payment, "amount": 1}).json()["id"]
        dispute = admin.post("/v1/simulate/dispute", {"payment": payment, "amount": 1, "reason": "x"}).json()["id"]
        settlement = admin.post("/v1/settlements/close", {"merchant": "house", "currency": "EUR"}).json()["id"]
        for name in ("till", "drawer"):
            admin.post("/v1/accounts", {"name": name, "currency": "EUR", "type": "asset"})
        transfer = admin.post("/v1/transfers", {"debit": "till", "credit": "drawer", "amount": 1, "currency": "EUR",
                                                "pending": True}).json()["id"]
        self.by_scope = {scope: admin.with_scopes(scope) for scope in SCOPES}
        self.stranger = admin.with_scopes("admin", tenant="stranger")
        self.stranger.pay(merchant="stranger")
        self.revoked = admin.with_scopes("admin")
        assert admin.delete(f"/v1/keys/{self.revoked.id}").status_code == 200
        self.expired = admin.with_scopes("admin", expires_in=1)
        eventually(lambda: self.expired.get("/v1/payments").status_code == 401)
        self.ids = {"payments": payment, "refunds": refund, "dispute": dispute, "disputes": dispute, "settlements": settlement,
                    "transfers": transfer, "accounts": "till", "keys": self.by_scope["risk:write"].id}

    def call(self, client, route):
        """The route with ids of the house, by this client."""
        method, pattern = route
        path, body = pattern, ROUTES[route][1]
        if "{" in pattern:
            kind = pattern.split("{")[0].rstrip("/").rsplit("/", 1)[-1]
            path = pattern.replace("{id}", self.ids[kind]).replace("{name}", self.ids[kind])
        if "{name}" in pattern:
            path += "?currency=EUR"
        if body is not None:
            body = {k: {"@payment": self.ids["payments"], "@merchant": "house"}.get(v, v) if isinstance(v, str) else v
                    for k, v in body.items()}
        if method == "GET":
            return client.get(path, stream=pattern == "/v1/stream")
        return client.delete(path) if method == "DELETE" else client.post(path, body)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    it = House(tmp_path_factory.mktemp("house") / "data")
    yield it
    assert it.admin.get("/v1/ledger/verify").json()["ok"]
    assert it.service.stop() == 0
    it.service.remove()


def routes_of(document):
    return {(method.upper(), path) for path, item in document["paths"].items() for method in item
            if method in ("get", "post", "put", "patch", "delete")}


def test_the_matrix_has_every_route(house):
    known = routes_of(house.document)
    assert known - OPEN - set(ROUTES) == set(), "routes that no test refuses"
    assert set(ROUTES) - known == set(), "routes that are gone"


def test_the_document_names_the_scopes(house):
    for method, path in routes_of(house.document) - OPEN:
        operation = house.document["paths"][path][method.lower()]
        assert operation["security"], (method, path)
        assert set(operation["x-scopes"]) - {"admin"} == set(ROUTES[method, path][0]), (method, path)


def test_open_routes_need_no_key(house):
    stranger = house.service.client("")
    stranger.key = None
    for method, path in OPEN & routes_of(house.document):
        assert stranger.get(path).status_code == 200, path


def refused_without_a_key(service, route, headers):
    method, pattern = route
    path = pattern.replace("{id}", "pay_1").replace("{name}", "till")
    return service.client().send(method, path, b"{}" if method == "POST" else None, {"Idempotency-Key": "k", **headers})


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nonsense"}], ids=["no key", "malformed key"])
def test_no_route_without_a_key(tmp_path_factory, headers):
    # 30 bad keys a minute are 401, further ones 429: both refuse; a fresh service sees the 401s.
    for at in range(0, len(ALL), 25):
        service = Service(tmp_path_factory.mktemp("door") / "data").start()
        for route in ALL[at:at + 25]:
            reply = refused_without_a_key(service, route, headers)
            assert reply.status_code == 401, (route, reply.text)
            assert reply.json()["error"]["type"] == "authentication_error"
        assert service.stop() == 0
        service.remove()


@pytest.mark.parametrize("which", ["revoked", "expired"])
def test_no_route_with_a_dead_key(house, which):
    for route in ALL:
        reply = house.call(getattr(house, which), route)
        assert reply.status_code in (401, 429), (route, reply.text)


@pytest.mark.parametrize("scope", SCOPES)
def test_no_route_with_a_lower_scope(house, scope):
    for route in ALL:
        if scope not in ROUTES[route][0]:
            reply = house.call(house.by_scope[scope], route)
            assert reply.status_code == 403, (route, reply.text)


def test_no_route_shows_a_stranger_anything(house):
    for route in ALL:
        if route == ("GET", "/v1/stream"):  # test_events_stream.py
            continue
        reply = house.call(house.stranger, route)
        seen = ROUTES[route][2]
        if seen == "own":
            assert reply.status_code in (200, 201), (route, reply.text)
        else:
            assert reply.status_code == int(seen), (route, reply.text)
        for identity in house.ids.values():
            if identity != "till" and seen == "own":
                assert identity not in reply.text, route
    # and nothing of the house has moved
    assert house.admin.account("till")["debits_pending"] == 1
    assert "frozen" not in house.admin.account("till")["flags"]
    assert house.admin.payment(house.ids["payments"])["refunded"] == 1
    assert house.by_scope["risk:write"].post("/v1/risk_events", {"type": "fraud", "kind": "k", "severity": "low"}).status_code == 201
