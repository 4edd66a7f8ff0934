"""Input that is refused: every 400 with its field, hostile JSON, and card numbers, of which not one byte is kept."""
import base64
import itertools
import json
import urllib.parse

import pytest

from conftest import Service

INSTRUMENT = {"type": "card", "token": "tok_ok"}
BODY = {"amount": 1000, "currency": "EUR", "merchant": "shop", "payer": "alice", "instrument": INSTRUMENT}
ABSENT = object()


def with_change(path, value):
    """BODY with the field at a dotted path set, or left out."""
    body = json.loads(json.dumps(BODY))
    at = body
    *parents, last = path.split(".")
    for part in parents:
        at = at.setdefault(part, {})
    if value is ABSENT:
        at.pop(last, None)
    else:
        at[last] = value
    return body


MISSING = ["amount", "currency", "merchant", "payer", "instrument", "instrument.type"]
INVALID = [
    ("amount", [0, -1, 1.5, 1.0, "1000", True, [], {}, 2**63, 2**64, 10**30]),
    ("currency", ["eur", "EURO", "XXY", "", 978, "€"]),
    ("merchant", ["", "a b", "a/b", "ä", "x" * 65, 7, "a\n", ["a"]]),
    ("payer", ["", "a b", "x" * 65, 7, False]),
    ("instrument", ["card", [], 1]),
    ("instrument.type", ["cash", 1, ""]),
    ("instrument.token", [7, "", "a b"]),
    ("instrument.bin", ["41111", "411111111", "41111a", 411111]),
    ("instrument.last4", ["111", "11111", "abcd", 1111]),
    ("instrument.exp", ["2028", "04/28", "2028-13", "2028-00", "2028-4", 202804]),
    ("instrument.country", ["DEU", "D E", 1]),
    ("capture_method", ["later", 1, "Automatic"]),
    ("confirm", ["true", 1, 0]),
    ("reference", ["x" * 256, 7, ["r"]]),
    ("description", ["x" * 1001, 7]),
    ("metadata", ["x", [], {"k": 1}, {"k": None}, {"k" * 41: "v"}, {"k": "v" * 501}, {"": "v"}, {str(i): "v" for i in range(51)}]),
    ("expires_in", [0, -1, "60", 1.5, 10**10]),
    ("fee", [-1, "1", 1.5]),
    ("context", ["x", []]),
    ("context.ip", [7]),
]
INVALID_ROWS = [(path, value) for path, values in INVALID for value in values]


@pytest.mark.parametrize("path", MISSING)
@pytest.mark.parametrize("how", ["absent", "null"])
def test_a_missing_field_is_named(client, path, how):
    reply = client.post("/v1/payments", with_change(path, ABSENT if how == "absent" else None))
    assert reply.status_code == 400
    error = reply.json()["error"]
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", "parameter_missing", path)
    assert set(error) == {"type", "code", "message", "param", "request_id"}
    assert error["request_id"] == reply.headers["Request-Id"]


@pytest.mark.parametrize("path,value", INVALID_ROWS, ids=[f"{p}-{i}" for i, (p, _) in enumerate(INVALID_ROWS)])
def test_an_invalid_field_is_named(client, path, value):
    reply = client.post("/v1/payments", with_change(path, value))
    assert reply.status_code == 400, reply.text
    error = reply.json()["error"]
    assert error["code"] == "parameter_invalid", error
    assert error["param"].split("[")[0] == path or error["param"].startswith(path), error


@pytest.mark.parametrize("path", ["colour", "Amount", "instrument.colour", "context.colour", "object", "status"])
def test_an_unknown_field_is_named(client, path):
    reply = client.post("/v1/payments", with_change(path, "x"))
    assert reply.status_code == 400
    assert (reply.json()["error"]["code"], reply.json()["error"]["param"]) == ("parameter_unknown", path)


@pytest.mark.parametrize("path", ["reference", "description", "metadata", "expires_in", "fee", "context", "id", "capture_method",
                                  "confirm", "instrument.bin", "context.ip"])
def test_an_optional_null_is_absent(client, path):
    assert client.post("/v1/payments", with_change(path, None)).status_code == 201


