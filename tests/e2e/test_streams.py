"""Streams from outside: sources made up, the journal as tables, the shell, and dead ends that must be told."""
import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import time

import pytest

from conftest import PROGRAM, ROOT, Service, run

DATAGEN = """CREATE TABLE orders (id BIGINT, shop STRING, amount INT, made TIMESTAMP(3), WATERMARK FOR made AS made - INTERVAL '0.001' SECOND)
WITH ('connector' = 'datagen', 'seed' = '3', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '20000',
      'fields.shop.length' = '1', 'fields.amount.min' = '1', 'fields.amount.max' = '9');
"""


def script(tmp_path, text, name="job.sql"):
    path = tmp_path / name
    path.write_text(text)
    return path


def rows_of(text):
    """Rows of `--format json`, without the lines that name columns."""
    return [json.loads(line)["row"] for line in text.splitlines() if '"row"' in line]


def query(tmp_path, text, *options):
    done = run("run", script(tmp_path, text), "--format", "json", *options)
    assert done.returncode == 0, done.stderr
    return rows_of(done.stdout)


def test_after_a_run_the_plan_has_rows_and_time_of_each_operator(tmp_path):
    text = DATAGEN + "SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(made), INTERVAL '1' SECOND)) GROUP BY window_start, window_end;"
    done = run("run", script(tmp_path, text), "--quiet", "--explain")
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert re.match(r"Sink#\d+ .* \[in 2, \d+\.\d{3} ms\]$", lines[0]), lines[0]
    aggregate = next(line for line in lines if "WindowAggregate#" in line)
    assert re.search(r"\[in 20000, out 2, \d+ bytes, \d+\.\d{3} ms\]$", aggregate), aggregate
    assert re.search(r"\[out 20000, \d+\.\d{3} ms\]$", lines[-1]) and "Source#0" in lines[-1], lines[-1]


# ── metadata of files ──

FILES = """CREATE TABLE t (`path` STRING METADATA FROM 'file.path', id INT, `file.name` STRING NOT NULL METADATA VIRTUAL, size BIGINT METADATA FROM 'file.size' VIRTUAL)
WITH ('connector' = 'filesystem', 'path' = '{}/in', 'format' = 'csv');
"""


@pytest.mark.parametrize("options", [(), ("--parallelism", "2"), ("-D", "paystream.batch.rows=1")])
def test_rows_know_the_file_that_they_are_from(tmp_path, options):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("1\n2\n")
    (tmp_path / "in" / "b.csv").write_text("3\n")
    text = FILES.format(tmp_path)
    assert query(tmp_path, text + "SELECT * FROM t;", *options) == [
        [f"{tmp_path}/in/a.csv", 1, "a.csv", 4], [f"{tmp_path}/in/a.csv", 2, "a.csv", 4], [f"{tmp_path}/in/b.csv", 3, "b.csv", 2]]
    assert query(tmp_path, text + "SELECT `file.name` FROM t WHERE id > 1;", *options) == [["a.csv"], ["b.csv"]]


@pytest.mark.parametrize("column, message", [
    ("x STRING METADATA FROM 'file.owner'", "there is no metadata key 'file.owner'; filesystem has file.path, file.name, file.size and file.modification-time"),
    ("x INT METADATA FROM 'file.size'", "metadata key 'file.size' is of type BIGINT"),
    ("x TIMESTAMP(3) METADATA FROM 'file.modification-time'", "metadata key 'file.modification-time' is of type TIMESTAMP_LTZ(3)")])
def test_metadata_that_is_not_there_is_told(tmp_path, column, message):
    (tmp_path / "in").mkdir()
    done = run("run", script(tmp_path, f"CREATE TABLE t (id INT, {column}) WITH ('connector' = 'filesystem', 'path' = '{tmp_path}/in', 'format' = 'csv');\nSELECT * FROM t;"))
    assert done.returncode == 1 and message in done.stderr


# ── datagen ──

