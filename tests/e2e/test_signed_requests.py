"""Signed requests (FAULTS S-B3): whatever was altered, recorded or is too old is 401, also after a restart."""
import hashlib
import hmac
import http.client
import json
import secrets
import time

import pytest

from conftest import run
from faulty import Small

BODY = json.dumps({"amount": 4200, "currency": "EUR", "merchant": "shop", "payer": "alice",
                   "instrument": {"type": "card", "token": "tok_ok"}}).encode()
SIGNED = ["-D", "http.require_signature=true"]


def sign(key, method, target, body, headers, timestamp=None, nonce=None):
    """The three headers, as docs/api.md says."""
    timestamp = str(int(time.time()) if timestamp is None else timestamp)
    nonce = nonce or secrets.token_hex(16)
    path, _, query = target.partition("?")
    text = "\n".join([method, path, query, headers.get("Idempotency-Key", ""), hashlib.sha256(body or b"").hexdigest(), timestamp, nonce])
    signing_key = hmac.new(key.encode(), b"paystream request signature 1", "sha256").digest()
    return {"Paystream-Timestamp": timestamp, "Paystream-Nonce": nonce,
            "Paystream-Signature": hmac.new(signing_key, text.encode(), "sha256").hexdigest()}


class Signer:
    def __init__(self, service):
        self.service = service

    def request(self, method="POST", target="/v1/payments", body=BODY, **options):
        """One request, signed: what is to be sent."""
        headers = {"Authorization": f"Bearer {self.service.key}"}
        if method == "POST":
            headers["Idempotency-Key"] = "".join(secrets.choice("abcdefghijkmnp") for _ in range(16))  # digits can look like a card number
        return [method, target, body, {**headers, **sign(self.service.key, method, target, body, headers, **options)}]

    def send(self, method, target, body, headers):
        host, port = self.service.url.partition("://")[2].split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        connection.request(method, target, body, headers)
        reply = connection.getresponse()
        found = reply.status, json.loads(reply.read() or b"{}")
        connection.close()
        return found

    def refused(self, request, code):
        status, body = self.send(*request)
        return (status, body["error"]["code"]) == (401, code) or pytest.fail(f"{status} {body}")


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    it = Small(tmp_path_factory.mktemp("signed") / "template")
    yield it
    it.remove()


@pytest.fixture(scope="module")
def running(tmp_path_factory, template):
    it = Small(tmp_path_factory.mktemp("signed") / "data", *SIGNED, template=template).start()
    yield it
    assert it.stop() == 0
    it.remove()


@pytest.fixture
def signer(running):
    return Signer(running)


def test_a_signed_request_is_taken(signer):
    assert signer.send(*signer.request())[0] == 201
    assert signer.send(*signer.request("GET", "/v1/payments?merchant=shop&limit=5", b""))[0] == 200
    for target in ("/healthz", "/readyz", "/openapi.json"):
        assert signer.send("GET", target, None, {})[0] == 200, "what needs no key needs no signature"


def test_every_altered_byte_is_refused(signer):
    """Each position of the target, the body, the Idempotency-Key and the three headers."""
    method, target, body, headers = request = signer.request()
    for at in range(len(body)):
        changed = bytearray(body)
        changed[at] ^= 1
        signer.refused([method, target, bytes(changed), headers], "signature_wrong")
    signer.refused([method, target, body + b" ", headers], "signature_wrong")
    signer.refused([method, target, body[:-1], headers], "signature_wrong")
    for name in ("Idempotency-Key", "Paystream-Nonce", "Paystream-Signature"):
        for at in range(len(headers[name])):
            text = headers[name][:at] + ("0" if headers[name][at] != "0" else "1") + headers[name][at + 1:]
            signer.refused([method, target, body, {**headers, name: text}], "signature_wrong")
    timestamp = headers["Paystream-Timestamp"]
    for change in (-2, -1, 1, 2):
        signer.refused([method, target, body, {**headers, "Paystream-Timestamp": str(int(timestamp) + change)}], "signature_wrong")
    # None of these attempts has spent the nonce.
    assert signer.send(*request)[0] == 201


