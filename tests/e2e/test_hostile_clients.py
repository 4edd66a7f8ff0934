"""Bytes on a socket: framing that is refused (FAULTS H1–H17, S-A1–S-A5), limits (N4), odd splits (N3), vanishing (N2) and slow (N1)
clients."""
import json
import re
import socket
import struct
import threading
import time

import pytest

BODY = json.dumps({"amount": 100, "currency": "EUR", "merchant": "shop", "payer": "bob",
                   "instrument": {"type": "card", "token": "tok_ok"}})


def connect(service, timeout=60):
    host, port = service.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=timeout)


def read_all(connection):
    """Everything until the other side closes."""
    data = b""
    try:
        while part := connection.recv(65536):
            data += part
    except ConnectionResetError:
        pass
    return data


def read_reply(connection, buffer=b""):
    """(status, headers, body, rest) of one reply with a Content-Length."""
    while b"\r\n\r\n" not in buffer:
        part = connection.recv(65536)
        assert part, buffer
        buffer += part
    head, _, rest = buffer.partition(b"\r\n\r\n")
    size = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
    while len(rest) < size:
        part = connection.recv(65536)
        assert part
        rest += part
    return int(head.split()[1]), head, rest[:size], rest[size:]


def request(service, method="GET", target="/v1/payments", headers=(), body=b"", key="k"):
    lines = [f"{method} {target} HTTP/1.1", "Host: x", f"Authorization: Bearer {service.key}"]
    if method == "POST":
        lines += [f"Idempotency-Key: {key}", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *headers]).encode() + b"\r\n\r\n" + body