def test_datagen_with_a_seed_is_the_same_table_in_every_run(tmp_path):
    text = DATAGEN + """SELECT window_start, COUNT(*), SUM(amount), MIN(id) FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(made), INTERVAL '1' SECOND))
    GROUP BY window_start, window_end;"""
    first = query(tmp_path, text)
    assert [(row[0], row[1], row[3]) for row in first] == [("2024-01-01 00:00:00.000", 10000, 1), ("2024-01-01 00:00:01.000", 10000, 10001)]
    assert all(45000 < row[2] < 55000 for row in first)
    assert query(tmp_path, text) == first


def test_datagen_options_that_are_wrong_are_told_with_the_place(tmp_path):
    done = run("run", script(tmp_path, DATAGEN.replace("'fields.shop.length'", "'fields.shop.lenght'") + "SELECT * FROM orders;"))
    assert done.returncode == 1
    assert re.search(r"job\.sql:\d+:\d+: error: .*did you mean 'length'\?", done.stderr), done.stderr


def test_an_endless_job_ends_at_sigterm_with_exit_0(tmp_path):
    text = "CREATE TABLE t (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '100');\nSELECT id FROM t;"
    process = subprocess.Popen([PROGRAM, "run", script(tmp_path, text), "--format", "json"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline().startswith('{"columns"')
        assert '"row"' in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.stdout.close()


# ── the journal as tables ──

@pytest.fixture(scope="module")
def paid(tmp_path_factory):
    """A data directory that lies still, and what the API said about it."""
    it = Service(tmp_path_factory.mktemp("streams") / "data").start()
    client = it.client()
    card = {"type": "card", "token": "tok_ok", "bin": "424242", "country": "DE"}
    bodies = [{"id": f"pay_s{i:02}", "amount": 100 * (i + 1), "currency": "EUR", "merchant": f"shop{i % 3}", "payer": f"payer{i % 4}",
               "reference": f"ref-{i}", "instrument": dict(card, token="tok_insufficient_funds") if i % 5 == 4 else card} for i in range(20)]
    for body in bodies:
        assert client.post("/v1/payments", body).status_code in (201, 402)
    assert client.post("/v1/refunds", {"payment": "pay_s00", "amount": 40}).status_code == 201
    it.events = client.events()
    assert it.stop() == 0
    yield it
    it.remove()


def test_payment_events_are_the_events_of_the_api(paid, tmp_path):
    rows = query(tmp_path, "SELECT type, payment_id, status, merchant, currency, captured, refunded, event_time FROM payment_events;",
                 "--data", paid.directory)
    wanted = [(event["type"], event["data"]["object"]) for event in paid.events if event["type"].startswith("payment.")]
    assert len(rows) == len(wanted)
    for row, (name, payment) in zip(rows, wanted):
        assert row[:7] == [name, payment["id"], payment["status"], payment["merchant"], "EUR", payment["captured"], payment["refunded"]]
        assert row[7].replace(" ", "T")[:23] == payment["updated"][:23]


def test_amounts_are_those_of_each_change(paid, tmp_path):
    rows = query(tmp_path, "SELECT type, amount FROM payment_events WHERE payment_id = 'pay_s00';", "--data", paid.directory)
    assert rows == [["payment.created", 100], ["payment.authorised", 100], ["payment.captured", 100], ["payment.refunded", 40]]


def test_no_table_of_the_journal_shows_more_of_a_card_than_its_bin(paid, tmp_path):
    text = "".join(f"SELECT * FROM {table};\n" for table in ("payment_events", "trades", "transfers", "risk_events", "decisions"))
    done = run("run", script(tmp_path, text), "--format", "json", "--data", paid.directory)
    assert done.returncode == 0, done.stderr
    assert not re.search(r"\b\d{13,19}\b", re.sub(r'"(seq|amount)":\d+', "", done.stdout))
    columns = [column["name"] for line in done.stdout.splitlines() if '"columns"' in line for column in json.loads(line)["columns"]]
    assert not {"last4", "exp", "pan", "card_number"} & set(columns)
    assert len(rows_of(done.stdout)) > 60


def test_a_table_of_ones_own_reads_from_a_sequence(paid, tmp_path):
    ddl = "CREATE TABLE late (seq BIGINT, type STRING) WITH ('connector' = 'journal', 'table' = 'payment_events', {});\nSELECT * FROM late;"
    everything = query(tmp_path, ddl.format("'scan.startup.mode' = 'earliest'"), "--data", paid.directory)
    middle = everything[len(everything) // 2][0]
    some = query(tmp_path, ddl.format(f"'scan.startup.mode' = 'sequence', 'scan.startup.sequence' = '{middle}'"), "--data", paid.directory)
    assert some == [row for row in everything if row[0] >= middle]
    assert query(tmp_path, ddl.format("'scan.startup.mode' = 'latest'"), "--data", paid.directory) == []


def test_sequence_and_time_of_a_record_are_metadata_too(paid, tmp_path):
    ddl = """CREATE TABLE p (n BIGINT METADATA FROM 'sequence' VIRTUAL, `timestamp` TIMESTAMP_LTZ(3) METADATA, seq BIGINT, event_time TIMESTAMP_LTZ(3))
    WITH ('connector' = 'journal', 'table' = 'payment_events');\n"""
    rows = query(tmp_path, ddl + "SELECT * FROM p;", "--data", paid.directory)
    assert rows and all(row[0] == row[2] and row[1] == row[3] for row in rows)


def test_journal_tables_without_a_data_directory_are_refused(tmp_path):
    done = run("run", script(tmp_path, "SELECT * FROM payment_events;"))
    assert done.returncode == 1 and "payment_events" in done.stderr
    text = "CREATE TABLE trades (seq BIGINT) WITH ('connector' = 'journal');\nSELECT * FROM trades;"
    done = run("run", script(tmp_path, text))
    assert done.returncode == 1 and "--data" in done.stderr


def test_a_journal_can_be_read_while_the_service_writes_it(tmp_path):
    service = Service(tmp_path / "data").start()
    try:
        client = service.client()
        body = {"amount": 500, "currency": "EUR", "merchant": "m", "payer": "p", "instrument": {"type": "card", "token": "tok_ok"}}
        for _ in range(5):
            assert client.post("/v1/payments", body).status_code == 201
        rows = query(tmp_path, "SELECT type FROM payment_events WHERE type = 'payment.captured';", "--data", service.directory)
        assert len(rows) == 5
    finally:
        assert service.stop() == 0
        service.remove()


# ── the shell ──

def test_the_shell_takes_statements_from_a_pipe(tmp_path):
    text = DATAGEN + "\\d\n\\d orders\nSELECT id\n  FROM orders WHERE id <= 2;\nSELECT nothing FROM orders; SELECT 'a;b' AS x;\n\\q\nSELECT 'not reached';\n"
    done = subprocess.run([PROGRAM, "sql", "--format", "csv"], input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1  # one statement failed, the others ran
    assert "id\n1\n2\n" in done.stdout.replace("\r", "") and "a;b" in done.stdout and "amount" in done.stdout
    assert "not reached" not in done.stdout
    assert "column 'nothing' not found" in done.stderr


class Terminal:
    """`paystream sql` on a terminal of its own."""

    def __init__(self, home, *arguments):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # under the sanitizers: libedit keeps the names of the functions that are added to it, a few hundred bytes, for ever
            more = {"HOME": str(home), "TERM": "xterm", "ASAN_OPTIONS": "detect_leaks=0"}
            os.execve(PROGRAM, ["paystream", "sql", *arguments], {**os.environ, **more})
        self.text = ""

    def expect(self, pattern, seconds=60):
        end = time.monotonic() + seconds
        while not re.search(pattern, self.text):
            assert time.monotonic() < end, f"no {pattern!r} in {self.text[-2000:]!r}"
            if select.select([self.fd], [], [], 0.2)[0]:
                self.text = (self.text + os.read(self.fd, 65536).decode(errors="replace"))[-20000:]
        self.text = self.text[re.search(pattern, self.text).end():]

    def send(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_the_shell_edits_completes_cancels_and_remembers(tmp_path):
    terminal = Terminal(tmp_path)
    terminal.expect("paystream> ")
    terminal.send("CREATE TABLE purchases (id BIGINT, colour STRING) WITH ('connector'='datagen');\n")
    terminal.expect("paystream> $")
    terminal.send("SELEC\t colou\t FROM purc\t LIMIT 1;\n")
    terminal.expect(r"\n colour\s+-+\s+[0-9a-f]{100}\s")
    terminal.send("\x03")
    terminal.expect(r"\(1 row\)")
    terminal.expect("paystream> $")
    terminal.send("SELECT half of a statement \x03")
    terminal.expect(r"\^C\s+paystream> $")
    terminal.send("SELECT id\nFROM purchases;\n")
    terminal.expect("        -> ")
    terminal.expect(r"\d+\s+\n.*\d+")
    terminal.send("\x03")
    terminal.expect("paystream> $")
    terminal.send("SELECT 40 + 2 AS answer;\n")
    terminal.expect(r"answer[\s|+-]+42")
    terminal.send("\\q\n")
    assert terminal.end() == 0
    history = pathlib.Path(tmp_path / ".paystream_history")
    assert "answer" in history.read_text() and history.stat().st_mode & 0o077 == 0


# ── explain, lint ──

PATTERN = """CREATE TABLE t (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen', 'number-of-rows' = '1');
SELECT * FROM t MATCH_RECOGNIZE (ORDER BY ts MEASURES A.id AS a%s
PATTERN (A B* C)%s DEFINE A AS A.id > 1, C AS C.id > LAST(A.id));
"""


def test_explain_draws_the_automata_of_patterns(tmp_path):
    path = tmp_path / "pattern.sql"
    path.write_text(PATTERN % ("", ""))
    plan, dot = run("explain", path), run("explain", path, "--dot")
    assert plan.returncode == dot.returncode == 0, plan.stderr + dot.stderr
    assert "Match#" in plan.stdout and "take if A" in plan.stdout
    assert dot.stdout.startswith("digraph ") and dot.stdout.rstrip().endswith("}") and "Match" not in dot.stdout


@pytest.mark.parametrize("after, within, rules", [
    ("", "", ["after-match", "unbounded-pattern"]),
    ("\nAFTER MATCH SKIP PAST LAST ROW", "", ["unbounded-pattern"]),
    ("\nAFTER MATCH SKIP TO NEXT ROW", " WITHIN INTERVAL '1' MINUTE", []),
], ids=["both", "no WITHIN", "none"])
def test_lint_tells_of_patterns_that_mean_something_else_elsewhere_or_never_end(tmp_path, after, within, rules):
    path = tmp_path / "pattern.sql"
    path.write_text(PATTERN % (after, within))
    done = run("lint", path)
    assert done.returncode == 0
    assert sorted(re.findall(r"\((\S+)\)$", done.stdout, re.M)) == rules


def test_a_pattern_without_an_end_stops_at_its_limit(tmp_path):
    (tmp_path / "rows.csv").write_text("".join(f"{i},2026-01-01 00:00:00.{i:03d}\n" for i in range(200)))
    script = ("CREATE TABLE t (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) "
              f"WITH ('connector' = 'filesystem', 'path' = '{tmp_path}/rows.csv', 'format' = 'csv');\n"
              "SELECT * FROM t MATCH_RECOGNIZE (ORDER BY ts MEASURES A.id AS a AFTER MATCH SKIP TO NEXT ROW PATTERN (A B* C) "
              "DEFINE B AS B.id >= 0, C AS C.id < 0);\n")
    path = tmp_path / "pattern.sql"
    path.write_text(script)
    for settings, message in [({"runs-per-key": 50}, "partial matches"), ({"rows-per-run": 20}, "rows")]:
        options = [part for key, value in settings.items() for part in ("-D", f"paystream.match.{key}={value}")]
        done = run("run", path, *options)
        assert done.returncode == 1 and message in done.stderr and f"paystream.match.{next(iter(settings))}" in done.stderr
    evicting = run("run", path, "-D", "paystream.match.runs-per-key=50", "-D", "paystream.match.on-limit=evict")
    assert evicting.returncode == 0 and "150 partial matches were dropped" in evicting.stderr, evicting.stderr

def test_every_job_that_comes_with_the_program_can_be_planned(tmp_path):
    for path in sorted((ROOT / "jobs").glob("*.sql")):
        done = run("explain", path, "--data", tmp_path)
        assert done.returncode == 0 and "payment_events" in done.stdout, (path, done.stderr)