def test_method_path_and_query_are_bound(signer):
    _, _, _, headers = signer.request("GET", "/v1/payments?merchant=shop&limit=5", b"")
    for target in ("/v1/payments?limit=5&merchant=shop", "/v1/payments?merchant=shop&limit=6", "/v1/payments", "/v1/refunds?merchant=shop&limit=5",
                   "/v1/payments?merchant=shop&limit=5&"):
        signer.refused(["GET", target, b"", headers], "signature_wrong")
    signer.refused(["POST", "/v1/payments?merchant=shop&limit=5", b"", {**headers, "Idempotency-Key": ""}], "signature_wrong")
    assert signer.send("GET", "/v1/payments?merchant=shop&limit=5", b"", headers)[0] == 200


@pytest.mark.parametrize("name", ["Paystream-Timestamp", "Paystream-Nonce", "Paystream-Signature"])
def test_a_missing_header_is_refused(signer, name):
    method, target, body, headers = signer.request()
    signer.refused([method, target, body, {k: v for k, v in headers.items() if k != name}], "signature_missing")
    signer.refused([method, target, body, {**headers, name: "?"}], "signature_malformed")


@pytest.mark.parametrize("away", [-400, -302, 302, 400])
def test_a_timestamp_far_away_is_refused(signer, away):
    signer.refused(signer.request(timestamp=int(time.time()) + away), "signature_stale")


@pytest.mark.parametrize("away", [-290, 290])
def test_a_timestamp_within_five_minutes_is_taken(signer, away):
    assert signer.send(*signer.request(timestamp=int(time.time()) + away))[0] == 201


def test_another_keys_signature_is_refused(signer):
    method, target, body, headers = signer.request()
    signer.refused([method, target, body, {**headers, **sign("ps_test_" + "0" * 64, method, target, body, headers)}], "signature_wrong")


def test_a_replay_is_refused(signer):
    request = signer.request()
    assert signer.send(*request)[0] == 201
    for _ in range(3):
        signer.refused(request, "signature_replayed")
    # A retry of the client signs anew, and has the first answer.
    method, target, body, headers = request
    again = {**headers, **sign(signer.service.key, method, target, body, headers)}
    assert signer.send(method, target, body, again)[0] == 201


def test_load_signs_when_it_is_told_to(running):
    def load(*more):
        done = run("load", "--url", running.url, "--key", running.key, "--connections", 2, "--seconds", 1, "--rate", 50, "--json", "--quiet", *more)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["status"]

    assert set(load()) == {"401"}
    assert set(load("--sign")) <= {"201", "402"}
    assert set(load("--sign", "--batch", 10)) == {"200"}
    assert set(load("--sign", "--mix", "demo")) <= {"200", "201", "402"}


@pytest.mark.parametrize("ahead", [0, 250])
@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_replay_after_a_restart_is_refused(template, tmp_path, end, ahead):
    """Also of a client whose clock is ahead: its timestamp is after the restart."""
    service = Small(tmp_path / "data", *SIGNED, template=template).start()
    signer = Signer(service)
    requests = [signer.request(timestamp=int(time.time()) + ahead) for _ in range(20)]
    requests += [signer.request("GET", "/v1/payments", b"", timestamp=int(time.time()) + ahead)]
    assert {signer.send(*request)[0] for request in requests} == {200, 201}
    service.kill() if end == "kill" else service.stop()
    service.start()
    for request in requests:
        signer.refused(request, "signature_replayed")
    assert signer.send(*signer.request())[0] == 201
    assert service.stop() == 0
    service.remove()


def test_more_signed_requests_than_are_remembered_wait(template, tmp_path):
    service = Small(tmp_path / "data", *SIGNED, "-D", "limits.nonces=1000", template=template).start()
    signer = Signer(service)
    for _ in range(1000):
        assert signer.send(*signer.request("GET", "/v1/ledger/trial-balance", b""))[0] == 200
    status, body = signer.send(*signer.request("GET", "/v1/ledger/trial-balance", b""))
    assert (status, body["error"]["code"]) == (503, "signature_unavailable")
    assert service.stop() == 0
    service.remove()
