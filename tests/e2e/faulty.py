"""Services for fault tests: directories of 8 MiB, programs put in front (strace, prlimit), and a ledger of what was answered."""
import http.client
import json
import os
import pathlib
import re
import shutil
import subprocess
import threading

import pytest

import checker
from conftest import PATIENCE_S, PROGRAM, Service, eventually, run

FULL = os.environ.get("PS_FULL") == "1"
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can do this")
SEGMENTS = ["-D", "journal.segment=4MiB"]


def strace_works():
    if shutil.which("strace") is None:
        return False
    traced = subprocess.run(["strace", "-f", "-D", "--seccomp-bpf", "-o", "/dev/null", "true"], capture_output=True, timeout=30)
    return traced.returncode == 0


needs_strace = pytest.mark.skipif(not strace_works(), reason="strace is not installed, or may not trace here")


def strace(calls, *injections, output="/dev/null"):
    """The command line in front of a traced program, which stays our direct child (-D)."""
    command = ["strace", "-D", "-f", "-y", "-o", str(output), "-e", f"trace={calls}"]
    if not any("signal=" in injection for injection in injections):
        command.append("--seccomp-bpf")  # faster; with it strace 6.1 injects no signals
    for injection in injections:
        command += ["-e", f"inject={injection}"]
    return command



def on_a_quiet_machine(holds, text):
    """Figures of time say nothing while the machine does other work: they are asserted in the long run (PS_FULL=1) and shown otherwise."""
    print(text, "holds" if holds else "does not hold now")
    assert holds or not FULL, text


