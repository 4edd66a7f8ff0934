"""Fixtures of the end-to-end tests: a real `paystream serve` on a free port in a fresh directory, and a client for it."""
import itertools
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest
import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("PAYSTREAM", str(ROOT / "build-test" / "paystream"))
sys.path.insert(0, str(pathlib.Path(__file__).parent))

_numbers = itertools.count(1)


# A few replies of each (method, path, status) that any test saw; test_openapi.py, which runs last, holds them against the document.
SEEN_MAX = 12
seen = {}


def observe(reply, *_, **__):
    if "json" in reply.headers.get("Content-Type", "") and "/v1/batch" not in reply.url:
        path = "/" + reply.url.split("/", 3)[3].split("?")[0]
        shape = "/".join("*" if any(c.isdigit() or c in ":%" for c in part[2:]) else part for part in path.split("/"))
        replies = seen.setdefault((reply.request.method, shape, reply.status_code), [])
        if len(replies) < SEEN_MAX:
            replies.append((path, reply.text))


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: "test_openapi" in item.nodeid)


# Processes of services; whatever a failed test left behind ends with the run.
_processes = []


def pytest_sessionfinish():
    for process in _processes:
        if process.poll() is None:
            process.kill()
            process.wait()


PATIENCE_S = 60  # more than this is a hang, on however busy a machine; figures of time are no business of tests of behaviour


def eventually(look, seconds=PATIENCE_S):
    """Waits until look() gives something true, and gives it."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"not within {seconds} s; last seen: {found!r}"
        time.sleep(0.02)


def run(*arguments, **options):
    """Runs the program to its end; returns the completed process with text output."""
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=120, **options)


class Service:
    """One data directory and the process that serves it; start, kill and stop it as often as you like."""

    def __init__(self, directory, *arguments, live=False):
        self.directory = pathlib.Path(directory)
        self.arguments = arguments
        self.process = None
        self.url = None
        self.log = self.directory.parent / (self.directory.name + ".log")
        made = run("init", "--data", self.directory, *(["--live"] if live else []))
        assert made.returncode == 0, made.stderr
        self.key = made.stdout.splitlines()[-1]

    def start(self, *more):
        log = open(self.log, "ab")
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--data", str(self.directory), "--listen", "127.0.0.1:0", *self.arguments, *more],
            stdout=subprocess.PIPE, stderr=log, text=True)
        _processes.append(self.process)
        line = self.process.stdout.readline()
        assert line.startswith("paystream ready http://"), f"{line!r}\n{self.log.read_text()}"
        self.url = line.split()[2]
        return self

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        """SIGTERM: drains and exits 0."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=PATIENCE_S)
        self.process.stdout.close()
        return code

    def remove(self):
        """Segments are 64 MiB each, and pytest keeps the directories of three runs."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def client(self, key=None):
        return Client(self, key or self.key)

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None


class Client:
    """Calls with a key; POSTs carry a fresh Idempotency-Key unless one is given."""

    def __init__(self, service, key):
        self.service = service
        self.key = key
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.hooks["response"].append(observe)

    def headers(self, more=None):
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        headers.update(more or {})
        return headers

    def get(self, path, **options):
        return self.session.get(self.service.url + path, headers=self.headers(), timeout=30, **options)

    def delete(self, path):
        return self.session.delete(self.service.url + path, headers=self.headers(), timeout=30)

    def post(self, path, body=None, idempotency=None, **options):
        key = idempotency or f"test-{os.getpid()}-{next(_numbers)}"
        if "data" not in options:
            options["json"] = {} if body is None else body
        headers = self.headers({"Idempotency-Key": key, "Content-Type": "application/json", **options.pop("headers", {})})
        return self.session.post(self.service.url + path, headers=headers, timeout=30, **options)

    def send(self, method, path, data=None, headers=None):
        """Any request, with these bytes and headers and no others."""
        return self.session.request(method, self.service.url + path, data=data, headers=headers or {}, timeout=30)

    def with_scopes(self, *scopes, **fields):
        """A client with a new key."""
        reply = self.post("/v1/keys", {"name": "of a test", "scopes": list(scopes), **fields})
        assert reply.status_code == 201, reply.text
        other = Client(self.service, reply.json()["secret"])
        other.id = reply.json()["id"]
        return other

    def walk(self, path, **parameters):
        """All objects of a list, page by page."""
        found = []
        while True:
            reply = self.get(path, params=parameters)
            assert reply.status_code == 200, reply.text
            page = reply.json()
            found += page["data"]
            assert page["has_more"] == (page["next_cursor"] is not None), page
            if not page["has_more"]:
                return found
            parameters["cursor"] = page["next_cursor"]

    def events(self, after=0):
        """All events after a sequence, oldest first."""
        found = []
        while True:
            page = self.get("/v1/events", params={"after": after, "limit": 1000}).json()["data"]
            if not page:
                return found
            found += page
            after = page[-1]["sequence"]

    # The words of the domain.
    def pay(self, amount=1000, token="tok_ok", **fields):
        body = {"amount": amount, "currency": "EUR", "merchant": "shop", "payer": "alice",
                "instrument": {"type": "card", "token": token, "bin": "411111", "last4": "1111", "exp": "2030-04",
                               "country": "DE"}}
        body.update(fields)
        return self.post("/v1/payments", body)

    def fund(self, payer, amount, currency="EUR"):
        reply = self.post("/v1/transfers", {"debit": "world", "credit": f"payer:{payer}", "amount": amount,
                                            "currency": currency})
        assert reply.status_code == 201, reply.text
        return reply.json()

    def payment(self, identity):
        return self.get(f"/v1/payments/{identity}").json()

    def account(self, name, currency="EUR"):
        return self.get(f"/v1/accounts/{name}", params={"currency": currency}).json()


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def service(directory):
    """A service with a test-mode admin key, stopped at the end; the books must hold."""
    it = Service(directory).start()
    yield it
    if it.is_running:
        verify = it.client().get("/v1/ledger/verify").json()
        assert verify["ok"], verify
        assert it.stop() == 0
    it.remove()


@pytest.fixture(scope="module")
def shared(tmp_path_factory, request):
    """One service for all tests of a module that do not stop it; the module's SERVE are more arguments."""
    it = Service(tmp_path_factory.mktemp("shared") / "data", *getattr(request.module, "SERVE", [])).start()
    yield it
    verify = it.client().get("/v1/ledger/verify").json()
    assert verify["ok"], verify
    assert it.stop() == 0
    it.remove()


@pytest.fixture
def client(shared):
    return shared.client()
