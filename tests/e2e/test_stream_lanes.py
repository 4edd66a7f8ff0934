"""Lanes: a file that several threads read together gives what one thread gives, also where it cannot be cut blindly: bad records, line ends within quotes,
long lines, several files, compressed ones. Rows of one key keep their order; where nothing is keyed, all do."""
import gzip
import json
import random
import subprocess
import time

import pytest
from conftest import PROGRAM

ROWS = 20_000
LANES = (1, 2, 3, 4)
DDL = """CREATE TABLE t (n BIGINT, ts TIMESTAMP(3), k STRING, v INT, note STRING, WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = '{form}'{more});
"""
TUMBLE = """SELECT window_end, k, COUNT(*), SUM(v), MAX(note) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY window_start,
window_end, k;"""
EACH = "SELECT n, k, 1000 / v, note FROM t;"


def lines(count=ROWS, seed=1, note=lambda numbers, n: f"note {n}"):
    numbers = random.Random(seed)
    for n in range(count):
        ms = max(0, n * 30 - numbers.randrange(4000))
        time = f"2026-01-01 {ms // 3600000:02}:{ms // 60000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"
        yield [str(n), time, f"k{numbers.randrange(9)}", str(numbers.randrange(1, 99)), note(numbers, n)]


def csv(rows):
    return "".join(",".join(row) + "\n" for row in rows)


def run(directory, path, query, lanes, *options, form="csv", more="", rows_of_a_batch=1024):
    script = directory / f"script-{lanes}.sql"
    script.write_text(DDL.format(path=path, form=form, more=more) + query)
    return subprocess.run([PROGRAM, "run", script, "--quiet", "--format", "json", "--parallelism", str(lanes), "-D",
                           f"paystream.batch.rows={rows_of_a_batch}", *options], capture_output=True, text=True, timeout=120)


def answer(stdout, in_order):
    return stdout.splitlines() if in_order else sorted(stdout.splitlines())


def assert_lanes_agree(directory, path, query, in_order=True, **how):
    """The answer of every number of lanes is that of one, or so is the error."""
    expected = run(directory, path, query, 1, **how)
    for lanes in LANES[1:]:
        for rows in (7, 1024):
            found = run(directory, path, query, lanes, rows_of_a_batch=rows, **how)
            assert found.returncode == expected.returncode and found.stderr.replace(f"script-{lanes}.", "script-1.") == expected.stderr, found.stderr
            if expected.returncode == 0:
                assert answer(found.stdout, in_order) == answer(expected.stdout, in_order), f"{lanes} lanes answer differently"
    return expected


@pytest.mark.parametrize("query", [TUMBLE, EACH], ids=["tumble", "each"])
@pytest.mark.parametrize("form", ["csv", "json"])
def test_one_file_is_decoded_by_all_lanes(query, form, tmp_path):
    names = ("n", "ts", "k", "v", "note")
    text = csv(lines()) if form == "csv" else "".join(json.dumps(dict(zip(names, row))) + "\n" for row in lines())
    (tmp_path / "in").write_text(text.removesuffix("\n"))
    assert len(assert_lanes_agree(tmp_path, tmp_path / "in", query, in_order=query == EACH, form=form).stdout.splitlines()) > 100


def test_line_ends_within_quotes_are_found(tmp_path):
    (tmp_path / "in.csv").write_text(csv(lines(note=lambda numbers, n: '"two\nlines ""and"" more"' if numbers.random() < 0.01 else "one")))
    done = assert_lanes_agree(tmp_path, tmp_path / "in.csv", EACH)
    assert done.stdout.count("two\\nlines") > 50


def test_lines_longer_than_a_block_are_found(tmp_path):
    (tmp_path / "in.csv").write_text(csv(lines(2000, note=lambda numbers, n: "x" * (300_000 if n % 500 == 77 else 5))))
    assert len(assert_lanes_agree(tmp_path, tmp_path / "in.csv", EACH).stdout) > 1_000_000


