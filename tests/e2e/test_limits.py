"""Limits of one client, and the address for admins: requests at once, batches by their lines, what a client is told, who gets in where
(FAULTS S-B6, S-B8)."""
import itertools
import json
import re
import socket
import threading
import time

import pytest

from conftest import Client, eventually
from faulty import Small

SCOPES = ["payments:write", "refunds:write", "ledger:write", "rail:write", "risk:write", "read"]


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    it = Small(tmp_path_factory.mktemp("limits") / "template")
    yield it
    it.remove()


@pytest.fixture
def copy(template, directory):
    it = Small(directory, template=template)
    yield it
    if it.is_running:
        assert it.stop() == 0
    it.remove()


_batches = itertools.count(1)


def batch(client, count):
    number = next(_batches)
    lines = [{"op": "payment.create", "key": f"limits-{number}-{i}", "amount": 1, "currency": "EUR", "merchant": "m", "payer": "p",
              "instrument": {"type": "card", "token": "tok_ok"}} for i in range(count)]
    return client.post("/v1/batch", data="\n".join(map(json.dumps, lines)))


def batch_when_told(client, count):
    """Sends the batch; when refused, again after the time that the reply names, as a client should. Asking all the time would use up
    what comes back of the allowance."""
    for _ in range(10):
        reply = batch(client, count)
        if reply.status_code != 429:
            return reply
        time.sleep(int(reply.headers["Retry-After"]))
    return reply


def batches_until_refused(client, count, rate):
    """(the reply that refuses, lines taken before it). What comes back of the allowance while the machine is slow is allowed for."""
    taken, began = 0, time.monotonic()
    while (reply := batch(client, count)).status_code == 200:
        taken += count
        assert taken <= rate + rate * (time.monotonic() - began), "more than the allowance and what came back of it"
    return reply, taken


# ── requests at once ──

def test_a_key_has_so_many_requests_at_once_and_no_more(copy):
    """Streams stay under way: two of them are all that this key may have. Another key is not concerned."""
    copy.start("-D", "limits.concurrent_per_key=2")
    admin = copy.client()
    one, other = admin.with_scopes("read"), admin.with_scopes("read")
    streams = [one.get("/v1/stream", stream=True) for _ in range(2)]
    assert [stream.status_code for stream in streams] == [200, 200]
    for _ in range(20):
        reply = one.get("/v1/payments")
        assert (reply.status_code, reply.json()["error"]["code"]) == (429, "too_many_concurrent")
        assert int(reply.headers["Retry-After"]) >= 1
        assert other.get("/v1/payments").status_code == 200
    streams[0].close()
    eventually(lambda: one.get("/v1/payments").status_code == 200)
    for _ in range(20):  # what is answered is not counted any more
        assert one.get("/v1/payments").status_code == 200
    streams[1].close()


