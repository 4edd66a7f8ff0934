"""Cases of schema cep/1: patterns through the C interface. cep_driver feeds a case to a ps_sequence and prints what comes out."""
import json
import subprocess
from collections import Counter
from pathlib import Path


def driver_of(program):
    """Beside the program, where the build puts it."""
    return Path(program).parent / "tests" / "cep_driver"


def steps(found, *names):
    """What is compared: a multiset of (where, match); the order of rows inside a stage counts, that of stages does not."""
    return Counter(json.dumps([[entry.get(name) for name in names], sorted(entry["match"].items())]) for entry in found)


def difference(kind, expected, actual):
    missing, extra = expected - actual, actual - expected
    if not missing and not extra:
        return None
    return f"{kind}: missing {sorted(missing.elements())}, not expected {sorted(extra.elements())}"


def run_case(program, case):
    """None: as expected. Otherwise what differs."""
    done = subprocess.run([driver_of(program)], input=json.dumps(case), capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        return f"cep_driver: exit {done.returncode}: {done.stderr.strip()}"
    actual = json.loads(done.stdout)
    if "expected_error" in case:
        if actual["error"] is None:
            return f"expected {case['expected_error']}: {case.get('expected_error_note')}, but it ran"
        return None if not actual["matches"] else f"matches before the error: {actual['matches']}"
    if actual["error"] is not None:
        return f"failed: {actual['error']}"
    end = len(case["events"])
    expected = [{"on": "advance" if entry["at"] == end else "event", **entry} for entry in case["expected"]]
    return (difference("matches", steps(expected, "at", "on"), steps(actual["matches"], "at", "on"))
            or difference("timeouts", steps(case.get("expected_timeouts", []), "at", "timeout_ts"), steps(actual["timeouts"], "at", "timeout_ts")))
