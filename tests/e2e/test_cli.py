"""The command line: exit codes, help, refusals, verify and dump (CONTRACT §1)."""
import json
import re
import shutil
import signal
import socket
import stat
import subprocess

import pytest

import checker
from conftest import PROGRAM, Service, run

COMMANDS = ["init", "serve", "verify", "dump", "load", "version"]


@pytest.fixture
def directory(tmp_path):
    """Removed at the end: segments are large."""
    yield tmp_path / "data"
    shutil.rmtree(tmp_path / "data", ignore_errors=True)


@pytest.fixture
def stopped(service):
    """A service that has served a few payments and stopped."""
    client = service.client()
    for _ in range(3):
        client.pay(reference=None, fee=10)
    client.pay(token="tok_do_not_honour")
    client.fund("cora", 100)
    assert service.stop() == 0
    return service


# ── help and usage ──

@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_goes_to_stdout_and_exits_0(command):
    done = run(*command.split(), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "usage: paystream" in done.stdout
    if command == "":
        assert all(name in done.stdout for name in COMMANDS)


USAGE = [
    ("serv", "serve"), ("verfy", "verify"), ("dmup", "dump"), ("init --dat x", "--data"), ("serve --data x --lisen y", "--listen"),
    ("dump --data x --form 1", "--from"), ("serve --data x -D rail.deadlin=1s", "rail.deadline"), ("load --ur x", "--url"),
]


@pytest.mark.parametrize("line,nearest", USAGE, ids=[row[0] for row in USAGE])
def test_a_word_that_is_not_known_names_the_nearest(line, nearest):
    done = run(*line.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert nearest in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("line", ["", "init", "serve", "verify", "dump", "load", "verify --data", "dump --data x --from y",
                                  "serve --data x --listen nowhere", "serve --data x --listen 127.0.0.1:99999",
                                  "serve --data x -D rail.deadline=soon", "serve --data x -D limits.payments=-1", "verify --data x y"])
def test_usage_errors_exit_2(line):
    done = run(*line.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr


def test_version_names_what_is_linked():
    done = run("version")
    assert done.returncode == 0
    for word in ("paystream", "commit", "compiler", "OpenSSL", "llhttp"):
        assert word in done.stdout


# ── init ──

def test_init_ends_with_the_key_alone(directory):
    done = run("init", "--data", directory)
    assert done.returncode == 0
    assert re.fullmatch(r"ps_test_[0-9A-Za-z_]+", done.stdout.splitlines()[-1])
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    for path in directory.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    again = run("init", "--data", directory)
    assert (again.returncode, again.stdout) == (3, "")
    assert str(directory) in again.stderr


def test_init_live_with_a_tenant(directory):
    done = run("init", "--data", directory, "--tenant", "acme", "--live")
    assert re.fullmatch(r"ps_live_[0-9A-Za-z_]+", done.stdout.splitlines()[-1])
    dump = run("dump", "--data", directory)
    assert '"acme"' in dump.stdout


# ── serve ──

def test_serve_without_data_exits_3(directory):
    done = run("serve", "--data", directory, "--listen", "127.0.0.1:0")
    assert (done.returncode, done.stdout) == (3, "")
    assert str(directory) in done.stderr


def test_serve_dev_makes_the_data(directory):
    process = subprocess.Popen([PROGRAM, "serve", "--data", str(directory), "--listen", "127.0.0.1:0", "--dev"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline().startswith("paystream ready http://127.0.0.1:")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "")
    assert re.search(r"ps_test_\w+", err)


def test_data_in_use_exits_3(service):
    for command in (["serve", "--data", service.directory, "--listen", "127.0.0.1:0"],):
        done = run(*command)
        assert (done.returncode, done.stdout) == (3, "")
        assert str(service.directory) in done.stderr
    assert service.client().pay().status_code == 201


def test_a_port_in_use_exits_3(directory):
    run("init", "--data", directory)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = run("serve", "--data", directory, "--listen", address)
    assert (done.returncode, done.stdout) == (3, "")
    assert address.split(":")[1] in done.stderr


def test_serve_prints_one_line(stopped):
    process = subprocess.Popen([PROGRAM, "serve", "--data", str(stopped.directory), "--listen", "127.0.0.1:0"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    first = process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=60)
    assert (process.returncode, rest) == (0, "")
    assert re.fullmatch(r"paystream ready http://127\.0\.0\.1:\d+\n", first)


# ── verify and dump ──

def test_verify_says_what_it_checked(stopped):
    done = run("verify", "--data", stopped.directory)
    assert done.returncode == 0, done.stdout + done.stderr
    report = run("verify", "--data", stopped.directory, "--json")
    assert report.returncode == 0
    shown = json.loads(report.stdout)
    assert list(shown) == ["ok", "checks", "violations"]
    assert shown["ok"] is True and shown["violations"] == []
    assert [c["id"] for c in shown["checks"]][:10] == [f"M{i}" for i in range(1, 11)]


def test_verify_and_dump_change_nothing(stopped):
    def state():
        return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in stopped.directory.rglob("*") if path.is_file()}
    before = state()
    for command in ("verify", "dump"):
        assert run(command, "--data", stopped.directory).returncode == 0
    assert state() == before


def test_dump_has_a_record_per_line_and_the_checker_agrees(stopped):
    done = run("dump", "--data", stopped.directory)
    assert done.returncode == 0
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [r["seq"] for r in records] == list(range(1, len(records) + 1))
    assert all(list(r)[0] == "seq" for r in records)
    checked = checker.check_lines(done.stdout.splitlines())
    assert len(checked.payments) == 4
    part = run("dump", "--data", stopped.directory, "--from", 2, "--to", 3)
    assert [json.loads(line)["seq"] for line in part.stdout.splitlines()] == [2, 3]


def test_the_checker_sees_a_changed_amount(stopped):
    lines = run("dump", "--data", stopped.directory).stdout.splitlines()
    changed = [re.sub(r'"kind":"post","([^}]*)"amount":1000', r'"kind":"post","\1"amount":1001', line) for line in lines]
    assert changed != lines
    with pytest.raises(checker.Violation):
        checker.check_lines(changed)


@pytest.fixture
def killed(directory):
    """A service killed after 50 payments: everything lies in the journal, nothing in a snapshot."""
    service = Service(directory).start()
    client = service.client()
    for i in range(50):
        client.pay(merchant=f"shop-{i}-x")
    service.kill()
    yield service
    service.remove()


def segment(service):
    return sorted((service.directory / "journal").glob("seg-*"))[0]


def flip(path, marker):
    data = bytearray(path.read_bytes())
    at = data.find(marker)
    assert at > 0
    data[at] ^= 0x10
    path.write_bytes(data)
    return at


def test_a_damaged_record_is_refused_by_file_offset_and_seq(killed):
    path = segment(killed)
    at = flip(path, b"shop-25-x")
    verified = run("verify", "--data", killed.directory)
    served = run("serve", "--data", killed.directory, "--listen", "127.0.0.1:0")
    assert (verified.returncode, served.returncode, served.stdout) == (1, 3, "")
    for text in (verified.stdout + verified.stderr, served.stderr):
        found = re.search(r"(\S+): damaged at offset (\d+) \(seq (\d+)-(\d+)\)", text)
        assert found, text
        assert found[1].endswith(path.name)
        assert int(found[2]) <= at < int(found[2]) + 65536
        assert int(found[3]) <= 27 <= int(found[4])


def test_a_damaged_record_behind_a_snapshot_is_found_by_verify(stopped):
    data = segment(stopped).read_bytes()
    assert b"tok_do_not_honour" in data
    flip(segment(stopped), b"tok_do_not_honour")
    verified = run("verify", "--data", stopped.directory)
    assert verified.returncode == 1
    assert re.search(r"damaged at offset \d+ \(seq \d+-\d+\)", verified.stdout + verified.stderr)


def test_a_torn_tail_is_a_note(killed):
    path = segment(killed)
    data = bytearray(path.read_bytes())
    end = len(bytes(data).rstrip(b"\0"))
    start = (end + 4095) // 4096 * 4096
    data[start:start + 700] = bytes(range(256)) * 2 + bytes(188)
    path.write_bytes(data)
    verified = run("verify", "--data", killed.directory)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    killed.start()
    assert len(killed.client().walk("/v1/payments", limit=100)) == 50
    assert killed.stop() == 0


def test_a_changed_line_of_the_audit_log_is_found_by_verify(stopped):
    log = stopped.directory / "audit.log"
    whole = log.read_bytes()
    assert b'"result":201' in whole
    log.write_bytes(whole.replace(b'"result":201', b'"result":200', 1))
    verified = run("verify", "--data", stopped.directory)
    assert verified.returncode == 1
    assert re.search(r"S-C7: audit\.log: line \d+ \(seq \d+\) was changed, or a line before it was", verified.stdout), verified.stdout
    shown = json.loads(run("verify", "--data", stopped.directory, "--json").stdout)
    assert [c["id"] for c in shown["checks"] if not c["ok"]] == ["S-C7"]
    # What a kill may take from its end is written again by the next start.
    log.write_bytes(whole[:-10])
    assert run("verify", "--data", stopped.directory).returncode == 0


def test_a_missing_segment_is_refused(killed):
    segment(killed).unlink()
    assert run("verify", "--data", killed.directory).returncode == 1
    assert run("serve", "--data", killed.directory, "--listen", "127.0.0.1:0").returncode == 3


def test_a_directory_that_is_none_of_ours_is_refused(tmp_path):
    (tmp_path / "x").write_text("hello")
    for command in ("serve", "verify", "dump"):
        done = run(command, "--data", tmp_path)
        assert done.returncode == 3, command
        assert (tmp_path / "x").read_text() == "hello"


# ── load ──

def test_load_reports_as_json(service):
    done = run("load", "--url", service.url, "--key", service.key, "--connections", 4, "--seconds", 1, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert set(report) == {"requests", "payments", "seconds", "rate", "status", "errors", "latency_us"}
    assert set(report["latency_us"]) == {"p50", "p90", "p99", "p999", "max"}
    assert report["errors"] == 0 and report["requests"] > 10
    assert report["status"]["201"] > 0
    assert sum(report["status"].values()) == report["requests"]


def test_load_in_batches_at_a_rate(service):
    done = run("load", "--url", service.url, "--key", service.key, "--connections", 2, "--seconds", 1, "--batch", 50, "--rate", 20,
               "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["payments"] >= 10 * report["requests"]
    table = run("load", "--url", service.url, "--key", service.key, "--seconds", 1, "--rate", 50)
    assert table.returncode == 0 and "p99.9" in table.stdout


def test_load_without_a_service_fails(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    done = run("load", "--url", f"http://127.0.0.1:{port}", "--key", "ps_test_x", "--seconds", 1)
    assert done.returncode == 1
    assert done.stderr