def test_requests_that_end_badly_are_not_counted_for_ever(copy):
    copy.start("-D", "limits.concurrent_per_key=2")
    client = copy.client()
    host, port = copy.url.partition("://")[2].split(":")
    head = (f"POST /v1/payments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {copy.key}\r\nIdempotency-Key: k\r\n"
            "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(20):
        half = socket.create_connection((host, int(port)))
        half.sendall(head.encode() + b"{")
        half.close()  # never completes: on_abort
        assert client.post("/v1/payments", {"amount": "x"}).status_code in (400, 429)
    eventually(lambda: client.pay().status_code == 201)
    for _ in range(20):
        assert client.post("/v1/payments", {"amount": "x"}).status_code == 400
        assert client.get("/v1/payments/pay_unknown").status_code == 404


# ── batches cost what they hold ──

def test_a_batch_costs_as_many_requests_as_it_has_lines(copy):
    copy.start("-D", "rate.key=100")
    admin = copy.client()
    client = admin.with_scopes("payments:write")
    reply, taken = batches_until_refused(client, 60, 100)
    assert taken >= 60
    assert (reply.status_code, reply.json()["error"]["code"]) == (429, "rate_limited")
    assert int(reply.headers["Retry-After"]) >= 1
    # One that is larger than the whole allowance can be paid for by waiting, and takes all of it.
    reply = batch_when_told(client, 500)
    assert reply.status_code == 200 and int(reply.headers["RateLimit-Remaining"]) < 50
    assert batch(admin, 60).status_code == 200


def test_a_batch_costs_its_address_as_many_too(copy):
    copy.start("-D", "rate.key=50", "-D", "rate.address=400")
    admin = copy.client()
    clients = [admin.with_scopes("payments:write") for _ in range(6)]
    # The first takes all of its key's allowance and of the address's; a second has to pass before the next one fits.
    replies = [batch_when_told(clients[0], 400), *[batch(client, 400) for client in clients[1:]]]
    assert replies[0].status_code == 200
    refused = next(i for i, reply in enumerate(replies) if reply.status_code == 429)
    assert replies[refused].json()["error"]["code"] == "rate_limited"
    # Its key has paid for the request alone, not for its lines: half a second gives the address room for 45, but would not the key.
    time.sleep(0.5)
    assert batch(clients[refused], 45).status_code == 200
    assert batch_when_told(clients[refused], 400).status_code == 200


def test_every_reply_tells_what_is_left(copy):
    copy.start("-D", "rate.key=50")
    client = copy.client().with_scopes("read")
    before = client.get("/v1/payments")
    assert int(before.headers["RateLimit-Limit"]) == 50
    assert 45 <= int(before.headers["RateLimit-Remaining"]) <= 49
    assert int(before.headers["RateLimit-Reset"]) == 1
    replies = [before]
    while replies[-1].status_code != 429:
        replies.append(client.get("/v1/payments"))
        assert len(replies) < 10_000
    lefts = [int(reply.headers["RateLimit-Remaining"]) for reply in replies]
    refused = [reply for reply in replies if reply.status_code == 429]
    assert refused and all(reply.headers["RateLimit-Remaining"] == "0" for reply in refused)
    assert max(lefts) < 50 and min(lefts) == 0
    assert client.get("/v1/payments/x").headers["RateLimit-Limit"] == "50"
    client.key = None
    assert "RateLimit-Limit" not in client.get("/healthz").headers


# ── the address for admins ──

@pytest.fixture
def split(copy):
    """The service with two addresses: (client, client of the admin's address)."""
    copy.start("-D", "admin.listen=127.0.0.1:0")
    address = eventually(lambda: re.findall(r"admins at (\S+)", copy.log.read_text()))[-1]
    assert address != copy.url

    class There:
        url = address

    return copy.client(), Client(There, copy.key)


def test_what_needs_an_admin_is_served_at_the_admins_address_alone(split):
    here, there = split
    key = {"name": "n", "scopes": SCOPES}
    assert here.post("/v1/keys", key).status_code == 404
    assert here.get("/v1/keys").status_code == 404
    assert here.delete("/v1/keys/key_1").status_code == 404
    assert here.get("/v1/keys").json()["error"]["code"] == "route_unknown"
    assert there.get("/v1/keys").status_code == 200
    made = there.post("/v1/keys", key)
    assert made.status_code == 201
    assert there.delete(f"/v1/keys/{made.json()['id']}").status_code == 200
    # Each of the two that changed something is in the audit log (S-B8).
    lines = eventually(lambda: [line for line in open(here.service.directory / "audit.log") if f'"{made.json()["id"]}"' in line][1:])
    assert len(lines) == 1 and '"key.revoke"' in lines[0]


def test_an_admin_key_is_no_admin_elsewhere(split):
    here, there = split
    assert here.pay().status_code == 201
    assert here.get("/v1/payments").status_code == 200
    money = {"debit": "world", "credit": "payer:alice", "amount": 5, "currency": "EUR"}
    refused = here.post("/v1/transfers", {**money, "credit": "scheme_receivable:simulator"})
    assert refused.status_code == 403, refused.text
    assert there.post("/v1/transfers", money).status_code == 201


def test_other_keys_may_do_nothing_at_the_admins_address(split):
    here, there = split
    reply = there.post("/v1/keys", {"name": "n", "scopes": SCOPES})
    plain = Client(there.service, reply.json()["secret"])
    for attempt in (lambda: plain.get("/v1/payments"), lambda: plain.get("/v1/keys"), lambda: plain.pay(),
                    lambda: plain.post("/v1/keys", {"name": "n", "scopes": ["read"]})):
        assert attempt().status_code == 403
    assert Client(here.service, plain.key).pay().status_code == 201
    plain.key = None
    assert plain.get("/v1/keys").status_code == 401
    assert plain.get("/healthz").status_code == plain.get("/metrics").status_code == 200


def test_admins_get_in_when_all_other_connections_are_taken(copy):
    copy.start("-D", "admin.listen=127.0.0.1:0", "-D", "http.connections=20")
    address = eventually(lambda: re.findall(r"admins at http://(\S+)", copy.log.read_text()))[-1]
    host, port = copy.url.partition("://")[2].split(":")
    held = [socket.create_connection((host, int(port))) for _ in range(30)]

    class There:
        url = "http://" + address

    threads = [threading.Thread(target=lambda: found.append(Client(There, copy.key).get("/v1/keys").status_code)) for _ in range(5)]
    found = []
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [200] * 5
    for connection in held:
        connection.close()
