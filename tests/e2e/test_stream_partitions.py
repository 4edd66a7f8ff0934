"""Partitioned tables of files: a folder per value as Hive and Flink name them, the same rows back, and no file for the columns in their names."""
import os
import pathlib

import pytest

from conftest import run

TABLE = """CREATE TABLE t ({columns}) PARTITIONED BY ({by}) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = '{form}'{more});
"""


def script(tmp_path, text):
    path = tmp_path / "job.sql"
    path.write_text(text)
    return path


def table(tmp_path, columns, by, form="csv", more=""):
    return TABLE.format(columns=columns, by=by, path=tmp_path / "out", form=form, more=more)


def query(tmp_path, text, *options):
    done = run("run", script(tmp_path, text), "--quiet", "--format", "json", *options)
    assert done.returncode == 0, done.stderr
    return [line.split('"row":')[1].rstrip("}") for line in done.stdout.splitlines() if '"row"' in line]


def refusal(tmp_path, text):
    done = run("run", script(tmp_path, text))
    assert done.returncode == 1, done.stdout
    return done.stderr


def content(tmp_path):
    """Text of the part files by their folder, parts put together."""
    found = {}
    for path in sorted((tmp_path / "out").rglob("*")):
        if path.is_file():
            assert path.name.startswith("part-"), path
            folder = str(path.parent.relative_to(tmp_path / "out"))
            found[folder] = found.get(folder, "") + path.read_text()
    return found


TYPES = "a INT, d DATE, s STRING, ts TIMESTAMP(3), b BOOLEAN, n DECIMAL(10, 2), f DOUBLE"
VALUES = """INSERT INTO t VALUES
 (1, DATE '2020-01-02', 'x y', TIMESTAMP '2020-01-02 03:04:05.678', TRUE, 1.50, 2.5e0),
 (2, DATE '2020-01-02', 'a/b=c:d%e"f#g?h[i]j{k}l^m~n*o\\p''q', TIMESTAMP '2020-01-02 03:04:05.678', FALSE, 1.50, 1e20),
 (3, CAST(NULL AS DATE), CAST(NULL AS STRING), CAST(NULL AS TIMESTAMP(3)), CAST(NULL AS BOOLEAN), CAST(NULL AS DECIMAL(10, 2)), CAST(NULL AS DOUBLE)),
 (4, DATE '2020-01-02', '', TIMESTAMP '2020-01-02 03:00:00', FALSE, 100, 1e0),
 (5, DATE '1969-01-02', 'ü', TIMESTAMP '2020-01-02 03:00:05', FALSE, 100, 1e0);
"""
NONE = "__DEFAULT_PARTITION__"


@pytest.mark.parametrize("form, first", [("csv", "1\n"), ("json", '{"a":1}\n')])
def test_values_are_named_as_flink_names_them_and_come_back(tmp_path, form, first):
    ddl = table(tmp_path, TYPES, "s, d, ts, b, n, f", form)
    query(tmp_path, ddl + VALUES)
    other = first.replace
    assert content(tmp_path) == {  # Flink 2.2 writes the same names, but for DATE, of which it writes a number that it cannot read
        "s=x y/d=2020-01-02/ts=2020-01-02T03%3A04%3A05.678/b=true/n=1.50/f=2.5": first,
        "s=a%2Fb%3Dc%3Ad%25e%22f%23g%3Fh%5Bi%5Dj%7Bk%7Dl%5Em~n%2Ao%5Cp%27q/d=2020-01-02/ts=2020-01-02T03%3A04%3A05.678/b=false/n=1.50/f=1.0E20": other("1", "2"),
        f"s={NONE}/d={NONE}/ts={NONE}/b={NONE}/n={NONE}/f={NONE}": other("1", "3"),
        f"s={NONE}/d=2020-01-02/ts=2020-01-02T03%3A00/b=false/n=100.00/f=1.0": other("1", "4"),
        "s=ü/d=1969-01-02/ts=2020-01-02T03%3A00%3A05/b=false/n=100.00/f=1.0": other("1", "5")}
    assert sorted(query(tmp_path, ddl + "SELECT * FROM t;")) == [
        '[1,"2020-01-02","x y","2020-01-02 03:04:05.678",true,1.50,2.5]',
        '[2,"2020-01-02","a/b=c:d%e\\"f#g?h[i]j{k}l^m~n*o\\\\p\'q","2020-01-02 03:04:05.678",false,1.50,1.0E20]',
        "[3,null,null,null,null,null,null]",
        '[4,"2020-01-02",null,"2020-01-02 03:00:00.000",false,100.00,1.0]',
        '[5,"1969-01-02","ü","2020-01-02 03:00:05.000",false,100.00,1.0]']


def test_the_folder_of_null_has_the_name_of_the_option(tmp_path):
    ddl = table(tmp_path, "a INT, s STRING", "s", more=", 'partition.default-name' = '__HIVE_DEFAULT_PARTITION__'")
    query(tmp_path, ddl + "INSERT INTO t VALUES (1, CAST(NULL AS STRING)), (2, 'x');")
    assert content(tmp_path) == {"s=__HIVE_DEFAULT_PARTITION__": "1\n", "s=x": "2\n"}
    assert sorted(query(tmp_path, ddl + "SELECT * FROM t;")) == ["[1,null]", '[2,"x"]']


MANY = """CREATE TABLE made (id BIGINT, amount INT) WITH ('connector' = 'datagen', 'seed' = '3', 'fields.id.kind' = 'sequence',
  'fields.id.start' = '1', 'fields.id.end' = '{rows}');
"""


