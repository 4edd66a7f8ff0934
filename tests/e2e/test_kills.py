"""kill -9 of the real process under traffic. The oracle of what was acknowledged lives outside of the victim: after every restart each
acknowledged payment and refund is there exactly once with its amount, and what was in flight is there once or not at all.
PS_FULL=1: 300 kills instead of 12."""
import http.client
import json
import os
import random
import re
import signal
import subprocess
import threading
import time

import pytest

import checker
from conftest import PROGRAM, run

FULL = os.environ.get("PS_FULL") == "1"
WORKERS = 6


class Oracle:
    """Everything sent, and what was answered."""

    def __init__(self):
        self.lock = threading.Lock()
        self.acked = {}      # payment id → amount; "pay_ROUND-WORKER-NUMBER" of merchant "victim.ROUND"
        self.in_flight = {}  # payment id → amount, sent but not answered
        self.refunded = {}   # payment id → amount of an acknowledged refund
        self.refund_in_flight = {}
        self.unexpected = []


def round_of(identity):
    return identity.removeprefix("pay_").split("-")[0]


def merchant_of(identity):
    return f"victim.{round_of(identity)}"


class Worker(threading.Thread):
    """Sends payments, a refund now and then, and small batches until the connection breaks."""

    def __init__(self, service, oracle, name, random_numbers):
        super().__init__(daemon=True)
        self.service, self.oracle, self.prefix, self.random = service, oracle, name, random_numbers
        self.count = 0

    def call(self, connection, path, body, key):
        connection.request("POST", path, body, {"Authorization": f"Bearer {self.service.key}", "Idempotency-Key": key})
        reply = connection.getresponse()
        return reply.status, reply.read()

    def payment(self):
        self.count += 1
        identity, amount = f"pay_{self.prefix}-{self.count}", self.random.randint(1, 10_000)
        with self.oracle.lock:
            self.oracle.in_flight[identity] = amount
        return identity, {"id": identity, "amount": amount, "currency": "EUR", "merchant": merchant_of(identity), "payer": "crowd",
                          "instrument": {"type": "card", "token": "tok_ok"}}

    def acknowledge(self, identity, body):
        with self.oracle.lock:
            amount = self.oracle.in_flight.pop(identity)
            if (body["id"], body["amount"], body["status"]) != (identity, amount, "captured"):
                self.oracle.unexpected.append(body)
            self.oracle.acked[identity] = amount

    def one(self, connection):
        identity, body = self.payment()
        status, text = self.call(connection, "/v1/payments", json.dumps(body), identity)
        assert status == 201, text
        self.acknowledge(identity, json.loads(text))
        if self.random.random() < 0.2:
            amount = self.random.randint(1, body["amount"])
            with self.oracle.lock:
                self.oracle.refund_in_flight[identity] = amount
            status, text = self.call(connection, "/v1/refunds", json.dumps({"payment": identity, "amount": amount}), identity)
            assert status == 201, text
            with self.oracle.lock:
                self.oracle.refunded[identity] = self.oracle.refund_in_flight.pop(identity)

    def many(self, connection):
        made = [self.payment() for _ in range(20)]
        lines = "\n".join(json.dumps({"op": "payment.create", "key": identity, **body}) for identity, body in made)
        status, text = self.call(connection, "/v1/batch", lines, made[0][0])
        assert status == 200, text
        for (identity, _), line in zip(made, text.splitlines(), strict=True):
            self.acknowledge(identity, json.loads(line)["body"])

    def run(self):
        host, port = self.service.url.removeprefix("http://").split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        try:
            while True:
                self.many(connection) if self.random.random() < 0.1 else self.one(connection)
        except (OSError, http.client.HTTPException):
            pass
        except Exception as error:
            with self.oracle.lock:
                self.oracle.unexpected.append(repr(error))


