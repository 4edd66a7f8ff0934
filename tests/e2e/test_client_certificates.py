"""Mutual TLS (FAULTS S-A8): who gets in, revocation and rotation without a restart, names in the audit log."""
import contextlib
import http.client
import json
import shutil
import socket
import ssl
import threading

import pytest

from certificates import Authority
from conftest import eventually
from faulty import Small, refused


class House:
    """A service that asks for certificates, and the authority that signs them."""

    def __init__(self, directory, template):
        self.authority = Authority(directory)
        self.server = self.authority.issue("server", san="IP:127.0.0.1", usage="serverAuth")
        self.files = {name: directory / f"in-use-{name}.pem" for name in ("cert", "key")}
        self.use(self.server)
        self.service = Small(
            directory / "data", "-D", f"http.tls.cert={self.files['cert']}", "-D", f"http.tls.key={self.files['key']}",
            "-D", f"http.tls.client_ca={self.authority.cert}", "-D", f"http.tls.crl={self.authority.crl}", template=template)

    def use(self, certificate):
        """Puts the server's certificate and key in place, each in one step."""
        for name, source in (("cert", certificate.cert), ("key", certificate.key)):
            fresh = self.files[name].with_suffix(".new")
            shutil.copy(source, fresh)
            fresh.rename(self.files[name])

    def context(self, client=None, version=None, ciphers=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.authority.cert)
        if ciphers:
            context.set_ciphers(ciphers)
        if version:
            context.minimum_version = context.maximum_version = version
        if client:
            context.load_cert_chain(*client.pair)
        return context

    def connect(self, client=None, **options):
        host, port = self.service.url.partition("://")[2].split(":")
        return http.client.HTTPSConnection(host, int(port), timeout=10, context=self.context(client, **options))

    def ask(self, client=None, **options):
        """The status of a request over a new connection; a refused one raises."""
        connection = self.connect(client, **options)
        with contextlib.closing(connection):
            return get(connection, self.service.key)

    def is_refused(self, client=None, **options):
        try:
            self.ask(client, **options)
        except (ssl.SSLError, ConnectionResetError, BrokenPipeError, http.client.RemoteDisconnected) as error:
            return str(error) or type(error).__name__
        return None

    def metric(self, name, client):
        connection = self.connect(client)
        with contextlib.closing(connection):
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name + " "))


def has_ended(connection, key):
    try:
        get(connection, key)
    except (OSError, http.client.HTTPException):
        return True
    return False


def get(connection, key, path="/v1/payments"):
    connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
    reply = connection.getresponse()
    reply.read()
    return reply.status


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    it = Small(tmp_path_factory.mktemp("certificates") / "template")
    yield it
    it.remove()


@pytest.fixture
def house(template, tmp_path):
    it = House(tmp_path, template)
    yield it
    if it.service.is_running:
        assert it.service.stop() == 0
    it.service.remove()


def test_only_a_good_certificate_gets_in(house, tmp_path):
    authority, stranger = house.authority, Authority(tmp_path, "stranger")
    good = authority.issue("good")
    revoked = authority.issue("revoked")
    authority.revoke(revoked)
    assert house.service.launch().startswith("paystream ready https://")
    assert house.ask(good) == 200
    bad = {"none": None, "wrong authority": stranger.issue("client"), "expired": authority.issue("expired", days=-1),
           "revoked": revoked, "for servers": authority.issue("a-server", usage="serverAuth"),
           "weak key": authority.issue("weak", rsa=1024)}
    for name, certificate in bad.items():
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            # The client's own OpenSSL would not load a weak key at its usual level.
            assert house.is_refused(certificate, version=version, ciphers="DEFAULT:@SECLEVEL=0"), (name, version)
    assert house.ask(good) == 200
    assert house.metric("paystream_tls_failures_total", good) >= 2 * len(bad)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_versions_and_weak_suites_are_refused_with_a_good_certificate_too(house):
    good = house.authority.issue("good")
    house.service.launch()
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        assert house.ask(good, version=version) == 200
    for version in (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1):
        assert house.is_refused(good, version=version, ciphers="ALL:@SECLEVEL=0"), version
    for suite in ("AES128-SHA", "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA"):
        assert house.is_refused(good, version=ssl.TLSVersion.TLSv1_2, ciphers=f"{suite}:@SECLEVEL=0"), suite


