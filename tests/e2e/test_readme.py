"""What the README and ARCHITECTURE.md say is so: the README's lines run as they stand, against a service started as it says."""
import json
import os
import pathlib
import re
import signal
import subprocess

import pytest

from conftest import PROGRAM, ROOT

README = (ROOT / "README.md").read_text()


def blocks():
    """The shell blocks of the README, in order."""
    return re.findall(r"```sh\n(.*?)```", README, re.DOTALL)


def block_with(word):
    found = [block for block in blocks() if word in block]
    assert found, f"no block of the README has {word}"
    return found[0]


class Started:
    """`make run` without make: tools/run, on a port and a directory of its own."""

    def __init__(self, place):
        self.place = place
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [str(ROOT / "tools" / "run"), PROGRAM, "data"], cwd=self.place, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env={**os.environ, "PAYSTREAM_LISTEN": "127.0.0.1:0"})
        self.url = self.process.stdout.readline().split()[2]
        for line in self.process.stderr:
            if "test key" in line:
                self.new_key = line.split()[-1]
                return
        raise AssertionError("no test key was printed")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.end()

    def end(self):
        self.process.wait(timeout=60)
        self.process.stdout.close()
        self.process.stderr.close()


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    place = tmp_path_factory.mktemp("readme")
    (place / "build").mkdir()
    (place / "build" / "paystream").symlink_to(PROGRAM)
    it = Started(place)
    it.key = it.new_key
    yield it
    if it.process.poll() is None:
        it.process.send_signal(signal.SIGINT)
        it.end()


def shell(started, text):
    """Runs a block's lines as someone who typed URL and KEY before; returns its output."""
    done = subprocess.run(["bash", "-euc", text], cwd=started.place, capture_output=True, text=True, timeout=120,
                          env={**os.environ, "URL": started.url, "KEY": started.key})
    assert done.returncode == 0, done.stderr
    return done.stdout


def answers(output):
    """The JSON objects that curl printed one after the other."""
    found, at, decoder = [], 0, json.JSONDecoder()
    while at < len(output):
        answer, at = decoder.raw_decode(output, at)
        found.append(answer)
        at += len(output[at:]) - len(output[at:].lstrip())
    return found


def test_the_two_commands_come_first():
    assert [line.split("#")[0].strip() for line in blocks()[0].splitlines()] == ["make run", "make test"]


def test_the_address_is_that_of_make_run():
    assert "URL=http://127.0.0.1:8480" in block_with("URL=")
    assert "127.0.0.1:8480" in (ROOT / "tools" / "run").read_text()


def test_the_curl_lines_pay_capture_refund_and_show_the_books(started):
    paid, captured, refunded, postings, account, balance = answers(shell(started, block_with("order-1001-refund")))
    assert (paid["status"], paid["capturable"]) == ("authorised", 4200)
    assert (captured["status"], captured["captured"]) == ("captured", 3000)
    assert (refunded["status"], refunded["amount"]) == ("succeeded", 500)
    assert {posting["kind"] for posting in postings["data"]} >= {"pending", "post"}
    assert account["balance"] == 2500
    assert balance["data"] and all(row["balanced"] for row in balance["data"])


def test_the_lines_may_be_sent_twice(started):
    text = block_with("order-1001-refund")
    first, again = answers(shell(started, text))[:3], answers(shell(started, text))[:3]
    assert first == again


def test_a_killed_service_comes_back_with_the_payment(started):
    shell(started, block_with("order-1001-refund"))
    started.kill()
    lines = block_with("kill -9").splitlines()
    verify = [line for line in lines if " verify " in line]
    assert len(verify) == 1 and lines[-1] == "make run"
    assert "all invariants hold" in shell(started, verify[0])
    started.start()
    (payment,) = answers(shell(started, [block for block in blocks() if "pay_order_1001 -H" in block][-1]))
    assert (payment["captured"], payment["refunded"]) == (3000, 500)


def test_every_command_that_the_readme_names_is_there():
    for command in set(re.findall(r"build/paystream (\w+)", README)):
        assert subprocess.run([PROGRAM, command, "--help"], capture_output=True).returncode == 0, command


def linked_pages():
    return [page for page in [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").glob("*.md"))]]


@pytest.mark.parametrize("page", linked_pages(), ids=lambda page: page.name)
def test_links_lead_to_files(page):
    targets = re.findall(r"\]\((?!http)([^)#]+)", page.read_text())
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert missing == []


def test_what_the_map_names_is_in_the_source():
    text = (ROOT / "ARCHITECTURE.md").read_text()
    sources = "\n".join(path.read_text() for path in [*ROOT.glob("src/*/*.[ch]"), *ROOT.glob("tests/sim/*.c")])
    names = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", text))
    assert len(names) > 20
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b", sources)] == []
    paths = set(re.findall(r"`((?:src|tests|tools|docs|web|bench|include|cmake)/[\w./]*)`", text))
    assert len(paths) > 20
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []
