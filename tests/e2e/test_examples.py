"""The examples do what they say."""
import os
import re
import subprocess
import sys

import pytest

from conftest import ROOT

SERVE = ["-D", "rail.deadline=500ms", "-D", "rail.simulator.delay=150ms"]
EXAMPLES = ROOT / "examples"


def example(service, name, *arguments):
    command = [sys.executable] if name.endswith(".py") else ["bash"]
    environment = {**os.environ, "URL": service.url, "KEY": service.key, "no_proxy": "*"}
    done = subprocess.run([*command, str(EXAMPLES / name), *map(str, arguments)], env=environment, capture_output=True, text=True,
                          timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_example_is_run_here():
    tested = open(__file__).read()
    for path in EXAMPLES.iterdir():
        if path.suffix in (".sh", ".py"):
            assert f'"{path.name}"' in tested, path
            assert os.access(path, os.X_OK), path
            assert f"`{path.name}`" in (EXAMPLES / "README.md").read_text()


def test_pay(shared):
    out = example(shared, "pay.sh")
    assert re.search(r"^held +pay_\w+ authorised$", out, re.M)
    assert "the same answer" in out
    assert "captured  1500 of 2500, captured" in out
    assert '"kind":"void"' in out


def test_refund(shared):
    out = example(shared, "refund.sh")
    assert re.search(r"^refund +re_\w+ succeeded$", out, re.M)
    assert "refused   amount_too_large, refundable 600" in out
    assert "payment   partially_refunded, refunded 400" in out


def test_wallet(shared):
    assert example(shared, "wallet.sh").splitlines() == [
        "funded    5000", "paid      captured, left 3800", "declined  insufficient_funds, left 3800"]


@pytest.mark.parametrize("token,end", [
    ("tok_ok", r"captured"), ("tok_slow_ok", "captured"), ("tok_timeout", "captured"), ("tok_failed", "failed"),
    ("tok_stolen_card", r"declined \(stolen_card: do_not_retry\)"),
])
def test_the_client(shared, token, end):
    assert re.fullmatch(rf"pay_\w+ {end}\n", example(shared, "client.py", 1500, token))


def test_follow_misses_and_repeats_nothing(shared, tmp_path):
    client = shared.client()
    for _ in range(4):
        client.pay()
    total = len(client.events())
    lines = []
    for count in (3, 5, total - 8):
        lines += example(shared, "follow.py", tmp_path / "state", count).splitlines()
    assert [int(line.split()[0]) for line in lines] == list(range(1, total + 1))
    assert "payment.captured" in lines[-1] or "trade" in lines[-1]