@pytest.mark.parametrize("path,value", [
    ("reference", "x" * 255), ("description", "é" * 500), ("metadata", {"k" * 40: "v" * 500}), ("merchant", "x" * 64),
    ("metadata", {str(i): "v" for i in range(50)}), ("merchant", "A.b_c:d-9"), ("instrument.bin", "41111111"),
    ("description", "line\nbreak \U0001f600 \"quoted\" \\"),
])
def test_the_largest_legal_values_are_taken_and_come_back(client, path, value):
    reply = client.post("/v1/payments", with_change(path, value))
    assert reply.status_code == 201, reply.text
    shown = client.payment(reply.json()["id"])
    for part in path.split("."):
        shown = shown[part]
    assert shown == value


def test_a_card_needs_its_token_and_a_wallet_has_none(client):
    assert client.post("/v1/payments", with_change("instrument", {"type": "card"})).status_code == 400
    assert client.post("/v1/payments", with_change("instrument", {"type": "wallet", "token": "tok_ok"})).status_code == 400


# ── JSON ──

GOOD = json.dumps(BODY)
JSON_REFUSED = [
    "", " ", "null", "[]", "1", '"x"', "{", GOOD[:-1], GOOD + "x", GOOD + GOOD, "\ufeff" + GOOD, "{'amount':1}", "{amount:1}",
    GOOD.replace("1000", "1e3"), GOOD.replace("1000", "1000.0"), GOOD.replace("1000", "+1000"), GOOD.replace("1000", "01000"),
    GOOD.replace("1000", "-0"), GOOD.replace("1000", "NaN"), GOOD.replace("1000", "Infinity"), GOOD.replace("1000", "0x10"),
    GOOD[:-1] + ",}", GOOD[:-1] + ',"amount":1000}', GOOD.replace("alice", "al\tice"), GOOD.replace("alice", "al\\xice"),
    GOOD.replace("alice", "\\ud800"), GOOD.replace("alice", "\\u00"), "/* */" + GOOD, GOOD.replace(":", "=", 1),
    GOOD[:-1] + ',"metadata":{"a":"1","a":"2"}}', GOOD[:-1] + ',"description":' + "[" * 100_000,
    GOOD[:-1] + ',"description":' + "[" * 65 + "]" * 65 + "}", GOOD.replace("1000", "1" * 60_000),
]


