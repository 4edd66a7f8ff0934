"""Late rows are never silent: they are counted, told, and read as the table `<sink>$late` of a statement set."""
import json

import pytest

from conftest import run

EVENTS = """1,10,2026-01-01 00:00:05
2,11,2026-01-01 00:00:15
3,12,2026-01-01 00:00:07
4,13,2026-01-01 00:00:40
5,14,2026-01-01 00:00:16
6,15,2026-01-01 00:00:41
"""
DDL = """CREATE TABLE events (id INT, amount INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'filesystem', 'path' = '{0}/events.csv', 'format' = 'csv');
CREATE TABLE sums (s TIMESTAMP(3), n BIGINT) WITH ('connector' = 'filesystem', 'path' = '{0}/sums', 'format' = 'csv');
CREATE TABLE late (o STRING, w TIMESTAMP_LTZ(3), r STRING) WITH ('connector' = 'filesystem', 'path' = '{0}/late', 'format' = 'json');
"""
TUMBLE = """INSERT INTO sums SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY window_start, window_end;
"""
OVER = "INSERT INTO sums SELECT ts, SUM(amount) OVER (ORDER BY ts) FROM events;\n"
LATE = "INSERT INTO late SELECT * FROM sums$late;\n"
EXTENDED = "SET 'paystream.dialect' = 'extended';\n"


def job(tmp_path, *statements, prefix=EXTENDED, options=()):
    (tmp_path / "events.csv").write_text(EVENTS)
    (tmp_path / "job.sql").write_text(prefix + DDL.format(tmp_path) + "".join(statements))
    return run("run", tmp_path / "job.sql", *options)


def statement_set(*inserts):
    return "EXECUTE STATEMENT SET BEGIN\n" + "".join(inserts) + "END;\n"


def late_rows(tmp_path):
    rows = [json.loads(line) for path in sorted((tmp_path / "late").glob("part-*")) for line in path.read_text().splitlines()]
    return [(row["o"], row["w"], json.loads(row["r"])) for row in rows]


@pytest.mark.parametrize("batch", ["1", "3", "1024"])
def test_rows_of_closed_windows_are_read_whole(tmp_path, batch):
    # the reader may stand before what it reads of
    done = job(tmp_path, statement_set(LATE, TUMBLE), options=["-D", f"paystream.batch.rows={batch}"])
    assert done.returncode == 0, done.stderr
    assert "2 late rows were dropped" in done.stderr
    assert late_rows(tmp_path) == [
        ("WindowAggregate", "2026-01-01 00:00:15Z", {"id": 3, "amount": 12, "ts": "2026-01-01 00:00:07.000"}),
        ("WindowAggregate", "2026-01-01 00:00:40Z", {"id": 5, "amount": 14, "ts": "2026-01-01 00:00:16.000"})]


def test_lanes_tell_their_late_rows_too(tmp_path):
    keyed = TUMBLE.replace("GROUP BY window_start", "GROUP BY id, window_start")
    done = job(tmp_path, statement_set(LATE, keyed), options=["--parallelism", "2"])
    assert done.returncode == 0, done.stderr
    assert "one lane" not in done.stderr and "2 late rows were dropped" in done.stderr
    assert sorted(row["id"] for _, _, row in late_rows(tmp_path)) == [3, 5]


def test_each_operator_tells_what_it_drops(tmp_path):
    done = job(tmp_path, statement_set(OVER, LATE))
    assert done.returncode == 0, done.stderr
    assert [(operator, row["amount"]) for operator, _, row in late_rows(tmp_path)] == [("Over", 12), ("Over", 14)]


def test_late_rows_are_a_table_like_any_other(tmp_path):
    text = "INSERT INTO late SELECT o, MAX(w), CAST(COUNT(*) AS STRING) FROM (SELECT late_operator AS o, late_watermark AS w FROM sums$late) GROUP BY o;\n"
    ddl = DDL.replace("'format' = 'json'", "'format' = 'changelog-json'").format(tmp_path)
    (tmp_path / "events.csv").write_text(EVENTS)
    (tmp_path / "job.sql").write_text(EXTENDED + ddl + statement_set(TUMBLE, text))
    done = run("run", tmp_path / "job.sql")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for path in (tmp_path / "late").glob("part-*") for line in path.read_text().splitlines()]
    assert (lines[-1]["op"], lines[-1]["row"][0], lines[-1]["row"][2]) == ("+U", "WindowAggregate", "2")


def test_a_job_that_was_stopped_reads_on(tmp_path):
    state = tmp_path / "state"
    options = ["--state", str(state), "-D", "paystream.end-of-input=savepoint"]
    assert job(tmp_path, statement_set(TUMBLE, LATE), options=options).returncode == 0
    assert [row["id"] for _, _, row in late_rows(tmp_path)] == [3, 5]
    with open(tmp_path / "events.csv", "a") as file:
        file.write("7,16,2026-01-01 00:00:20\n")
    done = run("run", tmp_path / "job.sql", *options)
    assert done.returncode == 0, done.stderr
    assert [row["id"] for _, _, row in late_rows(tmp_path)] == [3, 5, 7]


@pytest.mark.parametrize("batch", ["1", "2", "1024"])
def test_times_far_in_the_future_do_not_move_the_watermark(tmp_path, batch):
    """Decision e: a cap on times ahead of the clock; the rows are counted and kept as dead letters."""
    settings = f"SET 'paystream.dead-letter.path' = '{tmp_path}/dead.jsonl';\nSET 'paystream.event-time.max-ahead' = '1 d';\n"
    (tmp_path / "events.csv").write_text("1,10,2026-01-01 00:00:05\n2,11,2199-01-01 00:00:00\n3,12,2026-01-01 00:00:07\n4,13,2199-01-01 00:00:01\n")
    (tmp_path / "job.sql").write_text(settings + DDL.format(tmp_path).replace("WATERMARK FOR ts AS ts)", "WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)") + TUMBLE)
    done = run("run", tmp_path / "job.sql", "-D", f"paystream.batch.rows={batch}")
    assert done.returncode == 0, done.stderr
    assert "2 rows were put aside" in done.stderr and "late" not in done.stderr
    assert [path.read_text() for path in (tmp_path / "sums").glob("part-*")] == ['"2026-01-01 00:00:00",2\n']
    letters = [json.loads(line) for line in (tmp_path / "dead.jsonl").read_text().splitlines()]
    assert [(letter["position"], letter["reason"]) for letter in letters] == [
        (2, "event time is more than 86400000 ms ahead of the clock"), (4, "event time is more than 86400000 ms ahead of the clock")]
    assert json.loads(letters[0]["raw"])["ts"] == "2199-01-01 00:00:00.000"


@pytest.mark.parametrize("prefix, statements, message", [
    ("", (statement_set(TUMBLE, LATE),), "reading the late rows of a table is not portable to Flink"),
    (EXTENDED, (TUMBLE, LATE), "the late rows of 'sums' can be read only beside the INSERT that fills it"),
    (EXTENDED, (statement_set("INSERT INTO sums SELECT ts, 1 FROM events;\n", LATE),), "nothing on the way to 'sums' drops late rows"),
    (EXTENDED, ("SELECT * FROM nothing$late;",), "there is no table 'nothing' that could have late rows"),
    (EXTENDED, ("INSERT INTO sums$late SELECT 1;",), "table 'sums$late' not found")])
def test_what_has_no_late_rows_is_told(tmp_path, prefix, statements, message):
    done = job(tmp_path, *statements, prefix=prefix)
    assert done.returncode == 1
    assert message in done.stderr