# Each is followed by a smuggled request, which must never be answered. @ stands for the usual head, # for its body.
HEAD = "POST /v1/payments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer KEY\r\nIdempotency-Key: h\r\nContent-Type: application/json\r\n"
L = len(BODY)
CHUNKED = "Transfer-Encoding: chunked\r\n"
CHUNKS = f"{L:x}\r\n{BODY}\r\n0\r\n\r\n"
FRAMING = [
    ("H1 two lengths", HEAD + f"Content-Length: {L}\r\nContent-Length: {L}\r\n\r\n" + BODY, 400),
    ("H1 two other lengths", HEAD + f"Content-Length: {L}\r\nContent-Length: {L + 1}\r\n\r\n" + BODY, 400),
    ("H2 length and chunked", HEAD + f"Content-Length: {L}\r\n" + CHUNKED + "\r\n" + CHUNKS, 400),
    ("H3 xchunked", HEAD + "Transfer-Encoding: xchunked\r\n\r\n" + CHUNKS, 400),
    ("H3 gzip, chunked", HEAD + "Transfer-Encoding: gzip, chunked\r\n\r\n" + CHUNKS, 400),
    ("H3 two codings", HEAD + CHUNKED + CHUNKED + "\r\n" + CHUNKS, 400),
    ("H3 identity", HEAD + "Transfer-Encoding: identity\r\n\r\n" + BODY, 400),
    ("H3 on HTTP/1.0", HEAD.replace("1.1", "1.0") + CHUNKED + "\r\n" + CHUNKS, 400),
    ("H4 blank before the colon", HEAD + f"Content-Length : {L}\r\n\r\n" + BODY, 400),
    ("H4 blank before the first header", HEAD.replace("\r\nHost", "\r\n Host", 1) + f"Content-Length: {L}\r\n\r\n" + BODY, 400),
    ("H5 a folded line", HEAD + f"X: a\r\n b\r\nContent-Length: {L}\r\n\r\n" + BODY, 400),
    ("H5 a folded length", HEAD + f"Content-Length:\r\n {L}\r\n\r\n" + BODY, 400),
    ("H6 NUL in a value", HEAD + f"X: a\0b\r\nContent-Length: {L}\r\n\r\n" + BODY, 400),
    ("H6 NUL in a name", HEAD + f"X\0: a\r\nContent-Length: {L}\r\n\r\n" + BODY, 400),
    ("H7 NUL in the target", HEAD.replace("/v1/payments", "/v1/pay\0ments") + f"Content-Length: {L}\r\n\r\n" + BODY, 400),
    ("H8 a control byte", HEAD + f"X: a\x01\r\nContent-Length: {L}\r\n\r\n" + BODY, 400),
    ("H8 DEL", HEAD + f"X: a\x7f\r\nContent-Length: {L}\r\n\r\n" + BODY, 400),
    ("H8 bare CR", HEAD + f"X: a\rb\r\nContent-Length: {L}\r\n\r\n" + BODY, 400),
    ("H9 bare LF", HEAD.replace("\r\n", "\n") + f"Content-Length: {L}\n\n" + BODY, 400),
    ("H9 bare LF in chunks", HEAD + CHUNKED + "\r\n" + CHUNKS.replace("\r\n", "\n"), 400),
    ("H10 an empty name", HEAD + f": v\r\nContent-Length: {L}\r\n\r\n" + BODY, 400),
    ("H11 no Host", HEAD.replace("Host: x\r\n", "") + f"Content-Length: {L}\r\n\r\n" + BODY, 400),
    ("H12 two Hosts", HEAD + f"Host: x\r\nContent-Length: {L}\r\n\r\n" + BODY, 400),
    ("H12 an empty Host", HEAD.replace("Host: x", "Host: ") + f"Content-Length: {L}\r\n\r\n" + BODY, 400),
    ("H12 another host in the target", HEAD.replace(" /v1", " http://evil/v1") + f"Content-Length: {L}\r\n\r\n" + BODY, 400),
    *[(f"H14 length {bad!r}", HEAD + f"Content-Length: {bad}\r\n\r\n" + BODY, 400) for bad in (
        f"+{L}", "-1", "0x7", f"{L},{L}", f"{L}abc", "", str(2**64), f"00{L}", str(2**63), "1 1", "1_0", "١")],
    ("H14 over the limit", HEAD + "Content-Length: 9999999\r\n\r\n", 413),
    *[(f"H15 chunk size {bad!r}", HEAD + CHUNKED + "\r\n" + f"{bad}\r\n{BODY}\r\n0\r\n\r\n", 400) for bad in (
        f"0x{L:x}", f"+{L:x}", f"-{L:x}", f" {L:x}", f"{L:x} ", "", "g", f"{L:x}_", f"{'0' * 20}{L:x}", "f" * 16, "f" * 20)],
    ("H15 no CRLF after data", HEAD + CHUNKED + "\r\n" + f"{L:x}\r\n{BODY}XX0\r\n\r\n", 400),
    ("H15 a trailer", HEAD + CHUNKED + "\r\n" + f"{L:x}\r\n{BODY}\r\n0\r\nContent-Length: 3\r\n\r\n", 400),
    ("H16 HTTP/1.2", HEAD.replace("HTTP/1.1", "HTTP/1.2") + f"Content-Length: {L}\r\n\r\n" + BODY, (400, 505)),
    ("H16 HTTP/2.0", HEAD.replace("HTTP/1.1", "HTTP/2.0") + f"Content-Length: {L}\r\n\r\n" + BODY, (400, 505)),
    ("H16 HTTP/0.9", "GET /healthz\r\n\r\n", 400),
    ("H16 a blank in the target", HEAD.replace("/v1/payments", "/v1/pay ments") + f"Content-Length: {L}\r\n\r\n" + BODY, 400),
    ("H16 another expectation", HEAD + f"Expect: miracles\r\nContent-Length: {L}\r\n\r\n" + BODY, 417),
    ("H16 an unknown method", HEAD.replace("POST", "STEAL") + f"Content-Length: {L}\r\n\r\n" + BODY, (400, 405, 501)),
    ("H16 two idempotency keys", HEAD + f"Idempotency-Key: h2\r\nContent-Length: {L}\r\n\r\n" + BODY, 400),
    ("H16 two keys", HEAD + f"Authorization: Bearer x\r\nContent-Length: {L}\r\n\r\n" + BODY, 400),
    ("N4 65 headers", HEAD + "".join(f"X-{i}: y\r\n" for i in range(65)) + f"Content-Length: {L}\r\n\r\n" + BODY, 431),
    ("N4 16 KiB of headers", HEAD + f"X: {'y' * 16384}\r\nContent-Length: {L}\r\n\r\n" + BODY, 431),
    ("N4 a target over 4 KiB", HEAD.replace("/v1/payments", "/v1/" + "p" * 4100) + f"Content-Length: {L}\r\n\r\n" + BODY, 414),
]


@pytest.mark.parametrize("name,text,status", FRAMING, ids=[row[0] for row in FRAMING])
def test_framing_in_doubt_is_refused_and_the_connection_closed(shared, name, text, status):
    before = len(shared.client().walk("/v1/payments", limit=100))
    connection = connect(shared)
    text = text.replace("KEY", shared.key)
    connection.sendall(text.encode("utf-8") + request(shared, "POST", body=BODY.encode(), key=f"smuggled {name}".replace(" ", "_")))
    data = read_all(connection)
    connection.close()
    assert data.startswith(b"HTTP/1.1 "), data
    assert int(data[9:12]) in (status if isinstance(status, tuple) else (status,)), data
    assert len(re.findall(rb"HTTP/1\.1 \d{3} ", data)) == 1, "nothing that follows is answered"
    assert len(shared.client().walk("/v1/payments", limit=100)) == before


def test_a_chunked_body_is_taken(shared):
    connection = connect(shared)
    half = len(BODY) // 2
    text = HEAD.replace("KEY", shared.key).replace(": h\r", ": chunked-1\r") + CHUNKED + "\r\n"
    connection.sendall((text + f"{half:x}\r\n{BODY[:half]}\r\n{L - half:X}\r\n{BODY[half:]}\r\n0\r\n\r\n").encode())
    assert read_reply(connection)[0] == 201