class Small(Service):
    """A data directory of two segments of 4 MiB, made by `serve --dev`; or a copy of one."""

    def __init__(self, directory, *arguments, template=None):
        self.directory = pathlib.Path(directory)
        self.arguments = (*SEGMENTS, *arguments)
        self.log = self.directory.parent / (self.directory.name + ".log")
        self.process = self.url = None
        if template is None:
            self.start("--dev")
            self.key = eventually(lambda: re.search(r"test key +(\S+)", self.log.read_text()))[1]
            assert self.stop() == 0
        else:
            self.key = template.key
            subprocess.run(["cp", "-a", "--sparse=always", template.directory, self.directory], check=True)

    def launch(self, *more, under=()):
        """Starts the process and waits for its line, which is empty when it ended instead."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*under, PROGRAM, "serve", "--data", str(self.directory), "--listen", "127.0.0.1:0", *self.arguments, *more],
                stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.process.stdout.readline()
        self.url = line.split()[2] if line else None
        return line

    def start(self, *more, under=()):
        line = self.launch(*more, under=under)
        assert line.startswith("paystream ready http"), f"{line!r}\n{self.log.read_text()}"
        return self

    def wait(self, timeout=PATIENCE_S):
        """The exit code of a process that ends by itself."""
        code = self.process.wait(timeout)
        self.process.stdout.close()
        return code

    def new_log(self, mark):
        return self.log.read_text()[mark:]

    def mark(self):
        return len(self.log.read_text()) if self.log.exists() else 0

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        return int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def metric(self, name):
        """The sum of a metric over its labels."""
        connection = connect(self)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if re.match(rf"{name}[ {{]", line))


class Answers:
    """What was sent and what was answered, of payments whose ids are ours; kept outside of the victim."""

    def __init__(self, merchant="victim"):
        self.lock = threading.Lock()
        self.merchant = merchant
        self.amounts = {}     # payment id → amount, everything sent
        self.acked = set()
        self.statuses = []    # (status, headers) of what was refused

    def body(self, identity):
        return {"id": identity, "amount": self.amounts[identity], "currency": "EUR", "merchant": self.merchant, "payer": "crowd",
                "instrument": {"type": "card", "token": "tok_ok"}}

    def pay(self, connection, key, identity, amount):
        """Sends one; the status. An answer that does not come raises."""
        with self.lock:
            self.amounts[identity] = amount
        connection.request("POST", "/v1/payments", json.dumps(self.body(identity)),
                           {"Authorization": f"Bearer {key}", "Idempotency-Key": identity})
        reply = connection.getresponse()
        body = json.loads(reply.read())
        with self.lock:
            if reply.status == 201:
                assert (body["id"], body["amount"], body["status"]) == (identity, amount, "captured")
                self.acked.add(identity)
            else:
                self.statuses.append((reply.status, dict(reply.getheaders())))
        return reply.status

    def send_many(self, service, prefix, count=None):
        """Payments one after the other until the count, the first refusal, or the end of the connection."""
        connection = connect(service)
        number = 0
        try:
            while count is None or number < count:
                number += 1
                if self.pay(connection, service.key, f"pay_{prefix}-{number}", 100 + number) != 201:
                    break
        except (OSError, http.client.HTTPException):
            pass
        connection.close()

    def send_batches(self, service, prefix, count, size=1000):
        """Batch requests until the count, a line that is not 201, or the end of the connection; the last line's status."""
        connection = connect(service)
        status = None
        try:
            for number in range(count):
                ids = [f"pay_{prefix}-{number}-{i}" for i in range(size)]
                with self.lock:
                    self.amounts.update((identity, 100 + i) for i, identity in enumerate(ids))
                lines = "\n".join(json.dumps({"op": "payment.create", "key": identity, **self.body(identity)}) for identity in ids)
                connection.request("POST", "/v1/batch", lines, {"Authorization": f"Bearer {service.key}"})
                replies = [json.loads(line) for line in connection.getresponse().read().splitlines()]
                with self.lock:
                    self.acked.update(identity for identity, reply in zip(ids, replies) if reply["status"] == 201)
                status = next((reply["status"] for reply in replies if reply["status"] != 201), 201)
                if status != 201:
                    break
        except (OSError, http.client.HTTPException):
            pass
        connection.close()
        return status

    def send_from(self, service, prefix, workers):
        threads = [threading.Thread(target=self.send_many, args=(service, f"{prefix}.{i}"), daemon=True) for i in range(workers)]
        for thread in threads:
            thread.start()
        return threads

    def hold(self, service):
        """After a restart: what was answered is there once, what was not is there once or not at all and its retry gives it."""
        client = service.client()
        found = [payment["id"] for payment in client.walk("/v1/payments", merchant=self.merchant, limit=100)]
        assert len(found) == len(set(found)), "a payment is there twice"
        lost = self.acked - set(found)
        assert not lost, f"{len(lost)} acknowledged payments are lost: {sorted(lost)[:5]}"
        assert set(found) <= self.amounts.keys()
        for identity in self.amounts.keys() - self.acked:
            reply = client.post("/v1/payments", self.body(identity), idempotency=identity)
            assert reply.status_code == 201 and reply.json()["id"] == identity, reply.text
            assert (reply.headers.get("Idempotency-Replayed") == "true") == (identity in found)
        captured = client.account(f"merchant:{self.merchant}:pending")["balance"] if self.amounts else 0
        assert captured == sum(self.amounts.values())
        assert client.get("/v1/ledger/verify").json()["ok"]


def connect(service, timeout=30):
    host, port = service.url.partition("://")[2].split(":")
    return http.client.HTTPConnection(host, int(port), timeout=timeout)


def books_hold(service):
    """Stops the service and lets the independent checker read its journal."""
    assert service.stop() == 0
    dump = run("dump", "--data", service.directory)
    assert dump.returncode == 0, dump.stderr
    checker.check_lines(dump.stdout.splitlines())


def refused(service, *words, under=(), code=3):
    """The service does not start, says why in one line with these words, and serves nothing."""
    mark = service.mark()
    assert service.launch(under=under) == ""
    assert service.wait() == code, service.new_log(mark)
    said = service.new_log(mark)
    assert "paystream serve: " in said, said
    for word in words:
        assert word in said, said
    return said