def test_the_key_is_needed_beside_the_certificate(house):
    good = house.authority.issue("good")
    house.service.launch()
    with contextlib.closing(house.connect(good)) as connection:
        assert get(connection, "ps_test_nonsense") == 401


def test_a_revocation_counts_without_a_restart_and_ends_open_connections(house):
    kept, leaver = house.authority.issue("kept"), house.authority.issue("leaver")
    house.service.launch()
    with contextlib.closing(house.connect(kept)) as of_kept, contextlib.closing(house.connect(leaver)) as of_leaver:
        assert get(of_kept, house.service.key) == get(of_leaver, house.service.key) == 200
        socket_of_kept = of_kept.sock
        house.authority.revoke(leaver)
        eventually(lambda: house.is_refused(leaver))
        # Its open connection ends when its thread sees the new list, the other one stays.
        eventually(lambda: has_ended(of_leaver, house.service.key))
        assert get(of_kept, house.service.key) == 200
        assert of_kept.sock is socket_of_kept
    assert house.ask(kept) == 200


def test_a_revocation_list_out_of_date_lets_nobody_in(house):
    good = house.authority.issue("good")
    house.service.launch()
    assert house.ask(good) == 200
    house.authority.write_crl(days=-1)
    eventually(lambda: house.is_refused(good))
    house.authority.write_crl()
    eventually(lambda: house.is_refused(good) is None)


def test_files_that_do_not_work_leave_the_old_ones_in_use(house, tmp_path):
    good = house.authority.issue("good")
    house.service.launch()
    assert house.ask(good) == 200
    half = tmp_path / "half"
    half.write_text("half a key\n")
    half.rename(house.files["key"])  # in one step: an empty file would be a failure of its own
    eventually(lambda: house.metric("paystream_tls_reload_failures_total", good) == 1)
    assert str(house.files["key"]) in house.service.log.read_text()
    house.authority.crl.unlink()
    eventually(lambda: house.metric("paystream_tls_reload_failures_total", good) == 2)
    assert house.ask(good) == 200
    house.use(house.server)
    house.authority.write_crl()
    eventually(lambda: house.metric("paystream_tls_reloads_total", good) >= 1)


def test_rotation_under_load_is_not_noticed(house):
    """The server's certificate changes again and again, while connections stay open and new ones are made: no error at all."""
    client = house.authority.issue("good")
    house.service.launch()
    errors, served, ends = [], [], threading.Event()

    def serial_of(connection):
        return connection.sock.getpeercert()["serialNumber"]

    def send(is_kept):
        connection = house.connect(client)
        while not ends.is_set():
            try:
                if not is_kept:
                    connection = house.connect(client)
                assert get(connection, house.service.key) == 200
                served.append(serial_of(connection))
                if not is_kept:
                    connection.close()
            except Exception as error:  # whatever it is, it is an error
                errors.append(repr(error))
                return
        connection.close()

    threads = [threading.Thread(target=send, args=(is_kept,)) for is_kept in (True, True, False, False)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(set(served)) == 1 and len(served) >= len(threads) or errors)
    rotations = 3
    for number in range(1, rotations + 1):
        fresh = house.authority.issue(f"server-{number}", san="IP:127.0.0.1", usage="serverAuth")
        house.use(fresh)
        eventually(lambda: f"{fresh.serial:02X}" in served or errors)  # a new connection has seen it
    ends.set()
    for thread in threads:
        thread.join(60)
    assert not errors, errors
    assert len(set(served)) == rotations + 1
    assert served.count(f"{house.server.serial:02X}") > 10