def test_expect_100_continue(shared):
    connection = connect(shared)
    head = request(shared, "POST", headers=["Expect: 100-continue"], body=BODY.encode(), key="expect-1")[:-L]
    connection.sendall(head)
    assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
    connection.sendall(BODY.encode())
    assert read_reply(connection)[0] == 201


def normal(reply):
    """A reply without what differs from call to call."""
    status, head, body, _ = reply
    head = re.sub(rb"(?im)^(date|request-id): .*\r?$", b"", head)
    return status, head, re.sub(rb'"request_id":"\w+"', b"", body)


def test_a_request_split_at_every_byte_is_answered_the_same(shared):
    """N3: also in writes of one byte."""
    client = shared.client()
    whole = request(shared, "POST", body=BODY.encode(), key="split-1")
    assert client.post("/v1/payments", json.loads(BODY), idempotency="split-1").status_code == 201
    connection = connect(shared)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(whole)
    expected = normal(read_reply(connection))
    assert expected[0] == 201
    for at in range(1, len(whole)):
        connection.sendall(whole[:at])
        connection.sendall(whole[at:])
        assert normal(read_reply(connection)) == expected, at
    for byte in whole:
        connection.sendall(bytes([byte]))
    assert normal(read_reply(connection)) == expected


def test_a_thousand_pipelined_requests_are_answered_in_order(shared):
    ids = [shared.client().pay(100 + i).json()["id"] for i in range(10)]
    connection = connect(shared)
    wanted = [ids[i % 10] for i in range(1000)]
    data = b"".join(request(shared, target=f"/v1/payments/{identity}") for identity in wanted)
    threading.Thread(target=connection.sendall, args=(data,), daemon=True).start()
    rest = b""
    for identity in wanted:
        status, _, body, rest = read_reply(connection, rest)
        assert (status, json.loads(body)["id"]) == (200, identity)


def test_pipelined_payments_are_each_made_once(shared):
    connection = connect(shared)
    connection.sendall(b"".join(request(shared, "POST", body=BODY.encode(), key=f"pipe-{i}") for i in range(100)))
    rest, ids = b"", []
    for _ in range(100):
        status, _, body, rest = read_reply(connection, rest)
        assert status == 201
        ids.append(json.loads(body)["id"])
    assert len(set(ids)) == 100


def test_a_reset_at_every_byte_leaves_no_half_payment(shared):
    """N2: what a vanished client sent is applied and found by its key, or not at all."""
    client = shared.client()
    for at in list(range(1, 400, 23)) + [-1, 0]:
        key = f"reset-{at}"
        body = json.dumps({**json.loads(BODY), "merchant": "reset", "reference": key}).encode()
        whole = request(shared, "POST", body=body, key=key)
        connection = connect(shared)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(whole[:at] if at else whole)
        connection.close()
        reply = client.post("/v1/payments", json.loads(body), idempotency=key)
        assert reply.status_code == 201, reply.text
    made = client.walk("/v1/payments", merchant="reset", limit=100)
    assert len(made) == len({p["reference"] for p in made})


def test_an_early_fin_still_gets_its_answer(shared):
    connection = connect(shared)
    connection.sendall(request(shared, target="/healthz"))
    connection.shutdown(socket.SHUT_WR)
    assert read_all(connection).startswith(b"HTTP/1.1 200")


def test_slow_clients_are_closed_and_hold_nobody_up(shared):
    """N1: slow heads for 10 s, slow bodies, while others are served."""
    client = shared.client()
    began = time.monotonic()
    heads, bodies = [connect(shared) for _ in range(150)], [connect(shared) for _ in range(50)]
    for connection in heads:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
    whole = request(shared, "POST", body=BODY.encode(), key="slow")
    for connection in bodies:
        connection.sendall(whole[:-L + 1])
    latencies = []
    alive = set(heads + bodies)
    while alive and time.monotonic() - began < 60:
        for connection in list(alive):
            connection.setblocking(False)
            try:
                connection.send(b"X" if connection in bodies else b"X: y\r\n"[:1])
                if connection.recv(4096) == b"":
                    alive.discard(connection)
            except BlockingIOError:
                pass
            except OSError:
                alive.discard(connection)
        start = time.monotonic()
        assert client.pay().status_code == 201
        latencies.append(time.monotonic() - start)
        time.sleep(0.3)
    assert not alive, f"{len(alive)} slow clients are still there"
    latencies.sort()
    assert latencies[len(latencies) // 2] < 3, "the limits are 5 and 10 s: a payment that waited for one would show"


def test_many_connections_are_served(shared):
    connections = [connect(shared) for _ in range(500)]
    for connection in connections:
        connection.sendall(request(shared, target="/healthz"))
    assert all(read_reply(connection)[0] == 200 for connection in connections)
    for connection in connections:
        connection.close()
