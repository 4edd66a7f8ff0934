"""What an operator relies on: health, metrics, rate limits, full tables, memory, TLS, snapshots."""
import json
import re
import ssl
import subprocess
import time
import urllib.request
import warnings

import pytest

from conftest import PROGRAM, Service, run


@pytest.fixture
def start(tmp_path):
    """Starts services with arguments; removes them at the end."""
    made = []

    def begin(*arguments):
        it = Service(tmp_path / f"data{len(made)}", *arguments).start()
        made.append(it)
        return it
    yield begin
    for it in made:
        if it.is_running:
            assert it.stop() == 0
        it.remove()


def test_health_needs_no_key(shared):
    client = shared.client()
    client.key = None
    for path in ("/healthz", "/readyz"):
        assert client.get(path).status_code == 200
    page = client.get("/")
    assert page.status_code == 200 and page.headers["Content-Type"].startswith("text/html")


def metrics(client):
    found = {}
    for line in client.get("/metrics").text.splitlines():
        if line and not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            found[name] = float(value)
    return found


def test_metrics_are_prometheus_text_and_count(client):
    reply = client.get("/metrics")
    assert reply.headers["Content-Type"].startswith("text/plain")
    names = set()
    for line in reply.text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert kind in ("counter", "gauge", "histogram", "summary")
            assert name not in names
            names.add(name)
        elif not line.startswith("#"):
            assert re.fullmatch(r'[a-zA-Z_:][\w:]*(\{(\w+="[^"]*",?)*\})? [-+0-9.eE]+(Inf|NaN)?', line), line
            family = re.sub(r"_(bucket|sum|count)$", "", re.split(r"[ {]", line)[0])
            assert family in names or re.split(r"[ {]", line)[0] in names, line
    before = metrics(client)
    for _ in range(10):
        client.pay()
    after = metrics(client)
    grown = {name for name in after if after[name] - before.get(name, 0) == 10}
    assert any("payment" in name for name in grown), sorted(grown)


def test_no_secret_is_in_the_metrics(client):
    client.pay(merchant="unmetered", payer="nobody.metered")
    text = client.get("/metrics").text
    for word in ("unmetered", "nobody.metered", "ps_test_", client.key):
        assert word not in text


def asked_until(client, status):
    """The reply of that status; all before it are 200, the first one certainly."""
    assert client.get("/v1/payments").status_code == 200
    for _ in range(10_000):
        reply = client.get("/v1/payments")
        if reply.status_code != 200:
            assert reply.status_code == status
            return reply
    raise AssertionError(f"never answered {status}")


def test_a_rate_per_key_answers_429(start):
    client = start("-D", "rate.key=20").client()
    refused = asked_until(client, 429)
    assert int(refused.headers["Retry-After"]) >= 1
    assert refused.json()["error"]["type"] == "rate_limit_error"
    other = client.service.client()
    time.sleep(int(refused.headers["Retry-After"]))
    assert other.get("/v1/payments").status_code == 200


def test_a_rate_per_address_answers_429(start):
    client = start("-D", "rate.address=20").client()
    asked_until(client, 429)


def test_a_full_table_answers_507_and_the_rest_goes_on(start):
    service = start("-D", "limits.payments=1000")
    client = service.client()
    kept = client.pay(capture_method="manual").json()
    lines = [json.dumps({"op": "payment.create", "key": f"full-{i}", "amount": 1, "currency": "EUR", "merchant": "m", "payer": "p",
                         "instrument": {"type": "card", "token": "tok_ok"}}) for i in range(1100)]
    statuses = [json.loads(line)["status"] for line in client.post("/v1/batch", data="\n".join(lines)).text.splitlines()]
    assert set(statuses) == {201, 507}
    assert sorted(statuses) == statuses, "once full, it stays full"
    reply = client.pay()
    assert (reply.status_code, reply.json()["error"]["type"]) == (507, "api_error")
    assert client.post(f"/v1/payments/{kept['id']}/capture").status_code == 200
    assert client.post("/v1/refunds", {"payment": kept["id"]}).status_code == 201
    service.kill()
    service.start()
    assert service.client().pay().status_code == 507
    assert service.client().get("/v1/ledger/verify").json()["ok"]


def resident_mib(process):
    with open(f"/proc/{process.pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read())[1]) / 1024


def test_an_empty_service_is_small(start):
    service = start()
    service.client().pay()
    assert resident_mib(service.process) <= 256


def test_a_start_from_snapshots_shows_the_same_as_the_journal(start):
    service = start("-D", "snapshot.every=64KiB", "-D", "journal.segment=4MiB")
    client = service.client()
    for i in range(300):
        client.pay(merchant=f"m{i % 7}", metadata={"i": str(i)}, token="tok_ok" if i % 5 else "tok_do_not_honour")
    paths = ["/v1/payments?limit=100", "/v1/trades?limit=100", "/v1/accounts?limit=100", "/v1/events?limit=1000&after=0", "/v1/keys",
             "/v1/ledger/trial-balance", "/v1/accounts/merchant:m3:pending/entries?currency=EUR"]

    def state(service):
        return [re.sub(r'"request_id":"\w+"', "", service.client().get(path).text) for path in paths]
    before = state(service)
    service.kill()
    assert list((service.directory / "snapshots").iterdir())
    assert run("verify", "--data", service.directory).returncode == 0
    service.start()
    assert state(service) == before
    assert service.stop() == 0
    service.start()
    assert state(service) == before


# ── TLS ──

@pytest.fixture
def tls(tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)],
                   check=True, capture_output=True)
    service = Service(tmp_path / "tls", "-D", f"http.tls.cert={cert}", "-D", f"http.tls.key={key}")
    service.process = subprocess.Popen(
        [PROGRAM, "serve", "--data", str(service.directory), "--listen", "127.0.0.1:0", *service.arguments],
        stdout=subprocess.PIPE, stderr=open(service.log, "ab"), text=True)
    service.url = service.process.stdout.readline().split()[2]
    yield service, cert
    assert service.stop() == 0
    service.remove()


def test_tls_serves_and_refuses_old_versions(tls):
    service, cert = tls
    assert service.url.startswith("https://")
    context = ssl.create_default_context(cafile=str(cert))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    request = urllib.request.Request(service.url + "/v1/payments", headers={"Authorization": f"Bearer {service.key}"})
    assert opener.open(request, timeout=60).status == 200
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=old))
    with pytest.raises(OSError):
        opener.open(service.url + "/healthz", timeout=60)
