"""Bad days of the real process: signals, a second instance, a full disk, no descriptors, damaged data, vanished clients, TLS
(FAULTS P4, P5, E4, E5, D4, D5, N2)."""
import contextlib
import hashlib
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import time

import pytest
import requests

from conftest import PROGRAM, eventually, run
from faulty import FULL, ROOT_ONLY, Answers, Small, books_hold, connect, on_a_quiet_machine, refused

MIB = 1 << 20


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    it = Small(tmp_path_factory.mktemp("faults") / "template")
    yield it
    it.remove()


@pytest.fixture
def copy(template, directory):
    it = Small(directory, template=template)
    yield it
    if it.is_running:
        it.kill()
    it.remove()


# ── signals ──

def test_a_stop_under_load_ends_in_time_and_the_next_start_replays_nothing(copy):
    answers = Answers()
    copy.start()
    threads = answers.send_from(copy, "t", 8)
    eventually(lambda: len(answers.acked) > 100)
    copy.process.send_signal(signal.SIGTERM)
    assert copy.wait() == 0
    for thread in threads:
        thread.join()
    mark = copy.mark()
    copy.start()
    assert " 0 replayed" in copy.new_log(mark)
    answers.hold(copy)
    books_hold(copy)


def test_a_pause_of_the_process_applies_nothing_twice(copy):
    answers = Answers()
    copy.start()
    threads = answers.send_from(copy, "p", 8)
    eventually(lambda: len(answers.acked) > 100)
    copy.process.send_signal(signal.SIGSTOP)
    time.sleep(60 if FULL else 3)
    copy.process.send_signal(signal.SIGCONT)
    before = len(answers.acked)
    eventually(lambda: len(answers.acked) > before + 100)
    # What stood in the queue for a minute is dropped before it is decided; nothing else is refused.
    assert {status for status, _ in answers.statuses} <= ({503} if FULL else set())
    copy.process.send_signal(signal.SIGTERM)
    assert copy.wait() == 0
    for thread in threads:
        thread.join()
    copy.start()
    answers.hold(copy)
    books_hold(copy)


def test_an_abort_loses_nothing(copy):
    answers = Answers()
    copy.start()
    threads = answers.send_from(copy, "a", 8)
    eventually(lambda: len(answers.acked) > 100)
    copy.process.send_signal(signal.SIGABRT)
    assert copy.wait() == -signal.SIGABRT
    for thread in threads:
        thread.join()
    copy.start()
    answers.hold(copy)
    books_hold(copy)


def test_a_second_instance_is_refused_and_the_first_goes_on(copy):
    answers = Answers()
    copy.start()
    threads = answers.send_from(copy, "f", 2)
    eventually(lambda: len(answers.acked) > 10)
    for _ in range(3):
        start = time.monotonic()
        second = run("serve", "--data", copy.directory, "--listen", "127.0.0.1:0")
        on_a_quiet_machine(time.monotonic() - start < 1, "a refusal within a second")
        assert (second.returncode, second.stdout) == (3, "")
        assert "locked" in second.stderr
    before = len(answers.acked)
    eventually(lambda: len(answers.acked) > before + 10)
    assert not answers.statuses
    assert copy.stop() == 0
    for thread in threads:
        thread.join()
    copy.start()
    answers.hold(copy)
    books_hold(copy)


# ── a full disk ──

def is_full_and_polite(service, paid):
    """Writes are refused with a time to come back; reads, metrics and health are answered."""
    client = service.client()
    refusal = client.pay()
    assert refusal.status_code == 507, refusal.text
    assert refusal.json()["error"]["code"] == "storage_full"
    assert int(refusal.headers["Retry-After"]) <= 5
    assert client.get(f"/v1/payments/{paid}").status_code == 200
    assert client.get("/v1/payments", params={"limit": 10}).status_code == 200
    assert client.get("/v1/ledger/verify").json()["ok"]
    assert client.get("/healthz").status_code == 200
    eventually(lambda: client.get("/readyz").status_code == 503)
    assert "read_only" in client.get("/readyz").text
    eventually(lambda: service.metric("paystream_read_only") == 1)


def writes_resume(service):
    eventually(lambda: service.client().pay().status_code == 201)
    eventually(lambda: service.client().get("/readyz").status_code == 200)
    eventually(lambda: service.metric("paystream_read_only") == 0)