@pytest.mark.parametrize("options", [(), ("--parallelism", "3"), ("-D", "paystream.batch.rows=7")])
def test_each_partition_has_its_rows_in_their_order(tmp_path, options):
    rows = 3000
    ddl = table(tmp_path, "p BIGINT, id BIGINT, q STRING", "q, p")
    query(tmp_path, MANY.format(rows=rows) + ddl + "INSERT INTO t SELECT MOD(id, 7), id, CASE WHEN id > 1500 THEN 'late' ELSE 'soon' END FROM made;", *options)
    expected = {}
    for n in range(1, rows + 1):
        expected.setdefault(f"q={'late' if n > 1500 else 'soon'}/p={n % 7}", []).append(n)
    assert content(tmp_path) == {folder: "".join(f"{n}\n" for n in numbers) for folder, numbers in expected.items()}
    assert sorted(query(tmp_path, ddl + "SELECT id, p, q FROM t;", *options)) == sorted(
        f'[{n},{n % 7},"{"late" if n > 1500 else "soon"}"]' for n in range(1, rows + 1))


def test_more_partitions_than_open_files(tmp_path):
    ddl = table(tmp_path, "p BIGINT, id BIGINT", "p")
    query(tmp_path, MANY.format(rows=4000) + ddl + "INSERT INTO t SELECT MOD(id, 1000), id FROM made;", "--state", tmp_path / "state")
    assert content(tmp_path) == {f"p={p}": "".join(f"{n}\n" for n in range(p or 1000, 4001, 1000)) for p in range(1000)}


def test_a_constant_partition(tmp_path):
    ddl = table(tmp_path, "a INT, s STRING, n INT", "s, n")
    query(tmp_path, ddl + "INSERT INTO t PARTITION (s = 'k', n = 3) SELECT 1; INSERT INTO t PARTITION (s = 'k') VALUES (2, 4);")
    assert content(tmp_path) == {"s=k/n=3": "1\n", "s=k/n=4": "2\n"}


def test_files_of_several_folders_with_what_they_say_of_themselves(tmp_path):
    for folder, name, text in [("day=2024-01-01", "b", "1\n"), ("day=2024-01-02", "a", "2\n3\n"), ("day=2024-01-01", "_SUCCESS", ""), (".hidden", "x", "9\n")]:
        (tmp_path / "out" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / folder / name).write_text(text)
    os.utime(tmp_path / "out" / "day=2024-01-02" / "a", ns=(0, 1_700_000_000_123_456_789))
    ddl = table(tmp_path, "`day` DATE, id INT, name STRING METADATA FROM 'file.name' VIRTUAL, at_time TIMESTAMP_LTZ(3) METADATA FROM 'file.modification-time' VIRTUAL", "`day`")
    assert query(tmp_path, ddl + "SELECT id, `day`, name FROM t;") == ['[1,"2024-01-01","b"]', '[2,"2024-01-02","a"]', '[3,"2024-01-02","a"]']
    assert query(tmp_path, ddl + "SELECT at_time FROM t WHERE id = 3;") == ['["2023-11-14 22:13:20.123Z"]']
    assert query(tmp_path, ddl + "SELECT `day` FROM t;") == ['["2024-01-01"]', '["2024-01-02"]', '["2024-01-02"]']


@pytest.mark.parametrize("columns, by, place, message", [
    ("a INT, s STRING", "s", "x.csv", "x.csv: the table is PARTITIONED BY columns, so a folder column=value is expected here, not a file"),
    ("a INT, s STRING", "s", "a=1/x.csv", "table t: 'a=1' is no folder of the partition column s (s=…)"),
    ("a INT, s STRING", "s", "s/x.csv", "table t: 's' is no folder of the partition column s (s=…)"),
    ("a INT, n INT", "n", "n=x/x.csv", "table t: folder of a partition: column n: 'x' is no INT"),
    ("a INT, d DATE", "d", "d=19000/x.csv", "table t: folder of a partition: column d: '19000' is no DATE"),
    ("a INT, s STRING NOT NULL", "s", "s=__DEFAULT_PARTITION__/x.csv", "table t: folder 's=__DEFAULT_PARTITION__': column s is NOT NULL")])
def test_folders_that_do_not_fit_the_table(tmp_path, columns, by, place, message):
    path = tmp_path / "out" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("1\n")
    assert message in refusal(tmp_path, table(tmp_path, columns, by) + "SELECT * FROM t;")


@pytest.mark.parametrize("columns, by, insert, message", [
    ("a INT, s STRING", "a, s", "t VALUES (1, 'x')", "all columns are partition columns: none is left for the files"),
    ("a INT, s STRING", "s, s", "t VALUES (1, 'x')", "column 's' is named twice in PARTITIONED BY"),
    ("a INT, b BYTES", "b", "t VALUES (1, X'01')", "PARTITIONED BY the column b is not supported: partition columns are texts, numbers, BOOLEAN, DATE or TIMESTAMP"),
    ("a INT, s STRING", "s", "t PARTITION (a = 1) SELECT 'x'", "'a' is no partition column of table 't'"),
    ("a INT, s STRING", "s", "t SELECT 1, REPEAT('x', 200)", "a value of the partition column s is too long for the name of a folder, which has at most 127 bytes"),
    ("a INT, s STRING", "x", "t SELECT 1, 'x'", "column 'x' of PARTITIONED BY is not defined")])
def test_what_cannot_be_partitioned_is_told(tmp_path, columns, by, insert, message):
    assert message in refusal(tmp_path, table(tmp_path, columns, by) + f"INSERT INTO {insert};")
    assert not list(pathlib.Path(tmp_path).rglob("part-*"))