def test_files_of_a_directory_follow_each_other(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    rows = list(lines())
    for number, cut in enumerate((0, 1, 7, 4000, 12_000)):
        (folder / f"part-{number}.csv").write_text(csv(rows[cut:cut + 3000]))
    (folder / "part-1a.csv").write_text("")
    with gzip.open(folder / "part-9.csv.gz", "wt") as out:
        out.write(csv(rows[15_000:]))
    assert_lanes_agree(tmp_path, folder, TUMBLE, in_order=False)
    assert_lanes_agree(tmp_path, folder, EACH)


@pytest.mark.parametrize("place", [0, 999, 13_000, ROWS - 1])
@pytest.mark.parametrize("column, value, says", [(3, "x", "in.csv:"), (3, "0", "row "), (1, "NULL", "NULL")], ids=["text", "division", "no time"])
def test_the_error_is_that_of_the_first_bad_row(place, column, value, says, tmp_path):
    rows = list(lines())
    for bad in (place, *range(place + 1, ROWS, 500)):
        rows[bad][column] = value
    (tmp_path / "in.csv").write_text(csv(rows))
    done = assert_lanes_agree(tmp_path, tmp_path / "in.csv", EACH, more=", 'csv.null-literal' = 'NULL'")
    assert done.returncode == 1 and says in done.stderr and str(place + 1) in done.stderr, done.stderr


@pytest.mark.parametrize("every", [37, 4001])
def test_bad_rows_go_to_the_dead_letters_in_order(every, tmp_path):
    rows = list(lines())
    for bad in range(11, ROWS, every):
        rows[bad][3] = "x"
    (tmp_path / "in.csv").write_text(csv(rows))
    letters = []
    for lanes in (1, 3):
        kept = tmp_path / f"dead-{lanes}"
        done = run(tmp_path, tmp_path / "in.csv", EACH, lanes, "-D", f"paystream.dead-letter.path={kept}", more=", 'csv.ignore-parse-errors' = 'true'")
        assert done.returncode == 0, done.stderr
        text = [json.loads(line) for path in sorted(kept.rglob("*.jsonl")) for line in path.read_text().splitlines()]
        letters.append((done.stdout, [(letter["source"], letter["position"], letter["raw"]) for letter in text]))
    assert letters[0] == letters[1]


def test_the_watermark_that_a_row_has_met_is_that_of_the_whole_stream(tmp_path):
    (tmp_path / "in.csv").write_text(csv(lines()))
    assert_lanes_agree(tmp_path, tmp_path / "in.csv", "SELECT n, CURRENT_WATERMARK(ts) FROM t;")
    assert_lanes_agree(tmp_path, tmp_path / "in.csv", "SELECT k, CURRENT_WATERMARK(ts), COUNT(*) FROM t GROUP BY k, CURRENT_WATERMARK(ts);", in_order=False)


IDLE = """SET 'table.exec.source.idle-timeout' = '1 s';
SET 'execution.checkpointing.interval' = '200 ms';
CREATE TABLE requests (k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'filesystem', 'path' = '{path}/requests', 'format' = 'csv', 'source.monitor-interval' = '100 ms');
CREATE TABLE captures (k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'filesystem', 'path' = '{path}/captures', 'format' = 'csv', 'source.monitor-interval' = '100 ms');
CREATE TABLE joined (k STRING, ts TIMESTAMP(3), captured TIMESTAMP(3)) WITH ('connector' = 'filesystem', 'path' = '{path}/joined', 'format' = 'csv');
INSERT INTO joined SELECT r.k, r.ts, CAST(c.ts AS TIMESTAMP(3)) FROM requests AS r
LEFT JOIN captures AS c ON r.k = c.k AND c.ts BETWEEN r.ts AND r.ts + INTERVAL '1' SECOND;
"""


def committed(directory):
    parts = [path for path in directory.glob("*") if not path.name.startswith((".", "_"))] if directory.exists() else []
    return [line for path in parts for line in path.read_text().splitlines()]


@pytest.mark.parametrize("lanes", LANES)
def test_what_an_idle_source_lets_go_comes_from_every_lane(lanes, tmp_path):
    """Requests that no capture can follow any more, because the other source has become idle: no row comes after them."""
    for name, count in (("requests", 2000), ("captures", 1)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.csv").write_text("".join(f"k{n % 7},2026-01-01 00:00:{n // 50:02}.{n % 50 * 20:03}\n" for n in range(count)))
    script = tmp_path / "script.sql"
    script.write_text(IDLE.format(path=tmp_path))
    least = 1900  # the watermark is that of the last request, and an interval join looks for what is over in steps of half a second
    with subprocess.Popen([PROGRAM, "run", script, "--state", tmp_path / "state", "--quiet", "--parallelism", str(lanes)]) as process:
        try:
            until = time.monotonic() + 30
            while len(committed(tmp_path / "joined")) < least and time.monotonic() < until:
                time.sleep(0.1)
        finally:
            process.kill()
    rows = committed(tmp_path / "joined")
    assert least <= len(rows) == len(set(rows))