def test_a_full_disk_makes_the_service_read_only_until_there_is_room(template, tmp_path):
    """E4 by a file size limit: new segments cannot be made, as if the disk were full."""
    service = Small(tmp_path / "data", "-D", "journal.segment=8MiB", template=template)
    answers = Answers()
    service.start(under=["prlimit", f"--fsize={4 * MIB}:{64 * MIB}"])
    assert answers.send_batches(service, "fill", 100) == 507
    paid = sorted(answers.acked)[0]
    is_full_and_polite(service, paid)
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (64 * MIB, 64 * MIB))
    writes_resume(service)
    assert answers.send_batches(service, "more", 3) == 201
    service.kill()
    service.start()
    answers.hold(service)
    books_hold(service)
    service.remove()


@contextlib.contextmanager
def small_disk(path, size):
    path.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount here: {mounted.stderr.strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


@ROOT_ONLY
def test_a_full_file_system_loses_nothing(template, tmp_path):
    """E4 on a disk of 48 MiB: filled, freed, filled, stopped and started while full, freed: then with room for all retries."""
    with small_disk(tmp_path / "disk", "48m") as disk:
        service = Small(disk / "data", template=template)
        service.log = tmp_path / "data.log"
        ballast = [disk / "ballast-1", disk / "ballast-2"]
        for file, size in zip(ballast, (4 * MIB, 27 * MIB)):
            file.write_bytes(bytes(size + 512 * 1024))
        answers = Answers()
        service.start()
        assert answers.send_batches(service, "one", 100) == 507
        is_full_and_polite(service, sorted(answers.acked)[0])
        ballast[0].unlink()
        writes_resume(service)
        assert answers.send_batches(service, "two", 100) == 507
        # To the last byte: a stop needs none.
        with contextlib.suppress(OSError), open(disk / "rest", "wb", buffering=0) as rest:
            while rest.write(bytes(65536)):
                pass
        is_full_and_polite(service, sorted(answers.acked)[0])
        assert service.stop() == 0
        service.start()
        is_full_and_polite(service, sorted(answers.acked)[0])
        ballast[1].unlink()
        (disk / "rest").unlink()
        writes_resume(service)
        service.kill()
        service.start()
        answers.hold(service)
        books_hold(service)


# ── descriptors ──

def test_without_descriptors_accepting_pauses_and_payments_go_on(copy):
    """E5: no busy loop, and those who waited are served when others have gone."""
    copy.start(under=["prlimit", "--nofile=64:64"])
    host, port = copy.url.partition("://")[2].split(":")
    paying = connect(copy)
    answers = Answers()
    assert answers.pay(paying, copy.key, "pay_before", 1) == 201
    waiting = [socket.create_connection((host, int(port)), timeout=60) for _ in range(100)]
    eventually(lambda: copy.descriptors() >= 64)

    def second():
        before = copy.cpu_seconds()
        time.sleep(1)
        return copy.cpu_seconds() - before

    # The first seconds of a process have work of their own.
    assert min(second(), second()) < 0.3, "a busy loop takes all of a second"
    assert copy.descriptors() >= 64
    assert answers.pay(paying, copy.key, "pay_during", 2) == 201
    for connection in waiting[:60]:
        connection.close()
    for connection in waiting[60:]:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        connection.close()
    assert answers.pay(paying, copy.key, "pay_after", 3) == 201
    paying.close()
    answers.hold(copy)
    books_hold(copy)


# ── damaged directories ──

def print_of(directory):
    """Names, kinds, modes and contents of everything but the lock."""
    found = {}
    for path in sorted(directory.rglob("*")):
        if path.name != "lock":
            content = os.readlink(path) if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            found[str(path.relative_to(directory))] = (path.lstat().st_mode, content)
    return found


def linked(path):
    """The file or directory lies elsewhere now, and a link in its place."""
    elsewhere = path.parents[1] / f"moved-{path.name}" if path.parent.name != "data" else path.parent.parent / f"moved-{path.name}"
    shutil.move(path, elsewhere)
    path.symlink_to(elsewhere)


SEGMENT = "journal/seg-0000000000000001"
BROKEN = [
    ("no pepper", "keys/pepper", pathlib.Path.unlink, "keys/pepper"),
    ("no keys", "keys", shutil.rmtree, "keys/pepper"),
    ("no watermark", "journal/watermark", pathlib.Path.unlink, "journal/watermark"),
    ("no first segment", SEGMENT, pathlib.Path.unlink, "seg-0000000000000001 should come first"),
    ("no journal", "journal", shutil.rmtree, "/journal"),
    ("no snapshots", "snapshots", shutil.rmtree, "/snapshots"),
    ("a stranger in the journal", "journal/notes.txt", lambda path: path.write_text("x"), "notes.txt"),
    ("a segment too many", "journal/seg-0000000000000009", lambda path: path.write_bytes(bytes(4096)), "seg-0000000000000009"),
    ("a short pepper", "keys/pepper", lambda path: os.truncate(path, 5), "keys/pepper"),
    ("a cut segment", SEGMENT, lambda path: os.truncate(path, 10000), "seg-0000000000000001"),
    ("an empty segment", SEGMENT, lambda path: os.truncate(path, 0), "seg-0000000000000001"),
    ("a directory instead of a segment", SEGMENT, lambda path: (path.unlink(), path.mkdir()), "seg-0000000000000001"),
    ("a linked segment", SEGMENT, linked, "seg-0000000000000001 is a symbolic link"),
    ("a linked journal", "journal", linked, "journal is a symbolic link"),
    ("a linked pepper", "keys/pepper", linked, "pepper is a symbolic link"),
    ("a linked lock", "lock", linked, "lock is a symbolic link"),
    ("a linked audit log", "audit.log", linked, "audit.log is a symbolic link"),
    ("a pepper that others read", "keys/pepper", lambda path: path.chmod(0o644), "pepper: wrong permissions 0644"),
    ("a directory that others write", ".", lambda path: path.chmod(0o777), "wrong permissions 0777"),
]


@pytest.mark.parametrize("name,target,damage,word", BROKEN, ids=[row[0] for row in BROKEN])
def test_a_damaged_directory_is_refused_by_name(copy, name, target, damage, word):
    """D4: exit 3, the name, nothing written."""
    damage(copy.directory / target)
    before = print_of(copy.directory)
    refused(copy, word)
    assert print_of(copy.directory) == before


@pytest.mark.parametrize("target", ["keys/pepper", SEGMENT, "journal", "lock"])
def test_what_may_not_be_read_is_refused_by_name(template, target):
    """D4 for a process that is not root, which may read anything: root runs it as nobody."""
    place = pathlib.Path(tempfile.mkdtemp(dir="/tmp"))
    try:
        service = Small(place / "data", template=template)
        under = []
        if os.geteuid() == 0:
            shutil.copy(PROGRAM, place / "paystream")
            subprocess.run(["chown", "-R", "nobody", place], check=True)
            under = ["setpriv", "--reuid=nobody", "--clear-groups", "--"]
        (service.directory / target).chmod(0)
        mark = service.mark()
        ended = subprocess.run([*under, place / "paystream" if under else PROGRAM, "serve", "--data", service.directory, "--listen", "127.0.0.1:0"],
                               capture_output=True, text=True, timeout=60)
        assert (ended.returncode, ended.stdout) == (3, ""), ended.stderr
        assert f"{target.split('/')[0]}" in ended.stderr and "Permission denied" in ended.stderr, (mark, ended.stderr)
    finally:
        if os.geteuid() != 0:
            (place / "data" / target).chmod(0o700)
        shutil.rmtree(place)


def test_a_missing_audit_log_is_made_again(copy):
    before = (copy.directory / "audit.log").read_text()
    (copy.directory / "audit.log").unlink()
    copy.start()
    eventually(lambda: (copy.directory / "audit.log").read_text() == before)
    books_hold(copy)


def test_a_bit_that_flips_in_a_cold_segment_is_found_while_serving(copy):
    """D5: the scrub tells within its period, by metric and by name; payments go on."""
    copy.start("-D", "scrub.period=1")
    answers = Answers()
    while copy.metric("paystream_journal_segments") < 4:
        assert answers.send_batches(copy, f"c{len(answers.acked)}", 2) == 201
    scrubbed = copy.metric("paystream_scrubbed_bytes_total")
    eventually(lambda: copy.metric("paystream_scrubbed_bytes_total") > scrubbed + 4 * MIB)
    assert copy.metric("paystream_scrub_failures_total") == 0
    snapshots = sorted(os.listdir(copy.directory / "snapshots"))
    mark = copy.mark()
    with open(copy.directory / SEGMENT, "r+b") as segment:
        segment.seek(2 * MIB + 1234)
        byte = segment.read(1)[0]
        segment.seek(2 * MIB + 1234)
        segment.write(bytes([byte ^ 8]))
    eventually(lambda: copy.metric("paystream_scrub_failures_total") > 0)
    eventually(lambda: "seg-0000000000000001" in copy.new_log(mark))
    assert copy.new_log(mark).count("\n") <= 3, "said once, not four times a second"
    assert copy.client().pay().status_code == 201
    assert sorted(os.listdir(copy.directory / "snapshots")) == snapshots
    copy.kill()
    verified = run("verify", "--data", copy.directory)
    assert verified.returncode == 1
    assert "seg-0000000000000001" in verified.stdout + verified.stderr


# ── clients that vanish ──

def test_resets_in_the_middle_of_requests_leave_whole_payments_and_no_descriptors(copy):
    copy.start()
    client = copy.client()
    assert client.pay().status_code == 201
    host, port = copy.url.partition("://")[2].split(":")
    baseline = copy.descriptors()
    keys = {}
    for i in range(1000 if FULL else 200):
        body = json.dumps({"amount": 500 + i, "currency": "EUR", "merchant": "reset", "payer": "bob", "reference": f"r{i}",
                           "instrument": {"type": "card", "token": "tok_ok"}})
        text = (f"POST /v1/payments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {copy.key}\r\nIdempotency-Key: reset-{i}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()
        connection = socket.create_connection((host, int(port)), timeout=60)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(text[:len(text) - (0 if i % 2 else i * 3 % len(text))])
        if i % 4 == 1:
            connection.recv(20)  # in the middle of the answer
        connection.close()
        keys[f"reset-{i}"] = body
    eventually(lambda: copy.descriptors() == baseline)
    client.pay()  # has gone round through the core: what the other threads had handed to it before is done
    made = {payment["reference"]: payment for payment in client.walk("/v1/payments", merchant="reset", limit=100)}
    assert len(made) >= len(keys) // 4
    for key, body in keys.items():
        reply = client.post("/v1/payments", json.loads(body), idempotency=key)
        assert reply.status_code == 201, reply.text
        there = made.get(json.loads(body)["reference"])
        assert (reply.headers.get("Idempotency-Replayed") == "true") == (there is not None)
        assert there is None or reply.json()["id"] == there["id"]
    found = client.walk("/v1/payments", merchant="reset", limit=100)
    assert sorted(p["reference"] for p in found) == sorted(json.loads(body)["reference"] for body in keys.values())
    books_hold(copy)


# ── TLS ──

@pytest.fixture
def secured(template, tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    it = Small(tmp_path / "data", "-D", f"http.tls.cert={cert}", "-D", f"http.tls.key={key}", template=template)
    it.cert, it.tls_key = cert, key
    yield it
    if it.is_running:
        assert it.stop() == 0
    it.remove()


def handshake(service, version, ciphers="ALL:@SECLEVEL=0"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(service.cert)
    context.set_ciphers(ciphers)
    context.minimum_version = context.maximum_version = version
    host, port = service.url.partition("://")[2].split(":")
    with socket.create_connection((host, int(port)), timeout=60) as plain, context.wrap_socket(plain, server_hostname=host) as secure:
        return secure.version(), secure.cipher()[0]


def test_payments_over_tls(secured):
    line = secured.launch()
    assert line.startswith("paystream ready https://127.0.0.1:"), line
    client = secured.client()
    client.session.verify = str(secured.cert)
    paid = client.pay()
    assert paid.status_code == 201
    assert client.payment(paid.json()["id"])["amount"] == 1000
    made = [client.pay(100 + i).json()["id"] for i in range(200)]
    assert {payment["id"] for payment in client.walk("/v1/payments", limit=100)} == {paid.json()["id"], *made}
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(secured.url + "/healthz", timeout=60)  # does not trust us


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_tls_1_2_and_1_3_are_taken_and_nothing_older(secured):
    secured.start()
    assert handshake(secured, ssl.TLSVersion.TLSv1_3)[0] == "TLSv1.3"
    assert handshake(secured, ssl.TLSVersion.TLSv1_2)[0] == "TLSv1.2"
    for old in (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1):
        with pytest.raises(ssl.SSLError, match="alert protocol version|ALERT_PROTOCOL_VERSION"):
            handshake(secured, old)
    for weak in ("AES128-SHA:@SECLEVEL=0", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"):
        with pytest.raises(ssl.SSLError):
            handshake(secured, ssl.TLSVersion.TLSv1_2, weak)


def test_plain_bytes_on_a_tls_port_are_closed(secured):
    secured.start()
    host, port = secured.url.partition("://")[2].split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        data = b""
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(4096):
                data += part
        assert b"HTTP/1.1" not in data
    assert handshake(secured, ssl.TLSVersion.TLSv1_3)


@pytest.mark.parametrize("broken", ["no file", "not a certificate", "another key"])
def test_tls_files_that_do_not_fit_are_refused_by_name(secured, broken):
    path = secured.cert
    if broken == "no file":
        path.unlink()
    elif broken == "not a certificate":
        path.write_text("hello\n")
    else:
        path = secured.tls_key
        subprocess.run(["openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", path], check=True, capture_output=True)
    refused(secured, str(path), code=2)
