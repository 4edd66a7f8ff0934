"""Lanes: a file that several threads read together gives what one thread gives, also where it cannot be cut blindly: bad records, line ends within quotes,
long lines, several files, compressed ones. Rows of one key keep their order; where nothing is keyed, all do."""
import gzip
import json
import random
import subprocess

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