def kill_while_starting(service, random_numbers):
    """A kill somewhere in recovery."""
    process = subprocess.Popen([PROGRAM, "serve", "--data", str(service.directory), "--listen", "127.0.0.1:0"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(random_numbers.uniform(0, 0.08))
    process.send_signal(signal.SIGKILL)
    process.wait()


def look_up(client, merchant):
    """Payment id → what is there, through the list; an id that comes twice fails."""
    found = {}
    for payment in client.walk("/v1/payments", merchant=merchant, limit=100):
        assert payment["id"] not in found, f"{payment['id']} is there twice"
        found[payment["id"]] = payment
    return found


def settle_up(service, oracle, name):
    """After a restart: compares this round, then retries what was in flight, which must then be there once."""
    assert not oracle.unexpected, oracle.unexpected[:3]
    client = service.client()
    found = look_up(client, f"victim.{name}")
    acked = {identity for identity in oracle.acked if round_of(identity) == name}
    lost = acked - found.keys()
    assert not lost, f"{len(lost)} acknowledged payments are lost: {sorted(lost)[:5]}"
    strangers = found.keys() - acked - oracle.in_flight.keys()
    assert not strangers, sorted(strangers)[:5]
    for identity, payment in found.items():
        assert payment["amount"] == payment["captured"] == oracle.acked.get(identity, oracle.in_flight.get(identity))
        sure = oracle.refunded.get(identity, 0)
        assert payment["refunded"] in {sure, oracle.refund_in_flight.get(identity, sure)}, payment
    for identity, amount in list(oracle.in_flight.items()):
        body = {"id": identity, "amount": amount, "currency": "EUR", "merchant": merchant_of(identity), "payer": "crowd",
                "instrument": {"type": "card", "token": "tok_ok"}}
        reply = client.post("/v1/payments", body, idempotency=identity)
        assert reply.status_code == 201, reply.text
        assert (reply.headers.get("Idempotency-Replayed") == "true") == (identity in found)
        oracle.acked[identity] = oracle.in_flight.pop(identity)
    for identity, amount in list(oracle.refund_in_flight.items()):
        reply = client.post("/v1/refunds", {"payment": identity, "amount": amount}, idempotency=identity)
        assert reply.status_code == 201, reply.text
        oracle.refunded[identity] = oracle.refund_in_flight.pop(identity)


def books_hold(service, oracle):
    """The end, over all rounds: payments, totals of the merchants, verify, and the independent checker over the whole journal."""
    client = service.client()
    for name in {round_of(identity) for identity in oracle.acked}:
        found = look_up(client, f"victim.{name}")
        assert found.keys() == {identity for identity in oracle.acked if round_of(identity) == name}
        captured = sum(oracle.acked[identity] for identity in found)
        refunded = sum(oracle.refunded.get(identity, 0) for identity in found)
        assert sum(p["amount"] for p in found.values()) == captured
        assert client.account(f"merchant:victim.{name}:pending")["balance"] == captured - refunded
    assert service.stop() == 0
    verified = run("verify", "--data", service.directory)
    assert verified.returncode == 0, verified.stderr
    with subprocess.Popen([PROGRAM, "dump", "--data", str(service.directory)], stdout=subprocess.PIPE, text=True) as dump:
        checker.check_lines(dump.stdout)
    assert dump.returncode == 0


# Small snapshots and segments, so that kills hit those, too.
ROUNDS = [("plain", []), ("snapshots", ["-D", "snapshot.every=256KiB", "-D", "journal.segment=4MiB"])]


@pytest.mark.parametrize("name,arguments", ROUNDS, ids=[row[0] for row in ROUNDS])
def test_nothing_acknowledged_is_lost_or_doubled_by_kills(service, name, arguments):
    seed = int(os.environ.get("SEED", "0")) or random.randrange(1, 2**31)
    print(f"SEED={seed}")
    random_numbers, oracle = random.Random(seed), Oracle()
    service.stop()
    service.start(*arguments)
    for kill in range(150 if FULL else 6):
        workers = [Worker(service, oracle, f"{kill}-{i}", random.Random(seed + 100 * kill + i)) for i in range(WORKERS)]
        for worker in workers:
            worker.start()
        time.sleep(random_numbers.uniform(0.02, 0.25 if FULL else 0.6))
        service.kill()
        for worker in workers:
            worker.join()
        if kill % 3 == 2:
            kill_while_starting(service, random_numbers)
        if kill % 4 == 3:
            assert run("verify", "--data", service.directory).returncode == 0
        service.start(*arguments)
        settle_up(service, oracle, str(kill))
    assert len(oracle.acked) > 100
    books_hold(service, oracle)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_under_traffic_drains_and_the_next_start_replays_nothing(service, stop):
    oracle = Oracle()
    workers = [Worker(service, oracle, f"t-{i}", random.Random(i)) for i in range(WORKERS)]
    for worker in workers:
        worker.start()
    time.sleep(0.3)
    service.process.send_signal(stop)
    assert service.process.wait(timeout=60) == 0
    service.process.stdout.close()
    for worker in workers:
        worker.join()
    assert oracle.acked
    before = service.log.stat().st_size
    service.start()
    log = service.log.read_text()[before:]
    assert re.search(r"\b0 replayed\b", log), log
    settle_up(service, oracle, "t")
    books_hold(service, oracle)
