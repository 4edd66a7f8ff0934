"""The program under test: scripts in a directory of their own, rows as they come out."""
import json
import os
import subprocess
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("PAYSTREAM", str(ROOT / "build-test" / "paystream"))


class Crashed(Exception):
    """The process ended as no query may end it."""


class Refused(Exception):
    """The script was refused or failed, with a message."""


def settings(pairs):
    return [argument for key, value in pairs.items() for argument in ("-D", f"{key}={value}")]


def command(script, *options, **pairs):
    return [PROGRAM, "run", str(script), "--quiet", "--format", "json", *map(str, options), *settings(pairs)]


def check_end(done, text):
    """A finished process: its end was an answer or a refusal with a message."""
    if done.returncode < 0 or "Sanitizer" in done.stderr or "assertion" in done.stderr:
        raise Crashed(f"the program crashed ({done.returncode}): {done.stderr[-2000:]}\n{text}")
    if done.returncode != 0:
        if "error:" not in done.stderr:
            raise Crashed(f"exit {done.returncode} without a message\n{text}")
        raise Refused(done.stderr.strip())


def run_script(text, directory, *options, timeout=120, **pairs):
    """Results of the queries in order, each a list of (op, [values]); raises Crashed and Refused."""
    path = Path(directory) / "script.sql"
    path.write_text(text)
    done = subprocess.run(command(path, *options, **pairs), capture_output=True, text=True, timeout=timeout, cwd=directory)
    check_end(done, text)
    return parse_results(done.stdout)


def parse_results(text):
    results = []
    for line in text.splitlines():
        document = json.loads(line, parse_float=Decimal)
        if "columns" in document:
            results.append([])
        else:
            results[-1].append((document["op"], document["row"]))
    return results


def net(rows):
    """What remains of a changelog, as a sorted list of the rows' JSON text."""
    counts = {}
    for op, row in rows:
        text = row_text(row)
        counts[text] = counts.get(text, 0) + (1 if op in ("+I", "+U") else -1)
    return sorted(text for text, count in counts.items() for _ in range(count)) + [f"{count} × {text}" for text, count in counts.items() if count < 0]


def row_text(row):
    return json.dumps(row, default=number_text)


def number_text(value):
    """DECIMAL keeps its digits: 1.50 is not 1.5."""
    return f"decimal {value}"