@pytest.mark.parametrize("text", JSON_REFUSED, ids=range(len(JSON_REFUSED)))
def test_what_is_not_json_is_400(client, text):
    reply = client.post("/v1/payments", data=text.encode("utf-8", "surrogatepass"))
    assert reply.status_code == (413 if len(text) > 65536 else 400), reply.text
    assert reply.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("bad", [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80"])
def test_invalid_utf8_is_400(client, bad):
    text = json.dumps({**BODY, "description": "@"}).encode().replace(b"@", bad)
    assert client.post("/v1/payments", data=text).status_code == 400


def test_escapes_and_whitespace_are_understood(client):
    text = GOOD.replace("alice", "\\u0061lice").replace(",", " ,\r\n\t")
    reply = client.post("/v1/payments", data=text)
    assert (reply.status_code, reply.json()["payer"]) == (201, "alice")


def test_a_body_over_64_kib_is_413(client):
    for size, status in ((65536, 201), (65537, 413)):
        text = GOOD + " " * (size - len(GOOD))
        assert client.post("/v1/payments", data=text).status_code == status


@pytest.mark.parametrize("path,method,status", [
    ("/v1/nothing", "GET", 404), ("/v2/payments", "GET", 404), ("/v1/payments/", "GET", 404), ("/v1/payments", "DELETE", 405),
    ("/v1/payments", "PUT", 405), ("/v1/payments/x/capture", "GET", 405), ("/healthz", "POST", 405), ("/v1//payments", "GET", 404),
])
def test_unknown_routes_and_methods(client, shared, path, method, status):
    reply = client.send(method, path, headers={"Authorization": f"Bearer {shared.key}"})
    assert reply.status_code == status
    assert reply.json()["error"]["code"]
    if status == 405:
        assert "Allow" in reply.headers


def test_another_content_type_is_refused_or_read_as_json(client):
    reply = client.post("/v1/payments", data="amount=1", headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert reply.status_code in (400, 415)


# ── card numbers ──

def luhn_digit(digits):
    total = 0
    for i, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if i % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


_numbers = itertools.count(7_340_000_271, 98_765_431)


def pan(size=16):
    """A marker: digits that pass Luhn and occur nowhere else."""
    stem = ("4" + str(next(_numbers)) * 2)[:size - 1]
    return stem + luhn_digit(stem)


def spaced(number, gap=" "):
    return gap.join(number[i:i + 4] for i in range(0, len(number), 4))


def encodings(number):
    """The forms in which a number could lie on a disk."""
    text = number.encode()
    yield text
    yield spaced(number).encode()
    yield spaced(number, "-").encode()
    yield bytes.fromhex(number + "0" * (len(number) % 2))
    yield number.encode("utf-16-le")
    yield number.encode("utf-16-be")
    yield text.hex().encode()
    yield text.hex().upper().encode()
    yield "".join(f"%{byte:02x}" for byte in text).encode()
    yield text[::-1]
    yield int(number).to_bytes(8, "little")
    yield int(number).to_bytes(8, "big")
    for shift in range(3):  # base64 at each alignment; the ends depend on what stands around
        yield base64.b64encode(b"x" * shift + text)[4 if shift else 0:-4]


def card_attempts(client, live):
    """(what, reply, marker): a card number in every place that takes text."""
    number = pan()

    def fresh():
        nonlocal number
        number = pan()
        return number

    texts = ["description", "reference", "merchant", "payer", "id", "metadata.key", "instrument.token", "instrument.bin",
             "instrument.last4", "instrument.exp", "instrument.number", "instrument.country", "context.ip", "context.device",
             "context.email", "context.user_agent", "context.channel", "capture_method", "currency", "unknown", "context.deep"]
    for path in texts:
        yield path, client.post("/v1/payments", with_change(path, fresh())), number
    for path in ("description", "reference", "metadata.key", "context.device"):
        yield path + " spaced", client.post("/v1/payments", with_change(path, "card " + spaced(fresh()))), number
        yield path + " dashed", client.post("/v1/payments", with_change(path, spaced(fresh(), "-") + " x")), number
        yield path + " inside", client.post("/v1/payments", with_change(path, f"abc{fresh()}xyz")), number
    yield "metadata key", client.post("/v1/payments", with_change("metadata", {fresh(): "v"})), number
    yield "a field's name", client.post("/v1/payments", {**BODY, fresh(): 1}), number
    yield "as a number", client.post("/v1/payments", data=GOOD[:-1] + f',"description":{fresh()}}}'), number
    yield "as a number of metadata", client.post("/v1/payments", data=GOOD[:-1] + f',"metadata":{{"k":{fresh()}}}}}'), number
    yield "escaped", client.post("/v1/payments", data=GOOD[:-1] + ',"description":"' + "".join(
        f"\\u{ord(c):04x}" for c in fresh()) + '"}'), number
    for size in (13, 15, 19):
        number = pan(size)
        yield f"{size} digits", client.post("/v1/payments", with_change("description", number)), number
    for what, path, body in (
            ("refund reason", "/v1/refunds", {"payment": live, "reason": "@"}),
            ("refund reference", "/v1/refunds", {"payment": live, "reference": "@"}),
            ("refund payment", "/v1/refunds", {"payment": "@"}),
            ("reverse", f"/v1/payments/{live}/reverse", {"reason": "@"}),
            ("rail result", f"/v1/payments/{live}/rail_result", {"outcome": "approved", "rail_reference": "@"}),
            ("dispute", "/v1/simulate/dispute", {"payment": live, "reason": "@"}),
            ("account", "/v1/accounts", {"name": "@", "currency": "EUR", "type": "asset"}),
            ("transfer", "/v1/transfers", {"debit": "@", "credit": "world", "amount": 1, "currency": "EUR"}),
            ("transfer reference", "/v1/transfers", {"debit": "world", "credit": "payer:x", "amount": 1, "currency": "EUR",
                                                     "reference": "@"}),
            ("settlement", "/v1/settlements/close", {"merchant": "@", "currency": "EUR"}),
            ("risk data", "/v1/risk_events", {"type": "fraud", "kind": "k", "severity": "low", "data": {"a": [{"b": "@"}]}}),
            ("risk data key", "/v1/risk_events", {"type": "fraud", "kind": "k", "severity": "low", "data": {"@": 1}}),
            ("risk entity", "/v1/risk_events", {"type": "fraud", "kind": "k", "severity": "low", "entity": "@"}),
            ("key name", "/v1/keys", {"name": "@", "scopes": ["read"]})):
        yield what, client.post(path, json.loads(json.dumps(body).replace("@", fresh()))), number
    yield "risk number", client.post("/v1/risk_events", {"type": "fraud", "kind": "k", "severity": "low",
                                                         "data": {"n": int(fresh())}}), number
    yield "path", client.get(f"/v1/payments/{fresh()}"), number
    yield "path of an account", client.get(f"/v1/accounts/{fresh()}?currency=EUR"), number
    yield "path of a POST", client.post(f"/v1/payments/pay_{fresh()}/capture"), number
    yield "query", client.get("/v1/payments", params={"reference": fresh()}), number
    yield "query spaced", client.get("/v1/payments", params={"reference": spaced(fresh())}), number
    yield "query key", client.get(f"/v1/payments?{fresh()}=1"), number
    yield "query metadata", client.get("/v1/payments", params={"metadata[k]": fresh()}), number
    yield "query escaped", client.get("/v1/payments?reference=" + "".join(f"%{ord(c):02x}" for c in fresh())), number
    yield "idempotency key", client.post("/v1/payments", BODY, idempotency=fresh()), number
    yield "idempotency key inside", client.post("/v1/payments", BODY, idempotency=f"order-{fresh()}"), number
    yield "any header", client.send("GET", "/v1/payments", headers={"Authorization": f"Bearer {client.key}",
                                                                    "X-Note": fresh()}), number
    for secret in ("cvv", "cvc", "CVV2", "pin"):
        yield secret, client.post("/v1/payments", with_change("instrument." + secret, "123")), None
    yield "cvv at the top", client.post("/v1/payments", {**BODY, "cvv": "123"}), None
    yield "cvv in metadata", client.post("/v1/payments", with_change("metadata", {"cvv": "123"})), None


def test_no_card_number_is_taken_or_kept(tmp_path):
    service = Service(tmp_path / "data").start()
    client = service.client()
    live = client.pay().json()["id"]
    markers, kept = [], []
    for what, reply, marker in card_attempts(client, live):
        assert reply.status_code == 400, (what, reply.text)
        assert reply.json()["error"]["code"] == "pan_not_accepted", (what, reply.text)
        kept += [reply.content, str(reply.headers).encode()]
        if marker:
            markers.append(marker)
    lines = [json.dumps({"op": "payment.create", "key": f"pan-{i}", **BODY, "description": pan()}) for i in range(3)]
    lines += [json.dumps({"op": "payment.create", "key": pan(), **BODY}), '{"op":"' + pan() + '"}', "{" + pan()]
    reply = client.post("/v1/batch", data="\n".join(lines))
    found = [json.loads(line) for line in reply.text.splitlines()]
    assert [one["status"] for one in found] == [400] * 6
    assert [one["body"]["error"]["code"] for one in found[:4]] == ["pan_not_accepted"] * 4
    kept.append(reply.content)
    for text in lines:
        digits = max("".join(c if c.isdigit() else " " for c in text).split(), key=len)
        markers.append(digits)
    kept += [client.get(path).content for path in ("/metrics", "/v1/events?limit=1000", "/v1/payments", "/v1/keys", "/openapi.json")]
    service.kill()
    service.start()
    assert service.stop() == 0
    kept += [path.read_bytes().rstrip(b"\0") for path in [*service.directory.rglob("*"), service.log] if path.is_file()]
    assert any(live.encode() in data for data in kept)
    service.remove()
    haystack = b"\n".join(kept)
    for marker in markers:
        assert len(marker) >= 13
        for form in encodings(marker):
            assert form not in haystack, (marker, form)


def test_what_only_looks_like_a_card_number_is_taken(client):
    number = pan()
    broken = number[:-1] + str((int(number[-1]) + 1) % 10)
    for text in (broken, number[:12], "4111 1111  1111 1111", "1234567890", "order 2026-11-24 no 17"):
        assert client.post("/v1/payments", with_change("description", text)).status_code == 201, text
    card_like = 1_000_000_000_000 + 8
    assert client.pay(int(pan(13)) % 10**15).status_code == 201, "an amount is an amount"
    assert client.pay(card_like).status_code == 201


def test_our_own_ids_are_never_taken_for_cards(client):
    for _ in range(300):
        payment = client.pay(1).json()["id"]
        reply = client.get(f"/v1/payments/{payment}")
        assert reply.status_code == 200