IDENTITIES = [
    ({"san": "DNS:shop.example,URI:spiffe://second"}, "dns:shop.example"),
    ({"san": "IP:10.0.0.1,URI:spiffe://example/ops"}, "uri:spiffe://example/ops"),
    ({"san": "email:ops@shop.example"}, "email:ops@shop.example"),
    ({"common_name": "till-7"}, "cn:till-7"),
    ({"common_name": "two words"}, None),  # nothing that could be mistaken goes into the log
]


def test_the_audit_log_names_the_certificate(house):
    house.service.launch()
    names = []
    for number, (fields, _) in enumerate(IDENTITIES):
        client = house.authority.issue(f"client-{number}", **fields)
        with contextlib.closing(house.connect(client)) as connection:
            connection.request("POST", "/v1/accounts", json.dumps({"name": f"till.{number}", "currency": "EUR", "type": "asset"}),
                               {"Authorization": f"Bearer {house.service.key}", "Idempotency-Key": f"open-{number}"})
            assert connection.getresponse().status == 201
    lines = eventually(lambda: [line for line in map(json.loads, open(house.service.directory / "audit.log"))
                                if line["action"] == "account.open"][len(IDENTITIES) - 1:] and
                       [json.loads(line) for line in open(house.service.directory / "audit.log")])
    names = {line["object"]: line["certificate"] for line in lines if line["action"] == "account.open"}
    assert names == {f"till.{number}": name for number, (_, name) in enumerate(IDENTITIES)}
    # After a restart the chain is whole, and goes on.
    assert house.service.stop() == 0
    house.service.launch()
    assert house.service.is_running


def test_a_key_is_bound_to_the_certificates_that_the_file_names(house, tmp_path):
    shop, ops, other = (house.authority.issue(name, san=f"DNS:{name}.example") for name in ("shop", "ops", "other"))
    keys = tmp_path / "keys.txt"
    keys.write_text("# everything is for ops\n\n*   dns:ops.example\n")
    house.service.launch("-D", f"http.tls.keys={keys}")

    def status(client, key):
        with contextlib.closing(house.connect(client)) as connection:
            return get(connection, key)

    assert status(ops, house.service.key) == 200
    assert status(shop, house.service.key) == status(other, house.service.key) == 403
    with contextlib.closing(house.connect(ops)) as connection:
        connection.request("POST", "/v1/keys", json.dumps({"name": "shop", "scopes": ["read"]}), {"Authorization": f"Bearer {house.service.key}"})
        made = json.loads(connection.getresponse().read())
    assert status(shop, made["secret"]) == 403
    keys.write_text(keys.read_text() + f"{made['id']}\tdns:shop.example\n")
    eventually(lambda: status(shop, made["secret"]) == 200)
    assert (status(other, made["secret"]), status(ops, made["secret"]), status(shop, house.service.key)) == (403, 200, 403)
    # A file with a wrong line changes nothing, and is named.
    keys.write_text("*   dns:other.example\nkey_nonsense dns:shop.example\n")
    eventually(lambda: f"{keys}: line 2:" in house.service.log.read_text())
    assert (status(other, made["secret"]), status(shop, made["secret"])) == (403, 200)
    keys.write_text("")  # nobody any more
    eventually(lambda: status(ops, house.service.key) == 403)


@pytest.mark.parametrize("broken", ["client_ca", "crl"])
def test_files_that_are_no_certificates_are_refused_by_name(house, broken):
    path = {"client_ca": house.authority.cert, "crl": house.authority.crl}[broken]
    path.write_text("hello\n")
    refused(house.service, str(path), code=2)


def test_a_client_that_speaks_no_tls_is_closed(house):
    good = house.authority.issue("good")
    house.service.launch()
    host, port = house.service.url.partition("://")[2].split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        data = b""
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(4096):
                data += part
    assert b"HTTP/1.1" not in data
    assert house.ask(good) == 200
