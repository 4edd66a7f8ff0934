"""The event list and its server-sent stream: complete, in order, resumable."""
import http.client
import json
import socket
import threading
import time
import urllib.parse

import pytest
import requests

from conftest import eventually


class Stream(threading.Thread):
    """Reads /v1/stream until closed; `events` are (id, event, data), `comments` the comment lines."""

    def __init__(self, client, headers=None, **parameters):
        super().__init__(daemon=True)
        self.events, self.comments, self.ended = [], [], False
        connection = http.client.HTTPConnection(client.service.url.removeprefix("http://"), timeout=60)
        connection.request("GET", "/v1/stream?" + urllib.parse.urlencode(parameters), headers=client.headers(headers))
        self.socket = connection.sock
        self.reply = connection.getresponse()
        assert self.reply.status == 200, self.reply.read()
        assert self.reply.headers["Content-Type"].startswith("text/event-stream")
        self.start()

    def run(self):
        fields = {}
        try:
            while line := self.reply.readline():
                line = line.decode().removesuffix("\n")
                if line == "" and "data" in fields:
                    self.events.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
                if line == "":
                    fields = {}
                elif line.startswith(":"):
                    self.comments.append((time.monotonic(), line))
                else:
                    name, _, value = line.partition(": ")
                    fields[name] = value
        except (OSError, http.client.HTTPException):
            pass
        self.ended = True

    def wait_for(self, count):
        eventually(lambda: len(self.events) >= count)
        return self.events

    def sequences(self):
        return [sequence for sequence, _, _ in self.events]

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.join(timeout=60)


@pytest.fixture(scope="module")
def idle(shared):
    """A stream that is open during the whole module and sees nothing: it starts after the far future."""
    stream = Stream(shared.client(), after=2**40)
    stream.began = time.monotonic()
    yield stream
    stream.close()


def test_the_list_is_gap_free_and_oldest_first(client, idle):
    for _ in range(5):
        client.pay()
    events = client.events()
    assert [e["sequence"] for e in events] == list(range(1, len(events) + 1))
    times = [e["created"] for e in events]
    assert times == sorted(times)
    assert len({e["id"] for e in events}) == len(events)
    for event in events:
        assert list(event) == ["id", "object", "type", "sequence", "created", "data"]
        assert event["data"]["object"]["sequence"] == event["sequence"]


def test_after_is_exclusive_and_limit_cuts(client):
    client.pay()
    events = client.events()
    page = client.get("/v1/events", params={"after": 3, "limit": 2}).json()
    assert [e["sequence"] for e in page["data"]] == [4, 5]
    assert page["has_more"] is True
    last = client.get("/v1/events", params={"after": len(events)}).json()
    assert (last["data"], last["has_more"]) == ([], False)
    assert len(client.get("/v1/events").json()["data"]) == min(100, len(events))


def test_types_are_filtered(client):
    client.pay(token="tok_do_not_honour")
    events = client.events()
    declined = client.get("/v1/events", params={"type": "payment.declined", "limit": 1000}).json()["data"]
    assert declined == [e for e in events if e["type"] == "payment.declined"] != []


@pytest.mark.parametrize("query,param", [("limit=1001", "limit"), ("limit=0", "limit"), ("after=-1", "after"), ("after=x", "after"),
                                         ("type=payment.stolen", "type"), ("nothing=1", "nothing")])
def test_a_query_that_is_not_understood_is_400(client, query, param):
    reply = client.get("/v1/events?" + query)
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, param)


def test_the_stream_is_the_list(client):
    stream = Stream(client, after=0)
    client.pay(metadata={"note": "two\nlines \u2028 é"})
    events = client.events()
    stream.wait_for(len(events))
    stream.close()
    assert [data for _, _, data in stream.events] == events
    assert [(i, t) for i, t, _ in stream.events] == [(e["sequence"], e["type"]) for e in events]


def test_the_stream_goes_on_while_payments_come(client):
    start = len(client.events())
    stream = Stream(client, after=start)
    workers = [threading.Thread(target=lambda: [client.service.client().pay() for _ in range(50)]) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    end = client.events(after=start)[-1]["sequence"]
    stream.wait_for(end - start)
    stream.close()
    assert stream.sequences() == list(range(start + 1, end + 1))


def test_the_stream_resumes_by_last_event_id(client):
    client.pay()
    total = len(client.events())
    stream = Stream(client, headers={"Last-Event-ID": str(total - 3)})
    stream.wait_for(3)
    stream.close()
    assert stream.sequences() == [total - 2, total - 1, total]


def test_a_stream_cut_again_and_again_is_complete(client):
    seen, stop = [], threading.Event()
    start = len(client.events())

    def pay():
        payer = client.service.client()
        while not stop.is_set():
            payer.pay()

    worker = threading.Thread(target=pay)
    worker.start()
    for _ in range(6):
        stream = Stream(client, headers={"Last-Event-ID": str(seen[-1] if seen else start)})
        stream.wait_for(5)
        stream.close()
        seen += stream.sequences()
    stop.set()
    worker.join()
    assert seen == list(range(start + 1, start + 1 + len(seen)))


def test_a_stream_without_a_start_shows_what_comes_next(client):
    stream = Stream(client)
    time.sleep(0.2)
    payment = client.pay().json()
    eventually(lambda: any(data["data"]["object"]["id"] == payment["id"] for _, _, data in stream.events))
    stream.close()


def test_a_stream_needs_read(client):
    payer = client.with_scopes("payments:write")
    assert payer.get("/v1/stream").status_code == 403


def test_a_stream_shows_its_own_tenant_only(client):
    other = client.with_scopes("admin", tenant="neighbour")
    stream = Stream(other, after=0)
    client.pay()
    mine = other.pay().json()
    stream.wait_for(3)
    stream.close()
    assert stream.sequences()[:3] == [1, 2, 3]
    assert all(mine["id"] in json.dumps(data) for _, _, data in stream.events if data["type"].startswith("payment."))


def test_a_slow_reader_does_not_hold_others_up(client):
    silent = requests.get(client.service.url + "/v1/stream", params={"after": 0}, stream=True, headers=client.headers(), timeout=60)
    for _ in range(100):
        began = time.monotonic()
        assert client.pay().status_code == 201
        assert time.monotonic() - began < 30
    silent.close()


def test_events_survive_a_kill(service):
    client = service.client()
    for _ in range(5):
        client.pay()
    before = client.events()
    service.kill()
    service.start()
    client = service.client()
    assert client.events() == before
    stream = Stream(client, headers={"Last-Event-ID": str(len(before) - 2)})
    client.pay()
    stream.wait_for(4)
    assert stream.sequences()[:4] == list(range(len(before) - 1, len(before) + 3))
    assert service.stop() == 0
    stream.join(timeout=60)
    assert stream.ended


def test_an_idle_stream_gets_a_comment_every_fifteen_seconds(idle):
    eventually(lambda: [c for c in idle.comments if c[0] > idle.began + 1])
    assert idle.events == []
